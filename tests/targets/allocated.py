# SPDX-License-Identifier: MIT
"""A Python process that traces its allocations, and judges what pyinspect says of them.

    allocated.py READY_FD WAKE_FD FINDINGS_FD ADDRESSES SLIM

A thousand objects of every kind are chosen; their addresses go to the file ADDRESSES, one a line,
and that of one of class Slim to the file SLIM. Orders, one a line, name a file of JSON:
    show PATH      judge the rows of `show PID - --json` for ADDRESSES
    objects PATH   those of `objects PID --all-objects --traceback --json --ids -`
    refs PATH      the drawing of `refs PID - --extra-info alloc --json` for SLIM
    types PATH     the page of `traces PID --types --limit 0 --json`
    excluded PATH  that of the same with --exclude '*allocated.py'
Each is answered by a line of JSON: how many were "checked" and "traced", "complaints", "wrong".

3.11 and before look for an object without the words that precede it in front of its header (for its
__dict__, 3.11), and find nothing. There the truth is what is noted of the block in which it lies.
"""
import collections
import ctypes
import gc
import json
import os
import random
import sys
import tracemalloc

import _tracemalloc

FRAMES = 7
MANY = 1000
MANAGED_DICT = 1 << 4
SLIMS, PLAINS, EARLY, BUFFERS, ROWS = 777, 333, 50, 300, 222
FRAME = type(sys._getframe())


class Slim:
    __slots__ = ("left", "right")


class Plain:
    def __init__(self, value):
        self.value = value


def make_slims():
    return [Slim() for _ in range(SLIMS)]  # slims


def make_more_slims():
    ret = []
    for _ in range(EARLY):
        ret.append(Slim())  # more slims
    return ret


def make_plains():
    return [Plain(i) for i in range(PLAINS)]  # plains


def make_buffers():
    return [bytearray(1000) for _ in range(BUFFERS)]  # buffers


def make_rows():
    return [tuple(range(30)) for _ in range(ROWS)]  # rows


def line_of(mark):
    with open(__file__) as file:
        for number, line in enumerate(file, 1):
            if line.rstrip().endswith("# " + mark):
                return number
    raise LookupError(mark)


def place_of(mark):
    return "%s:%d" % (__file__, line_of(mark))


def noted_of(block):
    """What tracemalloc has noted of the block at that address."""
    ask = ctypes.pythonapi._PyTraceMalloc_GetTraceback
    ask.restype, ask.argtypes = ctypes.py_object, [ctypes.c_uint, ctypes.c_size_t]
    return ask(0, block)


def frames_of(item):
    """In Traceback's order; None: it is not traced."""
    if sys.version_info[:2] == (3, 11) and type(item).__flags__ & MANAGED_DICT:
        frames = noted_of(id(item) - 32)
    else:
        frames = _tracemalloc._get_object_traceback(item)
    if frames is None:
        return None
    texts = ["%s:%d" % frame for frame in frames]
    return texts if sys.version_info < (3, 7) else texts[::-1]


def choose(kept):
    """Of each type the same number, as far as there are so many."""
    chance = random.Random(1)
    everything = {}
    tracked = gc.get_objects()
    for source in [tracked, gc.get_referents(*tracked)]:
        for item in source:
            everything[id(item)] = item
    kinds = collections.defaultdict(list)
    for item in everything.values():
        kinds[type(item)].append(item)
    # What is of this function goes with it.
    own = {id(tracked), id(everything), id(kinds)}
    for items in kinds.values():
        own.add(id(items))
        chance.shuffle(items)
    left, chosen = list(kinds.values()), []
    while left and len(chosen) < MANY:
        for items in left:
            item = items.pop()
            if id(item) not in own and type(item) is not FRAME:
                chosen.append(item)
        left = [items for items in left if items]
    kept.append(chosen[:MANY])
    return chosen[:MANY]


