// SPDX-License-Identifier: MIT
#include "inspector/store/census_file.h"

#include "inspector/store/census_rows.h"
#include "inspector/store/columns.h"
#include "inspector/store/packing.h"
#include "inspector/store/schema.h"
#include "inspector/store/target_row.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/vector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char wrong_counts[] = "the counts of a census are not those that were written";
static const char wrong_addresses[] = "the addresses of a census are not those that were written";

/* Opening */

static bool look_inside(struct census_file *file, struct error *err)
{
    bool done = database_begin(&file->database, err) && schema_check(&file->database, err) &&
                contents_read(&file->database, &file->count, err);

    database_rollback(&file->database);
    return done;
}

bool census_file_enter(struct census_file **ret, const char *path, enum database_use use,
                       struct error *err)
{
    size_t length = strlen(path);
    struct census_file *file = NULL;

    if (length >= sizeof(file->name)) {
        errno = ENAMETOOLONG;
        return error_errno(err, use == DATABASE_READ ? ERROR_INPUT : ERROR_OUTPUT, "%s", path);
    }
    file = calloc(1, sizeof(*file));
    if (!file)
        return error_memory(err);
    memcpy(file->name, path, length + 1);
    if (!database_open(&file->database, &schema_census, path, file->name, use, err) ||
        !look_inside(file, err)) {
        census_file_close(file);
        return false;
    }
    *ret = file;
    return true;
}

bool census_file_open(struct census_file **ret, const char *path, struct error *err)
{
    return census_file_enter(ret, path, DATABASE_READ, err);
}

void census_file_close(struct census_file *file)
{
    if (!file)
        return;
    database_close(&file->database);
    dictionary_free(&file->dictionary);
    free(file);
}

size_t census_file_count(const struct census_file *file)
{
    return file->count;
}

struct census_file_id census_file_id(const struct census_file *file)
{
    return (struct census_file_id){file->database.device, file->database.inode};
}

/* A census */

static bool begin(struct census_file *file, struct error *err)
{
    return database_begin(&file->database, err) &&
           dictionary_read(&file->dictionary, &file->database, err);
}

bool census_file_entry(struct census_file *file, size_t number, struct census_entry *ret,
                       struct error *err)
{
    struct census_row_stored row;

    bool done =
        begin(file, err) && census_row_read(&file->dictionary, &file->database, number, &row, err);
    database_rollback(&file->database);
    if (done)
        *ret = row.entry;
    return done;
}

bool census_file_find(struct census_file *file, int64_t by_ms, size_t *ret_number,
                      struct error *err)
{
    bool done = begin(file, err) && census_row_find(&file->dictionary, &file->database, file->count,
                                                    by_ms, ret_number, err);

    database_rollback(&file->database);
    return done;
}

/* A census that is being loaded; rows are by the number of their type until the end. */
struct loading {
    struct census_file *file;
    struct census_row_stored stored;
    struct snapshot snapshot;
    size_t row_capacity;
    uint32_t *types; /* the number of each row's */
    size_t type_capacity;
    size_t object_count, object_capacity;
};

static bool add_row(struct loading *loading, uint32_t type, struct snapshot_row row,
                    struct error *err)
{
    struct snapshot *snapshot = &loading->snapshot;
    const struct snapshot_row *names = &loading->file->dictionary.types[type - 1].row;
    size_t wanted = snapshot->row_count + 1;
    struct snapshot_row *rows =
        vector_grow(snapshot->rows, &loading->row_capacity, wanted, sizeof(*rows));

    if (rows)
        snapshot->rows = rows;
    uint32_t *types = vector_grow(loading->types, &loading->type_capacity, wanted, sizeof(*types));
    if (types)
        loading->types = types;
    row.type_length = names->type_length;
    row.short_length = names->short_length;
    row.type = arena_copy(&snapshot->arena, names->type, names->type_length);
    row.short_name = arena_copy(&snapshot->arena, names->short_name, names->short_length);
    if (!rows || !types || !row.type || !row.short_name)
        return error_memory(err);
    types[snapshot->row_count] = type;
    rows[snapshot->row_count++] = row;
    return true;
}

