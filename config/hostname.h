/* config/hostname.h: the name of this host, as the intake will know it. */
#ifndef CONFIG_HOSTNAME_H
#define CONFIG_HOSTNAME_H

#include "config/problems.h"
#include "config/settings.h"

enum { HOSTNAME_SIZE = 256 }; /* room for any valid name, with its NUL */

/* The setting hostname, else the first line of hostname_file, else the full name if
 * hostname_fqdn, else the system's. *how is static: "from the setting hostname".
 * A configured name that is not usable is an error (false); for the system's
 * there is only a warning. May wait for the resolver if hostname_fqdn. */
bool hostname_find(const struct settings *settings, char *out, size_t size, const char **how,
                   struct problems *problems);

/* NULL if it may be one, else why not: "is longer than 255 bytes". As the Agent
 * sees it: RFC 1123 letters, digits, hyphens and dots, and no name of localhost. */
const char *hostname_fault(const char *name);

/* Whether the name is one that a container got and nobody chose: it has no setting, and looks
 * like the id of a container, or this is one (by the marks of Docker, Podman and Kubernetes,
 * looked for below root: ""). */
bool hostname_is_of_container(const struct settings *settings, const char *name,
                              const char *root);

#endif
