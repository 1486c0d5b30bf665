// SPDX-License-Identifier: MIT
#include "inspector/analysis/links.h"

#include "inspector/python/object.h"
#include "inspector/python/printer.h"
#include "inspector/python/unicode.h"
#include "symbols/base/vector.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAME = 256 };

static bool is_set(const struct type *type)
{
    return type->kind &&
           (strcmp(type->kind->type, "set") == 0 || strcmp(type->kind->type, "frozenset") == 0);
}

static struct link link_of(const struct type *type, const struct reference *reference)
{
    return (struct link){.reference = *reference,
                         .is_element = reference->label == LABEL_KEY && is_set(type)};
}

/* What a told reference is good for. */
enum pass {
    PASS_ALIKE, /* names those links that are visited, or owned, as it is */
    PASS_OTHER, /* those that a traversal visits, and the kind takes for owned */
};

/* The links that wait for a name, by where they lead to. */
struct place {
    uint64_t to;
    size_t link;  /* its number */
    size_t taken; /* of the first place with this `to`: how many of them have a name */
    bool is_owned;
};

struct naming {
    const struct type *type;
    bool traversed;
    enum pass pass;
    struct link *links;
    struct place *places;
    size_t count, left;
    uint64_t told;
    /* The owned references, as numbers of what was told, that are visited after all; they ascend.
     */
    uint64_t *spent;
    size_t spent_count;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;

    if (a->to != b->to)
        return a->to < b->to ? -1 : 1;
    if (a->is_owned != b->is_owned)
        return a->is_owned ? 1 : -1;
    return (a->link > b->link) - (a->link < b->link);
}

