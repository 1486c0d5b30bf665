// SPDX-License-Identifier: MIT
#include "inspector/command/session.h"

#include "inspector/python/locate.h"
#include "inspector/report/format.h"
#include "inspector/report/render.h"
#include "inspector/target/capture.h"
#include "symbols/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OPEN_ATTEMPTS = 3,
    MOST_ATTEMPTS = 10,
    STOPPED_ATTEMPT = 3, /* from this one on the question is asked while the target stands still */
    FIRST_GAP_MS = 5,    /* between attempts, for the target to get on; doubled each time */
    LAST_GAP_MS = 100,
    MOST_WHOLE = 3,         /* answers in a row in which only what the target holds is in doubt */
    MOST_OVERDUE = 3,       /* stops that were ended at a bound that somebody chose */
    PIECES_PAUSE_MS = 1000, /* for a copy in pieces, where nobody allowed more */
    RUNNING_ATTEMPTS = 5,   /* to follow all lists of the running target to their ends */
    ESTIMATE_QUIET_MS = 2000,
    QUIET_POLL_MS = 1,             /* how often a running collector is looked at */
    QUIET_DEADLINE_MS = 10 * 1000, /* a collection of ten million objects takes seconds */
};

struct session {
    struct process process;
    struct python *python;
    struct capture *capture;
    struct session_options options;
    bool is_learning;
    double open_milliseconds; /* that session_open took */
    double stopped_milliseconds;
    struct maps maps; /* for session_mapping: read when it is asked */
};

static bool open_once(struct session **ret, pid_t pid, const struct session_options *options,
                      struct error *err)
{
    struct session *session = calloc(1, sizeof(*session));

    if (!session)
        return error_memory(err);
    session->options = *options;
    if (options->max_pause_milliseconds > STOP_LONGEST_MS)
        session->options.max_pause_milliseconds = STOP_LONGEST_MS;
    double most =
        options->max_pause_milliseconds > 0 ? options->max_pause_milliseconds : PIECES_PAUSE_MS;
    struct capture_options capturing = {.read_swapped = options->read_swapped,
                                        .max_memory = options->max_memory,
                                        .most_milliseconds_in_pieces = options->no_stop ? 0 : most,
                                        .rooms = options->rooms};
    if (!process_open(&session->process, pid, err)) {
        free(session);
        return false;
    }
    session->python = calloc(1, sizeof(*session->python));
    if (!session->python) {
        error_memory(err);
    } else if ((options->no_stop || process_check_tracer(&session->process, err)) &&
               python_locate(session->python, &session->process, &options->sources,
                             options->progress, err) &&
               capture_open(&session->capture, &session->process, &capturing, err)) {
        *ret = session;
        return true;
    }
    /* What cannot be read of a process that ends meanwhile is not its files' fault. */
    if (err->kind == ERROR_PYTHON && !process_is_same(&session->process))
        process_refused(&session->process, "inspect", ESRCH, err);
    session_close(session);
    return false;
}

/* A process in the middle of an exec looks like a zombie, or like one that nobody may touch. */
bool session_open(struct session **ret, pid_t pid, const struct session_options *options,
                  struct error *err)
{
    double begun = clock_milliseconds();

    for (int left = OPEN_ATTEMPTS;;) {
        if (open_once(ret, pid, options, err)) {
            (*ret)->open_milliseconds = clock_milliseconds() - begun;
            return true;
        }
        if (--left == 0 || err->kind != ERROR_TARGET)
            return false;
        clock_sleep(FIRST_GAP_MS);
    }
}

void session_close(struct session *session)
{
    if (!session)
        return;
    capture_close(session->capture);
    free(session->python);
    maps_free(&session->maps);
    process_close(&session->process);
    free(session);
}

