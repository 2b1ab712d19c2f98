#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/asking.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct running running;
static int port;

static int start(void **state)
{
    (void)state;
    if (!RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"))
        return -1;
    port = server_http_port(running.server);
    return 0;
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

/* What the library sends for the script of the exercise (shared/seeds): an older one has the
 * keys in the query, a newer one in headers. */
static char *request_of_library(const char *head)
{
    static char body[4096], request[8192];
    FILE *file = fopen("tests/data/api/timeboard.json", "r");

    assert_non_null(file);
    size_t len = fread(body, 1, sizeof body - 1, file);

    fclose(file);
    body[len] = '\0';
    snprintf(request, sizeof request, "%sContent-Length: %zu\r\n\r\n%s", head, len, body);
    return request;
}

static json_t *ask_as_library(const char *head)
{
    const char *request = request_of_library(head);
    char *answer = running_exchange(&running, port, request, strlen(request));

    if (strncmp(answer, "HTTP/1.1 200 OK\r\n", 17) != 0)
        fail_msg("%s", answer);
    json_t *made = json_loads(strstr(answer, "\r\n\r\n"), 0, NULL);

    assert_non_null(made);
    free(answer);
    return made;
}

#define KEY "00000000000000000000000000000000"

static void the_request_of_the_exercise_makes_its_timeboard(void **state)
{
    static const char *const heads[] = {
        "POST /api/v1/dash HTTP/1.1\r\nHost: 127.0.0.1:8127\r\n"
        "User-Agent: datadogpy/0.53.0 (python 3.11.2; os linux; arch x86_64)\r\n"
        "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: close\r\n"
        "DD-API-KEY: " KEY "\r\nDD-APPLICATION-KEY: " KEY "00000000\r\n"
        "Content-Type: application/json\r\n",
        "POST /api/v1/dash?api_key=" KEY "&application_key=" KEY "00000000 HTTP/1.1\r\n"
        "Host: 127.0.0.1:8127\r\nUser-Agent: python-requests/2.18.4\r\n"
        "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: close\r\n"
        "Content-Type: application/json\r\n",
    };
    (void)state;

    for (size_t i = 0; i < COUNT(heads); i++) {
        json_t *made = ask_as_library(heads[i]), *dash = json_object_get(made, "dash");
        json_t *graphs = json_object_get(dash, "graphs");
        char url[64], resource[64];
        json_int_t id = json_integer_value(json_object_get(dash, "id"));

        assert_null(json_object_get(made, "errors"));
        assert_true(id > 0);
        snprintf(url, sizeof url, "/dash/%lld/api-timeboard", (long long)id);
        snprintf(resource, sizeof resource, "/api/v1/dash/%lld", (long long)id);
        assert_string_equal(asking_text(made, "url"), url);
        assert_string_equal(asking_text(made, "resource"), resource);
        assert_string_equal(asking_text(dash, "title"), "API Timeboard !");
        assert_true(json_is_true(json_object_get(dash, "read_only")));
        assert_true(json_is_null(json_object_get(dash, "template_variables")));
        assert_int_equal(strlen(asking_text(dash, "new_id")), 11);
        assert_int_equal(json_array_size(graphs), 3);
        assert_string_equal(
            asking_text(
                json_array_get(
                    json_object_get(json_object_get(json_array_get(graphs, 1), "definition"),
                                    "requests"),
                    0),
                "q"),
            "anomalies(avg:mysql.performance.user_time{*}, 'basic', 2)");
        json_decref(made);
    }
}

static void a_timeboard_is_read_changed_and_deleted(void **state)
{
    json_t *made = ask("POST", "/api/v1/dash",
                       "{\"title\":\"one\",\"graphs\":[],\"mine\":{\"x\":1.50}}", 200);
    char path[128];
    char *body;
    (void)state;

    snprintf(path, sizeof path, "%s", asking_text(made, "resource"));
    json_decref(made);
    assert_int_equal(running_get(&running, port, path, &body), 200);
    assert_non_null(strstr(body, ",\"mine\":{\"x\":1.50}")); /* byte by byte */
    free(body);

    json_t *changed =
        ask("PUT", path, "{\"title\":\"two\",\"graphs\":[],\"description\":null}", 200);

    assert_string_equal(asking_text(changed, "resource"), path);
    assert_string_equal(asking_text(json_object_get(changed, "dash"), "title"), "two");
    json_decref(changed);

    json_t *list = ask("GET", "/api/v1/dash", NULL, 200);
    json_t *dashes = json_object_get(list, "dashes");
    json_t *last = json_array_get(dashes, json_array_size(dashes) - 1);

    assert_string_equal(asking_text(last, "title"), "two");
    assert_string_equal(asking_text(last, "id"),
                        path + strlen("/api/v1/dash/")); /* text here */
    json_decref(list);
    assert_null(ask("DELETE", path, NULL, 204));
    char sentence[160];

    snprintf(sentence, sizeof sentence, "Dashboard with ID %s not found",
             path + strlen("/api/v1/dash/"));
    assert_error("GET", path, NULL, 404, sentence);
    assert_error("DELETE", path, NULL, 404, sentence);
    assert_error("PUT", path, "{\"title\":\"two\",\"graphs\":[]}", 404, sentence);
}

/* Python's library escapes what is no ASCII, and its dog joins the texts of a row. */
static void a_title_becomes_an_address(void **state)
{
    json_t *made = ask("POST", "/api/v1/dash",
                       "{\"title\":\"Caf\\u00e9 <b> \\\"Load\\\"\",\"graphs\":[]}", 200);
    json_t *list = ask("GET", "/api/v1/dash", NULL, 200);
    json_t *row = json_array_get(json_object_get(list, "dashes"), 0);
    char title[300], *large;
    (void)state;

    assert_non_null(strstr(asking_text(made, "url"), "/caf-b-load"));
    assert_string_equal(asking_text(row, "description"), "");
    json_decref(list);
    json_decref(made);
    memset(title, 'w', sizeof title - 1);
    title[sizeof title - 1] = '\0';
    assert_true(asprintf(&large, "{\"title\":\"%s\",\"graphs\":[]}", title) > 0);
    made = ask("POST", "/api/v1/dash", large, 200);
    assert_true(strlen(asking_text(made, "url")) < 130); /* lists show all of them */
    json_decref(made);
    free(large);
}

static const char dashboard[] =
    "{\"title\":\"My board\",\"layout_type\":\"ordered\",\"reflow_type\":\"auto\",\"widgets\":["
    "{\"definition\":{\"type\":\"timeseries\",\"title\":\"a\",\"requests\":[{\"q\":\"avg:a{*}"
    "\","
    "\"display_type\":\"line\",\"style\":{\"line_type\":\"dotted\",\"line_width\":\"thin\"}}]}}"
    ","
    "{\"id\":7,\"definition\":{\"type\":\"group\",\"layout_type\":\"ordered\",\"widgets\":["
    "{\"definition\":{\"type\":\"note\",\"content\":\"x\"}}]}}]}";

static void a_dashboard_is_made_and_its_widgets_get_ids(void **state)
{
    json_t *made = ask("POST", "/api/v1/dashboard", dashboard, 200);
    json_t *widgets = json_object_get(made, "widgets");
    json_t *inner = json_array_get(
        json_object_get(json_object_get(json_array_get(widgets, 1), "definition"), "widgets"),
        0);
    char path[128], url[128];
    (void)state;

    assert_true(json_is_integer(json_object_get(json_array_get(widgets, 0), "id")));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(widgets, 1), "id")), 7);
    assert_true(json_is_integer(json_object_get(inner, "id")));
    assert_string_equal(asking_text(made, "reflow_type"), "auto");
    assert_true(json_is_array(json_object_get(made, "template_variables")));
    assert_true(json_is_array(json_object_get(made, "notify_list")));
    assert_true(json_is_null(json_object_get(made, "description")));
    snprintf(url, sizeof url, "/dashboard/%s/my-board", asking_text(made, "id"));
    assert_string_equal(asking_text(made, "url"), url);
    assert_int_equal(strlen(asking_text(made, "created_at")),
                     strlen("2026-11-28T17:05:09.123000+00:00"));
    snprintf(path, sizeof path, "/api/v1/dashboard/%s", asking_text(made, "id"));

    json_t *got = ask("GET", path, NULL, 200);

    assert_true(json_equal(made, got));
    char *text = json_dumps(got, 0);
    json_t *put = ask("PUT", path, text, 200); /* what was read can be written */

    free(text);
    assert_true(json_equal(json_object_get(put, "widgets"), widgets));
    json_decref(put);
    json_decref(got);

    json_t *gone = ask("DELETE", path, NULL, 200);

    assert_string_equal(asking_text(gone, "deleted_dashboard_id"), asking_text(made, "id"));
    json_decref(gone);
    json_decref(made);
}

