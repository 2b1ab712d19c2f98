/* tests/support/stand_in.c: what the encoders need of protocol/, until it is there. */
#include <stdio.h>
#include <stdlib.h>

#include "protocol/event.h"
#include "protocol/number.h"

__attribute__((weak)) size_t number_format(double value, char out[NUMBER_TEXT_MAX])
{
    int digits = 1;

    do
        snprintf(out, NUMBER_TEXT_MAX, "%.*g", digits, value);
    while (strtod(out, NULL) != value && ++digits <= 17);
    return strlen(out);
}

__attribute__((weak)) const char *event_priority_name(enum event_priority priority)
{
    return priority == EVENT_LOW ? "low" : "normal";
}

__attribute__((weak)) const char *event_alert_name(enum event_alert alert)
{
    static const char *const names[] = { "info", "success", "warning", "error" };
    return names[alert];
}
