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
                                              .handle = SLICE("@me"),
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

/* ---- kept for longer --------------------------------------------------- */

/* All that is to be kept, as bodies, newest first; how many. */
static size_t take_all(enum recent_kind kind, struct bytes out[static RECENT_CHECKS_MAX])
{
    struct recent_record record = { 0 };
    size_t n = 0;

    while (recent_take(recent, kind, &record)) {
        for (size_t i = n; i > 0; i--)
            out[i] = out[i - 1];
        out[0] = record.body;
        record.body = (struct bytes){ 0 };
        assert_int_equal(record.identity.len > 0, kind == RECENT_CHECK);
        n++;
    }
    bytes_free(&record.identity);
    return n;
}

static void begin_anew(void)
{
    observer.ops->free(observer.self);
    ledger = (struct flusher_ledger){ 0 };
    recent = recent_new(&ledger);
    observer = recent_observer(recent);
}

static void assert_written(json_t *expected)
{
    json_t *got = written();

    if (!json_equal(got, expected))
        fail_msg("%s\n%s", json_dumps(got, 0), json_dumps(expected, 0));
    json_decref(got);
}

static void what_was_kept_comes_back_as_it_was(void **state)
{
    static struct bytes events[RECENT_CHECKS_MAX], checks[RECENT_CHECKS_MAX];
    (void)state;

    for (int i = 0; i < 7; i++) {
        event(SLICE("t\xff"), SLICE("a\\nb"), i);
        check("c", "h", (char[]){ (char)('a' + i % 3), '\0' }, i % 4, i);
    }
    json_t *before = written();
    size_t n_events = take_all(RECENT_EVENT, events), n_checks = take_all(RECENT_CHECK, checks);

    assert_int_equal(n_events, 7);
    assert_int_equal(n_checks, 3); /* only the last status of each */
    begin_anew();
    for (size_t i = 0; i < n_events; i++)
        assert_true(recent_recall(recent, RECENT_EVENT,
                                  (struct slice){ (char *)events[i].at, events[i].len }));
    for (size_t i = 0; i < n_checks; i++)
        assert_true(recent_recall(recent, RECENT_CHECK,
                                  (struct slice){ (char *)checks[i].at, checks[i].len }));
    assert_written(before);
    struct recent_record none = { 0 };
    assert_false(recent_take(recent, RECENT_EVENT, &none)); /* they are kept already */
    assert_false(recent_take(recent, RECENT_CHECK, &none));
    event(SLICE("new"), SLICE(""), 99);
    assert_true(recent_take(recent, RECENT_EVENT, &none));
    assert_int_equal(none.received_s, 100);
    assert_false(recent_take(recent, RECENT_EVENT, &none));
    recent_untake(recent);
    for (int i = 0; i < 8; i++)
        assert_true(recent_take(recent, RECENT_EVENT, &none));
    bytes_free(&none.body);
    json_decref(before);
    for (size_t i = 0; i < n_events; i++)
        bytes_free(&events[i]);
    for (size_t i = 0; i < n_checks; i++)
        bytes_free(&checks[i]);
}

static void what_is_newer_is_not_pushed_out_by_what_was(void **state)
{
    struct recent_record old = { 0 };
    (void)state;

    check("c", "h", "a", 2, 1);
    event(SLICE("old"), SLICE(""), 1);
    assert_true(recent_take(recent, RECENT_CHECK, &old));
    struct bytes old_check = old.body;
    old.body = (struct bytes){ 0 };
    assert_true(recent_take(recent, RECENT_EVENT, &old));
    begin_anew();
    check("c", "h", "a", 0, 9);
    for (int i = 0; i < RECENT_EVENTS_MAX; i++)
        event(SLICE("new"), SLICE(""), 9);
    json_t *before = written();
    assert_false(recent_recall(recent, RECENT_CHECK,
                               (struct slice){ (char *)old_check.at, old_check.len }));
    assert_false(recent_recall(recent, RECENT_EVENT,
                               (struct slice){ (char *)old.body.at, old.body.len }));
    assert_written(before);
    json_decref(before);
    bytes_free(&old_check);
    bytes_free(&old.identity);
    bytes_free(&old.body);
}

/* The file may be damaged. */
static void bytes_of_any_kind_lead_nowhere(void **state)
{
    struct recent_record record = { 0 };
    char copy[256];
    (void)state;

    event(SLICE("title"), SLICE("text"), 5);
    assert_true(recent_take(recent, RECENT_EVENT, &record));
    size_t len = record.body.len;
    assert_in_range(len, 1, sizeof copy);
    for (size_t cut = 0; cut < len; cut++) {
        char *exact = malloc(cut + 1); /* so that who reads beyond it is caught */

        memcpy(exact, record.body.at, cut);
        assert_false(recent_recall(recent, RECENT_EVENT, (struct slice){ exact, cut }));
        free(exact);
    }
    for (size_t at = 0; at < len; at++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(copy, record.body.at, len);
            copy[at] = (char)(copy[at] ^ 1 << bit);
            (void)!recent_recall(recent, RECENT_EVENT, (struct slice){ copy, len });
        }
    json_decref(written());
    bytes_free(&record.identity);
    bytes_free(&record.body);
}

