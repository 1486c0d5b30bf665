// SPDX-License-Identifier: MIT
/* What is said of the facts about a permission. */
#include "inspector/target/permission.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define CAPABLE (UINT64_C(1) << PERMISSION_SYS_PTRACE | UINT64_C(1) << PERMISSION_SYS_ADMIN)
#define OURS .user_namespace = "user:[1]"
#define OTHERS .user_namespace = "user:[2]"

struct saying {
    struct permission_facts facts;
    const char *description, *reason;
    bool takes_root;
};

/* clang-format off */
static const struct saying sayings[] = {
    {{.own = {.uid = 0, .capabilities = CAPABLE, OURS},
      .target = {.uid = 1000, OURS, .label = "unconfined", .apparmor = true},
      .yama_scope = -1, .dumpable = true, .permitted = true},
     "root with CAP_SYS_PTRACE; no Yama; target: uid 1000, dumpable, no seccomp, AppArmor "
     "unconfined; same user namespace", "", false},
    {{.own = {.uid = 1000, OURS}, .target = {.uid = 1000, OURS}, .yama_scope = 1, .dumpable = true},
     "uid 1000 without CAP_SYS_PTRACE, without CAP_CHECKPOINT_RESTORE; Yama's ptrace_scope 1; "
     "target: uid 1000, dumpable, no seccomp; same user namespace",
     "Yama's ptrace_scope is 1", true},
    {{.own = {.uid = 1000, OURS}, .target = {.uid = 1000, OURS}, .yama_scope = 2, .dumpable = true},
     NULL, "Yama's ptrace_scope is 2", true},
    {{.own = {.uid = 0, .capabilities = CAPABLE, OURS}, .target = {OURS}, .yama_scope = 3,
      .dumpable = true},
     NULL, "Yama's ptrace_scope is 3", false},
    {{.own = {.uid = 1000, OURS}, .target = {.uid = 33}, .dumpable = true},
     "uid 1000 without CAP_SYS_PTRACE, without CAP_CHECKPOINT_RESTORE; Yama's ptrace_scope 0; "
     "target: uid 33, dumpable, no seccomp; its user namespace may not be seen",
     "belongs to uid 33", true},
    {{.own = {.uid = 1000, OURS}, .target = {.uid = 1000}, .yama_scope = 1},
     NULL, "not dumpable", true},
    {{.own = {.uid = 1000, OURS, .no_new_privileges = true}, .target = {.uid = 33},
      .dumpable = true},
     NULL, "no CAP_SYS_PTRACE, and NoNewPrivs is set", false},
    {{.own = {.uid = 0, OURS, .seccomp = 2, .label = "docker-default (enforce)", .apparmor = true},
      .target = {.uid = 0, OURS, .seccomp = 2, .no_new_privileges = true}, .dumpable = true},
     "root without CAP_SYS_PTRACE, without CAP_CHECKPOINT_RESTORE, seccomp filter, AppArmor "
     "docker-default (enforce); Yama's ptrace_scope 0; target: uid 0, dumpable, seccomp filter, "
     "NoNewPrivs; same user namespace",
     "root without CAP_SYS_PTRACE", false},
    {{.own = {.uid = 0, .capabilities = CAPABLE, OURS}, .target = {.uid = 0, OTHERS},
      .yama_scope = -1},
     "root with CAP_SYS_PTRACE; no Yama; target: uid 0, not dumpable, no seccomp; another user "
     "namespace",
     "in another user namespace, or protected", false},
    {{.own = {.uid = 0, .capabilities = CAPABLE, OURS}, .target = {.uid = 0, OURS, .label = "t"},
      .yama_scope = -1, .dumpable = true},
     "root with CAP_SYS_PTRACE; no Yama; target: uid 0, dumpable, no seccomp, label t; same user "
     "namespace",
     "refused by a security module", false},
    {{.own = {.uid = 1000, OURS}, .target = {.uid = 1000, OURS}, .dumpable = true,
      .permitted = true, .tracer = 12, .tracer_name = "gdb"},
     "uid 1000 without CAP_SYS_PTRACE, without CAP_CHECKPOINT_RESTORE; Yama's ptrace_scope 0; "
     "target: uid 1000, dumpable, no seccomp, traced by gdb (pid 12); same user namespace",
     "traced by gdb (pid 12)", false},
    {{.own = {.uid = 1000, OURS}, .target = {.uid = 1000, OURS}, .dumpable = true},
     NULL, "CAP_SYS_PTRACE is missing", true},
};
/* clang-format on */

