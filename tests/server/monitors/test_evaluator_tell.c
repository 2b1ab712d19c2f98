/* What a message says, and what it leaves out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/evaluator_minutes.h"

#define BY_HOST                                                                      \
    "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} by {host} > 10\"," \
    "\"name\":\"load\",\"message\":\"{{host.name}} ({{host.ip}}) @webhook-pager\","  \
    "\"options\":{\"notify_no_data\":true,\"no_data_timeframe\":10,\"new_group_delay\":0}}"

/* Of a host that is silent it says where it was, by this program and by the one behind it. */
static void a_silent_host_keeps_its_address(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, BY_HOST);
    world.address = "10.0.0.7";
    value(evaluator, "host:a", 1, 9);
    value(evaluator, "host:a", 2, 11);
    assert_int_equal(world.n_sent, 1);
    assert_true(says(world.sent[0], "a (10.0.0.7)"));
    world.address = NULL;
    value(evaluator, "host:a", 3, 9);
    assert_true(says(world.sent[1], "a (10.0.0.7)"));
    evaluator_free(evaluator);

    evaluator = begin();
    define(evaluator, 7, BY_HOST);
    evaluator_world_restore(&world, evaluator);
    for (int minute = 4; minute < 16; minute++)
        value(evaluator, "host:b", minute, 9);
    is_sent(world.n_sent - 1, MONITOR_NO_DATA, "[No data on {host:a}] load");
    assert_true(says(world.sent[world.n_sent - 1], "a (10.0.0.7)"));
    world.address = "10.0.0.8"; /* it is elsewhere now */
    value(evaluator, "host:a", 16, 11);
    assert_true(says(world.sent[world.n_sent - 1], "a (10.0.0.8)"));
    evaluator_free(evaluator);
}

/* They are asked for all at once, while a message wants some. */
static void a_message_has_tags_of_its_host(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, BY_HOST);
    value(evaluator, "host:a", 1, 9);
    assert_int_equal(world.asked_host_tags, 0);
    world.host_tags = "{\"tags\":{\"env:prod\":[\"b\",\"a\"],\"role:w\\u00e9b\":[\"a\"],"
                      "\"role:db\":[\"a\",\"c\"],\"x\":[]}}";
    define(evaluator, 8,
           "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} by {host} > 10\","
           "\"message\":\"in {{host.env}} as {{host.role}}, {{host.rack}}. @webhook-pager\","
           "\"options\":{\"new_group_delay\":0}}");
    value(evaluator, "host:a", 2, 11);
    assert_int_equal(world.asked_host_tags, 1);
    assert_int_equal(world.n_sent, 2);
    assert_true(says(world.sent[1], "in prod as db,w\xc3\xa9\x62, . "));
    world.host_tags = NULL; /* the flusher cannot say: what was known is */
    for (int minute = 3; minute < 15; minute++)
        value(evaluator, "host:a", minute, 9);
    assert_true(says(world.sent[world.n_sent - 1], "in prod as db,"));
    assert_int_equal(world.asked_host_tags, 13); /* once a minute */
    value(evaluator, "host:d", 15, 11);          /* of which nothing is known */
    assert_true(says(world.sent[world.n_sent - 1], "in  as , . "));
    evaluator_forget(evaluator, 8);
    int asked = world.asked_host_tags;

    value(evaluator, "host:a", 40, 9);
    assert_int_equal(world.asked_host_tags, asked);
    evaluator_free(evaluator);
}

static char painted[2048]; /* the definition of the last picture */

static void paint_nothing(void *self, struct slice definition,
                          void (*tell)(void *argument, struct bytes *picture), void *argument)
{
    struct bytes none = { 0 };

    (void)self;
    snprintf(painted, sizeof painted, "%.*s", (int)definition.len, definition.at);
    tell(argument, &none);
}

static void answer_points(void *self, const struct inquiry *inquiry,
                          void (*tell)(void *argument, int status, struct slice json),
                          void *argument)
{
    const char *groups = "{\"groups\":[{\"group\":\"*\",\"value\":11,\"last_s\":1796061660}]}";

    (void)self;
    tell(argument, 200,
         inquiry->kind == INQUIRY_QUERY ? SLICE("{\"series\":[]}") : slice_of(groups));
}

/* A picture is titled with the query, and not where that is hidden. */
static void a_picture_says_no_query_that_is_hidden(void **state)
{
    static const char *const presets[] = { "show_all", "hide_query" };
    struct evaluator_needs needs = evaluator_world_needs(&world);

    (void)state;
    needs.paint = paint_nothing;
    needs.ask = answer_points;
    for (size_t i = 0; i < 2; i++) {
        struct evaluator *evaluator = evaluator_new(&needs);
        char body[512];

        assert_non_null(evaluator);
        snprintf(body, sizeof body, SIMPLE "\"notification_preset_name\":\"%s\"" ENDS,
                 presets[i]);
        define(evaluator, 7, body);
        go_to(evaluator, 1);
        assert_int_equal(world.n_sent, i + 1);
        assert_non_null(strstr(painted, i == 0 ? "avg:x{*}" : "load"));
        assert_null(strstr(painted, i == 0 ? "load" : "avg:x{*}"));
        evaluator_free(evaluator);
    }
}

