# SPDX-License-Identifier: MIT
"""Families of containers, each in the shapes that its memory can take."""
import builtins
import collections
import os
import sys
import time
import types

from . import family, skipped


class Array(list):
    pass


class SlottedArray(list):
    __slots__ = "left", "right"


class Row(tuple):
    pass


class SlottedRow(tuple):
    __slots__ = ()


class Table(dict):
    pass


class SlottedTable(dict):
    __slots__ = "left", "__weakref__"


class Missing(dict):
    def __missing__(self, key):
        return key


class Group(set):
    pass


class FrozenGroup(frozenset):
    __slots__ = "left",


class Queue(collections.deque):
    pass


class Ordered(collections.OrderedDict):
    pass


class Default(collections.defaultdict):
    pass


class Plain:
    pass


Point = collections.namedtuple("Point", "x y")


def with_attribute(value):
    value.attribute = [value]
    return value


def numbered(count):
    return {"key_%d" % index: index for index in range(count)}


@family
def lists():
    grown, popped, cut, cleared, inserted = [], list(range(1000)), list(range(100)), [1, 2], []
    for index in range(100):
        grown.append(index)
        inserted.insert(0, index)
    while len(popped) > 3:
        popped.pop()
    del cut[:90]
    cleared.clear()
    slotted = SlottedArray("abc")
    slotted.left = grown
    ring = []
    ring.append(ring)
    left, right = [], []
    left.append(right)
    right.append(left)
    kept = [[], [None], [1, "two", 3.0, b"four"], list(range(10000)), grown, popped, cut, cleared,
            inserted, Array(), Array("ab"), with_attribute(Array("abc")), SlottedArray(), slotted,
            ring, left, [[[[[[]]]]]], [index for index in range(50)], list("word"), sorted("cab"),
            [0] * 77, [[]] * 3]
    kept += [list(range(size)) for size in range(40)]
    kept += [[str(number) for number in range(size)] for size in range(40)]
    kept += [[[]] * size for size in range(20)]
    for size in range(1, 40):
        extended = list(range(size))
        extended.extend(range(size))
        kept.append(extended)
    return kept


@family
def tuples():
    inner = []
    ring = (inner,)
    inner.append(ring)
    kept = [(), (1,), (1, "a"), ((),), ((1,), (2, (3,))), tuple(range(1000)), ([],), ([], {}), ring,
            Row(), Row("ab"), with_attribute(Row("abc")), SlottedRow("ab"), Point(1, []),
            Point(1, 2)]
    kept += [tuple(range(size)) for size in range(30)] + [tuple([[]] * size) for size in range(30)]
    return kept


@family
def struct_sequences():
    kept = [os.stat("/"), os.stat(os.devnull), time.localtime(), time.gmtime(0), sys.flags,
            sys.version_info, sys.float_info, sys.int_info, sys.hash_info, sys.thread_info,
            os.times(), os.uname(), os.statvfs("/"),
            os.terminal_size((80, 24)), sys.implementation, sys.get_asyncgen_hooks()]
    try:
        import grp
        import pwd
        import resource
        kept += [pwd.getpwall()[:3], grp.getgrall()[:3], resource.getrusage(resource.RUSAGE_SELF)]
    except ImportError as error:
        skipped("records of users and resources", error)
    return kept


@family
def ranges():
    kept = [range(stop) for stop in range(50)] + [range(1, stop) for stop in range(50)]
    kept += [range(0, 10, step) for step in (1, 2, -1, 100)]
    kept += [range(1 << 70), range(-(1 << 70), 1 << 70, 1 << 65), range(5)[::-1], range(0)]
    kept += [slice(None), slice(1), slice(1, 2), slice(1, None, 3), slice("a", [], {}),
             slice(-1, 1 << 70)]
    kept += [iter(range(10)), iter(range(1 << 70)), reversed(range(5)), iter(range(3)).__reduce__()]
    used = iter(range(100))
    next(used)
    return kept + [used]


