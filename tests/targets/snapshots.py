# SPDX-License-Identifier: MIT
"""What tracemalloc and fnmatch say, for tests/unit to be held against: lines of words.

    snapshots.py statistics SEED COUNT    pairs of random snapshots, and all that is asked of them
    snapshots.py patterns SEED COUNT      random patterns, names, and whether they match

Texts are hexadecimal UTF-8, "-" is an empty one. See tests/unit/test_traces_words.c and
test_trace_filter.c, which read this.
"""

import fnmatch
import linecache
import random
import re
import sys
import tracemalloc
import warnings

HAS_TOTAL = sys.version_info >= (3, 9)
NEWEST_FIRST = sys.version_info < (3, 7)

PIECES = ["a", "b", "c", "A", "z", "/", ".", ".py", ".pyc", ".pyc", "[", "]", "*", "?", "!", "-",
          "^", "\\", "&", "~", "|", "&&", "--", "\x00", "\n", "\r", " ", '"', "'", "%s", "{}",
          "\x7f", "\x80", "\xe9", "\xff", "\u0100", "\u4e2d", "\u2028", "\ud7ff", "\ud800",
          "\udbff", "\udc80", "\udfff", "\ue000", "\ufffd", "\uffff", "\U00010000",
          "\U0001f600", "\U0010ffff"]
LINES = [0, 0, 1, 1, 2, 3, 4, 9, 10, 2**31 - 1, 2**31, 2**32 - 1]
SIZES = [0, 1, 1, 2, 8, 8, 8, 99, 100, 512, 10239, 10240, 10241, 102348, 102349, 102350, 102399,
         102400, 102401, 1024**2, 10 * 1024**2 - 1, 10 * 1024**2, 100 * 1024**2 - 1, 1024**3,
         10 * 1024**3, 99 * 1024**3, 1024**4, 100 * 1024**4, 2**47]
KEYS = [("lineno", False), ("filename", False), ("traceback", False), ("lineno", True),
        ("filename", True)]
DOMAINS = [0, 0, 0, 1, 389047, 2**32 - 1]


