#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "config/log.h"
#include "server/http/checks.h"
#include "server/http/findings.h"
#include "server/http/health.h"
#include "tests/support/server_rig.h"
#include "tests/support/temp_file.h"

/* A server of which all is well, what is found of it, and its log. */
struct rig {
    struct server_rig server;
    struct findings findings;
    int64_t now_ms;
    char path[TEMP_PATH_SIZE];
};

enum { NOW_MS = SERVER_RIG_NOW_MS, WALL_S = SERVER_RIG_WALL_S };

static int set_up(void **state)
{
    struct rig *rig = aligned_alloc(64, (sizeof *rig + 63) / 64 * 64);

    *state = rig;
    if (rig == NULL)
        return -1;
    memset(rig, 0, sizeof *rig);
    rig->now_ms = NOW_MS;
    temp_file_write(rig->path, "", 0);
    return server_rig_make(&rig->server) && log_open(LOG_LEVEL_DEBUG, rig->path, false, false)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    log_close();
    unlink(rig->path);
    server_rig_free(&rig->server);
    free(rig);
    return 0;
}

static void look(struct rig *rig)
{
    findings_look(&rig->findings, &rig->server.view, rig->now_ms, WALL_S);
}

/* Those and no others. */
static void assert_active(const struct rig *rig, int id)
{
    for (int i = 0; i < FINDING_COUNT; i++)
        if (rig->findings.at[i].active != (i == id))
            fail_msg("%s is %sactive", finding_label((enum finding_id)i),
                     i == id ? "not " : "");
}

enum { NONE = -1 };

static char *logged(const struct rig *rig)
{
    log_flush();
    return temp_file_read(rig->path);
}

static void what_is_well_is_no_finding(void **state)
{
    struct rig *rig = *state;

    look(rig);
    look(rig);
    assert_active(rig, NONE);
    assert_int_equal(findings_count(&rig->findings), 0);
    assert_int_equal(findings_count(NULL), 0);
}

/* ---- states: a row each ------------------------------------------------ */

static void make_hang(struct rig *rig, bool on)
{
    rig->server.view.flusher_alive_ms = on ? NOW_MS - HEALTH_SILENT_MS : NOW_MS;
}

static void make_key_invalid(struct rig *rig, bool on)
{
    rig->server.sinks[1].key = on ? KEY_INVALID : KEY_VALID;
}

static void make_unreachable(struct rig *rig, bool on)
{
    rig->server.sinks[0].now.state = on ? DELIVERY_BLOCKED : DELIVERY_SENDING;
    rig->server.sinks[0].now.answer_error = ERROR_DNS;
    rig->server.sinks[0].queued.payloads = 3;
}

static void make_redis_silent(struct rig *rig, bool on)
{
    rig->server.mirror.up = !on;
}

static void make_history_held(struct rig *rig, bool on)
{
    counter_set(&rig->server.history.state, on ? HISTORY_HELD : HISTORY_OPEN);
}

static void make_mail_stuck(struct rig *rig, bool on)
{
    counter_set(&rig->server.notify.raised, 5);
    counter_set(&rig->server.notify.muted, 2);
    counter_set(&rig->server.notify.mail_failing_s, on ? WALL_S - 600 : WALL_S - 599);
}

static void make_webhook_stuck(struct rig *rig, bool on)
{
    counter_set(&rig->server.notify.mail_failing_s, 0);
    counter_set(&rig->server.notify.webhooks_failing_s, on ? WALL_S - 900 : 0);
}

static void make_evaluation_late(struct rig *rig, bool on)
{
    counter_set(&rig->server.monitors.evaluated_s, on ? WALL_S - 121 : WALL_S - 120);
}

static void make_monitors_wrong(struct rig *rig, bool on)
{
    counter_set(&rig->server.monitors.problems, on ? 2 : 0);
}

static void make_downtimes_unknown(struct rig *rig, bool on)
{
    counter_set(&rig->server.monitors.unknown_downtimes, on ? 1 : 0);
}

#define CHECK(name, state, error)               \
    "{\"name\":\"" name "\",\"state\":\"" state \
    "\",\"source\":\"a.yaml:3\",\"error\":\"" error "\"}"

