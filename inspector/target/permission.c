// SPDX-License-Identifier: MIT
#include "inspector/target/permission.h"

#include "inspector/target/proc_status.h"
#include "symbols/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMMAND_MAX = 4096, QUOTED_MAX = 400 };

static const char cap_add[] = "docker run --cap-add SYS_PTRACE; in Kubernetes "
                              "securityContext.capabilities.add: [\"SYS_PTRACE\"]";

enum obstacle {
    NOTHING_KNOWN, /* no CAP_SYS_PTRACE, and no reason to need it */
    YAMA_FORBIDS,  /* ptrace_scope 3 */
    SECCOMP_FILTER,
    OTHER_USER_NAMESPACE,
    SECURITY_MODULE,
    NO_NEW_PRIVILEGES,
    ROOT_WITHOUT_CAPABILITY,
    OTHER_OWNER,
    NOT_DUMPABLE,
    YAMA_CAPABLE,  /* 2 */
    YAMA_ANCESTOR, /* 1 */
};

static int open_proc(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int read_yama_scope(void)
{
    char text[16];

    if (proc_file_read(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text)) <= 0)
        return -1;
    return (int)strtol(text, NULL, 10);
}

/* /proc/PID/mem of a process that is not dumpable belongs to root, whoever runs it. */
static bool is_dumpable(int proc, long uid)
{
    struct stat status;

    return fstatat(proc, "mem", &status, 0) < 0 || (long)status.st_uid == uid;
}

static void read_label(int proc, struct permission_side *side)
{
    char *label = side->label;

    side->apparmor = proc_file_read(proc, "attr/apparmor/current", label, sizeof(side->label)) > 0;
    if (!side->apparmor && proc_file_read(proc, "attr/current", label, sizeof(side->label)) <= 0)
        *label = '\0';
    label[strcspn(label, "\n")] = '\0';
}

static void read_side(int proc, const struct proc_status *status, struct permission_side *ret)
{
    struct permission_side side = {.uid = status->uid,
                                   .capabilities = status->capabilities,
                                   .no_new_privileges = status->no_new_privileges,
                                   .seccomp = status->seccomp};

    read_label(proc, &side);
    ssize_t length =
        readlinkat(proc, "ns/user", side.user_namespace, sizeof(side.user_namespace) - 1);
    side.user_namespace[length < 0 ? 0 : length] = '\0';
    *ret = side;
}

/* A tracer is a thread: ours is not the one that getpid names. */
static bool is_ourselves(pid_t tracer)
{
    struct proc_status status;
    AUTO_CLOSE int proc = open_proc(tracer);

    return proc >= 0 && proc_status_read(proc, &status) && status.process == getpid();
}

static void read_name(pid_t pid, char *name, size_t size)
{
    struct proc_stat stat;
    AUTO_CLOSE int proc = open_proc(pid);

    snprintf(name, size, "%s", proc >= 0 && proc_stat_read(proc, &stat) ? stat.name : "");
}

bool permission_has(const struct permission_side *side, enum permission_capability capability)
{
    return side->capabilities >> capability & 1;
}

void permission_look_at_us(struct permission_facts *facts)
{
    struct proc_status status = {.uid = (long)geteuid()};
    AUTO_CLOSE int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *facts = (struct permission_facts){.yama_scope = read_yama_scope()};
    if (self >= 0)
        proc_status_read(self, &status);
    read_side(self, &status, &facts->own);
}

bool permission_look_at(int proc, struct permission_facts *facts)
{
    struct proc_status status;

    if (!proc_status_read(proc, &status))
        return false;
    read_side(proc, &status, &facts->target);
    facts->dumpable = is_dumpable(proc, status.uid);
    facts->tracer = status.tracer && !is_ourselves(status.tracer) ? status.tracer : 0;
    facts->tracer_name[0] = '\0';
    if (facts->tracer)
        read_name(facts->tracer, facts->tracer_name, sizeof(facts->tracer_name));
    AUTO_CLOSE int memory = openat(proc, "mem", O_RDONLY | O_CLOEXEC);
    facts->permitted = memory >= 0;
    return true;
}

