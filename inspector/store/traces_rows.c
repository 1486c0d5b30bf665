// SPDX-License-Identifier: MIT
#include "inspector/store/traces_rows.h"

#include "inspector/store/checksum.h"
#include "inspector/store/columns.h"
#include "inspector/store/packing.h"
#include "inspector/store/target_row.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/vector.h"

#include <math.h>
#include <stdlib.h>

enum { WORK_A_ROW = 100 };

static uint64_t saturated_sum(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t saturated_product(uint64_t a, uint64_t b)
{
    uint64_t product;

    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* The row of the table `traces`: its numbers in their order there, which is that of the checksum.
 * Real numbers are their bits. */

enum column {
    HAS_TARGET,
    TAKEN,
    RUNNING,
    PAUSE,
    STOPPED_FOR,
    RESIDENT,
    COMPLETE,
    STOPPED,
    NEWEST_FIRST,
    LIMIT,
    TRACED,
    PEAK,
    OWN,
    FILES,
    STACKS,
    SIZES,
    BLOCKS,
    BYTES,
    COLUMNS,
};

#define COLUMN_NAMES                                                                               \
    "has_target, taken_ms, running_ms, pause_ms, stopped_ms, resident_bytes, complete, stopped, "  \
    "newest_first, traceback_limit, traced_memory, peak, own_memory, files, stacks, sizes, "       \
    "blocks, bytes, checksum"

struct head {
    uint64_t numbers[COLUMNS];
    uint32_t checksum;
};

static uint32_t head_checksum(const struct head *head, const struct origin *origin)
{
    uint32_t sum = checksum_number(0, head->numbers[HAS_TARGET] ? target_row_checksum(origin) : 0);

    for (size_t i = 0; i < COLUMNS; i++)
        sum = checksum_number(sum, head->numbers[i]);
    return sum;
}

/* SQLite has no NaN, and no other zero than 0. */
static uint64_t bits_of(double milliseconds)
{
    return checksum_bits(isfinite(milliseconds) && milliseconds != 0 ? milliseconds : 0);
}

static double real_of(uint64_t bits)
{
    double real;

    memcpy(&real, &bits, sizeof(real));
    return real;
}

static bool is_real(size_t column)
{
    return column == PAUSE || column == STOPPED_FOR;
}

static struct head head_of(const struct traces *traces)
{
    const struct occasion *occasion = &traces->occasion;
    struct head head = {.numbers = {
                            [HAS_TARGET] = traces->has_origin,
                            [TAKEN] = (uint64_t)occasion->taken_ms,
                            [RUNNING] = (uint64_t)occasion->running_ms,
                            [PAUSE] = bits_of(occasion->pause_milliseconds),
                            [STOPPED_FOR] = bits_of(occasion->stopped_milliseconds),
                            [RESIDENT] = occasion->resident_bytes,
                            [COMPLETE] = occasion->complete,
                            [STOPPED] = occasion->stopped,
                            [NEWEST_FIRST] = traces->newest_first,
                            [LIMIT] = traces->traceback_limit,
                            [TRACED] = traces->traced_memory,
                            [PEAK] = traces->peak,
                            [OWN] = traces->own_memory,
                            [FILES] = traces->file_count,
                            [STACKS] = traces->stack_count,
                            [SIZES] = traces->row_count,
                            [BLOCKS] = traces->blocks,
                            [BYTES] = traces->bytes,
                        }};

    return head;
}

/* A row of `stack` or `trace`, of which a blob is the last column. */

static uint32_t row_checksum(uint32_t sum, const uint64_t *numbers, size_t count, const void *blob,
                             size_t length)
{
    return checksum_text(checksum_numbers(sum, numbers, count), blob, length);
}

/* Writing */

struct writing {
    struct database *database;
    const struct traces *traces;
    uint32_t sum;
    struct text packed;
};

/* The numbers, then what is in `packed`. */
static bool write_row(struct writing *writing, sqlite3_stmt *statement, const uint64_t *numbers,
                      int count, size_t summed_from, struct error *err)
{
    const struct text *packed = &writing->packed;

    if (packed->failed)
        return error_memory(err);
    writing->sum = row_checksum(writing->sum, numbers + summed_from, (size_t)count - summed_from,
                                packed->bytes, packed->length);
    for (int i = 0; i < count; i++)
        sqlite3_bind_int64(statement, i + 1, (sqlite3_int64)numbers[i]);
    if (sqlite3_bind_blob64(statement, count + 1, packed->length ? packed->bytes : "",
                            packed->length, SQLITE_STATIC) != SQLITE_OK)
        return database_fail(writing->database, err);
    return database_do(writing->database, statement, err);
}

static bool write_files(struct writing *writing, struct error *err)
{
    const struct traces *traces = writing->traces;
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;

    if (!database_prepare(writing->database, &statement,
                          "INSERT INTO file (id, name) VALUES (?, ?)", err))
        return false;
    for (size_t i = 0; i < traces->file_count; i++) {
        const struct trace_file *file = &traces->files[i];
        writing->sum = checksum_text(writing->sum, file->name, file->length);
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)i + 1);
        if (!column_bind_text(statement, 2, file->name, file->length))
            return database_fail(writing->database, err);
        if (!database_do(writing->database, statement, err))
            return false;
    }
    return true;
}

