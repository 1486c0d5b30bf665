// SPDX-License-Identifier: MIT
#include "inspector/store/pickle_machine.h"

#include "symbols/base/vector.h"

#include <string.h>

/* Lists and tuples */

static bool list_add(struct reading *reading, const struct value *values, size_t count,
                     struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].kind != TRACE)
            return pickle_refuse(reading, "a list of something else than traces", err);
        const struct known_trace *trace = &reading->traces[values[i].number];
        if (!traces_builder_add(reading->builder, trace->domain, trace->stack, trace->size, 1, err))
            return false;
    }
    return true;
}

bool pickle_list(struct reading *reading, struct error *err)
{
    if (reading->has_list)
        return pickle_refuse(reading, "a second list", err);
    reading->has_list = true;
    return pickle_push(reading, LIST, 0, err);
}

bool pickle_append(struct reading *reading, size_t count, struct error *err)
{
    const struct value *values = pickle_top(reading, count + 1);

    if (!values || values->kind != LIST)
        return pickle_is_missing(reading, err);
    reading->value_count -= count;
    return list_add(reading, values + 1, count, err);
}

static bool frame_of(struct reading *reading, const struct value *values, uint64_t *ret,
                     struct error *err)
{
    struct known_text *text = &reading->texts[values[0].number];

    if (!text->file) {
        uint32_t file;
        if (!traces_builder_file(reading->builder, (const char *)reading->bytes + text->at,
                                 text->length, &file, err))
            return false;
        text->file = file + 1;
    }
    *ret = (uint64_t)(text->file - 1) << 32 | values[1].number;
    return true;
}

static bool keep_stack(struct reading *reading, const struct value *values, size_t count,
                       uint64_t *ret, struct error *err)
{
    struct trace_frame *frames = vector_grow(reading->frames, &reading->frame_room,
                                             reading->frame_count + count, sizeof(*frames));

    if (frames)
        reading->frames = frames;
    struct known_stack *stacks = vector_grow(reading->stacks, &reading->stack_room,
                                             reading->stack_count + 1, sizeof(*stacks));
    if (stacks)
        reading->stacks = stacks;
    if (!frames || !stacks)
        return error_memory(err);
    if (count > UINT32_MAX)
        return pickle_refuse(reading, "a traceback that is too long", err);
    stacks[reading->stack_count] =
        (struct known_stack){.first = reading->frame_count, .count = (uint32_t)count};
    for (size_t i = 0; i < count; i++)
        frames[reading->frame_count++] =
            (struct trace_frame){(uint32_t)(values[i].number >> 32), (uint32_t)values[i].number};
    *ret = reading->stack_count++;
    return true;
}

/* What the builder calls a stack. It is told each once: a Python has one total for each. */
static bool number_stack(struct reading *reading, struct known_stack *stack, uint32_t all_frames,
                         struct error *err)
{
    uint32_t number;

    if (stack->number && stack->all_frames == all_frames)
        return true;
    if (stack->count > reading->frames_left)
        return pickle_refuse(reading, "more tracebacks than the file can hold", err);
    reading->frames_left -= stack->count;
    if (!traces_builder_stack(reading->builder, &reading->frames[stack->first], stack->count,
                              all_frames, &number, err))
        return false;
    stack->number = number + 1;
    stack->all_frames = all_frames;
    return true;
}

static bool keep_trace(struct reading *reading, const struct value *values, size_t count,
                       uint64_t *ret, struct error *err)
{
    struct known_stack *stack = &reading->stacks[values[2].number];
    struct known_trace *traces = vector_grow(reading->traces, &reading->trace_room,
                                             reading->trace_count + 1, sizeof(*traces));

    if (!traces)
        return error_memory(err);
    reading->traces = traces;
    if (!number_stack(reading, stack, count > 3 ? (uint32_t)values[3].number : 0, err))
        return false;
    traces[reading->trace_count] = (struct known_trace){
        .domain = (uint32_t)values[0].number, .stack = stack->number - 1, .size = values[1].number};
    *ret = reading->trace_count++;
    return true;
}

static bool all_are(const struct value *values, size_t count, enum thing kind)
{
    for (size_t i = 0; i < count; i++)
        if (values[i].kind != kind)
            return false;
    return true;
}

static bool is_small(const struct value *value)
{
    return value->kind == NUMBER && value->number <= UINT32_MAX;
}

