// SPDX-License-Identifier: MIT
#include "inspector/python/roots.h"

#include "inspector/python/dict.h"
#include "inspector/python/frame.h"
#include "inspector/python/interpreters.h"
#include "inspector/python/names.h"
#include "inspector/python/object.h"
#include "inspector/python/static_type.h"
#include "inspector/python/statics.h"

#include <string.h>

enum {
    MOST_THREADS = 1 << 17,    /* of all interpreters */
    MOST_FRAMES = 1 << 22,     /* of all threads */
    MOST_EXCEPTIONS = 1 << 22, /* that are being handled */
    MOST_STATES = 1 << 12,     /* of static types, in an interpreter */
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
    {"ast", interp_ast},
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

/* How many were met: each list may run in a circle, whose members have lists that do. */
struct met {
    uint64_t threads, frames, exceptions;
};

struct walk {
    const struct reader *reader;
    root_visit *visit;
    void *context;
    struct references references;
    struct root here; /* what those that are told have in common */
    struct met met;
};

/* Passes on what is an object. */
static bool pass(void *context, const struct reference *reference)
{
    struct walk *walk = context;
    struct root root = walk->here;

    if (!object_is_there(walk->reader, reference->to))
        return true;
    root.reference = *reference;
    if (root.kind == ROOT_FRAME && reference->label == LABEL_LOCAL)
        root.kind = ROOT_LOCAL;
    return walk->visit(walk->context, &root);
}

static void tell(struct walk *walk, uint64_t to, const char *name)
{
    reference_owned(&walk->references, to, name);
}

static void tell_places(struct walk *walk, uint64_t address, const struct place *places)
{
    const struct reader *reader = walk->reader;
    const struct layout *layout = &reader->python->layout;

    for (; places->name && !walk->references.ended; places++) {
        uint64_t first = field_address(reader, address, places->field);
        if (!first)
            continue;
        for (uint64_t i = 0; i < layout_size(layout, places->field) / sizeof(first); i++)
            tell(walk, read_word(reader, first + i * sizeof(first)), places->name);
    }
}

/* An array of pointers, whose address and length are fields. False: there is none. */
static bool find_array(const struct reader *reader, uint64_t address, enum layout_slot_id items,
                       enum layout_slot_id count, uint64_t *ret_items, uint64_t *ret_count)
{
    *ret_items = read_pointer(reader, address, items);
    return *ret_items && read_field(reader, address, count, ret_count) &&
           reader_has_room(reader, *ret_items, *ret_count, sizeof(*ret_items));
}

/* The strings of the interpreter's own identifiers. */
static void tell_identifiers(struct walk *walk, uint64_t interpreter)
{
    uint64_t items, count;

    if (!find_array(walk->reader, interpreter, interp_unicode_ids, interp_unicode_id_count, &items,
                    &count))
        return;
    for (uint64_t i = 0; i < count && !walk->references.ended; i++)
        tell(walk, read_word(walk->reader, items + i * sizeof(items)), "identifiers");
}

/* The names of attributes that types were asked for last. */
static void tell_type_cache(struct walk *walk, uint64_t interpreter)
{
    const struct reader *reader = walk->reader;
    const struct layout *layout = &reader->python->layout;
    uint64_t first = field_address(reader, interpreter, interp_type_cache);

    if (!first || !reader_has(reader, type_cache_entry_name))
        return;
    uint64_t size = layout_size(layout, sizeof_type_cache_entry);
    for (uint64_t at = 0; at + size <= layout_size(layout, interp_type_cache); at += size)
        tell(walk, read_pointer(reader, first + at, type_cache_entry_name), "type_cache");
}

/* 3.10 to 3.13: an array of pointers to what is to be called; a list since then. */
static void tell_atexit(struct walk *walk, uint64_t interpreter)
{
    const struct reader *reader = walk->reader;
    uint64_t calls, count;

    if (!reader_has(reader, interp_atexit_count)) {
        tell(walk, read_pointer(reader, interpreter, interp_atexit_callbacks), "atexit_callbacks");
        return;
    }
    if (!find_array(reader, interpreter, interp_atexit_callbacks, interp_atexit_count, &calls,
                    &count))
        return;
    for (uint64_t i = 0; i < count && !walk->references.ended; i++) {
        uint64_t call = read_word(reader, calls + i * sizeof(call));
        if (call)
            tell_places(walk, call, call_places);
    }
}

/* The exceptions that are being handled: of the thread, and of the generators that run in it. */
static void tell_exceptions(struct walk *walk, uint64_t thread)
{
    const struct reader *reader = walk->reader;
    uint64_t item = read_pointer(reader, thread, thread_exc_info);

    for (; item && walk->met.exceptions < MOST_EXCEPTIONS && !walk->references.ended;
         walk->met.exceptions++) {
        tell_places(walk, item, exception_places);
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

/* Nobody knows how much of the stack of a frame that runs is in use. */
static void guess_stack(struct walk *walk, const struct frame_view *view)
{
    const struct reader *reader = walk->reader;
    uint64_t slots;

    if (!frame_slots(reader, view->code, &slots) ||
        !reader_has_room(reader, view->slots, slots, sizeof(slots)))
        return;
    for (uint64_t i = view->locals; i < slots && !walk->references.ended; i++)
        reference_tell(&walk->references,
                       &(struct reference){.to = untag(read_word(reader, view->slots + i * 8)),
                                           .label = LABEL_FIELD,
                                           .name = "stack",
                                           .number = i - view->locals,
                                           .is_owned = true,
                                           .is_guess = true});
}

/* A frame object, up to 3.10, refers to what it holds; so does a generator, but for variables and
 * stack of a frame that runs. */
static void tell_contents(struct walk *walk, const struct frame_view *view, bool is_object)
{
    const struct reader *reader = walk->reader;

    if (is_object) {
        tell(walk, view->address, "frame");
        walk->here.is_borrowed = true;
        frame_variables(reader, view, true, &walk->references);
    } else if (view->owner == FRAME_OF_GENERATOR) {
        walk->here.is_borrowed = !view->is_running;
        frame_variables(reader, view, true, &walk->references);
        frame_stack(reader, view, true, &walk->references);
    } else {
        frame_contents(reader, view, true, true, &walk->references);
    }
    walk->here.is_borrowed = false;
}

static void tell_frame(struct walk *walk, struct frame_view *view, bool is_object)
{
    bool is_topmost = !walk->here.depth;

    const struct root here = walk->here;

    walk->here.kind = ROOT_FRAME;
    walk->here.code = view->code;
    walk->here.function = view->function;
    if (!frame_line(walk->reader, view, &walk->here.line))
        walk->here.line = 0;
    if (is_topmost && !is_object)
        view->stack = 0; /* what 3.15 says of the one that runs may be out of date */
    tell_contents(walk, view, is_object);
    if (view->is_running || is_topmost)
        guess_stack(walk, view);
    walk->here = here;
    walk->here.depth++;
}

static void tell_frames(struct walk *walk, uint64_t thread)
{
    const struct reader *reader = walk->reader;
    bool are_objects = !reader_has(reader, interpreter_frame_localsplus);
    uint64_t frame = topmost_frame(reader, thread);
    struct frame_view view;

    for (; walk->met.frames < MOST_FRAMES && !walk->references.ended; walk->met.frames++) {
        if (!frame_view_of(reader, frame, &view))
            return;
        if (view.code || are_objects)
            tell_frame(walk, &view, are_objects);
        frame = view.previous;
    }
}

static void tell_thread(struct walk *walk, uint64_t thread)
{
    const struct reader *reader = walk->reader;
    const struct root here = walk->here;

    walk->here.kind = ROOT_THREAD;
    walk->here.thread = thread;
    walk->here.thread_id = read_pointer(reader, thread, thread_native_id);
    walk->here.thread_ident = read_pointer(reader, thread, thread_ident);
    tell_frames(walk, thread);
    tell_places(walk, thread, thread_places);
    tell_exceptions(walk, thread);
    walk->here = here;
}

static void tell_modules(struct walk *walk, uint64_t interpreter)
{
    const struct reader *reader = walk->reader;
    const struct root here = walk->here;
    struct dict_walk entries;
    struct dict_entry entry;

    walk->here.kind = ROOT_MODULE;
    walk->here.is_borrowed = true;
    if (!dict_open(reader, read_pointer(reader, interpreter, interp_modules), &entries))
        return;
    while (!walk->references.ended && dict_next(&entries, &entry)) {
        walk->here.name = entry.key;
        if (is_given(reader, entry.value))
            reference_tell(&walk->references, &(struct reference){.to = entry.value,
                                                                  .label = LABEL_VALUE,
                                                                  .is_owned = true,
                                                                  .key = entry.key,
                                                                  .number = entry.number});
    }
    walk->here = here;
}

/* The definition of a module that has no state of its own keeps a copy of its dictionary. */
static void tell_copies(struct walk *walk, uint64_t interpreter)
{
    const struct reader *reader = walk->reader;
    uint64_t list = read_pointer(reader, interpreter, interp_modules_by_index), count;
    uint64_t items = read_pointer(reader, list, PyListObject_ob_item);

    if (!items || !read_count(reader, list, items, sizeof(items), &count))
        return;
    for (uint64_t i = 0; i < count && !walk->references.ended; i++) {
        uint64_t module = read_word(reader, items + i * sizeof(items));
        const struct type *type = module ? reader_type_of(reader, module) : NULL;
        if (type && strcmp(type->name, "module") == 0)
            tell(walk,
                 read_pointer(reader, read_pointer(reader, module, PyModuleObject_md_def),
                              PyModuleDef_m_copy),
                 "m_copy");
    }
}

/* What the interpreter keeps of static types, in `table`, is theirs, unless another interpreter's
 * is (static_type.h). */
static void tell_states(struct walk *walk, uint64_t interpreter, enum layout_slot_id table)
{
    const struct reader *reader = walk->reader;
    const struct layout *layout = &reader->python->layout;
    uint64_t first = field_address(reader, interpreter, table);

    if (!first || !reader_has(reader, sizeof_static_type_state))
        return;
    uint64_t size = layout_size(layout, sizeof_static_type_state);
    walk->here.kind = ROOT_TYPE;
    for (uint64_t i = 0; i < layout_size(layout, table) / size && i < MOST_STATES; i++) {
        uint64_t type = read_pointer(reader, first + i * size, static_type_state_type);
        uint64_t dict = read_pointer(reader, first + i * size, static_type_state_tp_dict);
        walk->here.name = type;
        uint64_t subclasses =
            read_pointer(reader, first + i * size, static_type_state_tp_subclasses);
        if (type && dict && dict != static_type_dict(reader, type)) {
            tell(walk, dict, "__dict__");
            tell(walk, subclasses, "tp_subclasses");
        }
    }
    walk->here.name = 0;
}

static void tell_interpreter(struct walk *walk, uint64_t interpreter)
{
    const struct reader *reader = walk->reader;
    uint64_t thread = read_pointer(reader, interpreter, interp_threads);

    tell_modules(walk, interpreter);
    for (; thread && walk->met.threads < MOST_THREADS && !walk->references.ended;
         walk->met.threads++) {
        tell_thread(walk, thread);
        thread = read_pointer(reader, thread, thread_next);
    }
    walk->here.kind = ROOT_INTERPRETER;
    tell_places(walk, interpreter, interpreter_places);
    if (reader_has(reader, interpreter_gc))
        tell_places(walk, field_address(reader, interpreter, interpreter_gc), gc_places);
    tell_identifiers(walk, interpreter);
    tell_type_cache(walk, interpreter);
    tell_atexit(walk, interpreter);
    if (!walk->here.interpreter_number) /* all have the same definitions */
        tell_copies(walk, interpreter);
    tell_states(walk, interpreter, interp_builtin_types);
    tell_states(walk, interpreter, interp_extension_types);
}

/* What signal.signal() was given. */
static void tell_signal_handlers(struct walk *walk)
{
    uint64_t handlers = statics_signal_handlers(walk->reader);

    walk->here.kind = ROOT_INTERPRETER;
    for (unsigned i = 1; handlers && i < STATICS_SIGNALS && !walk->references.ended; i++)
        reference_tell(
            &walk->references,
            &(struct reference){.to = read_word(walk->reader, handlers + i * STATICS_HANDLER_SIZE +
                                                                  sizeof(uint64_t)),
                                .label = LABEL_FIELD,
                                .name = "signal_handlers",
                                .number = i,
                                .is_owned = true});
}

/* Those that were met so far: of the others nobody knows. */
static void tell_static_types(struct walk *walk)
{
    const struct types *types = walk->reader->types;

    walk->here = (struct root){.kind = ROOT_TYPE};
    for (size_t i = 0; i < types->count && !walk->references.ended; i++) {
        const struct type *type = types->items[i];
        walk->here.name = type->address;
        if (type->valid && !(type->flags & TPFLAGS_HEAPTYPE))
            tell(walk, type->address, "static type");
    }
}

static unsigned count_interpreters(const struct reader *reader)
{
    uint64_t interpreter = interpreters_first(reader);
    unsigned count = 0;

    for (; interpreter && count < INTERPRETERS_MOST; count++)
        interpreter = interpreters_next(reader, interpreter);
    return count;
}

static void walk_all(struct walk *walk)
{
    const struct reader *reader = walk->reader;
    unsigned count = count_interpreters(reader);
    uint64_t interpreter = interpreters_first(reader);

    walk->references.visit = pass;
    walk->references.context = walk;
    if (reader->python->runtime && reader_has(reader, runtime_gc)) {
        walk->here.kind = ROOT_INTERPRETER;
        tell_places(walk, field_address(reader, reader->python->runtime, runtime_gc), gc_places);
    }
    for (unsigned i = 0; interpreter && i < count && !walk->references.ended; i++) {
        walk->here = (struct root){.interpreter = interpreter, .interpreter_number = count - 1 - i};
        tell_interpreter(walk, interpreter);
        if (!walk->here.interpreter_number)
            tell_signal_handlers(walk);
        interpreter = interpreters_next(reader, interpreter);
    }
}

/* As many as there is memory for: frames of a damaged heap may lie over each other. */
static uint64_t most_references(const struct image *image)
{
    const uint64_t few = 1 << 22;

    return image->bytes + few;
}

void roots_each(const struct reader *reader, root_visit *visit, void *context)
{
    struct walk walk = {.reader = reader,
                        .visit = visit,
                        .context = context,
                        .references.most = most_references(reader->image)};

    walk_all(&walk);
    tell_static_types(&walk);
}

/* Is each key its own value, as far as can be seen at once: the interned strings? */
static bool is_interned(const struct reader *reader, uint64_t dict)
{
    struct dict_walk walk;
    struct dict_entry entry;

    return dict_open(reader, dict, &walk) && dict_next(&walk, &entry) && entry.key == entry.value;
}

static bool tell_static_dicts(void *context, uint64_t address, const uint64_t *words, size_t count)
{
    struct walk *walk = context;
    const struct reader *reader = walk->reader;

    for (size_t i = 0; i < count && !walk->references.ended; i++) {
        if (!words[i] || statics_is_state(reader, address + i * sizeof(*words)) ||
            words[i] % sizeof(uint64_t) || !object_is_there(reader, words[i]))
            continue;
        const struct type *type = reader_type_of(reader, words[i]);
        if (type && strcmp(type->name, "dict") == 0 && !is_interned(reader, words[i]))
            tell(walk, words[i], "static variable");
    }
    return !walk->references.ended;
}

static bool tell_static_segment(void *context, const struct statics_segment *segment)
{
    struct walk *walk = context;

    return statics_read(walk->reader, segment, tell_static_dicts, walk);
}

static bool tell_root(void *context, const struct root *root)
{
    struct references *references = context;

    if (!root->reference.is_guess)
        reference_tell(references, &root->reference);
    return !references->ended;
}

void roots_tell(const struct reader *reader, struct references *references)
{
    uint64_t before = references->told;
    struct walk walk = {.reader = reader,
                        .visit = tell_root,
                        .context = references,
                        .references.most = references->most};

    walk_all(&walk);
    walk.here = (struct root){.kind = ROOT_STATIC};
    statics_each_own(reader, tell_static_segment, &walk);
    if (walk.references.told > references->told - before) /* places without an object, too */
        reference_skip(references, walk.references.told - (references->told - before));
}
