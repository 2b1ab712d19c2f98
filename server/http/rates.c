#include "server/http/rates.h"

#include "server/http/totals.h"

enum { FINE_MS = 1000, COARSE_MS = 10000, NOW_PLACES = 10 };

/* A timer comes a little early or late: what is nearer than this to the next step is the step.
 */
enum { EARLY_MS = 200 };

void rates_init(struct rates *rates)
{
    *rates =
        (struct rates){ .fine = { .step_ms = FINE_MS }, .coarse = { .step_ms = COARSE_MS } };
}

/* ---- looking ----------------------------------------------------------- */

static void add_place(struct rates_ring *ring, const uint64_t now[RATE_COUNT], double seconds)
{
    for (int i = 0; i < RATE_COUNT; i++) {
        uint64_t more = now[i] > ring->before[i] ? now[i] - ring->before[i] : 0;

        ring->per_second[i][ring->next] = (double)more / seconds;
    }
    ring->next = (ring->next + 1) % RATES_PLACES;
    ring->n += ring->n < RATES_PLACES;
}

static void ring_look(struct rates_ring *ring, const uint64_t now[RATE_COUNT],
                      int64_t monotonic_ms, int64_t wall_ms)
{
    int64_t passed_ms = monotonic_ms - ring->looked_ms;
    int64_t steps = (passed_ms + EARLY_MS) / ring->step_ms;
    bool first = ring->looked_ms == 0;

    if (!first && steps < 1)
        return;
    for (int64_t i = 0; !first && i < steps && i < RATES_PLACES; i++)
        add_place(ring, now, (double)passed_ms / 1000);
    for (int i = 0; i < RATE_COUNT; i++)
        ring->before[i] = now[i];
    ring->looked_ms = monotonic_ms;
    ring->until_ms = wall_ms;
}

void rates_look(struct rates *rates, const struct totals *sums, int64_t monotonic_ms,
                int64_t wall_ms)
{
#define RATE_VALUE(id, name, value) [id] = (value),
    const uint64_t now[RATE_COUNT] = { RATES(RATE_VALUE) };

    ring_look(&rates->fine, now, monotonic_ms, wall_ms);
    ring_look(&rates->coarse, now, monotonic_ms, wall_ms);
}

/* ---- telling ----------------------------------------------------------- */

/* back: 1 is the newest. */
static double place(const struct rates_ring *ring, int which, size_t back)
{
    return ring->per_second[which][(ring->next + RATES_PLACES - back) % RATES_PLACES];
}

double rates_now(const struct rates *rates, enum rate which)
{
    size_t n = rates->fine.n < NOW_PLACES ? rates->fine.n : NOW_PLACES;
    double sum = 0;

    for (size_t back = 1; back <= n; back++)
        sum += place(&rates->fine, (int)which, back);
    return n > 0 ? sum / (double)n : 0;
}

static const char *const names[] = {
#define RATE_NAME(id, name, value) name,
    RATES(RATE_NAME)
};

static void write_ring(struct json_out *out, const char *name, const struct rates_ring *ring)
{
    json_out_begin(out, name, '{');
    json_out_signed(out, "step_ms", ring->step_ms);
    json_out_signed(out, "until_ms", ring->until_ms);
    for (int i = 0; i < RATE_COUNT; i++) {
        json_out_begin(out, names[i], '[');
        for (size_t back = ring->n; back > 0; back--)
            json_out_real(out, NULL, place(ring, i, back));
        json_out_end(out, ']');
    }
    json_out_end(out, '}');
}

void rates_write(struct json_out *out, const char *name, const struct rates *rates)
{
    json_out_begin(out, name, '{');
    json_out_begin(out, "now", '{');
    for (int i = 0; i < RATE_COUNT; i++)
        json_out_real(out, names[i], rates_now(rates, (enum rate)i));
    json_out_end(out, '}');
    write_ring(out, "fine", &rates->fine);
    write_ring(out, "coarse", &rates->coarse);
    json_out_end(out, '}');
}
