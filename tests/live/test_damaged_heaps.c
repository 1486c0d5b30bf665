// SPDX-License-Identifier: MIT
/*
 * Whatever is in a target's memory, whoever looks at its objects comes to no harm: no crash, no
 * endless walk, no memory without bound. Everything that can be asked of a heap is asked of damaged
 * copies of a real one; see damaged_heap.h.
 */
#include "tests/support/damaged_heap.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <inttypes.h>

/* A sound copy takes a second, of which damage may make some. Each interpreter has damage of its
 * own. */
enum { ROUNDS = 25, MOST_SECONDS = 60 };
static const uint64_t most_bytes = UINT64_C(2) << 30; /* the sanitizers take their part */

ParameterizedTestParameters(damaged_heaps, do_no_harm)
{
    return pythons_some();
}

ParameterizedTest(size_t *index, damaged_heaps, do_no_harm, .timeout = 600)
{
    struct interpreter python = pythons_get(index);
    struct damaged_heap heap;
    struct damaged_outcome outcome;
    struct target target;
    struct error err;

    target_start(&target, &python, "bare");
    cr_assert(damaged_heap_copy(&heap, target.pid, &err), "%s: %s", target.name, err.text);
    target_end(&target);
    cr_assert_gt(heap.object_count, 10000, "%s", target.name);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        uint64_t seed = round ? *index * ROUNDS + round : 0; /* 0 does no damage */
        cr_assert(damaged_heap_round(&heap, seed, MOST_SECONDS, &outcome, &err), "%s", err.text);
        cr_expect_eq(outcome.status, 0, "%s: seed %" PRIu64 ": status %d after %.1f s", target.name,
                     seed, outcome.status, outcome.seconds);
        cr_expect_lt(outcome.peak_bytes, most_bytes, "%s: seed %" PRIu64 ": %" PRIu64 " bytes",
                     target.name, seed, outcome.peak_bytes);
    }
    damaged_heap_free(&heap);
}
