// SPDX-License-Identifier: MIT
/* Where the layout of a running interpreter is taken from: in which order, and what is kept. */
#include "inspector/command/session.h"
#include "symbols/base/clock.h"
#include "tests/support/interpreter_copy.h"
#include "tests/support/observe.h"
#include "tests/support/program.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of the one test that runs in this process; removed even where the test fails. */
static struct interpreter_copy copy;
static struct target target;

static void clean(void)
{
    target_end(&target);
    interpreter_copy_remove(&copy);
}

TestSuite(layout_sources, .fini = clean, .timeout = 120);

/* A path in the copy's directory. */
static const char *in_copy(char ret[256], const char *name)
{
    snprintf(ret, 256, "%s/%s", copy.scratch.path, name);
    return ret;
}

/* What `doctor` says with these two words (NULL: none) holds, as JSON. */
static void expect_told(const char *option, const char *value, const char *claim)
{
    struct program program;

    program_doctor(&program, target.pid, "--json", option, value);
    cr_expect_eq(program.status, 0, "%s: status %d: %s", target.name, program.status, program.err);
    cr_expect(program.status != 0 || program_holds(&program, claim), "%s: not %s: %.1500s",
              target.name, claim, program.out);
    program_free(&program);
}

static void expect_refusal(const char *option, const char *value, int status, const char *cause)
{
    struct program program;

    program_attach(&program, target.pid, option, value, NULL);
    cr_expect_eq(program.status, status, "%s: status %d: %s", target.name, program.status,
                 program.err);
    cr_expect(strstr(program.err, cause), "%s: no \"%s\" in: %s", target.name, cause, program.err);
    cr_expect_eq(program.out_length, 0, "%s", program.out);
    program_free(&program);
}

static void expect_true_census(const struct layout_sources *sources)
{
    const struct session_options options = {.sources = *sources};
    struct observation seen;
    struct truth truth;

    observe_as(&seen, target.pid, &options);
    target_tell(&target, &truth);
    cr_expect(seen.verified, "%s: could not be verified", target.name);
    cr_expect_eq(seen.permanent_count, truth.permanent_count, "%s", target.name);
    cr_expect_gt(truth.object_count, 4000, "%s", target.name);
    observation_expect(&seen, &truth, target.name);
    observation_free(&seen);
    truth_free(&truth);
}

static bool holds_in_copy(const char *test)
{
    char command[512];

    snprintf(command, sizeof(command), "cd '%s' && %s", copy.scratch.path, test);
    return system(command) == 0;
}

/*
 * A copy whose debug information lies in `whole.debug`, where nobody looks for it. False where the
 * original has none of its own.
 */
static bool separate(const struct interpreter *python)
{
    interpreter_copy_make(&copy, python, COPY_AS_IS);
    scratch_set_cache(&copy.scratch, "cache");
    if (!holds_in_copy("readelf -SW image | grep -q '\\.debug_info' && "
                       "readelf -n image 2>&1 | grep -q 'Build ID'"))
        return false;
    scratch_run(&copy.scratch, "objcopy --only-keep-debug image whole.debug");
    scratch_run(&copy.scratch, "strip --strip-all $(readlink image) bin/python*");
    scratch_run(&copy.scratch, "id=$(readelf -n image | sed -n \"s/ *Build ID: //p\"); "
                               "rest=${id#??}; echo $id > id; "
                               "mkdir -p store/.build-id/${id%%$rest} names; "
                               "ln whole.debug store/.build-id/${id%%$rest}/$rest.debug");
    return true;
}

/* The one in the middle of those of which that can be made. */
static void start_separated(const char *scene)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    for (size_t i = 0; i < count; i++) {
        const struct interpreter *python = &pythons[(i + count / 2) % count];
        if (!python->debug_build && separate(python)) {
            target_start(&target, &copy.python, scene);
            return;
        }
        interpreter_copy_remove(&copy);
    }
    cr_assert_fail("no interpreter with debug information of its own");
}

/* Sources */

ParameterizedTestParameters(layout_sources, debug_information)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, layout_sources, debug_information)
{
    struct interpreter python = pythons_get(index);

    interpreter_copy_make(&copy, &python, COPY_AS_IS);
    scratch_set_cache(&copy.scratch, "cache");
    target_start(&target, &python, "bare");
    expect_told(
        NULL, NULL,
        holds_in_copy("readelf -SW image | grep -q '\\.debug_info'")
            ? "answer[\"target\"][\"layout\"][\"source\"] == \"dwarf\" and "
              "answer[\"target\"][\"layout\"][\"file\"] == answer[\"target\"][\"interpreter\"]"
            : "answer[\"target\"][\"layout\"][\"source\"] == \"debug-file\" and "
              "\".debug\" in answer[\"target\"][\"layout\"][\"file\"]");
    expect_told(NULL, NULL, "answer[\"target\"][\"layout\"][\"cached\"] is True");
}

