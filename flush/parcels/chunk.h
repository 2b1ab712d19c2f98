/* flush/parcels/chunk.h: raw bytes that a worker sends ahead of its bucket.
 *
 *   births   of contexts seen for the first time, so that a storm of new contexts never
 *            piles up
 *   records  lines that are not aggregated: timestamped samples, events, service checks
 *
 * A chunk holds one kind. It is made and filled by one worker, *given* when pushed on the
 * inbox, and freed by the flusher, which gives some of records back to be filled again. What is
 * submitted over HTTP comes as records too (flush/parcels/submitted.h). */
#ifndef FLUSH_PARCELS_CHUNK_H
#define FLUSH_PARCELS_CHUNK_H

#include <stdbool.h>

#include "flush/parcels/inbox.h"
#include "protocol/slice.h"

/* One birth: this head, then name_len + tags_len raw bytes. */
struct birth {
    uint32_t id;
    uint32_t name_len;
    uint32_t tags_len;
    uint32_t kind; /* enum cell_kind */
};

/* One record: this head, then len bytes: the line of an event or a check as it came, or what
 * the worker has read in a timestamped sample. Packed: nothing in a chunk is aligned. */
struct __attribute__((packed)) record {
    int64_t time_s; /* of a sample its own; of others when they were received */
    uint32_t len;
    uint16_t kind;     /* enum line_kind, or enum submitted_kind */
    uint16_t cell;     /* of a sample: enum cell_kind */
    uint32_t values;   /* of a sample */
    uint32_t name_len; /* of a sample */
};

/* A sample with a time of its own. The print stands for its kind, name and tags: no other
 * identity has the same (server/receive/fingerprint.h). */
struct timed_sample {
    uint64_t print[2];
    struct slice name, tags; /* views; tags as sent */
    const void *values;      /* a view of doubles, not aligned */
    uint32_t n_values;
    uint32_t cell; /* enum cell_kind: CELL_COUNT or CELL_GAUGE */
    int64_t time_s;
};

/* A run of births or records; pushed when the next one does not fit. */
struct chunk {
    struct parcel parcel;
    size_t used, capacity;
    uint64_t submitted; /* values up to here, of who submits; for balance 2 */
    char bytes[];
};

enum { CHUNK_BYTES = 256 * 1024 - sizeof(struct chunk) };

/* NULL without memory. least: the size of what must fit. */
struct chunk *chunk_new(enum parcel_kind kind, uint32_t worker, size_t least);
void chunk_free(struct chunk *given);

/* Appends head and up to two byte runs; false when they do not fit. */
bool chunk_append(struct chunk *chunk, const void *head, size_t head_size, struct slice first,
                  struct slice second);

/* Appends the record of such a sample; false when it does not fit. */
bool chunk_append_timed(struct chunk *chunk, const struct timed_sample *sample);
size_t chunk_timed_size(const struct timed_sample *sample);

/* Walks a chunk: *offset starts at 0. False at the end. The slice is a view. */
bool chunk_next_birth(const struct chunk *chunk, size_t *offset, struct birth *birth,
                      struct slice *name, struct slice *tags);

/* The next len bytes as a view. */
static inline struct slice chunk_take(const struct chunk *chunk, size_t *offset, size_t len)
{
    struct slice view = { chunk->bytes + *offset, len };

    *offset += len;
    return view;
}

static inline bool chunk_next_record(const struct chunk *chunk, size_t *offset,
                                     struct record *record, struct slice *body)
{
    if (*offset == chunk->used)
        return false;
    memcpy(record, chunk_take(chunk, offset, sizeof *record).at, sizeof *record);
    *body = chunk_take(chunk, offset, record->len);
    return true;
}

/* What stands in the body of a LINE_METRIC: print, values, name, tags. */
static inline struct timed_sample chunk_timed(const struct record *record, struct slice body)
{
    const char *values = body.at + sizeof(uint64_t[2]);
    const char *name = values + record->values * sizeof(double);
    const char *tags = name + record->name_len;
    struct timed_sample sample = { .name = { name, record->name_len },
                                   .tags = { tags, (size_t)(body.at + body.len - tags) },
                                   .values = values,
                                   .n_values = record->values,
                                   .cell = record->cell,
                                   .time_s = record->time_s };

    memcpy(sample.print, body.at, sizeof sample.print);
    return sample;
}

static inline double timed_value(const struct timed_sample *sample, uint32_t i)
{
    double value;

    memcpy(&value, (const char *)sample->values + i * sizeof value, sizeof value);
    return value;
}

#endif
