// SPDX-License-Identifier: MIT
/* The iterators of the built-in types and functions. Those of itertools: kind_itertools.c. */
#include "inspector/python/kind.h"

static const struct kind_field list_iterator_fields[] = {
    {"it_seq", listiterobject_it_seq, false},
    {.name = NULL},
};

static const struct kind_field list_reverseiterator_fields[] = {
    {"it_seq", listreviterobject_it_seq, false},
    {.name = NULL},
};

static const struct kind_field tuple_iterator_fields[] = {
    {"it_seq", tupleiterobject_it_seq, false},
    {.name = NULL},
};

static const struct kind_field set_iterator_fields[] = {
    {"si_set", setiterobject_si_set, false},
    {.name = NULL},
};

static const struct kind_field dict_iterator_fields[] = {
    {"di_dict", dictiterobject_di_dict, false},
    {"di_result", dictiterobject_di_result, false},
    {.name = NULL},
};

static const struct kind_field odict_iterator_fields[] = {
    {"di_odict", odictiterobject_di_odict, false},
    {"di_current", odictiterobject_di_current, false},
    {"di_result", odictiterobject_di_result, false},
    {.name = NULL},
};

static const struct kind_field str_iterator_fields[] = {
    {"it_seq", unicodeiterobject_it_seq, false},
    {.name = NULL},
};

static const struct kind_field bytes_iterator_fields[] = {
    {"it_seq", striterobject_it_seq, false},
    {.name = NULL},
};

static const struct kind_field bytearray_iterator_fields[] = {
    {"it_seq", bytesiterobject_it_seq, false},
    {.name = NULL},
};

static const struct kind_field longrange_iterator_fields[] = {
    {"start", longrangeiterobject_start, false},
    {"step", longrangeiterobject_step, false},
    {"len", longrangeiterobject_len, false},
    {"index", longrangeiterobject_index, false},
    {.name = NULL},
};

static const struct kind_field callable_iterator_fields[] = {
    {"it_callable", calliterobject_it_callable, false},
    {"it_sentinel", calliterobject_it_sentinel, false},
    {.name = NULL},
};

static const struct kind_field sequence_iterator_fields[] = {
    {"it_seq", seqiterobject_it_seq, false},
    {.name = NULL},
};

static const struct kind_field memory_iterator_fields[] = {
    {"it_seq", memoryiterobject_it_seq, false},
    {.name = NULL},
};

static const struct kind_field anext_awaitable_fields[] = {
    {"wrapped", anextawaitableobject_wrapped, false},
    {"default_value", anextawaitableobject_default_value, false},
    {.name = NULL},
};

static const struct kind_field enumerate_fields[] = {
    {"en_sit", enumobject_en_sit, false},
    {"en_result", enumobject_en_result, false},
    {"en_longindex", enumobject_en_longindex, false},
    {.name = NULL},
};

static const struct kind_field reversed_fields[] = {
    {"seq", reversedobject_seq, false},
    {.name = NULL},
};

static const struct kind_field zip_fields[] = {
    {"ittuple", zipobject_ittuple, false},
    {"result", zipobject_result, false},
    {.name = NULL},
};

static const struct kind_field map_fields[] = {
    {"iters", mapobject_iters, false},
    {"func", mapobject_func, false},
    {.name = NULL},
};

static const struct kind_field filter_fields[] = {
    {"it", filterobject_it, false},
    {"func", filterobject_func, false},
    {.name = NULL},
};

static const struct kind_field deque_iterator_fields[] = {
    {"deque", dequeiterobject_deque, false},
    {.name = NULL},
};

const struct kind iterator_kinds[] = {
    {.type = "list_iterator", .structure = sizeof_listiterobject, .fields = list_iterator_fields},
    {.type = "list_reverseiterator",
     .structure = sizeof_listreviterobject,
     .fields = list_reverseiterator_fields},
    {.type = "tuple_iterator",
     .structure = sizeof_tupleiterobject,
     .fields = tuple_iterator_fields},
    {.type = "set_iterator", .structure = sizeof_setiterobject, .fields = set_iterator_fields},
    {.type = "dict_keyiterator",
     .structure = sizeof_dictiterobject,
     .fields = dict_iterator_fields},
    {.type = "dict_valueiterator",
     .structure = sizeof_dictiterobject,
     .fields = dict_iterator_fields},
    {.type = "dict_itemiterator",
     .structure = sizeof_dictiterobject,
     .fields = dict_iterator_fields},
    {.type = "dict_reversekeyiterator",
     .structure = sizeof_dictiterobject,
     .fields = dict_iterator_fields},
    {.type = "dict_reversevalueiterator",
     .structure = sizeof_dictiterobject,
     .fields = dict_iterator_fields},
    {.type = "dict_reverseitemiterator",
     .structure = sizeof_dictiterobject,
     .fields = dict_iterator_fields},
    {.type = "odict_iterator",
     .structure = sizeof_odictiterobject,
     .fields = odict_iterator_fields},
    {.type = "str_iterator", .structure = sizeof_unicodeiterobject, .fields = str_iterator_fields},
    {.type = "str_ascii_iterator",
     .structure = sizeof_unicodeiterobject,
     .fields = str_iterator_fields},
    {.type = "bytes_iterator", .structure = sizeof_striterobject, .fields = bytes_iterator_fields},
    {.type = "bytearray_iterator",
     .structure = sizeof_bytesiterobject,
     .fields = bytearray_iterator_fields},
    {.type = "range_iterator", .structure = sizeof_rangeiterobject},
    {.type = "longrange_iterator",
     .structure = sizeof_longrangeiterobject,
     .fields = longrange_iterator_fields},
    {.type = "callable_iterator",
     .structure = sizeof_calliterobject,
     .fields = callable_iterator_fields},
    {.type = "iterator", .structure = sizeof_seqiterobject, .fields = sequence_iterator_fields},
    {.type = "memory_iterator",
     .structure = sizeof_memoryiterobject,
     .fields = memory_iterator_fields},
    {.type = "anext_awaitable",
     .structure = sizeof_anextawaitableobject,
     .fields = anext_awaitable_fields},
    {.type = "enumerate", .structure = sizeof_enumobject, .fields = enumerate_fields},
    {.type = "reversed", .structure = sizeof_reversedobject, .fields = reversed_fields},
    {.type = "zip", .structure = sizeof_zipobject, .fields = zip_fields},
    {.type = "map", .structure = sizeof_mapobject, .fields = map_fields},
    {.type = "filter", .structure = sizeof_filterobject, .fields = filter_fields},
    {.type = "collections._deque_iterator",
     .structure = sizeof_dequeiterobject,
     .fields = deque_iterator_fields},
    {.type = "collections._deque_reverse_iterator",
     .structure = sizeof_dequeiterobject,
     .fields = deque_iterator_fields},
    {.type = "_collections._deque_iterator",
     .structure = sizeof_dequeiterobject,
     .fields = deque_iterator_fields},
    {.type = "_collections._deque_reverse_iterator",
     .structure = sizeof_dequeiterobject,
     .fields = deque_iterator_fields},
    {.type = NULL},
};
