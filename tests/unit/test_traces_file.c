// SPDX-License-Identifier: MIT
#include "inspector/store/traces_file.h"
#include "inspector/store/traces_pickle.h"
#include "tests/support/census_place.h"
#include "tests/support/random_traces.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(traces_file, .timeout = 300);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct random_traces few = {
    .seed = 1, .files = 6, .stacks = 9, .rows = 30, .with_totals = true};

struct place {
    struct census_place place; /* its file is a traces file here */
    const char *path;
    struct traces traces;
    unsigned char *bytes;
    size_t size;
    bool refused, differs; /* what came of the last look */
};

static void begin(struct place *place, const struct random_traces *options)
{
    struct error err;

    *place = (struct place){.size = 0};
    census_place_begin(&place->place);
    place->path = place->place.path;
    random_traces(&place->traces, options);
    cr_assert(traces_file_save(place->path, &place->traces, &err), "%s", err.text);
    place->bytes = scratch_read(&place->place.scratch, "test.census", &place->size);
}

static void end(struct place *place)
{
    free(place->bytes);
    traces_free(&place->traces);
    census_place_end(&place->place);
}

/* Whatever was done to the file, it is refused or answers as before. */
static void look(struct place *place)
{
    struct traces loaded = {.file_count = 0};
    struct error err;

    place->refused = !traces_file_load(place->path, &loaded, &err);
    place->differs = !place->refused && !random_traces_equal(&loaded, &place->traces, true);
    if (place->refused)
        cr_expect_eq(err.kind, ERROR_INPUT, "%s", err.text);
    traces_free(&loaded);
}

static void expect_refused(const char *path, const char *words)
{
    struct traces loaded = {.file_count = 0};
    struct error err = {.kind = ERROR_NONE};

    cr_expect_not(traces_file_load(path, &loaded, &err));
    cr_expect_eq(err.kind, ERROR_INPUT);
    cr_expect(strstr(err.text, words), "%s: %s", words, err.text);
}

static void expect_unsaved(struct place *place, const char *path, enum error_kind kind,
                           const char *words)
{
    struct error err = {.kind = ERROR_NONE};

    cr_expect_not(traces_file_check_save(path, &err));
    cr_expect(err.kind == kind && strstr(err.text, words), "%s: %s", words, err.text);
    cr_expect_not(traces_file_save(path, &place->traces, &err));
    cr_expect(err.kind == kind && strstr(err.text, words), "%s: %s", words, err.text);
}

Test(traces_file, what_is_saved_is_loaded)
{
    static const struct random_traces options[] = {
        {.seed = 1, .files = 6, .stacks = 9, .rows = 30, .with_totals = true},
        {.seed = 2, .files = 1, .stacks = 1, .rows = 1},
        {.seed = 3, .files = 1, .stacks = 1, .rows = 0},
        {.seed = 4, .files = 300, .stacks = 5000, .rows = 20000, .with_totals = true},
        {.seed = 5, .files = 30, .stacks = 100, .rows = 1000, .without_origin = true},
    };

    for (size_t i = 0; i < COUNT(options); i++) {
        struct place place;
        struct stat status;
        begin(&place, &options[i]);
        look(&place);
        cr_expect(!place.refused && !place.differs, "%zu", i);
        cr_expect_eq(stat(place.path, &status), 0);
        cr_expect_eq(status.st_mode & 0777, 0600);
        end(&place);
    }
}

/* Numbers of 64 bits have no sign, and sums stay what they are. */
Test(traces_file, great_numbers)
{
    struct traces_builder *builder = traces_builder_new();
    struct traces traces = {.file_count = 0}, loaded = {.file_count = 0};
    struct trace_frame frame = {0, UINT32_MAX};
    struct census_place place;
    struct error err;
    uint32_t file, stack;

    cr_assert(traces_builder_file(builder, "", 0, &file, &err));
    frame.file = file;
    cr_assert(traces_builder_stack(builder, &frame, 1, UINT32_MAX, &stack, &err));
    cr_assert(traces_builder_add(builder, UINT32_MAX, stack, UINT64_MAX, UINT64_MAX, &err));
    cr_assert(traces_builder_add(builder, UINT32_MAX, stack, 0, 1, &err));
    cr_assert(traces_builder_finish(builder, &traces, &err));
    census_place_begin(&place);
    cr_assert(traces_file_save(place.path, &traces, &err), "%s", err.text);
    cr_assert(traces_file_load(place.path, &loaded, &err), "%s", err.text);
    cr_expect(random_traces_equal(&traces, &loaded, true));
    cr_expect_eq(loaded.bytes, UINT64_MAX);
    traces_free(&traces);
    traces_free(&loaded);
    census_place_end(&place);
}

