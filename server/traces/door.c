/* Reading order: what is answered; who is admitted; what is done with a body; routes. */
#include "server/traces/door.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/clock.h"
#include "flush/delivery/intake.h"
#include "flush/memory/json.h"
#include "server/http/http_listener.h"
#include "server/traces/stats_take.h"

enum {
    PLACES = 512, /* each process that is traced keeps a connection or two */
    TELEMETRY_BODY_MAX = 1 << 20
};

#define RATES         "{\"rate_by_service\":{\"service:,env:\":1.0}}"
#define RATES_VERSION "1" /* they never change */

struct door {
    struct door_config config;
    struct http *http;
    struct bytes info;
    /* The hash of that, by which clients see that it changed. */
    char state[2 * SHA256_DIGEST_LENGTH + 1];
};

/* ---- answers ----------------------------------------------------------- */

static void add_peer_tags(struct bytes *out)
{
    for (size_t i = 0; span_peer_key(i) != NULL; i++) {
        bytes_add_text(out, i > 0 ? "," : "");
        json_add_string(out, slice_of(span_peer_key(i)));
    }
}

/* False without memory. */
static bool write_info(struct door *door)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    struct bytes *info = &door->info;
    char port[32];

    snprintf(port, sizeof port, "%d", door->config.dogstatsd_port);
    bytes_add_text(
        info, "{\"version\":\"" INTAKE_AGENT_VERSION "\",\"endpoints\":["
              "\"/v0.3/traces\",\"/v0.3/services\",\"/v0.4/traces\",\"/v0.4/services\","
              "\"/v0.5/traces\",\"/v0.7/traces\",\"/v0.6/stats\",\"/telemetry/proxy/\"],"
              "\"feature_flags\":[],\"client_drop_p0s\":true,\"span_events\":true,"
              "\"span_meta_structs\":true,"
              "\"span_kinds_stats_computed\":[\"server\",\"client\",\"producer\",\"consumer\"],"
              "\"peer_tags\":[");
    add_peer_tags(info);
    bytes_add_text(info, "],\"config\":{\"default_env\":");
    json_add_string(info, slice_of(door->config.default_env));
    bytes_add_text(info, ",\"statsd_port\":");
    bytes_add_text(info, port);
    bytes_add_text(info, "}}\n");
    if (info->failed)
        return false;
    SHA256(info->at, info->len, hash);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(&door->state[2 * i], 3, "%02x", hash[i]);
    bytes_add(info, "", 1); /* a text from here on */
    return !info->failed;
}

static void add_headers(const struct door *door, struct http_exchange *exchange)
{
    http_add_header(exchange, "Datadog-Agent-Version", INTAKE_AGENT_VERSION);
    http_add_header(exchange, "Datadog-Agent-State", door->state);
}

static void reply(const struct door *door, struct http_exchange *exchange, int status,
                  const char *type, const char *text)
{
    add_headers(door, exchange);
    http_reply_text(exchange, status, type, text);
}

static void refuse(const struct door *door, struct http_exchange *exchange, int status,
                   const char *sentence)
{
    add_headers(door, exchange);
    http_refuse(exchange, status, sentence);
}

/* Whoever has these rates already is told so. */
static void reply_rates(const struct door *door, struct http_exchange *exchange,
                        const struct http_request *request)
{
    struct slice version;
    bool asks = http_header(request, "Datadog-Rates-Payload-Version", &version);
    bool has = asks && slice_equal(version, SLICE(RATES_VERSION));

    if (asks)
        http_add_header(exchange, "Datadog-Rates-Payload-Version", RATES_VERSION);
    reply(door, exchange, 200, "application/json", has ? "{}" : RATES);
}

static void reply_taken(const struct door *door, struct http_exchange *exchange,
                        const struct http_request *request, enum trace_layout layout)
{
    if (layout == TRACE_V03)
        reply(door, exchange, 200, "text/plain", "OK\n");
    else
        reply_rates(door, exchange, request);
}

/* ---- who is admitted --------------------------------------------------- */

/* What a body holds of the memory, until its exchange ends. */
struct held {
    struct door *door;
    long bytes;
};

static void on_end(void *argument)
{
    struct held *held = argument;

    atomic_fetch_add_explicit(&held->door->config.taker->budget->left, held->bytes,
                              memory_order_relaxed);
    free(held);
}

/* False: there is no memory for so much more. */
static bool hold_more(struct held *held, size_t length)
{
    _Atomic(long) *left = &held->door->config.taker->budget->left;

    if (atomic_load_explicit(left, memory_order_relaxed) < (long)length)
        return false;
    atomic_fetch_sub_explicit(left, (long)length, memory_order_relaxed);
    held->bytes += (long)length;
    return true;
}

static bool hold(struct door *door, struct http_exchange *exchange, size_t length)
{
    struct held *held = calloc(1, sizeof *held);

    if (held == NULL)
        return false;
    held->door = door;
    if (!hold_more(held, length)) {
        free(held);
        return false;
    }
    http_on_end(exchange, on_end, held);
    return true;
}

