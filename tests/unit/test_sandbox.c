// SPDX-License-Identifier: MIT
#include "symbols/base/clock.h"
#include "symbols/base/fence.h"
#include "symbols/base/sandbox.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t mebibyte = 1 << 20;

static struct sandbox_job job_of(sandbox_work *work, void *context, size_t result_size)
{
    return (struct sandbox_job){
        .what = "a test's file",
        .work = work,
        .context = context,
        .cpu_seconds = 5,
        .wall_milliseconds = 60000,
        .memory_bytes = 64 * mebibyte,
        .result_size = result_size,
    };
}

/* Runs what must fail as `kind` with a text that has `words` in it. No child is left. */
static void expect_failure_of(const struct sandbox_job *job, enum error_kind kind,
                              const char *words)
{
    struct error err = {0};
    char result[16];

    cr_assert_leq(job->result_size, sizeof(result));
    cr_assert_not(sandbox_run(job, result, &err));
    cr_expect_eq(err.kind, kind, "%d: %s", (int)err.kind, err.text);
    cr_expect_not_null(strstr(err.text, words), "%s", err.text);
    cr_expect(waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD);
}

static void expect_failure(sandbox_work *work, void *context, enum error_kind kind,
                           const char *words)
{
    struct sandbox_job job = job_of(work, context, 0);

    expect_failure_of(&job, kind, words);
}

static size_t count_descriptors(void)
{
    DIR *list = opendir("/proc/self/fd");
    size_t count = 0;

    cr_assert_not_null(list);
    while (readdir(list))
        count++;
    closedir(list);
    return count;
}

/* ---- What comes back. ---- */

static int global = 1;

static bool double_it(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    uint64_t *numbers = result;

    (void)sandbox;
    if (numbers[0] || numbers[9999] || (uintptr_t)result % _Alignof(max_align_t))
        return error_set(err, ERROR_SYSTEM, "the result is not zeroed, or not aligned");
    for (uint64_t i = 0; i < 10000; i++)
        numbers[i] = i * *(int *)context;
    global = *(int *)context = 7;
    return true;
}

Test(sandbox, brings_a_result_and_nothing_else)
{
    static uint64_t result[10000];
    int factor = 2;
    struct sandbox_job job = job_of(double_it, &factor, sizeof(result));
    struct error err = {0};
    size_t before = count_descriptors();

    cr_assert(sandbox_run(&job, result, &err), "%s", err.text);
    for (uint64_t i = 0; i < 10000; i++)
        cr_assert_eq(result[i], 2 * i);
    cr_expect_eq(global, 1);
    cr_expect_eq(factor, 2);
    cr_expect_eq(count_descriptors(), before);
    cr_expect(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

static bool fail_usually(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    (void)sandbox;
    (void)context;
    *(int *)result = 42;
    return error_set(err, ERROR_INPUT, "the %s is broken", "thing");
}

Test(sandbox, brings_an_error)
{
    struct sandbox_job job = job_of(fail_usually, NULL, sizeof(int));
    struct error err = {0};
    int result = 5;

    expect_failure_of(&job, ERROR_INPUT, "the thing is broken");
    cr_expect_not(sandbox_run(&job, &result, &err));
    cr_expect_eq(result, 5, "nothing is touched on failure");
}

static bool fail_wildly(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    (void)sandbox;
    (void)result;
    err->kind = *(enum error_kind *)context;
    memset(err->text, 'x', sizeof(err->text));
    return false;
}

Test(sandbox, tames_an_error)
{
    enum error_kind kinds[] = {ERROR_NONE, (enum error_kind)77, (enum error_kind) - 1};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct sandbox_job job = job_of(fail_wildly, &kinds[i], 0);
        struct error err = {0};
        cr_assert_not(sandbox_run(&job, NULL, &err));
        cr_expect_eq(err.kind, ERROR_PYTHON);
        cr_expect_eq(strnlen(err.text, sizeof(err.text)), sizeof(err.text) - 1);
    }
}

/* ---- What the child cannot do. ---- */

static int spare_descriptor; /* writable, and kept by the child */

static long try_open(void)
{
    return open("/etc/passwd", O_RDONLY);
}

static long try_stat(void)
{
    struct stat status;

    return stat("/etc/passwd", &status);
}

static long try_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static long try_execve(void)
{
    char *none[] = {NULL};

    return execve("/bin/true", none, none);
}

static long try_fork(void)
{
    return fork();
}

static long try_clone(void)
{
    return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
}

static long try_clone3(void)
{
    return syscall(SYS_clone3, NULL, 0);
}

static long try_ptrace(void)
{
    return syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
}

static long try_reading_of_others(void)
{
    return process_vm_readv(1, NULL, 0, NULL, 0, 0);
}

static long try_kill(void)
{
    return kill(1, 0);
}

static long try_tgkill(void)
{
    return syscall(SYS_tgkill, 1, 1, SIGABRT);
}

static long try_tgkill_of_itself(void)
{
    return syscall(SYS_tgkill, getpid(), gettid(), 0);
}

static long try_write(void)
{
    return write(spare_descriptor, "x", 1);
}

static long try_send(void)
{
    return send(spare_descriptor, "x", 1, 0);
}

static long try_dup(void)
{
    return fcntl(spare_descriptor, F_DUPFD, 0);
}

static long try_ioctl(void)
{
    int unread;

    return ioctl(spare_descriptor, FIONREAD, &unread);
}

static long try_executable_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? -1
               : 0;
}