static json_t *first_widget(json_t *board)
{
    return json_array_get(json_object_get(board, "widgets"), 0);
}

static void each_route_shows_what_the_other_made(void **state)
{
    json_t *dash =
        ask("POST", "/api/v1/dash",
            "{\"title\":\"t\",\"read_only\":true,\"graphs\":[{\"title\":\"g\",\"definition\":"
            "{\"viz\":\"timeseries\",\"requests\":[{\"q\":\"a{*}\",\"type\":\"bars\",\"style\":"
            "{\"palette\":\"warm\",\"type\":\"solid\",\"width\":\"thick\"}}]}}]}",
            200);
    char path[128];
    (void)state;

    snprintf(path, sizeof path, "/api/v1/dashboard/%s",
             asking_text(json_object_get(dash, "dash"), "new_id"));
    json_t *board = ask("GET", path, NULL, 200), *widget = first_widget(board);
    json_t *definition = json_object_get(widget, "definition");
    json_t *request = json_array_get(json_object_get(definition, "requests"), 0);
    json_t *style = json_object_get(request, "style");

    assert_string_equal(asking_text(board, "layout_type"), "ordered");
    assert_true(json_is_true(json_object_get(board, "is_read_only")));
    assert_true(json_is_integer(json_object_get(widget, "id")));
    assert_string_equal(asking_text(definition, "type"), "timeseries");
    assert_string_equal(asking_text(definition, "title"), "g");
    assert_null(json_object_get(definition, "viz"));
    assert_string_equal(asking_text(request, "display_type"), "bars");
    assert_null(json_object_get(request, "type"));
    assert_string_equal(asking_text(style, "line_type"), "solid");
    assert_string_equal(asking_text(style, "line_width"), "thick");
    assert_string_equal(asking_text(style, "palette"), "warm");
    json_decref(board);
    json_decref(dash);

    board = ask("POST", "/api/v1/dashboard", dashboard, 200);
    snprintf(path, sizeof path, "/api/v1/dash/%s", asking_text(board, "id"));
    dash = ask("GET", path, NULL, 200);
    json_t *graph = json_array_get(json_object_get(json_object_get(dash, "dash"), "graphs"), 0);

    assert_string_equal(asking_text(graph, "title"), "a");
    definition = json_object_get(graph, "definition");
    assert_string_equal(asking_text(definition, "viz"), "timeseries");
    request = json_array_get(json_object_get(definition, "requests"), 0);
    assert_string_equal(asking_text(request, "type"), "line");
    assert_string_equal(asking_text(json_object_get(request, "style"), "type"), "dotted");
    json_decref(dash);
    json_decref(board);
}

