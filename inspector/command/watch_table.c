// SPDX-License-Identifier: MIT
#include "inspector/command/watch_table.h"

#include "inspector/command/watch_rows.h"
#include "inspector/command/worth.h"
#include "inspector/report/format.h"
#include "inspector/report/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What a report is about: one process, or all. */
struct subject {
    const struct watch_options *options;
    const struct watch_round *round;
    const struct watch_process *process; /* NULL: all */
    int64_t time_ms;
};

static bool of_traces(const struct subject *subject)
{
    return subject->options->traces.is_asked_for;
}

static void add_change(struct text *text, const struct subject *subject, int64_t change)
{
    char buffer[32];
    uint64_t size = change < 0 ? -(uint64_t)change : (uint64_t)change;

    text_addf(text, "%s%s", change < 0 ? "-" : "+",
              of_traces(subject) ? format_bytes(buffer, size) : format_count(buffer, size));
}

static bool add_rows(struct report *report, const struct subject *subject, struct growth *growth,
                     struct error *err)
{
    const struct watch_rows_mark mark = {.time_ms = subject->time_ms,
                                         .sample = subject->round->number,
                                         .pid = subject->process ? subject->process->pid : 0};

    return watch_rows_add(report, subject->options, &mark, growth, err);
}

static void add_time_facts(struct report *report, const struct subject *subject)
{
    char time[32];

    report_fact_text(report, "time", watch_time_for_machine(time, subject->time_ms));
    report_fact_number(report, "sample", UNIT_COUNT, subject->round->number);
}

static void add_round_facts(struct report *report, const struct watch_round *round)
{
    report_fact_milliseconds(report, "put_off_ms", round->put_off_milliseconds);
    report_fact_texts(report, "events", round->events.bytes, round->events.length);
}

static void add_growth_facts(struct report *report, const struct subject *subject,
                             const struct growth *growth)
{
    struct growth_row total = growth_total(growth);

    report_fact_number(report, of_traces(subject) ? "blocks" : "objects", UNIT_COUNT, total.count);
    report_fact_number(report, "bytes", UNIT_BYTES, total.bytes);
    report_fact_number(report, "growth.samples", UNIT_COUNT, growth_samples(growth));
    report_fact_number(report, "growth.since_last", UNIT_CHANGE, (uint64_t)total.since_last);
    report_fact_number(report, "growth.since_first", UNIT_CHANGE, (uint64_t)total.since_first);
    report_fact_number(report, "growth.per_hour", UNIT_CHANGE,
                       (uint64_t)watch_slope(total.slope_per_hour));
}

static void add_process_facts(struct report *report, const struct subject *subject, bool alone)
{
    const struct watch_process *process = subject->process;
    const struct snapshot *snapshot = &process->snapshot;
    bool fresh = process->outcome != WATCH_FAILED;

    add_time_facts(report, subject);
    report_fact_number(report, "target.pid", UNIT_COUNT, (uint64_t)process->pid);
    if (fresh) {
        report_fact_text(report, "target.executable", snapshot->origin.executable);
        report_fact_text(report, "target.version", snapshot->origin.version);
        report_fact_number(report, "target.resident_bytes", UNIT_BYTES,
                           snapshot->occasion.resident_bytes);
    }
    report_fact_number(report, "failed", UNIT_BOOL, process->outcome != WATCH_SAMPLED);
    if (process->outcome != WATCH_SAMPLED)
        report_fact_text(report, "error", process->why.text);
    if (alone)
        add_round_facts(report, subject->round);
    if (!fresh)
        return;
    report_fact_number(report, "complete", UNIT_BOOL, snapshot->occasion.complete);
    if (of_traces(subject))
        report_fact_number(report, "tracing", UNIT_BOOL, !process->is_untraced);
    report_fact_number(report, "new_program", UNIT_BOOL, process->is_new_program);
    report_fact_milliseconds(report, "pause_ms", snapshot->occasion.pause_milliseconds);
    report_fact_milliseconds(report, "stopped_ms", process->stopped_milliseconds);
    add_growth_facts(report, subject, process->growth);
}

static void begin_heading(struct text *text, const struct subject *subject)
{
    const struct watch_round *round = subject->round;
    char time[32], count[32];

    text_addf(text, "%s  sample %s", watch_time_for_person(time, round->time_ms),
              format_count(count, round->number));
    if (round->planned)
        text_addf(text, " of %s", format_count(count, round->planned));
    text_add(text, ": ");
}

