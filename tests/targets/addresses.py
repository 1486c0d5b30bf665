# SPDX-License-Identifier: MIT
"""A Python process that asks pyinspect for a million addresses, and judges what it says of them.

    addresses.py READY_FD WAKE_FD FINDINGS_FD RANDOM COUNT EXAMPLES

COUNT random addresses go to the file RANDOM, one a line: of objects, in and near them, misaligned,
anywhere in the mapped memory, anywhere else. To the file EXAMPLES go those of which it is known
what lies there. Orders, one a line:
    random PATH      judge the rows of `show PID - --json` for the first file
    examples PATH    and for the second
Each is answered by a line of JSON: how many rows of each kind were "found", "complaints", "wrong".
"""
import collections
import ctypes
import gc
import json
import os
import random
import sys

WORD = ctypes.c_uint64
UNUSUAL = 344  # bytes of an object, of a size that nothing else here has
PLENTY = 4000
FEW = 40  # lists that are kept for the next one when they are freed
EXAMPLES = []  # (address, what is there, address of the object that it belongs to or None)
RANDOM = []  # addresses
REAL = {}  # {address: name of its type}, of those among them that are objects


def word_at(address):
    return WORD.from_address(address).value


def type_name(kind):
    module = type.__dict__["__module__"].__get__(kind)
    name = type.__dict__["__qualname__"].__get__(kind)
    return name if module == "builtins" or not isinstance(module, str) else module + "." + name


def mapped_ranges():
    ret = []
    with open("/proc/self/maps") as file:
        for line in file:
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            ret.append((start, end))
    return ret


def make_random(count, objects):
    chance = random.Random(1)
    ranges = [(start, end) for start, end in mapped_ranges() if start < 1 << 47]
    weights = [min(end - start, 1 << 24) for start, end in ranges]
    kinds = ["mapped"] * 5 + ["near", "misaligned", "object", "anywhere", "beyond"]
    picked = iter(chance.choices(ranges, weights, k=count))
    for _ in range(count):
        kind, address = chance.choice(kinds), id(chance.choice(objects))
        if kind == "mapped":
            address = chance.randrange(*next(picked)) & chance.choice((-1, -8, -16))
        elif kind == "near":
            address += chance.randrange(-8, 9) * 8
        elif kind == "misaligned":
            address += chance.randrange(1, 64)
        elif kind == "anywhere":
            address = chance.getrandbits(chance.choice((16, 32, 47)))
        elif kind == "beyond":
            address = chance.choice((0, 2 ** 64 - 1, 2 ** 64 - 8, 1 << 47, 1 << 63,
                                     chance.getrandbits(64)))
        RANDOM.append(address)


class Holder:
    def __init__(self):
        self.value = self


def make_examples(kept):
    """Adds to `kept` what has to stay alive."""
    numbers, names = list(range(1000)), {str(number): number for number in range(1000)}
    queue, text = collections.deque(range(100)), "a" * 1000
    kept += [numbers, names, queue, text, Holder(), (1, 2, 3)]
    for item in kept:
        EXAMPLES.append((id(item), "object", id(item)))
        EXAMPLES.append((id(item) + 8, "object", id(item)))
        EXAMPLES.append((id(item) + 1, "object", id(item)))
    EXAMPLES.append((id(text) + 900, "object", id(text)))
    items = word_at(id(numbers) + list.__basicsize__ - 16)
    EXAMPLES.extend((items + 8 * index, "buffer", id(numbers)) for index in (0, 1, 999))
    keys = word_at(id(names) + dict.__basicsize__ - 16)
    EXAMPLES.extend((keys + offset, "buffer", id(names)) for offset in (0, 64, 8000))
    hole = ctypes.CDLL(None).mmap
    hole.restype, hole.argtypes = ctypes.c_void_p, [ctypes.c_size_t] * 2 + [ctypes.c_int] * 4
    plain = hole(0, 1 << 16, 3, 0x22, -1, 0)
    ctypes.memset(plain, 0, 1 << 16)
    EXAMPLES.extend((plain + offset, "memory", None) for offset in (0, 8, 12345))
    EXAMPLES.extend((address, "nothing", None) for address in (0, 8, 1 << 47, 2 ** 64 - 1))