static void several_are_listed_and_deleted_at_once(void **state)
{
    json_t *one = ask("POST", "/api/v1/dashboard", dashboard, 200);
    json_t *two = ask("POST", "/api/v1/dashboard", dashboard, 200);
    json_t *list = ask("GET", "/api/v1/dashboard?count=1000", NULL, 200);
    size_t n = json_array_size(json_object_get(list, "dashboards"));
    char body[512];
    (void)state;

    json_decref(list);
    snprintf(body, sizeof body,
             "{\"data\":[{\"id\":\"%s\",\"type\":\"dashboard\"},{\"id\":\"no\",\"type\":"
             "\"dashboard\"}]}",
             asking_text(one, "id"));
    assert_error("DELETE", "/api/v1/dashboard", body, 404, "data[1]: no dashboard has this id");
    assert_error("DELETE", "/api/v1/dashboard", "{}", 400,
                 "data: expected a list of dashboards");
    char *many = malloc(200001); /* as many as there may be have room in a body */

    assert_non_null(many);
    memset(many, ' ', 200000);
    many[200000] = '\0';
    memcpy(many + 200000 - 11, "{\"data\":[]}", 11);
    assert_null(ask("DELETE", "/api/v1/dashboard", many, 204));
    free(many);
    list = ask("GET", "/api/v1/dashboard?count=1&start=1", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(list, "dashboards")), 1);
    json_decref(list);
    snprintf(body, sizeof body,
             "{\"data\":[{\"id\":\"%s\",\"type\":\"dashboard\"},{\"id\":\"%s\",\"type\":"
             "\"dashboard\"}]}",
             asking_text(one, "id"), asking_text(two, "id"));
    assert_null(ask("DELETE", "/api/v1/dashboard", body, 204));
    list = ask("GET", "/api/v1/dashboard?count=1000", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(list, "dashboards")), n - 2);
    json_decref(list);
    list = ask("GET", "/api/v1/dashboard?filter%5Bdeleted%5D=true", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(list, "dashboards")), 0);
    json_decref(list);
    json_decref(one);
    json_decref(two);
}

