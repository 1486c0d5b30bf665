// SPDX-License-Identifier: MIT
#include "inspector/store/schema.h"

static const struct schema_part parts[] = {
    {"table", "contents",
     "CREATE TABLE contents (\n"
     "    id INTEGER PRIMARY KEY, -- 1: there is one row\n"
     "    censuses INTEGER NOT NULL,\n"
     "    checksum INTEGER NOT NULL\n"
     ")"},
    {"table", "target", schema_target},
    {"table", "census",
     "CREATE TABLE census (\n"
     "    number INTEGER PRIMARY KEY, -- 1 and up, without gaps\n"
     "    target INTEGER NOT NULL REFERENCES target,\n"
     "    is_first INTEGER NOT NULL, -- of its target\n"
     "    taken_ms INTEGER NOT NULL, -- since 1970, UTC\n"
     "    running_ms INTEGER NOT NULL, -- for which the machine had run\n"
     "    pause_ms REAL NOT NULL,\n"
     "    stopped_ms REAL NOT NULL,\n"
     "    resident_bytes INTEGER NOT NULL,\n"
     "    complete INTEGER NOT NULL,\n"
     "    stopped INTEGER NOT NULL,\n"
     "    all_objects INTEGER NOT NULL,\n"
     "    generations INTEGER NOT NULL, -- bit 0: the youngest was counted\n"
     "    types INTEGER NOT NULL,\n"
     "    objects INTEGER NOT NULL,\n"
     "    bytes INTEGER NOT NULL,\n"
     "    has_addresses INTEGER NOT NULL,\n"
     "    counts_checksum INTEGER NOT NULL,\n"
     "    checksum INTEGER NOT NULL\n"
     ")"},
    {"table", "type",
     "CREATE TABLE type (\n"
     "    id INTEGER PRIMARY KEY,\n"
     "    name TEXT NOT NULL, -- module.qualname\n"
     "    short_name TEXT NOT NULL -- __name__\n"
     ")"},
    {"table", "type_count",
     "CREATE TABLE type_count (\n"
     "    census INTEGER NOT NULL REFERENCES census,\n"
     "    type INTEGER NOT NULL REFERENCES type,\n"
     "    count INTEGER NOT NULL,\n"
     "    bytes INTEGER NOT NULL,\n"
     "    exact INTEGER NOT NULL, -- 1: bytes are what sys.getsizeof says\n"
     "    PRIMARY KEY (census, type)\n"
     ") WITHOUT ROWID"},
    {"table", "addresses",
     "CREATE TABLE addresses (\n"
     "    census INTEGER NOT NULL REFERENCES census,\n"
     "    type INTEGER NOT NULL REFERENCES type,\n"
     "    addresses BLOB NOT NULL,\n"
     "    sizes BLOB NOT NULL,\n"
     "    checksum INTEGER NOT NULL,\n"
     "    PRIMARY KEY (census, type)\n"
     ") WITHOUT ROWID"},
    {"view", "history",
     "CREATE VIEW history AS\n"
     "SELECT number, strftime('%Y-%m-%dT%H:%M:%fZ', taken_ms / 1000.0, 'unixepoch') AS taken,\n"
     "    pid, types, objects, bytes, pause_ms, complete, has_addresses, command_line\n"
     "FROM census JOIN target ON target.id = census.target ORDER BY number"},
    {"view", "types",
     "CREATE VIEW types AS\n"
     "SELECT census.number AS census,\n"
     "    strftime('%Y-%m-%dT%H:%M:%fZ', taken_ms / 1000.0, 'unixepoch') AS taken,\n"
     "    pid, name AS type, count, type_count.bytes AS bytes, exact\n"
     "FROM census JOIN target ON target.id = census.target\n"
     "    JOIN type_count ON type_count.census = census.number\n"
     "    JOIN type ON type.id = type_count.type"},
};

const struct schema schema_census = {
    .application_id = 0x5079436e, /* "PyCn" */
    .version = 1,
    .noun = "census file",
    .format = "census",
    .use = "a census file, which pyinspect compare, report and watch read",
    .parts = parts,
    .count = sizeof(parts) / sizeof(parts[0]),
};
