// SPDX-License-Identifier: MIT
#include "inspector/command/watch_process.h"

#include "symbols/base/cleanup.h"
#include "symbols/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>

struct watch_process watch_process_make(pid_t pid, int pidfd, bool is_descendant)
{
    return (struct watch_process){.pid = pid, .pidfd = pidfd, .is_descendant = is_descendant};
}

bool watch_process_open(struct watch_process *ret, pid_t pid, struct error *err)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (pidfd < 0 && (errno == ESRCH || errno == EINVAL || errno == ENOENT)) {
        /* It is a thread's number perhaps: process_open has the words for what is amiss. */
        struct process process;
        if (!process_open(&process, pid, err))
            return false;
        process_close(&process);
        errno = ESRCH;
    }
    if (pidfd < 0)
        return error_errno(err, ERROR_TARGET, "cannot watch process %d", (int)pid);
    *ret = watch_process_make(pid, pidfd, false);
    return true;
}

void watch_process_forget(struct watch_process *process)
{
    if (process->has_snapshot && process->sum)
        growth_left(process->sum, &process->snapshot);
    if (process->has_snapshot)
        snapshot_free(&process->snapshot);
    growth_free(process->growth);
    process->growth = NULL;
    process->has_snapshot = false;
}

void watch_process_free(struct watch_process *process)
{
    watch_process_forget(process);
    text_free(&process->doubt);
    cleanup_close(&process->pidfd);
    process->pidfd = -1;
}

bool watch_process_has_ended(const struct watch_process *process)
{
    struct pollfd end = {.fd = process->pidfd, .events = POLLIN};

    return poll(&end, 1, 0) > 0;
}

static bool take(struct watch_process *process, const struct watch_sampling *sampling,
                 struct snapshot *ret, struct error *err)
{
    struct session *session;

    if (!session_open(&session, process->pid, &sampling->moment.session, err))
        return false;
    process->is_open_to_us = true;
    /* Had the number become another process's, that one is not even stopped. */
    bool done = watch_process_has_ended(process)
                    ? error_set(err, ERROR_TARGET, "process %d has ended", (int)process->pid)
                    : moment_take(session, &sampling->moment, ret, &process->doubt, err);
    process->stopped_milliseconds = session_stopped_milliseconds(session);
    session_close(session);
    if (!done || ret->occasion.complete)
        text_clear(&process->doubt);
    return done;
}

/* They are on disk, and take too much to be kept for each process. */
static void forget_objects(struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->row_count; i++)
        snapshot->rows[i].objects = NULL;
    free(snapshot->storage);
    snapshot->storage = NULL;
    snapshot->has_objects = false;
}

/* Takes over `snapshot`, unless it fails. */
static bool add(struct watch_process *process, const struct watch_sampling *sampling,
                struct snapshot *snapshot, int64_t at_ms, struct error *err)
{
    const struct snapshot *const added = snapshot;

    process->is_new_program =
        process->has_snapshot && !origin_is_same(&process->snapshot.origin, &snapshot->origin);
    if (process->is_new_program)
        watch_process_forget(process);
    if (!process->growth && !(process->growth = growth_new(sampling->short_names)))
        return error_memory(err);
    bool joins = process->sum && !process->has_snapshot;
    if (joins && !growth_joined(process->sum, snapshot, err))
        return false;
    if (!growth_add(process->growth, at_ms, &added, 1, err)) {
        if (joins)
            growth_left(process->sum, snapshot);
        return false;
    }
    if (process->has_snapshot)
        snapshot_free(&process->snapshot);
    process->snapshot = *snapshot;
    process->has_snapshot = true;
    return true;
}

static enum watch_outcome sample(struct watch_process *process,
                                 const struct watch_sampling *sampling, int64_t at_ms,
                                 struct error *err)
{
    struct snapshot snapshot;

    if (watch_process_has_ended(process))
        return WATCH_ENDED;
    bool done = take(process, sampling, &snapshot, err);
    /* Only now is it certain that the number was its own all the time. */
    if (watch_process_has_ended(process)) {
        if (done)
            snapshot_free(&snapshot);
        return WATCH_ENDED;
    }
    if (!done)
        return WATCH_FAILED;
    bool saved = watch_file_add(sampling->file, &snapshot, sampling->events, err);
    forget_objects(&snapshot);
    if (!add(process, sampling, &snapshot, at_ms, err)) {
        snapshot_free(&snapshot);
        return WATCH_FAILED;
    }
    return saved ? WATCH_SAMPLED : WATCH_UNSAVED;
}

void watch_process_sample(struct watch_process *process, const struct watch_sampling *sampling,
                          int64_t at_ms)
{
    process->is_new_program = false;
    process->stopped_milliseconds = 0;
    process->why = (struct error){.kind = ERROR_NONE};
    text_clear(&process->doubt);
    process->outcome = sample(process, sampling, at_ms, &process->why);
    process->failed += process->outcome == WATCH_FAILED || process->outcome == WATCH_UNSAVED;
    process->rest_until = 0;
    if (sampling->max_share < 1)
        process->rest_until =
            clock_milliseconds() + process->stopped_milliseconds / sampling->max_share;
}
