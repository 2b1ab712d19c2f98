#include "flush/console.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "config/log.h"
#include "flush/payloads/encode.h"
#include "flush/snapshots/points.h"
#include "protocol/number.h"

enum { ROWS_MAX = 200, NAME_MAX_WIDTH = 60 };

struct row {
    char name[NAME_MAX_WIDTH + 1];
    const char *type;
    char value[NUMBER_TEXT_MAX];
    char sum[NUMBER_TEXT_MAX];
    char tags[256];
};

struct console {
    FILE *out;
    int64_t interval_s;
    struct row *rows;
    size_t n, hidden;
    size_t records, records_hidden; /* since the last bucket */
};

struct console *console_new(FILE *out, int64_t interval_s)
{
    struct console *console = calloc(1, sizeof *console);

    if (console == NULL)
        return NULL;
    console->out = out;
    console->interval_s = interval_s;
    return console;
}

void console_free(struct console *given)
{
    if (given == NULL)
        return;
    free(given->rows);
    free(given);
}

static void begin(void *observer, int64_t stamp_s)
{
    struct console *console = observer;

    (void)stamp_s;
    console->n = console->hidden = 0;
}

/* Comma-separated. */
static void write_tags(const struct slice *tags, size_t n, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < n && used + 8 < size; i++) {
        if (i > 0)
            out[used++] = ',';
        log_quote(tags[i].at, tags[i].len, out + used, size - used);
        used += strlen(out + used);
    }
}

/* As few digits as tell: what a sum of tenths leaves in the sixteenth is noise. Whole
 * numbers are shown whole. */
static void write_number(double value, char out[NUMBER_TEXT_MAX])
{
    if (value == trunc(value) && fabs(value) < 1e15)
        snprintf(out, NUMBER_TEXT_MAX, "%.0f", value);
    else
        snprintf(out, NUMBER_TEXT_MAX, "%.12g", value);
}

static struct row *add_row(struct console *console, const struct series_identity *id,
                           const char *type)
{
    if (console->rows == NULL)
        console->rows = calloc(ROWS_MAX, sizeof *console->rows);
    if (console->rows == NULL || console->n == ROWS_MAX) {
        console->hidden++;
        return NULL;
    }
    struct row *row = &console->rows[console->n++];
    *row = (struct row){ .type = type };
    log_quote(id->metric.at, id->metric.len, row->name, sizeof row->name);
    write_tags(id->tags, id->n_tags, row->tags, sizeof row->tags);
    return row;
}

static void show_number(struct console *console, const struct series *series)
{
    bool rate = series->type == SERIES_RATE;
    struct row *row = add_row(console, &series->id, rate ? "rate" : "gauge");

    if (row == NULL)
        return;
    write_number(series->points[0].value, row->value);
    if (rate)
        write_number(series->points[0].value * (double)console->interval_s, row->sum);
}

static void show_sketch(struct console *console, const struct sketch_series *sketch)
{
    struct row *row = add_row(console, &sketch->id, "sketch");
    const struct sketch_summary *summary = &sketch->points[0].summary;

    if (row == NULL)
        return;
    snprintf(row->value, sizeof row->value, "%lld values, avg %.6g", (long long)summary->count,
             summary->avg);
    write_number(summary->sum, row->sum);
}

static void show_point(void *observer, const struct snapshot_series *series,
                       const struct made_point *point)
{
    (void)series;
    if (point->number != NULL)
        show_number(observer, point->number);
    else
        show_sketch(observer, point->sketch);
}

static int widest(int least, size_t len)
{
    return len > (size_t)least ? (int)len : least;
}

static void print_rows(const struct console *console)
{
    int name = 6, value = 5, sum = 3;

    for (size_t i = 0; i < console->n; i++) {
        name = widest(name, strlen(console->rows[i].name));
        value = widest(value, strlen(console->rows[i].value));
        sum = widest(sum, strlen(console->rows[i].sum));
    }
    fprintf(console->out, "  %-*s  %-6s  %*s  %*s  %s\n", name, "series", "type", value,
            "value", sum, "sum", "tags");
    for (size_t i = 0; i < console->n; i++) {
        const struct row *row = &console->rows[i];
        fprintf(console->out, "  %-*s  %-6s  %*s  %*s  %s\n", name, row->name, row->type, value,
                row->value, sum, row->sum, row->tags);
    }
    if (console->hidden > 0)
        fprintf(console->out, "  ... and %zu more series\n", console->hidden);
}

static bool has_room(struct console *console)
{
    bool room = console->records < ROWS_MAX;

    console->records += room;
    console->records_hidden += !room;
    return room;
}

static const char *quoted(struct slice text, char *out, size_t size)
{
    return log_quote(text.at, text.len, out, size);
}

static void show_event(void *observer, const struct event_record *record)
{
    struct console *console = observer;
    char title[NAME_MAX_WIDTH + 1], text[121], tags[256];

    if (!has_room(console))
        return;
    write_tags(record->tags, record->n_tags, tags, sizeof tags);
    fprintf(console->out, "event  %s: %s  %s  %s\n",
            quoted(record->event.title, title, sizeof title),
            quoted(record->event.text, text, sizeof text),
            event_alert_name(record->event.alert), tags);
}

static void show_check(void *observer, const struct check_record *record)
{
    static const char *const states[] = { "ok", "warning", "critical", "unknown" };
    struct console *console = observer;
    char name[NAME_MAX_WIDTH + 1], message[121], tags[256];

    if (!has_room(console))
        return;
    write_tags(record->tags, record->n_tags, tags, sizeof tags);
    fprintf(console->out, "check  %s: %s  %s  %s\n",
            quoted(record->check.name, name, sizeof name), states[record->check.status],
            quoted(record->check.message, message, sizeof message), tags);
}

static void end(void *observer, int64_t stamp_s)
{
    struct console *console = observer;
    char text[32] = "?";
    time_t stamp = (time_t)stamp_s;
    struct tm utc;

    if (console->n > 0) {
        if (gmtime_r(&stamp, &utc) != NULL)
            strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &utc);
        fprintf(console->out, "bucket %s UTC (%lld s)\n", text, (long long)console->interval_s);
        print_rows(console);
    }
    if (console->records_hidden > 0)
        fprintf(console->out, "... and %zu more events and service checks\n",
                console->records_hidden);
    console->records = console->records_hidden = 0;
    fflush(console->out);
    free(console->rows);
    console->rows = NULL;
}

static void free_console(void *given)
{
    console_free(given);
}

struct observer console_observer(struct console *given)
{
    static const struct observer_ops ops = {
        .begin = begin,
        .point = show_point,
        .end = end,
        .event = show_event,
        .check = show_check,
        .free = free_console,
    };
    return (struct observer){ &ops, given };
}
