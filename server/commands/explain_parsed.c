#include "server/commands/explain_parsed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "protocol/check.h"
#include "protocol/event.h"
#include "protocol/number.h"
#include "protocol/origin.h"
#include "protocol/tags.h"
#include "server/commands/line_fields.h"

/* A number as JSON, and in quotes one that JSON does not have: "NaN", "+Inf". */
static void put_number(struct json_out *out, const char *name, double value)
{
    char text[NUMBER_TEXT_MAX];

    if (isfinite(value)) {
        json_out_exact(out, name, value);
        return;
    }
    (void)number_format(value, text);
    json_out_text(out, name, text);
}

const char *explain_parsed_kind(enum line_kind kind)
{
    static const char *const words[LINE_KIND_COUNT] = { "metric", "event", "check" };

    return words[kind];
}

/* ---- members ----------------------------------------------------------- */

static void put_time(struct json_out *out, int64_t time_s)
{
    if (time_s != 0)
        json_out_signed(out, "timestamp", time_s);
    else
        json_out_null(out, "timestamp");
}

static void put_tags(struct json_out *out, struct slice section)
{
    struct tags walk = tags_of(section);
    struct slice tag;

    json_out_begin(out, "tags", '[');
    while (tags_next(&walk, &tag))
        json_out_slice(out, NULL, tag);
    json_out_end(out, ']');
}

static void put_skipped(struct json_out *out, enum line_kind kind, struct slice fields)
{
    struct slice field;

    json_out_begin(out, "skipped", '[');
    while (line_fields_unknown(kind, &fields, &field))
        json_out_slice(out, NULL, field);
    json_out_end(out, ']');
}

/* What stands in the optional fields of any line. */
static void put_fields(struct json_out *out, enum line_kind kind, struct slice fields)
{
    struct origin origin;
    char inode[24];

    origin_parse(fields, &origin);
    snprintf(inode, sizeof inode, "%llu", (unsigned long long)origin.inode);
    json_out_slice(out, "container_id", origin.container_id);
    json_out_text(out, "inode", inode); /* most readers of JSON know 53 bits */
    json_out_slice(out, "external_data", origin.external_data);
    json_out_slice(out, "cardinality", origin.cardinality);
    put_skipped(out, kind, fields);
}

/* Backslash n, as sent, is a newline. */
static void put_event_text(struct json_out *out, const char *name, struct slice text)
{
    struct bytes plain = { .failed = false };

    while (text.len > 0) {
        const char *found = memmem(text.at, text.len, "\\n", 2);
        size_t before = found != NULL ? (size_t)(found - text.at) : text.len;

        bytes_add(&plain, text.at, before);
        text = slice_skip(text, before);
        if (found == NULL)
            break;
        bytes_add(&plain, "\n", 1);
        text = slice_skip(text, 2);
    }
    json_out_slice(out, name, bytes_view(&plain));
    out->bytes.failed |= plain.failed;
    bytes_free(&plain);
}

/* ---- kinds ------------------------------------------------------------- */

/* The letters of the type, which the parser has taken. */
static struct slice letters_of(struct slice line)
{
    slice_cut(&line, '|');
    return slice_cut(&line, '|');
}

static void put_values(struct json_out *out, const struct sample *sample)
{
    json_out_begin(out, "values", '[');
    if (sample->type == METRIC_SET)
        json_out_slice(out, NULL, sample_member(sample));
    for (uint32_t i = 0; sample->type != METRIC_SET && i < sample->n_values; i++)
        put_number(out, NULL, sample->values[i]);
    json_out_end(out, ']');
}

static void put_metric(struct json_out *out, struct slice line, const struct sample *sample)
{
    json_out_slice(out, "name", sample->name);
    json_out_slice(out, "type", letters_of(line));
    json_out_text(out, "type_name", metric_type_name((enum metric_type)sample->type));
    put_values(out, sample);
    put_number(out, "rate", sample->rate);
    put_time(out, sample->time_s);
    put_tags(out, sample->tags);
    put_fields(out, LINE_METRIC, parse_fields(line));
}

static bool write_metric(struct json_out *out, struct slice line, bool ignore_time,
                         struct explain_parsed *parsed)
{
    struct parser parser = { .ignore_time = ignore_time,
                             .pool = calloc(line.len / 2 + 1, sizeof *parser.pool) };
    struct sample sample;

    if (parser.pool == NULL)
        return false;
    parsed->result = parse_sample(&parser, line, &sample);
    if (parsed->result == PARSE_OK) {
        parsed->name = sample.name;
        parsed->tags = sample.tags;
        parsed->type = (enum metric_type)sample.type;
        parsed->timed = sample.time_s != 0;
        json_out_begin(out, "parsed", '{');
        put_metric(out, line, &sample);
        json_out_end(out, '}');
    }
    free(parser.pool);
    return true;
}

static void write_event(struct json_out *out, struct slice line, struct explain_parsed *parsed)
{
    struct event event;

    parsed->result = event_parse(line, &event);
    if (parsed->result != PARSE_OK)
        return;
    parsed->tags = event.tags;
    parsed->host = event.host;
    json_out_begin(out, "parsed", '{');
    put_event_text(out, "title", event.title);
    put_event_text(out, "text", event.text);
    put_time(out, event.time_s);
    json_out_text(out, "priority", event_priority_name(event.priority));
    json_out_text(out, "alert_type", event_alert_name(event.alert));
    json_out_slice(out, "host", event.host);
    json_out_slice(out, "aggregation_key", event.aggregation_key);
    json_out_slice(out, "source_type", event.source_type);
    put_tags(out, event.tags);
    put_fields(out, LINE_EVENT, event.fields);
    json_out_end(out, '}');
}

static void write_check(struct json_out *out, struct slice line, struct explain_parsed *parsed)
{
    struct check check;

    parsed->result = check_parse(line, &check);
    if (parsed->result != PARSE_OK)
        return;
    parsed->name = check.name;
    parsed->tags = check.tags;
    parsed->host = check.host;
    json_out_begin(out, "parsed", '{');
    json_out_slice(out, "name", check.name);
    json_out_signed(out, "status", check.status);
    put_time(out, check.time_s);
    json_out_slice(out, "host", check.host);
    json_out_slice(out, "message", check.message);
    put_tags(out, check.tags);
    put_fields(out, LINE_CHECK, check.fields);
    json_out_end(out, '}');
}

bool explain_parsed_write(struct json_out *out, struct slice line, bool ignore_time,
                          struct explain_parsed *parsed)
{
    *parsed = (struct explain_parsed){ .kind = parse_kind(line) };
    switch (parsed->kind) {
    case LINE_EVENT:
        write_event(out, line, parsed);
        break;
    case LINE_CHECK:
        write_check(out, line, parsed);
        break;
    default:
        return write_metric(out, line, ignore_time, parsed);
    }
    return true;
}
