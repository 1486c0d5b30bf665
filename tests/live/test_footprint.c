// SPDX-License-Identifier: MIT
/*
 * Nothing of a target changes because it was looked at: not a byte of its memory, not a page more
 * of it, no mapping.
 */
#include "symbols/base/cleanup.h"
#include "symbols/base/clock.h"
#include "tests/support/proc.h"
#include "tests/support/program.h"
#include "tests/support/pythons.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, LINE = 4096, PATIENCE_MS = 60 * 1000, PRESENT_BIT = 63, SHOWN = 5 };

/* tests/targets/still.py */
struct still {
    pid_t pid;
    int answers_fd, orders_fd;
};

struct page {
    uint64_t address;
    bool present;
    uint64_t hash; /* of its bytes, where it is present and writable; else 0 */
};

/* All that we know how to ask of a process from outside without changing it. */
struct footprint {
    struct page *pages; /* of all of its memory, sorted */
    size_t count, capacity;
    char *maps, *status, *faults;
};

static void become_still(const struct interpreter *python, int answers, int orders)
{
    char numbers[2][16];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* huge pages come by themselves */
    fcntl(answers, F_SETFD, 0);
    fcntl(orders, F_SETFD, 0);
    snprintf(numbers[0], sizeof(numbers[0]), "%d", answers);
    snprintf(numbers[1], sizeof(numbers[1]), "%d", orders);
    /* Else the kernel tells each thread that is scheduled on which processor, in its memory. */
    setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
    execl(python->path, python->path, "tests/targets/still.py", numbers[0], numbers[1],
          (char *)NULL);
    _exit(127);
}

static void still_listen(const struct still *still, char line[LINE])
{
    size_t length = 0;

    do {
        struct pollfd waiting = {.fd = still->answers_fd, .events = POLLIN};
        cr_assert(poll(&waiting, 1, PATIENCE_MS) == 1, "the target does not answer");
        ssize_t got = read(still->answers_fd, line + length, LINE - 1 - length);
        cr_assert(got > 0, "the target has ended");
        length += (size_t)got;
    } while (line[length - 1] != '\n');
    line[length] = '\0';
    for (double deadline = clock_milliseconds() + PATIENCE_MS;
         !process_threads_are(still->pid, "S");)
        cr_assert(clock_milliseconds() < deadline, "the target does not come to rest");
}

static void still_start(struct still *ret, const struct interpreter *python)
{
    int answers[2], orders[2];

    cr_assert(pipe2(answers, O_CLOEXEC) == 0 && pipe2(orders, O_CLOEXEC) == 0);
    ret->pid = fork();
    cr_assert(ret->pid >= 0);
    if (ret->pid == 0)
        become_still(python, answers[1], orders[0]);
    close(answers[1]);
    close(orders[0]);
    ret->answers_fd = answers[0];
    ret->orders_fd = orders[1];
}

static void still_end(struct still *still)
{
    kill(still->pid, SIGKILL);
    waitpid(still->pid, NULL, 0);
    close(still->answers_fd);
    close(still->orders_fd);
}

static uint64_t hash(const unsigned char *bytes, size_t size)
{
    uint64_t sum = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof(word));
        sum = (sum ^ word) * UINT64_C(1099511628211);
        sum ^= sum >> 29;
    }
    return sum;
}

static struct page *add_pages(struct footprint *footprint, size_t count)
{
    if (footprint->count + count > footprint->capacity) {
        footprint->capacity = (footprint->count + count) * 2;
        footprint->pages =
            realloc(footprint->pages, footprint->capacity * sizeof(*footprint->pages));
        cr_assert_not_null(footprint->pages);
    }
    footprint->count += count;
    return footprint->pages + footprint->count - count;
}

/* Only what is present is read: another page would come into being. */
static void add_mapping(struct footprint *footprint, uint64_t start, uint64_t end, bool writable,
                        int pagemap, int memory)
{
    size_t count = (size_t)(end - start) / PAGE;
    struct page *pages = add_pages(footprint, count);
    AUTO_FREE uint64_t *entries = calloc(count, sizeof(*entries));

    cr_assert_not_null(entries);
    ssize_t size = (ssize_t)(count * sizeof(*entries));
    cr_assert(pread(pagemap, entries, (size_t)size, (off_t)(start / PAGE * 8)) == size);
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[PAGE];
        pages[i] =
            (struct page){.address = start + i * PAGE, .present = entries[i] >> PRESENT_BIT & 1};
        if (!pages[i].present || !writable)
            continue;
        cr_assert(pread(memory, bytes, PAGE, (off_t)pages[i].address) == PAGE);
        pages[i].hash = hash(bytes, PAGE);
    }
}

static void add_all_mappings(struct footprint *footprint, pid_t pid)
{
    char path[64], *line, *rest;

    snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
    AUTO_CLOSE int pagemap = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
    AUTO_CLOSE int memory = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(pagemap >= 0 && memory >= 0);
    AUTO_FREE char *text = strdup(footprint->maps);
    for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        uint64_t start, end;
        char flags[8];
        cr_assert(sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &start, &end, flags) == 3);
        if (!strstr(line, "[v")) /* [vdso], [vvar], [vsyscall]: the kernel's */
            add_mapping(footprint, start, end, flags[1] == 'w', pagemap, memory);
    }
}

