#include "server/memory.h"

#include <stdio.h>
#include <string.h>

/* Where nothing limits the process. */
static const int64_t UNLIMITED_BYTES = INT64_C(1024) * 1024 * 1024;

/* The least with which the buckets of a quiet server fit. */
static const int64_t BUCKETS_LEAST_BYTES = 8 * 1024 * 1024;

/* Some chunks of births. */
static const int64_t PARCELS_LEAST_BYTES = 2 * 1024 * 1024;

/* Some thousands of contexts. */
static const int64_t CONTEXTS_LEAST_BYTES = 2 * 1024 * 1024;

/* The number in a file; 0 for "max", no file, or a v1 "no limit" number. */
static int64_t read_limit(const char *root, const char *name)
{
    char path[512];
    long long bytes = 0;
    int written = snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = written > 0 && (size_t)written < sizeof path ? fopen(path, "re") : NULL;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%lld", &bytes) != 1 || bytes < 0 || bytes > INT64_C(1) << 60)
        bytes = 0;
    fclose(file);
    return bytes;
}

int64_t memory_cgroup_limit(const char *root)
{
    /* Within a container the process's own cgroup is the root of what it sees:
     * version 2, then version 1. */
    int64_t limit = read_limit(root, "memory.max");

    return limit != 0 ? limit : read_limit(root, "memory/memory.limit_in_bytes");
}

int64_t memory_limit(const struct settings *settings)
{
    int64_t limit = settings->heeler_max_memory;

    if (limit == 0)
        limit = memory_cgroup_limit("/sys/fs/cgroup") / 2;
    return limit > 0 ? limit : UNLIMITED_BYTES;
}

long memory_for_buckets(const struct settings *settings)
{
    int64_t bytes = memory_limit(settings) / 4;

    return (long)(bytes > BUCKETS_LEAST_BYTES ? bytes : BUCKETS_LEAST_BYTES);
}

size_t memory_for_parcels(const struct settings *settings)
{
    int64_t bytes = memory_limit(settings) / 32 / settings->heeler_workers;

    return (size_t)(bytes > PARCELS_LEAST_BYTES ? bytes : PARCELS_LEAST_BYTES);
}

size_t memory_for_contexts(const struct settings *settings)
{
    int64_t bytes = memory_limit(settings) / 8 * 5 - settings->heeler_rollup_max_bytes;

    return (size_t)(bytes > CONTEXTS_LEAST_BYTES ? bytes : CONTEXTS_LEAST_BYTES);
}
