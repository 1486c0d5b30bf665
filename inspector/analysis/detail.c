// SPDX-License-Identifier: MIT
#include "inspector/analysis/detail.h"

#include "inspector/python/frame.h"
#include "inspector/python/instance.h"
#include "inspector/python/object.h"
#include "inspector/python/unicode.h"
#include "symbols/base/text.h"
#include "symbols/base/vector.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_NAME = 4096, MOST_ATTRIBUTES = 1 << 16 };

/* One object that is being looked at. */
struct look {
    const struct reader *reader;
    const struct detail_options *options;
    const struct type *type;
    uint64_t address;
    struct detail *detail;
    struct text text; /* scratch */
    bool failed;
};

void detail_free(struct detail *detail)
{
    free(detail->facts);
    free(detail->attributes.items);
    free(detail->locals.items);
    free(detail->fields.items);
    free(detail->items.items);
    free(detail->bases.items);
    free(detail->allocation.files);
    free(detail->allocation.frames);
    arena_free(&detail->arena);
    *detail = (struct detail){0};
}

static const char *keep(struct look *look, const char *bytes, size_t length)
{
    const char *copy = arena_copy(&look->detail->arena, bytes, length);

    look->failed |= !copy;
    return copy;
}

static const char *keep_text(struct look *look)
{
    look->failed |= look->text.failed;
    return keep(look, look->text.bytes ? look->text.bytes : "", look->text.length);
}

static const char *repr_of(struct look *look, uint64_t address)
{
    if (look->options->no_values)
        return NULL;
    text_clear(&look->text);
    print_object(look->reader, address, look->options->repr_length, &look->text);
    return keep_text(look);
}

/* An attribute is named by a str, as a rule; by anything where somebody wrote into vars(). */
static const char *str_of(struct look *look, uint64_t address)
{
    const struct type *type = reader_type_of(look->reader, address);

    text_clear(&look->text);
    if (!type || !(type->flags & TPFLAGS_UNICODE_SUBCLASS) ||
        !unicode_read(look->reader->python, look->reader->image, address, MOST_NAME, &look->text))
        return address ? repr_of(look, address) : "?";
    return keep_text(look);
}

static const char *c_string_of(struct look *look, uint64_t address)
{
    uint64_t c;

    text_clear(&look->text);
    while (look->text.length < MOST_NAME && image_word(look->reader->image, address, 1, &c) && c) {
        text_add_char(&look->text, (char)c);
        address++;
    }
    return keep_text(look);
}

/* What a program has called its attributes and variables, and its keys, is content; what C calls
 * its fields is not. */
static const char *name_of(struct look *look, const struct reference *reference)
{
    bool no_values = look->options->no_values;

    switch (reference->label) {
    case LABEL_FIELD:
        return reference->name;
    case LABEL_ATTRIBUTE:
    case LABEL_LOCAL:
        return no_values ? NULL : str_of(look, reference->key);
    case LABEL_SLOT:
        return no_values ? NULL : c_string_of(look, reference->key);
    case LABEL_VALUE:
        return reference->key ? repr_of(look, reference->key) : NULL;
    case LABEL_INDEX:
    case LABEL_KEY:
        break;
    }
    return NULL;
}

/* False: one more is not looked at. */
static bool add_member(struct look *look, struct members *members,
                       const struct reference *reference, uint64_t most)
{
    uint64_t number = members->total++;
    const struct type *type;

    if (most && members->count >= most)
        return true;
    struct member *grown = vector_grow(members->items, &members->capacity, members->count + 1,
                                       sizeof(*members->items));
    if (!grown) {
        look->failed = true;
        return false;
    }
    members->items = grown;
    type = reader_type_of(look->reader, reference->to);
    grown[members->count++] = (struct member){
        .name = name_of(look, reference),
        .number = number,
        .key = reference->label == LABEL_VALUE ? reference->key : 0,
        .address = reference->to,
        .type = type ? type->name : "",
        .value = repr_of(look, reference->to),
    };
    return !look->failed;
}

static bool note_attribute(void *context, const struct reference *reference)
{
    struct look *look = context;

    return add_member(look, &look->detail->attributes, reference, MOST_ATTRIBUTES);
}

static bool note_base(void *context, const struct reference *reference)
{
    struct look *look = context;

    return add_member(look, &look->detail->bases, reference, MOST_ATTRIBUTES);
}

static bool note_local(void *context, const struct reference *reference)
{
    struct look *look = context;
    const struct reader *reader = look->reader;
    const struct type *type = reader_type_of(reader, reference->to);
    struct reference local = *reference;

    if (type && type->kind && strcmp(type->kind->type, "cell") == 0) {
        local.to = read_pointer(reader, reference->to, PyCellObject_ob_ref);
        if (!local.to)
            return true; /* not bound: locals() leaves it out too */
    }
    return add_member(look, &look->detail->locals, &local, MOST_ATTRIBUTES);
}

static bool is_set(const struct type *type)
{
    return type->kind &&
           (strcmp(type->kind->type, "set") == 0 || strcmp(type->kind->type, "frozenset") == 0);
}

/* What instance_attributes and the frame's view tell, they tell in full: not so the references,
 * which keep to what the collector visits. */
