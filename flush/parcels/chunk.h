/* flush/parcels/chunk.h: raw bytes that a worker sends ahead of its bucket.
 *
 *   births   of contexts seen for the first time, so that a storm of new contexts never
 *            piles up
 *   records  lines that are not aggregated: timestamped samples, events, service checks
 *
 * A chunk holds one kind. It is made and filled by one worker, *given* when pushed on the
 * inbox, and freed by the flusher. */
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

/* One record: this head, then len raw bytes of the line. */
struct record {
    int64_t received_s;
    uint32_t len;
    uint32_t kind;   /* enum line_kind */
    uint32_t values; /* of a timestamped sample */
    uint32_t unused;
};

/* A run of births or records; pushed when the next one does not fit. */
struct chunk {
    struct parcel parcel;
    size_t used, capacity;
    char bytes[];
};

enum { CHUNK_BYTES = 256 * 1024 - sizeof(struct chunk) };

/* NULL without memory. least: the size of what must fit. */
struct chunk *chunk_new(enum parcel_kind kind, uint32_t worker, size_t least);
void chunk_free(struct chunk *given);

/* Appends head and up to two byte runs; false when they do not fit. */
bool chunk_append(struct chunk *chunk, const void *head, size_t head_size, struct slice first,
                  struct slice second);

/* Walks a chunk: *offset starts at 0. False at the end. The slice is a view. */
bool chunk_next_birth(const struct chunk *chunk, size_t *offset, struct birth *birth,
                      struct slice *name, struct slice *tags);
bool chunk_next_record(const struct chunk *chunk, size_t *offset, struct record *record,
                       struct slice *line);

#endif
