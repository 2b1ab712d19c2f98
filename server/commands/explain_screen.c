#include "server/commands/explain_screen.h"

#include <stdlib.h>
#include <string.h>

#include "config/shown.h"
#include "server/commands/line_mark.h"
#include "server/commands/shown_slice.h"

enum { LABEL_WIDTH = 12 };

/* A member that is a text; a view into the JSON, empty where there is none. */
static struct slice text_of(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_string(member))
        return SLICE("");
    return (struct slice){ json_string_value(member), json_string_length(member) };
}

static void begin(FILE *out, const char *label)
{
    fprintf(out, "  %-*s", LABEL_WIDTH, label);
}

/* A row with that text, unless it is empty. */
static void print_text(FILE *out, const char *label, struct slice text)
{
    if (text.len == 0)
        return;
    begin(out, label);
    shown_slice(out, text);
    fputc('\n', out);
}

static void print_member(FILE *out, const char *label, const json_t *object, const char *name)
{
    print_text(out, label, text_of(object, name));
}

/* A number, or a text. */
static void put_value(FILE *out, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

    if (json_is_string(value))
        shown_put(out, json_string_value(value), json_string_length(value));
    else
        fputs(text != NULL ? text : "?", out);
    free(text);
}

static void print_list(FILE *out, const char *label, const json_t *list, const char *between)
{
    const json_t *item;
    size_t i;

    if (json_array_size(list) == 0)
        return;
    begin(out, label);
    json_array_foreach(list, i, item)
    {
        fputs(i > 0 ? between : "", out);
        put_value(out, item);
    }
    fputc('\n', out);
}

/* ---- what was read ----------------------------------------------------- */

static void print_type(FILE *out, const json_t *explained)
{
    const json_t *parsed = json_object_get(explained, "parsed");
    struct slice type = text_of(parsed, "type"), aggregated = text_of(explained, "aggregated");

    if (type.len == 0)
        return;
    begin(out, "type");
    shown_slice(out, type);
    fputs(" (", out);
    shown_slice(out, text_of(parsed, "type_name"));
    fputs(aggregated.len > 0 ? "): " : ")", out);
    shown_slice(out, aggregated);
    fputc('\n', out);
}

/* Unless it is the one that a line has which says nothing of it. */
static void print_rate(FILE *out, const json_t *parsed)
{
    const json_t *rate = json_object_get(parsed, "rate");

    if (rate == NULL || json_number_value(rate) == 1.0)
        return;
    begin(out, "rate");
    put_value(out, rate);
    if (json_number_value(rate) > 0)
        fprintf(out, ": each value stands for %.6g", 1 / json_number_value(rate));
    fputc('\n', out);
}

static void print_number(FILE *out, const char *label, const json_t *object, const char *name)
{
    const json_t *number = json_object_get(object, name);

    if (!json_is_integer(number))
        return;
    begin(out, label);
    put_value(out, number);
    fputc('\n', out);
}

static void print_parsed(FILE *out, const json_t *explained)
{
    const json_t *parsed = json_object_get(explained, "parsed");
    bool is_event = strcmp(json_string_value(json_object_get(explained, "kind")), "event") == 0;

    print_member(out, "name", parsed, "name");
    print_member(out, "title", parsed, "title");
    print_member(out, "text", parsed, "text");
    print_type(out, explained);
    print_number(out, "status", parsed, "status");
    print_list(out, "values", json_object_get(parsed, "values"), " ");
    print_rate(out, parsed);
    print_number(out, "timestamp", parsed, "timestamp");
    print_member(out, "message", parsed, "message");
    if (is_event) {
        print_member(out, "priority", parsed, "priority");
        print_member(out, "alert type", parsed, "alert_type");
    }
    print_member(out, "aggr. key", parsed, "aggregation_key");
    print_member(out, "source", parsed, "source_type");
    print_list(out, "tags", json_object_get(parsed, "tags"), ", ");
    print_member(out, "container", parsed, "container_id");
    print_member(out, "external", parsed, "external_data");
    print_member(out, "cardinality", parsed, "cardinality");
    print_list(out, "skipped", json_object_get(parsed, "skipped"), ", ");
}

/* ---- what it is called ------------------------------------------------- */

