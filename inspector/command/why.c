// SPDX-License-Identifier: MIT
#include "inspector/command/command.h"

#include "inspector/analysis/lookup.h"
#include "inspector/command/addresses.h"
#include "inspector/command/common_options.h"
#include "inspector/command/graph_worth.h"
#include "inspector/command/graphviz.h"
#include "inspector/command/questions.h"
#include "inspector/command/show_page.h"
#include "inspector/command/why_diagram.h"
#include "inspector/command/why_page.h"
#include "inspector/command/worth.h"
#include "inspector/report/format.h"

#include <stddef.h>
#include <stdlib.h>

enum { MOST_CHAINS = 1000000, MOST_LENGTH = 1000000 };

struct why_options {
    struct chains_options chains;
    struct predicate *to;
    struct addresses ignored;
    const char *output; /* NULL: none */
    bool steps;
    bool draws_names;
    bool no_exec;
    struct value_options values;
    struct session_options session;
    enum format format;
};

/* Options */

static bool set_all_paths(void *into, const char *value, struct error *err)
{
    struct why_options *options = into;

    if (!parse_count(value, MOST_CHAINS, &options->chains.most) || !options->chains.most)
        return error_set(err, ERROR_USAGE, "--all-paths '%s': it takes a number from 1 to %d",
                         value, MOST_CHAINS);
    return true;
}

static bool set_max_depth(void *into, const char *value, struct error *err)
{
    struct why_options *options = into;
    uint64_t length;

    if (!parse_count(value, MOST_LENGTH, &length))
        return error_set(err, ERROR_USAGE,
                         "--max-depth '%s': it takes a number of at most %d, 0 for any", value,
                         MOST_LENGTH);
    options->chains.max_length = (unsigned)length;
    return true;
}

static bool set_to(void *into, const char *value, struct error *err)
{
    struct why_options *options = into;

    predicate_free(options->to);
    options->to = NULL;
    return predicate_parse(&options->to, value, err) || error_context(err, "--to");
}

static bool set_ignore(void *into, const char *value, struct error *err)
{
    return addresses_add_list(&((struct why_options *)into)->ignored, value, err) ||
           error_context(err, "--ignore");
}

static bool set_steps(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct why_options *)into)->steps = true;
    return true;
}

static bool set_output(void *into, const char *value, struct error *err)
{
    ((struct why_options *)into)->output = value;
    return graphviz_check(value, err) || error_context(err, "-o");
}

static const struct option_row own_options[] = {
    {"all-paths", "N", "tell the N shortest chains (default 1)", set_all_paths},
    {"to", "EXPR", "begin at objects that this holds of: \"type == 'app.Session'\"", set_to},
    {"max-depth", "N", "tell chains of at most N references, 0 for any (default 0)", set_max_depth},
    {"ignore", "LIST", "go through none of the objects at these addresses", set_ignore},
    {"steps", NULL, "also tell the objects on the way, with their types", set_steps},
    {"o", "FILE", "also draw them: .dot, .svg, .png, .pdf, ...; -: print DOT instead", set_output},
    {.name = NULL},
};

static const struct option_list option_lists[] = {
    {own_options, 0},
    {label_options, offsetof(struct why_options, draws_names)},
    {exec_options, offsetof(struct why_options, no_exec)},
    {value_options, offsetof(struct why_options, values)},
    {target_options, offsetof(struct why_options, session)},
    {debug_source_options, offsetof(struct why_options, session.sources)},
    {layout_file_options, offsetof(struct why_options, session.sources)},
    {json_option, offsetof(struct why_options, format)},
    {.rows = NULL},
};

/* What was found out. */
struct why {
    const struct why_options *options;
    struct session *session;
    const struct addresses *addresses;
    struct why_style style;
    struct page *pages; /* one an address, each told once */
    size_t count, chains, strangers;
    struct chain_search search; /* of the graph at hand */
    struct diagram diagram;
};

