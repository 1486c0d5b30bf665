# SPDX-License-Identifier: MIT
"""A Python process that asks pyinspect why its objects are alive, and judges what it says.

    held.py READY_FD WAKE_FD FINDINGS_FD SCENE ADDRESSES

The addresses that pyinspect is to be asked for go to the file ADDRESSES, one a line. Scenes are
    fixtures   one object for each way of being held: the chain that must come out is known
    random     500 of all objects: no chain is longer than the one that gc.get_referrers leads to,
               which is what objgraph.find_backref_chain finds with objgraph.is_proper_module
Orders, one a line, name a file of pages in JSON:
    judge PATH
Each is answered by a line of JSON: how many were "checked", the "complaints", how many are "wrong";
how many references were "confirmed" by gc.get_referents, and how many "owned" ones there are.
"""
import asyncio
import atexit
import collections
import ctypes
import functools
import gc
import json
import os
import random
import signal
import sys
import threading
import types
import weakref

try:
    import contextvars
except ImportError:  # 3.6
    contextvars = None

EXPECTED = []  # (address, its chain or a function that judges it, references from outside)
KEPT = []
RUNNING = threading.Event()
MANY = 500


class Order:
    """Something that is held."""


class Slotted:
    __slots__ = "left", "right"


def thread_name():
    if sys.version_info >= (3, 11):
        return "thread %d" % threading.get_native_id()
    return "thread %#x" % threading.get_ident()


def expect(held, chain, outside=0):
    """No chain: a cycle holds it. A function says whether a chain is right."""
    if isinstance(chain, str):
        chain += " \N{RIGHTWARDS ARROW} __main__.Order %#x" % id(held)
    EXPECTED.append((id(held), chain, outside))


# In modules: what is held is nowhere else.
CACHE = {"k17": [0, 1, 2, Order()]}
NUMBERED = {(1, 2): (Order(),)}
KEYED = {(1, Order()): None}
QUEUE = collections.deque([None, Order()])
SLOTTED = Slotted()
SLOTTED.right = Order()
INSTANCE = Order()
INSTANCE.order = Order()
ODD = Order()
ODD.__dict__["no name"] = Order()
LEAKED = Order()


def closure():
    order = Order()
    expect(order, "module __main__.__dict__['CLOSURE'].__closure__[0].cell_contents")
    return lambda: order


def generator():
    order = Order()
    if sys.version_info >= (3, 11):
        expect(order, "module __main__.__dict__['GENERATOR'] local order")
    else:
        expect(order, "module __main__.__dict__['GENERATOR'].frame local order")
    yield 1


CLOSURE = closure()
GENERATOR = generator()
next(GENERATOR)


def handle(request, *, option):
    """Runs in a thread until the process ends."""
    inner = Order()
    place = "%s handle() held.py:%d local " % (
        thread_name(), sys._getframe().f_code.co_firstlineno + 13)
    expect(request["orders"][0], place + "request['orders'][0]")
    expect(option.order, place + "option.order")
    expect(inner, place + "inner.cell_contents")

    def use():
        return inner

    RUNNING.set()
    threading.Event().wait()


def hold_from_outside(count):
    order = Order()
    for _ in range(count):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(order))
    expect(order, "%d reference%s from outside the Python heap" % (count, "s" * (count > 1)), count)


def hold_in_cycle():
    order = Order()
    order.ring = [order]
    expect(order, None)
    order = Order()
    order.me = order
    expect(order, None)


def hold_in_context():
    variable = contextvars.ContextVar("variable")
    KEPT.append(variable)
    order = Order()
    variable.set(order)
    expect(order, "%s context[ContextVar 'variable']" % thread_name())


class Held:
    """Called by whoever holds it."""

    def __init__(self):
        self.order = Order()

    def __call__(self, *arguments):
        return None


def ends_with(held, *words):
    """A chain that has these words, one behind the other, and ends at the object."""
    end = " \N{RIGHTWARDS ARROW} __main__.Order %#x" % id(held)

    def judge(chain):
        at = 0
        for word in words:
            at = chain.find(word, at)
            if at < 0:
                return False
        return chain.endswith(end)

    return judge


def hold_by_variable():
    """In a variable of C code that nothing uses in a program that is not interactive."""
    order = Order()
    variable = ctypes.c_void_p.in_dll(ctypes.pythonapi, "PyOS_InputHook")
    variable.value = id(order)
    for _ in range(2):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(order))
    expect(order, "perhaps static variable of the interpreter at %#x" % ctypes.addressof(variable),
           1)  # one reference is the variable's


def hold_by_signal():
    held = Held()
    signal.signal(signal.SIGUSR2, held)
    expect(held.order, "interpreter signal_handlers[%d].order" % signal.SIGUSR2)