def altered_dicts():
    """Dicts to which something has been done."""
    deleted, popped, cleared, refilled, moved = (numbered(50) for _ in range(5))
    for index in range(0, 50, 3):
        del deleted["key_%d" % index]
    for _ in range(45):
        popped.popitem()
    cleared.clear()
    refilled.clear()
    refilled["a"] = 1
    for index in range(0, 50, 7):
        moved["key_%d" % index] = moved.pop("key_%d" % index)
    shrunk = numbered(1000)
    for index in range(990):
        del shrunk["key_%d" % index]
    general = numbered(20)
    general[1] = general[2.5] = general[None] = general[(1, 2)] = []
    back = numbered(5)
    back[1] = 2
    del back[1]
    only = {"a": 1}
    del only["a"]
    return [deleted, popped, cleared, refilled, moved, shrunk, shrunk.copy(), general,
            general.copy(), back, only, dict(deleted), {**deleted}]


def split_dicts():
    """Dicts of instances, and what they become."""
    owners = [Plain() for _ in range(30)]
    for index, owner in enumerate(owners):
        owner.first, owner.second = index, []
        owner.__dict__
    del owners[1].first
    del owners[2].second
    owners[3].third = 3
    owners[4].__dict__["text"] = 1
    owners[5].__dict__[5] = 5
    owners[6].__dict__.clear()
    owners[7].__dict__.pop("first")
    owners[8].__dict__.update(numbered(40))
    owners[9].__dict__ = numbered(3)
    owners[10].__dict__ = owners[11].__dict__
    owners[12].__dict__ = {}
    copied = [vars(owner).copy() for owner in owners]
    alone = []
    for index in range(10):
        owner = Plain()
        owner.first, owner.second = index, [index]
        alone.append(owner.__dict__)  # outlives its owner
    return owners + copied + alone


@family
def dicts():
    ring = {}
    ring["self"] = ring
    slotted = SlottedTable(a=1)
    slotted.left = ring

    def keywords(**named):
        return named

    kept = [{}, dict(), {"a": 1}, {1: 2}, {(): []}, {None: None, True: 1.5, b"k": "v"}, numbered(5),
            numbered(6), numbered(10), numbered(11), numbered(20000), dict.fromkeys(range(1000)),
            dict.fromkeys("abc"), {float(i): i for i in range(100)},
            {(i, i): [i] for i in range(100)}, ring, Table(), Table(a=1),
            with_attribute(Table(a=1)), SlottedTable(), slotted, Missing(a=2), keywords(),
            keywords(a=1, b=[]), {"outer": {"inner": {"core": []}}}, {frozenset([1]): {2}},
            dict(zip("ab", "cd")), {"\xe9": 1, "\u540d": 2}, {"quote's": 'and "'}]
    kept += [numbered(size) for size in range(45)]
    kept += [{i: str(i) for i in range(size)} for size in range(45)]
    frozen = getattr(builtins, "frozendict", None)
    if frozen:
        class FrozenTable(frozen):
            pass
        kept += [frozen(), frozen(a=1), frozen({1: []}), frozen(numbered(30)), FrozenTable(b=2),
                 hash(frozen(a=1)), with_attribute(FrozenTable(c=[]))]
    else:
        skipped("frozendict", "new in 3.15")
    return kept + altered_dicts() + split_dicts()


@family
def dict_views():
    kept = []
    owner = with_attribute(Plain())
    for table in numbered(10), {i: [] for i in range(5)}, {}, {"a": 1}, Table(b=2), vars(owner):
        kept += [table, table.keys(), table.values(), table.items(), types.MappingProxyType(table)]
        for make in iter, lambda d: iter(d.values()), lambda d: iter(d.items()):
            fresh, used, spent = make(table), make(table), make(table)
            next(used, None)
            list(spent)
            kept += [fresh, used, spent]
        if sys.version_info >= (3, 8):
            kept += [reversed(table), reversed(table.values()), reversed(table.items())]
    return kept


