// SPDX-License-Identifier: MIT
#include "symbols/elf_file.h"
#include "symbols/python_version.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct scratch scratch;

static void make(void)
{
    scratch_make(&scratch);
}

static void clean(void)
{
    scratch_remove(&scratch);
}

TestSuite(elf_file, .init = make, .fini = clean, .timeout = 60);

static const char program[] = "#include <unistd.h>\n"
                              "int global_number = 4711;\n"
                              "char empty[100000];\n"
                              "const char constant[] = \"a constant\";\n"
                              "static int twice = 1;\n"
                              "static int once = 3;\n"
                              "__attribute__((visibility(\"hidden\"))) int hidden = 5;\n"
                              "int other(void);\n"
                              "int *first(void) { return &twice; }\n"
                              "int *pick(void) { return once + getpid() ? &once : &hidden; }\n"
                              "int main(void) { return *pick() + *first() + other(); }\n";

static const char program_part[] = "static int twice = 2;\n"
                                   "static int renamed __asm__(\"counter.lto_priv.0\") = 7;\n"
                                   "int *second(void) { return &twice; }\n"
                                   "int *third(void) { return &renamed; }\n"
                                   "int other(void) { return *second() + *third(); }\n";

static void compile(const char *flags)
{
    scratch_write(&scratch, "a.c", program);
    scratch_write(&scratch, "b.c", program_part);
    scratch_run(&scratch, "$CC -Wl,--build-id=sha1 %s -o program a.c b.c", flags);
}

static int read_int(struct elf_file *file, const char *symbol)
{
    struct elf_place place;
    int value = -1;

    cr_assert(elf_file_symbol(file, symbol, &place), "no %s", symbol);
    cr_assert(elf_file_read(file, place.address, &value, sizeof(value)));
    return value;
}

Test(elf_file, finds_symbols_and_reads_what_they_name)
{
    compile("-rdynamic");
    struct elf_file *file = scratch_open(&scratch, "program");
    struct elf_place place;

    cr_expect_eq(read_int(file, "global_number"), 4711);
    cr_expect_eq(read_int(file, "hidden"), 5);
    cr_expect_eq(read_int(file, "once"), 3);
    cr_expect_eq(read_int(file, "counter"), 7, "as LTO renames it");
    cr_assert(elf_file_symbol(file, "constant", &place));
    char text[11];
    cr_expect_eq(place.size, sizeof(text));
    cr_assert(elf_file_read(file, place.address, text, sizeof(text)));
    cr_expect_str_eq(text, "a constant");
    elf_file_close(file);
}

Test(elf_file, does_not_find_what_is_not_defined_or_ambiguous)
{
    compile("-rdynamic");
    struct elf_file *file = scratch_open(&scratch, "program");
    struct elf_place place = {.address = 1};

    cr_expect_not(elf_file_symbol(file, "getpid", &place), "undefined here");
    cr_expect_not(elf_file_symbol(file, "twice", &place), "two of them");
    cr_expect_not(elf_file_symbol(file, "global_numbe", &place), "a prefix only");
    cr_expect_not(elf_file_symbol(file, "lobal_number", &place), "a tail only");
    cr_expect_not(elf_file_symbol(file, "", &place));
    cr_expect_eq(place.address, 1);
    elf_file_close(file);
}

Test(elf_file, knows_prefixes)
{
    compile("-rdynamic");
    struct elf_file *file = scratch_open(&scratch, "program");

    cr_expect(elf_file_has_symbol_prefix(file, "global_num"));
    cr_expect_not(elf_file_has_symbol_prefix(file, "lobal_num"));
    cr_expect_not(elf_file_has_symbol_prefix(file, "getpi"), "not defined here");
    elf_file_close(file);
}

Test(elf_file, a_stripped_file_keeps_its_dynamic_symbols)
{
    compile("-rdynamic");
    scratch_run(&scratch, "strip program");
    struct elf_file *file = scratch_open(&scratch, "program");
    struct elf_place place;

    cr_expect_eq(read_int(file, "global_number"), 4711);
    cr_expect_not(elf_file_symbol(file, "once", &place));
    elf_file_close(file);
}

