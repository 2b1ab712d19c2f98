/* flush/rollups/rollup.h: what the series did lately, in windows, for questions.
 *
 *   sealed snapshot -> level 0   windows of one interval, kept for heeler_lookback
 *                   -> level 1   heeler_rollups, say 60 s   } kept for as long as
 *                   -> level 2   say 3600 s                 } the memory allows
 *
 * Every snapshot goes into every level, so a coarse window is exact whatever became
 * of the fine ones. Windows are aligned to Unix time. The newest of a level is open:
 * 40 bytes a series; when time leaves it, it is packed (flush/rollups/window.h).
 *
 * The points of a counter are its sums (not rates), and the zeros of quiet counters are
 * points too. A set has its size and its members; a distribution has its count, sum, min
 * and max, and its sketch; a histogram is the series that are made of it ("x.max").
 *
 * What comes with a time of its own never moves the clock, which is the newest stamp. In each
 * level it goes into the open window if that is its own. Else it waits beside the windows
 * (flush/rollups/late.h), where questions find it: for its window to begin, or, if that is
 * sealed, for the time after which nothing comes for it any more; then a new window is made of
 * both, and takes the old one's place.
 *
 * Memory. Everything counts against one bound. When it is reached, the oldest window that
 * a coarser level covers is given up; windows of the coarsest level are given up when
 * they take more than half, or nothing else is left. If that is not enough, new series are
 * refused. Both are counted.
 *
 * A series has a number of its own here, and its identity is held for as long as a window
 * names it. Time is an argument; owned by the flusher, one thread. The identities must
 * outlive it. */
#ifndef FLUSH_ROLLUPS_ROLLUP_H
#define FLUSH_ROLLUPS_ROLLUP_H

#include "config/must_check.h"
#include "config/string_list.h"
#include "flush/rollups/past.h"
#include "flush/rollups/window.h"
#include "flush/series/identities.h"
#include "flush/series/series.h"
#include "flush/snapshots/observer.h"
#include "flush/values/cell_kind.h"

enum { ROLLUP_LEVELS_MAX = 8 };

struct rollup_series {
    struct identity id;
    uint32_t share;  /* of the strings' bytes */
    uint32_t extra;  /* its open blobs + 1; 0: none */
    uint32_t last_s; /* of its newest point, zeros too */
    uint32_t
        heard_s;     /* stamp of the newest snapshot in which values of clients came; 0: none */
    uint32_t values; /* how many those were */
    uint32_t told;   /* the epoch of rollup_tell(); 0: none */
    uint8_t kind;    /* enum cell_kind, one with a letter */
    uint8_t unit;    /* enum metric_unit */
    uint8_t unwritten; /* if watched: a bit for each level with a value that rollup_take() has
                          not given yet */
    bool live;
};

struct rollup;

struct rollup_config {
    int64_t interval_s;
    const struct string_list
        *steps; /* seconds as text; those not above the interval are left out */
    int64_t lookback_s;
    int64_t late_max_s; /* what is older goes into no sealed window */
    size_t max_bytes;
    uint32_t max_series; /* of the catalogue */
};

/* Whether rollup_new() takes them; false with a sentence. */
MUST_CHECK bool rollup_steps_are_fit(const struct string_list *steps, int64_t interval_s,
                                     char *problem, size_t problem_size);

/* NULL with a sentence. */
struct rollup *rollup_new(const struct rollup_config *config, struct identities *identities,
                          struct flusher_ledger *ledger, char *problem, size_t problem_size);
void rollup_free(struct rollup *given);

/* ---- feeding: open, add each series, close ----------------------------- */

/* Closes windows that end before stamp_s, a bounded piece at a call. True: the values of the
 * snapshot may be added. A stamp that lies before the newest counts as the newest; if it lies
 * more than ten minutes before it, everything is forgotten, and begins anew. */
MUST_CHECK bool rollup_open(struct rollup *rollup, int64_t stamp_s);

/* Whether everything is forgotten when that one is opened: not while anybody reads. */
bool rollup_goes_back(const struct rollup *rollup, int64_t stamp_s);

/* What a series did in the interval; of a histogram nothing. */
void rollup_add(struct rollup *rollup, const struct snapshot_series *series);

/* ---- by their own time: at any moment ---------------------------------- */

