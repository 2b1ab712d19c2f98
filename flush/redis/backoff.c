#include "flush/redis/backoff.h"

#include <math.h>
#include <stdlib.h>

const struct backoff_config backoff_default = {
    .factor = 2, .base_ms = 2000, .max_ms = 64000, .recovery_interval = 2
};

int backoff_max_errors(const struct backoff_config *config)
{
    int64_t ratio = config->base_ms > 0 ? config->max_ms / config->base_ms : 0;
    int errors = 1;

    while (ratio >= 2) {
        ratio /= 2;
        errors++;
    }
    return errors;
}

int64_t backoff_delay(const struct backoff_config *config, int errors, double random)
{
    double full = ldexp((double)config->base_ms, errors);

    if (errors <= 0)
        return 0;
    if (full > (double)config->max_ms)
        return config->max_ms;
    double least = full / config->factor;

    return (int64_t)(least + random * (full - least));
}

bool backoff_allows(const struct backoff *backoff, int64_t now_ms)
{
    return backoff->state == BACKOFF_UNBLOCKED ||
           (backoff->state == BACKOFF_BLOCKED && now_ms >= backoff->until_ms);
}

bool backoff_start(struct backoff *backoff)
{
    if (backoff->state == BACKOFF_BLOCKED)
        backoff->state = BACKOFF_HALF_BLOCKED;
    return backoff->state == BACKOFF_HALF_BLOCKED;
}

static void block(struct backoff *backoff, int64_t until_ms)
{
    backoff->state = BACKOFF_BLOCKED;
    backoff->until_ms = until_ms;
}

void backoff_fail(struct backoff *backoff, const struct backoff_config *config, bool probe,
                  int64_t now_ms, double random, int64_t least_ms)
{
    if (backoff->state == BACKOFF_BLOCKED && !probe && least_ms > 0 &&
        backoff->until_ms < now_ms + least_ms)
        backoff->until_ms = now_ms + least_ms;
    if (backoff->state != BACKOFF_UNBLOCKED && !probe)
        return;
    int most = backoff_max_errors(config);

    backoff->errors = backoff->errors < most ? backoff->errors + 1 : most;
    int64_t delay = backoff_delay(config, backoff->errors, random);

    block(backoff, now_ms + (delay > least_ms ? delay : least_ms));
}

void backoff_succeed(struct backoff *backoff, const struct backoff_config *config, bool probe,
                     int64_t now_ms, double random)
{
    if (backoff->state != BACKOFF_UNBLOCKED && !probe)
        return;
    if (config->recovery_reset || backoff->errors <= config->recovery_interval)
        *backoff = (struct backoff){ .state = BACKOFF_UNBLOCKED };
    else {
        backoff->errors -= config->recovery_interval;
        block(backoff, now_ms + backoff_delay(config, backoff->errors, random));
    }
}

void backoff_hurry(struct backoff *backoff)
{
    backoff->until_ms = 0;
}

void backoff_again(struct backoff *backoff)
{
    backoff->state = BACKOFF_BLOCKED;
    backoff->until_ms = 0;
}

double backoff_random(void)
{
    return arc4random() / 4294967296.0;
}
