# SPDX-License-Identifier: MIT
"""The scenes that oracle.py can be asked for: what a target's heap is filled with.

A scene is a function that returns what has to stay alive. A scene that needs more than that at the
end returns (kept, finish) through prepare().
"""
import collections
import gc
import os
import sys
import threading
import warnings

STDLIB = """
abc argparse array ast asyncio base64 bdb binascii bisect bz2 calendar cmath cmd code codecs codeop
collections colorsys compileall concurrent.futures configparser contextlib contextvars copy copyreg
csv ctypes curses dataclasses datetime dbm decimal difflib dis doctest email.mime.text encodings.idna
enum errno fcntl filecmp fileinput fnmatch fractions ftplib functools getopt getpass gettext glob
graphlib grp gzip hashlib heapq hmac html.parser http.client http.cookies http.server imaplib
importlib.metadata inspect io ipaddress itertools json keyword linecache locale logging.config
logging.handlers lzma mailbox marshal mimetypes mmap modulefinder multiprocessing netrc numbers
operator optparse pathlib pdb pickle pickletools pkgutil platform plistlib poplib pprint profile pstats
pty pwd pyclbr pydoc queue quopri random re resource runpy sched secrets select selectors shelve shlex
shutil signal site smtplib socket socketserver sqlite3 ssl stat statistics string struct subprocess
symtable sysconfig syslog tarfile telnetlib tempfile termios textwrap threading timeit token tokenize
trace traceback tracemalloc types typing unicodedata unittest.mock urllib.request urllib.robotparser
uuid venv warnings wave weakref xml.dom.minidom xml.etree.ElementTree xml.sax xmlrpc.client zipapp
zipfile zipimport zlib zoneinfo
"""


def stdlib():
    """About 150 modules of the standard library, less those that this version has not."""
    kept = []
    warnings.simplefilter("ignore")
    for name in STDLIB.split():
        try:
            kept.append(__import__(name))
        except ImportError:
            pass
    return kept


def two_million():
    """Two million objects of the common families."""
    import enum
    import functools
    import weakref

    class Plain:
        def __init__(self, value):
            self.value = value
            self.other = None

        def method(self):
            return self

    class Slotted:
        __slots__ = "left", "right"

    class Number(int):
        pass

    class Text(str):
        pass

    class Many(Plain):
        pass

    Colour = enum.Enum("Colour", ["C%d" % i for i in range(500)])
    Level = enum.IntEnum("Level", ["L%d" % i for i in range(500)])

    def closure(value):
        return lambda: value

    def generator(value):
        yield value

    def ring(size):
        nodes = [Plain(i) for i in range(size)]
        for left, right in zip(nodes, nodes[1:] + nodes[:1]):
            left.other = right
        return nodes[0]

    def wide(value):
        ret = Many(value)
        for i in range(40):
            setattr(ret, "attribute_%d" % (value * 40 + i), i)
        return ret

    lists = [[] for _ in range(300000)]
    kept = [
        lists, list(Colour), list(Level),
        [[item, i] for i, item in enumerate(lists)],
        [{"item": item} for item in lists[:200000]],
        [{i: [] for i in range(3)} for _ in range(30000)],
        [(item, i) for i, item in enumerate(lists)],
        [Plain(i) for i in range(200000)],
        [ring(4) for _ in range(20000)],
        [wide(i) for i in range(1000)],
        [Slotted() for _ in range(200000)],
        [Number(1 << i % 100) for i in range(60000)],
        [Number(-i) for i in range(10000)],
        [Text(i) for i in range(60000)],
        [closure(i) for i in range(40000)],
        [generator(i) for i in range(40000)],
        [Plain(i).method for i in range(20000)],
        [{i} for i in range(40000)],
        [frozenset([i]) for i in range(20000)],
        [collections.deque([i]) for i in range(20000)],
        [collections.OrderedDict(a=[]) for _ in range(10000)],
        [collections.defaultdict(list) for _ in range(20000)],
        [functools.partial(closure, i) for i in range(20000)],
        [weakref.ref(item) for item in [Plain(i) for i in range(5)] for _ in range(3)],
        [iter(item) for item in lists[:20000]],
        tuple(tuple([item] * (i % 50)) for i, item in enumerate(lists[:20000])),
    ]
    for item in kept[3]:
        item.append(item)  # cycles of one
    started = kept[15][:1000]
    for item in started:
        next(item)
    return kept


