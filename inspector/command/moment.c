// SPDX-License-Identifier: MIT
#include "inspector/command/moment.h"

#include "inspector/command/options.h"
#include "inspector/command/questions.h"
#include "inspector/command/worth.h"
#include "inspector/store/census_name.h"
#include "symbols/base/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool moment_is_process(const char *word)
{
    return *word && word[strspn(word, "0123456789")] == '\0';
}

static struct worth worth_of(const struct session *session, const struct census *census,
                             const struct session_report *asked)
{
    struct worth worth = {.pid = session_pid(session),
                          .python = session_python(session),
                          .verdict = &census->verdict.heap,
                          .asked = asked};

    session_executable(session, worth.executable, sizeof(worth.executable));
    return worth;
}

struct origin origin_of_identity(const struct process_identity *identity)
{
    struct origin origin = {.pid = identity->pid,
                            .start_time = identity->start_time,
                            .stack_start = identity->stack_start,
                            .executable = "",
                            .version = "",
                            .command_line = ""};

    memcpy(origin.boot, identity->boot, sizeof(origin.boot));
    return origin;
}

bool moment_note(const struct session *session, const struct session_report *asked,
                 struct moment_notes *ret, struct error *err)
{
    const struct process *process = session_process(session);
    struct process_identity identity;

    if (!process_identify(process, &identity))
        return process_refused(process, "identify", ESRCH, err);
    session_executable(session, ret->executable, sizeof(ret->executable));
    process_command_line(process, ret->command, sizeof(ret->command));
    ret->origin = origin_of_identity(&identity);
    ret->origin.executable = ret->executable;
    ret->origin.version = session_python(session)->version.text;
    ret->origin.command_line = ret->command;
    ret->occasion = (struct occasion){.taken_ms = clock_date(),
                                      .running_ms = (int64_t)clock_milliseconds(),
                                      .pause_milliseconds = asked->pause_milliseconds,
                                      .stopped_milliseconds = asked->stopped_milliseconds,
                                      .resident_bytes = asked->resident_bytes,
                                      .stopped = !asked->unstopped};
    return true;
}

bool moment_record(const struct session *session, const struct census *census,
                   const struct session_report *asked, struct snapshot *ret, struct error *err)
{
    struct worth worth = worth_of(session, census, asked);
    struct moment_notes notes;

    if (!moment_note(session, asked, &notes, err))
        return false;
    notes.occasion.complete = !worth_doubt(&worth);
    notes.occasion.all_objects = census->options.all_objects;
    memcpy(notes.occasion.generations, census->options.generations,
           sizeof(notes.occasion.generations));
    return snapshot_make(ret, census, &notes.origin, &notes.occasion, err);
}

static void say_worth(const struct session *session, const struct census *census,
                      const struct session_report *asked, struct text *text)
{
    struct worth worth = worth_of(session, census, asked);

    worth_begin(&worth, text);
    add_things(text, census->objects, "object");
    text_add(text, " of ");
    add_things(text, census->row_count, "type");
    worth_end(&worth, text);
}

bool moment_take(struct session *session, const struct moment_options *options,
                 struct snapshot *ret, struct text *worth, struct error *err)
{
    struct roster roster = {0};
    struct census_options counting = {.all_objects = options->all_objects,
                                      .roster = options->with_objects ? &roster : NULL,
                                      .progress = options->session.progress};
    struct session_report asked;
    struct census census;

    memcpy(counting.generations, options->generations, sizeof(counting.generations));
    census_init(&census, session_python(session), &counting);
    bool done = session_ask(session, question_census, &census, &asked, err) &&
                moment_record(session, &census, &asked, ret, err);
    if (done && worth)
        say_worth(session, &census, &asked, worth);
    census_free(&census);
    roster_free(&roster);
    return done;
}

static bool take_of_process(const char *word, const struct moment_options *options,
                            struct snapshot *ret, struct text *worth, struct error *err)
{
    struct session *session;
    uint64_t pid;

    if (!parse_count(word, INT_MAX, &pid) || !pid)
        return error_set(err, ERROR_USAGE, "'%.64s' is no PID, and a file of that name is ./%.64s",
                         word, word);
    if (!session_open(&session, (pid_t)pid, &options->session, err))
        return false;
    bool done = moment_take(session, options, ret, worth, err);
    session_close(session);
    return done;
}

bool moment_get(const char *word, const struct moment_options *options, struct snapshot *ret,
                struct text *worth, struct error *err)
{
    if (moment_is_process(word))
        return take_of_process(word, options, ret, worth, err);
    return census_name_load(word, ret, err);
}

size_t moment_find(const char *name, const struct origin *origin)
{
    struct census_file *file;
    struct error ignored;
    char path[PATH_MAX];
    size_t found = 0;

    if (!census_name_path(name, path, sizeof(path), &ignored) ||
        !census_file_open(&file, path, &ignored))
        return 0;
    for (size_t number = census_file_count(file); number && !found; number--) {
        struct census_entry entry;
        if (!census_file_entry(file, number, &entry, &ignored))
            break;
        if (origin_is_same(&entry.origin, origin))
            found = number;
    }
    census_file_close(file);
    return found;
}
