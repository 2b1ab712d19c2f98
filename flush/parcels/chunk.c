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

static void put(struct chunk *chunk, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(chunk->bytes + chunk->used, bytes, len);
    chunk->used += len;
}

bool chunk_append(struct chunk *chunk, const void *head, size_t head_size, struct slice first,
                  struct slice second)
{
    if (head_size + first.len + second.len > chunk->capacity - chunk->used)
        return false;
    put(chunk, head, head_size);
    put(chunk, first.at, first.len);
    put(chunk, second.at, second.len);
    return true;
}

static size_t values_size(const struct timed_sample *sample)
{
    return sample->n_values * sizeof(double);
}

static size_t timed_body_size(const struct timed_sample *sample)
{
    return sizeof sample->print + values_size(sample) + sample->name.len + sample->tags.len;
}

size_t chunk_timed_size(const struct timed_sample *sample)
{
    return sizeof(struct record) + timed_body_size(sample);
}

bool chunk_append_timed(struct chunk *chunk, const struct timed_sample *sample)
{
    size_t body_size = timed_body_size(sample);
    struct record head = { .time_s = sample->time_s,
                           .len = (uint32_t)body_size,
                           .kind = LINE_METRIC,
                           .cell = (uint16_t)sample->cell,
                           .values = sample->n_values,
                           .name_len = (uint32_t)sample->name.len };

    if (sizeof head + body_size > chunk->capacity - chunk->used)
        return false;
    put(chunk, &head, sizeof head);
    put(chunk, sample->print, sizeof sample->print);
    put(chunk, sample->values, values_size(sample));
    put(chunk, sample->name.at, sample->name.len);
    put(chunk, sample->tags.at, sample->tags.len);
    return true;
}

/* The next len bytes of the chunk as a view. */
static struct slice take(const struct chunk *chunk, size_t *offset, size_t len)
{
    struct slice view = { chunk->bytes + *offset, len };

    *offset += len;
    return view;
}

bool chunk_next_birth(const struct chunk *chunk, size_t *offset, struct birth *birth,
                      struct slice *name, struct slice *tags)
{
    if (*offset == chunk->used)
        return false;
    memcpy(birth, take(chunk, offset, sizeof *birth).at, sizeof *birth);
    *name = take(chunk, offset, birth->name_len);
    *tags = take(chunk, offset, birth->tags_len);
    return true;
}

bool chunk_next_record(const struct chunk *chunk, size_t *offset, struct record *record,
                       struct slice *body)
{
    if (*offset == chunk->used)
        return false;
    memcpy(record, take(chunk, offset, sizeof *record).at, sizeof *record);
    *body = take(chunk, offset, record->len);
    return true;
}

struct timed_sample chunk_timed(const struct record *record, struct slice body)
{
    struct timed_sample sample = { .n_values = record->values,
                                   .cell = record->cell,
                                   .time_s = record->time_s };

    memcpy(sample.print, body.at, sizeof sample.print);
    body = slice_skip(body, sizeof sample.print);
    sample.values = body.at;
    body = slice_skip(body, values_size(&sample));
    sample.name = (struct slice){ body.at, record->name_len };
    sample.tags = slice_skip(body, record->name_len);
    return sample;
}
