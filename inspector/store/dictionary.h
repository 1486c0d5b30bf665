// SPDX-License-Identifier: MIT
/*
 * dictionary - the types and targets of a census file, which its censuses refer to by number.
 *
 * Both are only ever added to, and their numbers have no gaps. What is read stays until the end, so
 * texts can be handed out.
 */
#ifndef PYINSPECT_DICTIONARY_H
#define PYINSPECT_DICTIONARY_H

#include "inspector/analysis/snapshot.h"
#include "inspector/store/database.h"

struct known_type {
    struct snapshot_row row; /* its names; nothing is counted */
    uint32_t checksum;
};

struct known_target {
    struct origin origin;
    uint32_t checksum;
};

/* Zero-initialised is empty and ready. Number N is at N - 1. */
struct dictionary {
    struct known_type *types;
    size_t type_count, type_capacity;
    struct known_target *targets;
    size_t target_count, target_capacity;
    uint32_t *by_name; /* indices of the types, sorted by snapshot_row_order */
    size_t named;      /* how many of these there are; all types or it is made anew */
    struct arena arena;
};

void dictionary_free(struct dictionary *dictionary);

/* Reads what was added since the last time. */
MUST_CHECK bool dictionary_read(struct dictionary *dictionary, struct database *database,
                                struct error *err);

/* Where it ends, to go back to when a transaction comes to nothing. */
struct dictionary_end {
    size_t types, targets;
};

struct dictionary_end dictionary_end(const struct dictionary *dictionary);
void dictionary_cut(struct dictionary *dictionary, struct dictionary_end end);

/* The number of a target, which is added if it is a new one. */
MUST_CHECK bool dictionary_put_target(struct dictionary *dictionary, struct database *database,
                                      const struct origin *origin, size_t *ret, bool *ret_is_new,
                                      struct error *err);

/* The numbers of the types of rows that are sorted by snapshot_row_order; adds the new ones. */
MUST_CHECK bool dictionary_put_types(struct dictionary *dictionary, struct database *database,
                                     const struct snapshot_row *rows, size_t count, uint32_t *ret,
                                     struct error *err);

#endif
