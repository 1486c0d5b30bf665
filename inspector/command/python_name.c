// SPDX-License-Identifier: MIT
#include "inspector/command/python_name.h"

#include <string.h>

static bool skip(const char **at, const char *start)
{
    size_t length = strlen(start);

    if (strncmp(*at, start, length) != 0)
        return false;
    *at += length;
    return true;
}

/* Of at most two digits; -1 where there is none. */
static int take_number(const char **at)
{
    int number = -1;

    for (int digits = 0; digits < 2 && **at >= '0' && **at <= '9'; digits++)
        number = (number < 0 ? 0 : number * 10) + (*(*at)++ - '0');
    return number;
}

struct python_name python_name_parse(const char *name)
{
    const struct python_name none = {.kind = NAMED_OTHERWISE};
    struct python_name found = {.kind = NAMED_CPYTHON, .major = -1, .minor = -1};
    const char *at = name;
    bool is_library = skip(&at, "lib");

    if (skip(&at, "pypy"))
        found.kind = NAMED_PYPY;
    else if (!skip(&at, "python"))
        return none;
    found.major = take_number(&at);
    if (found.major >= 0 && at[0] == '.' && at[1] >= '0' && at[1] <= '9') {
        at++;
        found.minor = take_number(&at);
    }
    if (found.kind == NAMED_PYPY)
        skip(&at, "-c");
    for (; *at && strchr("dmut", *at); at++) {
        if (*at == 't' && found.kind == NAMED_CPYTHON)
            found.kind = NAMED_FREE_THREADED;
    }
    if (!is_library)
        skip(&at, "-dbg");
    bool ends = is_library ? skip(&at, ".so") && (!*at || *at == '.') : !*at;
    return ends ? found : none;
}

enum name_rank python_name_judge(const char *name)
{
    struct python_name found = python_name_parse(name);

    if (found.kind == NAMED_OTHERWISE)
        return NAME_OTHER;
    return found.minor >= 0 ? NAME_CERTAIN : NAME_LIKELY;
}
