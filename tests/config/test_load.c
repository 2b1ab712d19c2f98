/* One subject: from a file and an environment to settings and problems, as tables of cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/agent_keys.h"
#include "config/load.h"
#include "config/options.h"
#include "config/settings_print.h"
#include "config/yaml_document.h"
#include "tests/support/temp_file.h"

static struct settings settings;
static struct problems problems;
static char path[TEMP_PATH_SIZE];

static void forget(void)
{
    settings_free(&settings);
    problems_free(&problems);
    problems = (struct problems){ 0 };
}

static int forget_after(void **state)
{
    (void)state;
    forget();
    return 0;
}

static bool load_bytes(const char *yaml, size_t len)
{
    struct settings_source source = { .file = path };

    forget();
    temp_file_write(path, yaml, len);
    bool fine = settings_load(&settings, &source, &problems);
    unlink(path);
    return fine;
}

static bool load_yaml(const char *yaml)
{
    return load_bytes(yaml, strlen(yaml));
}

/* One variable, or a second one too. */
static bool load_variables(const char *first, const char *second)
{
    char *environment[] = { (char *)(uintptr_t)first, (char *)(uintptr_t)second, NULL };
    struct settings_source source = { .environment = environment };

    forget();
    return settings_load(&settings, &source, &problems);
}

static bool load_set(const char *set)
{
    char *sets[] = { (char *)(uintptr_t)set };
    struct settings_source source = { .sets = sets, .n_sets = 1 };

    forget();
    return settings_load(&settings, &source, &problems);
}

static char *printed(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    settings_print(&settings, out);
    fclose(out);
    return text;
}

/* Is "key = value  (" the beginning of a printed line? */
static bool prints(const char *key, const char *value)
{
    char *text = printed();
    char line[1024];

    snprintf(line, sizeof line, "\n%s = %s  (", key, value);
    bool found = strstr(text, line) != NULL || strncmp(text, line + 1, strlen(line + 1)) == 0;
    free(text);
    return found;
}

/* The sentence, with "FILE" for the name of the temporary file. */
static bool says(const struct string_list *list, const char *sentence)
{
    const char *file = strstr(sentence, "FILE");
    char full[1024];

    if (file != NULL)
        snprintf(full, sizeof full, "%.*s%s%s", (int)(file - sentence), sentence, path,
                 file + 4);
    else
        snprintf(full, sizeof full, "%s", sentence);
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->at[i], full) == 0)
            return true;
    for (size_t i = 0; i < list->n; i++)
        print_error("it says: %s\n", list->at[i]);
    return false;
}

