#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/asking.h"

#define QUERY "avg(last_5m):avg:my_metric{*} by {host} > 800"
#define MONITOR(more) \
    "{\"type\":\"metric alert\",\"name\":\"one\",\"query\":\"" QUERY "\"" more "}"

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

static json_int_t make(const char *json)
{
    json_t *made = ask("POST", "/api/v1/monitor", json, 200);
    json_int_t id = asking_number(made, "id");

    assert_true(id > 0);
    json_decref(made);
    return id;
}

static const char *path_of(json_int_t id, const char *more)
{
    static char path[128];

    snprintf(path, sizeof path, "/api/v1/monitor/%lld%s", (long long)id, more);
    return path;
}

static void drop(json_int_t id)
{
    json_t *gone = ask("DELETE", path_of(id, "?force=true"), NULL, 200);

    assert_int_equal(asking_number(gone, "deleted_monitor_id"), id);
    json_decref(gone);
}

static json_t *options_of(const json_t *monitor)
{
    return json_object_get(monitor, "options");
}

/* ---- one --------------------------------------------------------------- */

static void a_monitor_has_all_members_that_clients_read(void **state)
{
    json_t *made = ask("POST", "/api/v1/monitor",
                       MONITOR(",\"message\":null,\"tags\":null,\"priority\":\"5\",\"mine\":"
                               "[1.50],\"options\":{\"thresholds\":{\"critical\":800,"
                               "\"warning\":\"500\"},\"notify_no_data\":true,"
                               "\"no_data_timeframe\":10}"),
                       200);
    json_t *said = options_of(made), *thresholds = json_object_get(said, "thresholds");
    (void)state;

    assert_null(json_object_get(made, "errors"));
    assert_int_equal(asking_number(made, "org_id"), 1);
    assert_string_equal(asking_text(made, "type"), "metric alert");
    assert_string_equal(asking_text(made, "query"), QUERY);
    assert_string_equal(asking_text(made, "message"), "");
    assert_true(json_is_array(json_object_get(made, "tags")));
    assert_int_equal(asking_number(made, "priority"), 5); /* dog sends it in quotes */
    assert_true(json_is_true(json_object_get(made, "multi")));
    assert_string_equal(asking_text(made, "overall_state"), "No Data");
    assert_true(json_is_null(json_object_get(made, "deleted")));
    assert_true(json_is_null(json_object_get(made, "restricted_roles")));
    assert_string_equal(asking_text(made, "draft_status"), "published");
    assert_true(json_is_array(json_object_get(made, "assets")));
    assert_true(asking_number(made, "created_at") > INT64_C(1600000000000));
    assert_int_equal(strlen(asking_text(made, "created")),
                     strlen("2026-11-28T17:05:09.123000+00:00"));
    assert_true(json_is_object(json_object_get(made, "creator")));
    assert_true(json_is_array(json_object_get(made, "mine")));
    assert_true(json_is_real(json_object_get(thresholds, "critical"))); /* 800.0 */
    assert_true(json_is_real(json_object_get(thresholds, "warning")));
    assert_int_equal(asking_number(said, "no_data_timeframe"), 10);
    assert_true(json_is_false(json_object_get(said, "notify_audit")));
    assert_true(json_is_object(json_object_get(said, "silenced")));
    drop(asking_number(made, "id"));
    json_decref(made);
}

static void an_update_changes_what_it_says_and_merges_options(void **state)
{
    json_int_t id = make(MONITOR(",\"tags\":[\"team:web\"],\"options\":{\"thresholds\":"
                                 "{\"critical\":800},\"silenced\":{\"host:a\":null}}"));
    json_t *changed =
        ask("PUT", path_of(id, ""),
            "{\"message\":\"changed\",\"id\":1,\"options\":{\"renotify_interval\":60}}", 200);
    json_t *said = options_of(changed);
    (void)state;

    assert_int_equal(asking_number(changed, "id"), id);
    assert_null(json_object_get(changed, "creator"));
    assert_string_equal(asking_text(changed, "message"), "changed");
    assert_string_equal(asking_text(changed, "name"), "one");
    assert_int_equal(json_array_size(json_object_get(changed, "tags")), 1);
    assert_non_null(json_object_get(json_object_get(said, "silenced"), "host:a"));
    assert_non_null(json_object_get(said, "thresholds"));
    assert_int_equal(asking_number(said, "renotify_interval"), 60);
    json_decref(changed);

    json_t *got = ask("GET", path_of(id, ""), NULL, 200);
    char *text = json_dumps(got, 0);
    json_t *put = ask("PUT", path_of(id, ""), text, 200); /* what was read can be written */

    free(text);
    json_object_del(got, "creator");
    json_object_del(got, "modified");
    json_object_del(got, "matching_downtimes");
    json_object_del(put, "modified");
    assert_true(json_equal(got, put));
    json_decref(got);
    json_decref(put);
    assert_error("PUT", path_of(id, ""), "{\"options\":{\"thresholds\":{\"critical\":90}}}",
                 400, "Alert threshold (90.0) does not match that used in the query (800.0).");
    drop(id);
    assert_error("GET", path_of(id, ""), NULL, 404, "Monitor not found");
    assert_error("DELETE", path_of(id, ""), NULL, 404, "Monitor not found");
    assert_error("PUT", path_of(id, ""), "{}", 404, "Monitor not found");
}

