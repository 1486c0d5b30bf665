// SPDX-License-Identifier: MIT
/*
 * progress - how far a long piece of work has come, for somebody else to show.
 *
 * The worker only stores; whoever shows it runs in a thread of its own, so a terminal that does not
 * take any output (Ctrl-S) never holds up the work, least of all while a target stands still.
 */
#ifndef PYINSPECT_PROGRESS_H
#define PYINSPECT_PROGRESS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *_Atomic phase;  /* "counting objects"; a string literal */
    atomic_uint_fast64_t done;  /* things done in this phase */
    atomic_uint_fast64_t total; /* of so many; 0: not known */
};

/* `progress` may be NULL for all: nobody looks. */
static inline void progress_begin(struct progress *progress, const char *phase)
{
    if (!progress)
        return;
    /* The phase before tells how much there will be to do. */
    uint64_t total = atomic_load_explicit(&progress->done, memory_order_relaxed);
    atomic_store_explicit(&progress->total, total, memory_order_relaxed);
    atomic_store_explicit(&progress->done, 0, memory_order_relaxed);
    atomic_store_explicit(&progress->phase, phase, memory_order_relaxed);
}

static inline void progress_set(struct progress *progress, uint64_t done)
{
    if (progress)
        atomic_store_explicit(&progress->done, done, memory_order_relaxed);
}

/* Begins a phase whose things nobody counts. */
static inline void progress_wait(struct progress *progress, const char *phase)
{
    progress_set(progress, 0);
    progress_begin(progress, phase);
}

#endif
