/* config/log.h: one line per event worth an operator's time.
 *
 *   2026-11-22T20:00:00.123Z INFO server: listening on 127.0.0.1:8125
 *
 * The message begins with its area. Any thread may log: a line is at most 4096 bytes and
 * one write(2), so lines never mix. Once the log is open no thread waits for it: each
 * output has a writer of its own (config/log_writer.h), and what a stuck one cannot take
 * is dropped and counted. Control bytes in a message are escaped, but what a client sent
 * goes through log_quote() all the same, and what a client can cause goes through a struct
 * log_limit. errno is kept.
 *
 * Open and close while there is one thread; until then lines of level info go to standard
 * error, directly. */
#ifndef CONFIG_LOG_H
#define CONFIG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config/log_level.h"

/* An empty file: none. False, and errno, when it cannot be opened; the console
 * then works nevertheless. */
bool log_open(enum log_level level, const char *file, bool json, bool console);

/* From then on: beyond so many bytes the file becomes FILE.1, and so on up to max_rolls
 * old files. 0 bytes: never; 0 rolls: no bound. */
void log_roll(uint64_t max_bytes, uint64_t max_rolls);

/* From then on lines go to the socket of the system's log too. False without memory. */
bool log_to_syslog(const char *path, bool rfc5424);

/* The file is opened anew under its name, for logrotate; any thread, any time. The log
 * says what came of it. */
void log_reopen(void);

/* From now on, until log_close(), what stdio writes to stderr goes through the writer too, so
 * that nobody waits for it. */
void log_divert_stderr(void);

/* Standard output with a writer of its own; closed by log_close(). NULL without memory. */
FILE *log_stdout(void);

/* Lines that were dropped so far because an output did not take them; any thread. */
uint64_t log_lines_dropped(void);

/* Waits until every output has what was logged, but no longer than half a second. */
void log_flush(void);

/* The same, and closes them. */
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
