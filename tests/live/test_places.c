// SPDX-License-Identifier: MIT
/*
 * Targets whose files are not where we would look for them: in a root directory and a PID namespace
 * of their own, deleted or replaced since they were started. Seen by root, who may open what is
 * mapped, and by a user who has nothing but the target's memory: the answer is the same.
 */
#include "inspector/command/session.h"
#include "symbols/base/clock.h"
#include "tests/support/interpreter_copy.h"
#include "tests/support/observe.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { NOBODY = 65534, AT_ONCE_MS = 2000 };

/* Of the one test that runs in this process; removed even where the test fails. */
static struct interpreter_copy copy;

static void remove_copy(void)
{
    interpreter_copy_remove(&copy);
}

TestSuite(places, .fini = remove_copy, .timeout = 120);

struct change {
    const char *name;
    const char
        *command; /* $image: the file with the interpreter; $other: that of another version */
};

static const struct change changes[] = {
    {"as it was", "true"},
    {"deleted", "rm $image"},
    {"replaced by another version", "mv $other $image"},
    {"replaced by a link that leads out", "ln -sf $PWD/$other $image"},
    {"replaced by a FIFO", "rm $image; mkfifo $image"},
};
#define CHANGE_COUNT (sizeof(changes) / sizeof(changes[0]))

struct row {
    size_t python, change;
    bool own_root, unprivileged;
};

static void describe(const struct row *row, const struct interpreter *python, char ret[256])
{
    snprintf(ret, 256, "%s, %s%s%s", python->name, changes[row->change].name,
             row->own_root ? ", in a root of its own" : "",
             row->unprivileged ? ", without privileges" : "");
}

static bool become_nobody(void)
{
    return geteuid() != 0 ||
           (setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
            setresuid(NOBODY, NOBODY, NOBODY) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
}

/* In the target. Who becomes somebody else is no longer killed with his parent. */
static bool enter(void *context)
{
    const struct row *row = context;

    return chdir(copy.scratch.path) == 0 &&
           (!row->own_root || (chroot(".") == 0 && chdir("/") == 0)) &&
           (!row->unprivileged || become_nobody()) && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
}

/* False where the kernel allows no root of its own. */
static bool start(struct target *ret, struct row *row, const struct interpreter *python)
{
    struct target_place place = {.enter = enter, .context = row};
    struct interpreter inside;

    interpreter_copy_make(&copy, python, COPY_WHOLE);
    inside = copy.python;
    if (row->own_root) {
        place.namespaces = geteuid() == 0 ? CLONE_NEWPID : CLONE_NEWPID | CLONE_NEWUSER;
        snprintf(inside.path, sizeof(inside.path), "/start");
    }
    return target_start_in(ret, &inside, "bare", &place);
}

static void change_files(const struct row *row, const struct interpreter *other)
{
    char here[512];

    cr_assert(getcwd(here, sizeof(here)));
    scratch_run(&copy.scratch, "mkdir -m 755 other; '%s' '%s/tests/targets/copy_self.py' other",
                other->path, here);
    scratch_run(&copy.scratch, "image=$(readlink image); other=other/$(readlink other/image); %s",
                changes[row->change].command);
    if (geteuid() == 0 && row->unprivileged) /* who is to remove it, too */
        scratch_run(&copy.scratch, "chown -hR %d:%d .", NOBODY, NOBODY);
}

/* What cannot be answered is refused at once, and what is at the path is not waited for. */
static bool opens(const struct target *target, const char *where)
{
    const struct session_options options = {.progress = NULL};
    double start_time = clock_milliseconds();
    struct session *session;
    struct error err;

    bool opened = session_open(&session, target->pid, &options, &err);
    double took = clock_milliseconds() - start_time;
    if (opened)
        session_close(session);
    else
        cr_expect_lt(took, AT_ONCE_MS, "%s: refused after %.0f ms", where, took);
    cr_expect(opened, "%s: %s", where, err.text);
    return opened;
}

static void expect_true_census(struct target *target, const char *where)
{
    struct observation seen;
    struct truth truth;

    observe(&seen, target->pid);
    target_tell(target, &truth);
    cr_expect(seen.verified, "%s: could not be verified", where);
    cr_expect_eq(seen.permanent_count, truth.permanent_count, "%s", where);
    cr_expect_gt(truth.object_count, 4000, "%s", where);
    observation_expect(&seen, &truth, where);
    observation_free(&seen);
    truth_free(&truth);
}

ParameterizedTestParameters(places, equals_what_the_target_says)
{
    static struct row rows[3 * CHANGE_COUNT * 4];
    struct criterion_test_params some = pythons_some();
    const size_t *indices = some.params;
    size_t count = 0;

    for (size_t python = 0; python < some.length; python++) {
        for (size_t change = 0; change < CHANGE_COUNT; change++) {
            for (int place = 0; place < 4; place++)
                rows[count++] = (struct row){indices[python], change, place & 1, place & 2};
        }
    }
    return cr_make_param_array(struct row, rows, count);
}

ParameterizedTest(struct row *row, places, equals_what_the_target_says)
{
    struct interpreter python = pythons_get(&row->python), pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);
    struct target target;
    char where[256];

    describe(row, &python, where);
    if (!start(&target, row, &python)) {
        fprintf(stderr, "%s: not allowed here: not tested\n", where);
        return;
    }
    change_files(row, &pythons[(row->python + count / 2) % count]);
    if (row->unprivileged)
        cr_assert(become_nobody());
    if (opens(&target, where))
        expect_true_census(&target, where);
    target_end(&target);
}
