# SPDX-License-Identifier: MIT
"""A heap in which there is everything: the whole standard library and every shape of object.

    everything.py [FAMILY...]     builds it and says how much of each family there is

judge.py asks build() for it. What is made stays alive in KEPT, a list of objects for each family.
Runs on Python 3.6 and later; what a version has not is left out and named on stderr.
"""
import gc
import importlib
import os
import sys
import sysconfig
import warnings

import families

MODULES = "values", "containers", "instances", "functions", "running", "library", "extensions"
KEPT = {}  # family: its objects

# These do something when they are imported, or are no library but tests and programs.
LEFT_OUT = {
    "antigravity", "this", "idlelib", "turtle", "turtledemo", "test", "tests", "tkinter.test",
    "lib2to3.tests", "sqlite3.test", "ctypes.test", "unittest.test", "distutils.tests",
    "site-packages", "dist-packages", "sitecustomize", "usercustomize", "pip", "setuptools",
    "pydevd", "__pycache__",
}


def is_left_out(name):
    last = name.rpartition(".")[2]
    return (name in LEFT_OUT or last in ("tests", "__main__", "__pycache__")
            or last.startswith(("_test", "xx", "_xxtest", "__")) or not last.isidentifier())


def find_modules(folder, prefix=""):
    """Names of the modules in the folder and its packages, without importing any."""
    for entry in sorted(os.listdir(folder)):
        name, dot, suffix = entry.partition(".")
        path = os.path.join(folder, entry)
        if is_left_out(prefix + name):
            continue
        if not dot and os.path.exists(os.path.join(path, "__init__.py")):
            yield prefix + name
            yield from find_modules(path, prefix + name + ".")
        elif dot and suffix in ("py", "so") or suffix.endswith(".so"):
            yield prefix + name


def import_stdlib():
    """Imports all of the standard library that can be imported. Returns the modules."""
    names = [name for name in sys.builtin_module_names if not is_left_out(name)]
    folder = sysconfig.get_path("stdlib")
    names.extend(find_modules(folder))
    dynamic = next((path for path in sys.path if path.endswith("lib-dynload")), None)
    if dynamic and os.path.isdir(dynamic):
        names.extend(find_modules(dynamic))
    modules, missing = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in dict.fromkeys(names):
            try:
                modules.append(importlib.import_module(name))
            except (Exception, SystemExit) as error:
                missing.append("%s (%s)" % (name, type(error).__name__))
    families.skipped("%d modules" % len(missing), ", ".join(missing))
    return modules


def build(names=None, frozen=False):
    """Fills KEPT, with the standard library and all families or with those of the names alone.

    Without any name in the list these are all families, without the standard library.

    With `frozen`, what the standard library has made becomes the permanent generation.
    """
    if names is None:
        KEPT["stdlib"] = import_stdlib()
    if frozen:
        gc.collect()
        gc.freeze()
    for module in MODULES:
        try:
            importlib.import_module("families." + module)
        except ImportError as error:
            families.skipped("families of " + module, error)
    for name, function in families.FAMILIES.items():
        if names and name not in names:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                KEPT[name] = function()
        except ImportError as error:
            families.skipped("family " + name, error)
    return KEPT


def main():
    for name, objects in build(sys.argv[1:] or None).items():
        print("%-20s %6d" % (name, len(objects)))
    print("%-20s %6d" % ("tracked", len(gc.get_objects())))


if __name__ == "__main__":
    main()
