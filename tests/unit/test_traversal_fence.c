// SPDX-License-Identifier: MIT
/* What a child has while a stranger's function runs in it, and where none is started. */
#include "tests/support/hostile.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct counted {
    unsigned outcomes[TRAVERSAL_SHUNNED + 1];
};

static bool count_outcome(void *context, size_t number, enum traversed outcome,
                          const uint64_t *referents, size_t count)
{
    struct counted *counted = context;

    (void)number;
    (void)referents;
    (void)count;
    counted->outcomes[outcome]++;
    return true;
}

/* One that behaves and, if asked for, one that runs until it is ended. */
static bool run(bool with_loop, struct counted *counted, struct error *err)
{
    struct hostile hostile;
    struct traversal_report report;

    hostile_init(&hostile);
    uint64_t objects[2] = {hostile_object(&hostile, HOSTILE_NOT, 1, 2, 3),
                           hostile_object(&hostile, HOSTILE_LOOP, 0, 0, 0)};
    *counted = (struct counted){0};
    bool done = traversal_run(&hostile.image, &hostile.setting, objects, with_loop ? 2 : 1,
                              count_outcome, counted, &report, err);
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
    hostile_free(&hostile);
    return done;
}

/* ---- A look at the child from outside. ---- */

struct look {
    unsigned descriptors;
    char text[3][1 << 14];
};

static bool read_text(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    ssize_t got, length = 0;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (got = read(fd, text + length, size - 1 - (size_t)length)) > 0)
        length += got;
    text[length] = '\0';
    if (fd >= 0)
        close(fd);
    return length > 0;
}

static pid_t child_of_mine(void)
{
    char text[256];

    for (int i = 0; i < 5000; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        char path[64];
        snprintf(path, sizeof(path), "task/%d/children", (int)getpid());
        if (read_text(getpid(), path, text, sizeof(text)))
            return (pid_t)strtol(text, NULL, 10);
    }
    return 0;
}

static void *look_at_child(void *context)
{
    struct look *look = context;
    pid_t child = child_of_mine();
    char path[64];

    for (int i = 0; child && i < 800; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        read_text(child, "status", look->text[0], sizeof(look->text[0]));
        if (strstr(look->text[0], "Seccomp:\t2") || strstr(look->text[0], "Seccomp:\t1"))
            break;
    }
    read_text(child, "limits", look->text[1], sizeof(look->text[1]));
    read_text(child, "maps", look->text[2], sizeof(look->text[2]));
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)child);
    DIR *list = opendir(path);
    look->descriptors = list ? 0 : 999;
    while (list && readdir(list))
        look->descriptors++;
    if (list)
        closedir(list);
    return NULL;
}

Test(traversal_fence, leaves_the_child_nothing)
{
    static struct look look;
    struct counted counted;
    struct error err;
    pthread_t thread;
    unsigned mappings = 0, writable_code = 0;

    cr_assert_eq(pthread_create(&thread, NULL, look_at_child, &look), 0);
    cr_assert(run(true, &counted, &err), "%s", err.text);
    pthread_join(thread, NULL);
    cr_expect_eq(counted.outcomes[TRAVERSAL_ENDED], 1);

    const char *status = look.text[0];
    cr_expect(strstr(status, "Seccomp:\t2") || strstr(status, "Seccomp:\t1"), "%s", status);
    cr_expect_not_null(strstr(status, "NoNewPrivs:\t1"), "%s", status);
    cr_expect_not_null(strstr(status, "CapPrm:\t0000000000000000"), "%s", status);
    cr_expect_not_null(strstr(status, "CapEff:\t0000000000000000"), "%s", status);
    cr_expect_not_null(strstr(status, "CapAmb:\t0000000000000000"), "%s", status);
    cr_expect_not_null(strstr(status, "Threads:\t1"), "%s", status);
    cr_expect_null(strstr(status, "Uid:\t0"), "it is never root: %s", status);
    if (geteuid() == 0)
        cr_expect_not_null(strstr(status, "Uid:\t65534\t65534\t65534"), "%s", status);
    if (look.descriptors != 999) /* whose are not ours to see, if we are not root */
        cr_expect_eq(look.descriptors, 2, ". and .. alone: %u", look.descriptors);
    for (char *line = look.text[2], *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        mappings += !strstr(line, "[vsyscall]");
        writable_code += strstr(line, " rwx") != NULL;
        cr_expect_null(strstr(line, "/usr"), "%s", line);
        cr_expect_null(strstr(line, "[stack]"), "%s", line);
        cr_expect_null(strstr(line, "[heap]"), "%s", line);
    }
    /* Code, state, two stacks, orders, answers; the image's text and data. */
    cr_expect_leq(mappings, 8, "%u", mappings);
    cr_expect_eq(writable_code, 0);
}

