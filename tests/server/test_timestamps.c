#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fake_intake.h"
#include "tests/support/running.h"
#include "tests/support/udp.h"

/* Timestamped samples from a datagram to the intake, through a whole server. */

enum { TIMED_SERIES = 300, TIMED_ROUNDS = 40, TIMED_FIRST_S = 1700000000 };

/* Each round is a second of all series; a datagram has a line of each of fifteen. Never more is
 * on its way than the socket's queue holds. */
static uint64_t send_timed(struct running *running, int fd)
{
    char text[1024];
    uint64_t sent = 0;
    size_t len = 0;

    for (int i = 0; i < TIMED_SERIES * TIMED_ROUNDS; i++) {
        int series = i % TIMED_SERIES, round = i / TIMED_SERIES;

        len +=
            (size_t)snprintf(text + len, sizeof text - len, "e2e.timed.%d:%d|%s|#a:1|T%d\n",
                             series, round, series % 2 == 0 ? "g" : "c", TIMED_FIRST_S + round);
        if (i % 15 < 14)
            continue;
        udp_send(fd, text);
        if (++sent % 40 == 0)
            assert_true(running_until(running, running_datagrams, sent));
        len = 0;
    }
    return sent;
}

/* Adds the points of one payload to what was seen, [series][round]; no series has two entries
 * in it. */
static void note_timed(json_t *items, int seen[TIMED_SERIES][TIMED_ROUNDS])
{
    bool there[TIMED_SERIES] = { false };
    size_t i, k;
    json_t *item, *point;

    json_array_foreach(items, i, item)
    {
        int series;

        if (sscanf(json_string_value(json_object_get(item, "metric")), "e2e.timed.%d",
                   &series) != 1)
            continue;
        assert_false(there[series]);
        there[series] = true;
        json_array_foreach(json_object_get(item, "points"), k, point)
        {
            int round = (int)json_integer_value(json_array_get(point, 0)) - TIMED_FIRST_S;
            double value = json_number_value(json_array_get(point, 1));
            double wanted = series % 2 == 0 ? round : round / 10.0;

            assert_in_range(round, 0, TIMED_ROUNDS - 1);
            assert_float_equal(value, wanted, 1e-6);
            seen[series][round]++;
        }
    }
}

static void timestamped_samples_arrive_once_and_together(const char *workers, const char *route)
{
    static int seen[TIMED_SERIES][TIMED_ROUNDS];
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    char dd_url[96];

    snprintf(dd_url, sizeof dd_url, "dd_url=%s", fake_intake_url(fake));
    memset(seen, 0, sizeof seen);
    assert_true(RUNNING_START(&running, NULL, dd_url,
                              "api_key=0123456789abcdef0123456789abcdef", (char *)workers,
                              (char *)route, "heeler_self_telemetry=false"));
    int fd = udp_sender(running_listener(&running, 0));
    uint64_t sent = send_timed(&running, fd);
    assert_true(running_until(&running, running_datagrams, sent));
    assert_true(running_stop(&running));
    for (size_t i = 0; i < fake_intake_count(fake); i++) {
        json_t *body = fake_request_decode(fake_intake_request(fake, i));
        note_timed(json_is_array(body) ? body : json_object_get(body, "series"), seen);
        json_decref(body);
    }
    for (int i = 0; i < TIMED_SERIES; i++)
        for (int round = 0; round < TIMED_ROUNDS; round++)
            assert_int_equal(seen[i][round], 1);
    assert_int_equal(running_ledger(&running, "values"), TIMED_SERIES * TIMED_ROUNDS);
    assert_int_equal(running_ledger(&running, "delivered"), TIMED_SERIES * TIMED_ROUNDS);
    assert_string_equal(running_imbalance(&running), "0/0/0");
    close(fd);
    running_free(&running);
    fake_intake_stop(fake);
}

static void timestamped_samples_arrive_by_protobuf(void **state)
{
    (void)state;
    timestamped_samples_arrive_once_and_together("heeler_workers=2", "use_v2_api.series=true");
}

static void timestamped_samples_arrive_by_json(void **state)
{
    (void)state;
    timestamped_samples_arrive_once_and_together("heeler_workers=1", "use_v2_api.series=false");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timestamped_samples_arrive_by_protobuf),
        cmocka_unit_test(timestamped_samples_arrive_by_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
