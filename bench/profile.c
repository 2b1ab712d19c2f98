/* One subject: a load, made line by line from a profile and a seed. */
#include "bench/profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SMP_MAX_NAME = 200,
    SMP_MAX_TAG = 150,
    SMP_MAX_TAGS = 50,
    SMP_NEW_TAG_PERCENT = 11,
    SMP_VALUE_ROOM = 64, /* type, rate and one value of any kind fit into it */
    RING_MIN_PAYLOADS = 4096,
    FRAME_PREFIX = 4,
    FIRST_TIME_S = 1767225600, /* 2026-01-01; no server is to take it for the future */
    LINE_ROOM = PROFILE_MAX_PACK * 26 + PROFILE_MAX_TAGS * 24 + 1024,
};

static const char *const type_text[LOAD_TYPES] = { "c", "g", "ms", "h", "s", "d" };
static const char *const type_name[LOAD_TYPES] = { "count",     "gauge", "timing",
                                                   "histogram", "set",   "distribution" };

/* A growing array; after a failure it stays as it is and the builder knows. */
struct store {
    char *at;
    size_t used, room;
};

struct smp_context {
    uint32_t name_at, name_bytes;
    uint32_t tags_at, n_tags;
    enum load_type type;
};

struct smp_tag {
    uint32_t at, bytes;
};

struct builder {
    const struct profile *profile;
    uint64_t random;
    uint64_t stride; /* of the walk through the contexts */
    struct store text, notes, payloads;
    struct store smp_contexts, smp_names, smp_tags, smp_tag_text, smp_tag_ids;
    bool out_of_memory;
    char line[LINE_ROOM];
};

