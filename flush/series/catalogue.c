/* Reading order: catalogue_admit(), the way of a birth: enrich_metric() says what the series is
 * called, series_of() finds it or add_series() makes it, and the worker's map gets its number.
 * Then catalogue_lookup(), which is asked for every cell of every bucket and therefore only
 * reads the map; catalogue_retire(), which takes an id out of it; and catalogue_expire(), which
 * frees series that nothing maps to. Clashes of names only warn; they change nothing. */
#include "flush/series/catalogue.h"

#include <malloc.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/memory/index.h"
#include "flush/memory/pages.h"
#include "flush/values/cell_kind.h"

struct catalogue {
    struct catalogue_config config;
    struct flusher_ledger *ledger;
    struct identities *identities; /* owned; rollups hold some of them too */
    struct series_entry *entries;  /* pages, by series id, max_series of them */
    uint32_t end;                  /* ids below may be live */
    uint32_t live;
    uint32_t lowest_free; /* no free id below */
    struct index index;
    uint32_t **maps;     /* by worker and its context id, in pages: series id + 1; MAP_REFUSED +
                            reason; 0: the id means nothing */
    uint32_t *n_refused; /* by worker: how many of its ids wants_room() is true of */
    uint32_t *map_ends;  /* by worker: no id from here on was mapped since the last trim */
    double *gauges;      /* pages, only with keep_gauges */
    struct log_limit conflicts;
};

/* Values of a map from here on are refusals. A refused context needs an entry too: the worker
 * knows nothing of the refusal and goes on sending values, which are counted by its reason. */
#define MAP_REFUSED (UINT32_MAX - 255)

/* Whether the context was refused only for want of room. When there is room again,
 * catalogue_refused() lists these, and the worker lets them be born anew: nobody here has their
 * names. The other reasons lie in the names, and hold for ever. */
static bool wants_room(uint32_t mapped)
{
    return mapped == MAP_REFUSED + SHED_CONTEXTS_FULL || mapped == MAP_REFUSED + SHED_MEMORY;
}

static size_t map_bytes(const struct catalogue *catalogue)
{
    return (size_t)catalogue->config.max_series * sizeof(uint32_t);
}

static size_t entries_bytes(const struct catalogue *catalogue)
{
    return (size_t)catalogue->config.max_series * sizeof(struct series_entry);
}

static size_t gauges_bytes(const struct catalogue *catalogue)
{
    return (size_t)catalogue->config.max_series * sizeof(double);
}

static bool map_pages(struct catalogue *catalogue)
{
    catalogue->entries = pages_map(entries_bytes(catalogue));
    if (catalogue->entries == NULL)
        return false;
    if (catalogue->config.keep_gauges) {
        catalogue->gauges = pages_map(gauges_bytes(catalogue));
        if (catalogue->gauges == NULL)
            return false;
    }
    for (uint32_t worker = 0; worker < catalogue->config.workers; worker++) {
        catalogue->maps[worker] = pages_map(map_bytes(catalogue));
        if (catalogue->maps[worker] == NULL)
            return false;
    }
    return true;
}

struct catalogue *catalogue_new(const struct catalogue_config *config,
                                struct flusher_ledger *ledger)
{
    struct catalogue *catalogue = calloc(1, sizeof *catalogue);

    if (catalogue == NULL)
        return NULL;
    catalogue->config = *config;
    catalogue->ledger = ledger;
    catalogue->identities = identities_new(ledger);
    catalogue->maps = calloc(config->workers, sizeof *catalogue->maps);
    catalogue->map_ends = calloc(config->workers, sizeof *catalogue->map_ends);
    catalogue->n_refused = calloc(config->workers, sizeof *catalogue->n_refused);
    if (catalogue->identities == NULL || catalogue->maps == NULL ||
        catalogue->map_ends == NULL || catalogue->n_refused == NULL || !map_pages(catalogue)) {
        catalogue_free(catalogue);
        return NULL;
    }
    return catalogue;
}

void catalogue_free(struct catalogue *given)
{
    if (given == NULL)
        return;
    for (uint32_t worker = 0; given->maps != NULL && worker < given->config.workers; worker++)
        pages_unmap(given->maps[worker], map_bytes(given));
    pages_unmap(given->entries, entries_bytes(given));
    pages_unmap(given->gauges, gauges_bytes(given));
    identities_free(given->identities);
    free(given->maps);
    free(given->map_ends);
    free(given->n_refused);
    index_free(&given->index);
    free(given);
}

