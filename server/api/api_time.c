#include "server/api/api_time.h"

#include <stdio.h>
#include <time.h>

void api_time_write(int64_t time_ms, char out[static API_TIME_MAX])
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm utc = { .tm_mday = 1, .tm_year = 70 };
    char text[32];

    (void)gmtime_r(&seconds, &utc);
    if (strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc) == 0)
        text[0] = '\0';
    snprintf(out, API_TIME_MAX, "%s.%03d000+00:00", text, (int)(time_ms % 1000));
}
