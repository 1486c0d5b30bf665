// SPDX-License-Identifier: MIT
#include "inspector/target/image.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const uint64_t base = UINT64_C(0x7f0000000000);
enum { PAGES = 4 };

struct piece {
    uint8_t *bytes;
    uint64_t present;
};

/* Adds PAGES pages at `start`, each byte of which holds the low bits of its own address / 8. */
static void add(struct image *image, struct piece *piece, uint64_t start)
{
    struct error err;

    piece->bytes = malloc(PAGES * IMAGE_PAGE);
    piece->present = (1 << PAGES) - 1;
    for (uint64_t i = 0; i < PAGES * IMAGE_PAGE; i++)
        piece->bytes[i] = (uint8_t)((start + i) / 8 ^ (start + i) / 4096);
    struct image_range range = {.start = start,
                                .size = PAGES * IMAGE_PAGE,
                                .bytes = piece->bytes,
                                .present = &piece->present};
    cr_assert(image_add(image, &range, &err));
}

static bool is_right(const uint8_t *bytes, uint64_t address, uint64_t size)
{
    for (uint64_t i = 0; bytes && i < size; i++) {
        if (bytes[i] != (uint8_t)((address + i) / 8 ^ (address + i) / 4096))
            return false;
    }
    return bytes != NULL;
}

Test(image, gives_what_lies_in_one_range_and_across_two)
{
    struct image image;
    struct piece pieces[3];
    const uint64_t size = PAGES * IMAGE_PAGE;

    image_init(&image);
    add(&image, &pieces[2], base + 3 * size); /* in any order, with a gap before this one */
    add(&image, &pieces[0], base);
    add(&image, &pieces[1], base + size);
    for (uint64_t at = base; at < base + 2 * size; at += 1021) {
        for (uint64_t length = 1; at + length <= base + 2 * size; length = length * 3 + 1)
            cr_assert(is_right(image_at(&image, at, length), at, length), "%lu bytes at +%lu",
                      (unsigned long)length, (unsigned long)(at - base));
    }
    cr_expect_eq(image.missed, 0);
    cr_expect_null(image_at(&image, base + 2 * size - 8, 16), "the gap");
    cr_expect_null(image_at(&image, base - 1, 1));
    cr_expect_null(image_at(&image, base + 4 * size, 1));
    cr_expect_null(image_at(&image, base + 4 * size - 8, UINT64_MAX));
    cr_expect_null(image_at(&image, base, UINT64_MAX - 3));
    cr_expect_null(image_at(&image, UINT64_MAX, 8));
    cr_expect_eq(image.missed, 6);
    image_free(&image);
    for (int i = 0; i < 3; i++)
        free(pieces[i].bytes);
}

Test(image, leaves_out_pages_that_are_not_there)
{
    struct image image;
    struct piece piece;

    image_init(&image);
    add(&image, &piece, base);
    piece.present = 5; /* the first and the third */
    cr_expect_not_null(image_at(&image, base + 100, 8));
    cr_expect_null(image_at(&image, base + IMAGE_PAGE, 8));
    cr_expect_null(image_at(&image, base + IMAGE_PAGE - 4, 8));
    cr_expect_null(image_at(&image, base, 3 * IMAGE_PAGE));
    cr_expect_not_null(image_at(&image, base + 2 * IMAGE_PAGE, IMAGE_PAGE));
    image_free(&image);
    free(piece.bytes);
}

static bool fill_in(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    struct piece *piece = context;

    (void)range, (void)address, (void)size;
    piece->present = (1 << PAGES) - 1;
    return true;
}

Test(image, asks_for_pages_that_are_not_there)
{
    struct image image;
    struct piece piece;

    image_init(&image);
    add(&image, &piece, base);
    piece.present = 0;
    image.fill = fill_in;
    image.fill_context = &piece;
    cr_expect(is_right(image_at(&image, base + 5000, 100), base + 5000, 100));
    cr_expect_eq(image.missed, 0);
    image_free(&image);
    free(piece.bytes);
}
