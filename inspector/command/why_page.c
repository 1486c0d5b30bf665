// SPDX-License-Identifier: MIT
#include "inspector/command/why_page.h"

#include "inspector/command/why_steps.h"
#include "inspector/report/rows.h"

#include <inttypes.h>
#include <string.h>

static const struct column step_columns[] = {
    {"address", "", UNIT_ADDRESS}, {"type", "", UNIT_TEXT},  {"name", "", UNIT_TEXT},
    {"owned", "", UNIT_BOOL},      {"guess", "", UNIT_BOOL},
};

static const char *const start_names[] = {
    [CHAIN_FROM_OBJECT] = "object",
    [CHAIN_FROM_OUTSIDE] = "outside",
    [CHAIN_FROM_CYCLE] = "cycle",
};

static const char *const root_names[] = {
    [ROOT_NONE] = "none",   [ROOT_MODULE] = "module", [ROOT_LOCAL] = "local",
    [ROOT_FRAME] = "frame", [ROOT_THREAD] = "thread", [ROOT_INTERPRETER] = "interpreter",
    [ROOT_TYPE] = "type",   [ROOT_STATIC] = "static",
};

static const char *const edge_names[] = {
    [CHAIN_VISITED] = "visited", [CHAIN_OWNED] = "owned", [CHAIN_GUESSES] = "guesses"};

/* Adds the text as a fact, and forgets it. */
static void add_text(struct report *report, const char *key, struct text *text)
{
    if (text->length)
        report_fact(report, key, value_text(text->bytes, text->length));
    else
        report_fact(report, key, value_nothing());
    report->failed |= text->failed;
    text_free(text);
}

static void add_code(const struct reader *reader, const struct root *root, bool no_values,
                     struct report *part)
{
    struct text function = {0}, file = {0};

    if (!no_values) {
        why_add_function(reader, root, &function);
        why_add_file(reader, root, &file);
    }
    add_text(part, "root.function", &function);
    add_text(part, "root.file", &file);
    report_fact(part, "root.line",
                root->line ? value_number(UNIT_COUNT, root->line) : value_nothing());
}

static void add_root(const struct reader *reader, const struct root *root, bool no_values,
                     struct report *part)
{
    struct text name = {0};

    report_fact_text(part, "root.kind", root_names[root->kind]);
    if (!no_values || root->kind != ROOT_LOCAL)
        why_add_name(reader, root, &name);
    add_text(part, "root.name", &name);
    report_fact_number(part, "root.guess", UNIT_BOOL, root->reference.is_guess);
    if (root->interpreter)
        report_fact_number(part, "root.interpreter", UNIT_COUNT, root->interpreter_number);
    if (!root->thread)
        return;
    report_fact(part, "root.thread_id",
                root->thread_id ? value_number(UNIT_COUNT, root->thread_id) : value_nothing());
    report_fact(part, "root.thread_ident", value_number(UNIT_COUNT, root->thread_ident));
    if (root->code)
        add_code(reader, root, no_values, part);
}

static void add_name(const struct reader *reader, const struct link *link,
                     const struct why_style *style, struct report *part)
{
    struct text name = {0};

    if (!link->is_unnamed)
        link_name(reader, link, style->repr_length, &name);
    if (name.length)
        report_cell_text(part, name.bytes, name.length);
    else
        report_cell_nothing(part);
    part->failed |= name.failed;
    text_free(&name);
}

static void add_steps(const struct reader *reader, const struct graph *graph,
                      const struct chain *chain, const struct why_style *style, struct report *part)
{
    for (size_t i = 0; i < chain->count; i++) {
        uint64_t address = graph_address(graph, chain->nodes[i]);
        const struct type *type = reader_type_of(reader, address);
        report_cell_number(part, address);
        report_cell_text(part, type ? type->name : "?", type ? type->name_length : 1);
        if (i + 1 < chain->count) {
            add_name(reader, &chain->links[i], style, part);
            report_cell_number(part, chain->links[i].reference.is_owned);
            report_cell_number(part, chain->links[i].reference.is_guess);
        } else {
            report_cell_nothing(part);
            report_cell_nothing(part);
            report_cell_nothing(part);
        }
    }
}

