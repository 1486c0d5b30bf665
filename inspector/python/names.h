// SPDX-License-Identifier: MIT
/*
 * names - the names by which reprs call other objects, and the attributes that hold them.
 */
#ifndef PYINSPECT_NAMES_H
#define PYINSPECT_NAMES_H

#include "inspector/python/printer.h"

/* The value of an attribute in the object's own __dict__ (of a slot, too), by its ASCII name; 0: it
 * is not there. */
uint64_t attribute_of(const struct reader *reader, uint64_t address, const char *name);

/* Is it the type of None? */
bool is_none_type(const struct type *type);

/* Is there an object, other than None, at `address`? For what is optional. */
bool is_given(const struct reader *reader, uint64_t address);

/* The C string at `address`, which should be UTF-8: the first `most` bytes of it (256 at most). */
void printer_add_c_string(struct printer *printer, uint64_t address, unsigned most);

/* tp_name: of a class the bare name, of other types mostly with their module. */
void printer_add_tp_name(struct printer *printer, const struct type *type, unsigned most);

/* %T of PyUnicode_FromFormat: tp_name, or of heap types module and qualified name unless the module
 * is builtins or __main__. */
void printer_add_type_name(struct printer *printer, const struct type *type);

/* __qualname__ of a function, a class or another callable, or its __name__, or "?". False, without
 * having printed anything: only its own code knows. */
bool printer_add_qualname(struct printer *printer, uint64_t address);

/* __name__ of a builtin function or method, whose type is `type`; false: it is none. */
bool printer_add_builtin_name(struct printer *printer, const struct type *type, uint64_t address);

/* The str that is the object's __name__, of a function, or of another object that has it in its
 * __dict__; 0: it is not known to have one. */
uint64_t name_of_object(const struct reader *reader, uint64_t address);

/* Item `number` of the tuple at `address`, and how many it has; 0 where it is no tuple. */
uint64_t tuple_count(const struct reader *reader, uint64_t address);
uint64_t tuple_item(const struct reader *reader, uint64_t address, uint64_t number);

#endif
