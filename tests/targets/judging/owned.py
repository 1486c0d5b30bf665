# SPDX-License-Identifier: MIT
"""Objects that are alive although gc.get_referents() does not lead to them.

They hang on others by references that no tp_traverse visits: the keys of dicts, the parts of code
objects, names. extend() follows those that Python can name. For the rest look_for() reads this
process's memory: an address that stands in the body of a known object and has there what looks like
an object is one.
"""
import array
import ctypes  # now: an import changes what is compared
import gc
import os
import struct
import sys
import types

from . import truth as truths

MEMBER = type(type(lambda: 0).__dict__["__closure__"])
CODE_PARTS = ("co_consts", "co_names", "co_filename", "co_name", "co_qualname", "co_linetable",
              "co_exceptiontable")
# Until 3.11 these are stored, since then they may be made when they are asked for.
CODE_TABLES = "co_code", "co_varnames", "co_freevars", "co_cellvars"
if sys.version_info < (3, 10):
    CODE_PARTS += "co_lnotab",
if sys.version_info < (3, 11):
    CODE_PARTS += CODE_TABLES
NAMED = (types.FunctionType, types.BuiltinFunctionType, types.ModuleType, types.GeneratorType,
         types.CoroutineType, type(list.append), type(object.__init__),
         type(dict.__dict__["fromkeys"]), type(types.FunctionType.__code__), MEMBER)
get_name = type.__dict__["__name__"].__get__
get_bases = type.__dict__["__bases__"].__get__
TYPE = struct.Struct("=QQ")
LARGEST_COUNT = 1 << 33  # of references; a free block has a link there


def members_of(kind):
    """The descriptors of the type that read a reference out of the object's body."""
    ret = []
    for base in truths.get_mro(kind) or ():
        ret.extend(value for value in truths.get_dict(base).values() if type(value) is MEMBER)
    return ret


def list_owned(objects, surely):
    """What the objects own, as {id: object}.

    Not `surely`: also what may have been made only now, because somebody asked for it.
    """
    ret = {}

    def add(items):
        items = list(items)
        ret.update(zip(map(id, items), items))

    members, missing = {}, object()
    for item in objects:
        kind = type(item)
        if id(kind) not in members:
            members[id(kind)] = members_of(kind)
        for base in truths.DICTS:
            if issubclass(kind, base):
                add(base.keys(item))
        if kind is types.CodeType:
            add(getattr(item, name) for name in CODE_PARTS if hasattr(item, name))
            if not surely:
                add(getattr(item, name) for name in CODE_TABLES)
        elif issubclass(kind, type):
            # What the mappingproxy stands for, and names, which type's own descriptors give.
            add(gc.get_referents(truths.get_dict(item)))
            add([truths.get_mro(item), get_bases(item)])
            add(get(item) for get in (get_name, truths.get_qualname) if get(item) is get(item))
        elif issubclass(kind, NAMED) and not surely:
            add(getattr(item, name, None) for name in ("__name__", "__qualname__"))
        for member in members[id(kind)]:
            value = read(member, item, missing)
            if value is not missing and value is read(member, item, missing):
                add([value])
    return ret


def read(member, item, missing):
    try:
        return member.__get__(item)
    except AttributeError:
        return missing


def extend(truth, surely):
    """{id: object} of all that list_owned() and their referents lead to, step by step."""
    known = set(truth.where) | truth.own
    ret, fresh = {}, truth.objects
    while fresh:
        owned = list_owned(fresh, surely)
        found = [owned[number] for number in owned.keys() - known]
        known.update(map(id, found))
        fresh = truths.reach(found, known)
        ret.update(zip(map(id, fresh), fresh))
    return ret


def surely(truth):
    """What extend() finds surely, which all that is judged of one truth share."""
    if truth.owned is None:
        truth.owned = extend(truth, surely=True)
    return truth.owned


def header_offset():
    """Where an object has its type, or None if that is not the usual place."""
    probe = object()
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        words = TYPE.unpack(os.pread(memory.fileno(), TYPE.size, id(probe)))
    return 8 if words[1] == id(object) else None


def is_plausible(memory, address, kinds):
    """Whether there is a reference count and a known type."""
    try:
        count, kind = TYPE.unpack(os.pread(memory, TYPE.size, address))
    except (OSError, OverflowError, struct.error):
        return False
    if sys.version_info >= (3, 12):
        count &= 0xFFFFFFFF  # above are flags
    return 0 < count < LARGEST_COUNT and (kind in kinds or is_class(memory, kind))


def is_class(memory, address):
    """Whether there is a type whose metatype is type itself, though nothing leads to it."""
    try:
        return TYPE.unpack(os.pread(memory, TYPE.size, address))[1] == id(type)
    except (OSError, OverflowError, struct.error):
        return False


def look_for(truth, extended, wanted):
    """Of the addresses wanted: ({id: object} of those that a known object holds, the plausible)."""
    if not wanted or header_offset() is None:
        return {}, set()
    kinds = {id(item) for source in (truth.objects, extended.values()) for item in source
             if issubclass(type(item), type)}
    confirmed = {}
    with open("/proc/self/mem", "rb", buffering=0) as file:
        memory = file.fileno()
        left = {address for address in wanted if is_plausible(memory, address, kinds)}
        fresh = truth.objects + list(extended.values())
        while fresh and left:
            hits = set()
            for item, size in zip(fresh, truths.measure(fresh)):
                size = min(size, sys.getsizeof(item) if type(item) is tuple else 4096) & ~7
                if size > 16:
                    words = array.array("Q")
                    try:
                        words.frombytes(os.pread(memory, size, id(item)))
                    except (OSError, ValueError):
                        continue
                    hits.update(left.intersection(words))
            left -= hits
            fresh = [ctypes.cast(address, ctypes.py_object).value for address in hits]
            confirmed.update(zip(map(id, fresh), fresh))
    return confirmed, left
