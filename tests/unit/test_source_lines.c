// SPDX-License-Identifier: MIT
#include "inspector/command/source_lines.h"

#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(source_lines, .timeout = 60);

struct place {
    struct scratch scratch;
    struct source_lines *lines;
};

static void begin(struct place *place)
{
    scratch_make(&place->scratch);
    cr_assert_eq(chmod(place->scratch.path, 0755), 0);
    cr_assert_eq(chdir(place->scratch.path), 0);
    place->lines = source_lines_open(NULL);
    cr_assert(place->lines);
}

static void end(struct place *place)
{
    source_lines_close(place->lines);
    cr_assert_eq(chdir("/"), 0);
    scratch_remove(&place->scratch);
}

static void write_file(struct place *place, const char *name, const char *bytes, mode_t mode)
{
    scratch_write(&place->scratch, name, bytes);
    cr_assert_eq(chmod(name, mode), 0);
}

static void expect(struct place *place, const char *name, uint32_t line, const char *wanted)
{
    struct text text = {0};

    source_lines_add(place->lines, name, strlen(name), line, &text);
    cr_expect_str_eq(text.bytes ? text.bytes : "", wanted, "%s:%u", name, line);
    text_free(&text);
}

Test(source_lines, are_those_that_linecache_gives)
{
    struct place place;

    begin(&place);
    write_file(&place, "plain.py", "one\n\t two\xc2\xa0 \r\nthree\rfour", 0644);
    write_file(&place, "latin.py", "# -*- coding: latin-1 -*-\nname = '\xfc'\n", 0644);
    write_file(&place, "wrong.py", "name = '\xfc'\n", 0644);
    write_file(&place, "other.py", "# coding: utf-7\nname = 1\n", 0644);
    write_file(&place, "marked.py", "\xef\xbb\xbfone\n", 0644);
    expect(&place, "plain.py", 1, "one");
    expect(&place, "plain.py", 2, "two");
    expect(&place, "plain.py", 3, "three");
    expect(&place, "plain.py", 4, "four");
    expect(&place, "plain.py", 5, "");
    expect(&place, "plain.py", 0, "");
    expect(&place, "latin.py", 2, "name = '\xc3\xbc'");
    expect(&place, "wrong.py", 1, "");
    expect(&place, "other.py", 2, "");
    expect(&place, "marked.py", 1, "one");
    expect(&place, "<plain.py>", 1, "");
    expect(&place, "none.py", 1, "");
    expect(&place, "", 1, "");
    end(&place);
}

Test(source_lines, of_names_from_the_root_and_above)
{
    struct place place;
    char path[512];

    begin(&place);
    write_file(&place, "a.py", "here\n", 0644);
    snprintf(path, sizeof(path), "%s/a.py", place.scratch.path);
    expect(&place, path, 1, "here");
    snprintf(path, sizeof(path), "../%s/a.py", strrchr(place.scratch.path, '/') + 1);
    expect(&place, path, 1, "here");
    end(&place);
}

/* What only root may read is not read for whoever made up the name. */
Test(source_lines, are_not_read_with_the_rights_of_root)
{
    struct place place;

    if (geteuid() != 0)
        cr_skip("only for root");
    begin(&place);
    write_file(&place, "secret.py", "secret\n", 0600);
    write_file(&place, "group.py", "secret\n", 0640);
    write_file(&place, "open.py", "open\n", 0644);
    expect(&place, "secret.py", 1, "");
    expect(&place, "group.py", 1, "");
    expect(&place, "open.py", 1, "open");
    int fd = open("secret.py", O_RDONLY | O_CLOEXEC);
    cr_expect(fd >= 0, "our own rights did not come back");
    close(fd);
    end(&place);
}
