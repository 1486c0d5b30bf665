// SPDX-License-Identifier: MIT
#include "symbols/base/address_map.h"
#include "symbols/base/arena.h"
#include "symbols/base/error.h"
#include "symbols/base/text.h"
#include "symbols/base/vector.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <locale.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void use_utf8(void)
{
    cr_assert(setlocale(LC_CTYPE, "C.UTF-8"), "no C.UTF-8 locale");
}

TestSuite(base, .init = use_utf8, .timeout = 60);

static void fill(char *bytes, size_t size, char with)
{
    memset(bytes, with, size - 1);
    bytes[size - 1] = '\0';
}

Test(base, error_set_returns_false_and_cuts)
{
    struct error err = {0};
    char name[4096];

    cr_assert_not(error_set(&err, ERROR_INPUT, "cannot read %s", "core"));
    cr_assert_eq(err.kind, ERROR_INPUT);
    cr_assert_str_eq(err.text, "cannot read core");
    fill(name, sizeof(name), 'x');
    cr_assert_not(error_set(&err, ERROR_INPUT, "%s", name));
    cr_assert_eq(strlen(err.text), sizeof(err.text) - 1);
}

Test(base, error_errno_keeps_the_reason_after_a_long_name)
{
    struct error err = {0};
    char name[4096];

    errno = ENOENT;
    cr_assert_not(error_errno(&err, ERROR_TARGET, "cannot open %s", "/x"));
    cr_assert_eq(err.kind, ERROR_TARGET);
    cr_assert_str_eq(err.text, "cannot open /x: No such file or directory");
    fill(name, sizeof(name), 'x');
    errno = ENOENT;
    cr_assert_not(error_errno(&err, ERROR_TARGET, "cannot open %s", name));
    cr_assert_eq(strlen(err.text), sizeof(err.text) - 1);
    cr_assert(strstr(err.text, "cannot open xxx"));
    cr_assert(strstr(err.text, "x...: No such file or directory"));
}

Test(base, error_context_goes_before)
{
    struct error err = {0};
    char name[4096];

    cr_assert_not(error_memory(&err));
    cr_assert_eq(err.kind, ERROR_SYSTEM);
    cr_assert_not(error_context(&err, "cannot read %d", 7));
    cr_assert_eq(err.kind, ERROR_SYSTEM);
    cr_assert_str_eq(err.text, "cannot read 7: out of memory");
    cr_expect(error_is_memory(&err));
    cr_expect_not(error_context(&err, "after") || error_set(&err, ERROR_SYSTEM, "memory"));
    cr_expect_not(error_is_memory(&err));
    cr_assert_not(error_memory(&err) || error_context(&err, "cannot read %d", 7));
    fill(name, sizeof(name), 'y');
    cr_assert_not(error_context(&err, "%s", name));
    cr_assert_eq(strlen(err.text), sizeof(err.text) - 1);
    cr_assert(strstr(err.text, "y...: cannot read 7: out of memory"));
}

Test(base, error_context_and_reason_share_the_room)
{
    struct error err = {0};
    char name[4096];

    fill(name, sizeof(name), 'z');
    cr_assert_not(error_set(&err, ERROR_USAGE, "%s", name));
    fill(name, sizeof(name), 'y');
    cr_assert_not(error_context(&err, "%s", name));
    cr_assert_eq(strlen(err.text), sizeof(err.text) - 1);
    cr_assert(strstr(err.text, "yyy...: zzz"));
    cr_assert_geq(strlen(strstr(err.text, ": ")), sizeof(err.text) / 2);
}

Test(base, text_grows)
{
    struct text text = {0};

    text_add_bytes(&text, NULL, 0);
    cr_assert_str_eq(text.bytes, "");
    text_add(&text, "a");
    text_add_char(&text, 'b');
    text_addf(&text, "%s-%d", "c", 5);
    text_add_bytes(&text, "\0d", 2);
    cr_assert_eq(text.length, 7);
    cr_assert_arr_eq(text.bytes, "abc-5\0d", 8);
    for (int i = 0; i < 100000; i++)
        text_addf(&text, "%010d", i);
    cr_assert_eq(text.length, 1000007);
    cr_assert_str_eq(text.bytes + text.length - 10, "0000099999");
    text_clear(&text);
    cr_assert_eq(text.length, 0);
    cr_assert_str_eq(text.bytes, "");
    text_free(&text);
    cr_assert_null(text.bytes);
}

Test(base, text_that_failed_takes_no_more)
{
    struct text text = {0};

    text_add(&text, "a");
    text_add_bytes(&text, "b", SIZE_MAX);
    cr_assert(text.failed);
    text_add(&text, "c");
    text_addf(&text, "%d", 1);
    cr_assert_str_eq(text.bytes, "a");
    text_clear(&text);
    cr_assert_not(text.failed);
    text_free(&text);
}

struct decoding {
    const char *bytes;
    size_t length;
    int32_t code;
    size_t size;
};

