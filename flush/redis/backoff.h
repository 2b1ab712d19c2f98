/* flush/redis/backoff.h: when an endpoint that failed may be tried again.
 *
 *                error                    due, backoff_start
 *   unblocked ----------> blocked ------------------------> half-blocked
 *       ^                   ^  ^   error: one more error,        |  |
 *       |                   |  |   a longer wait                 |  |
 *       |                   |  `--------------------------------´  |
 *       |  no errors left   `------- ok: fewer errors, a shorter ---+
 *       `------------------------------------ wait -----------------´
 *
 * The constants and steps are the Agent's. A pure state machine: the time and
 * the random number are arguments. */
#ifndef FLUSH_REDIS_BACKOFF_H
#define FLUSH_REDIS_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

struct backoff_config {
    double factor;         /* the wait is at least the full one divided by it; 2 or more */
    int64_t base_ms;       /* full wait after e errors: base * 2^e */
    int64_t max_ms;        /* never longer, and exactly this beyond it */
    int recovery_interval; /* errors forgiven by one success; 1 or more */
    bool recovery_reset;   /* one success forgives all */
};

/* The Agent's: 2, 2 s, 64 s, 2, false. */
extern const struct backoff_config backoff_default;

enum backoff_state { BACKOFF_UNBLOCKED, BACKOFF_BLOCKED, BACKOFF_HALF_BLOCKED };

struct backoff {
    enum backoff_state state; /* zero: unblocked */
    int errors;
    int64_t until_ms; /* BACKOFF_BLOCKED: of the caller's clock */
};

/* May a request start now? True for any number while unblocked, for one probe
 * when a block is over. */
bool backoff_allows(const struct backoff *backoff, int64_t now_ms);

/* A request starts, which backoff_allows() has allowed. Returns whether it is the probe. */
bool backoff_start(struct backoff *backoff);

/* In [0,1), another one at each call: what the following take as random. */
double backoff_random(void);

/* How a request ended. random: in [0,1). least_ms: the server's own wish
 * (Retry-After), 0 for none. While blocked or half-blocked only the probe
 * counts: others were under way before. But what the server wishes makes a
 * block longer, whichever answer says so. */
void backoff_fail(struct backoff *backoff, const struct backoff_config *config, bool probe,
                  int64_t now_ms, double random, int64_t least_ms);
void backoff_succeed(struct backoff *backoff, const struct backoff_config *config, bool probe,
                     int64_t now_ms, double random);

/* Ends the wait at once. The errors stay counted, so the next request is the probe. */
void backoff_hurry(struct backoff *backoff);

/* The probe said nothing about the endpoint: the next request is a probe again, at once. */
void backoff_again(struct backoff *backoff);

/* The wait after that many errors. */
int64_t backoff_delay(const struct backoff_config *config, int errors, double random);

/* The number of errors from which on the wait no longer grows. */
int backoff_max_errors(const struct backoff_config *config);

#endif