static struct criterion_test_params all_pythons(void)
{
    static size_t indices[PYTHONS_MAX];
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    for (size_t i = 0; i < count; i++)
        indices[i] = i;
    return cr_make_param_array(size_t, indices, count);
}

ParameterizedTestParameters(layout_sources, a_debug_file_that_is_named)
{
    return all_pythons();
}

/* By itself, in a directory by build-id, and there by the name that .gnu_debuglink tells. */
ParameterizedTest(size_t *index, layout_sources, a_debug_file_that_is_named)
{
    static const char from_debug_file[] =
        "answer[\"target\"][\"layout\"][\"source\"] == \"debug-file\" and "
        "answer[\"target\"][\"layout\"][\"cached\"] is False";
    struct interpreter python = pythons_get(index);
    char path[256];

    if (!separate(&python))
        return; /* the system's debug files are those that the test above finds */
    scratch_run(&copy.scratch, "cp whole.debug names/some.debug; cd names; "
                               "objcopy --add-gnu-debuglink=some.debug ../image linked; "
                               "cat linked > ../image");
    target_start(&target, &copy.python, "bare");
    expect_told(NULL, NULL, "answer[\"target\"][\"layout\"][\"source\"] == \"bundled\"");
    expect_told("--debug-file", in_copy(path, "whole.debug"), from_debug_file);
    expect_told("--debug-file", in_copy(path, "store"), from_debug_file);
    expect_told("--debug-file", in_copy(path, "names"), from_debug_file);
    expect_true_census(&(struct layout_sources){.debug_file = in_copy(path, "names")});
}

Test(layout_sources, a_debug_file_of_another_build)
{
    char path[256], id[128] = "";

    start_separated("bare");
    FILE *file = fopen(in_copy(path, "id"), "r");
    cr_assert(file && fgets(id, sizeof(id), file) && fclose(file) == 0);
    id[strcspn(id, "\n")] = '\0';
    scratch_run(&copy.scratch, "echo \"int x;\" > x.c; $CC -g -shared -Wl,--build-id -o other x.c");
    scratch_run(&copy.scratch,
                "mkdir empty; mkfifo fifo; cp whole.debug cut; truncate -s 5000 cut");
    expect_refusal("--debug-file", in_copy(path, "other"), 6, id);
    expect_refusal("--debug-file", in_copy(path, "other"), 6, "another");
    expect_refusal("--debug-file", in_copy(path, "cut"), 6, "");
    expect_refusal("--debug-file", in_copy(path, "id"), 6, "");
    expect_refusal("--debug-file", in_copy(path, "fifo"), 6, "neither a file nor a directory");
    expect_refusal("--debug-file", in_copy(path, "nowhere"), 6, "No such file");
    expect_refusal("--debug-file", in_copy(path, "empty"), 6, "");
}

ParameterizedTestParameters(layout_sources, a_layout_file_of_the_same_build)
{
    return all_pythons();
}

ParameterizedTest(size_t *index, layout_sources, a_layout_file_of_the_same_build)
{
    struct interpreter python = pythons_get(index);
    char path[256];

    interpreter_copy_make(&copy, &python, COPY_STRIPPED);
    scratch_set_cache(&copy.scratch, "cache");
    scratch_run(&copy.scratch, "'%s' layout original > mine.layout", getenv("PYINSPECT"));
    target_start(&target, &copy.python, "stdlib");
    expect_told("--layout", in_copy(path, "mine.layout"),
                "answer[\"target\"][\"layout\"][\"source\"] == \"layout-file\"");
    expect_told(NULL, NULL,
                "answer[\"target\"][\"layout\"][\"source\"] == \"bundled\" and "
                "answer[\"target\"][\"layout\"][\"cached\"] is False");
    expect_true_census(&(struct layout_sources){.layout_file = in_copy(path, "mine.layout")});
}

/* Debuginfod */

static pid_t server;

static void end_server(void)
{
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    clean();
}

TestSuite(debuginfod, .fini = end_server, .timeout = 120);

static bool has_debuginfod(void)
{
    void *library = dlopen("libdebuginfod.so.1", RTLD_LAZY);

    if (!library)
        fputs("libdebuginfod.so.1 is not here: not tested\n", stderr);
    else
        dlclose(library);
    return library;
}

static void set_servers(unsigned port)
{
    char url[64], path[256];

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
    cr_assert(setenv("DEBUGINFOD_URLS", url, true) == 0);
    cr_assert(setenv("DEBUGINFOD_CACHE_PATH", in_copy(path, "fetched"), true) == 0);
}

static void start_server(const char *directory)
{
    char requests[256], root[256];
    unsigned port = 0;
    int out[2];

    in_copy(requests, "requests");
    in_copy(root, directory);
    cr_assert(pipe(out) == 0);
    server = fork();
    cr_assert(server >= 0);
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], STDOUT_FILENO);
        execlp("python3", "python3", "tests/targets/debuginfod.py", root, requests, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    cr_assert(lines && fscanf(lines, "%u", &port) == 1, "the server did not start");
    fclose(lines);
    set_servers(port);
}

