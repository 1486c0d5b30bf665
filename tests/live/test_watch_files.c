// SPDX-License-Identifier: MIT
/* The files that `pyinspect watch` writes: a history, and metrics. */
#include "tests/support/census_place.h"
#include "tests/support/scratch.h"
#include "tests/support/watching.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(watch_files, is_saved_as_a_history, .timeout = 60)
{
    struct census_entry entry;
    struct census_file *file;
    struct scratch scratch;
    struct obedient target;
    struct lasting lasting;
    struct program rows;
    struct error err;
    char path[128];

    scratch_make(&scratch);
    snprintf(path, sizeof(path), "%s/history.census", scratch.path);
    watching_target(&target);
    WATCH(&lasting, target.pid, QUICKLY, "--count", "3", "--save", path);
    lasting_end(&lasting, &rows);
    cr_expect_eq(rows.status, 0, "%s", rows.err);
    cr_assert(census_file_open(&file, path, &err), "%s", err.text);
    cr_expect_eq(census_file_count(file), 3);
    cr_assert(census_file_entry(file, 3, &entry, &err), "%s", err.text);
    cr_expect_eq(entry.origin.pid, target.pid);
    cr_expect(entry.has_objects);
    char claim[64];
    snprintf(claim, sizeof(claim), "rows[2][\"objects\"] == %llu",
             (unsigned long long)entry.objects);
    cr_expect(program_rows_hold(&rows, claim), "%s", claim);
    census_file_close(file);
    program_free(&rows);
    obedient_end(&target);
    scratch_remove(&scratch);
}

#define TELLING(words) "[row[\"sample\"] for row in rows if \"" words "\" in str(row[\"events\"])]"

/* What was saved before would be looked for in vain. */
Test(watch_files, a_history_that_is_another_is_told_of, .timeout = 60)
{
    struct scratch scratch;
    struct obedient target;
    struct lasting lasting;
    struct program rows;
    char path[128];

    scratch_make(&scratch);
    snprintf(path, sizeof(path), "%s/history.census", scratch.path);
    watching_target(&target);
    WATCH(&lasting, target.pid, QUICKLY, "--every", "1s", "--count", "5", "--save", path);
    watching_skip(&lasting, 1);
    cr_assert_eq(unlink(path), 0);
    watching_skip(&lasting, 2);
    scratch_run(&scratch, "cp history.census copy && mv copy history.census");
    lasting_end(&lasting, &rows);
    cr_expect_eq(rows.status, 0, "%s", rows.err);
    cr_expect(program_rows_hold(&rows, TELLING("was deleted or replaced") " == [2, 4]"), "%s",
              rows.out);
    struct census_file *file = census_open(path);
    cr_expect_eq(census_file_count(file), 4);
    census_file_close(file);
    program_free(&rows);
    obedient_end(&target);
    scratch_remove(&scratch);
}

/* Counts are never dropped. */
Test(watch_files, a_history_that_outgrows_its_bound_is_told_of_once, .timeout = 60)
{
    struct snapshot large = census_make(1, 50000, 50000);
    struct scratch scratch;
    struct obedient target;
    struct lasting lasting;
    struct program rows;
    char path[128];

    scratch_make(&scratch);
    snprintf(path, sizeof(path), "%s/history.census", scratch.path);
    census_save(path, &large);
    snapshot_free(&large);
    watching_target(&target);
    WATCH(&lasting, target.pid, QUICKLY, "--count", "3", "--save", path, "--max-file", "1M");
    lasting_end(&lasting, &rows);
    cr_expect_eq(rows.status, 0, "%s", rows.err);
    cr_expect(program_rows_hold(&rows, TELLING("more than --max-file 1.0 MiB") " == [1]"), "%s",
              rows.out);
    program_free(&rows);
    obedient_end(&target);
    scratch_remove(&scratch);
}

/* A metrics file that an earlier watch left does not say for ever that all is well. */
Test(watch_files, takes_away_the_metrics_of_who_is_gone, .timeout = 60)
{
    struct scratch scratch;
    struct obedient target;
    struct program program;
    char number[16], path[128];

    scratch_make(&scratch);
    watching_target(&target);
    snprintf(number, sizeof(number), "%d", (int)target.pid);
    snprintf(path, sizeof(path), "%s/shop.prom", scratch.path);
    const char *const words[] = {"watch", number, "--count", "1", "--prometheus", path, NULL};
    program_run(&program, words);
    cr_expect_eq(program.status, 0, "%s", program.err);
    cr_expect_eq(access(path, F_OK), 0);
    program_free(&program);
    obedient_end(&target);
    program_run(&program, words);
    cr_expect_eq(program.status, 3, "%s", program.err);
    cr_expect_neq(access(path, F_OK), 0, "it is still there");
    program_free(&program);
    scratch_remove(&scratch);
}

/* What is no Python will not be one later. */
Test(watch_files, ends_at_once_where_there_is_none, .timeout = 60)
{
    struct scratch scratch;
    struct program program;
    char own[16], path[128];

    scratch_make(&scratch);
    snprintf(path, sizeof(path), "%s/history.census", scratch.path);
    snprintf(own, sizeof(own), "%d", (int)getpid());
    program_run(&program, (const char *const[]){"watch", own, "--save", path, NULL});
    cr_expect_eq(program.status, 4, "%s", program.err);
    cr_expect_neq(access(path, F_OK), 0, "an empty file is left");
    program_free(&program);
    scratch_remove(&scratch);
}

/* What is there and is no file of metrics stays, and so does a history. */
Test(watch_files, replaces_nothing_but_metrics, .timeout = 60)
{
    static const struct {
        const char *save, *metrics, *says;
    } pairs[] = {
        {NULL, "victim.prom", "is no file of metrics that pyinspect wrote"},
        {NULL, "link.prom", "is no file of metrics that pyinspect wrote"},
        {NULL, "shop.txt", "whose names end in .prom"},
        {"week.prom", "week.prom", "are the same file"},
        {"week.prom", "census.prom", "are the same file"},
        {"new.prom", "./new.prom", "are the same file"},
    };
    struct scratch scratch;
    struct obedient target;
    struct program program;
    char number[16], save[128], metrics[128];

    scratch_make(&scratch);
    watching_target(&target);
    snprintf(number, sizeof(number), "%d", (int)target.pid);
    snprintf(save, sizeof(save), "%s/week.prom", scratch.path);
    program_run(&program,
                (const char *const[]){"watch", number, "--count", "1", "--save", save, NULL});
    cr_assert_eq(program.status, 0, "%s", program.err);
    program_free(&program);
    scratch_run(&scratch, "echo 'print(1)' >victim.prom && ln -s victim.prom link.prom && "
                          "ln -s week.prom census.prom && cp week.prom copy");
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        snprintf(metrics, sizeof(metrics), "%s/%s", scratch.path, pairs[i].metrics);
        snprintf(save, sizeof(save), "%s/%s", scratch.path, pairs[i].save ? pairs[i].save : "");
        program_run(&program,
                    (const char *const[]){"watch", number, "--count", "1", "--prometheus", metrics,
                                          pairs[i].save ? "--save" : NULL, save, NULL});
        cr_expect_eq(program.status, 2, "%zu: %s", i, program.err);
        cr_expect(strstr(program.err, pairs[i].says), "%s", program.err);
        program_free(&program);
    }
    scratch_run(&scratch, "test \"$(cat victim.prom)\" = 'print(1)' && cmp week.prom copy && "
                          "test ! -e new.prom");
    obedient_end(&target);
    scratch_remove(&scratch);
}
