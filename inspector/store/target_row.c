// SPDX-License-Identifier: MIT
#include "inspector/store/target_row.h"

#include "inspector/store/checksum.h"
#include "inspector/store/columns.h"

#include <string.h>

uint32_t target_row_checksum(const struct origin *origin)
{
    uint32_t sum = checksum_number(0, (uint64_t)origin->pid);

    sum = checksum_number(sum, origin->start_time);
    sum = checksum_text(sum, origin->boot, strlen(origin->boot));
    sum = checksum_number(sum, origin->stack_start);
    sum = checksum_text(sum, origin->executable, strlen(origin->executable));
    sum = checksum_text(sum, origin->version, strlen(origin->version));
    return checksum_text(sum, origin->command_line, strlen(origin->command_line));
}

/* A text without a NUL within, which its row has until the next step. */
static const char *text_of(sqlite3_stmt *row, int column, bool *ok)
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    *ok &= sqlite3_column_type(row, column) == SQLITE_TEXT && text &&
           strlen(text) == (size_t)sqlite3_column_bytes(row, column);
    return *ok ? text : "";
}

bool target_row_parse(sqlite3_stmt *row, struct origin *ret)
{
    bool ok = true;
    struct origin origin = {.pid = (pid_t)column_within(row, 1, 0, INT32_MAX, &ok),
                            .start_time = column_unsigned(row, 2, &ok),
                            .stack_start = column_unsigned(row, 4, &ok)};
    const char *boot = text_of(row, 3, &ok);

    origin.executable = text_of(row, 5, &ok);
    origin.version = text_of(row, 6, &ok);
    origin.command_line = text_of(row, 7, &ok);
    if (!ok || strlen(boot) >= sizeof(origin.boot))
        return false;
    memcpy(origin.boot, boot, strlen(boot) + 1);
    *ret = origin;
    return true;
}

bool target_row_insert(struct database *database, size_t id, const struct origin *origin,
                       struct error *err)
{
    const char *const texts[] = {origin->boot, origin->executable, origin->version,
                                 origin->command_line};
    static const int text_indices[] = {4, 6, 7, 8};
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;

    if (!database_prepare(
            database, &statement,
            "INSERT INTO target (" TARGET_ROW_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)", err))
        return false;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    sqlite3_bind_int64(statement, 2, origin->pid);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)origin->start_time);
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)origin->stack_start);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (!column_bind_text(statement, text_indices[i], texts[i], strlen(texts[i])))
            return database_fail(database, err);
    return database_do(database, statement, err);
}

bool target_row_copy(struct origin *ret, const struct origin *origin, struct arena *arena,
                     struct error *err)
{
    struct origin own = *origin;

    own.executable = arena_copy(arena, origin->executable, strlen(origin->executable));
    own.version = arena_copy(arena, origin->version, strlen(origin->version));
    own.command_line = arena_copy(arena, origin->command_line, strlen(origin->command_line));
    if (!own.executable || !own.version || !own.command_line)
        return error_memory(err);
    *ret = own;
    return true;
}
