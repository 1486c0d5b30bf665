// SPDX-License-Identifier: MIT
#include "inspector/command/watch_process.h"

#include "inspector/command/tracing_words.h"
#include "inspector/command/watch_crew.h"
#include "inspector/python/tracemalloc.h"
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

/* What a sample was. */
struct taken {
    struct snapshot snapshot;
    bool is_untraced;
};

static bool ask(struct watch_process *process, const struct watch_sampling *sampling,
                struct session *session, struct taken *ret, struct error *err)
{
    if (sampling->traces)
        return watch_traces_take(session, sampling->traces, &ret->snapshot, &ret->is_untraced,
                                 &process->doubt, err);
    ret->is_untraced = false;
    return moment_take(session, &sampling->moment, &ret->snapshot, &process->doubt, err);
}

static bool take(struct watch_process *process, const struct watch_sampling *sampling,
                 struct taken *ret, struct error *err)
{
    struct session *session;
    struct error ignored;

    if (!session_open(&session, process->pid, &sampling->moment.session, err))
        return false;
    process->is_open_to_us =
        !sampling->traces || tracemalloc_check(session_python(session), &ignored);
    /* Had the number become another process's, that one is not even stopped. */
    bool done = watch_process_has_ended(process)
                    ? error_set(err, ERROR_TARGET, "process %d has ended", (int)process->pid)
                    : ask(process, sampling, session, ret, err);
    process->stopped_milliseconds = session_stopped_milliseconds(session);
    session_close(session);
    if (!done || ret->snapshot.occasion.complete)
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

static struct growth *new_growth(const struct watch_sampling *sampling)
{
    return sampling->traces ? growth_new_of_bytes() : growth_new(sampling->short_names);
}

/* Where what there was is not to be compared with what there is. */
static void begin_anew(struct watch_process *process, const struct taken *taken)
{
    process->is_new_program = process->has_snapshot &&
                              !origin_is_same(&process->snapshot.origin, &taken->snapshot.origin);
    if (process->is_new_program || process->is_untraced != taken->is_untraced)
        watch_process_forget(process);
}

/* Once, until it traces or is another program. */
static void tell_untraced(const struct watch_process *process, struct text *events)
{
    struct text words = {0};

    say_not_tracing(process->pid, &words);
    while (words.length && words.bytes[words.length - 1] == ' ')
        words.bytes[--words.length] = '\0';
    if (!words.failed)
        watch_event(events, "%s", words.bytes);
    text_free(&words);
}

/* Takes over the snapshot, unless it fails. */
static bool add(struct watch_process *process, const struct watch_sampling *sampling,
                struct taken *taken, int64_t at_ms, struct error *err)
{
    struct snapshot *snapshot = &taken->snapshot;
    const struct snapshot *const added = snapshot;

    begin_anew(process, taken);
    if (!process->growth && !(process->growth = new_growth(sampling)))
        return error_memory(err);
    bool is_news = taken->is_untraced && !process->has_snapshot;
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
    process->is_untraced = taken->is_untraced;
    if (is_news)
        tell_untraced(process, sampling->events);
    return true;
}

static enum watch_outcome sample(struct watch_process *process,
                                 const struct watch_sampling *sampling, int64_t at_ms,
                                 struct error *err)
{
    struct taken taken;

    if (watch_process_has_ended(process))
        return WATCH_ENDED;
    bool done = take(process, sampling, &taken, err);
    /* Only now is it certain that the number was its own all the time. */
    if (watch_process_has_ended(process)) {
        if (done)
            snapshot_free(&taken.snapshot);
        return WATCH_ENDED;
    }
    if (!done)
        return WATCH_FAILED;
    bool saved = watch_file_add(sampling->file, &taken.snapshot, sampling->events, err);
    forget_objects(&taken.snapshot);
    if (!add(process, sampling, &taken, at_ms, err)) {
        snapshot_free(&taken.snapshot);
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
