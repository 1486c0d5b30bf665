// SPDX-License-Identifier: MIT
#include "inspector/command/command.h"

#include "inspector/analysis/details.h"
#include "inspector/command/addresses.h"
#include "inspector/command/common_options.h"
#include "inspector/command/questions.h"
#include "inspector/command/show_page.h"
#include "inspector/command/source_lines.h"
#include "inspector/command/worth.h"
#include "symbols/base/vector.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct show_options {
    uint64_t items; /* of a container; 0: all */
    struct value_options values;
    struct session_options session;
    enum format format;
};

static bool set_items(void *into, const char *value, struct error *err)
{
    struct show_options *options = into;

    return parse_count(value, UINT32_MAX, &options->items) ||
           error_set(err, ERROR_USAGE,
                     "--items '%s': it takes a number of at most 4294967295, 0 for all", value);
}

static const struct option_row own_options[] = {
    {"items", "N", "show the N first items of a container, 0 for all (default 10)", set_items},
    {.name = NULL},
};

static const struct option_list option_lists[] = {
    {own_options, 0},
    {value_options, offsetof(struct show_options, values)},
    {target_options, offsetof(struct show_options, session)},
    {debug_source_options, offsetof(struct show_options, session.sources)},
    {layout_file_options, offsetof(struct show_options, session.sources)},
    {json_option, offsetof(struct show_options, format)},
    {.rows = NULL},
};

/* What was found, kept until the pages are printed. */
struct showing {
    struct show_options options;
    struct session *session;
    struct details details;
    struct source_lines *sources;
};

static bool make_page(void *context, size_t number, struct page *ret, struct error *err)
{
    struct showing *showing = context;

    return show_page(&showing->details, number, showing->session, showing->sources, ret, err);
}

static void free_showing(void *context)
{
    struct showing *showing = context;

    details_free(&showing->details);
    source_lines_close(showing->sources);
    session_close(showing->session);
    free(showing);
}

static uint64_t count_objects(const struct details *details)
{
    uint64_t objects = 0;

    for (size_t i = 0; i < details->count; i++)
        objects += finding_is_object(&details->findings[i]);
    return objects;
}

static void fill_answer(struct showing *showing, const struct session_report *asked,
                        struct answer *ret)
{
    struct worth worth = {.pid = session_pid(showing->session),
                          .python = session_python(showing->session),
                          .verdict = &showing->details.verdict.heap,
                          .asked = asked};
    uint64_t objects = count_objects(&showing->details);
    uint64_t others = showing->details.count - objects;

    *ret = (struct answer){.format = showing->options.format,
                           .complete = !worth_doubt(&worth) && !others,
                           .pages = {.make = make_page,
                                     .count = showing->details.count,
                                     .free = free_showing,
                                     .context = showing}};
    worth_begin(&worth, &ret->worth);
    add_things(&ret->worth, objects, "object");
    add_strays(&ret->worth, others);
    worth_end(&worth, &ret->worth);
}

static bool show(struct showing *showing, const struct addresses *addresses, struct answer *ret,
                 struct error *err)
{
    struct detail_options options = {.items = showing->options.items,
                                     .repr_length = showing->options.values.repr_length,
                                     .no_values = showing->options.values.no_values};
    struct details_question question = {showing->session, &showing->details};
    struct session_report asked;

    if (!details_init(&showing->details, session_python(showing->session), &options,
                      addresses->items, addresses->count, err) ||
        !session_ask(showing->session, question_details, &question, &asked, err))
        return false;
    if (showing->details.allocations.tracing == TRACING_ON && !options.no_values)
        showing->sources = source_lines_open(session_process(showing->session));
    fill_answer(showing, &asked, ret);
    return true;
}

static bool open_and_show(const struct show_options *options, pid_t pid,
                          const struct addresses *addresses, struct answer *ret, struct error *err)
{
    struct showing *showing = calloc(1, sizeof(*showing));

    if (!showing)
        return error_memory(err);
    showing->options = *options;
    if (session_open(&showing->session, pid, &options->session, err)) {
        if (show(showing, addresses, ret, err))
            return true;
        details_free(&showing->details);
        session_close(showing->session);
    }
    free(showing);
    return false;
}

static bool run(int argc, char **argv, int first, struct progress *progress, struct answer *ret,
                struct error *err)
{
    struct show_options options = {
        .items = 10, .values.repr_length = DEFAULT_REPR_LENGTH, .session.progress = progress};
    struct addresses addresses = {0};
    struct operands operands;
    pid_t pid;

    if (!options_parse(argc, argv, first, option_lists, &options, &operands, err))
        return false;
    bool done = command_first_pid(&show_command, &operands, &pid, err) &&
                addresses_operands(&addresses, "show", &operands, err) &&
                open_and_show(&options, pid, &addresses, ret, err);
    free(addresses.items);
    return done;
}

const struct command show_command = {
    .name = "show",
    .operands = "PID ADDRESS...",
    .summary = "Show single objects in full: what they are, hold and say of themselves",
    .details =
        "\nADDRESS is as pyinspect prints it, 0x7f3a5c0d1e80, or as id() does; - reads addresses\n"
        "from the standard input. One that lies inside an object names the object; of one that\n"
        "is no object's it is said what is there, and the exit status is 1.\n"
        "\nShown are the attributes (vars() and slots), the locals of what has a frame, the items\n"
        "of a container, the bases of a class and how many instances it and its subclasses have,\n"
        "and the fields of the object's own C structure; and if the process runs with\n"
        "tracemalloc, the traceback of where the object was allocated. No code of the process is\n"
        "run: an object whose class has a __repr__ of its own shows its attributes.\n",
    .options = option_lists,
    .run = run,
};
