// SPDX-License-Identifier: MIT
#include "inspector/python/float_repr.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

/* What Python says, which is the same in 3.6 to 3.15. */
static const struct {
    double value;
    const char *repr;
} floats[] = {
    {0.0, "0.0"},
    {-0.0, "-0.0"},
    {0x1.0000000000000p+0, "1.0"},
    {-0x1.0000000000000p+0, "-1.0"},
    {0x1.999999999999ap-4, "0.1"},
    {0x1.999999999999ap-3, "0.2"},
    {0x1.3333333333334p-2, "0.30000000000000004"},
    {0x1.91eb851eb851fp+1, "3.14"},
    {0x1.3fd70a3d70a3dp+4, "19.99"},
    {0x1.9000000000000p+6, "100.0"},
    {0x1.2d68700000000p+20, "1234567.0"},
    {0x1.0000000000000p-1, "0.5"},
    {0x1.0624dd2f1a9fcp-10, "0.001"},
    {0x1.a36e2eb1c432dp-14, "0.0001"},
    {0x1.02e4b6ce5dc68p-13, "0.00012345"},
    {0x1.4f8b588e368f1p-17, "1e-05"},
    {0x1.f75104d551d69p-17, "1.5e-05"},
    {-0x1.ad7f29abcaf48p-24, "-1e-07"},
    {0x1.c12218377de40p+46, "123456789012345.0"},
    {0x1.c6bf52633fff8p+49, "999999999999999.0"},
    {0x1.c6bf526340000p+49, "1000000000000000.0"},
    {0x1.1c37937e08000p+53, "1e+16"},
    {0x1.1c37937e07fffp+53, "9999999999999998.0"},
    {0x1.550f7dca70000p+53, "1.2e+16"},
    {0x1.5ee2a2eb5a5c4p+53, "1.2345678901234568e+16"},
    {0x1.6345785d8a000p+56, "1e+17"},
    {0x1.0f0cf064dd592p+73, "1e+22"},
    {0x1.52d02c7e14af6p+76, "1e+23"},
    {0x1.249ad2594c37dp+332, "1e+100"},
    {-0x1.17f7d4ed8c33ep-331, "-2.5e-100"},
    {0x1.921fb54442d18p+1, "3.141592653589793"},
    {0x1.5bf0a8b145769p+1, "2.718281828459045"},
    {0x1.5555555555555p-2, "0.3333333333333333"},
    {0x1.5555555555555p-1, "0.6666666666666666"},
    {0x1.203af9ee75616p-50, "1e-15"},
    {0x1.0000000000001p+0, "1.0000000000000002"},
    {0x1.fffffffffffffp-1, "0.9999999999999999"},
    {0x0.0000000000001p-1022, "5e-324"},
    {0x0.0000000000002p-1022, "1e-323"},
    {0x0.0000000000003p-1022, "1.5e-323"},
    {0x1.0000000000000p-1022, "2.2250738585072014e-308"},
    {0x0.fffffffffffffp-1022, "2.225073858507201e-308"},
    {0x1.fffffffffffffp+1023, "1.7976931348623157e+308"},
    {0x1.fffffffffffffp+52, "9007199254740991.0"},
    {0x1.0000000000000p+53, "9007199254740992.0"},
    {0x1.0000000000001p+53, "9007199254740994.0"},
    {0x1.0000000000000p+55, "3.602879701896397e+16"},
    {0x1.0000000000001p+54, "1.8014398509481988e+16"},
    {0x1.0000000000000p+52, "4503599627370496.0"},
    {0x1.0000000000002p+52, "4503599627370498.0"},
    {0x1.0000000000000p-1019, "1.7800590868057611e-307"},
    {0x1.0000000000000p-20, "9.5367431640625e-07"},
    {0x1.1de784a000000p+28, "299792458.0"},
    {0x1.fe185ca57c517p+78, "6.02214076e+23"},
    {0x1.7a4da290c1653p-63, "1.602176634e-19"},
    {0x1.0000000000000p+51, "2251799813685248.0"},
    {0x1.0000000000000p-44, "5.684341886080802e-14"},
    {0x1.0000000000000p-52, "2.220446049250313e-16"},
    {0x1.0000000000000p-23, "1.1920928955078125e-07"},
    {0x1.0000000000000p+10, "1024.0"},
    {0x1.0000000000000p+54, "1.8014398509481984e+16"},
    {0x1.0000000000000p+63, "9.223372036854776e+18"},
    {0x1.0000000000000p+64, "1.8446744073709552e+19"},
    {0x1.0000000000000p+122, "5.316911983139664e+36"},
    {0x1.0000000000000p-122, "1.88079096131566e-37"},
    {0x1.0000000000000p-135, "2.2958874039497803e-41"},
    {0x1.0000000000000p+1023, "8.98846567431158e+307"},
    {0x1.0000000000000p-24, "5.960464477539063e-08"},
    {0x1.0000000000000p-959, "2.0522684006491881e-289"},
    {0x1.0000000000000p-887, "9.691563509078218e-268"},
    {0x1.0000000000000p+187, "1.9615942923083377e+56"},
    {INFINITY, "inf"},
    {-INFINITY, "-inf"},
    {NAN, "nan"},
    {-NAN, "nan"},
};

