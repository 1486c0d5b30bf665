// SPDX-License-Identifier: MIT
/*
 * traces_file - saved traces on disk: a SQLite database, of the family of the census files
 * (docs/traces-format.md has its tables).
 *
 * What a file holds is input from a stranger, and is recognised and checked as a census file is
 * (census_file.h). Files are written under a temporary name and renamed, readable by their owner
 * alone.
 */
#ifndef PYINSPECT_TRACES_FILE_H
#define PYINSPECT_TRACES_FILE_H

#include "inspector/analysis/traces.h"

/* Replaces what is there if it is a file with saved traces, or empty; otherwise ERROR_INPUT, and it
 * stays. */
MUST_CHECK bool traces_file_save(const char *path, const struct traces *traces, struct error *err);

/* Could traces_file_save write there? To be asked before the target is stopped for it. */
MUST_CHECK bool traces_file_check_save(const char *path, struct error *err);

/* Loads saved traces, or a pickled tracemalloc.Snapshot (traces_pickle.h), whichever it is.
 * ERROR_INPUT where it is neither (the message says what it is: a census, say) or damaged. */
MUST_CHECK bool traces_file_load(const char *path, struct traces *ret, struct error *err);

#endif
