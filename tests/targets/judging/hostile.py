# SPDX-License-Identifier: MIT
"""Objects whose tp_traverse does what it should not (tests/targets/hostile_traverse.c).

Between arm() and disarm() nothing in this process may traverse them: the collector is off then, and
gc.get_referents() is asked afterwards.
"""
import ctypes

from . import truth as truths

COPIES = 2  # objects of each type
MANY = {"opens": 20}  # so many that it is not run any more
MODULE = "hostile"
PLAIN_SIZE = 48  # struct object

# Those that must have been found out.
FAILING = """
opens kills_the_target kills_its_parent forks executes writes_into_the_target calls_as_32_bits
maps_memory writes_everywhere reads_everywhere
exits returns_from_a_signal loops loops_without_a_trace recurses reads_null
follows_wild_pointers jumps_away jumps_into_data divides is_no_instruction breaks halts aborts
loses_its_stack scribbles_on_the_stack visits_for_ever
""".split()
# These are made by their names alone: some cost seconds, after some nothing more is run, and
# one may harm what is run behind it in the same child.
APART = "loops", "loops_without_a_trace", "visits_for_ever", "scribbles_on_objects"
# Those that do what nobody need care for, and tell what they should.
RIGHT = """
scribbles_on_itself goes_backwards checks_alignment loses_its_thread
visits_a_million_nulls visits_a_million_wild_ones visits_what_is_no_object
""".split()

library = None
armed = None


class Held(list):
    """What the objects refer to."""


def load(path):
    global library, armed
    library = ctypes.PyDLL(path)
    library.hostile_type.argtypes = [ctypes.c_char_p, ctypes.py_object, ctypes.c_int]
    library.hostile_type.restype = ctypes.py_object
    library.hostile_name.restype = ctypes.c_char_p
    armed = ctypes.c_int.in_dll(library, "armed")


def names():
    number = 0
    while library.hostile_name(number):
        yield library.hostile_name(number).decode()
        number += 1


def make_type(name):
    base = list if name == "lies" else object
    return library.hostile_type(name.encode(), (base,),
                                list.__basicsize__ if base is list else PLAIN_SIZE)


def prepare(path, directory, wanted=None):
    """Objects of the wanted types or of all but APART; a heart beats in the directory."""
    load(path)
    if library.hostile_start(directory.encode()):
        raise OSError("no heartbeat")
    kept = []
    for name in names():
        if name not in wanted if wanted else name in APART:
            continue
        kind = make_type(name)
        for _ in range(MANY.get(name, COPIES)):
            kept += [kind(), Held([name]), {"of": kind}]
            if name == "lies":
                list.append(kept[-3], kept[-2])
    return kept


def arm():
    armed.value = 1


def disarm():
    armed.value = 0


def is_hostile(item):
    return truths.get_module(type(item)) == MODULE


def list_wrong(told):
    """{name: entry} of {name: [[by, count, whether it is right]]}."""
    ret = {}
    for name, objects in told.items():
        by = [row[0] for row in objects]
        if (name in FAILING and "traverse" in by) or (
                name in RIGHT and objects != [["traverse", row[1], True] for row in objects]):
            ret[name] = {"count": len(objects), "example": objects}
    return ret
