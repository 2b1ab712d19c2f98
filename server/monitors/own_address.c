#include "server/monitors/own_address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

static bool is_usable(const struct ifaddrs *one, int family)
{
    return one->ifa_addr != NULL && one->ifa_addr->sa_family == family &&
           (one->ifa_flags & (IFF_UP | IFF_LOOPBACK)) == IFF_UP;
}

static const void *bytes_of(const struct ifaddrs *one, int family)
{
    if (family == AF_INET)
        return &((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr;
    const struct in6_addr *address =
        &((const struct sockaddr_in6 *)(const void *)one->ifa_addr)->sin6_addr;

    return IN6_IS_ADDR_LINKLOCAL(address) ? NULL : (const void *)address;
}

static bool find(const struct ifaddrs *list, int family, char out[static OWN_ADDRESS_SIZE])
{
    for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next) {
        const void *bytes = is_usable(one, family) ? bytes_of(one, family) : NULL;

        if (bytes != NULL && inet_ntop(family, bytes, out, OWN_ADDRESS_SIZE) != NULL)
            return true;
    }
    return false;
}

void own_address_find(char out[static OWN_ADDRESS_SIZE])
{
    struct ifaddrs *list = NULL;

    out[0] = '\0';
    if (getifaddrs(&list) != 0)
        return;
    if (!find(list, AF_INET, out) && !find(list, AF_INET6, out))
        out[0] = '\0';
    freeifaddrs(list);
}
