// SPDX-License-Identifier: MIT
#include "inspector/python/statics.h"

#include "inspector/python/dict.h"
#include "inspector/python/interpreters.h"

#include <elf.h>
#include <string.h>

enum {
    WORD = 8,
    MOST_FILES = 1 << 14,
    MOST_HEADERS = 64,
    FEWEST_KNOWN = STATICS_SIGNALS / 2, /* handlers that are SIG_DFL or SIG_IGN */
};

static const uint64_t most_file = UINT64_C(1) << 40;

/* What the headers of a file say. */
struct file {
    uint64_t start, end, bias;
    uint64_t fixed_start, fixed_end; /* what is read-only after loading */
    size_t count;
    struct statics_segment segments[MOST_HEADERS];
};

static bool read_segment(const struct reader *reader, uint64_t at, Elf64_Phdr *ret)
{
    const void *bytes = image_at(reader->image, at, sizeof(*ret));

    if (bytes)
        memcpy(ret, bytes, sizeof(*ret));
    return bytes && ret->p_vaddr < most_file && ret->p_memsz < most_file;
}

static void add_segment(struct file *file, const Elf64_Phdr *segment, uint64_t start)
{
    uint64_t first = start, end;

    if (file->end)
        first = file->bias + segment->p_vaddr;
    else
        file->bias = start - segment->p_vaddr / IMAGE_PAGE * IMAGE_PAGE;
    end = file->bias + segment->p_vaddr + segment->p_memsz;
    if (end > file->end)
        file->end = end;
    if (segment->p_flags & PF_W)
        file->segments[file->count++] = (struct statics_segment){
            .start = (first + WORD - 1) / WORD * WORD, .end = end / WORD * WORD};
}

/* The file whose first page is at `start`; false: none is. */
static bool read_file(const struct reader *reader, uint64_t start, struct file *ret)
{
    const void *at = image_at(reader->image, start, sizeof(Elf64_Ehdr));
    Elf64_Ehdr header;
    Elf64_Phdr segment;

    *ret = (struct file){.start = start};
    if (!at)
        return false;
    memcpy(&header, at, sizeof(header));
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof(segment) ||
        header.e_phoff > IMAGE_PAGE)
        return false;
    for (unsigned i = 0; i < header.e_phnum && i < MOST_HEADERS; i++) {
        if (!read_segment(reader, start + header.e_phoff + i * sizeof(segment), &segment))
            return false;
        if (segment.p_type == PT_LOAD)
            add_segment(ret, &segment, start);
        if (segment.p_type == PT_GNU_RELRO) {
            ret->fixed_start = ret->bias + segment.p_vaddr;
            ret->fixed_end = ret->fixed_start + segment.p_memsz;
        }
    }
    return ret->end > start;
}

/* The part that is fixed begins where the segment does, and ends with a page. */
static bool tell_file(const struct reader *reader, struct file *file, uint64_t *left,
                      statics_visit *visit, void *context)
{
    for (size_t i = 0; i < file->count; i++) {
        struct statics_segment segment = file->segments[i];
        segment.file_start = file->start;
        segment.file_end = file->end;
        if (file->fixed_start <= segment.start && segment.start < file->fixed_end)
            segment.start = file->fixed_end / IMAGE_PAGE * IMAGE_PAGE;
        const struct image_range *range = image_range_of(reader->image, segment.start);
        if (segment.start >= segment.end || !range || !range->writable)
            continue;
        if (segment.end - segment.start > STATICS_MOST_SEGMENT)
            segment.end = segment.start + STATICS_MOST_SEGMENT;
        if (segment.end - segment.start > *left)
            return false;
        *left -= segment.end - segment.start;
        if (!visit(context, &segment))
            return false;
    }
    return true;
}

static void each(const struct reader *reader, uint64_t near, statics_visit *visit, void *context)
{
    const uint64_t missed = reader->image->missed;
    const struct image_range *range = image_range_from(reader->image, 0);
    uint64_t left = STATICS_MOST, past = 0;
    unsigned files = 0;

    while (range && files < MOST_FILES) {
        uint64_t end = range->start + range->size;
        struct file file;
        if (range->start >= past && !range->writable && read_file(reader, range->start, &file)) {
            files++;
            past = file.end;
            if ((!near || near - file.start < file.end - file.start) &&
                !tell_file(reader, &file, &left, visit, context))
                break;
        }
        range = image_range_from(reader->image, end);
    }
    reader->image->missed = missed; /* a page that is no file's first one */
}

