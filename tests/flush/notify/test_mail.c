#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/utf8.h"
#include "flush/notify/mail.h"
#include "flush/notify/mail_encode.h"
#include "tests/support/guard.h"

/* What people and machines may be told to write: into headers, markup, and other parts. */
static const struct slice hostile[] = {
    SLICE("plain"),
    SLICE(""),
    SLICE("a\r\nBcc: victim@example.org"),
    SLICE("a\nBcc: victim@example.org\n\nbody"),
    SLICE("a\rBcc: victim@example.org"),
    SLICE("\r\n\r\n.\r\nMAIL FROM:<x@y>\r\n"),
    SLICE("\n.\nQUIT\n"),
    SLICE("@victim@example.org"),
    SLICE("{{value}} {{#is_alert}}"),
    SLICE("<script>alert(1)</script>"),
    SLICE("\"><img src=x onerror=alert(1)>"),
    SLICE("'><a href=javascript:alert(1)>x</a>"),
    SLICE("</td></table></body></html>"),
    SLICE("&lt;b&gt; &amp; &#60;b&#62;"),
    SLICE("--=_heeler_alternative--\r\nContent-Type: text/html\r\n\r\n<b>"),
    SLICE("\n--=_heeler_related\n"),
    SLICE("=?UTF-8?B?QmNjOg==?= =?utf-8?q?=0d=0aBcc:_x?="),
    SLICE("=0D=0ABcc: victim@example.org"),
    SLICE("\xff\xfe\x80 \xc3( \xed\xa0\x80"),
    SLICE("caf\xc3\xa9 \xe2\x98\x83 \xf0\x9f\x94\xa5"),
    SLICE("\xe2\x80\xae"
          "evil\xe2\x80\xa8"
          "line"),
    SLICE("a\0b"),
    SLICE("\x1b[2J\x07\x7f"),
    SLICE("   blanks at both ends \t"),
    SLICE("From me\n.dot\n-dash\n trailing \n"),
};

enum { N_HOSTILE = sizeof hostile / sizeof hostile[0] };

static struct notification example(void)
{
    struct notification made = {
        .monitor = 7,
        .transition = { MONITOR_OK, MONITOR_ALERT, 1796061600, 0, true, false },
        .raised_s = 1796061601,
        .value = 900,
        .has_value = true,
        .monitor_name = SLICE("load"),
        .group = SLICE("host:a"),
        .receiver = SLICE("night@example.org"),
        .title = SLICE("[Triggered on {host:a}] load"),
        .text = SLICE("load is 900"),
        .tags = SLICE("team:x,host:a"),
        .link = SLICE("http://127.0.0.1:8127/#/monitor?id=7"),
        .query = SLICE("avg(last_5m):avg:load{*} by {host} > 800"),
    };

    notification_id(made.monitor, made.group, &made.transition, made.id);
    return made;
}

static struct bytes write(const struct notification *of)
{
    struct mail mail = { of, "heeler@example.org", "srv1.example.org" };
    struct bytes out = { 0 };

    assert_true(mail_write(&mail, &out));
    return out;
}

/* ---- what every mail must be ------------------------------------------- */

static const char *const names[] = {
    "Date",           "From",         "To",          "Message-ID",
    "In-Reply-To",    "References",   "Subject",     "X-Heeler-Notification",
    "Auto-Submitted", "MIME-Version", "Content-Type"
};

/* Lines end in CR LF, and are short and printable. */
static void has_sane_lines(struct slice mail)
{
    size_t column = 0;

    for (size_t i = 0; i < mail.len; i++) {
        unsigned char byte = (unsigned char)mail.at[i];

        if (byte == '\r') {
            assert_true(i + 1 < mail.len && mail.at[i + 1] == '\n');
        } else if (byte == '\n') {
            assert_true(i > 0 && mail.at[i - 1] == '\r');
            column = 0;
        } else {
            assert_true((byte >= ' ' && byte <= '~') || byte == '\t');
            assert_true(++column <= 998);
        }
    }
    assert_int_equal(column, 0);
}

static struct slice cut_line(struct slice *rest)
{
    struct slice line = slice_cut(rest, '\n');

