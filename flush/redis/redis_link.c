#include "flush/redis/redis_link.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/redis/lookup.h"
#include "flush/redis/timer.h"

enum {
    FEED_AT_ONCE = 16 * 1024,
    WIRE_PER_ELEMENT = 16, /* bounds what an array's header may announce */
    SENTENCE_MAX = 640,
    QUOTE_MAX = 160,
    TLS_ROOM = 8 * 1024,
};

#define REDIS_FAILURE_NAME(id, word) word,
static const char *const failure_names[] = { REDIS_FAILURES(REDIS_FAILURE_NAME) };
#undef REDIS_FAILURE_NAME

enum kind {
    KIND_COMMAND,
    KIND_AUTH,
    KIND_SELECT,
    KIND_FENCE,
    KIND_WHO_AM_I,
    KIND_HELLO,
    KIND_PING
};

struct pending {
    struct redis_sent sent;
    enum kind kind;
};

enum state { STARTING, UP, DEAD };

struct redis_link {
    struct event_base *base;
    struct redis_link_config config;
    const struct redis_link_events *events;
    void *argument;
    enum state state;

    struct lookup *lookup; /* under way */
    struct lookup_answer places;
    size_t next_place;
    struct bufferevent *connection;
    bool reached;   /* the address answers */
    bool connected; /* and by TLS, if that is wanted */

    redisReader *reader;
    redisReplyObjectFunctions functions;             /* hiredis', but for arrays */
    void *(*make_array)(const redisReadTask *, int); /* hiredis' */
    size_t reply_bytes;   /* of the wire, of the reply that is being read */
    size_t elements_left; /* in it */
    bool too_many;

    struct pending *ring; /* capacity is a power of two */
    size_t capacity, head, count;
    size_t pending_bytes;

    struct event *timer;
    int64_t timer_ms;    /* when the timer fires */
    int64_t start_ms;    /* when connect_ms are over */
    int64_t attempt_ms;  /* when the share of this address in connect_ms is over */
    int64_t progress_ms; /* of the last answer, or of the first command since */

    struct redis_fence self;
    bool busy, closed; /* busy: inside a callback of the loop; closed: redis_link_close() was
                          called meanwhile */
};

const char *redis_failure_name(enum redis_failure failure)
{
    return failure_names[failure];
}

/* ---- what is unanswered ------------------------------------------------ */

static bool ring_grow(struct redis_link *link)
{
    size_t capacity = link->capacity > 0 ? link->capacity * 2 : 16;
    struct pending *ring = calloc(capacity, sizeof *ring);

    if (ring == NULL)
        return false;
    for (size_t i = 0; i < link->count; i++)
        ring[i] = link->ring[(link->head + i) & (link->capacity - 1)];
    free(link->ring);
    link->ring = ring;
    link->capacity = capacity;
    link->head = 0;
    return true;
}

static struct pending ring_take(struct redis_link *link)
{
    struct pending taken = link->ring[link->head];

    link->head = (link->head + 1) & (link->capacity - 1);
    link->count--;
    link->pending_bytes -= taken.sent.len;
    return taken;
}

/* ---- beginning, end ---------------------------------------------------- */

/* If commands are unanswered, closes with a reset. Otherwise the kernel would go on delivering
 * what the server has not taken yet, perhaps after the commands of the next connection. */
static void drop_connection(struct redis_link *link)
{
    if (link->connection == NULL)
        return;
    struct linger at_once = { .l_onoff = 1 };
    evutil_socket_t fd = bufferevent_getfd(link->connection);

    if (fd >= 0 && link->count > 0 && link->config.url->path[0] == '\0')
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    bufferevent_free(link->connection);
    link->connection = NULL;
}

static void destroy(struct redis_link *link)
{
    if (link->lookup != NULL)
        lookup_cancel(link->lookup);
    drop_connection(link);
    if (link->timer != NULL)
        event_free(link->timer);
    if (link->reader != NULL)
        redisReaderFree(link->reader);
    while (link->count > 0)
        free(ring_take(link).sent.bytes);
    free(link->ring);
    free(link);
}

