/* Members stand in the order they came; from the ninth on an index of 16-bit
 * places, at most half full, finds them. At the bound the registers take over
 * the members' memory, which is just as large, so that switching never fails. */
#include "flush/values/distinct.h"

#include <math.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    FIRST_CAPACITY = 4,
    INDEXED = 8, /* up to so many members are searched one by one */
    INDEX_BITS = 14,
    RANK_BITS = 64 - INDEX_BITS,
};

_Static_assert(1 << INDEX_BITS == DISTINCT_REGISTERS, "one register per index");
_Static_assert(DISTINCT_EXACT * sizeof(uint64_t) == DISTINCT_REGISTERS, "in the same memory");

struct distinct {
    uint64_t *members;  /* n of capacity, a power of two */
    uint16_t *index;    /* 2 * capacity places from 1, 0: free; from INDEXED members on */
    uint8_t *registers; /* instead of both, once not NULL */
    uint32_t n, capacity;
};

uint64_t distinct_hash(struct slice member)
{
    return XXH3_64bits(member.at, member.len);
}

struct distinct *distinct_new(struct arena *arena)
{
    struct distinct *distinct = arena_alloc(arena, sizeof *distinct);

    if (distinct != NULL)
        *distinct = (struct distinct){ 0 };
    return distinct;
}

/* ---- exact ------------------------------------------------------------- */

/* Where the index holds the member, or could. */
static uint16_t *index_slot(uint16_t *index, uint32_t capacity, const uint64_t *members,
                            uint64_t member)
{
    uint32_t mask = 2 * capacity - 1;
    uint32_t at = (uint32_t)member & mask;

    while (index[at] != 0 && members[index[at] - 1] != member)
        at = (at + 1) & mask;
    return &index[at];
}

static bool has_member(const struct distinct *distinct, uint64_t member)
{
    if (distinct->index != NULL)
        return *index_slot(distinct->index, distinct->capacity, distinct->members, member) != 0;
    for (uint32_t i = 0; i < distinct->n; i++)
        if (distinct->members[i] == member)
            return true;
    return false;
}

static void append_member(struct distinct *distinct, uint64_t member)
{
    uint16_t *slot = distinct->index == NULL ? NULL
                                             : index_slot(distinct->index, distinct->capacity,
                                                          distinct->members, member);

    distinct->members[distinct->n++] = member;
    if (slot != NULL)
        *slot = (uint16_t)distinct->n;
}

/* Makes room for n members, n up to DISTINCT_EXACT. */
static bool reserve_members(struct distinct *distinct, struct arena *arena, size_t n)
{
    uint32_t capacity = distinct->capacity > 0 ? distinct->capacity : FIRST_CAPACITY;

    if (n <= distinct->capacity)
        return true;
    while (capacity < n)
        capacity *= 2;

    size_t index_size = capacity > INDEXED ? sizeof *distinct->index * 2 * capacity : 0;
    uint64_t *members = arena_alloc(arena, capacity * sizeof *members + index_size);

    if (members == NULL)
        return false;
    struct distinct larger = { .members = members, .capacity = capacity };

    if (index_size > 0)
        larger.index = memset(members + capacity, 0, index_size);
    for (uint32_t i = 0; i < distinct->n; i++)
        append_member(&larger, distinct->members[i]);
    *distinct = larger;
    return true;
}

/* ---- registers --------------------------------------------------------- */

static void register_member(uint8_t *registers, uint64_t member)
{
    uint64_t rest = member << INDEX_BITS | 1ull << (INDEX_BITS - 1);
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1); /* 1 to RANK_BITS + 1 */
    uint8_t *at = &registers[member >> RANK_BITS];

    *at = rank > *at ? rank : *at;
}

/* Replaces the members by registers, in the same memory; it fails only if that is too small. */
static bool become_registers(struct distinct *distinct, struct arena *arena)
{
    uint8_t registers[DISTINCT_REGISTERS] = { 0 };
    void *place = distinct->members;

    if (distinct->registers != NULL)
        return true;
    if (distinct->capacity < DISTINCT_EXACT)
        place = arena_alloc(arena, sizeof registers);
    if (place == NULL)
        return false;
    for (uint32_t i = 0; i < distinct->n; i++)
        register_member(registers, distinct->members[i]);
    memcpy(place, registers, sizeof registers);
    *distinct = (struct distinct){ .registers = place };
    return true;
}

/* Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017),
 * section 4: an estimator without tables or ranges, unbiased for few and many. */
static double sigma(double x)
{
    double y = 1, z = x, before;

    if (x == 1)
        return INFINITY;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

static double tau(double x)
{
    double y = 1, z = 1 - x, before;

    if (x == 0 || x == 1)
        return 0;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

static double estimate(const uint8_t *registers)
{
    static const double ALPHA = 0.721347520444481703680; /* 1 / (2 ln 2) */
    static const double M = DISTINCT_REGISTERS;
    uint32_t of_rank[RANK_BITS + 2] = { 0 };

    for (size_t i = 0; i < DISTINCT_REGISTERS; i++)
        of_rank[registers[i]]++;

    double z = M * tau(1 - of_rank[RANK_BITS + 1] / M);

    for (int rank = RANK_BITS; rank >= 1; rank--)
        z = 0.5 * (z + of_rank[rank]);
    return ALPHA * M * M / (z + M * sigma(of_rank[0] / M));
}

/* ---- the set ----------------------------------------------------------- */

bool distinct_add(struct distinct *distinct, struct arena *arena, uint64_t member_hash)
{
    if (distinct->registers == NULL) {
        if (has_member(distinct, member_hash))
            return true;
        if (distinct->n < DISTINCT_EXACT) {
            if (!reserve_members(distinct, arena, distinct->n + 1u))
                return false;
            append_member(distinct, member_hash);
            return true;
        }
        if (!become_registers(distinct, arena))
            return false;
    }
    register_member(distinct->registers, member_hash);
    return true;
}

/* n: how many members there are afterwards. */
static bool merge_exact(struct distinct *into, struct arena *arena,
                        const struct distinct *other, size_t n)
{
    if (!reserve_members(into, arena, n))
        return false;
    for (uint32_t i = 0; i < other->n; i++)
        if (!has_member(into, other->members[i]))
            append_member(into, other->members[i]);
    return true;
}

static uint32_t count_new(const struct distinct *into, const struct distinct *other)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < other->n; i++)
        n += !has_member(into, other->members[i]);
    return n;
}

bool distinct_merge(struct distinct *into, struct arena *arena, const struct distinct *other)
{
    if (into->registers == NULL && other->registers == NULL) {
        size_t n = into->n + count_new(into, other);

        if (n <= DISTINCT_EXACT)
            return merge_exact(into, arena, other, n);
    }
    if (!become_registers(into, arena))
        return false;
    for (uint32_t i = 0; i < other->n; i++)
        register_member(into->registers, other->members[i]);
    for (size_t i = 0; other->registers != NULL && i < DISTINCT_REGISTERS; i++)
        if (other->registers[i] > into->registers[i])
            into->registers[i] = other->registers[i];
    return true;
}

uint64_t distinct_count(const struct distinct *distinct)
{
    if (distinct->registers == NULL)
        return distinct->n;
    return (uint64_t)llround(estimate(distinct->registers));
}

size_t distinct_members(const struct distinct *distinct, const uint64_t **members)
{
    *members = distinct->members;
    return distinct->n;
}

const uint8_t *distinct_registers(const struct distinct *distinct)
{
    return distinct->registers;
}

struct distinct *distinct_restore(struct arena *arena, const uint64_t *members, size_t n,
                                  const uint8_t *registers)
{
    struct distinct *distinct = distinct_new(arena);

    if (distinct == NULL)
        return NULL;
    if (registers != NULL) {
        distinct->registers = arena_alloc(arena, DISTINCT_REGISTERS);
        if (distinct->registers != NULL)
            memcpy(distinct->registers, registers, DISTINCT_REGISTERS);
        return distinct->registers != NULL ? distinct : NULL;
    }
    if (n > DISTINCT_EXACT || !reserve_members(distinct, arena, n))
        return NULL;
    for (size_t i = 0; i < n; i++)
        append_member(distinct, members[i]);
    return distinct;
}
