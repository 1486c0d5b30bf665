// SPDX-License-Identifier: MIT
/*
 * why_page - what `pyinspect why` prints of one object.
 */
#ifndef PYINSPECT_WHY_PAGE_H
#define PYINSPECT_WHY_PAGE_H

#include "inspector/command/why_words.h"
#include "inspector/report/page.h"

/* What was found out of the object that is `node`. The page is to be freed with page_free; what
 * fails for want of memory is remembered in it. */
void why_page(const struct reader *reader, const struct graph *graph, uint32_t node,
              const struct chains *chains, const struct why_style *style, struct page *ret);

/* The same of an address that is no object; `there` says what it is. */
void why_refuse(uint64_t address, const char *there, struct page *ret);

#endif
