#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "flush/notify/receivers.h"
#include "tests/support/temp_file.h"
#include "tests/support/with_settings.h"

#define RELAY "heeler_smtp_url=smtps://u:hunter22@relay.example.org"
#define FROM  "heeler_smtp_from=heeler@example.org"

static struct receivers *made_of(char **sets, size_t n, char *problem, size_t problem_size)
{
    struct settings settings;

    assert_true(with_settings(&settings, sets, n));
    problem[0] = '\0';
    struct receivers *made = receivers_new(&settings, problem, problem_size);

    settings_free(&settings);
    return made;
}

static void a_handle_finds_a_receiver_or_a_reason(void **state)
{
    static const struct {
        const char *handle;
        bool has_variable;
        enum receiver_refusal refusal;
    } cases[] = {
        { "night@example.org", false, RECEIVER_TAKEN },
        { "Night@EXAMPLE.org", false, RECEIVER_TAKEN },
        { "anybody@our.example", false, RECEIVER_TAKEN }, /* the domain may */
        { "anybody@sub.our.example", false, RECEIVER_NOT_ALLOWED },
        { "anybody@notour.example", false, RECEIVER_NOT_ALLOWED },
        { "day@example.org", false, RECEIVER_NOT_ALLOWED },
        { "night@example.org.evil.example", false, RECEIVER_NOT_ALLOWED },
        { "webhook-pager", false, RECEIVER_TAKEN },
        { "webhook-Pager", false, RECEIVER_UNKNOWN },
        { "webhook-", false, RECEIVER_UNKNOWN },
        { "webhook-pager", true, RECEIVER_VARIABLE },
        { "night@example.org", true, RECEIVER_VARIABLE },
        { "slack-channel", false, RECEIVER_MALFORMED },
        { "", false, RECEIVER_MALFORMED },
        { "@our.example", false, RECEIVER_MALFORMED },
        { "a@b@our.example", false, RECEIVER_MALFORMED },
        { "a b@our.example", false, RECEIVER_MALFORMED },
        { "a\r\nRCPT TO:<b@our.example", false, RECEIVER_MALFORMED },
        { "a>,<b@our.example", false, RECEIVER_MALFORMED },
        { "\"a\"@our.example", false, RECEIVER_MALFORMED },
        { "\xc3\xa9@our.example", false, RECEIVER_MALFORMED },
        { "a@-our.example", false, RECEIVER_MALFORMED },
    };
    char *sets[] = { RELAY, FROM, "heeler_mail_to=night@example.org @our.example",
                     "heeler_webhooks=[{\"name\":\"pager\",\"url\":\"https://h/x\"}]" };
    char problem[300];
    const struct webhook *webhook;
    (void)state;

    struct receivers *receivers = made_of(sets, 4, problem, sizeof problem);
    assert_non_null(receivers);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum receiver_refusal found = receivers_find(receivers, slice_of(cases[i].handle),
                                                     cases[i].has_variable, &webhook);
        if (found != cases[i].refusal)
            fail_msg("%s: %s", cases[i].handle, receiver_refusal_sentence(found));
        assert_true((webhook != NULL) ==
                    (found == RECEIVER_TAKEN && strchr(cases[i].handle, '@') == NULL));
    }
    receivers_release(receivers);
}

static void without_a_server_there_is_no_mail(void **state)
{
    char *sets[] = { "heeler_mail_to=night@example.org" };
    char problem[300];
    const struct webhook *webhook;
    (void)state;

    struct receivers *receivers = made_of(sets, 1, problem, sizeof problem);
    assert_int_equal(receivers_find(receivers, SLICE("night@example.org"), false, &webhook),
                     RECEIVER_NO_MAIL);
    receivers_release(receivers);
}

#define HOOK(members) "heeler_webhooks=[{" members "}]"