/* A callback of the loop begins with enter() and ends with leave(), so that what it calls may
 * close the link, which is then freed at the end. */
static void enter(struct redis_link *link)
{
    link->busy = true;
}

static void leave(struct redis_link *link)
{
    link->busy = false;
    if (link->closed)
        destroy(link);
}

static void fail_pending(struct redis_link *link)
{
    while (link->count > 0 && !link->closed) {
        struct pending one = ring_take(link);

        if (one.kind == KIND_COMMAND)
            link->events->failed(link->argument, &one.sent);
        free(one.sent.bytes);
    }
}

__attribute__((format(printf, 3, 4))) static void fail(struct redis_link *link,
                                                       enum redis_failure failure,
                                                       const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    int len = snprintf(sentence, sizeof sentence, "%s ", link->config.url->name);
    size_t at = len < 0 ? 0 : (size_t)len;
    va_list arguments;

    if (link->state == DEAD || link->closed)
        return;
    va_start(arguments, format);
    if (at < sizeof sentence)
        vsnprintf(sentence + at, sizeof sentence - at, format, arguments);
    va_end(arguments);
    link->state = DEAD;
    evtimer_del(link->timer);
    if (link->lookup != NULL)
        lookup_cancel(link->lookup);
    link->lookup = NULL;
    drop_connection(link);
    fail_pending(link);
    if (!link->closed)
        link->events->down(link->argument, failure, sentence);
}

/* ---- time-outs --------------------------------------------------------- */

static int64_t deadline_ms(const struct redis_link *link)
{
    if (link->state == STARTING)
        return link->attempt_ms < link->start_ms ? link->attempt_ms : link->start_ms;
    return link->progress_ms + (link->count > 0 ? link->config.reply_ms : link->config.idle_ms);
}

/* Setting the timer for each command would cost much. So it is moved only if it would fire too
 * late; if it fires too early it is set again. */
static void arm(struct redis_link *link, bool anew)
{
    int64_t at = deadline_ms(link);
    int64_t wait = at - clock_monotonic_ms();

    if (!anew && at >= link->timer_ms)
        return;
    link->timer_ms = at;
    timer_start(link->timer, wait > 0 ? wait : 0);
}

/* ---- sending ----------------------------------------------------------- */

static bool append(struct redis_link *link, const void *command, size_t len, uint64_t tag,
                   enum kind kind)
{
    bool keep = link->config.keep_commands && kind == KIND_COMMAND;
    char *copy = keep ? malloc(len) : NULL;

    if ((keep && copy == NULL) || (link->count == link->capacity && !ring_grow(link)) ||
        bufferevent_write(link->connection, command, len) != 0) {
        free(copy);
        return false;
    }
    if (keep)
        memcpy(copy, command, len);
    link->ring[(link->head + link->count) & (link->capacity - 1)] =
        (struct pending){ { tag, len, copy }, kind };
    link->pending_bytes += len;
    if (link->count++ == 0)
        link->progress_ms = clock_monotonic_ms();
    return true;
}

static bool append_words(struct redis_link *link, enum kind kind, int n, const char **words)
{
    char *command = NULL;
    int len = redisFormatCommandArgv(&command, n, words, NULL);
    bool done = len > 0 && append(link, command, (size_t)len, 0, kind);

    if (len > 0)
        redisFreeCommand(command);
    return done;
}

static bool append_auth(struct redis_link *link)
{
    const struct redis_url *url = link->config.url;

    if (url->user[0] != '\0')
        return append_words(link, KIND_AUTH, 3,
                            (const char *[]){ "AUTH", url->user, url->password });
    return append_words(link, KIND_AUTH, 2, (const char *[]){ "AUTH", url->password });
}

static bool append_fence(struct redis_link *link)
{
    char id[24];

    snprintf(id, sizeof id, "%" PRIu64, link->config.fence.client_id);
    return append_words(
        link, KIND_FENCE, 6,
        (const char *[]){ "CLIENT", "KILL", "ID", id, "ADDR", link->config.fence.address });
}

