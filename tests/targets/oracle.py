# SPDX-License-Identifier: MIT
"""A Python process that stands still and then tells the truth about itself.

    oracle.py SCENE READY_FD WAKE_FD TRUTH_FD...

Prepares the scene, writes "ready\n" to READY_FD and blocks until the other end of WAKE_FD is closed.
The very next statement takes gc.get_objects(), so that no object comes or goes between the moment
when somebody looks from outside and the moment of truth. What it then knows of each object goes to
TRUTH_FD, one descriptor an interpreter, in the format that tests/support/truth.h describes; a last
line "told\n" goes to READY_FD.

Runs on Python 3.6 and later. Nothing but os, gc, sys, io and array is imported here, so the scene
`bare` is what its name says.
"""
import array
import gc
import os
import struct
import sys

HAVE_GC = 1 << 14
MANAGED = 1 << 3 | 1 << 4  # weak references and dict before the object, 3.11 and later
MAGIC = b"PYTRUTH1"
ABSENT = 0xFFFFFFFF

# The type's own descriptors: a metaclass may have put something else in their place.
get_module = type.__dict__["__module__"].__get__
get_qualname = type.__dict__["__qualname__"].__get__
get_name = type.__dict__["__name__"].__get__
get_dict = type.__dict__["__dict__"].__get__
get_flags = type.__dict__["__flags__"].__get__
get_basic_size = type.__dict__["__basicsize__"].__get__
get_item_size = type.__dict__["__itemsize__"].__get__


def get_mro(kind):
    # A type of an extension module that forgot PyType_Ready() has none.
    return type.__dict__["__mro__"].__get__(kind) or (object,)


def text_of(getter, kind):
    """What the getter says in UTF-8, or None if that is not a string or fails."""
    try:
        text = getter(kind)
    except Exception:
        return None
    if type(text) is not str:
        if not (isinstance(text, str) and issubclass(type(text), str)):
            return None
        text = str.__str__(text)
    return text.encode("utf-8", "surrogatepass")


def size_method(kind):
    """The __sizeof__ that sys.getsizeof() would call on an object of this type."""
    for base in get_mro(kind):
        if "__sizeof__" in get_dict(base):
            return get_dict(base)["__sizeof__"]
    return None


def learn_pre_headers(kinds):
    """{type flags: bytes before an object}, from the types whose __sizeof__ is written in C."""
    ret = {}
    builtin = type(object.__sizeof__)
    for kind, instance in kinds:
        flags = get_flags(kind) & (HAVE_GC | MANAGED)
        method = size_method(kind)
        if flags not in ret and type(method) is builtin:
            ret[flags] = sys.getsizeof(instance) - method(instance)
    return ret


def sizeof_int_subclass(number):
    digits = -(-int.bit_length(number) // sys.int_info.bits_per_digit)
    return get_basic_size(type(number)) + digits * sys.int_info.sizeof_digit


def size_rule(kind):
    """The function that gives an object's size without what comes before it, or a constant."""
    mro = get_mro(kind)
    if int in mro:
        # Before 3.12 int.__sizeof__() left out what a subclass adds.
        return int.__sizeof__ if sys.version_info >= (3, 12) else sizeof_int_subclass
    if get_item_size(kind) == 0:
        return get_basic_size(kind)
    # Since 3.11 these end in a frame, and what looks like their length is none.
    if sys.version_info >= (3, 11) and get_name(kind) in (
            "generator", "coroutine", "async_generator", "frame") and len(mro) == 2:
        return get_basic_size(kind)
    return object.__sizeof__


def write_truth(fd, objects, freeze_count):
    count = len(objects)
    addresses = array.array("Q", map(id, objects))
    kind_ids = array.array("Q", map(id, map(type, objects)))
    first = dict(zip(reversed(kind_ids), range(count - 1, -1, -1)))
    numbers = {kind_id: number for number, kind_id in enumerate(first)}
    kinds = [(type(objects[index]), objects[index]) for index in first.values()]
    kind_numbers = array.array("Q", map(numbers.__getitem__, kind_ids))

    pre_headers = learn_pre_headers(kinds)
    constant = array.array("Q")
    varying = {}
    for number, (kind, _) in enumerate(kinds):
        before = pre_headers[get_flags(kind) & (HAVE_GC | MANAGED)]
        rule = size_rule(kind)
        if isinstance(rule, int):
            constant.append(before + rule)
        else:
            constant.append(0)
            varying[number] = before, rule
    sizes = array.array("Q", map(constant.__getitem__, kind_numbers))
    for index, number in enumerate(kind_numbers):
        if number in varying:
            before, rule = varying[number]
            sizes[index] = before + rule(objects[index])

    names = []
    for kind, _ in kinds:
        texts = text_of(get_module, kind), text_of(get_qualname, kind)
        lengths = [ABSENT if text is None else len(text) for text in texts]
        names.append(struct.pack("=QII", id(kind), *lengths))
        names.extend((text or b"") + b"\0" for text in texts)
    with open(fd, "wb") as file:
        file.write(MAGIC + struct.pack("=QQQ", count, len(kinds), freeze_count))
        for column in addresses, kind_numbers, sizes:
            column.tofile(file)
        file.write(b"".join(names))


def stand_still(ready_fd, wake_fd, frozen=False):
    """Blocks until wake_fd ends. Returns all tracked objects and how many were permanent."""
    wait = open(wake_fd, "rb", buffering=0).readall
    get_objects = gc.get_objects
    unfreeze = getattr(gc, "unfreeze", None)
    gc.collect()
    gc.disable()
    if frozen:
        gc.freeze()
    freeze_count = gc.get_freeze_count() if unfreeze else 0
    os.write(ready_fd, b"ready\n")
    if frozen:
        wait()
        unfreeze()
        objects = get_objects()
    else:
        wait()
        objects = get_objects()
    return objects, freeze_count


def main(scene, ready_fd, wake_fd, *truth_fds):
    frozen = scene == "frozen"
    if frozen and not hasattr(gc, "freeze"):
        sys.exit("oracle: this Python has no gc.freeze()")
    finish = kept = None
    if scene != "bare":
        import scenes
        kept, finish = scenes.prepare(scene, truth_fds[1:])
    objects, freeze_count = stand_still(ready_fd, wake_fd, frozen)
    write_truth(truth_fds[0], objects, freeze_count)
    if finish:
        finish()
    os.write(ready_fd, b"told\n")
    os._exit(0)  # threads may still be blocked


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
