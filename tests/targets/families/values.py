# SPDX-License-Identifier: MIT
"""Families of values: numbers, text, bytes, dates."""
import enum
import math
import struct
import sys

from . import family, skipped


class Number(int):
    pass


class SlottedNumber(int):
    __slots__ = ()


class Real(float):
    pass


class Point(complex):
    pass


class Text(str):
    pass


class SlottedText(str):
    __slots__ = ()


class Octets(bytes):
    pass


class Buffer(bytearray):
    pass


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2 ** 40


class Access(enum.IntFlag):
    READ = 4
    WRITE = 2


def with_attribute(value):
    value.attribute = [value]
    return value


@family
def integers():
    kept = [True, False, None, Level.LOW, Level.HIGH, Access.READ, Access.READ | Access.WRITE]
    kept += list(range(-10, 300))
    for bits in list(range(1, 70)) + [89, 90, 91, 119, 120, 121, 150, 1000, 4095, 14000]:
        for near in -1, 0, 1:
            kept += [(1 << bits) + near, -(1 << bits) + near]
    kept += [10 ** digits for digits in (15, 18, 30, 100, 639, 640, 641, 4299)]
    kept += [1 << 20000, -(3 ** 20000), 7 ** 100000]
    for value in 0, 1, -1, 300, 1 << 30, 1 << 60, -(1 << 200):
        kept += [Number(value), with_attribute(Number(value)), SlottedNumber(value)]
    return kept


@family
def floats():
    kept = [0.0, -0.0, 1.0, -1.5, 0.1, 1 / 3, math.pi, 1e16, 1e17, 123456789012345680.0, 1e-4, 1e-5,
            5e-324, sys.float_info.max, sys.float_info.min, sys.float_info.epsilon, math.inf,
            -math.inf, math.nan, struct.unpack("<d", b"\x01\0\0\0\0\0\xf8\xff")[0], 1e22, 1e23]
    kept += [2.0 ** power for power in range(-1074, 1024, 37)]
    kept += [10.0 ** power for power in range(-30, 31)]
    kept += [Real(1.5), with_attribute(Real(2.5))]
    parts = 0.0, -0.0, 1.0, -2.5, math.inf, -math.inf, math.nan, 1e300
    kept += [complex(left, right) for left in parts for right in parts]
    kept += [Point(1, 2), with_attribute(Point(0, 1)), None, Ellipsis, NotImplemented]
    return kept


def cache_utf8(text):
    """The text, with its UTF-8 form beside it."""
    import ctypes
    function = ctypes.pythonapi.PyUnicode_AsUTF8
    function.restype, function.argtypes = ctypes.c_void_p, [ctypes.py_object]
    function(text)
    return text


def cache_wide(text):
    """The text, with the wchar_t form that Python had until 3.11."""
    import ctypes
    function = ctypes.pythonapi.PyUnicode_AsUnicode
    function.restype, function.argtypes = ctypes.c_void_p, [ctypes.py_object]
    function(text)
    return text


def make_legacy(text, ready):
    """A text of the kind of before 3.3, which Python had until 3.11."""
    import ctypes
    make = ctypes.pythonapi.PyUnicode_FromUnicode
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_ssize_t]
    get = ctypes.pythonapi.PyUnicode_AsUnicode
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object]
    legacy = make(None, len(text))
    wide = ctypes.create_unicode_buffer(text)
    ctypes.memmove(get(legacy), wide, ctypes.sizeof(wide))
    if ready:
        legacy.isalpha()
    return legacy


SAMPLES = [
    "", "a", "\0", "\n", "\x7f", "\x80", "\xa0", "\xad", "\xe9", "\xff", "\u0100", "\u200b",
    "\u2028", "\u540d", "\ud800", "\udfff", "\ue000", "\ufeff", "\uffff", "\U00010000",
    "\U0001f40d", "\U000e0001", "\U0010ffff", "'", '"', "'\"", "\\", "\\n", "it's", 'say "it"',
    "both ' and \"", "tab\tnewline\nreturn\r", "plain text", "caf\xe9", "na\xefve 'quoted'",
    "\u540d\u524d", "mixed \xe9 \u540d \U0001f40d", "e\u0301", "\x1b[31mred\x1b[0m", "\x85\x9b",
    "low \udc80 lone", "\u202eright to left", "\u0378 unassigned", "a\0b", "%s {} $x",
    "<not a tag>", "\ud83d\udc0d pair",
]


