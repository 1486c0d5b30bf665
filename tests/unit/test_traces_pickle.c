// SPDX-License-Identifier: MIT
#include "inspector/store/traces_pickle.h"
#include "tests/support/random_traces.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(traces_pickle, .timeout = 300);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct random_traces few = {
    .seed = 1, .files = 6, .stacks = 9, .rows = 30, .with_totals = true};

struct pickle {
    char *bytes;
    size_t length;
};

static struct pickle pickled(const struct traces *traces)
{
    struct pickle pickle = {.bytes = NULL};
    struct error err;
    FILE *out = open_memstream(&pickle.bytes, &pickle.length);

    cr_assert(out);
    cr_assert(traces_pickle_write(out, traces, &err), "%s", err.text);
    fclose(out);
    return pickle;
}

/* From a block of exactly its size, so that reading beyond it is seen. */
static bool unpickle(const void *bytes, size_t length, struct traces *ret, struct error *err)
{
    void *copy = malloc(length ? length : 1);

    cr_assert(copy);
    memcpy(copy, bytes, length);
    bool done = traces_pickle_read(copy, length, "test.pickle", ret, err);
    free(copy);
    return done;
}

#define REFUSES(literal, words) refuses(literal, sizeof(literal) - 1, words)

static void refuses(const char *bytes, size_t length, const char *words)
{
    struct traces traces = {.file_count = 0};
    struct error err = {.kind = ERROR_NONE};

    cr_expect_not(unpickle(bytes, length, &traces, &err), "%s", words);
    cr_expect_eq(err.kind, ERROR_INPUT);
    cr_expect(strstr(err.text, words), "%s: %s", words, err.text);
    cr_expect(strstr(err.text, "test.pickle"), "%s", err.text);
}

Test(traces_pickle, what_is_written_is_read)
{
    static const struct random_traces options[] = {
        {.seed = 1, .files = 6, .stacks = 9, .rows = 30, .with_totals = true},
        {.seed = 2, .files = 1, .stacks = 1, .rows = 1, .with_totals = true},
        {.seed = 3, .files = 1, .stacks = 1, .rows = 0},
        {.seed = 4, .files = 300, .stacks = 5000, .rows = 20000, .with_totals = true},
    };

    for (size_t i = 0; i < COUNT(options); i++) {
        struct traces traces, again = {.file_count = 0};
        struct error err = {.kind = ERROR_NONE};
        random_traces(&traces, &options[i]);
        struct pickle pickle = pickled(&traces);
        cr_expect(traces_pickle_is(pickle.bytes, pickle.length));
        cr_expect(unpickle(pickle.bytes, pickle.length, &again, &err), "%s", err.text);
        cr_expect(random_traces_equal(&traces, &again, false), "%zu", i);
        cr_expect_not(again.has_origin || again.newest_first);
        free(pickle.bytes);
        traces_free(&traces);
        traces_free(&again);
    }
}

/* A total that nobody told is the number of frames; bytes that are no text become surrogates. */
static void add_odd(struct traces_builder *builder, const char *name, size_t length, uint32_t total)
{
    static const uint64_t sizes[] = {0,          255,        256,
                                     65535,      65536,      0x7fffffff,
                                     0x80000000, 0xffffffff, UINT64_C(1) << 39,
                                     INT64_MAX,  UINT64_MAX};
    struct trace_frame frame = {0, 300};
    struct error err;
    uint32_t stack;

    cr_assert(traces_builder_file(builder, name, length, &frame.file, &err));
    cr_assert(traces_builder_stack(builder, &frame, 1, total, &stack, &err));
    for (size_t i = 0; i < COUNT(sizes); i++)
        cr_assert(traces_builder_add(builder, UINT32_MAX, stack, sizes[i], 1 + i * 700, &err));
}

Test(traces_pickle, odd_names_and_great_numbers)
{
    struct traces_builder *odd = traces_builder_new(), *plain = traces_builder_new();
    struct traces traces = {.file_count = 0}, wanted = {.file_count = 0}, again = {.file_count = 0};
    struct error err = {.kind = ERROR_NONE};

    add_odd(odd, "a\xff\0b", 4, 0);
    add_odd(plain, "a\xed\xb3\xbf\0b", 6, 1);
    add_odd(odd, "", 0, UINT32_MAX);
    add_odd(plain, "", 0, UINT32_MAX);
    cr_assert(traces_builder_finish(odd, &traces, &err) &&
              traces_builder_finish(plain, &wanted, &err));
    struct pickle pickle = pickled(&traces);
    cr_expect(unpickle(pickle.bytes, pickle.length, &again, &err), "%s", err.text);
    cr_expect(random_traces_equal(&wanted, &again, false));
    free(pickle.bytes);
    traces_free(&traces);
    traces_free(&wanted);
    traces_free(&again);
}

