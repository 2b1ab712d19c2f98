#include "server/receive/gro.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

bool gro_is_asked(int fd)
{
    int asked = 0;

    return getsockopt(fd, SOL_UDP, UDP_GRO, &asked, &(socklen_t){ sizeof asked }) == 0 &&
           asked != 0;
}

bool gro_ask(int fd)
{
    return setsockopt(fd, SOL_UDP, UDP_GRO, &(int){ 1 }, sizeof(int)) == 0 && gro_is_asked(fd);
}

bool gro_end(int fd)
{
    struct pollfd waits = { .fd = fd, .events = POLLIN };

    if (setsockopt(fd, SOL_UDP, UDP_GRO, &(int){ 0 }, sizeof(int)) != 0)
        return false;
    if (poll(&waits, 1, 0) == 0)
        return true;
    (void)gro_ask(fd);
    return false;
}
