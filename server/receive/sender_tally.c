#include "server/receive/sender_tally.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* FIELDS_MAX: of a line, looked at from its end. */
enum { FIELDS_MAX = 6 };
#define HAND_OVER_NS INT64_C(1000000000)

struct sender_sketch *sender_box_take(struct sender_box *box)
{
    return atomic_exchange_explicit(&box->full, NULL,
                                    memory_order_acquire); /* with hand_over */
}

/* ---- whose ------------------------------------------------------------- */

/* What stands behind "c:" in the last line. A client puts the same on each of its lines, and
 * behind the tags: so no more than the end of the datagram is looked at. */
static struct slice container_of(struct slice datagram)
{
    struct slice left = datagram;

    while (left.len > 0 && left.at[left.len - 1] == '\n')
        left.len--;
    for (int i = 0; i < FIELDS_MAX && left.len > 0; i++) {
        const char *bar = memrchr(left.at, '|', left.len);

        if (bar == NULL)
            break;
        struct slice field = slice_skip(left, (size_t)(bar + 1 - left.at));
        if (slice_starts(field, SLICE("#")) || memchr(field.at, '\n', field.len) != NULL)
            break; /* the tags, or of another line */
        if (slice_starts(field, SLICE("c:")))
            return slice_skip(field, 2);
        left.len = (size_t)(bar - left.at);
    }
    return (struct slice){ datagram.at, 0 };
}

static bool is_loopback(const struct sender *sender)
{
    static const uint8_t v6[16] = { [15] = 1 };

    return sender->family == AF_INET ? sender->address[0] == 127
                                     : memcmp(sender->address, v6, sizeof v6) == 0;
}

/* Of another machine the address alone is the sender: many clients take a new port for each
 * datagram. Here the port is what tells processes apart. */
static struct sender_key key_of(const struct sender *from, struct slice datagram)
{
    struct sender_key key = { .from = *from };
    struct slice container = container_of(datagram);
    size_t len = container.len < SENDER_CONTAINER_MAX ? container.len : SENDER_CONTAINER_MAX;

    if (from->family != AF_UNIX && !is_loopback(from))
        key.from.port = 0;
    key.container_len = (uint8_t)len;
    if (len > 0)
        memcpy(key.container, container.at, len);
    return key;
}

/* ---- counting ---------------------------------------------------------- */

static bool is_wanted(const struct sender_tally *tally)
{
    return tally->box != NULL &&
           atomic_load_explicit(&tally->box->wanted, memory_order_relaxed);
}

bool sender_tally_looks(struct sender_tally *tally)
{
    if (!is_wanted(tally))
        tally->weight = 0;
    else if (tally->datagrams < SENDER_EXACT)
        tally->weight = 1;
    else
        tally->weight = tally->batches++ % SENDER_SHARE == 0 ? SENDER_SHARE : 0;
    return tally->weight > 0;
}

static void begin_second(struct sender_tally *tally, int64_t now_ns)
{
    tally->second_ns = now_ns;
    tally->datagrams = tally->batches = 0;
}

bool sender_tally_begin(struct sender_tally *tally, int64_t now_ns)
{
    if (now_ns - tally->second_ns >= HAND_OVER_NS)
        begin_second(tally, now_ns);
    if (is_wanted(tally) != (tally->open != NULL)) {
        if (tally->open != NULL)
            sender_tally_free(tally);
        else
            tally->open = sender_sketch_new(now_ns);
    }
    tally->before = (struct sender_sums){ 0 };
    return tally->open != NULL && tally->weight > 0;
}

void sender_tally_add(struct sender_tally *tally, const struct sender *from,
                      struct slice datagram, uint64_t lines, uint64_t values)
{
    struct sender_key key = key_of(from, datagram);
    uint64_t weight = tally->weight;
    struct sender_sums brought = { (lines - tally->before.lines) * weight,
                                   (values - tally->before.values) * weight,
                                   datagram.len * weight, weight };

    sender_sketch_add(tally->open, &key, &brought);
    tally->open->estimated |= weight > 1;
    tally->datagrams++;
    tally->before.lines = lines;
    tally->before.values = values;
}

/* Only the worker fills a box that is empty, so it stays empty until then. */
static void hand_over(struct sender_tally *tally, int64_t now_ns)
{
    tally->open->until_ns = now_ns;
    atomic_store_explicit(&tally->box->full, tally->open, memory_order_release);
    tally->open = sender_sketch_new(now_ns);
}

void sender_tally_end(struct sender_tally *tally, int64_t now_ns)
{
    if (tally->open != NULL && now_ns - tally->open->from_ns >= HAND_OVER_NS &&
        atomic_load_explicit(&tally->box->full, memory_order_relaxed) == NULL)
        hand_over(tally, now_ns);
}

void sender_tally_free(struct sender_tally *given)
{
    free(given->open);
    given->open = NULL;
    if (given->box != NULL)
        free(sender_box_take(given->box));
}
