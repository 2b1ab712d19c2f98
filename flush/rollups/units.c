#include "flush/rollups/units.h"

#include <pthread.h>
#include <stdlib.h>

#include "flush/memory/json_out.h"

struct entry {
    struct entry *next;
    struct slice metric, unit, per; /* views of its own bytes */
    char bytes[];
};

struct units {
    pthread_mutex_t lock;
    struct entry *first;
    size_t n;
};

struct units *units_new(void)
{
    struct units *units = calloc(1, sizeof *units);

    if (units != NULL)
        pthread_mutex_init(&units->lock, NULL);
    return units;
}

void units_free(struct units *given)
{
    if (given == NULL)
        return;
    while (given->first != NULL) {
        struct entry *next = given->first->next;

        free(given->first);
        given->first = next;
    }
    pthread_mutex_destroy(&given->lock);
    free(given);
}

/* ---- entries ----------------------------------------------------------- */

/* Who points to it, or to the end. */
static struct entry **place_of(struct units *units, struct slice metric)
{
    struct entry **at = &units->first;

    while (*at != NULL && !slice_equal((*at)->metric, metric))
        at = &(*at)->next;
    return at;
}

/* NULL without memory. */
static struct entry *entry_new(struct slice metric, struct slice unit, struct slice per)
{
    unit.len = unit.len <= UNIT_WORD_MAX ? unit.len : 0;
    per.len = per.len <= UNIT_WORD_MAX ? per.len : 0;

    struct entry *entry = malloc(sizeof *entry + metric.len + unit.len + per.len);
    char *to = entry != NULL ? entry->bytes : NULL;

    if (entry == NULL)
        return NULL;
    entry->metric = slice_copy(metric, &to);
    entry->unit = slice_copy(unit, &to);
    entry->per = slice_copy(per, &to);
    return entry;
}

/* In the place of the one of that metric, which is freed. */
static void put(struct units *units, struct entry **at, struct entry *given)
{
    struct entry *old = *at;

    given->next = old != NULL ? old->next : NULL;
    *at = given;
    units->n += old == NULL;
    free(old);
}

static void add(struct units *units, struct slice metric, struct slice unit, struct slice per,
                bool replace)
{
    struct entry *entry = entry_new(metric, unit, per);

    if (entry == NULL)
        return; /* and answers lack it */
    pthread_mutex_lock(&units->lock);
    struct entry **at = place_of(units, metric);
    if (*at != NULL ? replace : units->n < UNITS_MAX) {
        put(units, at, entry);
        entry = NULL;
    }
    pthread_mutex_unlock(&units->lock);
    free(entry);
}

void units_set(struct units *units, struct slice metric, struct slice unit, struct slice per)
{
    add(units, metric, unit, per, true);
}

void units_recall(struct units *units, struct slice metric, struct slice unit, struct slice per)
{
    add(units, metric, unit, per, false);
}

void units_read(struct units *units, struct slice metric, enum metric_unit own,
                struct unit_words *out)
{
    char *to = out->room;

    out->unit = slice_of(metric_unit_word(own));
    out->per = SLICE("");
    if (units == NULL)
        return;
    pthread_mutex_lock(&units->lock);
    const struct entry *entry = *place_of(units, metric);
    if (entry != NULL && entry->unit.len + entry->per.len > 0) {
        out->unit = slice_copy(entry->unit, &to);
        out->per = slice_copy(entry->per, &to);
    }
    pthread_mutex_unlock(&units->lock);
}

/* ---- in Datadog's form ------------------------------------------------- */

static const struct known {
    const char *name, *family, *plural, *short_name;
    double scale;
} known[] = {
    { "bit", "bytes", "bits", "b", 0.125 },
    { "byte", "bytes", "bytes", "B", 1 },
    { "kibibyte", "bytes", "kibibytes", "KiB", 1024 },
    { "mebibyte", "bytes", "mebibytes", "MiB", 1048576 },
    { "gibibyte", "bytes", "gibibytes", "GiB", 1073741824 },
    { "tebibyte", "bytes", "tebibytes", "TiB", 1099511627776 },
    { "nanosecond", "time", "nanoseconds", "ns", 1e-9 },
    { "microsecond", "time", "microseconds", "\xce\xbcs", 1e-6 },
    { "millisecond", "time", "milliseconds", "ms", 1e-3 },
    { "second", "time", "seconds", "s", 1 },
    { "minute", "time", "minutes", "min", 60 },
    { "hour", "time", "hours", "hr", 3600 },
    { "day", "time", "days", "day", 86400 },
    { "week", "time", "weeks", "wk", 604800 },
    { "percent", "percentage", "percent", "%", 1 },
    { "fraction", "percentage", "fractions", "fraction", 100 },
};

static const struct known *find_known(struct slice name)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (slice_equal(name, slice_of(known[i].name)))
            return &known[i];
    return NULL;
}

static void put_unit(struct json_out *out, struct slice name)
{
    const struct known *found = find_known(name);

    if (name.len == 0) {
        json_out_null(out, NULL);
        return;
    }
    json_out_begin(out, NULL, '{');
    json_out_slice(out, "name", name);
    if (found != NULL) {
        json_out_text(out, "family", found->family);
        json_out_text(out, "plural", found->plural);
        json_out_text(out, "short_name", found->short_name);
        json_out_exact(out, "scale_factor", found->scale);
    }
    json_out_end(out, '}');
}

static void put_pair(struct json_out *out, struct slice unit, struct slice per)
{
    if (unit.len == 0 && per.len == 0) {
        json_out_null(out, NULL);
        return;
    }
    json_out_begin(out, NULL, '[');
    put_unit(out, unit);
    put_unit(out, per);
    json_out_end(out, ']');
}

void units_write(struct units *units, struct slice metric, enum metric_unit own,
                 struct bytes *out)
{
    struct json_out json = { .bytes = *out };
    struct unit_words words = { .room = "" };

    units_read(units, metric, own, &words);
    put_pair(&json, words.unit, words.per);
    *out = json.bytes;
}
