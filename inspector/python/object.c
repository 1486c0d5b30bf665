// SPDX-License-Identifier: MIT
#include "inspector/python/object.h"

#include "inspector/python/instance.h"
#include "inspector/python/pymalloc.h"

/* Each takes a word of memory somewhere, and there is no more than so much. */
static const uint64_t most_references = UINT64_C(1) << 40;
/* Bytes before the object: its type's, unless the object is a type itself, and a static one. */
static uint64_t headers_of(const struct reader *reader, const struct type *type, uint64_t address)
{
    enum static_type_size rule = reader->python->shape.static_type_size;
    uint64_t flags;

    if (!(type->flags & TPFLAGS_TYPE_SUBCLASS) || rule == STATIC_AS_HEAP ||
        (rule == STATIC_BARE_OF_TYPE && type->flags & TPFLAGS_HEAPTYPE) ||
        !read_field(reader, address, PyTypeObject_tp_flags, &flags) || flags & TPFLAGS_HEAPTYPE)
        return type->headers;
    return 0;
}

bool object_size(const struct reader *reader, const struct type *type, uint64_t address,
                 uint64_t *ret)
{
    bool (*size)(const struct reader *, const struct type *, uint64_t, uint64_t *) =
        type->kind ? type->kind->size : NULL;
    bool done = size ? size(reader, type, address, ret)
                     : type_general_size(reader->python, reader->image, type, address, ret);

    *ret += headers_of(reader, type, address);
    return done;
}

/* Does the word at `offset` of an object belong to instance.h, or refer to nothing (its list of
 * weak references)? */
static bool is_apart(const struct type *type, uint64_t offset)
{
    return offset == type->weaklist_offset ||
           (type->dict_offset > 0 && offset == (uint64_t)type->dict_offset);
}

/*
 * Nobody knows the structure from `from` on: whatever looks like an object is taken for one. What
 * classes have added behind it is not looked at: instance.h knows it.
 */
static void scan(const struct reader *reader, const struct type *type, uint64_t address,
                 uint64_t from, struct references *references)
{
    uint64_t size, word;

    if (type->basicsize < type->native->basicsize ||
        !type_general_size(reader->python, reader->image, type, address, &size))
        return;
    size -= type->basicsize - type->native->basicsize;
    for (uint64_t offset = from; offset + sizeof(word) <= size && !references->ended;
         offset += sizeof(word)) {
        if (is_apart(type, offset) ||
            !image_word(reader->image, address + offset, sizeof(word), &word) ||
            !object_is_there(reader, word))
            word = 0;
        reference_tell(
            references,
            &(struct reference){
                .to = word, .label = LABEL_FIELD, .name = "?", .is_owned = true, .is_guess = true});
    }
}

/* What C code has added to a structure that a kind knows. */
static void scan_rest(const struct reader *reader, const struct type *type, uint64_t address,
                      struct references *references)
{
    uint64_t known = type->kind_type->basicsize;

    if (!type->item_size && type->native->basicsize > known)
        scan(reader, type, address, known, references);
}

bool object_is_leaf(const struct type *type)
{
    return type->kind && !type->kind->references && !type->kind->fields &&
           !(type->flags & TPFLAGS_HEAPTYPE);
}

static void tell_fields(const struct reader *reader, const struct kind_field *fields,
                        uint64_t address, struct references *references)
{
    for (; fields && fields->name && !references->ended; fields++) {
        if (reader->python->layout.slots[fields->field].size != sizeof(uint64_t))
            continue; /* absent, or a flag in this version */
        struct reference reference = {.to = read_pointer(reader, address, fields->field),
                                      .label = LABEL_FIELD,
                                      .name = fields->name,
                                      .is_owned = fields->is_owned};
        reference_tell(references, &reference);
    }
}

void object_references(const struct reader *reader, const struct type *type, uint64_t address,
                       struct references *references)
{
    const struct kind *kind = type->kind;

    instance_references(reader, type, address, references);
    if (!kind) {
        scan(reader, type, address, layout_size(&reader->python->layout, sizeof_PyObject),
             references);
        return;
    }
    references->is_untracked = !(type->flags & TPFLAGS_HAVE_GC) || !type->kind_type->traverse;
    if (!kind->fields_last)
        tell_fields(reader, kind->fields, address, references);
    if (kind->references)
        kind->references(reader, type, address, references);
    if (kind->fields_last)
        tell_fields(reader, kind->fields, address, references);
    references->is_untracked = false;
    scan_rest(reader, type, address, references);
}

/* A type that nobody met so far is looked at before it is taken down as one that cannot be read. */
static bool is_likely_type(const struct reader *reader, uint64_t type)
{
    return type && type % 8 == 0 &&
           (address_map_find(&reader->types->numbers, type) != UINT32_MAX ||
            has_type_flag(reader->python, reader->image, type, TPFLAGS_TYPE_SUBCLASS));
}

const struct type *object_likely_type(const struct reader *reader, uint64_t address)
{
    struct image *image = reader->image;
    const struct type *type = NULL;
    uint64_t missed = image->missed;

    if (!address || address % 8 != 0 || !image_range_of(image, address))
        return NULL;
    uint64_t its_type = read_pointer(reader, address, PyObject_ob_type);
    if (is_likely_type(reader, its_type))
        type = reader_type(reader, its_type);
    image->missed = missed; /* nobody said that there was anything */
    return type;
}

/* The first word of a freed block is a pointer to the next one. */
static bool has_likely_count(const struct reader *reader, uint64_t address)
{
    uint64_t count;

    return read_refcount(reader, address, &count) && count && count < most_references &&
           !read_pointer(reader, address, object_ob_overflow);
}

bool object_is_there(const struct reader *reader, uint64_t address)
{
    uint64_t missed = reader->image->missed;
    bool is_there = object_likely_type(reader, address) && has_likely_count(reader, address);

    reader->image->missed = missed;
    return is_there && pymalloc_block_at(reader, address).state != BLOCK_FREE;
}
