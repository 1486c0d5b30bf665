// SPDX-License-Identifier: MIT
/* kill -9 at 200 and more random moments of a save: there is the old content or the new one. */
#include "symbols/base/clock.h"
#include "tests/support/census_place.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(census_killed, .timeout = 120);

enum {
    KILLS = 70,     /* of each kind of save, of which there are three */
    SNAPSHOTS = 2,  /* saved in turn */
    REHEARSALS = 5, /* that measure how long a save takes */
};

struct scene {
    struct census_place place;
    struct snapshot snapshots[SNAPSHOTS];
    double milliseconds; /* that a save takes, about */
    unsigned random;
    uint64_t most_bytes;    /* that a history may have; 0: no bound, nothing loses its addresses */
    size_t finished, ended; /* saves that were done, or not, when the signal came */
};

/* Saves snapshot `which`; runs in a process of its own. */
typedef bool save_one(const struct scene *scene, size_t which);

static bool save_file(const struct scene *scene, size_t which)
{
    struct error err;

    return census_file_save(scene->place.path, &scene->snapshots[which], &err);
}

static bool add_to_file(const struct scene *scene, size_t which)
{
    struct census_file *file;
    struct error err;

    return census_file_open_to_add(&file, scene->place.path, &err) &&
           census_file_add(file, &scene->snapshots[which], scene->most_bytes, NULL, &err);
}

/* Of a child: how many more times SQLite may write; the last time, half is written. 0: always. */
static size_t writes_left;

static ssize_t write_or_die(int fd, const void *bytes, size_t size)
{
    if (writes_left && --writes_left == 0) {
        (void)!write(fd, bytes, size / 2);
        raise(SIGKILL);
    }
    return write(fd, bytes, size);
}

static ssize_t pwrite_or_die(int fd, const void *bytes, size_t size, off_t offset)
{
    if (writes_left && --writes_left == 0) {
        (void)!pwrite(fd, bytes, size / 2, offset);
        raise(SIGKILL);
    }
    return pwrite(fd, bytes, size, offset);
}

static int unlink_or_die(const char *path)
{
    if (writes_left && --writes_left == 0)
        raise(SIGKILL);
    return unlink(path);
}

static int truncate_or_die(int fd, off_t size)
{
    if (writes_left && --writes_left == 0)
        raise(SIGKILL);
    return ftruncate(fd, size);
}

static void die_at(size_t writes)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    writes_left = writes;
    vfs->xSetSystemCall(vfs, "write", (sqlite3_syscall_ptr)write_or_die);
    vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)pwrite_or_die);
    vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)pwrite_or_die);
    vfs->xSetSystemCall(vfs, "unlink", (sqlite3_syscall_ptr)unlink_or_die);
    vfs->xSetSystemCall(vfs, "ftruncate", (sqlite3_syscall_ptr)truncate_or_die);
}

/* Ends it after so many milliseconds (negative: never), or at SQLite's so manieth write (0: never).
 * Was it done by then? */
static bool save_in_child(const struct scene *scene, save_one *save, size_t which,
                          double milliseconds, size_t writes)
{
    int ready[2], status;
    char byte = 0;

    cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (writes)
            die_at(writes);
        _exit(write(ready[1], &byte, 1) == 1 && save(scene, which) ? 0 : 1);
    }
    close(ready[1]);
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    if (milliseconds >= 0) {
        clock_sleep(milliseconds);
        kill(child, SIGKILL);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL), "%x", status);
    return status == 0;
}

/* From 0 to a little more than a save takes. */
static double random_delay(struct scene *scene)
{
    scene->random = scene->random * 1103515245 + 12345;
    return scene->milliseconds * 1.2 * (scene->random >> 16 & 0x3fff) / 0x4000;
}

/* A machine may have more to do now than at the rehearsals: what comes about tells. */
static bool save_and_kill(struct scene *scene, save_one *save, size_t which)
{
    bool finished = save_in_child(scene, save, which, random_delay(scene), 0);

    scene->milliseconds *= finished ? 0.95 : 1.05;
    *(finished ? &scene->finished : &scene->ended) += 1;
    return finished;
}

static void begin(struct scene *scene, save_one *save)
{
    *scene = (struct scene){.random = (unsigned)getpid()};
    census_place_begin(&scene->place);
    for (unsigned i = 0; i < SNAPSHOTS; i++)
        scene->snapshots[i] = census_make(i + 1, 60 + i, 20000);
    for (int i = 0; i < REHEARSALS; i++) {
        double start = clock_milliseconds();
        cr_assert(save_in_child(scene, save, 0, -1, 0));
        double took = clock_milliseconds() - start;
        scene->milliseconds = took > scene->milliseconds ? took : scene->milliseconds;
    }
}

/* Both must have come about, or the moments were no moments of a save. */
static void end(struct scene *scene)
{
    cr_expect_gt(scene->ended, KILLS / 10, "%zu of %d", scene->ended, KILLS);
    cr_expect_gt(scene->finished, 0);
    for (unsigned i = 0; i < SNAPSHOTS; i++)
        snapshot_free(&scene->snapshots[i]);
    census_place_end(&scene->place);
}

