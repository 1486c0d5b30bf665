// SPDX-License-Identifier: MIT
#include "symbols/base/fence.h"

#include "symbols/base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifdef FENCE_HAS_SANITIZER
#include <sanitizer/common_interface_defs.h>

/* A report can open no files: not its log, nor the list of what is mapped where. */
static void sanitizer_prepare(void)
{
    __sanitizer_sandbox_arguments none = {0};

    __sanitizer_sandbox_on_notify(&none);
    __sanitizer_set_report_fd((void *)2);
}
#else
static void sanitizer_prepare(void)
{
}
#endif

enum {
    NOBODY = 65534,
    FILES_MAX = 64,
    REPORTS = 2, /* where a sanitizer writes to */
};

static bool is_kept(const struct fence *fence, int fd)
{
    if (fd == fence->socket || (FENCE_SANITIZED && fd == REPORTS))
        return true;
    for (size_t i = 0; i < fence->file_count; i++) {
        if (fence->files[i] == fd)
            return true;
    }
    return false;
}

/* What a library prints to these numbers must not meet a file that was opened later. */
static void swallow_standard_streams(const struct fence *fence)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; fd <= 2; fd++) {
        if (is_kept(fence, fd) || fd == null)
            continue;
        if (null < 0)
            close(fd);
        else
            dup2(null, fd);
    }
}

static bool close_listed(const struct fence *fence, int first)
{
    DIR *list = opendir("/proc/self/fd");
    const struct dirent *entry;

    if (!list)
        return false;
    while ((entry = readdir(list))) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (fd >= first && fd != dirfd(list) && !is_kept(fence, fd))
            close(fd);
    }
    closedir(list);
    return true;
}

/* Kernels before 5.9, and some sandboxes around us, know nothing of close_range(). */
static bool close_others(const struct fence *fence)
{
    unsigned first = 3;

    swallow_standard_streams(fence);
    while (first <= INT_MAX) {
        unsigned kept = (unsigned)INT_MAX + 1;
        for (size_t i = 0; i <= fence->file_count; i++) {
            int fd = i ? fence->files[i - 1] : fence->socket;
            if (fd >= 0 && (unsigned)fd >= first && (unsigned)fd < kept)
                kept = (unsigned)fd;
        }
        if (kept > first && syscall(SYS_close_range, first, kept - 1, 0) != 0)
            return close_listed(fence, 3);
        first = kept + 1;
    }
    return true;
}

/* What a sanitizer makes a report of. */
static bool is_reported(int signal)
{
    return FENCE_SANITIZED && (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE);
}

/* A terminal's keys reach us alone, and so does what we do about them. */
static void forget_signals(void)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;

    setpgid(0, 0);
    for (int signal = 1; signal < NSIG; signal++) {
        if (!is_reported(signal))
            sigaction(signal, &usual, NULL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

struct capabilities {
    struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3];
};

static bool capabilities_read(struct capabilities *ret)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

    return syscall(SYS_capget, &header, ret->words) == 0;
}

static bool has_capability(const struct capabilities *capabilities, unsigned which)
{
    return capabilities->words[which / 32].effective >> which % 32 & 1;
}

/* False where some are left. */
static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct capabilities none = {0}, left;

    if (syscall(SYS_capset, &header, none.words) != 0 || !capabilities_read(&left))
        return false;
    errno = EPERM;
    return memcmp(&left, &none, sizeof(left)) == 0;
}

/* As far as it goes: a user namespace may have no such user. */
static bool become_nobody(void)
{
    bool grouped = setgroups(0, NULL) == 0;

    grouped = setresgid(NOBODY, NOBODY, NOBODY) == 0 && grouped;
    return setresuid(NOBODY, NOBODY, NOBODY) == 0 && grouped;
}

/* Without CAP_KILL our master could not end what belongs to another user. Whoever the child belongs
 * to, it has no capabilities. */
static bool drop_privileges(const struct capabilities *ours, struct error *err)
{
    for (unsigned long i = 0; prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0; i++)
        ;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (has_capability(ours, CAP_SETUID) && has_capability(ours, CAP_KILL))
        become_nobody();
    if (!drop_capabilities())
        return error_errno(err, ERROR_SYSTEM, "cannot give up our capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return error_errno(err, ERROR_SYSTEM, "cannot give up our privileges");
    return true;
}

/* What is lower already stays so. */
static bool limit(__rlimit_resource_t resource, uint64_t soft, uint64_t hard)
{
    struct rlimit limits;

    if (getrlimit(resource, &limits) != 0)
        return false;
    if (limits.rlim_max > hard)
        limits.rlim_max = hard;
    if (limits.rlim_cur > soft)
        limits.rlim_cur = soft;
    return setrlimit(resource, &limits) == 0;
}

static bool limit_memory(uint64_t more)
{
    unsigned long long pages;
    uint64_t size;

    if (!more)
        return true;
    AUTO_FCLOSE FILE *file = fopen("/proc/self/statm", "re");

    if (!file || fscanf(file, "%llu", &pages) != 1)
        return false;
    if (__builtin_mul_overflow(pages, (uint64_t)sysconf(_SC_PAGESIZE), &size) ||
        __builtin_add_overflow(size, more, &size))
        return true;
    return limit(RLIMIT_AS, size, size);
}

static bool set_limits(const struct fence *fence, struct error *err)
{
    const uint64_t seconds = fence->cpu_seconds;

    limit(RLIMIT_NPROC, 0, 0);
    if (!(FENCE_SANITIZED || limit_memory(fence->memory_bytes)) ||
        !limit(RLIMIT_CPU, seconds, seconds + 1) || !limit(RLIMIT_FSIZE, 0, 0) ||
        !limit(RLIMIT_CORE, 0, 0) || !limit(RLIMIT_NOFILE, FILES_MAX, FILES_MAX))
        return error_errno(err, ERROR_SYSTEM, "cannot set the limits of the reader");
    return true;
}

struct rule {
    int call;
    unsigned count; /* of conditions */
    struct scmp_arg_cmp conditions[2];
};

static int add_rules(scmp_filter_ctx filter, const struct rule *rules, size_t count)
{
    int status = 0;

    for (size_t i = 0; i < count && status == 0; i++)
        status = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].call, rules[i].count,
                                        rules[i].conditions);
    return status;
}

