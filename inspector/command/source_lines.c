// SPDX-License-Identifier: MIT
#include "inspector/command/source_lines.h"

#include "inspector/target/proc_status.h"
#include "symbols/base/vector.h"
#include "symbols/file_root.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    LARGEST_FILE = 16 << 20,
    MOST_KEPT = 64 << 20,
    MOST_READ = 256 << 20, /* in all: a target can give one large file ever new names */
    LINE_MOST = 1 << 16,
    MOST_GROUPS = 256,
    NOBODY = 65534,
    SLOTS = 1 << 16,
};

enum encoding { ENCODING_UTF8, ENCODING_ASCII, ENCODING_LATIN1, ENCODING_UNKNOWN };

struct source_file {
    char *name;
    size_t name_length;
    char *bytes; /* NULL: it has no lines */
    size_t length;
    enum encoding encoding;
    size_t *starts; /* of its lines */
    size_t line_count;
    size_t next; /* one more than the number of another in the same slot; 0: none */
};

struct source_lines {
    uid_t user; /* whose rights files are opened with, where we are root; 0: ours */
    gid_t group;
    int root;                 /* -1: there is none */
    char directory[PATH_MAX]; /* where names that are not absolute begin, as the root has it; "" */
    struct source_file *files;
    size_t count, capacity;
    size_t slots[SLOTS]; /* by the name's hash: one more than a file's number; 0: none */
    size_t kept;         /* bytes */
    size_t read;         /* bytes, with those that were forgotten */
};

/* Names are the target's: what it may not read itself is not read for it. */
static void find_user(struct source_lines *lines, const struct process *process)
{
    struct proc_status status;
    struct stat owner;

    if (geteuid() != 0)
        return;
    lines->user = lines->group = NOBODY;
    if (!process || !proc_status_read(process->proc, &status) || status.uid < 0)
        return;
    lines->user = (uid_t)status.uid;
    if (fstat(process->proc, &owner) == 0 && owner.st_uid == lines->user)
        lines->group = owner.st_gid;
}

struct source_lines *source_lines_open(const struct process *process)
{
    struct source_lines *lines = calloc(1, sizeof(*lines));

    if (!lines)
        return NULL;
    find_user(lines, process);
    if (process) {
        lines->root = process->root_fd < 0 ? -1 : fcntl(process->root_fd, F_DUPFD_CLOEXEC, 0);
        process_directory(process, lines->directory, sizeof(lines->directory));
    } else {
        lines->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (!getcwd(lines->directory, sizeof(lines->directory)))
            *lines->directory = '\0';
    }
    return lines;
}

static void forget(struct source_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->files[i].name);
        free(lines->files[i].bytes);
        free(lines->files[i].starts);
    }
    lines->count = lines->kept = 0;
    memset(lines->slots, 0, sizeof(lines->slots));
}

void source_lines_close(struct source_lines *lines)
{
    if (!lines)
        return;
    forget(lines);
    free(lines->files);
    if (lines->root >= 0)
        close(lines->root);
    free(lines);
}

/* Reads the whole file; false where it is none of ours to read. */
static bool read_whole(int fd, struct source_file *file)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size < 0 ||
        status.st_size > LARGEST_FILE)
        return false;
    size_t size = (size_t)status.st_size;
    if (!(file->bytes = malloc(size + 1)))
        return false;
    while (file->length < size) {
        ssize_t got = read(fd, file->bytes + file->length, size - file->length);
        if (got <= 0)
            break;
        file->length += (size_t)got;
    }
    return true;
}

/* "utf-8" and "UTF_8-whatever" are the same, as for tokenize.detect_encoding. */
static enum encoding encoding_of(const char *name, size_t length)
{
    static const struct {
        const char *name;
        enum encoding encoding;
    } known[] = {{"utf-8", ENCODING_UTF8},        {"utf8", ENCODING_UTF8},
                 {"ascii", ENCODING_ASCII},       {"us-ascii", ENCODING_ASCII},
                 {"latin-1", ENCODING_LATIN1},    {"latin1", ENCODING_LATIN1},
                 {"iso-8859-1", ENCODING_LATIN1}, {"iso-latin-1", ENCODING_LATIN1}};
    char plain[16] = "";

