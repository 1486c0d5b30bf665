// SPDX-License-Identifier: MIT
#include "inspector/store/saved_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool saved_file_is_nothing(const char *path)
{
    struct stat status;

    return stat(path, &status) != 0 ? errno == ENOENT
                                    : S_ISREG(status.st_mode) && status.st_size == 0;
}

bool saved_file_check_place(const struct database *database, struct error *err)
{
    const char *path = database->path, *noun = database->schema->noun;
    char directory[PATH_MAX];

    snprintf(directory, sizeof(directory), "%.*s", (int)(strrchr(path, '/') - path + 1), path);
    if (sqlite3_db_readonly(database->handle, "main") == 1)
        return error_set(err, ERROR_OUTPUT, "cannot write the %s %s: it is read-only for us", noun,
                         database->name);
    return access(directory, W_OK | X_OK) == 0 ||
           error_errno(err, ERROR_OUTPUT, "cannot write in the directory of the %s %s", noun,
                       database->name);
}

static bool build(const char *path, const struct schema *schema, const char *name, uint64_t work,
                  saved_file_fill *fill, void *context, struct error *err)
{
    struct database database;

    if (!database_open(&database, schema, path, name, DATABASE_BUILD, err))
        return false;
    bool done = schema_create(&database, err) && database_begin_to_write(&database, work, err) &&
                fill(context, &database, err) && database_commit(&database, err);
    database_close(&database);
    return done;
}

bool saved_file_make(struct replaced_file *file, const struct schema *schema, const char *path,
                     uint64_t work, saved_file_fill *fill, void *context, struct error *err)
{
    if (!replaced_file_begin(file, path, SAVED_FILE_MODE, err))
        return false;
    bool done = fchmod(file->fd, SAVED_FILE_MODE) == 0 ||
                error_errno(err, ERROR_OUTPUT, "cannot write the %s %s", schema->noun, path);
    done = done && build(file->temporary, schema, path, work, fill, context, err);
    if (!done)
        replaced_file_abandon(file);
    return done;
}

bool saved_file_remove_journal(const struct replaced_file *file, struct error *err)
{
    char journal[PATH_MAX + 16];
    struct stat status;

    snprintf(journal, sizeof(journal), "%s-journal", file->path);
    if (lstat(journal, &status) != 0)
        return true;
    return unlink(journal) == 0 || error_errno(err, ERROR_OUTPUT, "cannot remove %s", journal);
}
