#include "tests/support/raw_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/clock.h"

#define WAIT_NS INT64_C(60000000000)

/* Turns in which nothing came any more: the loopback needs none, but a turn may only have
 * accepted or read. */
enum { QUIET_TURNS = 4 };

int raw_connect(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    return fd;
}

void raw_send(int fd, const char *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

void raw_say(int fd, const char *text)
{
    raw_send(fd, text, strlen(text));
}

void raw_turn(struct event_base *base)
{
    for (int i = 0; i < QUIET_TURNS; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
}

bool raw_is_readable(int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

    return poll(&poll_fd, 1, 0) > 0;
}

static void take(struct raw_answer *out, const char *bytes, size_t n)
{
    size_t full = sizeof out->text - 1, at = out->len < full ? out->len : full;

    memcpy(out->text + at, bytes, n < full - at ? n : full - at);
    out->len += n;
}

static void look_at(struct raw_answer *out)
{
    const char *body = strstr(out->text, "\r\n\r\n");

    if (strncmp(out->text, "HTTP/1.", 7) == 0)
        out->status = atoi(out->text + 9);
    if (body != NULL)
        out->body_len = out->len - (size_t)(body + 4 - out->text);
}

static void nothing(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what, (void)argument;
}

/* A turn of the loop. As long as nothing came it may wait, until something does or the loop has
 * work, a millisecond at most. */
static void turn(struct event_base *base, int fd, bool may_wait)
{
    static const struct timeval millisecond = { 0, 1000 };
    struct event *readable = event_new(base, fd, EV_READ, nothing, NULL);

    if (may_wait)
        event_add(readable, &millisecond);
    event_base_loop(base, may_wait ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
    event_free(readable);
}

void raw_read(struct event_base *base, int fd, struct raw_answer *out)
{
    static char bytes[64 * 1024];
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_NS;
    int quiet = 0;

    *out = (struct raw_answer){ .status = 0 };
    while (!out->closed && quiet < QUIET_TURNS) {
        turn(base, fd, out->len == 0);
        ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

        if (n > 0)
            take(out, bytes, (size_t)n);
        out->closed = n == 0 || (n < 0 && errno == ECONNRESET);
        quiet = n < 0 && out->len > 0 ? quiet + 1 : 0;
        if (clock_monotonic_ns() > deadline_ns)
            fail_msg("no answer");
    }
    look_at(out);
}

int raw_ask(struct event_base *base, int port, const char *bytes, size_t len,
            struct raw_answer *out)
{
    int fd = raw_connect(port);

    raw_send(fd, bytes, len);
    raw_read(base, fd, out);
    close(fd);
    return out->status;
}
