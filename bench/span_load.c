/* Reading order: one connection; whose turn it is; the server's own account. */
#include "bench/span_load.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "bench/load.h"
#include "bench/scrape.h"
#include "bench/subject.h"

enum {
    BODIES_EACH = 4, /* of a connection, one after the other */
    HEAD_ROOM = 512,
    ANSWER_ROOM = 4096,
    STALL_SECONDS = 10,
};

/* A generator that was held up for longer does not make up for it (bench/load.c). */
static const double forgiven_seconds = 0.1;

/* ---- one connection ---------------------------------------------------- */

/* The bodies are its own, so that none is stamped while another connection still sends it. */
struct connection {
    int fd;
    struct spans_body bodies[BODIES_EACH];
    char heads[BODIES_EACH][HEAD_ROOM];
    unsigned turn;  /* whose of the bodies */
    bool is_asking; /* a request is under way */
    size_t sent;    /* of head and body together */
    double begun;   /* of the clock */
    char answer[ANSWER_ROOM + 1];
    size_t n_answer;
};

static bool write_head(const char *to, enum spans_layout layout, const struct spans_body *body,
                       char head[HEAD_ROOM])
{
    const char *host = strncmp(to, "http://", 7) == 0 ? to + 7 : "localhost";

    return snprintf(head, HEAD_ROOM,
                    "PUT %s HTTP/1.1\r\n"
                    "Host: %s\r\n"
                    "Content-Type: application/msgpack\r\n"
                    "Content-Length: %zu\r\n"
                    "X-Datadog-Trace-Count: %u\r\n"
                    "Datadog-Meta-Lang: nodejs\r\n"
                    "Datadog-Meta-Lang-Version: v20.20.2\r\n"
                    "Datadog-Meta-Tracer-Version: 5.0.0\r\n"
                    "Datadog-Send-Real-Http-Status: true\r\n\r\n",
                    layout == SPANS_V05 ? "/v0.5/traces" : "/v0.4/traces", host, body->len,
                    body->n_traces) < HEAD_ROOM;
}

/* -1 after a sentence on stderr. */
static int connect_to(const char *to)
{
    char host[128], port[8];
    uint16_t unused;
    int fd;

    if (strncmp(to, "stream:", 7) == 0)
        return load_socket(to, false, &unused);
    if (sscanf(to, "http://%127[^:/]:%7[0-9]", host, port) != 2) {
        fprintf(stderr, "%s: not http://HOST:PORT or stream:PATH\n", to);
        return -1;
    }
    fd = scrape_connect(host, port);
    if (fd < 0)
        fprintf(stderr, "%s: %s\n", to, strerror(errno));
    return fd;
}

static bool connection_open(struct connection *connection, const char *to,
                            const struct spans_profile *profile, unsigned number)
{
    connection->fd = -1;
    for (unsigned i = 0; i < BODIES_EACH; i++)
        if (!spans_build(profile, (uint64_t)number * BODIES_EACH + i, &connection->bodies[i]) ||
            !write_head(to, profile->layout, &connection->bodies[i], connection->heads[i])) {
            fprintf(stderr, "the load could not be built\n");
            return false;
        }
    connection->fd = connect_to(to);
    return connection->fd >= 0;
}

static void connection_close(struct connection *given)
{
    for (unsigned i = 0; i < BODIES_EACH; i++)
        spans_free(&given->bodies[i]);
    if (given->fd >= 0)
        close(given->fd);
}

static size_t request_length(const struct connection *connection)
{
    return strlen(connection->heads[connection->turn]) +
           connection->bodies[connection->turn].len;
}

/* As much as the socket takes; false when it is broken. */
static bool send_rest(struct connection *connection)
{
    struct spans_body *body = &connection->bodies[connection->turn];
    char *head = connection->heads[connection->turn];
    size_t n_head = strlen(head), of_head, of_body;

    while (connection->sent < n_head + body->len) {
        of_head = connection->sent < n_head ? connection->sent : n_head;
        of_body = connection->sent - of_head;
        struct iovec pieces[] = { { head + of_head, n_head - of_head },
                                  { body->at + of_body, body->len - of_body } };
        struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 2 };
        ssize_t sent = sendmsg(connection->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        connection->sent += (size_t)sent;
    }
    return true;
}

/* The bytes of the whole answer, of which there may be less so far; 0: unknown yet. */
static size_t answer_length(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    const char *length = strcasestr(answer, "\r\ncontent-length:");

    if (end == NULL)
        return 0;
    return (size_t)(end + 4 - answer) +
           (length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0);
}

/* The status, 0 while it is not there; -1 when the connection is broken or the answer is none.
 */
