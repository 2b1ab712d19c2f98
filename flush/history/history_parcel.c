#include "flush/history/history_parcel.h"

#include <stdlib.h>

struct history_parcel *history_parcel_new(uint32_t epoch, uint32_t level, int64_t step_s,
                                          struct window *window)
{
    struct history_parcel *parcel = calloc(1, sizeof *parcel);

    if (parcel == NULL)
        return NULL;
    parcel->epoch = epoch;
    parcel->level = level;
    parcel->step_s = step_s;
    parcel->window = window_hold(window);
    return parcel;
}

void history_parcel_free(struct history_parcel *given)
{
    window_free(given->window);
    bytes_free(&given->told);
    free(given);
}

void history_parcel_free_all(struct history_parcel *given)
{
    while (given != NULL) {
        struct history_parcel *next = given->next;

        history_parcel_free(given);
        given = next;
    }
}
