/* flush/series/admitted.h: an event or a service check after admission: host, time and tags are
 * the final ones.
 *
 * Encoders make payloads of it and observers look at it. All of it is views, good during the
 * call. */
#ifndef FLUSH_SERIES_ADMITTED_H
#define FLUSH_SERIES_ADMITTED_H

#include <stdint.h>

#include "protocol/check.h"
#include "protocol/event.h"

struct event_record {
    struct event event; /* host, tags and time_s of it are not read */
    struct slice host;
    const struct slice *tags;
    size_t n_tags;
    int64_t time_s;
    int64_t received_s; /* is not encoded */
};

struct check_record {
    struct check check; /* host, tags and time_s of it are not read */
    struct slice host;
    const struct slice *tags;
    size_t n_tags;
    int64_t time_s;
    int64_t received_s; /* is not encoded */
};

#endif
