/* server/commands/terminal.h: a whole terminal for a command that repaints it, and its keys.
 *
 * terminal_open() goes to the alternate screen and reads keys one by one; whatever ends the
 * program but SIGKILL, the terminal is as it was before. Lines that are too long are cut by the
 * terminal itself. There is one terminal, and so no object for it. */
#ifndef SERVER_COMMANDS_TERMINAL_H
#define SERVER_COMMANDS_TERMINAL_H

#include <stdbool.h>

/* A key is its byte, or one of these. */
enum terminal_key {
    KEY_NONE = 0, /* the time is over, or the size has changed */
    KEY_ENTER = '\n',
    KEY_ESCAPE = 27,
    KEY_ERASE = 127,
    KEY_UP = 256,
    KEY_DOWN,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_HOME,
    KEY_END,
    KEY_GONE, /* nobody types any more: a signal, or the end of the input */
};

/* Clears what was left in a line, and ends it. */
#define TERMINAL_END "\x1b[K\r\n"

/* Whether somebody looks at standard output and types on standard input. */
bool terminal_is_there(void);

/* False: the terminal cannot do it. */
bool terminal_open(void);
void terminal_close(void);

void terminal_size(int *columns, int *rows);

/* Waits for so long at most. */
int terminal_key(int timeout_ms);

/* Between these two a screen is written to standard output. */
void terminal_begin_screen(void);
void terminal_end_screen(void);

#endif
