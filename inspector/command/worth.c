// SPDX-License-Identifier: MIT
#include "inspector/command/worth.h"

#include "inspector/report/format.h"
#include "inspector/report/render.h"

#include <time.h>

const char *worth_doubt(const struct worth *worth)
{
    if (worth->asked->unstopped)
        return "UNVERIFIED";
    return worth->asked->verified && !worth->python->other_pythons ? NULL : "INCOMPLETE";
}

void worth_add_python(const struct python *python, struct report *report)
{
    report_fact_text(report, "target.interpreter", python->executable);
    report_fact_text(report, "target.version", python->version.text);
    report_fact_number(report, "target.debug_build", UNIT_BOOL, python->debug_build);
}

void worth_add_layout(const struct python *python, struct report *report)
{
    const struct layout_origin *origin = &python->layout_origin;

    report_fact_text(report, "target.layout.source", layout_source_name(origin->source));
    report_fact_text(report, "target.layout.file", origin->file);
    report_fact_number(report, "target.layout.cached", UNIT_BOOL, origin->cached);
    report_fact_number(report, "target.layout.confirmed_fields", UNIT_COUNT, origin->confirmed);
}

void worth_add_target(const struct worth *worth, struct report *report)
{
    report_fact_number(report, "target.pid", UNIT_COUNT, (uint64_t)worth->pid);
    report_fact_text(report, "target.executable", worth->executable);
    worth_add_python(worth->python, report);
    worth_add_layout(worth->python, report);
    report_fact_number(report, "target.threads", UNIT_COUNT, worth->asked->threads);
    report_fact_number(report, "target.interpreters", UNIT_COUNT, worth->verdict->interpreters);
    report_fact_number(report, "target.resident_bytes", UNIT_BYTES, worth->asked->resident_bytes);
}

void worth_add_facts(const struct worth *worth, struct report *report)
{
    const struct session_report *asked = worth->asked;

    report_fact_milliseconds(report, "open_ms", asked->open_milliseconds);
    report_fact_number(report, "stopped", UNIT_BOOL, !asked->unstopped);
    report_fact_milliseconds(report, "pause_ms", asked->pause_milliseconds);
    report_fact_number(report, "stops", UNIT_COUNT, asked->stops);
    report_fact_milliseconds(report, "stopped_ms", asked->stopped_milliseconds);
    report_fact_number(report, "copied_bytes", UNIT_BYTES, asked->copied_bytes);
    report_fact_number(report, "in_pieces", UNIT_BOOL, asked->in_pieces);
    report_fact_number(report, "complete", UNIT_BOOL, !worth_doubt(worth));
    report_fact_number(report, "links.verified", UNIT_COUNT, worth->verdict->links_verified);
    report_fact_number(report, "links.broken", UNIT_COUNT, worth->verdict->links_broken);
    report_fact_number(report, "doubts.collecting", UNIT_BOOL, worth->verdict->collecting);
    report_fact_number(report, "doubts.lists_cut", UNIT_COUNT, worth->verdict->lists_cut);
    report_fact_number(report, "doubts.unreadable_types", UNIT_COUNT, worth->verdict->bad_types);
    report_fact_number(report, "doubts.impossible_sizes", UNIT_COUNT, worth->verdict->bad_sizes);
    report_fact_number(report, "doubts.references_cut", UNIT_BOOL, worth->verdict->references_cut);
    report_fact_number(report, "doubts.bad_references", UNIT_COUNT, worth->verdict->bad_references);
    report_fact_number(report, "doubts.memory_missed", UNIT_COUNT, asked->missed);
    report_fact_number(report, "doubts.swapped_pages", UNIT_COUNT, asked->swapped_pages);
    report_fact_number(report, "doubts.other_pythons", UNIT_COUNT, worth->python->other_pythons);
}

void add_things(struct text *text, uint64_t count, const char *thing)
{
    char number[32];

    text_addf(text, "%s %s%s", format_count(number, count), thing, count == 1 ? "" : "s");
}

