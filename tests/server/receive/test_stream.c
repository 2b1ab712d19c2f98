#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "server/receive/listeners.h"
#include "server/receive/sender.h"
#include "server/receive/stream.h"
#include "tests/support/temp_file.h"
#include "tests/support/with_settings.h"

enum { MOST = 8192, LIMIT = 2000, FRAMES_KEPT = 64 };

#define IDLE_NS INT64_C(60000000000)

static char folder[TEMP_PATH_SIZE];
static char socket_path[256];
static struct settings settings;
static struct listeners listeners;
static struct event_base *base;
static struct streams *streams;

/* What was taken: the first frames as texts, the rest as sums. */
static struct {
    char *text[FRAMES_KEPT];
    size_t len[FRAMES_KEPT];
    size_t n, bytes;
    pid_t sender;
} taken;

static void take(void *argument, const struct slice *frames, size_t n, pid_t sender)
{
    (void)argument;
    taken.sender = sender;
    for (size_t i = 0; i < n; i++, taken.n++) {
        taken.bytes += frames[i].len;
        if (taken.n >= FRAMES_KEPT)
            continue;
        taken.text[taken.n] = strndup(frames[i].at, frames[i].len);
        taken.len[taken.n] = frames[i].len;
    }
}

static void forget_taken(void)
{
    for (size_t i = 0; i < FRAMES_KEPT; i++)
        free(taken.text[i]);
    memset(&taken, 0, sizeof taken);
}

static struct streams_config standard(void)
{
    return (struct streams_config){
        .base = base,
        .listener = &listeners.at[0],
        .frame_max = MOST,
        .max_connections = LIMIT,
        .idle_ns = IDLE_NS,
        .take = take,
    };
}

static void start(const struct streams_config *config)
{
    streams_free(streams);
    streams = streams_new(config);
    assert_non_null(streams);
}

