// SPDX-License-Identifier: MIT
/*
 * What is copied of a process, when, and what it costs the process: on one that does with its
 * memory only what it is told.
 */
#include "inspector/target/capture.h"
#include "tests/support/no_call.h"
#include "tests/support/puppet.h"

#include <criterion/criterion.h>

enum { GROUP = 4 * IMAGE_PAGE /* copied together */, CHUNK = 64 * IMAGE_PAGE };

/* A puppet that is being captured. */
struct scene {
    struct puppet puppet;
    struct process process;
    struct capture *capture;
    struct image *image;
};

static void watch(struct scene *scene, const struct capture_options *options)
{
    struct error err;

    cr_assert(process_open(&scene->process, scene->puppet.pid, &err), "%s", err.text);
    cr_assert(capture_open(&scene->capture, &scene->process, options, &err), "%s", err.text);
    scene->image = capture_image(scene->capture);
}

static void set(struct scene *scene)
{
    puppet_start(&scene->puppet);
    watch(scene, &(struct capture_options){.max_memory = UINT64_C(1) << 30});
}

static void clear(struct scene *scene)
{
    capture_close(scene->capture);
    process_close(&scene->process);
    puppet_end(&scene->puppet);
}

static uint64_t map_filled(struct scene *scene, uint64_t size, uint64_t offset)
{
    uint64_t at = puppet_map(&scene->puppet, size, offset);

    puppet_fill(&scene->puppet, at, size, 1);
    return at;
}

/* Asks for a word; is it there? */
static bool ask(struct scene *scene, uint64_t address)
{
    return image_at(scene->image, address, 8) != NULL;
}

/* Is what was filled in with `value` there, all of it? */
static bool holds(struct scene *scene, uint64_t address, uint64_t size, uint64_t value)
{
    return puppet_wrote(image_at(scene->image, address, size), address, size, value);
}

static enum capture_outcome take_as(struct scene *scene, const struct capture_order *order,
                                    struct capture_report *ret)
{
    struct error err = {.text = ""};
    enum capture_outcome outcome = capture_take(scene->capture, order, ret, &err);

    cr_assert_neq(outcome, CAPTURE_FAILED, "%s", err.text);
    return outcome;
}

/* Returns how many bytes were copied. */
static uint64_t take(struct scene *scene)
{
    struct capture_order order = {.max_pause_milliseconds = STOP_LONGEST_MS};
    struct capture_report report;

    cr_assert_eq(take_as(scene, &order, &report), CAPTURE_DONE);
    cr_expect_geq(report.stop.threads, 2);
    return report.bytes;
}

static uint64_t count_shown(const struct image *image)
{
    uint64_t pages = 0;

    for (size_t i = 0; i < image->count; i++) {
        for (uint64_t page = 0; image->ranges[i].present && page < image->ranges[i].size / 4096;
             page++)
            pages += image_page_present(&image->ranges[i], page);
    }
    return pages;
}

Test(capture, copies_the_groups_of_pages_that_were_touched_and_no_more)
{
    static const uint64_t offsets[] = {0, 1, 2, 3, 5};
    struct scene scene;

    set(&scene);
    for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
        uint64_t at = map_filled(&scene, 8 * CHUNK, offsets[i] * IMAGE_PAGE);
        uint64_t group = (at + 3 * CHUNK + 9 * IMAGE_PAGE) / GROUP * GROUP;

        capture_learn(scene.capture);
        cr_expect_eq(count_shown(scene.image), 0);
        for (int page = 0; page < 4; page++)
            cr_expect(holds(&scene, group + (uint64_t)page * IMAGE_PAGE + 40, 8, 1));
        cr_expect_eq(count_shown(scene.image), 4);
        cr_expect_eq(scene.image->filled, 1, "the group came at once");
        cr_expect(ask(&scene, group + 5 * GROUP - 4), "a word in two groups");
        cr_expect_eq(count_shown(scene.image), 12);
        cr_expect_eq(scene.image->filled, 2);
        puppet_fill(&scene.puppet, at, 8 * CHUNK, 2);
        cr_expect_eq(take(&scene), 3 * GROUP, "offset %zu", (size_t)offsets[i]);
        cr_expect(holds(&scene, group, GROUP, 2));
        cr_expect(holds(&scene, group + 4 * GROUP, 2 * GROUP, 2));
        cr_expect_not(ask(&scene, group - 8));
        cr_expect_not(ask(&scene, group + GROUP));
        cr_expect_not(ask(&scene, at + 7 * CHUNK));
        cr_expect_eq(scene.image->missed, 3);
    }
    clear(&scene);
}

