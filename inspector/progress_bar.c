// SPDX-License-Identifier: MIT
#include "inspector/progress_bar.h"

#include "inspector/report/render.h"
#include "symbols/base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_MS = 1000, NEXT_MS = 100, BAR_WIDTH = 30 };

struct progress_bar {
    struct progress *progress;
    int fd;
    pthread_t thread;
    pthread_mutex_t lock; /* guards `over` */
    pthread_cond_t changed;
    bool over;
};

/* True when the work is over, false when the time is up. */
static bool wait_for_end(struct progress_bar *bar, long milliseconds)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&bar->lock);
    while (!bar->over && pthread_cond_timedwait(&bar->changed, &bar->lock, &until) != ETIMEDOUT)
        ;
    bool over = bar->over;
    pthread_mutex_unlock(&bar->lock);
    return over;
}

static void show(const struct progress_bar *bar)
{
    const char *phase = atomic_load(&bar->progress->phase);
    uint64_t done = atomic_load(&bar->progress->done);
    uint64_t total = atomic_load(&bar->progress->total);
    char line[160], count[32], filled[BAR_WIDTH + 1];

    if (!phase)
        return;
    if (done > total)
        total = 0; /* more than was expected: a bar would lie */
    size_t width = total ? (size_t)((double)done / (double)total * BAR_WIDTH) : 0;
    memset(filled, '#', width);
    filled[width] = '\0';
    int length =
        !total && !done ? snprintf(line, sizeof(line), "\r%s...\033[K", phase)
        : total ? snprintf(line, sizeof(line), "\r%s [%-*s] %s\033[K", phase, BAR_WIDTH, filled,
                           format_count(count, done))
                : snprintf(line, sizeof(line), "\r%s: %s\033[K", phase, format_count(count, done));
    if (write(bar->fd, line, (size_t)length) < 0)
        return; /* nobody to show it to */
}

static void *run(void *argument)
{
    struct progress_bar *bar = argument;
    bool shown = false;

    for (long wait = FIRST_MS; !wait_for_end(bar, wait); wait = NEXT_MS) {
        show(bar);
        shown = true;
    }
    if (shown && write(bar->fd, "\r\033[K", 4) < 0)
        return NULL;
    return NULL;
}

struct progress_bar *progress_bar_start(struct progress *progress, int fd)
{
    struct progress_bar *bar = isatty(fd) ? calloc(1, sizeof(*bar)) : NULL;
    pthread_condattr_t attributes;

    if (!bar)
        return NULL;
    bar->progress = progress;
    bar->fd = fd;
    pthread_mutex_init(&bar->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&bar->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (thread_start(&bar->thread, run, bar))
        return bar;
    free(bar);
    return NULL;
}

void progress_bar_stop(struct progress_bar *bar)
{
    if (!bar)
        return;
    pthread_mutex_lock(&bar->lock);
    bar->over = true;
    pthread_cond_signal(&bar->changed);
    pthread_mutex_unlock(&bar->lock);
    pthread_join(bar->thread, NULL);
    pthread_cond_destroy(&bar->changed);
    pthread_mutex_destroy(&bar->lock);
    free(bar);
}
