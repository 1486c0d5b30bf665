# SPDX-License-Identifier: MIT
"""What judge.py knows of its own heap, and how it holds that against what pyinspect says.

    truth       the objects, taken at the barrier: which, how large, of which type
    owned       objects that the collector does not lead to: keys, names, constants of code
    texts       what an object's repr has to be
    compare     the rows of `pyinspect objects`, against all that
    referents   what they say of references
    attributes  the rows of `pyinspect show`
    hostile     objects of types that harm whoever traverses them
    scenes      small heaps, random values, instances

Whatever runs between the barrier and the end of take() must not call functions of Python more than
a handful of times: a code object that has run a thousand times grows, before 3.11.
"""