/* As Python 3.8 writes it, with tuples of three; and by hand with a tuple of traces. */
Test(traces_pickle, tuples_of_three)
{
    static const char bytes[] =
        "\x80\x02"
        "ctracemalloc\nSnapshot\nq\x00)\x81q\x01}q\x02(X\x06\x00\x00\x00traces"
        "q\x03"
        "ctracemalloc\n_Traces\nq\x04)\x81q\x05}q\x06X\x07\x00\x00\x00"
        "_tracesq\x07"
        "K\x02\x8a\x05\x00\x00\x00\x00\x01X\x01\x00\x00\x00xq\x09"
        "K\x03\x86q\x0a\x85q\x0b\x87q\x0c\x85sbX\x0f\x00\x00\x00traceback_limit"
        "q\x0dK\x02ub.";
    struct traces traces = {.file_count = 0};
    struct error err = {.kind = ERROR_NONE};

    cr_assert(unpickle(bytes, sizeof(bytes) - 1, &traces, &err), "%s", err.text);
    cr_expect_eq(traces.row_count, 1);
    cr_expect_eq(traces.rows[0].domain, 2);
    cr_expect_eq(traces.rows[0].size, UINT64_C(1) << 32);
    cr_expect_eq(traces.stacks[0].all_frames, 0);
    cr_expect_eq(traces.frames[0].line, 3);
    cr_expect_str_eq(traces.files[0].name, "x");
    cr_expect_eq(traces.traceback_limit, 2);
    traces_free(&traces);
}

