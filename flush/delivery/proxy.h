/* flush/delivery/proxy.h: through which proxy a URL is reached, by the Agent's rules.
 *
 * The scheme of the URL chooses the proxy. An entry of no_proxy is a host or
 * host:port and matches exactly; with nonexact also ".domain" and "domain" (and
 * all below it), "*", an address or a CIDR block. A loopback address or the name
 * localhost never goes through a proxy. Pure. */
#ifndef FLUSH_DELIVERY_PROXY_H
#define FLUSH_DELIVERY_PROXY_H

#include <stdbool.h>
#include <stddef.h>

struct proxy_config {
    const char *http, *https;    /* URLs; NULL or empty: none */
    const char *const *no_proxy; /* n_no_proxy of them */
    size_t n_no_proxy;
    bool nonexact;
};

/* A URL, or host:port, of a kind of proxy that there is. */
bool proxy_is_fit(const char *proxy);

/* NULL: none. A text of config. */
const char *proxy_choose(const struct proxy_config *config, const char *url);

#endif
