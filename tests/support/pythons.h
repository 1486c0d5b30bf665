// SPDX-License-Identifier: MIT
/*
 * pythons - the interpreters that the live tests run on.
 *
 * tests/interpreters/find.sh looks for them once per run; `make check` keeps its answer in the file
 * that PYINSPECT_FOUND names. The array is the same in every test process, so that an index into it
 * may be a test's parameter.
 */
#ifndef PYINSPECT_TESTS_PYTHONS_H
#define PYINSPECT_TESTS_PYTHONS_H

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdbool.h>
#include <stddef.h>

enum python_kind {
    PYTHON_SUPPORTED,     /* CPython with its debug information; debug builds too */
    PYTHON_NO_DEBUG_INFO, /* CPython without */
    PYTHON_FREE_THREADED, /* CPython without the GIL */
    PYTHON_OTHER,         /* PyPy and the like */
};

struct interpreter {
    int major, minor; /* 3, 11 */
    enum python_kind kind;
    bool debug_build; /* with Py_DEBUG: its objects have other sizes */
    char version[32]; /* "3.11.7", of a debug build "3.11.7d" */
    char path[512];   /* what to execute: a program, or a script that starts one */
    char image[512];  /* the file with the interpreter's code: a program or a libpython */
    char name[64];    /* for messages: "3.11.7 #2", unique within the list */
};

#define PYTHONS_MAX 64

/*
 * Fills `ret` with the interpreters of `kind`, at most PYTHONS_MAX, sorted by version, and returns
 * how many there are. Fails the test if there is no list.
 */
size_t pythons_find(struct interpreter ret[PYTHONS_MAX], enum python_kind kind);

/*
 * Three of the supported ones stand for all where a test takes long: the oldest, the newest and one
 * between, no debug build among them. The first as a parameterized test's parameters, which are
 * indices (size_t); pythons_get tells the interpreter of such an index.
 */
struct criterion_test_params pythons_some(void);

/*
 * Where every version takes long, one build of each: of those that call themselves 3.11.2 the first
 * one stands for all. A debug build is a version of its own. run-tests.sh says which are left out.
 */
bool pythons_is_first(const struct interpreter *pythons, size_t index);
struct criterion_test_params pythons_each(bool debug_builds);
struct interpreter pythons_get(const size_t *index);

/* Has it these modules, between which stand commas? It is started to see. */
bool interpreter_imports(const struct interpreter *python, const char *modules);

#endif
