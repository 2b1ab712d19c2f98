#include "flush/series/tag_surveyor.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* KEYS_MAX: keys that are counted. SLOTS is a power of two, and twice as many. TAGS_A_STEP:
 * some milliseconds of look-ups that miss the caches. */
enum { KEYS_MAX = 256, SLOTS = 512, TAGS_A_STEP = 32768 };

struct counted {
    char key[TAG_KEY_SIZE];
    uint8_t len;
    uint8_t grew;    /* in so many walks without a pause */
    uint32_t values; /* of this walk so far */
    uint32_t before; /* of the walk before */
};

struct tag_surveyor {
    struct counted keys[KEYS_MAX];
    size_t n;
    uint16_t slots[SLOTS]; /* index in keys + 1; 0: none */
    bool walking;
    bool knows;     /* the last walk has found a key */
    uint32_t next;  /* tag to be looked at */
    int64_t next_s; /* when the next walk may begin */
};

struct tag_surveyor *tag_surveyor_new(void)
{
    return calloc(1, sizeof(struct tag_surveyor));
}

void tag_surveyor_free(struct tag_surveyor *given)
{
    free(given);
}

/* ---- counting ---------------------------------------------------------- */

/* What stands before the first colon, cut; a tag without one has the empty key. */
static struct slice key_of(struct slice tag)
{
    const char *colon = tag.len > 0 ? memchr(tag.at, ':', tag.len) : NULL;
    size_t len = colon != NULL ? (size_t)(colon - tag.at) : 0;

    return (struct slice){ tag.at, len < TAG_KEY_SIZE ? len : TAG_KEY_SIZE - 1 };
}

static uint16_t *slot_of(struct tag_surveyor *surveyor, struct slice key)
{
    size_t i = XXH3_64bits(key.at, key.len) & (SLOTS - 1);

    for (; surveyor->slots[i] != 0; i = (i + 1) & (SLOTS - 1)) {
        const struct counted *counted = &surveyor->keys[surveyor->slots[i] - 1];

        if (counted->len == key.len && memcmp(counted->key, key.at, key.len) == 0)
            break;
    }
    return &surveyor->slots[i];
}

static void count_tag(struct tag_surveyor *surveyor, struct slice tag)
{
    struct slice key = key_of(tag);
    uint16_t *slot = slot_of(surveyor, key);

    if (*slot == 0) {
        if (surveyor->n == KEYS_MAX)
            return;
        struct counted *added = &surveyor->keys[surveyor->n++];

        *added = (struct counted){ .len = (uint8_t)key.len };
        memcpy(added->key, key.at, key.len);
        *slot = (uint16_t)surveyor->n;
    }
    surveyor->keys[*slot - 1].values++;
}

/* ---- the end of a walk ------------------------------------------------- */

static int by_values(const void *a, const void *b)
{
    uint32_t left = ((const struct counted *)a)->values;
    uint32_t right = ((const struct counted *)b)->values;

    return left < right ? 1 : left > right ? -1 : 0;
}

/* Most values first; keys that nobody has any more give their places away. */
static void order(struct tag_surveyor *surveyor)
{
    qsort(surveyor->keys, surveyor->n, sizeof surveyor->keys[0], by_values);
    while (surveyor->n > 0 && surveyor->keys[surveyor->n - 1].values == 0)
        surveyor->n--;
    memset(surveyor->slots, 0, sizeof surveyor->slots);
    for (size_t i = 0; i < surveyor->n; i++) {
        struct counted *counted = &surveyor->keys[i];

        *slot_of(surveyor, (struct slice){ counted->key, counted->len }) = (uint16_t)(i + 1);
    }
}

static bool grows(const struct counted *counted)
{
    return counted->values >= TAG_GROWTH_LEAST && counted->grew >= TAG_GROWTH_WALKS;
}

/* A few more values are no growth: somebody started another server. */
static void note_growth(struct counted *counted)
{
    uint32_t least = counted->before + counted->before / 100 + 1;

    if (counted->before == 0 || counted->values < least)
        counted->grew = 0;
    else if (counted->grew < TAG_GROWTH_WALKS)
        counted->grew++;
}

/* Without memory nothing is told this time. */
static void publish(const struct tag_surveyor *surveyor, bool whole, tag_survey_box *box)
{
    struct tag_survey *survey = calloc(1, sizeof *survey);

    if (survey == NULL)
        return;
    survey->whole = whole;
    for (; survey->n < surveyor->n && survey->n < TAG_SURVEY_KEYS; survey->n++) {
        const struct counted *counted = &surveyor->keys[survey->n];
        struct tag_key *key = &survey->at[survey->n];

        memcpy(key->key, counted->key, counted->len);
        key->values = counted->values;
        key->grows = grows(counted);
    }
    free(atomic_exchange_explicit(box, survey, memory_order_acq_rel)); /* with take */
}

static void tell_so_far(struct tag_surveyor *surveyor, tag_survey_box *box)
{
    order(surveyor);
    publish(surveyor, false, box);
}

/* Where no tags were the next walk need not wait: a server that has just started soon tells of
 * the first ones. */
static void end_walk(struct tag_surveyor *surveyor, tag_survey_box *box)
{
    order(surveyor);
    surveyor->knows = surveyor->n > 0;
    if (!surveyor->knows)
        surveyor->next_s = 0;
    for (size_t i = 0; i < surveyor->n; i++)
        note_growth(&surveyor->keys[i]);
    publish(surveyor, true, box);
    for (size_t i = 0; i < surveyor->n; i++) {
        surveyor->keys[i].before = surveyor->keys[i].values;
        surveyor->keys[i].values = 0;
    }
    surveyor->walking = false;
}

void tag_surveyor_step(struct tag_surveyor *surveyor, const struct identities *identities,
                       int64_t now_s, tag_survey_box *box)
{
    /* A clock that was set back does not make us wait for as long. */
    if (!surveyor->walking && now_s < surveyor->next_s &&
        now_s >= surveyor->next_s - TAG_SURVEY_EACH_S)
        return;
    if (!surveyor->walking) {
        surveyor->walking = true;
        surveyor->next = 0;
        surveyor->next_s = now_s + TAG_SURVEY_EACH_S;
    }
    uint32_t end = identities_tags_end(identities);
    uint32_t last = end - surveyor->next > TAGS_A_STEP ? surveyor->next + TAGS_A_STEP : end;

    if (surveyor->next > end)
        last = surveyor->next;
    for (; surveyor->next < last; surveyor->next++)
        if (identities_has_tag(identities, surveyor->next))
            count_tag(surveyor, identities_tag(identities, surveyor->next));
    if (surveyor->next >= end)
        end_walk(surveyor, box);
    else if (!surveyor->knows)
        tell_so_far(surveyor, box);
}
