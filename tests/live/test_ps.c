// SPDX-License-Identifier: MIT
/* Which processes are listed, and what is said of them; and what a refusal says to do. */
#include "tests/support/proc.h"
#include "tests/support/program.h"
#include "tests/support/pythons.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 60 * 1000, NOBODY = 65534 };

/* What a program under a Python's name does: says that it is there, and waits. */
static const char sitter[] =
    "#include <string.h>\n#include <sys/prctl.h>\n#include <unistd.h>\n"
    "int main(int count, char **words)\n{\n"
    "    if (count > 1 && strcmp(words[1], \"exit\") == 0)\n        return 0;\n"
    "    if (count > 1 && strcmp(words[1], \"mask\") == 0) {\n"
    "        prctl(PR_SET_NAME, \"\\33[2J\\n,x\");\n"
    "        memset(words[0], 0, (size_t)(words[1] + 5 - words[0]));\n    }\n"
    "    if (count > 1 && strcmp(words[1], \"hide\") == 0)\n        prctl(PR_SET_DUMPABLE, 0);\n"
    "    return write(1, \"x\", 1) == 1 ? pause() : 1;\n}\n";

/* How a process is to be started. */
struct start {
    const char *words[4];
    const char *root;    /* chroot there */
    const char *preload; /* a library that it has to load */
    uid_t uid;
    int namespaces;
};