/* ---- Where system calls are refused. ---- */

static void refuse(const struct sock_filter *filter, size_t count)
{
    const struct sock_fprog program = {.len = (unsigned short)count,
                                       .filter = (struct sock_filter *)(uintptr_t)filter};

    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* The call fails with EPERM, if its first argument is that. */
static void refuse_call(uint32_t call, uint32_t argument, bool any)
{
    const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, argument, 0, any ? 0 : 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };

    refuse(filter, sizeof(filter) / sizeof(filter[0]));
}

static void expect_refusal(const char *text)
{
    struct counted counted;
    struct error err;

    cr_assert_not(run(false, &counted, &err));
    cr_expect_eq(err.kind, ERROR_SYSTEM);
    cr_expect_not_null(strstr(err.text, text), "%s", err.text);
    cr_expect_eq(counted.outcomes[TRAVERSED], 0, "nothing was run");
}

/* As in a container: strict mode cannot be had where there is a filter. */
Test(traversal_fence, runs_under_a_filter)
{
    struct counted counted;
    struct error err;

    refuse_call(SYS_acct, 0, true);
    cr_assert(run(true, &counted, &err), "%s", err.text);
    cr_expect_eq(counted.outcomes[TRAVERSED], 1);
    cr_expect_eq(counted.outcomes[TRAVERSAL_ENDED], 1);
}

Test(traversal_fence, refuses_without_seccomp)
{
    refuse_call(SYS_prctl, PR_SET_SECCOMP, false);
    expect_refusal("cannot give up all system calls");
}

Test(traversal_fence, refuses_without_code_in_memory)
{
    /* mprotect(..., PROT_READ | PROT_EXEC), as SELinux would without execmem. */
    const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };

    refuse(filter, sizeof(filter) / sizeof(filter[0]));
    expect_refusal("cannot run a program of ours in memory");
}

Test(traversal_fence, refuses_without_processes)
{
    /* As the C library forks; a leak sanitizer has to start a thread afterwards. */
    refuse_call(SYS_clone, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, false);
    expect_refusal("cannot start the child");
}

Test(traversal_fence, is_never_root)
{
    if (geteuid() != 0)
        cr_skip_test("only root can be root");
    refuse_call(SYS_setresuid, 0, true);
    expect_refusal("would stay root");
}

Test(traversal_fence, moves_nothing_but_whole_pages)
{
    struct hostile hostile;
    struct traversal_report report;
    struct counted counted = {0};
    struct error err;

    hostile_init(&hostile);
    uint64_t object = hostile_object(&hostile, HOSTILE_NOT, 1, 2, 3);
    hostile.image.ranges[1].bytes += 8;
    cr_assert_not(traversal_run(&hostile.image, &hostile.setting, &object, 1, count_outcome,
                                &counted, &report, &err));
    cr_expect_eq(err.kind, ERROR_SYSTEM);
    hostile.image.ranges[1].bytes -= 8;
    hostile_free(&hostile);
}
