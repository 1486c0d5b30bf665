// SPDX-License-Identifier: MIT
#include "inspector/command/command.h"

#include "inspector/command/common_options.h"
#include "symbols/base/cleanup.h"
#include "symbols/layout_search.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_MODULES = 256 };

struct module_list {
    const char *items[MOST_MODULES];
    size_t count;
};

struct layout_options {
    struct layout_sources sources;
    enum format format;
    struct module_list modules;
};

static bool add_module(void *into, const char *value, struct error *err)
{
    struct module_list *modules = into;

    if (modules->count == MOST_MODULES)
        return error_set(err, ERROR_USAGE, "--module: %d of them are the most", MOST_MODULES);
    modules->items[modules->count++] = value;
    return true;
}

static const struct option_row module_options[] = {
    {"module", "FILE", "an extension module, for its types; once for each", add_module},
    {.name = NULL},
};

/* A layout file is what this command makes: there is no use in giving it one. */
static const struct option_list option_lists[] = {
    {module_options, offsetof(struct layout_options, modules)},
    {debug_source_options, offsetof(struct layout_options, sources)},
    {format_options, offsetof(struct layout_options, format)},
    {.rows = NULL},
};

static const struct column columns[] = {
    {"structure", "Structure", UNIT_TEXT}, {"field", "Field", UNIT_TEXT},
    {"offset", "Offset", UNIT_COUNT},      {"size", "Size", UNIT_COUNT},
    {"bit_offset", "Bit", UNIT_COUNT},     {"bits", "Bits", UNIT_COUNT},
};

static const struct {
    const char *structure;
    const char *field; /* "": the structure itself */
} names[LAYOUT_SLOTS] = {
#define STRUCT(id, names) [sizeof_##id] = {#id, ""},
#define FIELD(id, name, paths) [id##_##name] = {#id, #name},
#include "symbols/fields.def"
};

static void add_rows(struct report *report, const struct layout *layout)
{
    for (size_t i = 0; i < LAYOUT_SLOTS; i++) {
        const struct layout_slot *slot = &layout->slots[i];

        if (!slot->present)
            continue;
        report_cell_text(report, names[i].structure, strlen(names[i].structure));
        report_cell_text(report, names[i].field, strlen(names[i].field));
        report_cell_number(report, slot->offset);
        report_cell_number(report, slot->size);
        report_cell_number(report, slot->bit_offset);
        report_cell_number(report, slot->bit_size);
    }
}

static void add_facts(struct report *report, const struct layout_table *table,
                      const struct layout_origin *origin)
{
    char hex[BUILD_ID_TEXT];

    report_fact_text(report, "version", table->version.text);
    report_fact_text(report, "abi", table->debug_build ? "debug" : "release");
    report_fact_text(report, "build_id", build_id_print(hex, &table->build_id));
    report_fact_text(report, "source", layout_source_name(origin->source));
    report_fact_text(report, "source_file", origin->file);
    report_fact_number(report, "published_fields", UNIT_COUNT, origin->confirmed);
}

static void fill_answer(const struct python_file *python, const struct layout_candidate *found,
                        const char *path, const struct layout_options *options, size_t added,
                        struct answer *ret)
{
    struct python_file known = *python;

    python_file_add_addresses(&known, &found->addresses);
    const struct layout_table table = {.version = known.version,
                                       .debug_build = known.debug_build,
                                       .build_id = known.build_id,
                                       .addresses = known.addresses,
                                       .layout = found->layout};

    *ret = (struct answer){
        .format = options->format, .complete = true, .is_plain = options->format == FORMAT_TEXT};
    report_init(&ret->report, "fields", columns, sizeof(columns) / sizeof(*columns));
    add_facts(&ret->report, &table, &found->origin);
    add_rows(&ret->report, &table.layout);
    layout_table_print(&table, &ret->plain);
    text_addf(&ret->worth, "%s: CPython %s%s, from ", path,
              *known.version.text ? known.version.text : "of unknown version",
              known.debug_build ? " (debug build)" : "");
    layout_origin_describe(&found->origin, &ret->worth);
    if (options->modules.count)
        text_addf(&ret->worth, "; %zu structures from %zu extension modules", added,
                  options->modules.count);
}

