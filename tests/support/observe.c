// SPDX-License-Identifier: MIT
#include "tests/support/observe.h"

#include "inspector/command/session.h"
#include "symbols/base/vector.h"

#include <criterion/criterion.h>
#include <stdlib.h>

struct observing {
    struct observation *observation;
    size_t capacity;
    struct session *session;
    struct types types;
};

static void see(void *context, const struct object *object)
{
    struct observing *observing = context;
    struct observation *seen = observing->observation;
    struct observed_object *grown = vector_grow(seen->objects, &observing->capacity,
                                                seen->object_count + 1, sizeof(*seen->objects));

    cr_assert_not_null(grown);
    seen->objects = grown;
    seen->objects[seen->object_count++] =
        (struct observed_object){.address = object->address,
                                 .size = object->size,
                                 .type = object->type,
                                 .permanent = object->generation == GENERATION_PERMANENT};
}

static bool look(void *context, struct image *image, enum certainty *ret, struct error *err)
{
    struct observing *observing = context;
    const struct python *python = session_python(observing->session);
    struct heap_verdict verdict;

    observing->observation->object_count = 0;
    types_free(&observing->types);
    types_init(&observing->types, python);
    if (!heap_walk(python, image, &observing->types, see, observing, &verdict, err))
        return false;
    observing->observation->permanent_count = verdict.objects[GENERATION_PERMANENT];
    observing->observation->interpreters = verdict.interpreters;
    *ret = heap_is_verified(&verdict) ? ANSWER_VERIFIED : ANSWER_HAS_GAPS;
    return true;
}

static int compare(const void *left, const void *right)
{
    const struct observed_object *a = left, *b = right;

    return (a->address > b->address) - (a->address < b->address);
}

void observe(struct observation *ret, pid_t pid)
{
    observe_as(ret, pid, &(struct session_options){.progress = NULL});
}

void observe_as(struct observation *ret, pid_t pid, const struct session_options *options)
{
    struct observing *observing = calloc(1, sizeof(*observing));
    struct session_report report;
    struct error err;

    *ret = (struct observation){.session = observing};
    observing->observation = ret;
    cr_assert(session_open(&observing->session, pid, options, &err), "%s", err.text);
    cr_assert(session_ask(observing->session, look, observing, &report, &err), "%s", err.text);
    qsort(ret->objects, ret->object_count, sizeof(*ret->objects), compare);
    ret->type_count = observing->types.count;
    ret->types = calloc(ret->type_count + 1, sizeof(*ret->types));
    for (size_t i = 0; i < ret->type_count; i++)
        ret->types[i] = (struct observed_type){.name = observing->types.items[i]->name,
                                               .length = observing->types.items[i]->name_length};
    ret->verified = report.verified;
    ret->in_pieces = report.in_pieces;
    ret->unstopped = report.unstopped;
    ret->stops = report.stops;
    ret->pause_milliseconds = report.pause_milliseconds;
}

/* The name that a type is to be printed by, from what the target says of it. */
static bool has_name(const struct observed_type *seen, const struct truth_type *type)
{
    bool builtin =
        !type->module || (type->module_length == 8 && memcmp(type->module, "builtins", 8) == 0);
    size_t before = builtin ? 0 : type->module_length + 1;

    cr_assert_not_null(type->qualname);
    return seen->length == before + type->qualname_length &&
           (builtin || (memcmp(seen->name, type->module, type->module_length) == 0 &&
                        seen->name[type->module_length] == '.')) &&
           memcmp(seen->name + before, type->qualname, type->qualname_length) == 0;
}

void observation_expect(const struct observation *seen, const struct truth *truth,
                        const char *where)
{
    size_t i = 0, j = 0, differences = 0;

    while (i < seen->object_count || j < truth->object_count) {
        const struct observed_object *ours = i < seen->object_count ? &seen->objects[i] : NULL;
        const struct truth_object *theirs = j < truth->object_count ? &truth->objects[j] : NULL;
        const char *problem = NULL;
        bool only_ours = ours && (!theirs || ours->address < theirs->address);
        bool only_theirs = theirs && (!ours || theirs->address < ours->address);

        if (only_ours)
            problem = ours->permanent ? NULL : "seen, but not there";
        else if (only_theirs)
            problem = "there, but not seen";
        else if (!has_name(&seen->types[ours->type], &truth->types[theirs->type]))
            problem = "of another type";
        else if (theirs->size != TRUTH_UNSIZED && ours->size != theirs->size)
            problem = "of another size";
        if (problem && differences++ < 5)
            cr_log_error(
                "%s: object 0x%llx is %s: %s, %llu bytes against %llu", where,
                (unsigned long long)(only_theirs ? theirs->address : ours->address), problem,
                only_theirs ? truth->types[theirs->type].qualname : seen->types[ours->type].name,
                only_theirs ? 0 : (unsigned long long)ours->size,
                only_ours ? 0 : (unsigned long long)theirs->size);
        i += !only_theirs;
        j += !only_ours;
    }
    cr_expect_eq(differences, 0, "%s: %zu differences in %zu objects", where, differences,
                 truth->object_count);
}

void observation_free(struct observation *observation)
{
    struct observing *observing = observation->session;

    session_close(observing->session);
    types_free(&observing->types);
    free(observing);
    free(observation->objects);
    free(observation->types);
}
