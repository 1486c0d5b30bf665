// SPDX-License-Identifier: MIT
#include "inspector/command/compared.h"
#include "inspector/command/moment.h"
#include "inspector/store/census_name.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_LIMIT = 10 };

static bool set_sort(void *into, const char *value, struct error *err)
{
    static const struct {
        const char *name;
        enum comparison_order order;
    } orders[] = {{"deltas", COMPARISON_BY_DELTA},
                  {"new", COMPARISON_BY_NEW},
                  {"current", COMPARISON_BY_CURRENT},
                  {"old", COMPARISON_BY_OLD}};
    struct compare_options *options = into;

    for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
        if (strcmp(value, orders[i].name) == 0) {
            options->order = orders[i].order;
            options->order_chosen = true;
            return true;
        }
    }
    return error_set(err, ERROR_USAGE, "--sort '%s': it takes deltas, new, current or old", value);
}

static bool set_limit(void *into, const char *value, struct error *err)
{
    struct compare_options *options = into;

    options->limit_chosen = true;
    return parse_count(value, UINT32_MAX, &options->limit) ||
           error_set(err, ERROR_USAGE,
                     "--limit '%s': it takes a number of at most 4294967295, 0 for all", value);
}

static bool set_type(void *into, const char *value, struct error *err)
{
    struct compare_options *options = into;

    if (options->type_count == MOST_NAMES)
        return error_set(err, ERROR_USAGE, "--type: it can be given %d times", MOST_NAMES);
    if (!*value)
        return error_set(err, ERROR_USAGE,
                         "--type '': it takes names of types, with commas, as in "
                         "dict,app.models.*");
    options->types[options->type_count++] = value;
    return true;
}

static bool set_bytes(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct compare_options *)into)->with_bytes = true;
    return true;
}

static bool set_ids(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct compare_options *)into)->ids = true;
    return true;
}

static bool set_fail_if(void *into, const char *value, struct error *err)
{
    struct compare_options *options = into;

    if (options->threshold_count == MOST_THRESHOLDS)
        return error_set(err, ERROR_USAGE, "--fail-if: it can be given %d times", MOST_THRESHOLDS);
    if (!threshold_parse(&options->thresholds[options->threshold_count], value, err))
        return false;
    options->threshold_count++;
    return true;
}

static const struct option_row own_options[] = {
    {"sort", "KEY", "by deltas (default), new, current or old, greatest first", set_sort},
    {"limit", "N", "print the first N rows, 0 for all (default 10)", set_limit},
    {"type", "NAME", "only this type; also NAME,NAME and app.models.*", set_type},
    {"bytes", NULL, "print what they take, too", set_bytes},
    {"ids", NULL, "print the addresses of the new objects and nothing else", set_ids},
    {"fail-if", "SPEC", "exit 8 if crossed: TYPE:+100, TYPE:+10%, TYPE:+64KiB, TYPE:100",
     set_fail_if},
    {.name = NULL},
};

static const struct option_list option_lists[] = {
    {own_options, 0},
    {object_options, offsetof(struct compare_options, choice)},
    {target_options, offsetof(struct compare_options, session)},
    {debug_source_options, offsetof(struct compare_options, session.sources)},
    {layout_file_options, offsetof(struct compare_options, session.sources)},
    {format_options, offsetof(struct compare_options, format)},
    {.rows = NULL},
};

static void compared_free(void *context)
{
    struct compared *compared = context;

    comparison_free(&compared->comparison);
    for (size_t i = 0; i < MOST_COMPARED; i++) {
        snapshot_free(&compared->snapshots[i]);
        text_free(&compared->worth[i]);
    }
    text_free(&compared->crossed);
    text_free(&compared->warnings);
    free(compared);
}

