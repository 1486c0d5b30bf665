// SPDX-License-Identifier: MIT
/*
 * kind - a family of types whose objects pyinspect knows from the inside: what they take, what they
 * refer to, how they print, what is worth saying of them.
 *
 * One file a family (kind_list.c, kind_dict.c, ...), one row in the table of kinds.c. A row names
 * the C type whose instances it knows; subclasses inherit it along tp_base, as they inherit the C
 * structure. It is used only where the layout has that structure and tp_basicsize of the type in
 * the target says the same size: a structure of another build is not read, the type then falls back
 * to the general rule, and is counted as such (type_is_known).
 *
 * A kind says what the C structure holds. What a Python class adds (slots, __dict__) and the
 * reference to a heap type are added by instance.h, for all kinds alike; use object.h to ask.
 */
#ifndef PYINSPECT_KIND_H
#define PYINSPECT_KIND_H

#include "inspector/python/printer.h"
#include "inspector/python/reader.h"
#include "inspector/python/reference.h"

/* Says something of an object that is no reference: "maxlen", "10"; "file", "/app/x.py". `key` is
 * ours; `value` is UTF-8 from the target, to be escaped. */
typedef void fact_tell(void *context, const char *key, const char *value, size_t length);

struct frame_view;

/* Memory that an object has allocated beside itself: "ob_item", where and how many bytes. */
typedef void buffer_tell(void *context, const char *name, uint64_t address, uint64_t size);

/* A reference that tp_traverse of a C type tells of only since the type is a heap type (3.9
 * to 3.12): owned before. */
void tell_if_heap(struct references *references, const struct type *type, uint64_t to,
                  const char *name);

/* A field of the structure that holds a reference (or NULL). A build may lack it. */
struct kind_field {
    const char *name; /* as Python calls it: "__func__", "tb_frame"; else the field's own name */
    enum layout_slot_id field;
    bool is_owned; /* as in struct reference */
};

struct kind {
    const char *type; /* whose instances and subclasses' instances: as struct type has its name */
    /* The instances' C structure. Where it is sizeof_PyObject, the type's size is not looked at. */
    enum layout_slot_id structure;
    uint32_t unsized; /* bytes of that structure that tp_basicsize leaves out (a first item) */
    /* In place of that rule, where it is another one; NULL: it is that one. */
    bool (*fits)(const struct layout *layout, uint64_t basicsize);

    /*
     * What __sizeof__ of the type says: without the headers before the object. NULL: the general
     * rule, tp_basicsize + tp_itemsize * |ob_size|. False: it cannot be read, or cannot be so.
     */
    bool (*size)(const struct reader *reader, const struct type *type, uint64_t address,
                 uint64_t *ret);

    /* Fields of the structure that hold one reference each; NULL, or ended by one without a name.
     */
    const struct kind_field *fields;

    /* What it refers to besides. NULL: nothing. */
    void (*references)(const struct reader *reader, const struct type *type, uint64_t address,
                       struct references *references);
    bool fields_last; /* its tp_traverse visits those first */

    /*
     * Prints as the type's own tp_repr does. NULL, or false without having printed anything: as
     * object.__repr__ does. Not asked where a subclass has another tp_repr than `type`: that is
     * somebody's code.
     */
    bool (*print)(struct printer *printer, const struct type *type, uint64_t address);

    /* NULL: nothing to say. */
    void (*describe)(const struct reader *reader, const struct type *type, uint64_t address,
                     fact_tell *tell, void *context);
    void (*buffers)(const struct reader *reader, const struct type *type, uint64_t address,
                    buffer_tell *tell, void *context);

    /* The frame that it is, or that is its own: a generator's, a task's. False: it has none, or
     * none any more. NULL: it never has one. */
    bool (*frame)(const struct reader *reader, uint64_t address, struct frame_view *ret);

    /* A heap type of C code whose tp_traverse forgets the instance's type. */
    bool hides_type;
};

/* The row for a type of that name, or NULL. */
const struct kind *kind_find(const char *type_name);

/*
 * The types that PyStructSequence_InitType makes (time.struct_time, sys.flags, ...) have names of
 * their own, but all are C types below tuple that name its items; `type` has all but its kind.
 */
bool is_struct_sequence(const struct python *python, struct image *image, const struct type *type);
extern const struct kind struct_sequence_kind;

/* The rows of each family; each ends with one without a type. */
extern const struct kind array_kinds[];
extern const struct kind asyncio_kinds[];
extern const struct kind bytes_kinds[];
extern const struct kind callable_kinds[];
extern const struct kind code_kinds[];
extern const struct kind codec_kinds[];
extern const struct kind context_kinds[];
extern const struct kind ctypes_kinds[];
extern const struct kind database_kinds[];
extern const struct kind datetime_kinds[];
extern const struct kind decimal_kinds[];
extern const struct kind deque_kinds[];
extern const struct kind descriptor_kinds[];
extern const struct kind dict_kinds[];
extern const struct kind exception_kinds[];
extern const struct kind foreign_kinds[];
extern const struct kind format_kinds[];
extern const struct kind frame_kinds[];
extern const struct kind function_kinds[];
extern const struct kind generator_kinds[];
extern const struct kind io_kinds[];
extern const struct kind iterator_kinds[];
extern const struct kind itertools_kinds[];
extern const struct kind library_kinds[];
extern const struct kind module_kinds[];
extern const struct kind number_kinds[];
extern const struct kind numpy_kinds[];
extern const struct kind other_kinds[];
extern const struct kind re_kinds[];
extern const struct kind sequence_kinds[];
extern const struct kind set_kinds[];
extern const struct kind str_kinds[];
extern const struct kind type_kinds[];
extern const struct kind typing_kinds[];
extern const struct kind weakref_kinds[];

#endif