static void make_checks_fail(struct rig *rig, bool on)
{
    static const char fine[] = "{\"instances\":[" CHECK("a", "ok", "") "]}";
    static const char bad[] =
        "{\"instances\":[" CHECK("a", "ok", "") "," CHECK("b", "error", "no") "," CHECK(
            "c", "refused", "a\\nb") "," CHECK("d", "killed", "") "]}";

    server_rig_tell_checks(&rig->server, on ? bad : fine, rig->now_ms);
}

static void make_checks_silent(struct rig *rig, bool on)
{
    static const char some[] =
        "{\"instances\":[" CHECK("a", "error", "") "," CHECK("b", "ok", "") "]}";
    static const char gone[] = "{\"instances\":[],\"ended\":true}";

    server_rig_tell_checks(&rig->server, on ? some : gone,
                           rig->now_ms - INT64_C(1000) * CHECKS_SILENT_S);
}

static void make_imbalance(struct rig *rig, bool on)
{
    counter_set(&rig->server.flusher.values_imbalance, on);
}

static void make_crowd(struct rig *rig, bool on)
{
    counter_set(&rig->server.workers[1].contexts, on ? 900 : 899);
}

static void make_growth(struct rig *rig, bool on)
{
    rig->server.survey =
        (struct tag_survey){ .n = 2,
                             .at = { { "env", 3, false }, { "request_id", 7000, on } } };
}

static void make_clock_apart(struct rig *rig, bool on)
{
    rig->server.sinks[0].now.clock_ahead_s = on ? -61 : -60;
}

static void make_duplicate(struct rig *rig, bool on)
{
    rig->server.mirror.duplicates = on ? 2 : 0;
}

static void make_buffer_small(struct rig *rig, bool on)
{
    rig->server.listener[0].asked_bytes = 64 << 20;
    rig->server.listener[0].buffer_is_ours = true;
    rig->server.listener[0].granted_bytes = on ? 212992 : LISTENER_GOOD_BYTES;
}

static void make_queue_short(struct rig *rig, bool on)
{
    rig->server.listener[1].queue_datagrams = on ? 10 : LISTENER_GOOD_QUEUE;
}

static void make_deaf(struct rig *rig, bool on)
{
    rig->server.facts.deaf_on_v6 = on;
}

static void make_container(struct rig *rig, bool on)
{
    rig->server.facts.hostname_of_container = on;
}

static void make_interval(struct rig *rig, bool on)
{
    rig->server.settings.heeler_interval = on ? 7 : 12;
}

static void make_local(struct rig *rig, bool on)
{
    rig->server.view.local = on;
}

static void make_silence(struct rig *rig, bool on)
{
    counter_set(&rig->server.sockets[0].datagrams, !on);
}

/* A state without a row here fails. */
static const struct {
    void (*make)(struct rig *rig, bool on);
    const char *says, *mends;
} states[] = {
    [FINDING_HANGS] = { make_hang, "the flusher has made no turn for 30 s", "heeler flare" },
    [FINDING_KEY] = { make_key_invalid, "does not accept the API key", "api_key" },
    [FINDING_UNREACHABLE] = { make_unreachable, "takes no payloads (error dns); 3 wait",
                              "curl" },
    [FINDING_REDIS] = { make_redis_silent, "Redis does not take", "redis-cli" },
    [FINDING_HISTORY] = { make_history_held, "in memory only: another process", "rolling" },
    [FINDING_MAIL] = { make_mail_stuck, "no mail for 10 min; 3 notifications wait",
                       "heeler monitor test" },
    [FINDING_WEBHOOK] = { make_webhook_stuck, "a webhook has taken nothing for 15 min",
                          "heeler monitor test" },
    [FINDING_EVALUATION] = { make_evaluation_late, "are evaluated 61 s late", "monitor list" },
    [FINDING_MONITORS] = { make_monitors_wrong, "2 monitors could not be evaluated and tell",
                           "heeler monitor list" },
    [FINDING_DOWNTIMES] = { make_downtimes_unknown, "1 downtime that recurs mutes nothing",
                            "heeler-calendar" },
    [FINDING_CHECKS_SILENT] = { make_checks_silent,
                                "has not been heard of for 60 s: 2 instances",
                                "systemctl status heeler-checks" },
    [FINDING_CHECKS] = { make_checks_fail,
                         "3 of 4 instances of checks fail: c (a.yaml:3): a\\nb",
                         "heeler checks --once" },
    [FINDING_IMBALANCE] = { make_imbalance, "0 lines, 1 values, 0 points", "report it" },
    [FINDING_CONTEXTS] = { make_crowd, "900 of 1000 contexts", "heeler_max_contexts" },
    [FINDING_TAG_GROWS] = { make_growth, "request_id has 7000 values",
                            "metric_tag_filterlist" },
    [FINDING_CLOCK] = { make_clock_apart, "is 61 s ahead of that", "set-ntp" },
    [FINDING_DUPLICATE] = { make_duplicate, "2 other living servers", "DD_HOSTNAME" },
    [FINDING_BUFFER] = { make_buffer_small, "udp 0 has 208 KiB", "net.core.rmem_max=16777216" },
    [FINDING_QUEUE] = { make_queue_short, "unix 1: the kernel queues 10",
                        "max_dgram_qlen=1024" },
    [FINDING_DEAF_V6] = { make_deaf, "::1 is not", "bind_host=localhost" },
    [FINDING_CONTAINER] = { make_container, "container", "DD_HOSTNAME" },
    [FINDING_INTERVAL] = { make_interval, "heeler_interval is 7 s", "heeler_interval" },
    [FINDING_NO_KEY] = { make_local, "local mode", "DD_API_KEY" },
    [FINDING_SILENCE] = { make_silence, "nothing was received since the start, 10000 s ago",
                          "heeler send" },
};

