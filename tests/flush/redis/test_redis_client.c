#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/log.h"
#include "tests/support/redis_server.h"
#include "tests/support/redis_talk.h"

/* ---- one real server --------------------------------------------------- */

static void commands_are_answered_in_order(void **state)
{
    static struct redis_server server = { 0 };
    struct talk talk = { 0 };
    (void)state;

    redis_server_start(&server);
    talk_start(&talk, (struct redis_client_config){ .url = server.url });
    assert_false(talk_send(&talk, 0, "SET", "a", "1", NULL));
    talk_until(&talk, &talk.ups, 1);
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(talk_send(&talk, i, "INCR", "n", NULL));
    talk_until(&talk, &talk.replies, 1000);
    assert_string_equal(talk.last, "1000");
    assert_int_equal(talk.last_tag, 999);
    assert_true(talk_send(&talk, 1, "NONSENSE", "n", NULL));
    talk_until(&talk, &talk.errors, 1);
    assert_int_equal(talk.downs + talk.failed, 0);
    talk_stop(&talk);
    redis_server_stop(&server);
}

static void a_lost_server_is_found_again(void **state)
{
    static struct redis_server server = { 0 };
    struct talk talk = { 0 };
    (void)state;

    redis_server_start(&server);
    talk_start(&talk, (struct redis_client_config){ .url = server.url });
    talk_until(&talk, &talk.ups, 1);
    talk_send(&talk, 0, "SET", "a", "1", NULL);
    talk_until(&talk, &talk.replies, 1);
    kill(server.pid, SIGSTOP);
    talk_send(&talk, 1, "SET", "a", "2", NULL);
    talk_send(&talk, 2, "SET", "a", "3", NULL);
    redis_server_kill(&server);
    talk_until(&talk, &talk.downs, 1);
    assert_int_equal(talk.replies + talk.failed, 3); /* each has its one answer */
    assert_int_equal(talk.failure, REDIS_FAILED_CLOSED);
    talk_until(&talk, &talk.downs, 3);
    assert_int_equal(talk.failure, REDIS_FAILED_CONNECT);
    assert_non_null(strstr(talk.sentence, "Connection refused"));
    redis_server_restart(&server);
    talk_until(&talk, &talk.ups, 2);
    talk_send(&talk, 3, "GET", "a", NULL);
    talk_until(&talk, &talk.replies, talk.replies + 1);
    talk_stop(&talk);
    redis_server_stop(&server);
}

static void a_unix_socket_with_a_password_and_a_database(void **state)
{
    static struct redis_server server = { .password = "sesame" };
    struct talk talk = { 0 };
    char url[200];
    (void)state;

    redis_server_start(&server);
    snprintf(url, sizeof url, "unix://default:sesame@%s?db=3", server.socket);
    talk_start(&talk, (struct redis_client_config){ .url = url });
    talk_until(&talk, &talk.ups, 1);
    talk_send(&talk, 1, "SET", "here", "yes", NULL);
    talk_until(&talk, &talk.replies, 1);
    redis_server_expect(&server, "0", "EXISTS", "here");
    talk_send(&talk, 2, "GET", "here", NULL);
    talk_until(&talk, &talk.replies, 2);
    assert_string_equal(talk.last, "yes");
    talk_stop(&talk);
    redis_server_stop(&server);
}

