# SPDX-License-Identifier: MIT
"""What everything.py fills a heap with: one function a family of objects.

A family is a function with the decorator @family, in one of this package's modules. It returns a
list of objects, all of which stay alive, and everything that they refer to. To add a family, write
such a function; to add a module, name it in everything.MODULES.

A family whose module this Python has not raises ImportError and is left out as a whole. A shape
that this version has not is left out with skipped(). Both are said on stderr.
"""
import sys

FAMILIES = {}  # name: function


def family(function):
    if function.__name__ in FAMILIES:
        raise ValueError("two families have the name " + function.__name__)
    FAMILIES[function.__name__] = function
    return function


def skipped(what, reason):
    """Says that something is left out: never silently."""
    sys.stderr.write("everything: no %s: %s\n" % (what, reason))
