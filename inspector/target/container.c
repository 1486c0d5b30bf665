// SPDX-License-Identifier: MIT
#include "inspector/target/container.h"

#include "inspector/target/proc_status.h"
#include "symbols/base/cleanup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { LONG_ID = 64, SHORT_ID = 12, CGROUP_MAX = 16384 };

/* A part of a path between two slashes. */
struct part {
    const char *at;
    size_t length;
};

static bool is(struct part part, const char *text)
{
    return part.length == strlen(text) && memcmp(part.at, text, part.length) == 0;
}

static bool take_start(struct part *part, const char *start)
{
    size_t length = strlen(start);

    if (part->length < length || memcmp(part->at, start, length) != 0)
        return false;
    part->at += length;
    part->length -= length;
    return true;
}

static bool take_end(struct part *part, const char *end)
{
    size_t length = strlen(end);

    if (part->length < length || memcmp(part->at + part->length - length, end, length) != 0)
        return false;
    part->length -= length;
    return true;
}

static bool is_long_id(const char *text)
{
    return strspn(text, "0123456789abcdef") >= LONG_ID;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* systemd writes bytes that a unit's name may not hold as \xNN. */
static void set_unit_name(struct container *container, struct part name)
{
    size_t length = 0;

    for (size_t i = 0; i < name.length && length < sizeof(container->id) - 1; i++) {
        char c = name.at[i];
        if (c == '\\' && name.length - i >= 4 && name.at[i + 1] == 'x' &&
            digit(name.at[i + 2]) >= 0 && digit(name.at[i + 3]) >= 0) {
            c = (char)(digit(name.at[i + 2]) * 16 + digit(name.at[i + 3]));
            i += 3;
        }
        container->id[length++] = c;
    }
    container->id[length] = '\0';
}

/* [PREFIX-]<64 digits>[.scope], which most runtimes use. */
static bool parse_long_id(struct container *container, struct part before, struct part part,
                          bool in_kubernetes)
{
    static const struct {
        const char *prefix, *runtime;
    } prefixes[] = {{"docker-", "docker"},
                    {"libpod-", "podman"},
                    {"cri-containerd-", "kubernetes"},
                    {"crio-", "kubernetes"},
                    {"", ""}};
    size_t i = 0;

    take_end(&part, ".scope");
    if (part.length < LONG_ID || !is_long_id(part.at + part.length - LONG_ID))
        return false;
    snprintf(container->id, sizeof(container->id), "%.*s", SHORT_ID,
             part.at + part.length - LONG_ID);
    part.length -= LONG_ID;
    while (*prefixes[i].prefix && !is(part, prefixes[i].prefix))
        i++;
    container->runtime = prefixes[i].runtime;
    if (in_kubernetes)
        container->runtime = "kubernetes";
    else if (!part.length && is(before, "docker"))
        container->runtime = "docker";
    return true;
}

static bool parse_name(struct container *container, struct part before, struct part part)
{
    bool lxc = take_start(&part, "lxc.payload.") || is(before, "lxc") || is(before, "lxc.payload");
    bool nspawn = !lxc && ((take_start(&part, "machine-") && take_end(&part, ".scope")) ||
                           (take_start(&part, "systemd-nspawn@") && take_end(&part, ".service")));

    if ((!lxc && !nspawn) || !part.length)
        return false;
    container->runtime = lxc ? "lxc" : "nspawn";
    set_unit_name(container, part);
    return true;
}

/* Of a path's parts the last one that names a container counts: they may lie in each other. */
static bool parse_path(struct container *container, const char *path, const char *end)
{
    struct part before = {path, 0};
    bool found = false, in_kubernetes = false;

    while (path < end) {
        const char *slash = memchr(path, '/', (size_t)(end - path));
        struct part part = {path, (size_t)((slash ? slash : end) - path)};
        in_kubernetes |= memmem(part.at, part.length, "kubepods", 8) != NULL;
        found |= parse_long_id(container, before, part, in_kubernetes) ||
                 parse_name(container, before, part);
        if (part.length)
            before = part;
        path = slash ? slash + 1 : end;
    }
    return found;
}

void container_parse(struct container *container, const char *cgroup)
{
    container->runtime = "";
    container->id[0] = '\0';
    for (const char *line = cgroup; *line;) {
        const char *end = strchrnul(line, '\n');
        const char *path = memchr(line, '/', (size_t)(end - line));
        if (path && parse_path(container, path, end))
            return;
        line = *end ? end + 1 : end;
    }
}

/* Only a namespace whose name can be read is known to be another one. */
static bool is_other_namespace(int proc, const char *name)
{
    char path[64], ours[64], its[64];

    snprintf(path, sizeof(path), "/proc/self/%s", name);
    ssize_t our_length = readlink(path, ours, sizeof(ours));
    ssize_t its_length = readlinkat(proc, name, its, sizeof(its));
    return our_length > 0 && its_length > 0 &&
           (our_length != its_length || memcmp(ours, its, (size_t)its_length) != 0);
}

void container_look(int proc, struct container *ret)
{
    struct container container = {.runtime = ""};
    char cgroup[CGROUP_MAX];
    struct proc_status status;

    if (proc_file_read(proc, "cgroup", cgroup, sizeof(cgroup)) > 0)
        container_parse(&container, cgroup);
    if (proc_status_read(proc, &status))
        container.inner_pid = status.inner_process;
    container.own_pid_namespace = container.inner_pid || is_other_namespace(proc, "ns/pid");
    container.own_mount_namespace = is_other_namespace(proc, "ns/mnt");
    container.own_user_namespace = is_other_namespace(proc, "ns/user");

    ssize_t length = readlinkat(proc, "root", container.root, sizeof(container.root) - 1);
    container.chroot = length > 1;
    container.root[container.chroot ? length : 0] = '\0';
    *ret = container;
}

bool container_is_any(const struct container *container)
{
    return *container->id || container->own_pid_namespace || container->own_mount_namespace ||
           container->own_user_namespace || container->chroot;
}

static void add_namespaces(const struct container *container, struct text *text)
{
    const struct {
        bool own;
        const char *name;
    } kinds[] = {{container->own_pid_namespace, "PID"},
                 {container->own_mount_namespace, "mount"},
                 {container->own_user_namespace, "user"}};
    const char *before = "own ";
    unsigned count = 0;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (!kinds[i].own)
            continue;
        text_addf(text, "%s%s", before, kinds[i].name);
        before = ", ";
        count++;
    }
    if (count)
        text_add(text, count > 1 ? " namespaces" : " namespace");
}

void container_describe(const struct container *container, struct text *text)
{
    size_t start = text->length;

    if (*container->id)
        text_addf(text, "%s %s", *container->runtime ? container->runtime : "container",
                  container->id);
    else
        add_namespaces(container, text);
    if (container->inner_pid)
        text_addf(text, " (its PID %d)", (int)container->inner_pid);
    if (container->chroot)
        text_addf(text, "%schroot %s", text->length > start ? ", " : "", container->root);
    if (text->length == start)
        text_add(text, "no container");
}
