# SPDX-License-Identifier: MIT
"""Families of classes written in Python and of their instances."""
import abc
import collections
import enum
import functools
import types
import weakref

from . import family, skipped


class Plain:
    def __init__(self, first, second=None):
        self.first = first
        self.second = second

    def method(self):
        return self

    @property
    def computed(self):
        return self.first

    @classmethod
    def of_class(cls):
        return cls

    @staticmethod
    def static():
        return 1


class Empty:
    pass


class Wide:
    def __init__(self, count):
        for index in range(count):
            setattr(self, "attribute_%02d" % index, index)


class Slotted:
    __slots__ = "left", "right"

    def __init__(self, left):
        self.left = left


class SlottedWithDict:
    __slots__ = "left", "__dict__"


class SlottedWithWeakref:
    __slots__ = "left", "__weakref__"


class SlottedWithBoth:
    __slots__ = "left", "__dict__", "__weakref__"


class Nothing:
    __slots__ = ()


class SlottedChild(Slotted):
    __slots__ = "middle", "__private"

    def __init__(self, left):
        super().__init__(left)
        self.middle = [left]
        self.__private = {"of": left}


class DictChild(Slotted):
    pass


class Shadow(Slotted):
    __slots__ = "left", "extra"


class Mixed(SlottedWithDict, Nothing):
    __slots__ = "third",


class Inherited(Plain, Empty):
    pass


class Meta(type):
    def __new__(mcs, name, bases, namespace, **named):
        ret = super().__new__(mcs, name, bases, namespace)
        ret.made_by = named or mcs
        return ret

    def __init__(cls, name, bases, namespace, **named):
        super().__init__(name, bases, namespace)


class OfMeta(metaclass=Meta):
    pass


class OfMetaNamed(OfMeta, named=[1]):
    pass


class Abstract(abc.ABC):
    @abc.abstractmethod
    def method(self):
        """Left to others."""


class Concrete(Abstract):
    def method(self):
        return 1


class Sized:
    def __sizeof__(self):
        return 12345


class SizedList(list):
    def __sizeof__(self):
        return 54321


class Loud:
    def __repr__(self):
        return "Loud()"


class Evasive:
    def __getattribute__(self, name):
        raise AttributeError(name)


class Finalized:
    def __del__(self):
        pass


class Colour(enum.Enum):
    RED = 1
    GREEN = "green"
    BLUE = [1, 2]


class Permission(enum.Flag):
    READ = 1
    WRITE = 2


class Number(int):
    pass


class Text(str):
    pass


class Row(tuple):
    pass


class SlottedError(Exception):
    __slots__ = "left",


class Failure(Exception):
    def __init__(self, text, code):
        super().__init__(text)
        self.code = code


class Stop(BaseException):
    pass


Point = collections.namedtuple("Point", "x y")


class NamedChild(Point):
    """With a dict of its own."""


class Cached:
    if hasattr(functools, "cached_property"):
        @functools.cached_property
        def value(self):
            return [self]


@family
def plain_instances():
    kept = [Plain(index, []) for index in range(200)]
    for item in kept[:40]:
        item.__dict__  # materialised
    for item in kept[20:60]:
        del item.second
    for item in kept[60:80]:
        item.third = "third"
    for index, item in enumerate(kept[80:90]):
        item.__dict__ = {"replaced": index}
    for item in kept[90:95]:
        item.__dict__ = {}
    for item in kept[95:100]:
        item.__dict__["by dict"] = item
    for item in kept[100:105]:
        vars(item)[1] = "no string"
    for item in kept[105:110]:
        vars(item).clear()
    for item in kept[110:115]:
        del item.first, item.second
    for item in kept[115:120]:
        del item.first
        item.first = "again"
    kept[120].first = kept[120]
    kept[121].first, kept[122].first = kept[122], kept[121]
    reverse = [object.__new__(Plain) for _ in range(10)]
    for item in reverse:
        item.second, item.first = 2, 1
    kept += reverse + [Empty() for _ in range(20)] + [Inherited(1) for _ in range(20)]
    moved = [Plain(1), Inherited(2), Empty()]
    for item in moved:
        item.attribute = 1
        item.__class__ = Empty
    return kept + moved + [Concrete(), OfMeta(), OfMetaNamed(), Loud(), Finalized(), Evasive(),
                           object()]


