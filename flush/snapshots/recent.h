/* flush/snapshots/recent.h: the last events, and the last status of each service check.
 *
 * For those who look whether theirs arrived. An observer that keeps copies: at most 100 events,
 * and at most 1,000 checks, told apart by name, host and tags; no more than 256 KiB of each.
 * The oldest give way. A text longer than 4 KiB is cut, and a record that is still too large is
 * left out. Somebody may keep them for longer (flush/history/journal.h), and what was kept
 * before is put before all others; otherwise the state carries them to a successor.
 *
 * Memory is taken when they come. Owned by the flusher, one thread. */
#ifndef FLUSH_SNAPSHOTS_RECENT_H
#define FLUSH_SNAPSHOTS_RECENT_H

#include "config/must_check.h"
#include "flush/memory/json_out.h"
#include "flush/parcels/ledger.h"
#include "flush/snapshots/observer.h"

enum {
    RECENT_EVENTS_MAX = 100,
    RECENT_CHECKS_MAX = 1000,
    RECENT_BYTES_MAX = 256 << 10, /* of either */
    RECENT_TEXT_MAX = 4096,
};

struct recent;

/* NULL without memory. The ledger outlives it, and is told of its bytes. */
struct recent *recent_new(struct flusher_ledger *ledger);

/* It is given with the observer. */
struct observer recent_observer(struct recent *given);

enum recent_kind { RECENT_EVENT, RECENT_CHECK };

/* {"events": newest first, "checks": the one that came last first} */
void recent_write(const struct recent *recent, struct json_out *out);

/* ---- as Datadog's clients read them ------------------------------------ */

/* Which events are looked for. */
struct recent_search {
    int64_t from_s, to_s; /* their time, both ends too */
    struct slice tags;    /* separated by commas, which they all have */
    struct slice sources; /* the same, of which they have one; empty: any, or none */
    int priority;         /* enum event_priority; -1: of any */
    bool by_id;           /* only that one */
    int64_t id;
};

/* Of those that fit, so many are passed over, and then so many are wanted. Each that is found
 * is taken off, so that others may go on with the rest. */
struct recent_page {
    uint32_t skip, most;
};

/* The number that an event is known by, which is made of what it says. */
int64_t recent_event_id(struct slice title, struct slice text, int64_t time_s);

/* Objects, the newest first. name: NULL in an array. */
void recent_write_events(const struct recent *recent, const struct recent_search *search,
                         struct recent_page *page, const char *name, struct json_out *out);

/* The same for one body (below), which has been found to fit. False: it is damaged. */
MUST_CHECK bool recent_write_body(struct slice body, const char *name, struct json_out *out);

/* Whether the body of an event fits; one that is damaged does not. */
bool recent_body_fits(struct slice body, const struct recent_search *search);

/* A number made of all that a body says, by which it is known again. */
uint64_t recent_body_mark(struct slice body);

/* Those of all events, with the scratch of the caller, who frees it: how many. Without memory
 * some are missing. */
size_t recent_marks(const struct recent *recent, struct bytes *scratch,
                    uint64_t marks[static RECENT_EVENTS_MAX]);

/* ---- kept for longer --------------------------------------------------- */

/* From now on those that give way before they were taken are counted. */
void recent_watch(struct recent *recent);

/* What is to be kept of a record. The caller clears and frees the bytes. */
struct recent_record {
    int64_t received_s;
    struct bytes identity; /* of a check: its name, host and tags; of an event empty */
    struct bytes body;     /* all of it */
};

/* The oldest that was not taken yet, which is then. False: there is none, or no memory. */
MUST_CHECK bool recent_take(struct recent *recent, enum recent_kind kind,
                            struct recent_record *out);

/* As if none had been taken yet. */
void recent_untake(struct recent *recent);

/* A body, from before all that there are. False: it is damaged, there is no room, or a newer
 * status of that check. */
MUST_CHECK bool recent_recall(struct recent *recent, enum recent_kind kind, struct slice body);

/* ---- a successor takes over -------------------------------------------- */

struct state_writer;
struct state_reader;

/* None that somebody keeps for longer; if he will not have those that he has not taken yet,
 * these. */
void recent_hand_over(const struct recent *recent, bool has_all, struct state_writer *out);

/* Into what is empty; none of them counts as taken. False: it is damaged. */
MUST_CHECK bool recent_restore(struct recent *recent, struct state_reader *in);

#endif
