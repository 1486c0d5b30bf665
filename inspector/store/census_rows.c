// SPDX-License-Identifier: MIT
#include "inspector/store/census_rows.h"

#include "inspector/store/checksum.h"
#include "inspector/store/columns.h"

uint32_t counts_checksum_begin(size_t number)
{
    return checksum_number(0, number);
}

uint32_t counts_checksum_add(uint32_t sum, const struct known_type *type, uint64_t count,
                             uint64_t bytes, bool is_exact)
{
    const uint64_t numbers[] = {type->checksum, count, bytes, is_exact};

    return checksum_numbers(sum, numbers, sizeof(numbers) / sizeof(numbers[0]));
}

uint32_t addresses_checksum(size_t number, const struct known_type *type, uint64_t count,
                            uint64_t bytes, const void *addresses, size_t addresses_length,
                            const void *sizes, size_t sizes_length)
{
    const uint64_t numbers[] = {number, type->checksum, count, bytes};
    uint32_t sum = checksum_numbers(0, numbers, sizeof(numbers) / sizeof(numbers[0]));

    sum = checksum_text(sum, addresses, addresses_length);
    return checksum_text(sum, sizes, sizes_length);
}

/* Contents */

bool contents_read(struct database *database, size_t *ret, struct error *err)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    int64_t last;
    bool row, ok = true;

    if (!database_prepare(database, &statement,
                          "SELECT censuses, checksum FROM contents WHERE id = 1", err) ||
        !database_step(database, statement, &row, err))
        return false;
    if (!row)
        return database_damaged(database, "it does not say how many censuses it has", err);
    uint64_t count = column_within(statement, 0, 0, MOST_CENSUSES, &ok);
    uint64_t checksum = column_within(statement, 1, 0, UINT32_MAX, &ok);
    if (!database_number(database, "SELECT coalesce(max(number), 0) FROM census", &last, err))
        return false;
    if (!ok || checksum != checksum_number(0, count) || (uint64_t)last != count)
        return database_damaged(database, "it does not have as many censuses as it says", err);
    *ret = (size_t)count;
    return true;
}

bool contents_write(struct database *database, size_t count, struct error *err)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;

    if (!database_prepare(database, &statement,
                          "INSERT OR REPLACE INTO contents (id, censuses, checksum) "
                          "VALUES (1, ?, ?)",
                          err))
        return false;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)count);
    sqlite3_bind_int64(statement, 2, checksum_number(0, count));
    return database_do(database, statement, err);
}

/* Censuses */

#define COLUMNS                                                                                    \
    "number, target, is_first, taken_ms, pause_ms, stopped_ms, resident_bytes, complete, "         \
    "stopped, all_objects, generations, types, objects, bytes, has_addresses, counts_checksum, "   \
    "checksum, running_ms"

enum { ALL_GENERATIONS = (1 << GENERATIONS) - 1 };

static unsigned mask_of(const bool generations[GENERATIONS])
{
    unsigned mask = 0;

    for (size_t i = 0; i < GENERATIONS; i++)
        mask |= (unsigned)generations[i] << i;
    return mask;
}

static uint32_t sum_of(const struct dictionary *dictionary, const struct census_row_stored *row)
{
    const struct census_entry *entry = &row->entry;
    const struct occasion *occasion = &entry->occasion;
    const uint64_t numbers[] = {
        entry->number,
        dictionary->targets[row->target - 1].checksum,
        row->is_first,
        (uint64_t)occasion->taken_ms,
        checksum_bits(occasion->pause_milliseconds),
        checksum_bits(occasion->stopped_milliseconds),
        occasion->resident_bytes,
        occasion->complete,
        occasion->stopped,
        occasion->all_objects,
        mask_of(occasion->generations),
        row->types,
        entry->objects,
        entry->bytes,
        entry->has_objects,
        row->counts_checksum,
        (uint64_t)occasion->running_ms,
    };

    _Static_assert(sizeof(numbers) / sizeof(numbers[0]) <= CHECKSUM_NUMBERS, "all are summed up");
    return checksum_numbers(0, numbers, sizeof(numbers) / sizeof(numbers[0]));
}

static bool parse_row(const struct dictionary *dictionary, sqlite3_stmt *at,
                      struct census_row_stored *ret)
{
    struct census_entry *entry = &ret->entry;
    struct occasion *occasion = &entry->occasion;
    bool ok = dictionary->target_count > 0;

