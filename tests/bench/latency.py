# SPDX-License-Identifier: MIT
"""How much slower a gunicorn answers while pyinspect watches its workers.

    latency.py PYINSPECT

The service (latency_app.py) has four workers and is asked by wrk at a moderate, steady rate. Windows
without and with pyinspect alternate, and their order turns with each round, so that neither has the
better hours. All latencies of all windows of a kind are put together before the 99th percentile is
taken: it is promised to stay within 10 % and the longest printed pause.

See latency.sh for what can be chosen. Exits with 1 if the target is missed, with 2 if something
could not be measured.
"""
import collections
import contextlib
import json
import os
import platform
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time

SECONDS = int(os.environ.get("LATENCY_SECONDS") or "30")
ROUNDS = int(os.environ.get("LATENCY_ROUNDS") or "5")
SIDES = (os.environ.get("LATENCY_SIDES") or "without watch").split()
DELAY = os.environ.get("LATENCY_DELAY") or "40"
WORKERS = 4
CONNECTIONS = 8
WITHIN = 1.10
EVERY = 1.0  # seconds, from sample to sample
SHARE = "5%"  # so that no sample is put off: a longer pause shows as latency, not as a gap
SPIN = 0.06  # seconds of CPU time a worker and sample, for comparison
PATIENCE = 60  # seconds
HERE = os.path.dirname(os.path.abspath(__file__))


class Failure(Exception):
    pass


@contextlib.contextmanager
def running(command, **options):
    """A child that is gone at the end, whatever happened."""
    child = subprocess.Popen(command, **options)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def read_line(stream, what):
    if not select.select([stream], [], [], PATIENCE)[0]:
        raise Failure("%s took over %d seconds" % (what, PATIENCE))
    return stream.readline()


def children_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as line:
        return [int(child) for child in line.read().split()]


class Service:
    def __init__(self, process):
        self.master = process.pid
        while True:
            line = read_line(process.stderr, "gunicorn").decode()
            found = re.search(r"Listening at: (http://127\.0\.0\.1:\d+)", line)
            if found:
                break
            if not line:
                raise Failure("gunicorn did not start")
        self.url = found.group(1)
        # What it says from now on must not fill the pipe.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        self.load(5)
        self.workers = children_of(self.master)
        if len(self.workers) != WORKERS:
            raise Failure("gunicorn has %d workers" % len(self.workers))

    def load(self, seconds):
        """Asks for so long; returns how often each latency (in milliseconds) was met, and how many
        requests failed."""
        told = subprocess.run(
            ["wrk", "-t1", "-c%d" % CONNECTIONS, "-d%ds" % seconds, "--timeout", "10s", "-s",
             os.path.join(HERE, "latency.lua"), self.url],
            env=dict(os.environ, LATENCY_DELAY=DELAY), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, timeout=seconds + PATIENCE, check=True).stdout.decode()
        latencies = collections.Counter()
        errors = 0
        for line in told.splitlines():
            words = line.split()
            if words[:1] == ["errors"]:
                errors = int(words[1])
            if words[:1] == ["latency"]:
                latencies[int(words[1]) / 1e3] += int(words[2])
        if not latencies:
            raise Failure("wrk told of no request:\n" + told)
        return latencies, errors


