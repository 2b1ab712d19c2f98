#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/asking.h"

static struct running running;

static int start(void **state)
{
    (void)state;
    return RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0") ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    return running_end(&running);
}

static json_t *ask(const char *method, const char *path, const char *json, int status)
{
    return asking_json(&running, method, path, json, status);
}

static void assert_error(const char *method, const char *path, const char *json, int status,
                         const char *sentence)
{
    asking_error(&running, method, path, json, status, sentence);
}

static const char *v1_path(const json_t *downtime)
{
    static char path[128];

    snprintf(path, sizeof path, "/api/v1/downtime/%lld",
             (long long)asking_number(downtime, "id"));
    return path;
}

static const char *v2_path(const char *uuid)
{
    static char path[128];

    snprintf(path, sizeof path, "/api/v2/downtime/%s", uuid);
    return path;
}

static json_t *attributes_of(const json_t *answer)
{
    return json_object_get(json_object_get(answer, "data"), "attributes");
}

static const char *item(const json_t *object, const char *list, size_t i)
{
    const char *text = json_string_value(json_array_get(json_object_get(object, list), i));

    return text != NULL ? text : "(none)";
}

/* ---- v1 ---------------------------------------------------------------- */

static void a_downtime_has_all_members_that_clients_read(void **state)
{
    json_t *made = ask("POST", "/api/v1/downtime",
                       "{\"scope\":\"env:prod,host:a\",\"start\":\"1900000000\",\"end\":"
                       "\"1900003600\",\"message\":null,\"recurrence\":null,\"mine\":1}",
                       200);
    (void)state;

    assert_true(asking_number(made, "id") > 0);
    assert_int_equal(strlen(asking_text(made, "uuid")), 36);
    assert_string_equal(item(made, "scope", 0), "env:prod");
    assert_string_equal(item(made, "scope", 1), "host:a");
    assert_int_equal(asking_number(made, "start"), 1900000000);
    assert_int_equal(asking_number(made, "end"), 1900003600);
    assert_string_equal(asking_text(made, "timezone"), "UTC");
    assert_string_equal(asking_text(made, "status"), "scheduled");
    assert_true(json_is_false(json_object_get(made, "active")));
    assert_true(json_is_false(json_object_get(made, "disabled")));
    assert_true(json_is_null(json_object_get(made, "canceled")));
    assert_true(json_is_null(json_object_get(made, "monitor_id")));
    assert_true(json_is_null(json_object_get(made, "recurrence")));
    assert_true(json_is_null(json_object_get(made, "parent_id")));
    assert_string_equal(item(made, "monitor_tags", 0), "*");
    assert_string_equal(item(made, "notify_end_types", 0), "expired");
    assert_int_equal(json_array_size(json_object_get(made, "notify_end_states")), 3);
    assert_int_equal(asking_number(made, "downtime_type"), 2);
    assert_int_equal(asking_number(made, "mine"), 1);
    assert_true(asking_number(made, "created") > 1600000000);
    json_decref(made);
}

static void one_is_changed_and_canceled_and_can_still_be_read(void **state)
{
    json_t *made = ask("POST", "/api/v1/downtime", "{\"scope\":[\"*\"]}", 200);
    (void)state;

    assert_string_equal(asking_text(made, "status"), "active");
    assert_true(json_is_true(json_object_get(made, "active")));
    assert_int_equal(asking_number(made, "downtime_type"), 0);
    json_t *changed =
        ask("PUT", v1_path(made), "{\"message\":\"night\",\"active\":false}", 200);

    assert_string_equal(asking_text(changed, "message"), "night");
    assert_true(json_is_true(json_object_get(changed, "active")));
    assert_int_equal(asking_number(changed, "start"), asking_number(made, "start"));
    char *text = json_dumps(changed, 0);

    json_decref(ask("PUT", v1_path(made), text, 200)); /* what was read can be written */
    free(text);
    json_decref(changed);
    assert_null(ask("DELETE", v1_path(made), NULL, 204));
    assert_null(ask("DELETE", v1_path(made), NULL, 204));
    json_t *gone = ask("GET", v1_path(made), NULL, 200);

    assert_string_equal(asking_text(gone, "status"), "canceled");
    assert_true(asking_number(gone, "canceled") > 1600000000);
    assert_true(json_is_true(json_object_get(gone, "disabled")));
    assert_true(json_is_false(json_object_get(gone, "active")));
    assert_true(asking_number(gone, "updater_id") > 0);
    json_decref(gone);
    assert_error("PUT", v1_path(made), "{}", 400, "this downtime was canceled: make another");
    json_decref(made);
    assert_error("GET", "/api/v1/downtime/0", NULL, 404, "Downtime not found");
    assert_error("PUT", "/api/v1/downtime/0", "{}", 404, "Downtime not found");
    assert_error("DELETE", "/api/v1/downtime/0", NULL, 404, "Downtime 0 not found");
}

