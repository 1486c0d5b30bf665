// SPDX-License-Identifier: MIT
#include "inspector/command/command.h"

#include "inspector/analysis/listing.h"
#include "inspector/command/common_options.h"
#include "inspector/command/graph_worth.h"
#include "inspector/command/questions.h"
#include "inspector/command/selection.h"
#include "inspector/command/tracing_words.h"
#include "inspector/command/worth.h"
#include "inspector/report/render.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED_TYPES = 5 };

struct objects_options {
    struct listing_options listing;
    struct value_options values;
    struct object_choice choice;
    struct selection selection;
    struct session_options session;
    enum format format;
    bool referents, no_exec, traceback;
};

static bool set_type(void *into, const char *value, struct error *err)
{
    struct listing_options *options = &((struct objects_options *)into)->listing;

    if (options->name_count == MOST_NAMES)
        return error_set(err, ERROR_USAGE, "--type: it can be given %d times", MOST_NAMES);
    if (!*value)
        return error_set(err, ERROR_USAGE,
                         "--type '': it takes names of types, with commas, as in "
                         "dict,app.models.*");
    options->names[options->name_count++] = value;
    return true;
}

static bool set_limit(void *into, const char *value, struct error *err)
{
    struct objects_options *options = into;

    return parse_count(value, UINT32_MAX, &options->listing.limit) ||
           error_set(err, ERROR_USAGE,
                     "--limit '%s': it takes a number of at most 4294967295, 0 for all", value);
}

static bool set_min_size(void *into, const char *value, struct error *err)
{
    struct objects_options *options = into;

    return parse_size(value, &options->listing.min_size, err) || error_context(err, "--min-size");
}

static bool set_sort(void *into, const char *value, struct error *err)
{
    struct objects_options *options = into;

    if (strcmp(value, "size") == 0)
        options->listing.order = LISTING_BY_SIZE;
    else if (strcmp(value, "refcount") == 0)
        options->listing.order = LISTING_BY_REFCOUNT;
    else if (strcmp(value, "address") == 0)
        options->listing.order = LISTING_BY_ADDRESS;
    else
        return error_set(err, ERROR_USAGE, "--sort '%s': it takes size, refcount or address",
                         value);
    return true;
}

/* Names are followed by commas, or end. */
static bool has_attribute(const struct listing_options *options, const char *name, size_t length)
{
    for (size_t i = 0; i < options->attribute_count; i++) {
        const char *other = options->attributes[i];
        if (strcspn(other, ",") == length && memcmp(other, name, length) == 0)
            return true;
    }
    return false;
}

static bool set_attributes(void *into, const char *value, struct error *err)
{
    struct listing_options *options = &((struct objects_options *)into)->listing;

    for (const char *at = value;; at++) {
        size_t length = strcspn(at, ",");
        if (!length)
            return error_set(err, ERROR_USAGE,
                             "--attrs '%s': it takes names of attributes, with commas", value);
        bool is_known = has_attribute(options, at, length);
        if (!is_known && options->attribute_count == MOST_ATTRIBUTES)
            return error_set(err, ERROR_USAGE, "--attrs: it takes %d attributes at most",
                             MOST_ATTRIBUTES);
        if (!is_known)
            options->attributes[options->attribute_count++] = at;
        at += length;
        if (!*at)
            return true;
    }
}

static bool set_referents(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct objects_options *)into)->referents = true;
    return true;
}

static bool set_traceback(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct objects_options *)into)->traceback = true;
    return true;
}

static const struct option_row own_options[] = {
    {"type", "NAME", "only objects of this type; also NAME,NAME and app.models.*", set_type},
    {"limit", "N", "print the first N rows, 0 for all (default 0)", set_limit},
    {"min-size", "SIZE", "only objects that take as much: 4096, 64k", set_min_size},
    {"sort", "KEY", "by size, refcount or address (default: as they are found)", set_sort},
    {"attrs", "LIST", "print these attributes too, with commas", set_attributes},
    {"referents", NULL, "count its gc.get_referents; --json and --csv list them", set_referents},
    {"traceback", NULL, "where it was allocated; --json and --csv have all frames", set_traceback},
    {.name = NULL},
};

