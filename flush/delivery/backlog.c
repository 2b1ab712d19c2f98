#include "flush/delivery/backlog.h"

/* An errand that comes back is one of the newest, so the walk from the newest is short. */
void backlog_put(struct backlog *backlog, struct errand *given)
{
    struct errand *newer = NULL, *older = backlog->newest;

    while (older != NULL && older->order > given->order) {
        newer = older;
        older = older->next;
    }
    given->previous = newer;
    given->next = older;
    *(newer != NULL ? &newer->next : &backlog->newest) = given;
    *(older != NULL ? &older->previous : &backlog->oldest) = given;
    backlog->n++;
}

struct errand *backlog_take(struct backlog *backlog, struct errand *errand)
{
    *(errand->previous != NULL ? &errand->previous->next : &backlog->newest) = errand->next;
    *(errand->next != NULL ? &errand->next->previous : &backlog->oldest) = errand->previous;
    errand->next = errand->previous = NULL;
    backlog->n--;
    return errand;
}

struct errand *backlog_take_newest(struct backlog *backlog)
{
    return backlog->newest != NULL ? backlog_take(backlog, backlog->newest) : NULL;
}

struct errand *backlog_take_oldest(struct backlog *backlog)
{
    return backlog->oldest != NULL ? backlog_take(backlog, backlog->oldest) : NULL;
}

#ifdef HEELER_CHECKS
enum { LOOK_AT = 64 };

bool backlog_sane(const struct backlog *backlog)
{
    const struct errand *newer = NULL, *errand = backlog->newest;
    size_t n = 0;

    for (; errand != NULL && n < LOOK_AT; newer = errand, errand = errand->next, n++)
        if (errand->previous != newer || (newer != NULL && newer->order < errand->order))
            return false;
    return errand != NULL ? backlog->n > n : backlog->n == n && backlog->oldest == newer;
}
#endif
