#include "server/receive/host_addresses.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

enum { CHAINS = 8192 }; /* a power of two */

struct host_address {
    struct host_address *chained;       /* the next of its chain */
    struct host_address *newer, *older; /* by when they were seen */
    struct sender sender;
    uint64_t hash;
    size_t len;
    char host[];
};

struct host_addresses {
    struct senders *senders;
    struct sighting_box *boxes;
    uint32_t workers;
    bool wanted;
    uint64_t seed; /* random: nobody can choose names that all belong to one chain */
    struct host_address **chains; /* NULL: nobody wants it, or there is no memory */
    struct host_address *newest, *oldest;
    size_t n;
};

/* ---- the order of time ------------------------------------------------- */

static void put_first(struct host_addresses *addresses, struct host_address *one)
{
    one->newer = NULL;
    one->older = addresses->newest;
    if (addresses->newest != NULL)
        addresses->newest->newer = one;
    else
        addresses->oldest = one;
    addresses->newest = one;
}

static void take_out(struct host_addresses *addresses, struct host_address *one)
{
    if (one->newer != NULL)
        one->newer->older = one->older;
    else
        addresses->newest = one->older;
    if (one->older != NULL)
        one->older->newer = one->newer;
    else
        addresses->oldest = one->newer;
}

/* ---- one --------------------------------------------------------------- */

static uint64_t hash_of(const struct host_addresses *addresses, struct slice host)
{
    return XXH3_64bits_withSeed(host.at, host.len, addresses->seed);
}

/* What points to it, or to the end of its chain. */
static struct host_address **place_of(const struct host_addresses *addresses, struct slice host,
                                      uint64_t hash)
{
    struct host_address **at = &addresses->chains[hash & (CHAINS - 1)];

    while (*at != NULL && !((*at)->hash == hash &&
                            slice_equal((struct slice){ (*at)->host, (*at)->len }, host)))
        at = &(*at)->chained;
    return at;
}

static void forget_oldest(struct host_addresses *addresses)
{
    struct host_address *gone = addresses->oldest;
    struct host_address **at =
        place_of(addresses, (struct slice){ gone->host, gone->len }, gone->hash);

    *at = gone->chained;
    take_out(addresses, gone);
    addresses->n--;
    free(gone);
}

static struct host_address *make(struct slice host, uint64_t hash)
{
    struct host_address *made = malloc(sizeof *made + host.len);

    if (made == NULL)
        return NULL;
    *made = (struct host_address){ .hash = hash, .len = host.len };
    memcpy(made->host, host.at, host.len);
    return made;
}

void host_addresses_note(struct host_addresses *addresses, struct slice host,
                         const struct sender *sender)
{
    if (addresses->chains == NULL || sender->family == AF_UNSPEC || host.len == 0 ||
        host.len > SIGHTING_HOST_MAX)
        return;
    uint64_t hash = hash_of(addresses, host);

    if (addresses->n == HOST_ADDRESSES_MAX && *place_of(addresses, host, hash) == NULL)
        forget_oldest(addresses);
    struct host_address **at = place_of(addresses, host, hash);

    if (*at != NULL) {
        take_out(addresses, *at);
    } else {
        if ((*at = make(host, hash)) == NULL)
            return;
        addresses->n++;
    }
    (*at)->sender = *sender;
    put_first(addresses, *at);
}

const struct sender *host_addresses_find(const struct host_addresses *addresses,
                                         struct slice host)
{
    if (addresses->chains == NULL)
        return NULL;
    const struct host_address *found = *place_of(addresses, host, hash_of(addresses, host));

    return found != NULL ? &found->sender : NULL;
}

/* ---- all --------------------------------------------------------------- */

void host_addresses_gather(struct host_addresses *addresses)
{
    for (uint32_t i = 0; addresses->wanted && i < addresses->workers; i++) {
        struct sighting_page *page = sighting_box_take(&addresses->boxes[i]);

        for (uint32_t j = 0; page != NULL && j < page->n; j++)
            host_addresses_note(addresses, sighting_host(page, &page->at[j]),
                                &page->at[j].sender);
        free(page);
    }
}

bool host_addresses_are_wanted(const struct host_addresses *addresses)
{
    return addresses->wanted;
}

static void forget_all(struct host_addresses *addresses)
{
    while (addresses->oldest != NULL)
        forget_oldest(addresses);
    free(addresses->chains);
    addresses->chains = NULL;
}

void host_addresses_want(struct host_addresses *addresses, bool wanted)
{
    if (wanted == addresses->wanted)
        return;
    addresses->wanted = wanted;
    for (uint32_t i = 0; i < addresses->workers; i++)
        atomic_store_explicit(&addresses->boxes[i].wanted, wanted, memory_order_relaxed);
    if (wanted) {
        addresses->chains = calloc(CHAINS, sizeof(struct host_address *));
        senders_want_addresses(addresses->senders);
    } else {
        senders_want_no_addresses(addresses->senders);
        forget_all(addresses);
    }
}

struct host_addresses *host_addresses_new(struct senders *senders, struct sighting_box *boxes,
                                          uint32_t workers)
{
    struct host_addresses *addresses = calloc(1, sizeof *addresses);

    if (addresses == NULL)
        return NULL;
    *addresses =
        (struct host_addresses){ .senders = senders, .boxes = boxes, .workers = workers };
    (void)!getrandom(&addresses->seed, sizeof addresses->seed, GRND_NONBLOCK); /* or 0 */
    return addresses;
}

void host_addresses_free(struct host_addresses *given)
{
    if (given == NULL)
        return;
    forget_all(given);
    free(given);
}
