// SPDX-License-Identifier: MIT
#include "inspector/report/page.h"

#include "inspector/report/output.h"
#include "symbols/base/vector.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_VALUE = 4096 };

struct report *page_add(struct page *page, const char *rows_key, const struct column *columns,
                        size_t column_count)
{
    assert(page->count < MOST_SECTIONS);
    struct report *section = &page->sections[page->count++];
    report_init(section, rows_key, columns, column_count);
    return section;
}

struct report *page_add_for_machines(struct page *page)
{
    page->is_for_machines[page->count] = true;
    return page_add(page, NULL, NULL, 0);
}

struct report *page_add_part(struct page *page, const char *rows_key, const struct column *columns,
                             size_t column_count)
{
    struct report *grown =
        vector_grow(page->parts, &page->part_capacity, page->part_count + 1, sizeof(*grown));

    if (!grown) {
        page->failed = true;
        return NULL;
    }
    page->parts = grown;
    report_init(&grown[page->part_count], rows_key, columns, column_count);
    return &grown[page->part_count++];
}

void page_title(struct page *page, const char *title)
{
    page->title = arena_copy(&page->sections[0].arena, title, strlen(title));
}

void page_free(struct page *page)
{
    for (size_t i = 0; i < page->count; i++)
        report_free(&page->sections[i]);
    for (size_t i = 0; i < page->part_count; i++)
        report_free(&page->parts[i]);
    free(page->parts);
    text_free(&page->prose);
    text_free(&page->below);
    *page = (struct page){0};
}

/* A value that is none is for machines alone. */
static bool is_shown(const struct page *page, size_t section, const struct fact *fact)
{
    return !page->is_for_machines[section] && !page->sections[section].rows_key &&
           fact->value.unit != UNIT_NOTHING;
}

static size_t widest_key(const struct page *page)
{
    size_t widest = 0;

    for (size_t i = 0; i < page->count; i++) {
        const struct report *section = &page->sections[i];
        for (size_t at = 0; at < section->fact_count; at++) {
            size_t length = strlen(section->facts[at].key);
            if (is_shown(page, i, &section->facts[at]) && length > widest)
                widest = length;
        }
    }
    return widest;
}

static void add_facts(const struct page *page, struct text *text)
{
    size_t widest = widest_key(page);

    for (size_t i = 0; i < page->count; i++) {
        const struct report *section = &page->sections[i];
        for (size_t at = 0; at < section->fact_count; at++) {
            const struct fact *fact = &section->facts[at];
            if (!is_shown(page, i, fact))
                continue;
            text_addf(text, "  %-*s  ", (int)widest, fact->key);
            output_add_cell(text, &fact->value, LONGEST_VALUE);
            text_add_char(text, '\n');
        }
    }
}

static bool is_whole(const struct page *page, struct error *err)
{
    for (size_t i = 0; i < page->count; i++) {
        if (!output_start(&page->sections[i], err))
            return false;
    }
    for (size_t i = 0; i < page->part_count; i++) {
        if (!output_start(&page->parts[i], err))
            return false;
    }
    return (!page->failed && !page->prose.failed && !page->below.failed) || error_memory(err);
}

static bool write_prose(const struct page *page, FILE *out, struct error *err)
{
    struct text text = {0};

    text_add_bytes(&text, page->prose.bytes, page->prose.length);
    bool done = output_text(out, &text, err) && output_finish(out, err);
    text_free(&text);
    return done;
}

bool page_text(const struct page *page, const struct render_style *style, FILE *out,
               struct error *err)
{
    struct text text = {0};

    if (!is_whole(page, err))
        return false;
    if (page->prose.length)
        return write_prose(page, out, err);
    text_add(&text, style->colour ? "\033[1m" : "");
    text_add(&text, page->title ? page->title : "");
    text_add(&text, style->colour ? "\033[0m\n" : "\n");
    add_facts(page, &text);
    bool done = output_text(out, &text, err);
    for (size_t i = 0; done && i < page->count; i++) {
        if (!output_rows(&page->sections[i], page->sections[i].value_count))
            continue;
        text_add_char(&text, '\n');
        done = output_text(out, &text, err) && render_text(&page->sections[i], style, out, err);
    }
    if (done && page->below.length) {
        text_add_char(&text, '\n');
        text_add_bytes(&text, page->below.bytes, page->below.length);
        done = output_text(out, &text, err);
    }
    text_free(&text);
    return done && output_finish(out, err);
}

static bool is_empty(const struct report *section)
{
    return !section->fact_count && !section->rows_key;
}

static bool add_parts(const struct page *page, struct text *text, FILE *out, struct error *err)
{
    text_addf(text, "\"%s\": [", page->parts_key);
    for (size_t i = 0; i < page->part_count; i++) {
        text_add(text, i ? ", {" : "{");
        if (!output_json(&page->parts[i], text, out, err))
            return false;
        text_add_char(text, '}');
    }
    text_add_char(text, ']');
    return true;
}

bool page_json(const struct page *page, FILE *out, struct error *err)
{
    struct text text = {0};
    bool done = is_whole(page, err), has_members = false;

    text_add_char(&text, '{');
    for (size_t i = 0; done && i < page->count; i++) {
        if (is_empty(&page->sections[i]))
            continue;
        text_add(&text, has_members ? ", " : "");
        done = output_json(&page->sections[i], &text, out, err);
        has_members = true;
    }
    if (done && page->parts_key) {
        text_add(&text, has_members ? ", " : "");
        done = add_parts(page, &text, out, err);
    }
    text_add(&text, "}\n");
    done = done && output_text(out, &text, err) && output_finish(out, err);
    text_free(&text);
    return done;
}
