// SPDX-License-Identifier: MIT
#include "inspector/sandbox/resident.h"

#if defined(__x86_64__)

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

enum {
    USER_END_BITS = 47,
    PAGE = 4096,
    SET_THREAD_POINTER = 0x1002, /* ARCH_SET_FS */
    NO_SHADOW_STACK = 0x5002,    /* ARCH_SHSTK_DISABLE, of ARCH_SHSTK_SHSTK */
    HAS_RESTORER = 0x04000000,   /* SA_RESTORER */
    EXIT_IDLE = 2,
    EXIT_ASTRAY = 3,
    SIGNAL_SET_SIZE = 8,
    PAGE_FAULT = 14, /* of the processor's exceptions; and bits of its error code: */
    FAULT_MAPPED = 1,
    FAULT_WRITE = 2,
    ORDINARY_FLAGS = 0x202,
};

/* Some seconds of waiting for us, who are stopped perhaps. */
static const uint64_t most_patience = UINT64_C(1) << 27;

/* At RESIDENT_STATE_AT. resident_call knows the first word. */
struct state {
    uint64_t stack;   /* where resident_call is to go on */
    uint64_t guarded; /* a traversal runs */
    struct orders *orders;
    struct answers *answers;
    uint64_t words, words_end; /* visited, and how many find room */
    uint64_t fault_address, fault_why;
    uint64_t type_offset, traverse_offset;
    uint64_t thread_pointer, sets_thread_pointer;
};

/* As the kernel has it. */
struct kernel_action {
    void (*handler)(int, siginfo_t *, void *);
    uint64_t flags;
    void (*restorer)(void);
    uint64_t mask;
};

#define HIDDEN __attribute__((visibility("hidden")))

extern char resident_start[] HIDDEN;
extern char resident_recover[] HIDDEN;
HIDDEN void resident_restore(void);
HIDDEN uint64_t resident_call(uint64_t object);
HIDDEN uint64_t resident_run(uint64_t object);
HIDDEN void resident_begin(const struct resident_plan *plan);
HIDDEN void resident_main(const struct resident_plan *plan);

/* Whoever returned from resident_run may have left any registers behind, and another stack. */
__asm__(".pushsection .text.begin, \"ax\", @progbits\n"
        ".globl resident_begin\n"
        "resident_begin:\n"
        "    call resident_main\n"
        "    ud2\n"
        ".popsection\n"
        ".pushsection .text, \"ax\", @progbits\n"
        ".globl resident_call, resident_recover, resident_restore\n"
        "resident_call:\n"
        "    push %rbp\n"
        "    push %rbx\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    push %r15\n"
        "    sub $8, %rsp\n"
        "    lea resident_start(%rip), %rax\n"
        "    mov %rsp, 0x10000(%rax)\n"
        "    call resident_run\n"
        "resident_recover:\n"
        "    lea resident_start(%rip), %rcx\n"
        "    mov 0x10000(%rcx), %rsp\n"
        "    pushq $0x202\n"
        "    popfq\n"
        "    add $8, %rsp\n"
        "    pop %r15\n"
        "    pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    ret\n"
        "resident_restore:\n"
        "    mov $15, %eax\n"
        "    syscall\n"
        "    ud2\n"
        ".popsection\n");
_Static_assert(RESIDENT_STATE_AT == 0x10000, "resident_call knows it");
_Static_assert(SYS_rt_sigreturn == 15, "resident_restore knows it");

static struct state *state_of_program(void)
{
    return (struct state *)(void *)(resident_start + RESIDENT_STATE_AT);
}

static int64_t call(int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    register uint64_t fourth __asm__("r10") = d;
    register uint64_t fifth __asm__("r8") = e;
    int64_t ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                     : "rcx", "r11", "memory");
    return ret;
}

static __attribute__((noreturn)) void leave(int status)
{
    for (;;)
        call(SYS_exit, (uint64_t)status, 0, 0, 0, 0);
}

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* Ends the program where a call failed. */
static void check(const struct state *state, int64_t result)
{
    if (result >= 0 || result < -4095)
        return;
    store(&state->answers->call_error, (uint64_t)-result);
    leave(1);
}

