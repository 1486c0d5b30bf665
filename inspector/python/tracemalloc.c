// SPDX-License-Identifier: MIT
#include "inspector/python/tracemalloc.h"

#include "inspector/python/hashtable.h"
#include "inspector/python/unicode.h"
#include "symbols/debug_file.h"

enum {
    MOST_DOMAINS = 256,
    MOST_NAME = 1 << 16, /* characters of a file's name, which stands in many rows */
    /* In the config, which begins with three ints in 3.6 to 3.11: initialized, tracing, max_nframe
     * (Modules/_tracemalloc.c; Include/internal/pycore_pymem.h since 3.8). */
    CONFIG_TRACING = 4,
    CONFIG_MAX_NFRAME = 8,
};

/* Where the state's variables are; 0: this Python has none, or it is unknown. */
struct variables {
    uint64_t initialized, tracing, max_nframe; /* ints */
    uint64_t traces, domains, tracebacks, filenames;
    uint64_t traced_memory, peak;
};

static bool is_in_runtime(const struct python *python)
{
    return python->runtime && layout_has(&python->layout, traced_runtime_traces);
}

static uint64_t in_runtime(const struct python *python, enum layout_slot_id id)
{
    return layout_has(&python->layout, id) ? python->runtime + layout_offset(&python->layout, id)
                                           : 0;
}

static struct variables find_variables(const struct python *python)
{
    const uint64_t *statics = python->traced;
    uint64_t config = statics[TRACED_CONFIG];

    if (is_in_runtime(python))
        return (struct variables){
            .initialized = in_runtime(python, traced_runtime_initialized),
            .tracing = in_runtime(python, traced_runtime_tracing),
            .max_nframe = in_runtime(python, traced_runtime_max_nframe),
            .traces = in_runtime(python, traced_runtime_traces),
            .domains = in_runtime(python, traced_runtime_domains),
            .tracebacks = in_runtime(python, traced_runtime_tracebacks),
            .filenames = in_runtime(python, traced_runtime_filenames),
            .traced_memory = in_runtime(python, traced_runtime_traced_memory),
            .peak = in_runtime(python, traced_runtime_peak_traced_memory),
        };
    return (struct variables){
        .initialized = config,
        .tracing = config ? config + CONFIG_TRACING : 0,
        .max_nframe = config ? config + CONFIG_MAX_NFRAME : 0,
        .traces = statics[TRACED_TRACES],
        .domains = statics[TRACED_DOMAINS],
        .tracebacks = statics[TRACED_TRACEBACKS],
        .filenames = statics[TRACED_FILENAMES],
        .traced_memory = statics[TRACED_MEMORY],
        .peak = statics[TRACED_PEAK],
    };
}

static bool is_of_size(const struct layout *layout, enum layout_slot_id id, uint32_t size)
{
    return layout_has(layout, id) && layout_size(layout, id) == size;
}

static bool has_structures(const struct layout *layout)
{
    return hashtable_is_known(layout) && is_of_size(layout, trace_t_size, 8) &&
           is_of_size(layout, trace_t_traceback, 8) && layout_has(layout, traceback_t_nframe) &&
           layout_has(layout, traceback_t_frames) && is_of_size(layout, frame_t_filename, 8) &&
           is_of_size(layout, frame_t_lineno, 4);
}

static bool has_domains(const struct layout *layout)
{
    return layout_has(layout, hashtable_entry_value);
}

static bool is_whole(const struct python *python, const struct variables *at)
{
    return at->tracing && at->max_nframe && at->traces && at->tracebacks && at->filenames &&
           at->traced_memory && at->peak && (at->domains || !has_domains(&python->layout));
}

static bool is_since_3_12(const struct python *python)
{
    return python->shape.has_immortals;
}

bool tracemalloc_check(const struct python *python, struct error *err)
{
    const struct variables at = find_variables(python);
    char package[64];

    if (has_structures(&python->layout) && is_whole(python, &at))
        return true;
    if (!has_structures(&python->layout) || is_since_3_12(python))
        return error_set(err, ERROR_PYTHON,
                         "the layout that is known of %s does not tell where tracemalloc's tables "
                         "are: its own debug information would, given by --debug-file FILE",
                         python->executable);
    debug_file_name_package(package, sizeof(package), python->executable);
    return error_set(err, ERROR_PYTHON,
                     "nothing tells where %s keeps tracemalloc's tables: up to CPython 3.11 they "
                     "hang on static variables, and it was stripped of their symbols. Its debug "
                     "file has them: install %s, or give it by --debug-file FILE",
                     python->executable, package);
}

