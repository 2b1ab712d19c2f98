/* The hosts of the series, in the form that Datadog's clients read: a page of them, how many
 * they are, or the tags that they have.
 *
 *   scan    each host, when it was heard last, and the tags that all of its series have
 *   pick    those that are looked for; the first in order are kept
 *   sort    them
 *   write
 *
 * A host has the tags that each of its series has: nobody tells us of others. It takes a few
 * hundred bytes a host. */
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "flush/memory/best.h"
#include "flush/memory/json_out.h"
#include "flush/rollups/answer_ops.h"
#include "protocol/glob.h"

enum {
    UNITS = 8192, /* of work in a step: to look at a series */
    UNITS_A_HOST = 16,
    UNITS_A_TEXT = 64,
    STEPS_A_UNIT = 256,   /* bytes of a tag by those of a pattern */
    TAG_SOUGHT_MAX = 256, /* a longer one is not looked at */
    HOSTS_MAX = 10000,
    TAGS_MAX = 128,    /* more than a series has */
    UP_S = 300,        /* a host that was heard of in so many seconds is up, */
    ACTIVE_S = 7200,   /* and in so many is active */
    PAIRS_MAX = 50000, /* of a tag and a host */
};

enum phase { PHASE_SCAN, PHASE_PICK, PHASE_SORT, PHASE_WRITE };

struct host {
    uint32_t text;
    uint32_t last_s;
    uint32_t n_tags;
    uint32_t *tags; /* ascending ids, owned; those of all series so far */
};

struct pair {
    uint32_t tag, host; /* host: of best */
};

struct hosts {
    struct rollup *rollup;
    const struct identities *identities;
    const struct inquiry *inquiry;
    enum phase phase;
    uint32_t next, end; /* series, host or place that comes next */
    uint32_t texts_end;
    uint32_t *host_of; /* by text: its place + 1 */
    struct host *hosts;
    uint32_t n, capacity;
    uint32_t n_matching;
    struct best best;
    struct pair *pairs;
    uint32_t n_pairs;
    struct json_out out;
};

/* ---- begin and end ----------------------------------------------------- */

static void free_hosts(void *given)
{
    struct hosts *hosts = given;

    rollup_unpin(hosts->rollup);
    for (uint32_t i = 0; i < hosts->n; i++)
        free(hosts->hosts[i].tags);
    free(hosts->hosts);
    free(hosts->host_of);
    free(hosts->pairs);
    best_free(&hosts->best);
    bytes_free(&hosts->out.bytes);
    free(hosts);
}

static struct slice name_of(const struct hosts *hosts, uint32_t host)
{
    return identities_text(hosts->identities, hosts->hosts[host].text);
}

static bool is_before(const void *argument, uint32_t a, uint32_t b)
{
    const struct hosts *hosts = argument;

    return slice_compare(name_of(hosts, a), name_of(hosts, b)) < 0;
}

static void *begin(const struct answer_source *source, const struct inquiry *inquiry,
                   struct answer_problem *problem)
{
    struct hosts *hosts = calloc(1, sizeof *hosts);

    (void)problem;
    if (hosts == NULL)
        return NULL;
    hosts->rollup = source->rollup;
    hosts->identities = rollup_identities(source->rollup);
    hosts->inquiry = inquiry;
    hosts->end = rollup_end(source->rollup);
    hosts->texts_end = identities_texts_end(hosts->identities);
    hosts->host_of = calloc(hosts->texts_end + 1u, sizeof *hosts->host_of);
    rollup_pin(hosts->rollup);
    if (best_init(&hosts->best, HOSTS_MAX, is_before, hosts) && hosts->host_of != NULL)
        return hosts;
    free_hosts(hosts);
    return NULL;
}

/* ---- scan -------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* The ids of a set, ascending; they come in the order of their texts. */
static uint32_t sorted_ids(const struct hosts *hosts, uint32_t set, uint32_t out[TAGS_MAX])
{
    size_t n;
    const uint32_t *ids = identities_tag_ids(hosts->identities, set, &n);

    n = n < TAGS_MAX ? n : TAGS_MAX;
    memcpy(out, ids, n * sizeof *out);
    qsort(out, n, sizeof *out, compare_ids);
    return (uint32_t)n;
}

