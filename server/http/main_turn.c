#include "server/http/main_turn.h"

#include <stdbool.h>

#include "config/clock.h"

static _Thread_local struct turns own_turns;

static bool has_begun(const struct turns *turns)
{
    return turns->began.monotonic_ns != 0;
}

static void raise_to(uint64_t *longest_us, int64_t took_ns)
{
    uint64_t us = (uint64_t)took_ns / 1000;

    if (us > *longest_us)
        *longest_us = us;
}

void turns_begin(struct turns *turns, struct moment now)
{
    if (!has_begun(turns))
        turns->began = now;
}

void turns_end(struct turns *turns, struct moment now)
{
    if (!has_begun(turns))
        return;
    raise_to(&turns->longest_us, now.monotonic_ns - turns->began.monotonic_ns);
    raise_to(&turns->longest_cpu_us, now.cpu_ns - turns->began.cpu_ns);
    turns->began = (struct moment){ 0 };
}

static struct moment moment(void)
{
    return (struct moment){ clock_monotonic_ns(), clock_cpu_ns() };
}

void main_turn_began(void)
{
    if (!has_begun(&own_turns))
        turns_begin(&own_turns, moment());
}

void main_turn_ended(void)
{
    turns_end(&own_turns, moment());
}

void main_turn_forget(void)
{
    own_turns.began = (struct moment){ 0 };
}

const struct turns *main_turns(void)
{
    return &own_turns;
}
