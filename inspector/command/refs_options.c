// SPDX-License-Identifier: MIT
#include "inspector/command/refs_options.h"

#include "inspector/command/common_options.h"
#include "inspector/command/graphviz.h"

#include <stddef.h>
#include <string.h>

enum { DEFAULT_DEPTH = 3, DEFAULT_TOO_MANY = 10, MOST_DEPTH = 1000000 };

static bool set_max_depth(void *into, const char *value, struct error *err)
{
    struct refs_options *options = into;
    uint64_t depth;

    if (!parse_count(value, MOST_DEPTH, &depth))
        return error_set(err, ERROR_USAGE, "--max-depth '%s': it takes a number of at most %d",
                         value, MOST_DEPTH);
    options->drawing.max_depth = (unsigned)depth;
    return true;
}

static bool set_too_many(void *into, const char *value, struct error *err)
{
    struct refs_options *options = into;

    return parse_count(value, UINT32_MAX, &options->drawing.too_many) ||
           error_set(err, ERROR_USAGE,
                     "--too-many '%s': it takes a number of at most 4294967295, 0 for all", value);
}

static bool set_refcounts(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct refs_options *)into)->drawing.refcounts = true;
    return true;
}

static bool set_short_names(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct refs_options *)into)->drawing.short_names = true;
    return true;
}

static bool set_all_references(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct refs_options *)into)->drawing.all_references = true;
    return true;
}

static bool set_no_values(void *into, const char *value, struct error *err)
{
    (void)value, (void)err;
    ((struct refs_options *)into)->drawing.no_values = true;
    return true;
}

static bool set_predicate(struct predicate **into, const char *option, const char *value,
                          struct error *err)
{
    struct predicate *predicate;

    if (!predicate_parse(&predicate, value, err))
        return error_context(err, "--%s", option);
    predicate_free(*into);
    *into = predicate;
    return true;
}

static bool set_filter(void *into, const char *value, struct error *err)
{
    return set_predicate(&((struct refs_options *)into)->filter, "filter", value, err);
}

static bool set_highlight(void *into, const char *value, struct error *err)
{
    return set_predicate(&((struct refs_options *)into)->highlight, "highlight", value, err);
}

static bool set_ignore(void *into, const char *value, struct error *err)
{
    return addresses_add_list(&((struct refs_options *)into)->ignored, value, err) ||
           error_context(err, "--ignore");
}

/* Calls `add` with each word of a list with commas. */
static bool each_word(const char *list,
                      bool (*add)(void *into, const char *word, struct error *err), void *into,
                      struct error *err)
{
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        char word[64];
        if (length >= sizeof(word))
            length = sizeof(word) - 1; /* it is none of those that there are */
        memcpy(word, at, length);
        word[length] = '\0';
        if (!add(into, word, err))
            return false;
        at += strcspn(at, ",");
        if (!*at)
            return true;
    }
}

static bool add_extra(void *into, const char *word, struct error *err)
{
    static const struct {
        const char *name;
        enum drawing_extra extra;
    } extras[] = {{"size", EXTRA_SIZE},
                  {"repr", EXTRA_REPR},
                  {"address", EXTRA_ADDRESS},
                  {"generation", EXTRA_GENERATION},
                  {"alloc", EXTRA_ALLOCATION}};

    for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
        if (strcmp(extras[i].name, word) == 0) {
            *(unsigned *)into |= (unsigned)extras[i].extra;
            return true;
        }
    }
    return error_set(err, ERROR_USAGE,
                     "'%s': it takes size, repr, address, generation and alloc, with commas", word);
}

static bool set_extra_info(void *into, const char *value, struct error *err)
{
    return each_word(value, add_extra, &((struct refs_options *)into)->drawing.extra, err) ||
           error_context(err, "--extra-info");
}

static bool set_output(void *into, const char *value, struct error *err)
{
    ((struct refs_options *)into)->output = value;
    return graphviz_check(value, err) || error_context(err, "-o");
}

static const struct option_row own_options[] = {
    {"o", "FILE", "write the picture: .dot, .svg, .png, .pdf, ...; -: print DOT", set_output},
    {"max-depth", "N", "follow references so far (default 3)", set_max_depth},
    {"too-many", "N", "draw so many of an object, 0 for all (default 10)", set_too_many},
    {"filter", "EXPR", "draw only these: \"not is_module and size > 64\"", set_filter},
    {"ignore", "LIST", "addresses of objects that are left out", set_ignore},
    {"highlight", "EXPR", "draw these in blue: \"type ~ 'app.*'\"", set_highlight},
    {"refcounts", NULL, "print reference counts", set_refcounts},
    {"short-names", NULL, "types by their bare name", set_short_names},
    {"extra-info", "LIST", "also print: size, repr, address, generation, alloc", set_extra_info},
    {"all-references", NULL, "also those that no garbage collector looks at", set_all_references},
    {"no-values", NULL, "print types and counts only, no content", set_no_values},
    {.name = NULL},
};

const struct option_list refs_option_lists[] = {
    {own_options, 0},
    {label_options, offsetof(struct refs_options, draws_names)},
    {exec_options, offsetof(struct refs_options, no_exec)},
    {target_options, offsetof(struct refs_options, session)},
    {debug_source_options, offsetof(struct refs_options, session.sources)},
    {layout_file_options, offsetof(struct refs_options, session.sources)},
    {json_option, offsetof(struct refs_options, format)},
    {.rows = NULL},
};

struct refs_options refs_options_default(bool backwards)
{
    return (struct refs_options){.drawing = {.backwards = backwards,
                                             .max_depth = DEFAULT_DEPTH,
                                             .too_many = DEFAULT_TOO_MANY}};
}

bool refs_options_parse(struct refs_options *options, int argc, char **argv, int first,
                        struct operands *operands, struct error *err)
{
    bool done = options_parse(argc, argv, first, refs_option_lists, options, operands, err);

    addresses_sort(&options->ignored);
    if (done && options->drawing.no_values && options->drawing.extra & EXTRA_ALLOCATION)
        done = error_set(err, ERROR_USAGE, "--extra-info alloc and --no-values exclude each other");
    options->drawing.filter = options->filter;
    options->drawing.highlight = options->highlight;
    options->drawing.ignored = options->ignored.items;
    options->drawing.ignored_count = options->ignored.count;
    return done && graphviz_check_format(options->output, options->format, err);
}

void refs_options_free(struct refs_options *options)
{
    predicate_free(options->filter);
    predicate_free(options->highlight);
    addresses_free(&options->ignored);
}