const struct process *session_process(const struct session *session)
{
    return &session->process;
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

double session_stopped_milliseconds(const struct session *session)
{
    return session->stopped_milliseconds;
}

bool session_is_in_pieces(const struct session *session)
{
    return capture_is_in_pieces(session->capture);
}

void session_mapping(struct session *session, uint64_t address, char *text, size_t size)
{
    const struct mapping *mapping = NULL;
    struct error ignored;

    if (session->maps.count || process_maps(&session->process, &session->maps, &ignored))
        mapping = maps_find(&session->maps, address);
    if (mapping)
        snprintf(text, size, "%s, %c%c%c", *mapping->path ? mapping->path : "anonymous",
                 mapping->readable ? 'r' : '-', mapping->writable ? 'w' : '-',
                 mapping->executable ? 'x' : '-');
    else
        snprintf(text, size, "?");
}

bool session_is_learning(const struct session *session)
{
    return session->is_learning;
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
        if (clock_milliseconds() > deadline)
            return false;
        clock_sleep(QUIET_POLL_MS);
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
    double deadline;          /* for waiting until no collector is at work */
    double learning;          /* milliseconds that the question took of the running target */
    double asked;             /* ... and of the last image */
    uint64_t needed_bytes;    /* of the target's memory, as far as was learnt */
    bool failed;              /* the running target gave no answer at all */
    enum certainty certainty; /* of the last answer */
    enum certainty learnt;    /* ... of the running target */
    struct session_report report;
};

static bool ask_image(struct asking *asking, struct error *err)
{
    struct image *image = capture_image(asking->session->capture);
    double begun = clock_milliseconds();
    bool done = asking->question(asking->context, image, &asking->certainty, err);

    asking->asked = clock_milliseconds() - begun;
    asking->report.missed = image->missed;
    asking->report.verified = asking->certainty == ANSWER_VERIFIED && !image->missed;
    return done;
}

static bool ask_stopped(void *context, struct error *err)
{
    return ask_image(context, err);
}

/*
 * Objects that are new since learning may lie where nobody looked: their pages are copied too. The
 * less was learnt, the longer it is looked for them; all of a hundred thousand take ten
 * milliseconds.
 */
static bool copy_new_objects(void *context, struct error *err)
{
    static const unsigned enough_known[] = {
        [ANSWER_HAS_GAPS] = 1 << 20, [ANSWER_WHOLE] = 4096, [ANSWER_VERIFIED] = 256};
    const struct asking *asking = context;
    const struct session *session = asking->session;

    return heap_touch_new(session->python, capture_image(session->capture),
                          enough_known[asking->learnt], err);
}

static bool is_chosen(const struct session *session)
{
    return session->options.max_pause_milliseconds > 0;
}

/* The bound in force. Few want a service to stand still for seconds because memory is short here.
 */
static double most_pause(const struct session *session)
{
    if (is_chosen(session))
        return session->options.max_pause_milliseconds;
    return session->capture && capture_is_in_pieces(session->capture) ? PIECES_PAUSE_MS
                                                                      : STOP_LONGEST_MS;
}

/* `what` the process did or would do, what came of it, and what may be done about it. */
static bool breaks_bound(const struct session *session, const char *what, const char *outcome,
                         uint64_t bytes, struct error *err)
{
    char most[32], memory[32], more[64] = "";

    if (capture_is_in_pieces(session->capture))
        snprintf(more, sizeof(more), "give us more memory (it takes at least %s in one piece), ",
                 format_bytes(memory, bytes));
    return error_set(err, ERROR_LIMIT,
                     "process %d (%s) %s, and may for no more than %s: %s; %s%s"
                     "read it while it runs (--no-stop)",
                     (int)session->process.pid, session->process.name, what,
                     format_milliseconds(most, most_pause(session)), outcome, more,
                     most_pause(session) < STOP_LONGEST_MS ? "allow more with --max-pause, or "
                                                           : "");
}

bool session_keeps_bound(const struct session *session, const struct session_estimate *estimate,
                         struct error *err)
{
    char what[256], pause[32], bytes[32], memory[32];

    if (session->options.no_stop ||
        estimate->pause_milliseconds <= estimate->max_pause_milliseconds)
        return true;
    snprintf(
        what, sizeof(what), "would stand still for %s %s while %s %s %s of our memory",
        estimate->in_pieces ? "more than" : "about",
        format_milliseconds(pause, estimate->pause_milliseconds),
        format_bytes(bytes, estimate->copied_bytes),
        estimate->in_pieces ? "or more are read piece by piece into" : "are copied into",
        format_bytes(memory, estimate->in_pieces ? estimate->max_memory : estimate->memory_bytes));
    return breaks_bound(session, what, "nothing was stopped", estimate->copied_bytes, err);
}

static bool is_overdue(const struct asking *asking, struct error *err)
{
    char what[256], pause[32];

    snprintf(what, sizeof(what), "stood still %u time%s, for %s at most", asking->report.stops,
             asking->report.stops == 1 ? "" : "s",
             format_milliseconds(pause, asking->report.pause_milliseconds));
    return breaks_bound(asking->session, what, "it was let go before its memory was copied",
                        asking->needed_bytes, err);
}

/* Takes a copy at a moment when no collector is at work, if there is such a moment before long. */
static bool take_quiet(struct asking *asking, capture_work *work, struct error *err)
{
    struct session *session = asking->session;

    bool again = is_chosen(session) && !capture_is_in_pieces(session->capture);

    for (unsigned overdue = 0;;) {
        struct capture_report taken;
        bool quiet = wait_until_quiet(session, asking->deadline);
        struct capture_order order = {.max_pause_milliseconds = most_pause(session),
                                      .even_if_busy = !quiet,
                                      .work = work,
                                      .context = asking};
        double begun = clock_milliseconds();
        enum capture_outcome outcome = capture_take(session->capture, &order, &taken, err);
        if (outcome == CAPTURE_FAILED) {
            session->stopped_milliseconds += clock_milliseconds() - begun;
            return false;
        }
        note_stop(&asking->report, &taken);
        session->stopped_milliseconds += taken.stop.milliseconds;
        if (outcome == CAPTURE_DONE)
            return true;
        if (outcome == CAPTURE_OVERDUE && (++overdue == MOST_OVERDUE || !again))
            return is_overdue(asking, err);
        /* Stops that follow each other closely would be felt as one. */
        clock_sleep(taken.stop.milliseconds > FIRST_GAP_MS ? taken.stop.milliseconds
                                                           : FIRST_GAP_MS);
    }
}

/* What the running target answers is worth nothing; what it had to be asked for is. */
static bool learn(struct asking *asking, struct error *err)
{
    progress_begin(asking->session->options.progress, "Looking around");
    asking->failed = !ask_image(asking, err);
    asking->learning = asking->asked;
    asking->learnt = asking->failed ? ANSWER_HAS_GAPS : asking->certainty;
    return !asking->failed || err->kind == ERROR_PYTHON;
}

/* As `learn`, from scratch; afterwards the collectors' flags are known. */
static bool learn_all(struct asking *asking, struct error *err)
{
    capture_learn(asking->session->capture);
    return learn(asking, err) && guard_collectors(asking->session, err);
}

/*
 * A list that changes while it is followed is followed to that point only. The next time it is
 * another point: together they show most of what the question needs.
 */
static bool learn_until_whole(struct asking *asking, struct error *err)
{
    if (!learn_all(asking, err))
        return false;
    for (unsigned number = 1; asking->learnt == ANSWER_HAS_GAPS && number < RUNNING_ATTEMPTS;
         number++) {
        if (capture_is_in_pieces(asking->session->capture))
            break;
        wait_until_quiet(asking->session, asking->deadline);
        capture_learn_again(asking->session->capture);
        if (!learn(asking, err))
            return false;
    }
    return true;
}

static bool learn_repeatedly(struct asking *asking, struct error *err)
{
    asking->session->is_learning = !asking->session->options.no_stop; /* else it is the answer */
    bool done = learn_until_whole(asking, err);
    asking->session->is_learning = false;
    return done;
}

/* Is so much less than the bound that nobody has to know it better. */
static double enough_for_bound(const struct session *session)
{
    return most_pause(session) / 4;
}

/* Known well where it takes more than `enough` milliseconds. */
static struct session_estimate estimate(struct asking *asking, double enough)
{
    const struct session *session = asking->session;
    struct capture_estimate cost = capture_estimate(session->capture, enough);
    struct session_estimate estimate = {.pause_milliseconds = cost.milliseconds,
                                        .max_pause_milliseconds = most_pause(session),
                                        .copied_bytes = cost.bytes,
                                        .memory_bytes = cost.memory,
                                        .max_memory = capture_max_memory(session->capture),
                                        .resident_bytes = process_resident(&session->process),
                                        .swapped_pages = capture_swapped_pages(session->capture),
                                        .threads = process_threads(&session->process),
                                        .in_pieces = capture_is_in_pieces(session->capture)};

    /* Then the target stands still while it is asked, and that takes as long as learning. */
    if (estimate.in_pieces)
        estimate.pause_milliseconds += asking->learning;
    asking->needed_bytes = estimate.copied_bytes;
    return estimate;
}

/* Can it be asked while it stands still without breaking the bound? */
static bool may_ask_stopped(const struct asking *asking)
{
    return asking->report.pause_milliseconds + asking->asked < most_pause(asking->session);
}

static bool attempt(struct asking *asking, unsigned number, struct error *err)
{
    bool in_pieces = capture_is_in_pieces(asking->session->capture);

    progress_begin(asking->session->options.progress, "Counting objects");
    if (in_pieces || (number >= STOPPED_ATTEMPT && may_ask_stopped(asking)))
        return take_quiet(asking, ask_stopped, err);
    return take_quiet(asking, copy_new_objects, err) && ask_image(asking, err);
}

/* After an attempt: first more of what is known, then all afresh, since a library may be new. */
static bool learn_better(struct asking *asking, unsigned number, struct error *err)
{
    if (number + 1 == STOPPED_ATTEMPT)
        return learn_all(asking, err);
    if (number >= STOPPED_ATTEMPT || !asking->report.missed)
        return true;
    capture_learn_more(asking->session->capture);
    return learn(asking, err);
}

static bool ask_copy(struct asking *asking, struct error *err)
{
    struct session *session = asking->session;
    double gap = FIRST_GAP_MS;
    unsigned whole = 0;

    for (unsigned number = 1;; number++) {
        if (!attempt(asking, number, err))
            return false;
        asking->report.swapped_pages = capture_swapped_pages(session->capture);
        whole = asking->certainty == ANSWER_WHOLE && !asking->report.missed ? whole + 1 : 0;
        if (asking->report.verified || whole == MOST_WHOLE || number == MOST_ATTEMPTS ||
            clock_milliseconds() > asking->deadline)
            return true;
        if (!learn_better(asking, number, err))
            return false;
        clock_sleep(gap);
        gap = gap * 2 < LAST_GAP_MS ? gap * 2 : LAST_GAP_MS;
    }
}

/* Afresh, as long as a collector was at work or a list was lost when it changed under our feet. */
static bool ask_running(struct asking *asking, struct error *err)
{
    struct session *session = asking->session;

    for (unsigned number = 1;; number++) {
        if (!learn_all(asking, err))
            return false;
        bool calm = asking->learnt != ANSWER_HAS_GAPS && capture_is_quiet(session->capture);
        if (calm || number == RUNNING_ATTEMPTS || clock_milliseconds() > asking->deadline)
            break;
        wait_until_quiet(session, asking->deadline);
    }
    if (!process_is_same(&session->process))
        return process_refused(&session->process, "read", ESRCH, err);
    if (asking->failed)
        return false;
    asking->report.swapped_pages = capture_swapped_pages(session->capture);
    asking->report.threads = process_threads(&session->process);
    asking->report.unstopped = true;
    asking->report.verified = false;
    return true;
}

static struct asking asking_of(struct session *session, session_question *question, void *context)
{
    return (struct asking){.session = session,
                           .question = question,
                           .context = context,
                           .deadline = clock_milliseconds() + QUIET_DEADLINE_MS};
}

bool session_ask(struct session *session, session_question *question, void *context,
                 struct session_report *ret, struct error *err)
{
    struct asking asking = asking_of(session, question, context);

    if (session->options.no_stop) {
        if (!ask_running(&asking, err))
            return false;
    } else {
        if (!learn_repeatedly(&asking, err))
            return false;
        struct session_estimate cost = estimate(&asking, enough_for_bound(session));
        if (!session_keeps_bound(session, &cost, err) || !ask_copy(&asking, err))
            return false;
    }
    asking.report.in_pieces = capture_is_in_pieces(session->capture);
    asking.report.resident_bytes = process_resident(&session->process);
    asking.report.open_milliseconds = session->open_milliseconds;
    *ret = asking.report;
    return true;
}

bool session_estimate(struct session *session, session_question *question, void *context,
                      struct session_estimate *ret, struct error *err)
{
    struct asking asking = asking_of(session, question, context);

    if (!learn_repeatedly(&asking, err) || !capture_has_memory(session->capture, err))
        return false;
    *ret = estimate(&asking, 0);
    ret->restless = asking.learnt != ANSWER_VERIFIED;
    ret->collecting = !wait_until_quiet(session, clock_milliseconds() + ESTIMATE_QUIET_MS);
    return true;
}