/* Returns when the program has written a byte. */
static pid_t start(const char *path, const struct start *how)
{
    int ready[2];
    char byte;

    cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = process_fork_into(how->namespaces);
    cr_assert(pid >= 0);
    if (pid == 0) {
        dup2(ready[1], STDOUT_FILENO);
        if (how->root && (chroot(how->root) < 0 || chdir("/") < 0))
            _exit(126);
        if (how->preload)
            setenv("LD_PRELOAD", how->preload, 1);
        if (how->uid && setuid(how->uid) < 0)
            _exit(126);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
        execv(path, (char *const *)(uintptr_t)how->words);
        _exit(127);
    }
    close(ready[1]);
    struct pollfd waiting = {.fd = ready[0], .events = POLLIN};
    cr_assert_eq(poll(&waiting, 1, PATIENCE_MS), 1);
    cr_assert_eq(read(ready[0], &byte, 1), 1, "%s does not start", path);
    close(ready[0]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* A directory that everybody may enter, with a program "sitter". */
static void make_sitter(struct scratch *scratch)
{
    scratch_make(scratch);
    cr_assert_eq(chmod(scratch->path, 0755), 0);
    scratch_write(scratch, "sitter.c", sitter);
    scratch_run(scratch, "$CC -static -o sitter sitter.c && chmod 755 sitter");
}

static pid_t start_sitter(const struct scratch *scratch, const char *name, const struct start *how)
{
    char path[256];

    scratch_run(scratch, "cp -p sitter '%s'", name);
    snprintf(path, sizeof(path), "%s/%s", how->root ? "" : scratch->path, name);
    return start(path, how);
}

/* From now on the program under test runs as nobody, from a place that nobody may read. */
static void become_nobody(const struct scratch *scratch, const char *options)
{
    char path[256];

    scratch_run(scratch, "cp \"$PYINSPECT\" \"it's pyinspect\" && chmod 755 \"it's pyinspect\"");
    scratch_run(scratch,
                "printf '#!/bin/sh\\nexec setpriv %s env ASAN_OPTIONS= UBSAN_OPTIONS= "
                "\"%s/it'\"'\"'s pyinspect\" \"$@\"\\n' > nobody && chmod 755 nobody",
                options, scratch->path);
    snprintf(path, sizeof(path), "%s/nobody", scratch->path);
    setenv("PYINSPECT", path, 1);
}

static void list(struct program *ret, const char *format)
{
    program_run(ret, (const char *const[]){"ps", format, NULL});
    cr_assert_eq(ret->status, 0, "status %d: %s", ret->status, ret->err);
}

/* Does `claim` hold of the JSON row of this process, as `row`? */
static void expect_json(const struct program *program, pid_t pid, const char *claim)
{
    char text[512];

    snprintf(text, sizeof(text),
             "[row for row in answer[\"processes\"] if row[\"pid\"] == %d and (%s)]", (int)pid,
             claim);
    cr_expect(program_holds(program, text), "%s: %s", claim, program->out);
}

/* The line of this process in the table for a person; to be freed. "" if there is none. */
static char *line_of(const struct program *program, pid_t pid)
{
    char start[16];
    size_t length = (size_t)snprintf(start, sizeof(start), "%d ", (int)pid);

    for (const char *at = program->out; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        if (strncmp(at, start, length) == 0)
            return strndup(at, strcspn(at, "\n"));
    }
    return strdup("");
}

static void expect_line(const struct program *program, pid_t pid, const char *words)
{
    char *line = line_of(program, pid);

    cr_expect(strstr(line, words), "no \"%s\" in: %s", words, line);
    free(line);
}

/* Every interpreter there is, by its version. */
Test(ps, each_version)
{
    struct interpreter pythons[PYTHONS_MAX];
    const struct start how = {
        .words = {"a name", "-c", "import os, time; os.write(1, b'x'); time.sleep(1000)"}};
    struct program table, json;
    pid_t pids[PYTHONS_MAX];
    char claim[128];

    for (enum python_kind kind = PYTHON_SUPPORTED; kind <= PYTHON_OTHER; kind++) {
        size_t count = pythons_find(pythons, kind);
        bool readable = kind == PYTHON_SUPPORTED || kind == PYTHON_NO_DEBUG_INFO;

        cr_assert(count || kind != PYTHON_SUPPORTED, "no interpreter to test with");
        for (size_t i = 0; i < count; i++)
            pids[i] = start(pythons[i].path, &how);
        list(&table, NULL);
        list(&json, "--json");
        cr_expect(strncmp(table.out, "PID ", 4) == 0, "%s", table.out);
        for (size_t i = 0; i < count; i++) {
            char version[16];
            snprintf(version, sizeof(version), "%s%d.%d%s", kind == PYTHON_OTHER ? "PyPy " : "",
                     pythons[i].major, pythons[i].minor, kind == PYTHON_FREE_THREADED ? "t" : "");
            snprintf(claim, sizeof(claim), "row[\"version\"] == \"%s\"", version);
            expect_json(&json, pids[i], claim);
            expect_json(&json, pids[i], "row[\"resident_bytes\"] > 1000000");
            expect_json(&json, pids[i], "row[\"inner_pid\"] == 0");
            expect_line(&table, pids[i], version);
            if (readable) {
                expect_json(&json, pids[i], "row[\"inspectable\"] is True");
                expect_json(&json, pids[i], "row[\"reason\"] == row[\"container\"] == \"\"");
                expect_line(&table, pids[i], " yes ");
            } else {
                expect_json(&json, pids[i], "row[\"inspectable\"] is False and row[\"reason\"]");
                expect_line(&table, pids[i], " no: ");
            }
            end(pids[i]);
        }
        program_free(&table);
        program_free(&json);
    }
}

Test(ps, names)
{
    static const struct {
        const char *name, *line; /* NULL: it is not listed */
    } names[] = {
        {"python3.98", "3.98  "},
        {"python3.6dm", "3.6 "},
        {"python3.11-dbg", "3.11 "},
        {"python3.97t", "3.97t "},
        {"python3", "3 "},
        {"python", "yes "},
        {"python2.7", "2.7 "},
        {"python2.7", "no: too old"},
        {"python3.5", "no: too old"},
        {"python3.97t", "no: free-threaded"},
        {"pypy3.10-c", "no: PyPy"},
        {"pypy3.10-c", "PyPy 3.10 "},
        {"python3.11.zip", NULL},
        {"python3.", NULL},
        {"python-config", NULL},
        {"pythonista", NULL},
        {"libpython3.11", NULL},
        {"thon3.11", NULL},
        {"python3.1111", NULL},
    };
    struct scratch scratch;
    struct program program;

    make_sitter(&scratch);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        pid_t pid = start_sitter(&scratch, names[i].name, &(struct start){.words = {"it"}});
        list(&program, NULL);
        if (names[i].line) {
            expect_line(&program, pid, names[i].line);
        } else {
            char *line = line_of(&program, pid);
            cr_expect_str_empty(line, "%s", line);
            free(line);
        }
        program_free(&program);
        end(pid);
    }
    scratch_remove(&scratch);
}

/* A file that was replaced, as an upgrade does, and a Python inside another program. */
Test(ps, deleted_and_embedded)
{
    struct scratch scratch;
    struct program program;
    char preload[128], path[128];

    make_sitter(&scratch);
    pid_t deleted = start_sitter(&scratch, "python3.98", &(struct start){.words = {"it"}});
    scratch_run(&scratch, "rm python3.98 && mkdir python3.96");
    scratch_run(&scratch, "$CC -o python3.96/uwsgi sitter.c && echo 'int nothing;' > empty.c && "
                          "$CC -shared -fPIC -o libpython3.97.so.1.0 empty.c");
    snprintf(preload, sizeof(preload), "%s/libpython3.97.so.1.0", scratch.path);
    snprintf(path, sizeof(path), "%s/python3.96/uwsgi", scratch.path);
    pid_t embedded = start(path, &(struct start){.words = {"uwsgi"}, .preload = preload});
    pid_t other = start(path, &(struct start){.words = {"python3.97"}});
    scratch_run(&scratch, "rm libpython3.97.so.1.0");

    list(&program, NULL);
    expect_line(&program, deleted, "3.98 ");
    expect_line(&program, deleted, "yes ");
    expect_line(&program, embedded, "3.97 ");
    char *line = line_of(&program, other);
    cr_expect_str_empty(line, "%s", line);
    free(line);
    program_free(&program);
    end(deleted);
    end(embedded);
    end(other);
    scratch_remove(&scratch);
}

Test(ps, sorted_and_counted_without_ourselves)
{
    struct scratch scratch;
    struct program program;
    char path[128];

    make_sitter(&scratch);
    pid_t one = start_sitter(&scratch, "python3.98", &(struct start){.words = {"it"}});
    pid_t two = start_sitter(&scratch, "python2.7", &(struct start){.words = {"it"}});
    scratch_run(&scratch, "cp \"$PYINSPECT\" python3.99");
    snprintf(path, sizeof(path), "%s/python3.99", scratch.path);
    setenv("PYINSPECT", path, 1);
    list(&program, "--json");
    cr_expect(program_holds(&program, "answer[\"pythons\"] == len(answer[\"processes\"]) >= 2"));
    cr_expect(program_holds(&program, "0 < answer[\"inspectable\"] < answer[\"pythons\"] and "
                                      "answer[\"inspectable\"] == sum(row[\"inspectable\"] for "
                                      "row in answer[\"processes\"])"));
    cr_expect(program_holds(&program, "answer[\"processes\"] == sorted(answer[\"processes\"], "
                                      "key=lambda row: row[\"pid\"])"));
    cr_expect_null(strstr(program.out, "3.99"), "%s", program.out);
    cr_expect(strstr(program.err, " Python processes, "), "%s", program.err);
    cr_expect(strstr(program.err, " can be inspected\n"), "%s", program.err);
    program_free(&program);
    end(one);
    end(two);
    scratch_remove(&scratch);
}

static void expect_printable(const char *text)
{
    for (; *text; text++)
        cr_assert((*text >= 0x20 && *text < 0x7f) || *text == '\n', "byte %#x",
                  (unsigned)(unsigned char)*text);
}

Test(ps, hostile_names)
{
    static const struct {
        const char *format, *words, *name;
    } formats[] = {{NULL, " \\x1b[2J\\x0a1  x", "[\\x1b[2J\\x0a,x]"},
                   {"--csv", "\\x1b[2J\\x0a1  x", "[\\x1b[2J\\x0a,x]"},
                   {"--json", "\\u001b[2J\\u000a1  x", "[\\u001b[2J\\u000a,x]"}};
    struct scratch scratch;

    make_sitter(&scratch);
    pid_t words = start_sitter(&scratch, "python3.98",
                               &(struct start){.words = {"\x1b[2J\n1 ", "x\xff\xc2\x9b"}});
    pid_t name = start_sitter(&scratch, "python3.97", &(struct start){.words = {"it", "mask"}});
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        struct program program;
        list(&program, formats[i].format);
        cr_expect(strstr(program.out, formats[i].words), "%s", program.out);
        cr_expect(strstr(program.out, formats[i].name), "%s", program.out);
        if (i < 2)
            expect_printable(program.out);
        else
            expect_json(&program, words, "row[\"command\"].startswith(\"\\x1b[2J\\n1  x\")");
        program_free(&program);
    }
    end(words);
    end(name);
    scratch_remove(&scratch);
}