static void refusals_at_the_door_have_a_reason(void **state)
{
    static const struct {
        const char *who, *database;
        enum redis_failure failure;
        const char *says;
    } cases[] = {
        { "", "", REDIS_FAILED_AUTH, "wants a password (NOAUTH)" },
        { "", "/3", REDIS_FAILED_AUTH, "wants a password (NOAUTH)" },
        { ":swordfish@", "", REDIS_FAILED_AUTH, "refuses the user or the password" },
        { "nobody:sesame@", "", REDIS_FAILED_AUTH, "refuses the user or the password" },
        { ":sesame@", "/77", REDIS_FAILED_DATABASE, "refuses database 77" },
    };
    static struct redis_server server = { .password = "sesame" };
    (void)state;

    redis_server_start(&server);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct talk talk = { 0 };
        char url[200];

        snprintf(url, sizeof url, "redis://%s127.0.0.1:%d%s", cases[i].who, server.port,
                 cases[i].database);
        talk_start(&talk, (struct redis_client_config){ .url = url });
        talk_until(&talk, &talk.downs, 2);
        assert_int_equal(talk.ups, 0);
        assert_int_equal(talk.failure, cases[i].failure);
        if (strstr(talk.sentence, cases[i].says) == NULL ||
            strstr(talk.sentence, "sesame") != NULL ||
            strstr(talk.sentence, "swordfish") != NULL)
            fail_msg("%zu: %s", i, talk.sentence);
        talk_stop(&talk);
    }
    redis_server_stop(&server);
}

static void a_silent_server_is_given_up_and_found_again(void **state)
{
    static struct redis_server server = { 0 };
    struct talk talk = { 0 };
    (void)state;

    redis_server_start(&server);
    talk_start(&talk, (struct redis_client_config){
                          .url = server.url, .reply_ms = 300, .connect_ms = 300 });
    talk_until(&talk, &talk.ups, 1);
    int downs = talk.downs; /* on a busy machine it may not be up at once */

    kill(server.pid, SIGSTOP);
    talk_send(&talk, 1, "SET", "a", "1", NULL);
    talk_until(&talk, &talk.downs, downs + 1);
    assert_int_equal(talk.failure, REDIS_FAILED_TIMEOUT);
    assert_int_equal(talk.fates[1], 'f');
    talk_until(&talk, &talk.downs, downs + 2);
    kill(server.pid, SIGCONT);
    talk_until(&talk, &talk.ups, 2);
    talk_stop(&talk);
    redis_server_stop(&server);
}

static void an_idle_connection_is_tried(void **state)
{
    static struct redis_server server = { 0 };
    struct talk talk = { 0 };
    (void)state;

    redis_server_start(&server);
    talk_start(&talk, (struct redis_client_config){
                          .url = server.url, .reply_ms = 300, .idle_ms = 20 });
    talk_until(&talk, &talk.ups, 1);
    kill(server.pid, SIGSTOP);
    talk_until(&talk, &talk.downs, 1);
    assert_int_equal(talk.failure, REDIS_FAILED_TIMEOUT);
    talk_stop(&talk);
    redis_server_stop(&server);
}

/* The fence. A stalled server holds one command of many small words in its socket, which
 * it takes in many turns of its loop, while the new connection needs but a few to be heard; so
 * without the fence the old value comes last. Another client's sleeps make the turns
 * long enough for ours to answer within one. */
enum { OLD_FIELDS = 20000, NOISES = 10, NOISE_PAD = 16000 };

static void send_old(struct talk *talk)
{
    static char texts[OLD_FIELDS][8];
    static const char *words[2 + 2 * OLD_FIELDS] = { "HSET", "a" };
    char *command;

    for (int i = 0; i < OLD_FIELDS; i++) {
        snprintf(texts[i], sizeof texts[i], "f%d", OLD_FIELDS - 1 - i); /* f0 is the last */
        words[2 + 2 * i] = texts[i];
        words[3 + 2 * i] = "old";
    }
    int len = redisFormatCommandArgv(&command, 2 + 2 * OLD_FIELDS, words, NULL);

    assert_true(redis_client_send(talk->client, command, (size_t)len, SLICE("a"), 1));
    redisFreeCommand(command);
}

