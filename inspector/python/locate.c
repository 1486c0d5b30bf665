// SPDX-License-Identifier: MIT
#include "inspector/python/locate.h"

#include "inspector/python/interpreter_file.h"
#include "inspector/python/validate.h"
#include "inspector/target/mapped_file.h"
#include "inspector/target/mirror.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* For a target that is never seen at rest. What is refused is refused within two seconds, and
     * one of them may have gone to debug information that is no good. */
    VALIDATION_MS = 750,
    VALIDATION_GAP_MS = 2,
};

static const uint64_t validation_memory = UINT64_C(256) << 20;

/* One search for the Python of one process. */
struct search {
    const struct process *process;
    const struct layout_sources *sources;
    const struct layout_table *named; /* the layout file among them, or NULL */
    struct progress *progress;
    struct maps maps;
};

static bool check_version(const struct python_version *version, const char *path, struct error *err)
{
    if (version->major && (version->major != 3 || version->minor < 6))
        return error_set(err, ERROR_PYTHON,
                         "%s is CPython %s, which pyinspect does not read: it reads 3.6 to 3.15",
                         path, version->text);
    return true;
}

static uint64_t loaded(uint64_t address, uint64_t bias)
{
    return address ? address + bias : 0;
}

static bool check_addresses(const struct python *python, struct error *err)
{
    if (python->shape.lists_home == LISTS_STATIC ? !python->generation0 || !python->collecting
                                                 : !python->runtime)
        return error_set(err, ERROR_PYTHON,
                         "nothing tells where the state of %s begins (%s): it was stripped of its "
                         "symbols; --layout FILE of the same build may know",
                         python->executable,
                         python->shape.lists_home == LISTS_STATIC
                             ? "_PyGC_generation0 or collecting"
                             : "_PyRuntime");
    return true;
}

/* Sets all that follows from a layout. */
static bool adopt(struct python *python, const struct layout_candidate *candidate,
                  const struct interpreter_file *file, struct error *err)
{
    struct python_file known = file->python;

    python_file_add_addresses(&known, &candidate->addresses);
    python->layout = candidate->layout;
    python->layout_origin = candidate->origin;
    python->evidence = known.evidence;
    python->runtime = loaded(known.addresses.runtime, file->bias);
    python->generation0 = loaded(known.addresses.generation0, file->bias);
    python->collecting = loaded(known.addresses.collecting, file->bias);
    for (int i = 0; i < TRACED_VARIABLES; i++)
        python->traced[i] = loaded(known.addresses.traced[i], file->bias);
    return shape_of(&python->shape, &python->layout, err) && check_addresses(python, err);
}

static bool read_word(const struct process *process, uint64_t address, uint64_t *ret)
{
    struct iovec local = {ret, sizeof(*ret)};
    struct iovec remote = {(void *)(uintptr_t)address, sizeof(*ret)}; // NOLINT

    return process_read(process, &local, &remote, 1) == sizeof(*ret);
}

/*
 * Is this the Python that runs? A static program may have a libpython beside itself that only an
 * extension module was linked with: its state was never set up. What leads to the first
 * interpreter, or to the lists, must lead to memory.
 */
static bool is_initialised(const struct python *python, const struct process *process)
{
    const struct layout *layout = &python->layout;
    bool is_static = python->shape.lists_home == LISTS_STATIC;
    uint64_t at = is_static ? python->generation0
                            : python->runtime + layout_offset(layout, runtime_interpreters_head);
    uint64_t first, word;

    return read_word(process, at, &first) && first && read_word(process, first, &word);
}

/* Proving */

static bool show_memory(struct mirror *mirror, const struct search *search, struct error *err)
{
    mirror_init(mirror, search->process, false, validation_memory, NULL);
    for (size_t i = 0; i < search->maps.count; i++) {
        const struct mapping *mapping = &search->maps.items[i];
        if (mapping_is_memory(mapping) && !mirror_add(mirror, mapping, err)) {
            mirror_clear(mirror);
            return false;
        }
    }
    mirror_fetch(mirror);
    return true;
}

