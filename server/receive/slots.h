/* server/receive/slots.h: where a table finds its contexts: 96 bits of hash -> id.
 *
 * Lines of four slots, a cache line each, at most 7/8 of them in use: one fetch and
 * four comparisons without a branch find nearly every context. A line is filled from
 * the front; a context overflows into the next line only when its home is full. The
 * home is low & mask, so the lines can be laid out anew without the contexts' bytes.
 *
 * Laying out anew, for more contexts or without those that died, takes as long as some
 * 100,000 lines of a load; nobody waits for that. New lines are filled in small steps
 * while the old ones stay the answer: a context that comes meanwhile goes into both, if
 * its old line has been copied. At the last step the new ones become the answer.
 * Memory is asked for in steps too, since the system clears what it gives.
 *
 * Owned by one table; no locks. */
#ifndef SERVER_RECEIVE_SLOTS_H
#define SERVER_RECEIVE_SLOTS_H

#include <stdint.h>

#include "server/receive/fingerprint.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

enum { LINE_SLOTS = 4 };
#define SLOTS_UNKNOWN UINT32_MAX

struct slot_line {
    uint64_t high[LINE_SLOTS];
    uint32_t low[LINE_SLOTS];
    uint32_t id_plus_one[LINE_SLOTS]; /* 0: empty */
};

struct slot_lines {
    struct slot_line *at; /* pages; NULL: none */
    uint64_t mask;        /* their number - 1, a power of two - 1 */
    uint32_t used;        /* slots */
};

struct slots {
    struct slot_lines now;
    struct slot_lines next; /* being filled, or none */
    uint64_t cleared;       /* bytes of the next that the system has given */
    uint64_t copied;        /* lines of now */
    uint32_t builds;        /* how often the next became the answer */
};

/* Room for a few. False without memory, and then closed. */
bool slots_open(struct slots *slots);
void slots_close(struct slots *slots);

static inline struct slot_line *slots_home(const struct slots *slots, struct fingerprint print)
{
    return &slots->now.at[(uint32_t)print.low & slots->now.mask];
}

/* One bit for each slot whose low half is that. */
static inline unsigned slots_matching(const struct slot_line *line, uint32_t low)
{
#ifdef __SSE2__
    __m128i slots = _mm_load_si128((const __m128i *)(const void *)line->low);
    __m128i equal = _mm_cmpeq_epi32(slots, _mm_set1_epi32((int)low));

    return (unsigned)_mm_movemask_ps(_mm_castsi128_ps(equal));
#else
    return (unsigned)(line->low[0] == low) | (unsigned)(line->low[1] == low) << 1 |
           (unsigned)(line->low[2] == low) << 2 | (unsigned)(line->low[3] == low) << 3;
#endif
}

/* The id of the context, or SLOTS_UNKNOWN. */
uint32_t slots_find(const struct slots *slots, struct fingerprint print);

/* The same; nearly every context is the first match in its home. */
static inline uint32_t slots_find_usual(const struct slots *slots, struct fingerprint print)
{
    const struct slot_line *line = slots_home(slots, print);
    unsigned slot = (unsigned)__builtin_ctz(slots_matching(line, (uint32_t)print.low) | 8);

    if (__builtin_expect(line->high[slot] == print.high && line->id_plus_one[slot] != 0 &&
                             line->low[slot] == (uint32_t)print.low,
                         1))
        return line->id_plus_one[slot] - 1;
    return slots_find(slots, print);
}

/* Puts a context that is not there. There has to be room: slots_full(). */
void slots_put(struct slots *slots, struct fingerprint print, uint32_t id);

/* A context that is there, and that `keeps` refused while the next were being filled, is
 * to be kept after all. */
void slots_keep(struct slots *slots, struct fingerprint print, uint32_t id);

/* Time to lay out anew; no room for one more. */
bool slots_crowded(const struct slots *slots);
bool slots_full(const struct slots *slots);

/* Begins to lay out anew, for that many contexts at first. What was begun before is
 * given up. False without memory: all stays as it is. */
bool slots_begin(struct slots *slots, uint32_t contexts);

static inline bool slots_moving(const struct slots *slots)
{
    return slots->next.at != NULL;
}

/* Some steps of it; with one at each put the next are ready before the old ones are full.
 * Ids that `keeps` refuses are left out; NULL refuses none. True: this was the last, ids found
 * before may be stale. */
#define SLOTS_ALL UINT64_MAX
bool slots_move(struct slots *slots, uint64_t steps, bool (*keeps)(void *context, uint32_t id),
                void *context);

/* Of memory, at most. */
size_t slots_bytes(const struct slots *slots);

/* Forgets every context. */
void slots_clear(struct slots *slots);

#endif
