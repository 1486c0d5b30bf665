// SPDX-License-Identifier: MIT
#include "inspector/command/watch_file.h"

#include "inspector/command/watch_crew.h"
#include "inspector/report/render.h"

#include <unistd.h>

static void note(struct watch_file *file, const struct census_file *opened)
{
    file->id = census_file_id(opened);
    file->count = census_file_count(opened);
}

bool watch_file_open(struct watch_file *file, struct error *err)
{
    struct census_file *opened;

    if (!file->path)
        return true;
    file->was_made = access(file->path, F_OK) != 0;
    if (!census_file_open_to_add(&opened, file->path, err))
        return false;
    note(file, opened);
    census_file_close(opened);
    return true;
}

void watch_file_discard(const struct watch_file *file)
{
    if (file->was_made && !file->count)
        unlink(file->path);
}

/* The number of a file that is no more may be given to the next one. */
static bool is_another(const struct watch_file *file, const struct census_file *opened)
{
    struct census_file_id id = census_file_id(opened);

    return id.device != file->id.device || id.inode != file->id.inode ||
           census_file_count(opened) < file->count;
}

static void tell_overflow(struct watch_file *file, struct text *events)
{
    char size[32];

    if (file->is_known_to_overflow)
        return;
    watch_event(events,
                "%s has no addresses left to drop, and its counts alone are more than --max-file "
                "%s: it goes on growing",
                file->path, format_bytes(size, file->most_bytes));
    file->is_known_to_overflow = true;
}

bool watch_file_add(struct watch_file *file, const struct snapshot *snapshot, struct text *events,
                    struct error *err)
{
    struct census_bound bound;
    struct census_file *opened;

    if (!file->path)
        return true;
    if (!census_file_open_to_add(&opened, file->path, err))
        return false;
    if (is_another(file, opened)) {
        watch_event(events,
                    "%s was deleted or replaced: what was saved in it before is not in the one "
                    "that is there now",
                    file->path);
        file->is_known_to_overflow = false;
    }
    bool done = census_file_add(opened, snapshot, file->most_bytes, &bound, err);
    if (done && bound.is_exceeded)
        tell_overflow(file, events);
    note(file, opened);
    census_file_close(opened);
    return done;
}
