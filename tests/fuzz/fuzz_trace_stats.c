/* fuzz_trace_stats: what libraries counted themselves. The first byte says whether the others
 * are a whole body or one sketch. What was taken is sent on: another hand reads it, and no
 * group, no count of durations and no byte of memory is lost on the way. */
#include <stdint.h>
#include <stdlib.h>

#include "config/utf8.h"
#include "server/traces/ddsketch.h"
#include "server/traces/stats_encode.h"
#include "server/traces/stats_take.h"
#include "tests/support/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1700000000, SMALL = 4096 };
#define EXACT 0x1p53 /* up to here doubles count one by one */

/* ---- a sketch ---------------------------------------------------------- */

static double count_of(struct sketch *sketch, struct arena *arena,
                       const struct sketch_bin **bins, size_t *n)
{
    double count = 0;

    if (!sketch_bins(sketch, arena, bins, n))
        abort();
    for (size_t i = 0; i < *n; i++)
        count += (*bins)[i].count;
    return count;
}

/* Of the same count, when it is written and read again. */
static void see_again(struct sketch *sketch, struct arena *arena)
{
    struct sketch *again = sketch_new(arena);
    const struct sketch_bin *bins, *bins_again;
    struct bytes written = { 0 };
    const char *sentence;
    size_t n, n_again;
    double count = count_of(sketch, arena, &bins, &n);

    ddsketch_write(&written, bins, n);
    struct slice message = bytes_view(&written);

    if (written.failed || again == NULL)
        abort();
    if (count < EXACT / 2) {
        if (ddsketch_read(message, again, arena, &sentence) != DDSKETCH_OK ||
            count_of(again, arena, &bins_again, &n_again) != count)
            abort();
    }
    bytes_free(&written);
}

static void see_sketch(struct slice message, struct arena *arena)
{
    struct sketch *sketch = sketch_new(arena);
    const char *sentence;
    enum ddsketch_result result = ddsketch_read(message, sketch, arena, &sentence);

    if ((result == DDSKETCH_OK) != (sentence == NULL) ||
        (result == DDSKETCH_NO_MEMORY && message.len < SMALL))
        abort();
    if (result == DDSKETCH_OK)
        see_again(sketch, arena);
}

/* ---- a body ------------------------------------------------------------ */

static uint64_t sent_groups;

static void see_payload(void *argument, struct payload *given)
{
    json_t *decoded = decode_payload(given);

    (void)argument;
    if (decoded == NULL || given->points == 0 || given->points > STATS_GROUPS_MAX)
        abort();
    sent_groups += given->points;
    json_decref(decoded);
    payload_free(given);
}

static void see_key(const struct span_key *key)
{
#define SEE(field)                                                           \
    if (key->field.len > 0 && !utf8_is_valid(key->field.at, key->field.len)) \
        abort();
    SPAN_KEY_TEXTS(SEE)
#undef SEE
}

static void see_bucket(const struct span_bucket *bucket, struct arena_budget *budget)
{
    unsigned short seed[3] = { 1, 2, 3 };
    const struct stats_encoding encoding = { .hostname = SLICE("here"),
                                             .env = SLICE("none"),
                                             .budget = budget,
                                             .random = seed,
                                             .emit = see_payload };
    size_t n = 0;

    for (const struct span_group *group = bucket->groups; group != NULL; group = group->next) {
        see_key(&group->key);
        n++;
    }
    sent_groups = 0;
    size_t left_out = stats_encode(&encoding, bucket, NOW_S);

    if (n != bucket->n_groups || left_out > 0 || sent_groups > n ||
        (sent_groups == 0) != (n == 0))
        abort();
}

static void see_body(struct slice body, struct arena_budget *budget)
{
    struct traces_ledger ledger = { .traces = { 0 } };
    char problem[TRACE_PROBLEM_MAX] = "";
    struct concentrator_config config = {
        .budget = budget, .default_env = SLICE("none"), .secret = 42, .groups_max = 1000
    };
    struct trace_taker taker = { .budget = budget,
                                 .concentrator = concentrator_new(&config, NOW_S),
                                 .ledger = &ledger };
    enum trace_result result = stats_take(&taker, body, SLICE("js"), NOW_S, problem);
    const struct span_bucket *bucket;

    if ((result == TRACE_OK) != (problem[0] == '\0') ||
        (result == TRACE_NO_MEMORY && body.len < SMALL))
        abort();
    while ((bucket = concentrator_due(taker.concentrator, NOW_S, true)) != NULL) {
        see_bucket(bucket, budget);
        concentrator_drop(taker.concentrator, bucket);
    }
    concentrator_free(taker.concentrator);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena_budget budget;
    struct arena arena;

    if (size == 0)
        return 0;
    struct slice rest = { (const char *)data + 1, size - 1 };

    arena_budget_init(&budget, 64 << 20);
    arena_init(&arena, &budget);
    if (data[0] % 2 == 0)
        see_body(rest, &budget);
    else
        see_sketch(rest, &arena);
    arena_free(&arena);
    if (budget.left != budget.all)
        abort();
    return 0;
}
