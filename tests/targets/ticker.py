# SPDX-License-Identifier: MIT
"""A Python process that is visibly alive: it counts in memory that the test shares.

    ticker.py READY_FD MEMORY_FD [COMMAND...]

Adds one to the first eight bytes of the memory file, over and over. SIGUSR1 makes it exec COMMAND;
with `busy` for a COMMAND three threads build and drop structures as fast as they can, with `leaderless`
the main thread exits and another one counts.
"""
import mmap
import os
import signal
import struct
import sys
import threading


class Node:
    def __init__(self, next_node):
        self.next_node = next_node
        self.data = {"items": [1, 2]}


def churn(step):
    alive = []
    while True:
        alive.append(Node(alive[-1] if len(alive) % step else None))
        if len(alive) > 50000:
            del alive[:step * 10000]


def count_for_ever(ready_fd, memory):
    os.write(ready_fd, b"ready\n")
    count = 0
    while True:
        count += 1
        memory[:8] = struct.pack("=Q", count)


def main(ready_fd, memory_fd, *command):
    memory = mmap.mmap(memory_fd, 8)
    if command == ("busy",):
        for step in 2, 3, 4:
            threading.Thread(target=churn, args=(step,), daemon=True).start()
    elif command and command[0].startswith("/"):
        signal.signal(signal.SIGUSR1, lambda *_: os.execv(command[0], command))
    if command == ("leaderless",):
        import ctypes
        threading.Thread(target=count_for_ever, args=(ready_fd, memory)).start()
        ctypes.CDLL(None).pthread_exit(None)
    count_for_ever(ready_fd, memory)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
