// SPDX-License-Identifier: MIT
/*
 * What is read of tracemalloc's tables is what tracemalloc says of itself in the next statement:
 * every block, its traceback, the counters; and where single objects were allocated.
 */
#include "inspector/command/questions.h"
#include "tests/support/interpreter_copy.h"
#include "tests/support/judge.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OBJECTS = 1000 };

/* What the question works out besides: the whole answer, as the target reads it. */
struct dump {
    uint64_t objects[OBJECTS];
    size_t count;
    struct text text;
};

static void read_objects(struct dump *dump, const struct judge *judge)
{
    size_t size;
    unsigned char *bytes = scratch_read(&judge->scratch, "objects", &size);
    char *end, *at = realloc(bytes, size + 1);

    cr_assert(at);
    bytes = (unsigned char *)at;
    at[size] = '\0';
    for (; dump->count < OBJECTS && *at; at = end + 1)
        dump->objects[dump->count++] = strtoull(at, &end, 16);
    cr_assert_eq(dump->count, OBJECTS);
    free(bytes);
}

static void add_files(struct text *text, const struct traces *traces, const struct text *more)
{
    text_add(text, ", \"files\": [");
    for (size_t i = 0; i < traces->file_count; i++) {
        text_add(text, i ? ", \"" : "\"");
        for (size_t j = 0; j < traces->files[i].length; j++)
            text_addf(text, "%02x", (unsigned char)traces->files[i].name[j]);
        text_add_char(text, '"');
    }
    text_add_bytes(text, more->bytes, more->length);
    text_add_char(text, ']');
}

static void add_stacks(struct text *text, const struct traces *traces)
{
    text_add(text, ", \"stacks\": [");
    for (size_t i = 0; i < traces->stack_count; i++) {
        const struct trace_stack *stack = &traces->stacks[i];
        text_addf(text, "%s[%u, [", i ? ",\n" : "", stack->all_frames);
        for (uint32_t j = 0; j < stack->frames; j++) {
            const struct trace_frame *frame = &traces->frames[stack->first + j];
            text_addf(text, "%s[%u, %u]", j ? ", " : "", frame->file, frame->line);
        }
        text_add(text, "]]");
    }
    text_add_char(text, ']');
}

static void add_rows(struct text *text, const struct traces *traces)
{
    text_add(text, ", \"rows\": [");
    for (size_t i = 0; i < traces->row_count; i++) {
        const struct trace_row *row = &traces->rows[i];
        text_addf(text, "%s[%u, %u, %" PRIu64 ", %" PRIu64 "]", i ? ",\n" : "", row->domain,
                  row->stack, row->size, row->count);
    }
    text_add_char(text, ']');
}

/* Files of objects come after those of the traces. */
static void add_object(struct text *text, struct text *files, size_t *file_count,
                       const struct reader *reader, const struct tracemalloc *state,
                       uint64_t address)
{
    const struct type *type = reader_type_of(reader, address);
    struct traced_block block;
    struct traced_stack stack;

    if (!type ||
        !tracemalloc_find_block(reader, state, 0, tracemalloc_block_of(reader, type, address),
                                &block) ||
        !tracemalloc_read_stack(reader, block.traceback, &stack)) {
        text_add(text, "null");
        return;
    }
    text_addf(text, "[%u, [", stack.all_frames);
    for (uint32_t i = 0; i < stack.frames; i++) {
        struct traced_frame frame;
        struct text name = {0};
        cr_assert(tracemalloc_read_frame(reader, &stack, i, &frame));
        cr_assert(tracemalloc_read_file(reader, frame.file, &name));
        text_add(files, ", \"");
        for (size_t j = 0; j < name.length; j++)
            text_addf(files, "%02x", (unsigned char)name.bytes[j]);
        text_add_char(files, '"');
        text_free(&name);
        text_addf(text, "%s[%zu, %u]", i ? ", " : "", (*file_count)++, frame.line);
    }
    text_add(text, "]]");
}

static bool print_answer(void *context, const struct traces *traces,
                         const struct traces_verdict *verdict, const struct reader *reader,
                         struct error *err)
{
    struct dump *dump = context;
    struct text *text = &dump->text, files = {0};
    size_t file_count = traces->file_count;