/* State */

/* The tables of traces: one for each domain since 3.9, else one for all. */
struct tables {
    struct hashtable items[MOST_DOMAINS];
    uint32_t domains[MOST_DOMAINS];
    unsigned count;
    uint64_t broken;
    const struct reader *reader;
};

static bool is_traces(const struct reader *reader, const struct hashtable *table)
{
    uint32_t size = layout_size(&reader->python->layout, sizeof_trace_t);

    return table->has_values || table->data_size == size;
}

/* Two that share their buckets would be told twice, and hundreds of those without an end. */
static bool shares_buckets(const struct hashtable *a, const struct hashtable *b)
{
    return a->buckets < b->buckets + b->bucket_count * sizeof(uint64_t) &&
           b->buckets < a->buckets + a->bucket_count * sizeof(uint64_t);
}

static bool add_table(void *context, const struct hashtable_entry *entry, const void *data)
{
    struct tables *tables = context;
    struct hashtable table;

    (void)data;
    bool good = tables->count < MOST_DOMAINS && entry->key <= UINT32_MAX &&
                hashtable_read(tables->reader, entry->data, &table) &&
                is_traces(tables->reader, &table);
    for (unsigned i = 0; good && i < tables->count; i++)
        good = !shares_buckets(&tables->items[i], &table);
    if (!good) {
        tables->broken++;
        return tables->broken < MOST_DOMAINS;
    }
    tables->domains[tables->count] = (uint32_t)entry->key;
    tables->items[tables->count++] = table;
    return true;
}

static void list_tables(const struct reader *reader, uint64_t traces_table, uint64_t domains_table,
                        struct tables *ret)
{
    struct hashtable domains;

    ret->count = 0;
    ret->broken = 0;
    ret->reader = reader;
    add_table(ret, &(struct hashtable_entry){.key = 0, .data = traces_table}, NULL);
    if (!domains_table)
        return;
    if (!hashtable_read(reader, domains_table, &domains)) {
        ret->broken++;
        return;
    }
    uint64_t broken = hashtable_walk(reader, &domains, HASH_OF_NUMBER, 0, add_table, ret);
    ret->broken += broken;
}

static bool read_int(const struct reader *reader, uint64_t address, uint64_t *ret)
{
    return address && image_word(reader->image, address, sizeof(int), ret);
}

/* False where they are not there, or where somebody else's numbers are read. */
static bool read_config(const struct reader *reader, const struct variables *at,
                        struct tracemalloc *state)
{
    uint64_t initialized, tracing, limit;

    if (!read_int(reader, at->initialized, &initialized) ||
        !read_int(reader, at->tracing, &tracing) || !read_int(reader, at->max_nframe, &limit) ||
        initialized > 2 || tracing > 1 || limit < 1 || limit > INT32_MAX)
        return false;
    state->is_tracing = tracing;
    state->traceback_limit = (uint32_t)limit;
    return true;
}

/* tables_lock is a byte since 3.14; before, a pointer to something of the C library's. */
static bool is_locked(const struct reader *reader)
{
    const struct layout *layout = &reader->python->layout;
    uint64_t lock;

    return is_in_runtime(reader->python) && is_of_size(layout, traced_runtime_tables_lock, 1) &&
           read_field(reader, reader->python->runtime, traced_runtime_tables_lock, &lock) &&
           lock & 1;
}

static bool read_tables(const struct reader *reader, const struct variables *at,
                        struct tracemalloc *state)
{
    struct hashtable tracebacks, filenames;
    struct tables tables;

    if (!image_word(reader->image, at->traced_memory, 8, &state->traced_memory) ||
        !image_word(reader->image, at->peak, 8, &state->peak) ||
        !hashtable_read(reader, read_word(reader, at->tracebacks), &tracebacks) ||
        !hashtable_read(reader, read_word(reader, at->filenames), &filenames))
        return false;
    state->traces_table = read_word(reader, at->traces);
    state->domains_table =
        has_domains(&reader->python->layout) ? read_word(reader, at->domains) : 0;
    list_tables(reader, state->traces_table, state->domains_table, &tables);
    if (tables.broken || (has_domains(&reader->python->layout) && !state->domains_table))
        return false;
    state->own_memory = tracebacks.size + filenames.size;
    for (unsigned i = 0; i < tables.count; i++) {
        state->own_memory += tables.items[i].size;
        state->traces += tables.items[i].entries;
    }
    state->uses_domain_keys = tables.items[0].key_size > sizeof(uint64_t);
    return true;
}

