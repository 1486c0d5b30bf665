// SPDX-License-Identifier: MIT
/*
 * command - one file a verb, and the table of them.
 *
 * A command parses its options, works out an answer and fills a report with it. It prints nothing:
 * main renders the report in the format that was asked for and says what it is worth.
 */
#ifndef PYINSPECT_COMMAND_H
#define PYINSPECT_COMMAND_H

#include "inspector/command/options.h"
#include "inspector/report/diagram.h"
#include "inspector/report/page.h"
#include "inspector/report/report.h"
#include "inspector/report/rows.h"
#include "symbols/base/progress.h"
#include "symbols/base/text.h"

#include <sys/types.h>

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };

struct answer;

/* An answer in rows that come one by one, in place of a report. */
struct row_stream {
    const struct row_column *columns;
    size_t column_count;
    bool untitled; /* text: values alone, no line of titles */
    /* Makes all rows, and what the answer is worth. */
    bool (*write)(struct answer *answer, struct rows *rows, struct error *err);
    void (*free)(void *context);
    void *context;
};

/* An answer about several things, a page each, in place of a report. */
struct page_stream {
    /* Makes the page of that number, below `count`: each once. To be freed with page_free. */
    bool (*make)(void *context, size_t number, struct page *ret, struct error *err);
    size_t count;
    void (*free)(void *context);
    void *context;
};

/*
 * An answer that goes on, a report at a time, in place of one report. One or several reports make a
 * page, which on a terminal takes the place of the page before; one without a table is printed
 * below that.
 */
struct report_series {
    /* Waits for the next report and makes it; *more is false where there is none (*ret is then as
     * it was, and `answer` says what all of them were worth). */
    bool (*next)(struct answer *answer, struct report *ret, bool *more, struct error *err);
    void (*free)(void *context);
    void *context;
    bool page_goes_on; /* set by `next`: the report after this one is of the same page */
    bool is_renewed;   /* set by main: a page is seen only until the next one */
};

/* An answer that is a picture, in place of a report: main prints a tree of it, or JSON. */
struct picture {
    struct diagram diagram;
    bool is_there;
    bool is_shown; /* elsewhere, in a file or a window: as text it is not printed */
    bool is_dot;   /* as text it is DOT, not a tree */
};

struct answer {
    struct report report;
    struct picture picture;
    struct report_series series; /* without `next`: there is none */
    struct page_stream pages;    /* without `make`: there are none */
    struct row_stream stream;    /* without `write`: the report is the answer */
    enum format format;
    bool is_plain;            /* `plain` is printed in place of the report, be it empty */
    struct text plain;        /* lines that are harmless */
    bool complete;            /* false: part of the heap could not be read or verified */
    enum error_kind obstacle; /* of a diagnosis: what stands in attach's way, or ERROR_NONE */
    struct error late;        /* what failed when the answer was made (ERROR_NONE: nothing did): it
                               * is said after the answer */
    bool crossed;             /* a threshold that the user set was crossed */
    struct text worth;        /* the last line on stderr: what the answer is worth */
    struct text aside; /* of a series: for stderr at once, what the format has no place for */
};

struct command {
    const char *name;
    const char *operands;              /* "PID"; "": it takes none */
    const char *summary;               /* one line */
    const char *details;               /* a paragraph for --help, lines ended by \n */
    const struct option_list *options; /* ended by one without rows */
    /* argv[first..argc) is what follows the verb. On failure *ret is as it was. */
    bool (*run)(int argc, char **argv, int first, struct progress *progress, struct answer *ret,
                struct error *err);
};

extern const struct command attach_command;
extern const struct command backrefs_command;
extern const struct command compare_command;
extern const struct command doctor_command;
extern const struct command layout_command;
extern const struct command objects_command;
extern const struct command ps_command;
extern const struct command refs_command;
extern const struct command report_command;
extern const struct command show_command;
extern const struct command traces_command;
extern const struct command watch_command;
extern const struct command why_command;

extern const struct command *const commands[];
extern const size_t command_count;

/* NULL with ERROR_USAGE where there is no such command. */
const struct command *command_find(const char *name, struct error *err);

/* The help text of one command, and of all. */
void command_explain(const struct command *command, struct text *text);
void commands_explain(struct text *text);

/* The PID that comes first; ERROR_USAGE where there is none. */
MUST_CHECK bool command_first_pid(const struct command *command, const struct operands *operands,
                                  pid_t *ret, struct error *err);

/* The PID of a command that takes one and nothing else; ERROR_USAGE where it is none. */
MUST_CHECK bool command_pid(const struct command *command, const struct operands *operands,
                            pid_t *ret, struct error *err);

void answer_free(struct answer *answer);

#endif
