// SPDX-License-Identifier: MIT
/* traces_pickle.h, as far as it reads. */
#include "inspector/store/pickle_machine.h"
#include "inspector/store/traces_pickle.h"

#include "symbols/base/text.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

bool pickle_refuse(const struct reading *reading, const char *what, struct error *err)
{
    return error_set(err, ERROR_INPUT,
                     "%s is no tracemalloc.Snapshot, or a damaged one: %s at byte %zu",
                     reading->name, what, reading->operation);
}

/* The stack */

bool pickle_push(struct reading *reading, enum thing kind, uint64_t number, struct error *err)
{
    struct value *values = vector_grow(reading->values, &reading->value_room,
                                       reading->value_count + 1, sizeof(*values));

    if (!values)
        return error_memory(err);
    reading->values = values;
    values[reading->value_count++] = (struct value){kind, number};
    return true;
}

/* The values above the last mark. */
static size_t above_mark(const struct reading *reading)
{
    size_t mark = reading->mark_count ? reading->marks[reading->mark_count - 1] : 0;

    return reading->value_count - mark;
}

struct value *pickle_top(const struct reading *reading, size_t count)
{
    if (!reading->values || above_mark(reading) < count)
        return NULL;
    return reading->values + (reading->value_count - count);
}

static bool take_mark(struct reading *reading, size_t *ret_count, struct error *err)
{
    if (!reading->mark_count)
        return pickle_refuse(reading, "an end without its beginning", err);
    *ret_count = above_mark(reading);
    reading->mark_count--;
    return true;
}

bool pickle_is_missing(const struct reading *reading, struct error *err)
{
    return pickle_refuse(reading, "an operation without what it is done to", err);
}

/* Bytes of the file */

static bool take(struct reading *reading, size_t count, const unsigned char **ret,
                 struct error *err)
{
    if (count > reading->length - reading->at)
        return pickle_refuse(reading, "the file ends within what begins", err);
    *ret = reading->bytes + reading->at;
    reading->at += count;
    return true;
}

/* 8 bytes at most, lowest first. */
static bool take_number(struct reading *reading, size_t count, uint64_t *ret, struct error *err)
{
    const unsigned char *bytes = NULL;
    uint64_t number = 0;

    if (!take(reading, count, &bytes, err))
        return false;
    for (size_t i = 0; i < count; i++)
        number |= (uint64_t)bytes[i] << 8 * i;
    *ret = number;
    return true;
}

/* Numbers and texts */

static bool push_number(struct reading *reading, size_t bytes, struct error *err)
{
    uint64_t number = 0;

    return take_number(reading, bytes, &number, err) && pickle_push(reading, NUMBER, number, err);
}

static bool do_byte(struct reading *reading, struct error *err)
{
    return push_number(reading, 1, err);
}

static bool do_short(struct reading *reading, struct error *err)
{
    return push_number(reading, 2, err);
}

static bool do_int(struct reading *reading, struct error *err)
{
    uint64_t number = 0;

    if (!take_number(reading, 4, &number, err))
        return false;
    if (number > INT32_MAX)
        return pickle_refuse(reading, "a negative number", err);
    return pickle_push(reading, NUMBER, number, err);
}

static bool do_long(struct reading *reading, struct error *err)
{
    const unsigned char *bytes = NULL;
    uint64_t count = 0, number = 0;

    if (!take_number(reading, 1, &count, err) || !take(reading, (size_t)count, &bytes, err))
        return false;
    if (count && bytes[count - 1] & 0x80)
        return pickle_refuse(reading, "a negative number", err);
    for (size_t i = 0; i < count; i++) {
        if (i >= 8 && bytes[i])
            return pickle_refuse(reading, "a number of more than 64 bits", err);
        number |= i < 8 ? (uint64_t)bytes[i] << 8 * i : 0;
    }
    return pickle_push(reading, NUMBER, number, err);
}

static bool is_text(const char *bytes, size_t length)
{
    int32_t code = 0;

    for (size_t at = 0; at < length && code >= 0;)
        at += text_decode(bytes + at, length - at, &code);
    return code >= 0;
}

static bool push_text(struct reading *reading, size_t length_bytes, struct error *err)
{
    const unsigned char *bytes = NULL;
    uint64_t length = 0;

    if (!take_number(reading, length_bytes, &length, err) ||
        !take(reading, (size_t)length, &bytes, err))
        return false;
    if (!is_text((const char *)bytes, (size_t)length))
        return pickle_refuse(reading, "a string that is not UTF-8", err);
    struct known_text *texts =
        vector_grow(reading->texts, &reading->text_room, reading->text_count + 1, sizeof(*texts));
    if (!texts)
        return error_memory(err);
    reading->texts = texts;
    texts[reading->text_count] =
        (struct known_text){.at = (size_t)(bytes - reading->bytes), .length = (size_t)length};
    return pickle_push(reading, TEXT, reading->text_count++, err);
}