static bool append_handshake(struct redis_link *link)
{
    const struct redis_url *url = link->config.url;
    char database[16];

    snprintf(database, sizeof database, "%d", url->database);
    return (url->password[0] == '\0' || append_auth(link)) &&
           (url->database == 0 ||
            append_words(link, KIND_SELECT, 2, (const char *[]){ "SELECT", database })) &&
           (link->config.fence.client_id == 0 || append_fence(link)) &&
           append_words(link, KIND_WHO_AM_I, 2, (const char *[]){ "CLIENT", "INFO" }) &&
           append_words(link, KIND_HELLO, 1, (const char *[]){ "PING" });
}

/* ---- answers at the start ---------------------------------------------- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* The answer to AUTH is not quoted in the sentence, because an error may repeat what was sent.
 */
static void refuse_auth(struct redis_link *link, const char *error)
{
    static const struct {
        const char *error, *says;
    } known[] = {
        { "WRONGPASS", "refuses the user or the password" },
        { "ERR invalid password", "refuses the password" },
        { "ERR Client sent AUTH", "has no password set, but one is given" },
        { "ERR AUTH <password> called", "has no password set, but one is given" },
        { "ERR wrong number of arguments", "knows no users, but one is given" },
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (begins(error, known[i].error)) {
            fail(link, REDIS_FAILED_AUTH, "%s", known[i].says);
            return;
        }
    fail(link, REDIS_FAILED_AUTH, "refuses AUTH");
}

/* Whether the error is one that the server gives to every command; then the link goes down. */
static bool refuse_all(struct redis_link *link, const char *error)
{
    if (begins(error, "ERR max number of clients"))
        fail(link, REDIS_FAILED_CONNECT, "has no room for another client");
    else if (begins(error, "DENIED"))
        fail(link, REDIS_FAILED_AUTH,
             "is in protected mode: it takes other machines only with a password (DENIED)");
    else
        return false;
    return true;
}

static void refuse_hello(struct redis_link *link, const char *error, const char *quoted)
{
    if (begins(error, "NOAUTH"))
        fail(link, REDIS_FAILED_AUTH, "wants a password (NOAUTH)");
    else if (begins(error, "LOADING"))
        fail(link, REDIS_FAILED_LOADING, "is still reading its data (LOADING)");
    else if (begins(error, "MASTERDOWN"))
        fail(link, REDIS_FAILED_READONLY, "is a replica without its master (MASTERDOWN)");
    else
        fail(link, REDIS_FAILED_PROTOCOL, "answers PING with: %s", quoted);
}

/* "id=7 addr=127.0.0.1:40000 ...", with addr=/path:0 for a unix socket. */
static void take_identity(struct redis_link *link, const redisReply *reply)
{
    const char *id = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "id=") : NULL;
    const char *address = id != NULL ? strstr(reply->str, " addr=") : NULL;

    if (id != reply->str || address == NULL)
        return;
    struct redis_fence self = { .client_id = strtoull(id + 3, NULL, 10) };
    size_t len = strcspn(address + 6, " \r\n");

    if (len == 0 || len >= sizeof self.address)
        return;
    memcpy(self.address, address + 6, len);
    link->self = self;
}

static void become_up(struct redis_link *link)
{
    link->state = UP;
    link->progress_ms = clock_monotonic_ms();
    arm(link, true);
    link->events->up(link->argument);
}

static void take_own(struct redis_link *link, enum kind kind, const redisReply *reply)
{
    const char *error = reply->type == REDIS_REPLY_ERROR ? reply->str : NULL;
    char quoted[QUOTE_MAX] = "";

    if (error != NULL && link->state == STARTING && refuse_all(link, error))
        return;
    if (error != NULL)
        log_quote(error, reply->len, quoted, sizeof quoted);
    if (kind == KIND_AUTH && error != NULL)
        refuse_auth(link, error);
    else if (kind == KIND_SELECT && error != NULL && begins(error, "NOAUTH"))
        refuse_hello(link, error, quoted);
    else if (kind == KIND_SELECT && error != NULL)
        fail(link, REDIS_FAILED_DATABASE, "refuses database %d: %s", link->config.url->database,
             quoted);
    else if (kind == KIND_WHO_AM_I)
        take_identity(link, reply);
    else if (kind == KIND_HELLO && error != NULL && !begins(error, "NOPERM"))
        refuse_hello(link, error, quoted);
    else if (kind == KIND_HELLO)
        become_up(link);
}

