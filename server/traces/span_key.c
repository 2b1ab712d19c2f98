#include "server/traces/span_key.h"

#include <stdlib.h>
#include <strings.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "config/utf8.h"

/* What tells of the other side of a call, sorted (pkg/config/peer_tags.ini). */
#define PEER_KEYS(X)                       \
    X("amqp.destination")                  \
    X("amqp.exchange")                     \
    X("amqp.queue")                        \
    X("aws.queue.name")                    \
    X("aws.s3.bucket")                     \
    X("bucketname")                        \
    X("db.cassandra.contact.points")       \
    X("db.couchbase.seed.nodes")           \
    X("db.hostname")                       \
    X("db.instance")                       \
    X("db.name")                           \
    X("db.namespace")                      \
    X("db.system")                         \
    X("grpc.host")                         \
    X("hostname")                          \
    X("http.host")                         \
    X("http.server_name")                  \
    X("messaging.destination")             \
    X("messaging.destination.name")        \
    X("messaging.kafka.bootstrap.servers") \
    X("messaging.rabbitmq.exchange")       \
    X("messaging.system")                  \
    X("mongodb.db")                        \
    X("msmq.queue.path")                   \
    X("net.peer.name")                     \
    X("network.destination.name")          \
    X("out.host")                          \
    X("peer.hostname")                     \
    X("peer.service")                      \
    X("queuename")                         \
    X("rpc.service")                       \
    X("rpc.system")                        \
    X("server.address")                    \
    X("streamname")                        \
    X("tablename")                         \
    X("topicname")

#define TEXT(key) key,
static const char *const peer_keys[] = { PEER_KEYS(TEXT) };
#undef TEXT
enum { PEER_KEY_COUNT = sizeof peer_keys / sizeof peer_keys[0] };

const char *span_peer_key(size_t i)
{
    return i < PEER_KEY_COUNT ? peer_keys[i] : NULL;
}

struct slice span_key_text(struct slice text)
{
    return (struct slice){ text.at, utf8_cut(text.at, text.len, SPAN_KEY_TEXT_MAX) };
}

/* ---- of a trace -------------------------------------------------------- */

/* The root says it, else any span. */
static struct slice meta_of_trace(const struct trace *trace, struct slice key)
{
    struct slice value = span_meta(&trace->spans[trace->root], key);

    for (uint32_t i = 0; value.len == 0 && i < trace->n_spans; i++)
        value = span_meta(&trace->spans[i], key);
    return value;
}

static struct slice first_of(struct slice one, struct slice other)
{
    return one.len > 0 ? one : other;
}

struct span_key span_key_of_trace(const struct trace_payload *payload,
                                  const struct trace *trace, struct slice default_env)
{
    const struct trace_source *source = &payload->source;
    const struct span *root = &trace->spans[trace->root];
    struct slice origin = first_of(trace->origin, span_meta(root, SLICE("_dd.origin")));
    struct span_key key = {
        .container_id = span_key_text(source->container_id),
        .language = span_key_text(source->language),
        .synthetics = slice_starts(origin, SLICE("synthetics")),
    };

    key.hostname =
        span_key_text(first_of(source->hostname, span_meta(root, SLICE("_dd.hostname"))));
    key.env = first_of(source->env, meta_of_trace(trace, SLICE("env")));
    key.env = first_of(key.env, default_env);
    key.version =
        span_key_text(first_of(source->app_version, meta_of_trace(trace, SLICE("version"))));
    return key;
}

/* ---- of a span --------------------------------------------------------- */

static bool is_kind(struct slice kind, const char *word)
{
    return kind.len == strlen(word) && strncasecmp(kind.at, word, kind.len) == 0;
}

bool span_kind_counts(struct slice kind)
{
    return is_kind(kind, "server") || is_kind(kind, "client") || is_kind(kind, "producer") ||
           is_kind(kind, "consumer");
}

static uint32_t http_status(const struct span *span)
{
    struct slice text = span_meta(span, SLICE("http.status_code"));
    double number;

    if (span_metric(span, SLICE("http.status_code"), &number))
        return number >= 100 && number < 600 ? (uint32_t)number : 0;
    if (text.len != 3)
        return 0;
    return (uint32_t)((text.at[0] - '0') * 100 + (text.at[1] - '0') * 10 + text.at[2] - '0');
}

