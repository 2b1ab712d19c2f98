#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/clock.h"
#include "protocol/dog.h"
#include "tests/support/beside.h"
#include "tests/support/onlooker.h"
#include "tests/support/raw_http.h"
#include "tests/support/udp.h"

enum { WAIT_S = 60, HEADS_MAX = 4096 };

static char *body(const struct onlooker *rig)
{
    return memmem(rig->text, rig->len, "\r\n\r\n", 4);
}

static void ask(struct onlooker *rig, const char *query)
{
    char request[HEADS_MAX];

    if (rig->http >= 0)
        close(rig->http);
    rig->len = 0;
    rig->http = raw_connect(server_http_port(rig->running.server));
    snprintf(request, sizeof request,
             "GET /api/v1/capture%s HTTP/1.0\r\nHost: localhost\r\n\r\n", query);
    raw_say(rig->http, request);
    while (body(rig) == NULL)
        assert_true(onlooker_turn(rig));
}

static void until_end(struct onlooker *rig)
{
    int64_t until_ms = clock_monotonic_ms() + WAIT_S * 1000;

    while (onlooker_turn(rig))
        assert_true(clock_monotonic_ms() < until_ms);
}

/* What the answer has in it, so far. */
struct sum {
    uint64_t datagrams, bytes;
    int64_t first_ns, last_ns;
    int32_t pid;
    char last[64];
    struct dog_note note;
};

static struct sum add_up(const struct onlooker *rig)
{
    const char *at = body(rig) + 4, *end = rig->text + rig->len;
    struct sum sum = { 0 };
    struct dog_record record;
    size_t fault;

    if (end - at < DOG_HEADER_BYTES)
        return sum;
    assert_int_equal(dog_version((const unsigned char *)at), DOG_VERSION);
    at += DOG_HEADER_BYTES;
    while (end - at >= DOG_SIZE_BYTES) {
        uint32_t size = dog_read_size((const unsigned char *)at);
        at += DOG_SIZE_BYTES;
        if (size > (size_t)(end - at))
            break;
        assert_null(dog_read_record((struct slice){ at, size }, DOG_VERSION, &record, &fault));
        at += size;
        if (record.note.is_there) {
            sum.note = record.note;
            continue;
        }
        sum.first_ns = sum.datagrams++ == 0 ? record.time_ns : sum.first_ns;
        sum.last_ns = record.time_ns;
        sum.bytes += record.payload.len;
        sum.pid = record.pid;
        snprintf(sum.last, sizeof sum.last, "%.*s", (int)record.payload.len, record.payload.at);
    }
    return sum;
}

/* Until so many lines have come, in datagrams of so many, or were counted beside them. */
static void until_sum(struct onlooker *rig, struct sum *sum, uint64_t lines, uint64_t n)
{
    int64_t until_ms = clock_monotonic_ms() + WAIT_S * 1000;

    for (*sum = add_up(rig); sum->datagrams * lines + sum->note.lines < n; *sum = add_up(rig)) {
        assert_true(clock_monotonic_ms() < until_ms);
        assert_true(onlooker_turn(rig));
    }
}

static void what_arrives_comes_until_the_end(void **state)
{
    struct onlooker *rig = ONLOOKER("heeler_workers=2");
    int64_t before_ns = clock_wall_ns();
    struct sum sum;
    (void)state;

    ask(rig, "?ms=600000");
    for (int i = 0; i < 200; i++)
        onlooker_send(rig, i % 2 == 0 ? "a:1|c\nb:2|g" : "bad", 1);
    onlooker_send(rig, "last:1|c", 1);
    until_sum(rig, &sum, 1, 201);
    assert_int_equal(sum.datagrams, 201);
    assert_int_equal(sum.bytes, 100 * 11 + 100 * 3 + 8);
    assert_true(sum.first_ns >= before_ns && sum.last_ns <= clock_wall_ns());
    ask(rig, "?ms=1");
    until_end(rig);
    sum = add_up(rig);
    assert_true(sum.note.is_last);
    assert_true(sum.note.lines == 0 && sum.note.datagrams == 0 && sum.note.since_ns == 0);
    onlooker_free(rig);
}

/* As the notes tell it, of which there is one a second. There is room for 64 KiB a second, and
 * what is sent is enough for half a minute: no machine is so slow. */
static void what_had_no_room_is_counted(void **state)
{
    enum { DATAGRAMS = 1600, LINES = 100 };
    struct onlooker *rig = ONLOOKER("heeler_workers=1", "heeler_tail_max_bytes=65536");
    char text[LINES * 16 + 1] = "";
    struct sum sum;
    (void)state;

    for (int i = 0; i < LINES; i++)
        strcat(text, "some.name:1|c\n");
    ask(rig, "?ms=600000");
    onlooker_send(rig, text, DATAGRAMS);
    until_sum(rig, &sum, LINES, DATAGRAMS * LINES);
    assert_true(sum.note.lines > 0);
    assert_int_equal(sum.datagrams * LINES + sum.note.lines, DATAGRAMS * LINES);
    onlooker_free(rig);
}

