#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/chart_program.h"
#include "tests/support/fake_intake.h"
#include "tests/support/running.h"
#include "tests/support/udp.h"

/* ---- the program, asked as a user asks it ------------------------------ */

struct run {
    int status;      /* of exit; 128 + n: it died of signal n */
    char *out, *err; /* owned */
};

/* The program that was built beside the tests, or what starts it where the kernel cannot. */
static void find_program(char path[512])
{
    const char *starter = getenv("HEELER_STARTER");
    char own[400];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);

    if (starter != NULL) {
        snprintf(path, 512, "%s", starter);
        return;
    }
    assert_true(len > 0);
    own[len] = '\0';
    char *tests = strstr(own, "/tests/");
    assert_non_null(tests);
    snprintf(path, 512, "%.*s/heeler", (int)(tests - own), own);
    if (access(path, X_OK) != 0)
        fail_msg("%s is not built", path);
}

static void on_end(evutil_socket_t fd, short what, void *base)
{
    (void)fd, (void)what;
    event_base_loopbreak(base);
}

static pid_t start_query(char *const *words, const char *out, const char *err, int end_fd)
{
    char program[512], *arguments[24] = { program, "query" };
    posix_spawn_file_actions_t actions;
    pid_t pid;

    for (size_t i = 0; words[i] != NULL; i++)
        arguments[i + 2] = words[i];
    find_program(program);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out, O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err, O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, end_fd, STDIN_FILENO); /* closed at its end */
    assert_int_equal(posix_spawn(&pid, program, &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* Turns the loop, where whoever answers may live, until the program has ended. */
static struct run query(struct event_base *base, const char *out_path, char *const *words)
{
    char out[TEMP_PATH_SIZE], err[TEMP_PATH_SIZE];
    int ends[2], status;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    temp_file_write(out, "", 0);
    temp_file_write(err, "", 0);
    pid_t pid = start_query(words, out_path != NULL ? out_path : out, err, ends[1]);
    close(ends[1]);
    struct event *ended = event_new(base, ends[0], EV_READ, on_end, base);
    event_add(ended, NULL);
    event_base_dispatch(base);
    event_free(ended);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    struct run run = { WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                       temp_file_read(out), temp_file_read(err) };
    unlink(out);
    unlink(err);
    return run;
}

#define QUERY(base, out_path, ...) query(base, out_path, (char *[]){ __VA_ARGS__, NULL })

static void run_free(struct run *run)
{
    free(run->out);
    free(run->err);
}

static void assert_status(const struct run *run, int status, const char *what)
{
    if (run->status != status)
        fail_msg("%s: status %d\n%s%s", what, run->status, run->out, run->err);
}

/* No byte that a terminal obeys but the ends of lines. */
static void assert_harmless(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c, next = (unsigned char)c[1];
        if ((byte < 0x20 && byte != '\n') || byte == 0x7f ||
            (byte == 0xc2 && next >= 0x80 && next <= 0x9f))
            fail_msg("a control character at byte %td: %s", c - text, text);
    }
}

/* ---- a running server -------------------------------------------------- */

static struct running running; /* ended by the teardown, whatever the tests did */
static json_t *rows;           /* of tests/data/hostile, kind query */

static void read_rows(void)
{
    FILE *file = fopen("tests/data/hostile/hostile.jsonl", "re");
    json_t *row;

    assert_non_null(file);
    rows = json_array();
    while ((row = json_loadf(file, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL)) != NULL) {
        if (strcmp(json_string_value(json_object_get(row, "kind")), "query") == 0)
            json_array_append(rows, row);
        json_decref(row);
    }
    fclose(file);
}

static int start_running(void **state)
{
    (void)state;
    read_rows();
    if (!RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0", "heeler_interval=1"))
        print_error("%s\n", running.problem);
    undo_forget_all();
    return running.server != NULL ? 0 : 1;
}

static int stop_running(void **state)
{
    (void)state;
    running_stop(&running);
    running_free(&running);
    json_decref(rows);
    return 0;
}

static char *server_url(void)
{
    static char url[64];

    snprintf(url, sizeof url, "http://127.0.0.1:%d", server_http_port(running.server));
    return url;
}

/* The lines are in the rollups then. */
static void send_and_flush(const char *lines)
{
    static uint64_t datagrams;
    int fd = udp_sender(running_listener(&running, 0));
    char *body;

    udp_send(fd, lines);
    close(fd);
    assert_true(running_until(&running, running_datagrams, ++datagrams));
    assert_int_equal(running_ask(&running, server_http_port(running.server), EVHTTP_REQ_POST,
                                 "/flush", NULL, &body),
                     200);
    free(body);
}

static bool shows_one_of(const char *out, const char *texts)
{
    char *words = strdup(texts), *rest = words, *word;
    bool shown = false;

    while ((word = strsep(&rest, " ")) != NULL)
        shown = shown || (strcmp(word, "or") != 0 && strstr(out, word) != NULL);
    free(words);
    return shown;
}

static void check_query_row(const json_t *row)
{
    const char *id = json_string_value(json_object_get(row, "id"));
    json_t *expect = json_object_get(row, "expect");
    const char *shows = json_string_value(json_object_get(expect, "shows"));

    send_and_flush(json_string_value(json_object_get(row, "lines")));
    struct run run = QUERY(running.base, NULL, "--at", server_url(), "--last", "1m",
                           (char *)json_string_value(json_object_get(row, "query")));
    assert_status(&run, (int)json_integer_value(json_object_get(expect, "exit")), id);
    if (strstr(run.out, "  last ") == NULL || (shows != NULL && !shows_one_of(run.out, shows)))
        fail_msg("%s: %s%s", id, run.out, run.err);
    assert_harmless(run.out);
    run_free(&run);
}

static void hostile_values_are_asked_for(void **state)
{
    (void)state;
    assert_true(json_array_size(rows) >= 3);
    for (size_t i = 0; i < json_array_size(rows); i++)
        check_query_row(json_array_get(rows, i));
}

/* Of the row query-c1-control. */
static void json_says_the_same_without_control_characters(void **state)
{
    (void)state;
    struct run run = QUERY(running.base, NULL, "--at", server_url(), "--json",
                           "sum:m{*} by {h}.rollup(sum, 3600)");
    assert_status(&run, 0, "--json");
    assert_harmless(run.out);
    json_t *answer = json_loads(run.out, 0, NULL);
    json_t *series = json_array_get(json_object_get(answer, "series"), 0);
    assert_string_equal(json_string_value(json_object_get(series, "scope")),
                        "h:a\xc2\x9b\x33\x31mb");
    json_decref(answer);
    run_free(&run);
}

/* Who asks right after a send is told when to ask again. */
static void the_open_interval_is_told(void **state)
{
    (void)state;
    struct run run = QUERY(running.base, NULL, "--at", server_url(), "sum:just_sent{*}");
    assert_status(&run, 0, "just sent");
    assert_non_null(strstr(run.out, "nothing matches in that time\nwhat came since "));
    assert_non_null(strstr(run.out, " is not in it yet: ask again after "));
    run_free(&run);
    run = QUERY(running.base, NULL, "--at", server_url(), "--from", "1000000", "--to",
                "1000060", "sum:just_sent{*}");
    assert_string_equal(run.out, "nothing matches in that time\n");
    run_free(&run);
}

static void a_refusal_is_harmless_and_points_at_the_column(void **state)
{
    (void)state;
    struct run run =
        QUERY(running.base, NULL, "--at", server_url(), "sum:m{*}\x1b]0;x\xc2\x9b");
    assert_status(&run, 78, "a bad question");
    assert_harmless(run.err);
    assert_non_null(strstr(run.err, "  sum:m{*}\\x1b]0;x\\xc2\\x9b\n          ^\n"));
    assert_non_null(strstr(run.err, "heeler query: column 9: expected"));
    run_free(&run);
}

static void a_complaint_is_harmless(void **state)
{
    (void)state;
    struct run run = QUERY(running.base, NULL, "--at", "\x1b[31m\xc2\x9b", "sum:m{*}");
    assert_status(&run, 1, "a URL of control characters");
    assert_harmless(run.err);
    assert_non_null(strstr(run.err, "heeler query: \\x1b[31m\\xc2\\x9b: "));
    run_free(&run);
}

static void an_answer_that_cannot_be_written_is_said(void **state)
{
    (void)state;
    struct run run = QUERY(running.base, "/dev/full", "--at", server_url(), "sum:m{*}");
    assert_status(&run, 1, "/dev/full");
    assert_non_null(strstr(run.err, "heeler query: standard output: No space left"));
    run_free(&run);
}

/* ---- answers of others ------------------------------------------------- */

#define SERIES(points) \
    "{\"series\":[{\"scope\":\"*\",\"interval\":10,\"pointlist\":[" points "]}]}"

static void an_answer_that_is_not_understood_is_exit_1(void **state)
{
    static const char *const bodies[] = {
        "[[[[", /* hostile: query-unreadable-answer */
        "",
        "[]",
        "{}",
        "null",
        "{\"series\":{}}",
        "{\"series\":[1]}",
        "{\"series\":[{\"scope\":\"*\",\"interval\":10}]}",
        "{\"series\":[{\"scope\":\"*\",\"interval\":0,\"pointlist\":[[1000,1]]}]}",
        "{\"series\":[{\"scope\":\"*\",\"interval\":1e300,\"pointlist\":[[1000,1]]}]}",
        "{\"series\":[{\"scope\":1,\"interval\":10,\"pointlist\":[[1000,1]]}]}",
        SERIES(""),
        SERIES("[1000]"),
        SERIES("[1000,null]"),
        SERIES("[1000,\"1\"]"),
        SERIES("[1000,1e999]"),
        SERIES("[1e300,1]"),
        SERIES("[-1000,1]"),
        SERIES("[2000,1],[1000,1]"), /* back in time */
        SERIES("[1000,1,1]"),
        "{\"error\":\"\\u009b31m\\u001b]0;\"}",
    };
    struct event_base *base = event_base_new();
    (void)state;

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct fake_intake *fake = fake_intake_start();
        struct fake_answer answer = { .status = 200, .body = bodies[i] };
        fake_intake_script(fake, &answer, 1);
        struct run run = QUERY(base, NULL, "--at", (char *)fake_intake_url(fake), "a{*}",
                               i % 2 == 0 ? "--json" : NULL);
        assert_status(&run, 1, bodies[i]);
        assert_string_equal(run.out, "");
        assert_non_null(strstr(run.err, "heeler query: "));
        assert_harmless(run.err);
        run_free(&run);
        fake_intake_stop(fake);
    }
    event_base_free(base);
}

static void the_largest_numbers_are_shown(void **state)
{
    static const char body[] = SERIES("[1000,1.7e308],[11000,-1.7e308],[21000,1.7e308],"
                                      "[31000,9223372036854775808],[41000,-0.0]");
    struct event_base *base = event_base_new();
    struct fake_intake *fake = fake_intake_start();
    struct fake_answer answer = { .status = 200, .body = body };
    (void)state;

    fake_intake_script(fake, &answer, 1);
    struct run run = QUERY(base, NULL, "--at", (char *)fake_intake_url(fake), "a{*}");
    assert_status(&run, 0, body);
    assert_non_null(strstr(run.out, "min -1.7e+308  max 1.7e+308  avg 3.4e+307  (5 points"));
    assert_non_null(strstr(run.out, "00:00:31Z  9223372036854776000\n"));
    run_free(&run);
    fake_intake_stop(fake);
    event_base_free(base);
}

#define BAND(role, value)                                                      \
    "{\"scope\":\"*\",\"interval\":10,\"attributes\":{\"role\":\"" role "\"}," \
    "\"pointlist\":[[1000," value "]]}"

static void bounds_are_told_apart_and_messages_shown(void **state)
{
    static const char body[] =
        "{\"message\":\"not \\u001b all\",\"series\":[" BAND("value", "5") "," BAND(
            "lower", "1") "," BAND("upper", "9") "," BAND("\\u001b", "7") "]}";
    struct event_base *base = event_base_new();
    struct fake_intake *fake = fake_intake_start();
    struct fake_answer answer = { .status = 200, .body = body };
    (void)state;

    fake_intake_script(fake, &answer, 1);
    struct run run = QUERY(base, NULL, "--at", (char *)fake_intake_url(fake), "a{*}");
    assert_status(&run, 0, body);
    assert_non_null(strstr(run.out, "*\n"));
    assert_non_null(strstr(run.out, "* (lower bound)\n"));
    assert_non_null(strstr(run.out, "* (upper bound)\n"));
    assert_non_null(strstr(run.out, "\nnot "));
    assert_null(strchr(run.out, '\x1b'));
    run_free(&run);
    fake_intake_stop(fake);
    event_base_free(base);
}

/* ---- pictures ---------------------------------------------------------- */

/* The width and height that the head of a PNG tells. */
static bool is_png(const char *path, uint32_t width, uint32_t height)
{
    unsigned char head[24] = { 0 };
    FILE *file = fopen(path, "re");
    bool whole = file != NULL && fread(head, sizeof head, 1, file) == 1;

    if (file != NULL)
        fclose(file);
    return whole && memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0 &&
           memcmp(head + 16, &(uint32_t){ htonl(width) }, 4) == 0 &&
           memcmp(head + 20, &(uint32_t){ htonl(height) }, 4) == 0;
}

static void an_answer_becomes_a_picture(void **state)
{
    char chart[CHART_PROGRAM_SIZE + 32] = "heeler_chart_path=", file[TEMP_PATH_SIZE];
    (void)state;

    chart_program_find(chart + strlen(chart));
    temp_file_write(file, "", 0);
    struct run run =
        QUERY(running.base, NULL, "--at", server_url(), "--set", chart, "--last", "1m", "--png",
              file, "--marker", "y = 800", "--marker", "0 < y < 10", "sum:m{*} by {h}");
    assert_status(&run, 0, "--png");
    assert_string_equal(run.out, "");
    assert_true(is_png(file, 800, 320));
    run_free(&run);
    run = QUERY(running.base, file, "--at", server_url(), "--set", chart, "--png", "-",
                "sum:nothing{*}");
    assert_status(&run, 0, "--png -");
    assert_true(is_png(file, 800, 320));
    run_free(&run);
    unlink(file);
}

static void a_picture_that_cannot_be_made_is_a_sentence(void **state)
{
    char chart[CHART_PROGRAM_SIZE + 32] = "heeler_chart_path=", file[TEMP_PATH_SIZE];
    static char none[] = "heeler_chart_path=/nonexistent";
    const struct {
        char *chart, *file, *more, *more_value;
        int status;
        const char *sentence;
    } cases[] = {
        { chart, file, "--marker", "x = 3", 78, "markers[0]: expected a \"value\"" },
        { chart, "/nonexistent/file.png", "--last", "1m", 1, "/nonexistent/file.png: No such" },
        { none, file, "--last", "1m", 1, "/nonexistent, which draws pictures, is not there" },
    };
    (void)state;

    chart_program_find(chart + strlen(chart));
    temp_file_write(file, "as it was", 9);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run run =
            QUERY(running.base, NULL, "--at", server_url(), "--set", cases[i].chart, "--png",
                  cases[i].file, cases[i].more, cases[i].more_value, "sum:m{*}");
        assert_status(&run, cases[i].status, cases[i].sentence);
        assert_non_null(strstr(run.err, cases[i].sentence));
        run_free(&run);
    }
    char *kept = temp_file_read(file);
    assert_string_equal(kept, "as it was");
    free(kept);
    struct run run = QUERY(running.base, NULL, "--marker", "3", "sum:m{*}");
    assert_status(&run, 78, "--marker");
    run_free(&run);
    unlink(file);
}

