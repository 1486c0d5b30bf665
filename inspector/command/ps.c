// SPDX-License-Identifier: MIT
#include "inspector/command/command.h"

#include "inspector/command/common_options.h"
#include "inspector/command/python_name.h"
#include "inspector/target/process.h"
#include "inspector/target/process_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* CPython 3.6 is the oldest that is read. */
enum { OLDEST_MINOR = 6 };

enum { CONTAINER_COLUMNS = 40 }; /* for a person: JSON and CSV have it in full */

static const struct option_list option_lists[] = {
    {format_options, 0},
    {.rows = NULL},
};

/* A PID is a number for a machine; a person's has no thousands to be set apart. */
static const struct column person_columns[] = {
    {"pid", "PID", UNIT_TEXT},
    {"version", "Version", UNIT_TEXT},
    {"resident_bytes", "RSS", UNIT_BYTES},
    {"container", "Container", UNIT_TEXT},
    {"inspectable", "Inspectable", UNIT_PROSE},
    {"command", "Command", UNIT_TEXT},
};

static const struct column machine_columns[] = {
    {"pid", "PID", UNIT_COUNT},
    {"version", "Version", UNIT_TEXT},
    {"resident_bytes", "RSS", UNIT_BYTES},
    {"container", "Container", UNIT_TEXT},
    {"inner_pid", "Inner PID", UNIT_COUNT},
    {"inspectable", "Inspectable", UNIT_BOOL},
    {"reason", "Reason", UNIT_TEXT},
    {"command", "Command", UNIT_TEXT},
};

/* "3.11", "3.13t", "PyPy 3.10", "3": what the name tells. Only the file itself has the rest. */
static void describe_version(const struct listed_process *process, struct text *text)
{
    struct python_name found = python_name_parse(process->found);
    size_t start = text->length;

    if (found.kind == NAMED_PYPY)
        text_add(text, "PyPy");
    if (found.major >= 0)
        text_addf(text, "%s%d", text->length > start ? " " : "", found.major);
    if (found.minor >= 0)
        text_addf(text, ".%d", found.minor);
    if (found.kind == NAMED_FREE_THREADED)
        text_add(text, "t");
}

/* Adds why it cannot be inspected, in a few words; nothing where it can. */
static void describe_reason(const struct listed_process *process, struct text *text)
{
    struct python_name found = python_name_parse(process->found);

    if (found.kind == NAMED_PYPY)
        text_add(text, "PyPy");
    else if (found.kind == NAMED_FREE_THREADED)
        text_add(text, "free-threaded");
    else if (found.major >= 0 && (found.major < 3 || (found.major == 3 && found.minor >= 0 &&
                                                      found.minor < OLDEST_MINOR)))
        text_add(text, "too old");
    else
        permission_add_reason(&process->permission, text);
}

/* Moves the text into a cell. */
static void add_cell(struct report *report, struct text *text)
{
    report_cell_text(report, text->bytes, text->length);
    report->failed |= text->failed;
    text_clear(text);
}

/* Our own words and names of files: cut anywhere. */
static void cut(struct text *cell, size_t most)
{
    if (cell->length <= most)
        return;
    cell->length = most - 3;
    cell->bytes[cell->length] = '\0';
    text_add(cell, "...");
}

static void add_inspectable(struct report *report, enum format format, const struct text *reason,
                            struct text *cell)
{
    if (format != FORMAT_TEXT) {
        report_cell_number(report, !reason->length);
        report_cell_text(report, reason->bytes, reason->length);
        return;
    }
    text_add(cell, reason->length ? "no: " : "yes");
    if (reason->length)
        text_add_bytes(cell, reason->bytes, reason->length);
    add_cell(report, cell);
}

static void add_row(struct report *report, enum format format, const struct listed_process *process,
                    const struct text *reason)
{
    struct text cell = {0};

    if (format == FORMAT_TEXT) {
        text_addf(&cell, "%d", (int)process->pid);
        add_cell(report, &cell);
    } else {
        report_cell_number(report, (uint64_t)process->pid);
    }
    describe_version(process, &cell);
    add_cell(report, &cell);
    report_cell_number(report, process->resident_bytes);
    if (container_is_any(&process->container))
        container_describe(&process->container, &cell);
    if (format == FORMAT_TEXT)
        cut(&cell, CONTAINER_COLUMNS);
    add_cell(report, &cell);
    if (format != FORMAT_TEXT)
        report_cell_number(report, (uint64_t)process->container.inner_pid);
    add_inspectable(report, format, reason, &cell);
    if (*process->command)
        text_add(&cell, process->command);
    else
        text_addf(&cell, "[%s]", process->name);
    add_cell(report, &cell);
    text_free(&cell);
}

static void add_worth(struct text *worth, size_t count, size_t inspectable, bool more_as_root)
{
    if (count) {
        text_addf(worth, "%zu Python process%s, %zu can be inspected", count,
                  count == 1 ? "" : "es", inspectable);
    } else {
        text_add(worth, "no Python process is seen here; a Python inside another program is seen "
                        "by the libpython that it has loaded");
    }
    if (more_as_root) {
        text_add(worth, "; root sees and may inspect more: ");
        permission_add_sudo(worth);
    }
}

static void fill_answer(const struct process_list *list, enum format format, struct answer *ret)
{
    const bool is_text = format == FORMAT_TEXT;
    size_t inspectable = 0;
    bool more_as_root = !list->count && geteuid() != 0;
    struct text reason = {0};

    *ret = (struct answer){.format = format, .complete = true};
    report_init(&ret->report, "processes", is_text ? person_columns : machine_columns,
                is_text ? sizeof(person_columns) / sizeof(*person_columns)
                        : sizeof(machine_columns) / sizeof(*machine_columns));
    for (size_t i = 0; i < list->count; i++) {
        text_clear(&reason);
        describe_reason(&list->items[i], &reason);
        ret->report.failed |= reason.failed;
        inspectable += !reason.length;
        more_as_root |= permission_takes_root(&list->items[i].permission);
        add_row(&ret->report, format, &list->items[i], &reason);
    }
    text_free(&reason);
    report_fact_number(&ret->report, "pythons", UNIT_COUNT, list->count);
    report_fact_number(&ret->report, "inspectable", UNIT_COUNT, inspectable);
    add_worth(&ret->worth, list->count, inspectable, more_as_root);
}

static bool run(int argc, char **argv, int first, struct progress *progress, struct answer *ret,
                struct error *err)
{
    enum format format = FORMAT_TEXT;
    struct operands operands;
    struct process_list list;

    (void)progress;
    if (!options_parse(argc, argv, first, option_lists, &format, &operands, err))
        return false;
    if (operands.count)
        return error_set(err, ERROR_USAGE, "ps takes no operand, as '%s' is: pyinspect ps",
                         operands.items[0]);
    if (!process_check_proc(err) || !process_list_read(&list, python_name_judge, err))
        return false;
    fill_answer(&list, format, ret);
    process_list_free(&list);
    return true;
}

const struct command ps_command = {
    .name = "ps",
    .operands = "",
    .summary = "List the Python processes, and which of them can be inspected",
    .details = "\nNo process is stopped and no file of theirs is opened. A process is known by\n"
               "the name of its executable or of the libpython that it has loaded (uwsgi,\n"
               "mod_wsgi), and so is its version: X.Y, not X.Y.Z. A Python that is linked into a\n"
               "program of another name is not seen. Of processes that may not be looked into,\n"
               "it is only seen what they call themselves. Whether there is a layout of a\n"
               "Python, doctor tells.\n",
    .options = option_lists,
    .run = run,
};
