#include "server/traces/numbers.h"

#include <stdio.h>

#include "flush/memory/bytes.h"
#include "server/traces/normalise.h"

/* What all series of a group share, and the name of the one that is told. */
struct telling {
    struct submitter *submitter;
    struct arena *arena; /* for this group */
    int64_t time_s;
    struct bytes name, tags;
    size_t stem; /* of the name: "trace.NAME" */
};

/* ---- tags -------------------------------------------------------------- */

/* What separates tags, or ends a line, is no part of one. */
static void add_value(struct bytes *tags, struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.at[i];

        bytes_add(tags, byte == ',' || byte < ' ' || byte == 0x7f ? "_" : &value.at[i], 1);
    }
}

static void add_tag(struct bytes *tags, const char *key, struct slice value)
{
    if (value.len == 0)
        return;
    if (tags->len > 0)
        bytes_add(tags, ",", 1);
    bytes_add(tags, key, strlen(key));
    bytes_add(tags, ":", 1);
    add_value(tags, value);
}

static void add_status(struct bytes *tags, uint32_t status)
{
    char text[16];

    if (status == 0)
        return;
    snprintf(text, sizeof text, "%u", status);
    add_tag(tags, "http.status_code", slice_of(text));
    snprintf(text, sizeof text, "%uxx", status / 100);
    add_tag(tags, "http.status_class", slice_of(text));
}

/* The host stands last (flush/parcels/submitted.h). */
static void write_tags(struct telling *telling, const struct span_key *key)
{
    struct bytes *tags = &telling->tags;
    struct slice resource = normalise_tag_value(key->resource, telling->arena);

    bytes_clear(tags);
    tags->failed = resource.at == NULL;
    add_tag(tags, "env", key->env);
    add_tag(tags, "service", key->service);
    add_tag(tags, "resource", resource);
    add_tag(tags, "resource_name", key->resource);
    add_tag(tags, "version", key->version);
    add_tag(tags, "span.kind", key->kind);
    add_status(tags, key->http_status);
    add_tag(tags, "host", key->hostname);
}

/* ---- series ------------------------------------------------------------ */

static void tell(struct telling *telling, const char *suffix, struct submitted *submitted)
{
    struct bytes *name = &telling->name;

    name->len = telling->stem;
    bytes_add(name, suffix, strlen(suffix));
    submitted->name = bytes_view(name);
    submitted->tags = bytes_view(&telling->tags);
    if (name->failed || telling->tags.failed)
        submitter_shed(telling->submitter, METRIC_COUNT, submitted_values(submitted));
    else
        submitter_add(telling->submitter, submitted);
}

static void tell_count(struct telling *telling, const char *suffix, double value)
{
    struct submitted_point point = { telling->time_s, value };
    struct submitted submitted = { .kind = SUBMITTED_POINTS,
                                   .type = SUBMITTED_COUNT,
                                   .interval_s = CONCENTRATOR_BUCKET_S,
                                   .values = &point,
                                   .n = 1 };

    tell(telling, suffix, &submitted);
}

/* The durations of both kinds of spans. NULL without memory. */
static struct sketch *durations(struct arena *arena, const struct span_group *group)
{
    struct sketch *all = sketch_new(arena);

    if (all == NULL || (group->ok != NULL && !sketch_merge(all, arena, group->ok)) ||
        (group->failed != NULL && !sketch_merge(all, arena, group->failed)))
        return NULL;
    return all;
}

static void tell_durations(struct telling *telling, const struct span_group *group)
{
    struct submitted submitted = { .kind = SUBMITTED_SKETCH,
                                   .time_s = telling->time_s,
                                   .unit = SLICE("second") };
    struct sketch *all = durations(telling->arena, group);
    const struct sketch_bin *bins;
    size_t n;

    if (all == NULL || !sketch_bins(all, telling->arena, &bins, &n)) {
        submitter_shed(telling->submitter, METRIC_DISTRIBUTION, (uint64_t)group->hits);
        return;
    }
    if (n == 0)
        return;
    sketch_summary(all, &submitted.summary);
    submitted.values = bins;
    submitted.n = (uint32_t)n;
    tell(telling, "", &submitted);
}

static void tell_group(struct telling *telling, const struct span_group *group)
{
    struct bytes *name = &telling->name;

    bytes_clear(name);
    bytes_add(name, "trace.", 6);
    bytes_add(name, group->key.name.at, group->key.name.len);
    telling->stem = name->len;
    write_tags(telling, &group->key);
    tell_count(telling, ".hits", group->hits);
    tell_count(telling, ".errors", group->errors);
    tell_count(telling, ".duration", group->duration_ns / 1e9);
    tell_durations(telling, group);
}

enum submitter_state numbers_tell(struct submitter *submitter, const struct span_bucket *bucket,
                                  struct arena_budget *budget)
{
    struct arena arena;
    struct telling telling = { .submitter = submitter,
                               .arena = &arena,
                               .time_s = bucket->start_s };
    enum submitter_state state = submitter_begin(submitter);

    if (state != SUBMITTER_READY)
        return state;
    arena_init(&arena, budget);
    for (const struct span_group *group = bucket->groups; group != NULL; group = group->next) {
        tell_group(&telling, group);
        arena_free(&arena);
    }
    submitter_end(submitter);
    bytes_free(&telling.name);
    bytes_free(&telling.tags);
    return state;
}
