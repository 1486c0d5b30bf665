# SPDX-License-Identifier: MIT
"""Families of the standard library's iterators, streams, parsers and formats."""
import itertools
import os
import sys

from . import family, skipped


def called(*arguments):
    return True


@family
def iterators():
    kept = []
    for make in (lambda: iter([1, 2]), lambda: iter((1, [])), lambda: iter("ab"),
                 lambda: iter("\u540d\xe9"), lambda: iter(b"ab"), lambda: iter(bytearray(b"ab")),
                 lambda: iter({1, 2}), lambda: reversed([1, 2]), lambda: reversed((1, 2)),
                 lambda: iter(called, 1), lambda: enumerate("ab"), lambda: enumerate([], 1 << 70),
                 lambda: zip([1], [2]), lambda: zip(), lambda: map(called, [1, 2], [3, 4]),
                 lambda: filter(None, [1, 2]), lambda: iter(Indexed()), lambda: reversed(Indexed()),
                 lambda: iter(memoryview(b"ab"))):
        fresh, used, spent = make(), make(), make()
        next(used, None)
        for _ in zip(range(5), spent):
            pass
        kept += [fresh, used, spent]
    return kept


class Indexed:
    def __getitem__(self, index):
        if index > 2:
            raise IndexError(index)
        return [index]

    def __len__(self):
        return 3


@family
def itertools_objects():
    makers = [
        lambda: itertools.accumulate([1, 2, 3]), lambda: itertools.accumulate([1, 2], max),
        lambda: itertools.chain([1], "ab"), lambda: itertools.chain.from_iterable([[1], [2]]),
        lambda: itertools.combinations("abcd", 2), lambda: itertools.combinations("abc", 0),
        lambda: itertools.combinations_with_replacement("abc", 2),
        lambda: itertools.compress("abc", [1, 0, 1]), lambda: itertools.count(),
        lambda: itertools.count(1.5, 0.5), lambda: itertools.count(1 << 70),
        lambda: itertools.count(sys.maxsize - 2), lambda: itertools.cycle([1, [2]]),
        lambda: itertools.dropwhile(bool, [1, 0]), lambda: itertools.filterfalse(None, [0, 1]),
        lambda: itertools.groupby("aab"), lambda: itertools.groupby([1, 2], str),
        lambda: itertools.islice("abcdef", 1, 5, 2), lambda: itertools.islice([1], None),
        lambda: itertools.permutations("abc"), lambda: itertools.permutations("abcd", 2),
        lambda: itertools.product("ab", [1, 2]), lambda: itertools.product(),
        lambda: itertools.product([1], repeat=3), lambda: itertools.repeat([1]),
        lambda: itertools.repeat(1, 5), lambda: itertools.starmap(max, [(1, 2)]),
        lambda: itertools.takewhile(bool, [1, 0]), lambda: itertools.zip_longest("ab", [1]),
        lambda: itertools.zip_longest("a", "", fillvalue=[1])]
    if hasattr(itertools, "pairwise"):
        makers.append(lambda: itertools.pairwise([1, [2], 3]))
    if hasattr(itertools, "batched"):
        makers += [lambda: itertools.batched("abcde", 2)]
    kept = []
    for make in makers:
        fresh, used, spent = make(), make(), make()
        last = next(used, None)
        for _ in zip(range(10), spent):
            pass
        kept += [fresh, used, spent, last]
    for count in 0, 1, 60, 150:
        left, right = itertools.tee(itertools.count())
        for _ in range(count):
            next(left)
        kept += [left, right]
    return kept


