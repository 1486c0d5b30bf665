// SPDX-License-Identifier: MIT
#include "inspector/analysis/predicate.h"
#include "inspector/analysis/type_pattern.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(predicate, .timeout = 120);

enum { ROUNDS = 20000 };

enum subject {
    LIST,    /* of 5, 7 references, in generation 1 */
    DICT,    /* of 2, immortal, not tracked */
    TEXT,    /* 'it is' */
    ORDER,   /* an instance of __main__.Order, with attributes */
    CLASS,   /* Order itself, which has a __del__ */
    MODULE,  /* app, in sys.modules as "app" */
    ANOTHER, /* app too, there under another name */
    OBJECTS
};

struct world {
    struct fake_heap heap;
    struct types types;
    struct reader reader;
    struct predicate_subject subjects[OBJECTS];
};

static uint64_t make_int(struct fake_heap *heap, uint64_t digit, bool is_negative)
{
    fake_slot(heap, sizeof_PyLongObject_digits, 0, 32);
    fake_slot(heap, PyLongObject_digits_ob_digit, 24, 4);
    uint64_t type = fake_static_type(heap, "int", 24, 4);
    fake_put(heap, type + 168, TPFLAGS_LONG_SUBCLASS);
    uint64_t object = fake_alloc(heap, 32);
    fake_put(heap, object, 1);
    fake_put(heap, object + 8, type);
    fake_put(heap, object + 16, digit ? 1 << 3 | (is_negative ? 2 : 0) : 1);
    fake_put(heap, object + 24, digit);
    return object;
}

static uint64_t make_dict(struct fake_heap *heap, const char *const *keys, const uint64_t *values,
                          size_t count)
{
    uint64_t names[8];

    for (size_t i = 0; i < count; i++)
        names[i] = fake_ascii(heap, keys[i]);
    uint64_t dict = fake_dict(heap, names, values, count, false);
    fake_put(heap, dict + 16, count);
    return dict;
}

static uint64_t make_order(struct fake_heap *heap, uint64_t class)
{
    static const char *const keys[] = {"customer", "price", "loss", "other"};
    uint64_t order = fake_object(heap, 2, class, 0);
    const uint64_t values[] = {fake_ascii(heap, "Smith, John"), make_int(heap, 4095, false),
                               make_int(heap, 3, true), order};

    fake_put(heap, class + 192, 24); /* tp_dictoffset */
    fake_put(heap, order + 24, make_dict(heap, keys, values, 4));
    return order;
}

static uint64_t make_module(struct fake_heap *heap, uint64_t type, const char *name)
{
    static const char *const keys[] = {"__name__"};
    const uint64_t values[] = {fake_ascii(heap, name)};
    uint64_t module = fake_object(heap, 0, type, 0);

    fake_put(heap, module + 16, make_dict(heap, keys, values, 1));
    return module;
}

static void make_modules(struct world *world, uint64_t *module, uint64_t *another)
{
    static const char *const keys[] = {"sys", "app", "main"};
    struct fake_heap *heap = &world->heap;
    uint64_t type = fake_static_type(heap, "module", 32, 0);

    fake_slot(heap, sizeof_PyModuleObject, 0, 32);
    fake_slot(heap, PyModuleObject_md_dict, 16, 8);
    fake_slot(heap, interp_modules, 8, 8);
    fake_put(heap, type + 192, 16);
    *module = make_module(heap, type, "app");
    *another = make_module(heap, type, "app");
    const uint64_t modules[] = {make_module(heap, type, "sys"), *module, *another};
    fake_put(heap, heap->interpreter + 8, make_dict(heap, keys, modules, 3));
}

static void add(struct world *world, enum subject object, uint64_t address, int generation)
{
    world->subjects[object] =
        (struct predicate_subject){.address = address,
                                   .type = reader_type_of(&world->reader, address),
                                   .is_tracked = generation >= 0,
                                   .generation = generation,
                                   .depth = (unsigned)object};
    cr_assert(world->subjects[object].type, "object %d", (int)object);
}

