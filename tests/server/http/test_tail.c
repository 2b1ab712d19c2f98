#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/clock.h"
#include "tests/support/beside.h"
#include "tests/support/onlooker.h"
#include "tests/support/raw_http.h"
#include "tests/support/udp.h"

enum { WAIT_S = 60 };

static void until_text(struct onlooker *rig, const char *what)
{
    int64_t until_ms = clock_monotonic_ms() + WAIT_S * 1000;

    rig->text[rig->len] = '\0';
    while (strstr(rig->text, what) == NULL) {
        assert_true(clock_monotonic_ms() < until_ms);
        onlooker_turn(rig);
    }
}

static void ask(struct onlooker *rig, const char *query, const char *accept)
{
    char request[512];

    rig->http = raw_connect(server_http_port(rig->running.server));
    snprintf(request, sizeof request,
             "GET /api/v1/tail%s HTTP/1.0\r\nHost: localhost\r\nAccept: %s\r\n\r\n", query,
             accept);
    raw_say(rig->http, request);
    until_text(rig, "\r\n\r\n");
}

/* Asks, and goes on when the worker shows what it gets. The probe is bad, an event to nobody,
 * and named as the pattern needs it. */
static void look_on(struct onlooker *rig, const char *query, const char *probe)
{
    int64_t until_ms = clock_monotonic_ms() + WAIT_S * 1000;

    ask(rig, query, "*/*");
    assert_non_null(strstr(rig->text, " 200 "));
    while (strstr(rig->text, "probe") == NULL) {
        assert_true(clock_monotonic_ms() < until_ms);
        udp_send(rig->sender, probe);
        for (int i = 0; i < 100 && strstr(rig->text, "probe") == NULL; i++)
            onlooker_turn(rig);
    }
}

/* What the reader got. */
struct sum {
    uint64_t items, unseen, lost;
    json_t *last; /* owned; NULL: no item */
    size_t read;  /* bytes of the text */
};

static void add_line(struct sum *sum, const char *at, size_t n)
{
    json_t *item = json_loadb(at, n, JSON_ALLOW_NUL, NULL);

    assert_non_null(item);
    const char *line = json_string_value(json_object_get(item, "line"));
    if (line == NULL) {
        sum->unseen += (uint64_t)(json_integer_value(json_object_get(item, "of")) -
                                  json_integer_value(json_object_get(item, "seen")));
        sum->lost += (uint64_t)json_integer_value(json_object_get(item, "lost"));
    } else if (strstr(line, "probe") == NULL) {
        sum->items++;
        json_decref(sum->last);
        sum->last = json_incref(item);
    }
    json_decref(item);
}

/* What came since. */
static void add_more(struct sum *sum, const struct onlooker *rig)
{
    const char *at = rig->text + sum->read, *end;

    for (; (end = strchr(at, '\n')) != NULL; at = end + 1)
        add_line(sum, at, (size_t)(end - at));
    sum->read = (size_t)(at - rig->text);
}

static struct sum add_up(const struct onlooker *rig)
{
    struct sum sum = { .read = (size_t)(strstr(rig->text, "\r\n\r\n") + 4 - rig->text) };

    add_more(&sum, rig);
    return sum;
}

static const char *member(const struct sum *sum, const char *name)
{
    return json_string_value(json_object_get(sum->last, name));
}

static void below_the_rate_every_line_is_seen(void **state)
{
    struct onlooker *rig = ONLOOKER("heeler_workers=2");
    char text[64];
    (void)state;

    look_on(rig, "", "probe:1|c");
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "a:%d|c\nb:%d|g\n\nc:%d|ms", i, i, i);
        onlooker_send(rig, text, 1);
        onlooker_turn(rig);
    }
    udp_send(rig->sender, "last.one:1|c");
    until_text(rig, "last.one");
    struct sum sum = add_up(rig);
    assert_int_equal(sum.items, 3 * 2000 + 1);
    assert_int_equal(sum.unseen, 0);
    assert_int_equal(sum.lost, 0);
    assert_string_equal(member(&sum, "kind"), "metric");
    assert_string_equal(member(&sum, "line"), "last.one:1|c");
    assert_memory_equal(member(&sum, "sender"), "127.0.0.1:", 10);
    json_decref(sum.last);
    onlooker_free(rig);
}

