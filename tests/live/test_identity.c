// SPDX-License-Identifier: MIT
/*
 * What is inspected is the process that was meant, seen with its own eyes: not another one that got
 * its number, not another program in its place, and in its own namespaces.
 */
#include "inspector/command/session.h"
#include "inspector/target/stop.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/clock.h"
#include "tests/support/observe.h"
#include "tests/support/target.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static bool nothing(void *context, struct image *image, enum certainty *ret, struct error *err)
{
    (void)context, (void)image, (void)err;
    *ret = ANSWER_VERIFIED;
    return true;
}

/* A byte that is at the same place in this process and in all that it forks. */
static const char landmark = 'x';

/* Another process may be stopped or read by nothing that was opened for the one before. */
static void expect_strange(struct session *session, const struct process *process,
                           const char *where)
{
    struct session_report report;
    struct stop_report stopped;
    struct stop *stop;
    struct error err;

    bool held = stop_begin(&stop, process, STOP_LONGEST_MS, &err);
    cr_expect_not(held, "%s: another process was stopped", where);
    if (held)
        cr_expect(stop_end(stop, &stopped, &err));
    else
        cr_expect_eq(err.kind, ERROR_TARGET, "%s: %s", where, err.text);
    cr_expect_not(process_is_same(process), "%s", where);
    cr_expect_not(session_ask(session, nothing, NULL, &report, &err), "%s: was asked", where);
    cr_expect_eq(err.kind, ERROR_TARGET, "%s: %s", where, err.text);
}

ParameterizedTestParameters(identity, a_reused_number_is_another_process)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, identity, a_reused_number_is_another_process)
{
    const struct session_options options = {.progress = NULL};
    struct interpreter python = pythons_get(index);
    struct ticker ticker, next;
    struct session *session;
    struct process process;
    struct error err;

    ticker_start(&ticker, &python, NULL);
    cr_assert(process_open(&process, ticker.pid, &err), "%s", err.text);
    cr_assert(session_open(&session, ticker.pid, &options, &err), "%s", err.text);
    ticker_end(&ticker);
    if (ticker_start_as(&next, &python, NULL, ticker.pid)) {
        cr_assert_eq(next.pid, ticker.pid);
        expect_strange(session, &process, python.name);
        cr_expect_eq(process_tracer(next.pid), 0, "%s", python.name);
        cr_expect(process_is_unremarkable(next.pid), "%s", python.name);
        cr_expect(ticker_runs(&next), "%s", python.name);
        ticker_end(&next);
    } else {
        fputs("no process may choose its id here: not tested\n", stderr);
    }
    session_close(session);
    process_close(&process);
}

static void pause_for_ever(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    for (;;)
        pause();
}

/* The memory of the one that has the number now is none of our business either. */
Test(identity, a_reused_number_is_not_read)
{
    const pid_t first = fork();
    struct process process;
    struct error err;
    char byte = 0;

    cr_assert(first >= 0);
    if (first == 0)
        pause_for_ever();
    cr_assert(process_open(&process, first, &err), "%s", err.text);
    struct iovec local = {&byte, 1}, remote = {(void *)(uintptr_t)&landmark, 1};
    cr_assert(process_read(&process, &local, &remote, 1) == 1 && byte == landmark);
    kill(first, SIGKILL);
    waitpid(first, NULL, 0);

    pid_t next = process_fork_as(first);
    if (next == 0)
        pause_for_ever();
    if (next > 0) {
        ssize_t got = process_read(&process, &local, &remote, 1);
        cr_expect_leq(got, 0, "%zd bytes of another process were read", got);
        kill(next, SIGKILL);
        waitpid(next, NULL, 0);
    } else {
        fputs("no process may choose its id here: not tested\n", stderr);
    }
    process_close(&process);
}

/* What happens to the target when the question is put for the first time, to learn what it needs.
 */
struct change {
    const struct ticker *ticker;
    int signal;
    bool done;
};

static bool has_changed(const struct change *change)
{
    char path[64], text[64] = "";

    if (change->signal == SIGKILL)
        return process_state(change->ticker->pid) == 'Z';
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)change->ticker->pid);
    AUTO_FCLOSE FILE *file = fopen(path, "re");
    return file && fgets(text, sizeof(text), file) && strcmp(text, "sleep\n") == 0 &&
           process_state(change->ticker->pid) == 'S';
}

static bool change_meanwhile(void *context, struct image *image, enum certainty *ret,
                             struct error *err)
{
    struct change *change = context;

    (void)image, (void)err;
    if (!change->done)
        kill(change->ticker->pid, change->signal);
    for (double deadline = clock_milliseconds() + 10e3;
         !has_changed(change) && clock_milliseconds() < deadline;)
        clock_sleep(1);
    change->done = has_changed(change);
    *ret = ANSWER_VERIFIED;
    return true;
}

