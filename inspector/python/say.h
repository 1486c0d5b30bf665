// SPDX-License-Identifier: MIT
/*
 * say - the facts that several kinds tell in the same words (kind.describe).
 */
#ifndef PYINSPECT_SAY_H
#define PYINSPECT_SAY_H

#include "inspector/python/frame.h"
#include "inspector/python/kind.h"

/* Tells the str at `address` as str() gives it; nothing where it is none. */
void say_str(const struct reader *reader, const char *key, uint64_t address, fact_tell *tell,
             void *context);

/* Tells the object at `address` as it prints, in some 200 characters; nothing of 0. */
void say_object(const struct reader *reader, const char *key, uint64_t address, fact_tell *tell,
                void *context);

/* ASCII text; a number in decimal digits. */
void say_text(const char *key, const char *text, fact_tell *tell, void *context);
void say_number(const char *key, int64_t number, fact_tell *tell, void *context);

/* Tells "file", "line" and "function" of the code object at that instruction (see code_line);
 * nothing of 0. */
void say_place(const struct reader *reader, uint64_t code, int64_t offset, fact_tell *tell,
               void *context);

/* The same of a frame. */
void say_frame(const struct reader *reader, const struct frame_view *view, fact_tell *tell,
               void *context);

#endif