    return slice_trim(line, "\r");
}

/* These headers in this order, and no other; returns what stands behind them. */
static struct slice has_these_headers(struct slice mail)
{
    size_t n = 0;

    for (;;) {
        struct slice line = cut_line(&mail);

        if (line.len == 0)
            break;
        if (line.at[0] == ' ')
            continue;
        struct slice name = slice_cut(&line, ':');

        assert_true(n < sizeof names / sizeof names[0]);
        assert_true(slice_equal(name, slice_of(names[n])));
        n++;
    }
    assert_int_equal(n, sizeof names / sizeof names[0]);
    return mail;
}

static size_t count(struct slice in, const char *what)
{
    size_t n = 0;
    const char *at = in.at, *end = in.at + in.len;

    while (at < end && (at = memmem(at, (size_t)(end - at), what, strlen(what))) != NULL) {
        n++;
        at++;
    }
    return n;
}

/* Of quoted-printable; CR LF becomes LF. */
static struct bytes unquote(struct slice from)
{
    struct bytes out = { 0 };

    for (size_t i = 0; i < from.len; i++) {
        char code[3] = "", byte = from.at[i];

        if (byte == '=' && i + 2 < from.len) {
            memcpy(code, from.at + i + 1, 2);
            i += 2;
            if (code[0] == '\r')
                continue;
            byte = (char)strtol(code, NULL, 16);
        } else if (byte == '\r') {
            continue;
        }
        bytes_add(&out, &byte, 1);
    }
    return out;
}

/* The part of that type, decoded. */
static struct bytes part_of(struct slice mail, const char *type)
{
    char head[80];
    int len = snprintf(head, sizeof head, "alternative\r\nContent-Type: %s", type);
    const char *at = memmem(mail.at, mail.len, head, (size_t)len);

    assert_non_null(at);
    struct slice rest = slice_skip(mail, (size_t)(at - mail.at));

    at = memmem(rest.at, rest.len, "\r\n\r\n", 4);
    assert_non_null(at);
    rest = slice_skip(rest, (size_t)(at - rest.at) + 4);
    at = memmem(rest.at, rest.len, "\r\n--=_", 6);
    assert_non_null(at);
    return unquote((struct slice){ rest.at, (size_t)(at - rest.at) + 2 });
}

/* Only the tags that we write. */
static void has_our_markup(struct slice html, bool has_picture)
{
    static const char *const ours[] = { "!DOCTYPE html>",
                                        "html>",
                                        "head>",
                                        "meta charset=\"utf-8\">",
                                        "/head>",
                                        "body style=\"font-family:sans-serif\">",
                                        "h3 style=\"color:#",
                                        "/h3>",
                                        "p>",
                                        "/p>",
                                        "br>",
                                        "img src=\"cid:picture@heeler\" alt=\"\"",
                                        "table style=\"color:#57606a;font-size:small\">",
                                        "tr>",
                                        "td>",
                                        "/td>",
                                        "/tr>",
                                        "/table>",
                                        "/body>",
                                        "/html>",
                                        "a href=\"http",
                                        "/a>" };
    size_t pictures = 0;

    for (size_t i = 0; i < html.len; i++) {
        bool known = false;

        if (html.at[i] != '<')
            continue;
        for (size_t j = 0; j < sizeof ours / sizeof ours[0]; j++)
            known = known || slice_starts(slice_skip(html, i + 1), slice_of(ours[j]));
        if (!known)
            fail_msg("%.*s", (int)(html.len - i < 80 ? html.len - i : 80), html.at + i);
        pictures += slice_starts(slice_skip(html, i + 1), SLICE("img"));
    }
    assert_int_equal(pictures, has_picture);
}

static void is_sane(const struct notification *of)
{
    struct bytes bytes = write(of);
    struct slice mail = bytes_view(&bytes);

    has_sane_lines(mail);
    struct slice body = has_these_headers(mail);

    assert_int_equal(count(body, "--=_heeler_alternative\r\n"), 2);
    assert_int_equal(count(body, "--=_heeler_alternative--\r\n"), 1);
    assert_int_equal(count(body, "--=_heeler_related"), of->picture.len > 0 ? 3 : 0);
    assert_int_equal(count(body, "\r\n.\r\n"), 0);
    struct bytes html = part_of(mail, "text/html");

    assert_true(utf8_is_valid((const char *)html.at, html.len));
    has_our_markup(bytes_view(&html), of->picture.len > 0);
    bytes_free(&html);
    bytes_free(&bytes);
}

