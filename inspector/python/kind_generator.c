// SPDX-License-Identifier: MIT
/* Generators, coroutines and asynchronous generators, which share a structure, and what awaits
 * them. */
#include "inspector/python/code.h"
#include "inspector/python/frame.h"
#include "inspector/python/kind.h"
#include "inspector/python/say.h"

/* Up to 3.10 a structure with a frame object; since then one whose frame's variables are not
 * counted.
 */
static bool generator_fits(const struct layout *layout, uint64_t basicsize)
{
    if (!layout_has(layout, PyGenObject_gi_iframe) ||
        !layout_has(layout, interpreter_frame_localsplus))
        return false;
    return basicsize == layout_offset(layout, PyGenObject_gi_iframe) +
                            layout_offset(layout, interpreter_frame_localsplus);
}

static bool fits(const struct layout *layout, enum layout_slot_id structure, uint64_t basicsize)
{
    return layout_has(layout, PyGenObject_gi_frame)
               ? layout_has(layout, structure) && basicsize == layout_size(layout, structure)
               : generator_fits(layout, basicsize);
}

static bool plain_fits(const struct layout *layout, uint64_t basicsize)
{
    return fits(layout, sizeof_PyGenObject, basicsize);
}

static bool coroutine_fits(const struct layout *layout, uint64_t basicsize)
{
    return fits(layout, sizeof_PyCoroObject, basicsize);
}

static bool asynchronous_fits(const struct layout *layout, uint64_t basicsize)
{
    return fits(layout, sizeof_PyAsyncGenObject, basicsize);
}

enum generator_state {
    CREATED,
    SUSPENDED, /* by a yield, or an await */
    RUNNING,
    FINISHED, /* no frame is left */
    UNKNOWN,
};

/* One view of a generator's frame for all versions. */
struct generator {
    enum generator_state state;
    bool delegates; /* suspended by `yield from` or `await`; up to 3.12 that has to be looked up */
    bool has_frame; /* then `frame` is it */
    struct frame_view frame;
};

/* gi_frame_state of 3.11 to 3.14: -3 or -2 is new, up to -1 suspended, 0 runs, 4 has no frame. */
static void read_state(const struct reader *reader, int state, struct generator *generator)
{
    int created = reader->python->shape.generators == GENERATORS_MINUS_2 ? -2 : -3;

    if (reader->python->shape.generators == GENERATORS_FROM_0) {
        static const enum generator_state states[] = {CREATED,   SUSPENDED, SUSPENDED,
                                                      SUSPENDED, RUNNING,   FINISHED};
        generator->state = state >= 0 && state <= 5 ? states[state] : UNKNOWN;
        generator->delegates = state == 2 || state == 3;
        return;
    }
    generator->state = state == created ? CREATED
                       : state < 0      ? SUSPENDED
                       : state == 0     ? RUNNING
                                        : FINISHED;
    generator->delegates = created == -3 && state == -1;
}

/* Up to 3.12: is the next instruction one that goes on with `yield from` or `await`? */
static bool is_delegating(const struct reader *reader, const struct frame_view *frame)
{
    enum { YIELD_FROM = 72, RESUME_QUICK = 150, RESUME = 151, AFTER_YIELD_FROM = 2 };
    uint64_t next;

    if (!code_instruction(reader, frame->code, frame->instruction + 2, &next))
        return false;
    if (reader->python->shape.generators == GENERATORS_WITH_OBJECT)
        return (next & 0xFF) == YIELD_FROM;
    return ((next & 0xFF) == RESUME || (next & 0xFF) == RESUME_QUICK) &&
           (next >> 8 & 3) >= AFTER_YIELD_FROM;
}

/* Up to 3.10 a generator is as its frame is: the interpreter's own frame_state. */
static void read_object_state(const struct reader *reader, uint64_t frame,
                              struct generator *generator)
{
    uint64_t executing, state;

    if (read_field(reader, frame, frame_f_state, &state)) /* 3.10: -2 is new, -1 suspended */
        generator->state = (int8_t)state == -2   ? CREATED
                           : (int8_t)state == -1 ? SUSPENDED
                           : (int8_t)state == 0  ? RUNNING
                                                 : FINISHED;
    else if (read_field(reader, frame, frame_f_executing, &executing) && executing)
        generator->state = RUNNING;
    else if (generator->frame.is_running)
        generator->state = FINISHED;
    else
        generator->state = generator->frame.instruction < 0 ? CREATED : SUSPENDED;
}