Test(elf_file, reads_zeros_past_the_file_and_nothing_outside_segments)
{
    compile("-rdynamic");
    struct elf_file *file = scratch_open(&scratch, "program");
    struct elf_place empty;
    char bytes[64];

    cr_assert(elf_file_symbol(file, "empty", &empty));
    memset(bytes, 'x', sizeof(bytes));
    cr_assert(elf_file_read(file, empty.address + 50000, bytes, sizeof(bytes)));
    for (size_t i = 0; i < sizeof(bytes); i++)
        cr_expect_eq(bytes[i], 0);
    cr_expect_not(elf_file_read(file, empty.address + 10000000, bytes, sizeof(bytes)));
    cr_expect_not(elf_file_read(file, UINT64_MAX - 8, bytes, sizeof(bytes)));
    cr_expect_not(elf_file_read(file, empty.address, bytes, SIZE_MAX));
    elf_file_close(file);
}

/* Our own mappings tell where the loader put us; each has to lead to the same bias. */
Test(elf_file, computes_the_bias_of_each_mapping)
{
    char line[4096], self[4096];
    struct elf_file *file;
    struct error err;
    uint64_t bias = 0;
    struct elf_place place;
    unsigned mappings = 0;

    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    cr_assert(length > 0);
    self[length] = '\0';
    FILE *exe = fopen("/proc/self/exe", "r");
    cr_assert(elf_file_open(&file, dup(fileno(exe)), self, &err), "%s", err.text);
    fclose(exe);
    cr_assert(elf_file_symbol(file, "elf_file_open", &place));

    FILE *maps = fopen("/proc/self/maps", "r");
    cr_assert(maps);
    while (fgets(line, sizeof(line), maps)) {
        uint64_t start, end, offset, its_bias;
        if (!strstr(line, self) || sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) != 3)
            continue;
        cr_assert(elf_file_bias(file, offset, start, &its_bias), "%s", line);
        if (mappings++)
            cr_expect_eq(its_bias, bias);
        bias = its_bias;
    }
    fclose(maps);
    cr_expect_geq(mappings, 2);
    cr_expect_eq(place.address + bias, (uint64_t)(uintptr_t)elf_file_open);
    cr_expect_not(elf_file_bias(file, UINT64_MAX - 4095, 4096, &bias));
    elf_file_close(file);
}

