// SPDX-License-Identifier: MIT
/* sqlite3. Modules/_sqlite. */
#include "inspector/python/kind.h"

enum { MOST_NODES = 1 << 20 };

/* 3.11 and later keep callables apart; up to 3.10 they are fields. */
static void connection_references(const struct reader *reader, const struct type *type,
                                  uint64_t address, struct references *references)
{
    static const struct {
        enum layout_slot_id field;
        const char *name;
    } contexts[] = {{pysqlite_Connection_trace_ctx, "trace"},
                    {pysqlite_Connection_progress_ctx, "progress"},
                    {pysqlite_Connection_authorizer_ctx, "authorizer"}};

    (void)type;
    if (reader_has(reader, pysqlite_Connection_statements)) /* else a C string */
        reference_field(references,
                        read_pointer(reader, address, pysqlite_Connection_isolation_level),
                        "isolation_level");
    for (unsigned i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
        uint64_t context = read_pointer(reader, address, contexts[i].field);
        if (context)
            reference_field(references, read_pointer(reader, context, callback_context_callable),
                            contexts[i].name);
    }
}

/* Up to 3.10: the list of what is in it. */
static void cache_references(const struct reader *reader, const struct type *type, uint64_t address,
                             struct references *references)
{
    uint64_t node = read_pointer(reader, address, pysqlite_Cache_first);

    (void)type;
    for (unsigned i = 0; node && i < MOST_NODES && !references->ended; i++) {
        reference_index(references, node, i);
        node = read_pointer(reader, node, pysqlite_Node_next);
    }
}

static const struct kind_field connection_fields[] = {
    {"statement_cache", pysqlite_Connection_statement_cache, false},
    {"statements", pysqlite_Connection_statements, false},
    {"cursors", pysqlite_Connection_cursors, false},
    {"blobs", pysqlite_Connection_blobs, false},
    {"row_factory", pysqlite_Connection_row_factory, false},
    {"text_factory", pysqlite_Connection_text_factory, false},
    {"function_pinboard", pysqlite_Connection_function_pinboard, false},
    {"function_pinboard_trace_callback", pysqlite_Connection_function_pinboard_trace_callback,
     false},
    {"function_pinboard_progress_handler", pysqlite_Connection_function_pinboard_progress_handler,
     false},
    {"function_pinboard_authorizer_cb", pysqlite_Connection_function_pinboard_authorizer_cb, false},
    {"collations", pysqlite_Connection_collations, false},
    {.name = NULL},
};

static const struct kind_field cursor_fields[] = {
    {"connection", pysqlite_Cursor_connection, false},
    {"description", pysqlite_Cursor_description, false},
    {"row_cast_map", pysqlite_Cursor_row_cast_map, false},
    {"lastrowid", pysqlite_Cursor_lastrowid, false},
    {"row_factory", pysqlite_Cursor_row_factory, false},
    {"statement", pysqlite_Cursor_statement, false},
    {"next_row", pysqlite_Cursor_next_row, false},
    {.name = NULL},
};

static const struct kind_field row_fields[] = {
    {"data", pysqlite_Row_data, false},
    {"description", pysqlite_Row_description, false},
    {.name = NULL},
};

static const struct kind_field statement_fields[] = {
    {"sql", pysqlite_Statement_sql, false},
    {.name = NULL},
};

static const struct kind_field cache_fields[] = {
    {"mapping", pysqlite_Cache_mapping, false},
    {"factory", pysqlite_Cache_factory, true},
    {.name = NULL},
};

static const struct kind_field node_fields[] = {
    {"key", pysqlite_Node_key, false},
    {"data", pysqlite_Node_data, false},
    {.name = NULL},
};

static const struct kind_field blob_fields[] = {
    {"connection", pysqlite_Blob_connection, false},
    {.name = NULL},
};

const struct kind database_kinds[] = {
    {.type = "sqlite3.Connection",
     .structure = sizeof_pysqlite_Connection,
     .fields = connection_fields,
     .references = connection_references},
    {.type = "sqlite3.Cursor", .structure = sizeof_pysqlite_Cursor, .fields = cursor_fields},
    {.type = "sqlite3.Row", .structure = sizeof_pysqlite_Row, .fields = row_fields},
    {.type = "sqlite3.Statement",
     .structure = sizeof_pysqlite_Statement,
     .fields = statement_fields},
    {.type = "sqlite3.Cache",
     .structure = sizeof_pysqlite_Cache,
     .fields = cache_fields,
     .references = cache_references},
    {.type = "sqlite3.Node", .structure = sizeof_pysqlite_Node, .fields = node_fields},
    {.type = "sqlite3.Blob", .structure = sizeof_pysqlite_Blob, .fields = blob_fields},
    {.type = "sqlite3.PrepareProtocol", .structure = sizeof_PyObject},
    {.type = NULL},
};