@family
def streams():
    import io
    import tempfile
    data, text = io.BytesIO(b"some bytes" * 10), io.StringIO("some text\n" * 10)
    data.read(5)
    text.readline()
    written, exported, closed = io.BytesIO(), io.BytesIO(b"exported"), io.BytesIO(b"closed")
    written.write(b"x" * 1000)
    accumulating, realized = io.StringIO(), io.StringIO()
    for index in range(100):
        accumulating.write("piece \u540d %d" % index)
        realized.write("piece %d" % index)
    realized.seek(3)
    realized.read(1)
    closed.close()
    attributed, shared = io.BytesIO(), io.BytesIO(bytes(range(256)) * 20)
    attributed.attribute = [1]
    file = tempfile.TemporaryFile()
    file.write(b"line one\nline two\n" * 100)
    file.seek(0)
    file.readline()
    lines = tempfile.TemporaryFile("w+", encoding="utf-8")
    lines.write("l\xefne\n" * 100)
    lines.seek(0)
    next(lines)
    kept = [data, text, written, exported, exported.getbuffer(), closed, accumulating, realized,
            attributed, shared, shared.getvalue(), file, lines, io.BytesIO(), io.StringIO(),
            io.StringIO(newline=None), open(os.devnull, "rb", 0), open(os.devnull, "rb"),
            open(os.devnull, "wb"), open(os.devnull, "r+b"), open(os.devnull, "w"),
            io.BufferedRWPair(io.BytesIO(), io.BytesIO()),
            io.TextIOWrapper(io.BytesIO(b"a\nb"), encoding="latin-1"),
            io.IncrementalNewlineDecoder(None, True), sys.stdin, sys.stdout, sys.stderr,
            io.RawIOBase(), os.scandir("/")]
    for item in kept[16:21]:
        item.attribute = 1
    return kept


@family
def memory_maps():
    import mmap
    first = mmap.mmap(-1, 4096)
    first.write(b"mapped")
    second = mmap.mmap(-1, 3 * 4096)
    closed = mmap.mmap(-1, 4096)
    closed.close()
    return [first, second, closed, memoryview(second)]


@family
def patterns():
    import re
    sources = ["a", "a(b)", "(?P<name>x+)|(?P<other>y)", "[a-z\\d\u0370-\u03ff]+",
               "(a)(b)(c)(d)(e)?", "^$", "(?i)x|y" + "|z" * 50]
    kept = [re.compile(source) for source in sources] + [re.compile(b"a"), re.compile(b"(b)+")]
    kept += [re.compile("A", re.I | re.S), re.match("a(b)?", "ab"), re.match("(?P<n>a)", "abc"),
             re.search(b"b", b"abc"), re.match("(a)(x)?", "a" * 500), re.finditer("a", "aaa"),
             kept[0].scanner("aa") if hasattr(kept[0], "scanner") else None]
    kept += [re.sub("a(.)", r"\1b\g<0>", "abac"), kept[2].groupindex]
    used = re.finditer("(a)(b)?", "ababa")
    return kept + [next(used), used]


@family
def structs():
    import struct
    kept = [struct.Struct(text) for text in ("", "i", "<IIq", ">hhl10s", "=bB?", "@P", "5x3i2d",
                                             "10000s", "i" * 100)]
    used = struct.iter_unpack("i", bytes(40))
    next(used)
    return kept + [used, struct.iter_unpack("b", b""), struct.error("text")]


@family
def picklers():
    import copyreg
    import io
    import pickle

    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            return None

    kept = []
    for protocol in 0, 2, 4:
        for kind in pickle.Pickler, Pickler:
            pickler = kind(io.BytesIO(), protocol)
            pickler.dump([[index] for index in range(50)])
            pickler.dump({"a": kind.__name__, "b": (1, 2, [3])})
            kept.append(pickler)
    loading = pickle.Unpickler(io.BytesIO(pickle.dumps([[1], "text", {"a": []}])))
    loading.load()
    fast = pickle.Pickler(io.BytesIO())
    fast.dispatch_table = copyreg.dispatch_table.copy()
    return kept + [loading, loading.memo, kept[0].memo, fast, pickle.Pickler(io.BytesIO()),
                   pickle.Unpickler(io.BytesIO())]


