// SPDX-License-Identifier: MIT
#include "symbols/debug_file.h"
#include "symbols/layout_dwarf.h"
#include "symbols/layout_published.h"
#include "tests/support/pythons.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

TestSuite(layout_published, .timeout = 60);

enum { WORDS_MAX = PUBLISHED_MAX / 8, VERSIONS = 3 };

#define COOKIE 0x7970677562656478 /* "xdebugpy" */

/* _Py_DebugOffsets of 3.13.0, 3.14.10 and 3.15.2 on x86-64. */
static const uint64_t block_3_13[] = {
    COOKIE, 0x30d00f0, 0,    283320, 608, 632, 194968, 7272, 7264, 7344, 7400, 7656, 7640, 7648, 16,
    7752,   0,         7768, 7760,   304, 0,   8,      16,   72,   152,  160,  232,  32,   80,   8,
    0,      56,        72,   70,     208, 112, 120,    128,  136,  68,   52,   96,   104,  200,  16,
    8,      416,       24,   88,     168, 32,  24,     16,   40,   24,   16,   48,   32,   40,   24,
    16,     32,        16,   24,     40,  16,  32,     64,   32,   16,   40,   240,  200};
static const uint64_t block_3_14[] = {
    COOKIE, 0x30e0af0, 0,    316616, 784,  808,  225864, 7280, 7272, 7344, 7360, 7408, 7688, 7672,
    7680,   16,        7784, 0,      7800, 7792, 7992,   0,    832,  0,    8,    16,   72,   152,
    160,    232,       32,   88,     8,    0,    56,     80,   74,   64,   0,    216,  112,  120,
    128,    136,       68,   52,     96,   104,  208,    0,    16,   8,    416,  24,   88,   168,
    40,     32,        16,   40,     24,   16,   200,    24,   40,   32,   48,   32,   40,   24,
    16,     32,        16,   24,     40,   16,   32,     64,   32,   16,   40,   264,  192,  160,
    24,     72,        67,   0,      8,    24,   304,    8076, 0,    4,    512};
static const uint64_t block_3_15[] = {
    COOKIE, 0x30f02f0, 0,    346568, 912,  936,  226240, 7272, 7264, 7336, 7352, 7400, 7592, 7576,
    7584,   16,        7736, 0,      7752, 7744, 7944,   0,    888,  0,    8,    16,   72,   80,
    88,     96,        176,  184,    256,  32,   36,     40,   136,  288,  0,    88,   8,    0,
    56,     80,        74,   64,     0,    216,  112,    120,  128,  136,  68,   52,   96,   104,
    208,    0,         16,   8,      424,  24,   88,     168,  32,   288,  944,  888,  40,   32,
    16,     40,        24,   16,     200,  24,   40,     32,   48,   32,   40,   24,   16,   32,
    16,     24,        40,   16,     32,   64,   32,     16,   40,   56,   176,  112,  120,  1120,
    104,    160,       24,   72,     67,   0,    8,      24,   344,  8028, 0,    4,    512};

static const struct {
    const uint64_t *words;
    size_t count;
    unsigned told;   /* slots */
    unsigned needed; /* words: three slots share one */
} blocks[VERSIONS] = {
    {block_3_13, COUNT(block_3_13), 24, 22},
    {block_3_14, COUNT(block_3_14), 24, 22},
    {block_3_15, COUNT(block_3_15), 27, 25},
};

/* What the debug information of the same builds says: of a field its offset and size, of a
 * structure its size. */
static const struct {
    enum layout_slot_id id;
    uint32_t size; /* 0: a structure */
    uint32_t is[VERSIONS];
} truth[] = {
    {sizeof_PyObject, 0, {16, 16, 16}},
    {PyObject_ob_type, 8, {8, 8, 8}},
    {sizeof_PyVarObject, 0, {24, 24, 24}},
    {PyVarObject_ob_size, 8, {16, 16, 16}},
    {sizeof_runtime, 0, {283320, 316616, 346568}},
    {runtime_interpreters_head, 8, {632, 808, 936}},
    {sizeof_interpreter, 0, {194968, 225864, 226240}},
    {interpreter_next, 8, {7264, 7272, 7264}},
    {interpreter_gc, 240, {7400, 7408, 7400}},
    {sizeof_gc_state, 0, {240, 264, 176}},
    {gc_state_collecting, 4, {200, 192, 112}},
    {sizeof_PyTypeObject, 0, {416, 416, 424}},
    {PyTypeObject_tp_name, 8, {24, 24, 24}},
    {PyTypeObject_tp_basicsize, 8, {32, 32, 32}},
    {PyTypeObject_tp_flags, 8, {168, 168, 168}},
    {sizeof_PyHeapTypeObject, 0, {928, 936, 944}},
    {sizeof_PyDictObject, 0, {48, 48, 48}},
    {PyDictObject_ma_keys, 8, {32, 32, 32}},
    {PyDictObject_ma_values, 8, {40, 40, 40}},
    {sizeof_PyASCIIObject, 0, {40, 40, 40}},
    {PyASCIIObject_length, 8, {16, 16, 16}},
    {PyASCIIObject_kind, 4, {32, 32, 32}},
    {PyASCIIObject_compact, 4, {32, 32, 32}},
    {PyASCIIObject_ascii, 4, {32, 32, 32}},
    {sizeof_PyCompactUnicodeObject, 0, {56, 56, 56}},
    {sizeof_PyUnicodeObject, 0, {64, 64, 64}},
    {sizeof_PyLongObject, 0, {32, 32, 32}},
    {PyLongObject_lv_tag, 8, {16, 16, 16}},
};

