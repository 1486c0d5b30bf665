# SPDX-License-Identifier: MIT
"""Makes files that are to look like a libpython and to harm who reads them.

    damage.py KIND SEED LIBPYTHON OUT

    noise      random bytes
    header     LIBPYTHON with random bytes in its ELF header, less the magic
    segments   LIBPYTHON with random bytes in its program headers
    endless    LIBPYTHON with numbers, offsets and sizes of 2^64 - 1 in its headers
    cut        the first of it
    flipped    LIBPYTHON with every 997th byte flipped
    claim      a compressed section that says it becomes 2^60 bytes
    bomb       a compressed section that becomes 1.5 GiB of zeros; for both LIBPYTHON means nothing

Runs on Python 3.6 and later.
"""
import random
import struct
import sys
import zlib

COMPRESSED_ZLIB = 1  # ELFCOMPRESS_ZLIB
SEGMENT = 56         # bytes of a program header


def scatter(data, start, end, share):
    for at in range(start, end):
        if random.random() < share:
            data[at] = random.randrange(256)


def damage_segments(data):
    offset, = struct.unpack_from("<Q", data, 32)
    count, = struct.unpack_from("<H", data, 56)
    scatter(data, offset, offset + count * SEGMENT, 0.1)


def make_endless(data):
    """Both tables, their counts, and what the first load segments say of themselves."""
    offset, = struct.unpack_from("<Q", data, 32)
    for segment in range(4):
        struct.pack_into("<6Q", data, offset + segment * SEGMENT + 8, *[2**64 - 1] * 6)
    struct.pack_into("<Q", data, 40, 2**64 - 1)
    struct.pack_into("<6H", data, 52, 64, SEGMENT, 65535, 64, 65535, 65534)


def compress(size):
    """A megabyte again and again, each time from an empty window."""
    packer = zlib.compressobj(9)
    packed = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return packed + again * ((size >> 20) - 1) + packer.flush()


def section(claimed, packed):
    return struct.pack("<IIQQ", COMPRESSED_ZLIB, 0, claimed, 1) + packed


def main(kind, seed, source, out):
    random.seed(seed)
    with open(source, "rb") as file:
        data = bytearray(file.read())
    if kind == "noise":
        data = bytes(random.getrandbits(8) for _ in range(1 << 20))
    elif kind == "header":
        scatter(data, 4, 64, 0.2)
    elif kind == "segments":
        damage_segments(data)
    elif kind == "endless":
        make_endless(data)
    elif kind == "cut":
        del data[random.randrange(4096, len(data)):]
    elif kind == "flipped":
        for at in range(64 + int(seed), len(data), 997):
            data[at] ^= 0xff
    elif kind == "claim":
        data = section(1 << 60, zlib.compress(bytes(1 << 20)))
    else:
        data = section(3 << 29, compress(3 << 29))
    with open(out, "wb") as file:
        file.write(data)


main(*sys.argv[1:])