static void what_recurs_is_given_back_as_it_was_said(void **state)
{
    json_t *made = ask("POST", "/api/v1/downtime",
                       "{\"scope\":\"*\",\"monitor_id\":17,\"timezone\":\"Europe/Paris\","
                       "\"start\":1900000000,\"end\":1900050400,\"recurrence\":{\"type\":"
                       "\"weeks\",\"period\":\"1\",\"week_days\":[\"Mon\",\"Tue\"]}}",
                       200);
    json_t *recurrence = json_object_get(made, "recurrence");
    (void)state;

    assert_int_equal(asking_number(made, "monitor_id"), 17);
    assert_string_equal(asking_text(made, "timezone"), "Europe/Paris");
    assert_string_equal(asking_text(recurrence, "type"), "weeks");
    assert_int_equal(asking_number(recurrence, "period"), 1);
    assert_string_equal(item(recurrence, "week_days", 1), "Tue");
    assert_true(json_is_null(json_object_get(recurrence, "until_date")));
    assert_true(json_is_null(json_object_get(recurrence, "until_occurrences")));

    json_t *other = ask("GET", v2_path(asking_text(made, "uuid")), NULL, 200);
    json_t *schedule = json_object_get(attributes_of(other), "schedule");
    json_t *rule = json_array_get(json_object_get(schedule, "recurrences"), 0);

    assert_string_equal(asking_text(schedule, "timezone"), "Europe/Paris");
    assert_string_equal(asking_text(rule, "rrule"), "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU");
    assert_string_equal(asking_text(rule, "duration"), "14h");
    assert_string_equal(asking_text(json_object_get(schedule, "current_downtime"), "start"),
                        "2030-03-17T17:46:40.000000+00:00");
    json_decref(other);
    json_decref(made);
}

