#include "flush/history/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flush/history/sql.h"
#include "flush/history/told.h"

/* What a slice reads, of rows of up to PACKED_SERIES_MAX series; and what may be told of the
 * series of one question. */
enum { ROWS_A_SLICE = 64, SERIES_A_SLICE = 4096, TOLD_BYTES_MAX = 32 << 20 };

static struct reading_answer *answer_new(struct reading *of, enum reading_result result)
{
    struct reading_answer *answer = calloc(1, sizeof *answer);

    if (answer == NULL)
        return NULL;
    answer->of = of;
    answer->result = result;
    answer->size = sizeof *answer;
    return answer;
}

struct reading *reading_new(struct slice metric)
{
    struct reading *reading = calloc(1, sizeof *reading);

    if (reading == NULL)
        return NULL;
    reading->metric = malloc(metric.len + 1);
    reading->metric_len = metric.len;
    reading->last = answer_new(reading, READING_ALL);
    if (reading->metric == NULL || reading->last == NULL) {
        reading_free(reading);
        return NULL;
    }
    if (metric.len > 0)
        memcpy(reading->metric, metric.at, metric.len);
    return reading;
}

struct reading *reading_new_of_events(const struct past_events *wanted)
{
    struct reading *reading = reading_new(SLICE(""));

    if (reading == NULL)
        return NULL;
    reading->asks = READING_EVENTS;
    reading->events = event_scan_new(wanted);
    if (reading->events == NULL) {
        reading_free(reading);
        return NULL;
    }
    return reading;
}

void reading_free(struct reading *given)
{
    if (given->last != NULL)
        reading_answer_free(given->last);
    event_scan_free(given->events);
    bytes_free(&given->told);
    free(given->metric);
    free(given->wanted);
    free(given);
}

void reading_answer_free(struct reading_answer *given)
{
    bytes_free(&given->told);
    free(given->series);
    for (int column = 0; column < WINDOW_COLUMNS; column++)
        free(given->columns[column]);
    free(given->objects);
    free(given->object_bytes);
    free(given);
}

void reading_free_all(struct reading *given)
{
    while (given != NULL) {
        struct reading *next = given->next;

        reading_free(given);
        given = next;
    }
}

void reading_answer_free_all(struct reading_answer *given)
{
    while (given != NULL) {
        struct reading_answer *next = given->next;

        if (given->result != READING_SOME)
            reading_free(given->of);
        reading_answer_free(given);
        given = next;
    }
}

bool reading_may_go_on(const struct reading *reading)
{
    return atomic_load_explicit(&reading->ahead, memory_order_relaxed) < READING_AHEAD_BYTES;
}

/* ---- who --------------------------------------------------------------- */

static int read_series(struct reading *reading, struct store *store, bool *all)
{
    struct slice name = { reading->metric, reading->metric_len };
    struct store_found found;
    int result = store_read_series(store, name, reading->after_id), n = 0;

    if (result != SQLITE_OK)
        return result;
    while (n++ < SERIES_A_SLICE && (result = store_next_series(store, &found)) == SQLITE_ROW) {
        found.series.name = SLICE("");
        told_put(&reading->told, found.id, &found.series);
        reading->after_id = found.id;
    }
    store_end_series(store);
    *all = result == SQLITE_DONE;
    return *all || result == SQLITE_ROW ? SQLITE_OK : result;
}

/* ---- what they did ----------------------------------------------------- */

/* Which of a row's series are wanted: their places in it, and their numbers. */
struct chosen {
    uint32_t n;
    uint32_t places[PACKED_SERIES_MAX], numbers[PACKED_SERIES_MAX];
};

