// SPDX-License-Identifier: MIT
/* What `compare` says of what it compared: the lines below the table, and the last one. */
#include "inspector/command/compared.h"
#include "inspector/command/moment.h"
#include "inspector/command/worth.h"
#include "inspector/report/render.h"
#include "inspector/store/census_name.h"

#include <limits.h>
#include <string.h>
#include <time.h>

enum { NAMED_TYPES = 10, NAMED_CROSSINGS = 3, LONGEST_NAME = 256 };

bool compared_is_complete(const struct compared *compared)
{
    for (size_t i = 0; i < compared->count; i++) {
        if (!compared->snapshots[i].occasion.complete)
            return false;
    }
    return true;
}

uint64_t compared_reused_at_most(const struct compared *compared)
{
    const struct comparison *comparison = &compared->comparison;

    if (comparison->lack != LACKS_NOTHING)
        return 0;
    return compared->count == 2 ? comparison->objects - comparison->fresh_objects
                                : comparison->fresh_objects;
}

/* A history of several processes may have the one that is meant. */
static void suggest_member(const struct compared *compared, size_t first, size_t second,
                           struct text *text)
{
    size_t file = moment_is_process(compared->names[first]) ? second : first;
    size_t process = file == first ? second : first;
    char path[PATH_MAX];
    struct error ignored;

    if (!moment_is_process(compared->names[process]) || moment_is_process(compared->names[file]))
        return;
    size_t number = moment_find(compared->names[file], &compared->snapshots[process].origin);
    if (number && census_name_path(compared->names[file], path, sizeof(path), &ignored))
        text_addf(text, "; the last of %s is %s@%zu", compared->names[process], path, number);
}

static void describe_processes(const struct compared *compared, size_t first, size_t second,
                               struct text *text)
{
    const struct origin *a = &compared->snapshots[first].origin;
    const struct origin *b = &compared->snapshots[second].origin;

    text_add(text, "these are two ");
    if (a->pid != b->pid)
        text_add(text, "processes: ");
    else if (strcmp(a->boot, b->boot) != 0)
        text_add(text, "processes, and the machine was started anew between them: ");
    else if (a->start_time != b->start_time)
        text_add(text, "processes that had the same number: ");
    else
        text_add(text, "programs, one process became the other (exec): ");
    for (size_t i = first;; i = second) {
        text_addf(text, "%d", (int)compared->snapshots[i].origin.pid);
        if (!moment_is_process(compared->names[i]))
            text_addf(text, " (%s)", compared->names[i]);
        if (i == second)
            break;
        text_add(text, " and ");
    }
    suggest_member(compared, first, second, text);
}

void compared_describe_lack(const struct compared *compared, size_t first, size_t second,
                            struct text *text)
{
    const struct snapshot *a = &compared->snapshots[first], *b = &compared->snapshots[second];

    if (comparison_lack(a, b) == LACKS_PROCESS)
        describe_processes(compared, first, second, text);
    else
        text_addf(text, "%s has counts alone, its addresses were dropped to keep the file small",
                  compared->names[a->has_objects ? second : first]);
}

static void take_note(struct report *report, struct text *text)
{
    if (text->length && !text->failed)
        report_note(report, text->bytes, text->length);
    report->failed |= text->failed;
    text_clear(text);
}

bool compared_is_backwards(const struct compared *compared, size_t *ret_first, size_t *ret_second)
{
    for (size_t i = 1; i < compared->count; i++) {
        const struct snapshot *before = &compared->snapshots[i - 1];
        const struct snapshot *after = &compared->snapshots[i];
        if (!origin_is_same(&before->origin, &after->origin) ||
            before->occasion.running_ms <= after->occasion.running_ms)
            continue;
        *ret_first = i - 1;
        *ret_second = i;
        return true;
    }
    return false;
}

void compared_warn(struct compared *compared)
{
    const struct compare_options *options = &compared->options;
    struct text *warnings = &compared->warnings;
    size_t first, second;

    if (compared->comparison.lack != LACKS_NOTHING) {
        text_add(warnings, "Counts alone are compared, since ");
        compared_describe_lack(compared, 0, 1, warnings);
        text_add_char(warnings, '\0');
    }
    if (compared_is_backwards(compared, &first, &second)) {
        text_addf(warnings, "BACKWARDS: %s was taken after %s", compared->names[first],
                  compared->names[second]);
        text_add_char(warnings, '\0');
    }
    for (size_t i = 0; compared->count == 2 && i < options->threshold_count; i++) {
        if (threshold_fits_none(&options->thresholds[i], &compared->comparison, warnings))
            text_add_char(warnings, '\0');
    }
}

