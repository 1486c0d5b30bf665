# SPDX-License-Identifier: MIT
"""A Python process that tracemalloc traces, and that knows what Snapshot would say of it.

    grouped.py READY_FD WAKE_FD FINDINGS_FD PYINSPECT DIRECTORY

It stands still twice, each time until a byte comes; what is
saved of it then is in DIRECTORY, as first.traces and second.traces, and what `traces` prints of the
second, without its own files, as printed. It then groups, filters and compares its own Snapshots in
many ways, has pyinspect do the same with the saved ones, and compares the texts; the pickles that
pyinspect exports it loads. The answer is a line of JSON: how many ways were "checked", how many lines
there were, how many ways are "wrong", and "examples".
"""
import _tracemalloc
import gc
import itertools
import json
import os
import random
import subprocess
import sys
import threading
import tracemalloc

from traced import stand_still

FILTER_SETS = 20
SHOWN = 3
OWN = ["*/grouped.py", "*/traced.py"]
FILES = ["app/models.py", "app/views.py", "app/deep/tree.pyc", "lib/m\xfcll.py",
         "lib/\u4f60\u597d.py", "lib/[x].py", "<string>"]
SOURCE = """
def make(count, depth):
    if depth:
        return make(count, depth - 1)
    return [bytes(count), [None] * count,
            bytearray(count * 3),
            {number: (number, count) for number in range(count)}]

def work(kept, seed):
    for number in range(seed, seed + 40):
        kept.append(make(number % 9, number % 11))
"""


class Fixture:
    """What allocates has no frame of ours in its tracebacks, since it begins a thread."""

    def __init__(self):
        self.kept, self.works = [], []
        for name in FILES:
            space = {}
            exec(compile(SOURCE, name, "exec"), space)
            self.works.append(space["work"])

    def grow(self, seed):
        for number, work in enumerate(self.works):
            thread = threading.Thread(target=work, args=(self.kept, seed * number))
            thread.start()
            thread.join()
        del self.kept[seed::5]


def random_filters(chance):
    """A list of filters, and how they are written."""
    patterns = FILES + ["*", "app/*", "*.py", "l?b/*", "*/[!v]*.py", "*m*", "*/threading.py",
                        "app/deep/*.pyc", "nothing"]
    all_frames = chance.random() < 0.3
    filters, words = [], ["--all-frames"] if all_frames else []
    for _ in range(chance.randrange(4)):
        inclusive = chance.random() < 0.5
        if chance.random() < 0.2:
            domain = chance.randrange(3)
            filters.append(tracemalloc.DomainFilter(inclusive, domain))
            words += ["--domain" if inclusive else "--no-domain", str(domain)]
            continue
        pattern = chance.choice(patterns)
        line = chance.choice([None, None, 5, 6, 7])
        domain = chance.choice([None, None, None, 0, 2])
        filters.append(tracemalloc.Filter(inclusive, pattern, line, all_frames, domain))
        word = pattern
        if line is not None:
            word += ":%d" % line
        if domain is not None:
            word += "@%d" % domain
        words += ["--include" if inclusive else "--exclude", word]
    return filters, words, all_frames


def without_own(all_frames):
    filters = [tracemalloc.Filter(False, pattern, None, all_frames) for pattern in OWN]
    return filters, [word for pattern in OWN for word in ("--exclude", pattern)]


def text_of(statistics, key, with_source=True):
    lines = []
    for statistic in statistics:
        lines.append(str(statistic))
        if key == "traceback":
            lines += [line for line in statistic.traceback.format()
                      if with_source or line.startswith("  File ")]
    return lines