static bool do_short_text(struct reading *reading, struct error *err)
{
    return push_text(reading, 1, err);
}

static bool do_text(struct reading *reading, struct error *err)
{
    return push_text(reading, 4, err);
}

static bool do_long_text(struct reading *reading, struct error *err)
{
    return push_text(reading, 8, err);
}

/* The memo */

static bool remember(struct reading *reading, uint64_t slot, struct error *err)
{
    const struct value *value = pickle_top(reading, 1);

    if (!value)
        return pickle_is_missing(reading, err);
    /* A pickler's slots have no gaps, so a file has more bytes than slots. */
    if (slot >= reading->length)
        return pickle_refuse(reading, "a memo of more than the file can hold", err);
    struct value *memo =
        vector_grow(reading->memo, &reading->memo_room, (size_t)slot + 1, sizeof(*memo));
    if (!memo)
        return error_memory(err);
    reading->memo = memo;
    for (; reading->memo_size <= slot; reading->memo_size++)
        memo[reading->memo_size] = (struct value){.kind = NOT_THERE};
    reading->memo_used += memo[slot].kind == NOT_THERE;
    memo[slot] = *value;
    return true;
}

static bool do_put(struct reading *reading, struct error *err)
{
    uint64_t slot = 0;

    return take_number(reading, 1, &slot, err) && remember(reading, slot, err);
}

static bool do_long_put(struct reading *reading, struct error *err)
{
    uint64_t slot = 0;

    return take_number(reading, 4, &slot, err) && remember(reading, slot, err);
}

static bool do_memoize(struct reading *reading, struct error *err)
{
    return remember(reading, reading->memo_used, err);
}

static bool recall(struct reading *reading, size_t slot_bytes, struct error *err)
{
    uint64_t slot = 0;

    if (!take_number(reading, slot_bytes, &slot, err))
        return false;
    if (slot >= reading->memo_size || reading->memo[slot].kind == NOT_THERE)
        return pickle_refuse(reading, "something that was never kept", err);
    return pickle_push(reading, reading->memo[slot].kind, reading->memo[slot].number, err);
}

static bool do_get(struct reading *reading, struct error *err)
{
    return recall(reading, 1, err);
}

static bool do_long_get(struct reading *reading, struct error *err)
{
    return recall(reading, 4, err);
}

/* Things */

static bool do_append(struct reading *reading, struct error *err)
{
    return pickle_append(reading, 1, err);
}

static bool do_appends(struct reading *reading, struct error *err)
{
    size_t count = 0;

    return take_mark(reading, &count, err) && pickle_append(reading, count, err);
}

static bool do_empty_tuple(struct reading *reading, struct error *err)
{
    return pickle_tuple(reading, 0, err);
}

static bool do_tuple_1(struct reading *reading, struct error *err)
{
    return pickle_tuple(reading, 1, err);
}

static bool do_tuple_2(struct reading *reading, struct error *err)
{
    return pickle_tuple(reading, 2, err);
}

static bool do_tuple_3(struct reading *reading, struct error *err)
{
    return pickle_tuple(reading, 3, err);
}

static bool do_tuple(struct reading *reading, struct error *err)
{
    size_t count = 0;

    return take_mark(reading, &count, err) && pickle_tuple(reading, count, err);
}

static bool take_line(struct reading *reading, const char **ret, size_t *ret_length,
                      struct error *err)
{
    const unsigned char *begin = reading->bytes + reading->at;
    const unsigned char *end = memchr(begin, '\n', reading->length - reading->at);

    if (!end)
        return pickle_refuse(reading, "the file ends within what begins", err);
    *ret = (const char *)begin;
    *ret_length = (size_t)(end - begin);
    reading->at += *ret_length + 1;
    return true;
}

static bool do_global(struct reading *reading, struct error *err)
{
    const char *module = NULL, *name = NULL;
    size_t module_length = 0, name_length = 0;

    return take_line(reading, &module, &module_length, err) &&
           take_line(reading, &name, &name_length, err) &&
           pickle_global(reading, module, module_length, name, name_length, err);
}

static bool do_set_item(struct reading *reading, struct error *err)
{
    return pickle_set_items(reading, 2, err);
}

