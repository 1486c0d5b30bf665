// SPDX-License-Identifier: MIT
#include "inspector/command/watch_tally.h"

#include "inspector/report/format.h"
#include "inspector/report/render.h"

void watch_tally_add(struct watch_tally *tally, const struct watch_process *process)
{
    bool taken = process->outcome == WATCH_SAMPLED || process->outcome == WATCH_UNSAVED;

    tally->tried++;
    tally->saved += process->outcome == WATCH_SAMPLED; /* where that was asked for */
    tally->failed += process->outcome == WATCH_FAILED;
    tally->unsaved += process->outcome == WATCH_UNSAVED;
    if (process->outcome != WATCH_SAMPLED)
        tally->why = process->why;
    tally->untraced += taken && process->is_untraced;
    tally->incomplete += taken && !process->snapshot.occasion.complete;
    tally->stopped += process->stopped_milliseconds;
    if (taken && process->snapshot.occasion.pause_milliseconds > tally->longest)
        tally->longest = process->snapshot.occasion.pause_milliseconds;
}

void watch_tally_fault(struct watch_tally *tally, uint64_t *count, const struct error *why)
{
    ++*count;
    tally->why = *why;
}

bool watch_tally_has_failed(const struct watch_tally *tally)
{
    return tally->failed || tally->unsaved || tally->unpublished || tally->lapses;
}

bool watch_tally_is_in_vain(const struct watch_tally *tally)
{
    return tally->untraced && tally->untraced + tally->failed == tally->tried;
}

static void add_times(struct text *text, uint64_t count)
{
    char number[32];

    text_addf(text, "%s sample%s", format_count(number, count), count == 1 ? "" : "s");
}

static void add_share(const struct watch_summary *summary, struct text *text)
{
    const struct watch_tally *tally = summary->tally;
    char most[32], all[32];

    if (!(tally->stopped > 0)) {
        text_add(text, "nothing was stopped");
        return;
    }
    text_addf(text, "%s stood still for %s at most, %s for %s in all",
              summary->alone ? "it" : "a process", format_milliseconds(most, tally->longest),
              summary->alone ? "and" : "and all of them", format_milliseconds(all, tally->stopped));
    if (summary->alone && summary->milliseconds > 0)
        text_addf(text, ", %.2g %% of the time", 100 * tally->stopped / summary->milliseconds);
}

static void add_count(struct text *text, uint64_t number, const char *words)
{
    char count[32];

    if (number)
        text_addf(text, ", %s %s", format_count(count, number), words);
}

void watch_tally_describe(const struct watch_summary *summary, struct text *text)
{
    const struct watch_tally *tally = summary->tally;

    add_times(text, tally->tried);
    if (summary->alone)
        text_addf(text, " of process %d", (int)summary->alone);
    text_addf(text, " in %.1f s", summary->milliseconds / 1e3);
    add_count(text, tally->failed, "of them FAILED");
    add_count(text, tally->unsaved, "NOT SAVED");
    add_count(text, tally->unpublished, "NOT PUBLISHED");
    add_count(text, tally->lapses, "not of all processes");
    if (watch_tally_has_failed(tally))
        text_addf(text, " (%s%s)", tally->why.text[0] ? "last: " : "", tally->why.text);
    add_count(text, tally->incomplete, "INCOMPLETE");
    add_count(text, tally->untraced, "without traces");
    add_count(text, summary->crew->joined, "joined");
    if (!summary->alone)
        add_count(text, summary->crew->ended, "ended");
    text_add(text, ": ");
    add_share(summary, text);
    if (summary->saved && tally->saved)
        text_addf(text, "; saved in %s", summary->saved);
}