static struct generator generator_of(const struct reader *reader, uint64_t address)
{
    struct generator generator = {.state = UNKNOWN};
    uint64_t frame = field_address(reader, address, PyGenObject_gi_iframe), state;

    if (!frame) {
        frame = read_pointer(reader, address, PyGenObject_gi_frame);
        generator.state = FINISHED;
        generator.has_frame = frame && frame_view_of(reader, frame, &generator.frame);
        if (generator.has_frame)
            read_object_state(reader, frame, &generator);
    } else if (read_field(reader, address, PyGenObject_gi_frame_state, &state)) {
        read_state(reader, (int8_t)state, &generator);
        /* 1 is a frame that has returned, and is about to be cleared. */
        generator.has_frame = (generator.state != FINISHED || state == 1) &&
                              frame_view_of(reader, frame, &generator.frame);
    }
    return generator;
}

/* The code of a generator outlives its frame. */
static uint64_t code_of(const struct reader *reader, uint64_t address)
{
    uint64_t frame = field_address(reader, address, PyGenObject_gi_iframe);

    if (reader_has(reader, PyGenObject_gi_code))
        return read_pointer(reader, address, PyGenObject_gi_code);
    return frame ? untag(read_pointer(reader, frame, interpreter_frame_code)) : 0;
}

static bool generator_size(const struct reader *reader, const struct type *type, uint64_t address,
                           uint64_t *ret)
{
    uint64_t slots;

    *ret = type->basicsize;
    if (!reader_has(reader, PyGenObject_gi_iframe))
        return true;
    if (!frame_slots(reader, code_of(reader, address), &slots) ||
        !reader_has_room(reader, address, slots, sizeof(uint64_t)))
        return false;
    *ret += slots * sizeof(uint64_t);
    return true;
}

static void tell(uint64_t to, const char *name, bool is_owned, struct references *references)
{
    if (is_owned)
        reference_owned(references, to, name);
    else
        reference_field(references, to, name);
}

static void generator_references(const struct reader *reader, const struct type *type,
                                 uint64_t address, struct references *references)
{
    const struct shape *shape = &reader->python->shape;
    struct generator generator = generator_of(reader, address);

    (void)type;
    if (shape->generators == GENERATORS_WITH_OBJECT)
        tell(read_pointer(reader, address, PyGenObject_gi_frame), "frame", false, references);
    tell(read_pointer(reader, address, PyGenObject_gi_code), "code", false, references);
    tell(read_pointer(reader, address, PyGenObject_gi_name), "__name__", false, references);
    tell(read_pointer(reader, address, PyGenObject_gi_qualname), "__qualname__", false, references);
    tell(read_pointer(reader, address, PyGenObject_exc_type), "exc_type", false, references);
    tell(read_pointer(reader, address, PyGenObject_exc_value), "exc_value", false, references);
    tell(read_pointer(reader, address, PyGenObject_exc_traceback), "exc_traceback", false,
         references);
    if (shape->generators == GENERATORS_WITH_OBJECT)
        return;
    if (generator.has_frame)
        frame_contents(reader, &generator.frame, false, false, references);
    else if (!reader_has(reader, PyGenObject_gi_code))
        tell(code_of(reader, address), "code", !shape->generators_visit_code, references);
}

/* A coroutine's origin, a tuple that tells where it was made, can be part of no cycle. */
static void coroutine_references(const struct reader *reader, const struct type *type,
                                 uint64_t address, struct references *references)
{
    generator_references(reader, type, address, references);
    reference_owned(references, read_pointer(reader, address, PyCoroObject_cr_origin), "origin");
}

static void asynchronous_references(const struct reader *reader, const struct type *type,
                                    uint64_t address, struct references *references)
{
    reference_field(references, read_pointer(reader, address, PyAsyncGenObject_ag_finalizer),
                    "finalizer");
    generator_references(reader, type, address, references);
}

static bool generator_frame(const struct reader *reader, uint64_t address, struct frame_view *ret)
{
    struct generator generator = generator_of(reader, address);

    if (generator.has_frame)
        *ret = generator.frame;
    return generator.has_frame;
}

