/* Reading order: msgpack; which groups are one; a group; a payload; a bucket. */
#include "server/traces/stats_encode.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "flush/delivery/intake.h"
#include "flush/memory/bytes.h"
#include "flush/memory/wire.h"
#include "server/traces/ddsketch.h"

enum { RAW_BYTES_MAX = 4 << 20 }; /* of a payload; the group that goes beyond is its last */

/* ---- msgpack ----------------------------------------------------------- */

/* A first byte, and behind it the number in so many bytes, the highest first. */
static void put_head(struct bytes *out, unsigned char first, uint64_t number, size_t size)
{
    unsigned char head[1 + sizeof number] = { first };

    for (size_t i = 0; i < size; i++)
        head[1 + i] = (unsigned char)(number >> 8 * (size - 1 - i));
    bytes_add(out, head, 1 + size);
}

static void put_map(struct bytes *out, unsigned members)
{
    put_head(out, (unsigned char)(0x80 | members), 0, 0);
}

static void put_text(struct bytes *out, struct slice text)
{
    if (text.len < 32)
        put_head(out, (unsigned char)(0xa0 | text.len), 0, 0);
    else
        put_head(out, 0xdb, text.len, 4);
    bytes_add(out, text.at, text.len);
}

static void put_name(struct bytes *out, const char *name)
{
    put_text(out, slice_of(name));
}

static void put_text_member(struct bytes *out, const char *name, struct slice text)
{
    put_name(out, name);
    put_text(out, text);
}

static void put_number_member(struct bytes *out, const char *name, uint64_t number)
{
    put_name(out, name);
    if (number < 128)
        put_head(out, (unsigned char)number, 0, 0);
    else
        put_head(out, 0xcf, number, 8);
}

/* Returns where its byte is. */
static size_t put_truth_member(struct bytes *out, const char *name, bool truth)
{
    put_name(out, name);
    put_head(out, truth ? 0xc3 : 0xc2, 0, 0);
    return out->len - 1;
}

/* A list whose length is written later; returns where it is. */
static size_t put_open_list(struct bytes *out, const char *name)
{
    put_name(out, name);
    put_head(out, 0xdd, 0, 4);
    return out->len - 4;
}

static void close_list(struct bytes *out, size_t at, uint32_t n)
{
    for (size_t i = 0; i < 4 && !out->failed; i++)
        out->at[at + i] = (unsigned char)(n >> 8 * (3 - i));
}

/* ---- which groups are one ---------------------------------------------- */

