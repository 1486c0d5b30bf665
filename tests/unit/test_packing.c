// SPDX-License-Identifier: MIT
#include "inspector/store/packing.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(packing, .timeout = 60);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct snapshot_object few[] = {
    {UINT64_C(0x7f0000000010), 64},         {UINT64_C(0x7f0000000050), 64},
    {UINT64_C(0x7f0000000050), 64}, /* met twice, which a heap in motion can bring */
    {UINT64_C(0x7f0000000051), 0},  /* no multiple of 8, which damage can bring */
    {UINT64_C(0x7f0000000058), UINT64_MAX}, {UINT64_C(0xfffffffffffffff8), 1}};

static const uint64_t few_bytes = 64 + 64 + 64 + 0 + UINT64_MAX + 1;

struct packed {
    struct text addresses, sizes;
};

static struct packed pack(const struct snapshot_object *objects, size_t count)
{
    struct packed packed = {.addresses = {.bytes = NULL}};

    packing_add(objects, count, &packed.addresses, &packed.sizes);
    cr_assert(!packed.addresses.failed && !packed.sizes.failed);
    return packed;
}

static void release(struct packed *packed)
{
    text_free(&packed->addresses);
    text_free(&packed->sizes);
}

/* From blocks of exactly their size, so that reading beyond one is seen. */
static bool unpack(const struct packed *packed, uint64_t bytes, struct snapshot_object *ret,
                   size_t count)
{
    char *addresses = malloc(packed->addresses.length + 1);
    char *sizes = malloc(packed->sizes.length + 1);

    cr_assert(addresses && sizes);
    memcpy(addresses + 1, packed->addresses.bytes, packed->addresses.length);
    memcpy(sizes + 1, packed->sizes.bytes, packed->sizes.length);
    bool done = packing_read(addresses + 1, packed->addresses.length, sizes + 1,
                             packed->sizes.length, bytes, ret, count);
    free(addresses);
    free(sizes);
    return done;
}

Test(packing, reads_back_what_was_packed)
{
    struct snapshot_object read[COUNT(few)];
    struct packed packed = pack(few, COUNT(few));

    cr_assert(unpack(&packed, few_bytes, read, COUNT(few)));
    for (size_t i = 0; i < COUNT(few); i++) {
        cr_expect_eq(read[i].address, few[i].address);
        cr_expect_eq(read[i].size, few[i].size);
    }
    release(&packed);
}

Test(packing, is_as_documented)
{
    static const struct snapshot_object two[] = {{0x1000, 300}, {0x1040, 300}};
    struct packed packed = pack(two, COUNT(two));

    cr_assert_eq(packed.addresses.length, 3);
    cr_expect_eq(memcmp(packed.addresses.bytes, "\x80\x04\x08", 3), 0);
    cr_assert_eq(packed.sizes.length, 3);
    cr_expect_eq(memcmp(packed.sizes.bytes, "\xac\x02\x02", 3), 0);
    release(&packed);
}

Test(packing, neighbours_take_a_byte_each)
{
    struct snapshot_object *objects = calloc(10000, sizeof(*objects));

    cr_assert(objects);
    for (size_t i = 0; i < 10000; i++)
        objects[i] = (struct snapshot_object){UINT64_C(0x7f0000000000) + 48 * i, 48};
    struct packed packed = pack(objects, 10000);
    cr_expect_leq(packed.addresses.length, 10000 + 10);
    cr_expect_leq(packed.sizes.length, 4);
    release(&packed);
    free(objects);
}

Test(packing, nothing_takes_nothing)
{
    struct packed packed = pack(NULL, 0);

    cr_expect_eq(packed.addresses.length, 0);
    cr_expect(packing_read(NULL, 0, NULL, 0, 0, NULL, 0));
    cr_expect_not(packing_read("", 1, NULL, 0, 0, NULL, 0));
    cr_expect_not(packing_read(NULL, 0, "", 1, 0, NULL, 0));
    release(&packed);
}

Test(packing, other_sums_and_counts_are_refused)
{
    struct snapshot_object read[COUNT(few) + 1];
    struct packed packed = pack(few, COUNT(few));

    cr_expect_not(unpack(&packed, few_bytes + 1, read, COUNT(few)));
    cr_expect_not(unpack(&packed, few_bytes, read, COUNT(few) - 1));
    cr_expect_not(unpack(&packed, few_bytes, read, COUNT(few) + 1));
    release(&packed);
}

Test(packing, every_truncation_is_refused)
{
    struct snapshot_object read[COUNT(few)];
    struct packed packed = pack(few, COUNT(few));
    struct packed cut = packed;

    for (cut.addresses.length = 0; cut.addresses.length < packed.addresses.length;
         cut.addresses.length++)
        cr_expect_not(unpack(&cut, few_bytes, read, COUNT(few)));
    for (cut.sizes.length = 0; cut.sizes.length < packed.sizes.length; cut.sizes.length++)
        cr_expect_not(unpack(&cut, few_bytes, read, COUNT(few)));
    release(&packed);
}

/* A number of more than 64 bits, one without an end, a run of none, addresses beyond the last. */
Test(packing, malformed_numbers_are_refused)
{
    static const char eleven[] = "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01";
    static const char too_large[] = "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02";
    static const char beyond[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02";
    struct snapshot_object read[4];

    cr_expect_not(packing_read(eleven, 11, "\x00\x01", 2, 0, read, 1));
    cr_expect_not(packing_read(too_large, 10, "\x00\x01", 2, 0, read, 1));
    cr_expect_not(packing_read("\x80", 1, "\x00\x01", 2, 0, read, 1));
    cr_expect_not(packing_read(beyond, 11, "\x00\x02", 2, 0, read, 2));
    cr_expect_not(packing_read("\x01", 1, "\x00\x00\x00\x01", 4, 0, read, 1));
    cr_expect_not(packing_read("\x01", 1, "\x00\x02", 2, 0, read, 1));
    cr_expect(packing_read("\x01", 1, "\x00\x01", 2, 0, read, 1));
}

Test(packing, anything_is_read_without_harm)
{
    struct snapshot_object read[16];
    unsigned state = 1;

    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[32];
        for (size_t i = 0; i < sizeof(bytes); i++) {
            state = state * 1103515245 + 12345;
            bytes[i] = (unsigned char)(state >> 16 & (round % 2 ? 0xff : 0x0f));
        }
        (void)!packing_read(bytes, state >> 8 & 15, bytes + 16, state >> 4 & 15, state & 0xff, read,
                            state % 16);
    }
}