static enum validity look_once(const struct search *search, const struct python *python,
                               struct error *err)
{
    struct mirror mirror;

    if (!show_memory(&mirror, search, err))
        return INVALID;
    enum validity validity = python_validate(python, &mirror.image, err);
    mirror_clear(&mirror);
    return validity;
}

/* What is seen of a running target may be halfway through a change. */
static bool prove(const struct search *search, const struct python *python, double deadline,
                  struct error *err)
{
    enum validity validity;

    while ((validity = look_once(search, python, err)) == UNCERTAIN &&
           clock_milliseconds() < deadline)
        clock_sleep(VALIDATION_GAP_MS);
    return validity == VALID;
}

static bool fail_unproven(const struct python *python, const struct layout_candidates *candidates,
                          const struct search *search, struct error *err)
{
    struct error why = *err;

    if (search->sources->layout_file)
        return error_set(err, ERROR_INPUT, "the layout in %s is not that of process %d (%s): %s",
                         search->sources->layout_file, (int)search->process->pid,
                         search->process->name, why.text);
    return error_set(
        err, ERROR_PYTHON,
        "%.300s; and no layout that pyinspect brings along fits CPython %s as it runs "
        "in process %d (%.200s). Give its debug information by --debug-file FILE or "
        "--debuginfod, or a layout made where that is (pyinspect layout PYTHON > FILE) "
        "by --layout FILE",
        candidates->passed_over, python->version.text, (int)search->process->pid, why.text);
}

/* Takes the first layout that is certain, or that the target proves. */
static bool choose(struct python *python, const struct layout_candidates *candidates,
                   const struct interpreter_file *file, const struct search *search,
                   struct error *err)
{
    double deadline = clock_milliseconds() + VALIDATION_MS;
    struct error why, first = {.kind = ERROR_NONE};

    for (size_t i = 0; i < candidates->count; i++) {
        const struct layout_candidate *candidate = &candidates->items[i];
        if (adopt(python, candidate, file, &why) &&
            (!layout_is_borrowed(&candidate->origin) || prove(search, python, deadline, &why)))
            return true;
        if (first.kind == ERROR_NONE)
            first = why;
    }
    *err = first;
    if (candidates->count && !layout_is_borrowed(&candidates->items[0].origin))
        return error_context(err, "%s", python->executable);
    return fail_unproven(python, candidates, search, err);
}

/* One file */

static bool search_layout(struct layout_candidates *ret, const struct search *search,
                          const struct interpreter_file *file, struct python *python,
                          struct error *err)
{
    AUTO_CLOSE int own_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char their_root[64];
    const struct file_root roots[] = {{.fd = own_root, .name = ""},
                                      {.fd = search->process->root_fd, .name = their_root}};
    enum mapped_file_way way;

    snprintf(their_root, sizeof(their_root), "/proc/%d/root", (int)search->process->pid);
    AUTO_CLOSE int fd = mapped_file_open(search->process, &search->maps, file->mapping, &way, err);
    if (fd < 0)
        return false;
    python->is_image = way == MAPPED_FILE_IMAGE;
    const struct layout_subject subject = {
        .python = &file->python,
        .fd = fd,
        .path = search->maps.items[file->mapping].path,
        .is_image = python->is_image,
        .named = search->named,
        .roots = roots,
        .root_count = search->process->root_fd < 0 ? 1 : 2,
    };
    return layout_search(ret, &subject, search->sources, search->progress, err);
}

static void begin(struct python *ret, const struct search *search,
                  const struct interpreter_file *file)
{
    *ret = (struct python){.version = file->python.version,
                           .debug_build = file->python.debug_build,
                           .evidence = file->python.evidence,
                           .is_deleted = search->maps.items[file->mapping].deleted};
    snprintf(ret->executable, sizeof(ret->executable), "%s",
             search->maps.items[file->mapping].path);
}

