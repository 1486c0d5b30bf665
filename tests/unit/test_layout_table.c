// SPDX-License-Identifier: MIT
#include "symbols/layout_bundled.h"
#include "symbols/layout_table.h"
#include "tests/support/often.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

TestSuite(layout_table, .timeout = 60);

#define HEAD "pyinspect layout 1\n"

static const char example[] = HEAD "# comments and empty lines mean nothing\n"
                                   "version 3.11.7\n"
                                   "abi debug\n"
                                   "build-id 49daf84ed369fe589b73ea876f2591cd4c3588bb\n"
                                   "address _PyRuntime 0x5d6ab0\n"
                                   "address _PyGC_generation0 0xfedcba9876543210\n"
                                   "address collecting 0x1\n"
                                   "address tracemalloc_config 0x2\n"
                                   "address tracemalloc_peak_traced_memory 0x8\n"
                                   " \t\n"
                                   "PyObject 16\n"
                                   "    ob_refcnt 0 8\n"
                                   "\tob_type 8\t8 \n"
                                   "  # also here\n"
                                   "  ob_tid   absent\n"
                                   "PyASCIIObject 40\n"
                                   "    length 16 8\n"
                                   "    kind 32 4 bits 2 3\n"
                                   "    compact absent\n"
                                   "    ascii 35 1 bits 0 8\n"
                                   "PyUnicodeObject 4294967295\n"
                                   "    data absent\n";

static const char *const structures[] = {
#define STRUCT(id, names) #id,
#define FIELD(id, name, paths)
#include "symbols/fields.def"
};

/* `start`, and that all structures of which it does not tell are absent. */
static struct text complete(const char *start)
{
    struct text text = {0};

    text_add(&text, start);
    for (size_t i = 0; i < COUNT(structures); i++) {
        char line[64];
        snprintf(line, sizeof(line), "\n%s ", structures[i]);
        if (!strstr(start, line))
            text_addf(&text, "%s absent\n", structures[i]);
    }
    return text;
}

/* On the heap and not a byte longer, so that the sanitizer sees who reads beyond. */
static bool parse(struct layout_table *ret, const char *text, size_t length, struct error *err)
{
    char *copy = malloc(length ? length : 1);

    memcpy(copy, text, length);
    bool parsed = layout_table_parse(ret, copy, length, "some.layout", err);
    free(copy);
    return parsed;
}

static bool parse_start(struct layout_table *ret, const char *start, struct error *err)
{
    struct text text = complete(start);
    bool parsed = parse(ret, text.bytes, text.length, err);

    text_free(&text);
    return parsed;
}

static bool slots_equal(const struct layout *a, const struct layout *b)
{
    for (size_t i = 0; i < LAYOUT_SLOTS; i++) {
        const struct layout_slot *x = &a->slots[i], *y = &b->slots[i];
        if (x->present != y->present || x->bit_offset != y->bit_offset ||
            x->bit_size != y->bit_size || x->offset != y->offset || x->size != y->size)
            return false;
    }
    return true;
}

static bool tables_equal(const struct layout_table *a, const struct layout_table *b)
{
    return strcmp(a->version.text, b->version.text) == 0 && a->version.major == b->version.major &&
           a->version.minor == b->version.minor && a->debug_build == b->debug_build &&
           a->build_id.size == b->build_id.size &&
           memcmp(a->build_id.bytes, b->build_id.bytes, a->build_id.size) == 0 &&
           a->addresses.runtime == b->addresses.runtime &&
           a->addresses.generation0 == b->addresses.generation0 &&
           a->addresses.collecting == b->addresses.collecting &&
           memcmp(a->addresses.traced, b->addresses.traced, sizeof(a->addresses.traced)) == 0 &&
           slots_equal(&a->layout, &b->layout);
}

static void expect_round_trip(const struct layout_table *table)
{
    struct layout_table again;
    struct text text = {0};
    struct error err;

    layout_table_print(table, &text);
    cr_assert(parse(&again, text.bytes, text.length, &err), "%s\n%s", err.text, text.bytes);
    cr_expect(tables_equal(table, &again), "%s", text.bytes);
    text_free(&text);
}