/* A series as questions will know it: tags sorted and unique. Held until it is released; false
 * without memory. */
MUST_CHECK bool rollup_hold(struct rollup *rollup, struct slice name, struct slice host,
                            const struct slice *tags, size_t n_tags, struct identity *out);
void rollup_release(struct rollup *rollup, struct identity given);

/* Whose points they are. */
struct rollup_timed {
    struct identity id; /* held by the caller */
    enum cell_kind kind;
    double intervals; /* of ours that a point of a counter stands for; above 0 */
};

/* Puts each where it belongs, and counts where that is. Of a counter the value is what was
 * counted. */
void rollup_add_timed(struct rollup *rollup, const struct rollup_timed *timed,
                      const struct point *points, size_t n, int64_t now_s);

/* The same of members or bins of one second, made of so many values. */
void rollup_add_timed_object(struct rollup *rollup, const struct rollup_timed *timed,
                             int64_t time_s, void *object, uint64_t values, int64_t now_s);

/* Puts one late window in its place that is complete, or the oldest when they take half of
 * their room. True: one was. Not while anybody reads. */
bool rollup_put_late(struct rollup *rollup);

/* All that are late, for the end; what is early stays. */
void rollup_put_all_late(struct rollup *rollup);

/* ---- from elsewhere ---------------------------------------------------- */

/* What a series did in a window of one level, as others know it: for rollups that are
 * filled from elsewhere (flush/fleet/redis_reader.h) with one level only. Views. */
struct rollup_outside {
    struct slice name, host;
    const struct slice *tags; /* sorted, unique */
    size_t n_tags;
    enum cell_kind kind;
    struct window_cell cell;
    void *object; /* unless the kind is a number */
};

/* Adds it to the open window of the level. False without memory. */
MUST_CHECK bool rollup_add_outside(struct rollup *rollup, size_t level,
                                   const struct rollup_outside *outside);

/* The number of a series that somebody else knows from before: an old one, or a new one that is
 * forgotten when the rollups are not pinned any more. False without memory. */
MUST_CHECK bool rollup_recall(struct rollup *rollup, const struct rollup_outside *outside,
                              uint8_t unit, uint32_t *number);

/* The level has nothing from before that time, and must not say that it has. */
void rollup_begin_at(struct rollup *rollup, size_t level, int64_t time_s);

void rollup_close(struct rollup *rollup);

/* All of that, as an observer of what the flusher sends; the rollup is given with it. A
 * histogram's points come in under their own names, those per second as what they count. */
struct observer rollup_observer(struct rollup *given);

/* ---- watched: what is new in the open windows -------------------------- */

/* From now on, before the first value; false without memory. */
MUST_CHECK bool rollup_watch(struct rollup *rollup);

/* Whether rollup_open() of that stamp closes the level's open window. */
bool rollup_turns(const struct rollup *rollup, size_t level, int64_t stamp_s);

/* Series that rollup_take() would give. */
uint32_t rollup_unwritten(const struct rollup *rollup, size_t level);

/* Start of the level's open window. */
int64_t rollup_open_start(const struct rollup *rollup, size_t level);

/* A series in an open window, views until the next feeding. */
struct rollup_value {
    const double *column; /* of enum window_column */
    const uint8_t *blob;  /* or NULL */
    size_t blob_len;
    int64_t newest_ms; /* wall clock of its newest value */
};

/* What the series has in the open window of the level. False: nothing came since it was taken
 * last. */
bool rollup_take(struct rollup *rollup, size_t level, uint32_t series,
                 struct rollup_value *out);

/* ---- given: windows on their way to who keeps them longer -------------- */

/* Windows of the level that start at that time or later are still to be given: those that are
 * dropped before are counted, and single intervals stay for a minute at least. */
void rollup_give_from(struct rollup *rollup, size_t level, int64_t start_s);

/* Whether who keeps the windows has to be told of the series in this epoch. True once an epoch;
 * in epoch 0 it is as if nobody had been told. */
bool rollup_tell(struct rollup *rollup, uint32_t series, uint32_t epoch);

/* A window that was made anew since it was given, or (loose) what came late for one that is not
 * in memory; a view. NULL: there is none. */
struct window *rollup_next_changed(const struct rollup *rollup, size_t *level, bool *loose);

