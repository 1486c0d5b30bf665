// SPDX-License-Identifier: MIT
/* What a child does with functions that behave and with those that do not. */
#include "tests/support/hostile.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_OBJECTS = 4096 };

struct seen {
    size_t count;
    enum traversed outcomes[MOST_OBJECTS];
    uint64_t referents[MOST_OBJECTS]; /* how many */
    uint64_t sums[MOST_OBJECTS];
    size_t most; /* then it has seen enough */
};

static bool see(void *context, size_t number, enum traversed outcome, const uint64_t *referents,
                size_t count)
{
    struct seen *seen = context;

    cr_assert_eq(number, seen->count, "told in their order");
    cr_assert_lt(number, MOST_OBJECTS);
    seen->outcomes[number] = outcome;
    seen->referents[number] = count;
    for (size_t i = 0; i < count; i++)
        seen->sums[number] = seen->sums[number] * 31 + referents[i];
    seen->count++;
    return seen->count != seen->most;
}

static size_t count_descriptors(void)
{
    DIR *list = opendir("/proc/self/fd");
    size_t count = 0;

    cr_assert_not_null(list);
    while (readdir(list))
        count++;
    closedir(list);
    return count;
}

static uint64_t checksum(const struct hostile *hostile)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < HOSTILE_DATA_PAGES * IMAGE_PAGE; i += 8)
        sum = sum * 31 + load_u64(hostile->data + i);
    for (size_t i = 0; i < HOSTILE_TEXT_PAGES * IMAGE_PAGE; i += 8)
        sum = sum * 31 + load_u64(hostile->text + i);
    return sum;
}

/* Runs them, and looks whether we are what we were. */
static struct seen *run(struct hostile *hostile, const uint64_t *objects, size_t count,
                        struct traversal_report *report)
{
    struct seen *seen = calloc(1, sizeof(*seen));
    struct error err;
    size_t descriptors = count_descriptors();
    uint64_t sum = checksum(hostile);

    cr_assert(
        traversal_run(&hostile->image, &hostile->setting, objects, count, see, seen, report, &err),
        "%s", err.text);
    cr_expect_eq(seen->count, count);
    cr_expect_eq(checksum(hostile), sum, "nothing is written to the image");
    cr_expect_eq(count_descriptors(), descriptors);
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
    cr_expect_eq(errno, ECHILD);
    cr_expect_eq(report->traversed + report->faulted + report->ended + report->shunned, count);
    return seen;
}

static uint64_t sum_of(uint64_t first, uint64_t second, uint64_t third)
{
    return (first * 31 + second) * 31 + third;
}

Test(traversal, tells_what_was_visited_in_order)
{
    struct hostile hostile;
    struct traversal_report report;
    uint64_t objects[1000];

    hostile_init(&hostile);
    for (uint64_t i = 0; i < 1000; i++)
        objects[i] = hostile_object(&hostile, HOSTILE_NOT, i, UINT64_MAX - i, 0);
    struct seen *seen = run(&hostile, objects, 1000, &report);
    cr_expect_eq(report.traversed, 1000);
    cr_expect_eq(report.referents, 3000);
    cr_expect_eq(report.children, 1);
    cr_expect_eq(report.last_trouble, 0);
    for (uint64_t i = 0; i < 1000; i++) {
        cr_expect_eq(seen->referents[i], 3);
        cr_expect_eq(seen->sums[i], sum_of(i, UINT64_MAX - i, 0));
    }
    free(seen);
    hostile_free(&hostile);
}

/* What becomes of an object with such a function between two that behave. */
struct row {
    enum hostile_deed deed;
    enum traversed outcome;
    uint64_t first;
    uint64_t referents; /* where they are certain */
};

