// SPDX-License-Identifier: MIT
#include "inspector/command/session.h"

#include "inspector/target/capture.h"

#include <stdlib.h>
#include <time.h>

enum {
    MOST_ATTEMPTS = 8,
    ATTEMPT_GAP_MS = 5,            /* between attempts, for the target to get on */
    QUIET_POLL_MS = 1,             /* how often a running collector is looked at */
    QUIET_DEADLINE_MS = 10 * 1000, /* a collection of ten million objects takes seconds */
};

struct session {
    struct process process;
    struct python *python;
    struct capture *capture;
};

static void sleep_milliseconds(long milliseconds)
{
    struct timespec time = {.tv_sec = milliseconds / 1000,
                            .tv_nsec = milliseconds % 1000 * 1000000L};

    nanosleep(&time, NULL);
}

static double now_milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

bool session_open(struct session **ret, pid_t pid, const struct session_options *options,
                  struct error *err)
{
    struct session *session = calloc(1, sizeof(*session));

    if (!session)
        return error_memory(err);
    if (!process_open(&session->process, pid, err)) {
        free(session);
        return false;
    }
    session->python = calloc(1, sizeof(*session->python));
    if (!session->python) {
        error_memory(err);
    } else if (python_locate(session->python, &session->process, err) &&
               capture_open(&session->capture, &session->process, options->read_swapped, err)) {
        *ret = session;
        return true;
    }
    session_close(session);
    return false;
}

void session_close(struct session *session)
{
    if (!session)
        return;
    capture_close(session->capture);
    free(session->python);
    process_close(&session->process);
    free(session);
}

const struct python *session_python(const struct session *session)
{
    return session->python;
}

pid_t session_pid(const struct session *session)
{
    return session->process.pid;
}

void session_executable(const struct session *session, char *path, size_t size)
{
    process_executable(&session->process, path, size);
}

static bool guard_collectors(struct session *session, struct error *err)
{
    uint64_t flags[MOST_INTERPRETERS];
    size_t count = heap_collecting_flags(session->python, capture_image(session->capture), flags,
                                         MOST_INTERPRETERS);

    for (size_t i = 0; i < count; i++) {
        if (!capture_guard(session->capture, flags[i], err))
            return false;
    }
    return true;
}

/* Looks, without stopping the target, until no collector is at work; false: the time is up. */
static bool wait_until_quiet(const struct session *session, double deadline)
{
    while (!capture_is_quiet(session->capture)) {
        if (now_milliseconds() > deadline)
            return false;
        sleep_milliseconds(QUIET_POLL_MS);
    }
    return true;
}

static void note_stop(struct session_report *report, const struct capture_report *taken)
{
    report->stops++;
    report->threads = taken->stop.threads;
    report->was_stopped = taken->stop.was_stopped;
    if (taken->stop.milliseconds > report->pause_milliseconds)
        report->pause_milliseconds = taken->stop.milliseconds;
}

/* Takes a copy at a moment when no collector is at work, if there is such a moment. */
static bool take_quiet(struct session *session, double deadline, struct session_report *report,
                       struct error *err)
{
    enum capture_outcome outcome;

    do {
        struct capture_report taken;
        bool quiet = wait_until_quiet(session, deadline);
        outcome = capture_take(session->capture, !quiet, &taken, err);
        if (outcome == CAPTURE_FAILED)
            return false;
        note_stop(report, &taken);
    } while (outcome == CAPTURE_BUSY);
    return true;
}

bool session_ask(struct session *session, session_question *question, void *context,
                 struct session_report *ret, struct error *err)
{
    struct session_report report = {0};
    struct image *image = capture_image(session->capture);
    double deadline = now_milliseconds() + QUIET_DEADLINE_MS;
    bool unverified;

    capture_learn(session->capture);
    if (!question(context, image, &unverified, err) && err->kind != ERROR_PYTHON)
        return false;
    if (!guard_collectors(session, err))
        return false;

    for (unsigned attempt = 1; !report.verified && attempt <= MOST_ATTEMPTS; attempt++) {
        if (attempt > 1 && now_milliseconds() > deadline)
            break;
        if (attempt > 1)
            sleep_milliseconds(ATTEMPT_GAP_MS);
        if (!take_quiet(session, deadline, &report, err) ||
            !question(context, image, &report.verified, err))
            return false;
        report.missed = image->missed;
    }
    report.swapped_pages = capture_swapped_pages(session->capture);
    *ret = report;
    return true;
}
