/* server/receive/host_addresses.h: the address that each host was seen to send from last.
 *
 *   workers' boxes (sighting.h) ──┐
 *   what is posted to the API ────┴─► host -> sender ──► {{host.ip}} of a monitor's message
 *
 * Nothing is asked, looked at or remembered while nobody wants it. It knows HOST_ADDRESSES_MAX
 * hosts: beyond that the one that was not seen for longest goes. On the desk's thread. */
#ifndef SERVER_RECEIVE_HOST_ADDRESSES_H
#define SERVER_RECEIVE_HOST_ADDRESSES_H

#include "server/receive/sighting.h"

enum { HOST_ADDRESSES_MAX = 20000 };

struct host_addresses;

/* The boxes, one a worker, and the senders outlive it. NULL without memory. */
struct host_addresses *host_addresses_new(struct senders *senders, struct sighting_box *boxes,
                                          uint32_t workers);
void host_addresses_free(struct host_addresses *given); /* NULL is fine */

/* Whether somebody wants them from now on; who wants no more forgets them all. */
void host_addresses_want(struct host_addresses *addresses, bool wanted);
bool host_addresses_are_wanted(const struct host_addresses *addresses);

/* Takes what the workers have seen. */
void host_addresses_gather(struct host_addresses *addresses);

/* A host, by the machine that says so; nothing while nobody wants it. */
void host_addresses_note(struct host_addresses *addresses, struct slice host,
                         const struct sender *sender);

/* A view, until the next of these calls. NULL: it was not seen. */
const struct sender *host_addresses_find(const struct host_addresses *addresses,
                                         struct slice host);

#endif
