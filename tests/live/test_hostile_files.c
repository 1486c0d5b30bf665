// SPDX-License-Identifier: MIT
/*
 * Processes that have mapped what calls itself a libpython and is made to harm who reads it:
 * refused in a line, soon, and nobody is worse off.
 */
#include "symbols/base/clock.h"
#include "tests/support/interpreter_copy.h"
#include "tests/support/proc.h"
#include "tests/support/program.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "libpython3.11.so.1.0"

enum {
#ifdef __SANITIZE_ADDRESS__
    AT_ONCE_MS = 10000, /* under sanitizers, while others run */
#else
    AT_ONCE_MS = 2000,
#endif
    PATIENCE_MS = 10000,
    SEEDS = 6,
};

/* The process that has mapped the file. */
static struct host {
    pid_t pid;
    int line; /* it sends back each byte */
} host;

static struct interpreter_copy copy;

static void clean(void)
{
    if (host.pid > 0) {
        kill(host.pid, SIGKILL);
        waitpid(host.pid, NULL, 0);
    }
    interpreter_copy_remove(&copy);
}

TestSuite(hostile_files, .fini = clean, .timeout = 120);

static bool map(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd >= 0 && fstat(fd, &status) == 0 &&
           mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) !=
               MAP_FAILED &&
           close(fd) == 0;
}

static bool load(const char *path)
{
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static void map_and_echo(bool (*get)(const char *path), int line)
{
    char path[256], byte;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    snprintf(path, sizeof(path), "%s/%s", copy.scratch.path, NAME);
    if (!get(path))
        _exit(1);
    while (read(line, &byte, 1) == 1 && write(line, &byte, 1) == 1)
        ;
    _exit(0);
}

/* Does it run? */
static bool echoes(void)
{
    struct pollfd waiting = {.fd = host.line, .events = POLLIN};
    char byte = 'x';

    return write(host.line, &byte, 1) == 1 && poll(&waiting, 1, PATIENCE_MS) == 1 &&
           read(host.line, &byte, 1) == 1 && byte == 'x';
}

static void start_host(bool (*get)(const char *path))
{
    int line[2];

    cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) == 0);
    host.pid = fork();
    cr_assert(host.pid >= 0);
    if (host.pid == 0) {
        close(line[0]);
        map_and_echo(get, line[1]);
    }
    close(line[1]);
    host.line = line[0];
    cr_assert(echoes(), "the file could not be mapped");
}

/* Whoever is left behind by pyinspect becomes our child. */
static void expect_nobody_else(const char *what)
{
    char name[64], expected[32];

    snprintf(name, sizeof(name), "task/%d/children", (int)getpid());
    snprintf(expected, sizeof(expected), "%d ", (int)host.pid);
    char *children = process_file(getpid(), name);
    cr_expect_str_eq(children, expected, "%s: left behind: %s", what, children);
    free(children);
}

static void expect_one_line(const struct program *program, const char *what)
{
    const char *line_end = strchr(program->err, '\n');

    cr_expect(strncmp(program->err, "pyinspect: ", 11) == 0 && line_end && !line_end[1],
              "%s: not one line: %.2000s", what, program->err);
}

/* Of a file that is good enough, the memory that it would lie in is not: then nothing is claimed.
 */
static void expect_refusal(const char *what, const char *cause)
{
    struct program program;
    double begun = clock_milliseconds();

    program_attach(&program, host.pid, NULL, NULL, NULL);
    double took = clock_milliseconds() - begun;
    bool claims_nothing = program.status == 1 && strstr(program.err, ": INCOMPLETE, ") &&
                          strstr(program.err, ": 0 objects of 0 types");

    cr_expect(program.status == 3 || program.status == 4 || claims_nothing, "%s: status %d: %s",
              what, program.status, program.err);
    cr_expect(!program.out_length || claims_nothing, "%s: %s", what, program.out);
    cr_expect(strstr(program.err, cause), "%s: no \"%s\" in: %s", what, cause, program.err);
    expect_one_line(&program, what);
    cr_expect_lt(took, AT_ONCE_MS, "%s: refused after %.0f ms: %s", what, took, program.err);
    program_free(&program);

    expect_nobody_else(what);
    cr_expect_eq(process_tracer(host.pid), 0, "%s", what);
    cr_expect(process_is_unremarkable(host.pid), "%s", what);
    cr_expect(echoes(), "%s: the target was harmed", what);
}

/* `whole` has all its debug information, `bare` none; both are the same libpython. */
static void make_copy(void)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);
    const struct interpreter *python = &pythons[count / 2];

    cr_assert_gt(count, 0, "no interpreter to test with");
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pythons[i].version, "3.11.7") == 0)
            python = &pythons[i];
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    interpreter_copy_make(&copy, python, COPY_AS_IS);
    scratch_set_cache(&copy.scratch, "cache");
    scratch_run(&copy.scratch, "cp image whole; cp image bare; strip --strip-all bare");
}

static void damage(const char *kind, size_t seed, const char *from, const char *to)
{
    char here[512];

    cr_assert(getcwd(here, sizeof(here)));
    scratch_run(&copy.scratch, "python3 '%s/tests/targets/damage.py' %s %zu %s %s", here, kind,
                seed, from, to);
}

static const char *const kinds[] = {"noise", "header", "segments", "endless", "cut", "flipped"};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

ParameterizedTestParameters(hostile_files, damaged)
{
    static size_t indices[KIND_COUNT];

    for (size_t i = 0; i < KIND_COUNT; i++)
        indices[i] = i;
    return cr_make_param_array(size_t, indices, KIND_COUNT);
}