static void a_name_is_made_of_the_query(void **state)
{
    static const struct {
        const char *query, *name;
    } cases[] = {
        { "avg(last_1h):avg:my.metric{host:a} by {env} > 100",
          "**my.metric** over **host:a** was **> 100.0** on average during the **last 1h**." },
        { "max(last_5m):sum:a{*} / sum:b{*} < 0.5",
          "**sum:a{*} / sum:b{*}** over ***** was **< 0.5** at its most during the **last "
          "5m**." },
        { "min(last_1d):default_zero(avg:a{*}) >= 2",
          "**default_zero(avg:a{*})** over ***** was **>= 2.0** at its least during the "
          "**last 1d**." },
    };
    char json[512];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(json, sizeof json, "{\"type\":\"query alert\",\"query\":\"%s\"}",
                 cases[i].query);
        json_t *made = ask("POST", "/api/v1/monitor", json, 200);

        assert_string_equal(asking_text(made, "name"), cases[i].name);
        drop(asking_number(made, "id"));
        json_decref(made);
    }
}

static void a_name_that_is_made_is_cut_between_characters(void **state)
{
    static char json[4096];
    size_t len = (size_t)snprintf(json, sizeof json,
                                  "{\"type\":\"query alert\",\"query\":\"avg(last_5m):avg:m{");
    (void)state;

    for (int i = 0; i < 400; i++)
        len += (size_t)snprintf(json + len, sizeof json - len, "\xe2\x82\xac");
    snprintf(json + len, sizeof json - len, "} > 1\"}");
    json_t *made = ask("POST", "/api/v1/monitor", json, 200);
    size_t n = strlen(asking_text(made, "name"));

    assert_true(n > 1020 && n <= 1024);
    json_decref(ask("PUT", path_of(asking_number(made, "id"), ""), "{\"message\":\"x\"}", 200));
    json_decref(made);
}

static void what_is_wrong_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *json, *sentence;
    } cases[] = {
        { "", "the body is no valid JSON: " },
        { "[]", "the body must be a JSON object" },
        { "{\"type\":\"metric alert\",\"query\":1}",
          "The value provided for parameter 'query' is invalid" },
        { "{\"type\":\"log alert\",\"query\":\"" QUERY "\"}",
          "The value provided for parameter 'type' is invalid: " },
        { MONITOR(",\"options\":[1]"), "'options' is an object" },
        { MONITOR(",\"options\":{\"thresholds\":{\"critical\":200}}"),
          "Alert threshold (200.0) does not match that used in the query (800.0)." },
    };
    json_int_t id = make(MONITOR(""));
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_error("POST", "/api/v1/monitor", cases[i].json, 400, cases[i].sentence);
        assert_error("POST", "/api/v1/monitor/validate", cases[i].json, 400, cases[i].sentence);
    }
    json_decref(ask("POST", "/api/v1/monitor/validate", MONITOR(""), 200));
    json_decref(ask("POST", path_of(id, "/validate"), "{\"message\":\"x\"}", 200));
    assert_error("POST", path_of(id, "/validate"), "{\"query\":1}", 400,
                 "The value provided for parameter 'query' is invalid");
    assert_error("POST", path_of(id + 1, "/validate"), "{}", 404, "Monitor not found");
    drop(id);
}

