/* Reading order: resources and their traces; who goes; who comes; what is asked. */
#include "server/traces/trace_ring.h"

#include <stdlib.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

enum {
    PLACES_OF_ONE = 8, /* resources by which one trace is kept */
    LOOKED_AT = 64,    /* spans of a trace that may name one */
    KEPT_MAX = TRACE_RING_SLOWEST + TRACE_RING_FAILED,
    FEW = 4,            /* who has no more gives none for having many */
    PLACE_BYTES = 1024, /* there is a place by hash for so many bytes of the ring */
    PLACES_MIN = 16
};

/* A trace as it is kept by one of its resources. */
struct kept_trace {
    struct trace_copy *copy; /* held */
    struct kept_resource *resource;
    struct kept_trace *older, *newer; /* those of one copy stand beside each other */
    int64_t arrived_s;
    int64_t duration_ns; /* of its slowest span of that resource */
    bool has_failed;     /* one of these has an error */
};

/* The traces of a service and resource, the oldest first. It has one more while one of them is
 * chosen to go. */
struct kept_resource {
    uint64_t hash;
    struct kept_resource *chained; /* with the same place by hash */
    struct kept_resource *before,
        *next;        /* in a list by number, the one untouched longest first */
    int64_t floor_ns; /* who is not slower than that is none of the slowest */
    uint32_t n, n_failed;
    struct kept_trace *at[KEPT_MAX + 1];
};

struct by_number {
    struct kept_resource *first, *last;
};

struct trace_ring {
    struct trace_ring_config config;
    size_t bytes, n_kept, n_copies;
    struct kept_trace *oldest, *newest;
    struct by_number by_number[KEPT_MAX + 2]; /* of traces */
    size_t n_places;
    struct kept_resource *places[];
};

/* ---- memory ------------------------------------------------------------ */

static void tell_ledger(struct trace_ring *ring)
{
    counter_set(&ring->config.ledger->ring_traces, ring->n_copies);
    counter_set(&ring->config.ledger->ring_bytes, ring->bytes);
}

static void take(struct trace_ring *ring, size_t bytes)
{
    ring->bytes += bytes;
    atomic_fetch_sub_explicit(&ring->config.budget->left, (long)bytes, memory_order_relaxed);
}

static void give_back(struct trace_ring *ring, size_t bytes)
{
    ring->bytes -= bytes;
    atomic_fetch_add_explicit(&ring->config.budget->left, (long)bytes, memory_order_relaxed);
}

/* ---- resources --------------------------------------------------------- */

/* Two with one hash of 64 bits share their places, which nobody can bring about. */
static uint64_t hash_of(const struct trace_ring *ring, const struct span *span)
{
    uint64_t hash = XXH3_64bits_withSeed(span->service.len > 0 ? span->service.at : "",
                                         span->service.len, ring->config.secret);

    return XXH3_64bits_withSeed(span->resource.len > 0 ? span->resource.at : "",
                                span->resource.len, hash);
}

/* Where a pointer to it is, or would be. */
static struct kept_resource **place_of(struct trace_ring *ring, uint64_t hash)
{
    struct kept_resource **place = &ring->places[hash & (ring->n_places - 1)];

    while (*place != NULL && (*place)->hash != hash)
        place = &(*place)->chained;
    return place;
}

/* Those with few are in one list. */
static struct by_number *list_of(struct trace_ring *ring, const struct kept_resource *resource)
{
    return &ring->by_number[resource->n > FEW ? resource->n : FEW];
}

static void unlist(struct trace_ring *ring, struct kept_resource *resource)
{
    struct by_number *list = list_of(ring, resource);

    *(resource->before != NULL ? &resource->before->next : &list->first) = resource->next;
    *(resource->next != NULL ? &resource->next->before : &list->last) = resource->before;
}

static void enlist(struct trace_ring *ring, struct kept_resource *resource)
{
    struct by_number *list = list_of(ring, resource);

    resource->before = list->last;
    resource->next = NULL;
    *(list->last != NULL ? &list->last->next : &list->first) = resource;
    list->last = resource;
}

/* How many of its traces took longer, or as long and came later. */
static uint32_t slower_than(const struct kept_resource *resource, uint32_t at)
{
    int64_t duration_ns = resource->at[at]->duration_ns;
    uint32_t n = 0;

    for (uint32_t i = 0; i < resource->n; i++) {
        int64_t other_ns = resource->at[i]->duration_ns;

        n += other_ns > duration_ns || (other_ns == duration_ns && i > at);
    }
    return n;
}