void statics_each(const struct reader *reader, statics_visit *visit, void *context)
{
    each(reader, 0, visit, context);
}

void statics_each_own(const struct reader *reader, statics_visit *visit, void *context)
{
    uint64_t near = reader->python->runtime;

    if (!near)
        near = reader->python->generation0;
    if (near)
        each(reader, near, visit, context);
}

bool statics_is_state(const struct reader *reader, uint64_t address)
{
    const struct python *python = reader->python;

    return python->runtime && layout_has(&python->layout, sizeof_runtime) &&
           address >= python->runtime &&
           address - python->runtime < layout_size(&python->layout, sizeof_runtime);
}

bool statics_read(const struct reader *reader, const struct statics_segment *segment,
                  statics_words *visit, void *context)
{
    uint64_t words[IMAGE_PAGE / WORD];

    for (uint64_t at = segment->start; at < segment->end;) {
        uint64_t size = IMAGE_PAGE - at % IMAGE_PAGE;
        if (size > segment->end - at)
            size = segment->end - at;
        const void *bytes =
            image_range_of(reader->image, at) ? image_at(reader->image, at, size) : NULL;
        if (bytes) {
            memcpy(words, bytes, size);
            if (!visit(context, at, words, size / WORD))
                return false;
        }
        at += size;
    }
    return true;
}

/* ---- The handlers of signals. ---- */

/* The entry of signal 0 is empty, those of all others are not; most are one of two numbers. */
struct search {
    const struct reader *reader;
    uint64_t by_default, ignored; /* signal.SIG_DFL, SIG_IGN: as the handlers have them */
    uint64_t found;
};

static bool is_array(const struct search *search, uint64_t first)
{
    unsigned known = 0;

    if (read_word(search->reader, first + WORD))
        return false;
    for (unsigned i = 1; i < STATICS_SIGNALS; i++) {
        uint64_t tripped = read_word(search->reader, first + i * STATICS_HANDLER_SIZE);
        uint64_t function = read_word(search->reader, first + i * STATICS_HANDLER_SIZE + WORD);
        if ((uint32_t)tripped > 1 || !function || function % WORD)
            return false;
        known += function == search->by_default || function == search->ignored;
    }
    return known >= FEWEST_KNOWN;
}

static bool look_for_array(void *context, uint64_t address, const uint64_t *words, size_t count)
{
    struct search *search = context;

    for (size_t i = 0; i < count && !search->found; i++) {
        uint64_t at = address + i * WORD;
        if (words[i] != search->by_default && words[i] != search->ignored)
            continue;
        for (unsigned back = 1; back < STATICS_SIGNALS; back++) {
            if (read_word(search->reader, at - back * STATICS_HANDLER_SIZE))
                continue;
            uint64_t first = at - back * STATICS_HANDLER_SIZE - WORD;
            if (is_array(search, first))
                search->found = first;
            break;
        }
    }
    return !search->found;
}

static bool search_segment(void *context, const struct statics_segment *segment)
{
    struct search *search = context;

    return statics_read(search->reader, segment, look_for_array, search);
}

uint64_t statics_signal_handlers(const struct reader *reader)
{
    const struct python *python = reader->python;
    struct search search = {.reader = reader};
    uint64_t missed = reader->image->missed, interpreter = interpreters_first(reader), next, module;

    for (unsigned i = 0; interpreter && i < INTERPRETERS_MOST; i++) {
        next = interpreters_next(reader, interpreter);
        if (!next)
            break;
        interpreter = next;
    }
    uint64_t modules = read_pointer(reader, interpreter, interp_modules);
    if (modules && dict_find(python, reader->image, modules, "_signal", &module)) {
        uint64_t names = read_pointer(reader, module, PyModuleObject_md_dict);
        if (names && dict_find(python, reader->image, names, "SIG_DFL", &search.by_default) &&
            dict_find(python, reader->image, names, "SIG_IGN", &search.ignored))
            statics_each_own(reader, search_segment, &search);
    }
    reader->image->missed = missed;
    return search.found;
}
