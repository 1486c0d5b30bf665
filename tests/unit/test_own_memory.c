// SPDX-License-Identifier: MIT
#include "inspector/target/own_memory.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t mebibyte = 1024 * 1024;

/* A number of kilobytes in a file of such lines, in bytes. */
static uint64_t read_kilobytes(const char *path, const char *name)
{
    unsigned long long kilobytes = 0;
    char line[256];
    FILE *file = fopen(path, "re");

    cr_assert_not_null(file);
    while (!kilobytes && fgets(line, sizeof(line), file)) {
        if (strncmp(line, name, strlen(name)) == 0)
            kilobytes = strtoull(line + strlen(name), NULL, 10);
    }
    fclose(file);
    cr_assert_neq(kilobytes, 0, "%s", path);
    return kilobytes * 1024;
}

/* What is available to a process that may have `more` bytes of addresses than it has. */
static uint64_t available_within(int64_t more)
{
    uint64_t *answer =
        mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;

    cr_assert(answer != MAP_FAILED);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        uint64_t size = read_kilobytes("/proc/self/status", "VmSize:");
        struct rlimit limit = {.rlim_max = RLIM_INFINITY};
        limit.rlim_cur = (rlim_t)((int64_t)size + more);
        if (setrlimit(RLIMIT_AS, &limit) != 0)
            _exit(1);
        *answer = own_memory_available();
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_eq(status, 0);
    uint64_t ret = *answer;
    munmap(answer, sizeof(*answer));
    return ret;
}

Test(own_memory, is_what_the_kernel_can_spare_at_most)
{
    /* Others take and give back memory between the two looks. */
    uint64_t most = read_kilobytes("/proc/meminfo", "MemTotal:");
    uint64_t spare = read_kilobytes("/proc/meminfo", "MemAvailable:");
    uint64_t available = own_memory_available();

    cr_expect_gt(available, 0);
    cr_expect_lt(available, most);
    cr_expect_lt(available, spare + most / 8);
}

Test(own_memory, is_what_the_limit_of_addresses_leaves)
{
    uint64_t plenty = own_memory_available();

    cr_assert_gt(plenty, 100 * mebibyte, "this machine has no memory for the test");
    for (uint64_t more = 16 * mebibyte; more < 100 * mebibyte; more *= 2) {
        uint64_t available = available_within((int64_t)more);
        cr_expect(available <= more && available > more - 8 * mebibyte, "%zu of %zu",
                  (size_t)available, (size_t)more);
    }
    cr_expect_eq(available_within(-(int64_t)mebibyte), 0, "more than the limit is in use");
    cr_expect_gt(available_within(INT64_C(1) << 45), 99 * mebibyte);
}
