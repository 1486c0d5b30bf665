// SPDX-License-Identifier: MIT
/*
 * Captures within bounds: of our memory, of the time for which the target stands still, of what we
 * are permitted.
 */
#include "inspector/target/capture.h"
#include "symbols/base/clock.h"
#include "tests/support/no_call.h"
#include "tests/support/puppet.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>

enum { GROUP = 4 * IMAGE_PAGE, CHUNK = 64 * IMAGE_PAGE, PATIENCE_MS = 10 * 1000 };

static const uint64_t plenty = UINT64_C(1) << 30;

/* A puppet that is being captured, and memory of it that holds what it was filled with. */
struct scene {
    struct puppet puppet;
    struct process process;
    struct capture *capture;
    struct image *image;
    uint64_t address, size, value;

    bool found;         /* by the work */
    uint64_t most_held; /* pages of it that were in the image at a time */
};

static void set(struct scene *scene, uint64_t size, uint64_t max_memory)
{
    struct capture_options options = {.max_memory = max_memory};
    struct error err;

    *scene = (struct scene){.size = size, .value = 1};
    puppet_start(&scene->puppet);
    scene->address = puppet_map(&scene->puppet, size, 0);
    puppet_fill(&scene->puppet, scene->address, size, 1);
    cr_assert(process_open(&scene->process, scene->puppet.pid, &err), "%s", err.text);
    cr_assert(capture_open(&scene->capture, &scene->process, &options, &err), "%s", err.text);
    scene->image = capture_image(scene->capture);
}

static void clear(struct scene *scene)
{
    capture_close(scene->capture);
    process_close(&scene->process);
    puppet_end(&scene->puppet);
}

static bool holds(struct scene *scene, uint64_t address, uint64_t size)
{
    return puppet_wrote(image_at(scene->image, address, size), address, size, scene->value);
}

static enum capture_outcome take(struct scene *scene, double most_milliseconds, capture_work *work,
                                 struct capture_report *ret)
{
    struct capture_order order = {
        .max_pause_milliseconds = most_milliseconds, .work = work, .context = scene};
    struct error err = {.text = ""};
    enum capture_outcome outcome = capture_take(scene->capture, &order, ret, &err);

    cr_assert_neq(outcome, CAPTURE_FAILED, "%s", err.text);
    return outcome;
}

static uint64_t count_held(const struct scene *scene)
{
    const struct image_range *range = image_range_of(scene->image, scene->address);
    uint64_t pages = 0;

    for (uint64_t page = 0; range->present && page < scene->size / IMAGE_PAGE; page++)
        pages += image_page_present(range, page);
    return pages;
}

/* Looks at all of it, page by page, with a rest behind each. */
static bool look_through(void *context, struct error *err)
{
    struct scene *scene = context;

    (void)err;
    scene->found = true;
    for (uint64_t at = 0; at < scene->size; at += IMAGE_PAGE) {
        scene->found &= holds(scene, scene->address + at, IMAGE_PAGE);
        image_rest(scene->image);
        if (at % CHUNK == 0 && count_held(scene) > scene->most_held)
            scene->most_held = count_held(scene);
    }
    return true;
}

Test(capture_bounds, what_is_too_large_for_our_memory_is_read_in_pieces)
{
    enum { MOST = 4 * CHUNK };
    struct scene scene;
    struct capture_report report;
    struct error err;

    set(&scene, 40 * CHUNK, MOST);
    capture_learn(scene.capture);
    cr_expect_eq(capture_max_memory(scene.capture), MOST);
    cr_expect_not(capture_is_in_pieces(scene.capture));
    cr_assert(look_through(&scene, &err));
    cr_expect(scene.found);
    cr_expect(capture_is_in_pieces(scene.capture));
    for (scene.value = 2; scene.value < 5; scene.value++) {
        scene.most_held = 0;
        puppet_fill(&scene.puppet, scene.address, scene.size, scene.value);
        cr_expect_eq(take(&scene, STOP_LONGEST_MS, look_through, &report), CAPTURE_DONE);
        cr_expect(scene.found, "round %d", (int)scene.value);
        cr_expect_eq(report.bytes, 0, "copied and thrown away");
        cr_expect(capture_is_in_pieces(scene.capture));
        cr_expect_leq(scene.most_held, MOST / IMAGE_PAGE + 64);
        cr_expect_gt(scene.most_held, MOST / IMAGE_PAGE - 64, "pieces of %zu pages",
                     (size_t)scene.most_held);
    }
    capture_learn(scene.capture);
    cr_expect_not(capture_is_in_pieces(scene.capture));
    scene.value--;
    cr_expect(holds(&scene, scene.address, GROUP));
    cr_expect_eq(take(&scene, STOP_LONGEST_MS, NULL, &report), CAPTURE_DONE);
    cr_expect_eq(report.bytes, GROUP);
    clear(&scene);
}

