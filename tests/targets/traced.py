# SPDX-License-Identifier: MIT
"""A Python process that tracemalloc traces, and that judges what was read of it from outside.

    traced.py READY_FD WAKE_FD FINDINGS_FD FIRST OBJECTS ANSWER

To be started with PYTHONTRACEMALLOC. The addresses of a thousand objects go to the file OBJECTS,
one a line. It then stands still, in a way that allocates nothing, until WAKE_FD is closed. FIRST
says what it asks itself in the very next statement, and so what can be held against the answer
exactly: `traces`, `traced` (get_traced_memory) or `memory` (get_tracemalloc_memory).

The file ANSWER then has, in JSON: limit, traced, peak, memory; files, in UTF-8 as hexadecimal
digits; stacks, each [all frames, [[file, line], ...]]; rows, each [domain, stack, size, count];
objects, each null or [all frames, [[file, line], ...]]. A line of JSON says what is wrong with it.
"""
import _tracemalloc
import collections
import ctypes
import gc
import json
import os
import random
import sys
import threading

OBJECTS = 1000
THREADS = 8
HAS_TOTALS = sys.version_info >= (3, 9)
FORGETS_PREHEADER = sys.version_info[:2] == (3, 11)
MANAGED_DICT = 1 << 4

FILES = ["plain.py", "m\xfcll.py", "\u4f60\u597d.py", "\U0001f600.py", "lone\udc80\ud800.py",
         "a\nb.py", "x" * 5000 + ".py", "", "<string>"]
SOURCE = """
def make(depth):
    if depth:
        return make(depth - 1)
    return [bytes(%d), object(), [None] * 100, {}]
"""


class Plain:
    def __init__(self):
        self.value = object()


class Slotted:
    __slots__ = "one", "two"

    def __init__(self):
        self.one, self.two = 1.5, object()


class Referable:
    __slots__ = "one", "__weakref__"


class Pair(tuple):
    pass


class Text(str):
    __slots__ = ()


class Failure(Exception):
    pass


def make_objects():
    def function(value):
        return lambda: value

    def generate():
        yield 1

    ret = []
    for number in range(60):
        ret += [Plain(), Slotted(), Referable(), Pair((1, number)), Text("t%d" % number), Failure(),
                [number], {number: 1}, {number}, frozenset([number]), (number, number),
                str(number) * 20, bytes(number + 40), bytearray(9), number + 10 ** 20, number + 0.5,
                complex(number, 1), function(number), generate(), object(), iter([]), slice(number)]
        ret.append(type("Made%d" % number, (Plain,), {}))
    for item in ret[::23]:
        item.later = number  # now it has a dict, or values of its own
    return ret


def make_blocks():
    ret = []
    for index, name in enumerate(FILES):
        space = {}
        exec(compile(SOURCE % (100 + index), name, "exec"), space)
        for depth in (0, 1, 3, 4, 5, 6, 23, 24, 25, 26, 100):
            ret += [space["make"](depth) for _ in range(5)]
    # A line of its own for each of many.
    space = {}
    lines = "\n".join("kept.append(bytes(%d))" % (number % 700) for number in range(400))
    exec(compile(lines, "lines.py", "exec"), {"kept": ret})
    return ret


def make_threads(count):
    """Threads that have allocated something and wait."""
    ready, forever = threading.Semaphore(0), threading.Lock()
    forever.acquire()

    def run():
        kept = make_objects()[:50]
        ready.release()
        forever.acquire()
        return kept

    for _ in range(count):
        threading.Thread(target=run, daemon=True).start()
    for _ in range(count):
        ready.acquire()
    return forever


def track_domains():
    api = ctypes.pythonapi
    track = getattr(api, "PyTraceMalloc_Track", None) or api._PyTraceMalloc_Track
    track.argtypes = ctypes.c_uint, ctypes.c_size_t, ctypes.c_size_t
    for domain in (0, 1, 2, 389047, 2 ** 32 - 1):
        for number in range(1, 200):
            assert track(domain, 2 ** 40 + number * 16 - number % 3, number % 5 * 1000) == 0
    assert track(3, 8, 2 ** 40) == 0
    if sys.version_info >= (3, 7):
        api.PyTraceMalloc_Untrack.argtypes = ctypes.c_uint, ctypes.c_size_t
        for number in range(1, 100):
            assert api.PyTraceMalloc_Untrack(2, 2 ** 40 + number * 16 - number % 3) == 0