static void a_body_cannot_grow_without_end(void **state)
{
    json_int_t id = make(MONITOR(""));
    char *json = malloc(20000);
    size_t len = 0;
    (void)state;

    len += (size_t)sprintf(json, "{\"a\":0");
    for (int i = 0; i < 990; i++)
        len += (size_t)sprintf(json + len, ",\"m%d\":0", i);
    sprintf(json + len, "}");
    json_decref(ask("PUT", path_of(id, ""), json, 200));
    assert_error("PUT", path_of(id, ""),
                 "{\"b\":{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0}}", 400,
                 "a monitor has at most 256 KiB and 1000 members");
    free(json);
    drop(id);
}

/* ---- muting ------------------------------------------------------------ */

static void silences(json_int_t id, const char *what, const char *json, const char *wanted)
{
    json_t *monitor = ask("POST", path_of(id, what), json, 200);
    json_t *expected = json_loads(wanted, 0, NULL);

    if (!json_equal(json_object_get(options_of(monitor), "silenced"), expected))
        fail_msg("%s %s: not %s", what, json, wanted);
    json_decref(expected);
    json_decref(monitor);
}

/* By the body, as older clients do, or by the query part. */
static void a_monitor_is_muted_and_heard_again(void **state)
{
    json_int_t id = make(MONITOR(""));
    (void)state;

    silences(id, "/mute", "", "{\"*\":null}"); /* dogapi sends no body */
    silences(id, "/mute", "{\"scope\":\"host:foo\",\"end\":1900000000}",
             "{\"*\":null,\"host:foo\":1900000000}");
    silences(id, "/mute", "{\"scope\":[],\"end\":null}", /* as dog does */
             "{\"*\":null,\"host:foo\":1900000000}");
    silences(id, "/unmute", "{\"scope\":\"host:foo\"}", "{\"*\":null}");
    silences(id, "/mute", "{\"scope\":[\"env:prod\",\"host:a\"]}",
             "{\"*\":null,\"env:prod,host:a\":null}");
    silences(id, "/unmute", "", "{\"env:prod,host:a\":null}");
    silences(id, "/unmute", "{\"all_scopes\":true}", "{}");
    silences(id, "/mute?scope=role%3Adb&end=1900000000", "", "{\"role:db\":1900000000}");
    silences(id, "/mute", "{}", "{\"role:db\":1900000000,\"*\":null}");
    silences(id, "/unmute?scope=role%3Adb", "{}", "{\"*\":null}");
    silences(id, "/mute?scope=a:b", "{\"scope\":\"c:d\"}", "{\"*\":null,\"c:d\":null}");
    silences(id, "/unmute?all_scopes=false", "", "{\"c:d\":null}");
    silences(id, "/unmute?all_scopes=true", "", "{}");
    assert_error("POST", path_of(id, "/mute?end=tomorrow"), "", 400,
                 "end: expected a time in seconds since 1970, or null");
    assert_error("POST", path_of(id, "/mute"), "{\"scope\":7}", 400,
                 "scope: expected a text like \"env:prod\", or a list of such");
    assert_error("POST", path_of(id, "/mute"), "{\"scope\":\"prod\"}", 400,
                 "scope: expected tags like ");
    assert_error("POST", path_of(id, "/mute"), "{\"end\":\"x\"}", 400,
                 "end: expected a time in seconds since 1970, or null");
    assert_error("POST", path_of(id, "/mute"), "{\"scope\":\"a\\u0000b\"}", 400, "scope: ");
    assert_error("POST", path_of(id + 1, "/mute"), "", 404, "Monitor not found");
    drop(id);
}

/* ---- deleting ---------------------------------------------------------- */