static void reads_every_type_from_the_file(void **state)
{
    static const struct {
        const char *yaml, *key, *value;
    } cases[] = {
        { "use_dogstatsd: false", "use_dogstatsd", "false" },
        { "use_dogstatsd: \"F\"", "use_dogstatsd", "false" },
        { "use_dogstatsd: '0'", "use_dogstatsd", "false" },
        { "dogstatsd_port: 9125", "dogstatsd_port", "9125" },
        { "dogstatsd_port: __random__", "dogstatsd_port", "__random__" },
        { "dogstatsd_port: 0", "dogstatsd_port", "0" },
        { "DogStatsD_Port: 9125", "dogstatsd_port", "9125" }, /* keys have no case */
        { "dogstatsd_expiry_seconds: 1.5e2", "dogstatsd_expiry_seconds", "150" },
        { "dogstatsd_expiry_seconds: .5", "dogstatsd_expiry_seconds", "0.5" },
        { "heeler_interval: +30", "heeler_interval", "30" },
        { "heeler_interval: 030", "heeler_interval", "24" }, /* octal, as YAML 1.1 has it */
        { "heeler_max_memory: 1_000_000", "heeler_max_memory", "1000000" },
        { "heeler_max_memory: 2.5e6", "heeler_max_memory", "2500000" },
        { "dogstatsd_port: 0x1F90", "dogstatsd_port", "8080" },
        { "dogstatsd_expiry_seconds: 1_0.5", "dogstatsd_expiry_seconds", "10.5" },
        /* rep-003 */
        { "dogstatsd_non_local_traffic: yes", "dogstatsd_non_local_traffic", "true" },
        { "use_dogstatsd: on", "use_dogstatsd", "true" },
        { "log_format_json: no", "log_format_json", "false" },
        { "enable_payloads: {series: Off}", "enable_payloads.series", "false" },
        { "env: yes", "env", "yes" }, /* a text stays as it is written */
        { "log_level: off", "log_level", "off" },
        { "heeler_socket_mode: 0700", "heeler_socket_mode", "0700" },
        { "bind_host: a b", "bind_host", "a b" },
        { "dogstatsd_socket: ''", "dogstatsd_socket", "" }, /* off, and no default */
        { "log_level: WARNING", "log_level", "warning" },   /* the table's spelling */
        { "heeler_console: False", "heeler_console", "false" },
        { "tags: [a:b, 'c d']", "tags", "[\"a:b\",\"c d\"]" },
        { "tags:\n- a:b\n- c:d", "tags", "a:b c:d" },
        { "tags: a:b c:d,e:f", "tags", "a:b c:d e:f" },
        { "tags: '[\"a,b\", 5]'", "tags", "[\"a,b\",\"5\"]" },
        { "extra_tags: a:b,c d", "extra_tags", "a:b,c d" }, /* commas: only in tags */
        { "tags: []", "tags", "" },
        { "tags: ''", "tags", "" },
        { "tags: 5", "tags", "5" },
        { "histogram_percentiles: [0.95, 0.990]", "histogram_percentiles", "0.95 0.990" },
        { "histogram_percentiles: '[0.95]'", "histogram_percentiles", "0.95" },
        { "dogstatsd_eol_required: [udp, uds]", "dogstatsd_eol_required", "udp uds" },
        { "heeler_udp_listen: ['[::1]:9', 'h:1']", "heeler_udp_listen",
          "[\"[::1]:9\",\"h:1\"]" },
        { "enable_payloads:\n  series: false\n", "enable_payloads.series", "false" },
        { "enable_payloads.series: false", "enable_payloads.series", "false" },
        { "enable_payloads:", "enable_payloads.series", "true" },
        { "use_v2_api: {series: f}", "use_v2_api.series", "false" },
        { "statsd_metric_namespace_blocklist: [x]", "statsd_metric_namespace_blacklist", "x" },
        { "metric_tag_filterlist: [{metric_name: m, tags: [a, 1.10, ~]}]",
          "metric_tag_filterlist", /* every scalar a string, as written */
          "[{\"metric_name\":\"m\",\"tags\":[\"a\",\"1.10\",null]}]" },
        { "metric_tag_filterlist: '[{\"a\": 1}]'", "metric_tag_filterlist", "[{\"a\":1}]" },
        { "heeler_interval:", "heeler_interval", "10" }, /* null: the default */
        { "heeler_interval: ~", "heeler_interval", "10" },
        { "tags: null", "tags", "" },
        { "x: &a 7\nheeler_interval: *a", "heeler_interval", "7" },
        { "%YAML 1.1\n---\nheeler_interval: 9\n...\n", "heeler_interval", "9" },
        { "heeler_interval: 9\n---\nheeler_interval: 8", "heeler_interval", "9" },
        { "\xef\xbb\xbfheeler_interval: 9", "heeler_interval", "9" }, /* a byte order mark */
        { "heeler_interval: 9 # why\r\n", "heeler_interval", "9" },
        { "", "heeler_interval", "10" },
        { "# nothing\n", "heeler_interval", "10" },
        { "---\n", "heeler_interval", "10" },
        { "{}", "heeler_interval", "10" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (!load_yaml(cases[i].yaml))
            fail_msg("%s: %s", cases[i].yaml, problems.errors.at[0]);
        if (!prints(cases[i].key, cases[i].value))
            fail_msg("%s", cases[i].yaml);
        assert_int_equal(problems.warnings.n, 0);
    }
}

#define P12 "pppppppppppp"
#define P64 P12 P12 P12 P12 P12 "pppp"

static void a_bad_file_is_refused_with_the_place(void **state)
{
    static const struct {
        const char *yaml, *sentence;
    } cases[] = {
        { "\n\nheeler_interval: 0",
          "FILE:3: heeler_interval is \"0\": allowed are 1 to 60 (seconds)." },
        { "heeler_interval: ''",
          "FILE:1: heeler_interval is empty: allowed are 1 to 60 (seconds)." },
        { "heeler_interval: 61",
          "FILE:1: heeler_interval is \"61\": allowed are 1 to 60 (seconds)." },
        { "heeler_interval: 1.5",
          "FILE:1: heeler_interval is \"1.5\": allowed are 1 to 60 (seconds)." },
        { "heeler_interval: 0x100",
          "FILE:1: heeler_interval is \"256\": allowed are 1 to 60 (seconds)." },
        { "heeler_interval: '0x10'",
          "FILE:1: heeler_interval is \"0x10\": allowed are 1 to 60 (seconds)." },
        { "heeler_interval: 99999999999999999999",
          "FILE:1: heeler_interval is \"99999999999999999999\": allowed are 1 to 60 "
          "(seconds)." },
        { "heeler_interval: [1]", "FILE:1: heeler_interval is a list: allowed is one text." },
        { "heeler_interval: {a: 1}", "FILE:1: heeler_interval is a map: allowed is one text." },
        { "heeler_max_memory: -1",
          "FILE:1: heeler_max_memory is \"-1\": allowed are 0 and more (bytes)." },
        { "dogstatsd_port: 65536", "FILE:1: dogstatsd_port is \"65536\": allowed are 0 to "
                                   "65535 and __random__." },
        { "dogstatsd_port: -1", "FILE:1: dogstatsd_port is \"-1\": allowed are 0 to 65535 and "
                                "__random__." },
        { "use_dogstatsd: 'yes'", "FILE:1: use_dogstatsd is \"yes\": allowed are true and "
                                  "false." }, /* rep-003: in quotes it is a text */
        { "dogstatsd_expiry_seconds: nan", "FILE:1: dogstatsd_expiry_seconds is \"nan\": "
                                           "allowed are 0 to 31622400 (seconds)." },
        { "dogstatsd_expiry_seconds: 1e", "FILE:1: dogstatsd_expiry_seconds is \"1e\": "
                                          "allowed are 0 to 31622400 (seconds)." },
        { "log_level: loud", "FILE:1: log_level is \"loud\": allowed are trace, debug, info, "
                             "warn, warning, error, critical, off." },
        { "log_level: ''", "FILE:1: log_level is empty: allowed are trace, debug, info, "
                           "warn, warning, error, critical, off." },
        { "heeler_http_listen: '8127'", "FILE:1: heeler_http_listen is \"8127\": allowed are "
                                        "host:port, [v6]:port and unix:/path." },
        { "heeler_udp_listen: ['a:1', b]", "FILE:1: heeler_udp_listen is \"b\": allowed are "
                                           "host:port and [v6]:port." },
        { "dogstatsd_eol_required: tcp", "FILE:1: dogstatsd_eol_required is \"tcp\": allowed "
                                         "are udp, uds, named_pipe." },
        { "heeler_socket_mode: 0888", "FILE:1: heeler_socket_mode is \"0888\": allowed are "
                                      "three or four octal digits." },
        { "dd_url: example.com\napi_key: k", "FILE:1: dd_url is not usable: allowed are "
                                             "http:// and https:// URLs." },
        { "dd_url: https://e.com", "FILE:1: dd_url is set and api_key is not: set both to "
                                   "send, or none." },
        { "api_key: ENC[my_key]", "FILE:1: api_key is ENC[...]: secret back ends are not "
                                  "supported, write the value itself." },
        { "additional_endpoints: {'https://e.com': [k]}",
          "FILE:1: additional_endpoints is set and api_key is not: set both to send." },
        { "heeler_redis_prefix: " P64 P64 P64 P64 "p",
          "FILE:1: heeler_redis_prefix is \"" P64 P12 "...\": allowed are texts of no more "
          "than 256 bytes." },
        { "heeler_redis_prefix: 'a{b'", "FILE:1: heeler_redis_prefix is \"a{b\": it must not "
                                        "be empty and have no brace, which "
                                        "would change the slots of a cluster." },
        { "heeler_rollup_max_bytes: 0\nheeler_redis_url: redis://x",
          "FILE:1: heeler_rollup_max_bytes is 0 and heeler_redis_url is set: what is copied to "
          "Redis are the windows that this memory holds." },
        { "additional_endpoints: [k]",
          "FILE:1: additional_endpoints is a list and not a map." },
        { "metric_tag_filterlist: {a: b}",
          "FILE:1: metric_tag_filterlist is a map and not a list." },
        { "metric_tag_filterlist: '[x'",
          "FILE:1: metric_tag_filterlist is not JSON from character 2 on." },
        { "tags: '[[1]]'", "FILE:1: item 1 of tags is not a text." },
        { "tags: {a: b}", "FILE:1: tags is a map: allowed is one text." },
        { "tags: [a, [b]]", "FILE:1: tags is a list: allowed is one text." },
        { "bind_host: \"a\\0b\"",
          "FILE:1: bind_host is a text with a NUL byte: allowed is one text." },
        { "enable_payloads: false",
          "FILE:1: enable_payloads is not a map: allowed are keys below it." },
        { "heeler_intervall: 5", "FILE:1: there is no setting heeler_intervall: did you mean "
                                 "heeler_interval?" },
        { "heeler_qqqqqqqqqqqq: 5", "FILE:1: there is no setting heeler_qqqqqqqqqqqq." },
        { "heeler: {interval: 5}", "FILE:1: there is no setting heeler." },
        { "[a]: b", "FILE:1: a key is a list: allowed is one text." },
        { "- a\n", "FILE:1: the file holds no \"key: value\" lines." },
        { "just words", "FILE:1: the file holds no \"key: value\" lines." },
        { "a: [1\nb: 2", "FILE:2: not YAML: did not find expected ',' or ']', while parsing a "
                         "flow sequence." },
        { "a: @b", "FILE:1: not YAML: found character that cannot start any token, while "
                   "scanning for the next token." },
        { "a: *nowhere", "FILE:1: not YAML: found undefined alias." },
        { "a: \xff\xff", "FILE: not readable as YAML at byte 3: invalid leading UTF-8 octet." },
        { "dogstatsd_mapper_profiles: &a [*a]",
          "FILE:1: dogstatsd_mapper_profiles is nested deeper than 64 levels." },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (load_yaml(cases[i].yaml))
            fail_msg("accepted: %s", cases[i].yaml);
        if (!says(&problems.errors, cases[i].sentence))
            fail_msg("%s", cases[i].yaml);
        assert_int_equal(problems.errors.n, 1);
    }
}

static void all_problems_are_found_in_one_run(void **state)
{
    (void)state;

    assert_false(load_yaml("heeler_interval: 0\nheeler_workers: many\nuse_dogstatsd: maybe\n"
                           "heeler_udp_listen: [a, b]\nheeler_napp: 1\n"));
    assert_int_equal(problems.errors.n, 6);
    assert_int_equal(settings.heeler_interval, 10); /* what is refused stays */
}

static void doubtful_places_are_warned_about(void **state)
{
    static const struct {
        const char *yaml, *sentence, *key, *value;
    } cases[] = {
        { "heeler_interval: 5\nheeler_interval: 6",
          "FILE:2: heeler_interval is set again, first in line 1: the later counts.",
          "heeler_interval", "6" },
        { "tags: [a, ~, b]", "FILE:1: tags has an empty item, which is left out.", "tags",
          "a b" },
        { "metric_tag_filterlist: [{a: b, a: c}]",
          "FILE:1: \"a\" in metric_tag_filterlist is set again: the later one counts.",
          "metric_tag_filterlist", "[{\"a\":\"c\"}]" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(load_yaml(cases[i].yaml));
        assert_true(says(&problems.warnings, cases[i].sentence));
        assert_true(prints(cases[i].key, cases[i].value));
    }
}

static void unknown_names_are_collected(void **state)
{
    (void)state;

    assert_true(
        load_yaml("logs_enabled: true\nenable_payloads: {more: true}\n"
                  "process_config: {enabled: true}\n\"a\\nb\": 1\ntelemetry: {more: 1}\n"));
    assert_int_equal(problems.ignored.n, 5);
    assert_true(says(&problems.ignored, "logs_enabled"));
    assert_true(says(&problems.ignored, "enable_payloads.more"));
    assert_true(says(&problems.ignored, "telemetry.more"));
    assert_true(says(&problems.ignored, "process_config"));
    assert_true(says(&problems.ignored, "a\\nb"));

    assert_true(load_variables("DD_PROCESS_CONFIG_ENABLED=1", "HOME=/"));
    assert_int_equal(problems.ignored.n, 1);
    assert_true(says(&problems.ignored, "DD_PROCESS_CONFIG_ENABLED"));
}

static void slips_of_the_pen_are_told(void **state)
{
    (void)state;

    assert_true(load_yaml("dogstatsd_prot: 1\nproxy: {htttps: x}\n"));
    assert_true(says(&problems.warnings, "FILE:1: dogstatsd_prot is not known here: did you "
                                         "mean dogstatsd_port?"));
    assert_true(says(&problems.warnings,
                     "FILE:2: proxy.htttps is not known here: did you mean proxy.https?"));
    assert_true(load_variables("DD_PROXY_HTPPS=x", "DD_APIKEY=x"));
    assert_true(says(&problems.warnings,
                     "DD_PROXY_HTPPS is not known here: did you mean DD_PROXY_HTTPS?"));
    assert_true(
        says(&problems.warnings, "DD_APIKEY is not known here: did you mean DD_API_KEY?"));
    assert_int_equal(problems.ignored.n, 0);
}

static void what_others_read_is_said_with_a_word(void **state)
{
    (void)state;

    assert_true(load_yaml("telemetry: {enabled: true, dogstatsd_origin: true}\n"));
    assert_true(says(&problems.notes,
                     "FILE:1: telemetry.enabled is harmless here: /metrics is always there."));
    assert_true(says(&problems.notes, "FILE:1: telemetry.dogstatsd_origin is not supported: "
                                      "there are no origin tags."));
    assert_true(load_variables("DD_SERVICE=x", "DD_APP_KEY=x"));
    assert_true(says(&problems.notes, "DD_SERVICE is a client's: it is a tag of its client."));
    assert_int_equal(problems.notes.n, 2);
    assert_int_equal(problems.warnings.n + problems.ignored.n, 0);
}

/* The names of spec section 6, one a line. */
static void every_setting_of_the_agent_is_known(void **state)
{
    FILE *file = fopen("tests/data/agent_keys.txt", "re");
    char key[OPTION_NAME_MAX];
    int n = 0;
    (void)state;

    assert_non_null(file);
    while (fscanf(file, "%95s", key) == 1) {
        n++;
        if (option_find(key) == NULL && agent_key_find(key) == NULL)
            fail_msg("%s is neither a setting nor in config/agent_keys_table.h", key);
        if (option_find(key) != NULL && agent_key_find(key) != NULL)
            fail_msg("%s is a setting and in config/agent_keys_table.h", key);
    }
    fclose(file);
    assert_int_equal(n, 149);
}

/* rep-004 */
/* systemd's own variable, which is less than anything that somebody said. */
static void the_folder_of_systemd_is_where_the_past_is_kept(void **state)
{
    static const struct {
        const char *first, *second, *path;
    } cases[] = {
        { "STATE_DIRECTORY=/var/lib/heeler", "A=b", "/var/lib/heeler" },
        { "STATE_DIRECTORY=/var/lib/a:/var/lib/b", "A=b", "/var/lib/a" },
        { "STATE_DIRECTORY=/var/lib/a", "DD_HEELER_STATE_PATH=/elsewhere", "/elsewhere" },
        { "A=b", "B=c", "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(load_variables(cases[i].first, cases[i].second));
        assert_string_equal(settings.heeler_state_path, cases[i].path);
    }
}

static void proxies_are_taken_from_the_environment_as_the_agent_does(void **state)
{
    static const struct {
        const char *first, *second, *https;
    } cases[] = {
        { "https_proxy=http://a:1", NULL, "http://a:1" },
        { "https_proxy=http://a:1", "HTTPS_PROXY=http://b:1", "http://b:1" },
        { "HTTPS_PROXY=http://b:1", "DD_PROXY_HTTPS=http://c:1", "http://c:1" },
        { "HTTPS_PROXY=http://b:1", "DD_PROXY_HTTPS=", "" }, /* no proxy for us */
        { "https_proxy=http://a:1", "HTTPS_PROXY=", "" },
        { "http_proxy=http://a:1", NULL, "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(load_variables(cases[i].first, cases[i].second));
        if (strcmp(settings.proxy_https, cases[i].https) != 0)
            fail_msg("%s: %s", cases[i].first, settings.proxy_https);
    }
    assert_string_equal(settings.proxy_http, "http://a:1");
    assert_true(load_variables("no_proxy=a.example,b.example", NULL));
    assert_true(prints("proxy.no_proxy", "a.example b.example"));
}

static void what_cannot_receive_is_refused(void **state)
{
    (void)state;

    assert_false(load_yaml("dogstatsd_port: 0\ndogstatsd_socket: ''\n"));
    assert_true(says(&problems.errors, "FILE:1: dogstatsd_port is 0 and there is no path of a "
                                       "socket: nothing could be received."));
    assert_false(load_yaml("apm_config: {enabled: true, receiver_port: 0}\n"));
    assert_true(says(&problems.errors, "FILE:1: apm_config.enabled is set, and neither "
                                       "apm_config.receiver_port nor "
                                       "apm_config.receiver_socket: no trace could be "
                                       "received."));
    assert_true(
        load_yaml("apm_config: {enabled: true, receiver_port: 0, receiver_socket: /a}\n"));
    assert_false(load_yaml("apm_config: {enabled: true, receiver_socket: a/b}\n"));
    assert_true(says(&problems.errors, "FILE:1: apm_config.receiver_socket is \"a/b\": allowed "
                                       "are paths that begin with /."));
    assert_true(load_yaml("apm_config: {enabled: false, receiver_socket: a/b}\n"));
    assert_true(load_yaml("dogstatsd_port: 0\ndogstatsd_socket: ''\nuse_dogstatsd: false\n"));
    assert_true(load_yaml("dogstatsd_port: 0\n"));
    assert_false(load_yaml("dogstatsd_stream_socket: unix:///a/b\n"));
    assert_true(load_yaml("statsd_forward_host: h\n"));
    assert_true(says(&problems.warnings, "FILE:1: statsd_forward_host is set and "
                                         "statsd_forward_port is not: nothing is copied."));
    assert_false(load_set("site=\"datadoghq.eu\"")); /* rep-006 */
    assert_true(says(&problems.errors, "--set: site is \"\\\"datadoghq.eu\\\"\": allowed are "
                                       "names of hosts."));
    assert_true(load_set("site= datadoghq.eu "));
}

static void passwords_in_urls_are_not_shown(void **state)
{
    static const char *const yamls[] = {
        "api_key: k\nadditional_endpoints: {'https://u:hidden@h': [k], 'https://u:hidden@h': "
        "[l]}",
        "api_key: k\nadditional_endpoints: {'https://h?api_key=hidden': [k]}",
        "'https://u:hidden@h': [k]",
        "api_key: k\ndd_url: https://u:hidden@h",
        "api_key: k\ndd_url: https://u:hidden/with@h",
        "api_key: k\ndd_url: ftp://u:hidden@h",
        "heeler_redis_url: redis://u:hidden@h",
        "heeler_redis_url: redis://u:hidden#x@h",
        "heeler_redis_url: u:hidden://x@h",
        "proxy: {https: 'http://u:hidden@h:1', http: 'u:hidden@h'}",
    };
    (void)state;

    for (size_t i = 0; i < sizeof yamls / sizeof yamls[0]; i++) {
        (void)load_yaml(yamls[i]);
        char *text = printed();
        const struct string_list *lists[] = { &problems.errors, &problems.warnings,
                                              &problems.ignored };

        if (strstr(text, "hidden") != NULL)
            fail_msg("%s", yamls[i]);
        for (size_t j = 0; j < 3; j++)
            for (size_t k = 0; k < lists[j]->n; k++)
                if (strstr(lists[j]->at[k], "hidden") != NULL)
                    fail_msg("%s: %s", yamls[i], lists[j]->at[k]);
        free(text);
    }
    (void)load_yaml("heeler_redis_url: redis://u:hidden@h:1/2\n");
    assert_true(prints("heeler_redis_url", "redis://***@h:1/2"));
}

static void what_is_no_regular_file_is_refused_at_once(void **state)
{
    struct settings_source source = { .file = path };
    (void)state;

    forget();
    temp_file_write(path, "", 0);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(settings_load(&settings, &source, &problems));
    unlink(path);
    assert_true(says(&problems.errors, "FILE: cannot be read: it is no regular file."));
    forget();
    source.file = "/dev/zero";
    assert_false(settings_load(&settings, &source, &problems));
}

static void an_unreadable_file_is_refused(void **state)
{
    struct settings_source missing = { .file = "/nonexistent/datadog.yaml" };
    struct settings_source folder = { .file = "/" };
    (void)state;

    assert_false(settings_load(&settings, &missing, &problems));
    assert_true(says(&problems.errors,
                     "/nonexistent/datadog.yaml: cannot be read: No such file or directory."));
    forget();
    assert_false(settings_load(&settings, &folder, &problems));
    assert_true(says(&problems.errors, "/: cannot be read: Is a directory."));
}

static void a_huge_file_is_refused(void **state)
{
    char *huge = malloc(YAML_FILE_MAX + 1);
    (void)state;

    memset(huge, '#', YAML_FILE_MAX + 1);
    assert_false(load_bytes(huge, YAML_FILE_MAX + 1));
    assert_true(says(&problems.errors, "FILE: is larger than 1 MiB."));
    free(huge);
}

/* Nine levels of nine aliases each are 387 million leaves. */
static void an_alias_bomb_is_refused(void **state)
{
    static const char *const leaves[] = { "[]", "{}", "x" };
    (void)state;

    for (size_t i = 0; i < 3; i++) {
        char yaml[2048];
        size_t n = (size_t)snprintf(yaml, sizeof yaml, "a0: &a0 %s\n", leaves[i]);

        for (int level = 1; level <= 9; level++) {
            n += (size_t)snprintf(yaml + n, sizeof yaml - n, "a%d: &a%d [", level, level);
            for (int copy = 0; copy < 9; copy++)
                n += (size_t)snprintf(yaml + n, sizeof yaml - n, "*a%d,", level - 1);
            n += (size_t)snprintf(yaml + n, sizeof yaml - n, "]\n");
        }
        snprintf(yaml + n, sizeof yaml - n, "metric_tag_filterlist: *a9\n");
        assert_false(load_yaml(yaml));
        assert_true(says(&problems.errors, "FILE:1: the values are larger than 16 MiB once "
                                           "aliases are written out."));
        assert_int_equal(problems.errors.n, 1);
    }
}

static void deep_nesting_is_refused(void **state)
{
    char *yaml = malloc(YAML_FILE_MAX);
    (void)state;

    memset(yaml, '[', YAML_FILE_MAX); /* libyaml alone would take minutes */
    assert_false(load_bytes(yaml, YAML_FILE_MAX));
    assert_true(says(&problems.errors, "FILE:1: is nested deeper than 64 levels."));
    free(yaml);
}

static void many_anchors_are_refused(void **state)
{
    char *yaml = malloc((YAML_ANCHOR_MAX + 1) * 32);
    size_t n = 0;
    (void)state;

    for (int i = 0; i <= YAML_ANCHOR_MAX; i++)
        n += (size_t)sprintf(yaml + n, "k%d: &a%d x\n", i, i);
    assert_false(load_bytes(yaml, n));
    assert_true(says(&problems.errors, "FILE:1001: has more than 1000 anchors."));
    free(yaml);
}

static void problems_are_bounded(void **state)
{
    char *yaml = malloc(PROBLEMS_MAX * 40 + 4000);
    size_t n = 0;
    (void)state;

    for (int i = 0; i < PROBLEMS_MAX + 50; i++)
        n += (size_t)sprintf(yaml + n, "heeler_zzzzzzzzz%d: 1\n", i);
    assert_false(load_bytes(yaml, n));
    assert_int_equal(problems.errors.n, PROBLEMS_MAX);
    assert_int_equal(problems.n_unlisted, 50);
    free(yaml);
}

/* Junk neither crashes nor leaks; whether it is accepted is no matter. Every
 * prefix and many one-byte changes of a file that uses all of YAML. */
static void junk_is_survived(void **state)
{
    static const char good[] =
        "# c\nheeler_interval: &i 5\ntags: ['a', \"b\\n\", |\n  c\n]\n"
        "enable_payloads: {series: true}\nextra_tags:\n- >-\n  x\n"
        "metric_tag_filterlist: [{a: [*i, ~], ? b : c}]\n? api_key\n: k\n";
    static const char junk[] = "\0\n\t:-?[]{},&*!|>'\"%@`#\xff\xc3 a0";
    char yaml[sizeof good];
    (void)state;

    for (size_t len = 0; len < sizeof good; len += 3)
        load_bytes(good, len);
    for (size_t i = 0; i < sizeof good - 1; i++) {
        memcpy(yaml, good, sizeof good);
        yaml[i] = junk[(i * 7) % (sizeof junk - 1)];
        load_bytes(yaml, sizeof good - 1);
    }
}

static void every_key_has_a_variable(void **state)
{
    char key_file[TEMP_PATH_SIZE];
    (void)state;

    temp_file_write(key_file, "k\n", 2);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        bool structured =
            options[i].type == OPTION_JSON_LIST || options[i].type == OPTION_JSON_MAP;
        const char *value = options[i].standard;
        char name[OPTION_NAME_MAX], variable[1024];

        if (value[0] == '\0') /* one that all the empty defaults accept */
            value = i == SETTING_dogstatsd_eol_required      ? "udp"
                    : i == SETTING_heeler_api_key_file       ? key_file
                    : i == SETTING_heeler_smtp_url_file      ? key_file
                    : options[i].form == OPTION_FORM_URL     ? "https://host:1"
                    : options[i].form == OPTION_FORM_ADDRESS ? "host:1"
                    : options[i].form == OPTION_FORM_SYSLOG  ? "unixgram:///x"
                                                             : "x";
        option_variable(options[i].key, name);
        snprintf(variable, sizeof variable, "%s=%s", name, value);
        if (!load_variables(variable, "DD_API_KEY=k"))
            fail_msg("%s: %s", variable, problems.errors.at[0]);
        assert_string_equal(settings.origin[i], name);
        assert_int_equal(problems.ignored.n, 0);

        snprintf(variable, sizeof variable, "%s=%s", name, structured ? "[" : "");
        load_variables(variable, NULL);
        /* Empty counts as not set, but of a proxy it is a value. */
        assert_string_equal(settings.origin[i], options[i].proxy ? name : "default");
    }
    unlink(key_file);
}

static void variables_follow_the_agents_conventions(void **state)
{
    static const struct {
        const char *first, *second, *key, *value;
    } cases[] = {
        { "DD_TAGS=a:b c:d", NULL, "tags", "a:b c:d" },
        { "DD_TAGS=a:b,c:d ,e", NULL, "tags", "a:b c:d e" },
        { "DD_TAGS=[\"a b\"]", NULL, "tags", "[\"a b\"]" },
        { "DD_EXTRA_TAGS= a  b,c ", NULL, "extra_tags", "a b,c" },
        { "DD_USE_DOGSTATSD=f", NULL, "use_dogstatsd", "false" },
        { "DD_DOGSTATSD_PORT=__random__", NULL, "dogstatsd_port", "__random__" },
        { "DD_ENABLE_PAYLOADS_SERIES=false", NULL, "enable_payloads.series", "false" },
        { "DD_METRIC_TAG_FILTERLIST=[{\"a\":\"b\"}]", NULL, "metric_tag_filterlist",
          "[{\"a\":\"b\"}]" },
        { "DD_URL=https://a", "DD_API_KEY=k", "dd_url", "https://a" },
        { "DD_STATSD_METRIC_NAMESPACE_BLOCKLIST=x", NULL, "statsd_metric_namespace_blacklist",
          "x" },
        { "DD_ENV=a=b", NULL, "env", "a=b" },
        { "DD_ENV=first", "DD_ENV=second", "env", "first" }, /* as getenv() */
        { "DD_ENV=", NULL, "env", "" },
        { "DD_ENV", NULL, "env", "" },   /* no variable at all */
        { "dd_env=x", NULL, "env", "" }, /* nor this */
        { "DD_API_KEY= \tkey\r\n", NULL, "api_key", "***" },
    };
    char *both[] = { "DD_URL=https://a", "DD_API_KEY=k", "DD_DD_URL=https://b", NULL };
    struct settings_source source = { .environment = both };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (!load_variables(cases[i].first, cases[i].second))
            fail_msg("%s: %s", cases[i].first, problems.errors.at[0]);
        if (!prints(cases[i].key, cases[i].value))
            fail_msg("%s", cases[i].first);
        assert_int_equal(problems.ignored.n, 0);
    }
    forget();
    assert_true(settings_load(&settings, &source, &problems));
    assert_string_equal(settings.dd_url, "https://b");
}

static void bad_variables_and_sets_are_refused_by_name(void **state)
{
    (void)state;

    assert_false(load_variables("DD_HEELER_INTERVAL=0", NULL));
    assert_true(says(&problems.errors, "DD_HEELER_INTERVAL: heeler_interval is \"0\": allowed "
                                       "are 1 to 60 (seconds)."));
    assert_false(load_variables("DD_HEELER_INTERVALL=5", NULL));
    assert_true(says(&problems.errors, "DD_HEELER_INTERVALL: there is no setting "
                                       "heeler_intervall: did you mean heeler_interval?"));
    assert_false(load_set("heeler_interval=0"));
    assert_true(says(&problems.errors, "--set: heeler_interval is \"0\": allowed are 1 to 60 "
                                       "(seconds)."));
    assert_false(load_set("dogstatsd_prot=1"));
    assert_true(says(&problems.errors, "--set: there is no setting dogstatsd_prot: did you "
                                       "mean dogstatsd_port?"));
    assert_false(load_set("0123456789abcdef")); /* perhaps a key: not quoted */
    assert_true(says(&problems.errors, "--set: number 1 is not KEY=VALUE."));
    assert_false(load_set("=x"));
}

static void later_sources_win_and_are_remembered(void **state)
{
    char *environment[] = { "DD_HEELER_WORKERS=3", "DD_HEELER_INTERVAL=3", NULL };
    char *sets[] = { "heeler_interval=4", "dogstatsd_socket=", "heeler_interval=5" };
    struct settings_source source = {
        .file = path, .environment = environment, .sets = sets, .n_sets = 3
    };
    char origin[TEMP_PATH_SIZE + 8];
    (void)state;

    const char yaml[] = "env: dev\nheeler_workers: 2\nheeler_interval: 2\n";
    temp_file_write(path, yaml, strlen(yaml));
    assert_true(settings_load(&settings, &source, &problems));
    unlink(path);
    snprintf(origin, sizeof origin, "%s:1", path);
    assert_string_equal(settings.env, "dev");
    assert_string_equal(settings.origin[SETTING_env], origin);
    assert_int_equal(settings.heeler_workers, 3);
    assert_string_equal(settings.origin[SETTING_heeler_workers], "DD_HEELER_WORKERS");
    assert_int_equal(settings.heeler_interval, 5);
    assert_string_equal(settings.origin[SETTING_heeler_interval], "--set");
    assert_string_equal(settings.dogstatsd_socket, ""); /* --set may empty a text */
    assert_string_equal(settings.origin[SETTING_dogstatsd_port], "default");
}

static void without_key_and_url_it_is_local(void **state)
{
    (void)state;

    assert_true(load_yaml(""));
    assert_true(settings_is_local(&settings));
    assert_true(load_yaml("api_key: ' '"));
    assert_true(settings_is_local(&settings));
    assert_true(load_yaml("api_key: k"));
    assert_false(settings_is_local(&settings));
}

static void secrets_are_masked_when_printed(void **state)
{
    static const struct {
        const char *set, *key, *value;
    } cases[] = {
        { "api_key=0123456789abcdef0123456789ababcd", "api_key",
          "****************************abcd" },
        { "api_key=  0123456789abcd\n", "api_key", "**********abcd" },
        { "api_key=12345678", "api_key", "****5678" },
        { "api_key=1234567", "api_key", "*******" },
        { "api_key=", "api_key", "" },
        { "additional_endpoints={\"https://a\":[\"0123456789abcd\",\"short\"],\"b\":5}",
          "additional_endpoints",
          "{\"https://a\":[\"**********abcd\",\"*****\"],\"b\":\"***\"}" },
        { "heeler_app_keys=0123456789abcdef short", "heeler_app_keys",
          "************cdef *****" },
        { "heeler_smtp_url=smtps://me:hunter22@host:465", "heeler_smtp_url",
          "smtps://***@host:465" },
        { "heeler_heartbeat_url=https://h/ping/0123abcd", "heeler_heartbeat_url",
          "*******************abcd" },
        { "heeler_webhooks=[{\"name\":\"pager\",\"url\":\"https://h/hook/0123abcd\","
          "\"headers\":{\"A\":\"hunter2\"}}]",
          "heeler_webhooks",
          "[{\"name\":\"*****\",\"url\":\"*******************abcd\",\"headers\":{\"A\":"
          "\"*******\"}}]" },
        { "dd_url=https://user:pass@host/a@b", "dd_url",
          "https://***@b" }, /* too much rather than too little */
        { "dd_url=https://host/a?b=c", "dd_url", "https://host/a?***" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        load_set(cases[i].set);
        if (!prints(cases[i].key, cases[i].value))
            fail_msg("%s", cases[i].set);
    }
}

static void secrets_are_never_quoted_in_problems(void **state)
{
    static const char *const cases[] = {
        "api_key=ENC[SECRET]",
        "additional_endpoints={\"u\":[\"SECRET\"]}",
        "additional_endpoints=[\"SECRET\"]",
        "additional_endpoints={SECRET",
        "additional_endpoints=SECRET",
        "dd_url=ftp://user:SECRET@host",
        "dd_url=https://user:SECRET@host",
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char yaml[200];

        for (int from_file = 0; from_file <= 1; from_file++) {
            snprintf(yaml, sizeof yaml, "%s'\n", cases[i]);
            char *equals = strchr(yaml, '=');
            memmove(equals + 3, equals + 1, strlen(equals + 1) + 1);
            memcpy(equals, ": '", 3);
            assert_false(from_file != 0 ? load_yaml(yaml) : load_set(cases[i]));
            for (size_t j = 0; j < problems.errors.n; j++)
                assert_null(strstr(problems.errors.at[j], "SECRET"));
        }
    }
    assert_false(load_yaml("api_key: [SECRET]"));
    assert_null(strstr(problems.errors.at[0], "SECRET"));
    assert_false(load_yaml("additional_endpoints: {a: &x [SECRET, *x]}"));
    assert_null(strstr(problems.errors.at[0], "SECRET"));
}

static void values_print_on_one_line(void **state)
{
    (void)state;

    assert_true(load_set("env=a\nb\x1b[0m"));
    assert_true(prints("env", "a\\nb\\x1b[0m"));
}

/* As the Agent: payloads of 2 MiB, unless the newer setting is there too. */
static void the_older_bound_of_the_retry_queue_counts_payloads(void **state)
{
    static const struct {
        const char *yaml;
        int64_t bytes;
        const char *warning;
    } cases[] = {
        { "forwarder_timeout: 20", 15728640, NULL },
        { "forwarder_retry_queue_max_size: 3", 6291456,
          "FILE:1: forwarder_retry_queue_max_size is an older setting: write "
          "forwarder_retry_queue_payloads_max_size: 6291456." },
        { "forwarder_retry_queue_max_size: 3\nforwarder_retry_queue_payloads_max_size: 5", 5,
          "FILE:1: forwarder_retry_queue_max_size is an older setting, and "
          "forwarder_retry_queue_payloads_max_size goes before it." },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        load_yaml(cases[i].yaml);
        assert_int_equal(settings.forwarder_retry_queue_payloads_max_size, cases[i].bytes);
        assert_int_equal(problems.warnings.n, cases[i].warning != NULL);
        if (cases[i].warning != NULL)
            assert_true(says(&problems.warnings, cases[i].warning));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(reads_every_type_from_the_file, forget_after),
        cmocka_unit_test_teardown(a_bad_file_is_refused_with_the_place, forget_after),
        cmocka_unit_test_teardown(all_problems_are_found_in_one_run, forget_after),
        cmocka_unit_test_teardown(doubtful_places_are_warned_about, forget_after),
        cmocka_unit_test_teardown(unknown_names_are_collected, forget_after),
        cmocka_unit_test_teardown(the_older_bound_of_the_retry_queue_counts_payloads,
                                  forget_after),
        cmocka_unit_test_teardown(slips_of_the_pen_are_told, forget_after),
        cmocka_unit_test_teardown(what_others_read_is_said_with_a_word, forget_after),
        cmocka_unit_test_teardown(every_setting_of_the_agent_is_known, forget_after),
        cmocka_unit_test_teardown(the_folder_of_systemd_is_where_the_past_is_kept,
                                  forget_after),
        cmocka_unit_test_teardown(proxies_are_taken_from_the_environment_as_the_agent_does,
                                  forget_after),
        cmocka_unit_test_teardown(what_cannot_receive_is_refused, forget_after),
        cmocka_unit_test_teardown(passwords_in_urls_are_not_shown, forget_after),
        cmocka_unit_test_teardown(what_is_no_regular_file_is_refused_at_once, forget_after),
        cmocka_unit_test_teardown(an_unreadable_file_is_refused, forget_after),
        cmocka_unit_test_teardown(a_huge_file_is_refused, forget_after),
        cmocka_unit_test_teardown(an_alias_bomb_is_refused, forget_after),
        cmocka_unit_test_teardown(deep_nesting_is_refused, forget_after),
        cmocka_unit_test_teardown(many_anchors_are_refused, forget_after),
        cmocka_unit_test_teardown(problems_are_bounded, forget_after),
        cmocka_unit_test_teardown(junk_is_survived, forget_after),
        cmocka_unit_test_teardown(every_key_has_a_variable, forget_after),
        cmocka_unit_test_teardown(variables_follow_the_agents_conventions, forget_after),
        cmocka_unit_test_teardown(bad_variables_and_sets_are_refused_by_name, forget_after),
        cmocka_unit_test_teardown(later_sources_win_and_are_remembered, forget_after),
        cmocka_unit_test_teardown(without_key_and_url_it_is_local, forget_after),
        cmocka_unit_test_teardown(secrets_are_masked_when_printed, forget_after),
        cmocka_unit_test_teardown(secrets_are_never_quoted_in_problems, forget_after),
        cmocka_unit_test_teardown(values_print_on_one_line, forget_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
