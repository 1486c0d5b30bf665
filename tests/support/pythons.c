// SPDX-License-Identifier: MIT
#include "tests/support/pythons.h"

#include "symbols/base/cleanup.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const KIND_NAMES[] = {
    [PYTHON_SUPPORTED] = "cpython",
    [PYTHON_NO_DEBUG_INFO] = "no-debug-info",
    [PYTHON_FREE_THREADED] = "free-threaded",
    [PYTHON_OTHER] = "other",
};

size_t pythons_find(struct interpreter ret[PYTHONS_MAX], enum python_kind kind)
{
    const char *list = getenv("PYINSPECT_FOUND");
    AUTO_FCLOSE FILE *file = list ? fopen(list, "re") : NULL;
    cr_assert(file, "PYINSPECT_FOUND names no list of interpreters: run `make check`");

    char line[1024];
    size_t count = 0;
    for (int number = 1; count < PYTHONS_MAX && fgets(line, sizeof(line), file); number++) {
        struct interpreter python = {.kind = kind};
        char kind_name[32];
        if (sscanf(line, "%31s %511s %31s", python.version, python.path, kind_name) != 3 ||
            strcmp(kind_name, KIND_NAMES[kind]) != 0 ||
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
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED), kept = 0;

    cr_assert_gt(count, 0, "no interpreter to test with");
    for (size_t i = 0; i < 3; i++) {
        size_t index = i * (count - 1) / 2;
        if (!kept || indices[kept - 1] != index)
            indices[kept++] = index;
    }
    return cr_make_param_array(size_t, indices, kept);
}

struct interpreter pythons_get(const size_t *index)
{
    struct interpreter pythons[PYTHONS_MAX];

    cr_assert_lt(*index, pythons_find(pythons, PYTHON_SUPPORTED));
    return pythons[*index];
}
