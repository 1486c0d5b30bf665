// SPDX-License-Identifier: MIT
#include "symbols/elf_dynamic.h"
#include "symbols/python_version.h"
#include "tests/support/pythons.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

TestSuite(elf_dynamic, .init = make, .fini = clean, .timeout = 120);

/* An ELF file without section headers. */
struct image {
    unsigned char *bytes;
    size_t size;
    size_t symbol_count; /* in .dynsym, as its header said */
};

static const char library[] =
    "#include <unistd.h>\n"
    "int number = 4711;\n"
    "char room[4096] = {1};\n"
    "int *other = &number;\n"
    "static int hidden = 5;\n"
    "int function(void) { return getpid() + hidden++ + *other; }\n"
    "int a1, a2, a3, a4, a5, a6, a7, a8, a9, b1, b2, b3, b4, b5, b6, b7, b8, b9;\n";

static const char *const styles[] = {
    "-Wl,--hash-style=gnu",
    "-Wl,--hash-style=sysv",
    "-Wl,--hash-style=both",
};

static void drop_headers(unsigned char *bytes)
{
    Elf64_Ehdr header;

    memcpy(&header, bytes, sizeof(header));
    header.e_shoff = header.e_shnum = header.e_shstrndx = 0;
    memcpy(bytes, &header, sizeof(header));
}

static struct image build(const char *flags)
{
    struct image image;

    scratch_write(&scratch, "a.c", library);
    scratch_run(&scratch, "$CC -shared -fPIC %s -o a.so a.c", flags);
    Elf64_Shdr section = scratch_get_section(&scratch, "a.so", ".dynsym");
    image.symbol_count = section.sh_size / sizeof(Elf64_Sym);
    image.bytes = scratch_read(&scratch, "a.so", &image.size);
    drop_headers(image.bytes);
    return image;
}

static struct elf_file *open_image(const struct image *image)
{
    struct elf_file *file;
    struct error err;

    cr_assert(scratch_open_bytes(image->bytes, image->size, &file, &err), "%s", err.text);
    return file;
}

/* The first program header of that type; they follow the ELF header. */
static Elf64_Phdr get_segment(const struct image *image, uint32_t type, size_t *ret_at)
{
    Elf64_Phdr segment;

    *ret_at = sizeof(Elf64_Ehdr);
    for (;; *ret_at += sizeof(segment)) {
        cr_assert_lt(*ret_at, image->size - sizeof(segment));
        memcpy(&segment, image->bytes + *ret_at, sizeof(segment));
        if (segment.p_type == type)
            return segment;
    }
}

/* The place of a dynamic entry in the file; 0: there is none. */
static size_t entry_at(const struct image *image, int64_t tag)
{
    size_t ignored;
    Elf64_Phdr segment = get_segment(image, PT_DYNAMIC, &ignored);

    for (size_t at = segment.p_offset; at < segment.p_offset + segment.p_filesz;
         at += sizeof(Elf64_Dyn)) {
        Elf64_Dyn entry;
        memcpy(&entry, image->bytes + at, sizeof(entry));
        if (entry.d_tag == tag)
            return at;
        if (entry.d_tag == DT_NULL)
            break;
    }
    return 0;
}

static uint64_t get_entry(const struct image *image, int64_t tag)
{
    Elf64_Dyn entry;
    size_t at = entry_at(image, tag);

    cr_assert(at);
    memcpy(&entry, image->bytes + at, sizeof(entry));
    return entry.d_un.d_val;
}

static void put_entry(struct image *image, int64_t tag, int64_t new_tag, uint64_t value)
{
    const Elf64_Dyn entry = {.d_tag = new_tag, .d_un.d_val = value};
    size_t at = entry_at(image, tag);

    cr_assert(at);
    memcpy(image->bytes + at, &entry, sizeof(entry));
}

/* Both files tell the same of a name. */
static void expect_same(struct elf_file *left, struct elf_file *right, const char *name)
{
    struct elf_place a = {0}, b = {0};
    bool in_a = elf_file_symbol(left, name, &a), in_b = elf_file_symbol(right, name, &b);

    cr_expect_eq(in_a, in_b, "%s of %s", name, elf_file_path(left));
    cr_expect_eq(a.address, b.address, "%s of %s", name, elf_file_path(left));
    cr_expect_eq(a.size, b.size, "%s of %s", name, elf_file_path(left));
}

