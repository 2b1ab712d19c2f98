#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/delivery/endpoint.h"
#include "flush/delivery/sink_list.h"
#include "flush/redis/timer.h"

static struct endpoint *of(struct sink *sink)
{
    return (struct endpoint *)sink;
}

static const struct endpoint *view(const struct sink *sink)
{
    return (const struct endpoint *)sink;
}

/* ---- while it runs ----------------------------------------------------- */

static bool wants(const struct sink *sink, enum payload_route route)
{
    return route < ROUTE_COUNT && payload_route_door(route) == view(sink)->door;
}

static void begin(struct sink *sink)
{
    struct endpoint *endpoint = of(sink);
    const struct delivery_config *config = endpoint->common->config;
    struct queue_config queue = {
        .name = endpoint->name,
        .memory_bytes = config->queue_bytes,
        .folder = endpoint->folder,
        .spool_limits = { config->spool.max_bytes, config->spool.max_disk_ratio },
        .syncer = &endpoint->common->syncer,
        .outdated_s = config->spool.outdated_s,
        .observe = config->observe,
        .observe_argument = config->observe_argument,
    };

    endpoint->folder = NULL;
    queue_open(&endpoint->queue, &queue, endpoint->common->outbox, endpoint->ledger,
               clock_monotonic_ms(), clock_wall_s());
    endpoint_validate_each(endpoint, config->validation_interval_ms);
    timer_start(endpoint->more, 0); /* for what was found on disk */
}

static void accept_payload(struct sink *sink, struct payload *payload, uint64_t order)
{
    struct endpoint *endpoint = of(sink);

    queue_accept(&endpoint->queue, payload, order, clock_monotonic_ms());
    endpoint_dispatch(endpoint); /* first, so that the bound never keeps a free slot empty */
    endpoint_trim(endpoint);
}

static void follow(struct sink *sink, const struct delivery_config *fresh)
{
    struct endpoint *endpoint = of(sink);
    const struct delivery_config *config = endpoint->common->config;

    endpoint->backoff_config = config->backoff;
    endpoint->queue.config.memory_bytes = config->queue_bytes;
    endpoint->keyed->intake.timeout_ms = config->timeout_ms;
    endpoint->keyed->intake.reset_s = config->reset_s;
    endpoint_validate_each(endpoint, config->validation_interval_ms);
    endpoint_follow_key(endpoint, delivery_target_at(fresh, endpoint->target).api_key);
    endpoint_advance(endpoint);
}

static bool is_quiet(const struct sink *sink)
{
    return view(sink)->in_flight == 0;
}

static void resume(struct sink *sink)
{
    endpoint_dispatch(of(sink));
    endpoint_trim(of(sink));
}

/* What waits gets one attempt at once; if that succeeds, sending goes on. */
static void hurry(struct sink *sink)
{
    struct endpoint *endpoint = of(sink);

    backoff_hurry(&endpoint->backoff);
    endpoint->backoff_config.recovery_reset = true;
    endpoint_advance(endpoint);
}

static bool is_drained(const struct sink *sink)
{
    const struct endpoint *endpoint = view(sink);

    if (endpoint->in_flight > 0)
        return false;
    return queue_waiting(&endpoint->queue) == 0 ||
           (endpoint->backoff.state == BACKOFF_BLOCKED &&
            endpoint->backoff.until_ms >= endpoint->common->give_up_ms);
}

static uint64_t load(const _Atomic(uint64_t) *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

/* Before libcurl is ended, because that may take longer than we have. */
static void keep_rest(struct sink *sink)
{
    struct endpoint *endpoint = of(sink);
    struct delivery_ledger *ledger = endpoint->ledger;
    uint64_t before = load(&ledger->shed[UNSENT_STOPPED].points);

    queue_keep_rest(&endpoint->queue);
    uint64_t lost = load(&ledger->shed[UNSENT_STOPPED].points) - before;

    if (lost > 0)
        log_warn("delivery: %s: stopped with %" PRIu64 " points unsent", endpoint->name, lost);
    if (load(&ledger->spooled.points) > 0)
        log_info("delivery: %s: %" PRIu64 " points stay in the spool", endpoint->name,
                 load(&ledger->spooled.points));
}

static void hand_over(const struct sink *sink, struct state_writer *out)
{
    queue_hand_over(&view(sink)->queue, out);
}

static void handed_over(struct sink *sink)
{
    queue_handed_over(&of(sink)->queue);
}

static bool take_over(struct sink *sink, struct payload *payload, uint64_t order)
{
    return queue_take_over(&of(sink)->queue, payload, order);
}

/* ---- end --------------------------------------------------------------- */

static void end_requests(struct endpoint *endpoint)
{
    struct transfers *transfers = &endpoint->common->transfers;

    if (endpoint->validating)
        transfers_stop(transfers, endpoint->validation.http.easy);
    intake_request_close(&endpoint->validation.http);
    keyed_release(endpoint->validation.keyed);
    for (int i = 0; i < endpoint->n_requests; i++) {
        struct request *request = &endpoint->requests[i];

        if (request->errand != NULL) {
            transfers_stop(transfers, request->http.easy);
            queue_free_errand(&endpoint->queue, request->errand);
        }
        intake_request_close(&request->http);
        keyed_release(request->keyed);
    }
    free(endpoint->requests);
}

/* After this libcurl no longer looks at the bytes of payloads. */
static void endpoint_free(struct sink *given)
{
    struct endpoint *endpoint = of(given);
    struct event *timers[] = { endpoint->retry, endpoint->more, endpoint->validate };

    end_requests(endpoint);
    queue_close(&endpoint->queue);
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++)
        if (timers[i] != NULL)
            event_free(timers[i]);
    keyed_release(endpoint->keyed);
    free(endpoint->name);
    free(endpoint->folder);
    free(endpoint->dead_letter_path);
    free(endpoint);
}

