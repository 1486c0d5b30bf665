// SPDX-License-Identifier: MIT
#include "inspector/command/command.h"

#include "inspector/analysis/census.h"
#include "inspector/command/common_options.h"
#include "inspector/command/questions.h"
#include "inspector/command/worth.h"
#include "inspector/python/locate.h"
#include "inspector/report/format.h"
#include "inspector/report/render.h"
#include "inspector/target/container.h"
#include "inspector/target/permission.h"
#include "inspector/target/proc_status.h"
#include "inspector/target/process.h"
#include "inspector/target/stop.h"
#include "symbols/base/cleanup.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct doctor_options {
    struct session_options session;
    enum format format;
};

/* In the order in which they are looked at: each needs those before it. */
enum check {
    PROCESS,
    CONTAINER,
    ACCESS,
    INTERPRETER,
    LAYOUT,
    HEAP,
    COLLECTOR,
    PAUSE,
    MEMORY,
    CHECKS
};

struct examination {
    const struct session_options *options;
    pid_t pid;
    enum check failed; /* CHECKS: nothing stands in the way */
    struct error failure;

    /* What was found, as far as the checks before `failed` go. */
    struct proc_stat stat;
    struct container container;
    struct permission_facts permission;
    unsigned threads;
    uint64_t resident_bytes;
    char executable[4096];
    struct python python;
    uint64_t objects, bytes;
    unsigned interpreters;
    struct session_estimate estimate;
};

static const struct option_list option_lists[] = {
    {target_options, offsetof(struct doctor_options, session)},
    {debug_source_options, offsetof(struct doctor_options, session.sources)},
    {layout_file_options, offsetof(struct doctor_options, session.sources)},
    {format_options, offsetof(struct doctor_options, format)},
    {.rows = NULL},
};

static const struct column columns[] = {
    {"check", "Check", UNIT_TEXT},
    {"ok", "OK", UNIT_BOOL},
    {"finding", "Finding", UNIT_PROSE},
};

/* What anybody may know of a process, whether it can be inspected or not. */
static bool see_process(struct examination *exam)
{
    char path[64];
    struct proc_status status;
    struct stat tasks;

    snprintf(path, sizeof(path), "/proc/%d", (int)exam->pid);
    AUTO_CLOSE int proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0 || !proc_stat_read(proc, &exam->stat) || !proc_status_read(proc, &status) ||
        status.process != exam->pid || !permission_look(proc, &exam->permission))
        return false;
    container_look(proc, &exam->container);
    exam->resident_bytes = status.resident_bytes;
    /* Two links of the directory are "." and "..", and each thread's is one more. */
    if (fstatat(proc, "task", &tasks, 0) == 0 && tasks.st_nlink > 2)
        exam->threads = (unsigned)tasks.st_nlink - 2;
    return true;
}

/* May it be read, and stopped, at this moment? */
static bool has_access(const struct examination *exam, struct error *err)
{
    struct process process;

    if (!process_open(&process, exam->pid, err))
        return false;
    bool has = exam->options->no_stop ||
               (process_check_tracer(&process, err) && stop_is_allowed(&process, err) &&
                stop_wait_for_sleepers(&process, err));
    process_close(&process);
    return has;
}

static bool estimate_cost(struct examination *exam, struct session *session,
                          struct progress *progress)
{
    const struct census_options options = {.generations = {true, true, true, true},
                                           .progress = progress};
    struct census census;

    census_init(&census, &exam->python, &options);
    bool done =
        session_estimate(session, question_census, &census, &exam->estimate, &exam->failure);
    exam->objects = census.objects;
    exam->bytes = census.bytes;
    exam->interpreters = census.verdict.heap.interpreters;
    census_free(&census);
    return done;
}

/* Is the interpreter at least known, when there is no layout of it? */
static bool identify(struct examination *exam)
{
    struct process process;
    struct error ignored;

    if (!process_open(&process, exam->pid, &ignored))
        return false;
    bool known = python_identify(&exam->python, &process, &ignored);
    process_executable(&process, exam->executable, sizeof(exam->executable));
    process_close(&process);
    return known;
}

/* Returns the check that failed, with exam->failure set, or CHECKS. */
static enum check examine(struct examination *exam, struct progress *progress)
{
    bool seen = see_process(exam);
    struct session *session;