static void what_cannot_be_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *path, *body, *sentence;
    } cases[] = {
        { "/api/v1/dash", "{\"title\"",
          "the body is no valid JSON: expected a colon behind the "
          "name of a member, at byte 8" },
        { "/api/v1/dash", "[]", "the body must be a JSON object" },
        { "/api/v1/dash", "{}", "title: expected a text that is not empty" },
        { "/api/v1/dash", "{\"title\":\"\"}", "title: expected a text that is not empty" },
        { "/api/v1/dash", "{\"title\":\"a\"}", "graphs: expected a list of graphs" },
        { "/api/v1/dash", "{\"title\":\"a\",\"graphs\":[{}]}",
          "graphs[0].title: expected text" },
        { "/api/v1/dash", "{\"title\":\"a\",\"graphs\":[{\"title\":\"b\",\"definition\":{}}]}",
          "graphs[0].definition.requests: expected a list of requests" },
        { "/api/v1/dash",
          "{\"title\":\"a\",\"graphs\":[{\"title\":\"b\",\"definition\":{\"requests\":[{\"q\":"
          "1}]}}]}",
          "graphs[0].definition.requests[0].q: expected a query, which is text" },
        { "/api/v1/dash",
          "{\"title\":\"a\",\"graphs\":[{\"title\":\"b\",\"definition\":{\"requests\":["
          "{\"q\":\"avg:x{$host}\"},{\"q\":\"sum:x\"}]}}]}",
          "graphs[0].definition.requests[1].q: column 6: " },
        { "/api/v1/dash", "{\"title\":\"a\",\"graphs\":[],\"read_only\":1}",
          "read_only: expected true or false" },
        { "/api/v1/dashboard", "{\"title\":\"a\",\"widgets\":[]}",
          "layout_type: expected ordered or free" },
        { "/api/v1/dashboard", "{\"title\":\"a\",\"layout_type\":\"round\",\"widgets\":[]}",
          "layout_type: expected ordered or free" },
        { "/api/v1/dashboard",
          "{\"title\":\"a\",\"layout_type\":\"free\",\"widgets\":[],\"reflow_type\":\"odd\"}",
          "reflow_type: expected auto or fixed" },
        { "/api/v1/dashboard", "{\"title\":\"a\",\"layout_type\":\"free\",\"widgets\":[{}]}",
          "widgets[0].definition: expected an object" },
        { "/api/v1/dashboard",
          "{\"title\":\"a\",\"layout_type\":\"free\",\"widgets\":[{\"definition\":{\"type\":"
          "\"group\","
          "\"widgets\":[{\"definition\":{}}]}}]}",
          "widgets[0].definition.widgets[0].definition.type: expected the type of the widget, "
          "which is text" },
        { "/api/v1/dashboard",
          "{\"title\":\"a\",\"layout_type\":\"free\",\"widgets\":[{\"definition\":{\"type\":"
          "\"timeseries\",\"requests\":[{\"queries\":[{\"data_source\":\"logs\"},"
          "{\"data_source\":\"metrics\",\"query\":\"sum:x\"}]}]}}]}",
          "widgets[0].definition.requests[0].queries[1].query: column 6: " },
        { "/api/v1/dashboard",
          "{\"title\":\"a\",\"layout_type\":\"free\",\"widgets\":[{\"definition\":{\"type\":"
          "\"timeseries\",\"requests\":[{\"queries\":[{\"data_source\":\"metrics\"}]}]}}]}",
          "widgets[0].definition.requests[0].queries[0].query: expected a query, which is "
          "text" },
    };
    char *body;
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_error("POST", cases[i].path, cases[i].body, 400, cases[i].sentence);
    assert_error("GET", "/api/v1/dashboard?count=0", NULL, 400,
                 "count: expected a whole number from 1 to 1000");
    assert_error("PATCH", "/api/v1/dash", NULL, 405, "only GET, HEAD, POST here");
    assert_error("GET", "/api/v1/screen", NULL, 404,
                 "screenboards are not made here: send a dashboard to /api/v1/dashboard");
    assert_error("GET", "/api/v1/nothing", NULL, 404,
                 "there is no such path here: docs/datadog.md lists what is");
    assert_int_equal(running_json(&running, port, "GET", "/api/v1/dash/1/2", NULL, &body), 404);
    free(body);
}

