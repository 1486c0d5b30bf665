# SPDX-License-Identifier: MIT
"""Holds pyinspect against objgraph, both on the same heap of the same process (heap.py).

    bench.py PYINSPECT OBJGRAPH_DIRECTORY

For each size of BENCH_SIZES a process is started. In a round pyinspect attaches to it, objgraph
runs in it, and pyinspect attaches while a hundred threads sleep in it; the next round has them in
the opposite order. One round more, the first, is not counted: it brings the files into memory.
Rounds of their own follow (up to two million objects), in a process of their own: each object is
told with its repr, and all objects are counted that can be reached, by pyinspect and by Python code
inside the process. Ratios are taken within a round; printed is their median over BENCH_ROUNDS rounds, and the lowest
and highest.

objgraph's time is the time for which the thread that calls it gets nothing else done. Other threads
may get the GIL now and then meanwhile: the longest gap that one of them felt is printed too.

Exits with 1 if a target is missed, with 2 if something could not be measured.
"""
import contextlib
import json
import operator
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time

SIZES = os.environ.get("BENCH_SIZES") or "200000 2000000 10000000"
ROUNDS = os.environ.get("BENCH_ROUNDS") or "5"
SLEEPERS = 100
MOST_FOR_ALL = 2000000  # objects
MOST_FOR_TRACES = 500000  # with tracemalloc, which makes Python some ten times slower
PATIENCE = 300  # seconds, for any one answer
MIB = 1 << 20
OURS = 16 * MIB  # what pyinspect takes of itself, and the target's code that traversals run


class Failure(Exception):
    pass


# What is promised: its name, its value in a round, the bound, and whether each round has to keep it
# rather than their median.
TARGETS = [
    ("pause / objgraph's time", lambda r: r["pause"] / r["objgraph"], "<=", 0.05, False),
    ("pause, ns an object", lambda r: r["pause"] * 1e9 / r["objects"], "<=", 15, False),
    ("whole command / objgraph's time", lambda r: r["command"] / r["objgraph"], "<", 1, False),
    ("peak memory / (copied + 64 an object)",
     lambda r: r["peak"] / (r["copied"] + 64 * r["objects"]), "<", 1, False),
    ("growth of the target's RSS, KiB", lambda r: r["rss_growth"] / 1024, "<=", 0, True),
    ("growth of its page tables, KiB", lambda r: r["tables_growth"] / 1024, "<=", 0, True),
    ("%d sleeping threads add, ms" % SLEEPERS,
     lambda r: (r["pause_with_threads"] - r["pause_before_threads"]) * 1e3, "<", 10, False),
    ("a second attach finds its way in, ms", lambda r: r["open"] * 1e3, "<", 10, False),
    ("objects with repr / in the process",
     lambda r: r["listing"] / r["listing_inside"], "<", 1, False),
    ("objects with repr, us an object",
     lambda r: r["listing"] * 1e6 / r["objects"], "<=", 2, False),
    ("--all-objects / in the process",
     lambda r: r["closure"] / r["closure_inside"], "<", 1, False),
    ("a graph of all, us an object", lambda r: r["graph"] * 1e6 / r["nodes"], "<=", 1, False),
    ("  its memory, bytes an object",
     lambda r: (r["graph_peak"] - r["graph_copied"] - 8 * r["edges"] - OURS) / r["nodes"],
     "<=", 24, False),
    ("traces: pause / take_snapshot's time",
     lambda r: r["traces_pause"] / r["snapshot"], "<=", 0.05, False),
    ("  whole command / with statistics",
     lambda r: r["traces"] / (r["snapshot"] + r["statistics"]), "<", 1, False),
    ("  whole command, us a block", lambda r: r["traces"] * 1e6 / r["blocks"], "<=", 1, False),
    ("pause felt less pause printed, ms", lambda r: (r["felt"] - r["pause"]) * 1e3, "<=", 5, False),
]

