#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/clock.h"
#include "flush/notify/notifier.h"
#include "tests/support/certificate.h"
#include "tests/support/fake_intake.h"
#include "tests/support/fake_mail.h"
#include "tests/support/undo.h"
#include "tests/support/with_settings.h"

enum { WAIT_MS = 60000 };

/* A notifier, and who hears of what became of it. */
struct rig {
    struct mailbox results;
    struct notify_ledger ledger;
    struct notifier *notifier;
    uint64_t raised;
    struct notify_result *heard; /* not looked at yet, oldest first */
    struct notify_result last;   /* of wait_for(); its notification is gone */
};

static struct rig rig;

/* ---- the rig ----------------------------------------------------------- */

static struct receivers *receivers_of(char **sets, size_t n)
{
    struct settings settings;
    char problem[300] = "";

    assert_true(with_settings(&settings, sets, n));
    struct receivers *made = receivers_new(&settings, problem, sizeof problem);

    settings_free(&settings);
    if (made == NULL)
        fail_msg("%s", problem);
    return made;
}

static void forget_results(struct notify_result *given)
{
    struct notify_result *next;

    for (; given != NULL; given = next) {
        next = given->next;
        notification_free(given->notification);
        free(given);
    }
}

static void stop(void *what)
{
    (void)what;
    if (rig.notifier != NULL && notifier_end(rig.notifier, 0))
        notifier_free(rig.notifier);
    rig.notifier = NULL;
    forget_results(rig.heard);
    forget_results((struct notify_result *)mailbox_take(&rig.results));
    mailbox_close(&rig.results);
}

static void start(char **sets, size_t n)
{
    struct receivers *receivers = receivers_of(sets, n);
    struct notifier_config config = { .receivers = receivers,
                                      .hostname = "srv1",
                                      .results = &rig.results,
                                      .ledger = &rig.ledger };

    rig = (struct rig){ .raised = 0 };
    assert_true(mailbox_open(&rig.results));
    rig.notifier = notifier_new(&config);
    receivers_release(receivers);
    assert_non_null(rig.notifier);
    undo_later(stop, &rig);
}

#define START(...) \
    start((char *[]){ __VA_ARGS__ }, sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *))

static void give(const char *receiver)
{
    struct notification one = { .monitor = 7,
                                .transition = { MONITOR_OK, MONITOR_ALERT, 1796061600, 0, true,
                                                false },
                                .raised_s = 1796061601,
                                .group = SLICE("host:a"),
                                .receiver = slice_of(receiver),
                                .title = SLICE("[Triggered] load"),
                                .text = SLICE("load is\r\n.\r\n900"),
                                .query = SLICE("avg(last_5m):avg:load{*} > 800") };

    snprintf(one.id, sizeof one.id, "7.0.alert.%llu.0", (unsigned long long)++rig.raised);
    struct notification *made = notification_new(&one);

    assert_non_null(made);
    notifier_give(rig.notifier, made);
}

/* The next that is told; false after a minute. */
static bool hear(struct notify_result *out)
{
    while (rig.heard == NULL) {
        struct pollfd woken = { .fd = rig.results.wake_fd, .events = POLLIN };

        if (poll(&woken, 1, WAIT_MS) != 1)
            return false;
        mailbox_quieten(&rig.results);
        rig.heard = (struct notify_result *)mailbox_take(&rig.results);
    }
    struct notify_result *first = rig.heard;

    rig.heard = first->next;
    *out = *first;
    notification_free(first->notification);
    free(first);
    return true;
}

static void hear_end(enum notification_end end)
{
    do
        assert_true(hear(&rig.last));
    while (rig.last.end == NOTIFICATION_WAITING && end != NOTIFICATION_WAITING);
    if (rig.last.end != end)
        fail_msg("%s: %s", rig.last.id, rig.last.answer);
}

static void is_in_balance(void)
{
    const struct notify_ledger *ledger = &rig.ledger;

    assert_int_equal(rig.raised, counter_read(&ledger->sent) + counter_read(&ledger->digested) +
                                     counter_read(&ledger->refused_there) +
                                     counter_read(&ledger->shed) +
                                     counter_read(&ledger->queued));
}

static void end_rig(void)
{
    undo_forget(&rig);
    assert_true(notifier_end(rig.notifier, WAIT_MS));
    notifier_free(rig.notifier);
    rig.notifier = NULL;
    stop(NULL);
}

#define FROM "heeler_smtp_from=heeler@example.org"
#define TO   "heeler_mail_to=@example.org"

