// SPDX-License-Identifier: MIT
#include "inspector/command/why_words.h"

#include "inspector/command/why_shortcuts.h"
#include "inspector/python/printer.h"
#include "inspector/python/unicode.h"

#include <inttypes.h>
#include <string.h>

enum { MOST_NAME = 256 };

/* What is being said: raw until its end. */
struct saying {
    const struct reader *reader;
    const struct graph *graph;
    const struct chain *chain;
    const struct why_style *style;
    struct text *text;
};

/* A str as it is; anything else as it prints. */
static void add_str(const struct reader *reader, uint64_t address, struct text *text)
{
    const struct type *type = address ? reader_type_of(reader, address) : NULL;

    if (type && (!(type->flags & TPFLAGS_UNICODE_SUBCLASS) ||
                 !unicode_read(reader->python, reader->image, address, MOST_NAME, text)))
        print_object(reader, address, MOST_NAME, text);
}

void why_add_name(const struct reader *reader, const struct root *root, struct text *text)
{
    const struct type *type;

    switch (root->kind) {
    case ROOT_MODULE:
        add_str(reader, root->name, text);
        break;
    case ROOT_LOCAL:
        add_str(reader, root->reference.key, text);
        break;
    case ROOT_TYPE:
        type = reader_type(reader, root->name);
        text_add(text, type ? type->name : "?");
        break;
    case ROOT_STATIC:
        if (root->name)
            add_str(reader, root->name, text);
        break;
    case ROOT_FRAME:
    case ROOT_THREAD:
    case ROOT_INTERPRETER:
        text_add(text, root->reference.name);
        break;
    case ROOT_NONE:
        break;
    }
}

void why_add_function(const struct reader *reader, const struct root *root, struct text *text)
{
    uint64_t name = read_pointer(reader, root->function, PyFunctionObject_func_qualname);

    if (!name)
        name = read_pointer(reader, root->code, PyCodeObject_co_qualname);
    if (!name)
        name = read_pointer(reader, root->code, PyCodeObject_co_name);
    add_str(reader, name, text);
}

void why_add_file(const struct reader *reader, const struct root *root, struct text *text)
{
    add_str(reader, read_pointer(reader, root->code, PyCodeObject_co_filename), text);
}

/* "handle() app.py:88": the file without its directories. */
static void add_place(const struct saying *saying, const struct root *root)
{
    struct text *text = saying->text, file = {0};
    size_t before = text->length;

    why_add_function(saying->reader, root, text);
    if (!text->failed && text->length > before && text->bytes[text->length - 1] != '>')
        text_add(text, "()"); /* not of <module>, <lambda> */
    why_add_file(saying->reader, root, &file);
    const char *path = file.bytes ? file.bytes : "?", *base = strrchr(path, '/');
    text_addf(text, " %s", base ? base + 1 : path);
    if (root->line)
        text_addf(text, ":%" PRIu32, root->line);
    text_free(&file);
}

/* By the kernel's number where that is known. */
static void add_thread_of(const struct saying *saying, uint64_t id, uint64_t ident, uint64_t thread)
{
    if (id)
        text_addf(saying->text, "thread %" PRIu64, id);
    else
        text_addf(saying->text, "thread 0x%" PRIx64, ident ? ident : thread);
}

static void add_thread(const struct saying *saying, const struct root *root)
{
    add_thread_of(saying, root->thread_id, root->thread_ident, root->thread);
}

static void add_frame_root(const struct saying *saying, const struct root *root)
{
    struct text *text = saying->text;

    add_thread(saying, root);
    text_add_char(text, ' ');
    if (saying->style->repr_length)
        add_place(saying, root);
    else
        text_addf(text, "frame %u", root->depth);
    if (root->kind == ROOT_LOCAL) {
        text_add(text, " local ");
        if (saying->style->repr_length)
            why_add_name(saying->reader, root, text);
        else
            text_add(text, "…");
        return;
    }
    text_addf(text, " %s", root->reference.name);
    if (strcmp(root->reference.name, "stack") == 0)
        text_addf(text, "[%" PRIu64 "]", root->reference.number);
}

