// SPDX-License-Identifier: MIT
#include "inspector/command/row_spool.h"

#include <stdlib.h>

static bool fail(struct error *err)
{
    return error_errno(err, ERROR_SYSTEM,
                       "the memory for a whole copy is not there, and rows cannot be kept in a "
                       "temporary file (in $TMPDIR or /tmp) instead");
}

bool row_spool_begin(struct row_spool *spool, size_t attributes, struct error *err)
{
    row_spool_end(spool);
    spool->attributes = attributes;
    spool->file = tmpfile();
    return spool->file || fail(err);
}

static bool put(struct row_spool *spool, const void *bytes, size_t length)
{
    return !length || fwrite(bytes, 1, length, spool->file) == length;
}

static bool put_text(struct row_spool *spool, const struct text *text)
{
    return put(spool, &text->length, sizeof(text->length)) && put(spool, text->bytes, text->length);
}

/* The row as it is in our memory, since no other program ever reads it; its pointers to texts tell
 * no more than whether there are any. */
bool row_spool_add(void *context, const struct listed *row)
{
    struct row_spool *spool = context;
    bool done = put(spool, row, sizeof(*row));

    if (row->repr)
        done = done && put_text(spool, row->repr);
    for (size_t i = 0; done && row->attributes && i < spool->attributes; i++)
        done = put_text(spool, &row->attributes[i]);
    spool->failed |= !done;
    spool->count += done;
    return done;
}

bool row_spool_check(const struct row_spool *spool, struct error *err)
{
    return (!spool->failed && fflush(spool->file) == 0) || fail(err);
}

void row_spool_end(struct row_spool *spool)
{
    if (spool->file)
        fclose(spool->file);
    *spool = (struct row_spool){0};
}

static bool get_text(struct row_spool *spool, struct text *text)
{
    char buffer[4096];
    size_t length;

    text_clear(text);
    if (fread(&length, sizeof(length), 1, spool->file) != 1)
        return false;
    while (length) {
        size_t piece = length < sizeof(buffer) ? length : sizeof(buffer);
        if (fread(buffer, 1, piece, spool->file) != piece)
            return false;
        text_add_bytes(text, buffer, piece);
        length -= piece;
    }
    return !text->failed;
}

static bool get_row(struct row_spool *spool, struct listed *row, struct text *repr,
                    struct text *attributes)
{
    bool done = fread(row, sizeof(*row), 1, spool->file) == 1;

    if (done && row->repr) {
        row->repr = repr;
        done = get_text(spool, repr);
    }
    for (size_t i = 0; done && row->attributes && i < spool->attributes; i++)
        done = get_text(spool, &attributes[i]);
    if (done && row->attributes)
        row->attributes = attributes;
    return done;
}

bool row_spool_tell(struct row_spool *spool, listing_row *visit, void *context, struct error *err)
{
    struct text repr = {0}, attributes[MOST_ATTRIBUTES] = {{0}};
    struct listed row;
    bool done = true, more = true;

    rewind(spool->file);
    for (uint64_t i = 0; i < spool->count && done && more; i++) {
        done = get_row(spool, &row, &repr, attributes) || fail(err);
        more = done && visit(context, &row);
    }
    text_free(&repr);
    for (size_t i = 0; i < MOST_ATTRIBUTES; i++)
        text_free(&attributes[i]);
    return done;
}