/* What others read it with. */
Test(traces_file, a_view_tells_the_lines)
{
    struct place place;
    sqlite3 *database;
    sqlite3_stmt *statement;
    int64_t blocks = 0, bytes = 0;

    begin(&place, &few);
    cr_assert_eq(sqlite3_open(place.path, &database), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(database, "SELECT file, line, bytes, blocks FROM lines", -1,
                                    &statement, NULL),
                 SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        bytes += sqlite3_column_int64(statement, 2);
        blocks += sqlite3_column_int64(statement, 3);
    }
    cr_expect_eq((uint64_t)blocks, place.traces.blocks);
    cr_expect_eq((uint64_t)bytes, place.traces.bytes);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    end(&place);
}

Test(traces_file, only_saved_traces_are_replaced)
{
    struct snapshot census = census_make(1, 3, 9);
    struct place place;
    struct error err;
    char path[160];

    begin(&place, &few);
    cr_expect(traces_file_check_save(place.path, &err), "%s", err.text);
    cr_expect(traces_file_save(place.path, &place.traces, &err), "%s", err.text);
    look(&place);
    cr_expect(!place.refused && !place.differs);
    cr_expect_eq(census_place_files(&place.place), 1);
    snprintf(path, sizeof(path), "%s/other", place.place.scratch.path);
    scratch_write(&place.place.scratch, "other", "");
    cr_expect(traces_file_save(path, &place.traces, &err), "an empty one is none: %s", err.text);
    scratch_write(&place.place.scratch, "other", "text");
    expect_unsaved(&place, path, ERROR_INPUT, "is no traces file");
    cr_expect_eq(unlink(path), 0);
    census_save(path, &census);
    expect_unsaved(&place, path, ERROR_INPUT,
                   "is no traces file: it is a census file, which pyinspect compare, report and "
                   "watch read; save under another name");
    snapshot_free(&census);
    end(&place);
}

/* A file of the other kind says what it is. */
Test(traces_file, a_census_is_none_and_none_is_a_census)
{
    struct snapshot census = census_make(1, 3, 9);
    struct place place;
    char path[160];

    begin(&place, &few);
    census_expect_refused(place.path, ERROR_INPUT,
                          "is no census file: it is a file of saved traces, which pyinspect traces "
                          "--since reads");
    census_expect_unsaved(place.path, ERROR_INPUT, "; save under another name");
    look(&place);
    cr_expect(!place.refused && !place.differs);
    snprintf(path, sizeof(path), "%s/census", place.place.scratch.path);
    census_save(path, &census);
    expect_refused(path, "is no traces file: it is a census file, which pyinspect compare");
    snapshot_free(&census);
    end(&place);
}

Test(traces_file, other_files_are_refused)
{
    struct place place;
    char path[160];

    begin(&place, &few);
    snprintf(path, sizeof(path), "%s/other", place.place.scratch.path);
    expect_refused(path, "cannot read the traces file");
    scratch_write(&place.place.scratch, "other", "");
    expect_refused(path, "it is empty");
    scratch_write(&place.place.scratch, "other", "neither");
    expect_refused(path, "neither a traces file nor a pickled tracemalloc.Snapshot");
    cr_expect_eq(unlink(path), 0);
    cr_expect_eq(mkfifo(path, 0600), 0);
    expect_refused(path, "it is not a regular file");
    census_sql(place.path, "PRAGMA user_version = 2");
    expect_refused(place.path, "is of traces format 2, this pyinspect reads up to 1");
    end(&place);
}

