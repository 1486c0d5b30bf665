// SPDX-License-Identifier: MIT
/*
 * main - the command line: finds the command, renders its answer, says what it is worth. The only
 * file that writes to stdout and stderr and that knows an exit status.
 */
#include "inspector/command/command.h"
#include "inspector/live_page.h"
#include "inspector/progress_bar.h"
#include "inspector/report/render.h"
#include "inspector/report/rows.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef PYINSPECT_VERSION
#define PYINSPECT_VERSION "0.1"
#endif

enum status {
    STATUS_ANSWERED = 0,
    STATUS_INCOMPLETE = 1,
    STATUS_USAGE = 2,
    STATUS_TARGET = 3,
    STATUS_PYTHON = 4,
    STATUS_LIMIT = 5,
    STATUS_INPUT = 6,
    STATUS_OUTPUT = 7,
    STATUS_CROSSED = 8,
};

static enum status status_of(enum error_kind kind)
{
    switch (kind) {
    case ERROR_NONE:
        return STATUS_ANSWERED;
    case ERROR_USAGE:
        return STATUS_USAGE;
    case ERROR_TARGET:
    case ERROR_SYSTEM:
        return STATUS_TARGET;
    case ERROR_PYTHON:
        return STATUS_PYTHON;
    case ERROR_LIMIT:
        return STATUS_LIMIT;
    case ERROR_INPUT:
        return STATUS_INPUT;
    case ERROR_OUTPUT:
        return STATUS_OUTPUT;
    }
    return STATUS_TARGET;
}

static enum status status_of_answer(const struct answer *answer)
{
    if (answer->obstacle != ERROR_NONE)
        return status_of(answer->obstacle);
    if (answer->crossed)
        return STATUS_CROSSED;
    return answer->complete ? STATUS_ANSWERED : STATUS_INCOMPLETE;
}

/* One line; what it quotes from the target, or from the command line, cannot drive a terminal. */
static void say(const char *line, size_t length)
{
    struct text escaped = {0};

    text_add_escaped(&escaped, line, length, 0);
    fprintf(stderr, "pyinspect: %s\n", escaped.bytes ? escaped.bytes : "");
    text_free(&escaped);
}

static int fail(const struct error *err)
{
    say(err->text, strlen(err->text));
    return status_of(err->kind);
}

static bool write_plain(const struct text *text, struct error *err)
{
    return (!text->failed && (!text->length || fputs(text->bytes, stdout) >= 0) &&
            fflush(stdout) == 0) ||
           error_errno(err, ERROR_OUTPUT, "cannot write to the standard output");
}

static int print(struct text *text)
{
    struct error err;
    bool done = write_plain(text, &err);

    text_free(text);
    return done ? STATUS_ANSWERED : fail(&err);
}

static bool wants_colour(FILE *out)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    return isatty(fileno(out)) && !(no_color && *no_color) &&
           !(terminal && strcmp(terminal, "dumb") == 0);
}