Test(capture, the_copy_is_of_the_moment_of_the_stop)
{
    enum { SIZE = 64 * CHUNK };
    struct scene scene;

    set(&scene);
    uint64_t at = map_filled(&scene, SIZE, 0);
    uint64_t first = at, second = at + SIZE - 8;
    puppet_put(&scene.puppet, first, 0);
    puppet_put(&scene.puppet, second, 0);
    puppet_race(&scene.puppet, first, second);
    capture_learn(scene.capture);
    cr_expect(ask(&scene, at) && image_at(scene.image, at, SIZE));
    puppet_fill(&scene.puppet, at + GROUP, SIZE - 2 * GROUP, 2);
    for (int i = 0; i < 5; i++) {
        uint64_t one = 0, other = 0;
        cr_expect_eq(take(&scene), SIZE);
        cr_expect(image_word(scene.image, first, 8, &one));
        cr_expect(image_word(scene.image, second, 8, &other));
        cr_expect(one == other || one == other + 1, "torn: %llu and %llu", (unsigned long long)one,
                  (unsigned long long)other);
        puppet_fill(&scene.puppet, at + GROUP, SIZE - 2 * GROUP, 3);
        cr_expect(holds(&scene, at + GROUP, SIZE - 2 * GROUP, i ? 3 : 2), "not of the stop");
    }
    clear(&scene);
}

/* Bits of what the kernel says of each page: is it there? */
static void note_present(struct scene *scene, uint64_t address, uint64_t pages, uint64_t *ret)
{
    cr_assert(process_pagemap(&scene->process, address, ret, pages));
    for (uint64_t i = 0; i < pages; i++)
        ret[i] >>= PAGEMAP_PRESENT;
}

static bool ask_everywhere(struct scene *scene, uint64_t address, uint64_t pages)
{
    bool all = true;

    for (uint64_t i = 0; i < pages; i++)
        all &= ask(scene, address + i * IMAGE_PAGE);
    return all;
}

struct place {
    struct scene *scene;
    uint64_t address, pages;
    bool found;
};

static bool ask_place(void *context, struct error *err)
{
    struct place *place = context;

    (void)err;
    place->found = ask_everywhere(place->scene, place->address, place->pages);
    return true;
}

Test(capture, never_touches_what_the_target_has_not_touched)
{
    enum { PAGES = 8 * 64 };
    static uint64_t before[PAGES], after[PAGES];
    struct scene scene;
    struct capture_report report;

    set(&scene);
    uint64_t at = puppet_map(&scene.puppet, PAGES * IMAGE_PAGE, 0);
    uint64_t expected = 0;
    for (uint64_t page = 0; page < PAGES; page += 1 + page % 7, expected++)
        puppet_put(&scene.puppet, at + page * IMAGE_PAGE, 1);
    note_present(&scene, at, PAGES, before);
    uint64_t resident = process_resident(&scene.process);

    struct place place = {&scene, at, PAGES, true};
    struct capture_order order = {
        .max_pause_milliseconds = STOP_LONGEST_MS, .work = ask_place, .context = &place};
    capture_learn(scene.capture);
    cr_expect(ask(&scene, at));
    cr_expect_not(ask_everywhere(&scene, at, PAGES));
    capture_estimate(scene.capture, 0);
    cr_assert_eq(take_as(&scene, &order, &report), CAPTURE_DONE);
    cr_expect_not(place.found);
    cr_expect_eq(report.bytes, expected * IMAGE_PAGE);
    capture_learn_more(scene.capture);
    cr_expect_not(ask_everywhere(&scene, at, PAGES));
    take(&scene);
    cr_expect_eq(count_shown(scene.image), expected);
    note_present(&scene, at, PAGES, after);
    cr_expect_arr_eq(before, after, sizeof(before));
    cr_expect_eq(process_resident(&scene.process), resident);
    clear(&scene);
}

Test(capture, a_page_that_came_since_learning_is_copied)
{
    struct scene scene;

    set(&scene);
    uint64_t at = puppet_map(&scene.puppet, 2 * CHUNK, 0);
    puppet_fill(&scene.puppet, at, 8 * GROUP, 1);
    capture_learn(scene.capture);
    cr_expect(ask(&scene, at));
    puppet_fill(&scene.puppet, at + 40 * IMAGE_PAGE, IMAGE_PAGE, 2);
    puppet_fill(&scene.puppet, at + CHUNK, IMAGE_PAGE, 2);
    cr_expect_eq(take(&scene), GROUP + IMAGE_PAGE);
    cr_expect(holds(&scene, at, GROUP, 1));
    cr_expect(holds(&scene, at + 40 * IMAGE_PAGE, IMAGE_PAGE, 2));
    cr_expect_not(ask(&scene, at + GROUP), "was there, and nobody asked");
    cr_expect_not(ask(&scene, at + CHUNK), "of a chunk that nobody asked for");
    clear(&scene);
}