static void what_a_composite_uses_is_not_deleted_by_chance(void **state)
{
    json_int_t one = make(MONITOR("")), two = make(MONITOR(""));
    char json[256], path[128], sentence[256];
    (void)state;

    snprintf(json, sizeof json,
             "{\"type\":\"composite\",\"name\":\"both\",\"query\":\"%lld && %lld\"}",
             (long long)one, (long long)two);
    json_int_t both = make(json);

    snprintf(path, sizeof path, "/api/v1/monitor/can_delete?monitor_ids=%lld", (long long)both);
    json_t *answer = ask("GET", path, NULL, 200);

    assert_true(json_is_null(json_object_get(answer, "errors")));
    assert_int_equal(json_integer_value(json_array_get(
                         json_object_get(json_object_get(answer, "data"), "ok"), 0)),
                     both);
    json_decref(answer);
    snprintf(path, sizeof path, "/api/v1/monitor/can_delete?monitor_ids=%lld,%lld,0",
             (long long)both, (long long)one);
    answer = ask("GET", path, NULL, 409);
    snprintf(json, sizeof json, "%lld", (long long)one);
    snprintf(sentence, sizeof sentence,
             "monitor [%lld,one] is referenced in composite monitors: [%lld]", (long long)one,
             (long long)both);
    assert_string_equal(json_string_value(json_array_get(
                            json_object_get(json_object_get(answer, "errors"), json), 0)),
                        sentence);
    assert_int_equal(json_array_size(json_object_get(json_object_get(answer, "data"), "ok")),
                     1);
    assert_int_equal(json_object_size(json_object_get(answer, "errors")), 2);
    json_decref(answer);
    assert_error("DELETE", path_of(one, ""), NULL, 400, sentence);
    snprintf(json, sizeof json, "{\"type\":\"composite\",\"query\":\"%lld || %lld\"}",
             (long long)one, (long long)both);
    assert_error("POST", "/api/v1/monitor", json, 400,
                 "The value provided for parameter 'query' is invalid: monitor ");
    assert_error("POST", "/api/v1/monitor/validate",
                 "{\"type\":\"composite\",\"query\":\"5 || 5\"}", 400,
                 "The value provided for parameter 'query' is invalid: monitor 5 is not there");
    drop(one); /* by force; what lost it can be changed in all else */
    json_decref(ask("PUT", path_of(both, ""), "{\"name\":\"one\"}", 200));
    drop(both);
    drop(two);
    assert_error("GET", "/api/v1/monitor/can_delete", NULL, 400, "monitor_ids: ");
}

/* ---- lists and searches ------------------------------------------------ */

static size_t listed(const char *path)
{
    json_t *list = ask("GET", path, NULL, 200);
    size_t n = json_array_size(list);

    assert_true(json_is_array(list));
    json_decref(list);
    return n;
}

static void lists_are_filtered_and_come_in_pages(void **state)
{
    json_int_t ids[3] = {
        make(MONITOR(",\"tags\":[\"team:web\",\"env:prod\"]")),
        make(MONITOR(",\"tags\":[\"team:web\"]")),
        make("{\"type\":\"query alert\",\"name\":\"disk is full\",\"query\":\"avg(last_5m):avg:"
             "disk{env:prod} > 1\"}"),
    };
    char path[128];
    (void)state;

    assert_int_equal(listed("/api/v1/monitor"), 3);
    assert_int_equal(listed("/api/v1/monitor?name=disk"), 1);
    assert_int_equal(listed("/api/v1/monitor?monitor_tags=team:web"), 2);
    assert_int_equal(listed("/api/v1/monitor?monitor_tags=team:web,env:prod"), 1);
    assert_int_equal(listed("/api/v1/monitor?tags=env:prod"), 1);
    assert_int_equal(listed("/api/v1/monitor?page=0&page_size=2"), 2);
    assert_int_equal(listed("/api/v1/monitor?page=1&page_size=2"), 1);
    assert_int_equal(listed("/api/v1/monitor?page=2&page_size=2"), 0);
    assert_int_equal(listed("/api/v1/monitor?group_states=all&with_downtimes=true&id_offset=0"),
                     3);
    json_t *list = ask("GET", "/api/v1/monitor?id_offset=0&page_size=2", NULL, 200);
    json_int_t last = asking_number(json_array_get(list, 1), "id");

    assert_int_equal(json_array_size(list), 2);
    assert_true(last > asking_number(json_array_get(list, 0), "id"));
    assert_true(json_is_array(json_object_get(json_array_get(list, 0), "matching_downtimes")));
    json_decref(list);
    snprintf(path, sizeof path, "/api/v1/monitor?id_offset=%lld&page_size=2", (long long)last);
    assert_int_equal(listed(path), 1);
    assert_error("GET", "/api/v1/monitor?group_states=odd", NULL, 400,
                 "Invalid group_state filters.");
    assert_error("GET", "/api/v1/monitor?page_size=1001", NULL, 400, "page_size: expected ");
    json_t *one = ask("GET", path_of(ids[0], "?group_states=alert,no%20data"), NULL, 200);

    assert_true(json_is_object(json_object_get(json_object_get(one, "state"), "groups")));
    json_decref(one);
    for (int i = 0; i < 3; i++)
        drop(ids[i]);
}

