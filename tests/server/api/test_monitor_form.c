#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "server/api/downtime_form.h"
#include "server/api/monitor_query.h"

#define BODY                                                                                \
    "{\"type\":\"metric alert\",\"name\":\"cpu of webs\",\"tags\":[\"team:web\"],\"query\"" \
    ":\"avg(last_5m):avg:cpu{*} by {host} > 90\",\"options\":{\"silenced\":{}}}"

/* A monitor with two groups, one of them in Alert. */
struct scene {
    struct definition definition;
    struct monitors monitors;
    struct monitor monitor;
    struct monitor_sight sight;
};

static struct scene scene;

static int set_up(void **state)
{
    char problem[MONITOR_PROBLEM_MAX];
    struct slice body = SLICE(BODY);
    (void)state;

    scene.definition = (struct definition){
        .kind = DEFINITION_MONITOR, .name = SLICE("7"), .number = 7, .body = body
    };
    if (!monitors_define(&scene.monitors, 7, body, problem, sizeof problem) ||
        !monitor_read(body, &scene.monitor, problem, sizeof problem))
        return -1;
    struct watched_monitor *watched = monitors_find(&scene.monitors, 7);
    struct watched_group *hot =
        watched_monitor_need(watched, SLICE("host:a"), SLICE("a"), 1000);
    struct watched_group *cold =
        watched_monitor_need(watched, SLICE("host:b"), SLICE("b"), 1000);

    if (hot == NULL || cold == NULL)
        return -1;
    hot->state.state = MONITOR_ALERT;
    hot->state.last_triggered_s = 1200;
    hot->notified_s = 1260;
    hot->state.changed_s = 1200;
    cold->is_muted = true;
    scene.sight = (struct monitor_sight){ &scene.definition, &scene.monitor, watched, "" };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    monitor_free(&scene.monitor);
    monitors_free(&scene.monitors);
    return 0;
}

