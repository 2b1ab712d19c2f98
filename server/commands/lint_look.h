/* server/commands/lint_look.h: whether a tag's value looks like one of very many: an identifier
 * or a timestamp. It is a guess by the shape of the text. Pure. */
#ifndef SERVER_COMMANDS_LINT_LOOK_H
#define SERVER_COMMANDS_LINT_LOOK_H

#include "protocol/slice.h"

/* X(id, words): they stand behind "look like". */
#define LINT_LOOKS(X)                           \
    X(LINT_LOOK_UUID, "UUIDs")                  \
    X(LINT_LOOK_TIMESTAMP, "timestamps")        \
    X(LINT_LOOK_NUMBER, "numbers of something") \
    X(LINT_LOOK_HEX, "hashes")                  \
    X(LINT_LOOK_MAIL, "addresses of people")    \
    X(LINT_LOOK_TOKEN, "random words")

#define LINT_LOOK_ENUM(id, words) id,
enum lint_look { LINT_LOOK_NONE, LINT_LOOKS(LINT_LOOK_ENUM) LINT_LOOK_COUNT };
#undef LINT_LOOK_ENUM

enum lint_look lint_look(struct slice value);

/* Static. */
const char *lint_look_words(enum lint_look look);

#endif
