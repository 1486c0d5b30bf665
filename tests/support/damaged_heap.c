// SPDX-License-Identifier: MIT
#include "tests/support/damaged_heap.h"

#include "inspector/analysis/details.h"
#include "inspector/analysis/listing.h"
#include "inspector/python/instance.h"
#include "inspector/python/object.h"
#include "symbols/base/clock.h"
#include "symbols/base/vector.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WORD = 8,
    BEFORE = 4 * WORD,       /* of an object: headers, a managed __dict__ */
    MOST_BEHIND = 512,       /* bytes of an object that are damaged */
    MOST_TOUCHED = 64 << 20, /* bytes of a mapping that are copied */
    ASKED_FOR = 60,          /* addresses that are looked up */
};

struct heap_object {
    uint64_t address, size, buffer, buffer_size;
    uint32_t type;
};

/* Copying */

struct copying {
    struct damaged_heap *heap;
    struct types types;
    struct reader reader;
    const struct image *image; /* of the session: good until it is closed */
    bool failed;
};

static void note_buffer(void *context, const char *name, uint64_t address, uint64_t size)
{
    struct heap_object *object = context;

    (void)name;
    object->buffer = address;
    object->buffer_size = size;
}

static void note_object(void *context, const struct reached_object *met)
{
    struct copying *copying = context;
    struct damaged_heap *heap = copying->heap;
    const struct type *type = copying->types.items[met->object.type];
    struct heap_object object = {
        .address = met->object.address, .size = met->object.size, .type = met->object.type};

    struct heap_object *grown =
        vector_grow(heap->objects, &heap->object_capacity, heap->object_count + 1, sizeof(*grown));
    if (!grown) {
        copying->failed = true;
        return;
    }
    if (type->kind && type->kind->buffers)
        type->kind->buffers(&copying->reader, type, object.address, note_buffer, &object);
    heap->objects = grown;
    grown[heap->object_count++] = object;
}

static bool copy_question(void *context, struct image *image, enum certainty *ret,
                          struct error *err)
{
    struct copying *copying = context;
    const struct python *python = session_python(copying->heap->session);
    struct reach_verdict verdict;

    copying->image = image;
    copying->heap->object_count = 0;
    types_free(&copying->types);
    types_init(&copying->types, python);
    copying->reader = (struct reader){python, image, &copying->types};
    if (!reach_walk(python, image, &copying->types, note_object, copying, &verdict, err))
        return false;
    for (size_t i = 0; i < image->count; i++) {
        for (uint64_t at = 0; at < image->ranges[i].size && at < MOST_TOUCHED; at += IMAGE_PAGE)
            (void)image_at(image, image->ranges[i].start + at, 1);
    }
    *ret = ANSWER_VERIFIED;
    return !copying->failed || error_memory(err);
}

