// SPDX-License-Identifier: MIT
/*
 * main - the command line: finds the command, renders its answer, says what it is worth. The only
 * file that writes to stdout and stderr and that knows an exit status.
 */
#include "inspector/command/command.h"
#include "inspector/progress_bar.h"
#include "inspector/report/render.h"
#include "inspector/report/rows.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
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
    return (!text->failed && fputs(text->bytes, stdout) >= 0 && fflush(stdout) == 0) ||
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

static bool write_report(const struct answer *answer, struct error *err)
{
    static render_function *const renderers[] = {
        [FORMAT_TEXT] = render_text, [FORMAT_JSON] = render_json, [FORMAT_CSV] = render_csv};
    struct render_style style = {.colour = wants_colour(stdout), .width = terminal_width(stdout)};

    if (answer->format == FORMAT_TEXT && answer->plain.length)
        return write_plain(&answer->plain, err);
    return renderers[answer->format](&answer->report, &style, stdout, err);
}

static bool write_rows(struct answer *answer, struct error *err)
{
    static const struct rows_format *const formats[] = {
        [FORMAT_TEXT] = &rows_text, [FORMAT_JSON] = &rows_json, [FORMAT_CSV] = &rows_csv};
    struct render_style style = {.colour = wants_colour(stdout), .width = terminal_width(stdout)};
    struct row_stream *stream = &answer->stream;
    struct rows rows;

    bool done = rows_begin(&rows, formats[answer->format], stream->columns, stream->column_count,
                           &style, stdout, err) &&
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

static bool write_answer(struct answer *answer, struct error *err)
{
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
    int status = status_of_answer(&answer);
    if (!write_answer(&answer, &err))
        status = fail(&err);
    else
        say(answer.worth.bytes, answer.worth.length);
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