static void look_again(struct kept_resource *resource)
{
    resource->floor_ns = -1;
    resource->n_failed = 0;
    for (uint32_t i = 0; i < resource->n; i++) {
        resource->n_failed += resource->at[i]->has_failed;
        if (slower_than(resource, i) == TRACE_RING_SLOWEST - 1)
            resource->floor_ns = resource->at[i]->duration_ns;
    }
}

/* Its place among those of the resource: the fastest that did not fail; else the oldest. */
static uint32_t least_of(const struct kept_resource *resource)
{
    uint32_t least = 0;
    int64_t least_ns = INT64_MAX;

    for (uint32_t i = 0; i < resource->n; i++) {
        const struct kept_trace *kept = resource->at[i];

        if (!kept->has_failed && kept->duration_ns < least_ns) {
            least = i;
            least_ns = kept->duration_ns;
        }
    }
    return least;
}

/* One that is neither of the slowest nor of the last that failed; KEPT_MAX + 1: none. */
static uint32_t surplus_of(const struct kept_resource *resource)
{
    uint32_t failed_after = resource->n_failed;

    for (uint32_t i = 0; i < resource->n; i++) {
        bool has_failed = resource->at[i]->has_failed;

        failed_after -= has_failed;
        if (slower_than(resource, i) >= TRACE_RING_SLOWEST &&
            (!has_failed || failed_after >= TRACE_RING_FAILED))
            return i;
    }
    return KEPT_MAX + 1;
}

/* ---- who goes ---------------------------------------------------------- */

static void resource_free(struct trace_ring *ring, struct kept_resource *given)
{
    *place_of(ring, given->hash) = given->chained;
    give_back(ring, sizeof *given);
    free(given);
}

static void kept_free(struct trace_ring *ring, struct kept_trace *given)
{
    *(given->older != NULL ? &given->older->newer : &ring->oldest) = given->newer;
    *(given->newer != NULL ? &given->newer->older : &ring->newest) = given->older;
    give_back(ring, sizeof *given);
    ring->n_kept--;
    if (--given->copy->times_kept == 0) {
        give_back(ring, given->copy->size);
        ring->n_copies--;
    }
    trace_copy_drop(given->copy);
    free(given);
}

/* The resource goes with its last trace. */
static void let_go(struct trace_ring *ring, struct kept_resource *resource, uint32_t at)
{
    struct kept_trace *kept = resource->at[at];

    unlist(ring, resource);
    resource->n--;
    memmove(&resource->at[at], &resource->at[at + 1],
            (resource->n - at) * sizeof resource->at[0]);
    kept_free(ring, kept);
    if (resource->n == 0) {
        resource_free(ring, resource);
        return;
    }
    look_again(resource);
    enlist(ring, resource);
}

static void let_least_go(struct trace_ring *ring)
{
    uint32_t n = KEPT_MAX;

    while (ring->by_number[n].first == NULL)
        n--;
    let_go(ring, ring->by_number[n].first, least_of(ring->by_number[n].first));
}

/* False: there is none. Where it is the budget that has no more, what is kept stays. */
static bool make_room(struct trace_ring *ring, size_t size)
{
    if (atomic_load_explicit(&ring->config.budget->left, memory_order_relaxed) < (long)size)
        return false;
    while (ring->bytes + size > ring->config.bytes && ring->n_kept > 0)
        let_least_go(ring);
    return ring->bytes + size <= ring->config.bytes;
}

void trace_ring_age(struct trace_ring *ring, int64_t now_s)
{
    if (ring == NULL)
        return;
    while (ring->oldest != NULL && ring->oldest->arrived_s < now_s - TRACE_RING_KEPT_S) {
        struct kept_resource *resource = ring->oldest->resource;
        uint32_t at = 0;

        while (resource->at[at] != ring->oldest)
            at++;
        let_go(ring, resource, at);
    }
    tell_ledger(ring);
}

/* ---- who comes --------------------------------------------------------- */

/* One a second is enough, once there are many. */
static bool is_one_failure_too_many(const struct kept_resource *resource, int64_t now_s)
{
    uint32_t at = resource->n - 1;

    if (resource->n_failed < TRACE_RING_FAILED)
        return false;
    while (!resource->at[at]->has_failed)
        at--;
    return resource->at[at]->arrived_s == now_s;
}

