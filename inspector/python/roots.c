// SPDX-License-Identifier: MIT
#include "inspector/python/roots.h"

#include "inspector/python/frame.h"
#include "inspector/python/object.h"

enum {
    MOST_INTERPRETERS = 4096,
    MOST_THREADS = 1 << 17,    /* of all interpreters */
    MOST_FRAMES = 1 << 22,     /* of all threads */
    MOST_EXCEPTIONS = 1 << 22, /* that are being handled */
    MOST_STATIC = 1 << 20,     /* bytes of variables of the interpreter that are searched (3.6) */
};

/* A field that holds an object, or an array of them. */
struct place {
    const char *name;
    enum layout_slot_id field;
};

static const struct place interpreter_places[] = {
    {"modules", interp_modules},
    {"modules_by_index", interp_modules_by_index},
    {"importlib", interp_importlib},
    {"import_func", interp_import_func},
    {"lazy_import_func", interp_lazy_import_func},
    {"lazy_imports_filter", interp_lazy_imports_filter},
    {"lazy_modules", interp_lazy_modules},
    {"lazy_pending_submodules", interp_lazy_pending},
    {"sysdict", interp_sysdict},
    {"sysdict_copy", interp_sysdict_copy},
    {"builtins", interp_builtins},
    {"builtins_copy", interp_builtins_copy},
    {"dict", interp_dict},
    {"interned", interp_interned},
    {"codec_search_path", interp_codec_search_path},
    {"codec_search_cache", interp_codec_search_cache},
    {"codec_error_registry", interp_codec_error_registry},
    {"before_forkers", interp_before_forkers},
    {"after_forkers_parent", interp_after_forkers_parent},
    {"after_forkers_child", interp_after_forkers_child},
    {"warnings_filters", interp_warnings_filters},
    {"warnings_once_registry", interp_warnings_once},
    {"warnings_default_action", interp_warnings_default},
    {"warnings_context", interp_warnings_context},
    {"audit_hooks", interp_audit_hooks},
    {"pyexitmodule", interp_pyexitmodule},
    {"errnomap", interp_errnomap},
    {"ExceptionGroup", interp_exception_group},
    {"interpreter_trampoline", interp_trampoline},
    {"small_ints", interp_small_ints},
    {"bytes_characters", interp_bytes_characters},
    {"bytes_empty", interp_bytes_empty},
    {"unicode_latin1", interp_unicode_latin1},
    {"unicode_empty", interp_unicode_empty},
    {"monitoring_callables", interp_monitoring_callables},
    {"monitoring_tool_names", interp_monitoring_tool_names},
    {"common_consts", interp_common_consts},
    {.name = NULL},
};

static const struct place gc_places[] = {
    {"gc_garbage", gc_objects_garbage},
    {"gc_callbacks", gc_objects_callbacks},
    {.name = NULL},
};

static const struct place thread_places[] = {
    {"exc_type", thread_exc_type},
    {"exc_value", thread_exc_value},
    {"exc_traceback", thread_exc_traceback},
    {"current_exception", thread_current_exception},
    {"curexc_type", thread_curexc_type},
    {"curexc_traceback", thread_curexc_traceback},
    {"thread_dict", thread_dict},
    {"context", thread_context},
    {"async_exc", thread_async_exc},
    {"profile_function", thread_c_profileobj},
    {"trace_function", thread_c_traceobj},
    {"coroutine_wrapper", thread_coroutine_wrapper},
    {"async_gen_firstiter", thread_async_gen_firstiter},
    {"async_gen_finalizer", thread_async_gen_finalizer},
    {"threading_local_key", thread_threading_local_key},
    {"threading_local_sentinel", thread_threading_local_sentinel},
    {"asyncio_running_loop", thread_impl_asyncio_running_loop},
    {"asyncio_running_task", thread_impl_asyncio_running_task},
    {.name = NULL},
};

static const struct place exception_places[] = {
    {"exc_type", exc_item_exc_type},
    {"exc_value", exc_item_exc_value},
    {"exc_traceback", exc_item_exc_traceback},
    {.name = NULL},
};

