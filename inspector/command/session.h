// SPDX-License-Identifier: MIT
/*
 * session - a target that is being inspected, and how a question is put to it.
 *
 * A command opens a session and asks. The session learns what the question needs, stops the target
 * for the copy, and asks in earnest when the target runs again; as long as the answer cannot be
 * verified (the collector was at work, a list was caught halfway through a change, memory was new)
 * it tries again, within bounds.
 */
#ifndef PYINSPECT_SESSION_H
#define PYINSPECT_SESSION_H

#include "inspector/python/heap.h"
#include "inspector/target/image.h"
#include "inspector/target/process.h"
#include "inspector/target/rooms.h"
#include "symbols/base/progress.h"

#include <sys/types.h>

struct session;

struct session_options {
    struct progress *progress; /* told of what is going on; NULL: nobody looks */
    bool read_swapped;         /* also read what lies in swap (which brings it back into memory) */
    bool no_stop;              /* never stop the target; the answer is then not verified */
    double max_pause_milliseconds; /* of a stop; 0: ten seconds, and one for a copy in pieces */
    struct layout_sources sources; /* what the layout may be taken from besides the usual */
    uint64_t max_memory;           /* bytes of ours for the copy; 0: what the machine can spare */
    struct rooms *rooms; /* of whoever opens one session after the other; NULL: nothing is kept */
};

/* How the last question was answered. */
struct session_report {
    double open_milliseconds;    /* to find the interpreter and its layout, before all else */
    double pause_milliseconds;   /* the longest time for which the target stood still */
    double stopped_milliseconds; /* all such times together */
    uint64_t resident_bytes; /* what the target has in memory (VmRSS), to hold the answer against */
    unsigned stops;          /* how often it was stopped */
    uint64_t copied_bytes;   /* in the last stop */
    unsigned threads;        /* of the target */
    bool was_stopped;        /* by job control, before we came, and still is */
    bool verified;           /* the answer's verdict, for the attempt that was taken */
    uint64_t missed;         /* requests for memory that the image did not have */
    uint64_t swapped_pages;  /* of those: pages that lie in swap */
    bool unstopped;          /* the running target was asked (no_stop) */
    bool in_pieces;          /* the copy did not fit max_memory and was made piece by piece */
};

/* What putting a question would cost, worked out without stopping the target. */
struct session_estimate {
    double pause_milliseconds;     /* for which the target would stand still */
    double max_pause_milliseconds; /* the bound in force */
    uint64_t copied_bytes;         /* in that time */
    uint64_t memory_bytes;         /* of ours that it would take */
    uint64_t max_memory;           /* the bound in force */
    uint64_t resident_bytes;       /* what the target has in memory (VmRSS) */
    uint64_t swapped_pages;        /* that would be missed because they lie in swap */
    unsigned threads;              /* of the target */
    bool in_pieces;  /* the copy would not fit max_memory: it would be made piece by piece */
    bool restless;   /* it changed while it was looked at: more than one stop may be needed */
    bool collecting; /* the garbage collector was at work all the time */
};

MUST_CHECK bool session_open(struct session **ret, pid_t pid, const struct session_options *options,
                             struct error *err);
void session_close(struct session *session); /* NULL is fine */

const struct process *session_process(const struct session *session);
const struct python *session_python(const struct session *session);
pid_t session_pid(const struct session *session);
void session_executable(const struct session *session, char *path, size_t size);

/* For how long the target stood still in all so far, at most; questions that failed count too. */
double session_stopped_milliseconds(const struct session *session);

/* Is the copy made in pieces? Then nothing of it is left after the question (session_ask). */
bool session_is_in_pieces(const struct session *session);

/* Is the question put to learn what it needs, and for no answer? What touches nothing that is not
 * touched anyway may be left out then. */
bool session_is_learning(const struct session *session);

/* What the process has mapped at `address`, for a person: "/usr/lib/libz.so.1, r--", "[heap], rw-".
 * "?" where that cannot be told. */
void session_mapping(struct session *session, uint64_t address, char *text, size_t size);

/* How much an answer can be relied on. */
enum certainty {
    ANSWER_HAS_GAPS, /* it was not all there to be seen */
    ANSWER_WHOLE,    /* as far as can be told it was, but not all of it fits together */
    ANSWER_VERIFIED  /* it is certain */
};

/*
 * A question: works out its answer from `image` alone, from scratch each time that it is called,
 * and says how certain the answer is. False (an error) ends the session's attempts.
 */
typedef bool session_question(void *context, struct image *image, enum certainty *ret,
                              struct error *err);

/*
 * Puts a question. Afterwards the image holds what the answer was made from. Where nothing could be
 * verified within the attempts the last answer stands, and the report says so. Fails with
 * ERROR_LIMIT where max_pause_milliseconds cannot be kept: nothing was stopped if that could be
 * told beforehand, and else the target was let go at the bound.
 */
MUST_CHECK bool session_ask(struct session *session, session_question *question, void *context,
                            struct session_report *ret, struct error *err);

/* Learns what the question needs, and estimates what it would cost to put it. Nothing is stopped.
 */
MUST_CHECK bool session_estimate(struct session *session, session_question *question, void *context,
                                 struct session_estimate *ret, struct error *err);

/* Does it keep max_pause_milliseconds? Else ERROR_LIMIT, with what it would take. */
MUST_CHECK bool session_keeps_bound(const struct session *session,
                                    const struct session_estimate *estimate, struct error *err);

#endif
