// SPDX-License-Identifier: MIT
#include "inspector/sandbox/traversal.h"

#include "inspector/sandbox/child.h"
#include "inspector/sandbox/missing.h"
#include "inspector/sandbox/offenders.h"
#include "symbols/base/clock.h"
#include "symbols/base/vector.h"

#include <stdlib.h>

enum {
    MOST_CHILDREN = 1000,
    MOST_TRIES = 64,            /* of one object, each time with more memory */
    MOST_AHEAD = 1 << 14,       /* objects that are run to see what memory they miss */
    MOST_AHEAD_FAULTS = 4096,   /* ... of which so many do */
    FIRST_PREFETCHED = 1 << 10, /* objects, the next time eight times as many */
    MOST_PREFETCHED = 1 << 25,
    MOST_IN_VAIN = 64,
    FIRST_WRITING = 1, /* objects in a row that may write, the next time twice as many */
    TAKEN_AT_ONCE = 1 << 10,
    FEWER = 16,            /* objects are given in so many parts, where one of them has lied */
    SLACK_WORDS = 1 << 12, /* what an object may visit beyond the words that there are */
    MOST_VISITS = 8,       /* of each word that there is, by all objects together */
};
static const uint64_t slack_visits = UINT64_C(1) << 26;
static const double stall_milliseconds = 1000, stall_used_milliseconds = 500;
static const double most_silent_milliseconds = 30e3, most_stalled_milliseconds = 10e3;

struct traversal {
    struct image *image;
    const struct traversal_setting *setting;
    const uint64_t *objects;
    size_t count;
    traversal_visit *visit;
    void *context;
    struct traversal_report report;

    struct shared shared;
    struct missing missing;
    struct offenders offenders;
    size_t told;  /* objects that were */
    size_t idle;  /* the one that a child waited for too long for last */
    size_t tried; /* the one that was tried again last, and how often */
    unsigned tries;
    size_t prefetched, prefetching; /* objects so far, and the next time */
    unsigned in_vain;               /* in a row */
    size_t writing;                 /* objects, the next time */
    size_t batch, batched;          /* objects that are given at once (0: any), up to that one */
    uint64_t *words;                /* of the object that is being taken */
    size_t word_count, word_capacity;
    uint64_t most_words;    /* of one object */
    uint64_t words_left;    /* of all */
    double stalled;         /* milliseconds that were lost so far */
    bool enough, no_memory; /* the visitor has said so; there is none for the words */
};

/* What one child does. */
struct round {
    struct child child;
    size_t first; /* its first object */
    size_t limit; /* it is given those before */
    bool writable;
    uint64_t given, ends_taken, words_taken;
    bool ahead; /* nothing is told any more: an object misses memory, which is being found out of
                 * it and of those behind it */
    uint64_t ahead_faults;
    bool over;
    bool lied;      /* it says what cannot be, or */
    bool excessive; /* the next object visits too much */
};

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* ---- Telling. ---- */

static void tell(struct traversal *traversal, enum traversed outcome, size_t count)
{
    struct traversal_report *report = &traversal->report;
    size_t number = traversal->told++;

    report->traversed += outcome == TRAVERSED;
    report->faulted += outcome == TRAVERSAL_FAULTED;
    report->ended += outcome == TRAVERSAL_ENDED;
    report->shunned += outcome == TRAVERSAL_SHUNNED;
    if (outcome != TRAVERSED) {
        report->last_trouble = traversal->objects[number];
        count = 0;
    }
    report->referents += count;
    traversal->words_left -= count < traversal->words_left ? count : traversal->words_left;
    if (!traversal->visit(traversal->context, number, outcome, traversal->words, count))
        traversal->enough = true;
}

static uint64_t function_of(const struct traversal *traversal, uint64_t object)
{
    const uint64_t missed = traversal->image->missed;
    uint64_t word = 0;

    if (!image_word(traversal->image, object + traversal->setting->type_offset, 8, &word) ||
        !image_word(traversal->image, word + traversal->setting->traverse_offset, 8, &word))
        word = 0;
    traversal->image->missed = missed;
    return word;
}