/* A history alone can be compared with itself. */
static bool want_operands(const struct operands *operands, struct error *err)
{
    struct census_file *file;
    char path[PATH_MAX];
    struct error ignored;
    size_t count = 0;

    if (operands->count == 1 && !moment_is_process(operands->items[0]) &&
        census_name_path(operands->items[0], path, sizeof(path), &ignored) &&
        census_file_open(&file, path, &ignored)) {
        count = census_file_count(file);
        census_file_close(file);
    }
    if (count > 1)
        return error_set(err, ERROR_USAGE,
                         "compare takes two or three: pyinspect compare %.400s@first %.400s@last",
                         path, path);
    return error_set(err, ERROR_USAGE,
                     "compare takes two or three, each a census file or a PID: pyinspect compare "
                     "before.census 4711");
}

static bool check_options(const struct compared *compared, struct error *err)
{
    const struct compare_options *options = &compared->options;

    if (options->ids && options->with_bytes)
        return error_set(err, ERROR_USAGE,
                         "--ids and --bytes exclude each other: --ids --json "
                         "tells sizes");
    if (compared->count == 2)
        return true;
    if (options->order_chosen)
        return error_set(err, ERROR_USAGE,
                         "--sort is for two: of three, the types with most suspects come first");
    if (options->with_bytes)
        return error_set(err, ERROR_USAGE, "--bytes is for two: of three, they are there anyway");
    for (size_t i = 0; i < options->threshold_count; i++) {
        if (!threshold_suits_suspects(&options->thresholds[i]))
            return error_set(err, ERROR_USAGE,
                             "--fail-if '%s': of three, it takes how many suspects there are or "
                             "what they take, as in 'app.models.Order:+1' or "
                             "'app.models.Order:+64KiB'",
                             options->thresholds[i].spec);
    }
    return true;
}

static bool parse(struct compared *compared, int argc, char **argv, int first, struct error *err)
{
    struct compare_options *options = &compared->options;
    struct operands operands;

    for (int i = 0; i < GENERATIONS; i++)
        options->choice.generations[i] = true;
    if (!options_parse(argc, argv, first, option_lists, options, &operands, err))
        return false;
    if (operands.count < 2 || operands.count > MOST_COMPARED)
        return want_operands(&operands, err);
    compared->count = operands.count;
    memcpy(compared->names, operands.items, operands.count * sizeof(*operands.items));
    if (!options->limit_chosen)
        options->limit = options->ids ? 0 : DEFAULT_LIMIT;
    return check_options(compared, err);
}

/* Which objects of a process are counted. */
struct way {
    bool all_objects;
    bool generations[GENERATIONS];
};

static struct way way_of(bool all_objects, const bool *generations)
{
    struct way way = {.all_objects = all_objects};

    memcpy(way.generations, generations, sizeof(way.generations));
    return way;
}

static bool way_is_same(const struct way *a, const struct way *b)
{
    return a->all_objects == b->all_objects &&
           memcmp(a->generations, b->generations, sizeof(a->generations)) == 0;
}

static void describe_way(const struct way *way, struct text *text)
{
    static const char *const names[GENERATIONS] = {"0", "1", "2", "permanent"};
    bool all = true;

    for (int i = 0; i < GENERATIONS; i++)
        all &= way->generations[i];
    text_add(text, way->all_objects ? "all objects" : "the tracked objects");
    for (int i = 0, named = 0; i < GENERATIONS && !all; i++) {
        if (way->generations[i])
            text_addf(text, "%s%s", named++ ? "," : " of --generation ", names[i]);
    }
}

/* One counted this way, the other that way. */
static bool ways_differ(const char *name, const struct way *way, const char *other,
                        const struct way *other_way, struct error *err)
{
    struct text text = {0};

    text_addf(&text, "%.300s has ", name);
    describe_way(way, &text);
    text_addf(&text, ", %.300s ", other);
    describe_way(other_way, &text);
    error_set(err, ERROR_USAGE, "%s: only what was counted alike can be compared",
              text.bytes ? text.bytes : "");
    text_free(&text);
    return false;
}