static void print_mapped(FILE *out, const json_t *named)
{
    const json_t *mapped = json_object_get(named, "mapped");

    if (!json_is_object(mapped))
        return;
    begin(out, "mapped");
    fputs("to ", out);
    shown_slice(out, text_of(mapped, "name"));
    fputs(" by \"", out);
    shown_slice(out, text_of(mapped, "match"));
    fprintf(out, "\", mapping %lld of the profile \"",
            (long long)json_integer_value(json_object_get(mapped, "mapping")));
    shown_slice(out, text_of(mapped, "profile"));
    fputs("\"\n", out);
}

/* Two members of each object of a list, as "a (b), c (d)". */
static void print_pairs(FILE *out, const char *label, const json_t *list, const char *first,
                        const char *second)
{
    const json_t *item;
    size_t i;

    if (json_array_size(list) == 0)
        return;
    begin(out, label);
    json_array_foreach(list, i, item)
    {
        fputs(i > 0 ? ", " : "", out);
        shown_slice(out, text_of(item, first));
        fputs(" (", out);
        shown_slice(out, text_of(item, second));
        fputc(')', out);
    }
    fputc('\n', out);
}

static void print_named(FILE *out, const json_t *named)
{
    print_mapped(out, named);
    print_member(out, "namespace", named, "namespace");
    print_member(out, "series", named, "name");
    print_member(out, "host", named, "host");
    print_pairs(out, "with tags", json_object_get(named, "tags"), "tag", "from");
    print_pairs(out, "left out", json_object_get(named, "left_out"), "tag", "why");
    print_pairs(out, "resources", json_object_get(named, "resources"), "name", "type");
}

/* ---- what becomes of it ------------------------------------------------ */

/* unit: the name of its member, a word with an s. */
static void print_losses(FILE *out, const json_t *list, const char *label, const char *unit)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        json_int_t n = json_integer_value(json_object_get(item, unit));

        begin(out, label);
        fprintf(out, "%lld %.*s (", (long long)n, (int)strlen(unit) - (n == 1), unit);
        shown_slice(out, text_of(item, "code"));
        fputs("): ", out);
        shown_slice(out, text_of(item, "reason"));
        fputc('\n', out);
    }
}

static void print_series(FILE *out, const json_t *series, const char *otherwise)
{
    const json_t *interval = json_object_get(series, "interval");

    fprintf(out, "  %*s", LABEL_WIDTH, "");
    shown_slice(out, text_of(series, "metric"));
    fputs(": ", out);
    if (text_of(series, "type").len > 0)
        shown_slice(out, text_of(series, "type"));
    else
        fputs(otherwise, out);
    if (json_is_integer(interval))
        fprintf(out, ", interval %lld", (long long)json_integer_value(interval));
    if (text_of(series, "unit").len > 0) {
        fputs(", unit ", out);
        shown_slice(out, text_of(series, "unit"));
    }
    fputc('\n', out);
}

static void print_each_series(FILE *out, const json_t *list, const char *otherwise)
{
    const json_t *series;
    size_t i;

    json_array_foreach(list, i, series)
    {
        print_series(out, series, otherwise);
    }
}

static void print_request(FILE *out, const json_t *request)
{
    const json_t *body = json_object_get(request, "body");
    char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

    print_member(out, "intake", request, "path");
    print_each_series(out, json_object_get(body, "series"), "");
    print_each_series(out, json_object_get(body, "sketches"), "distribution");
    fprintf(out, "  %*s", LABEL_WIDTH, "");
    if (text != NULL)
        shown_put_json(out, text, strlen(text));
    fputc('\n', out);
    free(text);
}

static void print_intake(FILE *out, const json_t *explained)
{
    const json_t *requests = json_object_get(explained, "intake"), *request;
    size_t i;

    print_losses(out, json_object_get(explained, "shed"), "shed", "values");
    print_losses(out, json_object_get(explained, "dropped"), "dropped", "points");
    json_array_foreach(requests, i, request)
    {
        print_request(out, request);
    }
    if (json_array_size(requests) == 0)
        print_text(out, "intake", SLICE("nothing is sent"));
}

void explain_screen_print(const json_t *explained, FILE *out)
{
    struct slice line = text_of(explained, "line"), reason = text_of(explained, "reason");
    json_int_t at = json_integer_value(json_object_get(explained, "at"));

    shown_slice(out, line);
    fputc('\n', out);
    if (json_object_get(explained, "cut_at") != NULL)
        print_number(out, "cut at byte", explained, "cut_at");
    if (reason.len > 0) {
        line_mark_print(out, 0, line, at > 0 ? (size_t)at : 0, true, reason);
        return;
    }
    print_parsed(out, explained);
    print_named(out, json_object_get(explained, "named"));
    print_intake(out, explained);
}
