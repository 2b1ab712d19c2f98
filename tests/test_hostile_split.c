/* The rows of kind "split" in tests/data/hostile/hostile.jsonl: a whole server, and an
 * intake that takes no payload of more than one series. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/fake_intake.h"
#include "tests/support/running.h"
#include "tests/support/udp.h"

enum { SETS_MAX = 16, SET_SIZE = 128 };

struct rig {
    struct fake_intake *fake;
    struct running running;
};

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);

    rig->fake = fake_intake_start();
    fake_intake_refuse_many(rig->fake, "/api/v1/series");
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    if (rig->running.server != NULL)
        running_stop(&rig->running);
    if (rig->running.base != NULL)
        running_free(&rig->running);
    fake_intake_stop(rig->fake);
    free(rig);
    return 0;
}

static void set_text(char out[SET_SIZE], const char *key, json_t *value)
{
    if (json_is_boolean(value))
        snprintf(out, SET_SIZE, "%s=%s", key, json_is_true(value) ? "true" : "false");
    else
        snprintf(out, SET_SIZE, "%s=%s", key, json_string_value(value));
}

static void start(struct rig *rig, json_t *config)
{
    static char texts[SETS_MAX][SET_SIZE];
    char *sets[SETS_MAX];
    size_t n = 0;
    const char *key;
    json_t *value;

    snprintf(texts[n], SET_SIZE, "dd_url=%s", fake_intake_url(rig->fake));
    sets[n] = texts[n];
    n++;
    json_object_foreach(config, key, value)
    {
        assert_true(n < SETS_MAX);
        set_text(texts[n], key, value);
        sets[n] = texts[n];
        n++;
    }
    if (!running_start(&rig->running, NULL, sets, n))
        fail_msg("%s", rig->running.problem);
}

static void send_lines(struct rig *rig, json_t *lines)
{
    int fd = udp_sender(running_listener(&rig->running, 0));
    size_t len = json_string_length(lines);

    assert_int_equal(send(fd, json_string_value(lines), len, 0), len);
    close(fd);
    assert_true(running_until(&rig->running, running_datagrams, 1));
}

static void run_row(struct rig *rig, json_t *row)
{
    json_t *expect = json_object_get(row, "expect");
    json_int_t delivered = json_integer_value(json_object_get(expect, "delivered"));

    start(rig, json_object_get(row, "config"));
    send_lines(rig, json_object_get(row, "lines"));
    assert_true(running_stop(&rig->running));
    if (running_ledger(&rig->running, "delivered") != (uint64_t)delivered ||
        strcmp(running_imbalance(&rig->running), "0/0/0") != 0)
        fail_msg("%s: %s", json_string_value(json_object_get(row, "id")), rig->running.log);
    running_free(&rig->running);
    rig->running = (struct running){ .base = NULL };
}

static void what_is_split_is_delivered_whole_and_the_balances_hold(void **state)
{
    FILE *file = fopen("tests/data/hostile/hostile.jsonl", "re");
    char *line = NULL;
    size_t size = 0, rows = 0;

    assert_non_null(file);
    while (getline(&line, &size, file) > 0) {
        json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL);

        assert_non_null(row);
        if (strcmp(json_string_value(json_object_get(row, "kind")), "split") == 0) {
            run_row(*state, row);
            rows++;
        }
        json_decref(row);
    }
    free(line);
    fclose(file);
    assert_int_equal(rows, 3);
}

/* Events of many sources halve down to one each as series do. */
static void events_are_split_too(void **state)
{
    struct rig *rig = *state;
    char lines[4096] = "";
    json_t *config = json_pack("{s:s}", "api_key", "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk");

    fake_intake_refuse_many(rig->fake, "/intake/");
    for (int i = 0; i < 20; i++)
        sprintf(lines + strlen(lines), "_e{1,1}:a|b|s:source %d\n", i / 3);
    json_t *text = json_string(lines);

    start(rig, config);
    send_lines(rig, text);
    assert_true(running_stop(&rig->running));
    assert_int_equal(running_ledger(&rig->running, "delivered"), 20);
    assert_string_equal(running_imbalance(&rig->running), "0/0/0");
    running_free(&rig->running);
    rig->running = (struct running){ .base = NULL };
    assert_int_equal(fake_intake_count(rig->fake), 39); /* 19 in two, 20 of one */
    json_decref(text);
    json_decref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_split_is_delivered_whole_and_the_balances_hold,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_are_split_too, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