static json_t *parsed(struct json_out *given)
{
    json_t *json = json_loadb((const char *)given->bytes.at, given->bytes.len, 0, NULL);

    assert_non_null(json);
    bytes_free(&given->bytes);
    return json;
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void an_answer_has_the_states_of_the_last_evaluation(void **state)
{
    struct json_out out = { .comma = false };
    size_t left = MONITOR_STATES_MAX;
    (void)state;

    json_out_begin(&out, NULL, '{');
    monitor_form_write(&out, &scene.sight, true);
    monitor_form_states(&out, scene.sight.watched, ~0U, &left);
    json_out_end(&out, '}');
    json_t *json = parsed(&out);
    json_t *groups = json_object_get(json_object_get(json, "state"), "groups");
    json_t *hot = json_object_get(groups, "host:a");

    assert_string_equal(text_of(json, "overall_state"), "Alert");
    assert_string_equal(text_of(json, "overall_state_modified"),
                        "1970-01-01T00:20:00.000000+00:00");
    assert_int_equal(json_object_size(groups), 2);
    assert_string_equal(text_of(hot, "name"), "host:a");
    assert_string_equal(text_of(hot, "status"), "Alert");
    assert_int_equal(json_integer_value(json_object_get(hot, "last_triggered_ts")), 1200);
    assert_int_equal(json_integer_value(json_object_get(hot, "last_notified_ts")), 1260);
    assert_true(json_is_null(json_object_get(hot, "last_resolved_ts")));
    assert_int_equal(left, MONITOR_STATES_MAX - 2);
    json_decref(json);
}

/* And what comes back with a client does not stay. */
static void why_it_could_not_be_evaluated_is_told(void **state)
{
    struct watched_monitor *watched = monitors_find(&scene.monitors, 7);
    struct json_out out = { .comma = false };
    char problem[MONITOR_PROBLEM_MAX];
    struct bytes body = { 0 };
    (void)state;

    snprintf(watched->problem, sizeof watched->problem, "400: too many series");
    json_out_begin(&out, NULL, '{');
    monitor_form_write(&out, &scene.sight, true);
    json_out_end(&out, '}');
    watched->problem[0] = '\0';
    assert_true(monitor_form_make(SLICE("{}"), bytes_view(&out.bytes), &body, problem));
    assert_null(memmem(body.at, body.len, "too many", 8));
    bytes_free(&body);
    json_t *json = parsed(&out);

    assert_string_equal(text_of(json, "problem"), "400: too many series");
    json_decref(json);
}

static void what_a_former_program_kept_keeps_its_name(void **state)
{
    struct monitor none = { .room = NULL };
    struct monitor_sight sight = { &scene.definition, &none, NULL, "no query any more" };
    struct json_out out = { .comma = false };
    (void)state;

    json_out_begin(&out, NULL, '{');
    monitor_form_write(&out, &sight, true);
    json_out_end(&out, '}');
    json_t *json = parsed(&out);

    assert_string_equal(text_of(json, "name"), "cpu of webs");
    assert_string_equal(text_of(json, "overall_state"), "No Data");
    assert_string_equal(text_of(json, "problem"), "no query any more");
    json_decref(json);
}

static void states_are_chosen_and_bounded(void **state)
{
    struct json_out out = { .comma = false };
    size_t left = 1;
    (void)state;

    json_out_begin(&out, NULL, '[');
    for (int i = 0; i < 3; i++) {
        json_out_begin(&out, NULL, '{');
        monitor_form_states(&out, scene.sight.watched, i == 0 ? 1U << MONITOR_WARN : ~0U,
                            &left);
        json_out_end(&out, '}');
    }
    json_out_end(&out, ']');
    json_t *json = parsed(&out);

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(json_object_size(json_object_get(
                             json_object_get(json_array_get(json, i), "state"), "groups")),
                         i == 1 ? 1 : 0);
    json_decref(json);
}

static bool fits(const char *text, const struct watched_group *group)
{
    char problem[MONITOR_PROBLEM_MAX];
    struct monitor_query query;

    if (!monitor_query_read(slice_of(text), &query, problem))
        fail_msg("%s: %s", text, problem);
    monitor_query_look(&query, &scene.sight, 2000);
    return group != NULL ? monitor_query_fits_group(&query, group)
                         : monitor_query_fits(&query, scene.sight.watched);
}

static void a_search_is_about_the_monitor_or_a_group(void **state)
{
    static const struct {
        const char *text;
        bool monitor, hot, cold;
    } cases[] = {
        { "", true, true, true },
        { "status:alert", true, true, false },
        { "-status:alert", false, false, true },
        { "muted:true", true, false, true },
        { "host:b", false, false, true },
        { "group:\"host:a\"", true, true, false },
        { "-group:host:A", false, false, true },
        { "group:host:c", false, false, false },
        { "WEBS tag:team", true, true, true },
        { "type:metric name:cpu query:\"by {host}\"", true, true, true },
        { "id:7", true, true, true },
        { "id:8", false, false, false },
        { "status:\"no data\"", false, false, false },
    };
    const struct watched_monitor *watched = scene.sight.watched;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (fits(cases[i].text, NULL) != cases[i].monitor ||
            fits(cases[i].text, watched->groups[0]) != cases[i].hot ||
            fits(cases[i].text, watched->groups[1]) != cases[i].cold)
            fail_msg("%s", cases[i].text);
}

static bool is_about(const char *body)
{
    struct definition definition = {
        .kind = DEFINITION_DOWNTIME, .name = SLICE("d"), .number = 1, .body = slice_of(body)
    };
    struct downtime_sight sight;

    downtime_form_look(&definition, NULL, 2000, &sight);
    bool about = downtime_form_is_about(&sight, &scene.sight);

    downtime_form_look_away(&sight);
    return about;
}

static void a_downtime_is_about_a_monitor_by_a_group_of_it(void **state)
{
    (void)state;
    assert_true(is_about("{\"scope\":\"*\"}"));
    assert_true(is_about("{\"scope\":\"host:b\",\"monitor_id\":7}"));
    assert_false(is_about("{\"scope\":\"host:c\",\"monitor_id\":7}"));
    assert_false(is_about("{\"scope\":\"*\",\"monitor_id\":8}"));
    assert_true(is_about("{\"scope\":\"*\",\"monitor_tags\":[\"team:web\"]}"));
    assert_false(is_about("{\"scope\":\"*\",\"monitor_tags\":[\"team:db\"]}"));
}

static void the_status_of_a_downtime_follows_the_clock(void **state)
{
    static const struct {
        const char *body;
        int64_t now_s;
        enum downtime_status status;
    } cases[] = {
        { "{\"scope\":\"*\",\"start\":100,\"end\":200}", 99, DOWNTIME_SCHEDULED },
        { "{\"scope\":\"*\",\"start\":100,\"end\":200}", 100, DOWNTIME_ACTIVE },
        { "{\"scope\":\"*\",\"start\":100,\"end\":200}", 200, DOWNTIME_ENDED },
        { "{\"scope\":\"*\",\"start\":100}", 900, DOWNTIME_ACTIVE },
        { "{\"scope\":\"*\",\"start\":100,\"canceled\":150}", 160, DOWNTIME_CANCELED },
        { "{\"scope\":\"*\",\"start\":100,\"end\":200,\"recurrence\":{\"type\":\"days\","
          "\"period\":1}}",
          300, DOWNTIME_SCHEDULED },
        { "{\"scope\":\"*\",\"start\":100,\"end\":200,\"recurrence\":{\"type\":\"days\","
          "\"period\":1,\"until_date\":86400}}",
          86400, DOWNTIME_SCHEDULED },
        { "{\"scope\":\"*\",\"start\":100,\"end\":200,\"recurrence\":{\"type\":\"days\","
          "\"period\":1,\"until_date\":86400}}",
          4 * 86400, DOWNTIME_ENDED },
        { "{\"scope\":\"*\",\"monitor_identifier\":{\"monitor_tags\":[\"*\"]},\"schedule\":{"
          "\"recurrences\":[{\"rrule\":\"FREQ=DAILY;UNTIL=19700102T000000Z\",\"duration\":"
          "\"1h\"}]}}",
          5 * 86400, DOWNTIME_ENDED },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct definition definition = { .kind = DEFINITION_DOWNTIME,
                                         .name = SLICE("d"),
                                         .body = slice_of(cases[i].body) };
        struct downtime_sight sight;

        downtime_form_look(&definition, NULL, cases[i].now_s, &sight);
        assert_string_equal(sight.problem, "");
        if (sight.status != cases[i].status)
            fail_msg("%s: %d", cases[i].body, (int)sight.status);
        assert_int_equal(downtime_form_body(&definition).len == 0,
                         cases[i].status == DOWNTIME_CANCELED);
        downtime_form_look_away(&sight);
    }
}

/* A former program took it: it is still there to be changed or canceled, and says so. */
static void a_downtime_that_cannot_be_read_is_seen_with_its_problem(void **state)
{
    static const char *const bodies[] = {
        "{\"scope\":[\"bare\"],\"message\":\"night\"}",
        "{\"scope\":\"a:(b\",\"message\":\"night\",\"monitor_identifier\":{\"monitor_id\":7}}",
        "{\"scope\":7,\"message\":\"night\",\"recurrence\":[]}",
    };
    (void)state;

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct definition definition = { .kind = DEFINITION_DOWNTIME,
                                         .name = SLICE("d"),
                                         .number = 1,
                                         .created_ms = 1000000,
                                         .body = slice_of(bodies[i]) };
        struct json_out v1 = { .comma = false }, v2 = { .comma = false };
        struct downtime_sight sight;

        downtime_form_look(&definition, NULL, 2000, &sight);
        downtime_form_write(&v1, &sight);
        downtime_form_write_v2(&v2, &sight);
        json_t *one = parsed(&v1), *other = parsed(&v2);
        json_t *attributes = json_object_get(other, "attributes");

        assert_string_equal(text_of(one, "message"), "night");
        assert_string_equal(text_of(one, "status"), "scheduled");
        assert_string_equal(text_of(one, "problem"), sight.problem);
        assert_string_equal(text_of(attributes, "problem"), sight.problem);
        assert_string_not_equal(sight.problem, "");
        assert_false(downtime_form_is_about(&sight, &scene.sight));
        downtime_form_look_away(&sight);
        json_decref(one);
        json_decref(other);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_answer_has_the_states_of_the_last_evaluation),
        TEST(why_it_could_not_be_evaluated_is_told),
        TEST(what_a_former_program_kept_keeps_its_name),
        TEST(states_are_chosen_and_bounded),
        TEST(a_search_is_about_the_monitor_or_a_group),
        TEST(a_downtime_is_about_a_monitor_by_a_group_of_it),
        TEST(the_status_of_a_downtime_follows_the_clock),
        TEST(a_downtime_that_cannot_be_read_is_seen_with_its_problem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