Test(layout_table, is_read)
{
    struct layout_table table;
    struct error err;

    cr_assert(parse_start(&table, example, &err), "%s", err.text);
    cr_expect_str_eq(table.version.text, "3.11.7");
    cr_expect_eq(table.version.major, 3);
    cr_expect_eq(table.version.minor, 11);
    cr_expect(table.debug_build);
    cr_expect_eq(table.build_id.size, 20);
    cr_expect_eq(table.build_id.bytes[0], 0x49);
    cr_expect_eq(table.build_id.bytes[19], 0xbb);
    cr_expect_eq(table.addresses.runtime, 0x5d6ab0);
    cr_expect_eq(table.addresses.generation0, 0xfedcba9876543210);
    cr_expect_eq(table.addresses.collecting, 1);
    cr_expect_eq(table.addresses.traced[TRACED_CONFIG], 2);
    cr_expect_eq(table.addresses.traced[TRACED_TRACES], 0);
    cr_expect_eq(table.addresses.traced[TRACED_PEAK], 8);
    cr_expect_eq(layout_size(&table.layout, sizeof_PyObject), 16);
    cr_expect_eq(layout_offset(&table.layout, PyObject_ob_type), 8);
    cr_expect_eq(layout_size(&table.layout, sizeof_PyUnicodeObject), UINT32_MAX);
    cr_expect_not(layout_has(&table.layout, PyUnicodeObject_data));
    cr_expect_eq(layout_offset(&table.layout, PyASCIIObject_kind), 32);
    cr_expect_eq(layout_size(&table.layout, PyASCIIObject_kind), 4);
    cr_expect_eq(table.layout.slots[PyASCIIObject_kind].bit_offset, 2);
    cr_expect_eq(table.layout.slots[PyASCIIObject_kind].bit_size, 3);
    cr_expect_eq(table.layout.slots[PyASCIIObject_length].bit_size, 0);
    cr_expect_not(layout_has(&table.layout, PyASCIIObject_compact));
    cr_expect_not(layout_has(&table.layout, sizeof_PyVarObject));
    expect_round_trip(&table);
}

/* All that is not in it follows: "NAME absent", with an empty line before each structure. */
Test(layout_table, is_printed_as_the_manual_shows_it)
{
    static const char canonical[] = HEAD "version 3.15.0rc2\n"
                                         "abi release\n"
                                         "build-id 0a\n"
                                         "address _PyRuntime 0x5d6ab0\n"
                                         "\n"
                                         "PyObject 16\n"
                                         "    ob_refcnt 0 8\n"
                                         "    ob_type 8 8\n"
                                         "    ob_tid absent\n"
                                         "\n"
                                         "PyVarObject absent\n"
                                         "\n"
                                         "PyGC_Head 16\n"
                                         "    gc_next 0 8\n"
                                         "    gc_prev 8 4 bits 2 3\n"
                                         "    gc_refs absent\n";
    struct layout_table table;
    struct text text = {0};
    struct error err;

    cr_assert(parse_start(&table, canonical, &err), "%s", err.text);
    layout_table_print(&table, &text);
    cr_expect(strncmp(text.bytes, canonical, sizeof(canonical) - 1) == 0, "%s", text.bytes);
    text_free(&text);
}

Test(layout_table, may_tell_little)
{
    struct layout_table table;
    struct error err;

    cr_assert(parse_start(&table, HEAD, &err), "%s", err.text);
    cr_expect_eq(table.version.major, 0);
    cr_expect_eq(table.build_id.size, 0);
    cr_expect_not(table.debug_build);
    expect_round_trip(&table);
}

Test(layout_table, every_slot_comes_back)
{
    struct layout_table table = {.build_id.size = BUILD_ID_MAX};

    memset(table.build_id.bytes, 0xf1, sizeof(table.build_id.bytes));
    for (size_t i = 0; i < LAYOUT_SLOTS; i++) {
        table.layout.slots[i] = (struct layout_slot){.present = true, .size = 40 + (uint32_t)i};
        if (strncmp(layout_slot_name(i), "sizeof", 6) == 0)
            continue;
        table.layout.slots[i].offset = UINT32_MAX - (uint32_t)i;
        table.layout.slots[i].bit_size = (uint8_t)(i % 3);
        table.layout.slots[i].bit_offset = i % 3 ? UINT8_MAX - (uint8_t)i : 0;
    }
    expect_round_trip(&table);
}

