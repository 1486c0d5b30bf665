// SPDX-License-Identifier: MIT
/*
 * moment - what there is in a process at a moment, as a snapshot: taken of a running process, or
 * loaded from a file that it was saved in.
 *
 * A word of digits is a PID; anything else is the name of a census (census_name.h). A file that is
 * called 4711 is ./4711.
 */
#ifndef PYINSPECT_MOMENT_H
#define PYINSPECT_MOMENT_H

#include "inspector/analysis/snapshot.h"
#include "inspector/command/session.h"

struct moment_options {
    bool all_objects; /* of a process: what is counted, see struct census_options */
    bool generations[GENERATIONS];
    bool with_objects; /* which objects there are, too, and not only how many */
    struct session_options session;
};

bool moment_is_process(const char *word);

/* With empty texts. */
struct origin origin_of_identity(const struct process_identity *identity);

/* Who was asked just now, and when and how: but for what was counted, and whether it is complete.
 * The texts are good as long as `notes` and the session are. */
struct moment_notes {
    struct origin origin;
    struct occasion occasion;
    char executable[4096], command[4096];
};
MUST_CHECK bool moment_note(const struct session *session, const struct session_report *asked,
                            struct moment_notes *ret, struct error *err);

/* Makes a snapshot of a census that was taken just now, and how it was (session_ask). */
MUST_CHECK bool moment_record(const struct session *session, const struct census *census,
                              const struct session_report *asked, struct snapshot *ret,
                              struct error *err);

/*
 * Takes a census of an open session. Where `worth` is no NULL it gets the words that say what the
 * answer is worth, for the last line on stderr.
 */
MUST_CHECK bool moment_take(struct session *session, const struct moment_options *options,
                            struct snapshot *ret, struct text *worth, struct error *err);

/*
 * Where the file of the census called `name` has one of that process: the number of its last, as in
 * FILE@4. 0: it has none, or that cannot be told.
 */
size_t moment_find(const char *name, const struct origin *origin);

/* Loads or takes what `word` names. */
MUST_CHECK bool moment_get(const char *word, const struct moment_options *options,
                           struct snapshot *ret, struct text *worth, struct error *err);

#endif
