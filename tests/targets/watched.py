# SPDX-License-Identifier: MIT
"""A Python process that does as it is told on its standard input, one order a line, and answers with
a number each time. Between two orders it does nothing.

    grow N      makes N more objects of the class Leak
    shrink N    frees as many
    fork        starts a child that waits for ever; answers its PID
    end PID     kills a child, and waits for its end
    exec        becomes another program: this one, from its start
"""
import gc
import os
import signal
import sys


class Leak(object):
    pass


def fork():
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    return pid


def main():
    gc.disable()
    kept = []
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
