/* Which series a question is about, and to which group each belongs. */
#include "flush/rollups/query_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SERIES_A_UNIT = 2, TERMS_A_UNIT = 2, CLEARED_A_SLICE = 1 << 17 };

static bool host_holds(const struct query *query, const struct query_term *term, uint32_t host)
{
    if (!term->host)
        return false;
    if (!term->pattern)
        return host == term->host_id;
    return scope_pattern_fits(slice_skip(term->tag, 5),
                              identities_text(rollup_identities(query->rollup), host));
}

/* Most tags begin otherwise, which is seen at their first byte. */
static bool tag_fits(const struct query_term *term, struct slice tag)
{
    struct slice prefix = term->prefix;

    if (prefix.len > 0 && (tag.len < prefix.len || tag.at[0] != prefix.at[0] ||
                           memcmp(tag.at, prefix.at, prefix.len) != 0))
        return false;
    return scope_pattern_fits(term->tag, tag);
}

static bool term_holds(const struct query *query, const struct query_term *term,
                       const struct rollup_series *series, const uint32_t *tags, size_t n_tags)
{
    const struct identities *identities = rollup_identities(query->rollup);

    if (host_holds(query, term, series->id.host))
        return true;
    for (size_t i = 0; i < n_tags; i++)
        if (term->pattern ? tag_fits(term, identities_tag(identities, tags[i]))
                          : tags[i] == term->tag_id)
            return true;
    return false;
}

/* Units of work are counted off. */
static bool scope_holds_of(const struct query *query, const struct rollup_series *series,
                           int64_t *left)
{
    size_t n, n_terms = query->question->scope.n_terms;
    const uint32_t *tags =
        identities_tag_ids(rollup_identities(query->rollup), series->id.tags, &n);
    uint32_t held = 0;

    for (size_t i = 0; i < n_terms; i++) {
        const struct query_term *term = &query->terms[i];
        held |= (uint32_t)term_holds(query, term, series, tags, n) << i;
        *left -= term->pattern ? (int64_t)n + 1 : 0;
    }
    *left -= (int64_t)((n_terms + query->question->n_by) / TERMS_A_UNIT);
    return scope_holds(&query->question->scope, held);
}

/* The value of a key: of several the first, "N/A" when there is none. */
static struct slice value_of(const struct query *query, const struct rollup_series *series,
                             struct slice key)
{
    const struct identities *identities = rollup_identities(query->rollup);
    size_t n;
    const uint32_t *tags = identities_tag_ids(identities, series->id.tags, &n);
    struct slice host = identities_text(identities, series->id.host);

    if (slice_equal(key, SLICE("host")) && host.len > 0)
        return host;
    for (size_t i = 0; i < n; i++) {
        struct slice tag = identities_tag(identities, tags[i]);
        if (slice_starts(tag, key) && tag.len > key.len && tag.at[key.len] == ':')
            return slice_skip(tag, key.len + 1);
    }
    return SLICE("N/A");
}

/* The text of the series' group, and where each of its parts ends. Groups with absurdly long
 * values are cut, and are one. */
static size_t group_text(const struct query *query, const struct rollup_series *series,
                         char text[GRID_GROUP_TEXT_MAX], uint16_t ends[QUESTION_BY_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < query->question->n_by; i++) {
        struct slice key = query->question->by[i], value = value_of(query, series, key);
        size_t room = GRID_GROUP_TEXT_MAX - len;
        int n = snprintf(text + len, room, "%s%.*s:%.*s", i > 0 ? "," : "", (int)key.len,
                         key.at, (int)value.len, value.at);
        len += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
        ends[i] = (uint16_t)len;
    }
    return len;
}

static bool grow_slots(struct query *query)
{
    uint32_t n_slots = query->n_slots * 2;
    uint32_t *slots = calloc(n_slots, sizeof *slots);

    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i < query->n_groups; i++) {
        uint32_t at = query->groups[i].hash & (n_slots - 1);
        while (slots[at] != 0)
            at = (at + 1) & (n_slots - 1);
        slots[at] = i + 1;
    }
    free(query->slots);
    query->slots = slots;
    query->n_slots = n_slots;
    return true;
}

