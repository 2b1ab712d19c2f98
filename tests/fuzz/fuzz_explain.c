/* fuzz_explain: any lines explained and linted. What is said of a line is whole JSON, a place
 * in it is a place in the line, and the parser of the explanation and of lint agree about which
 * lines are refused.
 *
 * The first byte chooses settings; each line is one. */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "protocol/lines.h"
#include "server/commands/explain_screen.h"
#include "server/commands/explainer.h"
#include "server/commands/lint.h"
#include "server/receive/code_paths.h"
#include "tests/support/with_settings.h"

enum { NOW_S = 1700000000, EXPLAINED_MAX = 8 }; /* each line has a server of its own */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FILE *nowhere;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    log_set_level(LOG_LEVEL_OFF);
    code_paths_choose_or_exit();
    nowhere = fopen("/dev/null", "we");
    return nowhere != NULL ? 0 : 1;
}

static bool load(struct settings *settings, uint8_t how)
{
    return WITH_SETTINGS(settings, "hostname=h",
                         how & 1 ? "use_v2_api.series=false" : "statsd_metric_namespace=n",
                         how & 2 ? "histogram_copy_to_distribution=true"
                                 : "dogstatsd_buffer_size=512",
                         how & 4 ? "dogstatsd_no_aggregation_pipeline=false" : "tags=a:b c",
                         how & 8 ? "metric_filterlist=a b" : "dogstatsd_tags=x",
                         "dogstatsd_mapper_profiles=[{\"name\":\"p\",\"prefix\":\"m\","
                         "\"mappings\":[{\"match\":\"m*"
                         "\",\"name\":\"m.$1\",\"tags\":{\"t\":\"$1\"}}]}]");
}

/* The source of an event may have a NUL, which jansson does not take in a key. */
static bool is_beyond_jansson(const struct json_out *out)
{
    return memmem(out->bytes.at, out->bytes.len, "\\u0000", 6) != NULL;
}

/* Whether the explanation says that the line is refused. */
static bool is_refused(const struct json_out *out, size_t len)
{
    json_t *object =
        json_loadb((const char *)out->bytes.at, out->bytes.len, JSON_ALLOW_NUL, NULL);
    bool refused = memmem(out->bytes.at, out->bytes.len, "\"parsed\":{", 10) == NULL;

    if (object == NULL && !is_beyond_jansson(out))
        abort();
    if (object != NULL) {
        refused = json_object_get(object, "parsed") == NULL;
        if (refused && (size_t)json_integer_value(json_object_get(object, "at")) > len)
            abort();
        explain_screen_print(object, nowhere);
    }
    json_decref(object);
    return refused;
}

static bool explain(struct explainer *explainer, struct slice line)
{
    struct json_out out = { .comma = false };
    char problem[512];

    if (explainer_line(explainer, line, NOW_S, &out, problem, sizeof problem) ==
        EXPLAINED_FAILED)
        abort();
    bool refused = is_refused(&out, line.len);

    bytes_free(&out.bytes);
    return refused;
}

struct told {
    uint64_t refused;
};

static void tell(void *argument, const struct lint_finding *finding)
{
    struct told *told = argument;

    if (finding->at > finding->line.len || finding->number == 0)
        abort();
    told->refused += finding->id == LINT_REFUSED;
    lint_print(nowhere, "f", finding);
    if (!lint_print_json(nowhere, "f", finding))
        abort();
}

static void take_lines(struct explainer *explainer, struct lint *lint, struct told *told,
                       struct slice text)
{
    struct lines lines = lines_of(text, false);
    struct slice line;
    uint64_t number = 0;

    while (lines_next(&lines, &line)) {
        uint64_t before = told->refused;

        if (line.len > LINT_LINE_MAX)
            line.len = LINT_LINE_MAX;
        lint_take(lint, line, (struct lint_place){ ++number, 0 });
        if (number <= EXPLAINED_MAX && explain(explainer, line) != (told->refused > before))
            abort();
    }
    lint_end(lint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings;
    struct told told = { 0 };
    char problem[512];

    if (size == 0 || !load(&settings, data[0]))
        return 0;
    char *copy = malloc(size); /* of its own, so that the sanitizer sees */

    if (copy == NULL)
        abort();
    memcpy(copy, data + 1, size - 1);
    struct explainer *explainer =
        explainer_new(&settings, settings.hostname, problem, sizeof problem);
    struct lint_config config = {
        .settings = &settings, .all = data[0] & 16, .tell = tell, .argument = &told
    };
    struct lint *lint = lint_new(&config, problem, sizeof problem);

    if (explainer == NULL || lint == NULL)
        abort();
    take_lines(explainer, lint, &told, (struct slice){ copy, size - 1 });
    lint_free(lint);
    explainer_free(explainer);
    settings_free(&settings);
    free(copy);
    return 0;
}