/* ---- a Redis that goes away -------------------------------------------- */

static void on_client(struct evconnlistener *listener, evutil_socket_t fd,
                      struct sockaddr *address, int len, void *argument)
{
    (void)listener, (void)address, (void)len, (void)argument;
    close(fd);
}

/* What is written to it then is a broken pipe, and no signal ends the program. */
static void a_redis_that_closes_is_a_sentence(void **state)
{
    struct event_base *base = event_base_new();
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    char folder[TEMP_PATH_SIZE], url[200];
    (void)state;

    temp_folder_make(folder);
    snprintf(at.sun_path, sizeof at.sun_path, "%s/redis", folder);
    snprintf(url, sizeof url, "unix://%s", at.sun_path);
    struct evconnlistener *listener = evconnlistener_new_bind(
        base, on_client, NULL, LEV_OPT_CLOSE_ON_FREE, -1, (struct sockaddr *)&at, sizeof at);
    assert_non_null(listener);
    for (int i = 0; i < 5; i++) { /* who is first, the close or the write, is open */
        struct run run = QUERY(base, NULL, "--redis", url, "a{*}");
        assert_status(&run, 1, url);
        assert_non_null(strstr(run.err, "closed the connection"));
        run_free(&run);
    }
    evconnlistener_free(listener);
    event_base_free(base);
    temp_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_values_are_asked_for),
        cmocka_unit_test(json_says_the_same_without_control_characters),
        cmocka_unit_test(the_open_interval_is_told),
        cmocka_unit_test(a_refusal_is_harmless_and_points_at_the_column),
        cmocka_unit_test(a_complaint_is_harmless),
        cmocka_unit_test(an_answer_that_cannot_be_written_is_said),
        cmocka_unit_test(an_answer_becomes_a_picture),
        cmocka_unit_test(a_picture_that_cannot_be_made_is_a_sentence),
    };
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(an_answer_that_is_not_understood_is_exit_1),
        cmocka_unit_test(the_largest_numbers_are_shown),
        cmocka_unit_test(bounds_are_told_apart_and_messages_shown),
        cmocka_unit_test(a_redis_that_closes_is_a_sentence),
    };
    int failed = cmocka_run_group_tests(tests, start_running, stop_running);

    return failed + cmocka_run_group_tests(alone, NULL, NULL);
}
