# SPDX-License-Identifier: MIT
"""A Python process that judges how `pyinspect refs` calls references.

    linked.py READY_FD WAKE_FD FINDINGS_FD ADDRESSES

Makes objects that refer to others in all the ways that Python has a word for, and writes their
addresses to the file ADDRESSES. Writes "ready\n" to READY_FD and blocks until the other end of
WAKE_FD is closed. What stood in WAKE_FD are orders, one a line:
    names PATH      judge what `refs --json --all-references --max-depth 1 --too-many 0` said of them
Each is answered by a line of JSON to FINDINGS_FD: {"confirmed": references whose name, put behind the
object's own, is an expression that gives just what they lead to; "by_hand": those with a name that
Python has no expression for, but which is what is said of a key, an element or a variable; "inner":
how many have the name of a field that Python does not show, by name; "wrong": complaints}.

Runs on Python 3.6 and later.
"""
import collections
import functools
import gc
import json
import os
import re
import sys
import types
import weakref

# Of C structures, which have no name in Python, or another one.
INNER = re.compile(r"\.[a-z_]+$|stack\[\d+\]$|via tp_traverse$|\?$")


class Thing:
    pass


class Order(Thing):
    def __init__(self):
        self.orders, self.__secret = [Thing()], Thing()

    def total(self, first=(1, 2), *, second={}):
        return first, second, __class__


class Slotted:
    __slots__ = "left", "_right", "__weakref__"


class Mixed(Slotted, Thing):
    pass


def closure(value, other):
    def inner(argument: "annotation" = [1], *, keyword=[2]):
        """Documentation."""
        return value, other, argument, keyword
    inner.attribute = Thing()
    return inner


def generator(argument):
    local, shared = [Thing()], [Thing()]

    def inner():
        return shared
    yield inner
    return local, argument


async def coroutine(argument):
    return argument


CELL = type(closure(0, 0).__closure__[0])


def failure():
    try:
        try:
            raise KeyError(Thing())
        except KeyError as cause:
            raise OSError(2, "no", "file name") from cause
    except OSError as error:
        return error


def wanted(things):
    """[(object, {name: what it leads to})]: names that there must be."""
    a, b, c = things
    ordered, order = collections.OrderedDict(first=a), Order()
    by_slots, function, started = Slotted(), closure(a, b), generator(a)
    by_slots.left, by_slots._right = a, b
    mixed = Mixed()
    mixed.left, mixed.free = a, b
    odd = Thing()
    setattr(odd, "not a name", a)
    materialised = Thing()
    materialised.attribute = a
    vars(materialised)
    next(started)
    error = failure()
    weak = weakref.ref(c, print)
    partial = functools.partial(function, a, key=b)
    method = order.total
    is_old = sys.version_info < (3, 11)
    ret = [
        ({"k17": a, 3: b, ("x", 1): c}, {"['k17']": a, "[3]": b, "[('x', 1)]": c}),
        ({"it's": a, "two\nlines": b}, {'["it\'s"]': a, "['two\\nlines']": b}),
        (ordered, {"['first']": a, "key 'first'": "first"}),
        (collections.defaultdict(list, one=a), {"['one']": a, ".default_factory": list}),
        ([a, b, a], {"[0]": a, "[1]": b, "[2]": a}),
        ((a, [b]), {"[0]": a}),
        (collections.deque([a, b]), {"[0]": a, "[1]": b}),
        ({a}, {"{\u2026}": a}), (frozenset([b]), {"{\u2026}": b}),
        (order, {".__dict__": None} if is_old else {".orders": order.orders}),
        (order.orders, {"[0]": order.orders[0]}),
        (odd, {} if is_old else {".__dict__['not a name']": a}),
        (materialised, {}),
        (by_slots, {".left": a, "._right": b, ".__class__": Slotted}),
        (mixed, {".left": a, ".__class__": Mixed}),
        (function, {".__globals__": globals(), ".__code__": function.__code__,
                    ".__closure__": function.__closure__, ".__dict__": function.__dict__,
                    ".__defaults__": function.__defaults__, ".__name__": function.__name__,
                    ".__kwdefaults__": function.__kwdefaults__, ".__doc__": function.__doc__}),
        (function.__closure__, {"[0]": function.__closure__[0]}),
        (function.__closure__[0], {".cell_contents": function.__closure__[0].cell_contents}),
        (method, {".__self__": order, ".__func__": Order.total}),
        ([].append, {}), (a.__class__.__init__, {}),
        (sys.modules["gc"], {".__dict__": vars(gc)}),
        (Order, {".__mro__": Order.__mro__, ".__bases__": Order.__bases__, ".__base__": Thing}),
        (Thing, {}), (type(a.__class__.__dict__["__dict__"]), {}),
        (started, {}), (coroutine(a), {}),
        (error, {".args": error.args, ".__cause__": error.__cause__, ".filename": error.filename,
                 ".__traceback__": error.__traceback__}),
        (error.__traceback__, {".tb_frame": error.__traceback__.tb_frame}),
        (error.__traceback__.tb_frame, {}),
        (weak, {".__callback__": print}),
        (partial, {".func": function, ".args": partial.args, ".keywords": partial.keywords}),
        (property(function), {".fget": function}), (staticmethod(function), {".__func__": function}),
        (slice(a, b, c), {".start": a, ".stop": b, ".step": c}),
        (types.SimpleNamespace(one=a), {}), (types.MappingProxyType({"one": a}), {}),
        (iter([a]), {}), (super(Order, order), {".__self__": order, ".__thisclass__": Order}),
        (function.__code__, {".co_name": function.__code__.co_name,
                             ".co_filename": function.__code__.co_filename}),
    ]
    if is_old:
        ret.append((vars(order), {"['orders']": order.orders}))
        ret.append((started.gi_frame, {"local local": started.gi_frame.f_locals["local"]}))
    else:
        ret[ret.index((started, {}))] = (started, {"local local": None, "cell shared": None,
                                                   "local argument": a})
    return ret


