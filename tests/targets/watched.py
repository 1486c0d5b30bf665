# SPDX-License-Identifier: MIT
"""A Python process that does as it is told on its standard input, one order a line, and answers with
a number each time. Between two orders it does nothing.

    grow N      makes N more objects of the class Leak
    shrink N    frees as many
    trace N M   starts tracemalloc, which keeps N frames of a traceback, and holds M blocks
    untrace     stops it
    hold N      allocates N more blocks, on one line
    drop N      frees as many
    fork        starts a child that waits for ever; answers its PID
    end PID     kills a child, and waits for its end
    exec        becomes another program: this one, from its start
"""
import gc
import os
import signal
import sys
import tracemalloc


class Leak(object):
    pass


def fork():
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    return pid


def hold(held, count):
    for _ in range(count):
        block = bytes(10000)  # held here
        held.append(block)
    return len(held)


def main():
    gc.disable()
    kept = []
    held = []
    while True:
        words = sys.stdin.readline().split()
        answer = 0
        if not words:
            os._exit(0)
        if words[0] == "grow":
            kept.extend([Leak() for _ in range(int(words[1]))])
            answer = len(kept)
        elif words[0] == "shrink":
            del kept[:int(words[1])]
            answer = len(kept)
        elif words[0] == "trace":
            tracemalloc.start(int(words[1]))
            answer = hold(held, int(words[2]))
        elif words[0] == "untrace":
            tracemalloc.stop()
        elif words[0] == "hold":
            answer = hold(held, int(words[1]))
        elif words[0] == "drop":
            del held[:int(words[1])]
            answer = len(held)
        elif words[0] == "fork":
            answer = fork()
        elif words[0] == "end":
            os.kill(int(words[1]), signal.SIGKILL)
            os.waitpid(int(words[1]), 0)
        elif words[0] == "exec":
            os.execv(sys.executable, [sys.executable, sys.argv[0]])
        sys.stdout.write("%d\n" % answer)
        sys.stdout.flush()


sys.stdout.write("0\n")
sys.stdout.flush()
main()
