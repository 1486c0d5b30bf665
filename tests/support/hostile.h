// SPDX-License-Identifier: MIT
/*
 * hostile - a hand-made image with functions in it that a tp_traverse should not be, and objects
 * whose types have them.
 *
 * An object has its type at +8, and three words for its traversal from +16 on; a type has its
 * function at +16.
 */
#ifndef PYINSPECT_TESTS_HOSTILE_H
#define PYINSPECT_TESTS_HOSTILE_H

#include "inspector/sandbox/traversal.h"

#define HOSTILE_TEXT UINT64_C(0x7e0000000000)
#define HOSTILE_DATA UINT64_C(0x7e1000000000)
enum { HOSTILE_TEXT_PAGES = 4, HOSTILE_DATA_PAGES = 1024, HOSTILE_THREAD_AT = 64 };

enum hostile_deed {
    HOSTILE_NOT, /* visits its three words, as one should */
    HOSTILE_SYSTEM_CALL,
    HOSTILE_SYSTEM_CALL_32,
    HOSTILE_VSYSCALL,
    HOSTILE_EXIT,
    HOSTILE_KILL, /* the process that the first word names */
    HOSTILE_UNMAP,
    HOSTILE_LOOP,
    HOSTILE_RECURSION,
    HOSTILE_VISIT_FOR_EVER,
    HOSTILE_VISIT_OFTEN, /* as often as the first word says */
    HOSTILE_NULL,
    HOSTILE_WILD, /* reads where the first word says */
    HOSTILE_JUMP, /* goes there */
    HOSTILE_BREAKPOINT,
    HOSTILE_ILLEGAL,
    HOSTILE_DIVIDE,
    HOSTILE_WRITE, /* to its own second word */
    HOSTILE_WRITE_TEXT,
    HOSTILE_STEP,     /* sets the trap flag */
    HOSTILE_BACKWARD, /* sets the direction flag */
    HOSTILE_ALIGN,    /* sets the alignment check */
    HOSTILE_CLOBBER,  /* leaves other registers behind, and another stack */
    HOSTILE_THREAD_POINTER,
    HOSTILE_THREAD_POINTER_FAULT, /* ... and faults */
    HOSTILE_READ_THREAD,          /* visits the word that the thread pointer leads to */
    HOSTILE_NONZERO,
    HOSTILE_CLOCK, /* reads the time stamp counter */
    HOSTILE_SCRIBBLE_ANSWERS,
    HOSTILE_SCRIBBLE_STATE,
    HOSTILE_SCRIBBLE_STACK,
    HOSTILE_WRITE_ORDERS,
    HOSTILE_CLAIM,       /* says that more objects are done than were given */
    HOSTILE_CLAIM_WORDS, /* ... that more were visited than there is room for */
    HOSTILE_RETURN_FROM_SIGNAL,
    HOSTILE_PROTECTION_KEY,
    HOSTILE_DEEDS
};

struct hostile {
    struct image image;
    uint8_t *text, *data;
    uint64_t text_present, data_present[HOSTILE_DATA_PAGES / 64];
    uint64_t used;
    uint64_t types[HOSTILE_DEEDS];
    struct traversal_setting setting;
};

void hostile_init(struct hostile *hostile);
void hostile_free(struct hostile *hostile);

/* An object of that deed. Returns its address. */
uint64_t hostile_object(struct hostile *hostile, enum hostile_deed deed, uint64_t first,
                        uint64_t second, uint64_t third);

#endif
