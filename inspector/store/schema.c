// SPDX-License-Identifier: MIT
#include "inspector/store/schema.h"

#include <stdio.h>
#include <string.h>

/* As SQLite keeps them: a table or view, its name, and the statement that made it. A change of one
 * letter makes another version. */
static const struct {
    const char *kind, *name, *sql;
} parts[] = {
    {"table", "contents",
     "CREATE TABLE contents (\n"
     "    id INTEGER PRIMARY KEY, -- 1: there is one row\n"
     "    censuses INTEGER NOT NULL,\n"
     "    checksum INTEGER NOT NULL\n"
     ")"},
    {"table", "target",
     "CREATE TABLE target (\n"
     "    id INTEGER PRIMARY KEY,\n"
     "    pid INTEGER NOT NULL,\n"
     "    start_time INTEGER NOT NULL, -- clock ticks since boot\n"
     "    boot TEXT NOT NULL, -- /proc/sys/kernel/random/boot_id\n"
     "    stack_start INTEGER NOT NULL, -- another one after each exec\n"
     "    executable TEXT NOT NULL,\n"
     "    version TEXT NOT NULL, -- of Python\n"
     "    command_line TEXT NOT NULL\n"
     ")"},
    {"table", "census",
     "CREATE TABLE census (\n"
     "    number INTEGER PRIMARY KEY, -- 1 and up, without gaps\n"
     "    target INTEGER NOT NULL REFERENCES target,\n"
     "    is_first INTEGER NOT NULL, -- of its target\n"
     "    taken_ms INTEGER NOT NULL, -- since 1970, UTC\n"
     "    running_ms INTEGER NOT NULL, -- for which the machine had run\n"
     "    pause_ms REAL NOT NULL,\n"
     "    stopped_ms REAL NOT NULL,\n"
     "    resident_bytes INTEGER NOT NULL,\n"
     "    complete INTEGER NOT NULL,\n"
     "    stopped INTEGER NOT NULL,\n"
     "    all_objects INTEGER NOT NULL,\n"
     "    generations INTEGER NOT NULL, -- bit 0: the youngest was counted\n"
     "    types INTEGER NOT NULL,\n"
     "    objects INTEGER NOT NULL,\n"
     "    bytes INTEGER NOT NULL,\n"
     "    has_addresses INTEGER NOT NULL,\n"
     "    counts_checksum INTEGER NOT NULL,\n"
     "    checksum INTEGER NOT NULL\n"
     ")"},
    {"table", "type",
     "CREATE TABLE type (\n"
     "    id INTEGER PRIMARY KEY,\n"
     "    name TEXT NOT NULL, -- module.qualname\n"
     "    short_name TEXT NOT NULL -- __name__\n"
     ")"},
    {"table", "type_count",
     "CREATE TABLE type_count (\n"
     "    census INTEGER NOT NULL REFERENCES census,\n"
     "    type INTEGER NOT NULL REFERENCES type,\n"
     "    count INTEGER NOT NULL,\n"
     "    bytes INTEGER NOT NULL,\n"
     "    exact INTEGER NOT NULL, -- 1: bytes are what sys.getsizeof says\n"
     "    PRIMARY KEY (census, type)\n"
     ") WITHOUT ROWID"},
    {"table", "addresses",
     "CREATE TABLE addresses (\n"
     "    census INTEGER NOT NULL REFERENCES census,\n"
     "    type INTEGER NOT NULL REFERENCES type,\n"
     "    addresses BLOB NOT NULL,\n"
     "    sizes BLOB NOT NULL,\n"
     "    checksum INTEGER NOT NULL,\n"
     "    PRIMARY KEY (census, type)\n"
     ") WITHOUT ROWID"},
    {"view", "history",
     "CREATE VIEW history AS\n"
     "SELECT number, strftime('%Y-%m-%dT%H:%M:%fZ', taken_ms / 1000.0, 'unixepoch') AS taken,\n"
     "    pid, types, objects, bytes, pause_ms, complete, has_addresses, command_line\n"
     "FROM census JOIN target ON target.id = census.target ORDER BY number"},
    {"view", "types",
     "CREATE VIEW types AS\n"
     "SELECT census.number AS census,\n"
     "    strftime('%Y-%m-%dT%H:%M:%fZ', taken_ms / 1000.0, 'unixepoch') AS taken,\n"
     "    pid, name AS type, count, type_count.bytes AS bytes, exact\n"
     "FROM census JOIN target ON target.id = census.target\n"
     "    JOIN type_count ON type_count.census = census.number\n"
     "    JOIN type ON type.id = type_count.type"},
};

enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

/* Offsets in the header, which SQLite's documentation of its format gives; numbers are big-endian.
 */
enum {
    WRITE_VERSION_AT = 18, /* 1: a rollback journal, 2: WAL */
    READ_VERSION_AT = 19,
    ENCODING_AT = 56, /* 1: UTF-8 */
    USER_VERSION_AT = 60,
    APPLICATION_ID_AT = 68,
};

static uint32_t number_at(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

bool schema_check_header(const unsigned char *header, size_t length, const char *name,
                         struct error *err)
{
    static const char magic[16] = "SQLite format 3";

    if (length == 0)
        return error_set(err, ERROR_INPUT, "%s is no census file: it is empty", name);
    if (length < SCHEMA_HEADER_SIZE || memcmp(header, magic, sizeof(magic)) != 0)
        return error_set(err, ERROR_INPUT, "%s is no census file", name);
    if (number_at(header + APPLICATION_ID_AT) != SCHEMA_APPLICATION_ID)
        return error_set(err, ERROR_INPUT,
                         "%s is no census file: it is an SQLite database of another kind", name);
    uint32_t version = number_at(header + USER_VERSION_AT);
    if (version > SCHEMA_VERSION)
        return error_set(err, ERROR_INPUT,
                         "%s is of census format %u, this pyinspect reads up to %d: use a newer "
                         "pyinspect",
                         name, version, SCHEMA_VERSION);
    if (header[WRITE_VERSION_AT] == 2 && header[READ_VERSION_AT] == 2)
        return error_set(err, ERROR_INPUT,
                         "%s was put into SQLite's WAL mode, which is not read here: run "
                         "\"PRAGMA journal_mode = DELETE\" on it",
                         name);
    if (version != SCHEMA_VERSION || header[WRITE_VERSION_AT] != 1 ||
        header[READ_VERSION_AT] != 1 || number_at(header + ENCODING_AT) != 1)
        return error_set(err, ERROR_INPUT, "the census file %s is damaged: its header", name);
    return true;
}

bool schema_create(struct database *database, struct error *err)
{
    char sql[128];

    /* Freed pages can be given back only where that was decided before the first table. */
    snprintf(sql, sizeof(sql),
             "PRAGMA encoding = 'UTF-8'; PRAGMA auto_vacuum = INCREMENTAL; "
             "PRAGMA application_id = %d; PRAGMA user_version = %d",
             SCHEMA_APPLICATION_ID, SCHEMA_VERSION);
    if (!database_run(database, sql, err))
        return false;
    for (size_t i = 0; i < PARTS; i++)
        if (!database_run(database, parts[i].sql, err))
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
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    bool row;

    if (!database_prepare(database, &statement,
                          "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid",
                          err))
        return false;
    for (size_t i = 0; i <= PARTS; i++) {
        if (!database_step(database, statement, &row, err))
            return false;
        if (i == PARTS
                ? row
                : !row || !is_text(statement, 0, parts[i].kind) ||
                      !is_text(statement, 1, parts[i].name) ||
                      !is_text(statement, 2, parts[i].name) || !is_text(statement, 3, parts[i].sql))
            return database_damaged(database, "its tables are not those of its version", err);
    }
    return true;
}