/* Its file is named by the module that is in it; that of the interpreter has many. */
static void add_variable(const struct saying *saying, const struct root *root)
{
    const struct python *python = saying->reader->python;
    uint64_t state = python->runtime ? python->runtime : python->generation0;

    text_add(saying->text, root->place == root->reference.to ? "static object" : "static variable");
    if (state >= root->file && state < root->file_end) {
        text_add(saying->text, " of the interpreter");
    } else if (root->name) {
        text_add(saying->text, " of ");
        why_add_name(saying->reader, root, saying->text);
    }
    if (root->place != root->reference.to)
        text_addf(saying->text, " at 0x%" PRIx64, root->place);
}

static void add_root(const struct saying *saying, const struct root *root)
{
    struct text *text = saying->text;

    if (root->reference.is_guess && root->place != root->reference.to)
        text_add(text, "perhaps ");
    if (root->interpreter_number)
        text_addf(text, "interpreter %u ", root->interpreter_number);
    switch (root->kind) {
    case ROOT_MODULE:
        text_add(text, "module ");
        why_add_name(saying->reader, root, text);
        break;
    case ROOT_LOCAL:
    case ROOT_FRAME:
        add_frame_root(saying, root);
        break;
    case ROOT_THREAD:
        add_thread(saying, root);
        text_addf(text, " %s", root->reference.name);
        break;
    case ROOT_INTERPRETER:
        text_addf(text, "%s%s", root->interpreter_number ? "" : "interpreter ",
                  root->reference.name);
        if (strcmp(root->reference.name, "signal_handlers") == 0)
            text_addf(text, "[%" PRIu64 "]", root->reference.number);
        break;
    case ROOT_STATIC:
        add_variable(saying, root);
        break;
    case ROOT_TYPE:
        text_add(text, "static type ");
        why_add_name(saying->reader, root, text);
        if (root->interpreter_number || root->reference.to != root->name)
            text_addf(text, ".%s", root->reference.name);
        break;
    case ROOT_NONE:
        break;
    }
}

static void add_object(const struct saying *saying, size_t number)
{
    uint64_t address = graph_address(saying->graph, saying->chain->nodes[number]);
    const struct type *type = reader_type_of(saying->reader, address);

    text_addf(saying->text, "%s 0x%" PRIx64, type ? type->name : "?", address);
}

void why_add_root(const struct reader *reader, const struct root *root,
                  const struct why_style *style, struct text *text)
{
    struct saying saying = {.reader = reader, .style = style, .text = text};

    add_root(&saying, root);
}

static void add_link(const struct saying *saying, const struct link *link)
{
    struct text *text = saying->text;
    size_t before = text->length;

    link_name(saying->reader, link, saying->style->repr_length, text);
    /* Some are no Python that could follow a name: "key 'x'", "via tp_traverse". */
    if (text->failed || text->length == before || strchr(".[", text->bytes[before]))
        return;
    text->length = before;
    text_add_char(text, ' ');
    link_name(saying->reader, link, saying->style->repr_length, text);
}

/* The __dict__ of an instance and an entry of it are one attribute, as Python reads it. */
static bool is_attribute(const struct saying *saying, size_t number)
{
    const struct chain *chain = saying->chain;
    const struct reference *to_dict = &chain->links[number].reference;

    if (number + 2 >= chain->count || to_dict->label != LABEL_FIELD ||
        chain->links[number].is_unnamed || strcmp(to_dict->name, "__dict__") != 0)
        return false;
    const struct link *entry = &chain->links[number + 1];
    const struct type *type =
        reader_type_of(saying->reader, graph_address(saying->graph, chain->nodes[number]));
    return !entry->is_unnamed && entry->reference.label == LABEL_VALUE && entry->reference.key &&
           type && type->is_class && !(type->flags & TPFLAGS_TYPE_SUBCLASS);
}

/* The value of a context variable: how many links it takes, of at most `most`; 0 if it is something
 * else. */
static size_t add_variable_of_context(const struct saying *saying, size_t number, size_t most)
{
    struct text *text = saying->text;
    uint64_t variable;
    size_t taken =
        shortcut_of_context(saying->reader, saying->graph, saying->chain, number, &variable);

    if (!taken || taken > most)
        return 0;
    text_add(text, "[ContextVar ");
    if (saying->style->repr_length)
        print_object(saying->reader, read_pointer(saying->reader, variable, PyContextVar_var_name),
                     saying->style->repr_length, text);
    else
        text_add(text, "…");
    text_add(text, "]");
    return taken;
}

