// SPDX-License-Identifier: MIT
#include "symbols/python_file.h"

#include "symbols/base/cleanup.h"
#include "symbols/base/sandbox.h"
#include "symbols/python_code.h"

#include <stdlib.h>
#include <string.h>

enum { COOKIE_SEARCH_MAX = 64 << 20 };

/* Only --with-pydebug defines it (Objects/object.c, Py_REF_DEBUG). */
static const char debug_symbol[] = "_Py_NegativeRefcount";

static void find_state(struct python_file *python, struct elf_file *file)
{
    struct elf_place place = {0};

    if (elf_file_symbol(file, "_PyRuntime", &place))
        python->evidence = EVIDENCE_SYMBOL;
    else if (elf_file_section(file, ".PyRuntime", &place))
        python->evidence = EVIDENCE_SECTION;
    python->addresses.runtime = place.address;
    python->runtime_size = place.size;
    if (python->evidence == EVIDENCE_NONE && elf_file_symbol(file, "_PyGC_generation0", &place)) {
        python->evidence = EVIDENCE_SYMBOL;
        python->addresses.generation0 = place.address;
    }
}

/* Looks through what the file has of its writable memory. */
static void find_cookie(struct python_file *python, struct elf_file *file)
{
    static const char cookie[] = "xdebugpy";
    struct elf_segment part;

    for (size_t i = 0; elf_file_segment(file, i, &part); i++) {
        bool is_likely = part.flags & PF_W && part.file_size && part.file_size <= COOKIE_SEARCH_MAX;
        AUTO_FREE char *bytes = is_likely ? malloc(part.file_size) : NULL;
        if (!bytes || !elf_file_read(file, part.address, bytes, part.file_size))
            continue;
        const char *end = bytes + part.file_size;
        for (const char *at = bytes;
             (at = memmem(at, (size_t)(end - at), cookie, sizeof(cookie) - 1)); at++) {
            uint64_t address = part.address + (uint64_t)(at - bytes);
            if (address % 8 || !layout_published_read(&python->published, at, (size_t)(end - at)))
                continue;
            python->evidence = EVIDENCE_COOKIE;
            python->addresses.runtime = address;
            if (layout_has(&python->published.layout, sizeof_runtime))
                python->runtime_size = layout_size(&python->published.layout, sizeof_runtime);
            return;
        }
    }
}

static void read_published(struct python_file *python, struct elf_file *file)
{
    char bytes[PUBLISHED_MAX];
    size_t size = sizeof(bytes);

    if (!python->addresses.runtime)
        return;
    if (python->runtime_size && python->runtime_size < size)
        size = (size_t)python->runtime_size;
    python->has_published = elf_file_read(file, python->addresses.runtime, bytes, size) &&
                            layout_published_read(&python->published, bytes, size);
}

void python_file_find_traced(struct elf_file *file, uint64_t addresses[TRACED_VARIABLES])
{
    struct elf_place place = {0};

    memset(addresses, 0, TRACED_VARIABLES * sizeof(*addresses));
    /* A stripped 3.8 to 3.11 has this one. */
    if (!elf_file_symbol(file, "_Py_tracemalloc_config", &place))
        (void)elf_file_symbol(file, traced_variable_name(TRACED_CONFIG), &place);
    addresses[TRACED_CONFIG] = place.address;
    for (int i = TRACED_CONFIG + 1; i < TRACED_VARIABLES; i++) {
        if (elf_file_symbol(file, traced_variable_name((enum traced_variable)i), &place))
            addresses[i] = place.address;
        else if (i == TRACED_TRACES)
            break; /* no other is there, and each takes a look at all names of the file */
    }
}

static bool is_pypy(struct elf_file *file)
{
    const char *slash = strrchr(elf_file_path(file), '/');
    struct elf_place place;

    return elf_file_symbol(file, "pypy_main_startup", &place) ||
           elf_file_has_symbol_prefix(file, "pypy_g_") ||
           strncmp(slash ? slash + 1 : elf_file_path(file), "libpypy", 7) == 0;
}

void python_file_read(struct python_file *ret, struct elf_file *file,
                      enum python_file_effort effort)
{
    struct elf_place place;

