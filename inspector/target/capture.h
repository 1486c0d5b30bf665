// SPDX-License-Identifier: MIT
/*
 * capture - fills an image with the memory of a running process.
 *
 * The same question is asked of the image twice. First while the target runs: what the question
 * touches is fetched as it is touched (capture_learn). Those answers are worthless, for the target
 * changes meanwhile, but afterwards it is known which pages matter, and our own pages are faulted
 * in. Then the target is stopped, those pages are copied again at memory speed, and it is let go
 * (capture_take). Now the question is asked in earnest, of a copy that is true for one moment.
 * Pages that it misses even so (the target has grown) are remembered for the next capture_take.
 *
 * Pages that the target does not have in memory are not touched, so that its footprint does not
 * grow by our reading: of a private mapping of a file they are read from the file, pages in swap
 * are left out and counted unless `read_swapped` asks for them.
 *
 * Where the copy would take more memory than we may, it is made in pieces (capture_is_in_pieces):
 * what was fetched is thrown away when there is too much of it, and fetched again when it is asked
 * for. A capture_take then copies nothing beforehand and wants `work`.
 */
#ifndef PYINSPECT_CAPTURE_H
#define PYINSPECT_CAPTURE_H

#include "inspector/target/image.h"
#include "inspector/target/process.h"
#include "inspector/target/rooms.h"
#include "inspector/target/stop.h"

struct capture;

struct capture_options {
    bool read_swapped;
    uint64_t max_memory; /* bytes of ours for the copy; 0: three quarters of what is available */
    /* Learning in pieces ends then: a stop that takes as long would not do. 0: there is no bound.
     */
    double most_milliseconds_in_pieces;
    struct rooms *rooms; /* for the copy, of one capture at a time; NULL: it has its own */
};

struct capture_report {
    struct stop_report stop;
    uint64_t bytes; /* copied while the target stood still */
};

MUST_CHECK bool capture_open(struct capture **ret, const struct process *process,
                             const struct capture_options *options, struct error *err);
void capture_close(struct capture *capture); /* NULL is fine */

/* Owned by the capture. Its answers are those of the last capture_learn or capture_take. */
struct image *capture_image(struct capture *capture);

/* Forgets all, and from here on fetches from the running target what the image is asked for. */
void capture_learn(struct capture *capture);

/* Learns once more, from scratch, but does not forget what the question needed before. */
void capture_learn_again(struct capture *capture);

/*
 * Keeps what the last capture_take copied, and fetches what else the image is asked for. From now
 * on all pages near those that were touched are copied too.
 */
void capture_learn_more(struct capture *capture);

/* The bound in force, and whether it is too low for a copy in one piece. */
uint64_t capture_max_memory(const struct capture *capture);
bool capture_is_in_pieces(const struct capture *capture);

/* Was there room for all that was learnt? Else ERROR_SYSTEM. */
MUST_CHECK bool capture_has_memory(const struct capture *capture, struct error *err);

/* What the next capture_take would cost, as far as copying goes. */
struct capture_estimate {
    double milliseconds; /* for which the target would stand still */
    uint64_t bytes;      /* copied in that time; in pieces: what a copy in one piece would take */
    uint64_t memory;     /* bytes of ours */
};

/*
 * Measures: copies a part of what was learnt from the running target. Once, where that tells of no
 * more than `enough` milliseconds; otherwise some times more, of which the fastest counts.
 */
struct capture_estimate capture_estimate(struct capture *capture, double enough);

/*
 * Names a 32-bit word of the target that must be 0 for a capture to be worth its while (the flag of
 * a collector at work). The words that were named are forgotten by the next capture_learn.
 */
MUST_CHECK bool capture_guard(struct capture *capture, uint64_t address, struct error *err);

/* Are all guarded words 0 in the running target? */
bool capture_is_quiet(const struct capture *capture);

/* Pages that were asked for since the last capture_take and are not there: they lie in swap. */
uint64_t capture_swapped_pages(const struct capture *capture);

enum capture_outcome {
    CAPTURE_DONE,
    CAPTURE_BUSY,    /* a guarded word was not 0: nothing was copied */
    CAPTURE_OVERDUE, /* the target was let go at the bound: nothing is to be used */
    CAPTURE_FAILED   /* see the error */
};

/* Works on the image while the target stands still. */
typedef bool capture_work(void *context, struct error *err);

struct capture_order {
    double max_pause_milliseconds;
    bool even_if_busy; /* the guarded words are not looked at */
    capture_work
        *work;     /* NULL, or run before the target is let go, on an image that also fetches */
    void *context; /* of `work` */
};

/*
 * Stops the target, copies what was learnt, lets it go. Afterwards the image answers from that copy
 * alone. *ret is set unless it failed.
 */
MUST_CHECK enum capture_outcome capture_take(struct capture *capture,
                                             const struct capture_order *order,
                                             struct capture_report *ret, struct error *err);

#endif