/* ---- reading ----------------------------------------------------------- */

static void *make_array(const redisReadTask *task, int elements)
{
    struct redis_link *link = task->privdata;

    if (elements > 0 && (size_t)elements > link->elements_left) {
        link->too_many = true;
        return NULL;
    }
    link->elements_left -= elements > 0 ? (size_t)elements : 0;
    return link->make_array(task, elements);
}

static void take_reply(struct redis_link *link, redisReply *reply)
{
    if (link->count == 0) {
        fail(link, REDIS_FAILED_PROTOCOL, "answers what was not asked");
        return;
    }
    struct pending one = ring_take(link);

    link->progress_ms = clock_monotonic_ms();
    if (one.kind == KIND_COMMAND)
        link->events->reply(link->argument, &one.sent, reply);
    else
        take_own(link, one.kind, reply);
    free(one.sent.bytes);
}

static void fail_reading(struct redis_link *link)
{
    if (link->too_many || link->reply_bytes > link->config.max_reply)
        fail(link, REDIS_FAILED_TOO_LARGE, "sends a reply of more than %zu bytes",
             link->config.max_reply);
    else if (link->reader->err == REDIS_ERR_OOM)
        fail(link, REDIS_FAILED_MEMORY, "sends a reply that there is no memory for");
    else
        fail(link, REDIS_FAILED_PROTOCOL, "does not speak as Redis does: %s",
             link->reader->errstr);
}

static bool is_alive(const struct redis_link *link)
{
    return !link->closed && link->state != DEAD;
}

static void take_replies(struct redis_link *link)
{
    while (is_alive(link)) {
        void *reply = NULL;

        if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
            fail_reading(link);
            return;
        }
        if (reply == NULL) {
            if (link->reply_bytes > link->config.max_reply)
                fail_reading(link);
            return;
        }
        link->reply_bytes = link->reader->len - link->reader->pos;
        link->elements_left = link->config.max_reply / WIRE_PER_ELEMENT;
        take_reply(link, reply);
        freeReplyObject(reply);
    }
}

static void on_read(struct bufferevent *connection, void *argument)
{
    struct redis_link *link = argument;
    struct evbuffer *input = bufferevent_get_input(connection);

    enter(link);
    while (is_alive(link) && evbuffer_get_length(input) > 0) {
        char chunk[FEED_AT_ONCE];
        int len = evbuffer_remove(input, chunk, sizeof chunk);

        if (len <= 0)
            break;
        link->reply_bytes += (size_t)len;
        if (redisReaderFeed(link->reader, chunk, (size_t)len) != REDIS_OK)
            fail_reading(link);
        else
            take_replies(link);
    }
    leave(link);
}

/* ---- connecting -------------------------------------------------------- */

enum { OPTIONS = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS };

static void connect_next(struct redis_link *link);
static void begin_tls(struct redis_link *link);

static void on_connected(struct redis_link *link)
{
    const struct redis_url *url = link->config.url;
    int on = 1;

    link->reached = link->connected = true;
    link->attempt_ms = link->start_ms;
    if (url->path[0] == '\0')
        setsockopt(bufferevent_getfd(link->connection), IPPROTO_TCP, TCP_NODELAY, &on,
                   sizeof on);
    arm(link, true);
    if (!append_handshake(link))
        fail(link, REDIS_FAILED_MEMORY, "cannot be greeted: no memory");
}

static void fail_tls(struct redis_link *link, unsigned long code)
{
    char why[SENTENCE_MAX / 2];

    redis_tls_failure(bufferevent_openssl_get_ssl(link->connection), code, why, sizeof why);
    fail(link, REDIS_FAILED_TLS, "cannot be reached: %s", why);
}

