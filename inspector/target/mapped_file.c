// SPDX-License-Identifier: MIT
#include "inspector/target/mapped_file.h"

#include "inspector/target/permission.h"
#include "symbols/base/cleanup.h"
#include "symbols/file_root.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, PIECE = 1 << 20 };

static const uint64_t most_image = UINT64_C(256) << 20; /* bytes */

bool mapping_has_same_file(const struct mapping *a, const struct mapping *b)
{
    return a->inode == b->inode && strcmp(a->path, b->path) == 0;
}

/* Takes `fd` over; -1 where it is not the mapped inode. */
static int keep_if_mapped(int fd, const struct mapping *mapping)
{
    struct stat status;

    if (fd < 0 || (fstat(fd, &status) == 0 && status.st_ino == mapping->inode))
        return fd;
    close(fd);
    return -1;
}

static int open_link(const struct process *process, const char *link)
{
    AUTO_CLOSE int place = openat(process->proc, link, O_PATH | O_CLOEXEC);

    return place < 0 ? -1 : file_reopen(place);
}

/* Inode numbers are those of one device; the first page tells files of others apart. */
static bool has_same_start(const struct process *process, const struct maps *maps, size_t index,
                           int fd)
{
    unsigned char mapped[PAGE], held[PAGE];
    struct iovec local = {mapped, sizeof(mapped)};

    for (size_t i = 0; i < maps->count; i++) {
        const struct mapping *part = &maps->items[i];
        if (part->offset != 0 || part->writable ||
            !mapping_has_same_file(part, &maps->items[index]))
            continue;
        struct iovec remote = {(void *)(uintptr_t)part->start, sizeof(mapped)}; // NOLINT
        ssize_t got = process_read(process, &local, &remote, 1);
        return got > 0 && pread(fd, held, (size_t)got, 0) > 0 &&
               memcmp(mapped, held, (size_t)got) == 0;
    }
    return true;
}

/*
 * Only the leader's directory has map_files. What is behind a link there is the mapped file, even
 * if the file system shows another inode number than the mapping does, as overlayfs may.
 */
static int open_by_link(const struct process *process, const struct mapping *mapping)
{
    char link[64];

    snprintf(link, sizeof(link), "../../map_files/%" PRIx64 "-%" PRIx64, mapping->start,
             mapping->end);
    int fd = open_link(process, link);
    return fd < 0 ? keep_if_mapped(open_link(process, "exe"), mapping) : fd;
}

static int open_by_path(const struct process *process, const struct mapping *mapping)
{
    struct file_root root = {.fd = process->root_fd, .name = ""};

    if (mapping->deleted || process->root_fd < 0)
        return -1;
    return keep_if_mapped(file_root_open(&root, mapping->path), mapping);
}

int mapped_file_open_inode(const struct process *process, const struct mapping *mapping)
{
    int fd = open_by_link(process, mapping);

    return fd < 0 ? open_by_path(process, mapping) : fd;
}

/* The image */

/* Of code only what the process has touched: reading more would make it larger. */
static bool is_wanted(const struct process *process, const struct mapping *mapping,
                      uint64_t address)
{
    uint64_t entry;

    return !mapping->executable || !process_pagemap(process, address, &entry, 1) ||
           entry >> PAGEMAP_PRESENT & 1;
}

static bool copy_piece(const struct process *process, int fd, const struct mapping *mapping,
                       uint64_t address, void *bytes, size_t size)
{
    struct iovec local = {bytes, size};
    struct iovec remote = {(void *)(uintptr_t)address, size}; // NOLINT: an address of the target's
    ssize_t got = process_read(process, &local, &remote, 1);

    return got <= 0 || pwrite(fd, bytes, (size_t)got,
                              (off_t)(mapping->offset + (address - mapping->start))) == got;
}

static bool copy_mapping(const struct process *process, int fd, const struct mapping *mapping,
                         void *bytes)
{
    size_t step = mapping->executable ? PAGE : PIECE;

    for (uint64_t at = mapping->start; at < mapping->end; at += step) {
        size_t size = mapping->end - at < step ? (size_t)(mapping->end - at) : step;
        if (is_wanted(process, mapping, at) && !copy_piece(process, fd, mapping, at, bytes, size))
            return false;
    }
    return true;
}

static int open_image(const struct process *process, const struct maps *maps, size_t index)
{
    AUTO_FREE void *bytes = malloc(PIECE);
    AUTO_CLOSE int fd = memfd_create("pyinspect", MFD_CLOEXEC);
    uint64_t left = most_image;

    if (!bytes || fd < 0)
        return -1;
    for (size_t i = 0; i < maps->count; i++) {
        const struct mapping *part = &maps->items[i];
        uint64_t size = part->end - part->start;
        if (!mapping_has_same_file(part, &maps->items[index]) || !mapping_is_memory(part))
            continue;
        if (size > left || part->offset > most_image || !copy_mapping(process, fd, part, bytes))
            return -1;
        left -= size;
    }
    int image = fd;
    fd = -1;
    return image;
}

static int refuse(const struct process *process, const struct mapping *mapping, struct error *err)
{
    struct text mend = {0};

    if (geteuid()) {
        text_add(&mend, "; as root it can still be read: run ");
        permission_add_sudo(&mend);
    }
    error_set(err, ERROR_TARGET,
              "cannot open %s as process %d (%s) has it: the file was %s since it started, and its "
              "memory cannot be read in its place%s",
              mapping->path, (int)process->pid, process->name,
              mapping->deleted ? "deleted or replaced" : "made unreadable",
              mend.bytes ? mend.bytes : "");
    text_free(&mend);
    return -1;
}

int mapped_file_open(const struct process *process, const struct maps *maps, size_t index,
                     enum mapped_file_way *ret_way, struct error *err)
{
    const struct mapping *mapping = &maps->items[index];

    *ret_way = MAPPED_FILE_LINK;
    int fd = open_by_link(process, mapping);
    if (fd >= 0)
        return fd;
    *ret_way = MAPPED_FILE_PATH;
    fd = open_by_path(process, mapping);
    if (fd >= 0 && has_same_start(process, maps, index, fd))
        return fd;
    cleanup_close(&fd);
    *ret_way = MAPPED_FILE_IMAGE;
    fd = open_image(process, maps, index);
    return fd < 0 ? refuse(process, mapping, err) : fd;
}
