/* server/commands/progress.h: how far a command is, in one line on a terminal.
 *
 *   [==========>          ] 12.3 of 45.6 MiB, 0:12 left
 *
 * It is written to standard error again and again, ten times a second at most, and wiped out at
 * the end. Where standard error is no terminal nothing is written. */
#ifndef SERVER_COMMANDS_PROGRESS_H
#define SERVER_COMMANDS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool is_shown; /* it is a terminal */
    int64_t began_ns, shown_ns;
};

void progress_begin(struct progress *progress, int64_t now_ns);

/* done and all are bytes; all: 0: nobody knows. */
void progress_show(struct progress *progress, uint64_t done, uint64_t all, int64_t now_ns);

/* The same with words of the command's instead. */
void progress_say(struct progress *progress, const char *words, int64_t now_ns);
void progress_end(struct progress *progress);

/* The line without its ends; pure. after_ns: that it has taken so far. */
enum { PROGRESS_MAX = 80 };
void progress_write(uint64_t done, uint64_t all, int64_t after_ns, char out[PROGRESS_MAX]);

#endif