bool permission_look(int proc, struct permission_facts *ret)
{
    struct permission_facts facts;

    permission_look_at_us(&facts);
    if (!permission_look_at(proc, &facts))
        return false;
    *ret = facts;
    return true;
}

bool permission_in_other_user_namespace(const struct permission_facts *facts)
{
    const char *own = facts->own.user_namespace, *its = facts->target.user_namespace;

    return *own && *its && strcmp(own, its) != 0;
}

static enum obstacle find_obstacle(const struct permission_facts *facts)
{
    const struct permission_side *own = &facts->own;
    bool capable = permission_has(own, PERMISSION_SYS_PTRACE);

    if (facts->yama_scope == 3)
        return YAMA_FORBIDS;
    /* What the kernel itself would let us do can still be forbidden by a filter on ourselves. */
    if (facts->permitted && own->seccomp == 2)
        return SECCOMP_FILTER;
    /* To the capable, hardly anything but a process outside of theirs hides its user namespace. */
    if (capable && (permission_in_other_user_namespace(facts) || !*facts->target.user_namespace))
        return OTHER_USER_NAMESPACE;
    if (capable)
        return SECURITY_MODULE;
    if (own->no_new_privileges)
        return NO_NEW_PRIVILEGES;
    if (own->uid == 0)
        return ROOT_WITHOUT_CAPABILITY;
    if (own->uid != facts->target.uid)
        return OTHER_OWNER;
    if (!facts->dumpable)
        return NOT_DUMPABLE;
    if (facts->yama_scope == 2)
        return YAMA_CAPABLE;
    return facts->yama_scope == 1 ? YAMA_ANCESTOR : NOTHING_KNOWN;
}

static void add_quoted(struct text *text, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_@%+=:,./-";

    if (*word && !word[strspn(word, plain)]) {
        text_add(text, word);
        return;
    }
    text_add_char(text, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            text_add(text, "'\\''");
        else
            text_add_char(text, *word);
    }
    text_add_char(text, '\'');
}

/* sudo looks for programs in a PATH of its own. */
static void add_program(struct text *text, const char *typed)
{
    char path[PATH_MAX];
    ssize_t length = strchr(typed, '/') ? -1 : readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (length > 0)
        path[length] = '\0';
    add_quoted(text, length > 0 ? path : typed);
}

void permission_add_sudo(struct text *text)
{
    char command[COMMAND_MAX];
    struct text arguments = {0};
    ssize_t length = proc_file_read(AT_FDCWD, "/proc/self/cmdline", command, sizeof(command));
    const char *end = command + (length > 0 ? length : 0);
    const char *at = command + strlen(command) + 1;

    for (; at < end; at += strlen(at) + 1) {
        text_add_char(&arguments, ' ');
        add_quoted(&arguments, at);
    }
    text_add(text, "sudo ");
    add_program(text, length > 0 ? command : program_invocation_name);
    if (arguments.failed || arguments.length > QUOTED_MAX || end == command)
        text_add(text, " ...");
    else if (arguments.length)
        text_add_bytes(text, arguments.bytes, arguments.length);
    text_free(&arguments);
}

/* AppArmor's profiles are changed by one option, SELinux's labels by another. */
static void explain_module(const struct permission_facts *facts, struct text *text)
{
    const struct permission_side *own = &facts->own;

    text_add(text, "it is refused although pyinspect has CAP_SYS_PTRACE, so a security module "
                   "protects it");
    if (*own->label || *facts->target.label)
        text_addf(text, " (%s: pyinspect is %s, the process %s)",
                  own->apparmor ? "AppArmor" : "labels", own->label, facts->target.label);
    text_addf(text, ": run pyinspect outside of any container, or start its container with %s",
              own->apparmor || !*own->label
                  ? "docker run --security-opt apparmor=unconfined --cap-add SYS_PTRACE"
                  : "docker run --security-opt label=disable --cap-add SYS_PTRACE");
}

