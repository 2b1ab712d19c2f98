#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "server/http/http_request.h"
#include "tests/support/guard.h"

static int parse(const char *text, struct http_request *out)
{
    struct slice head = { text, strlen(text) };

    return http_head_parse(out, head);
}

static void reads_what_a_head_says(void **state)
{
    struct http_request request;
    struct slice value;
    (void)state;

    assert_int_equal(parse("POST /a/b?x=1&y HTTP/1.1\r\nHost: h:1\r\nContent-Length: 7\r\n"
                           "x-Some:\t thing \r\nEmpty:\r\nConnection: close\r\n\r\n",
                           &request),
                     0);
    assert_int_equal(request.method, HTTP_POST);
    assert_true(slice_equal(request.path, SLICE("/a/b")));
    assert_true(slice_equal(request.query, SLICE("x=1&y")));
    assert_true(slice_equal(request.authority, SLICE("h:1")));
    assert_int_equal(request.length, 7);
    assert_false(request.keeps_alive);
    assert_true(http_header(&request, "X-SOME", &value));
    assert_true(slice_equal(value, SLICE("thing")));
    assert_true(http_header(&request, "empty", &value));
    assert_int_equal(value.len, 0);
    value = SLICE("as it was");
    assert_false(http_header(&request, "X", &value));
    assert_true(slice_equal(value, SLICE("as it was")));
    /* Lines may end in LF alone, as people type them. */
    assert_int_equal(parse("GET / HTTP/1.0\nHost: a\n\n", &request), 0);
    assert_false(request.keeps_alive);
    assert_int_equal(parse("OPTIONS * HTTP/1.1\r\n\r\n", &request), 0);
    assert_true(slice_equal(request.path, SLICE("*")));
}

static void an_absolute_target_goes_before_host(void **state)
{
    static const struct {
        const char *target, *authority, *path, *query;
    } cases[] = {
        { "http://a.b/c?d", "a.b", "/c", "d" },
        { "HTTP://a.b:80", "a.b:80", "/", "" },
        { "https://[::1]:1?q", "[::1]:1", "/", "q" },
    };
    struct http_request request;
    char text[128];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: other\r\n\r\n", cases[i].target);
        assert_int_equal(parse(text, &request), 0);
        assert_true(slice_equal(request.authority, slice_of(cases[i].authority)));
        assert_true(slice_equal(request.path, slice_of(cases[i].path)));
        assert_true(slice_equal(request.query, slice_of(cases[i].query)));
    }
}

