// SPDX-License-Identifier: MIT
#include "inspector/command/command.h"

#include "inspector/command/graph_worth.h"
#include "inspector/command/graphviz.h"
#include "inspector/command/questions.h"
#include "inspector/command/refs_diagram.h"
#include "inspector/command/refs_options.h"
#include "inspector/command/tracing_words.h"
#include "inspector/command/worth.h"

#include <unistd.h>

enum { MOST_STRAYS = 3 /* that are told of */ };

/* The question */

struct refs_question {
    const struct refs_options *options;
    struct session *session;
    const struct addresses *addresses;
    struct graph_question graph;
    struct refs_answer answer;
};

/* What is no node may lie within one. */
static bool find_roots(struct refs_question *question, const struct graph *graph,
                       const struct reader *reader, struct error *err)
{
    const struct addresses *addresses = question->addresses;
    struct refs_answer *answer = &question->answer;
    struct instances instances = {0};
    struct reach_verdict verdict;

    answer->root_count = answer->stray_count = 0;
    for (size_t i = 0; i < addresses->count; i++) {
        if (graph_find(graph, addresses->items[i]) < GRAPH_NONE)
            answer->roots[answer->root_count++] = addresses->items[i];
        else
            answer->strays[answer->stray_count++].asked = addresses->items[i];
    }
    bool done = !answer->stray_count ||
                lookup(reader, answer->strays, answer->stray_count, &instances, &verdict, err);
    instances_free(&instances);
    for (size_t i = 0; done && i < answer->stray_count; i++) {
        const struct finding *stray = &answer->strays[i];
        answer->is_drawn[i] =
            finding_is_object(stray) && graph_find(graph, stray->object) < GRAPH_NONE;
        if (answer->is_drawn[i])
            answer->roots[answer->root_count++] = stray->object;
    }
    return done;
}

static bool draw(void *context, const struct graph *graph, const struct reader *reader,
                 struct error *err)
{
    struct refs_question *question = context;
    struct refs_answer *answer = &question->answer;
    struct drawing_options options = question->options->drawing;

    options.learning = session_is_learning(question->session);
    drawing_free(&answer->drawing);
    return find_roots(question, graph, reader, err) &&
           drawing_make(&answer->drawing, graph, reader, &options, answer->roots,
                        answer->root_count, err);
}

/* The answer */

/* No picture where nothing is drawn: what is at each of the addresses. */
static void refuse(struct refs_question *question, struct text *plain)
{
    for (size_t i = 0; i < question->answer.stray_count; i++) {
        struct text text = {0};
        refs_explain(&question->answer, i, question->session, &text);
        text_add_escaped(plain, text.bytes, text.length, 0);
        text_add_char(plain, '\n');
        text_free(&text);
    }
}

/* What else may be asked where there are no references. */
static void say_lonely(const struct drawing_options *drawing, struct text *text)
{
    if (drawing->backwards)
        text_add(text, " (pyinspect why tells what else holds it)");
    else if (!drawing->all_references && drawing->max_depth)
        text_add(text, " (--all-references: also those that no garbage collector looks at)");
}

/* Not what the answer itself says. */
static void say_strays(const struct refs_question *question, struct text *text)
{
    const struct refs_answer *answer = &question->answer;

    if (!answer->root_count && !question->options->output &&
        question->options->format == FORMAT_TEXT) {
        add_strays(text, answer->stray_count);
        return;
    }
    for (size_t i = 0; i < answer->stray_count && i < MOST_STRAYS; i++) {
        text_add(text, ", ");
        refs_explain(answer, i, question->session, text);
    }
    if (answer->stray_count > MOST_STRAYS)
        text_addf(text, ", and so on for %zu addresses", answer->stray_count - MOST_STRAYS);
}

/* False: what was asked for is not known of any object. */
static bool is_traced(const struct refs_question *question)
{
    return !(question->options->drawing.extra & EXTRA_ALLOCATION) ||
           question->answer.drawing.allocations.tracing == TRACING_ON;
}

/* Where the tables cannot be found there is something to be done about it. */
static bool check_tables(const struct refs_question *question, struct error *err)
{
    const struct allocations *allocations = &question->answer.drawing.allocations;

    if (!(question->options->drawing.extra & EXTRA_ALLOCATION) ||
        allocations->tracing != TRACING_UNKNOWN)
        return true;
    *err = allocations->why;
    return error_context(err, "--extra-info alloc");
}

static void fill_worth(struct refs_question *question, const struct worth *worth,
                       const struct text *said, struct text *ret)
{
    const struct refs_answer *answer = &question->answer;

    if (!is_traced(question))
        say_not_tracing(worth->pid, ret);
    worth_begin(worth, ret);
    refs_count(answer, ret);
    if (answer->root_count && !answer->drawing.edge_count)
        say_lonely(&question->options->drawing, ret);
    if (said->length)
        text_addf(ret, ", %s", said->bytes);
    say_strays(question, ret);
    graph_worth_say(answer->graph, ret);
    worth_end(worth, ret);
}

/* In a file, or in a window; else main prints a tree, or DOT. */
static bool show_picture(const struct refs_options *options, struct picture *picture,
                         struct text *said, struct error *err)
{
    struct error ignored;

    if (options->output && graphviz_is_stdout(options->output)) {
        picture->is_dot = true;
        return true;
    }
    if (options->output) {
        picture->is_shown = true;
        return graphviz_write(&picture->diagram, options->output, said, err);
    }
    picture->is_shown = options->format == FORMAT_TEXT && isatty(STDOUT_FILENO) &&
                        graphviz_has_viewer() && graphviz_view(&picture->diagram, said, &ignored);
    return true;
}

static bool show_answer(struct refs_question *question, struct answer *answer, struct text *said,
                        struct error *err)
{
    const struct refs_options *options = question->options;
    const char *output = options->output;