static void on_lost(struct redis_link *link, short what, int error)
{
    const char *why = (what & BEV_EVENT_ERROR) != 0 && error != 0 ? strerror(error) : "";

    if (link->reached && !link->connected) {
        fail_tls(link, bufferevent_get_openssl_error(link->connection));
    } else if (!link->connected && link->next_place < link->places.n) {
        drop_connection(link);
        connect_next(link);
    } else if (!link->connected) {
        fail(link, REDIS_FAILED_CONNECT, "cannot be reached: %s", strerror(error));
    } else if (link->state == STARTING) {
        fail(link, REDIS_FAILED_CLOSED, "closed the connection before the first answer%s",
             link->config.url->tls ? "" : " (does it want TLS, rediss://?)");
    } else {
        fail(link, REDIS_FAILED_CLOSED, "closed the connection%s%s", why[0] != '\0' ? ": " : "",
             why);
    }
}

static void on_event(struct bufferevent *connection, short what, void *argument)
{
    int error = EVUTIL_SOCKET_ERROR();
    struct redis_link *link = argument;

    (void)connection;
    enter(link);
    if ((what & BEV_EVENT_CONNECTED) != 0 && link->config.url->tls && !link->reached)
        begin_tls(link);
    else if ((what & BEV_EVENT_CONNECTED) != 0)
        on_connected(link);
    else
        on_lost(link, what, error);
    leave(link);
}

static void listen_to(struct redis_link *link)
{
    bufferevent_setcb(link->connection, on_read, NULL, on_event, link);
    bufferevent_enable(link->connection, EV_READ | EV_WRITE);
}

/* libevent crashes if it finds no memory for the buffers of a TLS bufferevent, so we look
 * whether there is some. */
static bool has_room_for_tls(void)
{
    void *volatile room = malloc(TLS_ROOM);
    bool has_room = room != NULL;

    free(room);
    return has_room;
}

/* NULL: no memory. libevent has then freed the session. */
static struct bufferevent *make_tls(struct redis_link *link, evutil_socket_t fd)
{
    SSL *ssl = redis_tls_session(link->config.tls, link->config.url->host);

    if (ssl != NULL && has_room_for_tls())
        return bufferevent_openssl_socket_new(link->base, fd, ssl, BUFFEREVENT_SSL_CONNECTING,
                                              OPTIONS);
    SSL_free(ssl);
    return NULL;
}

/* TLS begins when the socket is connected. A TLS bufferevent that connects by itself cannot say
 * why it failed. */
static void begin_tls(struct redis_link *link)
{
    struct bufferevent *connection = make_tls(link, bufferevent_getfd(link->connection));

    if (connection == NULL) {
        fail(link, REDIS_FAILED_MEMORY, "cannot be reached: no memory for TLS");
        return;
    }
    link->reached = true;
    bufferevent_setfd(link->connection, -1);
    bufferevent_free(link->connection);
    link->connection = connection;
    listen_to(link);
}

/* Tries the next address, which gets its share of the time that is left. */
static void connect_next(struct redis_link *link)
{
    const struct lookup_address *place = &link->places.addresses[link->next_place];
    int64_t left = link->start_ms - clock_monotonic_ms();

    link->attempt_ms =
        clock_monotonic_ms() + left / (int64_t)(link->places.n - link->next_place);
    link->next_place++;
    arm(link, true);
    link->reached = false;
    link->connection = bufferevent_socket_new(link->base, -1, OPTIONS);
    if (link->connection == NULL) {
        fail(link, REDIS_FAILED_MEMORY, "cannot be reached: no memory");
        return;
    }
    listen_to(link);
    if (bufferevent_socket_connect(link->connection, (const struct sockaddr *)&place->at,
                                   (int)place->len) != 0 &&
        link->next_place == link->places.n)
        fail(link, REDIS_FAILED_CONNECT, "cannot be reached: %s", strerror(errno));
}

static void on_lookup(void *argument, const struct lookup_answer *answer)
{
    struct redis_link *link = argument;

    enter(link);
    link->lookup = NULL;
    link->places = *answer;
    if (answer->n == 0)
        fail(link, REDIS_FAILED_DNS, "has no address: %s", answer->problem);
    else
        connect_next(link);
    leave(link);
}

