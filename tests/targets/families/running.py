# SPDX-License-Identifier: MIT
"""Families of what runs beside: tasks, contexts, locks, queues."""
import sys

from . import family, skipped


@family
def tasks():
    import asyncio

    async def forever(depth=0):
        local = [depth]
        if depth:
            return await forever(depth - 1), local
        await asyncio.get_event_loop().create_future()

    async def sleeping():
        await asyncio.sleep(100000)

    async def answer(value):
        await asyncio.sleep(0)
        return [value]

    async def fail():
        raise ValueError("in a task")

    async def locked(lock):
        async with lock:
            await forever()

    async def gathered():
        return await asyncio.gather(forever(), forever(1), sleeping())

    async def settle():
        for _ in range(10):
            await asyncio.sleep(0)

    async def begin():
        lock, event, queue = asyncio.Lock(), asyncio.Event(), asyncio.Queue()
        shielded = asyncio.ensure_future(forever())
        made = [asyncio.ensure_future(item) for item in (
            [forever(depth) for depth in range(5)] + [sleeping(), sleeping(), gathered(),
                                                      locked(lock), locked(lock)]
            + [answer(index) for index in range(5)] + [fail(), fail(), forever(), queue.get(),
                                                       event.wait()]
            + [asyncio.wait_for(forever(), 100000), asyncio.shield(shielded)])]
        await settle()
        made[17].cancel()
        made[0].add_done_callback(print)
        made[1].add_done_callback(print)
        made[1].add_done_callback(made.append)
        await settle()
        return made, shielded, lock, event, queue, asyncio.Semaphore(2), asyncio.Condition()

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    made = loop.run_until_complete(begin())
    futures = [loop.create_future() for _ in range(20)]
    for index, future in enumerate(futures[:5]):
        future.set_result([index])
    for future in futures[5:8]:
        future.set_exception(KeyError("in a future"))
    for future in futures[8:10]:
        future.cancel()
    for index, future in enumerate(futures[10:15]):
        for _ in range(index):
            future.add_done_callback(print)
    futures[15].attribute = futures
    for task in made[0][15:17] + futures[5:8]:
        task.exception()  # or it complains
    iterator = iter(futures[16])
    next(iterator)
    handle = loop.call_later(100000, print, [1])
    return [loop, made, handle, iterator, loop.call_soon(print, 1)] + made[0] + futures


@family
def contexts():
    import contextvars
    variables = [contextvars.ContextVar("variable_%d" % index) for index in range(100)]
    variables += [contextvars.ContextVar("with default", default=[1])]
    context = contextvars.copy_context()
    tokens = []
    kept = [context]

    def fill(count):
        for variable in variables[:count]:
            tokens.append(variable.set([variable]))

    for count in 1, 5, 16, 33, 100:
        context.run(fill, count)
        kept.append(context.copy())
    context.run(lambda: variables[3].reset(tokens[-97]))
    variables[7].set("in the main context")
    return kept + variables + tokens + [contextvars.Token.MISSING, iter(kept[2]), kept[2].items()]


@family
def locks():
    import queue
    import threading
    lock, again, local = threading.Lock(), threading.RLock(), threading.local()
    lock.acquire()
    again.acquire()
    again.acquire()
    local.value = [1]
    full, simple = queue.Queue(), None
    for index in range(20):
        full.put([index])
    best = queue.PriorityQueue()
    for index in range(20):
        best.put((-index, str(index)))

    class Local(threading.local):
        def __init__(self):
            self.of_class = 1

    kept = [threading.Lock(), lock, again, threading.RLock(), local, Local(), threading.Event(),
            threading.Condition(), threading.Semaphore(3), threading.Barrier(2),
            threading.Timer(10, print), threading.Thread(target=print), threading.main_thread(),
            full, best, queue.Queue(5), queue.LifoQueue()]
    if hasattr(queue, "SimpleQueue"):
        for count in 0, 1, 20:
            simple = queue.SimpleQueue()
            for index in range(count):
                simple.put([index])
            kept.append(simple)
        for _ in range(15):
            simple.get()
    else:
        skipped("SimpleQueue", "new in 3.7")
    return kept


@family
def executors():
    import concurrent.futures
    future = concurrent.futures.Future()
    done, failed, cancelled = (concurrent.futures.Future() for _ in range(3))
    done.set_result([1])
    failed.set_exception(ValueError("failed"))
    cancelled.cancel()
    return [future, done, failed, cancelled, concurrent.futures.ThreadPoolExecutor(2)]


@family
def switches():
    kept = [sys.exc_info(), sys.path, sys.meta_path, sys.modules, sys.implementation, sys.__dict__]
    import contextlib
    import warnings

    @contextlib.contextmanager
    def manager():
        yield [1]

    entered, stack = manager(), contextlib.ExitStack()
    entered.__enter__()
    stack.callback(print, 1)
    stack.enter_context(manager())
    recorder = warnings.catch_warnings(record=True)
    return kept + [entered, manager(), manager, stack, recorder, contextlib.suppress(ValueError)]