void catalogue_follow(struct catalogue *catalogue, const struct settings *settings)
{
    catalogue->config.expiry_s = (int64_t)settings->dogstatsd_expiry_seconds;
    catalogue->config.aggregates = settings->histogram_aggregates.at;
    catalogue->config.n_aggregates = settings->histogram_aggregates.n;
}

/* ---- the index --------------------------------------------------------- */

static uint32_t hash_identity(struct identity id)
{
    return (uint32_t)XXH3_64bits(&id, sizeof id);
}

static bool same_identity(struct identity a, struct identity b)
{
    return a.name == b.name && a.host == b.host && a.tags == b.tags;
}

static bool lay_out_index(struct catalogue *catalogue)
{
    if (!index_clear(&catalogue->index, catalogue->live + 1))
        return false;
    for (uint32_t series = 0; series < catalogue->end; series++)
        if (catalogue->entries[series].live)
            index_put(&catalogue->index, hash_identity(catalogue->entries[series].id), series);
    return true;
}

/* The index hashes the identity and not the kind, so that one walk finds both the series of
 * this identity and kind (SERIES_NONE: there is none) and *other: a series of the same identity
 * and another kind, which is a clash (SERIES_NONE: there is none). */
#define SERIES_NONE UINT32_MAX

static uint32_t find_series(const struct catalogue *catalogue, struct identity id, uint8_t kind,
                            uint32_t *other)
{
    struct index_probe probe = index_begin(&catalogue->index, hash_identity(id));
    uint32_t series;

    *other = SERIES_NONE;
    while ((series = index_next(&catalogue->index, &probe)) != INDEX_NONE) {
        if (!same_identity(catalogue->entries[series].id, id))
            continue;
        if (catalogue->entries[series].kind == kind)
            return series;
        *other = series;
    }
    return SERIES_NONE;
}

/* ---- clashes ----------------------------------------------------------- */

static void report_clash(struct catalogue *catalogue, uint32_t series, uint32_t other,
                         const char *consequence)
{
    char name[400], other_name[400], tags[600];
    struct series_entry *entries = catalogue->entries;
    size_t n;
    struct slice first = { "", 0 };
    const struct slice *all = catalogue_tags(catalogue, series, &n);
    unsigned suppressed;

    counter_add(&catalogue->ledger->type_conflicts, 1);
    if (!log_limit_pass(&catalogue->conflicts, clock_monotonic_ms(), &suppressed))
        return;
    /* There may be many tags. The first is enough to recognise the series by. */
    if (n > 0)
        first = all[0];
    log_quote(first.at, first.len, tags, sizeof tags);
    struct slice a = catalogue_name(catalogue, series), b = catalogue_name(catalogue, other);
    log_quote(a.at, a.len, name, sizeof name);
    log_quote(b.at, b.len, other_name, sizeof other_name);
    log_warn("catalogue: one series with two types: \"%s:...|%s\" and \"%s:...|%s\" "
             "(%zu tags%s%s%s): %s",
             other_name, cell_kinds[entries[other].kind].word, name,
             cell_kinds[entries[series].kind].word, n, n > 0 ? ", first \"" : "", tags,
             n > 0 ? "\"" : "", consequence);
}

/* A series of this kind is sent under its plain name, in a payload of series. Two of them with
 * one identity replace each other's points at the intake. */
static bool plain_series(uint8_t kind)
{
    enum cell_shown shown = cell_kinds[kind].shown;

    return shown == SHOWN_RATE || shown == SHOWN_VALUE;
}

static void check_same_name(struct catalogue *catalogue, uint32_t series, uint32_t other)
{
    struct series_entry *entries = catalogue->entries;

    if (plain_series(entries[series].kind) && plain_series(entries[other].kind))
        report_clash(catalogue, series, other,
                     "both are kept apart here, but the intake keeps one point a timestamp");
    else
        report_clash(catalogue, series, other, "both are kept apart");
}

/* A histogram "x" is sent as series "x.max", "x.count" and so on. A series that a client calls
 * "x.max", with the same tags, clashes with it: the intake keeps only one of the two points.
 * Either may come first, so both directions are looked at. */