static bool find_place(void *context, struct error *err)
{
    struct place *place = context;

    (void)err;
    place->found = holds(place->scene, place->address, place->pages * IMAGE_PAGE, 2);
    return true;
}

Test(capture, what_the_work_asks_for_is_copied_the_next_time)
{
    struct scene scene;
    struct capture_report report;

    set(&scene);
    uint64_t at = map_filled(&scene, 4 * CHUNK, 0);
    puppet_fill(&scene.puppet, at, 4 * CHUNK, 2);
    struct place place = {&scene, at + 2 * CHUNK, 1, false};
    struct capture_order order = {
        .max_pause_milliseconds = STOP_LONGEST_MS, .work = find_place, .context = &place};
    capture_learn(scene.capture);
    cr_expect(ask(&scene, at));
    cr_assert_eq(take_as(&scene, &order, &report), CAPTURE_DONE);
    cr_expect(place.found);
    cr_expect_eq(report.bytes, GROUP);
    cr_expect_eq(count_shown(scene.image), 8);
    cr_expect(holds(&scene, at + 2 * CHUNK, GROUP, 2), "the answer of the stop is kept");
    puppet_fill(&scene.puppet, at, 4 * CHUNK, 3);
    cr_expect_eq(take(&scene), 2 * GROUP);
    cr_expect(holds(&scene, at + 2 * CHUNK, GROUP, 3));
    clear(&scene);
}

Test(capture, memory_that_was_mapped_since_learning_is_copied)
{
    enum { LARGE = 65 * 1024 * 1024 };
    struct scene scene;

    set(&scene);
    uint64_t old = map_filled(&scene, CHUNK, 0);
    capture_learn(scene.capture);
    cr_expect(ask(&scene, old));
    uint64_t fresh = puppet_map(&scene.puppet, 3 * CHUNK + IMAGE_PAGE, IMAGE_PAGE);
    uint64_t large = puppet_map(&scene.puppet, LARGE, 0);
    cr_expect_not(ask(&scene, fresh), "the mappings are those of the time of learning");
    puppet_fill(&scene.puppet, fresh, 3 * CHUNK + IMAGE_PAGE, 2);
    puppet_fill(&scene.puppet, large, CHUNK, 2);

    struct place place = {&scene, large, 64, false};
    struct capture_order order = {
        .max_pause_milliseconds = STOP_LONGEST_MS, .work = find_place, .context = &place};
    struct capture_report report;
    cr_assert_eq(take_as(&scene, &order, &report), CAPTURE_DONE);
    cr_expect_eq(report.bytes, GROUP + 3 * CHUNK + IMAGE_PAGE);
    cr_expect(holds(&scene, fresh, 3 * CHUNK + IMAGE_PAGE, 2));
    cr_expect(place.found, "more than is copied unasked is still to be had");
    puppet_fill(&scene.puppet, fresh, 3 * CHUNK + IMAGE_PAGE, 3);
    take(&scene);
    cr_expect(holds(&scene, fresh, 3 * CHUNK + IMAGE_PAGE, 3), "from now on it belongs to it");
    clear(&scene);
}

Test(capture, memory_that_was_given_back_since_learning_does_no_harm)
{
    struct scene scene;

    set(&scene);
    uint64_t unmapped = map_filled(&scene, 4 * CHUNK, 0);
    uint64_t dropped = map_filled(&scene, 4 * CHUNK, 0);
    uint64_t forbidden = map_filled(&scene, 4 * CHUNK, 0);
    capture_learn(scene.capture);
    cr_expect(image_at(scene.image, unmapped, 4 * CHUNK) &&
              image_at(scene.image, dropped, 4 * CHUNK) &&
              image_at(scene.image, forbidden, 4 * CHUNK));
    uint64_t resident = process_resident(&scene.process);
    puppet_unmap(&scene.puppet, unmapped + CHUNK + IMAGE_PAGE, CHUNK);
    puppet_drop(&scene.puppet, dropped + CHUNK + IMAGE_PAGE, CHUNK);
    puppet_forbid(&scene.puppet, forbidden + CHUNK + IMAGE_PAGE, CHUNK);
    cr_expect_lt(take(&scene), 12 * CHUNK - CHUNK);
    const uint64_t places[] = {unmapped, dropped, forbidden};
    for (int i = 0; i < 3; i++) {
        cr_expect(holds(&scene, places[i], CHUNK + IMAGE_PAGE, 1), "place %d", i);
        cr_expect(holds(&scene, places[i] + 2 * CHUNK + IMAGE_PAGE, 2 * CHUNK - IMAGE_PAGE, 1));
        if (i < 2)
            cr_expect_not(ask(&scene, places[i] + 2 * CHUNK), "place %d", i);
    }
    cr_expect_lt(process_resident(&scene.process), resident);
    cr_expect(puppet_runs(&scene.puppet));
    clear(&scene);
}

