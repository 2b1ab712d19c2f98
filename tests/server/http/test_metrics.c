#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/http/metrics.h"
#include "server/receive/code_paths.h"
#include "tests/support/running.h"
#include "tests/support/server_rig.h"
#include "tests/support/temp_file.h"
#include "tests/support/udp.h"

/* The value of a sample by its name and labels, -1 when it is not there. */
static double sample(const char *text, const char *series)
{
    size_t len = strlen(series);

    for (const char *line = text; line != NULL && *line != '\0';
         line = strchr(line, '\n'), line += line != NULL)
        if (strncmp(line, series, len) == 0 && line[len] == ' ')
            return strtod(line + len, NULL);
    return -1;
}

static void assert_sample(const char *text, const char *series, double value)
{
    if (sample(text, series) != value)
        fail_msg("%s is %f, not %f", series, sample(text, series), value);
}

static char *scrape(struct running *running)
{
    char *text;

    assert_int_equal(running_get(running, server_http_port(running->server), "/metrics", &text),
                     200);
    return text;
}

static void counters_are_live_and_labelled(void **state)
{
    static struct running running;
    char series[128];
    (void)state;

    assert_true(
        RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0", "heeler_interval=60"));
    int fd = udp_sender(running_listener(&running, 0));
    udp_send(fd, "a:1:2|c\nb:1|g\n_e{1,1}:t|x\n_sc|c|0\nbad\n");
    assert_true(running_until(&running, running_datagrams, 1));
    char *text = scrape(&running); /* long before the interval ends */
    snprintf(series, sizeof series, "heeler_datagrams_received_total{listener=\"%s\"}",
             running_listener(&running, 0));
    assert_sample(text, series, 1);
    snprintf(series, sizeof series, "heeler_bytes_received_total{listener=\"%s\"}",
             running_listener(&running, 0));
    assert_sample(text, series, 38);
    snprintf(series, sizeof series, "heeler_datagrams_dropped_by_kernel_total{listener=\"%s\"}",
             running_listener(&running, 0));
    assert_sample(text, series, 0);
    assert_sample(text, "heeler_lines_received_total{kind=\"metric\"}", 3);
    assert_sample(text, "heeler_lines_received_total{kind=\"event\"}", 1);
    assert_sample(text, "heeler_lines_received_total{kind=\"service_check\"}", 1);
    assert_sample(text, "heeler_lines_rejected_total{reason=\"no_type\"}", 1);
    assert_sample(text, "heeler_lines_rejected_total{reason=\"bad_value\"}", 0);
    assert_sample(text, "heeler_values_total{type=\"count\"}", 2);
    assert_sample(text, "heeler_values_total{type=\"gauge\"}", 1);
    assert_sample(text, "heeler_values_total{type=\"distribution\"}", 0);
    assert_sample(text, "heeler_values_shed_total{reason=\"not_finite\"}", 0);
    assert_sample(text, "heeler_contexts_born_total", 2);
    assert_sample(text, "heeler_points_encoded_total{kind=\"series\"}", 0);
    assert_sample(text, "heeler_payloads_total{sink=\"intake\",result=\"delivered\"}", 0);
    assert_sample(text, "heeler_ledger_imbalance{balance=\"lines\"}", 0);
    assert_sample(text, "heeler_ledger_imbalance{balance=\"values\"}", 0);
    assert_sample(text, "heeler_ledger_imbalance{balance=\"points\"}", 0);
    assert_sample(text, "heeler_build_info{version=\"" HEELER_VERSION "\"}", 1);
    snprintf(series, sizeof series, "heeler_code_path_info{scan=\"%s\",hash=\"%s\"}",
             code_path_word(code_steps[0]), code_path_word(code_steps[1]));
    assert_sample(text, series, 1);
    assert_true(sample(text, "process_resident_memory_bytes") > 1e6);
    assert_true(sample(text, "process_cpu_seconds_total") > 0);
    assert_true(sample(text, "process_start_time_seconds") > 1.7e9);
    free(text);
    close(fd);
    assert_true(running_stop(&running));
    running_free(&running);
}

static void a_scrape_sees_drops_that_no_read_followed(void **state)
{
    static struct running running;
    char series[128];
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0",
                              "dogstatsd_so_rcvbuf=4096", "heeler_interval=60"));
    int fd = udp_sender(running_listener(&running, 0));
    for (int i = 0; i < 5000; i++)
        udp_send(fd, "burst:1|c");
    snprintf(series, sizeof series, "heeler_datagrams_dropped_by_kernel_total{listener=\"%s\"}",
             running_listener(&running, 0));
    char received[128];
    snprintf(received, sizeof received, "heeler_datagrams_received_total{listener=\"%s\"}",
             running_listener(&running, 0));
    double sum = 0;
    for (int i = 0; i < 60000 && sum < 5000; i++) {
        char *text = scrape(&running);
        sum = sample(text, series) + sample(text, received);
        free(text);
    }
    assert_float_equal(sum, 5000, 0);
    close(fd);
    assert_true(running_stop(&running));
    assert_int_equal(
        running_ledger(&running, "datagrams") + running_ledger(&running, "kernel_drops"), 5000);
    assert_int_equal(running_ledger(&running, "gate"), 0);
    running_free(&running);
}