Test(ps, already_traced)
{
    struct scratch scratch;
    struct program program;
    char cause[64];

    make_sitter(&scratch);
    pid_t pid = start_sitter(&scratch, "python3.98", &(struct start){.words = {"it"}});
    cr_assert(ptrace(PTRACE_SEIZE, pid, 0, 0) == 0);
    list(&program, NULL);
    snprintf(cause, sizeof(cause), "(pid %d)", (int)getpid());
    expect_line(&program, pid, "no: traced by ");
    expect_line(&program, pid, cause);
    program_free(&program);
    end(pid);
    scratch_remove(&scratch);
}

Test(ps, stops_nothing)
{
    struct scratch scratch;
    struct program program;

    make_sitter(&scratch);
    pid_t pid = start_sitter(&scratch, "python3.98", &(struct start){.words = {"it"}});
    program_run_untraced(&program, (const char *const[]){"ps", NULL});
    cr_expect_eq(program.status, 0, "status %d: %s", program.status, program.err);
    cr_expect(process_is_unremarkable(pid));
    program_free(&program);
    end(pid);
    scratch_remove(&scratch);
}

static bool is_root(void)
{
    if (geteuid() != 0)
        fputs("not root: not tested\n", stderr);
    return geteuid() == 0;
}

Test(ps, containers)
{
    struct scratch scratch;
    struct program program;

    if (!is_root())
        return;
    make_sitter(&scratch);
    pid_t jailed = start_sitter(&scratch, "python3.98",
                                &(struct start){.words = {"it"}, .root = scratch.path});
    pid_t inner =
        start_sitter(&scratch, "python3.97",
                     &(struct start){.words = {"it"}, .namespaces = CLONE_NEWPID | CLONE_NEWNS});
    list(&program, NULL);
    expect_line(&program, jailed, "chroot /tmp/");
    expect_line(&program, inner, "own PID, mount namespaces (its PID 1)");
    program_free(&program);
    list(&program, "--json");
    expect_json(&program, inner, "row[\"inner_pid\"] == 1");
    program_free(&program);
    end(jailed);
    end(inner);
    scratch_remove(&scratch);
}