@family
def elements():
    import xml.etree.ElementTree as trees
    tree = trees.fromstring("<a b='c' d='e'>text<f/>tail<g h='i'>\u540d</g><!-- no --></a>")
    wide = trees.Element("wide", {"key": "value"})
    for index in range(50):
        trees.SubElement(wide, "child", number=str(index)).text = "text %d" % index
    bare = [trees.Element("bare") for _ in range(20)]
    parser, builder = trees.XMLParser(), trees.TreeBuilder()
    parser.feed("<a><b>open")
    builder.start("a", {"b": "c"})
    builder.data("text")
    used = wide.iter()
    next(used)
    next(used)
    return [tree, wide, trees.ElementTree(tree), parser, builder, used, tree.itertext(),
            trees.QName("q"), list(tree)] + bare


@family
def documents():
    import xml.dom.minidom
    import xml.parsers.expat
    document = xml.dom.minidom.parseString("<a b='c'>text<d/></a>")
    parser = xml.parsers.expat.ParserCreate()
    parser.StartElementHandler = called
    parser.Parse("<a>", False)
    return [document, parser, document.documentElement]


@family
def digests():
    import hashlib
    import hmac
    kept = []
    for name in sorted(hashlib.algorithms_guaranteed):
        for data in b"", b"data" * 100:
            kept.append(hashlib.new(name, data))
    for name in "md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s":
        kept += [getattr(hashlib, name)(b"direct")]
        try:
            module = __import__("_" + name.partition("_")[0])
            kept.append(getattr(module, name)(b"of our own"))
        except (ImportError, AttributeError):
            pass  # since 3.12 in _sha2
    return kept + [hmac.new(b"key", b"data", "sha256"),
                   hashlib.blake2b(b"a", key=b"key", digest_size=10)]


@family
def tables():
    import csv
    import io
    import json
    reader = csv.reader(["a,b", "c,d"])
    next(reader)
    records = csv.DictReader(["name,value", "1,2", "3,4"])
    next(records)
    half = csv.reader(['"open', 'quote",b'], delimiter=",")
    kept = [reader, records, half, csv.writer(io.StringIO()), csv.DictWriter(io.StringIO(), ["a"]),
            csv.excel(), csv.get_dialect("unix"), csv.Sniffer(), json.JSONDecoder(),
            json.JSONEncoder(indent=2), json.loads('{"a": [1, null]}')]
    encoder = json.JSONEncoder()
    if json.encoder.c_make_encoder:
        kept.append(json.encoder.c_make_encoder({}, encoder.default, json.encoder.encode_basestring,
                                                None, ":", ",", False, False, True))
    if json.scanner.c_make_scanner:
        kept.append(json.scanner.c_make_scanner(json.JSONDecoder()))
    return kept


@family
def generators_of_chance():
    import random
    used = random.Random(5)
    used.random()
    return [random.Random(), used, random.SystemRandom(), used.getstate()]


@family
def zones():
    import datetime
    import zoneinfo
    kept = []
    for name in "UTC", "Europe/Berlin", "America/New_York":
        try:
            zone = zoneinfo.ZoneInfo(name)
        except zoneinfo.ZoneInfoNotFoundError as error:
            skipped("zone", error)
            continue
        moment = datetime.datetime(2024, 7, 1, 12, tzinfo=zone)
        kept += [zone, zoneinfo.ZoneInfo.no_cache(name), moment, moment.utcoffset(),
                 datetime.time(1, tzinfo=zone)]
    return kept


@family
def syntax_trees():
    import ast
    import tokenize
    tree = ast.parse("def f(a, b=1):\n"
                     "    return [c for c in a if c] + b'x'\n"
                     "class A: x: int = {1: 2}")
    return [tree, tokenize.TokenInfo(1, "a", (1, 0), (1, 1), "a")] + list(ast.walk(tree))


@family
def selectors_and_sockets():
    import select
    import selectors
    import socket
    left, right = socket.socketpair()
    selector, poll = selectors.DefaultSelector(), select.poll()
    selector.register(left, selectors.EVENT_READ, [1])
    poll.register(right)
    closed = socket.socket()
    closed.close()
    return [left, right, selector, poll, closed, select.epoll()]
