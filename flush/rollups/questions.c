#include "flush/rollups/questions.h"

#include <stdlib.h>

#include "flush/memory/json.h"

struct asked *asked_new(struct slice text, int64_t from_s, int64_t to_s, void *argument)
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
    asked->argument = argument;
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

bool questions_open(struct questions *questions)
{
    bool asked = mailbox_open(&questions->asked), answered = mailbox_open(&questions->answered);

    if (asked && answered)
        return true;
    questions_close(questions);
    return false;
}

static struct asked *take(struct mailbox *mailbox)
{
    mailbox_quieten(mailbox);
    return (struct asked *)mailbox_take(mailbox);
}

static void free_list(struct asked *list)
{
    while (list != NULL) {
        struct asked *next = list->next;
        asked_free(list);
        list = next;
    }
}

void questions_close(struct questions *given)
{
    free_list(questions_take_asked(given));
    free_list(questions_take_answered(given));
    mailbox_close(&given->asked);
    mailbox_close(&given->answered);
}

void questions_ask(struct questions *questions, struct asked *given)
{
    mailbox_push(&questions->asked, &given->letter);
}

void questions_answer(struct questions *questions, struct asked *given)
{
    mailbox_push(&questions->answered, &given->letter);
}

struct asked *questions_take_asked(struct questions *questions)
{
    return take(&questions->asked);
}

struct asked *questions_take_answered(struct questions *questions)
{
    return take(&questions->answered);
}
