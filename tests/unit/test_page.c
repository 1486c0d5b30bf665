// SPDX-License-Identifier: MIT
#include "inspector/report/page.h"
#include "inspector/report/rows.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static const struct column attribute_columns[] = {
    {"name", "Attribute", UNIT_TEXT},
    {"address", "Address", UNIT_ADDRESS},
    {"repr", "Value", UNIT_SOURCE},
};

static const struct column item_columns[] = {
    {"index", "Index", UNIT_COUNT},
    {"repr", "Value", UNIT_SOURCE},
};

static void use_utf8(void)
{
    cr_assert(setlocale(LC_CTYPE, "C.UTF-8"), "no C.UTF-8 locale");
}

TestSuite(page, .init = use_utf8, .timeout = 60);

static void add_attribute(struct report *section, const char *name, uint64_t address,
                          const char *value)
{
    report_cell_text(section, name, strlen(name));
    report_cell_number(section, address);
    report_cell_text(section, value, strlen(value));
}

static void make(struct page *page)
{
    *page = (struct page){0};
    struct report *facts = page_add(page, NULL, NULL, 0);
    page_title(page, "0x7f00");
    report_fact(facts, "address", value_number(UNIT_ADDRESS, 0x7f00));
    report_fact_text(facts, "type", "app.\x1b[31mOrder");
    report_fact_number(facts, "size", UNIT_BYTES, 2048);
    report_fact(facts, "generation", value_nothing());
    report_fact(facts, "repr", value_source("'it\\n'", 6));
    struct report *attributes = page_add(page, "attributes", attribute_columns, 3);
    add_attribute(attributes, "a", 0x10, "'\\x1b'");
    add_attribute(attributes, "longer\n", 0x7f8000, "2");
    page_add(page, "locals", attribute_columns, 3);
    struct report *items = page_add(page, "items", item_columns, 2);
    report_fact_number(items, "item_count", UNIT_COUNT, 1002);
    report_cell_number(items, 7);
    report_cell_text(items, "None", 4);
    report_cell_number(items, 1000);
    report_cell_text(items, "True", 4);
    report_note(items, "1,000 more", 10);
}

typedef bool renderer(const struct page *page, const struct render_style *style, FILE *out,
                      struct error *err);

static bool as_json(const struct page *page, const struct render_style *style, FILE *out,
                    struct error *err)
{
    (void)style;
    return page_json(page, out, err);
}

static void expect(const struct page *page, renderer *render, const struct render_style *style,
                   const char *golden)
{
    char *bytes = NULL;
    size_t length = 0;
    struct error err = {0};
    FILE *out = open_memstream(&bytes, &length);

    cr_assert(out);
    cr_expect(render(page, style, out, &err), "%s", err.text);
    cr_assert_eq(fclose(out), 0);
    cr_expect_str_eq(bytes, golden, "got:\n%s\nwanted:\n%s", bytes, golden);
    free(bytes);
}

Test(page, for_a_person)
{
    struct page page;

    make(&page);
    expect(&page, page_text, &(struct render_style){0},
           "0x7f00\n"
           "  address  0x7f00\n"
           "  type     app.\\x1b[31mOrder\n"
           "  size     2.0 KiB\n"
           "  repr     'it\\n'\n"
           "\n"
           "Attribute   Address   Value\n"
           "a           0x10      '\\x1b'\n"
           "longer\\x0a  0x7f8000  2\n"
           "\n"
           "Index  Value\n"
           "    7  None\n"
           "1,000  True\n"
           "1,000 more\n");
    page_free(&page);
}

Test(page, for_a_machine)
{
    struct page page;

    make(&page);
    expect(&page, as_json, NULL,
           "{\"address\": \"0x7f00\", \"type\": \"app.\\u001b[31mOrder\", \"size\": 2048, "
           "\"generation\": null, \"repr\": \"'it\\\\n'\", \"attributes\": [{\"name\": \"a\", "
           "\"address\": \"0x10\", \"repr\": \"'\\\\x1b'\"}, {\"name\": \"longer\\u000a\", "
           "\"address\": \"0x7f8000\", \"repr\": \"2\"}], \"locals\": [], \"item_count\": 1002, "
           "\"items\": [{\"index\": 7, \"repr\": \"None\"}, {\"index\": 1000, \"repr\": "
           "\"True\"}]}\n");
    page_free(&page);
}

Test(page, sections_without_anything_leave_no_trace)
{
    struct page page = {0};

    page_add(&page, NULL, NULL, 0);
    page_title(&page, "nothing");
    report_fact_text(page_add(&page, NULL, NULL, 0), "found", "nothing");
    expect(&page, as_json, NULL, "{\"found\": \"nothing\"}\n");
    expect(&page, page_text, &(struct render_style){0}, "nothing\n  found  nothing\n");
    page_free(&page);
}

Test(page, what_only_one_of_them_sees)
{
    struct page page = {0};

    report_fact_text(page_add(&page, NULL, NULL, 0), "type", "int");
    page_title(&page, "0x7f00");
    report_fact_number(page_add_for_machines(&page), "allocated.size", UNIT_COUNT, 32);
    report_fact_text(page_add(&page, NULL, NULL, 0), "name", "a");
    text_add(&page.below, "Allocated:\n  there\n");
    expect(&page, as_json, NULL,
           "{\"type\": \"int\", \"allocated\": {\"size\": 32}, \"name\": \"a\"}\n");
    expect(&page, page_text, &(struct render_style){0},
           "0x7f00\n  type  int\n  name  a\n\nAllocated:\n  there\n");
    page_free(&page);
}

Test(page, values_are_cut_to_what_a_terminal_leaves)
{
    struct page page = {0};
    char value[100];

    memset(value, 'v', sizeof(value));
    page_add(&page, NULL, NULL, 0);
    page_title(&page, "0x10");
    struct report *section = page_add(&page, "attributes", attribute_columns, 3);
    report_cell_text(section, "name", 4);
    report_cell_number(section, 0x10);
    report_cell_text(section, value, sizeof(value));
    expect(&page, page_text, &(struct render_style){.width = 60},
           "0x10\n"
           "\n"
           "Attribute  Address  Value\n"
           "name       0x10     vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv...(+68)\n");
    page_free(&page);
}

Test(page, a_page_that_is_not_whole_is_not_printed)
{
    struct page page;
    struct error err = {0};
    char *bytes = NULL;
    size_t length = 0;

    make(&page);
    page.sections[3].failed = true;
    FILE *out = open_memstream(&bytes, &length);
    cr_assert(out);
    cr_expect_not(page_json(&page, out, &err));
    cr_expect_eq(err.kind, ERROR_SYSTEM);
    cr_expect_not(page_text(&page, &(struct render_style){0}, out, &err));
    cr_assert_eq(fclose(out), 0);
    cr_expect_eq(length, 0);
    free(bytes);
    page_free(&page);
}
