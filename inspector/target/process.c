// SPDX-License-Identifier: MIT
#include "inspector/target/process.h"

#include "inspector/target/permission.h"
#include "inspector/target/proc_status.h"
#include "symbols/base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's struct task_struct flag for a thread of its own, as /proc/PID/stat shows it. */
enum { PF_KTHREAD = 0x00200000 };

enum { LEAST_FILES = 64 };

static bool is_zombie(char state)
{
    return state == 'Z' || state == 'X';
}

static bool no_such_process(pid_t pid, struct error *err)
{
    if (kill(pid, 0) < 0 && errno == EPERM)
        return error_set(err, ERROR_TARGET,
                         "process %d exists but /proc hides it (mounted with hidepid): "
                         "run as its owner or as root",
                         (int)pid);
    return error_set(err, ERROR_TARGET,
                     "no process %d: it has ended, or lives in another PID namespace", (int)pid);
}

static bool not_a_leader(pid_t pid, struct error *err)
{
    char path[64];
    struct proc_status status;

    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    AUTO_CLOSE int proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc >= 0 && proc_status_read(proc, &status) && status.process != pid)
        return error_set(err, ERROR_TARGET, "%d is a thread of process %d: inspect %d", (int)pid,
                         (int)status.process, (int)status.process);
    return no_such_process(pid, err);
}

