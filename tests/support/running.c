#include "tests/support/running.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/load.h"
#include "config/log.h"
#include "config/patience.h"
#include "tests/support/with_settings.h"

#define WAIT_NS INT64_C(60000000000) /* only what never comes takes it */

/* On a busy machine all takes longer; what a limit does is tested where it is an argument. */
__attribute__((constructor)) static void have_patience(void)
{
    patience_stretch(12);
}

static bool load(void *argument, struct settings *out, struct problems *problems)
{
    struct running *running = argument;
    struct settings_source source = { .sets = running->sets, .n_sets = running->n_sets };

    return settings_load(out, &source, problems);
}

static void note_stop(void *argument)
{
    struct running *running = argument;

    running->asked_to_stop = true;
}

void running_set(struct running *running, char *set)
{
    running->sets[running->n_sets++] = set;
}

static void undo(void *what)
{
    struct running *running = what;

    if (running->log == NULL)
        running_stop(running);
    running_free(running);
}

bool running_start(struct running *out, FILE *console, char **sets, size_t n_sets)
{
    static char *const first[] = {
        "dogstatsd_port=__random__", "bind_host=127.0.0.1",
        "heeler_http_listen=", "dogstatsd_socket=",
        /* Nothing reaches the intake that the test did not ask for. */
        "forwarder_apikey_validation_interval=0", "heeler_self_telemetry=false",
        "heeler_stop_timeout=60" /* what a loaded machine takes to deliver, too */
    };

    *out = (struct running){ .base = event_base_new() };
    undo_later(undo, out);
    temp_file_write(out->log_path, "", 0);
    log_open(LOG_LEVEL_INFO, out->log_path, false, false);
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        running_set(out, first[i]);
    for (size_t i = 0; i < n_sets; i++)
        running_set(out, sets[i]);
    if (!with_settings(&out->settings, out->sets, out->n_sets))
        return false;
    struct server_config config = {
        .settings = &out->settings,
        .hostname = "test-host",
        .base = out->base,
        .console = console,
        .load = load,
        .stop = note_stop,
        .argument = out,
    };
    out->server = server_start(&config, out->problem, sizeof out->problem);
    return out->server != NULL;
}

bool running_stop(struct running *given)
{
    bool ended = given->server == NULL || server_stop(given->server);

    given->server = NULL;
    log_close();
    given->log = temp_file_read(given->log_path);
    unlink(given->log_path);
    return ended;
}

void running_free(struct running *given)
{
    undo_forget(given);
    event_base_free(given->base);
    settings_free(&given->settings);
    free(given->log);
}

int running_end(struct running *given)
{
    bool ended = running_stop(given);

    running_free(given);
    return ended ? 0 : -1;
}

static const char *find_ledger(const struct running *running, const char *name)
{
    char word[64];
    const char *line = strstr(running->log, "final ledger:");

    snprintf(word, sizeof word, " %s=", name);
    const char *at = line != NULL ? strstr(line, word) : NULL;
    return at != NULL ? at + strlen(word) : NULL;
}

uint64_t running_ledger(const struct running *running, const char *name)
{
    const char *number = find_ledger(running, name);

    return number != NULL ? strtoull(number, NULL, 10) : UINT64_MAX;
}

const char *running_imbalance(const struct running *running)
{
    static char text[128];
    const char *at = find_ledger(running, "imbalance");

    snprintf(text, sizeof text, "%.*s", at != NULL ? (int)strcspn(at, " \n") : 0,
             at != NULL ? at : "");
    return text;
}

/* ---- waiting ----------------------------------------------------------- */

static void nothing(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what, (void)argument;
}

/* Until something happens on the loop, a millisecond at most. */
static void turn(struct event_base *base)
{
    static const struct timeval millisecond = { 0, 1000 };

    event_base_once(base, -1, EV_TIMEOUT, nothing, NULL, &millisecond);
    event_base_loop(base, EVLOOP_ONCE);
}

bool running_until(struct running *running, running_condition *done, uint64_t n)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_NS;
    struct server_view view;

    do {
        server_view(running->server, &view);
        if (done(&view, n))
            return true;
        turn(running->base);
    } while (clock_monotonic_ns() < deadline_ns);
    return false;
}

