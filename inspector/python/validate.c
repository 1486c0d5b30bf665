// SPDX-License-Identifier: MIT
#include "inspector/python/validate_check.h"

#include "inspector/python/heap.h"
#include "inspector/python/layout_rules.h"
#include "symbols/layout_published.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    READS = 8,              /* of what may be changing */
    MOST_SETS_OF_LISTS = 64 /* of all interpreters */
};

/* With which _PyRuntime begins from 3.13 on (symbols/layout_published.h). */
static const char cookie[8] = {'x', 'd', 'e', 'b', 'u', 'g', 'p', 'y'};

void check_find(struct check *check, enum validity what, const char *format, ...)
{
    va_list arguments;

    if (what == INVALID && (check->collecting || check->fleeting))
        what = UNCERTAIN;
    if (check->verdict == INVALID || check->verdict == what)
        return;
    check->verdict = what;
    check->reason.kind = ERROR_PYTHON;
    va_start(arguments, format);
    vsnprintf(check->reason.text, sizeof(check->reason.text), format, arguments);
    va_end(arguments);
}

/* ---- The runtime ---- */

static void check_published(struct check *check, const uint8_t *at, size_t size)
{
    struct layout layout = *check->layout;
    struct published published;
    unsigned confirmed;
    struct error why;

    if (!layout_published_read(&published, at, size))
        check_find(check, INVALID, "_PyRuntime is of a CPython that is not known");
    else if (published.free_threaded || !layout_has(check->layout, interpreter_gc))
        check_find(check, INVALID, "interpreter.gc: this CPython keeps other lists");
    else if (!layout_published_check(&layout, &published, &confirmed, &why))
        check_find(check, INVALID, "%s", why.text);
}

/* What the runtime says of itself, or that it is of a version that says nothing. */
static void check_runtime(struct check *check)
{
    const struct layout *layout = check->layout;
    uint64_t runtime = check->python->runtime;
    const uint8_t *at = image_at(check->image, runtime, sizeof(cookie));

    if (at && memcmp(at, cookie, sizeof(cookie)) == 0) {
        at = image_at(check->image, runtime, PUBLISHED_MAX);
        if (at) {
            check_published(check, at, PUBLISHED_MAX);
            return;
        }
    }
    if (!at)
        check_find(check, UNCERTAIN, "_PyRuntime at 0x%" PRIx64 " cannot be read", runtime);
    else if (layout_has(layout, interpreter_next) && layout_offset(layout, interpreter_next))
        check_find(check, INVALID, "interpreter.next is at %u, but is at 0 before 3.13",
                   layout_offset(layout, interpreter_next));
}

/* ---- The collector's lists ---- */

/*
 * Does the list close at this end of it? Its neighbour there may change with each object that is
 * made, faster than we can read both: then it is enough that the neighbour is part of a list.
 */
static bool end_holds(struct check *check, uint64_t head, enum layout_slot_id link,
                      enum layout_slot_id back)
{
    const uint64_t size = layout_size(check->layout, sizeof_PyGC_Head);

    for (int i = 0; i < READS; i++) {
        uint64_t node = check_link(check, head, link);
        uint64_t behind = is_link(node) ? check_link(check, node, back) : 0;

        check->unseen |= !node;
        if (behind == head)
            return true;
        if (node && !is_link(node)) {
            check_find(check, INVALID, "gc_state.generations: at 0x%" PRIx64 " there is no list",
                       head);
            return false;
        }
        if (i > 0 && link == PyGC_Head_gc_prev && is_link(behind) &&
            check_link(check, behind, link) == node)
            return true;
        if (!image_refresh(check->image, head, size))
            return false;
        node = check_link(check, head, link);
        if (is_link(node) && image_refresh(check->image, node, size)) {
            behind = check_link(check, node, back);
            if (is_link(behind) && behind != head)
                (void)image_refresh(check->image, behind, size);
        }
    }
    return false;
}

static void check_list(struct check *check, uint64_t head)
{
    bool begins = end_holds(check, head, PyGC_Head_gc_next, PyGC_Head_gc_prev);
    bool ends = end_holds(check, head, PyGC_Head_gc_prev, PyGC_Head_gc_next);

    begins |= check->collecting; /* its back links are counts meanwhile, but that of the head */
    check->lists_held += begins && ends;
    if (!begins || !ends)
        check_find(check, UNCERTAIN,
                   "gc_state.generations: the list at 0x%" PRIx64 " does not close at its %s", head,
                   begins ? "end" : "beginning");
}

static void check_flag(struct check *check, uint64_t address)
{
    uint64_t flag;

    if (!image_word(check->image, address, 4, &flag))
        check_find(check, UNCERTAIN, "gc_state.collecting at 0x%" PRIx64 " cannot be read",
                   address);
    else if (flag > 1)
        check_find(check, INVALID, "gc_state.collecting: at 0x%" PRIx64 " there is %" PRIu64,
                   address, flag);
    else if (flag == 1)
        check->collecting = true;
}

