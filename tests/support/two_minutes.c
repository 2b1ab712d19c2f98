#include "tests/support/two_minutes.h"

#include <stdio.h>

struct pipeline *two_minutes(void)
{
    struct pipeline *p = PIPELINE(1, TWO_MINUTES_START, "histogram_aggregates=max count");
    char lines[512];

    for (int i = 0; i < 12; i++) {
        snprintf(lines, sizeof lines,
                 "hits:10|c|#env:dev,team:x\nhits:30|c|#env:prod,host:b\n"
                 "load:%d|g|#env:dev\nload:100|g|#env:prod\n"
                 "users:u%d|s|#at:a\nusers:u0|s|#at:b\n"
                 "lat:%d|d|#at:a\nlat:%d|d|#at:b\n"
                 "time:%d:5|h\npart:1|ms|@0.625\n",
                 i, i, i + 1, i + 101, i);
        pipeline_line(p, 0, TWO_MINUTES_START + 10 * i + 1, lines);
    }
    pipeline_flush(p, TWO_MINUTES_START + 121);
    return p;
}
