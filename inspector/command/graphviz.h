// SPDX-License-Identifier: MIT
/*
 * graphviz - where a diagram goes: a .dot file, a picture that `dot` makes, the viewer xdot.
 *
 * Files are written as replaced_file.h does. One that ends in .dot or .gv is DOT, which somebody
 * may have written by hand: it is replaced only if it is a diagram, ours or objgraph's. Any other
 * ending is a format of dot's, and a picture is replaced by a picture, as dot would.
 *
 * `dot` and xdot are programs of the user's (foreign.h). They read the diagram from memory, so
 * nothing is left behind.
 */
#ifndef PYINSPECT_GRAPHVIZ_H
#define PYINSPECT_GRAPHVIZ_H

#include "inspector/command/command.h"
#include "inspector/report/diagram.h"
#include "symbols/base/text.h"

/*
 * Can the diagram be written to `path`? Always where it is "-" (graphviz_is_stdout). ERROR_USAGE
 * where it ends in nothing that could be a format, or is somebody else's DOT; ERROR_OUTPUT where
 * nothing can be written. Whether dot knows the format is known later. To be asked before anything
 * is done.
 */
MUST_CHECK bool graphviz_check(const char *path, struct error *err);

/* "-": DOT goes to the standard output, which is main's to write to. */
bool graphviz_is_stdout(const char *path);

/* ERROR_USAGE where both the picture (`path`; NULL: none) and the answer go there. */
MUST_CHECK bool graphviz_check_format(const char *path, enum format format, struct error *err);

/*
 * Writes the diagram to `path`, and adds to `said` what was done ("graph of 24 nodes written to
 * x.svg"). Where a picture cannot be made (no dot, a format that it does not know, longer than two
 * minutes) the DOT is kept beside it (x.svg.dot), and the error, ERROR_OUTPUT, says so, why, and
 * what helps.
 */
MUST_CHECK bool graphviz_write(const struct diagram *diagram, const char *path, struct text *said,
                               struct error *err);

/* Is there a desktop (DISPLAY or WAYLAND_DISPLAY), and xdot? Not for root: what it would show comes
 * from a target. */
bool graphviz_has_viewer(void);

/* Opens xdot on it, which goes on when we end. */
MUST_CHECK bool graphviz_view(const struct diagram *diagram, struct text *said, struct error *err);

#endif
