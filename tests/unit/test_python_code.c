// SPDX-License-Identifier: MIT
#include "symbols/python_code.h"
#include "tests/support/pythons.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
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

TestSuite(python_code, .init = make, .fini = clean, .timeout = 60);

/* As Modules/gcmodule.c has it. */
static const char gcmodule[] =
    "#include <unistd.h>\n"
    "static int enabled = 1, collecting;\n"
    "int *where(void) { return collecting ? &collecting : &enabled; }\n"
    "__attribute__((noinline)) static long collect_with_callback(int generation)\n"
    "{ return getpid() + generation; }\n"
    "long PyGC_Collect(void) {\n"
    "    long n;\n"
    "    if (collecting) n = 0;\n"
    "    else { collecting = 1; n = collect_with_callback(2); collecting = 0; }\n"
    "    return n;\n"
    "}\n"
    "int main(void) { return PyGC_Collect() == 0; }\n";

static void expect_collecting(const char *path, const struct elf_place *right)
{
    struct elf_file *file = scratch_open(&scratch, path);
    uint64_t found = 4711;

    cr_expect(python_code_collecting(file, &found), "%s", path);
    cr_expect_eq(found, right->address, "%s: %#lx, not %#lx", path, found, right->address);
    elf_file_close(file);
}

static const char *const builds[] = {
    "-O0 -shared -fPIC", "-O1 -shared -fPIC",     "-O2 -shared -fPIC",        "-O3 -shared -fPIC",
    "-Os -shared -fPIC", "-O2 -no-pie -rdynamic", "-O2 -pie -fPIE -rdynamic",
};

Test(python_code, finds_the_flag_however_it_is_compiled)
{
    scratch_write(&scratch, "gc.c", gcmodule);
    for (size_t i = 0; i < COUNT(builds); i++) {
        struct elf_place collecting, symbol;
        scratch_run(&scratch, "$CC %s -o gc gc.c; strip -o stripped gc", builds[i]);
        struct elf_file *file = scratch_open(&scratch, "gc");
        cr_assert(elf_file_symbol(file, "collecting", &collecting), "%s", builds[i]);
        elf_file_close(file);
        file = scratch_open(&scratch, "stripped");
        cr_assert_not(elf_file_symbol(file, "collecting", &symbol));
        elf_file_close(file);
        expect_collecting("gc", &collecting);
        expect_collecting("stripped", &collecting);
    }
}

/* What the function consists of, and which variable is found. */
static const struct {
    const char *name;
    const char *code;
    const char *found; /* NULL: none */
} functions[] = {
    {"both", "movl $1, one(%rip); movl $0, one(%rip)", "one"},
    {"backwards", "movl $0, one(%rip); movl $1, one(%rip)", "one"},
    {"twice", "movl $1, one(%rip); movl $1, one(%rip); movl $0, one(%rip)", "one"},
    {"two of them",
     "movl $1, one(%rip); movl $0, one(%rip); movl $1, two(%rip); "
     "movl $0, two(%rip)",
     NULL},
    {"another is set", "movl $1, two(%rip); movl $1, one(%rip); movl $0, one(%rip)", "one"},
    {"another is cleared", "movl $1, one(%rip); movl $0, one(%rip); movl $0, two(%rip)", "one"},
    {"never cleared", "movl $1, one(%rip); movl $0, two(%rip)", NULL},
    {"never set", "movl $2, one(%rip); movl $0, one(%rip)", NULL},
    {"nothing", "nop", NULL},
    {"not aligned", "movl $1, one+2(%rip); movl $0, one+2(%rip)", NULL},
    {"not writable", "movl $1, constant(%rip); movl $0, constant(%rip)", NULL},
    {"not in the file", "movl $1, one+0x10000000(%rip); movl $0, one+0x10000000(%rip)", NULL},
    {"cleared by and", "movl $1, one(%rip); andl $0, one(%rip)", "one"},
    {"and 1", "movl $1, one(%rip); andl $1, one(%rip)", NULL},
    {"by a register", "movl $1, one(%rip); xorl %esi, %esi; movl %esi, one(%rip)", "one"},
    {"by another one", "movl $1, one(%rip); xorl %esi, %esi; movl %edi, one(%rip)", NULL},
    {"not cleared itself", "movl $1, one(%rip); xorl %esi, %edi; movl %esi, one(%rip)", NULL},
    {"half a word", "movw $1, one(%rip); movw $0, one(%rip)", NULL},
    {"past the end",
     "movl $1, one(%rip); .size PyGC_Collect, . - PyGC_Collect + 9; "
     "movl $0, one(%rip); .set sized, 1",
     NULL},
    {"at the end",
     "movl $1, one(%rip); .size PyGC_Collect, . - PyGC_Collect + 10; "
     "movl $0, one(%rip); .set sized, 1",
     "one"},
    {"within 4096", "movl $1, one(%rip); .skip 4076, 0x90; movl $0, one(%rip); nop", "one"},
    {"past 4096", "movl $1, one(%rip); .skip 4077, 0x90; movl $0, one(%rip); nop", NULL},
};

