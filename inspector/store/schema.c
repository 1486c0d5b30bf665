// SPDX-License-Identifier: MIT
#include "inspector/store/schema.h"

#include <stdio.h>
#include <string.h>

const char schema_target[] = "CREATE TABLE target (\n"
                             "    id INTEGER PRIMARY KEY,\n"
                             "    pid INTEGER NOT NULL,\n"
                             "    start_time INTEGER NOT NULL, -- clock ticks since boot\n"
                             "    boot TEXT NOT NULL, -- /proc/sys/kernel/random/boot_id\n"
                             "    stack_start INTEGER NOT NULL, -- another one after each exec\n"
                             "    executable TEXT NOT NULL,\n"
                             "    version TEXT NOT NULL, -- of Python\n"
                             "    command_line TEXT NOT NULL\n"
                             ")";

/* Offsets in the header, which SQLite's documentation of its format gives; numbers are big-endian.
 */
enum {
    WRITE_VERSION_AT = 18, /* 1: a rollback journal, 2: WAL */
    READ_VERSION_AT = 19,
    ENCODING_AT = 56, /* 1: UTF-8 */
    USER_VERSION_AT = 60,
    APPLICATION_ID_AT = 68,
};

static const struct schema *const kinds[] = {&schema_census, &schema_traces};

static uint32_t number_at(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

bool schema_is_database(const void *header, size_t length)
{
    static const char magic[16] = "SQLite format 3";

    return length >= SCHEMA_HEADER_SIZE && memcmp(header, magic, sizeof(magic)) == 0;
}

static bool refuse_kind(const struct schema *schema, uint32_t application_id, const char *name,
                        bool to_write, struct error *err)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i]->application_id == application_id)
            return error_set(err, ERROR_INPUT, "%s is no %s: it is %s%s", name, schema->noun,
                             kinds[i]->use, to_write ? "; save under another name" : "");
    return error_set(err, ERROR_INPUT, "%s is no %s: it is an SQLite database of another kind",
                     name, schema->noun);
}

bool schema_check_header(const struct schema *schema, const unsigned char *header, size_t length,
                         const char *name, bool to_write, struct error *err)
{
    if (length == 0)
        return error_set(err, ERROR_INPUT, "%s is no %s: it is empty", name, schema->noun);
    if (!schema_is_database(header, length))
        return error_set(err, ERROR_INPUT, "%s is no %s", name, schema->noun);
    uint32_t application_id = number_at(header + APPLICATION_ID_AT);
    if (application_id != schema->application_id)
        return refuse_kind(schema, application_id, name, to_write, err);
    uint32_t version = number_at(header + USER_VERSION_AT);
    if (version > schema->version)
        return error_set(err, ERROR_INPUT,
                         "%s is of %s format %u, this pyinspect reads up to %u: use a newer "
                         "pyinspect",
                         name, schema->format, version, schema->version);
    if (header[WRITE_VERSION_AT] == 2 && header[READ_VERSION_AT] == 2)
        return error_set(err, ERROR_INPUT,
                         "%s was put into SQLite's WAL mode, which is not read here: run "
                         "\"PRAGMA journal_mode = DELETE\" on it",
                         name);
    if (version != schema->version || header[WRITE_VERSION_AT] != 1 ||
        header[READ_VERSION_AT] != 1 || number_at(header + ENCODING_AT) != 1)
        return error_set(err, ERROR_INPUT, "the %s %s is damaged: its header", schema->noun, name);
    return true;
}

bool schema_create(struct database *database, struct error *err)
{
    const struct schema *schema = database->schema;
    char sql[128];

    /* Freed pages can be given back only where that was decided before the first table. */
    snprintf(sql, sizeof(sql),
             "PRAGMA encoding = 'UTF-8'; PRAGMA auto_vacuum = INCREMENTAL; "
             "PRAGMA application_id = %u; PRAGMA user_version = %u",
             schema->application_id, schema->version);
    if (!database_run(database, sql, err))
        return false;
    for (size_t i = 0; i < schema->count; i++)
        if (!database_run(database, schema->parts[i].sql, err))
            return false;
    return true;
}

static bool is_text(sqlite3_stmt *statement, int column, const char *text)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    size_t length = (size_t)sqlite3_column_bytes(statement, column);

    return sqlite3_column_type(statement, column) == SQLITE_TEXT && length == strlen(text) &&
           (length == 0 || (bytes && memcmp(bytes, text, length) == 0));
}

bool schema_check(struct database *database, struct error *err)
{
    const struct schema_part *parts = database->schema->parts;
    size_t count = database->schema->count;
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    bool row;

    if (!database_prepare(database, &statement,
                          "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid",
                          err))
        return false;
    for (size_t i = 0; i <= count; i++) {
        if (!database_step(database, statement, &row, err))
            return false;
        if (i == count
                ? row
                : !row || !is_text(statement, 0, parts[i].kind) ||
                      !is_text(statement, 1, parts[i].name) ||
                      !is_text(statement, 2, parts[i].name) || !is_text(statement, 3, parts[i].sql))
            return database_damaged(database, "its tables are not those of its version", err);
    }
    return true;
}
