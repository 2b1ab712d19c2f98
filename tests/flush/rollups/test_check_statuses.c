#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "flush/flusher_internal.h"
#include "flush/memory/state.h"
#include "flush/rollups/answer_ops.h"
#include "flush/rollups/check_statuses.h"
#include "flush/series/admitted.h"
#include "tests/support/inquire.h"

enum { NOW = 1700006400 };

static struct flusher_ledger ledger;
static struct check_statuses *statuses;
static struct observer observer;

static int set_up(void **state)
{
    (void)state;
    ledger = (struct flusher_ledger){ 0 };
    statuses = check_statuses_new(&ledger);
    if (statuses == NULL)
        return -1;
    observer = check_statuses_observer(statuses);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    observer.ops->free(observer.self);
    return 0;
}

/* One of "a", whose tags are separated by blanks. */
static void see(const char *host, const char *tags, int status, const char *message,
                int64_t time_s, int64_t received_s)
{
    struct slice rest = slice_of(tags), cut[8];
    struct check_record record = {
        .check = { .name = SLICE("a"), .message = slice_of(message), .status = status },
        .host = slice_of(host),
        .tags = cut,
        .time_s = time_s,
        .received_s = received_s,
    };

    while (rest.len > 0)
        cut[record.n_tags++] = slice_cut(&rest, ' ');
    observer.ops->check(observer.self, &record);
}

static json_t *answer_for(struct slice name)
{
    struct answer_source source = { .checks = statuses };

    return inquire(&answer_checks, &source,
                   &(struct inquiry){ .kind = INQUIRY_CHECKS, .text = name }, NULL);
}

/* Those of that name, a line each. */
static const char *shown_of(struct slice name)
{
    static char shown[2048];
    json_t *answer = answer_for(name);
    const json_t *checks = json_object_get(answer, "checks");
    size_t len = 0;

    shown[0] = '\0';
    for (size_t i = 0; i < json_array_size(checks); i++) {
        json_t *check = json_array_get(checks, i), *tags = json_object_get(check, "tags");

        len += (size_t)snprintf(shown + len, sizeof shown - len, "%s %d x%d at %d on %s",
                                json_string_value(json_object_get(check, "check")),
                                (int)json_integer_value(json_object_get(check, "status")),
                                (int)json_integer_value(json_object_get(check, "in_a_row")),
                                (int)(json_integer_value(json_object_get(check, "at_s")) - NOW),
                                json_string_value(json_object_get(check, "host")));
        for (size_t tag = 0; tag < json_array_size(tags); tag++)
            len += (size_t)snprintf(shown + len, sizeof shown - len, " %s",
                                    json_string_value(json_array_get(tags, tag)));
        len += (size_t)snprintf(shown + len, sizeof shown - len, ": %s\n",
                                json_string_value(json_object_get(check, "message")));
    }
    json_decref(answer);
    return shown;
}

static void the_last_status_of_each_is_known(void **state)
{
    (void)state;

    assert_string_equal(shown_of(SLICE("a")), "");
    see("h", "env:a", 0, "", NOW, NOW);
    see("h", "env:b", 1, "slow", NOW, NOW + 1);
    see("i", "env:b", 2, "down", NOW + 2, NOW + 2);
    see("h", "env:b", 2, "gone", NOW + 3, NOW + 3);
    assert_string_equal(shown_of(SLICE("a")), "a 0 x1 at 0 on h env:a: \n"
                                              "a 2 x1 at 3 on h env:b: gone\n"
                                              "a 2 x1 at 2 on i env:b: down\n");
    assert_string_equal(shown_of(SLICE("b")), "");
    assert_string_equal(shown_of(SLICE("")), "");
    assert_string_equal(shown_of(SLICE("aa")), "");
}

static void equal_ones_in_a_row_are_counted(void **state)
{
    (void)state;

    for (int i = 0; i < 3; i++)
        see("h", "", 2, i == 1 ? "other words" : "down", NOW + i, NOW + i);
    assert_string_equal(shown_of(SLICE("a")), "a 2 x3 at 2 on h: down\n");
    see("h", "", 0, "", NOW + 3, NOW + 3);
    see("h", "", 2, "", NOW + 4, NOW + 4);
    assert_string_equal(shown_of(SLICE("a")), "a 2 x1 at 4 on h: \n");
    for (int i = 0; i < 200; i++)
        see("h", "", 3, "", NOW + 5 + i, NOW + 5 + i);
    assert_string_equal(shown_of(SLICE("a")), "a 3 x100 at 204 on h: \n");
}

static void times_are_those_of_the_check_where_they_make_sense(void **state)
{
    (void)state;

    see("h", "", 2, "", NOW - 60, NOW); /* it says when it was */
    assert_string_equal(shown_of(SLICE("a")), "a 2 x1 at -60 on h: \n");
    see("h", "", 2, "", NOW + 900, NOW + 1); /* but not in the future */
    assert_string_equal(shown_of(SLICE("a")), "a 2 x2 at 1 on h: \n");
    see("h", "", 0, "", NOW - 30, NOW + 2); /* an old one that comes late says nothing */
    assert_string_equal(shown_of(SLICE("a")), "a 2 x2 at 1 on h: \n");
    see("h", "", 0, "", NOW - 3600, NOW - 3600); /* our clock was set back */
    assert_string_equal(shown_of(SLICE("a")), "a 0 x1 at -3600 on h: \n");
}

