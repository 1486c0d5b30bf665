// SPDX-License-Identifier: MIT
/*
 * census_rows - the rows of the tables `contents` and `census`, with their checksums; and what an
 * open census file is made of. For census_file.c and census_write.c alone.
 */
#ifndef PYINSPECT_CENSUS_ROWS_H
#define PYINSPECT_CENSUS_ROWS_H

#include "inspector/store/census_file.h"
#include "inspector/store/database.h"
#include "inspector/store/dictionary.h"

#include <limits.h>

struct census_file {
    char name[PATH_MAX]; /* as the user calls it */
    struct database database;
    struct dictionary dictionary;
    size_t count;
};

enum { MOST_CENSUSES = INT32_MAX };

struct census_row_stored {
    struct census_entry entry;
    size_t target; /* its number */
    bool is_first; /* of its target */
    uint64_t types;
    uint32_t counts_checksum;
};

/* Of one type's row in `type_count`, added to the sum of those before; the first begins with
 * counts_checksum_begin. */
uint32_t counts_checksum_begin(size_t number);
uint32_t counts_checksum_add(uint32_t sum, const struct known_type *type, uint64_t count,
                             uint64_t bytes, bool is_exact);

/* Of one row in `addresses`. */
uint32_t addresses_checksum(size_t number, const struct known_type *type, uint64_t count,
                            uint64_t bytes, const void *addresses, size_t addresses_length,
                            const void *sizes, size_t sizes_length);

/* How many censuses there are. */
MUST_CHECK bool contents_read(struct database *database, size_t *ret, struct error *err);
MUST_CHECK bool contents_write(struct database *database, size_t count, struct error *err);

/* The dictionary has been read. */
MUST_CHECK bool census_row_read(const struct dictionary *dictionary, struct database *database,
                                size_t number, struct census_row_stored *ret, struct error *err);

/* The number of the last one of `count` that was taken by then; 0: none was. */
MUST_CHECK bool census_row_find(const struct dictionary *dictionary, struct database *database,
                                size_t count, int64_t by_ms, size_t *ret, struct error *err);

/* Adds the row, or replaces that of its number. */
MUST_CHECK bool census_row_write(const struct dictionary *dictionary, struct database *database,
                                 const struct census_row_stored *row, struct error *err);

/* Opens a file that is there and makes sure that it is one; not for DATABASE_BUILD. */
MUST_CHECK bool census_file_enter(struct census_file **ret, const char *path, enum database_use use,
                                  struct error *err);

#endif
