// SPDX-License-Identifier: MIT
#include "inspector/command/traces_taken.h"

#include "inspector/command/moment.h"
#include "inspector/command/options.h"
#include "inspector/command/questions.h"
#include "inspector/command/tracing_words.h"
#include "inspector/command/worth.h"
#include "inspector/report/format.h"
#include "inspector/report/render.h"
#include "inspector/store/traces_file.h"

#include <limits.h>
#include <string.h>

static void add_traced(const struct traces *traces, bool is_tracing, struct report *facts)
{
    report_fact_number(facts, "tracing", UNIT_BOOL, is_tracing);
    report_fact_number(facts, "traceback_limit", UNIT_COUNT, traces->traceback_limit);
    report_fact_number(facts, "traced_bytes", UNIT_BYTES, traces->traced_memory);
    report_fact_number(facts, "peak_bytes", UNIT_BYTES, traces->peak);
    report_fact_number(facts, "tracemalloc_bytes", UNIT_BYTES, traces->own_memory);
    report_fact_number(facts, "blocks", UNIT_COUNT, traces->blocks);
    report_fact_number(facts, "bytes", UNIT_BYTES, traces->bytes);
    report_fact_number(facts, "tracebacks", UNIT_COUNT, traces->stack_count);
}

/* "4,012,345 blocks of 1.2 GiB from 5,123 tracebacks" */
static void say_traced(const struct traces *traces, struct text *text)
{
    char bytes[32];

    add_things(text, traces->blocks, "block");
    text_addf(text, " of %s from ", format_bytes(bytes, traces->bytes));
    add_things(text, traces->stack_count, "traceback");
}

/* Nothing was unreadable, and yet it is not what tracemalloc itself has counted. */
static void say_mismatch(const struct traces_verdict *verdict, struct text *text)
{
    char bytes[32];

    if (verdict->blocks.broken || tracemalloc_is_verified(&verdict->state, &verdict->blocks))
        return;
    text_add(text, "tracemalloc itself counts ");
    add_things(text, verdict->state.traces, "block");
    text_addf(text, " of %s, ", format_bytes(bytes, verdict->state.traced_memory));
}

static void say_doubts(const struct traces_verdict *verdict, struct text *text)
{
    uint64_t broken = verdict->blocks.broken;
    char number[32];

    if (verdict->state.is_locked)
        text_add(text, "the tables were being changed, ");
    if (broken)
        text_addf(text, "%s %s of the tables could not be read, ", format_count(number, broken),
                  broken == 1 ? "entry" : "entries");
    say_mismatch(verdict, text);
    if (verdict->unreadable) {
        add_things(text, verdict->unreadable, "block");
        text_add(text, " without a readable traceback, ");
    }
}

static void describe(struct traces_taken *taken, const struct worth *worth,
                     const struct traces_verdict *verdict)
{
    worth_add_target(worth, &taken->facts);
    add_traced(&taken->traces, taken->is_tracing, &taken->facts);
    worth_add_facts(worth, &taken->facts); /* which end in doubts */
    report_fact_number(&taken->facts, "doubts.locked", UNIT_BOOL, verdict->state.is_locked);
    report_fact_number(&taken->facts, "doubts.broken_entries", UNIT_COUNT, verdict->blocks.broken);
    report_fact_number(&taken->facts, "doubts.unreadable_tracebacks", UNIT_COUNT,
                       verdict->unreadable);
    worth_begin(worth, &taken->worth);
    if (taken->is_tracing) {
        say_doubts(verdict, &taken->worth);
        say_traced(&taken->traces, &taken->worth);
    } else {
        say_not_tracing(worth->pid, &taken->worth);
        text_add(&taken->worth, "Nothing was read");
    }
    worth_end(worth, &taken->worth);
}

