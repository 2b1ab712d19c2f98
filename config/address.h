/* config/address.h: "host:port" and "[v6]:port" taken apart. Nothing is looked up. */
#ifndef CONFIG_ADDRESS_H
#define CONFIG_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

enum { ADDRESS_HOST_MAX = 256 }; /* room for any host that is accepted, with its NUL */

/* The host without brackets, and a port of 0 (the kernel chooses) to 65535. False
 * leaves both as they were: no host, no port, bad characters, a v6 address
 * without brackets, or a host too long for the room given. */
bool address_split(const char *text, char *host, size_t host_size, int *port);

#endif