FIGURES = [
    ("objects", lambda r: r["objects"]),
    ("pause printed, ms", lambda r: r["pause"] * 1e3),
    ("pause felt, ms", lambda r: r["felt"] * 1e3),
    ("  felt with nobody attached, ms", lambda r: r["felt_at_rest"] * 1e3),
    ("  printed with %d threads, ms" % SLEEPERS, lambda r: r["pause_with_threads"] * 1e3),
    ("stops", lambda r: r["stops"]),
    ("whole command, ms", lambda r: r["command"] * 1e3),
    ("  to find its way in, first attach, ms", lambda r: r["first_open"] * 1e3),
    ("objgraph's time, ms", lambda r: r["objgraph"] * 1e3),
    ("  longest gap felt in it, ms", lambda r: r["objgraph_felt"] * 1e3),
    ("objects with repr, ms", lambda r: r["listing"] * 1e3),
    ("  in the process itself, ms", lambda r: r["listing_inside"] * 1e3),
    ("attach --all-objects, ms", lambda r: r["closure"] * 1e3),
    ("  a closure in the process, ms", lambda r: r["closure_inside"] * 1e3),
    ("a graph of all, ms", lambda r: r["graph"] * 1e3),
    ("  objects in it", lambda r: r["nodes"]),
    ("  references in it", lambda r: r["edges"]),
    ("  objects traversed", lambda r: r["traversed"]),
    ("  traversed objects a second", lambda r: r["traversed"] / r["graph"]),
    ("  pause printed, ms", lambda r: r["graph_pause"] * 1e3),
    ("  with all referrers, ms", lambda r: r["both_ways"] * 1e3),
    ("    copied for it, MiB", lambda r: r["graph_copied"] / MIB),
    ("    peak memory, MiB", lambda r: r["graph_peak"] / MIB),
    ("traces of a process with tracemalloc, ms", lambda r: r["traces"] * 1e3),
    ("  blocks traced", lambda r: r["blocks"]),
    ("  pause printed, ms", lambda r: r["traces_pause"] * 1e3),
    ("  copied for it, MiB", lambda r: r["traces_copied"] / MIB),
    ("  peak memory, MiB", lambda r: r["traces_peak"] / MIB),
    ("  take_snapshot in the process, ms", lambda r: r["snapshot"] * 1e3),
    ("  its statistics, ms", lambda r: r["statistics"] * 1e3),
    ("copied, MiB", lambda r: r["copied"] / MIB),
    ("pyinspect's peak memory, MiB", lambda r: r["peak"] / MIB),
    ("target's memory, MiB", lambda r: r["resident"] / MIB),
    ("get_new_ids adds, MB a million objects", lambda r: r["new_ids_growth"] / r["objects"]),
]

BOUNDS = {"<": operator.lt, "<=": operator.le}


@contextlib.contextmanager
def time_limit(what):
    def expire(*_):
        raise Failure("%s took over %d seconds" % (what, PATIENCE))

    signal.signal(signal.SIGALRM, expire)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)


@contextlib.contextmanager
def running(*command, **options):
    """A child that is gone at the end, whatever happened."""
    child = subprocess.Popen(command, **options)
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
            child.wait()


