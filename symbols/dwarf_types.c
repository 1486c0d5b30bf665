// SPDX-License-Identifier: MIT
#include "symbols/dwarf_types.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

/* Debug information may be damaged or made up: no chain, nesting or search is followed for ever. */
enum {
    CHAIN_MAX = 32,
    NESTING_MAX = 8,
    MEMBERS_MAX = 100000,
};

/* The debug information of a whole CPython has 120000 to 360000, which take 10 to 30 ms. */
enum { DIES_FOR_OPTIONAL = 1000000 };

/* Takes the next of "a|b|c" off *list; NULL at the end. */
static const char *next_name(const char **list, size_t *length)
{
    const char *name = *list;

    if (!name || !*name)
        return NULL;
    *length = strcspn(name, "|");
    *list = name + *length + (name[*length] == '|');
    return name;
}

static bool is_name(const char *string, const char *name, size_t length)
{
    return string[0] == name[0] && strncmp(string, name, length) == 0 && string[length] == '\0';
}

/* dwarf_diename also asks the DIEs that this one is an instance of, which costs and says no more.
 */
static const char *die_name(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;

    return dwarf_formstring(dwarf_attr(die, DW_AT_name, &attribute));
}

static bool die_number(Dwarf_Die *die, unsigned name, uint64_t *ret)
{
    Dwarf_Attribute attribute;
    Dwarf_Word number;

    if (!dwarf_attr(die, name, &attribute) || dwarf_formudata(&attribute, &number) != 0)
        return false;
    *ret = number;
    return true;
}

static bool die_reference(Dwarf_Die *die, unsigned name, Dwarf_Die *ret)
{
    Dwarf_Attribute attribute;
    Dwarf_Die referred;

    if (!dwarf_attr(die, name, &attribute) || !dwarf_formref_die(&attribute, &referred))
        return false;
    *ret = referred;
    return true;
}

/* Goes on to the next sibling; forwards only, whatever DW_AT_sibling says. */
static bool to_sibling(Dwarf_Die *die)
{
    const void *before = die->addr;

    return dwarf_siblingof(die, die) == 0 && (const char *)die->addr > (const char *)before;
}

static bool is_structure(int tag)
{
    return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_class_type;
}

/* Follows typedefs, qualifiers and signatures of type units to what the type really is. */
static bool peel(Dwarf_Die *die)
{
    for (int i = 0; i < CHAIN_MAX; i++) {
        int tag = dwarf_tag(die);
        if (tag == DW_TAG_typedef || tag == DW_TAG_const_type || tag == DW_TAG_volatile_type ||
            tag == DW_TAG_atomic_type) {
            if (!die_reference(die, DW_AT_type, die))
                return false;
        } else if (!die_reference(die, DW_AT_signature, die)) {
            return tag != DW_TAG_invalid;
        }
    }
    return false;
}

static bool peel_to_definition(Dwarf_Die *die)
{
    return peel(die) && is_structure(dwarf_tag(die)) && !dwarf_hasattr(die, DW_AT_declaration);
}

/* An array without a bound, as at the end of a structure, has no elements. */
static bool array_count(Dwarf_Die *array, uint64_t *ret)
{
    uint64_t count = 1;
    Dwarf_Die child;

    if (dwarf_child(array, &child) != 0)
        return false;
    do {
        uint64_t dimension = 0;
        if (dwarf_tag(&child) != DW_TAG_subrange_type)
            continue;
        if (!die_number(&child, DW_AT_count, &dimension) &&
            die_number(&child, DW_AT_upper_bound, &dimension))
            dimension++;
        if (__builtin_mul_overflow(count, dimension, &count))
            return false;
    } while (to_sibling(&child));
    *ret = count;
    return true;
}

static bool type_size(Dwarf_Die die, uint64_t *ret)
{
    uint64_t elements = 1;

    for (int i = 0; i < CHAIN_MAX; i++) {
        uint64_t size, count;
        if (!peel(&die))
            return false;
        int tag = dwarf_tag(&die);
        if (die_number(&die, DW_AT_byte_size, &size))
            return !__builtin_mul_overflow(elements, size, ret);
        if (tag == DW_TAG_pointer_type)
            return !__builtin_mul_overflow(elements, sizeof(uint64_t), ret);
        if (tag != DW_TAG_array_type || !array_count(&die, &count) ||
            __builtin_mul_overflow(elements, count, &elements) ||
            !die_reference(&die, DW_AT_type, &die))
            return false;
    }
    return false;
}

/* Finding types */

/* One of the names that a type may have. */
struct wanted {
    struct dwarf_type *type;
    const char *name; /* inside type->names */
    size_t length;
    uint32_t hash;
    uint32_t next; /* in its bucket: its number + 1; 0: the last */
};

/* All names that are wanted, by hash: there are hundreds of them, and DIEs by the hundred thousand.
 */
