# SPDX-License-Identifier: MIT
"""What it takes to link a program with the interpreter that runs this, as a shell's assignments.

    shared      its libpython
    static      its archive, and
    static_pie  the one of which a program can be made that is loaded anywhere
    include     where its headers are
    libs        further libraries that the archive needs
    home        for PYTHONHOME
    needed      a linker's list of the symbols that a host has to export, or else the extension
                modules that oracle.py imports cannot be loaded

Of what belongs to another installation nothing is said, nor of an archive where extension modules
would bring a second interpreter.
"""
import _struct
import array
import os
import subprocess
import sys
import sysconfig

get = sysconfig.get_config_var


def run(*words):
    return subprocess.check_output(words).decode()


def is_here(path):
    return path.startswith(sys.base_prefix + "/") and os.path.exists(path)


def main():
    modules = [module.__file__ for module in (array, _struct) if hasattr(module, "__file__")]
    undefined = {line.split()[-1] for path in modules
                 for line in run("nm", "-D", "--undefined-only", path).splitlines()}
    needed = sorted(name for name in undefined if "Py" in name) or ["main"]
    found = {
        "include": get("INCLUDEPY"),
        "libs": " ".join(get(name) or "" for name in ("MODLIBS", "LIBS", "SYSLIBS")),
        "home": sys.base_prefix,
        "needed": "{ %s };" % " ".join(name + ";" for name in needed),
    }
    if is_here(get("INCLUDEPY") + "/Python.h"):
        archive = os.path.join(get("LIBPL"), get("LIBRARY"))
        library = os.path.join(get("LIBDIR"), get("INSTSONAME") or "")
        if ".so" in library and is_here(library):
            found["shared"] = library
        if is_here(archive) and not any("libpython" in run("ldd", path) for path in modules):
            pic = archive[:-2] + "-pic.a"
            found["static"] = archive
            found["static_pie"] = pic if os.path.exists(pic) else archive
    for name, text in found.items():
        print("%s='%s'" % (name, text))


if __name__ == "__main__":
    main()