static const struct place call_places[] = {
    {"atexit_function", atexit_call_func},
    {"atexit_args", atexit_call_args},
    {"atexit_kwargs", atexit_call_kwargs},
    {.name = NULL},
};

/* Passes on what is an object. */
struct filter {
    const struct reader *reader;
    struct references *references;
};

/* How many were met: each list may run in a circle, whose members have lists that do. */
struct met {
    uint64_t threads, frames, exceptions;
};

static bool pass(void *context, const struct reference *reference)
{
    const struct filter *filter = context;

    if (object_is_there(filter->reader, reference->to))
        reference_tell(filter->references, reference);
    else
        reference_skip(filter->references, 1);
    return !filter->references->ended;
}

static void tell_places(const struct reader *reader, uint64_t address, const struct place *places,
                        struct references *references)
{
    const struct layout *layout = &reader->python->layout;

    for (; places->name && !references->ended; places++) {
        uint64_t first = field_address(reader, address, places->field);
        if (!first)
            continue;
        for (uint64_t i = 0; i < layout_size(layout, places->field) / sizeof(first); i++)
            reference_owned(references, read_word(reader, first + i * sizeof(first)), places->name);
    }
}

/* The strings of the interpreter's own identifiers. */
static void tell_identifiers(const struct reader *reader, uint64_t interpreter,
                             struct references *references)
{
    uint64_t items = read_pointer(reader, interpreter, interp_unicode_ids), count;

    if (!items || !read_field(reader, interpreter, interp_unicode_id_count, &count) ||
        !reader_has_room(reader, items, count, sizeof(items)))
        return;
    for (uint64_t i = 0; i < count && !references->ended; i++)
        reference_owned(references, read_word(reader, items + i * sizeof(items)), "identifiers");
}

/* 3.10 to 3.13: an array of pointers to what is to be called; a list since then. */
static void tell_atexit(const struct reader *reader, uint64_t interpreter,
                        struct references *references)
{
    uint64_t calls = read_pointer(reader, interpreter, interp_atexit_callbacks), count;

    if (!reader_has(reader, interp_atexit_count)) {
        reference_owned(references, calls, "atexit_callbacks");
        return;
    }
    if (!calls || !read_field(reader, interpreter, interp_atexit_count, &count) ||
        !reader_has_room(reader, calls, count, sizeof(calls)))
        return;
    for (uint64_t i = 0; i < count && !references->ended; i++) {
        uint64_t call = read_word(reader, calls + i * sizeof(call));
        if (call)
            tell_places(reader, call, call_places, references);
    }
}

/* The exceptions that are being handled: of the thread, and of the generators that run in it. */
static void tell_exceptions(const struct reader *reader, uint64_t thread, struct met *met,
                            struct references *references)
{
    uint64_t item = read_pointer(reader, thread, thread_exc_info);

    for (; item && met->exceptions < MOST_EXCEPTIONS && !references->ended; met->exceptions++) {
        tell_places(reader, item, exception_places, references);
        item = read_pointer(reader, item, exc_item_previous_item);
    }
}

static uint64_t topmost_frame(const struct reader *reader, uint64_t thread)
{
    if (reader_has(reader, thread_current_frame))
        return read_pointer(reader, thread, thread_current_frame);
    if (reader_has(reader, cframe_current_frame)) {
        uint64_t cframe = read_pointer(reader, thread, thread_cframe);
        return cframe ? read_pointer(reader, cframe, cframe_current_frame) : 0;
    }
    return read_pointer(reader, thread, thread_frame);
}

/* Up to 3.10 the frames are objects, which are looked at like others. */
static void tell_frames(const struct reader *reader, uint64_t thread, struct met *met,
                        struct references *references)
{
    bool are_objects = !reader_has(reader, interpreter_frame_localsplus);
    uint64_t frame = topmost_frame(reader, thread);
    struct frame_view view;
    bool is_topmost = true;

