// SPDX-License-Identifier: MIT
#include "inspector/python/traverse_setting.h"

#include "inspector/python/exported.h"
#include "inspector/sandbox/missing.h"

enum { WORD = 8, MOST_THREADS = 65536, MOST_WALKED = 4096, THREAD_WORDS = 128 };

/* Of a file's code all is asked for that is not more than this, and else what is around. */
static const uint64_t most_code = UINT64_C(64) * 1024 * 1024, some_code = UINT64_C(1024) * 1024;

/* What code is in use is found by the functions of the types that were met. */
static void touch_code(const struct reader *reader)
{
    const struct image_range *last = NULL;

    for (size_t i = 0; i < reader->types->count; i++) {
        uint64_t function = reader->types->items[i]->traverse;
        const struct image_range *range = image_range_of(reader->image, function);
        if (!function || !range || !range->executable || range == last)
            continue;
        uint64_t offset = function - range->start;
        if (range->size <= most_code) {
            last = range;
            offset = 0;
        }
        uint64_t left = range->size - offset;
        uint64_t size = last == range ? range->size : left < some_code ? left : some_code;
        missing_touch(reader->image, range->start + offset, size);
    }
}

/* Where the interpreter's file is mapped. */
static uint64_t place_of_state(const struct reader *reader)
{
    return reader->python->runtime ? reader->python->runtime : reader->python->generation0;
}

/* The newest. In 3.6 no structure has the head of their list, but a function returns it. */
static uint64_t newest_interpreter(const struct reader *reader)
{
    if (reader->python->runtime)
        return read_pointer(reader, reader->python->runtime, runtime_interpreters_head);
    uint64_t head = exported_function(reader, place_of_state(reader), "PyInterpreterState_Head");
    uint64_t word = returned_word(reader, head, 0);
    return word ? read_word(reader, word) : 0;
}

/* The first thread of the first interpreter: each list has the newest in front. */
static uint64_t first_thread(const struct reader *reader)
{
    uint64_t interpreter = 0, thread = 0, next = newest_interpreter(reader);

    for (unsigned i = 0; next && i < MOST_WALKED; i++) {
        interpreter = next;
        next = read_pointer(reader, interpreter, interpreter_next);
    }
    next = read_pointer(reader, interpreter, interp_threads);
    for (unsigned i = 0; next && i < MOST_THREADS; i++) {
        thread = next;
        next = read_pointer(reader, thread, thread_next);
    }
    return thread;
}

/* A thread's control block begins with its own address (the ABI of x86-64 says so); no structure of
 * CPython's that a thread state points to does. */
static bool is_thread_pointer(const struct reader *reader, uint64_t thread, uint64_t word)
{
    return word && word % WORD == 0 && word - thread >= THREAD_WORDS * WORD &&
           image_range_of(reader->image, word) && read_word(reader, word) == word &&
           read_word(reader, word + 2 * WORD) == word;
}

static uint64_t thread_pointer_of(const struct reader *reader, uint64_t thread)
{
    const uint64_t missed = reader->image->missed;
    uint64_t found = 0;

    for (unsigned i = 0; thread && i < THREAD_WORDS && !found; i++) {
        uint64_t word = read_word(reader, thread + i * WORD);
        if (is_thread_pointer(reader, thread, word))
            found = word;
    }
    reader->image->missed = missed;
    return found;
}

/*
 * Where a function looks for the current thread: in _PyRuntime.gilstate.tstate_current up to 3.11,
 * since then in the thread-local _Py_tss_tstate. No structure tells of either, but functions
 * return them. What is not empty and not that thread is something else.
 */
static uint64_t current_thread_word(const struct reader *reader, uint64_t thread,
                                    uint64_t thread_pointer)
{
    static const char *const names[] = {"_PyThreadState_UncheckedGet", "PyThreadState_GetUnchecked",
                                        "_PyThreadState_GetCurrent", "PyThreadState_Get"};
    const uint64_t missed = reader->image->missed;
    uint64_t found = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !found; i++) {
        uint64_t function = exported_function(reader, place_of_state(reader), names[i]);
        uint64_t at = returned_word(reader, function, thread_pointer), word;
        if (at && at % WORD == 0 && image_word(reader->image, at, WORD, &word) &&
            (!word || word == thread || read_pointer(reader, word, thread_interp)))
            found = at;
    }
    reader->image->missed = missed;
    return found;
}

struct traversal_setting traverse_setting_of(const struct reader *reader)
{
    const struct layout *layout = &reader->python->layout;
    struct traversal_setting setting = {
        .type_offset = layout_offset(layout, PyObject_ob_type),
        .traverse_offset = layout_offset(layout, type_tp_traverse),
    };
    uint64_t thread = first_thread(reader);

    touch_code(reader);
    setting.thread_pointer = thread_pointer_of(reader, thread);
    if (thread) {
        setting.current_thread_at = current_thread_word(reader, thread, setting.thread_pointer);
        setting.current_thread = thread;
    }
    return setting;
}

bool is_traversed(const struct reader *reader, const struct type *type, uint64_t address)
{
    uint64_t flags;

    if (!type || !(type->flags & TPFLAGS_HAVE_GC) || !type->traverse)
        return false;
    if (!(type->flags & TPFLAGS_TYPE_SUBCLASS))
        return true;
    return read_field(reader, address, PyTypeObject_tp_flags, &flags) && flags & TPFLAGS_HEAPTYPE;
}
