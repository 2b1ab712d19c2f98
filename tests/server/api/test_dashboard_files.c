#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/api/dashboard_files.h"
#include "tests/support/running.h"

#define BOARD(title, more)                                                   \
    "{\"title\":\"" title                                                    \
    "\",\"layout_type\":\"ordered\",\"widgets\":[{\"definition\":{\"type\":" \
    "\"note\"}}]" more "}"

static struct definition *find(const struct definition_files *files, const char *id)
{
    return definitions_find(&files->definitions, DEFINITION_DASHBOARD, slice_of(id));
}

static void a_file_is_a_dashboard_of_either_form(void **state)
{
    (void)state;
    temp_folder_put("b.json", BOARD("two", ",\"id\":\"abc-def-ghi\",\"mine\":1.50"));
    temp_folder_put(
        "a.json",
        "{\"dash\":{\"id\":17,\"new_id\":\"x4x-ttz-cnu\",\"title\":\"one\",\"graphs\":[]},"
        "\"url\":\"/dash/17/one\",\"resource\":\"/api/v1/dash/17\"}\n");
    temp_folder_put("c.json", BOARD("three", ""));
    temp_folder_put(".d.json", "{");
    temp_folder_put("e.json~", "{");
    struct definition_files *files = dashboard_files_read(temp_folder);

    assert_non_null(files);
    assert_int_equal(files->problems.n, 0);
    assert_int_equal(files->definitions.of[DEFINITION_DASHBOARD].n, 3);
    const struct definition *first = files->definitions.of[DEFINITION_DASHBOARD].first;

    assert_true(slice_equal(first->file, SLICE("a.json")));
    assert_true(slice_equal(first->name, SLICE("x4x-ttz-cnu")));
    assert_int_equal(first->number, 17);
    assert_true(first->changed_ms > INT64_C(1600000000000));
    assert_non_null(find(files, "abc-def-ghi"));
    const struct definition *last = files->definitions.of[DEFINITION_DASHBOARD].last;
    char id[64];

    snprintf(id, sizeof id, "%.*s", (int)last->name.len, last->name.at);
    assert_int_equal(strlen(id), 11);
    assert_true(id[3] == '-' && id[7] == '-');
    definition_files_free(files);
    files = dashboard_files_read(temp_folder);
    assert_non_null(find(files, id)); /* the same id each time */
    definition_files_free(files);
}

