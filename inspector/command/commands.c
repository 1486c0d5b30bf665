// SPDX-License-Identifier: MIT
#include "inspector/command/command.h"

#include <limits.h>
#include <string.h>

const struct command *const commands[] = {
    &attach_command,  &backrefs_command, &compare_command, &doctor_command, &layout_command,
    &objects_command, &ps_command,       &refs_command,    &report_command, &show_command,
    &traces_command,  &watch_command,    &why_command,
};
const size_t command_count = sizeof(commands) / sizeof(*commands);

const struct command *command_find(const char *name, struct error *err)
{
    const char *near = NULL;

    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
        if (is_nearer_name(name, commands[i]->name, near))
            near = commands[i]->name;
    }
    if (near)
        error_set(err, ERROR_USAGE, "unknown command %s: did you mean %s?", name, near);
    else
        error_set(err, ERROR_USAGE, "unknown command %s: see pyinspect --help", name);
    return NULL;
}

void command_explain(const struct command *command, struct text *text)
{
    text_addf(text, "Usage: pyinspect %s%s%s [options]\n\n%s.\n%s\nOptions:\n", command->name,
              *command->operands ? " " : "", command->operands, command->summary, command->details);
    options_explain(command->options, text);
}

void commands_explain(struct text *text)
{
    text_add(text, "Usage: pyinspect COMMAND [PID or FILE] [options]\n\n"
                   "Looks into a running CPython process from outside. It is stopped for some\n"
                   "milliseconds; nothing runs in it, nothing in it changes.\n\nCommands:\n");
    for (size_t i = 0; i < command_count; i++)
        text_addf(text, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    text_add(text, "\npyinspect COMMAND --help, or pyinspect help COMMAND, tells a "
                   "command's options,\npyinspect --version the version.\n\n"
                   "Example: pyinspect attach 4711 --most-common 20 --by bytes\n");
}

bool command_first_pid(const struct command *command, const struct operands *operands, pid_t *ret,
                       struct error *err)
{
    uint64_t pid;

    if (!operands->count)
        return error_set(err, ERROR_USAGE, "%s takes a PID: pyinspect %s 4711", command->name,
                         command->name);
    if (!parse_count(operands->items[0], INT_MAX, &pid) || !pid)
        return error_set(err, ERROR_USAGE, "'%s' is no process id: a PID is a number such as 4711",
                         operands->items[0]);
    *ret = (pid_t)pid;
    return true;
}

bool command_pid(const struct command *command, const struct operands *operands, pid_t *ret,
                 struct error *err)
{
    if (operands->count != 1)
        return error_set(err, ERROR_USAGE, "%s takes one PID: pyinspect %s 4711", command->name,
                         command->name);
    return command_first_pid(command, operands, ret, err);
}

void answer_free(struct answer *answer)
{
    report_free(&answer->report);
    if (answer->picture.is_there)
        diagram_free(&answer->picture.diagram);
    if (answer->stream.free)
        answer->stream.free(answer->stream.context);
    if (answer->pages.free)
        answer->pages.free(answer->pages.context);
    if (answer->series.free)
        answer->series.free(answer->series.context);
    text_free(&answer->aside);
    text_free(&answer->plain);
    text_free(&answer->worth);
}
