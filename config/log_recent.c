#include "config/log_recent.h"

#include <pthread.h>
#include <string.h>

/* `used` bytes of the ring, from `start` on, hold lines. */
static struct {
    pthread_mutex_t mutex;
    size_t start, used;
    char at[LOG_RECENT_BYTES];
} ring = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* The length of the oldest line. */
static size_t oldest(void)
{
    size_t len = 0;

    while (len < ring.used && ring.at[(ring.start + len) % LOG_RECENT_BYTES] != '\n')
        len++;
    return len < ring.used ? len + 1 : len;
}

void log_recent_put(const char *line, size_t len)
{
    if (len > LOG_RECENT_BYTES)
        return;
    pthread_mutex_lock(&ring.mutex);
    while (ring.used + len > LOG_RECENT_BYTES) {
        size_t gone = oldest();

        ring.start = (ring.start + gone) % LOG_RECENT_BYTES;
        ring.used -= gone;
    }
    size_t end = (ring.start + ring.used) % LOG_RECENT_BYTES;
    size_t first = LOG_RECENT_BYTES - end < len ? LOG_RECENT_BYTES - end : len;

    memcpy(ring.at + end, line, first);
    memcpy(ring.at, line + first, len - first);
    ring.used += len;
    pthread_mutex_unlock(&ring.mutex);
}

size_t log_recent_read(char out[LOG_RECENT_BYTES])
{
    pthread_mutex_lock(&ring.mutex);
    size_t len = ring.used;
    size_t first = LOG_RECENT_BYTES - ring.start < len ? LOG_RECENT_BYTES - ring.start : len;

    memcpy(out, ring.at + ring.start, first);
    memcpy(out + first, ring.at, len - first);
    pthread_mutex_unlock(&ring.mutex);
    return len;
}
