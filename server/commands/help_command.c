/* heeler help: all commands on one screen, one command on a page, the settings. */
#include <stdio.h>
#include <string.h>

#include "config/options.h"
#include "server/commands/commands.h"

static int show_all(void)
{
    fputs("usage: heeler [COMMAND] [OPTION]...    (heeler " HEELER_VERSION ")\n", stdout);
    for (const struct command *c = commands; c < commands + COMMAND_COUNT; c++)
        printf("  %-8s %s\n", c->name, c->sentence);
    fputs("Without a command it is the server. help COMMAND, help settings say more.\n"
          "Settings, the last counts: --config FILE, DD_A_B for a.b, --set KEY=VALUE.\n"
          "Exit status: 0 fine, 1 the system said no, 78 a setting is wrong.\n",
          stdout);
    return EXIT_OK;
}

static int show_settings(const char *word)
{
    if (options_help(word, stdout) > 0)
        return EXIT_OK;
    fprintf(stderr, "heeler: no setting mentions \"%s\" (heeler help settings: all)\n", word);
    return EXIT_SETTINGS;
}

static int show_page(const char *name)
{
    const struct command *command = command_find(name);

    if (command == NULL)
        return command_unknown(name);
    command_show_page(command);
    return EXIT_OK;
}

static int help(struct command_line *line)
{
    const char *about = line->n_rest > 0 ? line->rest[0] : NULL;
    bool settings = about != NULL && strcmp(about, "settings") == 0;

    if (line->n_rest > 1 + settings) {
        command_line_refuse(line, line->rest[1 + settings]);
        return EXIT_SETTINGS;
    }
    if (about == NULL)
        return show_all();
    return settings ? show_settings(line->n_rest > 1 ? line->rest[1] : NULL) : show_page(about);
}

int command_help(int n, char **words)
{
    return command_with_line("help", n, words, true, help);
}
