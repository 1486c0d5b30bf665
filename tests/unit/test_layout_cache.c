// SPDX-License-Identifier: MIT
#include "symbols/layout_bundled.h"
#include "symbols/layout_cache.h"
#include "tests/support/often.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct scratch scratch;
static struct layout_table table; /* of a build that is real */

static void make(void)
{
    struct error err;

    scratch_make(&scratch);
    setenv("XDG_CACHE_HOME", scratch.path, true);
    scratch_write(&scratch, "python", "as if it were an interpreter");
    cr_assert_gt(bundled_layout_count, 0);
    cr_assert(layout_table_parse(&table, bundled_layouts[0].text, bundled_layouts[0].length,
                                 bundled_layouts[0].name, &err),
              "%s", err.text);
}

static void clean(void)
{
    scratch_remove(&scratch);
}

TestSuite(layout_cache, .init = make, .fini = clean, .timeout = 60);

static int open_file(const char *name)
{
    int fd = openat(scratch.fd, name, O_RDONLY | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    return fd;
}

static void store(const char *name)
{
    struct layout_candidate candidate = {.layout = table.layout,
                                         .addresses.runtime = 0x5000,
                                         .addresses.traced[TRACED_PEAK] = 0x6000,
                                         .origin.source = LAYOUT_FROM_DEBUG_FILE,
                                         .origin.same_build = true,
                                         .origin.file = "/usr/lib/debug/some file"};
    struct python_file python = {
        .version = table.version, .debug_build = table.debug_build, .build_id = table.build_id};
    int fd = open_file(name);

    layout_cache_store(&candidate, fd, &python);
    close(fd);
}

static bool load(const char *name, struct layout_candidate *ret)
{
    int fd = open_file(name);
    bool found = layout_cache_load(ret, fd, &table.build_id);

    close(fd);
    return found;
}

/* The cache's directory: its path and how many entries it has, of which the last is named. */
static size_t list_entries(char path[4096], char *entry, size_t size)
{
    const struct dirent *item;
    size_t count = 0;

    snprintf(path, 4096, "%s/pyinspect/layouts", scratch.path);
    DIR *directory = opendir(path);
    while (directory && (item = readdir(directory))) {
        if (item->d_name[0] == '.')
            continue;
        snprintf(entry, size, "pyinspect/layouts/%s", item->d_name);
        count++;
    }
    if (directory)
        closedir(directory);
    return count;
}

Test(layout_cache, gives_back_what_was_stored)
{
    struct layout_candidate found;

    cr_expect_not(load("python", &found), "nothing is there yet");
    store("python");
    cr_assert(load("python", &found));
    cr_expect_eq(memcmp(&found.layout, &table.layout, sizeof(found.layout)), 0);
    cr_expect_eq(found.addresses.runtime, 0x5000);
    cr_expect_eq(found.addresses.traced[TRACED_PEAK], 0x6000);
    cr_expect_eq(found.origin.source, LAYOUT_FROM_DEBUG_FILE);
    cr_expect_str_eq(found.origin.file, "/usr/lib/debug/some file");
    cr_expect(found.origin.cached && found.origin.same_build);
}

/* A stranger's file may claim any build-id. */
Test(layout_cache, an_entry_is_of_one_file_only)
{
    struct layout_candidate found;

    scratch_write(&scratch, "stranger", "as if it were an interpreter");
    store("stranger");
    cr_expect_not(load("python", &found));
    cr_expect(load("stranger", &found));
    scratch_run(&scratch, "chmod 700 stranger"); /* its ctime */
    cr_expect_not(load("stranger", &found), "it was changed since");
}

/* Even when it lies where the entry of another one belongs. */
Test(layout_cache, an_entry_says_itself_what_it_is_of)
{
    char path[4096], first[512], second[512];
    struct layout_candidate found;

    scratch_write(&scratch, "stranger", "as if it were an interpreter");
    store("stranger");
    cr_assert_eq(list_entries(path, first, sizeof(first)), 1);
    cr_assert_eq(renameat(scratch.fd, first, scratch.fd, "kept"), 0);
    store("python");
    cr_assert_eq(list_entries(path, second, sizeof(second)), 1);
    cr_assert_eq(renameat(scratch.fd, "kept", scratch.fd, second), 0);
    cr_expect_not(load("python", &found));
}

Test(layout_cache, damage_is_no_entry)
{
    char path[4096], entry[512];
    struct layout_candidate found;
    size_t size;

    store("python");
    cr_assert_eq(list_entries(path, entry, sizeof(entry)), 1);
    char *bytes = (char *)scratch_read(&scratch, entry, &size);
    for (size_t cut = 0; cut < size - 1; cut += 7 * ENOUGH) {
        int fd = openat(scratch.fd, entry, O_WRONLY | O_TRUNC | O_CLOEXEC);
        cr_assert_eq(write(fd, bytes, cut), (ssize_t)cut);
        close(fd);
        cr_expect_not(load("python", &found), "cut after %zu bytes", cut);
    }
    for (size_t at = 0; at < size; at += 3 * ENOUGH) {
        char kept = bytes[at];
        bytes[at] ^= 0x15;
        int fd = openat(scratch.fd, entry, O_WRONLY | O_TRUNC | O_CLOEXEC);
        cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
        close(fd);
        struct error err;
        cr_expect(!load("python", &found) || layout_check(&found.layout, &err), "byte %zu", at);
        bytes[at] = kept;
    }
    free(bytes);
}

Test(layout_cache, is_not_kept_where_others_may_write)
{
    struct layout_candidate found;

    store("python");
    scratch_run(&scratch, "chmod g+w pyinspect/layouts");
    cr_expect_not(load("python", &found));
    scratch_run(&scratch, "chmod g-w pyinspect/layouts; mv pyinspect elsewhere;"
                          "ln -s elsewhere pyinspect");
    cr_expect_not(load("python", &found), "a symbolic link");
    scratch_run(&scratch, "rm pyinspect; mv elsewhere pyinspect");
    cr_expect(load("python", &found));
    if (geteuid() == 0) {
        scratch_run(&scratch, "chown 65534 pyinspect/layouts");
        cr_expect_not(load("python", &found), "another user's");
        scratch_run(&scratch, "chown 0 pyinspect/layouts; chown 65534 pyinspect/layouts/*");
        cr_expect_not(load("python", &found), "another user's entry");
    }
}

Test(layout_cache, a_fifo_in_it_does_not_hang)
{
    char path[4096], entry[512];
    struct layout_candidate found;

    store("python");
    cr_assert_eq(list_entries(path, entry, sizeof(entry)), 1);
    cr_assert_eq(unlinkat(scratch.fd, entry, 0), 0);
    cr_assert_eq(mkfifoat(scratch.fd, entry, 0600), 0);
    cr_expect_not(load("python", &found));
}

Test(layout_cache, lies_in_the_home_directory_by_default)
{
    struct layout_candidate found;
    struct stat status;

    setenv("HOME", scratch.path, true);
    setenv("XDG_CACHE_HOME", "relative/paths/are/ignored", true);
    store("python");
    cr_expect(load("python", &found));
    cr_expect_eq(fstatat(scratch.fd, ".cache/pyinspect/layouts", &status, 0), 0);
    unsetenv("HOME");
    cr_expect_not(load("python", &found));
    store("python");
}

Test(layout_cache, does_not_grow_without_end)
{
    char path[4096], entry[512];

    for (int i = 0; i < 300; i++) {
        cr_assert_eq(unlinkat(scratch.fd, "python", 0), 0);
        scratch_write(&scratch, "python", "another one");
        store("python");
    }
    size_t count = list_entries(path, entry, sizeof(entry));
    cr_expect(count > 100 && count <= 256, "%zu entries", count);
}