static void add_chain(const struct reader *reader, const struct graph *graph,
                      const struct chain *chain, const struct why_style *style, struct page *page)
{
    struct report *part = page_add_part(page, "steps", step_columns, 5);
    struct text line = {0};

    if (!part)
        return;
    why_add_chain(reader, graph, chain, style, &line);
    text_add_bytes(&page->prose, line.bytes, line.length);
    text_add_char(&page->prose, '\n');
    if (style->steps)
        why_add_steps(reader, graph, chain, style, &page->prose);
    add_text(part, "chain", &line);
    report_fact_text(part, "start",
                     chain->start == CHAIN_FROM_ROOT ? "root" : start_names[chain->start]);
    report_fact_number(part, "length", UNIT_COUNT, chain->count - 1);
    if (chain->root.kind != ROOT_NONE)
        add_root(reader, &chain->root, !style->repr_length, part);
    if (chain->start == CHAIN_FROM_OUTSIDE)
        report_fact_number(part, "outside", UNIT_COUNT, chain->surplus);
    if (chain->start == CHAIN_FROM_CYCLE)
        report_fact_number(part, "cycle", UNIT_COUNT, chain->cycle);
    add_steps(reader, graph, chain, style, part);
}

static void add_balance(const struct balance *balance, struct report *facts)
{
    int64_t surplus = balance_surplus(balance);

    report_fact_number(facts, "immortal", UNIT_BOOL, balance->is_immortal);
    report_fact(facts, "refcount",
                balance->is_immortal ? value_nothing()
                                     : value_number(UNIT_COUNT, balance->refcount));
    report_fact_number(facts, "references.visited", UNIT_COUNT, balance->visited);
    report_fact_number(facts, "references.owned", UNIT_COUNT, balance->owned);
    report_fact_number(facts, "references.roots", UNIT_COUNT, balance->roots);
    report_fact_number(facts, "references.statics", UNIT_COUNT, balance->statics);
    report_fact_number(facts, "references.guesses", UNIT_COUNT, balance->guesses);
    report_fact_number(facts, "references.outside", UNIT_COUNT,
                       surplus > 0 ? (uint64_t)surplus : 0);
}

static void add_notes(const struct chains *chains, struct text *prose)
{
    const struct balance *balance = &chains->balance;
    bool is_said = chains->count == 1 && chains->items[0].start == CHAIN_FROM_OUTSIDE &&
                   chains->items[0].count == 1;
    size_t before;

    if (!chains->count && balance->visited + balance->owned + balance->roots)
        text_addf(prose,
                  "no chain is as --to, --max-depth and --ignore ask for; known references to "
                  "it: %" PRIu64 " (pyinspect backrefs)\n",
                  (uint64_t)(balance->visited + balance->owned + balance->roots));
    else if (!chains->count)
        text_add(prose, "nothing that is known leads to it\n");
    if (chains->were_cut)
        text_add(prose, "there may be more: the search was cut\n");
    if (chains->count && chains->edges == CHAIN_GUESSES)
        text_add(prose, "it is no more than likely: what is marked ? looks like a reference\n");
    before = prose->length;
    if (!is_said)
        why_add_outside(&chains->balance, prose);
    if (prose->length > before)
        text_add_char(prose, '\n');
}

void why_page(const struct reader *reader, const struct graph *graph, uint32_t node,
              const struct chains *chains, const struct why_style *style, struct page *ret)
{
    struct page page = {.parts_key = "chains"};
    struct report *facts = page_add(&page, NULL, NULL, 0);
    uint64_t address = graph_address(graph, node);
    const struct type *type = reader_type_of(reader, address);

    report_fact(facts, "address", value_number(UNIT_ADDRESS, address));
    report_fact_text(facts, "type", type ? type->name : "?");
    add_balance(&chains->balance, facts);
    report_fact_number(facts, "cut", UNIT_BOOL, chains->were_cut);
    report_fact_text(facts, "by", edge_names[chains->edges]);
    for (size_t i = 0; i < chains->count; i++)
        add_chain(reader, graph, &chains->items[i], style, &page);
    add_notes(chains, &page.prose);
    *ret = page;
}

void why_refuse(uint64_t address, const char *there, struct page *ret)
{
    struct page page = {.parts_key = "chains"};
    struct report *facts = page_add(&page, NULL, NULL, 0);

    report_fact(facts, "address", value_number(UNIT_ADDRESS, address));
    report_fact_text(facts, "there", there);
    text_addf(&page.prose, "0x%" PRIx64 " is no object: ", address);
    text_add_escaped(&page.prose, there, strlen(there), 0);
    text_add_char(&page.prose, '\n');
    *ret = page;
}