static bool says(const struct http_request *request, const char *header, const char *value)
{
    struct slice said;

    return http_header(request, header, &said) && http_same_word(said, slice_of(value));
}

/* Present, and nothing that means no. */
static bool is_set(const struct http_request *request, const char *header)
{
    static const char *const no[] = { "", "0", "f", "false" };
    struct slice said;

    if (!http_header(request, header, &said))
        return false;
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        if (http_same_word(said, slice_of(no[i])))
            return false;
    return true;
}

/* No page of a browser is traced by way of this machine: one that asks is another's. */
static bool is_foreign(const struct http_request *request)
{
    struct slice origin;

    return says(request, "Sec-Fetch-Site", "cross-site") ||
           http_header(request, "Origin", &origin);
}

static void overload(struct door *door, struct http_exchange *exchange,
                     const struct http_request *request)
{
    counter_add(&door->config.taker->ledger->overloaded, 1);
    if (is_set(request, "Datadog-Send-Real-Http-Status"))
        refuse(door, exchange, 429, "heeler_trace_max_bytes is reached\n");
    else
        reply_rates(door, exchange, request);
}

static size_t most_of(const struct http_route *route)
{
    return route->body_max > 0 ? route->body_max : HTTP_BODY_MAX;
}

/* How long a body in chunks becomes is not told: it begins with what is usual. */
static size_t length_of(const struct http_request *request, const struct http_route *route)
{
    if (!request->chunked)
        return (size_t)request->length;
    return most_of(route) < HTTP_BODY_MAX ? most_of(route) : HTTP_BODY_MAX;
}

static bool admits(struct http_exchange *exchange, const struct http_request *request,
                   const struct http_route *route, void *argument)
{
    struct door *door = argument;
    size_t length = length_of(request, route);

    if (is_foreign(request)) {
        counter_add(&door->config.taker->ledger->foreign_pages, 1);
        refuse(door, exchange, 403, "no page of a browser may ask here\n");
        return false;
    }
    if (length == 0 || length > most_of(route) || hold(door, exchange, length))
        return true;
    overload(door, exchange, request);
    return false;
}

/* Twice as much each time, as the room that it is read into. */
static bool still_fits(struct http_exchange *exchange, const struct http_request *request,
                       const struct http_route *route, size_t length, void *argument)
{
    struct held *held = http_end_argument(exchange);
    size_t has = (size_t)held->bytes,
           wanted = 2 * has < most_of(route) ? 2 * has : most_of(route);

    wanted = wanted > length ? wanted : length;
    if (length <= has || hold_more(held, wanted - has))
        return true;
    overload(argument, exchange, request);
    return false;
}

/* ---- traces ------------------------------------------------------------ */