static bool write_stacks(struct writing *writing, struct error *err)
{
    const struct traces *traces = writing->traces;
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;

    if (!database_prepare(writing->database, &statement,
                          "INSERT INTO stack (id, all_frames, file, line, others) "
                          "VALUES (?, ?, ?, ?, ?)",
                          err))
        return false;
    for (size_t i = 0; i < traces->stack_count; i++) {
        const struct trace_stack *stack = &traces->stacks[i];
        const struct trace_frame *frames = &traces->frames[stack->first];
        const uint64_t numbers[] = {i + 1, stack->all_frames, (uint64_t)frames[0].file + 1,
                                    frames[0].line};
        text_clear(&writing->packed);
        for (uint32_t j = 1; j < stack->frames; j++) {
            packing_add_number(&writing->packed, (uint64_t)frames[j].file + 1);
            packing_add_number(&writing->packed, frames[j].line);
        }
        if (!write_row(writing, statement, numbers, 4, 1, err))
            return false;
    }
    return true;
}

/* Of one domain and stack, which are all there: returns how many rows they are. */
static size_t pack_sizes(struct writing *writing, size_t from, uint64_t numbers[4])
{
    const struct traces *traces = writing->traces;
    const struct trace_row *rows = &traces->rows[from];
    uint64_t before = 0;
    size_t i = 0;

    numbers[0] = rows->domain;
    numbers[1] = (uint64_t)rows->stack + 1;
    numbers[2] = numbers[3] = 0;
    text_clear(&writing->packed);
    for (; i < traces->row_count - from && rows[i].domain == rows->domain &&
           rows[i].stack == rows->stack;
         i++) {
        packing_add_number(&writing->packed, rows[i].size - before);
        packing_add_number(&writing->packed, rows[i].count);
        before = rows[i].size;
        numbers[2] = saturated_sum(numbers[2], rows[i].count);
        numbers[3] = saturated_sum(numbers[3], saturated_product(rows[i].size, rows[i].count));
    }
    return i;
}

static bool write_traces(struct writing *writing, struct error *err)
{
    const struct traces *traces = writing->traces;
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    uint64_t numbers[4];

    if (!database_prepare(writing->database, &statement,
                          "INSERT INTO trace (domain, stack, blocks, bytes, sizes) "
                          "VALUES (?, ?, ?, ?, ?)",
                          err))
        return false;
    for (size_t i = 0; i < traces->row_count;) {
        i += pack_sizes(writing, i, numbers);
        if (!write_row(writing, statement, numbers, 4, 0, err))
            return false;
    }
    return true;
}