/* Nothing but a Snapshot is read, and it is said where something else begins. */
Test(traces_pickle, other_pickles_are_refused)
{
    REFUSES("\x80\x06", "a protocol that is not known here at byte 0");
    REFUSES("\x80\x04\x8c\x02os\x8c\x06system\x93", "no Snapshot has at byte 14");
    REFUSES("\x80\x02"
            "cos\nsystem\n",
            "no Snapshot has at byte 2");
    REFUSES("\x80\x02"
            "cposix\nsystem\nX\x02\x00\x00\x00id\x85R.",
            "no Snapshot has at byte 2");
    REFUSES("\x80\x02"
            "cbuiltins\nlen\n)R.",
            "a call of something that no Snapshot calls");
    REFUSES("\x80\x02"
            "cbuiltins\neval\n",
            "no Snapshot has at byte 2");
    REFUSES("\x80\x02"
            "ctracemalloc\nSnapshot\n)\x81)\x81.",
            "an object that no Snapshot has");
    REFUSES("\x80\x02"
            "ctracemalloc\nSnapshot\n)\x81.",
            "an end without a whole Snapshot");
    REFUSES("\x80\x02"
            "ctracemalloc\nSnapshot\n)\x81}b.",
            "other attributes");
    REFUSES("\x80\x02}X\x01\x00\x00\x00xK\x01s", "an attribute that no Snapshot has");
    REFUSES("\x80\x02}}}", "a third dict at byte 4");
    REFUSES("\x80\x02]]", "a second list at byte 3");
    REFUSES("\x80\x02]K\x01"
            "a",
            "a list of something else than traces");
    REFUSES("\x80\x02K\x01K\x02\x86", "a tuple that no Snapshot has");
    REFUSES("\x80\x02J\xff\xff\xff\xff", "a negative number");
    REFUSES("\x80\x02\x8a\x01\x80", "a negative number");
    REFUSES("\x80\x02\x8a\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00", "more than 64 bits");
    REFUSES("\x80\x02\x8c\x01\xff", "a string that is not UTF-8");
    REFUSES("\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "the file ends within what begins");
    REFUSES("\x80\x02\x95\xff\xff\xff\xff\xff\xff\xff\xff", "the file ends within what begins");
    REFUSES("\x80\x02h\x00", "something that was never kept");
    REFUSES("\x80\x02)r\xff\xff\xff\xff", "a memo of more than the file can hold");
    REFUSES("\x80\x02t", "an end without its beginning");
    REFUSES("\x80\x02(a", "an operation without what it is done to");
    REFUSES("\x80\x02)(\x86", "an operation without what it is done to");
    REFUSES("\x80\x02N.", "an operation that no Snapshot needs at byte 2");
    REFUSES("\x80\x02", "the file ends at byte 2");
    cr_expect_not(traces_pickle_is("", 0) || traces_pickle_is("\x80", 1) ||
                  traces_pickle_is("(dp0", 4));
}

/* A traceback of many frames that is told with one total after the other would be kept as often. */
Test(traces_pickle, memory_is_bounded_by_the_file)
{
    static const char head[] = "\x80\x02X\x01\x00\x00\x00xK\x01\x86q\x00(";
    enum { FRAMES = 20000, TRACES = 20000 };
    struct traces traces = {.file_count = 0};
    struct error err = {.kind = ERROR_NONE};
    char *bytes = malloc(sizeof(head) + FRAMES + TRACES * 12), *at = bytes;

    cr_assert(bytes);
    at = mempcpy(at, head, sizeof(head) - 1);
    *at++ = 'h';
    *at++ = 0;
    memset(at, '2', FRAMES);
    at = mempcpy(at + FRAMES, "tq\x01", 3);
    for (unsigned i = 0; i < TRACES; i++) {
        char one[] = {'(', 'K', 0, 'K', 0, 'h', 1, 'M', (char)i, (char)(i >> 8), 't'};
        at = mempcpy(at, one, sizeof(one));
    }
    cr_expect_not(unpickle(bytes, (size_t)(at - bytes), &traces, &err));
    cr_expect(strstr(err.text, "more tracebacks than the file can hold"), "%s", err.text);
    free(bytes);
}

static void look(const char *bytes, size_t length)
{
    struct traces traces = {.file_count = 0};
    struct error err = {.kind = ERROR_NONE};

    if (unpickle(bytes, length, &traces, &err))
        traces_free(&traces);
    else
        cr_assert_eq(err.kind, ERROR_INPUT, "%s", err.text);
}

/* Whatever the bytes are, they are read or refused. */
Test(traces_pickle, damaged_ones)
{
    struct traces traces;

    random_traces(&traces, &few);
    struct pickle pickle = pickled(&traces);
    for (size_t length = 0; length < pickle.length; length++) {
        struct traces none = {.file_count = 0};
        struct error err = {.kind = ERROR_NONE};
        cr_expect_not(unpickle(pickle.bytes, length, &none, &err), "%zu bytes", length);
        cr_expect_eq(err.kind, ERROR_INPUT);
    }
    for (size_t at = 0; at < pickle.length; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            pickle.bytes[at] ^= (char)(1 << bit);
            look(pickle.bytes, pickle.length);
            pickle.bytes[at] ^= (char)(1 << bit);
        }
    free(pickle.bytes);
    traces_free(&traces);
}

static unsigned next(unsigned *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Bytes of operations are written over, put in, taken out and copied to elsewhere. */
static size_t mutate(char *bytes, size_t length, unsigned *state)
{
    static const char operations[] = "().2JKMRX]abcehjqrstu}\x81\x85\x86\x87\x8a\x8c\x93\x94";

    for (unsigned left = 1 + next(state) % 8; left; left--) {
        size_t at = next(state) % length, from = next(state) % length, some = next(state) % 24;
        some = at + some > length ? length - at : some;
        some = from + some > length ? length - from : some;
        switch (next(state) % 4) {
        case 0:
            bytes[at] = operations[next(state) % (sizeof(operations) - 1)];
            break;
        case 1:
            bytes[at] = (char)next(state);
            break;
        case 2:
            memmove(bytes + at, bytes + from, some);
            break;
        default:
            memmove(bytes + at, bytes + at + some, length - at - some);
            length -= length > some + 1 ? some : 0;
        }
    }
    return length;
}

Test(traces_pickle, random_mutations)
{
    struct traces traces;
    unsigned state = 12345;

    random_traces(&traces, &few);
    struct pickle pickle = pickled(&traces);
    char *copy = malloc(pickle.length);
    for (unsigned i = 0; i < 20000; i++) {
        memcpy(copy, pickle.bytes, pickle.length);
        look(copy, mutate(copy, pickle.length, &state));
    }
    free(copy);
    free(pickle.bytes);
    traces_free(&traces);
}

/* A disk that is full is no reason to say that all went well. */
Test(traces_pickle, a_write_that_fails)
{
    struct traces traces;
    struct error err = {.kind = ERROR_NONE};
    FILE *full = fopen("/dev/full", "w");

    cr_assert(full);
    random_traces(&traces, &few);
    cr_expect_not(traces_pickle_write(full, &traces, &err));
    cr_expect_eq(err.kind, ERROR_OUTPUT);
    cr_expect(strstr(err.text, "No space left"), "%s", err.text);
    fclose(full);
    traces_free(&traces);
}