/* SplitMix64: one multiplication chain a number, and good enough for loads. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

static uint64_t draw(struct builder *b)
{
    b->random += 0x9e3779b97f4a7c15U;
    return mix(b->random);
}

static uint32_t draw_from(struct builder *b, uint32_t low, uint32_t high)
{
    return low + (uint32_t)(((draw(b) >> 32) * (high - low + 1ULL)) >> 32);
}

static void *store_add(struct builder *b, struct store *store, size_t bytes)
{
    if (store->room - store->used < bytes) {
        size_t room = 2 * store->room + bytes + 4096;
        char *grown = room < UINT32_MAX ? realloc(store->at, room) : NULL;

        if (grown == NULL) {
            b->out_of_memory = true;
            return NULL;
        }
        store->at = grown;
        store->room = room;
    }
    store->used += bytes;
    return store->at + store->used - bytes;
}

bool profile_preset(const char *name, struct profile *out)
{
    struct profile profile = { .contexts = 1000,
                               .datagram_bytes = 1432,
                               .tags = 4,
                               .pack = 1,
                               .sample_rate = 1,
                               .weights = { [LOAD_COUNT] = 1 },
                               .seed = 1 };

    if (strcmp(name, "plain") == 0) {
        profile.shape = SHAPE_PLAIN;
    } else if (strcmp(name, "single") == 0) {
        profile.lines_per_datagram = 1;
    } else if (strcmp(name, "tagged") == 0) {
        profile.shape = SHAPE_TAGGED;
    } else if (strcmp(name, "named") == 0) {
        profile.shape = SHAPE_NAMED;
    } else if (strcmp(name, "storm") == 0) {
        profile.shape = SHAPE_TAGGED;
        profile.fresh = true;
    } else if (strcmp(name, "timed") == 0) {
        profile.shape = SHAPE_TAGGED;
        profile.timed = true;
        profile.contexts = 3000;
    } else if (strcmp(name, "smp") == 0) {
        profile.shape = SHAPE_SMP;
        profile.contexts = 3000;
        profile.datagram_bytes = 8192;
        profile.values = VALUES_WIDE;
        profile.pack = 32;
        profile.pack_percent = 8;
        profile.sample_percent = 50;
        memcpy(profile.weights,
               (uint32_t[LOAD_TYPES]){ [LOAD_COUNT] = 208,
                                       [LOAD_GAUGE] = 66,
                                       [LOAD_DISTRIBUTION] = 72,
                                       [LOAD_SET] = 9,
                                       [LOAD_HISTOGRAM] = 1 },
               sizeof profile.weights);
    } else {
        return false;
    }
    *out = profile;
    return true;
}

bool profile_set_weights(struct profile *profile, const char *text)
{
    uint32_t weights[LOAD_TYPES] = { 0 };

    while (*text != '\0') {
        size_t length = strcspn(text, "=");
        int type = 0;
        char *end;

        while (type < LOAD_TYPES && (strlen(type_text[type]) != length ||
                                     memcmp(type_text[type], text, length) != 0))
            type++;
        if (type == LOAD_TYPES || text[length] != '=')
            return false;
        text += length + 1;
        weights[type] = (uint32_t)strtoul(text, &end, 10);
        if (end == text || weights[type] > 1000000 || (*end != ',' && *end != '\0'))
            return false;
        text = end + (*end == ',');
    }
    memcpy(profile->weights, weights, sizeof weights);
    return true;
}

const char *profile_refusal(const struct profile *profile)
{
    uint64_t weight = 0;

    for (int type = 0; type < LOAD_TYPES; type++)
        weight += profile->weights[type];
    if (weight == 0)
        return "all weights of --types are zero";
    if (profile->timed &&
        weight > (uint64_t)profile->weights[LOAD_COUNT] + profile->weights[LOAD_GAUGE])
        return "only counts and gauges may have a timestamp: --types c=1,g=1";
    if (profile->contexts == 0 || profile->contexts > 10000000)
        return "--contexts must be 1 to 10000000";
    if (profile->datagram_bytes > PROFILE_MAX_DATAGRAM)
        return "--datagram must be at most 65507";
    if (profile->shape == SHAPE_SMP && profile->datagram_bytes < 1024)
        return "--datagram must be at least 1024 for the profile smp";
    if (profile->pack == 0 || profile->pack > PROFILE_MAX_PACK)
        return "--pack must be 1 to 4096";
    if (profile->tags > PROFILE_MAX_TAGS)
        return "--tags must be at most 256";
    if (!(profile->sample_rate > 0 && profile->sample_rate <= 1))
        return "--sample-rate must be above 0 and at most 1";
    return NULL;
}

/* ---- contexts ---------------------------------------------------------- */

static enum load_type pick_type(const struct profile *profile, uint64_t random)
{
    uint64_t weight = 0;
    int type = 0;

    for (int i = 0; i < LOAD_TYPES; i++)
        weight += profile->weights[i];
    random %= weight;
    while (random >= profile->weights[type])
        random -= profile->weights[type++];
    return (enum load_type)type;
}

static void draw_letters(struct builder *b, char *out, uint32_t bytes)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_0123456789";

    for (uint32_t i = 0; i < bytes; i++)
        out[i] = letters[draw_from(b, 0, i == 0 ? 25 : sizeof letters - 2)];
}

/* The number of a tag "key:value", new or from those already made. */
static uint32_t smp_tag(struct builder *b)
{
    uint32_t made = (uint32_t)(b->smp_tags.used / sizeof(struct smp_tag));

    if (made > 0 && draw_from(b, 1, 100) > SMP_NEW_TAG_PERCENT)
        return draw_from(b, 0, made - 1);

    uint32_t bytes = draw_from(b, 3, SMP_MAX_TAG), at = (uint32_t)b->smp_tag_text.used;
    struct smp_tag *tag = store_add(b, &b->smp_tags, sizeof *tag);
    char *text = store_add(b, &b->smp_tag_text, bytes);

    if (tag == NULL || text == NULL)
        return 0;
    *tag = (struct smp_tag){ at, bytes };
    draw_letters(b, text, bytes);
    text[draw_from(b, 1, bytes - 2)] = ':';
    return made;
}

