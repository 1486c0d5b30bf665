// SPDX-License-Identifier: MIT
/*
 * show_page - what `pyinspect show` prints of one address: the object that is there, or what is
 * there in place of one.
 */
#ifndef PYINSPECT_SHOW_PAGE_H
#define PYINSPECT_SHOW_PAGE_H

#include "inspector/analysis/details.h"
#include "inspector/command/session.h"
#include "inspector/command/source_lines.h"
#include "inspector/report/page.h"
#include "symbols/base/text.h"

/* To be called once for each number (details_look); *ret is to be freed with page_free. `session`
 * tells of mappings, `sources` (NULL: nothing) of the lines by which the object was allocated.
 * ERROR_SYSTEM for want of memory. */
MUST_CHECK bool show_page(struct details *details, size_t number, struct session *session,
                          struct source_lines *sources, struct page *ret, struct error *err);

/* Adds what is at the address of a finding that is no object: "in a free block of 64 B at ...". */
void show_explain(const struct finding *finding, struct session *session, struct text *text);

#endif