static bool do_set_items(struct reading *reading, struct error *err)
{
    size_t count = 0;

    return take_mark(reading, &count, err) && pickle_set_items(reading, count, err);
}

/* The rest */

static bool do_mark(struct reading *reading, struct error *err)
{
    size_t *marks =
        vector_grow(reading->marks, &reading->mark_room, reading->mark_count + 1, sizeof(*marks));

    if (!marks)
        return error_memory(err);
    reading->marks = marks;
    marks[reading->mark_count++] = reading->value_count;
    return true;
}

static bool do_duplicate(struct reading *reading, struct error *err)
{
    const struct value *value = pickle_top(reading, 1);

    return value ? pickle_push(reading, value->kind, value->number, err)
                 : pickle_is_missing(reading, err);
}

static bool do_protocol(struct reading *reading, struct error *err)
{
    uint64_t version = 0;

    if (!take_number(reading, 1, &version, err))
        return false;
    return (version >= 2 && version <= 5) ||
           pickle_refuse(reading, "a pickle of a protocol that is not known here", err);
}

/* A frame says how much can be read at a time, and changes nothing. */
static bool do_frame(struct reading *reading, struct error *err)
{
    uint64_t length = 0;

    if (!take_number(reading, 8, &length, err))
        return false;
    return length <= reading->length - reading->at ||
           pickle_refuse(reading, "the file ends within what begins", err);
}

static bool do_stop(struct reading *reading, struct error *err)
{
    const struct value *value = pickle_top(reading, 1);

    if (!value || reading->value_count != 1 || reading->mark_count || value->kind != SNAPSHOT ||
        !reading->snapshot_is_built || !reading->traces_are_built)
        return pickle_refuse(reading, "an end without a whole Snapshot", err);
    if (reading->at != reading->length)
        return pickle_refuse(reading, "more after the end", err);
    reading->is_done = true;
    return true;
}

typedef bool operation(struct reading *reading, struct error *err);

static operation *const operations[256] = {
    ['('] = do_mark,
    [')'] = do_empty_tuple,
    ['.'] = do_stop,
    ['2'] = do_duplicate,
    ['J'] = do_int,
    ['K'] = do_byte,
    ['M'] = do_short,
    ['R'] = pickle_call,
    ['X'] = do_text,
    [']'] = pickle_list,
    ['a'] = do_append,
    ['b'] = pickle_build,
    ['c'] = do_global,
    ['e'] = do_appends,
    ['h'] = do_get,
    ['j'] = do_long_get,
    ['q'] = do_put,
    ['r'] = do_long_put,
    ['s'] = do_set_item,
    ['t'] = do_tuple,
    ['u'] = do_set_items,
    ['}'] = pickle_dict,
    [0x80] = do_protocol,
    [0x81] = pickle_new,
    [0x85] = do_tuple_1,
    [0x86] = do_tuple_2,
    [0x87] = do_tuple_3,
    [0x8a] = do_long,
    [0x8c] = do_short_text,
    [0x8d] = do_long_text,
    [0x93] = pickle_stack_global,
    [0x94] = do_memoize,
    [0x95] = do_frame,
};

static bool run(struct reading *reading, struct error *err)
{
    while (!reading->is_done) {
        reading->operation = reading->at;
        if (reading->at == reading->length)
            return pickle_refuse(reading, "the file ends", err);
        operation *perform = operations[reading->bytes[reading->at++]];
        if (!perform)
            return pickle_refuse(reading, "an operation that no Snapshot needs", err);
        if (!perform(reading, err))
            return false;
    }
    return true;
}

bool traces_pickle_is(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;

    return length >= 2 && at[0] == 0x80 && at[1] >= 2 && at[1] < 0x20;
}

static void release(struct reading *reading)
{
    traces_builder_free(reading->builder);
    free(reading->values);
    free(reading->memo);
    free(reading->marks);
    free(reading->texts);
    free(reading->stacks);
    free(reading->traces);
    free(reading->frames);
}

bool traces_pickle_read(const void *bytes, size_t length, const char *name, struct traces *ret,
                        struct error *err)
{
    struct reading reading = {.bytes = bytes,
                              .length = length,
                              .name = name,
                              .builder = traces_builder_new(),
                              .frames_left = length};
    struct traces traces = {.file_count = 0};

    bool done = (reading.builder || error_memory(err)) && run(&reading, err);
    if (done) {
        struct traces_builder *builder = reading.builder;
        reading.builder = NULL;
        done = traces_builder_finish(builder, &traces, err);
    }
    release(&reading);
    if (!done)
        return false;
    traces.traceback_limit = reading.traceback_limit;
    *ret = traces;
    return true;
}