static void check_suffixes(struct catalogue *catalogue, uint32_t series)
{
    struct series_entry *entry = &catalogue->entries[series];
    struct slice name = catalogue_name(catalogue, series);

    for (size_t i = 0; i < catalogue->config.n_aggregates; i++) {
        struct slice suffix = slice_of(catalogue->config.aggregates[i]);
        char joined[512];
        struct slice wanted = { joined, 0 };
        uint8_t kind = CELL_GAUGE;

        if (entry->kind == CELL_HISTOGRAM && name.len + 1 + suffix.len <= sizeof joined) {
            memcpy(joined, name.at, name.len);
            joined[name.len] = '.';
            memcpy(joined + name.len + 1, suffix.at, suffix.len);
            wanted.len = name.len + 1 + suffix.len;
        } else if (plain_series(entry->kind) && name.len > suffix.len + 1 &&
                   name.at[name.len - suffix.len - 1] == '.' &&
                   slice_equal(slice_skip(name, name.len - suffix.len), suffix)) {
            wanted = (struct slice){ name.at, name.len - suffix.len - 1 };
            kind = CELL_HISTOGRAM;
        } else {
            continue;
        }
        uint32_t other, id = identities_find_text(catalogue->identities, wanted);
        if (id == STRINGS_NONE)
            continue;
        uint32_t found = find_series(
            catalogue, (struct identity){ id, entry->id.host, entry->id.tags }, kind, &other);
        if (found == SERIES_NONE && kind == CELL_GAUGE && other != SERIES_NONE &&
            plain_series(catalogue->entries[other].kind))
            found = other;
        if (found != SERIES_NONE)
            report_clash(catalogue, series, found,
                         "a histogram sends a series of the other's name");
    }
}

/* ---- admission --------------------------------------------------------- */

/* The lowest free id: ids stay dense, so arrays by series id can be cut off behind the last. */
static uint32_t take_series_id(struct catalogue *catalogue)
{
    while (catalogue->lowest_free < catalogue->end &&
           catalogue->entries[catalogue->lowest_free].live)
        catalogue->lowest_free++;
    if (catalogue->lowest_free < catalogue->end)
        return catalogue->lowest_free;
    return catalogue->end < catalogue->config.max_series ? catalogue->end++ : SERIES_NONE;
}

/* The identity is given: the new series holds it, or it is released. Bytes are looked at before
 * an id is taken, so that a refusal leaves nothing to undo. */
static enum shed_reason add_series(struct catalogue *catalogue, struct identity given,
                                   uint8_t kind, uint32_t *series)
{
    enum shed_reason why = SHED_MEMORY;

    *series = SERIES_NONE;
    if (!catalogue_is_crowded(catalogue) &&
        (!index_is_full(&catalogue->index) || lay_out_index(catalogue))) {
        *series = take_series_id(catalogue);
        why = SHED_CONTEXTS_FULL;
    }
    if (*series == SERIES_NONE) {
        identities_release(catalogue->identities, given);
        return why;
    }
    catalogue->entries[*series] = (struct series_entry){
        .id = given,
        .kind = kind,
        .live = true,
    };
    index_put(&catalogue->index, hash_identity(given), *series);
    catalogue->live++;
    counter_set(&catalogue->ledger->series, catalogue->live);
    return SHED_NOTHING;
}

static bool intern(struct catalogue *catalogue, const struct enriched *enriched,
                   struct identity *out)
{
    return identities_intern(catalogue->identities, enriched->name, enriched->host,
                             enriched->tags, enriched->n_tags, out);
}

/* copy: this is the distribution that histogram_copy_to_distribution made of a histogram. The
 * two have one name on purpose, which is no clash. */
static enum shed_reason series_of(struct catalogue *catalogue, const struct enriched *enriched,
                                  uint8_t kind, bool copy, uint32_t *series)
{
    struct identity id;
    uint32_t other;

    if (!intern(catalogue, enriched, &id))
        return SHED_MEMORY;
    *series = find_series(catalogue, id, kind, &other);
    if (*series != SERIES_NONE) {
        identities_release(catalogue->identities, id);
        return SHED_NOTHING;
    }
    enum shed_reason refused = add_series(catalogue, id, kind, series);
    if (refused == SHED_NOTHING) {
        if (other != SERIES_NONE && !copy)
            check_same_name(catalogue, *series, other);
        check_suffixes(catalogue, *series);
    }
    return refused;
}

bool catalogue_restore(struct catalogue *catalogue, const struct enriched *identity,
                       uint8_t kind, uint32_t last_seen_s, uint32_t *series)
{
    struct identity id;
    uint32_t other;

    if (!intern(catalogue, identity, &id))
        return false;
    *series = find_series(catalogue, id, kind, &other);
    if (*series != SERIES_NONE)
        identities_release(catalogue->identities, id);
    else
        (void)add_series(catalogue, id, kind, series); /* without room it leaves SERIES_NONE */
    if (*series != SERIES_NONE)
        catalogue->entries[*series].last_seen_s = last_seen_s;
    return *series != SERIES_NONE;
}

