#include "config/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"

enum { LINE_SIZE = 4096, MESSAGE_SIZE = 2048 };

/* Written by log_open() and log_close(), read by everyone; only the level
 * changes in between. A reopened file keeps its number. */
static struct {
    _Atomic int level;
    int file; /* -1: none */
    char *path;
    bool json;
    bool console;
} sink = { .level = LOG_LEVEL_INFO, .file = -1, .console = true };

static const struct {
    const char *word;
    enum log_level level;
} words[] = {
    { "off", LOG_LEVEL_OFF },     { "critical", LOG_LEVEL_ERROR }, { "error", LOG_LEVEL_ERROR },
    { "warn", LOG_LEVEL_WARN },   { "warning", LOG_LEVEL_WARN },   { "info", LOG_LEVEL_INFO },
    { "debug", LOG_LEVEL_DEBUG }, { "trace", LOG_LEVEL_DEBUG },
};

bool log_level_parse(const char *word, enum log_level *level)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(words[i].word, word) == 0) {
            *level = words[i].level;
            return true;
        }
    return false;
}

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

bool log_open(enum log_level level, const char *file, bool json, bool console)
{
    log_close();
    sink.level = (int)level;
    sink.json = json;
    sink.console = console;
    if (file[0] == '\0')
        return true;
    sink.path = strdup(file);
    sink.file = sink.path != NULL ? open_file(file) : -1;
    return sink.file >= 0;
}

bool log_reopen(void)
{
    if (sink.file < 0)
        return true;
    int fresh = open_file(sink.path);

    if (fresh < 0)
        return false;
    bool moved = dup3(fresh, sink.file, O_CLOEXEC) >= 0;
    close(fresh);
    return moved;
}

void log_close(void)
{
    if (sink.file >= 0)
        close(sink.file);
    free(sink.path);
    sink.file = -1;
    sink.path = NULL;
    sink.json = false;
    sink.console = true;
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&sink.level, (int)level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&sink.level, memory_order_relaxed);
}

/* A line under construction. Its room leaves space for the tail. */
struct line {
    char at[LINE_SIZE];
    size_t n;
};

static const char tail[] = "...\"}\n";

/* All of it or nothing. */
static bool line_add(struct line *line, const char *at, size_t len)
{
    if (len > LINE_SIZE - (sizeof tail - 1) - line->n)
        return false;
    memcpy(line->at + line->n, at, len);
    line->n += len;
    return true;
}

/* Bytes of the UTF-8 sequence at the front, 0 if it is not one. (Over-long
 * forms and surrogates, rare as they are, are told by their second byte.) */
static size_t utf8_length(const unsigned char *at)
{
    size_t len = at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;

    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return len;
}

/* Adds one character of the message and returns its bytes, or 0 when full. */
static size_t line_add_character(struct line *line, const char *at, bool json)
{
    unsigned char c = (unsigned char)*at;
    size_t len = c < 0x80 ? 1 : utf8_length((const unsigned char *)at);
    char escaped[8];

    if (len == 0)
        return line_add(line, json ? "\\ufffd" : "?", json ? 6 : 1);
    if (c >= 0x20 && c != 0x7f && !(json && (c == '"' || c == '\\')))
        return line_add(line, at, len) ? len : 0;
    if (json && (c == '"' || c == '\\'))
        snprintf(escaped, sizeof escaped, "\\%c", c);
    else if (c == '\n')
        snprintf(escaped, sizeof escaped, "\\n");
    else
        snprintf(escaped, sizeof escaped, json ? "\\u%04x" : "\\x%02x", c);
    return line_add(line, escaped, strlen(escaped));
}

/* Into the space that line_add() left free. */
static void line_end(struct line *line, bool cut, bool json)
{
    const char *end = json ? tail : "...\n";

    end += cut ? 0 : 3;
    memcpy(line->at + line->n, end, strlen(end));
    line->n += strlen(end);
}

