// SPDX-License-Identifier: MIT
#include "tests/support/puppet.h"

#include "symbols/base/clock.h"
#include "tests/support/ticker.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20 * 1000, HUGE_BYTES = 2 * 1024 * 1024, PAGE_BYTES = 4096 };

enum act {
    ACT_MAP,
    ACT_MAP_FILE,
    ACT_FILL,
    ACT_PUT,
    ACT_UNMAP,
    ACT_DROP,
    ACT_FORBID,
    ACT_RACE,
    ACT_SLEEP,
    ACT_WAKE
};

struct order {
    enum act act;
    uint64_t address, size, value;
    char path[256];
};

struct puppet_shared {
    _Atomic uint64_t beats;
    _Atomic uint64_t gap_nanoseconds;
    _Atomic int sleeper; /* the tid of the thread that calls vfork */
};

/* What the puppet's threads know; each process has its own. */
struct stage {
    struct puppet_shared *shared;
    volatile uint64_t *first, *second;
    int wake[2];
};

static void *beat(void *argument)
{
    struct puppet_shared *shared = argument;
    double last = clock_milliseconds();

    for (;;) {
        double now = clock_milliseconds();
        uint64_t gap = (uint64_t)((now - last) * 1e6);
        if (gap > atomic_load(&shared->gap_nanoseconds))
            atomic_store(&shared->gap_nanoseconds, gap);
        atomic_fetch_add(&shared->beats, 1);
        last = now;
        clock_sleep(0.2); /* one that spins slows down the others that it is to watch */
    }
    return NULL;
}

static void *race(void *argument)
{
    const struct stage *stage = argument;

    for (uint64_t n = 1;; n++) {
        *stage->first = n;
        atomic_thread_fence(memory_order_seq_cst);
        *stage->second = n;
        atomic_thread_fence(memory_order_seq_cst);
    }
    return NULL;
}

static void *sleep_in_vfork(void *argument)
{
    const struct stage *stage = argument;
    char byte;

    atomic_store(&stage->shared->sleeper, (int)syscall(SYS_gettid));
    pid_t child = vfork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(read(stage->wake[0], &byte, 1) == 1 ? 0 : 1);
    }
    waitpid(child, NULL, 0);
    return NULL;
}

static void start_thread(void *(*work)(void *), void *argument)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, work, argument) != 0 || pthread_detach(thread) != 0)
        _exit(1);
}

