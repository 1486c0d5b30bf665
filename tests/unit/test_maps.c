// SPDX-License-Identifier: MIT
/* The text of /proc/PID/maps: what the kernel writes, and what it does not. */
#include "inspector/target/maps.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* In memory of its very size, so that a step beyond it is seen. */
static void parse(struct maps *ret, const char *text)
{
    size_t length = strlen(text);
    char *copy = malloc(length + 1);
    struct error err;

    memcpy(copy, text, length);
    char *exact = realloc(copy, length ? length : 1);
    cr_assert(maps_parse(ret, exact, length, &err), "%s", err.text);
    free(exact);
}

Test(maps, lines_of_the_kernel)
{
    struct maps maps;

    parse(&maps,
          "559ca0a21000-559ca0a23000 r--p 00001000 fe:00 1311 /usr/bin/python3 x\n"
          "7ffe4f1c8000-7ffe4f1e9000 rw-p 00000000 00:00 0                 [stack]\n"
          "7ffe4f1e9000-7ffe4f1ea000 rwxs 00000000 00:05 18446744073709551615  /a\\012b (deleted)\n"
          "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 \n");
    cr_assert_eq(maps.count, 4);
    const struct mapping *file = &maps.items[0], *shared = &maps.items[2];
    cr_expect(file->start == 0x559ca0a21000 && file->end == 0x559ca0a23000);
    cr_expect(file->offset == 0x1000 && file->inode == 1311);
    cr_expect(file->readable && !file->writable && !file->executable && !file->shared);
    cr_expect_str_eq(file->path, "/usr/bin/python3 x");
    cr_expect_str_eq(maps.items[1].path, "[stack]");
    cr_expect(shared->writable && shared->executable && shared->shared && shared->deleted);
    cr_expect_eq(shared->inode, UINT64_MAX);
    cr_expect_str_eq(shared->path, "/a\nb");
    cr_expect_str_eq(maps.items[3].path, "");
    cr_expect(!maps.items[3].readable && maps.items[3].executable);
    maps_free(&maps);
}

Test(maps, what_is_no_mapping_is_skipped)
{
    static const char *const lines[] = {
        "",
        "\n",
        "1000\n",
        "1000-\n",
        "1000-2000\n",
        "1000-2000 \n",
        "1000-2000 r\n",
        "1000-2000 r--\n",
        "1000-2000 r--p\n",
        "1000-2000 r--p 0\n",
        "1000-2000 r--p 0 00\n",
        "1000-2000 r--p 0 00:00\n",
        "1000-2000 r--p 0 00:00 \n",
        "1000-2000 r--p 0 00:00 x\n",
        "-2000 r--p 0 00:00 0\n",
        "g000-2000 r--p 0 00:00 0\n",
        "2000-2000 r--p 0 00:00 0\n",
        "3000-2000 r--p 0 00:00 0\n",
        "1000-2000 r--p 0 00:00 0", /* cut short */
        "1000 2000 r--p 0 00:00 0\n",
        "1000-2000 r--p- 0 00:00 0\n",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        struct maps maps;
        parse(&maps, lines[i]);
        cr_expect_eq(maps.count, 0, "%s", lines[i]);
        maps_free(&maps);
    }
}

Test(maps, without_overlaps_and_in_order)
{
    struct maps maps;

    parse(&maps, "2000-4000 r--p 0 00:00 0\n"
                 "3000-5000 r--p 0 00:00 0\n"
                 "1000-2000 r--p 0 00:00 0\n"
                 "4000-5000 r--p 0 00:00 0\n");
    cr_assert_eq(maps.count, 2);
    cr_expect_eq(maps_find(&maps, 0x3fff), &maps.items[0]);
    cr_expect_eq(maps_find(&maps, 0x4000), &maps.items[1]);
    cr_expect_null(maps_find(&maps, 0x5000));
    cr_expect_null(maps_find(&maps, 0x1fff));
    maps_free(&maps);
}
