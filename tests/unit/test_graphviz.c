// SPDX-License-Identifier: MIT
#include "inspector/command/foreign.h"
#include "inspector/command/graphviz.h"

#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(graphviz, .timeout = 60);

struct world {
    struct scratch scratch;
    struct diagram diagram;
};

/* Everything happens in the scratch directory. */
static void world_init(struct world *world)
{
    scratch_make(&world->scratch);
    cr_assert_eq(chdir(world->scratch.path), 0);
    diagram_init(&world->diagram);
    diagram_box(&world->diagram,
                &(struct diagram_box){.id = 1, .title = "list", .marks = DIAGRAM_ROOT});
    diagram_box(&world->diagram,
                &(struct diagram_box){.id = 2, .depth = 1, .title = "<\"\xff&lt;"});
    diagram_arrow(&world->diagram, &(struct diagram_arrow){.to = 1, .label = "\\"});
}

static void world_free(struct world *world)
{
    diagram_free(&world->diagram);
    cr_assert_eq(chdir("/"), 0);
    scratch_remove(&world->scratch);
}

/* No temporary file. */
static void expect_nothing_left(const struct world *world)
{
    DIR *directory = opendir(world->scratch.path);
    const struct dirent *entry;

    cr_assert(directory);
    while ((entry = readdir(directory)))
        cr_expect_not(strstr(entry->d_name, ".pyinspect-"), "%s", entry->d_name);
    closedir(directory);
}

static void expect_begins(const struct world *world, const char *name, const char *beginning)
{
    size_t size;
    unsigned char *bytes = scratch_read(&world->scratch, name, &size);

    cr_expect(size >= strlen(beginning) && memcmp(bytes, beginning, strlen(beginning)) == 0,
              "%s begins with %.*s", name, (int)strlen(beginning), (char *)bytes);
    free(bytes);
}

static void expect_written(const struct world *world, const char *path, const char *beginning)
{
    struct text said = {0};
    struct error err = {0};
    char wanted[128];

    cr_expect(graphviz_check(path, &err), "%s", err.text);
    cr_assert(graphviz_write(&world->diagram, path, &said, &err), "%s", err.text);
    snprintf(wanted, sizeof(wanted), "graph of 2 nodes written to %s", path);
    cr_expect_str_eq(said.bytes, wanted);
    text_free(&said);
    expect_begins(world, path, beginning);
}

/* No picture, but the DOT beside it. `why` is in the error. */
static void expect_kept(const struct world *world, const char *path, const char *why)
{
    struct text said = {0};
    struct error err = {0};
    char kept[128];

    snprintf(kept, sizeof(kept), "%s.dot", path);
    cr_expect_not(graphviz_write(&world->diagram, path, &said, &err));
    cr_expect_eq(err.kind, ERROR_OUTPUT);
    cr_expect(strstr(err.text, why), "%s", err.text);
    cr_expect(strstr(err.text, kept), "%s", err.text);
    cr_expect_not(said.length);
    cr_expect(access(path, F_OK) != 0, "%s is there", path);
    expect_begins(world, kept, "digraph ObjectGraph {\n  node[");
    text_free(&said);
    expect_nothing_left(world);
}

static void expect_refused(const struct world *world, const char *path, enum error_kind kind,
                           const char *why)
{
    struct error err = {0};

    cr_expect_not(graphviz_check(path, &err), "%s", path);
    cr_expect_eq(err.kind, kind, "%s: %d", path, err.kind);
    cr_expect(strstr(err.text, why), "%s", err.text);
    expect_nothing_left(world);
}

static void be_whole(void)
{
    setenv("PATH", "/usr/bin:/bin", 1);
}

/* PATH has this program, a shell script, and `others`. */
static void be_program(const struct world *world, const char *name, const char *script,
                       const char *others)
{
    char path[256];

    be_whole();
    scratch_run(&world->scratch, "mkdir -p bin; rm -f bin/*; chmod 755 . bin");
    scratch_write(&world->scratch, "bin/program", script);
    scratch_run(&world->scratch, "chmod 755 bin/program && mv bin/program bin/%s", name);
    snprintf(path, sizeof(path), ":.:%s/bin:%s", world->scratch.path, others);
    setenv("PATH", path, 1);
}

static void be_dot(const struct world *world, const char *script)
{
    be_program(world, "dot", script, "");
}

