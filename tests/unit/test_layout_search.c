// SPDX-License-Identifier: MIT
#include "symbols/layout_bundled.h"
#include "symbols/layout_search.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct scratch scratch;
static struct layout_table table; /* of a build that is real: of 3.11.7 */

static void make(void)
{
    struct error err;

    scratch_make(&scratch);
    scratch_set_cache(&scratch, "cache");
    scratch_run(&scratch, "echo \"int x;\" > x.c; $CC -shared -s -o bare.so x.c");
    scratch_run(&scratch, "$CC -g -shared -o other.so x.c");
    for (size_t i = 0; i < bundled_layout_count; i++) {
        if (strcmp(bundled_layouts[i].name, "3.11.7") == 0)
            cr_assert(layout_table_parse(&table, bundled_layouts[i].text, bundled_layouts[i].length,
                                         bundled_layouts[i].name, &err));
    }
    cr_assert_eq(table.version.minor, 11);
}

static void clean(void)
{
    scratch_remove(&scratch);
}

TestSuite(layout_search, .init = make, .fini = clean, .timeout = 60);

static const char *in_scratch(char ret[256], const char *name)
{
    snprintf(ret, 256, "%s/%s", scratch.path, name);
    return ret;
}

static void write_table(const char *name, const struct layout_table *written)
{
    struct text text = {0};

    layout_table_print(written, &text);
    cr_assert_not(text.failed);
    text_add_char(&text, '\0');
    scratch_write(&scratch, name, text.bytes);
    text_free(&text);
}

/* Agreement */

Test(layout_search, the_same_agrees)
{
    struct error err;

    cr_expect(layout_agree(&table.layout, "a", &table.layout, "b", &err));
}

Test(layout_search, disagreement_names_the_field_and_both_values)
{
    struct layout other = table.layout;
    struct error err;

    other.slots[PyTypeObject_tp_name].offset = 48;
    cr_assert_not(layout_agree(&table.layout, "/usr/bin/python3", &other, "mine.layout", &err));
    cr_expect_eq(err.kind, ERROR_PYTHON);
    cr_expect(strstr(err.text, "/usr/bin/python3 and mine.layout disagree: PyTypeObject.tp_name is "
                               "8 bytes at 24 in the one and 8 at 48 in the other"),
              "%s", err.text);
}

Test(layout_search, each_part_of_a_slot_counts)
{
    for (int slot = 0; slot < LAYOUT_SLOTS; slot++) {
        for (int part = 0; part < 4; part++) {
            struct layout other = table.layout;
            struct layout_slot *changed = &other.slots[slot];
            struct error err;
            changed->offset += part == 0 ? 8 : 0;
            changed->size += part == 1 ? 8 : 0;
            changed->bit_offset = (uint8_t)(changed->bit_offset + (part == 2));
            changed->bit_size = (uint8_t)(changed->bit_size + (part == 3));
            cr_expect_eq(layout_agree(&table.layout, "a", &other, "b", &err), !changed->present,
                         "%s, part %d", layout_slot_name((enum layout_slot_id)slot), part);
        }
    }
}

/* Of what one of them lacks nothing is said. */
Test(layout_search, what_is_absent_agrees)
{
    struct layout other = table.layout;
    struct error err;

    other.slots[PyTypeObject_tp_name] = (struct layout_slot){.present = false, .offset = 999};
    cr_expect(layout_agree(&table.layout, "a", &other, "b", &err));
    cr_expect(layout_agree(&other, "a", &table.layout, "b", &err));
}

/* Files */

static void expect_unreadable(const char *name, const char *cause)
{
    struct layout_table untouched = {.version.minor = 77};
    struct error err = {.kind = ERROR_NONE};
    char path[256];

    cr_expect_not(layout_file_read(&untouched, in_scratch(path, name), &err), "%s", name);
    cr_expect_eq(err.kind, ERROR_INPUT, "%s: %s", name, err.text);
    cr_expect(strstr(err.text, cause), "no \"%s\" in: %s", cause, err.text);
    cr_expect(strstr(err.text, path), "%s", err.text);
}

Test(layout_search, a_file_is_read_back)
{
    struct layout_table got;
    struct error err;
    char path[256];

    write_table("good", &table);
    cr_assert(layout_file_read(&got, in_scratch(path, "good"), &err), "%s", err.text);
    cr_expect(layout_agree(&got.layout, "a", &table.layout, "b", &err), "%s", err.text);
    cr_expect(build_id_equal(&got.build_id, &table.build_id));
    cr_expect_eq(got.addresses.runtime, table.addresses.runtime);
}