/* The lines of a status that tell of memory, of signals and of its tracer. */
static char *keep_lasting_lines(char *status)
{
    static const char *const lasting[] = {"Vm",      "Rss",    "State",  "Tracer",
                                          "Threads", "SigPnd", "ShdPnd", "SigBlk"};
    char *to = status, *rest;

    for (char *line = strtok_r(status, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        bool lasts = false;
        for (size_t i = 0; i < sizeof(lasting) / sizeof(*lasting); i++)
            lasts |= strncmp(line, lasting[i], strlen(lasting[i])) == 0;
        if (lasts) {
            size_t length = strlen(line);
            memmove(to, line, length);
            to += length;
            *to++ = ' ';
        }
    }
    *to = '\0';
    return status;
}

/* How many pages it had to wait for: minflt, cminflt, majflt of /proc/PID/stat. */
static char *keep_faults(char *stat)
{
    uint64_t numbers[3];
    const char *after_name = strrchr(stat, ')');

    cr_assert(after_name &&
              sscanf(after_name, ") %*c %*d %*d %*d %*d %*d %*u %" SCNu64 " %" SCNu64 " %" SCNu64,
                     &numbers[0], &numbers[1], &numbers[2]) == 3);
    snprintf(stat, strlen(stat), "%" PRIu64 " minor, %" PRIu64 " major", numbers[0], numbers[2]);
    return stat;
}

static void footprint_take(struct footprint *ret, pid_t pid)
{
    *ret = (struct footprint){.maps = process_file(pid, "maps"),
                              .status = keep_lasting_lines(process_file(pid, "status")),
                              .faults = keep_faults(process_file(pid, "stat"))};
    add_all_mappings(ret, pid);
}

static void footprint_free(struct footprint *footprint)
{
    free(footprint->pages);
    free(footprint->maps);
    free(footprint->status);
    free(footprint->faults);
}

static void expect_same(const struct footprint *before, const struct footprint *after,
                        const char *where)
{
    size_t different = 0;

    cr_expect_str_eq(after->maps, before->maps, "%s: its mappings are others", where);
    cr_expect_str_eq(after->status, before->status, "%s: %s\ninstead of %s", where, after->status,
                     before->status);
    cr_expect_str_eq(after->faults, before->faults, "%s: %s faults instead of %s", where,
                     after->faults, before->faults);
    cr_assert_eq(after->count, before->count, "%s", where);
    for (size_t i = 0; i < after->count; i++) {
        const struct page *old = &before->pages[i], *new = &after->pages[i];
        if (old->present == new->present && old->hash == new->hash)
            continue;
        if (different++ < SHOWN)
            cr_log_error("%s: page 0x%" PRIx64 " %s", where, new->address,
                         old->present == new->present ? "has other bytes"
                         : new->present               ? "has come into being"
                                                      : "has gone");
    }
    cr_expect_eq(different, 0, "%s: %zu of %zu pages are not as they were", where, different,
                 after->count);
}

static void inspect(pid_t pid, const char *where)
{
    struct program program;

    program_attach(&program, pid, NULL, NULL, NULL);
    cr_expect_eq(program.status, 0, "%s: %s", where, program.err);
    program_free(&program);
}

/* Does the target, as it stands still, have memory that a careless reader would touch? */
static void expect_holes(const struct footprint *footprint, const char *where)
{
    size_t present = 0;

    for (size_t i = 0; i < footprint->count; i++)
        present += footprint->pages[i].present;
    cr_expect_gt(present, 1000, "%s", where);
    cr_expect_gt(footprint->count - present, (size_t)(256 + 64) * 256 - 16, "%s", where);
}

ParameterizedTestParameters(footprint, is_none)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, footprint, is_none)
{
    struct interpreter python = pythons_get(index);
    struct footprint before, meanwhile, after;
    char told_before[LINE], told_after[LINE];
    struct still still;

    still_start(&still, &python);
    still_listen(&still, told_before);
    footprint_take(&before, still.pid);
    footprint_take(&meanwhile, still.pid);
    expect_holes(&before, python.name);
    expect_same(&before, &meanwhile, "when nobody inspects it");
    for (int i = 0; i < 3; i++)
        inspect(still.pid, python.name);
    cr_expect(process_threads_are(still.pid, "S"), "%s: something has woken it", python.name);
    footprint_take(&after, still.pid);
    expect_same(&before, &after, python.name);

    cr_assert(write(still.orders_fd, "?", 1) == 1);
    still_listen(&still, told_after);
    cr_expect_str_eq(told_after, told_before, "%s", python.name);
    footprint_free(&before);
    footprint_free(&meanwhile);
    footprint_free(&after);
    still_end(&still);
}
