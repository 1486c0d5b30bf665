// SPDX-License-Identifier: MIT
#include "tests/support/hostile.h"

#include "inspector/sandbox/resident.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

/* What a traversal is called with: the object in rdi, the visitor in rsi, its argument in rdx. The
 * site of the resident program follows from the return address. */
__asm__(
    ".pushsection .rodata\n"
    ".balign 16\n"
    "hostile_code:\n"
    "h_not: push %rbx; push %r12; push %r13\n"
    "    mov %rdi, %rbx; mov %rsi, %r12; mov %rdx, %r13\n"
    "    mov 16(%rbx), %rdi; mov %r13, %rsi; call *%r12\n"
    "    mov 24(%rbx), %rdi; mov %r13, %rsi; call *%r12\n"
    "    mov 32(%rbx), %rdi; mov %r13, %rsi; call *%r12\n"
    "    xor %eax, %eax; pop %r13; pop %r12; pop %rbx; ret\n"
    "h_system_call: mov $39, %eax; syscall; ret\n"
    "h_system_call_32: mov $20, %eax; int $0x80; ret\n"
    "h_vsyscall: xor %edi, %edi; mov $0xffffffffff600400, %rax; call *%rax; ret\n"
    "h_exit: mov $60, %eax; xor %edi, %edi; syscall; ret\n"
    "h_kill: mov 16(%rdi), %rdi; mov $9, %esi; mov $62, %eax; syscall; ret\n"
    "h_unmap: xor %edi, %edi; mov $0x7ffffffff000, %rsi; mov $11, %eax; syscall; ret\n"
    "h_loop: jmp h_loop\n"
    "h_recursion: call h_recursion; ret\n"
    "h_visit_for_ever: mov %rsi, %rbx; 1: mov %rsp, %rdi; call *%rbx; jmp 1b\n"
    "h_visit_often: push %rbx; push %r12; push %r13\n"
    "    mov 16(%rdi), %rbx; mov %rsi, %r12; xor %r13d, %r13d\n"
    "1:  cmp %rbx, %r13; je 2f\n"
    "    mov %r13, %rdi; xor %esi, %esi; call *%r12; inc %r13; jmp 1b\n"
    "2:  xor %eax, %eax; pop %r13; pop %r12; pop %rbx; ret\n"
    "h_null: xor %eax, %eax; mov (%rax), %rax; ret\n"
    "h_wild: mov 16(%rdi), %rax; mov (%rax), %rax; ret\n"
    "h_jump: mov 16(%rdi), %rax; jmp *%rax\n"
    "h_breakpoint: int3; ret\n"
    "h_illegal: ud2\n"
    "h_divide: xor %ecx, %ecx; xor %edx, %edx; mov $1, %eax; div %ecx; ret\n"
    "h_write: movq $7, 24(%rdi); mov 24(%rdi), %rdi; jmp *%rsi\n"
    "h_write_text: movb $0x90, h_write_text(%rip); ret\n"
    "h_step: pushf; orq $0x100, (%rsp); popf; nop; nop; xor %eax, %eax; ret\n"
    "h_backward: std; xor %eax, %eax; ret\n"
    "h_align: pushf; orq $0x40000, (%rsp); popf; xor %eax, %eax; ret\n"
    "h_clobber: mov (%rsp), %rax; xor %ebx, %ebx; xor %ebp, %ebp; xor %r12d, %r12d\n"
    "    xor %r13d, %r13d; xor %r14d, %r14d; xor %r15d, %r15d; sub $0x1000, %rsp\n"
    "    mov %rax, (%rsp); xor %eax, %eax; ret\n"
    "h_thread_pointer: mov $0x1234, %eax; wrfsbase %rax; xor %eax, %eax; ret\n"
    "h_thread_pointer_fault: mov $0x1234, %eax; wrfsbase %rax; ud2\n"
    "h_read_thread: mov %fs:0, %rdi; xor %eax, %eax; jmp *%rsi\n"
    "h_nonzero: mov $5, %eax; ret\n"
    "h_clock: rdtsc; ret\n"
    ".macro site\n"
    "    mov (%rsp), %rax; and $-0x200000, %rax\n"
    ".endm\n"
    "h_scribble_answers: site; lea 0x18000000(%rax), %rdi; mov $0x800000, %ecx\n"
    "    mov $0xff, %al; rep stosb; xor %eax, %eax; ret\n"
    "h_scribble_state: site; lea 0x10000(%rax), %rdi; mov $0x1000, %ecx\n"
    "    mov $0xff, %al; rep stosb; xor %eax, %eax; ret\n"
    "h_scribble_stack: mov %rsp, %rdi; mov $0xff, %al; mov $64, %ecx; rep stosb\n"
    "    xor %eax, %eax; ret\n"
    "h_write_orders: site; movq $0, 0x14000000(%rax); ret\n"
    "h_claim: site; movq $1000, 0x18000418(%rax); 1: jmp 1b\n"
    "h_claim_words: site; mov $0x7fffffffffff, %rcx; mov %rcx, 0x18000420(%rax)\n"
    "1: jmp 1b\n"
    "h_return_from_signal: mov $15, %eax; syscall; ret\n"
    "h_protection_key: mov $-1, %eax; xor %ecx, %ecx; xor %edx, %edx; wrpkru; ret\n"
    "hostile_code_end:\n"
    ".balign 4\n"
    "hostile_places: /* in the order of enum hostile_deed */\n"
    "    .long h_not - hostile_code, h_system_call - hostile_code, h_system_call_32 - "
    "hostile_code\n"
    "    .long h_vsyscall - hostile_code, h_exit - hostile_code, h_kill - hostile_code\n"
    "    .long h_unmap - hostile_code, h_loop - hostile_code, h_recursion - hostile_code\n"
    "    .long h_visit_for_ever - hostile_code, h_visit_often - hostile_code, h_null - "
    "hostile_code\n"
    "    .long h_wild - hostile_code, h_jump - hostile_code, h_breakpoint - hostile_code\n"
    "    .long h_illegal - hostile_code, h_divide - hostile_code, h_write - hostile_code\n"
    "    .long h_write_text - hostile_code, h_step - hostile_code, h_backward - hostile_code\n"
    "    .long h_align - hostile_code, h_clobber - hostile_code, h_thread_pointer - hostile_code\n"
    "    .long h_thread_pointer_fault - hostile_code, h_read_thread - hostile_code, h_nonzero - "
    "hostile_code\n"
    "    .long h_clock - hostile_code, h_scribble_answers - hostile_code, h_scribble_state - "
    "hostile_code\n"
    "    .long h_scribble_stack - hostile_code, h_write_orders - hostile_code, h_claim - "
    "hostile_code, h_claim_words - hostile_code\n"
    "    .long h_return_from_signal - hostile_code, h_protection_key - hostile_code\n"
    ".popsection\n");