/* What is sent is enough for most of a minute. */
static void beyond_the_rate_what_was_seen_and_what_was_not_are_all(void **state)
{
    enum { DATAGRAMS = 3000, LINES = 60 };
    struct onlooker *rig = ONLOOKER("heeler_workers=1", "heeler_tail_max_bytes=65536");
    char text[LINES * 16 + 1] = "";
    int64_t until_ms = clock_monotonic_ms() + WAIT_S * 1000;
    (void)state;

    for (int i = 0; i < LINES; i++)
        strcat(text, "some.name:1|c\n");
    look_on(rig, "", "probe:1|c");
    onlooker_send(rig, text, DATAGRAMS);
    assert_true(running_until(&rig->running, running_datagrams, DATAGRAMS));
    struct sum sum = add_up(rig);
    while (sum.items + sum.unseen + sum.lost < DATAGRAMS * LINES) {
        assert_true(clock_monotonic_ms() < until_ms);
        onlooker_turn(rig);
        add_more(&sum, rig);
    }
    assert_int_equal(sum.items + sum.unseen + sum.lost, DATAGRAMS * LINES);
    assert_true(sum.unseen > 0);
    json_decref(sum.last);
    onlooker_free(rig);
}

/* Names that are none, escape sequences and bytes that are no UTF-8 are JSON all the same. */
static void refused_lines_have_a_reason_and_a_place(void **state)
{
    static const struct {
        const char *line, *code;
        int at;
    } rows[] = {
        { "odd1", "no_type", 4 },
        { "odd2|c", "no_colon", 4 },
        { ":1|c|#odd3", "no_name", 0 },
        { "odd4:|c", "no_value", 5 },
        { "odd5:x|c", "bad_value", 5 },
        { "odd6:1|q", "bad_type", 7 },
        { "odd7:1|c|@x", "bad_rate", 10 },
        { "odd8:1|c|T0", "bad_timestamp", 10 },
        { "_e{x}:odd9|", "event_header", 3 },
        { "_e{9,9}:odd10|", "event_length", 14 },
        { "_sc|odd11", "check_format", 9 },
        { "_sc|odd12|9", "check_status", 10 },
        { "odd13\033[2J\xff\xc2\x9b<img onerror=x>\":1|q", "bad_type", 31 },
    };
    struct onlooker *rig = ONLOOKER("heeler_workers=1");
    (void)state;

    look_on(rig, "?bad=1", "probe");
    udp_send(rig->sender, "good:1|c");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char odd[16];
        udp_send(rig->sender, rows[i].line);
        snprintf(odd, sizeof odd, "odd%zu", i + 1);
        until_text(rig, odd);
        until_text(rig, "\n");
        while (rig->text[rig->len - 1] != '\n')
            onlooker_turn(rig);
        struct sum sum = add_up(rig);
        assert_int_equal(sum.items, i + 1);
        assert_string_equal(member(&sum, "kind"), "bad");
        assert_string_equal(member(&sum, "code"), rows[i].code);
        assert_int_equal(json_integer_value(json_object_get(sum.last, "at")), rows[i].at);
        json_decref(sum.last);
    }
    for (size_t i = 0; i < rig->len; i++)
        assert_true(rig->text[i] != '\033' && rig->text[i] != '\xff');
    onlooker_free(rig);
}

static void a_line_that_lacks_its_newline_is_shown(void **state)
{
    struct onlooker *rig = ONLOOKER("heeler_workers=1", "dogstatsd_eol_required=udp");
    (void)state;

    look_on(rig, "", "probe:1|c\n");
    udp_send(rig->sender, "a:1|c\nb:1|c");
    until_text(rig, "unterminated");
    struct sum sum = add_up(rig);
    assert_int_equal(sum.items, 2);
    assert_string_equal(member(&sum, "line"), "b:1|c");
    json_decref(sum.last);
    onlooker_free(rig);
}

