// SPDX-License-Identifier: MIT
#include "inspector/command/selection.h"

#include "inspector/command/moment.h"
#include "inspector/report/render.h"
#include "inspector/store/census_name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool set_new_since(void *into, const char *value, struct error *err)
{
    struct selection *selection = into;

    selection->new_since = value;
    return *value || error_set(err, ERROR_USAGE, "--new-since '': it takes a census file");
}

static bool set_ids(void *into, const char *value, struct error *err)
{
    struct selection *selection = into;

    selection->ids = value;
    return *value || error_set(err, ERROR_USAGE, "--ids '': it takes a file of addresses, or -");
}

const struct option_row selection_options[] = {
    {"new-since", "CENSUS", "only objects that are not in this file of attach --save",
     set_new_since},
    {"ids", "FILE", "only objects at these addresses, - for the standard input", set_ids},
    {.name = NULL},
};

static bool lacks_generations(const struct selection *selection, struct error *err)
{
    static const char *const names[GENERATIONS] = {"0", "1", "2", "permanent"};
    char list[32] = "";

    for (int i = 0; i < GENERATIONS; i++) {
        if (selection->old.occasion.generations[i])
            snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", *list ? "," : "",
                     names[i]);
    }
    return error_set(err, ERROR_USAGE,
                     "--new-since %s: it was saved with --generation %s, so of the objects of "
                     "others it says nothing: give --generation %s here too",
                     selection->new_since, list, list);
}

/* Of what it did not count it cannot say what is new. */
static bool check_choice(const struct selection *selection, const struct object_choice *choice,
                         struct error *err)
{
    const struct occasion *occasion = &selection->old.occasion;

    for (int i = 0; i < GENERATIONS; i++) {
        if (choice->generations[i] && !occasion->generations[i])
            return lacks_generations(selection, err);
    }
    if (choice->all_objects && !occasion->all_objects)
        return error_set(err, ERROR_USAGE,
                         "--new-since %s: it was saved without --all-objects, so of the objects "
                         "that are not tracked it says nothing: leave --all-objects out",
                         selection->new_since);
    return selection->old.has_objects ||
           error_set(err, ERROR_USAGE,
                     "--new-since %s: it has counts alone, its addresses were dropped to keep the "
                     "file small",
                     selection->new_since);
}

bool selection_load(struct selection *selection, const struct object_choice *choice,
                    struct listing_options *listing, struct error *err)
{
    if (selection->new_since) {
        if (!census_name_load(selection->new_since, &selection->old, err) ||
            !check_choice(selection, choice, err))
            return false;
        listing->new_since = &selection->old;
    }
    if (selection->ids) {
        if (!addresses_read(&selection->addresses, selection->ids, err))
            return error_context(err, "--ids");
        addresses_sort(&selection->addresses);
        listing->addresses = selection->addresses.items;
        listing->address_count = selection->addresses.count;
    }
    return true;
}

void selection_free(struct selection *selection)
{
    snapshot_free(&selection->old);
    addresses_free(&selection->addresses);
}

bool selection_check(const struct selection *selection, const struct session *session,
                     struct error *err)
{
    const struct process *process = session_process(session);
    const struct origin *old = &selection->old.origin;
    struct process_identity now;

    if (!selection->new_since)
        return true;
    if (!process_identify(process, &now))
        return process_refused(process, "identify", ESRCH, err);
    struct origin origin = origin_of_identity(&now);
    return origin_is_same(old, &origin) ||
           error_set(err, ERROR_USAGE,
                     "--new-since %s: it is of another process (%d), or of another program that "
                     "ran in it, so addresses say nothing; pyinspect compare %s %d compares counts",
                     selection->new_since, (int)old->pid, selection->new_since, (int)now.pid);
}

/* An address that is given twice is one. */
static uint64_t count_addresses(const struct addresses *addresses)
{
    uint64_t count = 0;

    for (size_t i = 0; i < addresses->count; i++)
        count += !i || addresses->items[i] != addresses->items[i - 1];
    return count;
}

void selection_say(const struct selection *selection, uint64_t found, struct text *text)
{
    uint64_t given = count_addresses(&selection->addresses);
    char count[32];

    if (selection->new_since)
        text_addf(text, ", new since %s", selection->new_since);
    if (given > found)
        text_addf(text,
                  ", nothing that is asked for at %s of the addresses (pyinspect show tells "
                  "what is there)",
                  format_count(count, given - found));
}