class Target:
    """heap.py at work; `hello` is its first answer."""

    def __init__(self, process):
        self.process = process
        self.hello = self.read_answer("building the heap")

    def read_answer(self, what):
        with time_limit(what):
            line = self.process.stdout.readline()
        if not line:
            raise Failure("the target ended while %s" % what)
        return json.loads(line)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.read_answer("answering " + command)

    def take_gap(self):
        return self.ask("gap")["gap"]

    def memory(self):
        """Bytes resident, and in page tables. (VmRSS is not exact on every kernel.)"""
        return (self.read_size("smaps_rollup", "Rss:"), self.read_size("status", "VmPTE:"))

    def read_size(self, file, name):
        with open("/proc/%d/%s" % (self.process.pid, file)) as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def run(pyinspect, target, *arguments, last=()):
    """Seconds, peak memory in bytes, and what was printed. `last` comes behind the PID."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as messages:
        start = time.perf_counter()
        with running(pyinspect, *arguments, str(target.process.pid), *last,
                     stdin=subprocess.DEVNULL, stdout=output, stderr=messages) as child:
            with time_limit("pyinspect"):
                # A child's peak is never below ours, from which it was forked: some 15 MiB.
                _, child.returncode, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        output.seek(0)
        messages.seek(0)
        if child.returncode != 0:
            raise Failure("pyinspect failed:\n" + messages.read())
        return seconds, usage.ru_maxrss * 1024, output.read()


def attach(pyinspect, target):
    """One run of pyinspect, as a dict of seconds and bytes."""
    target.take_gap()
    rss, tables = target.memory()
    command, peak, output = run(pyinspect, target, "attach", "--json")
    rss_after, tables_after = target.memory()
    report = json.loads(output)
    if not report["complete"]:
        raise Failure("pyinspect did not see the whole heap")
    return {
        "objects": report["objects"],
        "open": report["open_ms"] / 1e3,
        "pause": report["pause_ms"] / 1e3,
        "stops": report["stops"],
        "copied": report["copied_bytes"],
        "resident": report["target"]["resident_bytes"],
        "command": command,
        "peak": peak,
        "rss_growth": rss_after - rss,
        "tables_growth": tables_after - tables,
        "felt": target.take_gap(),
    }


def time_command(name, pyinspect, target, *arguments):
    """Under `name` the seconds that it takes to print all to nobody."""
    with tempfile.TemporaryFile("w+") as messages:
        start = time.perf_counter()
        with running(pyinspect, *arguments, str(target.process.pid), stdin=subprocess.DEVNULL,
                     stdout=subprocess.DEVNULL, stderr=messages) as child:
            with time_limit("pyinspect"):
                child.wait()
        seconds = time.perf_counter() - start
        messages.seek(0)
        if child.returncode != 0:
            raise Failure("pyinspect failed:\n" + messages.read())
    return {name: seconds}


def list_objects(pyinspect, target):
    return time_command("listing", pyinspect, target, "objects")


def list_objects_inside(_, target):
    return {"listing_inside": target.ask("list")["seconds"]}


def count_all(pyinspect, target):
    return time_command("closure", pyinspect, target, "attach", "--all-objects")


def count_all_inside(_, target):
    return {"closure_inside": target.ask("closure")["seconds"]}


def ask_graph(pyinspect, target, *question):
    """Seconds, peak memory in bytes, and the facts of a graph in which one object is looked at."""
    seconds, peak, output = run(pyinspect, target, *question, "--json",
                                last=[target.hello["object"]])
    report = json.loads(output)
    if not report["complete"]:
        raise Failure("pyinspect did not see the whole graph")
    return seconds, peak, report


def make_graph(pyinspect, target):
    """The graph of all objects: forwards, and both ways; and both ways alone, without a drawing."""
    seconds, _, report = ask_graph(pyinspect, target, "refs")
    both_ways, _, _ = ask_graph(pyinspect, target, "backrefs")
    _, peak, alone = ask_graph(pyinspect, target, "backrefs", "--max-depth", "0")
    return {
        "graph": seconds,
        "graph_pause": report["pause_ms"] / 1e3,
        "nodes": report["graph"]["nodes"],
        "edges": report["graph"]["edges"],
        "traversed": report["graph"]["traversal"]["objects"],
        "both_ways": both_ways,
        "graph_peak": peak,
        "graph_copied": alone["copied_bytes"],
    }


@contextlib.contextmanager
def empty_cache():
    """Layouts are kept in a place of their own."""
    before = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as directory:
        os.environ["XDG_CACHE_HOME"] = directory
        try:
            yield
        finally:
            del os.environ["XDG_CACHE_HOME"]
            if before is not None:
                os.environ["XDG_CACHE_HOME"] = before


def attach_for_the_first_time(pyinspect, target):
    with empty_cache():
        return {"first_open": attach(pyinspect, target)["open"]}


def attach_with_threads(pyinspect, target):
    """One after the other, so that nothing else tells them apart."""
    without = attach(pyinspect, target)["pause"]
    target.ask("threads %d" % SLEEPERS)
    pause = attach(pyinspect, target)["pause"]
    target.ask("threads 0")
    return {"pause_with_threads": pause, "pause_before_threads": without}


def read_traces(pyinspect, target):
    seconds, peak, output = run(pyinspect, target, "traces", "--json")
    report = json.loads(output)
    if not report["complete"]:
        raise Failure("pyinspect did not see all traces")
    return {
        "traces": seconds,
        "traces_peak": peak,
        "traces_pause": report["pause_ms"] / 1e3,
        "traces_copied": report["copied_bytes"],
        "blocks": report["blocks"],
    }


def read_traces_inside(_, target):
    reply = target.ask("snapshot")
    return {"snapshot": reply["seconds"], "statistics": reply["statistics"]}


def run_objgraph(_, target):
    target.take_gap()
    seconds = target.ask("objgraph")["seconds"]
    return {"objgraph": seconds, "objgraph_felt": target.take_gap()}


def rest(_, target):
    target.take_gap()
    time.sleep(0.2)
    return {"felt_at_rest": target.take_gap()}


# What is done in a round. The second kind is for a process of its own, since what Python code needs
# for it, memory and time, changes the heap and takes minutes where there is more of it. The third is
# for one that traces its allocations.
SIDES = [rest, attach, run_objgraph, attach_with_threads, attach_for_the_first_time]
SIDES_OF_ALL = [list_objects, list_objects_inside, make_graph, count_all, count_all_inside]
SIDES_OF_TRACES = [read_traces, read_traces_inside]


def run_rounds(sides, pyinspect, target, rounds):
    for number, figures in enumerate(rounds):
        for side in sides if number % 2 == 0 else sides[::-1]:
            figures.update(side(pyinspect, target))


@contextlib.contextmanager
def started(objgraph_directory, size, *options):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "heap.py")
    with running(sys.executable, "-IB", *options, script, str(size), objgraph_directory,
                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True) as process:
        yield Target(process)


def measure_size(pyinspect, objgraph_directory, size, count):
    """The rounds, as a list of dicts, and objgraph's version."""
    rounds = [{} for _ in range(count + 1)]
    with started(objgraph_directory, size) as target:
        run_rounds(SIDES, pyinspect, target, rounds)
        before, _ = target.memory()
        target.ask("new_ids")
        growth = target.memory()[0] - before
        version = target.hello["objgraph"]
    for figures in rounds:
        figures["new_ids_growth"] = growth
    if size <= MOST_FOR_ALL:
        with started(objgraph_directory, size) as target:
            run_rounds(SIDES_OF_ALL, pyinspect, target, rounds)
    if size <= MOST_FOR_TRACES:
        with started(objgraph_directory, size, "-X", "tracemalloc") as target:
            run_rounds(SIDES_OF_TRACES, pyinspect, target, rounds)
    objects = rounds[-1]["objects"]
    if not size <= objects <= size * 1.1 + 100000:
        raise Failure("%d objects were asked for, %d counted" % (size, objects))
    return rounds[1:], version


