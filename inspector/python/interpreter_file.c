// SPDX-License-Identifier: MIT
#include "inspector/python/interpreter_file.h"

#include "inspector/target/mapped_file.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/sandbox.h"
#include "symbols/base/vector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Files are asked in this order: those whose name promises a Python first. */
enum rank { RANK_LIBPYTHON, RANK_PYTHON, RANK_ANY, RANKS };

enum {
    CPU_SECONDS = 1,
    WALL_MS = 2000,
    MOST_CANDIDATES = 2000, /* each may be asked for twice: see SANDBOX_REQUESTS_MAX */
    PARTS_TO_CODE = 16,     /* of a file: its code is mapped among the first of them */
};

static const uint64_t most_memory = UINT64_C(1) << 30;

struct candidates {
    uint32_t *items; /* indices of mappings */
    size_t count, capacity;
};

/* What the search shares with its child, which sees it as it was at the fork. */
struct search {
    const struct process *process;
    const struct maps *maps;
    const struct layout_table *named;
    bool all; /* not only until some are found */
    struct candidates ranks[RANKS];
    struct error unopened; /* with us: why a file of a promising name could not be opened */
};

struct answer {
    struct interpreter_files files;
    uint32_t has_pypy; /* not a bool, for the child may write anything */
};

static enum rank rank_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    if (strncmp(name, "libpython", 9) == 0 || strncmp(name, "libpypy", 7) == 0)
        return RANK_LIBPYTHON;
    if (strncmp(name, "python", 6) == 0 || strncmp(name, "pypy", 4) == 0)
        return RANK_PYTHON;
    return RANK_ANY;
}

/* The first mapping of a file, the parts of which lie side by side, that has code. */
static bool is_candidate(const struct maps *maps, size_t index, size_t before)
{
    const struct mapping *mapping = &maps->items[index];

    if (!mapping->inode || !mapping_is_memory(mapping) ||
        (before < index && mapping_has_same_file(&maps->items[before], mapping)))
        return false;
    for (size_t i = index; i < maps->count && i < index + PARTS_TO_CODE; i++) {
        if (maps->items[i].executable && mapping_has_same_file(&maps->items[i], mapping))
            return true;
    }
    return false;
}

static bool list_candidates(struct search *search, struct error *err)
{
    const struct maps *maps = search->maps;
    size_t before = SIZE_MAX, count = 0;

    for (size_t i = 0; i < maps->count && i <= UINT32_MAX; i++) {
        struct candidates *rank = &search->ranks[rank_of(maps->items[i].path)];
        bool chosen = is_candidate(maps, i, before);
        if (maps->items[i].inode)
            before = i;
        if (!chosen)
            continue;
        if (count++ == MOST_CANDIDATES)
            break;
        uint32_t *grown =
            vector_grow(rank->items, &rank->capacity, rank->count + 1, sizeof(*grown));
        if (!grown)
            return error_memory(err);
        rank->items = grown;
        rank->items[rank->count++] = (uint32_t)i;
    }
    return true;
}

/* In the sandbox */

/* A file may be mapped twice, as by dlmopen: its own parts are those that follow. */
static bool find_bias(const struct maps *maps, const struct elf_file *file, uint32_t mapping,
                      uint64_t *ret)
{
    for (size_t i = mapping; i < maps->count && i < mapping + PARTS_TO_CODE; i++) {
        const struct mapping *part = &maps->items[i];
        if (mapping_has_same_file(part, &maps->items[mapping]) &&
            elf_file_bias(file, part->offset, part->start, ret))
            return true;
    }
    return false;
}

static void add_named(const struct layout_table *named, struct python_file *python)
{
    if (!named || !build_id_equal(&named->build_id, &python->build_id))
        return;
    if (python->kind == PYTHON_FILE_NONE) {
        python->version = named->version;
        python->debug_build = named->debug_build;
    }
    python_file_add_addresses(python, &named->addresses);
}

static void examine(const struct search *search, struct answer *ret, struct elf_file *file,
                    uint32_t mapping, enum python_file_effort effort)
{
    struct interpreter_file *found = &ret->files.items[ret->files.count];

    if (!find_bias(search->maps, file, mapping, &found->bias))
        return;
    elf_file_set_moved(file, found->bias);
    python_file_read(&found->python, file, effort);
    add_named(search->named, &found->python);
    if (found->python.kind == PYTHON_FILE_PYPY)
        ret->has_pypy = true;
    if (found->python.kind != PYTHON_FILE_CPYTHON)
        return;
    found->mapping = mapping;
    ret->files.count++;
}

