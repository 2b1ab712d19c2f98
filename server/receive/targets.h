/* server/receive/targets.h: the UDP addresses that the settings say to receive on.
 *
 * Nothing is opened. A name among them is looked up, so this may take a while. */
#ifndef SERVER_RECEIVE_TARGETS_H
#define SERVER_RECEIVE_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "config/settings.h"

enum { UDP_LISTENERS_MAX = 64 };

/* One address to bind. */
struct udp_target {
    struct sockaddr_storage address;
    socklen_t len;
    bool optional; /* its absence is a warning: ::1 of "localhost" */
};

struct udp_targets {
    struct udp_target at[UDP_LISTENERS_MAX];
    size_t n;
};

/* Fills the empty list; port 0: the kernel chooses. False with a sentence. */
bool udp_targets_find(struct udp_targets *targets, const struct settings *settings,
                      char *problem, size_t problem_size);

void udp_target_set_port(struct udp_target *target, int port);
int udp_port_of(const struct sockaddr_storage *address);

/* Whether what is sent to that address comes in at one of the targets: one of them has the same
 * address, or one of them receives on all addresses and this one is the machine's. */
bool udp_targets_receive(const struct udp_targets *targets, const struct sockaddr_storage *to);

/* Whether a port on 127.0.0.1 that is among them is missing on ::1, which this machine has: a
 * client for which "localhost" is ::1 sends into nothing. */
bool udp_targets_miss_v6(const struct udp_targets *targets);

#endif
