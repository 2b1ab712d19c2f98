/* heeler lint: what is wrong or suspicious in the lines of a file, for a person or a CI. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "config/shown.h"
#include "flush/memory/json_out.h"
#include "server/commands/commands.h"
#include "server/commands/lint.h"
#include "server/commands/lint_seen.h"
#include "server/commands/lint_source.h"

static int complain(const char *what, const char *why)
{
    fflush(stdout);
    return command_complain("lint", what, why, EXIT_SETTINGS);
}

/* The words; views. */
struct asking {
    const char *file; /* or "-" */
    bool json;
    struct lint_config config;
    bool failed; /* no memory for a finding */
};

/* ---- words ------------------------------------------------------------- */

static int refuse_id(const char *word)
{
    fputs("heeler lint: --allow takes one of", stderr);
    for (int i = 0; i < LINT_COUNT; i++)
        fprintf(stderr, "%s %s", i > 0 ? "," : "", lint_word((enum lint_id)i));
    fputs("; not ", stderr);
    shown_put_text(stderr, word);
    fputc('\n', stderr);
    return EXIT_SETTINGS;
}

/* False, with a sentence. */
static bool take_allowed(const char *word, struct lint_config *config)
{
    enum lint_id id;

    if (!lint_find(word, &id)) {
        (void)refuse_id(word);
        return false;
    }
    config->allowed[id] = true;
    return true;
}

static bool read_words(const struct command_line *line, struct asking *out)
{
    for (int i = 0; i < line->n_rest; i++) {
        char *word = line->rest[i];

        if (strcmp(word, "--json") == 0) {
            out->json = true;
        } else if (strcmp(word, "--all") == 0) {
            out->config.all = true;
        } else if (strcmp(word, "--allow") == 0 && i + 1 < line->n_rest) {
            if (!take_allowed(line->rest[++i], &out->config))
                return false;
        } else if (strncmp(word, "--", 2) == 0 || out->file != NULL) {
            command_line_refuse(line, word);
            return false;
        } else {
            out->file = word;
        }
    }
    if (out->file == NULL)
        (void)complain("what?", "a file is missing, or - (see heeler help lint)");
    return out->file != NULL;
}

/* ---- telling ----------------------------------------------------------- */

static void tell(void *argument, const struct lint_finding *finding)
{
    struct asking *asking = argument;

    if (!asking->json)
        lint_print(stdout, asking->file, finding);
    else if (!lint_print_json(stdout, asking->file, finding))
        asking->failed = true;
}

static void print_sums(const struct lint_sums *sums)
{
    const char *between = ": ";

    printf("%" PRIu64 " lines, %" PRIu64 " findings", sums->lines, sums->findings);
    for (int i = 0; i < LINT_COUNT; i++) {
        if (sums->found[i] == 0)
            continue;
        printf("%s%s %" PRIu64, between, lint_word((enum lint_id)i), sums->found[i]);
        between = ", ";
    }
    putchar('\n');
    if (sums->full)
        printf("not all names and tags were compared: there is room for %d names\n",
               LINT_NAMES_MAX);
}

static bool print_sums_json(const struct lint_sums *sums)
{
    struct json_out out = { .comma = false };

    json_out_begin(&out, NULL, '{');
    json_out_number(&out, "lines", sums->lines);
    json_out_begin(&out, "findings", '{');
    for (int i = 0; i < LINT_COUNT; i++)
        if (sums->found[i] > 0)
            json_out_number(&out, lint_word((enum lint_id)i), sums->found[i]);
    json_out_end(&out, '}');
    json_out_bool(&out, "all_compared", !sums->full);
    json_out_end(&out, '}');
    bool done = !out.bytes.failed;

    if (done)
        printf("%.*s\n", (int)out.bytes.len, (const char *)out.bytes.at);
    bytes_free(&out.bytes);
    return done;
}

/* ---- reading ----------------------------------------------------------- */

static FILE *open_file(const char *path)
{
    return strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
}

static int read_file(struct lint *lint, const char *path)
{
    FILE *file = open_file(path);
    struct slice line;
    struct lint_place place;
    int status = EXIT_OK;

    if (file == NULL)
        return complain(path, strerror(errno));
    struct lint_source *source = lint_source_new(file);

    if (source == NULL)
        return complain("memory", "not enough");
    while (lint_source_next(source, &line, &place))
        lint_take(lint, line, place);
    if (lint_source_problem(source) != NULL)
        status = complain(path, lint_source_problem(source));
    lint_source_free(source);
    return status;
}

static int finish(struct asking *asking, struct lint *lint, int status)
{
    struct lint_sums sums;

    lint_end(lint);
    lint_sum(lint, &sums);
    if (status != EXIT_OK && sums.lines == 0)
        return status;
    if (!asking->json)
        print_sums(&sums);
    else if (!print_sums_json(&sums))
        asking->failed = true;
    if (asking->failed)
        return complain("memory", "not enough");
    return status != EXIT_OK ? status : sums.findings > 0 ? EXIT_SYSTEM : EXIT_OK;
}

static int lint_file(struct asking *asking, const struct settings *settings)
{
    char problem[512];

    asking->config.settings = settings;
    asking->config.tell = tell;
    asking->config.argument = asking;
    struct lint *lint = lint_new(&asking->config, problem, sizeof problem);

    if (lint == NULL)
        return complain("settings", problem);
    int status = finish(asking, lint, read_file(lint, asking->file));

    lint_free(lint);
    return status;
}

static int act(struct command_line *line)
{
    struct asking asking = { .file = NULL };
    struct settings settings = { 0 };
    int status = EXIT_SETTINGS;

    line->no_secret_files = true;
    if (read_words(line, &asking) && command_settings(&settings, line))
        status = lint_file(&asking, &settings);
    settings_free(&settings);
    return status;
}

int command_lint(int n, char **words)
{
    log_set_level(LOG_LEVEL_OFF);
    int status = command_with_line("lint", n, words, true, act);

    return fflush(stdout) == 0 ? status : complain("standard output", strerror(errno));
}