/* False without memory, or if there are too many. */
static bool add_host(struct hosts *hosts, const struct rollup_series *series)
{
    uint32_t ids[TAGS_MAX], n = sorted_ids(hosts, series->id.tags, ids);

    if (hosts->n == HOSTS_MAX)
        return false;
    if (hosts->n == hosts->capacity) {
        uint32_t capacity = hosts->capacity * 2 + 16;
        struct host *grown = realloc(hosts->hosts, capacity * sizeof *grown);

        if (grown == NULL)
            return false;
        hosts->hosts = grown;
        hosts->capacity = capacity;
    }
    uint32_t *tags = malloc((n + 1u) * sizeof *tags);

    if (tags == NULL)
        return false;
    memcpy(tags, ids, n * sizeof *tags);
    hosts->hosts[hosts->n++] = (struct host){
        .text = series->id.host, .last_s = series->last_s, .n_tags = n, .tags = tags
    };
    hosts->host_of[series->id.host] = hosts->n;
    return true;
}

/* Keeps what both have. */
static void intersect(const struct hosts *hosts, struct host *host, uint32_t set)
{
    uint32_t ids[TAGS_MAX], n = sorted_ids(hosts, set, ids), kept = 0;

    for (uint32_t i = 0, at = 0; i < host->n_tags; i++) {
        while (at < n && ids[at] < host->tags[i])
            at++;
        if (at < n && ids[at] == host->tags[i])
            host->tags[kept++] = host->tags[i];
    }
    host->n_tags = kept;
}

static bool take_series(struct hosts *hosts, const struct rollup_series *series)
{
    uint32_t place = hosts->host_of[series->id.host];

    if (place == 0)
        return add_host(hosts, series);
    struct host *host = &hosts->hosts[place - 1];

    if (series->last_s > host->last_s)
        host->last_s = series->last_s;
    if (host->n_tags > 0)
        intersect(hosts, host, series->id.tags);
    return true;
}

static bool has_host(const struct hosts *hosts, const struct rollup_series *series)
{
    return series->live && series->id.host < hosts->texts_end &&
           identities_text(hosts->identities, series->id.host).len > 0;
}

static enum answer_state scan(struct hosts *hosts, struct answer_problem *problem)
{
    for (int left = UNITS; left > 0 && hosts->next < hosts->end; hosts->next++, left--) {
        const struct rollup_series *series = rollup_entry(hosts->rollup, hosts->next);

        if (!has_host(hosts, series))
            continue;
        if (!take_series(hosts, series))
            return answer_fail(problem, 503, "not enough memory, or more than 10,000 hosts");
        left -= UNITS_A_HOST;
    }
    if (hosts->next == hosts->end) {
        hosts->phase = PHASE_PICK;
        hosts->next = 0;
    }
    return ANSWER_MORE;
}

/* ---- pick and sort ----------------------------------------------------- */

static bool is_heard(const struct hosts *hosts, const struct host *host, int64_t within_s)
{
    return (int64_t)host->last_s + within_s > rollup_newest(hosts->rollup);
}

static bool is_heard_since(const struct host *host, int64_t from_s)
{
    return (int64_t)host->last_s >= from_s;
}

static bool has_tag(const struct hosts *hosts, const struct host *host, int *left)
{
    struct slice pattern = hosts->inquiry->text;

    for (uint32_t i = 0; i < host->n_tags; i++) {
        struct slice tag = identities_tag(hosts->identities, host->tags[i]);

        *left -= 1 + (int)(tag.len * pattern.len / STEPS_A_UNIT);
        if (tag.len <= TAG_SOUGHT_MAX && glob_finds(pattern, tag))
            return true;
    }
    return false;
}

/* A host is a tag, too. */
static bool has_name(const struct hosts *hosts, uint32_t host)
{
    static const struct slice key = { "host:", 5 };
    struct slice pattern = hosts->inquiry->text, name = name_of(hosts, host);

    return glob_finds(pattern, name) ||
           (slice_starts(pattern, key) && glob_finds(slice_skip(pattern, key.len), name));
}

static enum answer_state pick(struct hosts *hosts)
{
    for (int left = UNITS; left > 0 && hosts->next < hosts->n; hosts->next++, left--) {
        left -= UNITS_A_HOST;
        const struct host *host = &hosts->hosts[hosts->next];
        if (!is_heard_since(host, hosts->inquiry->from_s) ||
            (!has_name(hosts, hosts->next) && !has_tag(hosts, host, &left)))
            continue;
        best_offer(&hosts->best, hosts->next);
        hosts->n_matching++;
    }
    if (hosts->next == hosts->n)
        hosts->phase = PHASE_SORT;
    return ANSWER_MORE;
}

