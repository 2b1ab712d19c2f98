#include "server/receive/targets.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "config/address.h"

/* ---- addresses --------------------------------------------------------- */

void udp_target_set_port(struct udp_target *target, int port)
{
    uint16_t network = htons((uint16_t)port);

    if (target->address.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&target->address)->sin6_port = network;
    else
        ((struct sockaddr_in *)&target->address)->sin_port = network;
}

int udp_port_of(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)address)->sin6_port
                     : ((const struct sockaddr_in *)address)->sin_port);
}

static const struct in6_addr *v6_of(const struct sockaddr_storage *address)
{
    return &((const struct sockaddr_in6 *)address)->sin6_addr;
}

static in_addr_t v4_of(const struct sockaddr_storage *address)
{
    return ((const struct sockaddr_in *)address)->sin_addr.s_addr;
}

static bool is_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family)
        return false;
    return a->ss_family == AF_INET6 ? memcmp(v6_of(a), v6_of(b), sizeof *v6_of(a)) == 0
                                    : v4_of(a) == v4_of(b);
}

/* 0.0.0.0 and ::. Who receives there receives on all addresses; what is sent there goes to
 * this machine. */
static bool is_any(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(v6_of(address))
                                          : v4_of(address) == INADDR_ANY;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(v6_of(address))
                                          : ntohl(v4_of(address)) >> 24 == 127;
}

static bool is_of_an_interface(const struct sockaddr_storage *address)
{
    struct ifaddrs *list = NULL;
    bool found = false;

    if (getifaddrs(&list) != 0)
        return false;
    for (struct ifaddrs *one = list; one != NULL && !found; one = one->ifa_next) {
        struct sockaddr_storage own = { 0 };
        int family = one->ifa_addr != NULL ? one->ifa_addr->sa_family : AF_UNSPEC;

        if (family != AF_INET && family != AF_INET6)
            continue;
        memcpy(&own, one->ifa_addr,
               family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
        found = is_same(&own, address);
    }
    freeifaddrs(list);
    return found;
}

static bool receives(const struct sockaddr_storage *bound, const struct sockaddr_storage *to)
{
    if (bound->ss_family != to->ss_family || udp_port_of(bound) != udp_port_of(to) ||
        udp_port_of(to) == 0)
        return false;
    if (is_same(bound, to) || (is_any(to) && is_loopback(bound)))
        return true;
    return is_any(bound) && (is_loopback(to) || is_of_an_interface(to));
}

bool udp_targets_receive(const struct udp_targets *targets, const struct sockaddr_storage *to)
{
    for (size_t i = 0; i < targets->n; i++)
        if (receives(&targets->at[i].address, to))
            return true;
    return false;
}

bool udp_targets_miss_v6(const struct udp_targets *targets)
{
    struct sockaddr_storage v6 = { .ss_family = AF_INET6 };

    ((struct sockaddr_in6 *)&v6)->sin6_addr = in6addr_loopback;
    for (size_t i = 0; i < targets->n; i++) {
        const struct sockaddr_storage *own = &targets->at[i].address;

        ((struct sockaddr_in6 *)&v6)->sin6_port = htons((uint16_t)udp_port_of(own));
        if (own->ss_family == AF_INET && (is_any(own) || is_loopback(own)) &&
            !udp_targets_receive(targets, &v6))
            return is_of_an_interface(&v6);
    }
    return false;
}

/* ---- of the settings --------------------------------------------------- */

static bool add(struct udp_targets *targets, const char *host, int port, bool optional)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM };
    struct addrinfo *found;

    if (targets->n == UDP_LISTENERS_MAX || getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    struct udp_target *target = &targets->at[targets->n++];
    *target = (struct udp_target){ .len = found->ai_addrlen, .optional = optional };
    memcpy(&target->address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    udp_target_set_port(target, port);
    return true;
}

/* "localhost" means the loopback addresses of both families, whatever a resolver says. */
static bool add_host(struct udp_targets *targets, const char *host, int port)
{
    if (host[0] == '\0' || strcmp(host, "localhost") == 0)
        return add(targets, "127.0.0.1", port, false) && add(targets, "::1", port, true);
    return add(targets, host, port, false);
}

static bool add_port(struct udp_targets *targets, const struct settings *settings,
                     char *problem, size_t problem_size)
{
    int port = settings->dogstatsd_port == PORT_RANDOM ? 0 : settings->dogstatsd_port;

    if (settings->dogstatsd_non_local_traffic)
        return add(targets, "0.0.0.0", port, false) && add(targets, "::", port, true);
    if (add_host(targets, settings->bind_host, port))
        return true;
    snprintf(problem, problem_size, "bind_host: \"%s\" is no address of this machine",
             settings->bind_host);
    return false;
}

bool udp_targets_find(struct udp_targets *targets, const struct settings *settings,
                      char *problem, size_t problem_size)
{
    const struct string_list *listed = &settings->heeler_udp_listen;
    char host[ADDRESS_HOST_MAX];
    int port;

    if (listed->n == 0)
        return settings->dogstatsd_port == 0 ||
               add_port(targets, settings, problem, problem_size);
    for (size_t i = 0; i < listed->n; i++) {
        if (address_split(listed->at[i], host, sizeof host, &port) &&
            add_host(targets, host, port))
            continue;
        snprintf(problem, problem_size,
                 "heeler_udp_listen: \"%s\" is no address of this machine", listed->at[i]);
        return false;
    }
    return true;
}