static long try_making_memory_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return page == MAP_FAILED ? 0 : mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static long try_prctl(void)
{
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static const struct attempt {
    const char *name;
    long (*make)(void);
} attempts[] = {
    {"open", try_open},
    {"stat", try_stat},
    {"socket", try_socket},
    {"execve", try_execve},
    {"fork", try_fork},
    {"clone", try_clone},
    {"clone3", try_clone3},
    {"ptrace", try_ptrace},
    {"process_vm_readv", try_reading_of_others},
    {"kill", try_kill},
    {"tgkill", try_tgkill},
    {"tgkill of itself", try_tgkill_of_itself},
    {"write", try_write},
    {"send", try_send},
    {"dup", try_dup},
    {"ioctl", try_ioctl},
    {"mmap of PROT_EXEC", try_executable_memory},
    {"mprotect to PROT_EXEC", try_making_memory_executable},
    {"prctl", try_prctl},
};

enum { ATTEMPTS = sizeof(attempts) / sizeof(attempts[0]) };

static bool attempt_all(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    (void)sandbox;
    (void)context;
    (void)err;
    for (size_t i = 0; i < ATTEMPTS; i++) {
        errno = 0;
        ((int *)result)[i] = attempts[i].make() == -1 ? errno : -1;
    }
    return true;
}

Test(sandbox, permits_no_other_system_call)
{
    struct sandbox_job job = job_of(attempt_all, NULL, ATTEMPTS * sizeof(int));
    struct error err = {0};
    int results[ATTEMPTS], sockets[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    spare_descriptor = sockets[0];
    job.files = &spare_descriptor;
    job.file_count = 1;
    cr_assert(sandbox_run(&job, results, &err), "%s", err.text);
    for (size_t i = 0; i < ATTEMPTS; i++)
        cr_expect_eq(results[i], EPERM, "%s: %s", attempts[i].name, strerror(results[i]));
}

enum { LOOKED_AT = 1100 };

static bool list_descriptors(struct sandbox *sandbox, void *context, void *result,
                             struct error *err)
{
    (void)sandbox;
    (void)context;
    (void)err;
    for (int fd = 0; fd < LOOKED_AT; fd++)
        ((bool *)result)[fd] = fcntl(fd, F_GETFD) >= 0;
    return true;
}

static void expect_only_given_descriptors(void)
{
    static bool open_there[LOOKED_AT];
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC), others = 0;
    int files[] = {900, 200, 500};
    struct sandbox_job job = job_of(list_descriptors, NULL, sizeof(open_there));
    struct error err = {0};

    cr_assert_geq(null, 0);
    for (int fd = 100; fd < 1000; fd += 100)
        cr_assert_eq(dup2(null, fd), fd);
    job.files = files;
    job.file_count = 3;
    cr_assert(sandbox_run(&job, open_there, &err), "%s", err.text);
    for (int fd = 3; fd < LOOKED_AT; fd++)
        others += open_there[fd] && fd != 200 && fd != 500 && fd != 900;
    cr_expect_eq(others, 1, "only the socket");
    cr_expect(open_there[0] && open_there[1] && open_there[2]);
    cr_expect(open_there[200] && open_there[500] && open_there[900]);
}

Test(sandbox, keeps_only_given_descriptors)
{
    expect_only_given_descriptors();
}

/* ---- What the child is. ---- */

/* A context of this opener is what it counts its calls in; the place is the child's process id. */
static int open_status(void *context, unsigned place, const char *path)
{
    char name[64];

    (void)path;
    ++*(int *)context;
    snprintf(name, sizeof(name), "/proc/%u/status", place);
    return open(name, O_RDONLY | O_CLOEXEC);
}

static bool read_own_status(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    int fd = sandbox_ask(sandbox, (unsigned)getpid(), "status");

    (void)context;
    if (fd < 0)
        return error_errno(err, ERROR_SYSTEM, "cannot ask for the status");
    ssize_t size = read(fd, result, 8191);
    close(fd);
    return size > 0 || error_errno(err, ERROR_SYSTEM, "cannot read the status");
}

static void take_status(char status[8192])
{
    int calls = 0;
    struct sandbox_job job = job_of(read_own_status, NULL, 8192);
    struct error err = {0};

    job.open = open_status;
    job.open_context = &calls;
    cr_assert(sandbox_run(&job, status, &err), "%s", err.text);
    cr_expect_eq(calls, 1);
}

static void expect_line(const char *status, const char *name, const char *value)
{
    char line[256];
    const char *at;

    snprintf(line, sizeof(line), "\n%s:\t", name);
    cr_assert_not_null(at = strstr(status, line), "%s", name);
    at += strlen(line);
    cr_expect(strncmp(at, value, strlen(value)) == 0 && at[strlen(value)] == '\n', "%s: %.*s", name,
              (int)strcspn(at, "\n"), at);
}

static void expect_no_capabilities(const char *status)
{
    expect_line(status, "CapInh", "0000000000000000");
    expect_line(status, "CapPrm", "0000000000000000");
    expect_line(status, "CapEff", "0000000000000000");
    expect_line(status, "CapAmb", "0000000000000000");
    expect_line(status, "NoNewPrivs", "1");
    expect_line(status, "Seccomp", "2");
    expect_line(status, "Threads", "1");
}

Test(sandbox, leaves_no_privileges)
{
    const gid_t groups[] = {1, 2};
    char status[8192];

    if (geteuid() == 0)
        cr_assert_eq(setgroups(2, groups), 0);
    take_status(status);
    expect_no_capabilities(status);
    if (geteuid() == 0) {
        expect_line(status, "Uid", "65534\t65534\t65534\t65534");
        expect_line(status, "Gid", "65534\t65534\t65534\t65534");
        expect_line(status, "Groups", " ");
        expect_line(status, "CapBnd", "0000000000000000");
    }
}

Test(sandbox, serves_those_without_privileges)
{
    char status[8192], own[64];

    if (geteuid() == 0) {
        cr_assert_eq(setresgid(1234, 1234, 1234), 0);
        cr_assert_eq(setresuid(1234, 1234, 1234), 0);
    }
    snprintf(own, sizeof(own), "%u\t%u\t%u\t%u", geteuid(), geteuid(), geteuid(), geteuid());
    take_status(status);
    expect_no_capabilities(status);
    expect_line(status, "Uid", own);
}

/* There the change of the user is refused, and the process has every capability. */
Test(sandbox, leaves_no_privileges_in_a_user_namespace)
{
    char status[8192];

    if (unshare(CLONE_NEWUSER) != 0)
        cr_skip("no user namespace can be made here");
    take_status(status);
    expect_no_capabilities(status);
    expect_line(status, "CapBnd", "0000000000000000");
}

static void give_up_capability(unsigned which)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3];

    cr_assert_eq(syscall(SYS_capget, &header, words), 0);
    words[which / 32].effective &= ~(1U << which % 32);
    words[which / 32].permitted &= ~(1U << which % 32);
    cr_assert_eq(syscall(SYS_capset, &header, words), 0);
}

