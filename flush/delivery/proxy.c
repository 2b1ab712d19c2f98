#include "flush/delivery/proxy.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 256, ADDRESS_BYTES = 16 };

struct place {
    char host[HOST_MAX]; /* without brackets and a dot at the end */
    char with_port[HOST_MAX + 8];
    bool https;
};

/* ---- the URL ----------------------------------------------------------- */

static void copy_host(char out[HOST_MAX], const char *host)
{
    size_t len = strlen(host);

    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    } else if (len > 1 && host[len - 1] == '.') {
        len--;
    }
    snprintf(out, HOST_MAX, "%.*s", (int)len, host);
}

static bool read_place(const char *url, struct place *out)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    bool read = parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;

    if (read) {
        copy_host(out->host, host);
        out->https = strcmp(scheme, "https") == 0;
        snprintf(out->with_port, sizeof out->with_port, "%s:%.6s", out->host, port);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parsed);
    return read;
}

/* ---- addresses --------------------------------------------------------- */

/* IPv4 as the last four of sixteen bytes, so that both kinds compare alike. */
static bool read_address(const char *text, unsigned char out[ADDRESS_BYTES], int *bits)
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

    memcpy(out, mapped, sizeof mapped);
    *bits = 32;
    if (inet_pton(AF_INET, text, out + sizeof mapped) == 1)
        return true;
    *bits = 128;
    return inet_pton(AF_INET6, text, out) == 1;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, int bits)
{
    int whole = bits / 8, rest = bits % 8;

    return memcmp(a, b, (size_t)whole) == 0 &&
           (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

static bool in_block(const char *host, const char *block)
{
    unsigned char address[ADDRESS_BYTES], network[ADDRESS_BYTES];
    char text[64];
    const char *slash = strchr(block, '/');
    char *end;
    int bits, width;

    if (slash == NULL || (size_t)(slash - block) >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)(slash - block), block);
    long prefix = strtol(slash + 1, &end, 10);

    if (end == slash + 1 || *end != '\0' || !read_address(host, address, &width) ||
        !read_address(text, network, &bits) || bits != width || prefix < 0 || prefix > bits)
        return false;
    return same_bits(address, network, ADDRESS_BYTES * 8 - bits + (int)prefix);
}

static bool is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           in_block(host, "127.0.0.0/8");
}

/* ---- matching ---------------------------------------------------------- */

/* "example.com" and ".example.com" match what is below, the first itself too. */
static bool is_below(const char *host, const char *domain)
{
    size_t host_len = strlen(host), len;

    if (domain[0] == '*' && domain[1] == '.')
        domain++;
    len = strlen(domain);
    if (len == 0 || host_len < len || strcasecmp(host + host_len - len, domain) != 0)
        return false;
    return domain[0] == '.' ? host_len > len
                            : host_len == len || host[host_len - len - 1] == '.';
}

static bool matches(const struct place *place, const char *entry, bool nonexact)
{
    if (strcasecmp(entry, place->host) == 0 || strcasecmp(entry, place->with_port) == 0)
        return true;
    if (!nonexact)
        return false;
    if (strcmp(entry, "*") == 0 || in_block(place->host, entry))
        return true;
    return is_below(place->host, entry) || is_below(place->with_port, entry);
}

const char *proxy_choose(const struct proxy_config *config, const char *url)
{
    struct place place;

    if (!read_place(url, &place) || is_loopback(place.host))
        return NULL;
    for (size_t i = 0; i < config->n_no_proxy; i++)
        if (matches(&place, config->no_proxy[i], config->nonexact))
            return NULL;
    const char *proxy = place.https ? config->https : config->http;

    return proxy != NULL && proxy[0] != '\0' ? proxy : NULL;
}

bool proxy_is_fit(const char *proxy)
{
    static const char *const kinds[] = { "http",    "https",  "socks4",
                                         "socks4a", "socks5", "socks5h" };
    CURLU *parsed = curl_url();
    char *scheme = NULL, *host = NULL;
    bool fit = false;

    if (parsed != NULL &&
        curl_url_set(parsed, CURLUPART_URL, proxy,
                     CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK)
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
            fit = fit || strcasecmp(scheme, kinds[i]) == 0;
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parsed);
    return fit;
}
