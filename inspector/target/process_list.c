// SPDX-License-Identifier: MIT
#include "inspector/target/process_list.h"

#include "inspector/target/proc_status.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/vector.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The kernel's struct task_struct flag for a thread of its own, as /proc/PID/stat shows it. */
enum { PF_KTHREAD = 0x00200000 };

enum { COMMAND_MAX = 4096, PIECE = 65536 };

/* The best name of a process so far. */
struct verdict {
    name_judge *judge;
    enum name_rank rank;
    char name[NAME_MAX + 1];
};

/* Judges `path`, from which it takes the kernel's mark. */
static void consider(struct verdict *verdict, char *path)
{
    static const char mark[] = " (deleted)";
    size_t length = strlen(path);

    if (length >= sizeof(mark) && strcmp(path + length - (sizeof(mark) - 1), mark) == 0)
        path[length - (sizeof(mark) - 1)] = '\0';
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    enum name_rank rank = verdict->judge(name);
    if (rank > verdict->rank) {
        verdict->rank = rank;
        snprintf(verdict->name, sizeof(verdict->name), "%s", name);
    }
}

/* "7f12-7f34 r-xp 00000000 08:01 1234   /usr/lib/libm.so.6" */
static void consider_mapping(struct verdict *verdict, char *line)
{
    char *modes = strchr(line, ' ');
    char *path = strchr(line, '/');

    if (modes && path && path - modes > 5 && modes[3] == 'x')
        consider(verdict, path);
}

/* Reads no further than to a name that is certain. */
static void consider_mappings(struct verdict *verdict, int maps)
{
    char text[PIECE];
    size_t length = 0;
    ssize_t got;

    while (verdict->rank < NAME_CERTAIN &&
           (got = read(maps, text + length, sizeof(text) - length)) > 0) {
        char *line = text, *stop;
        length += (size_t)got;
        while ((stop = memchr(line, '\n', length - (size_t)(line - text)))) {
            *stop = '\0';
            consider_mapping(verdict, line);
            line = stop + 1;
        }
        length -= (size_t)(line - text);
        memmove(text, line, length);
    }
}

/* What it calls itself: "/usr/bin/python3.11\0-m\0..." and its comm. */
static void consider_claims(struct verdict *verdict, int proc)
{
    char word[PATH_MAX];
    struct proc_stat stat;

    if (proc_file_read(proc, "cmdline", word, sizeof(word)) > 0)
        consider(verdict, word);
    if (verdict->rank < NAME_CERTAIN && proc_stat_read(proc, &stat))
        consider(verdict, stat.name);
}

/* False: it is of another kind, or has ended. */
static bool judge_process(struct verdict *verdict, int proc)
{
    char path[PATH_MAX];
    ssize_t length = readlinkat(proc, "exe", path, sizeof(path) - 1);

    if (length < 0 && (errno == EACCES || errno == EPERM)) {
        consider_claims(verdict, proc);
    } else if (length > 0) {
        path[length] = '\0';
        consider(verdict, path);
        AUTO_CLOSE int maps =
            verdict->rank < NAME_CERTAIN ? openat(proc, "maps", O_RDONLY | O_CLOEXEC) : -1;
        if (maps >= 0)
            consider_mappings(verdict, maps);
    }
    return verdict->rank > NAME_OTHER;
}

bool process_is_of_kind(pid_t pid, name_judge *judge)
{
    struct verdict verdict = {.judge = judge};
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    AUTO_CLOSE int proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return proc >= 0 && judge_process(&verdict, proc);
}

static const char *read_command(int proc, struct arena *texts)
{
    char command[COMMAND_MAX];
    proc_command_read(proc, command, sizeof(command));
    return arena_copy(texts, command, strlen(command));
}

/* False: it has ended, or is none that is listed. */
static bool look_closer(int proc, struct listed_process *process)
{
    struct proc_status status;
    struct proc_stat stat;

    if (!proc_status_read(proc, &status) || !permission_look_at(proc, &process->permission))
        return false;
    process->resident_bytes = status.resident_bytes;
    container_look(proc, &process->container);
    /* Last of all, so that nothing above was read of a process that had ended. */
    if (!proc_stat_read(proc, &stat) || strchr("ZX", stat.state) || stat.flags & PF_KTHREAD)
        return false;
    memcpy(process->name, stat.name, sizeof(process->name));
    return true;
}

/* False only for want of memory. */
static bool list_process(struct process_list *list, int all, const char *number,
                         struct listed_process *process, name_judge *judge)
{
    struct verdict verdict = {.judge = judge};
    AUTO_CLOSE int proc = openat(all, number, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    process->pid = (pid_t)strtol(number, NULL, 10);
    if (proc < 0 || process->pid == getpid() || !judge_process(&verdict, proc))
        return true;
    process->command = read_command(proc, &list->texts);
    process->found = arena_copy(&list->texts, verdict.name, strlen(verdict.name));
    if (!process->command || !process->found)
        return false;
    if (!look_closer(proc, process))
        return true;
    struct listed_process *grown =
        vector_grow(list->items, &list->capacity, list->count + 1, sizeof(*list->items));
    if (!grown)
        return false;
    list->items = grown;
    list->items[list->count++] = *process;
    return true;
}

static int by_pid(const void *a, const void *b)
{
    pid_t left = ((const struct listed_process *)a)->pid;
    pid_t right = ((const struct listed_process *)b)->pid;

    return (left > right) - (left < right);
}

bool process_list_read(struct process_list *ret, name_judge *judge, struct error *err)
{
    struct process_list list = {0};
    struct listed_process process = {0};
    const struct dirent *entry;
    bool done = true;
    DIR *all = opendir("/proc");

    if (!all)
        return error_errno(err, ERROR_SYSTEM, "cannot read /proc");
    permission_look_at_us(&process.permission);
    while (done && (entry = readdir(all))) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            done = list_process(&list, dirfd(all), entry->d_name, &process, judge);
    }
    closedir(all);
    if (!done) {
        process_list_free(&list);
        return error_memory(err);
    }
    if (list.count)
        qsort(list.items, list.count, sizeof(*list.items), by_pid);
    *ret = list;
    return true;
}

void process_list_free(struct process_list *list)
{
    free(list->items);
    arena_free(&list->texts);
    *list = (struct process_list){0};
}