def free_some(kept):
    """The last that happens before the target stands still: nothing may take their place."""
    overhead = sys.getsizeof(b"")
    blocks = [bytes(UNUSUAL - overhead) for _ in range(PLENTY)]
    kept.append(blocks[::2])
    lists = [[] for _ in range(FEW)]
    EXAMPLES.extend((id(item), "free_block", None) for item in blocks[1::2])
    EXAMPLES.extend((id(item), "dead_object", None) for item in lists)


class Findings:
    def __init__(self):
        self.complaints, self.found = [], collections.Counter()

    def complain(self, what, row):
        if len(self.complaints) < 20:
            self.complaints.append("%s: %s" % (what, json.dumps(row)[:300]))

    def check(self, asked, row):
        """Returns what is there."""
        told = int(row["address"], 16)
        is_object = "type" in row
        if int(row.get("asked", row["address"]), 16) != asked:
            self.complain("not what was asked for, %#x" % asked, row)
        # Those in the headers before it have none.
        if is_object and row.get("offset") != (asked - told if asked > told else None):
            self.complain("a wrong offset", row)
        found = "object" if is_object else row.get("found")
        self.found[found] += 1
        return found

    def answer(self):
        return {"found": self.found, "complaints": self.complaints, "wrong": len(self.complaints)}


def read_rows(path):
    with open(path) as file:
        for line in file:
            yield json.loads(line)


def judge_random(path):
    findings = Findings()
    left = iter(RANDOM)
    for asked, row in zip(left, read_rows(path)):
        found = findings.check(asked, row)
        if asked in REAL and (found != "object" or int(row["address"], 16) != asked
                              or row["type"] != REAL[asked]):
            findings.complain("it is a " + REAL[asked], row)
    for asked in left:
        findings.complain("no row", asked)
    return findings.answer()


def judge_examples(path):
    findings = Findings()
    freed = collections.Counter()
    for (asked, right, owner), row in zip(EXAMPLES, read_rows(path)):
        found = findings.check(asked, row)
        if right in ("free_block", "dead_object"):
            freed[right] += found == right
        elif found != right:
            findings.complain("it is " + right, row)
        elif owner is not None and int(row.get("object", row["address"]), 16) != owner:
            findings.complain("it is of %#x" % owner, row)
    if freed["free_block"] < PLENTY // 2 * 0.9 or freed["dead_object"] < FEW // 2:
        findings.complain("what came after may have taken some, but not so many", freed)
    return findings.answer()


def write(path, addresses):
    with open(path, "w") as file:
        file.writelines("%#x\n" % address for address in addresses)


def main(ready_fd, wake_fd, findings_fd, random_path, count, examples_path):
    import email.message  # some more of a heap
    gc.collect()
    gc.disable()
    kept, chosen = [email.message], gc.get_objects()
    make_examples(kept)
    make_random(count, chosen)
    for address in set(RANDOM).intersection(map(id, chosen)):
        REAL[address] = None
    for item in chosen:
        if id(item) in REAL:
            REAL[id(item)] = type_name(type(item))
    kept.append(chosen)
    write(random_path, RANDOM)
    wait = open(wake_fd, "rb", buffering=0).readall
    free_some(kept)
    write(examples_path, (address for address, _, _ in EXAMPLES))
    os.write(ready_fd, b"ready\n")
    orders = wait().decode().splitlines()
    for order in orders:
        verb, path = order.split(" ", 1)
        answer = judge_random(path) if verb == "random" else judge_examples(path)
        os.write(findings_fd, (json.dumps(answer, sort_keys=True) + "\n").encode())
    os._exit(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), sys.argv[4], int(sys.argv[5]), sys.argv[6])