static void world_init(struct world *world)
{
    static const char *const keys[] = {"__del__", "__module__"};
    struct fake_heap *heap = &world->heap;
    uint64_t module, another;

    *world = (struct world){.reader = {.python = &heap->python}};
    fake_heap_init(heap, &fake_newest);
    heap->python.shape.has_immortals = true;
    fake_slot(heap, sizeof_PyUnicodeObject_caches, 0, 80);
    fake_slot(heap, dict_ma_used, 16, 8);
    fake_slot(heap, type_tp_dictoffset, 192, 8);
    make_modules(world, &module, &another);
    uint64_t class = fake_class(heap, "Order");
    fake_put(
        heap, class + 176,
        make_dict(heap, keys, (const uint64_t[]){heap->str_type, fake_ascii(heap, "__main__")}, 2));
    uint64_t order = make_order(heap, class);
    uint64_t list =
        fake_list_object(heap, 0, (const uint64_t[]){order, order, order, order, order}, 5);
    uint64_t dict =
        make_dict(heap, (const char *const[]){"a", "b"}, (const uint64_t[]){order, list}, 2);
    fake_put(heap, list, 7);
    fake_put(heap, dict, UINT64_C(0xc0000000));
    types_init(&world->types, &heap->python);
    world->reader.image = &heap->image;
    world->reader.types = &world->types;
    add(world, LIST, list, GENERATION_1);
    add(world, DICT, dict, -1);
    add(world, TEXT, fake_ascii(heap, "it is"), -1);
    add(world, ORDER, order, GENERATION_2);
    add(world, CLASS, class, GENERATION_PERMANENT);
    add(world, MODULE, module, GENERATION_0);
    add(world, ANOTHER, another, GENERATION_0);
}

static void world_free(struct world *world)
{
    types_free(&world->types);
    fake_heap_free(&world->heap);
}

static struct predicate *parse(const char *text)
{
    struct predicate *predicate;
    struct error err = {0};

    cr_assert(predicate_parse(&predicate, text, &err), "%s", err.text);
    return predicate;
}

/* A bit an object. */
static unsigned ask(const struct world *world, const char *text)
{
    struct predicate *predicate = parse(text);
    unsigned held = 0;

    for (unsigned i = 0; i < OBJECTS; i++)
        held |= (unsigned)predicate_holds(predicate, &world->reader, &world->subjects[i]) << i;
    predicate_free(predicate);
    return held;
}

#define BIT(object) (1u << (object))
#define ALL (BIT(OBJECTS) - 1)
#define MODULES (BIT(MODULE) | BIT(ANOTHER))

static const struct {
    const char *text;
    unsigned holds;
} meanings[] = {
    {"type == 'list'", BIT(LIST)},
    {"type == '__main__.Order'", BIT(ORDER)},
    {"type != '__main__.Order'", ALL & ~BIT(ORDER)},
    {"short_type == 'Order'", BIT(ORDER)},
    {"type ~ '*Order,dict,l[hij]st'", BIT(ORDER) | BIT(DICT) | BIT(LIST)},
    {"type !~ '*Order,dict'", ALL & ~BIT(ORDER) & ~BIT(DICT)},
    {"module == 'builtins'", ALL & ~BIT(ORDER)},
    {"module ~ '__ma?n__'", BIT(ORDER)},
    {"len == 5", BIT(LIST) | BIT(TEXT)},
    {"len != 5", BIT(DICT)},
    {"not len == 5", ALL & ~BIT(LIST) & ~BIT(TEXT)},
    {"len > 1 and len < 5", BIT(DICT)},
    {"len >= 0", BIT(LIST) | BIT(DICT) | BIT(TEXT)},
    {"refcount == 7", BIT(LIST)},
    {"refcount < 0xffffffffffffffff", ALL & ~BIT(DICT)},
    {"refcount >= 0", ALL & ~BIT(DICT)},
    {"immortal", BIT(DICT)},
    {"tracked", ALL & ~BIT(DICT) & ~BIT(TEXT)},
    {"generation == 3", BIT(CLASS)},
    {"generation >= 0", ALL & ~BIT(DICT) & ~BIT(TEXT)},
    {"depth <= 1", BIT(LIST) | BIT(DICT)},
    {"size > 64 and size < 1k", BIT(LIST) | BIT(CLASS)},
    {"is_class", BIT(CLASS)},
    {"is_module", MODULES},
    {"is_proper_module", BIT(MODULE)},
    {"is_function or is_frame", 0},
    {"has_del", BIT(ORDER)},
    {"repr == \"'it is'\"", BIT(TEXT)},
    {"repr ~ '[[]<__main__.Order object at 0x*, *'", BIT(LIST)},
    {"repr ~ '<__main__.Order object at 0x*'", BIT(ORDER)},
    {"attr.customer == 'Smith, John'", BIT(ORDER)},
    {"attr.customer ~ 'Smith, *'", BIT(ORDER)},
    {"attr.customer ~ 'Smith,Smith*'", 0},
    {"attr.customer != 'Smith'", BIT(ORDER)},
    {"attr.customer > 0", 0},
    {"attr.price > 4k", 0},
    {"attr.price >= 4095", BIT(ORDER)},
    {"attr.price == '4095'", BIT(ORDER)},
    {"attr.loss < 0 and attr.loss != 3", BIT(ORDER)},
    {"attr.other ~ '<*Order*'", BIT(ORDER)},
    {"attr.__name__ == 'app'", MODULES},
    {"attr.nothing != ''", 0},
    {"not attr.nothing != ''", ALL},
    {"type == 'list' or type == 'dict' and len == 5", BIT(LIST)},
    {"(type == 'list' or type == 'dict') and len == 2", BIT(DICT)},
    {"not type == 'list' and not (type == 'dict' or tracked)", BIT(TEXT)},
    {"not not tracked", ALL & ~BIT(DICT) & ~BIT(TEXT)},
    {"  (\t( tracked\n)) ", ALL & ~BIT(DICT) & ~BIT(TEXT)},
    {"type=='list'and len>4", BIT(LIST)},
};

