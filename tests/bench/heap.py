# SPDX-License-Identifier: MIT
"""The process that is measured: a heap, a heartbeat, and objgraph.

    heap.py OBJECTS OBJGRAPH_DIRECTORY

Prints a JSON line when the heap of so many objects is built, with the address of one of them, then
does what each line on standard input says and answers with a JSON line; ends with its standard
input.

    gap         the longest gap between two heartbeats, in seconds, since this was last answered
    threads N   holds N threads, asleep
    objgraph    runs objgraph.show_most_common_types
    new_ids     runs objgraph.get_new_ids
    list        tells of each tracked object what `pyinspect objects` does, and drops it
    closure     counts by type all objects that gc.get_referents leads to
    snapshot    runs tracemalloc.take_snapshot and its statistics by line
"""
import collections
import ctypes
import gc
import io
import json
import os
import random
import signal
import sys
import threading
import time
import tracemalloc

PR_SET_PTRACER = 0x59616D61
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)

BEAT = 0.0005
OBJECTS_AN_ENTRY = 10


class Customer:
    def __init__(self, number):
        self.number = number
        self.name = "customer %d" % number
        self.orders = []


class Line:
    __slots__ = "article", "quantity", "price"

    def __init__(self, article, quantity, price):
        self.article = article
        self.quantity = quantity
        self.price = price


class Order:
    def __init__(self, customer, lines):
        self.customer = customer
        self.lines = lines
        self.state = {"paid": False, "lines": lines}


def make_entry(number):
    """Ten objects that the collector tracks: six instances (four of them have slots), two lists, a
    dict and a tuple."""
    customer = Customer(number)
    order = Order(customer, [Line("article %d" % number, i, 1.5 * number) for i in range(4)])
    customer.orders.append(order)
    return order, customer


def build_heap(objects):
    gc.disable()
    heap = [make_entry(number) for number in range(objects // OBJECTS_AN_ENTRY)]
    # A heap that has been used for a while is not in the order of its addresses.
    again = random.Random(1).sample(range(len(heap)), len(heap) // 5)
    for number in again:
        heap[number] = None
    for number in again:
        heap[number] = make_entry(number)
    gc.collect()
    gc.enable()
    return heap


class Heartbeat(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.beats = 0
        self.longest = 0.0

    def run(self):
        before = time.perf_counter()
        while True:
            time.sleep(BEAT)
            now = time.perf_counter()
            self.longest = max(self.longest, now - before)
            self.beats += 1
            before = now

    def take_longest(self):
        # The gap that is under way counts too.
        beats = self.beats
        while self.beats < beats + 2:
            time.sleep(BEAT)
        longest, self.longest = self.longest, 0.0
        return longest


class Sleepers:
    """Threads that are asleep, one half on a lock and the other in read()."""

    def __init__(self):
        self.threads = []
        self.asleep = threading.Semaphore(0)

    def set_number(self, number):
        if self.threads:
            self.lock.release()
            os.close(self.write_end)
            for thread in self.threads:
                thread.join()
            os.close(self.read_end)
            self.threads = []
        if number:
            self.lock = threading.Lock()
            self.lock.acquire()
            self.read_end, self.write_end = os.pipe()
            ways = self.sleep_on_lock, self.sleep_in_read
            for i in range(number):
                self.threads.append(threading.Thread(target=ways[i % 2], daemon=True))
                self.threads[-1].start()
                self.asleep.acquire()

    def sleep_on_lock(self):
        self.asleep.release()
        with self.lock:
            pass

    def sleep_in_read(self):
        self.asleep.release()
        os.read(self.read_end, 1)


def list_objects(file):
    for o in gc.get_objects():
        row = (id(o), type(o), sys.getsizeof(o), sys.getrefcount(o), repr(o)[:80])
    file.write(row[-1])


def count_all(file):
    """As pympler's muppy.get_objects and summary do it, less what is slow in them."""
    found = {id(o): o for o in gc.get_objects()}
    pending = list(found.values())
    while pending:
        reached = {id(o): o for o in gc.get_referents(*pending)}
        pending = [o for number, o in reached.items() if number not in found]
        found.update((id(o), o) for o in pending)
    counts, sizes = collections.Counter(), collections.Counter()
    for o in found.values():
        counts[type(o)] += 1
        sizes[type(o)] += sys.getsizeof(o)
    file.write("%d %d" % (sum(counts.values()), sum(sizes.values())))


def time_of(function):
    start = time.perf_counter()
    function(file=io.StringIO())
    return time.perf_counter() - start


def answer(objgraph, heartbeat, sleepers, command, *arguments):
    if command == "threads":
        sleepers.set_number(int(arguments[0]))
        return {}
    if command == "objgraph":
        return {"seconds": time_of(objgraph.show_most_common_types)}
    if command == "new_ids":
        return {"seconds": time_of(objgraph.get_new_ids)}
    if command == "list":
        return {"seconds": time_of(list_objects)}
    if command == "closure":
        return {"seconds": time_of(count_all)}
    if command == "snapshot":
        snapshots = []
        seconds = time_of(lambda file: snapshots.append(tracemalloc.take_snapshot()))
        return {"seconds": seconds,
                "statistics": time_of(lambda file: snapshots[0].statistics("lineno"))}
    if command == "gap":
        return {"gap": heartbeat.take_longest()}
    raise ValueError(command)


def main(objects, objgraph_directory):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)
    # Should memory run out, it is this process that is in the way.
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")
    sys.path.append(objgraph_directory)
    import objgraph

    heap = build_heap(int(objects))
    heartbeat = Heartbeat()
    heartbeat.start()
    sleepers = Sleepers()
    print(json.dumps({"objgraph": objgraph.__version__, "object": hex(id(heap[0][0]))}), flush=True)
    for line in sys.stdin:
        reply = answer(objgraph, heartbeat, sleepers, *line.split())
        print(json.dumps(reply), flush=True)
    # Freeing the heap would take seconds.
    os._exit(0 if heap else 1)


main(*sys.argv[1:])
