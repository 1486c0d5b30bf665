# SPDX-License-Identifier: MIT
"""Families of what can be called, and of what runs or was running."""
import functools
import operator
import sys
import types

from . import family, skipped


class Plain:
    def method(self, value=1, *rest, key=None, **named):
        return self

    def __call__(self):
        return self

    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__


def outer(value):
    def inner(more=value):
        nonlocal value
        value = more
        return lambda: (value, more)
    return inner


def annotated(left: int, right: "text" = "default", *, key: list = None) -> dict:  # noqa: F821
    """With a text."""
    return left


def many(a, b, c=[], *d, e, f=1, g={}, **h):
    i, (j, k) = a, b
    return [i for i in d if i is not c] + [lambda: (j, k, e)]


def empty_cell():
    def inner():
        return later
    if False:
        later = 1
    return inner


@family
def python_functions():
    attributed = outer(1)
    attributed.attribute, attributed.other = [1], attributed
    changed = outer(2)
    changed.__defaults__, changed.__kwdefaults__ = None, {"a": []}
    changed.__name__, changed.__qualname__, changed.__doc__ = "renamed", "re.named", ["doc"]
    annotated.__annotations__  # since 3.10 made only now
    made = types.FunctionType(annotated.__code__, {"a": 1}, "made", (1,), None)
    kept = [outer(index) for index in range(50)] + [outer(index)() for index in range(50)]
    kept += [attributed, changed, annotated, many, empty_cell(), made, lambda: None, lambda *a,
             **b: (a, b)]
    return kept


@family
def methods():
    item = Plain()
    kept = [item.method, Plain().method, Plain.method, types.MethodType(len, [1]),
            types.MethodType(item, item)]
    kept += [len, print, [].append, {}.get, "a".join, dict.fromkeys, int.from_bytes, object.__new__,
             type.__call__, (1).__add__, item.__eq__, object().__hash__, [].__len__, list.__len__,
             "".__class__.mro, sys.exit, functools.reduce, item.__hash__, Plain.__call__,
             item.__call__, object.__init_subclass__]
    return kept + [[index].append for index in range(50)]


@family
def codes():
    kept = [many.__code__, outer.__code__, annotated.__code__, empty_cell.__code__,
            Plain.method.__code__]
    for source in ("1", "a = [b for b in c]",
                   "async def f():\n async with a as b:\n  async for c in d: yield c",
                   "def f(a, *b, c=1, **d):\n def g():\n  return a, d\n return g", "'\xe9\u540d'",
                   "x = 10**100", "import a.b as c\nfrom d import *",
                   "class A(B, m=1):\n x: int = 5", "lambda: (yield)",
                   "try:\n a\nexcept (B, C) as d:\n pass\nfinally:\n e",
                   "1 if a else (1, (2, (3,)), frozenset())", "a in {1, 2, 3}", "\n" * 400 + "a",
                   "def f(" + ", ".join("a%d" % i for i in range(200)) + "): a0"):
        kept.append(compile(source, "<made>", "exec"))
    return kept


@family
def cells():
    kept = [cell for function in (outer(1), outer([])(),
                                  empty_cell()) for cell in function.__closure__]
    if hasattr(types, "CellType"):
        kept += [types.CellType(), types.CellType(1), types.CellType([])]
    return kept


@family
def partials():
    class Partial(functools.partial):
        pass

    attributed = functools.partial(outer, 1)
    attributed.attribute = [1]
    kept = [functools.partial(outer), functools.partial(outer, 1, [], key=2), attributed,
            Partial(len, []), functools.partial(functools.partial(outer, 1), more=2),
            functools.partialmethod(outer, 1), functools.cmp_to_key(outer),
            functools.cmp_to_key(outer)(5), operator.itemgetter(1), operator.itemgetter(1, "a"),
            operator.attrgetter("a"), operator.attrgetter("a.b", "c"), operator.methodcaller("f"),
            operator.methodcaller("f", 1, a=[])]
    return kept


@family
def caches():
    kept = []
    for size, typed in (None, False), (5, False), (100, True), (0, False):
        @functools.lru_cache(size, typed)
        def cached(*arguments, **named):
            return [arguments]
        kept.append(cached)
        for index in range(20):
            cached(index)
            cached(index, key=index)
            cached(str(index), (index,))
        cached.attribute = [1]
    cleared = functools.lru_cache(10)(outer)
    cleared(1)
    cleared.cache_clear()

    class Owner:
        @functools.lru_cache(3)
        def method(self, value):
            return value

    owner = Owner()
    for index in range(10):
        owner.method(index)
    return kept + [cleared, owner, owner.method, functools.lru_cache(3)(print)]


def counting(count, frames=None):
    for index in range(count):
        text, items = "at %d" % index, [index]
        try:
            yield index, items
        finally:
            if frames is not None:
                frames.append(text)


def delegating(depth):
    if depth:
        value = yield from delegating(depth - 1)
    else:
        value = yield sys._getframe()
    return value


def talking():
    value = None
    while True:
        value = yield value