static void start(struct redis_link *link)
{
    const struct redis_url *url = link->config.url;

    if (url->path[0] == '\0') {
        link->lookup = lookup_start(link->base, NULL, url->host, url->port, on_lookup, link);
        if (link->lookup == NULL)
            fail(link, REDIS_FAILED_MEMORY, "cannot be looked up: no memory");
        return;
    }
    struct sockaddr_un *at = (struct sockaddr_un *)&link->places.addresses[0].at;

    at->sun_family = AF_UNIX;
    snprintf(at->sun_path, sizeof at->sun_path, "%s", url->path);
    link->places.addresses[0].len = sizeof *at;
    link->places.n = 1;
    connect_next(link);
}

static void on_timeout(struct redis_link *link)
{
    if (link->state == STARTING && link->lookup != NULL)
        fail(link, REDIS_FAILED_DNS, "has no address: the name servers do not answer");
    else if (link->state == STARTING && !link->connected && link->next_place < link->places.n) {
        drop_connection(link);
        connect_next(link);
    } else if (link->state == STARTING && link->reached && !link->connected)
        fail(link, REDIS_FAILED_TIMEOUT,
             "does not answer by TLS within %" PRId64 " ms (is it a port without TLS?)",
             link->config.connect_ms);
    else if (link->state == STARTING && !link->connected)
        fail(link, REDIS_FAILED_TIMEOUT, "cannot be reached within %" PRId64 " ms",
             link->config.connect_ms);
    else if (link->state == STARTING || link->count > 0)
        fail(link, REDIS_FAILED_TIMEOUT, "does not answer within %" PRId64 " ms",
             link->state == STARTING ? link->config.connect_ms : link->config.reply_ms);
    else if (!append_words(link, KIND_PING, 1, (const char *[]){ "PING" }))
        fail(link, REDIS_FAILED_MEMORY, "cannot be asked: no memory");
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct redis_link *link = argument;
    (void)fd, (void)what;

    enter(link);
    if (link->state == STARTING && link->places.n == 0 && link->lookup == NULL)
        start(link);
    else if (clock_monotonic_ms() >= deadline_ms(link))
        on_timeout(link);
    if (is_alive(link))
        arm(link, true);
    leave(link);
}

/* ---- the calls --------------------------------------------------------- */

static bool make_reader(struct redis_link *link)
{
    link->reader = redisReaderCreate();
    if (link->reader == NULL)
        return false;
    link->functions = *link->reader->fn;
    link->make_array = link->functions.createArray;
    link->functions.createArray = make_array;
    link->reader->fn = &link->functions;
    link->reader->privdata = link;
    link->elements_left = link->config.max_reply / WIRE_PER_ELEMENT;
    return true;
}

struct redis_link *redis_link_open(struct event_base *base,
                                   const struct redis_link_config *config,
                                   const struct redis_link_events *events, void *argument)
{
    struct redis_link *link = calloc(1, sizeof *link);

    if (link == NULL)
        return NULL;
    link->base = base;
    link->config = *config;
    link->events = events;
    link->argument = argument;
    link->start_ms = link->attempt_ms = clock_monotonic_ms() + config->connect_ms;
    link->timer = evtimer_new(base, on_timer, link);
    if (link->timer == NULL || !make_reader(link)) {
        destroy(link);
        return NULL;
    }
    timer_start(link->timer, 0);
    return link;
}

void redis_link_close(struct redis_link *given)
{
    if (given == NULL)
        return;
    given->closed = true;
    if (given->busy)
        return;
    destroy(given);
}

bool redis_link_send(struct redis_link *link, const void *command, size_t len, uint64_t tag)
{
    if (link->state != UP || link->closed ||
        (link->count > 0 && link->pending_bytes + len > link->config.max_pending) ||
        !append(link, command, len, tag, KIND_COMMAND))
        return false;
    arm(link, false);
    return true;
}

bool redis_link_is_up(const struct redis_link *link)
{
    return link->state == UP && !link->closed;
}

struct redis_fence redis_link_fence(const struct redis_link *link)
{
    return link->self;
}
