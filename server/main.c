/* Heeler: see README.md. main() only chooses the sub-command. */
#include <stdio.h>
#include <string.h>

#include "config/options.h"
#include "flush/memory/state.h"
#include "server/commands/commands.h"
#include "server/http/metrics.h"
#include "server/receive/descriptors.h"

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "run";

    if (!descriptors_hold_standard())
        return EXIT_SYSTEM;
    command_forget_environment();
    if (strcmp(word, "run") == 0)
        return command_run(argc - 2 > 0 ? argc - 2 : 0, argv + 2);
    if (strcmp(word, "check") == 0)
        return command_check(argc - 2, argv + 2);
    if (strcmp(word, "send") == 0)
        return command_send(argc - 2, argv + 2);
    if (strcmp(word, "query") == 0)
        return command_query(argc - 2, argv + 2);
    if (strcmp(word, "--version") == 0) {
        puts("heeler " HEELER_VERSION);
        return EXIT_OK;
    }
    /* For the process that this one takes over, the oldest first: version 1 asks for no
     * more than one number. */
    if (strcmp(word, "--state-version") == 0) {
        for (int version = STATE_VERSION_READ; version <= STATE_VERSION; version++)
            printf("%d\n", version);
        return EXIT_OK;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        command_help();
        return EXIT_OK;
    }
    if (strcmp(word, "--options-markdown") == 0) { /* for the README's check */
        options_markdown(stdout);
        return EXIT_OK;
    }
    if (strcmp(word, "--metrics-list") == 0) { /* the same */
        metrics_list(stdout);
        return EXIT_OK;
    }
    if (word[0] == '-')
        return command_run(argc - 1, argv + 1);
    fprintf(stderr,
            "heeler: \"%s\" is no sub-command: run, check, send, query (see heeler --help)\n",
            word);
    return EXIT_SETTINGS;
}
