#include "flush/delivery/mirror.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "flush/memory/json.h"
#include "flush/redis/resp.h"
#include "protocol/number.h"

enum {
    SCAN_A_STEP = 65536, /* series looked at */
    TAKE_A_STEP = 2048,  /* series written: some milliseconds */
    BYTES_A_STEP = 512 * 1024,
    FIELDS_MAX = 64, /* of one HSET, */
    COMMAND_BYTES = 48 * 1024,
    PAYLOAD_BYTES = 128 * 1024,
    STREAM_LENGTH = 1000,
};

struct announcement {
    int64_t step_s, start_s;
    uint64_t series;
};

struct mirror {
    struct mirror_config config;
    struct rollup *rollup;
    struct outbox *outbox;
    struct flusher_ledger *ledger;
    char *member; /* of the registry: JSON */

    bool writing;
    bool beat;       /* a heartbeat is due when the batch is written */
    unsigned levels; /* still to be written, a bit each */
    uint32_t next;   /* series of the first of them */
    struct announcement at_end[ROLLUP_LEVELS_MAX];
    uint32_t *chosen; /* TAKE_A_STEP of them */

    int64_t stamp_s; /* of the newest snapshot */
    int64_t beat_s;  /* of the one with the last heartbeat; 0: none */
    int64_t id_ms;   /* of the newest announcement */
    bool lost;       /* some of the batch: it is not announced */

    struct bytes key, text; /* scratch of one key, of one field or value */
    struct bytes fields;    /* of the HSET under way, n_fields of them */
    uint32_t n_fields;
    struct bytes out; /* of the payload under way */
    uint32_t points;
};

bool mirror_make_id(char out[MIRROR_ID_SIZE])
{
    unsigned char random[(MIRROR_ID_SIZE - 1) / 2];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(out + 2 * i, 3, "%02x", random[i]);
    return true;
}

/* ---- making ------------------------------------------------------------ */

static void put_number(struct bytes *out, int64_t number)
{
    char text[24];

    bytes_add(out, text, (size_t)snprintf(text, sizeof text, "%" PRId64, number));
}

static void put_pair(struct bytes *out, const char *name, int64_t number)
{
    bytes_add_text(out, name);
    put_number(out, number);
}

/* The text must not change while this process lives, so that all its heartbeats are one member
 * of the set. */
static char *make_member(const struct mirror_config *config, const struct rollup *rollup)
{
    struct bytes out = { 0 };

    bytes_add_text(&out, "{\"id\":");
    json_add_string(&out, slice_of(config->id));
    bytes_add_text(&out, ",\"host\":");
    json_add_string(&out, slice_of(config->hostname));
    put_pair(&out, ",\"pid\":", getpid());
    put_pair(&out, ",\"started\":", config->started_s);
    put_pair(&out, ",\"interval\":", rollup_interval(rollup));
    bytes_add_text(&out, ",\"rollups\":[");
    for (size_t level = 1; level < rollup_levels(rollup); level++)
        put_pair(&out, level > 1 ? "," : "", rollup_step(rollup, level));
    put_pair(&out, "],\"ttl\":", config->ttl_s);
    put_pair(&out, ",\"lookback\":", config->lookback_s);
    bytes_add_text(&out, ",\"version\":");
    json_add_string(&out, slice_of(HEELER_VERSION));
    bytes_add(&out, "}", 2); /* and its NUL */
    if (out.failed)
        bytes_free(&out);
    return (char *)out.at;
}

struct mirror *mirror_new(const struct mirror_config *config, struct rollup *rollup,
                          struct outbox *outbox, struct flusher_ledger *ledger)
{
    struct mirror *mirror = calloc(1, sizeof *mirror);

    if (mirror == NULL)
        return NULL;
    mirror->config = *config;
    mirror->rollup = rollup;
    mirror->outbox = outbox;
    mirror->ledger = ledger;
    mirror->member = make_member(config, rollup);
    mirror->chosen = malloc(TAKE_A_STEP * sizeof *mirror->chosen);
    if (mirror->member == NULL || mirror->chosen == NULL || !rollup_watch(rollup)) {
        mirror_free(mirror);
        return NULL;
    }
    return mirror;
}