@family
def generators():
    kept = [counting(3) for _ in range(20)] + [delegating(depth) for depth in range(10)]
    for index, item in enumerate(kept[5:]):
        next(item)
    closed, exhausted, thrown, sent = counting(3), counting(3), counting(3), talking()
    next(closed)
    closed.close()
    list(exhausted)
    try:
        thrown.throw(ValueError([]))
    except ValueError as error:
        kept.append(error)
    next(sent)
    sent.send([1])
    handling = handle()
    next(handling)
    frames = [item.gi_frame for item in kept[:10] if isinstance(item, types.GeneratorType)]
    expression = (index for index in range(5))
    next(expression)
    over_list = (yield_from for yield_from in [[1], [2]])
    next(over_list)
    self_made = own()
    next(self_made)
    self_made.send(self_made)
    return kept + [closed, exhausted, thrown, sent, handling, frames, expression, over_list,
                   self_made, (letter for letter in "abc")]


def handle():
    try:
        raise KeyError("handled")
    except KeyError as error:
        yield error
        yield 1


def own():
    value = yield 1
    local = {"value": value}
    yield local


class Later:
    """What can be awaited, and never comes."""

    def __await__(self):
        value = yield self
        return value


async def waiting(depth):
    local = [depth]
    if depth:
        return await waiting(depth - 1), local
    return await Later()


async def producing(count):
    for index in range(count):
        await Later()
        yield [index]


async def consuming():
    async for item in producing(3):
        pass


@types.coroutine
def old_style():
    yield from [1, 2, 3]


@family
def coroutines():
    kept = [waiting(depth) for depth in range(10)] + [consuming(), consuming(), old_style()]
    for item in kept[3:]:
        item.send(None)
    closed = waiting(3)
    closed.send(None)
    closed.close()
    unstarted = waiting(1)
    kept += [closed, unstarted, unstarted.__await__(), producing(1), producing(2)]
    started = producing(3)
    step = started.asend(None)
    step.send(None)
    fresh = producing(2)
    return kept + [started, step, fresh, fresh.__anext__(), fresh.asend(None),
                   fresh.athrow(ValueError), fresh.aclose()]


def fail(depth, local):
    if depth:
        fail(depth - 1, [local])
    raise Problem("at the bottom", local)


class Problem(Exception):
    pass


def catch(function, *arguments):
    try:
        function(*arguments)
    except BaseException as error:
        return error
    raise AssertionError("no exception")


def raise_from(cause):
    try:
        raise ValueError(1)
    except ValueError:
        raise RuntimeError("second") from cause


def raise_during():
    try:
        {}["missing"]
    except KeyError:
        return [].pop()


@family
def exceptions():
    kept = [ValueError(), ValueError("text"), ValueError(1, [2]), KeyError("a"), OSError(2, "text"),
            OSError(2, "text", "file"), OSError(2, "text", "file", None, "other"),
            FileNotFoundError(2, "x"), StopIteration([1]), SystemExit(3),
            ImportError("text", name="n", path="p"), AttributeError("a"),
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
            UnicodeEncodeError("ascii", "\xe9", 0, 1, "bad"),
            UnicodeTranslateError("\xe9", 0, 1, "bad"), KeyboardInterrupt(), MemoryError(),
            GeneratorExit(), BlockingIOError(1, "a", 2), ModuleNotFoundError("m", name="m"),
            UserWarning("careful")]
    kept += [catch(fail, depth, []) for depth in range(10)]
    kept += [catch(raise_from, None), catch(raise_from, kept[0]), catch(raise_during),
             catch(compile, "a b", "<made>", "exec"), catch(compile, "  a", "f", "exec"),
             catch(int, "x"), catch(open, "/nonexistent"), catch(getattr, [], "missing"),
             catch(eval, "unknown_name"), catch(__import__, "no_such_module"),
             catch(b"\xff".decode), catch(next, iter(()))]
    attributed = Problem("with", "attribute")
    attributed.attribute = [attributed]
    kept += [attributed, attributed.with_traceback(kept[25].__traceback__)]
    kept += [error.__traceback__ for error in kept] + [kept[25].__traceback__.tb_frame]
    if hasattr(BaseException, "add_note"):
        attributed.add_note("a note")
        group = ExceptionGroup("group", [ValueError(1),
                                         ExceptionGroup("inner", [KeyError(2), catch(fail, 1, 2)])])
        kept += [group, BaseExceptionGroup("base", [KeyboardInterrupt()]), group.split(ValueError)]
    else:
        skipped("exception groups and notes", "new in 3.11")
    return kept


@family
def frames():
    kept = [error.__traceback__ for error in (catch(fail, depth,
                                                    {"of": depth}) for depth in range(5))]
    for traceback in list(kept):
        while traceback:
            kept.append(traceback.tb_frame)
            traceback = traceback.tb_next
    used = catch(fail, 1, "used").__traceback__.tb_frame
    used.f_locals
    cleared = catch(fail, 1, "cleared").__traceback__.tb_next.tb_frame
    cleared.clear()
    traced = catch(fail, 0, "traced").__traceback__.tb_next.tb_frame
    traced.f_trace = print
    return kept + [used, used.f_locals, cleared, traced, make_frame()]


def make_frame():
    local = ["of a frame that has returned"]
    return sys._getframe() if local else None
