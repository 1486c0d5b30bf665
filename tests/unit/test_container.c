// SPDX-License-Identifier: MIT
/* Which container the texts of /proc/PID/cgroup name, and what is said of one. */
#include "inspector/target/container.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID "3f2a9c0d1e8011112222333344445555666677778888999900001111aaaabbbb"
#define OTHER_ID "abcdefabcdef11112222333344445555666677778888999900001111aaaabbbb"
#define FOUR_X "xxxx"
#define SIXTEEN_X FOUR_X FOUR_X FOUR_X FOUR_X
#define LONG_NAME SIXTEEN_X SIXTEEN_X SIXTEEN_X SIXTEEN_X SIXTEEN_X

static const struct {
    const char *cgroup, *runtime, *id;
} texts[] = {
    /* v2 */
    {"0::/system.slice/docker-" ID ".scope\n", "docker", "3f2a9c0d1e80"},
    {"0::/docker/" ID "\n", "docker", "3f2a9c0d1e80"},
    {"0::/docker/" ID "/init.scope\n", "docker", "3f2a9c0d1e80"},
    {"0::/../" ID "\n", "", "3f2a9c0d1e80"},
    {"0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1234_5678.slice/"
     "cri-containerd-" ID ".scope\n",
     "kubernetes", "3f2a9c0d1e80"},
    {"0::/kubepods/burstable/pod12345678-1234-1234-1234-123456789abc/" ID "\n", "kubernetes",
     "3f2a9c0d1e80"},
    {"0::/kubepods.slice/kubepods-pod1234.slice/crio-" ID ".scope/container\n", "kubernetes",
     "3f2a9c0d1e80"},
    {"0::/kubepods.slice/kubepods-pod1234.slice/docker-" ID ".scope\n", "kubernetes",
     "3f2a9c0d1e80"},
    {"0::/system.slice/containerd.service/kubepods-pod1234.slice:cri-containerd:" ID "\n",
     "kubernetes", "3f2a9c0d1e80"},
    {"0::/machine.slice/libpod-" ID ".scope/container\n", "podman", "3f2a9c0d1e80"},
    {"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope\n", "podman",
     "3f2a9c0d1e80"},
    {"0::/libpod_parent/libpod-" ID "\n", "podman", "3f2a9c0d1e80"},
    {"0::/lxc.payload.web/system.slice/cron.service\n", "lxc", "web"},
    {"0::/lxc.payload/web\n", "lxc", "web"},
    {"0::/machine.slice/machine-my\\x2dbox.scope/payload\n", "nspawn", "my-box"},
    {"0::/machine.slice/systemd-nspawn@box.service/payload\n", "nspawn", "box"},
    /* v1, and both */
    {"12:pids:/docker/" ID "\n11:memory:/docker/" ID "\n1:name=systemd:/docker/" ID "\n", "docker",
     "3f2a9c0d1e80"},
    {"3:cpu,cpuacct:/lxc/web\n2:memory:/lxc/web\n", "lxc", "web"},
    {"2:pids:/\n1:name=systemd:/kubepods/besteffort/pod1/" ID "\n0::/\n", "kubernetes",
     "3f2a9c0d1e80"},
    {"1:cpuset:/\n0::/system.slice/docker-" ID ".scope", "docker", "3f2a9c0d1e80"},
    /* of nested ones the innermost */
    {"0::/docker/" OTHER_ID "/kubelet/kubepods/besteffort/pod1/" ID "\n", "kubernetes",
     "3f2a9c0d1e80"},
    {"0::/lxc.payload.web/system.slice/docker-" ID ".scope\n", "docker", "3f2a9c0d1e80"},
    {"2:pids:/lxc/web\n1:name=systemd:/docker/" ID "\n", "lxc", "web"}, /* the first line */
    /* none */
    {"", "", ""},
    {"\n\n", "", ""},
    {"0::/", "", ""},
    {"0::/init.scope\n", "", ""},
    {"0::/user.slice/user-1000.slice/session-2.scope\n", "", ""},
    {"0::/system.slice/docker.service\n", "", ""},
    {"0::/docker/3f2a9c0d1e80\n", "", ""},
    {"0::/lxc.monitor.web\n", "", ""},
    {"0::/lxc/\n", "", ""},
    {"0::/machine-.scope\n", "", ""},
    {"nonsense", "", ""},
    /* names that mean harm: whoever prints them escapes them */
    {"0::/lxc/\x1b[2J\n", "lxc", "\x1b[2J"},
    {"0::/machine-a\\x1b\\x.scope\n", "nspawn", "a\x1b\\x"},
    {"0::/lxc/" LONG_NAME "\n", "lxc", SIXTEEN_X SIXTEEN_X SIXTEEN_X "xxxxxxxxxxxxxxx"},
    {"0::/docker/" ID "f\n", "", "f2a9c0d1e801"},
};

