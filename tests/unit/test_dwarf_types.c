// SPDX-License-Identifier: MIT
#include "symbols/debug_file.h"
#include "symbols/dwarf_types.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct scratch scratch;

static void make(void)
{
    scratch_make(&scratch);
}

static void clean(void)
{
    scratch_remove(&scratch);
}

TestSuite(dwarf_types, .init = make, .fini = clean, .timeout = 60);

static const char types_source[] =
    "typedef struct _base { long refs; void *type; } Base;\n"
    "typedef struct { Base base; long size; } Sized;\n"
    "typedef union _head {\n"
    "    struct { union _head *next; union _head *prev; long refs; } gc;\n"
    "    long double dummy;\n"
    "} Head;\n"
    "struct text {\n"
    "    Sized sized;\n"
    "    struct { unsigned interned : 2, kind : 3, compact : 1, ascii : 1, : 25; } state;\n"
    "    union { void *any; char *bytes; } data;\n"
    "};\n"
    "struct modern {\n"
    "    union { long full; struct { unsigned low; unsigned short over, flags; }; };\n"
    "    const void *const type;\n"
    "    char tail[];\n"
    "};\n"
    "struct outer {\n"
    "    char name[3];\n"
    "    struct { int x; struct { struct modern *head; long array[3][2]; } inner; } group;\n"
    "    char empty[0];\n"
    "};\n"
    "typedef const volatile struct outer Outer;\n"
    "struct wide { char c; unsigned long low : 5, high : 40; int far : 9; };\n"
    "struct elsewhere;\n"
    "typedef struct elsewhere Elsewhere;\n"
    "Elsewhere *pointer;\n"
    "Sized sized; Head head; struct text text; struct modern modern; Outer outer;\n"
    "struct wide wide; Base base;\n";

static const char elsewhere_source[] = "struct elsewhere { long a, b; };\n"
                                       "struct elsewhere elsewhere;\n";

static struct elf_file *file;
static struct debug_file *debug;

static Dwarf *open_dwarf(const char *name)
{
    const struct file_root root = {.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), .name = ""};
    struct error err;

    cr_assert(root.fd >= 0);
    file = scratch_open(&scratch, name);
    cr_assert(debug_file_find(&debug, file, &root, 1, &err), "%s", err.text);
    close(root.fd);
    return debug_file_dwarf(debug);
}

static void close_dwarf(void)
{
    debug_file_close(debug);
    elf_file_close(file);
}

static void compile(const char *flags)
{
    scratch_write(&scratch, "types.c", types_source);
    scratch_write(&scratch, "elsewhere.c", elsewhere_source);
    scratch_run(&scratch, "$CC -shared -fPIC %s -o types.so types.c elsewhere.c", flags);
}

static const struct {
    const char *type;
    const char *path; /* NULL: the structure itself */
    struct dwarf_place place;
} expected[] = {
    {"Base", NULL, {0, 16, 0, 0}},
    {"_base", "type", {8, 8, 0, 0}},
    {"Sized", "size", {16, 8, 0, 0}},
    {"Sized", "base.type", {8, 8, 0, 0}},
    {"Head", "gc.refs", {16, 8, 0, 0}},
    {"nonsense|_head", "_next|gc.next", {0, 8, 0, 0}},
    {"text", "state", {24, 4, 0, 0}},
    {"text", "state.interned", {24, 4, 0, 2}},
    {"text", "state.kind", {24, 4, 2, 3}},
    {"text", "state.ascii", {24, 4, 6, 1}},
    {"text", "data", {32, 8, 0, 0}},
    {"text", "sized.base.refs", {0, 8, 0, 0}},
    {"modern", NULL, {0, 16, 0, 0}},
    {"modern", "full", {0, 8, 0, 0}},
    {"modern", "flags", {6, 2, 0, 0}},
    {"modern", "type", {8, 8, 0, 0}},
    {"modern", "tail", {16, 0, 0, 0}},
    {"Outer", "name", {0, 3, 0, 0}},
    {"Outer", "group.inner.head", {16, 8, 0, 0}},
    {"outer", "group.inner.array", {24, 48, 0, 0}},
    {"outer", "empty", {72, 0, 0, 0}},
    {"wide", "low", {0, 8, 8, 5}},
    {"wide", "high", {0, 8, 13, 40}},
    {"wide", "far", {4, 4, 21, 9}},
    {"elsewhere", "b", {8, 8, 0, 0}},
};

static bool same_bits(const struct dwarf_place *a, const struct dwarf_place *b)
{
    /* A compiler may tell another storage unit that holds the same bits. */
    return a->bit_size == b->bit_size &&
           a->offset * 8 + a->bit_offset == b->offset * 8 + b->bit_offset &&
           a->bit_offset + a->bit_size <= a->size * 8;
}