static bool generator_print(struct printer *printer, const struct type *type, uint64_t address)
{
    printer_addf(printer, "<%s object ", type->kind->type);
    printer_add_str(printer, read_pointer(printer->reader, address, PyGenObject_gi_qualname));
    printer_add_address(printer, " at ", address, ">");
    return true;
}

static void generator_describe(const struct reader *reader, const struct type *type,
                               uint64_t address, fact_tell *say, void *context)
{
    static const char *const names[] = {
        [CREATED] = "created",   [SUSPENDED] = "suspended", [RUNNING] = "running",
        [FINISHED] = "finished", [UNKNOWN] = "unknown",
    };
    struct generator generator = generator_of(reader, address);
    bool awaits = generator.delegates;

    (void)type;
    say_text("state", names[generator.state], say, context);
    if (!generator.has_frame) {
        say_place(reader, code_of(reader, address), -1, say, context);
        return;
    }
    say_frame(reader, &generator.frame, say, context);
    if (generator.state == SUSPENDED && reader->python->shape.generators < GENERATORS_MINUS_3)
        awaits = is_delegating(reader, &generator.frame);
    if (awaits)
        say_object(reader, "awaits", frame_stack_top(reader, &generator.frame), say, context);
}

static const struct kind_field send_fields[] = {
    {"generator", PyAsyncGenASend_ags_gen, false},
    {"value", PyAsyncGenASend_ags_sendval, false},
    {.name = NULL},
};

static const struct kind_field throw_fields[] = {
    {"generator", PyAsyncGenAThrow_agt_gen, false}, {"args", PyAsyncGenAThrow_agt_args, false},
    {"type", PyAsyncGenAThrow_agt_typ, false},      {"traceback", PyAsyncGenAThrow_agt_tb, false},
    {"value", PyAsyncGenAThrow_agt_val, false},     {.name = NULL},
};

static const struct kind_field wrapped_fields[] = {
    {"value", PyAsyncGenWrappedValue_agw_val, false},
    {.name = NULL},
};

static const struct kind_field wrapper_fields[] = {
    {"coroutine", PyCoroWrapper_cw_coroutine, false},
    {.name = NULL},
};

/* AwaitableState of Objects/genobject.c */
static void say_awaitable(const struct reader *reader, uint64_t address, enum layout_slot_id field,
                          fact_tell *say, void *context)
{
    static const char *const names[] = {"created", "suspended", "finished"};
    uint64_t state;

    if (read_field(reader, address, field, &state) && state < 3)
        say_text("state", names[state], say, context);
}

static void send_describe(const struct reader *reader, const struct type *type, uint64_t address,
                          fact_tell *say, void *context)
{
    (void)type;
    say_awaitable(reader, address, PyAsyncGenASend_ags_state, say, context);
}

static void throw_describe(const struct reader *reader, const struct type *type, uint64_t address,
                           fact_tell *say, void *context)
{
    (void)type;
    say_awaitable(reader, address, PyAsyncGenAThrow_agt_state, say, context);
}

const struct kind generator_kinds[] = {
    {.type = "generator",
     .structure = sizeof_PyGenObject,
     .fits = plain_fits,
     .size = generator_size,
     .references = generator_references,
     .print = generator_print,
     .describe = generator_describe,
     .frame = generator_frame},
    {.type = "coroutine",
     .structure = sizeof_PyCoroObject,
     .fits = coroutine_fits,
     .size = generator_size,
     .references = coroutine_references,
     .print = generator_print,
     .describe = generator_describe,
     .frame = generator_frame},
    {.type = "async_generator",
     .structure = sizeof_PyAsyncGenObject,
     .fits = asynchronous_fits,
     .size = generator_size,
     .references = asynchronous_references,
     .print = generator_print,
     .describe = generator_describe,
     .frame = generator_frame},
    {.type = "async_generator_asend",
     .structure = sizeof_PyAsyncGenASend,
     .fields = send_fields,
     .describe = send_describe},
    {.type = "async_generator_athrow",
     .structure = sizeof_PyAsyncGenAThrow,
     .fields = throw_fields,
     .describe = throw_describe},
    {.type = "async_generator_wrapped_value",
     .structure = sizeof_PyAsyncGenWrappedValue,
     .fields = wrapped_fields},
    {.type = "coroutine_wrapper", .structure = sizeof_PyCoroWrapper, .fields = wrapper_fields},
    {.type = NULL},
};
