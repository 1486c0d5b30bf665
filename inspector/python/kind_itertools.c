// SPDX-License-Identifier: MIT
/* itertools. */
#include "inspector/python/kind.h"
#include "inspector/python/names.h"

#include <inttypes.h>

enum { WORD = sizeof(uint64_t), TEE_VALUES = 57 };

static const struct kind_field accumulate_fields[] = {
    {"binop", accumulateobject_binop, false},
    {"it", accumulateobject_it, false},
    {"total", accumulateobject_total, false},
    {"initial", accumulateobject_initial, false},
    {.name = NULL},
};

static const struct kind_field batched_fields[] = {
    {"it", batchedobject_it, false},
    {.name = NULL},
};

static const struct kind_field chain_fields[] = {
    {"source", chainobject_source, false},
    {"active", chainobject_active, false},
    {.name = NULL},
};

static const struct kind_field combinations_fields[] = {
    {"pool", combinationsobject_pool, false},
    {"result", combinationsobject_result, false},
    {.name = NULL},
};

static const struct kind_field cwr_fields[] = {
    {"pool", cwrobject_pool, false},
    {"result", cwrobject_result, false},
    {.name = NULL},
};

static const struct kind_field permutations_fields[] = {
    {"pool", permutationsobject_pool, false},
    {"result", permutationsobject_result, false},
    {.name = NULL},
};

static const struct kind_field product_fields[] = {
    {"pools", productobject_pools, false},
    {"result", productobject_result, false},
    {.name = NULL},
};

static const struct kind_field compress_fields[] = {
    {"data", compressobject_data, false},
    {"selectors", compressobject_selectors, false},
    {.name = NULL},
};

static const struct kind_field count_fields[] = {
    {"long_cnt", countobject_long_cnt, false},
    {"long_step", countobject_long_step, false},
    {.name = NULL},
};

static const struct kind_field cycle_fields[] = {
    {"it", cycleobject_it, false},
    {"saved", cycleobject_saved, false},
    {.name = NULL},
};

static const struct kind_field dropwhile_fields[] = {
    {"it", dropwhileobject_it, false},
    {"func", dropwhileobject_func, false},
    {.name = NULL},
};

static const struct kind_field takewhile_fields[] = {
    {"it", takewhileobject_it, false},
    {"func", takewhileobject_func, false},
    {.name = NULL},
};

static const struct kind_field filterfalse_fields[] = {
    {"it", filterfalseobject_it, false},
    {"func", filterfalseobject_func, false},
    {.name = NULL},
};

static const struct kind_field starmap_fields[] = {
    {"it", starmapobject_it, false},
    {"func", starmapobject_func, false},
    {.name = NULL},
};

static const struct kind_field groupby_fields[] = {
    {"it", groupbyobject_it, false},
    {"keyfunc", groupbyobject_keyfunc, false},
    {"tgtkey", groupbyobject_tgtkey, false},
    {"currkey", groupbyobject_currkey, false},
    {"currvalue", groupbyobject_currvalue, false},
    {.name = NULL},
};

static const struct kind_field grouper_fields[] = {
    {"parent", grouperobject_parent, false},
    {"tgtkey", grouperobject_tgtkey, false},
    {.name = NULL},
};

static const struct kind_field islice_fields[] = {
    {"it", isliceobject_it, false},
    {.name = NULL},
};

static const struct kind_field pairwise_fields[] = {
    {"it", pairwiseobject_it, false},
    {"old", pairwiseobject_old, false},
    {"result", pairwiseobject_result, false},
    {.name = NULL},
};

static const struct kind_field repeat_fields[] = {
    {"element", repeatobject_element, false},
    {.name = NULL},
};

static const struct kind_field tee_fields[] = {
    {"dataobj", teeobject_dataobj, false},
    {.name = NULL},
};

static const struct kind_field zip_longest_fields[] = {
    {"ittuple", ziplongestobject_ittuple, false},
    {"result", ziplongestobject_result, false},
    {"fillvalue", ziplongestobject_fillvalue, false},
    {.name = NULL},
};

static const struct kind_field tee_data_fields[] = {
    {"it", teedataobject_it, false},
    {.name = NULL},
};

/* Slots beyond those that were read hold what they held before. */
static void tell_tee_values(const struct reader *reader, const struct type *type, uint64_t address,
                            struct references *references)
{
    uint64_t values = field_address(reader, address, teedataobject_values), count, value;

    (void)type;
    if (!read_field(reader, address, teedataobject_numread, &count) || count > TEE_VALUES)
        count = 0;
    for (uint64_t i = 0; i < count && !references->ended; i++) {
        if (image_word(reader->image, values + i * WORD, WORD, &value))
            reference_index(references, value, i);
    }
    reference_field(references, read_pointer(reader, address, teedataobject_nextlink), "nextlink");
}

/* __sizeof__ adds an array of `count` words. */
static bool add_words(const struct reader *reader, uint64_t address, uint64_t count, uint64_t *ret)
{
    if (!reader_has_room(reader, address, count, WORD))
        return false;
    *ret += count * WORD;
    return true;
}

static bool add_tuple(const struct reader *reader, uint64_t tuple, uint64_t *ret)
{
    uint64_t count;

    if (!tuple || !read_count(reader, tuple, tuple, WORD, &count))
        return false;
    *ret += count * WORD;
    return true;
}

static bool combinations_size(const struct reader *reader, const struct type *type,
                              uint64_t address, uint64_t *ret)
{
    uint64_t r;

    *ret = type->basicsize;
    return read_field(reader, address, combinationsobject_r, &r) &&
           add_words(reader, address, r, ret);
}