enum { STATES = sizeof states / sizeof states[0] };

static void every_state_begins_says_what_it_is_and_ends(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(STATES, FINDING_DROPS); /* the first counter */
    for (int i = 0; i < STATES; i++) {
        const struct finding *finding = &rig->findings.at[i];

        if (states[i].make == NULL)
            fail_msg("%s has no test", finding_label((enum finding_id)i));
        states[i].make(rig, true);
        look(rig);
        assert_active(rig, i);
        assert_int_equal(finding->since_s, WALL_S);
        if (strstr(finding->sentence, states[i].says) == NULL ||
            strstr(finding->mend, states[i].mends) == NULL)
            fail_msg("%s: %s (%s)", finding_label((enum finding_id)i), finding->sentence,
                     finding->mend);
        assert_null(strstr(finding->sentence, "secret")); /* of the URL */
        assert_null(strstr(finding->mend, "secret"));
        states[i].make(rig, false);
        look(rig);
        assert_active(rig, NONE);
    }
}

/* A file that is wrong has no instance; one that has ended says nothing about now. */
static void a_file_of_checks_that_is_wrong_is_told(void **state)
{
    struct rig *rig = *state;

    server_rig_tell_checks(&rig->server,
                           "{\"instances\":[],\"problems\":[\"b.yaml:2: a tab\",\"c\"]}",
                           rig->now_ms);
    look(rig);
    assert_active(rig, FINDING_CHECKS);
    assert_string_equal(rig->findings.at[FINDING_CHECKS].sentence,
                        "2 files of checks are wrong: b.yaml:2: a tab");
    server_rig_tell_checks(
        &rig->server, "{\"instances\":[],\"ended\":true,\"problems\":[\"b\"]}", rig->now_ms);
    look(rig);
    assert_active(rig, NONE);
}

static void a_finding_is_logged_once_and_so_is_its_end(void **state)
{
    struct rig *rig = *state;

    make_interval(rig, true);
    make_deaf(rig, true);
    make_imbalance(rig, true);
    for (int i = 0; i < 5; i++)
        look(rig);
    char *text = logged(rig);
    char *first = strstr(text, "INFO server: finding interval_not_of_minute: heeler_interval");
    assert_non_null(first);
    assert_null(strstr(first + 1, "INFO server: finding interval_not_of_minute"));
    assert_non_null(strstr(text, "WARN server: finding ledger_imbalance: the books"));
    free(text);
    make_interval(rig, false);
    look(rig);
    look(rig);
    text = logged(rig);
    first = strstr(text, "INFO server: finding interval_not_of_minute is over\n");
    assert_non_null(first);
    assert_null(strstr(strchr(first, '\n'), "is over"));
    free(text);
}