static void a_preset_hides_what_it_says(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7,
           "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} > 10\",\"priority\":4,"
           "\"message\":\"high at {{local_time 'last_triggered_at' 'Asia/Tokyo'}}"
           "{{override_priority 'P2'}} @webhook-pager\","
           "\"options\":{\"notification_preset_name\":\"hide_all\"}}");
    value(evaluator, "*", 1, 11);
    is_sent(0, MONITOR_ALERT, "[Triggered] a monitor"); /* it has no name */
    assert_true(slice_equal(world.sent[0]->receiver, SLICE("webhook-pager")));
    assert_true(says(world.sent[0], "high at 2026-12-01 03:01:00+09:00 "));
    assert_false(says(world.sent[0], "@"));
    assert_int_equal(world.sent[0]->query.len, 0);
    assert_int_equal(world.sent[0]->link.len, 0);
    assert_int_equal(world.sent[0]->priority, 2);
    define(evaluator, 8, SIMPLE "\"notification_preset_name\":\"hide_handles\"" ENDS);
    value(evaluator, "*", 2, 11);
    assert_false(says(world.sent[1], "someone@"));
    assert_true(world.sent[1]->query.len > 0 && world.sent[1]->link.len > 0);
    assert_int_equal(world.sent[1]->priority, 0);
    evaluator_free(evaluator);
}

static void says_what_it_doubts(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, SIMPLE ENDS);
    world.lost_s = START_S;
    value(evaluator, "*", 1, 11);
    assert_true(says(world.sent[0], "Values were lost or shed within this window"));
    value(evaluator, "*", 20, 9);
    assert_false(says(world.sent[1], "Values were lost"));
    evaluator_free(evaluator);
}

/* As Datadog's have; it tells nobody. */
static void a_title_has_tags_of_its_group(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7,
           "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} by {env,role} > 10\","
           "\"name\":\"{{role.name}} of {{env.name}}{{nope}} {{#is_alert}}burns{{else}}is out"
           "{{/is_alert}} @webhook-pager {{\",\"message\":\"@someone@example.com\","
           "\"options\":{\"include_tags\":false}}");
    value(evaluator, "env:prod\\t@webhook-pager,role:db", 1, 11);
    assert_int_equal(world.n_sent, 1);
    is_sent(0, MONITOR_ALERT, "[Triggered] db of prod @webhook-pager burns @webhook-pager {{");
    value(evaluator, "env:prod\\t@webhook-pager,role:db", 2, 1);
    is_sent(1, MONITOR_OK, "[Recovered] db of prod @webhook-pager is out @webhook-pager {{");
    evaluator_free(evaluator);
}

static void a_title_is_bounded(void **state)
{
    struct evaluator *evaluator = begin();
    char body[2048], name[1001] = "";

    (void)state;
    for (size_t i = 0; i < 50; i++)
        strcat(name, "{{e.name}}\xc3\xa9");
    snprintf(body, sizeof body,
             "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} by {e} > 10\","
             "\"name\":\"%s\",\"message\":\"@webhook-pager\"}",
             name);
    define(evaluator, 7, body);
    value(evaluator, "e:0123456789012345678901234567890123456789012345678901234567", 1, 11);
    assert_in_range(world.sent[0]->title.len, 2040, 2048);
    evaluator_free(evaluator);
}

/* What is resolved as nothing came is told without the value that it had. */
static void what_resolves_itself_has_no_value(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, SIMPLE "\"on_missing_data\":\"resolve\"" ENDS);
    value(evaluator, "*", 1, 11);
    world.groups[0] = '\0';
    for (int minute = 2; minute < 8; minute++)
        go_to(evaluator, minute);
    assert_int_equal(world.n_sent, 2);
    is_sent(1, MONITOR_OK, "[Recovered] load");
    assert_true(says(world.sent[0], "11 @") && !says(world.sent[1], "11"));
    assert_true(world.sent[0]->has_value && !world.sent[1]->has_value);
    evaluator_free(evaluator);
}

static void tests_are_marked(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    assert_false(evaluator_test(evaluator, 7, START_S));
    define(evaluator, 7, SIMPLE ENDS);
    assert_true(evaluator_test(evaluator, 7, START_S));
    is_sent(0, MONITOR_ALERT, "[TEST] [Triggered] load");
    assert_true(world.sent[0]->is_test);
    assert_int_equal(evaluator_monitors(evaluator)->at[0]->n_groups, 0);
    assert_int_equal(world.n_disk, 0);
    evaluator_free(evaluator);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_silent_host_keeps_its_address),
        TEST(a_message_has_tags_of_its_host),
        TEST(a_picture_says_no_query_that_is_hidden),
        TEST(a_preset_hides_what_it_says),
        TEST(says_what_it_doubts),
        TEST(what_resolves_itself_has_no_value),
        TEST(a_title_has_tags_of_its_group),
        TEST(a_title_is_bounded),
        TEST(tests_are_marked),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
