// SPDX-License-Identifier: MIT
#include "inspector/command/command.h"

#include "inspector/command/watch_options.h"
#include "inspector/command/watch_publish.h"
#include "inspector/command/watch_schedule.h"
#include "inspector/command/watch_table.h"
#include "inspector/command/watch_tally.h"
#include "inspector/command/watch_wait.h"
#include "inspector/target/priority.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/clock.h"
#include "symbols/base/replaced_file.h"

#include <stdlib.h>
#include <string.h>

struct watch {
    struct watch_options options;
    struct watch_sampling sampling;
    struct watch_schedule schedule;
    struct watch_wait wait;
    struct watch_crew crew;
    struct watch_file file; /* that --save names */
    struct rooms rooms;     /* for each sample's copy */
    bool alone;             /* one process, and no children of it */
    struct growth *sum;     /* of all; NULL: alone */
    int64_t start_ms;       /* since 1970, when the schedule starts */
    struct watch_round round;
    struct watch_tally tally;
    struct watch_prometheus *metrics; /* NULL: nobody asked for them */
    size_t reports, reported;         /* of this round */
    bool is_in_vain;                  /* with --traces: nobody traces, from the start */
};

/* For the growth: it goes on steadily, whoever sets the date. */
static int64_t steady_milliseconds(const struct watch *watch)
{
    return watch->start_ms + (int64_t)(clock_milliseconds() - watch->schedule.start);
}

static bool is_sampled(const struct watch_process *process)
{
    return !process->is_bystander && process->outcome != WATCH_ENDED;
}

/* A process of which this round has no sample keeps its last counts, or its share of the sum would
 * be seen as shrinking, and as growing afterwards. */
static bool add_sum(struct watch *watch, struct error *err)
{
    const struct watch_crew *crew = &watch->crew;
    AUTO_FREE const struct snapshot **parts = calloc(crew->count + 1, sizeof(*parts));
    size_t count = 0;

    if (!parts)
        return error_memory(err);
    for (size_t i = 0; i < crew->count; i++) {
        if (is_sampled(&crew->items[i]) && crew->items[i].has_snapshot)
            parts[count++] = &crew->items[i].snapshot;
    }
    if (!count)
        return error_set(err, ERROR_TARGET,
                         crew->count ? "no process could be sampled" : "no process is left");
    return growth_add(watch->sum, steady_milliseconds(watch), parts, count, err);
}

static bool all_ended(const struct watch *watch, struct error *err);

/* What cannot be inspected at the very first will not be later either: the first such reason. */
static bool is_hopeless(const struct watch *watch, struct error *err)
{
    const struct watch_process *first = NULL;

    if (watch->round.number > 1)
        return false;
    if (!watch->crew.count)
        return !all_ended(watch, err);
    for (size_t i = 0; i < watch->crew.count; i++) {
        const struct watch_process *process = &watch->crew.items[i];
        if (!is_sampled(process))
            continue;
        if (process->is_open_to_us || process->outcome != WATCH_FAILED)
            return false;
        first = first ? first : process;
    }
    if (first)
        *err = first->why;
    else
        error_set(err, ERROR_PYTHON,
                  "neither process %d nor one of its descendants is a Python: see pyinspect ps",
                  (int)watch->options.pids[0]);
    return true;
}

/* Who waits for somebody to begin would wait in vain, as a rule. */
static bool is_in_vain(const struct watch *watch)
{
    bool somebody_is_untraced = false;

    for (size_t i = 0; i < watch->crew.count; i++) {
        const struct watch_process *process = &watch->crew.items[i];
        bool failed = process->outcome == WATCH_FAILED;
        if (!is_sampled(process))
            continue;
        if (failed ? process->is_open_to_us : !process->is_untraced)
            return false;
        somebody_is_untraced |= process->is_untraced;
    }
    return somebody_is_untraced && watch->round.number == 1;
}

static void begin_round(struct watch *watch, double due, double planned)
{
    struct watch_round *round = &watch->round;

    watch_schedule_take(&watch->schedule, clock_milliseconds());
    round->number++;
    round->time_ms = clock_date();
    round->put_off_milliseconds = due > planned ? due - planned : 0;
    round->why.kind = ERROR_NONE;
}

