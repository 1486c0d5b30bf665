// SPDX-License-Identifier: MIT
#include "inspector/target/permission.h"

#include "inspector/target/proc_status.h"
#include "symbols/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SYS_PTRACE_BIT = 19 }; /* CAP_SYS_PTRACE in <linux/capability.h> */

static int yama_scope(void)
{
    char text[16];

    if (proc_file_read(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text)) <= 0)
        return 0;
    return (int)strtol(text, NULL, 10);
}

/* /proc/PID/mem of a process that is not dumpable belongs to root, whoever runs it. */
static bool is_dumpable(int proc, long uid)
{
    struct stat status;

    return fstatat(proc, "mem", &status, 0) < 0 || (long)status.st_uid == uid;
}

/* What stands in the way, and after the colon what mends it. */
static void explain(int proc, const struct proc_status *target, char *text, size_t size)
{
    struct proc_status own = {0};
    AUTO_CLOSE int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool known = self >= 0 && proc_status_read(self, &own);
    bool capable = known && own.capabilities >> SYS_PTRACE_BIT & 1;
    bool same_owner = target->uid == (long)geteuid();
    int scope = yama_scope();

    char sudo[256];

    snprintf(sudo, sizeof(sudo), "run the same command with sudo (sudo %s ...)",
             program_invocation_name);
    if (scope == 3)
        snprintf(text, size,
                 "Yama's ptrace_scope is 3, which forbids it to everybody until the next boot");
    else if (capable && own.seccomp == 2)
        snprintf(text, size,
                 "pyinspect runs under a seccomp filter: let the container's profile allow ptrace "
                 "and process_vm_readv, or start it with --cap-add SYS_PTRACE");
    else if (capable)
        snprintf(text, size,
                 "it is refused although pyinspect has CAP_SYS_PTRACE: the process lies in another "
                 "user namespace, or a security module (AppArmor, SELinux) protects it");
    else if (known && own.no_new_privileges)
        snprintf(text, size,
                 "NoNewPrivs is set for pyinspect, so neither sudo nor file capabilities work "
                 "here: start it as root with CAP_SYS_PTRACE (a container: --cap-add SYS_PTRACE)");
    else if (geteuid() == 0)
        snprintf(text, size,
                 "pyinspect runs as root but without CAP_SYS_PTRACE: give it that capability "
                 "(a container: --cap-add SYS_PTRACE)");
    else if (!same_owner)
        snprintf(text, size,
                 "it belongs to uid %ld and pyinspect runs as uid %ld without CAP_SYS_PTRACE: %s",
                 target->uid, (long)geteuid(), sudo);
    else if (!is_dumpable(proc, target->uid))
        snprintf(text, size,
                 "it is not dumpable (it changed its user, or asked for that), which takes "
                 "CAP_SYS_PTRACE: %s",
                 sudo);
    else if (scope == 2)
        snprintf(text, size, "Yama's ptrace_scope is 2, which takes CAP_SYS_PTRACE: %s", sudo);
    else if (scope == 1)
        snprintf(text, size,
                 "Yama's ptrace_scope is 1, which lets only ancestors of a process attach: %s, or "
                 "set /proc/sys/kernel/yama/ptrace_scope to 0",
                 sudo);
    else
        snprintf(text, size, "CAP_SYS_PTRACE is missing: %s", sudo);
}

/* A tracer is a thread: ours is not the one that getpid names. */
static bool is_ourselves(pid_t tracer)
{
    char path[64];
    struct proc_status status;

    snprintf(path, sizeof(path), "/proc/%d", (int)tracer);
    AUTO_CLOSE int proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return proc >= 0 && proc_status_read(proc, &status) && status.process == getpid();
}

bool permission_refused(pid_t pid, int proc, const char *name, const char *what, int number,
                        struct error *err)
{
    struct proc_status target;
    char reason[512];

    if (!proc_status_read(proc, &target))
        return error_set(err, ERROR_TARGET, "cannot %s %d (%s): it has ended", what, (int)pid,
                         name);
    if (target.tracer && !is_ourselves(target.tracer))
        return permission_refused_traced(pid, name, target.tracer, err);
    if (number != EPERM && number != EACCES) {
        errno = number;
        return error_errno(err, ERROR_TARGET, "cannot %s %d (%s)", what, (int)pid, name);
    }
    explain(proc, &target, reason, sizeof(reason));
    return error_set(err, ERROR_TARGET, "cannot %s %d (%s): %s", what, (int)pid, name, reason);
}

bool permission_refused_traced(pid_t pid, const char *name, pid_t tracer, struct error *err)
{
    char path[64];
    struct proc_stat stat = {.name = "unknown"};

    snprintf(path, sizeof(path), "/proc/%d", (int)tracer);
    AUTO_CLOSE int proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc >= 0)
        proc_stat_read(proc, &stat);
    return error_set(err, ERROR_TARGET,
                     "%d (%s) is already traced by %s (pid %d), and only one tracer is possible: "
                     "end that one, wait for it, or read the process while it runs (--no-stop)",
                     (int)pid, name, stat.name, (int)tracer);
}
