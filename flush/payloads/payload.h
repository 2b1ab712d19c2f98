/* flush/payloads/payload.h: finished bytes for one request.
 *
 * A writer takes encoded items one at a time, compresses as it goes and closes
 * a payload before the next item would break one of three limits (points, raw
 * bytes, compressed bytes); an item that fits in no empty payload is refused
 * and the caller counts it. Memory stays at one payload, however many items.
 *
 * A payload is *given*: writer -> emit callback -> outbox -> delivery. Whoever
 * holds it last calls payload_free. */
#ifndef FLUSH_PAYLOADS_PAYLOAD_H
#define FLUSH_PAYLOADS_PAYLOAD_H

#include <stdint.h>

#include "flush/memory/mailbox.h"
#include "protocol/slice.h"

/* An intake has several doors, each at a URL of its own, and a route leads to one of them. */
enum payload_door {
    DOOR_METRICS, /* app.SITE */
    DOOR_TRACES,  /* trace.agent.SITE */
};

/* One row per route of the intake: X(id, path, content type, kind label, door). A new one comes
 * last: the files of the spool have their numbers. */
#define PAYLOAD_ROUTES(X)                                                                    \
    X(ROUTE_SERIES_V2, "/api/v2/series", "application/x-protobuf", "series", DOOR_METRICS)   \
    X(ROUTE_SERIES_V1, "/api/v1/series", "application/json", "series", DOOR_METRICS)         \
    X(ROUTE_SKETCHES, "/api/beta/sketches", "application/x-protobuf", "sketches",            \
      DOOR_METRICS)                                                                          \
    X(ROUTE_CHECKS, "/api/v1/check_run", "application/json", "service_checks", DOOR_METRICS) \
    X(ROUTE_EVENTS, "/intake/", "application/json", "events", DOOR_METRICS)                  \
    X(ROUTE_TRACE_STATS, "/api/v0.2/stats", "application/msgpack", "trace_stats", DOOR_TRACES)

#define PAYLOAD_ROUTE_ENUM(id, path, type, kind, door) id,
enum payload_route {
    PAYLOAD_ROUTES(PAYLOAD_ROUTE_ENUM) ROUTE_COUNT,
    ROUTE_REDIS = ROUTE_COUNT /* no route of the intake: commands for the mirror's sink */
};
#undef PAYLOAD_ROUTE_ENUM

/* X(id, setting's word, Content-Encoding or NULL). deflate is RFC 1950 (zlib). */
#define COMPRESSIONS(X)                    \
    X(COMPRESSION_ZSTD, "zstd", "zstd")    \
    X(COMPRESSION_ZLIB, "zlib", "deflate") \
    X(COMPRESSION_GZIP, "gzip", "gzip")    \
    X(COMPRESSION_NONE, "none", NULL)

#define COMPRESSION_ENUM(id, word, encoding) id,
enum compression { COMPRESSIONS(COMPRESSION_ENUM) COMPRESSION_COUNT };
#undef COMPRESSION_ENUM

struct payload {
    union { /* whoever owns it links it */
        struct letter letter;
        struct payload *next;
    };
    uint32_t holders; /* delivery's: the sinks that share it */
    enum payload_route route;
    enum compression compression;
    uint32_t points;   /* what the ledger counts: points, sketch points, events, checks, groups
                          of spans */
    uint32_t items;    /* series, sketches, events, checks */
    bool weighed;      /* the outbox's: its bytes hold this one */
    int64_t created_s; /* wall clock of the flush */
    size_t raw_size;   /* bytes before compression */
    size_t size;       /* of bytes[] */
    unsigned char bytes[];
};

/* Packed or not: no payload of ours is near it. */
enum { PAYLOAD_BYTES_MAX = 256 << 20 };

void payload_free(struct payload *given);

/* Whether one of ours can look like this. It is asked of what a file or a state says: a payload
 * cannot have more points than its bytes hold. */
bool payload_is_sane(const struct payload *payload);

struct payload_limits {
    size_t max_points;     /* 0: no limit */
    size_t max_raw;        /* uncompressed bytes of a payload */
    size_t max_compressed; /* compressed bytes of a payload */
};

/* What stands around the items: "{\"series\":[" "," "]}" for JSON, nothing or a
 * footer for protobuf. Views, which the writer copies. */
struct payload_frame {
    struct slice head, separator, tail;
    struct slice turn; /* where items stand in several lists: from one to the next, "]," */
};

/* given: the payload is the callee's. */
typedef void payload_emit(void *argument, struct payload *given);

struct payload_writer;

/* level: of zstd. NULL when memory is exhausted. */
struct payload_writer *payload_writer_new(enum payload_route route,
                                          enum compression compression, int level,
                                          struct payload_limits limits,
                                          struct payload_frame frame, int64_t created_s,
                                          payload_emit *emit, void *argument);

enum payload_add {
    PAYLOAD_ADDED,
    PAYLOAD_TOO_LARGE, /* the item alone breaks a limit: dropped */
    PAYLOAD_NO_MEMORY, /* dropped */
};

/* item: the encoded bytes, copied. points: what it counts for. */
enum payload_add payload_writer_add(struct payload_writer *writer, const void *item,
                                    size_t item_size, uint32_t points);

/* From here on items stand in a list that begins so ("\"source\":["): in each payload
 * that gets one of them, behind the head or the turn. A view until the next call. */
void payload_writer_list(struct payload_writer *writer, struct slice opening);

/* Emits what is open (nothing when no item was added). */
void payload_writer_cut(struct payload_writer *writer);

/* The same, and frees the writer. */
void payload_writer_end(struct payload_writer *writer);

/* Two payloads out of one that was too large, cut between two items near the
 * middle, which together count for what the original does; it stays the caller's. */
enum payload_split {
    SPLIT_DONE,
    SPLIT_SINGLE,  /* one item, or of a route that has none: there is nothing to cut */
    SPLIT_DAMAGED, /* or its items do not have the points that it counts for */
    SPLIT_NO_MEMORY,
};
enum payload_split payload_split(const struct payload *payload, struct payload *halves[2]);

/* The bytes before compression, owned. NULL: it is damaged, has not the size that it says, or
 * there is no memory. */
unsigned char *payload_decompress(const struct payload *payload);

const char *payload_route_path(enum payload_route route);
const char *payload_route_kind(enum payload_route route);
const char *payload_route_content_type(enum payload_route route);
enum payload_door payload_route_door(enum payload_route route);
bool payload_route_is_protobuf(enum payload_route route);
bool payload_route_has_items(enum payload_route route); /* of protobuf or JSON */

/* NULL: none is sent. */
const char *payload_content_encoding(enum compression compression);

#endif
