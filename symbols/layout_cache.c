// SPDX-License-Identifier: MIT
#include "symbols/layout_cache.h"

#include "symbols/base/cleanup.h"
#include "symbols/base/write_all.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ENTRY_MAX = 256 << 10,
    MOST_ENTRIES = 256,
    MOST_REMOVED = 16, /* at a time */
    NAME_SIZE = BUILD_ID_TEXT + 64,
};

static const char suffix[] = ".layout";

/* The file that an entry is of, and the list of fields that it was made for. */
struct key {
    uint64_t device, inode, size;
    int64_t seconds, nanoseconds; /* of its last change (ctime), which nobody can set back */
    uint64_t fields;
};

/* FNV-1a */
static uint64_t add_to_hash(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static const uint64_t empty_hash = UINT64_C(0xcbf29ce484222325);

static uint64_t hash_of_fields(void)
{
    static const char *const fields[] = {
#define STRUCT(id, names) #id ":" names,
#define FIELD(id, name, paths) #id "." #name ":" paths,
#include "symbols/fields.def"
    };
    uint64_t hash = empty_hash;

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        hash = add_to_hash(hash, fields[i], strlen(fields[i]) + 1);
    return hash;
}

static bool key_of(struct key *ret, int fd)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return false;
    *ret = (struct key){.device = status.st_dev,
                        .inode = status.st_ino,
                        .size = (uint64_t)status.st_size,
                        .seconds = status.st_ctim.tv_sec,
                        .nanoseconds = status.st_ctim.tv_nsec,
                        .fields = hash_of_fields()};
    return true;
}

static void name_entry(char name[NAME_SIZE], const struct key *key, const struct build_id *build_id)
{
    char hex[BUILD_ID_TEXT];

    snprintf(name, NAME_SIZE, "%s-%016" PRIx64 "%s",
             build_id->size ? build_id_print(hex, build_id) : "none",
             add_to_hash(empty_hash, key, sizeof(*key)), suffix);
}

/* The directory */

static bool is_ours_alone(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           !(status.st_mode & (S_IWGRP | S_IWOTH));
}

static int enter(int parent, const char *name, bool make)
{
    if (make)
        (void)!mkdirat(parent, name, 0700);
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && !is_ours_alone(fd)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* XDG's specification: a path that is not absolute is to be ignored. */
static int open_directory(bool make)
{
    const char *base = getenv("XDG_CACHE_HOME");
    char home[4096];

    if (!base || base[0] != '/') {
        const char *user = getenv("HOME");
        if (!user || user[0] != '/' ||
            (size_t)snprintf(home, sizeof(home), "%s/.cache", user) >= sizeof(home))
            return -1;
        base = home;
    }
    if (make)
        (void)!mkdir(base, 0700);
    AUTO_CLOSE int cache = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cache < 0 || !is_ours_alone(cache))
        return -1;
    AUTO_CLOSE int own = enter(cache, "pyinspect", make);
    return own < 0 ? -1 : enter(own, "layouts", make);
}

/* Loading */

static ssize_t read_entry(int directory, const char *name, char *text)
{
    AUTO_CLOSE int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status;
    ssize_t length = 0, got = 0;

    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid())
        return -1;
    while (length < ENTRY_MAX && (got = read(fd, text + length, (size_t)(ENTRY_MAX - length))) > 0)
        length += got;
    return got < 0 ? -1 : length;
}

/* An entry begins with what it is of and where it comes from; a layout table follows. */
#define KEY_FORMAT                                                                                 \
    "pyinspect cache 1\n"                                                                          \
    "file %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 ".%" PRId64 " fields %" PRIx64             \
    " sum %016" PRIx64 "\n"

/* `body`: all that follows. */
static void print_head(struct text *text, const struct key *key, const char *body)
{
    text_addf(text, KEY_FORMAT, key->device, key->inode, key->size, key->seconds, key->nanoseconds,
              key->fields, add_to_hash(empty_hash, body, strlen(body)));
}

/* Returns the line after "NAME ", NUL-terminated in place, and moves *at behind it. */
static const char *read_line(char **at, const char *name)
{
    size_t length = strlen(name);
    char *end = strchr(*at, '\n');
    const char *value = *at + length + 1;

    if (!end || strncmp(*at, name, length) != 0 || (*at)[length] != ' ')
        return NULL;
    *end = '\0';
    *at = end + 1;
    return value;
}