static int read_status(struct connection *connection)
{
    size_t room = ANSWER_ROOM - connection->n_answer, length;
    ssize_t got =
        recv(connection->fd, connection->answer + connection->n_answer, room, MSG_DONTWAIT);
    int status;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0)
        return -1;
    connection->n_answer += (size_t)got;
    connection->answer[connection->n_answer] = '\0';
    length = answer_length(connection->answer);
    if (length == 0 || connection->n_answer < length)
        return connection->n_answer < ANSWER_ROOM ? 0 : -1;
    return sscanf(connection->answer, "HTTP/1.%*d %d", &status) == 1 ? status : -1;
}

/* ---- one run ----------------------------------------------------------- */

struct run {
    const struct span_order *order;
    struct connection *connections;
    struct span_result *result;
    double start, end;      /* of the clock; start moves when time is forgiven */
    uint64_t spans, traces; /* asked for */
    unsigned next;          /* whose turn it is of the connections */
};

static bool has_ended(const struct run *run, double now)
{
    return now >= run->end || (run->order->spans > 0 && run->spans >= run->order->spans);
}

static double due_at(const struct run *run)
{
    double rate = run->order->spans_per_second;

    return rate > 0 ? run->start + (double)run->spans / rate : 0;
}

static bool open_again(struct connection *connection, const char *to)
{
    close(connection->fd);
    connection->fd = connect_to(to);
    return connection->fd >= 0;
}

/* The server ends connections on which nothing comes, with an answer or without; a library
 * opens another then. */
static bool stays_open(struct connection *connection, const char *to)
{
    char byte;

    if (recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN)
        return true;
    return open_again(connection, to);
}