/* A resource of a trace, and what its spans are to it. */
struct part {
    uint64_t hash;
    int64_t duration_ns;
    bool has_failed;
};

static bool is_worth_it(struct trace_ring *ring, const struct part *part, int64_t now_s)
{
    const struct kept_resource *resource = *place_of(ring, part->hash);

    return resource == NULL || part->duration_ns > resource->floor_ns ||
           (part->has_failed && !is_one_failure_too_many(resource, now_s));
}

static void add_part(struct trace_ring *ring, const struct span *span, struct part *parts,
                     uint32_t *n)
{
    struct part part = { hash_of(ring, span), span->duration_ns, span->error != 0 };
    uint32_t at = 0;

    while (at < *n && parts[at].hash != part.hash)
        at++;
    if (at == PLACES_OF_ONE)
        return;
    if (at == *n) {
        parts[(*n)++] = part;
        return;
    }
    if (part.duration_ns > parts[at].duration_ns)
        parts[at].duration_ns = part.duration_ns;
    parts[at].has_failed = parts[at].has_failed || part.has_failed;
}

/* The root's, and those at the top of other services, as far as there are places. */
static uint32_t parts_of(struct trace_ring *ring, const struct trace *trace,
                         struct part parts[PLACES_OF_ONE])
{
    uint32_t n = 0, looked_at = 0;

    add_part(ring, &trace->spans[trace->root], parts, &n);
    for (uint32_t i = 0; i < trace->n_spans && looked_at < LOOKED_AT; i++)
        if (trace->spans[i].is_top_level && i != trace->root) {
            add_part(ring, &trace->spans[i], parts, &n);
            looked_at++;
        }
    return n;
}

static struct kept_resource *need_resource(struct trace_ring *ring, uint64_t hash)
{
    struct kept_resource **place = place_of(ring, hash);

    if (*place == NULL && (*place = calloc(1, sizeof **place)) != NULL) {
        (*place)->hash = hash;
        take(ring, sizeof **place);
        enlist(ring, *place);
    }
    return *place;
}

static void append(struct trace_ring *ring, struct kept_resource *resource,
                   struct kept_trace *kept)
{
    kept->resource = resource;
    kept->older = ring->newest;
    *(ring->newest != NULL ? &ring->newest->newer : &ring->oldest) = kept;
    ring->newest = kept;
    ring->n_kept++;
    take(ring, sizeof *kept);
    if (kept->copy->times_kept++ == 0) {
        take(ring, kept->copy->size);
        ring->n_copies++;
    }
    unlist(ring, resource);
    resource->at[resource->n++] = kept;
    look_again(resource);
    enlist(ring, resource);
}

static void keep(struct trace_ring *ring, const struct part *part, struct trace_copy *copy,
                 int64_t now_s)
{
    bool has =
        make_room(ring, copy->size + sizeof(struct kept_trace) + sizeof(struct kept_resource));
    struct kept_resource *resource = has ? need_resource(ring, part->hash) : NULL;
    struct kept_trace *kept = resource != NULL ? calloc(1, sizeof *kept) : NULL;

    if (kept == NULL) {
        if (resource != NULL && resource->n == 0) {
            unlist(ring, resource);
            resource_free(ring, resource);
        }
        return;
    }
    kept->copy = trace_copy_hold(copy);
    kept->arrived_s = now_s;
    kept->duration_ns = part->duration_ns;
    kept->has_failed = part->has_failed;
    append(ring, resource, kept);
    for (uint32_t at; (at = surplus_of(resource)) <= KEPT_MAX;)
        let_go(ring, resource, at);
}

void trace_ring_offer(struct trace_ring *ring, const struct trace *trace, int64_t now_s)
{
    struct part parts[PLACES_OF_ONE];
    struct trace_copy *copy = NULL;

    if (ring == NULL)
        return;
    uint32_t n = parts_of(ring, trace, parts);

    for (uint32_t i = 0; i < n; i++) {
        if (!is_worth_it(ring, &parts[i], now_s))
            continue;
        if (copy == NULL)
            copy = trace_copy_make(trace, ring->config.bytes / TRACE_RING_SHARE,
                                   ring->config.secret, ring->config.budget);
        if (copy == NULL)
            break;
        keep(ring, &parts[i], copy, now_s);
    }
    trace_copy_drop(copy);
    tell_ledger(ring);
}

/* ---- start and end ----------------------------------------------------- */

static size_t places_for(size_t bytes)
{
    size_t n = PLACES_MIN;

    while (n < bytes / PLACE_BYTES)
        n *= 2;
    return n;
}