static char *relay_set(const struct fake_mail *fake, const char *scheme, const char *login,
                       const char *query)
{
    static char set[200];

    snprintf(set, sizeof set, "heeler_smtp_url=%s://%s127.0.0.1:%d%s", scheme, login,
             fake_mail_port(fake), query);
    return set;
}

static char *hook_set(const struct fake_intake *fake)
{
    static char set[300];

    snprintf(
        set, sizeof set,
        "heeler_webhooks=[{\"name\":\"x\",\"url\":\"%s/hook/hunter22-hunter22\",\"headers\":"
        "{\"X-Token\":\"hunter22-token\"}}]",
        fake_intake_url(fake));
    return set;
}

/* ---- mail -------------------------------------------------------------- */

static void a_mail_arrives_in_the_clear_on_this_machine(void **state)
{
    struct fake_mail *fake = fake_mail_start(&(struct fake_mail_config){ .user = NULL });
    (void)state;

    START(relay_set(fake, "smtp", "", "?tls=never"), FROM, TO);
    give("night@example.org");
    hear_end(NOTIFICATION_SENT);
    assert_string_equal(rig.last.answer, "250 2.0.0 taken as 42");
    assert_string_equal(rig.last.receiver, "night@example.org");
    assert_int_equal(rig.last.attempts, 1);
    const struct fake_mail_kept *mail = fake_mail_at(fake, 0);
    assert_string_equal(mail->from, "<heeler@example.org>");
    assert_string_equal(mail->to, "<night@example.org>");
    assert_non_null(strstr(mail->text, "\r\nMessage-ID: <7.0.alert.1.0@srv1>\r\n"));
    assert_non_null(strstr(mail->text, "\r\nX-Heeler-Notification: 7.0.alert.1.0\r\n"));
    is_in_balance();
    end_rig();
    fake_mail_stop(fake);
}

/* One certificate for all that speak TLS here. */
static char ca[TEMP_PATH_SIZE], certificate[TEMP_PATH_SIZE], key[TEMP_PATH_SIZE];

static int make_certificates(void **state)
{
    struct authority authority;
    (void)state;

    authority_make(&authority);
    authority_write(&authority, ca);
    certificate_write(&authority, "IP:127.0.0.1", 86400, certificate, key);
    authority_free(&authority);
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    unlink(ca);
    unlink(certificate);
    unlink(key);
    return 0;
}

static void with_tls_there_is_a_login(void **state)
{
    char ca_set[TEMP_PATH_SIZE + 20];
    (void)state;

    snprintf(ca_set, sizeof ca_set, "heeler_ca_file=%s", ca);
    for (int tls_first = 0; tls_first < 2; tls_first++) {
        struct fake_mail *fake = fake_mail_start(
            &(struct fake_mail_config){ certificate, key, tls_first == 1, "me", "pass/word" });

        START(relay_set(fake, tls_first ? "smtps" : "smtp", "me:pass%2fword@", ""), FROM, TO,
              ca_set);
        give("night@example.org");
        hear_end(NOTIFICATION_SENT);
        assert_true(fake_mail_at(fake, 0)->over_tls);
        assert_true(fake_mail_at(fake, 0)->logged_in);
        end_rig();
        fake_mail_stop(fake);
    }
}

/* Whoever is in between may leave out STARTTLS, or show another certificate. */
static void without_tls_that_can_be_trusted_nothing_is_said(void **state)
{
    static const bool offers_tls[] = { false, true };
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        struct fake_mail *fake = fake_mail_start(&(struct fake_mail_config){
            offers_tls[i] ? certificate : NULL, key, false, "me", "hunter22" });

        START(relay_set(fake, "smtp", "me:hunter22@", ""), FROM, TO);
        give("night@example.org");
        hear_end(NOTIFICATION_WAITING);
        assert_null(strstr(rig.last.answer, "hunter22"));
        assert_int_equal(fake_mail_commands(fake, "AUTH"), 0);
        assert_int_equal(fake_mail_commands(fake, "MAIL"), 0);
        assert_true(counter_read(&rig.ledger.attempts_failed) > 0);
        assert_true(counter_read(&rig.ledger.mail_failing_s) > 0);
        end_rig();
        fake_mail_stop(fake);
    }
}