static enum answer_state sort(struct hosts *hosts)
{
    if (!best_sort(&hosts->best, UNITS / UNITS_A_HOST))
        return ANSWER_MORE;
    hosts->next =
        hosts->inquiry->offset < hosts->best.n ? hosts->inquiry->offset : hosts->best.n;
    hosts->phase = PHASE_WRITE;
    return ANSWER_MORE;
}

/* ---- write: a page of hosts -------------------------------------------- */

static void write_tags(struct hosts *hosts, const char *name, const struct host *host)
{
    json_out_begin(&hosts->out, name, '[');
    for (uint32_t i = 0; i < host->n_tags; i++)
        json_out_slice(&hosts->out, NULL, identities_tag(hosts->identities, host->tags[i]));
    json_out_end(&hosts->out, ']');
}

/* Clients want a number: it is made of the name, and a double holds it. */
static int64_t number_of(struct slice name)
{
    return (int64_t)(XXH3_64bits(name.at, name.len) >> 12);
}

static void write_host(struct hosts *hosts, const struct host *host)
{
    struct json_out *out = &hosts->out;
    struct slice name = identities_text(hosts->identities, host->text);

    json_out_begin(out, NULL, '{');
    json_out_signed(out, "id", number_of(name));
    json_out_slice(out, "name", name);
    json_out_slice(out, "host_name", name);
    json_out_begin(out, "aliases", '[');
    json_out_slice(out, NULL, name);
    json_out_end(out, ']');
    json_out_begin(out, "apps", '[');
    json_out_end(out, ']');
    json_out_bool(out, "is_muted", false);
    json_out_null(out, "mute_timeout");
    json_out_number(out, "last_reported_time", host->last_s);
    json_out_begin(out, "meta", '{');
    json_out_end(out, '}');
    json_out_begin(out, "metrics", '{');
    json_out_end(out, '}');
    json_out_begin(out, "sources", '[');
    json_out_text(out, NULL, "heeler");
    json_out_end(out, ']');
    json_out_begin(out, "tags_by_source", '{');
    write_tags(hosts, "Datadog", host);
    json_out_end(out, '}');
    json_out_bool(out, "up", is_heard(hosts, host, UP_S));
    json_out_end(out, '}');
}

static enum answer_state write_page(struct hosts *hosts, struct bytes *answer,
                                    struct answer_problem *problem)
{
    const struct inquiry *inquiry = hosts->inquiry;
    uint32_t first = inquiry->offset < hosts->best.n ? inquiry->offset : hosts->best.n;
    uint32_t left = hosts->best.n - first;
    uint32_t last = first + (left < inquiry->limit ? left : inquiry->limit);

    if (hosts->out.bytes.len == 0) {
        json_out_begin(&hosts->out, NULL, '{');
        json_out_begin(&hosts->out, "host_list", '[');
    }
    for (int units = UNITS; units > 0 && hosts->next < last; units -= UNITS_A_TEXT)
        write_host(hosts, &hosts->hosts[hosts->best.at[hosts->next++]]);
    if (hosts->next < last)
        return ANSWER_MORE;
    json_out_end(&hosts->out, ']');
    json_out_number(&hosts->out, "total_returned", last - first);
    json_out_number(&hosts->out, "total_matching", hosts->n_matching);
    json_out_bool(&hosts->out, "exact_total_matching", true);
    json_out_end(&hosts->out, '}');
    return answer_give(&hosts->out, answer, problem);
}

/* ---- write: how many --------------------------------------------------- */

static enum answer_state write_totals(struct hosts *hosts, struct bytes *answer,
                                      struct answer_problem *problem)
{
    int64_t from_s = hosts->inquiry->from_s;
    uint32_t up = 0, active = 0;

    for (uint32_t i = 0; i < hosts->n; i++) {
        const struct host *host = &hosts->hosts[i];
        up += is_heard(hosts, host, UP_S);
        active += from_s > 0 ? is_heard_since(host, from_s) : is_heard(hosts, host, ACTIVE_S);
    }
    json_out_begin(&hosts->out, NULL, '{');
    json_out_number(&hosts->out, "total_up", up);
    json_out_number(&hosts->out, "total_active", active);
    json_out_end(&hosts->out, '}');
    return answer_give(&hosts->out, answer, problem);
}

/* ---- write: tags ------------------------------------------------------- */

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;

    return left->tag != right->tag ? (left->tag > right->tag) - (left->tag < right->tag)
                                   : (left->host > right->host) - (left->host < right->host);
}

