// SPDX-License-Identifier: MIT
#include "inspector/store/profile.pb-c.h"
#include "inspector/store/trace_lines.h"
#include "inspector/store/traces_export.h"
#include "symbols/base/saturate.h"
#include "symbols/base/text.h"

#define ZLIB_CONST /* what is deflated stays as it is */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* The first strings, whose numbers are known; files follow, and what their lines are called. */
enum {
    NOTHING,
    INUSE_OBJECTS,
    COUNT,
    INUSE_SPACE,
    BYTES,
    DOMAIN_LABEL,
    PROGRAM,
    PROCESS,
    FIRST_FILE,
};

enum {
    MAPPING = 1,         /* the only one */
    GZIP_BITS = 15 + 16, /* zlib's word for a gzip of the largest window */
    CHUNK = 65536,
};

/* Takes what protobuf-c packs. A message is as good in pieces, one after the other, as it is whole:
 * so each thing in the profile is packed alone, and memory is needed for one. */
struct gzip {
    ProtobufCBuffer base; /* first: protobuf-c knows nothing of the rest */
    FILE *out;
    z_stream stream;
    unsigned char chunk[CHUNK];
};

static void deflate_all(struct gzip *gzip, int flush)
{
    do {
        gzip->stream.next_out = gzip->chunk;
        gzip->stream.avail_out = sizeof(gzip->chunk);
        deflate(&gzip->stream, flush);
        fwrite(gzip->chunk, 1, sizeof(gzip->chunk) - gzip->stream.avail_out, gzip->out);
    } while (gzip->stream.avail_out == 0);
}

static void append(ProtobufCBuffer *buffer, size_t length, const uint8_t *bytes)
{
    struct gzip *gzip = (struct gzip *)buffer;

    while (length) {
        size_t some = length < UINT_MAX ? length : UINT_MAX;
        gzip->stream.next_in = bytes;
        gzip->stream.avail_in = (unsigned)some;
        deflate_all(gzip, Z_NO_FLUSH);
        bytes += some;
        length -= some;
    }
}

static void put(struct gzip *gzip, const Pprof__Profile *profile)
{
    pprof__profile__pack_to_buffer(profile, &gzip->base);
}

struct writing {
    struct gzip *gzip;
    const struct traces *traces;
    struct trace_lines lines;
    struct text text;
    uint64_t *locations; /* of the longest stack */
};

static uint64_t line_id(size_t number)
{
    return (uint64_t)number + 1;
}

/* Strings */

static void put_string(struct writing *writing, const char *string)
{
    Pprof__Profile profile = PPROF__PROFILE__INIT;
    size_t length = strlen(string);
    char *copy = malloc(length + 1); /* protobuf-c wants one that could be written to */

    if (!copy) {
        writing->text.failed = true;
        return;
    }
    memcpy(copy, string, length + 1);
    profile.n_string_table = 1;
    profile.string_table = &copy;
    put(writing->gzip, &profile);
    free(copy);
}

static void put_text(struct writing *writing)
{
    if (!writing->text.failed)
        put_string(writing, writing->text.bytes ? writing->text.bytes : "");
    text_clear(&writing->text);
}

static void put_process(struct writing *writing)
{
    const struct traces *traces = writing->traces;

    text_addf(&writing->text, "tracemalloc: at most %" PRIu32 " frames of a traceback",
              traces->traceback_limit);
    if (traces->has_origin) {
        text_addf(&writing->text, ", of process %ld, Python ", (long)traces->origin.pid);
        text_add_escaped(&writing->text, traces->origin.version, strlen(traces->origin.version), 0);
    }
    put_text(writing);
}

static void put_strings(struct writing *writing)
{
    static const char *const names[] = {"",      "inuse_objects", "count", "inuse_space",
                                        "bytes", "domain"};
    const struct traces *traces = writing->traces;
    const char *program = traces->has_origin ? traces->origin.executable : "python";

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        put_string(writing, names[i]);
    traces_export_name(&writing->text, &(struct trace_file){program, strlen(program)}, ';');
    put_text(writing);
    put_process(writing);
    for (size_t i = 0; i < traces->file_count; i++) {
        traces_export_name(&writing->text, &traces->files[i], ';');
        put_text(writing);
    }
    for (size_t i = 0; i < writing->lines.count; i++) {
        struct trace_frame frame = trace_lines_get(&writing->lines, i);
        traces_export_name(&writing->text, &traces->files[frame.file], ';');
        text_addf(&writing->text, ":%" PRIu32, frame.line);
        put_text(writing);
    }
}

/* All else */

static void put_head(struct writing *writing)
{
    Pprof__Profile profile = PPROF__PROFILE__INIT;
    Pprof__ValueType objects = PPROF__VALUE_TYPE__INIT, space = PPROF__VALUE_TYPE__INIT;
    Pprof__ValueType *types[] = {&objects, &space};
    Pprof__Mapping mapping = PPROF__MAPPING__INIT;
    Pprof__Mapping *mappings[] = {&mapping};
    int64_t comments[] = {PROCESS};

    objects.type = INUSE_OBJECTS;
    objects.unit = COUNT;
    space.type = INUSE_SPACE;
    space.unit = BYTES;
    /* There is nothing that pprof could look up in the program. */
    mapping.id = MAPPING;
    mapping.filename = PROGRAM;
    mapping.has_functions = mapping.has_filenames = mapping.has_line_numbers = true;
    profile.n_sample_type = 2;
    profile.sample_type = types;
    profile.n_mapping = 1;
    profile.mapping = mappings;
    profile.n_comment = 1;
    profile.comment = comments;
    profile.default_sample_type = INUSE_SPACE;
    if (__builtin_mul_overflow(writing->traces->occasion.taken_ms, INT64_C(1000000),
                               &profile.time_nanos))
        profile.time_nanos = 0;
    put(writing->gzip, &profile);
}

