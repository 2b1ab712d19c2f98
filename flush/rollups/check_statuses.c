#include "flush/rollups/check_statuses.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "flush/memory/state.h"
#include "flush/series/admitted.h"

enum { SLOTS = 4096 /* a power of two */, MALLOC_HEAD = 16, STATUS_MAX = 3 };

/* One check. Behind it stand the lengths of its tags, then its name, its host and its tags. */
struct known_check {
    struct known_check *older, *newer; /* by when they were heard last */
    struct known_check *chain;         /* with the same slot */
    uint64_t hash;                     /* of its identity */
    uint32_t place;
    uint32_t size; /* of this, without the message */
    int64_t at_s, received_s;
    char *message; /* owned; NULL: empty */
    uint32_t message_len, name_len, host_len;
    uint16_t n_tags;
    uint8_t status, in_a_row;
    uint32_t tags[];
};

struct check_statuses {
    struct flusher_ledger *ledger;
    struct known_check **slots; /* by hash; NULL: none came yet */
    struct known_check **at;    /* by place, n of them, of which n_known are not empty */
    uint32_t n, n_known, room;
    struct known_check *oldest, *newest;
    size_t bytes;
};

/* What comes, or is read. Views. */
struct seen_check {
    struct slice name, host, message;
    const struct slice *tags;
    size_t n_tags;
    int64_t at_s, received_s;
    uint8_t status, in_a_row;
};

struct check_statuses *check_statuses_new(struct flusher_ledger *ledger)
{
    struct check_statuses *statuses = calloc(1, sizeof *statuses);

    if (statuses != NULL)
        statuses->ledger = ledger;
    return statuses;
}

/* ---- identities -------------------------------------------------------- */

/* Lengths are part of it, so that "a" with "bc" is not "ab" with "c". */
static uint64_t hash_text(uint64_t seed, struct slice text)
{
    return XXH3_64bits_withSeed(text.len > 0 ? text.at : "", text.len, seed + text.len);
}

static uint64_t hash_of(const struct seen_check *seen)
{
    uint64_t hash = hash_text(hash_text(0, seen->name), seen->host);

    for (size_t i = 0; i < seen->n_tags; i++)
        hash = hash_text(hash, seen->tags[i]);
    return hash;
}

static void show(const struct known_check *known, struct check_status *out)
{
    const char *at = (const char *)&known->tags[known->n_tags];

    out->name = (struct slice){ at, known->name_len };
    out->host = (struct slice){ at + known->name_len, known->host_len };
    out->message =
        (struct slice){ known->message != NULL ? known->message : "", known->message_len };
    at += known->name_len + known->host_len;
    for (size_t i = 0; i < known->n_tags; at += known->tags[i++])
        out->tags[i] = (struct slice){ at, known->tags[i] };
    out->n_tags = known->n_tags;
    out->status = known->status;
    out->in_a_row = known->in_a_row;
    out->at_s = known->at_s;
}

static bool is_same(const struct known_check *known, const struct seen_check *seen)
{
    struct check_status shown;

    show(known, &shown);
    if (shown.n_tags != seen->n_tags || !slice_equal(shown.name, seen->name) ||
        !slice_equal(shown.host, seen->host))
        return false;
    for (size_t i = 0; i < shown.n_tags; i++)
        if (!slice_equal(shown.tags[i], seen->tags[i]))
            return false;
    return true;
}

static struct known_check *find(const struct check_statuses *statuses, uint64_t hash,
                                const struct seen_check *seen)
{
    struct known_check *at = statuses->slots[hash & (SLOTS - 1)];

    while (at != NULL && (at->hash != hash || !is_same(at, seen)))
        at = at->chain;
    return at;
}

/* ---- who is kept ------------------------------------------------------- */

static void append(struct check_statuses *statuses, struct known_check *known)
{
    known->older = statuses->newest;
    known->newer = NULL;
    if (statuses->newest != NULL)
        statuses->newest->newer = known;
    else
        statuses->oldest = known;
    statuses->newest = known;
}

static void take_out(struct check_statuses *statuses, const struct known_check *known)
{
    if (known->older != NULL)
        known->older->newer = known->newer;
    else
        statuses->oldest = known->newer;
    if (known->newer != NULL)
        known->newer->older = known->older;
    else
        statuses->newest = known->older;
}

static void unchain(struct check_statuses *statuses, const struct known_check *known)
{
    struct known_check **at = &statuses->slots[known->hash & (SLOTS - 1)];

    while (*at != known)
        at = &(*at)->chain;
    *at = known->chain;
}

static void free_check(struct check_statuses *statuses, struct known_check *given)
{
    statuses->bytes -= given->size + given->message_len;
    free(given->message);
    free(given);
}

