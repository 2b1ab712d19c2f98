/* config/log.h: one line per event worth an operator's time.
 *
 *   2026-11-22T20:00:00.123Z INFO server: listening on 127.0.0.1:8125
 *
 * The message begins with its area. Any thread may log: a line is one write(2)
 * of at most 4096 bytes, so lines never mix. Control bytes in a message are
 * escaped, but what a client sent goes through log_quote() all the same, and
 * what a client can cause goes through a struct log_limit. errno is kept.
 *
 * Open and close while there is one thread; until then lines of level info go
 * to standard error. */
#ifndef CONFIG_LOG_H
#define CONFIG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
    LOG_LEVEL_OFF,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/* Words of the setting log_level; trace is debug, critical is error. */
bool log_level_parse(const char *word, enum log_level *level);

/* An empty file: none. False, and errno, when it cannot be opened; the console
 * then works nevertheless. */
bool log_open(enum log_level level, const char *file, bool json, bool console);

/* Opens the file anew under its name, for logrotate; any thread, any time. On
 * false the old one stays in use. */
bool log_reopen(void);

void log_close(void);

void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Untrusted bytes as printable ASCII without the quotes around it; what does
 * not fit ends in "...". Returns out, which has room for at least 4 bytes. */
const char *log_quote(const char *at, size_t len, char *out, size_t out_size);

/* At most 10 lines at once and one a second in the long run. { 0 } is ready;
 * one thread uses it. */
struct log_limit {
    int64_t paid_until_ms;
    unsigned suppressed;
};

/* May this line be logged? If so, *suppressed says how many before it were not. */
bool log_limit_pass(struct log_limit *limit, int64_t now_ms, unsigned *suppressed);

#endif
