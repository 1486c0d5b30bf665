// SPDX-License-Identifier: MIT
#include "inspector/command/session.h"

#include "inspector/python/locate.h"
#include "inspector/target/capture.h"

#include <stdlib.h>
#include <time.h>

enum {
    OPEN_ATTEMPTS = 3,
    MOST_ATTEMPTS = 10,
    STOPPED_ATTEMPT = 3, /* from this one on the question is asked while the target stands still */
    FIRST_GAP_MS = 5,    /* between attempts, for the target to get on; doubled each time */
    LAST_GAP_MS = 100,
    QUIET_POLL_MS = 1,             /* how often a running collector is looked at */
    QUIET_DEADLINE_MS = 10 * 1000, /* a collection of ten million objects takes seconds */
};

struct session {
    struct process process;
    struct python *python;
    struct capture *capture;
    struct progress *progress;
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

static bool open_once(struct session **ret, pid_t pid, const struct session_options *options,
                      struct error *err)
{
    struct session *session = calloc(1, sizeof(*session));

    if (!session)
        return error_memory(err);
    session->progress = options->progress;
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

/* A process in the middle of an exec looks like a zombie, or like one that nobody may touch. */
bool session_open(struct session **ret, pid_t pid, const struct session_options *options,
                  struct error *err)
{
    for (int left = OPEN_ATTEMPTS;;) {
        if (open_once(ret, pid, options, err))
            return true;
        if (--left == 0 || err->kind != ERROR_TARGET)
            return false;
        sleep_milliseconds(FIRST_GAP_MS);
    }
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

static bool guard_flag(void *context, uint64_t address, struct error *err)
{
    return capture_guard(context, address, err);
}

static bool guard_collectors(struct session *session, struct error *err)
{
    return heap_collecting_flags(session->python, capture_image(session->capture), guard_flag,
                                 session->capture, err);
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
    report->stopped_milliseconds += taken->stop.milliseconds;
    report->copied_bytes = taken->bytes;
    report->threads = taken->stop.threads;
    report->was_stopped = taken->stop.was_stopped;
    if (taken->stop.milliseconds > report->pause_milliseconds)
        report->pause_milliseconds = taken->stop.milliseconds;
}

/* A question that is being put, and what has become of it. */
struct asking {
    struct session *session;
    session_question *question;
    void *context;
    double deadline; /* for waiting until no collector is at work */
    struct session_report report;
};

static bool ask_image(struct asking *asking, struct error *err)
{
    struct image *image = capture_image(asking->session->capture);
    bool done = asking->question(asking->context, image, &asking->report.verified, err);

    asking->report.missed = image->missed;
    asking->report.verified = asking->report.verified && !image->missed;
    return done;
}

static bool ask_stopped(void *context, struct error *err)
{
    return ask_image(context, err);
}

/* Takes a copy at a moment when no collector is at work, if there is such a moment before long. */
static bool take_quiet(struct asking *asking, capture_work *work, struct error *err)
{
    struct session *session = asking->session;
    enum capture_outcome outcome;

    do {
        struct capture_report taken;
        bool quiet = wait_until_quiet(session, asking->deadline);
        outcome = capture_take(session->capture, !quiet, work, asking, &taken, err);
        if (outcome == CAPTURE_FAILED)
            return false;
        note_stop(&asking->report, &taken);
        if (outcome == CAPTURE_BUSY)
            sleep_milliseconds(FIRST_GAP_MS);
    } while (outcome == CAPTURE_BUSY);
    return true;
}

/* What the running target answers is worth nothing; what it had to be asked for is. */
static bool learn(struct asking *asking, struct error *err)
{
    progress_begin(asking->session->progress, "Looking around");
    return ask_image(asking, err) || err->kind == ERROR_PYTHON;
}

static bool attempt(struct asking *asking, unsigned number, struct error *err)
{
    progress_begin(asking->session->progress, "Counting objects");
    if (number < STOPPED_ATTEMPT)
        return take_quiet(asking, NULL, err) && ask_image(asking, err);
    return take_quiet(asking, ask_stopped, err);
}

bool session_ask(struct session *session, session_question *question, void *context,
                 struct session_report *ret, struct error *err)
{
    struct asking asking = {.session = session,
                            .question = question,
                            .context = context,
                            .deadline = now_milliseconds() + QUIET_DEADLINE_MS};
    long gap = FIRST_GAP_MS;

    capture_learn(session->capture);
    if (!learn(&asking, err) || !guard_collectors(session, err))
        return false;
    for (unsigned number = 1;; number++) {
        if (!attempt(&asking, number, err))
            return false;
        asking.report.swapped_pages = capture_swapped_pages(session->capture);
        if (asking.report.verified || number == MOST_ATTEMPTS ||
            now_milliseconds() > asking.deadline)
            break;
        if (asking.report.missed && number + 1 < STOPPED_ATTEMPT) {
            capture_learn_more(session->capture);
            if (!learn(&asking, err))
                return false;
        }
        sleep_milliseconds(gap);
        gap = gap * 2 < LAST_GAP_MS ? gap * 2 : LAST_GAP_MS;
    }
    asking.report.resident_bytes = process_resident(&session->process);
    *ret = asking.report;
    return true;
}