/* Each filter shows the marked line and not the one before it. */
static void a_reader_gets_what_it_asked_for(void **state)
{
    static const struct {
        const char *query, *probe, *other, *wanted;
    } rows[] = {
        { "?match=shop.*", "shop.probe:1|c", "other:1|c", "shop.x:1|c" },
        { "?match=s%3Fop", "s_op:1|c|#probe", "ship.x:1|c", "shop:1|c" },
        { "?match=my%20title", "_e{8,5}:my title|probe", "_e{2,1}:my|x", "_e{8,1}:my title|x" },
        { "?match=alive", "_sc|alive|0|m:probe", "_sc|dead|0", "_sc|alive|1" },
        { "?match=bad*&bad=1", "bad.probe", "bad.no:1|c", "bad.yes:1|q" },
        { "?events=1", "_sc|probe|0", "a:1|c", "_sc|a|0" },
        { "?events=1&bad=1", "_sc|probe|0", "a:1|c", "a:1|q" },
        { "?from=127.0.0.1", "probe:1|c", NULL, "a:1|c" },
        { "?from=c:abc*", "probe:1|c|c:abcd", "a:1|c", "b:1|c|c:abc" },
        { "?from=127.0.0.1:*", "probe:1|c", NULL, "a:1|c" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct onlooker *rig = ONLOOKER("heeler_workers=1");
        look_on(rig, rows[i].query, rows[i].probe);
        if (rows[i].other != NULL)
            udp_send(rig->sender, rows[i].other);
        udp_send(rig->sender, rows[i].wanted);
        until_text(rig, rows[i].wanted);
        while (rig->text[rig->len - 1] != '\n')
            onlooker_turn(rig);
        struct sum sum = add_up(rig);
        if (sum.items != 1)
            fail_msg("%s shows %d", rows[i].query, (int)sum.items);
        json_decref(sum.last);
        onlooker_free(rig);
    }
}

static void a_browser_gets_events(void **state)
{
    struct onlooker *rig = ONLOOKER("heeler_workers=1");
    (void)state;

    ask(rig, "", "text/event-stream");
    until_text(rig, "Content-Type: text/event-stream");
    while (strstr(rig->text, "\r\n\r\ndata: {\"time_ms\":") == NULL) {
        udp_send(rig->sender, "a:1|c");
        for (int i = 0; i < 100; i++)
            onlooker_turn(rig);
    }
    until_text(rig, "}\n\n");
    onlooker_free(rig);
}

static void a_pattern_has_a_bound(void **state)
{
    struct onlooker *rig = ONLOOKER("heeler_workers=1");
    char query[300] = "?match=";
    (void)state;

    memset(query + strlen(query), '*', 257);
    ask(rig, query, "*/*");
    assert_non_null(strstr(rig->text, " 400 "));
    onlooker_free(rig);
}

/* One that reads nothing loses lines; nobody waits for it, and the rest has its way. */
static void readers_come_and_go(void **state)
{
    struct onlooker *rig = ONLOOKER("heeler_workers=2");
    int stuck;
    (void)state;

    look_on(rig, "", "probe:1|c");
    stuck = rig->http;
    rig->http = -1;
    for (int i = 0; i < 10; i++) {
        rig->len = 0;
        look_on(rig, "?match=probe", "probe:1|c");
        for (int j = 0; j < 50; j++)
            udp_send(rig->sender, "a:1|c\nb:1|c\nc:1|c");
        close(rig->http);
        rig->http = -1;
    }
    close(stuck);
    rig->len = 0;
    look_on(rig, "", "probe:1|c");
    onlooker_free(rig); /* a stop while somebody reads */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(below_the_rate_every_line_is_seen),
        cmocka_unit_test(beyond_the_rate_what_was_seen_and_what_was_not_are_all),
        cmocka_unit_test(refused_lines_have_a_reason_and_a_place),
        cmocka_unit_test(a_line_that_lacks_its_newline_is_shown),
        cmocka_unit_test(a_reader_gets_what_it_asked_for),
        cmocka_unit_test(a_browser_gets_events),
        cmocka_unit_test(a_pattern_has_a_bound),
        cmocka_unit_test(readers_come_and_go),
    };

    return BESIDE_RUN(tests);
}
