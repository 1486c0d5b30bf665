// SPDX-License-Identifier: MIT
#include "inspector/command/allocation_page.h"

#include "inspector/command/traces_words.h"
#include "inspector/report/rows.h"

#include <inttypes.h>

/* As a statistic, which is what there are words for. */
static struct trace_statistic as_statistic(const struct allocations *allocations,
                                           const struct detail_allocation *allocation,
                                           const struct traces *of)
{
    return (struct trace_statistic){.of = of,
                                    .frames = allocation->frames,
                                    .frame_count = allocation->count,
                                    .all_frames = allocation->all_frames,
                                    .newest_first = allocations->newest_first,
                                    .size = allocation->size,
                                    .count = 1};
}

static void add_facts(const struct allocations *allocations,
                      const struct detail_allocation *allocation, struct report *facts)
{
    struct text frames = {0};

    report_fact(facts, "allocated.block", value_number(UNIT_ADDRESS, allocation->block));
    report_fact_number(facts, "allocated.size", UNIT_COUNT, allocation->size);
    report_fact_number(facts, "allocated.domain", UNIT_COUNT, allocation->domain);
    for (uint32_t i = 0; i < allocation->count; i++) {
        uint32_t number = allocations->newest_first ? i : allocation->count - 1 - i;
        const struct trace_file *file = &allocation->files[number];
        text_add_bytes(&frames, file->name, file->length);
        text_addf(&frames, ":%" PRIu32, allocation->frames[number].line);
        text_add_char(&frames, '\0');
    }
    if (frames.length)
        report_fact_texts(facts, "allocated.traceback", frames.bytes, frames.length);
    else
        report_fact(facts, "allocated.traceback", value_nothing());
    report_fact(facts, "allocated.all_frames",
                allocation->all_frames ? value_number(UNIT_COUNT, allocation->all_frames)
                                       : value_nothing());
    facts->failed |= frames.failed;
    text_free(&frames);
}

static void add_lines(const struct allocations *allocations,
                      const struct detail_allocation *allocation, struct source_lines *sources,
                      struct text *text)
{
    const struct traces of = {.files = allocation->files,
                              .file_count = allocation->count,
                              .frames = allocation->frames,
                              .frame_count = allocation->count,
                              .newest_first = allocations->newest_first};
    const struct trace_statistic statistic = as_statistic(allocations, allocation, &of);
    const struct traces_style style = {.is_escaped = true,
                                       .tells_cut = true,
                                       .source = sources ? source_lines_add : NULL,
                                       .context = sources};

    text_addf(text, "Allocated (most recent call %s):\n",
              allocations->newest_first ? "first" : "last");
    traces_add_traceback(text, &statistic, &style);
}

void allocation_page(const struct allocations *allocations,
                     const struct detail_allocation *allocation, struct source_lines *sources,
                     struct page *page)
{
    if (allocations->tracing != TRACING_ON)
        return;
    struct report *facts = page_add_for_machines(page);
    if (!allocation->is_traced) {
        report_fact(facts, "allocated", value_nothing());
        text_add(&page->below,
                 "Not traced: made before tracing began, static, or from a free list\n");
    } else {
        add_facts(allocations, allocation, facts);
        if (!allocation->is_readable)
            text_add(&page->below, "Allocated by a traceback that cannot be read\n");
        else if (allocation->count)
            add_lines(allocations, allocation, sources, &page->below);
    }
}
