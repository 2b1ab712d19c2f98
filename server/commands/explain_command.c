/* heeler explain: what becomes of a line, with the settings here or those of a server that
 * runs. The line stays here in both cases: the server is asked for its settings alone. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "config/hostname.h"
#include "config/log.h"
#include "config/shown.h"
#include "protocol/lines.h"
#include "server/commands/commands.h"
#include "server/commands/explain_screen.h"
#include "server/commands/explainer.h"
#include "server/commands/live_settings.h"

static int complain(const char *why, int status)
{
    fflush(stdout);
    fputs("heeler explain: ", stderr);
    shown_put_text(stderr, why);
    fputc('\n', stderr);
    return status;
}

/* The words; views. */
struct asking {
    const char *at; /* NULL: the settings are those of the command line */
    bool json;
    char **lines;
    int n_lines;
};

static bool read_words(const struct command_line *line, struct asking *out)
{
    out->lines = line->rest;
    for (int i = 0; i < line->n_rest; i++) {
        char *word = line->rest[i];

        if (strcmp(word, "--json") == 0) {
            out->json = true;
        } else if (strcmp(word, "--at") == 0 && i + 1 < line->n_rest) {
            out->at = line->rest[++i];
        } else if (strncmp(word, "--", 2) == 0) {
            command_line_refuse(line, word);
            return false;
        } else {
            out->lines[out->n_lines++] = word;
        }
    }
    if (out->n_lines == 0)
        (void)complain("a line is missing (see heeler help explain)", EXIT_SETTINGS);
    return out->n_lines > 0;
}

/* ---- showing ----------------------------------------------------------- */

static void show_json(const struct json_out *explained)
{
    shown_put_json(stdout, (const char *)explained->bytes.at, explained->bytes.len);
    putchar('\n');
}

/* The name of a member with a NUL, which JSON may have and its reader here does not take, is in
 * the JSON as it is. */
static void show(const struct asking *asking, const struct json_out *explained)
{
    json_t *object = asking->json ? NULL
                                  : json_loadb((const char *)explained->bytes.at,
                                               explained->bytes.len, JSON_ALLOW_NUL, NULL);

    if (object != NULL)
        explain_screen_print(object, stdout);
    else
        show_json(explained);
    json_decref(object);
}

/* The status so far, or a worse one. */
static int explain_line(const struct asking *asking, struct explainer *explainer,
                        struct slice line, int status)
{
    struct json_out out = { .comma = false };
    char problem[512];
    enum explained result =
        explainer_line(explainer, line, clock_wall_s(), &out, problem, sizeof problem);

    if (result == EXPLAINED_FAILED)
        status = complain(problem, EXIT_SYSTEM);
    else
        show(asking, &out);
    bytes_free(&out.bytes);
    return result == EXPLAINED_SENT ? status : EXIT_SYSTEM;
}

static int explain_lines(const struct asking *asking, struct explainer *explainer)
{
    int status = EXIT_OK;
    bool any = false;

    for (int i = 0; i < asking->n_lines; i++) {
        struct lines lines = lines_of(slice_of(asking->lines[i]), false);
        struct slice line;

        for (; lines_next(&lines, &line); any = true)
            status = explain_line(asking, explainer, line, status);
    }
    return any ? status : complain("there is no line in that", EXIT_SETTINGS);
}

/* ---- settings ---------------------------------------------------------- */

static int explain_by(const struct asking *asking, struct settings *settings,
                      const char *hostname)
{
    char problem[512];
    struct explainer *explainer = explainer_new(settings, hostname, problem, sizeof problem);

    if (explainer == NULL)
        return complain(problem, EXIT_SETTINGS);
    int status = explain_lines(asking, explainer);

    explainer_free(explainer);
    return status;
}

static int explain_here(const struct asking *asking, struct settings *settings)
{
    char hostname[HOSTNAME_SIZE] = "";
    struct problems problems = { .n_unlisted = 0 };
    const char *how;
    bool found = hostname_find(settings, hostname, sizeof hostname, &how, &problems);

    if (!found)
        command_print_problems(&problems);
    problems_free(&problems);
    return found ? explain_by(asking, settings, hostname) : EXIT_SETTINGS;
}

static int explain_there(const struct asking *asking, const struct settings *own)
{
    char hostname[HOSTNAME_SIZE], problem[1024];
    struct settings settings = { 0 };
    int status =
        live_settings_load(&settings, hostname, asking->at, own, problem, sizeof problem)
            ? explain_by(asking, &settings, hostname)
            : complain(problem, EXIT_SYSTEM);

    settings_free(&settings);
    return status;
}

static int answer(struct command_line *line)
{
    struct asking asking = { .at = NULL };
    struct settings settings = { 0 };
    int status = EXIT_SETTINGS;

    if (!read_words(line, &asking))
        return status;
    line->no_secret_files = asking.at == NULL; /* a key goes with a question */
    if (command_settings(&settings, line))
        status = asking.at != NULL ? explain_there(&asking, &settings)
                                   : explain_here(&asking, &settings);
    settings_free(&settings);
    return status;
}

int command_explain(int n, char **words)
{
    log_set_level(LOG_LEVEL_OFF);
    int status = command_with_line("explain", n, words, true, answer);

    return fflush(stdout) == 0 ? status : complain("standard output", EXIT_SYSTEM);
}
