/* flush/snapshots/observer.h: those who look on while a snapshot is sent.
 *
 *   may_begin?   begin   [ point, point, ... series ]   [ ... ]   end
 *   event, check         in between, as they come
 *   step                 at each step of the flusher: work of the observer's own
 *   finish               once, at the end
 *
 * The rollups, the Redis mirror, the console and the tests are observers. An observer may read
 * what was added before it: of all but may_begin it is told after that, and is asked
 * may_begin before that, so that the mirror can write what the rollups are about to close.
 *
 * All on the flusher's thread; what is shown are views, good during the call. */
#ifndef FLUSH_SNAPSHOTS_OBSERVER_H
#define FLUSH_SNAPSHOTS_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct check_record;
struct event_record;
struct made_point;
struct snapshot_series;

/* Each of them may be NULL: the observer does not care. */
struct observer_ops {
    /* False: not yet. It is asked again at the next step. */
    bool (*may_begin)(void *observer, int64_t stamp_s, int64_t now_s);
    void (*begin)(void *observer, int64_t stamp_s);

    /* A point of the series, and the series once all its points are shown; it may have had
     * none. */
    void (*point)(void *observer, const struct snapshot_series *series,
                  const struct made_point *point);
    void (*series)(void *observer, const struct snapshot_series *series);
    void (*end)(void *observer, int64_t stamp_s);

    void (*event)(void *observer, const struct event_record *event);
    void (*check)(void *observer, const struct check_record *check);

    /* Does a slice of its own work; true: there is more. */
    bool (*step)(void *observer, int64_t now_s);

    /* Does all that is left at once. */
    void (*finish)(void *observer, int64_t now_s);

    /* If it has this, the list owns the observer and frees it; otherwise whoever made it does.
     */
    void (*free)(void *given);
};

struct observer {
    const struct observer_ops *ops; /* static */
    void *self;
};

enum { OBSERVERS_MAX = 8 };

struct observers {
    struct observer at[OBSERVERS_MAX];
    size_t n;
};

/* Given, even on failure. False: there are too many. */
bool observers_add(struct observers *observers, struct observer given);
void observers_free(struct observers *given);

bool observers_may_begin(const struct observers *observers, int64_t stamp_s, int64_t now_s);
void observers_begin(const struct observers *observers, int64_t stamp_s);
void observers_point(const struct observers *observers, const struct snapshot_series *series,
                     const struct made_point *point);
void observers_series(const struct observers *observers, const struct snapshot_series *series);
void observers_end(const struct observers *observers, int64_t stamp_s);
void observers_event(const struct observers *observers, const struct event_record *event);
void observers_check(const struct observers *observers, const struct check_record *check);

/* True when one of them has more to do. */
bool observers_step(const struct observers *observers, int64_t now_s);
void observers_finish(const struct observers *observers, int64_t now_s);

#endif
