/* flush/notify/hourly.h: how many there were within the last hour, by the minute.
 *
 * A minute counts until an hour has passed since its end, so that no hour ever has more than
 * allowed, wherever it begins. Of one size however many there are. { 0 } is none. Pure: time
 * is an argument; while a clock is behind the newest minute, all counts there. */
#ifndef FLUSH_NOTIFY_HOURLY_H
#define FLUSH_NOTIFY_HOURLY_H

#include <stdint.h>

enum { HOURLY_MINUTES = 61, HOURLY_MINUTE_MS = 60000 };

struct hourly {
    uint32_t counts[HOURLY_MINUTES]; /* of the minute, by its number */
    int64_t newest;                  /* the number of the newest minute counted */
    uint32_t n;                      /* of all of them */
};

void hourly_add(struct hourly *hourly, int64_t now_ms, uint32_t n);
uint32_t hourly_count(struct hourly *hourly, int64_t now_ms);

/* Adds what another one counted by another clock, which says their_now_ms at this moment. What
 * lies in its future, as it was set back, is of now. */
void hourly_recall(struct hourly *hourly, int64_t now_ms, const struct hourly *theirs,
                   int64_t their_now_ms);

/* When the next of them is forgotten; now_ms: there is none. */
int64_t hourly_next_ms(struct hourly *hourly, int64_t now_ms);

#endif
