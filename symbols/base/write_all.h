// SPDX-License-Identifier: MIT
/*
 * write_all - a file is written to the last byte, however often the kernel takes a part.
 */
#ifndef PYINSPECT_WRITE_ALL_H
#define PYINSPECT_WRITE_ALL_H

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

/* False with errno; a part may have been written. */
static inline bool write_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t wrote = write(fd, bytes, length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        bytes += wrote;
        length -= (size_t)wrote;
    }
    return true;
}

#endif
