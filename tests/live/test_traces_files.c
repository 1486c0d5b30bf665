// SPDX-License-Identifier: MIT
/* Saved and exported traces, and the programs of others that write and read them. */
#include "inspector/store/traces_export.h"
#include "inspector/store/traces_file.h"
#include "inspector/store/traces_pickle.h"
#include "tests/support/pythons.h"
#include "tests/support/random_traces.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(traces_files, .timeout = 600);

static const struct random_traces many = {
    .seed = 4, .files = 40, .stacks = 300, .rows = 900, .with_totals = true};

typedef bool writer(FILE *out, const struct traces *traces, struct error *err);

static void export_as(const struct scratch *scratch, const char *name, writer *to,
                      const struct traces *traces)
{
    struct error err;
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", scratch->path, name);
    FILE *out = fopen(path, "w");
    cr_assert(out);
    cr_assert(to(out, traces, &err), "%s", err.text);
    cr_assert_eq(fclose(out), 0);
}

static void load(const struct scratch *scratch, const char *name, struct traces *ret)
{
    struct error err;
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", scratch->path, name);
    cr_assert(traces_file_load(path, ret, &err), "%s", err.text);
}

static void run_snapshots(const struct scratch *scratch, const char *python, const char *words)
{
    char root[512];

    cr_assert(getcwd(root, sizeof(root)));
    scratch_run(scratch, "'%s' -B '%s/tests/targets/dumped.py' %s", python, root, words);
}

/* What this Python dumps is read; written again, it is the same to it. */
static void go_round(const struct scratch *scratch, const struct interpreter *python, int protocol)
{
    struct traces traces = {.file_count = 0}, again = {.file_count = 0};
    char words[64];

    snprintf(words, sizeof(words), "dump real %d", protocol);
    run_snapshots(scratch, python->path, words);
    run_snapshots(scratch, python->path, "tell real >told");
    load(scratch, "real", &traces);
    export_as(scratch, "ours", traces_pickle_write, &traces);
    run_snapshots(scratch, python->path, "tell ours >again");
    scratch_run(scratch, "cmp told again");
    load(scratch, "ours", &again);
    cr_expect(traces.blocks == again.blocks && traces.bytes == again.bytes, "%s", python->name);
    cr_expect_gt(traces.blocks, 500);
    traces_free(&traces);
    traces_free(&again);
}

Test(traces_files, snapshots_of_every_python)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);
    struct scratch scratch;

    scratch_make(&scratch);
    for (size_t i = 0; i < count; i++) {
        if (!pythons_is_first(pythons, i))
            continue;
        go_round(&scratch, &pythons[i], 2);
        go_round(&scratch, &pythons[i], 5);
    }
    scratch_remove(&scratch);
}

/* One file for all: 3.8 and older cut off what they have no place for. Only how many frames there
 * were, and the order of 3.6, tell what they print apart. */
Test(traces_files, a_snapshot_for_every_python)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);
    struct scratch scratch;
    struct traces traces;

    scratch_make(&scratch);
    random_traces(&traces, &many);
    export_as(&scratch, "ours", traces_pickle_write, &traces);
    for (size_t i = 0; i < count; i++) {
        if (!pythons_is_first(pythons, i))
            continue;
        run_snapshots(&scratch, pythons[i].path,
                      "tell ours | sed '$d' | sed 's/ total_nframe=[0-9]*//' >told");
        scratch_run(&scratch, "test -s told && head -n 1 told | grep -qx '12 %llu'",
                    (unsigned long long)traces.blocks);
        if (pythons[i].minor >= 7)
            scratch_run(&scratch, "[ ! -e first ] && cp told first; sed '1,/^\\[/d' told >a; "
                                  "sed '1,/^\\[/d' first >b; cmp a b");
    }
    traces_free(&traces);
    scratch_remove(&scratch);
}

/* The viewer that `npm install speedscope` puts into build/speedscope, in a browser without any
 * network: its table of frames, as text. */
static struct text view(const struct scratch *scratch, const char *name)
{
    struct text dom = {.bytes = NULL};
    char root[512];
    size_t size;

