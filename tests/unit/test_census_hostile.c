// SPDX-License-Identifier: MIT
/* Census files that somebody else made, or that came to harm. */
#include "tests/support/census_place.h"
#include "tests/support/often.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(census_hostile, .timeout = 300);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { CENSUSES = 3, NOBODY = 65534 };

/* A small history, and what is in it. */
struct history {
    struct census_place place;
    struct snapshot snapshots[CENSUSES];
    unsigned char *bytes;
    size_t size;
    bool refused, differs; /* what came of the last look */
};

static void begin(struct history *history)
{
    census_place_begin(&history->place);
    struct census_file *file = census_open_to_add(history->place.path);
    for (unsigned i = 0; i < CENSUSES; i++) {
        history->snapshots[i] = census_make(i + 1, 6, 30);
        census_add(file, &history->snapshots[i], 0);
    }
    census_file_close(file);
    history->bytes = scratch_read(&history->place.scratch, "test.census", &history->size);
}

static void end(struct history *history)
{
    free(history->bytes);
    for (size_t i = 0; i < CENSUSES; i++)
        snapshot_free(&history->snapshots[i]);
    census_place_end(&history->place);
}

struct counted {
    const struct history *history;
    uint64_t objects;
    bool differs;
};

static bool count_type(void *context, const struct census_count *count)
{
    struct counted *counted = context;

    counted->objects += count->count;
    counted->differs |= count->census > CENSUSES;
    return true;
}

static void note(struct history *history, bool done, const struct error *err, bool same)
{
    if (done && same)
        return;
    if (done)
        history->differs = true;
    else
        cr_expect_eq(err->kind, ERROR_INPUT, "%s", err->text);
    history->refused |= !done;
}

static void ask(struct history *history, struct census_file *file)
{
    struct counted counted = {.history = history};
    uint64_t objects = 0;
    struct error err;
    size_t number;

    history->differs |= census_file_count(file) != CENSUSES;
    for (size_t i = 0; i < CENSUSES && !history->differs; i++) {
        const struct snapshot *wanted = &history->snapshots[i];
        struct snapshot loaded = {.row_count = 0};
        struct census_entry entry;
        bool done = census_file_load(file, i + 1, &loaded, &err);
        note(history, done, &err, done && made_snapshot_equal(&loaded, wanted, true));
        snapshot_free(&loaded);
        done = census_file_entry(file, i + 1, &entry, &err);
        note(history, done, &err, done && entry.objects == wanted->objects);
        done = census_file_find(file, wanted->occasion.taken_ms + 1, &number, &err);
        note(history, done, &err, done && number == i + 1);
        objects += wanted->objects;
    }
    bool done = census_file_counts(file, count_type, &counted, &err);
    note(history, done, &err, done && !counted.differs && counted.objects == objects);
}

/* Whatever was done to the file, it is refused or answers as before. */
static void look(struct history *history)
{
    struct census_file *file;
    struct error err;

    history->refused = history->differs = false;
    bool done = census_file_open(&file, history->place.path, &err);
    note(history, done, &err, true);
    if (done) {
        ask(history, file);
        census_file_close(file);
    }
}