/* As Datadog's example for curl has it. */
static void read_only_may_be_said_as_text(void **state)
{
    json_t *made = ask("POST", "/api/v1/dash",
                       "{\"title\":\"a\",\"graphs\":[],\"read_only\":\"True\"}", 200);
    (void)state;

    assert_true(json_is_true(json_object_get(json_object_get(made, "dash"), "read_only")));
    json_decref(made);
    assert_error("POST", "/api/v1/dash",
                 "{\"title\":\"a\",\"graphs\":[],\"read_only\":\"yes\"}", 400,
                 "read_only: expected true or false");
}

/* As scripts of the exercise have it, besides that of shared/seeds. */
static void a_graph_may_have_several_queries_with_commas(void **state)
{
    (void)state;
    json_decref(
        ask("POST", "/api/v1/dash",
            "{\"title\":\"a\",\"graphs\":[{\"title\":\"b\",\"definition\":{\"requests\":["
            "{\"q\":\"avg:my_metric{host:x}, anomalies(avg:mongodb.uptime{host:x}, "
            "'basic', 2)\"}]}}]}",
            200));
}

static void only_json_is_taken_and_not_from_other_origins(void **state)
{
    static const char foreign[] = "DELETE /api/v1/dash/1 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                                  "Origin: http://evil.example\r\nConnection: close\r\n\r\n";
    static const char plain[] = "POST /api/v1/dash HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                                "Content-Type: text/plain\r\nConnection: close\r\n"
                                "Content-Length: 2\r\n\r\n{}";
    (void)state;

    char *answer = running_exchange(&running, port, foreign, strlen(foreign));

    assert_non_null(strstr(answer, "HTTP/1.1 403 "));
    assert_non_null(strstr(answer, "{\"errors\":[\"a page of another origin sent this"));
    free(answer);
    answer = running_exchange(&running, port, plain, strlen(plain));
    assert_non_null(strstr(answer, "HTTP/1.1 403 "));
    assert_non_null(strstr(answer, "application/json"));
    free(answer);
}

