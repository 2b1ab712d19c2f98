#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/log.h"
#include "config/log_recent.h"

/* Owned, NUL-terminated. */
static char *recent(void)
{
    char *text = malloc(LOG_RECENT_BYTES + 1);

    assert_non_null(text);
    text[log_recent_read(text)] = '\0';
    return text;
}

static void put(const char *line)
{
    log_recent_put(line, strlen(line));
}

static void lines_come_back_in_their_order(void **state)
{
    (void)state;
    put("first\n");
    put("second\n");
    char *text = recent();
    assert_non_null(strstr(text, "first\nsecond\n"));
    free(text);
}

/* Round and round, with lines of many lengths. */
static void the_oldest_go_and_every_line_is_whole(void **state)
{
    char line[4096];
    (void)state;

    for (int i = 0; i < 3000; i++) {
        int len = snprintf(line, sizeof line, "line %d %0*d", i, 1 + i * 37 % 900, 0);
        snprintf(line + len, sizeof line - (size_t)len, "\n");
        put(line);
        if (i % 250 != 249)
            continue;
        char *text = recent(), *rest = NULL, last[32];
        int next = -1, n;

        assert_in_range(strlen(text), LOG_RECENT_BYTES / 2, LOG_RECENT_BYTES);
        for (char *one = strtok_r(text, "\n", &rest); one != NULL;
             one = strtok_r(NULL, "\n", &rest)) {
            if (sscanf(one, "line %d ", &n) != 1)
                continue; /* of the test before */
            assert_true(next == -1 || n == next);
            next = n + 1;
        }
        snprintf(last, sizeof last, "%d", next - 1);
        assert_int_equal(next, i + 1);
        free(text);
    }
}

static void a_line_as_long_as_the_ring_takes_all_of_it(void **state)
{
    char *line = malloc(LOG_RECENT_BYTES + 1);
    (void)state;

    assert_non_null(line);
    memset(line, 'x', LOG_RECENT_BYTES);
    line[LOG_RECENT_BYTES - 1] = '\n';
    log_recent_put(line, LOG_RECENT_BYTES);
    char *text = recent();
    assert_int_equal(strlen(text), LOG_RECENT_BYTES);
    free(text);
    log_recent_put(line, LOG_RECENT_BYTES + 1); /* too long: left out */
    put("after\n");
    text = recent();
    assert_string_equal(text, "after\n");
    free(text);
    free(line);
}

static void what_is_logged_is_kept_as_it_was_written(void **state)
{
    (void)state;
    assert_true(log_open(LOG_LEVEL_INFO, "", false, false));
    log_info("area: hello\x1b[2J");
    log_debug("area: nobody asked for this");
    char *text = recent();
    assert_non_null(strstr(text, " INFO area: hello\\x1b[2J\n"));
    assert_null(strstr(text, "nobody asked"));
    free(text);
    log_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_back_in_their_order),
        cmocka_unit_test(the_oldest_go_and_every_line_is_whole),
        cmocka_unit_test(a_line_as_long_as_the_ring_takes_all_of_it),
        cmocka_unit_test(what_is_logged_is_kept_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
