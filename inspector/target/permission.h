// SPDX-License-Identifier: MIT
/*
 * permission - whether the kernel lets us look into a process, why not, and what would mend it.
 *
 * All explanations, long and short, come from one set of facts.
 */
#ifndef PYINSPECT_PERMISSION_H
#define PYINSPECT_PERMISSION_H

#include "symbols/base/error.h"
#include "symbols/base/text.h"

#include <stdint.h>
#include <sys/types.h>

/* What matters of us, and of the process. */
struct permission_side {
    long uid;                /* effective; -1: unknown */
    uint64_t capabilities;   /* effective ones; see permission_has */
    bool no_new_privileges;  /* sudo and file capabilities do not work */
    int seccomp;             /* 0: none, 1: strict, 2: filter */
    bool apparmor;           /* whose label it is: AppArmor's, or another module's */
    char label[128];         /* "unconfined", "docker-default (enforce)", any bytes; "": none */
    char user_namespace[32]; /* "user:[4026531837]"; "": it may not be read */
};

struct permission_facts {
    struct permission_side own, target;
    int yama_scope;       /* Yama's ptrace_scope; -1: there is no Yama */
    bool dumpable;        /* of a process of uid 0 it cannot be told: then true */
    pid_t tracer;         /* 0: nobody, or ourselves */
    char tracer_name[64]; /* any bytes; "": unknown */
    bool permitted;       /* the kernel lets us open its memory, which asks for the same right as to
                           * attach; a seccomp filter on ourselves or a tracer may still be in the way */
};

/* These matter: the first to attach, one of the others to open deleted files (map_files). */
enum permission_capability {
    PERMISSION_SYS_PTRACE = 19, /* the numbers of <linux/capability.h> */
    PERMISSION_SYS_ADMIN = 21,
    PERMISSION_CHECKPOINT_RESTORE = 40
};
bool permission_has(const struct permission_side *side, enum permission_capability capability);

/* `proc` is a descriptor of /proc/PID or /proc/PID/task/TID. False: the process is gone. Nothing
 * is attached to, and no memory is read. */
MUST_CHECK bool permission_look(int proc, struct permission_facts *ret);

/* The same for many processes: first what is ours, then, over it, what is the one's or other's. */
void permission_look_at_us(struct permission_facts *facts);
MUST_CHECK bool permission_look_at(int proc, struct permission_facts *facts);

/* Adds one line: "root with CAP_SYS_PTRACE; no Yama; target: uid 1000, dumpable, no seccomp,
 * AppArmor unconfined; same user namespace". */
void permission_describe(const struct permission_facts *facts, struct text *text);

/* Adds in a few words what stands in the way ("it belongs to uid 1000", "traced by gdb (pid 12)");
 * nothing where nothing does. */
void permission_add_reason(const struct permission_facts *facts, struct text *text);

/* Is it another user namespace than ours? False where that may not be seen. */
bool permission_in_other_user_namespace(const struct permission_facts *facts);

/* Would root be permitted what we are not? */
bool permission_takes_root(const struct permission_facts *facts);

/* Adds "sudo " and our own command line, quoted for a shell, to be run again: "sudo
 * /opt/bin/pyinspect attach 4711"; with "..." for arguments that are too long for a message. */
void permission_add_sudo(struct text *text);

/*
 * Sets ERROR_TARGET with one line that names what stands in the way of `what` ("attach to", "read
 * the memory of"), as found, and the command that mends it: the owner and the missing
 * CAP_SYS_PTRACE, a process that is not dumpable, Yama's ptrace_scope, NoNewPrivs or a seccomp
 * filter on ourselves, a user namespace, a security module. `proc` is as above, `number` the errno
 * of the refusal. Returns false.
 */
bool permission_refused(pid_t pid, int proc, const char *name, const char *what, int number,
                        struct error *err);

/* The same for a process that `tracer` holds already. */
bool permission_refused_traced(pid_t pid, const char *name, pid_t tracer, struct error *err);

#endif
