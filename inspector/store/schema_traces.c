// SPDX-License-Identifier: MIT
#include "inspector/store/schema.h"

static const struct schema_part parts[] = {
    {"table", "target", schema_target},
    {"table", "traces",
     "CREATE TABLE traces (\n"
     "    id INTEGER PRIMARY KEY, -- 1: there is one row\n"
     "    has_target INTEGER NOT NULL, -- 0: made of a pickled Snapshot, which tells none\n"
     "    taken_ms INTEGER NOT NULL, -- since 1970, UTC\n"
     "    running_ms INTEGER NOT NULL, -- for which the machine had run\n"
     "    pause_ms REAL NOT NULL,\n"
     "    stopped_ms REAL NOT NULL,\n"
     "    resident_bytes INTEGER NOT NULL,\n"
     "    complete INTEGER NOT NULL,\n"
     "    stopped INTEGER NOT NULL,\n"
     "    newest_first INTEGER NOT NULL, -- the order of its Python's Traceback: 1 in 3.6\n"
     "    traceback_limit INTEGER NOT NULL,\n"
     "    traced_memory INTEGER NOT NULL, -- bytes\n"
     "    peak INTEGER NOT NULL,\n"
     "    own_memory INTEGER NOT NULL,\n"
     "    files INTEGER NOT NULL,\n"
     "    stacks INTEGER NOT NULL,\n"
     "    sizes INTEGER NOT NULL, -- of all rows of trace together\n"
     "    blocks INTEGER NOT NULL,\n"
     "    bytes INTEGER NOT NULL,\n"
     "    checksum INTEGER NOT NULL\n"
     ")"},
    {"table", "file",
     "CREATE TABLE file (\n"
     "    id INTEGER PRIMARY KEY, -- 1 and up, by name\n"
     "    name TEXT NOT NULL\n"
     ")"},
    {"table", "stack",
     "CREATE TABLE stack (\n"
     "    id INTEGER PRIMARY KEY, -- 1 and up\n"
     "    all_frames INTEGER NOT NULL, -- before it was cut at the limit; 0: not told\n"
     "    file INTEGER NOT NULL REFERENCES file, -- of the most recent frame\n"
     "    line INTEGER NOT NULL,\n"
     "    others BLOB NOT NULL\n"
     ")"},
    {"table", "trace",
     "CREATE TABLE trace (\n"
     "    domain INTEGER NOT NULL,\n"
     "    stack INTEGER NOT NULL REFERENCES stack,\n"
     "    blocks INTEGER NOT NULL,\n"
     "    bytes INTEGER NOT NULL,\n"
     "    sizes BLOB NOT NULL,\n"
     "    PRIMARY KEY (domain, stack)\n"
     ") WITHOUT ROWID"},
    {"view", "lines",
     "CREATE VIEW lines AS\n"
     "SELECT name AS file, line, sum(trace.bytes) AS bytes, sum(blocks) AS blocks\n"
     "FROM trace JOIN stack ON stack.id = trace.stack JOIN file ON file.id = stack.file\n"
     "GROUP BY stack.file, line ORDER BY 3 DESC, 4 DESC"},
};

const struct schema schema_traces = {
    .application_id = 0x50795472, /* "PyTr" */
    .version = 1,
    .noun = "traces file",
    .format = "traces",
    .use = "a file of saved traces, which pyinspect traces --since reads",
    .parts = parts,
    .count = sizeof(parts) / sizeof(parts[0]),
};
