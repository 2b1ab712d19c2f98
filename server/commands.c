#include "server/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/options.h"
#include "server/usable.h"

void command_help(void)
{
    fputs("heeler " HEELER_VERSION ": a DogStatsD server\n"
          "\n"
          "usage: heeler [run] [--config FILE] [--set KEY=VALUE]...\n"
          "       heeler check [--config FILE] [--set KEY=VALUE]...\n"
          "       heeler send [--to HOST:PORT | unix:PATH] [--count N] [--rate N]\n"
          "                   [--random LO:HI] LINE...\n"
          "       heeler query [--last 1h | --from S --to S] [--json]\n"
          "                    [--at URL | --redis [URL]] QUERY\n"
          "       heeler --version | --help\n"
          "\n"
          "run      receives metrics and forwards them; without an api_key nothing leaves\n"
          "         this machine (local mode). SIGTERM flushes, delivers and ends; SIGHUP\n"
          "         loads the settings anew.\n"
          "check    prints every effective setting with where it came from, and every problem\n"
          "send     sends DogStatsD lines: heeler send 'my_metric:42|g|#env:dev'\n"
          "query    asks the server what the series did: heeler query\n"
          "         'sum:my_metric{env:dev,!host:a} by {host}.rollup(sum, 3600)';\n"
          "         --redis: the same of all servers that mirror to that Redis, by default\n"
          "         that of heeler_redis_url (DD_HEELER_REDIS_URL hides a password)\n"
          "\n"
          "Exit status: 0 fine, 1 the system said no, 78 a setting is wrong.\n"
          "\n"
          "Settings, in rising order: defaults, --config FILE (YAML, as datadog.yaml), the\n"
          "environment (key a.b is DD_A_B), --set.\n"
          "\n",
          stdout);
    options_help(stdout);
}

static bool needs_value(const char *word)
{
    fprintf(stderr, "heeler: %s needs a value behind it (see heeler --help)\n", word);
    return false;
}

bool command_line_read(struct command_line *out, int n, char **words, bool take_rest)
{
    for (int i = 0; i < n; i++) {
        char *word = words[i];
        bool last = i + 1 == n;

        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            out->help = true;
        } else if (strcmp(word, "--config") == 0 || strcmp(word, "-c") == 0) {
            if (last)
                return needs_value(word);
            out->config_file = words[++i];
        } else if (strncmp(word, "--config=", 9) == 0) {
            out->config_file = word + 9;
        } else if (strcmp(word, "--set") == 0) {
            if (last)
                return needs_value(word);
            out->sets[out->n_sets++] = words[++i];
        } else if (strncmp(word, "--set=", 6) == 0) {
            out->sets[out->n_sets++] = word + 6;
        } else if (take_rest) {
            out->rest[out->n_rest++] = word;
        } else {
            fprintf(stderr, "heeler: \"%s\" is not understood (see heeler --help)\n", word);
            return false;
        }
    }
    return true;
}

static void print_ignored(const struct string_list *ignored)
{
    if (ignored->n == 0)
        return;
    fprintf(stderr, "heeler: ignored, not known here:");
    for (size_t i = 0; i < ignored->n; i++)
        fprintf(stderr, " %s", ignored->at[i]);
    fputc('\n', stderr);
}

static bool print_problems(const struct problems *problems)
{
    for (size_t i = 0; i < problems->errors.n; i++)
        fprintf(stderr, "heeler: %s\n", problems->errors.at[i]);
    for (size_t i = 0; i < problems->warnings.n; i++)
        fprintf(stderr, "heeler: warning: %s\n", problems->warnings.at[i]);
    print_ignored(&problems->ignored);
    if (problems->n_unlisted > 0)
        fprintf(stderr, "heeler: and %zu more\n", problems->n_unlisted);
    if (problems->out_of_memory)
        fprintf(stderr, "heeler: not enough memory for the settings\n");
    return problems_none(problems);
}

bool command_load(struct settings *settings, const struct command_line *line,
                  struct problems *problems)
{
    struct settings_source source = {
        .file = line->config_file,
        .environment = environ,
        .sets = line->sets,
        .n_sets = line->n_sets,
    };

    return settings_load(settings, &source, problems);
}

bool command_settings(struct settings *settings, const struct command_line *line)
{
    struct problems problems = { 0 };
    bool loaded = command_load(settings, line, &problems);

    loaded = print_problems(&problems) && loaded;
    problems_free(&problems);
    return loaded;
}

/* Some is found wrong only when it is used. */
static bool check_use(const struct settings *settings)
{
    struct usable usable;
    struct problems problems = { 0 };
    bool found = usable_check(&usable, settings, &problems);

    found = print_problems(&problems) && found;
    problems_free(&problems);
    if (usable.hostname[0] != '\0')
        printf("# host name: %s (%s)\n", usable.hostname, usable.hostname_from);
    return found;
}

static int check(const struct command_line *line, struct settings *settings, bool good)
{
    (void)line;
    settings_print(settings, stdout);
    good = check_use(settings) && good;
    printf("# %s\n", settings_is_local(settings) ? "local mode: no api_key, nothing is sent"
                                                 : "sends to the intake");
    return good ? EXIT_OK : EXIT_SETTINGS;
}

int command_on_settings(int n, char **words, command_act *act)
{
    struct command_line line = { .sets = calloc((size_t)n + 1, sizeof *line.sets) };
    struct settings settings = { 0 };
    int status = EXIT_SETTINGS;

    if (line.sets != NULL && command_line_read(&line, n, words, false)) {
        if (line.help)
            command_help();
        status =
            line.help ? EXIT_OK : act(&line, &settings, command_settings(&settings, &line));
    }
    settings_free(&settings);
    free(line.sets);
    return status;
}

int command_check(int n, char **words)
{
    return command_on_settings(n, words, check);
}
