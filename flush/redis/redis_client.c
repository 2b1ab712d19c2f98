#include "flush/redis/redis_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/redis/backoff.h"
#include "flush/redis/redis_node.h"
#include "flush/redis/timer.h"

enum {
    STABLE_MS = 1000, /* after being up for so long the next wait is the shortest again */
    SENTENCE_MAX = 640,
    QUOTE_MAX = 160,
};

static const uint64_t OWN_TAG = UINT64_MAX;

enum state {
    WAITING,  /* for the next attempt */
    ROUND,    /* an attempt: finding the slots, connecting to all that are wanted */
    UP,       /* commands are taken */
    DRAINING, /* no command is taken; those that were sent are being answered */
};

struct redis_client {
    struct event_base *base;
    const struct redis_client_events *events;
    void *argument;
    struct redis_url url;
    struct redis_tls *tls; /* NULL: none is needed */
    bool cluster;
    struct redis_link_config link_config;
    size_t max_pending;

    enum state state;
    struct event *retry;
    struct backoff_config backoff;
    int errors;
    int64_t up_ms;              /* since when */
    enum redis_failure failure; /* while draining: why */
    char sentence[SENTENCE_MAX];

    struct redis_node *seed;                   /* of the URL; without a cluster the only one */
    struct redis_node *nodes[REDIS_MAX_NODES]; /* masters of a cluster, by the index in slots */
    struct redis_slots *slots;                 /* NULL without a cluster; n == 0: not known */
    size_t ask_next;          /* which node to ask for the slots in the next round */
    struct redis_place extra; /* ASK named this node, and we were not connected to it */

    size_t pending, pending_bytes; /* of the user */
    bool refused;                  /* a command was refused for want of room */
};

/* ---- nodes ------------------------------------------------------------- */

static const struct redis_link_events link_events;

static bool connect_to(struct redis_node *node)
{
    const struct redis_client *client = node->client;

    return redis_node_connect(node, client->base, &client->link_config, &link_events);
}

/* The nth of all: masters first, the seed last. NULL: no more. */
static struct redis_node *nth_node(struct redis_client *client, size_t n)
{
    size_t at = 0;

    for (size_t i = 0; i < REDIS_MAX_NODES; i++)
        if (client->nodes[i] != NULL && at++ == n)
            return client->nodes[i];
    return n == at ? client->seed : NULL;
}

/* ---- up, down, retry --------------------------------------------------- */

static void schedule(struct redis_client *client)
{
    if (client->up_ms != 0 && clock_monotonic_ms() - client->up_ms >= STABLE_MS)
        client->errors = 0;
    client->up_ms = 0;
    if (client->errors < backoff_max_errors(&client->backoff))
        client->errors++;
    int64_t wait = backoff_delay(&client->backoff, client->errors, backoff_random());

    client->state = WAITING;
    timer_start(client->retry, wait);
}

/* All that was sent is answered: reports the outage. */
static void go_down(struct redis_client *client)
{
    client->refused = false;
    for (size_t i = 0; nth_node(client, i) != NULL; i++)
        nth_node(client, i)->asked = false;
    client->ask_next++;
    schedule(client);
    if (client->events->down != NULL)
        client->events->down(client->argument, client->failure, client->sentence);
}

static void go_down_if_drained(struct redis_client *client)
{
    if (client->state == DRAINING && client->pending == 0)
        go_down(client);
}

/* Something is wrong. Of all troubles of an outage the first is the one that is reported. */
static void trouble(struct redis_client *client, enum redis_failure failure,
                    const char *sentence)
{
    if (client->state != UP && client->state != ROUND)
        return;
    client->failure = failure;
    snprintf(client->sentence, sizeof client->sentence, "%s", sentence);
    client->state = DRAINING;
}

static void trouble_at(struct redis_node *node, enum redis_failure failure, const char *says)
{
    char sentence[SENTENCE_MAX];

    snprintf(sentence, sizeof sentence, "%s %s", node->url.name, says);
    trouble(node->client, failure, sentence);
}

static bool all_up(struct redis_client *client)
{
    for (size_t i = 0; nth_node(client, i) != NULL; i++) {
        const struct redis_node *node = nth_node(client, i);

        if (node->asked || (node->wanted && !redis_node_is_up(node)))
            return false;
    }
    return true;
}

static void go_up_if_complete(struct redis_client *client)
{
    if (client->state != ROUND || !all_up(client))
        return;
    client->state = UP;
    client->up_ms = clock_monotonic_ms();
    if (client->events->up != NULL)
        client->events->up(client->argument);
}