    for (; met->frames < MOST_FRAMES && !references->ended; met->frames++) {
        if (!frame_view_of(reader, frame, &view))
            return;
        if (are_objects)
            reference_owned(references, frame, "frame");
        else if (is_topmost)
            view.stack = 0; /* what 3.15 says of the one that runs may be out of date */
        if (!are_objects && view.code) {
            frame_contents(reader, &view, true, true, references);
            is_topmost = false;
        }
        frame = view.previous;
    }
}

static void tell_interpreter(const struct reader *reader, uint64_t interpreter, struct met *met,
                             struct references *references)
{
    uint64_t thread = read_pointer(reader, interpreter, interp_threads);

    tell_places(reader, interpreter, interpreter_places, references);
    if (reader_has(reader, interpreter_gc))
        tell_places(reader, field_address(reader, interpreter, interpreter_gc), gc_places,
                    references);
    tell_identifiers(reader, interpreter, references);
    tell_atexit(reader, interpreter, references);
    for (; thread && met->threads < MOST_THREADS && !references->ended; met->threads++) {
        tell_places(reader, thread, thread_places, references);
        tell_exceptions(reader, thread, met, references);
        tell_frames(reader, thread, met, references);
        thread = read_pointer(reader, thread, thread_next);
    }
}

static bool is_dict(const struct reader *reader, uint64_t address)
{
    const struct type *type =
        object_is_there(reader, address) ? reader_type_of(reader, address) : NULL;

    return type && type->flags & TPFLAGS_DICT_SUBCLASS;
}

/* The modules, sys and builtins are dicts, and a thread says that it is the interpreter's. */
static bool is_interpreter(const struct reader *reader, uint64_t address)
{
    uint64_t thread = read_pointer(reader, address, interp_threads);

    return thread && thread % 8 == 0 && read_pointer(reader, thread, thread_interp) == address &&
           is_dict(reader, read_pointer(reader, address, interp_modules)) &&
           is_dict(reader, read_pointer(reader, address, interp_sysdict)) &&
           is_dict(reader, read_pointer(reader, address, interp_builtins));
}

/* Looks for a pointer to an interpreter in `size` bytes at `address`. */
static uint64_t find_interpreter(const struct reader *reader, uint64_t address, uint64_t size)
{
    for (uint64_t i = 0; i < size && i < MOST_STATIC; i += sizeof(uint64_t)) {
        uint64_t word = read_word(reader, address + i);
        if (word && word % 8 == 0 && is_interpreter(reader, word))
            return word;
    }
    return 0;
}

/*
 * 3.6 has the head of its list in a static variable without an address of ours, but next to one: it
 * is among the variables with a value (the mapping of _PyGC_generation0) or those without one,
 * behind them. Of more than one interpreter the first that is found, and those after it.
 */
static uint64_t search_interpreter(const struct reader *reader)
{
    const struct image_range *range = image_range_of(reader->image, reader->python->generation0);
    uint64_t missed = reader->image->missed, found = 0;

    for (unsigned i = 0; range && i < 2 && !found; i++) {
        uint64_t end = range->start + range->size;
        found = find_interpreter(reader, range->start, range->size);
        range = image_range_of(reader->image, end);
    }
    reader->image->missed = missed; /* most of the words are no addresses */
    return found;
}

static uint64_t first_interpreter(const struct reader *reader)
{
    if (!reader->python->runtime)
        return reader->python->generation0 ? search_interpreter(reader) : 0;
    return read_pointer(reader, reader->python->runtime, runtime_interpreters_head);
}

void roots_tell(const struct reader *reader, struct references *references)
{
    struct filter filter = {reader, references};
    struct references checked = {.visit = pass, .context = &filter, .most = references->most};
    struct met met = {0};
    uint64_t interpreter = first_interpreter(reader);

    if (reader->python->runtime && reader_has(reader, runtime_gc))
        tell_places(reader, field_address(reader, reader->python->runtime, runtime_gc), gc_places,
                    &checked);
    for (unsigned i = 0; interpreter && i < MOST_INTERPRETERS && !checked.ended; i++) {
        tell_interpreter(reader, interpreter, &met, &checked);
        interpreter = read_pointer(reader, interpreter, interpreter_next);
    }
}
