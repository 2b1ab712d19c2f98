/* server/commands/lint_line.h: what is suspicious in a line by itself.
 *
 * The parser and the enricher of the server decide whether it is taken; what is looked for
 * beside that are the rows of server/commands/lint_table.h that are about one line. Memory does
 * not depend on how many lines there are. One thread. */
#ifndef SERVER_COMMANDS_LINT_LINE_H
#define SERVER_COMMANDS_LINT_LINE_H

#include "config/must_check.h"
#include "config/settings.h"
#include "protocol/parse.h"
#include "server/commands/lint_finding.h"

enum { LINT_LINE_MAX = 64 * 1024 }; /* no datagram is longer */

struct lint_line;

/* Owned; the settings outlive it. NULL, with a sentence: one is wrong, or there is no memory.
 */
struct lint_line *lint_line_new(const struct settings *settings, char *problem,
                                size_t problem_size);
void lint_line_free(struct lint_line *given);

/* Where a line stands, and who sent it. */
struct lint_place {
    uint64_t number; /* from 1 */
    int32_t sender;  /* a process, as a capture knows it; 0: not known, or of a text */
};

/* A metric as it was read; views into the line. */
struct lint_metric {
    struct slice line;
    struct slice name, tags; /* as sent */
    struct slice value;      /* packed values and all */
    struct slice fields;     /* behind the value: "|c|#env:dev" */
    enum metric_type type;
};

/* Tells all that it finds in the line, which has at most LINT_LINE_MAX bytes and no newline.
 * True: it is a metric that the server takes, and *out is it. */
bool lint_line_check(struct lint_line *lint, struct slice line, uint64_t number,
                     lint_tell *tell, void *argument, struct lint_metric *out);

#endif
