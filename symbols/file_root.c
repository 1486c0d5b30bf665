// SPDX-License-Identifier: MIT
#include "symbols/debug_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_own_root(int fd)
{
    struct stat given, own;

    return fstat(fd, &given) == 0 && stat("/", &own) == 0 && given.st_dev == own.st_dev &&
           given.st_ino == own.st_ino;
}

static int open_below(const struct file_root *root, const char *path)
{
    /* O_NONBLOCK: opening a FIFO would wait for its writer. */
    const struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
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
    int fd = open_below(root, path);
    struct stat status;

    if (fd < 0)
        return -1;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}
