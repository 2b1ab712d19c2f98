#include "server/receive/slots.h"

#include <string.h>

#include "flush/memory/pages.h"

/* How much one step clears or copies: enough that one step for each put gets the next lines
 * ready before those of now are full. Let now have n slots, which are n / 4 lines, and next
 * twice as many, which are 32 n bytes. Clearing next takes n / 32 steps and copying now n / 16,
 * some n / 10 in all, and n / 4 contexts come between slots_crowded() and slots_full().
 *
 * SLOTS_MIN: 64 KiB, of which only pages with a context are memory. Of 1,000 contexts in 2,048
 * slots a fiftieth overflows, and each time the processor guesses wrongly; in 4,096 hardly any
 * does. */
enum { SLOTS_MIN = 4096, STEP_BYTES = 1024, STEP_LINES = 4, PAGE_BYTES = 4096 };

static uint64_t n_slots(const struct slot_lines *lines)
{
    return (lines->mask + 1) * LINE_SLOTS;
}

static size_t lines_bytes(const struct slot_lines *lines)
{
    return (size_t)(lines->mask + 1) * sizeof(struct slot_line);
}

static bool lines_open(struct slot_lines *lines, uint64_t n_lines)
{
    struct slot_lines wanted = { NULL, n_lines - 1, 0 };

    wanted.at = pages_map(lines_bytes(&wanted));
    if (wanted.at == NULL)
        return false;
    pages_dense(wanted.at, lines_bytes(&wanted));
    *lines = wanted;
    return true;
}

static void lines_close(struct slot_lines *given)
{
    pages_unmap(given->at, lines_bytes(given));
    *given = (struct slot_lines){ 0 };
}

bool slots_open(struct slots *slots)
{
    *slots = (struct slots){ 0 };
    return lines_open(&slots->now, SLOTS_MIN / LINE_SLOTS);
}

void slots_close(struct slots *given)
{
    lines_close(&given->now);
    lines_close(&given->next);
}

/* *place: the line where the search ended. The low halves (32 bits) of two hashes are equal in
 * one line once in a billion lines; the loop over the matches then goes on to the second. A
 * line whose last slot is empty never overflowed: the search ends there. */
static uint32_t find_in(const struct slot_lines *lines, struct fingerprint print,
                        uint64_t *place)
{
    uint32_t low = (uint32_t)print.low;

    for (uint64_t at = low & lines->mask;; at = (at + 1) & lines->mask) {
        const struct slot_line *line = &lines->at[at];

        *place = at;
        for (unsigned matches = slots_matching(line, low); matches != 0;
             matches &= matches - 1) {
            unsigned slot = (unsigned)__builtin_ctz(matches);
            if (line->high[slot] == print.high && line->id_plus_one[slot] != 0)
                return line->id_plus_one[slot] - 1;
        }
        if (line->id_plus_one[LINE_SLOTS - 1] == 0)
            return SLOTS_UNKNOWN;
    }
}

uint32_t slots_find(const struct slots *slots, struct fingerprint print)
{
    uint64_t place;

    return find_in(&slots->now, print, &place);
}

/* Puts it into the first free slot from its home on, and says into which line. */
static uint64_t put_in(struct slot_lines *lines, uint64_t high, uint32_t low, uint32_t id)
{
    for (uint64_t at = low & lines->mask;; at = (at + 1) & lines->mask) {
        struct slot_line *line = &lines->at[at];

        for (unsigned slot = 0; slot < LINE_SLOTS; slot++) {
            if (line->id_plus_one[slot] != 0)
                continue;
            line->high[slot] = high;
            line->low[slot] = low;
            line->id_plus_one[slot] = id + 1;
            lines->used++;
            return at;
        }
    }
}

static bool is_full(const struct slot_lines *lines)
{
    return (uint64_t)lines->used + 1 > n_slots(lines) / 8 * 7;
}

/* If the next lines are full, more contexts came than they were made for. They are given up;
 * make_room() of the table begins again, with larger ones. */
static void put_in_next(struct slots *slots, struct fingerprint print, uint32_t id)
{
    if (is_full(&slots->next))
        lines_close(&slots->next);
    else
        put_in(&slots->next, print.high, (uint32_t)print.low, id);
}

void slots_put(struct slots *slots, struct fingerprint print, uint32_t id)
{
    uint64_t place = put_in(&slots->now, print.high, (uint32_t)print.low, id);

    if (slots_moving(slots) && place < slots->copied)
        put_in_next(slots, print, id);
}

