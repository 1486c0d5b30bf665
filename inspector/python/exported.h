// SPDX-License-Identifier: MIT
/*
 * exported - functions that the interpreter's file exports, found in the image as ld.so finds them,
 * and which word such a function returns.
 *
 * Some variables of CPython's have no symbol of their own, or are thread-local, but an exported
 * function does nothing but return them. Its first instructions tell where they are. Known are
 * those that gcc and clang write for that on x86-64.
 */
#ifndef PYINSPECT_EXPORTED_H
#define PYINSPECT_EXPORTED_H

#include "inspector/python/reader.h"

/* The address of a function in the file that `near` is mapped from; 0: none is found. */
uint64_t exported_function(const struct reader *reader, uint64_t near, const char *name);

/*
 * Where the word is that the function at `address` returns, in the thread with this thread pointer
 * (0: a thread-local word is not told). 0 where it does anything else that matters.
 */
uint64_t returned_word(const struct reader *reader, uint64_t address, uint64_t thread_pointer);

#endif
