// SPDX-License-Identifier: MIT
#include "symbols/debug_file.h"

#include "symbols/dwarf_open.h"
#include "symbols/python_version.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIRECTORIES_MAX = 64 };

static const uint64_t checksums_max = UINT64_C(2) << 30;

struct debug_file {
    struct elf_file *file;     /* has the debug information */
    struct elf_file *separate; /* the same, if it is ours; else NULL */
    const char *root;          /* the name of the root that it was found in */
    struct elf_file *supplement;
    Dwarf *dwarf;
    Dwarf *supplement_dwarf;
};

/* "/opt/x" + "/lib/debug", as the start of a path and the tail to put there. */
struct directory {
    int length;
    const char *tail;
};

/* What a file must show to be taken. */
struct proof {
    const struct build_id *build_id; /* empty: the CRC decides */
    const uint32_t *crc;             /* NULL: only the build-id will do */
};

/* Where debug files are in a directory that the user named. */
static const struct directory store_directories[] = {
    {.tail = ""}, {.tail = "/usr/lib/debug"}, {.tail = "/lib/debug"}};

struct search {
    const struct file_root *roots;
    size_t root_count;
    char path[PATH_MAX]; /* of the file whose debug information is searched; absolute */
    int parent_length;   /* of that path's directory, without the slash */
    struct directory directories[DIRECTORIES_MAX];
    size_t directory_count;
    uint64_t checksums_left; /* bytes of which the checksum may yet be computed */
    char refused[512]; /* why the last file that was there is not the one; "" if none was there */
};

static void refuse(struct search *search, const struct file_root *root, const char *path,
                   const char *why)
{
    snprintf(search->refused, sizeof(search->refused), "%.100s%.200s was not used: %.100s",
             root->name, path, why);
}

/* The places */

static void add_directory(struct search *search, size_t length, const char *tail)
{
    if (search->directory_count < DIRECTORIES_MAX)
        search->directories[search->directory_count++] =
            (struct directory){.length = (int)length, .tail = tail};
}

static bool set_places(struct search *search, const char *path, struct error *err)
{
    size_t used = 0;

    if (path[0] != '/') {
        if (!getcwd(search->path, sizeof(search->path)))
            return error_errno(err, ERROR_SYSTEM, "cannot tell the current directory");
        used = strlen(search->path);
    }
    int length =
        snprintf(search->path + used, sizeof(search->path) - used, "%s%s", used ? "/" : "", path);
    if (length < 0 || (size_t)length >= sizeof(search->path) - used)
        return error_set(err, ERROR_PYTHON, "%.200s...: the file's path is too long", path);

    size_t parent = (size_t)(strrchr(search->path, '/') - search->path);
    search->parent_length = (int)parent;
    add_directory(search, 0, "/usr/lib/debug");
    while (parent > 0) {
        do
            parent--;
        while (parent > 0 && search->path[parent] != '/');
        add_directory(search, parent, "/lib/debug");
        if (parent > 0)
            add_directory(search, parent, "/usr/lib/debug");
    }
    return true;
}

static size_t directories_of(const struct search *search, const struct file_root *root,
                             const struct directory **ret)
{
    *ret = root->is_store ? store_directories : search->directories;
    return root->is_store ? sizeof(store_directories) / sizeof(store_directories[0])
                          : search->directory_count;
}

/* Is it the one? */

