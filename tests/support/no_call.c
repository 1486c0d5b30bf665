// SPDX-License-Identifier: MIT
#include "tests/support/no_call.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Refuses a call; or, with `first` other than 0, only that first argument of it. */
static void refuse(uint32_t number, uint32_t first)
{
    const uint32_t low_half = offsetof(struct seccomp_data, args[0]);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_half),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 1, 0),
        BPF_STMT(BPF_JMP | BPF_JA, first ? 1 : 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(filter) / sizeof(*filter), .filter = filter};

    cr_assert(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    cr_assert(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

void no_call_seize(void)
{
    refuse(SYS_ptrace, PTRACE_SEIZE);
    cr_assert(ptrace(PTRACE_SEIZE, getppid(), 0, 0) < 0 && errno == EPERM);
}

void no_call_readv(void)
{
    uint64_t word = 1, copy = 0;
    struct iovec from = {&word, sizeof(word)}, to = {&copy, sizeof(copy)};

    cr_assert_eq(process_vm_readv(getpid(), &to, 1, &from, 1, 0), sizeof(word));
    refuse(SYS_process_vm_readv, 0);
    cr_assert(process_vm_readv(getpid(), &to, 1, &from, 1, 0) < 0 && errno == EPERM);
}
