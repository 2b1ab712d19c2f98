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

enum { HEAD_SIZE = 1024 };

/* A request with that header, a view of the head. */
static struct http_request request_with(const char *header, char head[HEAD_SIZE])
{
    struct http_request request;

    snprintf(head, HEAD_SIZE, "GET / HTTP/1.1\r\n%s\r\n\r\n", header);
    assert_int_equal(http_head_parse(&request, slice_of(head)), 0);
    return request;
}

static bool admits(const struct http_keys *keys, const char *header,
                   const struct string_list *list, bool cookie_counts, int64_t now_ms)
{
    char head[HEAD_SIZE];
    struct http_request request = request_with(header, head);

    return http_keys_admit(keys, &request, list, cookie_counts, now_ms);
}

static bool gives(struct http_keys *keys, const char *header, const char *key, int64_t now_ms,
                  char cookie[HTTP_COOKIE_MAX])
{
    char head[HEAD_SIZE];
    struct http_request request = request_with(header, head);

    return http_keys_give_cookie(keys, &request, slice_of(key), &in_force, now_ms, cookie);
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
        { "Cookie: heeler_session_80=", &in_force, false },
        { "Cookie: heeler_session_80", &in_force, false },
        { "Cookie: heeler_session_80=0123456789abcdef", &in_force, false },
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

    assert_false(gives(&keys, "Host: h", "wrong", 1000, cookie));
    assert_true(gives(&keys, "Host: h", two, 1000, cookie));
    assert_non_null(strstr(cookie, "; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200"));
    assert_true(gives(&keys, "Host: h", two, 1000, other));
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
        assert_true(gives(&keys, "Host: h", one, 1000 + i, cookie));
        keep_cookie(cookie, i == 0 ? first : last, sizeof first);
    }
    assert_false(admits(&keys, first, &in_force, true, 2000));
    assert_true(admits(&keys, last, &in_force, true, 2000));
}

/* Cookies are of a host, whatever the port: those of two servers there have two names. */
static void the_name_has_the_port_that_the_browser_asks(void **state)
{
    static const struct {
        const char *host, *name;
    } cases[] = {
        { "Host: localhost:8127", "heeler_session_8127=" },
        { "Host: localhost:8128", "heeler_session_8128=" },
        { "Host: 127.0.0.1", "heeler_session_80=" },
        { "Host: [::1]:8127", "heeler_session_8127=" },
        { "Host: [::1]", "heeler_session_80=" },
        { "Host: 8127", "heeler_session_80=" },
        { "Host: h:", "heeler_session_80=" },
        { "Host: h:812700", "heeler_session_80=" },
        { "Host: h;x=y:1;", "heeler_session_80=" },
        { "Accept: */*", "heeler_session_80=" },
    };
    struct http_keys keys = { 0 };
    char cookie[HTTP_COOKIE_MAX], header[512], both_headers[600];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(gives(&keys, cases[i].host, one, 1000, cookie));
        if (strncmp(cookie, cases[i].name, strlen(cases[i].name)) != 0)
            fail_msg("%s: %s", cases[i].host, cookie);
        keep_cookie(cookie, header, sizeof header);
        snprintf(both_headers, sizeof both_headers, "%s\r\n%s", cases[i].host, header);
        assert_true(admits(&keys, both_headers, &in_force, true, 2000));
        snprintf(both_headers, sizeof both_headers, "Host: localhost:9\r\n%s", header);
        assert_false(admits(&keys, both_headers, &in_force, true, 2000));
    }
}

static void it_is_known_when_the_next_cookie_ends(void **state)
{
    struct http_keys keys = { 0 };
    char cookie[HTTP_COOKIE_MAX];
    const int64_t long_ms = INT64_C(1000) * HTTP_SESSION_S;
    (void)state;

    assert_true(http_keys_next_end(&keys, 0) == INT64_MAX);
    assert_true(gives(&keys, "Host: h", one, 1000, cookie));
    assert_true(gives(&keys, "Host: h", two, 3000, cookie));
    assert_true(http_keys_next_end(&keys, 3000) == 1000 + long_ms);
    assert_true(http_keys_next_end(&keys, 1000 + long_ms) == 3000 + long_ms);
    assert_true(http_keys_next_end(&keys, 3000 + long_ms) == INT64_MAX);
}

/* As old clients of Datadog send them; and who submits has no other. */
static void a_key_may_be_a_parameter_or_that_of_the_api(void **state)
{
    static const struct {
        const char *head;
        bool admitted, by_api_key;
    } cases[] = {
        { "GET /a?application_key=fedcba9876543210 HTTP/1.1\r\n\r\n", true, false },
        { "GET /a?application_key=fedcba987654321 HTTP/1.1\r\n\r\n", false, false },
        { "GET /a?api_key=fedcba9876543210 HTTP/1.1\r\n\r\n", false, true },
        { "GET /a HTTP/1.1\r\nDD-API-KEY: fedcba9876543210\r\n\r\n", false, true },
        { "GET /a?api_key=fedcba9876543210 HTTP/1.1\r\nDD-API-KEY: other\r\n\r\n", false,
          false },
        { "GET /a HTTP/1.1\r\n\r\n", false, false },
    };
    static const struct http_keys keys;
    struct http_request request;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(http_head_parse(&request, slice_of(cases[i].head)), 0);
        if (http_keys_admit(&keys, &request, &in_force, true, 0) != cases[i].admitted ||
            http_keys_admit_api_key(&request, &in_force) != cases[i].by_api_key)
            fail_msg("%s", cases[i].head);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_shows_its_key_in_a_header),
        cmocka_unit_test(a_key_may_be_a_parameter_or_that_of_the_api),
        cmocka_unit_test(a_page_gets_a_cookie_for_its_key),
        cmocka_unit_test(the_oldest_cookie_makes_room),
        cmocka_unit_test(the_name_has_the_port_that_the_browser_asks),
        cmocka_unit_test(it_is_known_when_the_next_cookie_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
