/* flush/snapshots/state_series.c
 *
 *   list       n, whether gauges are kept; n series
 *   series     0: the number is free | kind + 1, name, host, tags, last seen, gauge
 *   word       0 and the text, which gets the next number | its number from 1
 *   snapshot   start, zeros?, values; cells
 *   cell       distance from the series before, stamp, a double or what the kind writes
 *              (flush/values/object.h) | 0: the end */
#include "flush/snapshots/state_series.h"

#include <stdlib.h>

#define NUMBER_NONE UINT32_MAX

/* ---- words: each string once ------------------------------------------- */

struct words_out {
    uint32_t *numbers; /* by interned id; 0: not written yet */
    uint32_t n;
};

static void put_word(struct state_writer *out, struct words_out *words, uint32_t id,
                     struct slice text)
{
    state_put_number(out, words->numbers[id]);
    if (words->numbers[id] != 0)
        return;
    words->numbers[id] = ++words->n;
    state_put_text(out, text);
}

struct words_in {
    struct slice *at; /* views of the state */
    size_t n, capacity;
};

static bool add_word(struct words_in *words, struct slice text)
{
    if (words->n == words->capacity) {
        size_t capacity = words->capacity > 0 ? words->capacity * 2 : 256;
        struct slice *grown = realloc(words->at, capacity * sizeof *grown);

        if (grown == NULL)
            return false;
        words->at = grown;
        words->capacity = capacity;
    }
    words->at[words->n++] = text;
    return true;
}

static struct slice get_word(struct state_reader *in, struct words_in *words)
{
    uint64_t number = state_get_number(in);

    if (number == 0 && !in->failed && !add_word(words, state_get_text(in)))
        in->failed = true;
    if (number == 0)
        number = words->n;
    if (!in->failed && number <= words->n)
        return words->at[number - 1];
    in->failed = true;
    return (struct slice){ "", 0 };
}

/* ---- writing ----------------------------------------------------------- */

static void put_one(struct state_writer *out, struct catalogue *catalogue, uint32_t series,
                    struct words_out *texts, struct words_out *tags)
{
    const struct identities *identities = catalogue_identities(catalogue);
    const struct series_entry *entry = catalogue_entry(catalogue, series);
    size_t n;

    state_put_number(out, entry->live ? entry->kind + 1u : 0);
    if (!entry->live)
        return;
    put_word(out, texts, entry->id.name, identities_text(identities, entry->id.name));
    put_word(out, texts, entry->id.host, identities_text(identities, entry->id.host));
    const uint32_t *ids = identities_tag_ids(identities, entry->id.tags, &n);

    state_put_number(out, n);
    for (size_t i = 0; i < n; i++)
        put_word(out, tags, ids[i], identities_tag(identities, ids[i]));
    state_put_number(out, entry->last_seen_s);
    if (catalogue_keeps_gauges(catalogue))
        state_put_double(out, *catalogue_gauge(catalogue, series));
}

bool state_put_series(struct state_writer *out, struct catalogue *catalogue)
{
    const struct identities *identities = catalogue_identities(catalogue);
    uint32_t end = catalogue_end(catalogue);
    struct words_out texts = { calloc(identities_texts_end(identities) + 1u, sizeof(uint32_t)),
                               0 };
    struct words_out tags = { calloc(identities_tags_end(identities) + 1u, sizeof(uint32_t)),
                              0 };
    bool good = texts.numbers != NULL && tags.numbers != NULL;

    if (good) {
        state_put_number(out, end);
        state_put_number(out, catalogue_keeps_gauges(catalogue));
        for (uint32_t series = 0; series < end; series++)
            put_one(out, catalogue, series, &texts, &tags);
    }
    free(texts.numbers);
    free(tags.numbers);
    return good;
}

static bool put_cell(struct state_writer *out, const struct snapshot_cell *cell, uint8_t kind,
                     struct arena *arena)
{
    const struct object_ops *ops = cell_kinds[kind].object;

    state_put_signed(out, cell->stamp_ns);
    if (ops != NULL)
        return ops->write(out, cell->object, arena);
    state_put_double(out, cell->value);
    return true;
}

bool state_put_snapshot(struct state_writer *out, struct snapshot *snapshot,
                        struct catalogue *catalogue)
{
    int64_t before = -1;

    state_put_signed(out, snapshot->start_s);
    state_put_number(out, snapshot->fill_zeros);
    state_put_number(out, snapshot->values);
    for (uint32_t series = 0; series < snapshot->end; series++) {
        if (!snapshot_has(snapshot, series))
            continue;
        state_put_number(out, (uint64_t)(series - before));
        if (!put_cell(out, &snapshot->cells[series], catalogue_entry(catalogue, series)->kind,
                      &snapshot->arena))
            return false;
        before = series;
    }
    state_put_number(out, 0);
    return true;
}

