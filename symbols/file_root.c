// SPDX-License-Identifier: MIT
#include "symbols/file_root.h"

#include "symbols/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_own_root(int fd)
{
    struct stat given, own;

    return fstat(fd, &given) == 0 && stat("/", &own) == 0 && given.st_dev == own.st_dev &&
           given.st_ino == own.st_ino;
}

static int find_in_store(const struct file_root *root, const char *path)
{
    while (*path == '/')
        path++;
    return openat(root->fd, path, O_PATH | O_CLOEXEC);
}

/* O_PATH: a FIFO or a device does not notice that it was looked at. */
static int find_below(const struct file_root *root, const char *path)
{
    const struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    int fd = (int)syscall(SYS_openat2, root->fd, path, &how, sizeof(how));

    /* Sandboxes that do not know openat2 answer EPERM. */
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
        return fd;
    if (path[0] != '/' || !is_own_root(root->fd)) {
        errno = ENOSYS;
        return -1;
    }
    return open(path, (int)how.flags);
}

int file_root_open(const struct file_root *root, const char *path)
{
    if (root->sandbox)
        return sandbox_ask(root->sandbox, root->place, path);
    AUTO_CLOSE int place = root->is_store ? find_in_store(root, path) : find_below(root, path);

    return place < 0 ? -1 : file_reopen(place);
}

int file_reopen(int place)
{
    struct stat status;
    char link[64];

    if (fstat(place, &status) != 0 || !S_ISREG(status.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    snprintf(link, sizeof(link), "/proc/self/fd/%d", place);
    return open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}
