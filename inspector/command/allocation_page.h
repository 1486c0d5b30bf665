// SPDX-License-Identifier: MIT
/*
 * allocation_page - where an object was allocated, on its page: for a machine "allocated", an
 * object (null: it is not traced), for a person the traceback as tracemalloc formats it.
 */
#ifndef PYINSPECT_ALLOCATION_PAGE_H
#define PYINSPECT_ALLOCATION_PAGE_H

#include "inspector/analysis/detail.h"
#include "inspector/command/source_lines.h"
#include "inspector/report/page.h"

/* Nothing where nothing is traced. `sources` may be NULL: no source. */
void allocation_page(const struct allocations *allocations,
                     const struct detail_allocation *allocation, struct source_lines *sources,
                     struct page *page);

#endif
