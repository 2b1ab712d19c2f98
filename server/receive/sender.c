#include "server/receive/sender.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "server/receive/listener.h"

/* ---- one --------------------------------------------------------------- */

void sender_write(const struct sender *sender, char *out, size_t size)
{
    char address[INET6_ADDRSTRLEN] = "";
    bool is_v6 = sender->family == AF_INET6;

    if (sender->family == AF_UNIX && sender->pid == 0) {
        snprintf(out, size, "pid 0 (of another pid namespace)");
    } else if (sender->family == AF_UNIX) {
        snprintf(out, size, "pid %d", (int)sender->pid);
    } else if (sender->family == AF_UNSPEC) {
        snprintf(out, size, "unknown");
    } else {
        inet_ntop(sender->family, sender->address, address, sizeof address);
        snprintf(out, size, is_v6 ? "[%s]:%u" : "%s:%u", address, (unsigned)sender->port);
    }
}

void sender_write_address(const struct sender *sender, char *out, size_t size)
{
    out[0] = '\0';
    if (sender->family == AF_INET || sender->family == AF_INET6)
        (void)inet_ntop(sender->family, sender->address, out, (socklen_t)size);
}

struct sender sender_of_process(pid_t pid)
{
    return (struct sender){ .family = AF_UNIX, .pid = (int32_t)pid };
}

static struct sender of_v4(const struct in_addr *address, in_port_t port)
{
    struct sender sender = { .family = AF_INET, .port = ntohs(port) };

    memcpy(sender.address, address, sizeof *address);
    return sender;
}

static struct sender of_v6(const struct in6_addr *address, in_port_t port)
{
    struct sender sender = { .family = AF_INET6, .port = ntohs(port) };
    struct in_addr mapped;

    if (IN6_IS_ADDR_V4MAPPED(address)) {
        memcpy(&mapped, &address->s6_addr[12], sizeof mapped);
        return of_v4(&mapped, port);
    }
    memcpy(sender.address, address, sizeof *address);
    return sender;
}

struct sender sender_of_address(const struct sockaddr *address)
{
    const void *any = address;
    const struct sockaddr_in *v4 = any;
    const struct sockaddr_in6 *v6 = any;

    if (address->sa_family == AF_INET)
        return of_v4(&v4->sin_addr, v4->sin_port);
    if (address->sa_family == AF_INET6)
        return of_v6(&v6->sin6_addr, v6->sin6_port);
    return address->sa_family == AF_UNIX ? sender_of_process(0) : (struct sender){ 0 };
}

struct sender sender_of_batch(const struct batch *batch, bool is_unix)
{
    const union batch_address *from = batch_address(batch);
    pid_t pid;

    if (is_unix)
        return batch_sender(batch, &pid) ? sender_of_process(pid) : (struct sender){ 0 };
    return from != NULL ? sender_of_address(&from->any) : (struct sender){ 0 };
}

/* ---- who wants to know ------------------------------------------------- */

/* Unix datagram sockets are shared by all workers. One that is not told goes on as before. */
static void tell(const struct senders *senders, int wanted)
{
    const struct listeners *listeners = senders->listeners;

    for (size_t i = 0; listeners != NULL && !senders->always && i < listeners->n; i++)
        if (listener_traits(&listeners->at[i])->tells_senders)
            (void)setsockopt(listeners->at[i].sockets[0].fd, SOL_SOCKET, SO_PASSCRED, &wanted,
                             sizeof wanted);
}

void senders_init(struct senders *senders, const struct listeners *listeners,
                  const struct settings *settings)
{
    *senders = (struct senders){ .listeners = listeners,
                                 .always = settings->dogstatsd_origin_detection };
}

void senders_want(struct senders *senders)
{
    if (senders->of_processes++ == 0)
        tell(senders, 1);
    senders_want_addresses(senders);
}

void senders_want_no_more(struct senders *senders)
{
    if (--senders->of_processes == 0)
        tell(senders, 0);
    senders_want_no_addresses(senders);
}

void senders_want_addresses(struct senders *senders)
{
    (void)atomic_fetch_add_explicit(&senders->wanted, 1, memory_order_relaxed);
}

void senders_want_no_addresses(struct senders *senders)
{
    (void)atomic_fetch_sub_explicit(&senders->wanted, 1, memory_order_relaxed);
}
