// SPDX-License-Identifier: MIT
#include "inspector/analysis/listing_values.h"

#include "inspector/analysis/attributes.h"
#include "inspector/python/printer.h"

static void print_attributes(struct listing *listing, const struct type *type, uint64_t address)
{
    const struct listing_options *options = &listing->options;
    uint64_t found[MOST_ATTRIBUTES];

    attributes_find(&listing->reader, type, address, options->attributes, options->attribute_count,
                    found);
    for (size_t i = 0; i < options->attribute_count; i++) {
        text_clear(&listing->attributes[i]);
        if (found[i])
            print_object(&listing->reader, found[i], options->repr_length, &listing->attributes[i]);
    }
}

void listing_print_values(struct listing *listing, const struct type *type, uint64_t address)
{
    text_clear(&listing->repr);
    print_object(&listing->reader, address, listing->options.repr_length, &listing->repr);
    if (listing->options.attribute_count)
        print_attributes(listing, type, address);
}