/* No file is waited for, and none is read to an end that does not come. */
Test(layout_search, files_that_are_none)
{
    write_table("good", &table);
    scratch_run(&scratch, "mkfifo fifo; mkdir directory; ln -s /dev/zero device; : > empty");
    scratch_run(&scratch, "cp good large; truncate -s 1G large; cp good long; "
                          "head -c 1100000 /dev/zero | tr \"\\\\0\" \"#\" >> long; echo >> long");
    expect_unreadable("fifo", "no regular file");
    expect_unreadable("directory", "no regular file");
    expect_unreadable("device", "no regular file");
    expect_unreadable("nowhere", "No such file");
    expect_unreadable("empty", "");
    expect_unreadable("large", "");
    expect_unreadable("long", "");
    expect_unreadable("bare.so", "");
}

Test(layout_search, a_damaged_layout_is_no_input)
{
    struct layout_table damaged = table;

    damaged.layout.slots[PyTypeObject_tp_name].offset = 1000000;
    write_table("damaged", &damaged);
    expect_unreadable("damaged", "PyTypeObject.tp_name");
}

/* Candidates, of a file without debug information */

static bool search(struct layout_candidates *ret, const struct python_file *python,
                   const struct layout_sources *sources, bool certain, struct error *err)
{
    static const struct layout_sources none = {.layout_file = NULL};
    int own_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = openat(scratch.fd, "bare.so", O_RDONLY | O_CLOEXEC);
    const struct file_root root = {.fd = own_root, .name = ""};
    char path[256];
    struct layout_table named;
    bool is_named = sources && sources->layout_file;
    cr_assert(!is_named || layout_file_read(&named, sources->layout_file, err), "%s", err->text);
    const struct layout_subject subject = {.python = python,
                                           .named = is_named ? &named : NULL,
                                           .fd = fd,
                                           .path = in_scratch(path, "bare.so"),
                                           .roots = &root,
                                           .root_count = 1};

    cr_assert(own_root >= 0 && fd >= 0);
    bool done = (certain ? layout_search_certain
                         : layout_search)(ret, &subject, sources ? sources : &none, NULL, err);
    close(own_root);
    close(fd);
    return done;
}

static struct python_file make_python(int minor, int micro)
{
    struct python_file python = {.kind = PYTHON_FILE_CPYTHON,
                                 .version = {.major = 3, .minor = minor}};

    snprintf(python.version.text, sizeof(python.version.text), "3.%d.%d", minor, micro);
    return python;
}

Test(layout_search, the_same_version_comes_first)
{
    struct python_file python = make_python(11, 7);
    struct layout_candidates found;
    struct error err;

    cr_assert(search(&found, &python, NULL, false, &err), "%s", err.text);
    cr_expect_eq(found.count, 2);
    cr_expect_str_eq(found.items[0].origin.file, "3.11.7");
    cr_expect_str_eq(found.items[1].origin.file, "3.11.2");
    for (size_t i = 0; i < found.count; i++) {
        cr_expect_eq(found.items[i].origin.source, LAYOUT_FROM_BUNDLED_TABLE);
        cr_expect_not(found.items[i].origin.same_build);
        cr_expect(layout_is_borrowed(&found.items[i].origin));
        cr_expect_eq(found.items[i].addresses.runtime, 0, "that of another build");
    }
    cr_expect(strstr(found.passed_over, "bare.so has no debug information"), "%s",
              found.passed_over);
    layout_candidates_free(&found);
}

Test(layout_search, the_nearest_version_comes_first)
{
    struct layout_candidates found;
    struct error err;

    for (int micro = 3; micro <= 9; micro += 3) { /* 3.11.3, 3.11.6, 3.11.9 */
        struct python_file python = make_python(11, micro);
        cr_assert(search(&found, &python, NULL, false, &err), "%s", err.text);
        cr_expect_str_eq(found.items[0].origin.file, micro == 3 ? "3.11.2" : "3.11.7");
        layout_candidates_free(&found);
    }
}

Test(layout_search, the_same_build_is_the_only_one)
{
    struct python_file python = make_python(11, 7);
    struct layout_candidates found;
    struct error err;

    python.build_id = table.build_id;
    for (int certain = false; certain <= true; certain++) {
        cr_assert(search(&found, &python, NULL, certain, &err), "%s", err.text);
        cr_expect_eq(found.count, 1);
        cr_expect(found.items[0].origin.same_build);
        cr_expect_eq(found.items[0].addresses.runtime, table.addresses.runtime);
        layout_candidates_free(&found);
    }
}

Test(layout_search, nothing_is_certain_of_another_build)
{
    struct python_file python = make_python(11, 7);
    struct layout_candidates found;
    struct error err;

    cr_assert_not(search(&found, &python, NULL, true, &err));
    cr_expect_eq(err.kind, ERROR_PYTHON);
    cr_expect(strstr(err.text, "bare.so has no debug information"), "%s", err.text);
    cr_expect(strstr(err.text, "--debug-file"), "%s", err.text);
}