static void expect_place(size_t row, Dwarf_Die *die, uint64_t size)
{
    const struct dwarf_place *right = &expected[row].place;
    struct dwarf_place place = {.size = size};

    if (expected[row].path)
        cr_assert(dwarf_member_find(die, expected[row].path, &place), "%s.%s", expected[row].type,
                  expected[row].path);
    bool same = right->bit_size ? same_bits(&place, right)
                                : place.offset == right->offset && place.size == right->size &&
                                      place.bit_size == 0;
    cr_expect(same, "%s.%s: %lu bytes at %lu, %u bits from %u", expected[row].type,
              expected[row].path ? expected[row].path : "", place.size, place.offset,
              place.bit_size, place.bit_offset);
}

static void find(Dwarf *dwarf, const char *likely_units, struct dwarf_type *types, size_t count)
{
    struct error err;

    cr_assert(dwarf_types_find(dwarf, likely_units, types, count, &err), "%s", err.text);
}

static void expect_types(Dwarf *dwarf, const char *likely_units)
{
    struct dwarf_type types[COUNT(expected)] = {0};

    for (size_t i = 0; i < COUNT(expected); i++)
        types[i].names = expected[i].type;
    find(dwarf, likely_units, types, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        cr_assert(types[i].name, "no %s", expected[i].type);
        expect_place(i, &types[i].die, types[i].size);
    }
}

static const char *const formats[] = {
    "-gdwarf-5",
    "-gdwarf-4",
    "-gdwarf-3 -gstrict-dwarf",
    "-gdwarf-2 -gstrict-dwarf",
    "-gdwarf-5 -gz",
    "-gdwarf-4 -fdebug-types-section",
    "-gdwarf-5 -fdebug-types-section",
};

Test(dwarf_types, reads_each_format)
{
    for (size_t i = 0; i < COUNT(formats); i++) {
        cr_log_info("%s", formats[i]);
        compile(formats[i]);
        Dwarf *dwarf = open_dwarf("types.so");
        expect_types(dwarf, NULL);
        expect_types(dwarf, "elsewhere.c|no.c");
        close_dwarf();
    }
}

Test(dwarf_types, reads_what_lto_leaves)
{
    if (system("$CC --version | grep -q clang") == 0)
        cr_skip_test("clang's LTO needs its own linker");
    compile("-g -O2 -flto");
    expect_types(open_dwarf("types.so"), NULL);
    close_dwarf();
}

Test(dwarf_types, reads_debug_sections_named_in_the_old_compressed_way)
{
    compile("-g");
    scratch_run(&scratch, "objcopy --compress-debug-sections=zlib-gnu types.so");
    expect_types(open_dwarf("types.so"), NULL);
    close_dwarf();
}

Test(dwarf_types, reads_partial_units)
{
    if (!scratch_has_program("dwz"))
        cr_skip_test("dwz is not installed");
    scratch_write(&scratch, "types.c", types_source);
    scratch_write(&scratch, "elsewhere.c", elsewhere_source);
    scratch_run(&scratch,
                "cp types.c again.c;"
                "$CC -gdwarf-4 -fcommon -shared -fPIC -o types.so types.c again.c elsewhere.c;"
                "dwz types.so; readelf --debug-dump=info types.so 2>/dev/null |"
                "grep -q DW_TAG_partial_unit");
    expect_types(open_dwarf("types.so"), NULL);
    close_dwarf();
}

Test(dwarf_types, reads_a_supplementary_file)
{
    if (!scratch_has_program("dwz"))
        cr_skip_test("dwz is not installed");
    compile("-gdwarf-4"); /* all that dwz reads of clang's */
    scratch_run(&scratch, "mkdir -p .dwz; cp types.so other.so;"
                          "dwz -m .dwz/common.debug -M ../.dwz/common.debug types.so other.so;"
                          "mkdir lib; mv types.so lib;"
                          "readelf -S lib/types.so | grep -q debugaltlink");
    Dwarf *dwarf = open_dwarf("lib/types.so");
    struct dwarf_type type = {.names = "text"};

    expect_types(dwarf, NULL);
    find(dwarf, NULL, &type, 1);
    cr_assert(type.name);
    cr_expect_eq(dwarf_cu_getdwarf(type.die.cu), dwarf_getalt(dwarf), "moved to the other file");
    close_dwarf();

    scratch_run(&scratch, "mv .dwz/common.debug elsewhere");
    const struct file_root root = {.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), .name = ""};
    struct error err;
    file = scratch_open(&scratch, "lib/types.so");
    cr_expect_not(debug_file_find(&debug, file, &root, 1, &err));
    cr_expect(strstr(err.text, "common.debug"), "%s", err.text);
    elf_file_close(file);
    close(root.fd);
}

