#include "server/succession/instance.h"

#include <inttypes.h>
#include <stdio.h>

#include "config/log.h"

bool instance_check(const struct settings *settings, char *problem, size_t problem_size)
{
    struct redis_url url;
    const char *fault = settings->heeler_redis_url[0] != '\0'
                            ? redis_url_parse(settings->heeler_redis_url, &url)
                            : NULL;

    if (fault != NULL)
        snprintf(problem, problem_size, "heeler_redis_url %s", fault);
    explicit_bzero(&url, sizeof url);
    return fault == NULL;
}

static void fill(struct instance *out, const struct settings *settings, const char *hostname,
                 int64_t started_s)
{
    out->mirror = (struct mirror_config){
        .prefix = settings->heeler_redis_prefix,
        .id = out->id,
        .hostname = hostname,
        .started_s = started_s,
        .ttl_s = settings->heeler_redis_ttl,
        .lookback_s = settings->heeler_lookback,
    };
    out->sink = (struct mirror_sink_config){
        .url = settings->heeler_redis_url,
        .cluster = settings->heeler_redis_cluster,
        .ca_file = settings->heeler_ca_file,
        .skip_validation = settings->skip_ssl_validation,
        .prefix = settings->heeler_redis_prefix,
        .id = out->id,
        .hostname = hostname,
        .started_s = started_s,
        .resend_ms = settings->heeler_redis_resend * 1000,
        .queue_bytes = (size_t)settings->heeler_redis_queue_max_bytes,
        .ledger = &out->ledger,
    };
    out->marks = strcmp(settings->heeler_on_duplicate, "tag") == 0;
    snprintf(out->tag, sizeof out->tag, "heeler_instance:%s", out->id);
}

bool instance_read(struct instance *out, const struct settings *settings, const char *hostname,
                   int64_t started_s, char *problem, size_t problem_size)
{
    struct redis_url url;

    *out = (struct instance){ 0 };
    if (settings->heeler_redis_url[0] == '\0')
        return true;
    if (!instance_check(settings, problem, problem_size))
        return false;
    if (!mirror_make_id(out->id)) {
        snprintf(problem, problem_size, "the system gives no random numbers");
        return false;
    }
    fill(out, settings, hostname, started_s);
    (void)redis_url_parse(settings->heeler_redis_url, &url);
    log_info("server: windows are copied to %s as instance %s", url.name, out->id);
    explicit_bzero(&url, sizeof url);
    return true;
}

static uint64_t points(const struct delivery_count *count)
{
    return atomic_load_explicit(&count->points, memory_order_relaxed);
}

const char *instance_account(const struct instance *instance,
                             const struct flusher_ledger *flusher, char *out, size_t out_size)
{
    const struct delivery_ledger *ledger = &instance->ledger.points;

    out[0] = '\0';
    if (instance_is_mirrored(instance))
        snprintf(out, out_size,
                 " redis_points=%" PRIu64 " redis_delivered=%" PRIu64 " redis_refused=%" PRIu64
                 " redis_shed=%" PRIu64 " redis_handed_over=%" PRIu64,
                 counter_read(&flusher->mirrored), points(&ledger->delivered),
                 delivery_refused_points(ledger), delivery_shed_points(ledger),
                 points(&ledger->handed_over));
    return out;
}
