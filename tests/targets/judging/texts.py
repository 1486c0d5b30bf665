# SPDX-License-Identifier: MIT
"""What pyinspect has to say of an object."""
import collections
import datetime
import decimal
import gc
import re

from . import known
from . import truth as truths
from .truth import DICTS

SCALARS = (int, float, complex, bool, type(None), str, bytes, bytearray, range, type(Ellipsis),
           type(NotImplemented), decimal.Decimal, datetime.date, datetime.timedelta,
           datetime.timezone)
DATES = datetime.datetime, datetime.time
SEQUENCES = list, tuple, set, frozenset, collections.deque
MAPPINGS = DICTS + (collections.OrderedDict, collections.defaultdict)
CONTAINERS = frozenset(SEQUENCES + MAPPINGS + (slice,))
OPENINGS = {list: "[", tuple: "(", dict: "{", set: ("{", "set("), slice: "slice(",
            frozenset: "frozenset(", collections.deque: "deque(",
            collections.OrderedDict: "OrderedDict(", collections.defaultdict: "defaultdict("}
MOST_DIGITS = 4300  # what int.__repr__() writes unasked, since 3.11
# Of longer ones pyinspect looks through so much for the quotes, where it does not show more.
LOOKED_THROUGH = {str: 1024, bytes: 4096, bytearray: 4096}
DEEPEST = 100
PATTERN = type(re.compile(""))
PATTERN_SHOWN = 200  # characters of its text that are printed
PLAIN = re.compile(r"<([^<>]+(?:<locals>[^<>]+)*) object at 0x([0-9a-f]+)>")
REPR_IN_C = type(object.__repr__), type(object().__repr__)


def cut(text, length):
    """As pyinspect cuts what it shows."""
    return text if len(text) <= length else text[:length - 3] + "..."


def parts_of(item):
    kind = type(item)
    if kind is slice:
        return [item.start, item.stop, item.step]
    if kind in MAPPINGS:
        ret = list(kind.keys(item)) + list(kind.values(item))
        if kind is collections.defaultdict:
            ret.append(item.default_factory)
        return ret
    if kind is list or kind is tuple:
        return gc.get_referents(item)
    return list(item)


def is_incomplete(item):
    """Whether C code has not filled it yet, so that Python would die of its repr."""
    return type(item) in (list, tuple) and len(gc.get_referents(item)) < len(item)


def is_scalar(item):
    kind = type(item)
    return kind in SCALARS or kind in DATES and (
        item.tzinfo is None or type(item.tzinfo) is datetime.timezone)


def is_other(item):
    """Whether it is neither a scalar nor one of the usual containers."""
    return type(item) not in CONTAINERS and not is_scalar(item)


def find_impure(objects):
    """Ids of the containers that hold, at any depth, what has a repr that we cannot predict."""
    impure, inner = set(), {}
    for item in objects:
        if type(item) not in CONTAINERS:
            continue
        parts = parts_of(item)
        below = [id(part) for part in parts if type(part) in CONTAINERS]
        if is_incomplete(item) or not all(type(part) in CONTAINERS or is_scalar(part)
                                           for part in parts):
            impure.add(id(item))
        elif below:
            inner[id(item)] = below
    count = -1
    while count != len(impure):
        count = len(impure)
        for number, below in inner.items():
            if number not in impure and not impure.isdisjoint(below):
                impure.add(number)
    return impure


def is_huge(item, depth=0):
    """Whether there is an int in it that Python itself refuses to write unasked."""
    if type(item) is int:
        return item.bit_length() > MOST_DIGITS * 3
    return type(item) in CONTAINERS and depth < 50 and any(
        is_huge(part, depth + 1) for part in parts_of(item))


def find_long(item, found, above=()):
    """Adds the strings within whose quotes may be others."""
    kind = type(item)
    if kind in LOOKED_THROUGH:
        if len(item) > LOOKED_THROUGH[kind]:
            found.append(item)
        return
    parts = []
    if kind in CONTAINERS:
        parts = parts_of(item)
    elif issubclass(kind, BaseException):
        parts = item.args
    elif kind is PATTERN:
        parts = [item.pattern]
    if len(above) < DEEPEST and id(item) not in above:
        for part in parts:
            find_long(part, found, above + (id(item),))


def allow_other_quotes(item, right, length):
    """The repr with the quotes that follow from the beginning of a long string alone."""
    found = []
    find_long(item, found)
    most = PATTERN_SHOWN if type(item) is PATTERN else None
    for string in found:
        shown = max(LOOKED_THROUGH[type(string)], length + 1)
        right = right.replace(repr(string)[:most], repr(string[:shown])[:most])
    return right


def judge_text(item, impure, text, length, find):
    """(what kind of comparison it was, what the text should have been or None if it is right).

    find(address) is the object there, or None.
    """
    kind = type(item)
    if kind in CONTAINERS and id(item) in impure:
        return "impure", None if text.startswith(("<",
                                                  )) or text.startswith(OPENINGS.get(kind, "")) \
            else "%s..." % (OPENINGS[kind],)
    if kind in CONTAINERS or is_scalar(item):
        try:
            right = repr(item)
        except RecursionError:
            return "deep", None
        if text == cut(right, length) or text == cut(allow_other_quotes(item, right, length),
                                                     length):
            return "equal", None
        return ("huge", None) if is_huge(item) else ("equal", cut(right, length))
    return judge_other(item, text, length, find)


def plain(item):
    """What object.__repr__() says."""
    kind = type(item)
    return "<%s object at %#x>" % (truths.type_name(kind), id(item))


def repr_is_python(kind):
    """Whether repr() would run a __repr__ that is written in Python."""
    for base in truths.get_mro(kind) or ():
        if "__repr__" in truths.get_dict(base):
            return not isinstance(truths.get_dict(base)["__repr__"], REPR_IN_C)
    return False


def judge_other(item, text, length, find):
    """What is_other()."""
    shortest = cut(plain(item), length)
    if repr_is_python(type(item)) and text == shortest:
        return "python", None
    try:
        right = repr(item)
    except Exception:
        return "failing", None if text.startswith("<") else "<..."
    if text in (cut(right, length), cut(allow_other_quotes(item, right, length), length)):
        return "equal", None
    if text == shortest:
        return "plain", cut(right, length)
    if is_right_but_for_plain(right, text, length, find):
        return "impure", None
    return "other", cut(right, length)


def is_right_but_for_plain(right, text, length, find):
    """Whether the text is what repr() says, up to the first inner object with a __repr__ in Python.

    What comes after that one cannot be told: its own text may hold anything.
    """
    same = 0
    while same < min(len(right), len(text)) and right[same] == text[same]:
        same += 1
    start = max(text.rfind("<", 0, same + 1), 0)
    inner = PLAIN.match(text, start)
    if inner is None:  # cut within
        return len(text) == length and text.endswith("...") and text[start] == "<"
    item = find(int(inner.group(2), 16))
    return item is not None and inner.group() == plain(item) and (
        repr_is_python(type(item)) or known.is_plain(truths.type_name(type(item))))