static void line_add_message(struct line *line, const char *message, bool cut, bool json)
{
    while (*message != '\0') {
        size_t taken = line_add_character(line, message, json);

        if (taken == 0)
            break;
        message += taken;
    }
    line_end(line, cut || *message != '\0', json);
}

static void line_start(struct line *line, enum log_level level, bool json)
{
    static const char *const names[] = { "OFF", "ERROR", "WARN", "INFO", "DEBUG" };
    static const char *const json_names[] = { "off", "error", "warn", "info", "debug" };
    int64_t now_ms = clock_wall_ns() / 1000000;
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    char time[32];

    gmtime_r(&seconds, &utc);
    strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &utc);
    line->n = (size_t)snprintf(line->at, sizeof line->at,
                               json ? "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"message\":\""
                                    : "%s.%03dZ %s ",
                               time, (int)(now_ms % 1000), (json ? json_names : names)[level]);
}

/* A log that cannot be written has nobody to tell. */
static void send_line(int fd, const struct line *line)
{
    ssize_t written;

    do
        written = write(fd, line->at, line->n);
    while (written < 0 && errno == EINTR);
}

static void log_line(enum log_level level, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void log_line(enum log_level level, const char *format, va_list arguments)
{
    int saved_errno = errno;
    char message[MESSAGE_SIZE];
    struct line line;

    if (!log_enabled(level))
        return;
    int len = vsnprintf(message, sizeof message, format, arguments);
    if (len < 0)
        message[0] = '\0';
    line_start(&line, level, sink.json);
    line_add_message(&line, message, len >= (int)sizeof message, sink.json);
    if (sink.console)
        send_line(STDERR_FILENO, &line);
    if (sink.file >= 0)
        send_line(sink.file, &line);
    errno = saved_errno;
}

#define LOG_FUNCTION(name, level)           \
    void name(const char *format, ...)      \
    {                                       \
        va_list arguments;                  \
                                            \
        va_start(arguments, format);        \
        log_line(level, format, arguments); \
        va_end(arguments);                  \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

/* One byte as up to 4 characters, with a NUL. */
static size_t quote_byte(unsigned char c, char escaped[5])
{
    const char *letter = c == '\n' ? "n" : c == '\t' ? "t" : c == '\r' ? "r" : NULL;

    if (letter != NULL)
        snprintf(escaped, 5, "\\%s", letter);
    else if (c == '"' || c == '\\')
        snprintf(escaped, 5, "\\%c", c);
    else if (c < 0x20 || c >= 0x7f)
        snprintf(escaped, 5, "\\x%02x", c);
    else
        snprintf(escaped, 5, "%c", c);
    return strlen(escaped);
}

const char *log_quote(const char *at, size_t len, char *out, size_t out_size)
{
    size_t n = 0;
    size_t keep = 0; /* where "..." still fits behind */
    char escaped[5];

    for (size_t i = 0; i < len; i++) {
        size_t more = quote_byte((unsigned char)at[i], escaped);

        if (n + more >= out_size) {
            memcpy(out + keep, "...", 4);
            return out;
        }
        memcpy(out + n, escaped, more);
        n += more;
        if (n + 4 <= out_size)
            keep = n;
    }
    out[n] = '\0';
    return out;
}

enum { LIMIT_BURST_MS = 10000, LIMIT_LINE_MS = 1000 };

/* Each line pays for one second; ten may be paid ahead. A clock that went back
 * starts anew. */
bool log_limit_pass(struct log_limit *limit, int64_t now_ms, unsigned *suppressed)
{
    if (limit->paid_until_ms < now_ms || limit->paid_until_ms > now_ms + LIMIT_BURST_MS)
        limit->paid_until_ms = now_ms;
    if (limit->paid_until_ms + LIMIT_LINE_MS > now_ms + LIMIT_BURST_MS) {
        limit->suppressed++;
        return false;
    }
    limit->paid_until_ms += LIMIT_LINE_MS;
    *suppressed = limit->suppressed;
    limit->suppressed = 0;
    return true;
}
