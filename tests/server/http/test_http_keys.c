#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "server/http/http_keys.h"

static char one[] = "0123456789abcdef", two[] = "fedcba9876543210", empty[] = "";
static char *both[] = { one, two }, *nothing[] = { empty };
static const struct string_list in_force = { both, 2 }, only_one = { both, 1 },
                                none = { NULL, 0 }, bad = { nothing, 1 };

static bool admits(const struct http_keys *keys, const char *header,
                   const struct string_list *list, bool cookie_counts, int64_t now_ms)
{
    struct http_request request;
    char head[1024];

    snprintf(head, sizeof head, "GET / HTTP/1.1\r\n%s\r\n\r\n", header);
    assert_int_equal(http_head_parse(&request, slice_of(head)), 0);
    return http_keys_admit(keys, &request, list, cookie_counts, now_ms);
}

/* The header that a browser sends back. */
static void keep_cookie(const char *set, char *header, size_t size)
{
    snprintf(header, size, "Cookie: a=b; %.*s; c", (int)strcspn(set, ";"), set);
}

static void a_program_shows_its_key_in_a_header(void **state)
{
    static const struct {
        const char *header;
        const struct string_list *list;
        bool admitted;
    } cases[] = {
        { "DD-APPLICATION-KEY: 0123456789abcdef", &in_force, true },
        { "dd-application-key:fedcba9876543210", &in_force, true },
        { "DD-APPLICATION-KEY: fedcba9876543210", &only_one, false },
        { "DD-APPLICATION-KEY: 0123456789abcde", &in_force, false },
        { "DD-APPLICATION-KEY: 0123456789abcdef0", &in_force, false },
        { "DD-APPLICATION-KEY:", &in_force, false },
        { "DD-APPLICATION-KEY:", &bad, false },
        { "DD-APPLICATION-KEY: 0123456789abcdef", &none, false },
        { "Accept: */*", &in_force, false },
        { "Cookie: heeler_session=", &in_force, false },
        { "Cookie: heeler_session", &in_force, false },
        { "Cookie: heeler_session=0123456789abcdef", &in_force, false },
    };
    static const struct http_keys keys;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (admits(&keys, cases[i].header, cases[i].list, true, 0) != cases[i].admitted)
            fail_msg("%s", cases[i].header);
}

static void a_page_gets_a_cookie_for_its_key(void **state)
{
    struct http_keys keys = { 0 };
    char cookie[HTTP_COOKIE_MAX], other[HTTP_COOKIE_MAX], header[512];
    const int64_t end_ms = 1000 + INT64_C(1000) * HTTP_SESSION_S;
    (void)state;

    assert_false(http_keys_give_cookie(&keys, SLICE("wrong"), &in_force, 1000, cookie));
    assert_true(http_keys_give_cookie(&keys, slice_of(two), &in_force, 1000, cookie));
    assert_non_null(strstr(cookie, "; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200"));
    assert_true(http_keys_give_cookie(&keys, slice_of(two), &in_force, 1000, other));
    assert_string_not_equal(cookie, other);
    keep_cookie(cookie, header, sizeof header);
    assert_true(admits(&keys, header, &in_force, true, end_ms - 1));
    assert_false(admits(&keys, header, &in_force, true, end_ms));
    assert_false(admits(&keys, header, &in_force, false, 1000));
    assert_false(admits(&keys, header, &only_one, true, 1000)); /* its key was taken back */
}

static void the_oldest_cookie_makes_room(void **state)
{
    struct http_keys keys = { 0 };
    char cookie[HTTP_COOKIE_MAX], first[512], last[512];
    (void)state;

    for (int i = 0; i <= HTTP_SESSIONS_MAX; i++) {
        assert_true(http_keys_give_cookie(&keys, slice_of(one), &in_force, 1000 + i, cookie));
        keep_cookie(cookie, i == 0 ? first : last, sizeof first);
    }
    assert_false(admits(&keys, first, &in_force, true, 2000));
    assert_true(admits(&keys, last, &in_force, true, 2000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_shows_its_key_in_a_header),
        cmocka_unit_test(a_page_gets_a_cookie_for_its_key),
        cmocka_unit_test(the_oldest_cookie_makes_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