    for (size_t i = 0; i < length && i + 1 < sizeof(plain); i++)
        plain[i] = name[i] == '_' ? '-' : (char)tolower((unsigned char)name[i]);
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (strcmp(plain, known[i].name) == 0)
            return known[i].encoding;
    }
    if (strncmp(plain, "utf-8-", 6) == 0)
        return ENCODING_UTF8;
    return strncmp(plain, "latin-1-", 8) == 0 || strncmp(plain, "iso-8859-1-", 11) == 0
               ? ENCODING_LATIN1
               : ENCODING_UNKNOWN;
}

static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

/* PEP 263: ^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+). */
static bool find_cookie(const char *line, size_t length, enum encoding *ret)
{
    size_t at = 0;

    while (at < length && is_one_of(line[at], " \t\f"))
        at++;
    if (at == length || line[at] != '#')
        return false;
    for (; at + 7 < length; at++) {
        if (memcmp(line + at, "coding", 6) != 0 || (line[at + 6] != ':' && line[at + 6] != '='))
            continue;
        size_t begin = at + 7;
        while (begin < length && (line[begin] == ' ' || line[begin] == '\t'))
            begin++;
        size_t end = begin;
        while (end < length && (isalnum((unsigned char)line[end]) || is_one_of(line[end], "-_.")))
            end++;
        if (end == begin)
            continue;
        *ret = encoding_of(line + begin, end - begin);
        return true;
    }
    return false;
}

static const char *line_of(const struct source_file *file, size_t number, size_t *ret_length)
{
    size_t begin = file->starts[number];
    size_t end = number + 1 < file->line_count ? file->starts[number + 1] : file->length;

    *ret_length = end - begin;
    return file->bytes + begin;
}

static bool is_blank(const char *line, size_t length)
{
    size_t at = 0;

    while (at < length && is_one_of(line[at], " \t\f\r\n"))
        at++;
    return at == length || line[at] == '#';
}

/* A byte order mark, else a cookie in the first two lines; the second only behind a blank one. */
static enum encoding find_encoding(struct source_file *file)
{
    enum encoding found = ENCODING_UTF8;
    bool has_mark = file->length >= 3 && memcmp(file->bytes, "\xef\xbb\xbf", 3) == 0;

    if (has_mark) {
        file->length -= 3;
        memmove(file->bytes, file->bytes + 3, file->length);
    }
    for (size_t i = 0; i < 2 && i < file->line_count; i++) {
        size_t length;
        const char *line = line_of(file, i, &length);
        if (find_cookie(line, length, &found))
            break;
        if (!is_blank(line, length))
            break;
    }
    return has_mark && found != ENCODING_UTF8 ? ENCODING_UNKNOWN : found;
}

static bool is_encoded(const struct source_file *file)
{
    for (size_t at = 0; at < file->length;) {
        int32_t code;
        size_t taken = 1;
        if (file->encoding == ENCODING_UTF8)
            taken = text_decode(file->bytes + at, file->length - at, &code);
        else
            code = (unsigned char)file->bytes[at];
        if (code < 0 || (code >= 0xd800 && code < 0xe000) ||
            (file->encoding == ENCODING_ASCII && code > 127))
            return false;
        at += taken;
    }
    return true;
}

/* Lines end with LF, CR LF or CR. */
static bool find_lines(struct source_file *file)
{
    size_t capacity = 0;
    bool begins = true;

    for (size_t at = 0; at < file->length; at++) {
        if (begins) {
            size_t *grown =
                vector_grow(file->starts, &capacity, file->line_count + 1, sizeof(*grown));
            if (!grown)
                return false;
            file->starts = grown;
            file->starts[file->line_count++] = at;
        }
        begins =
            file->bytes[at] == '\n' ||
            (file->bytes[at] == '\r' && (at + 1 == file->length || file->bytes[at + 1] != '\n'));
    }
    return true;
}

/* Only of this thread, so by system calls and not by the C library's functions. */
static bool set_groups(const gid_t *groups, int count)
{
    return syscall(SYS_setgroups, (size_t)count, groups) == 0;
}

