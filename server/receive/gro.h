/* server/receive/gro.h: datagrams that the kernel gives many at once (UDP_GRO, heeler_udp_gro).
 *
 * Where a sender gives the kernel many datagrams of one length in one call, or a network card
 * puts together what came in a row, the kernel can leave them together: it queues, and charges,
 * one buffer instead of some forty, and gives it with the length of a datagram beside it. Only
 * a socket with the option is given such buffers, and only while it has the option that length
 * is told; so the option is cleared at an empty socket alone. Needs Linux 5.8. */
#ifndef SERVER_RECEIVE_GRO_H
#define SERVER_RECEIVE_GRO_H

#include <stdbool.h>

/* False with errno: the kernel cannot, and goes on giving single datagrams. */
bool gro_ask(int fd);

/* Whether the socket has the option, be it from the server before this one. */
bool gro_is_asked(int fd);

/* To be called when the UDP socket has just been read empty. False: something came before the
 * option was off, so it is still on. Read again, and try again. */
bool gro_end(int fd);

#endif
