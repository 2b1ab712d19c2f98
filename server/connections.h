/* server/connections.h: how many TCP connections this process has accepted on a port.
 *
 * libevent's HTTP server tells nobody when a connection ends that never asked for
 * anything, so there is nothing to count up and down: the descriptors that are open
 * are looked at instead. A system call for each, so for rare moments only. */
#ifndef SERVER_CONNECTIONS_H
#define SERVER_CONNECTIONS_H

/* The listening socket does not count. 0 where there is no /proc. */
int connections_on(int port);

#endif
