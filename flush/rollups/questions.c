#include "flush/rollups/questions.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "flush/memory/json.h"

struct asked *asked_new(struct slice text, int64_t from_s, int64_t to_s, void *context)
{
    struct asked *asked = calloc(1, sizeof *asked);

    if (asked == NULL)
        return NULL;
    asked->text = malloc(text.len + 1);
    if (asked->text == NULL) {
        free(asked);
        return NULL;
    }
    if (text.len > 0)
        memcpy(asked->text, text.at, text.len);
    asked->text_len = text.len;
    asked->from_s = from_s;
    asked->to_s = to_s;
    asked->context = context;
    atomic_init(&asked->cancelled, false);
    return asked;
}

void asked_free(struct asked *given)
{
    bytes_free(&given->answer);
    free(given->text);
    free(given);
}

void asked_refuse(struct asked *asked, int status, const char *sentence)
{
    struct bytes *out = &asked->answer;

    asked->status = status;
    bytes_clear(out);
    bytes_add(out, "{\"status\":\"error\",\"error\":", 26);
    json_add_string(out, slice_of(sentence));
    bytes_add(out, ",\"errors\":[", 11);
    json_add_string(out, slice_of(sentence));
    bytes_add(out, "]}\n", 3);
}

/* ---- lists ------------------------------------------------------------- */

static void push(_Atomic(struct asked *) *list, int wake_fd, struct asked *given)
{
    struct asked *seen = atomic_load_explicit(list, memory_order_relaxed);

    do
        given->next = seen;
    while (!atomic_compare_exchange_weak_explicit(list, &seen, given, memory_order_release,
                                                  memory_order_relaxed));
    if (seen == NULL) {
        ssize_t ignored = write(wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
        (void)ignored; /* fails only when the reader is awake */
    }
}

static struct asked *take(_Atomic(struct asked *) *list, int wake_fd)
{
    uint64_t wakes;
    struct asked *oldest = NULL, *newest;
    ssize_t ignored = read(wake_fd, &wakes, sizeof wakes);

    (void)ignored; /* read before the exchange: a later push then wakes again */
    newest = atomic_exchange_explicit(list, NULL, memory_order_acquire);
    while (newest != NULL) {
        struct asked *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

bool questions_open(struct questions *questions)
{
    atomic_init(&questions->asked, NULL);
    atomic_init(&questions->answered, NULL);
    questions->asked_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    questions->answered_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (questions->asked_fd >= 0 && questions->answered_fd >= 0)
        return true;
    questions_close(questions);
    return false;
}

static void free_list(struct asked *list)
{
    while (list != NULL) {
        struct asked *next = list->next;
        asked_free(list);
        list = next;
    }
}

void questions_close(struct questions *questions)
{
    free_list(questions_take_asked(questions));
    free_list(questions_take_answered(questions));
    if (questions->asked_fd >= 0)
        close(questions->asked_fd);
    if (questions->answered_fd >= 0)
        close(questions->answered_fd);
}

void questions_ask(struct questions *questions, struct asked *given)
{
    push(&questions->asked, questions->asked_fd, given);
}

void questions_answer(struct questions *questions, struct asked *given)
{
    push(&questions->answered, questions->answered_fd, given);
}

struct asked *questions_take_asked(struct questions *questions)
{
    return take(&questions->asked, questions->asked_fd);
}

struct asked *questions_take_answered(struct questions *questions)
{
    return take(&questions->answered, questions->answered_fd);
}
