/* Heeler: see README.md. main() only chooses the sub-command. */
#include <stdio.h>
#include <string.h>

#include "flush/memory/state.h"
#include "server/commands/commands.h"
#include "server/http/functions.h"
#include "server/http/metrics.h"
#include "server/receive/code_paths.h"
#include "server/receive/descriptors.h"

/* For the process that this one takes over, the oldest first: version 1 asks for no more
 * than one number. */
static void print_state_versions(FILE *out)
{
    for (int version = STATE_VERSION_READ; version <= STATE_VERSION; version++)
        fprintf(out, "%d\n", version);
}

static void print_version(FILE *out)
{
    fputs("heeler " HEELER_VERSION " (", out);
    for (int i = 0; i < CODE_STEPS; i++)
        fprintf(out, "%s%s %s", i > 0 ? ", " : "", code_steps[i]->word,
                code_path_word(code_steps[i]));
    fputs(")\n", out);
}

/* What programs ask, a word each; the last two make tables of docs/. */
static const struct {
    const char *word;
    void (*print)(FILE *out);
} questions[] = {
    { "--version", print_version },
    { "--state-version", print_state_versions },
    { "--metrics-list", metrics_list },
    { "--functions-markdown", functions_markdown },
};

static bool answers(const char *word)
{
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        if (strcmp(word, questions[i].word) == 0) {
            questions[i].print(stdout);
            return true;
        }
    return false;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "run";
    bool asks = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;

    if (!descriptors_hold_standard())
        return EXIT_SYSTEM;
    command_forget_environment();
    code_paths_choose_or_exit();
    if (answers(word))
        return EXIT_OK;
    const struct command *command = command_find(asks ? "help" : word);
    if (command != NULL)
        return command->run(argc > 2 ? argc - 2 : 0, argv + (argc > 1 ? 2 : 1));
    return word[0] == '-' ? command_run(argc - 1, argv + 1) : command_unknown(word);
}
