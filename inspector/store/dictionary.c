// SPDX-License-Identifier: MIT
#include "inspector/store/dictionary.h"

#include "inspector/store/checksum.h"
#include "inspector/store/columns.h"
#include "inspector/store/target_row.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_KNOWN = INT32_MAX }; /* types, targets */

void dictionary_free(struct dictionary *dictionary)
{
    free(dictionary->types);
    free(dictionary->targets);
    free(dictionary->by_name);
    arena_free(&dictionary->arena);
    *dictionary = (struct dictionary){.types = NULL};
}

struct dictionary_end dictionary_end(const struct dictionary *dictionary)
{
    return (struct dictionary_end){dictionary->type_count, dictionary->target_count};
}

void dictionary_cut(struct dictionary *dictionary, struct dictionary_end end)
{
    dictionary->type_count = end.types;
    dictionary->target_count = end.targets;
    dictionary->named = 0;
}

/* Keeping */

static uint32_t sum_of_type(const struct snapshot_row *row)
{
    uint32_t sum = checksum_text(0, row->type, row->type_length);

    return checksum_text(sum, row->short_name, row->short_length);
}

static bool keep_type(struct dictionary *dictionary, const struct snapshot_row *names,
                      struct error *err)
{
    struct known_type *types = vector_grow(dictionary->types, &dictionary->type_capacity,
                                           dictionary->type_count + 1, sizeof(*types));
    char *type = arena_copy(&dictionary->arena, names->type, names->type_length);
    char *short_name = arena_copy(&dictionary->arena, names->short_name, names->short_length);

    if (types)
        dictionary->types = types;
    if (!types || !type || !short_name)
        return error_memory(err);
    types[dictionary->type_count++] =
        (struct known_type){.row = {.type = type,
                                    .type_length = names->type_length,
                                    .short_name = short_name,
                                    .short_length = names->short_length},
                            .checksum = sum_of_type(names)};
    return true;
}

static bool keep_target(struct dictionary *dictionary, const struct origin *origin,
                        struct error *err)
{
    struct known_target *targets = vector_grow(dictionary->targets, &dictionary->target_capacity,
                                               dictionary->target_count + 1, sizeof(*targets));
    struct origin own;

    if (targets)
        dictionary->targets = targets;
    if (!targets)
        return error_memory(err);
    if (!target_row_copy(&own, origin, &dictionary->arena, err))
        return false;
    targets[dictionary->target_count++] =
        (struct known_target){.origin = own, .checksum = target_row_checksum(origin)};
    return true;
}

/* Reading */

static bool has_next_number(sqlite3_stmt *row, size_t known)
{
    bool ok = true;

    return column_within(row, 0, 1, MOST_KNOWN, &ok) == known + 1 && ok;
}

static bool read_type(struct dictionary *dictionary, struct database *database, sqlite3_stmt *row,
                      struct error *err)
{
    bool ok = has_next_number(row, dictionary->type_count);
    struct column_bytes name = column_bytes(row, 1, SQLITE_TEXT, &ok);
    struct column_bytes short_name = column_bytes(row, 2, SQLITE_TEXT, &ok);
    struct snapshot_row names = {.type = name.length ? name.bytes : "",
                                 .type_length = name.length,
                                 .short_name = short_name.length ? short_name.bytes : "",
                                 .short_length = short_name.length};

    if (!ok)
        return database_damaged(database, "its list of types", err);
    return keep_type(dictionary, &names, err);
}

static bool read_target(struct dictionary *dictionary, struct database *database, sqlite3_stmt *row,
                        struct error *err)
{
    struct origin origin;

    if (!has_next_number(row, dictionary->target_count) || !target_row_parse(row, &origin))
        return database_damaged(database, "its list of targets", err);
    return keep_target(dictionary, &origin, err);
}

typedef bool read_row(struct dictionary *dictionary, struct database *database, sqlite3_stmt *row,
                      struct error *err);

