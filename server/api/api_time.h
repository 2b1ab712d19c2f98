/* server/api/api_time.h: moments as the API writes them: 2026-11-28T17:05:09.123000+00:00. */
#ifndef SERVER_API_API_TIME_H
#define SERVER_API_API_TIME_H

#include <stdint.h>

enum { API_TIME_MAX = 64 };

/* Milliseconds since 1970. */
void api_time_write(int64_t time_ms, char out[static API_TIME_MAX]);

#endif
