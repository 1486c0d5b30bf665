// SPDX-License-Identifier: MIT
/*
 * process_list - the processes of one kind that can be seen, with what is known of them from
 * outside. None of them is stopped, no memory of theirs is read, no file that they have is opened.
 *
 * Of which kind a process is, the name of a file tells: its executable's, else the best among the
 * code that it has mapped. Where these may not be seen, it is what the process calls itself (the
 * first word of its command line, its comm), which may be a lie.
 *
 * Left out are ourselves, kernel threads, processes whose first thread has ended (zombies among
 * them) and whatever ends while we look.
 */
#ifndef PYINSPECT_PROCESS_LIST_H
#define PYINSPECT_PROCESS_LIST_H

#include "inspector/target/container.h"
#include "inspector/target/permission.h"
#include "symbols/base/arena.h"

#include <stdint.h>
#include <sys/types.h>

/* What a name tells: LIKELY where one that is CERTAIN is to be looked for still. */
enum name_rank { NAME_OTHER, NAME_LIKELY, NAME_CERTAIN };

/* `name` is what follows the last slash of a path, without the kernel's " (deleted)". */
typedef enum name_rank name_judge(const char *name);

struct listed_process {
    pid_t pid;
    char name[64];       /* comm: any bytes */
    const char *found;   /* the name that decided: "libpython3.11.so.1.0" */
    const char *command; /* its command line, any bytes, blanks between the words, cut at 4 KiB */
    uint64_t resident_bytes;
    struct container container;
    struct permission_facts permission;
};

/* Sorted by PID. */
struct process_list {
    struct listed_process *items;
    size_t count, capacity;
    struct arena texts;
};

/* Fails with ERROR_SYSTEM where /proc cannot be read, or for want of memory. */
MUST_CHECK bool process_list_read(struct process_list *ret, name_judge *judge, struct error *err);
void process_list_free(struct process_list *list);

/* Is this process of that kind? False too where it has ended. */
bool process_is_of_kind(pid_t pid, name_judge *judge);

#endif
