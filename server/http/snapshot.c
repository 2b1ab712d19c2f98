#include "server/http/snapshot.h"

#include <stdio.h>
#include <stdlib.h>

#include "flush/memory/json_out.h"
#include "server/http/desk.h"
#include "server/http/pictures.h"
#include "server/http/snapshot_request.h"
#include "server/pictures/painter.h"

/* One request whose questions are under way. */
struct snapshot {
    struct snapshots *all;
    struct snapshot *before, *after;
    struct http_exchange *exchange;
    struct snapshot_request request;
    char *host; /* owned: where the picture will be */
    const char *scheme;
    struct bytes answers[PICTURE_REQUESTS_MAX];
    size_t n_answers, answers_len;
    struct ask_waiter *waiter; /* NULL: no question is under way */
};

struct snapshots {
    struct ask *ask;
    struct desk *desk;
    struct snapshot *first;
};

/* ---- one --------------------------------------------------------------- */

static void snapshot_free(struct snapshot *given)
{
    *(given->before != NULL ? &given->before->after : &given->all->first) = given->after;
    if (given->after != NULL)
        given->after->before = given->before;
    if (given->waiter != NULL)
        ask_forget(given->waiter);
    for (size_t i = 0; i < given->n_answers; i++)
        bytes_free(&given->answers[i]);
    snapshot_request_free(&given->request);
    free(given->host);
    free(given);
}

static void on_gone(void *argument)
{
    snapshot_free(argument);
}

/* The exchange goes on without it. */
static struct http_exchange *let_go(struct snapshot *given)
{
    struct http_exchange *exchange = given->exchange;

    http_on_end(exchange, NULL, NULL);
    snapshot_free(given);
    return exchange;
}

static void reply_json(struct http_exchange *exchange, int status, struct slice json)
{
    struct evbuffer *body = evbuffer_new();

    if (body != NULL && evbuffer_add(body, json.at, json.len) != 0) {
        evbuffer_free(body);
        body = NULL;
    }
    http_reply(exchange, status, "application/json", body);
}

static void refuse(struct http_exchange *exchange, int status, const char *sentence)
{
    struct asked_question said = { 0 };

    asked_question_refuse(&said, status, sentence);
    reply_json(exchange, status, bytes_view(&said.answer));
    bytes_free(&said.answer);
}

/* ---- to the desk ------------------------------------------------------- */

/* What the answer says before and behind the name of the picture, each with a NUL. */
static void put_answer(struct json_out *out, const struct snapshot *snapshot)
{
    char url[HTTP_HEAD_MAX + 64];

    /* The quote behind the text belongs behind the name. */
    snprintf(url, sizeof url, "%s://%s" PICTURES_VIEW, snapshot->scheme, snapshot->host);
    json_out_begin(out, NULL, '{');
    json_out_text(out, "snapshot_url", url);
    out->bytes.len -= out->bytes.failed ? 0 : 1;
    bytes_add(&out->bytes, "", 1);
    bytes_add(&out->bytes, ".png\"", 5);
    snapshot_request_echo(&snapshot->request, out);
    json_out_end(out, '}');
    bytes_add(&out->bytes, "\n", 2);
}

/* All answers are there. */
static void paint(struct snapshot *given)
{
    static const struct slice head = { "GET / HTTP/1.1\r\n\r\n", 18 };
    struct desk *desk = given->all->desk;
    struct picture *picture = &given->request.picture;
    struct json_out out = { 0 };

    for (size_t i = 0; i < given->n_answers; i++)
        picture->requests[i].answer =
            (struct slice){ (const char *)given->answers[i].at, given->answers[i].len };
    put_answer(&out, given);
    enum picture_written result = picture_write(picture, &out.bytes);
    struct http_exchange *exchange = let_go(given);
    if (result == PICTURE_WRITTEN)
        desk_take(desk, exchange, head, bytes_view(&out.bytes), HTTP_BODY_MAX,
                  pictures_paint_work);
    else
        refuse(exchange, result == PICTURE_TOO_LARGE ? 400 : 503, picture_sentence(result));
    bytes_free(&out.bytes);
}