static int open_as_user(const struct source_lines *lines, const struct file_root *root,
                        const char *path)
{
    gid_t groups[MOST_GROUPS];
    int count = lines->user ? getgroups(MOST_GROUPS, groups) : 0, fd = -1;

    if (!lines->user)
        return file_root_open(root, path);
    if (count < 0 || !set_groups(NULL, 0))
        return -1;
    gid_t group = (gid_t)setfsgid(lines->group);
    uid_t user = (uid_t)setfsuid(lines->user);
    if ((uid_t)setfsuid((uid_t)-1) == lines->user && (gid_t)setfsgid((gid_t)-1) == lines->group)
        fd = file_root_open(root, path);
    setfsuid(user);
    setfsgid(group);
    if (!set_groups(groups, count) && fd >= 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int open_file(const struct source_lines *lines, const char *name, size_t length)
{
    const struct file_root root = {.fd = lines->root, .name = ""};
    char path[2 * PATH_MAX];

    if (lines->root < 0 || !length || length >= PATH_MAX || memchr(name, 0, length) ||
        (name[0] == '<' && name[length - 1] == '>'))
        return -1;
    snprintf(path, sizeof(path), "%s/%.*s", *name == '/' ? "" : lines->directory, (int)length,
             name);
    return open_as_user(lines, &root, path);
}

static void read_file(struct source_lines *lines, struct source_file *file)
{
    int fd = lines->read < MOST_READ ? open_file(lines, file->name, file->name_length) : -1;
    bool done = fd >= 0 && read_whole(fd, file) && find_lines(file);

    if (fd >= 0)
        close(fd);
    lines->read += file->length;
    if (done) {
        file->encoding = find_encoding(file);
        done = file->encoding != ENCODING_UNKNOWN && is_encoded(file);
    }
    if (!done) {
        free(file->bytes);
        file->bytes = NULL;
        file->length = file->line_count = 0;
    }
}

/* FNV-1a */
static size_t slot_of(const char *name, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    return (size_t)((hash ^ hash >> 32) % SLOTS);
}

/* NULL: no memory. */
static const struct source_file *file_of(struct source_lines *lines, const char *name,
                                         size_t length)
{
    size_t slot = slot_of(name, length);

    for (size_t i = lines->slots[slot]; i; i = lines->files[i - 1].next) {
        struct source_file *file = &lines->files[i - 1];
        if (file->name_length == length && memcmp(file->name, name, length) == 0)
            return file;
    }
    if (lines->kept > MOST_KEPT)
        forget(lines);
    struct source_file *grown =
        vector_grow(lines->files, &lines->capacity, lines->count + 1, sizeof(*grown));
    if (!grown)
        return NULL;
    lines->files = grown;
    struct source_file *file = &lines->files[lines->count];
    *file = (struct source_file){.name = malloc(length + 1), .name_length = length};
    if (!file->name)
        return NULL;
    memcpy(file->name, name, length);
    file->next = lines->slots[slot];
    lines->slots[slot] = ++lines->count;
    read_file(lines, file);
    lines->kept += file->length + file->line_count * sizeof(*file->starts);
    return file;
}

/* What str.strip() takes off. */
static bool is_space(int32_t code)
{
    return (code >= 9 && code <= 13) || (code >= 28 && code <= 32) || code == 0x85 ||
           code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
           code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

static size_t next_code(const struct source_file *file, const char *bytes, size_t length,
                        int32_t *code)
{
    if (file->encoding == ENCODING_UTF8)
        return text_decode(bytes, length, code);
    *code = (unsigned char)*bytes;
    return 1;
}

void source_lines_add(void *context, const char *name, size_t name_length, uint32_t line,
                      struct text *text)
{
    const struct source_file *file = line ? file_of(context, name, name_length) : NULL;
    size_t length, taken, first = SIZE_MAX, last = 0;
    int32_t code;

    if (!file || line > file->line_count)
        return;
    const char *bytes = line_of(file, line - 1, &length);
    if (length > LINE_MOST)
        length = LINE_MOST;
    for (size_t at = 0; at < length; at += taken) {
        taken = next_code(file, bytes + at, length - at, &code);
        if (is_space(code))
            continue;
        first = first == SIZE_MAX ? at : first;
        last = at + taken;
    }
    for (size_t at = first; at < last; at += taken) {
        taken = next_code(file, bytes + at, last - at, &code);
        text_add_code(text, (uint32_t)code);
    }
}
