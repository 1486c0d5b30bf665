// SPDX-License-Identifier: MIT
#include "inspector/command/graphviz.h"

#include "inspector/command/foreign.h"
#include "inspector/report/render.h"
#include "symbols/base/cleanup.h"
#include "symbols/base/replaced_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { MOST_ENDING = 32, MOST_REASON = 400, DOT_MILLISECONDS = 120 * 1000, MODE = 0666 };

/* Without its dot; NULL: there is none. What may be a format of dot's is one: "svg", "svg:cairo".
 */
static const char *ending_of(const char *path)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_";
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t length = dot && dot > name ? strspn(dot + 1, letters) : 0;

    return length && length <= MOST_ENDING && !dot[1 + length] ? dot + 1 : NULL;
}

static bool is_dot(const char *ending)
{
    return strcasecmp(ending, "dot") == 0 || strcasecmp(ending, "gv") == 0;
}

static bool is_ours(const char *path, struct error *err)
{
    return replaced_file_is_ours(path, diagram_dot_beginning, "graph", err);
}

bool graphviz_is_stdout(const char *path)
{
    return strcmp(path, "-") == 0;
}

bool graphviz_check_format(const char *path, enum format format, struct error *err)
{
    return !path || !graphviz_is_stdout(path) || format == FORMAT_TEXT ||
           error_set(err, ERROR_USAGE, "-o - and --json both print their answer: one of them");
}

bool graphviz_check(const char *path, struct error *err)
{
    const char *ending = ending_of(path);
    struct replaced_file file;

    if (graphviz_is_stdout(path))
        return true;
    if (!ending)
        return error_set(err, ERROR_USAGE,
                         "'%s': the ending of its name says what is written: .dot (or .gv), .svg, "
                         ".png, .pdf or another format of Graphviz; - is DOT to the standard "
                         "output",
                         path);
    if ((is_dot(ending) && !is_ours(path, err)) || !replaced_file_begin(&file, path, MODE, err))
        return false;
    replaced_file_abandon(&file);
    return true;
}

/* From where `fd` stands. */
static bool write_dot(const struct diagram *diagram, int fd, struct error *err)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    AUTO_FCLOSE FILE *out = copy < 0 ? NULL : fdopen(copy, "w");

    if (out)
        return diagram_dot(diagram, out, err);
    error_errno(err, ERROR_SYSTEM, "cannot write the diagram");
    if (copy >= 0)
        close(copy);
    return false;
}

static bool write_dot_file(const struct diagram *diagram, const char *path, struct error *err)
{
    struct replaced_file file;

    if (!is_ours(path, err) || !replaced_file_begin(&file, path, MODE, err))
        return false;
    if (write_dot(diagram, file.fd, err))
        return replaced_file_commit(&file, err);
    replaced_file_abandon(&file);
    return error_context(err, "%s", path);
}

/* The diagram as a file without a name, to be read from its beginning. */
static bool open_dot(const struct diagram *diagram, int *ret, struct error *err)
{
    int fd = memfd_create("graph.dot", MFD_CLOEXEC);

    if (fd < 0)
        return error_errno(err, ERROR_SYSTEM, "cannot make room for the diagram");
    if (!write_dot(diagram, fd, err)) {
        close(fd);
        return false;
    }
    lseek(fd, 0, SEEK_SET);
    *ret = fd;
    return true;
}

/* Several lines as one, without control bytes, not too long for an error. */
static void flatten(struct text *text)
{
    for (size_t i = 0; i < text->length; i++) {
        if (isspace((unsigned char)text->bytes[i]) || iscntrl((unsigned char)text->bytes[i]))
            text->bytes[i] = ' ';
    }
    while (text->length && text->bytes[text->length - 1] == ' ')
        text->length--;
    if (text->length > MOST_REASON) {
        text->length = MOST_REASON;
        text_add(text, "...");
    } else {
        text_add(text, "");
    }
}