void catalogue_admit(struct catalogue *catalogue, struct enricher *enricher, uint32_t worker,
                     const struct birth *birth, struct slice name, struct slice tags)
{
    struct enriched enriched;
    bool copy = birth->kind == CELL_DISTRIBUTION_COPY;
    enum shed_reason refused =
        enrich_metric(enricher, name, tags, (enum cell_kind)birth->kind, &enriched);
    uint32_t *map = &catalogue->maps[worker][birth->id];
    uint32_t series = SERIES_NONE;

    if (birth->id >= catalogue->map_ends[worker])
        catalogue->map_ends[worker] = birth->id + 1;
    if (refused == SHED_NOTHING)
        refused = series_of(catalogue, &enriched,
                            copy ? CELL_DISTRIBUTION : (uint8_t)birth->kind, copy, &series);
    if (refused == SHED_NOTHING) {
        catalogue->entries[series].contexts++;
        *map = series + 1;
    } else {
        *map = MAP_REFUSED + (uint32_t)refused;
        catalogue->n_refused[worker] += wants_room(*map);
    }
}

/* An id that means nothing gives SERIES_NONE: its 0 wraps around to UINT32_MAX. */
struct mapped catalogue_lookup(const struct catalogue *catalogue, uint32_t worker, uint32_t id)
{
    uint32_t value = catalogue->maps[worker][id];

    if (value >= MAP_REFUSED)
        return (struct mapped){ SERIES_NONE, (enum shed_reason)(value - MAP_REFUSED) };
    return (struct mapped){ value - 1, SHED_NOTHING };
}

void catalogue_retire(struct catalogue *catalogue, uint32_t worker, uint32_t id)
{
    struct mapped mapped = catalogue_lookup(catalogue, worker, id);

    if (mapped.refused == SHED_NOTHING && mapped.series != SERIES_NONE)
        catalogue->entries[mapped.series].contexts--;
    catalogue->n_refused[worker] -= wants_room(catalogue->maps[worker][id]);
    catalogue->maps[worker][id] = 0; /* the series stays: catalogue_expire() looks at it */
}

void catalogue_retire_all(struct catalogue *catalogue, uint32_t worker)
{
    for (uint32_t id = 0; id < catalogue->map_ends[worker]; id++)
        if (catalogue->maps[worker][id] != 0)
            catalogue_retire(catalogue, worker, id);
}

/* ---- room -------------------------------------------------------------- */

size_t catalogue_memory(const struct catalogue *catalogue)
{
    size_t sum = identities_memory(catalogue->identities) + index_bytes(&catalogue->index) +
                 catalogue->end * sizeof *catalogue->entries;

    for (uint32_t worker = 0; worker < catalogue->config.workers; worker++)
        sum += catalogue->map_ends[worker] * sizeof(uint32_t);
    return sum;
}

void catalogue_limit(struct catalogue *catalogue, size_t max_bytes)
{
    catalogue->config.max_bytes = max_bytes;
}

bool catalogue_is_crowded(const struct catalogue *catalogue)
{
    return catalogue->config.max_bytes > 0 &&
           catalogue_memory(catalogue) >= catalogue->config.max_bytes;
}

/* How many more series there is room for, if they need as many bytes each as those that are
 * there. This only guesses: those that find no room after all are refused again. */
static uint32_t room(const struct catalogue *catalogue)
{
    uint32_t ids = catalogue->config.max_series - catalogue->live;
    size_t bytes = catalogue_memory(catalogue), most = catalogue->config.max_bytes;

    if (most == 0)
        return ids;
    size_t more = bytes < most ? (most - bytes) / (bytes / (catalogue->live + 1) + 1) : 0;
    return more < ids ? (uint32_t)more : ids;
}

struct id_list *catalogue_refused(const struct catalogue *catalogue, uint32_t worker)
{
    uint32_t most = room(catalogue);

    if (most > catalogue->n_refused[worker])
        most = catalogue->n_refused[worker];
    struct id_list *list = most > 0 ? malloc(sizeof *list + most * sizeof list->ids[0]) : NULL;
    if (list == NULL)
        return NULL;
    list->n = 0;
    for (uint32_t id = 0; id < catalogue->map_ends[worker] && list->n < most; id++)
        if (wants_room(catalogue->maps[worker][id]))
            list->ids[list->n++] = id;
    return list;
}