/* The arguments in our own files, which say
 * list(map(itemgetter(slice(0, 2 + len(Traceback.__slots__))), [...])). */
static const struct {
    enum thing first, second; /* NOT_THERE: a tuple of one */
    uint64_t number;          /* the first one, if that is what it is */
    enum thing ret;
} arguments[] = {
    {SLOTS, NOT_THERE, 0, LEN_ARGUMENTS}, {NUMBER, MEMBERS, 2, ADD_ARGUMENTS},
    {NUMBER, WIDTH, 0, SLICE_ARGUMENTS},  {SLICE, NOT_THERE, 0, GETTER_ARGUMENTS},
    {GETTER, LIST, 0, MAP_ARGUMENTS},     {MAP, NOT_THERE, 0, LIST_ARGUMENTS},
};

static enum thing arguments_of(const struct value *values, size_t count)
{
    for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
        bool is_pair = arguments[i].second != NOT_THERE;
        if (count == (is_pair ? 2 : 1) && values[0].kind == arguments[i].first &&
            values[0].number == arguments[i].number &&
            (!is_pair || values[1].kind == arguments[i].second))
            return arguments[i].ret;
    }
    return NOT_THERE;
}

/* Of the last `count` values. */
bool pickle_tuple(struct reading *reading, size_t count, struct error *err)
{
    const struct value *values = pickle_top(reading, count);
    enum thing kind;
    uint64_t number = 0;
    bool done = true;

    if (!count)
        return pickle_push(reading, EMPTY, 0, err);
    if (!values)
        return pickle_is_missing(reading, err);
    if (all_are(values, count, FRAME)) {
        kind = STACK;
        done = keep_stack(reading, values, count, &number, err);
    } else if (count == 2 && values[0].kind == TEXT && is_small(&values[1])) {
        kind = FRAME;
        done = frame_of(reading, values, &number, err);
    } else if ((count == 3 || count == 4) && is_small(&values[0]) && values[1].kind == NUMBER &&
               values[2].kind == STACK && (count == 3 || is_small(&values[3]))) {
        kind = TRACE;
        done = keep_trace(reading, values, count, &number, err);
    } else if (!reading->has_list && all_are(values, count, TRACE)) {
        kind = LIST;
        reading->has_list = true;
        done = list_add(reading, values, count, err);
    } else {
        kind = arguments_of(values, count);
        if (kind == NOT_THERE)
            return pickle_refuse(reading, "a tuple that no Snapshot has", err);
    }
    if (!done)
        return false;
    reading->value_count -= count;
    return pickle_push(reading, kind, number, err);
}

/* Objects */

static const struct {
    const char *module, *name;
    enum thing kind;
} globals[] = {
    {"tracemalloc", "Snapshot", SNAPSHOT_CLASS},
    {"tracemalloc", "_Traces", TRACES_CLASS},
    {"tracemalloc", "Traceback.__slots__", SLOTS},
    {"builtins", "list", LIST_CLASS},
    {"builtins", "map", MAP_CLASS},
    {"builtins", "slice", SLICE_CLASS},
    {"builtins", "len", LEN},
    {"operator", "itemgetter", GETTER_CLASS},
    {"operator", "add", ADD},
};

static bool is_string(const char *bytes, size_t length, const char *wanted)
{
    return length == strlen(wanted) && memcmp(bytes, wanted, length) == 0;
}

bool pickle_global(struct reading *reading, const char *module, size_t module_length,
                   const char *name, size_t name_length, struct error *err)
{
    for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++)
        if (is_string(module, module_length, globals[i].module) &&
            is_string(name, name_length, globals[i].name))
            return pickle_push(reading, globals[i].kind, 0, err);
    return pickle_refuse(reading, "the name of something that no Snapshot has", err);
}

bool pickle_stack_global(struct reading *reading, struct error *err)
{
    const struct value *values = pickle_top(reading, 2);

    if (!values || values[0].kind != TEXT || values[1].kind != TEXT)
        return pickle_is_missing(reading, err);
    const struct known_text *module = &reading->texts[values[0].number];
    const struct known_text *name = &reading->texts[values[1].number];
    const char *bytes = (const char *)reading->bytes;
    reading->value_count -= 2;
    return pickle_global(reading, bytes + module->at, module->length, bytes + name->at,
                         name->length, err);
}

