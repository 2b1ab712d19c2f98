/* server/monitors/own_address.h: the address of this machine, for people to read. */
#ifndef SERVER_MONITORS_OWN_ADDRESS_H
#define SERVER_MONITORS_OWN_ADDRESS_H

enum { OWN_ADDRESS_SIZE = 64 };

/* That of the first interface that is up and no loopback, IPv4 before IPv6; empty: there is
 * none. */
void own_address_find(char out[static OWN_ADDRESS_SIZE]);

#endif
