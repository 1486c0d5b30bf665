// SPDX-License-Identifier: MIT
/*
 * fence - how the child of sandbox.h gives up all that it could do harm with. There is no way back.
 *
 * Only for a process that was just forked from `master` and has one thread. What it then may do is
 * in sandbox.h.
 */
#ifndef PYINSPECT_FENCE_H
#define PYINSPECT_FENCE_H

#include "symbols/base/error.h"

#include <stdint.h>
#include <sys/types.h>

/* Under AddressSanitizer there is no bound for memory, and reports go to descriptor 2. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FENCE_HAS_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define FENCE_HAS_SANITIZER
#endif
#ifdef FENCE_HAS_SANITIZER
enum { FENCE_SANITIZED = true };
#else
enum { FENCE_SANITIZED = false };
#endif

struct fence {
    const char *what; /* is read, for messages */
    pid_t master;     /* the child ends with it */
    int socket;       /* stays open, and may be talked to; -1: none */
    const int *files; /* stay open */
    size_t file_count;
    unsigned cpu_seconds;
    uint64_t memory_bytes; /* beyond what there is; 0: no bound */
    bool never_root;       /* fail rather than stay root, where another user cannot be had */
};

/* ERROR_SYSTEM where something that has to be given up cannot be. */
MUST_CHECK bool fence_raise(const struct fence *fence, struct error *err);

/* All of it but the filter of system calls. */
MUST_CHECK bool fence_strip(const struct fence *fence, struct error *err);

#endif