Test(dwarf_types, absence_is_an_answer)
{
    struct dwarf_type types[] = {{.names = "Base"}, {.names = "no_such|neither"}, {.names = "tex"}};
    struct dwarf_place place = {.offset = 77};

    compile("-g");
    find(open_dwarf("types.so"), NULL, types, COUNT(types));
    cr_assert(types[0].name);
    cr_expect_null(types[1].name);
    cr_expect_null(types[2].name, "a prefix");
    cr_expect_not(dwarf_member_find(&types[0].die, "typ", &place));
    cr_expect_not(dwarf_member_find(&types[0].die, "types", &place));
    cr_expect_not(dwarf_member_find(&types[0].die, "type.refs|no", &place), "a pointer");
    cr_expect_not(dwarf_member_find(&types[0].die, "", &place));
    cr_expect_eq(place.offset, 77);
    close_dwarf();
}

Test(dwarf_types, a_declaration_is_no_definition)
{
    struct dwarf_type type = {.names = "elsewhere|Elsewhere"};

    scratch_write(&scratch, "types.c", types_source);
    scratch_run(&scratch, "$CC -g -shared -fPIC -o types.so types.c");
    find(open_dwarf("types.so"), NULL, &type, 1);
    cr_expect_null(type.name);
    close_dwarf();
}

Test(dwarf_types, prefers_the_first_name)
{
    struct dwarf_type types[] = {{.names = "Right|wrong"}, {.names = "other|Right"}};

    scratch_write(&scratch, "types.c",
                  "struct wrong { char c[2]; } wrong; typedef struct { char c[3]; } Right;"
                  "Right right; struct other { char c[4]; } other;");
    scratch_run(&scratch, "$CC -g -shared -fPIC -o types.so types.c");
    find(open_dwarf("types.so"), NULL, types, COUNT(types));
    cr_expect_eq(types[0].size, 3, "after the other");
    cr_expect_eq(types[1].size, 4);
    close_dwarf();

    scratch_write(&scratch, "types.c",
                  "typedef struct { char c[3]; } Right; Right right;"
                  "struct wrong { char c[2]; } wrong; struct other { char c[4]; } other;");
    scratch_run(&scratch, "$CC -g -shared -fPIC -o types.so types.c");
    find(open_dwarf("types.so"), NULL, types, COUNT(types));
    cr_expect_eq(types[0].size, 3, "before the other");
    close_dwarf();
}

/* Enough of them that names share a bucket, in whatever order they come. */
Test(dwarf_types, finds_many_at_once)
{
    enum { MANY = 2000 };
    static struct dwarf_type types[MANY + 1];
    static char names[MANY][32];
    struct text source = {0};

    for (int i = 0; i < MANY; i++) {
        text_addf(&source, "typedef struct { char c[%d]; } T%d; T%d t%d;\n", i + 1, i, i, i);
        snprintf(names[i], sizeof(names[i]), "%s%d|%s%d", i % 2 ? "none" : "T", i,
                 i % 2 ? "T" : "none", i);
        types[MANY - i].names = names[i];
    }
    types[0].names = "absent|T7"; /* which another one wants, too */
    text_add_char(&source, '\0');
    scratch_write(&scratch, "many.c", source.bytes);
    text_free(&source);
    scratch_run(&scratch, "$CC -g -shared -fPIC -o many.so many.c");
    find(open_dwarf("many.so"), NULL, types, MANY + 1);
    cr_assert(types[0].name);
    cr_expect_eq(types[0].size, 8);
    for (int i = 0; i < MANY; i++) {
        cr_assert(types[MANY - i].name, "T%d", i);
        cr_expect_eq(types[MANY - i].size, (uint64_t)i + 1);
    }
    close_dwarf();
}

/* What is needed is looked for to the end, what is not only for a while. */
Test(dwarf_types, ends_a_long_search_for_what_is_optional)
{
    struct dwarf_type types[] = {{.names = "first"}, {.names = "last", .optional = true}};

    scratch_write(&scratch, "first.c", "struct first { char c[2]; } first;");
    scratch_write(&scratch, "long.s",
                  ".section .note.GNU-stack,\"\",@progbits\n"
                  ".section .debug_abbrev,\"\",@progbits\nabbreviations:\n"
                  ".byte 1,0x11,1,0,0, 2,0x16,0,0,0, 3,0x13,0,3,8,0xb,0xb,0,0, 0\n"
                  ".section .debug_info,\"\",@progbits\n"
                  "0: .4byte 2f-1f\n1: .2byte 4\n.4byte abbreviations\n.byte 8,1\n"
                  ".fill LENGTH, 1, 2\n"
                  ".byte 3\n.asciz \"last\"\n.byte 8\n.byte 0\n2: .text\n");
    for (int is_long = false; is_long <= true; is_long++) {
        for (int is_optional = false; is_optional <= true; is_optional++) {
            scratch_run(&scratch,
                        "sed 's/LENGTH/%d/' long.s > now.s; $CC -g -c first.c; "
                        "$CC -c now.s; $CC -shared -o long.so first.o now.o",
                        is_long ? 1000001 : 999000);
            types[1].optional = is_optional;
            find(open_dwarf("long.so"), NULL, types, COUNT(types));
            cr_expect(types[0].name);
            cr_expect_eq(!types[1].name, is_long && is_optional);
            close_dwarf();
        }
    }
}