static bool describe(struct python *ret, const struct search *search,
                     const struct interpreter_file *file, struct error *err)
{
    struct layout_candidates candidates = {0};

    begin(ret, search, file);
    if (!check_version(&ret->version, ret->executable, err) ||
        !search_layout(&candidates, search, file, ret, err))
        return false;
    memcpy(ret->layout_passed_over, candidates.passed_over, sizeof(ret->layout_passed_over));
    bool done = choose(ret, &candidates, file, search, err);
    layout_candidates_free(&candidates);
    return done;
}

/*
 * The Python that runs, else the first that could be read, else why the first could not be. Where
 * more than one runs, as with dlmopen, the others are noted.
 */
static bool describe_one_of(struct python *ret, const struct search *search,
                            const struct interpreter_files *files, bool *ret_initialised,
                            struct error *err)
{
    AUTO_FREE struct python *python = malloc(sizeof(*python));
    struct error why;
    bool done = false;

    *ret_initialised = false;
    if (!python)
        return error_memory(err);
    for (uint32_t i = 0; i < files->count; i++) {
        if (!describe(python, search, &files->items[i], done || i ? &why : err))
            continue;
        bool initialised = is_initialised(python, search->process);
        if (initialised && *ret_initialised)
            ret->other_pythons++;
        else if (!done || initialised)
            *ret = *python;
        *ret_initialised = *ret_initialised || initialised;
        done = true;
    }
    return done;
}

/* The layout file that the user named, or NULL; to be freed. */
static bool read_named(const struct layout_sources *sources, struct layout_table **ret,
                       struct error *err)
{
    AUTO_FREE struct layout_table *named = NULL;

    *ret = NULL;
    if (!sources->layout_file)
        return true;
    named = malloc(sizeof(*named));
    if (!named)
        return error_memory(err);
    if (!layout_file_read(named, sources->layout_file, err))
        return false;
    *ret = named;
    named = NULL;
    return true;
}

static bool fail_not_running(const struct python *python, const struct search *search,
                             struct error *err)
{
    return error_set(err, ERROR_PYTHON,
                     "process %d (%s) has %s loaded, but no interpreter runs there: it is still "
                     "starting, or ending",
                     (int)search->process->pid, search->process->name, python->executable);
}

static bool locate(struct python *ret, const struct search *search, struct error *err)
{
    AUTO_FREE struct python *found = malloc(sizeof(*found));
    struct interpreter_files files;
    bool initialised = false, done = false;

    if (!found)
        return error_memory(err);
    for (int all = false; all <= true && !initialised; all++) {
        struct error why;
        struct error *reason = done || all ? &why : err;
        if (interpreter_files_find(&files, search->process, &search->maps, search->named, all,
                                   reason) &&
            describe_one_of(found, search, &files, &initialised, reason))
            done = true;
        else if (!all)
            break;
    }
    if (!done)
        return false;
    if (!initialised)
        return fail_not_running(found, search, err);
    *ret = *found;
    return true;
}

static bool identify(struct python *ret, const struct search *search, struct error *err)
{
    struct interpreter_files files;

    if (!interpreter_files_find(&files, search->process, &search->maps, NULL, false, err))
        return false;
    begin(ret, search, &files.items[0]);
    return check_version(&ret->version, ret->executable, err);
}

bool python_locate(struct python *ret, const struct process *process,
                   const struct layout_sources *sources, struct progress *progress,
                   struct error *err)
{
    struct search search = {.process = process, .sources = sources, .progress = progress};
    AUTO_FREE struct layout_table *named = NULL;

    if (!read_named(sources, &named, err))
        return false;
    search.named = named;
    if (!process_maps(process, &search.maps, err))
        return false;
    bool done = locate(ret, &search, err);
    maps_free(&search.maps);
    return done;
}

bool python_identify(struct python *ret, const struct process *process, struct error *err)
{
    struct search search = {.process = process};

    if (!process_maps(process, &search.maps, err))
        return false;
    bool done = identify(ret, &search, err);
    maps_free(&search.maps);
    return done;
}
