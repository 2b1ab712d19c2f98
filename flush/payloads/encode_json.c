/* flush/payloads/encode_json.c: v1 series, events and checks. */
#include <math.h>

#include "flush/memory/json.h"
#include "flush/payloads/encode.h"
#include "protocol/number.h"

static void put(struct bytes *out, struct slice text)
{
    bytes_add(out, text.at, text.len);
}

static void put_int(struct bytes *out, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do
        digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        digits[--at] = '-';
    bytes_add(out, digits + at, sizeof digits - at);
}

/* JSON has no infinities: null, so that one bad point cannot spoil a payload. */
static void put_double(struct bytes *out, double value)
{
    char text[NUMBER_TEXT_MAX];

    if (isfinite(value))
        bytes_add(out, text, number_format(value, text));
    else
        put(out, SLICE("null"));
}

/* An event's title or text: backslash n, as sent, is the newline's JSON too. */
static void put_event_text(struct bytes *out, struct slice text)
{
    put(out, SLICE("\""));
    while (text.len > 0) {
        const char *found = memmem(text.at, text.len, "\\n", 2);
        struct slice before = { text.at, found != NULL ? (size_t)(found - text.at) : text.len };

        json_add_escaped(out, before);
        text = slice_skip(text, before.len);
        if (found == NULL)
            break;
        put(out, SLICE("\\n"));
        text = slice_skip(text, 2);
    }
    put(out, SLICE("\""));
}

/* Keys are given with what stands before and behind them: ,"host": */
static void put_field(struct bytes *out, struct slice key, struct slice text)
{
    put(out, key);
    json_add_string(out, text);
}

static void put_tags(struct bytes *out, const struct slice *tags, size_t n_tags)
{
    put(out, SLICE(",\"tags\":["));
    for (size_t i = 0; i < n_tags; i++)
        put_field(out, i > 0 ? SLICE(",") : SLICE(""), tags[i]);
    put(out, SLICE("]"));
}

/* ---- items ------------------------------------------------------------- */

static void put_points(struct bytes *out, const struct series *series)
{
    put(out, SLICE(",\"points\":["));
    for (size_t i = 0; i < series->n_points; i++) {
        put(out, i > 0 ? SLICE(",[") : SLICE("["));
        put_int(out, series->points[i].time_s);
        put(out, SLICE(","));
        put_double(out, series->points[i].value);
        put(out, SLICE("]"));
    }
    put(out, SLICE("]"));
}

static void put_device(struct bytes *out, const struct series_identity *id)
{
    for (size_t i = 0; i < id->n_resources; i++)
        if (slice_equal(id->resources[i].type, SLICE("device"))) {
            put_field(out, SLICE(",\"device\":"), id->resources[i].name);
            return;
        }
}

static struct slice series_type_name(enum series_type type)
{
    switch (type) {
    case SERIES_COUNT:
        return SLICE("count");
    case SERIES_RATE:
        return SLICE("rate");
    default:
        return SLICE("gauge");
    }
}

void encode_series_v1(struct bytes *out, const struct series *series)
{
    const struct series_identity *id = &series->id;

    put_field(out, SLICE("{\"metric\":"), id->metric);
    put_points(out, series);
    put_tags(out, id->tags, id->n_tags);
    put_field(out, SLICE(",\"host\":"), id->host);
    put_device(out, id);
    put_field(out, SLICE(",\"type\":"), series_type_name(series->type));
    put(out, SLICE(",\"interval\":"));
    put_int(out, series->interval_s);
    if (series->unit.len > 0)
        put_field(out, SLICE(",\"unit\":"), series->unit);
    put(out, SLICE("}"));
}

void encode_event(struct bytes *out, const struct event_record *record)
{
    const struct event *event = &record->event;

    put(out, SLICE("{\"msg_title\":"));
    put_event_text(out, event->title);
    put(out, SLICE(",\"msg_text\":"));
    put_event_text(out, event->text);
    put(out, SLICE(",\"timestamp\":"));
    put_int(out, record->time_s);
    put_field(out, SLICE(",\"priority\":"), slice_of(event_priority_name(event->priority)));
    put_field(out, SLICE(",\"host\":"), record->host);
    if (record->n_tags > 0)
        put_tags(out, record->tags, record->n_tags);
    put_field(out, SLICE(",\"alert_type\":"), slice_of(event_alert_name(event->alert)));
    if (event->aggregation_key.len > 0)
        put_field(out, SLICE(",\"aggregation_key\":"), event->aggregation_key);
    if (event->source_type.len > 0)
        put_field(out, SLICE(",\"source_type_name\":"), event->source_type);
    put(out, SLICE("}"));
}

struct payload_frame encode_events_frame(struct bytes *text, struct slice hostname)
{
    put(text, SLICE("]},\"internalHostname\":"));
    json_add_string(text, hostname);
    put(text, SLICE("}"));
    return (struct payload_frame){ .head = SLICE("{\"apiKey\":\"\",\"events\":{"),
                                   .separator = SLICE(","),
                                   .tail = { (const char *)text->at, text->len },
                                   .turn = SLICE("],") };
}

void encode_events_list(struct bytes *out, struct slice source_type)
{
    json_add_string(out, source_type.len > 0 ? source_type : SLICE("api"));
    put(out, SLICE(":["));
}

void encode_check(struct bytes *out, const struct check_record *record)
{
    put_field(out, SLICE("{\"check\":"), record->check.name);
    put_field(out, SLICE(",\"host_name\":"), record->host);
    put(out, SLICE(",\"timestamp\":"));
    put_int(out, record->time_s);
    put(out, SLICE(",\"status\":"));
    put_int(out, record->check.status);
    put_field(out, SLICE(",\"message\":"), record->check.message);
    put_tags(out, record->tags, record->n_tags);
    put(out, SLICE("}"));
}
