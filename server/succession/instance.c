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

/* False: there is nobody to go on as. */
static bool take_over(struct instance *out, const struct state *inherited, int64_t *started_s)
{
    if (inherited == NULL || inherited->parts[STATE_WINDOWS].at == NULL)
        return false;
    struct state_reader in = inherited->parts[STATE_MIRROR];

    if (in.at == NULL)
        return false;
    struct slice id = state_get_text(&in);
    int64_t since_s = state_get_signed(&in);

    if (in.failed || id.len != MIRROR_ID_SIZE - 1)
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (strchr("0123456789abcdef", id.at[i]) == NULL || id.at[i] == '\0')
            return false;
    memcpy(out->id, id.at, id.len);
    *started_s = since_s;
    return true;
}

void instance_hand_over(const struct instance *instance, struct state_writer *out)
{
    if (!instance_is_mirrored(instance) || !state_has(out, STATE_WINDOWS))
        return;
    state_begin(out, STATE_MIRROR);
    state_put_text(out, slice_of(instance->id));
    state_put_signed(out, instance->mirror.started_s);
    if (state_settle(out))
        return;
    log_error("server: no memory to hand over the instance's name: values of the windows that "
              "are open count twice in Redis");
    state_cancel(out);
}

bool instance_read(struct instance *out, const struct settings *settings, const char *hostname,
                   int64_t started_s, const struct state *inherited, char *problem,
                   size_t problem_size)
{
    struct redis_url url;

    *out = (struct instance){ 0 };
    if (settings->heeler_redis_url[0] == '\0')
        return true;
    if (!instance_check(settings, problem, problem_size))
        return false;
    if (!take_over(out, inherited, &started_s) && !mirror_make_id(out->id)) {
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