static void free_scratch(struct mirror *mirror)
{
    bytes_free(&mirror->key);
    bytes_free(&mirror->text);
    bytes_free(&mirror->fields);
    bytes_free(&mirror->out);
}

void mirror_free(struct mirror *given)
{
    if (given == NULL)
        return;
    free_scratch(given);
    free(given->member);
    free(given->chosen);
    free(given);
}

/* ---- payloads ---------------------------------------------------------- */

static void lose_points(struct mirror *mirror, enum point_drop why)
{
    counter_add(&mirror->ledger->mirrored, -(uint64_t)mirror->points);
    counter_add(&mirror->ledger->dropped[why], mirror->points);
    mirror->lost = true;
}

/* Makes a payload of the commands written so far; NULL without memory. */
static struct payload *make_payload(const struct mirror *mirror, int64_t now_s)
{
    const struct bytes *out = &mirror->out;
    struct payload *payload = out->failed ? NULL : calloc(1, sizeof *payload + out->len);

    if (payload == NULL)
        return NULL;
    payload->route = ROUTE_REDIS;
    payload->compression = COMPRESSION_NONE;
    payload->points = payload->items = mirror->points;
    payload->created_s = now_s;
    payload->raw_size = payload->size = out->len;
    memcpy(payload->bytes, out->at, out->len);
    return payload;
}

static void post(struct mirror *mirror, int64_t now_s)
{
    if (mirror->out.len == 0 && !mirror->out.failed)
        return;
    struct payload *payload = make_payload(mirror, now_s);

    if (payload == NULL) {
        lose_points(mirror, POINT_NO_MEMORY);
    } else if (outbox_is_full(mirror->outbox, payload)) {
        lose_points(mirror, POINT_OUTBOX_FULL);
        payload_free(payload);
    } else {
        counter_add(&mirror->ledger->mirror_posted, mirror->points);
        counter_add(&mirror->ledger->mirror_payloads, 1);
        outbox_push(mirror->outbox, payload);
    }
    bytes_clear(&mirror->out);
    mirror->points = 0;
}

/* ---- one window of one metric ------------------------------------------ */

/* prefix:{name}:step:start; the braces keep a metric's windows together in a cluster. */
static void make_key(struct mirror *mirror, struct slice name, int64_t step_s, int64_t start_s)
{
    bytes_clear(&mirror->key);
    bytes_add_text(&mirror->key, mirror->config.prefix);
    bytes_add_text(&mirror->key, ":{");
    bytes_add(&mirror->key, name.at, name.len);
    put_pair(&mirror->key, "}:", step_s);
    put_pair(&mirror->key, ":", start_s);
}

static void make_own_key(struct mirror *mirror, const char *after_prefix)
{
    bytes_clear(&mirror->key);
    bytes_add_text(&mirror->key, mirror->config.prefix);
    bytes_add_text(&mirror->key, after_prefix);
}

static void make_stream_key(struct mirror *mirror)
{
    make_own_key(mirror, ":{");
    bytes_add_text(&mirror->key, mirror->config.id);
    bytes_add_text(&mirror->key, "}:stream");
}

/* kind|host|tags|id */
static void make_field(struct mirror *mirror, const struct rollup_series *entry)
{
    const struct identities *identities = rollup_identities(mirror->rollup);
    struct slice host = identities_text(identities, entry->id.host);
    size_t n;
    const uint32_t *tags = identities_tag_ids(identities, entry->id.tags, &n);

    bytes_clear(&mirror->text);
    bytes_add(&mirror->text, &cell_kinds[entry->kind].letter, 1);
    bytes_add(&mirror->text, "|", 1);
    bytes_add(&mirror->text, host.at, host.len);
    bytes_add(&mirror->text, "|", 1);
    for (size_t i = 0; i < n; i++) {
        struct slice tag = identities_tag(identities, tags[i]);
        bytes_add(&mirror->text, ",", i > 0);
        bytes_add(&mirror->text, tag.at, tag.len);
    }
    bytes_add(&mirror->text, "|", 1);
    bytes_add_text(&mirror->text, mirror->config.id);
}

