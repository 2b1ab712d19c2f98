/* server/memory.h: how much memory this process may use.
 *
 * heeler_max_memory, or half of the cgroup's limit when that is not set, or a
 * fixed bound where there is no limit. What is asked for here bounds what grows
 * with the input; the rest of the process is small and fixed. */
#ifndef SERVER_MEMORY_H
#define SERVER_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "config/settings.h"

/* The smallest limit of the cgroups that this process is in, as their files under
 * root ("/sys/fs/cgroup") say; 0: none. */
int64_t memory_cgroup_limit(const char *root);

/* Bytes for the process; 0 in the settings asks the cgroup. */
int64_t memory_limit(const struct settings *settings);

/* The part of it that sets, histograms and sketches of open and unsent buckets may
 * take together. */
long memory_for_buckets(const struct settings *settings);

/* The part that births and records may take on their way from one worker to the
 * flusher. */
size_t memory_for_parcels(const struct settings *settings);

/* The part that contexts may take in the workers' tables and in the catalogue, beside
 * the rollups; new ones are then shed. */
size_t memory_for_contexts(const struct settings *settings);

#endif
