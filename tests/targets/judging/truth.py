# SPDX-License-Identifier: MIT
"""The objects of this process at the barrier."""
import array
import gc
import sys
import types

# The type's own descriptors: a metaclass may have put something else in their place.
get_module = type.__dict__["__module__"].__get__
get_qualname = type.__dict__["__qualname__"].__get__
get_dict = type.__dict__["__dict__"].__get__
get_mro = type.__dict__["__mro__"].__get__

C_METHODS = type(object.__sizeof__), type(len), type(object.__init__)
NO_SIZE = -1  # the type's __sizeof__ is Python code, which may do anything
CHUNK = 4096
OWN_FILES = "/judge.py", "/judging/"
DICTS = (dict, frozendict) if sys.version_info >= (3, 15) else (dict,)  # noqa: F821
HAVE_GC = 1 << 14


def is_own(item):
    """Whether it is code or a frame of the judge, which has run since the barrier."""
    if issubclass(type(item), types.FrameType):
        item = item.f_code
    return issubclass(type(item), types.CodeType) and any(name in item.co_filename
                                                          for name in OWN_FILES)


class Box:
    """What is made between the barrier and the truth; all of it is left out of every comparison.

    The box stands ready before the barrier, so that filling it makes nothing but what goes into it.
    """
    __slots__ = "lines", "generations", "tracked"

    def __init__(self):
        self.lines = self.generations = self.tracked = None


class Truth:
    """
    own          ids of what belongs to the judge
    tracked      ids of gc.get_objects() after gc.unfreeze()
    generations  {id: 0, 1, 2 or "permanent"}, or None before 3.8
    objects      all tracked objects and all that gc.get_referents() leads to from them
    where        {id: index in objects}
    sizes        sys.getsizeof() of each, or NO_SIZE
    referents    ids of what gc.get_referents() says of each, in its order, one object's behind the
                 other's; those of the object of an index begin at `starts`
    names        {id of a type: its name}
    others       {id: object} of what else was found since
    owned        {id: object} of what owned.surely() found, once somebody has asked for it
    """
    __slots__ = ("own", "tracked", "generations", "objects", "where", "sizes", "referents",
                 "starts", "names", "others", "owned")

    def find(self, address):
        """The object there, or None."""
        index = self.where.get(address)
        return self.others.get(address) if index is None else self.objects[index]

    def referents_of(self, index):
        """A list."""
        return self.referents[self.starts[index]:self.starts[index + 1]].tolist()


def fill(box, wait):
    """Waits, then takes all objects."""
    get_objects, unfreeze = gc.get_objects, getattr(gc, "unfreeze", None)
    if sys.version_info >= (3, 8):
        box.lines = wait()
        box.generations = get_objects(0), get_objects(1), get_objects(2)
    else:
        box.lines = wait()
    if unfreeze:
        unfreeze()
    box.tracked = get_objects()


def type_name(kind):
    """As CPython writes it: built-ins bare, others with their module."""
    module, qualname = get_module(kind), get_qualname(kind)
    if module == "builtins" or not isinstance(module, str):
        return qualname
    return module + "." + qualname


def measure(objects):
    """sys.getsizeof() of each object, or NO_SIZE."""
    kinds = {id(type(item)): type(item) for item in objects}
    getsizeof, plain_size = sys.getsizeof, object.__sizeof__
    header = getsizeof([]) - [].__sizeof__()
    functions = {}
    for kind_id, kind in kinds.items():
        # Without an MRO the type is not ready, and sys.getsizeof() would change that.
        functions[kind_id] = None if get_mro(kind) else plain_size
        for base in get_mro(kind) or ():
            method = get_dict(base).get("__sizeof__")
            if method is not None:
                functions[kind_id] = getsizeof if isinstance(method, C_METHODS) else None
                break
    sizes = array.array("q")
    for item in objects:
        function = functions[id(type(item))]
        try:
            size = NO_SIZE if function is None else function(item)
        except Exception:
            size = NO_SIZE
        if function is plain_size and type(item).__flags__ & HAVE_GC:
            size += header
        sizes.append(size)
    return sizes


def reach(found, known):
    """Adds what gc.get_referents() leads to from the objects found, except for what is in known."""
    get_referents = gc.get_referents
    todo = found
    ret = list(found)
    while todo:
        fresh = {}
        for start in range(0, len(todo), CHUNK):
            referents = get_referents(*todo[start:start + CHUNK])
            fresh.update(zip(map(id, referents), referents))
        todo = [fresh[number] for number in fresh.keys() - known]
        known.update(map(id, todo))
        ret.extend(todo)
    return ret


def list_referents(objects):
    """What each refers to: (ids, where those of each begin and where the last ones end)."""
    get_referents, number_of = gc.get_referents, id
    ids, starts = array.array("Q"), array.array("Q", [0])
    for item in objects:
        ids.extend(map(number_of, get_referents(item)))
        starts.append(len(ids))
    return ids, starts


def take(box):
    """The truth, from a box that was filled just now."""
    ret = Truth()
    ret.own = set(map(id, [box, box.generations, box.tracked]))
    if box.generations:
        ret.own.update(map(id, box.generations))
    tracked = [item for item in box.tracked if id(item) not in ret.own]
    ret.tracked = set(map(id, tracked))
    ret.objects = reach(tracked, ret.tracked | ret.own)
    ret.referents, ret.starts = list_referents(ret.objects)
    ret.sizes = measure(ret.objects)
    ret.where = dict(zip(map(id, ret.objects), range(len(ret.objects))))
    ret.generations = None
    if box.generations:
        ret.generations = dict.fromkeys(ret.tracked, "permanent")
        for number, items in enumerate(box.generations):
            ret.generations.update(dict.fromkeys(map(id, items), number))
    ret.names, ret.others, ret.owned = {}, {}, None
    for item in ret.objects:
        kind = type(item)
        if id(kind) not in ret.names:
            ret.names[id(kind)] = type_name(kind)
    box.tracked = box.generations = None
    return ret


def name_of(truth, item):
    kind = type(item)
    if id(kind) not in truth.names:
        truth.names[id(kind)] = type_name(kind)
    return truth.names[id(kind)]
