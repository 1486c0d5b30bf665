// SPDX-License-Identifier: MIT
#include "tests/support/pythons.h"

#include "symbols/base/cleanup.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const KIND_NAMES[] = {
    [PYTHON_SUPPORTED] = "cpython",
    [PYTHON_NO_DEBUG_INFO] = "no-debug-info",
    [PYTHON_FREE_THREADED] = "free-threaded",
    [PYTHON_OTHER] = "other",
};
static const char DEBUG_BUILD[] = "cpython-debug";

size_t pythons_find(struct interpreter ret[PYTHONS_MAX], enum python_kind kind)
{
    const char *list = getenv("PYINSPECT_FOUND");
    AUTO_FCLOSE FILE *file = list ? fopen(list, "re") : NULL;
    char line[2048];
    size_t count = 0;

    /* Criterion waits for ever for an assertion outside of a test, where parameters are made. */
    if (!file) {
        fputs("PYINSPECT_FOUND names no list of interpreters: run `make check`\n", stderr);
        _exit(2);
    }
    for (int number = 1; count < PYTHONS_MAX && fgets(line, sizeof(line), file); number++) {
        struct interpreter python = {.kind = kind};
        char kind_name[32];
        if (sscanf(line, "%31s %511s %31s %511s", python.version, python.path, kind_name,
                   python.image) != 4)
            continue;
        python.debug_build = strcmp(kind_name, DEBUG_BUILD) == 0;
        if (strcmp(python.debug_build ? KIND_NAMES[PYTHON_SUPPORTED] : kind_name,
                   KIND_NAMES[kind]) != 0 ||
            sscanf(python.version, "%d.%d", &python.major, &python.minor) != 2)
            continue;
        snprintf(python.name, sizeof(python.name), "%s #%d", python.version, number);
        ret[count++] = python;
    }
    return count;
}

struct criterion_test_params pythons_some(void)
{
    static size_t indices[3];
    struct interpreter pythons[PYTHONS_MAX];
    size_t usual[PYTHONS_MAX], count = 0, kept = 0;

    for (size_t i = 0, found = pythons_find(pythons, PYTHON_SUPPORTED); i < found; i++) {
        if (!pythons[i].debug_build)
            usual[count++] = i;
    }
    cr_assert_gt(count, 0, "no interpreter to test with");
    for (size_t i = 0; i < 3; i++) {
        size_t index = usual[i * (count - 1) / 2];
        if (!kept || indices[kept - 1] != index)
            indices[kept++] = index;
    }
    return cr_make_param_array(size_t, indices, kept);
}

bool pythons_is_first(const struct interpreter *pythons, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(pythons[i].version, pythons[index].version) == 0)
            return false;
    }
    return true;
}

struct criterion_test_params pythons_each(bool debug_builds)
{
    static size_t indices[PYTHONS_MAX];
    struct interpreter pythons[PYTHONS_MAX];
    size_t found = pythons_find(pythons, PYTHON_SUPPORTED), count = 0;

    for (size_t i = 0; i < found; i++) {
        if (pythons_is_first(pythons, i) && (debug_builds || !pythons[i].debug_build))
            indices[count++] = i;
    }
    return cr_make_param_array(size_t, indices, count);
}

struct interpreter pythons_get(const size_t *index)
{
    struct interpreter pythons[PYTHONS_MAX];

    cr_assert_lt(*index, pythons_find(pythons, PYTHON_SUPPORTED));
    return pythons[*index];
}

bool interpreter_imports(const struct interpreter *python, const char *modules)
{
    char command[sizeof(python->path) + 128];

    snprintf(command, sizeof(command), "'%s' -c 'import %s' 2>/dev/null", python->path, modules);
    return system(command) == 0;
}
