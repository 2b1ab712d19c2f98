/* heeler check: the settings as a start would have them, and what is wrong with them. */
#include <stdio.h>
#include <string.h>

#include "config/change.h"
#include "config/settings_print.h"
#include "server/commands/commands.h"
#include "server/commands/usable.h"

/* False, with a sentence: a word is not understood. */
static bool wants_all(const struct command_line *line, bool *all)
{
    for (int i = 0; i < line->n_rest; i++) {
        if (strcmp(line->rest[i], "--all") != 0) {
            command_line_refuse(line, line->rest[i]);
            return false;
        }
        *all = true;
    }
    return true;
}

static int print_changed(const struct settings *settings, const struct settings *standard)
{
    int n = 0;

    for (int i = 0; i < SETTING_COUNT; i++)
        if (settings_differ(settings, standard, &options[i])) {
            settings_print_one(settings, (enum setting)i, stdout);
            n++;
        }
    return n;
}

/* Prints what differs from the defaults, which are what loading from no source gives. */
static void print_what_differs(const struct settings *settings)
{
    struct settings standard = { 0 };
    struct settings_source none = { 0 };
    struct problems problems = { 0 };

    if (settings_load(&standard, &none, &problems)) {
        int n = print_changed(settings, &standard);

        printf("# %d of %d settings differ from the default (heeler check --all: every one)\n",
               n, SETTING_COUNT);
    } else {
        settings_print(settings, stdout);
    }
    problems_free(&problems);
    settings_free(&standard);
}

/* Finds what is wrong only when it is used. */
static void check_use(const struct settings *settings, struct problems *problems)
{
    struct usable usable;

    if (problems->out_of_memory)
        return;
    (void)usable_check(&usable, settings, problems);
    usable_check_system(settings, problems);
    usable_check_monitors(settings, problems);
    if (usable.hostname[0] != '\0')
        printf("# host name: %s (%s)\n", usable.hostname, usable.hostname_from);
}

static int check(struct command_line *line)
{
    struct settings settings = { 0 };
    struct problems problems = { 0 };
    bool all = false;

    if (!wants_all(line, &all))
        return EXIT_SETTINGS;
    (void)command_load(&settings, line, &problems);
    if (all || problems.out_of_memory)
        settings_print(&settings, stdout);
    else
        print_what_differs(&settings);
    check_use(&settings, &problems);
    printf("# %s\n", settings_is_local(&settings) ? "local mode: no api_key, nothing is sent"
                                                  : "sends to the intake");
    command_print_problems(&problems);
    int status = problems_none(&problems) ? EXIT_OK : EXIT_SETTINGS;
    problems_free(&problems);
    settings_free(&settings);
    return status;
}

int command_check(int n, char **words)
{
    return command_with_line("check", n, words, true, check);
}
