/* flush/history/schema.h: the tables of the history, by version.
 *
 *   metrics       each name once, and what is known about it
 *   series        who is in the windows: an id, and name, host, tags and kind
 *   windows       what many series did in one window (flush/history/packed.h)
 *   events        as they came
 *   checks        the last status of each
 *   definitions   what was made by the API: dashboards and the like
 *
 * A window of one level may have several rows: of other series, and of other parts of its time
 * (first_s, last_s: stamps of its first and last snapshot), when the process ended in its
 * middle. Readers add them up. Two processes may use one stamp, when the second starts within
 * the interval in which the first ended; so a part says who wrote it.
 *
 * The version is the file's user_version. A step of the table leads from one version to the
 * next; a released step is never changed. */
#ifndef FLUSH_HISTORY_SCHEMA_H
#define FLUSH_HISTORY_SCHEMA_H

#include <sqlite3.h>

#include "config/must_check.h"

enum { SCHEMA_APPLICATION = 0x48654c72 }; /* the file's application_id: "HeLr" */

/* What leads to version 1, to version 2 ...; n of them. */
struct schema {
    const char *const *steps;
    int n;
};

extern const struct schema schema;

enum schema_state {
    SCHEMA_READY,
    SCHEMA_FOREIGN, /* a database of something else */
    SCHEMA_NEWER,   /* of a version that we do not know */
    SCHEMA_FAILED,  /* *result says how */
};

/* Whose it is, which changes nothing: SCHEMA_READY if schema_apply() is next. */
MUST_CHECK enum schema_state schema_look(const struct schema *of, sqlite3 *handle, int *result);

/* Makes the tables in an empty file, or brings an older file to our version in one transaction;
 * the file is copied before, to PATH.version.N. */
MUST_CHECK enum schema_state schema_apply(const struct schema *of, sqlite3 *handle,
                                          const char *path, int *result);

#endif
