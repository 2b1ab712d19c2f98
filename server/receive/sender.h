/* server/receive/sender.h: who sent a datagram or a frame.
 *
 *   UDP          the address and port that it came from
 *   unix         the process, by its pid; 0: one of another pid namespace
 *
 * To tell that costs the kernel and the worker a little with each datagram, so it is asked for
 * only while somebody wants to know: tail and top, which run on the desk's thread. There is one
 * word for all of them, and each worker reads it once a batch:
 *
 *   desk    senders_want() ──► wanted ──► worker: batch_ask(), and sender_of_batch()
 *           └► SO_PASSCRED of the unix sockets, at once
 *
 * What was in a queue before that has no sender. Who wants addresses alone (sighting.h) leaves
 * the unix sockets as they are. */
#ifndef SERVER_RECEIVE_SENDER_H
#define SERVER_RECEIVE_SENDER_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "flush/memory/own_lines.h"
#include "server/receive/batch.h"

struct listeners;
struct settings;

/* All zero: nobody knows. Equal ones are equal bytes. */
struct sender {
    uint16_t family;     /* AF_UNSPEC, AF_UNIX, AF_INET or AF_INET6 */
    uint16_t port;       /* of the two latter, in the order of this machine */
    int32_t pid;         /* of AF_UNIX */
    uint8_t address[16]; /* in the order of the network; AF_INET has four bytes */
};

/* "pid 4711", "pid 0 (of another pid namespace)", "127.0.0.1:53211", "[::1]:53211", "unknown";
 * cut where it is too long, which 64 bytes never are. */
void sender_write(const struct sender *sender, char *out, size_t size);

/* The address alone: "127.0.0.1", "::1"; empty where there is none. */
void sender_write_address(const struct sender *sender, char *out, size_t size);

/* Of what batch_next() showed, by what the kernel said with it. An IPv4 address that came by an
 * IPv6 socket is AF_INET. */
struct sender sender_of_batch(const struct batch *batch, bool is_unix);
struct sender sender_of_process(pid_t pid);

/* The peer of a socket; of a unix one a process that is not known. */
struct sender sender_of_address(const struct sockaddr *address);

/* ---- who wants to know ------------------------------------------------- */

/* One for all workers, longer there than they are. Alone on its line: workers read it. */
struct senders {
    _Alignas(OWN_LINE) _Atomic(uint32_t) wanted;
    const struct listeners *listeners; /* NULL: none is to be told */
    uint32_t of_processes;             /* so many of them want these too; the desk's */
    bool always; /* dogstatsd_origin_detection: the sockets are never told to stop */
};

/* The listeners outlive it. */
void senders_init(struct senders *senders, const struct listeners *listeners,
                  const struct settings *settings);

/* One more wants to know; one less. All of one thread: the desk's. */
void senders_want(struct senders *senders);
void senders_want_no_more(struct senders *senders);

/* The same, but for the processes behind unix sockets. */
void senders_want_addresses(struct senders *senders);
void senders_want_no_addresses(struct senders *senders);

/* Relaxed: it is a wish, and nothing else is read by it. */
static inline bool senders_are_wanted(const struct senders *senders)
{
    return atomic_load_explicit(&senders->wanted, memory_order_relaxed) != 0;
}

#endif