def threads64():
    """64 threads, each blocked in one of five calls."""
    import queue
    import select

    lock = threading.Lock()
    lock.acquire()
    event = threading.Event()
    empty = queue.Queue()
    read_fd, write_fd = os.pipe()
    started = threading.Semaphore(0)

    def block(call, *arguments):
        started.release()
        call(*arguments)

    calls = [
        (lock.acquire,), (event.wait,), (empty.get,),
        (os.read, read_fd, 1), (select.select, [read_fd], [], []),
    ]
    threads = [threading.Thread(target=block, args=calls[i % len(calls)], daemon=True)
               for i in range(64)]
    for thread in threads:
        thread.start()
    for _ in threads:
        started.acquire()
    return threads, lock, event, empty, write_fd


def odd_names():
    """Types whose module or qualified name is hostile or unusual; an instance of each."""
    class Outer:
        class Inner:
            pass

        @staticmethod
        def local():
            class Local:
                pass
            return Local

    class Meta(type):
        def __repr__(cls):
            raise RuntimeError("no name")

        @property
        def __module__(cls):
            return "from the metaclass"

    class OfMeta(metaclass=Meta):
        pass

    class Sized:
        def __sizeof__(self):
            os._exit(42)  # nobody may call this

    class Evasive:
        def __getattribute__(self, name):
            raise RuntimeError(name)

        def __class__(self):
            raise RuntimeError

    class Name(str):
        pass

    types = [Outer, Outer.Inner, Outer.local(), OfMeta, Sized, Evasive]
    for name in ("\x1b[31mred\x1b[0m", "two\nlines", "tab\tand\rreturn", "\x07bell", "a" * 1000,
                 "\u00e9t\u00e9", "\u540d\u524d", "\U0001f40d snake", "\u202eright to left",
                 "\x85next\x9bcsi", "with.dots", "", " ", "'quote\"", "<script>", "a,b;c", "C\\n",
                 "\u200b", "%s%n", "\u0301accent"):
        types.append(type(name, (), {}))
        types.append(type("Renamed", (), {"__module__": name, "__qualname__": name}))
    for name in "nul\0inside", "\udc80 lone surrogate", Name("of a subclass"):
        renamed = type("Renamed", (), {})
        renamed.__qualname__ = name
        renamed.__module__ = name
        types.append(renamed)
    for module in None, 42, (), Name("sub.class"), "builtins", "__main__", "b" * 1000:
        odd = type("Odd", (), {})
        odd.__module__ = module
        types.append(odd)
    namespace = {}
    exec("NoModule = type('NoModule', (), {})", namespace)
    types.append(namespace["NoModule"])
    point = collections.namedtuple("Point", "x y")
    return types, [kind() for kind in types], point([], {}), point


