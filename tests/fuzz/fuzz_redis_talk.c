/* A Redis that answers anything, on a socket, to a question about a fleet: to the greeting,
 * to CLUSTER SLOTS, with a registry, with windows. Bit 0 of the first byte: a cluster is
 * spoken to; bit 1: the greeting is answered as Redis does. What follows is cut at each
 * 0xff into answers, one a command of the first connection; behind the last, and on every
 * later connection, an announcement too large to be borne ends it. It must end, with an answer
 * or a sentence. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/log.h"
#include "flush/fleet/redis_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1700006400, WAIT_MS = 30, TIMEOUT_S = 20, MOST_BYTES = 65536 };

static uint16_t port;

/* The input under way. A connection of an earlier one may still be served. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned inputs, connections; /* so far; of this input */
static uint8_t how;
static char room[MOST_BYTES]; /* the input itself is gone when its question is */
static struct slice answers;

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* ---- nowhere else ------------------------------------------------------ */

/* A cluster may name any address: whoever is meant, our Redis is connected to. */
int connect(int fd, const struct sockaddr *at, socklen_t len)
{
    const struct sockaddr_in own = { .sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                     .sin_port = htons(port) };
    int (*real)(int, const struct sockaddr *, socklen_t);
    (void)len;

    errno = ECONNREFUSED;
    *(void **)&real = dlsym(RTLD_NEXT, "connect");
    return at->sa_family == AF_INET ? real(fd, (const struct sockaddr *)&own, sizeof own) : -1;
}

/* No name server is asked. */
ssize_t sendto(int fd, const void *from, size_t n, int flags, const struct sockaddr *to,
               socklen_t len)
{
    (void)fd, (void)from, (void)n, (void)flags, (void)to, (void)len;
    errno = ECONNREFUSED;
    return -1;
}

/* ---- the Redis --------------------------------------------------------- */

struct client {
    unsigned input; /* of which this is a connection */
    bool first;
    unsigned commands;
};

/* Steps over a line "*3\r\n" or "$4\r\n"; -1: it is not whole. */
static long take_number(struct slice *rest)
{
    const char *end = rest->len > 0 ? memchr(rest->at, '\n', rest->len) : NULL;

    if (end == NULL)
        return -1;
    long number = strtol(rest->at + 1, NULL, 10);
    *rest = slice_skip(*rest, (size_t)(end + 1 - rest->at));
    return number;
}

/* How long the command is that stands there; 0: it is not whole. */
static size_t command_len(struct slice text)
{
    struct slice rest = text;
    long words = take_number(&rest);

    for (long i = 0; i < words; i++) {
        long len = take_number(&rest);
        if (len < 0 || rest.len < (size_t)len + 2)
            return 0;
        rest = slice_skip(rest, (size_t)len + 2);
    }
    return words < 0 ? 0 : text.len - rest.len;
}

static void answer(struct client *client, struct bufferevent *to)
{
    static const char *const greetings[] = { "$21\r\nid=7 addr=127.0.0.1:1\r\n", "+PONG\r\n" };
    static const char too_large[] = "*2147483647\r\n";
    unsigned n = client->commands++;

    pthread_mutex_lock(&mutex);
    if (client->input != inputs) {
        bufferevent_write(to, too_large, strlen(too_large));
    } else if (n < 2 && ((how & 2) != 0 || !client->first)) {
        bufferevent_write(to, greetings[n], strlen(greetings[n]));
    } else if (client->first && answers.len > 0) {
        struct slice one = slice_cut(&answers, (char)0xff);
        bufferevent_write(to, one.at, one.len);
    } else {
        bufferevent_write(to, too_large, strlen(too_large));
    }
    pthread_mutex_unlock(&mutex);
}

static void on_read(struct bufferevent *from, void *argument)
{
    struct evbuffer *input = bufferevent_get_input(from);
    size_t len;

    do {
        size_t all = evbuffer_get_length(input);
        len = command_len((struct slice){ (const char *)evbuffer_pullup(input, -1), all });
        evbuffer_drain(input, len);
        if (len > 0)
            answer(argument, from);
    } while (len > 0);
}

static void on_end(struct bufferevent *connection, short what, void *argument)
{
    (void)what;
    free(argument);
    bufferevent_free(connection);
}

/* Closed by a reset, that no port is held for a minute. */
static void on_client(struct evconnlistener *listener, evutil_socket_t fd,
                      struct sockaddr *address, int len, void *argument)
{
    struct linger at_once = { .l_onoff = 1 };
    struct client *client = calloc(1, sizeof *client);
    struct bufferevent *connection =
        bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
    (void)address, (void)len, (void)argument;

    check(client != NULL && connection != NULL);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    pthread_mutex_lock(&mutex);
    client->input = inputs;
    client->first = connections++ == 0;
    pthread_mutex_unlock(&mutex);
    bufferevent_setcb(connection, on_read, NULL, on_end, client);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
}

static void *serve(void *base)
{
    event_base_dispatch(base);
    return NULL;
}

static void start(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct event_base *base = event_base_new();
    socklen_t len = sizeof at;
    pthread_t thread;
    struct evconnlistener *listener = evconnlistener_new_bind(
        base, on_client, NULL, LEV_OPT_CLOSE_ON_FREE, -1, (struct sockaddr *)&at, sizeof at);

    check(listener != NULL);
    check(getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&at, &len) == 0);
    port = ntohs(at.sin_port);
    check(pthread_create(&thread, NULL, serve, base) == 0);
    log_set_level(LOG_LEVEL_OFF);
}

/* ---- the question ------------------------------------------------------ */

static void ask(bool cluster)
{
    char url[64], problem[512] = "";
    struct redis_reader_config config = { .client = { .url = url,
                                                      .cluster = cluster,
                                                      .connect_ms = WAIT_MS,
                                                      .reply_ms = WAIT_MS,
                                                      .retry_min_ms = 1,
                                                      .retry_max_ms = 2 },
                                          .prefix = "heeler",
                                          .now_s = NOW_S,
                                          .timeout_s = TIMEOUT_S };
    struct redis_reader_report report;
    struct bytes out = { 0 };

    snprintf(url, sizeof url, "redis://127.0.0.1:%d", port);
    enum redis_reader_result result =
        redis_reader_ask(&config, SLICE("sum:hits{*} by {a}.rollup(sum,60)"), NOW_S - 240,
                         NOW_S, &out, &report, problem, sizeof problem);
    if (result == READER_ANSWERED) {
        json_t *json = json_loadb((const char *)out.at, out.len,
                                  JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
        check(json_is_array(json_object_get(json, "series")));
        json_decref(json);
    } else {
        check(problem[0] != '\0');
    }
    bytes_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (port == 0)
        start();
    if (size == 0 || size > MOST_BYTES)
        return 0;
    pthread_mutex_lock(&mutex);
    inputs++;
    connections = 0;
    how = data[0];
    memcpy(room, data + 1, size - 1);
    answers = (struct slice){ room, size - 1 };
    pthread_mutex_unlock(&mutex);
    ask((data[0] & 1) != 0);
    return 0;
}