/* The leader of a process may have exited while its threads run on; they then share its memory. */
static bool open_live_thread(struct process *process, int leader, struct error *err)
{
    AUTO_CLOSE int task = openat(leader, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *threads = task < 0 ? NULL : fdopendir(task);
    const struct dirent *entry;

    if (!threads)
        return no_such_process(process->pid, err);
    while (process->proc < 0 && (entry = readdir(threads))) {
        struct proc_stat stat;
        AUTO_CLOSE int thread = -1;
        if (entry->d_name[0] == '.')
            continue;
        thread = openat(task, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (thread < 0 || !proc_stat_read(thread, &stat) || is_zombie(stat.state))
            continue;
        process->tid = (pid_t)strtol(entry->d_name, NULL, 10);
        process->proc = thread;
        thread = -1;
    }
    closedir(threads);
    task = -1; /* closedir closed it */
    if (process->proc < 0)
        return error_set(err, ERROR_TARGET,
                         "process %d is a zombie: it has exited and waits for its parent to notice",
                         (int)process->pid);
    return true;
}

static bool check_kind(const struct process *process, const struct proc_stat *stat,
                       struct error *err)
{
    if (process->pid == getpid())
        return error_set(err, ERROR_TARGET, "%d is pyinspect itself", (int)process->pid);
    if (stat->flags & PF_KTHREAD)
        return error_set(err, ERROR_TARGET, "%d (%s) is a thread of the kernel, not a program",
                         (int)process->pid, process->name);
    return true;
}

bool process_check_tracer(const struct process *process, struct error *err)
{
    struct proc_status status;

    return !proc_status_read(process->proc, &status) || !status.tracer ||
           permission_refused_traced(process->pid, process->name, status.tracer, err);
}

static bool open_memory(struct process *process, struct error *err)
{
    char byte;
    struct maps maps;

    process->maps_fd = openat(process->proc, "maps", O_RDONLY | O_CLOEXEC);
    if (process->maps_fd < 0)
        return process_refused(process, "read the mappings of", errno, err);
    process->pagemap_fd = openat(process->proc, "pagemap", O_RDONLY | O_CLOEXEC);
    process->memory_fd = openat(process->proc, "mem", O_RDONLY | O_CLOEXEC);
    process->root_fd = openat(process->proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (!process_maps(process, &maps, err))
        return false;
    uint64_t probe = 0;
    for (size_t i = 0; i < maps.count && !probe; i++) {
        if (maps.items[i].executable && mapping_is_memory(&maps.items[i]))
            probe = maps.items[i].start;
    }
    maps_free(&maps);

    struct iovec local = {&byte, 1};
    struct iovec remote = {(void *)(uintptr_t)probe, 1}; // NOLINT: an address of the target's
    if (process_read(process, &local, &remote, 1) < 0 && errno != EFAULT && errno != EIO)
        return process_refused(process, "read the memory of", errno, err);
    return true;
}

bool process_check_proc(struct error *err)
{
    char self[16] = "";

    if (readlink("/proc/self", self, sizeof(self) - 1) < 0)
        return error_set(err, ERROR_SYSTEM,
                         "no /proc is mounted here: run mount -t proc proc /proc, or run outside");
    if (strtol(self, NULL, 10) != getpid())
        return error_set(err, ERROR_SYSTEM,
                         "the /proc that is mounted here belongs to another PID namespace: run "
                         "mount -t proc proc /proc here");
    return true;
}

/* What would otherwise look like a fault of the target's: few descriptors, another namespace's
 * /proc. */
static bool check_own_means(struct error *err)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < LEAST_FILES) {
        files.rlim_cur = files.rlim_max < LEAST_FILES ? files.rlim_max : LEAST_FILES;
        if (files.rlim_cur < LEAST_FILES || setrlimit(RLIMIT_NOFILE, &files) < 0)
            return error_set(err, ERROR_SYSTEM,
                             "pyinspect may open only %lu files and needs %d: raise ulimit -n",
                             (unsigned long)files.rlim_max, LEAST_FILES);
    }
    return process_check_proc(err);
}

bool process_open(struct process *ret, pid_t pid, struct error *err)
{
    struct process process = {.pid = pid,
                              .tid = pid,
                              .pidfd = -1,
                              .proc = -1,
                              .maps_fd = -1,
                              .pagemap_fd = -1,
                              .memory_fd = -1,
                              .root_fd = -1};
    char path[64];
    struct proc_stat stat;

    if (!check_own_means(err))
        return false;
    process.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (process.pidfd < 0 && (errno == EINVAL || errno == ENOENT))
        return not_a_leader(pid, err);
    if (process.pidfd < 0 && errno == ESRCH)
        return no_such_process(pid, err);

    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    AUTO_CLOSE int leader = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = leader >= 0 && proc_stat_read(leader, &stat);
    if (!done) {
        no_such_process(pid, err);
    } else {
        process.start_time = stat.start_time;
        snprintf(process.name, sizeof(process.name), "%s", stat.name);
        done = open_live_thread(&process, leader, err) && check_kind(&process, &stat, err) &&
               open_memory(&process, err);
    }
    if (!done) {
        process_close(&process);
        return false;
    }
    process.watchdog = watchdog_start();
    *ret = process;
    return true;
}

void process_close(struct process *process)
{
    watchdog_end(process->watchdog);
    process->watchdog = NULL;
    cleanup_close(&process->pidfd);
    cleanup_close(&process->proc);
    cleanup_close(&process->maps_fd);
    cleanup_close(&process->pagemap_fd);
    cleanup_close(&process->memory_fd);
    cleanup_close(&process->root_fd);
}

static bool is_alive(const struct process *process)
{
    struct pollfd exit = {.fd = process->pidfd, .events = POLLIN};

    return process->pidfd < 0 || poll(&exit, 1, 0) == 0;
}

bool process_is_same(const struct process *process)
{
    char byte;

    return is_alive(process) && pread(process->maps_fd, &byte, 1, 0) == 1;
}

bool process_refused(const struct process *process, const char *what, int number, struct error *err)
{
    if (!is_alive(process) || number == ESRCH)
        return error_set(err, ERROR_TARGET, "cannot %s %d (%s): it has ended", what,
                         (int)process->pid, process->name);
    return permission_refused(process->pid, process->proc, process->name, what, number, err);
}

/* The kernel writes paths as we would find them; a process in a root of its own sees less of them.
 */
struct own_root {
    char path[4096];
    size_t length; /* 0: it is ours */
};

static void read_own_root(const struct process *process, struct own_root *root)
{
    ssize_t length = readlinkat(process->proc, "root", root->path, sizeof(root->path));

    root->length = length > 1 ? (size_t)length : 0;
}

static const char *seen_from(const struct own_root *root, const char *path)
{
    bool is_below =
        root->length && strncmp(path, root->path, root->length) == 0 && path[root->length] == '/';

    return is_below ? path + root->length : path;
}

static void see_from_root(const struct process *process, struct maps *maps)
{
    struct own_root root;

    read_own_root(process, &root);
    for (size_t i = 0; i < maps->count; i++)
        maps->items[i].path = seen_from(&root, maps->items[i].path);
}

bool process_maps(const struct process *process, struct maps *ret, struct error *err)
{
    AUTO_FREE char *text = NULL;
    size_t length = 0, capacity = 0;
    ssize_t got = 0;

    do {
        char *grown = realloc(text, capacity += 256 * 1024);
        if (!grown)
            return error_memory(err);
        text = grown;
        while (length < capacity &&
               (got = pread(process->maps_fd, text + length, capacity - length, (off_t)length)) > 0)
            length += (size_t)got;
    } while (length == capacity);
    if (got < 0)
        return process_refused(process, "read the mappings of", errno, err);
    if (!length)
        return error_set(err, ERROR_TARGET,
                         "process %d (%s) has ended or has started another program meanwhile: "
                         "nothing is reported of it; try again if it still runs",
                         (int)process->pid, process->name);
    if (!maps_parse(ret, text, length, err))
        return false;
    see_from_root(process, ret);
    return true;
}

/* process_vm_readv is the faster of the two; some containers' seccomp profiles forbid it alone. */
static ssize_t read_by_file(const struct process *process, const struct iovec *local,
                            const struct iovec *remote, size_t count)
{
    ssize_t total = 0;

    for (size_t i = 0; i < count; i++) {
        ssize_t got = pread(process->memory_fd, local[i].iov_base, remote[i].iov_len,
                            (off_t)(uintptr_t)remote[i].iov_base);
        if (got == 0)
            errno = ESRCH; /* the address space is gone */
        if (got < 0 && errno == EIO)
            errno = EFAULT;
        if (got <= 0)
            return total ? total : -1;
        total += got;
        if ((size_t)got < remote[i].iov_len)
            break;
    }
    return total;
}

/*
 * process_vm_readv goes by number: what it read was the process's if that had not ended by then. A
 * thread's number may pass to others while the process lives, so it is only used for the leader.
 */
ssize_t process_read(const struct process *process, const struct iovec *local,
                     const struct iovec *remote, size_t count)
{
    bool by_number = process->tid == process->pid || process->memory_fd < 0;
    ssize_t got = by_number ? process_vm_readv(process->tid, local, count, remote, count, 0) : -1;

    if (!by_number || (got < 0 && process->memory_fd >= 0 && (errno == EPERM || errno == ENOSYS)))
        return read_by_file(process, local, remote, count);
    if (got >= 0 && !is_alive(process)) {
        errno = ESRCH;
        return -1;
    }
    return got;
}

bool process_pagemap(const struct process *process, uint64_t address, uint64_t *entries,
                     size_t count)
{
    size_t size = count * sizeof(*entries);

    return process->pagemap_fd >= 0 &&
           pread(process->pagemap_fd, entries, size, (off_t)(address / 4096 * sizeof(*entries))) ==
               (ssize_t)size;
}

bool process_identify(const struct process *process, struct process_identity *ret)
{
    struct process_identity identity = {.pid = process->pid, .start_time = process->start_time};
    struct proc_stat stat;
    char boot[64];

    if (!proc_stat_read(process->proc, &stat))
        return false;
    identity.stack_start = stat.stack_start;
    if (proc_file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof(boot)) > 0)
        snprintf(identity.boot, sizeof(identity.boot), "%.*s", (int)strcspn(boot, "\n"), boot);
    *ret = identity;
    return true;
}

void process_command_line(const struct process *process, char *text, size_t size)
{
    proc_command_read(process->proc, text, size);
}

static void read_link(const struct process *process, const char *name, char *path, size_t size)
{
    ssize_t length = readlinkat(process->proc, name, path, size - 1);

    path[length < 0 ? 0 : length] = '\0';
}

void process_executable(const struct process *process, char *path, size_t size)
{
    read_link(process, "exe", path, size);
}

void process_directory(const struct process *process, char *path, size_t size)
{
    struct own_root root;

    read_link(process, "cwd", path, size);
    read_own_root(process, &root);
    const char *seen =
        root.length && strlen(path) == root.length && strncmp(path, root.path, root.length) == 0
            ? "/"
            : seen_from(&root, path);
    memmove(path, seen, strlen(seen) + 1);
}

uint64_t process_resident(const struct process *process)
{
    struct proc_status status;

    return proc_status_read(process->proc, &status) ? status.resident_bytes : 0;
}

unsigned process_threads(const struct process *process)
{
    struct proc_status status;

    return proc_status_read(process->proc, &status) ? status.threads : 0;
}
