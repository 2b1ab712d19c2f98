/* flush/notify/digest.h: one notification that stands for many. Pure. */
#ifndef FLUSH_NOTIFY_DIGEST_H
#define FLUSH_NOTIFY_DIGEST_H

#include "flush/notify/notification.h"

enum { DIGEST_TEXT_MAX = 48 << 10 };

/* Lists what it is given; { 0 } is empty. */
struct digest {
    struct bytes lines;
    size_t n, n_listed;
    enum monitor_state worst;
};

void digest_add(struct digest *digest, const struct notification *of);

/* The digest, with an id of its own, for the receiver of those added; leaves it empty. NULL
 * without memory. */
MUST_CHECK struct notification *digest_end(struct digest *given, struct slice receiver,
                                           uint32_t per_hour, int64_t now_s);

#endif
