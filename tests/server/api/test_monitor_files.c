#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/monitor_files.h"
#include "tests/support/asking.h"

#define MONITOR(name, more)                                                               \
    "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:m{*} > 1\",\"name\":\"" name \
    "\"" more "}"

static void a_file_is_a_monitor_or_a_downtime_of_either_version(void **state)
{
    static const char uuid[] = "12345678-1234-4234-8234-123456789012";
    (void)state;

    temp_folder_put("a.json", MONITOR("of a number", ",\"id\":17,\"overall_state\":\"OK\""));
    temp_folder_put("b.json", MONITOR("of none", ""));
    temp_folder_put("c.json",
                    "{\"id\":5,\"uuid\":\"12345678-1234-4234-8234-123456789012\",\"scope\":"
                    "[\"*\"],\"status\":\"active\",\"canceled\":null}");
    temp_folder_put(
        "d.json",
        "{\"data\":{\"type\":\"downtime\",\"id\":\"x-y\",\"attributes\":{\"scope\":\"*\","
        "\"monitor_identifier\":{\"monitor_tags\":[\"*\"]}}}}");
    struct definition_files *files = monitor_files_read(temp_folder);
    const struct definitions *read = &files->definitions;

    assert_int_equal(files->problems.n, 0);
    assert_int_equal(read->of[DEFINITION_MONITOR].n, 2);
    assert_int_equal(read->of[DEFINITION_DOWNTIME].n, 2);
    const struct definition *monitor = definitions_find_number(read, DEFINITION_MONITOR, 17);

    assert_true(slice_equal(monitor->name, SLICE("17")));
    assert_true(slice_equal(monitor->file, SLICE("a.json")));
    int64_t number = read->of[DEFINITION_MONITOR].last->number;

    assert_true(number > 0);
    assert_non_null(definitions_find(read, DEFINITION_DOWNTIME, SLICE("x-y")));
    assert_int_equal(definitions_find(read, DEFINITION_DOWNTIME, slice_of(uuid))->number, 5);
    definition_files_free(files);
    files = monitor_files_read(temp_folder);
    assert_int_equal(files->definitions.of[DEFINITION_MONITOR].last->number, number);
    definition_files_free(files); /* the same id each time */
}

