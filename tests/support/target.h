// SPDX-License-Identifier: MIT
/*
 * target - a Python process with a known heap, for tests to inspect.
 *
 *     struct target target;
 *     target_start(&target, python, "stdlib");
 *     ...inspect target.pid, which stands still...
 *     target_tell(&target, &truth);      the same objects, as the target itself knows them
 *     target_end(&target);
 *
 * Scenes are bare, stdlib, two_million, frozen (needs 3.7), subinterpreters, threads64 and names:
 * see tests/targets/scenes.py. Any process of the same user may trace the target, whatever Yama
 * says. Every wait is bounded; what goes wrong fails the test. A target whose test ends early is
 * killed by the kernel.
 */
#ifndef PYINSPECT_TESTS_TARGET_H
#define PYINSPECT_TESTS_TARGET_H

#include "tests/support/pythons.h"
#include "tests/support/truth.h"

#include <stdbool.h>
#include <sys/types.h>

struct target {
    pid_t pid;                  /* 0 once it has ended */
    int ready_fd;               /* its lines: "ready", "told" */
    int wake_fd;                /* closing it wakes the target */
    int truth_fds[TRUTH_PARTS]; /* memory files */
    char name[sizeof(((struct interpreter *)0)->name) +
              32]; /* interpreter and scene, for messages */
};

/* Returns when the scene is set and every thread of the target is blocked. */
void target_start(struct target *ret, const struct interpreter *python, const char *scene);

/* Where a target is to live. */
struct target_place {
    int namespaces;               /* CLONE_NEWPID and the like */
    bool (*enter)(void *context); /* called in the target before it becomes Python; NULL: nothing */
    void *context;
};

/* False where the kernel refuses the namespaces, or `enter` says so. */
bool target_start_in(struct target *ret, const struct interpreter *python, const char *scene,
                     const struct target_place *place);

/* Wakes the target, and returns when it has told its truth and exited with status 0. */
void target_tell(struct target *target, struct truth *ret);

/* Kills the target if it still runs, and releases all. Harmless when called twice. */
void target_end(struct target *target);

#endif