@contextlib.contextmanager
def service_started():
    with running(["/usr/bin/python3", "-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers",
                  str(WORKERS), "latency_app:application"], cwd=HERE, stdin=subprocess.DEVNULL,
                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                 env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1")) as process:
        yield Service(process)


class Watcher:
    """Looks at the workers from start() to stop(); then knows its pauses (milliseconds)."""

    def __init__(self, pyinspect, service):
        self.pyinspect = pyinspect
        self.service = service
        self.pauses = []
        self.rounds = 0  # in which all workers were looked at

    def start(self):
        pass

    def stop(self):
        pass


class Watch(Watcher):
    """`pyinspect watch`, as a user would start it."""

    def start(self):
        self.messages = tempfile.TemporaryFile()
        self.output = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [self.pyinspect, "watch", "--children", str(self.service.master),
             "--every", "%gs" % EVERY, "--max-share", SHARE, "--json"],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.messages,
            # A shell's background job is started with SIGINT ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def stop(self):
        ended = self.process.poll()
        if ended is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(PATIENCE)
        self.messages.seek(0)
        if ended is not None:
            raise Failure("watch ended:\n" + self.messages.read().decode())
        self.output.seek(0)
        told = [json.loads(line) for line in self.output]
        self.pauses = [line["pause_ms"] for line in told if "pause_ms" in line]
        self.rounds = len(set(line["sample"] for line in told))


class Attach(Watcher):
    """What a shell loop would do: attach to one worker after the other, each second."""
    options = []

    def start(self):
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.loop)
        self.thread.start()

    def loop(self):
        due = time.monotonic()
        while not self.ended.wait(max(0, due - time.monotonic())):
            due += EVERY
            for worker in self.service.workers:
                self.look(worker)
            self.rounds += 1

    def look(self, worker):
        told = subprocess.run([self.pyinspect, "attach", str(worker), "--json"] + self.options,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        if told.returncode > 1:
            raise Failure("pyinspect failed with status %d" % told.returncode)
        self.pauses.append(json.loads(told.stdout.decode())["pause_ms"])

    def stop(self):
        self.ended.set()
        self.thread.join()


class NoStop(Attach):
    options = ["--no-stop"]


class Spin(Attach):
    def look(self, worker):
        subprocess.run([sys.executable, "-IS", "-c",
                        "import time\nwhile time.process_time() < %g: pass" % SPIN])


SIDE_CLASSES = {"without": Watcher, "watch": Watch, "attach": Attach,
                "no-stop": NoStop, "spin": Spin}


class Result:
    """Of all windows of a kind."""

    def __init__(self):
        self.latencies = collections.Counter()
        self.windows = []  # the percentile of each
        self.errors = 0
        self.pauses = []
        self.rounds = 0
        self.cpu = 0.0  # seconds, of what looked


def percentile(latencies, share):
    left = share * sum(latencies.values())
    for latency in sorted(latencies):
        left -= latencies[latency]
        if left <= 0:
            return latency
    return max(latencies)


def cpu_of_children():
    usage = os.times()
    return usage.children_user + usage.children_system


def measure(side, pyinspect, service, result):
    watcher = SIDE_CLASSES[side](pyinspect, service)
    before = cpu_of_children()
    watcher.start()
    try:
        latencies, errors = service.load(SECONDS)
    finally:
        watcher.stop()
    result.cpu += cpu_of_children() - before
    result.latencies.update(latencies)
    result.windows.append(percentile(latencies, 0.99))
    result.pauses += watcher.pauses
    result.rounds += watcher.rounds
    result.errors += errors


def print_results(results):
    first = results[SIDES[0]]
    missed = 0
    print("%-10s %9s %6s %8s %8s %8s  %-18s %8s %8s %9s" % (
        "", "requests", "failed", "p50, ms", "p99, ms", "ratio", "of each window", "looks", "pause",
        "CPU, %"))
    for side, result in results.items():
        p99 = percentile(result.latencies, 0.99)
        longest = max(result.pauses, default=0)
        print("%-10s %9d %6d %8.2f %8.2f %8.3f  %-18s %8d %8.1f %9.1f" % (
            side, sum(result.latencies.values()), result.errors, percentile(result.latencies, 0.5), p99,
            p99 / percentile(first.latencies, 0.99),
            "%.2f - %.2f" % (min(result.windows), max(result.windows)), result.rounds, longest,
            100 * (result.cpu - first.cpu) / (SECONDS * ROUNDS)))
    print()
    for side in SIDES[1:]:
        result = results[side]
        p99 = percentile(result.latencies, 0.99)
        bound = WITHIN * percentile(first.latencies, 0.99) + max(result.pauses, default=0)
        kept = p99 <= bound
        often = result.rounds >= 0.9 * SECONDS * ROUNDS / EVERY
        missed += side == "watch" and not (kept and often)
        print("%s: p99 %.2f ms, target <= %.2f ms (%.2f and 10 %%, and the longest pause)  %s" % (
            side, p99, bound, percentile(first.latencies, 0.99), "ok" if kept else "MISSED"))
        if not often and side != "spin":
            print("%s: looked %d times in %d s: pauses so long that --max-share put it off, or too "
                  "busy a machine" % (side, result.rounds, SECONDS * ROUNDS))
    return missed


def main(pyinspect):
    pyinspect = os.path.abspath(pyinspect)
    unknown = [side for side in SIDES if side not in SIDE_CLASSES]
    if unknown:
        raise Failure("LATENCY_SIDES: no such side: %s" % unknown[0])
    results = {side: Result() for side in SIDES}
    with tempfile.TemporaryDirectory() as cache, service_started() as service:
        os.environ["XDG_CACHE_HOME"] = cache
        for number in range(ROUNDS):
            for side in SIDES if number % 2 == 0 else SIDES[::-1]:
                print("latency: round %d of %d, %s" % (number + 1, ROUNDS, side), file=sys.stderr)
                measure(side, pyinspect, service, results[side])
    print("gunicorn, %d workers; %d windows of %d s of each kind; the longest pause in ms;\nCPU beyond the first kind's, of one core\n" % (
        WORKERS, ROUNDS, SECONDS))
    missed = print_results(results)
    print("\n%d cores, Linux %s, load %.1f" % (
        len(os.sched_getaffinity(0)), platform.release(), os.getloadavg()[0]))
    return 1 if missed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except (Failure, OSError, ValueError, subprocess.SubprocessError) as failure:
        print("latency: %s" % failure, file=sys.stderr)
        sys.exit(2)
