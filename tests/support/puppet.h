// SPDX-License-Identifier: MIT
/*
 * puppet - a C process that does with its memory what a test tells it, and nothing else.
 *
 *     struct puppet puppet;
 *     puppet_start(&puppet);
 *     uint64_t at = puppet_map(&puppet, 1 << 20, 0);
 *     puppet_fill(&puppet, at, 1 << 20, 7);
 *     ...look at puppet.pid from outside: puppet_wrote(bytes, at, 1 << 20, 7)...
 *     puppet_end(&puppet);
 *
 * Its first thread waits for what it is told. A second one only looks at the clock, so that a test
 * can see whether the process runs, and for how long it did not. Each wait is bounded; what goes
 * wrong fails the test. A puppet whose test ends early is killed by the kernel.
 */
#ifndef PYINSPECT_TESTS_PUPPET_H
#define PYINSPECT_TESTS_PUPPET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct puppet_shared;

struct puppet {
    pid_t pid;
    int orders; /* a socket to it */
    struct puppet_shared *shared;
};

void puppet_start(struct puppet *ret);
void puppet_end(struct puppet *puppet);

/*
 * Private memory of `size` bytes at `offset` bytes behind an address of 2 MiB, with nothing
 * readable next to it and no huge pages. None of it is touched.
 */
uint64_t puppet_map(struct puppet *puppet, uint64_t size, uint64_t offset);

/* `size` bytes of a file, at an address of which the same is true. */
uint64_t puppet_map_file(struct puppet *puppet, const char *path, uint64_t size, bool shared);

/* Writes words that tell their own address and `value`. */
void puppet_fill(struct puppet *puppet, uint64_t address, uint64_t size, uint64_t value);
bool puppet_wrote(const void *bytes, uint64_t address, uint64_t size, uint64_t value);

void puppet_put(struct puppet *puppet, uint64_t address, uint64_t word);
void puppet_unmap(struct puppet *puppet, uint64_t address, uint64_t size);
void puppet_drop(struct puppet *puppet, uint64_t address, uint64_t size);   /* MADV_DONTNEED */
void puppet_forbid(struct puppet *puppet, uint64_t address, uint64_t size); /* PROT_NONE */

/*
 * From now on a third thread writes 1, 2, 3, ... to both words, to `first` first: at any moment
 * they are equal, or the first is ahead by one. The words must be 0 before.
 */
void puppet_race(struct puppet *puppet, uint64_t first, uint64_t second);

/* A third thread calls vfork and sleeps uninterruptibly until puppet_wake. */
void puppet_sleep(struct puppet *puppet);
void puppet_wake(struct puppet *puppet);

/* How often it has looked at the clock. */
uint64_t puppet_beats(const struct puppet *puppet);

/* Does it run, within ten seconds? */
bool puppet_runs(const struct puppet *puppet);

/* The longest time in milliseconds for which it did not, since the last call. */
double puppet_gap(struct puppet *puppet);

#endif