static bool sleep_for_ever(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    char byte;

    (void)sandbox;
    (void)result;
    return read(*(int *)context, &byte, 1) == 1 || error_set(err, ERROR_SYSTEM, "woken");
}

/* A reader that takes nothing from the clock's time but waits. */
static void expect_end_by_the_clock(unsigned milliseconds)
{
    int ends[2];

    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    struct sandbox_job job = job_of(sleep_for_ever, &ends[0], 0);
    job.files = &ends[0];
    job.file_count = 1;
    job.wall_milliseconds = milliseconds;
    double start = clock_milliseconds();
    expect_failure_of(&job, ERROR_PYTHON, "reading a test's file took longer than ");
    double taken = clock_milliseconds() - start;
    cr_expect(taken >= milliseconds && taken < 10000, "%.0f ms", taken);
}

Test(sandbox, ends_a_sleeping_child)
{
    expect_end_by_the_clock(300);
}

Test(sandbox, can_end_the_child_without_cap_kill)
{
    if (geteuid() == 0)
        give_up_capability(CAP_KILL);
    expect_end_by_the_clock(300);
}

/* ---- Its limits. ---- */

static bool loop(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    (void)sandbox;
    (void)context;
    (void)result;
    (void)err;
    for (volatile uint64_t i = 0; i < UINT64_MAX; i++)
        ;
    return true;
}