    if (!has_access(exam, &exam->failure))
        return seen ? ACCESS : PROCESS;
    if (!session_open(&session, exam->pid, exam->options, &exam->failure))
        return identify(exam) ? LAYOUT : INTERPRETER;
    exam->python = *session_python(session);
    session_executable(session, exam->executable, sizeof(exam->executable));
    enum check failed = CHECKS;
    if (!estimate_cost(exam, session, progress))
        failed = HEAP;
    else if (!session_keeps_bound(session, &exam->estimate, &exam->failure))
        failed = PAUSE;
    session_close(session);
    return failed;
}

static const char *state_of(const struct examination *exam)
{
    switch (exam->stat.state) {
    case 'R':
        return "running";
    case 'S':
        return "sleeping";
    case 'D':
        return "sleeping uninterruptibly";
    case 'T':
        return "stopped";
    case 't':
        return "held by a tracer";
    case 'Z':
    case 'X':
        return exam->threads > 1 ? "running without its main thread" : "a zombie";
    default:
        return "in an unknown state";
    }
}

static void describe_process(const struct examination *exam, struct text *text)
{
    char bytes[32];

    text_addf(text, "%s, %s, ", exam->stat.name, state_of(exam));
    add_things(text, exam->threads, "thread");
    if (exam->resident_bytes)
        text_addf(text, ", %s resident", format_bytes(bytes, exam->resident_bytes));
}

static void describe_container(const struct examination *exam, struct text *text)
{
    if (!exam->permission.permitted && !container_is_any(&exam->container))
        text_add(text, "none can be seen without permission");
    else
        container_describe(&exam->container, text);
}

static void describe_access(const struct examination *exam, struct text *text)
{
    text_add(text, exam->options->no_stop ? "may be read (--no-stop); "
                                          : "may be read and stopped, nobody traces it; ");
    permission_describe(&exam->permission, text);
}

static void describe_interpreter(const struct examination *exam, struct text *text)
{
    const struct python *python = &exam->python;

    text_addf(text, "CPython %s (%s build), %s",
              *python->version.text ? python->version.text : "of unknown version",
              python->debug_build ? "debug" : "release", python->executable);
    if (python->is_deleted)
        text_add(text, ", which was deleted since");
    if (python->is_image)
        text_add(text, ", read from memory");
    text_addf(text, "; its state found by %s", evidence_name(python->evidence));
    if (python->other_pythons) {
        text_add(text, "; ");
        add_things(text, python->other_pythons, "other Python");
        text_add(text, " in the process would not be looked at");
    }
}

static void describe_layout(const struct examination *exam, struct text *text)
{
    const struct python *python = &exam->python;
    uint64_t present = 0;

    for (int slot = 0; slot < LAYOUT_SLOTS; slot++)
        present += python->layout.slots[slot].present;
    add_things(text, present, "offset");
    text_add(text, " and sizes by ");
    layout_origin_describe(&python->layout_origin, text);
    if (layout_is_borrowed(&python->layout_origin))
        text_add(text, ", proved by the running process; there is no debug information");
}

static void describe_heap(const struct examination *exam, struct text *text)
{
    char bytes[32];

    bool cut_short = exam->estimate.in_pieces && exam->estimate.restless;

    add_things(text, exam->interpreters, "interpreter");
    text_add(text, cut_short ? ", at least " : ", about ");
    add_things(text, exam->objects, "object");
    text_addf(text, ", %s (unverified)", format_bytes(bytes, exam->bytes));
    if (exam->estimate.restless && !cut_short)
        text_add(text, "; they change fast, it may take several stops");
    if (exam->estimate.swapped_pages)
        text_add(text, ", others lie in swap: --read-swapped reads them, and brings them back");
}

static void describe_collector(const struct examination *exam, struct text *text)
{
    text_add(text, exam->estimate.collecting ? "at work all the time: try again later" : "idle");
}

static void describe_pause(const struct examination *exam, struct text *text)
{
    char pause[32], most[32], bytes[32];

    if (exam->options->no_stop)
        text_add(text, "none (--no-stop)");
    else
        text_addf(text, "about %s for %s (bound: %s)",
                  format_milliseconds(pause, exam->estimate.pause_milliseconds),
                  format_bytes(bytes, exam->estimate.copied_bytes),
                  format_milliseconds(most, exam->estimate.max_pause_milliseconds));
}

