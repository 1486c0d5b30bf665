// SPDX-License-Identifier: MIT
#include "symbols/layout_search.h"

#include "symbols/base/cleanup.h"
#include "symbols/debuginfod.h"
#include "symbols/layout_bundled.h"
#include "symbols/layout_cache.h"
#include "symbols/layout_debug.h"
#include "symbols/layout_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LAYOUT_FILE_MAX = 1 << 20 };

/* One search: what is asked, and what was found so far. */
struct search {
    const struct layout_subject *subject;
    const struct layout_sources *sources;
    struct progress *progress;
    bool certain; /* nothing that the live target would have to prove */
    struct layout_candidates found;
    struct bundled_choice choices[MOST_BUNDLED]; /* the bundled tables that may be it */
    size_t choice_count;
    struct error rejected; /* why the likeliest bundled table cannot be the one, or ERROR_NONE */
};

/* Comparing */

bool layout_agree(const struct layout *a, const char *a_name, const struct layout *b,
                  const char *b_name, struct error *err)
{
    for (int i = 0; i < LAYOUT_SLOTS; i++) {
        const struct layout_slot *one = &a->slots[i], *other = &b->slots[i];
        if (!one->present || !other->present || layout_slot_equal(one, other))
            continue;
        return error_set(err, ERROR_PYTHON,
                         "%s and %s disagree: %s is %u bytes at %u in the one and %u at %u in the "
                         "other; neither is used: leave out what is of another build",
                         a_name, b_name, layout_slot_name((enum layout_slot_id)i), one->size,
                         one->offset, other->size, other->offset);
    }
    return true;
}

/* What the interpreter says of itself must agree, and may complete a layout. */
static bool check_published(const struct search *search, struct layout_candidate *candidate,
                            struct error *err)
{
    const struct python_file *python = search->subject->python;

    return !python->has_published || layout_published_check(&candidate->layout, &python->published,
                                                            &candidate->origin.confirmed, err);
}

static bool check(const struct search *search, struct layout_candidate *candidate,
                  struct error *err)
{
    return check_published(search, candidate, err) && layout_check(&candidate->layout, err);
}

/* Candidates */

static bool add(struct search *search, const struct layout_candidate *candidate, struct error *err)
{
    struct layout_candidates *found = &search->found;
    struct layout_candidate *items =
        realloc(found->items, (found->count + 1) * sizeof(*found->items));

    if (!items)
        return error_memory(err);
    found->items = items;
    items[found->count++] = *candidate;
    return true;
}

static bool candidate_of_table(const struct search *search, struct layout_candidate *ret,
                               const struct layout_table *table, enum layout_source source,
                               const char *name, struct error *err)
{
    bool same_build = build_id_equal(&table->build_id, &search->subject->python->build_id);

    *ret = (struct layout_candidate){
        .layout = table->layout, .origin.source = source, .origin.same_build = same_build};
    if (same_build)
        ret->addresses = table->addresses;
    snprintf(ret->origin.file, sizeof(ret->origin.file), "%s", name);
    return check(search, ret, err);
}

/* Debug information */

static bool read_given(struct search *search, struct debug_request *request,
                       struct layout_candidate *ret, struct error *err)
{
    const char *path = search->sources->debug_file;
    AUTO_CLOSE int place = open(path, O_PATH | O_CLOEXEC);
    struct stat status;

    if (place < 0 || fstat(place, &status) != 0)
        return error_errno(err, ERROR_INPUT, "--debug-file %s", path);
    if (S_ISDIR(status.st_mode)) {
        const struct file_root store = {.fd = place, .name = path, .is_store = true};
        request->store = &store;
        return layout_debug_read(ret, request, err);
    }
    AUTO_FREE char *real = realpath(path, NULL);
    AUTO_CLOSE int given = file_reopen(place);
    if (given < 0)
        return error_set(err, ERROR_INPUT, "--debug-file %s: %s", path,
                         errno == EINVAL ? "it is neither a file nor a directory"
                                         : strerror(errno));
    request->given = given;
    request->given_path = real ? real : path;
    return layout_debug_read(ret, request, err);
}

static bool read_fetched(struct search *search, struct debug_request *request,
                         struct layout_candidate *ret, struct error *err)
{
    char path[sizeof(ret->origin.file)];

    progress_begin(search->progress, "asking debuginfod");
    AUTO_CLOSE int fd =
        debuginfod_fetch(&search->subject->python->build_id, path, sizeof(path), err);
    if (fd < 0)
        return false;
    request->given = fd;
    request->given_path = path;
    request->patient = true;
    progress_begin(search->progress, "reading the debug information");
    return layout_debug_read(ret, request, err);
}