struct search {
    struct wanted *wanted;
    uint32_t *buckets; /* the number of the first + 1, or 0 */
    uint32_t mask;
    size_t missing;  /* types that were not found yet */
    size_t needed;   /* those of them that are not optional */
    unsigned budget; /* top-level DIEs to look at when nothing is needed any more */
};

/* FNV-1a */
static uint32_t hash_of(const char *name, size_t length)
{
    uint32_t hash = UINT32_C(2166136261);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * UINT32_C(16777619);
    return hash;
}

static size_t count_names(const struct dwarf_type *types, size_t count)
{
    size_t names = 0, length;

    for (size_t i = 0; i < count; i++) {
        const char *list = types[i].names;
        while (next_name(&list, &length))
            names++;
    }
    return names;
}

static void add_names(struct search *search, struct dwarf_type *types, size_t count)
{
    uint32_t number = 0;

    for (size_t i = 0; i < count; i++) {
        const char *list = types[i].names;
        const char *name;
        size_t length;

        while ((name = next_name(&list, &length))) {
            uint32_t hash = hash_of(name, length);
            uint32_t *bucket = &search->buckets[hash & search->mask];
            search->wanted[number] = (struct wanted){&types[i], name, length, hash, *bucket};
            *bucket = ++number;
        }
    }
}

static void search_end(struct search *search)
{
    free(search->wanted);
    free(search->buckets);
}

static bool search_begin(struct search *ret, struct dwarf_type *types, size_t count,
                         struct error *err)
{
    size_t names = count_names(types, count), buckets = 64;

    while (buckets < 2 * names)
        buckets *= 2;
    *ret = (struct search){.wanted = calloc(names + 1, sizeof(*ret->wanted)),
                           .buckets = calloc(buckets, sizeof(*ret->buckets)),
                           .mask = (uint32_t)(buckets - 1),
                           .missing = count,
                           .needed = count,
                           .budget = DIES_FOR_OPTIONAL};
    if (!ret->wanted || !ret->buckets) {
        search_end(ret);
        return error_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        types[i].name = NULL;
        ret->needed -= types[i].optional;
    }
    add_names(ret, types, count);
    return true;
}

/* Keeps `die`, unless one with this name or a preferred one was found before. */
static void keep_type(struct search *search, const struct wanted *wanted, Dwarf_Die *die)
{
    struct dwarf_type *type = wanted->type;
    Dwarf_Die definition = *die;
    uint64_t size;

    if ((type->name && type->name <= wanted->name) || !peel_to_definition(&definition) ||
        !type_size(definition, &size))
        return;
    if (!type->name) {
        search->missing--;
        search->needed -= !type->optional;
    }
    type->name = wanted->name;
    type->die = definition;
    type->size = size;
}

static void look_up(struct search *search, Dwarf_Die *die)
{
    const char *string = die_name(die);
    size_t length = string ? strlen(string) : 0;
    uint32_t hash = hash_of(string, length);

    for (uint32_t at = search->buckets[hash & search->mask]; at; at = search->wanted[at - 1].next) {
        const struct wanted *wanted = &search->wanted[at - 1];
        if (wanted->hash == hash && wanted->length == length &&
            memcmp(wanted->name, string, length) == 0)
            keep_type(search, wanted, die);
    }
}

static bool is_exhausted(const struct search *search)
{
    return !search->needed && !search->budget;
}

static void search_unit(Dwarf_Die *unit, struct search *search)
{
    Dwarf_Die die;

    if (dwarf_child(unit, &die) != 0)
        return;
    do {
        int tag = dwarf_tag(&die);
        if (tag == DW_TAG_typedef || is_structure(tag))
            look_up(search, &die);
        search->budget -= !search->needed && search->budget;
    } while (!is_exhausted(search) && to_sibling(&die));
}

/* Does the unit come from one of these source files? */
static bool is_likely(Dwarf_Die *unit, const char *likely_units)
{
    const char *path = die_name(unit);
    const char *name;
    size_t length;

    if (!path)
        return false;
    const char *slash = strrchr(path, '/');
    while ((name = next_name(&likely_units, &length))) {
        if (is_name(slash ? slash + 1 : path, name, length))
            return true;
    }
    return false;
}

static bool is_over(const struct search *search)
{
    return !search->missing || is_exhausted(search);
}

static bool search_units(Dwarf *dwarf, const char *likely_units, bool likely, struct search *search)
{
    Dwarf_CU *cu = NULL;
    Dwarf_Die unit;

    while (!is_over(search) && dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0) {
        if (is_likely(&unit, likely_units) == likely)
            search_unit(&unit, search);
    }
    return is_over(search);
}

