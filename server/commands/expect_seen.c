#include "server/commands/expect_seen.h"

#define XXH_INLINE_ALL
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "config/shown.h"
#include "config/utf8.h"
#include "flush/memory/index.h"
#include "flush/series/admitted.h"
#include "flush/series/identities.h"
#include "flush/snapshots/snapshot.h"
#include "protocol/number.h"

enum { SEEN_BYTES = 256 << 20, FIRST_ITEMS = 64, TEXT_SHOWN = 200 };

struct expect_seen {
    struct slice hostname;
    struct arena_budget budget;
    struct arena arena, scratch;
    struct seen_item *items;
    size_t n, capacity;
    struct index index; /* of series, by their identity */
    uint64_t left_out;
};

struct expect_seen *expect_seen_new(const char *hostname)
{
    struct expect_seen *seen = calloc(1, sizeof *seen);

    if (seen == NULL)
        return NULL;
    seen->hostname = slice_of(hostname);
    arena_budget_init(&seen->budget, SEEN_BYTES);
    arena_init(&seen->arena, &seen->budget);
    arena_init(&seen->scratch, &seen->budget);
    return seen;
}

void expect_seen_free(struct expect_seen *given)
{
    if (given == NULL)
        return;
    arena_free(&given->arena);
    arena_free(&given->scratch);
    index_free(&given->index);
    free(given->items);
    free(given);
}

size_t expect_seen_count(const struct expect_seen *seen)
{
    return seen->n;
}

struct seen_item *expect_seen_at(struct expect_seen *seen, size_t i)
{
    return &seen->items[i];
}

uint64_t expect_seen_left_out(const struct expect_seen *seen)
{
    return seen->left_out;
}

struct arena *expect_seen_scratch(struct expect_seen *seen)
{
    return &seen->scratch;
}

/* ---- copies ------------------------------------------------------------ */

/* False: there is no room. */
static bool keep(struct expect_seen *seen, struct slice text, struct slice *out)
{
    char *at = text.len > 0 ? arena_alloc(&seen->arena, text.len) : NULL;

    *out = SLICE("");
    if (text.len == 0)
        return true;
    if (at == NULL)
        return false;
    memcpy(at, text.at, text.len);
    *out = (struct slice){ at, text.len };
    return true;
}

static bool keep_tags(struct expect_seen *seen, const struct slice *tags, size_t n,
                      struct seen_item *out)
{
    struct slice *kept = n > 0 ? arena_alloc(&seen->arena, n * sizeof *kept) : NULL;

    if (n > 0 && kept == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!keep(seen, tags[i], &kept[i]))
            return false;
    out->tags = kept;
    out->n_tags = n;
    return true;
}

/* A backslash and an n, as sent, are a newline. */
static bool keep_event_text(struct expect_seen *seen, struct slice text, struct slice *out)
{
    char *at = arena_alloc(&seen->arena, text.len + 1);

    if (at == NULL)
        return false;
    *out = (struct slice){ at, 0 };
    for (size_t i = 0; i < text.len; i++) {
        bool newline = text.at[i] == '\\' && i + 1 < text.len && text.at[i + 1] == 'n';

        at[out->len++] = newline ? '\n' : text.at[i];
        i += newline;
    }
    return true;
}

static bool keep_host(struct expect_seen *seen, struct slice host, struct slice *out)
{
    return keep(seen, slice_equal(host, seen->hostname) ? SLICE("") : host, out);
}

/* Room for one item more; NULL: there is none. */
static struct seen_item *next_item(struct expect_seen *seen)
{
    if (seen->n == SEEN_MAX)
        return NULL;
    if (seen->n == seen->capacity) {
        size_t capacity = seen->capacity > 0 ? 2 * seen->capacity : FIRST_ITEMS;
        struct seen_item *items = realloc(seen->items, capacity * sizeof *items);

        if (items == NULL)
            return NULL;
        seen->items = items;
        seen->capacity = capacity;
    }
    return &seen->items[seen->n];
}

/* ---- series ------------------------------------------------------------ */

/* What a series is told by: views. */
struct shown_identity {
    enum cell_kind cell;
    struct slice name, host;
    const struct slice *tags;
    size_t n_tags;
};

static uint32_t hash_of(const struct shown_identity *id)
{
    uint64_t hash = XXH3_64bits_withSeed(id->name.at, id->name.len, (uint64_t)id->cell);

    hash = XXH3_64bits_withSeed(id->host.at, id->host.len, hash);
    for (size_t i = 0; i < id->n_tags; i++)
        hash = XXH3_64bits_withSeed(id->tags[i].at, id->tags[i].len, hash);
    return (uint32_t)hash;
}

