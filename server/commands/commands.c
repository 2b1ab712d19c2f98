#include "server/commands/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/shown.h"

#define COMMAND(title, words, text, more, ...)    \
    [COMMAND_##title] = { .name = #title,         \
                          .run = command_##title, \
                          .usage = (words),       \
                          .sentence = (text),     \
                          .about = (more),        \
                          .options = { __VA_ARGS__ } },

const struct command commands[COMMAND_COUNT] = {
#include "server/commands/commands_table.h"
};

/* As the Agent calls it. */
static const char *real_name(const char *name)
{
    static const char *const agents[][2] = { { "dogstatsd-stats", "top" },
                                             { "dogstatsd-capture", "capture" },
                                             { "dogstatsd-replay", "replay" } };

    for (size_t i = 0; i < sizeof agents / sizeof agents[0]; i++)
        if (strcmp(name, agents[i][0]) == 0)
            return agents[i][1];
    return name;
}

const struct command *command_find(const char *name)
{
    name = real_name(name);
    for (const struct command *c = commands; c < commands + COMMAND_COUNT; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

int command_unknown(const char *word)
{
    fprintf(stderr, "heeler: \"%s\" is no sub-command:", word);
    for (const struct command *c = commands; c < commands + COMMAND_COUNT; c++)
        fprintf(stderr, "%s %s", c == commands ? "" : ",", c->name);
    fputs(" (see heeler help)\n", stderr);
    return EXIT_SETTINGS;
}

int command_complain(const char *name, const char *what, const char *why, int status)
{
    fprintf(stderr, "heeler %s: ", name);
    shown_put_text(stderr, what);
    fputs(": ", stderr);
    shown_put_text(stderr, why);
    fputc('\n', stderr);
    return status;
}

void command_show_page(const struct command *command)
{
    printf("usage: heeler %s\n\nheeler %s: %s.\n\n%s", command->usage, command->name,
           command->sentence, command->about);
    for (int i = 0; i < COMMAND_OPTIONS_MAX && command->options[i].typed != NULL; i++)
        printf("%s  %-18s %s\n", i == 0 ? "\n" : "", command->options[i].typed,
               command->options[i].sentence);
}

void command_forget_environment(void)
{
    unsetenv("SSLKEYLOGFILE");
}

/* ---- the words --------------------------------------------------------- */

static bool needs_value(const struct command_line *line, const char *word)
{
    fprintf(stderr, "heeler: %s needs a value behind it (see heeler help %s)\n", word,
            line->command);
    return false;
}

bool command_word_is(const char *word, const char *brief, const char *whole)
{
    return strcmp(word, brief) == 0 || strcmp(word, whole) == 0;
}

void command_line_refuse(const struct command_line *line, const char *word)
{
    fprintf(stderr, "heeler: \"%s\" is not understood (see heeler help %s)\n", word,
            line->command);
}

bool command_line_read(struct command_line *out, int n, char **words, bool take_rest)
{
    for (int i = 0; i < n; i++) {
        char *word = words[i];
        bool last = i + 1 == n;

        if (take_rest && strcmp(word, "--") == 0) { /* the words of another command */
            while (i < n)
                out->rest[out->n_rest++] = words[i++];
            return true;
        }
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            out->help = true;
        } else if (strcmp(word, "--config") == 0 || strcmp(word, "-c") == 0) {
            if (last)
                return needs_value(out, word);
            out->config_file = words[++i];
        } else if (strncmp(word, "--config=", 9) == 0) {
            out->config_file = word + 9;
        } else if (strcmp(word, "--set") == 0) {
            if (last)
                return needs_value(out, word);
            out->sets[out->n_sets++] = words[++i];
        } else if (strncmp(word, "--set=", 6) == 0) {
            out->sets[out->n_sets++] = word + 6;
        } else if (take_rest) {
            out->rest[out->n_rest++] = word;
        } else {
            command_line_refuse(out, word);
            return false;
        }
    }
    return true;
}

int command_with_line(const char *name, int n, char **words, bool take_rest, command_act *act)
{
    struct command_line line = { .command = name,
                                 .sets = calloc((size_t)n + 1, sizeof *line.sets),
                                 .rest = calloc((size_t)n + 1, sizeof *line.rest) };
    int status = EXIT_SETTINGS;

    if (line.sets != NULL && line.rest != NULL &&
        command_line_read(&line, n, words, take_rest)) {
        if (line.help)
            command_show_page(command_find(name));
        status = line.help ? EXIT_OK : act(&line);
    }
    free(line.sets);
    free(line.rest);
    return status;
}

/* ---- the settings ------------------------------------------------------ */

/* All in one write, so that no other output comes between the words. */
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

/* Flushes standard output first, so that the order is right if both are one stream. */
static void print_wrong(const struct problems *problems)
{
    fflush(stdout);
    print_list("warning: ", &problems->warnings);
    print_list("", &problems->errors);
    if (problems->n_unlisted > 0)
        fprintf(stderr, "heeler: and %zu more\n", problems->n_unlisted);
    if (problems->out_of_memory)
        fprintf(stderr, "heeler: not enough memory for the settings\n");
}

void command_print_problems(const struct problems *problems)
{
    fflush(stdout);
    print_list("note: ", &problems->notes);
    print_ignored(&problems->ignored);
    print_wrong(problems);
}

bool command_load(struct settings *settings, const struct command_line *line,
                  struct problems *problems)
{
    struct settings_source source = {
        .file = line->config_file,
        .environment = environ,
        .sets = line->sets,
        .n_sets = line->n_sets,
        .no_secret_files = line->no_secret_files,
    };

    return settings_load(settings, &source, problems);
}

bool command_settings(struct settings *settings, const struct command_line *line)
{
    struct problems problems = { 0 };
    bool loaded = command_load(settings, line, &problems);

    print_wrong(&problems);
    problems_free(&problems);
    return loaded;
}