/* The kernel may have sealed some of it (the vdso), which then stays. */
static void unmap(uint64_t start, uint64_t end)
{
    if (start >= end || call(SYS_munmap, start, end - start, 0, 0, 0) == 0 || end - start <= PAGE)
        return;
    uint64_t middle = start + (end - start) / 2 / PAGE * PAGE;
    unmap(start, middle);
    unmap(middle, end);
}

static void move_ranges(const struct state *state, const struct resident_plan *plan)
{
    for (uint64_t i = 0; i < plan->range_count; i++) {
        const struct resident_range *range = &plan->ranges[i];
        check(state, call(SYS_mremap, range->staged, range->size, range->size,
                          MREMAP_MAYMOVE | MREMAP_FIXED, range->address));
    }
    store(&state->answers->step, RESIDENT_MOVED);
    if (plan->word_at)
        *(volatile uint64_t *)(void *)plan->word_at = plan->word;
}

static void protect_ranges(const struct state *state, const struct resident_plan *plan)
{
    const struct resident_gap *gaps = (const void *)&plan->ranges[plan->range_count];

    for (uint64_t i = 0; i < plan->range_count; i++) {
        const struct resident_range *range = &plan->ranges[i];
        check(state, call(SYS_mprotect, range->address, range->size, range->protection, 0, 0));
    }
    for (uint64_t i = 0; i < plan->gap_count; i++)
        check(state, call(SYS_munmap, gaps[i].address, gaps[i].size, 0, 0, 0));
    store(&state->answers->step, RESIDENT_PROTECTED);
}

/* What a compiler takes for a constant would have to be relocated. */
#define here(function)                                                                             \
    __extension__({                                                                                \
        __typeof__(&(function)) where = &(function);                                               \
        __asm__("" : "+r"(where));                                                                 \
        where;                                                                                     \
    })

/* On the alternate stack. Goes on behind the traversal, which is over. */
static void handle(int signal, siginfo_t *info, void *context)
{
    struct state *state = state_of_program();
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uint64_t why = (uint64_t)signal & RESIDENT_WHY_SIGNAL;

    if (!state->guarded)
        leave(EXIT_ASTRAY);
    state->fault_address = (uint64_t)(uintptr_t)info->si_addr;
    if (signal == SIGSEGV && registers[REG_TRAPNO] == PAGE_FAULT) {
        why |= RESIDENT_WHY_PAGE;
        if (registers[REG_ERR] & FAULT_WRITE)
            why |= RESIDENT_WHY_WRITE;
        if (registers[REG_ERR] & FAULT_MAPPED)
            why |= RESIDENT_WHY_MAPPED;
    }
    state->fault_why = why;
    registers[REG_RIP] = (greg_t)(uintptr_t)resident_recover;
    registers[REG_RSP] = (greg_t)state->stack;
    registers[REG_RAX] = RESIDENT_FAULT;
    registers[REG_EFL] = ORDINARY_FLAGS;
}

static void set_handlers(const struct state *state, uint64_t site)
{
    static const uint8_t signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    const stack_t stack = {.ss_sp = (void *)(uintptr_t)(site + RESIDENT_ALTERNATE_AT),
                           .ss_size = RESIDENT_ALTERNATE_SIZE};
    struct kernel_action action = {.flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | HAS_RESTORER};

    action.handler = here(handle);
    action.restorer = here(resident_restore);
    check(state, call(SYS_sigaltstack, (uintptr_t)&stack, 0, 0, 0, 0));
    for (unsigned i = 0; i < sizeof(signals); i++)
        check(state, call(SYS_rt_sigaction, signals[i], (uintptr_t)&action, 0, SIGNAL_SET_SIZE, 0));
}

/* Two calls are left, to end and to come back from a handler. A filter, since where we have one
 * already there can be no strict mode; that, where there can be no filters. */
static void seal(const struct state *state)
{
    static const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    uint16_t program[sizeof(struct sock_fprog) / sizeof(uint16_t)];
    struct sock_fprog *head = (void *)program;

    head->len = sizeof(filter) / sizeof(filter[0]);
    head->filter = (struct sock_filter *)(uintptr_t)filter;
    if (call(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, (uintptr_t)head, 0, 0) != 0)
        check(state, call(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0));
    store(&state->answers->step, RESIDENT_SEALED);
}

static void tire(const struct state *state, uint64_t *waited)
{
    if (++*waited == most_patience) {
        store(&state->answers->step, RESIDENT_IDLE);
        leave(EXIT_IDLE);
    }
    __builtin_ia32_pause();
}