/* A copy of its texts without the message; NULL without memory. */
static struct known_check *copy(const struct seen_check *seen, size_t size, uint64_t hash)
{
    struct known_check *known = malloc(size - MALLOC_HEAD);

    if (known == NULL)
        return NULL;
    *known = (struct known_check){ .hash = hash,
                                   .size = (uint32_t)size,
                                   .name_len = (uint32_t)seen->name.len,
                                   .host_len = (uint32_t)seen->host.len,
                                   .n_tags = (uint16_t)seen->n_tags };
    char *to = (char *)&known->tags[seen->n_tags];

    memcpy(to, seen->name.at, seen->name.len);
    to += seen->name.len;
    if (seen->host.len > 0)
        memcpy(to, seen->host.at, seen->host.len);
    to += seen->host.len;
    for (size_t i = 0; i < seen->n_tags; to += seen->tags[i++].len) {
        known->tags[i] = (uint32_t)seen->tags[i].len;
        memcpy(to, seen->tags[i].at, seen->tags[i].len);
    }
    return known;
}

static size_t size_of(const struct seen_check *seen)
{
    size_t size = sizeof(struct known_check) + MALLOC_HEAD + seen->name.len + seen->host.len +
                  seen->n_tags * sizeof(uint32_t);

    for (size_t i = 0; i < seen->n_tags; i++)
        size += seen->tags[i].len;
    return size;
}

/* One more place; false without memory. */
static bool grow(struct check_statuses *statuses)
{
    uint32_t room = statuses->room == 0 ? 64 : 2 * statuses->room;
    struct known_check **at;

    if (statuses->slots == NULL)
        statuses->slots = calloc(SLOTS, sizeof(struct known_check *));
    if (statuses->slots == NULL || statuses->n < statuses->room)
        return statuses->slots != NULL;
    at = realloc(statuses->at, room * sizeof(struct known_check *));
    if (at == NULL)
        return false;
    statuses->at = at;
    statuses->room = room;
    return true;
}

static bool is_crowded(const struct check_statuses *statuses, size_t more)
{
    return statuses->n_known == CHECK_STATUSES_MAX ||
           statuses->bytes + more > CHECK_STATUSES_BYTES_MAX;
}

static void drop_oldest(struct check_statuses *statuses)
{
    struct known_check *oldest = statuses->oldest;

    take_out(statuses, oldest);
    unchain(statuses, oldest);
    statuses->at[oldest->place] = NULL;
    statuses->n_known--;
    free_check(statuses, oldest);
}

/* One that is empty, or one more. False without memory. */
static bool find_place(struct check_statuses *statuses, uint32_t *place)
{
    *place = statuses->n;
    if (statuses->n_known == statuses->n)
        return grow(statuses);
    while (statuses->at[--*place] != NULL)
        ;
    return true;
}

/* Makes it known. NULL: there is no room, or no memory. */
static struct known_check *add(struct check_statuses *statuses, const struct seen_check *seen,
                               uint64_t hash)
{
    size_t size = size_of(seen);
    uint32_t place;

    while (is_crowded(statuses, size) && statuses->oldest != NULL &&
           seen->received_s - statuses->oldest->received_s >= CHECK_STATUS_SILENT_S)
        drop_oldest(statuses);
    if (seen->n_tags > CHECK_STATUS_TAGS_MAX || is_crowded(statuses, size) ||
        !find_place(statuses, &place))
        return NULL;
    struct known_check *known = copy(seen, size, hash);

    if (known == NULL)
        return NULL;
    known->place = place;
    known->chain = statuses->slots[hash & (SLOTS - 1)];
    statuses->slots[hash & (SLOTS - 1)] = known;
    statuses->at[place] = known;
    statuses->n += place == statuses->n;
    statuses->n_known++;
    statuses->bytes += size;
    append(statuses, known);
    return known;
}

/* ---- what comes -------------------------------------------------------- */

/* As much of it as there is room for. */
static void put_message(struct check_statuses *statuses, struct known_check *known,
                        struct slice message)
{
    size_t len =
        message.len < CHECK_STATUS_MESSAGE_MAX ? message.len : CHECK_STATUS_MESSAGE_MAX;

    if (len == known->message_len && (len == 0 || memcmp(known->message, message.at, len) == 0))
        return;
    free(known->message);
    statuses->bytes -= known->message_len;
    known->message = NULL;
    known->message_len = 0;
    if (len == 0 || statuses->bytes + len > CHECK_STATUSES_BYTES_MAX ||
        (known->message = malloc(len)) == NULL)
        return;
    memcpy(known->message, message.at, len);
    known->message_len = (uint32_t)len;
    statuses->bytes += len;
}