bool dwarf_types_find(Dwarf *dwarf, const char *likely_units, struct dwarf_type *types,
                      size_t count, struct error *err)
{
    struct search search;

    if (!search_begin(&search, types, count, err))
        return false;
    Dwarf *supplement = NULL;
    if (!search_units(dwarf, likely_units, true, &search) &&
        !search_units(dwarf, likely_units, false, &search) && (supplement = dwarf_getalt(dwarf)))
        search_units(supplement, NULL, false, &search);
    search_end(&search);
    return true;
}

/* Finding members */

struct member {
    Dwarf_Die die;
    uint64_t offset; /* of its storage, from the start of the outermost structure */
};

static bool member_location(Dwarf_Die *member, uint64_t *ret)
{
    Dwarf_Attribute attribute;
    Dwarf_Word constant;
    Dwarf_Op *operations;
    size_t count;

    *ret = 0;
    if (!dwarf_attr(member, DW_AT_data_member_location, &attribute))
        return true;
    if (dwarf_formudata(&attribute, &constant) == 0) {
        *ret = constant;
        return true;
    }
    if (dwarf_getlocation(&attribute, &operations, &count) != 0 || count != 1 ||
        operations[0].atom != DW_OP_plus_uconst)
        return false;
    *ret = operations[0].number;
    return true;
}

/* Sets ret->die and adds to ret->offset what leads from `structure` to the member. */
static bool find_one(Dwarf_Die *structure, const char *name, size_t length, int nesting,
                     unsigned *budget, struct member *ret)
{
    Dwarf_Die child;

    if (dwarf_child(structure, &child) != 0)
        return false;
    do {
        struct member inner = *ret;
        uint64_t location;

        if (dwarf_tag(&child) != DW_TAG_member)
            continue;
        if (!(*budget)--)
            return false;
        const char *its_name = die_name(&child);
        if (its_name && !is_name(its_name, name, length))
            continue;
        if (!member_location(&child, &location) ||
            __builtin_add_overflow(inner.offset, location, &inner.offset))
            continue;
        if (its_name) {
            inner.die = child;
            *ret = inner;
            return true;
        }
        Dwarf_Die anonymous;
        if (nesting < NESTING_MAX && die_reference(&child, DW_AT_type, &anonymous) &&
            peel_to_definition(&anonymous) &&
            find_one(&anonymous, name, length, nesting + 1, budget, &inner)) {
            *ret = inner;
            return true;
        }
        if (!*budget)
            return false;
    } while (to_sibling(&child));
    return false;
}

/* Walks "a.b.c", which ends after `length` bytes. */
static bool find_path(Dwarf_Die structure, const char *path, size_t length, struct member *ret)
{
    const char *end = path + length;
    unsigned budget = MEMBERS_MAX;

    ret->offset = 0;
    for (;;) {
        size_t step = 0;
        while (path + step < end && path[step] != '.')
            step++;
        if (!find_one(&structure, path, step, 0, &budget, ret))
            return false;
        path += step;
        if (path == end)
            return true;
        path++;
        if (!die_reference(&ret->die, DW_AT_type, &structure) || !peel_to_definition(&structure))
            return false;
    }
}

/* DW_AT_data_bit_offset counts from the start of the structure that holds the member,
 * DW_AT_bit_offset from the high end of the storage unit down to the field's high end. */
static bool place_bits(struct member *member, uint64_t bit_size, struct dwarf_place *place)
{
    uint64_t first, from_high_end;
    uint64_t storage = place->size * 8;

    if (!bit_size || bit_size > storage || storage > 64)
        return false;
    if (die_number(&member->die, DW_AT_data_bit_offset, &first)) {
        if (__builtin_add_overflow(place->offset, first / storage * place->size, &place->offset))
            return false;
        first %= storage;
    } else if (die_number(&member->die, DW_AT_bit_offset, &from_high_end)) {
        if (from_high_end > storage - bit_size)
            return false;
        first = storage - bit_size - from_high_end;
    } else {
        first = 0;
    }
    if (first + bit_size > storage)
        return false;
    place->bit_offset = (uint8_t)first;
    place->bit_size = (uint8_t)bit_size;
    return true;
}

static bool place_of(struct member *member, struct dwarf_place *ret)
{
    struct dwarf_place place = {.offset = member->offset};
    uint64_t bit_size;
    Dwarf_Die type;

    if (!die_number(&member->die, DW_AT_byte_size, &place.size) &&
        (!die_reference(&member->die, DW_AT_type, &type) || !type_size(type, &place.size)))
        return false;
    if (die_number(&member->die, DW_AT_bit_size, &bit_size) &&
        !place_bits(member, bit_size, &place))
        return false;
    *ret = place;
    return true;
}

bool dwarf_member_find(Dwarf_Die *die, const char *paths, struct dwarf_place *ret)
{
    const char *path;
    size_t length;

    while ((path = next_name(&paths, &length))) {
        struct member member;
        if (find_path(*die, path, length, &member) && place_of(&member, ret))
            return true;
    }
    return false;
}