static const struct option_list option_lists[] = {
    {own_options, 0},
    {selection_options, offsetof(struct objects_options, selection)},
    {value_options, offsetof(struct objects_options, values)},
    {object_options, offsetof(struct objects_options, choice)},
    {exec_options, offsetof(struct objects_options, no_exec)},
    {target_options, offsetof(struct objects_options, session)},
    {debug_source_options, offsetof(struct objects_options, session.sources)},
    {layout_file_options, offsetof(struct objects_options, session.sources)},
    {rows_format_options, offsetof(struct objects_options, format)},
    {.rows = NULL},
};

/* What a column shows. */
enum cell {
    CELL_ADDRESS,
    CELL_TYPE,
    CELL_SIZE,
    CELL_EXACT,
    CELL_REFCOUNT,
    CELL_GENERATION,
    CELL_TRACKED,
    CELL_REACHED,
    CELL_REFERENTS_BY,
    CELL_REFERENTS,
    CELL_TRACEBACK,
    CELL_REPR,
    CELL_ATTRIBUTE, /* the first of them, and those after it */
};

static const struct row_column cells[] = {
    [CELL_ADDRESS] = {"address", "Address", NULL, UNIT_ADDRESS, 14},
    [CELL_TYPE] = {"type", "Type", NULL, UNIT_TEXT, 24},
    [CELL_SIZE] = {"size", "Size", NULL, UNIT_COUNT, 9},
    [CELL_EXACT] = {"exact_size", "Exact", NULL, UNIT_BOOL, 5},
    [CELL_REFCOUNT] = {"refcount", "Refs", NULL, UNIT_COUNT, 7},
    [CELL_GENERATION] = {"generation", "Gen", NULL, UNIT_COUNT, 3},
    [CELL_TRACKED] = {"tracked", "Tracked", NULL, UNIT_BOOL, 7},
    [CELL_REACHED] = {"reached", "Reached", NULL, UNIT_TEXT, 8},
    [CELL_REFERENTS_BY] = {"referents_by", "Known by", NULL, UNIT_TEXT, 8},
    [CELL_REFERENTS] = {"referents", "Referents", NULL, UNIT_ADDRESSES, 9},
    [CELL_TRACEBACK] = {"traceback", "Allocated", NULL, UNIT_TEXTS, 32},
    [CELL_REPR] = {"repr", "Value", NULL, UNIT_SOURCE, 0},
};

static const enum cell for_person[] = {CELL_ADDRESS,    CELL_SIZE,      CELL_REFCOUNT,
                                       CELL_GENERATION, CELL_REFERENTS, CELL_REFERENTS_BY,
                                       CELL_TYPE,       CELL_TRACEBACK, CELL_REPR};
static const enum cell for_machine[] = {
    CELL_ADDRESS, CELL_TYPE,    CELL_SIZE, CELL_EXACT,        CELL_REFCOUNT,  CELL_GENERATION,
    CELL_TRACKED, CELL_REACHED, CELL_REPR, CELL_REFERENTS_BY, CELL_REFERENTS, CELL_TRACEBACK};

/* All that is needed until the last row is written. */
struct objects {
    struct objects_options options;
    struct arena arena; /* names of attributes */
    struct session *session;
    struct session_report asked;
    struct listing listing;
    struct row_spool spool;
    bool is_spooled;
    struct graph_question graph; /* for the referents, if they are wanted */

    enum cell shown[MOST_ROW_COLUMNS]; /* by column */
    struct row_column columns[MOST_ROW_COLUMNS];
    size_t column_count;

    struct rows *rows;
    struct error *err;
    bool failed; /* a row could not be written: `err` is set */
};

static void free_objects(void *context)
{
    struct objects *objects = context;

    row_spool_end(&objects->spool);
    listing_free(&objects->listing);
    graph_question_free(&objects->graph);
    session_close(objects->session);
    arena_free(&objects->arena);
    selection_free(&objects->options.selection);
    free(objects);
}

static void add_column(struct objects *objects, enum cell cell, const struct row_column *column)
{
    objects->shown[objects->column_count] = cell;
    objects->columns[objects->column_count++] = *column;
}