def hold_by_exit():
    held = Held()
    atexit.register(held)
    expect(held.order, ends_with(held.order, "atexit", ".order"))


def hold_by_weak_reference():
    held = Held()
    KEPT.append(weakref.ref(INSTANCE, held))
    expect(held.order, "module __main__.__dict__['KEPT'][%d].__callback__.order" % (len(KEPT) - 1))


LOCAL = threading.local()


def hold_in_thread():
    """In a context, a threading.local, a trace function and a profile function of another."""
    ready = threading.Event()
    trace, profile = Held(), Held()

    def work():
        LOCAL.order = Order()
        expect(LOCAL.order, "module __main__.__dict__['LOCAL'][%s].order" % thread_name())
        if contextvars:
            variable = contextvars.ContextVar("request")
            KEPT.append(variable)
            order = Order()
            variable.set(order)
            expect(order, "%s context[ContextVar 'request']" % thread_name())
            del order
        expect(trace.order, "%s trace_function.order" % thread_name())
        expect(profile.order, "%s profile_function.order" % thread_name())
        place.append(sys._getframe())
        sys.settrace(trace)
        sys.setprofile(profile)
        ready.set()
        forever.acquire()

    forever = threading.Lock()
    forever.acquire()
    place = []
    threading.Thread(target=work, daemon=True).start()
    ready.wait()
    del place[:]
    KEPT.append(forever)


def hold_in_task():
    """By the coroutine of a task that runs, of one that waits for it, and by the frame of the
    former."""
    ready = threading.Event()

    async def wait_for(task, order):
        await task
        return order

    async def serve():
        inner = Order()
        expect(inner, ends_with(inner, thread_name(), "serve() held.py:%d local inner" % (
            sys._getframe().f_code.co_firstlineno + 11)))
        outer = asyncio.ensure_future(wait_for(asyncio.ensure_future(never()), Order()))
        await asyncio.sleep(0)
        coroutine = outer.get_coro() if hasattr(outer, "get_coro") else outer._coro
        order = coroutine.cr_frame.f_locals["order"]
        expect(order, ends_with(order, "local order"))
        del order, coroutine
        ready.set()
        stop.acquire()

    async def never():
        await asyncio.get_event_loop().create_future()

    stop = threading.Lock()
    stop.acquire()

    def work():
        loop = asyncio.new_event_loop()
        loop.run_until_complete(serve())

    threading.Thread(target=work, daemon=True).start()
    ready.wait()
    KEPT.append(stop)


def hold_in_interpreter():
    """In a module of a subinterpreter, which says where."""
    for name in "_interpreters", "_xxsubinterpreters":
        try:
            interpreters = __import__(name)
            break
        except ImportError:
            interpreters = None
    if not interpreters:
        return
    number = interpreters.create()
    read, write = os.pipe()
    interpreters.run_string(number, """if True:
        import os, sys, types
        class Order: pass
        module = types.ModuleType("held")
        sys.modules["held"] = module
        module.orders = {"k": [Order()]}
        os.write(%d, b"%%#x" %% id(module.orders["k"][0]))
        del module""" % write)
    KEPT.append(number)
    address = int(os.read(read, 64), 16)
    chain = "interpreter 1 module held.__dict__['orders']['k'][0]"
    EXPECTED.append((address, chain + " \N{RIGHTWARDS ARROW} __main__.Order %#x" % address, 0))


def hold_in_foreign_type():
    """What it compares with only the code of such a key knows."""
    holder = Order()
    holder.order = Order()
    CACHE["key"] = functools.cmp_to_key(holder)
    expect(holder.order, "module __main__.__dict__['CACHE']['key'] via tp_traverse.order")


def make_fixtures():
    in_main = "module __main__.__dict__"
    expect(CACHE["k17"][3], in_main + "['CACHE']['k17'][3]")
    expect(NUMBERED[1, 2][0], in_main + "['NUMBERED'][(1, 2)][0]")
    key = next(iter(KEYED))
    expect(key[1], in_main + "['KEYED'] key (1, <__main__.Order object at %#x>)[1]" % id(key[1]))
    expect(QUEUE[1], in_main + "['QUEUE'][1]")
    expect(SLOTTED.right, in_main + "['SLOTTED'].right")
    expect(INSTANCE.order, in_main + "['INSTANCE'].order")
    expect(ODD.__dict__["no name"], in_main + "['ODD'].__dict__['no name']")
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(LEAKED))
    expect(LEAKED, in_main + "['LEAKED']", 1)
    option = Order()
    option.order = Order()
    thread = threading.Thread(target=handle, args=({"orders": [Order()]},),
                              kwargs={"option": option}, daemon=True)
    thread.start()
    RUNNING.wait()
    hold_from_outside(1)
    hold_from_outside(2)
    hold_in_cycle()
    hold_in_foreign_type()
    if contextvars:
        hold_in_context()
    hold_by_variable()
    hold_by_signal()
    hold_by_exit()
    hold_by_weak_reference()
    hold_in_thread()
    hold_in_task()
    hold_in_interpreter()