static const char assembler[] = ".globl PyGC_Collect\n.type PyGC_Collect, @function\n"
                                ".text\nPyGC_Collect:\n%s\n"
                                ".ifndef sized\n.size PyGC_Collect, . - PyGC_Collect\n.endif\n"
                                ".section .rodata\n.balign 4\nconstant: .long 0\n"
                                ".data\n.balign 4\none: .long 0, 0\ntwo: .long 0\n"
                                ".section .note.GNU-stack,\"\",@progbits\n";

Test(python_code, is_sure_or_finds_nothing)
{
    for (size_t i = 0; i < COUNT(functions); i++) {
        char source[2048];
        struct elf_place place = {0};
        uint64_t found = 4711;
        snprintf(source, sizeof(source), assembler, functions[i].code);
        scratch_write(&scratch, "gc.s", source);
        scratch_run(&scratch, "$CC -shared -o gc.so gc.s");
        struct elf_file *file = scratch_open(&scratch, "gc.so");
        bool is_found = python_code_collecting(file, &found);
        cr_expect_eq(is_found, functions[i].found != NULL, "%s", functions[i].name);
        if (functions[i].found)
            cr_assert(elf_file_symbol(file, functions[i].found, &place));
        cr_expect_eq(found, is_found ? place.address : 4711, "%s", functions[i].name);
        elf_file_close(file);
    }
}

Test(python_code, knows_one_machine_only)
{
    const uint16_t machine = EM_AARCH64;
    uint64_t found;

    scratch_write(&scratch, "gc.c", gcmodule);
    scratch_run(&scratch, "$CC -O2 -shared -fPIC -o gc gc.c");
    scratch_write_at(&scratch, "gc", offsetof(Elf64_Ehdr, e_machine), &machine, sizeof(machine));
    struct elf_file *file = scratch_open(&scratch, "gc");
    cr_expect_not(python_code_collecting(file, &found));
    elf_file_close(file);
}

/* Where the library of an interpreter still has the symbol, it is the truth. */
static bool check_library(const char *path)
{
    static const Elf64_Ehdr none;
    struct elf_file *file = scratch_open(&scratch, path);
    struct elf_place collecting;
    bool known = elf_file_symbol(file, "collecting", &collecting);

    elf_file_close(file);
    if (!known)
        return false;
    expect_collecting(path, &collecting);
    scratch_run(&scratch, "strip -o stripped '%s'", path);
    expect_collecting("stripped", &collecting);
    scratch_write_at(&scratch, "stripped", offsetof(Elf64_Ehdr, e_shoff), &none.e_shoff,
                     sizeof(none.e_shoff));
    scratch_write_at(&scratch, "stripped", offsetof(Elf64_Ehdr, e_shnum), &none.e_shnum,
                     sizeof(none.e_shnum));
    expect_collecting("stripped", &collecting);
    return true;
}

Test(python_code, finds_the_flag_of_cpython_3_6)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED), checked = 0;

    for (size_t i = 0; i < count && pythons[i].minor == 6; i++)
        checked += check_library(pythons[i].image);
    if (!checked)
        cr_skip_test("there is no CPython 3.6 with symbols");
}
