#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/log.h"
#include "tests/support/certificate.h"
#include "tests/support/redis_server.h"
#include "tests/support/redis_talk.h"

enum { A_DAY = 86400, HALF_AN_HOUR = 1800 };

static struct authority trusted, other;
static char ca_file[TEMP_PATH_SIZE];

static int make_authorities(void **state)
{
    (void)state;
    authority_make(&trusted);
    authority_make(&other);
    authority_write(&trusted, ca_file);
    return 0;
}

static int free_authorities(void **state)
{
    (void)state;
    authority_free(&trusted);
    authority_free(&other);
    unlink(ca_file);
    return 0;
}

static void certify(struct redis_server *server, const struct authority *by, const char *host,
                    long seconds)
{
    char certificate[TEMP_PATH_SIZE], key[TEMP_PATH_SIZE];

    certificate_write(by, host, seconds, certificate, key);
    snprintf(server->certificate, sizeof server->certificate, "%s", certificate);
    snprintf(server->key, sizeof server->key, "%s", key);
}

static void forget(struct redis_server *server)
{
    unlink(server->certificate);
    unlink(server->key);
}

static void start(struct talk *talk, const char *url)
{
    talk_start(talk, (struct redis_client_config){ .url = url, .ca_file = ca_file });
}

static void use(struct talk *talk)
{
    int replies = talk->replies;

    for (uint64_t i = 0; i < 1000; i++)
        assert_true(talk_send(talk, i, "INCR", "n", NULL));
    talk_until(talk, &talk->replies, replies + 1000);
    assert_int_equal(talk->errors + talk->failed, 0);
}

static void a_good_certificate_is_accepted(void **state)
{
    static const char *const hosts[] = { "DNS:localhost", "IP:127.0.0.1" };
    static const char *const says[] = { "localhost", "127.0.0.1" };
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        static struct redis_server server = { .password = "sesame" };
        struct talk talk = { 0 };
        char url[100];

        certify(&server, &trusted, hosts[i], A_DAY);
        redis_server_start(&server);
        snprintf(url, sizeof url, "rediss://:sesame@%s:%d", says[i], server.port);
        start(&talk, url);
        talk_until(&talk, &talk.ups, 1);
        assert_int_equal(talk.downs, 0);
        use(&talk);
        talk_stop(&talk);
        redis_server_stop(&server);
        forget(&server);
    }
}

/* Each trouble is told, and over once the server has a good certificate. */
static void a_bad_certificate_is_told_until_it_is_a_good_one(void **state)
{
    static const struct {
        const struct authority *by;
        const char *host, *url, *says;
        long seconds;
    } cases[] = {
        { &other, "DNS:localhost", "localhost", "signature failure", A_DAY },
        { &trusted, "DNS:redis.test", "localhost", "hostname mismatch", A_DAY },
        { &trusted, "DNS:localhost", "127.0.0.1", "IP address mismatch", A_DAY },
        { &trusted, "DNS:localhost", "localhost", "certificate has expired", HALF_AN_HOUR },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct redis_server server = { .password = "sesame" };
        struct talk talk = { 0 };
        char url[100];

        certify(&server, cases[i].by, cases[i].host, cases[i].seconds);
        redis_server_start(&server);
        snprintf(url, sizeof url, "rediss://:sesame@%s:%d", cases[i].url, server.port);
        start(&talk, url);
        talk_until(&talk, &talk.downs, 2);
        assert_int_equal(talk.ups, 0);
        assert_int_equal(talk.failure, REDIS_FAILED_TLS);
        if (strstr(talk.sentence, "the certificate is not accepted") == NULL ||
            strstr(talk.sentence, cases[i].says) == NULL ||
            strstr(talk.sentence, "sesame") != NULL)
            fail_msg("%zu: %s", i, talk.sentence);
        redis_server_kill(&server);
        forget(&server);
        certify(&server, &trusted, "DNS:localhost,IP:127.0.0.1", A_DAY);
        redis_server_restart(&server);
        talk_until(&talk, &talk.ups, 1);
        use(&talk);
        talk_stop(&talk);
        redis_server_stop(&server);
        forget(&server);
    }
}