@family
def wide_instances():
    kept = [Wide(count) for count in list(range(40)) + [63, 64, 65, 100, 300]]
    for item in kept[30:35]:
        item.__dict__
    for item in kept[35:38]:
        del item.attribute_03
    for index in range(60):
        item = Empty()
        for number in range(index % 7):
            setattr(item, "of_%d_%d" % (index, number), number)
        kept.append(item)
    return kept


@family
def slotted_instances():
    kept = [Slotted(index) for index in range(50)] + [SlottedChild(index) for index in range(20)]
    kept += [Nothing(), Nothing(), DictChild(1), Shadow(2), Shadow(3)]
    kept[-1].extra = [1]
    Slotted.__dict__["left"].__set__(kept[-1], "hidden")
    kept[-3].attribute = "in the dict"
    for kind in SlottedWithDict, SlottedWithWeakref, SlottedWithBoth, Mixed:
        fresh, filled = kind(), kind()
        filled.left = [kind]
        kept += [fresh, filled]
        if hasattr(filled, "__dict__"):
            other = kind()
            filled.attribute = other.attribute = other.right = {"of": kind}
            other.__dict__
            kept.append(other)
        if hasattr(filled, "__weakref__"):
            kept.append(weakref.ref(filled))
    del kept[0].left
    return kept


@family
def builtin_subclasses():
    kept = []
    for kind, arguments in [(Number, (5,)), (Number, (1 << 100,)), (Text, ("text",)),
                            (Text, ("\u540d",)), (Row, ([1, 2],)), (Failure, ("text", 5)),
                            (Stop, ("stop",)), (NamedChild, (1, 2)), (SlottedError, (1,)),
                            (Exception, ("with",)), (KeyError, ("key",)),
                            (types.SimpleNamespace, ()), (types.ModuleType, ("a_module",))]:
        kept += [kind(*arguments) for _ in range(5)]
        for index, item in enumerate(kept[-3:]):
            item.attribute = [index]
            item.other = item
        kept[-1].__dict__
    kept += [SizedList([1, 2]), Sized(), Point(1, 2), Point([], {})]
    return kept


@family
def enumerations():
    kept = list(Colour) + [Permission.READ, Permission.READ | Permission.WRITE, Permission(0)]
    kept += list(enum.Enum("Many", ["M%d" % index for index in range(100)]))
    return kept + list(enum.IntEnum("Levels", ["L%d" % index for index in range(100)]))


@family
def dataclass_instances():
    import dataclasses
    import sys

    @dataclasses.dataclass
    class Record:
        name: str
        numbers: list = dataclasses.field(default_factory=list)
        flag: bool = False

    @dataclasses.dataclass(frozen=True, order=True)
    class Key:
        left: int
        right: int = 2

    kept = [Record("a"), Record("b", [1]), Key(1), Key(3, 4), Record, Key,
            dataclasses.fields(Record)]
    if sys.version_info >= (3, 10):
        @dataclasses.dataclass(slots=True)
        class Compact:
            left: int
            right: list
        kept += [Compact(index, [index]) for index in range(20)]
    else:
        skipped("dataclasses with slots", "new in 3.10")
    return kept


