// SPDX-License-Identifier: MIT
/*
 * source_lines - lines of source files, as Python's linecache gives them, below the root directory
 * of a process: a container's files are not ours.
 *
 * A name that is not absolute is looked for where the process runs (its current directory). Names
 * in angle brackets ("<string>") have no source, nor has what is no regular file, is larger than 16
 * MiB or is not encoded as it says (UTF-8 where it says nothing; ASCII and Latin-1 are known
 * besides). The file may have changed since the program was loaded: what stands there now is told.
 * Once 256 MiB have been read there are no more lines: a target names as many files as it likes.
 */
#ifndef PYINSPECT_SOURCE_LINES_H
#define PYINSPECT_SOURCE_LINES_H

#include "inspector/target/process.h"
#include "symbols/base/text.h"

struct source_lines;

/* Of a process, which is needed only now; NULL: of ourselves. NULL where there is no memory. */
struct source_lines *source_lines_open(const struct process *process);
void source_lines_close(struct source_lines *lines); /* NULL is fine */

/* Adds a line (1 is the first) without the blanks around it, in UTF-8; nothing where there is none.
 * A traces_source (traces_words.h). */
void source_lines_add(void *lines, const char *file, size_t length, uint32_t line,
                      struct text *text);

#endif