static void examine_all(struct sandbox *sandbox, const struct search *search, enum rank rank,
                        enum python_file_effort effort, struct answer *ret)
{
    const struct candidates *candidates = &search->ranks[rank];

    for (size_t i = 0; i < candidates->count && ret->files.count < MOST_INTERPRETER_FILES; i++) {
        uint32_t mapping = candidates->items[i];
        struct elf_file *file;
        struct error ignored;
        int fd = sandbox_ask(sandbox, mapping, "");
        if (fd < 0 || !elf_file_open(&file, fd, search->maps->items[mapping].path, &ignored))
            continue;
        examine(search, ret, file, mapping, effort);
        elf_file_close(file);
    }
}

static bool look_for_python(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    const struct search *search = context;
    struct answer *answer = result;

    (void)err;
    for (int effort = PYTHON_FILE_BY_NAMES; effort <= PYTHON_FILE_BY_COOKIE; effort++) {
        for (int rank = 0; rank < RANKS; rank++) {
            if (rank == RANK_ANY && answer->files.count && !search->all)
                break;
            examine_all(sandbox, search, (enum rank)rank, (enum python_file_effort)effort, answer);
        }
        if (answer->files.count || answer->has_pypy)
            break;
    }
    return true;
}

/* With us */

static int open_for_child(void *context, unsigned place, const char *path)
{
    struct search *search = context;
    enum mapped_file_way way;
    struct error why;

    (void)path;
    if (place >= search->maps->count) {
        errno = EINVAL;
        return -1;
    }
    int fd = mapped_file_open(search->process, search->maps, place, &way, &why);
    if (fd < 0 && search->unopened.kind == ERROR_NONE &&
        rank_of(search->maps->items[place].path) != RANK_ANY)
        search->unopened = why;
    if (fd < 0)
        errno = ENOENT;
    return fd;
}

static bool check_answer(struct answer *answer, const struct maps *maps, struct error *err)
{
    struct interpreter_files *files = &answer->files;
    bool good = files->count <= MOST_INTERPRETER_FILES;

    for (uint32_t i = 0; good && i < files->count; i++)
        good = files->items[i].mapping < maps->count && python_file_check(&files->items[i].python);
    return good || error_set(err, ERROR_PYTHON,
                             "the target's files were not read: one of them is damaged or hostile");
}

static bool fail_not_found(const struct search *search, bool has_pypy, struct error *err)
{
    const struct process *process = search->process;

    if (has_pypy)
        return error_set(err, ERROR_PYTHON,
                         "process %d (%s) runs PyPy, which keeps its objects in a way of its own: "
                         "pyinspect reads CPython 3.6 to 3.15",
                         (int)process->pid, process->name);
    if (search->unopened.kind != ERROR_NONE) {
        *err = search->unopened;
        return false;
    }
    return error_set(err, ERROR_PYTHON,
                     "process %d (%s) is no Python: none of its mapped files holds a CPython "
                     "interpreter (one that is stripped of all its symbols is found by --layout "
                     "FILE, made before it was stripped)",
                     (int)process->pid, process->name);
}

static bool run(struct search *search, struct answer *answer, struct error *err)
{
    const struct sandbox_job job = {
        .what = "the target's mapped files",
        .work = look_for_python,
        .context = search,
        .open = open_for_child,
        .open_context = search,
        .cpu_seconds = CPU_SECONDS,
        .wall_milliseconds = WALL_MS,
        .memory_bytes = most_memory,
        .result_size = sizeof(*answer),
    };

    return list_candidates(search, err) && sandbox_run(&job, answer, err) &&
           check_answer(answer, search->maps, err) &&
           (answer->files.count || fail_not_found(search, answer->has_pypy, err));
}

bool interpreter_files_find(struct interpreter_files *ret, const struct process *process,
                            const struct maps *maps, const struct layout_table *named, bool all,
                            struct error *err)
{
    struct search search = {.process = process, .maps = maps, .named = named, .all = all};
    AUTO_FREE struct answer *answer = calloc(1, sizeof(*answer));

    if (!answer)
        return error_memory(err);
    bool done = run(&search, answer, err);
    for (int rank = 0; rank < RANKS; rank++)
        free(search.ranks[rank].items);
    if (done)
        *ret = answer->files;
    return done;
}
