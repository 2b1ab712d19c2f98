#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flush/notify/notification.h"
#include "tests/support/guard.h"

static struct notification example(void)
{
    struct notification made = {
        .monitor = 7,
        .transition = { MONITOR_OK, MONITOR_ALERT, 1796061600, 2, true, true },
        .raised_s = 1796061601,
        .value = 0.1,
        .has_value = true,
        .priority = 3,
        .monitor_name = SLICE("load \"high\"\n"),
        .group = SLICE("host:a"),
        .receiver = SLICE("night@example.org"),
        .title = SLICE("[Triggered] load"),
        .text = SLICE("it is \xc3\xa9"),
        .query = SLICE("avg(last_5m):avg:x{*} > 1"),
    };

    notification_id(made.monitor, made.group, &made.transition, made.id);
    return made;
}

static void is_alike(const struct notification *a, const struct notification *b)
{
    assert_string_equal(a->id, b->id);
    assert_true(a->monitor == b->monitor && a->raised_s == b->raised_s);
    assert_memory_equal(&a->value, &b->value, sizeof a->value);
    assert_int_equal(a->has_value, b->has_value);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->transition.to, b->transition.to);
    assert_int_equal(a->transition.from, b->transition.from);
    assert_int_equal(a->transition.again, b->transition.again);
    assert_int_equal(a->transition.is_late, b->transition.is_late);
    assert_true(a->transition.at_s == b->transition.at_s);
    assert_true(slice_equal(a->monitor_name, b->monitor_name));
    assert_true(slice_equal(a->group, b->group));
    assert_true(slice_equal(a->receiver, b->receiver));
    assert_true(slice_equal(a->title, b->title));
    assert_true(slice_equal(a->text, b->text));
    assert_true(slice_equal(a->tags, b->tags));
    assert_true(slice_equal(a->query, b->query));
}

static void is_kept_whole(void **state)
{
    struct notification first = example();
    struct bytes kept = { 0 };

    (void)state;
    bytes_add(&first.picture, "PNG", 3);
    struct notification *copy = notification_new(&first);

    assert_non_null(copy);
    is_alike(&first, copy);
    assert_int_equal(copy->picture.len, 3);
    assert_true(notification_write(copy, &kept));
    struct notification *back = notification_restore(guarded((const char *)kept.at, kept.len));

    assert_non_null(back);
    is_alike(&first, back);
    assert_int_equal(back->picture.len, 0);
    notification_free_all(back);
    notification_free(copy);
    bytes_free(&first.picture);
    bytes_free(&kept);
}

/* Each of monitor, group, state, second and repetition makes another id; the receiver does not.
 */
static void has_an_id_of_its_own(void **state)
{
    struct transition transition = { MONITOR_OK, MONITOR_ALERT, 1796061600, 0, true, false };
    char first[NOTIFICATION_ID_SIZE], other[NOTIFICATION_ID_SIZE];

    (void)state;
    notification_id(7, SLICE("host:a"), &transition, first);
    assert_int_equal(strspn(first, "0123456789abcdefghijklmnopqrstuvwxyz.-"), strlen(first));
    notification_id(7, SLICE("host:a"), &transition, other);
    assert_string_equal(first, other);
    notification_id(8, SLICE("host:a"), &transition, other);
    assert_string_not_equal(first, other);
    notification_id(7, SLICE("host:b"), &transition, other);
    assert_string_not_equal(first, other);
    transition.again = 1;
    notification_id(7, SLICE("host:a"), &transition, other);
    assert_string_not_equal(first, other);
    transition = (struct transition){ MONITOR_ALERT, MONITOR_OK, 1796061600, 0, true, false };
    notification_id(7, SLICE("host:a"), &transition, other);
    assert_string_not_equal(first, other);
    transition = (struct transition){ MONITOR_OK, MONITOR_ALERT, 1796061660, 0, true, false };
    notification_id(INT64_MIN, SLICE("host:a"), &transition, other);
    assert_string_not_equal(first, other);
    assert_true(strlen(other) < NOTIFICATION_ID_SIZE - 1);
}

static void damage_is_nothing(void **state)
{
    struct notification first = example();
    struct bytes kept = { 0 };

    (void)state;
    assert_true(notification_write(&first, &kept));
    for (size_t len = 0; len < kept.len; len++)
        assert_null(notification_restore(guarded((const char *)kept.at, len)));
    assert_null(notification_restore(SLICE("{}")));
    assert_null(notification_restore(SLICE("[]")));
    bytes_free(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_kept_whole),
        cmocka_unit_test(has_an_id_of_its_own),
        cmocka_unit_test(damage_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
