// SPDX-License-Identifier: MIT
#include "symbols/base/replaced_file.h"

#include "symbols/base/cleanup.h"
#include "symbols/base/write_all.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK ".pyinspect-"

enum {
    DIGITS = 8,
    ATTEMPTS = 100,
    NAME_KEPT = NAME_MAX - (int)sizeof(MARK) - DIGITS, /* of a long name, in a temporary one */
    DESCRIPTOR_PATH = 32,
};

/* The kernel follows links, as it would for anybody else (fs.protected_symlinks), and then tells
 * where they led. */
static bool resolve(int fd, char resolved[PATH_MAX])
{
    char descriptor[DESCRIPTOR_PATH];

    snprintf(descriptor, sizeof(descriptor), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(descriptor, resolved, PATH_MAX - 1);
    if (length < 0)
        return false;
    resolved[length] = '\0';
    if (length < PATH_MAX - 1 && resolved[0] == '/')
        return true;
    errno = ENAMETOOLONG;
    return false;
}

/* An O_PATH descriptor, which opens no device and waits for nobody. */
static int look_at(const char *path, char resolved[PATH_MAX])
{
    struct stat status;
    int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        return -1;
    if (fstat(fd, &status) == 0 && resolve(fd, resolved)) {
        if (S_ISREG(status.st_mode))
            return fd;
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    }
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

int replaced_file_open_regular(const char *path, char *resolved)
{
    char descriptor[DESCRIPTOR_PATH];
    AUTO_CLOSE int looked = look_at(path, resolved);

    if (looked < 0)
        return -1;
    snprintf(descriptor, sizeof(descriptor), "/proc/self/fd/%d", looked);
    return open(descriptor, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* -1: it cannot be read. */
static ssize_t read_beginning(int fd, char *bytes, size_t length)
{
    size_t at = 0;

    while (at < length) {
        ssize_t got = TEMP_FAILURE_RETRY(read(fd, bytes + at, length - at));
        if (got < 0)
            return -1;
        if (!got)
            break;
        at += (size_t)got;
    }
    return (ssize_t)at;
}

bool replaced_file_is_ours(const char *path, const char *beginning, const char *kind,
                           struct error *err)
{
    char resolved[PATH_MAX], bytes[512];
    size_t wanted = strnlen(beginning, sizeof(bytes));
    AUTO_CLOSE int fd = replaced_file_open_regular(path, resolved);

    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0 && errno == EINVAL)
        return error_set(err, ERROR_OUTPUT, "cannot write %s: it is not a regular file", path);
    ssize_t length = fd < 0 ? -1 : read_beginning(fd, bytes, wanted);
    if (length < 0)
        return error_errno(err, ERROR_OUTPUT, "cannot write %s: cannot tell whose file it is",
                           path);
    return !length || ((size_t)length == wanted && memcmp(bytes, beginning, wanted) == 0) ||
           error_set(err, ERROR_USAGE,
                     "%s is there already, and is no %s that pyinspect wrote: it is not replaced; "
                     "name another file, or remove this one",
                     path, kind);
}

bool replaced_file_is_same(const char *path, const char *other)
{
    struct stat one, another;

    return strcmp(path, other) == 0 ||
           (stat(path, &one) == 0 && stat(other, &another) == 0 && one.st_dev == another.st_dev &&
            one.st_ino == another.st_ino);
}

static bool find_place(struct replaced_file *file, const char *path, struct error *err)
{
    struct stat status;
    AUTO_CLOSE int looked = look_at(path, file->path);

    if (looked >= 0)
        return true;
    if (errno == EINVAL)
        return error_set(err, ERROR_OUTPUT, "cannot write %s: it is not a regular file", path);
    if (errno != ENOENT)
        return error_errno(err, ERROR_OUTPUT, "cannot write %s", path);
    if (lstat(path, &status) == 0)
        return error_set(err, ERROR_OUTPUT,
                         "cannot write %s: it is a symbolic link to a file that is not there",
                         path);
    size_t length = strlen(path);
    if (length >= sizeof(file->path)) {
        errno = ENAMETOOLONG;
        return error_errno(err, ERROR_OUTPUT, "cannot write %s", path);
    }
    memcpy(file->path, path, length + 1);
    return true;
}

static const char *name_in(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The directory of a path: what stands before its name, "" for the current one. */
static int open_directory(const char *path)
{
    char directory[PATH_MAX];
    size_t length = (size_t)(name_in(path) - path);

    memcpy(directory, path, length);
    directory[length] = '\0';
    return open(length ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool is_temporary_of(const char *entry, const char *name)
{
    size_t kept = strnlen(name, NAME_KEPT);

    return strncmp(entry, name, kept) == 0 && strncmp(entry + kept, MARK, strlen(MARK)) == 0 &&
           strspn(entry + kept + strlen(MARK), "0123456789abcdef") == DIGITS &&
           entry[kept + strlen(MARK) + DIGITS] == '\0';
}

/* Whoever writes a temporary file holds a lock on it, which ends with him. */
static void remove_left_over(int directory, const char *entry)
{
    struct stat status;
    AUTO_CLOSE int fd =
        openat(directory, entry, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0)
        (void)!unlinkat(directory, entry, 0);
}

static void remove_left_overs(const char *path)
{
    int fd = open_directory(path);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!directory) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(directory)))
        if (is_temporary_of(entry->d_name, name_in(path)))
            remove_left_over(dirfd(directory), entry->d_name);
    closedir(directory);
}

/* Locked before anybody else could take it for a left-over one, or made anew. */
static int make_temporary(struct replaced_file *file, mode_t mode)
{
    const char *name = name_in(file->path);
    int before_name = (int)(name - file->path);

    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        uint32_t number;
        struct stat status;
        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
            return -1;
        int length = snprintf(file->temporary, sizeof(file->temporary), "%.*s%.*s" MARK "%08x",
                              before_name, file->path, NAME_KEPT, name, number);
        if (length >= (int)sizeof(file->temporary)) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(file->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0 && errno != EEXIST)
            return -1;
        if (fd < 0)
            continue;
        bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
        if (locked && fstat(fd, &status) == 0 && status.st_nlink > 0)
            return fd;
        close(fd);
    }
    errno = EEXIST;
    return -1;
}

bool replaced_file_begin(struct replaced_file *file, const char *path, mode_t mode,
                         struct error *err)
{
    if (!find_place(file, path, err))
        return false;
    remove_left_overs(file->path);
    file->fd = make_temporary(file, mode);
    return file->fd >= 0 || error_errno(err, ERROR_OUTPUT, "cannot write %s", path);
}

void replaced_file_abandon(struct replaced_file *file)
{
    if (file->fd < 0)
        return;
    (void)!unlink(file->temporary);
    close(file->fd);
    file->fd = -1;
}

/* The new name is on disk too. A directory that cannot be opened or synced has no other way. */
static void sync_directory(const char *path)
{
    AUTO_CLOSE int fd = open_directory(path);

    if (fd >= 0)
        (void)!fsync(fd);
}

/* A file system that cannot refuse to replace is asked first. */
static bool rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    if (access(to, F_OK) == 0) {
        errno = EEXIST;
        return false;
    }
    return rename(from, to) == 0;
}

static bool commit(struct replaced_file *file, bool is_new, struct error *err)
{
    if (fsync(file->fd) != 0 || !(is_new ? rename_new(file->temporary, file->path)
                                         : rename(file->temporary, file->path) == 0)) {
        int why = errno;
        replaced_file_abandon(file);
        errno = why;
        return error_errno(err, ERROR_OUTPUT, "cannot write %s", file->path);
    }
    sync_directory(file->path);
    close(file->fd);
    file->fd = -1;
    return true;
}

bool replaced_file_commit(struct replaced_file *file, struct error *err)
{
    return commit(file, false, err);
}

bool replaced_file_commit_new(struct replaced_file *file, struct error *err)
{
    return commit(file, true, err);
}

bool replaced_file_write(const char *path, mode_t mode, const char *bytes, size_t length,
                         struct error *err)
{
    struct replaced_file file;

    if (!replaced_file_begin(&file, path, mode, err))
        return false;
    if (!write_all(file.fd, bytes, length)) {
        int why = errno;
        replaced_file_abandon(&file);
        errno = why;
        return error_errno(err, ERROR_OUTPUT, "cannot write %s", path);
    }
    return replaced_file_commit(&file, err);
}