/* A line each of texts that are ended by a NUL. */
static void note_lines(const struct text *lines, const char *before, const char *after,
                       struct report *report, struct text *text)
{
    for (size_t at = 0; at < lines->length; at += strlen(lines->bytes + at) + 1) {
        text_addf(text, "%s%s%s", before, lines->bytes + at, after);
        take_note(report, text);
    }
}

static void describe_reuse(const struct compared *compared, struct text *text)
{
    uint64_t most = compared_reused_at_most(compared);
    char count[32];

    if (most)
        text_addf(text,
                  "A new object at the address of a freed one of its type counts as %s: at most %s "
                  "%s.",
                  compared->count == 2 ? "old" : "the same", format_count(count, most),
                  most == 1 ? "does" : "do");
}

static void describe_inexact(const struct comparison *comparison, struct text *text)
{
    size_t count = 0, named = 0;

    for (size_t i = 0; i < comparison->row_count; i++)
        count += !comparison->rows[i].is_exact;
    if (!count)
        return;
    text_add(text, "The bytes of ");
    add_things(text, count, "type");
    text_addf(text, " may be others, since %s a __sizeof__ of %s own: ",
              count == 1 ? "it has" : "they have", count == 1 ? "its" : "their");
    for (size_t i = 0; i < comparison->row_count && named < NAMED_TYPES; i++) {
        const struct comparison_row *row = &comparison->rows[i];
        if (row->is_exact)
            continue;
        text_add(text, named++ ? ", " : "");
        text_add_bytes(text, row->type,
                       row->type_length < LONGEST_NAME ? row->type_length : LONGEST_NAME);
    }
    text_add(text, named < count ? ", ..." : "");
}

void compared_add_notes(const struct compared *compared, struct report *report)
{
    struct text text = {0};

    note_lines(&compared->crossed, "CROSSED: ", "", report, &text);
    note_lines(&compared->warnings, "", ".", report, &text);
    describe_reuse(compared, &text);
    take_note(report, &text);
    if (compared->options.with_bytes || compared->count == 3)
        describe_inexact(&compared->comparison, &text);
    take_note(report, &text);
    text_free(&text);
}

/* In local time. */
static void describe_file(const char *name, const struct snapshot *snapshot, struct text *text)
{
    if (!snapshot->occasion.complete)
        text_add(text, snapshot->occasion.stopped ? "INCOMPLETE: " : "UNVERIFIED: ");
    text_addf(text, "%s has ", name);
    add_things(text, snapshot->objects, "object");
    text_addf(text, " of process %d (CPython %s)", (int)snapshot->origin.pid,
              snapshot->origin.version);
    add_time(text, snapshot->occasion.taken_ms);
}

/* The first of them; those who read the answer by machine look for nothing else. */
static void describe_crossed(const struct text *crossed, struct text *text)
{
    size_t named = 0, left = 0;

    for (size_t at = 0; at < crossed->length; at += strlen(crossed->bytes + at) + 1) {
        if (named == NAMED_CROSSINGS) {
            left++;
            continue;
        }
        text_addf(text, "%s%s; ", named++ ? "" : "CROSSED: ", crossed->bytes + at);
    }
    if (left)
        text_addf(text, "and %zu more; ", left);
}

static void describe_fresh(const struct compared *compared, struct text *text)
{
    const struct comparison *comparison = &compared->comparison;
    uint64_t count = 0;

    for (size_t i = 0; i < comparison->row_count; i++) {
        if (compared_wants(compared, &comparison->rows[i]))
            count += comparison->rows[i].fresh_count;
    }
    add_things(text, count, compared->count == 2 ? "new object" : "suspect");
    text_add(text, compared->options.type_count ? " of --type; " : "; ");
}

void compared_describe(const struct compared *compared, struct text *text)
{
    describe_crossed(&compared->crossed, text);
    for (size_t at = 0; at < compared->warnings.length;
         at += strlen(compared->warnings.bytes + at) + 1)
        text_addf(text, "%s; ", compared->warnings.bytes + at);
    if (compared->comparison.lack == LACKS_NOTHING)
        describe_fresh(compared, text);
    for (size_t i = 0; i < compared->count; i++) {
        const struct text *worth = &compared->worth[i];
        text_add(text, i ? "; " : "");
        if (worth->length)
            text_add_bytes(text, worth->bytes, worth->length);
        else
            describe_file(compared->names[i], &compared->snapshots[i], text);
    }
}