static void what_is_wrong_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *json, *sentence;
    } cases[] = {
        { "{}", "Invalid scope parameter" },
        { "{\"scope\":\"*\",\"start\":5,\"end\":4}", "'end' is not behind 'start'" },
        { "{\"scope\":\"*\",\"start\":5,\"end\":9,\"recurrence\":{\"type\":\"odd\"}}",
          "Invalid recurrence type" },
        { "{\"scope\":\"*\",\"start\":5,\"end\":9,\"recurrence\":{\"type\":\"weeks\","
          "\"period\":"
          "1,\"week_days\":[\"mon\"]}}",
          "Invalid set of days in week_days. Be sure that the first letter is capitalized." },
        { "{\"scope\":\"*\",\"start\":5,\"end\":9,\"recurrence\":{\"type\":\"days\",\"until_"
          "date"
          "\":99,\"until_occurrences\":2}}",
          "You must provide only provide one of (until_occurrences, until_date)" },
        { "{\"scope\":\"*\",\"timezone\":\"Nowhere/City\"}",
          "there is no time zone of that name: Nowhere/City" },
        { "{\"scope\":\"*\",\"start\":5,\"end\":9,\"recurrence\":{\"type\":\"rrule\",\"rrule\":"
          "\"FREQ=DAILY;EXDATE=20261201\"}}",
          "'EXDATE' is no part of a rule of RFC 5545" },
        { "{\"scope\":\"*\",\"start\":5,\"end\":9,\"recurrence\":{\"type\":\"days\",\"period\":"
          "99999}}",
          "a rule of RFC 5545 has no INTERVAL=99999" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_error("POST", "/api/v1/downtime", cases[i].json, 400, cases[i].sentence);
}

static size_t listed(const char *path, const char *member)
{
    json_t *list = ask("GET", path, NULL, 200);
    size_t n = json_array_size(member != NULL ? json_object_get(list, member) : list);

    json_decref(list);
    return n;
}

static void those_of_a_scope_are_canceled_together(void **state)
{
    json_t *one = ask("POST", "/api/v1/downtime", "{\"scope\":\"env:prod,host:a\"}", 200);
    json_t *two = ask("POST", "/api/v1/downtime", "{\"scope\":[\"host:a\",\"env:prod\"]}", 200);
    (void)state;

    json_decref(
        ask("POST", "/api/v1/downtime", "{\"scope\":\"env:prod\",\"start\":1900000000}", 200));
    assert_int_equal(listed("/api/v1/downtime", NULL), 3);
    assert_int_equal(listed("/api/v1/downtime?current_only=true", NULL), 2);
    json_t *answer =
        ask("POST", "/api/v1/downtime/cancel/by_scope", "{\"scope\":\"env:prod,host:a\"}", 200);
    json_t *ids = json_object_get(answer, "cancelled_ids");

    assert_int_equal(json_array_size(ids), 2);
    assert_int_equal(json_integer_value(json_array_get(ids, 0)), asking_number(two, "id"));
    assert_int_equal(json_integer_value(json_array_get(ids, 1)), asking_number(one, "id"));
    json_decref(answer);
    assert_error("POST", "/api/v1/downtime/cancel/by_scope", "{\"scope\":\"env:prod,host:a\"}",
                 404, "No downtimes found");
    assert_error("POST", "/api/v1/downtime/cancel/by_scope", "{}", 400,
                 "Invalid scope parameter");
    assert_int_equal(listed("/api/v1/downtime", NULL), 3);
    assert_int_equal(listed("/api/v1/downtime?current_only=true", NULL), 0);
    json_decref(one);
    json_decref(two);
}

static void all_monitors_are_muted_by_one_and_heard_again(void **state)
{
    json_t *made = ask("POST", "/api/v1/monitor/mute_all", "", 200);
    json_t *again = ask("POST", "/api/v1/monitor/mute_all", "{}", 200);
    (void)state;

    assert_string_equal(item(made, "scope", 0), "*");
    assert_true(json_is_true(json_object_get(made, "active")));
    assert_true(json_is_null(json_object_get(made, "end")));
    assert_int_equal(asking_number(made, "downtime_type"), 0);
    assert_int_equal(asking_number(again, "id"), asking_number(made, "id"));
    assert_null(ask("POST", "/api/v1/monitor/unmute_all", "", 204));
    assert_int_equal(listed("/api/v1/downtime?current_only=true", NULL), 0);
    assert_null(ask("POST", "/api/v1/monitor/unmute_all", "", 204));
    json_decref(again);
    json_decref(made);
}

/* ---- v2 ---------------------------------------------------------------- */

#define V2(attributes) "{\"data\":{\"type\":\"downtime\",\"attributes\":{" attributes "}}}"

static void a_downtime_of_v2_is_made_changed_and_canceled(void **state)
{
    json_t *made =
        ask("POST", "/api/v2/downtime",
            V2("\"scope\":\"env:(staging OR prod) AND host:a\",\"message\":\"x\","
               "\"monitor_identifier\":{\"monitor_tags\":[\"team:web\"]},"
               "\"schedule\":{\"start\":null,\"end\":\"2040-01-01T00:00:00+01:00\"}"),
            200);
    json_t *attributes = attributes_of(made), *data = json_object_get(made, "data");
    char path[128];
    (void)state;

    snprintf(path, sizeof path, "%s", v2_path(asking_text(data, "id")));
    assert_int_equal(strlen(asking_text(data, "id")), 36);
    assert_string_equal(asking_text(data, "type"), "downtime");
    assert_string_equal(asking_text(attributes, "scope"), "env:(staging OR prod) AND host:a");
    assert_string_equal(asking_text(attributes, "status"), "active");
    assert_string_equal(asking_text(attributes, "display_timezone"), "UTC");
    assert_string_equal(asking_text(json_object_get(attributes, "schedule"), "end"),
                        "2039-12-31T23:00:00.000000+00:00");
    assert_true(
        json_is_string(json_object_get(json_object_get(attributes, "schedule"), "start")));
    assert_true(json_is_null(json_object_get(attributes, "canceled")));
    assert_non_null(json_object_get(json_object_get(data, "relationships"), "created_by"));
    assert_true(json_is_array(json_object_get(made, "included")));
    json_decref(made);

    json_t *changed = ask("PATCH", path, V2("\"message\":\"y\",\"status\":\"ended\""), 200);

    assert_string_equal(asking_text(attributes_of(changed), "message"), "y");
    assert_string_equal(asking_text(attributes_of(changed), "status"), "active");
    json_decref(changed);
    assert_null(ask("DELETE", path, NULL, 204));
    json_t *gone = ask("GET", path, NULL, 200);

    assert_string_equal(asking_text(attributes_of(gone), "status"), "canceled");
    assert_true(json_is_string(json_object_get(attributes_of(gone), "canceled")));
    json_decref(gone);
}

static void what_v2_says_of_times_comes_back_as_it_was_said(void **state)
{
    json_t *made =
        ask("POST", "/api/v2/downtime",
            V2("\"scope\":\"*\",\"monitor_identifier\":{\"monitor_id\":17},"
               "\"schedule\":{\"timezone\":\"Europe/Paris\",\"recurrences\":[{\"rrule"
               "\":\"FREQ=WEEKLY;BYDAY=SA,SU\",\"duration\":\"1d\",\"start\":"
               "\"2026-11-28T00:00:00\"}]}"),
            200);
    json_t *schedule = json_object_get(attributes_of(made), "schedule");
    json_t *rule = json_array_get(json_object_get(schedule, "recurrences"), 0);
    json_t *monitor = json_object_get(
        json_object_get(json_object_get(json_object_get(made, "data"), "relationships"),
                        "monitor"),
        "data");
    (void)state;

    assert_string_equal(asking_text(schedule, "timezone"), "Europe/Paris");
    assert_string_equal(asking_text(rule, "start"), "2026-11-28T00:00:00");
    assert_string_equal(asking_text(rule, "duration"), "1d");
    assert_null(json_object_get(schedule, "current_downtime")); /* nobody knows it yet */
    assert_string_equal(asking_text(monitor, "id"), "17");

    json_t *list = ask("GET", "/api/v1/downtime", NULL, 200), *one = json_array_get(list, 0);

    assert_int_equal(asking_number(one, "monitor_id"), 17); /* v1 shows it, too */
    assert_string_equal(asking_text(json_object_get(one, "recurrence"), "rrule"),
                        "FREQ=WEEKLY;BYDAY=SA,SU");
    assert_error("PUT", v1_path(one), "{}", 400,
                 "this downtime was made by /api/v2/downtime: change it there");
    json_decref(list);
    json_decref(made);
}

static void v2_takes_over_what_v1_made_when_all_of_it_is_said(void **state)
{
    json_t *made = ask("POST", "/api/v1/downtime",
                       "{\"scope\":\"env:a\",\"start\":1796061600,\"end\":1796112000,"
                       "\"message\":\"of v1\",\"monitor_tags\":[\"team:web\"]}",
                       200);
    char path[128];
    (void)state;

    snprintf(path, sizeof path, "/api/v2/downtime/%s", asking_text(made, "uuid"));
    assert_error("PATCH", path, V2("\"message\":\"of v2\""), 400,
                 "this downtime was made by /api/v1/downtime: change it there");
    json_decref(ask("PATCH", path,
                    V2("\"scope\":\"env:b\",\"monitor_identifier\":{\"monitor_id\":17},"
                       "\"schedule\":{\"start\":null,\"end\":\"2040-01-01T00:00:00+00:00\"}"),
                    200));

    json_t *one = ask("GET", v1_path(made), NULL, 200);

    assert_string_equal(item(one, "scope", 0), "env:b");
    assert_string_equal(item(one, "monitor_tags", 0), "*");
    assert_int_equal(asking_number(one, "monitor_id"), 17);
    assert_true(json_is_null(json_object_get(one, "message")));
    json_decref(ask("PATCH", path, V2("\"message\":\"of v2\""), 200));
    json_decref(one);
    json_decref(made);
}

static void v2_refuses_with_its_own_sentences(void **state)
{
    static const char nobody[] = "/api/v2/downtime/00000000-0000-1234-0000-000000000000";
    (void)state;

    assert_error("POST", "/api/v2/downtime", "{}", 400,
                 "expected {\"data\":{\"type\":\"downtime\",\"attributes\":{...}}}");
    assert_error("POST", "/api/v2/downtime", V2("\"scope\":\"env:a\""), 400,
                 "'monitor_identifier' has a monitor_id, or monitor_tags");
    assert_error("POST", "/api/v2/downtime",
                 V2("\"scope\":\"word\",\"monitor_identifier\":{\"monitor_tags\":[\"*\"]}"),
                 400, "All values must have a key");
    assert_error("GET", nobody, NULL, 404,
                 "Downtime 00000000-0000-1234-0000-000000000000 not found");
    assert_error("PATCH", nobody, V2(""), 404,
                 "Downtime 00000000-0000-1234-0000-000000000000 not found");
    assert_error("DELETE", nobody, NULL, 404,
                 "Downtime 00000000-0000-1234-0000-000000000000 not found");
}

static void lists_of_v2_come_in_pages(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        json_decref(ask("POST", "/api/v2/downtime",
                        V2("\"scope\":\"*\",\"monitor_identifier\":{\"monitor_tags\":[\"*\"]}"),
                        200));
    json_t *list =
        ask("GET", "/api/v2/downtime?page%5Boffset%5D=1&page%5Blimit%5D=1", NULL, 200);
    json_t *page = json_object_get(json_object_get(list, "meta"), "page");

    assert_int_equal(json_array_size(json_object_get(list, "data")), 1);
    assert_int_equal(asking_number(page, "total_filtered_count"), 3);
    json_decref(list);
    assert_int_equal(listed("/api/v2/downtime?current_only=true", "data"), 3);
}

static void a_monitor_says_which_are_about_it(void **state)
{
    json_t *monitor = ask("POST", "/api/v1/monitor",
                          "{\"type\":\"metric alert\",\"name\":\"m\",\"tags\":[\"team:web\"],"
                          "\"query\":\"avg(last_5m):avg:m{*} > 1\"}",
                          200);
    long long id = (long long)asking_number(monitor, "id");
    char json[160], path[128];
    (void)state;

    snprintf(json, sizeof json, "{\"scope\":\"*\",\"monitor_id\":%lld}", id);
    json_decref(ask("POST", "/api/v1/downtime", json, 200));
    snprintf(json, sizeof json, "{\"scope\":\"*\",\"monitor_id\":%lld}", id + 1);
    json_decref(ask("POST", "/api/v1/downtime", json, 200));
    json_decref(ask("POST", "/api/v1/downtime",
                    "{\"scope\":\"*\",\"monitor_tags\":[\"team:web\"],\"start\":1900000000}",
                    200));
    snprintf(path, sizeof path, "/api/v1/monitor/%lld/downtimes", id);
    assert_int_equal(listed(path, NULL), 2);
    snprintf(path, sizeof path, "/api/v2/monitor/%lld/downtime_matches", id);
    assert_int_equal(listed(path, "data"), 1); /* the other does not hold yet */
    snprintf(path, sizeof path, "/api/v1/monitor/%lld?with_downtimes=true", id);
    assert_int_equal(listed(path, "matching_downtimes"), 1);
    assert_error("GET", "/api/v2/monitor/0/downtime_matches", NULL, 404, "Monitor not found");
    json_decref(monitor);
}

/* Of a rule a program is asked, which is not there in this test; that it is not is said. */
static void what_lies_in_a_week_is_told(void **state)
{
    json_t *once = ask("POST", "/api/v1/downtime",
                       "{\"scope\":\"*\",\"start\":1900000000,\"end\":1900003600}", 200);
    json_t *daily = ask("POST", "/api/v1/downtime",
                        "{\"scope\":\"*\",\"start\":1900000000,\"end\":1900003600,"
                        "\"recurrence\":{\"type\":\"days\"}}",
                        200);
    char path[160];
    (void)state;

    snprintf(path, sizeof path, "/api/v2/downtime/%s/occurrences?from=1900000000&to=1900086400",
             asking_text(once, "uuid"));
    json_t *answer = ask("GET", path, NULL, 200);
    json_t *one = json_array_get(json_object_get(answer, "occurrences"), 0);

    assert_int_equal(asking_number(one, "start"), 1900000000);
    assert_int_equal(asking_number(one, "end"), 1900003600);
    assert_int_equal(asking_number(answer, "to"), 1900086400);
    json_decref(answer);
    snprintf(path, sizeof path, "/api/v2/downtime/%s/occurrences?from=1900003600&to=1900086400",
             asking_text(once, "uuid"));
    assert_int_equal(listed(path, "occurrences"), 0);
    snprintf(path, sizeof path, "/api/v2/downtime/%s/occurrences?from=5&to=5",
             asking_text(once, "uuid"));
    assert_error("GET", path, NULL, 400,
                 "expected from and to, in seconds since 1970, 32 days apart at most");
    snprintf(path, sizeof path, "/api/v2/downtime/%s/occurrences?from=5&to=9",
             asking_text(daily, "uuid"));
    json_decref(ask("GET", path, NULL, 503));
    assert_error("GET", "/api/v2/downtime/x/occurrences?from=5&to=9", NULL, 404,
                 "Downtime x not found");
    json_decref(once);
    json_decref(daily);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_downtime_has_all_members_that_clients_read),
        TEST(one_is_changed_and_canceled_and_can_still_be_read),
        TEST(what_recurs_is_given_back_as_it_was_said),
        TEST(what_is_wrong_is_refused_with_a_sentence),
        TEST(those_of_a_scope_are_canceled_together),
        TEST(all_monitors_are_muted_by_one_and_heard_again),
        TEST(a_downtime_of_v2_is_made_changed_and_canceled),
        TEST(what_v2_says_of_times_comes_back_as_it_was_said),
        TEST(v2_takes_over_what_v1_made_when_all_of_it_is_said),
        TEST(v2_refuses_with_its_own_sentences),
        TEST(lists_of_v2_come_in_pages),
        TEST(a_monitor_says_which_are_about_it),
        TEST(what_lies_in_a_week_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