/* ---- start ------------------------------------------------------------- */

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    endpoint_advance(argument);
}

static void on_more(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    endpoint_trim(argument);
    endpoint_advance(argument); /* a payload that could not be read may be sent now */
}

static void request_init(struct request *request, struct endpoint *endpoint)
{
    request->transfer.done = endpoint_on_done;
    request->endpoint = endpoint;
}

static bool open_requests(struct endpoint *endpoint, int concurrent)
{
    request_init(&endpoint->validation, endpoint);
    endpoint->requests = calloc((size_t)concurrent, sizeof *endpoint->requests);
    if (endpoint->requests == NULL || !intake_request_open(&endpoint->validation.http))
        return false;
    for (int i = 0; i < concurrent; i++) {
        struct request *request = &endpoint->requests[i];

        if (!intake_request_open(&request->http))
            return false;
        request_init(request, endpoint);
        endpoint->n_requests++;
    }
    return true;
}

static bool open_timers(struct endpoint *endpoint)
{
    struct event_base *base = endpoint->common->base;

    endpoint->retry = evtimer_new(base, on_retry, endpoint);
    endpoint->more = evtimer_new(base, on_more, endpoint);
    endpoint->validate = evtimer_new(base, endpoint_on_validate, endpoint);
    return endpoint->retry != NULL && endpoint->more != NULL && endpoint->validate != NULL;
}

/* The folder is the same for every version of ours and every key: what waits in it is sent
 * with the key of the day. */
static char *folder_of(const struct endpoint *endpoint)
{
    const char *path = endpoint->common->config->spool.path;
    const char *name = endpoint->sink.name;
    char *folder = NULL;

    if (path == NULL || path[0] == '\0' || endpoint->common->config->spool.max_bytes == 0)
        return NULL;
    if (asprintf(&folder, "%s/%016" PRIx64 "-%u", path,
                 (uint64_t)XXH3_64bits(name, strlen(name)), endpoint->sink.place) < 0)
        return NULL;
    return folder;
}

/* The URL without our version in it, so that a successor of another version finds it. */
static const char *lasting_name(const char *name)
{
    const char *label = strstr(name, INTAKE_AGENT_LABEL ".");

    return label != NULL ? label + sizeof INTAKE_AGENT_LABEL : name;
}

/* How many targets before that one have the same URL. */
static unsigned place_of(const struct delivery_config *config, size_t target)
{
    const char *url = delivery_target_at(config, target).base_url;
    unsigned place = 0;

    for (size_t i = 0; i < target; i++)
        place += strcmp(delivery_target_at(config, i).base_url, url) == 0;
    return place;
}

static bool open_parts(struct endpoint *endpoint)
{
    const struct delivery_config *config = endpoint->common->config;
    struct delivery_target target = delivery_target_at(config, endpoint->target);

    if (config->dead_letter_path != NULL && config->dead_letter_path[0] != '\0')
        endpoint->dead_letter_path = strdup(config->dead_letter_path);
    if (!open_timers(endpoint) || !endpoint_open_key(endpoint, &target) ||
        !open_requests(endpoint, config->concurrent))
        return false;
    endpoint->sink.name = lasting_name(endpoint->name);
    endpoint->sink.place = place_of(config, endpoint->target);
    endpoint->folder = folder_of(endpoint);
    return true;
}

static struct sink *endpoint_new(struct sink_common *common, size_t target)
{
    static const struct sink_operations operations = { .wants = wants,
                                                       .accept = accept_payload,
                                                       .free = endpoint_free,
                                                       .begin = begin,
                                                       .follow = follow,
                                                       .is_quiet = is_quiet,
                                                       .resume = resume,
                                                       .hurry = hurry,
                                                       .is_drained = is_drained,
                                                       .keep_rest = keep_rest,
                                                       .hand_over = hand_over,
                                                       .handed_over = handed_over,
                                                       .take_over = take_over };
    struct endpoint *endpoint = calloc(1, sizeof *endpoint);

    if (endpoint == NULL)
        return NULL;
    endpoint->sink.operations = &operations;
    endpoint->common = common;
    endpoint->ledger = &common->ledgers[target];
    endpoint->target = target;
    endpoint->door = delivery_target_at(common->config, target).door;
    endpoint->backoff_config = common->config->backoff;
    endpoint->queue.spool.folder_fd = endpoint->queue.spool.lock_fd = -1;
    if (open_parts(endpoint))
        return &endpoint->sink;
    endpoint_free(&endpoint->sink);
    return NULL;
}

bool endpoints_open(struct sink_list *list, struct sink_common *common)
{
    size_t n = delivery_targets(common->config);

    if (n > DELIVERY_ENDPOINTS_MAX)
        return false;
    for (size_t target = 0; target < n; target++)
        if (!sink_list_add(list, endpoint_new(common, target)))
            return false;
    return true;
}
