# SPDX-License-Identifier: MIT
"""Random nested values of the built-in types, the same for the same seed and version."""
import collections
import datetime
import decimal
import random
import struct

DEEPEST = 5
ALPHABETS = (
    range(0x20, 0x7f), range(0, 0x80), range(0x80, 0x100), range(0, 0x100), range(0x100, 0x3000),
    range(0xd800, 0xe000), range(0xe000, 0x10000), range(0x10000, 0x11000), range(0x1f000, 0x20000),
    range(0, 0x110000), (0x27, 0x22, 0x5c, 0x6e, 0x0a), (0x27, 0x61), (0x22, 0x61),
    (0x2028, 0x200b, 0xad, 0x378),
)


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def length(self):
        if self.random.random() < 0.1:
            return self.random.randrange(300)
        return int(self.random.expovariate(0.1))

    def number(self):
        chance = self.random
        kind = chance.randrange(6)
        if kind == 0:
            return chance.randrange(-10, 300)
        if kind == 1:
            return chance.choice((-1, 1)) * ((1 << chance.randrange(200)) + chance.randrange(-1, 2))
        if kind == 2:
            return chance.choice((-1, 1)) * (10 ** chance.randrange(100) + chance.randrange(-1, 2))
        if kind == 3 and chance.random() < 0.1:
            return chance.choice((-1, 1)) * chance.getrandbits(14000)
        return chance.choice((-1, 1)) * chance.getrandbits(chance.randrange(1, 500))

    def real(self):
        chance = self.random
        kind = chance.randrange(8)
        if kind == 0:
            return chance.choice((0.0, -0.0, float("inf"), -float("inf"), float("nan"), 1e16, 1e-5,
                                  1e-4, 5e-324))
        if kind == 1:
            return struct.unpack("<d", struct.pack("<Q", chance.getrandbits(52)))[0]  # subnormal
        if kind == 2:
            return 2.0 ** chance.randrange(-1074, 1024)
        if kind == 3:
            return 10.0 ** chance.randrange(-320, 308)
        if kind == 4:
            return round(chance.uniform(-1000, 1000), chance.randrange(6))
        if kind == 5:
            return float(chance.getrandbits(chance.randrange(1, 70)))
        return struct.unpack("<d", struct.pack("<Q", chance.getrandbits(64)))[0]

    def imaginary(self):
        return complex(self.real(), self.real())

    def text(self):
        alphabets = self.random.sample(ALPHABETS, self.random.choice((1, 1, 2, 3)))
        choice = self.random.choice
        return "".join(chr(choice(choice(alphabets))) for _ in range(self.length()))

    def octets(self):
        alphabet = self.random.choice((range(256), range(0x20, 0x7f), (0x27, 0x22, 0x5c, 0x61),
                                       (0x27, 0x61)))
        return bytes(self.random.choice(alphabet) for _ in range(self.length()))

    def grown(self):
        ret = bytearray(self.octets())
        del ret[:self.random.randrange(5)]
        return ret

    def span(self):
        numbers = [self.number() for _ in range(self.random.randrange(1, 4))]
        return range(*numbers[:2] + [numbers[2] or 1] if len(numbers) == 3 else numbers)

    def moment(self):
        chance = self.random
        zone = chance.choice((None, None, datetime.timezone.utc, datetime.timezone(
            datetime.timedelta(minutes=chance.randrange(-1439, 1440)),
            chance.choice(("a", "it's", "\u540d")))))
        clock = [chance.randrange(24), chance.randrange(60),
                 chance.choice((0, chance.randrange(60))),
                 chance.choice((0, chance.randrange(1000000)))]
        day = chance.randrange(1, 10000), chance.randrange(1, 13), chance.randrange(1, 29)
        return chance.choice((
            lambda: datetime.date(*day),
            lambda: datetime.time(*clock, tzinfo=zone, fold=chance.randrange(2)),
            lambda: datetime.datetime(*day, *clock, tzinfo=zone, fold=chance.randrange(2)),
            lambda: datetime.timedelta(chance.randrange(-999, 999),
                                       chance.choice((0, chance.randrange(86400))),
                                       chance.choice((0, chance.randrange(1000000))))))()

    def exact(self):
        digits = tuple(self.random.randrange(10) for _ in range(self.length() + 1))
        return decimal.Decimal((self.random.randrange(2), digits, self.random.choice(
            (0, self.random.randrange(-30, 30), self.random.randrange(-10 ** 6, 10 ** 6), "F", "n",
             "N"))))

    def leaf(self):
        return self.random.choice((
            self.number, self.number, self.real, self.real, self.imaginary, self.text, self.text,
            self.text, self.octets, self.grown, self.span, self.moment, self.exact,
            lambda: self.random.choice((None, True, False, ..., ()))))()

    def key(self, depth):
        """A value that can be hashed."""
        kind = self.random.randrange(8)
        if depth and kind == 0:
            return tuple(self.key(depth - 1) for _ in range(self.breadth()))
        if depth and kind == 1:
            return frozenset(self.key(depth - 1) for _ in range(self.breadth()))
        while True:
            ret = self.leaf()
            try:
                hash(ret)
                return ret
            except TypeError:
                pass

    def breadth(self):
        return self.random.choice((0, 1, 1, 2, 2, 3, 4, 5))

    def value(self, depth, above=()):
        """`above` are the containers that the value will be in, which it may hold."""
        kind = self.random.randrange(14)
        if not depth or kind < 4:
            return self.leaf()
        if kind == 4 and above:
            return self.random.choice(above)
        if kind == 5:
            return {self.key(depth - 1) for _ in range(self.breadth())}
        if kind == 6:
            return frozenset(self.key(depth - 1) for _ in range(self.breadth()))
        if kind == 7:
            return tuple(self.value(depth - 1, above) for _ in range(self.breadth()))
        if kind == 8:
            return slice(*(self.value(min(depth - 1, 1)) for _ in range(3)))
        if kind in (9, 10):
            ret = self.random.choice((dict, dict, collections.OrderedDict,
                                      collections.defaultdict))()
            for _ in range(self.breadth()):
                ret[self.key(depth - 1)] = self.value(depth - 1, above + (ret,))
            return ret
        if kind == 11:
            ret = collections.deque(maxlen=self.random.choice((None, None, 0, 2, 10)))
        else:
            ret = []
        for _ in range(self.breadth()):
            ret.append(self.value(depth - 1, above + (ret,)))
        return ret


def make(seed, count):
    maker = Maker(seed)
    return [maker.value(maker.random.randrange(DEEPEST + 1)) for _ in range(count)]