static int open_to_damage(const struct history *history)
{
    int fd = open(history->place.path, O_RDWR | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    return fd;
}

/* Most of a small file is nothing: of that, one byte in 16 is enough. */
static bool is_worth_it(const struct history *history, size_t at)
{
    return history->bytes[at] || (at && history->bytes[at - 1]) || at % 16 == 3 || at % 4096 < 16;
}

static void flip(struct history *history, size_t part, size_t parts)
{
    int fd = open_to_damage(history);
    size_t refused = 0, tried = 0;

    look(history);
    cr_assert(!history->refused && !history->differs);
    for (size_t at = part; at < history->size; at += parts * ENOUGH) {
        unsigned char byte = history->bytes[at] ^ (unsigned char)(1 << (at * 5 + at / 8) % 8);
        if (!is_worth_it(history, at))
            continue;
        cr_assert_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
        look(history);
        cr_expect_not(history->differs, "byte %zu", at);
        tried++;
        refused += history->refused;
        cr_assert_eq(pwrite(fd, &history->bytes[at], 1, (off_t)at), 1);
    }
    close(fd);
    cr_expect_gt(refused, tried / 4, "%zu of %zu", refused, tried);
}

Test(census_hostile, a_flipped_bit_changes_no_answer_1)
{
    struct history history;

    begin(&history);
    flip(&history, 0, 2);
    end(&history);
}

Test(census_hostile, a_flipped_bit_changes_no_answer_2)
{
    struct history history;

    begin(&history);
    flip(&history, 1, 2);
    end(&history);
}

Test(census_hostile, a_truncated_file_is_refused)
{
    struct history history;

    begin(&history);
    for (size_t size = history.size; size > 0; size -= size > 4096 ? 61 : 1) {
        cr_assert_eq(truncate(history.place.path, (off_t)size - 1), 0);
        look(&history);
        cr_expect_not(history.differs, "%zu bytes", size - 1);
        cr_expect(history.refused, "%zu bytes", size - 1);
    }
    end(&history);
}

Test(census_hostile, pages_that_are_mixed_up_change_no_answer)
{
    struct history history;

    begin(&history);
    int fd = open_to_damage(&history);
    for (size_t from = 0; from < history.size; from += 4096)
        for (size_t to = 0; to < history.size; to += 4096) {
            if (memcmp(history.bytes + from, history.bytes + to, 4096) == 0)
                continue;
            cr_assert_eq(pwrite(fd, history.bytes + from, 4096, (off_t)to), 4096);
            look(&history);
            cr_expect_not(history.differs, "page %zu to %zu", from / 4096, to / 4096);
            cr_assert_eq(pwrite(fd, history.bytes + to, 4096, (off_t)to), 4096);
        }
    close(fd);
    end(&history);
}

/* What a stranger can say in SQL, and what is then said of the file. */
static const struct {
    const char *sql, *words;
} strange[] = {
    {"PRAGMA user_version = 2",
     "is of census format 2, this pyinspect reads up to 1: use a newer pyinspect"},
    {"PRAGMA user_version = 0", "is damaged"},
    {"PRAGMA application_id = 7", "an SQLite database of another kind"},
    {"PRAGMA journal_mode = WAL", "WAL mode"},
    {"CREATE TABLE more (a)", "its tables are not those"},
    {"CREATE TRIGGER t AFTER INSERT ON type BEGIN DELETE FROM census; END",
     "its tables are not those"},
    {"CREATE INDEX i ON type (name)", "its tables are not those"},
    {"DROP VIEW history", "its tables are not those"},
    {"DROP TABLE type; CREATE VIEW type AS SELECT 1 AS id, 'a' AS name, 'b' AS short_name",
     "its tables are not those"},
    {"DELETE FROM contents", "how many censuses"},
    {"DELETE FROM census WHERE number = 3", "as many censuses as it says"},
    {"UPDATE contents SET censuses = 2", "as many censuses as it says"},
};

Test(census_hostile, another_kind_or_version_is_refused)
{
    struct history history;

    for (size_t i = 0; i < COUNT(strange); i++) {
        struct snapshot snapshot = census_make(9, 3, 3);
        struct census_file *file;
        struct error err;
        begin(&history);
        census_sql(history.place.path, strange[i].sql);
        census_expect_refused(history.place.path, ERROR_INPUT, strange[i].words);
        census_expect_unsaved(history.place.path, ERROR_INPUT, strange[i].words);
        cr_assert_not(census_file_open_to_add(&file, history.place.path, &err), "%zu", i);
        cr_expect_eq(err.kind, ERROR_INPUT, "%s", err.text);
        snapshot_free(&snapshot);
        end(&history);
    }
}

/* These are found only when they are read. */
static const char *const false_rows[] = {
    "UPDATE type_count SET count = count + 1",
    "UPDATE type_count SET bytes = -bytes WHERE type = 2",
    "UPDATE type_count SET exact = 1 - exact WHERE type = 3",
    "UPDATE type_count SET count = 'many'",
    "UPDATE type_count SET count = 1e300",
    "UPDATE type_count SET count = 9223372036854775807 WHERE type = 1",
    "DELETE FROM type_count WHERE type = 4",
    "UPDATE type_count SET type = 1000000 WHERE type = 6",
    "UPDATE type_count SET type = -1 WHERE type = 6",
    "UPDATE type_count SET census = 9 WHERE census = 2",
    "INSERT INTO type_count VALUES (2, 99, 1, 1, 1)",
    "UPDATE type SET name = 'other' WHERE id = 2",
    "UPDATE type SET short_name = x'00' WHERE id = 2",
    "UPDATE type SET id = 99 WHERE id = 6",
    "DELETE FROM type",
    "UPDATE target SET pid = 1",
    "UPDATE target SET boot = printf('%500d', 1)",
    "UPDATE target SET executable = 'a' || char(0) || 'b'",
    "DELETE FROM target",
    "UPDATE census SET taken_ms = 0",
    "UPDATE census SET target = 2",
    "UPDATE census SET target = 0",
    "UPDATE census SET objects = 1 << 60",
    "UPDATE census SET has_addresses = 0",
    "UPDATE census SET generations = 8",
    "UPDATE census SET pause_ms = 'long'",
    "UPDATE census SET checksum = 0",
    "UPDATE census SET counts_checksum = 0",
    "UPDATE addresses SET addresses = zeroblob(length(addresses))",
    "UPDATE addresses SET addresses = zeroblob(100000000) WHERE census = 2 AND type = 1",
    "UPDATE addresses SET sizes = x''",
    "UPDATE addresses SET sizes = 7",
    "UPDATE addresses SET checksum = checksum + 4294967296",
    "DELETE FROM addresses WHERE type = 5",
    "INSERT INTO addresses VALUES (1, 99, x'00', x'0001', 0)",
};

Test(census_hostile, rows_that_were_changed_are_refused)
{
    struct history history;
    struct error err;

    for (size_t i = 0; i < COUNT(false_rows); i++) {
        bool refused = false;
        begin(&history);
        census_sql(history.place.path, false_rows[i]);
        struct census_file *file = census_open(history.place.path);
        for (size_t number = 1; number <= CENSUSES; number++) {
            struct snapshot loaded;
            if (census_file_load(file, number, &loaded, &err)) {
                cr_expect(made_snapshot_equal(&loaded, &history.snapshots[number - 1], true), "%s",
                          false_rows[i]);
                snapshot_free(&loaded);
            } else {
                cr_expect_eq(err.kind, ERROR_INPUT, "%s: %s", false_rows[i], err.text);
                refused = true;
            }
        }
        cr_expect(refused, "%s", false_rows[i]);
        census_file_close(file);
        end(&history);
    }
}

/* Journals */

/* Writes into the file what never becomes valid, and ends with a journal beside it. */
static void leave_journal(const struct census_place *place, uid_t user)
{
    pid_t child = fork();
    int status;

    cr_assert_geq(child, 0);
    if (child == 0) {
        sqlite3 *database = NULL;
        bool done = (user == geteuid() || setresuid(user, user, user) == 0) &&
                    sqlite3_open(place->path, &database) == SQLITE_OK &&
                    sqlite3_exec(database,
                                 "BEGIN; UPDATE type_count SET count = count + 1; "
                                 "UPDATE addresses SET addresses = x''",
                                 NULL, NULL, NULL) == SQLITE_OK &&
                    sqlite3_db_cacheflush(database) == SQLITE_OK;
        _exit(done ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_eq(access(place->journal, F_OK), 0);
}

/* The file itself is half of what was to be written. */
static void expect_half_written(const struct history *history)
{
    size_t size;
    unsigned char *bytes = scratch_read(&history->place.scratch, "test.census", &size);

    cr_expect(size != history->size || memcmp(bytes, history->bytes, size) != 0);
    free(bytes);
}

Test(census_hostile, a_killed_writers_journal_is_honoured)
{
    struct history history;

    begin(&history);
    leave_journal(&history.place, geteuid());
    expect_half_written(&history);
    look(&history);
    cr_expect(!history.refused && !history.differs);
    cr_expect_neq(access(history.place.journal, F_OK), 0);
    end(&history);
}

/* A journal that names a file to be deleted, as one of several databases does. */
static void name_victim(const struct history *history, const char *victim)
{
    static const unsigned char magic[] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
    size_t length = strlen(victim);
    uint32_t sum = 0;
    FILE *journal = fopen(history->place.journal, "ab");

    cr_assert(journal);
    for (size_t i = 0; i < length; i++)
        sum += (uint32_t)(signed char)victim[i];
    const uint32_t numbers[] = {0x40000000 / 4096 + 1, (uint32_t)length, sum};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        for (int shift = 24; shift >= 0; shift -= 8)
            fputc(numbers[i] >> shift & 0xff, journal);
        if (i == 0)
            fputs(victim, journal);
    }
    fwrite(magic, 1, sizeof(magic), journal);
    cr_assert_eq(fclose(journal), 0);
}

Test(census_hostile, a_journal_deletes_nothing_else)
{
    struct history history;
    char victim[160];

    begin(&history);
    leave_journal(&history.place, geteuid());
    snprintf(victim, sizeof(victim), "%s/victim", history.place.scratch.path);
    scratch_write(&history.place.scratch, "victim", "of somebody else\n");
    name_victim(&history, victim);
    look(&history);
    cr_expect_not(history.differs);
    cr_expect_eq(access(victim, F_OK), 0);
    end(&history);
}

static bool is_root(void)
{
    if (geteuid() != 0)
        cr_skip("only root can be two users");
    return geteuid() == 0;
}

/* Somebody else's journal would be played with our rights. */
Test(census_hostile, somebody_elses_journal_is_not_played)
{
    struct history history;
    struct census_file *file;
    struct error err;

    if (!is_root())
        return;
    begin(&history);
    cr_assert_eq(chown(history.place.path, NOBODY, NOBODY), 0);
    cr_assert_eq(chown(history.place.scratch.path, NOBODY, NOBODY), 0);
    look(&history);
    cr_expect(!history.refused && !history.differs);
    leave_journal(&history.place, NOBODY);
    census_expect_refused(history.place.path, ERROR_INPUT, "its owner can");
    cr_assert_not(census_file_open_to_add(&file, history.place.path, &err));
    cr_expect(strstr(err.text, "its owner can"), "%s", err.text);
    census_expect_unsaved(history.place.path, ERROR_OUTPUT, "its owner can");
    cr_expect_eq(access(history.place.journal, F_OK), 0);
    end(&history);
}

/* As a writer leaves it who is killed before he changes anything. */
Test(census_hostile, an_empty_journal_hinders_nobody)
{
    struct history history;
    struct stat status;

    begin(&history);
    scratch_run(&history.place.scratch, "head -c 600 /dev/zero >test.census-journal");
    if (geteuid() == 0)
        cr_assert_eq(chown(history.place.journal, NOBODY, NOBODY), 0);
    look(&history);
    cr_expect(!history.refused && !history.differs);
    cr_assert_eq(unlink(history.place.journal), 0);
    scratch_run(&history.place.scratch, "mkfifo test.census-journal");
    look(&history);
    cr_expect_not(history.differs);
    cr_expect_eq(lstat(history.place.journal, &status), 0);
    end(&history);
}

/* Whoever reads waits for a writer, as long as he is not slow. */
Test(census_hostile, a_reader_waits_for_a_writer)
{
    struct history history;
    int ready[2], status;
    char byte;

    begin(&history);
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        sqlite3 *database = NULL;
        bool done = sqlite3_open(history.place.path, &database) == SQLITE_OK &&
                    sqlite3_exec(database, "BEGIN EXCLUSIVE", NULL, NULL, NULL) == SQLITE_OK &&
                    write(ready[1], "", 1) == 1;
        sqlite3_sleep(300);
        _exit(done && sqlite3_exec(database, "COMMIT", NULL, NULL, NULL) == SQLITE_OK ? 0 : 1);
    }
    close(ready[1]);
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    look(&history);
    cr_expect(!history.refused && !history.differs);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
    end(&history);
}

/* In a process of its own, as somebody who may read the file and no more. */
static void look_as_nobody(struct history *history, bool wanted)
{
    pid_t child = fork();
    int status;

    cr_assert_geq(child, 0);
    if (child == 0) {
        struct census_file *file;
        struct snapshot loaded;
        struct error err;
        if (setresuid(NOBODY, NOBODY, NOBODY) != 0)
            _exit(2);
        bool done = census_file_open(&file, history->place.path, &err) &&
                    census_file_load(file, 2, &loaded, &err);
        if (done && !made_snapshot_equal(&loaded, &history->snapshots[1], true))
            _exit(3);
        _exit(done);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, (int)wanted << 8, "status %x", status);
}

Test(census_hostile, a_reader_needs_no_right_to_write)
{
    struct history history;

    if (!is_root())
        return;
    begin(&history);
    cr_assert_eq(chmod(history.place.path, 0644), 0);
    cr_assert_eq(chmod(history.place.scratch.path, 0755), 0);
    look_as_nobody(&history, true);
    leave_journal(&history.place, geteuid());
    look_as_nobody(&history, false);
    look(&history);
    cr_expect(!history.refused && !history.differs);
    look_as_nobody(&history, true);
    end(&history);
}

Test(census_hostile, is_read_from_a_read_only_file_system)
{
    struct history history;
    struct census_file *file;
    struct error err;
    const char *directory;

    begin(&history);
    directory = history.place.scratch.path;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(directory, directory, NULL, MS_BIND, NULL) != 0) {
        end(&history);
        cr_skip("nothing can be mounted here");
        return;
    }
    leave_journal(&history.place, geteuid());
    cr_assert_eq(mount("none", directory, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
    look(&history);
    cr_expect(history.refused && !history.differs);
    cr_assert_eq(mount("none", directory, NULL, MS_REMOUNT | MS_BIND, NULL), 0);
    look(&history);
    cr_assert_eq(mount("none", directory, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
    look(&history);
    cr_expect(!history.refused && !history.differs);
    cr_assert_not(census_file_open_to_add(&file, history.place.path, &err));
    cr_expect_eq(err.kind, ERROR_OUTPUT, "%s", err.text);
    census_expect_unsaved(history.place.path, ERROR_OUTPUT, "read-only");
    cr_assert_eq(umount2(directory, MNT_DETACH), 0);
    end(&history);
}

/* No waiting for a writer, no device that is opened, no name that becomes something else. */
Test(census_hostile, other_files_are_refused)
{
    struct census_place place;
    char fifo[160];

    census_place_begin(&place);
    census_expect_refused(place.path, ERROR_INPUT, "No such file");
    census_expect_refused("", ERROR_INPUT, "No such file");
    census_expect_refused(":memory:", ERROR_INPUT, "No such file");
    census_expect_refused(place.scratch.path, ERROR_INPUT, "directory");
    census_expect_refused("/dev/null", ERROR_INPUT, "not a regular file");
    scratch_run(&place.scratch, "mkfifo fifo");
    snprintf(fifo, sizeof(fifo), "%s/fifo", place.scratch.path);
    census_expect_refused(fifo, ERROR_INPUT, "not a regular file");
    census_expect_unsaved(fifo, ERROR_OUTPUT, "not a regular file");
    census_expect_unsaved("/dev/full", ERROR_OUTPUT, "not a regular file");
    census_expect_unsaved("/dev/null", ERROR_OUTPUT, "not a regular file");
    census_expect_unsaved(place.scratch.path, ERROR_OUTPUT, "directory");
    census_expect_unsaved("/nowhere/at/all", ERROR_OUTPUT, "No such file");
    scratch_write(&place.scratch, "test.census", "");
    census_expect_refused(place.path, ERROR_INPUT, "it is empty");
    scratch_write(&place.scratch, "test.census", "just a text\n");
    census_expect_refused(place.path, ERROR_INPUT, "is no census file");
    census_expect_unsaved(place.path, ERROR_INPUT, "is no census file");
    scratch_run(&place.scratch, "test \"$(cat test.census)\" = 'just a text'");
    census_place_end(&place);
}