static struct layout true_layout(size_t version)
{
    struct layout layout = {0};

    for (size_t i = 0; i < COUNT(truth); i++) {
        bool is_structure = truth[i].size == 0;
        layout.slots[truth[i].id] = (struct layout_slot){
            .present = true,
            .offset = is_structure ? 0 : truth[i].is[version],
            .size = is_structure ? truth[i].is[version] : truth[i].size,
        };
    }
    return layout;
}

static struct published read_block(size_t version)
{
    struct published published;

    cr_assert(layout_published_read(&published, blocks[version].words, blocks[version].count * 8));
    return published;
}

Test(layout_published, agrees_with_the_debug_information)
{
    for (size_t version = 0; version < VERSIONS; version++) {
        struct published published = read_block(version);
        struct layout layout = true_layout(version);
        const struct layout before = layout;
        unsigned confirmed = 0;
        struct error err;

        cr_expect_eq(published.version, blocks[version].words[1]);
        cr_expect_not(published.free_threaded);
        cr_assert(layout_published_check(&layout, &published, &confirmed, &err), "%s", err.text);
        cr_expect_eq(confirmed, blocks[version].told, "3.%zu: %u", version + 13, confirmed);
        cr_expect(memcmp(&layout, &before, sizeof(layout)) == 0);
    }
}

/* The message names the first field in which two published layouts differ, and both values. */
static void expect_named(const char *text, const struct published *right,
                         const struct published *wrong)
{
    for (enum layout_slot_id id = 0; id < LAYOUT_SLOTS; id++) {
        const struct layout_slot *old = &right->layout.slots[id], *new = &wrong->layout.slots[id];
        char values[64];
        if (old->offset == new->offset && old->size == new->size)
            continue;
        if (old->offset != new->offset)
            snprintf(values, sizeof(values), "lies at %u in it, but %u", old->offset, new->offset);
        else
            snprintf(values, sizeof(values), " %u in it, but %u", old->size, new->size);
        cr_expect(strstr(text, layout_slot_name(id)) && strstr(text, values), "%s: %s", values,
                  text);
        return;
    }
    cr_expect(false, "nothing differs: %s", text);
}

/* Returns whether something was noticed. */
static bool check_changed(const void *bytes, size_t size, const struct layout *layout,
                          const struct published *right)
{
    struct published wrong;
    struct layout copy = *layout;
    unsigned confirmed = 4711;
    struct error err;

    if (!layout_published_read(&wrong, bytes, size))
        return true;
    if (layout_published_check(&copy, &wrong, &confirmed, &err))
        return false;
    cr_expect_eq(err.kind, ERROR_PYTHON);
    cr_expect_eq(confirmed, 4711);
    cr_expect(memcmp(&copy, layout, sizeof(copy)) == 0);
    expect_named(err.text, right, &wrong);
    return true;
}

static const uint64_t flips[] = {8, 1, (uint64_t)1 << 32, (uint64_t)1 << 63};

/* Returns how many words were noticed. The first three are of the header. */
static unsigned flip_each_word(const uint64_t *words, size_t count, const struct layout *layout,
                               uint64_t flip)
{
    uint64_t copy[WORDS_MAX];
    struct published right;
    unsigned noticed = 0;

    cr_assert(layout_published_read(&right, words, count * 8));
    for (size_t i = 3; i < count; i++) {
        memcpy(copy, words, count * 8);
        copy[i] ^= flip;
        noticed += check_changed(copy, count * 8, layout, &right);
    }
    return noticed;
}

