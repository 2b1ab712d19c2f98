#include "flush/parcels/submitted.h"

/* Between the head of the record and the values; behind these stand name, unit and tags. */
struct __attribute__((packed)) submitted_head {
    uint32_t interval_s;
    uint32_t unit_len;
    struct sketch_summary summary;
};

static size_t values_size(const struct submitted *submitted)
{
    static const size_t sizes[] = {
        [SUBMITTED_POINTS] = sizeof(struct submitted_point),
        [SUBMITTED_DISTRIBUTION] = sizeof(double),
        [SUBMITTED_SKETCH] = sizeof(struct sketch_bin),
    };

    return submitted->n * sizes[submitted->kind];
}

uint64_t submitted_values(const struct submitted *submitted)
{
    return submitted->kind == SUBMITTED_SKETCH ? (uint64_t)submitted->summary.count
                                               : submitted->n;
}

static size_t body_size(const struct submitted *submitted)
{
    return sizeof(struct submitted_head) + values_size(submitted) + submitted->name.len +
           submitted->unit.len + submitted->tags.len;
}

size_t submitted_size(const struct submitted *submitted)
{
    return sizeof(struct record) + body_size(submitted);
}

static char *put(char *at, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(at, bytes, len);
    return at + len;
}

bool submitted_append(struct chunk *chunk, const struct submitted *submitted)
{
    size_t size = submitted_size(submitted);
    char *at = chunk->bytes + chunk->used;
    struct record record = { .time_s = submitted->time_s,
                             .len = (uint32_t)body_size(submitted),
                             .kind = (uint16_t)submitted->kind,
                             .cell = (uint16_t)submitted->type,
                             .values = submitted->n,
                             .name_len = (uint32_t)submitted->name.len };
    struct submitted_head head = { submitted->interval_s, (uint32_t)submitted->unit.len,
                                   submitted->summary };

    if (size > chunk->capacity - chunk->used)
        return false;
    at = put(at, &record, sizeof record);
    at = put(at, &head, sizeof head);
    at = put(at, submitted->values, values_size(submitted));
    at = put(at, submitted->name.at, submitted->name.len);
    at = put(at, submitted->unit.at, submitted->unit.len);
    put(at, submitted->tags.at, submitted->tags.len);
    chunk->used += size;
    return true;
}

struct submitted submitted_read(const struct record *record, struct slice body)
{
    struct submitted read = { .kind = (enum submitted_kind)record->kind,
                              .type = (enum submitted_type)record->cell,
                              .time_s = record->time_s,
                              .n = record->values };
    struct submitted_head head;

    memcpy(&head, body.at, sizeof head);
    read.interval_s = head.interval_s;
    read.summary = head.summary;
    read.values = body.at + sizeof head;
    body = slice_skip(body, sizeof head + values_size(&read));
    read.name = (struct slice){ body.at, record->name_len };
    body = slice_skip(body, read.name.len);
    read.unit = (struct slice){ body.at, head.unit_len };
    read.tags = slice_skip(body, read.unit.len);
    return read;
}
