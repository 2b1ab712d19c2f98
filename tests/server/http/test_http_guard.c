#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/http/http_guard.h"

static bool refuses_with(const struct http_guard *guard, const char *head, enum http_use use)
{
    static char allowed_name[] = "heeler.example.com";
    static char *allowed[] = { allowed_name };
    static const struct string_list more = { allowed, 1 };
    struct http_request request;

    assert_int_equal(http_head_parse(&request, slice_of(head)), 0);
    return http_guard_refuses(guard, &request, use, &more) != NULL;
}

static bool refuses_host(const struct http_guard *guard, const char *host)
{
    char head[512];

    snprintf(head, sizeof head, "GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n", host);
    return refuses_with(guard, head, HTTP_USE_METRICS);
}

static void only_names_of_this_machine_may_be_asked_for(void **state)
{
    static const struct {
        const char *host;
        bool refused;
    } cases[] = {
        { "127.0.0.1", false },
        { "127.0.0.1:8127", false },
        { "10.1.2.3:80", false },
        { "[::1]", false },
        { "[fe80::1%eth0]:8127", false },
        { "localhost", false },
        { "LocalHost.:8127", false },
        { "app.localhost:8127", false },
        { "box.corp.example", false },
        { "BOX:8127", false },
        { "heeler.example.com", false }, /* heeler_http_hosts */
        { "evil.example", true },
        { "evil.example:8127", true },
        { "box.evil.example", true },
        { "notlocalhost", true },
        { "localhost.evil.example", true },
        { "127.0.0.1.evil.example", true },
        { "2130706433", true }, /* a number that browsers know to be 127.0.0.1, and send so */
        { "127.0.0.1:x", true },
        { "127.0.0.1:123456", true },
        { "127.0.0.1:80:80", true },
        { "::1", true },
        { "[::1", true },
        { "[::1]x", true },
        { "[evil.example]", true },
        { "", true },
        { ".", true },
        { ":80", true },
    };
    struct http_guard guard;
    char own[256] = "";
    (void)state;

    assert_true(http_guard_open(&guard, "box.corp.example"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (refuses_host(&guard, cases[i].host) != cases[i].refused)
            fail_msg("%s", cases[i].host);
    assert_int_equal(gethostname(own, sizeof own - 1), 0);
    assert_false(refuses_host(&guard, own));
    assert_false(refuses_with(&guard, "GET /live HTTP/1.1\r\nHost: evil.example\r\n\r\n",
                              HTTP_USE_HEALTH));
    assert_false(refuses_with(&guard, "GET / HTTP/1.1\r\n\r\n", HTTP_USE_READING));
    assert_true(refuses_with(&guard,
                             "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
                             HTTP_USE_READING));
    http_guard_close(&guard);
}

static void what_a_page_can_post_is_refused(void **state)
{
    static const struct {
        const char *header;
        bool refused;
    } cases[] = {
        { "Accept: */*", false },
        { "Content-Type: application/json", false },
        { "Content-Type:", false },
        { "Content-Type: application/x-www-form-urlencoded", true },
        { "content-type: Application/X-WWW-form-urlencoded ; charset=utf-8", true },
        { "Content-Type: multipart/form-data; boundary=x", true },
        { "Content-Type: text/plain", true },
        { "Content-Type: text/plainly", false },
        { "Origin: null", true },
        { "ORIGIN:", true },
        { "Sec-Fetch-Site: none", true },
    };
    struct http_guard guard;
    char head[256];
    (void)state;

    assert_true(http_guard_open(&guard, "box"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(head, sizeof head, "POST /flush HTTP/1.1\r\n%s\r\n\r\n", cases[i].header);
        if (refuses_with(&guard, head, HTTP_USE_CONTROL) != cases[i].refused)
            fail_msg("%s", cases[i].header);
    }
    http_guard_close(&guard);
}

/* The headers of a GET of localhost:8127, as browsers send them. */
static void pages_of_other_origins_are_refused(void **state)
{
    static const struct {
        const char *headers;
        bool refused, page_refused;
    } cases[] = {
        { "Accept: */*", false, false },
        { "Sec-Fetch-Site: same-origin", false, false },
        { "Sec-Fetch-Site: none", false, false }, /* typed into the bar */
        { "Sec-Fetch-Site: cross-site", true, true },
        { "Sec-Fetch-Site: same-site", true, true }, /* another port of this machine */
        { "Sec-Fetch-Site:", true, true },
        { "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image",
          true, true },
        { "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document",
          true, false }, /* a link */
        { "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe",
          true, true },
        { "Origin: http://localhost:8127", false, false },
        { "Origin: HTTP://LOCALHOST:8127", false, false },
        { "Origin: https://localhost:8127", false, false }, /* a proxy ends its TLS */
        { "Origin: http://localhost", true, true },
        { "Origin: http://localhost:8128", true, true },
        { "Origin: http://127.0.0.1:8127", true, true },
        { "Origin: http://evil.example", true, true },
        { "Origin: http://", true, true },
        { "Origin: null", true, true },
        { "Origin:", true, true },
        { "Sec-Fetch-Site: same-origin\r\nOrigin: http://evil.example", true, true },
    };
    static const enum http_use uses[] = { HTTP_USE_READING, HTTP_USE_HEALTH, HTTP_USE_METRICS,
                                          HTTP_USE_LOGIN };
    struct http_guard guard;
    char head[512];
    (void)state;

    assert_true(http_guard_open(&guard, "box"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: localhost:8127\r\n%s\r\n\r\n",
                 cases[i].headers);
        for (size_t u = 0; u < sizeof uses / sizeof uses[0]; u++)
            if (refuses_with(&guard, head, uses[u]) != cases[i].refused)
                fail_msg("use %d: %s", uses[u], cases[i].headers);
        if (refuses_with(&guard, head, HTTP_USE_PAGE) != cases[i].page_refused)
            fail_msg("page: %s", cases[i].headers);
    }
    http_guard_close(&guard);
}

static void a_form_of_another_page_leads_nowhere(void **state)
{
    static const char head[] = "POST / HTTP/1.1\r\nHost: localhost\r\n"
                               "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n"
                               "Sec-Fetch-Dest: document\r\n\r\n";
    struct http_guard guard;
    (void)state;

    assert_true(http_guard_open(&guard, "box"));
    assert_true(refuses_with(&guard, head, HTTP_USE_PAGE));
    http_guard_close(&guard);
}

static void what_a_page_of_ours_writes_is_json(void **state)
{
    static const struct {
        const char *headers;
        bool refused;
    } cases[] = {
        { "Content-Type: application/json", false },
        { "Content-Type: Application/JSON ; charset=utf-8", false },
        { "Sec-Fetch-Site: same-origin\r\nContent-Type: application/json", false },
        { "Accept: */*", false }, /* as a client mutes a monitor: without a word */
        { "Accept: */*\r\nContent-Length: 2", true },
        { "Accept: */*\r\nTransfer-Encoding: chunked", true },
        { "Origin: http://localhost", true },
        { "Sec-Fetch-Site: same-origin", true },
        { "Content-Type: text/plain", true },
        { "Content-Type: application/jsonp", true },
        { "Content-Type: text/json", false }, /* as Datadog's clients submit series */
        { "Sec-Fetch-Site: cross-site\r\nContent-Type: application/json", true },
    };
    struct http_guard guard;
    char head[512];
    (void)state;

    assert_true(http_guard_open(&guard, "box"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n",
                 cases[i].headers);
        if (refuses_with(&guard, head, HTTP_USE_WRITING) != cases[i].refused)
            fail_msg("%s", cases[i].headers);
    }
    http_guard_close(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_names_of_this_machine_may_be_asked_for),
        cmocka_unit_test(what_a_page_can_post_is_refused),
        cmocka_unit_test(pages_of_other_origins_are_refused),
        cmocka_unit_test(a_form_of_another_page_leads_nowhere),
        cmocka_unit_test(what_a_page_of_ours_writes_is_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