Test(layout_search, a_version_that_nobody_knows)
{
    struct python_file python = make_python(29, 0);
    struct layout_candidates found;
    struct error err;

    cr_assert_not(search(&found, &python, NULL, false, &err));
    cr_expect_eq(err.kind, ERROR_PYTHON);
    cr_expect(strstr(err.text, "CPython 3.29.0"), "%s", err.text);
    cr_expect(strstr(err.text, "--layout FILE"), "%s", err.text);
}

Test(layout_search, a_build_without_the_gil)
{
    struct python_file python = make_python(13, 0);
    struct layout_candidates found;
    struct error err;

    python.has_published = true;
    python.published.free_threaded = true;
    cr_assert_not(search(&found, &python, NULL, false, &err));
    cr_expect_eq(err.kind, ERROR_PYTHON);
    cr_expect(strstr(err.text, "free-threaded"), "%s", err.text);
}

Test(layout_search, a_layout_that_is_named_is_the_only_one)
{
    struct python_file python = make_python(11, 7);
    struct layout_candidates found;
    struct error err;
    char path[256];

    write_table("good", &table);
    const struct layout_sources sources = {.layout_file = in_scratch(path, "good")};
    cr_assert(search(&found, &python, &sources, false, &err), "%s", err.text);
    cr_expect_eq(found.count, 1);
    cr_expect_eq(found.items[0].origin.source, LAYOUT_FROM_LAYOUT_FILE);
    cr_expect_str_eq(found.items[0].origin.file, path);
    cr_expect_not(found.items[0].origin.same_build);
    layout_candidates_free(&found);

    python.debug_build = true;
    cr_assert_not(search(&found, &python, &sources, false, &err));
    cr_expect_eq(err.kind, ERROR_INPUT);
    cr_expect(strstr(err.text, "3.11.7 (release build), and the target is CPython 3.11.7 (debug"),
              "%s", err.text);
}

/* What only a file says of a kind is not used; the rest of it is, and what it lacks is filled in.
 */
Test(layout_search, a_layout_with_kinds_that_no_table_has)
{
    struct python_file python = make_python(11, 7);
    struct layout_table odd = table;
    struct layout_candidates found;
    struct text text = {0};
    struct error err;
    char path[256];

    odd.build_id.bytes[0] ^= 1;
    odd.layout.slots[PyListObject_ob_item].offset -= 8;
    odd.layout.slots[sizeof_PyTupleObject] = (struct layout_slot){.present = false};
    odd.layout.slots[PyTupleObject_ob_item] = (struct layout_slot){.present = false};
    write_table("odd", &odd);
    const struct layout_sources sources = {.layout_file = in_scratch(path, "odd")};
    cr_assert(search(&found, &python, &sources, false, &err), "%s", err.text);
    const struct layout *layout = &found.items[0].layout;
    cr_expect_not(layout_has(layout, sizeof_PyListObject));
    cr_expect_not(layout_has(layout, PyListObject_allocated));
    cr_expect(layout_slot_equal(&layout->slots[PyTupleObject_ob_item],
                                &table.layout.slots[PyTupleObject_ob_item]));
    cr_expect(layout_has(layout, type_tp_base));
    layout_origin_describe(&found.items[0].origin, &text);
    text_add_char(&text, '\0');
    cr_expect(strstr(text.bytes, "what it says of 1 types is not used"), "%s", text.bytes);
    text_free(&text);
    layout_candidates_free(&found);

    /* That of the very build knows better. */
    python.build_id = odd.build_id;
    cr_assert(search(&found, &python, &sources, false, &err), "%s", err.text);
    cr_expect_eq(layout_offset(&found.items[0].layout, PyListObject_ob_item),
                 odd.layout.slots[PyListObject_ob_item].offset);
    cr_expect_eq(found.items[0].origin.dropped, 0);
    layout_candidates_free(&found);
}

/* The table of the same build is a witness against it. */
Test(layout_search, a_layout_that_the_table_contradicts)
{
    struct python_file python = make_python(11, 7);
    struct layout_table wrong = table;
    struct layout_candidates found;
    struct error err;
    char path[256];

    wrong.layout.slots[PyTypeObject_tp_dict].offset += 8;
    write_table("wrong", &wrong);
    const struct layout_sources sources = {.layout_file = in_scratch(path, "wrong")};
    python.build_id = table.build_id;
    cr_assert_not(search(&found, &python, &sources, false, &err));
    cr_expect_eq(err.kind, ERROR_INPUT);
    cr_expect(strstr(err.text, "disagree: PyTypeObject.tp_dict is"), "%s", err.text);
}