static redisContext *make_noise(const struct redis_server *server)
{
    static char pad[NOISE_PAD + 1];
    redisContext *noise = redisConnectUnix(server->socket);
    int sent = 0;

    assert_int_equal(noise->err, 0);
    freeReplyObject(redisCommand(noise, "PING")); /* it is taken, not in the queue */
    memset(pad, 'n', NOISE_PAD);
    kill(server->pid, SIGSTOP);
    for (int i = 0; i < NOISES; i++) {
        redisAppendCommand(noise, "DEBUG SLEEP 0.02");
        redisAppendCommand(noise, "SET n %s", pad);
    }
    redisBufferWrite(noise, &sent);
    return noise;
}

static int count_clients(const struct redis_server *server)
{
    char *clients = redis_server_ask(server, "CLIENT", "LIST", "TYPE", "normal", NULL);
    int n = 0;

    for (const char *at = clients; (at = strstr(at, "id=")) != NULL; at++)
        n += at == clients || at[-1] == '\n';
    free(clients);
    return n;
}

static void what_a_stalled_server_holds_comes_never_after_the_new(void **state)
{
    static struct redis_server server = { .extra = { "--enable-debug-command", "yes" } };
    struct talk talk = { 0 };
    (void)state;

    redis_server_start(&server);
    talk_start(&talk, (struct redis_client_config){
                          .url = server.url, .reply_ms = 1000, .connect_ms = 20000 });
    for (int i = 1; i <= 20; i++) { /* so that the window becomes as large as it gets */
        talk_until(&talk, &talk.ups, talk.downs + 1);
        send_old(&talk);
        talk_until(&talk, &talk.settled,
                   i); /* a busy machine may be as slow as a stalled one */
    }
    talk_until(&talk, &talk.ups, talk.downs + 1);
    redisContext *noise = make_noise(&server);
    int downs = talk.downs, replies = talk.replies;

    send_old(&talk);
    talk_until(&talk, &talk.downs, downs + 1);
    assert_int_equal(talk.fates[1], 'f');
    event_base_loopexit(talk.base, &(struct timeval){ .tv_usec = 50000 });
    event_base_dispatch(talk.base); /* the new connection stands before its door */
    kill(server.pid, SIGCONT);
    talk_until(&talk, &talk.ups, downs + 2);
    while (talk.replies == replies) { /* again, where it was not answered in time */
        if (talk_send(&talk, 100, "HSET", "a", "f0", "new", NULL))
            talk_until(&talk, &talk.settled, talk.settled + 1);
        else
            talk_until(&talk, &talk.ups, talk.ups + 1);
    }
    redisFree(noise);
    while (count_clients(&server) > 2) /* ours and the asker's */
        ;
    redis_server_expect(&server, "new", "HGET", "a", "f0");
    talk_stop(&talk);
    redis_server_stop(&server);
}

static void what_is_unanswered_is_bounded(void **state)
{
    static struct redis_server server = { 0 };
    struct talk talk = { 0 };
    uint64_t sent = 0;
    (void)state;

    redis_server_start(&server);
    talk_start(&talk, (struct redis_client_config){ .url = server.url, .max_pending = 1000 });
    talk_until(&talk, &talk.ups, 1);
    while (talk_send(&talk, sent, "INCR", "n", NULL))
        sent++;
    assert_in_range(sent, 30, 50);
    talk_until(&talk, &talk.writables, 1);
    assert_true(talk_send(&talk, sent, "INCR", "n", NULL));
    talk_until(&talk, &talk.replies, (int)sent + 1);
    talk_stop(&talk);
    redis_server_stop(&server);
}

static void a_replica_is_left_for_what_the_name_leads_to_then(void **state)
{
    static struct redis_server server = { 0 };
    struct talk talk = { 0 };
    (void)state;

    redis_server_start(&server);
    talk_start(&talk, (struct redis_client_config){ .url = server.url });
    talk_until(&talk, &talk.ups, 1);
    free(redis_server_ask(&server, "REPLICAOF", "127.0.0.1", "1", NULL));
    talk_send(&talk, 1, "SET", "a", "1", NULL);
    talk_until(&talk, &talk.downs, 1);
    assert_int_equal(talk.failure, REDIS_FAILED_READONLY);
    assert_int_equal(talk.fates[1], 'f');
    free(redis_server_ask(&server, "REPLICAOF", "NO", "ONE", NULL));
    talk_until(&talk, &talk.ups, 2);
    talk_send(&talk, 2, "SET", "a", "1", NULL);
    talk_until(&talk, &talk.replies, 1);
    talk_stop(&talk);
    redis_server_stop(&server);
}

