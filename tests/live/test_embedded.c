// SPDX-License-Identifier: MIT
/*
 * Programs that are no Python by name, but have one inside: linked with libpython or made of its
 * archive, with and without symbols, at an address of their own or of the kernel's choice; and
 * uWSGI, which loads it as a plugin.
 */
#include "inspector/command/session.h"
#include "symbols/base/clock.h"
#include "tests/support/interpreter_copy.h"
#include "tests/support/observe.h"
#include "tests/support/proc.h"
#include "tests/support/program.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of the one test that runs in this process; removed even where the test fails. */
static struct scratch scratch;

static void remove_scratch(void)
{
    if (scratch.path[0])
        scratch_remove(&scratch);
}

TestSuite(embedded, .fini = remove_scratch, .timeout = 300);

struct build {
    const char *name;
    const char *archive; /* see tests/targets/how_to_link.py; NULL: libpython instead */
    const char *exports; /* an option */
    bool pie;
    int strip;
};

static const struct build builds[] = {
    {"a libpython", NULL, "", true, COPY_AS_IS},
    {"a stripped libpython", NULL, "", false, COPY_STRIPPED},
    {"an archive, symbols exported", "static", "-rdynamic", false, COPY_AS_IS},
    {"an archive, symbols exported, stripped", "static_pie", "-rdynamic", true, COPY_STRIPPED},
    {"an archive", "static_pie", "-Wl,--dynamic-list=needed", true, COPY_AS_IS},
    {"an archive, stripped", "static", "-Wl,--dynamic-list=needed", false, COPY_STRIPPED},
};
#define BUILD_COUNT (sizeof(builds) / sizeof(builds[0]))

static bool is_told(const char *name)
{
    char command[256];

    snprintf(command, sizeof(command), "grep -q ^%s= '%s/told'", name, scratch.path);
    return system(command) == 0;
}

/* An archive that is not made for it, as that of Debian's debug build, gives no PIE. */
static void link_host(const struct build *build)
{
    scratch_run(&scratch,
                ". ./told\n"
                "link() { $CC -g \"-I$include\" -o host \"$@\" embed.c %s \"$%s\" $libs "
                "-lpthread -lutil; }\n"
                "%s link -fno-pie -no-pie",
                build->exports, build->archive ? build->archive : "library",
                build->pie ? "link -fPIE -pie 2>/dev/null ||" : "");
}

/* False where the interpreter came without what the build needs. */
static bool make_host(const struct interpreter *python, const struct build *build,
                      struct interpreter *ret)
{
    char here[PATH_MAX];

    scratch_make(&scratch);
    cr_assert(getcwd(here, sizeof(here)));
    scratch_run(&scratch, "cp '%s/tests/targets/embed.c' '%s/tests/targets/how_to_link.py' .", here,
                here);
    scratch_run(&scratch, "'%s' how_to_link.py > told", python->path);
    if (!is_told(build->archive ? build->archive : "shared"))
        return false;
    scratch_run(&scratch, ". ./told; echo \"$needed\" > needed");
    if (!build->archive) {
        scratch_run(&scratch, ". ./told; cp \"$shared\" library");
        interpreter_copy_strip(&scratch, "library", build->strip);
        scratch_run(&scratch, ". ./told; mv library \"${shared##*/}\"; "
                              "echo library=${shared##*/} >> told");
    }
    link_host(build);
    scratch_run(&scratch, "cp host whole");
    interpreter_copy_strip(&scratch, "host", build->strip);
    scratch_run(&scratch,
                ". ./told; printf '#!/bin/sh\nexport PYTHONHOME=%%s LD_LIBRARY_PATH=%%s\n"
                "exec %%s/host \"$@\"\n' \"$home\" \"$PWD\" \"$PWD\" > start; chmod 755 start");
    *ret = *python;
    snprintf(ret->path, sizeof(ret->path), "%s/start", scratch.path);
    return true;
}

/* 3.7 to 3.9 have neither a section .PyRuntime nor a cookie: without symbols nothing is left. */
static bool tells_nothing(const struct interpreter *python, const struct build *build)
{
    return build->archive && build->strip && strcmp(build->exports, "-rdynamic") != 0 &&
           python->minor >= 7 && python->minor <= 9;
}

