// SPDX-License-Identifier: MIT
#include "tests/support/ticker.h"

#include "symbols/base/cleanup.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60 * 1000, SOON_MS = 10 * 1000 };

static void nap(void)
{
    const struct timespec millisecond = {.tv_nsec = 1000000};

    nanosleep(&millisecond, NULL);
}

static void become_ticker(const struct interpreter *python, int ready, int memory,
                          const char *command)
{
    char ready_number[16], memory_number[16];
    const char *seconds = command && command[0] == '/' ? "1000" : NULL; /* for sleep */
    const char *arguments[] = {
        python->path, "tests/targets/ticker.py", ready_number, memory_number, command, seconds,
        NULL};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* fails where there is no Yama */
    fcntl(ready, F_SETFD, 0);
    fcntl(memory, F_SETFD, 0);
    snprintf(ready_number, sizeof(ready_number), "%d", ready);
    snprintf(memory_number, sizeof(memory_number), "%d", memory);
    execv(python->path, (char *const *)(uintptr_t)arguments);
    _exit(127);
}

void ticker_start(struct ticker *ret, const struct interpreter *python, const char *command)
{
    struct ticker ticker;
    int ready[2];
    char line[8];
    AUTO_CLOSE int memory = memfd_create("ticks", MFD_CLOEXEC);

    cr_assert(memory >= 0 && ftruncate(memory, sizeof(uint64_t)) == 0);
    cr_assert(pipe2(ready, O_CLOEXEC) == 0);
    ticker.count = mmap(NULL, sizeof(uint64_t), PROT_READ, MAP_SHARED, memory, 0);
    cr_assert(ticker.count != MAP_FAILED);
    ticker.pid = fork();
    cr_assert(ticker.pid >= 0);
    if (ticker.pid == 0)
        become_ticker(python, ready[1], memory, command);
    close(ready[1]);

    struct pollfd waiting = {.fd = ready[0], .events = POLLIN};
    cr_assert(poll(&waiting, 1, PATIENCE_MS) == 1 && read(ready[0], line, sizeof(line)) == 6,
              "%s does not come up", python->name);
    close(ready[0]);
    *ret = ticker;
}

void ticker_end(struct ticker *ticker)
{
    kill(ticker->pid, SIGKILL);
    waitpid(ticker->pid, NULL, 0);
    munmap((void *)(uintptr_t)ticker->count, sizeof(uint64_t));
}

bool ticker_runs(const struct ticker *ticker)
{
    uint64_t before = *ticker->count;

    for (int i = 0; i < SOON_MS; i++) {
        if (*ticker->count > before + 1)
            return true;
        nap();
    }
    return false;
}

static void read_status(pid_t pid, char *text, size_t size)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    AUTO_FCLOSE FILE *file = fopen(path, "re");
    size_t length = file ? fread(text, 1, size - 1, file) : 0;
    text[length] = '\0';
}

char process_state(pid_t pid)
{
    char text[4096];

    read_status(pid, text, sizeof(text));
    const char *state = strstr(text, "\nState:\t");
    return state ? state[8] : '?';
}

pid_t process_tracer(pid_t pid)
{
    char text[4096];

    read_status(pid, text, sizeof(text));
    const char *tracer = strstr(text, "\nTracerPid:\t");
    return tracer ? (pid_t)strtol(tracer + 12, NULL, 10) : -1;
}

bool process_reaches(pid_t pid, const char *states)
{
    for (int i = 0; i < SOON_MS; i++) {
        if (strchr(states, process_state(pid)))
            return true;
        nap();
    }
    return false;
}
