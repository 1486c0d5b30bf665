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
    if (row->allocation)
        done = done && put_text(spool, row->allocation);
    if (row->referents)
        done = done && put(spool, row->referents, row->referent_count * sizeof(*row->referents));
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

/* Into the bytes of a text, which are aligned for anything. */
static bool get_referents(struct row_spool *spool, struct listed *row, struct text *room)
{
    size_t size = row->referent_count * sizeof(*row->referents);

    text_clear(room);
    for (size_t done = 0, piece; done < size; done += piece) {
        char buffer[4096];
        piece = size - done < sizeof(buffer) ? size - done : sizeof(buffer);
        if (fread(buffer, 1, piece, spool->file) != piece)
            return false;
        text_add_bytes(room, buffer, piece);
    }
    text_add_bytes(room, NULL, 0);
    row->referents = (const void *)room->bytes;
    return !room->failed;
}

/* What the pointers of a row point to. */
struct row_texts {
    struct text repr, referents, allocation, attributes[MOST_ATTRIBUTES];
};

static bool get_row(struct row_spool *spool, struct listed *row, struct row_texts *texts)
{
    bool done = fread(row, sizeof(*row), 1, spool->file) == 1;

    if (done && row->repr) {
        row->repr = &texts->repr;
        done = get_text(spool, &texts->repr);
    }
    for (size_t i = 0; done && row->attributes && i < spool->attributes; i++)
        done = get_text(spool, &texts->attributes[i]);
    if (done && row->attributes)
        row->attributes = texts->attributes;
    if (done && row->allocation) {
        row->allocation = &texts->allocation;
        done = get_text(spool, &texts->allocation);
    }
    if (done && row->referents)
        done = get_referents(spool, row, &texts->referents);
    return done;
}

bool row_spool_tell(struct row_spool *spool, listing_row *visit, void *context, struct error *err)
{
    struct row_texts texts = {.repr = {0}};
    struct listed row;
    bool done = true, more = true;

    rewind(spool->file);
    for (uint64_t i = 0; i < spool->count && done && more; i++) {
        done = get_row(spool, &row, &texts) || fail(err);
        more = done && visit(context, &row);
    }
    text_free(&texts.repr);
    text_free(&texts.referents);
    text_free(&texts.allocation);
    for (size_t i = 0; i < MOST_ATTRIBUTES; i++)
        text_free(&texts.attributes[i]);
    return done;
}