    entry->number = column_within(at, 0, 1, MOST_CENSUSES, &ok);
    ret->target = column_within(at, 1, 1, dictionary->target_count, &ok);
    ret->is_first = column_flag(at, 2, &ok);
    occasion->taken_ms = column_number(at, 3, &ok);
    occasion->pause_milliseconds = column_real(at, 4, &ok);
    occasion->stopped_milliseconds = column_real(at, 5, &ok);
    occasion->resident_bytes = column_unsigned(at, 6, &ok);
    occasion->complete = column_flag(at, 7, &ok);
    occasion->stopped = column_flag(at, 8, &ok);
    occasion->all_objects = column_flag(at, 9, &ok);
    uint64_t mask = column_within(at, 10, 0, ALL_GENERATIONS, &ok);
    for (size_t i = 0; i < GENERATIONS; i++)
        occasion->generations[i] = mask >> i & 1;
    ret->types = column_within(at, 11, 0, INT32_MAX, &ok);
    entry->objects = column_unsigned(at, 12, &ok);
    entry->bytes = column_unsigned(at, 13, &ok);
    entry->has_objects = column_flag(at, 14, &ok);
    ret->counts_checksum = (uint32_t)column_within(at, 15, 0, UINT32_MAX, &ok);
    uint64_t checksum = column_within(at, 16, 0, UINT32_MAX, &ok);
    occasion->running_ms = column_number(at, 17, &ok);
    if (!ok || checksum != sum_of(dictionary, ret))
        return false;
    entry->origin = dictionary->targets[ret->target - 1].origin;
    return true;
}

static bool read_row(const struct dictionary *dictionary, struct database *database,
                     sqlite3_stmt *statement, size_t number, struct census_row_stored *ret,
                     struct error *err)
{
    bool has_row;

    if (!database_step(database, statement, &has_row, err))
        return false;
    if (!has_row || !parse_row(dictionary, statement, ret) || ret->entry.number != number)
        return database_damaged(database, "what it says of a census is not what was written", err);
    return true;
}

bool census_row_read(const struct dictionary *dictionary, struct database *database, size_t number,
                     struct census_row_stored *ret, struct error *err)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    struct census_row_stored row;

    if (!database_prepare(database, &statement, "SELECT " COLUMNS " FROM census WHERE number = ?",
                          err))
        return false;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)number);
    if (!read_row(dictionary, database, statement, number, &row, err))
        return false;
    *ret = row;
    return true;
}

bool census_row_find(const struct dictionary *dictionary, struct database *database, size_t count,
                     int64_t by_ms, size_t *ret, struct error *err)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    struct census_row_stored row;

    if (!database_prepare(database, &statement,
                          "SELECT " COLUMNS " FROM census ORDER BY number DESC", err))
        return false;
    for (; count; count--) {
        if (!read_row(dictionary, database, statement, count, &row, err))
            return false;
        if (row.entry.occasion.taken_ms <= by_ms)
            break;
    }
    *ret = count;
    return true;
}

bool census_row_write(const struct dictionary *dictionary, struct database *database,
                      const struct census_row_stored *row, struct error *err)
{
    const struct census_entry *entry = &row->entry;
    const struct occasion *occasion = &entry->occasion;
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;

    if (!database_prepare(database, &statement,
                          "INSERT OR REPLACE INTO census (" COLUMNS
                          ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          err))
        return false;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)entry->number);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)row->target);
    sqlite3_bind_int(statement, 3, row->is_first);
    sqlite3_bind_int64(statement, 4, occasion->taken_ms);
    sqlite3_bind_double(statement, 5, occasion->pause_milliseconds);
    sqlite3_bind_double(statement, 6, occasion->stopped_milliseconds);
    sqlite3_bind_int64(statement, 7, (sqlite3_int64)occasion->resident_bytes);
    sqlite3_bind_int(statement, 8, occasion->complete);
    sqlite3_bind_int(statement, 9, occasion->stopped);
    sqlite3_bind_int(statement, 10, occasion->all_objects);
    sqlite3_bind_int64(statement, 11, mask_of(occasion->generations));
    sqlite3_bind_int64(statement, 12, (sqlite3_int64)row->types);
    sqlite3_bind_int64(statement, 13, (sqlite3_int64)entry->objects);
    sqlite3_bind_int64(statement, 14, (sqlite3_int64)entry->bytes);
    sqlite3_bind_int(statement, 15, entry->has_objects);
    sqlite3_bind_int64(statement, 16, row->counts_checksum);
    sqlite3_bind_int64(statement, 17, sum_of(dictionary, row));
    sqlite3_bind_int64(statement, 18, occasion->running_ms);
    return database_do(database, statement, err);
}
