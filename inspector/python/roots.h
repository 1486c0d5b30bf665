// SPDX-License-Identifier: MIT
/*
 * roots - what keeps objects alive without being an object that the collector tracks: the
 * interpreters' own tables, and the frames of all threads.
 *
 *     of an interpreter    sys.modules, the dictionaries of sys and builtins, the interned strings,
 *                          and what else its structure names: codecs, hooks, callbacks, caches
 *     of a thread          what its running frames hold (locals, cells, code, function, the
 *                          evaluation stack as far as it is known), its exceptions, context, dict,
 *                          its running task
 *     of the process       the handlers of signals (statics.h)
 *     of static types      themselves; and what other interpreters than the main one keep of them
 *
 * Up to 3.10 a frame is an object, and told as that; its locals besides.
 *
 * Things that a build does not tell of are left out: up to 3.11 the interned strings, which are in
 * a static variable. For the interpreters of 3.6 see interpreters.h.
 */
#ifndef PYINSPECT_ROOTS_H
#define PYINSPECT_ROOTS_H

#include "inspector/python/reader.h"
#include "inspector/python/reference.h"

enum root_kind {
    ROOT_NONE,
    ROOT_MODULE,      /* a module that sys.modules has: `name` is its key there */
    ROOT_LOCAL,       /* a local variable of a running frame */
    ROOT_FRAME,       /* what else such a frame holds: its stack, its function, its namespaces */
    ROOT_THREAD,      /* of a thread: its exceptions, context, dict; a running task */
    ROOT_INTERPRETER, /* of the interpreter: its tables, caches, hooks */
    ROOT_TYPE,        /* a static type, and what an interpreter keeps of one (`name` is the type) */
    ROOT_STATIC,      /* a variable of C code: told by static_words.h, not here */
};

/*
 * What holds an object without being one that the collector tracks. Its reference is_owned, and
 * is_guess where it is a word on the stack of a frame that runs: it may have been popped.
 */
struct root {
    enum root_kind kind;
    struct reference reference; /* what is held, and as what: the local's name, the table's */
    /* Not counted for this: sys.modules itself holds its modules, a frame object its locals. */
    bool is_borrowed;
    uint64_t interpreter; /* its address, and its number: 0 is the main one */
    unsigned interpreter_number;
    uint64_t thread;       /* PyThreadState; 0: of no thread */
    uint64_t thread_id;    /* the kernel's, as ps -L tells it (3.11 and later); else 0 */
    uint64_t thread_ident; /* as threading.get_ident() says; 0: not known */
    uint64_t code;         /* of the frame: a code object; 0: of no frame */
    uint64_t function;     /* its function (3.11 and later); else 0 */
    uint32_t line;         /* where it is; 0: not known */
    unsigned depth;        /* of the frame in its thread: 0 is the one that runs */
    /* ROOT_MODULE: a str; ROOT_TYPE: a type; ROOT_STATIC: that of the module which has the file, or
     * 0. */
    uint64_t name;
    uint64_t place;          /* ROOT_STATIC: where the variable is */
    uint64_t file, file_end; /* ROOT_STATIC: what is mapped of its file */
};

/* False: enough. */
typedef bool root_visit(void *context, const struct root *root);

/* Tells the roots one by one, with where they are: what is an object as far as can be seen
 * (object_is_there). Of each interpreter first its modules, then its threads, then the rest. */
void roots_each(const struct reader *reader, root_visit *visit, void *context);

/* Tells what they hold, but for guesses and static types, to whom only `references` matter; and the
 * dicts that static variables of the interpreter hold, which the collector may not track: but for
 * that of the interned strings. */
void roots_tell(const struct reader *reader, struct references *references);

#endif
