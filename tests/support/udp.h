/* tests/support/udp.h: plain UDP sockets on loopback. All fail the test rather
 * than return an error; the caller closes. */
#ifndef TESTS_SUPPORT_UDP_H
#define TESTS_SUPPORT_UDP_H

#include <stddef.h>

/* A socket connected to a listener by its name: "udp 127.0.0.1:1" "udp [::1]:1". */
int udp_sender(const char *listener);

/* The same of IPv4, from another address of the loopback: "127.0.0.2". */
int udp_sender_from(const char *address, const char *listener);

/* One datagram of this text; waits while the socket is full. */
void udp_send(int fd, const char *text);

/* Datagrams of so many bytes, of which the last may be shorter, in one call (UDP_SEGMENT). */
void udp_send_segments(int fd, const char *bytes, size_t len, int segment);

/* Skips the test, with a sentence, where the kernel does not know that or cannot coalesce it.
 */
void udp_need_coalescing(void);

/* A socket of the kernel's port on 127.0.0.1. */
int udp_receiver(int *port);

#endif