static bool parse_origin(struct layout_origin *origin, char **at)
{
    const char *source = read_line(at, "source");
    const char *file = read_line(at, "from");

    if (!source || !file || strlen(file) >= sizeof(origin->file))
        return false;
    *origin = (struct layout_origin){.cached = true, .same_build = true};
    if (strcmp(source, layout_source_name(LAYOUT_FROM_DWARF)) == 0)
        origin->source = LAYOUT_FROM_DWARF;
    else if (strcmp(source, layout_source_name(LAYOUT_FROM_DEBUG_FILE)) == 0)
        origin->source = LAYOUT_FROM_DEBUG_FILE;
    else
        return false;
    memcpy(origin->file, file, strlen(file) + 1);
    return true;
}

static bool parse_entry(struct layout_candidate *ret, char *entry, const struct key *key,
                        const struct build_id *build_id)
{
    struct layout_origin origin;
    struct text head = {0};
    struct layout_table table;
    struct error ignored;

    char *body = strchr(entry, '\n');
    char *at = body ? strchr(body + 1, '\n') : NULL;
    if (!at)
        return false;
    at++;
    print_head(&head, key, at);
    bool is_same = !head.failed && (size_t)(at - entry) == head.length &&
                   memcmp(entry, head.bytes, head.length) == 0;
    text_free(&head);
    if (!is_same || !parse_origin(&origin, &at) ||
        !layout_table_parse(&table, at, strlen(at), "the cache", &ignored) ||
        (build_id->size && !build_id_equal(&table.build_id, build_id)) ||
        !layout_check(&table.layout, &ignored))
        return false;
    *ret = (struct layout_candidate){
        .layout = table.layout, .addresses = table.addresses, .origin = origin};
    return true;
}

bool layout_cache_load(struct layout_candidate *ret, int fd, const struct build_id *build_id)
{
    AUTO_CLOSE int directory = open_directory(false);
    AUTO_FREE char *entry = malloc(ENTRY_MAX + 1);
    char name[NAME_SIZE];
    struct key key;

    if (directory < 0 || !entry || !key_of(&key, fd))
        return false;
    name_entry(name, &key, build_id);
    ssize_t length = read_entry(directory, name, entry);
    if (length < 0)
        return false;
    entry[length] = '\0';
    return parse_entry(ret, entry, &key, build_id);
}

/* Storing */

/* Or what was left of one, by somebody who was ended in the middle of it. */
static bool is_entry(const char *name)
{
    return strstr(name, suffix) != NULL;
}

/* False where there are not too many. */
static bool remove_oldest(int directory)
{
    int listed = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = listed < 0 ? NULL : fdopendir(listed);
    char oldest[NAME_SIZE] = "";
    struct timespec oldest_time = {0};
    const struct dirent *entry;
    unsigned count = 0;

    if (!entries)
        return false;
    while ((entry = readdir(entries))) {
        struct stat status;
        if (!is_entry(entry->d_name) || strlen(entry->d_name) >= sizeof(oldest) ||
            fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (!count++ || status.st_mtim.tv_sec < oldest_time.tv_sec) {
            oldest_time = status.st_mtim;
            memcpy(oldest, entry->d_name, strlen(entry->d_name) + 1);
        }
    }
    closedir(entries);
    return count > MOST_ENTRIES && unlinkat(directory, oldest, 0) == 0;
}

static void make_room(int directory)
{
    for (int removed = 0; removed < MOST_REMOVED && remove_oldest(directory); removed++)
        ;
}

static void write_entry(int directory, const char *name, const struct text *text)
{
    char temporary[NAME_SIZE + 32];

    snprintf(temporary, sizeof(temporary), "%s.%ld", name, (long)getpid());
    int fd =
        openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    bool wrote = write_all(fd, text->bytes, text->length);
    if (close(fd) != 0 || !wrote || renameat(directory, temporary, directory, name) != 0)
        (void)!unlinkat(directory, temporary, 0);
}

void layout_cache_store(const struct layout_candidate *candidate, int fd,
                        const struct python_file *python)
{
    struct layout_table table = {.version = python->version,
                                 .debug_build = python->debug_build,
                                 .build_id = python->build_id,
                                 .addresses = candidate->addresses,
                                 .layout = candidate->layout};
    AUTO_CLOSE int directory = -1;
    struct text text = {0}, body = {0};
    char name[NAME_SIZE];
    struct key key;

    if (strchr(candidate->origin.file, '\n') || !key_of(&key, fd) ||
        (directory = open_directory(true)) < 0)
        return;
    text_addf(&body, "source %s\nfrom %s\n", layout_source_name(candidate->origin.source),
              candidate->origin.file);
    layout_table_print(&table, &body);
    if (!body.failed) {
        print_head(&text, &key, body.bytes);
        text_add(&text, body.bytes);
    }
    if (!body.failed && !text.failed && text.length <= ENTRY_MAX) {
        name_entry(name, &key, &python->build_id);
        write_entry(directory, name, &text);
        make_room(directory);
    }
    text_free(&text);
    text_free(&body);
}