static void what_is_wrong_is_said_and_nothing_secret(void **state)
{
    static const struct {
        char *set;
        const char *sentence;
    } cases[] = {
        { "heeler_mail_to=example.org", "heeler_mail_to: \"example.org\" is neither" },
        { "heeler_mail_to=a@b@c", "is neither" },
        { "heeler_smtp_from=somebody", "heeler_smtp_from: \"somebody\" is no address" },
        { RELAY, "heeler_smtp_from is not" },
        { "heeler_smtp_url=http://u:hunter22@h", "heeler_smtp_url: it is no URL of the form" },
        { "heeler_smtp_url=relay", "it is no URL" },
        { "heeler_smtp_url=smtp://u:hunter22@h?tls=never", "for a server on this machine" },
        { "heeler_smtp_url=smtp://u:hunter22@h?tls=maybe", "the only thing it may have" },
        { "heeler_smtp_url=smtps://127.0.0.1?tls=never", "contradicts" },
        { "heeler_smtp_url=smtp://hunter22@h", "no password" },
        { "heeler_smtp_url=smtp://u%0a:hunter22@h", "control characters" },
        { "heeler_smtp_url=smtp://u:hunter22%0d%0a@h", "no password that can be used" },
        { "heeler_webhooks=[5]", "heeler_webhooks: number 1 is no map" },
        { HOOK("\"url\":\"https://h/hunter22\""), "number 1 has no name" },
        { HOOK("\"name\":\"a b\",\"url\":\"https://h/hunter22\""), "number 1 has no name" },
        { HOOK("\"name\":\"a\",\"uri\":\"https://h/hunter22\""), "none of name, url" },
        { HOOK("\"name\":\"a\",\"url\":5"), "its url is no text" },
        { HOOK("\"name\":\"a\""), "heeler_webhooks: a: it needs a url" },
        { HOOK("\"name\":\"a\",\"url\":\"http://h/$ALERT_ID\""),
          "heeler_webhooks: a: its URL has a $VARIABLE" },
        { HOOK("\"name\":\"a\",\"url\":\"http://h/\",\"headers\":{\"b\":\"1\",\"c\":\"x "
               "$TAGS[a]\"}"),
          "heeler_webhooks: a: header 2 has a $VARIABLE" },
        { HOOK("\"name\":\"a\",\"url_file\":\"/nowhere\""),
          "heeler_webhooks: a: url_file /nowhere cannot be read: No such file or directory" },
        { HOOK("\"name\":\"a\",\"url\":\"x\",\"url_file\":\"y\""), "and not both" },
        { HOOK("\"name\":\"a\",\"url_file\":\"/nonexistent/x\""),
          "a: url_file /nonexistent/x cannot be read: No such" },
        { HOOK("\"name\":\"a\",\"url\":\"ftp://h/hunter22\""), "none of http:// or https://" },
        { HOOK("\"name\":\"a\",\"url\":\"https://h/\\r\\nhunter22\""), "none of http://" },
        { HOOK("\"name\":\"a\",\"url\":\"https://h\",\"headers\":[1]"), "headers is a map" },
        { HOOK("\"name\":\"a\",\"url\":\"https://h\",\"headers\":{\"A\":\"hunter22\\r\\nB: "
               "c\"}"),
          "header 1 has a name or a value" },
        { HOOK("\"name\":\"a\",\"url\":\"https://h\",\"headers\":{\"A B\":\"hunter22\"}"),
          "header 1" },
        { HOOK("\"name\":\"a\",\"url\":\"https://h\",\"headers\":{\"Host\":\"hunter22\"}"),
          "header 1" },
        { HOOK("\"name\":\"a\",\"url\":\"https://h\",\"body\":\"{$ID}\""), "is not JSON" },
        { HOOK("\"name\":\"a\",\"url\":\"https://h\",\"body\":\"{\\\"a\\\":$NOTHING}\""),
          "is not JSON" },
        { "heeler_webhooks=[{\"name\":\"a\",\"url\":\"http://h\"},{\"name\":\"a\",\"url\":"
          "\"http://hunter22\"}]",
          "the name a is there twice" },
        { "heeler_heartbeat_url=ftp://hunter22", "heeler_heartbeat_url is none of" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *sets[] = { cases[i].set };
        char problem[512];

        assert_null(made_of(sets, 1, problem, sizeof problem));
        if (strstr(problem, cases[i].sentence) == NULL || strstr(problem, "hunter22") != NULL)
            fail_msg("%s: %s", cases[i].set, problem);
    }
}

static void what_is_fit_is_taken(void **state)
{
    static char *cases[][2] = {
        { "heeler_smtp_url=smtp://localhost:2525?tls=never", FROM },
        { "heeler_smtp_url=smtp://u:p@127.0.0.1?tls=never", FROM },
        { "heeler_smtp_url=smtp://[::1]:25?tls=never", FROM },
        { "heeler_smtp_url=smtp://u%40example.org:p%2fw@relay:587", FROM },
        { HOOK("\"name\":\"a\",\"url\":\"https://u:p@h:1/x?y=z\",\"headers\":{\"A\":\"\"}"),
          "env=" },
        { HOOK("\"name\":\"a\",\"url\":\"http://h\",\"body\":\"[$ALERT_ID,$ID,\\\"$ID\\\"]\""),
          "env=" },
        { "heeler_heartbeat_url=https://h/x", "env=" },
    };
    char problem[512];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct receivers *receivers = made_of(cases[i], 2, problem, sizeof problem);
        if (receivers == NULL)
            fail_msg("%s: %s", cases[i][0], problem);
        receivers_release(receivers);
    }
}

