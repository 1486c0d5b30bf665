// SPDX-License-Identifier: MIT
#include "inspector/report/format.h"
#include "inspector/report/render.h"

#include <criterion/criterion.h>

struct number {
    uint64_t number;
    const char *count, *bytes;
};

static const struct number numbers[] = {
    {0, "0", "0 B"},
    {999, "999", "999 B"},
    {1000, "1,000", "1.0 KiB"},
    {1023, "1,023", "1.0 KiB"},
    {1024, "1,024", "1.0 KiB"},
    {1076, "1,076", "1.1 KiB"},
    {1023948, "1,023,948", "999.9 KiB"},
    {1023949, "1,023,949", "1.0 MiB"},
    {1048575, "1,048,575", "1.0 MiB"},
    {88185242, "88,185,242", "84.1 MiB"},
    {UINT64_C(1) << 40, "1,099,511,627,776", "1.0 TiB"},
    {UINT64_C(1) << 50, "1,125,899,906,842,624", "1.0 PiB"},
    {(UINT64_C(1) << 60) - 1, "1,152,921,504,606,846,975", "1.0 EiB"},
    {UINT64_C(3) << 59, "1,729,382,256,910,270,464", "1.5 EiB"},
    {UINT64_MAX, "18,446,744,073,709,551,615", "16.0 EiB"},
};

Test(format, numbers)
{
    char buffer[32];

    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        cr_expect_str_eq(format_count(buffer, numbers[i].number), numbers[i].count, "%s", buffer);
        cr_expect_str_eq(format_bytes(buffer, numbers[i].number), numbers[i].bytes, "%s", buffer);
    }
}

Test(format, decimals)
{
    char buffer[32];

    cr_expect_str_eq(format_decimal(buffer, 0), "0.00");
    cr_expect_str_eq(format_decimal(buffer, 0.414), "0.41");
    cr_expect_str_eq(format_decimal(buffer, 9.994), "9.99");
    cr_expect_str_eq(format_decimal(buffer, 9.996), "10");
    cr_expect_str_eq(format_decimal(buffer, 3600.4), "3,600");
    cr_expect_str_eq(format_decimal(buffer, 1e300), "1,000,000,000,000");
}