Test(graphviz, writes_dot_and_pictures)
{
    struct world world;

    world_init(&world);
    expect_written(&world, "x.dot", "digraph ObjectGraph {\n  node[");
    expect_written(&world, "x.gv", "digraph ObjectGraph {\n  node[");
    expect_written(&world, "x.svg", "<?xml ");
    expect_written(&world, "x.png", "\x89PNG");
    expect_written(&world, "x.tar.pdf", "%PDF-");
    /* And again, over what is there, by somebody whose children are nobody's. */
    signal(SIGCHLD, SIG_IGN);
    expect_written(&world, "x.svg", "<?xml ");
    expect_written(&world, "x.dot", "digraph ObjectGraph {\n  node[");
    signal(SIGCHLD, SIG_DFL);
    scratch_run(&world.scratch,
                "python3 -c 'import xml.etree.ElementTree as t; t.parse(\"x.svg\")'");
    scratch_run(&world.scratch, "test \"$(ls -A | wc -l)\" = 5");
    world_free(&world);
}

Test(graphviz, refuses_what_cannot_be_written)
{
    static const char *const endless[] = {"x",      ".svg", "a.b/x",  "x.",
                                          "x.s vg", "",     "x.svg/", "x.\xff"};
    struct world world;

    world_init(&world);
    for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++)
        expect_refused(&world, endless[i], ERROR_USAGE, ".svg, .png");
    scratch_run(&world.scratch, "mkdir d.svg d.dot; mkfifo f.svg f.dot; ln -s nowhere l.svg; "
                                "echo 'digraph mine {}' >mine.dot; ln -s mine.dot linked.gv");
    expect_refused(&world, "mine.dot", ERROR_USAGE, "not replaced");
    expect_refused(&world, "linked.gv", ERROR_USAGE, "not replaced");
    expect_refused(&world, "d.svg", ERROR_OUTPUT, "directory");
    expect_refused(&world, "d.dot", ERROR_OUTPUT, "directory");
    expect_refused(&world, "f.svg", ERROR_OUTPUT, "not a regular file");
    expect_refused(&world, "f.dot", ERROR_OUTPUT, "not a regular file");
    expect_refused(&world, "l.svg", ERROR_OUTPUT, "symbolic link");
    expect_refused(&world, "none/x.svg", ERROR_OUTPUT, "No such file");
    expect_begins(&world, "mine.dot", "digraph mine {}\n");
    world_free(&world);
}

Test(graphviz, keeps_the_dot_of_a_format_that_is_not_known)
{
    struct world world;

    world_init(&world);
    expect_kept(&world, "x.nosuch", "Format: \"nosuch\" not recognized");
    world_free(&world);
}

Test(graphviz, keeps_the_dot_where_there_is_no_dot)
{
    struct world world;
    struct error err = {0};
    struct text said = {0};

    world_init(&world);
    be_program(&world, "another", "#!/bin/sh\n", "");
    expect_kept(&world, "x.svg", "install graphviz");
    /* One in the current directory is none. */
    be_whole();
    scratch_run(&world.scratch, "cp bin/another dot; echo hello >y.svg.dot");
    be_program(&world, "another", "#!/bin/sh\n", "");
    cr_expect_not(graphviz_write(&world.diagram, "y.svg", &said, &err));
    cr_expect_eq(err.kind, ERROR_OUTPUT);
    cr_expect(strstr(err.text, "install graphviz") &&
                  strstr(err.text, "y.svg.dot is there already"),
              "%s", err.text);
    be_whole();
    expect_begins(&world, "y.svg.dot", "hello\n");
    world_free(&world);
}

Test(graphviz, keeps_the_dot_where_dot_fails)
{
    struct world world;

    world_init(&world);
    be_dot(&world, "#!/bin/sh\necho half\necho 'no\n room  \x1b[31m' >&2\nexit 3\n");
    expect_kept(&world, "x.svg", "no  room");
    be_dot(&world, "#!/bin/sh\nexit 3\n");
    expect_kept(&world, "x.svg", "dot ended with the status 3");
    be_dot(&world, "#!/bin/sh\necho half\nkill -SEGV $$\n");
    expect_kept(&world, "x.svg", "dot was ended by signal SIGSEGV");
    be_dot(&world, "#!/bin/sh\nexit 0\n");
    expect_kept(&world, "x.svg", "dot wrote nothing");
    be_dot(&world, "#!/no/such/program\n");
    expect_kept(&world, "x.svg", "dot could not be started");
    be_whole();
    world_free(&world);
}

/* What a program of ours is told, and has. */
static const char nosy[] = "#!/bin/sh\n"
                           "echo \"$# $1\"\n"
                           "ls /proc/self/fd | tr '\\n' ' '\n"
                           "grep -c '^Sig\\(Ign\\|Blk\\):.*[1-9a-f]' /proc/self/status\n"
                           "grep NoNewPrivs /proc/self/status\n"
                           "wc -c\n"
                           "id -u; id -G\n";

