// SPDX-License-Identifier: MIT
/*
 * live_page - a page on a terminal that is renewed in place: the cursor goes back to its first
 * line, and all from there on is written anew. It never takes more lines than the terminal has.
 */
#ifndef PYINSPECT_LIVE_PAGE_H
#define PYINSPECT_LIVE_PAGE_H

#include "symbols/base/text.h"

#include <stdio.h>

/* Zero-initialised is empty and ready. */
struct live_page {
    struct text content; /* whole lines, with looks but without other controls */
    struct text note;    /* what is shown below it until it changes */
    size_t shown;        /* lines of it on the terminal */
};

/*
 * Shows the page, in place of what was shown of it before, on a terminal of so many rows and
 * columns (0: not known) in one write; lines that are too long for it end at its edge, with a ">".
 * False where `out` takes no more, or there is no memory.
 */
bool live_page_show(struct live_page *page, size_t rows, size_t columns, FILE *out);
void live_page_free(struct live_page *page);

#endif