static const char *const names[] = {"number", "other", "function", "a1", "b9", "getpid", "absent"};

static void expect_number(struct elf_file *file)
{
    struct elf_place place;
    int number;

    cr_assert(elf_file_symbol(file, "number", &place));
    cr_expect_eq(place.size, sizeof(number));
    cr_assert(elf_file_read(file, place.address, &number, sizeof(number)));
    cr_expect_eq(number, 4711);
}

Test(elf_dynamic, finds_the_same_symbols_without_section_headers)
{
    for (size_t i = 0; i < COUNT(styles); i++) {
        struct image image = build(styles[i]);
        struct elf_file *whole = scratch_open(&scratch, "a.so");
        struct elf_file *file = open_image(&image);
        struct elf_place place;

        expect_number(file);
        for (size_t name = 0; name < COUNT(names); name++)
            expect_same(whole, file, names[name]);
        cr_expect_not(elf_file_symbol(file, "hidden", &place));
        cr_expect(elf_file_has_symbol_prefix(file, "funct"));
        cr_expect_not(elf_file_has_symbol_prefix(file, "getpi"), "not defined here");
        elf_file_close(file);
        elf_file_close(whole);
        free(image.bytes);
    }
}

static size_t count_symbols(const struct image *image)
{
    struct elf_file *file = open_image(image);
    struct elf_dynamic dynamic;
    size_t count = 0;

    if (elf_dynamic_read(&dynamic, file)) {
        count = dynamic.symbols_size / sizeof(Elf64_Sym);
        elf_dynamic_free(&dynamic);
    }
    elf_file_close(file);
    return count;
}

/* The strings are said to be before the symbols, so that it is not told by where they begin. */
Test(elf_dynamic, counts_symbols_by_either_hash)
{
    for (size_t i = 0; i < COUNT(styles); i++) {
        struct image image = build(styles[i]);
        put_entry(&image, DT_STRTAB, DT_STRTAB, sizeof(Elf64_Ehdr));
        cr_expect_eq(count_symbols(&image), image.symbol_count, "%s", styles[i]);
        free(image.bytes);
    }
}

Test(elf_dynamic, counts_symbols_without_a_hash)
{
    struct image image = build(styles[0]);

    put_entry(&image, DT_GNU_HASH, DT_LOOS, 0);
    cr_expect_eq(count_symbols(&image), image.symbol_count);
    put_entry(&image, DT_STRTAB, DT_STRTAB, sizeof(Elf64_Ehdr));
    cr_expect_eq(count_symbols(&image), 0);
    free(image.bytes);
}

Test(elf_dynamic, knows_a_hash_without_symbols)
{
    struct image image = build(styles[0]);
    size_t at = get_entry(&image, DT_GNU_HASH); /* in the first segment: as in the file */
    uint32_t header[4];

    memcpy(header, image.bytes + at, sizeof(header));
    memset(image.bytes + at + sizeof(header) + header[2] * 8, 0, header[0] * sizeof(uint32_t));
    cr_expect_gt(header[1], 0);
    cr_expect_lt(header[1], image.symbol_count);
    cr_expect_eq(count_symbols(&image), header[1], "the first symbol that would be hashed");
    free(image.bytes);
}

/* As ld.so does it. */
static void move_pointers(struct image *image, uint64_t bias)
{
    static const int64_t tags[] = {DT_HASH, DT_GNU_HASH, DT_SYMTAB, DT_STRTAB};

    for (size_t i = 0; i < COUNT(tags); i++) {
        if (entry_at(image, tags[i]))
            put_entry(image, tags[i], tags[i], get_entry(image, tags[i]) + bias);
    }
}

Test(elf_dynamic, reads_pointers_that_were_moved_and_others)
{
    const uint64_t bias = 0x7f1234567000;

    for (size_t i = 0; i < COUNT(styles); i++) {
        struct image image = build(styles[i]);
        struct elf_place place;
        struct elf_file *file = open_image(&image);
        cr_expect_eq(elf_file_moved(file), 0);
        elf_file_set_moved(file, bias);
        cr_expect_eq(elf_file_moved(file), bias);
        expect_number(file); /* not moved: musl */
        elf_file_close(file);

        move_pointers(&image, bias);
        file = open_image(&image);
        cr_expect_not(elf_file_symbol(file, "number", &place));
        elf_file_set_moved(file, bias);
        expect_number(file);
        elf_file_close(file);
        free(image.bytes);
    }
}