/* Tells of the next object that it did not come to a good end. */
static void flag(struct traversal *traversal, enum traversed outcome)
{
    struct orders *orders = traversal->shared.orders;
    uint64_t function = function_of(traversal, traversal->objects[traversal->told]);

    if (outcome != TRAVERSAL_SHUNNED &&
        offenders_note(&traversal->offenders, function, outcome == TRAVERSAL_ENDED,
                       traversal->told)) {
        orders->shunned[traversal->offenders.shunned - 1] = function;
        store(&orders->shunned_count, traversal->offenders.shunned);
    }
    tell(traversal, outcome, 0);
}

/* ---- Taking what the child has written. ---- */

static bool take_words(struct traversal *traversal, struct round *round, uint64_t count)
{
    const uint64_t *ring = traversal->shared.answers->words;

    if (count > traversal->most_words - traversal->word_count) {
        round->excessive = true;
        return false;
    }
    uint64_t *grown = vector_grow(traversal->words, &traversal->word_capacity,
                                  traversal->word_count + count + 1, sizeof(*grown));
    if (!grown) {
        traversal->no_memory = true;
        return false;
    }
    traversal->words = grown;
    for (uint64_t i = 0; i < count; i++)
        grown[traversal->word_count + i] =
            __atomic_load_n(&ring[(round->words_taken + i) % RESIDENT_WORDS], __ATOMIC_RELAXED);
    traversal->word_count += count;
    round->words_taken += count;
    return true;
}

/* Where one object misses memory, those behind it do too. */
static void prefetch(struct traversal *traversal)
{
    size_t at = traversal->told > traversal->prefetched ? traversal->told : traversal->prefetched;
    size_t end = traversal->count;

    if (end - traversal->told > traversal->prefetching)
        end = traversal->told + traversal->prefetching;
    for (; at < end && traversal->in_vain < MOST_IN_VAIN && !traversal->image->crowded; at++) {
        if (missing_prefetch(traversal->image, traversal->objects[at]))
            traversal->in_vain = 0;
        else
            traversal->in_vain++;
    }
    traversal->prefetched = at;
    if (traversal->prefetching < MOST_PREFETCHED)
        traversal->prefetching *= 8;
}

static void begin_ahead(struct traversal *traversal, struct round *round)
{
    round->ahead = true;
    if (traversal->tried != traversal->told || !traversal->tries)
        traversal->tries = 0;
    traversal->tried = traversal->told;
    traversal->tries++;
}

/* The address is the child's word, and may be anything. */
static bool is_mended(struct traversal *traversal, struct round *round, uint64_t address,
                      uint64_t why)
{
    unsigned tries = traversal->tried == traversal->told ? traversal->tries : 0;

    if (!(why & RESIDENT_WHY_PAGE) || why & RESIDENT_WHY_MAPPED || tries >= MOST_TRIES)
        return false;
    return missing_fetch(&traversal->missing, traversal->image, address, round->ahead ? 0 : tries);
}

static void take_fault(struct traversal *traversal, struct round *round)
{
    uint64_t address, why;

    if (traversal->word_count < 2) {
        round->lied = true;
        return;
    }
    address = traversal->words[traversal->word_count - 2];
    why = traversal->words[traversal->word_count - 1];
    bool mended = is_mended(traversal, round, address, why);
    if (round->ahead) {
        round->ahead_faults++;
    } else if (mended) {
        begin_ahead(traversal, round);
    } else if (!round->writable && why & RESIDENT_WHY_WRITE && why & RESIDENT_WHY_MAPPED &&
               missing_is_writable(traversal->image, address)) {
        round->over = true;
        round->writable = true;
    } else {
        flag(traversal, TRAVERSAL_FAULTED);
    }
}

static void take_end(struct traversal *traversal, struct round *round, uint64_t end)
{
    uint64_t outcome = end >> RESIDENT_OUTCOME_SHIFT;

    if (outcome == RESIDENT_FAULT)
        take_fault(traversal, round);
    else if (round->ahead)
        return;
    else if (outcome == RESIDENT_DONE)
        tell(traversal, TRAVERSED, traversal->word_count);
    else
        flag(traversal, TRAVERSAL_SHUNNED);
}

static bool goes_on(const struct traversal *traversal, const struct round *round)
{
    return !round->over && !round->lied && !round->excessive && !traversal->enough &&
           !traversal->no_memory && traversal->words_left && !traversal->offenders.too_many;
}

