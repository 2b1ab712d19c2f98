/* server/commands/lint_finding.h: what is suspicious in a line, and how it is told.
 *
 *   metrics.txt:3: rate-ignored: a sample rate on a type that takes no notice of it
 *     temperature:21|g|@0.5
 *                      ^ gauge
 *
 * Text of strangers goes through config/shown.h. */
#ifndef SERVER_COMMANDS_LINT_FINDING_H
#define SERVER_COMMANDS_LINT_FINDING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "protocol/slice.h"

enum lint_where { LINT_EACH_LINE, LINT_EACH_NAME, LINT_AT_END };

#define LINT(id, word, where, sentence) id,
enum lint_id {
#include "server/commands/lint_table.h"
    LINT_COUNT
};
#undef LINT

/* Views, good during the call that tells. */
struct lint_finding {
    enum lint_id id;
    uint64_t number;   /* of the line, from 1; in a capture of the record */
    struct slice line; /* empty: it is about many */
    size_t at;         /* the byte in it, from 0 */
    struct slice name; /* of the metric, or empty: for what is told once for a name */
    struct slice key;  /* of the tag; the same */
    struct slice what; /* more than the row says; or empty */
};

typedef void lint_tell(void *argument, const struct lint_finding *finding);

const char *lint_word(enum lint_id id); /* static */
enum lint_where lint_where_of(enum lint_id id);

/* False: there is no such word. */
bool lint_find(const char *word, enum lint_id *out);

/* As above; source: the file, "-" for standard input. */
void lint_print(FILE *out, const char *source, const struct lint_finding *finding);

/* The same as an object of JSON on a line: {"file","line","id","sentence","at","text","name",
 * "key","what"}, without members that there are not. False: no memory. */
bool lint_print_json(FILE *out, const char *source, const struct lint_finding *finding);

#endif