static bool copy_range(struct image *image, const struct image_range *range, struct error *err)
{
    size_t pages = (size_t)(range->size / IMAGE_PAGE), words = pages / 64 + 1;
    struct image_range copy = {.start = range->start, .size = range->size};

    if (range->bytes) {
        copy.present = calloc(words, sizeof(uint64_t));
        copy.bytes = mmap(NULL, range->size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (!copy.present || copy.bytes == MAP_FAILED)
            return error_memory(err);
    }
    for (size_t page = 0; copy.bytes && page < pages; page++) {
        if (!image_page_present(range, page))
            continue;
        memcpy(copy.bytes + page * IMAGE_PAGE, range->bytes + page * IMAGE_PAGE, IMAGE_PAGE);
        copy.present[page / 64] |= UINT64_C(1) << page % 64;
        image->bytes += IMAGE_PAGE;
    }
    return image_add(image, &copy, err);
}

bool damaged_heap_copy(struct damaged_heap *ret, pid_t pid, struct error *err)
{
    struct copying copying = {.heap = ret};
    struct session_options options = {.progress = NULL};
    struct session_report report;

    *ret = (struct damaged_heap){.session = NULL};
    image_init(&ret->image);
    if (!session_open(&ret->session, pid, &options, err))
        return false;
    types_init(&copying.types, session_python(ret->session));
    bool done = session_ask(ret->session, copy_question, &copying, &report, err);
    types_free(&copying.types);
    for (size_t i = 0; done && i < copying.image->count; i++)
        done = copy_range(&ret->image, &copying.image->ranges[i], err);
    return done;
}

void damaged_heap_free(struct damaged_heap *heap)
{
    for (size_t i = 0; i < heap->image.count; i++) {
        if (heap->image.ranges[i].bytes)
            munmap(heap->image.ranges[i].bytes, heap->image.ranges[i].size);
        free(heap->image.ranges[i].present);
    }
    image_free(&heap->image);
    session_close(heap->session);
    free(heap->objects);
    *heap = (struct damaged_heap){.session = NULL};
}

/* Damage */

struct damage {
    const struct damaged_heap *heap;
    struct image image; /* the ranges are the heap's, whose bytes this process has for itself */
    uint64_t state;
};

/* splitmix64 */
static uint64_t draw(struct damage *damage)
{
    uint64_t z = damage->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t below(struct damage *damage, uint64_t bound)
{
    return bound ? draw(damage) % bound : 0;
}

static const struct heap_object *any_object(struct damage *damage)
{
    return &damage->heap->objects[below(damage, damage->heap->object_count)];
}

/* Another of that type, if there is one near. */
static const struct heap_object *any_like(struct damage *damage, uint32_t type)
{
    for (int i = 0; i < 2000; i++) {
        const struct heap_object *object = any_object(damage);
        if (object->type == type)
            return object;
    }
    return any_object(damage);
}

static void put(struct damage *damage, uint64_t address, const void *bytes, size_t size)
{
    struct image_range *range = image_range_of(&damage->image, address);

    if (!range || !range->bytes || size > range->start + range->size - address ||
        !image_page_present(range, (address - range->start) / IMAGE_PAGE) ||
        !image_page_present(range, (address + size - 1 - range->start) / IMAGE_PAGE))
        return;
    memcpy(range->bytes + (address - range->start), bytes, size);
}

static uint64_t get(struct damage *damage, uint64_t address)
{
    uint64_t word;

    return image_word(&damage->image, address, sizeof(word), &word) ? word : 0;
}

/* A word of an object, of what it has allocated, or of anything. */
static uint64_t any_place(struct damage *damage, const struct heap_object *object)
{
    uint64_t size = object->size < MOST_BEHIND ? object->size : MOST_BEHIND;

    if (object->buffer_size && draw(damage) % 2) {
        size = draw(damage) % 2 && object->buffer_size > 128 ? 128 : object->buffer_size;
        return object->buffer + below(damage, size / WORD) * WORD;
    }
    if (draw(damage) % 64 == 0) {
        const struct image_range *range = &damage->image.ranges[below(damage, damage->image.count)];
        return range->start + below(damage, range->size / WORD) * WORD;
    }
    return object->address - BEFORE + below(damage, (size + BEFORE) / WORD + 1) * WORD;
}

static uint64_t any_number(struct damage *damage)
{
    static const uint64_t numbers[] = {0,
                                       1,
                                       2,
                                       3,
                                       7,
                                       255,
                                       256,
                                       4096,
                                       65535,
                                       1 << 20,
                                       INT32_MAX,
                                       UINT32_MAX,
                                       UINT64_C(1) << 32,
                                       UINT64_C(1) << 40,
                                       UINT64_C(1) << 59,
                                       UINT64_C(1) << 60,
                                       UINT64_C(1) << 61,
                                       INT64_MAX,
                                       INT64_MAX - 7,
                                       UINT64_C(1) << 63,
                                       UINT64_MAX,
                                       UINT64_MAX - 7,
                                       UINT64_MAX - 4095};
    unsigned shape = draw(damage) % 4;

    if (shape == 0)
        return below(damage, 1 << 16);
    if (shape == 1)
        return draw(damage) >> below(damage, 64);
    return numbers[below(damage, sizeof(numbers) / sizeof(*numbers))];
}

/* Where nothing is behind: the last words of a mapping. */
static uint64_t any_edge(struct damage *damage)
{
    const struct image_range *range = &damage->image.ranges[below(damage, damage->image.count)];

    return range->start + range->size - WORD * (1 + below(damage, 32));
}

static uint64_t any_value(struct damage *damage, const struct heap_object *object, uint64_t place)
{
    switch (draw(damage) % 12) {
    case 0:
        return object->address;
    case 1:
        return any_like(damage, object->type)->address;
    case 2:
        return any_object(damage)->address - 16 + below(damage, 5) * 8;
    case 3:
        return any_object(damage)->address + below(damage, 64);
    case 4:
        return any_edge(damage);
    case 5:
        return place;
    case 6:
        return get(damage, any_place(damage, any_object(damage)));
    case 7:
        return get(damage, place) + 8 * (below(damage, 9) - 4);
    case 8:
        return get(damage, place) ^ UINT64_C(1) << below(damage, 64);
    case 9:
        return any_number(damage);
    case 10:
        return any_object(damage)->address;
    default:
        return any_number(damage);
    }
}

static void damage_word(struct damage *damage, const struct heap_object *object, uint64_t place)
{
    static const size_t sizes[] = {8, 8, 8, 4, 1};
    uint64_t value = any_value(damage, object, place);
    size_t size = sizes[draw(damage) % 5];

    put(damage, size < 8 ? place + below(damage, 8 / size) * size : place, &value, size);
}

/* The same word of many objects of a type: chains, circles, and all of them absurd. */
static void damage_type(struct damage *damage)
{
    const struct heap_object *chosen = any_object(damage);
    uint64_t place = any_place(damage, chosen), offset = place - chosen->address;
    uint64_t number = any_number(damage), last = chosen->address, far = any_object(damage)->address;
    unsigned shape = draw(damage) % 6;

    for (size_t i = 0; i < damage->heap->object_count; i++) {
        const struct heap_object *object = &damage->heap->objects[i];
        if (object->type != chosen->type)
            continue;
        uint64_t value = number;
        if (shape == 1)
            value = object->address;
        else if (shape == 2 || shape == 3)
            value = last; /* a chain of all, a circle as the first refers to one of them */
        else if (shape == 4)
            value = far;
        else if (shape == 5)
            value = get(damage, last + offset);
        put(damage, object->address + offset, &value, sizeof(value));
        last = object->address;
    }
}

static void damage_all(struct damage *damage)
{
    uint64_t words = UINT64_C(1) << below(damage, 15);

    for (unsigned types = draw(damage) % 4; types; types--)
        damage_type(damage);
    for (uint64_t i = 0; i < words; i++) {
        const struct heap_object *object = any_object(damage);
        damage_word(damage, object, any_place(damage, object));
    }
}

/* Questions */

static void ignore_fact(void *context, const char *key, const char *value, size_t length)
{
    uint64_t *sum = context;

    for (size_t i = 0; i < length; i++)
        *sum += (unsigned char)value[i];
    *sum += (unsigned char)key[0];
}

static void ignore_buffer(void *context, const char *name, uint64_t address, uint64_t size)
{
    uint64_t *sum = context;

    *sum += address + size + (unsigned char)name[0];
}

static bool ignore_reference(void *context, const struct reference *reference)
{
    uint64_t *sum = context;

    *sum += reference->to + reference->key;
    return true;
}

struct asking {
    struct reader reader;
    uint64_t sum;
};

static void ask_object(void *context, const struct reached_object *met)
{
    struct asking *asking = context;
    const struct reader *reader = &asking->reader;
    const struct type *type = reader->types->items[met->object.type];
    uint64_t address = met->object.address;
    struct references references = {.visit = ignore_reference, .context = &asking->sum};

    if (!type->valid)
        return;
    if (type->kind && type->kind->describe)
        type->kind->describe(reader, type, address, ignore_fact, &asking->sum);
    if (type->kind && type->kind->buffers)
        type->kind->buffers(reader, type, address, ignore_buffer, &asking->sum);
    instance_attributes(reader, type, address, &references);
}

static bool ignore_row(void *context, const struct listed *row)
{
    uint64_t *sum = context;

    *sum += row->repr->length + row->object.size + (unsigned char)row->type_name[0];
    return true;
}

static bool ask_of_all(struct damage *damage, struct error *err)
{
    const struct python *python = session_python(damage->heap->session);
    static const uint64_t lengths[] = {3, 80, 80, 500};
    struct asking asking = {.sum = 0};
    struct reach_verdict verdict;
    struct types types;
    struct listing_options options = {.attributes = {"a", "name", "__dict__", "args"},
                                      .attribute_count = 4,
                                      .generations = {true, true, true, true},
                                      .all_objects = true,
                                      .repr_length = lengths[draw(damage) % 4],
                                      .order = (enum listing_order)below(damage, 4)};
    struct listing listing;

    types_init(&types, python);
    asking.reader = (struct reader){python, &damage->image, &types};
    bool done = reach_walk(python, &damage->image, &types, ask_object, &asking, &verdict, err);
    types_free(&types);
    if (!done)
        return false;
    listing_init(&listing, python, &options);
    done = listing_take(&listing, &damage->image, NULL, NULL, err) &&
           listing_tell(&listing, ignore_row, &asking.sum, err);
    listing_free(&listing);
    return done;
}

static bool ask_of_some(struct damage *damage, struct error *err)
{
    const struct python *python = session_python(damage->heap->session);
    struct detail_options options = {.items = below(damage, 3) * 20, .repr_length = 2000};
    uint64_t addresses[ASKED_FOR];
    struct details details;

    for (size_t i = 0; i < ASKED_FOR; i++) {
        const struct heap_object *object = any_object(damage);
        addresses[i] = object->address;
        if (i % 4 == 1)
            addresses[i] = any_place(damage, object);
        else if (i % 4 == 2)
            addresses[i] = any_value(damage, object, object->address);
    }
    if (!details_init(&details, python, &options, addresses, ASKED_FOR, err))
        return false;
    bool done = details_take(&details, &damage->image, false, err);
    for (size_t i = 0; done && i < ASKED_FOR; i++) {
        struct detail detail;
        if (!finding_is_object(&details.findings[i]))
            continue;
        done = details_look(&details, i, &detail, err);
        if (done)
            detail_free(&detail);
    }
    details_free(&details);
    return done;
}

/* The child's part. */
static int ask_all(const struct damaged_heap *heap, uint64_t seed)
{
    struct damage damage = {.heap = heap, .image = heap->image, .state = seed};
    struct error err;

    damage.image.last = &damage.image.none;
    memset(damage.image.recent, 0, sizeof(damage.image.recent));
    if (seed)
        damage_all(&damage);
    bool done = ask_of_all(&damage, &err) && ask_of_some(&damage, &err);
    if (!done)
        fprintf(stderr, "%s\n", err.text);
    arena_free(&damage.image.stitched);
    return !done;
}

bool damaged_heap_round(const struct damaged_heap *heap, uint64_t seed, unsigned max_seconds,
                        struct damaged_outcome *ret, struct error *err)
{
    double begin = clock_milliseconds();
    struct rusage usage;
    int status;

    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return error_errno(err, ERROR_SYSTEM, "fork");
    if (pid == 0) {
        signal(SIGALRM, SIG_DFL);
        alarm(max_seconds);
        _exit(ask_all(heap, seed));
    }
    if (wait4(pid, &status, 0, &usage) != pid)
        return error_errno(err, ERROR_SYSTEM, "wait4");
    *ret = (struct damaged_outcome){.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status)
                                                                  : WEXITSTATUS(status),
                                    .seconds = (clock_milliseconds() - begin) / 1e3,
                                    .peak_bytes = (uint64_t)usage.ru_maxrss * 1024};
    return true;
}