Test(permission, sayings)
{
    for (size_t i = 0; i < sizeof(sayings) / sizeof(*sayings); i++) {
        struct text text = {0};

        permission_describe(&sayings[i].facts, &text);
        if (sayings[i].description)
            cr_expect_str_eq(text.bytes, sayings[i].description);
        text_clear(&text);
        permission_add_reason(&sayings[i].facts, &text);
        cr_expect_str_eq(text.length ? text.bytes : "", sayings[i].reason, "%zu: %s", i,
                         text.bytes);
        cr_expect_eq(permission_takes_root(&sayings[i].facts), sayings[i].takes_root, "%zu", i);
        text_free(&text);
    }
}

Test(permission, of_ourselves)
{
    struct permission_facts facts;
    int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    cr_assert(permission_look(proc, &facts));
    cr_expect(facts.permitted && facts.dumpable);
    cr_expect_eq(facts.own.uid, (long)geteuid());
    cr_expect_eq(facts.target.uid, facts.own.uid);
    cr_expect_eq(facts.target.capabilities, facts.own.capabilities);
    cr_expect_str_eq(facts.target.user_namespace, facts.own.user_namespace);
    cr_expect_eq(strncmp(facts.own.user_namespace, "user:[", 6), 0);
    cr_expect_not(facts.own.no_new_privileges);
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert(permission_look(proc, &facts));
    cr_expect(facts.own.no_new_privileges && facts.target.no_new_privileges);
    close(proc);
}

/* Of a directory that looks like another process's. */
Test(permission, of_another_process)
{
    struct permission_facts facts;
    struct scratch scratch;
    char status[256];

    scratch_make(&scratch);
    cr_expect_not(permission_look(scratch.fd, &facts), "there is no status: it has ended");
    scratch_run(&scratch, "mkdir -p attr/apparmor ns && ln -s 'user:[1]' ns/user && "
                          "echo 'web (enforce)' > attr/apparmor/current");
    snprintf(status, sizeof(status),
             "Name:\tx\nTgid:\t4711\nTracerPid:\t%d\nUid:\t7\t%d\t7\t7\n"
             "CapEff:\t0000010000080000\nNoNewPrivs:\t1\nSeccomp:\t2\n",
             (int)getppid(), (int)geteuid() + 1);
    scratch_write(&scratch, "status", status);
    cr_assert(permission_look(scratch.fd, &facts));
    cr_expect_eq(facts.target.uid, (long)geteuid() + 1);
    cr_expect(permission_has(&facts.target, PERMISSION_SYS_PTRACE));
    cr_expect(permission_has(&facts.target, PERMISSION_CHECKPOINT_RESTORE));
    cr_expect_not(permission_has(&facts.target, PERMISSION_SYS_ADMIN));
    cr_expect(facts.target.no_new_privileges && facts.target.apparmor);
    cr_expect_eq(facts.target.seccomp, 2);
    cr_expect_str_eq(facts.target.label, "web (enforce)");
    cr_expect_str_eq(facts.target.user_namespace, "user:[1]");
    cr_expect_eq(facts.tracer, getppid());
    cr_expect_str_not_empty(facts.tracer_name);
    cr_expect_not(facts.permitted, "there is no mem");

    scratch_write(&scratch, "mem", "");
    scratch_run(&scratch, "rm -r attr/apparmor && echo some_t > attr/current");
    cr_assert(permission_look(scratch.fd, &facts));
    cr_expect(facts.permitted);
    cr_expect_not(facts.dumpable, "mem belongs to another");
    cr_expect_str_eq(facts.target.label, "some_t");
    cr_expect_not(facts.target.apparmor);
    scratch_remove(&scratch);
}
