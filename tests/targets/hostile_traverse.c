// SPDX-License-Identifier: MIT
/*
 * Types whose tp_traverse does what it should not: a shared library that needs no header of Python,
 * so one build serves all versions. tests/targets/judging/hostile.py loads it with ctypes.
 *
 *     cc -shared -fPIC -O1 -o hostile.so hostile_traverse.c -lpthread
 *
 * As long as `armed` is 0 all of them are well-behaved, and what the target itself does harms
 * nobody. A thread beats into a file, so that a target that was stopped, killed or written into is
 * found out.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

typedef struct object object;
typedef int visit_function(object *object, void *context);

struct object {
    intptr_t count;
    object *type;
    object *held[4];
};

/* The stable ABI. */
struct slot {
    int slot;
    void *function;
};

struct spec {
    const char *name;
    int basicsize, itemsize;
    unsigned flags;
    struct slot *slots;
};

enum { SLOT_TRAVERSE = 71, HAS_GC = 1 << 14, IS_BASE = 1 << 10, DEFAULT = 1 << 18 };

object *PyType_FromSpecWithBases(struct spec *spec, object *bases);

/* Looked up by name. */
object *hostile_type(const char *name, object *base, int basicsize);
const char *hostile_name(unsigned number);
int hostile_start(const char *directory);
extern volatile int armed;

volatile int armed;

static char made[4096];                 /* the path of a file that must never be */
static volatile int the_target;         /* its PID */
static volatile uint64_t precious[512]; /* what is written into is noticed */
static uint64_t *volatile beats;
static volatile uint64_t nothing;

static long call(long number, long a, long b, long c, long d)
{
    long ret;
    register long r10 __asm__("r10") = d;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return ret;
}

static int behave(object *self, visit_function *visit, void *context)
{
    return visit(self->type, context);
}

