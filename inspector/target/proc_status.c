// SPDX-License-Identifier: MIT
#include "inspector/target/proc_status.h"

#include "symbols/base/cleanup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ssize_t proc_file_read(int proc, const char *name, char *text, size_t size)
{
    AUTO_CLOSE int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t got = -1;

    while (fd >= 0 && length < size - 1 && (got = read(fd, text + length, size - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = '\0';
    return got < 0 ? -1 : (ssize_t)length;
}

void proc_command_read(int proc, char *text, size_t size)
{
    ssize_t length = proc_file_read(proc, "cmdline", text, size);

    while (length > 0 && !text[length - 1])
        length--;
    for (ssize_t i = 0; i < length; i++) {
        if (!text[i])
            text[i] = ' ';
    }
    text[length > 0 ? length : 0] = '\0';
}

bool proc_stat_read(int proc, struct proc_stat *ret)
{
    char text[1024];
    struct proc_stat stat = {0};

    if (proc_file_read(proc, "stat", text, sizeof(text)) <= 0)
        return false;
    /* The name stands in parentheses and may hold some: the last one ends it. */
    const char *open = strchr(text, '(');
    const char *close = strrchr(text, ')');
    if (!open || !close || close < open ||
        sscanf(close + 1,
               " %c %d %*d %*d %*d %*d %lu %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
               "%" SCNu64 " %*u %*d %*u %*u %*u %" SCNu64,
               &stat.state, &stat.parent, &stat.flags, &stat.start_time, &stat.stack_start) != 5)
        return false;
    snprintf(stat.name, sizeof(stat.name), "%.*s", (int)(close - open - 1), open + 1);
    *ret = stat;
    return true;
}

static const char *field(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at ? at + strlen(name) : NULL;
}

/* "NStgid: 4711 12 1": a number for each PID namespace from the reader's inwards. */
static pid_t innermost(const char *numbers)
{
    const char *at = numbers;
    char *end;
    long last = 0;
    int count = 0;

    for (;; at = end, count++) {
        while (*at == ' ' || *at == '\t')
            at++;
        if (*at < '0' || *at > '9')
            break;
        last = strtol(at, &end, 10);
    }
    return count > 1 ? (pid_t)last : 0;
}

bool proc_status_read(int proc, struct proc_status *ret)
{
    char text[8192];
    struct proc_status status = {.uid = -1};
    const char *at;

    if (proc_file_read(proc, "status", text, sizeof(text)) <= 0)
        return false;
    if ((at = field(text, "\nTgid:")))
        status.process = (pid_t)strtol(at, NULL, 10);
    if ((at = field(text, "\nNStgid:")))
        status.inner_process = innermost(at);
    if ((at = field(text, "\nTracerPid:")))
        status.tracer = (pid_t)strtol(at, NULL, 10);
    if ((at = field(text, "\nUid:")))
        sscanf(at, "%*d %ld", &status.uid);
    if ((at = field(text, "\nCapEff:")))
        status.capabilities = strtoull(at, NULL, 16);
    if ((at = field(text, "\nNoNewPrivs:")))
        status.no_new_privileges = strtol(at, NULL, 10) != 0;
    if ((at = field(text, "\nVmRSS:")))
        status.resident_bytes = strtoull(at, NULL, 10) * 1024;
    if ((at = field(text, "\nThreads:")))
        status.threads = (unsigned)strtoul(at, NULL, 10);
    if ((at = field(text, "\nSeccomp:")))
        status.seccomp = (int)strtol(at, NULL, 10);
    *ret = status;
    return true;
}
