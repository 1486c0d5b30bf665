// SPDX-License-Identifier: MIT
/*
 * pickle_machine - the state of a pickle that is being read, and what the things in it are. For
 * traces_pickle_read.c, which has the bytes, and pickle_things.c, which has the meaning.
 */
#ifndef PYINSPECT_PICKLE_MACHINE_H
#define PYINSPECT_PICKLE_MACHINE_H

#include "inspector/analysis/traces.h"

/* What can be on the stack and in the memo. */
enum thing {
    NOT_THERE, /* of the memo */
    NUMBER,
    TEXT,
    FRAME, /* the tuple (file name, line): the file's number above, the line below */
    STACK, /* a tuple of frames */
    TRACE, /* the tuple (domain, size, stack), with all_frames or without */
    LIST,  /* of traces: there is one */
    DICT,  /* what becomes of an object's attributes: there are two */
    EMPTY, /* () */
    SNAPSHOT,
    TRACES,
    /* Names, and what our own files make of them. */
    SNAPSHOT_CLASS,
    TRACES_CLASS,
    LIST_CLASS,
    MAP_CLASS,
    SLICE_CLASS,
    GETTER_CLASS,
    ADD,
    LEN,
    SLOTS,
    LEN_ARGUMENTS,
    MEMBERS,
    ADD_ARGUMENTS,
    WIDTH,
    SLICE_ARGUMENTS,
    SLICE,
    GETTER_ARGUMENTS,
    GETTER,
    MAP_ARGUMENTS,
    MAP,
    LIST_ARGUMENTS,
};

struct value {
    enum thing kind;
    uint64_t number; /* itself, or where the thing is among those of its kind */
};

struct known_text {
    size_t at, length;
    uint32_t file; /* what the builder calls it, and 1; 0: it has not been asked */
};

struct known_stack {
    size_t first; /* of its frames, in `frames` */
    uint32_t count;
    uint32_t all_frames, number; /* of the last one that was asked for; the number and 1 */
};

struct known_trace {
    uint32_t domain, stack;
    uint64_t size;
};

struct dict {
    bool has_list, has_traces, has_limit;
};

enum { DICTS = 2 };

struct reading {
    const unsigned char *bytes;
    size_t length, at; /* what follows the operation */
    size_t operation;  /* where that began */
    const char *name;
    struct traces_builder *builder;
    uint64_t frames_left; /* that the builder may yet be given: each took a byte at least */

    struct value *values, *memo;
    size_t *marks;
    struct known_text *texts;
    struct known_stack *stacks;
    struct known_trace *traces;
    struct trace_frame *frames;
    size_t value_count, memo_size, memo_used, mark_count, text_count, stack_count, trace_count,
        frame_count;
    size_t value_room, memo_room, mark_room, text_room, stack_room, trace_room, frame_room;

    struct dict dicts[DICTS];
    size_t dict_count;
    bool has_list, has_snapshot, has_traces; /* they were made */
    bool snapshot_is_built, traces_are_built, is_done;
    uint32_t traceback_limit;
};

/* The operations' outcome: ERROR_INPUT with what is wrong, and where. */
bool pickle_refuse(const struct reading *reading, const char *what, struct error *err);
bool pickle_is_missing(const struct reading *reading, struct error *err);

MUST_CHECK bool pickle_push(struct reading *reading, enum thing kind, uint64_t number,
                            struct error *err);

/* The last `count` values above the last mark; NULL: there are not so many. */
struct value *pickle_top(const struct reading *reading, size_t count);

/* Each takes its things from the stack, and leaves there what it made. */
MUST_CHECK bool pickle_list(struct reading *reading, struct error *err);
MUST_CHECK bool pickle_append(struct reading *reading, size_t count, struct error *err);
MUST_CHECK bool pickle_tuple(struct reading *reading, size_t count, struct error *err);
MUST_CHECK bool pickle_dict(struct reading *reading, struct error *err);
MUST_CHECK bool pickle_set_items(struct reading *reading, size_t count, struct error *err);
MUST_CHECK bool pickle_new(struct reading *reading, struct error *err);
MUST_CHECK bool pickle_call(struct reading *reading, struct error *err);
MUST_CHECK bool pickle_build(struct reading *reading, struct error *err);
MUST_CHECK bool pickle_stack_global(struct reading *reading, struct error *err);

/* The names are bytes of the file. */
MUST_CHECK bool pickle_global(struct reading *reading, const char *module, size_t module_length,
                              const char *name, size_t name_length, struct error *err);

#endif
