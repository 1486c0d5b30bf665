// SPDX-License-Identifier: MIT
/*
 * saved_file - how files of every kind are made and replaced: under a temporary name, synced and
 * renamed, readable by their owner alone.
 */
#ifndef PYINSPECT_SAVED_FILE_H
#define PYINSPECT_SAVED_FILE_H

#include "inspector/store/schema.h"
#include "symbols/base/replaced_file.h"

enum { SAVED_FILE_MODE = 0600 };

/* Nothing is there, or a file without anything in it (of mktemp, say). */
bool saved_file_is_nothing(const char *path);

/* Can what is open be written, and its directory? ERROR_OUTPUT. */
MUST_CHECK bool saved_file_check_place(const struct database *database, struct error *err);

/* Puts all rows into the empty tables. */
typedef bool saved_file_fill(void *context, struct database *database, struct error *err);

/* Makes a file under a temporary name, to be committed or abandoned. `work` as of
 * database_begin_to_write. */
MUST_CHECK bool saved_file_make(struct replaced_file *file, const struct schema *schema,
                                const char *path, uint64_t work, saved_file_fill *fill,
                                void *context, struct error *err);

/* A journal of a file that is no more would be played into the new one: to be called before the
 * file is committed where there was none. */
MUST_CHECK bool saved_file_remove_journal(const struct replaced_file *file, struct error *err);

#endif
