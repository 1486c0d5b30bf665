// SPDX-License-Identifier: MIT
#include "inspector/analysis/foremost.h"

#include "symbols/base/text.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

/* Where the name of a type that is chosen lies in `names`. */
struct name {
    size_t at, length;
};

struct foremost {
    size_t most;
    struct name *chosen; /* of the last time */
    size_t chosen_count;
    struct text names, spare;
    size_t *numbers; /* of all rows, the foremost first; then of the chosen ones */
    size_t number_capacity;
    size_t *best; /* of each row: its best place in one of the orders */
    size_t best_capacity;
};

struct ordering {
    const struct growth_row *rows;
    const size_t *best;
};

struct foremost *foremost_new(size_t most)
{
    struct foremost *foremost = calloc(1, sizeof(*foremost));

    if (!foremost)
        return NULL;
    foremost->most = most;
    foremost->chosen = calloc(most, sizeof(*foremost->chosen));
    if (!foremost->chosen) {
        free(foremost);
        return NULL;
    }
    return foremost;
}

void foremost_free(struct foremost *foremost)
{
    if (!foremost)
        return;
    text_free(&foremost->names);
    text_free(&foremost->spare);
    free(foremost->chosen);
    free(foremost->numbers);
    free(foremost->best);
    free(foremost);
}

static int by_name(const struct growth_row *a, const struct growth_row *b)
{
    size_t shorter = a->type_length < b->type_length ? a->type_length : b->type_length;
    int order = memcmp(a->type, b->type, shorter);

    return order ? order : (a->type_length > b->type_length) - (a->type_length < b->type_length);
}

static int by_count(const void *a, const void *b, void *context)
{
    const struct growth_row *rows = ((const struct ordering *)context)->rows;
    const struct growth_row *left = &rows[*(const size_t *)a], *right = &rows[*(const size_t *)b];

    return left->count != right->count ? (left->count < right->count ? 1 : -1)
                                       : by_name(left, right);
}

static int by_bytes(const void *a, const void *b, void *context)
{
    const struct growth_row *rows = ((const struct ordering *)context)->rows;
    const struct growth_row *left = &rows[*(const size_t *)a], *right = &rows[*(const size_t *)b];

    return left->bytes != right->bytes ? (left->bytes < right->bytes ? 1 : -1)
                                       : by_name(left, right);
}

static int by_growth(const void *a, const void *b, void *context)
{
    const struct growth_row *rows = ((const struct ordering *)context)->rows;
    const struct growth_row *left = &rows[*(const size_t *)a], *right = &rows[*(const size_t *)b];

    return left->since_first != right->since_first
               ? (left->since_first < right->since_first ? 1 : -1)
               : by_name(left, right);
}

static int by_best(const void *a, const void *b, void *context)
{
    const struct ordering *ordering = context;
    size_t left = *(const size_t *)a, right = *(const size_t *)b;

    if (ordering->best[left] != ordering->best[right])
        return ordering->best[left] < ordering->best[right] ? -1 : 1;
    return by_count(a, b, context);
}

/* Puts all rows in order. */
static bool put_in_order(struct foremost *foremost, const struct growth_row *rows, size_t count,
                         struct error *err)
{
    static int (*const orders[])(const void *, const void *, void *) = {by_count, by_bytes,
                                                                        by_growth};
    size_t *numbers =
        vector_grow(foremost->numbers, &foremost->number_capacity, count + 1, sizeof(*numbers));
    if (!numbers)
        return error_memory(err);
    foremost->numbers = numbers;
    size_t *best = vector_grow(foremost->best, &foremost->best_capacity, count + 1, sizeof(*best));
    if (!best)
        return error_memory(err);
    foremost->best = best;

    struct ordering ordering = {rows, best};
    for (size_t i = 0; i < count; i++) {
        numbers[i] = i;
        best[i] = count;
    }
    for (size_t order = 0; order < sizeof(orders) / sizeof(orders[0]); order++) {
        qsort_r(numbers, count, sizeof(*numbers), orders[order], &ordering);
        for (size_t i = 0; i < count; i++) {
            if (orders[order] == by_growth && rows[numbers[i]].since_first <= 0)
                break;
            if (i < best[numbers[i]])
                best[numbers[i]] = i;
        }
    }
    qsort_r(numbers, count, sizeof(*numbers), by_best, &ordering);
    return true;
}

static bool was_chosen(const struct foremost *foremost, const struct growth_row *row)
{
    for (size_t i = 0; i < foremost->chosen_count; i++) {
        const struct name *name = &foremost->chosen[i];
        if (name->length == row->type_length &&
            (!name->length ||
             memcmp(foremost->names.bytes + name->at, row->type, name->length) == 0))
            return true;
    }
    return false;
}

/* Which of the first `count` rows are chosen: those that were before and those of the first half.
 * Of these there may be too many, or places may be left. */
static void mark(const struct foremost *foremost, const struct growth_row *rows, size_t count,
                 bool *chosen)
{
    size_t marked = 0;

    for (size_t i = 0; i < count; i++) {
        chosen[i] =
            i < (foremost->most + 1) / 2 || was_chosen(foremost, &rows[foremost->numbers[i]]);
        marked += chosen[i];
    }
    for (size_t i = count; i-- && marked > foremost->most;) {
        marked -= chosen[i];
        chosen[i] = false;
    }
    for (size_t i = 0; i < count && marked < foremost->most; i++) {
        marked += !chosen[i];
        chosen[i] = true;
    }
}

/* Moves the chosen rows to the front, and notes their names. */
static bool take(struct foremost *foremost, const struct growth_row *rows, size_t count,
                 const bool *chosen, struct error *err)
{
    size_t taken = 0;

    text_clear(&foremost->spare);
    for (size_t i = 0; i < count; i++) {
        if (chosen[i])
            foremost->numbers[taken++] = foremost->numbers[i];
    }
    for (size_t i = 0; i < taken; i++) {
        const struct growth_row *row = &rows[foremost->numbers[i]];
        text_add_bytes(&foremost->spare, row->type, row->type_length);
    }
    if (foremost->spare.failed)
        return error_memory(err);

    struct text names = foremost->spare;
    foremost->spare = foremost->names;
    foremost->names = names;
    for (size_t i = 0, at = 0; i < taken; i++) {
        size_t length = rows[foremost->numbers[i]].type_length;
        foremost->chosen[i] = (struct name){at, length};
        at += length;
    }
    foremost->chosen_count = taken;
    return true;
}

bool foremost_choose(struct foremost *foremost, const struct growth_row *rows, size_t count,
                     const size_t **ret, size_t *ret_count, struct error *err)
{
    size_t within = count / 2 < foremost->most ? count : 2 * foremost->most;

    if (!put_in_order(foremost, rows, count, err))
        return false;

    bool *chosen = calloc(within + 1, sizeof(*chosen));
    if (!chosen)
        return error_memory(err);
    mark(foremost, rows, within, chosen);
    bool done = take(foremost, rows, within, chosen, err);
    free(chosen);
    if (!done)
        return false;
    *ret = foremost->numbers;
    *ret_count = foremost->chosen_count;
    return true;
}