/* Which of the snapshots is census `number`? */
static size_t which_is(const struct scene *scene, struct census_file *file, size_t number)
{
    struct snapshot loaded;
    struct error err;
    size_t which = 0;

    cr_assert(census_file_load(file, number, &loaded, &err), "%s", err.text);
    cr_expect(loaded.has_objects || scene->most_bytes);
    while (which < SNAPSHOTS &&
           !made_snapshot_equal(&loaded, &scene->snapshots[which], loaded.has_objects))
        which++;
    snapshot_free(&loaded);
    cr_assert_lt(which, SNAPSHOTS, "census %zu is none of those that were saved", number);
    return which;
}

Test(census_killed, a_new_file_is_whole_or_not_there)
{
    struct scene scene;

    begin(&scene, save_file);
    for (int i = 0; i < KILLS; i++) {
        unlink(scene.place.path);
        bool finished = save_and_kill(&scene, save_file, 1);
        if (access(scene.place.path, F_OK) != 0) {
            cr_expect_not(finished);
            continue;
        }
        struct census_file *file = census_open(scene.place.path);
        cr_expect_eq(which_is(&scene, file, 1), 1);
        census_file_close(file);
        cr_expect_leq(census_place_files(&scene.place), 2);
    }
    census_save(scene.place.path, &scene.snapshots[0]);
    cr_expect_eq(census_place_files(&scene.place), 1, "temporary files are left over");
    end(&scene);
}

Test(census_killed, a_replaced_file_is_the_old_one_or_the_new_one)
{
    struct scene scene;
    size_t there = 0;

    begin(&scene, save_file);
    for (int i = 0; i < KILLS; i++) {
        bool finished = save_and_kill(&scene, save_file, !there);
        struct census_file *file = census_open(scene.place.path);
        cr_assert_eq(census_file_count(file), 1);
        size_t found = which_is(&scene, file, 1);
        cr_expect(!finished || found == !there);
        there = found;
        census_file_close(file);
        cr_expect_leq(census_place_files(&scene.place), 2);
    }
    census_save(scene.place.path, &scene.snapshots[0]);
    cr_expect_eq(census_place_files(&scene.place), 1, "temporary files are left over");
    end(&scene);
}

Test(census_killed, a_history_has_one_more_or_not)
{
    struct scene scene;
    size_t count = REHEARSALS;

    begin(&scene, add_to_file);
    for (int i = 0; i < KILLS; i++) {
        size_t which = (size_t)i % SNAPSHOTS;
        bool finished = save_and_kill(&scene, add_to_file, which);
        struct census_file *file = census_open(scene.place.path);
        size_t found = census_file_count(file);
        cr_assert(found == count + 1 || (found == count && !finished), "%zu after %zu", found,
                  count);
        if (found > count)
            cr_expect_eq(which_is(&scene, file, found), which);
        count = found;
        census_file_close(file);
    }
    struct census_file *file = census_open(scene.place.path);
    for (size_t i = 1; i <= count; i++)
        (void)which_is(&scene, file, i);
    census_file_close(file);
    /* A journal that has nothing in it yet is left to the next writer. */
    file = census_open_to_add(scene.place.path);
    census_add(file, &scene.snapshots[0], 0);
    census_file_close(file);
    cr_expect_eq(census_place_files(&scene.place), 1);
    end(&scene);
}

/* Not at random, but each time that something is written, truncated or deleted. */
static void die_at_every_write(uint64_t most_bytes)
{
    size_t count = REHEARSALS, writes = 0;
    bool finished = false;
    struct scene scene;
    struct error err;

    begin(&scene, add_to_file);
    scene.most_bytes = most_bytes;
    while (!finished) {
        finished = save_in_child(&scene, add_to_file, 1, -1, ++writes);
        struct census_file *file = census_open(scene.place.path);
        size_t found = census_file_count(file);
        cr_assert(found == count + 1 || (found == count && !finished), "%zu after %zu at write %zu",
                  found, count, writes);
        for (size_t i = found > count ? 1 : found - 1; i <= found; i++)
            cr_expect_eq(which_is(&scene, file, i), i > REHEARSALS);
        count = found;
        struct census_entry second;
        cr_assert(census_file_entry(file, 2, &second, &err), "%s", err.text);
        cr_expect_eq(second.has_objects, !most_bytes || found == REHEARSALS);
        census_file_close(file);
    }
    scene.ended = writes;
    scene.finished = finished;
    end(&scene);
}

Test(census_killed, every_write_may_be_the_last)
{
    die_at_every_write(0);
}

/* Two thirds of what is there: addresses are dropped, and pages given back. */
Test(census_killed, every_write_of_a_bounded_history_may_be_the_last)
{
    die_at_every_write(200 << 10);
}