static int find_bias(struct dl_phdr_info *info, size_t size, void *arg)
{
    uint64_t *bias = arg;

    (void)size;
    if (!strstr(info->dlpi_name, "/a.so"))
        return 0;
    *bias = info->dlpi_addr;
    return 1;
}

/* What a process has of the file's segments; the rest of the file is gone. */
static struct image copy_from_memory(const struct image *linked, uint64_t bias)
{
    struct image image = {.bytes = calloc(1, linked->size), .size = linked->size};
    Elf64_Ehdr header;

    cr_assert(image.bytes);
    memcpy(&header, linked->bytes, sizeof(header));
    for (size_t i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, linked->bytes + header.e_phoff + i * sizeof(segment), sizeof(segment));
        if (segment.p_type == PT_LOAD)
            memcpy(image.bytes + segment.p_offset,
                   (const void *)(uintptr_t)(bias + segment.p_vaddr), segment.p_filesz);
    }
    return image;
}

/* The ELF header that is copied still tells of section headers; there are zeros. */
Test(elf_dynamic, reads_an_image_of_memory)
{
    for (size_t i = 0; i < COUNT(styles); i++) {
        struct image image = build(styles[i]);
        char path[128];
        uint64_t bias = 0;

        snprintf(path, sizeof(path), "%s/a.so", scratch.path);
        void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        cr_assert(handle, "%s", dlerror());
        dl_iterate_phdr(find_bias, &bias);
        cr_assert(bias);
        struct image copied = copy_from_memory(&image, bias);
        struct elf_file *whole = scratch_open(&scratch, "a.so");
        struct elf_file *file = open_image(&copied);
        elf_file_set_moved(file, bias);
        expect_number(file);
        for (size_t name = 0; name < COUNT(names); name++)
            expect_same(whole, file, names[name]);
        elf_file_close(file);
        elf_file_close(whole);
        dlclose(handle);
        free(copied.bytes);
        free(image.bytes);
    }
}

/* A dynamic entry, or with no tag a word of the hash table, is set so: nothing is found. */
static const struct {
    const char *name;
    int64_t tag;
    uint64_t value;
} damages[] = {
    {"no strings", DT_STRTAB, 0},
    {"strings elsewhere", DT_STRTAB, 0x100000000},
    {"strings at the end of the address space", DT_STRTAB, UINT64_MAX - 7},
    {"no size of strings", DT_STRSZ, 0},
    {"strings past their segment", DT_STRSZ, 1 << 20},
    {"huge strings", DT_STRSZ, UINT64_MAX},
    {"no symbols", DT_SYMTAB, 0},
    {"symbols elsewhere", DT_SYMTAB, 0x100000000},
    {"symbols at the end of the address space", DT_SYMTAB, UINT64_MAX - 23},
    {"symbols of another size", DT_SYMENT, 16},
    {"no symbol table that is read", DT_NULL, 0},
};

Test(elf_dynamic, finds_nothing_through_what_is_damaged)
{
    for (size_t i = 0; i < COUNT(damages); i++) {
        struct image image = build(styles[1]);
        struct elf_place place;

        if (damages[i].tag != DT_NULL)
            put_entry(&image, damages[i].tag, damages[i].tag, damages[i].value);
        else
            put_entry(&image, DT_NEEDED, DT_NULL, 0); /* the first one */
        struct elf_file *file = open_image(&image);
        cr_expect_not(elf_file_symbol(file, "number", &place), "%s", damages[i].name);
        elf_file_close(file);
        free(image.bytes);
    }
}

/* Words of the header of DT_HASH (buckets, links) and of DT_GNU_HASH. */
static const struct {
    const char *style;
    int64_t tag;
    size_t word;
    uint32_t value;
    bool found; /* by another way to count */
} hashes[] = {
    {"-Wl,--hash-style=sysv", DT_HASH, 1, UINT32_MAX, false},
    {"-Wl,--hash-style=sysv", DT_HASH, 1, 1, false},
    {"-Wl,--hash-style=sysv", DT_HASH, 1, 0, false},
    {"-Wl,--hash-style=gnu", DT_GNU_HASH, 0, UINT32_MAX, true},
    {"-Wl,--hash-style=gnu", DT_GNU_HASH, 0, 0, true},
    {"-Wl,--hash-style=gnu", DT_GNU_HASH, 1, UINT32_MAX, true},
    {"-Wl,--hash-style=gnu", DT_GNU_HASH, 2, UINT32_MAX, true},
    {"-Wl,--hash-style=gnu", DT_GNU_HASH, 4, UINT32_MAX, true}, /* no bucket yet: harmless */
};

