#include "bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
    BURST = 64,
    SEGMENT_MAX_BYTES = 65000,     /* of one call; IP allows a little more */
    SEGMENT_FROM_RATE = 200000,    /* datagrams a second */
    STREAM_MAX_BYTES = 256 * 1024, /* of one write */
    STALL_SECONDS = 10,
    POLL_MS = 100,
};

/* A generator that was held up for longer does not make up for it: the burst
 * would put the blame on the receiver. */
static const double forgiven_seconds = 0.1;

static const double spin_seconds = 0.001;

double clock_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool pin_to_cpu(int cpu)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET((unsigned)cpu, &cpus);
    return cpu < 0 || sched_setaffinity(0, sizeof cpus, &cpus) == 0;
}

/* ---- addresses --------------------------------------------------------- */

bool load_way(const char *to, enum load_way *out)
{
    static const char *const prefixes[] = { "udp:", "unix:", "stream:" };

    for (int i = 0; i < 3; i++)
        if (strncmp(to, prefixes[i], strlen(prefixes[i])) == 0) {
            *out = (enum load_way)i;
            return true;
        }
    return false;
}

static socklen_t unix_address(const char *path, struct sockaddr_storage *out)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof address.sun_path)
        return 0;
    strcpy(address.sun_path, path);
    memcpy(out, &address, sizeof address);
    return sizeof address;
}

/* "127.0.0.1:8125" or "[::1]:8125". */
static socklen_t udp_address(const char *text, struct sockaddr_storage *out)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM,
                              .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV },
                    *found;
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[';
    char host[64];
    size_t length;
    socklen_t bytes;

    if (colon == NULL || (length = (size_t)(colon - text)) >= sizeof host)
        return 0;
    memcpy(host, text, length);
    host[length] = '\0';
    if (bracketed)
        host[length - 1] = '\0';
    if (getaddrinfo(host + bracketed, colon + 1, &hints, &found) != 0)
        return 0;
    memcpy(out, found->ai_addr, found->ai_addrlen);
    bytes = found->ai_addrlen;
    freeaddrinfo(found);
    return bytes;
}

static void remove_stale(const char *path)
{
    struct stat status;

    if (stat(path, &status) == 0 && S_ISSOCK(status.st_mode))
        unlink(path);
}