static unsigned terminal_width(FILE *out)
{
    struct winsize size;

    return isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static render_function *const renderers[] = {
    [FORMAT_TEXT] = render_text, [FORMAT_JSON] = render_json, [FORMAT_CSV] = render_csv};

static bool write_report(const struct answer *answer, struct error *err)
{
    struct render_style style = {.colour = wants_colour(stdout), .width = terminal_width(stdout)};

    if (answer->is_plain)
        return write_plain(&answer->plain, err);
    return renderers[answer->format](&answer->report, &style, stdout, err);
}

static bool write_rows(struct answer *answer, struct error *err)
{
    static const struct rows_format *const formats[] = {
        [FORMAT_TEXT] = &rows_text, [FORMAT_JSON] = &rows_json, [FORMAT_CSV] = &rows_csv};
    struct render_style style = {.colour = wants_colour(stdout), .width = terminal_width(stdout)};
    struct row_stream *stream = &answer->stream;
    const struct rows_format *format = formats[answer->format];
    struct rows rows;

    if (format == &rows_text && stream->untitled)
        format = &rows_text_untitled;
    bool done =
        rows_begin(&rows, format, stream->columns, stream->column_count, &style, stdout, err) &&
        stream->write(answer, &rows, err);
    return rows_end(&rows, done, err);
}

static bool write_pages(struct answer *answer, struct error *err)
{
    struct render_style style = {.colour = wants_colour(stdout), .width = terminal_width(stdout)};
    struct page_stream *pages = &answer->pages;
    bool done = true;

    for (size_t i = 0; done && i < pages->count; i++) {
        struct page page;
        if (!pages->make(pages->context, i, &page, err))
            return false;
        if (i && answer->format == FORMAT_TEXT)
            putchar('\n');
        done = answer->format == FORMAT_JSON ? page_json(&page, stdout, err)
                                             : page_text(&page, &style, stdout, err);
        page_free(&page);
    }
    return done;
}

/* A series of reports on its way out. */
struct series_output {
    struct render_style style;
    bool renews; /* on a terminal: in place of what was printed before */
    bool within; /* a page that is not over */
    bool begun;  /* with one before */
    struct live_page page;
};

static size_t terminal_rows(FILE *out)
{
    struct winsize size;

    return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

/* Renders into memory; shows the page when it is whole. */
static bool renew_page(struct series_output *output, const struct report *report, bool goes_on,
                       struct error *err)
{
    struct text *part = report->column_count ? &output->page.content : &output->page.note;
    char *bytes = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&bytes, &length);

    if (!memory)
        return error_memory(err);
    output->style.width = terminal_width(stdout);
    bool done = render_text(report, &output->style, memory, err);
    fclose(memory);
    if (!output->within) {
        text_clear(&output->page.note);
        if (report->column_count)
            text_clear(&output->page.content);
    }
    if (done && bytes)
        text_add_bytes(part, bytes, length);
    free(bytes);
    output->within = goes_on;
    if (!done || goes_on)
        return done;
    return live_page_show(&output->page, terminal_rows(stdout), terminal_width(stdout), stdout) ||
           error_errno(err, ERROR_OUTPUT, "cannot write to the standard output");
}

static bool append_report(struct series_output *output, enum format format,
                          const struct report *report, bool goes_on, struct error *err)
{
    if (format == FORMAT_TEXT && (output->begun || output->within))
        putchar('\n');
    bool done = renderers[format](report, &output->style, stdout, err);
    output->within = goes_on;
    output->begun = true;
    if (report->column_count)
        output->style.headless = true;
    return done;
}

static void say_aside(struct text *aside)
{
    if (aside->length)
        say(aside->bytes, aside->length);
    text_clear(aside);
}

static bool write_series(struct answer *answer, struct error *err)
{
    struct report_series *series = &answer->series;
    struct series_output output = {.style.colour = wants_colour(stdout),
                                   .style.width = terminal_width(stdout),
                                   .renews = answer->format == FORMAT_TEXT && wants_colour(stdout)};
    bool done = true;

    series->is_renewed = output.renews;
    for (bool more = true; done && more;) {
        struct report report;
        done = series->next(answer, &report, &more, err);
        if (!done || !more)
            break;
        done = output.renews
                   ? renew_page(&output, &report, series->page_goes_on, err)
                   : append_report(&output, answer->format, &report, series->page_goes_on, err);
        report_free(&report);
        say_aside(&answer->aside);
    }
    /* The last one stays, and is cut no more. */
    if (output.page.shown &&
        !live_page_show(&output.page, SIZE_MAX, terminal_width(stdout), stdout) && done)
        done = error_errno(err, ERROR_OUTPUT, "cannot write to the standard output");
    live_page_free(&output.page);
    return done;
}

static bool write_picture(const struct picture *picture, enum format format, struct error *err)
{
    struct render_style style = {.colour = wants_colour(stdout), .width = terminal_width(stdout)};

    if (format == FORMAT_JSON)
        return diagram_json(&picture->diagram, stdout, err);
    if (picture->is_dot)
        return diagram_dot(&picture->diagram, stdout, err);
    return picture->is_shown || diagram_tree(&picture->diagram, &style, stdout, err);
}

static bool write_answer(struct answer *answer, struct error *err)
{
    if (answer->picture.is_there)
        return write_picture(&answer->picture, answer->format, err);
    if (answer->series.next)
        return write_series(answer, err);
    if (answer->pages.make)
        return write_pages(answer, err);
    return answer->stream.write ? write_rows(answer, err) : write_report(answer, err);
}

static int answer(const struct command *command, int argc, char **argv)
{
    struct progress progress = {.phase = NULL};
    struct answer answer;
    struct error err;

    struct progress_bar *bar = progress_bar_start(&progress, STDERR_FILENO);
    bool done = command->run(argc, argv, 2, &progress, &answer, &err);
    progress_bar_stop(bar);
    if (!done)
        return fail(&err);
    int status;
    if (!write_answer(&answer, &err)) {
        status = fail(&err);
    } else {
        status = status_of_answer(&answer); /* a series knows it only now */
        say(answer.worth.bytes, answer.worth.length);
    }
    if (answer.late.kind != ERROR_NONE)
        status = fail(&answer.late);
    answer_free(&answer);
    return status;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

static int help(const char *name)
{
    const struct command *command;
    struct text text = {0};
    struct error err;

    if (!name) {
        commands_explain(&text);
    } else {
        command = command_find(name, &err);
        if (!command)
            return fail(&err);
        command_explain(command, &text);
    }
    return print(&text);
}

static int version(void)
{
    struct text text = {0};

    text_add(&text, "pyinspect " PYINSPECT_VERSION "\n");
    return print(&text);
}

/* A descriptor that we open must never become the closed stdout that an answer is written to. */
static void fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
            _exit(STATUS_OUTPUT);
    }
}

/* When memory runs out, let it be us who are killed, and not the process that we look at. */
static void volunteer_for_oom(void)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "we");

    if (file) {
        fputs("1000", file);
        fclose(file);
    }
}

int main(int argc, char **argv)
{
    const struct command *command;
    struct error err;

    fill_standard_descriptors();
    setlocale(LC_CTYPE, "C.UTF-8");
    volunteer_for_oom();
    /* A closed pipe, or a file that may not grow, is a write that fails. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);

    if (argc < 2) {
        error_set(&err, ERROR_USAGE, "no command given: see pyinspect --help");
        return fail(&err);
    }
    if (strcmp(argv[1], "--version") == 0)
        return version();
    if (strcmp(argv[1], "help") == 0)
        return help(argc > 2 ? argv[2] : NULL);
    if (asks_for_help(argc, argv))
        return help(argv[1][0] == '-' ? NULL : argv[1]);
    command = command_find(argv[1], &err);
    return command ? answer(command, argc, argv) : fail(&err);
}
