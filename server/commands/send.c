/* heeler send: DogStatsD lines from a shell.
 *
 * Each line is a datagram, sent as it is given; {random} in a line is replaced by a
 * whole number of --random's range. UDP promises nothing, but the system says when
 * nobody listens: that is told, and the status is 1. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "config/address.h"
#include "config/clock.h"
#include "protocol/number.h"
#include "server/commands/commands.h"

enum { LINE_BYTES_MAX = 8192 };

/* How long we wait for the other end to say that nobody listens. On this machine that comes
 * with the send. */
enum { ANSWER_MS = 100, ANSWER_HERE_MS = 10 };

struct sending {
    int fd;
    char to[ADDRESS_HOST_MAX + 16]; /* for sentences */
    int answer_ms;     /* 0: nothing to wait for, as a full queue blocks the sender */
    int64_t count;     /* how many times all lines are sent */
    double rate;       /* rounds a second; 0: as fast as it goes */
    int64_t low, high; /* of {random} */
    bool random;
    char **lines;
    int n_lines;
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "heeler send: %s: %s\n", what, why);
    return EXIT_SETTINGS;
}

/* ---- options ----------------------------------------------------------- */

static bool read_count(const char *text, int64_t *out)
{
    return number_int64(slice_of(text), out) && *out >= 1;
}

static bool read_range(const char *text, struct sending *out)
{
    struct slice rest = slice_of(text);
    struct slice low = slice_cut(&rest, ':');

    out->random =
        number_int64(low, &out->low) && number_int64(rest, &out->high) && out->low <= out->high;
    return out->random;
}

/* Reads an option of ours and its value. False: there is no such option, or its value is bad.
 */
static bool read_option(const char *name, const char *value, struct sending *out,
                        const char **to)
{
    if (strcmp(name, "--count") == 0)
        return read_count(value, &out->count);
    if (strcmp(name, "--rate") == 0)
        return number_double(slice_of(value), &out->rate) && out->rate >= 0;
    if (strcmp(name, "--random") == 0)
        return read_range(value, out);
    if (strcmp(name, "--to") == 0)
        *to = value;
    return strcmp(name, "--to") == 0;
}

static bool read_words(struct command_line *line, struct sending *out, const char **to)
{
    for (int i = 0; i < line->n_rest; i++) {
        char *word = line->rest[i];
        if (strncmp(word, "--", 2) != 0) {
            out->lines[out->n_lines++] = word;
            continue;
        }
        if (i + 1 == line->n_rest || !read_option(word, line->rest[i + 1], out, to)) {
            complain(word, i + 1 == line->n_rest
                               ? "needs a value behind it"
                               : "is unknown or has a bad value (see heeler help send)");
            return false;
        }
        i++;
    }
    return true;
}

/* ---- sending ----------------------------------------------------------- */

static const char *reason(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return "nobody listens there";
    case EPROTOTYPE:
        return "is no datagram socket";
    default:
        return strerror(error);
    }
}