static void long_messages_are_cut(void **state)
{
    char message[3 * CHECK_STATUS_MESSAGE_MAX];
    struct check_status check;
    uint32_t next = 0;
    (void)state;

    memset(message, 'x', sizeof message);
    message[sizeof message - 1] = '\0';
    see("h", "", 0, message, NOW, NOW);
    assert_true(check_statuses_next(statuses, &next, SLICE("a"), &check));
    assert_int_equal(check.message.len, CHECK_STATUS_MESSAGE_MAX);
    assert_false(check_statuses_next(statuses, &next, SLICE("a"), &check));
}

static size_t count(void)
{
    json_t *answer = answer_for(SLICE("a"));
    size_t n = json_array_size(json_object_get(answer, "checks"));

    json_decref(answer);
    return n;
}

static void see_many(int from, int to, int64_t now_s)
{
    char host[16];

    for (int i = from; i < to; i++) {
        snprintf(host, sizeof host, "h%d", i);
        see(host, "", 1, "", now_s, now_s);
    }
}

static void what_is_beyond_is_counted_until_others_are_silent_for_a_day(void **state)
{
    (void)state;

    see_many(0, CHECK_STATUSES_MAX + 10, NOW);
    assert_int_equal(count(), CHECK_STATUSES_MAX);
    assert_int_equal(counter_read(&ledger.checks_beyond), 10);
    see_many(0, 100, NOW + 10); /* those that are known go on */
    assert_int_equal(counter_read(&ledger.checks_beyond), 10);
    see_many(20000, 20005, NOW + CHECK_STATUS_SILENT_S - 1);
    assert_int_equal(counter_read(&ledger.checks_beyond), 15);
    see_many(20000, 20005, NOW + CHECK_STATUS_SILENT_S);
    assert_int_equal(counter_read(&ledger.checks_beyond), 15);
    assert_int_equal(count(), CHECK_STATUSES_MAX);
    see_many(0, 100, NOW + CHECK_STATUS_SILENT_S); /* the silent ones went */
    assert_int_equal(counter_read(&ledger.checks_beyond), 15);
}

static void memory_is_bounded_too(void **state)
{
    enum { LONG = 8000, FIT = CHECK_STATUSES_BYTES_MAX / LONG };
    static char host[LONG + 1];
    (void)state;

    memset(host, 'x', LONG);
    for (int i = 0; i < 2 * FIT; i++) {
        snprintf(host, 12, "%011d", i);
        host[11] = 'x';
        see(host, "", 1, "down", NOW, NOW);
    }
    assert_in_range(count(), FIT - FIT / 20, FIT);
    assert_int_equal(counter_read(&ledger.checks_beyond), 2 * FIT - count());
    /* Where the others are silent, a new one takes their room. */
    host[0] = 'y';
    see(host, "", 1, "", NOW + CHECK_STATUS_SILENT_S, NOW + CHECK_STATUS_SILENT_S);
    assert_int_equal(counter_read(&ledger.checks_beyond), 2 * FIT - count());
}

/* ---- with the flusher -------------------------------------------------- */

static void see_that(struct pipeline *p, const char *expected)
{
    struct check_statuses *own = statuses;

    statuses = p->flusher->checks;
    assert_string_equal(shown_of(SLICE("a")), expected);
    statuses = own;
}

static void a_successor_goes_on_counting(void **state)
{
    struct pipeline *p = PIPELINE(1, NOW, "tags=site:x");
    (void)state;

    for (int i = 0; i < 3; i++)
        pipeline_line(p, 0, NOW + i, "_sc|a|2|#env:p|m:down");
    pipeline_line(p, 0, NOW + 3, "_sc|a|1|h:i");
    pipeline_flush(p, NOW + 10);
    see_that(p, "a 2 x3 at 2 on h env:p site:x: down\na 1 x1 at 3 on i site:x: \n");
    pipeline_upgrade(p);
    see_that(p, "a 2 x3 at 2 on h env:p site:x: down\na 1 x1 at 3 on i site:x: \n");
    pipeline_line(p, 0, NOW + 12, "_sc|a|2|#env:p|m:still");
    pipeline_flush(p, NOW + 20);
    see_that(p, "a 2 x4 at 12 on h env:p site:x: still\na 1 x1 at 3 on i site:x: \n");
    pipeline_free(p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_last_status_of_each_is_known),
        TEST(equal_ones_in_a_row_are_counted),
        TEST(times_are_those_of_the_check_where_they_make_sense),
        TEST(long_messages_are_cut),
        TEST(what_is_beyond_is_counted_until_others_are_silent_for_a_day),
        TEST(memory_is_bounded_too),
        TEST(a_successor_goes_on_counting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