def choose_objects(made):
    """Half of them ours, half of them any."""
    chance = random.Random(1)
    others = gc.get_objects()
    others += [item for one in others[:20000] for item in gc.get_referents(one)]
    return chance.sample(made, OBJECTS // 2) + chance.sample(others, OBJECTS - OBJECTS // 2)


def stand_still(ready_fd, wait, nothing, first):
    """What comes and goes in here is nobody else's business. See is_own."""
    os.write(ready_fd, b"ready\n")
    wait(nothing)
    return first()


OWN_LINES = range(stand_still.__code__.co_firstlineno, stand_still.__code__.co_firstlineno + 5)
OWN_FILE = stand_still.__code__.co_filename


def is_own(frames):
    return frames[0][0] == OWN_FILE and frames[0][1] in OWN_LINES


def get_object_traceback(item):
    """Its frames, or None."""
    frames = _tracemalloc._get_object_traceback(item)
    if frames is None and FORGETS_PREHEADER and type(item).__flags__ & MANAGED_DICT:
        get = ctypes.pythonapi._PyTraceMalloc_GetTraceback
        get.restype, get.argtypes = ctypes.py_object, [ctypes.c_uint, ctypes.c_size_t]
        frames = get(0, id(item) - 32)
    return frames


class Answer:
    def __init__(self, path):
        with open(path) as file:
            self.said = json.load(file)
        self.files = [bytes.fromhex(name).decode("utf-8", "surrogatepass")
                      for name in self.said["files"]]
        self.stacks = [(total, self.frames_of(frames)) for total, frames in self.said["stacks"]]
        self.objects = [one and self.frames_of(one[1]) for one in self.said["objects"]]

    def frames_of(self, frames):
        return tuple((self.files[file], line) for file, line in frames)

    def traces(self):
        ret = collections.Counter()
        for domain, stack, size, count in self.said["rows"]:
            total, frames = self.stacks[stack]
            ret[domain, size, frames, total] += count
        return ret


def own_traces(told):
    ret = collections.Counter()
    for trace in told:
        ret[trace if HAS_TOTALS else trace + (0,)] += 1
    return ret


def without_own(traces):
    return collections.Counter({key: count for key, count in traces.items() if not is_own(key[2])})


def compare_traces(answer, told):
    ours, theirs = without_own(answer.traces()), without_own(own_traces(told))
    missing, extra = theirs - ours, ours - theirs
    return {"blocks": sum(theirs.values()), "files": len({key[2][0][0] for key in theirs}),
            "domains": len({key[0] for key in theirs}),
            "longest": max(len(key[2]) for key in theirs),
            "missing": sum(missing.values()), "extra": sum(extra.values()),
            "examples": [repr(key)[:400] for key in list(missing)[:3] + list(extra)[:3]]}


def compare_objects(answer, objects, right):
    wrong = ["%s: %r, and it is %r" % (type(item).__name__, one, other)
             for item, one, other in zip(objects, answer.objects, right) if one != other]
    return {"objects": len(answer.objects), "known": sum(one is not None for one in right),
            "wrong_objects": len(wrong) + abs(len(right) - len(answer.objects)),
            "object_examples": [line[:400] for line in wrong[:3]]}


def judge(answer, first, told, limit, objects, tracebacks):
    said = answer.said
    ret = {"right_limit": said["limit"] == limit}
    if first == "traced":
        ret["right_numbers"] = [said["traced"], said["peak"]] == list(told)
    elif first == "memory":
        ret["right_numbers"] = said["memory"] == told
    else:
        ret["right_numbers"] = True
        ret.update(compare_traces(answer, told))
    if not ret["right_numbers"]:
        ret["numbers"] = said["traced"], said["peak"], said["memory"], told
    ret.update(compare_objects(answer, objects, tracebacks))
    return ret


def main(ready_fd, wake_fd, findings_fd, first, objects_path, answer_path):
    made = make_objects()
    kept = [make_blocks(), make_threads(THREADS)]
    track_domains()
    gc.collect()
    gc.disable()
    objects = choose_objects(made)
    with open(objects_path, "w") as file:
        file.writelines("%#x\n" % id(item) for item in objects)
    ask = {"traces": _tracemalloc._get_traces, "traced": _tracemalloc.get_traced_memory,
           "memory": _tracemalloc.get_tracemalloc_memory}[first]
    wait = open(wake_fd, "rb", buffering=0).readinto
    nothing = bytearray(1)
    # None that was freed is to be taken for what is asked, for its trace would then be another one.
    kept.append([[] for _ in range(200)])
    told = stand_still(ready_fd, wait, nothing, ask)
    limit = _tracemalloc.get_traceback_limit()
    tracebacks = [get_object_traceback(item) for item in objects]
    _tracemalloc.stop()  # all else takes much longer with it
    findings = judge(Answer(answer_path), first, told, limit, objects, tracebacks)
    os.write(findings_fd, (json.dumps(findings, sort_keys=True) + "\n").encode())
    os._exit(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), sys.argv[4], sys.argv[5], sys.argv[6])