/* What is known of the host before it is stripped is good for it afterwards. */
static void observe_by_layout(struct observation *ret, pid_t pid, const char *where)
{
    struct session_options options = {.progress = NULL};
    char layout[PATH_MAX];
    struct session *session;
    struct error err;

    cr_expect_not(session_open(&session, pid, &options, &err), "%s", where);
    cr_expect_eq(err.kind, ERROR_PYTHON, "%s: %s", where, err.text);
    scratch_run(&scratch, "'%s' layout whole > whole.layout", getenv("PYINSPECT"));
    snprintf(layout, sizeof(layout), "%s/whole.layout", scratch.path);
    options.sources.layout_file = layout;
    observe_as(ret, pid, &options);
}

struct row {
    size_t python, build;
};

ParameterizedTestParameters(embedded, equals_what_the_target_says)
{
    static struct row rows[PYTHONS_MAX * BUILD_COUNT];
    struct interpreter pythons[PYTHONS_MAX];
    size_t python_count = pythons_find(pythons, PYTHON_SUPPORTED);
    size_t count = 0;

    for (size_t python = 0; python < python_count; python++) {
        for (size_t build = 0; build < BUILD_COUNT; build++)
            rows[count++] = (struct row){python, build};
    }
    return cr_make_param_array(struct row, rows, count);
}

ParameterizedTest(struct row *row, embedded, equals_what_the_target_says)
{
    const struct build *build = &builds[row->build];
    struct interpreter python = pythons_get(&row->python), host;
    struct observation seen;
    struct target target;
    struct truth truth;
    char where[256];

    snprintf(where, sizeof(where), "%s in a host made of %s", python.name, build->name);
    if (!make_host(&python, build, &host)) {
        if (row->build == 0 || row->build == 2) /* once of the library, once of the archive */
            fprintf(stderr, "%s: nothing to make it of here: not tested\n", where);
        return;
    }
    target_start(&target, &host, "bare");
    if (tells_nothing(&python, build))
        observe_by_layout(&seen, target.pid, where);
    else
        observe(&seen, target.pid);
    target_tell(&target, &truth);
    cr_expect(seen.verified, "%s: could not be verified", where);
    cr_expect_eq(seen.permanent_count, truth.permanent_count, "%s", where);
    cr_expect_gt(truth.object_count, 1000, "%s", where);
    observation_expect(&seen, &truth, where);
    target_end(&target);
    observation_free(&seen);
    truth_free(&truth);
}

enum { ORDERS = 1234, PATIENCE_MS = 30000 };

static const char APPLICATION[] = "class Order:\n"
                                  "    def __init__(self, number):\n"
                                  "        self.number = number\n"
                                  "orders = [Order(number) for number in range(1234)]\n"
                                  "def application(environ, start_response):\n"
                                  "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
                                  "    return [b'%d orders' % len(orders)]\n";

static void become_uwsgi(const char *directory)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    if (chdir(directory) != 0)
        _exit(126);
    int log = open("log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execl("/usr/bin/uwsgi", "uwsgi", "--plugin", "python3", "--socket", "socket", "--wsgi-file",
          "shop.py", "--need-app", (char *)NULL);
    _exit(127);
}

/* It accepts connections when the application is loaded. */
static bool answers(pid_t pid)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", scratch.path);
    for (double deadline = clock_milliseconds() + PATIENCE_MS; clock_milliseconds() < deadline;) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
        close(fd);
        if (connected || process_state(pid) == 'Z')
            return connected;
        clock_sleep(10);
    }
    return false;
}

static bool rests(pid_t pid)
{
    for (double deadline = clock_milliseconds() + PATIENCE_MS; clock_milliseconds() < deadline;) {
        if (process_threads_are(pid, "S"))
            return true;
        clock_sleep(1);
    }
    return false;
}

Test(embedded, uwsgi)
{
    struct program program;
    char claim[256];

    if (access("/usr/bin/uwsgi", X_OK) != 0 ||
        access("/usr/lib/uwsgi/plugins/python3_plugin.so", R_OK) != 0) {
        fputs("no uWSGI with Python is here: not tested\n", stderr);
        return;
    }
    scratch_make(&scratch);
    scratch_write(&scratch, "shop.py", APPLICATION);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0)
        become_uwsgi(scratch.path);
    bool up = answers(pid) && rests(pid);
    if (!up)
        scratch_run(&scratch, "tail -n 5 log >&2");
    cr_expect(up, "uWSGI did not come up");
    program_attach(&program, pid, "--json", "--most-common", "0");
    cr_expect_eq(program.status, 0, "%s", program.err);
    snprintf(claim, sizeof(claim),
             "[row[\"count\"] for row in answer[\"types\"] "
             "if row[\"type\"].endswith(\".Order\")] == [%d]",
             ORDERS);
    cr_expect(program.status != 0 || program_holds(&program, claim), "%.2000s", program.out);
    program_free(&program);
    kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}
