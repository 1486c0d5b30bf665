// SPDX-License-Identifier: MIT
#include "inspector/store/profile.pb-c.h"
#include "inspector/store/traces_export.h"
#include "tests/support/random_traces.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

TestSuite(traces_export, .timeout = 60);

struct written {
    char *bytes;
    size_t length;
};

typedef bool writer(FILE *out, const struct traces *traces, struct error *err);

static struct written export(writer *to, const struct traces *traces)
{
    struct written written = {.bytes = NULL};
    struct error err;
    FILE *out = open_memstream(&written.bytes, &written.length);

    cr_assert(out);
    cr_assert(to(out, traces, &err), "%s", err.text);
    fclose(out);
    return written;
}

static void add(struct traces_builder *builder, const char *name, uint32_t total, uint32_t domain,
                uint64_t size, uint64_t count)
{
    struct trace_frame frames[2] = {{0, 7}, {0, 12}};
    struct error err;
    uint32_t stack;

    cr_assert(traces_builder_file(builder, name, strlen(name), &frames[0].file, &err) &&
              traces_builder_file(builder, "main.py", 7, &frames[1].file, &err) &&
              traces_builder_stack(builder, frames, 2, total, &stack, &err) &&
              traces_builder_add(builder, domain, stack, size, count, &err));
}

static void make_few(struct traces *ret)
{
    struct traces_builder *builder = traces_builder_new();
    struct error err;

    add(builder, "a b.py", 2, 0, 100, 3);
    add(builder, "a b.py", 2, 0, 1000, 1);
    add(builder, "a b.py", 2, 5, 50, 2);
    add(builder, "<x>;\n\xff.py", 12, 0, UINT64_MAX, 2);
    cr_assert(traces_builder_finish(builder, ret, &err), "%s", err.text);
}

Test(traces_export, folded)
{
    struct traces traces = {.file_count = 0};

    make_few(&traces);
    struct written folded = export(traces_write_folded, &traces);
    cr_expect_str_eq(folded.bytes,
                     "[10 frames not stored];main.py:12;<x>:??.py:7 18446744073709551615\n"
                     "main.py:12;a b.py:7 1400\n");
    free(folded.bytes);
    traces_free(&traces);
}

static Pprof__Profile *read_profile(const struct written *written)
{
    enum { MOST = 1 << 24 };
    uint8_t *bytes = malloc(MOST);
    z_stream stream = {.next_in = (void *)written->bytes, .avail_in = (unsigned)written->length};

    cr_assert(bytes && inflateInit2(&stream, 15 + 16) == Z_OK);
    stream.next_out = bytes;
    stream.avail_out = MOST;
    cr_assert_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
    Pprof__Profile *profile = pprof__profile__unpack(NULL, stream.total_out, bytes);
    inflateEnd(&stream);
    free(bytes);
    cr_assert(profile);
    return profile;
}

static const char *string(const Pprof__Profile *profile, int64_t number)
{
    cr_assert(number >= 0 && (size_t)number < profile->n_string_table);
    return profile->string_table[number];
}

/* What a frame of a sample is called. */
static const char *frame(const Pprof__Profile *profile, const Pprof__Sample *sample, size_t number)
{
    const Pprof__Location *location = profile->location[sample->location_id[number] - 1];
    const Pprof__Function *function = profile->function[location->line[0]->function_id - 1];

    cr_assert_eq(location->id, sample->location_id[number]);
    cr_assert_eq(function->id, location->line[0]->function_id);
    cr_expect_eq(location->line[0]->line, function->start_line);
    return string(profile, function->name);
}

Test(traces_export, pprof)
{
    struct traces traces = {.file_count = 0};

    make_few(&traces);
    struct written written = export(traces_write_pprof, &traces);
    Pprof__Profile *profile = read_profile(&written);
    cr_expect_str_eq(string(profile, 0), "");
    cr_expect_str_eq(string(profile, profile->sample_type[0]->type), "inuse_objects");
    cr_expect_str_eq(string(profile, profile->sample_type[0]->unit), "count");
    cr_expect_str_eq(string(profile, profile->sample_type[1]->type), "inuse_space");
    cr_expect_str_eq(string(profile, profile->sample_type[1]->unit), "bytes");
    cr_expect_str_eq(string(profile, profile->default_sample_type), "inuse_space");
    cr_assert_eq(profile->n_sample, 3);
    cr_expect_eq(profile->sample[0]->value[1], INT64_MAX);
    cr_expect_str_eq(frame(profile, profile->sample[0], 0), "<x>;??.py:7");
    const Pprof__Sample *sample = profile->sample[1];
    cr_expect_str_eq(frame(profile, sample, 0), "a b.py:7");
    cr_expect_str_eq(frame(profile, sample, 1), "main.py:12");
    cr_expect(sample->value[0] == 4 && sample->value[1] == 1300 && sample->n_label == 0);
    sample = profile->sample[2];
    cr_expect(sample->value[0] == 2 && sample->value[1] == 100 && sample->n_label == 1);
    cr_expect_str_eq(string(profile, sample->label[0]->key), "domain");
    cr_expect_eq(sample->label[0]->num, 5);
    pprof__profile__free_unpacked(profile, NULL);
    free(written.bytes);
    traces_free(&traces);
}

/* All samples together are all blocks. */
Test(traces_export, pprof_of_many)
{
    static const struct random_traces options = {
        .seed = 4, .files = 300, .stacks = 5000, .rows = 20000, .with_totals = true};
    struct traces traces;
    uint64_t blocks = 0, bytes = 0;

    random_traces(&traces, &options);
    struct written written = export(traces_write_pprof, &traces);
    Pprof__Profile *profile = read_profile(&written);
    for (size_t i = 0; i < profile->n_sample; i++) {
        blocks += (uint64_t)profile->sample[i]->value[0];
        bytes += (uint64_t)profile->sample[i]->value[1];
        for (size_t j = 0; j < profile->sample[i]->n_location_id; j++)
            cr_expect(strchr(frame(profile, profile->sample[i], j), ':'));
    }
    cr_expect_eq(blocks, traces.blocks);
    cr_expect_eq(bytes, traces.bytes);
    cr_expect(strstr(string(profile, profile->comment[0]), "of process 4321, Python 3.11.2"));
    cr_expect_str_eq(string(profile, profile->mapping[0]->filename), "/usr/bin/python3.11");
    cr_expect_eq(profile->time_nanos, traces.occasion.taken_ms * 1000000);
    pprof__profile__free_unpacked(profile, NULL);
    free(written.bytes);
    traces_free(&traces);
}

Test(traces_export, a_write_that_fails)
{
    static writer *const writers[] = {traces_write_folded, traces_write_pprof};
    static const struct random_traces options = {.seed = 1, .files = 9, .stacks = 900, .rows = 900};
    struct traces traces;

    random_traces(&traces, &options);
    for (size_t i = 0; i < 2; i++) {
        struct error err = {.kind = ERROR_NONE};
        FILE *full = fopen("/dev/full", "w");
        cr_assert(full);
        cr_expect_not(writers[i](full, &traces, &err));
        cr_expect(err.kind == ERROR_OUTPUT && strstr(err.text, "No space left"), "%s", err.text);
        fclose(full);
    }
    traces_free(&traces);
}
