/* server/sinks.h: where payloads go, by the settings: the intake of site or dd_url
 * first, then additional_endpoints, each pair of URL and key once; then, with
 * apm_config.forward_stats, the door of traces of the first one. */
#ifndef SERVER_SINKS_H
#define SERVER_SINKS_H

#include "config/settings.h"
#include "flush/delivery/delivery.h"

struct sinks {
    struct delivery_target *at; /* owned, with its texts; there is at least one */
    size_t n;                   /* in local mode 1, a target without a URL */
};

/* Whether the numbers of traces have such a door. */
bool sinks_have_traces(const struct sinks *sinks);

/* False with a sentence. */
bool sinks_read(struct sinks *out, const struct settings *settings, char *problem,
                size_t problem_size);
void sinks_free(struct sinks *given);

/* The configuration of delivery: these sinks and the settings, of both of which it holds views.
 */
struct delivery_config sinks_delivery(const struct sinks *sinks,
                                      const struct settings *settings);

/* Logs where payloads go. */
void sinks_say(const struct sinks *sinks, const struct settings *settings);

/* Takes the keys of `given`, whose other texts are the same. Only the keys: other threads read
 * the rest meanwhile. */
void sinks_take_keys(struct sinks *sinks, struct sinks *given);

#endif
