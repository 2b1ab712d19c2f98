/* server/receive/memory.h: how much memory this process may use.
 *
 * heeler_max_memory, or half of the control group's limit when that is not set, or a
 * fixed bound where there is no limit. What is asked for here bounds what grows
 * with the input; the rest of the process is small and fixed. The other half of a group
 * is for that rest, for the kernel's queue of datagrams and for the cache of files. */
#ifndef SERVER_RECEIVE_MEMORY_H
#define SERVER_RECEIVE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/settings.h"
#include "server/receive/cgroup.h"

struct memory_bound {
    int64_t bytes;
    char why[CGROUP_PATH_MAX + 32]; /* "heeler_max_memory" */
};

/* Reads nothing but its arguments and the size of the machine. */
void memory_bound_find(struct memory_bound *out, const struct settings *settings,
                       const struct cgroup_limit *limit);

/* Bytes for the process, here and now. */
int64_t memory_limit(const struct settings *settings);

/* Logs the bound, and what it comes from. */
void memory_say(const struct settings *settings);

/* False with a sentence: the rollups, or the rings of recent datagrams, leave contexts next to
 * nothing. */
bool memory_is_fit(const struct settings *settings, char *problem, size_t problem_size);

/* The part of it that sets, histograms and sketches of open and unsent buckets may
 * take together. */
long memory_for_buckets(const struct settings *settings);

/* The part that births and records may take on their way from one worker to the
 * flusher. */
size_t memory_for_parcels(const struct settings *settings);

/* The part that contexts may take in the workers' tables and in the catalogue, beside
 * the rollups and the rings of recent datagrams; new ones are then shed. */
size_t memory_for_contexts(const struct settings *settings);

#endif