Test(predicate, fields_mean_what_they_are_called)
{
    struct world world;

    world_init(&world);
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        unsigned held = ask(&world, meanings[i].text);
        cr_expect_eq(held, meanings[i].holds, "%s: %#x for %#x", meanings[i].text, held,
                     meanings[i].holds);
    }
    char text[64];
    snprintf(text, sizeof(text), "address == 0x%llX",
             (unsigned long long)world.subjects[TEXT].address);
    cr_expect_eq(ask(&world, text), BIT(TEXT));
    world_free(&world);
}

/* Each field of objects that cannot be read is one that they have not; nothing else may happen. */
Test(predicate, of_a_damaged_object)
{
    struct world world;

    world_init(&world);
    for (unsigned i = 0; i < OBJECTS; i++) {
        for (uint64_t at = 0; at < 48; at += 8) {
            uint64_t address = world.subjects[i].address + at;
            uint64_t word = fake_get(&world.heap, address);
            static const uint64_t wild[] = {0, 1, UINT64_MAX, UINT64_C(1) << 62, FAKE_BASE - 8};
            for (size_t j = 0; j < sizeof(wild) / sizeof(wild[0]); j++) {
                fake_put(&world.heap, address, wild[j]);
                for (size_t k = 0; k < sizeof(meanings) / sizeof(meanings[0]); k++)
                    ask(&world, meanings[k].text);
            }
            fake_put(&world.heap, address, word);
        }
    }
    world.subjects[LIST].address = 0x1000;
    cr_expect_eq(ask(&world, "len >= 0 or size > 0 or refcount > 0 or attr.x != ''") & BIT(LIST),
                 0);
    world_free(&world);
}