static bool write_head(struct writing *writing, const struct head *head, struct error *err)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;

    if (!database_prepare(writing->database, &statement,
                          "INSERT INTO traces (id, " COLUMN_NAMES ") VALUES "
                          "(1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          err))
        return false;
    for (size_t i = 0; i < COLUMNS; i++) {
        if (is_real(i))
            sqlite3_bind_double(statement, (int)i + 1, real_of(head->numbers[i]));
        else
            sqlite3_bind_int64(statement, (int)i + 1, (sqlite3_int64)head->numbers[i]);
    }
    sqlite3_bind_int64(statement, COLUMNS + 1, writing->sum);
    return database_do(writing->database, statement, err);
}

uint64_t traces_rows_work(const struct traces *traces)
{
    return ((uint64_t)traces->file_count + traces->stack_count + traces->row_count) * WORK_A_ROW;
}

bool traces_rows_write(struct database *database, const struct traces *traces, struct error *err)
{
    struct head head = head_of(traces);
    struct writing writing = {
        .database = database, .traces = traces, .sum = head_checksum(&head, &traces->origin)};

    bool done = (!traces->has_origin || target_row_insert(database, 1, &traces->origin, err)) &&
                write_files(&writing, err) && write_stacks(&writing, err) &&
                write_traces(&writing, err) && write_head(&writing, &head, err);
    text_free(&writing.packed);
    return done;
}

/* Reading */

struct reading {
    struct database *database;
    struct head head;
    uint32_t sum;
    uint64_t left; /* bytes that the file can yet hold: nothing is in it twice */
    struct traces_builder *builder;
    struct traces told;             /* origin, occasion and counters */
    uint32_t *files, *stacks;       /* what the builder calls them */
    size_t file_count, stack_count; /* that were read */
    size_t file_capacity, stack_capacity;
    struct trace_frame *frames; /* of a stack */
    size_t frame_capacity;
};

static bool damaged(const struct reading *reading, struct error *err)
{
    return database_damaged(reading->database, "the traces are not those that were written", err);
}

/* Asked at the end of each row. */
static bool is_sound(struct reading *reading, bool ok, size_t length, struct error *err)
{
    if (sqlite3_errcode(reading->database->handle) == SQLITE_NOMEM)
        return error_memory(err);
    if (!ok || length > reading->left)
        return damaged(reading, err);
    reading->left -= length;
    return true;
}

static bool read_head(struct reading *reading, sqlite3_stmt *row, struct error *err)
{
    uint64_t *numbers = reading->head.numbers;
    struct occasion *occasion = &reading->told.occasion;
    bool ok = true;

    for (int i = 0; i < COLUMNS; i++)
        numbers[i] = is_real((size_t)i) ? checksum_bits(column_real(row, i, &ok))
                                        : column_unsigned(row, i, &ok);
    reading->head.checksum = (uint32_t)column_within(row, COLUMNS, 0, UINT32_MAX, &ok);
    ok = ok && numbers[HAS_TARGET] <= 1 && numbers[COMPLETE] <= 1 && numbers[STOPPED] <= 1 &&
         numbers[NEWEST_FIRST] <= 1 && numbers[LIMIT] <= UINT32_MAX;
    *occasion = (struct occasion){
        .taken_ms = (int64_t)numbers[TAKEN],
        .running_ms = (int64_t)numbers[RUNNING],
        .pause_milliseconds = real_of(numbers[PAUSE]),
        .stopped_milliseconds = real_of(numbers[STOPPED_FOR]),
        .resident_bytes = numbers[RESIDENT],
        .complete = numbers[COMPLETE],
        .stopped = numbers[STOPPED],
    };
    reading->told.has_origin = numbers[HAS_TARGET];
    reading->told.newest_first = numbers[NEWEST_FIRST];
    reading->told.traceback_limit = (uint32_t)numbers[LIMIT];
    reading->told.traced_memory = numbers[TRACED];
    reading->told.peak = numbers[PEAK];
    reading->told.own_memory = numbers[OWN];
    return is_sound(reading, ok, 0, err);
}

static bool read_target(struct reading *reading, sqlite3_stmt *row, struct error *err)
{
    struct origin origin;

    return is_sound(reading, target_row_parse(row, &origin), 0, err) &&
           target_row_copy(&reading->told.origin, &origin, &reading->told.arena, err);
}

static bool keep_number(uint32_t **numbers, size_t *count, size_t *capacity, uint32_t number,
                        struct error *err)
{
    uint32_t *grown = vector_grow(*numbers, capacity, *count + 1, sizeof(*grown));

    if (!grown)
        return error_memory(err);
    *numbers = grown;
    grown[(*count)++] = number;
    return true;
}

static bool read_file(struct reading *reading, sqlite3_stmt *row, struct error *err)
{
    uint32_t number;
    bool ok = true;

    column_within(row, 0, reading->file_count + 1, reading->file_count + 1, &ok);
    struct column_bytes name = column_bytes(row, 1, SQLITE_TEXT, &ok);
    if (!is_sound(reading, ok, name.length, err))
        return false;
    reading->sum = checksum_text(reading->sum, name.bytes, name.length);
    return traces_builder_file(reading->builder, name.length ? name.bytes : "", name.length,
                               &number, err) &&
           keep_number(&reading->files, &reading->file_count, &reading->file_capacity, number, err);
}

static bool add_frame(struct reading *reading, uint32_t count, uint64_t file, uint64_t line,
                      struct error *err)
{
    struct trace_frame *frames =
        vector_grow(reading->frames, &reading->frame_capacity, (size_t)count + 1, sizeof(*frames));

    if (!frames)
        return error_memory(err);
    reading->frames = frames;
    if (file == 0 || file > reading->file_count || line > UINT32_MAX)
        return damaged(reading, err);
    frames[count] = (struct trace_frame){reading->files[file - 1], (uint32_t)line};
    return true;
}

static bool read_stack(struct reading *reading, sqlite3_stmt *row, struct error *err)
{
    uint64_t numbers[3], file, line;
    uint32_t count = 1, number;
    bool ok = true;

    column_within(row, 0, reading->stack_count + 1, reading->stack_count + 1, &ok);
    for (int i = 0; i < 3; i++)
        numbers[i] = column_within(row, i + 1, 0, UINT32_MAX, &ok);
    struct column_bytes others = column_bytes(row, 4, SQLITE_BLOB, &ok);
    if (!is_sound(reading, ok && others.length < UINT32_MAX, others.length, err) ||
        !add_frame(reading, 0, numbers[1], numbers[2], err))
        return false;
    reading->sum = row_checksum(reading->sum, numbers, 3, others.bytes, others.length);
    struct packed_bytes packed = packed_begin(others.bytes, others.length);
    for (; packed.at < packed.end; count++) {
        if (!packed_number(&packed, &file) || !packed_number(&packed, &line))
            return damaged(reading, err);
        if (!add_frame(reading, count, file, line, err))
            return false;
    }
    return traces_builder_stack(reading->builder, reading->frames, count, (uint32_t)numbers[0],
                                &number, err) &&
           keep_number(&reading->stacks, &reading->stack_count, &reading->stack_capacity, number,
                       err);
}

static bool read_sizes(struct reading *reading, const uint64_t numbers[4],
                       struct column_bytes sizes, struct error *err)
{
    uint64_t size = 0, distance, count, blocks = 0, bytes = 0;
    uint32_t stack = reading->stacks[numbers[1] - 1];
    struct packed_bytes packed = packed_begin(sizes.bytes, sizes.length);

    while (packed.at < packed.end) {
        if (!packed_number(&packed, &distance) || !packed_number(&packed, &count) || count == 0 ||
            __builtin_add_overflow(size, distance, &size))
            return damaged(reading, err);
        blocks = saturated_sum(blocks, count);
        bytes = saturated_sum(bytes, saturated_product(size, count));
        if (!traces_builder_add(reading->builder, (uint32_t)numbers[0], stack, size, count, err))
            return false;
    }
    return (blocks == numbers[2] && bytes == numbers[3]) || damaged(reading, err);
}

static bool read_trace(struct reading *reading, sqlite3_stmt *row, struct error *err)
{
    uint64_t numbers[4];
    bool ok = reading->stack_count > 0;

    numbers[0] = column_within(row, 0, 0, UINT32_MAX, &ok);
    numbers[1] = column_within(row, 1, 1, reading->stack_count, &ok);
    numbers[2] = column_unsigned(row, 2, &ok);
    numbers[3] = column_unsigned(row, 3, &ok);
    struct column_bytes sizes = column_bytes(row, 4, SQLITE_BLOB, &ok);
    if (!is_sound(reading, ok, sizes.length, err))
        return false;
    reading->sum = row_checksum(reading->sum, numbers, 4, sizes.bytes, sizes.length);
    return read_sizes(reading, numbers, sizes, err);
}

typedef bool read_row(struct reading *reading, sqlite3_stmt *row, struct error *err);

/* *ret_rows: how many there were. */
static bool read_all(struct reading *reading, const char *sql, read_row *read, uint64_t *ret_rows,
                     struct error *err)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    bool row;

    if (!database_prepare(reading->database, &statement, sql, err))
        return false;
    *ret_rows = 0;
    while (database_step(reading->database, statement, &row, err)) {
        if (!row)
            return true;
        if (!read(reading, statement, err))
            return false;
        ++*ret_rows;
    }
    return false;
}