def put(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def hexed(text):
    return text.encode("utf-8", "surrogatepass").hex() or "-"


def frame_words(frames):
    return ["%s:%d" % (hexed(name), line) for name, line in frames]


def make_text(most):
    return "".join(random.choice(PIECES) for _ in range(random.randrange(most + 1)))


def make_names():
    names = [make_text(6) for _ in range(random.randrange(1, 8))]
    names += [random.choice(names) + make_text(2) for _ in range(random.randrange(4))]
    return names


def is_valid(pattern):
    """Ranges backwards are an error for old versions."""
    try:
        re.compile(fnmatch.translate(pattern))
        return True
    except re.error:
        return False


def make_bracket(char):
    pieces = PIECES + ["-", "-", "!", char]
    members = [random.choice(pieces) for _ in range(random.randrange(5))]
    return ("[" + random.choice(["", "", "!", "]", "!]"]) + "".join(members) +
            random.choice(["]", "]", "]", ""]))


def make_pattern(name):
    while True:
        pattern = []
        for char in name if random.randrange(4) else make_text(4):
            pattern.append(random.choice([char] * 6 + ["?", "*", make_bracket(char)]))
        if random.randrange(2):
            pattern.insert(random.randrange(len(pattern) + 1), "*")
        if random.randrange(2) and pattern:
            del pattern[random.randrange(len(pattern))]
        pattern = "".join(pattern)
        if is_valid(pattern):
            return pattern


def make_traceback(names):
    depth = random.choice([1, 1, 2, 2, 3, 4, 20, 300] if not random.randrange(10) else [1, 2, 3])
    few = random.sample(names, min(len(names), 2))
    return tuple((random.choice(few), random.choice(LINES)) for _ in range(depth))


def make_traces(names):
    """Many are alike in parts: the same frames in front or behind, the same sizes."""
    tracebacks = [make_traceback(names) for _ in range(random.randrange(1, 8))]
    for _ in range(random.randrange(8)):
        old = random.choice(tracebacks)
        if len(old) > 1 and random.randrange(2):
            old = old[:-1] if random.randrange(2) else old[1:]
        tracebacks.append(old if random.randrange(3) == 0 else
                          old + make_traceback(names) if random.randrange(2) else
                          make_traceback(names) + old)
    sizes = random.sample(SIZES, 3) if random.randrange(3) else SIZES
    traces = []
    for _ in range(random.choice([0, 1, 5, 20, 60])):
        traceback = random.choice(tracebacks)
        trace = (random.choice(DOMAINS), random.choice(sizes), traceback)
        if HAS_TOTAL:
            trace += (random.choice([len(traceback), len(traceback), len(traceback) + 3, 65535]),)
        traces += [trace] * random.choice([1, 1, 1, 2, 50])
    random.shuffle(traces)
    return traces


def change_traces(traces, names):
    changed = [trace for trace in traces if random.randrange(4)]
    for trace in traces:
        if not random.randrange(8):
            changed.append(trace[:1] + (random.choice(SIZES),) + trace[2:])
    changed += make_traces(names) if random.randrange(2) else []
    random.shuffle(changed)
    return changed


def make_filters(names):
    filters = []
    for _ in range(random.choice([0, 1, 1, 2, 3, 5])):
        inclusive = bool(random.randrange(2))
        if not random.randrange(5):
            filters.append(tracemalloc.DomainFilter(inclusive, random.choice(DOMAINS)))
            continue
        pattern = make_pattern(random.choice(names))
        filters.append(tracemalloc.Filter(
            inclusive, pattern,
            lineno=random.choice([None, None, random.choice(LINES)]),
            all_frames=bool(random.randrange(2)),
            domain=random.choice([None, None, random.choice(DOMAINS)])))
        filters[-1].given_pattern = pattern
    return filters


def put_snapshot(slot, snapshot):
    put("snapshot", slot, int(NEWEST_FIRST))
    for trace in snapshot.traces._traces:
        put("trace", trace[0], trace[1], trace[3] if HAS_TOTAL else 0,
            *frame_words(trace[2]))


def put_filters(filters):
    put("filters")
    for one in filters:
        if isinstance(one, tracemalloc.DomainFilter):
            put("filter", int(one.inclusive), 0, "none", one.domain, "none")
        else:
            put("filter", int(one.inclusive), int(one.all_frames),
                "none" if one.lineno is None else one.lineno,
                "none" if one.domain is None else one.domain, hexed(one.given_pattern))


def put_rows(rows):
    """Each with all frames, the most recent one first: str() tells of one alone."""
    for row in rows:
        frames = row.traceback._frames
        put("=", hexed(str(row)), *frame_words(frames if NEWEST_FIRST else reversed(frames)))
    put("end")


def put_statistics(snapshots, key, cumulative):
    put("statistics", key, int(cumulative))
    put_rows(snapshots[0].statistics(key, cumulative))
    put("compare", key, int(cumulative))
    put_rows(snapshots[0].compare_to(snapshots[1], key, cumulative))


def put_tracebacks(snapshot):
    for number, statistic in enumerate(snapshot.statistics("traceback")[:5]):
        limit = random.choice([None, 1, 2, 3, 1000, -1, -2, -1000])
        first = bool(random.randrange(2)) and not NEWEST_FIRST
        put("format", number, 0 if limit is None else limit, int(first))
        lines = (statistic.traceback.format(limit, first) if first else
                 statistic.traceback.format(limit))
        put("=", hexed("".join(line + "\n" for line in lines)))
        put("end")


def put_pair():
    names = make_names()
    linecache.clearcache()
    for name in names:
        lines = ["\t line 1 of %d \n" % len(hexed(name)), " \n", "\u3000line 3\x1f"]
        linecache.cache[name] = (1, None, lines, name)
    traces = make_traces(names)
    snapshots = [tracemalloc.Snapshot(traces, 1),
                 tracemalloc.Snapshot(change_traces(traces, names), 1)]
    for slot, snapshot in enumerate(snapshots):
        put_snapshot(slot, snapshot)
    put_filters([])
    for key, cumulative in KEYS:
        put_statistics(snapshots, key, cumulative)
    put_tracebacks(snapshots[0])
    for _ in range(20):
        filters = make_filters(names)
        put_filters(filters)
        put_statistics([snapshot.filter_traces(filters) for snapshot in snapshots],
                       *random.choice(KEYS))


def put_pattern():
    name = make_text(6)
    pattern = make_pattern(name)
    for text in [name, pattern, make_text(3), "a", "!", "-"]:
        put("match", hexed(pattern), hexed(text), int(fnmatch.fnmatch(text, pattern)))


def main():
    mode, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    warnings.simplefilter("ignore")
    random.seed(seed)
    for _ in range(count):
        put_pair() if mode == "statistics" else put_pattern()
    put("done", count)


main()