    cr_assert(getcwd(root, sizeof(root)));
    scratch_run(
        scratch,
        "printf 'speedscope.loadFileFromBase64(\"%s\",\"%%s\")' \"$(base64 -w0 %s)\" >%s.js && "
        "HOME=\"$PWD\" chromium --headless --no-sandbox --disable-gpu "
        "--user-data-dir=browser --host-resolver-rules=\"MAP * ~NOTFOUND\" "
        "--proxy-server=127.0.0.1:9 --enable-logging=stderr --virtual-time-budget=8000 "
        "--dump-dom \"file://%s/build/speedscope/node_modules/speedscope/dist/release/"
        "index.html#localProfilePath=$PWD/%s.js&view=sandwich\" >dom 2>log",
        name, name, name, root, name);
    unsigned char *bytes = scratch_read(scratch, "dom", &size);
    text_add_bytes(&dom, (const char *)bytes, size);
    free(bytes);
    cr_assert_not(dom.failed);
    return dom;
}

static void make_few(struct traces *ret)
{
    struct traces_builder *builder = traces_builder_new();
    struct trace_frame frames[2] = {{0, 7}, {0, 12}};
    struct error err;
    uint32_t stack;

    cr_assert(traces_builder_file(builder, "<frozen order>", 14, &frames[0].file, &err) &&
                  traces_builder_file(builder, "main.py", 7, &frames[1].file, &err) &&
                  traces_builder_stack(builder, frames, 2, 2, &stack, &err) &&
                  traces_builder_add(builder, 0, stack, 1000, 3, &err) &&
                  traces_builder_stack(builder, frames + 1, 1, 1, &stack, &err) &&
                  traces_builder_add(builder, 3, stack, 500, 2, &err) &&
                  traces_builder_finish(builder, ret, &err),
              "%s", err.text);
}

Test(traces_files, speedscope_reads_both_exports)
{
    struct traces traces = {.file_count = 0};
    struct scratch scratch;

    if (access("build/speedscope/node_modules/speedscope", F_OK) != 0)
        cr_skip_test("no speedscope: npm could not install it");
    scratch_make(&scratch);
    make_few(&traces);
    export_as(&scratch, "few.folded", traces_write_folded, &traces);
    export_as(&scratch, "few.pb.gz", traces_write_pprof, &traces);
    struct text dom = view(&scratch, "few.folded");
    cr_expect(strstr(dom.bytes, "3,000 (75%)"), "%s", dom.bytes);
    cr_expect(strstr(dom.bytes, "1,000 (25%)") && strstr(dom.bytes, "4,000 (100%)"));
    cr_expect(strstr(dom.bytes, "&lt;frozen order&gt;:7") && strstr(dom.bytes, "main.py:12"));
    text_free(&dom);
    dom = view(&scratch, "few.pb.gz");
    cr_expect(strstr(dom.bytes, "2.93 KB (75%)"), "%s", dom.bytes);
    cr_expect(strstr(dom.bytes, "1,000 B (25%)") || strstr(dom.bytes, "1000 B (25%)"), "%s",
              dom.bytes);
    cr_expect(strstr(dom.bytes, "&lt;frozen order&gt;:7") && strstr(dom.bytes, "main.py:12"));
    text_free(&dom);
    traces_free(&traces);
    scratch_remove(&scratch);
}

/* What `go tool pprof` starts. */
static const char find_pprof[] =
    "pprof=$(ls '%s'/build/unpacked/usr/lib/go-*/pkg/tool/*/pprof "
    "/usr/lib/go-*/pkg/tool/*/pprof 2>/dev/null | head -n 1) && test -x \"$pprof\" && ";

Test(traces_files, pprof_reads_its_export)
{
    struct traces traces = {.file_count = 0};
    struct scratch scratch;
    char root[512], command[1024];

    cr_assert(getcwd(root, sizeof(root)));
    scratch_make(&scratch);
    make_few(&traces);
    export_as(&scratch, "few.pb.gz", traces_write_pprof, &traces);
    snprintf(command, sizeof(command), find_pprof, root);
    scratch_run(
        &scratch,
        "export HOME=$PWD; %s\"$pprof\" -top few.pb.gz >top 2>&1 && "
        "grep -q ' 3000B 75.00%% 75.00%%      3000B 75.00%%  <frozen order>:7$' top && "
        "grep -q ' 1000B 25.00%%   100%%      4000B   100%%  main.py:12$' top && "
        "grep -q '^Type: inuse_space$' top && "
        "\"$pprof\" -top -sample_index=inuse_objects few.pb.gz 2>&1 | grep -q ' of 5 total' && "
        "\"$pprof\" -tags few.pb.gz 2>&1 | grep -q 'domain' && "
        "\"$pprof\" -top -filefunctions few.pb.gz 2>&1 | grep -q 'main.py:12 main.py$'",
        command);
    traces_free(&traces);
    scratch_remove(&scratch);
}
