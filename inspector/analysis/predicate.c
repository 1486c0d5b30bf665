// SPDX-License-Identifier: MIT
#include "inspector/analysis/predicate.h"

#include "inspector/analysis/attributes.h"
#include "inspector/analysis/nature.h"
#include "inspector/analysis/predicate_nodes.h"
#include "inspector/analysis/type_pattern.h"
#include "inspector/python/dict.h"
#include "inspector/python/names.h"
#include "inspector/python/object.h"
#include "inspector/python/roots.h"
#include "inspector/python/static_type.h"
#include "inspector/python/unicode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_REPR = 1024, MOST_NAME = 4096 };

const struct named_field predicate_fields[FIELDS] = {
    [FIELD_TYPE] = {"type", IS_TEXT, 0},
    [FIELD_SHORT_TYPE] = {"short_type", IS_TEXT, 0},
    [FIELD_MODULE] = {"module", IS_TEXT, 2},
    [FIELD_ADDRESS] = {"address", IS_NUMBER, 0},
    [FIELD_SIZE] = {"size", IS_NUMBER, 1},
    [FIELD_REFCOUNT] = {"refcount", IS_NUMBER, 1},
    [FIELD_LEN] = {"len", IS_NUMBER, 1},
    [FIELD_GENERATION] = {"generation", IS_NUMBER, 0},
    [FIELD_DEPTH] = {"depth", IS_NUMBER, 0},
    [FIELD_REPR] = {"repr", IS_NUMBER | IS_TEXT, 5},
    [FIELD_ATTRIBUTE] = {"attr.", IS_NUMBER | IS_TEXT, 4},
};

const struct named_field predicate_flags[FLAGS] = {
    [FLAG_TRACKED] = {"tracked", 0, 0},
    [FLAG_IMMORTAL] = {"immortal", 0, 1},
    [FLAG_CLASS] = {"is_class", 0, 0},
    [FLAG_MODULE] = {"is_module", 0, 0},
    [FLAG_PROPER_MODULE] = {"is_proper_module", 0, 3},
    [FLAG_FUNCTION] = {"is_function", 0, 0},
    [FLAG_FRAME] = {"is_frame", 0, 0},
    [FLAG_HAS_DEL] = {"has_del", 0, 3},
};

const char *const predicate_operations[OPERATIONS] = {
    [OP_EQ] = "==", [OP_NE] = "!=", [OP_LT] = "<",   [OP_LE] = "<=",
    [OP_GT] = ">",  [OP_GE] = ">=", [OP_FITS] = "~", [OP_FITS_NOT] = "!~",
};

/* An object that is asked about. */
struct question {
    const struct reader *reader;
    const struct predicate_subject *subject;
    struct text *text; /* scratch */
};

static bool is_kind(const struct type *type, const char *name)
{
    return type->kind && strcmp(type->kind->type, name) == 0;
}

static bool read_str(const struct question *question, uint64_t address, uint64_t most)
{
    const struct reader *reader = question->reader;
    const struct type *type = address ? reader_type_of(reader, address) : NULL;

    return type && type->flags & TPFLAGS_UNICODE_SUBCLASS &&
           unicode_read(reader->python, reader->image, address, most, question->text);
}

/* Objects/typeobject.c, type_module(). */
static bool read_module(const struct question *question)
{
    const struct reader *reader = question->reader;
    const struct type *type = question->subject->type;
    uint64_t dict = read_pointer(reader, type->address, PyTypeObject_tp_dict), module;

    if (type->flags & TPFLAGS_HEAPTYPE)
        return dict && dict_find(reader->python, reader->image, dict, "__module__", &module) &&
               read_str(question, module, MOST_NAME);
    const char *dot = memrchr(type->name, '.', type->name_length);
    if (dot)
        text_add_bytes(question->text, type->name, (size_t)(dot - type->name));
    else
        text_add(question->text, "builtins");
    return true;
}

/* A str's own text, else the repr. */
static bool read_attribute(const struct question *question, const char *name, bool as_number)
{
    const struct predicate_subject *subject = question->subject;
    uint64_t value;

    attributes_find(question->reader, subject->type, subject->address, &name, 1, &value);
    if (!value)
        return false;
    if (as_number || !read_str(question, value, MOST_REPR))
        print_object(question->reader, value, MOST_REPR, question->text);
    return true;
}

static bool read_text(const struct question *question, const struct node *node)
{
    const struct type *type = question->subject->type;

    text_clear(question->text);
    switch (node->field) {
    case FIELD_TYPE:
        text_add_bytes(question->text, type->name, type->name_length);
        return true;
    case FIELD_SHORT_TYPE:
        text_add_bytes(question->text, type->short_name, type->short_length);
        return true;
    case FIELD_MODULE:
        return read_module(question);
    case FIELD_REPR:
        print_object(question->reader, question->subject->address, MOST_REPR, question->text);
        return true;
    case FIELD_ATTRIBUTE:
        return read_attribute(question, node->attribute, node->kind == NODE_NUMBER);
    case FIELD_ADDRESS:
    case FIELD_SIZE:
    case FIELD_REFCOUNT:
    case FIELD_LEN:
    case FIELD_GENERATION:
    case FIELD_DEPTH:
    case FIELDS:
        break;
    }
    return false;
}

