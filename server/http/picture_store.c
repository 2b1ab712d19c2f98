#include "server/http/picture_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { RANDOM_BYTES = (PICTURE_NAME_SIZE - 1) / 2, OWN_BYTES = 256 };

struct kept_picture {
    struct kept_picture *newer;
    int64_t until_s;
    char name[PICTURE_NAME_SIZE];
    struct bytes bytes;
};

static size_t cost_of(const struct bytes *bytes)
{
    return bytes->capacity + OWN_BYTES;
}

static void drop_oldest(struct picture_store *store)
{
    struct kept_picture *oldest = store->oldest;

    store->bytes -= cost_of(&oldest->bytes);
    store->oldest = oldest->newer;
    if (store->oldest == NULL)
        store->newest = NULL;
    bytes_free(&oldest->bytes);
    free(oldest);
}

/* A clock that was set back lets none of them live longer than a day from then. */
void picture_store_expire(struct picture_store *store, int64_t now_s)
{
    while (store->oldest != NULL && (store->oldest->until_s <= now_s ||
                                     store->oldest->until_s > now_s + PICTURE_STORE_S))
        drop_oldest(store);
}

void picture_store_clear(struct picture_store *store)
{
    while (store->oldest != NULL)
        drop_oldest(store);
}

static bool make_name(char name[PICTURE_NAME_SIZE])
{
    unsigned char random[RANDOM_BYTES];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    for (int i = 0; i < RANDOM_BYTES; i++)
        snprintf(name + 2 * i, 3, "%02x", random[i]);
    return true;
}

/* Gives back what it grew by beyond its length. */
static void trim(struct bytes *bytes)
{
    unsigned char *smaller = bytes->len > 0 ? realloc(bytes->at, bytes->len) : NULL;

    if (smaller != NULL) {
        bytes->at = smaller;
        bytes->capacity = bytes->len;
    }
}

bool picture_store_add(struct picture_store *store, struct bytes *given, int64_t now_s,
                       char name[PICTURE_NAME_SIZE])
{
    struct kept_picture *kept = calloc(1, sizeof *kept);

    trim(given);
    picture_store_expire(store, now_s);
    if (kept == NULL || given->failed || cost_of(given) > PICTURE_STORE_BYTES ||
        !make_name(kept->name)) {
        free(kept);
        bytes_free(given);
        return false;
    }
    while (store->bytes + cost_of(given) > PICTURE_STORE_BYTES)
        drop_oldest(store);
    kept->until_s = now_s + PICTURE_STORE_S;
    kept->bytes = *given;
    *given = (struct bytes){ 0 };
    *(store->newest != NULL ? &store->newest->newer : &store->oldest) = kept;
    store->newest = kept;
    store->bytes += cost_of(&kept->bytes);
    memcpy(name, kept->name, PICTURE_NAME_SIZE);
    return true;
}

struct slice picture_store_find(struct picture_store *store, struct slice name, int64_t now_s)
{
    picture_store_expire(store, now_s);
    for (const struct kept_picture *at = store->oldest; at != NULL; at = at->newer)
        if (slice_equal(name, slice_of(at->name)))
            return bytes_view(&at->bytes);
    return SLICE("");
}
