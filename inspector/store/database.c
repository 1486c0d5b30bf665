// SPDX-License-Identifier: MIT
#include "inspector/store/database.h"

#include "inspector/store/schema.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/replaced_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATIENCE = 10000,         /* milliseconds, while another program writes */
    WORK_AT_A_TIME = 1000,    /* SQLite tells of it */
    WORK_AT_LEAST = 10000000, /* steps of its machine */
    WORK_A_BYTE = 4,          /* a row of a count takes 10 bytes and 20 steps */
    MOST_SQL = 8192,          /* bytes, of a statement and of the schema's */
    CACHE_KIB = 8192,
    GROWTH = 64 << 20,
};

/* Failures */

static enum error_kind kind_of(const struct database *database)
{
    return database->use == DATABASE_READ ? ERROR_INPUT : ERROR_OUTPUT;
}

static const char *verb_of(const struct database *database)
{
    return database->use == DATABASE_READ ? "read" : "write";
}

static const char *noun_of(const struct database *database)
{
    return database->schema->noun;
}

bool database_damaged(const struct database *database, const char *how, struct error *err)
{
    return error_set(err, ERROR_INPUT, "the %s %s is damaged: %s", noun_of(database),
                     database->name, how);
}

static bool fail_with_reason(struct database *database, struct error *err)
{
    int why = sqlite3_system_errno(database->handle);

    if (why == 0)
        return error_set(err, kind_of(database), "cannot %s the %s %s: %s", verb_of(database),
                         noun_of(database), database->name, sqlite3_errmsg(database->handle));
    errno = why;
    return error_errno(err, kind_of(database), "cannot %s the %s %s: %s", verb_of(database),
                       noun_of(database), database->name, sqlite3_errmsg(database->handle));
}

bool database_fail(struct database *database, struct error *err)
{
    int code = sqlite3_extended_errcode(database->handle);

    if (code == SQLITE_READONLY_ROLLBACK || (code & 0xff) == SQLITE_PERM)
        return error_set(err, kind_of(database),
                         "the %s %s was being written when its writer was ended, and its "
                         "journal (%s-journal) is not ours to put it right with: its owner can, "
                         "with any pyinspect command that reads it or adds to it",
                         noun_of(database), database->name, database->name);
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return error_memory(err);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
        return database_damaged(database, sqlite3_errmsg(database->handle), err);
    case SQLITE_INTERRUPT:
        return database_damaged(database, "it has more in it than its size allows", err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(err, kind_of(database),
                         "cannot %s the %s %s: another program was writing it for all of "
                         "%d seconds",
                         verb_of(database), noun_of(database), database->name, PATIENCE / 1000);
    case SQLITE_FULL:
        return error_set(err, kind_of(database),
                         "cannot write the %s %s: no space left on the device", noun_of(database),
                         database->name);
    default:
        return fail_with_reason(database, err);
    }
}

/* Opening */

static bool is_ours(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid();
}

/* A journal that SQLite may open: ours, to play it; or somebody else's, to see whether there is
 * anything in it, which is no reason to wait for a FIFO. */
static bool may_open_journal(const char *path, int flags)
{
    struct stat status;

    if (lstat(path, &status) != 0)
        return true;
    return S_ISREG(status.st_mode) &&
           ((flags & SQLITE_OPEN_READONLY) || status.st_uid == geteuid());
}

/* The files that SQLite may open. A journal of several databases, whose name is in a journal, is
 * none of them: SQLite would delete it. */
static int open_file(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out)
{
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);

    (void)vfs;
    file->pMethods = NULL;
    if (flags & (SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL))
        return SQLITE_CANTOPEN;
    if ((flags & SQLITE_OPEN_MAIN_JOURNAL) && !may_open_journal(path, flags))
        return SQLITE_PERM;
    return system->xOpen(system, path, file, flags, out);
}

