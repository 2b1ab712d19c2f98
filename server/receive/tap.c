#include "server/receive/tap.h"

#include <string.h>

#include "flush/memory/pages.h"

#define TAP_WRAP UINT32_MAX

enum { LONGEST = 64 * 1024, ALIGN = 8 };

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* ---- the worker -------------------------------------------------------- */

void tap_follow(struct tap *tap)
{
    uint32_t asked = atomic_load_explicit(&tap->asked, memory_order_relaxed);

    if (asked == tap->following)
        return;
    asked = atomic_load_explicit(&tap->asked, memory_order_acquire); /* with ask() */
    tap->following = asked;
    tap->is_open = asked % 2 != 0;
    atomic_store_explicit(&tap->followed, asked, memory_order_release); /* with is_left() */
}

void tap_end(struct tap *tap)
{
    tap->is_open = false;
    atomic_store_explicit(&tap->followed, TAP_ENDED, memory_order_release); /* with is_left() */
}

static uint64_t lines_in(const struct worker_ledger *ledger)
{
    uint64_t n = 0;

    for (int i = 0; i < LINE_KIND_COUNT; i++)
        n += counter_read(&ledger->lines[i]);
    return n;
}

void tap_begin(struct tap *tap, const struct worker_ledger *ledger)
{
    tap->before = lines_in(ledger);
}

/* Takes so many bytes off what may be copied, all or none. */
static bool take(struct taps *taps, size_t bytes)
{
    int64_t left = atomic_fetch_sub_explicit(&taps->left, (int64_t)bytes, memory_order_relaxed);

    if (left >= (int64_t)bytes)
        return true;
    atomic_fetch_add_explicit(&taps->left, (int64_t)bytes, memory_order_relaxed);
    return false;
}

/* Where a piece of so many bytes goes: at the beginning again where the end has no room for it.
 * NULL: the ring is full. */
static char *find_room(struct tap *tap, const struct taps *taps, uint64_t bytes)
{
    static const uint32_t wrap = TAP_WRAP;
    uint64_t read =
        atomic_load_explicit(&tap->read, memory_order_acquire); /* with read_one() */
    uint64_t offset = tap->at % taps->ring_bytes, to_end = taps->ring_bytes - offset;
    uint64_t skipped = bytes > to_end ? to_end : 0;

    if (tap->at + skipped + bytes - read > taps->ring_bytes)
        return NULL;
    if (skipped > 0)
        memcpy(tap->ring + offset, &wrap, sizeof wrap);
    tap->at += skipped;
    return tap->ring + tap->at % taps->ring_bytes;
}

void tap_put(struct tap *tap, struct taps *taps, struct slice datagram,
             const struct tap_head *head)
{
    uint64_t bytes = aligned(sizeof *head + datagram.len);
    char *room = take(taps, datagram.len) ? find_room(tap, taps, bytes) : NULL;

    if (room == NULL)
        return; /* it shows in the lines that were not seen */
    struct tap_head whole = *head;
    whole.len = (uint32_t)datagram.len;
    memcpy(room, &whole, sizeof whole);
    if (datagram.len > 0)
        memcpy(room + sizeof *head, datagram.at, datagram.len);
    tap->at += bytes;
}

void tap_publish(struct tap *tap)
{
    atomic_store_explicit(&tap->written, tap->at, memory_order_release); /* with read_one() */
}

void tap_count(struct tap *tap, const struct worker_ledger *ledger)
{
    uint64_t lines = counter_read(&tap->lines) + lines_in(ledger) - tap->before;

    /* Who reads this number sees what was published before (taps_read). */
    atomic_store_explicit(&tap->lines.n, lines, memory_order_release);
}

/* ---- the desk: rings --------------------------------------------------- */

bool taps_init(struct taps *taps, uint32_t workers, int64_t bytes_a_second)
{
    *taps = (struct taps){
        .n = workers,
        .bytes_a_second = bytes_a_second,
        .ring_bytes = aligned((uint64_t)bytes_a_second + LONGEST + sizeof(struct tap_head)),
        .at = own_lines(workers * sizeof *taps->at),
    };
    return taps->at != NULL;
}

/* What was written is not shown any more. */
static void skip(struct tap *tap)
{
    uint64_t end =
        atomic_load_explicit(&tap->written, memory_order_acquire); /* tap_publish() */

    atomic_store_explicit(&tap->read, end, memory_order_release); /* with find_room() */
}