/* The rows' sums are those of the census, and each comes once and in its turn. */
static bool read_counts(struct loading *loading, struct error *err)
{
    struct census_file *file = loading->file;
    const struct dictionary *dictionary = &file->dictionary;
    const struct census_entry *entry = &loading->stored.entry;
    struct snapshot *snapshot = &loading->snapshot;
    uint32_t sum = counts_checksum_begin(entry->number);
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    uint64_t next = 1;
    bool has_row;

    if (!database_prepare(&file->database, &statement,
                          "SELECT type, count, bytes, exact FROM type_count WHERE census = ? "
                          "ORDER BY type",
                          err))
        return false;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)entry->number);
    while (database_step(&file->database, statement, &has_row, err)) {
        if (!has_row) {
            if (sum != loading->stored.counts_checksum ||
                snapshot->row_count != loading->stored.types ||
                snapshot->objects != entry->objects || snapshot->bytes != entry->bytes)
                return database_damaged(&file->database, wrong_counts, err);
            return true;
        }
        bool ok = next <= dictionary->type_count;
        uint64_t type = column_within(statement, 0, next, dictionary->type_count, &ok);
        struct snapshot_row row = {.count = column_unsigned(statement, 1, &ok),
                                   .bytes = column_unsigned(statement, 2, &ok),
                                   .is_exact = column_flag(statement, 3, &ok)};
        if (!ok)
            return database_damaged(&file->database, wrong_counts, err);
        sum = counts_checksum_add(sum, &dictionary->types[type - 1], row.count, row.bytes,
                                  row.is_exact);
        snapshot->objects += row.count;
        snapshot->bytes += row.bytes;
        if (!add_row(loading, (uint32_t)type, row, err))
            return false;
        next = type + 1;
    }
    return false;
}

/* What is allocated for objects is bounded by the bytes that they were read from. */
static bool read_row_of_addresses(struct loading *loading, size_t row_number,
                                  sqlite3_stmt *statement, struct error *err)
{
    struct database *database = &loading->file->database;
    const struct snapshot_row *row = &loading->snapshot.rows[row_number];
    uint32_t type = loading->types[row_number];
    bool ok = true;
    size_t wanted;

    ok &= column_unsigned(statement, 0, &ok) == type;
    struct column_bytes addresses = column_bytes(statement, 1, SQLITE_BLOB, &ok);
    struct column_bytes sizes = column_bytes(statement, 2, SQLITE_BLOB, &ok);
    uint64_t checksum = column_within(statement, 3, 0, UINT32_MAX, &ok);
    if (sqlite3_errcode(database->handle) == SQLITE_NOMEM)
        return error_memory(err);
    if (!ok || row->count > addresses.length ||
        __builtin_add_overflow(loading->object_count, (size_t)row->count, &wanted) ||
        checksum != addresses_checksum(loading->stored.entry.number,
                                       &loading->file->dictionary.types[type - 1], row->count,
                                       row->bytes, addresses.bytes, addresses.length, sizes.bytes,
                                       sizes.length))
        return database_damaged(database, wrong_addresses, err);
    struct snapshot_object *objects =
        vector_grow(loading->snapshot.storage, &loading->object_capacity, wanted, sizeof(*objects));
    if (!objects)
        return error_memory(err);
    loading->snapshot.storage = objects;
    if (!packing_read(addresses.bytes, addresses.length, sizes.bytes, sizes.length, row->bytes,
                      objects + loading->object_count, (size_t)row->count))
        return database_damaged(database, wrong_addresses, err);
    loading->object_count = wanted;
    return true;
}

/* Only now that all are there do they stay where they are. */
static bool place_objects(struct loading *loading, struct error *err)
{
    struct snapshot *snapshot = &loading->snapshot;
    struct snapshot_object *objects =
        reallocarray(snapshot->storage, loading->object_count + 1, sizeof(*objects));

    if (!objects)
        return error_memory(err);
    snapshot->storage = objects;
    for (size_t i = 0; i < snapshot->row_count; i++) {
        snapshot->rows[i].objects = objects;
        objects += snapshot->rows[i].count;
    }
    snapshot->has_objects = true;
    return true;
}

/* A row for each type of which there are objects, and no more. */
static bool read_addresses(struct loading *loading, struct error *err)
{
    struct census_file *file = loading->file;
    const struct snapshot *snapshot = &loading->snapshot;
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    bool has_row;

    if (!database_prepare(&file->database, &statement,
                          "SELECT type, addresses, sizes, checksum FROM addresses "
                          "WHERE census = ? ORDER BY type",
                          err))
        return false;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)loading->stored.entry.number);
    for (size_t i = 0; i <= snapshot->row_count; i++) {
        if (i < snapshot->row_count && snapshot->rows[i].count == 0)
            continue;
        if (!database_step(&file->database, statement, &has_row, err))
            return false;
        if (has_row != (i < snapshot->row_count))
            return database_damaged(&file->database, wrong_addresses, err);
        if (has_row && !read_row_of_addresses(loading, i, statement, err))
            return false;
    }
    return place_objects(loading, err);
}

