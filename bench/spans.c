/* Reading order: bytes of msgpack; texts; what spans are; their layouts; bodies. */
#include "bench/spans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- bytes ------------------------------------------------------------- */

/* One that has failed stays as it is. */
struct growing {
    unsigned char *at;
    size_t len, room;
    bool failed;
};

static unsigned char *more(struct growing *out, size_t n)
{
    if (out->len + n > out->room) {
        size_t room = 2 * (out->len + n) + 4096;
        unsigned char *at = out->failed ? NULL : realloc(out->at, room);

        out->failed = at == NULL;
        if (out->failed)
            return NULL;
        out->at = at;
        out->room = room;
    }
    out->len += n;
    return out->at + out->len - n;
}

static void put_big_endian(unsigned char *to, uint64_t number, int bytes)
{
    for (int i = bytes; i > 0; i--, number >>= 8)
        to[i - 1] = (unsigned char)number;
}

/* A first byte and a number behind it. */
static void put_head(struct growing *out, unsigned char first, uint64_t number, int bytes)
{
    unsigned char *to = more(out, 1 + (size_t)bytes);

    if (to == NULL)
        return;
    to[0] = first;
    put_big_endian(to + 1, number, bytes);
}

static void put_uint(struct growing *out, uint64_t number)
{
    if (number < 128)
        put_head(out, (unsigned char)number, 0, 0);
    else if (number <= UINT16_MAX)
        put_head(out, 0xcd, number, 2);
    else if (number <= UINT32_MAX)
        put_head(out, 0xce, number, 4);
    else
        put_head(out, 0xcf, number, 8);
}

static void put_double(struct growing *out, double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof bits);
    put_head(out, 0xcb, bits, 8);
}

static void put_text(struct growing *out, const char *text)
{
    size_t len = strlen(text);

    if (len < 32)
        put_head(out, (unsigned char)(0xa0 | len), 0, 0);
    else if (len < 256)
        put_head(out, 0xd9, len, 1);
    else
        put_head(out, 0xda, len, 2);
    unsigned char *to = more(out, len);

    if (to != NULL)
        memcpy(to, text, len);
}

static void put_list(struct growing *out, uint32_t n)
{
    if (n < 16)
        put_head(out, (unsigned char)(0x90 | n), 0, 0);
    else
        put_head(out, 0xdd, n, 4);
}

static void put_map(struct growing *out, uint32_t n)
{
    if (n < 16)
        put_head(out, (unsigned char)(0x80 | n), 0, 0);
    else
        put_head(out, 0xde, n, 2);
}

/* ---- texts ------------------------------------------------------------- */

enum { TABLE_SLOTS = 1 << 17 };

/* The texts of a body of v0.5, each once, in the order in which they came. */
struct texts {
    struct growing packed; /* as msgpack has them */
    uint32_t n;
    struct {
        char *text;
        uint32_t place;
    } * slots; /* TABLE_SLOTS of them, never full; text NULL: none */
};

static uint64_t hash_of(const char *text)
{
    uint64_t hash = 14695981039346656037u;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash ^ hash >> 32;
}

static uint32_t text_place(struct texts *texts, const char *text)
{
    size_t slot = hash_of(text) % TABLE_SLOTS;

    while (texts->slots[slot].text != NULL && strcmp(texts->slots[slot].text, text) != 0)
        slot = (slot + 1) % TABLE_SLOTS;
    if (texts->slots[slot].text != NULL)
        return texts->slots[slot].place;
    if ((texts->slots[slot].text = strdup(text)) == NULL || texts->n > TABLE_SLOTS / 2) {
        texts->packed.failed = true;
        return 0;
    }
    put_text(&texts->packed, text);
    texts->slots[slot].place = texts->n;
    return texts->n++;
}

static bool texts_start(struct texts *texts)
{
    *texts = (struct texts){ .slots = calloc(TABLE_SLOTS, sizeof *texts->slots) };
    return texts->slots != NULL;
}

static void texts_free(struct texts *given)
{
    for (size_t i = 0; given->slots != NULL && i < TABLE_SLOTS; i++)
        free(given->slots[i].text);
    free(given->slots);
    free(given->packed.at);
}

/* ---- what spans are ---------------------------------------------------- */