/* What stands in the way, and after the colon what mends it. */
static void explain(const struct permission_facts *facts, struct text *text)
{
    switch (find_obstacle(facts)) {
    case YAMA_FORBIDS:
        text_add(text, "Yama's ptrace_scope is 3, which forbids it to everybody until the next "
                       "boot: have it set to 1 or less (grep -r ptrace_scope /etc/sysctl.conf "
                       "/etc/sysctl.d /usr/lib/sysctl.d) and boot again");
        return;
    case SECCOMP_FILTER:
        text_addf(text,
                  "pyinspect runs under a seccomp filter: let the container's profile allow ptrace "
                  "and process_vm_readv (%s)",
                  cap_add);
        return;
    case OTHER_USER_NAMESPACE:
        text_addf(
            text,
            "it is refused although pyinspect has CAP_SYS_PTRACE: the process lies in another "
            "user namespace%s: run pyinspect as root on the host, outside of any container",
            *facts->target.user_namespace
                ? ""
                : ", or a security module (AppArmor, SELinux) protects it");
        return;
    case SECURITY_MODULE:
        explain_module(facts, text);
        return;
    case NO_NEW_PRIVILEGES:
        text_addf(text,
                  "NoNewPrivs is set for pyinspect, so neither sudo nor file capabilities work "
                  "here: start it as root with CAP_SYS_PTRACE (a container: %s)",
                  cap_add);
        return;
    case ROOT_WITHOUT_CAPABILITY:
        text_addf(text,
                  "pyinspect runs as root but without CAP_SYS_PTRACE: give its container that "
                  "capability (%s)",
                  cap_add);
        return;
    case OTHER_OWNER:
        text_addf(text,
                  "it belongs to uid %ld and pyinspect runs as uid %ld without CAP_SYS_PTRACE",
                  facts->target.uid, facts->own.uid);
        break;
    case NOT_DUMPABLE:
        text_add(text, "it is not dumpable (it changed its user, or asked for that), which takes "
                       "CAP_SYS_PTRACE");
        break;
    case YAMA_CAPABLE:
        text_add(text, "Yama's ptrace_scope is 2, which takes CAP_SYS_PTRACE");
        break;
    case YAMA_ANCESTOR:
        text_add(text, "Yama's ptrace_scope is 1, which lets only ancestors of a process attach");
        break;
    case NOTHING_KNOWN:
        text_add(text, "CAP_SYS_PTRACE is missing");
        break;
    }
    text_add(text, ": run ");
    permission_add_sudo(text);
    if (facts->yama_scope == 1 && find_obstacle(facts) == YAMA_ANCESTOR)
        text_add(text, ", or let all processes of a user attach to each other: sudo sysctl "
                       "kernel.yama.ptrace_scope=0");
}

static const char *short_reason(enum obstacle obstacle)
{
    switch (obstacle) {
    case YAMA_FORBIDS:
        return "Yama's ptrace_scope is 3";
    case SECCOMP_FILTER:
        return "refused: pyinspect is under a seccomp filter";
    case OTHER_USER_NAMESPACE:
        return "in another user namespace, or protected";
    case SECURITY_MODULE:
        return "refused by a security module";
    case NO_NEW_PRIVILEGES:
        return "no CAP_SYS_PTRACE, and NoNewPrivs is set";
    case ROOT_WITHOUT_CAPABILITY:
        return "root without CAP_SYS_PTRACE";
    case OTHER_OWNER:
        return "belongs to uid";
    case NOT_DUMPABLE:
        return "not dumpable";
    case YAMA_CAPABLE:
        return "Yama's ptrace_scope is 2";
    case YAMA_ANCESTOR:
        return "Yama's ptrace_scope is 1";
    case NOTHING_KNOWN:
        return "CAP_SYS_PTRACE is missing";
    }
    return "";
}