static void what_was_kept_is_saved(void **state)
{
    struct onlooker *rig = ONLOOKER("heeler_workers=2", "heeler_ring_bytes=4194304");
    (void)state;

    onlooker_send(rig, "a:1|c|#env:dev", 5000);
    onlooker_send(rig, "last:1|c", 1);
    assert_true(running_until(&rig->running, running_datagrams, 5001));
    ask(rig, "?last_ms=60000");
    until_end(rig);
    struct sum sum = add_up(rig);
    assert_int_equal(sum.datagrams, 5001);
    assert_string_equal(sum.last, "last:1|c");
    assert_true(sum.note.is_last && sum.note.datagrams == 0 && sum.note.since_ns == 0);
    ask(rig, "?last_ms=60000"); /* it is still there */
    until_end(rig);
    assert_int_equal(add_up(rig).datagrams, 5001);
    onlooker_free(rig);
}

/* More than the ring has: the newest, and since when. The reader is slow, and gets all of it.
 */
static void what_gave_way_is_told(void **state)
{
    enum { DATAGRAMS = 4000, LEN = 1400 };
    struct onlooker *rig = ONLOOKER("heeler_workers=1", "heeler_ring_bytes=4194304");
    char text[LEN + 1];
    (void)state;

    memset(text, 'a', LEN);
    memcpy(text + LEN - 4, ":1|c", 5);
    onlooker_send(rig, text, DATAGRAMS);
    assert_true(running_until(&rig->running, running_datagrams, DATAGRAMS));
    ask(rig, "?last_ms=60000");
    for (int i = 0; i < 100; i++)
        event_base_loop(rig->running.base, EVLOOP_NONBLOCK); /* nobody reads */
    until_end(rig);
    struct sum sum = add_up(rig);
    assert_true(sum.datagrams > 4194304 / 16 * 13 / (LEN + 24));
    assert_true(sum.datagrams < DATAGRAMS);
    assert_true(sum.note.is_last);
    assert_int_equal(sum.note.since_ns, sum.first_ns);
    onlooker_free(rig);
}

/* A reader that takes nothing does not hold the ring: its time is over, and all that it did not
 * get is counted. */
static void who_dawdles_is_told_how_much_it_missed(void **state)
{
    enum { DATAGRAMS = 8000, LEN = 1400 };
    struct onlooker *rig = ONLOOKER("heeler_workers=1", "heeler_ring_bytes=33554432");
    char text[LEN + 1];
    (void)state;

    memset(text, 'a', LEN);
    memcpy(text + LEN - 4, ":1|c", 5);
    onlooker_send(rig, text, DATAGRAMS);
    assert_true(running_until(&rig->running, running_datagrams, DATAGRAMS));
    ask(rig, "?last_ms=60000&ms=1");
    until_end(rig);
    struct sum sum = add_up(rig);
    assert_true(sum.note.is_last && sum.note.datagrams > 0);
    assert_int_equal(sum.datagrams + sum.note.datagrams, DATAGRAMS);
    onlooker_free(rig);
}

static void who_may_not_is_refused(void **state)
{
    static const struct {
        const char *query, *status;
    } rows[] = {
        { "", " 400 " },
        { "?ms=0", " 400 " },
        { "?ms=604800001", " 400 " },
        { "?last_ms=x", " 400 " },
        { "?last_ms=1000", " 409 " },
        { "?ms=1 HTTP/1.0\r\nOrigin: http://localhost\r\nX:", " 403 " },
        { "?ms=1 HTTP/1.0\r\nSec-Fetch-Site: same-origin\r\nX:", " 403 " },
    };
    struct onlooker *rig = ONLOOKER("heeler_workers=1");
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ask(rig, rows[i].query);
        rig->text[rig->len] = '\0';
        if (strstr(rig->text, rows[i].status) == NULL)
            fail_msg("%s: %s", rows[i].query, rig->text);
    }
    onlooker_free(rig);
}

/* Who goes amid it leaves nothing behind, and others go on. */
static void readers_come_and_go(void **state)
{
    struct onlooker *rig = ONLOOKER("heeler_workers=2", "heeler_ring_bytes=2097152");
    (void)state;

    for (int i = 0; i < 10; i++) {
        int first;

        ask(rig, i % 2 == 0 ? "?ms=60000" : "?last_ms=60000");
        first = rig->http;
        rig->http = -1;
        for (int j = 0; j < 50; j++)
            udp_send(rig->sender, "a:1|c\nb:1|c");
        ask(rig, "?ms=50");
        until_end(rig);
        assert_true(add_up(rig).note.is_last);
        close(first);
    }
    ask(rig, "?ms=60000"); /* the server goes */
    onlooker_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_arrives_comes_until_the_end),
        cmocka_unit_test(what_had_no_room_is_counted),
        cmocka_unit_test(what_was_kept_is_saved),
        cmocka_unit_test(what_gave_way_is_told),
        cmocka_unit_test(who_dawdles_is_told_how_much_it_missed),
        cmocka_unit_test(who_may_not_is_refused),
        cmocka_unit_test(readers_come_and_go),
    };

    return BESIDE_RUN(tests);
}
