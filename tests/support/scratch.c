// SPDX-License-Identifier: MIT
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void scratch_make(struct scratch *scratch)
{
    strcpy(scratch->path, "/tmp/pyinspect-test-XXXXXX");
    cr_assert(mkdtemp(scratch->path));
    scratch->fd = open(scratch->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_assert(scratch->fd >= 0);
    setenv("CC", "cc", 0);
}

void scratch_remove(struct scratch *scratch)
{
    scratch_run(scratch, "rm -rf '%s'", scratch->path);
    close(scratch->fd);
}

void scratch_run(const struct scratch *scratch, const char *format, ...)
{
    char command[4096];
    va_list arguments;

    int used =
        snprintf(command, sizeof(command), "cd '%s' && exec timeout 60 sh -ec '", scratch->path);
    va_start(arguments, format);
    char given[3000];
    cr_assert(vsnprintf(given, sizeof(given), format, arguments) < (int)sizeof(given));
    va_end(arguments);
    for (const char *at = given; *at; at++) {
        const char *quoted = *at == '\'' ? "'\\''" : (char[]){*at, '\0'};
        size_t length = strlen(quoted);
        cr_assert((size_t)used + length + 2 < sizeof(command));
        memcpy(command + used, quoted, length);
        used += (int)length;
    }
    memcpy(command + used, "'", 2);
    cr_assert(system(command) == 0, "failed: %s", given);
}

void scratch_set_cache(const struct scratch *scratch, const char *name)
{
    char path[512];

    scratch_run(scratch, "mkdir -p -m 700 '%s'", name);
    snprintf(path, sizeof(path), "%s/%s", scratch->path, name);
    cr_assert(setenv("XDG_CACHE_HOME", path, true) == 0);
}

bool scratch_has_program(const char *name)
{
    char command[128];

    snprintf(command, sizeof(command), "command -v %s >/dev/null", name);
    return system(command) == 0;
}

void scratch_write(const struct scratch *scratch, const char *name, const char *text)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", scratch->path, name);
    FILE *file = fopen(path, "w");
    cr_assert(file, "cannot write %s", path);
    fputs(text, file);
    cr_assert(fclose(file) == 0);
}

struct elf_file *scratch_open_as(const struct scratch *scratch, const char *name, const char *as)
{
    struct elf_file *file;
    struct error err;
    int fd = openat(scratch->fd, name, O_RDONLY | O_CLOEXEC);

    cr_assert(fd >= 0, "cannot open %s", name);
    cr_assert(elf_file_open(&file, fd, as, &err), "%s", err.text);
    return file;
}

struct elf_file *scratch_open(const struct scratch *scratch, const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", scratch->path, name);
    return scratch_open_as(scratch, name, path);
}

bool scratch_open_bytes(const void *bytes, size_t size, struct elf_file **ret, struct error *err)
{
    int fd = memfd_create("elf", MFD_CLOEXEC);

    cr_assert(fd >= 0);
    cr_assert(write(fd, bytes, size) == (ssize_t)size);
    return elf_file_open(ret, fd, "bytes", err);
}

unsigned char *scratch_read(const struct scratch *scratch, const char *name, size_t *size)
{
    int fd = openat(scratch->fd, name, O_RDONLY | O_CLOEXEC);

    cr_assert(fd >= 0, "cannot open %s", name);
    off_t end = lseek(fd, 0, SEEK_END);
    cr_assert(end > 0);
    unsigned char *bytes = malloc((size_t)end);
    cr_assert(bytes);
    cr_assert(pread(fd, bytes, (size_t)end, 0) == end);
    close(fd);
    *size = (size_t)end;
    return bytes;
}

void scratch_write_at(const struct scratch *scratch, const char *name, uint64_t offset,
                      const void *bytes, size_t size)
{
    int fd = openat(scratch->fd, name, O_WRONLY | O_CLOEXEC);

    cr_assert(fd >= 0, "cannot open %s", name);
    cr_assert(pwrite(fd, bytes, size, (off_t)offset) == (ssize_t)size);
    close(fd);
}

/* The offset in the file of a section's header. */
static uint64_t find_section(const struct scratch *scratch, const char *name, const char *section,
                             Elf64_Shdr *ret)
{
    size_t size;
    unsigned char *bytes = scratch_read(scratch, name, &size);
    uint64_t found = 0;
    Elf64_Ehdr file;
    Elf64_Shdr names, header;

    memcpy(&file, bytes, sizeof(file));
    memcpy(&names, bytes + file.e_shoff + file.e_shstrndx * sizeof(names), sizeof(names));
    for (unsigned i = 0; !found && i < file.e_shnum; i++) {
        uint64_t at = file.e_shoff + i * sizeof(header);
        memcpy(&header, bytes + at, sizeof(header));
        if (strcmp((const char *)bytes + names.sh_offset + header.sh_name, section) == 0)
            found = at;
    }
    free(bytes);
    cr_assert(found, "%s has no section %s", name, section);
    *ret = header;
    return found;
}

Elf64_Shdr scratch_get_section(const struct scratch *scratch, const char *name, const char *section)
{
    Elf64_Shdr header;

    find_section(scratch, name, section, &header);
    return header;
}

void scratch_put_section(const struct scratch *scratch, const char *name, const char *section,
                         const Elf64_Shdr *header)
{
    Elf64_Shdr before;
    uint64_t at = find_section(scratch, name, section, &before);

    scratch_write_at(scratch, name, at, header, sizeof(*header));
}

void scratch_add_twin(const struct scratch *scratch, const char *name, const char *section)
{
    Elf64_Shdr twin = scratch_get_section(scratch, name, ".comment");

    twin.sh_name = scratch_get_section(scratch, name, section).sh_name;
    twin.sh_type = SHT_NOBITS;
    scratch_put_section(scratch, name, ".comment", &twin);
}