static bool is_item(const struct seen_item *item, const struct shown_identity *id)
{
    if (item->kind != EXPECT_SERIES || item->cell != id->cell || item->n_tags != id->n_tags ||
        !slice_equal(item->fields[FIELD_NAME], id->name) ||
        !slice_equal(item->fields[FIELD_HOST], id->host))
        return false;
    for (size_t i = 0; i < id->n_tags; i++)
        if (!slice_equal(item->tags[i], id->tags[i]))
            return false;
    return true;
}

/* False without memory. */
static bool lay_out_anew(struct expect_seen *seen)
{
    if (!index_clear(&seen->index, (uint32_t)(2 * seen->n + FIRST_ITEMS)))
        return false;
    for (size_t i = 0; i < seen->n; i++) {
        const struct seen_item *item = &seen->items[i];
        struct shown_identity id = { item->cell, item->fields[FIELD_NAME],
                                     item->fields[FIELD_HOST], item->tags, item->n_tags };

        if (item->kind == EXPECT_SERIES)
            index_put(&seen->index, hash_of(&id), (uint32_t)i);
    }
    return true;
}

static const char *const type_words[CELL_KIND_COUNT] = {
    [CELL_COUNT] = "count",
    [CELL_GAUGE] = "gauge",
    [CELL_SET] = "set",
    [CELL_HISTOGRAM] = "histogram",
    [CELL_DISTRIBUTION] = "distribution",
    [CELL_DISTRIBUTION_COPY] = "distribution",
};

static struct seen_item *add_series(struct expect_seen *seen, const struct shown_identity *id,
                                    uint32_t hash)
{
    struct seen_item *item = next_item(seen);
    const struct object_ops *object = cell_kinds[id->cell].object;

    if (item == NULL || (index_is_full(&seen->index) && !lay_out_anew(seen)))
        return NULL;
    *item = (struct seen_item){ .kind = EXPECT_SERIES, .cell = id->cell };
    item->fields[FIELD_WORD] = slice_of(type_words[id->cell]);
    if (object != NULL && (item->object = object->make(&seen->arena)) == NULL)
        return NULL;
    if (!keep(seen, id->name, &item->fields[FIELD_NAME]) ||
        !keep(seen, id->host, &item->fields[FIELD_HOST]) ||
        !keep_tags(seen, id->tags, id->n_tags, item))
        return NULL;
    index_put(&seen->index, hash, (uint32_t)seen->n++);
    return item;
}

static struct seen_item *find_series(struct expect_seen *seen, const struct shown_identity *id)
{
    uint32_t hash = hash_of(id), at;
    struct index_probe probe = index_begin(&seen->index, hash);

    while ((at = index_next(&seen->index, &probe)) != INDEX_NONE)
        if (is_item(&seen->items[at], id))
            return &seen->items[at];
    return add_series(seen, id, hash);
}

static bool add_cell(struct expect_seen *seen, struct seen_item *item,
                     const struct snapshot_series *series)
{
    struct exactness exactness = { .values = SEEN_EXACT_VALUES };

    if (item->object != NULL)
        return cell_kinds[item->cell].object->merge(item->object, &seen->arena,
                                                    series->cell->object, &exactness);
    if (item->cell == CELL_COUNT)
        item->number += series->cell->value;
    else if (series->newest_ms >= item->newest_ms)
        item->number = series->cell->value;
    if (series->newest_ms > item->newest_ms)
        item->newest_ms = series->newest_ms;
    return true;
}

/* Zeros of quiet counters are nobody's. */
static void see_series(void *observer, const struct snapshot_series *series)
{
    struct expect_seen *seen = observer;
    const struct identities *of = series->identities;

    if (series->values == 0)
        return;
    struct shown_identity id = { .cell = series->kind,
                                 .name = identities_text(of, series->id.name),
                                 .host = identities_text(of, series->id.host) };
    id.tags = identities_tags(of, series->id.tags, &id.n_tags);
    if (slice_equal(id.host, seen->hostname))
        id.host = SLICE("");
    struct seen_item *item = find_series(seen, &id);

    if (item == NULL || !add_cell(seen, item, series)) {
        seen->left_out++;
        return;
    }
    if (item->cell == CELL_HISTOGRAM)
        item->fields[FIELD_UNIT] = slice_of(metric_unit_word(histogram_unit(item->object)));
}

/* ---- events and checks ------------------------------------------------- */