static void choose_columns(struct objects *objects)
{
    const struct listing_options *options = &objects->options.listing;
    bool person = objects->options.format == FORMAT_TEXT;
    const enum cell *wanted = person ? for_person : for_machine;
    size_t count = person ? sizeof(for_person) / sizeof(*for_person)
                          : sizeof(for_machine) / sizeof(*for_machine);

    for (size_t i = 0; i < count; i++) {
        struct row_column column = cells[wanted[i]];
        bool referents = wanted[i] == CELL_REFERENTS || wanted[i] == CELL_REFERENTS_BY;
        if ((wanted[i] == CELL_REPR && options->no_values) ||
            (referents && !objects->options.referents) ||
            (wanted[i] == CELL_TRACEBACK && !objects->options.traceback))
            continue;
        if (referents && person) /* their number */
            column.unit = UNIT_COUNT;
        if (wanted[i] == CELL_REPR && options->attribute_count)
            column.width = 40;
        add_column(objects, wanted[i], &column);
    }
    for (size_t i = 0; i < options->attribute_count; i++) {
        const char *name = options->attributes[i];
        add_column(objects, CELL_ATTRIBUTE + (unsigned)i,
                   &(struct row_column){name, name, "attrs", UNIT_SOURCE, 20});
    }
}

/* The options' names are followed by commas; from here on each ends where it ends. */
static bool copy_names(struct objects *objects, struct error *err)
{
    struct listing_options *options = &objects->options.listing;

    for (size_t i = 0; i < options->attribute_count; i++) {
        const char *name = options->attributes[i];
        options->attributes[i] = arena_copy(&objects->arena, name, strcspn(name, ","));
        if (!options->attributes[i])
            return error_memory(err);
    }
    return true;
}

static struct value generation_of(const struct listed *row)
{
    if (row->reached != REACHED_TRACKED)
        return value_nothing();
    if (row->object.generation == GENERATION_PERMANENT)
        return value_text("permanent", strlen("permanent"));
    return value_number(UNIT_COUNT, row->object.generation);
}

/* For a person: of an immortal object the count means nothing, and has thirteen columns. */
static struct value refcount_of(const struct objects *objects, const struct listed *row)
{
    if (objects->options.format == FORMAT_TEXT &&
        refcount_is_immortal(session_python(objects->session), row->refcount))
        return value_text("immortal", strlen("immortal"));
    return value_number(UNIT_COUNT, row->refcount);
}

static struct value referents_of(const struct objects *objects, const struct listed *row)
{
    return objects->options.format == FORMAT_TEXT
               ? value_number(UNIT_COUNT, row->referent_count)
               : value_addresses(row->referents, row->referent_count);
}

static struct value traceback_of(const struct listed *row)
{
    return row->allocation->length ? (struct value){.unit = UNIT_TEXTS,
                                                    .text = row->allocation->bytes,
                                                    .length = row->allocation->length}
                                   : value_nothing();
}

static struct value attribute_of(const struct listed *row, size_t number)
{
    const struct text *text = &row->attributes[number];

    return text->length ? value_source(text->bytes, text->length) : value_nothing();
}

static struct value value_of(const struct objects *objects, const struct listed *row,
                             enum cell cell)
{
    static const char *const ways[] = {"tracked", "referent", "owned"};
    static const char *const known[] = {"traverse", "kind", "guess"};

    switch (cell) {
    case CELL_ADDRESS:
        return value_number(UNIT_ADDRESS, row->object.address);
    case CELL_TYPE:
        return value_text(row->type_name, row->type_length);
    case CELL_SIZE:
        return value_number(UNIT_COUNT, row->object.size);
    case CELL_EXACT:
        return value_number(UNIT_BOOL, row->size_is_exact);
    case CELL_REFCOUNT:
        return refcount_of(objects, row);
    case CELL_GENERATION:
        return generation_of(row);
    case CELL_TRACKED:
        return value_number(UNIT_BOOL, row->reached == REACHED_TRACKED);
    case CELL_REACHED:
        return value_text(ways[row->reached], strlen(ways[row->reached]));
    case CELL_REFERENTS_BY:
        return value_text(known[row->referents_by], strlen(known[row->referents_by]));
    case CELL_REFERENTS:
        return referents_of(objects, row);
    case CELL_TRACEBACK:
        return traceback_of(row);
    case CELL_REPR:
        return value_source(row->repr->bytes, row->repr->length);
    case CELL_ATTRIBUTE:
        break;
    }
    return attribute_of(row, (size_t)cell - CELL_ATTRIBUTE);
}

static bool write_row(void *context, const struct listed *row)
{
    struct objects *objects = context;
    struct value values[MOST_ROW_COLUMNS];

    for (size_t i = 0; i < objects->column_count; i++)
        values[i] = value_of(objects, row, objects->shown[i]);
    objects->failed = !rows_add(objects->rows, values, objects->err);
    return !objects->failed;
}