static void smp_context(struct builder *b)
{
    struct smp_context context = { .name_at = (uint32_t)b->smp_names.used,
                                   .name_bytes = draw_from(b, 1, SMP_MAX_NAME),
                                   .tags_at =
                                       (uint32_t)(b->smp_tag_ids.used / sizeof(uint32_t)),
                                   .type = pick_type(b->profile, draw(b)) };
    uint32_t n_tags = draw_from(b, 2, SMP_MAX_TAGS);
    size_t bytes = context.name_bytes + SMP_VALUE_ROOM;
    char *name = store_add(b, &b->smp_names, context.name_bytes);

    if (name != NULL)
        draw_letters(b, name, context.name_bytes);
    /* A context that leaves no room for a value ends with the tag before. */
    for (; context.n_tags < n_tags && !b->out_of_memory; context.n_tags++) {
        uint32_t id = smp_tag(b), *kept;

        if (b->out_of_memory)
            return;
        bytes += ((struct smp_tag *)(void *)b->smp_tags.at)[id].bytes + 1;
        if (bytes > b->profile->datagram_bytes)
            break;
        kept = store_add(b, &b->smp_tag_ids, sizeof id);
        if (kept != NULL)
            *kept = id;
    }
    void *place = store_add(b, &b->smp_contexts, sizeof context);
    if (place != NULL)
        memcpy(place, &context, sizeof context);
}

/* ---- one line ---------------------------------------------------------- */

static char *put(char *at, const char *text, size_t bytes)
{
    memcpy(at, text, bytes);
    return at + bytes;
}

static char *put_value(struct builder *b, char *at, enum load_type type, double *sum)
{
    enum load_values kind = b->profile->values;
    int64_t whole;
    double real;
    uint64_t bits;

    if (type == LOAD_SET && kind == VALUES_ONE)
        kind = VALUES_INT; /* a set of one member would be no load */
    switch (kind) {
    case VALUES_ONE:
        *sum += 1;
        return put(at, "1", 1);
    case VALUES_INT:
        whole = draw_from(b, 100, 999);
        break;
    case VALUES_FLOAT:
        whole = draw_from(b, 100000, 999999);
        *sum += (double)whole / 1000;
        return at + sprintf(at, "%d.%03d", (int)(whole / 1000), (int)(whole % 1000));
    case VALUES_WIDE:
    default:
        bits = draw(b);
        memcpy(&real, &bits, sizeof real);
        if (draw(b) % 2 == 0 && isfinite(real)) {
            *sum += real;
            return at + sprintf(at, "%.17g", real);
        }
        whole = (int64_t)bits;
        break;
    }
    *sum += (double)whole;
    return at + sprintf(at, "%lld", (long long)whole);
}

/* ":1:2:3|c|@0.5": values for as long as the line stays below `limit`. */
static char *put_values(struct builder *b, char *at, const char *limit, enum load_type type,
                        struct note *note)
{
    const struct profile *profile = b->profile;
    uint32_t values = profile->pack, percent = 0;
    double rate = 1;

    if (profile->shape == SHAPE_SMP) {
        values = draw_from(b, 1, 100) <= profile->pack_percent && profile->pack > 1
                     ? draw_from(b, 2, profile->pack)
                     : 1;
        percent = draw_from(b, 1, 100) <= profile->sample_percent ? draw_from(b, 10, 99) : 0;
    }
    if (type == LOAD_SET)
        values = 1;
    *note = (struct note){ .type = (uint8_t)type };
    do {
        *at++ = ':';
        at = put_value(b, at, type, &note->sum);
        note->values++;
    } while (note->values < values && at < limit);
    *at++ = '|';
    at = put(at, type_text[type], strlen(type_text[type]));