struct trace_ring *trace_ring_new(const struct trace_ring_config *config)
{
    size_t n = places_for(config->bytes);
    size_t size = sizeof(struct trace_ring) + n * sizeof(struct kept_resource *);
    struct trace_ring *ring = calloc(1, size);

    if (ring == NULL)
        return NULL;
    ring->config = *config;
    ring->n_places = n;
    take(ring, size);
    return ring;
}

void trace_ring_free(struct trace_ring *given)
{
    if (given == NULL)
        return;
    while (given->n_kept > 0)
        let_least_go(given);
    give_back(given, given->bytes);
    tell_ledger(given);
    free(given);
}

/* ---- what is asked ----------------------------------------------------- */

/* As the text of a tag, in which some bytes cannot be (server/traces/numbers.h). */
static bool is_said(struct slice text, struct slice asked)
{
    if (text.len != asked.len)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        bool is_left_out = byte == ',' || byte < ' ' || byte == 0x7f;

        if (text.at[i] != asked.at[i] && !(is_left_out && asked.at[i] == '_'))
            return false;
    }
    return true;
}

static bool fits(const struct trace_copy *copy, const struct copied_span *span,
                 const struct trace_search *search)
{
    return (!search->errors || span->error != 0) &&
           (search->service.len == 0 ||
            is_said(trace_copy_text(copy, span->service), search->service)) &&
           (search->name.len == 0 ||
            is_said(trace_copy_text(copy, span->name), search->name)) &&
           (search->resource.len == 0 ||
            is_said(trace_copy_text(copy, span->resource), search->resource));
}

/* The one that took longest. NULL: none fits. */
static const struct copied_span *span_that_fits(const struct trace_copy *copy,
                                                const struct trace_search *search)
{
    bool any = search->service.len == 0 && search->name.len == 0 && search->resource.len == 0;
    const struct copied_span *found = NULL;

    if (any)
        return !search->errors || copy->has_failed ? &copy->root : NULL;
    if (fits(copy, &copy->root, search))
        found = &copy->root;
    for (uint32_t i = 0; i < copy->n_spans; i++) {
        const struct copied_span *span = &copy->spans[i];

        if ((found == NULL || span->duration_ns > found->duration_ns) &&
            fits(copy, span, search))
            found = span;
    }
    return found;
}

/* In order; of as many as are asked for the last gives way. */
static void add_found(struct trace_results *out, const struct trace_search *search,
                      const struct kept_trace *kept, const struct copied_span *span)
{
    bool by_time = search->by_id || search->latest;
    uint32_t at = out->n;

    out->n_fitting++;
    while (!by_time && at > 0 && out->at[at - 1].span->duration_ns < span->duration_ns)
        at--;
    if (at >= search->limit)
        return;
    if (out->n == search->limit)
        trace_copy_drop(out->at[--out->n].copy);
    memmove(&out->at[at + 1], &out->at[at], (out->n - at) * sizeof out->at[0]);
    out->at[at] = (struct trace_found){ trace_copy_hold(kept->copy), span, kept->arrived_s };
    out->n++;
}

/* Newest first, which is the order among those that took as long too; the parts of one trace
 * oldest first. */
void trace_ring_search(const struct trace_ring *ring, const struct trace_search *search,
                       struct trace_results *out)
{
    struct trace_search asked = *search;

    if (asked.limit > TRACE_RING_FOUND_MAX)
        asked.limit = TRACE_RING_FOUND_MAX;
    out->n = out->n_fitting = 0;
    out->n_kept = (uint32_t)ring->n_copies;
    out->kept_bytes = ring->bytes;
    const struct trace_copy *before = NULL;

    for (const struct kept_trace *kept = asked.by_id ? ring->oldest : ring->newest;
         kept != NULL; kept = asked.by_id ? kept->newer : kept->older) {
        const struct copied_span *span = NULL;

        if (kept->copy != before && asked.by_id)
            span = kept->copy->trace_id == asked.trace_id ? &kept->copy->root : NULL;
        else if (kept->copy != before)
            span = span_that_fits(kept->copy, &asked);
        if (span != NULL)
            add_found(out, &asked, kept, span);
        before = kept->copy;
    }
}

void trace_results_free(struct trace_results *given)
{
    for (uint32_t i = 0; i < given->n; i++)
        trace_copy_drop(given->at[i].copy);
    given->n = 0;
}