static int open_file(const char *path, char **ret_path, struct error *err)
{
    AUTO_CLOSE int place = open(path, O_PATH | O_CLOEXEC);
    int fd = place < 0 ? -1 : file_reopen(place);

    if (fd < 0) {
        error_set(err, ERROR_INPUT, "cannot read %s: %s", path,
                  place >= 0 && errno == EINVAL ? "it is no regular file" : strerror(errno));
        return -1;
    }
    *ret_path = realpath(path, NULL);
    if (*ret_path)
        return fd;
    error_errno(err, ERROR_INPUT, "cannot tell where %s lies", path);
    close(fd);
    return -1;
}

static bool examine(struct python_file *python, int fd, const char *path, struct error *err)
{
    if (!python_file_examine(python, fd, path, err)) {
        if (err->kind == ERROR_PYTHON)
            err->kind = ERROR_INPUT;
        return false;
    }
    if (python->kind == PYTHON_FILE_CPYTHON)
        return true;
    return error_set(err, ERROR_INPUT,
                     "%s holds no CPython%s: give the file that does, which for many a python3 is "
                     "its libpython3 (ldd, or pyinspect doctor PID, names it)",
                     path, python->kind == PYTHON_FILE_PYPY ? " but PyPy" : "");
}

/* All of them, to what was found for the interpreter. */
static bool add_modules(struct layout_candidate *found, const struct layout_options *options,
                        const struct file_root *root, struct progress *progress, size_t *ret_added,
                        struct error *err)
{
    *ret_added = 0;
    for (size_t i = 0; i < options->modules.count; i++) {
        const char *name = options->modules.items[i];
        AUTO_FREE char *path = NULL;
        struct python_file python;
        size_t added;

        AUTO_CLOSE int fd = open_file(name, &path, err);
        if (fd < 0)
            return error_context(err, "--module");
        const struct layout_subject subject = {
            .python = &python, .fd = fd, .path = path, .roots = root, .root_count = 1};
        if (!python_file_examine(&python, fd, path, err)) {
            if (err->kind == ERROR_PYTHON)
                err->kind = ERROR_INPUT;
            return error_context(err, "--module");
        }
        if (!layout_add_module(found, &subject, &options->sources, progress, &added, err))
            return false;
        *ret_added += added;
    }
    return true;
}

static bool run(int argc, char **argv, int first, struct progress *progress, struct answer *ret,
                struct error *err)
{
    struct layout_options options = {.format = FORMAT_TEXT};
    struct layout_candidates found;
    struct python_file python;
    struct operands operands;
    AUTO_FREE char *path = NULL;
    size_t added;

    if (!options_parse(argc, argv, first, option_lists, &options, &operands, err))
        return false;
    if (operands.count != 1)
        return error_set(err, ERROR_USAGE,
                         "layout takes one file: pyinspect layout /usr/bin/python3.11");
    AUTO_CLOSE int fd = open_file(operands.items[0], &path, err);
    if (fd < 0)
        return false;
    AUTO_CLOSE int own_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const struct file_root root = {.fd = own_root, .name = ""};
    const struct layout_subject subject = {
        .python = &python, .fd = fd, .path = path, .roots = &root, .root_count = 1};
    if (!examine(&python, fd, path, err) ||
        !layout_search_certain(&found, &subject, &options.sources, progress, err))
        return false;
    bool done = add_modules(&found.items[0], &options, &root, progress, &added, err);
    if (done)
        fill_answer(&python, &found.items[0], path, &options, added, ret);
    layout_candidates_free(&found);
    return done;
}

const struct command layout_command = {
    .name = "layout",
    .operands = "ELF-FILE",
    .summary = "Print where the fields of an interpreter's structures lie",
    .details =
        "\nReads the debug information of a python3 or libpython3 and prints what pyinspect\n"
        "needs of it, as text that --layout FILE of attach and doctor reads back: make it\n"
        "where the debug information is, use it where there is none. Of a file without, it\n"
        "is the table that pyinspect brings along, if that was made of this very build.\n"
        "The structures of types that are an extension module's (asyncio's, decimal's) are\n"
        "in its debug information, not the interpreter's: name such modules, too.\n",
    .options = option_lists,
    .run = run,
};