/* Between two pieces of memory that nobody may read: neighbours would be one mapping with it. */
static uint8_t *place(uint64_t size, uint64_t offset)
{
    size_t around = size + offset + 3 * (size_t)HUGE_BYTES;
    uint8_t *room =
        mmap(NULL, around, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (room == MAP_FAILED)
        _exit(1);
    return room + HUGE_BYTES + (HUGE_BYTES - (uintptr_t)room % HUGE_BYTES) % HUGE_BYTES + offset;
}

static uint64_t map(const struct order *order)
{
    uint8_t *at = place(order->size, order->value);

    madvise(at, order->size, MADV_NOHUGEPAGE); /* not every kernel has them */
    if (mprotect(at, order->size, PROT_READ | PROT_WRITE) != 0)
        _exit(1);
    return (uint64_t)(uintptr_t)at;
}

static uint64_t map_file(const struct order *order)
{
    int fd = open(order->path, O_RDWR | O_CLOEXEC);
    int flags = order->value ? MAP_SHARED : MAP_PRIVATE;
    void *at =
        mmap(place(order->size, 0), order->size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);

    if (fd < 0 || at == MAP_FAILED || madvise(at, order->size, MADV_RANDOM) != 0)
        _exit(1);
    close(fd);
    return (uint64_t)(uintptr_t)at;
}

static uint64_t word_of(uint64_t address, uint64_t value)
{
    return address ^ value * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t obey(struct stage *stage, const struct order *order)
{
    uint64_t *at = (uint64_t *)(uintptr_t)order->address;

    switch (order->act) {
    case ACT_MAP:
        return map(order);
    case ACT_MAP_FILE:
        return map_file(order);
    case ACT_FILL:
        for (uint64_t i = 0; i < order->size / 8; i++)
            at[i] = word_of(order->address + i * 8, order->value);
        return 0;
    case ACT_PUT:
        *at = order->value;
        return 0;
    case ACT_UNMAP:
        return (uint64_t)munmap(at, order->size);
    case ACT_DROP:
        return (uint64_t)madvise(at, order->size, MADV_DONTNEED);
    case ACT_FORBID:
        return (uint64_t)mprotect(at, order->size, PROT_NONE);
    case ACT_RACE:
        stage->first = at;
        stage->second = (uint64_t *)(uintptr_t)order->value;
        start_thread(race, stage);
        while (*stage->second == 0) /* a thread that starts takes memory */
            sched_yield();
        return 0;
    case ACT_SLEEP:
        start_thread(sleep_in_vfork, stage);
        return 0;
    case ACT_WAKE:
        return write(stage->wake[1], "x", 1) != 1;
    }
    return 1;
}

static void perform(struct puppet_shared *shared, int orders)
{
    struct stage stage = {.shared = shared};
    struct order order;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* fails where there is no Yama */
    if (pipe2(stage.wake, O_CLOEXEC) != 0)
        _exit(1);
    start_thread(beat, shared);
    while (recv(orders, &order, sizeof(order), 0) == sizeof(order)) {
        uint64_t answer = obey(&stage, &order);
        if (send(orders, &answer, sizeof(answer), 0) != sizeof(answer))
            break;
    }
    _exit(0);
}

static uint64_t tell(const struct puppet *puppet, const struct order *order)
{
    struct pollfd waiting = {.fd = puppet->orders, .events = POLLIN};
    uint64_t answer = 0;

    cr_assert_eq(send(puppet->orders, order, sizeof(*order), MSG_NOSIGNAL), sizeof(*order));
    cr_assert(poll(&waiting, 1, PATIENCE_MS) == 1 &&
                  recv(puppet->orders, &answer, sizeof(answer), 0) == sizeof(answer),
              "the puppet does not answer");
    return answer;
}

static void tell_done(const struct puppet *puppet, const struct order *order)
{
    cr_assert_eq(tell(puppet, order), 0);
}

void puppet_start(struct puppet *ret)
{
    int sockets[2];

    *ret = (struct puppet){.pid = 0};
    ret->shared =
        mmap(NULL, sizeof(*ret->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert(ret->shared != MAP_FAILED);
    cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0);
    ret->orders = sockets[0];
    ret->pid = fork();
    cr_assert(ret->pid >= 0);
    if (ret->pid == 0) {
        close(sockets[0]);
        perform(ret->shared, sockets[1]);
    }
    close(sockets[1]);
    cr_assert(puppet_runs(ret));
}

void puppet_end(struct puppet *puppet)
{
    kill(puppet->pid, SIGKILL);
    waitpid(puppet->pid, NULL, 0);
    close(puppet->orders);
    munmap(puppet->shared, sizeof(*puppet->shared));
}

uint64_t puppet_map(struct puppet *puppet, uint64_t size, uint64_t offset)
{
    cr_assert(size % PAGE_BYTES == 0 && offset % PAGE_BYTES == 0);
    return tell(puppet, &(struct order){.act = ACT_MAP, .size = size, .value = offset});
}

uint64_t puppet_map_file(struct puppet *puppet, const char *path, uint64_t size, bool shared)
{
    struct order order = {.act = ACT_MAP_FILE, .size = size, .value = shared};

    cr_assert_lt(strlen(path), sizeof(order.path));
    memcpy(order.path, path, strlen(path));
    return tell(puppet, &order);
}

void puppet_fill(struct puppet *puppet, uint64_t address, uint64_t size, uint64_t value)
{
    tell_done(puppet, &(struct order){ACT_FILL, address, size, value, ""});
}

bool puppet_wrote(const void *bytes, uint64_t address, uint64_t size, uint64_t value)
{
    for (uint64_t i = 0; bytes && i < size; i += 8) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)bytes + i, sizeof(word));
        if (word != word_of(address + i, value))
            return false;
    }
    return bytes != NULL;
}

void puppet_put(struct puppet *puppet, uint64_t address, uint64_t word)
{
    tell_done(puppet, &(struct order){ACT_PUT, address, 8, word, ""});
}

void puppet_unmap(struct puppet *puppet, uint64_t address, uint64_t size)
{
    tell_done(puppet, &(struct order){ACT_UNMAP, address, size, 0, ""});
}

void puppet_drop(struct puppet *puppet, uint64_t address, uint64_t size)
{
    tell_done(puppet, &(struct order){ACT_DROP, address, size, 0, ""});
}

void puppet_forbid(struct puppet *puppet, uint64_t address, uint64_t size)
{
    tell_done(puppet, &(struct order){ACT_FORBID, address, size, 0, ""});
}

void puppet_race(struct puppet *puppet, uint64_t first, uint64_t second)
{
    tell_done(puppet, &(struct order){ACT_RACE, first, 8, second, ""});
}

void puppet_sleep(struct puppet *puppet)
{
    tell_done(puppet, &(struct order){.act = ACT_SLEEP});
    for (int i = 0; i < PATIENCE_MS && !atomic_load(&puppet->shared->sleeper); i++)
        clock_sleep(1);
    cr_assert(process_reaches(atomic_load(&puppet->shared->sleeper), "D"));
}

void puppet_wake(struct puppet *puppet)
{
    tell_done(puppet, &(struct order){.act = ACT_WAKE});
}

uint64_t puppet_beats(const struct puppet *puppet)
{
    return atomic_load(&puppet->shared->beats);
}

bool puppet_runs(const struct puppet *puppet)
{
    uint64_t before = puppet_beats(puppet);

    for (int i = 0; i < PATIENCE_MS / 2; i++) {
        if (puppet_beats(puppet) > before + 1)
            return true;
        clock_sleep(1);
    }
    return false;
}

double puppet_gap(struct puppet *puppet)
{
    return (double)atomic_exchange(&puppet->shared->gap_nanoseconds, 0) / 1e6;
}
