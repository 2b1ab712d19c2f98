#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/load.h"
#include "config/options.h"
#include "config/settings_print.h"

/* What a printing function prints. */
static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    print(out);
    fclose(out);
    return text;
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    while ((text = strstr(text, what)) != NULL) {
        text += strlen(what);
        n++;
    }
    return n;
}

static void every_row_is_complete(void **state)
{
    (void)state;

    for (const struct option *o = options; o < options + SETTING_COUNT; o++) {
        char variable[OPTION_NAME_MAX], allowed[128];

        assert_non_null(o->key);
        assert_true(strlen(o->key) + 4 < OPTION_NAME_MAX);
        assert_true(strlen(o->sentence) > 5);
        assert_ptr_equal(option_find(o->key), o); /* keys are unique */
        assert_true(o->group == OPTION_OURS ? option_is_ours(o->key) : !option_is_ours(o->key));
        assert_true(o->minimum <= o->maximum);
        assert_true(o->type != OPTION_CHOICE || o->choices != NULL);
        assert_true(o->type != OPTION_INT || o->maximum > 0);
        option_variable(o->key, variable);
        assert_int_equal(strncmp(variable, "DD_", 3), 0);
        option_allowed(o, allowed, sizeof allowed);
        assert_true(strlen(allowed) > 3);
    }
}

static void every_default_passes_its_own_limits(void **state)
{
    struct problems problems = { 0 };
    struct settings settings;
    struct settings_source none = { 0 };
    (void)state;

    bool fine = settings_load(&settings, &none, &problems);
    for (size_t i = 0; i < problems.errors.n; i++)
        print_error("%s\n", problems.errors.at[i]);
    assert_true(fine);
    assert_int_equal(problems.warnings.n, 0);
    for (size_t i = 0; i < SETTING_COUNT; i++)
        assert_string_equal(settings.origin[i], "default");
    settings_free(&settings);
    problems_free(&problems);
}

static void defaults_print_as_in_the_table(void **state)
{
    struct problems problems = { 0 };
    struct settings settings;
    struct settings_source none = { 0 };
    char *text = NULL;
    size_t size;
    (void)state;

    assert_true(settings_load(&settings, &none, &problems));
    FILE *out = open_memstream(&text, &size);
    settings_print(&settings, out);
    fclose(out);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char line[1024];

        snprintf(line, sizeof line, "%s = %s  (default)\n", options[i].key,
                 options[i].standard);
        if (strstr(text, line) == NULL)
            fail_msg("no line %s", line);
    }
    free(text);
    settings_free(&settings);
}

static void keys_are_found_in_any_case_and_by_second_spellings(void **state)
{
    (void)state;

    assert_ptr_equal(option_find("DogStatsD_Port"), &options[SETTING_dogstatsd_port]);
    assert_ptr_equal(option_find("enable_payloads.series"),
                     &options[SETTING_enable_payloads_series]);
    assert_ptr_equal(option_find("statsd_metric_namespace_blocklist"),
                     &options[SETTING_statsd_metric_namespace_blacklist]);
    assert_null(option_find(""));
    assert_null(option_find("dogstatsd_por"));
    assert_true(option_is_prefix("enable_payloads"));
    assert_false(option_is_prefix("enable_payload"));
    assert_false(option_is_prefix("dogstatsd_port"));
}

static void suggests_the_nearest_key_and_no_far_one(void **state)
{
    static const struct {
        const char *wrong;
        int right; /* -1: none is near */
    } cases[] = {
        { "heeler_intervall", SETTING_heeler_interval },
        { "heeler_worker", SETTING_heeler_workers },
        { "HEELER_NAPS", SETTING_heeler_nap },
        { "heeler_max_context", SETTING_heeler_max_contexts },
        { "dogstatsd_prot", SETTING_dogstatsd_port },
        { "zzzzzzzzzzzzzzzzzzzzzzz", -1 },
        { "", -1 },
    };
    char endless[1000] = "";
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct option *right = cases[i].right < 0 ? NULL : &options[cases[i].right];

        if (option_nearest(cases[i].wrong) != right)
            fail_msg("\"%s\"", cases[i].wrong);
    }
    memset(endless, 'a', sizeof endless - 1);
    assert_null(option_nearest(endless));
}

static void limits_read_like_a_sentence(void **state)
{
    static const struct {
        enum setting setting;
        const char *allowed;
    } cases[] = {
        { SETTING_heeler_interval, "1 to 60 (seconds)" },
        { SETTING_heeler_max_memory, "0 and more (bytes)" },
        { SETTING_heeler_console, "auto, true, false" },
        { SETTING_heeler_http_listen, "host:port, [v6]:port and unix:/path" },
        { SETTING_heeler_udp_listen, "host:port and [v6]:port" },
        { SETTING_heeler_socket_mode, "three or four octal digits" },
        { SETTING_heeler_redis_prefix, "texts of no more than 256 bytes" },
        { SETTING_dogstatsd_port, "0 to 65535 and __random__" },
        { SETTING_use_dogstatsd, "true and false" },
        { SETTING_forwarder_backoff_base, "0.001 to 3600 (seconds)" },
        { SETTING_heeler_max_contexts, "1 to 100000000 (contexts)" },
        { SETTING_api_key, "texts" },
    };
    char allowed[128];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        option_allowed(&options[cases[i].setting], allowed, sizeof allowed);
        assert_string_equal(allowed, cases[i].allowed);
    }
    option_allowed(&options[SETTING_log_level], allowed, 10); /* cut off, not overrun */
    assert_true(strlen(allowed) < 10);
}

static void help_of_all(FILE *out)
{
    assert_int_equal(options_help(NULL, out), SETTING_COUNT);
}

static void help_of_intervals(FILE *out)
{
    assert_true(options_help("INTERVAL", out) < SETTING_COUNT);
}

static void help_of_nothing(FILE *out)
{
    assert_int_equal(options_help("no such word", out), 0);
}

static void help_has_a_line_for_every_option_ours_first(void **state)
{
    char *text = printed(help_of_all);
    (void)state;

    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char start[OPTION_NAME_MAX + 4];

        snprintf(start, sizeof start, "\n  %s [", options[i].key);
        if (count(text, start) != 1)
            fail_msg("%s", options[i].key);
    }
    assert_int_equal(strncmp(text, "Heeler's own:\n", 14), 0);
    assert_int_equal(count(text, ":\n"), OPTION_GROUP_COUNT); /* each group once */
    free(text);
}

static void help_finds_a_word_in_any_case_in_keys_and_sentences(void **state)
{
    char *text = printed(help_of_intervals);
    (void)state;

    assert_int_equal(count(text, "  heeler_interval [10]\n"
                                 "      how much time one flush covers\n"
                                 "      1 to 60 (seconds); restart\n"),
                     1);
    assert_int_equal(count(text, "  heeler_stop_handover [false]\n"), 1); /* its sentence */
    assert_int_equal(count(text, "dogstatsd_port"), 0);
    free(text);
    text = printed(help_of_nothing);
    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_complete),
        cmocka_unit_test(every_default_passes_its_own_limits),
        cmocka_unit_test(defaults_print_as_in_the_table),
        cmocka_unit_test(keys_are_found_in_any_case_and_by_second_spellings),
        cmocka_unit_test(suggests_the_nearest_key_and_no_far_one),
        cmocka_unit_test(limits_read_like_a_sentence),
        cmocka_unit_test(help_has_a_line_for_every_option_ours_first),
        cmocka_unit_test(help_finds_a_word_in_any_case_in_keys_and_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