/* Where it cannot be told who is new, those who are known are sampled all the same. */
static void sample_all(struct watch *watch)
{
    struct error why;

    if (!watch_crew_refresh(&watch->crew, &watch->round.events, &why)) {
        watch_tally_fault(&watch->tally, &watch->tally.lapses, &why);
        watch_event(&watch->round.events, "FAILED to look for children: %s", why.text);
    }
    if (watch->round.number == 1)
        watch->crew.joined = 0; /* they were there from the start */
    for (size_t i = 0; i < watch->crew.count; i++) {
        struct watch_process *process = &watch->crew.items[i];
        if (process->is_bystander)
            continue;
        watch_process_sample(process, &watch->sampling, steady_milliseconds(watch));
        if (is_sampled(process))
            watch_tally_add(&watch->tally, process);
    }
    watch_crew_drop_ended(&watch->crew, &watch->round.events);
    watch->round.who = watch->round.events.length;
}

/* After each round, be it that all of it failed. */
static void publish(struct watch *watch)
{
    struct growth *growth = watch->sum;
    struct error why;

    if (watch->alone && watch->crew.count)
        growth = watch->crew.items[0].growth;
    if (growth && !growth_samples(growth))
        growth = NULL;
    if (watch_publish(watch->metrics, &watch->crew, growth, watch->round.time_ms, &why))
        return;
    watch_tally_fault(&watch->tally, &watch->tally.unpublished, &why);
    watch_event(&watch->round.events, "NOT PUBLISHED: %s", why.text);
}

/* False: there is nothing to go on with. */
static bool take_round(struct watch *watch, struct error *err)
{
    struct watch_round *round = &watch->round;

    sample_all(watch);
    if (is_hopeless(watch, err)) {
        watch_prometheus_remove(watch->metrics);
        watch_file_discard(&watch->file);
        return false;
    }
    if (!watch->alone && !add_sum(watch, &round->why) && round->why.kind != ERROR_TARGET)
        watch_tally_fault(&watch->tally, &watch->tally.lapses, &round->why);
    publish(watch);
    watch->is_in_vain = is_in_vain(watch);
    if (watch->is_in_vain)
        watch_prometheus_remove(watch->metrics);
    watch->reported = 0;
    watch->reports = watch->crew.count + !watch->alone;
    return true;
}

static void summarise(const struct watch *watch, struct text *text)
{
    const struct watch_summary summary = {.tally = &watch->tally,
                                          .crew = &watch->crew,
                                          .alone = watch->alone ? watch->options.pids[0] : 0,
                                          .milliseconds =
                                              clock_milliseconds() - watch->schedule.start,
                                          .saved = watch->options.save};

    watch_tally_describe(&summary, text);
}

static bool all_ended(const struct watch *watch, struct error *err)
{
    struct text text = {0};

    watch_prometheus_remove(watch->metrics);
    summarise(watch, &text);
    if (watch->alone)
        error_set(err, ERROR_TARGET, "process %d has ended; %s", (int)watch->options.pids[0],
                  text.bytes ? text.bytes : "");
    else
        error_set(err, ERROR_TARGET, "all processes have ended; %s", text.bytes ? text.bytes : "");
    text_free(&text);
    return false;
}

static double rest_until(const struct watch *watch)
{
    double until = 0;

    for (size_t i = 0; i < watch->crew.count; i++) {
        if (watch->crew.items[i].rest_until > until)
            until = watch->crew.items[i].rest_until;
    }
    return until;
}

static enum watch_wake wait_until(const struct watch *watch, double due)
{
    const struct watch_crew *crew = &watch->crew;
    int *pidfds = calloc(crew->count + 1, sizeof(*pidfds));
    size_t count = pidfds ? crew->count : 0;

    for (size_t i = 0; i < count; i++)
        pidfds[i] = crew->items[i].pidfd;
    enum watch_wake wake = watch_wait_until(&watch->wait, due, pidfds, count);
    free(pidfds);
    return wake;
}

