/* server/http/rates.h: what the counters did lately: how much a second, of each of them.
 *
 * Main looks at the ledgers once a second, by the timer of the watch. What each second and each
 * ten seconds brought is kept in two rings, the last minute and a half and the last quarter of
 * an hour, so that whoever begins to look sees the past too. All of it is some 20 KiB and does
 * not grow.
 *
 * A row here is a column of `rates` in GET /api/v1/status (docs/api.md). */
#ifndef SERVER_HTTP_RATES_H
#define SERVER_HTTP_RATES_H

#include "flush/memory/json_out.h"

struct totals;

/* X(id, name, what it is of the sums) */
#define RATES(X)                                             \
    X(RATE_DATAGRAMS, "datagrams", sums->datagrams)          \
    X(RATE_BYTES, "bytes", sums->bytes)                      \
    X(RATE_LINES, "lines", sums->lines)                      \
    X(RATE_VALUES, "values", sums->values)                   \
    X(RATE_DROPS, "dropped_by_kernel", sums->drops)          \
    X(RATE_REJECTED, "lines_rejected", sums->rejected)       \
    X(RATE_SHED, "values_shed", sums->shed)                  \
    X(RATE_FOLDED, "values_folded", sums->folded)            \
    X(RATE_ENCODED, "points_encoded", sums->encoded)         \
    X(RATE_DELIVERED, "points_delivered",                    \
      sums->delivered + sums->delivered_stale + sums->local) \
    X(RATE_LOST, "points_lost", sums->refused + sums->unsent)

#define RATE_ENUM(id, ...) id,
enum rate { RATES(RATE_ENUM) RATE_COUNT };
#undef RATE_ENUM

enum { RATES_PLACES = 90 };

struct rates_ring {
    int64_t step_ms;
    int64_t until_ms; /* wall clock: when the newest ended */
    size_t n, next;   /* next: where the next one goes, one behind the newest */
    double per_second[RATE_COUNT][RATES_PLACES];
    uint64_t before[RATE_COUNT]; /* the counters at until_ms */
    int64_t looked_ms;           /* monotonic, of the same moment; 0: never */
};

struct rates {
    struct rates_ring fine, coarse; /* 1 s, 10 s */
};

void rates_init(struct rates *rates);

/* To be called each second, with the sums of now. The first call only remembers. A call that
 * comes late stands for the seconds that it missed, too. */
void rates_look(struct rates *rates, const struct totals *sums, int64_t monotonic_ms,
                int64_t wall_ms);

/* The mean of the last ten seconds, or of those that there are; 0 before. */
double rates_now(const struct rates *rates, enum rate which);

/* {"now":{...},"fine":{...},"coarse":{...}}, oldest first. */
void rates_write(struct json_out *out, const char *name, const struct rates *rates);

#endif
