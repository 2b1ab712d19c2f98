/* tests/support/udp.h: plain UDP sockets on loopback. All fail the test rather
 * than return an error; the caller closes. */
#ifndef TESTS_SUPPORT_UDP_H
#define TESTS_SUPPORT_UDP_H

/* A socket connected to a listener by its name: "udp 127.0.0.1:1" "udp [::1]:1". */
int udp_sender(const char *listener);

/* One datagram of this text; waits while the socket is full. */
void udp_send(int fd, const char *text);

/* A socket of the kernel's port on 127.0.0.1. */
int udp_receiver(int *port);

#endif