/* `made`: the picture is there; else `why` says why not. False where we are to end, too. */
static bool run_dot(const struct diagram *diagram, const char *format, int output, bool *made,
                    struct text *why, struct error *err)
{
    AUTO_CLOSE int input = -1;
    char option[MOST_ENDING + 3];
    const char *const words[] = {"dot", option, NULL};
    struct foreign_program dot = {
        .words = words, .output = output, .milliseconds = DOT_MILLISECONDS};
    enum foreign_end end;
    struct stat status;

    if (!open_dot(diagram, &input, err))
        return false;
    dot.input = input;
    snprintf(option, sizeof(option), "-T%s", format);
    if (!foreign_run(&dot, &end, why, err))
        return false;
    if (end == FOREIGN_INTERRUPTED)
        return error_set(err, ERROR_SYSTEM, "interrupted");
    *made = end == FOREIGN_DONE && fstat(output, &status) == 0 && status.st_size;
    if (end == FOREIGN_MISSING)
        text_add(why, "there is no dot here: install graphviz (apt install graphviz)");
    else if (end == FOREIGN_OVERDUE)
        text_add(why, ": draw less of it (--max-depth, --too-many)");
    else if (end == FOREIGN_DONE && !*made)
        text_addf(why, "%sdot wrote nothing", why->length ? "; " : "");
    flatten(why);
    if (!*made && !why->length)
        text_add(why, "dot failed without a reason");
    return !why->failed || error_memory(err);
}

/* Always false. */
static bool keep_dot(const struct diagram *diagram, const char *path, const struct text *why,
                     struct error *err)
{
    struct text kept = {0};
    struct error also;

    text_addf(&kept, "%s.dot", path);
    if (kept.failed)
        error_memory(err);
    else if (write_dot_file(diagram, kept.bytes, &also))
        error_set(err, ERROR_OUTPUT, "cannot make %s, its DOT is kept as %s: %s", path, kept.bytes,
                  why->bytes);
    else
        error_set(err, ERROR_OUTPUT, "cannot make %s: %s; nor is its DOT kept: %s", path,
                  why->bytes, also.text);
    text_free(&kept);
    return false;
}

static bool make_picture(const struct diagram *diagram, const char *path, const char *format,
                         struct error *err)
{
    struct replaced_file file;
    struct text why = {0};
    bool made = false;

    if (!replaced_file_begin(&file, path, MODE, err))
        return false;
    bool done = run_dot(diagram, format, file.fd, &made, &why, err);
    if (done && made) {
        done = replaced_file_commit(&file, err);
    } else {
        replaced_file_abandon(&file);
        done = done && keep_dot(diagram, path, &why, err);
    }
    text_free(&why);
    return done;
}

static bool write_picture(const struct diagram *diagram, const char *path, const char *format,
                          struct error *err)
{
    sigset_t before;

    foreign_hold(&before); /* Ctrl-C leaves no half of a file */
    bool done = make_picture(diagram, path, format, err);
    foreign_release(&before);
    return done;
}

static void say_graph(const struct diagram *diagram, struct text *said)
{
    char number[32];

    text_addf(said, "graph of %s %s", format_count(number, diagram->box_count),
              diagram->box_count == 1 ? "node" : "nodes");
}

bool graphviz_write(const struct diagram *diagram, const char *path, struct text *said,
                    struct error *err)
{
    const char *ending = ending_of(path);

    if (!ending)
        return graphviz_check(path, err);
    if (!(is_dot(ending) ? write_dot_file(diagram, path, err)
                         : write_picture(diagram, path, ending, err)))
        return false;
    say_graph(diagram, said);
    text_addf(said, " written to %s", path);
    return true;
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value && *value;
}

bool graphviz_has_viewer(void)
{
    return geteuid() != 0 && (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")) &&
           foreign_is_there("xdot");
}

bool graphviz_view(const struct diagram *diagram, struct text *said, struct error *err)
{
    static const char *const words[] = {"xdot", "-", NULL};
    AUTO_CLOSE int input = -1;

    if (!open_dot(diagram, &input, err) ||
        !foreign_start(&(struct foreign_program){.words = words, .input = input}, err))
        return false;
    say_graph(diagram, said);
    text_add(said, " given to xdot");
    return true;
}
