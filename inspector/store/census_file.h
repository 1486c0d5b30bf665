// SPDX-License-Identifier: MIT
/*
 * census_file - censuses on disk: a SQLite database with one census, or a history of many.
 * docs/census-format.md has the tables for others to read.
 *
 * What a file holds is input from a stranger: it is recognised by its application_id, its version
 * and its schema, word by word, before anything else is asked of it; what is read is checked
 * against its own sums and checksum. Another kind of file, a newer version and a damaged one fail
 * with ERROR_INPUT and a message that says which it is; nothing of them is ever overwritten.
 *
 * A file is made under a temporary name beside its own, synced and renamed; one census more is one
 * transaction. So whenever we are killed, there is the old content or the new one. Files are
 * readable by their owner alone (0600): type names, command lines and paths are the target's. An
 * empty file counts as none where one is written.
 *
 * Several may read and write one file at a time; each waits for the other, ten seconds at most.
 * Reading needs no right to write.
 */
#ifndef PYINSPECT_CENSUS_FILE_H
#define PYINSPECT_CENSUS_FILE_H

#include "inspector/analysis/snapshot.h"

#include <sys/types.h>

struct census_file;

/* What a file says of a census without loading it. Texts live as long as the file is open. */
struct census_entry {
    size_t number; /* 1 is the first that was taken; there are no gaps */
    struct origin origin;
    struct occasion occasion;
    uint64_t objects, bytes;
    bool has_objects;
};

/* For reading. ERROR_INPUT where it is no census file, damaged or of a newer version. */
MUST_CHECK bool census_file_open(struct census_file **ret, const char *path, struct error *err);

/* For adding, and reading too: made if there is none. ERROR_OUTPUT where it cannot be written. */
MUST_CHECK bool census_file_open_to_add(struct census_file **ret, const char *path,
                                        struct error *err);
void census_file_close(struct census_file *file); /* NULL is fine */

size_t census_file_count(const struct census_file *file);

/* Which file it is, whatever has its name by now. */
struct census_file_id {
    dev_t device;
    ino_t inode;
};

struct census_file_id census_file_id(const struct census_file *file);

/* `number` is 1 to census_file_count. */
MUST_CHECK bool census_file_entry(struct census_file *file, size_t number, struct census_entry *ret,
                                  struct error *err);
/* The last one that was taken by `by_ms`, milliseconds since 1970; 0: none was. */
MUST_CHECK bool census_file_find(struct census_file *file, int64_t by_ms, size_t *ret_number,
                                 struct error *err);
MUST_CHECK bool census_file_load(struct census_file *file, size_t number, struct snapshot *ret,
                                 struct error *err);

/* What came of the bound of a file. */
struct census_bound {
    size_t dropped;   /* censuses that lost their addresses */
    bool is_exceeded; /* none has any, and counts alone are more than that */
};

/*
 * Adds one, of a file that was opened for it, and in the same transaction drops the addresses of
 * the oldest censuses until the file has no more than `most_bytes` (0: no bound); counts are kept.
 * The first of each process keeps its addresses longer than the others, the new one longest.
 * `ret` may be NULL.
 *
 * Fails with ERROR_OUTPUT too where the file was moved, replaced or deleted since it was opened:
 * opened again, it is the new one.
 */
MUST_CHECK bool census_file_add(struct census_file *file, const struct snapshot *snapshot,
                                uint64_t most_bytes, struct census_bound *ret, struct error *err);

/*
 * Writes a file with this one census. One that is there already is replaced if it is a census file
 * with no more than one census; otherwise ERROR_INPUT or ERROR_USAGE, and it stays.
 */
MUST_CHECK bool census_file_save(const char *path, const struct snapshot *snapshot,
                                 struct error *err);

/* Could census_file_save write there? To be asked before the target is stopped for it. */
MUST_CHECK bool census_file_check_save(const char *path, struct error *err);

/* How many objects, and how many bytes, of a type in a census. */
struct census_count {
    size_t census;      /* its number */
    size_t type_number; /* the same for a type in all censuses of the file; below 2^32, not 0 */
    const char *type;
    size_t type_length;
    const char *short_name;
    size_t short_length;
    uint64_t count, bytes;
};

/* Called with each, census by census, of a census type by type. False: enough. */
typedef bool census_count_visit(void *context, const struct census_count *count);

/* Tells all counts of all censuses without their addresses. What was told before it fails, because
 * the file is damaged, is worth nothing; where `visit` had enough, that is not looked for. */
MUST_CHECK bool census_file_counts(struct census_file *file, census_count_visit *visit,
                                   void *context, struct error *err);

#endif
