# SPDX-License-Identifier: MIT
"""A Python process with secrets of all kinds, which looks for them in what pyinspect printed.

    kept_secrets.py READY_FD WAKE_FD FINDINGS_FD ADDRESSES

The addresses of everything that holds one go to the file ADDRESSES, one a line. Orders, one a line:
    hidden PATH     no secret is in the file
    shown PATH      those that are in the file count as shown
The answer, a line of JSON: the kinds of secrets that were "leaked" into a file where they were to be
hidden, and of those that were in none of the others, "not_shown"; "wrong" is how many.

A secret is random and occurs in no name of a type, since those are printed always. This file must
not be called secrets.py: numpy, which the scripts beside it import, needs the library's module.
"""
import array
import collections
import decimal
import functools
import gc
import io
import json
import os
import random
import re
import sys
import threading
import types

SECRETS = {}  # what kind of secret it is: what it looks like when it is printed, back to front
COPIES = 3


def secret(what):
    """A new random identifier."""
    ret = "s%016x" % random.SystemRandom().getrandbits(64)
    SECRETS["%s %d" % (what, len(SECRETS))] = ret[::-1]
    return ret


def secret_number(what):
    """A new random number of 15 digits, which a float prints too."""
    ret = random.SystemRandom().randrange(10 ** 14, 10 ** 15)
    SECRETS["%s %d" % (what, len(SECRETS))] = str(ret)[::-1]
    return ret


class Plain:
    pass


class Text(str):
    pass


def run(source, **names):
    namespace = dict(names, __name__="planted")
    exec(source, namespace)
    return namespace


def plant_values():
    def instance(name, value):
        ret = Plain()
        setattr(ret, name, value)
        return ret

    text, number = secret, secret_number
    return [
        [text("item of a list")], (text("item of a tuple"),), {text("item of a set")},
        frozenset([text("item of a frozenset")]), collections.deque([text("item of a deque")]),
        {text("key"): 1}, {"key": text("value")}, {(text("key in a tuple"),): 1},
        collections.OrderedDict([(text("key of an OrderedDict"), text("its value"))]),
        collections.defaultdict(list, {text("key of a defaultdict"): []}),
        text("str").encode(), bytearray(text("bytearray").encode()), Text(text("subclass of str")),
        [text("str beyond ASCII") + "\u540d"], memoryview(text("memoryview").encode()),
        number("int"), [-number("negative int")], complex(0, number("complex")),
        range(number("range")), slice(number("slice"), None), decimal.Decimal(number("decimal")),
        array.array("Q", [number("array")]),
        instance("attribute", text("attribute")), instance(text("name of an attribute"), 1),
        types.SimpleNamespace(name=text("attribute of a namespace")),
        functools.partial(print, text("argument of a partial")),
        functools.partial(print, sep=text("keyword of a partial")),
        ValueError(text("message")), KeyError(text("key of a KeyError")),
        OSError(2, text("text of an OSError"), text("its file")),
        UnicodeDecodeError("utf-8", text("bytes of a UnicodeDecodeError").encode(), 0, 1,
                           text("its reason")),
        SyntaxError(text("text of a SyntaxError"), (text("its file"), 1, 1, text("its line"))),
        re.compile(text("pattern")), re.match(".*", text("text of a match")),
        io.BytesIO(text("bytes of a BytesIO").encode()),
        iter([text("item of an iterator")]), {"view": text("item of a view")}.items(),
        types.ModuleType(text("name of a module"), text("its docstring")),
    ]


def plant_code():
    names = {name: secret(name) for name in (
        "function", "local variable", "its value", "constant", "file of code", "argument",
        "default", "keyword default", "annotation", "docstring of a function", "cell", "free variable",
        "global", "docstring of a class", "attribute of a class", "its value there", "method",
        "property", "slot", "its filling", "generator", "variable of a generator",
        "value in a generator", "enum member")}
    source = """
def {function}({argument}="{default}", *, k="{keyword default}") -> "{annotation}":
    "{docstring of a function}"
    {local variable} = "{constant}"
    return {local variable}
def outer():
    {free variable} = "{cell}"
    return lambda: {free variable}
inner = outer()
{global} = 1
class Documented:
    "{docstring of a class}"
    {attribute of a class} = "{its value there}"
    def {method}(self): pass
    @property
    def {property}(self): pass
class Slotted:
    __slots__ = "{slot}",
slotted = Slotted()
slotted.{slot} = "{its filling}"
def {generator}():
    {variable of a generator} = "{value in a generator}"
    yield 1
running = {generator}()
next(running)
bound = Documented().{method}
""".format(**names)
    namespace = {"__name__": "planted"}
    exec(compile(source, names["file of code"], "exec"), namespace)
    for name in "its value", "enum member":
        del SECRETS[next(what for what, text in SECRETS.items() if text[::-1] == names[name])]
    return namespace


def plant_thread(kept):
    name, value = secret("name of a thread"), secret("value in a frame")
    nobody, _ = os.pipe()

    def block(local=value):
        held = [local]
        os.read(nobody, 1)
        return held

    kept.append(threading.Thread(target=block, name=name, daemon=True))
    kept[-1].start()


def reach(found):
    """All that hangs on the planted, but for types and modules and what belongs to those."""
    seen, ret = {id(found)}, []
    while found:
        ret.extend(found)
        fresh = {id(part): part for part in gc.get_referents(*found)
                 if not isinstance(part, (types.ModuleType,)) and part is not sys.modules}
        found = [fresh[number] for number in fresh.keys() - seen]
        seen.update(fresh)
        if len(ret) > 20000:
            break
    return ret


def judge(orders):
    leaked, left = set(), dict(SECRETS)
    for order in orders:
        verb, path = order.split(" ", 1)
        with open(path, "rb") as file:
            words = set(re.findall(b"s[0-9a-f]{16}|[0-9]{15}", file.read()))
        found = {what for what, text in SECRETS.items() if text[::-1].encode() in words}
        if verb == "hidden":
            leaked |= found
        else:
            for what in found:
                left.pop(what, None)
    return {"secrets": len(SECRETS), "leaked": sorted(leaked), "not_shown": sorted(left),
            "complaints": sorted(leaked) + sorted(left), "wrong": len(leaked) + len(left)}


def main(ready_fd, wake_fd, findings_fd, addresses):
    kept = [plant_code()] + [item for _ in range(COPIES) for item in plant_values()]
    plant_thread(kept)
    with open(addresses, "w") as file:
        for item in reach(kept):
            file.write("%#x\n" % id(item))
    gc.disable()
    wait = open(wake_fd, "rb", buffering=0).readall
    os.write(ready_fd, b"ready\n")
    orders = wait().decode().splitlines()
    os.write(findings_fd, (json.dumps(judge(orders)) + "\n").encode())
    os._exit(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), sys.argv[4])