Test(predicate, says_whether_it_needs_the_lists)
{
    static const struct {
        const char *text;
        bool wants;
    } rows[] = {
        {"tracked", true},
        {"type == 'generation'", false},
        {"len > 1 and (immortal or not generation == 1)", true},
        {"attr.tracked == 1", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct predicate *predicate = parse(rows[i].text);
        cr_expect_eq(predicate_wants_lists(predicate), rows[i].wants, "%s", rows[i].text);
        predicate_free(predicate);
    }
}

/* What is said, and the text with its ^. */
static const struct {
    const char *text, *said, *shown;
} mistakes[] = {
    {"", "a field (type, ", ": ^"},
    {"  ", "not or ( must stand", ":   ^"},
    {"len", "len is compared by == != < <= > or >=", ": len^"},
    {"len 5", "len is compared by", ": len ^5"},
    {"len ~ '5'", "len is compared by", ": len ^~ '5'"},
    {"len > ", "len > takes a number (4096, ", ": len > ^"},
    {"len > '5'", "len > takes a number", ": len > ^'5'"},
    {"len >> 5", "len > takes a number", ": len >^> 5"},
    {"type > 5", "type is compared by == != ~ or !~", ": type ^> 5"},
    {"type == 5", "type == takes a text in '...'", ": type == ^5"},
    {"type == dict", "type == takes a text", ": type == ^dict"},
    {"attr.x > 'a'", "attr.x > takes a number", ": attr.x > ^'a'"},
    {"attr.x ~ 5", "takes a text", ": attr.x ~ ^5"},
    {"repr == x", "a number or a text", ": repr == ^x"},
    {"type = 'dict'", "equality is ==", ": type ^= 'dict'"},
    {"tracked && immortal", "called and, or, not", ": tracked ^&& immortal"},
    {"tracked || immortal", "called and, or, not", ": tracked ^|| immortal"},
    {"!tracked", "called and, or, not", ": ^!tracked"},
    {"typ == 'x'", "no such word: fields are type,", ": ^typ == 'x'"},
    {"Type == 'x'", "no such word", ": ^Type == 'x'"},
    {"attr. == 1", "the name of one attribute", ": ^attr. == 1"},
    {"attr.a.b == 1", "the name of one attribute", ": ^attr.a.b == 1"},
    {"attr.5 == 1", "the name of one attribute", ": ^attr.5 == 1"},
    {"type == 'x", "no ' at its end", ": type == ^'x"},
    {"type == \"x'", "no \" at its end", ": type == ^\"x'"},
    {"(tracked", "and, or or ) must follow", ": (tracked^"},
    {"(tracked immortal", "and, or or ) must follow", ": (tracked ^immortal"},
    {"tracked)", "and, or or the end must follow", ": tracked^)"},
    {"tracked tracked", "and, or or the end", ": tracked ^tracked"},
    {"tracked and", "not or ( must stand", ": tracked and^"},
    {"and tracked", "not or ( must stand", ": ^and tracked"},
    {"not", "not or ( must stand", ": not^"},
    {"tracked or or immortal", "not or ( must stand", ": tracked or ^or immortal"},
    {"()", "not or ( must stand", ": (^)"},
    {"len > 12x", "numbers are like", ": len > ^12x"},
    {"len > 64kB", "numbers are like", ": len > ^64kB"},
    {"len > 0x", "numbers are like", ": len > ^0x"},
    {"len > 0x1k", "numbers are like", ": len > ^0x1k"},
    {"len > 18446744073709551616", "no number is greater", ": len > ^18446744073709551616"},
    {"len > 16777216T", "no number is greater", ": len > ^16777216T"},
    {"len > -1", "takes a number", ": len > ^-1"},
    {"5 < len", "not or ( must stand", ": ^5 < len"},
    {"\xff\xfe == 'x'", "no such word", ": ^\xff\xfe == 'x'"},
    {"type == 'a' # comment", "and, or or the end", ": type == 'a' ^# comment"},
    {"type == 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' und type == "
     "'bbbbbbbbbbbbbbbbbb'",
     "and, or or the end",
     ": ...aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' ^und type == 'bbbbbbbbbbbbbbbbb..."},
};

Test(predicate, mistakes_are_shown)
{
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct predicate *predicate;
        struct error err = {0};
        cr_expect_not(predicate_parse(&predicate, mistakes[i].text, &err), "%s", mistakes[i].text);
        cr_expect_eq(err.kind, ERROR_USAGE);
        cr_expect(strstr(err.text, mistakes[i].said), "%s", err.text);
        size_t length = strlen(err.text), shown = strlen(mistakes[i].shown);
        cr_expect(length > shown && strcmp(err.text + length - shown, mistakes[i].shown) == 0,
                  "%s for %s", err.text, mistakes[i].shown);
    }
}

static char *repeat(const char *what, size_t count, const char *last)
{
    size_t length = strlen(what);
    char *text = malloc(length * count + strlen(last) + 1);

    cr_assert(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * length, what, length);
    strcpy(text + length * count, last);
    return text;
}

static void expect_parsed(char *text, const char *said)
{
    struct predicate *predicate = NULL;
    struct error err = {0};

    bool done = predicate_parse(&predicate, text, &err);
    cr_expect_eq(done, !said, "%.60s: %s", text, err.text);
    cr_expect(!said || strstr(err.text, said), "%.60s: %s", text, err.text);
    if (done)
        predicate_free(predicate);
    free(text);
}

Test(predicate, bounds)
{
    expect_parsed(repeat("not ", 100, "tracked"), NULL);
    expect_parsed(repeat("not ", 101, "tracked"), "nested too deeply");
    expect_parsed(repeat("(", 4000, "tracked"), "nested too deeply");
    expect_parsed(repeat("tracked or ", 1400, "tracked"), NULL);
    expect_parsed(repeat("tracked or ", 1500, "tracked"), "at most 16384 bytes");
    char *pattern = repeat("*", 511, "'");
    char *text = repeat("type ~ '", 1, pattern);
    free(pattern);
    expect_parsed(text, NULL);
    pattern = repeat("*", 512, "'");
    text = repeat("type ~ '", 1, pattern);
    free(pattern);
    expect_parsed(text, "at most 511 bytes");
}