static void free_ring(const struct taps *taps, struct tap *tap)
{
    if (tap->ring == NULL)
        return;
    skip(tap);
    pages_unmap(tap->ring, taps->ring_bytes);
    tap->ring = NULL;
}

void taps_free(struct taps *given)
{
    for (uint32_t i = 0; given->at != NULL && i < given->n; i++)
        free_ring(given, &given->at[i]);
    free(given->at);
    given->at = NULL;
}

static bool is_asked(const struct tap *tap)
{
    return atomic_load_explicit(&tap->asked, memory_order_relaxed) % 2 != 0;
}

/* Once more, without a number that has a meaning of its own. */
static void ask(struct tap *tap)
{
    uint32_t next = atomic_load_explicit(&tap->asked, memory_order_relaxed) + 1;

    if (next >= TAP_ENDED - 1)
        next = next % 2;
    atomic_store_explicit(&tap->asked, next, memory_order_release); /* with tap_follow() */
}

/* The worker has said that it writes no more. */
static bool is_left(const struct tap *tap)
{
    uint32_t followed =
        atomic_load_explicit(&tap->followed, memory_order_acquire); /* with tap_follow() */

    return followed == TAP_ENDED ||
           (!is_asked(tap) &&
            followed == atomic_load_explicit(&tap->asked, memory_order_relaxed));
}

bool taps_open(struct taps *taps)
{
    for (uint32_t i = 0; i < taps->n; i++)
        if (taps->at[i].ring == NULL &&
            (taps->at[i].ring = pages_map(taps->ring_bytes)) == NULL) {
            taps_shut(taps);
            (void)taps_tidy(taps);
            return false;
        }
    atomic_store_explicit(&taps->left, taps->bytes_a_second, memory_order_relaxed);
    for (uint32_t i = 0; i < taps->n; i++)
        if (!is_asked(&taps->at[i])) {
            skip(&taps->at[i]);
            ask(&taps->at[i]);
        }
    return true;
}

void taps_shut(struct taps *taps)
{
    for (uint32_t i = 0; i < taps->n; i++)
        if (is_asked(&taps->at[i]))
            ask(&taps->at[i]);
}

bool taps_tidy(struct taps *taps)
{
    bool waits = false;

    for (uint32_t i = 0; i < taps->n; i++)
        if (is_left(&taps->at[i]))
            free_ring(taps, &taps->at[i]);
        else
            waits = waits || !is_asked(&taps->at[i]);
    return waits;
}

/* ---- the desk: reading ------------------------------------------------- */

void taps_allow(struct taps *taps, int64_t ns)
{
    int64_t more = (int64_t)((double)taps->bytes_a_second * (double)ns / 1e9);
    int64_t left = atomic_load_explicit(&taps->left, memory_order_relaxed);

    if (more > taps->bytes_a_second - left)
        more = taps->bytes_a_second - left;
    if (more > 0) /* the workers take off it meanwhile */
        atomic_fetch_add_explicit(&taps->left, more, memory_order_relaxed);
}

/* False: so many bytes were shown, and there is more. */
static bool read_one(const struct taps *taps, struct tap *tap, uint64_t *max_bytes,
                     tap_show *show, void *argument)
{
    uint64_t end =
        atomic_load_explicit(&tap->written, memory_order_acquire); /* tap_publish() */
    uint64_t at = atomic_load_explicit(&tap->read, memory_order_relaxed);
    struct tap_head head;

    while (at<end && * max_bytes> 0) {
        uint64_t offset = at % taps->ring_bytes;
        uint32_t len;

        memcpy(&len, tap->ring + offset, sizeof len);
        if (len == TAP_WRAP) {
            at += taps->ring_bytes - offset;
            continue;
        }
        memcpy(&head, tap->ring + offset, sizeof head);
        show(&head, (struct slice){ tap->ring + offset + sizeof head, len }, argument);
        at += aligned(sizeof head + len);
        *max_bytes -= len < *max_bytes ? len : *max_bytes;
    }
    atomic_store_explicit(&tap->read, at, memory_order_release); /* with find_room() */
    return at == end;
}

bool taps_read(struct taps *taps, uint64_t max_bytes, tap_show *show, void *argument,
               uint64_t *lines)
{
    bool all = true;

    *lines = 0;
    for (uint32_t i = 0; i < taps->n; i++) {
        struct tap *tap = &taps->at[i];

        *lines += atomic_load_explicit(&tap->lines.n, memory_order_acquire); /* tap_count() */
        if (tap->ring != NULL)
            all = read_one(taps, tap, &max_bytes, show, argument) && all;
    }
    return all;
}