def frame_of(item):
    if type(item) is types.FrameType:
        return item
    for name in "gi_frame", "cr_frame", "ag_frame", "tb_frame":
        if getattr(item, name, None) is not None:
            return getattr(item, name)
    return None


def holds_variable(item, name, target):
    frame = frame_of(item)
    if frame is None:
        return False
    kind, variable = name.split(" ", 1)
    value = frame.f_locals.get(variable)
    return type(target) is CELL and target.cell_contents is value if kind == "cell" \
        else value is target


def by_hand(item, name, target):
    if name == "{\u2026}":
        return any(element is target for element in item)
    if name.startswith("key "):
        # A class has the keys that its instances' dicts share.
        is_key = isinstance(target, str) if isinstance(item, type) else any(
            key is target for key in item)
        return is_key and name[4:] == repr(target)[:40]
    if name.startswith(("local ", "cell ")):
        return holds_variable(item, name, target)
    return False


def confirm(item, name, target):
    """Whether it is an expression, and gives the target."""
    if name[0] not in ".[":
        return False
    try:
        value = eval("item" + name, {"item": item})
    except Exception:
        return False
    if type(value) is type(Thing.__dict__) or name == ".__dict__":  # a view of the dict itself
        return value == target
    return value is target


class Judge:
    def __init__(self, wishes):
        self.wishes = wishes
        self.confirmed = self.by_hand = 0
        self.inner, self.wrong = collections.Counter(), []

    def judge_edge(self, item, name, number, find):
        target = find.get(number, self)  # nobody knows it: it is a field's that Python does not show
        if confirm(item, name, target):
            self.confirmed += 1
        elif by_hand(item, name, target):
            self.by_hand += 1
        elif INNER.match(name) and not hasattr(item, name[1:]):
            self.inner["%s%s" % (type(item).__name__, name)] += 1
        else:
            self.wrong.append("%s%s leads to %s" % (object.__repr__(item), name, repr(target)[:60]))

    def judge(self, edges, find):
        names = collections.defaultdict(dict)
        for edge in edges:
            name = edge["name"] if "name" in edge else edge["label"]
            names[int(edge["from"], 16)].setdefault(name, set()).add(int(edge["to"], 16))
        for item, wishes in self.wishes:
            told = names[id(item)]
            for name, targets in told.items():
                for target in targets:
                    self.judge_edge(item, name, target, find)
            for name, target in wishes.items():
                if name not in told or target is not None and id(target) not in told[name]:
                    self.wrong.append("%s has no %s" % (object.__repr__(item), name))


def find_all(wishes):
    """{id: object} of what they refer to, visited or not."""
    ret = {id(item): item for item in gc.get_objects()}
    for item in list(ret.values()):
        for part in gc.get_referents(item):
            ret.setdefault(id(part), part)
    for item, expected in wishes:
        names = dir(item) + ["__mro__", "__bases__"]
        for part in list(expected.values()) + [getattr(item, name, None) for name in names]:
            ret.setdefault(id(part), part)
    for item in list(ret.values()):
        if type(item) is dict:
            for key in list(item):
                ret.setdefault(id(key), key)
        elif type(item) is types.CodeType:
            for name in dir(item):
                if name.startswith("co_") and name not in ("co_code", "co_lnotab"):
                    part = getattr(item, name)
                    ret.setdefault(id(part), part)
    return ret


def main(ready_fd, wake_fd, findings_fd, path):
    wait = open(wake_fd, "rb", buffering=0).readall
    things = [Thing() for _ in range(3)]
    wishes = wanted(things)
    gc.collect()
    gc.disable()
    with open(path, "w") as file:
        for item, _ in wishes:
            file.write("%d\n" % id(item))
    os.write(ready_fd, b"ready\n")
    orders = os.fsdecode(wait()).splitlines()
    find = find_all(wishes)
    with open(findings_fd, "w", encoding="utf-8", errors="surrogatepass") as findings:
        for order in orders:
            with open(order.split(" ", 1)[1], encoding="utf-8") as file:
                answer = json.load(file)
            judge = Judge(wishes)
            judge.judge(answer["edges"], find)
            findings.write(json.dumps({"confirmed": judge.confirmed, "by_hand": judge.by_hand,
                                       "inner": judge.inner, "wrong": judge.wrong}) + "\n")


if __name__ == "__main__":
    main(*(list(map(int, sys.argv[1:4])) + [sys.argv[4]]))
    os._exit(0)