void permission_add_reason(const struct permission_facts *facts, struct text *text)
{
    enum obstacle obstacle = find_obstacle(facts);

    if (!facts->permitted) {
        text_add(text, short_reason(obstacle));
        if (obstacle == OTHER_OWNER)
            text_addf(text, " %ld", facts->target.uid);
    } else if (facts->tracer) {
        text_addf(text, "traced by %s (pid %d)", facts->tracer_name, (int)facts->tracer);
    }
}

bool permission_takes_root(const struct permission_facts *facts)
{
    enum obstacle obstacle = find_obstacle(facts);

    return !facts->permitted &&
           (obstacle == OTHER_OWNER || obstacle == NOT_DUMPABLE || obstacle == YAMA_CAPABLE ||
            obstacle == YAMA_ANCESTOR || obstacle == NOTHING_KNOWN);
}

static void describe_side(const struct permission_side *side, struct text *text)
{
    static const char *const seccomp[] = {"no seccomp", "strict seccomp", "seccomp filter"};
    size_t mode = (size_t)side->seccomp;

    text_addf(text, ", %s", mode < sizeof(seccomp) / sizeof(*seccomp) ? seccomp[mode] : "seccomp");
    if (side->no_new_privileges)
        text_add(text, ", NoNewPrivs");
    if (*side->label)
        text_addf(text, ", %s %s", side->apparmor ? "AppArmor" : "label", side->label);
}

void permission_describe(const struct permission_facts *facts, struct text *text)
{
    const struct permission_side *own = &facts->own, *target = &facts->target;
    bool files = permission_has(own, PERMISSION_CHECKPOINT_RESTORE) ||
                 permission_has(own, PERMISSION_SYS_ADMIN);

    if (own->uid == 0)
        text_add(text, "root");
    else
        text_addf(text, "uid %ld", own->uid);
    text_add(text, permission_has(own, PERMISSION_SYS_PTRACE) ? " with" : " without");
    text_add(text, " CAP_SYS_PTRACE");
    if (!files)
        text_add(text, ", without CAP_CHECKPOINT_RESTORE");
    if (own->seccomp || own->no_new_privileges || *own->label)
        describe_side(own, text);
    if (facts->yama_scope < 0)
        text_add(text, "; no Yama");
    else
        text_addf(text, "; Yama's ptrace_scope %d", facts->yama_scope);
    text_addf(text, "; target: uid %ld, %s", target->uid,
              facts->dumpable ? "dumpable" : "not dumpable");
    describe_side(target, text);
    if (facts->tracer)
        text_addf(text, ", traced by %s (pid %d)", facts->tracer_name, (int)facts->tracer);
    if (!*own->user_namespace || !*target->user_namespace)
        text_add(text, "; its user namespace may not be seen");
    else
        text_addf(text, "; %s user namespace",
                  permission_in_other_user_namespace(facts) ? "another" : "same");
}

bool permission_refused(pid_t pid, int proc, const char *name, const char *what, int number,
                        struct error *err)
{
    struct permission_facts facts;
    struct text reason = {0};

    if (!permission_look(proc, &facts))
        return error_set(err, ERROR_TARGET, "cannot %s %d (%s): it has ended", what, (int)pid,
                         name);
    if (facts.tracer)
        return permission_refused_traced(pid, name, facts.tracer, err);
    if (number != EPERM && number != EACCES) {
        errno = number;
        return error_errno(err, ERROR_TARGET, "cannot %s %d (%s)", what, (int)pid, name);
    }
    explain(&facts, &reason);
    error_set(err, ERROR_TARGET, "cannot %s %d (%s): %s", what, (int)pid, name,
              reason.bytes ? reason.bytes : "not permitted");
    text_free(&reason);
    return false;
}

bool permission_refused_traced(pid_t pid, const char *name, pid_t tracer, struct error *err)
{
    char tracer_name[64];

    read_name(tracer, tracer_name, sizeof(tracer_name));
    return error_set(err, ERROR_TARGET,
                     "%d (%s) is already traced by %s (pid %d), and only one tracer is possible: "
                     "end that one, wait for it, or read the process while it runs (--no-stop)",
                     (int)pid, name, *tracer_name ? tracer_name : "unknown", (int)tracer);
}