/* Grows beyond the bound, but never rests. */
static bool look_without_rest(void *context, struct error *err)
{
    struct scene *scene = context;

    (void)err;
    scene->found = true;
    for (uint64_t at = 0; at < scene->size; at += CHUNK)
        scene->found &= holds(scene, scene->address + at, GROUP);
    return true;
}

Test(capture_bounds, the_answer_of_a_stop_is_not_thrown_away_afterwards)
{
    struct scene scene;
    struct capture_report report;

    set(&scene, 16 * CHUNK, 8 * CHUNK);
    capture_learn(scene.capture);
    cr_expect(holds(&scene, scene.address, GROUP));
    image_rest(scene.image);
    cr_expect_eq(take(&scene, STOP_LONGEST_MS, look_without_rest, &report), CAPTURE_DONE);
    cr_expect(scene.found);
    image_rest(scene.image);
    cr_expect(holds(&scene, scene.address, GROUP));
    cr_expect(holds(&scene, scene.address + 15 * CHUNK, GROUP));
    clear(&scene);
}

/* Returns when the target runs, although it was not told to let go. */
static bool work_too_long(void *context, struct error *err)
{
    struct scene *scene = context;
    double begun = clock_milliseconds();
    uint64_t before = puppet_beats(&scene->puppet);

    (void)err;
    scene->found = holds(scene, scene->address + CHUNK, GROUP);
    while (puppet_beats(&scene->puppet) < before + 10) {
        if (clock_milliseconds() > begun + PATIENCE_MS)
            return true;
        clock_sleep(1);
    }
    /* What would be fetched now is of another moment. */
    scene->found &= image_at(scene->image, scene->address + 9 * CHUNK, 8) == NULL;
    scene->most_held = puppet_beats(&scene->puppet) - before;
    return true;
}

Test(capture_bounds, the_target_is_let_go_at_the_bound_whatever_the_work_is_at)
{
    static const double bounds[] = {100, 400};
    struct scene scene;
    struct capture_report report;

    set(&scene, 16 * CHUNK, plenty);
    for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
        capture_learn(scene.capture);
        cr_expect(holds(&scene, scene.address, GROUP));
        scene.most_held = 0;
        cr_expect_eq(take(&scene, bounds[i], work_too_long, &report), CAPTURE_OVERDUE);
        cr_expect(scene.found, "%f ms", bounds[i]);
        cr_expect_geq(scene.most_held, 10, "%f ms: it stands still", bounds[i]);
        cr_expect(report.stop.overdue);
        cr_expect(report.stop.milliseconds > bounds[i] / 2 &&
                      report.stop.milliseconds < bounds[i] + 300,
                  "%f ms of %f", report.stop.milliseconds, bounds[i]);
        cr_expect(puppet_runs(&scene.puppet));
        cr_expect_eq(take(&scene, STOP_LONGEST_MS, NULL, &report), CAPTURE_DONE);
        cr_expect_not(report.stop.overdue);
    }
    clear(&scene);
}

static bool fail(void *context, struct error *err)
{
    (void)context;
    return error_set(err, ERROR_PYTHON, "as it was told to");
}

Test(capture_bounds, work_that_fails_lets_go)
{
    struct scene scene;
    struct capture_order order = {.max_pause_milliseconds = STOP_LONGEST_MS, .work = fail};
    struct capture_report report = {.bytes = 42};
    struct error err;

    set(&scene, CHUNK, plenty);
    capture_learn(scene.capture);
    cr_expect_eq(capture_take(scene.capture, &order, &report, &err), CAPTURE_FAILED);
    cr_expect_eq(err.kind, ERROR_PYTHON);
    cr_expect_eq(report.bytes, 42, "outputs are untouched on failure");
    cr_expect(puppet_runs(&scene.puppet));
    clear(&scene);
}

