#include "flush/redis/redis_slots.h"

#include <stdio.h>
#include <string.h>

static unsigned crc16(struct slice text)
{
    unsigned crc = 0;

    for (size_t i = 0; i < text.len; i++) {
        crc ^= (unsigned)(unsigned char)text.at[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
        crc &= 0xffff;
    }
    return crc;
}

/* The tag is the text in the first braces. If that is empty, the whole key counts. */
unsigned redis_key_slot(struct slice key)
{
    struct slice rest = key;

    slice_cut(&rest, '{');
    if (rest.len > 0 && memchr(rest.at, '}', rest.len) != NULL) {
        struct slice tag = slice_cut(&rest, '}');

        if (tag.len > 0)
            key = tag;
    }
    return crc16(key) % REDIS_SLOTS;
}

bool redis_place_equal(const struct redis_place *a, const struct redis_place *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static bool is_host(const char *text, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.:%";

    return len < ADDRESS_HOST_MAX && strspn(text, allowed) == len;
}

/* [host or empty or nil, port, ...] */
static bool read_place(const redisReply *node, const struct redis_place *asked,
                       struct redis_place *out)
{
    if (node->type != REDIS_REPLY_ARRAY || node->elements < 2)
        return false;
    const redisReply *host = node->element[0], *port = node->element[1];
    bool unnamed =
        host->type == REDIS_REPLY_NIL || (host->type == REDIS_REPLY_STRING && host->len == 0);

    if (port->type != REDIS_REPLY_INTEGER || port->integer < 1 || port->integer > 65535)
        return false;
    out->port = (int)port->integer;
    if (!unnamed && (host->type != REDIS_REPLY_STRING || !is_host(host->str, host->len)))
        return false;
    snprintf(out->host, sizeof out->host, "%s", unnamed ? asked->host : host->str);
    return true;
}

/* The index of the master at that place; REDIS_NO_NODE: there are too many. */
static uint16_t admit(struct redis_slots *slots, const struct redis_place *place)
{
    for (size_t i = 0; i < slots->n; i++)
        if (redis_place_equal(&slots->masters[i], place))
            return (uint16_t)i;
    if (slots->n == REDIS_MAX_NODES)
        return REDIS_NO_NODE;
    slots->masters[slots->n] = *place;
    return (uint16_t)slots->n++;
}

/* [first, last, master, replicas...] */
static const char *read_range(struct redis_slots *slots, const redisReply *range,
                              const struct redis_place *asked)
{
    struct redis_place place;

    if (range->type != REDIS_REPLY_ARRAY || range->elements < 3 ||
        range->element[0]->type != REDIS_REPLY_INTEGER ||
        range->element[1]->type != REDIS_REPLY_INTEGER)
        return "describes its slots in a way that makes no sense";
    long long first = range->element[0]->integer, last = range->element[1]->integer;

    if (first < 0 || last < first || last >= REDIS_SLOTS)
        return "names slots that there are not";
    if (!read_place(range->element[2], asked, &place))
        return "names a node without a usable address";
    uint16_t owner = admit(slots, &place);

    if (owner == REDIS_NO_NODE)
        return "has more than 256 masters";
    for (long long slot = first; slot <= last; slot++)
        slots->owner[slot] = owner;
    return NULL;
}

const char *redis_slots_read(struct redis_slots *slots, const redisReply *reply,
                             const struct redis_place *asked)
{
    slots->n = 0;
    for (size_t i = 0; i < REDIS_SLOTS; i++)
        slots->owner[i] = REDIS_NO_NODE;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements > REDIS_SLOTS)
        return "describes its slots in a way that makes no sense";
    for (size_t i = 0; i < reply->elements; i++) {
        const char *problem = read_range(slots, reply->element[i], asked);

        if (problem != NULL)
            return problem;
    }
    for (size_t i = 0; i < REDIS_SLOTS; i++)
        if (slots->owner[i] == REDIS_NO_NODE)
            return "has slots that no master serves";
    return NULL;
}

bool redis_slots_redirect(const char *error, const struct redis_place *asked,
                          struct redis_place *out)
{
    const char *slot = strchr(error, ' ');
    const char *place = slot != NULL ? strchr(slot + 1, ' ') : NULL;
    const char *colon = place != NULL ? strrchr(place, ':') : NULL;
    int port = 0, used = 0;

    if (colon == NULL || sscanf(colon + 1, "%5d%n", &port, &used) != 1 || port < 1 ||
        port > 65535 || colon[1 + used] != '\0')
        return false;
    size_t len = (size_t)(colon - place - 1);
    char host[ADDRESS_HOST_MAX];

    if (len >= sizeof host)
        return false;
    memcpy(host, place + 1, len);
    host[len] = '\0';
    if (!is_host(host, len))
        return false;
    snprintf(out->host, sizeof out->host, "%s", len > 0 ? host : asked->host);
    out->port = port;
    return true;
}
