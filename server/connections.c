#include "server/connections.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Of an IP socket; 0 of anything else. */
static int local_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } at;
    socklen_t size = sizeof at;

    if (getsockname(fd, &at.any, &size) != 0)
        return 0;
    if (at.any.sa_family == AF_INET)
        return ntohs(at.v4.sin_port);
    return at.any.sa_family == AF_INET6 ? ntohs(at.v6.sin6_port) : 0;
}

static bool has(int fd, int option, int value)
{
    int is = -1;

    return getsockopt(fd, SOL_SOCKET, option, &is, &(socklen_t){ sizeof is }) == 0 &&
           is == value;
}

int connections_on(int port)
{
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;
    int n = 0;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        int fd = atoi(entry->d_name); /* "." and "..": 0, which is no such socket */

        n += local_port(fd) == port && has(fd, SO_TYPE, SOCK_STREAM) &&
             has(fd, SO_ACCEPTCONN, 0);
    }
    if (folder != NULL)
        closedir(folder);
    return n;
}
