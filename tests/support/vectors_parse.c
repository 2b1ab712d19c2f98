/* Runs the vectors of the protocol: lines, datagrams and stream frames.
 *
 * What the parser answers is written as the vectors' JSON and then compared.
 * JSON strings cannot hold any byte, so both sides are coded with one character
 * U+0000..U+00FF per byte ("latin1"). */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include "protocol/check.h"
#include "protocol/event.h"
#include "protocol/frame.h"
#include "protocol/lines.h"
#include "protocol/origin.h"
#include "protocol/parse.h"
#include "protocol/tags.h"
#include "tests/support/guard.h"
#include "tests/support/letters.h"
#include "tests/support/vectors.h"

enum { MOST_BYTES = 1 << 17, DEFAULT_BUFFER_SIZE = 8192 };

static json_t *coded(struct slice bytes)
{
    static char text[2 * MOST_BYTES];
    size_t n = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.at[i];

        if (byte >= 0x80)
            text[n++] = (char)(0xC0 | byte >> 6);
        text[n++] = (char)(byte < 0x80 ? byte : (0x80 | (byte & 0x3F)));
    }
    return json_stringn(text, n);
}

/* The bytes that a latin1-coded string stands for, in a static buffer. */
static struct slice decoded(const json_t *string)
{
    static char bytes[MOST_BYTES];
    const char *at = json_string_value(string);
    size_t length = json_string_length(string), n = 0;

    for (size_t i = 0; i < length && n < sizeof bytes; i++) {
        unsigned char byte = (unsigned char)at[i];

        if (byte >= 0xC2 && byte <= 0xC3 && i + 1 < length)
            byte = (unsigned char)((byte & 3) << 6 | (at[++i] & 0x3F));
        bytes[n++] = (char)byte;
    }
    return (struct slice){ bytes, n };
}

/* A copy in which every string's UTF-8 bytes are coded singly. */
static json_t *recoded(const json_t *value)
{
    const char *key;
    json_t *item, *copy;
    size_t i;

    if (json_is_string(value))
        return coded((struct slice){ json_string_value(value), json_string_length(value) });
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach(value, i, item) json_array_append_new(copy, recoded(item));
        return copy;
    }
    if (json_is_object(value)) {
        copy = json_object();
        json_object_foreach((json_t *)value, key, item)
            json_object_set_new(copy, key, recoded(item));
        return copy;
    }
    return json_deep_copy(value);
}

static json_t *expectation(const json_t *vector)
{
    const json_t *expect = json_object_get(vector, "expect");

    return json_is_true(json_object_get(vector, "expect_latin1")) ? json_deep_copy(expect)
                                                                  : recoded(expect);
}

static struct slice input_of(const json_t *vector)
{
    const json_t *input = json_object_get(vector, "input");

    if (input != NULL)
        return (struct slice){ json_string_value(input), json_string_length(input) };
    return decoded(json_object_get(vector, "input_latin1"));
}

static json_t *coded_tags(struct slice section)
{
    struct tags tags = tags_of(section);
    json_t *list = json_array();
    struct slice tag;

    while (tags_next(&tags, &tag))
        json_array_append_new(list, coded(tag));
    return list;
}

static json_t *coded_unsigned(uint64_t value)
{
    char digits[24];

    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    return json_string(digits);
}

/* Shows nothing of the origin unless clients are to be believed. */
static void add_origin(json_t *message, struct slice fields, bool shown)
{
    struct origin origin = { 0 };

    if (shown)
        origin_parse(fields, &origin);
    json_object_set_new(message, "container_id", coded(origin.container_id));
    json_object_set_new(message, "inode", coded_unsigned(origin.inode));
    json_object_set_new(message, "external_data", coded(origin.external_data));
    json_object_set_new(message, "cardinality", coded(origin.cardinality));
    if (origin.external_data.len > 0)
        json_object_set_new(message, "external",
                            json_pack("{s:b, s:o, s:o}", "init", origin.external.init,
                                      "container_name", coded(origin.external.container_name),
                                      "pod_uid", coded(origin.external.pod_uid)));
}

static json_t *coded_values(const struct sample *sample)
{
    json_t *list = json_array();

    if (sample->type == METRIC_SET)
        json_array_append_new(list, coded(sample_member(sample)));
    else
        for (uint32_t i = 0; i < sample->n_values; i++)
            json_array_append_new(list, vector_real(sample->values[i]));
    return list;
}

static json_t *metric_of(const struct sample *sample)
{
    json_t *time = sample->time_s != 0 ? json_integer((json_int_t)sample->time_s) : json_null();

    return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o}", "kind", "metric", "name",
                     coded(sample->name), "type", metric_type_letters(sample->type), "values",
                     coded_values(sample), "rate", vector_real(sample->rate), "tags",
                     coded_tags(sample->tags), "timestamp", time);
}

/* A backslash and an n stand for a newline. */
static size_t unescape(struct slice text, char *out)
{
    size_t written = 0;

    for (size_t i = 0; i < text.len; i++) {
        bool newline = text.at[i] == '\\' && i + 1 < text.len && text.at[i + 1] == 'n';

        out[written++] = newline ? '\n' : text.at[i];
        i += newline;
    }
    return written;
}

