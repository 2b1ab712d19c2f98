/* Reading order: a group as it is sent, and its sketches; buckets; what is done with them. */
#include "server/traces/stats_take.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/traces/ddsketch.h"
#include "server/traces/normalise.h"
#include "server/traces/trace_decode_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND_NS    UINT64_C(1000000000)

/* As it is sent; views. */
struct sent_group {
    struct slice service, name, resource, type, kind, method, endpoint, grpc_status;
    struct slice *peer_tags;
    uint32_t n_peer_tags, http_status, is_trace_root;
    uint64_t hits, errors, top_level_hits, duration_ns;
    bool synthetics;
    struct sketch *ok, *failed; /* in the reader's arena */
};

struct sent_bucket {
    uint64_t start_ns;
    struct sent_group *groups;
    uint32_t n_groups;
};

struct sent_stats {
    struct slice hostname, env, version, language, container_id;
    struct sent_bucket *buckets;
    uint32_t n_buckets;
};

/* ---- groups ------------------------------------------------------------ */

static bool read_peer_tags(struct msgpack_reader *reader, void *whole)
{
    static const struct msgpack_items tags = { "peer tag", sizeof(struct slice), false,
                                               msgpack_text_member };
    struct sent_group *group = whole;

    return msgpack_read_items(reader, &tags, &group->peer_tags, &group->n_peer_tags);
}

static bool read_sketch(struct msgpack_reader *reader, void *member)
{
    struct sketch **out = member;
    struct slice message;
    const char *sentence;

    if (!msgpack_read_bytes(reader, &message))
        return false;
    *out = sketch_new(reader->arena);
    if (*out == NULL)
        return msgpack_without_memory(reader);
    switch (ddsketch_read(message, *out, reader->arena, &sentence)) {
    case DDSKETCH_OK:
        return true;
    case DDSKETCH_BAD:
        return msgpack_refuse(reader, sentence);
    case DDSKETCH_NO_MEMORY:
        break;
    }
    return msgpack_without_memory(reader);
}

#define OF_GROUP(name, member, read) MSGPACK_FIELD(name, struct sent_group, member, read)

static bool read_group(struct msgpack_reader *reader, void *item)
{
    static const struct msgpack_field fields[] = {
        OF_GROUP("Service", service, msgpack_text_member),
        OF_GROUP("Name", name, msgpack_text_member),
        OF_GROUP("Resource", resource, msgpack_text_member),
        OF_GROUP("HTTPStatusCode", http_status, msgpack_u32_member),
        OF_GROUP("Type", type, msgpack_text_member),
        OF_GROUP("Hits", hits, msgpack_u64_member),
        OF_GROUP("Errors", errors, msgpack_u64_member),
        OF_GROUP("Duration", duration_ns, msgpack_u64_member),
        OF_GROUP("OkSummary", ok, read_sketch),
        OF_GROUP("ErrorSummary", failed, read_sketch),
        OF_GROUP("Synthetics", synthetics, msgpack_bool_member),
        OF_GROUP("TopLevelHits", top_level_hits, msgpack_u64_member),
        OF_GROUP("SpanKind", kind, msgpack_text_member),
        MSGPACK_FIELD_OF_ALL("PeerTags", read_peer_tags),
        OF_GROUP("IsTraceRoot", is_trace_root, msgpack_u32_member),
        OF_GROUP("GRPCStatusCode", grpc_status, msgpack_text_member),
        OF_GROUP("HTTPMethod", method, msgpack_text_member),
        OF_GROUP("HTTPEndpoint", endpoint, msgpack_text_member),
    };

    memset(item, 0, sizeof(struct sent_group));
    return msgpack_read_fields(reader, fields, COUNT(fields), item);
}

/* ---- buckets ----------------------------------------------------------- */

static bool read_groups(struct msgpack_reader *reader, void *whole)
{
    static const struct msgpack_items groups = { "group", sizeof(struct sent_group), false,
                                                 read_group };
    struct sent_bucket *bucket = whole;

    return msgpack_read_items(reader, &groups, &bucket->groups, &bucket->n_groups);
}

static bool read_bucket(struct msgpack_reader *reader, void *item)
{
    static const struct msgpack_field fields[] = {
        MSGPACK_FIELD("Start", struct sent_bucket, start_ns, msgpack_u64_member),
        MSGPACK_FIELD_OF_ALL("Stats", read_groups),
    };

    memset(item, 0, sizeof(struct sent_bucket));
    return msgpack_read_fields(reader, fields, COUNT(fields), item);
}

static bool read_buckets(struct msgpack_reader *reader, void *whole)
{
    static const struct msgpack_items buckets = { "bucket", sizeof(struct sent_bucket), false,
                                                  read_bucket };
    struct sent_stats *stats = whole;

    return msgpack_read_items(reader, &buckets, &stats->buckets, &stats->n_buckets);
}

#define OF_STATS(name, member) \
    MSGPACK_FIELD(name, struct sent_stats, member, msgpack_text_member)

