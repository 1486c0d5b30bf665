// SPDX-License-Identifier: MIT
#include "tests/support/ticker.h"

#include "symbols/base/clock.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 60 * 1000, SOON_MS = 10 * 1000 };

static void become_ticker(const struct interpreter *python, int ready, const struct ticker *ticker,
                          const char *command)
{
    char numbers[3][16];
    const int fds[3] = {ready, ticker->memory_fd, ticker->wakeup_fd};
    const char *seconds = command && command[0] == '/' ? "1000" : NULL; /* for sleep */
    const char *arguments[] = {python->path, "tests/targets/ticker.py",
                               numbers[0],   numbers[1],
                               numbers[2],   command,
                               seconds,      NULL};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* fails where there is no Yama */
    for (int i = 0; i < 3; i++) {
        fcntl(fds[i], F_SETFD, 0);
        snprintf(numbers[i], sizeof(numbers[i]), "%d", fds[i]);
    }
    execv(python->path, (char *const *)(uintptr_t)arguments);
    _exit(127);
}

bool ticker_start_as(struct ticker *ret, const struct interpreter *python, const char *command,
                     pid_t pid)
{
    struct ticker ticker = {.memory_fd = memfd_create("words", MFD_CLOEXEC),
                            .wakeup_fd = memfd_create("wakeups", MFD_CLOEXEC)};
    const size_t size = TICKER_WORDS * sizeof(uint64_t);
    int ready[2];
    char line[8];

    cr_assert(ticker.memory_fd >= 0 && ftruncate(ticker.memory_fd, (off_t)size) == 0);
    cr_assert(ticker.wakeup_fd >= 0 && fcntl(ticker.wakeup_fd, F_SETFL, O_NONBLOCK) == 0);
    cr_assert(pipe2(ready, O_CLOEXEC) == 0);
    ticker.words = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ticker.memory_fd, 0);
    cr_assert(ticker.words != MAP_FAILED);
    ticker.pid = process_fork_as(pid);
    if (ticker.pid == 0)
        become_ticker(python, ready[1], &ticker, command);
    close(ready[1]);
    if (ticker.pid < 0) {
        cr_assert(pid, "cannot fork");
        return false;
    }

    struct pollfd waiting = {.fd = ready[0], .events = POLLIN};
    cr_assert(poll(&waiting, 1, PATIENCE_MS) == 1 && read(ready[0], line, sizeof(line)) == 6,
              "%s does not come up", python->name);
    close(ready[0]);
    *ret = ticker;
    return true;
}

void ticker_start(struct ticker *ret, const struct interpreter *python, const char *command)
{
    ticker_start_as(ret, python, command, 0);
}

void ticker_end(struct ticker *ticker)
{
    kill(ticker->pid, SIGKILL);
    waitpid(ticker->pid, NULL, 0);
    munmap((void *)(uintptr_t)ticker->words, TICKER_WORDS * sizeof(uint64_t));
    close(ticker->memory_fd);
    close(ticker->wakeup_fd);
}

uint64_t ticker_count(const struct ticker *ticker)
{
    return ticker->words[TICKER_COUNT];
}

uint64_t ticker_wakeups(const struct ticker *ticker)
{
    struct stat file;

    return fstat(ticker->wakeup_fd, &file) == 0 ? (uint64_t)file.st_size : 0;
}

bool ticker_runs(const struct ticker *ticker)
{
    uint64_t before = ticker_count(ticker);

    for (int i = 0; i < SOON_MS; i++) {
        if (ticker_count(ticker) > before + 1)
            return true;
        clock_sleep(1);
    }
    return false;
}