/* Waits for the next round and takes it. *more is false where there is none. */
static bool await_round(struct watch *watch, bool *more, struct error *err)
{
    for (;;) {
        double now = clock_milliseconds(), due, planned;
        if (!watch->crew.count)
            return all_ended(watch, err);
        *more = !watch->is_in_vain &&
                watch_schedule_next(&watch->schedule, now, rest_until(watch), &due);
        if (!*more)
            return true;
        if (!watch_schedule_next(&watch->schedule, now, 0, &planned))
            planned = due;
        enum watch_wake wake = wait_until(watch, due);
        *more = wake != WAKE_SIGNAL;
        if (!*more)
            return true;
        if (wake == WAKE_ENDED) {
            watch_crew_drop_ended(&watch->crew, &watch->round.events);
            continue;
        }
        begin_round(watch, due, planned);
        return take_round(watch, err);
    }
}

/* The sum comes first for a person, to whom what comes after may not be shown, and else last. */
static bool is_sum(const struct watch *watch, size_t report)
{
    bool first = watch->options.format == FORMAT_TEXT;

    return !watch->alone && report == (first ? 0 : watch->crew.count);
}

static const struct watch_process *process_of(const struct watch *watch, size_t report)
{
    bool first = !watch->alone && watch->options.format == FORMAT_TEXT;

    return &watch->crew.items[report - first];
}

static bool is_shown(const struct watch *watch, size_t report)
{
    if (is_sum(watch, report))
        return true;
    const struct watch_process *process = process_of(watch, report);
    if (!is_sampled(process))
        return false;
    return watch->alone || watch->options.format != FORMAT_TEXT ||
           (watch->options.each && process->outcome != WATCH_FAILED);
}

/* The next report of the round that is to be shown; watch->reports: none is. */
static size_t next_report(const struct watch *watch)
{
    size_t report = watch->reported;

    while (report < watch->reports && !is_shown(watch, report))
        report++;
    return report;
}

static void add_line(struct text *text, const char *line)
{
    if (text->length)
        text_add(text, "; ");
    text_add(text, line);
}

/* Rows have no place for what failed, and for what happened: that is told with the last of them. */
static void set_aside(const struct watch *watch, const struct report *report, struct answer *answer)
{
    const struct text *events = &watch->round.events;

    if (watch->options.format != FORMAT_CSV)
        return;
    if (!report->column_count && report->heading.text)
        add_line(&answer->aside, report->heading.text);
    for (size_t at = 0; !answer->series.page_goes_on && at < events->length;) {
        add_line(&answer->aside, events->bytes + at);
        at += strlen(events->bytes + at) + 1;
    }
}

/* A page that is renewed shows what happened for some rounds more, or nobody would read it. */
static void end_events(struct watch_round *round, bool is_renewed)
{
    enum { ROUNDS_SEEN = 5 };

    if (is_renewed && round->who) {
        text_clear(&round->past);
        text_add_bytes(&round->past, round->events.bytes, round->who);
        round->past_until = round->number + ROUNDS_SEEN;
    }
    text_clear(&round->events);
}

static bool make_report(struct watch *watch, struct answer *answer, struct report *ret,
                        struct error *err)
{
    size_t number = next_report(watch);
    bool done =
        is_sum(watch, number)
            ? watch_table_sum(ret, &watch->options, &watch->round, &watch->crew, watch->sum, err)
            : watch_table_process(ret, &watch->options, &watch->round, process_of(watch, number),
                                  watch->alone, err);

    if (!done)
        return false;
    watch->reported = number + 1;
    answer->series.page_goes_on = next_report(watch) < watch->reports;
    set_aside(watch, ret, answer);
    if (!answer->series.page_goes_on)
        end_events(&watch->round, answer->series.is_renewed);
    return true;
}

static bool next(struct answer *answer, struct report *ret, bool *more, struct error *err)
{
    struct watch *watch = answer->series.context;

    *more = true;
    while (next_report(watch) == watch->reports) {
        if (!await_round(watch, more, err))
            return false;
        if (*more)
            continue;
        summarise(watch, &answer->worth);
        answer->complete = !watch_tally_has_failed(&watch->tally) && !watch->tally.incomplete &&
                           !watch_tally_is_in_vain(&watch->tally);
        return true;
    }
    return make_report(watch, answer, ret, err);
}

static void watch_free(void *context)
{
    struct watch *watch = context;

    watch_crew_free(&watch->crew);
    watch_wait_close(&watch->wait);
    rooms_close(&watch->rooms);
    growth_free(watch->sum);
    watch_prometheus_free(watch->metrics);
    text_free(&watch->round.events);
    text_free(&watch->round.past);
    free(watch->options.pids);
    free(watch);
}