Test(container, cgroups)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct container container = {.runtime = "old", .id = "old"};
        char *copy = strdup(texts[i].cgroup); /* on the heap, where reading too far shows */

        container_parse(&container, copy);
        cr_expect_str_eq(container.runtime, texts[i].runtime, "%s: %s", texts[i].cgroup,
                         container.runtime);
        cr_expect_str_eq(container.id, texts[i].id, "%s: %s", texts[i].cgroup, container.id);
        free(copy);
    }
}

/* Every text, cut at every byte: none reads too far. */
Test(container, cut_texts)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        for (size_t length = 0; length < strlen(texts[i].cgroup); length++) {
            struct container container;
            char *copy = strndup(texts[i].cgroup, length);

            container_parse(&container, copy);
            cr_expect_lt(strlen(container.id), sizeof(container.id));
            free(copy);
        }
    }
}

Test(container, descriptions)
{
    static const struct {
        struct container container;
        const char *text;
    } rows[] = {
        {{.runtime = ""}, "no container"},
        {{.runtime = "docker",
          .id = "3f2a9c0d1e80",
          .inner_pid = 1,
          .own_pid_namespace = true,
          .own_mount_namespace = true},
         "docker 3f2a9c0d1e80 (its PID 1)"},
        {{.runtime = "", .id = "3f2a9c0d1e80"}, "container 3f2a9c0d1e80"},
        {{.runtime = "", .own_mount_namespace = true}, "own mount namespace"},
        {{.runtime = "",
          .own_pid_namespace = true,
          .own_mount_namespace = true,
          .own_user_namespace = true,
          .inner_pid = 7},
         "own PID, mount, user namespaces (its PID 7)"},
        {{.runtime = "", .chroot = true, .root = "/srv/jail"}, "chroot /srv/jail"},
        {{.runtime = "lxc", .id = "web", .chroot = true, .root = "/srv/jail"},
         "lxc web, chroot /srv/jail"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct text text = {0};

        text_add(&text, "before: ");
        container_describe(&rows[i].container, &text);
        cr_expect_str_eq(text.bytes + strlen("before: "), rows[i].text);
        cr_expect_eq(container_is_any(&rows[i].container), i > 0);
        text_free(&text);
    }
}

Test(container, our_own_process_is_where_we_are)
{
    struct container container;
    int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    container_look(proc, &container);
    cr_expect_not(container.own_pid_namespace || container.own_mount_namespace ||
                  container.own_user_namespace || container.chroot);
    cr_expect_eq(container.inner_pid, 0);
    close(proc);
}

/* Of a directory that looks like another process's. */
Test(container, of_another_process)
{
    struct container container;
    struct scratch scratch;

    scratch_make(&scratch);
    scratch_run(&scratch, "mkdir ns && ln -s 'pid:[1]' ns/pid && ln -s 'user:[1]' ns/user && "
                          "ln -s /srv/jail root && readlink /proc/self/ns/mnt > mnt && "
                          "ln -s \"$(cat mnt)\" ns/mnt");
    scratch_write(&scratch, "cgroup", "0::/system.slice/docker-" ID ".scope\n");
    scratch_write(&scratch, "status", "Name:\tx\nTgid:\t4711\nNStgid:\t4711\t12\t7\n");
    container_look(scratch.fd, &container);
    cr_expect_str_eq(container.runtime, "docker");
    cr_expect_str_eq(container.id, "3f2a9c0d1e80");
    cr_expect_eq(container.inner_pid, 7);
    cr_expect(container.own_pid_namespace && container.own_user_namespace);
    cr_expect_not(container.own_mount_namespace);
    cr_expect(container.chroot);
    cr_expect_str_eq(container.root, "/srv/jail");

    /* What may not be read counts as ours, but for the numbers, which anybody may read. */
    scratch_run(&scratch, "rm -r ns root cgroup");
    container_look(scratch.fd, &container);
    cr_expect(container.own_pid_namespace);
    cr_expect_not(container.own_mount_namespace || container.own_user_namespace ||
                  container.chroot);
    cr_expect_str_empty(container.id);
    cr_expect_str_empty(container.root);
    scratch_remove(&scratch);
}
