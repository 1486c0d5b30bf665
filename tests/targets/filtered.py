# SPDX-License-Identifier: MIT
"""A Python process that judges the expressions of `pyinspect refs --filter` by what it knows itself.

    filtered.py READY_FD WAKE_FD FINDINGS_FD PLANS

Keeps a list of objects of many sorts. Writes to the file PLANS a line for each thing that pyinspect
is to be asked: the address of that list, a blank, an expression. Writes "ready\n" to READY_FD and
blocks until the other end of WAKE_FD is closed. What stood in WAKE_FD are orders:
    NUMBER PATH      look at the answer in PATH (--json) to the plan of that number, from 0 on
Each is answered by a line of JSON to FINDINGS_FD: {"expression", "held", "wrong"}: how many objects
it holds for, and those for which only one of us says so. Runs on Python 3.6 and later.
"""
import array
import collections
import gc
import inspect
import json
import os
import sys
import types

BUSY = 700  # references


class Customer:
    def __init__(self, name):
        self.name = name
        self.orders = []


class Order:
    __slots__ = ("customer", "price", "note", "__weakref__")

    def __init__(self, customer, price, note):
        self.customer, self.price, self.note = customer, price, note


class Finalized:
    def __del__(self):
        pass


class Below(Finalized):
    pass


class Module(types.ModuleType):
    pass


class Meta(type):
    pass


class Table(dict):
    def __len__(self):
        return 77


def make_all():
    customer = Customer("Smith, John")
    orders = [Order(customer, price, note) for price, note in [
        (0, "first"), (100, "it's \"x\""), (-5, None), (2.5, "2.5"), (1 << 63, "100"), (-1e300, ()),
        (1 << 70, True), (float("inf"), "a\ud800b"), ("100", 0), (True, b"100")]]
    strange, named = Module("sys"), types.ModuleType("filtered_named")
    sys.modules["filtered_other"] = named
    sys.modules["filtered_proper"] = proper = types.ModuleType("filtered_proper")
    generator = (x for x in orders)
    next(generator)
    return [
        customer, orders, Finalized(), Below(), strange, named, proper, sys, os, Meta("Made", (), {}),
        Order, type, int, Customer.__init__, len, customer.__init__, lambda: None, generator,
        sys._getframe(), {"a": 1, "b": 2}, Table(a=1), {}, {1, 2, 3}, frozenset(), (), (1, 2, 3),
        collections.deque([1, 2, 3]), collections.OrderedDict(a=1), collections.defaultdict(list),
        collections.Counter("abc"), array.array("i", [1, 2, 3]), bytearray(b"12345"), b"12345", "12345",
        "\u20ac" * 5, "x" * 2000, 5, 1 << 80, 2.5, None, True, Ellipsis, NotImplemented, object(),
        types.SimpleNamespace(price=7, name="Smith"), types.MappingProxyType({}), range(5),
        os.stat("/"), ValueError("x"), collections.namedtuple("Point", "x y")(1, 2),
    ] + orders


def has(item, name):
    """What pyinspect takes for an attribute: no property, no code."""
    try:
        return name in vars(item) or name in getattr(type(item), "__slots__", ())
    except TypeError:
        return name in getattr(type(item), "__slots__", ())


def number_of(item, name):
    value = getattr(item, name) if has(item, name) else None
    return value if type(value) in (int, float) and abs(value) != float("inf") else None


def text_of(item, name):
    value = getattr(item, name) if has(item, name) else None
    return value if isinstance(value, str) else None


SIZED = (list, tuple, dict, set, frozenset, str, bytes, bytearray, collections.deque, array.array)


def length_of(item):
    for base in SIZED:
        if isinstance(item, base):
            return base.__len__(item)
    return None


def is_proper(item):
    return isinstance(item, types.ModuleType) and sys.modules.get(item.__name__) is item


def type_name(item):
    kind = type(item)
    name = kind.__qualname__
    return name if kind.__module__ == "builtins" else kind.__module__ + "." + name


def is_immortal(item):
    return sys.version_info >= (3, 12) and sys.getrefcount(item) >= 1 << 30


def generations():
    ret = {}
    for generation in range(3):
        for item in gc.get_objects(generation=generation):
            ret[id(item)] = generation
    return ret