@family
def descriptors():
    cached = [Cached() for _ in range(10)]
    if hasattr(functools, "cached_property"):
        for item in cached[:5]:
            item.value
    else:
        skipped("cached_property", "new in 3.8")

    def function(item):
        """Does nothing."""

    class Settable:
        def __set_name__(self, owner, name):
            self.name = name

        def __get__(self, instance, owner):
            return owner

    class Owner:
        field = Settable()
        dispatched = functools.singledispatch(function)
        partial = functools.partialmethod(function, 1)

    kept = cached + [vars(Plain)[name] for name in ("computed", "of_class", "static", "method")]
    kept += [property(), property(function), property(function, function, function, "doc"),
             classmethod(function), staticmethod(function), Owner, Owner(), vars(Slotted)["left"],
             vars(Plain)["__dict__"], vars(Plain)["__weakref__"], vars(Cached).get("value"),
             int.real, int.__dict__["from_bytes"], str.join, list.__add__,
             types.FunctionType.__code__, super(SlottedChild, kept_slotted()), super(Plain)]
    return kept


def kept_slotted():
    return SlottedChild(7)


@family
def classes():
    kept = [Plain, Empty, Slotted, SlottedChild, OfMeta, Meta, Abstract, Concrete, Colour, type,
            object, int]
    for index in range(100):
        namespace = {"field_%d" % number: number for number in range(index)}
        kept.append(type("Made%d" % index, (Plain,) if index % 2 else (), namespace))
    kept += [item() for item in kept[-100:] if item.__base__ is object]
    outer = type("Outer", (), {"__doc__": "text", "__slots__": ["a", "b"],
                               "__module__": "elsewhere"})
    outer.__qualname__ = "Some.Outer"
    kept += [outer, outer(), weakref.ref(outer), types.new_class("New", (Plain,)),
             Meta("Direct", (), {})]
    for index in range(10):
        Abstract.register(type("Virtual%d" % index, (), {}))
        isinstance(kept[index], Abstract)
    try:
        import typing
        kind = typing.TypeVar("kind")

        class Generic(typing.Generic[kind]):
            pass
        kept += [Generic, Generic[int], Generic[int](), typing.List[int], typing.Union[int, str],
                 kind, typing.Dict[str, Generic[int]], typing.Callable[[int], str]]
    except ImportError as error:
        skipped("generic classes", error)
    if hasattr(list, "__class_getitem__"):
        kept += [list[int], dict[str, list[int]]]
    return kept


@family
def modules():
    filled, bare = types.ModuleType("filled", "its text"), types.ModuleType("bare")
    for index in range(50):
        setattr(filled, "name_%d" % index, [index])

    class Lazy(types.ModuleType):
        @property
        def value(self):
            return 1

    renamed = types.ModuleType("renamed")
    renamed.__name__ = 5
    return [filled, bare, Lazy("lazy"), renamed, enum, types]


@family
def weak_references():
    alive, dying = [Plain(index) for index in range(50)], [Plain(index) for index in range(50)]

    def forget(reference):
        pass

    class Reference(weakref.ref):
        __slots__ = "key",

    class LooseReference(weakref.ref):
        pass

    kept = [alive]
    for items in alive, dying:
        for index, item in enumerate(items):
            kept += [weakref.ref(item), weakref.ref(item, forget),
                     weakref.ref(item, [].append)][:1 + index % 3]
            if index % 5 == 0:
                kept += [Reference(item), LooseReference(item), weakref.proxy(item),
                         weakref.proxy(item, forget)]
                kept[-4].key, kept[-3].key = index, [index]
            if index % 7 == 0:
                kept += [weakref.WeakMethod(item.method)]
    hashed = weakref.ref(alive[0])
    hash(hashed)
    keys, values = weakref.WeakKeyDictionary(), weakref.WeakValueDictionary()
    members = weakref.WeakSet()
    for items in alive, dying:
        for index, item in enumerate(items):
            keys[item], values[index] = [index], item
            members.add(item)
    finalizer = weakref.finalize(alive[0], print, 1)
    finalizer.atexit = False
    del dying[:], items, item
    called = weakref.proxy(forget)
    return kept + [keys, values, members, finalizer, called, forget, hashed, weakref.ref(Plain)]
