// SPDX-License-Identifier: MIT
#include "symbols/layout_debug.h"

#include "symbols/base/cleanup.h"
#include "symbols/debug_file.h"
#include "symbols/layout_dwarf.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MOST_ROOTS = 4,
    CPU_SECONDS = 1, /* Debian's largest takes a tenth of that */
    WALL_MS = 2000,
    PATIENT_CPU_SECONDS = 60,
};

static const uint64_t most_memory = UINT64_C(6) << 30; /* 2 GiB of DWARF, compressed and not */

/* The child's answer. */
struct debug_answer {
    struct layout layout;
    struct python_addresses addresses;
    uint8_t is_separate; /* not a bool, for the child may write anything */
    char file[sizeof(((struct layout_origin *)0)->file)];
};

static uint64_t address_in(struct elf_file *debug, const char *name)
{
    struct elf_place place;

    return elf_file_symbol(debug, name, &place) ? place.address : 0;
}

static bool answer(struct debug_answer *ret, struct elf_file *file, struct debug_file *debug,
                   struct error *err)
{
    struct elf_file *found = debug_file_elf(debug);

    if (!layout_from_dwarf(&ret->layout, debug_file_dwarf(debug), err))
        return false;
    ret->addresses = (struct python_addresses){
        .runtime = address_in(found, "_PyRuntime"),
        .generation0 = address_in(found, "_PyGC_generation0"),
        .collecting = address_in(found, "collecting"),
    };
    python_file_find_traced(found, ret->addresses.traced);
    ret->is_separate = found != file;
    snprintf(ret->file, sizeof(ret->file), "%s%s", debug_file_root(debug), elf_file_path(found));
    return true;
}

static unsigned list_roots(struct file_root roots[MOST_ROOTS], const struct debug_request *request)
{
    const struct layout_subject *subject = request->subject;
    unsigned count = 0;

    if (request->store)
        roots[count++] = *request->store;
    for (size_t i = 0; i < subject->root_count && count < MOST_ROOTS; i++)
        roots[count++] = subject->roots[i];
    return count;
}

static bool read_debug_file(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    const struct debug_request *request = context;
    const struct layout_subject *subject = request->subject;
    struct file_root roots[MOST_ROOTS];
    unsigned count = list_roots(roots, request);
    struct debug_file *debug;
    struct elf_file *file;

    for (unsigned i = 0; i < count; i++) {
        roots[i].sandbox = sandbox;
        roots[i].place = i;
    }
    if (!elf_file_open(&file, subject->fd, subject->path, err))
        return false;
    bool done = request->given >= 0 ? debug_file_open(&debug, file, request->given,
                                                      request->given_path, roots, count, err)
                                    : debug_file_find(&debug, file, roots, count, err);
    if (done) {
        done = answer(result, file, debug, err);
        debug_file_close(debug);
    }
    elf_file_close(file);
    return done;
}

/* The child may have been taken over: it is given debug files, not the machine's secrets. */
static int open_for_child(void *context, unsigned place, const char *path)
{
    struct file_root roots[MOST_ROOTS];
    unsigned count = list_roots(roots, context);
    char magic[SELFMAG];

    if (place >= count) {
        errno = EINVAL;
        return -1;
    }
    int fd = file_root_open(&roots[place], path);
    if (fd >= 0 && (pread(fd, magic, sizeof(magic), 0) != sizeof(magic) ||
                    memcmp(magic, ELFMAG, sizeof(magic)) != 0)) {
        close(fd);
        errno = ENOEXEC;
        return -1;
    }
    return fd;
}

bool layout_debug_read(struct layout_candidate *ret, const struct debug_request *request,
                       struct error *err)
{
    struct debug_request asked = *request;
    char what[512];
    const int files[] = {request->subject->fd, request->given};
    const struct sandbox_job job = {
        .what = what,
        .work = read_debug_file,
        .context = &asked,
        .files = files,
        .file_count = request->given >= 0 ? 2 : 1,
        .open = open_for_child,
        .open_context = &asked,
        .cpu_seconds = request->patient ? PATIENT_CPU_SECONDS : CPU_SECONDS,
        .wall_milliseconds = request->patient ? 0 : WALL_MS,
        .memory_bytes = most_memory,
        .result_size = sizeof(struct debug_answer),
    };
    AUTO_FREE struct debug_answer *answered = malloc(sizeof(*answered));

    snprintf(what, sizeof(what), "the debug information of %s", request->subject->path);
    if (!answered)
        return error_memory(err);
    if (!sandbox_run(&job, answered, err))
        return false;
    answered->file[sizeof(answered->file) - 1] = '\0';
    layout_normalise(&answered->layout);
    *ret = (struct layout_candidate){
        .layout = answered->layout,
        .addresses = answered->addresses,
        .origin.source = answered->is_separate ? LAYOUT_FROM_DEBUG_FILE : LAYOUT_FROM_DWARF,
        .origin.same_build = true,
    };
    memcpy(ret->origin.file, answered->file, sizeof(ret->origin.file));
    return true;
}