EXPRESSIONS = [
    ("type == 'list' or short_type == 'Order' or type == 'collections.deque'",
     lambda o: type_name(o) in ("list", "collections.deque", "__main__.Order")),
    ("type ~ '__main__.*,*dict,b[oy]*' and type !~ '*Table'",
     lambda o: type_name(o).startswith("__main__.") and not isinstance(o, Table) or
     type_name(o).endswith("dict") or type_name(o)[:2] in ("bo", "by")),
    ("module == 'collections' or module ~ 'o?'", lambda o: type(o).__module__ in ("collections", "os")),
    ("module == 'builtins' and not is_class", lambda o: type(o).__module__ == "builtins" and
     not isinstance(o, type)),
    ("size >= 100 and size < 4k", lambda o: 100 <= sys.getsizeof(o) < 4096),
    ("len == 5 or len > 0x7cf", lambda o: length_of(o) == 5 or (length_of(o) or 0) > 1999),
    ("len != 3", lambda o: length_of(o) is not None and length_of(o) != 3),
    ("not len >= 0", lambda o: length_of(o) is None),
    ("refcount > %d" % BUSY, lambda o: sys.getrefcount(o) > BUSY and not is_immortal(o)),
    ("immortal", is_immortal),
    ("tracked", gc.is_tracked),
    ("is_class or is_frame", lambda o: isinstance(o, (type, types.FrameType))),
    ("is_function", inspect.isfunction),
    ("is_module and not is_proper_module", lambda o: inspect.ismodule(o) and not is_proper(o)),
    ("is_proper_module", is_proper),
    ("has_del", lambda o: hasattr(type(o), "__del__")),
    ("depth == 1 and depth < 2 and not depth > 1", lambda o: True),
    ("repr == '(1, 2, 3)' or repr ~ '<module *,*' or repr ~ '<module *'",
     lambda o: repr(o) == "(1, 2, 3)" or inspect.ismodule(o)),
    ("repr == 5 or repr > 1T and repr != 0", lambda o: type(o) is int and (o == 5 or o > 1 << 40)),
    ("attr.price < 1 or attr.price >= 9223372036854775808",
     lambda o: number_of(o, "price") is not None and
     (o.price < 1 or o.price >= 9223372036854775808)),
    ("attr.price == 100", lambda o: number_of(o, "price") == 100),
    ("attr.price == '100'", lambda o: has(o, "price") and str(o.price) == "100" and
     not isinstance(o, type)),
    ("attr.note == '100'", lambda o: text_of(o, "note") == "100"),
    ("attr.note ~ 'it?s *' or attr.note ~ 'a*b'",
     lambda o: (text_of(o, "note") or "").startswith("it's ") or text_of(o, "note") == "a\ud800b"),
    ("attr.note == \"b'100'\" or attr.note == 'None'",
     lambda o: has(o, "note") and (o.note is None or o.note == b"100")),
    ("attr.name ~ 'Smith*' and attr.name !~ '*, *'",
     lambda o: (text_of(o, "name") or "") == "Smith"),
    ("attr.name == 'Smith, John'", lambda o: text_of(o, "name") == "Smith, John"),
]


def with_generations():
    if sys.version_info < (3, 8):
        return []
    known = generations()
    return [("generation == %d" % generation,
             lambda o, generation=generation: gc.is_tracked(o) and
             known.get(id(o), 3) == generation) for generation in range(4)]


def main():
    ready, wake, findings = map(int, sys.argv[1:4])
    gc.disable()
    gc.collect()
    objects = make_all()
    busy = [objects[1]] * BUSY
    if hasattr(gc, "freeze"):
        gc.freeze()
    objects += [[busy], Customer("late")]
    expressions = EXPRESSIONS + with_generations()
    for item in objects:
        assert not 0.8 * BUSY < sys.getrefcount(item) < BUSY or is_immortal(item), item
    expected = [{id(item) for item in objects if holds(item)} for text, holds in expressions]
    with open(sys.argv[4], "w") as file:
        for text, holds in expressions:
            file.write("%#x %s\n" % (id(objects), text))
    os.write(ready, b"ready\n")
    orders = b""
    while True:
        some = os.read(wake, 1 << 16)
        if not some:
            break
        orders += some
    for order in orders.decode().splitlines():
        number, path = order.split(" ", 1)
        with open(path) as file:
            nodes = json.load(file)["nodes"]
        text, holds = expressions[int(number)]
        got = {int(node["address"], 16) for node in nodes if not node["root"]}
        differ = sorted(got ^ expected[int(number)])
        wrong = ["%s %.60r" % ("too much" if id(item) in got else "missing", item)
                 for item in objects if id(item) in differ]
        finding = {"expression": text, "held": len(got), "wrong": wrong or differ}
        os.write(findings, (json.dumps(finding) + "\n").encode())


if __name__ == "__main__":
    main()
