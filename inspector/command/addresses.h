// SPDX-License-Identifier: MIT
/*
 * addresses - the addresses of objects that a person or another command gives: as we print them,
 * 0x7f3a5c0d1e80, or as id() does.
 */
#ifndef PYINSPECT_ADDRESSES_H
#define PYINSPECT_ADDRESSES_H

#include "inspector/command/options.h"
#include "symbols/base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is empty and ready. */
struct addresses {
    uint64_t *items;
    size_t count, capacity;
};

void addresses_free(struct addresses *addresses);

/* ERROR_USAGE where the word is no address, or there are more than 2^24. */
MUST_CHECK bool addresses_add(struct addresses *addresses, const char *word, struct error *err);

/* The same for a list with commas. */
MUST_CHECK bool addresses_add_list(struct addresses *addresses, const char *list,
                                   struct error *err);

/*
 * Adds those of a file, "-" being the standard input, with blanks or line ends between them. Fails
 * with ERROR_INPUT where it cannot be read, with ERROR_USAGE where a word is no address or there is
 * none.
 */
MUST_CHECK bool addresses_read(struct addresses *addresses, const char *path, struct error *err);

/* Adds the operands behind the PID: addresses, or "-" as above. ERROR_USAGE where there are none.
 */
MUST_CHECK bool addresses_operands(struct addresses *addresses, const char *command,
                                   const struct operands *operands, struct error *err);

/* In ascending order. */
void addresses_sort(struct addresses *addresses);

#endif
