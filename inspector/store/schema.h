// SPDX-License-Identifier: MIT
/*
 * schema - the tables of a census file, their version, and how a file is told to be one.
 *
 * docs/census-format.md describes them for others.
 */
#ifndef PYINSPECT_SCHEMA_H
#define PYINSPECT_SCHEMA_H

#include "inspector/store/database.h"

enum {
    SCHEMA_APPLICATION_ID = 0x5079436e, /* "PyCn" */
    SCHEMA_VERSION = 1,
    SCHEMA_HEADER_SIZE = 100, /* of every SQLite database */
};

/*
 * Are these the first bytes of a census file of our version? `length` is how many there are, at
 * most SCHEMA_HEADER_SIZE. ERROR_INPUT, with what it is instead; messages call the file `name`.
 */
MUST_CHECK bool schema_check_header(const unsigned char *header, size_t length, const char *name,
                                    struct error *err);

/* Makes the tables in an empty database. */
MUST_CHECK bool schema_create(struct database *database, struct error *err);

/* Are the tables ours, word by word? ERROR_INPUT. To be asked before anything else of them. */
MUST_CHECK bool schema_check(struct database *database, struct error *err);

#endif
