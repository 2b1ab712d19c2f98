#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flush/notify/digest.h"

static struct notification one_of(int number, enum monitor_state to)
{
    struct notification made = { .transition = { MONITOR_OK, to, 1796061600, 0, true, false },
                                 .raised_s = 1796061600,
                                 .receiver = SLICE("night@example.org"),
                                 .title = SLICE("[Triggered] load") };

    snprintf(made.id, sizeof made.id, "7.0.alert.%d.0", number);
    return made;
}

static void a_digest_lists_what_it_stands_for(void **state)
{
    static const char text[] = "2 messages came beyond the 100 in an hour "
                               "(heeler_notify_per_hour):\n\n"
                               "2026-11-30 18:00 UTC [Triggered] load\n    7.0.alert.1.0\n"
                               "2026-11-30 18:00 UTC [Triggered] load\n    7.0.alert.2.0\n";
    struct notification first = one_of(1, MONITOR_WARN), second = one_of(2, MONITOR_OK);
    struct digest digest = { .n = 0 };
    (void)state;

    digest_add(&digest, &first);
    digest_add(&digest, &second);
    struct notification *made =
        digest_end(&digest, SLICE("night@example.org"), 100, 1796065200);
    assert_non_null(made);
    assert_true(slice_equal(made->title, SLICE("[Digest] 2 messages")));
    assert_true(slice_equal(made->text, SLICE(text)));
    assert_true(slice_equal(made->receiver, SLICE("night@example.org")));
    assert_int_equal(made->transition.to, MONITOR_WARN); /* the worst of them */
    assert_int_equal(strncmp(made->id, "digest.", 7), 0);
    assert_non_null(strstr(made->id, ".1796065200"));
    notification_free(made);
    assert_int_equal(digest.n, 0);
}

static void very_many_are_counted_and_not_listed(void **state)
{
    enum { N = 5000 };
    struct digest digest = { .n = 0 };
    (void)state;

    for (int i = 0; i < N; i++) {
        struct notification one = one_of(i, MONITOR_ALERT);

        digest_add(&digest, &one);
    }
    size_t listed = digest.n_listed;
    struct notification *made = digest_end(&digest, SLICE("a@b"), 100, 1796065200);
    char end[64];

    assert_non_null(made);
    assert_true(listed > 100 && listed < N);
    assert_true(made->text.len < DIGEST_TEXT_MAX + 200);
    size_t len = (size_t)snprintf(end, sizeof end, "and %zu more.\n", N - listed);
    assert_memory_equal(made->text.at + made->text.len - len, end, len);
    notification_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_lists_what_it_stands_for),
        cmocka_unit_test(very_many_are_counted_and_not_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
