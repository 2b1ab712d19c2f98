#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "flush/redis/redis_url.h"

static void a_url_says_where_and_as_whom(void **state)
{
    static const struct {
        const char *text, *host;
        int port;
        const char *path, *user, *password;
        int database;
        bool tls;
        const char *name;
    } cases[] = {
        { "redis://a", "a", 6379, "", "", "", 0, false, "redis://a:6379" },
        { "redis://a:7000/3", "a", 7000, "", "", "", 3, false, "redis://a:7000" },
        { "redis://a/", "a", 6379, "", "", "", 0, false, "redis://a:6379" },
        { "rediss://a.b.", "a.b.", 6379, "", "", "", 0, true, "rediss://a.b.:6379" },
        { "redis://[::1]", "::1", 6379, "", "", "", 0, false, "redis://[::1]:6379" },
        { "redis://[::1]:1/2", "::1", 1, "", "", "", 2, false, "redis://[::1]:1" },
        { "redis://:p@a", "a", 6379, "", "", "p", 0, false, "redis://a:6379" },
        { "redis://u:p@a", "a", 6379, "", "u", "p", 0, false, "redis://a:6379" },
        { "redis://u:p@:x/y@a:1", "a", 1, "", "u", "p@:x/y", 0, false, "redis://a:1" },
        { "redis://u%40:%25%3a%2F@a", "a", 6379, "", "u@", "%:/", 0, false, "redis://a:6379" },
        { "unix:///run/r.sock", "", 0, "/run/r.sock", "", "", 0, false, "unix:///run/r.sock" },
        { "unix://u:p@/r?db=5", "", 0, "/r", "u", "p", 5, false, "unix:///r" },
        { "unix:///a@/b", "", 0, "/a@/b", "", "", 0, false, "unix:///a@/b" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct redis_url url;
        const char *problem = redis_url_parse(cases[i].text, &url);

        if (problem != NULL)
            fail_msg("%s: %s", cases[i].text, problem);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_string_equal(url.path, cases[i].path);
        assert_string_equal(url.user, cases[i].user);
        assert_string_equal(url.password, cases[i].password);
        assert_int_equal(url.database, cases[i].database);
        assert_int_equal(url.tls, cases[i].tls);
        assert_string_equal(url.name, cases[i].name);
    }
}

static void refuses_with_a_sentence_and_no_secret(void **state)
{
    static const char *const cases[] = {
        "",
        "a:6379",
        "http://a",
        "redis://",
        "redis://:6379",
        "redis://a:0",
        "redis://a:65536",
        "redis://a:x",
        "redis://a b",
        "redis://::1",
        "redis://[::1",
        "redis://a/x",
        "redis://a/-1",
        "redis://a/99999",
        "redis://a/1/2",
        "redis://a?db=1",
        "redis://sesame@a",
        "redis://u:@a",
        "redis://:sesame%@a",
        "redis://:sesame%4@a",
        "redis://:sesame%00@a",
        "redis://:sesame@",
        "unix://",
        "unix:///",
        "unix://a/b",
        "unix:///r?database=1",
        "unix:///r?db=",
        "unix:///0123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789",
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct redis_url url;
        const char *problem = redis_url_parse(cases[i], &url);

        if (problem == NULL)
            fail_msg("%s is accepted", cases[i]);
        assert_null(strstr(problem, "sesame"));
        assert_null(strstr(url.name, "sesame"));
    }
}

static void what_is_too_long_is_refused(void **state)
{
    char text[8192];
    struct redis_url url;
    (void)state;

    snprintf(text, sizeof text, "redis://:%05000d@a", 1);
    assert_non_null(redis_url_parse(text, &url));
    snprintf(text, sizeof text, "redis://%0300d:p@a", 1);
    assert_non_null(redis_url_parse(text, &url));
    snprintf(text, sizeof text, "redis://%0300d", 1);
    assert_non_null(redis_url_parse(text, &url));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_says_where_and_as_whom),
        cmocka_unit_test(refuses_with_a_sentence_and_no_secret),
        cmocka_unit_test(what_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
