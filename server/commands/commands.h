/* server/commands/commands.h: what the program does, a row and a function a sub-command.
 *
 * server/commands/commands_table.h has the rows. main(), the help, its pages and the
 * sentence about an unknown word read them and nothing else. A function gets the words
 * behind its name and returns the exit status. */
#ifndef SERVER_COMMANDS_COMMANDS_H
#define SERVER_COMMANDS_COMMANDS_H

#include "config/load.h"

enum exit_status {
    EXIT_OK = 0,
    EXIT_SYSTEM = 1,    /* a port in use, no memory, an unreadable socket */
    EXIT_SETTINGS = 78, /* EX_CONFIG: a setting is wrong */
};

enum { COMMAND_OPTIONS_MAX = 12 };

/* All static. */
struct command {
    const char *name;
    int (*run)(int n, char **words);
    const char *usage;    /* behind "heeler " */
    const char *sentence; /* for the list of all */
    const char *about;    /* whole lines, for its own page */
    struct {
        const char *typed, *sentence;
    } options[COMMAND_OPTIONS_MAX]; /* a NULL behind the last */
};

#define COMMAND(name, ...) int command_##name(int n, char **words);
#include "server/commands/commands_table.h"
#undef COMMAND

#define COMMAND(name, ...) COMMAND_##name,
enum command_number {
#include "server/commands/commands_table.h"
    COMMAND_COUNT
};
#undef COMMAND

/* COMMAND_COUNT rows, in the order of the table. */
extern const struct command commands[];

/* By its name, or what the Agent calls it. NULL: there is none. */
const struct command *command_find(const char *name);

/* One sentence on standard error, with the names that there are; the exit status. */
int command_unknown(const char *word);

/* "heeler NAME: what: why" on standard error, shown as any text of others is; the status. */
int command_complain(const char *name, const char *what, const char *why, int status);

/* The page of one command, on standard output. */
void command_show_page(const struct command *command);

/* The words of the command line that every sub-command takes: --config FILE and
 * --set KEY=VALUE. Views into argv. */
struct command_line {
    const char *command; /* its name, for sentences */
    const char *config_file;
    char **sets;
    size_t n_sets;
    bool help;
    bool no_secret_files; /* set by the command: see config/load.h */
    char **rest;          /* other words, in order */
    int n_rest;
};

/* Moves through words[0..n); false, with a sentence on standard error, when an
 * option lacks its value or is unknown. `sets` and `rest` need room for n words;
 * take_rest: other words are kept instead of refused, and so are -- and all behind it. */
bool command_line_read(struct command_line *out, int n, char **words, bool take_rest);

/* Whether it is one of the two forms of an option. */
bool command_word_is(const char *word, const char *brief, const char *whole);

/* "heeler: "word" is not understood (see heeler help NAME)", on standard error. */
void command_line_refuse(const struct command_line *line, const char *word);

/* What a command does with its words; returns the exit status. */
typedef int command_act(struct command_line *line);

/* Reads the words and acts on them, or shows the command's page where they ask for help.
 * The exit status. */
int command_with_line(const char *name, int n, char **words, bool take_rest, command_act *act);

/* Loads the settings of that command line. Errors and warnings go to standard error as
 * sentences. False: at least one is an error; settings must be freed all the same. */
bool command_settings(struct settings *settings, const struct command_line *line);

/* The same, but says nothing: the caller gets the problems. */
bool command_load(struct settings *settings, const struct command_line *line,
                  struct problems *problems);

/* Prints notes, then warnings, then errors, on standard error and behind all that went to
 * standard output before. */
void command_print_problems(const struct problems *problems);

/* The server with these settings, of which not all are good; returns the exit status. */
int command_run_settings(const struct command_line *line, struct settings *settings, bool good);

/* To be called first of all: with SSLKEYLOGFILE in the environment the keys of TLS would be
 * written to a file. */
void command_forget_environment(void);

#endif