    if (type != LOAD_SET && type != LOAD_GAUGE) {
        rate = percent > 0 ? percent / 100.0 : profile->sample_rate;
        if (rate < 1)
            at += sprintf(at, "|@%g", rate);
    }
    note->sum /= rate;
    note->events = (float)(note->values / rate);
    return at;
}

static char *put_tags(char *at, const struct profile *profile, uint64_t context)
{
    static const char *const common[] = { "env:prod", "service:checkout", "region:eu-west-1" };

    for (uint32_t i = 0; i < profile->tags; i++) {
        at = put(at, i == 0 ? "|#" : ",", i == 0 ? 2 : 1);
        if (i == 0) /* the one that tells contexts apart is never left out */
            at += sprintf(at, "pod:%08u", (unsigned)context);
        else if (i < 4)
            at = put(at, common[i - 1], strlen(common[i - 1]));
        else
            at += sprintf(at, "extra%03u:value", (unsigned)i);
    }
    return at;
}

static size_t render(struct builder *b, uint64_t serial, struct note *note)
{
    const struct profile *profile = b->profile;
    uint64_t context = profile->fresh ? serial : serial * b->stride % profile->contexts;
    enum load_type type = pick_type(profile, mix(profile->seed ^ mix(context)));
    /* A two-letter type takes a digit of the name: all lines keep one length,
     * which is what lets the sender segment them. */
    int digits = type == LOAD_TIMING ? 9 : 10;
    char *const end = b->line + sizeof b->line, *at = b->line;

    switch (profile->shape) {
    case SHAPE_PLAIN:
        at += sprintf(at, "bench.%0*u", digits, (unsigned)context);
        return (size_t)(put_values(b, at, end, type, note) - b->line);
    case SHAPE_NAMED:
        at += sprintf(at, "service.requests.env_prod.service_checkout.region_eu-west-1.pod%0*u",
                      digits, (unsigned)context);
        return (size_t)(put_values(b, at, end, type, note) - b->line);
    case SHAPE_TAGGED:
        at = put(at, "service.requests", digits == 10 ? 16 : 15);
        at = put_tags(put_values(b, at, end, type, note), profile, context);
        if (profile->timed) /* a second for each round of the contexts */
            at += sprintf(at, "|T%u", FIRST_TIME_S + (unsigned)(serial / profile->contexts));
        return (size_t)(at - b->line);
    case SHAPE_SMP:
        break;
    }

    const struct smp_context *smp =
        &((const struct smp_context *)(void *)
              b->smp_contexts.at)[draw_from(b, 0, profile->contexts - 1)];
    const uint32_t *ids = (const uint32_t *)(void *)b->smp_tag_ids.at + smp->tags_at;
    size_t tag_bytes = 0;

    for (uint32_t i = 0; i < smp->n_tags; i++)
        tag_bytes += ((const struct smp_tag *)(void *)b->smp_tags.at)[ids[i]].bytes + 1;
    at = put(at, b->smp_names.at + smp->name_at, smp->name_bytes);
    at = put_values(b, at, b->line + profile->datagram_bytes - tag_bytes - SMP_VALUE_ROOM,
                    smp->type, note);
    for (uint32_t i = 0; i < smp->n_tags; i++) {
        const struct smp_tag *tag = &((const struct smp_tag *)(void *)b->smp_tags.at)[ids[i]];

        at = put(at, i == 0 ? "|#" : ",", i == 0 ? 2 : 1);
        at = put(at, b->smp_tag_text.at + tag->at, tag->bytes);
    }
    return (size_t)(at - b->line);
}

/* ---- the ring ---------------------------------------------------------- */

static bool prepare(struct builder *b)
{
    uint64_t contexts = b->profile->contexts, a, rest;

    /* A golden-section walk visits every context once before any twice, and
     * neighbours in time are not neighbours in memory. */
    b->stride = contexts * 618 / 1000 | 1;
    for (;; b->stride += 2) {
        for (a = contexts, rest = b->stride; rest != 0;) {
            uint64_t next = a % rest;

            a = rest;
            rest = next;
        }
        if (a == 1)
            break;
    }
    if (b->profile->shape == SHAPE_SMP)
        for (uint64_t i = 0; i < contexts && !b->out_of_memory; i++)
            smp_context(b);
    return !b->out_of_memory;
}