static bool is_known(const char *path, const char *text)
{
    char *body;
    bool known = running_json(&running, port, "GET", path, NULL, &body) == 200 &&
                 strstr(body, text) != NULL;

    free(body);
    return known;
}

/* The next server has read what the last one wrote after a while, and does not wait for it. */
static void with_a_state_path_definitions_outlive_the_server(void **state)
{
    char folder[TEMP_PATH_SIZE], set[128], path[128], *body;
    (void)state;

    temp_folder_make(folder);
    snprintf(set, sizeof set, "heeler_state_path=%s", folder);
    assert_true(running_stop(&running));
    running_free(&running);
    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0", set));
    port = server_http_port(running.server);
    json_t *made = ask("POST", "/api/v1/dashboard", dashboard, 200);
    json_t *gone = ask("POST", "/api/v1/dashboard", dashboard, 200);

    snprintf(path, sizeof path, "/api/v1/dashboard/%s", asking_text(gone, "id"));
    json_decref(ask("DELETE", path, NULL, 200));
    json_decref(ask("PUT", "/api/v1/metrics/m", "{\"unit\":\"byte\"}", 200));
    snprintf(path, sizeof path, "/api/v1/dashboard/%s", asking_text(made, "id"));
    assert_true(running_stop(&running));
    running_free(&running);

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0", set));
    port = server_http_port(running.server);
    json_t *again = ask("GET", path, NULL, 200); /* nobody says meanwhile that it is gone */

    assert_true(is_known("/api/v1/metrics/m", "byte"));
    assert_true(json_equal(made, again));
    assert_int_equal(running_json(&running, port, "GET", "/api/v1/dashboard", NULL, &body),
                     200);
    assert_null(strstr(body, asking_text(gone, "id")));
    free(body);
    json_decref(again);
    json_decref(made);
    json_decref(gone);
    assert_true(running_stop(&running));
    running_free(&running);
    temp_folder_remove(folder);
    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"));
}

static void keys_are_valid(void **state)
{
    json_t *answer = ask("GET", "/api/v1/validate", NULL, 200);
    (void)state;

    assert_true(json_is_true(json_object_get(answer, "valid")));
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_request_of_the_exercise_makes_its_timeboard, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_timeboard_is_read_changed_and_deleted, start, stop),
        cmocka_unit_test_setup_teardown(a_title_becomes_an_address, start, stop),
        cmocka_unit_test_setup_teardown(a_dashboard_is_made_and_its_widgets_get_ids, start,
                                        stop),
        cmocka_unit_test_setup_teardown(each_route_shows_what_the_other_made, start, stop),
        cmocka_unit_test_setup_teardown(several_are_listed_and_deleted_at_once, start, stop),
        cmocka_unit_test_setup_teardown(what_cannot_be_is_refused_with_a_sentence, start, stop),
        cmocka_unit_test_setup_teardown(read_only_may_be_said_as_text, start, stop),
        cmocka_unit_test_setup_teardown(a_graph_may_have_several_queries_with_commas, start,
                                        stop),
        cmocka_unit_test_setup_teardown(only_json_is_taken_and_not_from_other_origins, start,
                                        stop),
        cmocka_unit_test_setup_teardown(keys_are_valid, start, stop),
        cmocka_unit_test_setup_teardown(with_a_state_path_definitions_outlive_the_server, start,
                                        stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
