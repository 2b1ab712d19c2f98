/* Reading order: buckets; groups of one; what counts; spans. */
#include "server/traces/concentrator.h"

#include <stdlib.h>

enum { CHAINS = 1024, AHEAD_MAX_S = 600 };
#define SECOND_NS INT64_C(1000000000)
#define RATE_MIN  1e-6

/* A bucket that is open, by time. */
struct open_bucket {
    struct span_bucket bucket; /* the first member: what is given to the caller */
    struct arena arena;
    struct span_group **chains; /* CHAINS of them, in the arena */
    struct open_bucket *next;   /* a later one */
};

struct concentrator {
    struct concentrator_config config;
    struct open_bucket *oldest;
    int64_t oldest_s; /* no bucket before it is opened any more */
    struct bytes peer_tags;
};

static int64_t align(int64_t time_s)
{
    int64_t rest = time_s % CONCENTRATOR_BUCKET_S;

    return time_s - (rest < 0 ? rest + CONCENTRATOR_BUCKET_S : rest);
}

/* ---- making ------------------------------------------------------------ */

struct concentrator *concentrator_new(const struct concentrator_config *config, int64_t now_s)
{
    struct concentrator *made = calloc(1, sizeof *made);

    if (made == NULL)
        return NULL;
    made->config = *config;
    made->oldest_s = align(now_s);
    return made;
}

struct slice concentrator_default_env(const struct concentrator *concentrator)
{
    return concentrator->config.default_env;
}

static void free_bucket(struct open_bucket *given)
{
    arena_free(&given->arena);
    free(given);
}

void concentrator_free(struct concentrator *given)
{
    struct open_bucket *next;

    if (given == NULL)
        return;
    for (struct open_bucket *at = given->oldest; at != NULL; at = next) {
        next = at->next;
        free_bucket(at);
    }
    bytes_free(&given->peer_tags);
    free(given);
}

/* ---- buckets ----------------------------------------------------------- */

static struct open_bucket *open_bucket(struct concentrator *concentrator, int64_t start_s)
{
    struct open_bucket *made = calloc(1, sizeof *made);

    if (made == NULL)
        return NULL;
    arena_init(&made->arena, concentrator->config.budget);
    made->bucket = (struct span_bucket){ .start_s = start_s, .arena = &made->arena };
    made->chains = arena_alloc(&made->arena, CHAINS * sizeof *made->chains);
    if (made->chains == NULL) {
        free_bucket(made);
        return NULL;
    }
    for (int i = 0; i < CHAINS; i++)
        made->chains[i] = NULL;
    return made;
}

/* NULL without memory. */
static struct open_bucket *bucket_at(struct concentrator *concentrator, int64_t start_s)
{
    struct open_bucket **at = &concentrator->oldest;

    while (*at != NULL && (*at)->bucket.start_s < start_s)
        at = &(*at)->next;
    if (*at != NULL && (*at)->bucket.start_s == start_s)
        return *at;
    struct open_bucket *made = open_bucket(concentrator, start_s);

    if (made != NULL) {
        made->next = *at;
        *at = made;
    }
    return made;
}

/* Where what ended at end_s belongs; late: in one that is younger. */
static struct open_bucket *bucket_for(struct concentrator *concentrator, int64_t end_s,
                                      int64_t now_s, bool *late)
{
    int64_t start_s = align(end_s > now_s + AHEAD_MAX_S ? now_s : end_s);

    *late = start_s < concentrator->oldest_s;
    return bucket_at(concentrator, *late ? concentrator->oldest_s : start_s);
}

const struct span_bucket *concentrator_due(struct concentrator *concentrator, int64_t now_s,
                                           bool all)
{
    struct open_bucket *oldest = concentrator->oldest;
    int64_t open_s = align(now_s) - CONCENTRATOR_BUCKET_S;

    /* Or the clock went back: all would count where it once was, until it is there again. */
    if (open_s > concentrator->oldest_s || concentrator->oldest_s > align(now_s))
        concentrator->oldest_s = open_s;
    if (oldest == NULL || (!all && oldest->bucket.start_s > now_s - CONCENTRATOR_OPEN_S))
        return NULL;
    return &oldest->bucket;
}

size_t concentrator_open(const struct concentrator *concentrator)
{
    size_t n = 0;

    for (const struct open_bucket *at = concentrator->oldest; at != NULL; at = at->next)
        n++;
    return n;
}

void concentrator_drop(struct concentrator *concentrator, const struct span_bucket *given)
{
    struct open_bucket *oldest = concentrator->oldest;

    (void)given; /* the oldest, as concentrator_due() gave it */
    concentrator->oldest = oldest->next;
    free_bucket(oldest);
}

/* ---- groups ------------------------------------------------------------ */

static struct span_group *find_group(const struct open_bucket *bucket,
                                     const struct span_key *key, uint64_t hash)
{
    struct span_group *group = bucket->chains[hash % CHAINS];

    while (group != NULL && (group->hash != hash || !span_key_equal(&group->key, key)))
        group = group->chained;
    return group;
}

static struct span_group *add_group(struct open_bucket *bucket, const struct span_key *key,
                                    uint64_t hash)
{
    struct span_group *made = arena_alloc(&bucket->arena, sizeof *made);

    if (made == NULL)
        return NULL;
    *made = (struct span_group){ .key = *key, .hash = hash };
    if (!span_key_keep(&made->key, &bucket->arena))
        return NULL;
    made->chained = bucket->chains[hash % CHAINS];
    bucket->chains[hash % CHAINS] = made;
    made->next = bucket->bucket.groups;
    bucket->bucket.groups = made;
    bucket->bucket.n_groups++;
    return made;
}