static void a_name_is_looked_up(void **state)
{
    static struct redis_server server = { 0 };
    struct talk talk = { 0 };
    char url[100];
    (void)state;

    redis_server_start(&server); /* at 127.0.0.1 only; localhost may be ::1 first */
    snprintf(url, sizeof url, "redis://localhost:%d", server.port);
    talk_start(&talk, (struct redis_client_config){ .url = url });
    talk_until(&talk, &talk.ups, 1);
    talk_stop(&talk);
    redis_server_stop(&server);
}

static void urls_that_make_no_sense_are_told(void **state)
{
    static const struct {
        const char *url;
        bool cluster;
        const char *says;
    } cases[] = {
        { "http://a", false, "redis://" },
        { "unix:///a", true, "unix socket" },
        { "redis://a/1", true, "database" },
    };
    struct event_base *base = event_base_new();
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char problem[256];
        struct redis_client_config config = { .url = cases[i].url,
                                              .cluster = cases[i].cluster };
        struct redis_client_events none = { 0 };

        assert_null(redis_client_new(base, &config, &none, NULL, problem, sizeof problem));
        assert_non_null(strstr(problem, cases[i].says));
    }
    event_base_free(base);
}

/* ---- servers that are no Redis ----------------------------------------- */

/* Says its text at each connection's first bytes, then closes or is silent. */
struct impostor {
    const char *text;
    size_t len;
    bool close;
    bool at_once; /* without being asked */
    struct evconnlistener *listener;
    struct bufferevent *open[256];
    size_t n;
    char url[64];
};

static void impostor_speak(struct bufferevent *connection, void *argument)
{
    struct impostor *impostor = argument;

    bufferevent_setcb(connection, NULL, NULL, NULL, NULL);
    evbuffer_drain(bufferevent_get_input(connection), SIZE_MAX);
    assert_int_equal(
        send(bufferevent_getfd(connection), impostor->text, impostor->len, MSG_NOSIGNAL),
        impostor->len);
    if (impostor->close)
        shutdown(bufferevent_getfd(connection), SHUT_WR);
}

static void impostor_accept(struct evconnlistener *listener, evutil_socket_t fd,
                            struct sockaddr *from, int len, void *argument)
{
    struct impostor *impostor = argument;
    struct bufferevent *connection =
        bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
    (void)from, (void)len;

    assert_true(impostor->n < sizeof impostor->open / sizeof impostor->open[0]);
    impostor->open[impostor->n++] = connection;
    bufferevent_setcb(connection, impostor_speak, NULL, NULL, impostor);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
    if (impostor->at_once)
        impostor_speak(connection, impostor);
}

static void impostor_start(struct impostor *impostor, struct event_base *base)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof at;

    impostor->listener =
        evconnlistener_new_bind(base, impostor_accept, impostor, LEV_OPT_CLOSE_ON_FREE, -1,
                                (struct sockaddr *)&at, sizeof at);
    assert_non_null(impostor->listener);
    getsockname(evconnlistener_get_fd(impostor->listener), (struct sockaddr *)&at, &len);
    snprintf(impostor->url, sizeof impostor->url, "redis://:sesame@127.0.0.1:%d",
             ntohs(at.sin_port));
}

static void impostor_stop(struct impostor *impostor)
{
    for (size_t i = 0; i < impostor->n; i++)
        bufferevent_free(impostor->open[i]);
    evconnlistener_free(impostor->listener);
}

