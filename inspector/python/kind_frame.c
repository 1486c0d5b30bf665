// SPDX-License-Identifier: MIT
/* Frames and tracebacks. */
#include "inspector/python/code.h"
#include "inspector/python/frame.h"
#include "inspector/python/kind.h"
#include "inspector/python/say.h"

/* Up to 3.10 a structure; since then one whose frame's variables are not counted. */
static bool frame_fits(const struct layout *layout, uint64_t basicsize)
{
    if (!layout_has(layout, frame_f_frame_data) ||
        !layout_has(layout, interpreter_frame_localsplus))
        return layout_has(layout, frame_f_valuestack) &&
               basicsize == layout_size(layout, sizeof_frame);
    return basicsize == layout_offset(layout, frame_f_frame_data) +
                            layout_offset(layout, interpreter_frame_localsplus);
}

static bool frame_size(const struct reader *reader, const struct type *type, uint64_t address,
                       uint64_t *ret)
{
    bool old = reader_has(reader, frame_f_valuestack); /* the first slot is in the structure */
    struct frame_view view;
    uint64_t slots;

    *ret = type->basicsize;
    if (!frame_view_of_object(reader, address, &view) || !frame_slots(reader, view.code, &slots) ||
        !reader_has_room(reader, address, slots, sizeof(uint64_t)))
        return false;
    *ret += (slots - old) * sizeof(uint64_t);
    return true;
}

/* What differs between versions is which of them there are. */
static const struct kind_field frame_fields[] = {
    {"f_back", frame_f_back, false},
    {"f_code", frame_f_code, false},
    {"f_builtins", frame_f_builtins, false},
    {"f_globals", frame_f_globals, false},
    {"f_locals", frame_f_locals, false},
    {"f_trace", frame_f_trace, false},
    {"f_exc_type", frame_f_exc_type, false},
    {"f_exc_value", frame_f_exc_value, false},
    {"f_exc_traceback", frame_f_exc_traceback, false},
    {"f_extra_locals", frame_f_extra_locals, false},
    {"f_locals_cache", frame_f_locals_cache, false},
    {"f_overwritten_fast_locals", frame_f_overwritten_fast_locals, false},
    {.name = NULL},
};

/* Since 3.11 a frame object holds only what it has taken over when its frame was left. */
static void frame_references(const struct reader *reader, const struct type *type, uint64_t address,
                             struct references *references)
{
    struct frame_view view;

    (void)type;
    if (!frame_view_of_object(reader, address, &view))
        return;
    if (!reader_has(reader, frame_f_frame)) {
        frame_variables(reader, &view, false, references);
        frame_stack(reader, &view, false, references);
    } else if (view.owner == FRAME_OF_OBJECT) {
        frame_contents(reader, &view, false, false, references);
    }
}

/* 3.6 prints a frame as object.__repr__ does. */
static bool has_own_repr(const struct type *type)
{
    return !type->base || type->repr != type->base->repr;
}

static bool frame_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    struct frame_view view;
    uint32_t line = 0;

    if (!has_own_repr(type) || !frame_view_of_object(reader, address, &view) || !view.code)
        return false;
    int shown = frame_line(reader, &view, &line) ? (int)line : -1;
    printer_add_address(printer, "<frame at ", address, ", file ");
    printer_object(printer, read_pointer(reader, view.code, PyCodeObject_co_filename));
    printer_addf(printer, ", line %d, code ", shown);
    printer_add_str(printer, read_pointer(reader, view.code, PyCodeObject_co_name));
    printer_add(printer, ">");
    return true;
}

static void frame_describe(const struct reader *reader, const struct type *type, uint64_t address,
                           fact_tell *tell, void *context)
{
    struct frame_view view;

    (void)type;
    if (frame_view_of_object(reader, address, &view))
        say_frame(reader, &view, tell, context);
}

static const struct kind_field traceback_fields[] = {
    {"tb_next", PyTracebackObject_tb_next, false},
    {"tb_frame", PyTracebackObject_tb_frame, false},
    {.name = NULL},
};

/* Since 3.12 the line is -1 until it is asked for: then it is that of the instruction. */
static void traceback_describe(const struct reader *reader, const struct type *type,
                               uint64_t address, fact_tell *tell, void *context)
{
    uint64_t frame = read_pointer(reader, address, PyTracebackObject_tb_frame), line, last;
    struct frame_view view;
    uint32_t found;

    (void)type;
    if (!frame_view_of_object(reader, frame, &view) || !view.code ||
        !read_field(reader, address, PyTracebackObject_tb_lineno, &line) ||
        !read_field(reader, address, PyTracebackObject_tb_lasti, &last))
        return;
    if ((int32_t)line == -1 && code_line(reader, view.code, (int32_t)last, &found))
        line = found;
    say_str(reader, "file", read_pointer(reader, view.code, PyCodeObject_co_filename), tell,
            context);
    say_number("line", (int32_t)line, tell, context);
    say_str(reader, "function", read_pointer(reader, view.code, PyCodeObject_co_name), tell,
            context);
}

static bool traceback_frame(const struct reader *reader, uint64_t address, struct frame_view *ret)
{
    uint64_t frame = read_pointer(reader, address, PyTracebackObject_tb_frame);

    return frame && frame_view_of_object(reader, frame, ret);
}

const struct kind frame_kinds[] = {
    {.type = "frame",
     .structure = sizeof_frame,
     .fits = frame_fits,
     .size = frame_size,
     .fields = frame_fields,
     .references = frame_references,
     .print = frame_print,
     .describe = frame_describe,
     .frame = frame_view_of_object},
    {.type = "traceback",
     .structure = sizeof_PyTracebackObject,
     .fields = traceback_fields,
     .describe = traceback_describe,
     .frame = traceback_frame},
    {.type = NULL},
};
