// SPDX-License-Identifier: MIT
#include "symbols/debug_file.h"
#include "symbols/dwarf_open.h"
#include "symbols/dwarf_types.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Whose build-id is 0123456789; where its debug file then is, below a directory for debug files. */
#define BY_ID ".build-id/01/23456789.debug"

static struct scratch scratch;
static struct file_root root; /* the scratch directory's "root" */

/* A stripped program at root/opt/app/usr/bin/program, and its debug information at debug. */
static void make(void)
{
    scratch_make(&scratch);
    scratch_write(&scratch, "program.c",
                  "struct seen { long a, b; } seen; int main(void) { return 0; }");
    scratch_run(&scratch, "$CC -g -Wl,--build-id=0x0123456789 -o program program.c;"
                          "objcopy --only-keep-debug program debug;"
                          "$CC -g -Wl,--build-id=0x0123456788 -o stranger program.c;"
                          "mkdir -p root/opt/app/usr/bin root/usr/lib/debug/.build-id/01 outside;"
                          "strip -o root/opt/app/usr/bin/program program");
    root.fd = openat(scratch.fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    root.name = "/container";
    cr_assert(root.fd >= 0);
}

static void clean(void)
{
    close(root.fd);
    scratch_remove(&scratch);
}

TestSuite(debug_file, .init = make, .fini = clean, .timeout = 60);

static struct elf_file *open_program(void)
{
    return scratch_open_as(&scratch, "root/opt/app/usr/bin/program", "/opt/app/usr/bin/program");
}

static void expect_found_at(const char *path)
{
    struct dwarf_type type = {.names = "seen"};
    struct elf_file *file = open_program();
    struct debug_file *debug;
    struct error err;

    cr_assert(debug_file_find(&debug, file, &root, 1, &err), "%s", err.text);
    cr_assert(dwarf_types_find(debug_file_dwarf(debug), NULL, &type, 1, &err), "%s", err.text);
    cr_expect(type.name);
    cr_expect_str_eq(elf_file_path(debug_file_elf(debug)), path);
    debug_file_close(debug);
    elf_file_close(file);
}

static void expect_not_found(const char *hint)
{
    struct elf_file *file = open_program();
    struct debug_file *debug = NULL;
    struct error err;

    cr_assert_not(debug_file_find(&debug, file, &root, 1, &err));
    cr_expect_null(debug);
    cr_expect_eq(err.kind, ERROR_PYTHON);
    cr_expect(strstr(err.text, hint), "%s", err.text);
    elf_file_close(file);
}

Test(debug_file, takes_the_file_itself)
{
    struct elf_file *file = scratch_open(&scratch, "program");
    struct debug_file *debug;
    struct error err;

    cr_assert(debug_file_find(&debug, file, NULL, 0, &err), "%s", err.text);
    cr_expect_eq(debug_file_elf(debug), file);
    debug_file_close(debug);
    elf_file_close(file);
}

/* Each place alone, and the way there. */
static const char *const places[] = {
    "/usr/lib/debug/" BY_ID,
    "/opt/app/usr/lib/debug/" BY_ID,
    "/opt/app/lib/debug/" BY_ID,
    "/opt/lib/debug/" BY_ID,
    "/lib/debug/" BY_ID,
    "/opt/app/usr/bin/linked.debug",
    "/opt/app/usr/bin/.debug/linked.debug",
    "/usr/lib/debug/opt/app/usr/bin/linked.debug",
    "/opt/app/usr/lib/debug/opt/app/usr/bin/linked.debug",
};

Test(debug_file, searches_each_place)
{
    scratch_run(&scratch, "cp debug linked.debug;"
                          "objcopy --add-gnu-debuglink=linked.debug root/opt/app/usr/bin/program");
    for (size_t i = 0; i < COUNT(places); i++) {
        scratch_run(&scratch, "mkdir -p \"$(dirname root%s)\"; cp debug root%s", places[i],
                    places[i]);
        expect_found_at(places[i]);
        scratch_run(&scratch, "rm root%s", places[i]);
    }
}

Test(debug_file, without_a_build_id_the_checksum_decides)
{
    scratch_run(&scratch, "$CC -g -Wl,--build-id=none -o program program.c;"
                          "objcopy --only-keep-debug program root/opt/app/usr/bin/linked.debug;"
                          "strip -o root/opt/app/usr/bin/program program; cd root/opt/app/usr/bin;"
                          "objcopy --add-gnu-debuglink=linked.debug program");
    expect_found_at("/opt/app/usr/bin/linked.debug");
    scratch_run(&scratch, "printf x >> root/opt/app/usr/bin/linked.debug");
    expect_not_found("its checksum is another one");
}

Test(debug_file, computes_no_checksum_of_a_huge_file)
{
    scratch_run(&scratch, "$CC -g -Wl,--build-id=none -o program program.c;"
                          "objcopy --only-keep-debug program root/opt/app/usr/bin/linked.debug;"
                          "strip -o root/opt/app/usr/bin/program program; cd root/opt/app/usr/bin;"
                          "objcopy --add-gnu-debuglink=linked.debug program;"
                          "truncate -s 3G linked.debug");
    expect_not_found("too large to compute its checksum");
}

Test(debug_file, says_where_it_looked)
{
    expect_not_found("/usr/lib/debug/" BY_ID);
    expect_not_found("0123456789");
}

Test(debug_file, names_the_package)
{
    struct elf_file *file =
        scratch_open_as(&scratch, "root/opt/app/usr/bin/program", "/usr/lib/libpython3.9.so.1.0");
    struct debug_file *debug;
    struct error err;

    cr_assert_not(debug_file_find(&debug, file, &root, 1, &err));
    cr_expect(strstr(err.text, "libpython3.9-dbg"), "%s", err.text);
    elf_file_close(file);
}

Test(debug_file, refuses_another_build_id)
{
    scratch_run(&scratch, "cp stranger root/usr/lib/debug/" BY_ID);
    expect_not_found("its build-id is another one");
}

Test(debug_file, refuses_what_is_no_debug_file)
{
    scratch_run(&scratch, "cp program.c root/usr/lib/debug/" BY_ID);
    expect_not_found("not an ELF file");
    scratch_run(&scratch, "strip -o root/usr/lib/debug/" BY_ID " program");
    expect_not_found("holds no debug information either");
    scratch_run(&scratch, "head -c 1000 debug > root/usr/lib/debug/" BY_ID);
    expect_not_found("not used");
}

Test(debug_file, a_fifo_does_not_hang_it)
{
    scratch_run(&scratch, "mkfifo root/usr/lib/debug/" BY_ID);
    expect_not_found("not a regular file");
}

Test(debug_file, follows_no_link_out_of_the_root)
{
    scratch_run(&scratch, "cp debug outside/debug; ln -s \"$PWD/outside/debug\" "
                          "root/usr/lib/debug/" BY_ID);
    expect_not_found("there is no");
    scratch_run(&scratch, "ln -sf ../../../../../../outside/debug root/usr/lib/debug/" BY_ID);
    expect_not_found("there is no");
    scratch_run(&scratch, "ln -sf /proc/self/exe root/usr/lib/debug/" BY_ID);
    expect_not_found("there is no");
    scratch_run(&scratch, "mkdir root/inside; cp debug root/inside/debug;"
                          "ln -sf /inside/debug root/usr/lib/debug/" BY_ID);
    expect_found_at("/usr/lib/debug/" BY_ID);
}

Test(debug_file, a_debuglink_is_a_name_not_a_path)
{
    scratch_run(&scratch, "cp debug root/opt/app/usr/x; cd root/opt/app/usr/bin;"
                          "printf '../x\\0\\0\\0\\0\\0\\0\\0\\0' > link;"
                          "objcopy --add-section .gnu_debuglink=link program");
    expect_not_found("has no debug information");
}

Test(debug_file, asks_all_roots)
{
    struct file_root roots[2] = {root, {.name = ""}};
    struct elf_file *file = open_program();
    struct debug_file *debug;
    struct error err;

    scratch_run(&scratch, "mkdir -p second/usr/lib/debug/.build-id/01;"
                          "cp stranger root/usr/lib/debug/" BY_ID ";"
                          "cp debug second/usr/lib/debug/" BY_ID);
    roots[1].fd = openat(scratch.fd, "second", O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_assert(debug_file_find(&debug, file, roots, 2, &err), "%s", err.text);
    debug_file_close(debug);
    elf_file_close(file);
    close(roots[1].fd);
}

static const char *const supplements[] = {
    "/usr/lib/debug/.dwz/common.debug",         /* as the link says */
    "/opt/app/usr/lib/debug/.dwz/common.debug", /* in a tree that was moved */
    "/usr/lib/debug/.build-id/$(cat id)",
};

Test(debug_file, finds_the_supplementary_file)
{
    struct debug_file *debug;
    struct error err;

    if (!scratch_has_program("dwz"))
        cr_skip_test("dwz is not installed");
    scratch_write(&scratch, "big.c",
                  "#include <stdio.h>\n#include <signal.h>\n"
                  "struct seen { long a, b; FILE *c; struct sigaction d; } seen;"
                  "int main(void) { return 0; }");
    scratch_run(&scratch, "$CC -gdwarf-4 -Wl,--build-id=0x0123456789 -o one big.c;"
                          "$CC -gdwarf-4 -Wl,--build-id=0x0123456788 -o two big.c;"
                          "dwz -m common -M ../../.dwz/common.debug one two;"
                          "cp one root/usr/lib/debug/" BY_ID ";"
                          "readelf -n common |"
                          "sed -n 's,.*Build ID: \\(..\\)\\(.*\\),\\1/\\2.debug,p' > id");
    for (size_t i = 0; i < COUNT(supplements); i++) {
        scratch_run(&scratch, "place=\"root%s\"; mkdir -p $(dirname $place); cp common $place",
                    supplements[i]);
        expect_found_at("/usr/lib/debug/" BY_ID);
        scratch_run(&scratch, "rm \"root%s\"", supplements[i]);
    }

    scratch_run(&scratch, "mkdir -p root/usr/lib/debug/.dwz;"
                          "cp stranger root/usr/lib/debug/.dwz/common.debug");
    struct elf_file *file = open_program();
    cr_expect_not(debug_file_find(&debug, file, &root, 1, &err));
    cr_expect(strstr(err.text, "made by dwz"), "%s", err.text);
    cr_expect(strstr(err.text, "its build-id is another one"), "%s", err.text);
    elf_file_close(file);
}

/* dwarf_open */

static void expect_not_opened(const char *name, const char *says)
{
    struct elf_file *file = scratch_open(&scratch, name);
    struct debug_file *debug = NULL;
    struct error err;

    cr_assert_not(debug_file_find(&debug, file, &root, 1, &err), "%s", says);
    cr_expect_null(debug);
    cr_expect_eq(err.kind, ERROR_PYTHON);
    cr_expect(strstr(err.text, says), "%s", err.text);
    elf_file_close(file);
}

Test(debug_file, refuses_huge_sections)
{
    Elf64_Shdr header = scratch_get_section(&scratch, "program", ".debug_str");

    header.sh_size = UINT64_C(3) << 30;
    scratch_put_section(&scratch, "program", ".debug_str", &header);
    expect_not_opened("program", "the section .debug_str");
    scratch_run(&scratch, "truncate -s 4G program");
    expect_not_opened("program", "the section .debug_str");
}

/* Each of two is small enough; together they are not. */
Test(debug_file, refuses_much_in_small_parts)
{
    static const char *const sections[] = {".debug_str", ".debug_abbrev"};

    for (size_t i = 0; i < COUNT(sections); i++) {
        Elf64_Shdr header = scratch_get_section(&scratch, "program", sections[i]);
        header.sh_flags |= SHF_COMPRESSED;
        header.sh_offset = 1 << 20;
        header.sh_size = sizeof(Elf64_Chdr);
        scratch_put_section(&scratch, "program", sections[i], &header);
    }
    const Elf64_Chdr claim = {.ch_type = ELFCOMPRESS_ZLIB, .ch_size = 3 << 29, .ch_addralign = 1};
    scratch_write_at(&scratch, "program", 1 << 20, &claim, sizeof(claim));
    expect_not_opened("program", "too large");
}

static void compress(const char *how)
{
    scratch_write(&scratch, "big.c",
                  "#include <stdio.h>\n#include <signal.h>\n"
                  "struct seen { long a, b; FILE *c; struct sigaction d; } seen;"
                  "int main(void) { return 0; }");
    scratch_run(&scratch, "$CC -g -o big big.c; objcopy --compress-debug-sections=%s big", how);
}

static void expect_opened(const char *name)
{
    struct dwarf_type type = {.names = "seen"};
    struct elf_file *file = scratch_open(&scratch, name);
    struct debug_file *debug;
    struct error err;

    cr_assert(debug_file_find(&debug, file, NULL, 0, &err), "%s", err.text);
    cr_assert(dwarf_types_find(debug_file_dwarf(debug), NULL, &type, 1, &err), "%s", err.text);
    cr_expect(type.name);
    debug_file_close(debug);
    elf_file_close(file);
}

Test(debug_file, reads_compressed_sections_unless_they_claim_to_be_huge)
{
    const uint64_t huge = UINT64_C(3) << 30, reversed = htobe64(huge);

    compress("zlib");
    expect_opened("big");
    Elf64_Shdr header = scratch_get_section(&scratch, "big", ".debug_info");
    cr_assert(header.sh_flags & SHF_COMPRESSED);
    scratch_write_at(&scratch, "big", header.sh_offset + offsetof(Elf64_Chdr, ch_size), &huge,
                     sizeof(huge));
    expect_not_opened("big", "too large: the section .debug_info");

    compress("zlib-gnu");
    expect_opened("big");
    header = scratch_get_section(&scratch, "big", ".zdebug_info");
    scratch_write_at(&scratch, "big", header.sh_offset + 4, &reversed, sizeof(reversed));
    expect_not_opened("big", "too large: the section .zdebug_info");
}

static const char *const link_names[] = {".gnu_debugaltlink", ".gnu.debuglto_.gnu_debugaltlink"};

/* It would find this file, which has the build-id of the link. */
Test(debug_file, libdw_follows_no_link)
{
    for (size_t i = 0; i < COUNT(link_names); i++) {
        struct error err;
        Dwarf *dwarf;

        scratch_run(&scratch,
                    "printf '%%s/stranger\\0\\001\\043\\105\\147\\210' \"$PWD\" > link;"
                    "objcopy --add-section %s=link program linked",
                    link_names[i]);
        struct elf_file *file = scratch_open(&scratch, "linked");
        cr_assert(dwarf_open(&dwarf, file, &err), "%s", err.text);
        cr_expect_null(dwarf_getalt(dwarf), "%s", link_names[i]);
        dwarf_end(dwarf);
        elf_file_close(file);
    }
}

Test(debug_file, refuses_several_links)
{
    scratch_run(&scratch, "mkfifo fifo; printf '%%s/fifo\\0abcdefgh' \"$PWD\" > link;"
                          "objcopy --add-section .gnu_debugaltlink=link program");
    expect_not_opened("program", "continues in a file that is not there");
    scratch_add_twin(&scratch, "program", ".gnu_debugaltlink");
    expect_not_opened("program", "several sections .gnu_debugaltlink");
}

/* file_root_open */

Test(debug_file, opens_regular_files_only)
{
    scratch_run(&scratch, "mkfifo root/fifo; ln -s fifo root/link; ln -s a root/b; ln -s b root/a");
    int fd = file_root_open(&root, "/opt/app/usr/bin/program");
    cr_expect_geq(fd, 0);
    close(fd);
    cr_expect_eq(file_root_open(&root, "/fifo"), -1);
    cr_expect_eq(errno, EINVAL);
    cr_expect_eq(file_root_open(&root, "link"), -1);
    cr_expect_eq(errno, EINVAL);
    cr_expect_eq(file_root_open(&root, "/opt"), -1);
    cr_expect_eq(errno, EINVAL);
    cr_expect_eq(file_root_open(&root, "/none"), -1);
    cr_expect_eq(errno, ENOENT);
    cr_expect_eq(file_root_open(&root, "/a"), -1);
    cr_expect_eq(errno, ELOOP);
    cr_expect_eq(file_root_open(&root, "/../../../../../../../../etc/passwd"), -1);
    cr_expect_eq(errno, ENOENT);
}

/* Opening it would fail in a way of its own, so it was not opened. */
Test(debug_file, does_not_open_what_is_no_regular_file)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/root/socket", scratch.path);
    cr_assert(sock >= 0 && bind(sock, (struct sockaddr *)&address, sizeof(address)) == 0);
    cr_expect_eq(file_root_open(&root, "/socket"), -1);
    cr_expect_eq(errno, EINVAL);
    close(sock);
}

static void forbid_openat2(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = COUNT(filter), .filter = filter};

    cr_assert(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    cr_assert(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

Test(debug_file, without_openat2_only_our_own_root_is_read)
{
    const struct file_root own = {.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), .name = ""};

    forbid_openat2();
    int fd = file_root_open(&own, "/etc/passwd");
    cr_expect_geq(fd, 0);
    close(fd);
    cr_expect_eq(file_root_open(&own, "etc/passwd"), -1);
    cr_expect_eq(file_root_open(&root, "/opt/app/usr/bin/program"), -1);
    cr_expect_eq(errno, ENOSYS);
    close(own.fd);
}