int load_socket(const char *to, bool listen, uint16_t *port)
{
    struct sockaddr_storage address = { 0 };
    enum load_way way = WAY_UDP;
    const char *rest = load_way(to, &way) ? strchr(to, ':') + 1 : "";
    socklen_t bytes =
        way == WAY_UDP ? udp_address(rest, &address) : unix_address(rest, &address);
    int fd, on_error;

    if (bytes == 0) {
        fprintf(stderr, "%s: not udp:HOST:PORT, unix:PATH or stream:PATH\n", to);
        return -1;
    }
    if (listen && way != WAY_UDP)
        remove_stale(rest);
    fd = socket(address.ss_family,
                (way == WAY_STREAM ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    on_error = fd < 0   ? -1
               : listen ? bind(fd, (struct sockaddr *)(void *)&address, bytes)
                        : connect(fd, (struct sockaddr *)(void *)&address, bytes);
    if (on_error != 0) {
        fprintf(stderr, "%s: %s\n", to, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    bytes = sizeof address;
    if (way == WAY_UDP && (listen ? getsockname : getpeername)(
                              fd, (struct sockaddr *)(void *)&address, &bytes) == 0)
        *port = ntohs(((struct sockaddr_in *)(void *)&address)->sin_port); /* same in v6 */
    return fd;
}

bool load_open(struct load *load, const char *to, const struct ring *ring)
{
    *load = (struct load){ .ring = ring };
    load_way(to, &load->way);
    load->fd = load_socket(to, false, &load->port);
    if (load->fd < 0)
        return false;
    setsockopt(load->fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){ .tv_sec = 1 },
               sizeof(struct timeval));
    return true;
}

void load_close(struct load *given)
{
    close(given->fd);
    given->fd = -1;
}

/* ---- sending ----------------------------------------------------------- */

/* One run under way. */
struct pace {
    double start, end; /* of the clock; start moves when time is forgiven */
    double rate, blocked;
    uint64_t lines, most_lines;
    bool segment;
};

static const struct payload *payload_at(const struct load *load, uint64_t position)
{
    return &load->ring->payloads[position % load->ring->n_payloads];
}

/* Payloads from the position on that lie in one piece and leave in one call,
 * as many as the ring, the call and the lines asked for allow. */
static unsigned next_run(const struct load *load, const struct pace *pace)
{
    const struct payload *first = payload_at(load, load->position);
    size_t left = load->ring->n_payloads - (size_t)(load->position % load->ring->n_payloads);
    size_t most = load->way == WAY_STREAM ? STREAM_MAX_BYTES : SEGMENT_MAX_BYTES, bytes = 0;
    uint64_t lines = pace->lines;
    unsigned count = 0;

    while (count < left && count < (load->way == WAY_STREAM ? 4096 : BURST)) {
        const struct payload *next = first + count;

        bytes += next->bytes;
        if (count > 0 && ((pace->segment && next->bytes != first->bytes) ||
                          ((pace->segment || load->way == WAY_STREAM) && bytes > most)))
            break;
        if (lines >= pace->most_lines)
            break;
        lines += next->lines;
        count++;
    }
    return count;
}

/* How many of the next payloads the clock has reached. */
static unsigned count_due(const struct load *load, const struct pace *pace, unsigned run,
                          double now)
{
    const struct payload *first = payload_at(load, load->position);
    double behind = (now - pace->start) * pace->rate - (double)pace->lines;
    unsigned due = 0;

    if (pace->rate <= 0)
        return run;
    while (due < run && behind > 0)
        behind -= first[due++].lines;
    return pace->segment && due < run ? 0 : due;
}

/* Waits for the clock: asleep when there is time for it, else spinning. */
static void wait_for_clock(const struct pace *pace, double now)
{
    double wait = pace->start + (double)pace->lines / pace->rate - now;

    if (wait > pace->end - now)
        wait = pace->end - now;
    if (wait > 300e-6) {
        wait -= 200e-6;
        nanosleep(
            &(struct timespec){ (time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9) },
            NULL);
    }
}

/* Each of these sends some of `count` payloads and returns how many; -1 with
 * errno, and then none was sent. */
static int send_segmented(const struct load *load, unsigned count)
{
    const struct payload *first = payload_at(load, load->position);
    uint16_t bytes = (uint16_t)first->bytes;
    struct iovec piece = { load->ring->text + first->at, (size_t)bytes * count };
    union {
        char room[CMSG_SPACE(sizeof bytes)];
        struct cmsghdr aligned;
    } control = { { 0 } };
    struct msghdr message = { .msg_iov = &piece,
                              .msg_iovlen = 1,
                              .msg_control = control.room,
                              .msg_controllen = sizeof control.room };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = IPPROTO_UDP;
    header->cmsg_type = UDP_SEGMENT;
    header->cmsg_len = CMSG_LEN(sizeof bytes);
    memcpy(CMSG_DATA(header), &bytes, sizeof bytes);
    return sendmsg(load->fd, &message, MSG_DONTWAIT) < 0 ? -1 : (int)count;
}

static int send_single(const struct load *load, unsigned count, int flags)
{
    const struct payload *first = payload_at(load, load->position);
    struct mmsghdr messages[BURST];
    struct iovec pieces[BURST];

    for (unsigned i = 0; i < count; i++) {
        pieces[i] = (struct iovec){ load->ring->text + first[i].at, first[i].bytes };
        messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &pieces[i], .msg_iovlen = 1 } };
    }
    return sendmmsg(load->fd, messages, count, flags);
}

/* False when the receiver read nothing for too long, or is gone. A receiver that
 * keeps up frees room within microseconds, sooner than a sleeping sender would be
 * woken; so there is no sleep until `since` is a while ago. */
static bool wait_for_receiver(const struct load *load, double since)
{
    double waited = clock_seconds() - since;

    if (waited >= spin_seconds)
        poll(&(struct pollfd){ .fd = load->fd, .events = POLLOUT }, 1, POLL_MS);
    if (waited < STALL_SECONDS)
        return true;
    errno = ETIMEDOUT;
    return false;
}

static bool may_retry(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == EINTR;
}

/* A frame that was begun is finished, whatever the clock says. */
static int send_stream(const struct load *load, struct pace *pace, unsigned count)
{
    const struct payload *first = payload_at(load, load->position), *last = first + count - 1;
    size_t bytes = last->at + last->bytes - first->at, done = 0;
    double since = 0; /* when room ran out; 0: there is room */

    while (done < bytes) {
        ssize_t sent = send(load->fd, load->ring->text + first->at + done, bytes - done,
                            MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent > 0) {
            done += (size_t)sent;
            if (since > 0)
                pace->blocked += clock_seconds() - since;
            since = 0;
            continue;
        }
        if (since <= 0)
            since = clock_seconds();
        if (!may_retry() || !wait_for_receiver(load, since))
            return -1;
    }
    return (int)count;
}

/* As above; after the while it waits inside the call, bounded by the socket's send
 * timeout: the kernel ends that sooner than a poll. */
static int send_waiting(const struct load *load, struct pace *pace, unsigned count)
{
    double before = clock_seconds(), waited = 0;
    int sent;

    do {
        sent = send_single(load, count, waited < spin_seconds ? MSG_DONTWAIT : 0);
        waited = clock_seconds() - before;
    } while (sent < 0 && may_retry() && waited < STALL_SECONDS);
    pace->blocked += waited;
    return sent;
}

static bool send_due(struct load *load, struct pace *pace, unsigned count)
{
    int sent;

    if (load->way == WAY_STREAM)
        sent = send_stream(load, pace, count);
    else if (pace->segment && count > 1)
        sent = send_segmented(load, count);
    else
        sent = send_single(load, count, MSG_DONTWAIT);
    if (sent < 0 && load->way != WAY_STREAM && may_retry())
        sent = send_waiting(load, pace, count);
    for (int i = 0; i < sent; i++)
        pace->lines += payload_at(load, load->position++)->lines;
    return sent >= 0;
}

static bool should_segment(const struct load *load, const struct load_order *order)
{
    double datagrams =
        order->lines_per_second * (double)load->ring->n_payloads / (double)load->ring->n_notes;

    if (load->way != WAY_UDP || order->segment == SEGMENT_OFF)
        return false;
    return order->segment == SEGMENT_ON || order->lines_per_second <= 0 ||
           datagrams > SEGMENT_FROM_RATE;
}

static bool limited(const struct load_order *order, const struct load_result *result)
{
    double needed = order->lines_per_second > 0
                        ? (double)result->totals.lines / order->lines_per_second
                        : 0;
    double behind = result->seconds - needed;

    return behind > result->seconds / 200 && result->blocked_seconds < behind / 2;
}

bool load_run(struct load *load, const struct load_order *order, struct load_result *out)
{
    double now = clock_seconds(), start = now;
    uint64_t from = load->position;
    struct pace pace = { .start = start,
                         .end = order->seconds > 0 ? start + order->seconds : HUGE_VAL,
                         .rate = order->lines_per_second,
                         .most_lines = order->lines > 0 ? order->lines : UINT64_MAX,
                         .segment = should_segment(load, order) };

    for (; now < pace.end && pace.lines < pace.most_lines; now = clock_seconds()) {
        double late = now - pace.start - (double)pace.lines / pace.rate;
        unsigned due;

        if (pace.rate > 0 && late > forgiven_seconds)
            pace.start += late;
        due = count_due(load, &pace, next_run(load, &pace), now);
        if (due == 0)
            wait_for_clock(&pace, now);
        else if (!send_due(load, &pace, due)) {
            fprintf(stderr, "sending stopped: %s\n", strerror(errno));
            return false;
        }
    }
    *out = (struct load_result){ .totals = ring_totals(load->ring, from, load->position),
                                 .seconds = now - start,
                                 .blocked_seconds = pace.blocked,
                                 .segmented = pace.segment };
    out->generator_limited = limited(order, out);
    return true;
}

void load_print(FILE *out, const struct load_result *result, const struct load_order *order,
                bool integral)
{
    fputc('{', out);
    totals_print(out, &result->totals, integral);
    fprintf(out, ",\"seconds\":%.6f,\"lines_per_s\":%.0f,\"asked_lines_per_s\":%.0f",
            result->seconds, (double)result->totals.lines / result->seconds,
            order->lines_per_second);
    fprintf(out, ",\"blocked_seconds\":%.3f,\"segmented\":%s,\"generator_limited\":%s}\n",
            result->blocked_seconds, result->segmented ? "true" : "false",
            result->generator_limited ? "true" : "false");
    fflush(out);
}