/* sum count min max last last_ms[\nblob] */
static void make_value(struct mirror *mirror, const struct rollup_value *value)
{
    char number[NUMBER_TEXT_MAX];

    bytes_clear(&mirror->text);
    for (int column = 0; column < WINDOW_COLUMNS; column++) {
        bytes_add(&mirror->text, number, number_format(value->column[column], number));
        bytes_add(&mirror->text, " ", 1);
    }
    put_number(&mirror->text, value->newest_ms);
    if (value->blob == NULL)
        return;
    bytes_add(&mirror->text, "\n", 1);
    bytes_add(&mirror->text, value->blob, value->blob_len);
}

static void add_field(struct mirror *mirror, const struct rollup_series *entry,
                      const struct rollup_value *value)
{
    make_field(mirror, entry);
    resp_word(&mirror->fields, bytes_view(&mirror->text));
    mirror->fields.failed = mirror->fields.failed || mirror->text.failed;
    make_value(mirror, value);
    resp_word(&mirror->fields, bytes_view(&mirror->text));
    mirror->fields.failed = mirror->fields.failed || mirror->text.failed;
    mirror->n_fields++;
}

static void expire(struct mirror *mirror, int64_t seconds)
{
    resp_command(&mirror->out, 3);
    resp_word(&mirror->out, SLICE("EXPIRE"));
    resp_word(&mirror->out, bytes_view(&mirror->key));
    resp_number(&mirror->out, seconds);
}

static void end_fields(struct mirror *mirror)
{
    struct bytes *out = &mirror->out;

    if (mirror->n_fields == 0)
        return;
    resp_command(out, 2 + 2 * (size_t)mirror->n_fields);
    resp_word(out, SLICE("HSET"));
    resp_word(out, bytes_view(&mirror->key));
    bytes_add(out, mirror->fields.at, mirror->fields.len);
    out->failed = out->failed || mirror->fields.failed || mirror->key.failed;
    mirror->points += mirror->n_fields;
    counter_add(&mirror->ledger->mirrored, mirror->n_fields);
    mirror->n_fields = 0;
    bytes_clear(&mirror->fields);
}

static int64_t time_to_live(const struct mirror *mirror, size_t level)
{
    int64_t step_s = rollup_step(mirror->rollup, level), ttl_s = mirror->config.ttl_s;

    if (level > 0)
        return ttl_s + step_s;
    return (mirror->config.lookback_s < ttl_s ? mirror->config.lookback_s : ttl_s) + 2 * step_s;
}

/* n series of one name. */
static void write_metric(struct mirror *mirror, size_t level, const uint32_t *series, size_t n,
                         int64_t now_s)
{
    struct announcement *told = &mirror->at_end[level];
    uint32_t name = rollup_entry(mirror->rollup, series[0])->id.name;
    struct rollup_value value;

    make_key(mirror, identities_text(rollup_identities(mirror->rollup), name), told->step_s,
             told->start_s);
    for (size_t i = 0; i < n; i++) {
        if (!rollup_take(mirror->rollup, level, series[i], &value))
            continue;
        add_field(mirror, rollup_entry(mirror->rollup, series[i]), &value);
        told->series++;
        if (mirror->n_fields == FIELDS_MAX || mirror->fields.len >= COMMAND_BYTES)
            end_fields(mirror);
    }
    end_fields(mirror);
    expire(mirror, time_to_live(mirror, level));
    if (mirror->out.len >= PAYLOAD_BYTES || mirror->out.failed)
        post(mirror, now_s);
}

/* ---- a slice ----------------------------------------------------------- */

static int by_name(const void *a, const void *b, void *rollup)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    uint32_t name = rollup_entry(rollup, left)->id.name;
    uint32_t other = rollup_entry(rollup, right)->id.name;

    return name != other ? (name > other) - (name < other) : (left > right) - (left < right);
}

