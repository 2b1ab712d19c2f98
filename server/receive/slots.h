/* server/receive/slots.h: where a table finds its contexts: 96 bits of hash -> id.
 *
 * Slots stand in lines of four, and a line is one cache line; at most 7/8 of the slots are
 * in use. So one fetch and four comparisons without a branch find nearly every context.
 * A line is filled from the front; a context overflows into the next line only when its
 * home is full. The home is low & mask, so the lines can be laid out anew without the
 * contexts' bytes. Nothing is removed from a line: a hole would end the search for those
 * that overflowed past it. A context goes by being left out when lines are laid out anew.
 *
 * Laying out a large table takes as long as parsing some 100,000 lines, and a worker must
 * not stop reading for that long. So the *next* lines are filled in small steps while those
 * of *now* stay the answer to every search. A context that is put meanwhile goes into the
 * next lines too, if its line of now has been copied already; if not, it is copied when that
 * line is. At the last step the next lines become those of now. The system clears memory
 * when it is first touched, which takes time as well, so the steps begin with that.
 *
 * Owned by one table; no locks. */
#ifndef SERVER_RECEIVE_SLOTS_H
#define SERVER_RECEIVE_SLOTS_H

#include <stdint.h>

#include "config/must_check.h"
#include "server/receive/fingerprint.h"

#ifdef __SSE2__
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
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
    struct slot_lines next; /* being filled; none while nothing is laid out */
    uint64_t cleared;       /* bytes of next, from its start, that the system has cleared */
    uint64_t copied;        /* lines of now, from its start, that next has */
    uint32_t builds;        /* how often other lines became the answer: ids found before
                               may be stale */
};

/* Room for a few contexts. False without memory; there is nothing to close then. */
MUST_CHECK bool slots_open(struct slots *slots);
void slots_close(struct slots *given);

static inline struct slot_line *slots_home(const struct slots *slots, struct fingerprint print)
{
    return &slots->now.at[(uint32_t)print.low & slots->now.mask];
}

/* One bit for each slot of the line whose low half equals this one. An empty slot's is 0, so
 * it may match: look at its id_plus_one. */
static inline unsigned slots_matching(const struct slot_line *line, uint32_t low)
{
#ifdef __SSE2__
    __m128i slots = _mm_load_si128((const __m128i *)(const void *)line->low);
    __m128i equal = _mm_cmpeq_epi32(slots, _mm_set1_epi32((int)low));

    return (unsigned)_mm_movemask_ps(_mm_castsi128_ps(equal));
#elif defined(__aarch64__)
    static const uint32_t bits[LINE_SLOTS] = { 1, 2, 4, 8 };
    uint32x4_t equal = vceqq_u32(vld1q_u32(line->low), vdupq_n_u32(low));

    return vaddvq_u32(vandq_u32(equal, vld1q_u32(bits)));
#else
    return (unsigned)(line->low[0] == low) | (unsigned)(line->low[1] == low) << 1 |
           (unsigned)(line->low[2] == low) << 2 | (unsigned)(line->low[3] == low) << 3;
#endif
}

/* The id of the context, or SLOTS_UNKNOWN. */
uint32_t slots_find(const struct slots *slots, struct fingerprint print);

/* The same, for the usual case without a call or a loop: nearly every context is the first
 * match in its home. That the slot is not empty need not be asked: an empty one with these 96
 * bits, all of them 0, says SLOTS_UNKNOWN itself. */
static inline uint32_t slots_find_usual(const struct slots *slots, struct fingerprint print)
{
    const struct slot_line *line = slots_home(slots, print);
    unsigned matches = slots_matching(line, (uint32_t)print.low);

    if (__builtin_expect(matches != 0, 1)) {
        unsigned slot = (unsigned)__builtin_ctz(matches);
        if (__builtin_expect(line->high[slot] == print.high, 1))
            return line->id_plus_one[slot] - 1;
    }
    return slots_find(slots, print);
}

/* Puts a context that is not there yet. The caller has asked slots_full() whether there is
 * room. */
void slots_put(struct slots *slots, struct fingerprint print, uint32_t id);

/* This context is there, but `keeps` may have left it out of the next lines; it is to be in
 * them after all. */
void slots_keep(struct slots *slots, struct fingerprint print, uint32_t id);

/* More than 5/8 of the slots are in use: it is time to begin to lay them out anew. */
bool slots_crowded(const struct slots *slots);

/* There is no room for one more. */
bool slots_full(const struct slots *slots);

/* Begins to lay out lines that have room for twice that many contexts. Next lines that were
 * begun before are given up. False without memory: all stays as it is. */
bool slots_begin(struct slots *slots, uint32_t contexts);

static inline bool slots_moving(const struct slots *slots)
{
    return slots->next.at != NULL;
}

/* Does so many steps of laying out, if that was begun. A caller that does one for each put,
 * from slots_crowded() on, has the next lines ready before those of now are full. `keeps` is
 * asked about the id of each context that is copied, and leaves it out by saying false; NULL
 * keeps all. True: this was the last step, the next lines are the answer, and ids that were
 * found before may be stale. */
#define SLOTS_ALL UINT64_MAX
MUST_CHECK bool slots_move(struct slots *slots, uint64_t steps,
                           bool (*keeps)(void *argument, uint32_t id), void *argument);

/* The memory that they take, at most. */
size_t slots_bytes(const struct slots *slots);

/* Forgets every context. */
void slots_clear(struct slots *slots);

#ifdef HEELER_CHECKS
/* Lines are filled from the front, as many slots are in use as it says, no more than 7/8 of
 * them, and every id is below end. */
bool slots_sane(const struct slots *slots, uint32_t end);
#endif

#endif
