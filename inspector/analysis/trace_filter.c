// SPDX-License-Identifier: MIT
#include "inspector/analysis/trace_filter.h"

#include "symbols/base/saturate.h"

#include <stdlib.h>
#include <string.h>

enum { UNUSED = UINT32_MAX };

/* Takes `mark` and the digits behind it off the end of the text; *ret_has: they were there. */
static bool take_number(const char *text, size_t *length, char mark, bool *ret_has, uint32_t *ret,
                        struct error *err)
{
    const char *digits = text + *length;
    uint64_t number = 0;

    while (digits > text && digits[-1] >= '0' && digits[-1] <= '9')
        digits--;
    if (digits == text + *length || digits == text || digits[-1] != mark)
        return true;
    for (const char *at = digits; at < text + *length; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
        if (number > UINT32_MAX)
            return error_set(err, ERROR_USAGE, "%s: the number behind \"%c\" is too large", text,
                             mark);
    }
    *length = (size_t)(digits - 1 - text);
    *ret_has = true;
    *ret = (uint32_t)number;
    return true;
}

bool trace_filter_parse(struct trace_filter *ret, const char *text, bool is_inclusive,
                        bool all_frames, struct error *err)
{
    struct trace_filter filter = {.is_inclusive = is_inclusive,
                                  .all_frames = all_frames,
                                  .pattern = text,
                                  .pattern_length = strlen(text)};

    if (!take_number(text, &filter.pattern_length, '@', &filter.has_domain, &filter.domain, err) ||
        !take_number(text, &filter.pattern_length, ':', &filter.has_line, &filter.line, err))
        return false;
    if (!filter.pattern_length && (filter.has_line || !filter.has_domain))
        return error_set(err, ERROR_USAGE, "\"%s\": a pattern for names of files is missing", text);
    if (!filter.pattern_length)
        filter.pattern = NULL;
    *ret = filter;
    return true;
}

/* Without the "c" of ".pyc". */
static size_t normal_length(const char *name, size_t length)
{
    return length - (length >= 4 && memcmp(name + length - 4, ".pyc", 4) == 0);
}

/* Filters, and what each says of the files and stacks there are. A stack is looked at once, in
 * however many domains it has blocks. */
struct sieve {
    const struct traces *traces;
    const struct trace_filter *filters;
    size_t count;
    unsigned char *files;  /* a row a filter: does its pattern fit? */
    unsigned char *stacks; /* a row a filter: an enum verdict */
};

enum verdict { VERDICT_UNKNOWN, VERDICT_NO, VERDICT_YES };

static void sieve_free(struct sieve *sieve)
{
    free(sieve->files);
    free(sieve->stacks);
}

static bool sieve_make(struct sieve *ret, const struct traces *traces,
                       const struct trace_filter *filters, size_t count, struct error *err)
{
    struct sieve sieve = {.traces = traces,
                          .filters = filters,
                          .count = count,
                          .files = calloc(count + 1, traces->file_count + 1),
                          .stacks = calloc(count + 1, traces->stack_count + 1)};

    if (!sieve.files || !sieve.stacks) {
        sieve_free(&sieve);
        return error_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        const char *pattern = filters[i].pattern;
        if (!pattern)
            continue;
        size_t length = normal_length(pattern, filters[i].pattern_length);
        for (size_t j = 0; j < traces->file_count; j++) {
            const struct trace_file *file = &traces->files[j];
            sieve.files[i * traces->file_count + j] = trace_pattern_matches(
                pattern, length, file->name, normal_length(file->name, file->length));
        }
    }
    *ret = sieve;
    return true;
}

static bool frames_match(const struct sieve *sieve, size_t number, uint32_t stack_number)
{
    const struct trace_filter *filter = &sieve->filters[number];
    const struct trace_stack *stack = &sieve->traces->stacks[stack_number];
    const unsigned char *fits = sieve->files + number * sieve->traces->file_count;
    uint32_t frames = filter->all_frames ? stack->frames : 1;

    for (uint32_t i = 0; i < frames; i++) {
        const struct trace_frame *frame = &sieve->traces->frames[stack->first + i];
        if (fits[frame->file] && (!filter->has_line || frame->line == filter->line))
            return true;
    }
    return false;
}

/* All that the filter asks for: for an exclusive one that is what it rules out. */
static bool filter_matches(const struct sieve *sieve, size_t number, uint32_t domain,
                           uint32_t stack)
{
    const struct trace_filter *filter = &sieve->filters[number];
    unsigned char *verdict = &sieve->stacks[number * sieve->traces->stack_count + stack];

    if (filter->has_domain && filter->domain != domain)
        return false;
    if (!filter->pattern)
        return true;
    if (*verdict == VERDICT_UNKNOWN)
        *verdict = frames_match(sieve, number, stack) ? VERDICT_YES : VERDICT_NO;
    return *verdict == VERDICT_YES;
}

static bool sieve_passes(const struct sieve *sieve, uint32_t domain, uint32_t stack)
{
    bool wanted = false, is_included = false;

    for (size_t i = 0; i < sieve->count; i++) {
        if (!sieve->filters[i].is_inclusive) {
            if (filter_matches(sieve, i, domain, stack))
                return false;
        } else {
            wanted = true;
            is_included = is_included || filter_matches(sieve, i, domain, stack);
        }
    }
    return is_included || !wanted;
}