static const struct row rows[] = {
    {HOSTILE_SYSTEM_CALL, TRAVERSAL_ENDED, 0, 0},
    {HOSTILE_SYSTEM_CALL_32, TRAVERSAL_ENDED, 0, 0},
    {HOSTILE_EXIT, TRAVERSAL_ENDED, 0, 0},
    {HOSTILE_UNMAP, TRAVERSAL_ENDED, 0, 0},
    {HOSTILE_LOOP, TRAVERSAL_ENDED, 0, 0},
    {HOSTILE_RECURSION, TRAVERSAL_FAULTED, 0, 0},
    {HOSTILE_VISIT_FOR_EVER, TRAVERSAL_ENDED, 0, 0},
    {HOSTILE_VISIT_OFTEN, TRAVERSED, 500000, 500000},
    {HOSTILE_VISIT_OFTEN, TRAVERSAL_ENDED, 5000000, 0}, /* more than there is memory for */
    {HOSTILE_NULL, TRAVERSAL_FAULTED, 0, 0},
    {HOSTILE_WILD, TRAVERSAL_FAULTED, UINT64_C(0x123456789000), 0},
    {HOSTILE_WILD, TRAVERSAL_FAULTED, UINT64_C(0x8000123456789000), 0}, /* not canonical */
    {HOSTILE_WILD, TRAVERSAL_FAULTED, UINT64_C(0xffffffff81000000), 0}, /* the kernel's */
    {HOSTILE_JUMP, TRAVERSAL_FAULTED, 16, 0},
    {HOSTILE_JUMP, TRAVERSAL_FAULTED, HOSTILE_DATA, 0}, /* no code */
    {HOSTILE_BREAKPOINT, TRAVERSAL_FAULTED, 0, 0},
    {HOSTILE_ILLEGAL, TRAVERSAL_FAULTED, 0, 0},
    {HOSTILE_DIVIDE, TRAVERSAL_FAULTED, 0, 0},
    {HOSTILE_WRITE, TRAVERSED, 0, 1}, /* in a copy */
    {HOSTILE_WRITE_TEXT, TRAVERSAL_FAULTED, 0, 0},
    {HOSTILE_STEP, TRAVERSAL_FAULTED, 0, 0},
    {HOSTILE_BACKWARD, TRAVERSED, 0, 0},
    {HOSTILE_CLOBBER, TRAVERSAL_FAULTED, 0, 0},
    {HOSTILE_READ_THREAD, TRAVERSED, 0, 1},
    {HOSTILE_NONZERO, TRAVERSED, 0, 0},
    {HOSTILE_CLOCK, TRAVERSAL_FAULTED, 0, 0},
    {HOSTILE_WRITE_ORDERS, TRAVERSAL_FAULTED, 0, 0},
    {HOSTILE_THREAD_POINTER_FAULT, TRAVERSAL_FAULTED, 0, 0},
};

static void try_row(const struct row *row)
{
    struct hostile hostile;
    struct traversal_report report;
    uint64_t objects[4];

    hostile_init(&hostile);
    objects[0] = hostile_object(&hostile, HOSTILE_NOT, 1, 2, 3);
    objects[1] = hostile_object(&hostile, row->deed, row->first, 0, 0);
    objects[2] = hostile_object(&hostile, HOSTILE_NOT, 4, 5, 6);
    objects[3] = hostile_object(&hostile, HOSTILE_READ_THREAD, 0, 0, 0);
    struct seen *seen = run(&hostile, objects, 4, &report);
    cr_expect_eq(seen->outcomes[0], TRAVERSED, "deed %d", row->deed);
    cr_expect_eq(seen->sums[0], sum_of(1, 2, 3), "deed %d", row->deed);
    cr_expect_eq(seen->outcomes[1], row->outcome, "deed %d: %d", row->deed, seen->outcomes[1]);
    cr_expect_eq(seen->referents[1], row->referents, "deed %d: %lu", row->deed,
                 (unsigned long)seen->referents[1]);
    cr_expect_eq(seen->outcomes[2], TRAVERSED, "deed %d: %d", row->deed, seen->outcomes[2]);
    cr_expect_eq(seen->sums[2], sum_of(4, 5, 6), "deed %d", row->deed);
    cr_expect_eq(seen->outcomes[3], TRAVERSED, "deed %d: %d", row->deed, seen->outcomes[3]);
    cr_expect_eq(seen->sums[3], 0xabcdef, "deed %d", row->deed);
    cr_expect_eq(report.last_trouble, row->outcome == TRAVERSED ? 0 : objects[1]);
    free(seen);
    hostile_free(&hostile);
}