static void forget(struct why *why)
{
    for (size_t i = 0; i < why->count; i++)
        page_free(&why->pages[i]);
    why->count = why->chains = why->strangers = 0;
    diagram_free(&why->diagram);
    diagram_init(&why->diagram);
    why->diagram.draws_names = why->options->draws_names;
}

static bool explain(struct why *why, const struct graph *graph, const struct reader *reader,
                    const struct holders *holders, uint32_t node, struct error *err)
{
    struct chains chains;
    bool done = chains_find(&chains, graph, reader, holders, node, &why->options->chains,
                            &why->search, err);

    if (done) {
        why_page(reader, graph, node, &chains, &why->style, &why->pages[why->count++]);
        why->chains += chains.count;
        if (why->options->output)
            why_draw(reader, graph, &chains, &why->style, &why->diagram);
    }
    chains_free(&chains);
    return done;
}

/* Nothing is missed at an address that is no object's. */
static bool look_up(struct finding *finding, const struct reader *reader, struct error *err)
{
    struct instances instances = {0};
    struct reach_verdict verdict;
    uint64_t missed = reader->image->missed;
    bool done = lookup(reader, finding, 1, &instances, &verdict, err);

    reader->image->missed = missed;
    instances_free(&instances);
    return done;
}

static bool answer_one(struct why *why, const struct graph *graph, const struct reader *reader,
                       const struct holders *holders, uint64_t address, struct error *err)
{
    struct finding finding = {.asked = address};
    uint32_t node = graph_find(graph, address);
    struct text there = {0};

    if (node == GRAPH_NONE && !look_up(&finding, reader, err))
        return false;
    if (node == GRAPH_NONE && finding_is_object(&finding))
        node = graph_find(graph, finding.object);
    if (node != GRAPH_NONE)
        return explain(why, graph, reader, holders, node, err);
    if (finding_is_object(&finding))
        text_addf(&there,
                  "what looks like a %s, to which nothing that is known refers: it may have "
                  "been freed",
                  finding.type->name);
    else
        show_explain(&finding, why->session, &there);
    why_refuse(address, there.bytes ? there.bytes : "", &why->pages[why->count++]);
    why->strangers++;
    text_free(&there);
    return true;
}

static bool answer_all(void *context, const struct graph *graph, const struct reader *reader,
                       struct error *err)
{
    struct why *why = context;
    struct holders holders;

    forget(why);
    bool done = holders_collect(&holders, graph, reader, err);
    for (size_t i = 0; done && i < why->addresses->count; i++)
        done = answer_one(why, graph, reader, &holders, why->addresses->items[i], err);
    holders_free(&holders);
    chain_search_free(&why->search);
    return done;
}

static bool make_page(void *context, size_t number, struct page *ret, struct error *err)
{
    struct why *why = context;

    (void)err;
    *ret = why->pages[number];
    why->pages[number] = (struct page){0};
    return true;
}

static void free_why(void *context)
{
    struct why *why = context;

    forget(why);
    diagram_free(&why->diagram);
    free(why->pages);
    session_close(why->session);
    free(why);
}

static bool prints_dot(const struct why_options *options)
{
    return options->output && graphviz_is_stdout(options->output);
}

static void fill_answer(struct why *why, const struct graph_report *graph,
                        const struct session_report *asked, const struct text *said,
                        struct answer *ret)
{
    struct worth worth = {.pid = session_pid(why->session),
                          .python = session_python(why->session),
                          .verdict = &graph->verdict.heap,
                          .asked = asked};

    *ret = (struct answer){
        .format = why->options->format,
        .complete = !worth_doubt(&worth) && !why->strangers,
        .pages = {.make = make_page, .count = why->count, .free = free_why, .context = why}};
    if (prints_dot(why->options)) {
        ret->picture = (struct picture){.diagram = why->diagram, .is_there = true, .is_dot = true};
        diagram_init(&why->diagram);
    }
    worth_begin(&worth, &ret->worth);
    add_things(&ret->worth, why->chains, "chain");
    text_add(&ret->worth, " of ");
    add_things(&ret->worth, why->count - why->strangers, "object");
    add_strays(&ret->worth, why->strangers);
    if (said->length)
        text_addf(&ret->worth, ", %s", said->bytes);
    graph_worth_say(graph, &ret->worth);
    worth_end(&worth, &ret->worth);
}