static bool read_stats(struct msgpack_reader *reader, struct sent_stats *out)
{
    static const struct msgpack_field fields[] = {
        OF_STATS("Hostname", hostname),        OF_STATS("Env", env),
        OF_STATS("Version", version),          OF_STATS("Lang", language),
        OF_STATS("ContainerID", container_id), MSGPACK_FIELD_OF_ALL("Stats", read_buckets),
    };

    *out = (struct sent_stats){ 0 };
    return msgpack_read_fields(reader, fields, COUNT(fields), out);
}

/* ---- what is done with them -------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    const struct slice *one = a, *other = b;
    size_t shorter = one->len < other->len ? one->len : other->len;
    int order = shorter > 0 ? memcmp(one->at, other->at, shorter) : 0;

    return order != 0 ? order : (one->len > other->len) - (one->len < other->len);
}

/* As a key has them: sorted, with a NUL behind each. False without memory. */
static bool join_peer_tags(const struct sent_group *sent, struct arena *arena,
                           struct slice *out)
{
    size_t size = 0;
    char *to;

    for (uint32_t i = 0; i < sent->n_peer_tags; i++)
        size += sent->peer_tags[i].len + 1;
    *out = (struct slice){ NULL, 0 };
    if (size == 0)
        return true;
    if ((to = arena_alloc(arena, size)) == NULL)
        return false;
    *out = (struct slice){ to, size };
    qsort(sent->peer_tags, sent->n_peer_tags, sizeof *sent->peer_tags, by_text);
    for (uint32_t i = 0; i < sent->n_peer_tags; i++) {
        if (sent->peer_tags[i].len > 0)
            memcpy(to, sent->peer_tags[i].at, sent->peer_tags[i].len);
        to += sent->peer_tags[i].len;
        *to++ = '\0';
    }
    return true;
}

/* False without memory. */
static bool make_key(const struct sent_stats *stats, const struct sent_group *sent,
                     struct slice default_env, struct arena *arena, struct span_key *out)
{
    *out = (struct span_key){
        .env = stats->env.len > 0 ? normalise_tag_value(stats->env, arena) : default_env,
        .version = span_key_text(stats->version),
        .hostname = span_key_text(stats->hostname),
        .container_id = span_key_text(stats->container_id),
        .language = span_key_text(stats->language),
        .service = normalise_service(sent->service, stats->language, arena),
        .name = normalise_name(sent->name, arena),
        .type = span_key_text(sent->type),
        .kind = span_key_text(sent->kind),
        .method = span_key_text(sent->method),
        .endpoint = span_key_text(sent->endpoint),
        .grpc_status = span_key_text(sent->grpc_status),
        .http_status =
            sent->http_status >= 100 && sent->http_status < 600 ? sent->http_status : 0,
        .synthetics = sent->synthetics,
        .is_trace_root = sent->is_trace_root == 1,
    };
    out->resource = normalise_resource(sent->resource, out->name);
    return out->env.at != NULL && out->service.at != NULL && out->name.at != NULL &&
           join_peer_tags(sent, arena, &out->peer_tags);
}

static bool merge(const struct trace_taker *taker, const struct sent_stats *stats,
                  const struct sent_bucket *bucket, const struct sent_group *sent,
                  struct arena *arena, int64_t now_s)
{
    struct span_group group = { .hits = (double)sent->hits,
                                .errors = (double)sent->errors,
                                .top_level_hits = (double)sent->top_level_hits,
                                .duration_ns = (double)sent->duration_ns,
                                .ok = sent->ok,
                                .failed = sent->failed };

    return make_key(stats, sent, concentrator_default_env(taker->concentrator), arena,
                    &group.key) &&
           concentrator_merge(taker->concentrator, (int64_t)(bucket->start_ns / SECOND_NS),
                              &group, now_s);
}

static void merge_bucket(const struct trace_taker *taker, const struct sent_stats *stats,
                         const struct sent_bucket *bucket, struct arena *arena, int64_t now_s)
{
    for (uint32_t i = 0; i < bucket->n_groups; i++)
        if (merge(taker, stats, bucket, &bucket->groups[i], arena, now_s))
            counter_add(&taker->ledger->stats_groups, 1);
        else
            counter_add(&taker->ledger->stats_groups_shed, 1);
}

enum trace_result stats_take(const struct trace_taker *taker, struct slice body,
                             struct slice language, int64_t now_s,
                             char problem[TRACE_PROBLEM_MAX])
{
    enum trace_result result = TRACE_OK;
    struct msgpack_reader reader;
    struct sent_stats stats;
    struct arena arena;

    arena_init(&arena, taker->budget);
    msgpack_reader_start(&reader, body, &arena);
    if (read_stats(&reader, &stats)) {
        if (stats.language.len == 0)
            stats.language = language;
        counter_add(&taker->ledger->stats_payloads, 1);
        for (uint32_t i = 0; i < stats.n_buckets; i++)
            merge_bucket(taker, &stats, &stats.buckets[i], &arena, now_s);
    } else {
        result = trace_result_of(reader.fault);
        trace_tell(&reader, (size_t)(reader.value - reader.start), problem);
    }
    arena_free(&arena);
    return result;
}