static void read_headers(const struct http_request *request, struct trace_source *out)
{
    const struct {
        const char *header;
        struct slice *field;
    } rows[] = {
        { "Datadog-Meta-Lang", &out->language },
        { "Datadog-Meta-Lang-Version", &out->language_version },
        { "Datadog-Meta-Tracer-Version", &out->tracer_version },
        { "Datadog-Container-ID", &out->container_id },
    };

    *out = (struct trace_source){
        .computed_top_level = is_set(request, "Datadog-Client-Computed-Top-Level"),
        .computed_stats = is_set(request, "Datadog-Client-Computed-Stats"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        (void)http_header(request, rows[i].header, rows[i].field);
}

/* Without its parameters, as "; charset=utf-8". */
static enum trace_form form_of(const struct http_request *request)
{
    struct slice type = { NULL, 0 };

    (void)http_header(request, "Content-Type", &type);
    type = slice_trim(slice_cut(&type, ';'), " ");
    return http_same_word(type, SLICE("application/msgpack")) ? TRACE_MSGPACK : TRACE_JSON;
}

static void refuse_body(struct door *door, struct http_exchange *exchange,
                        const struct http_request *request, enum trace_result result,
                        const char *problem)
{
    char sentence[TRACE_PROBLEM_MAX + 32];

    if (result == TRACE_NO_MEMORY) {
        overload(door, exchange, request);
        return;
    }
    snprintf(sentence, sizeof sentence, "%s: %s\n",
             result == TRACE_CUT ? "unexpected-eof" : "decoding-error", problem);
    refuse(door, exchange, 400, sentence);
}

static void take(struct door *door, struct http_exchange *exchange,
                 const struct http_request *request, enum trace_layout layout)
{
    struct traces_ledger *ledger = door->config.taker->ledger;
    enum trace_form form = form_of(request);
    char problem[TRACE_PROBLEM_MAX] = "";
    struct trace_source source;

    if (form == TRACE_JSON && layout == TRACE_V07) {
        counter_add(&ledger->bad_payloads[layout], 1);
        refuse(door, exchange, 415, "v0.7 is msgpack\n");
        return;
    }
    read_headers(request, &source);
    enum trace_result result = trace_take(door->config.taker, layout, form, request->body,
                                          &source, clock_wall_ms() * 1000000, problem);

    if (result == TRACE_OK) {
        reply_taken(door, exchange, request, layout);
        return;
    }
    if (result != TRACE_NO_MEMORY)
        counter_add(&ledger->bad_payloads[layout], 1);
    refuse_body(door, exchange, request, result, problem);
}

#define ON_TRACES(id, path, json)                                                           \
    static void on_##id(struct http_exchange *exchange, const struct http_request *request, \
                        void *argument)                                                     \
    {                                                                                       \
        take(argument, exchange, request, id);                                              \
    }
TRACE_LAYOUTS(ON_TRACES)
#undef ON_TRACES

static void on_stats(struct http_exchange *exchange, const struct http_request *request,
                     void *argument)
{
    struct door *door = argument;
    char problem[TRACE_PROBLEM_MAX] = "";
    struct trace_source source;

    if (form_of(request) != TRACE_MSGPACK) {
        counter_add(&door->config.taker->ledger->bad_stats_payloads, 1);
        refuse(door, exchange, 415, "stats are msgpack\n");
        return;
    }
    read_headers(request, &source);
    enum trace_result result =
        stats_take(door->config.taker, request->body, source.language, clock_wall_s(), problem);

    if (result == TRACE_OK) {
        reply(door, exchange, 200, "application/json", "{}");
        return;
    }
    if (result != TRACE_NO_MEMORY)
        counter_add(&door->config.taker->ledger->bad_stats_payloads, 1);
    refuse_body(door, exchange, request, result, problem);
}

/* ---- the others -------------------------------------------------------- */

/* Without the headers that tell of its own hash: clients compare them with it. */
static void on_info(struct http_exchange *exchange, const struct http_request *request,
                    void *argument)
{
    const struct door *door = argument;

    (void)request;
    http_reply_text(exchange, 200, "application/json", (const char *)door->info.at);
}

static void on_services(struct http_exchange *exchange, const struct http_request *request,
                        void *argument)
{
    (void)request;
    reply(argument, exchange, 200, "text/plain", "OK\n");
}

static void on_telemetry(struct http_exchange *exchange, const struct http_request *request,
                         void *argument)
{
    struct door *door = argument;

    (void)request;
    counter_add(&door->config.taker->ledger->telemetry, 1);
    reply(door, exchange, 202, "application/json", "{}");
}

static void on_other(struct http_exchange *exchange, const struct http_request *request,
                     void *argument)
{
    (void)request;
    refuse(argument, exchange, 404, "this is not understood here: /info lists what is\n");
}

#define WRITES (HTTP_POST | HTTP_PUT)
#define TRACES_ROUTE(id, where, json) \
    { .path = (where), .methods = WRITES, .handle = on_##id, .body_max = DOOR_BODY_MAX },
static const struct http_route routes[] = {
    TRACE_LAYOUTS(TRACES_ROUTE){ .path = "/v0.6/stats",
                                 .methods = WRITES,
                                 .handle = on_stats,
                                 .body_max = DOOR_BODY_MAX },
    { .path = "/info", .methods = HTTP_GET, .handle = on_info },
    { .path = "/v0.3/services", .methods = WRITES, .handle = on_services },
    { .path = "/v0.4/services", .methods = WRITES, .handle = on_services },
    { .path = "/telemetry/proxy/",
      .deep = true,
      .methods = HTTP_ANY_METHOD,
      .handle = on_telemetry,
      .body_max = TELEMETRY_BODY_MAX },
};
#undef TRACES_ROUTE

/* As the Agent's: everybody may send. */
static const struct http_owner owner = { "traces", 0722, true };

struct door *door_new(const struct door_config *config)
{
    struct door *door = calloc(1, sizeof *door);

    if (door == NULL)
        return NULL;
    door->config = *config;
    struct http_config http = {
        .base = config->base,
        .routes = routes,
        .n_routes = sizeof routes / sizeof routes[0],
        .other = { .methods = HTTP_ANY_METHOD, .handle = on_other, .body_max = DOOR_BODY_MAX },
        .admits = admits,
        .still_fits = still_fits,
        .argument = door,
        .limits = { .places = PLACES, .askers = PLACES, .bodies = PLACES },
        .own_thread = true,
        .owner = &owner,
    };

    if (write_info(door))
        door->http = http_new(&http);
    if (door->http != NULL)
        return door;
    door_free(door);
    return NULL;
}

void door_free(struct door *given)
{
    if (given == NULL)
        return;
    http_free(given->http);
    bytes_free(&given->info);
    free(given);
}

bool door_listen(struct door *door, const char *address, struct inherited_sockets *inherited,
                 char *problem, size_t problem_size)
{
    return http_listen(door->http, address, inherited, problem, problem_size);
}

void door_leave(struct door *door, struct inherited_sockets *to)
{
    http_leave(door->http, to);
}

int door_port(const struct door *door)
{
    return http_port(door->http);
}