/* Chooses the next series that have something new, up to TAKE_A_STEP of them, or fewer if they
 * are large. */
static size_t choose(struct mirror *mirror, size_t level)
{
    uint32_t end = rollup_end(mirror->rollup);
    size_t n = 0, blobs = 0;

    for (int i = 0; i < SCAN_A_STEP && mirror->next < end && n < TAKE_A_STEP; i++) {
        const struct rollup_series *entry = rollup_entry(mirror->rollup, mirror->next);
        if ((entry->unwritten >> level & 1) != 0) {
            mirror->chosen[n++] = mirror->next;
            blobs += cell_kinds[entry->kind].object != NULL;
        }
        mirror->next++;
        if (blobs >= BYTES_A_STEP / COMMAND_BYTES * 8)
            break;
    }
    return n;
}

/* True when the level is done. */
static bool write_slice(struct mirror *mirror, size_t level, int64_t now_s)
{
    size_t n = choose(mirror, level), from = 0;

    qsort_r(mirror->chosen, n, sizeof *mirror->chosen, by_name, mirror->rollup);
    while (from < n) {
        uint32_t name = rollup_entry(mirror->rollup, mirror->chosen[from])->id.name;
        size_t to = from + 1;
        while (to < n && rollup_entry(mirror->rollup, mirror->chosen[to])->id.name == name)
            to++;
        write_metric(mirror, level, &mirror->chosen[from], to - from, now_s);
        from = to;
    }
    return rollup_unwritten(mirror->rollup, level) == 0 ||
           mirror->next >= rollup_end(mirror->rollup);
}

static void begin(struct mirror *mirror, unsigned levels)
{
    mirror->writing = true;
    mirror->lost = false;
    mirror->levels = levels;
    mirror->next = 0;
    for (size_t level = 0; level < rollup_levels(mirror->rollup); level++)
        mirror->at_end[level] =
            (struct announcement){ rollup_step(mirror->rollup, level),
                                   rollup_open_start(mirror->rollup, level), 0 };
}

/* ---- what closes a batch ----------------------------------------------- */

static void put_field(struct bytes *out, struct slice name, int64_t number)
{
    resp_word(out, name);
    resp_number(out, number);
}

/* The ids of a stream must ascend: the id is the time of the stamp or, after the clock was set
 * back, the next one after the last id. */
static void announce(struct mirror *mirror, const struct announcement *told)
{
    struct bytes *out = &mirror->out;

    bytes_clear(&mirror->text);
    put_number(&mirror->text, mirror->id_ms);
    put_pair(&mirror->text, "-", told->step_s);
    resp_command(out, 12);
    resp_word(out, SLICE("XADD"));
    resp_word(out, bytes_view(&mirror->key));
    resp_word(out, SLICE("MAXLEN"));
    resp_word(out, SLICE("~"));
    resp_number(out, STREAM_LENGTH);
    resp_word(out, bytes_view(&mirror->text));
    put_field(out, SLICE("step"), told->step_s);
    put_field(out, SLICE("start"), told->start_s);
    put_field(out, SLICE("series"), (int64_t)told->series);
}

static void announce_all(struct mirror *mirror)
{
    bool any = false;

    make_stream_key(mirror);
    for (size_t level = 0; level < rollup_levels(mirror->rollup); level++) {
        if (mirror->at_end[level].series == 0)
            continue;
        if (!any && mirror->stamp_s * 1000 > mirror->id_ms)
            mirror->id_ms = mirror->stamp_s * 1000;
        else if (!any)
            mirror->id_ms++;
        announce(mirror, &mirror->at_end[level]);
        any = true;
    }
    if (any)
        expire(mirror, mirror->config.ttl_s);
}