/* What follows the first empty line is not looked at. */
Test(layout_table, the_head_tells_which_build_it_is_of)
{
    struct layout_table table, head;
    struct error err;

    for (size_t i = 0; i < bundled_layout_count; i++) {
        const struct bundled_layout *bundled = &bundled_layouts[i];
        cr_assert(parse(&table, bundled->text, bundled->length, &err), "%s", err.text);
        cr_assert(layout_table_parse_head(&head, bundled->text, bundled->length, "head", &err),
                  "%s", err.text);
        table.layout = (struct layout){0};
        cr_expect(tables_equal(&head, &table), "%s", bundled->name);
    }
    static const char good[] = "pyinspect layout 1\nversion 3.11.7\n\nnonsense";
    static const char bad[] = "pyinspect layout 1\nversion 3\n\n";
    cr_expect(layout_table_parse_head(&head, good, sizeof(good) - 1, "head", &err));
    cr_expect_eq(head.version.minor, 11);
    cr_expect_not(layout_table_parse_head(&head, bad, sizeof(bad) - 1, "head", &err));
    cr_expect(strstr(err.text, "head: line 2: "), "%s", err.text);
    cr_expect_not(layout_table_parse_head(&head, good, 30, "head", &err), "cut short");
    cr_expect_not(layout_table_parse_head(&head, good, 0, "head", &err));
}

/* Those who write one by hand need not keep to the order. */
Test(layout_table, in_any_order)
{
    struct layout_table table, again;
    struct text text = {0};
    struct error err;

    cr_assert(parse_start(&table, example, &err), "%s", err.text);
    layout_table_print(&table, &text);
    cr_assert_not(text.failed);
    struct text turned = {0};
    text_add(&turned, "pyinspect layout 1\nversion 3.11.7\n");
    size_t end = text.length;
    while (end > 0) { /* the structures, the last one first */
        size_t start = end - 1;
        while (start > 0 && !(text.bytes[start - 1] == '\n' && text.bytes[start] == '\n'))
            start--;
        if (start > 0)
            text_add_bytes(&turned, text.bytes + start, end - start);
        end = start;
    }
    cr_assert(parse(&again, turned.bytes, turned.length, &err), "%s", err.text);
    cr_expect(slots_equal(&table.layout, &again.layout));
    text_free(&text);
    text_free(&turned);
}

Test(layout_table, bundled_ones_come_back)
{
    for (size_t i = 0; i < bundled_layout_count; i++) {
        const struct bundled_layout *bundled = &bundled_layouts[i];
        struct layout_table table;
        struct error err;

        cr_assert(parse(&table, bundled->text, bundled->length, &err), "%s: %s", bundled->name,
                  err.text);
        expect_round_trip(&table);
    }
}