static bool read_rows(struct reading *reading, struct error *err)
{
    uint64_t heads, targets, files, stacks, traces;

    if (!read_all(reading, "SELECT " COLUMN_NAMES " FROM traces WHERE id = 1", read_head, &heads,
                  err))
        return false;
    if (heads != 1)
        return damaged(reading, err);
    if (!read_all(reading, "SELECT " TARGET_ROW_COLUMNS " FROM target", read_target, &targets, err))
        return false;
    if (targets != reading->head.numbers[HAS_TARGET])
        return damaged(reading, err);
    reading->sum = head_checksum(&reading->head, &reading->told.origin);
    if (!read_all(reading, "SELECT id, name FROM file ORDER BY id", read_file, &files, err) ||
        !read_all(reading, "SELECT id, all_frames, file, line, others FROM stack ORDER BY id",
                  read_stack, &stacks, err) ||
        !read_all(reading,
                  "SELECT domain, stack, blocks, bytes, sizes FROM trace ORDER BY domain, stack",
                  read_trace, &traces, err))
        return false;
    return reading->sum == reading->head.checksum || damaged(reading, err);
}

/* Nothing was in the file twice, or unused. */
static bool finish(struct reading *reading, struct traces *ret, struct error *err)
{
    const uint64_t *numbers = reading->head.numbers;
    struct traces_builder *builder = reading->builder;
    struct traces traces = {.file_count = 0};

    reading->builder = NULL;
    if (!traces_builder_finish(builder, &traces, err))
        return false;
    if (traces.file_count != numbers[FILES] || traces.file_count != reading->file_count ||
        traces.stack_count != numbers[STACKS] || traces.stack_count != reading->stack_count ||
        traces.row_count != numbers[SIZES] || traces.blocks != numbers[BLOCKS] ||
        traces.bytes != numbers[BYTES]) {
        traces_free(&traces);
        return damaged(reading, err);
    }
    traces.occasion = reading->told.occasion;
    traces.has_origin = reading->told.has_origin;
    traces.newest_first = reading->told.newest_first;
    traces.traceback_limit = reading->told.traceback_limit;
    traces.traced_memory = reading->told.traced_memory;
    traces.peak = reading->told.peak;
    traces.own_memory = reading->told.own_memory;
    if (traces.has_origin &&
        !target_row_copy(&traces.origin, &reading->told.origin, &traces.arena, err)) {
        traces_free(&traces);
        return false;
    }
    *ret = traces;
    return true;
}

bool traces_rows_read(struct database *database, struct traces *ret, struct error *err)
{
    struct reading reading = {
        .database = database, .left = database_size(database), .builder = traces_builder_new()};

    bool done = (reading.builder || error_memory(err)) && read_rows(&reading, err) &&
                finish(&reading, ret, err);
    traces_builder_free(reading.builder);
    arena_free(&reading.told.arena);
    free(reading.files);
    free(reading.stacks);
    free(reading.frames);
    return done;
}