/* Which host has which tag, by tag. False: there are too many, or there is no memory. */
static bool make_pairs(struct hosts *hosts)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < hosts->n && n <= PAIRS_MAX; i++)
        n += hosts->hosts[i].n_tags;
    if (n > PAIRS_MAX || (hosts->pairs = malloc((n + 1u) * sizeof *hosts->pairs)) == NULL)
        return false;
    for (uint32_t i = 0; i < hosts->best.n; i++) {
        const struct host *host = &hosts->hosts[hosts->best.at[i]];

        for (uint32_t tag = 0; tag < host->n_tags; tag++)
            hosts->pairs[hosts->n_pairs++] = (struct pair){ host->tags[tag], i };
    }
    qsort(hosts->pairs, hosts->n_pairs, sizeof *hosts->pairs, compare_pairs);
    return true;
}

static enum answer_state write_all_tags(struct hosts *hosts, struct bytes *answer,
                                        struct answer_problem *problem)
{
    struct json_out *out = &hosts->out;

    if (hosts->pairs == NULL) {
        if (!make_pairs(hosts))
            return answer_fail(problem, 503, "too many tags: ask for one host at a time");
        hosts->next = 0;
        json_out_begin(out, NULL, '{');
        json_out_begin(out, "tags", '{');
    }
    for (int left = UNITS; left > 0 && hosts->next < hosts->n_pairs; left -= UNITS_A_TEXT) {
        const struct pair *pair = &hosts->pairs[hosts->next++];
        bool first = pair == hosts->pairs || pair[-1].tag != pair->tag;
        bool last = hosts->next == hosts->n_pairs || pair[1].tag != pair->tag;

        if (first)
            json_out_begin_named(out, identities_tag(hosts->identities, pair->tag), '[');
        json_out_slice(out, NULL, name_of(hosts, hosts->best.at[pair->host]));
        if (last)
            json_out_end(out, ']');
    }
    if (hosts->next < hosts->n_pairs)
        return ANSWER_MORE;
    json_out_end(out, '}');
    json_out_end(out, '}');
    return answer_give(out, answer, problem);
}

/* Of the host that is asked for, letter by letter. */
static enum answer_state write_tags_of_one(struct hosts *hosts, struct bytes *answer,
                                           struct answer_problem *problem)
{
    uint32_t text = identities_find_text(hosts->identities, hosts->inquiry->text);
    uint32_t place = text != STRINGS_NONE && text < hosts->texts_end ? hosts->host_of[text] : 0;

    if (place == 0)
        return answer_fail(problem, 404, "no series of that host is known");
    json_out_begin(&hosts->out, NULL, '{');
    write_tags(hosts, "tags", &hosts->hosts[place - 1]);
    json_out_end(&hosts->out, '}');
    return answer_give(&hosts->out, answer, problem);
}

/* ---- steps ------------------------------------------------------------- */

typedef enum answer_state write_hosts(struct hosts *hosts, struct bytes *answer,
                                      struct answer_problem *problem);

static enum answer_state step(struct hosts *hosts, struct bytes *answer,
                              struct answer_problem *problem, write_hosts *write)
{
    switch (hosts->phase) {
    case PHASE_SCAN:
        return scan(hosts, problem);
    case PHASE_PICK:
        return pick(hosts);
    case PHASE_SORT:
        return sort(hosts);
    case PHASE_WRITE:
        break;
    }
    return write(hosts, answer, problem);
}

static enum answer_state step_page(void *self, struct bytes *answer,
                                   struct answer_problem *problem)
{
    return step(self, answer, problem, write_page);
}

static enum answer_state step_totals(void *self, struct bytes *answer,
                                     struct answer_problem *problem)
{
    return step(self, answer, problem, write_totals);
}

static enum answer_state step_all_tags(void *self, struct bytes *answer,
                                       struct answer_problem *problem)
{
    return step(self, answer, problem, write_all_tags);
}

static enum answer_state step_tags(void *self, struct bytes *answer,
                                   struct answer_problem *problem)
{
    return step(self, answer, problem, write_tags_of_one);
}

#define OPS(a_step)                                                            \
    {                                                                          \
        .of_rollups = true, .begin = begin, .step = a_step, .free = free_hosts \
    }
const struct answer_ops answer_hosts = OPS(step_page);
const struct answer_ops answer_host_totals = OPS(step_totals);
const struct answer_ops answer_all_host_tags = OPS(step_all_tags);
const struct answer_ops answer_host_tags = OPS(step_tags);
#undef OPS