/* The first place of those; NULL: there is none. */
static struct place *find_places(const struct naming *naming, uint64_t to, bool is_owned)
{
    size_t low = 0, high = naming->count;
    const struct place wanted = {.to = to, .is_owned = is_owned};

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_places(&naming->places[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    struct place *place = &naming->places[low];
    return low < naming->count && place->to == to && place->is_owned == is_owned ? place : NULL;
}

static struct link *take_place(const struct naming *naming, struct place *first)
{
    size_t number = (size_t)(first - naming->places) + first->taken;

    if (number >= naming->count || naming->places[number].to != first->to ||
        naming->places[number].is_owned != first->is_owned)
        return NULL;
    first->taken++;
    return &naming->links[naming->places[number].link];
}

static bool name_one(void *context, const struct reference *reference)
{
    struct naming *naming = context;
    uint64_t number = naming->told++;
    bool is_other = naming->pass == PASS_OTHER;

    if (is_other && (!reference->is_owned || (reference->is_guess && naming->traversed)))
        return true;
    struct place *first = find_places(naming, reference->to, reference->is_owned && !is_other);
    struct link *link = first ? take_place(naming, first) : NULL;
    if (!link)
        return true;
    bool is_owned = link->reference.is_owned;
    *link = link_of(naming->type, reference);
    link->reference.is_owned = is_owned;
    if (is_other && naming->spent)
        naming->spent[naming->spent_count++] = number;
    return --naming->left > 0;
}

static void run_pass(struct naming *naming, enum pass pass, const struct reader *reader,
                     uint64_t address)
{
    struct references references = {.visit = name_one, .context = naming};

    naming->pass = pass;
    naming->told = 0;
    if (naming->left)
        object_references(reader, naming->type, address, &references);
}

/* Links that are named in place; those that are not are unnamed. */
static bool name_links(struct naming *naming, const struct reader *reader, uint64_t address)
{
    naming->left = naming->count;
    naming->places = calloc(naming->count + 1, sizeof(*naming->places));
    if (!naming->places)
        return false;
    for (size_t i = 0; i < naming->count; i++) {
        struct reference *reference = &naming->links[i].reference;
        naming->places[i] =
            (struct place){.to = reference->to, .link = i, .is_owned = reference->is_owned};
        naming->links[i].is_unnamed = true;
    }
    qsort(naming->places, naming->count, sizeof(*naming->places), compare_places);
    run_pass(naming, PASS_ALIKE, reader, address);
    run_pass(naming, PASS_OTHER, reader, address);
    free(naming->places);
    return true;
}

bool links_name(const struct reader *reader, const struct type *type, uint64_t address,
                bool traversed, struct link *links, size_t count)
{
    struct naming naming = {.type = type, .traversed = traversed, .links = links, .count = count};

    return !count || name_links(&naming, reader, address);
}

/* Collecting */

struct collecting {
    const struct type *type;
    struct links *links;
    bool owned_only;
    uint64_t told;
    const uint64_t *spent;
    size_t spent_count, spent_next;
};

static void add_link(struct links *links, const struct link *link)
{
    struct link *grown =
        vector_grow(links->items, &links->capacity, links->count + 1, sizeof(*grown));

    if (!grown) {
        links->failed = true;
        return;
    }
    links->items = grown;
    grown[links->count++] = *link;
}

static bool collect(void *context, const struct reference *reference)
{
    struct collecting *collecting = context;
    uint64_t number = collecting->told++;
    bool is_spent = collecting->spent_next < collecting->spent_count &&
                    collecting->spent[collecting->spent_next] == number;

    collecting->spent_next += is_spent;
    if (!is_spent && (reference->is_owned || !collecting->owned_only)) {
        struct link link = link_of(collecting->type, reference);
        add_link(collecting->links, &link);
    }
    return !collecting->links->failed;
}

void links_of(const struct reader *reader, const struct type *type, uint64_t address,
              const uint64_t *visited, size_t visited_count, struct links *links)
{
    struct collecting collecting = {.type = type, .links = links, .owned_only = visited};
    struct references references = {.visit = collect, .context = &collecting};
    struct naming naming = {.type = type, .traversed = true, .count = visited_count};

    links->count = 0;
    for (size_t i = 0; visited && !links->failed && i < visited_count; i++)
        add_link(links, &(struct link){.reference.to = visited[i]});
    if (visited_count && visited && !links->failed) {
        naming.links = links->items;
        naming.spent = calloc(visited_count, sizeof(*naming.spent));
        links->failed = !naming.spent || !name_links(&naming, reader, address);
        collecting.spent = naming.spent;
        collecting.spent_count = naming.spent_count;
    }
    if (!links->failed)
        object_references(reader, type, address, &references);
    free(naming.spent);
}

void links_free(struct links *links)
{
    free(links->items);
    *links = (struct links){0};
}

/* One link */

struct between {
    const struct type *type;
    uint64_t to;
    bool found;
    struct link link; /* the best so far */
};

static unsigned rank(const struct reference *reference)
{
    return reference->is_guess ? 2 : reference->is_owned ? 1 : 0;
}

static bool look_between(void *context, const struct reference *reference)
{
    struct between *between = context;

    if (reference->to != between->to ||
        (between->found && rank(reference) >= rank(&between->link.reference)))
        return true;
    between->found = true;
    between->link = link_of(between->type, reference);
    return reference->is_owned;
}

bool link_between(const struct reader *reader, uint64_t from, uint64_t to, struct link *ret)
{
    struct between between = {.type = reader_type_of(reader, from), .to = to};
    struct references references = {.visit = look_between, .context = &between};

    if (between.type)
        object_references(reader, between.type, from, &references);
    if (between.found)
        *ret = between.link;
    return between.found;
}

/* Names */

static bool is_identifier(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)name[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
        if (!is_letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return length;
}

static bool read_str(const struct reader *reader, uint64_t address, struct text *text)
{
    const struct type *type = address ? reader_type_of(reader, address) : NULL;

    return type && type->flags & TPFLAGS_UNICODE_SUBCLASS &&
           unicode_read(reader->python, reader->image, address, MOST_NAME, text);
}

/* An attribute whose name a program could not write stands in the __dict__ all the same. */
static void add_attribute(const struct reader *reader, uint64_t key, uint64_t most,
                          struct text *text)
{
    size_t before = text->length;

    text_add(text, ".");
    if (!most) {
        text_add(text, "…");
    } else if (!read_str(reader, key, text) || !text->bytes ||
               !is_identifier(text->bytes + before + 1, text->length - before - 1)) {
        text->length = before;
        text_add(text, ".__dict__[");
        print_object(reader, key, most, text);
        text_add(text, "]");
    }
}

static void add_slot(const struct reader *reader, uint64_t name, uint64_t most, struct text *text)
{
    uint64_t c;

    text_add(text, most ? "." : ".…");
    for (unsigned i = 0; most && i < MOST_NAME; i++) {
        if (!image_word(reader->image, name + i, 1, &c) || !c)
            return;
        text_add_char(text, (char)c);
    }
}

static void add_local(const struct reader *reader, const struct reference *reference, uint64_t most,
                      struct text *text)
{
    const struct type *type = reader_type_of(reader, reference->to);
    bool is_cell = type && strcmp(type->name, "cell") == 0;

    text_add(text, is_cell ? "cell " : "local ");
    if (!most)
        text_add(text, "…");
    else if (!read_str(reader, reference->key, text))
        text_addf(text, "%" PRIu64, reference->number);
}

static void add_key(const struct reader *reader, uint64_t key, uint64_t most, struct text *text)
{
    const struct type *type = key ? reader_type_of(reader, key) : NULL;

    if (!key)
        text_add(text, "?");
    else if (most)
        print_object(reader, key, most, text);
    else
        text_addf(text, "<%s>", type ? type->name : "?");
}

static void add_field(const struct reference *reference, struct text *text)
{
    if (strcmp(reference->name, "stack") == 0)
        text_addf(text, "stack[%" PRIu64 "]", reference->number);
    else
        text_addf(text, ".%s", reference->name);
}

void link_name(const struct reader *reader, const struct link *link, uint64_t most,
               struct text *text)
{
    const struct reference *reference = &link->reference;

    if (link->is_unnamed || reference->is_guess) {
        text_add(text, link->is_unnamed ? "via tp_traverse" : "?");
        return;
    }
    switch (reference->label) {
    case LABEL_FIELD:
        add_field(reference, text);
        break;
    case LABEL_ATTRIBUTE:
        add_attribute(reader, reference->key, most, text);
        break;
    case LABEL_SLOT:
        add_slot(reader, reference->key, most, text);
        break;
    case LABEL_INDEX:
        text_addf(text, "[%" PRIu64 "]", reference->number);
        break;
    case LABEL_KEY:
        text_add(text, link->is_element ? "{…}" : "key ");
        if (!link->is_element)
            add_key(reader, reference->to, most, text);
        break;
    case LABEL_VALUE:
        text_add(text, "[");
        add_key(reader, reference->key, most, text);
        text_add(text, "]");
        break;
    case LABEL_LOCAL:
        add_local(reader, reference, most, text);
        break;
    }
}