extern const uint8_t hostile_code[], hostile_code_end[];
extern const uint32_t hostile_places[HOSTILE_DEEDS];
_Static_assert(RESIDENT_STATE_AT == 0x10000 && RESIDENT_ORDERS_AT == 0x14000000 &&
                   RESIDENT_ANSWERS_AT == 0x18000000 &&
                   offsetof(struct answers, ends_written) == 0x418 &&
                   offsetof(struct answers, words_written) == 0x420,
               "the code above knows them");

enum { TYPE_SIZE = 32, OBJECT_SIZE = 48, TYPE_AT = 8, TRAVERSE_AT = 16 };

static uint8_t *map_pages(size_t pages)
{
    void *mapped =
        mmap(NULL, pages * IMAGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert_neq(mapped, MAP_FAILED);
    return mapped;
}

static void put(struct hostile *hostile, uint64_t address, uint64_t word)
{
    memcpy(hostile->data + (address - HOSTILE_DATA), &word, sizeof(word));
}

static uint64_t allocate(struct hostile *hostile, uint64_t size)
{
    uint64_t at = HOSTILE_DATA + hostile->used;

    hostile->used += size;
    cr_assert_leq(hostile->used, HOSTILE_DATA_PAGES * IMAGE_PAGE);
    return at;
}

void hostile_init(struct hostile *hostile)
{
    struct error err;

    *hostile = (struct hostile){.text = map_pages(HOSTILE_TEXT_PAGES),
                                .data = map_pages(HOSTILE_DATA_PAGES),
                                .text_present = (1 << HOSTILE_TEXT_PAGES) - 1,
                                .used = 4096,
                                .setting = {.type_offset = TYPE_AT,
                                            .traverse_offset = TRAVERSE_AT,
                                            .thread_pointer = HOSTILE_DATA + HOSTILE_THREAD_AT}};
    memset(hostile->data_present, 0xff, sizeof(hostile->data_present));
    memcpy(hostile->text, hostile_code, (size_t)(hostile_code_end - hostile_code));
    image_init(&hostile->image);
    cr_assert(image_add(&hostile->image,
                        &(struct image_range){.start = HOSTILE_TEXT,
                                              .size = HOSTILE_TEXT_PAGES * IMAGE_PAGE,
                                              .bytes = hostile->text,
                                              .present = &hostile->text_present,
                                              .executable = true},
                        &err));
    cr_assert(image_add(&hostile->image,
                        &(struct image_range){.start = HOSTILE_DATA,
                                              .size = HOSTILE_DATA_PAGES * IMAGE_PAGE,
                                              .bytes = hostile->data,
                                              .present = hostile->data_present,
                                              .writable = true},
                        &err));
    put(hostile, HOSTILE_DATA + HOSTILE_THREAD_AT, 0xabcdef);
    for (size_t i = 0; i < HOSTILE_DEEDS; i++) {
        hostile->types[i] = allocate(hostile, TYPE_SIZE);
        put(hostile, hostile->types[i] + TRAVERSE_AT, HOSTILE_TEXT + hostile_places[i]);
    }
}

void hostile_free(struct hostile *hostile)
{
    image_free(&hostile->image);
    munmap(hostile->text, HOSTILE_TEXT_PAGES * IMAGE_PAGE);
    munmap(hostile->data, HOSTILE_DATA_PAGES * IMAGE_PAGE);
}

uint64_t hostile_object(struct hostile *hostile, enum hostile_deed deed, uint64_t first,
                        uint64_t second, uint64_t third)
{
    uint64_t object = allocate(hostile, OBJECT_SIZE);

    put(hostile, object + TYPE_AT, hostile->types[deed]);
    put(hostile, object + 16, first);
    put(hostile, object + 24, second);
    put(hostile, object + 32, third);
    return object;
}
