/* flush/backlog.h: payloads that wait, by age.
 *
 * Taken newest first, shed oldest first; one that comes back is put where its
 * order says. A list through the payloads themselves, so nothing can fail. */
#ifndef FLUSH_BACKLOG_H
#define FLUSH_BACKLOG_H

#include "flush/payload.h"

struct backlog {
    struct payload *newest, *oldest; /* next leads to the older, previous to the newer */
};

void backlog_put(struct backlog *backlog, struct payload *given);

/* NULL when empty; the caller owns it. */
struct payload *backlog_take_newest(struct backlog *backlog);
struct payload *backlog_take_oldest(struct backlog *backlog);

#endif