/* A random expression, in as many ways to write it as there are. */
static void add_random(struct text *text, unsigned depth)
{
    static const char *const terms[] = {
        "tracked",      "immortal",   "is_class", "is_module",  "is_proper_module",
        "is_function",  "is_frame",   "has_del",  "len",        "size",
        "refcount",     "generation", "depth",    "address",    "type",
        "short_type",   "module",     "repr",     "attr.price", "attr.customer",
        "attr.\xc3\xa4"};
    static const char *const orders[] = {"==", "!=", "<", "<=", ">", ">="};
    static const char *const matches[] = {"==", "!=", "~", "!~"};
    static const char *const texts[] = {"'list'",   "\"it's\"", "'*'",   "'\"'",  "''",
                                        "'Smith*'", "'<*>'",    "'app'", "'4095'"};
    static const char *const numbers[] = {"0", "5", "0x7f0000000000", "4k", "1GiB", "7", "4095"};

    switch (depth ? rand() % 6 : 5) {
    case 0:
    case 1:
        add_random(text, depth - 1);
        text_add(text, rand() % 2 ? " and " : " or\t");
        add_random(text, depth - 1);
        return;
    case 2:
        text_add(text, "not ");
        add_random(text, depth - 1);
        return;
    case 3:
        text_add(text, "( ");
        add_random(text, depth - 1);
        text_add(text, ")");
        return;
    default:
        break;
    }
    size_t term = (size_t)rand() % (sizeof(terms) / sizeof(terms[0]));
    text_add(text, terms[term]);
    if (term >= 14 && (term < 17 || rand() % 2))
        text_addf(text, " %s %s", matches[rand() % 4], texts[rand() % 9]);
    else if (term >= 8)
        text_addf(text, "%s%s", orders[rand() % 6], numbers[rand() % 7]);
}

Test(predicate, one_that_is_printed_means_the_same)
{
    struct world world;
    struct text text = {0}, printed = {0}, again = {0};
    unsigned different = 0;

    world_init(&world);
    srand(7);
    for (int i = 0; i < 3000; i++) {
        text_clear(&text);
        text_clear(&printed);
        text_clear(&again);
        add_random(&text, 5);
        struct predicate *first = parse(text.bytes);
        predicate_print(first, &printed);
        struct predicate *second = parse(printed.bytes);
        predicate_print(second, &again);
        cr_expect_str_eq(printed.bytes, again.bytes);
        unsigned held = ask(&world, text.bytes);
        cr_expect_eq(held, ask(&world, printed.bytes), "%s\n%s", text.bytes, printed.bytes);
        different += held && held != ALL;
        predicate_free(first);
        predicate_free(second);
    }
    cr_expect_gt(different, 500, "%u", different);
    text_free(&text);
    text_free(&printed);
    text_free(&again);
    world_free(&world);
}

/* Pieces of expressions, put together and broken at random. */
Test(predicate, survives_any_text)
{
    static const char alphabet[] = "()'\"=!<>~ .0x9kiB_\xff\xc3\xa4\n^%s";
    struct text text = {0};
    size_t parsed = 0;

    srand(3);
    for (int i = 0; i < ROUNDS; i++) {
        struct predicate *predicate;
        struct error err = {0};
        text_clear(&text);
        add_random(&text, (unsigned)rand() % 6);
        for (int changes = rand() % 4; changes; changes--) {
            size_t at = (size_t)rand() % text.length;
            text.bytes[at] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
        }
        if (rand() % 8 == 0)
            text.bytes[(size_t)rand() % text.length] = '\0';
        if (predicate_parse(&predicate, text.bytes, &err)) {
            parsed++;
            predicate_free(predicate);
        } else {
            cr_expect_eq(err.kind, ERROR_USAGE);
            cr_expect(strstr(err.text, "at the ^: "), "%s", err.text);
        }
    }
    cr_expect(parsed > ROUNDS / 10 && parsed < ROUNDS, "%zu", parsed);
    text_free(&text);
}

Test(predicate, patterns_do_not_stumble_over_lone_surrogates)
{
    static const char *const texts[] = {"a\xed\xa0\x80"
                                        "b",
                                        "a\xff"
                                        "b",
                                        "ab",
                                        "a\xe2\x98\x83"
                                        "b"};
    static const char *const locales[] = {"C.UTF-8", "C"};

    for (size_t i = 0; i < 2; i++) {
        cr_assert(setlocale(LC_CTYPE, locales[i]));
        for (size_t j = 0; j < sizeof(texts) / sizeof(texts[0]); j++) {
            cr_expect(pattern_fits("a*b", texts[j]), "%s %zu", locales[i], j);
            cr_expect(pattern_fits("*", texts[j]), "%s %zu", locales[i], j);
            cr_expect_not(pattern_fits("b*", texts[j]), "%s %zu", locales[i], j);
            cr_expect_not(pattern_fits("a*", texts[j] + 1), "%s %zu", locales[i], j);
            cr_expect(type_pattern_fits("x,a*b", texts[j]), "%s %zu", locales[i], j);
        }
    }
}
