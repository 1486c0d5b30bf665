// SPDX-License-Identifier: MIT
#include "inspector/python/frame.h"

#include "inspector/python/code.h"

enum {
    MOST_SLOTS = 1 << 24, /* of a frame */
    UNIT = 2,             /* bytes of an instruction */
};

static uint64_t at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A number of slots that is believed: there is memory for it. */
static bool believable(const struct reader *reader, uint64_t slots, uint64_t count)
{
    return count <= MOST_SLOTS && reader_has_room(reader, slots, count, sizeof(uint64_t));
}

/* Variables and stack: `height` words of both, or negative: unknown. */
static void split(const struct reader *reader, uint64_t locals, int64_t height,
                  struct frame_view *view)
{
    view->is_running = height < 0;
    view->locals = height < 0 ? locals : at_most(locals, (uint64_t)height);
    view->stack = height < 0 ? 0 : (uint64_t)height - view->locals;
    if (!believable(reader, view->slots, view->locals))
        view->locals = 0;
    if (!believable(reader, view->slots, view->locals + view->stack))
        view->stack = 0;
}

/* Up to 3.9 f_stacktop is where the stack ends, NULL in a frame that runs; 3.10 has its height. */
static int64_t height_of_object(const struct reader *reader, uint64_t address, uint64_t slots,
                                uint64_t locals)
{
    uint64_t depth, top = read_pointer(reader, address, frame_f_stacktop);

    if (read_field(reader, address, frame_f_stackdepth, &depth))
        return (int32_t)depth < 0 ? -1 : (int64_t)locals + (int32_t)depth;
    return top < slots ? -1 : (int64_t)((top - slots) / sizeof(uint64_t));
}

static bool view_object(const struct reader *reader, uint64_t address, struct frame_view *ret)
{
    uint64_t code = read_pointer(reader, address, frame_f_code);
    struct frame_view view = {.address = address, .object = address, .owner = FRAME_OF_OBJECT};
    uint64_t last, bottom = read_pointer(reader, address, frame_f_valuestack);

    if (!read_field(reader, address, frame_f_lasti, &last))
        return false;
    view.code = is_code(reader, code) ? code : 0;
    view.dict = read_pointer(reader, address, frame_f_locals);
    view.previous = read_pointer(reader, address, frame_f_back);
    view.slots = field_address(reader, address, frame_f_localsplus);
    view.instruction = (int32_t)last;
    if (reader_has(reader, frame_f_stackdepth)) /* 3.10 counts instructions */
        view.instruction *= UNIT;
    uint64_t locals = bottom < view.slots ? 0 : (bottom - view.slots) / sizeof(uint64_t);
    split(reader, locals, height_of_object(reader, address, view.slots, locals), &view);
    *ret = view;
    return true;
}

/* Up to 3.13 stacktop counts from the first variable, -1 in a frame that runs. */
static int64_t height_of_frame(const struct reader *reader, uint64_t address, uint64_t slots)
{
    uint64_t top;

    if (read_field(reader, address, interpreter_frame_stacktop, &top))
        return (int32_t)top;
    top = read_pointer(reader, address, interpreter_frame_stackpointer);
    return top < slots ? -1 : (int64_t)((top - slots) / sizeof(uint64_t));
}

/* Up to 3.12 the frame points to the instruction before the next one. */
static int64_t instruction_of(const struct reader *reader, uint64_t address, uint64_t code)
{
    enum layout_slot_id field = reader_has(reader, interpreter_frame_prev_instr)
                                    ? interpreter_frame_prev_instr
                                    : interpreter_frame_instr_ptr;

    return (int64_t)(read_pointer(reader, address, field) - code_first_instruction(reader, code));
}

static uint64_t tagged(const struct reader *reader, uint64_t address, enum layout_slot_id field)
{
    return untag(read_pointer(reader, address, field));
}

static bool view_frame(const struct reader *reader, uint64_t address, struct frame_view *ret)
{
    struct frame_view view = {.address = address};
    uint64_t owner, locals = 0;

    if (!read_field(reader, address, interpreter_frame_owner, &owner) || owner > FRAME_OF_C)
        return false;
    view.owner = (enum frame_owner)owner;
    view.previous = read_pointer(reader, address, interpreter_frame_previous);
    uint64_t code = tagged(reader, address, interpreter_frame_code);
    if (owner < FRAME_OF_INTERPRETER && is_code(reader, code)) {
        view.code = code;
        view.function = tagged(reader, address, interpreter_frame_function);
        view.dict = read_pointer(reader, address, interpreter_frame_f_locals);
        view.object = read_pointer(reader, address, interpreter_frame_frame_obj);
        view.instruction = instruction_of(reader, address, code);
        view.slots = field_address(reader, address, interpreter_frame_localsplus);
        locals = read_pointer(reader, code, PyCodeObject_co_nlocalsplus);
        split(reader, locals, height_of_frame(reader, address, view.slots), &view);
    }
    *ret = view;
    return true;
}