static int allow_reading(scmp_filter_ctx filter)
{
    static const struct rule rules[] = {
        {.call = SCMP_SYS(read)},
        {.call = SCMP_SYS(pread64)},
        {.call = SCMP_SYS(readv)},
        {.call = SCMP_SYS(lseek)},
        {.call = SCMP_SYS(fstat)},
        {SCMP_SYS(newfstatat), 1, {{.arg = 3, .op = SCMP_CMP_EQ, .datum_a = AT_EMPTY_PATH}}},
        {SCMP_SYS(fcntl), 1, {{.arg = 1, .op = SCMP_CMP_EQ, .datum_a = F_GETFD}}},
        {.call = SCMP_SYS(close)},
        {.call = SCMP_SYS(brk)},
        {SCMP_SYS(mmap), 1, {{.arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC}}},
        {SCMP_SYS(mprotect), 1, {{.arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC}}},
        {.call = SCMP_SYS(mremap)},
        {.call = SCMP_SYS(munmap)},
        {.call = SCMP_SYS(madvise)},
        {.call = SCMP_SYS(futex)},
        {.call = SCMP_SYS(clock_gettime)},
        {.call = SCMP_SYS(sysinfo)}, /* qsort() asks how much memory there is */
        {.call = SCMP_SYS(getpid)},
        {.call = SCMP_SYS(gettid)},
        {.call = SCMP_SYS(rt_sigreturn)},
        {.call = SCMP_SYS(exit)},
        {.call = SCMP_SYS(exit_group)},
    };

    return add_rules(filter, rules, sizeof(rules) / sizeof(rules[0]));
}

/* sendto() and not sendmsg(): it passes no descriptors to us. */
static int allow_asking_and_aborting(scmp_filter_ctx filter, int socket)
{
    const struct scmp_arg_cmp its_socket = {0, SCMP_CMP_EQ, (scmp_datum_t)socket, 0};
    const struct scmp_arg_cmp itself = {0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0};
    const struct rule rules[] = {
        {SCMP_SYS(sendto), 1, {its_socket}},
        {SCMP_SYS(recvmsg), 1, {its_socket}},
        {SCMP_SYS(tgkill), 2, {itself, {.arg = 2, .op = SCMP_CMP_EQ, .datum_a = SIGABRT}}},
    };

    return add_rules(filter, rules, sizeof(rules) / sizeof(rules[0]));
}

static int allow_reports(scmp_filter_ctx filter)
{
    static const struct rule rules[] = {
        {SCMP_SYS(write), 1, {{.arg = 0, .op = SCMP_CMP_EQ, .datum_a = REPORTS}}},
        {.call = SCMP_SYS(rt_sigaction)},
        {.call = SCMP_SYS(rt_sigprocmask)},
        {.call = SCMP_SYS(sigaltstack)},
        {.call = SCMP_SYS(sched_yield)},
    };

    return FENCE_SANITIZED ? add_rules(filter, rules, sizeof(rules) / sizeof(rules[0])) : 0;
}

static int load_filter(int socket)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int status;

    if (!filter)
        return -ENOMEM;
    if ((status = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1)) == 0 &&
        (status = allow_reading(filter)) == 0 &&
        (status = allow_asking_and_aborting(filter, socket)) == 0 &&
        (status = allow_reports(filter)) == 0)
        status = seccomp_load(filter);
    seccomp_release(filter);
    return status;
}

static bool fence_system_calls(const struct fence *fence, bool privileged, struct error *err)
{
    int status = load_filter(fence->socket);

    if (status == 0 || !privileged)
        return true;
    errno = -status;
    return error_errno(err, ERROR_SYSTEM,
                       "%s is not read: with our privileges a stranger's files are read only where "
                       "seccomp keeps the reader from everything else, and it cannot be used here",
                       fence->what);
}

static bool is_root(void)
{
    uid_t real, effective, saved;

    return getresuid(&real, &effective, &saved) != 0 || real == 0 || effective == 0 || saved == 0;
}

/* In this order: each step takes what the next ones do not need. */
static bool strip(const struct fence *fence, bool *ret_privileged, struct error *err)
{
    struct capabilities ours;

    forget_signals();
    sanitizer_prepare();
    if (!close_others(fence))
        return error_errno(err, ERROR_SYSTEM, "cannot close the files of the reader");
    if (!capabilities_read(&ours))
        return error_errno(err, ERROR_SYSTEM, "cannot tell our own capabilities");
    *ret_privileged = geteuid() == 0 || has_capability(&ours, CAP_SYS_PTRACE);
    if (!drop_privileges(&ours, err))
        return false;
    if (fence->never_root && is_root())
        return error_set(err, ERROR_SYSTEM,
                         "%s would stay root, since the kernel gives it no other user",
                         fence->what);
    /* A change of the user would undo it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != fence->master)
        _exit(0);
    return set_limits(fence, err);
}

bool fence_strip(const struct fence *fence, struct error *err)
{
    bool privileged;

    return strip(fence, &privileged, err);
}

bool fence_raise(const struct fence *fence, struct error *err)
{
    bool privileged;

    return strip(fence, &privileged, err) && fence_system_calls(fence, privileged, err);
}
