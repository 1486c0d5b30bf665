// SPDX-License-Identifier: MIT
#include "inspector/sandbox/child.h"

#include "symbols/base/clock.h"
#include "symbols/base/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CPU_SECONDS = 3600, /* whatever becomes of us; while we are there it is watched */
    RSEQ_UNREGISTER = 1,
    RSEQ_SIGNATURE = 0x53053053,
    RSEQ_LEAST = 32,
    RSEQ_MOST = 1024,
};
/* To be fenced and sealed. A copy of ten gigabytes takes about a second. */
static const double most_milliseconds_to_start = 120e3;

/* Of the C library, where it is one that registers itself with the kernel. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));

bool shared_map(struct shared *ret, struct error *err)
{
    const int protection = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_ANONYMOUS;
    void *orders = mmap(NULL, sizeof(struct orders), protection, flags, -1, 0);
    void *answers = mmap(NULL, sizeof(struct answers), protection, flags, -1, 0);

    *ret = (struct shared){.orders = orders == MAP_FAILED ? NULL : orders,
                           .answers = answers == MAP_FAILED ? NULL : answers};
    if (ret->orders && ret->answers)
        return true;
    shared_unmap(ret);
    return error_memory(err);
}

void shared_unmap(struct shared *shared)
{
    if (shared->orders)
        munmap(shared->orders, sizeof(struct orders));
    if (shared->answers)
        munmap(shared->answers, sizeof(struct answers));
    *shared = (struct shared){0};
}

/* ---- In the child: nothing here comes back. ---- */

static void note_step(const struct shared *shared, enum resident_step step)
{
    __atomic_store_n(&shared->answers->step, (uint64_t)step, __ATOMIC_RELEASE);
}

static _Noreturn void give_up(const struct shared *shared)
{
    __atomic_store_n(&shared->answers->call_error, (uint64_t)errno, __ATOMIC_RELEASE);
    _exit(1);
}

static void move(const struct shared *shared, const void *from, uint64_t size, uint64_t to)
{
    if (mremap((void *)(uintptr_t)from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
               (void *)(uintptr_t)to) == MAP_FAILED)
        give_up(shared);
}

static void *map_at(const struct shared *shared, uint64_t at, uint64_t size)
{
    void *mapped = mmap((void *)(uintptr_t)at, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

    if (mapped != MAP_FAILED && (uintptr_t)mapped != at)
        errno = EEXIST; /* the kernel knows nothing of MAP_FIXED_NOREPLACE */
    if ((uintptr_t)mapped != at)
        give_up(shared);
    return mapped;
}

/*
 * What the kernel would write to in our memory, which will be another's: the C library's
 * restartable sequences, its list of mutexes, its thread's number.
 */
static void forget_library(void)
{
    if (&__rseq_offset) {
        uintptr_t at = (uintptr_t)__builtin_thread_pointer() + (uintptr_t)__rseq_offset;
        for (unsigned size = RSEQ_LEAST; size <= RSEQ_MOST; size += 4) {
            if (syscall(SYS_rseq, at, size, RSEQ_UNREGISTER, RSEQ_SIGNATURE) == 0)
                break;
        }
    }
    syscall(SYS_set_robust_list, NULL, 3 * sizeof(void *));
    syscall(SYS_set_tid_address, NULL);
}

/* Whoever is short of memory takes it from this one first. */
static void offer_to_be_killed(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd >= 0) {
        ssize_t written = write(fd, "1000", 4);
        (void)written;
        close(fd);
    }
}

static void stage(const struct site *site, const struct shared *shared)
{
    const struct resident_plan *plan = site->plan;

    for (uint64_t i = 0; i < plan->range_count; i++)
        move(shared, (const void *)plan->ranges[i].source, plan->ranges[i].size,
             plan->ranges[i].staged);
}

static _Noreturn void enter(const struct site *site, const struct shared *shared)
{
    const uint64_t at = site->plan->site;
    struct shared own = *shared;

    void *code = map_at(&own, at, RESIDENT_CODE_SIZE);
    memcpy(code, resident_program, resident_program_size);
    if (mprotect(code, RESIDENT_CODE_SIZE, PROT_READ | PROT_EXEC) != 0)
        give_up(&own);
    map_at(&own, at + RESIDENT_STATE_AT, RESIDENT_STATE_SIZE);
    map_at(&own, at + RESIDENT_STACK_AT, RESIDENT_STACK_SIZE);
    map_at(&own, at + RESIDENT_ALTERNATE_AT, RESIDENT_ALTERNATE_SIZE);
    move(&own, own.answers, sizeof(*own.answers), at + RESIDENT_ANSWERS_AT);
    own.answers = (struct answers *)(uintptr_t)(at + RESIDENT_ANSWERS_AT);
    if (mprotect(own.orders, sizeof(*own.orders), PROT_READ) != 0)
        give_up(&own);
    move(&own, own.orders, sizeof(*own.orders), at + RESIDENT_ORDERS_AT);
    move(&own, site->plan, site->size, at + RESIDENT_PLAN_AT);
#if defined(__x86_64__)
    __asm__ volatile("mov %0, %%rsp\n"
                     "xor %%ebp, %%ebp\n"
                     "jmp *%1\n"
                     :
                     : "r"(at + RESIDENT_STACK_AT + RESIDENT_STACK_SIZE), "r"(at),
                       "D"(at + RESIDENT_PLAN_AT)
                     : "memory");
#endif
    __builtin_unreachable();
}