static const struct {
    double real, imag;
    const char *repr;
} complexes[] = {
    {0.0, 1.0, "1j"},
    {0.0, 0.0, "0j"},
    {-0.0, -1.0, "(-0-1j)"},
    {1.0, 2.0, "(1+2j)"},
    {1.0, -2.0, "(1-2j)"},
    {0.0, -0.0, "-0j"},
    {-0.0, 0.0, "(-0+0j)"},
    {-0.0, -0.0, "(-0-0j)"},
    {1.5, -0.0, "(1.5-0j)"},
    {1e+16, 1e-05, "(1e+16+1e-05j)"},
    {0.0, 1e+16, "1e+16j"},
    {-2.2250738585072014e-308, -2.2250738585072014e-308,
     "(-2.2250738585072014e-308-2.2250738585072014e-308j)"},
    {0.1, 0.30000000000000004, "(0.1+0.30000000000000004j)"},
    {-1e-07, -123456.0, "(-1e-07-123456j)"},
    {NAN, INFINITY, "(nan+infj)"},
    {INFINITY, NAN, "(inf+nanj)"},
    {-INFINITY, -INFINITY, "(-inf-infj)"},
    {0.0, NAN, "nanj"},
    {0.0, -INFINITY, "-infj"},
    {-NAN, -NAN, "(nan+nanj)"},
    {NAN, 0.0, "(nan+0j)"},
};

Test(float_repr, table)
{
    char buffer[32];

    for (size_t i = 0; i < COUNT(floats); i++) {
        float_repr(floats[i].value, buffer);
        cr_expect_str_eq(buffer, floats[i].repr, "%a: %s", floats[i].value, buffer);
    }
}

Test(float_repr, complex)
{
    char buffer[96];

    for (size_t i = 0; i < COUNT(complexes); i++) {
        complex_repr(complexes[i].real, complexes[i].imag, buffer);
        cr_expect_str_eq(buffer, complexes[i].repr, "%s, not %s", buffer, complexes[i].repr);
    }
}

static int count_digits(const char *repr)
{
    char digits[32] = "";
    int count = 0;

    for (const char *at = repr; *at && *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9' && (count || *at != '0'))
            digits[count++] = *at;
    }
    while (count && digits[count - 1] == '0')
        count--;
    return count;
}

/* It reads back, one digit less would not, and as many from the C library are no nearer. */
static void check_repr(double value)
{
    char buffer[32], rounded[48];

    float_repr(value, buffer);
    cr_assert_eq(strtod(buffer, NULL), value, "%a: %s", value, buffer);
    int count = count_digits(buffer);
    cr_assert(count >= 1 && count <= 17, "%s", buffer);
    if (count > 1) {
        snprintf(rounded, sizeof(rounded), "%.*e", count - 2, value);
        cr_assert_neq(strtod(rounded, NULL), value, "%s, but %s", buffer, rounded);
    }
    snprintf(rounded, sizeof(rounded), "%.*e", count - 1, value);
    if (strtod(rounded, NULL) == value)
        cr_assert_eq(strtold(rounded, NULL), strtold(buffer, NULL), "%s, but %s", buffer, rounded);
}

static double double_of(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

Test(float_repr, shortest)
{
    uint64_t random = 1;

    for (int i = 0; i < 20000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        double value = double_of(random ^ random >> 29);

        if (isfinite(value) && value != 0)
            check_repr(value);
        check_repr(ldexp((double)(random >> 11), -60 - (int)(random % 8)));
    }
    for (int exponent = -1074; exponent < 1024; exponent++) {
        uint64_t bits = bits_of(ldexp(1, exponent));

        check_repr(double_of(bits));
        check_repr(double_of(bits + 1));
        if (bits > 1)
            check_repr(double_of(bits - 1));
    }
}