Test(elf_file, knows_sections_and_build_id)
{
    compile("-g -Wl,--build-id=0x0123456789abcdef");
    struct elf_file *file = scratch_open(&scratch, "program");
    static const uint8_t expected[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    struct elf_place place;
    uint32_t crc;

    const struct build_id *build_id = elf_file_build_id(file);
    cr_assert_eq(build_id->size, sizeof(expected));
    cr_expect(memcmp(build_id->bytes, expected, sizeof(expected)) == 0);
    cr_expect(elf_file_section(file, ".rodata", &place) && place.size > 0);
    cr_expect_not(elf_file_section(file, ".debug_info", &place), "not allocated");
    cr_expect(elf_file_has_debug_info(file));
    cr_expect(elf_file_debuglink(file, &crc) == NULL);
    elf_file_close(file);
}

Test(elf_file, finds_the_build_id_without_section_headers)
{
    compile("-Wl,--build-id=0x0123456789abcdef");
    size_t size;
    unsigned char *bytes = scratch_read(&scratch, "program", &size);
    Elf64_Ehdr header;
    struct elf_file *file;
    struct error err;

    memcpy(&header, bytes, sizeof(header));
    header.e_shoff = header.e_shnum = header.e_shstrndx = 0;
    memcpy(bytes, &header, sizeof(header));
    cr_assert(scratch_open_bytes(bytes, size, &file, &err), "%s", err.text);
    cr_expect_eq(elf_file_build_id(file)->size, 8);
    elf_file_close(file);
    free(bytes);
}

Test(elf_file, reads_the_debuglink)
{
    compile("-g");
    scratch_run(&scratch, "objcopy --only-keep-debug program program.debug;"
                          "strip program; objcopy --add-gnu-debuglink=program.debug program");
    struct elf_file *file = scratch_open(&scratch, "program");
    struct elf_file *debug = scratch_open(&scratch, "program.debug");
    struct elf_place place;
    uint32_t crc = 0;

    const char *link = elf_file_debuglink(file, &crc);
    cr_assert(link);
    cr_expect_str_eq(link, "program.debug");
    cr_expect_neq(crc, 0);
    cr_expect_not(elf_file_has_debug_info(file));
    cr_expect(elf_file_has_debug_info(debug));
    cr_expect(elf_file_symbol(debug, "once", &place));
    elf_file_close(debug);
    elf_file_close(file);
}

Test(elf_file, refuses_what_it_cannot_read)
{
    Elf32_Ehdr narrow = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_version = EV_CURRENT,
        .e_ehsize = sizeof(Elf32_Ehdr)};
    Elf64_Ehdr big = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2MSB, EV_CURRENT}};
    struct elf_file *file;
    struct error err;

    cr_expect_not(scratch_open_bytes(&narrow, sizeof(narrow), &file, &err));
    cr_expect(strstr(err.text, "64-bit") != NULL);
    cr_expect_not(scratch_open_bytes(&big, sizeof(big), &file, &err));
    cr_expect_not(scratch_open_bytes("#!/bin/sh\n", 10, &file, &err));
    cr_expect(strstr(err.text, "not an ELF file") != NULL);
    cr_expect_eq(err.kind, ERROR_PYTHON);
    cr_expect_not(scratch_open_bytes("", 0, &file, &err));
}

/* Makes a section so large that it is not read; the file has that size, as a hole. */
static void enlarge(const char *section)
{
    Elf64_Shdr header = scratch_get_section(&scratch, "program", section);

    header.sh_size = ELF_TABLE_MAX + 1;
    scratch_put_section(&scratch, "program", section, &header);
    scratch_run(&scratch, "truncate -s 256M program");
}

static void expect_refused(const char *says)
{
    char path[128];
    struct elf_file *file = NULL;
    struct error err;

    snprintf(path, sizeof(path), "%s/program", scratch.path);
    cr_assert_not(elf_file_open(&file, open(path, O_RDONLY | O_CLOEXEC), path, &err));
    cr_expect_null(file);
    cr_expect_eq(err.kind, ERROR_PYTHON);
    cr_expect(strstr(err.text, says), "%s", err.text);
}

static const char *const symbol_sections[] = {".symtab", ".strtab"};

Test(elf_file, reads_no_huge_symbol_table)
{
    for (size_t i = 0; i < sizeof(symbol_sections) / sizeof(symbol_sections[0]); i++) {
        struct elf_place place;
        compile("-g");
        struct elf_file *file = scratch_open(&scratch, "program");
        cr_expect(elf_file_symbol(file, "once", &place));
        elf_file_close(file);
        enlarge(symbol_sections[i]);
        file = scratch_open(&scratch, "program");
        cr_expect_not(elf_file_symbol(file, "once", &place), "%s", symbol_sections[i]);
        elf_file_close(file);
    }
}

Test(elf_file, refuses_huge_or_compressed_section_names)
{
    compile("-g");
    enlarge(".shstrtab");
    expect_refused("names of the ELF sections");

    compile("-g");
    Elf64_Shdr header = scratch_get_section(&scratch, "program", ".shstrtab");
    header.sh_flags |= SHF_COMPRESSED;
    scratch_put_section(&scratch, "program", ".shstrtab", &header);
    expect_refused("names of the ELF sections");
}

