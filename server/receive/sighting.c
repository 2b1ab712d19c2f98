#include "server/receive/sighting.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "protocol/check.h"
#include "protocol/tags.h"

/* SLOTS is a power of two, and has an empty one. */
enum { SLOTS = 2 * SIGHTING_HOSTS };
#define SECOND_NS    INT64_C(1000000000)
#define HAND_OVER_NS INT64_C(100000000) /* the desk takes a page once a second */

struct sighting_page *sighting_box_take(struct sighting_box *box)
{
    return atomic_exchange_explicit(&box->full, NULL,
                                    memory_order_acquire); /* with hand_over */
}

/* ---- a page ------------------------------------------------------------ */

/* Most of it is not touched before it is used. */
static struct sighting_page *page_new(int64_t now_ns)
{
    struct sighting_page *page = malloc(sizeof *page);

    if (page == NULL)
        return NULL;
    page->from_ns = now_ns;
    page->n = page->used = page->last = 0;
    memset(page->slots, 0, sizeof page->slots);
    return page;
}

/* The slot of that host, or the empty one where it belongs. Who sends does not know to the
 * nanosecond when the page was opened, and so cannot choose names that belong to one slot. */
static uint16_t *slot_of(struct sighting_page *page, struct slice host)
{
    size_t i = XXH3_64bits_withSeed(host.at, host.len, (uint64_t)page->from_ns) & (SLOTS - 1);

    while (page->slots[i] != 0 &&
           !slice_equal(sighting_host(page, &page->at[page->slots[i] - 1]), host))
        i = (i + 1) & (SLOTS - 1);
    return &page->slots[i];
}

/* False: there is no room. */
static bool add(struct sighting_page *page, struct slice host, uint16_t *slot)
{
    if (page->n == SIGHTING_HOSTS || host.len > SIGHTING_TEXT_BYTES - page->used)
        return false;
    page->at[page->n] = (struct sighting){ .at = page->used, .len = (uint32_t)host.len };
    memcpy(page->texts + page->used, host.at, host.len);
    page->used += (uint32_t)host.len;
    *slot = (uint16_t)++page->n;
    return true;
}

/* Mostly the lines of a datagram are of one host. */
static void note(struct sighting_page *page, const struct sender *machine, struct slice host)
{
    if (host.len == 0 || host.len > SIGHTING_HOST_MAX)
        return;
    if (page->last == 0 || !slice_equal(sighting_host(page, &page->at[page->last - 1]), host)) {
        uint16_t *slot = slot_of(page, host);

        if (*slot == 0 && !add(page, host, slot))
            return;
        page->last = *slot;
    }
    page->at[page->last - 1].sender = *machine;
}

/* ---- lines ------------------------------------------------------------- */

/* Of several the last one counts (flush/series/enrich.c). */
struct slice sighting_host_of_tags(struct slice section)
{
    struct slice host = { section.at, 0 }, tag;
    struct tags walk = tags_of(section);

    while (tags_next(&walk, &tag))
        if (slice_starts(tag, SLICE("host:")))
            host = slice_skip(tag, strlen("host:"));
    return host;
}

static struct slice host_of_check(struct slice line)
{
    struct check check;

    if (check_parse(line, &check) != PARSE_OK)
        return (struct slice){ line.at, 0 };
    return check.host.len > 0 ? check.host : sighting_host_of_tags(check.tags);
}

/* name:value|type|#tags, of which the last count. */
static struct slice host_of_sample(struct slice line)
{
    struct slice tags = { line.at, 0 };

    slice_cut(&line, '|');
    while (line.len > 0) {
        struct slice field = slice_cut(&line, '|');

        if (slice_starts(field, SLICE("#")))
            tags = slice_skip(field, 1);
    }
    return sighting_host_of_tags(tags);
}

struct slice sighting_host_of_line(struct slice line)
{
    switch (parse_kind(line)) {
    case LINE_CHECK:
        return host_of_check(line);
    case LINE_METRIC:
        return host_of_sample(line);
    default:
        return (struct slice){ line.at, 0 };
    }
}

/* ---- the worker -------------------------------------------------------- */

static bool is_wanted(const struct sighter *sighter)
{
    return sighter->box != NULL &&
           atomic_load_explicit(&sighter->box->wanted, memory_order_relaxed);
}

bool sighter_looks(struct sighter *sighter)
{
    sighter->looks = is_wanted(sighter) && (sighter->datagrams < SIGHTING_EXACT ||
                                            sighter->batches++ % SIGHTING_SHARE == 0);
    return sighter->looks;
}

bool sighter_begin(struct sighter *sighter, int64_t now_ns)
{
    if (now_ns - sighter->second_ns >= SECOND_NS) {
        sighter->second_ns = now_ns;
        sighter->datagrams = sighter->batches = 0;
    }
    if (is_wanted(sighter) != (sighter->open != NULL)) {
        if (sighter->open != NULL)
            sighter_free(sighter);
        else
            sighter->open = page_new(now_ns);
    }
    return sighter->open != NULL && sighter->looks;
}

void sighter_see(struct sighter *sighter, const struct sender *from, struct slice datagram)
{
    struct sender machine = *from;

    sighter->datagrams++;
    machine.port = 0;
    machine.pid = 0;
    if (machine.family == AF_UNSPEC)
        return;
    while (datagram.len > 0)
        note(sighter->open, &machine, sighting_host_of_line(slice_cut(&datagram, '\n')));
}

/* Only the worker fills a box that is empty, so it stays empty until then. */
void sighter_end(struct sighter *sighter, int64_t now_ns)
{
    if (sighter->open == NULL || sighter->open->n == 0 ||
        now_ns - sighter->open->from_ns < HAND_OVER_NS ||
        atomic_load_explicit(&sighter->box->full, memory_order_relaxed) != NULL)
        return;
    atomic_store_explicit(&sighter->box->full, sighter->open, memory_order_release);
    sighter->open = page_new(now_ns);
}

void sighter_free(struct sighter *given)
{
    free(given->open);
    given->open = NULL;
    if (given->box != NULL)
        free(sighting_box_take(given->box));
}
