// SPDX-License-Identifier: MIT
#include "tests/support/watching.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_MORE = 20 };

void watching_target(struct obedient *ret)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    cr_assert_gt(count, 0, "no interpreter to test with");
    obedient_start(ret, &pythons[count / 2]);
}

void watching_start(struct lasting *ret, pid_t pid, const char *const *more)
{
    const char *words[MOST_MORE + 3] = {"watch"};
    char number[16];

    snprintf(number, sizeof(number), "%d", (int)pid);
    words[1] = number;
    for (size_t i = 0; i < MOST_MORE && more[i]; i++)
        words[i + 2] = more[i];
    lasting_start(ret, words);
}

void watching_skip(struct lasting *lasting, unsigned count)
{
    while (count--)
        free(lasting_line(lasting));
}
