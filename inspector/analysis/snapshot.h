// SPDX-License-Identifier: MIT
/*
 * snapshot - a census that stands by itself: what there was in a process at a moment, without its
 * memory. It is what census files hold and what is compared.
 *
 * Types are told apart by name, as in a census. Each object is in one row only, so two snapshots of
 * one process can be compared object by object: the same type at the same address is taken for the
 * same object.
 */
#ifndef PYINSPECT_SNAPSHOT_H
#define PYINSPECT_SNAPSHOT_H

#include "inspector/analysis/census.h"
#include "symbols/base/arena.h"

#include <sys/types.h>

/*
 * The process, and the program that it ran. Two origins that are the same (origin_is_same) share
 * one space of addresses. Texts are never NULL; they are of the target, and may hold any bytes.
 */
struct origin {
    pid_t pid;
    uint64_t start_time;  /* clock ticks since boot */
    char boot[37];        /* /proc/sys/kernel/random/boot_id: which boot; "" unknown */
    uint64_t stack_start; /* where its first stack began: another one after each exec; 0: unknown */
    const char *executable;   /* its path, as the process's own root sees it */
    const char *version;      /* of Python: "3.11.2" */
    const char *command_line; /* blanks between the words, cut at 4 KiB; "" where it is left out */
};

bool origin_is_same(const struct origin *a, const struct origin *b);

/* When, how, and what was counted. */
struct occasion {
    int64_t taken_ms;              /* milliseconds since 1970, UTC */
    int64_t running_ms;            /* for which the machine had run (CLOCK_MONOTONIC): of one boot,
                                    * it tells what came after what whoever set the date */
    double pause_milliseconds;     /* the longest time for which the target stood still */
    double stopped_milliseconds;   /* all such times together */
    uint64_t resident_bytes;       /* what the process had in memory (VmRSS) */
    bool complete;                 /* all of the heap could be read and verified */
    bool stopped;                  /* false: it was read while it ran (--no-stop) */
    bool all_objects;              /* those too that the collector does not track */
    bool generations[GENERATIONS]; /* that were counted */
};

struct snapshot_object {
    uint64_t address;
    uint64_t size; /* bytes */
};

struct snapshot_row {
    const char *type; /* module.qualname; UTF-8 as in struct type, NUL-terminated */
    size_t type_length;
    const char *short_name; /* __name__ */
    size_t short_length;
    uint64_t count, bytes;
    bool is_exact; /* the bytes are what sys.getsizeof says: no __sizeof__ that nobody knows */
    const struct snapshot_object
        *objects; /* `count` of them, by address; NULL: they are not known */
};

struct snapshot {
    struct origin origin;
    struct occasion occasion;
    struct snapshot_row *rows; /* by type, then short name, bytewise; no two have both the same */
    size_t row_count;
    uint64_t objects, bytes; /* of all rows */
    bool has_objects;        /* the rows' objects are known */

    struct arena arena;              /* of all texts */
    struct snapshot_object *storage; /* of the rows' objects */
};

/*
 * Makes a snapshot of what a census counted, with the objects if it kept a roster of them. The
 * texts of `origin` are copied. Nothing of the census is needed afterwards.
 */
MUST_CHECK bool snapshot_make(struct snapshot *ret, const struct census *census,
                              const struct origin *origin, const struct occasion *occasion,
                              struct error *err);

/* Makes one of what was counted otherwise: rows in any order, without objects, of which equal ones
 * become one. All texts are copied. */
MUST_CHECK bool snapshot_make_of_rows(struct snapshot *ret, const struct snapshot_row *rows,
                                      size_t count, const struct origin *origin,
                                      const struct occasion *occasion, struct error *err);

/* Zero-initialised is fine. */
void snapshot_free(struct snapshot *snapshot);

/* The row of a type, by both its names; NULL: there is none. */
const struct snapshot_row *snapshot_find(const struct snapshot *snapshot, const char *type,
                                         size_t type_length, const char *short_name,
                                         size_t short_length);

/* Is there an object at `address` among those of the row, which must be known? */
bool snapshot_row_has(const struct snapshot_row *row, uint64_t address);

/* The order of a snapshot's rows: negative, 0, positive. */
int snapshot_row_order(const struct snapshot_row *a, const struct snapshot_row *b);

#endif