void catalogue_trim(struct catalogue *catalogue, uint32_t worker, uint32_t end)
{
    uint32_t *mapped = &catalogue->map_ends[worker];

    if (end >= *mapped / 2) /* not worth a system call */
        return;
    pages_forget(catalogue->maps[worker], end * sizeof(uint32_t), *mapped * sizeof(uint32_t));
    *mapped = end;
}

/* ---- reading and expiry ------------------------------------------------ */

uint32_t catalogue_end(const struct catalogue *catalogue)
{
    return catalogue->end;
}

struct series_entry *catalogue_entry(struct catalogue *catalogue, uint32_t series)
{
    return &catalogue->entries[series];
}

struct slice catalogue_name(const struct catalogue *catalogue, uint32_t series)
{
    return identities_text(catalogue->identities, catalogue->entries[series].id.name);
}

struct slice catalogue_host(const struct catalogue *catalogue, uint32_t series)
{
    return identities_text(catalogue->identities, catalogue->entries[series].id.host);
}

const struct slice *catalogue_tags(const struct catalogue *catalogue, uint32_t series,
                                   size_t *n)
{
    return identities_tags(catalogue->identities, catalogue->entries[series].id.tags, n);
}

struct identities *catalogue_identities(const struct catalogue *catalogue)
{
    return catalogue->identities;
}

/* ---- what expiry needs ------------------------------------------------- */

double *catalogue_gauge(struct catalogue *catalogue, uint32_t series)
{
    return catalogue->gauges != NULL ? &catalogue->gauges[series] : NULL;
}

bool catalogue_keeps_gauges(const struct catalogue *catalogue)
{
    return catalogue->gauges != NULL;
}

bool catalogue_wants_zero(const struct catalogue *catalogue, uint32_t series, int64_t start_s)
{
    const struct series_entry *entry = &catalogue->entries[series];
    int64_t quiet_s = start_s - entry->last_seen_s;

    /* A series that was seen far ahead of the interval was seen before the clock was set back.
     * It must not be filled with zeros for as long as the clock needs to get there again. */
    return entry->kind == CELL_COUNT && entry->last_seen_s != 0 &&
           quiet_s < catalogue->config.expiry_s && quiet_s > -CLOCK_AHEAD_MAX_S;
}

/* A series must stay while a context maps to it, as its values would be lost. Beyond that it
 * stays only to be filled with zeros or, with keep_gauges, to keep its value. When more than
 * three quarters of the ids are in use, that is given up: new series are worth more. */
static bool may_expire(const struct catalogue *catalogue, uint32_t series, int64_t start_s)
{
    const struct series_entry *entry = &catalogue->entries[series];

    if (!entry->live || entry->contexts > 0)
        return false;
    if (catalogue->live > catalogue->config.max_series / 4 * 3)
        return true;
    if (entry->kind == CELL_GAUGE && catalogue->config.keep_gauges)
        return entry->last_seen_s + catalogue->config.expiry_s <= start_s;
    return !catalogue_wants_zero(catalogue, series, start_s + 1);
}

static void drop_series(struct catalogue *catalogue, uint32_t series)
{
    struct series_entry *entry = &catalogue->entries[series];

    index_remove(&catalogue->index, hash_identity(entry->id), series);
    identities_release(catalogue->identities, entry->id);
    *entry = (struct series_entry){ 0 };
    if (catalogue->gauges != NULL)
        catalogue->gauges[series] = 0;
    if (series < catalogue->lowest_free)
        catalogue->lowest_free = series;
    catalogue->live--;
}

/* Gives back the memory that a spike of series took. */
static void tidy(struct catalogue *catalogue)
{
    identities_tidy(catalogue->identities);
    if (!index_is_sparse(&catalogue->index))
        return;
    (void)lay_out_index(catalogue); /* without memory the index stays large */
    malloc_trim(0);
}

void catalogue_expire(struct catalogue *catalogue, int64_t start_s,
                      bool (*unsent)(const void *argument, uint32_t series),
                      const void *argument)
{
    uint32_t end = catalogue->end;

    for (uint32_t series = 0; series < end; series++)
        if (may_expire(catalogue, series, start_s) &&
            (unsent == NULL || !unsent(argument, series)))
            drop_series(catalogue, series);
    while (catalogue->end > 0 && !catalogue->entries[catalogue->end - 1].live)
        catalogue->end--;
    if (catalogue->end < end)
        pages_forget(catalogue->entries, catalogue->end * sizeof *catalogue->entries,
                     end * sizeof *catalogue->entries);
    tidy(catalogue);
    counter_set(&catalogue->ledger->series, catalogue->live);
}