static void prepare(struct watch *watch)
{
    const struct watch_options *options = &watch->options;
    struct watch_sampling *sampling = &watch->sampling;

    watch->alone = options->pid_count == 1 && !options->children;
    watch->file = (struct watch_file){.path = options->save, .most_bytes = options->max_file};
    sampling->traces = options->traces.is_asked_for ? &options->traces : NULL;
    watch->options.prometheus.traces = sampling->traces;
    sampling->short_names = options->choice.short_names;
    sampling->file = &watch->file;
    sampling->events = &watch->round.events;
    sampling->max_share = options->max_share;
    sampling->moment.with_objects = options->save;
    sampling->moment.all_objects = options->choice.all_objects;
    memcpy(sampling->moment.generations, options->choice.generations,
           sizeof(sampling->moment.generations));
    sampling->moment.session = options->session;
    rooms_open(&watch->rooms);
    sampling->moment.session.rooms = &watch->rooms;
    watch->schedule = (struct watch_schedule){
        .every = options->every, .length = options->length, .count = options->count};
    watch->round.planned = watch_schedule_samples(&watch->schedule);
}

/* One would replace the other. */
static bool check_two_files(const struct watch *watch, struct error *err)
{
    const char *save = watch->options.save, *metrics = watch->options.prometheus.path;

    return !save || !metrics || !replaced_file_is_same(save, metrics) ||
           error_set(err, ERROR_USAGE, "--save %s and --prometheus %s are the same file", save,
                     metrics);
}

/* Two names of a file that was not there are known for that only when it is. */
static bool open_file(struct watch *watch, struct error *err)
{
    if (!watch_file_open(&watch->file, err))
        return false;
    if (check_two_files(watch, err))
        return true;
    watch_file_discard(&watch->file);
    return false;
}

static bool open_all(struct watch *watch, struct error *err)
{
    const struct watch_options *options = &watch->options;

    if (!watch->alone &&
        !(watch->sum = options->traces.is_asked_for ? growth_new_of_bytes()
                                                    : growth_new(options->choice.short_names)))
        return error_memory(err);
    if (!check_two_files(watch, err))
        return false;
    if (!watch_crew_open(&watch->crew, options->pids, options->pid_count, options->children,
                         watch->sum, err)) {
        if (err->kind == ERROR_TARGET)
            watch_prometheus_discard(&options->prometheus);
        return false;
    }
    return watch_publish_begin(&watch->metrics, &options->prometheus, &watch->crew, err) &&
           open_file(watch, err) && watch_wait_open(&watch->wait, err);
}

static bool run(int argc, char **argv, int first, struct progress *progress, struct answer *ret,
                struct error *err)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    (void)progress; /* a bar would stand in the table */
    if (!watch)
        return error_memory(err);
    watch->wait.signals = -1;
    if (!watch_options_parse(&watch->options, argc, argv, first, err)) {
        free(watch);
        return false;
    }
    prepare(watch);
    if (!open_all(watch, err)) {
        watch_free(watch);
        return false;
    }
    priority_lower();
    watch->schedule.start = clock_milliseconds();
    watch->start_ms = clock_date();
    *ret = (struct answer){.format = watch->options.format,
                           .complete = true,
                           .series = {.next = next, .free = watch_free, .context = watch}};
    return true;
}

const struct command watch_command = {
    .name = "watch",
    .operands = "PID...",
    .summary = "Take a census again and again, and show what grows",
    .details =
        "\nEach sample is a row a type: how many objects there are, by how many more than in\n"
        "the sample before and in the first, and how many an hour more (the slope of the\n"
        "line through all samples). Between two samples the process is left alone. It\n"
        "ends after --count or --for, at Ctrl-C, or when the process ends.\n\n"
        "With --traces a row is a line of source, or a file, and what grows is the\n"
        "memory that it has allocated, as tracemalloc has noted it: see pyinspect\n"
        "traces --help.\n\n"
        "Of several processes, and with --children, the rows are sums; no two of them are\n"
        "stopped at the same time. A sample that fails is counted and shown, and the\n"
        "watch goes on.\n",
    .options = watch_option_lists,
    .run = run,
};
