# SPDX-License-Identifier: MIT
"""A service that leaks objects of 3 of its 40 types, at 1, 10 and 100 a second, among noise.

    leaky.py SEED [STEPS DONE]

With the names of two FIFOs its clock is driven from outside: for each byte that comes through
STEPS a second passes in it, and a byte goes into DONE. Without, a second takes a second.

Instances have slots and no dict, so that a leak shows in one type alone. The noise is white, walks
that come back, sawtooths (those of the collector, too), caches that fill and are full, start-ups
that end, single steps and bursts.
"""
import gc
import random
import sys
import time

chance = random.Random(int(sys.argv[1]))


def make_type(name):
    return type(name, (), {"__slots__": ("other",), "__module__": "app"})


def white():
    level, size = chance.randint(100, 2000), chance.choice((1, 5, 30))
    return lambda at: level + chance.gauss(0, size)


def walk():
    level, size, back = chance.randint(500, 2000), chance.choice((2, 20)), chance.uniform(0.2, 0.8)
    state = [0.0]

    def count(at):
        state[0] = (1 - back) * state[0] + chance.gauss(0, size)
        return level + state[0]

    return count


def sawtooth():
    period, size, phase = chance.uniform(2, 12), chance.choice((20, 200, 700)), chance.random()
    return lambda at: 50 + size * ((at / period + phase) % 1)


def cache():
    full, size = chance.uniform(2, 13), chance.choice((50, 500, 2000))
    return lambda at: size * min(1, at / full)


def start_up():
    pace, size = chance.uniform(0.5, 3.5), chance.choice((50, 500, 2000))
    return lambda at: size * (1 - 2.718281828 ** (-at / pace))


def step():
    when, size = chance.uniform(1, 20), chance.choice((50, 500, 2000))
    return lambda at: 30 + size * (at > when)


def bursts():
    state = [0.0]

    def count(at):
        state[0] /= 2
        if chance.random() < 0.1:
            state[0] += chance.expovariate(1 / 200)
        return 20 + state[0]

    return count


class Held:
    """As many objects of a type as its kind wants."""

    __slots__ = "type", "wanted", "objects"

    def __init__(self, type, wanted):
        self.type, self.wanted, self.objects = type, wanted, []

    def second(self, at):
        wanted = max(0, round(self.wanted(at)))
        del self.objects[wanted:]
        self.objects.extend(self.type() for _ in range(wanted - len(self.objects)))


class Leaking:
    """Some more each second, and some in flight."""

    __slots__ = "type", "rate", "leaked", "in_flight"

    def __init__(self, type, rate):
        self.type, self.rate, self.leaked, self.in_flight = type, rate, [], []

    def second(self, at):
        self.leaked.extend(self.type() for _ in range(self.rate))
        busy = chance.randint(0, max(1, self.rate // 2))
        self.in_flight = [self.type() for _ in range(busy)]


class Circles:
    """Garbage until the collector comes."""

    __slots__ = ("type", "period")

    def __init__(self, type, period):
        self.type, self.period = type, period

    def second(self, at):
        for _ in range(40):
            one, two = self.type(), self.type()
            one.other, two.other = two, one
        if at % self.period == 0:
            gc.collect()


gc.disable()
service = [Leaking(make_type("Leak%d" % rate), rate) for rate in (1, 10, 100)]
service.append(Circles(make_type("Circle"), 7))
kinds = white, walk, sawtooth, cache, start_up, step, bursts
for number in range(36):
    kind = kinds[number % len(kinds)]
    service.append(Held(make_type("%s%d" % (kind.__name__.capitalize(), number)), kind()))

driven = sys.argv[2:]
if driven:
    steps, done = open(driven[0], "rb", 0), open(driven[1], "wb", 0)
at = 0
while not driven or steps.read(1):
    for part in service:
        part.second(at)
    at += 1
    if driven:
        done.write(b".")
    else:
        time.sleep(1)
