// SPDX-License-Identifier: MIT
#include "inspector/python/locate.h"

#include "symbols/base/cleanup.h"
#include "symbols/debug_file.h"
#include "symbols/layout_dwarf.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* Files are asked in this order: those whose name promises a Python first. */
enum candidate_rank { RANK_LIBPYTHON, RANK_PYTHON, RANK_ANY, RANKS };

enum { MOST_PYTHONS = 4 }; /* in one process, of which one runs */

/* What a mapped file turned out to be. */
enum finding { FOUND_NOTHING, FOUND_CPYTHON, FOUND_PYPY };

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static enum candidate_rank rank_of(const char *path)
{
    const char *name = base_name(path);

    if (strncmp(name, "libpython", 9) == 0 || strncmp(name, "libpypy", 7) == 0)
        return RANK_LIBPYTHON;
    if (strncmp(name, "python", 6) == 0 || strncmp(name, "pypy", 4) == 0)
        return RANK_PYTHON;
    return RANK_ANY;
}

/* A file's first mapping, through which it is opened; later ones of the same file are passed over.
 */
static bool is_candidate(const struct maps *maps, size_t index, enum candidate_rank rank)
{
    const struct mapping *mapping = &maps->items[index];

    if (!mapping->inode || !mapping_is_memory(mapping) || rank_of(mapping->path) != rank)
        return false;
    for (size_t i = index; i-- > 0;) {
        if (maps->items[i].inode == mapping->inode &&
            strcmp(maps->items[i].path, mapping->path) == 0)
            return false;
    }
    for (size_t i = index; i < maps->count && i < index + 16; i++) {
        if (maps->items[i].executable && maps->items[i].inode == mapping->inode)
            return true;
    }
    return false;
}

static enum finding examine(struct elf_file *file)
{
    struct elf_place place;

    if (elf_file_symbol(file, "_PyRuntime", &place) ||
        elf_file_section(file, ".PyRuntime", &place) ||
        elf_file_symbol(file, "_PyGC_generation0", &place))
        return FOUND_CPYTHON;
    if (elf_file_symbol(file, "pypy_main_startup", &place) ||
        elf_file_has_symbol_prefix(file, "pypy_g_") ||
        strncmp(base_name(elf_file_path(file)), "libpypy", 7) == 0)
        return FOUND_PYPY;
    return FOUND_NOTHING;
}

/* Opens the mapped file that is the interpreter; `skip` passes over so many of them. */
static bool find_interpreter(const struct process *process, const struct maps *maps, unsigned skip,
                             struct elf_file **ret_file, const struct mapping **ret_mapping,
                             struct error *err)
{
    struct error unopened = {.kind = ERROR_NONE};

    for (int rank = RANK_LIBPYTHON; rank < RANKS; rank++) {
        for (size_t i = 0; i < maps->count; i++) {
            struct elf_file *file;
            struct error reason;
            if (!is_candidate(maps, i, (enum candidate_rank)rank))
                continue;
            int fd = process_open_file(process, &maps->items[i], &reason);
            if (fd < 0 || !elf_file_open(&file, fd, maps->items[i].path, &reason)) {
                if (rank != RANK_ANY && unopened.kind == ERROR_NONE)
                    unopened = reason;
                continue;
            }
            enum finding finding = examine(file);
            if (finding == FOUND_CPYTHON && !skip--) {
                *ret_file = file;
                *ret_mapping = &maps->items[i];
                return true;
            }
            elf_file_close(file);
            if (finding == FOUND_PYPY)
                return error_set(err, ERROR_PYTHON,
                                 "process %d (%s) runs PyPy, which keeps its objects in a way of "
                                 "its own: pyinspect reads CPython 3.6 to 3.15",
                                 (int)process->pid, process->name);
        }
    }
    if (unopened.kind != ERROR_NONE) {
        *err = unopened;
        return false;
    }
    return error_set(err, ERROR_PYTHON,
                     "process %d (%s) is no Python: none of its mapped files holds a CPython "
                     "interpreter",
                     (int)process->pid, process->name);
}

static bool find_bias(const struct maps *maps, const struct elf_file *file,
                      const struct mapping *mapping, uint64_t *ret_bias, struct error *err)
{
    for (size_t i = 0; i < maps->count; i++) {
        const struct mapping *part = &maps->items[i];
        if (part->inode == mapping->inode && strcmp(part->path, mapping->path) == 0 &&
            elf_file_bias(file, part->offset, part->start, ret_bias))
            return true;
    }
    return error_set(err, ERROR_PYTHON, "%s is mapped in a way that its headers do not describe",
                     mapping->path);
}

/* The address in the target of a symbol of the file or of its debug file; 0 where there is none. */
static uint64_t address_of(struct elf_file *file, struct elf_file *debug, const char *name,
                           uint64_t bias)
{
    struct elf_place place;

    if (elf_file_symbol(file, name, &place) || elf_file_symbol(debug, name, &place))
        return place.address + bias;
    return 0;
}