/* ---- questions --------------------------------------------------------- */

static void ask_next(struct snapshot *snapshot);

static void on_answer(void *argument, int status, struct slice json)
{
    struct snapshot *snapshot = argument;

    snapshot->waiter = NULL;
    if (status != 200) {
        reply_json(let_go(snapshot), status, json);
        return;
    }
    if (json.len > PAINTER_DEFINITION_MAX - snapshot->answers_len) {
        refuse(let_go(snapshot), 400, picture_sentence(PICTURE_TOO_LARGE));
        return;
    }
    struct bytes *answer = &snapshot->answers[snapshot->n_answers++];
    snapshot->answers_len += json.len;
    bytes_add(answer, json.at, json.len);
    if (answer->failed)
        refuse(let_go(snapshot), 503, picture_sentence(PICTURE_NO_MEMORY));
    else
        ask_next(snapshot);
}

/* It may be gone afterwards. */
static void ask_next(struct snapshot *snapshot)
{
    const struct picture *picture = &snapshot->request.picture;

    if (snapshot->n_answers == picture->n_requests) {
        paint(snapshot);
        return;
    }
    struct inquiry inquiry = {
        .kind = INQUIRY_QUERY,
        .text = slice_of(snapshot->request.queries[snapshot->n_answers]),
        .from_s = picture->from_s,
        .to_s = picture->to_s,
    };
    struct ask_waiter *waiter = ask_for(snapshot->all->ask, &inquiry, on_answer, snapshot);
    if (waiter != NULL)
        snapshot->waiter = waiter;
}

/* ---- requests ---------------------------------------------------------- */

/* Owned; NULL without memory. */
static char *host_of(const struct http_request *request)
{
    struct slice host = request->has_host ? request->authority : SLICE("localhost");

    return strndup(host.at, host.len);
}

/* We speak no TLS ourselves; a proxy before us that does says so, as it says the Host that it
 * was asked for. Of several proxies the first is the one that the client knows. Whoever claims
 * it is believed: he is the only one who is told. */
static const char *scheme_of(const struct http_request *request)
{
    struct slice said;

    return http_header(request, "X-Forwarded-Proto", &said) &&
                   http_same_word(slice_trim(slice_cut(&said, ','), " \t"), SLICE("https"))
               ? "https"
               : "http";
}

static struct snapshot *snapshot_new(struct snapshots *all, struct http_exchange *exchange,
                                     const struct http_request *request)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);

    if (snapshot == NULL)
        return NULL;
    snapshot->all = all;
    snapshot->exchange = exchange;
    snapshot->host = host_of(request);
    snapshot->scheme = scheme_of(request);
    snapshot->after = all->first;
    if (all->first != NULL)
        all->first->before = snapshot;
    all->first = snapshot;
    http_on_end(exchange, on_gone, snapshot);
    return snapshot;
}

void snapshots_on(struct snapshots *snapshots, struct http_exchange *exchange,
                  const struct http_request *request)
{
    struct snapshot *snapshot = snapshot_new(snapshots, exchange, request);
    char problem[SNAPSHOT_PROBLEM_SIZE];

    if (snapshot == NULL)
        refuse(exchange, 503, picture_sentence(PICTURE_NO_MEMORY));
    else if (snapshot->host == NULL)
        refuse(let_go(snapshot), 503, picture_sentence(PICTURE_NO_MEMORY));
    else if (!snapshot_request_read(&snapshot->request, request, problem))
        refuse(let_go(snapshot), 400, problem);
    else
        ask_next(snapshot);
}

/* ---- start and stop ---------------------------------------------------- */

struct snapshots *snapshots_new(struct ask *ask, struct desk *desk)
{
    struct snapshots *snapshots = calloc(1, sizeof *snapshots);

    if (snapshots != NULL)
        *snapshots = (struct snapshots){ .ask = ask, .desk = desk };
    return snapshots;
}

void snapshots_free(struct snapshots *given)
{
    while (given != NULL && given->first != NULL)
        snapshot_free(given->first);
    free(given);
}
