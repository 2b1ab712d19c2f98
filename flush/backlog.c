#include "flush/backlog.h"

/* One that returns is among the newest, so the walk is short. */
void backlog_put(struct backlog *backlog, struct payload *given)
{
    struct payload *newer = NULL, *older = backlog->newest;

    while (older != NULL && older->order > given->order) {
        newer = older;
        older = older->next;
    }
    given->previous = newer;
    given->next = older;
    *(newer != NULL ? &newer->next : &backlog->newest) = given;
    *(older != NULL ? &older->previous : &backlog->oldest) = given;
}

static struct payload *take(struct backlog *backlog, struct payload *payload)
{
    if (payload == NULL)
        return NULL;
    *(payload->previous != NULL ? &payload->previous->next : &backlog->newest) = payload->next;
    *(payload->next != NULL ? &payload->next->previous : &backlog->oldest) = payload->previous;
    payload->next = payload->previous = NULL;
    return payload;
}

struct payload *backlog_take_newest(struct backlog *backlog)
{
    return take(backlog, backlog->newest);
}

struct payload *backlog_take_oldest(struct backlog *backlog)
{
    return take(backlog, backlog->oldest);
}