static json_t *unescaped(struct slice text)
{
    static char bytes[MOST_BYTES];

    return coded((struct slice){ bytes, unescape(text, bytes) });
}

static json_t *event_of(const struct event *event)
{
    return json_pack("{s:s, s:o, s:o, s:I, s:s, s:s, s:o, s:o, s:o, s:o}", "kind", "event",
                     "title", unescaped(event->title), "text", unescaped(event->text), "ts",
                     (json_int_t)event->time_s, "priority",
                     event_priority_name(event->priority), "alert_type",
                     event_alert_name(event->alert), "host", coded(event->host),
                     "aggregation_key", coded(event->aggregation_key), "source_type",
                     coded(event->source_type), "tags", coded_tags(event->tags));
}

static json_t *check_of(const struct check *check)
{
    return json_pack("{s:s, s:o, s:i, s:I, s:o, s:o, s:o}", "kind", "service_check", "name",
                     coded(check->name), "status", check->status, "ts",
                     (json_int_t)check->time_s, "host", coded(check->host), "message",
                     coded(check->message), "tags", coded_tags(check->tags));
}

json_t *vector_message(const json_t *vector, struct slice line)
{
    static double pool[MOST_BYTES];
    struct parser parser = {
        .ignore_time = !vector_config_bool(vector, "dogstatsd_no_aggregation_pipeline", true),
        .pool = pool,
    };
    struct slice fields = { 0 };
    struct sample sample;
    struct event event;
    struct check check;
    json_t *message = NULL;

    switch (parse_kind(line)) {
    case LINE_EVENT:
        if (event_parse(line, &event) == PARSE_OK) {
            message = event_of(&event);
            fields = event.fields;
        }
        break;
    case LINE_CHECK:
        if (check_parse(line, &check) == PARSE_OK) {
            message = check_of(&check);
            fields = check.fields;
        }
        break;
    default:
        if (parse_sample(&parser, line, &sample) == PARSE_OK) {
            message = metric_of(&sample);
            fields = parse_fields(line);
        }
    }
    if (message != NULL)
        add_origin(message, fields,
                   vector_config_bool(vector, "dogstatsd_origin_detection_client", false));
    return message;
}

void vector_run_parse(json_t *vector, struct vector_report *report)
{
    struct slice input = input_of(vector);
    json_t *actual = vector_message(vector, guarded(input.at, input.len));

    if (json_is_true(json_object_get(vector, "error"))) {
        if (actual != NULL)
            vector_fail(report, "accepted, must be refused");
    } else if (actual == NULL) {
        vector_fail(report, "refused, must be accepted");
    } else {
        json_t *expected = expectation(vector);

        vector_compare(expected, actual, report);
        json_decref(expected);
    }
    json_decref(actual);
}

static bool newline_required(const json_t *vector)
{
    json_t *kinds =
        json_object_get(json_object_get(vector, "config"), "dogstatsd_eol_required");
    json_t *kind;
    size_t i;

    json_array_foreach(
        kinds, i, kind) if (json_equal(kind, json_object_get(vector, "listener"))) return true;
    return false;
}

void vector_run_packet(json_t *vector, struct vector_report *report)
{
    size_t most =
        (size_t)vector_config_int(vector, "dogstatsd_buffer_size", DEFAULT_BUFFER_SIZE);
    struct slice input = input_of(vector), line;
    struct slice datagram = guarded(input.at, input.len < most ? input.len : most);
    struct lines lines = lines_of(datagram, newline_required(vector));
    json_t *messages = json_array();
    int errors = 0;

    while (lines_next(&lines, &line)) {
        json_t *message = vector_message(vector, line);

        if (message != NULL)
            json_array_append_new(messages, message);
        else
            errors++;
    }
    json_t *expected = expectation(vector);
    json_t *actual = json_pack("{s:o, s:i, s:i}", "messages", messages, "errors", errors,
                               "unterminated", (int)lines.unterminated);
    vector_compare(expected, actual, report);
    json_decref(expected);
    json_decref(actual);
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

static struct slice bytes_of_hex(const json_t *hex)
{
    static char bytes[MOST_BYTES];
    const char *at = json_string_value(hex);
    size_t n = json_string_length(hex) / 2;

    for (size_t i = 0; i < n && i < sizeof bytes; i++)
        bytes[i] = (char)(hex_digit(at[2 * i]) << 4 | hex_digit(at[2 * i + 1]));
    return guarded(bytes, n);
}

void vector_run_uds_stream(json_t *vector, struct vector_report *report)
{
    size_t most =
        (size_t)vector_config_int(vector, "dogstatsd_buffer_size", DEFAULT_BUFFER_SIZE);
    struct slice bytes = bytes_of_hex(json_object_get(vector, "input_hex")), payload;
    json_t *packets = json_array();
    enum frame_result result;

    while ((result = frame_next(&bytes, most, &payload)) == FRAME_OK)
        json_array_append_new(packets, coded(payload));

    bool closes = result != FRAME_PARTIAL;
    json_t *actual = json_pack("{s:o, s:b, s:i}", "packets_latin1", packets, "server_closes",
                               closes, "pending_bytes", closes ? 0 : (int)bytes.len);
    vector_compare(json_object_get(vector, "expect"), actual, report);
    json_decref(actual);
}