/* As libdatadog calls what is beyond its limit. */
static struct span_key blocked_key(const struct span_key *key)
{
    const struct slice blocked = SLICE("tracer_blocked_value");

    return (struct span_key){
        .env = key->env, .service = blocked, .name = blocked, .resource = blocked
    };
}

/* NULL without memory. */
static struct span_group *group_of(struct concentrator *concentrator,
                                   struct open_bucket *bucket, const struct span_key *key)
{
    uint64_t secret = concentrator->config.secret, hash = span_key_hash(key, secret);
    struct span_group *group = find_group(bucket, key, hash);
    struct span_key blocked;

    if (group != NULL || bucket->bucket.n_groups < concentrator->config.groups_max)
        return group != NULL ? group : add_group(bucket, key, hash);
    blocked = blocked_key(key);
    hash = span_key_hash(&blocked, secret);
    group = find_group(bucket, &blocked, hash);
    return group != NULL ? group : add_group(bucket, &blocked, hash);
}

static bool add_duration(struct span_group *group, struct arena *arena, bool failed,
                         double seconds)
{
    struct sketch **sketch = failed ? &group->failed : &group->ok;

    if (*sketch == NULL)
        *sketch = sketch_new(arena);
    return *sketch != NULL && sketch_add(*sketch, arena, seconds, 1);
}

static bool merge_sketch(struct sketch **into, struct arena *arena, struct sketch *other)
{
    if (other == NULL)
        return true;
    if (*into == NULL)
        *into = sketch_new(arena);
    return *into != NULL && sketch_merge(*into, arena, other);
}

static void add_counts(struct span_group *group, double hits, double errors, double top_level,
                       double duration_ns)
{
    group->hits += hits;
    group->errors += errors;
    group->top_level_hits += top_level;
    group->duration_ns += duration_ns;
}

bool concentrator_merge(struct concentrator *concentrator, int64_t start_s,
                        const struct span_group *group, int64_t now_s)
{
    bool late;
    struct open_bucket *bucket = bucket_for(concentrator, start_s, now_s, &late);
    struct span_group *into =
        bucket != NULL ? group_of(concentrator, bucket, &group->key) : NULL;

    if (into == NULL || !merge_sketch(&into->ok, &bucket->arena, group->ok) ||
        !merge_sketch(&into->failed, &bucket->arena, group->failed))
        return false;
    add_counts(into, group->hits, group->errors, group->top_level_hits, group->duration_ns);
    return true;
}

/* ---- spans ------------------------------------------------------------- */

static bool is_one(const struct span *span, struct slice key)
{
    double value;

    return span_metric(span, key, &value) && value == 1;
}

static bool is_partial(const struct span *span)
{
    double version;

    return span_metric(span, SLICE("_dd.partial_version"), &version) && version >= 0;
}

static bool is_eligible(const struct concentrator *concentrator, const struct span *span)
{
    return span->is_top_level || is_one(span, SLICE("_dd.measured")) ||
           (concentrator->config.by_span_kind &&
            span_kind_counts(span_meta(span, SLICE("span.kind"))));
}

/* Of all spans of a trace: how many such traces this one stands for. No library keeps fewer
 * than one in a million, and a rate that is none must not drown what others counted. */
static double weight_of(const struct trace *trace)
{
    double rate;

    if (!span_metric(&trace->spans[trace->root], SLICE("_sample_rate"), &rate))
        return 1;
    return rate >= RATE_MIN && rate <= 1 ? 1 / rate : 1;
}

static int64_t end_s(const struct span *span)
{
    int64_t end_ns = span->start_ns + span->duration_ns; /* a normal span's do not overflow */

    return end_ns / SECOND_NS - (end_ns % SECOND_NS < 0);
}

/* False without memory. */
static bool count(struct concentrator *concentrator, const struct span_key *key,
                  const struct span *span, double weight, int64_t now_s, bool *late)
{
    struct open_bucket *bucket = bucket_for(concentrator, end_s(span), now_s, late);
    struct span_group *group = bucket != NULL ? group_of(concentrator, bucket, key) : NULL;
    double duration_ns = (double)span->duration_ns;
    bool failed = span->error != 0;

    if (group == NULL ||
        !add_duration(group, &bucket->arena, failed, duration_ns / (double)SECOND_NS))
        return false;
    add_counts(group, weight, failed ? weight : 0, span->is_top_level ? weight : 0,
               weight * duration_ns);
    return true;
}

struct concentrated concentrator_add(struct concentrator *concentrator,
                                     const struct trace_payload *payload,
                                     const struct trace *trace, int64_t now_s)
{
    struct concentrated done = { 0 };
    struct span_key key = span_key_of_trace(payload, trace, concentrator->config.default_env);
    double weight = weight_of(trace);

    for (uint32_t i = 0; i < trace->n_spans; i++) {
        const struct span *span = &trace->spans[i];
        bool late = false;

        if (is_partial(span)) {
            done.partial++;
        } else if (!is_eligible(concentrator, span)) {
            done.not_eligible++;
        } else {
            span_key_add_span(&key, span, concentrator->config.peer_tags,
                              &concentrator->peer_tags);
            if (count(concentrator, &key, span, weight, now_s, &late))
                done.counted++;
            else
                done.no_memory++;
            done.late += late;
        }
    }
    return done;
}