Test(elf_dynamic, survives_damaged_hashes)
{
    for (size_t i = 0; i < COUNT(hashes); i++) {
        struct image image = build(hashes[i].style);
        size_t at = get_entry(&image, hashes[i].tag) + 4 * hashes[i].word;
        struct elf_place place;

        memcpy(image.bytes + at, &hashes[i].value, sizeof(hashes[i].value));
        struct elf_file *file = open_image(&image);
        cr_expect_eq(elf_file_symbol(file, "number", &place), hashes[i].found, "row %zu", i);
        elf_file_close(file);
        free(image.bytes);
    }
}

/* Moves DT_GNU_HASH to a variable, in a segment that is as large as can be, and the strings before
 * the symbols. Returns where the hash now is in the file. */
static size_t move_hash(struct image *image)
{
    struct elf_file *file = open_image(image);
    uint64_t from = get_entry(image, DT_GNU_HASH), size = get_entry(image, DT_SYMTAB) - from;
    struct elf_place room;
    size_t at = sizeof(Elf64_Ehdr);
    Elf64_Phdr segment;

    cr_assert(elf_file_symbol(file, "room", &room));
    elf_file_close(file);
    do {
        memcpy(&segment, image->bytes + at, sizeof(segment));
        at += sizeof(segment);
    } while (segment.p_type != PT_LOAD || !(segment.p_flags & PF_W));
    segment.p_memsz = (uint64_t)1 << 40; /* most of it not in the file */
    memcpy(image->bytes + at - sizeof(segment), &segment, sizeof(segment));
    at = segment.p_offset + (room.address - segment.p_vaddr);
    cr_assert_leq(size, room.size);
    memcpy(image->bytes + at, image->bytes + from, size);
    put_entry(image, DT_GNU_HASH, DT_GNU_HASH, room.address);
    put_entry(image, DT_STRTAB, DT_STRTAB, sizeof(Elf64_Ehdr));
    return at;
}

Test(elf_dynamic, reads_a_chain_in_a_huge_segment)
{
    struct image image = build(styles[0]);

    move_hash(&image);
    cr_expect_eq(count_symbols(&image), image.symbol_count);
    free(image.bytes);
}

Test(elf_dynamic, ends_with_a_chain_without_an_end)
{
    static const struct {
        uint32_t buckets, first_hashed, bloom_words, bloom_shift;
        uint64_t bloom;
        uint32_t first, hashes[1000];
    } endless = {.buckets = 1, .first_hashed = 1, .bloom_words = 1, .first = 1};
    struct image image = build(styles[0]);
    size_t at = move_hash(&image);

    memcpy(image.bytes + at, &endless, sizeof(endless));
    cr_expect_eq(count_symbols(&image), 0);
    image.bytes[at + offsetof(__typeof__(endless), hashes[2])] = 1;
    cr_expect_eq(count_symbols(&image), 4, "so it was for want of an end");
    free(image.bytes);
}

static void ask_everything(struct elf_file *file)
{
    struct elf_place place;
    char byte;

    elf_file_has_symbol_prefix(file, "numb");
    if (elf_file_symbol(file, "number", &place))
        (void)!elf_file_read(file, place.address, &byte, 1);
    elf_file_set_moved(file, 0x7f0000000000);
    elf_file_symbol(file, "function", &place);
    python_version_of(file);
}

static void ask_bytes(const void *bytes, size_t size)
{
    struct elf_file *file;
    struct error err;

    if (!scratch_open_bytes(bytes, size, &file, &err))
        return;
    ask_everything(file);
    elf_file_close(file);
}

/* The headers and the tables of symbols are at the start; the dynamic section is elsewhere. */
static void mutate(const struct image *image, unsigned char *copy)
{
    size_t ignored;
    Elf64_Phdr dynamic = get_segment(image, PT_DYNAMIC, &ignored);
    int changes = 1 + rand() % 6;

    memcpy(copy, image->bytes, image->size);
    while (changes-- > 0) {
        size_t at = rand() % 2 ? (size_t)rand() % 2048
                               : dynamic.p_offset + (size_t)rand() % dynamic.p_filesz;
        copy[at] = rand() % 4 ? (unsigned char)rand() : 0xff;
    }
    memcpy(copy, ELFMAG "\2\1\1", 7);
}