/* As a Prometheus server reads it: help and type once, before the samples of that
 * family and of no other. */
static void the_text_is_a_well_formed_exposition(void **state)
{
    static struct running running;
    char family[128] = "", *rest = NULL;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"));
    char *text = scrape(&running);
    assert_int_equal(text[strlen(text) - 1], '\n');
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            snprintf(family, sizeof family, "%.*s", (int)strcspn(line + 7, " "), line + 7);
            assert_true(strlen(line) > 7 + strlen(family) + 1);
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            assert_int_equal(strncmp(line + 7, family, strlen(family)), 0);
            bool total =
                strlen(family) > 6 && strcmp(family + strlen(family) - 6, "_total") == 0;
            assert_string_equal(line + 8 + strlen(family), total ? "counter" : "gauge");
        } else {
            size_t name = strcspn(line, "{ ");
            if (name != strlen(family) || strncmp(line, family, name) != 0)
                fail_msg("\"%s\" stands under %s", line, family);
            char *end, *value = strrchr(line, ' ') + 1;
            strtod(value, &end);
            assert_true(end != value && *end == '\0');
        }
    }
    free(text);
    assert_true(running_stop(&running));
    running_free(&running);
}

static void every_family_of_the_list_is_in_the_text(void **state)
{
    static struct running running;
    char *list = NULL, *rest = NULL, root[TEMP_PATH_SIZE], path[TEMP_PATH_SIZE + 32];
    size_t size;
    FILE *out = open_memstream(&list, &size);
    (void)state;

    temp_folder_make(root);
    snprintf(path, sizeof path, "heeler_state_path=%s", root);
    metrics_list(out);
    fclose(out);
    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0",
                              "heeler_redis_url=redis://127.0.0.1:1", path));
    char *text = scrape(&running);
    for (char *line = strtok_r(list, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char head[160];
        snprintf(head, sizeof head, "# HELP %.*s ", (int)strcspn(line, " "), line);
        if (strstr(text, head) == NULL)
            fail_msg("%s is listed and not written", head);
    }
    free(text);
    free(list);
    assert_true(running_stop(&running));
    running_free(&running);
    temp_folder_remove(root);
}