static void add_growth_words(struct text *text, const struct subject *subject,
                             const struct growth *growth)
{
    struct growth_row total = growth_total(growth);
    char bytes[32];

    if (of_traces(subject))
        text_addf(text, "%s in ", format_bytes(bytes, total.bytes));
    add_things(text, total.count, of_traces(subject) ? "block" : "object");
    if (growth_samples(growth) == 1)
        return;
    text_add(text, " (");
    add_change(text, subject, total.since_last);
    text_add(text, " since the last, ");
    add_change(text, subject, total.since_first);
    text_add(text, " since the first)");
}

static void add_state(struct text *text, const struct subject *subject,
                      const struct watch_process *process)
{
    char pause[32];

    text_addf(text, "process %d", (int)process->pid);
    if (process->outcome == WATCH_FAILED) {
        text_addf(text, " FAILED: %s", process->why.text);
        return;
    }
    text_add(text, ", ");
    if (process->is_untraced)
        text_add(text, "does not trace its allocations");
    else
        add_growth_words(text, subject, process->growth);
    if (process->snapshot.occasion.stopped)
        text_addf(text, ", stood still for %s",
                  format_milliseconds(pause, process->snapshot.occasion.pause_milliseconds));
    else
        text_add(text, ", was not stopped");
}

static void note_text(struct report *report, struct text *text)
{
    if (!text->failed && text->length)
        report_note(report, text->bytes, text->length);
    report->failed |= text->failed;
    text_free(text);
}

/* What is to be said of a process beside its numbers. */
static void add_process_notes(struct report *report, const struct watch_process *process)
{
    struct text text = {0};

    if (process->is_new_program) {
        text_addf(&text, "Process %d runs another program now: its growth begins anew",
                  (int)process->pid);
        note_text(report, &text);
    }
    if (process->doubt.length) {
        text_addf(&text, "Process %d: %s", (int)process->pid, process->doubt.bytes);
        note_text(report, &text);
    }
    if (process->outcome == WATCH_UNSAVED) {
        text_addf(&text, "Process %d: NOT SAVED: %s", (int)process->pid, process->why.text);
        note_text(report, &text);
    }
}

static void add_lines(struct report *report, const struct text *lines)
{
    for (size_t at = 0; at < lines->length;) {
        const char *line = lines->bytes + at;
        report_note(report, line, strlen(line));
        at += strlen(line) + 1;
    }
}

static void add_round_notes(struct report *report, const struct subject *subject)
{
    const struct watch_round *round = subject->round;
    struct text text = {0};
    char time[32];

    if (round->number <= round->past_until)
        add_lines(report, &round->past);
    add_lines(report, &round->events);
    if (round->put_off_milliseconds > 0) {
        text_addf(&text,
                  "Put off by %s, so that it stands still for no more than %g %% of the "
                  "time (--max-share)",
                  format_milliseconds(time, round->put_off_milliseconds),
                  subject->options->max_share * 100);
        note_text(report, &text);
    }
}

static void set_heading(struct report *report, struct text *text)
{
    if (!text->failed)
        report_heading(report, text->bytes, text->length);
    report->failed |= text->failed;
    text_free(text);
}

static bool finish(struct report *ret, struct report *report, bool done)
{
    if (done)
        *ret = *report;
    else
        report_free(report);
    return done;
}

bool watch_table_process(struct report *ret, const struct watch_options *options,
                         const struct watch_round *round, const struct watch_process *process,
                         bool alone, struct error *err)
{
    bool fresh = process->outcome != WATCH_FAILED;
    bool has_table = fresh && !(process->is_untraced && options->format == FORMAT_TEXT);
    struct subject subject = {.options = options,
                              .round = round,
                              .process = process,
                              .time_ms =
                                  fresh ? process->snapshot.occasion.taken_ms : round->time_ms};
    struct report report;
    struct text heading = {0};

    watch_rows_init(&report, options, has_table);
    add_process_facts(&report, &subject, alone);
    if (alone)
        begin_heading(&heading, &subject);
    if (alone && !fresh)
        text_addf(&heading, "FAILED: %s", process->why.text);
    else
        add_state(&heading, &subject, process);
    set_heading(&report, &heading);
    add_process_notes(&report, process);
    if (alone)
        add_round_notes(&report, &subject);
    return finish(ret, &report, !has_table || add_rows(&report, &subject, process->growth, err));
}

