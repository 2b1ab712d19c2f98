#include "bench/sink.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench/load.h"

enum { BATCH = 64, DATAGRAM_ROOM = 65536, STREAM_ROOM = 256 * 1024 };

struct sink {
    int fd;
    uint64_t reads, datagrams, bytes;
    char *room; /* BATCH buffers */
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

/* A signal that comes just before a blocking read is seen at the next timeout. */
static void let_reads_end(int fd)
{
    struct timeval limit = { .tv_usec = 200000 };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

static void discard_datagrams(struct sink *sink)
{
    struct mmsghdr messages[BATCH] = { 0 };
    struct iovec pieces[BATCH];

    for (size_t i = 0; i < BATCH; i++) {
        pieces[i] = (struct iovec){ sink->room + i * DATAGRAM_ROOM, DATAGRAM_ROOM };
        messages[i].msg_hdr = (struct msghdr){ .msg_iov = &pieces[i], .msg_iovlen = 1 };
    }
    while (!stopped) {
        int received = recvmmsg(sink->fd, messages, BATCH, MSG_WAITFORONE, NULL);

        sink->reads++;
        for (int i = 0; i < received; i++)
            sink->bytes += messages[i].msg_len;
        sink->datagrams += received > 0 ? (uint64_t)received : 0;
    }
}

static void discard_streams(struct sink *sink)
{
    while (!stopped) {
        int fd = accept4(sink->fd, NULL, NULL, SOCK_CLOEXEC);
        ssize_t got;

        if (fd < 0)
            continue;
        let_reads_end(fd);
        while (!stopped && ((got = read(fd, sink->room, STREAM_ROOM)) > 0 ||
                            (got < 0 && (errno == EAGAIN || errno == EINTR)))) {
            sink->reads++;
            sink->bytes += got > 0 ? (uint64_t)got : 0;
        }
        close(fd);
    }
}

static void print_counts(const struct sink *sink)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    printf("{\"datagrams\":%llu,\"bytes\":%llu,\"reads\":%llu,\"cpu_seconds\":%.3f}\n",
           (unsigned long long)sink->datagrams, (unsigned long long)sink->bytes,
           (unsigned long long)sink->reads,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    fflush(stdout);
}

bool sink_run(const char *at, int receive_buffer_bytes)
{
    struct sink sink = { 0 };
    enum load_way way;
    uint16_t port = 0;

    sink.fd = load_socket(at, true, &port);
    if (sink.fd < 0)
        return false;
    sink.room = malloc(BATCH * (size_t)DATAGRAM_ROOM);
    if (sink.room == NULL) {
        close(sink.fd);
        return false;
    }
    load_way(at, &way);
    /* Only root may go beyond net.core.rmem_max. */
    if (receive_buffer_bytes > 0 && setsockopt(sink.fd, SOL_SOCKET, SO_RCVBUFFORCE,
                                               &receive_buffer_bytes, sizeof(int)) != 0)
        setsockopt(sink.fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(int));
    let_reads_end(sink.fd);
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    if (way == WAY_UDP)
        fprintf(stderr, "listening on udp port %u\n", port);
    if (way == WAY_STREAM && listen(sink.fd, 16) == 0)
        discard_streams(&sink);
    else
        discard_datagrams(&sink);
    print_counts(&sink);
    free(sink.room);
    close(sink.fd);
    return true;
}
