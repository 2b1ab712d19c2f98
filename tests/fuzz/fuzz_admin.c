/* Any bytes for all paths of the HTTP endpoint, of a server of which all is well: by a listener
 * that only this machine reaches or by another one, with keys or without. It must answer with
 * HTTP or not at all; and from afar, without a key, with health and metrics only. */
#include <event2/event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/log.h"
#include "server/http/admin.h"
#include "server/http/http.h"
#include "server/http/http_connection.h"
#include "server/http/http_inflate.h"
#include "tests/support/server_rig.h"

enum { MOST_BYTES = 32768, INFLATED_MAX = 10000 };

static _Alignas(64) struct server_rig rig;
static struct question_box questions;
static struct event_base *base;
static struct admin *admin;

/* ---- the server -------------------------------------------------------- */

static void look(const struct server *server, struct server_view *out)
{
    (void)server;
    *out = rig.view;
}

static const struct settings *settings(const struct server *server)
{
    (void)server;
    return &rig.settings;
}

static int64_t flush(struct server *server)
{
    (void)server;
    return 0;
}

static void ask_to_stop(struct server *server)
{
    (void)server;
}

static char *reload(struct server *server, bool *done)
{
    (void)server;
    *done = true;
    return strdup("{}");
}

static void start(void)
{
    struct server_access access = { .hostname = "box",
                                    .look = look,
                                    .settings = settings,
                                    .flush = flush,
                                    .ask_to_stop = ask_to_stop,
                                    .reload = reload };

    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_LEVEL_OFF);
    base = event_base_new();
    if (!server_rig_make(&rig) || !question_box_open(&questions))
        abort();
    rig.view.questions = &questions;
    admin = admin_start(base, true, &access);
    if (admin == NULL)
        abort();
}

/* As the flusher would. */
static void answer_questions(void)
{
    struct asked_question *next, *asked = question_box_take_asked(&questions);

    for (; asked != NULL; asked = next) {
        next = asked->next;
        asked->status = 200;
        bytes_add(&asked->answer, asked->inquiry.text.at, asked->inquiry.text.len);
        question_box_answer(&questions, asked);
    }
}

/* ---- one connection ---------------------------------------------------- */

/* What came first is looked at; the rest is only read. */
struct answer {
    char text[64];
    size_t len;
};

static void read_some(int fd, struct answer *out)
{
    static char bytes[1 << 16];
    ssize_t n;

    while ((n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        size_t room = sizeof out->text - 1 - out->len;
        size_t taken = (size_t)n < room ? (size_t)n : room;

        memcpy(out->text + out->len, bytes, taken);
        out->len += taken;
    }
}

static bool waits_for_work(const struct http *http)
{
    const struct http_exchange *first = http->first;

    return first != NULL && first->phase == HTTP_PHASE_HANDLER && first->route->work != NULL;
}

static void turn(int fd, struct answer *out)
{
    for (int i = 0; i < 4 || waits_for_work(admin_http(admin)); i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        answer_questions();
        read_some(fd, out);
    }
}

static bool is_open(struct slice path)
{
    static const char *const open[] = { "/live", "/ready", "/startup", "/metrics" };

    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        if (slice_equal(path, slice_of(open[i])))
            return true;
    return false;
}

/* The first answer that came from afar. */
static void check_answer(const struct answer *answer, struct slice bytes)
{
    struct http_request request;
    size_t seen = 0;
    int status = 0;

    while (bytes.len > 0 && (bytes.at[0] == '\r' || bytes.at[0] == '\n'))
        bytes = slice_skip(bytes, 1);
    size_t end = http_head_end(bytes.at, bytes.len, &seen);
    if (end == 0 || http_head_parse(&request, (struct slice){ bytes.at, end }) != 0 ||
        sscanf(answer->text, "HTTP/1.1 %d", &status) != 1)
        return;
    if (status < 400 && status >= 200 && !is_open(request.path))
        abort();
}

static void check_connection(struct slice bytes, bool is_local)
{
    struct answer answer = { .len = 0 };
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0 ||
        !http_connection_open(admin_http(admin), pair[0], &(struct sender){ .family = AF_UNIX },
                              is_local, 0))
        abort();
    (void)!send(pair[1], bytes.at, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    turn(pair[1], &answer);
    if (answer.len > 0 &&
        strncmp(answer.text, "HTTP/1.1 ", answer.len < 9 ? answer.len : 9) != 0)
        abort();
    if (!is_local)
        check_answer(&answer, bytes);
    close(pair[1]);
    while (http_connections(admin_http(admin)) > 0) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        answer_questions();
        http_expire(admin_http(admin), INT64_MAX - 1);
    }
}

static void check_inflate(struct slice bytes)
{
    static const char *const encodings[] = { "gzip", "deflate" };

    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++) {
        struct bytes out = { 0 };
        int status = http_inflate(&out, slice_of(encodings[i]), bytes, INFLATED_MAX);

        if (out.len > INFLATED_MAX || (status != 0 && out.len != 0))
            abort();
        bytes_free(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char key[] = "0123456789abcdef", secret[] = "what no input has in it", *keys[1];

    if (admin == NULL)
        start();
    if (size < 2 || size > MOST_BYTES)
        return 0;
    struct slice bytes = { (const char *)data + 1, size - 1 };
    bool is_local = (data[0] & 1) != 0;
    keys[0] = is_local ? key : secret;
    rig.settings.heeler_app_keys =
        (data[0] & 2) != 0 ? (struct string_list){ keys, 1 } : (struct string_list){ 0 };
    check_connection(bytes, is_local);
    if ((data[0] & 4) != 0)
        check_inflate(bytes);
    return 0;
}
