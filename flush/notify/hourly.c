#include "flush/notify/hourly.h"

/* Forgets the minutes that are an hour old by now. */
static void turn(struct hourly *hourly, int64_t now_ms)
{
    int64_t now = now_ms / HOURLY_MINUTE_MS;
    int64_t passed = now - hourly->newest;

    for (int64_t i = 1; i <= passed && i <= HOURLY_MINUTES; i++) {
        uint32_t *count = &hourly->counts[(hourly->newest + i) % HOURLY_MINUTES];

        hourly->n -= *count;
        *count = 0;
    }
    if (passed > 0)
        hourly->newest = now;
}

void hourly_add(struct hourly *hourly, int64_t now_ms, uint32_t n)
{
    turn(hourly, now_ms);
    hourly->counts[hourly->newest % HOURLY_MINUTES] += n;
    hourly->n += n;
}

static void add_at(struct hourly *hourly, int64_t minute, uint32_t n)
{
    minute = minute > 0 ? minute : 0; /* before that clock began */
    if (hourly->newest - minute >= HOURLY_MINUTES)
        return;
    hourly->counts[minute % HOURLY_MINUTES] += n;
    hourly->n += n;
}

void hourly_recall(struct hourly *hourly, int64_t now_ms, const struct hourly *theirs,
                   int64_t their_now_ms)
{
    turn(hourly, now_ms);
    for (int64_t i = 0; i < HOURLY_MINUTES && i <= theirs->newest; i++) {
        int64_t minute = theirs->newest - i;
        int64_t ago_ms = their_now_ms - ((minute + 1) * HOURLY_MINUTE_MS - 1);

        add_at(hourly, (now_ms - (ago_ms > 0 ? ago_ms : 0)) / HOURLY_MINUTE_MS,
               theirs->counts[minute % HOURLY_MINUTES]);
    }
}

uint32_t hourly_count(struct hourly *hourly, int64_t now_ms)
{
    turn(hourly, now_ms);
    return hourly->n;
}

int64_t hourly_next_ms(struct hourly *hourly, int64_t now_ms)
{
    turn(hourly, now_ms);
    for (int64_t i = hourly->newest - HOURLY_MINUTES + 1; i <= hourly->newest; i++)
        if (i >= 0 && hourly->counts[i % HOURLY_MINUTES] > 0)
            return (i + HOURLY_MINUTES) * HOURLY_MINUTE_MS;
    return now_ms;
}
