/* flush/rollups/past.h: windows and events from before what is in memory, for questions.
 *
 *   begin    a metric          -> its series get numbers in the rollups, as all others have
 *   read     a level and times -> rows, by time
 *
 *   find     a search          -> events, the one that came last first
 *
 * Whoever keeps windows for longer implements it (flush/history/past_reader.h). Nothing here
 * waits: PAST_WAITS says that more is on its way, and the flusher is woken when it came.
 *
 * On the flusher's thread. Between begin and free the rollups are pinned. */
#ifndef FLUSH_ROLLUPS_PAST_H
#define FLUSH_ROLLUPS_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "config/must_check.h"
#include "flush/rollups/window.h"
#include "flush/snapshots/recent.h"
#include "protocol/slice.h"

struct rollup;

enum past_state { PAST_WAITS, PAST_MORE, PAST_READY, PAST_END, PAST_FAILED };

struct past_range {
    int64_t step_s;       /* of the level */
    int64_t from_s, to_s; /* windows that start in [from_s, to_s) */
    int64_t before_s; /* parts of ours whose last stamp lies before: the rest is in memory */
    unsigned columns; /* a bit for each enum window_column that is needed */
    bool objects;     /* members and bins too */
    const uint32_t *wanted; /* by number below end: not 0 if the series is; a view */
    uint32_t end;
};

/* What some series did in a part of a window. Views until the next call. */
struct past_row {
    int64_t start_s;
    uint32_t n;
    const uint32_t *series;                /* their numbers */
    const double *columns[WINDOW_COLUMNS]; /* NULL: not asked for */
    const struct slice *objects;           /* empty: it has none; NULL: not asked for */
};

/* Which events. Views until the call returns. */
struct past_events {
    const struct recent_search *search;
    struct recent_page page;
    const uint64_t *known; /* marks of those in memory, n_known of them: they are left out */
    size_t n_known;
};

struct past_reading;

struct past_ops {
    /* Whether anything can be read at the moment: not while it does not answer, either. */
    bool (*is_open)(const void *self);

    /* Whether what is in memory alone will be there, too, when we end; if not, a successor is
     * to be given it. */
    bool (*will_have)(const void *self);

    /* Whether it will soon be known what there is: a question is begun behind that. */
    bool (*is_starting)(const void *self);

    /* Stamp of the first snapshot of which windows of that length are there; 0: none are. */
    int64_t (*oldest_s)(const void *self, int64_t step_s);

    /* Whether anything came since it was asked last. */
    bool (*take)(void *self);

    /* NULL without memory. */
    struct past_reading *(*begin)(void *self, struct rollup *rollup, struct slice metric);

    /* A bounded piece. PAST_READY: all series of that name have numbers. */
    enum past_state (*recall)(struct past_reading *reading);

    /* Asks for windows, once. False without memory. */
    MUST_CHECK bool (*read)(struct past_reading *reading, const struct past_range *range);

    /* PAST_READY with a row; rows come by the start of their windows. */
    enum past_state (*next)(struct past_reading *reading, struct past_row *out);

    /* ---- or of events. NULL without memory. */
    struct past_reading *(*find)(void *self, const struct past_events *wanted);

    /* PAST_READY with the body of one, a view until the next call. */
    enum past_state (*next_event)(struct past_reading *reading, struct slice *body);

    /* Why it failed: a sentence; static, or a view of the reading. */
    const char *(*problem)(const struct past_reading *reading);

    void (*free)(struct past_reading *given); /* at any time */
};

struct past {
    const struct past_ops *ops; /* static */
    void *self;
};

#endif
