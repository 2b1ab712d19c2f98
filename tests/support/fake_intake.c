#include "tests/support/fake_intake.h"

#include <ctype.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/decode.h"

enum { MOST_REQUESTS = 4096, MOST_ANSWERS = 256, WAIT_S = 60 };

struct fake_intake {
    struct event_base *base;
    struct evhttp *http;
    struct event *command;
    int command_fd; /* release, or stop when stopping is set */
    char url[64];
    pthread_t thread;
    struct evhttp_request *hanging[MOST_REQUESTS]; /* the thread's own */
    size_t n_hanging;

    pthread_mutex_t mutex; /* all below */
    pthread_cond_t changed;
    struct fake_request requests[MOST_REQUESTS];
    size_t n_requests;
    struct fake_answer answers[MOST_ANSWERS];
    size_t n_answers, next_answer;
    size_t most_hanging;
    const char *one_item_path; /* or NULL */
    bool stopping;
};

static json_t *headers_of(struct evhttp_request *request)
{
    json_t *headers = json_object();
    const struct evkeyval *header;
    char name[128];

    for (header = evhttp_request_get_input_headers(request)->tqh_first; header != NULL;
         header = header->next.tqe_next) {
        size_t len = 0;

        for (; header->key[len] != '\0' && len < sizeof name - 1; len++)
            name[len] = (char)tolower((unsigned char)header->key[len]);
        name[len] = '\0';
        json_object_set_new(headers, name, json_string(header->value));
    }
    return headers;
}

static void record(struct fake_request *kept, struct evhttp_request *request)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    char *address;

    evhttp_connection_get_peer(evhttp_request_get_connection(request), &address, &kept->port);
    kept->path = strdup(evhttp_request_get_uri(request));
    kept->headers = headers_of(request);
    kept->sent_size = evbuffer_get_length(input);
    kept->body =
        decode_content(evbuffer_pullup(input, -1), kept->sent_size,
                       fake_request_header(kept, "content-encoding"), &kept->body_size);
}

static void answer(struct evhttp_request *request, const struct fake_answer *with)
{
    struct evbuffer *body = evbuffer_new();
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

    evbuffer_add_printf(body, "%s", with->body != NULL ? with->body : "{\"errors\":[]}");
    evhttp_add_header(headers, "Content-Type", "application/json");
    if (with->date != NULL)
        evhttp_add_header(headers, "Date", with->date);
    if (with->retry_after != NULL)
        evhttp_add_header(headers, "Retry-After", with->retry_after);
    evhttp_send_reply(request, with->status != 0 ? with->status : 202, NULL, body);
    evbuffer_free(body);
}

static void tear_down(evutil_socket_t unused, short what, void *argument)
{
    struct evhttp_connection *connection = argument;
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));

    (void)unused, (void)what;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    evhttp_connection_free(connection);
}

static void gather(json_t *into, json_t *decoded);

static bool holds_many(const struct fake_request *request)
{
    json_t *items = json_array(), *decoded = fake_request_decode(request);

    gather(items, decoded);
    bool many = json_array_size(items) > 1;

    json_decref(decoded);
    json_decref(items);
    return many;
}

static struct fake_answer next_answer(struct fake_intake *fake)
{
    const struct fake_request *last = &fake->requests[fake->n_requests - 1];

    if (fake->one_item_path != NULL && strcmp(last->path, fake->one_item_path) == 0 &&
        holds_many(last))
        return (struct fake_answer){ .status = 413 };
    if (fake->next_answer == fake->n_answers)
        return (struct fake_answer){ .trick = FAKE_ANSWER };
    return fake->answers[fake->next_answer++];
}

static void on_request(struct evhttp_request *request, void *argument)
{
    struct fake_intake *fake = argument;

    pthread_mutex_lock(&fake->mutex);
    if (fake->n_requests < MOST_REQUESTS)
        record(&fake->requests[fake->n_requests++], request);
    struct fake_answer with = next_answer(fake);

    if (with.trick == FAKE_HANG) {
        fake->hanging[fake->n_hanging++] = request;
        if (fake->n_hanging > fake->most_hanging)
            fake->most_hanging = fake->n_hanging;
    }
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->mutex);

    if (with.trick == FAKE_ANSWER)
        answer(request, &with);
    else if (with.trick == FAKE_RESET)
        /* Not under evhttp's feet. */
        event_base_once(fake->base, -1, EV_TIMEOUT, tear_down,
                        evhttp_request_get_connection(request), &(struct timeval){ 0 });
}

/* A request whose client has gone is freed by the answer all the same. */
static void on_command(evutil_socket_t fd, short what, void *argument)
{
    struct fake_intake *fake = argument;
    eventfd_t ignored;

    (void)what;
    eventfd_read(fd, &ignored);
    while (fake->n_hanging > 0)
        answer(fake->hanging[--fake->n_hanging], &(struct fake_answer){ .trick = FAKE_ANSWER });
    pthread_mutex_lock(&fake->mutex);
    bool stopping = fake->stopping;

    pthread_mutex_unlock(&fake->mutex);
    if (stopping)
        event_base_loopbreak(fake->base);
}