static void the_systems_authorities_do_not_know_ours(void **state)
{
    static struct redis_server server = { 0 };
    struct talk talk = { 0 }, careless = { 0 };
    (void)state;

    certify(&server, &trusted, "IP:127.0.0.1", A_DAY);
    redis_server_start(&server);
    talk_start(&talk, (struct redis_client_config){ .url = server.url });
    talk_until(&talk, &talk.downs, 1);
    assert_int_equal(talk.failure, REDIS_FAILED_TLS);
    assert_non_null(strstr(talk.sentence, "unable to get local issuer certificate"));
    talk_stop(&talk);
    talk_start(&careless,
               (struct redis_client_config){ .url = server.url, .skip_validation = true });
    talk_until(&careless, &careless.ups, 1);
    talk_stop(&careless);
    redis_server_stop(&server);
    forget(&server);
}

/* Redis waits for more of what it takes for a very long word. */
static void a_plain_port_speaks_no_tls(void **state)
{
    static struct redis_server server = { 0 };
    struct talk talk = { 0 };
    char url[100];
    (void)state;

    redis_server_start(&server);
    snprintf(url, sizeof url, "rediss://127.0.0.1:%d", server.port);
    talk_start(&talk, (struct redis_client_config){
                          .url = url, .ca_file = ca_file, .connect_ms = 500 });
    talk_until(&talk, &talk.downs, 1);
    assert_int_equal(talk.failure, REDIS_FAILED_TIMEOUT);
    assert_non_null(strstr(talk.sentence, "is it a port without TLS?"));
    redis_server_kill(&server);
    certify(&server, &trusted, "IP:127.0.0.1", A_DAY);
    redis_server_restart(&server);
    talk_until(&talk, &talk.ups, 1);
    talk_stop(&talk);
    redis_server_stop(&server);
    forget(&server);
}

static void a_tls_port_takes_nothing_plain(void **state)
{
    static struct redis_server server = { 0 };
    struct talk talk = { 0 };
    char url[100];
    (void)state;

    certify(&server, &trusted, "IP:127.0.0.1", A_DAY);
    redis_server_start(&server);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", server.port);
    start(&talk, url);
    talk_until(&talk, &talk.downs, 1);
    assert_int_equal(talk.ups, 0);
    if (strstr(talk.sentence, "rediss://") == NULL)
        fail_msg("%s: %s", redis_failure_name(talk.failure), talk.sentence);
    talk_stop(&talk);
    redis_server_stop(&server);
    forget(&server);
}

static void a_lost_server_is_found_again(void **state)
{
    static struct redis_server server = { 0 };
    struct talk talk = { 0 };
    (void)state;

    certify(&server, &trusted, "IP:127.0.0.1", A_DAY);
    redis_server_start(&server);
    start(&talk, server.url);
    talk_until(&talk, &talk.ups, 1);
    redis_server_kill(&server);
    talk_until(&talk, &talk.downs, 2);
    assert_int_equal(talk.failure, REDIS_FAILED_CONNECT);
    redis_server_restart(&server);
    talk_until(&talk, &talk.ups, 2);
    use(&talk);
    talk_stop(&talk);
    redis_server_stop(&server);
    forget(&server);
}

static void a_file_without_certificates_is_told(void **state)
{
    struct event_base *base = event_base_new();
    struct redis_client_config config = { .url = "rediss://a", .ca_file = "/dev/null" };
    struct redis_client_events none = { 0 };
    char problem[256];
    (void)state;

    assert_null(redis_client_new(base, &config, &none, NULL, problem, sizeof problem));
    assert_non_null(strstr(problem, "no certificates of authorities in \"/dev/null\""));
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_certificate_is_accepted),
        cmocka_unit_test(a_bad_certificate_is_told_until_it_is_a_good_one),
        cmocka_unit_test(the_systems_authorities_do_not_know_ours),
        cmocka_unit_test(a_plain_port_speaks_no_tls),
        cmocka_unit_test(a_tls_port_takes_nothing_plain),
        cmocka_unit_test(a_lost_server_is_found_again),
        cmocka_unit_test(a_file_without_certificates_is_told),
    };

    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_LEVEL_OFF);
    return cmocka_run_group_tests(tests, make_authorities, free_authorities);
}
