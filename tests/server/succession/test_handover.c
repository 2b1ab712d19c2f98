#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "config/log.h"
#include "server/succession/inheritance.h"
#include "tests/support/fake_intake.h"
#include "tests/support/running.h"
#include "tests/support/udp.h"
#include "tests/support/with_settings.h"

static char folder[TEMP_PATH_SIZE], datagram_path[96], stream_path[96];
static char datagram_setting[128], stream_setting[128], url[128];
static struct fake_intake *fake;
static struct running running;

#define SETTINGS(...)                                                                          \
    url, "api_key=0123456789abcdef0123456789abcdef", "forwarder_backoff_base=0.001",           \
        "forwarder_backoff_max=0.002", "heeler_interval=60", datagram_setting, stream_setting, \
        __VA_ARGS__

/* A minute may end amid a test: then what was sent has two parts, and one of them has gone. */
static int64_t started_minute;

static bool is_another_minute(void)
{
    return time(NULL) / 60 != started_minute;
}

static int set_up(void **state)
{
    (void)state;
    started_minute = time(NULL) / 60;
    temp_folder_make(folder);
    snprintf(datagram_path, sizeof datagram_path, "%s/d", folder);
    snprintf(stream_path, sizeof stream_path, "%s/s", folder);
    snprintf(datagram_setting, sizeof datagram_setting, "dogstatsd_socket=%s", datagram_path);
    snprintf(stream_setting, sizeof stream_setting, "dogstatsd_stream_socket=%s", stream_path);
    fake = fake_intake_start();
    snprintf(url, sizeof url, "dd_url=%s", fake_intake_url(fake));
    return 0;
}

static int tear_down(void **state)
{
    undo_all(state); /* the server, then the intake */
    temp_folder_remove(folder);
    return 0;
}

/* ---- one server follows another ---------------------------------------- */

/* By way of the environment, as from program to program. */
static struct inheritance *passed_on(struct inheritance *given)
{
    assert_true(inheritance_pass_on(given));
    struct inheritance *found = inheritance_find();
    assert_non_null(found);
    assert_null(getenv("HEELER_HANDOVER"));
    given->sockets.n = 0;
    given->state_fd = -1;
    inheritance_free(given);
    return found;
}

static void follow(struct inheritance *given)
{
    struct server_config config = { .settings = &running.settings,
                                    .hostname = "test-host",
                                    .base = running.base,
                                    .inherited = given };

    running.server = server_start(&config, running.problem, sizeof running.problem);
    if (running.server == NULL)
        fail_msg("%s", running.problem);
}

static struct inheritance *leave(enum server_successor who)
{
    struct inheritance *inheritance = server_hand_over(running.server, who);

    assert_non_null(inheritance);
    running.server = NULL;
    assert_false(inheritance->unfinished);
    return inheritance;
}

static void upgrade(void)
{
    follow(passed_on(leave(SERVER_SUCCESSOR_PROGRAM)));
}

/* ---- senders ----------------------------------------------------------- */

static int unix_sender(int type, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, type, 0);

    strcpy(address.sun_path, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void put(int fd, const void *at, size_t len)
{
    assert_int_equal(send(fd, at, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void send_text(int fd, const char *text)
{
    put(fd, text, strlen(text));
}

/* ---- what the intake has ----------------------------------------------- */

static double total(const char *metric, size_t *n_points)
{
    json_t *items = fake_intake_items(fake, "/api/v2/series"), *item;
    double sum = 0;
    size_t i;

    *n_points = 0;
    json_array_foreach(items, i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "metric")), metric) != 0)
            continue;
        json_t *point = json_array_get(json_object_get(item, "points"), 0);
        sum += json_number_value(json_array_get(point, 1)) *
               (double)json_integer_value(json_object_get(item, "interval"));
        ++*n_points;
    }
    json_decref(items);
    return round(sum);
}

static bool taken_over(const struct server_view *view, uint64_t n)
{
    return counter_read(&view->flusher_ledger->taken_over) >= n || is_another_minute();
}

