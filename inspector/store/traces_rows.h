// SPDX-License-Identifier: MIT
/*
 * traces_rows - the rows of a traces file, with their checksum. For traces_file.c alone.
 */
#ifndef PYINSPECT_TRACES_ROWS_H
#define PYINSPECT_TRACES_ROWS_H

#include "inspector/analysis/traces.h"
#include "inspector/store/database.h"

/* Steps of SQLite's machine that writing them takes. */
uint64_t traces_rows_work(const struct traces *traces);

/* Puts them into empty tables. */
MUST_CHECK bool traces_rows_write(struct database *database, const struct traces *traces,
                                  struct error *err);

/* The schema has been checked. Memory is bounded by the size of the file. */
MUST_CHECK bool traces_rows_read(struct database *database, struct traces *ret, struct error *err);

#endif
