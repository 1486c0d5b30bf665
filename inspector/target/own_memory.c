// SPDX-License-Identifier: MIT
#include "inspector/target/own_memory.h"

#include "inspector/target/proc_status.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* The number that stands in a file alone; false where it says "max" or cannot be read. */
static bool read_number(const char *path, uint64_t *ret)
{
    char text[64], *end;

    if (proc_file_read(AT_FDCWD, path, text, sizeof(text)) <= 0)
        return false;
    *ret = strtoull(text, &end, 10);
    return end != text;
}

/* The number behind `name` in a file of such lines. */
static bool read_entry(const char *path, const char *name, uint64_t *ret)
{
    char text[8192];

    if (proc_file_read(AT_FDCWD, path, text, sizeof(text)) <= 0)
        return false;
    const char *at = strstr(text, name);
    if (!at)
        return false;
    *ret = strtoull(at + strlen(name), NULL, 10);
    return true;
}

static void lower(uint64_t *least, uint64_t limit, uint64_t used)
{
    uint64_t left = limit > used ? limit - used : 0;

    if (left < *least)
        *least = left;
}

/* Where a version of cgroups keeps what we want to know. */
struct cgroup_files {
    const char *mount, *limit, *usage;
    const char *cache; /* the entry of memory.stat for file pages that nobody would miss */
};

static const struct cgroup_files version_1 = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
                                              "memory.usage_in_bytes", "\ntotal_inactive_file "};
static const struct cgroup_files version_2 = {"/sys/fs/cgroup", "memory.max", "memory.current",
                                              "\ninactive_file "};

/* A cgroup's limit holds for those below it too. */
static void lower_by_cgroups(uint64_t *least, const struct cgroup_files *files, char *group)
{
    char path[4096 + 128];

    for (;;) {
        uint64_t most, used, cache = 0;
        snprintf(path, sizeof(path), "%s%s/%s", files->mount, group, files->limit);
        bool limited = read_number(path, &most);
        snprintf(path, sizeof(path), "%s%s/memory.stat", files->mount, group);
        if (limited)
            read_entry(path, files->cache, &cache);
        snprintf(path, sizeof(path), "%s%s/%s", files->mount, group, files->usage);
        if (limited && read_number(path, &used))
            lower(least, most, used > cache ? used - cache : 0);
        char *slash = strrchr(group, '/');
        if (!slash)
            return;
        *slash = '\0';
    }
}

/* Lines "0::/path" (version 2) and "5:memory:/path" (version 1) of /proc/self/cgroup. */
static void lower_by_our_cgroups(uint64_t *least)
{
    char text[4096], *line, *rest = text;

    if (proc_file_read(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text)) <= 0)
        return;
    while ((line = strsep(&rest, "\n"))) {
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        if (strcmp(controllers, ":") == 0)
            lower_by_cgroups(least, &version_2, group);
        else if (strcmp(controllers, ":memory") == 0)
            lower_by_cgroups(least, &version_1, group);
    }
}

uint64_t own_memory_available(void)
{
    uint64_t least = UINT64_MAX, available, size;
    struct rlimit space;

    if (read_entry("/proc/meminfo", "\nMemAvailable:", &available))
        least = available * 1024;
    lower_by_our_cgroups(&least);
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY &&
        read_entry("/proc/self/status", "\nVmSize:", &size))
        lower(&least, space.rlim_cur, size * 1024);
    return least;
}