static void sums_and_sockets_live_on_over_several_upgrades(void **state)
{
    size_t n;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, SETTINGS("heeler_workers=2")));
    int udp = udp_sender(running_listener(&running, 0));
    int datagram = unix_sender(SOCK_DGRAM, datagram_path);
    int stream = unix_sender(SOCK_STREAM, stream_path);
    static const char frame[] = "\x0a\0\0\0stream:1|c";
    char name[128];
    snprintf(name, sizeof name, "%s", running_listener(&running, 0));

    for (int i = 0; i < 4; i++) {
        udp_send(udp, "a:1|c");
        send_text(datagram, "a:1|c\ns:a|s");
        put(stream, frame, (size_t)(5 + i)); /* cut within length and text */
        assert_true(running_until(&running, running_datagrams, 2));
        struct inheritance *inheritance = leave(SERVER_SUCCESSOR_PROGRAM);
        udp_send(udp, "a:1|c"); /* waits in the kernel */
        put(stream, frame + 5 + i, 14 - 5 - (size_t)i);
        put(stream, frame, 14);
        follow(passed_on(inheritance));
        assert_string_equal(running_listener(&running, 0), name);
        assert_true(running_until(&running, taken_over, 3u + 6u * (unsigned)i));
        assert_true(running_until(&running, running_datagrams, 3));
        upgrade(); /* and at once again */
    }
    assert_true(running_until(&running, taken_over, 4 * 6));
    assert_true(running_stop(&running));
    assert_true(total("a", &n) == 12);
    assert_true(n == 1 || is_another_minute());
    assert_true(total("stream", &n) == 8);
    assert_true(n == 1 || is_another_minute());
    assert_null(strstr(running.log, "is refused"));
    assert_int_not_equal(access(datagram_path, F_OK), 0);
    close(udp);
    close(datagram);
    close(stream);
}

/* ---- other settings ---------------------------------------------------- */

static void set_again(const char *key, const char *value)
{
    char set[128];

    snprintf(set, sizeof set, "%s=%s", key, value);
    settings_free(&running.settings);
    assert_true(WITH_SETTINGS(&running.settings, "dogstatsd_port=__random__",
                              "bind_host=127.0.0.1",
                              "heeler_http_listen=", "forwarder_apikey_validation_interval=0",
                              "heeler_self_telemetry=false", SETTINGS(set)));
}

/* What waits in the socket of a worker that is no more is read, and nothing comes there
 * any more. */
static void workers_may_become_fewer_or_more(void **state)
{
    static const char *const workers[] = { "4", "1", "3", "2" };
    int fds[64];
    size_t n;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, SETTINGS("heeler_workers=2")));
    for (int i = 0; i < 64; i++)
        fds[i] = udp_sender(running_listener(&running, 0));
    for (int round = 0; round < 4; round++) {
        struct inheritance *inheritance = leave(SERVER_SUCCESSOR_PROGRAM);
        for (int i = 0; i < 64; i++)
            udp_send(fds[i], "w:1|c");
        set_again("heeler_workers", workers[round]);
        follow(inheritance);
        for (int i = 0; i < 64; i++)
            udp_send(fds[i], "w:1|c");
        assert_true(running_until(&running, running_datagrams, 128));
    }
    assert_true(running_stop(&running));
    assert_true(total("w", &n) == 4 * 128);
    for (int i = 0; i < 64; i++)
        close(fds[i]);
}

static void sockets_that_are_not_wanted_are_closed(void **state)
{
    (void)state;

    assert_true(RUNNING_START(&running, NULL, SETTINGS("heeler_workers=1")));
    struct inheritance *inheritance = leave(SERVER_SUCCESSOR_PROGRAM);
    stream_setting[strlen("dogstatsd_stream_socket=")] = '\0';
    set_again("heeler_workers", "1");
    follow(passed_on(inheritance));
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strcpy(address.sun_path, stream_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), -1);
    close(fd);
    assert_true(running_stop(&running));
    assert_non_null(strstr(running.log, "1 sockets that were handed over are not configured"));
}

static void a_socket_whose_file_is_gone_is_made_anew(void **state)
{
    (void)state;

    assert_true(RUNNING_START(&running, NULL, SETTINGS("heeler_workers=1")));
    struct inheritance *inheritance = leave(SERVER_SUCCESSOR_PROGRAM);
    assert_int_equal(unlink(datagram_path), 0);
    follow(passed_on(inheritance));
    int fd = unix_sender(SOCK_DGRAM, datagram_path);
    send_text(fd, "a:1|c");
    assert_true(running_until(&running, running_datagrams, 1));
    assert_true(running_stop(&running));
    assert_non_null(strstr(running.log, "its file is gone"));
    close(fd);
}

/* ---- who cannot go on -------------------------------------------------- */

static struct inheritance *leave_one_sample(void)
{
    assert_true(RUNNING_START(&running, NULL, SETTINGS("heeler_workers=1")));
    int udp = udp_sender(running_listener(&running, 0));
    udp_send(udp, "a:1|c");
    assert_true(running_until(&running, running_datagrams, 1));
    close(udp);
    return leave(SERVER_SUCCESSOR_PROGRAM);
}

static void without_its_http_port_it_goes_on(void **state)
{
    size_t n;
    (void)state;

    struct inheritance *inheritance = leave_one_sample();
    set_again("heeler_http_listen", fake_intake_url(fake) + strlen("http://"));
    follow(passed_on(inheritance));
    assert_true(running_stop(&running));
    assert_true(total("a", &n) == 1);
    assert_non_null(strstr(running.log, "going on without it, as a state was taken over"));
}

