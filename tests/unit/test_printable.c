// SPDX-License-Identifier: MIT
#include "inspector/python/printable.h"

#include <criterion/criterion.h>

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

/* The minor versions with their Unicode, and how many characters each accepts. */
static const struct {
    unsigned minor;
    uint32_t count;
} versions[] = {
    {6, 128003},  /* Unicode 9 */
    {7, 137204},  /* 11 */
    {8, 137750},  /* 12.1 */
    {9, 143680},  /* 13 */
    {10, 143680}, /* 13 */
    {11, 144516}, /* 14 */
    {12, 148998}, /* 15 */
    {13, 149625}, /* 15.1 */
    {14, 154810}, /* 16 */
    {15, 159613}, /* 17 */
};

static const struct {
    uint32_t code;
    unsigned since;
} steps[] = {
    {0x0560, 7},  {0x2ebe0, 7},  /* ARMENIAN SMALL LETTER TURNED AYB; the last of extension F */
    {0x0c77, 8},  {0x1fa95, 8},  /* TELUGU SIGN SIDDHAM; BANJO */
    {0x08be, 9},  {0x3134a, 9},  /* ARABIC LETTER PEH WITH SMALL V; the last of extension G */
    {0x061d, 11}, {0x2b738, 11}, /* ARABIC END OF TEXT MARK */
    {0x0cf3, 12}, {0x323af, 12}, /* the last of extension H */
    {0x2ffc, 13}, {0x2ee5d, 13}, /* the last of extension I */
    {0x0897, 14}, {0x1fbef, 14}, /* ARABIC PEPET */
    {0x088f, 15}, {0x33479, 15}, /* ARABIC LETTER NOON WITH RING ABOVE; the last of extension J */
};

static const struct {
    uint32_t first, last;
    bool printable;
} always[] = {
    {0x00, 0x1f, false},
    {0x20, 0x7e, true},
    {0x7f, 0xa0, false}, /* a space other than " " is not printable */
    {0xa1, 0xac, true},
    {0xad, 0xad, false}, /* SOFT HYPHEN */
    {0xae, 0x377, true},
    {0x2000, 0x200f, false},
    {0x2028, 0x202f, false},
    {0x3000, 0x3000, false},
    {0x4e00, 0x9fd5, true},
    {0xac00, 0xd7a3, true},
    {0xd7fc, 0xf8ff, false}, /* surrogates, and the private area */
    {0xf900, 0xfa6d, true},
    {0xfeff, 0xfeff, false},
    {0xfffc, 0xfffd, true},
    {0xfffe, 0xffff, false},
    {0x1f600, 0x1f64f, true},
    {0x20000, 0x2a6d6, true},
    {0xe0000, 0xe00ff, false}, /* tags */
    {0xe0100, 0xe01ef, true},  /* variation selectors */
    {0xf0000, 0x10ffff, false},
    {0x110000, 0x1100ff, false},
    {0xffffff00, 0xffffffff, false},
};

Test(printable, steps)
{
    for (size_t i = 0; i < COUNT(steps); i++) {
        for (unsigned minor = 6; minor <= 15; minor++)
            cr_expect_eq(code_is_printable(minor, steps[i].code), minor >= steps[i].since,
                         "U+%04X in 3.%u", steps[i].code, minor);
    }
}

Test(printable, always)
{
    for (size_t i = 0; i < COUNT(always); i++) {
        for (uint32_t code = always[i].first;; code++) {
            cr_assert_eq(code_is_printable(6, code), always[i].printable, "U+%04X", code);
            cr_assert_eq(code_is_printable(15, code), always[i].printable, "U+%04X", code);
            if (code == always[i].last)
                break;
        }
    }
}

/* All of a version, counted; and none that the version before it had is gone. */
Test(printable, counts)
{
    for (size_t i = 0; i < COUNT(versions); i++) {
        uint32_t count = 0;

        for (uint32_t code = 0; code < 0x110000; code++) {
            bool printable = code_is_printable(versions[i].minor, code);

            count += printable;
            if (i > 0 && !printable)
                cr_assert_not(code_is_printable(versions[i - 1].minor, code), "U+%04X", code);
        }
        cr_expect_eq(count, versions[i].count, "3.%u: %u", versions[i].minor, count);
    }
}

Test(printable, other_versions)
{
    for (uint32_t code = 0; code < 0x110000; code++) {
        cr_assert_eq(code_is_printable(0, code), code_is_printable(6, code), "U+%04X", code);
        cr_assert_eq(code_is_printable(99, code), code_is_printable(15, code), "U+%04X", code);
    }
}
