#include "flush/rollups/matched.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct remembered {
    struct remembered *newer, *older, *next; /* the last: of its chain */
    struct matched_key key;
    uint64_t births;
    size_t n;
    uint32_t numbers[]; /* ascending */
};

static size_t size_of(const struct remembered *one)
{
    return sizeof *one + one->n * sizeof one->numbers[0] + 16; /* of malloc */
}

struct matched_key matched_key(struct slice metric, struct slice scope)
{
    XXH128_hash_t hash =
        XXH3_128bits_withSeed(scope.at, scope.len, XXH3_64bits(metric.at, metric.len));

    return (struct matched_key){ hash.low64, hash.high64 };
}

/* ---- what is remembered ------------------------------------------------ */

static struct remembered **chain_of(const struct matched *matched, struct matched_key key)
{
    return &matched->chains[key.low % MATCHED_CHAINS];
}

static struct remembered *find(const struct matched *matched, struct matched_key key)
{
    struct remembered *at = matched->chains != NULL ? *chain_of(matched, key) : NULL;

    while (at != NULL && (at->key.low != key.low || at->key.high != key.high))
        at = at->next;
    return at;
}

/* Out of the order in which they were asked for. */
static void leave_order(struct matched *matched, struct remembered *one)
{
    *(one->newer != NULL ? &one->newer->older : &matched->newest) = one->older;
    *(one->older != NULL ? &one->older->newer : &matched->oldest) = one->newer;
}

static void become_newest(struct matched *matched, struct remembered *one)
{
    one->newer = NULL;
    one->older = matched->newest;
    *(one->older != NULL ? &one->older->newer : &matched->oldest) = one;
    matched->newest = one;
}

static void forget(struct matched *matched, struct remembered *given)
{
    struct remembered **at = chain_of(matched, given->key);

    while (*at != given)
        at = &(*at)->next;
    *at = given->next;
    leave_order(matched, given);
    matched->bytes -= size_of(given);
    free(given);
}

void matched_free(struct matched *given)
{
    while (given->oldest != NULL)
        forget(given, given->oldest);
    free(given->chains);
    free(given->born);
    *given = (struct matched){ 0 };
}

/* False without memory. */
static bool take_tables(struct matched *matched)
{
    if (matched->chains == NULL)
        matched->chains = calloc(MATCHED_CHAINS, sizeof(struct remembered *));
    if (matched->born == NULL)
        matched->born = calloc(MATCHED_BIRTHS, sizeof *matched->born);
    return matched->chains != NULL && matched->born != NULL;
}

static struct remembered *copy_of(struct matched_key key, uint64_t births,
                                  const uint32_t *numbers, size_t n)
{
    struct remembered *made = malloc(sizeof *made + n * sizeof *numbers);

    if (made == NULL)
        return NULL;
    *made = (struct remembered){ .key = key, .births = births, .n = n };
    if (n > 0)
        memcpy(made->numbers, numbers, n * sizeof *numbers);
    return made;
}

void matched_remember(struct matched *matched, struct matched_key key, uint64_t births,
                      const uint32_t *numbers, size_t n)
{
    struct remembered *old = find(matched, key), *made;
    bool was_taken = matched->born != NULL;

    if (old != NULL)
        forget(matched, old);
    /* Births before there was a ring are not in it. */
    if (n > MATCHED_NUMBERS_MAX || !take_tables(matched) ||
        (!was_taken && births != matched->births) ||
        (made = copy_of(key, births, numbers, n)) == NULL)
        return;
    made->next = *chain_of(matched, key);
    *chain_of(matched, key) = made;
    become_newest(matched, made);
    matched->bytes += size_of(made);
    while (matched->bytes > MATCHED_BYTES_MAX)
        forget(matched, matched->oldest);
}

/* ---- who asks again ---------------------------------------------------- */

void matched_bear(struct matched *matched, uint32_t number)
{
    if (matched->born != NULL)
        matched->born[matched->births % MATCHED_BIRTHS] = number;
    matched->births++;
}

static int by_number(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

    return (one > other) - (one < other);
}

/* Ascending, each once; returns how many. */
static size_t sort(uint32_t *numbers, size_t n)
{
    size_t kept = 0;

    qsort(numbers, n, sizeof *numbers, by_number);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || numbers[i] != numbers[kept - 1])
            numbers[kept++] = numbers[i];
    return kept;
}

uint32_t *matched_recall(struct matched *matched, struct matched_key key, size_t *n)
{
    struct remembered *one = find(matched, key);

    if (one == NULL || matched->births - one->births > MATCHED_BIRTHS)
        return NULL;
    uint64_t since = matched->births - one->births;
    uint32_t *numbers = malloc((one->n + since + 1) * sizeof *numbers);

    if (numbers == NULL)
        return NULL;
    memcpy(numbers, one->numbers, one->n * sizeof *numbers);
    for (uint64_t i = 0; i < since; i++)
        numbers[one->n + i] = matched->born[(one->births + i) % MATCHED_BIRTHS];
    *n = since > 0 ? sort(numbers, one->n + since) : one->n;
    leave_order(matched, one);
    become_newest(matched, one);
    return numbers;
}
