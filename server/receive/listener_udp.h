/* server/receive/listener_udp.h: listeners on UDP addresses.
 *
 * Each worker has a socket of its own on the address (SO_REUSEPORT), so that the
 * kernel spreads the flows (heeler_spread: random spreads the datagrams) and
 * workers share nothing. The first socket binds
 * exclusively and only then allows siblings: a second server on the address is
 * told "in use" instead of silently taking half of the flows. */
#ifndef SERVER_RECEIVE_LISTENER_UDP_H
#define SERVER_RECEIVE_LISTENER_UDP_H

#include "server/receive/listener.h"
#include "server/receive/targets.h"

/* Puts the UDP listeners that the settings ask for into the empty `listeners`,
 * which has room for UDP_LISTENERS_MAX. False with a sentence; then it is empty. */
bool udp_listeners_open(struct listeners *listeners, const struct settings *settings,
                        uint32_t workers, char *problem, size_t problem_size);

/* Where those that are open receive, with the ports that the kernel chose. */
void udp_listeners_bound(const struct listeners *listeners, struct udp_targets *out);

#endif