bool frame_view_of(const struct reader *reader, uint64_t address, struct frame_view *ret)
{
    if (!address)
        return false;
    return reader_has(reader, interpreter_frame_localsplus) ? view_frame(reader, address, ret)
                                                            : view_object(reader, address, ret);
}

bool frame_view_of_object(const struct reader *reader, uint64_t object, struct frame_view *ret)
{
    if (!reader_has(reader, frame_f_frame))
        return frame_view_of(reader, object, ret);
    if (!frame_view_of(reader, read_pointer(reader, object, frame_f_frame), ret))
        return false;
    ret->object = object;
    return true;
}

/* A debugger may have set the line; up to 3.9 it always has where there is a trace function. */
static bool set_line(const struct reader *reader, const struct frame_view *view, uint32_t *ret_line)
{
    bool always = reader_has(reader, frame_f_executing);
    uint64_t line;

    if (!view->object || !read_field(reader, view->object, frame_f_lineno, &line) ||
        (always ? !read_pointer(reader, view->object, frame_f_trace) : (int32_t)line <= 0))
        return false;
    *ret_line = (uint32_t)line;
    return true;
}

bool frame_line(const struct reader *reader, const struct frame_view *view, uint32_t *ret_line)
{
    return set_line(reader, view, ret_line) ||
           (view->code && code_line(reader, view->code, view->instruction, ret_line));
}

static uint64_t slot(const struct reader *reader, const struct frame_view *view, uint64_t index)
{
    return untag(read_word(reader, view->slots + index * sizeof(uint64_t)));
}

void frame_variables(const struct reader *reader, const struct frame_view *view, bool is_owned,
                     struct references *references)
{
    struct reference reference = {.label = LABEL_LOCAL, .is_owned = is_owned};
    struct code_names names = code_names_of(reader, view->code);

    for (uint64_t i = 0; i < view->locals && !references->ended; i++) {
        reference.to = slot(reader, view, i);
        reference.key = reference.to ? code_name(reader, &names, i) : 0;
        reference.number = i;
        reference_tell(references, &reference);
    }
}

void frame_stack(const struct reader *reader, const struct frame_view *view, bool is_owned,
                 struct references *references)
{
    struct reference reference = {.label = LABEL_FIELD, .name = "stack", .is_owned = is_owned};

    for (uint64_t i = 0; i < view->stack && !references->ended; i++) {
        reference.to = slot(reader, view, view->locals + i);
        reference.number = i;
        reference_tell(references, &reference);
    }
}

uint64_t frame_stack_top(const struct reader *reader, const struct frame_view *view)
{
    for (uint64_t i = view->stack; i-- > 0;) {
        uint64_t object = slot(reader, view, view->locals + i);
        if (object)
            return object;
    }
    return 0;
}

static void tell(uint64_t to, const char *name, bool is_owned, struct references *references)
{
    reference_tell(
        references,
        &(struct reference){.to = to, .label = LABEL_FIELD, .name = name, .is_owned = is_owned});
}

void frame_contents(const struct reader *reader, const struct frame_view *view, bool is_owned,
                    bool even_running, struct references *references)
{
    tell(read_pointer(reader, view->address, interpreter_frame_frame_obj), "frame", is_owned,
         references);
    tell(view->dict, "f_locals", is_owned, references);
    tell(view->function, "function", is_owned, references);
    tell(view->code, "f_code", is_owned, references);
    if (even_running || !view->is_running) {
        frame_variables(reader, view, is_owned, references);
        frame_stack(reader, view, is_owned, references);
    }
}

bool frame_slots(const struct reader *reader, uint64_t code, uint64_t *ret)
{
    uint64_t locals, stack;

    if (!is_code(reader, code) || !read_field(reader, code, PyCodeObject_co_stacksize, &stack))
        return false;
    if (!read_field(reader, code, PyCodeObject_co_nlocalsplus, &locals)) {
        struct code_names names = code_names_of(reader, code);
        locals = names.count;
    }
    if (locals + stack > MOST_SLOTS)
        return false;
    *ret = locals + stack;
    return true;
}