    *ret = (struct python_file){.build_id = *elf_file_build_id(file),
                                .has_debug_info = elf_file_has_debug_info(file)};
    find_state(ret, file);
    if (ret->evidence == EVIDENCE_NONE && effort == PYTHON_FILE_BY_COOKIE)
        find_cookie(ret, file);
    if (ret->evidence == EVIDENCE_NONE) {
        ret->kind = is_pypy(file) ? PYTHON_FILE_PYPY : PYTHON_FILE_NONE;
        return;
    }
    ret->kind = PYTHON_FILE_CPYTHON;
    read_published(ret, file);
    ret->version = python_version_of(file);
    if (ret->has_published)
        ret->version = python_version_of_hex(ret->published.version);
    ret->debug_build = elf_file_symbol(file, debug_symbol, &place);
    if (ret->addresses.generation0) {
        if (elf_file_symbol(file, "collecting", &place))
            ret->addresses.collecting = place.address;
        else
            (void)!python_code_collecting(file, &ret->addresses.collecting);
    }
    python_file_find_traced(file, ret->addresses.traced);
}

struct file_named {
    int fd;
    const char *path;
};

static bool examine(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    const struct file_named *named = context;
    struct python_file *python = result;
    struct elf_file *file;

    (void)sandbox;
    if (!elf_file_open(&file, named->fd, named->path, err))
        return false;
    python_file_read(python, file, PYTHON_FILE_BY_NAMES);
    if (python->kind == PYTHON_FILE_NONE)
        python_file_read(python, file, PYTHON_FILE_BY_COOKIE);
    elf_file_close(file);
    return true;
}

bool python_file_examine(struct python_file *ret, int fd, const char *path, struct error *err)
{
    struct file_named named = {.fd = fd, .path = path};
    const struct sandbox_job job = {
        .what = path,
        .work = examine,
        .context = &named,
        .files = &fd,
        .file_count = 1,
        .cpu_seconds = 10,
        .memory_bytes = UINT64_C(1) << 30,
        .result_size = sizeof(*ret),
    };
    AUTO_FREE struct python_file *file = malloc(sizeof(*file));

    if (!file)
        return error_memory(err);
    if (!sandbox_run(&job, file, err))
        return false;
    if (!python_file_check(file))
        return error_set(err, ERROR_PYTHON, "%s is damaged or hostile", path);
    *ret = *file;
    return true;
}

static void add(uint64_t *address, uint64_t other)
{
    if (!*address)
        *address = other;
}

void python_file_add_addresses(struct python_file *file, const struct python_addresses *addresses)
{
    if (file->evidence == EVIDENCE_NONE && (addresses->runtime || addresses->generation0)) {
        file->evidence = EVIDENCE_LAYOUT;
        file->kind = PYTHON_FILE_CPYTHON;
    }
    add(&file->addresses.runtime, addresses->runtime);
    add(&file->addresses.generation0, addresses->generation0);
    add(&file->addresses.collecting, addresses->collecting);
    for (int i = 0; i < TRACED_VARIABLES; i++)
        add(&file->addresses.traced[i], addresses->traced[i]);
}

/* Any byte may be where a bool is expected; to read it as one would be undefined. */
static void check_flag(bool *flag)
{
    unsigned char byte;

    memcpy(&byte, flag, sizeof(byte));
    *flag = byte != 0;
}

static void check_enum(int *value, int most, bool *good)
{
    *good = *good && *value >= 0 && *value <= most;
}

bool python_file_check(struct python_file *file)
{
    int kind, evidence;
    bool good = file->build_id.size <= BUILD_ID_MAX;

    memcpy(&kind, &file->kind, sizeof(kind));
    memcpy(&evidence, &file->evidence, sizeof(evidence));
    check_enum(&kind, PYTHON_FILE_PYPY, &good);
    check_enum(&evidence, EVIDENCE_COOKIE, &good);
    file->version.text[sizeof(file->version.text) - 1] = '\0';
    check_flag(&file->debug_build);
    check_flag(&file->has_debug_info);
    check_flag(&file->has_published);
    check_flag(&file->published.free_threaded);
    layout_normalise(&file->published.layout);
    return good;
}

const char *evidence_name(enum evidence evidence)
{
    static const char *const names[] = {
        [EVIDENCE_NONE] = "nothing",
        [EVIDENCE_SYMBOL] = "a symbol",
        [EVIDENCE_SECTION] = "the section .PyRuntime",
        [EVIDENCE_LAYOUT] = "the layout file",
        [EVIDENCE_COOKIE] = "the cookie of _Py_DebugOffsets",
    };

    return names[evidence];
}
