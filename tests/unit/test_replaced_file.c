// SPDX-License-Identifier: MIT
#include "symbols/base/replaced_file.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    struct scratch scratch;
    char path[128];
};

TestSuite(replaced_file, .timeout = 60);

static void begin(struct place *place)
{
    scratch_make(&place->scratch);
    snprintf(place->path, sizeof(place->path), "%s/file", place->scratch.path);
}

static void write_file(const char *path, mode_t mode, const char *text)
{
    struct error err;

    cr_assert(replaced_file_write(path, mode, text, strlen(text), &err), "%s", err.text);
}

static void expect_error(const char *path, const char *words)
{
    struct error err = {.kind = ERROR_NONE};

    cr_assert_not(replaced_file_write(path, 0600, "x", 1, &err), "%s", path);
    cr_expect_eq(err.kind, ERROR_OUTPUT);
    cr_expect(strstr(err.text, words), "%s", err.text);
}

Test(replaced_file, writes_and_replaces)
{
    struct place place;
    struct stat status;

    begin(&place);
    umask(027);
    write_file(place.path, 0666, "one\n");
    cr_assert_eq(stat(place.path, &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0640);
    write_file(place.path, 0600, "two\n");
    cr_assert_eq(stat(place.path, &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0600);
    scratch_run(&place.scratch, "test \"$(cat file)\" = two && test \"$(ls)\" = file");
    scratch_remove(&place.scratch);
}

Test(replaced_file, a_link_stays)
{
    struct place place;
    char path[160];

    begin(&place);
    scratch_run(&place.scratch, "mkdir far && echo old >far/real && ln -s far/real file && "
                                "ln -s nothing dangling");
    write_file(place.path, 0600, "new\n");
    scratch_run(&place.scratch, "test -h file && test \"$(cat far/real)\" = new && "
                                "test \"$(ls far)\" = real");
    snprintf(path, sizeof(path), "%s/dangling", place.scratch.path);
    expect_error(path, "symbolic link to a file that is not there");
    scratch_remove(&place.scratch);
}

Test(replaced_file, only_regular_files)
{
    struct place place;

    begin(&place);
    expect_error("/dev/null", "not a regular file");
    expect_error("/dev/full", "not a regular file");
    expect_error(place.scratch.path, "Is a directory");
    expect_error("/nowhere/at/all", "No such file");
    expect_error("", "No such file");
    scratch_run(&place.scratch, "mkfifo file");
    expect_error(place.path, "not a regular file");
    scratch_remove(&place.scratch);
}

Test(replaced_file, the_old_one_stays_until_the_end)
{
    struct replaced_file file, other;
    struct place place;
    struct error err;

    begin(&place);
    write_file(place.path, 0600, "old\n");
    cr_assert(replaced_file_begin(&file, place.path, 0600, &err), "%s", err.text);
    cr_assert_eq(write(file.fd, "new\n", 4), 4);
    scratch_run(&place.scratch, "test \"$(cat file)\" = old");
    /* Somebody else's that is being written is none that was left over. */
    cr_assert(replaced_file_begin(&other, place.path, 0600, &err), "%s", err.text);
    replaced_file_abandon(&other);
    replaced_file_abandon(&other);
    cr_assert(replaced_file_commit(&file, &err), "%s", err.text);
    scratch_run(&place.scratch, "test \"$(cat file)\" = new && test \"$(ls)\" = file");
    cr_assert(replaced_file_begin(&file, place.path, 0600, &err), "%s", err.text);
    cr_expect_not(replaced_file_commit_new(&file, &err));
    scratch_run(&place.scratch, "test \"$(cat file)\" = new && test \"$(ls)\" = file");
    scratch_remove(&place.scratch);
}

/* What a killed run left, and what only looks like it. */
Test(replaced_file, left_over_files_are_taken_away)
{
    struct place place;

    begin(&place);
    scratch_run(&place.scratch,
                "touch file.pyinspect-0123abcd file.pyinspect-0123abcde file.pyinspect-0123abcX "
                "other.pyinspect-0123abcd file.pyinspect && mkdir file.pyinspect-89abcdef && "
                "ln -s other.pyinspect-0123abcd file.pyinspect-00000000");
    write_file(place.path, 0600, "new\n");
    scratch_run(&place.scratch, "test ! -e file.pyinspect-0123abcd && test \"$(ls | wc -l)\" = 7");
    scratch_remove(&place.scratch);
}

Test(replaced_file, a_long_name)
{
    struct place place;
    char path[400], name[256];

    begin(&place);
    memset(name, 'n', 255);
    name[255] = '\0';
    snprintf(path, sizeof(path), "%s/%s", place.scratch.path, name);
    write_file(path, 0600, "long\n");
    scratch_run(&place.scratch, "test \"$(cat n*)\" = long && test \"$(ls | wc -l)\" = 1");
    snprintf(path, sizeof(path), "%s/%s%s", place.scratch.path, name, "n");
    expect_error(path, "too long");
    scratch_remove(&place.scratch);
}

Test(replaced_file, a_full_disk_leaves_the_old_one)
{
    struct rlimit limit = {.rlim_cur = 10, .rlim_max = RLIM_INFINITY};
    struct place place;
    struct error err;

    begin(&place);
    write_file(place.path, 0600, "old\n");
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_expect_not(replaced_file_write(place.path, 0600, "longer than ten", 15, &err));
    cr_expect_eq(err.kind, ERROR_OUTPUT);
    scratch_run(&place.scratch, "test \"$(cat file)\" = old && test \"$(ls)\" = file");
    scratch_remove(&place.scratch);
}

Test(replaced_file, opens_regular_files_only)
{
    struct place place;
    char resolved[PATH_MAX], link[160];

    begin(&place);
    write_file(place.path, 0600, "x");
    scratch_run(&place.scratch, "ln -s file link && mkfifo fifo");
    snprintf(link, sizeof(link), "%s/link", place.scratch.path);
    int fd = replaced_file_open_regular(link, resolved);
    cr_assert_geq(fd, 0);
    cr_expect_str_eq(strrchr(resolved, '/'), "/file");
    close(fd);
    snprintf(link, sizeof(link), "%s/fifo", place.scratch.path);
    cr_expect_eq(replaced_file_open_regular(link, resolved), -1);
    cr_expect_eq(replaced_file_open_regular("/dev/tty", resolved), -1);
    scratch_remove(&place.scratch);
}

static void expect_ours(const char *path, bool ours, enum error_kind kind)
{
    struct error err = {.kind = ERROR_NONE};

    cr_expect_eq(replaced_file_is_ours(path, "# ours ", "file", &err), ours, "%s", path);
    cr_expect_eq(err.kind, kind, "%s", err.text);
}

/* What is somebody else's is told by its beginning, wherever links lead. */
Test(replaced_file, knows_what_is_ours)
{
    struct place place;
    char path[PATH_MAX];

    begin(&place);
    scratch_run(&place.scratch,
                "printf '# ours 1' >ours && printf '# ours ' >short && printf '# our' >shorter && "
                "printf 'print(1)' >other && : >empty && mkfifo fifo && mkdir directory && "
                "ln -s other link && ln -s nowhere dangling");
    static const struct {
        const char *name;
        bool ours;
        enum error_kind kind;
    } files[] = {
        {"ours", true, ERROR_NONE},       {"short", true, ERROR_NONE},
        {"shorter", false, ERROR_USAGE},  {"other", false, ERROR_USAGE},
        {"empty", true, ERROR_NONE},      {"missing", true, ERROR_NONE},
        {"link", false, ERROR_USAGE},     {"dangling", true, ERROR_NONE},
        {"fifo", false, ERROR_OUTPUT},    {"directory", false, ERROR_OUTPUT},
        {"other/x", false, ERROR_OUTPUT},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        snprintf(path, sizeof(path), "%s/%s", place.scratch.path, files[i].name);
        expect_ours(path, files[i].ours, files[i].kind);
    }
    scratch_run(&place.scratch, "test \"$(cat other)\" = 'print(1)'");
    scratch_remove(&place.scratch);
}

Test(replaced_file, knows_one_file_by_two_names)
{
    struct place place;
    char one[160], link[160];

    begin(&place);
    snprintf(one, sizeof(one), "%s/./file", place.scratch.path);
    snprintf(link, sizeof(link), "%s/link", place.scratch.path);
    scratch_run(&place.scratch, "ln -s file link");
    cr_expect(replaced_file_is_same(place.path, place.path));
    cr_expect_not(replaced_file_is_same(place.path, link));
    write_file(place.path, 0600, "x");
    cr_expect(replaced_file_is_same(place.path, link));
    cr_expect(replaced_file_is_same(place.path, one));
    scratch_run(&place.scratch, "cp file other");
    snprintf(one, sizeof(one), "%s/other", place.scratch.path);
    cr_expect_not(replaced_file_is_same(place.path, one));
    scratch_remove(&place.scratch);
}
