#include "flush/parcels/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/parse.h"

struct chunk *chunk_new(enum parcel_kind kind, uint32_t worker, size_t least)
{
    size_t capacity = least > CHUNK_BYTES ? least : CHUNK_BYTES;
    struct chunk *chunk = malloc(sizeof *chunk + capacity);

    if (chunk != NULL) {
        *chunk = (struct chunk){ .capacity = capacity };
        chunk->parcel.kind = kind;
        chunk->parcel.worker = worker;
    }
    return chunk;
}

void chunk_free(struct chunk *given)
{
    free(given);
}

/* Returns the place behind what it wrote. */
static inline char *put(char *at, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(at, bytes, len);
    return at + len;
}

bool chunk_append(struct chunk *chunk, const void *head, size_t head_size, struct slice first,
                  struct slice second)
{
    char *at = chunk->bytes + chunk->used;
    size_t size = head_size + first.len + second.len;

    if (size > chunk->capacity - chunk->used)
        return false;
    at = put(at, head, head_size);
    at = put(at, first.at, first.len);
    put(at, second.at, second.len);
    chunk->used += size;
    return true;
}

static size_t timed_body_size(const struct timed_sample *sample)
{
    return sizeof sample->print + sample->n_values * sizeof(double) + sample->name.len +
           sample->tags.len;
}

size_t chunk_timed_size(const struct timed_sample *sample)
{
    return sizeof(struct record) + timed_body_size(sample);
}

bool chunk_append_timed(struct chunk *chunk, const struct timed_sample *sample)
{
    struct record *head = (struct record *)(chunk->bytes + chunk->used);
    size_t body_size = timed_body_size(sample);

    if (sizeof *head + body_size > chunk->capacity - chunk->used)
        return false;
    char *at = (char *)(head + 1);

    /* Field by field in its place: whoever copies a head that was just written waits until
     * all of its parts are in the cache. */
    head->time_s = sample->time_s;
    head->len = (uint32_t)body_size;
    head->kind = LINE_METRIC;
    head->cell = (uint16_t)sample->cell;
    head->values = sample->n_values;
    head->name_len = (uint32_t)sample->name.len;
    at = put(at, &sample->print[0], sizeof sample->print[0]);
    at = put(at, &sample->print[1], sizeof sample->print[1]);
    if (sample->n_values == 1) /* as nearly always: a size that the compiler knows */
        at = put(at, sample->values, sizeof(double));
    else
        at = put(at, sample->values, sample->n_values * sizeof(double));
    at = put(at, sample->name.at, sample->name.len);
    put(at, sample->tags.at, sample->tags.len);
    chunk->used += sizeof *head + body_size;
    return true;
}

bool chunk_next_birth(const struct chunk *chunk, size_t *offset, struct birth *birth,
                      struct slice *name, struct slice *tags)
{
    if (*offset == chunk->used)
        return false;
    memcpy(birth, chunk_take(chunk, offset, sizeof *birth).at, sizeof *birth);
    *name = chunk_take(chunk, offset, birth->name_len);
    *tags = chunk_take(chunk, offset, birth->tags_len);
    return true;
}