static void a_bad_file_is_a_sentence_and_leaves_the_others(void **state)
{
    static const struct {
        const char *name, *text, *sentence;
    } cases[] = {
        { "a.json", "{\n  \"title\": }", "a.json, line 2, byte 12: " },
        { "b.json", "", "b.json, line 1, byte 1: " },
        { "c.json", "[]", "c.json: expected a JSON object" },
        { "d.json", "{\"title\":\"x\"}", "d.json: graphs: expected a list of graphs" },
        { "e.json", "{\"title\":\"x\",\"widgets\":[]}",
          "e.json: layout_type: expected ordered or free" },
        { "f.json",
          "{\"title\":\"x\",\"graphs\":[{\"title\":\"b\",\"definition\":{\"requests\":[{\"q\":"
          "\"sum:x\"}]}}]}",
          "f.json: graphs[0].definition.requests[0].q: column 6: " },
        { "h.json", BOARD("x", ",\"id\":\"abc-def-ghi\""),
          "h.json: its id abc-def-ghi is that of g.json" },
    };
    char path[TEMP_PATH_SIZE + 64];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        temp_folder_put(cases[i].name, cases[i].text);
    temp_folder_put("g.json", BOARD("fine", ",\"id\":\"abc-def-ghi\""));
    snprintf(path, sizeof path, "%s/i.json", temp_folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    struct definition_files *files = dashboard_files_read(temp_folder);

    assert_int_equal(files->definitions.of[DEFINITION_DASHBOARD].n, 1);
    assert_non_null(find(files, "abc-def-ghi"));
    assert_int_equal(files->problems.n, sizeof cases / sizeof cases[0] + 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (strncmp(files->problems.at[i], cases[i].sentence, strlen(cases[i].sentence)) != 0)
            fail_msg("%s", files->problems.at[i]);
    assert_string_equal(files->problems.at[files->problems.n - 1], "i.json: it is no file");
    definition_files_free(files);
}

static void numbers_are_unique_and_none_is_too_large(void **state)
{
    (void)state;
    temp_folder_put("a.json", "{\"id\":5,\"title\":\"a\",\"graphs\":[]}");
    temp_folder_put("b.json", "{\"id\":5,\"title\":\"b\",\"graphs\":[]}");
    temp_folder_put("bb.json", "{\"id\":6,\"title\":\"bb\",\"graphs\":[]}");
    temp_folder_put("c.json", "{\"id\":9223372036854775807,\"title\":\"c\",\"graphs\":[]}");
    struct definition_files *files = dashboard_files_read(temp_folder);

    const struct definition *six =
        definitions_find_number(&files->definitions, DEFINITION_DASHBOARD, 6);

    assert_int_equal(files->definitions.of[DEFINITION_DASHBOARD].n, 4);
    assert_int_equal(files->definitions.of[DEFINITION_DASHBOARD].first->number, 5);
    assert_int_not_equal(files->definitions.of[DEFINITION_DASHBOARD].first->next->number, 5);
    assert_non_null(six); /* it says so itself, and a copy of a.json does not take it */
    assert_true(slice_equal(six->file, SLICE("bb.json")));
    assert_true(files->definitions.of[DEFINITION_DASHBOARD].last->number < INT64_C(1) << 38);
    definition_files_free(files);
}

static void a_folder_that_is_not_there_is_a_sentence(void **state)
{
    (void)state;
    struct definition_files *files = dashboard_files_read("/nonexistent/x");

    assert_int_equal(files->problems.n, 1);
    assert_string_equal(files->problems.at[0], "/nonexistent/x: No such file or directory");
    definition_files_free(files);
    files = dashboard_files_read("");
    assert_int_equal(files->problems.n + files->definitions.of[DEFINITION_DASHBOARD].n, 0);
    definition_files_free(files);
}

/* ---- by a server ------------------------------------------------------- */

static struct running running;

static void assert_answer(const char *method, const char *path, const char *json, int status,
                          const char *has)
{
    char *body;
    int got =
        running_json(&running, server_http_port(running.server), method, path, json, &body);

    if (got != status || strstr(body, has) == NULL)
        fail_msg("%s %s: %d %s", method, path, got, body);
    free(body);
}

static int stop_server(void **state)
{
    int ended = running_end(&running);

    return temp_folder_end(state) == 0 ? ended : -1;
}

static void a_server_shows_them_and_changes_none(void **state)
{
    static const char path[] = "/api/v1/dashboard/abc-def-ghi";
    static const char sentence[] = "the file web.json of heeler_dashboards_path holds this "
                                   "dashboard: change it there, and reload";
    char set[128];
    (void)state;

    temp_folder_put("web.json", BOARD("of a file", ",\"id\":\"abc-def-ghi\""));
    snprintf(set, sizeof set, "heeler_dashboards_path=%s", temp_folder);
    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0", set));
    assert_answer("GET", path, NULL, 200, "\"is_read_only\":true,\"file\":\"web.json\"");
    assert_answer("GET", "/api/v1/dashboard", NULL, 200, "\"file\":\"web.json\"");
    assert_answer("GET", "/api/v1/dash/abc-def-ghi", NULL, 200, "\"read_only\":true");
    assert_answer("PUT", path, BOARD("other", ""), 403, sentence);
    assert_answer("DELETE", path, NULL, 403, sentence);
    assert_answer("DELETE", "/api/v1/dash/abc-def-ghi", NULL, 403, sentence);
    assert_answer("DELETE", "/api/v1/dashboard",
                  "{\"data\":[{\"id\":\"abc-def-ghi\",\"type\":\"dashboard\"}]}", 403,
                  "data[0]: the file web.json");
    assert_answer("POST", "/api/v1/dashboard", BOARD("of the API", ""), 200, "of the API");

    temp_folder_put("web.json", BOARD("changed", ",\"id\":\"abc-def-ghi\""));
    temp_folder_put("bad.json", "{");
    assert_answer("POST", "/reload", "", 200,
                  "heeler_dashboards_path: bad.json, line 1, byte 2: ");
    assert_answer("GET", path, NULL, 200, "\"title\":\"changed\"");
    assert_answer("GET", "/api/v1/dashboard", NULL, 200, "\"problems\":[\"bad.json, line 1");
    assert_answer("GET", "/api/v1/dashboard?start=1&count=1", NULL, 200, "of the API");
    assert_answer("GET", "/api/v1/dashboard?start=2", NULL, 200, "\"dashboards\":[]");
}

static void the_address_of_a_dashboard_leads_to_the_page(void **state)
{
    static const char request[] = "GET /dash/17/my-title HTTP/1.1\r\nHost: localhost\r\n"
                                  "Connection: close\r\n\r\n";
    static const char linked[] =
        "GET /dashboard/abc-def-ghi HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n"
        "Sec-Fetch-Dest: document\r\n\r\n";
    static const char filled[] =
        "GET /dash/17/my-title?tpl_var_host=web-1&range=4h HTTP/1.1\r\nHost: localhost\r\n"
        "Connection: close\r\n\r\n";
    static const char event[] = "GET /event/event?id=5 HTTP/1.1\r\nHost: localhost\r\n"
                                "Connection: close\r\n\r\n";
    static const char odd[] = "GET /dash/%22%3e HTTP/1.1\r\nHost: localhost\r\n"
                              "Connection: close\r\n\r\n";
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"));
    int port = server_http_port(running.server);
    char *answer = running_exchange(&running, port, request, strlen(request));

    assert_non_null(strstr(answer, "HTTP/1.1 303 "));
    assert_non_null(strstr(answer, "Location: /#/dashboard?id=17\r\n"));
    free(answer);
    answer = running_exchange(&running, port, linked, strlen(linked)); /* in a chat */
    assert_non_null(strstr(answer, "Location: /#/dashboard?id=abc-def-ghi\r\n"));
    free(answer);
    answer = running_exchange(&running, port, filled, strlen(filled));
    assert_non_null(
        strstr(answer, "Location: /#/dashboard?tpl_var_host=web-1&range=4h&id=17\r\n"));
    free(answer);
    answer = running_exchange(&running, port, event, strlen(event));
    assert_non_null(strstr(answer, "Location: /#/events\r\n"));
    free(answer);
    answer = running_exchange(&running, port, odd, strlen(odd));
    assert_non_null(strstr(answer, "HTTP/1.1 404 "));
    free(answer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, temp_folder_begin, temp_folder_end)
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_a_dashboard_of_either_form),
        TEST(a_bad_file_is_a_sentence_and_leaves_the_others),
        TEST(numbers_are_unique_and_none_is_too_large),
        TEST(a_folder_that_is_not_there_is_a_sentence),
        cmocka_unit_test_setup_teardown(a_server_shows_them_and_changes_none, temp_folder_begin,
                                        stop_server),
        cmocka_unit_test_setup_teardown(the_address_of_a_dashboard_leads_to_the_page,
                                        temp_folder_begin, stop_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
