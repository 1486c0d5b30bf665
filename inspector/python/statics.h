// SPDX-License-Identifier: MIT
/*
 * statics - where C code has its variables: the writable segments of the files that are mapped, as
 * their ELF headers in the image tell.
 *
 * What is read-only once the file was loaded (PT_GNU_RELRO) is left out: nobody can put a reference
 * there. So are thread-local variables, which lie elsewhere.
 */
#ifndef PYINSPECT_STATICS_H
#define PYINSPECT_STATICS_H

#include "inspector/python/reader.h"

enum {
    STATICS_MOST_SEGMENT = 1 << 24, /* bytes of a segment; behind these it is cut */
    STATICS_MOST = 1 << 27,         /* of all together */
};

struct statics_segment {
    uint64_t start, end;           /* multiples of 8 */
    uint64_t file_start, file_end; /* of all that is mapped of the file */
};

/* False: enough. */
typedef bool statics_visit(void *context, const struct statics_segment *segment);

/* Tells the segments of all files, by address of the files. */
void statics_each(const struct reader *reader, statics_visit *visit, void *context);

/* Tells those of the file that the interpreter's own state is mapped from. */
void statics_each_own(const struct reader *reader, statics_visit *visit, void *context);

/* Is the address in the interpreter's own state, whose fields are known by their names? */
bool statics_is_state(const struct reader *reader, uint64_t address);

/* The words of a segment, a page at a time: `count` of them from `address` on. False: enough. */
typedef bool statics_words(void *context, uint64_t address, const uint64_t *words, size_t count);
bool statics_read(const struct reader *reader, const struct statics_segment *segment,
                  statics_words *visit, void *context);

/*
 * The array in which the interpreter keeps the functions that signal.signal() has set: entries of
 * two words, the second one an object, by the number of the signal. 0: it was not found. No symbol
 * leads there in a stripped file: it is known by its contents.
 */
uint64_t statics_signal_handlers(const struct reader *reader);

enum { STATICS_SIGNALS = 65, STATICS_HANDLER_SIZE = 16 };

#endif
