#include "server/receive/sender_sketch.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* SLOTS is a power of two. However well a stranger chooses his senders, a look goes over no
 * more slots than there are counters. */
enum { SLOTS = 2 * SENDER_COUNTERS };

_Static_assert(sizeof(struct sender_key) == sizeof(struct sender) + 1 + SENDER_CONTAINER_MAX,
               "equal keys are equal bytes");

struct sender_sketch *sender_sketch_new(int64_t now_ns)
{
    struct sender_sketch *sketch = malloc(sizeof *sketch);

    if (sketch != NULL)
        sender_sketch_clear(sketch, now_ns);
    return sketch;
}

void sender_sketch_clear(struct sender_sketch *sketch, int64_t now_ns)
{
    sketch->from_ns = sketch->until_ns = now_ns;
    sketch->total = (struct sender_sums){ 0 };
    sketch->estimated = false;
    sketch->n = sketch->last = 0;
    memset(sketch->slots, 0, sizeof sketch->slots);
}

/* ---- the index --------------------------------------------------------- */

static bool is_key(const struct sender_key *a, const struct sender_key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static uint64_t hash_of(const struct sender_key *key)
{
    return XXH3_64bits(key, sizeof *key);
}

/* The slot of that sender, or the empty one where it belongs. */
static size_t slot_of(const struct sender_sketch *sketch, const struct sender_key *key,
                      uint64_t hash)
{
    size_t i = hash & (SLOTS - 1);

    for (; sketch->slots[i] != 0; i = (i + 1) & (SLOTS - 1)) {
        const struct sender_counter *counter = &sketch->at[sketch->slots[i] - 1];

        if (counter->hash == hash && is_key(&counter->key, key))
            break;
    }
    return i;
}

/* Empties a slot. Whoever stands behind it, and would not be found any more, moves up. */
static void slot_empty(struct sender_sketch *sketch, size_t hole)
{
    for (size_t i = (hole + 1) & (SLOTS - 1); sketch->slots[i] != 0;
         i = (i + 1) & (SLOTS - 1)) {
        size_t home = sketch->at[sketch->slots[i] - 1].hash & (SLOTS - 1);

        if (((i - home) & (SLOTS - 1)) < ((i - hole) & (SLOTS - 1)))
            continue; /* its home lies behind the hole */
        sketch->slots[hole] = sketch->slots[i];
        hole = i;
    }
    sketch->slots[hole] = 0;
}

/* ---- counting ---------------------------------------------------------- */

static void sums_add(struct sender_sums *sums, const struct sender_sums *more)
{
    sums->lines += more->lines;
    sums->values += more->values;
    sums->bytes += more->bytes;
    sums->datagrams += more->datagrams;
}

static uint32_t fewest(const struct sender_sketch *sketch)
{
    uint32_t least = 0;

    for (uint32_t i = 1; i < sketch->n; i++)
        if (sketch->lines[i] < sketch->lines[least])
            least = i;
    return least;
}

/* The most lines that a sender without a counter may have sent. */
static uint64_t unseen_max(const struct sender_sketch *sketch)
{
    return sketch->n == SENDER_COUNTERS ? sketch->lines[fewest(sketch)] : 0;
}

/* A counter for a sender that has none, whose slot is empty. */
static uint32_t give_counter(struct sender_sketch *sketch, const struct sender_key *key,
                             uint64_t hash, size_t slot)
{
    uint64_t error = 0;
    uint32_t given = sketch->n;

    if (sketch->n == SENDER_COUNTERS) {
        given = fewest(sketch);
        error = sketch->lines[given];
        slot_empty(sketch, slot_of(sketch, &sketch->at[given].key, sketch->at[given].hash));
        slot = slot_of(sketch, key, hash); /* others may have moved up */
    } else {
        sketch->n++;
    }
    sketch->at[given] = (struct sender_counter){
        .key = *key, .sums.lines = error, .error = error, .hash = hash
    };
    sketch->lines[given] = error;
    sketch->slots[slot] = (uint16_t)(given + 1);
    return given;
}

static uint32_t counter_of(struct sender_sketch *sketch, const struct sender_key *key)
{
    uint64_t hash = hash_of(key);
    size_t slot = slot_of(sketch, key, hash);

    return sketch->slots[slot] != 0 ? sketch->slots[slot] - 1U
                                    : give_counter(sketch, key, hash, slot);
}

void sender_sketch_add(struct sender_sketch *sketch, const struct sender_key *key,
                       const struct sender_sums *brought)
{
    uint32_t i = sketch->last;

    if (i >= sketch->n || !is_key(&sketch->at[i].key, key))
        i = sketch->last = counter_of(sketch, key);
    sums_add(&sketch->total, brought);
    sums_add(&sketch->at[i].sums, brought);
    sketch->lines[i] += brought->lines;
}

/* ---- merging ----------------------------------------------------------- */

/* Most lines first. */
static int by_lines(const void *a, const void *b)
{
    uint64_t left = ((const struct sender_counter *)a)->sums.lines;
    uint64_t right = ((const struct sender_counter *)b)->sums.lines;

    return left < right ? 1 : left > right ? -1 : 0;
}

/* Whoever has a counter in one of them alone may have sent, unseen, as much to the other. */
static void add_unseen(struct sender_counter *counter, uint64_t unseen)
{
    counter->sums.lines += unseen;
    counter->error += unseen;
}

/* Writes the counters of both, merged; returns how many they are. */
static size_t join(const struct sender_sketch *a, const struct sender_sketch *b,
                   struct sender_counter out[2 * SENDER_COUNTERS])
{
    uint64_t unseen_a = unseen_max(a), unseen_b = unseen_max(b);
    size_t n = 0;

    for (uint32_t i = 0; i < a->n; i++) {
        uint16_t slot = b->slots[slot_of(b, &a->at[i].key, a->at[i].hash)];

        out[n] = a->at[i];
        if (slot == 0) {
            add_unseen(&out[n], unseen_b);
        } else {
            sums_add(&out[n].sums, &b->at[slot - 1].sums);
            out[n].error += b->at[slot - 1].error;
        }
        n++;
    }
    for (uint32_t i = 0; i < b->n; i++) {
        if (a->slots[slot_of(a, &b->at[i].key, b->at[i].hash)] != 0)
            continue;
        out[n] = b->at[i];
        add_unseen(&out[n++], unseen_a);
    }
    return n;
}

/* The first n of them are the counters from now on. */
static void keep(struct sender_sketch *sketch, const struct sender_counter *counters, size_t n)
{
    memset(sketch->slots, 0, sizeof sketch->slots);
    sketch->n = sketch->last = 0;
    for (; sketch->n < n; sketch->n++) {
        sketch->at[sketch->n] = counters[sketch->n];
        sketch->lines[sketch->n] = counters[sketch->n].sums.lines;
        sketch->slots[slot_of(sketch, &counters[sketch->n].key, counters[sketch->n].hash)] =
            (uint16_t)(sketch->n + 1);
    }
}

bool sender_sketch_merge(struct sender_sketch *sketch, const struct sender_sketch *other)
{
    struct sender_counter *all = malloc(2 * SENDER_COUNTERS * sizeof *all);

    if (all == NULL)
        return false;
    size_t n = join(sketch, other, all);
    qsort(all, n, sizeof *all, by_lines);
    keep(sketch, all, n < SENDER_COUNTERS ? n : SENDER_COUNTERS);
    free(all);
    sums_add(&sketch->total, &other->total);
    sketch->estimated |= other->estimated;
    if (other->from_ns < sketch->from_ns)
        sketch->from_ns = other->from_ns;
    if (other->until_ns > sketch->until_ns)
        sketch->until_ns = other->until_ns;
    return true;
}