static void describe_memory(const struct examination *exam, struct text *text)
{
    char bytes[32], most[32];

    format_bytes(bytes, exam->estimate.memory_bytes);
    format_bytes(most, exam->estimate.max_memory);
    if (exam->estimate.in_pieces)
        text_addf(text,
                  "%s of ours would do for a copy in one piece; it is made in pieces (bound: %s)",
                  format_bytes(bytes, exam->estimate.copied_bytes), most);
    else
        text_addf(text, "%s of ours (bound: %s)", bytes, most);
}

static const struct {
    const char *name;
    void (*describe)(const struct examination *exam, struct text *text);
} checks[CHECKS] = {
    [PROCESS] = {"process", describe_process},
    [CONTAINER] = {"container", describe_container},
    [ACCESS] = {"access", describe_access},
    [INTERPRETER] = {"interpreter", describe_interpreter},
    [LAYOUT] = {"layout", describe_layout},
    [HEAP] = {"heap", describe_heap},
    [COLLECTOR] = {"collector", describe_collector},
    [PAUSE] = {"pause", describe_pause},
    [MEMORY] = {"memory", describe_memory},
};

static void add_row(struct report *report, const char *name, bool ok, const struct text *finding)
{
    report_cell_text(report, name, strlen(name));
    report_cell_number(report, ok);
    report_cell_text(report, finding->bytes, finding->length);
    report->failed |= finding->failed;
}

static void add_rows(struct report *report, const struct examination *exam)
{
    struct text finding = {0};

    for (int check = PROCESS; check < CHECKS && check <= (int)exam->failed; check++) {
        bool ok = check != (int)exam->failed;
        text_clear(&finding);
        if (ok)
            checks[check].describe(exam, &finding);
        else
            text_add(&finding, exam->failure.text);
        ok = ok && !(check == COLLECTOR && exam->estimate.collecting) &&
             !(check == HEAP && exam->estimate.swapped_pages) &&
             !(check == INTERPRETER && exam->python.other_pythons);
        add_row(report, checks[check].name, ok, &finding);
    }
    text_free(&finding);
}

static void add_target(struct report *report, const struct examination *exam)
{
    report_fact_number(report, "target.pid", UNIT_COUNT, (uint64_t)exam->pid);
    if (exam->failed > PROCESS) {
        report_fact_text(report, "target.name", exam->stat.name);
        report_fact_text(report, "target.state", state_of(exam));
        report_fact_number(report, "target.threads", UNIT_COUNT, exam->threads);
        report_fact_number(report, "target.resident_bytes", UNIT_BYTES, exam->resident_bytes);
    }
    if (exam->failed > INTERPRETER) {
        report_fact_text(report, "target.executable", exam->executable);
        worth_add_python(&exam->python, report);
        if (exam->failed > LAYOUT) {
            worth_add_layout(&exam->python, report);
            report_fact_text(report, "target.layout.passed_over", exam->python.layout_passed_over);
        }
        report_fact_text(report, "target.state_found_by", evidence_name(exam->python.evidence));
        report_fact_number(report, "target.file_is_gone", UNIT_BOOL, exam->python.is_deleted);
        report_fact_number(report, "target.file_read_from_memory", UNIT_BOOL,
                           exam->python.is_image);
    }
}

static void add_permission(struct report *report, const struct examination *exam)
{
    const struct permission_facts *facts = &exam->permission;
    const struct container *container = &exam->container;

    if (exam->failed <= PROCESS)
        return;
    report_fact_text(report, "container.runtime", container->runtime);
    report_fact_text(report, "container.id", container->id);
    report_fact_text(report, "container.root", container->root);
    report_fact_number(report, "container.own_pid_namespace", UNIT_BOOL,
                       container->own_pid_namespace);
    report_fact_number(report, "permission.sys_ptrace", UNIT_BOOL,
                       permission_has(&facts->own, PERMISSION_SYS_PTRACE));
    report_fact_number(report, "permission.yama", UNIT_BOOL, facts->yama_scope >= 0);
    if (facts->yama_scope >= 0)
        report_fact_number(report, "permission.yama_ptrace_scope", UNIT_COUNT,
                           (uint64_t)facts->yama_scope);
    report_fact_number(report, "permission.no_new_privs", UNIT_BOOL, facts->own.no_new_privileges);
    report_fact_number(report, "permission.seccomp", UNIT_COUNT, (uint64_t)facts->own.seccomp);
    report_fact_text(report, "permission.security_label", facts->own.label);
    report_fact_number(report, "permission.target_dumpable", UNIT_BOOL, facts->dumpable);
    report_fact_number(report, "permission.target_seccomp", UNIT_COUNT,
                       (uint64_t)facts->target.seccomp);
    report_fact_text(report, "permission.target_security_label", facts->target.label);
    if (*facts->own.user_namespace && *facts->target.user_namespace)
        report_fact_number(report, "permission.same_user_namespace", UNIT_BOOL,
                           !permission_in_other_user_namespace(facts));
}

