// SPDX-License-Identifier: MIT
/*
 * traces - what tracemalloc.Snapshot is: how much memory was allocated where, without the process.
 *
 * Blocks of the same domain, size and traceback are one row with a count, so four million blocks
 * take little; nothing of Snapshot.traces is lost but their order, which has no meaning. Two that
 * hold the same are equal array by array: names are in bytewise order (which is Python's order of
 * str), stacks ordered by their frames and then by all_frames, rows by domain, stack and size;
 * none is there twice, and none unused.
 *
 * It is made by a traces_builder, of an image (traces_take.h) or a file (inspector/store/).
 */
#ifndef PYINSPECT_TRACES_H
#define PYINSPECT_TRACES_H

#include "inspector/analysis/snapshot.h"

struct trace_file {
    const char *name; /* UTF-8, lone surrogates in three-byte form; NUL-terminated, may hold NUL */
    size_t length;
};

struct trace_frame {
    uint32_t file; /* its number */
    uint32_t line; /* 0: unknown */
};

struct trace_stack {
    size_t first;        /* its first frame among all frames: the most recent one */
    uint32_t frames;     /* 1 or more */
    uint32_t all_frames; /* before tracemalloc cut it at its limit; 0: not told (up to 3.8) */
};

struct trace_row {
    uint32_t domain;
    uint32_t stack; /* its number */
    uint64_t size;  /* of each, bytes */
    uint64_t count; /* of blocks, 1 or more */
};

struct traces {
    struct origin origin; /* all empty where a pickled Snapshot was read: `has_origin` */
    struct occasion occasion;
    bool has_origin;
    bool newest_first; /* Traceback's order is the stored one (3.6); else the reverse */
    uint32_t traceback_limit;
    uint64_t traced_memory, peak, own_memory; /* bytes, as tracemalloc tells; 0 without origin */

    struct trace_file *files;
    size_t file_count;
    struct trace_frame *frames;
    size_t frame_count;
    struct trace_stack *stacks;
    size_t stack_count;
    struct trace_row *rows;
    size_t row_count;
    uint64_t blocks, bytes; /* of all rows; they saturate */

    struct arena arena; /* of texts */
};

/* Zero-initialised is fine. */
void traces_free(struct traces *traces);

/* Notes where and when they were taken; texts are copied. `newest_first` is the version's, too. */
MUST_CHECK bool traces_set_origin(struct traces *traces, const struct origin *origin,
                                  const struct occasion *occasion, struct error *err);

/* Negative, 0, positive: bytewise, which is Python's order of str. */
int trace_file_order(const struct trace_file *a, const struct trace_file *b);

/* Negative, 0, positive: Python's order of the tuples of (filename, lineno), in stored order.
 * Stacks of different traces can be held against each other. */
int trace_stack_order(const struct traces *a, const struct trace_stack *first,
                      const struct traces *b, const struct trace_stack *second);

/* Makes traces of files, stacks and rows that come in any order and as often as they like. */
struct traces_builder;

/* NULL: no memory. */
struct traces_builder *traces_builder_new(void);
void traces_builder_free(struct traces_builder *builder); /* NULL is fine */

/* Each tells the number to call it by. ERROR_SYSTEM for want of memory, ERROR_LIMIT past 2^32 - 2
 * of a kind, ERROR_INPUT for a number that was not told or a stack without frames. The text is
 * copied. */
MUST_CHECK bool traces_builder_file(struct traces_builder *builder, const char *name, size_t length,
                                    uint32_t *ret, struct error *err);
/* `frames` with numbers that traces_builder_file told; 1 or more of them. */
MUST_CHECK bool traces_builder_stack(struct traces_builder *builder,
                                     const struct trace_frame *frames, uint32_t count,
                                     uint32_t all_frames, uint32_t *ret, struct error *err);
/* `count` blocks more; 0 of them leave nothing behind. */
MUST_CHECK bool traces_builder_add(struct traces_builder *builder, uint32_t domain, uint32_t stack,
                                   uint64_t size, uint64_t count, struct error *err);

/* Puts all in order, and frees the builder, also when it fails. What the builder knows nothing of
 * (origin to own_memory) is empty. */
MUST_CHECK bool traces_builder_finish(struct traces_builder *builder, struct traces *ret,
                                      struct error *err);

/* The same; (*ret_stacks)[number] is the number in `traces` of the stack that the builder called
 * `number`, UINT32_MAX if no block was added to it. The array is the caller's to free. */
MUST_CHECK bool traces_builder_finish_telling(struct traces_builder *builder, struct traces *ret,
                                              uint32_t **ret_stacks, struct error *err);

#endif