static bool add_vfs(struct database *database, struct error *err)
{
    const sqlite3_vfs *system = sqlite3_vfs_find(NULL);

    if (!system)
        return error_set(err, ERROR_SYSTEM, "SQLite cannot open any file");
    snprintf(database->vfs_name, sizeof(database->vfs_name), "pyinspect-%p", (void *)database);
    database->vfs = *system;
    database->vfs.pNext = NULL;
    database->vfs.zName = database->vfs_name;
    database->vfs.xOpen = open_file;
    return sqlite3_vfs_register(&database->vfs, 0) == SQLITE_OK || error_memory(err);
}

static bool read_header(struct database *database, const char *path, uint64_t *ret_size,
                        struct error *err)
{
    unsigned char header[SCHEMA_HEADER_SIZE];
    struct stat status;
    AUTO_CLOSE int fd = replaced_file_open_regular(path, database->path);

    if (fd < 0 && errno == EINVAL)
        return error_set(err, kind_of(database), "cannot %s %s: it is not a regular file",
                         verb_of(database), database->name);
    ssize_t length = fd < 0 || fstat(fd, &status) != 0 ? -1 : pread(fd, header, sizeof(header), 0);
    if (length < 0)
        return error_errno(err, kind_of(database), "cannot %s the %s %s", verb_of(database),
                           noun_of(database), database->name);
    database->device = status.st_dev;
    database->inode = status.st_ino;
    *ret_size = (uint64_t)status.st_size;
    if (database->use == DATABASE_BUILD)
        return true;
    return schema_check_header(database->schema, header, (size_t)length, database->name,
                               database->use != DATABASE_READ, err);
}

/* Non-zero: SQLite is to stop. */
static int spend(void *context)
{
    struct database *database = context;

    if (database->work < WORK_AT_A_TIME)
        return 1;
    database->work -= WORK_AT_A_TIME;
    return 0;
}

static void restrain(struct database *database, uint64_t size)
{
    static const struct {
        int what, limit;
    } limits[] = {{SQLITE_LIMIT_SQL_LENGTH, MOST_SQL}, {SQLITE_LIMIT_COLUMN, 64},
                  {SQLITE_LIMIT_EXPR_DEPTH, 64},       {SQLITE_LIMIT_COMPOUND_SELECT, 4},
                  {SQLITE_LIMIT_ATTACHED, 0},          {SQLITE_LIMIT_TRIGGER_DEPTH, 0},
                  {SQLITE_LIMIT_WORKER_THREADS, 0}};
    static const struct {
        int what, value;
    } settings[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 0},    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0}};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        sqlite3_limit(database->handle, limits[i].what, limits[i].limit);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        sqlite3_db_config(database->handle, settings[i].what, settings[i].value, NULL);
    /* No text or blob is longer than the file that it is in, which may grow meanwhile. */
    if (database->use == DATABASE_READ && size < INT_MAX - GROWTH)
        sqlite3_limit(database->handle, SQLITE_LIMIT_LENGTH, (int)size + GROWTH);
    sqlite3_busy_timeout(database->handle, PATIENCE);
    sqlite3_progress_handler(database->handle, WORK_AT_A_TIME, spend, database);
}

static bool set_up(struct database *database, struct error *err)
{
    static const char *const pragmas[] = {
        [DATABASE_READ] = "PRAGMA query_only = 1",
        [DATABASE_ADD] = "PRAGMA synchronous = FULL",
        [DATABASE_BUILD] = "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF",
    };
    char sql[128];

    snprintf(sql, sizeof(sql),
             "PRAGMA cell_size_check = 1; PRAGMA mmap_size = 0; PRAGMA cache_size = -%d",
             CACHE_KIB);
    return database_run(database, sql, err) && database_run(database, pragmas[database->use], err);
}

static bool open_handle(struct database *database, uint64_t size, bool writable, struct error *err)
{
    int flags = writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;

    int code = sqlite3_open_v2(database->path, &database->handle,
                               flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                                   SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW,
                               database->vfs_name);
    if (!database->handle)
        return error_memory(err);
    if (code != SQLITE_OK)
        return database_fail(database, err);
    restrain(database, size);
    return true;
}

