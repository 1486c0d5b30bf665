// SPDX-License-Identifier: MIT
#include "inspector/store/traces_file.h"

#include "inspector/store/saved_file.h"
#include "inspector/store/traces_pickle.h"
#include "inspector/store/traces_rows.h"
#include "symbols/base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is written must be what can be read. */
static bool check_traces(const struct traces *traces, struct error *err)
{
    bool sound = true;

    for (size_t i = 0; i < traces->stack_count; i++) {
        const struct trace_stack *stack = &traces->stacks[i];
        size_t end;
        sound = sound && stack->frames > 0 &&
                !__builtin_add_overflow(stack->first, stack->frames, &end) &&
                end <= traces->frame_count;
    }
    for (size_t i = 0; i < traces->frame_count; i++)
        sound &= traces->frames[i].file < traces->file_count;
    for (size_t i = 0; i < traces->row_count; i++) {
        const struct trace_row *row = &traces->rows[i], *last = i ? row - 1 : NULL;
        sound &= row->count > 0 && row->stack < traces->stack_count;
        sound &=
            !last || last->domain < row->domain ||
            (last->domain == row->domain &&
             (last->stack < row->stack || (last->stack == row->stack && last->size < row->size)));
    }
    return sound ||
           error_set(err, ERROR_SYSTEM, "traces contradict themselves, and were not saved");
}

/* Opens what is there and makes sure that it is ours. */
static bool enter(struct database *database, const char *path, enum database_use use,
                  struct error *err)
{
    if (!database_open(database, &schema_traces, path, path, use, err))
        return false;
    bool done = database_begin(database, err) && schema_check(database, err);
    database_rollback(database);
    if (!done)
        database_close(database);
    return done;
}

/* What is there may be replaced. It is held, so that nobody writes it meanwhile, until it is
 * closed; *ret_is_new: there is nothing. */
static bool hold_old(struct database *database, const char *path, bool *ret_is_new,
                     struct error *err)
{
    bool is_new = saved_file_is_nothing(path);

    *database = (struct database){.handle = NULL};
    if (!is_new && !enter(database, path, DATABASE_ADD, err))
        return false;
    if (!is_new &&
        (!saved_file_check_place(database, err) || !database_begin_to_write(database, 0, err))) {
        database_close(database);
        return false;
    }
    *ret_is_new = is_new;
    return true;
}

static bool fill(void *context, struct database *database, struct error *err)
{
    const struct traces *const *traces = context;

    return traces_rows_write(database, *traces, err);
}

bool traces_file_save(const char *path, const struct traces *traces, struct error *err)
{
    struct replaced_file file;
    struct database old;
    bool is_new;

    if (!check_traces(traces, err) || !hold_old(&old, path, &is_new, err))
        return false;
    bool done =
        saved_file_make(&file, &schema_traces, path, traces_rows_work(traces), fill, &traces, err);
    if (done && is_new && !saved_file_remove_journal(&file, err)) {
        replaced_file_abandon(&file);
        done = false;
    }
    done = done && replaced_file_commit(&file, err);
    database_close(&old);
    return done;
}

bool traces_file_check_save(const char *path, struct error *err)
{
    struct replaced_file file;
    struct database old;
    bool is_new;

    if (!hold_old(&old, path, &is_new, err))
        return false;
    database_close(&old);
    if (!replaced_file_begin(&file, path, SAVED_FILE_MODE, err))
        return false;
    replaced_file_abandon(&file);
    return true;
}

static bool load_database(const char *path, struct traces *ret, struct error *err)
{
    struct database database;

    if (!enter(&database, path, DATABASE_READ, err))
        return false;
    bool done = database_begin(&database, err) && traces_rows_read(&database, ret, err);
    database_rollback(&database);
    database_close(&database);
    return done;
}

/* Reads until there is no more, or `size` bytes. */
static ssize_t read_bytes(int fd, char *bytes, size_t size)
{
    size_t length = 0;
    ssize_t count;

    do {
        count = pread(fd, bytes + length, size - length, (off_t)length);
        length += count > 0 ? (size_t)count : 0;
    } while ((count > 0 && length < size) || (count < 0 && errno == EINTR));
    return count < 0 ? -1 : (ssize_t)length;
}

static bool load_pickle(int fd, const char *path, struct traces *ret, struct error *err)
{
    AUTO_FREE char *bytes = NULL;
    struct stat status;

    if (fstat(fd, &status) != 0)
        return error_errno(err, ERROR_INPUT, "cannot read %s", path);
    bytes = malloc((size_t)status.st_size + 1);
    if (!bytes)
        return error_memory(err);
    ssize_t length = read_bytes(fd, bytes, (size_t)status.st_size);
    if (length < 0)
        return error_errno(err, ERROR_INPUT, "cannot read %s", path);
    return traces_pickle_read(bytes, (size_t)length, path, ret, err);
}

bool traces_file_load(const char *path, struct traces *ret, struct error *err)
{
    char resolved[PATH_MAX], beginning[SCHEMA_HEADER_SIZE];
    AUTO_CLOSE int fd = replaced_file_open_regular(path, resolved);

    if (fd < 0 && errno == EINVAL)
        return error_set(err, ERROR_INPUT, "cannot read %s: it is not a regular file", path);
    ssize_t length = fd < 0 ? -1 : read_bytes(fd, beginning, sizeof(beginning));
    if (length < 0)
        return error_errno(err, ERROR_INPUT, "cannot read the traces file %s", path);
    if (schema_is_database(beginning, (size_t)length))
        return load_database(path, ret, err);
    if (traces_pickle_is(beginning, (size_t)length))
        return load_pickle(fd, path, ret, err);
    return error_set(err, ERROR_INPUT, "%s holds no traces: it is %s", path,
                     length ? "neither a traces file nor a pickled tracemalloc.Snapshot" : "empty");
}
