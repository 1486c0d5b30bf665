// SPDX-License-Identifier: MIT
#include "tests/support/told.h"

#include "symbols/base/vector.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void told_start(struct told *ret, const struct interpreter *python, const char *script,
                const char *mode, unsigned seed, unsigned count)
{
    char command[1024];

    int length = snprintf(command, sizeof(command), "exec '%s' tests/targets/%s %s %u %u",
                          python->path, script, mode, seed, count);
    cr_assert_lt(length, (int)sizeof(command));
    *ret = (struct told){.from = popen(command, "re"), .python = python};
    cr_assert(ret->from, "%s: %s", command, strerror(errno));
}

static void split(struct told *told)
{
    char *rest = told->line;

    told->count = 0;
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        void *words =
            vector_grow(told->words, &told->capacity, told->count + 1, sizeof(*told->words));
        cr_assert(words);
        told->words = words;
        told->words[told->count++] = word;
    }
}

bool told_next(struct told *told)
{
    ssize_t length = getline(&told->line, &told->line_capacity, told->from);

    cr_assert_gt(length, 0, "%s: no more than %lu lines", told->python->name, told->number);
    told->number++;
    told->line[strcspn(told->line, "\n")] = '\0';
    split(told);
    return strcmp(told->words[0], "done") != 0;
}

void told_end(struct told *told)
{
    cr_assert_eq(pclose(told->from), 0, "%s", told->python->name);
    free(told->line);
    free(told->words);
}

const char *told_word(const struct told *told, size_t number)
{
    cr_assert_lt(number, told->count, "%s: line %lu", told->python->name, told->number);
    return told->words[number];
}

uint64_t told_number(const struct told *told, size_t number)
{
    return strtoull(told_word(told, number), NULL, 10);
}

char *told_text(const struct told *told, size_t number, size_t *ret_length)
{
    const char *word = told_word(told, number);
    size_t length = strcspn(word, ":-") / 2;
    char *text = calloc(length + 1, 1);

    cr_assert(text);
    for (size_t i = 0; i < length; i++) {
        char digits[3] = {word[2 * i], word[2 * i + 1]};
        text[i] = (char)strtoul(digits, NULL, 16);
    }
    *ret_length = length;
    return text;
}