static const struct {
    const char *text;
    const char *says;
} damage[] = {
    {"", "line 1: this is no layout"},
    {"\n" HEAD, "line 1: this is no layout"},
    {" " HEAD, "line 1: this is no layout"},
    {"# pyinspect layout 1\n", "line 1: this is no layout"},
    {"{\"schema\": 1}\n", "begins with the line \"pyinspect layout 1\""},
    {"pyinspect layout", "line 1: this is no layout"},
    {"pyinspect layout 2\n", "line 1: the layout was written by another version of pyinspect"},
    {"pyinspect layout 10\n", "in form '10'"},
    {"pyinspect layout 1 \n", "another version"},
    {"pyinspect layout 1", "line 1: it does not end"},
    {"pyinspect layout 1\r\nabi release\r\n", "line 1: it ends in CR LF"},
    {HEAD "abi release\r\n", "line 2: it ends in CR LF"},
    {HEAD "\r\n", "line 2: it ends in CR LF"},
    {HEAD "\nabi release", "line 3: it does not end"},
    {HEAD "version 3.11\n\nversion 3.11\n", "line 4: 'version' comes twice"},
    {HEAD "version\n", "line 2: 'version' has one value"},
    {HEAD "version 3.11.7 x\n", "'version' has one value, not 2"},
    {HEAD "version 2.7.18\n", "'2.7.18' is no version of Python 3"},
    {HEAD "version 3.11.x\n", "'3.11.x' is no version"},
    {HEAD "abi free-threaded\n", "line 2: 'free-threaded' is no ABI"},
    {HEAD "abi debug\nabi release\n", "line 3: 'abi' comes twice"},
    {HEAD "build-id 49d\n", "line 2: '49d' is no build-id"},
    {HEAD "build-id 4G\n", "'4G' is no build-id"},
    {HEAD "build-id 4A\n", "'4A' is no build-id"},
    {HEAD "build-id 49\nbuild-id 49\n", "line 3: 'build-id' comes twice"},
    {HEAD "address _PyRuntime\n", "line 2: '_PyRuntime' has one value, not 0"},
    {HEAD "address _PyRuntime 1 2\n", "'_PyRuntime' has one value, not 2"},
    {HEAD "address _PyRuntime 12\n", "line 2: '12' is no address"},
    {HEAD "address _PyRuntime 0x\n", "'0x' is no address"},
    {HEAD "address _PyRuntime 0x0\n", "'0x0' is no address"},
    {HEAD "address _PyRuntime 0x1g\n", "'0x1g' is no address"},
    {HEAD "address _PyRuntime -0x1\n", "'-0x1' is no address"},
    {HEAD "address _PyRuntime 0x10000000000000000\n", "'0x10000000000000000' is no address"},
    {HEAD "address _PyRuntime 0x1000000000000000f\n", "'0x1000000000000000f' is no address"},
    {HEAD "address collecting 0x1\naddress collecting 0x1\n", "line 3: 'collecting' comes twice"},
    {HEAD "address _PySpace 0x1\n", "does not know the address of '_PySpace' (written by a newer"},
    {HEAD "address\n", "'address'"},
    {HEAD "PyObject 16\nPyObject 16\n", "line 3: the structure 'PyObject' comes twice"},
    {HEAD "PyObject\n", "line 2: 'PyObject' has its size beside it"},
    {HEAD "PyObject 16 8\n", "line 2: 'PyObject' has its size beside it"},
    {HEAD "PyObject 0x10\n", "line 2: '0x10' is no number"},
    {HEAD "PyObject -1\n", "'-1' is no number"},
    {HEAD "PyObject 4294967296\n", "'4294967296' is no number from 0 to 4294967295"},
    {HEAD "PyObject 99999999999999999999999\n", "is no number from 0 to"},
    {HEAD "PyObject 016\n", "'016' is no number from 0 to"},
    {HEAD "PyQuark 16\n",
     "line 2: this pyinspect does not know the structure 'PyQuark' (written by"},
    {HEAD "pyobject 16\n", "'pyobject'"},
    {HEAD "  ob_type 8 8\n", "line 2: the field 'ob_type' is below no structure"},
    {HEAD "PyObject 16\nabi debug\n  ob_type 8 8\n", "line 4: the field 'ob_type' is below no"},
    {HEAD "PyObject 16\n  ob_size 16 8\n", "line 3: PyObject: this pyinspect does not know the "
                                           "field 'ob_size' (written by a newer one?)"},
    {HEAD "PyObject 16\n  ob_type 8 8\n\n  ob_type 8 8\n", "line 5: PyObject.ob_type comes twice"},
    {HEAD "PyObject 16\n  ob_type 8\n", "line 3: PyObject.ob_type has its offset, its size"},
    {HEAD "PyObject 16\n  ob_type 8 8 8\n", "PyObject.ob_type has its offset"},
    {HEAD "PyObject 16\n  ob_type 8 8 bits 1\n", "PyObject.ob_type has its offset"},
    {HEAD "PyObject 16\n  ob_type 8 8 bites 1 2\n", "PyObject.ob_type has its offset"},
    {HEAD "PyObject 16\n  ob_type 8 8 bits 1 2 3\n", "line 3: it has more than 6 words"},
    {HEAD "PyObject 16\n  ob_type 8 8 bits 1 x\n", "'x' is no number"},
    {HEAD "PyObject 16\n  ob_type 8 8 bits 1 0\n", "8 bytes have no 0 bits from bit 1 on"},
    {HEAD "PyObject 16\n  ob_type 8 4 bits 29 4\n", "line 3: 4 bytes have no 4 bits from bit 29"},
    {HEAD "PyObject 16\n  ob_type 8 99 bits 256 1\n", "no 1 bits from bit 256"},
    {HEAD "PyObject 16\n  ob_type 8 99 bits 0 256\n", "no 256 bits from bit 0"},
    {HEAD "PyObject 16\n  ob_type 8 8 bits 4294967295 2\n", "no 2 bits from bit 4294967295"},
    {HEAD "PyObject 16\n  ob_type 18446744073709551624 8\n", "no number from 0 to"},
    {HEAD "PyObject absent 8\n", "line 2: 'PyObject' has its size beside it"},
    {HEAD "PyObject absent\nPyObject 16\n", "line 3: the structure 'PyObject' comes twice"},
    {HEAD "PyObject absent\n  ob_type 8 8\n", "line 3: the field 'ob_type' is below no structure"},
    {HEAD "PyObject 16\n  ob_type absent\n  ob_type 8 8\n", "PyObject.ob_type comes twice"},
    {HEAD "PyObject 16\n  ob_type absent 8\n", "'absent' is no number"},
    {HEAD, "it does not tell of sizeof(PyObject): it was cut short, or made by another version"},
    {HEAD "PyObject 16\n  ob_refcnt 0 8\n  ob_tid absent\n",
     "it does not tell of PyObject.ob_type"},
};

