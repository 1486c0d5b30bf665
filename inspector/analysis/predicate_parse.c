// SPDX-License-Identifier: MIT
#include "inspector/analysis/predicate_nodes.h"
#include "inspector/analysis/type_pattern.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_ARE                                                                                 \
    "type, short_type, module, address, size, refcount, len, generation, depth, repr, attr.NAME"
#define FLAGS_ARE                                                                                  \
    "tracked, immortal, is_class, is_module, is_proper_module, is_function, is_frame, has_del"

enum { BEFORE = 40, AFTER = 30 /* bytes of the text that an error quotes */ };

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_NUMBER,
    TOKEN_TEXT,
    TOKEN_OPERATION,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_NONE, /* nothing that there is */
};

struct token {
    enum token_kind kind;
    const char *at; /* of a text: behind its quote */
    size_t length;
    enum operation operation;
    uint64_t number;
};

struct parser {
    struct predicate *predicate;
    const char *text;
    struct token token; /* the one that is looked at */
    unsigned depth;
    struct error *err;
};

/* Always false. The text around the place, with a ^ in front of what is wrong. */
static bool fail_at(struct parser *parser, const char *at, const char *format, ...)
    PRINTF_LIKE(3, 4);

static bool fail_at(struct parser *parser, const char *at, const char *format, ...)
{
    const char *from = at - parser->text > BEFORE ? at - BEFORE : parser->text, *end = at;
    char what[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    while (from < at && ((unsigned char)*from & 0xc0) == 0x80)
        from++;
    while (*end && (end - at < AFTER || ((unsigned char)*end & 0xc0) == 0x80))
        end++;
    return error_set(parser->err, ERROR_USAGE, "%s, at the ^: %s%.*s^%.*s%s", what,
                     from > parser->text ? "..." : "", (int)(at - from), from, (int)(end - at), at,
                     *end ? "..." : "");
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whatever a Python identifier can begin with, by bytes of UTF-8. */
static bool begins_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static size_t word_length(const char *at)
{
    size_t length = 0;

    while (begins_word(at[length]) || is_digit(at[length]) || at[length] == '.')
        length++;
    return length;
}

/* 64k, 512M, 2GiB: how many bits further left; -1: it is no such unit. */
static int unit_shift(const char *unit, size_t length)
{
    static const char letters[] = "kKmMgGtT";
    const char *letter = length ? strchr(letters, unit[0]) : NULL;

    if (!length)
        return 0;
    if (!letter || !(length == 1 || (length == 3 && memcmp(unit + 1, "iB", 2) == 0)))
        return -1;
    return 10 * (int)((letter - letters) / 2 + 1);
}

static bool read_number(struct parser *parser, const char *at)
{
    bool is_hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
    const char *digits = is_hex ? at + 2 : at;
    size_t count = strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789");
    uint64_t number = 0;
    bool fits = true;

    for (size_t i = 0; i < count && fits; i++) {
        const char digit[] = {digits[i], '\0'};
        fits = !__builtin_mul_overflow(number, (uint64_t)(is_hex ? 16 : 10), &number) &&
               !__builtin_add_overflow(number, strtoull(digit, NULL, 16), &number);
    }
    size_t unit = word_length(digits + count);
    int shift = is_hex ? (unit ? -1 : 0) : unit_shift(digits + count, unit);
    if (!count || shift < 0)
        return fail_at(parser, at, "numbers are like 4096, 64k, 512MiB or 0x7f3a5c0d1e80");
    if (!fits || __builtin_mul_overflow(number, UINT64_C(1) << shift, &number))
        return fail_at(parser, at, "no number is greater than 18446744073709551615");
    parser->token = (struct token){.kind = TOKEN_NUMBER,
                                   .at = at,
                                   .length = (size_t)(digits - at) + count + unit,
                                   .number = number};
    return true;
}

static bool read_text(struct parser *parser, const char *at)
{
    const char *end = strchr(at + 1, *at);

    if (!end)
        return fail_at(parser, at, "this text has no %c at its end", *at);
    parser->token =
        (struct token){.kind = TOKEN_TEXT, .at = at + 1, .length = (size_t)(end - at - 1)};
    return true;
}

static bool read_sign(struct parser *parser, const char *at)
{
    struct token *token = &parser->token;

    *token = (struct token){.kind = TOKEN_NONE, .at = at, .length = 1};
    for (unsigned i = 0; i < OPERATIONS; i++) {
        size_t length = strlen(predicate_operations[i]);
        if (strncmp(at, predicate_operations[i], length) == 0 && length >= token->length) {
            token->kind = TOKEN_OPERATION;
            token->operation = (enum operation)i;
            token->length = length;
        }
    }
    if (*at == '(')
        token->kind = TOKEN_OPEN;
    else if (*at == ')')
        token->kind = TOKEN_CLOSE;
    else if (*at == '=' && token->kind == TOKEN_NONE)
        return fail_at(parser, at, "a comparison for equality is ==");
    else if ((*at == '&' || *at == '|' || *at == '!') && token->kind == TOKEN_NONE)
        return fail_at(parser, at, "they are called and, or, not");
    return true;
}

/* Looks at what comes from `at` on. */
static bool read_token(struct parser *parser, const char *at)
{
    at += strspn(at, " \t\n");
    if (!*at) {
        parser->token = (struct token){.kind = TOKEN_END, .at = at};
        return true;
    }
    if (*at == '\'' || *at == '"')
        return read_text(parser, at);
    if (is_digit(*at))
        return read_number(parser, at);
    if (!begins_word(*at))
        return read_sign(parser, at);
    parser->token = (struct token){.kind = TOKEN_WORD, .at = at, .length = word_length(at)};
    return true;
}

static bool next_token(struct parser *parser)
{
    const struct token *token = &parser->token;

    return read_token(parser, token->at + token->length + (token->kind == TOKEN_TEXT));
}

static bool is_word(const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD && strlen(word) == token->length &&
           memcmp(token->at, word, token->length) == 0;
}

static struct node *make_node(struct parser *parser, enum node_kind kind, unsigned cost)
{
    struct node *node = arena_alloc(&parser->predicate->arena, sizeof(*node));

    if (node)
        *node = (struct node){.kind = kind, .cost = cost};
    else
        error_memory(parser->err);
    return node;
}

static bool keep(struct parser *parser, const char *bytes, size_t length, const char **ret)
{
    *ret = arena_copy(&parser->predicate->arena, bytes, length);
    return *ret || error_memory(parser->err);
}

/* Behind those that cost no more. */
static void add_below(struct node *node, struct node *below)
{
    struct node **place = &node->first;

    while (*place && (*place)->cost <= below->cost)
        place = &(*place)->next;
    below->next = *place;
    *place = below;
    if (below->cost > node->cost)
        node->cost = below->cost;
}

/* Where it begins, with its quote. */
static const char *place_of(const struct token *token)
{
    return token->at - (token->kind == TOKEN_TEXT);
}

static bool is_order(enum operation operation)
{
    return operation >= OP_LT && operation <= OP_GE;
}

static bool is_fit(enum operation operation)
{
    return operation == OP_FITS || operation == OP_FITS_NOT;
}

static const char *name_of(const struct node *node)
{
    return node->attribute ? node->attribute : "";
}

/* After the field. */
static bool parse_operation(struct parser *parser, const struct named_field *field,
                            struct node *node)
{
    const struct token *token = &parser->token;
    bool fits = token->kind == TOKEN_OPERATION &&
                !(is_order(token->operation) && !(field->is & IS_NUMBER)) &&
                !(is_fit(token->operation) && !(field->is & IS_TEXT));

    if (!fits)
        return fail_at(parser, place_of(token), "%s%s is compared by %s", field->name,
                       name_of(node),
                       field->is == IS_NUMBER ? "== != < <= > or >="
                       : field->is == IS_TEXT ? "== != ~ or !~"
                                              : "== != < <= > >= ~ or !~");
    node->operation = token->operation;
    return next_token(parser);
}

static bool parse_value(struct parser *parser, const struct named_field *field, struct node *node)
{
    const struct token *token = &parser->token;
    unsigned is = field->is;

    if (is_order(node->operation))
        is &= IS_NUMBER;
    else if (is_fit(node->operation))
        is &= IS_TEXT;
    if (token->kind == TOKEN_NUMBER && is & IS_NUMBER) {
        node->kind = NODE_NUMBER;
        node->number = token->number;
        return next_token(parser);
    }
    if (token->kind != TOKEN_TEXT || !(is & IS_TEXT))
        return fail_at(parser, place_of(token), "%s%s %s takes %s", field->name, name_of(node),
                       predicate_operations[node->operation],
                       is == IS_NUMBER ? "a number (4096, 64k, 0x7f3a5c0d1e80)"
                       : is == IS_TEXT ? "a text in '...' or \"...\""
                                       : "a number or a text in '...' or \"...\"");
    if (is_fit(node->operation) && token->length >= PATTERN_MOST)
        return fail_at(parser, place_of(token), "a pattern has at most %d bytes", PATTERN_MOST - 1);
    node->kind = NODE_TEXT;
    node->length = token->length;
    return keep(parser, token->at, token->length, &node->text) && next_token(parser);
}

static bool parse_comparison(struct parser *parser, enum field field, struct node **ret)
{
    const struct named_field *named = &predicate_fields[field];
    const struct token *token = &parser->token;
    size_t prefix = strlen(named->name);
    struct node *node = make_node(parser, NODE_NUMBER, named->cost);

    if (!node)
        return false;
    node->field = field;
    if (field == FIELD_ATTRIBUTE &&
        (token->length == prefix || memchr(token->at + prefix, '.', token->length - prefix) ||
         is_digit(token->at[prefix])))
        return fail_at(parser, place_of(token), "the name of one attribute follows attr.");
    if (field == FIELD_ATTRIBUTE &&
        !keep(parser, token->at + prefix, token->length - prefix, &node->attribute))
        return false;
    if (!next_token(parser) || !parse_operation(parser, named, node) ||
        !parse_value(parser, named, node))
        return false;
    *ret = node;
    return true;
}

static bool is_field(const struct token *token, enum field field)
{
    const char *name = predicate_fields[field].name;
    size_t length = strlen(name);

    return field == FIELD_ATTRIBUTE
               ? token->length >= length && memcmp(token->at, name, length) == 0
               : is_word(token, name);
}

static bool parse_term(struct parser *parser, struct node **ret)
{
    const struct token *token = &parser->token;

    for (unsigned i = 0; i < FIELDS; i++) {
        if (is_field(token, (enum field)i))
            return parse_comparison(parser, (enum field)i, ret);
    }
    for (unsigned i = 0; i < FLAGS; i++) {
        if (!is_word(token, predicate_flags[i].name))
            continue;
        struct node *node = make_node(parser, NODE_FLAG, predicate_flags[i].cost);
        if (!node)
            return false;
        node->flag = (enum flag)i;
        *ret = node;
        return next_token(parser);
    }
    return fail_at(parser, place_of(token),
                   "there is no such word: fields are " FIELDS_ARE "; flags are " FLAGS_ARE);
}

static bool parse_any(struct parser *parser, struct node **ret);

static bool parse_parentheses(struct parser *parser, struct node **ret)
{
    struct node *node;

    if (!next_token(parser) || !parse_any(parser, &node))
        return false;
    if (parser->token.kind != TOKEN_CLOSE)
        return fail_at(parser, place_of(&parser->token), "and, or or ) must follow");
    *ret = node;
    return next_token(parser);
}

static bool parse_not(struct parser *parser, struct node **ret);

static bool parse_negation(struct parser *parser, struct node **ret)
{
    struct node *node = make_node(parser, NODE_NOT, 0), *below;

    if (!node || !next_token(parser) || !parse_not(parser, &below))
        return false;
    add_below(node, below);
    *ret = node;
    return true;
}

static bool parse_not(struct parser *parser, struct node **ret)
{
    const struct token *token = &parser->token;
    bool is_not = is_word(token, "not"), done;

    if (!is_not && token->kind == TOKEN_WORD && !is_word(token, "and") && !is_word(token, "or"))
        return parse_term(parser, ret);
    if (!is_not && token->kind != TOKEN_OPEN)
        return fail_at(parser, place_of(token),
                       "a field (" FIELDS_ARE "), a flag (" FLAGS_ARE "), not or ( must stand");
    if (parser->depth == PREDICATE_DEPTH)
        return fail_at(parser, place_of(token), "this is nested too deeply");
    parser->depth++;
    done = is_not ? parse_negation(parser, ret) : parse_parentheses(parser, ret);
    parser->depth--;
    return done;
}

typedef bool parse_function(struct parser *parser, struct node **ret);

/* What `word` joins, each as `parse` has it; of one there is nothing to join. */
static bool parse_joined(struct parser *parser, enum node_kind kind, const char *word,
                         parse_function *parse, struct node **ret)
{
    struct node *below, *node;

    if (!parse(parser, &below))
        return false;
    if (!is_word(&parser->token, word)) {
        *ret = below;
        return true;
    }
    node = make_node(parser, kind, 0);
    if (!node)
        return false;
    add_below(node, below);
    while (is_word(&parser->token, word)) {
        if (!next_token(parser) || !parse(parser, &below))
            return false;
        add_below(node, below);
    }
    *ret = node;
    return true;
}

static bool parse_and(struct parser *parser, struct node **ret)
{
    return parse_joined(parser, NODE_AND, "and", parse_not, ret);
}

static bool parse_any(struct parser *parser, struct node **ret)
{
    return parse_joined(parser, NODE_OR, "or", parse_and, ret);
}

static bool parse_all(struct parser *parser)
{
    if (strlen(parser->text) > PREDICATE_LENGTH)
        return error_set(parser->err, ERROR_USAGE, "an expression has at most %d bytes",
                         PREDICATE_LENGTH);
    if (!read_token(parser, parser->text) || !parse_any(parser, &parser->predicate->root))
        return false;
    return parser->token.kind == TOKEN_END ||
           fail_at(parser, place_of(&parser->token), "and, or or the end must follow");
}

bool predicate_parse(struct predicate **ret, const char *text, struct error *err)
{
    struct predicate *predicate = calloc(1, sizeof(*predicate));
    struct parser parser = {.predicate = predicate, .text = text, .err = err};

    if (!predicate)
        return error_memory(err);
    if (!parse_all(&parser)) {
        predicate_free(predicate);
        return false;
    }
    *ret = predicate;
    return true;
}

void predicate_free(struct predicate *predicate)
{
    if (predicate)
        arena_free(&predicate->arena);
    free(predicate);
}