/* As far as the C structure has it: a class's own __len__ is not asked. */
static bool read_length(const struct reader *reader, const struct type *type, uint64_t address,
                        uint64_t *ret)
{
    static const struct {
        const char *kind;
        enum layout_slot_id field;
    } lengths[] = {
        {"list", PyVarObject_ob_size},
        {"tuple", PyVarObject_ob_size},
        {"struct sequence", PyVarObject_ob_size},
        {"bytes", PyVarObject_ob_size},
        {"bytearray", PyVarObject_ob_size},
        {"array.array", PyVarObject_ob_size},
        {"collections.deque", PyVarObject_ob_size},
        {"dict", dict_ma_used},
        {"frozendict", dict_ma_used},
        {"collections.defaultdict", dict_ma_used},
        {"collections.OrderedDict", dict_ma_used},
        {"set", PySetObject_used},
        {"frozenset", PySetObject_used},
        {"str", PyASCIIObject_length},
    };

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        if (is_kind(type, lengths[i].kind))
            return read_field(reader, address, lengths[i].field, ret);
    }
    return false;
}

static bool read_number(const struct question *question, enum field field, uint64_t *ret)
{
    const struct reader *reader = question->reader;
    const struct predicate_subject *subject = question->subject;

    switch (field) {
    case FIELD_ADDRESS:
        *ret = subject->address;
        return true;
    case FIELD_SIZE:
        return object_size(reader, subject->type, subject->address, ret);
    case FIELD_REFCOUNT:
        return read_refcount(reader, subject->address, ret) &&
               !refcount_is_immortal(reader->python, *ret);
    case FIELD_LEN:
        return read_length(reader, subject->type, subject->address, ret);
    case FIELD_GENERATION:
        *ret = (uint64_t)subject->generation;
        return subject->generation >= 0;
    case FIELD_DEPTH:
        *ret = subject->depth;
        return true;
    case FIELD_TYPE:
    case FIELD_SHORT_TYPE:
    case FIELD_MODULE:
    case FIELD_REPR:
    case FIELD_ATTRIBUTE:
    case FIELDS:
        break;
    }
    return false;
}

/* An int or a float as repr() has it; a long double holds every number of 64 bits. */
static bool parse_repr(const struct text *text, long double *ret)
{
    char *end;

    if (!text->length || text->length != strspn(text->bytes, "0123456789.+-e"))
        return false;
    *ret = strtold(text->bytes, &end);
    return end == text->bytes + text->length;
}

static bool holds_order(enum operation operation, long double left, long double right)
{
    switch (operation) {
    case OP_EQ:
        return left == right;
    case OP_NE:
        return left != right;
    case OP_LT:
        return left < right;
    case OP_LE:
        return left <= right;
    case OP_GT:
        return left > right;
    case OP_GE:
        return left >= right;
    case OP_FITS:
    case OP_FITS_NOT:
    case OPERATIONS:
        break;
    }
    return false;
}

static bool holds_number(const struct question *question, const struct node *node)
{
    long double value;
    uint64_t number;

    if (predicate_fields[node->field].is & IS_TEXT) {
        if (!read_text(question, node) || question->text->failed ||
            !parse_repr(question->text, &value))
            return false;
    } else {
        if (!read_number(question, node->field, &number))
            return false;
        value = number;
    }
    return holds_order(node->operation, value, node->number);
}

static bool fits(const struct node *node, const char *text)
{
    bool is_name =
        node->field == FIELD_TYPE || node->field == FIELD_SHORT_TYPE || node->field == FIELD_MODULE;

    return is_name ? type_pattern_fits(node->text, text) : pattern_fits(node->text, text);
}

static bool holds_text(const struct question *question, const struct node *node)
{
    const struct text *text = question->text;

    if (!read_text(question, node) || text->failed)
        return false;
    const char *bytes = text->bytes ? text->bytes : "";
    bool equal = text->length == node->length && memcmp(bytes, node->text, node->length) == 0;
    if (node->operation == OP_EQ || node->operation == OP_NE)
        return equal == (node->operation == OP_EQ);
    return (equal || fits(node, bytes)) == (node->operation == OP_FITS);
}

struct module_search {
    const struct reader *reader;
    uint64_t module;
    bool found;
};

static bool has_own_name(const struct module_search *search, uint64_t key)
{
    const struct reader *reader = search->reader;
    uint64_t name = attribute_of(reader, search->module, "__name__");
    struct text own = {0}, given = {0};

    bool same = name == key && name;
    if (!same && name &&
        read_str(&(struct question){.reader = reader, .text = &own}, name, MOST_NAME) &&
        read_str(&(struct question){.reader = reader, .text = &given}, key, MOST_NAME))
        same = own.length == given.length && own.bytes && given.bytes &&
               memcmp(own.bytes, given.bytes, own.length) == 0;
    text_free(&own);
    text_free(&given);
    return same;
}