static _Noreturn void become_resident(const struct fence *fence, const struct site *site,
                                      const struct shared *shared)
{
    offer_to_be_killed();
    if (!fence_strip(fence, &shared->answers->error))
        _exit(1);
    syscall(SYS_close_range, 0, ~0U, 0); /* under a sanitizer one was left */
    note_step(shared, RESIDENT_FENCED);
    stage(site, shared);
    forget_library();
    note_step(shared, RESIDENT_STAGED);
    enter(site, shared);
}

/* ---- With us. ---- */

static pid_t fork_child(const struct site *site, const struct shared *shared)
{
    const struct fence fence = {.what = "the child that runs the target's code",
                                .master = getpid(),
                                .socket = -1,
                                .cpu_seconds = CPU_SECONDS,
                                .never_root = true};
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        become_resident(&fence, site, shared);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

static enum resident_step step_of(const struct shared *shared)
{
    uint64_t step = __atomic_load_n(&shared->answers->step, __ATOMIC_ACQUIRE);

    return step > RESIDENT_IDLE ? RESIDENT_IDLE : (enum resident_step)step;
}

static bool explain(const struct shared *shared, struct error *err)
{
    static const char *const failed[] = {
        [RESIDENT_BEGUN] = "be fenced in",
        [RESIDENT_FENCED] = "have the copy of the target's memory",
        [RESIDENT_STAGED] = "run a program of ours in memory",
        [RESIDENT_ENTERED] = "give up our memory",
        [RESIDENT_UNMAPPED] = "have the target's memory where it was",
        [RESIDENT_MOVED] = "run the target's code, or have so many mappings",
        [RESIDENT_PROTECTED] = "give up all system calls",
    };
    const char *what = "the child that would run the target's code";
    enum resident_step step = step_of(shared);
    uint64_t number = shared->answers->call_error;

    if (step == RESIDENT_BEGUN && shared->answers->error.kind == ERROR_SYSTEM) {
        *err = shared->answers->error;
        err->text[sizeof(err->text) - 1] = '\0';
        return error_context(err, "the target's code cannot be run here");
    }
    if (step >= RESIDENT_SEALED || number == 0 || number > 4095)
        return error_set(err, ERROR_SYSTEM, "%s ended early", what);
    errno = (int)number;
    return error_errno(err, ERROR_SYSTEM, "%s cannot %s here", what, failed[step]);
}

bool child_has_ended(const struct child *child, double milliseconds)
{
    struct pollfd poll_for = {.fd = child->pidfd, .events = POLLIN};
    struct timespec time = clock_timespec(milliseconds);

    return ppoll(&poll_for, 1, &time, NULL) > 0;
}

double child_used(const struct child *child)
{
    struct timespec used;

    if (clock_gettime(child->clock, &used) != 0)
        return 0;
    return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

void child_end(struct child *child)
{
    int status;

    if (syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0) != 0)
        kill(child->pid, SIGKILL); /* not waited for yet, so it is still that one */
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(child->pidfd);
    *child = (struct child){.pidfd = -1};
}

static bool await_seal(const struct child *child, const struct shared *shared)
{
    const double deadline = clock_milliseconds() + most_milliseconds_to_start;

    while (step_of(shared) < RESIDENT_SEALED) {
        if (child_has_ended(child, 0.1) || clock_milliseconds() > deadline)
            return step_of(shared) >= RESIDENT_SEALED;
    }
    return true;
}

bool child_start(struct child *ret, const struct site *site, const struct shared *shared,
                 struct error *err)
{
    struct child child = {.pidfd = -1};

    if (resident_program_size == 0)
        return error_set(err, ERROR_SYSTEM, "the target's code is run on x86-64 alone");
    memset(shared->answers, 0, offsetof(struct answers, ends));
    child.pid = fork_child(site, shared);
    if (child.pid < 0)
        return error_errno(err, ERROR_SYSTEM, "cannot start the child that runs the target's code");
    child.pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
    if (child.pidfd < 0) {
        error_errno(err, ERROR_SYSTEM, "cannot hold the child that runs the target's code");
        kill(child.pid, SIGKILL);
        waitpid(child.pid, NULL, 0);
        return false;
    }
    clock_getcpuclockid(child.pid, &child.clock);
    if (!await_seal(&child, shared)) {
        explain(shared, err);
        child_end(&child);
        return false;
    }
    *ret = child;
    return true;
}
