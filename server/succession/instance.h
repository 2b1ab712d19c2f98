/* server/succession/instance.h: who this process is among those that share a Redis.
 *
 * What the mirror (flush/delivery/mirror.h) and its sink are told, made once from the settings.
 * Without heeler_redis_url it is empty and costs nothing. */
#ifndef SERVER_SUCCESSION_INSTANCE_H
#define SERVER_SUCCESSION_INSTANCE_H

#include "config/settings.h"
#include "flush/delivery/mirror.h"
#include "flush/delivery/mirror_sink.h"
#include "flush/memory/state.h"

enum { INSTANCE_TAG_SIZE = 32 };

struct instance {
    char id[MIRROR_ID_SIZE]; /* empty: no mirror */
    char tag[INSTANCE_TAG_SIZE];
    bool marks; /* heeler_on_duplicate is tag */
    struct mirror_config mirror;
    struct mirror_sink_config sink;
    struct mirror_ledger ledger;
};

/* Views into the settings and the host name. A program that takes over windows that are open
 * goes on as the instance that it replaces: it writes what they have in all into the same
 * fields. inherited: the state of that one; or NULL. False with a sentence. */
bool instance_read(struct instance *out, const struct settings *settings, const char *hostname,
                   int64_t started_s, const struct state *inherited, char *problem,
                   size_t problem_size);

/* Writes who we are as the part STATE_MIRROR, if there is a mirror and windows were written. To
 * be called if those that are open are among them. */
void instance_hand_over(const struct instance *instance, struct state_writer *out);

static inline bool instance_is_mirrored(const struct instance *instance)
{
    return instance->id[0] != '\0';
}

/* What is wrong with heeler_redis_url, in a sentence without its secrets. */
bool instance_check(const struct settings *settings, char *problem, size_t problem_size);

/* For the final ledger: " redis_points=..." or nothing; returns out. */
const char *instance_account(const struct instance *instance,
                             const struct flusher_ledger *flusher, char *out, size_t out_size);

#endif