/* What a library says of one kind of work. Each text is a format with the number of the
 * service, of the resource and of the request in it, in that order. */
struct work {
    const char *name, *type, *resource;
    const char *side; /* behind the name of the service */
    struct {
        const char *key, *value;
    } tags[12];
};

static const struct work works[] = {
    { "express.request",
      "web",
      "GET /api/v1/items@/:id",
      "",
      { { "span.kind", "server" },
        { "component", "express" },
        { "http.method", "GET" },
        { "http.status_code", "200" },
        { "http.route", "/api/v1/items@/:id" },
        { "http.url", "http://shop-#.example:8080/api/v1/items@/~" },
        { "http.useragent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36" },
        { "http.endpoint", "/api/v1/items@/:id" } } },
    { "express.middleware",
      "",
      "jsonParser",
      "",
      { { "component", "express" }, { "span.kind", "internal" }, { "resource.index", "@" } } },
    { "pg.query",
      "sql",
      "SELECT * FROM items@ WHERE id = $1 AND deleted_at IS NULL",
      "-postgres",
      { { "span.kind", "client" },
        { "component", "pg" },
        { "db.type", "postgres" },
        { "db.name", "shop-#" },
        { "db.user", "shop" },
        { "out.host", "db-#.internal" },
        { "network.destination.port", "5432" },
        { "_dd.base_service", "shop-#" } } },
    { "express.middleware",
      "",
      "session",
      "",
      { { "component", "express" }, { "span.kind", "internal" } } },
    { "redis.command",
      "redis",
      "get",
      "-redis",
      { { "span.kind", "client" },
        { "component", "redis" },
        { "db.type", "redis" },
        { "out.host", "cache-#.internal" },
        { "network.destination.port", "6379" },
        { "redis.raw_command", "GET item:~" },
        { "_dd.base_service", "shop-#" } } },
    { "express.middleware",
      "",
      "bound dispatch",
      "",
      { { "component", "express" }, { "span.kind", "internal" } } },
    { "http.request",
      "http",
      "GET",
      "",
      { { "span.kind", "client" },
        { "component", "http" },
        { "http.method", "GET" },
        { "http.status_code", "200" },
        { "out.host", "prices.internal" },
        { "http.url", "http://prices.internal/v2/price/~" } } },
    { "express.middleware",
      "",
      "router",
      "",
      { { "component", "express" }, { "span.kind", "internal" } } },
    { "dns.lookup",
      "",
      "prices.internal",
      "",
      { { "component", "dns" },
        { "span.kind", "client" },
        { "dns.hostname", "prices.internal" } } },
    { "tcp.connect",
      "",
      "prices.internal:80",
      "",
      { { "component", "net" },
        { "span.kind", "client" },
        { "tcp.remote.host", "prices.internal" } } },
};

/* What each span says, behind its own and as far as there is room. */
static const struct {
    const char *key, *value;
} common[] = {
    { "env", "prod" },
    { "version", "1.22.#" },
    { "language", "javascript" },
    { "runtime-id", "6e6d5a3c-0b2f-4d53-9d11-3f0c7a5b#" },
    { "_dd.p.dm", "-1" },
    { "_dd.p.tid", "69298a3100000000" },
    { "team", "payments" },
    { "customer", "c~" },
    { "region", "eu-west-1" },
    { "pod_name", "shop-#-5f7d9c6b8-x2x4z" },
};

static const char *const numbers[] = { "process_id", "_sampling_priority_v1", "_dd.measured",
                                       "_dd.agent_psr" };

enum {
    WORKS = sizeof works / sizeof works[0],
    COMMON = sizeof common / sizeof common[0],
    NUMBERS = sizeof numbers / sizeof numbers[0],
    OWN_TAGS_MAX = sizeof works[0].tags / sizeof works[0].tags[0],
    TEXT_MAX = 256,
};

/* ---- a body under way -------------------------------------------------- */

struct making {
    const struct spans_profile *profile;
    struct growing out; /* of v0.5: the traces alone */
    struct texts texts; /* of v0.5 */
    struct spans_place *places;
    uint32_t n_spans;
    uint64_t random;
    unsigned service, resource, request; /* of the trace under way */
};

