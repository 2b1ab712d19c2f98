/* flush/rollups/check_statuses.h: the last status of each service check, for monitors.
 *
 *   check, as it is admitted -> (name, host, tags) -> status, since when, how often in a row
 *
 * An observer that keeps copies: CHECK_STATUSES_MAX of them at most, and
 * CHECK_STATUSES_BYTES_MAX of memory, which is taken when they come. Who was there first stays,
 * so that a monitor may rely on it: what is new takes the place of one that was silent for
 * CHECK_STATUS_SILENT_S, or is left out and counted. What is shown on the page is kept apart
 * (flush/snapshots/recent.h).
 *
 * Owned by the flusher, one thread. */
#ifndef FLUSH_ROLLUPS_CHECK_STATUSES_H
#define FLUSH_ROLLUPS_CHECK_STATUSES_H

#include "config/must_check.h"
#include "flush/parcels/ledger.h"
#include "flush/snapshots/observer.h"
#include "protocol/slice.h"

enum {
    CHECK_STATUSES_MAX = 10000,
    CHECK_STATUSES_BYTES_MAX = 8 << 20,
    CHECK_STATUS_SILENT_S = 86400,
    CHECK_STATUS_ROW_MAX = 100,      /* of in_a_row */
    CHECK_STATUS_MESSAGE_MAX = 1024, /* bytes; the rest is cut off */
    CHECK_STATUS_TAGS_MAX = 128      /* a series has fewer */
};

struct check_statuses;

/* NULL without memory. The ledger outlives it, and counts what is left out. */
struct check_statuses *check_statuses_new(struct flusher_ledger *ledger);

/* It is given with the observer. */
struct observer check_statuses_observer(struct check_statuses *given);

/* Views, until the next check. */
struct check_status {
    struct slice name, host, message;
    struct slice tags[CHECK_STATUS_TAGS_MAX];
    size_t n_tags;
    int status;        /* as in protocol/check.h */
    uint32_t in_a_row; /* how many of that status came one behind the other */
    int64_t at_s; /* when it was so: as it said itself, or when it came if that was before */
};

/* The next check of that name from the place *next on, which is then the one behind it; places
 * begin at 0, and stay as they are. False: there is none. */
MUST_CHECK bool check_statuses_next(const struct check_statuses *statuses, uint32_t *next,
                                    struct slice name, struct check_status *out);

/* ---- a successor takes over -------------------------------------------- */

struct state_writer;
struct state_reader;

void check_statuses_hand_over(const struct check_statuses *statuses, struct state_writer *out);

/* Into what is empty; a state without any has none. False: it is damaged. */
MUST_CHECK bool check_statuses_restore(struct check_statuses *statuses,
                                       struct state_reader *in);

#endif