Test(elf_dynamic, survives_truncation_and_garbage)
{
    srand(1);
    for (size_t i = 0; i < COUNT(styles); i++) {
        struct image image = build(styles[i]);
        unsigned char *copy = malloc(image.size);
        cr_assert(copy);
        for (size_t length = 0; length < image.size; length += 97)
            ask_bytes(image.bytes, length);
        for (int round = 0; round < 1000; round++) {
            mutate(&image, copy);
            ask_bytes(copy, image.size);
        }
        free(copy);
        free(image.bytes);
    }
}

static const struct {
    const char *source;
    const char *flags;
    const char *name;
    const char *text;
} versions[] = {
    {"const unsigned long Py_Version = 0x030b07f0;", "", "/x/uwsgi", "3.11.7"},
    {"const char v[] = \"3.9.18+\";", "", "/x/uwsgi", "3.9.18+"},
    {"const char v[] = \"3.9.18+\";", "-Wl,-z,noseparate-code", "/x/uwsgi", "3.9.18+"},
    {"const char v[] = \"\\0003.40.1\\0003.9.2\";", "", "/usr/lib/libpython3.9.so.1.0", "3.9.2"},
    {"const char v[] = \"\\0003.8.1\\0003.9.2\";", "", "/x/uwsgi", ""},
    {"const char v[] = \"/opt/python/3.6.15\";", "", "/x/libpython3.6m.so.1.0", "3.6.15"},
    {"char v[] = \"3.9.18\";", "", "/x/uwsgi", ""},
    {"char v[] = \"3.9.18\";", "", "/usr/bin/python3.9", "3.9"},
    {"char v[] = \"3.9.17\"; const char w[] = \"3.9.18\";", "", "/x/uwsgi", "3.9.18"},
};

Test(elf_dynamic, tells_the_version_without_section_headers)
{
    const Elf64_Ehdr none = {0};

    for (size_t i = 0; i < COUNT(versions); i++) {
        scratch_write(&scratch, "v.c", versions[i].source);
        scratch_run(&scratch, "$CC -shared -fPIC %s -o v.so v.c", versions[i].flags);
        scratch_write_at(&scratch, "v.so", offsetof(Elf64_Ehdr, e_shoff), &none.e_shoff, 8);
        scratch_write_at(&scratch, "v.so", offsetof(Elf64_Ehdr, e_shnum), &none.e_shnum, 4);
        struct elf_file *file = scratch_open_as(&scratch, "v.so", versions[i].name);
        struct python_version version = python_version_of(file);
        cr_expect(strcmp(version.text, versions[i].text) == 0, "row %zu: \"%s\"", i, version.text);
        elf_file_close(file);
    }
}

static const char *const python_names[] = {
    "_PyRuntime",    "_PyGC_generation0", "PyGC_Collect",   "Py_Version",
    "Py_GetVersion", "PyType_Type",       "_Py_NoneStruct",
};

/* As the interpreter's library or program is, and as it is without section headers. */
static void compare_without_headers(const char *path)
{
    const Elf64_Ehdr none = {0};

    scratch_run(&scratch, "cp '%s' python; chmod u+w python", path);
    scratch_write_at(&scratch, "python", offsetof(Elf64_Ehdr, e_shoff), &none.e_shoff, 8);
    scratch_write_at(&scratch, "python", offsetof(Elf64_Ehdr, e_shnum), &none.e_shnum, 4);
    struct elf_file *whole = scratch_open_as(&scratch, path, path);
    struct elf_file *file = scratch_open_as(&scratch, "python", path);
    struct python_version version = python_version_of(file);
    struct elf_place place;
    cr_expect(elf_file_symbol(file, "PyGC_Collect", &place), "%s", path);
    for (size_t i = 0; i < COUNT(python_names); i++)
        expect_same(whole, file, python_names[i]);
    cr_expect_str_eq(version.text, python_version_of(whole).text);
    elf_file_close(file);
    elf_file_close(whole);
}

Test(elf_dynamic, finds_the_same_in_the_interpreters_of_this_machine, .timeout = 300)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED), compared = 0;

    for (size_t i = 0; i < count; i++, compared++)
        compare_without_headers(pythons[i].image);
    if (!compared)
        cr_skip_test("no interpreter is here");
}
