#include "server/succession/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"

/* Returns the length of the address; 0: there is none. */
static socklen_t find_manager(struct sockaddr_un *address)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t len = path != NULL ? strlen(path) : 0;

    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (len < 2 || len >= sizeof address->sun_path || (path[0] != '/' && path[0] != '@'))
        return 0;
    memcpy(address->sun_path, path, len);
    if (path[0] == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/'));
}

static void attach(struct msghdr *message, char *control, size_t size, int fd)
{
    message->msg_control = control;
    message->msg_controllen = size;
    struct cmsghdr *head = CMSG_FIRSTHDR(message);

    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
}

/* fd: a descriptor that is sent along, or -1. */
static bool tell(const char *text, int fd)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct sockaddr_un address;
    socklen_t len = find_manager(&address);
    struct iovec part = { (void *)(uintptr_t)text, strlen(text) };
    struct msghdr message = {
        .msg_name = &address, .msg_namelen = len, .msg_iov = &part, .msg_iovlen = 1
    };

    if (len == 0)
        return false;
    if (fd >= 0)
        attach(&message, control, sizeof control, fd);
    int to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool told = to >= 0 && sendmsg(to, &message, MSG_NOSIGNAL) >= 0;

    if (to >= 0)
        close(to);
    if (!told)
        log_warn("server: NOTIFY_SOCKET: the service manager cannot be told");
    return told;
}

void notify_ready(void)
{
    tell("READY=1\n", -1);
}

void notify_reloading(void)
{
    char text[64];

    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\n",
             clock_monotonic_ns() / 1000);
    tell(text, -1);
}

void notify_stopping(void)
{
    tell("STOPPING=1\n", -1);
}

bool notify_has_store(void)
{
    const char *most = getenv("FDSTORE");
    struct sockaddr_un address;

    return most != NULL && strtol(most, NULL, 10) > 0 && find_manager(&address) > 0;
}

/* systemd is told not to watch the descriptor: it would close a socket that has an error. */
bool notify_store(int fd, const char *name)
{
    char text[128];

    snprintf(text, sizeof text, "FDSTORE=1\nFDNAME=%s\nFDPOLL=0\n", name);
    return tell(text, fd);
}

void notify_forget(const char *name)
{
    char text[128];

    snprintf(text, sizeof text, "FDSTOREREMOVE=1\nFDNAME=%s\n", name);
    tell(text, -1);
}
