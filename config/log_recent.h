/* config/log_recent.h: the last lines of the log, in memory.
 *
 * For a bug report and for whoever looks into a server whose log is elsewhere. A ring of some
 * 64 KiB that every line goes into as it is logged, whatever becomes of the outputs; a line is
 * kept whole or not at all. Any thread, under a short lock; the pages are used as lines come.
 */
#ifndef CONFIG_LOG_RECENT_H
#define CONFIG_LOG_RECENT_H

#include <stddef.h>

enum { LOG_RECENT_BYTES = 64 * 1024 };

/* A line with its newline. */
void log_recent_put(const char *line, size_t len);

/* The lines, oldest first; returns their bytes. */
size_t log_recent_read(char out[LOG_RECENT_BYTES]);

#endif