/* Of the processes of others there is only what they call themselves; zombies do so too. */
Test(ps, as_nobody)
{
    struct scratch scratch;
    struct program program;
    const char *exit[] = {"python3.95", "exit", NULL};

    if (!is_root())
        return;
    make_sitter(&scratch);
    pid_t others = start_sitter(&scratch, "python3.98", &(struct start){.words = {"it"}});
    pid_t claims = start_sitter(&scratch, "any", &(struct start){.words = {"/x/python3.97"}});
    pid_t own =
        start_sitter(&scratch, "python3.96", &(struct start){.words = {"it"}, .uid = NOBODY});
    pid_t hides = start_sitter(&scratch, "python3.94",
                               &(struct start){.words = {"it", "hide"}, .uid = NOBODY});
    char path[128];
    scratch_run(&scratch, "cp -p sitter python3.95");
    snprintf(path, sizeof(path), "%s/python3.95", scratch.path);
    pid_t zombie = fork();
    if (zombie == 0)
        execv(path, (char *const *)(uintptr_t)exit);
    cr_assert(process_reaches(zombie, "Z"));

    become_nobody(&scratch, "--reuid 65534 --clear-groups");
    list(&program, NULL);
    expect_line(&program, others, "3.98 ");
    expect_line(&program, others, "no: belongs to uid 0 ");
    expect_line(&program, claims, "3.97 ");
    expect_line(&program, own, "yes ");
    expect_line(&program, hides, "no: not dumpable ");
    cr_expect_null(strstr(program.out, "3.95"), "%s", program.out);
    cr_expect(strstr(program.err, "it'\\\\''s pyinspect' ps\n"), "%s", program.err);
    program_free(&program);
    end(others);
    end(claims);
    end(own);
    end(hides);
    waitpid(zombie, NULL, 0);
    scratch_remove(&scratch);
}

/* What a refusal tells to do is a command line, whole enough to be run as it stands. */
Test(ps, a_refusal_can_be_pasted)
{
    struct interpreter pythons[PYTHONS_MAX];
    struct scratch scratch;
    struct program program;
    const struct start how = {
        .words = {"it", "-c", "import os, time; os.write(1, b'x'); time.sleep(1000)"}};

    if (!is_root())
        return;
    cr_assert_gt(pythons_find(pythons, PYTHON_SUPPORTED), 0);
    pid_t pid = start(pythons[0].path, &how);
    scratch_make(&scratch);
    cr_assert_eq(chmod(scratch.path, 0755), 0);
    become_nobody(&scratch, "--reuid 65534 --clear-groups");
    scratch_run(&scratch, "mv \"it's pyinspect\" 'its pyinspect' && sed -i \"s/it's/its/\" nobody");
    program_attach(&program, pid, "--most-common=3", "--by", "bytes");
    cr_expect_eq(program.status, 3, "%s", program.err);
    const char *command = strstr(program.err, ": run sudo ");
    cr_assert(command && strstr(command, " --most-common=3 --by bytes\n"), "%s", program.err);
    command += strlen(": run sudo ");
    scratch_run(&scratch, "%.*s 2>/dev/null | grep -q 'other types'", (int)strcspn(command, "\n"),
                command);
    program_free(&program);
    end(pid);
    scratch_remove(&scratch);
}

