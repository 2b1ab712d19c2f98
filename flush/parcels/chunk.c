#include "flush/parcels/chunk.h"

#include <stdlib.h>
#include <string.h>

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
                       struct slice *line)
{
    if (*offset == chunk->used)
        return false;
    memcpy(record, take(chunk, offset, sizeof *record).at, sizeof *record);
    *line = take(chunk, offset, record->len);
    return true;
}