@family
def sets():
    removed, popped, cleared, grown = set(range(100)), set(range(1000)), {1, 2, 3}, set()
    for index in range(0, 100, 3):
        removed.discard(index)
    while len(popped) > 2:
        popped.pop()
    cleared.clear()
    for index in range(500):
        grown.add((index,))
    slotted = FrozenGroup("ab")
    slotted.left = []
    kept = [set(), frozenset(), {1}, {"a"}, {None}, frozenset([1]), frozenset("ab"),
            {frozenset([1])}, set("abcde"), removed, removed.copy(), popped, cleared, grown,
            frozenset(grown), set(range(10000)), Group(), Group("ab"), with_attribute(Group("abc")),
            FrozenGroup(), slotted, {len, Plain}]
    kept += [set(range(size)) for size in range(40)]
    kept += [frozenset(map(str, range(size))) for size in range(40)]
    for members in {1, 2}, set(), set(range(100)):
        used = iter(members)
        next(used, None)
        kept += [iter(members), used]
    return kept


@family
def deques():
    limited = collections.deque(range(100), 10)
    rotated, left, popped, cleared = (collections.deque(range(200)) for _ in range(4))
    rotated.rotate(77)
    for index in range(150):
        left.appendleft(index)
        popped.popleft()
    cleared.clear()
    ring = collections.deque()
    ring.append(ring)
    kept = [limited, rotated, left, popped, cleared, ring, collections.deque([], 0),
            collections.deque(maxlen=5), Queue(), Queue("ab", 7), with_attribute(Queue("abc")),
            iter(rotated), reversed(rotated)]
    kept += [collections.deque(range(size)) for size in range(20)]
    kept += [collections.deque(range(size)) for size in (63, 64, 65, 127, 128, 129, 1000)]
    kept += [collections.deque([[]] * size, size) for size in range(5)]
    return kept


@family
def ordered_dicts():
    deleted, moved, cleared, popped = (collections.OrderedDict(numbered(50)) for _ in range(4))
    for index in range(0, 50, 3):
        del deleted["key_%d" % index]
    for index in range(0, 50, 7):
        moved.move_to_end("key_%d" % index, last=index % 2 == 0)
    cleared.clear()
    while len(popped) > 3:
        popped.popitem(last=False)
    ring = collections.OrderedDict()
    ring["self"] = ring
    kept = [deleted, moved, cleared, popped, ring, with_attribute(collections.OrderedDict(a=1)),
            Ordered(a=1), with_attribute(Ordered(b=[])), collections.OrderedDict({1: 2, (3,): []}),
            deleted.keys(), deleted.values(), deleted.items(), iter(moved), reversed(moved),
            iter(moved.items())]
    kept += [collections.OrderedDict(numbered(size)) for size in range(45)]
    return kept


@family
def other_dicts():
    lists_of = collections.defaultdict(list)
    for index in range(100):
        lists_of[index % 7].append(index)
    nothing = collections.defaultdict(None, a=1)
    ring = collections.defaultdict(int)
    ring["self"] = ring
    kept = [lists_of, nothing, ring, collections.defaultdict(),
            collections.defaultdict(lambda: 1, b=2), collections.defaultdict(int, {1: 2, "a": []}),
            Default(list, a=1), with_attribute(Default(set)), collections.Counter(),
            collections.Counter("abracadabra"), collections.Counter({1: -1, 2: 0}),
            collections.ChainMap(), collections.ChainMap({"a": 1}, numbered(3)),
            collections.UserDict(a=1), collections.UserList([1]), collections.UserString("a"),
            types.SimpleNamespace(a=1, b=[])]
    kept += [collections.defaultdict(list, numbered(size)) for size in range(30)]
    return kept
