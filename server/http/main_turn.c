#include "server/http/main_turn.h"

#include "config/clock.h"

static _Thread_local struct turns main_turns;

void turns_begin(struct turns *turns, int64_t now_ns)
{
    if (turns->began_ns == 0)
        turns->began_ns = now_ns;
}

void turns_end(struct turns *turns, int64_t now_ns)
{
    uint64_t us = (uint64_t)(now_ns - turns->began_ns) / 1000;

    if (turns->began_ns != 0 && us > turns->longest_us)
        turns->longest_us = us;
    turns->began_ns = 0;
}

void main_turn_began(void)
{
    if (main_turns.began_ns == 0)
        turns_begin(&main_turns, clock_monotonic_ns());
}

void main_turn_ended(void)
{
    turns_end(&main_turns, clock_monotonic_ns());
}

void main_turn_forget(void)
{
    main_turns.began_ns = 0;
}

uint64_t main_turn_longest_us(void)
{
    return main_turns.longest_us;
}
