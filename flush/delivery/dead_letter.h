/* flush/delivery/dead_letter.h: payloads that the intake called bad, kept to be looked at.
 *
 * A file holds the answer and the payload as it was sent, with lines before them
 * that a human reads; the API key is nowhere in it. The folder is bounded in
 * files and bytes; the oldest goes first. */
#ifndef FLUSH_DELIVERY_DEAD_LETTER_H
#define FLUSH_DELIVERY_DEAD_LETTER_H

#include "flush/payloads/payload.h"

enum { DEAD_LETTERS_MAX = 100, DEAD_LETTER_BYTES_MAX = 64 << 20 };

struct dead_letter {
    const char *endpoint; /* scheme and host */
    long status;
    const char *answer; /* its start, printable, without the key */
    const struct payload *payload;
    int64_t now_ns; /* wall clock */
};

/* Makes the folder (0700) when it is missing. False with errno: not kept. */
bool dead_letter_write(const char *folder, const struct dead_letter *letter);

#endif
