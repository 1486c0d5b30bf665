// SPDX-License-Identifier: MIT
/*
 * traversal - asks objects' own types what they refer to: runs tp_traverse, never in the target, on
 * our copy of its memory, in a child that can do no harm.
 *
 * The child is forked, and then gives up all that it has of us: the pages of the image are moved to
 * the addresses that they have in the target (their text too, so neither privileges nor files are
 * needed), and everything else is unmapped but a tiny program without a library (resident.c) in a
 * hole of the target's map. It has no descriptor, no privileges (it is never root), no new ones, a
 * bound on time; its data is mapped read-only and its text not writable; seccomp leaves it no
 * system call but the end. There the types' functions run, one object after the other, and what
 * they visit is written down in memory that is shared with us.
 *
 * An object whose traversal faults is flagged, and the next one is begun; a system call or a loop
 * ends the child, and another one goes on behind the object. What faulted for want of writable
 * memory is run again in a child that may write to its copy. A function that was flagged often is
 * not run any more.
 *
 * A child that was taken over may say anything. Where that cannot be, the objects it was given are
 * run again in smaller parts, down to one alone, so that the one that is flagged is the one that
 * lies. What it says that can be is told.
 *
 * What comes back is a stranger's: addresses in any number, of anything. They are told as they
 * came, 0 and nonsense among them; only their number is bounded.
 *
 * Pages that the image lacks are missing in the child too. Where a traversal asks for one, it is
 * asked of the image (image_at), and the object is run again: so the image learns of them while the
 * target runs, and misses them (image->missed) when it does not. What the target itself does not
 * have there (image->lacks) is not missed.
 */
#ifndef PYINSPECT_TRAVERSAL_H
#define PYINSPECT_TRAVERSAL_H

#include "inspector/target/image.h"

/* What the functions need of the target besides memory. Plain values; 0 where it is not known. */
struct traversal_setting {
    uint32_t type_offset;     /* of ob_type in an object */
    uint32_t traverse_offset; /* of tp_traverse in a type */
    uint64_t thread_pointer;  /* a thread's fs base: thread-local variables are found by it */
    /* The word that says which thread state is the current one (nobody's, where the GIL is
     * released: then some functions fault), and what is written there, in the copy. */
    uint64_t current_thread_at;
    uint64_t current_thread;
};

enum traversed {
    TRAVERSED,         /* its referents are known */
    TRAVERSAL_FAULTED, /* it read what is not there, or crashed in another way */
    TRAVERSAL_ENDED,   /* it made a system call or went on for too long, and was ended */
    TRAVERSAL_SHUNNED  /* not run: its function misbehaved too often */
};

/* Told of objects in the order in which they were given. `number` is the place in `objects`;
 * `referents` are as tp_traverse visited them, each as often as it did, good until it returns.
 * False: enough. */
typedef bool traversal_visit(void *context, size_t number, enum traversed outcome,
                             const uint64_t *referents, size_t count);

struct traversal_report {
    uint64_t traversed, faulted, ended, shunned; /* objects */
    uint64_t referents;
    unsigned children;     /* that were started */
    uint64_t last_trouble; /* an object that was flagged; 0: none was */
};

/*
 * Runs the traversals of `count` objects. Objects whose type has no tp_traverse must be left out.
 * False with ERROR_SYSTEM where no such child can be had here (no seccomp, no memory, a hole too
 * small): then nothing was run and the caller goes on without. Of `count` objects `count` are told,
 * unless the visitor had enough. Several may run one after the other; not in several threads at
 * once. Ranges with memory must have it in whole pages of their own, privately mapped. Between
 * children the image may rest (image_rest): the caller holds no pointers of it.
 */
MUST_CHECK bool traversal_run(struct image *image, const struct traversal_setting *setting,
                              const uint64_t *objects, size_t count, traversal_visit *visit,
                              void *context, struct traversal_report *ret, struct error *err);

#endif
