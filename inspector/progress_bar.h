// SPDX-License-Identifier: MIT
/*
 * progress_bar - shows on a terminal how far long work has come: from its second second on, ten
 * times a second, in one line that is wiped away in the end. For main alone.
 */
#ifndef PYINSPECT_PROGRESS_BAR_H
#define PYINSPECT_PROGRESS_BAR_H

#include "symbols/base/progress.h"

struct progress_bar;

/* NULL where `fd` is no terminal: nothing is shown then. */
struct progress_bar *progress_bar_start(struct progress *progress, int fd);
void progress_bar_stop(struct progress_bar *bar); /* NULL is fine */

#endif