/* splitmix64 */
static uint64_t draw(struct making *making)
{
    uint64_t x = making->random += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* A text as the layout has it. */
static void add_text(struct making *making, const char *text)
{
    if (making->profile->layout == SPANS_V05)
        put_uint(&making->out, text_place(&making->texts, text));
    else
        put_text(&making->out, text);
}

static void add_template(struct making *making, const char *template, const char *behind)
{
    char text[TEXT_MAX];
    size_t used = 0;

    for (; *template != '\0' && used < sizeof text - 12; template ++)
        if (*template == '#' || *template == '@' || *template == '~')
            used += (size_t)sprintf(text + used, "%u",
                                    *template == '#'   ? making->service
                                    : *template == '@' ? making->resource
                                                       : making->request);
        else
            text[used++] = *template;
    snprintf(text + used, sizeof text - used, "%s", behind);
    add_text(making, text);
}

static bool is_map(const struct making *making)
{
    return making->profile->layout == SPANS_V04;
}

static void add_name(struct making *making, const char *name)
{
    if (is_map(making))
        put_text(&making->out, name);
}

static uint32_t add_changing(struct making *making, const char *name)
{
    add_name(making, name);
    put_head(&making->out, 0xcf, 0, 8);
    return (uint32_t)making->out.len - 8;
}

static void add_number(struct making *making, const char *name, uint64_t number)
{
    add_name(making, name);
    put_uint(&making->out, number);
}

static void add_tag(struct making *making, const char *key, const char *value)
{
    add_text(making, key);
    add_template(making, value, "");
}

static void add_meta(struct making *making, const struct work *work, uint32_t n)
{
    uint32_t own = 0;

    add_name(making, "meta");
    put_map(&making->out, n);
    for (; own < n && own < OWN_TAGS_MAX && work->tags[own].key != NULL; own++)
        add_tag(making, work->tags[own].key, work->tags[own].value);
    for (uint32_t i = 0; own + i < n; i++) {
        char key[TEXT_MAX];

        snprintf(key, sizeof key, "custom.tag.%u", i);
        if (i < COMMON)
            add_tag(making, common[i].key, common[i].value);
        else
            add_tag(making, key, "value-@");
    }
}

static void add_metrics(struct making *making, bool is_root, uint32_t n)
{
    add_name(making, "metrics");
    put_map(&making->out, n);
    for (uint32_t i = 0; i < n; i++) {
        add_text(making, numbers[i]);
        put_double(&making->out, i == 0 ? 4711 : i == 2 && !is_root ? 0 : 1);
    }
}

/* ---- spans ------------------------------------------------------------- */

/* Milliseconds as services take them: most of them short, a few long. */
static int64_t draw_duration_ns(struct making *making, bool is_root)
{
    uint64_t drawn = draw(making);
    int64_t ns = 200000 + (int64_t)(drawn % 3000000);

    for (int i = 0; i < 5 && (drawn >> (32 + 2 * i) & 3) == 0; i++)
        ns *= 3;
    return is_root ? ns * 4 : ns;
}

static void add_ids(struct making *making, struct spans_place *place, uint32_t at)
{
    uint64_t first = (uint64_t)making->request << 12;

    place->trace_id_at = add_changing(making, "trace_id");
    add_number(making, "span_id", first + at + 1);
    add_number(making, "parent_id", at == 0 ? 0 : first + (at - 1) / 2 + 1);
}

static void add_times(struct making *making, struct spans_place *place, bool is_root)
{
    place->duration_ns = draw_duration_ns(making, is_root);
    place->start_at = add_changing(making, "start");
    add_number(making, "duration", (uint64_t)place->duration_ns);
}

static void add_texts_of(struct making *making, const struct work *work)
{
    add_name(making, "service");
    add_template(making, "shop-#", work->side);
    add_name(making, "name");
    add_text(making, work->name);
    add_name(making, "resource");
    add_template(making, work->resource, "");
}

/* Both layouts have the twelve members, in this order. One root in a hundred failed. */
static void add_span(struct making *making, uint32_t at)
{
    const struct work *work = &works[at % WORKS];
    struct spans_place *place = &making->places[making->n_spans++];
    uint32_t tags = making->profile->tags, n_numbers = tags < NUMBERS ? tags : NUMBERS;

    if (is_map(making))
        put_map(&making->out, 12);
    else
        put_list(&making->out, 12);
    add_texts_of(making, work);
    add_ids(making, place, at);
    add_times(making, place, at == 0);
    add_number(making, "error", at == 0 && draw(making) % 100 == 0);
    add_meta(making, work, tags - n_numbers);
    add_metrics(making, at == 0, n_numbers);
    add_name(making, "type");
    add_text(making, work->type);
}

static void add_traces(struct making *making)
{
    const struct spans_profile *profile = making->profile;

    put_list(&making->out, profile->traces);
    for (uint32_t i = 0; i < profile->traces; i++) {
        making->service = (unsigned)(draw(making) % profile->services);
        making->resource = (unsigned)(draw(making) % profile->resources);
        making->request = (unsigned)(draw(making) >> 44);
        put_list(&making->out, profile->spans);
        for (uint32_t at = 0; at < profile->spans; at++)
            add_span(making, at);
    }
}

/* ---- bodies ------------------------------------------------------------ */

struct spans_profile spans_preset(void)
{
    return (struct spans_profile){ .layout = SPANS_V04,
                                   .spans = 10,
                                   .traces = 20,
                                   .tags = 15,
                                   .services = 5,
                                   .resources = 20,
                                   .seed = 1 };
}

const char *spans_refusal(const struct spans_profile *profile)
{
    if (profile->spans < 1 || profile->spans > SPANS_OF_TRACE_MAX)
        return "a trace has 1 to 1,000 spans";
    if (profile->traces < 1 || (uint64_t)profile->traces * profile->spans > SPANS_BODY_MAX)
        return "a body has 1 to 20,000 spans";
    if (profile->tags > SPANS_TAGS_MAX)
        return "a span has at most 64 tags";
    if (profile->services < 1 || profile->resources < 1)
        return "there is a service and a resource at least";
    return NULL;
}

/* The texts go in front of the traces. */
static void join(struct making *making, struct growing *out)
{
    const struct growing *texts = &making->texts.packed, *traces = &making->out;

    put_list(out, 2);
    put_list(out, making->texts.n);
    unsigned char *to = more(out, texts->len + traces->len);

    out->failed = out->failed || texts->failed || traces->failed;
    if (out->failed)
        return;
    memcpy(to, texts->at, texts->len);
    memcpy(to + texts->len, traces->at, traces->len);
    for (uint32_t i = 0; i < making->n_spans; i++) {
        making->places[i].trace_id_at += (uint32_t)(out->len - traces->len);
        making->places[i].start_at += (uint32_t)(out->len - traces->len);
    }
}

static void finish(struct making *making, struct growing *out)
{
    add_traces(making);
    if (making->profile->layout == SPANS_V05) {
        join(making, out);
        free(making->out.at);
    } else {
        *out = making->out;
    }
}

bool spans_build(const struct spans_profile *profile, uint64_t number, struct spans_body *out)
{
    uint32_t n_spans = profile->spans * profile->traces;
    struct making making = { .profile = profile, .random = profile->seed * 1000003 + number };
    struct growing bytes = { .failed = true };

    making.places = calloc(n_spans, sizeof *making.places);
    if (making.places != NULL && texts_start(&making.texts)) {
        bytes.failed = false;
        finish(&making, &bytes);
        texts_free(&making.texts);
    }
    *out = (struct spans_body){ .at = (char *)bytes.at,
                                .len = bytes.len,
                                .n_spans = n_spans,
                                .n_traces = profile->traces,
                                .places = making.places };
    if (bytes.failed)
        spans_free(out);
    return !bytes.failed;
}

void spans_free(struct spans_body *given)
{
    free(given->at);
    free(given->places);
    *given = (struct spans_body){ .at = NULL };
}

void spans_stamp(struct spans_body *body, uint64_t first_trace_id, int64_t now_ns)
{
    unsigned char *at = (unsigned char *)body->at;
    uint32_t of_trace = body->n_spans / body->n_traces;

    for (uint32_t i = 0; i < body->n_spans; i++) {
        const struct spans_place *place = &body->places[i];

        put_big_endian(at + place->trace_id_at, first_trace_id + i / of_trace, 8);
        put_big_endian(at + place->start_at, (uint64_t)(now_ns - place->duration_ns), 8);
    }
}