static void without_the_port_of_traces_it_goes_on(void **state)
{
    struct server_view view;
    size_t n;
    (void)state;

    struct inheritance *inheritance = leave_one_sample();
    set_again("apm_config.receiver_port", strrchr(fake_intake_url(fake), ':') + 1);
    running.settings.apm_config_enabled = true;
    follow(passed_on(inheritance));
    server_view(running.server, &view);
    assert_true(view.traces == NULL && view.kept_traces == NULL);
    assert_true(running_stop(&running));
    assert_true(total("a", &n) == 1);
    assert_non_null(strstr(running.log, "traces: cannot listen on 127.0.0.1:"));
    assert_non_null(strstr(running.log, "going on without it, as a state was taken over"));
}

static void one_that_does_not_start_sends_what_was_handed_over(void **state)
{
    size_t n;
    (void)state;

    struct inheritance *inheritance = leave_one_sample();
    set_again("bind_host", "192.0.2.1");
    struct server_config config = { .settings = &running.settings,
                                    .hostname = "test-host",
                                    .base = running.base,
                                    .inherited = passed_on(inheritance) };
    assert_null(server_start(&config, running.problem, sizeof running.problem));
    assert_non_null(strstr(running.problem, "cannot listen"));
    assert_true(running_stop(&running));
    assert_true(total("a", &n) == 1);
    assert_true(strstr(running.log, "taken_over=1 imbalance=0/0/0") != NULL ||
                is_another_minute());
}

static void one_that_cannot_even_send_says_what_is_lost(void **state)
{
    (void)state;

    struct inheritance *inheritance = leave_one_sample();
    set_again("api_key", "a\nb");
    struct server_config config = { .settings = &running.settings,
                                    .hostname = "test-host",
                                    .base = running.base,
                                    .inherited = passed_on(inheritance) };
    assert_null(server_start(&config, running.problem, sizeof running.problem));
    assert_true(running_stop(&running));
    assert_non_null(strstr(running.log, "what was handed over is lost with it"));
    assert_null(strstr(running.log, "is flushed and sent first"));
}

static void one_that_receives_nothing_sends_it_too(void **state)
{
    size_t n;
    (void)state;

    struct inheritance *inheritance = leave_one_sample();
    set_again("use_dogstatsd", "false");
    follow(passed_on(inheritance));
    assert_true(running_stop(&running));
    assert_true(total("a", &n) == 1);
}

/* ---- what is unsent ---------------------------------------------------- */

static void unsent_payloads_are_sent_by_the_heir_and_once(void **state)
{
    static const struct fake_answer trouble[] = { { .status = 503 } };
    struct server_view view;
    size_t n;
    (void)state;

    fake_intake_script(fake, trouble, 1);
    assert_true(RUNNING_START(&running, NULL, SETTINGS("heeler_workers=1"),
                              "forwarder_backoff_base=100", "forwarder_backoff_max=100"));
    int udp = udp_sender(running_listener(&running, 0));
    udp_send(udp, "timed:5|g|T1700000000");
    assert_true(fake_intake_wait(fake, 1));
    assert_true(running_until(&running, running_datagrams, 1));
    udp_send(udp, "b:1|c");
    assert_true(running_until(&running, running_datagrams, 2));
    upgrade();
    assert_true(running_until(&running, running_delivered, 1));
    server_view(running.server, &view);
    uint64_t recovered = atomic_load(&view.delivery_ledger->recovered.points);
    assert_true(running_stop(&running));
    assert_true(total("b", &n) == 1);
    close(udp);
    if (is_another_minute())
        return;
    assert_int_equal(recovered, 1);
    assert_int_equal(fake_intake_count(fake), 3); /* refused, again, and the last flush */
    assert_non_null(strstr(running.log, "handed_over=1/1 taken_over=0 imbalance=0/0/0"));
    assert_non_null(strstr(running.log, "handed_over=0/0 taken_over=1 imbalance=0/0/0"));
}

/* Once it was shed as well, or written to the spool too. */
static void hand_over_under_way(const char *size_setting)
{
    static const struct fake_answer silence[] = { { .trick = FAKE_HANG } };
    char spool[128], size[64];

    snprintf(spool, sizeof spool, "forwarder_storage_path=%s/spool", folder);
    snprintf(size, sizeof size, "forwarder_storage_max_size_in_bytes=%s", size_setting);
    fake_intake_script(fake, silence, 1);
    assert_true(RUNNING_START(&running, NULL, SETTINGS("forwarder_stop_timeout=0"), spool, size,
                              "heeler_self_telemetry=false"));
    int udp = udp_sender(running_listener(&running, 0));
    udp_send(udp, "timed:5|g|T1700000000");
    assert_true(fake_intake_wait(fake, 1));
    upgrade();
    assert_true(running_until(&running, running_delivered, 1));
    assert_true(running_stop(&running));
    assert_int_equal(fake_intake_count(fake), 2);
    assert_non_null(strstr(running.log, "points_shed=0 spooled=0 local=0 "
                                        "handed_over=0/1 taken_over=0 imbalance=0/0/0"));
    assert_non_null(strstr(running.log, "recovered=1 "));
    fake_intake_release(fake);
    close(udp);
}

