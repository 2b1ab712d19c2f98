#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "flush/series/admitted.h"
#include "flush/snapshots/recent.h"

static struct flusher_ledger ledger;
static struct recent *recent;
static struct observer observer;

static int set_up(void **state)
{
    (void)state;
    ledger = (struct flusher_ledger){ 0 };
    recent = recent_new(&ledger);
    observer = recent_observer(recent);
    return recent != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    observer.ops->free(observer.self);
    return 0;
}

static json_t *written(void)
{
    struct json_out out = { 0 };

    recent_write(recent, &out);
    assert_false(out.bytes.failed);
    json_t *json = json_loadb((const char *)out.bytes.at, out.bytes.len, JSON_ALLOW_NUL, NULL);
    assert_non_null(json);
    bytes_free(&out.bytes);
    return json;
}

static void event(struct slice title, struct slice text, int64_t time_s)
{
    static const struct slice tags[] = { { "env:\xff", 5 }, { "<b>", 3 } };
    struct event_record record = { .event = { .title = title,
                                              .text = text,
                                              .source_type = SLICE("src"),
                                              .alert = EVENT_ERROR,
                                              .priority = EVENT_LOW },
                                   .host = SLICE("h"),
                                   .tags = tags,
                                   .n_tags = 2,
                                   .time_s = time_s,
                                   .received_s = time_s + 1 };

    observer.ops->event(observer.self, &record);
}

static void check(const char *name, const char *host, const char *tag, int status,
                  int64_t time_s)
{
    struct slice tags[] = { slice_of(tag) };
    struct check_record record = {
        .check = { .name = slice_of(name), .message = SLICE("m"), .status = status },
        .host = slice_of(host),
        .tags = tags,
        .n_tags = tag[0] != '\0',
        .time_s = time_s,
        .received_s = time_s
    };

    observer.ops->check(observer.self, &record);
}

static void nothing_came_and_nothing_is_taken(void **state)
{
    (void)state;
    json_t *json = written();
    char *text = json_dumps(json, JSON_COMPACT);
    assert_string_equal(text, "{\"events\":[],\"checks\":[]}");
    assert_int_equal(counter_read(&ledger.recent_bytes), 0);
    free(text);
    json_decref(json);
}

static void an_event_is_shown_as_it_came(void **state)
{
    (void)state;
    event(SLICE("<img onerror=x>\x1b[2J"), SLICE("a\\nb\\\\"), 5);
    json_t *json = written();
    char *text = json_dumps(json_object_get(json, "events"), JSON_COMPACT);
    assert_string_equal(text,
                        "[{\"title\":\"<img onerror=x>\\u001B[2J\",\"text\":\"a\\nb\\\\\\\\\","
                        "\"cut\":false,\"tags\":[\"env:\xef\xbf\xbd\",\"<b>\"],"
                        "\"host\":\"h\",\"time\":5,\"received\":6,"
                        "\"alert_type\":\"error\",\"priority\":\"low\","
                        "\"source\":\"src\"}]");
    free(text);
    json_decref(json);
}

static void the_last_hundred_events_are_kept_newest_first(void **state)
{
    (void)state;
    for (int i = 0; i < 150; i++)
        event(SLICE("t"), SLICE("x"), i);
    json_t *json = written(), *events = json_object_get(json, "events");
    assert_int_equal(json_array_size(events), RECENT_EVENTS_MAX);
    for (size_t i = 0; i < RECENT_EVENTS_MAX; i++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(events, i), "time")),
                         149 - i);
    json_decref(json);
}

/* Titles are not cut: large ones push others out, and one that is too large is left out. */
static void bytes_are_bounded(void **state)
{
    enum { LARGE = 60000 };
    static char large[100000];
    (void)state;

    memset(large, 'x', sizeof large);
    for (int i = 0; i < 10; i++)
        event((struct slice){ large, LARGE }, (struct slice){ large, 5000 }, i);
    event((struct slice){ large, sizeof large }, SLICE(""), 99);
    assert_in_range(counter_read(&ledger.recent_bytes), LARGE, RECENT_BYTES_MAX);
    json_t *json = written(), *events = json_object_get(json, "events");
    json_t *newest = json_array_get(events, 0);
    assert_in_range(json_array_size(events), 2, 4);
    assert_int_equal(json_integer_value(json_object_get(newest, "time")), 9);
    assert_int_equal(json_string_length(json_object_get(newest, "text")), RECENT_TEXT_MAX);
    assert_true(json_is_true(json_object_get(newest, "cut")));
    json_decref(json);
}

/* A check is its name, host and tags; where one ends and the next begins counts. */
static void the_last_status_of_each_check_is_kept(void **state)
{
    (void)state;
    check("disk", "h", "a:1", 0, 1);
    check("disk", "h", "a:2", 1, 2);
    check("dis", "kh", "a:1", 3, 3);
    check("disk", "h", "", 0, 4);
    check("disk", "h", "a:1", 2, 5);
    json_t *json = written(), *checks = json_object_get(json, "checks"), *one;
    static const int times[] = { 5, 4, 3, 2 };
    size_t i;
    assert_int_equal(json_array_size(checks), 4);
    json_array_foreach(checks, i, one)
    {
        assert_int_equal(json_integer_value(json_object_get(one, "time")), times[i]);
    }
    assert_int_equal(json_integer_value(json_object_get(json_array_get(checks, 0), "status")),
                     2);
    json_decref(json);
}

static void a_thousand_checks_are_kept(void **state)
{
    char name[32];
    (void)state;

    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 1500; i++) {
            snprintf(name, sizeof name, "c%d", i);
            check(name, "h", "t", 0, i);
        }
    json_t *json = written(), *checks = json_object_get(json, "checks");
    assert_int_equal(json_array_size(checks), RECENT_CHECKS_MAX);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(checks, 999), "time")),
                     500);
    assert_true(counter_read(&ledger.recent_bytes) <= RECENT_BYTES_MAX + 8192);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_came_and_nothing_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_event_is_shown_as_it_came, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_hundred_events_are_kept_newest_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(bytes_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_status_of_each_check_is_kept, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_thousand_checks_are_kept, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