static void no_text_gets_out_of_its_place(void **state)
{
    (void)state;

    for (size_t i = 0; i < N_HOSTILE; i++) {
        struct notification one = example();
        struct slice text = guarded(hostile[i].at, hostile[i].len);
        struct slice *members[] = { &one.title, &one.text, &one.monitor_name, &one.group,
                                    &one.tags,  &one.link, &one.query };

        for (size_t j = 0; j < sizeof members / sizeof members[0]; j++) {
            struct notification other = example();
            struct slice *of_other =
                (struct slice *)((char *)&other + ((char *)members[j] - (char *)&one));

            *of_other = text;
            is_sane(&other);
            *members[j] = text;
        }
        bytes_add(&one.picture, "\r\n.\r\n--=_heeler_related", 23);
        is_sane(&one);
        bytes_free(&one.picture);
    }
}

static void ids_of_files_are_made_safe(void **state)
{
    struct notification one = example();
    (void)state;

    snprintf(one.id, sizeof one.id, "1.2>\r\nBcc: a@b\r\n\r\n");
    is_sane(&one);
}

static void a_large_text_of_any_bytes_is_fit(void **state)
{
    enum { SIZE = 64 << 10 };
    struct notification one = example();
    char *text = malloc(SIZE);
    uint32_t random = 1;
    (void)state;

    assert_non_null(text);
    for (size_t i = 0; i < SIZE; i++) {
        random = random * 1664525 + 1013904223;
        text[i] = (char)(random >> 24);
    }
    one.text = one.title = (struct slice){ text, SIZE };
    is_sane(&one);
    memset(text, 'x', SIZE); /* one line of 64 KiB */
    is_sane(&one);
    free(text);
}

/* ---- one, to the byte -------------------------------------------------- */

static void a_mail_looks_so(void **state)
{
    static const char head[] =
        "Date: Mon, 30 Nov 2026 18:00:01 +0000\r\n"
        "From: Heeler <heeler@example.org>\r\n"
        "To: <night@example.org>\r\n"
        "Message-ID: <7.%s.alert.1796061600.0@srv1.example.org>\r\n"
        "In-Reply-To: <group.7.%s@srv1.example.org>\r\n"
        "References: <group.7.%s@srv1.example.org>\r\n"
        "Subject: [Triggered on {host:a}] load\r\n"
        "X-Heeler-Notification: 7.%s.alert.1796061600.0\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/alternative; boundary=\"=_heeler_alternative\"\r\n"
        "\r\n"
        "--=_heeler_alternative\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n"
        "\r\n"
        "load is 900\r\n"
        "\r\n"
        "=2D-=20\r\n"
        "Monitor: load\r\n"
        "Group: host:a\r\n"
        "State: Alert\r\n"
        "Value: 900\r\n"
        "Query: avg(last_5m):avg:load{*} by {host} > 800\r\n"
        "Since: 2026-11-30 18:00:00 UTC\r\n"
        "Tags: team:x,host:a\r\n"
        "Page: http://127.0.0.1:8127/#/monitor?id=3D7\r\n"
        "--=_heeler_alternative\r\n";
    struct notification one = example();
    char expected[2048], hash[17];
    (void)state;

    snprintf(hash, sizeof hash, "%.16s", strchr(one.id, '.') + 1);
    size_t len = (size_t)snprintf(expected, sizeof expected, head, hash, hash, hash, hash);
    struct bytes bytes = write(&one);

    assert_true(bytes.len > len);
    assert_memory_equal(bytes.at, expected, len);
    bytes_free(&bytes);
}

static bool has(const struct bytes *bytes, const char *what)
{
    return memmem(bytes->at, bytes->len, what, strlen(what)) != NULL;
}