Test(sandbox, bounds_the_processor_time)
{
    struct sandbox_job job = job_of(loop, NULL, 0);
    struct rusage usage;

    job.cpu_seconds = 1;
    expect_failure_of(&job, ERROR_PYTHON, "s of processor time");
    cr_assert_eq(getrusage(RUSAGE_CHILDREN, &usage), 0);
    cr_expect_leq(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec, FENCE_SANITIZED ? 9 : 2);
}

static bool eat_memory(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    (void)sandbox;
    (void)context;
    for (size_t i = 0; i < 1024; i++) {
        char *block = malloc(mebibyte);
        if (!block)
            return error_memory(err);
        memset(block, 1, mebibyte);
        *(size_t *)result = i;
    }
    return true;
}

Test(sandbox, bounds_the_memory)
{
    struct sandbox_job job = job_of(eat_memory, NULL, sizeof(size_t));

    if (FENCE_SANITIZED)
        cr_skip("there is no bound under sanitizers");
    expect_failure_of(&job, ERROR_SYSTEM, "out of memory");
    job.memory_bytes = 2048 * mebibyte;
    struct error err = {0};
    size_t count = 0;
    cr_assert(sandbox_run(&job, &count, &err), "%s", err.text);
    cr_expect_eq(count, 1023);
}

static bool crash(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    int *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)sandbox;
    (void)context;
    (void)result;
    /* A sanitizer's report would end the test. */
    signal(SIGSEGV, SIG_DFL);
    *(volatile int *)page = 1;
    return error_set(err, ERROR_SYSTEM, "still here");
}

static bool give_up(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    (void)sandbox;
    (void)context;
    (void)result;
    (void)err;
    abort();
}

static bool leave(struct sandbox *sandbox, void *context, void *result, struct error *err)
{
    (void)sandbox;
    (void)context;
    (void)result;
    (void)err;
    _exit(0);
}

Test(sandbox, tells_how_the_child_ended)
{
    expect_failure(crash, NULL, ERROR_PYTHON,
                   "reading a test's file: the reader was ended by signal SIGSEGV");
    expect_failure(give_up, NULL, ERROR_PYTHON, "the reader was ended by signal SIGABRT");
    expect_failure(leave, NULL, ERROR_PYTHON, "the reader ended with the status 0");
}