Test(layout_search, a_debug_file_of_another_build)
{
    struct python_file python = make_python(11, 7);
    struct layout_candidates found;
    struct error err;
    char path[256];

    const struct layout_sources sources = {.debug_file = in_scratch(path, "other.so")};
    cr_assert_not(search(&found, &python, &sources, false, &err));
    cr_expect_eq(err.kind, ERROR_INPUT);
    cr_expect(strstr(err.text, "other.so is not the debug information of"), "%s", err.text);
}

/* Extension modules */

static bool add_module(struct layout_candidate *candidate, const char *name, size_t *ret_added,
                       struct error *err)
{
    static const struct layout_sources none = {.layout_file = NULL};
    const struct python_file module = {.kind = PYTHON_FILE_NONE};
    int own_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = openat(scratch.fd, name, O_RDONLY | O_CLOEXEC);
    const struct file_root root = {.fd = own_root, .name = ""};
    char path[256];
    const struct layout_subject subject = {.python = &module,
                                           .fd = fd,
                                           .path = in_scratch(path, name),
                                           .roots = &root,
                                           .root_count = 1};

    cr_assert(own_root >= 0 && fd >= 0);
    bool done = layout_add_module(candidate, &subject, &none, NULL, ret_added, err);
    close(own_root);
    close(fd);
    return done;
}

/* What is there stays, as does what counting needs. */
Test(layout_search, a_module_adds_what_is_lacking)
{
    struct layout_candidate candidate = {.layout = table.layout};
    struct error err;
    size_t added;

    scratch_write(&scratch, "module.c",
                  "typedef struct { long base[3]; void *ob_item; long allocated; long more[9]; } "
                  "PyListObject; PyListObject list;"
                  "typedef struct { long base[30]; void *ob_item[1]; } PyTupleObject;"
                  "typedef struct { void *ob_type; } PyObject; PyObject object;"
                  "typedef struct { long number; } PyLongObject; PyLongObject number;"
                  "PyTupleObject tuple;");
    scratch_run(&scratch, "$CC -g -shared -o module.so module.c");
    cr_assert(add_module(&candidate, "module.so", &added, &err), "%s", err.text);
    cr_expect_eq(added, 0);
    cr_expect(layout_agree(&candidate.layout, "a", &table.layout, "b", &err), "%s", err.text);

    candidate.layout.slots[sizeof_PyListObject] = (struct layout_slot){.present = false};
    candidate.layout.slots[PyListObject_ob_item] = (struct layout_slot){.present = false};
    candidate.layout.slots[PyListObject_allocated] = (struct layout_slot){.present = false};
    candidate.layout.slots[sizeof_PyLongObject] = (struct layout_slot){.present = false};
    cr_assert(add_module(&candidate, "module.so", &added, &err), "%s", err.text);
    cr_expect_eq(added, 1);
    cr_expect_eq(layout_size(&candidate.layout, sizeof_PyListObject), 112);
    cr_expect_eq(layout_offset(&candidate.layout, PyListObject_allocated), 32);
    cr_expect_not(layout_has(&candidate.layout, sizeof_PyLongObject));
    cr_expect_eq(layout_size(&candidate.layout, sizeof_PyTupleObject),
                 layout_size(&table.layout, sizeof_PyTupleObject));
}

Test(layout_search, a_module_without_debug_information)
{
    struct layout_candidate candidate = {.layout = table.layout};
    struct error err;
    size_t added = 77;

    cr_expect_not(add_module(&candidate, "bare.so", &added, &err));
    cr_expect_eq(err.kind, ERROR_INPUT);
    cr_expect(strstr(err.text, "bare.so has no debug information"), "%s", err.text);
    cr_expect_eq(added, 77);
}

Test(layout_search, where_it_comes_from_is_told)
{
    struct layout_origin origin = {
        .source = LAYOUT_FROM_DEBUG_FILE, .cached = true, .confirmed = 7};
    struct text text = {0};

    snprintf(origin.file, sizeof(origin.file), "/a/b.debug");
    layout_origin_describe(&origin, &text);
    text_add_char(&text, '\0');
    cr_expect_str_eq(text.bytes, "the debug file /a/b.debug (kept from an earlier run); "
                                 "_Py_DebugOffsets says the same of 7 fields");
    text_free(&text);
    cr_expect_str_eq(layout_source_name(LAYOUT_FROM_DWARF), "dwarf");
    cr_expect_str_eq(layout_source_name(LAYOUT_FROM_DEBUG_FILE), "debug-file");
    cr_expect_str_eq(layout_source_name(LAYOUT_FROM_LAYOUT_FILE), "layout-file");
    cr_expect_str_eq(layout_source_name(LAYOUT_FROM_BUNDLED_TABLE), "bundled");
}