bool tracemalloc_read(const struct reader *reader, struct tracemalloc *ret, struct error *err)
{
    const struct variables at = find_variables(reader->python);
    struct tracemalloc state = {0};

    if (!read_config(reader, &at, &state)) {
        if (!tracemalloc_check(reader->python, err))
            return false;
        return error_set(err, ERROR_PYTHON,
                         "tracemalloc's state cannot be read where %s should have it",
                         reader->python->executable);
    }
    if (!state.is_tracing) {
        *ret = (struct tracemalloc){.is_tracing = false};
        return true;
    }
    if (!tracemalloc_check(reader->python, err))
        return error_context(err, "tracemalloc traces, but its tables cannot be read");
    state.is_locked = is_locked(reader);
    if (!read_tables(reader, &at, &state))
        return error_set(err, ERROR_PYTHON,
                         "the tables of tracemalloc cannot be read: they are damaged, or were "
                         "being changed");
    *ret = state;
    return true;
}

bool tracemalloc_is_verified(const struct tracemalloc *state,
                             const struct tracemalloc_verdict *verdict)
{
    return !verdict->broken && verdict->blocks == state->traces &&
           verdict->bytes == state->traced_memory;
}

/* Blocks */

static struct traced_block load_block(const struct reader *reader, uint32_t domain,
                                      const struct hashtable_entry *entry, const uint8_t *trace)
{
    const struct layout *layout = &reader->python->layout;

    return (struct traced_block){
        .domain = domain,
        .address = entry->key,
        .size = load_u64(trace + layout_offset(layout, trace_t_size)),
        .traceback = load_u64(trace + layout_offset(layout, trace_t_traceback)),
    };
}

struct telling {
    const struct reader *reader;
    uint32_t domain;
    traced_block_visit *visit;
    void *context;
    bool is_over;
    struct tracemalloc_verdict *verdict;
};

static bool tell_block(void *context, const struct hashtable_entry *entry, const void *trace)
{
    struct telling *telling = context;
    struct tracemalloc_verdict *verdict = telling->verdict;
    const struct traced_block block =
        load_block(telling->reader, telling->domain | entry->key_rest, entry, trace);

    verdict->blocks++;
    if (__builtin_add_overflow(verdict->bytes, block.size, &verdict->bytes))
        verdict->bytes = UINT64_MAX;
    telling->is_over = !telling->visit(telling->context, &block);
    return !telling->is_over;
}

void tracemalloc_each(const struct reader *reader, const struct tracemalloc *state,
                      traced_block_visit *visit, void *context, struct tracemalloc_verdict *ret)
{
    uint32_t size = layout_size(&reader->python->layout, sizeof_trace_t);
    struct telling telling = {.reader = reader, .visit = visit, .context = context, .verdict = ret};
    struct tables tables;

    *ret = (struct tracemalloc_verdict){.blocks = 0};
    if (!state->is_tracing)
        return;
    list_tables(reader, state->traces_table, state->domains_table, &tables);
    ret->broken = tables.broken;
    for (unsigned i = 0;
         i < tables.count && !telling.is_over && ret->broken < HASHTABLE_MOST_BROKEN; i++) {
        telling.domain = tables.domains[i];
        ret->broken +=
            hashtable_walk(reader, &tables.items[i], HASH_OF_POINTER, size, tell_block, &telling);
    }
}

static bool find_table(const struct reader *reader, const struct tracemalloc *state,
                       uint32_t domain, struct hashtable *ret)
{
    uint64_t address = state->traces_table;
    struct hashtable domains;
    struct hashtable_entry entry;

    if (domain && !state->uses_domain_keys) {
        if (!state->domains_table || !hashtable_read(reader, state->domains_table, &domains) ||
            !hashtable_find(reader, &domains, HASH_OF_NUMBER, domain, 0, &entry))
            return false;
        address = entry.data;
    }
    return hashtable_read(reader, address, ret) && is_traces(reader, ret);
}