static json_int_t found(const char *query)
{
    char path[256];

    snprintf(path, sizeof path, "/api/v1/monitor/search?query=%s", query);
    json_t *answer = ask("GET", path, NULL, 200);
    json_int_t n = asking_number(json_object_get(answer, "metadata"), "total_count");

    assert_int_equal(json_array_size(json_object_get(answer, "monitors")), n);
    json_decref(answer);
    return n;
}

static void monitors_are_searched(void **state)
{
    json_int_t ids[3] = {
        make(MONITOR(",\"tags\":[\"team:web\"],\"message\":\"see @me@example.org and "
                     "@webhook-x\",\"options\":{\"silenced\":{\"*\":null}}")),
        make("{\"type\":\"query alert\",\"name\":\"disk\",\"query\":\"avg(last_5m):avg:disk"
             "{env:prod} by {host} > 1\",\"priority\":2}"),
        make(
            "{\"type\":\"service check\",\"name\":\"up\",\"query\":\"\\\"up\\\".over(\\\"*\\\")"
            ".by(\\\"host\\\").last(2).count_by_status()\"}"),
    };
    (void)state;

    assert_int_equal(found(""), 3);
    assert_int_equal(found("status:%22no%20data%22"), 3);
    assert_int_equal(found("status:alert"), 0);
    assert_int_equal(found("-status:alert"), 3);
    assert_int_equal(found("tag:team:web"), 1);
    assert_int_equal(found("muted:true"), 1);
    assert_int_equal(found("muted:false"), 2);
    assert_int_equal(found("DISK"), 1);
    assert_int_equal(found("type:service"), 1);
    assert_int_equal(found("scope:%22env:prod%22%20type:query"), 1);
    assert_int_equal(found("notification:webhook-x"), 1);
    assert_int_equal(found("priority:p2"), 1);
    assert_int_equal(found("priority:P3"), 0);
    assert_error("GET", "/api/v1/monitor/search?query=status:notastatus", NULL, 400,
                 "Query parsing error: 'notastatus' is not a valid monitor status");
    assert_error("GET", "/api/v1/monitor/search?sort=odd", NULL, 400, "sort: expected ");

    json_t *answer =
        ask("GET", "/api/v1/monitor/search?sort=name,desc&per_page=2&page=1", NULL, 200);
    json_t *metadata = json_object_get(answer, "metadata");
    json_t *monitor = json_array_get(json_object_get(answer, "monitors"), 0);

    assert_int_equal(asking_number(metadata, "page_count"), 2);
    assert_int_equal(asking_number(metadata, "per_page"), 2);
    assert_string_equal(asking_text(monitor, "name"), "disk");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(monitor, "metrics"), 0)), "disk");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(monitor, "scopes"), 0)), "env:prod");
    assert_int_equal(json_array_size(json_object_get(monitor, "scopes")), 1);
    json_decref(answer);
    answer = ask("GET", "/api/v1/monitor/search?query=tag:team:web", NULL, 200);
    monitor = json_array_get(json_object_get(answer, "monitors"), 0);
    assert_int_equal(json_array_size(json_object_get(monitor, "notifications")), 2);
    assert_string_equal(
        asking_text(json_array_get(json_object_get(monitor, "notifications"), 0), "handle"),
        "me@example.org");
    assert_true(json_is_true(json_object_get(monitor, "muted")));
    assert_non_null(json_object_get(json_object_get(answer, "counts"), "muted"));
    json_decref(answer);
    answer = ask("GET", "/api/v1/monitor/groups/search", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(answer, "groups")), 0);
    assert_non_null(json_object_get(answer, "metadata"));
    json_decref(answer);
    for (int i = 0; i < 3; i++)
        drop(ids[i]);
}

/* 800 of each, and each downtime is about each monitor. */
static void what_would_be_very_long_is_asked_for_in_pages(void **state)
{
    (void)state;
    for (int i = 0; i < 800; i++) {
        (void)make(MONITOR(""));
        json_decref(ask("POST", "/api/v1/downtime", "{\"scope\":\"*\"}", 200));
    }
    assert_error("GET", "/api/v1/monitor?with_downtimes=true", NULL, 400,
                 "with_downtimes: 800 monitors and 800 downtimes are too many at once: ask in "
                 "pages, with page_size");
    assert_int_equal(listed("/api/v1/monitor?with_downtimes=true&page_size=10"), 10);
    assert_int_equal(listed("/api/v1/monitor"), 800);
}

