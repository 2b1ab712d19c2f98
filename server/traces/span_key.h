/* server/traces/span_key.h: what makes two spans ones of a group
 * (pkg/trace/stats/aggregation.go).
 *
 * Pure. A key made of a span is views of it and of the scratch; a key that is kept is copied.
 */
#ifndef SERVER_TRACES_SPAN_KEY_H
#define SERVER_TRACES_SPAN_KEY_H

#include "config/must_check.h"
#include "flush/memory/arena.h"
#include "flush/memory/bytes.h"
#include "server/traces/span.h"

/* The texts of a key. X(field) */
#define SPAN_KEY_TEXTS(X) \
    X(env)                \
    X(version)            \
    X(hostname)           \
    X(container_id)       \
    X(language)           \
    X(service)            \
    X(name) X(resource) X(type) X(kind) X(method) X(endpoint) X(grpc_status) X(peer_tags)

/* A body may say a text once for any number of spans, and each of them is found by its key:
 * what has no bound by its own rule (server/traces/normalise.h) has this one. As long as the
 * value of a tag may be. */
enum { SPAN_KEY_TEXT_MAX = 400 };

/* peer_tags: "key:value", sorted, with a NUL behind each. */
struct span_key {
#define SPAN_KEY_FIELD(field) struct slice field;
    SPAN_KEY_TEXTS(SPAN_KEY_FIELD)
#undef SPAN_KEY_FIELD
    uint32_t http_status; /* 0: none */
    bool synthetics, is_trace_root;
};

/* The first SPAN_KEY_TEXT_MAX bytes at most; a view. */
struct slice span_key_text(struct slice text);

/* What all spans of a trace share. Views. */
struct span_key span_key_of_trace(const struct trace_payload *payload,
                                  const struct trace *trace, struct slice default_env);

/* Adds what the span says; scratch holds its peer tags until the next call. */
void span_key_add_span(struct span_key *key, const struct span *span, bool peer_tags,
                       struct bytes *scratch);

uint64_t span_key_hash(const struct span_key *key, uint64_t secret);
bool span_key_equal(const struct span_key *a, const struct span_key *b);

/* Its texts become the arena's. False without memory. */
MUST_CHECK bool span_key_keep(struct span_key *key, struct arena *arena);

/* The keys of meta that tell of the other side of a call, sorted; static. NULL behind the last.
 */
const char *span_peer_key(size_t i);

/* Of client, server, producer, consumer; any case. */
bool span_kind_counts(struct slice kind);

#endif
