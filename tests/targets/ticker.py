# SPDX-License-Identifier: MIT
"""A Python process that is visibly alive: it counts in memory that the test shares.

    ticker.py READY_FD MEMORY_FD WAKEUP_FD [COMMAND...]

Adds one to the first word of the memory file, over and over. SIGUSR1 makes it exec COMMAND, if that
is a path; else COMMAND is one of the functions at the end. See tests/support/ticker.h.
"""
import gc
import mmap
import os
import signal
import sys
import threading
import time

COUNT, LONGEST_GAP, DONE, WAITS = range(4)
WORDS = 16
MARKERS = 777
WAIT = 1.0  # seconds


class Node:
    def __init__(self, next_node):
        self.next_node = next_node
        self.data = {"items": [1, 2]}


class Marker:
    pass


def churn(step):
    alive = []
    while True:
        alive.append(Node(alive[-1] if len(alive) % step else None))
        if len(alive) > 50000:
            del alive[:step * 10000]


def churn_and_collect(generation, holders):
    """Makes cycles, which only the collector can free, and has them freed.

    Each marker gets a new holder, which the collector meets after what it holds: for a moment it has
    the markers on a list of its own, as if they were unreachable.
    """
    while True:
        for _ in range(200):
            node = Node(None)
            node.next_node = node
        for index, holder in enumerate(holders):
            holders[index] = [holder[0]]
        gc.collect(generation)


def in_threads(function, arguments, *more):
    for argument in arguments:
        threading.Thread(target=function, args=(argument,) + more, daemon=True).start()


def count_for_ever(ready_fd, words):
    os.write(ready_fd, b"ready\n")
    count = 0
    while True:
        count += 1
        words[COUNT] = count


def count_and_measure(ready_fd, words):
    now = time.perf_counter
    os.write(ready_fd, b"ready\n")
    count = 0
    before = now()
    while True:
        after = now()
        gap = int((after - before) * 1e9)
        before = after
        if gap > words[LONGEST_GAP]:
            words[LONGEST_GAP] = gap
        count += 1
        words[COUNT] = count


def ways_to_wait():
    """Functions that return True after WAIT, when all is well."""
    import select
    import socket

    quiet, other = socket.socketpair()
    timed, another = socket.socketpair()
    timed.settimeout(WAIT)
    epoll = select.epoll()
    epoll.register(quiet.fileno(), select.EPOLLIN)
    poll = select.poll()
    poll.register(quiet.fileno(), select.POLLIN)
    lock = threading.Lock()
    lock.acquire()

    def receive():
        try:
            timed.recv(1)
        except socket.timeout:
            return True

    return [
        lambda: time.sleep(WAIT) is None,
        lambda: select.select([quiet], [], [], WAIT) == ([], [], []),
        lambda: epoll.poll(WAIT) == [],
        lambda: poll.poll(WAIT * 1000) == [],
        receive,
        lambda: not lock.acquire(timeout=WAIT),
    ], (other, another)


def busy(words, wakeup_fd):
    in_threads(churn, (2, 3, 4))


def collecting(words, wakeup_fd):
    global holders
    holders = [[Marker()] for _ in range(MARKERS)]
    in_threads(churn_and_collect, (0, 1, 2, 2), holders)


def beating(words, wakeup_fd):
    global kept
    gc.disable()
    kept = [tuple([[]] * 40) for _ in range(300000)]
    sys.setswitchinterval(100)


def signalled(words, wakeup_fd):
    signal.signal(signal.SIGRTMIN, lambda *_: None)
    signal.set_wakeup_fd(wakeup_fd)


def waiting(words, wakeup_fd):
    global others
    ways, others = ways_to_wait()
    lock = threading.Lock()

    def wait(number):
        begun = time.monotonic()
        well = ways[number]()
        taken = time.monotonic() - begun
        with lock:
            words[WAITS + number] = int(taken * 1e9) if well else 0
            words[DONE] += 1

    in_threads(wait, range(len(ways)))


def leaderless(ready_fd, words):
    import ctypes
    threading.Thread(target=count_for_ever, args=(ready_fd, words)).start()
    ctypes.CDLL(None).pthread_exit(None)


def main(ready_fd, memory_fd, wakeup_fd, *command):
    words = memoryview(mmap.mmap(memory_fd, WORDS * 8)).cast("Q")
    name = command[0] if command else ""
    if name.startswith("/"):
        signal.signal(signal.SIGUSR1, lambda *_: os.execv(name, command))
    elif name == "leaderless":
        leaderless(ready_fd, words)
    elif name:
        {"busy": busy, "collecting": collecting, "beating": beating, "signalled": signalled,
         "waiting": waiting}[name](words, wakeup_fd)
    (count_and_measure if name == "beating" else count_for_ever)(ready_fd, words)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