static void refuses_what_could_be_read_in_two_ways(void **state)
{
    static const struct {
        const char *head;
        int status;
    } cases[] = {
        { "\r\n\r\n", 400 },
        { "GET\r\n\r\n", 400 },
        { "GET /\r\n\r\n", 400 },
        { "GET  / HTTP/1.1\r\n\r\n", 400 },
        { "GET /  HTTP/1.1\r\n\r\n", 400 },
        { "GET / HTTP/1.1 \r\n\r\n", 400 },
        { "GET / x HTTP/1.1\r\n\r\n", 400 },
        { " GET / HTTP/1.1\r\n\r\n", 400 },
        { "G(T / HTTP/1.1\r\n\r\n", 400 },
        { "get / HTTP/1.1\r\n\r\n", 501 },
        { "CONNECT a:1 HTTP/1.1\r\n\r\n", 501 },
        { "GET a HTTP/1.1\r\n\r\n", 400 },
        { "GET * HTTP/1.1\r\n\r\n", 400 },
        { "GET ftp://a/ HTTP/1.1\r\n\r\n", 400 },
        { "GET http:///a HTTP/1.1\r\n\r\n", 400 },
        { "GET http://user@a/ HTTP/1.1\r\n\r\n", 400 },
        { "GET /\x7f HTTP/1.1\r\n\r\n", 400 },
        { "GET / http/1.1\r\n\r\n", 400 },
        { "GET / HTTP/1.10\r\n\r\n", 400 },
        { "GET / HTTP/0.9\r\n\r\n", 400 },
        { "GET / HTTP/9.9\r\n\r\n", 400 },
        { "GET / HTTP/2.0\r\n\r\n", 505 },
        { "GET / HTTP/3.0\r\n\r\n", 505 },
        { "GET / HTTP/1.2\r\n\r\n", 0 },
        { "GET / HTTP/1.1\rX: 1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nX : 1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n: 1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nX\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nX: 1\r\n 2\r\n\r\n", 400 }, /* folded */
        { "GET / HTTP/1.1\r\n X: 1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nX: a\rY: b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nX: a\x01\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nX: \xc3\xbc\tb\r\n\r\n", 0 },
        { "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 0 },
        { "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nContent-Length:\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nContent-Length: 18446744073709551617\r\n\r\n", 413 },
        { "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999x\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 0 },
        { "GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501 },
        { "GET / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n", 501 },
        { "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nExpect: 100-Continue\r\n\r\n", 0 },
        { "GET / HTTP/1.1\r\nExpect: cake\r\n\r\n", 417 },
    };
    struct http_request request;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (parse(cases[i].head, &request) != cases[i].status)
            fail_msg("%s: %d", cases[i].head, parse(cases[i].head, &request));
    assert_int_equal(http_head_parse(&request, SLICE("GET /a\0b HTTP/1.1\r\n\r\n")), 400);
    assert_int_equal(http_head_parse(&request, SLICE("GET / HTTP/1.1\r\nX: \0\r\n\r\n")), 400);
}

/* However it is cut, and no byte behind what is there is looked at. */
static void finds_the_end_of_a_head_in_pieces(void **state)
{
    static const struct {
        const char *text;
        size_t end;
    } cases[] = {
        { "a\r\n\r\nb", 5 },
        { "a\n\nb", 3 },
        { "a\n\r\nb", 4 },
        { "a\r\nb: c\r\n\r\n", 11 },
        { "a\r\nb\r\rc\n\n", 9 },
        { "a\n\rb\n\r\n", 7 },
        { "abc", 0 },
        { "a\r\n\r", 0 },
        { "a\n", 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = strlen(cases[i].text), seen = 0, end = 0;

        for (size_t n = 0; n <= len && end == 0; n++) {
            struct slice part = guarded(cases[i].text, n);
            end = http_head_end(part.at, part.len, &seen);
        }
        seen = 0;
        if (end != cases[i].end || http_head_end(cases[i].text, len, &seen) != end)
            fail_msg("case %zu: %zu", i, end);
    }
}

static void decodes_the_parameters_of_a_query(void **state)
{
    static const struct {
        const char *query, *value; /* NULL: there is none */
    } cases[] = {
        { "a=1&q=x+y%20z&q=2", "x y z" },
        { "q=%2a%2A%c3%bc", "**\xc3\xbc" },
        { "q=%&", "%" },
        { "q=%4&b", "%4" },
        { "q=100%zz%", "100%zz%" },
        { "q", "" },
        { "&&q=", "" },
        { "%71=a=b", "a=b" },
        { "qq=1&Q=2", NULL },
        { "", NULL },
    };
    char room[64];
    struct slice value;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool found = http_parameter(slice_of(cases[i].query), "q", room, &value);

        if (found != (cases[i].value != NULL) ||
            (found && !slice_equal(value, slice_of(cases[i].value))))
            fail_msg("%s", cases[i].query);
    }
    assert_true(http_parameter(SLICE("q=a%00b"), "q", room, &value));
    assert_true(slice_equal(value, SLICE("a\0b")));
}

/* In one piece, and byte by byte. */
static enum http_chunks_result read_chunks(const char *text, bool bytewise, char body[16],
                                           size_t *len, size_t *used)
{
    struct http_chunks chunks = { 0 };
    enum http_chunks_result result = HTTP_CHUNKS_MORE;
    size_t size = strlen(text), step = bytewise ? 1 : size, n;

    for (*used = 0; *used < size && result == HTTP_CHUNKS_MORE; *used += n)
        result = http_chunks_read(&chunks, (struct slice){ text + *used, step }, body, 16, &n);
    *len = chunks.body_len;
    return result;
}

static void reads_chunks_and_refuses_what_is_none(void **state)
{
    static const struct {
        const char *text;
        enum http_chunks_result result;
        const char *body, *behind; /* on DONE */
    } cases[] = {
        { "0\r\n\r\nGET", HTTP_CHUNKS_DONE, "", "GET" },
        { "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", HTTP_CHUNKS_DONE, "abcde", "" },
        { "00010;a=\"b\"\r\n0123456789abcdef\r\n0\r\nA: b\r\nC: d\r\n\r\nx", HTTP_CHUNKS_DONE,
          "0123456789abcdef", "x" },
        { "3\r\nab", HTTP_CHUNKS_MORE, NULL, NULL },
        { "11\r\n", HTTP_CHUNKS_LARGE, NULL, NULL },
        { "8\r\n12345678\r\n9\r\n", HTTP_CHUNKS_LARGE, NULL, NULL },
        { "ffffffffffffffffffff\r\n", HTTP_CHUNKS_LARGE, NULL, NULL },
        { "00000000000000000\r\n", HTTP_CHUNKS_BAD, NULL, NULL },
        { "ZZ\r\n", HTTP_CHUNKS_BAD, NULL, NULL },
        { "\r\n", HTTP_CHUNKS_BAD, NULL, NULL },
        { ";a\r\n", HTTP_CHUNKS_BAD, NULL, NULL },
        { "-1\r\n", HTTP_CHUNKS_BAD, NULL, NULL },
        { "0x1\r\n", HTTP_CHUNKS_BAD, NULL, NULL },
        { "1\na\r\n", HTTP_CHUNKS_BAD, NULL, NULL },
        { "1\r\nab\r\n", HTTP_CHUNKS_BAD, NULL, NULL },
        { "1\r\na\n0\r\n\r\n", HTTP_CHUNKS_BAD, NULL, NULL },
        { "1;a\nb\r\n", HTTP_CHUNKS_BAD, NULL, NULL },
        { "0\r\n\rx", HTTP_CHUNKS_BAD, NULL, NULL },
        { "0\r\nA: b\rc\r\n\r\n", HTTP_CHUNKS_BAD, NULL, NULL },
    };
    char body[16];
    size_t len, used;
    (void)state;

    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        const char *text = cases[i / 2].text, *expected = cases[i / 2].body;

        if (read_chunks(text, i % 2 == 1, body, &len, &used) != cases[i / 2].result)
            fail_msg("%s", text);
        if (expected != NULL && (len != strlen(expected) || memcmp(body, expected, len) != 0 ||
                                 strcmp(text + used, cases[i / 2].behind) != 0))
            fail_msg("%s: %.*s", text, (int)len, body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_a_head_says),
        cmocka_unit_test(an_absolute_target_goes_before_host),
        cmocka_unit_test(refuses_what_could_be_read_in_two_ways),
        cmocka_unit_test(finds_the_end_of_a_head_in_pieces),
        cmocka_unit_test(decodes_the_parameters_of_a_query),
        cmocka_unit_test(reads_chunks_and_refuses_what_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
