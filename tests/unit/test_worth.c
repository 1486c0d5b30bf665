// SPDX-License-Identifier: MIT
/* What is said of an answer, for each way in which it may have been found. */
#include "inspector/command/graph_worth.h"
#include "inspector/command/worth.h"
#include "inspector/report/render.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct saying {
    struct heap_verdict verdict;
    struct session_report asked;
    const char *line;
};

/* clang-format off */
static const struct saying sayings[] = {
    {{.links_verified = 7},
     {.verified = true, .stops = 1, .pause_milliseconds = 1.25, .threads = 1},
     "SEEN, all 7 links verified; process 4711 (CPython 3.11.2, 1 thread, 4.0 KiB resident) "
     "stood still for 1.3 ms"},
    {{.links_verified = 7},
     {.verified = true, .stops = 3, .pause_milliseconds = 1, .stopped_milliseconds = 2,
      .threads = 2, .was_stopped = true, .in_pieces = true},
     "SEEN, all 7 links verified; process 4711 (CPython 3.11.2, 2 threads, 4.0 KiB resident) "
     "was stopped 3 times, for 1.0 ms at most and 2.0 ms in all; it had been stopped before and "
     "still is; copied in pieces, for want of memory"},
    {{.links_verified = 0},
     {.verified = true, .stops = 1, .pause_milliseconds = 1, .threads = 1},
     "SEEN; process 4711 (CPython 3.11.2, 1 thread, 4.0 KiB resident) stood still for 1.0 ms"},
    {{.links_verified = 1, .links_broken = 2, .lists_cut = 1, .collecting = true},
     {.stops = 1, .pause_milliseconds = 1, .threads = 1, .missed = 1, .swapped_pages = 5},
     "INCOMPLETE, the garbage collector was at work all the time (try again later), 1 list could "
     "not be followed to the end, 2 links without a matching back link, 1 time memory could not "
     "be read, 5 pages in swap (--read-swapped reads them): SEEN, 1 link verified; process 4711 "
     "(CPython 3.11.2, 1 thread, 4.0 KiB resident) stood still for 1.0 ms"},
    {{.links_verified = 7},
     {.unstopped = true, .threads = 1},
     "UNVERIFIED, read while the process ran (--no-stop), 0 links "
     "without a matching back link: SEEN, 7 links matched; process 4711 (CPython "
     "3.11.2, 1 thread, 4.0 KiB resident) was not stopped"},
    {{.links_verified = 7, .links_broken = 1234, .lists_cut = 3, .bad_types = 1,
      .collecting = true},
     {.unstopped = true, .verified = true, .threads = 1, .in_pieces = true},
     "UNVERIFIED, read while the process ran (--no-stop), the garbage collector was at work, "
     "3 lists could not be followed to the end, 1,234 links without a matching back link, "
     "1 object without a readable type: SEEN, 7 links matched; process 4711 (CPython 3.11.2, "
     "1 thread, 4.0 KiB resident) was not stopped; copied in pieces, for want of memory"},
};
/* clang-format on */

static struct python python = {.executable = "/usr/bin/python3", .version.text = "3.11.2"};

Test(worth, line)
{
    for (size_t i = 0; i < sizeof(sayings) / sizeof(*sayings); i++) {
        struct session_report asked = sayings[i].asked;
        struct worth worth = {
            .pid = 4711, .python = &python, .verdict = &sayings[i].verdict, .asked = &asked};
        struct text text = {0};

        asked.resident_bytes = 4096;
        worth_begin(&worth, &text);
        text_add(&text, "SEEN");
        worth_end(&worth, &text);
        cr_expect_str_eq(text.bytes, sayings[i].line, "got:\n%s\nwanted:\n%s", text.bytes,
                         sayings[i].line);
        text_free(&text);
    }
}

static void expect_facts(const struct session_report *asked, const char *facts)
{
    static const struct column columns[] = {{"type", "Type", UNIT_TEXT}};
    static const struct render_style style = {.colour = false};
    const struct heap_verdict verdict = {.links_verified = 7, .links_broken = 1};
    const struct worth worth = {.pid = 1, .python = &python, .verdict = &verdict, .asked = asked};
    struct report report;
    struct error err;
    char *bytes = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&bytes, &length);

    report_init(&report, "types", columns, 1);
    worth_add_facts(&worth, &report);
    cr_assert(out && render_json(&report, &style, out, &err) && fclose(out) == 0);
    cr_expect_str_eq(bytes, facts, "got:\n%s\nwanted:\n%s", bytes, facts);
    report_free(&report);
    free(bytes);
}

Test(worth, facts)
{
    expect_facts(&(struct session_report){.unstopped = true, .verified = true},
                 "{\"open_ms\": 0.000, \"stopped\": false, \"pause_ms\": 0.000, \"stops\": 0, "
                 "\"stopped_ms\": 0.000, "
                 "\"copied_bytes\": 0, \"in_pieces\": false, \"complete\": false, "
                 "\"links\": {\"verified\": 7, \"broken\": 1}, \"doubts\": {\"collecting\": false, "
                 "\"lists_cut\": 0, "
                 "\"unreadable_types\": 0, \"impossible_sizes\": 0, \"references_cut\": false, "
                 "\"bad_references\": 0, \"memory_missed\": 0, "
                 "\"swapped_pages\": 0, \"other_pythons\": 0}, \"types\": []}\n");
    expect_facts(&(struct session_report){.verified = true,
                                          .stops = 1,
                                          .pause_milliseconds = 2,
                                          .stopped_milliseconds = 2,
                                          .copied_bytes = 5,
                                          .in_pieces = true},
                 "{\"open_ms\": 0.000, \"stopped\": true, \"pause_ms\": 2.000, \"stops\": 1, "
                 "\"stopped_ms\": 2.000, "
                 "\"copied_bytes\": 5, \"in_pieces\": true, \"complete\": true, "
                 "\"links\": {\"verified\": 7, \"broken\": 1}, \"doubts\": {\"collecting\": false, "
                 "\"lists_cut\": 0, "
                 "\"unreadable_types\": 0, \"impossible_sizes\": 0, \"references_cut\": false, "
                 "\"bad_references\": 0, \"memory_missed\": 0, "
                 "\"swapped_pages\": 0, \"other_pythons\": 0}, \"types\": []}\n");
}

static void expect_graph(const struct graph_report *graph, const char *wanted)
{
    struct text text = {0};

    text_add(&text, "SEEN");
    graph_worth_say(graph, &text);
    cr_expect_str_eq(text.bytes, wanted);
    text_free(&text);
}

Test(worth, of_a_graph)
{
    expect_graph(&(struct graph_report){.traversed = true}, "SEEN");
    expect_graph(&(struct graph_report){.traversed = false}, "SEEN, no tp_traverse was run");
    expect_graph(&(struct graph_report){.not_traversed = "no child"},
                 "SEEN, no tp_traverse was run: no child");
    expect_graph(&(struct graph_report){.traversed = true, .not_traversed = "no child"},
                 "SEEN, tp_traverse was not run for all objects: no child");
}

Test(worth, of_places_without_an_object)
{
    static const char *const wanted[] = {"SEEN", "SEEN, 1 place that is no object's",
                                         "SEEN, 2 places that are no object's"};

    for (uint64_t i = 0; i < 3; i++) {
        struct text text = {0};
        text_add(&text, "SEEN");
        add_strays(&text, i);
        cr_expect_str_eq(text.bytes, wanted[i]);
        text_free(&text);
    }
}
