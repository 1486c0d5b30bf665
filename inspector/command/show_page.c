// SPDX-License-Identifier: MIT
#include "inspector/command/show_page.h"

#include "inspector/command/allocation_page.h"
#include "inspector/report/render.h"
#include "inspector/report/rows.h"
#include "symbols/base/text.h"

#include <inttypes.h>
#include <stdio.h>

/* Of the things that an object holds. Names and keys are content as values are: without them there
 * are the bare columns. */
struct table {
    const char *key;
    const struct column *columns;
    const struct column *bare;
    size_t count, bare_count;
};

static const struct column attribute_columns[] = {
    {"name", "Attribute", UNIT_TEXT},
    {"address", "Address", UNIT_ADDRESS},
    {"type", "Type", UNIT_TEXT},
    {"repr", "Value", UNIT_SOURCE},
};

static const struct column bare_attribute_columns[] = {
    {"address", "Attribute", UNIT_ADDRESS},
    {"type", "Type", UNIT_TEXT},
};

static const struct column local_columns[] = {
    {"name", "Local", UNIT_TEXT},
    {"address", "Address", UNIT_ADDRESS},
    {"type", "Type", UNIT_TEXT},
    {"repr", "Value", UNIT_SOURCE},
};

static const struct column bare_local_columns[] = {
    {"address", "Local", UNIT_ADDRESS},
    {"type", "Type", UNIT_TEXT},
};

static const struct column field_columns[] = {
    {"name", "Field", UNIT_TEXT},
    {"address", "Address", UNIT_ADDRESS},
    {"type", "Type", UNIT_TEXT},
    {"repr", "Value", UNIT_SOURCE},
};

static const struct column item_columns[] = {
    {"index", "Index", UNIT_COUNT},
    {"address", "Address", UNIT_ADDRESS},
    {"type", "Type", UNIT_TEXT},
    {"repr", "Value", UNIT_SOURCE},
};

static const struct column entry_columns[] = {
    {"key", "Key", UNIT_SOURCE},          {"key_address", "Key address", UNIT_ADDRESS},
    {"address", "Address", UNIT_ADDRESS}, {"type", "Type", UNIT_TEXT},
    {"repr", "Value", UNIT_SOURCE},
};

static const struct column base_columns[] = {
    {"address", "Base", UNIT_ADDRESS},
    {"type", "Type", UNIT_TEXT},
    {"repr", "Class", UNIT_SOURCE},
};

static const struct table attributes_table = {"attributes", attribute_columns,
                                              bare_attribute_columns, 4, 2};
static const struct table locals_table = {"locals", local_columns, bare_local_columns, 4, 2};
static const struct table fields_table = {"fields", field_columns, field_columns, 4, 3};
static const struct table items_table = {"items", item_columns, item_columns, 4, 3};
static const struct table entries_table = {"items", entry_columns, entry_columns + 1, 5, 3};
static const struct table bases_table = {"bases", base_columns, base_columns, 3, 2};

static void add_text(struct report *section, const char *text)
{
    report_cell_text(section, text ? text : "", text ? strlen(text) : 0);
}

static void add_cell(struct report *section, const struct column *column,
                     const struct member *member)
{
    if (strcmp(column->key, "name") == 0 || strcmp(column->key, "key") == 0)
        add_text(section, member->name);
    else if (strcmp(column->key, "index") == 0)
        report_cell_number(section, member->number);
    else if (strcmp(column->key, "key_address") == 0)
        report_cell_number(section, member->key);
    else if (strcmp(column->key, "address") == 0)
        report_cell_number(section, member->address);
    else if (strcmp(column->key, "type") == 0)
        add_text(section, member->type);
    else
        add_text(section, member->value);
}

static struct report *add_members(struct page *page, const struct table *table,
                                  const struct members *members, bool no_values)
{
    const struct column *columns = no_values ? table->bare : table->columns;
    size_t count = no_values ? table->bare_count : table->count;
    struct report *section = page_add(page, table->key, columns, count);

    for (size_t i = 0; i < members->count; i++) {
        for (size_t j = 0; j < count; j++)
            add_cell(section, &columns[j], &members->items[i]);
    }
    return section;
}

static void add_items(struct page *page, const struct detail *detail, bool no_values)
{
    const struct table *table = detail->has_keys ? &entries_table : &items_table;
    const struct members *items = &detail->items;
    struct report *section = add_members(page, table, items, no_values);
    char count[32], note[64];

    report_fact_number(section, "item_count", UNIT_COUNT, items->total);
    if (items->total == items->count)
        return;
    snprintf(note, sizeof(note), "%s more (--items 0 shows all)",
             format_count(count, items->total - items->count));
    report_note(section, note, strlen(note));
}

static void add_generation(struct report *facts, const struct finding *finding)
{
    if (!finding->is_listed)
        report_fact(facts, "generation", value_nothing());
    else if (finding->generation == GENERATION_PERMANENT)
        report_fact_text(facts, "generation", "permanent");
    else
        report_fact_number(facts, "generation", UNIT_COUNT, finding->generation);
}

static void add_facts(struct report *facts, const struct finding *finding,
                      const struct detail *detail)
{
    const struct type *type = finding->type;

    report_fact(facts, "type", value_text(type->name, type->name_length));
    report_fact_number(facts, "size", UNIT_COUNT, detail->size); /* to the byte */
    report_fact_number(facts, "exact_size", UNIT_BOOL, detail->is_exact);
    report_fact_number(facts, "refcount", UNIT_COUNT, detail->refcount);
    add_generation(facts, finding);
    report_fact_number(facts, "tracked", UNIT_BOOL, finding->is_tracked);
    if (detail->repr)
        report_fact(facts, "repr", value_source(detail->repr, strlen(detail->repr)));
    if (finding->asked != finding->object) {
        report_fact(facts, "asked", value_number(UNIT_ADDRESS, finding->asked));
        if (finding->asked > finding->object)
            report_fact_number(facts, "offset", UNIT_COUNT, finding->asked - finding->object);
    }
    if (!finding->is_alive)
        report_fact_text(facts, "doubt",
                         "nothing that is known refers to it: it may have been freed");
    for (size_t i = 0; i < detail->fact_count; i++)
        report_fact_text(facts, detail->facts[i].key, detail->facts[i].value);
}