/* Where a killed writer left a journal, only who may write can read what was there before. */
static bool must_roll_back(struct database *database)
{
    char journal[PATH_MAX + 16];

    snprintf(journal, sizeof(journal), "%s-journal", database->path);
    return sqlite3_exec(database->handle, "PRAGMA schema_version", NULL, NULL, NULL) ==
               SQLITE_READONLY_ROLLBACK &&
           is_ours(database->path) && is_ours(journal);
}

bool database_open(struct database *database, const struct schema *schema, const char *path,
                   const char *name, enum database_use use, struct error *err)
{
    uint64_t size = 0;

    *database =
        (struct database){.schema = schema, .use = use, .name = name, .work = WORK_AT_LEAST};
    if (!read_header(database, path, &size, err) || !add_vfs(database, err))
        return false;
    bool done = open_handle(database, size, use != DATABASE_READ, err);
    if (done && use == DATABASE_READ && must_roll_back(database)) {
        sqlite3_close(database->handle);
        done = open_handle(database, size, true, err);
    }
    done = done && set_up(database, err);
    if (!done)
        database_close(database);
    return done;
}

void database_close(struct database *database)
{
    sqlite3_close(database->handle);
    if (database->vfs.zName)
        sqlite3_vfs_unregister(&database->vfs);
    *database = (struct database){.handle = NULL};
}

bool database_is_moved(const struct database *database)
{
    struct stat status;

    return stat(database->path, &status) != 0 || status.st_dev != database->device ||
           status.st_ino != database->inode;
}

/* Statements */

bool database_run(struct database *database, const char *sql, struct error *err)
{
    return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK ||
           database_fail(database, err);
}

bool database_prepare(struct database *database, sqlite3_stmt **ret, const char *sql,
                      struct error *err)
{
    return sqlite3_prepare_v2(database->handle, sql, -1, ret, NULL) == SQLITE_OK ||
           database_fail(database, err);
}

bool database_step(struct database *database, sqlite3_stmt *statement, bool *ret_row,
                   struct error *err)
{
    int code = sqlite3_step(statement);

    *ret_row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE || database_fail(database, err);
}

bool database_do(struct database *database, sqlite3_stmt *statement, struct error *err)
{
    bool row = true;

    while (row)
        if (!database_step(database, statement, &row, err))
            return false;
    sqlite3_reset(statement);
    return true;
}

bool database_number(struct database *database, const char *sql, int64_t *ret, struct error *err)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    bool row;

    if (!database_prepare(database, &statement, sql, err) ||
        !database_step(database, statement, &row, err))
        return false;
    if (!row || sqlite3_column_type(statement, 0) != SQLITE_INTEGER)
        return database_damaged(database, "a number is missing", err);
    *ret = sqlite3_column_int64(statement, 0);
    return true;
}

uint64_t database_size(const struct database *database)
{
    struct stat status;

    return stat(database->path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static void allow_work(struct database *database, uint64_t more)
{
    if (__builtin_mul_overflow(database_size(database), WORK_A_BYTE, &database->work) ||
        __builtin_add_overflow(database->work, WORK_AT_LEAST, &database->work) ||
        __builtin_add_overflow(database->work, more, &database->work))
        database->work = UINT64_MAX;
}

bool database_begin(struct database *database, struct error *err)
{
    allow_work(database, 0);
    return database_run(database, "BEGIN", err);
}

bool database_begin_to_write(struct database *database, uint64_t more, struct error *err)
{
    allow_work(database, more);
    return database_run(database, "BEGIN IMMEDIATE", err);
}

bool database_commit(struct database *database, struct error *err)
{
    return database_run(database, "COMMIT", err);
}

void database_rollback(struct database *database)
{
    if (!database->handle || sqlite3_get_autocommit(database->handle))
        return;
    database->work = UINT64_MAX;
    sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
}