/* Changes under a session: after it was opened (early), or in the midst of the question. */
static void expect_change_noticed(const struct interpreter *python, int signal, bool early)
{
    const struct session_options options = {.progress = NULL};
    struct session_report report;
    struct session *session;
    struct ticker ticker;
    struct error err;

    ticker_start(&ticker, python, "/bin/sleep");
    struct change change = {.ticker = &ticker, .signal = signal};
    cr_assert(session_open(&session, ticker.pid, &options, &err), "%s", err.text);
    if (early) {
        enum certainty certainty;
        cr_assert(change_meanwhile(&change, NULL, &certainty, &err));
    }
    cr_expect_not(session_ask(session, change_meanwhile, &change, &report, &err), "%s",
                  python->name);
    cr_expect(change.done, "%s: did not change", python->name);
    cr_expect_eq(err.kind, ERROR_TARGET, "%s: %s", python->name, err.text);
    if (signal != SIGKILL) {
        cr_expect_eq(process_tracer(ticker.pid), 0, "%s", python->name);
        cr_expect(process_reaches(ticker.pid, "S"), "%s", python->name);
        cr_expect(process_is_unremarkable(ticker.pid), "%s", python->name);
    }
    session_close(session);
    ticker_end(&ticker);
}

ParameterizedTestParameters(identity, another_program_in_its_place_is_noticed)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, identity, another_program_in_its_place_is_noticed)
{
    struct interpreter python = pythons_get(index);

    expect_change_noticed(&python, SIGUSR1, true);
    expect_change_noticed(&python, SIGUSR1, false);
}

ParameterizedTestParameters(identity, its_death_is_noticed)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, identity, its_death_is_noticed)
{
    struct interpreter python = pythons_get(index);

    expect_change_noticed(&python, SIGKILL, true);
    expect_change_noticed(&python, SIGKILL, false);
}

/* A root of its own, in which everything is where it is in ours. */
static bool enter_root(void *context)
{
    const char *root = context;

    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("/", root, NULL, MS_BIND | MS_REC, NULL) == 0 && chroot(root) == 0;
}

/* Where the interpreter's prefix is; false for one whose directory all of the system is in. */
static bool find_prefix(const struct interpreter *python, char prefix[PATH_MAX])
{
    if (!realpath(python->path, prefix) || strncmp(prefix, "/usr/", 5) == 0)
        return false;
    for (int i = 0; i < 2; i++) { /* bin/python */
        char *slash = strrchr(prefix, '/');
        if (slash && slash != prefix)
            *slash = '\0';
    }
    return strchr(prefix + 1, '/') != NULL;
}

/* From here on, we no longer have the interpreter's files where the target has them. */
static bool hide_from_ourselves(const struct interpreter *python)
{
    char prefix[PATH_MAX];

    return find_prefix(python, prefix) && unshare(CLONE_NEWNS) == 0 &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", prefix, "tmpfs", 0, NULL) == 0 && access(python->path, F_OK) != 0;
}

static void expect_equal(const struct observation *seen, const struct truth *truth,
                         const char *where)
{
    size_t i = 0, j = 0;

    cr_expect(seen->verified, "%s", where);
    for (; i < seen->object_count; i++) {
        if (seen->objects[i].permanent)
            continue;
        if (j >= truth->object_count || truth->objects[j].address != seen->objects[i].address ||
            truth->objects[j].size != seen->objects[i].size)
            break;
        j++;
    }
    cr_expect(i == seen->object_count && j == truth->object_count,
              "%s: %zu objects, of which %zu are as the target says, which has %zu", where,
              seen->object_count, j, truth->object_count);
    cr_expect_gt(truth->object_count, 4000, "%s", where);
}

static void expect_true_census(struct target *target)
{
    struct observation seen;
    struct truth truth;

    observe(&seen, target->pid);
    target_tell(target, &truth);
    expect_equal(&seen, &truth, target->name);
    target_end(target);
    observation_free(&seen);
    truth_free(&truth);
}

/* Who is not root may have namespaces of his own all the same, where he is. */
static int with_privilege(int namespaces)
{
    return geteuid() == 0 ? namespaces : namespaces | CLONE_NEWUSER;
}

ParameterizedTestParameters(identity, a_pid_namespace_is_seen_into)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, identity, a_pid_namespace_is_seen_into)
{
    const struct target_place place = {.namespaces = with_privilege(CLONE_NEWPID)};
    struct interpreter python = pythons_get(index);
    struct target target;

    if (!target_start_in(&target, &python, "bare", &place)) {
        fputs("no PID namespace may be made here: not tested\n", stderr);
        return;
    }
    expect_true_census(&target);
}

ParameterizedTestParameters(identity, a_root_of_its_own_is_seen_into)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, identity, a_root_of_its_own_is_seen_into)
{
    char root[] = "/tmp/pyinspect-root-XXXXXX";
    const struct target_place place = {.namespaces = with_privilege(CLONE_NEWPID | CLONE_NEWNS),
                                       .enter = enter_root,
                                       .context = root};
    struct interpreter python = pythons_get(index);
    struct target target;

    cr_assert(mkdtemp(root));
    bool started = target_start_in(&target, &python, "bare", &place);
    if (started && !hide_from_ourselves(&python))
        fprintf(stderr, "%s: cannot be hidden from us: tested with its files in sight\n",
                python.name);
    if (started)
        expect_true_census(&target);
    else
        fputs("no root of its own may be made here: not tested\n", stderr);
    rmdir(root);
}
