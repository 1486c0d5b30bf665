// SPDX-License-Identifier: MIT
/*
 * refs_options - the options of `pyinspect refs` and `backrefs`.
 */
#ifndef PYINSPECT_REFS_OPTIONS_H
#define PYINSPECT_REFS_OPTIONS_H

#include "inspector/analysis/drawing.h"
#include "inspector/command/addresses.h"
#include "inspector/command/command.h"
#include "inspector/command/session.h"

struct refs_options {
    struct drawing_options drawing;
    struct predicate *filter, *highlight;
    struct addresses ignored;
    const char *output; /* a path; NULL: none */
    bool draws_names;
    bool no_exec;
    struct session_options session;
    enum format format;
};

extern const struct option_list refs_option_lists[];

struct refs_options refs_options_default(bool backwards);

/* As options_parse. The drawing's options point into the others, which stay where they are; to be
 * freed after failure too. */
MUST_CHECK bool refs_options_parse(struct refs_options *options, int argc, char **argv, int first,
                                   struct operands *operands, struct error *err);
void refs_options_free(struct refs_options *options);

#endif