static bool ask(struct why *why, struct answer *ret, struct error *err)
{
    struct graph_question question = {
        .session = why->session,
        .options = {.no_exec = why->options->no_exec, .progress = why->options->session.progress},
        .answer = answer_all,
        .context = why};
    struct session_report asked;
    struct text said = {0};

    bool done = session_ask(why->session, question_graph, &question, &asked, err);
    progress_wait(why->options->session.progress, "Drawing");
    if (done && why->options->output && !prints_dot(why->options) && !why->diagram.box_count)
        text_addf(&said, "nothing to draw: %s was not written", why->options->output);
    else if (done && why->options->output && !prints_dot(why->options))
        done = graphviz_write(&why->diagram, why->options->output, &said, err);
    if (done)
        fill_answer(why, &question.report, &asked, &said, ret);
    text_free(&said);
    graph_question_free(&question);
    return done;
}

static bool open_and_ask(const struct why_options *options, pid_t pid,
                         const struct addresses *addresses, struct answer *ret, struct error *err)
{
    struct why *why = calloc(1, sizeof(*why));

    if (!why || !(why->pages = calloc(addresses->count, sizeof(*why->pages)))) {
        free(why);
        return error_memory(err);
    }
    why->options = options;
    why->addresses = addresses;
    why->style = (struct why_style){
        .arrow = options->format == FORMAT_JSON || format_takes_utf8() ? "→" : "->",
        .repr_length = options->values.no_values ? 0 : options->values.repr_length};
    why->style.steps = options->steps;
    diagram_init(&why->diagram);
    if (session_open(&why->session, pid, &options->session, err) && ask(why, ret, err))
        return true;
    free_why(why);
    return false;
}

static bool run(int argc, char **argv, int first, struct progress *progress, struct answer *ret,
                struct error *err)
{
    struct why_options options = {
        .chains.most = 1, .values.repr_length = DEFAULT_REPR_LENGTH, .session.progress = progress};
    struct addresses addresses = {0};
    struct operands operands;
    pid_t pid;

    bool done = options_parse(argc, argv, first, option_lists, &options, &operands, err) &&
                graphviz_check_format(options.output, options.format, err) &&
                command_first_pid(&why_command, &operands, &pid, err) &&
                addresses_operands(&addresses, "why", &operands, err);
    options.chains.to = options.to;
    options.chains.ignored = options.ignored.items;
    options.chains.ignored_count = options.ignored.count;
    done = done && open_and_ask(&options, pid, &addresses, ret, err);
    addresses_free(&addresses);
    addresses_free(&options.ignored);
    predicate_free(options.to);
    return done;
}

const struct command why_command = {
    .name = "why",
    .operands = "PID ADDRESS...",
    .summary = "Tell why an object is alive: the shortest chains that lead to it",
    .details =
        "\nADDRESS is as pyinspect prints it, 0x7f3a5c0d1e80, or as id() does; - reads addresses\n"
        "from the standard input.\n"
        "\nA chain begins at a root, which no object holds: a module of sys.modules, a local of a\n"
        "function that runs, what a thread or the interpreter itself keeps. Where none leads to\n"
        "the object it is said who holds it then: a cycle that the garbage collector has not met\n"
        "yet, or somebody outside the Python heap. The latter is told by the reference count: a\n"
        "count that is higher than the references that were found is the sign of a C extension\n"
        "that does not let go.\n"
        "\nEXPR is as for pyinspect refs --filter. What an object refers to its type's own\n"
        "tp_traverse tells, which is run on a copy of the process's memory, in a child of ours\n"
        "that can do nothing else; never in the process.\n",
    .options = option_lists,
    .run = run,
};
