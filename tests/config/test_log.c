#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/log.h"
#include "tests/support/temp_file.h"

static char path[TEMP_PATH_SIZE];

/* Starts an empty log file without the console. */
static void open_log(enum log_level level, bool json)
{
    temp_file_write(path, "", 0);
    assert_true(log_open(level, path, json, false));
}

/* Ends the log; its text is owned. */
static char *close_log(void)
{
    log_close();
    char *text = temp_file_read(path);

    unlink(path);
    return text;
}

static void a_line_has_time_level_and_message(void **state)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ INFO server: listening on 1\n";
    (void)state;

    open_log(LOG_LEVEL_INFO, false);
    log_info("server: listening on %d", 1);
    char *text = close_log();
    assert_int_equal(strlen(text), sizeof shape - 1);
    for (size_t i = 0; shape[i] != '\0'; i++)
        if (i < 24 && shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
            fail_msg("%s", text);
    free(text);
}

static void levels_decide_what_is_written(void **state)
{
    static const struct {
        const char *word;
        int lines;
    } cases[] = {
        { "off", 0 },     { "critical", 1 }, { "ERROR", 1 }, { "warn", 2 },
        { "Warning", 2 }, { "info", 3 },     { "debug", 4 }, { "trace", 4 },
    };
    enum log_level level;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int lines = 0;

        assert_true(log_level_parse(cases[i].word, &level));
        open_log(level, false);
        log_error("e");
        log_warn("w");
        log_info("i");
        log_debug("d");
        char *text = close_log();
        for (const char *c = text; *c != '\0'; c++)
            lines += *c == '\n';
        assert_int_equal(lines, cases[i].lines);
        free(text);
    }
    assert_false(log_level_parse("loud", &level));
    assert_false(log_level_parse("", &level));
}

static void control_bytes_do_not_start_new_lines(void **state)
{
    (void)state;

    open_log(LOG_LEVEL_INFO, false);
    log_info("a\nb\x1b[31m \"c\" \xc3\xa9 \xff \xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0 "
             "\xe2\x80\xae");
    char *text = close_log();
    assert_non_null(strstr(text, "a\\nb\\x1b[31m \"c\" \xc3\xa9 \\xff "
                                 "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f\xc2\xa0 \\xe2\\x80\\xae\n"));
    free(text);
}

static void json_lines_are_json_whatever_the_message(void **state)
{
    static const struct {
        const char *message, *decoded;
    } cases[] = {
        { "plain", "plain" },
        { "a \"quote\" and \\", "a \"quote\" and \\" },
        { "\n\t\x01\x7f", NULL },
        { "caf\xc3\xa9 \xf0\x9f\x90\x95", "caf\xc3\xa9 \xf0\x9f\x90\x95" },
        { "\xc2\x9b[2J", "\xc2\x9b[2J" },                  /* escaped, and so read back */
        { "\xff\xc0\x80\xed\xa0\x80 cut \xe2\x82", NULL }, /* not UTF-8 */
        { "\xf4\x90\x80\x80\xf0\x80\x80\x80\xe0\x80\x80", NULL },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_log(LOG_LEVEL_INFO, true);
        log_warn("%s", cases[i].message);
        char *text = close_log();
        json_t *line = json_loads(text, 0, NULL);

        if (line == NULL)
            fail_msg("%s", text);
        const char *message = json_string_value(json_object_get(line, "message"));
        assert_non_null(message);
        for (const char *c = text; *c != '\0'; c++)
            assert_false((unsigned char)c[0] == 0xc2 && (unsigned char)c[1] < 0xa0);
        if (cases[i].decoded != NULL)
            assert_string_equal(message, cases[i].decoded);
        assert_string_equal(json_string_value(json_object_get(line, "level")), "warn");
        assert_int_equal(json_object_size(line), 3);
        json_decref(line);
        free(text);
    }
}

static void long_messages_are_cut_and_stay_one_line(void **state)
{
    char message[10000];
    (void)state;

    for (int json = 0; json <= 1; json++)
        for (int byte = 0; byte <= 1; byte++) {
            memset(message, byte == 0 ? 'a' : '\x01', sizeof message - 1);
            message[sizeof message - 1] = '\0';
            open_log(LOG_LEVEL_INFO, json != 0);
            log_info("%s", message);
            char *text = close_log();
            size_t len = strlen(text);

            assert_true(len <= 4096);
            assert_ptr_equal(strchr(text, '\n'), text + len - 1);
            assert_non_null(strstr(text, json != 0 ? "...\"}\n" : "...\n"));
            free(text);
        }
}

static void logging_keeps_errno(void **state)
{
    (void)state;

    open_log(LOG_LEVEL_INFO, false);
    errno = EXDEV;
    log_info("x");
    assert_int_equal(errno, EXDEV);
    free(close_log());
}