/* All files have the same way, which is that of the command line if it says one. */
static bool load_files(struct compared *compared, const struct moment_options *moment,
                       struct way *ret, struct error *err)
{
    const struct object_choice *choice = &compared->options.choice;
    struct way way = way_of(choice->all_objects, choice->generations);
    const char *set_by =
        choice->all_objects || choice->generations_chosen ? "the command line asks for" : NULL;

    for (size_t i = 0; i < compared->count; i++) {
        const char *name = compared->names[i];
        struct snapshot *snapshot = &compared->snapshots[i];
        if (moment_is_process(name))
            continue;
        if (!moment_get(name, moment, snapshot, &compared->worth[i], err))
            return false;
        struct way its = way_of(snapshot->occasion.all_objects, snapshot->occasion.generations);
        if (set_by && !way_is_same(&way, &its))
            return ways_differ(name, &its, set_by, &way, err);
        way = its;
        set_by = name;
    }
    *ret = way;
    return true;
}

/* Files first: a process is counted as they were. */
static bool load(struct compared *compared, struct progress *progress, struct error *err)
{
    struct moment_options moment = {.with_objects = true, .session = compared->options.session};
    struct way way;

    moment.session.progress = progress;
    if (!load_files(compared, &moment, &way, err))
        return false;
    moment.all_objects = way.all_objects;
    memcpy(moment.generations, way.generations, sizeof(way.generations));
    for (size_t i = 0; i < compared->count; i++) {
        if (moment_is_process(compared->names[i]) &&
            !moment_get(compared->names[i], &moment, &compared->snapshots[i], &compared->worth[i],
                        err))
            return false;
    }
    return true;
}

/* Without objects there is nothing to list, and of three nothing to tell. */
static bool need_objects(const struct compared *compared, struct error *err)
{
    struct text text = {0};

    if (compared->comparison.lack == LACKS_NOTHING ||
        (compared->count == 2 && !compared->options.ids))
        return true;
    for (size_t i = 1; i < compared->count && !text.length; i++) {
        for (size_t j = 0; j < i && !text.length; j++) {
            if (comparison_lack(&compared->snapshots[j], &compared->snapshots[i]) != LACKS_NOTHING)
                compared_describe_lack(compared, j, i, &text);
        }
    }
    error_set(err, ERROR_USAGE, "what is new cannot be told, since %s",
              text.bytes ? text.bytes : "");
    text_free(&text);
    return false;
}

static bool asks_for_growth(const struct compare_options *options)
{
    for (size_t i = 0; i < options->threshold_count; i++) {
        if (options->thresholds[i].growth)
            return true;
    }
    return false;
}

/* The other way round nothing would ever be a suspect, and no threshold be crossed. */
static bool check_times(const struct compared *compared, struct error *err)
{
    size_t first, second;

    if (!compared_is_backwards(compared, &first, &second) ||
        (compared->count == 2 && !asks_for_growth(&compared->options)))
        return true;
    return error_set(err, ERROR_USAGE,
                     "%s was taken after %s, of the same process: the older one comes first",
                     compared->names[first], compared->names[second]);
}

static bool compare(struct compared *compared, struct error *err)
{
    const struct compare_options *options = &compared->options;
    const struct snapshot *snapshots = compared->snapshots;
    struct comparison *comparison = &compared->comparison;
    bool short_names = options->choice.short_names;
    bool done = compared->count == 2 ? compare_two(comparison, &snapshots[0], &snapshots[1],
                                                   short_names, options->order, err)
                                     : compare_three(comparison, &snapshots[0], &snapshots[1],
                                                     &snapshots[2], short_names, err);

    if (!done || !need_objects(compared, err))
        return false;
    for (size_t i = 0; i < options->threshold_count; i++)
        threshold_apply(&options->thresholds[i], comparison, compared->count == 3,
                        &compared->crossed);
    compared_warn(compared);
    return !(compared->crossed.failed || compared->warnings.failed) || error_memory(err);
}