static bool read_all(struct dictionary *dictionary, struct database *database, const char *sql,
                     size_t known, read_row *read, struct error *err)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    bool row;

    if (!database_prepare(database, &statement, sql, err))
        return false;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)known);
    while (database_step(database, statement, &row, err)) {
        if (!row)
            return true;
        if (!read(dictionary, database, statement, err))
            return false;
    }
    return false;
}

bool dictionary_read(struct dictionary *dictionary, struct database *database, struct error *err)
{
    return read_all(dictionary, database,
                    "SELECT id, name, short_name FROM type WHERE id > ? ORDER BY id",
                    dictionary->type_count, read_type, err) &&
           read_all(dictionary, database,
                    "SELECT " TARGET_ROW_COLUMNS " FROM target WHERE id > ? ORDER BY id",
                    dictionary->target_count, read_target, err);
}

/* Adding */

static bool is_same_target(const struct origin *a, const struct origin *b)
{
    return origin_is_same(a, b) && strcmp(a->executable, b->executable) == 0 &&
           strcmp(a->version, b->version) == 0 && strcmp(a->command_line, b->command_line) == 0;
}

bool dictionary_put_target(struct dictionary *dictionary, struct database *database,
                           const struct origin *origin, size_t *ret, bool *ret_is_new,
                           struct error *err)
{
    *ret_is_new = false;
    for (size_t i = dictionary->target_count; i > 0; i--) {
        if (is_same_target(&dictionary->targets[i - 1].origin, origin)) {
            *ret = i;
            return true;
        }
    }
    if (!keep_target(dictionary, origin, err))
        return false;
    *ret = dictionary->target_count;
    *ret_is_new = true;
    return target_row_insert(database, *ret, origin, err);
}

static int compare_names(const void *left, const void *right, void *context)
{
    const struct dictionary *dictionary = context;
    const uint32_t *a = left, *b = right;

    return snapshot_row_order(&dictionary->types[*a].row, &dictionary->types[*b].row);
}

static bool sort_names(struct dictionary *dictionary, struct error *err)
{
    if (dictionary->named == dictionary->type_count)
        return true;
    uint32_t *sorted =
        reallocarray(dictionary->by_name, dictionary->type_count + 1, sizeof(*sorted));
    if (!sorted)
        return error_memory(err);
    dictionary->by_name = sorted;
    for (size_t i = 0; i < dictionary->type_count; i++)
        sorted[i] = (uint32_t)i;
    qsort_r(sorted, dictionary->type_count, sizeof(*sorted), compare_names, dictionary);
    dictionary->named = dictionary->type_count;
    return true;
}

static bool insert_type(struct dictionary *dictionary, struct database *database,
                        sqlite3_stmt *statement, const struct snapshot_row *row, struct error *err)
{
    if (dictionary->type_count == MOST_KNOWN)
        return error_set(err, ERROR_OUTPUT, "cannot write the census file %s: too many types",
                         database->name);
    if (!keep_type(dictionary, row, err))
        return false;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)dictionary->type_count);
    if (!column_bind_text(statement, 2, row->type, row->type_length) ||
        !column_bind_text(statement, 3, row->short_name, row->short_length))
        return database_fail(database, err);
    return database_do(database, statement, err);
}

/* Both are sorted, and followed side by side. */
bool dictionary_put_types(struct dictionary *dictionary, struct database *database,
                          const struct snapshot_row *rows, size_t count, uint32_t *ret,
                          struct error *err)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    size_t at = 0;

    if (!sort_names(dictionary, err) ||
        !database_prepare(database, &statement,
                          "INSERT INTO type (id, name, short_name) VALUES (?, ?, ?)", err))
        return false;
    for (size_t i = 0; i < count; i++) {
        int order = -1;
        while (at < dictionary->named &&
               (order = snapshot_row_order(&rows[i],
                                           &dictionary->types[dictionary->by_name[at]].row)) > 0)
            at++;
        if (at < dictionary->named && order == 0)
            ret[i] = dictionary->by_name[at] + 1;
        else if (insert_type(dictionary, database, statement, &rows[i], err))
            ret[i] = (uint32_t)dictionary->type_count;
        else
            return false;
    }
    return true;
}