/* Waits until *word, which we count up, is above `number`. */
static void await(const struct state *state, const uint64_t *word, uint64_t number)
{
    uint64_t waited = 0;

    while (load(word) <= number)
        tire(state, &waited);
}

static void put_word(struct state *state, uint64_t word)
{
    uint64_t at = state->words;

    if (at >= state->words_end) {
        store(&state->answers->words_written, at);
        if (at >= RESIDENT_WORDS)
            await(state, &state->orders->words_taken, at - RESIDENT_WORDS);
        state->words_end = load(&state->orders->words_taken) + RESIDENT_WORDS;
    }
    state->answers->words[at % RESIDENT_WORDS] = word;
    state->words = at + 1;
}

/* A visitproc. */
static int visit(uint64_t object, uint64_t argument)
{
    (void)argument;
    put_word(state_of_program(), object);
    return 0;
}

static bool is_shunned(const struct orders *orders, uint64_t function)
{
    for (uint64_t i = 0; i < orders->shunned_count; i++) {
        if (orders->shunned[i] == function)
            return true;
    }
    return false;
}

typedef int traverse(uint64_t object, int (*visit)(uint64_t, uint64_t), uint64_t argument);

/* All that is read here may fault. */
uint64_t resident_run(uint64_t object)
{
    struct state *state = state_of_program();
    uint64_t type = *(const volatile uint64_t *)(void *)(object + state->type_offset);
    uint64_t function = *(const volatile uint64_t *)(void *)(type + state->traverse_offset);

    if (state->orders->shunned_count && is_shunned(state->orders, function))
        return RESIDENT_SHUN;
    ((traverse *)(void *)function)(object, visit, 0);
    return RESIDENT_DONE;
}

static void note_fault(struct state *state)
{
    put_word(state, state->fault_address);
    put_word(state, state->fault_why);
}

static __attribute__((noreturn)) void serve(struct state *state)
{
    const struct orders *orders = state->orders;
    struct answers *answers = state->answers;

    for (uint64_t number = 0;; number++) {
        await(state, &orders->given, number);
        if (number >= RESIDENT_ENDS)
            await(state, &orders->ends_taken, number - RESIDENT_ENDS);
        uint64_t begun = state->words;
        state->guarded = 1;
        uint64_t outcome = resident_call(orders->requests[number % RESIDENT_REQUESTS]);
        state->guarded = 0;
        /* The next function finds its own thread, whatever this one did. */
        if (state->sets_thread_pointer)
            __asm__ volatile("wrfsbase %0" : : "r"(state->thread_pointer));
        if (outcome == RESIDENT_FAULT)
            note_fault(state);
        answers->ends[number % RESIDENT_ENDS] =
            (state->words - begun) | outcome << RESIDENT_OUTCOME_SHIFT;
        store(&answers->words_written, state->words);
        store(&answers->ends_written, number + 1);
    }
}

void resident_main(const struct resident_plan *plan)
{
    struct state *state = state_of_program();
    uint64_t site = plan->site;

    state->orders = (struct orders *)(void *)(site + RESIDENT_ORDERS_AT);
    state->answers = (struct answers *)(void *)(site + RESIDENT_ANSWERS_AT);
    state->type_offset = plan->type_offset;
    state->traverse_offset = plan->traverse_offset;
    state->thread_pointer = plan->thread_pointer;
    state->sets_thread_pointer = plan->sets_thread_pointer;
    state->words_end = RESIDENT_WORDS;
    store(&state->answers->step, RESIDENT_ENTERED);
    unmap(0, site);
    unmap(plan->end, (UINT64_C(1) << USER_END_BITS) - PAGE);
    store(&state->answers->step, RESIDENT_UNMAPPED);
    move_ranges(state, plan);
    protect_ranges(state, plan);
    call(SYS_arch_prctl, NO_SHADOW_STACK, 1, 0, 0, 0);
    call(SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0);
    check(state, call(SYS_arch_prctl, SET_THREAD_POINTER, plan->thread_pointer, 0, 0, 0));
    set_handlers(state, site);
    check(state,
          call(SYS_munmap, site + RESIDENT_PLAN_AT, plan->end - site - RESIDENT_PLAN_AT, 0, 0, 0));
    seal(state);
    serve(state);
}

#endif
