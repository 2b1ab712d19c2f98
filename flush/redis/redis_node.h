/* flush/redis/redis_node.h: a server that the client talks to, or talked to.
 *
 * A node outlives its links: it knows where the server is, and the fence of the link before,
 * which the next link to the same server has killed first (flush/redis/redis_link.h). One
 * that has no link costs nothing but its place in a list. The client owns its nodes. */
#ifndef FLUSH_REDIS_REDIS_NODE_H
#define FLUSH_REDIS_REDIS_NODE_H

#include "flush/redis/redis_link.h"
#include "flush/redis/redis_slots.h"

struct redis_client;

struct redis_node {
    struct redis_client *client; /* a view; whose node it is */
    struct redis_url url;
    struct redis_link *link; /* NULL: none */
    struct redis_fence fence;
    bool wanted; /* the client is up only while it is */
    bool asked;  /* it is being asked for the slots */
};

/* Owned. The server that the URL names, or, with its user, password and TLS, the one at that
 * place; NULL: no place. NULL without memory. */
struct redis_node *redis_node_new(struct redis_client *client, const struct redis_url *url,
                                  const struct redis_place *place);
void redis_node_free(struct redis_node *given);

/* Opens a link unless there is one; the node is what its events are called with. config
 * lacks only what the node knows: URL and fence. False without memory. */
bool redis_node_connect(struct redis_node *node, struct event_base *base,
                        const struct redis_link_config *config,
                        const struct redis_link_events *events);

/* Closes the link, if there is one, and keeps its fence. */
void redis_node_disconnect(struct redis_node *node);

bool redis_node_is_up(const struct redis_node *node);

struct redis_place redis_node_place(const struct redis_node *node);
bool redis_node_is_at(const struct redis_node *node, const struct redis_place *place);

#endif
