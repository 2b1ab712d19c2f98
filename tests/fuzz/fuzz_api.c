/* Any body for the API: what is taken as JSON can be walked, what is taken as a dashboard, a
 * monitor or a downtime is written as JSON in each form, and can be taken again, and what is
 * taken as series, checks and events becomes lines and records that can be read. */
#include <stdint.h>
#include <stdlib.h>

#include "flush/memory/json_view.h"
#include "protocol/check.h"
#include "protocol/event.h"
#include "server/api/dashboard.h"
#include "server/api/downtime_form.h"
#include "server/api/monitor_query.h"
#include "server/api/submit_lines.h"
#include "server/api/submit_series.h"

enum { KEYS_MAX = 10000, WRITTEN_KEYS_MAX = 1 << 20 };

/* Visits all that is in the value, and decodes each text. */
static void walk(struct slice value, char *room)
{
    struct slice inside = json_view_inside(value), name, item;
    bool object = json_view_kind(value) == JSON_KIND_OBJECT;
    size_t before = inside.len;
    int64_t whole;
    double number;

    (void)json_view_text(value, room);
    (void)json_view_number(value, &number);
    (void)json_view_whole(value, &whole);
    while (object ? json_view_next_member(&inside, &name, &item)
                  : json_view_next_item(&inside, &item)) {
        if (item.len == 0 || inside.len >= before)
            abort();
        before = inside.len;
        if (object)
            (void)json_view_text(name, room);
        walk(item, room);
    }
}

/* A level deeper than what came, it may be too deep. */
static void check_written(struct json_out *out)
{
    struct slice text = bytes_view(&out->bytes), value;
    struct json_fault fault;

    if (!out->bytes.failed && !json_view_check(text, WRITTEN_KEYS_MAX, &value, &fault) &&
        strcmp(fault.sentence, "more than 64 brackets are open") != 0)
        abort();
    bytes_free(&out->bytes);
}

static void write_all(const struct definition *definition)
{
    static void (*const writers[])(struct json_out *, const struct definition *) = {
        dashboard_write_timeboard,
        dashboard_write,
        dashboard_write_timeboard_row,
        dashboard_write_row,
    };

    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++) {
        struct json_out out = { .comma = false };

        writers[i](&out, definition);
        check_written(&out);
    }
}

/* Whether a text that was written is a value, now *out. */
static bool is_json(const struct bytes *bytes, struct slice *out)
{
    struct json_fault fault;

    return !bytes->failed && json_view_check(bytes_view(bytes), WRITTEN_KEYS_MAX, out, &fault);
}

static void check_query(struct slice text, const struct monitor_sight *sight)
{
    char problem[MONITOR_PROBLEM_MAX];
    struct monitor_query query;

    if (!monitor_query_read(text, &query, problem))
        return;
    monitor_query_look(&query, sight, 1000);
    (void)monitor_query_fits(&query, NULL);
}

/* What is given back can be taken again. */
static void check_monitor(struct slice body)
{
    struct definition definition = { .name = SLICE("17"), .number = 17 };
    char problem[MONITOR_PROBLEM_MAX];
    struct bytes kept = { 0 }, again = { 0 };
    struct json_out out = { .comma = false };
    struct monitor monitor;
    struct slice value;

    if (monitor_form_make(SLICE("{}"), body, &kept, problem)) {
        definition.body = bytes_view(&kept);
        if (!monitor_read(definition.body, &monitor, problem, sizeof problem))
            abort();
        struct monitor_sight sight = { &definition, &monitor, NULL, "" };

        json_out_begin(&out, NULL, '{');
        monitor_form_write(&out, &sight, true);
        json_out_end(&out, '}');
        if (!is_json(&out.bytes, &value) ||
            (!monitor_form_make(definition.body, value, &again, problem) &&
             value.len < MONITOR_BODY_MAX / 2))
            abort();
        check_query(monitor.query, &sight);
        monitor_free(&monitor);
    }
    bytes_free(&out.bytes);
    bytes_free(&kept);
    bytes_free(&again);
}

static void write_downtime(const struct definition *definition,
                           void (*write)(struct json_out *, const struct downtime_sight *))
{
    struct json_out out = { .comma = false };
    struct downtime_sight sight;

    downtime_form_look(definition, NULL, 1000, &sight);
    if (sight.problem[0] != '\0')
        abort();
    write(&out, &sight);
    downtime_form_look_away(&sight);
    check_written(&out);
}

static void check_downtime(struct slice body, bool is_v2)
{
    struct definition definition = { .name = SLICE("x"), .number = 17, .created_ms = 1000000 };
    char problem[DOWNTIME_PROBLEM_MAX];
    struct bytes kept = { 0 }, canceled = { 0 };
    struct slice value;

    if (downtime_form_make(SLICE("{}"), body, is_v2, 1000, &kept, problem) &&
        downtime_form_is_v2(bytes_view(&kept)) == is_v2) {
        definition.body = bytes_view(&kept);
        write_downtime(&definition, downtime_form_write);
        write_downtime(&definition, downtime_form_write_v2);
        downtime_form_cancel(definition.body, 1000, &canceled);
        if (!is_json(&canceled, &value))
            abort();
    }
    bytes_free(&kept);
    bytes_free(&canceled);
}

static void check_definitions(struct slice body)
{
    if (json_view_kind(body) != JSON_KIND_OBJECT)
        return;
    check_monitor(body);
    check_downtime(body, false);
    check_downtime(body, true);
}

static void check_dashboards(struct slice body)
{
    struct definition definition = { .name = SLICE("abc-def-ghi"), .number = 17, .body = body };
    char problem[DASHBOARD_PROBLEM_MAX];
    struct json_out numbered = { .comma = false };

    if (json_view_kind(body) != JSON_KIND_OBJECT)
        return;
    if (dashboard_check_timeboard(body, problem))
        write_all(&definition);
    if (!dashboard_check(body, problem))
        return;
    write_all(&definition);
    dashboard_number_widgets(&numbered, body, 1000);
    check_written(&numbered);
}

static void check_submitted(struct slice body)
{
    char problem[SUBMIT_PROBLEM_MAX] = "";
    struct slice list = json_view_member(body, "series");

    for (int form = SUBMIT_V1; form <= SUBMIT_DISTRIBUTION; form++)
        if (!submit_series_check((enum submit_form)form, list, problem) && problem[0] == '\0')
            abort();
}

static void check_lines(struct slice body)
{
    char problem[SUBMIT_SENTENCE_MAX];
    struct bytes check_line = { 0 }, event_line = { 0 };
    struct check check;
    struct event event;
    int64_t time_s;

    if (submit_check_line(&check_line, body, problem) &&
        check_parse(bytes_view(&check_line), &check) != PARSE_OK)
        abort();
    if (submit_event_line(&event_line, body, 1700000000, &time_s, problem) &&
        (event_parse(bytes_view(&event_line), &event) != PARSE_OK || event.time_s != time_s))
        abort();
    bytes_free(&check_line);
    bytes_free(&event_line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = { (const char *)data, size }, body;
    struct json_fault fault;

    if (!json_view_check(text, KEYS_MAX, &body, &fault)) {
        if (fault.at > size)
            abort();
        return 0;
    }
    char *room = malloc(size + 1);

    walk(body, room);
    free(room);
    check_dashboards(body);
    check_definitions(body);
    check_submitted(body);
    check_lines(body);
    return 0;
}
