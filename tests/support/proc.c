// SPDX-License-Identifier: MIT
#include "tests/support/proc.h"

#include "symbols/base/cleanup.h"
#include "symbols/base/clock.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SOON_MS = 10 * 1000, PIECE = 65536 };

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
        clock_sleep(1);
    }
    return false;
}

bool process_threads_are(pid_t pid, const char *states)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    bool are = tasks != NULL;
    for (const struct dirent *entry; are && (entry = readdir(tasks));)
        are = entry->d_name[0] == '.' ||
              strchr(states, process_state((pid_t)strtol(entry->d_name, NULL, 10)));
    if (tasks)
        closedir(tasks);
    return are;
}

bool process_is_unremarkable(pid_t pid)
{
    int status;

    return waitpid(pid, &status, WNOHANG | WUNTRACED | WCONTINUED) == 0;
}

char *process_file(pid_t pid, const char *name)
{
    char path[128], *text = NULL;
    size_t length = 0, got;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    AUTO_FCLOSE FILE *file = fopen(path, "re");
    cr_assert(file, "cannot open %s", path);
    do {
        text = realloc(text, length + PIECE + 1);
        cr_assert_not_null(text);
        got = fread(text + length, 1, PIECE, file);
        length += got;
    } while (got);
    text[length] = '\0';
    return text;
}

pid_t process_fork_as(pid_t wanted)
{
    struct clone_args arguments = {
        .exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&wanted, .set_tid_size = 1};

    return wanted ? (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments)) : fork();
}

pid_t process_fork_into(int namespaces)
{
    struct clone_args arguments = {.flags = (uint64_t)namespaces, .exit_signal = SIGCHLD};

    return namespaces ? (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments)) : fork();
}