static void expect_refused(const char *text, size_t length, const char *says)
{
    struct layout_table table = {.version.text = "before", .debug_build = true};
    struct error err = {0};

    cr_expect_not(parse(&table, text, length, &err), "%s", says);
    cr_expect_eq(err.kind, ERROR_INPUT, "%s", says);
    cr_expect(strncmp(err.text, "some.layout: ", 13) == 0, "%s", err.text);
    cr_expect(strstr(err.text, says), "%s, not %s", err.text, says);
    cr_expect(strcmp(table.version.text, "before") == 0 && table.debug_build, "%s", says);
}

Test(layout_table, damage_is_told)
{
    for (size_t i = 0; i < COUNT(damage); i++)
        expect_refused(damage[i].text, strlen(damage[i].text), damage[i].says);
}

Test(layout_table, nul_bytes_are_refused)
{
    static const char value[] = HEAD "abi release\0\n", comment[] = HEAD "\n# a\0b\n";
    static const char first[] = "pyinspect layout 1\0\n";

    expect_refused(value, sizeof(value) - 1, "line 2: it holds a NUL byte");
    expect_refused(comment, sizeof(comment) - 1, "line 3: it holds a NUL byte");
    expect_refused(first, sizeof(first) - 1, "line 1: it holds a NUL byte");
}

/* HEAD and a comment line of so many bytes. */
static struct text make_comment(size_t length)
{
    struct text text = {0};

    text_add(&text, HEAD);
    for (size_t i = 0; i < length; i++)
        text_add_char(&text, '#');
    text_add_char(&text, '\n');
    struct text whole = complete(text.bytes);
    text_free(&text);
    return whole;
}

Test(layout_table, lines_and_files_have_a_bound)
{
    struct text good = make_comment(512), bad = make_comment(513), large = make_comment(500);
    struct layout_table table;
    struct error err;

    cr_expect(parse(&table, good.bytes, good.length, &err), "%s", err.text);
    expect_refused(bad.bytes, bad.length, "line 2: it has more than 512 bytes");
    while (large.length < 1 << 20)
        text_add_char(&large, '\n');
    cr_expect(parse(&table, large.bytes, large.length, &err), "%s", err.text);
    text_add_char(&large, '\n');
    expect_refused(large.bytes, large.length, "1048577 bytes are no layout");
    text_free(&good);
    text_free(&bad);
    text_free(&large);
}

Test(layout_table, build_id_has_a_bound)
{
    struct text text = {0};
    struct layout_table table;
    struct error err;

    text_add(&text, HEAD "build-id ");
    for (size_t i = 0; i < BUILD_ID_MAX; i++)
        text_add(&text, "0f");
    text_add_char(&text, '\n');
    cr_assert(parse_start(&table, text.bytes, &err), "%s", err.text);
    cr_expect_eq(table.build_id.size, BUILD_ID_MAX);
    text.length--;
    text_add(&text, "0f\n");
    expect_refused(text.bytes, text.length, "is no build-id: that is up to 64 bytes");
    text_free(&text);
}