/* The CRC-32 of Ethernet, as .gnu_debuglink has it. */
static bool file_crc(int fd, uint64_t size, uint32_t *ret)
{
    uint32_t table[256];
    unsigned char bytes[64 * 1024];
    uint32_t crc = UINT32_MAX;
    uint64_t at = 0;

    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? UINT32_C(0xedb88320) : 0);
    }
    while (at < size) {
        size_t wanted = size - at < sizeof(bytes) ? (size_t)(size - at) : sizeof(bytes);
        ssize_t got = pread(fd, bytes, wanted, (off_t)at);
        if (got <= 0)
            return false;
        for (ssize_t i = 0; i < got; i++)
            crc = table[(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
        at += (uint64_t)got;
    }
    *ret = ~crc;
    return true;
}

static const char *find_crc_fault(struct search *search, int fd, uint32_t expected)
{
    struct stat status;
    uint32_t crc;

    if (fstat(fd, &status) != 0 || (uint64_t)status.st_size > search->checksums_left)
        return "it is too large to compute its checksum";
    search->checksums_left -= (uint64_t)status.st_size;
    return file_crc(fd, (uint64_t)status.st_size, &crc) && crc == expected
               ? NULL
               : "its checksum is another one";
}

/* NULL: it belongs. Else why not. */
static const char *find_fault(struct search *search, struct elf_file *file, int fd,
                              const struct proof *proof)
{
    const struct build_id *build_id = elf_file_build_id(file);

    if (!elf_file_has_debug_info(file))
        return "it holds no debug information either";
    if (build_id->size && proof->build_id->size)
        return build_id_equal(build_id, proof->build_id) ? NULL : "its build-id is another one";
    if (!proof->crc)
        return proof->build_id->size ? "it has no build-id"
                                     : "the interpreter has no build-id by which it could be known";
    return find_crc_fault(search, fd, *proof->crc);
}

static struct elf_file *try_path(struct search *search, const struct file_root *root,
                                 const struct proof *proof, const char *path)
{
    int fd = file_root_open(root, path);
    struct elf_file *file;
    struct error why;

    if (fd < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            refuse(search, root, path, errno == EINVAL ? "not a regular file" : strerror(errno));
        return NULL;
    }
    if (!elf_file_open(&file, fd, path, &why)) {
        refuse(search, root, path, "it is not an ELF file that can be read");
        return NULL;
    }
    const char *fault = find_fault(search, file, fd, proof);
    if (!fault)
        return file;
    refuse(search, root, path, fault);
    elf_file_close(file);
    return NULL;
}

__attribute__((format(printf, 4, 5))) static struct elf_file *try_format(
    struct search *search, const struct file_root *root, const struct proof *proof,
    const char *format, ...)
{
    char path[PATH_MAX];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(path, sizeof(path), format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof(path))
        return NULL;
    return try_path(search, root, proof, path);
}

/* The search */

static struct elf_file *find_by_build_id(struct search *search, const struct file_root *root,
                                         const struct proof *proof)
{
    struct elf_file *found = NULL;
    const struct directory *directory;
    size_t left = directories_of(search, root, &directory);
    char hex[BUILD_ID_TEXT];

    if (proof->build_id->size < 2)
        return NULL;
    build_id_print(hex, proof->build_id);
    for (; !found && left > 0; left--, directory++) {
        found = try_format(search, root, proof, "%.*s%s/.build-id/%.2s/%s.debug", directory->length,
                           search->path, directory->tail, hex, hex + 2);
    }
    return found;
}

static struct elf_file *find_by_link(struct search *search, const struct file_root *root,
                                     const struct proof *proof, const char *link)
{
    static const char *const beside[] = {"", "/.debug"};
    struct elf_file *found = root->is_store ? try_format(search, root, proof, "/%s", link) : NULL;
    const struct directory *directory;
    size_t left = directories_of(search, root, &directory);

    for (size_t i = 0; !root->is_store && !found && i < sizeof(beside) / sizeof(beside[0]); i++)
        found = try_format(search, root, proof, "%.*s%s/%s", search->parent_length, search->path,
                           beside[i], link);
    for (; !found && left > 0; left--, directory++) {
        found = try_format(search, root, proof, "%.*s%s%.*s/%s", directory->length, search->path,
                           directory->tail, search->parent_length, search->path, link);
    }
    return found;
}

static struct elf_file *find_separate(struct search *search, struct elf_file *file,
                                      const char **ret_root)
{
    struct proof proof = {.build_id = elf_file_build_id(file)};
    uint32_t crc;
    const char *link = elf_file_debuglink(file, &crc);
    struct elf_file *found = NULL;

    if (link && strchr(link, '/'))
        link = NULL; /* it names a file, not a path */
    for (size_t i = 0; !found && i < search->root_count; i++) {
        const struct file_root *root = &search->roots[i];
        proof.crc = NULL;
        found = find_by_build_id(search, root, &proof);
        proof.crc = &crc;
        if (!found && link)
            found = find_by_link(search, root, &proof, link);
        *ret_root = root->name;
    }
    return found;
}

static struct elf_file *find_by_altlink(struct search *search, const struct file_root *root,
                                        const struct proof *proof, const char *from,
                                        const char *link)
{
    static const char dwz[] = "/.dwz/";
    struct elf_file *found;

    if (link[0] == '/')
        found = try_path(search, root, proof, link);
    else
        found = try_format(search, root, proof, "%.*s/%s", (int)(strrchr(from, '/') - from), from,
                           link);
    const char *tail = strstr(link, dwz);
    const struct directory *directory;
    size_t left = directories_of(search, root, &directory);
    for (; tail && !found && left > 0; left--, directory++) {
        found = try_format(search, root, proof, "%.*s%s%s", directory->length, search->path,
                           directory->tail, tail);
    }
    return found ? found : find_by_build_id(search, root, proof);
}

static bool find_supplement(struct debug_file *debug, struct search *search,
                            const struct elf_altlink *link, struct error *err)
{
    const struct proof proof = {.build_id = &link->build_id};
    const char *from = debug->separate ? elf_file_path(debug->separate) : search->path;

    search->refused[0] = '\0';
    for (size_t i = 0; !debug->supplement && i < search->root_count; i++)
        debug->supplement = find_by_altlink(search, &search->roots[i], &proof, from, link->path);
    if (!debug->supplement) {
        char hex[BUILD_ID_TEXT];
        return error_set(err, ERROR_PYTHON,
                         "%.200s: the debug information continues in a file that is not there: "
                         "%.200s (build-id %s), made by dwz; install it with the debug package%s%s",
                         from, link->path, build_id_print(hex, proof.build_id),
                         search->refused[0] ? "; " : "", search->refused);
    }
    return true;
}

/* Where nothing was found */

void debug_file_name_package(char *ret, size_t size, const char *path)
{
    const char *slash = strrchr(path, '/');
    bool library = strncmp(slash ? slash + 1 : path, "lib", 3) == 0;
    int minor;

    if (python_version_in_name(path, &minor))
        snprintf(ret, size, "the package with it (Debian: sudo apt install %spython3.%d-dbg)",
                 library ? "lib" : "", minor);
    else
        snprintf(ret, size, "the package with it");
}

/* Does a file of this path come from a distribution's package, as far as the path tells? */
static bool is_packaged(const char *path)
{
    return strncmp(path, "/usr/", 5) == 0 && strncmp(path, "/usr/local/", 11) != 0;
}

static bool fail_not_found(struct search *search, struct elf_file *file, struct error *err)
{
    const struct build_id *build_id = elf_file_build_id(file);
    uint32_t crc;
    const char *link = elf_file_debuglink(file, &crc);
    char hex[BUILD_ID_TEXT] = "none", where[256] = "", package[64];

    if (build_id->size) {
        build_id_print(hex, build_id);
        snprintf(where, sizeof(where), "/usr/lib/debug/.build-id/%.2s/%s.debug", hex, hex + 2);
    } else if (link) {
        snprintf(where, sizeof(where), "%.100s (.gnu_debuglink) beside it or in .debug/", link);
    }
    debug_file_name_package(package, sizeof(package), search->path);
    const struct file_root *store =
        search->root_count && search->roots[0].is_store ? &search->roots[0] : NULL;
    return error_set(
        err, ERROR_PYTHON, "%.200s has no debug information (build-id %s)%s%s%s%.150s%s%s%s%s",
        search->path, hex, where[0] ? ", and there is no " : "", where,
        store ? ", nor one in " : "", store ? store->name : "",
        is_packaged(search->path) ? "; install " : "", is_packaged(search->path) ? package : "",
        search->refused[0] ? "; " : "", search->refused);
}

/* Opening */

static bool open_all(struct debug_file *debug, struct search *search, struct error *err)
{
    struct elf_altlink link;

    if (!elf_file_debugaltlink(debug->file, &link, err))
        return false;
    if (link.path && !find_supplement(debug, search, &link, err))
        return false;
    if (!dwarf_open(&debug->dwarf, debug->file, err))
        return false;
    if (!debug->supplement)
        return true;
    if (!dwarf_open(&debug->supplement_dwarf, debug->supplement, err))
        return false;
    dwarf_setalt(debug->dwarf, debug->supplement_dwarf);
    return true;
}

/* `debug` has its file. */
static bool finish(struct debug_file **ret, struct debug_file *debug, struct search *search,
                   struct error *err)
{
    if (!open_all(debug, search, err)) {
        debug_file_close(debug);
        return false;
    }
    *ret = debug;
    return true;
}

bool debug_file_find(struct debug_file **ret, struct elf_file *file, const struct file_root *roots,
                     size_t root_count, struct error *err)
{
    struct search search = {
        .roots = roots, .root_count = root_count, .checksums_left = checksums_max};

    if (!set_places(&search, elf_file_path(file), err))
        return false;
    const char *root = "";
    struct elf_file *separate =
        elf_file_has_debug_info(file) ? NULL : find_separate(&search, file, &root);
    if (!separate && !elf_file_has_debug_info(file))
        return fail_not_found(&search, file, err);
    struct debug_file *debug = calloc(1, sizeof(*debug));
    if (!debug) {
        elf_file_close(separate);
        return error_memory(err);
    }
    debug->separate = separate;
    debug->file = separate ? separate : file;
    debug->root = root;
    return finish(ret, debug, &search, err);
}

bool debug_file_open(struct debug_file **ret, struct elf_file *file, int given,
                     const char *given_path, const struct file_root *roots, size_t root_count,
                     struct error *err)
{
    struct search search = {
        .roots = roots, .root_count = root_count, .checksums_left = checksums_max};
    uint32_t crc;
    const struct proof proof = {.build_id = elf_file_build_id(file),
                                .crc = elf_file_debuglink(file, &crc) ? &crc : NULL};
    struct elf_file *separate;

    if (!set_places(&search, elf_file_path(file), err)) {
        close(given);
        return false;
    }
    if (!elf_file_open(&separate, given, given_path, err))
        return false;
    const char *fault = find_fault(&search, separate, given, &proof);
    struct debug_file *debug = fault ? NULL : calloc(1, sizeof(*debug));
    if (!debug) {
        char hex[BUILD_ID_TEXT];
        elf_file_close(separate);
        return fault ? error_set(err, ERROR_PYTHON,
                                 "%s is not the debug information of %s (build-id %s): %s",
                                 given_path, elf_file_path(file),
                                 build_id_print(hex, proof.build_id), fault)
                     : error_memory(err);
    }
    debug->separate = debug->file = separate;
    debug->root = "";
    return finish(ret, debug, &search, err);
}

void debug_file_close(struct debug_file *debug)
{
    if (!debug)
        return;
    dwarf_end(debug->dwarf);
    dwarf_end(debug->supplement_dwarf);
    elf_file_close(debug->supplement);
    elf_file_close(debug->separate);
    free(debug);
}

Dwarf *debug_file_dwarf(struct debug_file *debug)
{
    return debug->dwarf;
}

const char *debug_file_root(const struct debug_file *debug)
{
    return debug->root;
}

struct elf_file *debug_file_elf(struct debug_file *debug)
{
    return debug->file;
}