static void find_addresses(struct python *python, struct elf_file *file, struct elf_file *debug,
                           uint64_t bias)
{
    static const char *const unsized[] = {"PyGen_Type", "PyCoro_Type", "PyAsyncGen_Type",
                                          "PyFrame_Type"};
    struct elf_place place;

    python->runtime = address_of(file, debug, "_PyRuntime", bias);
    if (!python->runtime && elf_file_section(file, ".PyRuntime", &place))
        python->runtime = place.address + bias;
    python->generation0 = address_of(file, debug, "_PyGC_generation0", bias);
    if (python->shape.lists_home == LISTS_STATIC)
        python->collecting = address_of(file, debug, "collecting", bias);

    for (unsigned i = 0; i < (python->shape.frames_have_ob_size ? 3 : MOST_UNSIZED_TYPES); i++) {
        uint64_t type = address_of(file, debug, unsized[i], bias);
        if (type)
            python->unsized_types[python->unsized_count++] = type;
    }
}

static bool check_addresses(const struct python *python, struct error *err)
{
    if (python->shape.lists_home == LISTS_STATIC ? !python->generation0 || !python->collecting
                                                 : !python->runtime)
        return error_set(err, ERROR_PYTHON,
                         "%s and its debug information do not tell where the interpreter's state "
                         "begins (no symbol %s)",
                         python->executable,
                         python->shape.lists_home == LISTS_STATIC
                             ? "_PyGC_generation0 or collecting"
                             : "_PyRuntime");
    return true;
}

static bool check_version(const struct python_version *version, const char *path, struct error *err)
{
    if (version->major && (version->major != 3 || version->minor < 6))
        return error_set(err, ERROR_PYTHON,
                         "%s is CPython %s, which pyinspect does not read: it reads 3.6 to 3.15",
                         path, version->text);
    return true;
}

static bool read_layout(struct python *python, struct elf_file *file, struct debug_file *debug,
                        uint64_t bias, struct error *err)
{
    layout_from_dwarf(&python->layout, debug_file_dwarf(debug));
    if (!layout_check(&python->layout, err) || !shape_of(&python->shape, &python->layout, err))
        return error_context(err, "%s", python->executable);
    find_addresses(python, file, debug_file_elf(debug), bias);
    return check_addresses(python, err);
}

static bool describe(struct python *python, const struct process *process, struct elf_file *file,
                     uint64_t bias, struct error *err)
{
    AUTO_CLOSE int own_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct file_root roots[] = {{.fd = own_root, .name = ""},
                                {.fd = process->root_fd, .name = "the target's root"}};
    struct debug_file *debug;

    python->version = python_version_of(file);
    if (!check_version(&python->version, python->executable, err) ||
        !debug_file_find(&debug, file, roots, process->root_fd < 0 ? 1 : 2, err))
        return false;
    bool done = read_layout(python, file, debug, bias, err);
    debug_file_close(debug);
    return done;
}

/*
 * Is this the Python that runs? A static program may have a libpython beside itself that only an
 * extension module was linked with: its state was never set up.
 */
static bool is_initialised(const struct python *python, const struct process *process)
{
    const struct layout *layout = &python->layout;
    bool is_static = python->shape.lists_home == LISTS_STATIC;
    uint64_t at = is_static ? python->collecting
                            : python->runtime + layout_offset(layout, runtime_interpreters_head);
    uint64_t word = 0;
    struct iovec local = {&word, sizeof(word)};
    struct iovec remote = {(void *)(uintptr_t)at, sizeof(word)};

    return is_static || (process_read(process, &local, &remote, 1) == sizeof(word) && word);
}

static bool locate_one(struct python *ret, const struct process *process, const struct maps *maps,
                       unsigned skip, struct error *err)
{
    struct elf_file *file = NULL;
    const struct mapping *mapping = NULL;
    uint64_t bias;

    if (!find_interpreter(process, maps, skip, &file, &mapping, err))
        return false;
    *ret = (struct python){0};
    snprintf(ret->executable, sizeof(ret->executable), "%s", mapping->path);
    bool done =
        find_bias(maps, file, mapping, &bias, err) && describe(ret, process, file, bias, err);
    elf_file_close(file);
    return done;
}

bool python_locate(struct python *ret, const struct process *process, struct error *err)
{
    struct python python, other;
    struct error ignored;
    struct maps maps;

    if (!process_maps(process, &maps, err))
        return false;
    bool done = locate_one(&python, process, &maps, 0, err);
    for (unsigned skip = 1; done && !is_initialised(&python, process) && skip < MOST_PYTHONS;
         skip++) {
        if (!locate_one(&other, process, &maps, skip, &ignored))
            break;
        if (is_initialised(&other, process))
            python = other;
    }
    maps_free(&maps);
    if (done)
        *ret = python;
    return done;
}
