#include "server/commands/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/log.h"
#include "config/options.h"
#include "server/commands/usable.h"

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

void command_forget_environment(void)
{
    unsetenv("SSLKEYLOGFILE");
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

/* One write, so that nothing comes between its words. */
static void print_ignored(const struct string_list *ignored)
{
    char *text = NULL;
    size_t size;
    FILE *out = ignored->n > 0 ? open_memstream(&text, &size) : NULL;

    if (out == NULL)
        return;
    for (size_t i = 0; i < ignored->n; i++)
        fprintf(out, " %s", ignored->at[i]);
    fclose(out);
    fprintf(stderr, "heeler: ignored, not known here:%s\n", text != NULL ? text : "");
    free(text);
}

static void print_list(const char *kind, const struct string_list *sentences)
{
    for (size_t i = 0; i < sentences->n; i++)
        fprintf(stderr, "heeler: %s%s\n", kind, sentences->at[i]);
}

/* The worst stands last. What went to standard output before is ahead of it, also where
 * both become one stream. */
static void print_problems(const struct problems *problems)
{
    fflush(stdout);
    print_list("warning: ", &problems->warnings);
    print_list("", &problems->errors);
    if (problems->n_unlisted > 0)
        fprintf(stderr, "heeler: and %zu more\n", problems->n_unlisted);
    if (problems->out_of_memory)
        fprintf(stderr, "heeler: not enough memory for the settings\n");
}

static void print_notes(const struct problems *problems)
{
    fflush(stdout);
    print_list("note: ", &problems->notes);
    print_ignored(&problems->ignored);
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

    print_problems(&problems);
    problems_free(&problems);
    return loaded;
}

/* Some is found wrong only when it is used. */
static void check_use(const struct settings *settings, struct problems *problems)
{
    struct usable usable;

    if (problems->out_of_memory)
        return;
    (void)usable_check(&usable, settings, problems);
    usable_check_system(settings, problems);
    if (usable.hostname[0] != '\0')
        printf("# host name: %s (%s)\n", usable.hostname, usable.hostname_from);
}

static int check(const struct command_line *line, struct settings *settings,
                 struct problems *problems)
{
    (void)line;
    settings_print(settings, stdout);
    check_use(settings, problems);
    printf("# %s\n", settings_is_local(settings) ? "local mode: no api_key, nothing is sent"
                                                 : "sends to the intake");
    print_notes(problems);
    print_problems(problems);
    return problems_none(problems) ? EXIT_OK : EXIT_SETTINGS;
}

static int run(const struct command_line *line, struct settings *settings,
               struct problems *problems)
{
    print_notes(problems);
    print_problems(problems);
    return command_run_settings(line, settings, problems_none(problems));
}

typedef int act_on_settings(const struct command_line *line, struct settings *settings,
                            struct problems *problems);

static int on_settings(int n, char **words, act_on_settings *act)
{
    struct command_line line = { .sets = calloc((size_t)n + 1, sizeof *line.sets) };
    struct settings settings = { 0 };
    struct problems problems = { 0 };
    int status = EXIT_SETTINGS;

    if (line.sets != NULL && command_line_read(&line, n, words, false)) {
        if (line.help) {
            command_help();
            status = EXIT_OK;
        } else {
            (void)command_load(&settings, &line, &problems);
            status = act(&line, &settings, &problems);
        }
    }
    problems_free(&problems);
    settings_free(&settings);
    free(line.sets);
    return status;
}

/* A program that takes over may find a standard error that nobody reads. */
int command_run(int n, char **words)
{
    log_divert_stderr();
    int status = on_settings(n, words, run);

    log_close();
    return status;
}

int command_check(int n, char **words)
{
    return on_settings(n, words, check);
}
