// SPDX-License-Identifier: MIT
#include "tests/support/interpreter_copy.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Only newer versions of strip can do it. */
static void remove_section_headers(const struct scratch *scratch, const char *name)
{
    size_t size;
    unsigned char *bytes = scratch_read(scratch, name, &size);
    Elf64_Ehdr header;

    cr_assert_geq(size, sizeof(header));
    memcpy(&header, bytes, sizeof(header));
    free(bytes);
    header.e_shoff = 0;
    header.e_shnum = 0;
    header.e_shstrndx = SHN_UNDEF;
    scratch_write_at(scratch, name, 0, &header, sizeof(header));
}

static bool has_debug_file(const struct scratch *scratch, const char *name)
{
    char id[BUILD_ID_TEXT], path[BUILD_ID_TEXT + 64];
    struct elf_file *file = scratch_open(scratch, name);

    build_id_print(id, elf_file_build_id(file));
    elf_file_close(file);
    snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%.2s/%s.debug", id,
             strlen(id) > 2 ? id + 2 : "");
    return access(path, F_OK) == 0;
}

void interpreter_copy_strip(const struct scratch *scratch, const char *name, int how)
{
    if (how & COPY_STRIPPED) {
        if (has_debug_file(scratch, name))
            how |= COPY_NO_BUILD_ID;
        scratch_run(scratch, "strip --strip-all '%s'", name);
    }
    if (how & COPY_NO_BUILD_ID) {
        scratch_run(scratch, "objcopy --remove-section .note.gnu.build-id '%s'", name);
        scratch_run(scratch, "! readelf -n '%s' 2>&1 | grep 'Build ID'", name);
    }
    if (how & COPY_NO_SECTIONS)
        remove_section_headers(scratch, name);
}

void interpreter_copy_make(struct interpreter_copy *ret, const struct interpreter *python, int how)
{
    char here[PATH_MAX], image[PATH_MAX];

    *ret = (struct interpreter_copy){.python = *python};
    scratch_make(&ret->scratch);
    cr_assert(chmod(ret->scratch.path, 0755) == 0 && getcwd(here, sizeof(here)));
    scratch_run(&ret->scratch, "'%s' '%s/tests/targets/copy_self.py' . %s", python->path, here,
                how & COPY_WHOLE ? "whole" : "");
    ssize_t length = readlinkat(ret->scratch.fd, "image", image, sizeof(image) - 1);
    cr_assert_gt(length, 0);
    image[length] = '\0';
    ret->is_library = strncmp(image, "bin/", 4) != 0;
    interpreter_copy_strip(&ret->scratch, image, how);
    if (ret->is_library && how & COPY_STRIPPED)
        scratch_run(&ret->scratch, "strip --strip-all bin/python*");
    int lengths[] = {
        snprintf(ret->image, sizeof(ret->image), "%s/%s", ret->scratch.path, image),
        snprintf(ret->python.path, sizeof(ret->python.path), "%s/start", ret->scratch.path)};
    cr_assert(lengths[0] < (int)sizeof(ret->image) && lengths[1] > 0);
}

void interpreter_copy_remove(struct interpreter_copy *copy)
{
    if (copy->scratch.path[0])
        scratch_remove(&copy->scratch);
    copy->scratch.path[0] = '\0';
}