static void add_sizes(const struct listing *listing, struct text *text)
{
    struct exactness exactness = {0};

    listing_account(listing, &exactness);
    if (exactness.type_count) {
        text_add(text, ", not exact for ");
        add_things(text, exactness.python_sizeof + exactness.c_sizeof, "object");
        text_add(text, " whose type has a __sizeof__ of its own (");
        exactness_name_types(&exactness, NAMED_TYPES, text);
        text_add(text, ")");
    }
    text->failed |= exactness.types.failed;
    exactness_free(&exactness);
}

/* A name without its module is likely to be meant for the type that is so called. */
static const char *find_meant(const struct objects *objects)
{
    const struct listing_options *options = &objects->listing.options;

    for (size_t i = 0; i < options->name_count; i++) {
        for (size_t j = 0; j < objects->listing.types.count; j++) {
            const struct type *type = objects->listing.types.items[j];
            if (type->valid && strcmp(type->short_name, options->names[i]) == 0)
                return type->name;
        }
    }
    return NULL;
}

/* What is not listed though somebody may look for it. */
static void say_left_out(const struct objects *objects, struct text *text)
{
    const struct listing_options *options = &objects->listing.options;
    const char *meant = objects->listing.tally.objects ? NULL : find_meant(objects);

    if (meant && !options->short_names)
        text_addf(text, " (there is a type %.200s)", meant);
    else if (!options->all_objects)
        text_add(text, ", tracked ones alone (--all-objects: strings, numbers and others too)");
}

static void say_referents(const struct objects *objects, struct text *text)
{
    const uint64_t *known = objects->listing.tally.referents;

    if (!objects->options.referents)
        return;
    if (known[REFERENTS_BY_KIND] || known[REFERENTS_BY_GUESS]) {
        text_add(text, ", referents of ");
        add_things(text, known[REFERENTS_BY_KIND], "object");
        text_add(text, " by what pyinspect knows of their types, of ");
        add_things(text, known[REFERENTS_BY_GUESS], "object");
        text_add(text, " by guess");
    }
    graph_worth_say(&objects->graph.report, text);
}

/* False: what was asked for is not known of any object. */
static bool is_traced(const struct objects *objects)
{
    return !objects->options.traceback || objects->listing.allocations.tracing == TRACING_ON;
}

static void say_traced(const struct objects *objects, struct text *text)
{
    const struct listing_tally *tally = &objects->listing.tally;

    if (!objects->options.traceback || !tally->untraced || !is_traced(objects))
        return;
    text_add(text, ", ");
    add_things(text, tally->untraced, "object");
    text_add(text, " not traced (made before tracing began, static, or from a free list)");
}

static void say_worth(const struct objects *objects, const struct worth *worth, struct text *text)
{
    const struct listing_tally *tally = &objects->listing.tally;
    char bytes[32], shown[32];

    if (!is_traced(objects))
        say_not_tracing(worth->pid, text);
    worth_begin(worth, text);
    add_things(text, tally->objects, "object");
    text_addf(text, " of %s together", format_bytes(bytes, tally->bytes));
    if (tally->shown < tally->objects)
        text_addf(text, " (%s shown)", format_count(shown, tally->shown));
    selection_say(&objects->options.selection, tally->objects, text);
    say_left_out(objects, text);
    add_sizes(&objects->listing, text);
    say_referents(objects, text);
    say_traced(objects, text);
    worth_end(worth, text);
}

static struct worth worth_of(const struct objects *objects)
{
    struct worth worth = {.pid = session_pid(objects->session),
                          .python = session_python(objects->session),
                          .verdict = objects->options.referents
                                         ? &objects->graph.report.verdict.heap
                                         : &objects->listing.verdict.heap,
                          .asked = &objects->asked};

    session_executable(objects->session, worth.executable, sizeof(worth.executable));
    return worth;
}

static bool write_rows(struct answer *answer, struct rows *rows, struct error *err)
{
    struct objects *objects = answer->stream.context;
    const struct worth worth = worth_of(objects);

    objects->rows = rows;
    objects->err = err;
    bool done = objects->is_spooled ? row_spool_tell(&objects->spool, write_row, objects, err)
                                    : listing_tell(&objects->listing, write_row, objects, err);
    if (!done || objects->failed)
        return false;
    say_worth(objects, &worth, &answer->worth);
    return true;
}

