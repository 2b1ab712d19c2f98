/* config/zone_offset.h: how far the clocks of a time zone are from UTC, by the system's files.
 *
 *   "Asia/Tokyo", seconds since 1970 -> 32400
 *
 * The C library knows one zone, that of the process, which is not ours to change: the log is
 * written in it meanwhile. heeler-calendar has a process of its own, and answers later than a
 * message waits. So a file is read here (RFC 9636): its table of changes and, for the time
 * behind the last of them, the rule at its end. Reads the file each time; knows nothing of its
 * caller. */
#ifndef CONFIG_ZONE_OFFSET_H
#define CONFIG_ZONE_OFFSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ZONE_FILE_MAX = 64 << 10 };

/* In seconds, east is positive. False: there is no zone of that name (config/zone.h), or its
 * file is none. */
bool zone_offset(const char *name, int64_t at_s, int32_t *offset_s);

/* The same, of what such a file holds. Pure. */
bool zone_offset_in(const void *file, size_t len, int64_t at_s, int32_t *offset_s);

#endif
