/* flush/monitors/monitor_internal.h: what the two files that read a monitor share. */
#ifndef FLUSH_MONITORS_MONITOR_INTERNAL_H
#define FLUSH_MONITORS_MONITOR_INTERNAL_H

#include "flush/memory/json_view.h"
#include "flush/monitors/monitor.h"

struct monitor_reading {
    struct monitor *out;
    char *room; /* the next free byte of it */
    char *problem;
    size_t problem_size;
    bool says_no_data, says_missing, says_group_delay;
};

/* Always false: what the caller returns. */
__attribute__((format(printf, 2, 3))) bool monitor_refuse(struct monitor_reading *reading,
                                                          const char *format, ...);

/* A text, decoded into the monitor's room; nothing for what is absent. */
bool monitor_read_text(struct monitor_reading *reading, const char *name, struct slice value,
                       size_t most, struct slice *out);

/* A number, in quotes or without. */
bool monitor_read_number(struct slice value, double *out);
bool monitor_read_whole(struct monitor_reading *reading, const char *name, struct slice value,
                        int64_t least, int64_t most, int64_t *out);

/* In monitor_options.c; what is absent leaves what stands there. */
bool monitor_read_options(struct monitor_reading *reading, struct slice value);

#endif