/* That one is given. */
void rollup_note_given(struct rollup *rollup, size_t level, const struct window *window);

/* The open window of the level as it is now, sealed: the caller owns it. NULL: it is empty, or
 * there is no memory. For the end, and before they begin anew. */
MUST_CHECK struct window *rollup_copy_open(const struct rollup *rollup, size_t level);

/* ---- reading ----------------------------------------------------------- */

/* Whether we are between rollup_open() and rollup_close(), when windows are not whole. */
bool rollup_is_busy(const struct rollup *rollup);

/* While they are pinned, no number of a series is given to another one. */
void rollup_pin(struct rollup *rollup);
void rollup_unpin(struct rollup *rollup);

/* The numbers of all series lie below this. */
uint32_t rollup_end(const struct rollup *rollup);
const struct rollup_series *rollup_entry(const struct rollup *rollup, uint32_t series);
const struct identities *rollup_identities(const struct rollup *rollup);
int64_t rollup_interval(const struct rollup *rollup);

/* What was asked about its series (flush/rollups/matched.h). */
struct matched;
struct matched *rollup_matched(struct rollup *rollup);

/* Stamp of the newest snapshot; negative: there was none. */
int64_t rollup_newest(const struct rollup *rollup);
size_t rollup_bytes(const struct rollup *rollup);

/* Of the identities' strings, what is held for the rollups. */
size_t rollup_held_bytes(const struct rollup *rollup);

size_t rollup_levels(const struct rollup *rollup);
int64_t rollup_step(const struct rollup *rollup, size_t level);

/* Whether the level still has everything that it was given from that time on. */
bool rollup_covers(const struct rollup *rollup, size_t level, int64_t from_s);

/* Windows from before memory are asked of it; NULL: nobody has any. A view that outlives the
 * rollups. */
void rollup_use_past(struct rollup *rollup, const struct past *past);
const struct past *rollup_past(const struct rollup *rollup);

/* Stamp of the first snapshot of which the level has a window in memory; INT64_MAX: none. */
int64_t rollup_memory_from(const struct rollup *rollup, size_t level);

/* As rollup_covers(), with what the past has. What began later than the question does not lack
 * what was before. */
bool rollup_reaches(const struct rollup *rollup, size_t level, int64_t from_s);

/* A window, open, closed or late; a view until the next feeding. */
struct rollup_span {
    const struct window *window;    /* NULL: the open one of the level, or */
    const struct late_window *late; /* NULL: it is none of these */
    size_t level;
};

/* The first window of the level that starts at *start_s or later, which is then its
 * start; false: there is none. */
bool rollup_find(const struct rollup *rollup, size_t level, int64_t *start_s,
                 struct rollup_span *out);

/* The same of what is late for such windows. */
bool rollup_find_late(const struct rollup *rollup, size_t level, int64_t *start_s,
                      struct rollup_span *out);

/* As window_read(). */
uint64_t rollup_read(const struct rollup *rollup, struct rollup_span span, uint32_t block,
                     enum window_column column, double values[static COLUMN_VALUES]);

/* The blobs of a window, ascending by series; *next starts at 0. False at the end. */
bool rollup_next_blob(const struct rollup *rollup, struct rollup_span span, uint32_t *next,
                      uint32_t *series, const uint8_t **at, size_t *len);

/* ---- a successor takes over -------------------------------------------- */

struct state_writer;
struct state_reader;

/* All of it, what is open too; but for closed windows that were given to who keeps them, and
 * what they have become since. */
void rollup_write(const struct rollup *rollup, struct state_writer *out);

/* Only what waits for windows that are not open yet, which nobody can be given: for a successor
 * that finds the others where they are kept. */
void rollup_write_early(const struct rollup *rollup, struct state_writer *out);

/* Into empty ones, as far as there is room and their windows are as long. Windows that were
 * open stay so, and nothing in them is new for who watches: whoever writes them elsewhere goes
 * on as the one before, and what comes is written with all that was. False: damaged, or no
 * memory; then they are empty. */
MUST_CHECK bool rollup_restore(struct rollup *rollup, struct state_reader *in);

#ifdef HEELER_CHECKS
/* As many series live, and are indexed, as it says; the closed windows of each level follow
 * each other, and their bytes are the level's. */
bool rollup_sane(const struct rollup *rollup);
#endif

#endif
