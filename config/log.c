#include "config/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/files.h"
#include "config/log_file.h"
#include "config/log_recent.h"
#include "config/log_syslog.h"
#include "config/log_writer.h"
#include "config/shown.h"

enum { LINE_SIZE = LOG_CHUNK_BYTES, MESSAGE_SIZE = 2048, LAST_LINES_MS = 500 };

/* The outputs that have a writer. */
enum output { OUTPUT_STDERR, OUTPUT_FILE, OUTPUT_SYSLOG, OUTPUT_STDOUT, OUTPUT_COUNT };

/* Written while there is one thread, read by everyone; only the level changes in between.
 * The writer of standard error is kept from one log_open() to the next. */
static struct {
    _Atomic int level;
    _Atomic bool json;
    bool console;
    bool rfc5424;
    struct log_file *file; /* its writer's; or NULL */
    /* Or NULL. Main opens and closes; a writer that reports of its own file looks too. */
    _Atomic(struct log_writer *) writers[OUTPUT_COUNT];
    FILE *console_stream;    /* of log_stdout() */
    FILE *diverted;          /* what stderr was; NULL: it still is */
    uint64_t dropped_before; /* by writers that are gone */
} sink = { .level = LOG_LEVEL_INFO, .console = true };

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

/* Adds all of it, or nothing if it does not fit. */
static bool line_add(struct line *line, const char *at, size_t len)
{
    if (len > LINE_SIZE - (sizeof tail - 1) - line->n)
        return false;
    memcpy(line->at + line->n, at, len);
    line->n += len;
    return true;
}

/* Adds one character of the message and returns its bytes, or 0 when full. */
static size_t line_add_character(struct line *line, const char *at, bool json)
{
    size_t len;
    bool plain = shown_is_plain(at, strnlen(at, 4), &len);
    char escaped[SHOWN_ESCAPE_SIZE];

    if (plain && !(json && (*at == '"' || *at == '\\')))
        return line_add(line, at, len) ? len : 0;
    if (plain)
        snprintf(escaped, sizeof escaped, "\\%c", *at);
    else if (*at == '\n')
        snprintf(escaped, sizeof escaped, "\\n");
    else
        (void)shown_escape(at, len, json, escaped);
    return line_add(line, escaped, strlen(escaped)) ? len : 0;
}

/* Writes the end of the line into the space that line_add() left free. */
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
    int64_t now_ms = clock_wall_ms();
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

/* ---- lines to outputs -------------------------------------------------- */

static void send_line(enum output output, const struct line *line)
{
    struct log_writer *writer = sink.writers[output];

    if (writer != NULL)
        log_writer_put(writer, line->at, line->n);
    else if (output ==
             OUTPUT_STDERR) /* the log is not open yet; if this fails there is nobody to tell */
        (void)!files_write(STDERR_FILENO, line->at, line->n); /* nowhere to say so */
}

