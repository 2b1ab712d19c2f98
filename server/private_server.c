#include "server/commands/private_server.h"

#include <stdio.h>
#include <stdlib.h>

#include "flush/memory/loop.h"
#include "server/http/totals.h"
#include "server/server.h"

struct private_server {
    struct event_base *base;
    struct server *server;
    struct private_account account;
};

static void keep_account(void *argument, const struct server_view *last)
{
    struct private_server *server = argument;
    struct totals sum;

    totals_read(last, &sum);
    server->account = (struct private_account){
        .datagrams = sum.datagrams,
        .drops = sum.drops,
        .lines = sum.lines,
        .rejected = sum.rejected,
        .shed = sum.shed,
    };
}

static void private_server_free(struct private_server *given)
{
    if (given->base != NULL)
        event_base_free(given->base);
    free(given);
}

struct private_server *private_server_start(const struct settings *settings,
                                            const char *hostname, struct observer observer,
                                            char *problem, size_t problem_size)
{
    struct private_server *server = calloc(1, sizeof *server);

    snprintf(problem, problem_size, "not enough memory or descriptors");
    if (server == NULL || (server->base = loop_new()) == NULL) {
        free(server);
        return NULL;
    }
    struct server_config config = {
        .settings = settings,
        .hostname = hostname,
        .base = server->base,
        .observer = observer,
        .account = keep_account,
        .argument = server,
    };

    server->server = server_start(&config, problem, problem_size);
    if (server->server != NULL)
        return server;
    private_server_free(server);
    return NULL;
}

int private_server_udp_port(const struct private_server *server)
{
    return server_udp_port(server->server);
}

bool private_server_stop(struct private_server *given, struct private_account *out)
{
    bool ended = server_stop(given->server);

    *out = given->account;
    if (ended)
        private_server_free(given);
    return ended;
}