static const struct row_column id_columns[] = {
    {"address", "Address", NULL, UNIT_ADDRESS, 0},
    {"type", "Type", NULL, UNIT_TEXT, 0},
    {"size", "Size", NULL, UNIT_COUNT, 0},
};

static bool write_ids(struct answer *answer, struct rows *rows, struct error *err)
{
    const struct compared *compared = answer->stream.context;
    const struct comparison *comparison = &compared->comparison;
    uint64_t left = compared->options.limit ? compared->options.limit : UINT64_MAX;

    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct comparison_row *row = &comparison->rows[i];
        if (!compared_wants(compared, row))
            continue;
        for (uint64_t j = 0; j < row->fresh_count && left; j++, left--) {
            const struct value values[] = {value_number(UNIT_ADDRESS, row->fresh[j].address),
                                           value_text(row->type, row->type_length),
                                           value_number(UNIT_COUNT, row->fresh[j].size)};
            if (!rows_add(rows, values, err))
                return false;
        }
    }
    return true;
}

static void fill_answer(struct compared *compared, struct answer *ret)
{
    const struct compare_options *options = &compared->options;
    bool bare = options->format == FORMAT_TEXT;

    *ret = (struct answer){.format = options->format,
                           .complete = compared_is_complete(compared),
                           .crossed = compared->crossed.length > 0};
    compared_describe(compared, &ret->worth);
    if (!options->ids) {
        compared_report(compared, &ret->report);
        compared_free(compared);
        return;
    }
    ret->stream =
        (struct row_stream){.columns = id_columns,
                            .column_count = bare ? 1 : sizeof(id_columns) / sizeof(*id_columns),
                            .untitled = true,
                            .write = write_ids,
                            .free = compared_free,
                            .context = compared};
}

/* No other command keeps as much, and two ways need less of it. */
static void advise_on_memory(struct error *err)
{
    if (error_is_memory(err))
        error_set(
            err, ERROR_SYSTEM,
            "out of memory: all censuses are in memory while they are compared, with 16 bytes "
            "an object, and of a process the copy besides. Save the census of the process "
            "first (attach --save) and compare the files, here or on a machine with more "
            "memory; or raise the limit, if one is set (ulimit -v, a container's)");
}

static bool run(int argc, char **argv, int first, struct progress *progress, struct answer *ret,
                struct error *err)
{
    struct compared *compared = calloc(1, sizeof(*compared));

    if (!compared)
        return error_memory(err);
    if (!parse(compared, argc, argv, first, err) || !load(compared, progress, err) ||
        !check_times(compared, err) || !compare(compared, err)) {
        advise_on_memory(err);
        compared_free(compared);
        return false;
    }
    fill_answer(compared, ret);
    return true;
}

const struct command compare_command = {
    .name = "compare",
    .operands = "A B [C]",
    .summary = "Compare two censuses: what is new, by type; or three: what leaks",
    .details =
        "\nA, B and C are census files (attach --save, watch --save), members of one, as in\n"
        "FILE@first, FILE@3 or FILE@2026-11-20T10:00, or PIDs, whose census is taken now.\n"
        "Of two, the table has what objgraph.get_new_ids prints: how many objects of a\n"
        "type there were, how many there are, how many of these are new, and the change.\n"
        "Of three, it has the leak suspects: new in B, and still there in C.\n"
        "Objects are told apart by type and address. Between two processes that cannot be\n"
        "done, and counts alone are compared.\n"
        "--ids feeds pyinspect show PID -; with --json (JSON Lines) and --csv it tells\n"
        "types and sizes too. --fail-if can be given again and again; its TYPE may be a\n"
        "pattern, which bounds each type that it fits by itself.\n",
    .options = option_lists,
    .run = run,
};