Test(graphviz, a_program_has_nothing_of_ours)
{
    static const char *const words[] = {"dot", "-Tx y;$(date)", NULL};
    struct world world;
    struct text said = {0};
    struct error err = {0};
    enum foreign_end end;
    sigset_t set;
    char expected[128];

    world_init(&world);
    be_program(&world, "dot", nosy, "/usr/bin:/bin");
    int output = open("out", O_RDWR | O_CREAT, 0666), input = open("in", O_RDWR | O_CREAT, 0666);
    cr_assert(output >= 0 && input >= 0 && dup2(output, 77) == 77); /* without O_CLOEXEC */
    cr_assert_eq(write(input, "12345", 5), 5);
    cr_assert_eq(lseek(input, 0, SEEK_SET), 0);
    signal(SIGPIPE, SIG_IGN);
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    bool done = foreign_run(
        &(struct foreign_program){
            .words = words, .input = input, .output = output, .milliseconds = 30000},
        &end, &said, &err);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    cr_assert(done, "%s", err.text);
    cr_expect_eq(end, FOREIGN_DONE, "%s", said.bytes);
    /* The 3 is ls's own. */
    snprintf(expected, sizeof(expected), "1 -Tx y;$(date)\n0 1 2 3 0\nNoNewPrivs:\t1\n5\n%s",
             geteuid() == 0 ? "65534\n65534\n" : "");
    expect_begins(&world, "out", expected);
    text_free(&said);
    close(output);
    close(input);
    close(77);
    be_whole();
    world_free(&world);
}

Test(graphviz, a_program_that_hangs_is_ended)
{
    static const char *const words[] = {"dot", NULL};
    static const char *const scripts[] = {
        "#!/bin/sh\nexec sleep 1000\n",
        "#!/bin/sh\ntrap '' TERM INT HUP\nwhile :; do echo more >&2; done\n",
        "#!/bin/sh\nexec 2>&-\nexec sleep 1000\n",
    };
    struct world world;

    world_init(&world);
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct text said = {0};
        struct error err = {0};
        enum foreign_end end;
        be_program(&world, "dot", scripts[i], "/usr/bin:/bin");
        int null = open("/dev/null", O_RDWR);
        cr_assert(foreign_run(
                      &(struct foreign_program){
                          .words = words, .input = null, .output = null, .milliseconds = 1000},
                      &end, &said, &err),
                  "%s", err.text);
        cr_expect_eq(end, FOREIGN_OVERDUE);
        cr_expect_str_eq(said.bytes, "dot took longer than 1 s and was ended");
        text_free(&said);
        close(null);
        be_whole();
    }
    world_free(&world);
}

/* "pid" is there, and whose it was is not any more (or is nobody's to wait for yet). */
static void expect_gone(const struct world *world)
{
    scratch_run(&world->scratch, "until test -s pid; do sleep 0.05; done; "
                                 "while kill -0 $(cat pid) && ! grep -q '^State:.Z' "
                                 "/proc/$(cat pid)/status; do sleep 0.05; done; rm pid");
}

Test(graphviz, a_program_is_ended_with_what_it_has_started)
{
    static const char *const words[] = {"dot", NULL};
    static const struct {
        const char *script;
        enum foreign_end end;
    } cases[] = {
        {"#!/bin/sh\nsleep 1000 & echo $! >pid.new; mv pid.new pid; wait\n", FOREIGN_OVERDUE},
        {"#!/bin/sh\nsleep 1000 >&- 2>&- & echo $! >pid.new; mv pid.new pid\n", FOREIGN_DONE},
    };
    struct world world;

    world_init(&world);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct text said = {0};
        struct error err = {0};
        enum foreign_end end;
        int null = open("/dev/null", O_RDWR);
        be_program(&world, "dot", cases[i].script, "/usr/bin:/bin");
        scratch_run(&world.scratch, "chmod 777 .");
        cr_assert(foreign_run(
                      &(struct foreign_program){
                          .words = words, .input = null, .output = null, .milliseconds = 2000},
                      &end, &said, &err),
                  "%s", err.text);
        cr_expect_eq(end, cases[i].end, "%d: %s", end, said.bytes);
        expect_gone(&world);
        text_free(&said);
        close(null);
    }
    be_whole();
    world_free(&world);
}

/* Draws with a dot that hangs and has a child; ends as a signal ends it. */
static pid_t start_drawing(const struct world *world, bool ignores)
{
    pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid == 0) {
        struct text said = {0};
        struct error err;
        signal(SIGINT, ignores ? SIG_IGN : SIG_DFL);
        _exit(graphviz_write(&world->diagram, "x.svg", &said, &err) ? 0 : 1);
    }
    return pid;
}

