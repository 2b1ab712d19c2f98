#include "flush/rollups/question_box.h"

#include <stdlib.h>

#include "flush/memory/json.h"

struct asked_question *asked_question_new(const struct inquiry *inquiry, void *argument)
{
    struct asked_question *asked = calloc(1, sizeof *asked);

    if (asked == NULL)
        return NULL;
    if (!inquiry_copy(inquiry, &asked->inquiry)) {
        free(asked);
        return NULL;
    }
    asked->argument = argument;
    atomic_init(&asked->cancelled, false);
    return asked;
}

void asked_question_free(struct asked_question *given)
{
    bytes_free(&given->answer);
    inquiry_free(&given->inquiry);
    if (given->back != NULL)
        free(given->argument);
    free(given);
}

void asked_question_refuse(struct asked_question *asked, int status, const char *sentence)
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

bool question_box_open(struct question_box *questions)
{
    bool asked = mailbox_open(&questions->asked), answered = mailbox_open(&questions->answered);

    if (asked && answered)
        return true;
    question_box_close(questions);
    return false;
}

static struct asked_question *take(struct mailbox *mailbox)
{
    mailbox_quieten(mailbox);
    return (struct asked_question *)mailbox_take(mailbox);
}

static void free_list(struct asked_question *list)
{
    while (list != NULL) {
        struct asked_question *next = list->next;
        asked_question_free(list);
        list = next;
    }
}

void question_box_close(struct question_box *given)
{
    free_list(question_box_take_asked(given));
    free_list(question_box_take_answered(given));
    mailbox_close(&given->asked);
    mailbox_close(&given->answered);
}

void question_box_ask(struct question_box *questions, struct asked_question *given)
{
    mailbox_push(&questions->asked, &given->letter);
}

void question_box_answer(struct question_box *questions, struct asked_question *given)
{
    mailbox_push(given->back != NULL ? given->back : &questions->answered, &given->letter);
}

struct asked_question *question_box_take_asked(struct question_box *questions)
{
    return take(&questions->asked);
}

struct asked_question *question_box_take_answered(struct question_box *questions)
{
    return take(&questions->answered);
}
