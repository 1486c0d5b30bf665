// SPDX-License-Identifier: MIT
/*
 * Futures and tasks of the extension module _asyncio. A task's structure begins with a future's.
 * Their repr() is written in Python (asyncio.base_futures, base_tasks): here they print plain, and
 * are described instead.
 */
#include "inspector/python/kind.h"
#include "inspector/python/say.h"

enum { MOST_DIGITS = 20 };

/* Since 3.11 one exception that cancelled it, before that as an exc_info. */
static const struct kind_field future_fields[] = {
    {"_loop", FutureObj_fut_loop, false},
    {"callback", FutureObj_fut_callback0, false},
    {"callback_context", FutureObj_fut_context0, false},
    {"_callbacks", FutureObj_fut_callbacks, false},
    {"_result", FutureObj_fut_result, false},
    {"_exception", FutureObj_fut_exception, false},
    {"exception_traceback", FutureObj_fut_exception_tb, false},
    {"_source_traceback", FutureObj_fut_source_tb, false},
    {"_cancel_message", FutureObj_fut_cancel_msg, false},
    {"cancelled_type", FutureObj_fut_cancelled_exc_type, false},
    {"cancelled_exc", FutureObj_fut_cancelled_exc, false},
    {"cancelled_traceback", FutureObj_fut_cancelled_exc_tb, false},
    {"_asyncio_awaited_by", FutureObj_fut_awaited_by, false},
    {.name = NULL},
};

/* Besides those of a future. */
static const struct kind_field task_fields[] = {
    {"context", TaskObj_task_context, false},
    {"_coro", TaskObj_task_coro, false},
    {"_name", TaskObj_task_name, false},
    {"_fut_waiter", TaskObj_task_fut_waiter, false},
    {.name = NULL},
};

static const struct kind_field iterator_fields[] = {
    {"future", futureiterobject_future, false},
    {.name = NULL},
};

static const struct kind_field step_fields[] = {
    {"task", TaskStepMethWrapper_sw_task, false},
    {"arg", TaskStepMethWrapper_sw_arg, false},
    {.name = NULL},
};

static const struct kind_field wakeup_fields[] = {
    {"task", TaskWakeupMethWrapper_ww_task, false},
    {.name = NULL},
};

static const struct kind_field holder_fields[] = {
    {"loop", PyRunningLoopHolder_rl_loop, true},
    {.name = NULL},
};

/* Up to 3.12 the __dict__ is in the structure. */
static void future_references(const struct reader *reader, const struct type *type,
                              uint64_t address, struct references *references)
{
    int64_t offset = type->kind_type->dict_offset;

    if (offset > 0 && !(type->flags & TPFLAGS_MANAGED_DICT))
        reference_field(references, read_word(reader, address + (uint64_t)offset), "__dict__");
}

static void task_references(const struct reader *reader, const struct type *type, uint64_t address,
                            struct references *references)
{
    for (const struct kind_field *field = future_fields; field->name; field++)
        reference_field(references, read_pointer(reader, address, field->field), field->name);
    future_references(reader, type, address, references);
}

static void future_describe(const struct reader *reader, const struct type *type, uint64_t address,
                            fact_tell *tell, void *context)
{
    static const char *const names[] = {"pending", "cancelled", "finished"};
    uint64_t result = read_pointer(reader, address, FutureObj_fut_result);
    uint64_t exception = read_pointer(reader, address, FutureObj_fut_exception), state;

    (void)type;
    if (read_field(reader, address, FutureObj_fut_state, &state) && state < 3)
        say_text("state", names[state], tell, context);
    say_object(reader, "result", result, tell, context);
    say_object(reader, "exception", exception, tell, context);
}

/* Who is told of a task. */
struct listener {
    fact_tell *tell;
    void *context;
};

/* A task has a state of its own. */
static void tell_of_coroutine(void *context, const char *key, const char *value, size_t length)
{
    const struct listener *listener = context;

    listener->tell(listener->context, strcmp(key, "state") == 0 ? "coroutine_state" : key, value,
                   length);
}

/* What the coroutine's own kind says of it: where it is, and what it awaits. Of generators and
 * coroutines only: a task's coroutine may be any object, even the task. */
static void describe_coroutine(const struct reader *reader, uint64_t coroutine, fact_tell *tell,
                               void *context)
{
    const struct type *type = reader_type_of(reader, coroutine);
    struct listener listener = {tell, context};

    say_object(reader, "coroutine", coroutine, tell, context);
    if (type && (type->kind == &generator_kinds[0] || type->kind == &generator_kinds[1]))
        type->kind->describe(reader, type, coroutine, tell_of_coroutine, &listener);
}

/* The name is a number until somebody asks for it (3.12). */
static void say_numbered(const struct reader *reader, uint64_t number, fact_tell *tell,
                         void *context)
{
    struct text text = {0};

    if (number) {
        text_add(&text, "Task-");
        print_object(reader, number, MOST_DIGITS, &text);
    }
    if (number && !text.failed)
        tell(context, "name", text.bytes, text.length);
    text_free(&text);
}

static void task_describe(const struct reader *reader, const struct type *type, uint64_t address,
                          fact_tell *tell, void *context)
{
    uint64_t name = read_pointer(reader, address, TaskObj_task_name);
    uint64_t coroutine = read_pointer(reader, address, TaskObj_task_coro);
    const struct type *of = reader_type_of(reader, name);

    if (of && of->flags & TPFLAGS_UNICODE_SUBCLASS)
        say_str(reader, "name", name, tell, context);
    else
        say_numbered(reader, name, tell, context);
    future_describe(reader, type, address, tell, context);
    if (coroutine)
        describe_coroutine(reader, coroutine, tell, context);
}

static bool task_frame(const struct reader *reader, uint64_t address, struct frame_view *ret)
{
    uint64_t coroutine = read_pointer(reader, address, TaskObj_task_coro);
    const struct type *type = reader_type_of(reader, coroutine);

    return type && (type->kind == &generator_kinds[0] || type->kind == &generator_kinds[1]) &&
           type->kind->frame(reader, coroutine, ret);
}

const struct kind asyncio_kinds[] = {
    {.type = "_asyncio.Future",
     .structure = sizeof_FutureObj,
     .fields = future_fields,
     .references = future_references,
     .describe = future_describe},
    {.type = "_asyncio.Task",
     .structure = sizeof_TaskObj,
     .fields = task_fields,
     .references = task_references,
     .describe = task_describe,
     .frame = task_frame},
    {.type = "_asyncio.FutureIter",
     .structure = sizeof_futureiterobject,
     .fields = iterator_fields},
    {.type = "TaskStepMethWrapper", .structure = sizeof_TaskStepMethWrapper, .fields = step_fields},
    {.type = "_asyncio.TaskStepMethWrapper",
     .structure = sizeof_TaskStepMethWrapper,
     .fields = step_fields},
    {.type = "TaskWakeupMethWrapper",
     .structure = sizeof_TaskWakeupMethWrapper,
     .fields = wakeup_fields},
    {.type = "_RunningLoopHolder",
     .structure = sizeof_PyRunningLoopHolder,
     .fields = holder_fields},
    {.type = NULL},
};