static void see_event(void *observer, const struct event_record *record)
{
    struct expect_seen *seen = observer;
    const struct event *event = &record->event;
    struct seen_item *item = next_item(seen), made = { .kind = EXPECT_EVENT };
    struct slice *fields = made.fields;

    fields[FIELD_WORD] = slice_of(event_alert_name(event->alert));
    fields[FIELD_PRIORITY] = slice_of(event_priority_name(event->priority));
    if (item == NULL || !keep_event_text(seen, event->title, &fields[FIELD_NAME]) ||
        !keep_event_text(seen, event->text, &fields[FIELD_TEXT]) ||
        !keep(seen, event->source_type, &fields[FIELD_SOURCE]) ||
        !keep(seen, event->aggregation_key, &fields[FIELD_KEY]) ||
        !keep_host(seen, record->host, &fields[FIELD_HOST]) ||
        !keep_tags(seen, record->tags, record->n_tags, &made)) {
        seen->left_out++;
        return;
    }
    *item = made;
    seen->n++;
}

static void see_check(void *observer, const struct check_record *record)
{
    static const char *const statuses[] = { "ok", "warning", "critical", "unknown" };
    struct expect_seen *seen = observer;
    struct seen_item *item = next_item(seen), made = { .kind = EXPECT_CHECK };
    struct slice *fields = made.fields;

    fields[FIELD_WORD] = slice_of(statuses[record->check.status & 3]);
    if (item == NULL || !keep(seen, record->check.name, &fields[FIELD_NAME]) ||
        !keep(seen, record->check.message, &fields[FIELD_TEXT]) ||
        !keep_host(seen, record->host, &fields[FIELD_HOST]) ||
        !keep_tags(seen, record->tags, record->n_tags, &made)) {
        seen->left_out++;
        return;
    }
    *item = made;
    seen->n++;
}

struct observer expect_seen_observer(struct expect_seen *seen)
{
    static const struct observer_ops ops = { .series = see_series,
                                             .event = see_event,
                                             .check = see_check };

    return (struct observer){ &ops, seen };
}

/* ---- in order, and to be read ------------------------------------------ */

static int compare(const void *a, const void *b)
{
    const struct seen_item *one = a, *other = b;
    int order = one->kind != other->kind ? (one->kind > other->kind ? 1 : -1) : 0;

    for (int i = 0; i < FIELD_COUNT && order == 0; i++)
        order = slice_compare(one->fields[i], other->fields[i]);
    for (size_t i = 0; order == 0 && (i < one->n_tags || i < other->n_tags); i++)
        order = i == one->n_tags     ? -1
                : i == other->n_tags ? 1
                                     : slice_compare(one->tags[i], other->tags[i]);
    return order;
}

void expect_seen_sort(struct expect_seen *seen)
{
    if (seen->n > 0)
        qsort(seen->items, seen->n, sizeof *seen->items, compare);
    index_free(&seen->index);
    seen->index = (struct index){ .ids = NULL };
}

static void put_text(FILE *out, const char *before, struct slice text)
{
    if (text.len == 0)
        return;
    size_t shown = utf8_cut(text.at, text.len, TEXT_SHOWN);

    fputs(before, out);
    shown_put(out, text.at, shown);
    if (shown < text.len)
        fputs("...", out);
}

/* What a sum of tenths leaves in the sixteenth digit tells nobody anything. */
static void put_number(FILE *out, const char *before, double value)
{
    fprintf(out, "%s%.12g", before, value);
}

/* Of histograms the kinds are never asked for it. */
struct object_summary expect_seen_summary(enum cell_kind cell, const void *object)
{
    struct histogram_summary summary;

    if (cell != CELL_HISTOGRAM)
        return cell_kinds[cell].object->summary(object);
    histogram_summary(object, &summary);
    return (struct object_summary){
        .sum = summary.sum, .count = summary.count, .min = summary.min, .max = summary.max
    };
}

static void put_values(FILE *out, const struct seen_item *item)
{
    struct object_summary summary = { .last = item->number };

    if (item->object != NULL)
        summary = expect_seen_summary(item->cell, item->object);
    if (cell_kinds[item->cell].shown == SHOWN_RATE ||
        cell_kinds[item->cell].shown == SHOWN_VALUE) {
        put_number(out, "  ", summary.last);
        return;
    }
    put_number(out, "  count ", summary.count);
    put_number(out, ", min ", summary.min);
    put_number(out, ", avg ", summary.count > 0 ? summary.sum / summary.count : 0);
    put_number(out, ", max ", summary.max);
    put_text(out, " ", item->fields[FIELD_UNIT]);
}

void expect_seen_put(FILE *out, const struct seen_item *item)
{
    put_text(out, "", item->fields[FIELD_NAME]);
    put_text(out, "  ", item->fields[FIELD_WORD]);
    if (item->kind == EXPECT_SERIES)
        put_values(out, item);
    for (size_t i = 0; i < item->n_tags; i++)
        put_text(out, i == 0 ? "  " : ",", item->tags[i]);
    put_text(out, "  host:", item->fields[FIELD_HOST]);
    put_text(out, "  ", item->fields[FIELD_TEXT]);
}