@family
def strings():
    kept = list(SAMPLES)
    kept += [sample * 3 for sample in SAMPLES if sample]
    kept += [letter * count for letter in ("a", "\xe9", "\u540d", "\U0001f40d")
             for count in (2, 3, 7, 15, 16, 79, 80, 81, 119, 120, 121, 255, 1000, 70000)]
    kept += [sys.intern("interned_%d" % i) for i in range(50)]
    kept += ["".join(["not interned ", str(i)]) for i in range(50)]
    kept += [chr(code) for code in range(256)]
    for sample in SAMPLES:
        kept += [Text(sample), SlottedText(sample), with_attribute(Text(sample + "!"))]
    hashed = ["hashed \u540d %d" % i for i in range(20)]
    kept += [hashed, set(hashed)]
    try:
        kept += [cache_utf8(text + " cached") for text in SAMPLES
                 if not any("\ud800" <= letter <= "\udfff" for letter in text)]
        kept += [cache_utf8(Text("caf\xe9"))]
    except ImportError as error:
        skipped("cached UTF-8", error)
    if sys.version_info >= (3, 12):
        skipped("strings with a wchar_t form", "gone in 3.12")
        return kept
    try:
        kept += [cache_wide(text + " wide") for text in SAMPLES]
        kept += [make_legacy(text, ready) for ready in (True, False)
                 for text in ("legacy", "caf\xe9", "\u540d\u524d", "\U0001f40d snake")]
    except ImportError as error:
        skipped("strings with a wchar_t form", error)
    return kept


@family
def octets():
    kept = [b"", b"a", b"\0", b"'", b'"', b"'\"", b"\\", b"\t\n\r", bytes(range(256)),
            Octets(b"ab")]
    kept += [with_attribute(Octets(b"abc"))]
    kept += [bytes([value]) * count for value in (0, 65,
                                                  200) for count in (2, 10, 100, 1000, 70000)]
    empty, cleared, grown, cut, popped = (bytearray() for _ in range(5))
    cleared += b"abc"
    cleared.clear()
    for value in range(200):
        grown.append(value)
    cut += bytes(range(250))
    del cut[:100]
    popped += b"x" * 1000
    while len(popped) > 10:
        popped.pop()
    exported = bytearray(b"exported")
    resized = bytearray(1000)
    resized[:] = b"small"
    kept += [empty, cleared, grown, cut, popped, exported, memoryview(exported), resized]
    kept += [bytearray(size) for size in (1, 2, 7, 8, 15, 16, 100, 5000)]
    kept += [bytearray(b"it's"), bytearray(b'"it\'s"'), Buffer(b"ab"),
             with_attribute(Buffer(b"abc"))]
    for start in range(0, 60, 7):
        sliced = bytearray(bytes(range(64)))
        del sliced[:start]
        kept.append(sliced)
    return kept


@family
def views():
    import array
    base = bytearray(range(48))
    kept = [memoryview(b""), memoryview(b"abc"), memoryview(base), memoryview(base)[3:20],
            memoryview(base)[::-2], memoryview(base).cast("I"), memoryview(base).cast("B", [6, 8]),
            memoryview(base).cast("B", [2, 3, 8]), memoryview(base).cast("d"),
            memoryview(base).toreadonly()
            if hasattr(memoryview, "toreadonly") else memoryview(base)]
    released = memoryview(bytearray(8))
    released.release()
    hashed = memoryview(b"hashed")
    hash(hashed)
    kept += [released, hashed]
    for code in "bBuhHiIlLqQfd":
        kept += [array.array(code), array.array(code, "ab" if code == "u" else [1, 2, 3])]
        grown = array.array(code)
        for value in range(100):
            grown.append("x" if code == "u" else value)
        popped = array.array(code, grown)
        while len(popped) > 3:
            popped.pop()
        kept += [grown, popped, memoryview(grown), iter(grown)]

    class Numbers(array.array):
        pass

    kept += [Numbers("i", [1]), with_attribute(Numbers("d", [1, 2]))]
    return kept