/* Tags and names in sentences are those of strangers. */
static void a_tag_of_escape_sequences_is_harmless_in_log_and_json(void **state)
{
    struct rig *rig = *state;
    struct json_out out = { .comma = false };

    rig->server.survey =
        (struct tag_survey){ .n = 1,
                             .at = { { "\x1b[2J<img onerror=x>\xff\xc2\x9b", 9000, true } } };
    look(rig);
    char *text = logged(rig);
    assert_non_null(strstr(text, "\\x1b[2J<img onerror=x>\\xff\\xc2\\x9b"));
    assert_null(strchr(text, '\x1b'));
    free(text);
    findings_write(&out, NULL, &rig->findings);
    json_t *json = json_loadb((const char *)out.bytes.at, out.bytes.len, 0, NULL);
    assert_non_null(json);
    assert_null(memchr(out.bytes.at, 0x1b, out.bytes.len));
    json_decref(json);
    bytes_free(&out.bytes);
}

/* ---- counters ---------------------------------------------------------- */

/* Moves what that finding counts; false: it has nothing to count. */
static bool move(struct rig *rig, int id)
{
    struct counter *counter = NULL;
    _Atomic(uint64_t) *amount = NULL;
    int of;

    if (id == FINDING_DROPS)
        amount = &rig->server.sockets[0].drops;
    else if (id == FINDING_TRUNCATED)
        counter = &rig->server.sockets[0].truncated;
    else if (id == FINDING_RECORDS)
        counter = &rig->server.workers[1].records_shed;
    else if (id == FINDING_REFUSED)
        amount = &rig->server.sinks[1].refused[REFUSED_413].payloads;
    else if (id == FINDING_CONFLICTS)
        counter = &rig->server.flusher.type_conflicts;
    else if ((of = id - FINDING_OF_UNSENT_QUEUE_FULL) >= 0)
        amount = &rig->server.sinks[1].shed[of].points;
    else if ((of = id - FINDING_OF_POINT_NOT_FINITE) >= 0)
        counter = &rig->server.flusher.dropped[of];
    else if ((of = id - FINDING_OF_SHED_NOT_FINITE) >= 0)
        counter = of % 2 == 0 ? &rig->server.workers[1].shed[SHED_NOTHING + 1 + of]
                              : &rig->server.flusher.shed[SHED_NOTHING + 1 + of];
    else if ((of = id - FINDING_OF_PARSE_OK) > 0)
        counter = &rig->server.workers[1].rejected[of];
    if (counter != NULL)
        counter_add(counter, 5);
    if (amount != NULL)
        *amount += 5;
    return counter != NULL || amount != NULL;
}

/* All threads turn meanwhile. */
static void pass_time(struct rig *rig, int64_t ms)
{
    rig->now_ms += ms;
    for (int i = 0; i < SERVER_RIG_WORKERS; i++)
        counter_set(&rig->server.workers[i].alive_ms, (uint64_t)rig->now_ms);
    rig->server.view.flusher_alive_ms = rig->server.view.delivery_alive_ms = rig->now_ms;
}

static void every_counter_that_moves_is_told_for_a_minute(void **state)
{
    struct rig *rig = *state;

    look(rig);
    for (int i = FINDING_DROPS; i < FINDING_COUNT; i++) {
        const struct finding *finding = &rig->findings.at[i];

        if (!move(rig, i)) {
            assert_int_equal(i, FINDING_OF_PARSE_OK); /* no line is refused as accepted */
            continue;
        }
        look(rig);
        assert_active(rig, i);
        assert_int_equal(strncmp(finding->sentence, "5 ", 2), 0);
        assert_true(strlen(finding->sentence) > 20 && finding->mend[0] != '\0');
        move(rig, i);
        pass_time(rig, 59000);
        look(rig); /* all since it began */
        assert_int_equal(strncmp(finding->sentence, "10 ", 3), 0);
        pass_time(rig, 3600000);
        look(rig);
        assert_active(rig, NONE);
        move(rig, i); /* it begins anew, with what came since */
        look(rig);
        assert_int_equal(strncmp(finding->sentence, "5 ", 2), 0);
        pass_time(rig, 3600000);
        look(rig);
    }
}