/* What became of notifications, and what waits, is all that were raised. */
static void monitors_and_their_notifications_are_counted(void **state)
{
    static struct server_rig rig;
    struct evbuffer *out = evbuffer_new();
    (void)state;

    assert_true(server_rig_make(&rig));
    counter_set(&rig.monitors.states[MONITOR_ALERT], 2);
    counter_set(&rig.monitors.groups, 40);
    counter_set(&rig.monitors.evaluations, 7);
    counter_set(&rig.monitors.late, 1);
    counter_set(&rig.notify.raised, 21);
    counter_set(&rig.notify.sent, 6);
    counter_set(&rig.notify.refused, 1);
    counter_set(&rig.notify.refused_there, 2);
    counter_set(&rig.notify.shed, 3);
    counter_set(&rig.notify.shed_early, 4);
    metrics_write(out, &rig.view);
    evbuffer_add(out, "", 1);
    const char *text = (const char *)evbuffer_pullup(out, -1);
    assert_sample(text, "heeler_monitors{state=\"Alert\"}", 2);
    assert_sample(text, "heeler_monitors{state=\"No Data\"}", 0);
    assert_sample(text, "heeler_monitor_groups", 40);
    assert_sample(text, "heeler_monitor_evaluations_total", 7);
    assert_sample(text, "heeler_monitor_evaluations_late_total", 1);
    assert_sample(text, "heeler_notifications_raised_total", 21);
    assert_sample(text, "heeler_notifications_total{end=\"sent\"}", 6);
    assert_sample(text, "heeler_notifications_total{end=\"refused\"}", 3);
    assert_sample(text, "heeler_notifications_total{end=\"shed\"}", 7);
    assert_sample(text, "heeler_notifications_waiting", 5);
    counter_set(&rig.notify.sent, 30); /* counted between two looks */
    assert_int_equal(notify_ledger_waiting(&rig.notify), 0);
    rig.view.monitors = NULL; /* nobody evaluates */
    rig.view.notify = NULL;
    evbuffer_drain(out, evbuffer_get_length(out));
    metrics_write(out, &rig.view);
    evbuffer_add(out, "", 1);
    text = (const char *)evbuffer_pullup(out, -1);
    assert_sample(text, "heeler_monitors{state=\"Alert\"}", 0);
    assert_sample(text, "heeler_notifications_total{end=\"sent\"}", 0);
    evbuffer_free(out);
    server_rig_free(&rig);
}

static void checks_are_told_as_their_runner_did(void **state)
{
    static struct server_rig rig;
    struct evbuffer *out = evbuffer_new();
    (void)state;

    assert_true(server_rig_make(&rig));
    server_rig_tell_checks(&rig,
                           "{\"instances\":[{\"name\":\"a\",\"state\":\"ok\",\"runs\":3},"
                           "{\"name\":\"b\",\"state\":\"backing off\",\"runs\":4,"
                           "\"failures\":2,\"kills\":1}],"
                           "\"sent\":{\"points\":70,\"given_up\":{\"full\":2,\"refused\":3}}}",
                           SERVER_RIG_NOW_MS);
    metrics_write(out, &rig.view);
    evbuffer_add(out, "", 1);
    const char *text = (const char *)evbuffer_pullup(out, -1);
    assert_sample(text, "heeler_checks_instances{state=\"ok\"}", 1);
    assert_sample(text, "heeler_checks_instances{state=\"backing off\"}", 1);
    assert_sample(text, "heeler_checks_instances{state=\"error\"}", 0);
    assert_sample(text, "heeler_checks_heard_time_seconds", SERVER_RIG_WALL_S);
    assert_sample(text, "heeler_checks_runs_total", 7);
    assert_sample(text, "heeler_checks_failures_total", 2);
    assert_sample(text, "heeler_checks_kills_total", 1);
    assert_sample(text, "heeler_checks_points_total", 70);
    assert_sample(text, "heeler_checks_given_up_total", 5);
    evbuffer_free(out);
    server_rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_are_live_and_labelled),
        cmocka_unit_test(a_scrape_sees_drops_that_no_read_followed),
        cmocka_unit_test(the_text_is_a_well_formed_exposition),
        cmocka_unit_test(every_family_of_the_list_is_in_the_text),
        cmocka_unit_test(monitors_and_their_notifications_are_counted),
        cmocka_unit_test(checks_are_told_as_their_runner_did),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
