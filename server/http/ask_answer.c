#include "server/http/ask_answer.h"

#include <stdlib.h>

struct ask_answer {
    int holders;
    int status;
    struct bytes bytes;
};

bool ask_moment_is(struct ask_moment a, struct ask_moment b)
{
    return a.interval == b.interval && a.flushed_s == b.flushed_s;
}

/* ---- one --------------------------------------------------------------- */

struct ask_answer *ask_answer_new(int status, struct bytes *given)
{
    struct ask_answer *answer = given->failed ? NULL : malloc(sizeof *answer);

    if (answer == NULL)
        return NULL;
    *answer = (struct ask_answer){ .holders = 1, .status = status, .bytes = *given };
    *given = (struct bytes){ 0 };
    return answer;
}

void ask_answer_release(struct ask_answer *given)
{
    if (--given->holders > 0)
        return;
    bytes_free(&given->bytes);
    free(given);
}

int ask_answer_status(const struct ask_answer *answer)
{
    return answer->status;
}

struct slice ask_answer_text(const struct ask_answer *answer)
{
    return bytes_view(&answer->bytes);
}

static void release_view(const void *at, size_t len, void *argument)
{
    (void)at, (void)len;
    ask_answer_release(argument);
}

struct evbuffer *ask_answer_body(struct ask_answer *answer)
{
    struct evbuffer *body = evbuffer_new();

    if (body == NULL || answer->bytes.len == 0)
        return body;
    if (evbuffer_add_reference(body, answer->bytes.at, answer->bytes.len, release_view,
                               answer) != 0) {
        evbuffer_free(body);
        return NULL;
    }
    answer->holders++;
    return body;
}

/* ---- the shelf --------------------------------------------------------- */

static void clear_place(struct ask_shelf *shelf, struct ask_kept *kept)
{
    if (kept->answer == NULL)
        return;
    shelf->bytes -= kept->answer->bytes.len;
    ask_answer_release(kept->answer);
    inquiry_free(&kept->inquiry);
    *kept = (struct ask_kept){ .answer = NULL };
}

void ask_shelf_clear(struct ask_shelf *shelf)
{
    for (size_t i = 0; i < ASK_SHELF_PLACES; i++)
        clear_place(shelf, &shelf->kept[i]);
}

struct ask_answer *ask_shelf_find(struct ask_shelf *shelf, struct ask_moment now,
                                  const struct inquiry *inquiry)
{
    if (!ask_moment_is(shelf->moment, now))
        ask_shelf_clear(shelf);
    shelf->moment = now;
    for (size_t i = 0; i < ASK_SHELF_PLACES; i++)
        if (shelf->kept[i].answer != NULL && inquiry_equal(&shelf->kept[i].inquiry, inquiry))
            return shelf->kept[i].answer;
    return NULL;
}

/* The oldest go first, until so many bytes more have room. */
static void make_room(struct ask_shelf *shelf, size_t bytes)
{
    clear_place(shelf, &shelf->kept[shelf->next]);
    for (size_t i = 1; i < ASK_SHELF_PLACES && shelf->bytes + bytes > ASK_SHELF_BYTES; i++)
        clear_place(shelf, &shelf->kept[(shelf->next + i) % ASK_SHELF_PLACES]);
}

void ask_shelf_keep(struct ask_shelf *shelf, struct ask_moment asked, struct inquiry given,
                    struct ask_answer *answer)
{
    size_t bytes = answer->bytes.len;

    if (!ask_moment_is(shelf->moment, asked) || answer->status != 200 ||
        bytes > ASK_SHELF_BYTES / 4) {
        inquiry_free(&given);
        return;
    }
    make_room(shelf, bytes);
    shelf->kept[shelf->next] = (struct ask_kept){ given, answer };
    shelf->next = (shelf->next + 1) % ASK_SHELF_PLACES;
    shelf->bytes += bytes;
    answer->holders++;
}