static size_t first_at_least(const struct reading *reading, uint32_t id)
{
    size_t low = 0, high = reading->n_wanted;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (reading->wanted[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void choose(const struct reading *reading, const uint32_t *ids, uint32_t n,
                   struct chosen *out)
{
    size_t next = first_at_least(reading, ids[0]);

    out->n = 0;
    for (uint32_t place = 0; place < n && next < reading->n_wanted; place++) {
        while (next < reading->n_wanted && reading->wanted[next].id < ids[place])
            next++;
        if (next == reading->n_wanted || reading->wanted[next].id != ids[place])
            continue;
        out->places[out->n] = place;
        out->numbers[out->n++] = reading->wanted[next].number;
    }
}

static bool put_numbers(struct reading_answer *answer, const struct chosen *chosen)
{
    size_t size = chosen->n * sizeof *answer->series;

    answer->series = malloc(size);
    if (answer->series == NULL)
        return false;
    memcpy(answer->series, chosen->numbers, size);
    answer->row.series = answer->series;
    answer->row.n = chosen->n;
    answer->size += size;
    return true;
}

static bool put_column(struct reading_answer *answer, const struct chosen *chosen, int column,
                       const double *values)
{
    double *to = malloc(chosen->n * sizeof *to);

    if (to == NULL)
        return false;
    for (uint32_t i = 0; i < chosen->n; i++)
        to[i] = values[chosen->places[i]];
    answer->row.columns[column] = answer->columns[column] = to;
    answer->size += chosen->n * sizeof *to;
    return true;
}

static int put_columns(struct reading_answer *answer, const struct chosen *chosen,
                       const struct store_row *row, unsigned columns)
{
    double sums[PACKED_SERIES_MAX], values[PACKED_SERIES_MAX];

    if (!packed_column(row->columns[WINDOW_SUM], WINDOW_SUM, row->n, NULL, sums))
        return SQLITE_CORRUPT;
    for (int column = 0; column < WINDOW_COLUMNS; column++) {
        if ((columns >> column & 1) == 0)
            continue;
        if (column != WINDOW_SUM &&
            !packed_column(row->columns[column], (enum window_column)column, row->n, sums,
                           values))
            return SQLITE_CORRUPT;
        if (!put_column(answer, chosen, column, column == WINDOW_SUM ? sums : values))
            return SQLITE_NOMEM;
    }
    return SQLITE_OK;
}

/* Both ascend by place. The bytes are copied whole. */
static int put_objects(struct reading_answer *answer, const struct chosen *chosen,
                       const struct store_row *row)
{
    struct slice rest = row->objects;
    struct packed_object object;
    uint32_t next_place = 0, i = 0;

    answer->objects = calloc(chosen->n, sizeof *answer->objects);
    answer->object_bytes = malloc(row->objects.len + 1);
    if (answer->objects == NULL || answer->object_bytes == NULL)
        return SQLITE_NOMEM;
    if (rest.len > 0)
        memcpy(answer->object_bytes, rest.at, rest.len);
    answer->row.objects = answer->objects;
    answer->size += row->objects.len + chosen->n * sizeof *answer->objects;
    while (rest.len > 0) {
        if (!packed_next_object(&rest, &next_place, row->n, &object))
            return SQLITE_CORRUPT;
        while (i < chosen->n && chosen->places[i] < object.place)
            i++;
        if (i < chosen->n && chosen->places[i] == object.place)
            answer->objects[i] = (struct slice){ (const char *)answer->object_bytes +
                                                     (object.bytes.at - row->objects.at),
                                                 object.bytes.len };
    }
    return SQLITE_OK;
}

static int fill(struct reading_answer *answer, const struct chosen *chosen,
                const struct store_row *row)
{
    const struct past_range *range = &answer->of->range;
    int result = put_numbers(answer, chosen) ? SQLITE_OK : SQLITE_NOMEM;

    answer->row.start_s = row->part.start_s;
    if (result == SQLITE_OK)
        result = put_columns(answer, chosen, row, range->columns);
    if (result == SQLITE_OK && range->objects)
        result = put_objects(answer, chosen, row);
    return result;
}

/* What the process that asks has in memory, too. */
static bool is_in_memory(const struct reading *reading, const struct store *store,
                         const struct store_row *row)
{
    return row->writer == store->writer && row->part.last_s >= reading->range.before_s;
}

static void send(struct reading *reading, struct reading_answer *given, struct mailbox *to)
{
    atomic_fetch_add_explicit(&reading->ahead, given->size, memory_order_relaxed);
    mailbox_push(to, &given->letter);
}

static int send_row(struct reading *reading, const struct store_row *row, struct mailbox *to)
{
    uint32_t ids[PACKED_SERIES_MAX];
    struct chosen chosen;

    if (!packed_ids(row->ids, row->n, ids))
        return SQLITE_CORRUPT;
    choose(reading, ids, row->n, &chosen);
    if (chosen.n == 0)
        return SQLITE_OK;
    struct reading_answer *answer = answer_new(reading, READING_SOME);
    int result = answer != NULL ? fill(answer, &chosen, row) : SQLITE_NOMEM;

    if (result != SQLITE_OK) {
        if (answer != NULL)
            reading_answer_free(answer);
        return result;
    }
    send(reading, answer, to);
    return SQLITE_OK;
}

static struct store_range range_of(const struct reading *reading)
{
    const struct past_range *range = &reading->range;

    return (struct store_range){
        .step_s = range->step_s,
        .from_s = reading->place.begun ? reading->place.start_s : range->from_s,
        .to_s = range->to_s,
        .low = reading->wanted[0].id,
        .high = reading->wanted[reading->n_wanted - 1].id,
        .what =
            range->columns | 1u << WINDOW_SUM | (range->objects ? (unsigned)STORE_OBJECTS : 0),
    };
}

static int read_rows(struct reading *reading, struct store *store, struct mailbox *to,
                     bool *all)
{
    struct store_range range;
    struct store_row row;

    *all = reading->n_wanted == 0;
    if (*all)
        return SQLITE_OK;
    range = range_of(reading);
    int result = store_read(store, &range), sent = SQLITE_OK;

    if (result != SQLITE_OK)
        return result;
    for (int n = 0; n < ROWS_A_SLICE && sent == SQLITE_OK; n++) {
        result = store_next(store, &row);
        if (result != SQLITE_ROW)
            break;
        if (store_place_passed(&reading->place, &row))
            continue;
        if (!is_in_memory(reading, store, &row))
            sent = send_row(reading, &row, to);
        store_place_pass(&reading->place, &row);
    }
    store_end(store);
    *all = result == SQLITE_DONE;
    return *all || result == SQLITE_ROW ? sent : result;
}

/* ---- events ------------------------------------------------------------ */

static int read_events(struct reading *reading, struct store *store, struct mailbox *to,
                       bool *all)
{
    struct reading_answer *answer = answer_new(reading, READING_SOME);
    int result = answer != NULL ? event_scan_step(reading->events, store, &answer->told, all)
                                : SQLITE_NOMEM;

    if (result == SQLITE_OK && answer->told.len > 0) {
        answer->size += answer->told.capacity;
        send(reading, answer, to);
    } else if (answer != NULL) {
        reading_answer_free(answer);
    }
    return result;
}

/* ---- the outside ------------------------------------------------------- */

/* The reading is given back with its last answer. */
static void finish(struct reading *reading, enum reading_result result, const char *problem,
                   struct mailbox *to)
{
    struct reading_answer *answer = reading->last;

    reading->last = NULL;
    answer->result = result;
    snprintf(answer->problem, sizeof answer->problem, "%s", problem);
    answer->told = reading->told;
    reading->told = (struct bytes){ 0 };
    mailbox_push(to, &answer->letter);
}

static int step(struct reading *reading, struct store *store, struct mailbox *to, bool *all)
{
    switch (reading->asks) {
    case READING_SERIES:
        return read_series(reading, store, all);
    case READING_EVENTS:
        return read_events(reading, store, to, all);
    case READING_WINDOWS:
        break;
    }
    return read_rows(reading, store, to, all);
}

bool reading_step(struct reading *reading, struct store *store, struct mailbox *to, int *result)
{
    bool all = true;
    bool called_off = atomic_load_explicit(&reading->called_off, memory_order_relaxed);

    *result = store != NULL && !called_off ? step(reading, store, to, &all) : SQLITE_OK;
    if (store == NULL)
        finish(reading, READING_BROKEN, "the past on disk is not there at the moment", to);
    else if (*result != SQLITE_OK)
        finish(reading, READING_BROKEN, sqlite3_errstr(*result), to);
    else if (reading->told.failed || reading->told.len > TOLD_BYTES_MAX)
        finish(reading, READING_BROKEN, "too many series of that name are in the past", to);
    else if (all)
        finish(reading, READING_ALL, "", to);
    else
        return true;
    return false;
}
