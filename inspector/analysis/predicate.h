// SPDX-License-Identifier: MIT
/*
 * predicate - a question about one object that a person types: which ones are filtered, highlighted
 * or looked for (EXPR of --filter, --highlight, --to).
 *
 *     EXPR      := EXPR or EXPR | EXPR and EXPR | not EXPR | ( EXPR ) | TERM
 *     TERM      := FIELD OP VALUE | FLAG
 *     VALUE     := a number (0x..., 4096, 64k, 512MiB), or a text in '...' or "..." (no escapes)
 *
 * `not` binds closest, then `and`. As in "type == 'dict' and len > 1000 or type ~ 'app.*'".
 *
 *     type        its name as reports have it: app.models.Order, list
 *     short_type  without the module: Order
 *     module      of its type; builtins for those without one
 *     address     of the object
 *     size        as sys.getsizeof() says
 *     refcount    as it is; an immortal object has none
 *     len         items of a list, tuple, set, dict, deque, array; characters, bytes
 *     generation  of the collector's, 0 to 2, 3 for the permanent one; what it does not track has
 *                 none
 *     depth       in the picture that is drawn
 *     repr        the first 1024 characters of it
 *     attr.NAME   an attribute, as vars() and slots have it, or a field that C code holds: of a str
 *                 the text itself, of all else the repr
 *
 *     tracked, immortal, is_class, is_module, is_function, is_frame
 *     is_proper_module  a module that sys.modules has under its own name
 *     has_del           its class has a __del__
 *
 * Numbers are compared by == != < <= > >=, texts by == and != and by ~ and !~, which match a shell
 * pattern (* ? [ ]), of names several with commas. repr and attr.NAME are compared as what the
 * value is, a text or a number. A field that an object has not makes its term false, whatever the
 * operator is. What costs most (repr, attr) is asked only where the rest does not decide.
 */
#ifndef PYINSPECT_PREDICATE_H
#define PYINSPECT_PREDICATE_H

#include "inspector/python/heap.h"
#include "inspector/python/reader.h"
#include "symbols/base/text.h"

struct predicate;

/* ERROR_USAGE that shows by a ^ where in the text it went wrong, and says what may stand there. */
MUST_CHECK bool predicate_parse(struct predicate **ret, const char *text, struct error *err);
void predicate_free(struct predicate *predicate); /* NULL is fine */

/* Adds it as a text that is parsed to the same. */
void predicate_print(const struct predicate *predicate, struct text *text);

/* An object that is asked about, with what is known beside its memory. */
struct predicate_subject {
    uint64_t address;
    const struct type *type;
    bool is_tracked;
    int generation; /* enum generation; -1: not known, or not tracked */
    unsigned depth; /* in the graph that is drawn */
};

/* Does it need `is_tracked` and `generation`? (They take a walk of the collector's lists.) */
bool predicate_wants_lists(const struct predicate *predicate);

bool predicate_holds(const struct predicate *predicate, const struct reader *reader,
                     const struct predicate_subject *subject);

#endif