Test(capture, what_nobody_may_read_is_not_in_the_image)
{
    struct scene scene;

    set(&scene);
    uint64_t at = map_filled(&scene, CHUNK, 0);
    puppet_forbid(&scene.puppet, at, CHUNK);
    capture_learn(scene.capture);
    cr_expect_null(image_range_of(scene.image, at));
    cr_expect_not(ask(&scene, at));
    take(&scene);
    cr_expect_not(ask(&scene, at));
    clear(&scene);
}

Test(capture, regions_of_all_sizes_are_copied_to_their_last_byte)
{
    static const uint64_t pages[] = {1, 3, 63, 64, 65, 70, 129};
    struct scene scene;

    set(&scene);
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
        uint64_t size = pages[i] * IMAGE_PAGE;
        uint64_t at = map_filled(&scene, size, i % 4 * IMAGE_PAGE);
        capture_learn(scene.capture);
        cr_expect(ask(&scene, at + size - 8), "%zu pages", (size_t)pages[i]);
        cr_expect_not(ask(&scene, at + size - 4));
        uint64_t least = pages[i] < 4 ? pages[i] * IMAGE_PAGE : IMAGE_PAGE;
        uint64_t bytes = take(&scene);
        cr_expect(bytes >= least && bytes <= GROUP, "%zu pages: %zu", (size_t)pages[i],
                  (size_t)bytes);
        capture_learn_again(scene.capture);
        cr_expect(holds(&scene, at, size, 1), "%zu pages", (size_t)pages[i]);
        puppet_fill(&scene.puppet, at, size, 2);
        cr_expect_eq(take(&scene), size);
        cr_expect(holds(&scene, at, size, 2), "%zu pages", (size_t)pages[i]);
    }
    clear(&scene);
}

Test(capture, learning_again_keeps_what_was_needed)
{
    struct scene scene;

    set(&scene);
    uint64_t at = map_filled(&scene, 2 * CHUNK, 0);
    capture_learn(scene.capture);
    cr_expect(ask(&scene, at));
    capture_learn_again(scene.capture);
    cr_expect_eq(count_shown(scene.image), 0, "what was read is out of date");
    puppet_fill(&scene.puppet, at, 2 * CHUNK, 2);
    cr_expect(holds(&scene, at + CHUNK, 8, 2));
    cr_expect_eq(take(&scene), 2 * GROUP);
    cr_expect(holds(&scene, at, GROUP, 2) && holds(&scene, at + CHUNK, GROUP, 2));
    capture_learn(scene.capture);
    cr_expect(ask(&scene, at + GROUP));
    cr_expect_eq(take(&scene), GROUP, "learning anew forgets");
    clear(&scene);
}

Test(capture, learning_more_copies_what_is_near)
{
    struct scene scene;

    set(&scene);
    uint64_t at = map_filled(&scene, 4 * CHUNK, 0);
    capture_learn(scene.capture);
    cr_expect(ask(&scene, at + CHUNK));
    cr_expect_eq(take(&scene), GROUP);
    puppet_fill(&scene.puppet, at, 4 * CHUNK, 2);
    capture_learn_more(scene.capture);
    cr_expect(holds(&scene, at + CHUNK, 8, 1), "what was copied is kept");
    cr_expect(holds(&scene, at + 3 * CHUNK, 8, 2), "what was not is fetched");
    cr_expect_eq(take(&scene), CHUNK + GROUP);
    cr_expect(holds(&scene, at + CHUNK, CHUNK, 2));
    clear(&scene);
}

