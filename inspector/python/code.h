// SPDX-License-Identifier: MIT
/*
 * code - what a code object says of the functions that run it: line numbers, names of variables.
 */
#ifndef PYINSPECT_CODE_H
#define PYINSPECT_CODE_H

#include "inspector/python/reader.h"

/* Is there a code object? */
bool is_code(const struct reader *reader, uint64_t address);

/*
 * The line of the instruction at `offset`, in bytes from the first one; negative: of a frame that
 * has not begun. As PyCode_Addr2Line says:
 *
 *     up to 3.9    co_lnotab, pairs of bytes: how far to the next line's code, and that line's
 *     3.10         co_linetable, pairs of bytes: the length of a line's code, and that line's
 * (-128: code without a line) 3.11 on      co_linetable, the location table (Objects/locations.md):
 * entries of one to some bytes, of which only the first has its highest bit set
 *
 * False where the code has no line there, or the table cannot be read.
 */
bool code_line(const struct reader *reader, uint64_t code, int64_t offset, uint32_t *ret_line);

/* Where the first instruction is. 0: unknown (up to 3.10 it is in a bytes of its own). */
uint64_t code_first_instruction(const struct reader *reader, uint64_t code);

/* Opcode in the low byte, its argument in the next, of the instruction at `offset` in bytes. */
bool code_instruction(const struct reader *reader, uint64_t code, int64_t offset, uint64_t *ret);

/*
 * The names of a frame's variables, in the order of its slots: tuples of str. Up to 3.10 those of
 * locals, of cells and of free variables; since 3.11 one.
 */
struct code_names {
    struct {
        uint64_t items; /* the address of the first pointer */
        uint64_t count;
    } tuples[3];
    uint64_t count; /* of all */
};

struct code_names code_names_of(const struct reader *reader, uint64_t code);

/* The address of the str that names the variable of slot `index`; 0: unknown. */
uint64_t code_name(const struct reader *reader, const struct code_names *names, uint64_t index);

#endif