Test(graphviz, ctrl_c_ends_the_program_too_and_leaves_nothing)
{
    struct world world;
    int status;

    world_init(&world);
    be_program(&world, "dot", "#!/bin/sh\nsleep 1000 & echo $! >pid.new; mv pid.new pid; wait\n",
               "/usr/bin:/bin");
    scratch_run(&world.scratch, "chmod 777 .");
    pid_t pid = start_drawing(&world, false);
    scratch_run(&world.scratch, "until test -s pid; do sleep 0.05; done");
    cr_assert_eq(kill(pid, SIGINT), 0);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT, "%x", (unsigned)status);
    expect_gone(&world);
    scratch_run(&world.scratch, "test \"$(ls -A)\" = bin");
    world_free(&world);
}

Test(graphviz, an_ignored_signal_ends_no_program)
{
    struct world world;
    int status;

    world_init(&world);
    be_program(&world, "dot",
               "#!/bin/sh\necho $$ >pid.new; mv pid.new pid\n"
               "until test -e go; do sleep 0.05; done; echo made\n",
               "/usr/bin:/bin");
    scratch_run(&world.scratch, "chmod 777 .");
    pid_t pid = start_drawing(&world, true);
    scratch_run(&world.scratch, "until test -s pid; do sleep 0.05; done");
    cr_assert_eq(kill(pid, SIGINT), 0);
    scratch_run(&world.scratch, "touch go");
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", (unsigned)status);
    expect_begins(&world, "x.svg", "made\n");
    be_whole();
    world_free(&world);
}

Test(graphviz, the_standard_output_is_mains)
{
    struct error err = {0};

    cr_expect(graphviz_check("-", &err), "%s", err.text);
    cr_expect(graphviz_is_stdout("-"));
    cr_expect_not(graphviz_is_stdout("-.dot"));
    cr_expect(graphviz_check_format("-", FORMAT_TEXT, &err));
    cr_expect(graphviz_check_format(NULL, FORMAT_JSON, &err));
    cr_expect(graphviz_check_format("x.dot", FORMAT_JSON, &err));
    cr_expect_not(graphviz_check_format("-", FORMAT_JSON, &err));
    cr_expect_eq(err.kind, ERROR_USAGE);
}

Test(graphviz, a_viewer_goes_on_and_leaves_nothing)
{
    struct world world;
    struct text said = {0};
    struct error err = {0};

    world_init(&world);
    be_program(&world, "xdot",
               "#!/bin/sh\necho \"$*\" >seen.new\ncat >>seen.new\nmv seen.new seen\n",
               "/usr/bin:/bin");
    cr_assert(graphviz_view(&world.diagram, &said, &err), "%s", err.text);
    cr_expect_str_eq(said.bytes, "graph of 2 nodes given to xdot");
    text_free(&said);
    scratch_run(&world.scratch, "until test -e seen; do sleep 0.05; done; rm -r bin; "
                                "test \"$(ls -A)\" = seen");
    expect_begins(&world, "seen", "-\ndigraph ObjectGraph {\n");
    be_whole();
    world_free(&world);
}

/* As one does whose DISPLAY is nobody's any more: the caller then prints a tree. */
Test(graphviz, a_viewer_that_fails_shows_nothing)
{
    struct world world;
    struct text said = {0};
    struct error err = {0};

    world_init(&world);
    be_program(&world, "xdot", "#!/bin/sh\nsleep 0.2\nexit 1\n", "/usr/bin:/bin");
    cr_expect_not(graphviz_view(&world.diagram, &said, &err));
    cr_expect(strstr(err.text, "xdot failed"), "%s", err.text);
    cr_expect_eq(said.length, 0);
    be_whole();
    world_free(&world);
}

Test(graphviz, a_viewer_needs_a_desktop)
{
    struct world world;

    world_init(&world);
    be_program(&world, "xdot", "#!/bin/sh\n", "");
    if (geteuid() == 0) {
        setenv("DISPLAY", ":0", 1);
        cr_expect_not(graphviz_has_viewer());
        cr_assert_eq(seteuid(65534), 0);
    }
    unsetenv("WAYLAND_DISPLAY");
    setenv("DISPLAY", "", 1);
    cr_expect_not(graphviz_has_viewer());
    setenv("DISPLAY", ":0", 1);
    cr_expect(graphviz_has_viewer());
    unsetenv("DISPLAY");
    setenv("WAYLAND_DISPLAY", "wayland-0", 1);
    cr_expect(graphviz_has_viewer());
    setenv("PATH", "/nowhere", 1);
    cr_expect_not(graphviz_has_viewer());
    be_whole();
    if (getuid() == 0)
        cr_assert_eq(seteuid(0), 0);
    world_free(&world);
}