/* Something that the user named and that is no good is a failure; else there may be other sources.
 */
static bool read_debug_information(struct search *search, struct layout_candidate *ret,
                                   bool *ret_found, struct error *err)
{
    const struct layout_sources *sources = search->sources;
    struct debug_request request = {
        .subject = search->subject, .given = -1, .patient = search->certain};

    *ret_found = false;
    progress_begin(search->progress, "reading the debug information");
    if (sources->debug_file) {
        request.patient = true;
        if (!read_given(search, &request, ret, err)) {
            if (err->kind == ERROR_PYTHON)
                err->kind = ERROR_INPUT;
            return false;
        }
        *ret_found = true;
        return true;
    }
    if (layout_debug_read(ret, &request, err)) {
        *ret_found = true;
        return true;
    }
    if (err->kind != ERROR_PYTHON)
        return false;
    snprintf(search->found.passed_over, sizeof(search->found.passed_over), "%.511s", err->text);
    if (!sources->debuginfod)
        return true;
    *ret_found = read_fetched(search, &request, ret, err);
    return *ret_found;
}

/* Of a program that embeds Python there may be debug information of its own part alone. */
static bool is_of_python(struct search *search, struct layout_candidate *candidate,
                         struct error *err)
{
    const struct layout *layout = &candidate->layout;
    struct error why;

    if (layout_has(layout, PyObject_ob_tid) || layout_check(layout, &why))
        return layout_check(layout, err);
    snprintf(search->found.passed_over, sizeof(search->found.passed_over),
             "the debug information in %.200s does not describe the interpreter: %.250s",
             candidate->origin.file, why.text);
    err->kind = ERROR_NONE;
    return false;
}

/* *ret_found: it is added. */
static bool add_debug_information(struct search *search, bool *ret_found, struct error *err)
{
    const struct layout_subject *subject = search->subject;
    const struct build_id *build_id = &subject->python->build_id;
    bool may_be_kept = !search->certain && !subject->is_image;
    struct layout_candidate candidate;
    bool found = may_be_kept && !search->sources->debug_file &&
                 layout_cache_load(&candidate, subject->fd, build_id);
    bool is_new = !found;

    *ret_found = false;
    if (is_new && !read_debug_information(search, &candidate, &found, err))
        return false;
    if (!found)
        return true;
    if (!check_published(search, &candidate, err))
        return error_context(err, "%s", candidate.origin.file);
    if (!is_of_python(search, &candidate, err))
        return err->kind == ERROR_NONE || error_context(err, "%s", candidate.origin.file);
    if (is_new && may_be_kept)
        layout_cache_store(&candidate, subject->fd, subject->python);
    *ret_found = true;
    return add(search, &candidate, err);
}

/* Layout files */

bool layout_file_read(struct layout_table *ret, const char *path, struct error *err)
{
    AUTO_CLOSE int place = open(path, O_PATH | O_CLOEXEC);
    AUTO_CLOSE int fd = place < 0 ? -1 : file_reopen(place);
    AUTO_FREE char *text = malloc(LAYOUT_FILE_MAX + 1);
    size_t length = 0;
    ssize_t got;

    if (!text)
        return error_memory(err);
    if (fd < 0)
        return error_set(err, ERROR_INPUT, "--layout %s: %s", path,
                         place >= 0 && errno == EINVAL ? "it is no regular file" : strerror(errno));
    while (length <= LAYOUT_FILE_MAX &&
           (got = read(fd, text + length, LAYOUT_FILE_MAX + 1 - length)) > 0)
        length += (size_t)got;
    if (!layout_table_parse(ret, text, length, path, err))
        return false;
    if (layout_check(&ret->layout, err))
        return true;
    err->kind = ERROR_INPUT;
    return error_context(err, "%s", path);
}

/* The live target is a judge of the fields that are read; that a file is of another Python
 * altogether can be said more plainly. */
static bool is_of_same_python(const struct layout_table *named, const struct python_file *python,
                              const char *path, struct error *err)
{
    static const char *const abi[] = {"release", "debug"};
    const struct python_version *its = &named->version, *wanted = &python->version;

    if ((!its->major || !wanted->major ||
         (its->major == wanted->major && its->minor == wanted->minor)) &&
        named->debug_build == python->debug_build)
        return true;
    return error_set(err, ERROR_INPUT,
                     "%s is the layout of CPython %s (%s build), and the target is CPython %s (%s "
                     "build): give the layout of that one, or none",
                     path, its->text, abi[named->debug_build], wanted->text,
                     abi[python->debug_build]);
}