class Findings:
    def __init__(self, pyinspect, directory):
        self.pyinspect, self.directory = pyinspect, directory
        self.checked = self.lines = self.wrong = 0
        self.examples = []

    def path(self, name):
        return os.path.join(self.directory, name)

    def ask(self, *words):
        done = subprocess.run([self.pyinspect, "traces"] + list(words), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        if done.returncode:
            self.complain(words, done.stderr.decode())
        return [line for line in done.stdout.decode().splitlines() if not line.startswith("  (+")]

    def complain(self, words, *texts):
        self.wrong += 1
        if len(self.examples) < SHOWN:
            self.examples.append([" ".join(words)] + [text[:400] for text in texts])

    def hold(self, words, lines, right):
        self.checked += 1
        self.lines += len(right)
        if lines == right:
            return
        for ours, theirs in itertools.zip_longest(lines, right, fillvalue="(nothing)"):
            if ours != theirs:
                self.complain(words, ours, theirs)
                return

    def hold_groups(self, first, second, key, words):
        """Of Snapshots that the filters which `words` are have been put to."""
        for cumulative in (False, True) if key != "traceback" else (False,):
            more = words + ["--by", key, "--limit", "0"] + ["--cumulative"] * cumulative
            self.hold(more, self.ask(self.path("second.traces"), *more),
                      text_of(second.statistics(key, cumulative), key))
            more += ["--since", self.path("first.traces")]
            self.hold(more, self.ask(self.path("second.traces"), *more),
                      text_of(second.compare_to(first, key, cumulative), key))

    def hold_pickle(self, second, words):
        path = self.path("exported.pickle")
        self.ask(self.path("second.traces"), "--export", "pickle", "-o", path, "--limit", "1", *words)
        loaded = tracemalloc.Snapshot.load(path)
        self.checked += 1
        if sorted(loaded.traces._traces) != sorted(second.traces._traces):
            self.complain(words, "another Snapshot: %d traces, not %d" % (
                len(loaded.traces), len(second.traces)))
        if loaded.traceback_limit != second.traceback_limit:
            self.complain(words, "another limit: %d" % loaded.traceback_limit)
        second.dump(self.path("dumped.pickle"))
        # A dump does not tell that it is 3.6's, whose tracebacks are the other way round.
        key = "traceback" if sys.version_info >= (3, 7) else "lineno"
        more = ["--by", key, "--limit", "0", "--no-source"]
        self.hold(more, self.ask(self.path("dumped.pickle"), *more),
                  text_of(second.statistics(key), key, False))


def judge(findings, first, second):
    chance = random.Random(4711)
    filters, words = without_own(False)
    with open(findings.path("printed"), "rb") as file:
        findings.hold(["printed"], file.read().decode().splitlines(),
                      text_of(second.filter_traces(filters).statistics("lineno"), "lineno"))
    findings.hold_pickle(second.filter_traces(filters), words)
    for _ in range(FILTER_SETS):
        filters, words, all_frames = random_filters(chance)
        more, more_words = without_own(all_frames)
        old, new = (one.filter_traces(filters + more) for one in (first, second))
        key = chance.choice(["lineno", "filename", "traceback"])
        findings.hold_groups(old, new, key, words + more_words)
    filters, words = without_own(False)
    for key in "lineno", "filename", "traceback":
        findings.hold_groups(first.filter_traces(filters), second.filter_traces(filters), key, words)


def main(ready_fd, wake_fd, findings_fd, pyinspect, directory):
    tracemalloc.start(6)
    fixture = Fixture()
    wait = open(wake_fd, "rb", buffering=0).readinto
    nothing = bytearray(1)
    gc.collect()
    gc.disable()
    # None that was freed is to be taken for what is asked, for its trace would then be another one.
    fixture.grow(3)
    kept = [[[] for _ in range(200)]]
    first = stand_still(ready_fd, wait, nothing, _tracemalloc._get_traces)
    fixture.grow(7)
    kept.append([[] for _ in range(200)])
    second = stand_still(ready_fd, wait, nothing, _tracemalloc._get_traces)
    limit = tracemalloc.get_traceback_limit()
    _tracemalloc.stop()
    first, second = (tracemalloc.Snapshot(traces, limit) for traces in (first, second))
    findings = Findings(pyinspect, directory)
    judge(findings, first, second)
    os.write(findings_fd, (json.dumps({"checked": findings.checked, "lines": findings.lines,
                                       "wrong": findings.wrong,
                                       "examples": findings.examples}) + "\n").encode())
    os._exit(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), sys.argv[4], sys.argv[5])
