// SPDX-License-Identifier: MIT
/* census_file.h, as far as it writes. */
#include "inspector/store/census_rows.h"
#include "inspector/store/packing.h"
#include "inspector/store/saved_file.h"
#include "inspector/store/schema.h"
#include "symbols/base/replaced_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { WORK_A_ROW = 400 }; /* steps of SQLite's machine: rows of three tables */

/* What is written must be what can be read: its sums are right, and all is in its order. */
static bool check_snapshot(const struct snapshot *snapshot, struct error *err)
{
    uint64_t objects = 0, bytes = 0;
    bool sound = true;

    for (size_t i = 0; i < snapshot->row_count; i++) {
        const struct snapshot_row *row = &snapshot->rows[i];
        uint64_t sum = 0;
        sound &= i == 0 || snapshot_row_order(row - 1, row) < 0;
        for (uint64_t j = 0; snapshot->has_objects && j < row->count; j++) {
            sound &= j == 0 || row->objects[j - 1].address <= row->objects[j].address;
            sum += row->objects[j].size;
        }
        sound &= !snapshot->has_objects || sum == row->bytes;
        objects += row->count;
        bytes += row->bytes;
    }
    if (!sound || objects != snapshot->objects || bytes != snapshot->bytes)
        return error_set(err, ERROR_SYSTEM, "a census contradicts itself, and was not saved");
    return true;
}

/* Adding: a row that is written, and the number of its type */

struct numbered_row {
    const struct snapshot_row *row;
    uint32_t type;
};

struct adding {
    struct census_file *file;
    const struct snapshot *snapshot;
    struct census_row_stored stored;
    struct numbered_row *rows; /* by type */
    struct text addresses, sizes;
};

static int compare_types(const void *left, const void *right)
{
    const struct numbered_row *a = left, *b = right;

    return (a->type > b->type) - (a->type < b->type);
}

static bool number_rows(struct adding *adding, struct error *err)
{
    const struct snapshot *snapshot = adding->snapshot;
    struct census_file *file = adding->file;
    uint32_t *types = calloc(snapshot->row_count + 1, sizeof(*types));

    adding->rows = calloc(snapshot->row_count + 1, sizeof(*adding->rows));
    if (!types || !adding->rows) {
        free(types);
        return error_memory(err);
    }
    bool done = dictionary_put_types(&file->dictionary, &file->database, snapshot->rows,
                                     snapshot->row_count, types, err);
    for (size_t i = 0; done && i < snapshot->row_count; i++)
        adding->rows[i] = (struct numbered_row){&snapshot->rows[i], types[i]};
    free(types);
    qsort(adding->rows, snapshot->row_count, sizeof(*adding->rows), compare_types);
    return done;
}

static const struct known_type *type_of(const struct adding *adding, uint32_t type)
{
    return &adding->file->dictionary.types[type - 1];
}

static bool write_counts(struct adding *adding, struct error *err)
{
    struct database *database = &adding->file->database;
    size_t number = adding->stored.entry.number;
    uint32_t sum = counts_checksum_begin(number);
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;

    if (!database_prepare(database, &statement,
                          "INSERT INTO type_count (census, type, count, bytes, exact) "
                          "VALUES (?, ?, ?, ?, ?)",
                          err))
        return false;
    for (size_t i = 0; i < adding->snapshot->row_count; i++) {
        const struct snapshot_row *row = adding->rows[i].row;
        uint32_t type = adding->rows[i].type;
        sum =
            counts_checksum_add(sum, type_of(adding, type), row->count, row->bytes, row->is_exact);
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)number);
        sqlite3_bind_int64(statement, 2, type);
        sqlite3_bind_int64(statement, 3, (sqlite3_int64)row->count);
        sqlite3_bind_int64(statement, 4, (sqlite3_int64)row->bytes);
        sqlite3_bind_int(statement, 5, row->is_exact);
        if (!database_do(database, statement, err))
            return false;
    }
    adding->stored.counts_checksum = sum;
    return true;
}

static bool write_packed(struct adding *adding, sqlite3_stmt *statement, size_t i,
                         struct error *err)
{
    struct database *database = &adding->file->database;
    size_t number = adding->stored.entry.number;
    const struct snapshot_row *row = adding->rows[i].row;
    uint32_t type = adding->rows[i].type;
    struct text *addresses = &adding->addresses, *sizes = &adding->sizes;

    text_clear(addresses);
    text_clear(sizes);
    packing_add(row->objects, (size_t)row->count, addresses, sizes);
    if (addresses->failed || sizes->failed)
        return error_memory(err);
    uint32_t sum =
        addresses_checksum(number, type_of(adding, type), row->count, row->bytes, addresses->bytes,
                           addresses->length, sizes->bytes, sizes->length);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)number);
    sqlite3_bind_int64(statement, 2, type);
    sqlite3_bind_int64(statement, 5, sum);
    if (sqlite3_bind_blob64(statement, 3, addresses->bytes, addresses->length, SQLITE_STATIC) !=
            SQLITE_OK ||
        sqlite3_bind_blob64(statement, 4, sizes->bytes, sizes->length, SQLITE_STATIC) != SQLITE_OK)
        return database_fail(database, err);
    return database_do(database, statement, err);
}