/* A no about this mail ends it; any other is about us, or for now. */
static void a_no_of_the_server_is_for_good_or_for_now(void **state)
{
    static const struct {
        const char *command, *answer;
        enum notification_end end;
        const char *said;
    } cases[] = {
        { "RCPT", "550 5.1.1 no such user", NOTIFICATION_REFUSED, "550 5.1.1 no such user" },
        { ".", "554 5.7.1 spam", NOTIFICATION_REFUSED, "554 5.7.1 spam" },
        { "DATA", "554 no", NOTIFICATION_REFUSED, "554 no" },
        { "MAIL", "552 too large", NOTIFICATION_REFUSED, "552 too large" },
        { "RCPT", "451 4.7.1 greylisted", NOTIFICATION_WAITING, "451 4.7.1 greylisted" },
        { ".", "452 disk full", NOTIFICATION_WAITING, "452 disk full" },
        { "MAIL", "530 5.7.0 log in first", NOTIFICATION_WAITING, "530 5.7.0 log in first" },
        { "HELLO", "554 not you", NOTIFICATION_WAITING, "554 not you" },
        { "HELLO", NULL, NOTIFICATION_WAITING, NULL },
        { "RCPT", NULL, NOTIFICATION_WAITING, NULL },
        { ".", NULL, NOTIFICATION_WAITING, NULL },
        { "QUIT", "", NOTIFICATION_SENT, "250 2.0.0 taken as 42" },
        { "QUIT", "500 no", NOTIFICATION_SENT, "250 2.0.0 taken as 42" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_mail *fake = fake_mail_start(&(struct fake_mail_config){ .user = NULL });

        START(relay_set(fake, "smtp", "", "?tls=never"), FROM, TO);
        fake_mail_answer(fake, cases[i].command, cases[i].answer);
        give("night@example.org");
        assert_true(hear(&rig.last));
        if (rig.last.end != cases[i].end ||
            (cases[i].said != NULL && strcmp(rig.last.answer, cases[i].said) != 0))
            fail_msg("%zu: %d %s", i, rig.last.end, rig.last.answer);
        is_in_balance();
        end_rig();
        fake_mail_stop(fake);
    }
}

static void what_was_refused_for_now_arrives_later(void **state)
{
    struct fake_mail *fake = fake_mail_start(&(struct fake_mail_config){ .user = NULL });
    (void)state;

    START(relay_set(fake, "smtp", "", "?tls=never"), FROM, TO);
    fake_mail_answer(fake, "RCPT", "451 later");
    give("night@example.org");
    give("night@example.org");
    hear_end(NOTIFICATION_SENT);
    assert_int_equal(rig.last.attempts, 2);
    assert_string_equal(rig.last.id, "7.0.alert.1.0"); /* the order is kept */
    assert_int_equal(counter_read(&rig.ledger.mail_failing_s), 0);
    hear_end(NOTIFICATION_SENT);
    assert_int_equal(fake_mail_count(fake), 2);
    end_rig();
    fake_mail_stop(fake);
}

/* ---- webhooks ---------------------------------------------------------- */

static void a_webhook_that_fails_first_is_told_once(void **state)
{
    static const struct fake_answer first = { .status = 503 };
    struct fake_intake *fake = fake_intake_start();
    (void)state;

    START(hook_set(fake));
    fake_intake_script(fake, &first, 1);
    give("webhook-x");
    hear_end(NOTIFICATION_SENT);
    assert_int_equal(rig.last.attempts, 2);
    assert_int_equal(fake_intake_count(fake), 2);
    for (size_t i = 0; i < 2; i++) {
        const struct fake_request *request = fake_intake_request(fake, i);

        assert_string_equal(fake_request_header(request, "x-heeler-notification"),
                            "7.0.alert.1.0");
        assert_string_equal(fake_request_header(request, "x-token"), "hunter22-token");
        assert_string_equal(fake_request_header(request, "content-type"),
                            "application/json; charset=utf-8");
        assert_non_null(memmem(request->body, request->body_size, "\"alert_id\":\"7\"", 14));
    }
    is_in_balance();
    end_rig();
    fake_intake_stop(fake);
}

static void a_status_decides(void **state)
{
    static char large[(1 << 20) + 1];
    static const struct {
        struct fake_answer answer;
        enum notification_end end;
    } cases[] = {
        { { .status = 200 }, NOTIFICATION_SENT },
        { { .status = 200, .body = large }, NOTIFICATION_SENT }, /* the yes came before it */
        { { .status = 500, .body = large }, NOTIFICATION_WAITING },
        { { .status = 301 }, NOTIFICATION_WAITING }, /* is not followed */
        { { .status = 400 }, NOTIFICATION_REFUSED },
        { { .status = 404, .body = "Cannot POST /hook/hunter22-hunter22 (hunter22-token)" },
          NOTIFICATION_REFUSED },
        { { .status = 408 }, NOTIFICATION_WAITING },
        { { .status = 429, .retry_after = "120" }, NOTIFICATION_WAITING },
        { { .status = 500 }, NOTIFICATION_WAITING },
        { { .trick = FAKE_RESET }, NOTIFICATION_WAITING },
    };
    (void)state;

    memset(large, 'x', sizeof large - 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_intake *fake = fake_intake_start();

        START(hook_set(fake));
        fake_intake_script(fake, &cases[i].answer, 1);
        give("webhook-x");
        assert_true(hear(&rig.last));
        if (rig.last.end != cases[i].end || strstr(rig.last.answer, "hunter22") != NULL)
            fail_msg("%zu: %s", i, rig.last.answer);
        is_in_balance();
        end_rig();
        fake_intake_stop(fake);
    }
}

/* A webhook that nobody answers, and names that stand for nothing, hold up nobody else. */
static void one_that_hangs_holds_up_nobody_else(void **state)
{
    static const struct fake_answer hangs = { .trick = FAKE_HANG };
    struct fake_intake *hook = fake_intake_start();
    struct fake_mail *mail = fake_mail_start(&(struct fake_mail_config){ .user = NULL });
    (void)state;

    START(hook_set(hook), relay_set(mail, "smtp", "", "?tls=never"), FROM, TO);
    fake_intake_script(hook, &hangs, 1);
    give("webhook-x");
    assert_true(fake_intake_wait(hook, 1));
    for (int i = 0; i < 20; i++)
        give("night@example.org");
    for (int i = 0; i < 20; i++)
        hear_end(NOTIFICATION_SENT);
    fake_intake_release(hook);
    hear_end(NOTIFICATION_SENT);
    assert_string_equal(rig.last.receiver, "webhook-x");
    end_rig();
    fake_mail_stop(mail);
    fake_intake_stop(hook);
}

/* What the environment says of proxies is for others. */
static void no_proxy_of_the_environment_is_asked(void **state)
{
    struct fake_intake *fake = fake_intake_start();
    (void)state;

    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    START(hook_set(fake));
    give("webhook-x");
    hear_end(NOTIFICATION_SENT);
    unsetenv("ALL_PROXY");
    end_rig();
    fake_intake_stop(fake);
}

/* ---- all of it --------------------------------------------------------- */

static void none_is_missing_and_none_comes_twice(void **state)
{
    enum { N = 100 };
    static const struct fake_answer answers[] = {
        { .status = 500 },
        { .status = 0 },
        { .trick = FAKE_RESET },
        { .status = 0 },
    };
    struct fake_intake *hook = fake_intake_start();
    struct fake_mail *mail = fake_mail_start(&(struct fake_mail_config){ .user = NULL });
    char id[40];
    size_t next = 0;
    (void)state;

    START(hook_set(hook), relay_set(mail, "smtp", "", "?tls=never"), FROM, TO,
          "heeler_notify_per_hour=1000");
    fake_intake_script(hook, answers, 4);
    fake_mail_answer(mail, "RCPT", "451 later");
    fake_mail_answer(mail, "HELLO", NULL);
    fake_mail_answer(mail, ".", "452 later");
    for (int i = 0; i < N; i++) {
        give("webhook-x");
        give("night@example.org");
        give(i % 2 == 0 ? "day@example.org" : "webhook-unknown");
    }
    for (int i = 0; i < 3 * N; i++) {
        do
            assert_true(hear(&rig.last));
        while (rig.last.end == NOTIFICATION_WAITING);
        assert_int_equal(rig.last.end, strcmp(rig.last.receiver, "webhook-unknown") == 0
                                           ? NOTIFICATION_REFUSED
                                           : NOTIFICATION_SENT);
    }
    assert_int_equal(fake_mail_count(mail), N + N / 2);
    assert_int_equal(fake_intake_count(hook), N + 2);
    for (size_t i = 0; i < N + N / 2; i++) {
        const struct fake_mail_kept *kept = fake_mail_at(mail, i);

        if (strcmp(kept->to, "<night@example.org>") != 0)
            continue;
        snprintf(id, sizeof id, "Message-ID: <7.0.alert.%zu.0@", 3 * next++ + 2);
        assert_non_null(strstr(kept->text, id)); /* in the order in which they were raised */
    }
    is_in_balance();
    end_rig();
    fake_mail_stop(mail);
    fake_intake_stop(hook);
}

/* What a process before this one sent counts. */
static void what_is_too_much_waits_for_a_digest_and_comes_back_at_the_end(void **state)
{
    struct fake_mail *mail = fake_mail_start(&(struct fake_mail_config){ .user = NULL });
    struct hourly sent = { .n = 0 };
    (void)state;

    hourly_add(&sent, clock_wall_ms(), 1);
    START(relay_set(mail, "smtp", "", "?tls=never"), FROM, TO, "heeler_notify_per_hour=4");
    notifier_recall(rig.notifier, SLICE("night@example.org"), &sent, 0);
    for (int i = 0; i < 10; i++)
        give("night@example.org");
    for (int i = 0; i < 3; i++)
        hear_end(NOTIFICATION_SENT);
    undo_forget(&rig);
    assert_true(notifier_end(rig.notifier, WAIT_MS));
    for (int i = 0; i < 7; i++) {
        assert_true(hear(&rig.last));
        assert_int_equal(rig.last.end, NOTIFICATION_WAITING);
        assert_non_null(rig.last.notification);
    }
    assert_int_equal(fake_mail_count(mail), 3);
    notifier_recall(rig.notifier, SLICE("day@example.org"), &sent, 0); /* goes with it */
    stop(NULL);
    fake_mail_stop(mail);
}

static void the_end_waits_no_longer_than_it_may(void **state)
{
    static const struct fake_answer hangs = { .trick = FAKE_HANG };
    struct fake_intake *hook = fake_intake_start();
    (void)state;

    START(hook_set(hook));
    fake_intake_script(hook, &hangs, 1);
    give("webhook-x");
    give("webhook-x");
    assert_true(fake_intake_wait(hook, 1));
    undo_forget(&rig);
    assert_true(notifier_end(rig.notifier, 0));
    for (int i = 0; i < 3; i++) { /* an attempt that failed, and two that come back */
        assert_true(hear(&rig.last));
        assert_int_equal(rig.last.end, NOTIFICATION_WAITING);
    }
    stop(NULL);
    fake_intake_stop(hook);
}

static void a_reload_changes_who_is_told(void **state)
{
    struct fake_intake *hook = fake_intake_start();
    char *none[] = { "env=" };
    (void)state;

    START(hook_set(hook));
    give("webhook-x");
    hear_end(NOTIFICATION_SENT);
    notifier_follow(rig.notifier, receivers_of(none, 1));
    give("webhook-x");
    hear_end(NOTIFICATION_REFUSED);
    assert_string_equal(rig.last.answer, "heeler_webhooks has none of that name");
    notifier_follow(rig.notifier, receivers_of((char *[]){ hook_set(hook) }, 1));
    give("webhook-x");
    hear_end(NOTIFICATION_SENT);
    assert_int_equal(counter_read(&rig.ledger.refused_there), 1);
    end_rig();
    fake_intake_stop(hook);
}

static void a_heartbeat_is_fetched(void **state)
{
    static const struct fake_answer first = { .status = 500 };
    struct fake_intake *fake = fake_intake_start();
    char set[200];
    (void)state;

    snprintf(set, sizeof set, "heeler_heartbeat_url=%s/ping/hunter22", fake_intake_url(fake));
    START(set);
    fake_intake_script(fake, &first, 1);
    notifier_beat(rig.notifier);
    assert_true(fake_intake_wait(fake, 1));
    while (counter_read(&rig.ledger.heartbeats) == 0)
        notifier_beat(rig.notifier);
    assert_int_equal(counter_read(&rig.ledger.heartbeats_failed), 1);
    assert_string_equal(fake_intake_request(fake, 0)->path, "/ping/hunter22");
    end_rig();
    fake_intake_stop(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_arrives_in_the_clear_on_this_machine),
        cmocka_unit_test(with_tls_there_is_a_login),
        cmocka_unit_test(without_tls_that_can_be_trusted_nothing_is_said),
        cmocka_unit_test(a_no_of_the_server_is_for_good_or_for_now),
        cmocka_unit_test(what_was_refused_for_now_arrives_later),
        cmocka_unit_test(a_webhook_that_fails_first_is_told_once),
        cmocka_unit_test(a_status_decides),
        cmocka_unit_test(one_that_hangs_holds_up_nobody_else),
        cmocka_unit_test(no_proxy_of_the_environment_is_asked),
        cmocka_unit_test(none_is_missing_and_none_comes_twice),
        cmocka_unit_test(what_is_too_much_waits_for_a_digest_and_comes_back_at_the_end),
        cmocka_unit_test(the_end_waits_no_longer_than_it_may),
        cmocka_unit_test(a_reload_changes_who_is_told),
        cmocka_unit_test(a_heartbeat_is_fetched),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