static void a_bad_file_is_a_sentence_and_leaves_the_others(void **state)
{
    static const struct {
        const char *name, *text, *sentence;
    } cases[] = {
        { "a.json", "{\n  \"query\": }", "a.json, line 2, byte 12: " },
        { "b.json", "{}",
          "b.json: expected a monitor, which has a query, or a downtime, which has a scope" },
        { "c.json", "{\"query\":\"avg\",\"type\":\"metric alert\"}",
          "c.json: The value provided for parameter 'query' is invalid" },
        { "d.json", "{\"scope\":[]}", "d.json: Invalid scope parameter" },
        { "dd.json", "{\"scope\":\"*\",\"canceled\":1700000000}",
          "dd.json: this downtime was canceled: remove the file, or 'canceled'" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        temp_folder_put(cases[i].name, cases[i].text);
    temp_folder_put("e.json", MONITOR("fine", ""));
    struct definition_files *files = monitor_files_read(temp_folder);

    assert_int_equal(files->definitions.of[DEFINITION_MONITOR].n, 1);
    assert_int_equal(files->problems.n, sizeof cases / sizeof cases[0]);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (strncmp(files->problems.at[i], cases[i].sentence, strlen(cases[i].sentence)) != 0)
            fail_msg("%s", files->problems.at[i]);
    definition_files_free(files);
}

/* Which of two it is would be a guess: the first has the id, and the other is said. */
static void an_id_that_two_files_say_is_told(void **state)
{
    char sentence[128];
    (void)state;

    temp_folder_put("a.json", MONITOR("first", ",\"id\":17"));
    temp_folder_put("b.json", MONITOR("second", ",\"id\":17"));
    temp_folder_put("c.json",
                    "{\"id\":17,\"scope\":[\"*\"]}"); /* a downtime has ids of its own */
    struct definition_files *files = monitor_files_read(temp_folder);
    const struct definitions *read = &files->definitions;
    const struct definition *second = read->of[DEFINITION_MONITOR].last;

    if (slice_equal(second->file, SLICE("a.json")))
        fail_msg("they are in another order");
    assert_int_equal(read->of[DEFINITION_MONITOR].n, 2);
    assert_true(slice_equal(definitions_find_number(read, DEFINITION_MONITOR, 17)->file,
                            SLICE("a.json")));
    snprintf(sentence, sizeof sentence,
             "b.json: its id 17 is that of a.json: it has %lld in its place",
             (long long)second->number);
    assert_int_equal(files->problems.n, 1);
    assert_string_equal(files->problems.at[0], sentence);
    definition_files_free(files);
}

/* ---- by a server ------------------------------------------------------- */

static struct running running;

static int stop_server(void **state)
{
    int ended = running_end(&running);

    return temp_folder_end(state) == 0 ? ended : -1;
}

static json_t *ask(const char *method, const char *path, const char *json, int status)
{
    return asking_json(&running, method, path, json, status);
}

static void a_server_shows_them_and_changes_none(void **state)
{
    static const char sentence[] =
        "the file m.json of heeler_monitors_path holds this monitor: "
        "change it there, and reload; to mute it, make a downtime";
    static const char of_downtime[] = "the file d.json of heeler_monitors_path holds this "
                                      "downtime: change it there, and reload";
    char set[128];
    (void)state;

    temp_folder_put("m.json", MONITOR("of a file", ",\"id\":17"));
    temp_folder_put("d.json", "{\"id\":5,\"scope\":\"*\",\"monitor_id\":17}");
    snprintf(set, sizeof set, "heeler_monitors_path=%s", temp_folder);
    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0", set));
    json_t *monitor = ask("GET", "/api/v1/monitor/17", NULL, 200);

    assert_string_equal(asking_text(monitor, "file"), "m.json");
    json_decref(monitor);
    asking_error(&running, "PUT", "/api/v1/monitor/17", "{}", 403, sentence);
    asking_error(&running, "DELETE", "/api/v1/monitor/17", NULL, 403, sentence);
    asking_error(&running, "POST", "/api/v1/monitor/17/mute", "", 403, sentence);
    asking_error(&running, "DELETE", "/api/v1/downtime/5", NULL, 403, of_downtime);
    asking_error(&running, "PUT", "/api/v1/downtime/5", "{}", 403, of_downtime);
    json_decref(ask("POST", "/api/v1/monitor/17/validate", "{}", 200));
    json_decref(ask("POST", "/api/v1/monitor", MONITOR("of the API", ""), 200));

    temp_folder_put("m.json", MONITOR("changed", ",\"id\":17"));
    temp_folder_put("bad.json", "{");
    json_t *reloaded = ask("POST", "/reload", "", 200);
    char *text = json_dumps(reloaded, 0);

    assert_non_null(strstr(text, "heeler_monitors_path: bad.json, line 1, byte 2: "));
    free(text);
    json_decref(reloaded);
    json_t *list = ask("GET", "/api/v1/monitor", NULL, 200);

    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(asking_text(json_array_get(list, 0), "name"), "changed");
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_a_monitor_or_a_downtime_of_either_version,
                                        temp_folder_begin, temp_folder_end),
        cmocka_unit_test_setup_teardown(a_bad_file_is_a_sentence_and_leaves_the_others,
                                        temp_folder_begin, temp_folder_end),
        cmocka_unit_test_setup_teardown(an_id_that_two_files_say_is_told, temp_folder_begin,
                                        temp_folder_end),
        cmocka_unit_test_setup_teardown(a_server_shows_them_and_changes_none, temp_folder_begin,
                                        stop_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