static bool write_addresses(struct adding *adding, struct error *err)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;

    if (!adding->snapshot->has_objects)
        return true;
    if (!database_prepare(&adding->file->database, &statement,
                          "INSERT INTO addresses (census, type, addresses, sizes, checksum) "
                          "VALUES (?, ?, ?, ?, ?)",
                          err))
        return false;
    for (size_t i = 0; i < adding->snapshot->row_count; i++)
        if (adding->rows[i].row->count && !write_packed(adding, statement, i, err))
            return false;
    return true;
}

/* SQLite has no NaN, and no other zero than 0. */
static double storable(double milliseconds)
{
    return isfinite(milliseconds) && milliseconds != 0 ? milliseconds : 0;
}

static bool write_census(struct adding *adding, struct error *err)
{
    struct census_file *file = adding->file;
    const struct snapshot *snapshot = adding->snapshot;
    struct census_row_stored *stored = &adding->stored;

    stored->entry = (struct census_entry){.number = file->count + 1,
                                          .occasion = snapshot->occasion,
                                          .objects = snapshot->objects,
                                          .bytes = snapshot->bytes,
                                          .has_objects = snapshot->has_objects};
    stored->entry.occasion.pause_milliseconds = storable(snapshot->occasion.pause_milliseconds);
    stored->entry.occasion.stopped_milliseconds = storable(snapshot->occasion.stopped_milliseconds);
    stored->types = snapshot->row_count;
    if (file->count == MOST_CENSUSES)
        return error_set(err, ERROR_OUTPUT, "cannot write the census file %s: it is full",
                         file->name);
    return dictionary_put_target(&file->dictionary, &file->database, &snapshot->origin,
                                 &stored->target, &stored->is_first, err) &&
           number_rows(adding, err) && write_counts(adding, err) && write_addresses(adding, err) &&
           census_row_write(&file->dictionary, &file->database, stored, err) &&
           contents_write(&file->database, stored->entry.number, err);
}

/* In a transaction. */
static bool add_census(struct census_file *file, const struct snapshot *snapshot, struct error *err)
{
    struct adding adding = {.file = file, .snapshot = snapshot};

    bool done = write_census(&adding, err);
    free(adding.rows);
    text_free(&adding.addresses);
    text_free(&adding.sizes);
    return done;
}

/* The bound of a history */

static bool drop_addresses(struct census_file *file, size_t number, struct error *err)
{
    struct database *database = &file->database;
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    struct census_row_stored row;

    if (!census_row_read(&file->dictionary, database, number, &row, err) ||
        !database_prepare(database, &statement, "DELETE FROM addresses WHERE census = ?", err))
        return false;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)number);
    row.entry.has_objects = false;
    return database_do(database, statement, err) &&
           census_row_write(&file->dictionary, database, &row, err);
}

/* The next that is to lose its addresses; 0: none has any. The one that was just added comes last,
 * the first of each process before it. */
static bool find_oldest(struct census_file *file, size_t *ret, struct error *err)
{
    char sql[192];
    int64_t number;

    snprintf(sql, sizeof(sql),
             "SELECT coalesce((SELECT number FROM census WHERE has_addresses "
             "ORDER BY number = %zu, is_first, number LIMIT 1), 0)",
             file->count + 1);
    if (!database_number(&file->database, sql, &number, err))
        return false;
    *ret = (size_t)number;
    return true;
}

static bool keep_bound(struct census_file *file, uint64_t most_bytes, struct census_bound *ret,
                       struct error *err)
{
    struct database *database = &file->database;
    int64_t page_size, pages, unused;
    char sql[64];

    if (!database_number(database, "PRAGMA page_size", &page_size, err) ||
        !database_number(database, "PRAGMA page_count", &pages, err) ||
        !database_number(database, "PRAGMA freelist_count", &unused, err))
        return false;
    uint64_t most = most_bytes / (uint64_t)page_size;
    while ((uint64_t)(pages - unused) > most) {
        size_t oldest;
        if (!find_oldest(file, &oldest, err))
            return false;
        if (!oldest)
            break;
        if (!drop_addresses(file, oldest, err) ||
            !database_number(database, "PRAGMA freelist_count", &unused, err))
            return false;
        ret->dropped++;
    }
    ret->is_exceeded = (uint64_t)(pages - unused) > most;
    if ((uint64_t)pages <= most || !unused)
        return true;
    snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%llu)", (unsigned long long)pages - most);
    return database_run(database, sql, err);
}

