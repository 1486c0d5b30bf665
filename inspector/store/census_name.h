// SPDX-License-Identifier: MIT
/*
 * census_name - names one census of a file: "history.census" (its last), "history.census@3",
 * "@first", "@last", or "@2026-11-20T10:00": the last that was taken by then.
 *
 * Times are local unless they end in Z or +HH:MM; "2026-11-20" and "10:00" of a minute stand for
 * their last moment, so that all that was taken in that minute is "by then". A file whose own name
 * has an @ is found under its whole name first.
 */
#ifndef PYINSPECT_CENSUS_NAME_H
#define PYINSPECT_CENSUS_NAME_H

#include "inspector/store/census_file.h"

/*
 * Loads the census of that name. ERROR_USAGE where the part after the @ is none, or the file has no
 * such census (the message says what it has); else as census_file_open.
 */
MUST_CHECK bool census_name_load(const char *name, struct snapshot *ret, struct error *err);

/*
 * Is `path` good as the name of a file that is to be written? ERROR_USAGE where it is empty, or
 * would be taken for a member of another file ever after ("history.census@3").
 */
MUST_CHECK bool census_name_check_new(const char *path, struct error *err);

/* The path in a name, without what follows the @: into `path`, of PATH_MAX bytes. */
MUST_CHECK bool census_name_path(const char *name, char *path, size_t size, struct error *err);

#endif