static const struct decoding decodings[] = {
    {"", 1, 0, 1},
    {"a", 1, 'a', 1},
    {"\x7f", 1, 0x7f, 1},
    {"\x80", 1, -1, 1},
    {"\xc1\xbf", 2, -1, 1}, /* overlong */
    {"\xc2\x80", 2, 0x80, 2},
    {"\xc2", 1, -1, 1}, /* cut short */
    {"\xc2z", 2, -1, 1},
    {"\xe0\x9f\xbf", 3, -1, 1}, /* overlong */
    {"\xe0\xa0\x80", 3, 0x800, 3},
    {"\xe2\x82", 2, -1, 1},
    {"\xed\xa0\x80", 3, 0xd800, 3}, /* a lone surrogate */
    {"\xed\xbf\xbf", 3, 0xdfff, 3},
    {"\xef\xbf\xbf", 3, 0xffff, 3},
    {"\xf0\x8f\xbf\xbf", 4, -1, 1}, /* overlong */
    {"\xf0\x90\x80\x80", 4, 0x10000, 4},
    {"\xf4\x8f\xbf\xbf", 4, 0x10ffff, 4},
    {"\xf4\x90\x80\x80", 4, -1, 1}, /* above U+10FFFF */
    {"\xf5\x80\x80\x80", 4, -1, 1},
    {"\xff", 1, -1, 1},
};

Test(base, text_decodes_anything)
{
    for (size_t i = 0; i < COUNT(decodings); i++) {
        const struct decoding *row = &decodings[i];
        char *exact = malloc(row->length); /* so that one byte too many is seen */
        int32_t code = 77;

        cr_assert(exact);
        memcpy(exact, row->bytes, row->length);
        cr_expect_eq(text_decode(exact, row->length, &code), row->size, "size in row %zu", i);
        cr_expect_eq(code, row->code, "code in row %zu", i);
        free(exact);
    }
}

Test(base, text_code_survives_the_way_there_and_back)
{
    struct text text = {0};

    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        int32_t back;

        text_clear(&text);
        text_add_code(&text, code);
        if (text_decode(text.bytes, text.length, &back) != text.length || back != (int32_t)code)
            cr_assert_fail("U+%04X", (unsigned)code);
    }
    text_clear(&text);
    text_add_code(&text, 0x110000);
    text_add_code(&text, 0x210041);
    text_add_code(&text, UINT32_MAX);
    cr_assert_str_eq(text.bytes, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    text_free(&text);
}

struct escape {
    const char *bytes, *escaped;
    size_t most;
};

static const struct escape escapes[] = {
    {"plain", "plain", 0},
    {"a\\b", "a\\\\b", 0},
    {"\033]0;x\a\r\n\t\177", "\\x1b]0;x\\x07\\x0d\\x0a\\x09\\x7f", 0},
    {"\xc2\x9b", "\\x9b", 0}, /* CSI in one code point */
    {"\xc2\xad", "\\xad", 0},
    {"\x9b\xff", "\\x9b\\xff", 0},
    {"\xe2\x80\xae", "\\u202e", 0},
    {"\xe2\x81\xa6", "\\u2066", 0},
    {"\xe2\x80\x8b", "\\u200b", 0},
    {"\xe2\x80\xa8", "\\u2028", 0},
    {"\xed\xa0\x80", "\\ud800", 0},
    {"\xef\xbb\xbf", "\\ufeff", 0},
    {"\xf3\xa0\x80\x81", "\\U000e0001", 0},
    {"\xc3\xa9\xe6\x97\xa5", "\xc3\xa9\xe6\x97\xa5", 0},
    {"abcdef", "abcdef", 6},
    {"abcdef", "abcde...(+1)", 5},
    {"\xe6\x97\xa5\xe6\x97\xa5", "\xe6\x97\xa5...(+3)", 3},
    {"abc\033", "abc...(+1)", 6}, /* no half of an escape */
    {"ae\xcc\x81", "ae\xcc\x81", 2},
};

Test(base, text_escapes)
{
    struct text text = {0};

    for (size_t i = 0; i < COUNT(escapes); i++) {
        text_clear(&text);
        text_add_escaped(&text, escapes[i].bytes, strlen(escapes[i].bytes), escapes[i].most);
        cr_expect_str_eq(text.bytes, escapes[i].escaped, "row %zu: %s", i, text.bytes);
    }
    text_clear(&text);
    text_add_escaped(&text, "a\0b", 3, 0);
    cr_expect_str_eq(text.bytes, "a\\x00b");
    text_free(&text);
}

Test(base, text_bounds_marks_without_width)
{
    struct text marks = {0}, text = {0};

    for (int i = 0; i < 100000; i++)
        text_add_code(&marks, 0x301);
    text_add_escaped(&text, marks.bytes, marks.length, 10);
    cr_assert_eq(text.length, 160 + strlen("...(+199840)"));
    cr_assert_str_eq(text.bytes + 160, "...(+199840)");
    text_free(&marks);
    text_free(&text);
}

Test(base, text_columns_are_those_of_a_terminal)
{
    cr_expect_eq(text_columns(NULL, 0), 0);
    cr_expect_eq(text_columns("abc", 3), 3);
    cr_expect_eq(text_columns("\xe6\x97\xa5", 3), 2);
    cr_expect_eq(text_columns("e\xcc\x81", 3), 1);
    cr_expect_eq(text_columns("\xff", 1), 1);
}

