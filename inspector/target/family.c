// SPDX-License-Identifier: MIT
#include "inspector/target/family.h"

#include "inspector/target/proc_status.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/vector.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

struct table {
    struct relative *items; /* by PID */
    bool *related;          /* of each item */
    size_t count, capacity;
};

static bool look_at(int all, const char *name, struct relative *ret)
{
    struct proc_stat stat;
    AUTO_CLOSE int proc = openat(all, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (proc < 0 || !proc_stat_read(proc, &stat) || strchr("ZX", stat.state))
        return false;
    *ret = (struct relative){
        .pid = (pid_t)strtol(name, NULL, 10), .parent = stat.parent, .start_time = stat.start_time};
    return true;
}

static int by_pid(const void *a, const void *b)
{
    pid_t left = ((const struct relative *)a)->pid, right = ((const struct relative *)b)->pid;

    return (left > right) - (left < right);
}

static bool read_all(struct table *table, struct error *err)
{
    const struct dirent *entry;
    DIR *all = opendir("/proc");

    if (!all)
        return error_errno(err, ERROR_SYSTEM, "cannot read /proc");
    while ((entry = readdir(all))) {
        struct relative relative;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
            !look_at(dirfd(all), entry->d_name, &relative))
            continue;
        struct relative *grown =
            vector_grow(table->items, &table->capacity, table->count + 1, sizeof(*table->items));
        if (!grown) {
            closedir(all);
            return error_memory(err);
        }
        table->items = grown;
        table->items[table->count++] = relative;
    }
    closedir(all);
    table->related = calloc(table->count + 1, sizeof(*table->related));
    if (!table->related)
        return error_memory(err);
    if (table->count)
        qsort(table->items, table->count, sizeof(*table->items), by_pid);
    return true;
}

static bool is_head(pid_t pid, const pid_t *heads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (heads[i] == pid)
            return true;
    }
    return false;
}

static bool is_of_family(const struct table *table, pid_t pid)
{
    struct relative wanted = {.pid = pid};
    const struct relative *found =
        table->count ? bsearch(&wanted, table->items, table->count, sizeof(wanted), by_pid) : NULL;

    return found && table->related[found - table->items];
}

/* A generation more each time. What descends from us is never reached, since we are not related. */
static void find_related(struct table *table, const pid_t *heads, size_t head_count)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < table->count; i++) {
            const struct relative *item = &table->items[i];
            if (table->related[i] || item->pid == getpid())
                continue;
            table->related[i] =
                is_head(item->parent, heads, head_count) || is_of_family(table, item->parent);
            more |= table->related[i];
        }
    }
}

bool family_read(const pid_t *heads, size_t head_count, struct relative **ret, size_t *ret_count,
                 struct error *err)
{
    struct table table = {.items = NULL};
    size_t kept = 0;

    if (!read_all(&table, err)) {
        free(table.items);
        return false;
    }
    find_related(&table, heads, head_count);
    for (size_t i = 0; i < table.count; i++) {
        if (table.related[i] && !is_head(table.items[i].pid, heads, head_count))
            table.items[kept++] = table.items[i];
    }
    free(table.related);
    *ret = table.items;
    *ret_count = kept;
    return true;
}

int family_open(const struct relative *relative)
{
    char path[32];
    struct relative now;

    errno = 0;
    AUTO_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, relative->pid, 0);
    if (pidfd < 0) {
        if (errno == ESRCH || errno == EINVAL)
            errno = 0;
        return -1;
    }
    AUTO_CLOSE int all = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(path, sizeof(path), "%d", (int)relative->pid);
    if (all < 0 || !look_at(all, path, &now) || now.start_time != relative->start_time) {
        errno = 0;
        return -1;
    }
    int opened = pidfd;
    pidfd = -1;
    return opened;
}