static void heartbeat(struct mirror *mirror, int64_t score_s, int64_t now_s)
{
    struct bytes *out = &mirror->out;

    make_own_key(mirror, ":instances");
    resp_command(out, 4);
    resp_word(out, SLICE("ZADD"));
    resp_word(out, bytes_view(&mirror->key));
    resp_number(out, score_s);
    resp_word(out, slice_of(mirror->member));
    resp_command(out, 4);
    resp_word(out, SLICE("ZREMRANGEBYSCORE"));
    resp_word(out, bytes_view(&mirror->key));
    resp_word(out, SLICE("-inf"));
    bytes_clear(&mirror->text);
    put_pair(&mirror->text, "(", now_s - mirror->config.ttl_s);
    resp_word(out, bytes_view(&mirror->text));
}

static void end_batch(struct mirror *mirror, int64_t now_s)
{
    post(mirror, now_s);
    if (!mirror->lost)
        announce_all(mirror);
    if (mirror->beat) {
        heartbeat(mirror, now_s, now_s);
        mirror->beat = false;
        mirror->beat_s = mirror->stamp_s;
    }
    post(mirror, now_s);
    mirror->writing = false;
    free_scratch(mirror);
    uint64_t made = counter_read(&mirror->ledger->mirrored);
    uint64_t posted = counter_read(&mirror->ledger->mirror_posted);
    counter_set(&mirror->ledger->mirror_imbalance,
                made > posted ? made - posted : posted - made);
}

/* ---- as an observer ---------------------------------------------------- */

/* The rollups have been given a snapshot. */
static void on_end(void *observer, int64_t stamp_s)
{
    struct mirror *mirror = observer;

    mirror->stamp_s = stamp_s;
    mirror->beat = mirror->beat_s == 0 || stamp_s < mirror->beat_s ||
                   stamp_s >= mirror->beat_s + MIRROR_BEAT_S;
    begin(mirror, rollup_levels(mirror->rollup) > 1 ? 3 : 1);
}

static bool step(void *observer, int64_t now_s)
{
    struct mirror *mirror = observer;

    if (!mirror->writing)
        return false;
    while (mirror->levels != 0) {
        size_t level = (size_t)__builtin_ctz(mirror->levels);
        if (rollup_unwritten(mirror->rollup, level) > 0 && !write_slice(mirror, level, now_s))
            return true;
        mirror->levels &= mirror->levels - 1;
        mirror->next = 0;
    }
    end_batch(mirror, now_s);
    return false;
}

static unsigned levels_before(const struct mirror *mirror, int64_t stamp_s)
{
    const struct rollup *rollup = mirror->rollup;
    unsigned levels = 0;

    for (size_t level = 0; level < rollup_levels(rollup); level++)
        if (rollup_unwritten(rollup, level) > 0 &&
            (rollup_turns(rollup, level, stamp_s) ||
             (level >= 2 && rollup_turns(rollup, level - 1, stamp_s))))
            levels |= 1u << level;
    return levels;
}

/* What the rollups would close is written before. */
static bool may_begin(void *observer, int64_t stamp_s, int64_t now_s)
{
    struct mirror *mirror = observer;

    if (rollup_is_busy(mirror->rollup))
        return true; /* they have begun: nothing was left to write */
    if (!mirror->writing) {
        unsigned levels = levels_before(mirror, stamp_s);
        if (levels == 0)
            return true;
        begin(mirror, levels);
    }
    return !step(mirror, now_s) && levels_before(mirror, stamp_s) == 0;
}

static void finish(void *observer, int64_t now_s)
{
    struct mirror *mirror = observer;

    while (step(mirror, now_s))
        ;
    begin(mirror, (1u << rollup_levels(mirror->rollup)) - 1);
    while (step(mirror, now_s))
        ;
    heartbeat(mirror, now_s - mirror_live_s(rollup_interval(mirror->rollup)) - 1, now_s);
    post(mirror, now_s);
}

static void free_mirror(void *given)
{
    mirror_free(given);
}

struct observer mirror_observer(struct mirror *given)
{
    static const struct observer_ops ops = {
        .may_begin = may_begin,
        .end = on_end,
        .step = step,
        .finish = finish,
        .free = free_mirror,
    };
    return (struct observer){ &ops, given };
}