Test(base, text_harm_ends_where_letters_begin)
{
    static const int32_t harmful[] = {0,      0x1f,   0x7f,   0x9f,   0xad,    0x61c,
                                      0x200b, 0x200f, 0x2028, 0x202e, 0x2060,  0x206f,
                                      0xd800, 0xdfff, 0xfeff, 0xfff9, 0xe0001, -1};
    static const int32_t harmless[] = {0x20,   0x7e,   0xa0,   0xac,   0xae,   0x200a, 0x2010,
                                       0x2027, 0x202f, 0x2070, 0xd7ff, 0xe000, 0xfffd, 0x1f600};

    for (size_t i = 0; i < COUNT(harmful); i++)
        cr_expect(text_is_harmful(harmful[i]), "%x", (unsigned)harmful[i]);
    for (size_t i = 0; i < COUNT(harmless); i++)
        cr_expect_not(text_is_harmful(harmless[i]), "%x", (unsigned)harmless[i]);
}

Test(base, arena_gives_aligned_memory_that_stays)
{
    struct arena arena = {0};
    unsigned char *given[2000];

    for (size_t i = 0; i < COUNT(given); i++) {
        given[i] = arena_alloc(&arena, i);
        cr_assert(given[i]);
        cr_assert_eq((uintptr_t)given[i] % alignof(max_align_t), 0);
        memset(given[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < COUNT(given); i++) {
        for (size_t at = 0; at < i; at++)
            cr_assert_eq(given[i][at], i & 0xff);
    }
    arena_free(&arena);
    cr_assert_null(arena.newest);
    cr_assert(arena_alloc(&arena, 1));
    arena_free(&arena);
}

Test(base, arena_takes_what_no_block_holds)
{
    struct arena arena = {0};
    const size_t sizes[] = {64 * 1024, 64 * 1024 + 1, 10 * 1024 * 1024, 0, 1};

    for (size_t i = 0; i < COUNT(sizes); i++) {
        unsigned char *given = arena_alloc(&arena, sizes[i]);
        cr_assert(given);
        memset(given, 0xff, sizes[i]);
    }
    cr_assert_null(arena_alloc(&arena, SIZE_MAX));
    cr_assert_null(arena_alloc(&arena, SIZE_MAX - 16));
    arena_free(&arena);
}

Test(base, arena_copies)
{
    struct arena arena = {0};

    cr_assert_arr_eq(arena_copy(&arena, "a\0bc", 3), "a\0b", 4);
    cr_assert_str_eq(arena_copy(&arena, NULL, 0), "");
    cr_assert_null(arena_copy(&arena, "a", SIZE_MAX));
    arena_free(&arena);
}

Test(base, vector_grows_and_refuses_the_impossible)
{
    size_t capacity = 0;
    int *items = vector_grow(NULL, &capacity, 1, sizeof(*items));

    cr_assert(items);
    cr_assert_geq(capacity, 1);
    items[0] = 42;
    cr_assert_eq(vector_grow(items, &capacity, capacity, sizeof(*items)), items);

    size_t before = capacity;
    items = vector_grow(items, &capacity, capacity + 1, sizeof(*items));
    cr_assert(items);
    cr_assert_geq(capacity, 2 * before);
    items[capacity - 1] = 43;
    cr_assert_eq(items[0], 42);

    before = capacity;
    cr_assert_null(vector_grow(items, &capacity, SIZE_MAX, sizeof(*items)));
    cr_assert_eq(capacity, before);
    cr_assert_eq(items[0], 42);
    free(items);
}

Test(base, address_map_finds_what_was_added)
{
    enum { ADDRESSES = 100000 };
    struct address_map map = {0};
    struct error err;

    cr_assert_eq(address_map_find(&map, 16), UINT32_MAX);
    for (uint32_t i = 1; i <= ADDRESSES; i++) {
        cr_assert(address_map_add(&map, UINT64_C(0x7f0000000000) + i * 16, i, &err));
        cr_assert_leq(map.count, (map.mask + 1) * 2 / 3);
    }
    cr_assert(address_map_add(&map, UINT64_MAX, 7, &err));
    cr_assert_eq(map.count, ADDRESSES + 1);
    for (uint32_t i = 1; i <= ADDRESSES; i++) {
        cr_assert_eq(address_map_find(&map, UINT64_C(0x7f0000000000) + i * 16), i);
        cr_assert_eq(address_map_find(&map, UINT64_C(0x7f0000000000) + i * 16 + 8), UINT32_MAX);
    }
    cr_assert_eq(address_map_find(&map, UINT64_MAX), 7);
    address_map_free(&map);
    cr_assert_eq(address_map_find(&map, 16), UINT32_MAX);
}

Test(base, address_map_never_has_address_0)
{
    struct address_map map = {0};
    struct error err;

    cr_assert_eq(address_map_find(&map, 0), UINT32_MAX);
    cr_assert(address_map_add(&map, 16, 1, &err));
    cr_assert_eq(address_map_find(&map, 0), UINT32_MAX);
    address_map_free(&map);
}