Test(elf_file, refuses_a_huge_number_of_sections_or_segments)
{
    const uint16_t none = 0, many = PN_XNUM;
    Elf64_Shdr first = {.sh_size = UINT16_MAX + 1};

    compile("-g");
    scratch_write_at(&scratch, "program", offsetof(Elf64_Ehdr, e_phnum), &many, sizeof(many));
    expect_refused("65535 sections or segments");

    compile("-g");
    scratch_run(&scratch, "truncate -s 256M program");
    scratch_put_section(&scratch, "program", "", &first);
    scratch_write_at(&scratch, "program", offsetof(Elf64_Ehdr, e_shnum), &none, sizeof(none));
    expect_refused("65535 sections or segments");
}

Test(elf_file, an_empty_twin_does_not_hide_a_section)
{
    compile("-g");
    scratch_add_twin(&scratch, "program", ".debug_info");
    struct elf_file *file = scratch_open(&scratch, "program");
    cr_expect(elf_file_has_debug_info(file));
    elf_file_close(file);
}

/* Written by hand: a path, and the build-id that follows its NUL. */
static void add_altlink(const char *content)
{
    compile("-g");
    scratch_run(&scratch,
                "printf '%s' > link; objcopy --add-section .gnu_debugaltlink=link program",
                content);
}

static bool read_altlink(struct elf_altlink *ret, struct elf_file **ret_file, struct error *err)
{
    *ret_file = scratch_open(&scratch, "program");
    return elf_file_debugaltlink(*ret_file, ret, err);
}

Test(elf_file, reads_the_link_to_the_supplementary_file)
{
    struct elf_altlink link = {.path = "old"};
    struct elf_file *file;
    struct error err;

    compile("-g");
    cr_assert(read_altlink(&link, &file, &err), "%s", err.text);
    cr_expect_null(link.path);
    elf_file_close(file);

    add_altlink("/some/where\\0abcd");
    cr_assert(read_altlink(&link, &file, &err), "%s", err.text);
    cr_expect_str_eq(link.path, "/some/where");
    cr_assert_eq(link.build_id.size, 4);
    cr_expect(memcmp(link.build_id.bytes, "abcd", 4) == 0);
    elf_file_close(file);

    scratch_add_twin(&scratch, "program", ".gnu_debugaltlink");
    cr_expect_not(read_altlink(&link, &file, &err));
    cr_expect(strstr(err.text, "several sections .gnu_debugaltlink"), "%s", err.text);
    elf_file_close(file);
}

static const char *const no_links[] = {"\\0abcd", "/some/where", "/some/where\\0"};

Test(elf_file, refuses_what_is_no_link)
{
    struct elf_altlink link;
    struct elf_file *file;
    struct error err;

    for (size_t i = 0; i < sizeof(no_links) / sizeof(no_links[0]); i++) {
        add_altlink(no_links[i]);
        cr_expect_not(read_altlink(&link, &file, &err), "row %zu", i);
        cr_expect_eq(err.kind, ERROR_PYTHON);
        elf_file_close(file);
    }
    add_altlink("/some/where\\0abcd");
    Elf64_Shdr header = scratch_get_section(&scratch, "program", ".gnu_debugaltlink");
    header.sh_type = SHT_NOBITS;
    scratch_put_section(&scratch, "program", ".gnu_debugaltlink", &header);
    cr_expect_not(read_altlink(&link, &file, &err));
    cr_expect(strstr(err.text, "cannot be read"), "%s", err.text);
    elf_file_close(file);
}

static void ask_everything(struct elf_file *file)
{
    struct elf_altlink link;
    struct error err;
    struct elf_place place;
    char text[64];
    uint64_t bias;
    uint32_t crc;

    elf_file_build_id(file);
    elf_file_debuglink(file, &crc);
    (void)!elf_file_debugaltlink(file, &link, &err);
    elf_file_has_debug_info(file);
    elf_file_has_symbol_prefix(file, "global");
    if (elf_file_symbol(file, "constant", &place))
        (void)!elf_file_read(file, place.address, text, sizeof(text));
    (void)!elf_file_section(file, ".rodata", &place);
    (void)!elf_file_bias(file, 0, 4096, &bias);
    python_version_of(file);
}

