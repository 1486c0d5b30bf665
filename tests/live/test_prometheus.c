// SPDX-License-Identifier: MIT
/* The metrics of `pyinspect watch` in a real Prometheus, which a real node exporter brings them. */
#include "tests/support/program.h"
#include "tests/support/scratch.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 60 * 1000 };

static struct scratch scratch;
static struct target target;

/* tests/targets/monitoring.py at work. */
static struct {
    pid_t pid;
    int queries, answers;
} monitoring;

static void clean(void)
{
    if (monitoring.pid > 0) {
        close(monitoring.queries);
        waitpid(monitoring.pid, NULL, 0);
    }
    target_end(&target);
    if (scratch.fd > 0)
        scratch_remove(&scratch);
}

TestSuite(prometheus, .fini = clean, .timeout = 240);

static void start_monitoring(void)
{
    int queries[2], answers[2];

    cr_assert(pipe2(queries, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0);
    monitoring.pid = fork();
    cr_assert(monitoring.pid >= 0);
    if (monitoring.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(queries[0], STDIN_FILENO);
        dup2(answers[1], STDOUT_FILENO);
        execlp("python3", "python3", "-IB", "tests/targets/monitoring.py", scratch.path, NULL);
        _exit(127);
    }
    close(queries[0]);
    close(answers[1]);
    monitoring.queries = queries[1];
    monitoring.answers = answers[0];
}

/* What Prometheus says, as a number; -1: there is no such series. */
static double ask(const char *query)
{
    char answer[64];
    size_t length = 0;

    cr_assert(dprintf(monitoring.queries, "%s\n", query) > 0);
    do {
        struct pollfd waiting = {.fd = monitoring.answers, .events = POLLIN};
        cr_assert(poll(&waiting, 1, PATIENCE_MS) > 0, "no answer to %s", query);
        ssize_t got = read(monitoring.answers, answer + length, sizeof(answer) - 1 - length);
        cr_assert(got > 0 && (length += (size_t)got) < sizeof(answer) - 1, "%s", query);
    } while (answer[length - 1] != '\n');
    answer[length] = '\0';
    return strcmp(answer, "none\n") == 0 ? -1 : strtod(answer, NULL);
}

static size_t count_of(const struct truth *truth, const char *module, const char *qualname)
{
    size_t count = 0;

    for (size_t i = 0; i < truth->object_count; i++) {
        const struct truth_type *type = &truth->types[truth->objects[i].type];
        count += type->module && strcmp(type->module, module) == 0 && type->qualname &&
                 strcmp(type->qualname, qualname) == 0;
    }
    return count;
}

Test(prometheus, scrapes_what_a_watch_writes)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);
    char path[128], pid[16];
    struct truth truth;
    int status;

    cr_assert_gt(count, 0, "no interpreter to test with");
    if (!scratch_has_program("prometheus") || !scratch_has_program("prometheus-node-exporter"))
        cr_skip_test("no Prometheus: make check brings it");
    scratch_make(&scratch);
    target_start(&target, &pythons[count / 2], "stdlib");
    snprintf(path, sizeof(path), "%s/shop.prom", scratch.path);
    snprintf(pid, sizeof(pid), "%d", (int)target.pid);
    pid_t watch = program_start((const char *const[]){
        "watch", pid, "--every", "500ms", "--max-share", "100%", "--generation", "0,1,2",
        "--prometheus", path, "--service", "the \"shop\"", NULL});
    start_monitoring();

    double objects = ask("pyinspect_objects{service='the \"shop\"'}");
    double dicts = ask("pyinspect_type_objects{type='dict'}");
    double functions = ask("pyinspect_type_objects{type='function'}");
    double types = ask("sum(pyinspect_type_objects)");
    cr_expect_eq(ask("pyinspect_up"), 1);
    cr_expect_gt(ask("pyinspect_samples_total > 1"), 1);
    cr_expect_eq(ask("pyinspect_samples_failed_total"), 0);
    cr_expect_gt(ask("pyinspect_pause_seconds"), 0);
    cr_expect_lt(ask("abs(time() - pyinspect_last_success_timestamp_seconds)"), PATIENCE_MS / 1e3);
    cr_expect_eq(ask("node_textfile_scrape_error"), 0);
    scratch_run(&scratch, "promtool check metrics <shop.prom >said 2>&1 && test ! -s said");

    /* With the process go the file and the series. */
    target_tell(&target, &truth);
    cr_expect_eq(objects, (double)truth.object_count);
    cr_expect_eq(types, (double)truth.object_count);
    cr_expect_eq(dicts, (double)count_of(&truth, "builtins", "dict"));
    cr_expect_eq(functions, (double)count_of(&truth, "builtins", "function"));
    cr_assert(waitpid(watch, &status, 0) == watch);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 3, "status %x", (unsigned)status);
    cr_expect(access(path, F_OK) < 0);
    cr_expect_eq(ask("absent(pyinspect_up)"), 1);
    truth_free(&truth);
}