/* Who takes part in the sum: sampled in this round, or before if this time it failed. */
static bool is_summed(const struct watch_process *process)
{
    return process->has_snapshot && process->outcome != WATCH_ENDED;
}

static void add_pids(struct report *report, const char *key, const struct watch_crew *crew,
                     bool failed)
{
    uint64_t *pids = calloc(crew->count + 1, sizeof(*pids));
    size_t count = 0;

    report->failed |= !pids;
    for (size_t i = 0; pids && i < crew->count; i++) {
        const struct watch_process *process = &crew->items[i];
        if (process->is_bystander || process->outcome == WATCH_ENDED)
            continue;
        if (failed ? process->outcome != WATCH_SAMPLED : is_summed(process))
            pids[count++] = (uint64_t)process->pid;
    }
    if (pids)
        report_fact_counts(report, key, pids, count);
    free(pids);
}

struct standstill {
    double longest, all; /* milliseconds */
    size_t processes;
};

static struct standstill standstill_of(const struct watch_crew *crew)
{
    struct standstill still = {0};

    for (size_t i = 0; i < crew->count; i++) {
        const struct watch_process *process = &crew->items[i];
        still.all += process->stopped_milliseconds;
        still.processes += is_summed(process) && !process->is_bystander;
        if (process->outcome != WATCH_FAILED && is_summed(process) &&
            process->snapshot.occasion.pause_milliseconds > still.longest)
            still.longest = process->snapshot.occasion.pause_milliseconds;
    }
    return still;
}

static void add_sum_facts(struct report *report, const struct subject *subject,
                          const struct watch_crew *crew, const struct growth *sum)
{
    const struct watch_round *round = subject->round;
    struct standstill still = standstill_of(crew);
    bool failed = round->why.kind != ERROR_NONE;

    add_time_facts(report, subject);
    add_pids(report, "targets", crew, false);
    add_pids(report, "failed_targets", crew, true);
    report_fact_number(report, "failed", UNIT_BOOL, failed);
    if (failed)
        report_fact_text(report, "error", round->why.text);
    add_round_facts(report, round);
    if (failed)
        return;
    report_fact_milliseconds(report, "pause_ms", still.longest);
    report_fact_milliseconds(report, "stopped_ms", still.all);
    add_growth_facts(report, subject, sum);
}

static void set_sum_heading(struct report *report, const struct subject *subject,
                            const struct watch_crew *crew, const struct growth *sum)
{
    struct standstill still = standstill_of(crew);
    struct text text = {0};
    char pause[32];

    begin_heading(&text, subject);
    if (subject->round->why.kind != ERROR_NONE) {
        text_addf(&text, "FAILED: %s", subject->round->why.text);
    } else {
        text_addf(&text, "%zu process%s, ", still.processes, still.processes == 1 ? "" : "es");
        add_growth_words(&text, subject, sum);
        text_addf(&text, ", one stood still for %s at most",
                  format_milliseconds(pause, still.longest));
    }
    set_heading(report, &text);
}

static void add_crew_notes(struct report *report, const struct subject *subject,
                           const struct watch_crew *crew)
{
    for (size_t i = 0; i < crew->count; i++) {
        const struct watch_process *process = &crew->items[i];
        struct text text = {0};
        if (process->is_bystander || process->outcome == WATCH_ENDED)
            continue;
        text_add(&text, "  ");
        add_state(&text, subject, process);
        if (process->outcome == WATCH_FAILED && process->has_snapshot)
            text_add(&text, "; its last counts stand");
        note_text(report, &text);
        add_process_notes(report, process);
    }
}

bool watch_table_sum(struct report *ret, const struct watch_options *options,
                     const struct watch_round *round, const struct watch_crew *crew,
                     struct growth *sum, struct error *err)
{
    bool failed = round->why.kind != ERROR_NONE;
    struct subject subject = {.options = options, .round = round, .time_ms = round->time_ms};
    struct report report;

    watch_rows_init(&report, options, !failed);
    add_sum_facts(&report, &subject, crew, sum);
    set_sum_heading(&report, &subject, crew, sum);
    add_crew_notes(&report, &subject, crew);
    add_round_notes(&report, &subject);
    return finish(ret, &report, failed || add_rows(&report, &subject, sum, err));
}
