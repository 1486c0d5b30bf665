// SPDX-License-Identifier: MIT
/*
 * traces_output - where exported traces go: a file, or the standard output.
 *
 * Files are written as replaced_file.h does, readable by their owner alone. One that is there is
 * replaced only if it is of the same format.
 */
#ifndef PYINSPECT_TRACES_OUTPUT_H
#define PYINSPECT_TRACES_OUTPUT_H

#include "inspector/analysis/traces.h"

/* What --export writes; EXPORT_NOTHING: nothing. */
enum traces_export { EXPORT_NOTHING, EXPORT_PICKLE, EXPORT_FOLDED, EXPORT_PPROF };

/* Can it be written to `path` (NULL: to the standard output)? ERROR_USAGE where there is a file of
 * another kind, or a terminal; ERROR_OUTPUT where nothing can be written. To be asked before
 * anything is done. */
MUST_CHECK bool traces_output_check(enum traces_export export, const char *path, struct error *err);

MUST_CHECK bool traces_output_write(enum traces_export export, const char *path,
                                    const struct traces *traces, struct error *err);

#endif