static void check_lists(struct check *check, uint64_t home)
{
    const struct shape *shape = &check->python->shape;

    if (shape->lists_home == LISTS_STATIC)
        check_flag(check, check->python->collecting);
    else
        check_flag(check, home + layout_offset(check->layout, gc_state_collecting));
    for (unsigned i = 0; i < shape->list_count; i++)
        check_list(check, home + shape->lists[i].offset);
}

/* The lists of the main interpreter are there as long as the process is; others may just end. */
static void check_main_lists(struct check *check, uint64_t home)
{
    check->main = home;
    check->lists_held = 0;
    check->unseen = false;
    check_lists(check, home);
    if (!check->lists_held && !check->unseen)
        check_find(check, INVALID,
                   "gc_state.generations: none of the %u lists from 0x%" PRIx64 " on is a list",
                   check->python->shape.list_count, home);
}

static uint64_t home_in(const struct check *check, uint64_t interpreter)
{
    return interpreter + layout_offset(check->layout, interpreter_gc);
}

/*
 * New interpreters are put before the others, so the main one, which the runtime names next to the
 * first (interpreters.head, .main), is the last.
 */
static void check_interpreters(struct check *check)
{
    const struct layout *layout = check->layout;
    bool have_lists = check->python->shape.lists_home == LISTS_INTERPRETER;
    /* Not needed where they share the lists. */
    bool have_next = layout_has(layout, interpreter_next);
    uint64_t place = check->python->runtime + layout_offset(layout, runtime_interpreters_head);
    uint64_t at, first_and_main[2], last = 0;
    const uint8_t *bytes = image_at(check->image, place, sizeof(first_and_main));

    if (!bytes) {
        check_find(check, UNCERTAIN, "runtime.interpreters_head at 0x%" PRIx64 " cannot be read",
                   place);
        return;
    }
    memcpy(first_and_main, bytes, sizeof(first_and_main));
    uint64_t main = first_and_main[1];
    at = first_and_main[0];
    if ((at && !is_pointer(at)) || (main && !is_pointer(main))) {
        check_find(check, INVALID,
                   "runtime.interpreters_head: at 0x%" PRIx64 " there is no interpreter", place);
        return;
    }
    for (unsigned count = 0; have_next && at && last != main && count <= MOST_INTERPRETERS;
         count++) {
        check->fleeting = at != main;
        if (have_lists && at == main)
            check_main_lists(check, home_in(check, at));
        else if (have_lists && count < MOST_SETS_OF_LISTS)
            check_lists(check, home_in(check, at));
        last = at;
        if (is_pointer(last) && check_field(check, last, interpreter_next, &at))
            continue;
        check_find(check, UNCERTAIN, "interpreter.next: that of 0x%" PRIx64 " cannot be read",
                   last);
        at = 0;
    }
    check->fleeting = false;
    if (!main || (have_next && last != main))
        check_find(check, UNCERTAIN,
                   "interpreter.next: the main interpreter at 0x%" PRIx64
                   " is not the last of them",
                   main);
    else if (have_next && at)
        check_find(check, INVALID,
                   "interpreter.next: something follows the main interpreter at 0x%" PRIx64, main);
}

static void check_homes(struct check *check)
{
    const struct python *python = check->python;
    uint64_t home;

    switch (python->shape.lists_home) {
    case LISTS_STATIC:
        if (!python->generation0 || !python->collecting)
            check_find(check, INVALID, "generations: this CPython has no such symbol");
        else if (!image_word(check->image, python->generation0, 8, &home))
            check_find(check, UNCERTAIN, "_PyGC_generation0 at 0x%" PRIx64 " cannot be read",
                       python->generation0);
        else
            check_main_lists(check, home);
        return;
    case LISTS_RUNTIME:
    case LISTS_INTERPRETER:
        break;
    }
    if (!python->runtime) {
        check_find(check, INVALID, "runtime: this CPython has no such symbol");
        return;
    }
    check_runtime(check);
    if (check->verdict == INVALID)
        return;
    check_interpreters(check);
    if (python->shape.lists_home == LISTS_RUNTIME)
        check_main_lists(check, python->runtime + layout_offset(check->layout, runtime_gc));
}

enum validity python_validate(const struct python *python, struct image *image, struct error *err)
{
    struct check check = {.python = python, .layout = &python->layout, .image = image};

    if (!layout_rules_hold(&python->layout, err))
        return INVALID;
    check_homes(&check);
    if (check.main && check.verdict != INVALID)
        check_all_objects(&check);
    if (check.verdict != VALID)
        *err = check.reason;
    return check.verdict;
}
