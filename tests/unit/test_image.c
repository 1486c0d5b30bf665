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

static bool fill_one(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    struct piece *piece = context;

    (void)size;
    piece->present |= UINT64_C(1) << (address - range->start) / IMAGE_PAGE;
    return true;
}

Test(image, counts_the_requests_for_which_something_was_filled_in)
{
    struct image image;
    struct piece piece;

    image_init(&image);
    add(&image, &piece, base);
    piece.present = 1;
    image.fill = fill_one;
    image.fill_context = &piece;
    cr_expect_not_null(image_at(&image, base, 8));
    cr_expect_eq(image.filled, 0, "it was there");
    cr_expect_not_null(image_at(&image, base + IMAGE_PAGE, 8));
    cr_expect_not_null(image_at(&image, base + IMAGE_PAGE + 8, 8));
    cr_expect_eq(image.filled, 1);
    cr_expect_null(image_at(&image, base + 2 * IMAGE_PAGE, 2 * IMAGE_PAGE), "only half of it came");
    cr_expect_eq(image.filled, 1);
    cr_expect_eq(image.missed, 1);
    cr_expect_not_null(image_at(&image, base + 2 * IMAGE_PAGE, 8));
    cr_expect_eq(image.filled, 1, "that came with the request before");
    image_free(&image);
    free(piece.bytes);
}

struct trimming {
    struct image *image;
    unsigned count;
};

static void trim(void *context)
{
    struct trimming *trimming = context;

    trimming->count++;
    trimming->image->crowded = false;
}

Test(image, is_trimmed_at_a_rest_and_only_when_crowded)
{
    struct image image;
    struct trimming trimming = {.image = &image};

    image_init(&image);
    image_rest(&image); /* needs no trim */
    image.trim = trim;
    image.fill_context = &trimming;
    image_rest(&image);
    cr_expect_eq(trimming.count, 0);
    image.crowded = true;
    cr_expect_null(image_at(&image, base, 8));
    cr_expect_eq(trimming.count, 0, "pointers are in use");
    image_rest(&image);
    image_rest(&image);
    cr_expect_eq(trimming.count, 1);
    image_free(&image);
}

struct refreshing {
    struct piece piece;
    uint64_t address, size;
    bool gone;
};

static bool refresh(void *context, struct image_range *range, uint64_t address, uint64_t size)
{
    struct refreshing *refreshing = context;

    refreshing->address = address;
    refreshing->size = size;
    memset(refreshing->piece.bytes + (address - range->start), 42, size);
    return !refreshing->gone;
}

Test(image, reads_again_what_lies_in_one_range)
{
    const uint64_t size = PAGES * IMAGE_PAGE;
    struct image image;
    struct refreshing refreshing = {.gone = false};
    struct piece neighbour;

    image_init(&image);
    add(&image, &refreshing.piece, base);
    add(&image, &neighbour, base + size);
    cr_expect_not(image_refresh(&image, base, 8), "there is nothing newer");
    image.refresh = refresh;
    image.fill_context = &refreshing;
    const uint8_t *before = image_at(&image, base + size - 8, 8);
    cr_expect(image_refresh(&image, base + size - 8, 8));
    cr_expect_eq(refreshing.address, base + size - 8);
    cr_expect_eq(refreshing.size, 8);
    cr_expect_eq(before[0], 42, "pointers see the new bytes");
    refreshing.gone = true;
    cr_expect_not(image_refresh(&image, base, 8));

    refreshing.gone = false;
    refreshing.size = 0;
    cr_expect_not(image_refresh(&image, base + size - 7, 8), "across a boundary");
    cr_expect_not(image_refresh(&image, base + size - 8, UINT64_MAX));
    cr_expect_not(image_refresh(&image, base - 8, 8));
    cr_expect_not(image_refresh(&image, base + 2 * size, 8));
    cr_expect_eq(refreshing.size, 0, "the filler was not asked");
    image_free(&image);
    free(refreshing.piece.bytes);
    free(neighbour.bytes);
}