    text_clear(text);
    text_addf(text,
              "{\"limit\": %u, \"traced\": %" PRIu64 ", \"peak\": %" PRIu64 ", \"memory\": %" PRIu64
              ", \"objects\": [",
              traces->traceback_limit, traces->traced_memory, traces->peak, traces->own_memory);
    for (size_t i = 0; i < dump->count; i++) {
        text_add(text, i ? ",\n" : "");
        add_object(text, &files, &file_count, reader, &verdict->state, dump->objects[i]);
    }
    text_add_char(text, ']');
    add_files(text, traces, &files);
    add_stacks(text, traces);
    add_rows(text, traces);
    text_add(text, "}\n");
    text_free(&files);
    return !text->failed || error_memory(err);
}

static struct session *open_session(const struct judge *judge)
{
    struct session_options options = {.progress = NULL};
    struct session *session;
    struct error err;

    cr_assert(session_open(&session, judge->pid, &options, &err), "%s: %s", judge->name, err.text);
    return session;
}

/* Asks, and leaves the answer where the target looks for it. */
static void ask(const struct judge *judge)
{
    struct dump *dump = calloc(1, sizeof(*dump));
    struct session *session = open_session(judge);
    struct traces_question question = {.session = session, .answer = print_answer, .context = dump};
    struct session_report report;
    struct error err;

    cr_assert(dump);
    read_objects(dump, judge);
    cr_assert(session_ask(session, question_traces, &question, &report, &err), "%s: %s",
              judge->name, err.text);
    cr_expect(report.verified,
              "%s: %" PRIu64 " of %" PRIu64 " blocks, %" PRIu64 " broken, %" PRIu64
              " unreadable, %" PRIu64 " missed",
              judge->name, question.verdict.blocks.blocks, question.verdict.state.traces,
              question.verdict.blocks.broken, question.verdict.unreadable, report.missed);
    cr_expect_eq(report.stops, 1);
    cr_expect(question.verdict.state.is_tracing);
    cr_expect_not(question.verdict.state.is_locked);
    scratch_write(&judge->scratch, "answer", dump->text.bytes);
    traces_question_free(&question);
    session_close(session);
    text_free(&dump->text);
    free(dump);
}

static void judge_traced(const struct interpreter *python, const char *limit, const char *first,
                         struct program *findings, char *name, size_t size)
{
    struct judge judge;

    setenv("PYTHONTRACEMALLOC", limit, 1);
    judge_start(&judge, python, "traced.py",
                (const char *const[]){first, "@objects", "@answer", NULL});
    unsetenv("PYTHONTRACEMALLOC");
    ask(&judge);
    snprintf(name, size, "%s, limit %s", judge.name, limit);
    judge_end(&judge, findings);
}

ParameterizedTestParameters(tracemalloc, blocks_are_those_that_it_tells)
{
    return pythons_each(true);
}

ParameterizedTest(size_t *index, tracemalloc, blocks_are_those_that_it_tells, .timeout = 600)
{
    static const char *const limits[] = {"1", "5", "25"};
    struct interpreter python = pythons_get(index);
    size_t count = sizeof(limits) / sizeof(limits[0]);

    /* Debug builds are slow, and no other in this. */
    for (size_t i = python.debug_build ? count - 1 : 0; i < count; i++) {
        struct program findings;
        char name[256];
        judge_traced(&python, limits[i], "traces", &findings, name, sizeof(name));
        cr_expect(
            program_holds(&findings,
                          "answer[\"missing\"] == answer[\"extra\"] == answer[\"wrong_objects\"] "
                          "== 0 and answer[\"right_limit\"] and answer[\"blocks\"] > 10000 and "
                          "answer[\"files\"] > 8 and answer[\"domains\"] == 6 and "
                          "answer[\"objects\"] == 1000 and answer[\"known\"] > 500"),
            "%s: %s", name, findings.out);
        program_free(&findings);
    }
}