static int set_up(void **state)
{
    char problem[512], socket_setting[300];

    (void)state;
    temp_folder_make(folder);
    snprintf(socket_path, sizeof socket_path, "%s/s", folder);
    snprintf(socket_setting, sizeof socket_setting, "dogstatsd_stream_socket=%s", socket_path);
    assert_true(
        WITH_SETTINGS(&settings, "dogstatsd_port=0", "dogstatsd_socket=", socket_setting));
    assert_true(listeners_open(&listeners, &settings, 1, NULL, problem, sizeof problem));
    base = event_base_new();
    struct streams_config config = standard();
    start(&config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    streams_free(streams);
    streams = NULL;
    assert_int_equal(atomic_load(&listeners.at[0].connections), 0);
    event_base_free(base);
    listeners_close(&listeners);
    settings_free(&settings);
    temp_folder_remove(folder);
    forget_taken();
    return 0;
}

/* ---- a client ---------------------------------------------------------- */

/* Until nothing is left to do. */
static void turn(void)
{
    event_base_loop(base, EVLOOP_NONBLOCK);
}

static int connect_client(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, socket_path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* A connection that is accepted. */
static int connected_client(void)
{
    int fd = connect_client();

    assert_true(fd >= 0);
    turn();
    return fd;
}

static void put(int fd, const void *at, size_t len)
{
    assert_int_equal(send(fd, at, len, MSG_NOSIGNAL), (ssize_t)len);
}

static size_t frame(char *out, const void *at, size_t len)
{
    for (int i = 0; i < 4; i++)
        out[i] = (char)(len >> 8 * i);
    memcpy(out + 4, at, len);
    return 4 + len;
}

static void put_frame(int fd, const char *text)
{
    char bytes[256];

    put(fd, bytes, frame(bytes, text, strlen(text)));
}

/* The server has closed the connection. */
static bool is_closed(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

static uint32_t connections(void)
{
    return atomic_load(&listeners.at[0].connections);
}

/* ---- frames ------------------------------------------------------------ */

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* One connection gets the vector's bytes, so many at a time. */
static void run_vector(const json_t *vector, size_t step)
{
    const char *hex = json_string_value(json_object_get(vector, "input_hex"));
    const json_t *expect = json_object_get(vector, "expect"), *packet;
    const json_t *most =
        json_object_get(json_object_get(vector, "config"), "dogstatsd_buffer_size");
    size_t n = strlen(hex) / 2, i;
    struct streams_config config = standard();
    char bytes[16384];
    int pair[2];

    config.frame_max = most != NULL ? (size_t)json_integer_value(most) : MOST;
    start(&config);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_true(streams_adopt(streams, pair[0], clock_monotonic_ns()));
    for (i = 0; i < n; i++)
        bytes[i] = (char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    for (i = 0; i < n && !is_closed(pair[1]); i += step) {
        put(pair[1], bytes + i, step < n - i ? step : n - i);
        turn();
    }
    assert_int_equal(is_closed(pair[1]),
                     json_is_true(json_object_get(expect, "server_closes")));
    json_array_foreach(json_object_get(expect, "packets_latin1"), i, packet)
    {
        assert_true(i < taken.n);
        assert_string_equal(taken.text[i], json_string_value(packet));
    }
    assert_int_equal(taken.n, json_array_size(json_object_get(expect, "packets_latin1")));
    close(pair[1]);
    forget_taken();
}

static void takes_the_frames_of_every_vector_whole_or_byte_by_byte(void **state)
{
    FILE *file = fopen("tests/data/parse.jsonl", "re");
    char *line = NULL;
    size_t room = 0, n = 0;
    (void)state;

    assert_non_null(file);
    while (getline(&line, &room, file) > 0) {
        json_t *vector = json_loads(line, 0, NULL);
        const char *kind = json_string_value(json_object_get(vector, "kind"));
        if (kind != NULL && strcmp(kind, "uds_stream") == 0) {
            run_vector(vector, MOST * 2);
            run_vector(vector, 1);
            n++;
        }
        json_decref(vector);
    }
    assert_int_equal(n, 7);
    free(line);
    fclose(file);
}

static void takes_the_longest_frame_in_pieces_of_any_size(void **state)
{
    static const size_t steps[] = { 1, 3, 4, 5, 4095, MOST + 3, MOST + 4, 3 * MOST };
    static char payload[MOST], bytes[3 * (MOST + 4)];
    (void)state;

    memset(payload, 'x', sizeof payload);
    size_t len = frame(bytes, payload, MOST);
    len += frame(bytes + len, "y", 1);
    len += frame(bytes + len, payload, MOST);
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        int client = connected_client();
        for (size_t i = 0; i < len; i += steps[s]) {
            put(client, bytes + i, steps[s] < len - i ? steps[s] : len - i);
            turn();
        }
        assert_int_equal(taken.n, 3);
        assert_int_equal(taken.len[0], MOST);
        assert_memory_equal(taken.text[0], payload, MOST);
        assert_string_equal(taken.text[1], "y");
        assert_int_equal(taken.bytes, 2 * MOST + 1);
        assert_false(is_closed(client));
        close(client);
        turn();
        forget_taken();
    }
    assert_int_equal(connections(), 0);
}

static void takes_more_frames_than_it_hands_on_at_once(void **state)
{
    static char bytes[1000 * 5];
    size_t len = 0;
    (void)state;

    for (int i = 0; i < 1000; i++)
        len += frame(bytes + len, "z", 1);
    int client = connected_client();
    put(client, bytes, len);
    turn();
    assert_int_equal(taken.n, 1000);
    close(client);
}

static void forgets_half_a_frame_when_the_client_goes(void **state)
{
    int client = connected_client();
    (void)state;

    put_frame(client, "whole:1|c");
    put(client, "\11\0\0\0hal", 7);
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    turn();
    assert_int_equal(taken.n, 1);
    assert_true(is_closed(client));
    assert_int_equal(connections(), 0);
    close(client);
}

static char *log_of_too_large(bool with_content)
{
    struct streams_config config = standard();
    char path[TEMP_PATH_SIZE];

    config.log_too_large = with_content;
    start(&config);
    temp_file_write(path, "", 0);
    assert_true(log_open(LOG_LEVEL_WARN, path, false, false));
    int client = connected_client();
    put(client, "\1\40\0\0sec\nret\"", 12); /* 8193 */
    turn();
    assert_true(is_closed(client));
    close(client);
    log_close();
    log_set_level(LOG_LEVEL_OFF);
    char *text = temp_file_read(path);
    unlink(path);
    return text;
}

static void closes_at_a_frame_that_is_too_large_and_shows_it_when_asked(void **state)
{
    char *without = log_of_too_large(false), *with = log_of_too_large(true);
    (void)state;

    assert_non_null(strstr(without, "longer than dogstatsd_buffer_size"));
    assert_null(strstr(without, "sec"));
    assert_non_null(strstr(with, "longer than dogstatsd_buffer_size"));
    assert_non_null(strstr(with, "it begins \"sec\\"));
    assert_null(strstr(with, "sec\nret"));
    assert_int_equal(counter_read(&listeners.at[0].sockets[0].too_large), 2);
    assert_int_equal(taken.n, 0);
    free(without);
    free(with);
}

static void survives_garbage(void **state)
{
    static char bytes[4096];
    unsigned seed = 1;
    (void)state;

    for (int round = 0; round < 300; round++) {
        int client = connected_client();
        size_t len = (size_t)(rand_r(&seed) % (int)sizeof bytes);
        for (size_t i = 0; i < len; i++) /* short lengths too, or nothing gets past the first */
            bytes[i] = (char)(rand_r(&seed) % (round % 3 == 0 ? 256 : 3));
        if (send(client, bytes, len, MSG_NOSIGNAL) > 0)
            turn();
        close(client);
        turn();
    }
    assert_int_equal(connections(), 0);
}

/* ---- many connections -------------------------------------------------- */

static void serves_a_thousand_connections_whose_frames_come_in_pieces(void **state)
{
    static int clients[1000];
    struct rlimit limit;
    (void)state;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < 1000; i++)
        clients[i] = connected_client();
    assert_int_equal(connections(), 1000);
    static const char *const pieces[] = { "\7\0", "\0\0a:", "1|c", "ok\1\0\0\0b" };
    static const size_t lengths[] = { 2, 4, 3, 7 };
    for (int piece = 0; piece < 4; piece++) {
        for (int i = 0; i < 1000; i++)
            put(clients[i], pieces[piece], lengths[piece]);
        turn();
    }
    assert_int_equal(taken.n, 2000);
    assert_int_equal(taken.bytes, 8000);
    for (int i = 0; i < 1000; i++)
        close(clients[i]);
    turn();
    assert_int_equal(connections(), 0);
}

static void refuses_connections_beyond_the_limit_and_counts_them(void **state)
{
    struct streams_config config = standard();
    int clients[4];
    (void)state;

    config.max_connections = 3;
    start(&config);
    for (int i = 0; i < 4; i++)
        clients[i] = connected_client();
    assert_true(is_closed(clients[3]));
    assert_int_equal(connections(), 3);
    assert_int_equal(counter_read(&listeners.at[0].sockets[0].refused), 1);
    close(clients[3]);
    close(clients[0]);
    turn();
    clients[0] = connected_client(); /* there is room again */
    assert_int_equal(connections(), 3);
    put_frame(clients[0], "a:1|c");
    turn();
    assert_int_equal(taken.n, 1);
    for (int i = 0; i < 3; i++)
        close(clients[i]);
}

static void the_silence_of_an_inherited_connection_goes_on(void **state)
{
    struct stream_inherited *list = NULL;
    struct streams_config config = standard();
    int pair[2];
    int64_t start_ns = clock_monotonic_ns() - IDLE_NS / 2;
    (void)state;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_true(streams_adopt(streams, pair[0], start_ns));
    streams_hand_over(streams, &list);
    start(&config);
    assert_true(streams_take_over(streams, list));
    streams_expire(streams, start_ns + IDLE_NS - 1);
    assert_int_equal(connections(), 1);
    streams_expire(streams, start_ns + IDLE_NS);
    assert_true(is_closed(pair[1]));
    assert_int_equal(connections(), 0);
    close(pair[1]);
}

static void closes_who_was_silent_for_too_long(void **state)
{
    int quiet[2], busy[2];
    int64_t start_ns = clock_monotonic_ns() - 2 * IDLE_NS;
    (void)state;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, quiet), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, busy), 0);
    assert_true(streams_adopt(streams, busy[0], start_ns));
    assert_true(streams_adopt(streams, quiet[0], start_ns));
    streams_expire(streams, start_ns + IDLE_NS - 1);
    assert_int_equal(connections(), 2);

    put(busy[1], "\1", 1); /* a part of a header is a sign of life */
    turn();
    streams_expire(streams, start_ns + 2 * IDLE_NS);
    assert_true(is_closed(quiet[1]));
    assert_false(is_closed(busy[1]));
    assert_int_equal(connections(), 1);

    streams_expire(streams, clock_monotonic_ns() + IDLE_NS);
    assert_true(is_closed(busy[1]));
    assert_int_equal(connections(), 0);
    close(quiet[1]);
    close(busy[1]);
}