/* ---- the slots --------------------------------------------------------- */

static bool ask_for_slots(struct redis_node *node)
{
    static const char command[] = "*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n";

    return redis_link_send(node->link, command, sizeof command - 1, OWN_TAG);
}

/* Any node can say who has which slots. Each round asks another one, because one may be wrong.
 */
static void start_round(struct redis_client *client)
{
    client->state = ROUND;
    struct redis_node *node = nth_node(client, client->ask_next);

    if (node == NULL) {
        client->ask_next = 0;
        node = nth_node(client, 0);
    }
    node->asked = client->cluster;
    if (!connect_to(node) || (node->asked && redis_node_is_up(node) && !ask_for_slots(node)))
        trouble_at(node, REDIS_FAILED_MEMORY, "cannot be asked: no memory");
    go_down_if_drained(client);
    go_up_if_complete(client);
}

/* The node at that place: taken out of the old list if it is in it, or a new one. */
static struct redis_node *keep_or_make(struct redis_client *client,
                                       struct redis_node *old[REDIS_MAX_NODES],
                                       const struct redis_place *place)
{
    for (size_t i = 0; i < REDIS_MAX_NODES; i++)
        if (old[i] != NULL && redis_node_is_at(old[i], place)) {
            struct redis_node *kept = old[i];

            old[i] = NULL;
            return kept;
        }
    return redis_node_new(client, &client->url, place);
}

static bool want(struct redis_node *node)
{
    if (node == NULL)
        return false;
    node->wanted = true;
    return connect_to(node);
}

/* Connects to the masters that the new slots name, and lets go of the others. */
static bool take_masters(struct redis_client *client)
{
    struct redis_node *old[REDIS_MAX_NODES];
    size_t n = client->slots->n;
    bool done = true;

    memcpy(old, client->nodes, sizeof old);
    memset(client->nodes, 0, sizeof client->nodes);
    for (size_t i = 0; i < n; i++) {
        client->nodes[i] = keep_or_make(client, old, &client->slots->masters[i]);
        done = want(client->nodes[i]) && done;
    }
    if (client->extra.port != 0 && n < REDIS_MAX_NODES) {
        bool known = false;

        for (size_t i = 0; i < n; i++)
            known = known || redis_place_equal(&client->slots->masters[i], &client->extra);
        if (!known) {
            client->nodes[n] = keep_or_make(client, old, &client->extra);
            done = want(client->nodes[n]) && done;
        }
        client->extra.port = 0;
    }
    for (size_t i = 0; i < REDIS_MAX_NODES; i++)
        redis_node_free(old[i]);
    return done;
}

static void take_slots(struct redis_node *node, const redisReply *reply)
{
    struct redis_client *client = node->client;
    struct redis_place asked = redis_node_place(node);
    char quoted[QUOTE_MAX], says[QUOTE_MAX + 64];
    const char *problem;

    node->asked = false;
    if (reply->type == REDIS_REPLY_ERROR) {
        log_quote(reply->str, reply->len, quoted, sizeof quoted);
        snprintf(says, sizeof says, "refuses CLUSTER SLOTS: %s", quoted);
        problem = says;
    } else {
        problem = redis_slots_read(client->slots, reply, &asked);
    }
    if (problem != NULL) {
        trouble_at(node, REDIS_FAILED_CLUSTER, problem);
        return;
    }
    bool is_seed = node == client->seed;

    if (!take_masters(client))
        trouble(client, REDIS_FAILED_MEMORY, "no memory for the nodes of the cluster");
    if (is_seed)
        redis_node_disconnect(client->seed);
}

/* ---- what the links tell us -------------------------------------------- */

static void answered(struct redis_client *client, const struct redis_sent *sent)
{
    client->pending--;
    client->pending_bytes -= sent->len;
}

static void fail_command(struct redis_client *client, const struct redis_sent *sent)
{
    answered(client, sent);
    if (client->events->failed != NULL)
        client->events->failed(client->argument, sent->tag);
}

static struct redis_node *find_node(struct redis_client *client,
                                    const struct redis_place *place)
{
    for (size_t i = 0; i < REDIS_MAX_NODES; i++)
        if (client->nodes[i] != NULL && redis_node_is_at(client->nodes[i], place))
            return client->nodes[i];
    return NULL;
}

/* The slot is being moved to another node, and this key is there already: sends the command
 * there. */
