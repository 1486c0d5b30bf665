// SPDX-License-Identifier: MIT
#include "inspector/analysis/foremost.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 4, ROWS = 100 };

struct sheet {
    char names[ROWS][16];
    struct growth_row rows[ROWS];
};

/* T0 has the most objects, T1 the second most, ...; none has grown. */
static struct sheet *sheet_make(void)
{
    struct sheet *sheet = calloc(1, sizeof(*sheet));

    cr_assert(sheet);
    for (unsigned i = 0; i < ROWS; i++) {
        snprintf(sheet->names[i], sizeof(sheet->names[i]), "T%u", i);
        sheet->rows[i] = (struct growth_row){.type = sheet->names[i],
                                             .type_length = strlen(sheet->names[i]),
                                             .count = 1000 - i,
                                             .bytes = 1000 - i};
    }
    return sheet;
}

/* The chosen rows' numbers: "0 1 2 3 ". */
static const char *choose(struct foremost *foremost, const struct sheet *sheet, size_t count)
{
    static char told[64];
    const size_t *chosen;
    size_t chosen_count;
    struct error err;

    cr_assert(foremost_choose(foremost, sheet->rows, count, &chosen, &chosen_count, &err), "%s",
              err.text);
    cr_assert_leq(chosen_count, MOST);
    told[0] = '\0';
    for (size_t i = 0; i < chosen_count; i++)
        snprintf(told + strlen(told), sizeof(told) - strlen(told), "%zu ", chosen[i]);
    return told;
}

Test(foremost, by_count_bytes_and_growth_in_turn)
{
    struct foremost *foremost = foremost_new(MOST);
    struct sheet *sheet = sheet_make();

    cr_expect_str_eq(choose(foremost, sheet, ROWS), "0 1 2 3 ");
    foremost_free(foremost);
    foremost = foremost_new(MOST);
    sheet->rows[70].bytes = 5000;
    sheet->rows[80].since_first = 7;
    sheet->rows[81].since_first = 3;
    sheet->rows[90].since_first = -9;
    /* The first by count, bytes and growth, then the second by growth: fewer objects than 1 has. */
    cr_expect_str_eq(choose(foremost, sheet, ROWS), "0 70 80 1 ");
    foremost_free(foremost);
    free(sheet);
}

Test(foremost, as_few_as_there_are)
{
    struct foremost *foremost = foremost_new(MOST);
    struct sheet *sheet = sheet_make();

    cr_expect_str_eq(choose(foremost, sheet, 0), "");
    cr_expect_str_eq(choose(foremost, sheet, 1), "0 ");
    cr_expect_str_eq(choose(foremost, sheet, MOST), "0 1 2 3 ");
    sheet->rows[1].type_length = 0;
    cr_expect_str_eq(choose(foremost, sheet, 2), "0 1 ");
    cr_expect_str_eq(choose(foremost, sheet, 2), "0 1 ");
    foremost_free(foremost);
    free(sheet);
}

Test(foremost, those_about_the_last_place_stay)
{
    struct foremost *foremost = foremost_new(MOST);
    struct sheet *sheet = sheet_make();

    cr_expect_str_eq(choose(foremost, sheet, ROWS), "0 1 2 3 ");
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 3; i < 2 * MOST; i++)
            sheet->rows[i].count = sheet->rows[i].bytes = 993 + (2 * i + round) % 5;
        cr_expect_str_eq(choose(foremost, sheet, ROWS), "0 1 2 3 ", "in round %u", round);
    }
    /* Out of the first eight: its place is taken. */
    sheet->rows[3].count = sheet->rows[3].bytes = 1;
    for (unsigned i = 4; i < ROWS; i++)
        sheet->rows[i].count = sheet->rows[i].bytes = 1000 - i;
    cr_expect_str_eq(choose(foremost, sheet, ROWS), "0 1 2 4 ");
    foremost_free(foremost);
    free(sheet);
}

Test(foremost, who_gets_to_the_front_is_in_at_once)
{
    struct foremost *foremost = foremost_new(MOST);
    struct sheet *sheet = sheet_make();

    cr_expect_str_eq(choose(foremost, sheet, ROWS), "0 1 2 3 ");
    sheet->rows[60].count = sheet->rows[60].bytes = 2000;
    cr_expect_str_eq(choose(foremost, sheet, ROWS), "60 0 1 2 ");
    sheet->rows[60].count = sheet->rows[60].bytes = 998; /* with T2, whose name is less */
    cr_expect_str_eq(choose(foremost, sheet, ROWS), "0 1 2 60 ");
    sheet->rows[61].since_first = 1;
    cr_expect_str_eq(choose(foremost, sheet, ROWS), "0 61 1 2 ");
    foremost_free(foremost);
    free(sheet);
}
