# SPDX-License-Identifier: MIT
"""A Python process that does nothing at all, so that whatever changes in it was done to it.

    still.py ANSWERS_FD ORDERS_FD

Writes a line with what the collector says of itself to ANSWERS_FD and blocks until there is a byte
to read from ORDERS_FD; over and over. Three more threads block all the time.

It has memory that must stay as it is: 256 MiB and a file of 64 MiB that are mapped and were never
touched, and pages in the midst of the heap that were given back (the items of a tuple, at which
nobody will ever look).
"""
import ctypes
import gc
import mmap
import os
import sys
import tempfile
import threading

MIB = 1 << 20
PAGE = mmap.PAGESIZE
MADV_DONTNEED = 4


def map_untouched():
    file = tempfile.TemporaryFile()
    file.truncate(64 * MIB)
    return (mmap.mmap(-1, 256 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS),
            mmap.mmap(file.fileno(), 64 * MIB, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ))


def give_back(sparse):
    """Returns to the kernel the pages that lie wholly in the items of a tuple."""
    first = -(-(id(sparse) + 64) // PAGE) * PAGE
    end = (id(sparse) + sys.getsizeof(sparse) - 64) // PAGE * PAGE
    libc = ctypes.CDLL(None, use_errno=True)
    libc.madvise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    if end <= first or libc.madvise(first, end - first, MADV_DONTNEED) != 0:
        sys.exit("still: cannot give back memory")


def main(answers_fd, orders_fd):
    gc.collect()
    gc.disable()
    untouched = map_untouched()
    sparse = [tuple([None] * 12000) for _ in range(8)]
    for item in sparse:
        give_back(item)
    nobody_fd, kept_fd = os.pipe()
    for _ in range(3):
        threading.Thread(target=os.read, args=(nobody_fd, 1), daemon=True).start()
    while True:
        os.write(answers_fd, (repr(gc.get_stats()) + "\n").encode())
        if not os.read(orders_fd, 1):
            os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