static void the_relay_is_taken_apart(void **state)
{
    struct relay relay;
    char problem[300];
    (void)state;

    assert_true(relay_read("smtp://u%40x.org:p%2fw%3f@relay:587/me?tls=never#x", &relay,
                           problem, sizeof problem) == false);
    relay_free(&relay);
    assert_true(
        relay_read("smtp://u%40x.org:p%2fw%3f@relay:587", &relay, problem, sizeof problem));
    assert_string_equal(relay.user, "u@x.org");
    assert_string_equal(relay.password, "p/w?");
    assert_null(strstr(relay.url, "p%2f"));
    assert_non_null(strstr(relay.url, "smtp://relay:587"));
    assert_false(relay.in_the_clear);
    relay_free(&relay);
    assert_true(relay_read("smtp://localhost?tls=never", &relay, problem, sizeof problem));
    assert_true(relay.in_the_clear);
    assert_null(strchr(relay.url, '?'));
    relay_free(&relay);
}

static void a_url_may_stand_in_a_file(void **state)
{
    char path[TEMP_PATH_SIZE], set[TEMP_PATH_SIZE + 80], problem[300];
    char *sets[] = { set };
    (void)state;

    temp_file_write(path, "https://h/hunter22\n", 19);
    snprintf(set, sizeof set, HOOK("\"name\":\"a\",\"url_file\":\"%s\""), path);
    assert_int_equal(chmod(path, 0600), 0);
    struct receivers *receivers = made_of(sets, 1, problem, sizeof problem);
    assert_int_equal(chmod(path, 0644), 0);
    struct receivers *open = made_of(sets, 1, problem, sizeof problem);
    unlink(path);
    assert_non_null(receivers);
    assert_string_equal(receivers->webhooks[0].url, "https://h/hunter22");
    receivers_release(receivers);
    assert_null(open);
    assert_non_null(strstr(problem, "has mode 0644"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handle_finds_a_receiver_or_a_reason),
        cmocka_unit_test(without_a_server_there_is_no_mail),
        cmocka_unit_test(what_is_wrong_is_said_and_nothing_secret),
        cmocka_unit_test(what_is_fit_is_taken),
        cmocka_unit_test(the_relay_is_taken_apart),
        cmocka_unit_test(a_url_may_stand_in_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