Test(layout_published, notices_each_word_that_is_changed)
{
    for (size_t version = 0; version < VERSIONS; version++) {
        struct layout layout = true_layout(version);
        for (size_t i = 0; i < COUNT(flips); i++) {
            unsigned noticed =
                flip_each_word(blocks[version].words, blocks[version].count, &layout, flips[i]);
            cr_expect_eq(noticed, blocks[version].needed, "3.%zu, flip %zu: %u", version + 13, i,
                         noticed);
        }
    }
}

Test(layout_published, refuses_a_layout_with_one_slot_changed)
{
    for (size_t i = 0; i < COUNT(truth); i++) {
        struct published published = read_block(2);
        struct layout layout = true_layout(2);
        unsigned confirmed;
        struct error err;
        if (!layout_has(&published.layout, truth[i].id))
            continue;
        if (truth[i].size)
            layout.slots[truth[i].id].offset += 8;
        else
            layout.slots[truth[i].id].size += 8;
        cr_expect_not(layout_published_check(&layout, &published, &confirmed, &err), "row %zu", i);
        cr_expect(strstr(err.text, layout_slot_name(truth[i].id)), "%s", err.text);
    }
    struct published published = read_block(0);
    struct layout layout = true_layout(0);
    unsigned confirmed;
    struct error err;
    layout.slots[PyTypeObject_tp_flags].size = 4;
    cr_expect_not(layout_published_check(&layout, &published, &confirmed, &err));
    cr_expect(strstr(err.text, "PyTypeObject.tp_flags has the size 4 in it, but 8"), "%s",
              err.text);
}

/* Whatever one slot lacks, it comes back as it was where it is a word; else it stays absent. */
Test(layout_published, adds_words_that_the_layout_lacks)
{
    const struct layout whole = true_layout(2);
    struct published published = read_block(2);

    for (size_t i = 0; i < COUNT(truth); i++) {
        const struct layout_slot *slot;
        struct layout layout = whole;
        unsigned confirmed;
        struct error err;
        layout.slots[truth[i].id] = (struct layout_slot){0};
        cr_assert(layout_published_check(&layout, &published, &confirmed, &err), "%s", err.text);
        slot = &layout.slots[truth[i].id];
        cr_expect_eq(slot->present, truth[i].size == 8, "row %zu", i);
        if (slot->present)
            cr_expect(memcmp(slot, &whole.slots[truth[i].id], sizeof(*slot)) == 0, "row %zu", i);
    }
}

Test(layout_published, adds_no_field_outside_its_structure)
{
    struct published published = read_block(2);
    struct layout layout = true_layout(2);
    unsigned confirmed;
    struct error err;

    layout.slots[sizeof_PyVarObject].size = 16; /* which is not published */
    layout.slots[PyVarObject_ob_size].present = false;
    cr_assert(layout_published_check(&layout, &published, &confirmed, &err), "%s", err.text);
    cr_expect_not(layout_has(&layout, PyVarObject_ob_size));

    layout.slots[sizeof_PyVarObject] = (struct layout_slot){.present = false, .size = 24};
    cr_assert(layout_published_check(&layout, &published, &confirmed, &err), "%s", err.text);
    cr_expect_not(layout_has(&layout, PyVarObject_ob_size));

    layout = (struct layout){0};
    cr_assert(layout_published_check(&layout, &published, &confirmed, &err), "%s", err.text);
    cr_expect_eq(confirmed, 0);
    for (enum layout_slot_id id = 0; id < LAYOUT_SLOTS; id++)
        cr_expect_not(layout_has(&layout, id));
}

/* A word of 3.13's block is set so: is something published? */
static const struct {
    const char *name;
    size_t at; /* in bytes */
    uint64_t value;
    bool published;
} settings[] = {
    {"as it is", 8, 0x030d00f0, true},
    {"another patch release", 8, 0x030d05f0, true},
    {"a release candidate", 8, 0x030d00c1, true},
    {"an older version", 8, 0x030c00f0, false},
    {"a newer one", 8, 0x031000f0, false},
    {"a beta", 8, 0x030d00b4, false},
    {"Python 4", 8, 0x040d00f0, false},
    {"no version", 8, 0, false},
    {"a version of 64 bits", 8, 0x1030d00f0, false},
    {"free-threaded", 16, 1, true},
    {"what is that?", 16, 2, false},
    {"another cookie", 0, COOKIE + 1, false},
    {"1 MiB", 24, 1 << 20, true},
    {"more than 1 MiB", 24, (1 << 20) + 8, false},
    {"a huge structure", 24, UINT64_MAX, false},
    {"an empty structure", 536, 0, false},
    {"ob_type at the end", 360, 8, true},
    {"ob_type past the end", 360, 16, false},
    {"ob_type far past the end", 360, UINT64_MAX - 7, false},
    {"tp_name not aligned", 376, 28, false},
    {"a structure smaller than a word", 352, 4, false},
    {"ob_size at the end of 1 MiB", 416, (1 << 20) - 8, true},
    {"ob_size past 1 MiB", 416, 1 << 20, false},
    {"state at the end", 544, 39, true},
    {"state past the end", 544, 40, false},
};