void slots_keep(struct slots *slots, struct fingerprint print, uint32_t id)
{
    uint64_t place;

    if (slots_moving(slots) && find_in(&slots->now, print, &place) == id &&
        place < slots->copied)
        put_in_next(slots, print, id);
}

size_t slots_bytes(const struct slots *slots)
{
    return lines_bytes(&slots->now) + (slots_moving(slots) ? lines_bytes(&slots->next) : 0);
}

bool slots_crowded(const struct slots *slots)
{
    return (uint64_t)slots->now.used + 1 > n_slots(&slots->now) / 8 * 5;
}

bool slots_full(const struct slots *slots)
{
    return is_full(&slots->now);
}

bool slots_begin(struct slots *slots, uint32_t contexts)
{
    uint64_t n_lines = SLOTS_MIN / LINE_SLOTS;
    struct slot_lines next;

    while (n_lines * LINE_SLOTS < (uint64_t)contexts * 2 + 2)
        n_lines *= 2;
    if (!lines_open(&next, n_lines))
        return false;
    lines_close(&slots->next);
    slots->next = next;
    slots->cleared = slots->copied = 0;
    return true;
}

/* Writing a byte makes the system find and clear a page now, in this step, and not in the
 * middle of the copying. */
static void clear_some(struct slots *slots)
{
    if (slots->cleared % PAGE_BYTES == 0)
        *((volatile char *)slots->next.at + slots->cleared) = 0;
    slots->cleared += STEP_BYTES;
}

/* Copies the next line of now that is not copied yet. False: the next lines are full. */
static bool copy_line(struct slots *slots, bool (*keeps)(void *argument, uint32_t id),
                      void *argument)
{
    const struct slot_line *line = &slots->now.at[slots->copied];

    for (unsigned slot = 0; slot < LINE_SLOTS && line->id_plus_one[slot] != 0; slot++) {
        uint32_t id = line->id_plus_one[slot] - 1;

        if (keeps != NULL && !keeps(argument, id))
            continue;
        if (is_full(&slots->next))
            return false;
        put_in(&slots->next, line->high[slot], line->low[slot], id);
    }
    slots->copied++;
    return true;
}

/* True: this was the last line. */
static bool copy_some(struct slots *slots, bool (*keeps)(void *argument, uint32_t id),
                      void *argument)
{
    for (int i = 0; i < STEP_LINES; i++) {
        if (!copy_line(slots, keeps, argument)) {
            lines_close(&slots->next);
            return false;
        }
        if (slots->copied > slots->now.mask)
            break;
    }
    return slots->copied > slots->now.mask;
}

static void turn_over(struct slots *slots)
{
    lines_close(&slots->now);
    slots->now = slots->next;
    slots->next = (struct slot_lines){ 0 };
    slots->builds++;
}

bool slots_move(struct slots *slots, uint64_t steps, bool (*keeps)(void *argument, uint32_t id),
                void *argument)
{
    for (; steps > 0 && slots_moving(slots); steps--) {
        if (slots->cleared < lines_bytes(&slots->next)) {
            clear_some(slots);
        } else if (copy_some(slots, keeps, argument)) {
            turn_over(slots);
            return true;
        }
    }
    return false;
}

/* Fresh lines take the place of the old ones, because that gives their memory back; without
 * memory for fresh ones the old ones are cleared. */
void slots_clear(struct slots *slots)
{
    struct slot_lines empty;

    lines_close(&slots->next);
    if (lines_open(&empty, slots->now.mask + 1)) {
        lines_close(&slots->now);
        slots->now = empty;
    } else {
        memset(slots->now.at, 0, lines_bytes(&slots->now));
        slots->now.used = 0;
    }
    slots->builds++;
}

#ifdef HEELER_CHECKS
static bool lines_are_sane(const struct slot_lines *lines, uint32_t end)
{
    uint64_t used = 0;

    for (uint64_t at = 0; lines->at != NULL && at <= lines->mask; at++) {
        const uint32_t *ids = lines->at[at].id_plus_one;

        for (unsigned slot = 0; slot < LINE_SLOTS; slot++) {
            if (ids[slot] > end || (slot > 0 && ids[slot] != 0 && ids[slot - 1] == 0))
                return false;
            used += ids[slot] != 0;
        }
    }
    return used == lines->used && (lines->at == NULL || used <= n_slots(lines) / 8 * 7);
}

bool slots_sane(const struct slots *slots, uint32_t end)
{
    return lines_are_sane(&slots->now, end) && lines_are_sane(&slots->next, end);
}
#endif
