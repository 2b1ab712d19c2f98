/* heeler run: the server. What it is made of stands in server/run.c. */
#include "config/log.h"
#include "server/commands/commands.h"

static int run(struct command_line *line)
{
    struct settings settings = { 0 };
    struct problems problems = { 0 };

    (void)command_load(&settings, line, &problems);
    command_print_problems(&problems);
    int status = command_run_settings(line, &settings, problems_none(&problems));
    problems_free(&problems);
    settings_free(&settings);
    return status;
}

/* A successor may find that nobody reads standard error any more. */
int command_run(int n, char **words)
{
    log_divert_stderr();
    int status = command_with_line("run", n, words, false, run);

    log_close();
    return status;
}
