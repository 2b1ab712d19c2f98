#include "config/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* One to five digits and nothing else. */
static bool parse_port(const char *text, int *port)
{
    int value = 0;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    for (; *text != '\0'; text++)
        value = value * 10 + (*text - '0');
    *port = value;
    return value <= 65535;
}

/* A name or a v4 address, by its characters only. */
static bool is_name(const char *host)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.";

    return host[0] != '\0' && host[strspn(host, allowed)] == '\0';
}

/* A v6 address, perhaps with a zone ("fe80::1%eth0"). */
static bool is_v6(const char *host)
{
    struct in6_addr ignored;
    size_t len = strcspn(host, "%");
    char address[INET6_ADDRSTRLEN];

    if (len >= sizeof address || (host[len] == '%' && !is_name(host + len + 1)))
        return false;
    memcpy(address, host, len);
    address[len] = '\0';
    return inet_pton(AF_INET6, address, &ignored) == 1;
}

bool address_split(const char *text, char *host, size_t host_size, int *port)
{
    const char *colon = strrchr(text, ':');
    bool brackets = text[0] == '[';
    char copy[ADDRESS_HOST_MAX];
    int number;

    if (colon == NULL || !parse_port(colon + 1, &number))
        return false;
    size_t len = (size_t)(colon - text);
    if (brackets && (len < 2 || text[len - 1] != ']'))
        return false;
    if (brackets) {
        text++;
        len -= 2;
    }
    if (len >= sizeof copy || len >= host_size)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (brackets ? !is_v6(copy) : !is_name(copy))
        return false;
    memcpy(host, copy, len + 1);
    *port = number;
    return true;
}

const char *address_path(const char *text)
{
    static const char *const schemes[] = { "unix:///", "unix:/" };

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t len = strlen(schemes[i]);

        if (strncmp(text, schemes[i], len) != 0)
            continue;
        const char *path = text + len - 1;
        size_t path_len = strlen(path);
        return path_len > 1 && path_len <= ADDRESS_PATH_MAX ? path : NULL;
    }
    return NULL;
}

bool address_is_local(const char *text)
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    char host[ADDRESS_HOST_MAX];
    struct in6_addr v6;
    struct in_addr v4;
    int port;

    if (address_path(text) != NULL)
        return true;
    if (!address_split(text, host, sizeof host, &port))
        return false;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6) || (memcmp(v6.s6_addr, mapped, sizeof mapped) == 0 &&
                                             v6.s6_addr[12] == IN_LOOPBACKNET);
    return strcasecmp(host, "localhost") == 0;
}
