# SPDX-License-Identifier: MIT
"""What the judge's heap is filled with."""
import gc
import sys


def around(scene, wait):
    """What to call at the barrier in place of wait()."""
    if scene != "hostile":
        return wait
    from . import hostile

    def armed():
        hostile.arm()
        ret = wait()
        hostile.disarm()
        return ret
    return armed


def prepare(scene, arguments):
    """Returns what has to stay alive."""
    if scene == "bare":
        return None
    if scene == "values":
        from . import random_values
        return random_values.make(int(arguments[0]), int(arguments[1]))
    if scene == "attributes":
        from . import attributes
        return attributes.prepare(arguments[0])
    if scene == "hostile":
        from . import hostile
        return hostile.prepare(arguments[0], arguments[1], arguments[2:])
    import everything
    if scene == "everything":
        return everything.build()
    if scene == "packages":
        import families.packages  # noqa: F401
        return everything.build()
    if scene == "arrays":
        import families.packages  # noqa: F401
        return everything.build(["numeric_arrays"])
    if scene == "families":
        return everything.build(arguments)
    if scene == "frozen":
        if not hasattr(gc, "freeze"):
            sys.exit("judge: this Python has no gc.freeze()")
        return everything.build(frozen=True)
    sys.exit("judge: no scene " + scene)
