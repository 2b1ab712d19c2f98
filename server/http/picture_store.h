/* server/http/picture_store.h: pictures under names that nobody can guess.
 *
 * A name is 128 random bits: who knows it was told. A picture lives for a day, and all of them
 * have 16 MiB: the oldest go first. One thread; time is an argument. */
#ifndef SERVER_HTTP_PICTURE_STORE_H
#define SERVER_HTTP_PICTURE_STORE_H

#include <stdint.h>

#include "config/must_check.h"
#include "flush/memory/bytes.h"
#include "protocol/slice.h"

enum {
    PICTURE_STORE_BYTES = 16 << 20,
    PICTURE_STORE_S = 86400,
    PICTURE_NAME_SIZE = 33 /* hexadecimal, with its NUL */
};

struct kept_picture;

/* { 0 } is empty. */
struct picture_store {
    struct kept_picture *oldest, *newest;
    size_t bytes; /* with what a picture costs besides */
};

/* Keeps it; the picture is given, and left empty. False: it is larger than all may be, or there
 * is no memory or no random number. */
MUST_CHECK bool picture_store_add(struct picture_store *store, struct bytes *given,
                                  int64_t now_s, char name[PICTURE_NAME_SIZE]);

/* A view until the store is touched again; empty: there is none. */
struct slice picture_store_find(struct picture_store *store, struct slice name, int64_t now_s);

/* Forgets those whose day is over. */
void picture_store_expire(struct picture_store *store, int64_t now_s);

void picture_store_clear(struct picture_store *store);

#endif
