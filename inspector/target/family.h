// SPDX-License-Identifier: MIT
/*
 * family - the descendants of some processes: the workers of a pre-fork server.
 *
 * Whose parent has ended is its descendant no longer; the kernel knows no grandparents. We
 * ourselves and what descends from us are never of the family.
 */
#ifndef PYINSPECT_FAMILY_H
#define PYINSPECT_FAMILY_H

#include "symbols/base/error.h"

#include <stdint.h>
#include <sys/types.h>

struct relative {
    pid_t pid, parent;
    uint64_t start_time; /* in clock ticks since boot: whether it is still the same process */
};

/*
 * All descendants that there are now, the heads left out, by PID; to be freed. Fails with
 * ERROR_SYSTEM where /proc cannot be read, or for want of memory.
 */
MUST_CHECK bool family_read(const pid_t *heads, size_t head_count, struct relative **ret,
                            size_t *ret_count, struct error *err);

/*
 * Opens a process of the family as a pidfd, which names it for good. -1 where it has ended or its
 * number is another's by now, with errno (0 for these, else of pidfd_open).
 */
int family_open(const struct relative *relative);

#endif