static void add_peer(const char *key, struct slice value, struct bytes *out)
{
    if (value.len == 0)
        return;
    bytes_add(out, key, strlen(key));
    bytes_add(out, ":", 1);
    value = span_key_text(value);
    bytes_add(out, value.at, value.len);
    bytes_add(out, "", 1);
}

/* Its place among the sorted keys; PEER_KEY_COUNT: it is none of them. The compiler makes a few
 * comparisons of numbers of each line: this is asked of each tag of each call. */
static size_t peer_place(struct slice key)
{
    size_t place = 0;

#define SEEK(text)                                                                    \
    if (key.len == sizeof(text) - 1 && memcmp(key.at, (text), sizeof(text) - 1) == 0) \
        return place;                                                                 \
    place++;
    PEER_KEYS(SEEK)
#undef SEEK
    return place;
}

/* Once over the tags, and not once for each key. */
static void add_peers(const struct span *span, struct bytes *out)
{
    struct slice values[PEER_KEY_COUNT + 1] = { { NULL, 0 } };

    for (uint32_t i = 0; i < span->n_meta; i++)
        values[peer_place(span->meta[i].key)] = span->meta[i].value;
    for (size_t i = 0; i < PEER_KEY_COUNT; i++)
        add_peer(peer_keys[i], values[i], out);
}

static struct slice peer_tags(const struct span *span, struct slice kind, struct bytes *out)
{
    static const char base[] = "_dd.base_service";

    bytes_clear(out);
    if (is_kind(kind, "client") || is_kind(kind, "producer") || is_kind(kind, "consumer"))
        add_peers(span, out);
    else if (kind.len == 0 || is_kind(kind, "internal"))
        add_peer(base, span_meta(span, slice_of(base)), out);
    return (struct slice){ (const char *)out->at, out->len };
}

/* The one, or else the other. */
static struct slice text_of(const struct span *span, const char *key, const char *other)
{
    return span_key_text(
        first_of(span_meta(span, slice_of(key)), span_meta(span, slice_of(other))));
}

void span_key_add_span(struct span_key *key, const struct span *span, bool with_peer_tags,
                       struct bytes *scratch)
{
    key->service = span->service;
    key->name = span->name;
    key->resource = span->resource;
    key->type = span->type;
    key->kind = span_key_text(span_meta(span, SLICE("span.kind")));
    key->method = span_key_text(span_meta(span, SLICE("http.method")));
    key->endpoint = text_of(span, "http.endpoint", "http.route");
    key->grpc_status = text_of(span, "rpc.grpc.status_code", "grpc.code");
    key->http_status = http_status(span);
    key->is_trace_root = span->parent_id == 0;
    key->peer_tags = (struct slice){ NULL, 0 };
    if (with_peer_tags)
        key->peer_tags = peer_tags(span, key->kind, scratch);
}

/* ---- keys -------------------------------------------------------------- */

uint64_t span_key_hash(const struct span_key *key, uint64_t secret)
{
    uint64_t hash =
        secret + key->http_status * 4 + (uint64_t)key->synthetics * 2 + key->is_trace_root;

#define HASH(field) hash = XXH3_64bits_withSeed(key->field.at, key->field.len, hash);
    SPAN_KEY_TEXTS(HASH)
#undef HASH
    return hash;
}

bool span_key_equal(const struct span_key *a, const struct span_key *b)
{
#define DIFFERS(field) || !slice_equal(a->field, b->field)
    return !(a->http_status != b->http_status || a->synthetics != b->synthetics ||
             a->is_trace_root != b->is_trace_root SPAN_KEY_TEXTS(DIFFERS));
#undef DIFFERS
}

bool span_key_keep(struct span_key *key, struct arena *arena)
{
    size_t size = 0;

#define ADD(field) size += key->field.len;
    SPAN_KEY_TEXTS(ADD)
#undef ADD
    char *to = arena_alloc(arena, size + 1);

    if (to == NULL)
        return false;
#define COPY(field)                                                \
    if (key->field.len > 0)                                        \
        key->field.at = memcpy(to, key->field.at, key->field.len); \
    to += key->field.len;
    SPAN_KEY_TEXTS(COPY)
#undef COPY
    return true;
}
