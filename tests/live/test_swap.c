// SPDX-License-Identifier: MIT
/* A target whose heap lies in swap: it stays there unless that is asked for. */
#include "inspector/command/session.h"
#include "inspector/target/maps.h"
#include "symbols/base/cleanup.h"
#include "tests/support/observe.h"
#include "tests/support/proc.h"
#include "tests/support/program.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NOISE_KB = 256 }; /* what a blocked process may swap in or out by itself */

static long swapped_kb(pid_t pid)
{
    AUTO_FREE char *status = process_file(pid, "status");
    const char *at = strstr(status, "\nVmSwap:");

    return at ? strtol(at + 8, NULL, 10) : 0;
}

/* Asks the kernel to move its anonymous memory to swap. False: there is none, or we may not. */
static bool swap_out(pid_t pid)
{
    AUTO_FREE char *text = process_file(pid, "maps");
    AUTO_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct maps maps;
    struct error err;

    cr_assert(pidfd >= 0 && maps_parse(&maps, text, strlen(text), &err));
    for (size_t i = 0; i < maps.count; i++) {
        const struct mapping *mapping = &maps.items[i];
        struct iovec range = {(void *)(uintptr_t)mapping->start, mapping->end - mapping->start};
        if (mapping->writable && !mapping->inode && strcmp(mapping->path, "[stack]") != 0 &&
            syscall(SYS_process_madvise, pidfd, &range, 1UL, MADV_PAGEOUT, 0UL) < 0)
            break;
    }
    maps_free(&maps);
    return swapped_kb(pid) > 4 * NOISE_KB;
}

static bool start_swapped(struct target *target, const struct interpreter *python)
{
    target_start(target, python, "stdlib");
    if (swap_out(target->pid))
        return true;
    fputs("no swap here, or none that we may use: not tested\n", stderr);
    target_end(target);
    return false;
}

ParameterizedTestParameters(swap, what_lies_there_stays_there_and_is_missed)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, swap, what_lies_there_stays_there_and_is_missed)
{
    struct interpreter python = pythons_get(index);
    struct target target;
    struct program program;
    char number[16];

    if (!start_swapped(&target, &python))
        return;
    long before = swapped_kb(target.pid);
    program_attach(&program, target.pid, NULL, NULL, NULL);
    cr_expect_eq(program.status, 1, "%s: %s", target.name, program.err);
    cr_expect(strstr(program.err, "in swap (--read-swapped reads them)"), "%s: %s", target.name,
              program.err);
    program_free(&program);

    snprintf(number, sizeof(number), "%d", (int)target.pid);
    program_run(&program, (const char *const[]){"doctor", number, NULL});
    cr_expect_eq(program.status, 1, "%s: %s", target.name, program.out);
    cr_expect(strstr(program.out, "others lie in swap"), "%s: %s", target.name, program.out);
    program_free(&program);

    long after = swapped_kb(target.pid);
    cr_expect(labs(after - before) < NOISE_KB, "%s: %ld kB, then %ld", target.name, before, after);
    target_end(&target);
}

ParameterizedTestParameters(swap, read_swapped_sees_all_of_it)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, swap, read_swapped_sees_all_of_it)
{
    struct interpreter python = pythons_get(index);
    struct session_options options = {.read_swapped = true};
    struct target target;
    struct observation seen;
    struct truth truth;

    if (!start_swapped(&target, &python))
        return;
    observe_as(&seen, target.pid, &options);
    cr_expect(seen.verified, "%s", target.name);
    target_tell(&target, &truth);
    observation_expect(&seen, &truth, target.name);
    truth_free(&truth);
    observation_free(&seen);
    target_end(&target);
}