/* What cannot be accepted stays in the queue; looking again and again would burn a
 * core. */
static void pauses_when_descriptors_run_out(void **state)
{
    struct rlimit before, tight;
    char path[TEMP_PATH_SIZE];
    int client = connect_client();
    (void)state;

    temp_file_write(path, "", 0);
    assert_true(log_open(LOG_LEVEL_WARN, path, false, false));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    tight = before;
    tight.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    turn();
    turn();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    log_close();
    log_set_level(LOG_LEVEL_OFF);
    char *text = temp_file_read(path);
    const char *first = strstr(text, "cannot accept");
    assert_non_null(first);
    assert_null(strstr(first + 1, "cannot accept"));
    assert_int_equal(connections(), 0);
    put_frame(client, "late:1|c");
    streams_finish(streams); /* accepts what still waits */
    assert_int_equal(taken.n, 1);
    free(text);
    unlink(path);
    close(client);
}

/* ---- who and until when ------------------------------------------------ */

static void names_the_process_behind_a_connection_when_asked(void **state)
{
    struct streams_config config = standard();
    (void)state;

    int client = connected_client();
    put_frame(client, "a:1|c");
    turn();
    assert_int_equal(taken.sender, 0);
    close(client);
    turn();

    config.ask_senders = true;
    start(&config);
    client = connected_client();
    put_frame(client, "a:1|c");
    turn();
    assert_int_equal(taken.sender, getpid());
    close(client);
}