/* Of the roots only sys.modules is looked into, of each interpreter. */
static bool look_into_modules(void *context, const struct reference *reference)
{
    struct module_search *search = context;
    struct dict_walk walk;
    struct dict_entry entry;

    if (reference->label != LABEL_FIELD || strcmp(reference->name, "modules") != 0 ||
        !dict_open(search->reader, reference->to, &walk))
        return true;
    while (!search->found && dict_next(&walk, &entry))
        search->found = entry.value == search->module && has_own_name(search, entry.key);
    return !search->found;
}

static bool is_in_modules(const struct reader *reader, uint64_t module)
{
    struct module_search search = {.reader = reader, .module = module};
    struct references references = {.visit = look_into_modules, .context = &search};

    roots_tell(reader, &references);
    return search.found;
}

static bool holds_flag(const struct question *question, enum flag flag)
{
    const struct reader *reader = question->reader;
    const struct predicate_subject *subject = question->subject;
    uint64_t refcount;

    switch (flag) {
    case FLAG_TRACKED:
        return subject->is_tracked;
    case FLAG_IMMORTAL:
        return read_refcount(reader, subject->address, &refcount) &&
               refcount_is_immortal(reader->python, refcount);
    case FLAG_CLASS:
        return subject->type->flags & TPFLAGS_TYPE_SUBCLASS;
    case FLAG_MODULE:
        return is_below(subject->type, "module");
    case FLAG_PROPER_MODULE:
        return is_below(subject->type, "module") && is_in_modules(reader, subject->address);
    case FLAG_FUNCTION:
        return is_below(subject->type, "function");
    case FLAG_FRAME:
        return is_below(subject->type, "frame");
    case FLAG_HAS_DEL:
        return has_finalizer(reader, subject->type);
    case FLAGS:
        break;
    }
    return false;
}

/* As deep as the parser lets it be. */
static bool holds(const struct question *question, const struct node *node)
{
    bool is_or = node->kind == NODE_OR;

    switch (node->kind) {
    case NODE_OR:
    case NODE_AND:
        for (const struct node *below = node->first; below; below = below->next) {
            if (holds(question, below) == is_or)
                return is_or;
        }
        return !is_or;
    case NODE_NOT:
        return !holds(question, node->first);
    case NODE_NUMBER:
        return holds_number(question, node);
    case NODE_TEXT:
        return holds_text(question, node);
    case NODE_FLAG:
        return holds_flag(question, node->flag);
    }
    return false;
}

bool predicate_holds(const struct predicate *predicate, const struct reader *reader,
                     const struct predicate_subject *subject)
{
    struct text text = {0};
    struct question question = {.reader = reader, .subject = subject, .text = &text};
    bool held = holds(&question, predicate->root);

    text_free(&text);
    return held;
}

static bool wants_lists(const struct node *node)
{
    if (node->kind == NODE_FLAG)
        return node->flag == FLAG_TRACKED;
    if (node->kind == NODE_NUMBER)
        return node->field == FIELD_GENERATION;
    for (const struct node *below = node->first; below; below = below->next) {
        if (wants_lists(below))
            return true;
    }
    return false;
}

bool predicate_wants_lists(const struct predicate *predicate)
{
    return wants_lists(predicate->root);
}

static void print_node(const struct node *node, struct text *text);

static void print_below(const struct node *node, const char *between, struct text *text)
{
    for (const struct node *below = node->first; below; below = below->next) {
        bool is_joined = below->kind == NODE_OR || below->kind == NODE_AND;
        text_add(text, is_joined ? "(" : "");
        print_node(below, text);
        text_add(text, is_joined ? ")" : "");
        text_add(text, below->next ? between : "");
    }
}

static void print_comparison(const struct node *node, struct text *text)
{
    text_addf(text, "%s%s %s ", predicate_fields[node->field].name,
              node->attribute ? node->attribute : "", predicate_operations[node->operation]);
    if (node->kind == NODE_NUMBER) {
        text_addf(text, "%" PRIu64, node->number);
        return;
    }
    const char *quote = strchr(node->text, '\'') ? "\"" : "'";
    text_addf(text, "%s%s%s", quote, node->text, quote);
}

static void print_node(const struct node *node, struct text *text)
{
    switch (node->kind) {
    case NODE_OR:
        print_below(node, " or ", text);
        break;
    case NODE_AND:
        print_below(node, " and ", text);
        break;
    case NODE_NOT:
        text_add(text, "not ");
        print_below(node, "", text);
        break;
    case NODE_NUMBER:
    case NODE_TEXT:
        print_comparison(node, text);
        break;
    case NODE_FLAG:
        text_add(text, predicate_flags[node->flag].name);
        break;
    }
}

void predicate_print(const struct predicate *predicate, struct text *text)
{
    print_node(predicate->root, text);
}
