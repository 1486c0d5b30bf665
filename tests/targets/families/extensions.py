# SPDX-License-Identifier: MIT
"""Families of modules that an interpreter may lack: each needs a library, or is installed apart."""
import sys

from . import family, skipped


@family
def compressors():
    import bz2
    import lzma
    import zlib
    kept = [zlib.compressobj(), zlib.decompressobj(), bz2.BZ2Compressor(), bz2.BZ2Decompressor(),
            lzma.LZMACompressor(), lzma.LZMADecompressor()]
    kept[0].compress(b"data" * 1000)
    kept[1].decompress(zlib.compress(b"data" * 1000)[:10])
    kept[3].decompress(bz2.compress(b"data") + b"rest")
    kept[5].decompress(lzma.compress(b"data") + b"rest")
    return kept


@family
def databases():
    import sqlite3
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.create_function("twice", 1, lambda value: 2 * value)
    connection.execute("create table t(a, b)")
    connection.executemany("insert into t values (?, ?)",
                           [(index, str(index)) for index in range(50)])
    used, spent, closed = (connection.execute("select * from t") for _ in range(3))
    row = used.fetchone()
    spent.fetchall()
    closed.close()
    other = sqlite3.connect(":memory:", isolation_level=None)
    other.text_factory = bytes
    shut = sqlite3.connect(":memory:")
    shut.close()
    return [connection, used, spent, closed, row, other, shut, connection.cursor(),
            sqlite3.Binary(b"a")]


@family
def foreign_structures():
    import ctypes

    class Pair(ctypes.Structure):
        _fields_ = [("left", ctypes.c_int), ("right", ctypes.c_void_p)]

    class Either(ctypes.Union):
        _fields_ = [("number", ctypes.c_double), ("octets", ctypes.c_char * 8), ("pair", Pair)]

    class Bits(ctypes.Structure):
        _fields_ = [("low", ctypes.c_int, 3), ("high", ctypes.c_int, 5)]

    class Node(ctypes.Structure):
        pass

    Node._fields_ = [("next", ctypes.POINTER(Node)), ("value", ctypes.py_object),
                     ("text", ctypes.c_char_p)]
    pair, node, either = Pair(1, 2), Node(), Either()
    node.next, node.value, node.text = ctypes.pointer(node), [1], b"text"
    pair.attribute = [1]
    array = (Pair * 10)()
    library = ctypes.CDLL(None)
    resized = ctypes.create_string_buffer(b"abc")
    ctypes.resize(resized, 1000)
    function = library.strlen
    function.argtypes, function.restype = [ctypes.c_char_p], ctypes.c_size_t
    function(b"abc")
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda value: value)
    return [pair, node, node.next, node.next.contents, either, either.pair, Bits(1, 2), array,
            array[3], library, function, callback, ctypes.c_int(5), ctypes.c_char_p(b"kept"),
            ctypes.c_wchar_p("kept"), ctypes.py_object([]), ctypes.byref(pair),
            ctypes.pointer(pair), ctypes.create_unicode_buffer(100), (ctypes.c_int * 100)(),
            resized, ctypes.POINTER(Pair)(), ctypes.cast(ctypes.pointer(pair), ctypes.c_void_p),
            Pair.left, Bits.high, ctypes.c_int.from_buffer(bytearray(8)), memoryview(array),
            ctypes.pythonapi, Pair * 3]


@family
def secure_contexts():
    import ssl
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    outgoing.write(b"pending")
    return [context, incoming, outgoing, context.wrap_bio(incoming, outgoing,
                                                          server_hostname="example.org"),
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)]


@family
def screens():
    import curses.panel
    return [curses.error("text"), curses.panel.error("text"),
            curses.ascii if hasattr(curses, "ascii") else None]


@family
def others():
    kept = []
    for name, make in [
            ("unicodedata", lambda module: module.ucd_3_2_0),
            ("_codecs_jp", lambda module: module.getcodec("shift_jis")),
            ("codecs", lambda module: [module.getincrementalencoder("big5")(),
                                       module.lookup("utf-8"), module.getreader("utf-8")(None),
                                       module.getincrementaldecoder("utf-8")()]),
            ("multiprocessing.connection", lambda module: module.Pipe()),
            ("string", lambda module: [module.Formatter(), module.Template("$a")]),
            ("subprocess", lambda module: module.CompletedProcess([], 0)),
            ("logging", lambda module: [module.getLogger("a.b"),
                                        module.LogRecord("a", 1, "f", 1, "m", (), None)]),
            ("argparse", lambda module: module.ArgumentParser()),
            ("configparser", lambda module: module.ConfigParser()),
            ("email.message", lambda module: module.EmailMessage()),
            ("heapq", lambda module: module.merge([1], [2])),
            ("difflib", lambda module: module.SequenceMatcher(None, "ab", "ac")),
            ("tracemalloc", lambda module: module.Filter(True, "f")),
            ("graphlib", lambda module: module.TopologicalSorter({1: [2]})),
            ("string.templatelib",
             lambda module: module.Template("a", module.Interpolation([1], "b"))),
            ("annotationlib", lambda module: module.ForwardRef("a")),
            ("_interpqueues", lambda module: module),
            ("compression.zstd", lambda module: [module.ZstdCompressor(),
                                                 module.ZstdDecompressor()])]:
        try:
            __import__(name)
        except ImportError as error:
            skipped("objects of " + name, error)
            continue
        kept.append(make(sys.modules[name]))
    if sys.version_info >= (3, 12):
        namespace = {}
        exec("type Alias[T] = list[T]\n"
             "def generic[T: int](a: T) -> T: ...\n"
             "class Box[*Ts, **P]: ...", namespace)
        kept += [namespace, namespace["Alias"], namespace["Alias"].__value__,
                 namespace["Box"].__type_params__]
    else:
        skipped("type aliases", "new in 3.12")
    return kept