static void *serve(void *argument)
{
    struct fake_intake *fake = argument;

    event_base_dispatch(fake->base);
    return NULL;
}

static bool bind_port(struct fake_intake *fake)
{
    struct evhttp_bound_socket *bound =
        evhttp_bind_socket_with_handle(fake->http, "127.0.0.1", 0);
    struct sockaddr_in at;
    socklen_t size = sizeof at;

    if (bound == NULL ||
        getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&at, &size) != 0)
        return false;
    snprintf(fake->url, sizeof fake->url, "http://127.0.0.1:%d", ntohs(at.sin_port));
    return true;
}

static void undo(void *what)
{
    fake_intake_stop(what);
}

struct fake_intake *fake_intake_start(void)
{
    struct fake_intake *fake = calloc(1, sizeof *fake);

    fake->base = event_base_new();
    fake->http = evhttp_new(fake->base);
    fake->command_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fake->command =
        event_new(fake->base, fake->command_fd, EV_READ | EV_PERSIST, on_command, fake);
    event_add(fake->command, NULL);
    evhttp_set_gencb(fake->http, on_request, fake);
    pthread_mutex_init(&fake->mutex, NULL);
    pthread_cond_init(&fake->changed, NULL);
    if (!bind_port(fake) || pthread_create(&fake->thread, NULL, serve, fake) != 0)
        abort();
    undo_later(undo, fake);
    return fake;
}

void fake_intake_stop(struct fake_intake *given)
{
    undo_forget(given);
    pthread_mutex_lock(&given->mutex);
    given->stopping = true;
    pthread_mutex_unlock(&given->mutex);
    eventfd_write(given->command_fd, 1);
    pthread_join(given->thread, NULL);

    evhttp_free(given->http);
    event_free(given->command);
    event_base_free(given->base);
    close(given->command_fd);
    for (size_t i = 0; i < given->n_requests; i++) {
        free(given->requests[i].path);
        free(given->requests[i].body);
        json_decref(given->requests[i].headers);
    }
    pthread_cond_destroy(&given->changed);
    pthread_mutex_destroy(&given->mutex);
    free(given);
}

const char *fake_intake_url(const struct fake_intake *fake)
{
    return fake->url;
}

void fake_intake_script(struct fake_intake *fake, const struct fake_answer *answers, size_t n)
{
    pthread_mutex_lock(&fake->mutex);
    for (size_t i = 0; i < n && fake->n_answers < MOST_ANSWERS; i++)
        fake->answers[fake->n_answers++] = answers[i];
    pthread_mutex_unlock(&fake->mutex);
}

void fake_intake_refuse_many(struct fake_intake *fake, const char *path)
{
    pthread_mutex_lock(&fake->mutex);
    fake->one_item_path = path;
    pthread_mutex_unlock(&fake->mutex);
}

void fake_intake_release(struct fake_intake *fake)
{
    eventfd_write(fake->command_fd, 1);
}

bool fake_intake_wait(struct fake_intake *fake, size_t n)
{
    struct timespec until;
    int waited = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&fake->mutex);
    while (fake->n_requests < n && waited == 0)
        waited = pthread_cond_timedwait(&fake->changed, &fake->mutex, &until);
    bool came = fake->n_requests >= n;

    pthread_mutex_unlock(&fake->mutex);
    return came;
}

size_t fake_intake_count(struct fake_intake *fake)
{
    pthread_mutex_lock(&fake->mutex);
    size_t n = fake->n_requests;

    pthread_mutex_unlock(&fake->mutex);
    return n;
}

size_t fake_intake_most_hanging(struct fake_intake *fake)
{
    pthread_mutex_lock(&fake->mutex);
    size_t most = fake->most_hanging;

    pthread_mutex_unlock(&fake->mutex);
    return most;
}

const struct fake_request *fake_intake_request(struct fake_intake *fake, size_t index)
{
    /* Never moved and never written again once counted. */
    return index < fake_intake_count(fake) ? &fake->requests[index] : NULL;
}

const char *fake_request_header(const struct fake_request *request, const char *name)
{
    return json_string_value(json_object_get(request->headers, name));
}

json_t *fake_request_decode(const struct fake_request *request)
{
    for (enum payload_route route = 0; route < ROUTE_COUNT; route++)
        if (request->body != NULL && strcmp(request->path, payload_route_path(route)) == 0)
            return decode_body(route, request->body, request->body_size);
    return NULL;
}

/* The items in what one request decodes to. */
static void gather(json_t *into, json_t *decoded)
{
    json_t *series = json_object_get(decoded, "series");
    const char *source;
    json_t *events;

    json_array_extend(into, series != NULL ? series : decoded);
    json_object_foreach(json_object_get(decoded, "events"), source, events)
        json_array_extend(into, events);
}

json_t *fake_intake_items(struct fake_intake *fake, const char *path)
{
    json_t *items = json_array();
    const struct fake_request *request;

    for (size_t i = 0; (request = fake_intake_request(fake, i)) != NULL; i++)
        if (strcmp(request->path, path) == 0) {
            json_t *decoded = fake_request_decode(request);

            gather(items, decoded);
            json_decref(decoded);
        }
    return items;
}
