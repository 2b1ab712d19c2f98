#include "flush/lookup.h"

#include <event2/dns.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lookup {
    struct evdns_base *dns;
    struct evdns_getaddrinfo_request *request; /* NULL: answered */
    struct event *later; /* the answer is given from the loop, also one known at once */
    struct lookup_answer answer;
    lookup_done *done; /* NULL: cancelled */
    void *context;
};

static void destroy(struct lookup *lookup)
{
    if (lookup->dns != NULL)
        evdns_base_free(lookup->dns, 0);
    if (lookup->later != NULL)
        event_free(lookup->later);
    free(lookup);
}

static void finish(evutil_socket_t fd, short what, void *context)
{
    struct lookup *lookup = context;
    lookup_done *done = lookup->done;
    struct lookup_answer answer = lookup->answer;
    void *to = lookup->context;
    (void)fd;
    (void)what;

    destroy(lookup);
    if (done != NULL)
        done(to, &answer);
}

static void take_answer(int code, struct evutil_addrinfo *list, void *context)
{
    struct lookup *lookup = context;
    struct lookup_answer *answer = &lookup->answer;

    lookup->request = NULL;
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
    event_active(lookup->later, EV_TIMEOUT, 0);
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
                            const char *host, int port, lookup_done *done, void *context)
{
    struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC,
                                     .ai_socktype = SOCK_STREAM,
                                     .ai_protocol = IPPROTO_TCP };
    struct lookup *lookup = calloc(1, sizeof *lookup);
    char service[16];

    if (lookup == NULL)
        return NULL;
    lookup->done = done;
    lookup->context = context;
    lookup->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    lookup->later = event_new(base, -1, 0, finish, lookup);
    if (lookup->dns == NULL || lookup->later == NULL) {
        destroy(lookup);
        return NULL;
    }
    read_files(lookup->dns, files);
    snprintf(service, sizeof service, "%d", port);
    struct evdns_getaddrinfo_request *request =
        evdns_getaddrinfo(lookup->dns, host, service, &hints, take_answer, lookup);

    if (lookup->answer.n == 0 && lookup->answer.problem == NULL)
        lookup->request = request;
    return lookup;
}

void lookup_cancel(struct lookup *given)
{
    given->done = NULL;
    if (given->request != NULL)
        evdns_getaddrinfo_cancel(given->request);
}