static void what_is_hidden_has_no_line(void **state)
{
    struct notification one = example();
    (void)state;

    one.query = one.link = SLICE("");
    struct bytes bytes = write(&one);

    assert_true(has(&bytes, "State: Alert\r\n"));
    assert_false(has(&bytes, "Query"));
    assert_false(has(&bytes, "Page"));
    bytes_free(&bytes);
}

static void a_picture_stands_in_it(void **state)
{
    struct notification one = example();
    (void)state;

    bytes_add(&one.picture, "Man", 3);
    struct bytes bytes = write(&one);
    struct slice mail = bytes_view(&bytes);

    assert_int_equal(count(mail, "Content-Type: multipart/related;"), 1);
    assert_int_equal(count(mail, "Content-ID: <picture@heeler>\r\n"), 1);
    assert_int_equal(count(mail, "\r\n\r\nTWFu\r\n--=_heeler_related--\r\n"), 1);
    bytes_free(&bytes);
    bytes_free(&one.picture);
}

/* ---- encodings --------------------------------------------------------- */

static void base64_is_as_in_the_rfc(void **state)
{
    static const char *const cases[][2] = { { "", "" },
                                            { "f", "Zg==\r\n" },
                                            { "fo", "Zm8=\r\n" },
                                            { "foo", "Zm9v\r\n" },
                                            { "\xff\xfe\xfd", "//79\r\n" } };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes out = { 0 };

        mail_encode_base64(slice_of(cases[i][0]), &out);
        assert_true(slice_equal(bytes_view(&out), slice_of(cases[i][1])));
        bytes_free(&out);
    }
}

/* A character of three bytes stands where the line has to end. */
#define TEN "0123456789"
#define LONG                           \
    TEN TEN TEN TEN TEN TEN TEN "0123" \
                                "\xe2\x98\x83"

static void quoted_text_comes_back_as_it_was(void **state)
{
    static const char *const cases[] = { "a\nb\n",  " lead\n",  "trail \n",
                                         "tab\t\n", "=\n",      "caf\xc3\xa9\n",
                                         ".\n..\n", "From x\n", LONG " and more\n" };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes out = { 0 };

        mail_encode_quoted(slice_of(cases[i]), &out);
        has_sane_lines(bytes_view(&out));
        struct bytes back = unquote(bytes_view(&out));

        assert_true(slice_equal(bytes_view(&back), slice_of(cases[i])));
        for (struct slice rest = bytes_view(&out); rest.len > 0;)
            assert_true(cut_line(&rest).len <= 76);
        bytes_free(&back);
        bytes_free(&out);
    }
}

static void a_header_is_plain_or_encoded_words(void **state)
{
    static const char *const cases[][2] = {
        { "plain words", "Subject: plain words\r\n" },
        { "", "Subject:\r\n" },
        { " x", "Subject: =?UTF-8?B?IHg=?=\r\n" },
        { "a\nb", "Subject: =?UTF-8?B?YSBi?=\r\n" },
        { "=?x", "Subject: =?UTF-8?B?PT94?=\r\n" },
        { "\xc3\xa9", "Subject: =?UTF-8?B?w6k=?=\r\n" },
        { "\xff", "Subject: =?UTF-8?B?77+9?=\r\n" },
        /* 44 of them and a character of two bytes, which goes into the next word whole */
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa9",
          "Subject: "
          "=?UTF-8?B?YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=?=\r\n"
          " =?UTF-8?B?w6k=?=\r\n" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes out = { 0 };

        mail_encode_header("Subject", slice_of(cases[i][0]), &out);
        if (!slice_equal(bytes_view(&out), slice_of(cases[i][1])))
            fail_msg("%.*s", (int)out.len, (const char *)out.at);
        bytes_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_text_gets_out_of_its_place),
        cmocka_unit_test(ids_of_files_are_made_safe),
        cmocka_unit_test(a_large_text_of_any_bytes_is_fit),
        cmocka_unit_test(a_mail_looks_so),
        cmocka_unit_test(what_is_hidden_has_no_line),
        cmocka_unit_test(a_picture_stands_in_it),
        cmocka_unit_test(base64_is_as_in_the_rfc),
        cmocka_unit_test(quoted_text_comes_back_as_it_was),
        cmocka_unit_test(a_header_is_plain_or_encoded_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