/* What one such server makes of a client; the sentence never holds the password. */
static void meet(struct impostor *impostor, enum redis_failure failure, const char *says)
{
    struct talk talk = { .base = event_base_new() };
    int64_t timeout_ms = failure == REDIS_FAILED_TIMEOUT ? 200 : 0;

    impostor_start(impostor, talk.base);
    talk_start(&talk, (struct redis_client_config){ .url = impostor->url,
                                                    .connect_ms = timeout_ms,
                                                    .reply_ms = timeout_ms,
                                                    .max_reply = 4096 });
    talk_until(&talk, &talk.downs, 1);
    if (talk.failure != failure || strstr(talk.sentence, says) == NULL ||
        strstr(talk.sentence, "sesame") != NULL || talk.ups != 0)
        fail_msg("\"%.40s\": %s: %s", impostor->text, redis_failure_name(talk.failure),
                 talk.sentence);
    talk_until(&talk, &talk.downs, 2); /* it tries again */
    redis_client_free(talk.client);
    talk.client = NULL;
    impostor_stop(impostor);
    talk_stop(&talk);
}

static void every_impostor_is_told_in_a_sentence(void **state)
{
    static const struct {
        const char *text;
        bool close, at_once;
        enum redis_failure failure;
        const char *says;
    } cases[] = {
        { "HTTP/1.1 400 Bad Request\r\n\r\n", true, false, REDIS_FAILED_PROTOCOL,
          "does not speak as Redis does" },
        { "220 mail ESMTP\r\n", false, true, REDIS_FAILED_PROTOCOL,
          "does not speak as Redis does" },
        { "", true, false, REDIS_FAILED_CLOSED, "closed the connection before" },
        { "", false, false, REDIS_FAILED_TIMEOUT, "does not answer within 200 ms" },
        { "+OK\r\n", false, false, REDIS_FAILED_TIMEOUT, "does not answer within 200 ms" },
        { "+OK\r\n$5\r\nab", false, false, REDIS_FAILED_TIMEOUT, "does not answer" },
        { "+OK\r\n$5\r\nab", true, false, REDIS_FAILED_CLOSED, "closed the connection" },
        { "-ERR unknown command `AUTH`, with args beginning with: `sesame`\r\n", false, false,
          REDIS_FAILED_AUTH, "refuses AUTH" },
        { "-ERR max number of clients reached\r\n", true, false, REDIS_FAILED_CONNECT,
          "no room for another client" },
        { "-DENIED Redis is running in protected mode\r\n", true, false, REDIS_FAILED_AUTH,
          "protected mode" },
        { "+OK\r\n-NOPERM x\r\n-LOADING Redis is loading the dataset in memory\r\n", false,
          false, REDIS_FAILED_LOADING, "still reading its data" },
        { "+OK\r\n-NOPERM x\r\n-MASTERDOWN Link with MASTER is down\r\n", false, false,
          REDIS_FAILED_READONLY, "replica without its master" },
        { "+OK\r\n-NOPERM x\r\n-OOPS a\x1b[2Jb\r\n", false, false, REDIS_FAILED_PROTOCOL,
          "answers PING with: OOPS a\\" },
        { "+OK\r\n$2000000000\r\n", false, false, REDIS_FAILED_TIMEOUT, "does not answer" },
        { "+OK\r\n*2000000000\r\n", false, false, REDIS_FAILED_TOO_LARGE,
          "more than 4096 bytes" },
        { "+OK\r\n*100\r\n*200\r\n", false, false, REDIS_FAILED_TOO_LARGE,
          "more than 4096 bytes" },
        { "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", false, false,
          REDIS_FAILED_PROTOCOL, "does not speak as Redis does" },
        { "*4\r\n:1\r\n", true, false, REDIS_FAILED_CLOSED, "closed" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct impostor impostor = { .text = cases[i].text,
                                     .len = strlen(cases[i].text),
                                     .close = cases[i].close,
                                     .at_once = cases[i].at_once };

        meet(&impostor, cases[i].failure, cases[i].says);
    }
}

static void a_reply_beyond_the_bound_ends_the_connection(void **state)
{
    static char text[20000];
    struct impostor impostor = { .text = text, .len = sizeof text };
    (void)state;

    memset(text, 'a', sizeof text);
    memcpy(text, "$19000\r\n", 8);
    meet(&impostor, REDIS_FAILED_TOO_LARGE, "more than 4096 bytes");
    text[0] = '+'; /* a line without an end */
    impostor = (struct impostor){ .text = text, .len = sizeof text };
    memset(text + 1, 'a', sizeof text - 1);
    meet(&impostor, REDIS_FAILED_TOO_LARGE, "more than 4096 bytes");
}

/* A healthy handshake, cut after any number of bytes. */
static void a_server_may_close_at_any_byte(void **state)
{
    static const char whole[] = "+OK\r\n$14\r\nid=7 addr=a:1\n\r\n+PONG\r\n";
    (void)state;

    for (size_t len = 0; len < sizeof whole - 2; len += 3) {
        struct impostor impostor = { .text = whole, .len = len, .close = true };

        meet(&impostor, REDIS_FAILED_CLOSED, "closed the connection");
    }
}

static void an_answer_that_nobody_asked_for_ends_the_connection(void **state)
{
    static const char text[] = "+OK\r\n-NOPERM\r\n+PONG\r\n+surprise\r\n";
    struct impostor impostor = { .text = text, .len = sizeof text - 1 };
    struct talk talk = { .base = event_base_new() };
    (void)state;

    impostor_start(&impostor, talk.base);
    talk_start(&talk, (struct redis_client_config){ .url = impostor.url });
    talk_until(&talk, &talk.downs, 1);
    assert_int_equal(talk.failure, REDIS_FAILED_PROTOCOL);
    assert_non_null(strstr(talk.sentence, "not asked"));
    redis_client_free(talk.client);
    talk.client = NULL;
    impostor_stop(&impostor);
    talk_stop(&talk);
}

static void it_may_be_freed_at_any_time(void **state)
{
    static const char *const urls[] = { "redis://127.0.0.1:1", "redis://name.invalid",
                                        "unix:///nowhere/at/all", "redis://[::1]:1" };
    (void)state;

    for (int turns = 0; turns < 8; turns++)
        for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
            struct talk talk = { 0 };

            talk_start(&talk, (struct redis_client_config){ .url = urls[i] });
            for (int turn = 0; turn < turns; turn++)
                talk_turn(&talk);
            talk_stop(&talk);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_answered_in_order),
        cmocka_unit_test(a_lost_server_is_found_again),
        cmocka_unit_test(a_unix_socket_with_a_password_and_a_database),
        cmocka_unit_test(refusals_at_the_door_have_a_reason),
        cmocka_unit_test(a_silent_server_is_given_up_and_found_again),
        cmocka_unit_test(an_idle_connection_is_tried),
        cmocka_unit_test(what_a_stalled_server_holds_comes_never_after_the_new),
        cmocka_unit_test(what_is_unanswered_is_bounded),
        cmocka_unit_test(a_replica_is_left_for_what_the_name_leads_to_then),
        cmocka_unit_test(a_name_is_looked_up),
        cmocka_unit_test(urls_that_make_no_sense_are_told),
        cmocka_unit_test(every_impostor_is_told_in_a_sentence),
        cmocka_unit_test(a_reply_beyond_the_bound_ends_the_connection),
        cmocka_unit_test(a_server_may_close_at_any_byte),
        cmocka_unit_test(an_answer_that_nobody_asked_for_ends_the_connection),
        cmocka_unit_test(it_may_be_freed_at_any_time),
    };

    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_LEVEL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