static void what_gives_way_before_it_is_kept_is_counted(void **state)
{
    struct recent_record record = { 0 };
    (void)state;

    for (int i = 0; i < RECENT_EVENTS_MAX + 5; i++)
        event(SLICE("t"), SLICE("x"), i);
    assert_int_equal(counter_read(&ledger.recent_ungiven), 0); /* nobody keeps them */
    recent_watch(recent);
    event(SLICE("t"), SLICE("x"), 500);
    assert_int_equal(counter_read(&ledger.recent_ungiven), 1);
    while (recent_take(recent, RECENT_EVENT, &record))
        ;
    event(SLICE("t"), SLICE("x"), 501);
    assert_int_equal(counter_read(&ledger.recent_ungiven), 1);
    bytes_free(&record.identity);
    bytes_free(&record.body);
}

/* An array of those that fit. */
static json_t *found(const struct recent_search *search, struct recent_page *page)
{
    struct json_out out = { 0 };

    json_out_begin(&out, NULL, '[');
    recent_write_events(recent, search, page, NULL, &out);
    json_out_end(&out, ']');
    json_t *json = json_loadb((const char *)out.bytes.at, out.bytes.len, JSON_ALLOW_NUL, NULL);

    assert_non_null(json);
    bytes_free(&out.bytes);
    return json;
}

static void a_handle_is_told_to_clients(void **state)
{
    const struct recent_search all = { .from_s = 0, .to_s = 1000, .priority = -1 };
    struct recent_page page = { 0, 1000 };
    (void)state;

    event(SLICE("t"), SLICE("x"), 5);
    json_t *json = found(&all, &page);

    assert_string_equal(json_string_value(json_object_get(json_array_get(json, 0), "handle")),
                        "@me");
    json_decref(json);
}

static void a_page_of_those_that_fit_leaves_the_rest_to_others(void **state)
{
    const struct recent_search some = {
        .from_s = 2, .to_s = 8, .sources = SLICE("other, src"), .priority = EVENT_LOW
    };
    const struct recent_search none = { .to_s = 9, .sources = SLICE("sr"), .priority = -1 };
    struct recent_page page = { 2, 3 };
    (void)state;

    for (int i = 0; i < 10; i++)
        event(SLICE("t"), SLICE("x"), i);
    json_t *json = found(&some, &page); /* of 8 to 2 */

    assert_int_equal(json_array_size(json), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(json_integer_value(
                             json_object_get(json_array_get(json, (size_t)i), "date_happened")),
                         6 - i);
    assert_int_equal(page.skip, 0);
    assert_int_equal(page.most, 0);
    json_decref(json);
    page = (struct recent_page){ 9, 3 };
    json_decref(found(&some, &page));
    assert_int_equal(page.skip, 2);
    assert_int_equal(page.most, 3);
    json = found(&none, &page);
    assert_int_equal(json_array_size(json), 0);
    json_decref(json);
}

static void a_body_says_the_same_as_the_event(void **state)
{
    const struct recent_search all = { .to_s = 1000, .priority = -1 };
    struct recent_search other = { .to_s = 4, .priority = -1 };
    struct recent_record record = { 0 };
    struct recent_page page = { 0, 1 };
    uint64_t marks[RECENT_EVENTS_MAX];
    struct json_out out = { 0 };
    (void)state;

    event(SLICE("t"), SLICE("x"), 5);
    assert_true(recent_take(recent, RECENT_EVENT, &record));
    struct slice body = bytes_view(&record.body);
    json_t *there = found(&all, &page);

    assert_true(recent_body_fits(body, &all));
    assert_false(recent_body_fits(body, &other));
    assert_true(recent_write_body(body, NULL, &out));
    json_t *here = json_loadb((const char *)out.bytes.at, out.bytes.len, JSON_ALLOW_NUL, NULL);

    assert_true(json_equal(here, json_array_get(there, 0)));
    assert_int_equal(recent_marks(recent, &out.bytes, marks), 1);
    assert_true(marks[0] == recent_body_mark(body));
    body.len--; /* damaged */
    assert_false(recent_body_fits(body, &all));
    assert_false(recent_write_body(body, NULL, &out));
    json_decref(here);
    json_decref(there);
    bytes_free(&out.bytes);
    bytes_free(&record.identity);
    bytes_free(&record.body);
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
        cmocka_unit_test_setup_teardown(what_was_kept_comes_back_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_newer_is_not_pushed_out_by_what_was, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(bytes_of_any_kind_lead_nowhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_gives_way_before_it_is_kept_is_counted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_handle_is_told_to_clients, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_of_those_that_fit_leaves_the_rest_to_others,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_body_says_the_same_as_the_event, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