static bool add_named(struct search *search, struct error *err)
{
    const char *path = search->sources->layout_file;
    struct layout_candidate candidate;

    if (!candidate_of_table(search, &candidate, search->subject->named, LAYOUT_FROM_LAYOUT_FILE,
                            path, err)) {
        err->kind = ERROR_INPUT;
        return error_context(err, "%s", path);
    }
    return add(search, &candidate, err);
}

/* Bundled tables */

static bool parse_bundled(struct layout_table *ret, const struct bundled_layout *bundled,
                          struct error *err)
{
    return layout_table_parse(ret, bundled->text, bundled->length, bundled->name, err);
}

static bool add_bundled(struct search *search, const struct bundled_choice *choice,
                        struct error *err)
{
    AUTO_FREE struct layout_table *table = malloc(sizeof(*table));
    struct layout_candidate candidate;
    struct error why;

    if (!table)
        return error_memory(err);
    if (!parse_bundled(table, choice->layout, &why) ||
        !candidate_of_table(search, &candidate, table, LAYOUT_FROM_BUNDLED_TABLE,
                            choice->layout->name, &why)) {
        if (search->rejected.kind == ERROR_NONE)
            search->rejected = why;
        return true;
    }
    return add(search, &candidate, err);
}

static void find_bundled(struct search *search)
{
    const struct python_file *python = search->subject->python;
    const struct layout_wanted wanted = {.build_id = &python->build_id,
                                         .version = &python->version,
                                         .debug_build = python->debug_build,
                                         .runtime_size = python->runtime_size};

    search->choice_count = layout_bundled_find(search->choices, &wanted);
}

static bool add_tables(struct search *search, struct error *err)
{
    for (size_t i = 0; i < search->choice_count; i++) {
        const struct bundled_choice *choice = &search->choices[i];
        bool same_build = choice->match == BUNDLED_SAME_BUILD;
        if (search->certain && !same_build)
            break;
        if (!add_bundled(search, choice, err))
            return false;
        if (same_build && search->found.count)
            break;
    }
    return true;
}

/* All that claim to be of this very build must say the same. */
static bool compare(const struct search *search, struct error *err)
{
    const struct layout_candidate *chosen = &search->found.items[0];
    AUTO_FREE struct layout_table *table = malloc(sizeof(*table));

    if (!table)
        return error_memory(err);
    const struct layout_table *named = search->subject->named;
    if (named && chosen->origin.source != LAYOUT_FROM_LAYOUT_FILE &&
        !layout_agree(&named->layout, search->sources->layout_file, &chosen->layout,
                      chosen->origin.file, err)) {
        err->kind = ERROR_INPUT;
        return false;
    }
    if (chosen->origin.source == LAYOUT_FROM_BUNDLED_TABLE || !search->choice_count ||
        search->choices[0].match != BUNDLED_SAME_BUILD ||
        !parse_bundled(table, search->choices[0].layout, err) ||
        layout_agree(&chosen->layout, chosen->origin.file, &table->layout,
                     "the bundled table of this build", err))
        return true;
    if (chosen->origin.source == LAYOUT_FROM_LAYOUT_FILE)
        err->kind = ERROR_INPUT;
    return false;
}

/* After all was compared: what is filled in is of another build. */
static void settle_kinds(struct search *search)
{
    for (size_t i = 0; i < search->found.count; i++) {
        struct layout_candidate *candidate = &search->found.items[i];
        bool is_sure =
            candidate->origin.same_build || candidate->origin.source == LAYOUT_FROM_BUNDLED_TABLE;
        candidate->origin.dropped =
            layout_kinds_settle(&candidate->layout, is_sure, search->choices, search->choice_count);
    }
}

/* The search */

static bool fail_not_found(const struct search *search, struct error *err)
{
    const struct python_file *python = search->subject->python;
    const char *version = python->version.major ? python->version.text : "this version";
    bool rejected = search->rejected.kind != ERROR_NONE;

    if (search->certain)
        return error_set(err, ERROR_PYTHON,
                         "%.500s; give that by --debug-file FILE or --debuginfod (a table of "
                         "another build is not printed, though attach may find that it fits)",
                         search->found.passed_over);
    return error_set(
        err, ERROR_PYTHON,
        "%.400s; and no layout that pyinspect brings along fits CPython %s%s%s%.200s%s. "
        "Give its debug information by --debug-file FILE or --debuginfod, or a layout "
        "made where that is (pyinspect layout PYTHON > FILE) by --layout FILE",
        search->found.passed_over, version, python->debug_build ? " (debug build)" : "",
        rejected ? " (" : "", rejected ? search->rejected.text : "", rejected ? ")" : "");
}