Test(debuginfod, gives_what_is_asked_for)
{
    if (!has_debuginfod())
        return;
    start_separated("bare");
    scratch_run(&copy.scratch, "mkdir -p www/buildid/$(cat id); "
                               "mv whole.debug www/buildid/$(cat id)/debuginfo; rm -r store");
    start_server("www");
    expect_told(NULL, NULL, "answer[\"target\"][\"layout\"][\"source\"] == \"bundled\"");
    cr_expect(holds_in_copy("! test -e requests"), "asked without --debuginfod");
    expect_told("--debuginfod", NULL,
                "answer[\"target\"][\"layout\"][\"source\"] == \"debug-file\" and "
                "\"/fetched/\" in answer[\"target\"][\"layout\"][\"file\"]");
    cr_expect(holds_in_copy("grep -q \"^GET /buildid/$(cat id)/debuginfo$\" requests"));
    scratch_set_cache(&copy.scratch, "another");
    expect_true_census(&(struct layout_sources){.debuginfod = true});
}

Test(debuginfod, what_it_does_not_have)
{
    if (!has_debuginfod())
        return;
    start_separated("bare");
    scratch_run(&copy.scratch, "mkdir -p www");
    start_server("www");
    expect_refusal("--debuginfod", NULL, 4, "no server of DEBUGINFOD_URLS");
    cr_expect(holds_in_copy("grep -q buildid/ requests"));
    unsetenv("DEBUGINFOD_URLS");
    expect_refusal("--debuginfod", NULL, 4, "set DEBUGINFOD_URLS");
}

/* What it sends is believed no more than any other file. */
Test(debuginfod, what_is_of_another_build)
{
    if (!has_debuginfod())
        return;
    start_separated("bare");
    scratch_run(&copy.scratch,
                "mkdir -p www/buildid/$(cat id); echo \"int x;\" > x.c; "
                "$CC -g -shared -Wl,--build-id -o www/buildid/$(cat id)/debuginfo x.c");
    start_server("www");
    expect_refusal("--debuginfod", NULL, 4, "build-id");
}

/* It takes the connection, and says nothing. */
Test(debuginfod, a_server_that_is_silent)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    if (!has_debuginfod())
        return;
    start_separated("bare");
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(fd, (struct sockaddr *)&address, length) == 0 && listen(fd, 8) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    set_servers(ntohs(address.sin_port));
    setenv("DEBUGINFOD_TIMEOUT", "1", true);
    double begun = clock_milliseconds();
    expect_refusal("--debuginfod", NULL, 4, "no server of DEBUGINFOD_URLS");
    cr_expect_lt(clock_milliseconds() - begun, 15000);
    close(fd);
}

/* The cache */

static const char bundled[] = "answer[\"target\"][\"layout\"][\"source\"] == \"bundled\" and "
                              "answer[\"target\"][\"layout\"][\"cached\"] is False";
static const char kept[] = "answer[\"target\"][\"layout\"][\"source\"] == \"debug-file\" and "
                           "answer[\"target\"][\"layout\"][\"cached\"] is True";

static void keep(const char *cache)
{
    char path[256];

    scratch_set_cache(&copy.scratch, cache);
    expect_told("--debug-file", in_copy(path, "whole.debug"),
                "answer[\"target\"][\"layout\"][\"source\"] == \"debug-file\"");
}

/* What is gone by then can have been read the first time only. */
Test(layout_sources, what_was_found_is_kept)
{
    start_separated("bare");
    keep("cache");
    scratch_run(&copy.scratch, "rm -r whole.debug store");
    expect_told(NULL, NULL, kept);
    scratch_set_cache(&copy.scratch, "empty");
    expect_told(NULL, NULL, bundled);
    scratch_set_cache(&copy.scratch, "cache");
    expect_true_census(&(struct layout_sources){.layout_file = NULL});
}

Test(layout_sources, a_cache_that_others_may_write_to)
{
    start_separated("bare");
    keep("cache");
    scratch_run(&copy.scratch, "chmod g+w cache/pyinspect/layouts");
    expect_told(NULL, NULL, bundled);
    scratch_run(&copy.scratch, "chmod 755 cache/pyinspect/layouts; chmod o+w cache");
    expect_told(NULL, NULL, bundled);
    scratch_run(&copy.scratch, "chmod 700 cache");
    expect_told(NULL, NULL, kept);
    scratch_run(&copy.scratch, "mkdir -m 777 open");
    keep("open");
    cr_expect(holds_in_copy("test -z \"$(ls open)\""), "it was used");
}

Test(layout_sources, a_home_that_cannot_be_written_to)
{
    static const char *const homes[] = {"/proc/self/fdinfo", "/dev/null", "/nowhere", "here", ""};

    start_separated("bare");
    unsetenv("XDG_CACHE_HOME");
    for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++) {
        setenv("HOME", homes[i], true);
        expect_told(NULL, NULL, bundled);
    }
    unsetenv("HOME");
    expect_told(NULL, NULL, bundled);
    keep("cache");
}
