/* config/address.h: "host:port", "[v6]:port" and "unix:/path" taken apart. Nothing is looked
 * up. */
#ifndef CONFIG_ADDRESS_H
#define CONFIG_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

enum { ADDRESS_HOST_MAX = 256 }; /* room for any host that is accepted, with its NUL */

/* The host without brackets, and a port of 0 (the kernel chooses) to 65535. False
 * leaves both as they were: no host, no port, bad characters, a v6 address
 * without brackets, or a host too long for the room given. */
bool address_split(const char *text, char *host, size_t host_size, int *port);

enum { ADDRESS_PATH_MAX = 107 }; /* the longest that fits into a sockaddr_un */

/* The path of "unix:/path" or "unix:///path", a view. NULL: it is none, or too long. */
const char *address_path(const char *text);

/* Whether only this machine reaches what is bound there: a loopback address, localhost or the
 * path of a unix socket. */
bool address_is_local(const char *text);

#endif
