#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/settings_json.h"
#include "config/settings_print.h"
#include "server/commands/live_settings.h"
#include "tests/support/with_settings.h"

/* The values alone, a line each, without where they came from; owned. */
static char *printed(const struct settings *settings)
{
    char *text = NULL, *to;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    settings_print(settings, out);
    fclose(out);
    to = text;
    for (const char *line = text; *line != '\0';) {
        const char *end = strchr(line, '\n'), *origin = end;

        while (origin > line && !(origin[0] == ' ' && origin[1] == ' '))
            origin--;
        memmove(to, line, (size_t)(origin - line));
        to += origin - line;
        *to++ = '\n';
        line = end + 1;
    }
    *to = '\0';
    return text;
}

static void what_is_told_is_what_there_is(void **state)
{
    struct settings settings, again = { 0 };
    char hostname[HOSTNAME_SIZE], problem[512];
    (void)state;

    assert_true(WITH_SETTINGS(
        &settings, "hostname=a.example", "env=dev", "tags=[\"a b\",\"k:\xc3\xa9\",\"q\\\"\"]",
        "dogstatsd_tags=x y", "heeler_interval=7", "histogram_percentiles=0.5 0.99",
        "dogstatsd_port=__random__", "use_v2_api.series=false",
        "dogstatsd_mapper_profiles=[{\"name\":\"p\",\"prefix\":\"a.\",\"mappings\":[{\"match\":"
        "\"a.*\",\"name\":\"b\",\"tags\":{\"t\":\"$1\"}}]}]",
        "metric_filterlist=one two", "histogram_copy_to_distribution=true"));
    json_t *told = settings_json(&settings);

    json_t *answer = json_pack("{s:s,s:o}", "hostname", "there.example", "settings", told);
    char *text = json_dumps(answer, 0), *want = printed(&settings), *got;

    assert_true(
        live_settings_read(&again, hostname, text, strlen(text), problem, sizeof problem));
    assert_string_equal(hostname, "there.example");
    got = printed(&again);
    assert_int_equal(strcmp(got, want), 0);
    free(text);
    free(want);
    free(got);
    json_decref(answer);
    settings_free(&settings);
    settings_free(&again);
}

static void an_answer_of_others_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *answer, *part;
    } cases[] = {
        { "", "no heeler" },
        { "heeler_interval = 10  (default)\n", "no heeler" }, /* of an older version */
        { "[]", "no heeler" },
        { "{\"hostname\":\"a\"}", "no heeler" },
        { "{\"hostname\":1,\"settings\":{}}", "no heeler" },
        { "{\"hostname\":\"a\",\"settings\":{\"heeler_interval\":\"0\"}}", "heeler_interval" },
        { "{\"hostname\":\"a\",\"settings\":{\"heeler_of_tomorrow\":\"0\"}}",
          "heeler_of_tomorrow" },
    };
    char hostname[HOSTNAME_SIZE];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings = { 0 };
        char problem[512] = "";

        if (live_settings_read(&settings, hostname, cases[i].answer, strlen(cases[i].answer),
                               problem, sizeof problem) ||
            strstr(problem, cases[i].part) == NULL)
            fail_msg("%s: \"%s\"", cases[i].answer, problem);
        settings_free(&settings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_is_what_there_is),
        cmocka_unit_test(an_answer_of_others_is_refused_with_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