/* One that was there before, too. */
static void names_the_process_while_somebody_wants_to_know(void **state)
{
    struct senders senders = { .wanted = 0 };
    struct streams_config config = standard();
    (void)state;

    config.senders = &senders;
    start(&config);
    int client = connected_client();
    put_frame(client, "a:1|c");
    turn();
    assert_int_equal(taken.sender, 0);
    senders_want(&senders);
    put_frame(client, "a:1|c");
    turn();
    assert_int_equal(taken.sender, getpid());
    close(client);
}

static void reads_what_was_sent_before_the_gate_and_nothing_after(void **state)
{
    static char much[60000];
    int accepted = connected_client(), waiting = connect_client();
    (void)state;

    memset(much, 'x', sizeof much);
    put_frame(accepted, "a:1|c");
    put_frame(waiting, "b:1|c");
    for (int i = 0; i < 2; i++) { /* more than one frame of the largest size */
        char bytes[MOST + 4];
        put(accepted, bytes, frame(bytes, much, MOST));
    }
    assert_true(listener_gate(&listeners.at[0]));
    assert_int_equal(connect_client(), -1);
    assert_int_equal(errno, ECONNREFUSED);
    put_frame(waiting, "c:1|c"); /* its connection was there before the gate */
    streams_finish(streams);
    assert_int_equal(taken.n, 5);
    assert_int_equal(connections(), 0);
    assert_int_equal(send(accepted, "x", 1, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
    turn();
    close(accepted);
    close(waiting);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(takes_the_frames_of_every_vector_whole_or_byte_by_byte),
        TEST(takes_the_longest_frame_in_pieces_of_any_size),
        TEST(takes_more_frames_than_it_hands_on_at_once),
        TEST(forgets_half_a_frame_when_the_client_goes),
        TEST(closes_at_a_frame_that_is_too_large_and_shows_it_when_asked),
        TEST(survives_garbage),
        TEST(serves_a_thousand_connections_whose_frames_come_in_pieces),
        TEST(refuses_connections_beyond_the_limit_and_counts_them),
        TEST(the_silence_of_an_inherited_connection_goes_on),
        TEST(closes_who_was_silent_for_too_long),
        TEST(pauses_when_descriptors_run_out),
        TEST(names_the_process_behind_a_connection_when_asked),
        TEST(names_the_process_while_somebody_wants_to_know),
        TEST(reads_what_was_sent_before_the_gate_and_nothing_after),
    };

    log_set_level(LOG_LEVEL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