static bool follow_ask(struct redis_node *node, const struct redis_sent *sent,
                       const char *error)
{
    static const char asking[] = "*1\r\n$6\r\nASKING\r\n";
    struct redis_client *client = node->client;
    struct redis_place asked = redis_node_place(node), place;

    if (!redis_slots_redirect(error, &asked, &place))
        return false;
    struct redis_node *target = find_node(client, &place);

    if (target == NULL || !redis_node_is_up(target)) {
        client->extra = place;
        return false;
    }
    return redis_link_send(target->link, asking, sizeof asking - 1, OWN_TAG) &&
           redis_link_send(target->link, sent->bytes, sent->len, sent->tag);
}

/* Whether the error says that the command came to the wrong node; then it is dealt with. */
static bool take_misdirected(struct redis_node *node, const struct redis_sent *sent,
                             const redisReply *reply)
{
    static const struct {
        const char *error;
        enum redis_failure failure;
        const char *says, *says_alone; /* with and without a cluster */
    } known[] = {
        { "MOVED ", REDIS_FAILED_CLUSTER, "has given some slots away (MOVED)",
          "is part of a cluster (MOVED): heeler_redis_cluster must be on" },
        { "ASK ", REDIS_FAILED_CLUSTER,
          "is giving some slots to a node that is new to us (ASK)",
          "is part of a cluster (ASK): heeler_redis_cluster must be on" },
        { "CLUSTERDOWN", REDIS_FAILED_CLUSTER, "says that the cluster is down (CLUSTERDOWN)",
          "says that its cluster is down (CLUSTERDOWN)" },
        { "READONLY", REDIS_FAILED_READONLY, "is a replica and takes no writes (READONLY)",
          "is a replica and takes no writes (READONLY)" },
    };
    struct redis_client *client = node->client;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strncmp(reply->str, known[i].error, strlen(known[i].error)) != 0)
            continue;
        if (client->cluster && strcmp(known[i].error, "ASK ") == 0 &&
            follow_ask(node, sent, reply->str))
            return true;
        trouble_at(node, known[i].failure,
                   client->cluster ? known[i].says : known[i].says_alone);
        fail_command(client, sent);
        return true;
    }
    return false;
}

/* We write to a replica. The name may lead to the master by now, so we connect anew. */
static void leave_replica(struct redis_node *node)
{
    if (node->client->state == WAITING && node->client->failure == REDIS_FAILED_READONLY)
        redis_node_disconnect(node);
}

static void say_writable(struct redis_client *client)
{
    if (client->state != UP || !client->refused ||
        client->pending_bytes > client->max_pending / 2)
        return;
    client->refused = false;
    if (client->events->writable != NULL)
        client->events->writable(client->argument);
}

static void on_up(void *argument)
{
    struct redis_node *node = argument;
    struct redis_client *client = node->client;

    node->fence = (struct redis_fence){ 0 };
    if (node->asked && !ask_for_slots(node))
        trouble_at(node, REDIS_FAILED_MEMORY, "cannot be asked: no memory");
    go_down_if_drained(client);
    go_up_if_complete(client);
}

static void on_own_reply(struct redis_node *node, const redisReply *reply)
{
    struct redis_client *client = node->client;

    if (!node->asked || client->state != ROUND)
        return;
    take_slots(node, reply);
    go_down_if_drained(client);
    go_up_if_complete(client);
}

static void on_reply(void *argument, const struct redis_sent *sent, const redisReply *reply)
{
    struct redis_node *node = argument;
    struct redis_client *client = node->client;

    if (sent->tag == OWN_TAG) {
        on_own_reply(node, reply);
        return;
    }
    if (reply->type != REDIS_REPLY_ERROR || !take_misdirected(node, sent, reply)) {
        answered(client, sent);
        if (client->events->reply != NULL)
            client->events->reply(client->argument, sent->tag, reply);
    }
    go_down_if_drained(client);
    leave_replica(node);
    say_writable(client);
}

static void on_failed(void *argument, const struct redis_sent *sent)
{
    struct redis_node *node = argument;
    struct redis_client *client = node->client;

    if (sent->tag == OWN_TAG)
        return;
    trouble(client, REDIS_FAILED_CLOSED, ""); /* on_down() follows, and knows why */
    fail_command(client, sent);
}

static void on_down(void *argument, enum redis_failure failure, const char *sentence)
{
    struct redis_node *node = argument;
    struct redis_client *client = node->client;

    redis_node_disconnect(node);
    if (client->state == DRAINING && client->sentence[0] == '\0')
        client->state = UP;
    trouble(client, failure, sentence);
    go_down_if_drained(client);
}

