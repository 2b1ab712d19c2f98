#include "server/receive/memory.h"

#include <stdio.h>
#include <unistd.h>

#include "config/log.h"

/* What we allow ourselves where nothing limits the process. */
static const int64_t UNLIMITED_BYTES = INT64_C(1024) * 1024 * 1024;

/* The buckets of a quiet server fit into this. */
static const int64_t BUCKETS_LEAST_BYTES = 8 * 1024 * 1024;

/* Room for some chunks of births. */
static const int64_t PARCELS_LEAST_BYTES = 2 * 1024 * 1024;

/* Room for some thousands of contexts. */
static const int64_t CONTEXTS_LEAST_BYTES = 2 * 1024 * 1024;

static void use(struct memory_bound *out, int64_t bytes, const char *format, const char *what)
{
    out->bytes = bytes;
    snprintf(out->why, sizeof out->why, format, what);
}

static void use_machine(struct memory_bound *out)
{
    int64_t machine = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

    use(out, UNLIMITED_BYTES, "%s", "no control group limits it");
    if (machine > 0 && machine / 2 < UNLIMITED_BYTES)
        use(out, machine / 2, "%s", "half of this machine's");
}

void memory_bound_find(struct memory_bound *out, const struct settings *settings,
                       const struct cgroup_limit *limit)
{
    if (settings->heeler_max_memory > 0)
        use(out, settings->heeler_max_memory, "%s", "heeler_max_memory");
    else if (limit->bytes > 0)
        use(out, limit->bytes / 2, "half of %s", limit->from);
    else
        use_machine(out);
}

static void find_here(struct memory_bound *out, const struct settings *settings)
{
    struct cgroup_limit limit = { 0 };

    if (settings->heeler_max_memory == 0)
        cgroup_limit_find(&limit, "/proc/self/cgroup", "/proc/self/mountinfo");
    memory_bound_find(out, settings, &limit);
}

int64_t memory_limit(const struct settings *settings)
{
    struct memory_bound bound;

    find_here(&bound, settings);
    return bound.bytes;
}

void memory_say(const struct settings *settings)
{
    struct memory_bound bound;

    find_here(&bound, settings);
    log_info("server: may use %lld MiB of memory (%s)", (long long)(bound.bytes >> 20),
             bound.why);
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

static int64_t left_for_contexts(const struct settings *settings, int64_t limit)
{
    return limit / 8 * 5 - settings->heeler_rollup_max_bytes - settings->heeler_ring_bytes;
}

bool memory_is_fit(const struct settings *settings, char *problem, size_t problem_size)
{
    struct memory_bound bound;

    find_here(&bound, settings);
    if (left_for_contexts(settings, bound.bytes) >= CONTEXTS_LEAST_BYTES ||
        (settings->heeler_rollup_max_bytes == 0 && settings->heeler_ring_bytes == 0))
        return true;
    if (settings->heeler_ring_bytes > settings->heeler_rollup_max_bytes) {
        snprintf(problem, problem_size,
                 "%s: heeler_ring_bytes is %lld: of %lld bytes (%s) that leaves room for some "
                 "thousands of contexts only; further ones are shed.",
                 settings->origin[SETTING_heeler_ring_bytes],
                 (long long)settings->heeler_ring_bytes, (long long)bound.bytes, bound.why);
        return false;
    }
    snprintf(
        problem, problem_size,
        "%s: heeler_rollup_max_bytes is %lld: of %lld bytes (%s) that leaves room for some "
        "thousands of contexts only; further ones are shed.",
        settings->origin[SETTING_heeler_rollup_max_bytes],
        (long long)settings->heeler_rollup_max_bytes, (long long)bound.bytes, bound.why);
    return false;
}

size_t memory_for_contexts(const struct settings *settings)
{
    int64_t bytes = left_for_contexts(settings, memory_limit(settings));

    return (size_t)(bytes > CONTEXTS_LEAST_BYTES ? bytes : CONTEXTS_LEAST_BYTES);
}