bool tracemalloc_find_block(const struct reader *reader, const struct tracemalloc *state,
                            uint32_t domain, uint64_t address, struct traced_block *ret)
{
    struct hashtable table;
    struct hashtable_entry entry;

    if (!state->is_tracing || !find_table(reader, state, domain, &table) ||
        !hashtable_find(reader, &table, HASH_OF_POINTER, address,
                        state->uses_domain_keys ? domain : 0, &entry))
        return false;
    const uint8_t *trace =
        image_at(reader->image, entry.data, layout_size(&reader->python->layout, sizeof_trace_t));
    if (!trace)
        return false;
    *ret = load_block(reader, domain, &entry, trace);
    return true;
}

uint64_t tracemalloc_block_of(const struct reader *reader, const struct type *type, uint64_t object)
{
    (void)reader;
    return object - type->headers;
}

/* Tracebacks */

bool tracemalloc_read_stack(const struct reader *reader, uint64_t traceback,
                            struct traced_stack *ret)
{
    uint64_t frames, all_frames;

    if (!read_field(reader, traceback, traceback_t_nframe, &frames) || frames < 1 ||
        frames > INT32_MAX)
        return false;
    if (!reader_has(reader, traceback_t_total_nframe))
        all_frames = frames;
    else if (!read_field(reader, traceback, traceback_t_total_nframe, &all_frames) ||
             all_frames < frames || all_frames > UINT16_MAX)
        return false;
    uint64_t first = field_address(reader, traceback, traceback_t_frames);
    if (!reader_has_room(reader, first, frames,
                         layout_size(&reader->python->layout, sizeof_frame_t)))
        return false;
    *ret = (struct traced_stack){
        .frames = (uint32_t)frames, .all_frames = (uint32_t)all_frames, .address = first};
    return true;
}

bool tracemalloc_read_frame(const struct reader *reader, const struct traced_stack *stack,
                            uint32_t number, struct traced_frame *ret)
{
    const struct layout *layout = &reader->python->layout;
    uint32_t size = layout_size(layout, sizeof_frame_t);
    const uint8_t *frame = image_at(reader->image, stack->address + (uint64_t)number * size, size);

    if (!frame)
        return false;
    *ret = (struct traced_frame){
        .file = load_u64(frame + layout_offset(layout, frame_t_filename)),
        .line = (uint32_t)load_word(frame + layout_offset(layout, frame_t_lineno), 4),
    };
    return true;
}

static bool is_utf8(const char *bytes, size_t length)
{
    int32_t code;

    for (size_t at = 0; at < length;) {
        at += text_decode(bytes + at, length - at, &code);
        if (code < 0)
            return false;
    }
    return true;
}

/* A string of C. */
static bool read_bytes(const struct reader *reader, uint64_t address, struct text *text)
{
    const char *end = NULL;

    for (uint64_t at = address; !end && at - address < MOST_NAME;) {
        uint64_t size = IMAGE_PAGE - at % IMAGE_PAGE;
        const char *bytes = image_at(reader->image, at, size);
        if (!bytes)
            return false;
        end = memchr(bytes, '\0', size);
        text_add_bytes(text, bytes, end ? (size_t)(end - bytes) : size);
        at += size;
    }
    return end != NULL;
}

static bool read_name(const struct reader *reader, uint64_t file, struct text *text)
{
    if (reader->python->shape.traced_files_are_bytes)
        return read_bytes(reader, file, text);
    const struct type *type = reader_type_of(reader, file);
    struct characters characters;
    return type && type->flags & TPFLAGS_UNICODE_SUBCLASS &&
           unicode_find(reader->python, reader->image, file, &characters) &&
           reader_has_room(reader, characters.address, characters.length, characters.width) &&
           unicode_read(reader->python, reader->image, file, MOST_NAME, text);
}

bool tracemalloc_read_file(const struct reader *reader, uint64_t file, struct text *text)
{
    size_t before = text->length;

    if (read_name(reader, file, text) && !text->failed &&
        is_utf8(text->bytes + before, text->length - before))
        return true;
    text->length = before;
    if (text->bytes && !text->failed)
        text->bytes[before] = '\0';
    return false;
}