@family
def dates():
    import datetime
    kept = []
    zones = [datetime.timezone.utc, datetime.timezone(datetime.timedelta(hours=5, minutes=30)),
             datetime.timezone(datetime.timedelta(hours=-3), "-".join(["made", "here"])),
             datetime.timezone.min, None]
    if sys.version_info >= (3, 7):
        zones.append(datetime.timezone(datetime.timedelta(seconds=3661)))

    class Zone(datetime.tzinfo):
        def __repr__(self):
            return "Zone()"

    class Day(datetime.date):
        pass

    class Moment(datetime.datetime):
        pass

    for zone in zones + [Zone()]:
        for fold in 0, 1:
            for rest in (), (5,), (5, 6), (5, 6, 7):
                kept.append(datetime.datetime(2024, 2, 29, 23, 59, *rest[:1], tzinfo=zone,
                                              fold=fold))
                kept.append(datetime.datetime(1, 1, 1, *rest, tzinfo=zone, fold=fold))
                kept.append(datetime.time(*rest, tzinfo=zone, fold=fold))
        kept.append(datetime.time(1, 2, 3, 4, tzinfo=zone))
        kept.append(datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=zone))
    kept += [datetime.date(1, 1, 1), datetime.date(9999, 12, 31), datetime.date(2024, 2, 29)]
    for days in 0, 1, -1, 999999999, -999999999:
        for rest in (0, 0), (1, 0), (0, 1), (86399, 999999):
            kept.append(datetime.timedelta(days, *rest))
    kept += [Day(2024, 1, 2), with_attribute(Moment(2024, 1, 2, 3)),
             Moment(2024, 1, 2, tzinfo=zones[1])]
    return kept + zones + [Zone()]


@family
def decimals():
    import decimal
    kept = [decimal.Decimal(text) for text in (
        "0", "-0", "1", "-1", "1.0", "0.1", "1E+3", "1E-3", "0E-7", "0E-6", "1E-7", "123.456",
        "1e999999", "1E-999999", "12345678901234567890", "0.000001", "0.0000001", "NaN", "-NaN",
        "sNaN", "NaN123", "sNaN45", "Infinity", "-Infinity", "9" * 18, "9" * 19, "9" * 20,
        "1" * 200, "-" + "7" * 200 + ".5", "1." + "0" * 50, "0." + "0" * 50 + "1", "1" + "0" * 100,
        "9" * 2000)]
    kept += [decimal.Decimal(index) / 7 for index in range(100)]
    kept += [decimal.Decimal(10) ** power for power in range(-40, 41)]

    class Money(decimal.Decimal):
        pass

    kept += [Money("1.50"), with_attribute(Money("2.50")), decimal.getcontext(),
             decimal.Context(prec=5), decimal.getcontext().flags, decimal.BasicContext]
    return kept


@family
def rationals():
    import fractions
    import ipaddress
    import pathlib
    import uuid
    kept = [fractions.Fraction(left, right) for left in range(-5, 5) for right in range(1, 10)]
    kept += [uuid.UUID(int=number << 64) for number in range(50)]
    kept += [pathlib.Path("/", "usr", str(number)) for number in range(20)]
    kept += [pathlib.PurePosixPath("a/b"), pathlib.PureWindowsPath("c:/d"), pathlib.Path("~")]
    used = pathlib.Path("/a/b/c.d")
    kept += [used, used.parts, used.parent, used.name, str(used), hash(used)]
    kept += [ipaddress.ip_address("10.0.0.%d" % number) for number in range(20)]
    kept += [ipaddress.ip_network("fe80::/64")]
    return kept
