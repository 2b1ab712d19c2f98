/* server/commands/commands.h: what the program does, one function per sub-command.
 *
 *   heeler [run]   the server        heeler check   the effective settings
 *   heeler send    metrics from a shell      heeler query   what the series did lately
 *
 * Each gets the words behind its name and returns the exit status. */
#ifndef SERVER_COMMANDS_COMMANDS_H
#define SERVER_COMMANDS_COMMANDS_H

#include "config/load.h"

enum exit_status {
    EXIT_OK = 0,
    EXIT_SYSTEM = 1,    /* a port in use, no memory, an unreadable socket */
    EXIT_SETTINGS = 78, /* EX_CONFIG: a setting is wrong */
};

/* The words of the command line that every sub-command takes: --config FILE and
 * --set KEY=VALUE. Views into argv. */
struct command_line {
    const char *config_file;
    char **sets;
    size_t n_sets;
    bool help;
    char **rest; /* other words, in order */
    int n_rest;
};

/* Moves through words[0..n); false, with a sentence on standard error, when an
 * option lacks its value or is unknown. `sets` and `rest` need room for n words;
 * take_rest: words without dashes are kept instead of refused. */
bool command_line_read(struct command_line *out, int n, char **words, bool take_rest);

/* Loads the settings of that command line. Errors and warnings go to standard error as
 * sentences. False: at least one is an error; settings must be freed all the same. */
bool command_settings(struct settings *settings, const struct command_line *line);

/* The same without a word: the problems are the caller's. */
bool command_load(struct settings *settings, const struct command_line *line,
                  struct problems *problems);

/* The server with these settings, of which not all are good; returns the exit status. */
int command_run_settings(const struct command_line *line, struct settings *settings, bool good);

/* First of all: SSLKEYLOGFILE would have the keys of TLS written to a file. */
void command_forget_environment(void);

int command_run(int n, char **words);
int command_check(int n, char **words);
int command_send(int n, char **words);
int command_query(int n, char **words);
void command_help(void);

#endif
