// SPDX-License-Identifier: MIT
/*
 * error - why something could not be done, as a plain value.
 *
 * Every function that can fail returns bool (true: done), is marked MUST_CHECK and takes a
 * `struct error *` as its last argument. The value owns nothing, so there is nothing to free and
 * describing a failure cannot itself fail. On failure the other output arguments are untouched.
 *
 * The text is one line that says what was tried, on what, why it failed and what the user can do.
 * It may quote the target; whoever prints it escapes it (text_add_escaped). Where it is too long,
 * a reason is kept before what was said in front of it, which then ends in "...".
 *
 * Damage inside a target is not an error: it is counted where it is met and the walk goes on.
 */
#ifndef PYINSPECT_ERROR_H
#define PYINSPECT_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(string, first) __attribute__((format(printf, string, first)))

/* What a caller may want to tell apart; main turns a kind into the exit status. */
enum error_kind {
    ERROR_NONE,
    ERROR_USAGE,  /* the command line is wrong */
    ERROR_TARGET, /* the target cannot be inspected: gone, not permitted, already traced */
    ERROR_PYTHON, /* no Python in it, or no layout for this Python */
    ERROR_LIMIT,  /* a bound that the user set would be broken; nothing was done */
    ERROR_INPUT,  /* a file given as input is damaged or of another kind */
    ERROR_OUTPUT, /* the answer could not be written */
    ERROR_SYSTEM, /* our own side failed: no memory, no threads */
};

struct error {
    enum error_kind kind;
    char text[1024];
};

/* Fill `err` and return false, so that a failing function can end in `return error_set(...)`. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same with ": <strerror(errno)>" at the end; errno is read before anything else. */
bool error_errno(struct error *err, enum error_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The failure of malloc and its like. */
bool error_memory(struct error *err);

/* Is that why it failed, whatever was said in front of it? */
bool error_is_memory(const struct error *err);

/* Put "<what>: " before a text that a deeper function set. Returns false. */
bool error_context(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
