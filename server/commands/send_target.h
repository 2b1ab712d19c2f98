/* server/commands/send_target.h: a socket to a server of DogStatsD, for commands that send.
 *
 * Where: HOST:PORT, [V6]:PORT or unix:/PATH. A unix socket may be one of datagrams or, where
 * the command says frames of it, a stream. There send() waits while the queue is full, so
 * nothing is lost. UDP promises nothing, but the system says some time after the send when
 * nobody listens. */
#ifndef SERVER_COMMANDS_SEND_TARGET_H
#define SERVER_COMMANDS_SEND_TARGET_H

#include <stddef.h>

#include "config/address.h"
#include "config/settings.h"

struct send_target {
    const char *command; /* its name, for sentences */
    bool takes_streams;
    int fd;                           /* -1: there is none */
    char name[ADDRESS_HOST_MAX + 16]; /* for sentences */
    bool is_stream;
    int answer_ms; /* 0: nothing to wait for */
};

/* to: NULL: the UDP port of these settings on this machine. The exit status, with a sentence on
 * standard error. */
int send_target_open(struct send_target *target, const char *to,
                     const struct settings *settings);
void send_target_close(struct send_target *given);

/* One payload, whole; an empty one is nothing on a stream. False: errno says why. */
bool send_target_send(const struct send_target *target, const void *at, size_t len);

/* Whether the last datagram was taken, as far as the system says; else a sentence. */
bool send_target_was_taken(const struct send_target *target);

/* The sentence for an error of sending; EXIT_SYSTEM. */
int send_target_complain(const struct send_target *target, int error);

#endif