/* Takes what is there, a part at a time, so that the child has room meanwhile. False: nothing was
 * there. */
static bool take(struct traversal *traversal, struct round *round)
{
    struct answers *answers = traversal->shared.answers;
    uint64_t ends = load(&answers->ends_written) - round->ends_taken;
    uint64_t words = load(&answers->words_written) - round->words_taken;

    if (ends > round->given - round->ends_taken || words > RESIDENT_WORDS) {
        round->lied = true;
        return false;
    }
    for (uint64_t i = 0; i < ends && i < TAKEN_AT_ONCE && goes_on(traversal, round); i++) {
        uint64_t end = load(&answers->ends[round->ends_taken % RESIDENT_ENDS]);
        uint64_t count = end & RESIDENT_COUNT_MASK;
        if (count < traversal->word_count || count - traversal->word_count > words) {
            round->lied = true;
            return true;
        }
        count -= traversal->word_count;
        words -= count;
        if (!take_words(traversal, round, count))
            return true;
        round->ends_taken++;
        take_end(traversal, round, end);
        traversal->word_count = 0;
    }
    /* Of an object that visits more than there is room for. */
    if (!ends && words && take_words(traversal, round, words))
        ends = words;
    store(&traversal->shared.orders->words_taken, round->words_taken);
    store(&traversal->shared.orders->ends_taken, round->ends_taken);
    return ends != 0;
}

static void give(struct traversal *traversal, struct round *round)
{
    struct orders *orders = traversal->shared.orders;
    uint64_t most = round->limit - round->first;

    if (round->ahead) {
        uint64_t ahead = traversal->told - round->first + MOST_AHEAD;
        most = ahead < most ? ahead : most;
        if (round->ahead_faults >= MOST_AHEAD_FAULTS)
            most = round->given;
    }
    if (most > round->ends_taken + RESIDENT_REQUESTS)
        most = round->ends_taken + RESIDENT_REQUESTS;
    if (traversal->told >= traversal->batched)
        traversal->batch = 0;
    if (traversal->batch && round->given > round->ends_taken)
        most = round->given;
    else if (traversal->batch && most > round->given + traversal->batch)
        most = round->given + traversal->batch;
    while (round->given < most) {
        uint64_t number = round->given++;
        orders->requests[number % RESIDENT_REQUESTS] = traversal->objects[round->first + number];
    }
    store(&orders->given, round->given);
}

static bool has_taken_all(const struct round *round)
{
    return round->ends_taken == round->limit - round->first ||
           (round->ahead && round->ends_taken == round->given);
}

/* The child has ended. One that had waited too long for us is believed once an object. */
static bool has_stumbled(struct traversal *traversal, struct round *round)
{
    bool idle = load(&traversal->shared.answers->step) == RESIDENT_IDLE;

    if (round->ahead || has_taken_all(round))
        return false;
    if (round->lied || round->excessive)
        return true;
    if (!goes_on(traversal, round) || (idle && traversal->idle != traversal->told)) {
        traversal->idle = traversal->told;
        return false;
    }
    return true;
}

/* Watches the child until it is done, has ended or has to be ended. True: the next object is the
 * one that it stumbled over. */
static bool serve(struct traversal *traversal, struct round *round)
{
    double since = clock_milliseconds(), used = child_used(&round->child), nap = 0.02;

    while (goes_on(traversal, round)) {
        give(traversal, round);
        if (has_taken_all(round))
            return false;
        if (take(traversal, round)) {
            since = 0;
            continue;
        }
        if (!goes_on(traversal, round))
            break;
        if (since == 0) {
            since = clock_milliseconds();
            used = child_used(&round->child);
            nap = 0.02;
        }
        if (child_has_ended(&round->child, nap)) {
            while (goes_on(traversal, round) && take(traversal, round))
                ;
            return has_stumbled(traversal, round);
        }
        nap = nap < 1 ? nap * 2 : nap;
        double silent = clock_milliseconds() - since;
        if (silent > most_silent_milliseconds ||
            (silent > stall_milliseconds &&
             child_used(&round->child) - used > stall_used_milliseconds)) {
            traversal->stalled += silent;
            return !round->ahead;
        }
    }
    return (round->lied || round->excessive) && !round->ahead;
}

