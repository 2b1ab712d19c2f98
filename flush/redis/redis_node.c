#include "flush/redis/redis_node.h"

#include <stdio.h>
#include <stdlib.h>

struct redis_node *redis_node_new(struct redis_client *client, const struct redis_url *url,
                                  const struct redis_place *place)
{
    struct redis_node *node = calloc(1, sizeof *node);

    if (node == NULL)
        return NULL;
    node->client = client;
    node->url = *url;
    if (place != NULL) {
        snprintf(node->url.host, sizeof node->url.host, "%s", place->host);
        node->url.port = place->port;
        redis_url_name(place->host, place->port, node->url.tls, node->url.name);
    }
    return node;
}

void redis_node_disconnect(struct redis_node *node)
{
    struct redis_link *link = node->link;

    if (link == NULL)
        return;
    struct redis_fence fence = redis_link_fence(link);

    if (fence.client_id != 0)
        node->fence = fence;
    node->link = NULL;
    redis_link_close(link);
}

void redis_node_free(struct redis_node *given)
{
    if (given == NULL)
        return;
    redis_node_disconnect(given);
    free(given);
}

bool redis_node_connect(struct redis_node *node, struct event_base *base,
                        const struct redis_link_config *config,
                        const struct redis_link_events *events)
{
    struct redis_link_config own = *config;

    if (node->link != NULL)
        return true;
    own.url = &node->url;
    own.fence = node->fence;
    node->link = redis_link_open(base, &own, events, node);
    return node->link != NULL;
}

bool redis_node_is_up(const struct redis_node *node)
{
    return node->link != NULL && redis_link_is_up(node->link);
}

struct redis_place redis_node_place(const struct redis_node *node)
{
    struct redis_place place = { .port = node->url.port };

    snprintf(place.host, sizeof place.host, "%s", node->url.host);
    return place;
}

bool redis_node_is_at(const struct redis_node *node, const struct redis_place *place)
{
    struct redis_place own = redis_node_place(node);

    return redis_place_equal(&own, place);
}