Test(traversal, survives_hostile_functions, .timeout = 120)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        try_row(&rows[i]);
}

/* They have the child to themselves, and what it says from then on may be anything, of objects
 * before them too: all that matters is that we are unharmed. */
Test(traversal, survives_children_that_were_taken_over, .timeout = 120)
{
    static const enum hostile_deed deeds[] = {HOSTILE_VSYSCALL,
                                              HOSTILE_ALIGN,
                                              HOSTILE_THREAD_POINTER,
                                              HOSTILE_SCRIBBLE_ANSWERS,
                                              HOSTILE_SCRIBBLE_STATE,
                                              HOSTILE_SCRIBBLE_STACK,
                                              HOSTILE_CLAIM,
                                              HOSTILE_CLAIM_WORDS,
                                              HOSTILE_RETURN_FROM_SIGNAL,
                                              HOSTILE_PROTECTION_KEY};

    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        struct hostile hostile;
        struct traversal_report report;
        uint64_t objects[3];
        hostile_init(&hostile);
        objects[0] = hostile_object(&hostile, HOSTILE_NOT, 1, 2, 3);
        objects[1] = hostile_object(&hostile, deeds[i], 0, 0, 0);
        objects[2] = hostile_object(&hostile, HOSTILE_NOT, 4, 5, 6);
        struct seen *seen = run(&hostile, objects, 3, &report);
        free(seen);
        hostile_free(&hostile);
    }
}

/* One among many that were given with it, of which the first were not told yet when it lied. */
static void find_liar(enum hostile_deed deed)
{
    enum { COUNT = 500, LIAR = 400 };
    struct hostile hostile;
    struct traversal_report report;
    uint64_t objects[COUNT];

    hostile_init(&hostile);
    for (uint64_t i = 0; i < COUNT; i++)
        objects[i] = hostile_object(&hostile, i == LIAR ? deed : HOSTILE_NOT, i, 2, 3);
    struct seen *seen = run(&hostile, objects, COUNT, &report);
    for (uint64_t i = 0; i < COUNT; i++) {
        cr_expect_eq(seen->outcomes[i], i == LIAR ? TRAVERSAL_ENDED : TRAVERSED,
                     "deed %d: %lu is %d", deed, (unsigned long)i, seen->outcomes[i]);
        if (i != LIAR)
            cr_expect_eq(seen->sums[i], sum_of(i, 2, 3), "deed %d: %lu", deed, (unsigned long)i);
    }
    cr_expect_eq(report.last_trouble, objects[LIAR], "deed %d", deed);
    cr_expect_leq(report.children, 8, "deed %d: %u", deed, report.children);
    free(seen);
    hostile_free(&hostile);
}

Test(traversal, names_the_one_that_lies, .timeout = 120)
{
    find_liar(HOSTILE_CLAIM);
    find_liar(HOSTILE_CLAIM_WORDS);
}

