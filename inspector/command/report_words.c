// SPDX-License-Identifier: MIT
#include "inspector/command/report_words.h"

#include "inspector/report/format.h"
#include "inspector/report/render.h"

#include <inttypes.h>
#include <time.h>

enum { NAMED_SUSPECTS = 5, NAMED_PROCESSES = 8, LONGEST_NAME = 80 };

const char *words_verdict(enum suspects_verdict verdict)
{
    switch (verdict) {
    case GROWS_STEADILY:
        return "steady";
    case GROWS_NOT_STEADILY:
        return "not steady";
    case GROWS_TOO_FEW_SAMPLES:
        return "too few samples";
    }
    return "";
}

void words_add_confidence(double probability, struct text *text)
{
    double percent = 100 * (1 - probability);

    if (percent > 99.9)
        text_add(text, "> 99.9 %");
    else
        text_addf(text, "%.1f %%", percent);
}

void words_add_number(size_t number, const char *one, const char *several, struct text *text)
{
    char buffer[32];

    text_addf(text, "%s %s", format_count(buffer, number), number == 1 ? one : several);
}

static bool is_too_short(const struct history *history)
{
    return !history->suspects.judged;
}

void words_add_title(const struct history *history, struct text *text)
{
    size_t steady = history->suspects.steady;

    if (is_too_short(history)) {
        text_add(text, "too few samples to tell what grows steadily");
    } else if (!steady) {
        text_add(text, "nothing grows steadily");
    } else {
        words_add_number(steady, "type grows steadily", "types grow steadily", text);
    }
}

static void add_too_short(const struct history *history, struct text *text)
{
    size_t most = 0;

    for (size_t i = 0; i < history->process_count; i++)
        most = history->processes[i].censuses > most ? history->processes[i].censuses : most;
    text_addf(text, ": it takes %d censuses of a process or more, and there ", TREND_LEAST_POINTS);
    text_addf(text, most == 1 ? "is %zu" : "are %zu", most);
}

void words_add_summary(const struct history *history, struct text *text)
{
    const struct suspects *suspects = &history->suspects;
    char number[32];

    words_add_title(history, text);
    if (is_too_short(history)) {
        add_too_short(history, text);
        return;
    }
    for (size_t i = 0; i < suspects->steady && i < NAMED_SUSPECTS; i++) {
        const struct suspects_row *row = &suspects->rows[i];
        text_add(text, i ? ", " : ": ");
        text_add_escaped(text, row->type, row->type_length, LONGEST_NAME);
        text_addf(text, " (+%s/h", format_decimal(number, row->slope));
        if (history->process_count > 1)
            text_addf(text, ", %zu of %zu processes", row->process_count, history->process_count);
        text_add(text, ")");
    }
    if (suspects->steady > NAMED_SUSPECTS)
        text_addf(text, " and %s more", format_count(number, suspects->steady - NAMED_SUSPECTS));
}

enum time_form { FORM_UTC, FORM_LOCAL, FORM_ISO };

static void add_time(int64_t milliseconds, enum time_form form, struct text *text)
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;
    char buffer[64] = "";

    if (form == FORM_LOCAL) {
        if (localtime_r(&seconds, &parts))
            strftime(buffer, sizeof(buffer), "%F %T %z", &parts);
    } else if (gmtime_r(&seconds, &parts)) {
        strftime(buffer, sizeof(buffer), form == FORM_UTC ? "%F %T UTC" : "%FT%T", &parts);
    }
    if (*buffer)
        text_add(text, buffer);
    else
        text_addf(text, "%" PRId64 " ms since 1970", milliseconds);
}

void words_add_time(int64_t milliseconds, enum clock clock, struct text *text)
{
    add_time(milliseconds, clock == CLOCK_UTC ? FORM_UTC : FORM_LOCAL, text);
}

void words_add_iso_time(int64_t milliseconds, struct text *text)
{
    int64_t rest = ((milliseconds % 1000) + 1000) % 1000, whole;

    if (__builtin_sub_overflow(milliseconds, rest, &whole))
        whole = milliseconds;
    add_time(whole, FORM_ISO, text);
    text_addf(text, ".%03dZ", (int)rest);
}

/* "19 s", "4 min", "3 h 5 min", "6 d 23 h" */
static void add_span(double seconds, struct text *text)
{
    uint64_t whole = format_round(seconds, 1);

    if (whole < 120)
        text_addf(text, "%" PRIu64 " s", whole);
    else if (whole < 2 * 3600)
        text_addf(text, "%" PRIu64 " min", whole / 60);
    else if (whole < 48 * 3600)
        text_addf(text, "%" PRIu64 " h %" PRIu64 " min", whole / 3600, whole / 60 % 60);
    else
        text_addf(text, "%" PRIu64 " d %" PRIu64 " h", whole / 86400, whole / 3600 % 24);
}

static void add_one_process(const struct origin *origin, struct text *text)
{
    text_addf(text, "%d: %s, Python %s", (int)origin->pid, origin->executable, origin->version);
    if (*origin->command_line)
        text_addf(text, " (%s)", origin->command_line);
}

void words_add_processes(const struct history *history, struct text *text)
{
    char number[32];

    if (history->process_count == 1) {
        add_one_process(&history->processes[0].origin, text);
        return;
    }
    text_addf(text, "%s, each judged by itself:", format_count(number, history->process_count));
    for (size_t i = 0; i < history->process_count && i < NAMED_PROCESSES; i++)
        text_addf(text, "%s %d", i ? "," : "", (int)history->processes[i].origin.pid);
    if (history->process_count > NAMED_PROCESSES)
        text_addf(text, " and %s more",
                  format_count(number, history->process_count - NAMED_PROCESSES));
}

void words_add_censuses(const struct history *history, enum clock clock, struct text *text)
{
    double seconds = history->milliseconds / 1e3;
    char number[32];

    text_add(text, format_count(number, history->census_count));
    if (history->census_count) {
        text_add(text, ", from ");
        words_add_time(history->first_ms, clock, text);
        text_add(text, " to ");
        words_add_time(history->last_ms, clock, text);
        text_add(text, " (");
        add_span(seconds < 0 ? 0 : seconds, text);
        text_add(text, ")");
    }
    if (history->all_incomplete)
        text_add(text, "; none is complete");
    else if (history->incomplete)
        text_addf(text, "; %s left out, since incomplete",
                  format_count(number, history->incomplete));
}

void words_add_pauses(const struct history *history, struct text *text)
{
    char longest[32], all[32];

    text_addf(text, "longest %s, %s together", format_milliseconds(longest, history->longest_pause),
              format_milliseconds(all, history->all_pauses));
    if (history->share > 0)
        text_addf(text, ", %.2f %% of the time%s", 100 * history->share,
                  history->process_count > 1 ? " at most" : "");
}
