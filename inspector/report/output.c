// SPDX-License-Identifier: MIT
#include "inspector/report/output.h"

#include "inspector/report/format.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

bool output_start(const struct report *report, struct error *err)
{
    if (!report->failed)
        return true;
    error_memory(err);
    return error_context(err, "cannot make the report");
}

static bool fail(struct error *err, int reason)
{
    const char *advice = "write it to a file or another pipe";

    if (reason == EBADF)
        return error_set(err, ERROR_OUTPUT,
                         "cannot write the report: the standard output is closed");
    if (reason == EPIPE)
        advice = "the program that reads it has ended";
    else if (reason == ENOSPC || reason == EDQUOT || reason == EFBIG)
        advice = "make room there or write it to another place";
    return error_set(err, ERROR_OUTPUT, "cannot write the report: %s; %s", strerror(reason),
                     advice);
}

bool output_text(FILE *out, struct text *text, struct error *err)
{
    if (text->failed) {
        error_memory(err);
        return error_context(err, "cannot make the report");
    }
    if (text->length && fwrite(text->bytes, 1, text->length, out) != text->length)
        return fail(err, errno);
    text_clear(text);
    return true;
}

bool output_finish(FILE *out, struct error *err)
{
    if (fflush(out) != 0)
        return fail(err, errno);
    if (ferror(out)) /* lost by an earlier write, whose reason is gone */
        return fail(err, EIO);
    return true;
}

/* There may be millions of them, for which printf is slow. */
static void add_number(struct text *text, uint64_t number, unsigned base)
{
    char digits[20], *first = digits + sizeof(digits);

    do {
        *--first = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    text_add_bytes(text, first, (size_t)(digits + sizeof(digits) - first));
}

bool output_is_less(const struct value *value)
{
    return value->number >> 63;
}

uint64_t output_change(const struct value *value)
{
    return output_is_less(value) ? -value->number : value->number;
}

void output_add_texts(struct text *text, const struct value *value)
{
    for (size_t at = 0; at < value->length;) {
        size_t one = strnlen(value->text + at, value->length - at);
        if (at)
            text_add_char(text, ' ');
        text_add_escaped(text, value->text + at, one, 0);
        at += one + 1;
    }
}

void output_add_addresses(struct text *text, const struct value *value, const char *quote,
                          const char *between)
{
    for (size_t i = 0; i < value->length; i++) {
        if (i)
            text_add(text, between);
        text_add(text, quote);
        text_add(text, "0x");
        add_number(text, value->addresses[i], 16);
        text_add(text, quote);
    }
}

void output_add_plain(struct text *text, const struct value *value)
{
    uint64_t thousandths;

    switch (value->unit) {
    case UNIT_TEXT:
    case UNIT_PROSE:
    case UNIT_PATH:
    case UNIT_TEXTS:
    case UNIT_COUNTS:
    case UNIT_SOURCE:
    case UNIT_NOTHING:
        break;
    case UNIT_COUNT:
    case UNIT_BYTES:
        add_number(text, value->number, 10);
        break;
    case UNIT_CHANGE:
    case UNIT_CHANGE_BYTES:
        if (output_is_less(value))
            text_add_char(text, '-');
        add_number(text, output_change(value), 10);
        break;
    case UNIT_ADDRESS:
        text_add(text, "0x");
        add_number(text, value->number, 16);
        break;
    case UNIT_ADDRESSES:
        output_add_addresses(text, value, "", " ");
        break;
    case UNIT_DECIMAL:
        if (value->milliseconds < 0)
            text_add_char(text, '-');
        thousandths = format_round(fabs(value->milliseconds), 1000);
        text_addf(text, "%" PRIu64 ".%03u", thousandths / 1000, (unsigned)(thousandths % 1000));
        break;
    case UNIT_MILLISECONDS:
        thousandths = format_round(value->milliseconds, 1000);
        text_addf(text, "%" PRIu64 ".%03u", thousandths / 1000, (unsigned)(thousandths % 1000));
        break;
    case UNIT_BOOL:
        text_add(text, value->number ? "true" : "false");
        break;
    }
}

size_t output_rows(const struct report *report, size_t value_count)
{
    return report->column_count ? value_count / report->column_count : 0;
}