static bool text_is(const struct reading *reading, const struct value *value, const char *wanted)
{
    if (value->kind != TEXT)
        return false;
    const struct known_text *text = &reading->texts[value->number];
    return is_string((const char *)reading->bytes + text->at, text->length, wanted);
}

bool pickle_new(struct reading *reading, struct error *err)
{
    const struct value *values = pickle_top(reading, 2);

    if (!values || values[1].kind != EMPTY ||
        (values[0].kind != SNAPSHOT_CLASS && values[0].kind != TRACES_CLASS))
        return pickle_refuse(reading, "an object that no Snapshot has", err);
    bool is_snapshot = values[0].kind == SNAPSHOT_CLASS;
    bool *has = is_snapshot ? &reading->has_snapshot : &reading->has_traces;
    if (*has)
        return pickle_refuse(reading, "a second one of an object", err);
    *has = true;
    reading->value_count -= 2;
    return pickle_push(reading, is_snapshot ? SNAPSHOT : TRACES, 0, err);
}

static const struct {
    enum thing function, arguments, ret;
} calls[] = {
    {LEN, LEN_ARGUMENTS, MEMBERS},         {ADD, ADD_ARGUMENTS, WIDTH},
    {SLICE_CLASS, SLICE_ARGUMENTS, SLICE}, {GETTER_CLASS, GETTER_ARGUMENTS, GETTER},
    {MAP_CLASS, MAP_ARGUMENTS, MAP},       {LIST_CLASS, LIST_ARGUMENTS, LIST},
};

bool pickle_call(struct reading *reading, struct error *err)
{
    const struct value *values = pickle_top(reading, 2);

    for (size_t i = 0; values && i < sizeof(calls) / sizeof(calls[0]); i++)
        if (values[0].kind == calls[i].function && values[1].kind == calls[i].arguments) {
            reading->value_count -= 2;
            return pickle_push(reading, calls[i].ret, 0, err);
        }
    return pickle_refuse(reading, "a call of something that no Snapshot calls", err);
}

bool pickle_dict(struct reading *reading, struct error *err)
{
    if (reading->dict_count == DICTS)
        return pickle_refuse(reading, "a third dict", err);
    return pickle_push(reading, DICT, reading->dict_count++, err);
}

/* A tuple of traces does as well as a list: it is how a Snapshot that somebody made may have them.
 */
static bool is_list(struct reading *reading, const struct value *value)
{
    if (value->kind == EMPTY && !reading->has_list)
        return true;
    return value->kind == LIST;
}

static bool set_item(struct reading *reading, struct dict *dict, const struct value *item,
                     struct error *err)
{
    const struct value *value = item + 1;

    if (text_is(reading, item, "_traces") && is_list(reading, value)) {
        dict->has_list = true;
    } else if (text_is(reading, item, "traces") && value->kind == TRACES) {
        dict->has_traces = true;
    } else if (text_is(reading, item, "traceback_limit") && is_small(value)) {
        dict->has_limit = true;
        reading->traceback_limit = (uint32_t)value->number;
    } else {
        return pickle_refuse(reading, "an attribute that no Snapshot has", err);
    }
    return true;
}

bool pickle_set_items(struct reading *reading, size_t count, struct error *err)
{
    const struct value *values = pickle_top(reading, count + 1);

    if (!values || values->kind != DICT || count % 2)
        return pickle_is_missing(reading, err);
    for (size_t i = 0; i < count; i += 2)
        if (!set_item(reading, &reading->dicts[values->number], &values[i + 1], err))
            return false;
    reading->value_count -= count;
    return true;
}

bool pickle_build(struct reading *reading, struct error *err)
{
    const struct value *values = pickle_top(reading, 2);

    if (!values || values[1].kind != DICT)
        return pickle_is_missing(reading, err);
    const struct dict *dict = &reading->dicts[values[1].number];
    if (values[0].kind == TRACES && dict->has_list && !dict->has_traces && !dict->has_limit)
        reading->traces_are_built = true;
    else if (values[0].kind == SNAPSHOT && dict->has_traces && dict->has_limit && !dict->has_list)
        reading->snapshot_is_built = true;
    else
        return pickle_refuse(reading, "an object with other attributes than a Snapshot has", err);
    reading->value_count--;
    return true;
}