static const struct {
    const char *sql, *words;
} strangers[] = {
    {"CREATE TABLE more (x)", "its tables are not those of its version"},
    {"CREATE TRIGGER t AFTER INSERT ON file BEGIN DELETE FROM file; END", "its tables"},
    {"DELETE FROM traces", "not those that were written"},
    {"DELETE FROM target", "not those that were written"},
    {"INSERT INTO target SELECT 2, pid, start_time, boot, stack_start, executable, version, "
     "command_line FROM target",
     "not those that were written"},
    {"UPDATE target SET pid = 1", "not those that were written"},
    {"UPDATE traces SET peak = peak + 1", "not those that were written"},
    {"UPDATE traces SET pause_ms = 'long'", "not those that were written"},
    {"UPDATE file SET name = 'x' WHERE id = 1", "not those that were written"},
    {"UPDATE file SET name = (SELECT name FROM file WHERE id = 2) WHERE id = 1",
     "not those that were written"},
    {"DELETE FROM file WHERE id = 1", "not those that were written"},
    {"UPDATE stack SET file = 0 WHERE id = 2", "not those that were written"},
    {"UPDATE stack SET file = 7000000000", "not those that were written"},
    {"UPDATE stack SET line = -1", "not those that were written"},
    {"UPDATE stack SET others = x'ff'", "not those that were written"},
    {"UPDATE stack SET others = x'0101' || others", "not those that were written"},
    {"UPDATE trace SET sizes = x''", "not those that were written"},
    {"UPDATE trace SET sizes = x'0100'", "not those that were written"},
    {"UPDATE trace SET sizes = x'ffffffffffffffffff01010101'", "not those that were written"},
    {"UPDATE trace SET stack = 0 WHERE stack = 1", "not those that were written"},
    {"UPDATE trace SET bytes = bytes + 1", "not those that were written"},
    {"DELETE FROM trace WHERE stack = 1", "not those that were written"},
};

Test(traces_file, rows_that_somebody_changed_are_refused)
{
    for (size_t i = 0; i < COUNT(strangers); i++) {
        struct place place;
        begin(&place, &few);
        census_sql(place.path, strangers[i].sql);
        expect_refused(place.path, strangers[i].words);
        end(&place);
    }
}

static int open_to_damage(const struct place *place)
{
    int fd = open(place->path, O_RDWR | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    return fd;
}

/* Most of a small file is nothing: of that, one byte in 16 is enough. */
static bool is_worth_it(const struct place *place, size_t at)
{
    return place->bytes[at] || (at && place->bytes[at - 1]) || at % 16 == 3 || at % 4096 < 16;
}

Test(traces_file, a_flipped_bit_changes_no_answer)
{
    size_t refused = 0, tried = 0;
    struct place place;

    begin(&place, &few);
    int fd = open_to_damage(&place);
    look(&place);
    cr_assert(!place.refused && !place.differs);
    for (size_t at = 0; at < place.size; at++) {
        unsigned char byte = place.bytes[at] ^ (unsigned char)(1 << (at * 5 + at / 8) % 8);
        if (!is_worth_it(&place, at))
            continue;
        cr_assert_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
        look(&place);
        cr_expect_not(place.differs, "byte %zu", at);
        tried++;
        refused += place.refused;
        cr_assert_eq(pwrite(fd, &place.bytes[at], 1, (off_t)at), 1);
    }
    close(fd);
    cr_expect_gt(refused, tried / 4, "%zu of %zu", refused, tried);
    end(&place);
}

Test(traces_file, a_truncated_file_is_refused)
{
    struct place place;

    begin(&place, &few);
    for (size_t size = place.size; size > 0; size -= size > 4096 ? 61 : 1) {
        cr_assert_eq(truncate(place.path, (off_t)size - 1), 0);
        look(&place);
        cr_expect(place.refused, "%zu bytes", size - 1);
    }
    end(&place);
}

/* A blob that two rows share would let a small file take much memory. */
Test(traces_file, nothing_in_it_is_more_than_its_size_allows)
{
    struct place place;

    begin(&place, &few);
    census_sql(place.path, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                           "WHERE i < 2000) INSERT INTO trace SELECT 7, i, 1, 1, x'0101' FROM n");
    expect_refused(place.path, "not those that were written");
    end(&place);
}

Test(traces_file, a_pickle_is_loaded_too)
{
    struct traces loaded = {.file_count = 0};
    struct place place;
    struct error err;
    char path[160];

    begin(&place, &few);
    snprintf(path, sizeof(path), "%s/pickle", place.place.scratch.path);
    FILE *out = fopen(path, "w");
    cr_assert(out && traces_pickle_write(out, &place.traces, &err), "%s", err.text);
    cr_assert_eq(fclose(out), 0);
    cr_assert(traces_file_load(path, &loaded, &err), "%s", err.text);
    cr_expect(random_traces_equal(&loaded, &place.traces, false));
    cr_expect_not(loaded.has_origin);
    expect_unsaved(&place, path, ERROR_INPUT, "is no traces file");
    traces_free(&loaded);
    end(&place);
}
