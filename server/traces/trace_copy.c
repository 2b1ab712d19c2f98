/* Reading order: texts; spans, then what they say; the block. */
#include "server/traces/trace_copy.h"

#include <stdlib.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "config/utf8.h"

/* Spans come first, and leave room for what they say. */
enum { SPANS_SHARE = 2, FIRST_SLOTS = 256, WORK_SHARE = 4 };

#define NO_TEXT UINT32_MAX

/* What a copy is made of, in an arena that is given back with it. */
struct making {
    struct arena arena;
    size_t size, size_max; /* of the block so far */
    uint64_t secret;       /* random, so that nobody knows which texts meet */
    size_t work;           /* bytes of texts that may still be looked at */
    struct slice *texts;   /* views of the spans */
    uint32_t n_texts;
    uint32_t *slots; /* a text and 1, by its hash; twice as many as texts */
    uint32_t n_slots;
    size_t text_bytes;
    struct copied_span root, *spans;
    struct copied_meta *meta;
    struct copied_metric *metrics;
    uint32_t n_spans, n_meta, n_metrics;
};

/* ---- texts ------------------------------------------------------------- */

static struct slice cut(struct slice text, size_t most)
{
    return (struct slice){ text.at, utf8_cut(text.at, text.len, most) };
}

static uint32_t *slot_of(const struct making *making, struct slice text)
{
    uint64_t hash = XXH3_64bits_withSeed(text.len > 0 ? text.at : "", text.len, making->secret);
    uint32_t at = (uint32_t)hash & (making->n_slots - 1);

    while (making->slots[at] != 0 && !slice_equal(making->texts[making->slots[at] - 1], text))
        at = (at + 1) & (making->n_slots - 1);
    return &making->slots[at];
}

/* False without memory. */
static bool grow(struct making *making)
{
    uint32_t n = making->n_slots > 0 ? 2 * making->n_slots : FIRST_SLOTS;
    uint32_t *slots = arena_alloc(&making->arena, n * sizeof *slots);
    struct slice *texts = arena_alloc(&making->arena, n / 2 * sizeof *texts);

    if (slots == NULL || texts == NULL)
        return false;
    memset(slots, 0, n * sizeof *slots);
    if (making->n_texts > 0)
        memcpy(texts, making->texts, making->n_texts * sizeof *texts);
    making->slots = slots;
    making->texts = texts;
    making->n_slots = n;
    for (uint32_t i = 0; i < making->n_texts; i++)
        *slot_of(making, texts[i]) = i + 1;
    return true;
}

static bool take_size(struct making *making, size_t size)
{
    if (size > making->size_max - making->size)
        return false;
    making->size += size;
    return true;
}

/* A long text may be named by any number of spans: the work for it has a bound. NO_TEXT: it
 * does not fit. */
static uint32_t add_text(struct making *making, struct slice text)
{
    if (making->n_texts >= making->n_slots / 2 && !grow(making))
        return NO_TEXT;
    if (text.len + sizeof *making->texts > making->work)
        return NO_TEXT;
    making->work -= text.len + sizeof *making->texts;

    uint32_t *slot = slot_of(making, text);

    if (*slot == 0) {
        if (!take_size(making, text.len + sizeof(uint32_t)))
            return NO_TEXT;
        making->text_bytes += text.len;
        making->texts[making->n_texts++] = text;
        *slot = making->n_texts;
    }
    return *slot - 1;
}

/* ---- spans ------------------------------------------------------------- */

static bool make_span(struct making *making, const struct span *span, struct copied_span *out)
{
    struct slice resource = cut(span->resource, TRACE_COPY_RESOURCE_MAX);

    *out = (struct copied_span){
        .span_id = span->span_id,
        .parent_id = span->parent_id,
        .start_ns = span->start_ns,
        .duration_ns = span->duration_ns,
        .service = add_text(making, cut(span->service, TRACE_COPY_TEXT_MAX)),
        .name = add_text(making, cut(span->name, TRACE_COPY_TEXT_MAX)),
        .resource = add_text(making, resource),
        .type = add_text(making, cut(span->type, TRACE_COPY_TEXT_MAX)),
        .error = span->error,
        .is_top_level = span->is_top_level,
        .is_cut = resource.len < span->resource.len,
    };
    return out->service != NO_TEXT && out->name != NO_TEXT && out->resource != NO_TEXT &&
           out->type != NO_TEXT;
}

/* As many of the first as fit. False: none. */
static bool make_spans(struct making *making, const struct trace *trace, size_t size_max)
{
    size_t most = size_max / SPANS_SHARE / sizeof *making->spans;

    if (most > trace->n_spans)
        most = trace->n_spans;
    making->size_max = size_max / SPANS_SHARE;
    making->spans = arena_alloc(&making->arena, most * sizeof *making->spans);
    if (making->spans == NULL || most == 0 ||
        !make_span(making, &trace->spans[trace->root], &making->root))
        return false;
    while (making->n_spans < most &&
           make_span(making, &trace->spans[making->n_spans], &making->spans[making->n_spans]) &&
           take_size(making, sizeof *making->spans))
        making->n_spans++;
    making->size_max = size_max;
    return making->n_spans > 0;
}

/* ---- what they say ----------------------------------------------------- */