/*
 * A child that lies does so for one of the objects that it was given and that were not told yet.
 * Where that may be several, they are given to the next one in smaller parts, until one alone is to
 * blame. False: it is the next object.
 */
static bool narrow_down(struct traversal *traversal, const struct round *round)
{
    size_t given = round->first + round->given;

    if (!round->lied || given <= traversal->told + 1)
        return false;
    traversal->batch = (given - traversal->told) / FEWER;
    traversal->batch += !traversal->batch;
    if (given > traversal->batched)
        traversal->batched = given;
    return true;
}

/* ---- One child after the other. ---- */

static bool start(struct traversal *traversal, struct round *round, struct error *err)
{
    const struct traversal_setting *setting = traversal->setting;
    const struct site_wish wish = {.thread_pointer = setting->thread_pointer,
                                   .word_at = setting->current_thread_at,
                                   .word = setting->current_thread,
                                   .type_offset = setting->type_offset,
                                   .traverse_offset = setting->traverse_offset,
                                   .writable = round->writable};
    struct orders *orders = traversal->shared.orders;
    struct site site;

    if (!site_plan(&site, traversal->image, &wish, err))
        return false;
    traversal->most_words = site.pages * (IMAGE_PAGE / 8) + SLACK_WORDS;
    if (traversal->report.children == 0)
        traversal->words_left = traversal->most_words * MOST_VISITS + slack_visits;
    orders->given = orders->ends_taken = orders->words_taken = 0;
    give(traversal, round);
    bool done = child_start(&round->child, &site, &traversal->shared, err);
    site_free(&site);
    traversal->report.children += done;
    return done;
}

/* Whether the next child is to be a writable one. */
static bool run_child(struct traversal *traversal, bool writable, bool *ret_writable,
                      struct error *err)
{
    struct round round = {
        .first = traversal->told, .limit = traversal->count, .writable = writable};

    if (writable && round.limit - round.first > traversal->writing)
        round.limit = round.first + traversal->writing;
    if (writable && traversal->writing < traversal->count)
        traversal->writing *= 2;
    traversal->word_count = 0;
    missing_begin(&traversal->missing);
    if (!start(traversal, &round, err))
        return false;
    bool stumbled = serve(traversal, &round);
    child_end(&round.child);
    if (round.ahead)
        prefetch(traversal);
    *ret_writable = round.over || (round.ahead && writable);
    if (stumbled && traversal->told < traversal->count && !narrow_down(traversal, &round))
        flag(traversal, TRAVERSAL_ENDED);
    return true;
}

static bool is_hopeless(const struct traversal *traversal)
{
    return traversal->report.children >= MOST_CHILDREN || !traversal->words_left ||
           traversal->offenders.too_many || traversal->stalled > most_stalled_milliseconds;
}

static bool run(struct traversal *traversal, struct error *err)
{
    bool writable = false;

    while (traversal->told < traversal->count && !traversal->enough) {
        image_rest(traversal->image);
        if (traversal->report.children && is_hopeless(traversal)) {
            tell(traversal, TRAVERSAL_SHUNNED, 0);
        } else if (!run_child(traversal, writable, &writable, err)) {
            if (!traversal->report.children)
                return false;
            traversal->words_left = 0;
        } else if (traversal->no_memory) {
            return error_memory(err);
        }
    }
    return true;
}

bool traversal_run(struct image *image, const struct traversal_setting *setting,
                   const uint64_t *objects, size_t count, traversal_visit *visit, void *context,
                   struct traversal_report *ret, struct error *err)
{
    struct traversal traversal = {.image = image,
                                  .setting = setting,
                                  .objects = objects,
                                  .count = count,
                                  .visit = visit,
                                  .context = context,
                                  .idle = SIZE_MAX,
                                  .tried = SIZE_MAX,
                                  .prefetching = FIRST_PREFETCHED,
                                  .writing = FIRST_WRITING};

    if (!shared_map(&traversal.shared, err))
        return false;
    bool done = run(&traversal, err);
    shared_unmap(&traversal.shared);
    free(traversal.words);
    if (done)
        *ret = traversal.report;
    return done;
}
