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

MAGIC = b"PYTRUTH1"
ABSENT = 0xFFFFFFFF
UNSIZED = 0xFFFFFFFFFFFFFFFF

# The type's own descriptors: a metaclass may have put something else in their place.
get_module = type.__dict__["__module__"].__get__
get_qualname = type.__dict__["__qualname__"].__get__
get_name = type.__dict__["__name__"].__get__
get_dict = type.__dict__["__dict__"].__get__
get_mro = type.__dict__["__mro__"].__get__
C_METHODS = type(object.__sizeof__), type(len), type(object.__init__)


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


def is_sized(kind):
    """Whether the __sizeof__ that sys.getsizeof() would call is C code, which says the truth.

    A type of an extension module that forgot PyType_Ready() has no MRO, and asking would change that.
    """
    for base in get_mro(kind) or ():
        if "__sizeof__" in get_dict(base):
            return isinstance(get_dict(base)["__sizeof__"], C_METHODS)
    return False


def write_truth(fd, objects, freeze_count):
    count = len(objects)
    addresses = array.array("Q", map(id, objects))
    kind_ids = array.array("Q", map(id, map(type, objects)))
    first = dict(zip(reversed(kind_ids), range(count - 1, -1, -1)))
    numbers = {kind_id: number for number, kind_id in enumerate(first)}
    kinds = [(type(objects[index]), objects[index]) for index in first.values()]
    kind_numbers = array.array("Q", map(numbers.__getitem__, kind_ids))

    sized = [is_sized(kind) for kind, _ in kinds]
    getsizeof = sys.getsizeof
    sizes = array.array("Q", (getsizeof(item) if sized[number] else UNSIZED
                              for item, number in zip(objects, kind_numbers)))

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