Test(layout_published, publishes_nothing_that_cannot_be_so)
{
    for (size_t i = 0; i < COUNT(settings); i++) {
        const struct published untouched = {.version = 4711};
        struct published published = untouched;
        uint64_t words[COUNT(block_3_13)];
        memcpy(words, block_3_13, sizeof(words));
        words[settings[i].at / 8] = settings[i].value;
        bool read = layout_published_read(&published, words, sizeof(words));
        cr_expect_eq(read, settings[i].published, "%s", settings[i].name);
        if (read)
            cr_expect_eq(published.free_threaded, words[2] == 1, "%s", settings[i].name);
        else
            cr_expect(memcmp(&published, &untouched, sizeof(published)) == 0);
    }
}

/* Up to the last word that is needed. The copy has exactly that size, for AddressSanitizer. */
Test(layout_published, publishes_nothing_that_is_cut_short)
{
    static const size_t needed[VERSIONS] = {584, 664, 768};

    for (size_t version = 0; version < VERSIONS; version++) {
        for (size_t size = 0; size <= blocks[version].count * 8; size++) {
            struct published published;
            char *bytes = malloc(size ? size : 1);
            cr_assert(bytes);
            memcpy(bytes, blocks[version].words, size);
            bool read = layout_published_read(&published, bytes, size);
            free(bytes);
            cr_expect_eq(read, size >= needed[version], "3.%zu: %zu bytes", version + 13, size);
        }
    }
}

static struct elf_file *open_image(const struct interpreter *python)
{
    struct elf_file *file;
    struct error err;

    cr_assert(elf_file_open(&file, open(python->image, O_RDONLY | O_CLOEXEC), python->image, &err),
              "%s", err.text);
    return file;
}

static struct layout read_dwarf(struct elf_file *file)
{
    struct file_root root = {.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), .name = ""};
    struct debug_file *debug;
    struct layout layout;
    struct error err;

    cr_assert(debug_file_find(&debug, file, &root, 1, &err), "%s", err.text);
    cr_assert(layout_from_dwarf(&layout, debug_file_dwarf(debug), &err), "%s", err.text);
    debug_file_close(debug);
    close(root.fd);
    cr_assert(layout_check(&layout, &err), "%s", err.text);
    return layout;
}

static void check_interpreter(const struct interpreter *python, struct elf_file *file)
{
    struct layout layout = read_dwarf(file);
    const struct layout before = layout;
    uint64_t words[WORDS_MAX];
    struct published published;
    unsigned confirmed = 0, noticed;
    struct elf_place place;
    struct error err;

    cr_assert(elf_file_symbol(file, "_PyRuntime", &place), "%s", python->name);
    cr_assert(elf_file_read(file, place.address, words, sizeof(words)));
    cr_assert(layout_published_read(&published, words, sizeof(words)), "%s", python->name);
    cr_expect_eq(published.version >> 16, 0x300 + (uint64_t)python->minor);
    cr_assert(layout_published_check(&layout, &published, &confirmed, &err), "%s: %s", python->name,
              err.text);
    cr_expect_eq(confirmed, blocks[python->minor - 13].told, "%s: %u", python->name, confirmed);
    cr_expect(memcmp(&layout, &before, sizeof(layout)) == 0, "%s", python->name);
    noticed = flip_each_word(words, blocks[python->minor - 13].count, &layout, 8);
    cr_expect_eq(noticed, blocks[python->minor - 13].needed, "%s: %u", python->name, noticed);
}

Test(layout_published, agrees_with_the_interpreters_of_this_machine, .timeout = 300)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    for (size_t i = 0; i < count; i++) {
        if (pythons[i].minor < 13 || pythons[i].minor > 15)
            continue;
        struct elf_file *file = open_image(&pythons[i]);
        cr_expect(file, "where is the code of %s?", pythons[i].path);
        if (file)
            check_interpreter(&pythons[i], file);
        elf_file_close(file);
    }
}
