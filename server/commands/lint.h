/* server/commands/lint.h: lines in, what is suspicious about them out.
 *
 *   line -> lint_line_check() -> lint_seen_metric() -> what is allowed, and what was told of
 * the name before, is left out -> tell
 *
 * Memory is bounded, whatever comes. One thread. */
#ifndef SERVER_COMMANDS_LINT_H
#define SERVER_COMMANDS_LINT_H

#include "server/commands/lint_line.h"

struct lint_config {
    const struct settings *settings; /* they outlive it */
    bool allowed[LINT_COUNT];        /* are not looked for */
    bool all;                        /* at each line, too, what is told once for a name */
    lint_tell *tell;
    void *argument;
};

struct lint;

/* Owned. NULL, with a sentence: a setting is wrong, or there is no memory. */
struct lint *lint_new(const struct lint_config *config, char *problem, size_t problem_size);
void lint_free(struct lint *given);

/* The next line, of at most LINT_LINE_MAX bytes. An empty one is none. */
void lint_take(struct lint *lint, struct slice line, struct lint_place place);

/* All is read. */
void lint_end(struct lint *lint);

struct lint_sums {
    uint64_t lines;
    uint64_t found[LINT_COUNT]; /* told or not */
    uint64_t findings;          /* of all of them */
    bool full;                  /* there were more names or tags than there is room for */
};
void lint_sum(const struct lint *lint, struct lint_sums *out);

#endif
