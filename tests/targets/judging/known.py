# SPDX-License-Identifier: MIT
"""What pyinspect says otherwise than Python does, by type, and why it has to.

A complaint that is not listed here is one. So is a row that explains nothing, in a heap in which
there is everything (the scene "everything"), unless it is of a package of whatever version.

Two things more are known, and not told apart from what is right, in texts.py: of a long string the
quotes follow from its beginning; and what is printed without running its __repr__, which is written
in Python, stands within others as object.__repr__() would print it.
"""
import fnmatch
import sys

ALWAYS = (3, 6), (3, 99)
BY_PYTHON = "C code calls code written in Python for it, which is never run"
BY_OPENSSL = "names an algorithm that is in OpenSSL's own structures alone"
OWN_FIELDS = "prints fields of a C structure that no layout has"
BY_FUNCTION = "a C function that the type names reads its value"
NO_NAME = "a method of what has no __name__: C code asks for it in ways that may run Python code"
PACKAGE = "of a package that does not belong to Python: its structures are in no layout"

# What is complained of (see compare.py), the type, the versions (first, last), the reason.
KNOWN = [
    ("repr", "_asyncio.Future", ALWAYS, BY_PYTHON),
    ("repr", "_asyncio.Task", ALWAYS, BY_PYTHON),
    ("repr", "asyncio.tasks._GatheringFuture", ALWAYS, BY_PYTHON),
    ("repr", "method", ALWAYS, NO_NAME),
    ("repr", "_hashlib.HASH", ((3, 7), (3, 99)), BY_OPENSSL),
    ("repr", "_hashlib.HASHXOF", ((3, 9), (3, 99)), BY_OPENSSL),
    ("repr", "_hashlib.HMAC", ((3, 10), (3, 99)), BY_OPENSSL),
    ("repr", "CArgObject", ((3, 6), (3, 11)), OWN_FIELDS),
    ("repr", "_ctypes.CArgObject", ((3, 12), (3, 99)), OWN_FIELDS),
    ("repr", "_ctypes.CField", ((3, 6), (3, 13)), OWN_FIELDS),
    ("repr", "ctypes.CField", ((3, 14), (3, 99)), OWN_FIELDS),
    ("repr", "ctypes.c_int", ALWAYS, BY_FUNCTION),
    ("repr", "ctypes.c_void_p", ALWAYS, BY_FUNCTION),
    ("repr", "stderrprinter", ((3, 8), (3, 11)), OWN_FIELDS),
    ("repr", "_thread._ThreadHandle", ((3, 13), (3, 99)), OWN_FIELDS),
    ("repr", "FrameLocalsProxy", ((3, 13), (3, 99)), "prints a dict that is made for it"),
    ("repr", "NoDefaultType", ((3, 13), (3, 99)), "its text is in C code"),
    ("repr", "ast.*", ((3, 14), (3, 99)), "prints what its class's _fields names"),
    ("repr", "lazy_import", ((3, 15), (3, 99)), OWN_FIELDS),
    ("repr", "numpy.*", ALWAYS, PACKAGE, "numpy"),
    ("missing", "float", ALWAYS, PACKAGE, "numpy"),
    ("extra", "float (reached: owned)", ALWAYS, PACKAGE, "numpy"),
]


def rows():
    """Those of this version; of a package that does not belong to it, if that is there."""
    packages = {name.partition(".")[0] for name in sys.modules}
    return [row for row in KNOWN if row[2][0] <= sys.version_info[:2] <= row[2][1]
            and packages.issuperset(row[4:])]


def is_plain(name):
    """Whether the repr of that type is known to be "<... object at 0x...>"."""
    return any(row[0] == "repr" and fnmatch.fnmatchcase(name, row[1]) for row in rows())


def take_out(complaints):
    """Takes what is explained out of {what: {type: entry}}.

    Returns how many objects there were of that, {"what of type": count}, and the rows not needed.
    """
    ret, unneeded = {}, []
    for what, pattern, _, _, *packages in rows():
        if what not in complaints:
            continue
        types = complaints[what]
        names = [name for name in types if fnmatch.fnmatchcase(name, pattern)]
        if not names and not packages:
            unneeded.append("%s of %s" % (what, pattern))
        for name in names:
            ret["%s of %s" % (what, name)] = types.pop(name)["count"]
    return ret, unneeded