static void a_file_that_cannot_be_opened_is_reported(void **state)
{
    (void)state;

    assert_false(log_open(LOG_LEVEL_OFF, "/nonexistent/heeler.log", false, false));
    assert_int_equal(errno, ENOENT);
    log_error("goes nowhere");
    log_reopen(); /* nothing to do */
    log_close();
}

static void reopening_follows_the_name(void **state)
{
    char moved[TEMP_PATH_SIZE + 8];
    (void)state;

    open_log(LOG_LEVEL_INFO, false);
    log_info("before");
    snprintf(moved, sizeof moved, "%s.1", path);
    assert_int_equal(rename(path, moved), 0);
    log_info("between");
    log_flush();
    log_reopen();
    log_info("after");
    char *old = temp_file_read(moved);
    char *fresh = close_log();
    assert_non_null(strstr(old, "before\n"));
    assert_non_null(strstr(old, "between\n"));
    assert_null(strstr(old, "after\n"));
    assert_non_null(strstr(fresh, "after\n"));
    assert_null(strstr(fresh, "between\n"));
    unlink(moved);
    free(old);
    free(fresh);
}

enum { WRITERS = 4, LINES = 200 };

static void *write_lines(void *letter)
{
    char text[101];

    memset(text, *(char *)letter, 100);
    text[100] = '\0';
    for (int i = 0; i < LINES; i++)
        log_info("%s", text);
    return NULL;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
    pthread_t threads[WRITERS];
    char letters[] = "abcd";
    int lines = 0;
    (void)state;

    open_log(LOG_LEVEL_INFO, false);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &letters[i]), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    char *text = close_log();
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0';
         lines++) {
        size_t len = strlen(line);

        assert_true(len > 100);
        char letter = line[len - 1];
        assert_int_equal(strspn(line + len - 100, (char[]){ letter, '\0' }), 100);
    }
    assert_int_equal(lines, WRITERS * LINES);
    free(text);
}

static void quoting_shows_any_bytes_and_fits(void **state)
{
    static const struct {
        const char *at;
        size_t len;
        size_t size;
        const char *quoted;
    } cases[] = {
        { "", 0, 8, "" },
        { "abc", 3, 8, "abc" },
        { "a\"b\\", 4, 8, "a\\\"b\\\\" },
        { "\n\r\t", 3, 8, "\\n\\r\\t" },
        { "\x00\x7f", 2, 16, "\\x00\\x7f" },
        { "\xc3\xa9", 2, 16, "\\xc3\\xa9" },
        { "abcdefg", 7, 8, "abcdefg" },  /* just fits */
        { "abcdefgh", 8, 8, "abcd..." }, /* just does not */
        { "ab\x01\x01", 4, 8, "ab..." }, /* no half escapes */
        { "\x01\x01", 2, 4, "..." },     /* the least room */
        { "abc", 3, 4, "abc" },
        { "abcd", 4, 4, "..." },
    };
    char out[16];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(out, '#', sizeof out);
        log_quote(cases[i].at, cases[i].len, out, cases[i].size);
        assert_string_equal(out, cases[i].quoted);
        for (size_t j = cases[i].size; j < sizeof out; j++)
            assert_int_equal(out[j], '#');
    }
}

static void a_limit_lets_ten_through_and_counts_the_rest(void **state)
{
    struct log_limit limit = { 0 };
    unsigned suppressed = 99;
    int64_t now_ms = 123456;
    (void)state;

    for (int i = 0; i < 10; i++) {
        assert_true(log_limit_pass(&limit, now_ms, &suppressed));
        assert_int_equal(suppressed, 0);
    }
    for (int i = 0; i < 25; i++)
        assert_false(log_limit_pass(&limit, now_ms, &suppressed));
    assert_false(log_limit_pass(&limit, now_ms + 999, &suppressed));
    assert_true(log_limit_pass(&limit, now_ms + 1000, &suppressed));
    assert_int_equal(suppressed, 26);
    assert_false(log_limit_pass(&limit, now_ms + 1000, &suppressed));
    for (int i = 0; i < 10; i++) /* a rest fills it up, and no further */
        assert_true(log_limit_pass(&limit, now_ms + 1000000, &suppressed));
    assert_false(log_limit_pass(&limit, now_ms + 1000000, &suppressed));
    assert_true(log_limit_pass(&limit, 5, &suppressed)); /* a clock set back */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_and_message),
        cmocka_unit_test(levels_decide_what_is_written),
        cmocka_unit_test(control_bytes_do_not_start_new_lines),
        cmocka_unit_test(json_lines_are_json_whatever_the_message),
        cmocka_unit_test(long_messages_are_cut_and_stay_one_line),
        cmocka_unit_test(logging_keeps_errno),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_reported),
        cmocka_unit_test(reopening_follows_the_name),
        cmocka_unit_test(lines_of_several_threads_do_not_mix),
        cmocka_unit_test(quoting_shows_any_bytes_and_fits),
        cmocka_unit_test(a_limit_lets_ten_through_and_counts_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
