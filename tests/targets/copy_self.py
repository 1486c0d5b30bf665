# SPDX-License-Identifier: MIT
"""An interpreter that copies itself, so that a test may do to the copy what it likes.

    copy_self.py DIRECTORY [whole]

    DIRECTORY/bin/python...     the executable
    DIRECTORY/lib/libpython...  the library with the interpreter in it, where there is one
    DIRECTORY/image             a link to the one of the two that holds the interpreter
    DIRECTORY/original          a link to what that is a copy of
    DIRECTORY/start             a script that starts the copy as the original is started

The standard library is used where it is. With "whole" nothing outside of DIRECTORY is: the standard
library (less its tests), all shared libraries, the loader, a shell for the script and tests/targets
come along, and the script runs with DIRECTORY as its root (through chroot) as well as without.

Runs on Python 3.6 and later.
"""
import os
import shutil
import sys
import sysconfig

LEFT_OUT = ("test", "tests", "idlelib", "tkinter", "lib2to3", "ensurepip", "pydoc_data", "config-*",
            "site-packages", "dist-packages", "*.opt-?.pyc")
START = """#!/bin/sh
[ -e {root}/start ] && root={root} || root=
export PYTHONHOME={home}
{start} "$@"
"""


def read_maps():
    """Yields (start, end, path) of each mapped file."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            if "/" in line:
                start, end = (int(part, 16) for part in line.split(None, 1)[0].split("-"))
                yield start, end, line[line.index("/"):].rstrip("\n")


def copy(path, directory):
    os.makedirs(directory, exist_ok=True)
    ret = os.path.join(directory, os.path.basename(path))
    shutil.copy(path, ret)
    os.chmod(ret, 0o755)
    return ret


def is_loader(path):
    return os.path.basename(path).startswith(("ld-", "ld64"))


def unique(items):
    return list(dict.fromkeys(items))


def copy_shared(path, directory):
    """A library, by all the names that it has where it comes from."""
    copied = os.path.basename(copy(path, directory))
    for name in os.listdir(os.path.dirname(path)):
        other = os.path.join(os.path.dirname(path), name)
        if name != copied and os.path.islink(other) and os.path.realpath(other) == path:
            os.symlink(copied, os.path.join(directory, name))


def copy_library(root):
    """The standard library; its extension modules, which Debian has beside it, lie in it."""
    name = "python%d.%d" % sys.version_info[:2]
    target = os.path.join(root, "lib", name)
    ignore = shutil.ignore_patterns(*LEFT_OUT)
    shutil.copytree(os.path.dirname(os.__file__), target, symlinks=False, ignore=ignore,
                    ignore_dangling_symlinks=True)
    dynload = sysconfig.get_path("platstdlib") + "/lib-dynload"
    if os.path.isdir(dynload) and not os.path.isdir(target + "/lib-dynload"):
        shutil.copytree(dynload, target + "/lib-dynload")


def copy_targets(root):
    """What the tests start, so that it is found where DIRECTORY is the working directory."""
    here = os.path.dirname(os.path.abspath(__file__))
    shutil.copytree(here, root + "/tests/targets", ignore=shutil.ignore_patterns("__pycache__"))


def copy_shell(root):
    """sh, with the libraries that it needs at the paths that it looks for them."""
    shell = os.path.realpath("/bin/sh")
    with os.popen("env -u LD_LIBRARY_PATH -u LD_PRELOAD ldd " + shell) as lines:
        paths = [word for line in lines for word in line.split() if word.startswith("/")]
    for path in paths:
        copy(path, root + os.path.dirname(path))
    shutil.copy(shell, copy(shell, root + "/bin").rpartition("/")[0] + "/sh")


def main(root, whole=None):
    import ctypes, sqlite3, ssl  # what they need is mapped, too
    del ctypes, sqlite3, ssl
    root = os.path.realpath(root)
    maps = list(read_maps())
    image = next(path for start, end, path in maps if start <= id(None) < end)
    program = os.path.realpath("/proc/self/exe")
    libraries = unique(path for _, _, path in maps if ".so" in path and "/lib-dynload/" not in path)
    directories = unique(map(os.path.dirname, libraries))
    loader = None
    if is_loader(program):
        loader, program = program, image
    copied = copy(program, root + "/bin")
    copied_image = copied if image == program else copy(image, root + "/lib")
    os.symlink(copied_image[len(root) + 1:], root + "/image")
    os.symlink(image, root + "/original")

    home = sys.base_prefix
    search = "$root/lib"
    if whole:
        for path in libraries:
            if path != image:
                copy_shared(path, root + "/lib")
        loader = loader and "$root/lib/" + os.path.basename(loader)
        copy_library(root)
        copy_targets(root)
        copy_shell(root)
        home = "$root/"
    elif loader:
        search = ":".join([search] + directories)
    copied = copied.replace(root, "$root")
    if loader:
        start = 'exec %s --inhibit-cache --library-path %s %s' % (loader, search, copied)
    else:
        start = "export LD_LIBRARY_PATH=%s\nexec %s" % (search, copied)
    with open(root + "/start", "w") as file:
        file.write(START.format(root=root, home=home, start=start))
    os.chmod(root + "/start", 0o755)


if __name__ == "__main__":
    main(*sys.argv[1:])