static bool begin(struct run *run, struct connection *connection, double now)
{
    struct spans_body *body;
    struct timespec wall;

    if (!stays_open(connection, run->order->to))
        return false;
    connection->turn = (connection->turn + 1) % BODIES_EACH;
    connection->is_asking = true;
    connection->sent = connection->n_answer = 0;
    connection->begun = now;
    body = &connection->bodies[connection->turn];
    clock_gettime(CLOCK_REALTIME, &wall);
    spans_stamp(body, run->traces + 1, (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec);
    run->spans += body->n_spans;
    run->traces += body->n_traces;
    return send_rest(connection);
}

/* Those that are due, on the connections that are free, in turn. *is_blocked: there was none.
 */
static bool begin_due(struct run *run, double now, bool *is_blocked)
{
    unsigned n = run->order->connections, first = run->next;

    for (unsigned i = 0; i < n; i++) {
        struct connection *connection = &run->connections[(first + i) % n];

        if (has_ended(run, now) || due_at(run) > now)
            break;
        if (connection->is_asking)
            continue;
        if (!begin(run, connection, now))
            return false;
        run->next = (first + i + 1) % n;
    }
    *is_blocked = !has_ended(run, now) && due_at(run) <= now;
    return true;
}

static void note(struct run *run, const struct connection *connection, int status, double now)
{
    const struct spans_body *body = &connection->bodies[connection->turn];
    struct span_result *result = run->result;
    double took_ms = (now - connection->begun) * 1e3;

    result->requests++;
    result->traces += body->n_traces;
    result->spans += body->n_spans;
    result->bytes += body->len;
    result->spans_taken += status == 200 ? body->n_spans : 0;
    result->overloaded += status == 429;
    result->refused += status != 200;
    if (took_ms > result->slowest_ms)
        result->slowest_ms = took_ms;
}

/* Whoever has no room says so before he has read the body, and ends the connection. */
static bool end_answer(struct run *run, struct connection *connection, int status, double now)
{
    bool is_whole = connection->sent == request_length(connection);
    bool is_last = strcasestr(connection->answer, "\r\nconnection: close") != NULL;

    note(run, connection, status, now);
    connection->is_asking = false;
    return (is_whole && !is_last) || open_again(connection, run->order->to);
}

static bool go_on(struct run *run, struct connection *connection, short happened, double now)
{
    int status = (happened & ~POLLOUT) != 0 ? read_status(connection) : 0;

    if (status < 0) {
        errno = ECONNRESET;
        return false;
    }
    if (status > 0)
        return end_answer(run, connection, status, now);
    if ((happened & POLLOUT) != 0 && !send_rest(connection))
        return false;
    errno = ETIMEDOUT;
    return now - connection->begun < STALL_SECONDS;
}

static struct timespec wait_until(double due, double now)
{
    double wait = due > now && due - now < 0.1 ? due - now : 0.1;

    return (struct timespec){ 0, (long)(wait * 1e9) };
}

/* Waits for answers, or for the next body to be due. False when a connection is broken. */
static bool turn(struct run *run, unsigned *asking)
{
    struct pollfd polled[SPAN_CONNECTIONS_MAX];
    unsigned n = run->order->connections;
    double now = clock_seconds();
    bool is_blocked;

    *asking = 0;
    if (run->order->spans_per_second > 0 && now - due_at(run) > forgiven_seconds)
        run->start += now - due_at(run);
    if (!begin_due(run, now, &is_blocked))
        return false;
    for (unsigned i = 0; i < n; i++) {
        const struct connection *connection = &run->connections[i];
        bool has_rest = connection->is_asking && connection->sent < request_length(connection);

        polled[i] = (struct pollfd){ .fd = connection->is_asking ? connection->fd : -1,
                                     .events = has_rest ? POLLIN | POLLOUT : POLLIN };
    }
    struct timespec wait = wait_until(due_at(run), now);

    if (ppoll(polled, n, &wait, NULL) < 0)
        return errno == EINTR;
    double after = clock_seconds();

    run->result->blocked_seconds += is_blocked ? after - now : 0;
    for (unsigned i = 0; i < n; i++) {
        if (run->connections[i].is_asking &&
            !go_on(run, &run->connections[i], polled[i].revents, after))
            return false;
        *asking += run->connections[i].is_asking;
    }
    return true;
}

static bool send_all(struct run *run)
{
    double start = clock_seconds();
    unsigned asking = 0;

    run->start = start;
    run->end = run->order->seconds > 0 ? start + run->order->seconds : HUGE_VAL;
    while (asking > 0 || !has_ended(run, clock_seconds()))
        if (!turn(run, &asking)) {
            fprintf(stderr, "sending stopped: %s\n", strerror(errno));
            return false;
        }
    run->result->seconds = clock_seconds() - start;
    return true;
}

static bool open_all(struct run *run, const struct spans_profile *profile, unsigned *opened)
{
    for (; *opened < run->order->connections; (*opened)++)
        if (!connection_open(&run->connections[*opened], run->order->to, profile, *opened)) {
            connection_close(&run->connections[*opened]);
            return false;
        }
    return true;
}

/* ---- the server's own account ------------------------------------------ */

struct account {
    double received, cpu_seconds, resident_bytes; /* NAN: unknown */
};

static struct account look(const struct span_order *order)
{
    struct account account = { NAN, NAN, NAN };
    const struct subject subject = { .pid = order->pid };
    struct subject_usage usage;
    double received;

    if (order->total_from != NULL &&
        scrape_sum(order->total_from, "heeler_spans_received_total", &received))
        account.received = received;
    if (order->pid > 0 && subject_usage(&subject, &usage)) {
        account.cpu_seconds = usage.cpu_seconds;
        account.resident_bytes = (double)usage.resident_bytes;
    }
    return account;
}

bool span_load_run(const struct span_order *order, const struct spans_profile *profile,
                   struct span_result *out)
{
    struct run run = { .order = order, .result = out };
    unsigned opened = 0;
    bool done;

    *out = (struct span_result){ 0 };
    run.connections = calloc(order->connections, sizeof *run.connections);
    done = run.connections != NULL && open_all(&run, profile, &opened);
    if (done) {
        struct account before = look(order), after;

        done = send_all(&run);
        after = look(order);
        out->received = after.received - before.received;
        out->cpu_seconds = after.cpu_seconds - before.cpu_seconds;
        out->resident_bytes = after.resident_bytes;
    }
    while (opened > 0)
        connection_close(&run.connections[--opened]);
    free(run.connections);
    return done;
}

/* JSON has no word for what is no number but null. */
static void print_known(FILE *out, const char *name, double value, int decimals)
{
    if (!isfinite(value))
        fprintf(out, ",\"%s\":null", name);
    else
        fprintf(out, ",\"%s\":%.*f", name, decimals, value);
}

void span_load_print(FILE *out, const struct span_result *result,
                     const struct span_order *order)
{
    fprintf(out,
            "{\"requests\":%llu,\"traces\":%llu,\"spans\":%llu,\"bytes\":%llu,"
            "\"overloaded\":%llu,\"refused\":%llu,\"spans_taken\":%llu",
            (unsigned long long)result->requests, (unsigned long long)result->traces,
            (unsigned long long)result->spans, (unsigned long long)result->bytes,
            (unsigned long long)result->overloaded, (unsigned long long)result->refused,
            (unsigned long long)result->spans_taken);
    print_known(out, "spans_received", result->received, 0);
    print_known(out, "spans_missing", (double)result->spans_taken - result->received, 0);
    fprintf(out,
            ",\"seconds\":%.6f,\"spans_per_s\":%.0f,\"asked_spans_per_s\":%.0f,"
            "\"blocked_seconds\":%.3f,\"slowest_ms\":%.3f",
            result->seconds, (double)result->spans_taken / result->seconds,
            order->spans_per_second, result->blocked_seconds, result->slowest_ms);
    print_known(out, "cpu_ns_per_span", result->cpu_seconds * 1e9 / (double)result->spans_taken,
                0);
    print_known(out, "resident_mib", result->resident_bytes / 1048576, 1);
    fputs("}\n", out);
    fflush(out);
}
