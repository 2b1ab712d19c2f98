/* config/log_syslog.h: the system's log, as the target of a writer.
 *
 * A datagram a line to a unix socket. The daemon may come and go: a line that cannot be
 * sent is lost, and the next one connects anew. */
#ifndef CONFIG_LOG_SYSLOG_H
#define CONFIG_LOG_SYSLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/log_level.h"

#define LOG_SYSLOG_PATH "/dev/log"

struct log_syslog;

/* Of the setting syslog_uri: "" or unixgram:///path. False: of no form that is known here. */
bool log_syslog_parse(const char *uri, const char **path);

/* Owned; NULL without memory, or when the path is too long. */
struct log_syslog *log_syslog_new(const char *path);
void log_syslog_free(struct log_syslog *given);

/* "<30>Nov 22 20:00:00 heeler[123]: " or the header of RFC 5424; returns its length. */
size_t log_syslog_header(enum log_level level, bool rfc5424, int64_t wall_ns, char *out,
                         size_t size);

/* Whole lines. False: at least one was lost. */
bool log_syslog_write(struct log_syslog *syslog, const char *lines, size_t len);

#endif
