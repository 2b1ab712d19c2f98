#include "tests/support/udp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int udp_sender(const char *listener)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    uint16_t port = htons((uint16_t)atoi(strrchr(listener, ':') + 1));
    int is_v6 = strchr(listener, '[') != NULL;
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    v4.sin_port = v6.sin6_port = port;
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
                             is_v6 ? sizeof v6 : sizeof v4),
                     0);
    return fd;
}

int udp_sender_from(const char *address, const char *listener)
{
    struct sockaddr_in own = { .sin_family = AF_INET };
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    to.sin_port = htons((uint16_t)atoi(strrchr(listener, ':') + 1));
    assert_true(fd >= 0);
    assert_int_equal(inet_pton(AF_INET, address, &own.sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void udp_send(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
}

void udp_send_segments(int fd, const char *bytes, size_t len, int segment)
{
    assert_int_equal(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment), 0);
    assert_int_equal(send(fd, bytes, len, 0), len);
    assert_int_equal(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &(int){ 0 }, sizeof(int)), 0);
}

void udp_need_coalescing(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int can = setsockopt(fd, SOL_UDP, UDP_SEGMENT, &(int){ 0 }, sizeof(int)) == 0 &&
              setsockopt(fd, SOL_UDP, UDP_GRO, &(int){ 1 }, sizeof(int)) == 0 &&
              getsockopt(fd, SOL_UDP, UDP_GRO, &(int){ 0 }, &(socklen_t){ sizeof(int) }) == 0;

    close(fd);
    if (can)
        return;
    print_message("this kernel has no UDP_SEGMENT or no UDP_GRO\n");
    skip();
}

int udp_receiver(int *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return fd;
}
