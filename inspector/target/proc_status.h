// SPDX-License-Identifier: MIT
/*
 * proc_status - what /proc/PID/stat and /proc/PID/status say of a process or a thread.
 */
#ifndef PYINSPECT_PROC_STATUS_H
#define PYINSPECT_PROC_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
    char name[64];        /* comm: what the process calls itself, any bytes */
    char state;           /* R, S, D, T, t, Z, X, I */
    pid_t parent;         /* 0: none that we can see */
    unsigned long flags;  /* the kernel's PF_ flags */
    uint64_t start_time;  /* clock ticks since boot */
    uint64_t stack_start; /* where its first stack begins; 0: we may not know */
};

struct proc_status {
    pid_t process;         /* Tgid */
    pid_t inner_process;   /* the same in its own PID namespace; 0: that is the reader's */
    pid_t tracer;          /* TracerPid; 0: none */
    long uid;              /* effective; -1 unknown */
    uint64_t capabilities; /* CapEff */
    bool no_new_privileges;
    uint64_t resident_bytes; /* VmRSS */
    unsigned threads;
    int seccomp; /* 0: none, 1: strict, 2: filter */
};

/* `proc` is a descriptor of /proc/PID or /proc/PID/task/TID. False: the process is gone. */
bool proc_stat_read(int proc, struct proc_stat *ret);
bool proc_status_read(int proc, struct proc_status *ret);

/* The command line, any bytes, with blanks between the words, cut at `size` - 1; "" if unknown. */
void proc_command_read(int proc, char *text, size_t size);

/* The whole of a small file under /proc, NUL-terminated; -1 where it cannot be read. */
ssize_t proc_file_read(int proc, const char *name, char *text, size_t size);

#endif
