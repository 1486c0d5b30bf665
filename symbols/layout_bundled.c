// SPDX-License-Identifier: MIT
#include "symbols/layout_bundled.h"

#include <stdlib.h>
#include <string.h>

struct candidate {
    struct bundled_choice choice;
    bool other_size; /* of _PyRuntime, or one of the two is unknown */
    int distance;    /* between the patch numbers */
};

static bool is_likelier(const struct candidate *a, const struct candidate *b)
{
    if (a->choice.match != b->choice.match)
        return a->choice.match < b->choice.match;
    if (a->other_size != b->other_size)
        return b->other_size;
    return a->distance < b->distance;
}

/* 0 where one of the two tells none. */
static int count_patches_between(const struct python_version *a, const struct python_version *b)
{
    struct python_version same;
    int first, second;

    if (!python_version_parse(&same, &first, a->text, strlen(a->text)) || first < 0 ||
        !python_version_parse(&same, &second, b->text, strlen(b->text)) || second < 0)
        return 0;
    return abs(first - second);
}

static bool match_version(struct candidate *candidate, const struct layout_table *table,
                          const struct layout_wanted *wanted)
{
    const struct python_version *version = wanted->version;

    if (!version || version->major == 0 || version->major != table->version.major ||
        version->minor != table->version.minor || wanted->debug_build != table->debug_build)
        return false;
    bool same = strcmp(version->text, table->version.text) == 0;
    candidate->choice.match = same ? BUNDLED_SAME_VERSION : BUNDLED_SAME_MINOR;
    candidate->distance = count_patches_between(version, &table->version);
    return true;
}

static bool match_table(struct candidate *ret, const struct bundled_layout *bundled,
                        const struct layout_wanted *wanted)
{
    struct candidate candidate = {.choice = {.layout = bundled}};
    struct layout_table table;
    struct error err;

    if (!layout_table_parse_head(&table, bundled->text, bundled->length, bundled->name, &err))
        return false;
    if (wanted->build_id && build_id_equal(wanted->build_id, &table.build_id))
        candidate.choice.match = BUNDLED_SAME_BUILD;
    else if (!match_version(&candidate, &table, wanted))
        return false;
    if (!layout_table_parse(&table, bundled->text, bundled->length, bundled->name, &err))
        return false;
    candidate.other_size = !layout_has(&table.layout, sizeof_runtime) ||
                           layout_size(&table.layout, sizeof_runtime) != wanted->runtime_size;
    *ret = candidate;
    return true;
}

size_t layout_bundled_find(struct bundled_choice *ret, const struct layout_wanted *wanted)
{
    struct candidate found[MOST_BUNDLED + 1];
    size_t count = 0;

    for (size_t i = 0; i < bundled_layout_count; i++) {
        struct candidate candidate;
        if (!match_table(&candidate, &bundled_layouts[i], wanted))
            continue;
        size_t at = count;
        for (; at > 0 && is_likelier(&candidate, &found[at - 1]); at--)
            found[at] = found[at - 1];
        found[at] = candidate;
        count += count < MOST_BUNDLED;
    }
    for (size_t i = 0; i < count; i++)
        ret[i] = found[i].choice;
    return count;
}