static bool search_all(struct search *search, struct error *err)
{
    const struct python_file *python = search->subject->python;
    const struct layout_table *named = search->subject->named;
    bool found;

    if (python->has_published && python->published.free_threaded)
        return layout_free_threaded(err);
    if (named && !is_of_same_python(named, python, search->sources->layout_file, err))
        return false;
    find_bundled(search);
    if (!add_debug_information(search, &found, err))
        return false;
    if (!found && !(named ? add_named(search, err) : add_tables(search, err)))
        return false;
    if (!search->found.count)
        return fail_not_found(search, err);
    if (!compare(search, err))
        return false;
    if (!search->certain)
        settle_kinds(search);
    return true;
}

static bool run(struct layout_candidates *ret, struct search *search, struct error *err)
{
    bool done = search_all(search, err);

    if (done)
        *ret = search->found;
    else
        layout_candidates_free(&search->found);
    return done;
}

bool layout_search(struct layout_candidates *ret, const struct layout_subject *subject,
                   const struct layout_sources *sources, struct progress *progress,
                   struct error *err)
{
    struct search search = {.subject = subject, .sources = sources, .progress = progress};

    return run(ret, &search, err);
}

bool layout_search_certain(struct layout_candidates *ret, const struct layout_subject *subject,
                           const struct layout_sources *sources, struct progress *progress,
                           struct error *err)
{
    struct search search = {
        .subject = subject, .sources = sources, .progress = progress, .certain = true};

    return run(ret, &search, err);
}

static bool is_directory(const char *path)
{
    struct stat status;

    return path && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool read_module(struct search *search, struct layout_candidate *ret, struct error *err)
{
    bool found;

    return read_debug_information(search, ret, &found, err) &&
           (found || error_set(err, ERROR_INPUT, "%s", search->found.passed_over));
}

bool layout_add_module(struct layout_candidate *candidate, const struct layout_subject *module,
                       const struct layout_sources *sources, struct progress *progress,
                       size_t *ret_added, struct error *err)
{
    const struct layout_sources its = {
        .debug_file = is_directory(sources->debug_file) ? sources->debug_file : NULL,
        .debuginfod = sources->debuginfod};
    struct search search = {
        .subject = module, .sources = &its, .progress = progress, .certain = true};
    struct layout_candidate found;
    struct layout joined = candidate->layout;

    if (!read_module(&search, &found, err))
        return error_context(err, "--module %s", module->path);
    size_t added = layout_kinds_add(&joined, &found.layout);
    if (!layout_check(&joined, err)) {
        err->kind = ERROR_INPUT;
        return error_context(err, "--module %s", module->path);
    }
    candidate->layout = joined;
    *ret_added = added;
    return true;
}

bool layout_is_borrowed(const struct layout_origin *origin)
{
    return origin->source != LAYOUT_FROM_DWARF && origin->source != LAYOUT_FROM_DEBUG_FILE;
}

void layout_candidates_free(struct layout_candidates *candidates)
{
    free(candidates->items);
    *candidates = (struct layout_candidates){0};
}

const char *layout_source_name(enum layout_source source)
{
    static const char *const names[] = {
        [LAYOUT_FROM_DWARF] = "dwarf",
        [LAYOUT_FROM_DEBUG_FILE] = "debug-file",
        [LAYOUT_FROM_LAYOUT_FILE] = "layout-file",
        [LAYOUT_FROM_BUNDLED_TABLE] = "bundled",
    };

    return names[source];
}

void layout_origin_name(const struct layout_origin *origin, struct text *text)
{
    static const char *const kinds[] = {
        [LAYOUT_FROM_DWARF] = "the debug information in",
        [LAYOUT_FROM_DEBUG_FILE] = "the debug file",
        [LAYOUT_FROM_LAYOUT_FILE] = "the layout file",
        [LAYOUT_FROM_BUNDLED_TABLE] = "the bundled table of",
    };

    text_addf(text, "%s %s", kinds[origin->source], origin->file);
}

void layout_origin_describe(const struct layout_origin *origin, struct text *text)
{
    layout_origin_name(origin, text);
    if (layout_is_borrowed(origin) && origin->same_build)
        text_add(text, " (made of this very build)");
    if (origin->cached)
        text_add(text, " (kept from an earlier run)");
    if (origin->confirmed)
        text_addf(text, "; _Py_DebugOffsets says the same of %u fields", origin->confirmed);
    if (origin->dropped)
        text_addf(text,
                  "; what it says of %u types is not used, for no bundled table says the same",
                  origin->dropped);
}