Test(traversal, leaves_other_processes_alone)
{
    struct hostile hostile;
    struct traversal_report report;
    pid_t bystander = fork();
    int status;

    if (bystander == 0)
        for (;;)
            pause();
    hostile_init(&hostile);
    uint64_t objects[2] = {hostile_object(&hostile, HOSTILE_KILL, (uint64_t)bystander, 0, 0),
                           hostile_object(&hostile, HOSTILE_KILL, (uint64_t)getpid(), 0, 0)};
    struct seen seen = {0};
    struct error err;
    cr_assert(
        traversal_run(&hostile.image, &hostile.setting, objects, 2, see, &seen, &report, &err),
        "%s", err.text);
    cr_expect_eq(report.ended, 2);
    cr_expect_eq(waitpid(bystander, &status, WNOHANG), 0, "it still runs");
    cr_expect_eq(kill(bystander, SIGKILL), 0);
    cr_expect_eq(waitpid(bystander, &status, 0), bystander);
    hostile_free(&hostile);
}

Test(traversal, runs_no_more_what_misbehaved_often, .timeout = 120)
{
    struct hostile hostile;
    struct traversal_report report;
    uint64_t objects[MOST_OBJECTS];

    hostile_init(&hostile);
    for (size_t i = 0; i < MOST_OBJECTS; i++)
        objects[i] = hostile_object(&hostile,
                                    i % 4 == 0   ? HOSTILE_SYSTEM_CALL
                                    : i % 4 == 1 ? HOSTILE_NULL
                                                 : HOSTILE_NOT,
                                    i, 0, 0);
    struct seen *seen = run(&hostile, objects, MOST_OBJECTS, &report);
    cr_expect_eq(report.ended, 3);
    cr_expect_eq(report.children, 4);
    cr_expect_geq(report.faulted, 1000);
    cr_expect_eq(report.faulted + report.shunned, MOST_OBJECTS / 2 - 3);
    cr_expect_eq(report.traversed, MOST_OBJECTS / 2, "the others are");
    free(seen);
    hostile_free(&hostile);
}

Test(traversal, ends_when_the_visitor_has_enough)
{
    struct hostile hostile;
    struct traversal_report report;
    struct seen seen = {.most = 10};
    struct error err;
    uint64_t objects[100];

    hostile_init(&hostile);
    for (size_t i = 0; i < 100; i++)
        objects[i] = hostile_object(&hostile, HOSTILE_NOT, i, 0, 0);
    cr_assert(
        traversal_run(&hostile.image, &hostile.setting, objects, 100, see, &seen, &report, &err),
        "%s", err.text);
    cr_expect_eq(seen.count, 10);
    hostile_free(&hostile);
}

/* Each child may write more than the one before. */
Test(traversal, lets_those_write_that_have_to, .timeout = 120)
{
    struct hostile hostile;
    struct traversal_report report;
    uint64_t objects[MOST_OBJECTS];

    hostile_init(&hostile);
    for (uint64_t i = 0; i < MOST_OBJECTS; i++)
        objects[i] = hostile_object(&hostile, i % 2 ? HOSTILE_WRITE : HOSTILE_NOT, i, 0, 0);
    struct seen *seen = run(&hostile, objects, MOST_OBJECTS, &report);
    cr_expect_eq(report.traversed, MOST_OBJECTS);
    cr_expect_gt(report.children, 1);
    cr_expect_lt(report.children, 40, "each time twice as many may write");
    for (uint64_t i = 1; i < MOST_OBJECTS; i += 2)
        cr_expect_eq(seen->sums[i], 7);
    free(seen);
    hostile_free(&hostile);
}

/* ---- Memory that is asked for. ---- */

struct filler {
    struct hostile *hostile;
    unsigned asked;
    bool empty; /* there is nothing to be had */
};

static bool fill(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    struct filler *filler = context;

    filler->asked++;
    for (uint64_t at = address - range->start; !filler->empty && at < address - range->start + size;
         at += IMAGE_PAGE)
        range->present[at / IMAGE_PAGE / 64] |= UINT64_C(1) << at / IMAGE_PAGE % 64;
    return !filler->empty;
}