static bool make_meta(struct making *making, const struct span *span, struct copied_span *to)
{
    to->first_meta = making->n_meta;
    for (uint32_t i = 0; i < span->n_meta; i++) {
        struct slice value = cut(span->meta[i].value, TRACE_COPY_TEXT_MAX);
        uint32_t key = add_text(making, cut(span->meta[i].key, TRACE_COPY_TEXT_MAX));
        uint32_t text = key != NO_TEXT ? add_text(making, value) : NO_TEXT;

        if (text == NO_TEXT || !take_size(making, sizeof *making->meta))
            return false;
        making->meta[making->n_meta++] = (struct copied_meta){ key, text };
        to->n_meta++;
        to->is_cut = to->is_cut || value.len < span->meta[i].value.len;
    }
    return true;
}

static bool make_metrics(struct making *making, const struct span *span, struct copied_span *to)
{
    to->first_metric = making->n_metrics;
    for (uint32_t i = 0; i < span->n_metrics; i++) {
        uint32_t key = add_text(making, cut(span->metrics[i].key, TRACE_COPY_TEXT_MAX));

        if (key == NO_TEXT || !take_size(making, sizeof *making->metrics))
            return false;
        making->metrics[making->n_metrics++] =
            (struct copied_metric){ span->metrics[i].value, key };
        to->n_metrics++;
    }
    return true;
}

/* Room for all, or for what can fit. */
static void *room_for(struct making *making, uint64_t n, size_t size)
{
    uint64_t most = making->size_max / size;

    return arena_alloc(&making->arena, (size_t)(n < most ? n : most) * size);
}

/* Once something does not fit, nothing more of that kind is tried. False without memory. */
static bool make_said(struct making *making, const struct trace *trace)
{
    uint64_t n_meta = 0, n_metrics = 0;
    bool fits = true;

    for (uint32_t i = 0; i < making->n_spans; i++) {
        n_meta += trace->spans[i].n_meta;
        n_metrics += trace->spans[i].n_metrics;
    }
    making->meta = room_for(making, n_meta, sizeof *making->meta);
    making->metrics = room_for(making, n_metrics, sizeof *making->metrics);
    if (making->meta == NULL || making->metrics == NULL)
        return false;
    for (uint32_t i = 0; i < making->n_spans; i++) {
        const struct span *span = &trace->spans[i];
        struct copied_span *to = &making->spans[i];

        fits = fits && make_meta(making, span, to) && make_metrics(making, span, to);
        to->is_cut = to->is_cut || to->n_meta < span->n_meta || to->n_metrics < span->n_metrics;
    }
    return true;
}

/* ---- the block --------------------------------------------------------- */

static bool has_failed(const struct trace *trace)
{
    for (uint32_t i = 0; i < trace->n_spans; i++)
        if (trace->spans[i].error != 0 && trace->spans[i].is_top_level)
            return true;
    return false;
}

/* Copies n bytes to *at, and returns where. */
static void *put(char **at, const void *from, size_t n)
{
    char *here = *at;

    if (n > 0)
        memcpy(here, from, n);
    *at += n;
    return here;
}

/* The largest alignment first. */
static struct trace_copy *make_block(const struct making *making, const struct trace *trace)
{
    struct trace_copy *copy = malloc(making->size);

    if (copy == NULL)
        return NULL;
    char *at = (char *)(copy + 1);

    *copy = (struct trace_copy){ .holders = 1,
                                 .n_texts = making->n_texts,
                                 .size = making->size,
                                 .trace_id = trace->spans[trace->root].trace_id,
                                 .root = making->root,
                                 .n_spans = making->n_spans,
                                 .n_spans_sent = trace->n_spans,
                                 .has_failed = has_failed(trace) };
    copy->spans = put(&at, making->spans, making->n_spans * sizeof *making->spans);
    copy->metrics = put(&at, making->metrics, making->n_metrics * sizeof *making->metrics);
    copy->meta = put(&at, making->meta, making->n_meta * sizeof *making->meta);

    uint32_t *ends = (uint32_t *)(void *)at, end = 0;

    copy->text_ends = ends;
    at += making->n_texts * sizeof *ends;
    copy->texts = at;
    for (uint32_t i = 0; i < making->n_texts; i++) {
        put(&at, making->texts[i].at, making->texts[i].len);
        ends[i] = end += (uint32_t)making->texts[i].len;
    }
    return copy;
}

struct trace_copy *trace_copy_make(const struct trace *trace, size_t size_max, uint64_t secret,
                                   struct arena_budget *budget)
{
    struct making making = { .size = sizeof(struct trace_copy),
                             .secret = secret,
                             .work = WORK_SHARE * size_max };
    struct trace_copy *copy = NULL;

    if (size_max / SPANS_SHARE < sizeof(struct trace_copy) + sizeof(struct copied_span) ||
        size_max > UINT32_MAX / 2)
        return NULL;
    arena_init(&making.arena, budget);
    if (make_spans(&making, trace, size_max) && make_said(&making, trace))
        copy = make_block(&making, trace);
    arena_free(&making.arena);
    return copy;
}

struct trace_copy *trace_copy_hold(struct trace_copy *copy)
{
    atomic_fetch_add_explicit(&copy->holders, 1, memory_order_relaxed);
    return copy;
}

/* Whoever drops it last sees what all others did with it. */
void trace_copy_drop(struct trace_copy *given)
{
    if (given != NULL &&
        atomic_fetch_sub_explicit(&given->holders, 1, memory_order_acq_rel) == 1)
        free(given);
}

struct slice trace_copy_text(const struct trace_copy *copy, uint32_t text)
{
    uint32_t begin = text > 0 ? copy->text_ends[text - 1] : 0;

    return (struct slice){ copy->texts + begin, copy->text_ends[text] - begin };
}
