// SPDX-License-Identifier: MIT
/*
 * printer - prints objects as repr() would, within bounds, without running any of their code.
 *
 * What is printed is cut when it is longer than asked for, and no more of the target is read than
 * is shown. A container that is met while it is being printed shows as Python shows it; nesting is
 * bounded. Objects that no kind knows, and those whose class has a __repr__ of its own, print as
 * object.__repr__ does: "<app.models.Order object at 0x7f3a5c0d1e80>".
 *
 * The text is UTF-8, lone surrogates in three-byte form, and the target's: printable characters as
 * that Python's repr() leaves them, all else escaped by it. Renderers escape it once more.
 */
#ifndef PYINSPECT_PRINTER_H
#define PYINSPECT_PRINTER_H

#include "inspector/python/reader.h"
#include "symbols/base/text.h"

/* Python gives up too: RecursionError. Of objects that are no containers some more are shown, since
 * a frame's file name or a token's variable is no container, and real ones end soon. */
enum { PRINTER_DEPTH = 100, PRINTER_NESTED = 2 * PRINTER_DEPTH };

struct printer {
    const struct reader *reader;
    struct text *text;
    uint64_t left;   /* characters that may still be added */
    bool full;       /* there was more: nothing is added any more, and loops end */
    unsigned nested; /* objects within objects, whatever they are */
    unsigned depth;
    uint64_t open[PRINTER_DEPTH]; /* the containers that are being printed */
};

/*
 * Adds the object at `address` to `text`, in at most `most` characters (3 or more): of a longer
 * text the first most - 3, and "...". What is no object prints as "<unreadable object at 0x...>".
 */
void print_object(const struct reader *reader, uint64_t address, uint64_t most, struct text *text);

/* For the kinds: */

void printer_addf(struct printer *printer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* `length` bytes of ASCII. */
void printer_add_bytes(struct printer *printer, const char *bytes, size_t length);
/* ASCII text, characters. */
static inline void printer_add(struct printer *printer, const char *text)
{
    printer_add_bytes(printer, text, strlen(text));
}
/* "0x7f3a5c0d1e80" between two texts. There are millions of them, for which printf is slow. */
void printer_add_address(struct printer *printer, const char *before, uint64_t address,
                         const char *after);
void printer_add_code(struct printer *printer, uint32_t code);
/* Text that is UTF-8 already. */
void printer_add_utf8(struct printer *printer, const char *bytes, size_t length);

/* The str at `address` as str() gives it, without quotes: names, file names; "?" where it is none.
 */
void printer_add_str(struct printer *printer, uint64_t address);

/* Characters of 1, 2 or 4 bytes each as repr() of a str shows them, in quotes. */
void printer_add_quoted(struct printer *printer, const void *characters, uint64_t count,
                        unsigned width);

/* The same of `count` characters in the target, of which no more are read than shown; of bytes as
 * repr() of a bytes object. False, without having printed anything: they cannot be read. */
bool printer_add_str_at(struct printer *printer, uint64_t address, uint64_t count, unsigned width);
bool printer_add_bytes_at(struct printer *printer, uint64_t address, uint64_t count);

/* An object within the object. */
void printer_object(struct printer *printer, uint64_t address);

/*
 * To be called before the items of a container are printed, and printer_leave afterwards. False: it
 * is being printed already (or the nesting is too deep), and `again` ("[...]") was added instead.
 */
bool printer_enter(struct printer *printer, uint64_t address, const char *again);
void printer_leave(struct printer *printer);

/*
 * The same for what Python bounds only by its own depth: an object may be met within itself, as an
 * exception within its arguments.
 */
bool printer_nest(struct printer *printer);

#endif
