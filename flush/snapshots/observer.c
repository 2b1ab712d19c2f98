#include "flush/snapshots/observer.h"

bool observers_add(struct observers *observers, struct observer given)
{
    if (observers->n < OBSERVERS_MAX) {
        observers->at[observers->n++] = given;
        return true;
    }
    if (given.ops->free != NULL)
        given.ops->free(given.self);
    return false;
}

/* Frees the last one first, because it may read those before it. */
void observers_free(struct observers *given)
{
    while (given->n > 0) {
        const struct observer *last = &given->at[--given->n];

        if (last->ops->free != NULL)
            last->ops->free(last->self);
    }
}

bool observers_may_begin(const struct observers *observers, int64_t stamp_s, int64_t now_s)
{
    for (size_t i = observers->n; i > 0; i--) {
        const struct observer *one = &observers->at[i - 1];

        if (one->ops->may_begin != NULL && !one->ops->may_begin(one->self, stamp_s, now_s))
            return false;
    }
    return true;
}

bool observers_step(const struct observers *observers, int64_t now_s)
{
    bool more = false;

    for (size_t i = 0; i < observers->n; i++)
        if (observers->at[i].ops->step != NULL)
            more |= observers->at[i].ops->step(observers->at[i].self, now_s);
    return more;
}

/* Tells each that has this operation. */
#define TELL(observers, operation, ...)                   \
    for (size_t i = 0; i < (observers)->n; i++) {         \
        const struct observer *one = &(observers)->at[i]; \
                                                          \
        if (one->ops->operation != NULL)                  \
            one->ops->operation(one->self, __VA_ARGS__);  \
    }

void observers_begin(const struct observers *observers, int64_t stamp_s)
{
    TELL(observers, begin, stamp_s);
}

void observers_point(const struct observers *observers, const struct snapshot_series *series,
                     const struct made_point *point)
{
    TELL(observers, point, series, point);
}

void observers_series(const struct observers *observers, const struct snapshot_series *series)
{
    TELL(observers, series, series);
}

void observers_end(const struct observers *observers, int64_t stamp_s)
{
    TELL(observers, end, stamp_s);
}

void observers_event(const struct observers *observers, const struct event_record *event)
{
    TELL(observers, event, event);
}

void observers_check(const struct observers *observers, const struct check_record *check)
{
    TELL(observers, check, check);
}

void observers_finish(const struct observers *observers, int64_t now_s)
{
    TELL(observers, finish, now_s);
}