static bool note_reference(void *context, const struct reference *reference)
{
    struct look *look = context;
    struct detail *detail = look->detail;

    switch (reference->label) {
    case LABEL_VALUE:
        detail->has_keys = true;
        return add_member(look, &detail->items, reference, look->options->items);
    case LABEL_INDEX:
        return add_member(look, &detail->items, reference, look->options->items);
    case LABEL_KEY: /* those of a mapping come with their values */
        return !is_set(look->type) ||
               add_member(look, &detail->items, reference, look->options->items);
    case LABEL_FIELD:
        return add_member(look, &detail->fields, reference, MOST_ATTRIBUTES);
    case LABEL_LOCAL:
    case LABEL_ATTRIBUTE:
    case LABEL_SLOT:
        break;
    }
    return true;
}

static void note_fact(void *context, const char *key, const char *value, size_t length)
{
    struct look *look = context;
    struct detail *detail = look->detail;
    struct detail_fact *grown =
        vector_grow(detail->facts, &detail->fact_capacity, detail->fact_count + 1, sizeof(*grown));

    if (!grown) {
        look->failed = true;
        return;
    }
    detail->facts = grown;
    grown[detail->fact_count++] =
        (struct detail_fact){.key = key, .value = keep(look, value, length)};
}

static void add_field(struct look *look, uint64_t to, const char *name)
{
    const struct members *fields = &look->detail->fields;

    for (size_t i = 0; i < fields->count; i++) {
        if (strcmp(fields->items[i].name, name) == 0)
            return;
    }
    if (to && !look->failed)
        add_member(look, &look->detail->fields,
                   &(struct reference){.to = to, .label = LABEL_FIELD, .name = name}, 0);
}

static void look_at_frame(struct look *look)
{
    const struct reader *reader = look->reader;
    struct references references = {.visit = note_local, .context = look};
    struct frame_view view;

    if (!look->type->kind || !look->type->kind->frame ||
        !look->type->kind->frame(reader, look->address, &view))
        return;
    frame_variables(reader, &view, false, &references);
    if (view.object != look->address)
        return;
    /* Since 3.11 a frame that has not been left is not the frame object's own. */
    add_field(look, view.code, "f_code");
    add_field(look, view.function, "function");
    add_field(look, view.dict, "f_locals");
}

static void look_at_class(struct look *look)
{
    const struct reader *reader = look->reader;
    uint64_t bases = read_pointer(reader, look->address, type_tp_bases);
    const struct type *type = reader_type_of(reader, bases);
    struct references references = {.visit = note_base, .context = look, .as_iterated = true};

    if (type && type->flags & TPFLAGS_TUPLE_SUBCLASS && type->kind && type->kind->references)
        type->kind->references(reader, type, bases, &references);
}

static void keep_frames(struct look *look, const struct allocation *allocation)
{
    struct detail_allocation *kept = &look->detail->allocation;
    uint32_t count = allocation->stack.frames;

    kept->files = calloc(count, sizeof(*kept->files));
    kept->frames = calloc(count, sizeof(*kept->frames));
    if (!kept->files || !kept->frames) {
        look->failed = true;
        return;
    }
    for (uint32_t i = 0; i < count && !look->failed; i++) {
        text_clear(&look->text);
        allocation_add_file(allocation, look->reader, i, &look->text, &kept->frames[i].line);
        kept->frames[i].file = i;
        kept->files[i].name = keep_text(look);
        kept->files[i].length = look->text.length;
        kept->count = i + 1;
    }
}

static void look_at_allocation(struct look *look)
{
    const struct reader *reader = look->reader;
    struct detail_allocation *kept = &look->detail->allocation;
    struct allocation found;

    if (!look->options->allocations ||
        !allocation_find(look->options->allocations, reader, look->type, look->address, &found))
        return;
    *kept = (struct detail_allocation){
        .is_traced = true,
        .is_readable = found.stack.frames,
        .block = found.block.address,
        .size = found.block.size,
        .domain = found.block.domain,
        .all_frames = allocation_all_frames(&found, reader),
    };
    if (kept->is_readable && !look->options->no_values)
        keep_frames(look, &found);
}

static void look_at_object(struct look *look)
{
    const struct reader *reader = look->reader;
    const struct type *type = look->type;
    struct detail *detail = look->detail;
    struct references attributes = {.visit = note_attribute, .context = look};
    struct references references = {.visit = note_reference, .context = look, .as_iterated = true};

    detail->is_exact =
        object_size(reader, type, look->address, &detail->size) && type->sizeof_by == SIZEOF_KNOWN;
    if (!read_refcount(reader, look->address, &detail->refcount))
        detail->refcount = 0;
    detail->repr = repr_of(look, look->address);
    if (type->kind && type->kind->describe && !look->options->no_values)
        type->kind->describe(reader, type, look->address, note_fact, look);
    instance_attributes(reader, type, look->address, &attributes);
    object_references(reader, type, look->address, &references);
    look_at_frame(look);
    if (type->flags & TPFLAGS_TYPE_SUBCLASS)
        look_at_class(look);
    look_at_allocation(look);
}

bool detail_look(const struct reader *reader, const struct finding *finding,
                 const struct detail_options *options, struct detail *ret, struct error *err)
{
    struct detail detail = {0};
    struct look look = {.reader = reader,
                        .options = options,
                        .type = finding->type,
                        .address = finding->object,
                        .detail = &detail};

    look_at_object(&look);
    text_free(&look.text);
    if (look.failed) {
        detail_free(&detail);
        return error_memory(err);
    }
    *ret = detail;
    return true;
}