/* A page that is looked at again may be the first of its chunk that anybody looks at. */
Test(capture, what_was_read_again_while_learning_is_copied_too)
{
    struct scene scene;

    set(&scene);
    uint64_t at = map_filled(&scene, 4 * CHUNK, 0);
    capture_learn(scene.capture);
    cr_expect(ask(&scene, at));
    puppet_fill(&scene.puppet, at, 4 * CHUNK, 2);
    cr_expect(image_refresh(scene.image, at, 8));
    cr_expect(holds(&scene, at, 8, 2));
    cr_expect(image_refresh(scene.image, at + 2 * CHUNK, 8));
    cr_expect(holds(&scene, at + 2 * CHUNK, 8, 2));
    cr_expect_not(image_refresh(scene.image, at - 8, 8));
    puppet_fill(&scene.puppet, at, 4 * CHUNK, 3);
    take(&scene);
    cr_expect(holds(&scene, at, 8, 3));
    cr_expect(holds(&scene, at + 2 * CHUNK, 8, 3), "from before the stop");
    cr_expect_not(image_refresh(scene.image, at, 8), "there is nothing newer");
    clear(&scene);
}

/* What the estimate says of the next capture, against that. */
Test(capture, an_estimate_is_near_and_stops_nothing)
{
    struct scene scene;
    struct capture_report report;
    struct capture_order order = {.max_pause_milliseconds = STOP_LONGEST_MS};

    set(&scene);
    uint64_t dense = map_filled(&scene, 64 * CHUNK, 0);
    uint64_t sparse = puppet_map(&scene.puppet, 64 * CHUNK, 0);
    for (uint64_t chunk = 0; chunk < 64; chunk++)
        puppet_put(&scene.puppet, sparse + chunk * CHUNK, 1);
    for (int round = 0; round < 2; round++) {
        uint64_t pages = round ? 1 : 64 * 64;
        capture_learn(scene.capture);
        cr_expect(ask_everywhere(&scene, dense, pages));
        for (uint64_t chunk = 0; chunk < 64; chunk++)
            cr_expect(ask(&scene, sparse + chunk * CHUNK));
        struct capture_estimate estimate = capture_estimate(scene.capture, 0);
        cr_assert_eq(take_as(&scene, &order, &report), CAPTURE_DONE);
        cr_expect_eq(report.bytes, (round ? GROUP : 64 * CHUNK) + 64 * IMAGE_PAGE);
        cr_expect(estimate.bytes >= report.bytes / 2 && estimate.bytes <= report.bytes * 2,
                  "%zu bytes against %zu", (size_t)estimate.bytes, (size_t)report.bytes);
        cr_expect(estimate.memory >= report.bytes && estimate.memory <= 130 * CHUNK, "%zu",
                  (size_t)estimate.memory);
        /* How fast it goes on a busy machine nobody knows: a rough guess is all that can be held.
         */
        cr_expect(estimate.milliseconds > 0.3 && estimate.milliseconds < 1000, "%f ms against %f",
                  estimate.milliseconds, report.stop.milliseconds);
    }
    no_call_seize();
    capture_learn_again(scene.capture);
    cr_expect(holds(&scene, dense, 8, 1));
    cr_expect_gt(capture_estimate(scene.capture, 0).bytes, 0);
    cr_expect(holds(&scene, dense, 8, 1));
    clear(&scene);
}

Test(capture, a_guarded_word_keeps_it_from_copying)
{
    struct scene scene;
    struct capture_order order = {.max_pause_milliseconds = STOP_LONGEST_MS};
    struct capture_report report;
    struct error err;
    uint64_t entry;

    set(&scene);
    uint64_t at = map_filled(&scene, CHUNK, 0);
    uint64_t absent = puppet_map(&scene.puppet, CHUNK, 0);
    puppet_put(&scene.puppet, at, UINT64_C(1) << 32); /* the word is of 32 bits */
    capture_learn(scene.capture);
    cr_assert(capture_guard(scene.capture, at, &err));
    cr_assert(capture_guard(scene.capture, absent, &err));
    cr_expect(ask(&scene, at + GROUP));
    cr_expect(capture_is_quiet(scene.capture));
    cr_expect_eq(take(&scene), GROUP);
    cr_assert(process_pagemap(&scene.process, absent, &entry, 1));
    cr_expect_not(entry >> PAGEMAP_PRESENT & 1, "our looking made it grow");

    puppet_put(&scene.puppet, at, 1);
    cr_expect_not(capture_is_quiet(scene.capture));
    cr_expect_eq(take_as(&scene, &order, &report), CAPTURE_BUSY);
    cr_expect_eq(report.bytes, 0);
    cr_expect_eq(report.stop.threads, 2);
    cr_expect_not(ask(&scene, at + GROUP));
    order.even_if_busy = true;
    cr_expect_eq(take_as(&scene, &order, &report), CAPTURE_DONE);
    cr_expect(holds(&scene, at + GROUP, GROUP, 1));
    capture_learn(scene.capture);
    cr_expect(capture_is_quiet(scene.capture), "forgotten");
    cr_expect(puppet_runs(&scene.puppet));
    clear(&scene);
}