/* Started from the PATH, which sudo has another of. */
Test(ps, a_refusal_finds_the_program)
{
    struct scratch scratch;
    struct program program;
    char command[256];

    if (!is_root())
        return;
    scratch_make(&scratch);
    cr_assert_eq(chmod(scratch.path, 0755), 0);
    scratch_run(&scratch, "cp \"$PYINSPECT\" pyinspect && chmod 755 pyinspect");
    scratch_run(&scratch,
                "printf '#!/bin/sh\\nPATH=%s:$PATH exec setpriv --reuid 65534 --clear-groups env "
                "ASAN_OPTIONS= UBSAN_OPTIONS= pyinspect \"$@\"\\n' > nobody && chmod 755 nobody",
                scratch.path);
    snprintf(command, sizeof(command), "%s/nobody", scratch.path);
    setenv("PYINSPECT", command, 1);
    program_attach(&program, getpid(), NULL, NULL, NULL);
    snprintf(command, sizeof(command), ": run sudo %s/pyinspect attach %d\n", scratch.path,
             (int)getpid());
    cr_expect(strstr(program.err, command), "no \"%s\" in: %s", command, program.err);
    program_free(&program);
    scratch_remove(&scratch);
}

Test(ps, refusals_that_sudo_does_not_mend)
{
    static const struct {
        const char *options, *cause;
    } rows[] = {
        {"--reuid 65534 --clear-groups --no-new-privs", "NoNewPrivs is set for pyinspect"},
        {"--bounding-set -sys_ptrace --inh-caps -sys_ptrace", "runs as root but without CAP_SYS_"},
    };
    const char *original = getenv("PYINSPECT");
    char *pyinspect = original ? strdup(original) : NULL;
    struct program program;

    cr_assert(pyinspect);
    for (size_t i = 0; is_root() && i < sizeof(rows) / sizeof(*rows); i++) {
        struct scratch scratch;
        make_sitter(&scratch);
        pid_t pid = start_sitter(&scratch, "python3.98", &(struct start){.words = {"it"}});
        become_nobody(&scratch, rows[i].options);
        program_attach(&program, pid, NULL, NULL, NULL);
        cr_expect(strstr(program.err, rows[i].cause), "%s", program.err);
        cr_expect(strstr(program.err, "docker run --cap-add SYS_PTRACE"), "%s", program.err);
        cr_expect_null(strstr(program.err, "run sudo"), "%s", program.err);
        program_free(&program);
        end(pid);
        scratch_remove(&scratch);
        setenv("PYINSPECT", pyinspect, 1);
    }
    free(pyinspect);
}

/* Processes that come and go all the time: each list is whole, and none fails. */
Test(ps, processes_that_end_meanwhile)
{
    struct scratch scratch;
    struct program program;
    char path[128];

    make_sitter(&scratch);
    scratch_run(&scratch, "cp sitter python3.98");
    snprintf(path, sizeof(path), "%s/python3.98", scratch.path);
    pid_t churn = fork();
    while (churn == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < 8; i++) {
            if (fork() == 0) {
                execl(path, "python3.98", "exit", (char *)NULL);
                _exit(127);
            }
        }
        while (wait(NULL) > 0) {
        }
    }
    for (int i = 0; i < 20; i++) {
        list(&program, "--json");
        cr_expect(program_holds(&program, "all(row[\"inspectable\"] for row in "
                                          "answer[\"processes\"] if row[\"version\"] == \"3.98\")"),
                  "%s", program.out);
        program_free(&program);
    }
    end(churn);
    scratch_remove(&scratch);
}

Test(ps, a_wrong_command_line)
{
    static const struct usage usages[] = {
        {{"ps", "4711", NULL}, "ps takes no operand"},
        {{"ps", "--no-stop", NULL}, "unknown option"},
        {{"ps", "--jsn", NULL}, "did you mean --json?"},
    };

    program_refuses_usages(usages, sizeof(usages) / sizeof(*usages));
}