/* The thread in which an attribute of a threading.local is; as above. */
static size_t add_thread_of_local(const struct saying *saying, size_t number, size_t most)
{
    const struct reader *reader = saying->reader;
    uint64_t thread;
    size_t taken = shortcut_of_local(reader, saying->graph, saying->chain, number, &thread);

    if (!taken || taken >= most)
        return 0;
    text_add_char(saying->text, '[');
    if (thread)
        add_thread_of(saying, read_pointer(reader, thread, thread_native_id),
                      read_pointer(reader, thread, thread_ident), thread);
    else
        text_add(saying->text, "a thread");
    text_add_char(saying->text, ']');
    struct link attribute = saying->chain->links[number + taken];
    attribute.reference.label = LABEL_ATTRIBUTE;
    add_link(saying, &attribute);
    return taken + 1;
}

/* The links from node `from` on, up to that of node `end`. */
static void add_links(const struct saying *saying, size_t from, size_t end)
{
    bool is_long = end - from > 2 * WHY_SHOWN_STEPS + 1;

    for (size_t i = from; i < end; i++) {
        size_t taken = add_variable_of_context(saying, i, end - i);
        if (!taken)
            taken = add_thread_of_local(saying, i, end - i);
        if (taken) {
            i += taken - 1;
        } else if (is_long && i == from + WHY_SHOWN_STEPS) {
            size_t left_out = end - from - 2 * WHY_SHOWN_STEPS;
            text_addf(saying->text, " ...(%zu more)... ", left_out);
            i += left_out - 1;
        } else if (i + 1 < end && is_attribute(saying, i)) {
            struct link link = saying->chain->links[++i];
            link.reference.label = LABEL_ATTRIBUTE;
            add_link(saying, &link);
        } else {
            add_link(saying, &saying->chain->links[i]);
        }
    }
}

static void add_start(const struct saying *saying)
{
    const struct chain *chain = saying->chain;
    struct text *text = saying->text;

    switch (chain->start) {
    case CHAIN_FROM_ROOT:
        add_root(saying, &chain->root);
        return;
    case CHAIN_FROM_OBJECT:
        if (chain->root.kind == ROOT_NONE)
            break;
        add_root(saying, &chain->root);
        return;
    case CHAIN_FROM_OUTSIDE:
        text_addf(text, "%" PRIu64 " %s from outside the Python heap", chain->surplus,
                  chain->surplus == 1 ? "reference" : "references");
        if (chain->count == 1)
            return;
        text_addf(text, " %s ", saying->style->arrow);
        break;
    case CHAIN_FROM_CYCLE:
        text_add(text, "a cycle that waits for the collector: ");
        add_object(saying, 0);
        text_add_char(text, ' ');
        add_links(saying, 0, chain->cycle);
        add_link(saying, &chain->back);
        text_addf(text, " %s itself%s", saying->style->arrow, chain->count > 1 ? "; " : "");
        if (chain->count == 1)
            return;
        break;
    }
    add_object(saying, 0);
    text_add_char(text, ' ');
}

void why_add_chain(const struct reader *reader, const struct graph *graph,
                   const struct chain *chain, const struct why_style *style, struct text *text)
{
    struct text raw = {0};
    struct saying saying = {reader, graph, chain, style, &raw};

    add_start(&saying);
    if (chain->start != CHAIN_FROM_CYCLE || chain->count > 1) { /* else it has been said */
        add_links(&saying, 0, chain->count - 1);
        text_addf(&raw, " %s ", style->arrow);
        add_object(&saying, chain->count - 1);
    }
    text_add_source(text, raw.bytes ? raw.bytes : "", raw.length, 0);
    text->failed |= raw.failed;
    text_free(&raw);
}

void why_add_outside(const struct balance *balance, struct text *text)
{
    int64_t surplus = balance_surplus(balance);

    if (surplus <= 0)
        return;
    text_addf(text, "held by %" PRId64 " %s from outside the Python heap", surplus,
              surplus == 1 ? "reference" : "references");
    if (balance->guesses)
        text_addf(text,
                  ", unless %" PRIu64 " %s: on the stack of a frame that runs, or in an object of "
                  "a type that nobody knows",
                  balance->guesses, balance->guesses == 1 ? "word is one" : "words are some");
}