def library_types():
    """Objects of types that are written in C all over the standard library."""
    import array, ast, asyncio, codecs, contextlib, csv, ctypes, datetime, decimal, functools
    import hashlib, io, itertools, json, mmap, operator, pickle, queue, random, re, select, socket
    import struct, types, weakref, zlib

    class Pair(ctypes.Structure):
        _fields_ = [("left", ctypes.c_int), ("right", ctypes.c_void_p)]

    class Holder:
        pass

    async def coroutine():
        pass

    async def async_generator():
        yield

    def generator():
        yield sys._getframe()

    holder = Holder()
    started = generator()
    loop = asyncio.new_event_loop()
    kept = [
        holder, started, next(started), generator(), async_generator(), loop,
        loop.create_future(), loop.create_task(coroutine()),
        array.array("d", [1, 2]), ast.parse("a = [b for b in c]"), codecs.getincrementaldecoder("big5")(),
        csv.reader([]), csv.writer(io.StringIO()), Pair(), Pair * 3, (Pair * 3)(), ctypes.pointer(Pair()),
        ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1), ctypes.CDLL(None), ctypes.c_int(4),
        datetime.timezone.utc, datetime.datetime.now(), decimal.Context(), decimal.Decimal(1),
        functools.partial(print, 1), functools.lru_cache()(lambda x: x), functools.cmp_to_key(cmp)(3),
        hashlib.sha256(), io.BytesIO(b"a"), io.StringIO("a"), io.TextIOWrapper(io.BytesIO()),
        io.BufferedReader(io.BytesIO()), open(os.devnull), json.JSONDecoder(), json.JSONEncoder(),
        mmap.mmap(-1, 4096), operator.itemgetter(1, 2), operator.attrgetter("a.b"),
        operator.methodcaller("f", 1, a=2), pickle.Pickler(io.BytesIO()), queue.Queue(),
        random.Random(), re.compile("a(b)"), re.match("a", "a"), re.finditer("a", "aa"), select.epoll(),
        socket.socket(), struct.Struct("ii"), types.SimpleNamespace(a=1), types.MappingProxyType({}),
        types.MethodType(cmp, 1), weakref.ref(holder), weakref.proxy(holder), weakref.WeakSet(),
        zlib.compressobj(), memoryview(bytearray(8)), slice([], {}), property(cmp), staticmethod(cmp),
        classmethod(cmp), super(Holder, holder), range(3), reversed([1]), enumerate([1]), zip([1], [2]),
        map(cmp, [1]), filter(cmp, [1]), iter({1: []}), iter({}.values()), {}.items(), iter({1}), iter(cmp, 1),
        iter((1,)), iter("a"), iter(b"a"), contextlib.ExitStack(), os.scandir("."), os.stat("."),
        sys.flags, cmp.__code__, cmp.__get__(1), [].append, str.join, dict.__dict__["fromkeys"],
        int.__add__, (1).__add__, sys.exc_info(), ValueError([]), KeyError("a"), OSError(1, "b"),
    ]
    for name, arguments in [("accumulate", ([1],)), ("chain", ([1],)), ("combinations", ([1], 1)),
                            ("compress", ([1], [1])), ("count", (1,)), ("cycle", ([1],)),
                            ("dropwhile", (cmp, [1])), ("filterfalse", (cmp, [1])),
                            ("groupby", ([1],)), ("islice", ([1], 1)), ("permutations", ([1],)),
                            ("product", ([1], [2])), ("repeat", ([1],)), ("starmap", (cmp, [1])),
                            ("takewhile", (cmp, [1])), ("tee", ([1],)), ("zip_longest", ([1],))]:
        kept.append(getattr(itertools, name)(*arguments))
    # The rest are there if stdlib() could import them: each needs a library that a build may lack.
    for module, make in [
            ("sqlite3", lambda module: module.connect(":memory:")),
            ("ssl", lambda module: module.create_default_context()),
            ("bz2", lambda module: module.BZ2Compressor()),
            ("lzma", lambda module: module.LZMACompressor()),
            ("xml.etree.ElementTree", lambda module: module.XML("<a b='c'><d/></a>")),
            ("typing", lambda module: module.List[int])]:
        if module in sys.modules:
            kept.append(make(sys.modules[module]))
    if "contextvars" in sys.modules:
        kept += [sys.modules["contextvars"].copy_context(), sys.modules["contextvars"].ContextVar("v")]
    if sys.version_info >= (3, 9):
        kept.append(list[int])
    if sys.version_info >= (3, 10):
        kept.append(int | str)
    return kept


def cmp(*arguments):
    return 0


def names():
    return stdlib(), odd_names(), library_types()


def run_code_in_new_interpreter(code):
    """A function that runs code in an interpreter of its own, in the calling thread."""
    for module in "_interpreters", "_xxsubinterpreters":
        try:
            interpreters = __import__(module)
        except ImportError:
            continue
        created = interpreters.create()
        return lambda: interpreters.run_string(created, code)
    import _testcapi
    return lambda: _testcapi.run_in_subinterp(code)


def subinterpreters(truth_fds):
    """Two more interpreters, each blocked in a thread of its own.

    Since 3.9 each has its own lists of objects and tells of itself after the main one did; before,
    the main one tells of all.
    """
    ready_fd, signal_fd = os.pipe()
    wake_fd, release_fd = os.pipe()
    code = "\n".join([
        "import sys",
        "sys.path.insert(0, %r)" % os.path.dirname(os.path.abspath(__file__)),
        "import oracle",
        "class OfSubinterpreter: pass",
        "kept = [OfSubinterpreter() for _ in range(1000)]",
        "objects = freeze_count = None",  # no name is new afterwards, or the dict of names grows
        "objects, freeze_count = oracle.stand_still(%d, %d)" % (signal_fd, wake_fd),
        "oracle.write_truth(%d, objects, freeze_count)",
    ])
    threads = [threading.Thread(target=run_code_in_new_interpreter(code % fd), daemon=True)
               for fd in truth_fds]
    for thread in threads:
        thread.start()
    for _ in threads:
        if os.read(ready_fd, len("ready\n")) != b"ready\n":
            raise RuntimeError("a sub-interpreter did not come up")

    def finish():
        if sys.version_info >= (3, 9):
            os.close(release_fd)
            for thread in threads:
                thread.join(60)

    return threads, finish


def prepare(name, truth_fds):
    """(what has to stay alive, what to call at the end or None) for the scene of this name."""
    scenes = {"stdlib": stdlib, "frozen": stdlib, "two_million": two_million,
              "threads64": threads64, "names": names}
    if name == "subinterpreters":
        return subinterpreters(truth_fds)
    gc.disable()
    kept = scenes[name]()
    gc.enable()
    return kept, None
