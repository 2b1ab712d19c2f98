/* flush/monitors/downtime_internal.h: what the two files of a downtime share. */
#ifndef FLUSH_MONITORS_DOWNTIME_INTERNAL_H
#define FLUSH_MONITORS_DOWNTIME_INTERNAL_H

#include <stdint.h>

#include "flush/memory/json_view.h"
#include "flush/monitors/downtime.h"

struct downtime_reading {
    struct downtime *out;
    char *room; /* the next free byte of it */
    char *problem;
    size_t problem_size;
    int64_t now_s;
};

/* Always false: what the caller returns. */
__attribute__((format(printf, 2, 3))) bool downtime_refuse(struct downtime_reading *reading,
                                                           const char *format, ...);

/* A string, decoded into the room. */
struct slice downtime_take_text(struct downtime_reading *reading, struct slice value);

/* Of v1: "env:prod,host:a", or a list of such; all must hold. Of v2: a search. */
bool downtime_read_scope_v1(struct downtime_reading *reading, struct slice value);
bool downtime_read_scope_v2(struct downtime_reading *reading, struct slice value);

#endif
