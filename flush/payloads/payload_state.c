#include "flush/payloads/payload_state.h"

#include <stdlib.h>

/* The routes of a state have numbers of their own: that of Redis was there before that of trace
 * statistics. */
enum { STATE_ROUTE_REDIS = 5, STATE_ROUTE_TRACE_STATS };

static uint64_t number_of_route(enum payload_route route)
{
    return route == ROUTE_REDIS         ? STATE_ROUTE_REDIS
           : route == ROUTE_TRACE_STATS ? STATE_ROUTE_TRACE_STATS
                                        : (uint64_t)route;
}

/* False: there is no such route. */
static bool route_of_number(uint64_t number, enum payload_route *out)
{
    *out = number == STATE_ROUTE_REDIS         ? ROUTE_REDIS
           : number == STATE_ROUTE_TRACE_STATS ? ROUTE_TRACE_STATS
                                               : (enum payload_route)number;
    return number <= STATE_ROUTE_TRACE_STATS;
}

void payload_state_write(struct state_writer *out, const struct payload *payload)
{
    state_put_number(out, 1);
    state_put_number(out, number_of_route(payload->route));
    state_put_number(out, payload->compression);
    state_put_number(out, payload->points);
    state_put_number(out, payload->items);
    state_put_signed(out, payload->created_s);
    state_put_number(out, payload->raw_size);
    state_put_text(out, (struct slice){ (const char *)payload->bytes, payload->size });
}

void payload_state_end(struct state_writer *out)
{
    state_put_number(out, 0);
}

/* False: no payload of ours can look like that. */
static bool read_head(struct state_reader *in, struct payload *head, struct slice *bytes)
{
    uint64_t number = state_get_number(in), compression = state_get_number(in);
    uint64_t points = state_get_number(in), items = state_get_number(in);
    int64_t created_s = state_get_signed(in);
    uint64_t raw_size = state_get_number(in);
    enum payload_route route;

    *bytes = state_get_text(in);
    if (in->failed || !route_of_number(number, &route) || compression >= COMPRESSION_COUNT ||
        points > UINT32_MAX || items > UINT32_MAX)
        return false;
    *head = (struct payload){ .route = route,
                              .compression = (enum compression)compression,
                              .points = (uint32_t)points,
                              .items = (uint32_t)items,
                              .created_s = created_s,
                              .raw_size = (size_t)raw_size,
                              .size = bytes->len };
    return payload_is_sane(head);
}

struct payload *payload_state_read(struct state_reader *in)
{
    struct payload head;
    struct slice bytes;

    if (state_get_number(in) != 1)
        return NULL;
    struct payload *payload =
        read_head(in, &head, &bytes) ? malloc(sizeof *payload + head.size) : NULL;

    in->failed = payload == NULL;
    if (payload == NULL)
        return NULL;
    *payload = head;
    memcpy(payload->bytes, bytes.at, bytes.len);
    return payload;
}