/* The rows that pass, still with the old numbers of their stacks. */
static bool pick_rows(struct traces *ret, const struct sieve *sieve, struct error *err)
{
    const struct traces *traces = sieve->traces;
    bool passes = false;

    ret->rows = malloc((traces->row_count + 1) * sizeof(*ret->rows));
    if (!ret->rows)
        return error_memory(err);
    for (size_t i = 0; i < traces->row_count; i++) {
        const struct trace_row *row = &traces->rows[i];
        if (i == 0 || row->stack != row[-1].stack || row->domain != row[-1].domain)
            passes = sieve_passes(sieve, row->domain, row->stack);
        if (!passes)
            continue;
        ret->rows[ret->row_count++] = *row;
        add_saturating(&ret->blocks, row->count);
        add_saturating(&ret->bytes, multiply_saturating(row->size, row->count));
    }
    return true;
}

/* Numbers of a kind that are still used; what is left keeps its order. */
struct remaining {
    uint32_t *numbers; /* by the old ones; UNUSED: gone */
    size_t count;
};

static bool remaining_make(struct remaining *ret, size_t count, struct error *err)
{
    *ret = (struct remaining){.numbers = malloc((count + 1) * sizeof(*ret->numbers))};
    if (!ret->numbers)
        return error_memory(err);
    memset(ret->numbers, 0xff, (count + 1) * sizeof(*ret->numbers));
    return true;
}

static void remaining_number(struct remaining *remaining, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (remaining->numbers[i] != UNUSED)
            remaining->numbers[i] = (uint32_t)remaining->count++;
    }
}

/* Marks what the rows use, and gives it its numbers. Counts frames. */
static void find_remaining(const struct traces *traces, struct traces *ret,
                           struct remaining *stacks, struct remaining *files)
{
    for (size_t i = 0; i < ret->row_count; i++) {
        const struct trace_stack *stack = &traces->stacks[ret->rows[i].stack];
        if (stacks->numbers[ret->rows[i].stack] != UNUSED)
            continue;
        stacks->numbers[ret->rows[i].stack] = 0;
        ret->frame_count += stack->frames;
        for (uint32_t j = 0; j < stack->frames; j++)
            files->numbers[traces->frames[stack->first + j].file] = 0;
    }
    remaining_number(stacks, traces->stack_count);
    remaining_number(files, traces->file_count);
    ret->stack_count = stacks->count;
    ret->file_count = files->count;
}

static bool copy_files(const struct traces *traces, struct traces *ret,
                       const struct remaining *files)
{
    ret->files = malloc((ret->file_count + 1) * sizeof(*ret->files));
    for (size_t i = 0; ret->files && i < traces->file_count; i++) {
        const struct trace_file *from = &traces->files[i];
        if (files->numbers[i] == UNUSED)
            continue;
        struct trace_file *file = &ret->files[files->numbers[i]];
        file->length = from->length;
        file->name = arena_copy(&ret->arena, from->name, from->length);
        if (!file->name)
            return false;
    }
    return ret->files;
}

static bool copy_stacks(const struct traces *traces, struct traces *ret,
                        const struct remaining *stacks, const struct remaining *files)
{
    size_t next = 0;

    ret->stacks = malloc((ret->stack_count + 1) * sizeof(*ret->stacks));
    ret->frames = malloc((ret->frame_count + 1) * sizeof(*ret->frames));
    if (!ret->stacks || !ret->frames)
        return false;
    for (size_t i = 0; i < traces->stack_count; i++) {
        struct trace_stack stack = traces->stacks[i];
        const struct trace_frame *from = &traces->frames[stack.first];
        if (stacks->numbers[i] == UNUSED)
            continue;
        stack.first = next;
        ret->stacks[stacks->numbers[i]] = stack;
        for (uint32_t j = 0; j < stack.frames; j++)
            ret->frames[next++] =
                (struct trace_frame){.file = files->numbers[from[j].file], .line = from[j].line};
    }
    return true;
}

/* All that is not of rows. */
static bool copy_head(const struct traces *traces, struct traces *ret, struct error *err)
{
    if (traces->has_origin && !traces_set_origin(ret, &traces->origin, &traces->occasion, err))
        return false;
    ret->newest_first = traces->newest_first;
    ret->traceback_limit = traces->traceback_limit;
    ret->traced_memory = traces->traced_memory;
    ret->peak = traces->peak;
    ret->own_memory = traces->own_memory;
    return true;
}

static bool pick(struct traces *ret, const struct sieve *sieve, struct remaining *stacks,
                 struct remaining *files, struct error *err)
{
    const struct traces *traces = sieve->traces;

    if (!pick_rows(ret, sieve, err) || !remaining_make(stacks, traces->stack_count, err) ||
        !remaining_make(files, traces->file_count, err) || !copy_head(traces, ret, err))
        return false;
    find_remaining(traces, ret, stacks, files);
    if (!copy_files(traces, ret, files) || !copy_stacks(traces, ret, stacks, files))
        return error_memory(err);
    for (size_t i = 0; i < ret->row_count; i++)
        ret->rows[i].stack = stacks->numbers[ret->rows[i].stack];
    return true;
}

bool traces_filter(struct traces *ret, const struct traces *traces,
                   const struct trace_filter *filters, size_t count, struct error *err)
{
    struct remaining stacks = {0}, files = {0};
    struct traces picked = {0};
    struct sieve sieve;

    if (!sieve_make(&sieve, traces, filters, count, err))
        return false;
    bool ok = pick(&picked, &sieve, &stacks, &files, err);
    sieve_free(&sieve);
    free(stacks.numbers);
    free(files.numbers);
    if (ok)
        *ret = picked;
    else
        traces_free(&picked);
    return ok;
}