/* It is evaluated a second after it was made. */
static void test_when_it_is_evaluated(json_int_t id)
{
    char *body;
    int status, port = server_http_port(running.server);

    do {
        status = running_json(&running, port, "POST", path_of(id, "/test"), "", &body);
        if (status != 202 && status != 409)
            fail_msg("%d %s", status, body);
        free(body);
    } while (status != 202 && poll(NULL, 0, 20) == 0);
}

static void a_test_stands_in_the_list_of_who_was_told(void **state)
{
    json_int_t id = make(MONITOR(",\"message\":\"@someone@example.org\""));
    json_t *answer = ask("GET", "/api/v1/notifications?count=10", NULL, 200);
    char path[128];
    (void)state;

    assert_int_equal(json_array_size(json_object_get(answer, "notifications")), 0);
    json_decref(answer);
    assert_error("POST", path_of(id + 1, "/test"), "", 404, "Monitor not found");
    test_when_it_is_evaluated(id);
    snprintf(path, sizeof path, "/api/v1/notifications?monitor=%lld", (long long)id);
    answer = ask("GET", path, NULL, 200);
    json_t *line = json_array_get(json_object_get(answer, "notifications"), 0);

    assert_int_equal(asking_number(line, "monitor"), id);
    assert_string_equal(asking_text(line, "receiver"), "someone@example.org");
    assert_string_equal(asking_text(line, "end"), "refused");
    assert_string_equal(asking_text(line, "answer"), "heeler_smtp_url is not set");
    json_decref(answer);
    snprintf(path, sizeof path, "/api/v1/notifications?monitor=%lld", (long long)id + 1);
    answer = ask("GET", path, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(answer, "notifications")), 0);
    json_decref(answer);
    drop(id);
}

/* The next server has read what the last one wrote after a while, and does not wait for it. */
static void with_a_state_path_they_outlive_the_server(void **state)
{
    char folder[TEMP_PATH_SIZE], set[128], path[128];
    (void)state;

    temp_folder_make(folder);
    snprintf(set, sizeof set, "heeler_state_path=%s", folder);
    assert_true(running_stop(&running));
    running_free(&running);
    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0", set));
    json_int_t id = make(MONITOR(""));
    json_t *downtime = ask("POST", "/api/v1/downtime", "{\"scope\":\"*\"}", 200);

    json_decref(ask("POST", path_of(id, "/mute"), "", 200));
    assert_true(running_stop(&running));
    running_free(&running);

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0", set));
    json_t *monitor = ask("GET", path_of(id, ""), NULL, 200);

    assert_non_null(json_object_get(json_object_get(options_of(monitor), "silenced"), "*"));
    snprintf(path, sizeof path, "/api/v1/downtime/%lld",
             (long long)asking_number(downtime, "id"));
    json_t *again = ask("GET", path, NULL, 200);

    assert_true(json_equal(again, downtime));
    json_decref(again);
    json_decref(monitor);
    json_decref(downtime);
    assert_true(running_stop(&running));
    running_free(&running);
    temp_folder_remove(folder);
    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"));
}

/* What stands between a path's parts is one name. */
static void a_path_has_one_name_where_it_has_one(void **state)
{
    (void)state;
    assert_error("POST", "/api/v1/monitor//mute", "", 404, "there is no such path here: ");
    assert_error("POST", "/api/v1/monitor/1/2/mute", "", 404, "there is no such path here: ");
    assert_error("POST", "/api/v1/monitor/mute", "", 405, "only GET, HEAD, PUT, DELETE here");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_monitor_has_all_members_that_clients_read),
        TEST(an_update_changes_what_it_says_and_merges_options),
        TEST(a_name_is_made_of_the_query),
        TEST(a_name_that_is_made_is_cut_between_characters),
        TEST(what_is_wrong_is_refused_with_a_sentence),
        TEST(a_body_cannot_grow_without_end),
        TEST(a_monitor_is_muted_and_heard_again),
        TEST(what_a_composite_uses_is_not_deleted_by_chance),
        TEST(lists_are_filtered_and_come_in_pages),
        TEST(monitors_are_searched),
        TEST(what_would_be_very_long_is_asked_for_in_pages),
        TEST(a_test_stands_in_the_list_of_who_was_told),
        TEST(with_a_state_path_they_outlive_the_server),
        TEST(a_path_has_one_name_where_it_has_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