ParameterizedTestParameters(tracemalloc, counters_are_those_that_it_tells)
{
    return pythons_each(false);
}

ParameterizedTest(size_t *index, tracemalloc, counters_are_those_that_it_tells, .timeout = 600)
{
    static const char *const firsts[] = {"traced", "memory"};
    struct interpreter python = pythons_get(index);

    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        struct program findings;
        char name[256];
        judge_traced(&python, "7", firsts[i], &findings, name, sizeof(name));
        cr_expect(program_holds(&findings, "answer[\"right_numbers\"] and answer[\"right_limit\"]"),
                  "%s, %s: %s", name, firsts[i], findings.out);
        program_free(&findings);
    }
}

/* What is asked of a stripped copy, which traces if it has a limit; false: it was refused. */
static bool ask_copy(const struct interpreter *python, int how, const char *limit,
                     struct traces_verdict *ret, bool *ret_same_build, struct error *err)
{
    struct session_options options = {.progress = NULL};
    struct interpreter_copy copy;
    struct session *session;
    struct session_report report;
    struct target target;

    interpreter_copy_make(&copy, python, how);
    if (limit)
        setenv("PYTHONTRACEMALLOC", limit, 1);
    target_start(&target, &copy.python, "bare");
    unsetenv("PYTHONTRACEMALLOC");
    cr_assert(session_open(&session, target.pid, &options, err), "%s: %s", target.name, err->text);
    *ret_same_build = session_python(session)->layout_origin.same_build;
    struct traces_question question = {.session = session};
    bool done = session_ask(session, question_traces, &question, &report, err);
    if (done) {
        cr_expect(report.verified, "%s", target.name);
        *ret = question.verdict;
    }
    traces_question_free(&question);
    session_close(session);
    target_end(&target);
    interpreter_copy_remove(&copy);
    return done;
}

/* Up to 3.11 the tables hang on static variables. */
static bool has_statics(const struct interpreter *python)
{
    return python->minor <= 11;
}

ParameterizedTestParameters(tracemalloc, a_stripped_python_is_read_or_refused)
{
    return pythons_each(false);
}

ParameterizedTest(size_t *index, tracemalloc, a_stripped_python_is_read_or_refused, .timeout = 600)
{
    struct interpreter python = pythons_get(index);
    struct traces_verdict verdict;
    struct error err;
    bool same_build;

    bool done =
        ask_copy(&python, COPY_STRIPPED | COPY_NO_BUILD_ID, "3", &verdict, &same_build, &err);
    cr_expect_not(same_build);
    cr_expect_eq(done, !has_statics(&python), "%s: %s", python.name, done ? "" : err.text);
    if (done) {
        cr_expect(verdict.state.is_tracing && verdict.blocks.blocks > 1000, "%s", python.name);
        return;
    }
    cr_expect_eq(err.kind, ERROR_PYTHON);
    cr_expect(strstr(err.text, "-dbg") && strstr(err.text, "--debug-file"), "%s: %s", python.name,
              err.text);

    /* That it does not trace is known by the one symbol that is exported. */
    done = ask_copy(&python, COPY_STRIPPED | COPY_NO_BUILD_ID, NULL, &verdict, &same_build, &err);
    cr_expect_eq(done, python.minor >= 8, "%s: %s", python.name, done ? "" : err.text);
    cr_expect(!done || !verdict.state.is_tracing, "%s", python.name);
}

ParameterizedTestParameters(tracemalloc, a_bundled_table_of_the_build_knows_the_variables)
{
    return pythons_each(false);
}

ParameterizedTest(size_t *index, tracemalloc, a_bundled_table_of_the_build_knows_the_variables,
                  .timeout = 600)
{
    struct interpreter python = pythons_get(index);
    struct traces_verdict verdict;
    struct error err;
    bool same_build;

    bool done = ask_copy(&python, COPY_STRIPPED, "3", &verdict, &same_build, &err);
    if (!same_build)
        cr_skip("of %s there is no table, or a debug file", python.name);
    cr_expect(done && verdict.state.is_tracing && verdict.blocks.blocks > 1000, "%s: %s",
              python.name, done ? "" : err.text);
}
