// SPDX-License-Identifier: MIT
#include "inspector/report/format.h"

#include "inspector/report/render.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

enum { BUFFER_SIZE = 32 };

const char *format_count(char *buffer, uint64_t count)
{
    char reversed[BUFFER_SIZE];
    size_t length = 0;
    char *to = buffer;

    for (unsigned digits = 0; !digits || count; digits++, count /= 10) {
        if (digits && digits % 3 == 0)
            reversed[length++] = ',';
        reversed[length++] = (char)('0' + count % 10);
    }
    while (length)
        *to++ = reversed[--length];
    *to = '\0';
    return buffer;
}

static void add_tenth(char *buffer, unsigned tenth, const char *unit)
{
    size_t length = strlen(buffer);

    snprintf(buffer + length, BUFFER_SIZE - length, ".%u %s", tenth, unit);
}

const char *format_bytes(char *buffer, uint64_t bytes)
{
    static const char units[][4] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    enum { LARGEST = sizeof(units) / sizeof(units[0]) - 1 };
    unsigned unit = 0;

    if (bytes < 1000) {
        format_count(buffer, bytes);
        return strcat(buffer, " B");
    }
    while (unit < LARGEST && bytes >> (10 * (unit + 1)) >= 1000)
        unit++;

    unsigned shift = 10 * (unit + 1);
    uint64_t one = UINT64_C(1) << shift;
    uint64_t whole = bytes >> shift;
    unsigned tenth = (unsigned)(((bytes & (one - 1)) * 10 + one / 2) >> shift);

    if (tenth == 10) {
        whole++;
        tenth = 0;
    }
    if (whole == 1000 && unit < LARGEST) { /* 999.95 was rounded up */
        whole = 1;
        unit++;
    }
    format_count(buffer, whole);
    add_tenth(buffer, tenth, units[unit]);
    return buffer;
}

uint64_t format_round(double number, uint64_t parts)
{
    const double most = 1e12;

    if (!(number > 0))
        return 0;
    return (uint64_t)((number < most ? number : most) * (double)parts + 0.5);
}

const char *format_milliseconds(char *buffer, double milliseconds)
{
    uint64_t tenths = format_round(milliseconds, 10);

    format_count(buffer, tenths / 10);
    add_tenth(buffer, (unsigned)(tenths % 10), "ms");
    return buffer;
}

const char *format_decimal(char *buffer, double number)
{
    uint64_t hundredths = format_round(number, 100);

    if (hundredths >= 1000)
        return format_count(buffer, format_round(number, 1));
    snprintf(buffer, BUFFER_SIZE, "%u.%02u", (unsigned)(hundredths / 100),
             (unsigned)(hundredths % 100));
    return buffer;
}

bool format_takes_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", NULL);
    bool takes = locale && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;

    if (locale)
        freelocale(locale);
    return takes;
}