static const struct redis_link_events link_events = { on_up, on_reply, on_failed, on_down };

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    struct redis_client *client = argument;
    (void)fd, (void)what;

    if (client->state == WAITING)
        start_round(client);
    else
        go_down_if_drained(client);
}

/* ---- the calls --------------------------------------------------------- */

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value > 0 ? value : fallback;
}

static void configure(struct redis_client *client, const struct redis_client_config *config)
{
    size_t max_pending = config->max_pending > 0 ? config->max_pending : 4 * 1024 * 1024;

    client->cluster = config->cluster;
    client->max_pending = max_pending;
    client->link_config = (struct redis_link_config){
        .tls = client->tls,
        .connect_ms = or_default(config->connect_ms, 5000),
        .reply_ms = or_default(config->reply_ms, 10000),
        .idle_ms = or_default(config->idle_ms, 15000),
        .max_pending = SIZE_MAX / 2, /* the bound of the client holds for all nodes together */
        .max_reply = config->max_reply > 0 ? config->max_reply : 1024 * 1024,
        .keep_commands = config->cluster,
    };
    client->backoff = (struct backoff_config){
        .factor = 2,
        .base_ms = or_default(config->retry_min_ms, 500) / 2,
        .max_ms = or_default(config->retry_max_ms, 30000),
        .recovery_interval = 1,
    };
    if (client->backoff.base_ms == 0)
        client->backoff.base_ms = 1;
}

static bool make_parts(struct redis_client *client)
{
    client->retry = evtimer_new(client->base, on_retry, client);
    client->seed = redis_node_new(client, &client->url, NULL);
    if (client->cluster)
        client->slots = calloc(1, sizeof *client->slots);
    else if (client->seed != NULL)
        client->seed->wanted = true;
    return client->retry != NULL && client->seed != NULL &&
           (client->slots != NULL || !client->cluster);
}

struct redis_client *redis_client_new(struct event_base *base,
                                      const struct redis_client_config *config,
                                      const struct redis_client_events *events, void *argument,
                                      char *problem, size_t problem_size)
{
    struct redis_client *client = calloc(1, sizeof *client);
    const char *why = "no memory";

    if (client != NULL)
        why = redis_url_parse(config->url, &client->url);
    if (why == NULL && config->cluster && client->url.path[0] != '\0')
        why = "is a unix socket, which cannot be a whole cluster";
    if (why == NULL && config->cluster && client->url.database != 0)
        why = "has a database, and a cluster has none but 0";
    snprintf(problem, problem_size, "%s", why != NULL ? why : "");
    if (why == NULL && client->url.tls)
        client->tls =
            redis_tls_new(config->ca_file, config->skip_validation, problem, problem_size);
    if (why != NULL || client->url.tls != (client->tls != NULL)) {
        free(client);
        return NULL;
    }
    client->base = base;
    client->events = events;
    client->argument = argument;
    configure(client, config);
    if (!make_parts(client)) {
        snprintf(problem, problem_size, "no memory");
        redis_client_free(client);
        return NULL;
    }
    timer_start(client->retry, 0);
    return client;
}

void redis_client_free(struct redis_client *given)
{
    if (given == NULL)
        return;
    for (size_t i = 0; i < REDIS_MAX_NODES; i++)
        redis_node_free(given->nodes[i]);
    redis_node_free(given->seed);
    if (given->retry != NULL)
        event_free(given->retry);
    redis_tls_free(given->tls);
    free(given->slots);
    free(given);
}

bool redis_client_send(struct redis_client *client, const void *command, size_t len,
                       struct slice key, uint64_t tag)
{
    struct redis_node *node = client->seed;

    if (client->state != UP)
        return false;
    if (client->pending > 0 && client->pending_bytes + len > client->max_pending) {
        client->refused = true;
        return false;
    }
    if (client->cluster)
        node = client->nodes[client->slots->owner[redis_key_slot(key)]];
    if (!redis_link_send(node->link, command, len, tag)) {
        trouble_at(node, REDIS_FAILED_MEMORY, "cannot be sent to: no memory");
        timer_start(client->retry, 0);
        return false;
    }
    client->pending++;
    client->pending_bytes += len;
    return true;
}

void redis_client_hurry(struct redis_client *client)
{
    if (client->state == WAITING)
        timer_start(client->retry, 0);
}

size_t redis_client_pending(const struct redis_client *client)
{
    return client->pending;
}

const char *redis_client_name(const struct redis_client *client)
{
    return client->url.name;
}
