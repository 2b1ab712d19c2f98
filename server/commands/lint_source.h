/* server/commands/lint_source.h: the lines of a file, in bounded memory however long they are.
 *
 * A line of text ends in a newline, of which a carriage return before it is a part, or with the
 * file. A capture (protocol/dog.h), compressed or not, is known by its first bytes; its lines
 * are those of its datagrams. */
#ifndef SERVER_COMMANDS_LINT_SOURCE_H
#define SERVER_COMMANDS_LINT_SOURCE_H

#include <stdio.h>

#include "server/commands/lint_line.h"

enum { LINT_ENDLESS = 64 << 20 };

struct lint_source;

/* The file is given, and standard input may be one. NULL without memory: it is closed. */
struct lint_source *lint_source_new(FILE *given);
void lint_source_free(struct lint_source *given);

/* A line of at most LINT_LINE_MAX bytes, a view until the next call, and where it stands. What
 * a longer one has behind that is skipped, and one of more than LINT_ENDLESS bytes is a
 * problem. False: there are no more, or lint_source_problem(). */
bool lint_source_next(struct lint_source *source, struct slice *line, struct lint_place *place);

/* NULL: all was read; else a sentence, a view. */
const char *lint_source_problem(const struct lint_source *source);

#endif