/* With debug information and without. */
ParameterizedTest(size_t *index, hostile_files, damaged)
{
    static const char *const sources[] = {"whole", "bare"};

    make_copy();
    for (size_t seed = 0; seed < SEEDS; seed++) {
        char what[64];
        snprintf(what, sizeof(what), "%s, %zu of %s", kinds[*index], seed, sources[seed % 2]);
        damage(kinds[*index], seed, sources[seed % 2], NAME);
        start_host(map);
        expect_refusal(what, "");
        kill(host.pid, SIGKILL);
        cr_assert_eq(waitpid(host.pid, NULL, 0), host.pid);
        close(host.line);
        scratch_run(&copy.scratch, "rm " NAME); /* the next one has an inode of its own */
    }
    host.pid = 0;
}

/* Nothing is wrong with the file, and it is loaded as it should be, but no interpreter runs. */
Test(hostile_files, one_that_nobody_runs)
{
    make_copy();
    if (!copy.is_library) {
        fputs("no libpython is here: not tested\n", stderr);
        return;
    }
    scratch_run(&copy.scratch, "cp whole " NAME);
    start_host(load);
    expect_refusal("whole", "no interpreter runs");
    scratch_run(&copy.scratch, "rm " NAME "; mkfifo " NAME);
    expect_refusal("a FIFO by its name", "no interpreter runs");
    scratch_run(&copy.scratch, "rm " NAME "; ln -s /dev/zero " NAME);
    expect_refusal("a device by its name", "no interpreter runs");
    scratch_run(&copy.scratch, "rm " NAME "; mkdir " NAME);
    expect_refusal("a directory by its name", "no interpreter runs");
}

/* The section gets what the file `content` holds, and is said to be compressed. */
static void replace_section(const char *section, const char *content, bool compressed)
{
    scratch_run(&copy.scratch,
                "objcopy --remove-section %s " NAME "; "
                "objcopy --add-section %s=%s --set-section-flags %s=readonly,debug " NAME,
                section, section, content, section);
    Elf64_Shdr header = scratch_get_section(&copy.scratch, NAME, section);
    if (compressed)
        header.sh_flags |= SHF_COMPRESSED;
    scratch_put_section(&copy.scratch, NAME, section, &header);
}

static const struct {
    const char *kind, *section;
} packed[] = {
    {"claim", ".debug_info"},  {"bomb", ".debug_info"}, {"claim", ".debug_abbrev"},
    {"bomb", ".debug_abbrev"}, {"bomb", ".debug_str"},
};
#define PACKED_COUNT (sizeof(packed) / sizeof(packed[0]))

ParameterizedTestParameters(hostile_files, debug_information_that_swells)
{
    static size_t indices[PACKED_COUNT];

    for (size_t i = 0; i < PACKED_COUNT; i++)
        indices[i] = i;
    return cr_make_param_array(size_t, indices, PACKED_COUNT);
}

ParameterizedTest(size_t *index, hostile_files, debug_information_that_swells)
{
    char what[64];

    make_copy();
    damage(packed[*index].kind, 0, "bare", "content");
    scratch_run(&copy.scratch, "cp whole " NAME);
    replace_section(packed[*index].section, "content", true);
    snprintf(what, sizeof(what), "a %s in %s", packed[*index].kind, packed[*index].section);
    start_host(map);
    expect_refusal(what, "debug information");
}

/* typedefs of each other, a member of its own type, a sibling that comes before. */
static const char LOOPS[] = ".section .debug_abbrev,\"\",@progbits\n"
                            ".byte 1,0x11,1, 0,0\n"                          /* unit */
                            ".byte 2,0x16,0, 3,8, 0x49,0x13, 0,0\n"          /* typedef */
                            ".byte 3,0x13,1, 3,8, 0xb,0xb, 1,0x13, 0,0\n"    /* struct */
                            ".byte 4,0xd,0, 3,8, 0x49,0x13, 0x38,0xb, 0,0\n" /* member */
                            ".byte 0\n"
                            ".section .debug_info,\"\",@progbits\n"
                            "unit: .long end - start\n"
                            "start: .short 4\n.long 0\n.byte 8\n"
                            ".byte 1\n"
                            "a: .byte 2\n.asciz \"PyObject\"\n.long b - unit\n"
                            "b: .byte 2\n.asciz \"PyTypeObject\"\n.long a - unit\n"
                            "c: .byte 3\n.asciz \"_object\"\n.byte 16\n.long a - unit\n"
                            "d: .byte 4\n.asciz \"ob_refcnt\"\n.long d - unit\n.byte 0\n"
                            ".byte 4\n.asciz \"ob_type\"\n.long c - unit\n.byte 8\n"
                            ".byte 0\n"
                            ".byte 2\n.asciz \"PyGC_Head\"\n.long unit_die - unit\n"
                            ".set unit_die, a - 1\n"
                            ".byte 0\n"
                            "end:\n";

Test(hostile_files, debug_information_that_loops)
{
    make_copy();
    scratch_write(&copy.scratch, "loops.s", LOOPS);
    scratch_run(&copy.scratch,
                "cp whole " NAME "; $CC -c loops.s -o loops.o; for part in info abbrev; do "
                "objcopy -O binary --only-section=.debug_$part "
                "--set-section-flags .debug_$part=alloc loops.o $part; test -s $part; done");
    replace_section(".debug_info", "info", false);
    replace_section(".debug_abbrev", "abbrev", false);
    start_host(map);
    expect_refusal("loops", "debug information");
}
