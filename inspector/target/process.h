// SPDX-License-Identifier: MIT
/*
 * process - a running process that we look at from outside.
 *
 * It is held by descriptors that were opened first (a pidfd, /proc/PID, its maps, its memory),
 * never by its number alone: when it ends or calls exec, they stop working instead of showing
 * another process or program. Nothing here writes to it, and nothing here stops it (stop.h does).
 */
#ifndef PYINSPECT_PROCESS_H
#define PYINSPECT_PROCESS_H

#include "inspector/target/maps.h"
#include "inspector/target/watchdog.h"
#include "symbols/base/error.h"

#include <sys/types.h>
#include <sys/uio.h>

struct process {
    pid_t pid;
    pid_t tid;     /* a live thread of it: the leader, or another where the leader has exited */
    char name[64]; /* comm: what it calls itself, any bytes */
    uint64_t start_time; /* in clock ticks since boot; with the pid it names the process for good */
    int pidfd;
    int proc;       /* /proc/PID/task/TID */
    int maps_fd;    /* these three belong to the address space that the process had when it was */
    int pagemap_fd; /* opened; after an exec they read as empty */
    int memory_fd;  /* -1 where it may not be opened; process_vm_readv is then used alone */
    int root_fd;    /* its root directory, -1 where it may not be opened */
    struct watchdog *watchdog; /* over us, while we hold it */
};

/*
 * Opens the process `pid` and checks that it can be inspected. Fails with ERROR_TARGET for each of:
 * no such process, hidden, a thread's id, a zombie, a kernel thread, ourselves, not permitted; the
 * message names the cause and the mend.
 */
MUST_CHECK bool process_open(struct process *ret, pid_t pid, struct error *err);
void process_close(struct process *process);

/* Is /proc that of our own PID namespace? Else no PID means what it says. Fails with ERROR_SYSTEM.
 */
MUST_CHECK bool process_check_proc(struct error *err);

/* May it be stopped? Fails with ERROR_TARGET where somebody else traces it; reading needs no
 * tracer.
 */
MUST_CHECK bool process_check_tracer(const struct process *process, struct error *err);

/* Is it still the process and the program that was opened? */
bool process_is_same(const struct process *process);

/*
 * Explains why `what` on the process failed with errno `number`: gone, or not permitted and why
 * (the capability, Yama's ptrace_scope, NoNewPrivs, a container's seccomp profile, a tracer). Sets
 * `err` to ERROR_TARGET; returns false.
 */
bool process_refused(const struct process *process, const char *what, int number,
                     struct error *err);

/* Its mappings now. Fails with ERROR_TARGET where it has ended or has called exec. */
MUST_CHECK bool process_maps(const struct process *process, struct maps *ret, struct error *err);

/*
 * Reads like process_vm_readv: the bytes that were read, which end before the first page that could
 * not be, or -1 with errno (EFAULT: nothing at the first address; ESRCH: gone). Any thread may
 * call.
 */
ssize_t process_read(const struct process *process, const struct iovec *local,
                     const struct iovec *remote, size_t count);

/*
 * What the kernel says of `count` pages from `address`, eight bytes a page as in
 * Documentation/admin-guide/mm/pagemap.rst. False where it does not say (then assume all present).
 */
enum {
    PAGEMAP_PRESENT = 63, /* bit numbers */
    PAGEMAP_SWAPPED = 62
};
bool process_pagemap(const struct process *process, uint64_t address, uint64_t *entries,
                     size_t count);

/* Bytes that it has in memory (VmRSS), and its threads; 0 where that is not known. */
uint64_t process_resident(const struct process *process);
unsigned process_threads(const struct process *process);

/*
 * Which process and which program it is, in words that hold longer than we do: two that are equal
 * in all of it share one space of addresses. A new boot has another `boot`, a process with the same
 * number another `start_time`, and an exec (where addresses are randomised, as they usually are)
 * another `stack_start`.
 */
struct process_identity {
    pid_t pid;
    uint64_t start_time;
    uint64_t stack_start; /* 0: it may not be known */
    char boot[37];        /* boot_id of random(4); "" unknown */
};

/* False: it has ended. */
MUST_CHECK bool process_identify(const struct process *process, struct process_identity *ret);

/* The path of the executable as the target's root sees it, "" where it is not known. */
void process_executable(const struct process *process, char *path, size_t size);

/* Its current directory, as its root sees it; "" where that is not known. */
void process_directory(const struct process *process, char *path, size_t size);

/* Its command line, any bytes, with blanks between the words, cut at `size` - 1; "" if unknown. */
void process_command_line(const struct process *process, char *text, size_t size);

#endif