bool stats_type_is_query(struct slice type)
{
    static const char *const types[] = {
        "sql",     "db",       "cassandra",     "redis",      "valkey",  "memcached",
        "cache",   "mongodb",  "elasticsearch", "opensearch", "leveldb", "consul",
        "graphql", "dynamodb", "ldap",          "aerospike"
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (type.len == strlen(types[i]) && strncasecmp(type.at, types[i], type.len) == 0)
            return true;
    return false;
}

/* As it leaves. Views. */
static struct span_key key_of(const struct stats_encoding *encoding,
                              const struct span_group *group)
{
    struct span_key key = group->key;

    if (key.hostname.len == 0)
        key.hostname = encoding->hostname;
    if (stats_type_is_query(key.type))
        key.resource = SLICE("?");
    return key;
}

/* First by what a client's payload says once for all of its groups. */
static int compare(const void *a, const void *b, void *argument)
{
    struct span_key one = key_of(argument, *(const struct span_group *const *)a);
    struct span_key other = key_of(argument, *(const struct span_group *const *)b);
    int order;

#define ORDER(field)                               \
    order = slice_compare(one.field, other.field); \
    if (order != 0)                                \
        return order;
    SPAN_KEY_TEXTS(ORDER)
#undef ORDER
    if (one.http_status != other.http_status)
        return one.http_status < other.http_status ? -1 : 1;
    return (one.synthetics * 2 + one.is_trace_root) -
           (other.synthetics * 2 + other.is_trace_root);
}

static bool same_client(const struct span_key *a, const struct span_key *b)
{
    return slice_equal(a->env, b->env) && slice_equal(a->version, b->version) &&
           slice_equal(a->hostname, b->hostname) &&
           slice_equal(a->container_id, b->container_id) &&
           slice_equal(a->language, b->language);
}

/* Of n groups that leave as one. */
struct summed {
    struct span_key key;
    double hits, errors, top_level_hits, duration_ns;
    struct sketch *ok, *failed; /* in the arena given */
};

static bool merge(struct sketch *into, struct arena *arena, struct sketch *from)
{
    return into != NULL && (from == NULL || sketch_merge(into, arena, from));
}

/* False without memory. */
static bool sum(const struct stats_encoding *encoding, struct span_group *const *groups,
                size_t n, struct arena *arena, struct summed *out)
{
    *out = (struct summed){ .key = key_of(encoding, groups[0]),
                            .ok = sketch_new(arena),
                            .failed = sketch_new(arena) };
    for (size_t i = 0; i < n; i++) {
        out->hits += groups[i]->hits;
        out->errors += groups[i]->errors;
        out->top_level_hits += groups[i]->top_level_hits;
        out->duration_ns += groups[i]->duration_ns;
        if (!merge(out->ok, arena, groups[i]->ok) ||
            !merge(out->failed, arena, groups[i]->failed))
            return false;
    }
    return true;
}

/* ---- a group ----------------------------------------------------------- */

/* below_one: random, from 0 to less than 1; then the result is right on average. */
static uint64_t rounded(double number, double below_one)
{
    double whole = floor(number + below_one);

    if (!(whole > 0))
        return 0;
    return whole < 0x1p63 ? (uint64_t)whole : INT64_MAX;
}

static void put_counts(struct bytes *out, const struct summed *group, double below_one)
{
    put_number_member(out, "Hits", rounded(group->hits, below_one));
    put_number_member(out, "Errors", rounded(group->errors, below_one));
    put_number_member(out, "TopLevelHits", rounded(group->top_level_hits, below_one));
    put_number_member(out, "Duration", rounded(group->duration_ns, below_one));
}

/* False without memory. */
static bool put_sketch(struct bytes *out, const char *name, struct sketch *sketch,
                       struct arena *arena)
{
    struct bytes message = { 0 };
    const struct sketch_bin *bins;
    size_t n;

    if (!sketch_bins(sketch, arena, &bins, &n))
        return false;
    ddsketch_write(&message, bins, n);
    put_name(out, name);
    put_head(out, 0xc6, message.len, 4);
    bytes_add(out, message.at, message.len);
    out->failed = out->failed || message.failed;
    bytes_free(&message);
    return true;
}

static void put_peer_tags(struct bytes *out, struct slice tags)
{
    size_t at = put_open_list(out, "PeerTags");
    uint32_t n = 0;

    for (; tags.len > 0; n++)
        put_text(out, slice_cut(&tags, '\0'));
    close_list(out, at, n);
}

enum { GROUP_MEMBERS = 19, IS_ROOT = 1, IS_NO_ROOT = 2 };

/* False without memory. */
static bool put_group(struct bytes *out, const struct summed *group, double below_one,
                      struct arena *arena)
{
    const struct span_key *key = &group->key;

    put_head(out, 0xde, GROUP_MEMBERS, 2); /* a map of more than 15 members */
    put_text_member(out, "Service", key->service);
    put_text_member(out, "Name", key->name);
    put_text_member(out, "Resource", key->resource);
    put_text_member(out, "Type", key->type);
    put_text_member(out, "DBType", SLICE(""));
    put_text_member(out, "SpanKind", key->kind);
    put_text_member(out, "GRPCStatusCode", key->grpc_status);
    put_text_member(out, "HTTPMethod", key->method);
    put_text_member(out, "HTTPEndpoint", key->endpoint);
    put_number_member(out, "HTTPStatusCode", key->http_status);
    put_number_member(out, "IsTraceRoot", key->is_trace_root ? IS_ROOT : IS_NO_ROOT);
    (void)put_truth_member(out, "Synthetics", key->synthetics);
    put_peer_tags(out, key->peer_tags);
    put_counts(out, group, below_one);
    return put_sketch(out, "OkSummary", group->ok, arena) &&
           put_sketch(out, "ErrorSummary", group->failed, arena);
}

/* ---- a payload --------------------------------------------------------- */

struct building {
    const struct stats_encoding *encoding;
    int64_t start_s, now_s;
    struct bytes raw;
    size_t split_at, clients_at, groups_at; /* where these are written when they are known */
    uint32_t clients, groups_of_client, groups;
    struct span_key client; /* what the groups at the end share */
    bool is_split;          /* there is another payload of this bucket */
    size_t left_out;
};

static void begin_payload(struct building *building)
{
    struct bytes *raw = &building->raw;

    bytes_clear(raw);
    raw->failed = false;
    building->clients = building->groups = 0;
    put_map(raw, 6);
    put_text_member(raw, "AgentHostname", building->encoding->hostname);
    put_text_member(raw, "AgentEnv", building->encoding->env);
    put_text_member(raw, "AgentVersion", SLICE(INTAKE_AGENT_VERSION));
    (void)put_truth_member(raw, "ClientComputed", false);
    building->split_at = put_truth_member(raw, "SplitPayload", false);
    building->clients_at = put_open_list(raw, "Stats");
}

static void begin_client(struct building *building, const struct span_key *key)
{
    struct bytes *raw = &building->raw;

    building->client = *key;
    building->clients++;
    building->groups_of_client = 0;
    put_map(raw, 6);
    put_text_member(raw, "Hostname", key->hostname);
    put_text_member(raw, "Env", key->env);
    put_text_member(raw, "Version", key->version);
    put_text_member(raw, "Lang", key->language);
    put_text_member(raw, "ContainerID", key->container_id);
    put_name(raw, "Stats");
    put_head(raw, 0x91, 0, 0);
    put_map(raw, 3);
    put_number_member(raw, "Start", (uint64_t)building->start_s * 1000000000);
    put_number_member(raw, "Duration", CONCENTRATOR_BUCKET_S * UINT64_C(1000000000));
    building->groups_at = put_open_list(raw, "Stats");
}

static void end_client(struct building *building)
{
    if (building->clients > 0)
        close_list(&building->raw, building->groups_at, building->groups_of_client);
}

/* Compresses what there is, and gives it away. */
static void end_payload(struct building *building, bool is_last)
{
    const struct stats_encoding *encoding = building->encoding;
    const struct payload_limits no_limits = { 0, INT32_MAX, INT32_MAX };
    struct bytes *raw = &building->raw;

    if (building->groups == 0)
        return;
    building->is_split = building->is_split || !is_last;
    end_client(building);
    close_list(raw, building->clients_at, building->clients);
    if (!raw->failed)
        raw->at[building->split_at] = building->is_split ? 0xc3 : 0xc2;
    struct payload_writer *writer =
        payload_writer_new(ROUTE_TRACE_STATS, COMPRESSION_GZIP, 0, no_limits,
                           (struct payload_frame){ .head = SLICE("") }, building->now_s,
                           encoding->emit, encoding->argument);

    if (writer == NULL || raw->failed ||
        payload_writer_add(writer, raw->at, raw->len, building->groups) != PAYLOAD_ADDED)
        building->left_out += building->groups;
    if (writer != NULL)
        payload_writer_end(writer);
    begin_payload(building);
}

static void add_group(struct building *building, const struct summed *group,
                      struct arena *arena)
{
    struct bytes *raw = &building->raw;

    if (building->groups == STATS_GROUPS_MAX || raw->len > RAW_BYTES_MAX)
        end_payload(building, false);
    if (building->clients == 0 || !same_client(&building->client, &group->key)) {
        end_client(building);
        begin_client(building, &group->key);
    }
    size_t before = raw->len;

    if (!put_group(raw, group, erand48(building->encoding->random), arena)) {
        raw->len = before;
        building->left_out++;
        return;
    }
    building->groups++;
    building->groups_of_client++;
}

/* ---- a bucket ---------------------------------------------------------- */

/* Those that leave as one stand together. NULL without memory. */
static struct span_group **sorted(const struct stats_encoding *encoding,
                                  const struct span_bucket *bucket, struct arena *arena)
{
    struct span_group **groups = arena_alloc(arena, bucket->n_groups * sizeof(void *));
    size_t n = 0;

    if (groups == NULL)
        return NULL;
    for (struct span_group *group = bucket->groups; group != NULL; group = group->next)
        groups[n++] = group;
    qsort_r(groups, n, sizeof(void *), compare, (void *)(uintptr_t)encoding);
    return groups;
}

static void add_all(struct building *building, struct span_group **groups, size_t n)
{
    void *argument = (void *)(uintptr_t)building->encoding;
    struct summed group;
    struct arena arena;
    size_t end;

    arena_init(&arena, building->encoding->budget);
    for (size_t at = 0; at < n; at = end) {
        for (end = at + 1; end < n && compare(&groups[at], &groups[end], argument) == 0;)
            end++;
        if (sum(building->encoding, &groups[at], end - at, &arena, &group))
            add_group(building, &group, &arena);
        else
            building->left_out++;
        arena_free(&arena);
    }
}

size_t stats_encode(const struct stats_encoding *encoding, const struct span_bucket *bucket,
                    int64_t now_s)
{
    struct building building = { .encoding = encoding,
                                 .start_s = bucket->start_s,
                                 .now_s = now_s };
    struct arena arena;

    if (bucket->n_groups == 0)
        return 0;
    arena_init(&arena, encoding->budget);
    struct span_group **groups = sorted(encoding, bucket, &arena);

    if (groups != NULL) {
        begin_payload(&building);
        add_all(&building, groups, bucket->n_groups);
        end_payload(&building, true);
        bytes_free(&building.raw);
    }
    arena_free(&arena);
    return groups != NULL ? building.left_out : bucket->n_groups;
}