/* What follows is what it does when it is armed. */
#define TRAVERSE(name)                                                                             \
    static int name##_armed(object *self, visit_function *visit, void *context);                   \
    static int name(object *self, visit_function *visit, void *context)                            \
    {                                                                                              \
        return (armed ? name##_armed : behave)(self, visit, context);                              \
    }                                                                                              \
    static int name##_armed(object *self, visit_function *visit, void *context)

/* It asks for something that only a system call can give. */

TRAVERSE(opens)
{
    call(SYS_open, (long)made, O_CREAT | O_WRONLY, 0600, 0);
    return visit(self->type, context);
}

TRAVERSE(kills_the_target)
{
    call(SYS_kill, the_target, SIGKILL, 0, 0);
    return visit(self->type, context);
}

TRAVERSE(kills_its_parent)
{
    call(SYS_kill, call(SYS_getppid, 0, 0, 0, 0), SIGKILL, 0, 0);
    return visit(self->type, context);
}

TRAVERSE(forks)
{
    if (call(SYS_fork, 0, 0, 0, 0) == 0)
        call(SYS_open, (long)made, O_CREAT | O_WRONLY, 0600, 0);
    return visit(self->type, context);
}

TRAVERSE(executes)
{
    const char *const words[] = {"/bin/touch", made, NULL};

    call(SYS_execve, (long)words[0], (long)words, 0, 0);
    return visit(self->type, context);
}

TRAVERSE(writes_into_the_target)
{
    uint64_t bytes = 0;
    struct iovec from = {&bytes, sizeof(bytes)}, to = {(void *)(uintptr_t)precious, sizeof(bytes)};

    (void)call(SYS_process_vm_writev, the_target, (long)&from, 1, (long)&to);
    return visit(self->type, context);
}

TRAVERSE(calls_as_32_bits)
{
    long ret;

    __asm__ volatile("int $0x80" : "=a"(ret) : "a"(37L), "b"((long)the_target), "c"(9L) : "memory");
    return visit(self->type, context);
}

TRAVERSE(maps_memory)
{
    call(SYS_mprotect, (long)self & -4096L, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, 0);
    return visit(self->type, context);
}

/* The only calls that strict seccomp leaves. */

TRAVERSE(exits)
{
    call(SYS_exit, 0, 0, 0, 0);
    return visit(self->type, context);
}

TRAVERSE(writes_everywhere)
{
    for (long fd = 0; fd < 64; fd++)
        call(SYS_write, fd, (long)"hostile\n", 8, 0);
    return visit(self->type, context);
}

TRAVERSE(reads_everywhere)
{
    for (long fd = 0; fd < 64; fd++)
        call(SYS_read, fd, (long)precious, 8, 0);
    return visit(self->type, context);
}

TRAVERSE(returns_from_a_signal)
{
    (void)self, (void)visit, (void)context;
    __asm__ volatile("mov $15, %%eax; syscall" ::: "rax", "rcx", "r11", "memory");
    return 0;
}

/* It does not come back, or only by a fault. */

TRAVERSE(loops)
{
    (void)self, (void)visit, (void)context;
    while (armed)
        nothing++;
    return 0;
}

TRAVERSE(loops_without_a_trace)
{
    (void)self, (void)visit, (void)context;
    __asm__ volatile("1: jmp 1b");
    return 0;
}

TRAVERSE(recurses)
{
    volatile char room[256];

    room[0] = (char)(uintptr_t)context;
    return recurses(self, visit, context) + room[0];
}

TRAVERSE(reads_null)
{
    return (int)*(volatile intptr_t *)nothing + visit(self->type, context);
}

TRAVERSE(follows_wild_pointers)
{
    visit(self->type, context);
    return (int)*(volatile intptr_t *)(uintptr_t)0x6162636465666768;
}

TRAVERSE(jumps_away)
{
    return ((int (*)(object *, visit_function *, void *))(uintptr_t)0x10)(self, visit, context);
}

TRAVERSE(jumps_into_data)
{
    return ((int (*)(object *, visit_function *, void *))(uintptr_t)precious)(self, visit, context);
}

TRAVERSE(divides)
{
    volatile int zero = (int)nothing;

    return 12345 / zero + visit(self->type, context);
}

TRAVERSE(is_no_instruction)
{
    (void)self, (void)visit, (void)context;
    __asm__ volatile("ud2");
    return 0;
}

TRAVERSE(breaks)
{
    __asm__ volatile("int3");
    return visit(self->type, context);
}

TRAVERSE(halts)
{
    __asm__ volatile("hlt");
    return visit(self->type, context);
}

TRAVERSE(aborts)
{
    (void)self, (void)visit, (void)context;
    abort();
}

TRAVERSE(loses_its_stack)
{
    (void)self, (void)visit, (void)context;
    __asm__ volatile("xor %%esp, %%esp; push %%rax" ::: "memory");
    return 0;
}

/* It harms whoever called it. */

TRAVERSE(scribbles_on_the_stack)
{
    volatile uint64_t *at = __builtin_frame_address(0);

    for (visit(self->type, context); armed; at++)
        *at = 0x4141414141414141;
    return 0;
}

TRAVERSE(scribbles_on_its_context)
{
    for (unsigned i = 0; i < 4096; i++)
        ((volatile char *)context)[i] = 'A';
    return visit(self->type, context);
}

TRAVERSE(scribbles_on_the_visitor)
{
    memset((void *)(uintptr_t)visit, 0xcc, 64);
    return visit(self->type, context);
}

/* Of the heap: what others refer to. */
TRAVERSE(scribbles_on_objects)
{
    for (unsigned i = 0; i < 3; i++)
        self->held[i] = self;
    memset((void *)(uintptr_t)((uintptr_t)self->type & -4096ULL), 0, 4096);
    return visit(self->type, context);
}

TRAVERSE(scribbles_on_itself)
{
    self->count = 0;
    self->held[3] = self;
    return visit(self->type, context);
}

/* What a function has to leave as it was. */
TRAVERSE(clobbers_registers)
{
    (void)self, (void)visit, (void)context;
    __asm__ volatile("xor %%ebx, %%ebx; xor %%r12d, %%r12d; xor %%r13d, %%r13d; xor %%r14d, %%r14d;"
                     "xor %%r15d, %%r15d" ::
                         : "memory");
    return 0;
}

TRAVERSE(goes_backwards)
{
    int ret = visit(self->type, context);

    __asm__ volatile("std" ::: "memory");
    return ret;
}

TRAVERSE(checks_alignment)
{
    int ret = visit(self->type, context);

    __asm__ volatile("pushfq; orq $0x40000, (%%rsp); popfq" ::: "memory", "cc");
    return ret;
}

TRAVERSE(loses_its_thread)
{
    int ret = visit(self->type, context);

    __asm__ volatile("wrfsbase %0" ::"r"(0UL) : "memory");
    return ret;
}

/* It visits what is none. */

TRAVERSE(visits_a_million_nulls)
{
    for (unsigned i = 0; i < 1000000; i++)
        visit(NULL, context);
    return visit(self->type, context);
}

TRAVERSE(visits_a_million_wild_ones)
{
    uint64_t random = (uint64_t)(uintptr_t)self;

    for (unsigned i = 0; i < 1000000; i++) {
        random = random * 6364136223846793005 + 1442695040888963407;
        visit((object *)(uintptr_t)random, context);
    }
    return visit(self->type, context);
}

TRAVERSE(visits_what_is_no_object)
{
    visit((object *)(uintptr_t)((uintptr_t)self + 8), context);
    visit((object *)(uintptr_t)((uintptr_t)self + 1), context);
    visit((object *)(uintptr_t)visit, context);
    visit((object *)context, context);
    visit((object *)(uintptr_t)precious, context);
    return visit(self->type, context);
}

TRAVERSE(visits_itself_ten_thousand_times)
{
    for (unsigned i = 0; i < 10000; i++)
        visit(self, context);
    return visit(self->type, context);
}

TRAVERSE(visits_for_ever)
{
    while (armed)
        visit(self->type, context);
    return 0;
}

TRAVERSE(hands_on_another_context)
{
    return visit(self->type, NULL) + visit(self->type, self) + visit(self->type, context);
}

/* Of a list: nothing of what is in it, and itself instead. */
TRAVERSE(lies)
{
    return visit(self, context);
}

struct row {
    const char *name;
    int (*traverse)(object *, visit_function *, void *);
};

#define ROW(name)                                                                                  \
    {                                                                                              \
#name, name                                                                                \
    }

static const struct row rows[] = {
    ROW(opens),
    ROW(kills_the_target),
    ROW(kills_its_parent),
    ROW(forks),
    ROW(executes),
    ROW(writes_into_the_target),
    ROW(calls_as_32_bits),
    ROW(maps_memory),
    ROW(exits),
    ROW(writes_everywhere),
    ROW(reads_everywhere),
    ROW(returns_from_a_signal),
    ROW(loops),
    ROW(loops_without_a_trace),
    ROW(recurses),
    ROW(reads_null),
    ROW(follows_wild_pointers),
    ROW(jumps_away),
    ROW(jumps_into_data),
    ROW(divides),
    ROW(is_no_instruction),
    ROW(breaks),
    ROW(halts),
    ROW(aborts),
    ROW(loses_its_stack),
    ROW(scribbles_on_the_stack),
    ROW(scribbles_on_its_context),
    ROW(scribbles_on_the_visitor),
    ROW(scribbles_on_objects),
    ROW(scribbles_on_itself),
    ROW(clobbers_registers),
    ROW(goes_backwards),
    ROW(checks_alignment),
    ROW(loses_its_thread),
    ROW(visits_a_million_nulls),
    ROW(visits_a_million_wild_ones),
    ROW(visits_what_is_no_object),
    ROW(visits_itself_ten_thousand_times),
    ROW(visits_for_ever),
    ROW(hands_on_another_context),
    ROW(lies),
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* A new type of that name below `base` (a tuple of types), whose objects have `basicsize` bytes. */
object *hostile_type(const char *name, object *base, int basicsize)
{
    char full[128] = "hostile.";

    for (unsigned i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        struct slot slots[] = {{SLOT_TRAVERSE, (void *)(uintptr_t)rows[i].traverse}, {0, NULL}};
        struct spec spec = {.name = strdup(strncat(full, name, 100)),
                            .basicsize = basicsize,
                            .flags = DEFAULT | IS_BASE | HAS_GC,
                            .slots = slots};
        return PyType_FromSpecWithBases(&spec, base);
    }
    abort();
}

/* The names, NULL behind the last one. */
const char *hostile_name(unsigned number)
{
    return number < ROWS ? rows[number].name : NULL;
}

enum beat { BEATS, LONGEST_GAP, HARMED };

static void *beat(void *unused)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    struct timespec before, now;

    clock_gettime(CLOCK_MONOTONIC, &before);
    for (;;) {
        nanosleep(&pause, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
        uint64_t gap = (uint64_t)(now.tv_sec - before.tv_sec) * 1000000000 +
                       (uint64_t)(now.tv_nsec - before.tv_nsec);
        if (gap > beats[LONGEST_GAP])
            beats[LONGEST_GAP] = gap;
        for (unsigned i = 0; i < sizeof(precious) / sizeof(precious[0]); i++) {
            if (precious[i] != 0x5a5a5a5a5a5a5a5a)
                beats[HARMED] = 1;
        }
        beats[BEATS]++;
        before = now;
    }
    return unused;
}

/* From now on it beats into DIRECTORY/beats. 0, or -1. */
int hostile_start(const char *directory)
{
    char path[sizeof(made)] = "";
    pthread_t thread;

    strncat(strncat(made, directory, 4000), "/made", 8);
    strncat(strncat(path, directory, 4000), "/beats", 8);
    the_target = getpid();
    memset((void *)(uintptr_t)precious, 0x5a, sizeof(precious));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, 4096) != 0)
        return -1;
    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED)
        return -1;
    beats = shared;
    return pthread_create(&thread, NULL, beat, NULL) == 0 ? 0 : -1;
}