static const struct {
    const char *text;
    int minor; /* -1: no version */
    int micro;
} versions[] = {
    {"3.11.7", 11, 7},    {"3.6.15", 6, 15},
    {"3.15.0rc2", 15, 0}, {"3.14.2+", 14, 2},
    {"3.15.0a1+", 15, 0}, {"3.13.0b12", 13, 0},
    {"3.9", 9, -1},       {"", -1, 0},
    {"3", -1, 0},         {"3.", -1, 0},
    {"3.11.", -1, 0},     {"3.11.7.1", -1, 0},
    {"3.11+", -1, 0},     {"3.11.7 ", -1, 0},
    {" 3.11.7", -1, 0},   {"3.11.7++", -1, 0},
    {"3.11.7c1", -1, 0},  {"3.11.7rc", -1, 0},
    {"3.11.7a1x", -1, 0}, {"3.011.7", -1, 0},
    {"03.11.7", -1, 0},   {"3.11.-7", -1, 0},
    {"3.1111.7", -1, 0},  {"2.7.18", -1, 0},
    {"4.0.0", -1, 0},     {"3.110.100rc111+++++++++++++++", -1, 0},
};

Test(layout_table, versions_are_read_strictly)
{
    for (size_t i = 0; i < COUNT(versions); i++) {
        const char *text = versions[i].text;
        struct python_version version;
        int micro;
        bool parsed = python_version_parse(&version, &micro, text, strlen(text));

        cr_expect_eq(parsed, versions[i].minor >= 0, "%s", text);
        if (!parsed || versions[i].minor < 0)
            continue;
        cr_expect_str_eq(version.text, text);
        cr_expect_eq(version.major, 3, "%s", text);
        cr_expect_eq(version.minor, versions[i].minor, "%s", text);
        cr_expect_eq(micro, versions[i].micro, "%s", text);
    }
}

static size_t below(size_t bound)
{
    return (size_t)rand() % bound;
}

/* Damages a copy of `text` in a way that a parser may trip over; *length is what is left of it. */
static void mutate(char *bytes, size_t *length)
{
    static const char *const words[] = {"4294967295", "0", "bits", "PyObject", "ob_type", "-1",
                                        "address",    "#", "\n ",  "\n\n",     "\r\n",    "0x"};
    size_t at = below(*length), count = below(*length - at) + 1;
    const char *word = words[below(COUNT(words))];

    switch (below(5)) {
    case 0:
        bytes[at] = (char)(bytes[at] ^ (1 << below(8)));
        break;
    case 1:
        *length = at;
        break;
    case 2: /* cut out */
        memmove(bytes + at, bytes + at + count, *length - at - count);
        *length -= count;
        break;
    case 3: /* repeat */
        memmove(bytes + below(*length - count + 1), bytes + at, count);
        break;
    default:
        memcpy(bytes + at, word, strlen(word) < count ? strlen(word) : count);
        break;
    }
}

Test(layout_table, any_damage_is_survived)
{
    size_t parsed = 0;

    srand(11);
    for (size_t i = 0; i < 4000 / ENOUGH; i++) {
        size_t which = below(bundled_layout_count + 1);
        struct text whole = complete(which ? bundled_layouts[which - 1].text : example);
        size_t length = whole.length;
        struct layout_table table;
        struct error err = {0};
        char *copy = whole.bytes;

        for (size_t times = below(3) + 1; times > 0 && length > 0; times--)
            mutate(copy, &length);
        if (parse(&table, copy, length, &err)) {
            parsed++;
            expect_round_trip(&table);
        } else {
            cr_assert_eq(err.kind, ERROR_INPUT);
            cr_assert(strncmp(err.text, "some.layout: ", 13) == 0, "%s", err.text);
        }
        text_free(&whole);
    }
    cr_expect(parsed * ENOUGH > 5 && parsed * ENOUGH < 3000, "%zu parsed", parsed);
}
