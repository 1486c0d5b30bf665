// SPDX-License-Identifier: MIT
/*
 * schema - the kinds of files that are saved: their tables, their version, and how a file is told
 * to be one.
 *
 * docs/census-format.md and docs/traces-format.md describe them for others.
 */
#ifndef PYINSPECT_SCHEMA_H
#define PYINSPECT_SCHEMA_H

#include "inspector/store/database.h"

enum { SCHEMA_HEADER_SIZE = 100 }; /* of every SQLite database */

/* As SQLite keeps it: a table or view, its name, and the statement that made it. A change of one
 * letter makes another version. */
struct schema_part {
    const char *kind, *name, *sql;
};

struct schema {
    uint32_t application_id, version;
    const char *noun;   /* "census file" */
    const char *format; /* "census" */
    const char *use;    /* what is said where one is given for another kind */
    const struct schema_part *parts;
    size_t count;
};

extern const struct schema schema_census, schema_traces;

/* The table `target`, which both have. */
extern const char schema_target[];

/* Is this how every SQLite database begins? */
bool schema_is_database(const void *header, size_t length);

/*
 * Are these the first bytes of a file of that kind and of our version? `length` is how many there
 * are, at most SCHEMA_HEADER_SIZE. ERROR_INPUT, with what it is instead; messages call the file
 * `name`. `to_write`: it was to be written.
 */
MUST_CHECK bool schema_check_header(const struct schema *schema, const unsigned char *header,
                                    size_t length, const char *name, bool to_write,
                                    struct error *err);

/* Makes the tables in an empty database. */
MUST_CHECK bool schema_create(struct database *database, struct error *err);

/* Are the tables ours, word by word? ERROR_INPUT. To be asked before anything else of them. */
MUST_CHECK bool schema_check(struct database *database, struct error *err);

#endif