/* Older than what is known: it says nothing about now, unless the clock was set back. */
static bool is_late(const struct known_check *known, const struct seen_check *seen)
{
    return seen->at_s < known->at_s && seen->received_s >= known->received_s;
}

static void take(struct check_statuses *statuses, const struct seen_check *seen)
{
    uint64_t hash = hash_of(seen);
    struct known_check *known = statuses->slots != NULL ? find(statuses, hash, seen) : NULL;
    bool is_new = known == NULL;

    if (is_new)
        known = add(statuses, seen, hash);
    if (known == NULL) {
        counter_add(&statuses->ledger->checks_beyond, 1);
        return;
    }
    if (!is_new && is_late(known, seen))
        return;
    take_out(statuses, known);
    append(statuses, known);
    if (is_new || known->status != seen->status)
        known->in_a_row = seen->in_a_row;
    else if (known->in_a_row < CHECK_STATUS_ROW_MAX)
        known->in_a_row++;
    known->status = seen->status;
    known->at_s = seen->at_s;
    known->received_s = seen->received_s;
    put_message(statuses, known, seen->message);
}

static void see_check(void *observer, const struct check_record *record)
{
    struct seen_check seen = {
        .name = record->check.name,
        .host = record->host,
        .message = record->check.message,
        .tags = record->tags,
        .n_tags = record->n_tags,
        .at_s = record->time_s < record->received_s ? record->time_s : record->received_s,
        .received_s = record->received_s,
        .status = (uint8_t)record->check.status,
        .in_a_row = 1,
    };

    take(observer, &seen);
}

static void statuses_free(void *given)
{
    struct check_statuses *statuses = given;

    while (statuses->oldest != NULL)
        drop_oldest(statuses);
    free(statuses->slots);
    free(statuses->at);
    free(statuses);
}

struct observer check_statuses_observer(struct check_statuses *given)
{
    static const struct observer_ops ops = { .check = see_check, .free = statuses_free };

    return (struct observer){ &ops, given };
}

/* ---- what is known ----------------------------------------------------- */

bool check_statuses_next(const struct check_statuses *statuses, uint32_t *next,
                         struct slice name, struct check_status *out)
{
    while (*next < statuses->n) {
        const struct known_check *known = statuses->at[(*next)++];

        if (known == NULL || known->name_len != name.len)
            continue;
        show(known, out);
        if (slice_equal(out->name, name))
            return true;
    }
    return false;
}

/* ---- a successor takes over -------------------------------------------- */

void check_statuses_hand_over(const struct check_statuses *statuses, struct state_writer *out)
{
    struct check_status shown;

    state_put_number(out, statuses->n_known);
    for (const struct known_check *at = statuses->oldest; at != NULL; at = at->newer) {
        show(at, &shown);
        state_put_text(out, shown.name);
        state_put_text(out, shown.host);
        state_put_text(out, shown.message);
        state_put_number(out, shown.n_tags);
        for (size_t i = 0; i < shown.n_tags; i++)
            state_put_text(out, shown.tags[i]);
        state_put_number(out, at->status);
        state_put_number(out, at->in_a_row);
        state_put_signed(out, at->at_s);
        state_put_signed(out, at->received_s);
    }
}

static bool restore_one(struct check_statuses *statuses, struct state_reader *in)
{
    struct slice tags[CHECK_STATUS_TAGS_MAX];
    struct seen_check seen = { .name = state_get_text(in),
                               .host = state_get_text(in),
                               .message = state_get_text(in),
                               .tags = tags };
    uint64_t status, in_a_row;

    seen.n_tags = state_get_count(in, 1);
    if (seen.n_tags > CHECK_STATUS_TAGS_MAX)
        return false;
    for (size_t i = 0; i < seen.n_tags; i++)
        tags[i] = state_get_text(in);
    status = state_get_number(in);
    in_a_row = state_get_number(in);
    seen.at_s = state_get_signed(in);
    seen.received_s = state_get_signed(in);
    if (in->failed || status > STATUS_MAX || in_a_row < 1 || in_a_row > CHECK_STATUS_ROW_MAX)
        return false;
    seen.status = (uint8_t)status;
    seen.in_a_row = (uint8_t)in_a_row;
    take(statuses, &seen);
    return true;
}

bool check_statuses_restore(struct check_statuses *statuses, struct state_reader *in)
{
    enum { LEAST_BYTES = 8 };

    if (in->at == in->end)
        return true;
    for (size_t left = state_get_count(in, LEAST_BYTES); left > 0; left--)
        if (!restore_one(statuses, in))
            return false;
    return !in->failed;
}
