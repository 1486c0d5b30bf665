// SPDX-License-Identifier: MIT
#include "inspector/target/rooms.h"

#include <criterion/criterion.h>

enum { PAGE = 4096 };

Test(rooms, are_lent_and_begin_anew_when_all_are_back)
{
    struct rooms rooms = {0};

    cr_expect_null(rooms_lend(&rooms, PAGE), "there is none");
    rooms_open(&rooms);
    uint8_t *first = rooms_lend(&rooms, PAGE), *second = rooms_lend(&rooms, 2 * PAGE);
    cr_assert(first && second);
    cr_expect_eq(second, first + PAGE);
    cr_expect_null(rooms_lend(&rooms, ROOMS_BYTES - 2 * PAGE));
    cr_expect_null(rooms_lend(&rooms, UINT64_MAX));
    second[0] = 7;
    rooms_take_back(&rooms);
    cr_expect_eq(rooms_lend(&rooms, PAGE), first + 3 * PAGE, "one of them was out still");
    rooms_take_back(&rooms);
    rooms_take_back(&rooms);
    cr_expect_eq(rooms_lend(&rooms, ROOMS_BYTES), first);
    cr_expect_eq(first[PAGE], 7, "its pages are kept");
    cr_expect_null(rooms_lend(&rooms, PAGE));
    rooms_take_back(&rooms);
    rooms_close(&rooms);
}