static bool has_enough(const struct builder *b, uint64_t asked_lines)
{
    uint64_t lines = b->notes.used / sizeof(struct note);
    bool smp = b->profile->shape == SHAPE_SMP;
    size_t most = (size_t)(smp ? RING_MAX_SMP_MIB : RING_MAX_MIB) << 20;

    if (b->text.used + b->notes.used + b->payloads.used > most - 2 * PROFILE_MAX_DATAGRAM)
        return true;
    if (asked_lines > 0)
        return lines >= asked_lines;
    return !b->profile->fresh &&
           lines >= (uint64_t)b->profile->contexts * (smp ? RING_SMP_ROUNDS : 1) &&
           b->payloads.used / sizeof(struct payload) >= RING_MIN_PAYLOADS;
}

/* Opens a payload when there is none, or when the last one has no more room. */
static struct payload *payload_for(struct builder *b, size_t bytes, bool framed)
{
    size_t count = b->payloads.used / sizeof(struct payload),
           prefix = framed ? FRAME_PREFIX : 0;
    struct payload *last =
        count > 0 ? (struct payload *)(void *)b->payloads.at + count - 1 : NULL;
    uint32_t most = b->profile->lines_per_datagram;

    if (last != NULL && (most == 0 || last->lines < most) &&
        last->bytes - prefix + 1 + bytes <= b->profile->datagram_bytes)
        return last;
    struct payload fresh = { .at = (uint32_t)b->text.used,
                             .first_note = (uint32_t)(b->notes.used / sizeof(struct note)) };
    last = store_add(b, &b->payloads, sizeof *last);
    if (last != NULL && prefix > 0)
        store_add(b, &b->text, prefix);
    if (b->out_of_memory)
        return NULL;
    fresh.bytes = (uint32_t)prefix;
    *last = fresh;
    return last;
}

static bool add_line(struct builder *b, uint64_t serial, bool framed)
{
    struct note note;
    size_t bytes = render(b, serial, &note);
    struct payload *payload;
    struct note *kept;
    char *text;

    if (bytes > b->profile->datagram_bytes) {
        fprintf(stderr, "a line of %zu bytes does not fit into a datagram of %u\n", bytes,
                b->profile->datagram_bytes);
        return false;
    }
    payload = payload_for(b, bytes, framed);
    kept = store_add(b, &b->notes, sizeof note);
    if (payload == NULL || kept == NULL)
        return false;
    *kept = note;
    text = store_add(b, &b->text, bytes + (payload->lines > 0));
    if (text == NULL)
        return false;
    if (payload->lines > 0)
        *text++ = '\n';
    memcpy(text, b->line, bytes);
    payload->bytes += (uint32_t)(bytes + (payload->lines > 0));
    payload->lines++;
    return true;
}

static void write_prefixes(struct ring *ring)
{
    for (size_t i = 0; i < ring->n_payloads; i++) {
        uint32_t bytes = ring->payloads[i].bytes - FRAME_PREFIX;

        for (int k = 0; k < FRAME_PREFIX; k++)
            ring->text[ring->payloads[i].at + (uint32_t)k] = (char)(bytes >> 8 * k);
    }
}

static bool build(struct builder *b, bool framed, uint64_t lines)
{
    uint64_t serial = 0;

    if (!prepare(b))
        return false;
    while (!has_enough(b, lines))
        if (!add_line(b, serial++, framed))
            return false;
    return true;
}