static void put_line(struct writing *writing, size_t number)
{
    struct trace_frame frame = trace_lines_get(&writing->lines, number);
    Pprof__Profile profile = PPROF__PROFILE__INIT;
    Pprof__Function function = PPROF__FUNCTION__INIT;
    Pprof__Function *functions[] = {&function};
    Pprof__Line line = PPROF__LINE__INIT;
    Pprof__Line *lines[] = {&line};
    Pprof__Location location = PPROF__LOCATION__INIT;
    Pprof__Location *locations[] = {&location};

    function.id = line_id(number);
    function.name = (int64_t)(FIRST_FILE + writing->traces->file_count + number);
    function.filename = (int64_t)(FIRST_FILE + (size_t)frame.file);
    function.start_line = frame.line;
    line.function_id = line_id(number);
    line.line = frame.line;
    location.id = line_id(number);
    location.mapping_id = MAPPING;
    location.n_line = 1;
    location.line = lines;
    profile.n_function = 1;
    profile.function = functions;
    profile.n_location = 1;
    profile.location = locations;
    put(writing->gzip, &profile);
}

static int64_t signed_of(uint64_t number)
{
    return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

static void put_sample(struct writing *writing, const struct trace_row *row, uint64_t blocks,
                       uint64_t bytes)
{
    const struct trace_stack *stack = &writing->traces->stacks[row->stack];
    Pprof__Profile profile = PPROF__PROFILE__INIT;
    Pprof__Label label = PPROF__LABEL__INIT;
    Pprof__Label *labels[] = {&label};
    Pprof__Sample sample = PPROF__SAMPLE__INIT;
    Pprof__Sample *samples[] = {&sample};
    int64_t values[] = {signed_of(blocks), signed_of(bytes)};

    for (uint32_t i = 0; i < stack->frames; i++)
        writing->locations[i] =
            line_id(trace_lines_find(&writing->lines, &writing->traces->frames[stack->first + i]));
    label.key = DOMAIN_LABEL;
    label.num = row->domain;
    sample.n_location_id = stack->frames;
    sample.location_id = writing->locations;
    sample.n_value = 2;
    sample.value = values;
    sample.n_label = row->domain != 0;
    sample.label = labels;
    profile.n_sample = 1;
    profile.sample = samples;
    put(writing->gzip, &profile);
}

/* Rows of one domain and stack follow each other. */
static void put_samples(struct writing *writing)
{
    const struct traces *traces = writing->traces;
    uint64_t blocks = 0, bytes = 0;

    for (size_t i = 0; i < traces->row_count && !ferror(writing->gzip->out); i++) {
        const struct trace_row *row = &traces->rows[i], *next = row + 1;
        add_saturating(&blocks, row->count);
        add_saturating(&bytes, multiply_saturating(row->size, row->count));
        if (i + 1 < traces->row_count && next->domain == row->domain && next->stack == row->stack)
            continue;
        put_sample(writing, row, blocks, bytes);
        blocks = bytes = 0;
    }
}

static bool prepare(struct writing *writing, struct error *err)
{
    const struct traces *traces = writing->traces;
    uint32_t longest = 0;

    for (size_t i = 0; i < traces->stack_count; i++)
        if (traces->stacks[i].frames > longest)
            longest = traces->stacks[i].frames;
    writing->locations = calloc((size_t)longest + 1, sizeof(*writing->locations));
    return writing->locations ? trace_lines_make(&writing->lines, traces, err) : error_memory(err);
}

static bool write_profile(struct writing *writing, struct error *err)
{
    struct gzip *gzip = writing->gzip;

    put_head(writing);
    put_strings(writing);
    for (size_t i = 0; i < writing->lines.count; i++)
        put_line(writing, i);
    put_samples(writing);
    gzip->stream.avail_in = 0;
    deflate_all(gzip, Z_FINISH);
    if (writing->text.failed)
        return error_memory(err);
    return (fflush(gzip->out) == 0 && !ferror(gzip->out)) ||
           error_errno(err, ERROR_OUTPUT, "cannot write the profile");
}

bool traces_write_pprof(FILE *out, const struct traces *traces, struct error *err)
{
    struct gzip *gzip = calloc(1, sizeof(*gzip));
    struct writing writing = {.gzip = gzip, .traces = traces};

    if (!gzip || deflateInit2(&gzip->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_BITS, 8,
                              Z_DEFAULT_STRATEGY) != Z_OK) {
        free(gzip);
        return error_memory(err);
    }
    gzip->base.append = append;
    gzip->out = out;
    bool done = prepare(&writing, err) && write_profile(&writing, err);
    deflateEnd(&gzip->stream);
    free(gzip);
    free(writing.locations);
    trace_lines_free(&writing.lines);
    text_free(&writing.text);
    return done;
}