/* A typedef of itself, an anonymous member of the type that it is in, a sibling that is behind. */
static const char endless_source[] =
    "__asm__(\".section .debug_abbrev,\\\"\\\",@progbits\\n\"\n"
    "\".byte 1,0x11,1,0,0, 2,0x16,0,3,8,0x49,0x13,0,0\\n\"\n"
    "\".byte 3,0x13,1,3,8,0xb,0xb,0,0, 4,0xd,0,0x49,0x13,0,0\\n\"\n"
    "\".byte 5,0x13,1,3,8,0xb,0xb,1,0x13,0,0, 6,0x1,1,0x49,0x13,0,0, 0\\n\"\n"
    "\".section .debug_info,\\\"\\\",@progbits\\n\"\n"
    "\"0: .4byte 2f-1f\\n1: .2byte 4\\n.4byte 0\\n.byte 8,1\\n\"\n"
    "\"3: .byte 2\\n.asciz \\\"loop\\\"\\n.4byte 3b-0b\\n\"\n"
    "\"4: .byte 3\\n.asciz \\\"nest\\\"\\n.byte 8\\n\"\n"
    "\".rept 20\\n.byte 4\\n.4byte 4b-0b\\n.endr\\n\"\n"
    "\".byte 4\\n.4byte 3b-0b\\n.byte 0\\n\"\n"
    "\".byte 5\\n.asciz \\\"back\\\"\\n.byte 8\\n.4byte 3b-0b\\n.byte 0\\n\"\n"
    "\".byte 0\\n2: .text\\n\");\n";

Test(dwarf_types, follows_nothing_for_ever)
{
    struct dwarf_type types[] = {{.names = "loop"}, {.names = "nest"}, {.names = "back"}};
    struct dwarf_place place;

    scratch_write(&scratch, "endless.c", endless_source);
    scratch_run(&scratch, "$CC -shared -fPIC -o endless.so endless.c");
    find(open_dwarf("endless.so"), NULL, types, COUNT(types));
    cr_expect_null(types[0].name);
    cr_assert(types[1].name);
    cr_expect_not(dwarf_member_find(&types[1].die, "x", &place));
    cr_expect(types[2].name);
    close_dwarf();
}

static void look_into(struct elf_file *damaged)
{
    struct dwarf_type types[COUNT(expected)] = {0};
    struct dwarf_place place;
    struct error err;

    if (!debug_file_find(&debug, damaged, NULL, 0, &err))
        return;
    for (size_t i = 0; i < COUNT(expected); i++)
        types[i].names = expected[i].type;
    find(debug_file_dwarf(debug), "elsewhere.c", types, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        if (types[i].name && expected[i].path)
            (void)dwarf_member_find(&types[i].die, expected[i].path, &place);
    }
    debug_file_close(debug);
}

Test(dwarf_types, survives_damage)
{
    struct error err;
    size_t size;

    compile("-g");
    scratch_run(&scratch, "objcopy -O binary --only-section=.debug_info"
                          " --set-section-flags .debug_info=alloc types.so info;"
                          "objcopy -O binary --only-section=.debug_abbrev"
                          " --set-section-flags .debug_abbrev=alloc types.so abbrev");
    unsigned char *bytes = scratch_read(&scratch, "types.so", &size);
    for (int section = 0; section < 2; section++) {
        size_t length;
        unsigned char *part = scratch_read(&scratch, section ? "abbrev" : "info", &length);
        unsigned char *at = memmem(bytes, size, part, length);
        cr_assert(at);
        srand(7);
        for (int round = 0; round < 600; round++) {
            memcpy(at, part, length);
            for (int i = round % 4; i >= 0; i--)
                at[(size_t)rand() % length] = (unsigned char)rand();
            struct elf_file *damaged;
            cr_assert(scratch_open_bytes(bytes, size, &damaged, &err), "%s", err.text);
            look_into(damaged);
            elf_file_close(damaged);
        }
        memcpy(at, part, length);
        free(part);
    }
    free(bytes);
}
