// SPDX-License-Identifier: MIT
/*
 * target_row - a row of the table `target`, which all kinds of saved files have: the process that
 * something was taken from.
 */
#ifndef PYINSPECT_TARGET_ROW_H
#define PYINSPECT_TARGET_ROW_H

#include "inspector/analysis/snapshot.h"
#include "inspector/store/database.h"

#define TARGET_ROW_COLUMNS                                                                         \
    "id, pid, start_time, boot, stack_start, executable, version, command_line"

uint32_t target_row_checksum(const struct origin *origin);

/* The texts are the row's, until the next step. False where it is none; the id is not looked at. */
MUST_CHECK bool target_row_parse(sqlite3_stmt *row, struct origin *ret);

MUST_CHECK bool target_row_insert(struct database *database, size_t id, const struct origin *origin,
                                  struct error *err);

/* With texts of its own. */
MUST_CHECK bool target_row_copy(struct origin *ret, const struct origin *origin,
                                struct arena *arena, struct error *err);

#endif
