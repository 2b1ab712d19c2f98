/* server/commands/top_screen.h: what GET /api/v1/top answers as a table: numbers, and behind
 * them the name, which may be long.
 *
 * Whoever answered is not trusted: what is missing or of another type is "-", and no byte of a
 * text can do anything to a terminal (config/shown.h). */
#ifndef SERVER_COMMANDS_TOP_SCREEN_H
#define SERVER_COMMANDS_TOP_SCREEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct top_look {
    const char *where;  /* who was asked */
    const char *sort;   /* a word of the API */
    const char *filter; /* rows whose name has it somewhere, whatever the case; empty: all */
    size_t first;       /* row that is shown first */
    size_t rows;        /* that are shown at most */
    const char *end;    /* behind each line: "\n", or for a terminal what clears its rest too */
};

bool top_screen_is_answer(const json_t *answer);

/* How many rows the filter leaves. */
size_t top_screen_rows(const json_t *answer, const char *filter);

/* TOP_SCREEN_HEAD lines, and the rows. */
enum { TOP_SCREEN_HEAD = 2 };
void top_screen_print(const json_t *answer, const struct top_look *look, FILE *out);

#endif
