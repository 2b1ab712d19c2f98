#include "flush/redis/lookup.h"

#include <event2/dns.h>
#include <event2/util.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flush/memory/loop.h"
#include "flush/redis/timer.h"

enum { TURN_MS = 5 };

/* libevent's resolver frees what was cancelled only when its loop turns. So it has a loop of
 * its own, which a timer on the caller's loop turns, and which is turned to its end when the
 * look-up is freed. */
struct lookup {
    struct event_base *own;
    struct evdns_base *dns;
    struct evdns_getaddrinfo_request *request; /* NULL: answered */
    struct event *turn;
    bool answered;
    struct lookup_answer answer;
    lookup_done *done;
    void *argument;
};

static void turn_to_the_end(struct event_base *own)
{
    while (event_base_get_num_events(own, EVENT_BASE_COUNT_ACTIVE) > 0)
        event_base_loop(own, EVLOOP_NONBLOCK);
}

static void destroy(struct lookup *lookup)
{
    if (lookup->turn != NULL)
        event_free(lookup->turn);
    if (lookup->request != NULL)
        evdns_getaddrinfo_cancel(lookup->request);
    if (lookup->own != NULL)
        turn_to_the_end(lookup->own);
    if (lookup->dns != NULL)
        evdns_base_free(lookup->dns, 0);
    if (lookup->own != NULL)
        event_base_free(lookup->own);
    free(lookup);
}

static void on_turn(evutil_socket_t fd, short what, void *argument)
{
    struct lookup *lookup = argument;
    (void)fd, (void)what;

    event_base_loop(lookup->own, EVLOOP_NONBLOCK);
    if (!lookup->answered) {
        timer_start(lookup->turn, TURN_MS);
        return;
    }
    lookup_done *done = lookup->done;
    struct lookup_answer answer = lookup->answer;
    void *to = lookup->argument;

    destroy(lookup);
    done(to, &answer);
}

static void take_answer(int code, struct evutil_addrinfo *list, void *argument)
{
    struct lookup *lookup = argument;
    struct lookup_answer *answer = &lookup->answer;

    lookup->request = NULL;
    lookup->answered = true;
    for (struct evutil_addrinfo *one = list; one != NULL; one = one->ai_next)
        if (answer->n < LOOKUP_MAX_ADDRESSES &&
            one->ai_addrlen <= sizeof answer->addresses[0].at) {
            struct lookup_address *address = &answer->addresses[answer->n++];

            memcpy(&address->at, one->ai_addr, one->ai_addrlen);
            address->len = (socklen_t)one->ai_addrlen;
        }
    if (list != NULL)
        evutil_freeaddrinfo(list);
    if (answer->n == 0)
        answer->problem = code != 0 ? evutil_gai_strerror(code) : "no address";
}

/* Without a file libevent knows localhost and a name server on this machine. */
static void read_files(struct evdns_base *dns, const struct lookup_files *files)
{
    const char *resolv_conf = files != NULL ? files->resolv_conf : NULL;

    evdns_base_resolv_conf_parse(dns,
                                 DNS_OPTION_SEARCH | DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC,
                                 resolv_conf != NULL ? resolv_conf : "/etc/resolv.conf");
    const char *hosts = files != NULL ? files->hosts : NULL;

    evdns_base_load_hosts(dns, hosts != NULL ? hosts : "/etc/hosts");
}

struct lookup *lookup_start(struct event_base *base, const struct lookup_files *files,
                            const char *host, int port, lookup_done *done, void *argument)
{
    struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC,
                                     .ai_socktype = SOCK_STREAM,
                                     .ai_protocol = IPPROTO_TCP };
    struct lookup *lookup = calloc(1, sizeof *lookup);
    char service[16];

    if (lookup == NULL)
        return NULL;
    lookup->done = done;
    lookup->argument = argument;
    lookup->own = loop_new();
    lookup->dns = lookup->own != NULL ? evdns_base_new(lookup->own, 0) : NULL;
    lookup->turn = evtimer_new(base, on_turn, lookup);
    if (lookup->dns == NULL || lookup->turn == NULL) {
        destroy(lookup);
        return NULL;
    }
    read_files(lookup->dns, files);
    snprintf(service, sizeof service, "%d", port);
    struct evdns_getaddrinfo_request *request =
        evdns_getaddrinfo(lookup->dns, host, service, &hints, take_answer, lookup);

    if (!lookup->answered)
        lookup->request = request;
    timer_start(lookup->turn, 0);
    return lookup;
}

void lookup_cancel(struct lookup *given)
{
    destroy(given);
}