/* Where they cannot be found nothing can be said, and there is something to be done about it. */
static bool check_tables(const struct listing *listing, struct error *err)
{
    if (!listing->options.allocation || listing->allocations.tracing != TRACING_UNKNOWN)
        return true;
    *err = listing->allocations.why;
    return error_context(err, "--traceback");
}

static bool list_objects(struct objects *objects, struct error *err)
{
    const struct objects_options *options = &objects->options;
    struct listing_question question = {.session = objects->session,
                                        .listing = &objects->listing,
                                        .spool = &objects->spool,
                                        .graph = options->referents ? &objects->graph : NULL};

    objects->graph = (struct graph_question){.session = objects->session,
                                             .options = {.no_exec = options->no_exec,
                                                         .forwards_only = true,
                                                         .progress = options->session.progress}};

    listing_init(&objects->listing, session_python(objects->session), &objects->options.listing);
    if (!session_ask(objects->session, question_listing, &question, &objects->asked, err))
        return false;
    objects->is_spooled = question.is_spooled;
    return check_tables(&objects->listing, err);
}

static bool parse(struct objects *objects, int argc, char **argv, int first,
                  struct progress *progress, pid_t *ret_pid, struct error *err)
{
    struct objects_options *options = &objects->options;
    struct operands operands;

    options->values.repr_length = DEFAULT_REPR_LENGTH;
    options->listing.progress = options->session.progress = progress;
    for (int i = 0; i < GENERATIONS; i++)
        options->choice.generations[i] = true;
    if (!options_parse(argc, argv, first, option_lists, options, &operands, err) ||
        !command_pid(&objects_command, &operands, ret_pid, err) || !copy_names(objects, err))
        return false;
    if (options->no_exec && !options->referents)
        return error_set(err, ERROR_USAGE, "--no-exec is of use with --referents only");
    if (options->values.no_values && options->listing.attribute_count)
        return error_set(err, ERROR_USAGE, "--attrs and --no-values exclude each other");
    if (options->values.no_values && options->traceback)
        return error_set(err, ERROR_USAGE, "--traceback and --no-values exclude each other");
    if (options->traceback)
        options->listing.allocation =
            options->format == FORMAT_TEXT ? LISTING_NEWEST_FRAME : LISTING_ALL_FRAMES;
    options->listing.repr_length = options->values.repr_length;
    options->listing.no_values = options->values.no_values;
    options->listing.all_objects = options->choice.all_objects;
    options->listing.short_names = options->choice.short_names;
    memcpy(options->listing.generations, options->choice.generations,
           sizeof(options->choice.generations));
    return true;
}

static bool run(int argc, char **argv, int first, struct progress *progress, struct answer *ret,
                struct error *err)
{
    struct objects *objects = calloc(1, sizeof(*objects));
    pid_t pid;

    if (!objects)
        return error_memory(err);
    if (!parse(objects, argc, argv, first, progress, &pid, err) ||
        !selection_load(&objects->options.selection, &objects->options.choice,
                        &objects->options.listing, err) ||
        !session_open(&objects->session, pid, &objects->options.session, err) ||
        !selection_check(&objects->options.selection, objects->session, err) ||
        !list_objects(objects, err)) {
        free_objects(objects);
        return false;
    }
    const struct worth worth = worth_of(objects);
    choose_columns(objects);
    *ret = (struct answer){.format = objects->options.format,
                           .complete = !worth_doubt(&worth) && is_traced(objects),
                           .stream = {.columns = objects->columns,
                                      .column_count = objects->column_count,
                                      .write = write_rows,
                                      .free = free_objects,
                                      .context = objects}};
    return true;
}

const struct command objects_command = {
    .name = "objects",
    .operands = "PID",
    .summary = "List the objects of a running Python: address, size, references, value",
    .details = "\nThe process is stopped for a moment, its memory copied, and let go again; the\n"
               "rows are made from the copy. Sizes are what sys.getsizeof says, values what repr\n"
               "says of built-in types and containers of them; no __repr__ in Python is run.\n"
               "Refs is ob_refcnt: one less than sys.getrefcount(x), which counts its argument,\n"
               "and the same for immortal objects (3.12 and later).\n",
    .options = option_lists,
    .run = run,
};
