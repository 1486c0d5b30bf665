# SPDX-License-Identifier: MIT
"""A Python process that stands still and then judges what pyinspect says of it.

    judge.py READY_FD WAKE_FD FINDINGS_FD SCENE [ARGUMENT...]
    judge.py --self SCENE [ARGUMENT...]

Scenes:
    bare                    nothing but what the judge itself imports
    everything              the standard library and all families of everything.py
    packages                that, and families of packages that do not belong to Python
    arrays                  numpy's, without the standard library
    families [NAME...]      these families alone (none: all), without the standard library
    frozen                  everything, the standard library in the permanent generation (3.7)
    hostile LIBRARY DIRECTORY [NAME...]
                            objects of types whose tp_traverse does harm (hostile.py)
    values SEED COUNT       random nested values
    attributes FILE         instances and containers; their addresses go to FILE, one a line

Prepares the scene, writes "ready\n" to READY_FD and blocks until the other end of WAKE_FD is
closed. The very next statement takes the truth. What stood in WAKE_FD are orders, one a line:
    objects REPR_LEN PATH   judge the rows of `objects --all-objects --json --repr-len REPR_LEN`
    tracked REPR_LEN PATH   the same without --all-objects
    referents PATH          judge what rows of `objects --all-objects --referents --json` say of
                            references, by equality
    approximate PATH        the same of `--no-exec`, by share
    show REPR_LEN PATH      judge the rows of `show ADDRESS... --json`
Each is answered by a line of JSON to FINDINGS_FD. Its "wrong" is the number of complaints; what the
rest means is said in judging/compare.py and judging/attributes.py.

With --self a double of the process plays pyinspect's part, which must be right in everything.
Runs on Python 3.6 and later.
"""
import gc
import json
import os
import sys
import tempfile

from judging import attributes, compare, referents, scenes, truth

REPR_LEN = 120  # with --self
DOUBLE = b"double"


def spread_generations():
    """Objects of all ages: returns what has to stay alive."""
    if sys.version_info >= (3, 8):
        gc.get_objects(0)  # the first call may make a tuple that stays
    gc.collect()
    gc.collect()
    gc.disable()
    gc.collect()
    old = [[] for _ in range(100)]
    gc.collect(1)
    middle = [[] for _ in range(100)]
    gc.collect(0)
    return old, middle, [[] for _ in range(100)]


def forget_lookups():
    """Empties the cache of attributes' names, which holds names that nothing else does."""
    clear = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache  # 3.13
    clear()


def make_double(orders):
    """A function that doubles the process: the copy gets DOUBLE of it, the original the orders."""
    import ctypes
    fork = ctypes.PyDLL(None).fork  # os.fork() runs code of Python in the copy

    def wait():
        child = fork()
        if child == 0:
            return DOUBLE
        if os.waitpid(child, 0)[1] != 0:
            sys.exit("judge: the copy failed")
        return orders
    return wait


def play_pyinspect(known, scene, arguments, path):
    """Writes what pyinspect should."""
    if scene == "attributes":
        attributes.tell(known, arguments[0], path, REPR_LEN)
    else:
        compare.tell_objects(known, path, REPR_LEN)
    os._exit(0)


def allow_long_integers():
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)


def answer(known, order):
    verb, _, rest = order.partition(" ")
    if verb in ("referents", "approximate"):
        return referents.compare(known, rest, verb == "approximate")
    length, _, path = rest.partition(" ")
    if verb == "show":
        return attributes.compare(known, path, int(length))
    return compare.compare_objects(known, path, int(length), verb == "tracked")


def judge(ready_fd, wait, findings_fd, scene, arguments, path=None):
    kept = scenes.prepare(scene, arguments)
    findings = open(findings_fd, "w", encoding="utf-8", errors="surrogatepass")
    ages, box = spread_generations(), truth.Box()
    wait = scenes.around(scene, wait)
    forget_lookups()
    os.write(ready_fd, b"ready\n")
    truth.fill(box, wait)
    known = truth.take(box)
    allow_long_integers()
    if box.lines is DOUBLE:
        play_pyinspect(known, scene, arguments, path)
    for order in os.fsdecode(box.lines).splitlines():
        findings.write(json.dumps(answer(known, order), sort_keys=True) + "\n")
    findings.close()
    return kept, ages


def judge_self(scene, *arguments):
    path = tempfile.mkstemp()[1]
    orders = "show %d %s\n" % (REPR_LEN, path)
    if scene != "attributes":
        orders = "referents %s\nobjects %d %s\n" % (path, REPR_LEN, path)
    try:
        judge(2, make_double(os.fsencode(orders)), 1, scene, arguments, path)
    finally:
        os.unlink(path)


def main(arguments):
    if arguments[0] == "--self":
        judge_self(*arguments[1:])
    else:
        ready_fd, wake_fd, findings_fd = map(int, arguments[:3])
        wait = open(wake_fd, "rb", buffering=0).readall
        judge(ready_fd, wait, findings_fd, arguments[3], arguments[4:])
    os._exit(0)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)  # what is in the heap would complain of its end