def values_of(value_of, rounds):
    """Its value in each round; none where that was not measured."""
    try:
        return [value_of(figures) for figures in rounds]
    except KeyError:
        return []


def number(value):
    size = abs(value)
    digits = 0 if size == 0 or size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return "{:,.{}f}".format(value, digits)


def spread(values):
    low, high = number(min(values)), number(max(values))
    return "" if low == high else "(%s - %s)" % (low, high)


def millions(size):
    return "%g M" % (size / 1e6)


def print_targets(results):
    """Returns how many were missed."""
    missed = 0
    print("%-38s %7s %10s %-20s %8s" % ("", "objects", "median", "", "target"))
    for name, value_of, sign, bound, every in TARGETS:
        for size, rounds in results.items():
            values = values_of(value_of, rounds)
            if not values:
                continue
            middle = statistics.median(values)
            kept = BOUNDS[sign](max(values) if every else middle, bound)
            missed += not kept
            print("%-38s %7s %10s %-20s %8s  %s" % (
                name, millions(size), number(middle), spread(values),
                "%s %g" % (sign, bound), "ok" if kept else "MISSED"))
            name = ""
    return missed


def print_figures(results):
    line = " " * 38
    for size in results:
        line += " %-26s" % (millions(size) + " objects")
    print(line.rstrip())
    for name, value_of in FIGURES:
        line = "%-38s" % name
        for rounds in results.values():
            values = values_of(value_of, rounds)
            told = number(statistics.median(values)) + " " + spread(values) if values else "-"
            line += " %-26s" % told
        print(line.rstrip())


def print_machine(pyinspect):
    version = subprocess.check_output([pyinspect, "--version"], universal_newlines=True).strip()
    with open("/proc/cpuinfo") as lines:
        models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    print("%d cores (%s), Linux %s, load %.1f" % (
        len(os.sched_getaffinity(0)), models[0] if models else "?", platform.release(),
        os.getloadavg()[0]))
    print("CPython %s, %s" % (platform.python_version(), sys.executable))
    print(version)


def main(pyinspect, objgraph_directory):
    sizes = [int(size) for size in SIZES.split()]
    count = int(ROUNDS)
    results = {}
    for size in sizes:
        print("bench: %s objects" % millions(size), file=sys.stderr)
        with empty_cache():
            results[size], version = measure_size(pyinspect, objgraph_directory, size, count)
    print("pyinspect, and objgraph %s inside the same process: "
          "median (lowest - highest) of %d rounds\n" % (version, count))
    missed = print_targets(results)
    print()
    print_figures(results)
    print()
    print_machine(pyinspect)
    return 1 if missed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except (Failure, OSError, ValueError) as failure:
        print("bench: %s" % failure, file=sys.stderr)
        sys.exit(2)