static void a_payload_that_is_under_way_goes_on_once(void **state)
{
    (void)state;
    hand_over_under_way("0");
}

static void with_a_spool_it_goes_on_once_too(void **state)
{
    (void)state;
    hand_over_under_way("1000000");
}

/* ---- sockets only ------------------------------------------------------ */

static void without_a_state_the_interval_is_flushed_and_no_stamp_used_twice(void **state)
{
    size_t n;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, SETTINGS("heeler_workers=1")));
    int udp = udp_sender(running_listener(&running, 0));
    for (int i = 0; i < 3; i++) {
        udp_send(udp, "a:1|c");
        assert_true(running_until(&running, running_datagrams, 1));
        follow(passed_on(leave(SERVER_SUCCESSOR_SOCKETS)));
    }
    assert_true(running_stop(&running));
    assert_true(total("a", &n) == 3);
    close(udp);
    if (is_another_minute()) /* its zeros are points, too, and sent beside others */
        return;
    assert_int_equal(n, 3);
    json_t *items = fake_intake_items(fake, "/api/v2/series"), *item;
    size_t i;
    int64_t last = 0;
    json_array_foreach(items, i, item)
    {
        json_t *point = json_array_get(json_object_get(item, "points"), 0);
        int64_t stamp = json_integer_value(json_array_get(point, 0));
        assert_true(stamp > last);
        last = stamp;
    }
    json_decref(items);
}

static void a_state_that_is_no_good_is_refused_and_its_sockets_used(void **state)
{
    struct server_view view;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, SETTINGS("heeler_workers=1")));
    int udp = udp_sender(running_listener(&running, 0));
    struct inheritance *inheritance = leave(SERVER_SUCCESSOR_PROGRAM);
    FILE *file = tmpfile();
    fputs("HEELERST\2\0\0\0 the future of which we know nothing yet", file);
    fflush(file);
    close(inheritance->state_fd);
    inheritance->state_fd = dup(fileno(file));
    follow(passed_on(inheritance));
    server_view(running.server, &view);
    assert_int_equal(counter_read(&view.flusher_ledger->state_refused), 1);
    udp_send(udp, "a:1|c");
    assert_true(running_until(&running, running_datagrams, 1));
    assert_true(running_stop(&running));
    assert_non_null(strstr(running.log, "is refused: it is no sealed file in memory"));
    fclose(file);
    close(udp);
}

/* ---- drops ------------------------------------------------------------- */

static void drops_are_counted_by_one_of_both(void **state)
{
    struct server_view view;
    uint64_t sent = 20000;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, SETTINGS("dogstatsd_so_rcvbuf=4096")));
    int udp = udp_sender(running_listener(&running, 0));
    struct inheritance *inheritance = leave(SERVER_SUCCESSOR_PROGRAM);
    for (uint64_t i = 0; i < sent; i++)
        udp_send(udp, "a:1|c");
    follow(passed_on(inheritance));
    server_view(running.server, &view);
    uint64_t dropped = listener_drops(&view.listeners->at[0].sockets[0]);
    assert_true(dropped > 0 && dropped < sent);
    assert_true(running_until(&running, running_datagrams, sent - dropped));
    upgrade();
    server_view(running.server, &view);
    assert_int_equal(listener_drops(&view.listeners->at[0].sockets[0]), 0);
    assert_true(running_stop(&running));
    close(udp);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sums_and_sockets_live_on_over_several_upgrades),
        TEST(workers_may_become_fewer_or_more),
        TEST(sockets_that_are_not_wanted_are_closed),
        TEST(a_socket_whose_file_is_gone_is_made_anew),
        TEST(without_its_http_port_it_goes_on),
        TEST(without_the_port_of_traces_it_goes_on),
        TEST(one_that_does_not_start_sends_what_was_handed_over),
        TEST(one_that_cannot_even_send_says_what_is_lost),
        TEST(one_that_receives_nothing_sends_it_too),
        TEST(unsent_payloads_are_sent_by_the_heir_and_once),
        TEST(a_payload_that_is_under_way_goes_on_once),
        TEST(with_a_spool_it_goes_on_once_too),
        TEST(without_a_state_the_interval_is_flushed_and_no_stamp_used_twice),
        TEST(a_state_that_is_no_good_is_refused_and_its_sockets_used),
        TEST(drops_are_counted_by_one_of_both),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