/* Whoever moved the file, or saved another one in its place, would not find in it what is added. */
static bool check_place(const struct census_file *file, struct error *err)
{
    return !database_is_moved(&file->database) ||
           error_set(err, ERROR_OUTPUT,
                     "cannot write the census file %s: it was moved, replaced or deleted since it "
                     "was opened",
                     file->name);
}

static bool add(struct census_file *file, const struct snapshot *snapshot, uint64_t most_bytes,
                struct census_bound *ret, struct error *err)
{
    struct database *database = &file->database;

    return database_begin_to_write(database, snapshot->row_count * WORK_A_ROW, err) &&
           check_place(file, err) && contents_read(database, &file->count, err) &&
           dictionary_read(&file->dictionary, database, err) && add_census(file, snapshot, err) &&
           (!most_bytes || keep_bound(file, most_bytes, ret, err)) &&
           database_commit(database, err);
}

bool census_file_add(struct census_file *file, const struct snapshot *snapshot, uint64_t most_bytes,
                     struct census_bound *ret, struct error *err)
{
    struct dictionary_end end = dictionary_end(&file->dictionary);
    struct census_bound bound = {0};

    if (!check_snapshot(snapshot, err))
        return false;
    if (!add(file, snapshot, most_bytes, &bound, err)) {
        database_rollback(&file->database);
        dictionary_cut(&file->dictionary, end);
        return false;
    }
    file->count++;
    if (ret)
        *ret = bound;
    return true;
}

/* New files */

/* Of a snapshot, or NULL: a history without any. */
static bool fill(void *context, struct database *database, struct error *err)
{
    const struct snapshot *const *snapshot = context;
    struct census_file file = {.database = *database};

    bool done =
        contents_write(&file.database, 0, err) && (!*snapshot || add_census(&file, *snapshot, err));
    dictionary_free(&file.dictionary);
    return done;
}

static bool make_file(struct replaced_file *file, const char *path, const struct snapshot *snapshot,
                      struct error *err)
{
    uint64_t work = snapshot ? snapshot->row_count * WORK_A_ROW : 0;

    return saved_file_make(file, &schema_census, path, work, fill, &snapshot, err);
}

/* Where somebody else makes it at the same time, his is as good. */
static bool make_history(const char *path, struct error *err)
{
    struct replaced_file file;
    struct stat status;
    bool is_new = stat(path, &status) != 0;

    if (!make_file(&file, path, NULL, err))
        return false;
    if (!saved_file_remove_journal(&file, err)) {
        replaced_file_abandon(&file);
        return false;
    }
    if (!is_new)
        return replaced_file_commit(&file, err);
    return replaced_file_commit_new(&file, err) || !saved_file_is_nothing(path);
}

bool census_file_open_to_add(struct census_file **ret, const char *path, struct error *err)
{
    struct census_file *opened;

    if ((saved_file_is_nothing(path) && !make_history(path, err)) ||
        !census_file_enter(&opened, path, DATABASE_ADD, err))
        return false;
    if (!saved_file_check_place(&opened->database, err)) {
        census_file_close(opened);
        return false;
    }
    *ret = opened;
    return true;
}

/*
 * What is there may be replaced: *ret_old is it, or NULL. It is held, so that nobody writes it
 * meanwhile, until it is closed.
 */
static bool hold_old(struct census_file **ret_old, const char *path, struct error *err)
{
    struct census_file *old = NULL;

    if (!saved_file_is_nothing(path) && !census_file_enter(&old, path, DATABASE_ADD, err))
        return false;
    if (old && (!saved_file_check_place(&old->database, err) ||
                !database_begin_to_write(&old->database, 0, err) ||
                !contents_read(&old->database, &old->count, err))) {
        census_file_close(old);
        return false;
    }
    if (old && old->count > 1) {
        size_t count = old->count;
        census_file_close(old);
        return error_set(err, ERROR_USAGE,
                         "%s is a history of %zu censuses, which a single one does not replace: "
                         "save it under another name, or delete the history first",
                         path, count);
    }
    *ret_old = old;
    return true;
}

bool census_file_save(const char *path, const struct snapshot *snapshot, struct error *err)
{
    struct census_file *old;
    struct replaced_file file;

    if (!check_snapshot(snapshot, err) || !hold_old(&old, path, err))
        return false;
    bool done = make_file(&file, path, snapshot, err);
    if (done && !old && !saved_file_remove_journal(&file, err)) {
        replaced_file_abandon(&file);
        done = false;
    }
    done = done && replaced_file_commit(&file, err);
    census_file_close(old);
    return done;
}

bool census_file_check_save(const char *path, struct error *err)
{
    struct census_file *old;
    struct replaced_file file;

    if (!hold_old(&old, path, err))
        return false;
    census_file_close(old);
    if (!replaced_file_begin(&file, path, SAVED_FILE_MODE, err))
        return false;
    replaced_file_abandon(&file);
    return true;
}
