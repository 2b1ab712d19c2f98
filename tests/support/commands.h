/* tests/support/commands.h: what the mirror sends, read by other hands than wrote it.
 *
 * A command is its words joined by spaces; a value's blob is left out as "~LENGTH".
 * Owned by the list. */
#ifndef TESTS_SUPPORT_COMMANDS_H
#define TESTS_SUPPORT_COMMANDS_H

#include "flush/payloads/outbox.h"

enum { COMMAND_WORDS_MAX = 256 };

struct command {
    char *text;
    size_t n_words;
    struct slice words[COMMAND_WORDS_MAX]; /* into bytes of its own */
    char *bytes;
    uint32_t payload; /* which one of the list it came in */
};

struct commands {
    struct command *at;
    size_t n;
    uint64_t points, payloads;
    size_t largest; /* payload, in bytes */
};

/* Everything in the outbox; payloads of other routes are thrown away. Fails the test
 * when something is no RESP. */
void commands_take(struct commands *out, struct outbox *outbox);
void commands_free(struct commands *given);

/* How many have exactly that text; that begin like it. */
size_t commands_count(const struct commands *commands, const char *text);
size_t commands_begin(const struct commands *commands, const char *text);

/* Shows all, for a failing test. */
void commands_print(const struct commands *commands);

#endif
