// SPDX-License-Identifier: MIT
/*
 * selection - which objects are asked for by what is known of them from elsewhere: those that are
 * not in a census (--new-since), those at given addresses (--ids).
 */
#ifndef PYINSPECT_SELECTION_H
#define PYINSPECT_SELECTION_H

#include "inspector/analysis/listing.h"
#include "inspector/command/addresses.h"
#include "inspector/command/common_options.h"
#include "inspector/command/session.h"

/* Zero-initialised is empty and ready. */
struct selection {
    const char *new_since; /* the name of a census (census_name.h); NULL: none */
    const char *ids;       /* a file of addresses, or "-"; NULL: none */
    struct snapshot old;
    struct addresses addresses;
};

/* Into struct selection: --new-since, --ids. */
extern const struct option_row selection_options[];

/*
 * Reads what they name, and has the listing keep to it; the selection must outlive it. ERROR_USAGE
 * where the census says nothing of some objects that `choice` asks for.
 */
MUST_CHECK bool selection_load(struct selection *selection, const struct object_choice *choice,
                               struct listing_options *listing, struct error *err);
void selection_free(struct selection *selection);

/* ERROR_USAGE where the census is of another process, in which addresses say nothing. */
MUST_CHECK bool selection_check(const struct selection *selection, const struct session *session,
                                struct error *err);

/* Adds to the last line what was selected, and how many of the addresses are not among the
 * `found` objects. */
void selection_say(const struct selection *selection, uint64_t found, struct text *text);

#endif