def proper_modules():
    return [module for name, module in list(sys.modules.items())
            if isinstance(module, types.ModuleType)
            and sys.modules.get(getattr(module, "__name__", None)) is module]


def make_random():
    import asyncio, email.message, logging.config, unittest.mock, xml.dom.minidom
    KEPT.extend(sys.modules.values())
    del EXPECTED[:]
    chance = random.Random(7)
    objects = [item for item in gc.get_objects()
               if not isinstance(item, types.FrameType) and item is not EXPECTED]
    return [id(item) for item in chance.sample(objects, MANY + MANY // 10)]


def keep_living(addresses):
    """What make_random() itself has used is gone by now."""
    living = set(map(id, gc.get_objects()))
    EXPECTED.extend((address, None, None) for address in addresses if address in living)
    del EXPECTED[MANY:]


def distances():
    """How far each tracked object is from a module, by way of tracked ones, as get_referrers."""
    objects = {id(item): item for item in gc.get_objects()}
    level = [id(module) for module in proper_modules()]
    ret = dict.fromkeys(level, 0)
    while level:
        reached = []
        for address in level:
            for referent in gc.get_referents(objects[address]):
                if id(referent) in objects and id(referent) not in ret:
                    ret[id(referent)] = ret[address] + 1
                    reached.append(id(referent))
        level = reached
    return ret


def object_at(address):
    return ctypes.cast(address, ctypes.py_object).value


class Findings:
    def __init__(self):
        self.checked = self.wrong = self.confirmed = self.owned = 0
        self.complaints = []

    def complain(self, what, row):
        self.wrong += 1
        if len(self.complaints) < 10:
            self.complaints.append([what, row])

    def confirm(self, row):
        for chain in row["chains"]:
            for step, following in zip(chain["steps"], chain["steps"][1:]):
                if step["owned"]:
                    self.owned += 1
                    continue
                referents = gc.get_referents(object_at(int(step["address"], 16)))
                if any(id(item) == int(following["address"], 16) for item in referents):
                    self.confirmed += 1
                else:
                    self.complain("gc.get_referents knows of no such reference", [step, following])

    def judge_fixture(self, row, chain, outside):
        self.checked += 1
        first = row["chains"][0] if row["chains"] else {"chain": None, "start": None}
        if chain is None:
            if first["start"] != "cycle":
                self.complain("it is in a cycle", row)
            elif len(first["steps"]) == 1 and not first["chain"].endswith(" itself"):
                self.complain("nothing comes behind the cycle", row)
            return
        if row["by"] == "guesses" and not callable(chain):
            chain = chain.replace(" via tp_traverse", " ?")
        if callable(chain):
            if not first["chain"] or not chain(first["chain"]):
                self.complain("it is another one", first["chain"])
        elif first["chain"] != chain:
            self.complain("it is " + chain, first["chain"])
        if row["references"]["outside"] != outside:
            self.complain("%d from outside" % outside, row["references"])

    def judge_length(self, row, address, far):
        self.checked += 1
        if address not in far:
            return
        if not row["chains"] or row["chains"][0]["start"] != "root":
            self.complain("a module leads to it", row)
        elif row["chains"][0]["length"] > far[address]:
            self.complain("%d references are enough" % far[address], row["chains"][0])


def judge(path, scene):
    findings = Findings()
    far = distances() if scene == "random" else None
    with open(path) as file:
        rows = [json.loads(line) for line in file]
    for (address, chain, outside), row in zip(EXPECTED, rows):
        if int(row["address"], 16) != address:
            findings.complain("%#x was asked for" % address, row["address"])
        elif scene == "random":
            findings.judge_length(row, address, far)
        else:
            findings.judge_fixture(row, chain, outside)
        findings.confirm(row)
    if len(rows) != len(EXPECTED):
        findings.complain("%d pages" % len(EXPECTED), len(rows))
    return vars(findings)


def main(ready_fd, wake_fd, findings_fd, scene, addresses):
    gc.disable()
    if scene == "random":
        keep_living(make_random())
    else:
        make_fixtures()
    with open(addresses, "w") as file:
        file.writelines("%#x\n" % address for address, _, _ in EXPECTED)
    wait = open(wake_fd, "rb", buffering=0).readall
    os.write(ready_fd, b"ready\n")
    for order in wait().decode().splitlines():
        path = order.split(" ", 1)[1]
        os.write(findings_fd, (json.dumps(judge(path, scene), sort_keys=True) + "\n").encode())
    os._exit(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), sys.argv[4], sys.argv[5])
