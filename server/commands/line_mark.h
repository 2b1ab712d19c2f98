/* server/commands/line_mark.h: the mark below the byte of a line that is at fault.
 *
 *   hits:1|x|#env:dev
 *          ^ the type is none of c g ms h s d
 *
 * A line is shown through config/shown.h, so a byte may take several columns, or none. */
#ifndef SERVER_COMMANDS_LINE_MARK_H
#define SERVER_COMMANDS_LINE_MARK_H

#include <stdbool.h>
#include <stdio.h>

#include "protocol/slice.h"

/* How many columns the beginning of so many bytes takes as it is shown. repaired: the text came
 * as JSON, where each byte of no character has become U+FFFD; bytes are those of before. */
size_t line_mark_columns(struct slice text, size_t bytes, bool repaired);

/* The mark and the sentence behind it, as a line of its own: below a line that was shown behind
 * so many columns. */
void line_mark_print(FILE *out, size_t indent, struct slice line, size_t at, bool repaired,
                     struct slice sentence);

#endif
