// SPDX-License-Identifier: MIT
#include "inspector/python/say.h"

#include "inspector/python/code.h"
#include "inspector/python/unicode.h"

#include <inttypes.h>
#include <stdio.h>

enum { MOST_PRINTED = 200, MOST_STR = 4096 };

static void say(const char *key, struct text *text, fact_tell *tell, void *context)
{
    tell(context, key, text->bytes ? text->bytes : "", text->length);
    text_free(text);
}

void say_text(const char *key, const char *text, fact_tell *tell, void *context)
{
    tell(context, key, text, strlen(text));
}

void say_number(const char *key, int64_t number, fact_tell *tell, void *context)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRId64, number);

    tell(context, key, digits, (size_t)length);
}

void say_str(const struct reader *reader, const char *key, uint64_t address, fact_tell *tell,
             void *context)
{
    const struct type *type = reader_type_of(reader, address);
    struct text text = {0};

    if (type && type->flags & TPFLAGS_UNICODE_SUBCLASS &&
        unicode_read(reader->python, reader->image, address, MOST_STR, &text))
        say(key, &text, tell, context);
    else
        text_free(&text);
}

void say_object(const struct reader *reader, const char *key, uint64_t address, fact_tell *tell,
                void *context)
{
    struct text text = {0};

    if (!address)
        return;
    print_object(reader, address, MOST_PRINTED, &text);
    say(key, &text, tell, context);
}

static void say_code(const struct reader *reader, uint64_t code, bool has_line, uint32_t line,
                     fact_tell *tell, void *context)
{
    uint64_t name = read_pointer(reader, code, PyCodeObject_co_qualname);

    say_str(reader, "file", read_pointer(reader, code, PyCodeObject_co_filename), tell, context);
    if (has_line)
        say_number("line", line, tell, context);
    say_str(reader, "function", name ? name : read_pointer(reader, code, PyCodeObject_co_name),
            tell, context);
}

void say_place(const struct reader *reader, uint64_t code, int64_t offset, fact_tell *tell,
               void *context)
{
    uint32_t line = 0;

    if (is_code(reader, code)) {
        bool has_line = code_line(reader, code, offset, &line);
        say_code(reader, code, has_line, line, tell, context);
    }
}

void say_frame(const struct reader *reader, const struct frame_view *view, fact_tell *tell,
               void *context)
{
    uint32_t line = 0;

    if (view->code) {
        bool has_line = frame_line(reader, view, &line);
        say_code(reader, view->code, has_line, line, tell, context);
    }
}