bool running_datagrams(const struct server_view *view, uint64_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < view->listeners->n; i++)
        for (uint32_t w = 0; w < view->listeners->at[i].n_sockets; w++)
            sum += counter_read(&view->listeners->at[i].sockets[w].datagrams);
    return sum >= n;
}

bool running_snapshots(const struct server_view *view, uint64_t n)
{
    return counter_read(&view->flusher_ledger->snapshots) >= n;
}

bool running_delivered(const struct server_view *view, uint64_t n)
{
    return atomic_load(&view->delivery_ledger->delivered.payloads) >= n;
}

const char *running_listener(const struct running *running, size_t i)
{
    struct server_view view;

    server_view(running->server, &view);
    return i < view.listeners->n ? view.listeners->at[i].name : NULL;
}

/* ---- HTTP -------------------------------------------------------------- */

struct answer {
    int status;
    char *body;
    bool done;
};

static void on_answer(struct evhttp_request *request, void *argument)
{
    struct answer *answer = argument;

    answer->done = true;
    if (request == NULL)
        return;
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    size_t size = evbuffer_get_length(input);
    answer->status = evhttp_request_get_response_code(request);
    answer->body = calloc(1, size + 1);
    evbuffer_copyout(input, answer->body, size);
}

int running_ask(struct running *running, int port, enum evhttp_cmd_type method,
                const char *path, const char *header, char **body)
{
    struct answer answer = { 0 };
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_NS;
    struct evhttp_connection *connection =
        evhttp_connection_base_new(running->base, NULL, "127.0.0.1", (uint16_t)port);

    struct evhttp_request *request = evhttp_request_new(on_answer, &answer);

    if (header != NULL)
        evhttp_add_header(evhttp_request_get_output_headers(request), header, "x");
    evhttp_make_request(connection, request, method, path);
    while (!answer.done && clock_monotonic_ns() < deadline_ns)
        turn(running->base);
    evhttp_connection_free(connection);
    *body = answer.body;
    return answer.status;
}

static void on_bytes(struct bufferevent *connection, void *argument)
{
    (void)connection, (void)argument; /* they stay in its buffer */
}

static void on_event(struct bufferevent *connection, short what, void *argument)
{
    (void)connection;
    *(bool *)argument = (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0;
}

char *running_exchange(struct running *running, int port, const char *bytes, size_t len)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_NS;
    struct bufferevent *connection =
        bufferevent_socket_new(running->base, -1, BEV_OPT_CLOSE_ON_FREE);
    struct evbuffer *input = bufferevent_get_input(connection);
    bool ended = false;

    bufferevent_setcb(connection, on_bytes, NULL, on_event, &ended);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
    bufferevent_write(connection, bytes, len);
    bufferevent_socket_connect(connection, (struct sockaddr *)&address, sizeof address);
    while (!ended && clock_monotonic_ns() < deadline_ns)
        turn(running->base);
    size_t size = evbuffer_get_length(input);
    char *text = calloc(1, size + 1);

    evbuffer_copyout(input, text, size);
    bufferevent_free(connection);
    return text;
}

int running_json(struct running *running, int port, const char *method, const char *path,
                 const char *json, char **body)
{
    size_t len = json != NULL ? strlen(json) : 0;
    char *request = malloc(strlen(path) + len + 256);
    int status = 0;

    int size = sprintf(request,
                       "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s"
                       "Content-Length: %zu\r\n\r\n%s",
                       method, path, json != NULL ? "Content-Type: application/json\r\n" : "",
                       len, json != NULL ? json : "");
    char *answer = running_exchange(running, port, request, (size_t)size);
    const char *behind_head = strstr(answer, "\r\n\r\n");

    sscanf(answer, "HTTP/1.1 %d", &status);
    *body = strdup(behind_head != NULL ? behind_head + 4 : "");
    free(answer);
    free(request);
    return status;
}

int running_get(struct running *running, int port, const char *path, char **body)
{
    return running_ask(running, port, EVHTTP_REQ_GET, path, NULL, body);
}
