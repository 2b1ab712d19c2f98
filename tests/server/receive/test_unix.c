#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/log.h"
#include "server/receive/listeners.h"
#include "server/server.h"
#include "tests/support/fake_intake.h"
#include "tests/support/temp_file.h"
#include "tests/support/with_settings.h"

static char folder[TEMP_PATH_SIZE];
static char datagram_path[96], stream_path[96];
static char datagram_setting[160], stream_setting[160];
static char problem[512];

static int set_up(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(datagram_path, sizeof datagram_path, "%s/d", folder);
    snprintf(stream_path, sizeof stream_path, "%s/s", folder);
    snprintf(datagram_setting, sizeof datagram_setting, "dogstatsd_socket=%s", datagram_path);
    snprintf(stream_setting, sizeof stream_setting, "dogstatsd_stream_socket=%s", stream_path);
    problem[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    undo_all(state);
    temp_folder_remove(folder);
    return 0;
}

static int connect_to(const char *path, int type)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool exists(const char *path)
{
    struct stat found;

    return lstat(path, &found) == 0;
}

/* ---- listeners --------------------------------------------------------- */

static void all_workers_share_one_socket(void **state)
{
    struct settings settings;
    struct listeners listeners;
    (void)state;

    assert_true(WITH_SETTINGS(&settings, "dogstatsd_port=0", "heeler_socket_mode=0700",
                              "dogstatsd_eol_required=uds", datagram_setting, stream_setting));
    assert_true(listeners_open(&listeners, &settings, 3, NULL, problem, sizeof problem));
    assert_int_equal(listeners.n, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct listener *listener = &listeners.at[i];
        char name[128];
        struct stat made;
        snprintf(name, sizeof name, "%s %s", i == 0 ? "unix" : "unixstream",
                 i == 0 ? datagram_path : stream_path);
        assert_string_equal(listener->name, name);
        assert_int_equal(listener->n_sockets, 3);
        assert_int_equal(listener->sockets[0].fd, listener->sockets[2].fd);
        assert_true(listener->need_newline);
        assert_int_equal(stat(listener->file.path, &made), 0);
        assert_int_equal(made.st_mode & 0777, 0700);
    }
    listeners_close(&listeners);
    assert_false(exists(datagram_path));
    assert_false(exists(stream_path));
    settings_free(&settings);
}

static void empty_paths_are_off(void **state)
{
    struct settings settings;
    struct listeners listeners;
    (void)state;

    assert_true(WITH_SETTINGS(&settings, "dogstatsd_port=0",
                              "dogstatsd_socket=", "use_dogstatsd=false"));
    assert_true(listeners_open(&listeners, &settings, 1, NULL, problem, sizeof problem));
    assert_int_equal(listeners.n, 0);
    listeners_close(&listeners);
    settings_free(&settings);
}

static void a_listener_may_be_required(void **state)
{
    struct settings settings;
    struct listeners listeners;
    (void)state;

    assert_true(WITH_SETTINGS(&settings, "dogstatsd_port=0", "dogstatsd_socket=",
                              "use_dogstatsd=false", "dogstatsd_require_listener=true"));
    assert_false(listeners_open(&listeners, &settings, 1, NULL, problem, sizeof problem));
    assert_string_equal(problem,
                        "dogstatsd_require_listener: there is no socket to receive on");
    settings_free(&settings);
}

static void a_configured_path_that_fails_is_an_error_the_default_one_is_not(void **state)
{
    struct settings settings;
    struct listeners listeners;
    (void)state;

    assert_true(WITH_SETTINGS(&settings, "dogstatsd_port=0", datagram_setting));
    assert_int_equal(mkdir(datagram_path, 0700), 0); /* a folder is in the way */
    assert_false(listeners_open(&listeners, &settings, 1, NULL, problem, sizeof problem));
    assert_ptr_equal(strstr(problem, "dogstatsd_socket: "), problem);

    free(settings.origin[SETTING_dogstatsd_socket]);
    settings.origin[SETTING_dogstatsd_socket] = strdup("default");
    assert_true(listeners_open(&listeners, &settings, 1, NULL, problem, sizeof problem));
    assert_int_equal(listeners.n, 0);
    listeners_close(&listeners);
    settings_free(&settings);
}

static void a_wrong_owner_stops_even_the_default_path(void **state)
{
    struct settings settings;
    struct listeners listeners;
    (void)state;

    assert_true(
        WITH_SETTINGS(&settings, "dogstatsd_port=0", "heeler_socket_owner=no-such-user"));
    assert_false(listeners_open(&listeners, &settings, 1, NULL, problem, sizeof problem));
    assert_ptr_equal(strstr(problem, "heeler_socket_owner: "), problem);
    settings_free(&settings);
}

static void a_gated_datagram_socket_tells_the_sender_and_keeps_what_it_has(void **state)
{
    struct settings settings;
    struct listeners listeners;
    char bytes[8];
    (void)state;

    assert_true(WITH_SETTINGS(&settings, "dogstatsd_port=0", datagram_setting));
    assert_true(listeners_open(&listeners, &settings, 1, NULL, problem, sizeof problem));
    int client = connect_to(datagram_path, SOCK_DGRAM), fd = listeners.at[0].sockets[0].fd;
    assert_int_equal(send(client, "a:1|c", 5, 0), 5);
    assert_true(listener_gate(&listeners.at[0]));
    assert_int_equal(send(client, "b:1|c", 5, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(recv(fd, bytes, sizeof bytes, 0), 5);
    assert_int_equal(recv(fd, bytes, sizeof bytes, 0), -1);
    assert_int_equal(errno, EAGAIN);
    close(client);
    listeners_close(&listeners);
    settings_free(&settings);
}

/* ---- the whole server -------------------------------------------------- */

enum { SENDERS = 4, ROUNDS = 2000 };

/* Sends ROUNDS datagrams, or frames in two pieces, of two lines with 3 in sum. */
static void *send_all(void *argument)
{
    const char *path = argument;
    bool is_stream = path == stream_path;
    int fd = connect_to(path, is_stream ? SOCK_STREAM : SOCK_DGRAM);
    bool sent = fd >= 0;

    for (int i = 0; i < ROUNDS && sent; i++)
        if (is_stream)
            sent = send(fd, "\13\0\0\0a:", 6, MSG_NOSIGNAL) == 6 &&
                   send(fd, "1|c\na:2|c", 9, MSG_NOSIGNAL) == 9;
        else
            sent = send(fd, "a:1|c\na:2|c", 11, MSG_NOSIGNAL) == 11;
    close(fd);
    return sent ? argument : NULL;
}

/* The sum of the counter "a" in all that the intake has. */
static double counted(struct fake_intake *fake)
{
    json_t *items = fake_intake_items(fake, "/api/v2/series"), *item, *point;
    double sum = 0;
    size_t i, j;

    json_array_foreach(items, i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "metric")), "a") != 0)
            continue;
        double interval = json_number_value(json_object_get(item, "interval"));
        json_array_foreach(json_object_get(item, "points"), j, point) sum +=
            json_number_value(json_array_get(point, 1)) * interval;
    }
    json_decref(items);
    return sum;
}