static int compare_rows(const void *left, const void *right)
{
    return snapshot_row_order(left, right);
}

static bool sort_rows(struct loading *loading, struct error *err)
{
    struct snapshot *snapshot = &loading->snapshot;

    if (snapshot->row_count)
        qsort(snapshot->rows, snapshot->row_count, sizeof(*snapshot->rows), compare_rows);
    for (size_t i = 1; i < snapshot->row_count; i++)
        if (snapshot_row_order(&snapshot->rows[i - 1], &snapshot->rows[i]) == 0)
            return database_damaged(&loading->file->database, "a type is listed twice", err);
    return true;
}

static bool load(struct loading *loading, size_t number, struct error *err)
{
    struct census_file *file = loading->file;

    if (!begin(file, err) ||
        !census_row_read(&file->dictionary, &file->database, number, &loading->stored, err))
        return false;
    loading->snapshot.occasion = loading->stored.entry.occasion;
    return target_row_copy(&loading->snapshot.origin, &loading->stored.entry.origin,
                           &loading->snapshot.arena, err) &&
           read_counts(loading, err) &&
           (!loading->stored.entry.has_objects || read_addresses(loading, err)) &&
           sort_rows(loading, err);
}

bool census_file_load(struct census_file *file, size_t number, struct snapshot *ret,
                      struct error *err)
{
    struct loading loading = {.file = file};

    bool done = load(&loading, number, err);
    database_rollback(&file->database);
    free(loading.types);
    if (done)
        *ret = loading.snapshot;
    else
        snapshot_free(&loading.snapshot);
    return done;
}

/* All counts */

/* What was told of a census. */
struct tally {
    uint64_t types;
    uint32_t sum;
};

/* *ret_more: `visit` wants more. */
static bool visit_counts(struct census_file *file, struct tally *tallies, census_count_visit *visit,
                         void *context, bool *ret_more, struct error *err)
{
    const struct dictionary *dictionary = &file->dictionary;
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    bool has_row, ok = true;

    *ret_more = true;
    if (!database_prepare(&file->database, &statement,
                          "SELECT type, census, count, bytes, exact FROM type_count "
                          "ORDER BY census, type", /* as they lie in the file */
                          err))
        return false;
    while (*ret_more && database_step(&file->database, statement, &has_row, err)) {
        if (!has_row)
            return true;
        uint64_t type = column_within(statement, 0, 1, dictionary->type_count, &ok);
        uint64_t census = column_within(statement, 1, 1, file->count, &ok);
        struct census_count count = {.census = (size_t)census,
                                     .count = column_unsigned(statement, 2, &ok),
                                     .bytes = column_unsigned(statement, 3, &ok)};
        bool is_exact = column_flag(statement, 4, &ok);
        if (!ok || !dictionary->type_count || !file->count)
            return database_damaged(&file->database, wrong_counts, err);
        const struct known_type *known = &dictionary->types[type - 1];
        struct tally *tally = &tallies[census - 1];
        tally->types++;
        tally->sum = counts_checksum_add(tally->sum, known, count.count, count.bytes, is_exact);
        count.type_number = (size_t)type;
        count.type = known->row.type;
        count.type_length = known->row.type_length;
        count.short_name = known->row.short_name;
        count.short_length = known->row.short_length;
        *ret_more = visit(context, &count);
    }
    return !*ret_more;
}

static bool check_tallies(struct census_file *file, const struct tally *tallies, struct error *err)
{
    for (size_t i = 0; i < file->count; i++) {
        struct census_row_stored row;
        if (!census_row_read(&file->dictionary, &file->database, i + 1, &row, err))
            return false;
        if (row.types != tallies[i].types || row.counts_checksum != tallies[i].sum)
            return database_damaged(&file->database, wrong_counts, err);
    }
    return true;
}

bool census_file_counts(struct census_file *file, census_count_visit *visit, void *context,
                        struct error *err)
{
    AUTO_FREE struct tally *tallies = NULL;
    bool more = true;

    bool done = begin(file, err) && contents_read(&file->database, &file->count, err);
    if (done) {
        tallies = calloc(file->count + 1, sizeof(*tallies));
        done = tallies || error_memory(err);
        for (size_t i = 0; done && i < file->count; i++)
            tallies[i].sum = counts_checksum_begin(i + 1);
    }
    done = done && visit_counts(file, tallies, visit, context, &more, err) &&
           (!more || check_tallies(file, tallies, err));
    database_rollback(&file->database);
    return done;
}