void add_strays(struct text *text, uint64_t count)
{
    if (!count)
        return;
    text_add(text, ", ");
    add_things(text, count, "place");
    text_add(text, count == 1 ? " that is no object's" : " that are no object's");
}

static void add_doubt(struct text *text, bool anyway, uint64_t count, const char *thing,
                      const char *rest)
{
    if (!count && !anyway)
        return;
    text_add(text, ", ");
    add_things(text, count, thing);
    text_add(text, rest);
}

/* The gravest first. Of what was not stopped, that no link was broken is worth saying too. */
void worth_begin(const struct worth *worth, struct text *text)
{
    const struct heap_verdict *verdict = worth->verdict;
    const struct session_report *asked = worth->asked;
    bool unstopped = asked->unstopped;

    if (!worth_doubt(worth))
        return;
    text_add(text, worth_doubt(worth));
    if (unstopped)
        text_add(text, ", read while the process ran (--no-stop)");
    if (verdict->collecting)
        text_add(text, unstopped ? ", the garbage collector was at work"
                                 : ", the garbage collector was at work all the time (try again "
                                   "later)");
    add_doubt(text, false, verdict->lists_cut, "list", " could not be followed to the end");
    add_doubt(text, unstopped, verdict->links_broken, "link", " without a matching back link");
    if (verdict->references_cut)
        text_add(text, ", more references than the memory has room for");
    add_doubt(text, false, verdict->bad_types, "object", " without a readable type");
    add_doubt(text, false, verdict->bad_sizes, "object", " of a size that cannot be");
    add_doubt(text, false, verdict->bad_references, "reference", " to what is no object");
    add_doubt(text, false, asked->missed, "time", " memory could not be read");
    add_doubt(text, false, worth->python->other_pythons, "other Python",
              " that the process has loaded besides, with objects of its own");
    add_doubt(text, false, asked->swapped_pages, "page", " in swap (--read-swapped reads them)");
    text_add(text, ": ");
}

static void add_pause(const struct session_report *asked, struct text *text)
{
    char most[32], all[32];

    if (asked->unstopped)
        text_add(text, "was not stopped");
    else if (asked->stops == 1)
        text_addf(text, "stood still for %s", format_milliseconds(most, asked->pause_milliseconds));
    else
        text_addf(text, "was stopped %u times, for %s at most and %s in all", asked->stops,
                  format_milliseconds(most, asked->pause_milliseconds),
                  format_milliseconds(all, asked->stopped_milliseconds));
    if (asked->was_stopped)
        text_add(text, "; it had been stopped before and still is");
    if (asked->in_pieces)
        text_add(text, "; copied in pieces, for want of memory");
}

void worth_end(const struct worth *worth, struct text *text)
{
    const struct session_report *asked = worth->asked;
    const char *version = worth->python->version.text;
    char resident[32];

    if (worth_doubt(worth) || worth->verdict->links_verified) { /* else none was needed */
        text_add(text, worth_doubt(worth) ? ", " : ", all ");
        add_things(text, worth->verdict->links_verified, "link");
        text_add(text, asked->unstopped ? " matched" : " verified");
    }
    text_addf(text, "; process %d (CPython %s", (int)worth->pid,
              *version ? version : "of unknown version");
    if (layout_is_borrowed(&worth->python->layout_origin)) {
        text_add(text, " by ");
        layout_origin_describe(&worth->python->layout_origin, text);
    }
    text_add(text, ", ");
    add_things(text, asked->threads, "thread");
    text_addf(text, ", %s resident) ", format_bytes(resident, asked->resident_bytes));
    add_pause(asked, text);
}

void add_time(struct text *text, int64_t milliseconds)
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;
    char when[64];

    if (localtime_r(&seconds, &parts) && strftime(when, sizeof(when), "%F %T", &parts))
        text_addf(text, " at %s", when);
}