static bool add_object(struct page *page, struct details *details, size_t number,
                       struct source_lines *sources, struct error *err)
{
    const struct finding *finding = &details->findings[number];
    bool no_values = details->options.no_values;
    struct report *facts = &page->sections[0];
    struct detail detail;

    if (!details_look(details, number, &detail, err))
        return false;
    add_facts(facts, finding, &detail);
    if (finding->type->flags & TPFLAGS_TYPE_SUBCLASS) {
        struct instance_count count = details_instances(details, number);
        report_fact_number(facts, "instances", UNIT_COUNT, count.own);
        report_fact_number(facts, "subclass_instances", UNIT_COUNT, count.inherited);
    }
    allocation_page(&details->allocations, &detail.allocation, sources, page);
    add_members(page, &attributes_table, &detail.attributes, no_values);
    add_members(page, &locals_table, &detail.locals, no_values);
    add_items(page, &detail, no_values);
    add_members(page, &bases_table, &detail.bases, no_values);
    add_members(page, &fields_table, &detail.fields, no_values);
    detail_free(&detail);
    return true;
}

static const char *const found_names[] = {
    [FOUND_OBJECT] = "object",    [FOUND_INSIDE] = "object",         [FOUND_BUFFER] = "buffer",
    [FOUND_DEAD] = "dead_object", [FOUND_FREE_BLOCK] = "free_block", [FOUND_BLOCK] = "block",
    [FOUND_POOL] = "allocator",   [FOUND_MEMORY] = "memory",         [FOUND_UNREAD] = "unread",
    [FOUND_NOTHING] = "nothing",
};

static void add_place(const struct finding *finding, const char *mapping, struct text *text)
{
    char size[32];
    const char *bytes = format_bytes(size, finding->size);

    switch (finding->found) {
    case FOUND_OBJECT:
    case FOUND_INSIDE:
        break;
    case FOUND_BUFFER:
        text_addf(text, "in a buffer (%s, %s at 0x%" PRIx64 ") of the %s at 0x%" PRIx64,
                  finding->buffer, bytes, finding->start, finding->type->name, finding->object);
        break;
    case FOUND_DEAD:
        text_addf(text, "in a %s at 0x%" PRIx64 " that was freed and is kept for the next one",
                  finding->type->name, finding->object);
        break;
    case FOUND_FREE_BLOCK:
        text_addf(text, "in a free block of %s at 0x%" PRIx64, bytes, finding->start);
        break;
    case FOUND_BLOCK:
        text_addf(text, "in an allocated block of %s at 0x%" PRIx64 " that is no known object's",
                  bytes, finding->start);
        break;
    case FOUND_POOL:
        text_addf(text, "in the allocator's own part of its pool of %s at 0x%" PRIx64, bytes,
                  finding->start);
        break;
    case FOUND_MEMORY:
        text_addf(text, "in memory that is no known object's (%s)", mapping);
        break;
    case FOUND_UNREAD:
        text_addf(text,
                  "in memory that was not read (%s): it is no program's data, or lies in swap "
                  "(--read-swapped reads it)",
                  mapping);
        break;
    case FOUND_NOTHING:
        if (*mapping == '?')
            text_add(text, "in no memory of the process");
        else
            text_addf(text, "in memory that is never read (%s)", mapping);
        break;
    }
}

void show_explain(const struct finding *finding, struct session *session, struct text *text)
{
    char mapping[256] = "?";

    if (finding->found >= FOUND_MEMORY)
        session_mapping(session, finding->asked, mapping, sizeof(mapping));
    add_place(finding, mapping, text);
}

static void add_refusal(struct report *facts, const struct finding *finding,
                        struct session *session)
{
    struct text text = {0};

    show_explain(finding, session, &text);
    report_fact_text(facts, "found", found_names[finding->found]);
    report_fact_text(facts, "there", text.bytes ? text.bytes : "");
    text_free(&text);
    if (finding->size) {
        report_fact(facts, "start", value_number(UNIT_ADDRESS, finding->start));
        report_fact_number(facts, "bytes", UNIT_BYTES, finding->size);
    }
    if (finding->object) {
        report_fact(facts, "object", value_number(UNIT_ADDRESS, finding->object));
        report_fact_text(facts, "object_type", finding->type->name);
    }
}

bool show_page(struct details *details, size_t number, struct session *session,
               struct source_lines *sources, struct page *ret, struct error *err)
{
    const struct finding *finding = &details->findings[number];
    bool is_object = finding_is_object(finding);
    uint64_t address = is_object ? finding->object : finding->asked;
    struct page page = {0};
    struct report *facts = page_add(&page, NULL, NULL, 0);
    char title[64];

    snprintf(title, sizeof(title), "0x%" PRIx64 "%s", address, is_object ? "" : " is no object");
    page_title(&page, title);
    report_fact(facts, "address", value_number(UNIT_ADDRESS, address));
    if (!is_object) {
        add_refusal(facts, finding, session);
    } else if (!add_object(&page, details, number, sources, err)) {
        page_free(&page);
        return false;
    }
    *ret = page;
    return true;
}
