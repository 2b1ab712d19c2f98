#include "server/http/pictures.h"

#include <stdlib.h>

#include "config/clock.h"
#include "config/patience.h"
#include "flush/rollups/question_box.h"
#include "server/http/desk.h"
#include "server/http/picture_store.h"
#include "server/http/server_view.h"

enum { EXPIRE_EVERY_S = 600 };

struct pictures {
    char *program;
    struct http_ledger *ledger;
    struct painter *painter; /* NULL: not furnished */
    struct event *expire;
    struct picture_store store;
    struct commission *first; /* owned: nobody is told of those that are under way at the end */
};

/* A picture that was asked for; the texts are views of the job's body. */
struct commission {
    struct commission *next, **link; /* link: where this one stands */
    struct pictures *pictures;
    struct desk_job *job;
    struct slice before, behind; /* the name in the answer */
};

/* ---- painting ---------------------------------------------------------- */

static struct commission *commission_new(struct pictures *pictures, struct desk_job *job)
{
    struct commission *commission = calloc(1, sizeof *commission);

    if (commission == NULL)
        return NULL;
    *commission = (struct commission){
        .next = pictures->first, .link = &pictures->first, .pictures = pictures, .job = job
    };
    if (commission->next != NULL)
        commission->next->link = &commission->next;
    pictures->first = commission;
    return commission;
}

static void commission_free(struct commission *given)
{
    *given->link = given->next;
    if (given->next != NULL)
        given->next->link = given->link;
    free(given);
}

static void refuse(struct desk_job *given, int status, const char *sentence)
{
    struct asked_question said = { 0 };

    asked_question_refuse(&said, status, sentence);
    desk_reply(given, status, "application/json", &said.answer);
}

static void answer(struct commission *commission, struct bytes *picture)
{
    char name[PICTURE_NAME_SIZE];
    struct bytes body = { 0 };

    if (!picture_store_add(&commission->pictures->store, picture, clock_wall_s(), name)) {
        refuse(commission->job, 503, "not enough memory to keep the picture");
        return;
    }
    bytes_add(&body, commission->before.at, commission->before.len);
    bytes_add(&body, name, sizeof name - 1);
    bytes_add(&body, commission->behind.at, commission->behind.len);
    desk_reply(commission->job, 200, "application/json", &body);
}

static void on_painted(enum painter_result result, struct bytes *picture, const char *sentence,
                       void *argument)
{
    static const int statuses[] = {
        [PAINTER_DONE] = 200, [PAINTER_REFUSED] = 400, [PAINTER_BUSY] = 503,
        [PAINTER_SLOW] = 504, [PAINTER_FAILED] = 503,
    };
    struct commission *commission = argument;

    counter_add(&commission->pictures->ledger->pictures[result], 1);
    if (result == PAINTER_DONE)
        answer(commission, picture);
    else
        refuse(commission->job, statuses[result], sentence);
    commission_free(commission);
}

void pictures_paint_work(struct desk_job *given, const struct http_request *request,
                         void *argument)
{
    const struct server_view *view = argument;
    struct commission *commission = commission_new(view->pictures, given);
    struct slice rest = request->body;

    if (commission == NULL) {
        refuse(given, 503, "not enough memory to draw");
        return;
    }
    commission->before = slice_cut(&rest, '\0');
    commission->behind = slice_cut(&rest, '\0');
    painter_paint(view->pictures->painter, rest, on_painted, commission);
}

/* ---- giving ------------------------------------------------------------ */

/* A page of anybody may show it, and read it. Nothing in it is obeyed. */
static void add_headers(struct desk_job *job)
{
    desk_add_header(job, "Cache-Control", "private, max-age=86400, immutable");
    desk_add_header(job, "Access-Control-Allow-Origin", "*");
    desk_add_header(job, "Content-Security-Policy", "default-src 'none'; sandbox");
    desk_add_header(job, "Referrer-Policy", "no-referrer");
}

/* The last part of the path, without the ending; empty: it has another one. */
static struct slice name_of(struct slice path, struct slice folder, struct slice ending)
{
    struct slice name = slice_skip(path, folder.len);

    if (name.len < ending.len || !slice_equal(slice_skip(name, name.len - ending.len), ending))
        return SLICE("");
    name.len -= ending.len;
    return name;
}

void pictures_view_work(struct desk_job *given, const struct http_request *request,
                        void *argument)
{
    const struct server_view *view = argument;
    struct slice name = name_of(request->path, SLICE(PICTURES_VIEW), SLICE(".png"));
    struct slice picture = picture_store_find(&view->pictures->store, name, clock_wall_s());
    struct bytes body = { 0 };

    if (picture.len == 0) {
        desk_reply_text(given, 404, "text/plain; charset=utf-8",
                        "there is no such picture, or its day is over\n");
        return;
    }
    add_headers(given);
    bytes_add(&body, picture.at, picture.len);
    desk_reply(given, 200, "image/png", &body);
}

/* In the form of Datadog's API, where the status stands in the body. */
void pictures_status_work(struct desk_job *given, const struct http_request *request,
                          void *argument)
{
    const struct server_view *view = argument;
    struct slice name = name_of(request->path, SLICE(PICTURES_STATUS), SLICE(""));
    bool is_there = picture_store_find(&view->pictures->store, name, clock_wall_s()).len > 0;

    desk_reply_text(given, 200, "application/json",
                    is_there ? "{\"status_code\":200}\n" : "{\"status_code\":404}\n");
}

/* ---- start and stop ---------------------------------------------------- */

static void on_expire(evutil_socket_t fd, short what, void *argument)
{
    struct pictures *pictures = argument;

    (void)fd, (void)what;
    picture_store_expire(&pictures->store, clock_wall_s());
}

struct pictures *pictures_new(const char *program, struct http_ledger *ledger)
{
    struct pictures *pictures = calloc(1, sizeof *pictures);

    if (pictures == NULL)
        return NULL;
    pictures->ledger = ledger;
    pictures->program = strdup(program);
    if (pictures->program != NULL)
        return pictures;
    free(pictures);
    return NULL;
}

static void unfurnish(struct pictures *pictures)
{
    painter_free(pictures->painter);
    pictures->painter = NULL;
    while (pictures->first != NULL)
        commission_free(pictures->first);
    if (pictures->expire != NULL)
        event_free(pictures->expire);
    pictures->expire = NULL;
}

bool pictures_furnish(struct pictures *pictures, struct event_base *desk_base)
{
    static const struct timeval every = { EXPIRE_EVERY_S, 0 };

    pictures->painter = painter_new(desk_base, &painter_chart, pictures->program,
                                    patience_ms(PAINTER_TIMEOUT_MS));
    pictures->expire = event_new(desk_base, -1, EV_PERSIST, on_expire, pictures);
    if (pictures->painter != NULL && pictures->expire != NULL &&
        event_add(pictures->expire, &every) == 0)
        return true;
    unfurnish(pictures);
    return false;
}

void pictures_free(struct pictures *given)
{
    if (given == NULL)
        return;
    unfurnish(given);
    picture_store_clear(&given->store);
    free(given->program);
    free(given);
}
