// SPDX-License-Identifier: MIT
/*
 * container - where a process lives: in which container, and how far away from us.
 *
 * The runtime and the id come from the names of the control groups, which every process may read;
 * the rest from /proc/PID/ns and /proc/PID/root, which take the right to inspect it: without that
 * right they count as ours. Names may be anything: whoever prints them escapes them.
 */
#ifndef PYINSPECT_CONTAINER_H
#define PYINSPECT_CONTAINER_H

#include "symbols/base/text.h"

#include <sys/types.h>

struct container {
    const char *runtime; /* "docker", "kubernetes", "podman", "lxc", "nspawn"; "": unknown */
    char id[64];         /* the first 12 digits of a long one, or a name, cut; "": none is known */
    pid_t inner_pid;     /* its PID as it sees it; 0: it shares our PID namespace */
    bool own_pid_namespace, own_mount_namespace, own_user_namespace; /* other than ours */
    bool chroot;    /* its root directory lies below ours... */
    char root[256]; /* ...there, cut; else "" */
};

/*
 * Pure: sets runtime and id from the text of /proc/PID/cgroup (v1, v2 or both), to "" where it
 * names no container. Of nested ones the innermost counts.
 */
void container_parse(struct container *container, const char *cgroup);

/* `proc` is a descriptor of /proc/PID. What cannot be read is taken for ours. */
void container_look(int proc, struct container *ret);

/* Is there anything to tell? */
bool container_is_any(const struct container *container);

/* Adds one line: "docker 3f2a9c0d1e80 (its PID 1)", "own mount namespace", "chroot /srv/jail",
 * "no container". */
void container_describe(const struct container *container, struct text *text);

#endif
