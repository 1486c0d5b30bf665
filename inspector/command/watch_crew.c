// SPDX-License-Identifier: MIT
#include "inspector/command/watch_crew.h"

#include "inspector/command/python_name.h"
#include "inspector/target/family.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/vector.h"

#include <errno.h>
#include <stdarg.h>

void watch_event(struct text *events, const char *format, ...)
{
    char line[1200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    text_add_bytes(events, line, strlen(line) + 1);
}

/* Takes over `process`, unless it fails. */
static bool enlist(struct watch_crew *crew, const struct watch_process *process, struct error *err)
{
    struct watch_process *grown =
        vector_grow(crew->items, &crew->capacity, crew->count + 1, sizeof(*crew->items));

    if (!grown)
        return error_memory(err);
    crew->items = grown;
    crew->items[crew->count] = *process;
    crew->items[crew->count++].sum = crew->sum;
    return true;
}

bool watch_crew_open(struct watch_crew *ret, const pid_t *pids, size_t count, bool children,
                     struct growth *sum, struct error *err)
{
    struct watch_crew crew = {.children = children, .sum = sum};

    for (size_t i = 0; i < count; i++) {
        struct watch_process process;
        bool done = watch_process_open(&process, pids[i], err);
        if (done && !enlist(&crew, &process, err)) {
            watch_process_free(&process);
            done = false;
        }
        if (!done) {
            watch_crew_free(&crew);
            return false;
        }
    }
    *ret = crew;
    return true;
}

void watch_crew_free(struct watch_crew *crew)
{
    for (size_t i = 0; i < crew->count; i++)
        watch_process_free(&crew->items[i]);
    free(crew->items);
    *crew = (struct watch_crew){.items = NULL};
}

static bool has_left(const struct watch_process *process, struct text *events)
{
    if (watch_process_has_ended(process)) {
        watch_event(events, "process %d has ended", (int)process->pid);
        return true;
    }
    if (process->is_descendant && !process_is_of_kind(process->pid, python_name_judge)) {
        watch_event(events, "process %d is no Python any more", (int)process->pid);
        return true;
    }
    return false;
}

void watch_crew_drop_ended(struct watch_crew *crew, struct text *events)
{
    size_t kept = 0;

    for (size_t i = 0; i < crew->count; i++) {
        if (has_left(&crew->items[i], events)) {
            watch_process_free(&crew->items[i]);
            crew->ended++;
        } else {
            crew->items[kept++] = crew->items[i];
        }
    }
    crew->count = kept;
}

static bool is_known(const struct watch_crew *crew, pid_t pid)
{
    for (size_t i = 0; i < crew->count; i++) {
        if (crew->items[i].pid == pid)
            return true;
    }
    return false;
}

static bool join(struct watch_crew *crew, const struct relative *relative, struct text *events,
                 struct error *err)
{
    int pidfd;

    if (is_known(crew, relative->pid) || !process_is_of_kind(relative->pid, python_name_judge))
        return true;
    pidfd = family_open(relative);
    if (pidfd < 0)
        return !errno || error_errno(err, ERROR_SYSTEM, "cannot watch process %d, a descendant",
                                     (int)relative->pid);
    struct watch_process process = watch_process_make(relative->pid, pidfd, true);
    if (!enlist(crew, &process, err)) {
        watch_process_free(&process);
        return false;
    }
    crew->joined++;
    watch_event(events, "process %d has joined, a child of %d", (int)relative->pid,
                (int)relative->parent);
    return true;
}

static bool look_for_children(struct watch_crew *crew, struct text *events, struct error *err)
{
    AUTO_FREE pid_t *heads = malloc((crew->count + 1) * sizeof(*heads));
    AUTO_FREE struct relative *relatives = NULL;
    size_t count = 0;

    if (!heads)
        return error_memory(err);
    for (size_t i = 0; i < crew->count; i++) {
        struct watch_process *process = &crew->items[i];
        heads[i] = process->pid;
        if (!process->is_descendant)
            process->is_bystander = !process_is_of_kind(process->pid, python_name_judge);
        if (process->is_bystander)
            watch_process_forget(process);
    }
    bool done = family_read(heads, crew->count, &relatives, &count, err);
    for (size_t i = 0; done && i < count; i++)
        done = join(crew, &relatives[i], events, err);
    return done;
}

bool watch_crew_refresh(struct watch_crew *crew, struct text *events, struct error *err)
{
    watch_crew_drop_ended(crew, events);
    return !crew->children || !crew->count || look_for_children(crew, events, err);
}