static bool take_over(struct traces_taken *taken, struct traces_question *question,
                      const struct session_report *asked, struct error *err)
{
    const struct session *session = question->session;
    struct heap_verdict heap =
        question->with_types ? question->types.verdict.heap : (struct heap_verdict){0};
    struct worth worth = {.pid = session_pid(session),
                          .python = session_python(session),
                          .verdict = &heap,
                          .asked = asked};
    struct moment_notes notes;

    if (!heap.interpreters)
        heap.interpreters = 1;
    session_executable(session, worth.executable, sizeof(worth.executable));
    taken->traces = question->traces;
    question->traces = (struct traces){0};
    taken->types = question->types;
    question->types = (struct trace_types){0};
    taken->is_tracing = question->verdict.state.is_tracing;
    taken->is_complete = !worth_doubt(&worth) && traces_are_verified(&question->verdict);
    if (!moment_note(session, asked, &notes, err))
        return false;
    notes.occasion.complete = taken->is_complete;
    describe(taken, &worth, &question->verdict);
    taken->sources = source_lines_open(session_process(session));
    return traces_set_origin(&taken->traces, &notes.origin, &notes.occasion, err);
}

bool traces_taken_ask(struct traces_taken *ret, struct session *session, bool with_types,
                      struct progress *progress, struct error *err)
{
    struct traces_question question = {
        .session = session, .with_types = with_types, .progress = progress};
    struct session_report asked;

    bool done = session_ask(session, question_traces, &question, &asked, err) &&
                take_over(ret, &question, &asked, err);
    traces_question_free(&question);
    return done;
}

static bool take_of_process(struct traces_taken *taken, const char *word, bool with_types,
                            const struct session_options *options, struct error *err)
{
    struct session *session;
    uint64_t pid;

    if (!parse_count(word, INT_MAX, &pid) || !pid)
        return error_set(err, ERROR_USAGE, "'%.64s' is no PID, and a file of that name is ./%.64s",
                         word, word);
    if (!session_open(&session, (pid_t)pid, options, err))
        return false;
    bool done = traces_taken_ask(taken, session, with_types, options->progress, err);
    session_close(session);
    return done;
}

/* Below the root of the process that they are of, if that still runs. */
static struct source_lines *sources_of_origin(const struct traces *traces)
{
    struct process_identity identity;
    struct source_lines *sources = NULL;
    struct process process;
    struct error ignored;

    if (!traces->has_origin || !process_open(&process, traces->origin.pid, &ignored))
        return source_lines_open(NULL);
    if (process_identify(&process, &identity)) {
        struct origin origin = origin_of_identity(&identity);
        if (origin_is_same(&origin, &traces->origin))
            sources = source_lines_open(&process);
    }
    process_close(&process);
    return sources ? sources : source_lines_open(NULL);
}

static bool take_of_file(struct traces_taken *taken, const char *path, struct error *err)
{
    struct traces *traces = &taken->traces;

    if (!traces_file_load(path, traces, err))
        return false;
    taken->is_tracing = true;
    taken->is_complete = !traces->has_origin || traces->occasion.complete;
    taken->sources = sources_of_origin(traces);
    if (traces->has_origin) {
        report_fact_number(&taken->facts, "target.pid", UNIT_COUNT, (uint64_t)traces->origin.pid);
        report_fact_text(&taken->facts, "target.executable", traces->origin.executable);
        report_fact_text(&taken->facts, "target.version", traces->origin.version);
        report_fact_number(&taken->facts, "taken_ms", UNIT_CHANGE,
                           (uint64_t)traces->occasion.taken_ms);
    }
    add_traced(traces, true, &taken->facts);
    if (!taken->is_complete)
        text_add(&taken->worth, "INCOMPLETE, not all could be read when they were saved: ");
    say_traced(traces, &taken->worth);
    if (traces->has_origin)
        text_addf(&taken->worth, "; of process %d (CPython %s)", (int)traces->origin.pid,
                  traces->origin.version);
    return true;
}

bool traces_taken_get(struct traces_taken *ret, const char *word, bool with_types,
                      const struct session_options *options, struct error *err)
{
    *ret = (struct traces_taken){0};
    report_init(&ret->facts, "statistics", NULL, 0);
    return moment_is_process(word) ? take_of_process(ret, word, with_types, options, err)
                                   : take_of_file(ret, word, err);
}

void traces_taken_free(struct traces_taken *taken)
{
    traces_free(&taken->traces);
    trace_types_free(&taken->types);
    report_free(&taken->facts);
    text_free(&taken->worth);
    source_lines_close(taken->sources);
    *taken = (struct traces_taken){0};
}
