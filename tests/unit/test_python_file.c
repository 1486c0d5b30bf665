// SPDX-License-Identifier: MIT
/* Where a file says that tracemalloc's variables are. */
#include "symbols/python_file.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <string.h>

static struct scratch scratch;

static void make(void)
{
    scratch_make(&scratch);
}

static void clean(void)
{
    scratch_remove(&scratch);
}

TestSuite(python_file, .init = make, .fini = clean, .timeout = 60);

/* As 3.9 to 3.11 have them; LTO has renamed one. */
static const char program[] =
    "int _Py_tracemalloc_config[3] = {1, 2, 3};\n"
    "static void *tracemalloc_traces, *tracemalloc_domains, *tracemalloc_tracebacks;\n"
    "static void *filenames __asm__(\"tracemalloc_filenames.lto_priv.0\");\n"
    "static unsigned long tracemalloc_traced_memory, tracemalloc_peak_traced_memory;\n"
    "void *volatile last;\n"
    "int main(void)\n"
    "{\n"
    "    last = &tracemalloc_traces, last = &tracemalloc_domains, last = &tracemalloc_tracebacks;\n"
    "    last = &filenames, last = &tracemalloc_traced_memory;\n"
    "    last = &tracemalloc_peak_traced_memory;\n"
    "    return _Py_tracemalloc_config[0];\n"
    "}\n";

static void find(const char *name, uint64_t ret[TRACED_VARIABLES])
{
    struct elf_file *file = scratch_open(&scratch, name);

    memset(ret, 0xff, TRACED_VARIABLES * sizeof(*ret));
    python_file_find_traced(file, ret);
    elf_file_close(file);
}

Test(python_file, tracemallocs_variables_have_symbols)
{
    uint64_t found[TRACED_VARIABLES], stripped[TRACED_VARIABLES];

    scratch_write(&scratch, "a.c", program);
    scratch_run(&scratch, "$CC -rdynamic -o program a.c");
    find("program", found);
    for (int i = 0; i < TRACED_VARIABLES; i++) {
        cr_expect_neq(found[i], 0, "%s", traced_variable_name((enum traced_variable)i));
        for (int j = 0; j < i; j++)
            cr_expect_neq(found[i], found[j], "%d %d", i, j);
    }
    scratch_run(&scratch, "strip --strip-all program");
    find("program", stripped);
    cr_expect_eq(stripped[TRACED_CONFIG], found[TRACED_CONFIG]);
    for (int i = TRACED_CONFIG + 1; i < TRACED_VARIABLES; i++)
        cr_expect_eq(stripped[i], 0, "%s", traced_variable_name((enum traced_variable)i));
}

Test(python_file, up_to_3_7_the_config_is_a_static_variable_too)
{
    uint64_t found[TRACED_VARIABLES];

    scratch_write(&scratch, "a.c",
                  "static int tracemalloc_config[4] = {1};\n"
                  "int *volatile last;\n"
                  "int main(void) { last = tracemalloc_config; return 0; }\n");
    scratch_run(&scratch, "$CC -o program a.c");
    find("program", found);
    cr_expect_neq(found[TRACED_CONFIG], 0);
    cr_expect_eq(found[TRACED_TRACES], 0);
}

Test(python_file, addresses_from_elsewhere_fill_gaps)
{
    struct python_file file = {.addresses.traced[TRACED_CONFIG] = 1};
    const struct python_addresses more = {.traced = {2, 3}};

    python_file_add_addresses(&file, &more);
    cr_expect(file.addresses.traced[TRACED_CONFIG] == 1 &&
              file.addresses.traced[TRACED_TRACES] == 3);
}