/* Static, as its threads look at the settings. */
static struct up {
    struct settings settings;
    struct event_base *base;
    struct server *server; /* NULL: it has ended */
} up;

static bool stop(void)
{
    struct server *given = up.server;
    bool ended = given == NULL || server_stop(given);

    up.server = NULL;
    event_base_free(up.base);
    undo_forget(&up);
    return ended;
}

static void undo(void *what)
{
    (void)what;
    stop();
}

static void start(void)
{
    struct server_config config = { .settings = &up.settings, .hostname = "h" };

    config.base = up.base = event_base_new();
    undo_later(undo, &up);
    up.server = server_start(&config, problem, sizeof problem);
    if (up.server == NULL)
        fail_msg("%s", problem);
}

/* Several senders of both kinds, two workers; the stop comes while everything is
 * still in the queues. */
static void sums_are_exact_over_both_kinds(void **state)
{
    struct fake_intake *fake = fake_intake_start();
    char url[128];
    pthread_t senders[SENDERS];
    (void)state;

    snprintf(url, sizeof url, "dd_url=%s", fake_intake_url(fake));
    assert_true(WITH_SETTINGS(&up.settings, "dogstatsd_port=0",
                              "heeler_http_listen=", "heeler_workers=2", "api_key=0123456789",
                              "heeler_stop_timeout=60", url, datagram_setting, stream_setting));
    start();
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&senders[i], NULL, send_all,
                                        i % 2 == 0 ? datagram_path : stream_path),
                         0);
    for (int i = 0; i < SENDERS; i++) {
        void *sent;
        pthread_join(senders[i], &sent);
        assert_non_null(sent);
    }
    assert_true(stop());
    assert_true(fabs(counted(fake) - 3.0 * SENDERS * ROUNDS) < 1e-6);
    assert_false(exists(datagram_path));
    assert_false(exists(stream_path));
    settings_free(&up.settings);
    fake_intake_stop(fake);
}