bool ring_build(const struct profile *profile, bool framed, uint64_t lines, struct ring *out)
{
    struct builder *b = calloc(1, sizeof *b);
    bool built;
    double events = 1 / profile->sample_rate;

    *out = (struct ring){ 0 };
    if (b == NULL)
        return false;
    b->profile = profile;
    b->random = mix(profile->seed);
    built = build(b, framed, lines);
    *out = (struct ring){ .text = b->text.at,
                          .notes = (struct note *)(void *)b->notes.at,
                          .payloads = (struct payload *)(void *)b->payloads.at,
                          .n_text = b->text.used,
                          .n_notes = b->notes.used / sizeof(struct note),
                          .n_payloads = b->payloads.used / sizeof(struct payload),
                          .framed = framed };
    out->distinct =
        profile->fresh || out->n_notes < profile->contexts ? out->n_notes : profile->contexts;
    out->integral = profile->shape != SHAPE_SMP && profile->values <= VALUES_INT &&
                    fabs(events - nearbyint(events)) == 0;
    if (!built)
        ring_free(out);
    else if (framed)
        write_prefixes(out);
    free(b->smp_contexts.at);
    free(b->smp_names.at);
    free(b->smp_tags.at);
    free(b->smp_tag_text.at);
    free(b->smp_tag_ids.at);
    free(b);
    return built;
}

void ring_free(struct ring *given)
{
    free(given->text);
    free(given->notes);
    free(given->payloads);
    *given = (struct ring){ 0 };
}

static void add_payloads(struct totals *totals, const struct ring *ring, size_t from, size_t to,
                         uint64_t times)
{
    for (size_t i = from; i < to; i++) {
        const struct payload *payload = &ring->payloads[i];

        totals->datagrams += times;
        totals->lines += times * payload->lines;
        totals->bytes += times * payload->bytes;
        for (size_t k = 0; k < payload->lines; k++) {
            const struct note *note = &ring->notes[payload->first_note + k];

            totals->values += times * note->values;
            totals->of[note->type].lines += times;
            totals->of[note->type].values += times * note->values;
            totals->of[note->type].events += (double)times * (double)note->events;
            totals->of[note->type].sum += (long double)times * (long double)note->sum;
        }
    }
}

struct totals ring_totals(const struct ring *ring, uint64_t from, uint64_t to)
{
    struct totals totals = { 0 };
    uint64_t rounds = (to - from) / ring->n_payloads;
    size_t first = (size_t)(from % ring->n_payloads), last = (size_t)(to % ring->n_payloads);

    add_payloads(&totals, ring, 0, rounds > 0 ? ring->n_payloads : 0, rounds);
    if (last < first) {
        add_payloads(&totals, ring, first, ring->n_payloads, 1);
        first = 0;
    }
    add_payloads(&totals, ring, first, last, 1);
    return totals;
}

void totals_print(FILE *out, const struct totals *totals, bool integral)
{
    const char *separator = "";

    fprintf(out, "\"datagrams\":%llu,\"lines\":%llu,\"values\":%llu,\"bytes\":%llu,\"types\":{",
            (unsigned long long)totals->datagrams, (unsigned long long)totals->lines,
            (unsigned long long)totals->values, (unsigned long long)totals->bytes);
    for (int type = 0; type < LOAD_TYPES; type++) {
        if (totals->of[type].lines == 0)
            continue;
        fprintf(out, "%s\"%s\":{\"lines\":%llu,\"values\":%llu,\"events\":%.17g", separator,
                type_name[type], (unsigned long long)totals->of[type].lines,
                (unsigned long long)totals->of[type].values, totals->of[type].events);
        if (type != LOAD_SET && !isfinite((double)totals->of[type].sum))
            fputs(",\"sum\":null", out); /* wide values may add up to no double */
        else if (type != LOAD_SET)       /* members are not added up */
            fprintf(out, integral ? ",\"sum\":%.0Lf" : ",\"sum\":%.17Lg", totals->of[type].sum);
        fputc('}', out);
        separator = ",";
    }
    fputc('}', out);
}
