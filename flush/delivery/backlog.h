/* flush/delivery/backlog.h: errands that wait, by age.
 *
 * An errand is one payload to be brought to one endpoint. Its bytes are in
 * memory, shared with the errands of other endpoints, or in a file, or both.
 * Errands are taken newest first and shed oldest first; one that comes back is put where
 * its order says. The list goes through the errands themselves, so nothing can fail. */
#ifndef FLUSH_DELIVERY_BACKLOG_H
#define FLUSH_DELIVERY_BACKLOG_H

#include "flush/payloads/payload.h"

struct errand {
    struct errand *next, *previous; /* whoever owns it links it */
    uint64_t order;                 /* in which delivery took it */
    int64_t since_ms;               /* monotonic: when it did */
    struct payload *payload;        /* held; NULL: only in the file */
    uint64_t file;                  /* of the spool; 0: only in memory */
    int64_t created_s;
    size_t size; /* of the payload's bytes */
    uint32_t points;
    bool in_flight;
    int64_t taken_ms; /* monotonic: when it was taken to be sent */
};

struct backlog {
    struct errand *newest, *oldest; /* next leads to the older, previous to the newer */
    size_t n;
};

void backlog_put(struct backlog *backlog, struct errand *given);

/* NULL when empty; the caller owns it. */
struct errand *backlog_take_newest(struct backlog *backlog);
struct errand *backlog_take_oldest(struct backlog *backlog);

#ifdef HEELER_CHECKS
/* The newest few lead to each other in both directions and by order; all of them when there
 * are no more, and then their number is right too. */
bool backlog_sane(const struct backlog *backlog);
#endif

/* Takes out this errand, which is in the backlog; the caller owns it. */
struct errand *backlog_take(struct backlog *backlog, struct errand *errand);

#endif