static void names_the_process_that_sent_a_bad_line(void **state)
{
    char path[TEMP_PATH_SIZE], wanted[192];
    (void)state;

    assert_true(WITH_SETTINGS(&up.settings, "dogstatsd_port=0",
                              "heeler_http_listen=", "dogstatsd_origin_detection=true",
                              datagram_setting, stream_setting));
    temp_file_write(path, "", 0);
    assert_true(log_open(LOG_LEVEL_WARN, path, false, false));
    start();
    int datagram = connect_to(datagram_path, SOCK_DGRAM);
    int stream = connect_to(stream_path, SOCK_STREAM);
    assert_int_equal(send(datagram, "bad", 3, 0), 3);
    assert_int_equal(send(stream, "\5\0\0\0worse", 9, 0), 9);
    assert_true(stop());
    log_close();
    log_set_level(LOG_LEVEL_OFF);

    char *text = temp_file_read(path);
    snprintf(wanted, sizeof wanted, "\"bad\" from unix %s (pid %ld)", datagram_path,
             (long)getpid());
    assert_non_null(strstr(text, wanted));
    snprintf(wanted, sizeof wanted, "\"worse\" from unixstream %s (pid %ld)", stream_path,
             (long)getpid());
    assert_non_null(strstr(text, wanted));
    free(text);
    unlink(path);
    close(datagram);
    close(stream);
    settings_free(&up.settings);
}

/* What is in the queues when the stop comes, of connections not accepted yet too. */
static void nothing_that_was_sent_before_the_stop_is_lost(void **state)
{
    struct fake_intake *fake = fake_intake_start();
    char url[128];
    int sent = 0;
    (void)state;

    snprintf(url, sizeof url, "dd_url=%s", fake_intake_url(fake));
    assert_true(WITH_SETTINGS(&up.settings, "dogstatsd_port=0",
                              "heeler_http_listen=", "heeler_workers=2", "api_key=0123456789",
                              "heeler_stop_timeout=60", url, datagram_setting, stream_setting));
    for (int round = 0; round < 20; round++) {
        start();
        int streams[8], datagram = connect_to(datagram_path, SOCK_DGRAM);

        for (int i = 0; i < 8; i++) {
            streams[i] = connect_to(stream_path, SOCK_STREAM);
            assert_int_equal(send(streams[i], "\5\0\0\0a:1|c\5\0\0\0a:1|c\5", 19, 0), 19);
            assert_int_equal(send(datagram, "a:1|c", 5, 0), 5);
            sent += 3;
        }
        assert_true(stop());
        for (int i = 0; i < 8; i++)
            close(streams[i]);
        close(datagram);
    }
    assert_true(fabs(counted(fake) - sent) < 1e-6);
    settings_free(&up.settings);
    fake_intake_stop(fake);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_workers_share_one_socket),
        TEST(empty_paths_are_off),
        TEST(a_listener_may_be_required),
        TEST(a_configured_path_that_fails_is_an_error_the_default_one_is_not),
        TEST(a_wrong_owner_stops_even_the_default_path),
        TEST(a_gated_datagram_socket_tells_the_sender_and_keeps_what_it_has),
        TEST(sums_are_exact_over_both_kinds),
        TEST(names_the_process_that_sent_a_bad_line),
        TEST(nothing_that_was_sent_before_the_stop_is_lost),
    };

    log_set_level(LOG_LEVEL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
