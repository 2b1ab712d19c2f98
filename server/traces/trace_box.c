#include "server/traces/trace_box.h"

#include <stdlib.h>

struct trace_question *trace_question_new(void *argument)
{
    struct trace_question *question = malloc(sizeof *question);

    if (question == NULL)
        return NULL;
    memset(question, 0, offsetof(struct trace_question, texts));
    question->argument = argument;
    return question;
}

void trace_question_free(struct trace_question *given)
{
    trace_results_free(&given->results);
    free(given);
}

bool trace_question_keep(struct trace_question *question, struct slice text, struct slice *out)
{
    char *at = question->texts + question->texts_used;

    if (text.len > sizeof question->texts - question->texts_used)
        return false;
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    *out = (struct slice){ at, text.len };
    question->texts_used += text.len;
    return true;
}

struct trace_box *trace_box_new(void)
{
    struct trace_box *box = calloc(1, sizeof *box);

    if (box == NULL)
        return NULL;
    bool asked = mailbox_open(&box->asked), answered = mailbox_open(&box->answered);

    if (asked && answered)
        return box;
    trace_box_free(box);
    return NULL;
}

struct trace_question *trace_box_take(struct mailbox *mailbox)
{
    mailbox_quieten(mailbox);
    return (struct trace_question *)mailbox_take(mailbox);
}

static void drop_all(struct mailbox *mailbox)
{
    struct trace_question *question = trace_box_take(mailbox);

    while (question != NULL) {
        struct trace_question *next = question->next;

        trace_question_free(question);
        question = next;
    }
    mailbox_close(mailbox);
}

void trace_box_free(struct trace_box *given)
{
    if (given == NULL)
        return;
    drop_all(&given->asked);
    drop_all(&given->answered);
    free(given);
}

void trace_box_answer(struct trace_box *box, const struct trace_ring *ring)
{
    struct trace_question *question = trace_box_take(&box->asked);

    while (question != NULL) {
        struct trace_question *next = question->next;

        if (ring != NULL)
            trace_ring_search(ring, &question->search, &question->results);
        mailbox_push(&box->answered, &question->letter);
        question = next;
    }
}