static bool add_group(struct query *query, const char *text, size_t len, const uint16_t *ends,
                      uint32_t hash)
{
    if (query->n_groups == query->groups_capacity) {
        uint32_t capacity = query->groups_capacity * 2 + 16;
        struct grid_group *grown = realloc(query->groups, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        query->groups = grown;
        query->groups_capacity = capacity;
    }
    struct grid_group *group = &query->groups[query->n_groups];
    group->text = malloc(len + 1);
    if (group->text == NULL)
        return false;
    memcpy(group->text, text, len);
    memcpy(group->ends, ends, query->question->n_by * sizeof *ends);
    group->len = (uint32_t)len;
    group->hash = hash;
    query->n_groups++;
    return true;
}

#define NO_GROUP UINT32_MAX

/* Finds or makes the group of that text. NO_GROUP with a problem: there are too many, or there
 * is no memory. */
static uint32_t group_of(struct query *query, const char *text, size_t len,
                         const uint16_t *ends)
{
    uint32_t hash = (uint32_t)XXH3_64bits(text, len), mask = query->n_slots - 1;
    uint32_t at = hash & mask;

    for (; query->slots[at] != 0; at = (at + 1) & mask) {
        const struct grid_group *group = &query->groups[query->slots[at] - 1];
        if (group->hash == hash && group->len == len && memcmp(group->text, text, len) == 0)
            return query->slots[at] - 1;
    }
    if (query->n_groups >= QUERY_GROUPS_MAX ||
        (uint64_t)(query->n_groups + 1) * query->steps > query->room.values ||
        len > query->room.text) {
        query->too_fine = query->n_groups < QUERY_GROUPS_MAX && len <= query->room.text;
        query_fail(query,
                   "the answer has too many series: narrow the scope, group by fewer keys, or "
                   "ask for longer steps");
        return NO_GROUP;
    }
    if (!add_group(query, text, len, ends, hash)) {
        query_fail(query, "not enough memory for the answer");
        return NO_GROUP;
    }
    query->slots[at] = query->n_groups;
    query->room.text -= len;
    if (query->n_groups > query->n_slots / 2 && !grow_slots(query)) {
        query_fail(query, "not enough memory for the answer");
        return NO_GROUP;
    }
    return query->n_groups - 1;
}

static bool kind_takes_part(const struct query *query, uint8_t kind)
{
    return query->question->aggregate != AGGREGATE_OVER_QUANTILE || kind == CELL_DISTRIBUTION;
}

static bool match_series(struct query *query, uint32_t number, int64_t *left)
{
    const struct rollup_series *series = rollup_entry(query->rollup, number);
    char text[GRID_GROUP_TEXT_MAX];
    uint16_t ends[QUESTION_BY_MAX];

    if (!scope_holds_of(query, series, left))
        return true;
    query->seen[series->kind] = true;
    if (!kind_takes_part(query, series->kind))
        return true;
    uint32_t group = group_of(query, text, group_text(query, series, text, ends), ends);
    if (group == NO_GROUP)
        return false;
    query->unit = query->n_blocks == 0 ? series->unit : query->unit;
    query->units_differ = query->units_differ || series->unit != query->unit;
    query->group_of[number] =
        QUERY_MATCHED | (uint32_t)series->kind << QUERY_GROUP_BITS | group;
    uint32_t block = number / COLUMN_VALUES;
    if (query->n_blocks == 0 || query->blocks[query->n_blocks - 1] != block)
        query->blocks[query->n_blocks++] = block;
    return true;
}

static bool begin_scan(struct query *query)
{
    size_t n = query->n_groups + 1u, values = (size_t)query->n_groups * query->steps;

    query->totals = calloc(n, sizeof *query->totals);
    query->merged = calloc(n, sizeof *query->merged);
    query->values = malloc((values + 1) * sizeof *query->values);
    query->phase = PHASE_CLEAR;
    return (query->reading == NULL || query_read_past(query)) && query_begin_series(query) &&
           query->totals != NULL && query->merged != NULL && query->values != NULL;
}

/* Some pages of them at a time, as it takes longer to get them than to write them. */
enum query_state query_clear(struct query *query)
{
    size_t values = (size_t)query->n_groups * query->steps;

    for (size_t n = 0; n < CLEARED_A_SLICE && query->cleared < values; n++) {
        if (query->gaps != NULL)
            query->gaps[query->cleared] = (struct query_sum){ 0 };
        query->values[query->cleared++] = (double)NAN;
    }
    if (query->cleared == values)
        query_begin_step(query, 0);
    return QUERY_MORE;
}

static bool has_seen_any(const struct query *query)
{
    for (int kind = 0; kind < CELL_KIND_COUNT; kind++)
        if (query->seen[kind])
            return true;
    return false;
}

/* The number to look at next; the end, or beyond it: there is none. */
static uint32_t next_number(const struct query *query)
{
    if (query->candidates == NULL)
        return (uint32_t)query->looked;
    return query->looked < query->n_candidates ? query->candidates[query->looked] : query->end;
}

/* All that matched, ascending; returns how many, MATCHED_NUMBERS_MAX + 1 at most. */
static size_t list_matched(const struct query *query, uint32_t *out)
{
    size_t n = 0;

    for (uint32_t i = 0; i < query->n_blocks; i++)
        for (uint32_t at = 0; at < COLUMN_VALUES; at++) {
            uint32_t number = query->blocks[i] * COLUMN_VALUES + at;

            if (number >= query->end || query->group_of[number] == 0)
                continue;
            if (n == MATCHED_NUMBERS_MAX)
                return n + 1;
            out[n++] = number;
        }
    return n;
}

/* But for percentiles, which leave out some that the scope holds. */
static void remember(struct query *query)
{
    bool all = query->question->aggregate != AGGREGATE_OVER_QUANTILE;
    uint32_t *numbers = all ? malloc(MATCHED_NUMBERS_MAX * sizeof *numbers) : NULL;

    if (numbers != NULL)
        matched_remember(rollup_matched(query->rollup), query_key(query), query->births_before,
                         numbers, list_matched(query, numbers));
    free(numbers);
}

enum query_state query_match(struct query *query)
{
    uint32_t name =
        identities_find_text(rollup_identities(query->rollup), query->question->metric);
    int64_t left = QUERY_UNITS * SERIES_A_UNIT;
    uint32_t number;

    for (; left > 0 && (number = next_number(query)) < query->end; query->looked++) {
        const struct rollup_series *series = rollup_entry(query->rollup, number);
        left--;
        if (!series->live || series->id.name != name)
            continue;
        left -= SERIES_A_UNIT;
        if (!match_series(query, number, &left))
            return QUERY_FAILED;
    }
    if (next_number(query) < query->end)
        return QUERY_MORE;
    remember(query);
    if (query->question->aggregate == AGGREGATE_OVER_QUANTILE && query->n_groups == 0 &&
        has_seen_any(query))
        return query_fail(query,
                          "percentiles are kept of distributions only, and this is none");
    return begin_scan(query) ? QUERY_MORE
                             : query_fail(query, "not enough memory for the answer");
}