static void send_to_syslog(enum log_level level, const char *message, bool cut)
{
    struct line line;

    if (sink.writers[OUTPUT_SYSLOG] == NULL)
        return;
    line.n = log_syslog_header(level, sink.rfc5424, clock_wall_ns(), line.at, sizeof line.at);
    line_add_message(&line, message, cut, false);
    send_line(OUTPUT_SYSLOG, &line);
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
    bool cut = len >= (int)sizeof message;

    if (len < 0)
        message[0] = '\0';
    line_start(&line, level, sink.json);
    line_add_message(&line, message, cut, sink.json);
    log_recent_put(line.at, line.n);
    if (sink.console)
        send_line(OUTPUT_STDERR, &line);
    send_line(OUTPUT_FILE, &line);
    send_to_syslog(level, message, cut);
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

/* ---- the outputs, as targets of their writers -------------------------- */

static void say_dropped(uint64_t lost, char *out, size_t size)
{
    snprintf(out, size,
             "log: %llu lines were dropped here: the log was not read, or not written, in time",
             (unsigned long long)lost);
}

static size_t gap_line(void *argument, uint64_t lost, char out[LOG_CHUNK_BYTES])
{
    char message[160];
    struct line line;

    (void)argument;
    say_dropped(lost, message, sizeof message);
    line_start(&line, LOG_LEVEL_WARN, sink.json);
    line_add_message(&line, message, false, sink.json);
    memcpy(out, line.at, line.n);
    return line.n;
}

static size_t gap_of_syslog(void *argument, uint64_t lost, char out[LOG_CHUNK_BYTES])
{
    (void)argument;
    size_t n = log_syslog_header(LOG_LEVEL_WARN, sink.rfc5424, clock_wall_ns(), out, 400);

    say_dropped(lost, out + n, LOG_CHUNK_BYTES - n);
    strcat(out, "\n");
    return strlen(out);
}

static size_t gap_of_console(void *argument, uint64_t lost, char out[LOG_CHUNK_BYTES])
{
    (void)argument;
    return (size_t)snprintf(out, LOG_CHUNK_BYTES, "  ... %llu lines were not read in time\n",
                            (unsigned long long)lost);
}

static bool write_stderr(void *argument, const char *lines, size_t len)
{
    (void)argument;
    return files_write(STDERR_FILENO, lines, len) == len;
}

static bool write_stdout(void *argument, const char *lines, size_t len)
{
    (void)argument;
    return files_write(STDOUT_FILENO, lines, len) == len;
}

static bool write_file(void *argument, const char *lines, size_t len)
{
    return log_file_write(argument, lines, len);
}

static void refresh_file(void *argument)
{
    if (log_file_reopen(argument))
        log_info("log: the file was opened anew");
    else
        log_error("log: the file cannot be opened anew, the old one is kept: %s",
                  strerror(errno));
}

static void close_file(void *argument)
{
    log_file_free(argument);
}

static bool write_syslog(void *argument, const char *lines, size_t len)
{
    return log_syslog_write(argument, lines, len);
}

static void close_syslog(void *argument)
{
    log_syslog_free(argument);
}

/* ---- open and close ---------------------------------------------------- */

static bool start_writer(enum output output, const struct log_target *target)
{
    sink.writers[output] = log_writer_start(target);
    return sink.writers[output] != NULL;
}

/* Without memory or threads lines are written directly. */
static void start_stderr(void)
{
    static const struct log_target target = { .write = write_stderr, .gap = gap_line };

    if (sink.writers[OUTPUT_STDERR] == NULL)
        (void)start_writer(OUTPUT_STDERR, &target);
}

static int64_t last_lines_ns(void)
{
    return clock_monotonic_ns() + LAST_LINES_MS * INT64_C(1000000);
}

static void close_writer(enum output output, int64_t deadline_ns)
{
    struct log_writer *writer = sink.writers[output];

    if (writer == NULL)
        return;
    sink.writers[output] = NULL;
    (void)log_writer_flush(writer, deadline_ns);
    sink.dropped_before += log_writer_dropped(writer);
    (void)log_writer_close(writer, deadline_ns);
}

static void close_files(int64_t deadline_ns)
{
    close_writer(OUTPUT_FILE, deadline_ns);
    close_writer(OUTPUT_SYSLOG, deadline_ns);
    sink.file = NULL;
}

bool log_open(enum log_level level, const char *file, bool json, bool console)
{
    struct log_target target = {
        .write = write_file, .gap = gap_line, .refresh = refresh_file, .close = close_file
    };

    close_files(last_lines_ns());
    sink.level = (int)level;
    sink.json = json;
    sink.console = console;
    if (console)
        start_stderr();
    if (file[0] == '\0')
        return true;
    sink.file = target.argument = log_file_open(file);
    if (sink.file == NULL)
        return false;
    if (!start_writer(OUTPUT_FILE, &target))
        sink.file = NULL;
    return sink.file != NULL;
}

void log_roll(uint64_t max_bytes, uint64_t max_rolls)
{
    if (sink.file == NULL)
        return;
    atomic_store_explicit(&sink.file->max_rolls, max_rolls, memory_order_relaxed);
    atomic_store_explicit(&sink.file->max_bytes, max_bytes, memory_order_relaxed);
}

bool log_to_syslog(const char *path, bool rfc5424)
{
    struct log_target target = { .write = write_syslog,
                                 .gap = gap_of_syslog,
                                 .close = close_syslog };

    sink.rfc5424 = rfc5424;
    target.argument = log_syslog_new(path);
    return target.argument != NULL && start_writer(OUTPUT_SYSLOG, &target);
}

void log_reopen(void)
{
    if (sink.writers[OUTPUT_FILE] != NULL)
        log_writer_refresh(sink.writers[OUTPUT_FILE]);
}

void log_divert_stderr(void)
{
    start_stderr();
    FILE *stream = sink.writers[OUTPUT_STDERR] != NULL
                       ? log_writer_stream(sink.writers[OUTPUT_STDERR])
                       : NULL;

    if (stream == NULL)
        return;
    sink.diverted = stderr;
    stderr = stream; /* a variable, as glibc's manual promises */
}

FILE *log_stdout(void)
{
    static const struct log_target target = { .write = write_stdout, .gap = gap_of_console };

    if (sink.writers[OUTPUT_STDOUT] == NULL && start_writer(OUTPUT_STDOUT, &target))
        sink.console_stream = log_writer_stream(sink.writers[OUTPUT_STDOUT]);
    return sink.console_stream;
}

uint64_t log_lines_dropped(void)
{
    uint64_t sum = sink.dropped_before;

    for (int i = 0; i < OUTPUT_COUNT; i++)
        if (sink.writers[i] != NULL)
            sum += log_writer_dropped(sink.writers[i]);
    return sum;
}

void log_flush(void)
{
    int64_t deadline_ns = last_lines_ns();

    fflush(stderr);
    for (int i = 0; i < OUTPUT_COUNT; i++)
        if (sink.writers[i] != NULL)
            (void)log_writer_flush(sink.writers[i], deadline_ns);
}

/* Closes the streams before the writers, because what they hold goes to those. */
static void close_streams(void)
{
    if (sink.diverted != NULL) {
        fclose(stderr);
        stderr = sink.diverted;
        sink.diverted = NULL;
    }
    if (sink.console_stream != NULL)
        fclose(sink.console_stream);
    sink.console_stream = NULL;
}

void log_close(void)
{
    int64_t deadline_ns = last_lines_ns();

    close_streams();
    close_files(deadline_ns);
    close_writer(OUTPUT_STDOUT, deadline_ns);
    /* A writer that hangs is kept, so that no line is written to its output directly. */
    if (sink.writers[OUTPUT_STDERR] == NULL ||
        log_writer_flush(sink.writers[OUTPUT_STDERR], deadline_ns))
        close_writer(OUTPUT_STDERR, deadline_ns);
    sink.json = false;
    sink.console = true;
}

/* ---- untrusted bytes, and limits --------------------------------------- */

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

/* Each line uses up one second, and ten seconds may be saved up. If the clock went back, it
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