static void one_is_no_plural(void **state)
{
    static const struct {
        int id;
        const char *one, *two;
    } cases[] = {
        { FINDING_OF_PARSE_BAD_TYPE, "1 line was refused: ", "2 lines were refused: " },
        { FINDING_OF_SHED_MEMORY, "1 value was shed: ", "2 values were shed: " },
        { FINDING_RECORDS,
          "1 event or service check was shed: ", "2 events and service checks were shed: " },
        { FINDING_CONFLICTS, "1 series has the name", "2 series have the name" },
    };
    struct rig *rig = *state;
    struct counter *counters[] = { &rig->server.workers[1].rejected[PARSE_BAD_TYPE],
                                   &rig->server.workers[1].shed[SHED_MEMORY],
                                   &rig->server.workers[1].records_shed,
                                   &rig->server.flusher.type_conflicts };

    look(rig);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *sentence = rig->findings.at[cases[i].id].sentence;

        counter_add(counters[i], 1);
        look(rig);
        assert_int_equal(strncmp(sentence, cases[i].one, strlen(cases[i].one)), 0);
        counter_add(counters[i], 1);
        look(rig);
        assert_int_equal(strncmp(sentence, cases[i].two, strlen(cases[i].two)), 0);
    }
}

/* What a successor inherits of counts did not happen now. */
static void counts_of_before_the_first_look_are_no_finding(void **state)
{
    struct rig *rig = *state;

    for (int i = FINDING_DROPS; i < FINDING_COUNT; i++)
        (void)move(rig, i);
    look(rig);
    assert_active(rig, NONE);
}

static void what_the_operator_asked_for_is_a_notice(void **state)
{
    (void)state;
    assert_int_equal(finding_severity_of(FINDING_OF_SHED_FILTERED), FINDING_NOTICE);
    assert_int_equal(finding_severity_of(FINDING_OF_POINT_DISABLED), FINDING_NOTICE);
    assert_int_equal(finding_severity_of(FINDING_OF_SHED_MEMORY), FINDING_WARNING);
    assert_int_equal(finding_severity_of(FINDING_OF_UNSENT_QUEUE_FULL), FINDING_ERROR);
}

/* ---- where they are shown ---------------------------------------------- */

static void errors_come_first_and_ids_are_unique(void **state)
{
    struct rig *rig = *state;
    struct json_out out = { .comma = false };

    make_interval(rig, true);
    make_crowd(rig, true);
    make_key_invalid(rig, true);
    look(rig);
    findings_write(&out, NULL, &rig->findings);
    json_t *json = json_loadb((const char *)out.bytes.at, out.bytes.len, 0, NULL);
    static const char *const ids[] = { "api_key_invalid", "contexts_near_bound",
                                       "interval_not_of_minute" };
    assert_int_equal(json_array_size(json), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(json, i), "id")),
                            ids[i]);
    json_decref(json);
    bytes_free(&out.bytes);
    for (int i = 0; i < FINDING_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(finding_label((enum finding_id)i),
                                    finding_label((enum finding_id)j));
}

static void readiness_names_all_of_them_and_is_not_changed(void **state)
{
    struct rig *rig = *state;
    char text[HEALTH_TEXT_MAX];

    look(rig);
    for (int i = 0; i < FINDING_COUNT; i++)
        rig->findings.at[i].active = true;
    rig->server.view.findings = &rig->findings;
    assert_int_equal(
        health_write(&rig->server.view, true, NOW_MS, INT64_C(1000) * WALL_S, text), 200);
    json_t *json = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "Findings")), FINDING_COUNT);
    json_decref(json);
    assert_int_equal(
        health_write(&rig->server.view, false, NOW_MS, INT64_C(1000) * WALL_S, text), 200);
    assert_null(strstr(text, "Findings"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_well_is_no_finding),
        TEST(every_state_begins_says_what_it_is_and_ends),
        TEST(a_file_of_checks_that_is_wrong_is_told),
        TEST(a_finding_is_logged_once_and_so_is_its_end),
        TEST(a_tag_of_escape_sequences_is_harmless_in_log_and_json),
        TEST(every_counter_that_moves_is_told_for_a_minute),
        TEST(one_is_no_plural),
        TEST(counts_of_before_the_first_look_are_no_finding),
        TEST(what_the_operator_asked_for_is_a_notice),
        TEST(errors_come_first_and_ids_are_unique),
        TEST(readiness_names_all_of_them_and_is_not_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