    progress_wait(options->session.progress, "Drawing");
    if (question->answer.root_count || (output && graphviz_is_stdout(output)))
        return show_picture(options, &answer->picture, said, err);
    if (output)
        text_addf(said, "nothing to draw: %s was not written", output);
    answer->picture.is_shown = true;
    if (!output && options->format == FORMAT_TEXT) {
        answer->picture.is_there = false;
        diagram_free(&answer->picture.diagram);
        answer->is_plain = true;
        refuse(question, &answer->plain);
    }
    return true;
}

static bool fill_answer(struct refs_question *question, const struct session_report *asked,
                        struct answer *ret, struct error *err)
{
    const struct refs_options *options = question->options;
    struct refs_answer *refs = &question->answer;
    struct worth worth = {.pid = session_pid(question->session),
                          .python = session_python(question->session),
                          .verdict = &refs->graph->verdict.heap,
                          .asked = asked};
    struct answer answer = {.format = options->format, .picture.is_there = true};
    struct text said = {0};

    session_executable(question->session, worth.executable, sizeof(worth.executable));
    answer.complete = !worth_doubt(&worth) && !refs_count_strays(refs) && is_traced(question);
    diagram_init(&answer.picture.diagram);
    worth_add_target(&worth, &answer.picture.diagram.facts);
    worth_add_facts(&worth, &answer.picture.diagram.facts);
    refs_fill_diagram(refs, &options->drawing, &answer.picture.diagram);
    answer.picture.diagram.draws_names = options->draws_names;
    bool done = show_answer(question, &answer, &said, err);
    if (done)
        fill_worth(question, &worth, &said, &answer.worth);
    text_free(&said);
    if (done)
        *ret = answer;
    else
        answer_free(&answer);
    return done;
}

static bool ask_and_draw(struct refs_question *question, struct answer *ret, struct error *err)
{
    struct session_report asked;

    question->graph =
        (struct graph_question){.session = question->session,
                                .options = {.no_exec = question->options->no_exec,
                                            .forwards_only = !question->options->drawing.backwards,
                                            .progress = question->options->session.progress},
                                .answer = draw,
                                .context = question};
    if (!refs_answer_init(&question->answer, question->addresses->count, err) ||
        !session_ask(question->session, question_graph, &question->graph, &asked, err) ||
        !check_tables(question, err))
        return false;
    question->answer.graph = &question->graph.report;
    return fill_answer(question, &asked, ret, err);
}

static bool open_and_draw(const struct refs_options *options, pid_t pid,
                          const struct addresses *addresses, struct answer *ret, struct error *err)
{
    struct refs_question question = {.options = options, .addresses = addresses};

    if (!session_open(&question.session, pid, &options->session, err))
        return false;
    bool done = ask_and_draw(&question, ret, err);
    refs_answer_free(&question.answer);
    graph_question_free(&question.graph);
    session_close(question.session);
    return done;
}

static bool run(const struct command *command, bool backwards, int argc, char **argv, int first,
                struct progress *progress, struct answer *ret, struct error *err)
{
    struct refs_options options = refs_options_default(backwards);
    struct addresses addresses = {0};
    struct operands operands;
    pid_t pid;

    options.session.progress = progress;
    bool done = refs_options_parse(&options, argc, argv, first, &operands, err) &&
                command_first_pid(command, &operands, &pid, err) &&
                addresses_operands(&addresses, command->name, &operands, err) &&
                open_and_draw(&options, pid, &addresses, ret, err);
    addresses_free(&addresses);
    refs_options_free(&options);
    return done;
}

static bool run_refs(int argc, char **argv, int first, struct progress *progress,
                     struct answer *ret, struct error *err)
{
    return run(&refs_command, false, argc, argv, first, progress, ret, err);
}

static bool run_backrefs(int argc, char **argv, int first, struct progress *progress,
                         struct answer *ret, struct error *err)
{
    return run(&backrefs_command, true, argc, argv, first, progress, ret, err);
}

#define SHARED_DETAILS                                                                             \
    "ADDRESS is as pyinspect prints it, 0x7f3a5c0d1e80, or as id() does; - reads addresses from\n" \
    "the standard input.\n"                                                                        \
    "\nThe picture is the one that objgraph draws: what was asked for has red letters, deeper\n"   \
    "objects are darker, modules green, and a small red circle marks a __del__. Without -o it "    \
    "is\n"                                                                                         \
    "opened in xdot on a desktop, and else printed as a tree; -o - prints it as DOT.\n"            \
    "\nWhat an object refers to its type's own tp_traverse tells, which is run on a copy of the\n" \
    "process's memory, in a child of ours that can do nothing else; never in the process.\n"       \
    "\nEXPR asks for type, short_type, module, address, size, refcount, len, generation, repr,\n"  \
    "depth or attr.NAME (== != < <= > >= ~ !~), or says tracked, immortal, is_class, is_module,\n" \
    "is_proper_module, is_function, is_frame, has_del; with and, or, not and parentheses.\n"

const struct command refs_command = {
    .name = "refs",
    .operands = "PID ADDRESS...",
    .summary = "Draw what objects refer to (objgraph.show_refs)",
    .details = "\n" SHARED_DETAILS,
    .options = refs_option_lists,
    .run = run_refs,
};

const struct command backrefs_command = {
    .name = "backrefs",
    .operands = "PID ADDRESS...",
    .summary = "Draw what refers to objects (objgraph.show_backrefs)",
    .details =
        "\nReferrers are those that the garbage collector tracks, unless --all-references "
        "asks for\nall. What refers to a module of sys.modules is not drawn.\n\n" SHARED_DETAILS,
    .options = refs_option_lists,
    .run = run_backrefs,
};