Test(elf_file, survives_truncation_and_garbage)
{
    compile("-g");
    size_t size;
    unsigned char *bytes = scratch_read(&scratch, "program", &size);
    struct elf_file *file;
    struct error err;

    srand(1);
    for (size_t length = 0; length < size; length += 331) {
        if (!scratch_open_bytes(bytes, length, &file, &err))
            continue;
        ask_everything(file);
        elf_file_close(file);
    }
    for (int round = 0; round < 400; round++) {
        unsigned char *copy = malloc(size);
        memcpy(copy, bytes, size);
        /* The headers are at the start and at the end. */
        for (int i = 0; i < 8; i++) {
            size_t at = (size_t)rand() % 2048;
            copy[i % 2 ? at % 1024 : size - 1 - at] = (unsigned char)rand();
        }
        memcpy(copy, ELFMAG "\2\1\1", 7);
        if (scratch_open_bytes(copy, size, &file, &err)) {
            ask_everything(file);
            elf_file_close(file);
        }
        free(copy);
    }
    free(bytes);
}

static struct python_version version_of(const char *source, const char *as)
{
    scratch_write(&scratch, "v.c", source);
    scratch_run(&scratch, "$CC -shared -fPIC -o v.so v.c");
    struct elf_file *file = scratch_open_as(&scratch, "v.so", as);
    struct python_version version = python_version_of(file);
    elf_file_close(file);
    return version;
}

static const struct {
    const char *source;
    const char *name;
    const char *text;
    int minor;
} versions[] = {
    {"const unsigned long Py_Version = 0x030b07f0;", "/x/uwsgi", "3.11.7", 11},
    {"const unsigned long Py_Version = 0x030f00c2;", "/x/uwsgi", "3.15.0rc2", 15},
    {"const unsigned long Py_Version = 0x030e00a1;", "/x/uwsgi", "3.14.0a1", 14},
    {"const unsigned long Py_Version = 0x770000f0;", "/usr/bin/python3.13", "3.13", 13},
    {"const char v[] = \"3.9.18+\";", "/x/uwsgi", "3.9.18+", 9},
    {"const char v[] = \"\\0003.10.0rc2\";", "/x/uwsgi", "3.10.0rc2", 10},
    {"const char v[] = \"\\0003.40.1\\0003.9.2\";", "/usr/lib/libpython3.9.so.1.0", "3.9.2", 9},
    {"const char v[] = \"\\0003.8.1\\0003.9.2\";", "/x/uwsgi", "", 0},
    {"const char v[] = \"\\0003.40.1\\0003.9.2\\0003.2.0\";", "/x/uwsgi", "3.9.2", 9},
    {"const char v[] = \"/opt/python/3.6.15\";", "/x/libpython3.6m.so.1.0", "3.6.15", 6},
    {"const char v[] = \"\\0003.6.15.2\\0003.6\\0003.6.1x\";", "/x/libpython3.6m.so.1.0", "3.6", 6},
    {"int nothing;", "/usr/bin/python3.8", "3.8", 8},
    {"int nothing;", "/usr/bin/uwsgi", "", 0},
};

Test(elf_file, tells_the_version)
{
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        struct python_version version = version_of(versions[i].source, versions[i].name);

        cr_expect(strcmp(version.text, versions[i].text) == 0, "row %zu: \"%s\"", i, version.text);
        cr_expect_eq(version.minor, versions[i].minor);
        cr_expect_eq(version.major, versions[i].minor ? 3 : 0);
    }
}

/* Each "3." could begin a version, and none of them ends. */
Test(elf_file, looks_for_the_version_in_linear_time)
{
    struct python_version version =
        version_of("__asm__(\".section .rodata\\n.rept 3000000\\n.ascii \\\" 3.\\\"\\n.endr\\n\");",
                   "/usr/bin/uwsgi");
    cr_expect_str_eq(version.text, "");
}
