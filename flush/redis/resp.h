/* flush/redis/resp.h: commands for Redis as bytes (RESP 2), written and walked.
 *
 *   *3 \r\n  $4 HSET \r\n ...       a command: its words, each with its length
 *
 * Pure. What is walked was written here: it is known to be whole. */
#ifndef FLUSH_REDIS_RESP_H
#define FLUSH_REDIS_RESP_H

#include <stdint.h>

#include "flush/memory/bytes.h"
#include "protocol/slice.h"

/* A command of n words begins; exactly n words must follow. */
void resp_command(struct bytes *out, size_t n_words);
void resp_word(struct bytes *out, struct slice word);
void resp_number(struct bytes *out, int64_t number);

struct resp_view {
    struct slice whole, name, key; /* key: the second word */
    size_t n_words;
};

/* Takes the first of several commands. Views. False at the end. */
bool resp_next(struct slice *commands, struct resp_view *out);

#endif