static unsigned count_entries(const char *path)
{
    unsigned count = 0;
    DIR *directory = opendir(path);

    cr_assert_not_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

Test(capture_bounds, many_captures_leave_nothing_behind)
{
    struct scene scene;
    struct capture_report report;
    struct error err;

    set(&scene, 64 * CHUNK, plenty);
    capture_close(scene.capture);
    unsigned threads = count_entries("/proc/self/task"), files = count_entries("/proc/self/fd");
    for (int i = 0; i < 40; i++) {
        cr_assert(capture_open(&scene.capture, &scene.process, &(struct capture_options){0}, &err));
        scene.image = capture_image(scene.capture);
        capture_learn(scene.capture);
        cr_expect_not_null(image_at(scene.image, scene.address, scene.size));
        for (int j = 0; j < 3; j++) {
            cr_expect_eq(take(&scene, STOP_LONGEST_MS, NULL, &report), CAPTURE_DONE);
            cr_expect_eq(report.bytes, scene.size);
        }
        cr_expect(holds(&scene, scene.address, scene.size));
        capture_close(scene.capture);
    }
    cr_expect_eq(count_entries("/proc/self/fd"), files);
    cr_expect_eq(count_entries("/proc/self/task"), threads);
    scene.capture = NULL;
    clear(&scene);
}

Test(capture_bounds, memory_is_read_where_process_vm_readv_is_refused)
{
    struct scene scene;
    struct capture_report report;

    no_call_readv();
    set(&scene, 16 * CHUNK, plenty);
    /* This way what nobody may read can be read: it must not be. */
    scene.size -= 10 * IMAGE_PAGE;
    puppet_forbid(&scene.puppet, scene.address + scene.size, 10 * IMAGE_PAGE);
    capture_learn(scene.capture);
    cr_expect(holds(&scene, scene.address, scene.size));
    cr_expect_eq(capture_estimate(scene.capture, 0).bytes, scene.size);
    scene.value = 2;
    puppet_fill(&scene.puppet, scene.address, scene.size, scene.value);
    puppet_unmap(&scene.puppet, scene.address + 3 * CHUNK + IMAGE_PAGE, IMAGE_PAGE);
    cr_expect_eq(take(&scene, STOP_LONGEST_MS, NULL, &report), CAPTURE_DONE);
    cr_expect_eq(report.bytes, scene.size - IMAGE_PAGE);
    cr_expect(holds(&scene, scene.address, 3 * CHUNK + IMAGE_PAGE));
    cr_expect_null(image_at(scene.image, scene.address + 3 * CHUNK + IMAGE_PAGE, 8));
    cr_expect(holds(&scene, scene.address + 3 * CHUNK + 2 * IMAGE_PAGE, 12 * CHUNK));

    uint64_t word;
    struct iovec local = {&word, sizeof(word)}, remote = {(void *)(uintptr_t)IMAGE_PAGE, 8};
    cr_expect(process_read(&scene.process, &local, &remote, 1) < 0 && errno == EFAULT);
    clear(&scene);
}

/* Some pages of a file that the puppet has mapped, which were written to or never looked at. */
struct file_scene {
    struct scratch scratch;
    char path[128];
    struct scene scene;
    uint64_t entries[2 * 64];
};

static void note_pages(struct file_scene *file, uint64_t *ret)
{
    cr_assert(process_pagemap(&file->scene.process, file->scene.address, ret, 2 * 64));
}

static void set_file(struct file_scene *file, bool shared)
{
    static uint64_t words[2 * CHUNK / 8];

    for (size_t i = 0; i < sizeof(words) / 8; i++)
        words[i] = i;
    scratch_make(&file->scratch);
    scratch_write(&file->scratch, "mapped", "");
    scratch_write_at(&file->scratch, "mapped", 0, words, sizeof(words));
    snprintf(file->path, sizeof(file->path), "%s/mapped", file->scratch.path);
    set(&file->scene, IMAGE_PAGE, plenty);
    file->scene.size = 2 * CHUNK;
    file->scene.address =
        puppet_map_file(&file->scene.puppet, file->path, file->scene.size, shared);
    puppet_fill(&file->scene.puppet, file->scene.address + 8 * IMAGE_PAGE, IMAGE_PAGE, 1);
    /* Some kernels map the pages around. */
    puppet_drop(&file->scene.puppet, file->scene.address + CHUNK, CHUNK);
    note_pages(file, file->entries);
}

static void clear_file(struct file_scene *file)
{
    clear(&file->scene);
    scratch_remove(&file->scratch);
}

static uint64_t word_at(struct scene *scene, uint64_t offset)
{
    uint64_t word;

    return image_word(scene->image, scene->address + offset, 8, &word) ? word : UINT64_MAX;
}

Test(capture_bounds, a_private_file_is_read_where_the_target_has_it_not_in_memory)
{
    static struct file_scene file;
    struct scene *scene = &file.scene;
    struct capture_report report;
    static uint64_t after[2 * 64];

    set_file(&file, false);
    capture_learn(scene->capture);
    cr_expect(holds(scene, scene->address + 8 * IMAGE_PAGE, IMAGE_PAGE));
    cr_expect_eq(word_at(scene, CHUNK + 16), CHUNK / 8 + 2);
    scene->value = 2;
    puppet_fill(&scene->puppet, scene->address + 8 * IMAGE_PAGE, IMAGE_PAGE, 2);
    cr_expect_eq(take(scene, STOP_LONGEST_MS, NULL, &report), CAPTURE_DONE);
    cr_expect_eq(report.bytes, IMAGE_PAGE);
    cr_expect(holds(scene, scene->address + 8 * IMAGE_PAGE, IMAGE_PAGE));
    cr_expect_eq(word_at(scene, CHUNK + 16), CHUNK / 8 + 2, "what was read from the file is kept");
    note_pages(&file, after);
    cr_expect_arr_eq(after, file.entries, sizeof(after));
    clear_file(&file);
}

Test(capture_bounds, a_page_of_a_private_file_that_was_written_to_since_learning_is_copied)
{
    static struct file_scene file;
    struct scene *scene = &file.scene;
    struct capture_report report;

    set_file(&file, false);
    capture_learn(scene->capture);
    cr_expect(holds(scene, scene->address + 8 * IMAGE_PAGE, IMAGE_PAGE));
    cr_expect_eq(word_at(scene, 9 * IMAGE_PAGE), 9 * IMAGE_PAGE / 8);
    cr_expect_eq(word_at(scene, CHUNK), CHUNK / 8);
    for (uint64_t round = 1; round < 4; round++) {
        puppet_put(&scene->puppet, scene->address + 9 * IMAGE_PAGE, 42 * round);
        puppet_put(&scene->puppet, scene->address + CHUNK, 43 * round);
        if (round == 3) {
            capture_learn_again(scene->capture);
            cr_expect_eq(word_at(scene, CHUNK), 43 * round, "of an earlier stop");
            cr_expect_eq(word_at(scene, CHUNK + 8 * IMAGE_PAGE), (CHUNK + 8 * IMAGE_PAGE) / 8);
        }
        cr_expect_eq(take(scene, STOP_LONGEST_MS, NULL, &report), CAPTURE_DONE);
        cr_expect_eq(report.bytes, 3 * IMAGE_PAGE);
        cr_expect_eq(word_at(scene, 9 * IMAGE_PAGE), 42 * round, "the file's bytes, not its own");
        cr_expect_eq(word_at(scene, CHUNK), 43 * round, "the file's bytes, not its own");
    }
    clear_file(&file);
}

Test(capture_bounds, a_page_that_was_read_from_the_file_is_read_again_when_the_target_has_it)
{
    static struct file_scene file;
    struct scene *scene = &file.scene;
    struct capture_report report;

    set_file(&file, false);
    capture_learn(scene->capture);
    cr_expect_eq(word_at(scene, CHUNK), CHUNK / 8);
    puppet_put(&scene->puppet, scene->address + CHUNK + 8 * IMAGE_PAGE, 42);
    cr_expect_eq(word_at(scene, CHUNK + 8 * IMAGE_PAGE), UINT64_MAX, "no more the file's");
    puppet_put(&scene->puppet, scene->address + CHUNK, 43);
    capture_learn_again(scene->capture);
    cr_expect_eq(word_at(scene, CHUNK + 8 * IMAGE_PAGE), 42);
    cr_expect_eq(word_at(scene, CHUNK), 43);
    cr_expect_eq(take(scene, STOP_LONGEST_MS, NULL, &report), CAPTURE_DONE);
    cr_expect_eq(word_at(scene, CHUNK + 8 * IMAGE_PAGE), 42);
    cr_expect_eq(word_at(scene, CHUNK), 43);
    clear_file(&file);
}

Test(capture_bounds, a_shared_file_is_read_as_the_target_has_it)
{
    static struct file_scene file;
    struct scene *scene = &file.scene;
    struct capture_report report;
    static uint64_t after[2 * 64];

    set_file(&file, true);
    capture_learn(scene->capture);
    cr_expect(holds(scene, scene->address + 8 * IMAGE_PAGE, IMAGE_PAGE));
    cr_expect_eq(word_at(scene, CHUNK + 16), UINT64_MAX, "it may be changing");
    scene->value = 2;
    puppet_fill(&scene->puppet, scene->address + 8 * IMAGE_PAGE, IMAGE_PAGE, 2);
    cr_expect_eq(take(scene, STOP_LONGEST_MS, NULL, &report), CAPTURE_DONE);
    cr_expect(holds(scene, scene->address + 8 * IMAGE_PAGE, IMAGE_PAGE));
    note_pages(&file, after);
    cr_expect_arr_eq(after, file.entries, sizeof(after));
    clear_file(&file);
}