class Judge:
    def __init__(self, chosen):
        self.right = {id(item): frames_of(item) for item in chosen}
        self.slim_size = sys.getsizeof(Slim())

    def rows(self, path, frames_told):
        complaints, traced, checked = [], 0, 0
        with open(path) as file:
            for line in file:
                row = json.loads(line)
                address = int(row["address"], 16)
                checked += address in self.right
                told, right = frames_told(row), self.right.get(address, "nobody asked for it")
                traced += told is not None
                if told != right:
                    complaints.append("%s %s: %s, not %s" % (row["address"], row["type"], told,
                                                             right))
        return {"checked": checked, "traced": traced}, complaints

    def show(self, path):
        return self.rows(path, lambda row: row["allocated"] and row["allocated"]["traceback"])

    def objects(self, path):
        return self.rows(path, lambda row: row["traceback"])

    def refs(self, path):
        with open(path) as file:
            nodes = json.load(file)["nodes"]
        complaints = []
        roots = [node for node in nodes if node["root"]]
        if [node["allocated"] for node in roots] != [place_of("slims")]:
            complaints.append("the root: %s" % roots)
        statics = [node for node in nodes if node["value"] == "object"]
        if any(node["allocated"] for node in statics):
            complaints.append("a static type: %s" % statics)
        return {"checked": len(nodes), "traced": len(roots)}, complaints

    def types(self, path):
        page = Page(path)
        size = self.slim_size
        page.expect("__main__.Slim", "slims", SLIMS, SLIMS * size)
        page.expect("__main__.Slim", "more slims", EARLY, EARLY * size)
        page.expect("__main__.Plain", "plains", PLAINS)
        page.expect("bytearray", "buffers", BUFFERS, BUFFERS * sys.getsizeof(bytearray()))
        page.expect("tuple", "rows", ROWS)
        if sys.version_info < (3, 15):
            page.expect_bare("buffers", BUFFERS)
        else:  # a bytearray's storage is an object of its own
            page.expect("bytes", "buffers", BUFFERS, BUFFERS * sys.getsizeof(bytes(1000)))
        slims = page.type("__main__.Slim")
        if slims != (SLIMS + EARLY, (SLIMS + EARLY) * size, EARLY, EARLY * size):
            page.complaints.append("Slim: %s" % (slims,))
        page.check_sums()
        return {"checked": len(page.of_lines), "traced": len(page.statistics)}, page.complaints

    def excluded(self, path):
        page = Page(path)
        if page.type("__main__.Slim")[:3] != (0, 0, EARLY):
            page.complaints.append("Slim: %s" % (page.type("__main__.Slim"),))
        if any(key[0] == __file__ for key in page.statistics):
            page.complaints.append("what was excluded is there")
        page.check_sums()
        return {"checked": len(page.of_lines), "traced": len(page.statistics)}, page.complaints


class Page:
    """What `traces --types` says."""

    def __init__(self, path):
        self.complaints = []
        with open(path) as file:
            self.page = json.load(file)
        self.statistics = {(row["file"], row["line"]): (row["count"], row["size"])
                           for row in self.page["statistics"]}
        self.of_lines = self.table("types_of_lines")
        self.of_types = self.table("lines_of_types")

    def table(self, key):
        ret = {}
        for row in self.page[key]:
            place = (row["type"], row["file"], row["line"])
            if place in ret:
                self.complaints.append("%s has %s twice" % (key, place))
            ret[place] = (row["count"], row["size"])
        return ret

    def type(self, name):
        for row in self.page["types"]:
            if row["type"] == name:
                return (row["count"], row["size"], row["untraced_count"], row["untraced_size"])
        return (0, 0, 0, 0)

    def expect(self, name, mark, count, size=None):
        place = (name, __file__, line_of(mark))
        for table in (self.of_lines, self.of_types):
            told = table.get(place, (0, 0))
            if told[0] != count or (size is not None and told[1] != size):
                self.complaints.append("%s of %s: %s, not %s" % (name, mark, told, (count, size)))

    def expect_bare(self, mark, count):
        told = self.of_lines.get((None, __file__, line_of(mark)), (0, 0))
        if told[0] < count or told[1] < count * 1000:
            self.complaints.append("no objects at %s: %s" % (mark, told))

    def check_sums(self):
        """All blocks of a line are somebody's; both tables and the sums of types agree."""
        lines, types = collections.Counter(), collections.Counter()
        for (name, file, line), (count, size) in self.of_lines.items():
            lines[file, line, "count"] += count
            lines[file, line, "size"] += size
            if name is not None and self.of_types.get((name, file, line)) != (count, size):
                self.complaints.append("tables differ in %s:%s %s" % (file, line, name))
        for (name, _, _), (count, size) in self.of_types.items():
            types[name, "count"] += count
            types[name, "size"] += size
        for (file, line), (count, size) in self.statistics.items():
            if (lines[file, line, "count"], lines[file, line, "size"]) != (count, size):
                self.complaints.append("%s:%s does not sum up" % (file, line))
        for row in self.page["types"]:
            name = row["type"]
            if (types[name, "count"], types[name, "size"]) != (row["count"], row["size"]):
                self.complaints.append("%s does not sum up" % name)


def write(path, addresses):
    with open(path, "w") as file:
        file.writelines("%#x\n" % address for address in addresses)


def main(ready_fd, wake_fd, findings_fd, addresses_path, slim_path):
    kept = [make_more_slims()]
    noted_of(0)  # what ctypes keeps is made now
    tracemalloc.start(FRAMES)
    import everything
    kept += [everything.build([]), make_slims(), make_more_slims(), make_plains(), make_buffers(),
             make_rows()]
    gc.collect()
    gc.disable()
    chosen = choose(kept)
    write(addresses_path, map(id, chosen))
    write(slim_path, [id(kept[2][5])])
    judge = Judge(chosen)
    os.write(ready_fd, b"ready\n")
    orders = open(wake_fd, "rb", buffering=0).readall().decode().splitlines()
    for order in orders:
        verb, path = order.split(" ", 1)
        answer, complaints = getattr(judge, verb)(path)
        answer.update(complaints=complaints[:20], wrong=len(complaints), order=verb)
        os.write(findings_fd, (json.dumps(answer, sort_keys=True) + "\n").encode())
    os._exit(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), *sys.argv[4:6])