/* send() waits while the queue is full, so nothing is lost. Returns the exit status. */
static int connect_to_path(struct sending *sending, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (path[0] == '\0' || strlen(path) >= sizeof address.sun_path)
        return complain("--to", "a path of a unix socket has 1 to 107 bytes");
    strcpy(address.sun_path, path);
    snprintf(sending->to, sizeof sending->to, "%s", path);
    sending->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sending->fd >= 0 &&
        connect(sending->fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return EXIT_OK;
    complain(path, reason(errno));
    return EXIT_SYSTEM;
}

static bool is_here(const struct sockaddr *at)
{
    if (at->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)at)->sin6_addr);
    return ntohl(((const struct sockaddr_in *)at)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* The exit status. */
static int connect_to(struct sending *sending, const char *to, const struct settings *settings)
{
    char host[ADDRESS_HOST_MAX] = "127.0.0.1", text[16];
    int port = settings->dogstatsd_port > 0 ? settings->dogstatsd_port : 8125;
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *found;

    if (to != NULL && strncmp(to, "unix:", 5) == 0)
        return connect_to_path(sending, to + (strncmp(to, "unix://", 7) == 0 ? 7 : 5));
    if (to != NULL && !address_split(to, host, sizeof host, &port))
        return complain("--to", "an address is HOST:PORT, [V6]:PORT or unix:/PATH");
    snprintf(text, sizeof text, "%d", port);
    int error = getaddrinfo(host, text, &hints, &found);
    if (error != 0) {
        complain(host, gai_strerror(error));
        return EXIT_SYSTEM;
    }
    sending->fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sending->answer_ms = is_here(found->ai_addr) ? ANSWER_HERE_MS : ANSWER_MS;
    snprintf(sending->to, sizeof sending->to, strchr(host, ':') != NULL ? "[%s]:%d" : "%s:%d",
             host, port);
    bool connected =
        sending->fd >= 0 && connect(sending->fd, found->ai_addr, found->ai_addrlen) == 0;
    if (!connected)
        complain(host, strerror(errno));
    freeaddrinfo(found);
    return connected ? EXIT_OK : EXIT_SYSTEM;
}

static int64_t draw(const struct sending *sending)
{
    uint64_t bits = 0, span = (uint64_t)sending->high - (uint64_t)sending->low + 1;

    if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        bits = (uint64_t)clock_monotonic_ns();
    return (int64_t)((uint64_t)sending->low + (span != 0 ? bits % span : bits));
}

/* The line with every {random} replaced; its length, 0 when it is too long. */
static size_t fill_in(const struct sending *sending, const char *line, char out[LINE_BYTES_MAX])
{
    static const char mark[] = "{random}";
    size_t used = 0;

    while (*line != '\0') {
        char number[24];
        const char *piece = line;
        size_t len = 1;
        if (sending->random && strncmp(line, mark, sizeof mark - 1) == 0) {
            len = (size_t)snprintf(number, sizeof number, "%lld", (long long)draw(sending));
            piece = number;
            line += sizeof mark - 1;
        } else {
            line++;
        }
        if (used + len > LINE_BYTES_MAX)
            return 0;
        memcpy(out + used, piece, len);
        used += len;
    }
    return used;
}

static bool send_round(const struct sending *sending)
{
    char line[LINE_BYTES_MAX];

    for (int i = 0; i < sending->n_lines; i++) {
        size_t len = fill_in(sending, sending->lines[i], line);
        if (len == 0) {
            complain("a line", "is empty or longer than 8192 bytes");
            return false;
        }
        if (send(sending->fd, line, len, 0) != (ssize_t)len) {
            complain(sending->to, reason(errno));
            return false;
        }
    }
    return true;
}

/* Whether the last datagram was taken. The system says that nobody listens some time after the
 * send, if at all. */
static bool was_taken(const struct sending *sending)
{
    struct pollfd watched = { .fd = sending->fd };
    int error = 0;

    if (poll(&watched, 1, sending->answer_ms) > 0 &&
        getsockopt(sending->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){ sizeof error }) ==
            0 &&
        error != 0)
        complain(sending->to, reason(error));
    return error == 0;
}

static void wait_until(int64_t at_ns)
{
    struct timespec at = { at_ns / 1000000000, at_ns % 1000000000 };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

static int send_all(const struct sending *sending)
{
    int64_t start_ns = clock_monotonic_ns();

    for (int64_t i = 0; i < sending->count; i++) {
        if (sending->rate > 0)
            wait_until(start_ns + (int64_t)((double)i * 1e9 / sending->rate));
        if (!send_round(sending))
            return EXIT_SYSTEM;
    }
    return was_taken(sending) ? EXIT_OK : EXIT_SYSTEM;
}

static int send_line(struct command_line *line)
{
    struct sending sending = { .fd = -1, .count = 1 };
    struct settings settings = { 0 };
    const char *to = NULL;
    int status = EXIT_SETTINGS;

    sending.lines = calloc((size_t)line->n_rest + 1, sizeof *sending.lines);
    if (sending.lines != NULL && read_words(line, &sending, &to) &&
        command_settings(&settings, line)) {
        if (sending.n_lines == 0)
            complain("no line", "give one or more, such as 'my_metric:42|g|#env:dev'");
        else
            status = connect_to(&sending, to, &settings);
        if (status == EXIT_OK)
            status = send_all(&sending);
    }
    if (sending.fd >= 0)
        close(sending.fd);
    settings_free(&settings);
    free(sending.lines);
    return status;
}

int command_send(int n, char **words)
{
    return command_with_line("send", n, words, true, send_line);
}