static bool cwr_size(const struct reader *reader, const struct type *type, uint64_t address,
                     uint64_t *ret)
{
    uint64_t r;

    *ret = type->basicsize;
    return read_field(reader, address, cwrobject_r, &r) && add_words(reader, address, r, ret);
}

static bool permutations_size(const struct reader *reader, const struct type *type,
                              uint64_t address, uint64_t *ret)
{
    uint64_t r;

    *ret = type->basicsize;
    return add_tuple(reader, read_pointer(reader, address, permutationsobject_pool), ret) &&
           read_field(reader, address, permutationsobject_r, &r) &&
           add_words(reader, address, r, ret);
}

static bool product_size(const struct reader *reader, const struct type *type, uint64_t address,
                         uint64_t *ret)
{
    *ret = type->basicsize;
    return add_tuple(reader, read_pointer(reader, address, productobject_pools), ret);
}

/* 3.6 writes "count" whatever the class is called. */
static void add_name(struct printer *printer, const struct type *type)
{
    if (!printer->reader->python->shape.reprs_name_class)
        type = type->kind_type;
    printer_add_utf8(printer, type->short_name, type->short_length);
}

static bool is_int(const struct reader *reader, uint64_t address, uint64_t value)
{
    const struct type *type = reader_type_of(reader, address);
    bool tagged = type && type->item_count == ITEMS_LV_TAG;
    uint64_t size, digit;

    return type && strcmp(type->name, "int") == 0 &&
           read_field(reader, address, tagged ? PyLongObject_lv_tag : PyVarObject_ob_size, &size) &&
           (tagged ? size >> 3 == 1 && !(size & 3) : size == 1) &&
           image_word(reader->image, field_address(reader, address, PyLongObject_digits_ob_digit),
                      4, &digit) &&
           digit == value;
}

static bool count_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    uint64_t next, step = read_pointer(reader, address, countobject_long_step);
    uint64_t object = read_pointer(reader, address, countobject_long_cnt);

    if (!step || !read_field(reader, address, countobject_cnt, &next))
        return false;
    add_name(printer, type);
    printer_add(printer, "(");
    if ((int64_t)next == INT64_MAX)
        printer_object(printer, object);
    else
        printer_addf(printer, "%" PRId64, (int64_t)next);
    if (!is_int(reader, step, 1)) {
        printer_add(printer, ", ");
        printer_object(printer, step);
    }
    printer_add(printer, ")");
    return true;
}

static bool repeat_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t left;

    if (!read_field(printer->reader, address, repeatobject_cnt, &left))
        return false;
    add_name(printer, type);
    printer_add(printer, "(");
    printer_object(printer, read_pointer(printer->reader, address, repeatobject_element));
    if ((int64_t)left != -1)
        printer_addf(printer, ", %" PRId64, (int64_t)left);
    printer_add(printer, ")");
    return true;
}

const struct kind itertools_kinds[] = {
    {.type = "itertools.accumulate",
     .structure = sizeof_accumulateobject,
     .fields = accumulate_fields},
    {.type = "itertools.batched", .structure = sizeof_batchedobject, .fields = batched_fields},
    {.type = "itertools.chain", .structure = sizeof_chainobject, .fields = chain_fields},
    {.type = "itertools.combinations",
     .structure = sizeof_combinationsobject,
     .fields = combinations_fields,
     .size = combinations_size},
    {.type = "itertools.combinations_with_replacement",
     .structure = sizeof_cwrobject,
     .fields = cwr_fields,
     .size = cwr_size},
    {.type = "itertools.permutations",
     .structure = sizeof_permutationsobject,
     .fields = permutations_fields,
     .size = permutations_size},
    {.type = "itertools.product",
     .structure = sizeof_productobject,
     .fields = product_fields,
     .size = product_size},
    {.type = "itertools.compress", .structure = sizeof_compressobject, .fields = compress_fields},
    {.type = "itertools.count",
     .structure = sizeof_countobject,
     .fields = count_fields,
     .print = count_print},
    {.type = "itertools.cycle", .structure = sizeof_cycleobject, .fields = cycle_fields},
    {.type = "itertools.dropwhile",
     .structure = sizeof_dropwhileobject,
     .fields = dropwhile_fields},
    {.type = "itertools.takewhile",
     .structure = sizeof_takewhileobject,
     .fields = takewhile_fields},
    {.type = "itertools.filterfalse",
     .structure = sizeof_filterfalseobject,
     .fields = filterfalse_fields},
    {.type = "itertools.starmap", .structure = sizeof_starmapobject, .fields = starmap_fields},
    {.type = "itertools.groupby", .structure = sizeof_groupbyobject, .fields = groupby_fields},
    {.type = "itertools._grouper", .structure = sizeof_grouperobject, .fields = grouper_fields},
    {.type = "itertools.islice", .structure = sizeof_isliceobject, .fields = islice_fields},
    {.type = "itertools.pairwise", .structure = sizeof_pairwiseobject, .fields = pairwise_fields},
    {.type = "itertools.repeat",
     .structure = sizeof_repeatobject,
     .fields = repeat_fields,
     .print = repeat_print},
    {.type = "itertools._tee", .structure = sizeof_teeobject, .fields = tee_fields},
    {.type = "itertools.zip_longest",
     .structure = sizeof_ziplongestobject,
     .fields = zip_longest_fields},
    {.type = "itertools._tee_dataobject",
     .structure = sizeof_teedataobject,
     .fields = tee_data_fields,
     .references = tell_tee_values},
    {.type = NULL},
};