static void add_estimate(struct report *report, const struct examination *exam)
{
    const struct session_estimate *estimate = &exam->estimate;
    bool stops = !exam->options->no_stop;

    report_fact_number(report, "interpreters", UNIT_COUNT, exam->interpreters);
    report_fact_number(report, "objects", UNIT_COUNT, exam->objects);
    report_fact_number(report, "bytes", UNIT_BYTES, exam->bytes);
    report_fact_number(report, "collecting", UNIT_BOOL, estimate->collecting);
    report_fact_milliseconds(report, "pause_ms", stops ? estimate->pause_milliseconds : 0);
    if (stops)
        report_fact_milliseconds(report, "max_pause_ms", estimate->max_pause_milliseconds);
    report_fact_number(report, "copied_bytes", UNIT_BYTES, estimate->copied_bytes);
    report_fact_number(report, "memory_bytes", UNIT_BYTES, estimate->memory_bytes);
    report_fact_number(report, "max_memory_bytes", UNIT_BYTES, estimate->max_memory);
    report_fact_number(report, "in_pieces", UNIT_BOOL, estimate->in_pieces);
}

static void fill_answer(const struct examination *exam, enum format format, struct answer *ret)
{
    bool inspectable = exam->failed == CHECKS;

    *ret = (struct answer){.format = format,
                           .complete = !exam->estimate.collecting &&
                                       !exam->estimate.swapped_pages && !exam->python.other_pythons,
                           .obstacle = inspectable ? ERROR_NONE : exam->failure.kind};
    report_init(&ret->report, "checks", columns, sizeof(columns) / sizeof(*columns));
    add_target(&ret->report, exam);
    add_permission(&ret->report, exam);
    report_fact_number(&ret->report, "inspectable", UNIT_BOOL, inspectable);
    if (exam->failed > HEAP)
        add_estimate(&ret->report, exam);
    add_rows(&ret->report, exam);
    if (!inspectable)
        text_add(&ret->worth, exam->failure.text);
    else
        text_addf(
            &ret->worth, "process %d (%s) can be inspected%s%s%s", (int)exam->pid, exam->stat.name,
            exam->estimate.collecting ? ", but its garbage collector was at work all the time" : "",
            exam->estimate.swapped_pages ? ", but some of its objects lie in swap" : "",
            exam->python.other_pythons ? ", but not all Pythons in it" : "");
}

static bool run(int argc, char **argv, int first, struct progress *progress, struct answer *ret,
                struct error *err)
{
    struct doctor_options options = {.session.progress = progress};
    struct examination exam = {.options = &options.session};
    struct operands operands;

    if (!options_parse(argc, argv, first, option_lists, &options, &operands, err) ||
        !command_pid(&doctor_command, &operands, &exam.pid, err))
        return false;
    exam.failed = examine(&exam, progress);
    fill_answer(&exam, options.format, ret);
    return true;
}

const struct command doctor_command = {
    .name = "doctor",
    .operands = "PID",
    .summary = "Tell whether a process can be inspected, and at what cost",
    .details = "\nLooks at what attach needs, stops nothing, and prints a row for each check: the\n"
               "process, its container, the permission, the interpreter, where the layout of\n"
               "its structures comes from, the heap, the garbage collector, for how long the\n"
               "process would stand still and how much memory the copy would take. Where\n"
               "something stands in the way, the last row says what it is and what to do\n"
               "about it, and the exit status is that of attach.\n",
    .options = option_lists,
    .run = run,
};
