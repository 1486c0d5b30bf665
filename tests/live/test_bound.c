// SPDX-License-Identifier: MIT
/* A process is let go at the bound, whatever its caller is at, and not stopped where that hurts. */
#include "inspector/target/stop.h"
#include "symbols/base/clock.h"
#include "tests/support/puppet.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

enum { PATIENCE_MS = 10 * 1000, LATE_MS = 300 /* on a busy machine */ };

struct scene {
    struct puppet puppet;
    struct process process;
};

static void set(struct scene *scene)
{
    struct error err;

    puppet_start(&scene->puppet);
    cr_assert(process_open(&scene->process, scene->puppet.pid, &err), "%s", err.text);
}

static void clear(struct scene *scene)
{
    process_close(&scene->process);
    puppet_end(&scene->puppet);
}

static bool becomes_over(const struct stop *stop)
{
    for (double begun = clock_milliseconds(); clock_milliseconds() < begun + PATIENCE_MS;) {
        if (stop_is_over(stop))
            return true;
        clock_sleep(1);
    }
    return false;
}

Test(bound, the_target_runs_from_then_on_although_nobody_let_it_go)
{
    static const double bounds[] = {100, 300, 600};
    struct scene scene;

    set(&scene);
    for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
        struct stop_report report;
        struct stop *stop;
        struct error err;

        puppet_gap(&scene.puppet);
        cr_assert(stop_begin(&stop, &scene.process, bounds[i], &err), "%s", err.text);
        cr_expect(becomes_over(stop));
        cr_expect(puppet_runs(&scene.puppet), "%f ms", bounds[i]);
        cr_expect_eq(process_tracer(scene.puppet.pid), 0);
        double gap = puppet_gap(&scene.puppet);
        cr_assert(stop_end(stop, &report, &err), "%s", err.text);
        cr_expect(report.overdue);
        cr_expect_eq(report.threads, 2);
        cr_expect(report.milliseconds > bounds[i] / 2 && report.milliseconds < bounds[i] + LATE_MS,
                  "%f ms of %f", report.milliseconds, bounds[i]);
        cr_expect(gap > bounds[i] / 2 && gap < bounds[i] + LATE_MS, "felt %f ms of %f", gap,
                  bounds[i]);
    }
    clear(&scene);
}

Test(bound, a_stop_that_ends_in_time_is_not_overdue)
{
    struct scene scene;
    struct stop_report report;
    struct stop *stop;
    struct error err;
    int priority = getpriority(PRIO_PROCESS, 0);

    set(&scene);
    cr_assert(stop_begin(&stop, &scene.process, PATIENCE_MS, &err), "%s", err.text);
    uint64_t before = puppet_beats(&scene.puppet);
    cr_expect_leq(getpriority(PRIO_PROCESS, 0), priority);
    for (int i = 0; i < 20; i++) {
        cr_expect_not(stop_is_over(stop));
        clock_sleep(1);
    }
    cr_expect_eq(puppet_beats(&scene.puppet), before);
    cr_assert(stop_end(stop, &report, &err), "%s", err.text);
    cr_expect_not(report.overdue);
    cr_expect_geq(report.milliseconds, 20);
    cr_expect_eq(getpriority(PRIO_PROCESS, 0), priority, "it is not restored");
    cr_expect(puppet_runs(&scene.puppet));
    clear(&scene);
}

/* So short that the threads may not even stop in time. */
Test(bound, one_that_cannot_be_kept_does_no_harm)
{
    static const double bounds[] = {0, 0.001, 0.1, 0.3};
    struct scene scene;

    set(&scene);
    for (int i = 0; i < 40; i++) {
        struct stop_report report = {.overdue = true};
        struct error err = {.kind = ERROR_TARGET};
        struct stop *stop;
        if (stop_begin(&stop, &scene.process, bounds[i % 4], &err)) {
            cr_expect(becomes_over(stop));
            cr_expect(stop_end(stop, &report, &err), "%s", err.text);
        }
        cr_expect(report.overdue && err.kind == ERROR_TARGET);
        cr_expect(puppet_runs(&scene.puppet));
        cr_expect_eq(process_tracer(scene.puppet.pid), 0);
    }
    clear(&scene);
}

Test(bound, who_dies_after_it_did_not_die_while_it_was_held)
{
    struct scene scene;
    struct stop_report report;
    struct stop *stop;
    struct error err;

    set(&scene);
    cr_assert(stop_begin(&stop, &scene.process, 200, &err), "%s", err.text);
    cr_expect(becomes_over(stop));
    cr_expect(puppet_runs(&scene.puppet));
    kill(scene.puppet.pid, SIGKILL);
    cr_expect(process_reaches(scene.puppet.pid, "ZX?"));
    cr_expect(stop_end(stop, &report, &err));
    cr_expect(report.overdue);
    clear(&scene);
}

/* Otherwise all that can stop would stand still until the one that cannot is awake. */
Test(bound, nobody_is_stopped_while_one_sleeps_uninterruptibly)
{
    struct scene scene;
    struct stop *stop;
    struct error err;

    set(&scene);
    puppet_sleep(&scene.puppet);
    puppet_gap(&scene.puppet);
    double begun = clock_milliseconds();
    cr_assert_not(stop_begin(&stop, &scene.process, STOP_LONGEST_MS, &err));
    double waited = clock_milliseconds() - begun;
    cr_expect(waited > 900 && waited < PATIENCE_MS, "%f ms", waited);
    double gap = puppet_gap(&scene.puppet);
    cr_expect_lt(gap, 300, "the others stood still for %f ms", gap);
    cr_expect_eq(err.kind, ERROR_TARGET);
    cr_expect(strstr(err.text, "nothing was stopped"), "%s", err.text);
    cr_expect_eq(process_tracer(scene.puppet.pid), 0);
    puppet_wake(&scene.puppet);
    clear(&scene);
}

static void *wake_soon(void *argument)
{
    clock_sleep(200);
    puppet_wake(argument);
    return NULL;
}

Test(bound, a_sleeper_is_waited_for_while_all_others_run)
{
    struct scene scene;
    struct stop_report report;
    struct stop *stop;
    struct error err;
    pthread_t waker;

    set(&scene);
    puppet_sleep(&scene.puppet);
    puppet_gap(&scene.puppet);
    double begun = clock_milliseconds();
    cr_assert(pthread_create(&waker, NULL, wake_soon, &scene.puppet) == 0);
    cr_assert(stop_begin(&stop, &scene.process, STOP_LONGEST_MS, &err), "%s", err.text);
    cr_expect_gt(clock_milliseconds() - begun, 150);
    cr_assert(stop_end(stop, &report, &err), "%s", err.text);
    pthread_join(waker, NULL);
    cr_expect_lt(report.milliseconds, LATE_MS);
    cr_expect(puppet_runs(&scene.puppet));
    double gap = puppet_gap(&scene.puppet);
    cr_expect_lt(gap, LATE_MS, "the others stood still for %f ms", gap);
    clear(&scene);
}
