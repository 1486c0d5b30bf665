// SPDX-License-Identifier: MIT
/*
 * resident - the program that is left in the child: it moves the image's memory to where it was in
 * the target, gives up all system calls and runs the traversals.
 *
 * resident.c is built without a library and without relocations into a block of bytes
 * (resident_program) that runs at whatever address it is put. It lives in a hole of the target's
 * map, its site, with nothing around it. From the end of the site's code on its memory is laid out
 * as struct resident_site says; what lies between the parts is not mapped.
 *
 * Two shared blocks are all that we and the child have in common. Orders are written by us, and the
 * child cannot write there. Answers are the child's: whoever took it over may write anything there
 * at any time. Both have rings: the number of an entry that was ever put in, modulo the size, is
 * its place. Each side counts what it has put in or taken, and the other believes none of it.
 */
#ifndef PYINSPECT_RESIDENT_H
#define PYINSPECT_RESIDENT_H

#include "symbols/base/error.h"

#include <stdint.h>

enum {
    RESIDENT_REQUESTS = 1 << 16, /* sizes of the rings, in entries; powers of two */
    RESIDENT_ENDS = 1 << 16,
    RESIDENT_WORDS = 1 << 20,
    RESIDENT_SHUNNED = 64,
};

/* Bytes, from the start of the site on. */
enum {
    RESIDENT_CODE_SIZE = 1 << 16,
    RESIDENT_STATE_AT = RESIDENT_CODE_SIZE, /* of the program's own */
    RESIDENT_STATE_SIZE = 1 << 12,
    RESIDENT_STACK_AT = 1 << 27,
    RESIDENT_STACK_SIZE = 1 << 23,
    RESIDENT_ALTERNATE_AT = 1 << 28, /* the stack of the signal handlers */
    RESIDENT_ALTERNATE_SIZE = 1 << 17,
    RESIDENT_ORDERS_AT = 5 << 26,
    RESIDENT_ANSWERS_AT = 6 << 26,
    RESIDENT_PLAN_AT = 7 << 26,
};
#define RESIDENT_STAGING_AT (UINT64_C(1) << 33) /* the plan ends before that */

/* A range of the image: moved aside while all of ours is unmapped, then to its place. */
struct resident_range {
    uint64_t source, staged, address, size; /* the source is in our own memory */
    uint32_t protection;                    /* PROT_* */
};

/* Pages that the image has not, within a range. */
struct resident_gap {
    uint64_t address, size;
};

struct resident_plan {
    uint64_t site; /* where the program is */
    uint64_t end;  /* of all that it brought along */
    uint64_t range_count, gap_count;
    uint64_t thread_pointer;
    uint64_t word_at, word; /* is written there; 0: nothing is */
    uint64_t type_offset, traverse_offset;
    uint64_t sets_thread_pointer;   /* the machine lets programs do so (FSGSBASE) */
    struct resident_range ranges[]; /* and behind them the gaps */
};

struct orders {
    uint64_t given; /* requests that were put in */
    uint64_t ends_taken, words_taken;
    uint64_t shunned_count;
    uint64_t shunned[RESIDENT_SHUNNED]; /* functions that are not run */
    uint64_t requests[RESIDENT_REQUESTS];
};

/* How far the child has come. */
enum resident_step {
    RESIDENT_BEGUN,
    RESIDENT_FENCED,
    RESIDENT_STAGED,
    RESIDENT_ENTERED,
    RESIDENT_UNMAPPED,
    RESIDENT_MOVED,
    RESIDENT_PROTECTED,
    RESIDENT_SEALED, /* no system call is left to it */
    RESIDENT_IDLE,   /* it has ended because nobody gave it anything to do */
};

/* The end of one object: how many words were visited since the one before, and what came of it.
 * Of one that faulted two words follow those: the address, and why (RESIDENT_WHY_*). */
enum { RESIDENT_OUTCOME_SHIFT = 56 };
#define RESIDENT_COUNT_MASK ((UINT64_C(1) << RESIDENT_OUTCOME_SHIFT) - 1)

enum resident_outcome { RESIDENT_DONE, RESIDENT_FAULT, RESIDENT_SHUN };

/* The signal's number is in the low byte. */
enum {
    RESIDENT_WHY_SIGNAL = 0xff,
    RESIDENT_WHY_PAGE = 1 << 8,   /* a page fault: the address is one */
    RESIDENT_WHY_WRITE = 1 << 9,  /* ... by a write */
    RESIDENT_WHY_MAPPED = 1 << 10 /* ... to a page that is there */
};

struct answers {
    uint64_t step;       /* enum resident_step */
    uint64_t call_error; /* errno of the call that failed after that step; 0: none has */
    struct error error;  /* of the fence */
    uint64_t ends_written, words_written;
    uint64_t ends[RESIDENT_ENDS];
    uint64_t words[RESIDENT_WORDS];
};

extern const unsigned char resident_program[];
extern const uint64_t resident_program_size;

#endif
