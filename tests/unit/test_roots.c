// SPDX-License-Identifier: MIT
#include "inspector/python/roots.h"

#include "tests/support/fake_heap.h"

#include <criterion/criterion.h>
#include <string.h>

/* Where fields are, behind what fake_heap has put into an interpreter. */
enum {
    THREADS = 2048,
    MODULES = 2056,
    CODECS = 2064,
    NEXT = 8,
    CONTEXT = 16,
    IDENT = 24,
    NATIVE = 32,
    MOST_SEEN = 64,
};

struct world {
    struct fake_heap heap;
    struct types types;
    struct reader reader;
    uint64_t thread, module, name, list;
    struct root seen[MOST_SEEN];
    size_t count, told;
};

static void world_init(struct world *world)
{
    struct fake_heap *heap = &world->heap;

    *world = (struct world){.count = 0};
    fake_heap_init(heap, &fake_newest);
    fake_alloc(heap, 4096); /* of the interpreter, which was the last */
    fake_slot(heap, interp_threads, THREADS, 8);
    fake_slot(heap, interp_modules, MODULES, 8);
    fake_slot(heap, interp_codec_search_path, CODECS, 8);
    fake_slot(heap, thread_next, NEXT, 8);
    fake_slot(heap, thread_context, CONTEXT, 8);
    fake_slot(heap, thread_ident, IDENT, 8);
    fake_slot(heap, thread_native_id, NATIVE, 8);
    world->module = fake_list_object(heap, 0, NULL, 0);
    world->list = fake_list_object(heap, 0, NULL, 0);
    world->name = fake_ascii(heap, "app");
    fake_put(heap, heap->interpreter + MODULES,
             fake_dict(heap, &world->name, &world->module, 1, false));
    fake_put(heap, heap->interpreter + CODECS, world->list);
    world->thread = fake_alloc(heap, 64);
    fake_put(heap, heap->interpreter + THREADS, world->thread);
    fake_put(heap, world->thread + CONTEXT, world->list);
    fake_put(heap, world->thread + IDENT, 0x1234);
    fake_put(heap, world->thread + NATIVE, 4711);
    types_init(&world->types, &heap->python);
    world->reader = (struct reader){&heap->python, &heap->image, &world->types};
}

static void world_free(struct world *world)
{
    types_free(&world->types);
    fake_heap_free(&world->heap);
}

static bool see(void *context, const struct root *root)
{
    struct world *world = context;

    if (world->count < MOST_SEEN)
        world->seen[world->count++] = *root;
    return world->count < MOST_SEEN;
}

static const struct root *find(const struct world *world, enum root_kind kind, uint64_t to)
{
    for (size_t i = 0; i < world->count; i++) {
        if (world->seen[i].kind == kind && world->seen[i].reference.to == to)
            return &world->seen[i];
    }
    return NULL;
}

Test(roots, are_told_with_where_they_are, .timeout = 60)
{
    struct world world;

    world_init(&world);
    roots_each(&world.reader, see, &world);
    const struct root *module = find(&world, ROOT_MODULE, world.module);
    cr_assert_not_null(module);
    cr_expect_eq(module->name, world.name);
    cr_expect(module->is_borrowed, "sys.modules holds it");
    const struct root *context = find(&world, ROOT_THREAD, world.list);
    cr_assert_not_null(context);
    cr_expect_str_eq(context->reference.name, "context");
    cr_expect_eq(context->thread, world.thread);
    cr_expect_eq(context->thread_id, 4711);
    cr_expect_eq(context->thread_ident, 0x1234);
    cr_expect(context->reference.is_owned);
    cr_expect_not(context->is_borrowed);
    const struct root *codecs = find(&world, ROOT_INTERPRETER, world.list);
    cr_assert_not_null(codecs);
    cr_expect_str_eq(codecs->reference.name, "codec_search_path");
    cr_expect_eq(codecs->thread, 0);
    cr_expect_eq(codecs->interpreter, world.heap.interpreter);
    cr_expect_not_null(find(&world, ROOT_TYPE, world.heap.dict_type));
    world_free(&world);
}

Test(roots, what_is_no_object_is_left_out, .timeout = 60)
{
    struct world world;

    world_init(&world);
    fake_put(&world.heap, world.list, 0); /* nobody refers to it */
    roots_each(&world.reader, see, &world);
    cr_expect_null(find(&world, ROOT_THREAD, world.list));
    cr_expect_null(find(&world, ROOT_INTERPRETER, world.list));
    cr_expect_not_null(find(&world, ROOT_MODULE, world.module));
    world_free(&world);
}

Test(roots, threads_in_a_circle_end, .timeout = 60)
{
    struct world world;

    world_init(&world);
    fake_put(&world.heap, world.thread + NEXT, world.thread);
    roots_each(&world.reader, see, &world);
    cr_expect_eq(world.count, MOST_SEEN);
    world_free(&world);
}

static bool count_owned(void *context, const struct reference *reference)
{
    struct world *world = context;

    cr_expect(reference->is_owned);
    cr_expect_not(reference->is_guess);
    world->told++;
    return true;
}

Test(roots, are_told_as_references, .timeout = 60)
{
    struct world world;

    world_init(&world);
    struct references references = {.visit = count_owned, .context = &world};
    roots_tell(&world.reader, &references);
    cr_expect_eq(world.told, 4, "the module, sys.modules, and the list twice");
    cr_expect_geq(references.told, world.told);
    world_free(&world);
}

Test(roots, of_several_interpreters_have_their_number, .timeout = 60)
{
    struct world world;

    world_init(&world);
    uint64_t first = world.heap.interpreter, newest = fake_interpreter(&world.heap);
    fake_alloc(&world.heap, 4096);
    fake_put(&world.heap, newest + CODECS, world.module);
    roots_each(&world.reader, see, &world);
    const struct root *old = find(&world, ROOT_INTERPRETER, world.list);
    const struct root *young = find(&world, ROOT_INTERPRETER, world.module);
    cr_assert(old && young);
    cr_expect_eq(old->interpreter, first);
    cr_expect_eq(old->interpreter_number, 0);
    cr_expect_eq(young->interpreter, newest);
    cr_expect_eq(young->interpreter_number, 1);
    world_free(&world);
}
