// SPDX-License-Identifier: MIT
/*
 * frame - what a function that runs, or is suspended, holds: one view for all versions.
 *
 *     up to 3.10   a frame is an object, PyFrameObject: variables and stack are in it
 *     3.11 on      it is a struct _PyInterpreterFrame: in the thread's data stack, inside a
 * generator, or inside the frame object that has outlived it. Since 3.14 its references are tagged
 * words (_PyStackRef)
 *
 * A frame that runs tells nothing of its evaluation stack: how high it is, is in the interpreter's
 * own registers. Where a frame has been left (by a call, or a yield), it is known.
 */
#ifndef PYINSPECT_FRAME_H
#define PYINSPECT_FRAME_H

#include "inspector/python/reader.h"
#include "inspector/python/reference.h"

enum frame_owner { /* as CPython numbers them */
                   FRAME_OF_THREAD,
                   FRAME_OF_GENERATOR,
                   FRAME_OF_OBJECT,
                   FRAME_OF_INTERPRETER, /* a shim between C and Python: it runs nothing, and holds
                                            nothing */
                   FRAME_OF_C,
};

struct frame_view {
    uint64_t address;    /* of the PyFrameObject (up to 3.10) or the _PyInterpreterFrame */
    uint64_t code;       /* a code object that is there; 0: none */
    uint64_t function;   /* 3.11 and later */
    uint64_t dict;       /* f_locals: the namespace of a class or module that runs, or NULL */
    uint64_t object;     /* the frame object, itself up to 3.10; 0: nobody has asked for one */
    uint64_t previous;   /* the frame below it, as far as the frame knows */
    int64_t instruction; /* the offset in bytes of the last one; negative: it has not begun */
    uint64_t slots;      /* where the variables are: words, the stack behind them */
    uint64_t locals;     /* how many are variables */
    uint64_t stack;      /* how many are on the stack; 0 while that is not known */
    bool is_running;     /* the height of its stack is not known */
    enum frame_owner owner;
};

/* Looks at a frame as `address` of the view has it. False: there is none. */
bool frame_view_of(const struct reader *reader, uint64_t address, struct frame_view *ret);

/* Looks at the frame of a frame object: the same up to 3.10. */
bool frame_view_of_object(const struct reader *reader, uint64_t object, struct frame_view *ret);

/* The line that it is at, as frame.f_lineno says. False: none. */
bool frame_line(const struct reader *reader, const struct frame_view *view, uint32_t *ret_line);

/* Tells the variables: LABEL_LOCAL, cells as cells. `is_owned` as in struct reference. */
void frame_variables(const struct reader *reader, const struct frame_view *view, bool is_owned,
                     struct references *references);

/* Tells what is on the stack: LABEL_FIELD "stack", `number` from the bottom. */
void frame_stack(const struct reader *reader, const struct frame_view *view, bool is_owned,
                 struct references *references);

/* The topmost object on the stack; 0: none, or not known. */
uint64_t frame_stack_top(const struct reader *reader, const struct frame_view *view);

/*
 * 3.11 and later: tells the rest that the frame holds, then variables and stack, of a frame that
 * runs only where `even_running`: its tp_traverse leaves them out.
 */
void frame_contents(const struct reader *reader, const struct frame_view *view, bool is_owned,
                    bool even_running, struct references *references);

/* For how many slots a frame of this code has room: variables, and the highest stack. False: there
 * is no such code. */
bool frame_slots(const struct reader *reader, uint64_t code, uint64_t *ret);

#endif
