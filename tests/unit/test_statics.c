// SPDX-License-Identifier: MIT
#include "inspector/python/statics.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define FILE_AT UINT64_C(0x7e0000000000)
enum { TEXT_PAGES = 1, DATA_PAGES = 4, DATA_AT = 4 * IMAGE_PAGE, MOST_SEGMENTS = 8 };

/* A file of a page of headers and, behind a hole, four pages of variables. */
struct world {
    struct image image;
    struct python python;
    struct reader reader;
    _Alignas(8) uint8_t text[TEXT_PAGES * IMAGE_PAGE], data[DATA_PAGES * IMAGE_PAGE];
    uint64_t text_present, data_present;
    Elf64_Ehdr *header;
    Elf64_Phdr *segments;
    struct statics_segment seen[MOST_SEGMENTS];
    size_t count, words;
};

static void add(struct world *world, uint64_t start, uint8_t *bytes, uint64_t *present,
                uint64_t pages, bool writable)
{
    struct image_range range = {.start = start,
                                .size = pages * IMAGE_PAGE,
                                .bytes = bytes,
                                .present = present,
                                .writable = writable};
    struct error err;

    cr_assert(image_add(&world->image, &range, &err), "%s", err.text);
}

static struct world *world_new(void)
{
    struct world *world = calloc(1, sizeof(*world));

    cr_assert(world);
    image_init(&world->image);
    world->text_present = world->data_present = UINT64_MAX;
    add(world, FILE_AT, world->text, &world->text_present, TEXT_PAGES, false);
    add(world, FILE_AT + DATA_AT, world->data, &world->data_present, DATA_PAGES, true);
    world->reader = (struct reader){&world->python, &world->image, NULL};
    world->header = (Elf64_Ehdr *)(void *)world->text;
    world->segments = (Elf64_Phdr *)(void *)(world->text + sizeof(Elf64_Ehdr));
    *world->header = (Elf64_Ehdr){
        .e_phoff = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 3};
    memcpy(world->header->e_ident, ELFMAG, SELFMAG);
    world->segments[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R, .p_memsz = IMAGE_PAGE};
    world->segments[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                                      .p_flags = PF_R | PF_W,
                                      .p_vaddr = DATA_AT + 20,
                                      .p_memsz = 3 * IMAGE_PAGE};
    world->segments[2] =
        (Elf64_Phdr){.p_type = PT_GNU_RELRO, .p_vaddr = DATA_AT + 20, .p_memsz = IMAGE_PAGE - 20};
    return world;
}

static void world_free(struct world *world)
{
    image_free(&world->image);
    free(world);
}

static bool count_words(void *context, uint64_t address, const uint64_t *words, size_t count)
{
    struct world *world = context;

    (void)address, (void)words;
    world->words += count;
    return true;
}

static bool see(void *context, const struct statics_segment *segment)
{
    struct world *world = context;

    cr_assert_lt(world->count, MOST_SEGMENTS);
    world->seen[world->count++] = *segment;
    return statics_read(&world->reader, segment, count_words, world);
}

Test(statics, are_what_may_be_written_to, .timeout = 60)
{
    struct world *world = world_new();

    statics_each(&world->reader, see, world);
    cr_assert_eq(world->count, 1);
    cr_expect_eq(world->seen[0].start, FILE_AT + DATA_AT + IMAGE_PAGE, "behind what is fixed");
    cr_expect_eq(world->seen[0].end, FILE_AT + DATA_AT + 3 * IMAGE_PAGE + 16);
    cr_expect_eq(world->seen[0].file_start, FILE_AT);
    cr_expect_eq(world->seen[0].file_end, FILE_AT + DATA_AT + 3 * IMAGE_PAGE + 20);
    cr_expect_eq(world->words, 2 * IMAGE_PAGE / 8 + 2);
    world_free(world);

    world = world_new();
    world->segments[2].p_type = PT_NULL;
    statics_each(&world->reader, see, world);
    cr_assert_eq(world->count, 1);
    cr_expect_eq(world->seen[0].start, FILE_AT + DATA_AT + 24, "whole words");
    world_free(world);
}

Test(statics, of_the_interpreter_alone, .timeout = 60)
{
    struct world *world = world_new();

    world->python.runtime = FILE_AT + 100 * IMAGE_PAGE;
    statics_each_own(&world->reader, see, world);
    cr_expect_eq(world->count, 0);
    world->python.runtime = FILE_AT + DATA_AT + IMAGE_PAGE;
    statics_each_own(&world->reader, see, world);
    cr_expect_eq(world->count, 1);
    world_free(world);
}

/* A page that was not copied is passed over, and nobody misses it. */
Test(statics, may_be_missing, .timeout = 60)
{
    struct world *world = world_new();

    world->data_present = ~UINT64_C(2);
    statics_each(&world->reader, see, world);
    cr_expect_eq(world->words, IMAGE_PAGE / 8 + 2);
    cr_expect_eq(world->image.missed, 0);
    world_free(world);
}

Test(statics, headers_lie, .timeout = 60)
{
    static const uint64_t lies[] = {
        0, 8, IMAGE_PAGE, UINT64_C(1) << 39, UINT64_C(1) << 46, UINT64_MAX - 8, UINT64_MAX};
    enum { LIES = sizeof(lies) / sizeof(lies[0]) };

    for (size_t i = 0; i < LIES * LIES * 4; i++) {
        struct world *world = world_new();
        uint64_t first = lies[i % LIES], second = lies[i / LIES % LIES];
        Elf64_Phdr *segment = &world->segments[i / (LIES * LIES) % 3];
        segment->p_vaddr = first;
        segment->p_memsz = second;
        if (i >= 3 * LIES * LIES) {
            world->header->e_phoff = first;
            world->header->e_phnum = (uint16_t)second;
        }
        statics_each(&world->reader, see, world);
        for (size_t k = 0; k < world->count; k++)
            cr_expect_leq(world->seen[k].end - world->seen[k].start, STATICS_MOST_SEGMENT);
        cr_expect_leq(world->words, DATA_PAGES * IMAGE_PAGE / 8);
        cr_expect_eq(world->image.missed, 0);
        world_free(world);
    }
}