Test(traversal, asks_for_memory_that_is_missing)
{
    struct hostile hostile;
    struct traversal_report report;
    struct filler filler = {.hostile = &hostile};
    uint64_t objects[64];

    hostile_init(&hostile);
    for (uint64_t i = 0; i < 64; i++)
        objects[i] = hostile_object(&hostile, i % 2 ? HOSTILE_WILD : HOSTILE_NOT,
                                    HOSTILE_DATA + i * 16 * IMAGE_PAGE, 0, 0);
    memset(hostile.data_present, 0, sizeof(hostile.data_present));
    hostile.data_present[0] = 0xf;
    hostile.text_present = 0;
    hostile.image.fill = fill;
    hostile.image.fill_context = &filler;
    struct seen *seen = run(&hostile, objects, 64, &report);
    cr_expect_eq(report.traversed, 64);
    cr_expect_eq(hostile.image.missed, 0);
    cr_expect_lt(report.children, 10, "%u", report.children);
    free(seen);
    hostile_free(&hostile);
}

Test(traversal, counts_as_missed_what_is_not_to_be_had)
{
    struct hostile hostile;
    struct traversal_report report;
    struct filler filler = {.hostile = &hostile, .empty = true};
    uint64_t objects[3];

    hostile_init(&hostile);
    objects[0] = hostile_object(&hostile, HOSTILE_NOT, 1, 2, 3);
    objects[1] = hostile_object(&hostile, HOSTILE_WILD, HOSTILE_DATA + 100 * IMAGE_PAGE, 0, 0);
    objects[2] = hostile_object(&hostile, HOSTILE_WILD, HOSTILE_DATA - 8 * IMAGE_PAGE, 0, 0);
    hostile.data_present[1] = 0;
    hostile.image.fill = fill;
    hostile.image.fill_context = &filler;
    struct seen *seen = run(&hostile, objects, 3, &report);
    cr_expect_eq(seen->outcomes[0], TRAVERSED);
    cr_expect_eq(seen->outcomes[1], TRAVERSAL_FAULTED);
    cr_expect_eq(seen->outcomes[2], TRAVERSAL_FAULTED);
    cr_expect_eq(report.children, 1);
    cr_expect_eq(hostile.image.missed, 1, "only one of them is in a range");
    free(seen);
    hostile_free(&hostile);
}

/* Every second page is there, of more pages than a process may have mappings. */
Test(traversal, runs_nothing_where_the_copy_has_too_many_pieces)
{
    enum { PAGES = 2 * 70000 };
    struct hostile hostile;
    struct traversal_report report;
    struct image_range ranges[8];
    struct error err;
    uint64_t *present = calloc(PAGES / 64 + 1, sizeof(*present));

    hostile_init(&hostile);
    uint64_t object = hostile_object(&hostile, HOSTILE_NOT, 1, 2, 3);
    size_t count = hostile.image.count, size = PAGES * (size_t)IMAGE_PAGE;
    uint8_t *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct image_range *before = hostile.image.ranges;
    cr_assert(bytes != MAP_FAILED && present && count < 8);
    memset(present, 0x55, PAGES / 8);
    memcpy(ranges, before, count * sizeof(*ranges));
    ranges[count] =
        (struct image_range){.start = before[count - 1].start + before[count - 1].size + IMAGE_PAGE,
                             .size = size,
                             .bytes = bytes,
                             .present = present};
    hostile.image.ranges = ranges;
    hostile.image.count = count + 1;
    struct seen *seen = calloc(1, sizeof(*seen));
    cr_expect_not(
        traversal_run(&hostile.image, &hostile.setting, &object, 1, see, seen, &report, &err));
    cr_expect_eq(err.kind, ERROR_SYSTEM, "so that the caller goes on without");
    cr_expect(strstr(err.text, "too many pieces for one process"), "%s", err.text);
    cr_expect_eq(seen->count, 0);
    hostile.image.ranges = before;
    hostile.image.count = count;
    munmap(bytes, size);
    free(present);
    free(seen);
    hostile_free(&hostile);
}