/* ---- reading ----------------------------------------------------------- */

struct reading {
    struct state_reader *in;
    struct enricher *enricher;
    struct catalogue *catalogue;
    struct words_in texts, tags;
    bool gauges;
    struct state_numbers *numbers;
};

/* Past what is not kept here, the gauge too. */
static void note_series(struct reading *reading, size_t place, const struct enriched *identity,
                        uint8_t kind)
{
    uint32_t last_seen_s = (uint32_t)state_get_number(reading->in);
    double gauge = reading->gauges ? state_get_double(reading->in) : 0;
    uint32_t *series = &reading->numbers->at[place];

    reading->numbers->kinds[place] = kind;
    if (reading->in->failed)
        return;
    if (!catalogue_restore(reading->catalogue, identity, kind, last_seen_s, series)) {
        *series = NUMBER_NONE;
        reading->numbers->refused++;
    } else if (catalogue_keeps_gauges(reading->catalogue)) {
        *catalogue_gauge(reading->catalogue, *series) = gauge;
    }
}

static void get_one(struct reading *reading, size_t place)
{
    struct slice tags[ENRICH_TAGS_MAX];
    struct state_reader *in = reading->in;
    uint64_t kind = state_get_number(in);

    if (kind == 0 || in->failed)
        return;
    struct enriched identity = { .name = get_word(in, &reading->texts) };

    identity.host = get_word(in, &reading->texts);
    identity.tags = tags;
    identity.n_tags = state_get_count(in, 1);
    in->failed = in->failed || kind > CELL_KIND_COUNT || identity.n_tags > ENRICH_TAGS_MAX;
    for (size_t i = 0; i < identity.n_tags && !in->failed; i++)
        tags[i] = get_word(in, &reading->tags);
    in->failed = in->failed || !enrich_again(reading->enricher, &identity);
    note_series(reading, place, &identity, (uint8_t)(kind - 1));
}

bool state_get_series(struct state_reader *in, struct enricher *enricher,
                      struct catalogue *catalogue, struct state_numbers *numbers)
{
    size_t n = state_get_count(in, 1);
    struct reading reading = {
        .in = in, .enricher = enricher, .catalogue = catalogue, .numbers = numbers
    };

    reading.gauges = state_get_number(in) != 0;
    *numbers =
        (struct state_numbers){ malloc((n + 1) * sizeof *numbers->at), malloc(n + 1), n, 0 };
    if (numbers->at == NULL || numbers->kinds == NULL)
        return false;
    for (size_t place = 0; place < n; place++)
        numbers->at[place] = NUMBER_NONE;
    memset(numbers->kinds, CELL_KIND_COUNT, n + 1);
    for (size_t place = 0; place < n && !in->failed; place++)
        get_one(&reading, place);
    free(reading.texts.at);
    free(reading.tags.at);
    return !in->failed;
}

void state_numbers_free(struct state_numbers *given)
{
    free(given->at);
    free(given->kinds);
    *given = (struct state_numbers){ 0 };
}

static bool get_value(struct state_reader *in, struct snapshot_cell *cell, uint8_t kind,
                      struct arena *arena)
{
    const struct object_ops *ops = cell_kinds[kind].object;

    cell->stamp_ns = state_get_signed(in);
    if (ops == NULL)
        cell->value = state_get_double(in);
    else if ((cell->object = ops->read(in, arena)) == NULL)
        return false;
    return !in->failed && cell->stamp_ns > 0;
}

static bool get_cell(struct state_reader *in, struct snapshot *snapshot,
                     const struct state_numbers *numbers, uint64_t place)
{
    struct snapshot_cell cell;

    if (place >= numbers->n || numbers->kinds[place] == CELL_KIND_COUNT ||
        !get_value(in, &cell, numbers->kinds[place], &snapshot->arena))
        return false;
    uint32_t series = numbers->at[place];

    if (series == NUMBER_NONE)
        return true;
    snapshot->cells[series] = cell;
    if (series >= snapshot->end)
        snapshot->end = series + 1;
    return true;
}

bool state_get_snapshot(struct state_reader *in, struct snapshot *snapshot,
                        const struct state_numbers *numbers)
{
    uint64_t next = 0, distance;

    snapshot->start_s = state_get_signed(in);
    snapshot->fill_zeros = state_get_number(in) != 0;
    snapshot->values = state_get_number(in);
    while ((distance = state_get_number(in)) != 0) {
        next += distance;
        if (distance > numbers->n || next > numbers->n ||
            !get_cell(in, snapshot, numbers, next - 1))
            return false;
    }
    return !in->failed;
}
