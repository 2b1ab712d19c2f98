/* The metrics that are known, or those of one host, a page of them.
 *
 *   scan    every series is counted under its name and type, if that name is looked for, or if
 * it is one of the host pick    the rows that come first, as many as the page and what is
 * before it sort    those place   which series belong to the rows of the page, and in which
 * blocks they stand spark   what these series were in each of the last intervals write   a row
 *
 * A row is a name and a type: one name with two types is two rows. Nothing is kept from one
 * answer to the next. It takes some 40 bytes a name that is looked for, and six a series. */
#include <stdlib.h>

#include "flush/memory/best.h"
#include "flush/memory/json_out.h"
#include "flush/rollups/answer_ops.h"
#include "flush/rollups/shown.h"
#include "flush/rollups/units.h"
#include "protocol/glob.h"

enum {
    UNITS = 8192,     /* of work in a step: to look at a series, or to read a block */
    UNITS_A_NAME = 8, /* a name that is compared, */
    STEPS_A_UNIT =
        256,           /* and more where name and pattern are long: bytes of one by the other */
    UNITS_A_ROW = 16,  /* a row that is put in order */
    UNITS_A_TEXT = 64, /* a row that is written */
    ROWS_MAX = 1 << 20,
    SPARKS = 30,  /* intervals */
    LIVE_S = 300, /* a series with a point in so many seconds lives */
};

/* In row_of. From ROW_FIRST on: a row. */
enum { ROW_UNKNOWN, ROW_UNWANTED, ROW_FIRST };

struct row {
    uint32_t name;
    uint32_t next; /* the same name with another type: as in row_of, or ROW_UNKNOWN */
    uint32_t series, live;
    uint32_t heard_s;
    uint8_t kind, unit;
    uint16_t place; /* on the page, from 1; 0: not there */
    uint64_t values;
};

struct spark {
    double sum, count;
};

enum phase { PHASE_SCAN, PHASE_PICK, PHASE_SORT, PHASE_PLACE, PHASE_SPARK, PHASE_WRITE };

struct list {
    struct rollup *rollup;
    struct units *units; /* or NULL */
    const struct inquiry *inquiry;
    struct slice pattern; /* of names */
    bool of_host;         /* only series of the host that the text names, */
    uint32_t host;        /* which is this text; STRINGS_NONE: there is none */
    uint32_t host_last_s; /* of its newest point */
    enum phase phase;
    uint32_t next; /* series, row or block that is looked at next */
    uint32_t end;  /* of the series at the beginning */
    uint32_t n_names;
    uint32_t *row_of; /* by name */
    struct row *rows;
    uint32_t n, capacity;
    struct best best;     /* rows */
    uint32_t first, last; /* the page: of what is in best */
    uint16_t *place_of;   /* by series */
    uint32_t *blocks;     /* that have such series */
    uint32_t n_blocks;
    int64_t newest_s;     /* start of the newest interval */
    int interval;         /* of SPARKS, that is read */
    struct spark *sparks; /* by place and interval */
    struct json_out out;
};

/* ---- begin and end ----------------------------------------------------- */

static void free_list(void *given)
{
    struct list *list = given;

    rollup_unpin(list->rollup);
    best_free(&list->best);
    bytes_free(&list->out.bytes);
    free(list->row_of);
    free(list->rows);
    free(list->place_of);
    free(list->blocks);
    free(list->sparks);
    free(list);
}

static struct slice name_of(const struct list *list, uint32_t row)
{
    return identities_text(rollup_identities(list->rollup), list->rows[row].name);
}

static bool is_before(const void *argument, uint32_t a, uint32_t b)
{
    const struct list *list = argument;
    const struct row *left = &list->rows[a], *right = &list->rows[b];

    if (list->inquiry->order == ORDER_VALUES && left->values != right->values)
        return left->values > right->values;
    if (list->inquiry->order == ORDER_SERIES && left->series != right->series)
        return left->series > right->series;
    int order = slice_compare(name_of(list, a), name_of(list, b));

    return order != 0 ? order < 0 : left->kind < right->kind;
}

static struct list *make(const struct answer_source *source, const struct inquiry *inquiry)
{
    struct list *list = calloc(1, sizeof *list);

    if (list == NULL)
        return NULL;
    list->rollup = source->rollup;
    list->units = source->units;
    list->inquiry = inquiry;
    list->end = rollup_end(source->rollup);
    list->n_names = identities_texts_end(rollup_identities(source->rollup));
    list->row_of = calloc(list->n_names + 1u, sizeof *list->row_of);
    list->place_of = calloc(list->end + 1u, sizeof *list->place_of);
    list->blocks = calloc(list->end / COLUMN_VALUES + 1u, sizeof *list->blocks);
    rollup_pin(list->rollup);
    if (best_init(&list->best, inquiry->offset + inquiry->limit, is_before, list) &&
        list->row_of != NULL && list->place_of != NULL && list->blocks != NULL)
        return list;
    free_list(list);
    return NULL;
}

/* The text is looked for in names. */
static void *begin_list(const struct answer_source *source, const struct inquiry *inquiry,
                        struct answer_problem *problem)
{
    struct list *list = make(source, inquiry);

    (void)problem;
    if (list != NULL)
        list->pattern = inquiry->text;
    return list;
}

/* The text is a host, letter by letter. */
static void *begin_host(const struct answer_source *source, const struct inquiry *inquiry,
                        struct answer_problem *problem)
{
    struct list *list = make(source, inquiry);

    (void)problem;
    if (list == NULL)
        return NULL;
    list->of_host = true;
    list->host = inquiry->text.len > 0
                     ? identities_find_text(rollup_identities(source->rollup), inquiry->text)
                     : STRINGS_NONE;
    return list;
}

/* ---- scan -------------------------------------------------------------- */

/* The place where the number of that row is or will be noted; NULL: nobody looks for it. */
static uint32_t *find_row(struct list *list, const struct rollup_series *series, int *left)
{
    uint32_t *at = &list->row_of[series->id.name];

    if (*at == ROW_UNKNOWN) {
        struct slice name = identities_text(rollup_identities(list->rollup), series->id.name);

        *left -= UNITS_A_NAME + (int)(name.len * list->pattern.len / STEPS_A_UNIT);
        if (!glob_finds(list->pattern, name))
            *at = ROW_UNWANTED;
    }
    if (*at == ROW_UNWANTED)
        return NULL;
    while (*at >= ROW_FIRST && list->rows[*at - ROW_FIRST].kind != series->kind)
        at = &list->rows[*at - ROW_FIRST].next;
    return at;
}

/* False without memory. Rows move, so that `at` is not good any more. */
static bool add_row(struct list *list, uint32_t *at, const struct rollup_series *series)
{
    uint32_t number = list->n;

    *at = number + ROW_FIRST;
    if (list->n == list->capacity) {
        uint32_t capacity = list->capacity * 2 + 64;
        struct row *grown = realloc(list->rows, capacity * sizeof *grown);

        if (grown == NULL)
            return false;
        list->rows = grown;
        list->capacity = capacity;
    }
    list->rows[list->n++] = (struct row){ .name = series->id.name, .kind = series->kind };
    return true;
}

static void count_series(const struct list *list, struct row *row,
                         const struct rollup_series *series)
{
    row->series++;
    row->live += (int64_t)series->last_s + LIVE_S > rollup_newest(list->rollup);
    row->values += shown_values(list->rollup, series);
    if (series->heard_s > row->heard_s)
        row->heard_s = series->heard_s;
    if (series->unit != UNIT_NONE)
        row->unit = series->unit;
}

/* A number or a name that was given away since the beginning is not looked at. */
static bool is_known(const struct list *list, const struct rollup_series *series)
{
    return series->live && series->id.name < list->n_names &&
           (!list->of_host || series->id.host == list->host);
}

static enum answer_state scan(struct list *list, struct answer_problem *problem)
{
    for (int left = UNITS; left > 0 && list->next < list->end; list->next++, left--) {
        const struct rollup_series *series = rollup_entry(list->rollup, list->next);
        uint32_t *at = is_known(list, series) ? find_row(list, series, &left) : NULL;

        if (at == NULL)
            continue;
        if (*at == ROW_UNKNOWN && list->n == ROWS_MAX)
            return answer_fail(problem, 400, "too many names match: look for fewer");
        uint32_t number = *at == ROW_UNKNOWN ? list->n : *at - ROW_FIRST;

        if (*at == ROW_UNKNOWN && !add_row(list, at, series))
            return answer_fail(problem, 503, "not enough memory for the answer");
        count_series(list, &list->rows[number], series);
        if (series->last_s > list->host_last_s)
            list->host_last_s = series->last_s;
    }
    if (list->next < list->end)
        return ANSWER_MORE;
    if (list->of_host && list->n == 0)
        return answer_fail(problem, 404, "no series of that host is known");
    list->phase = PHASE_PICK;
    list->next = 0;
    return ANSWER_MORE;
}

/* ---- pick and sort ----------------------------------------------------- */

static enum answer_state pick(struct list *list)
{
    for (int left = UNITS; left > 0 && list->next < list->n; left -= UNITS_A_ROW)
        best_offer(&list->best, list->next++);
    if (list->next == list->n)
        list->phase = PHASE_SORT;
    return ANSWER_MORE;
}

static enum answer_state sort(struct list *list, struct answer_problem *problem)
{
    const struct inquiry *inquiry = list->inquiry;

    if (!best_sort(&list->best, UNITS / UNITS_A_ROW))
        return ANSWER_MORE;
    list->last = list->best.n;
    list->first = inquiry->offset < list->last ? inquiry->offset : list->last;
    for (uint32_t i = list->first; i < list->last; i++)
        list->rows[list->best.at[i]].place = (uint16_t)(i - list->first + 1);
    list->sparks = calloc((list->last - list->first + 1u) * SPARKS, sizeof *list->sparks);
    if (list->sparks == NULL)
        return answer_fail(problem, 503, "not enough memory for the answer");
    list->phase = PHASE_PLACE;
    list->next = 0;
    return ANSWER_MORE;
}

/* ---- place and spark --------------------------------------------------- */

static uint16_t place_of(const struct list *list, const struct rollup_series *series)
{
    uint32_t at = list->row_of[series->id.name];

    while (at >= ROW_FIRST && list->rows[at - ROW_FIRST].kind != series->kind)
        at = list->rows[at - ROW_FIRST].next;
    return at >= ROW_FIRST ? list->rows[at - ROW_FIRST].place : 0;
}

static void begin_interval(struct list *list, int interval)
{
    list->interval = interval;
    list->next = 0;
    list->phase = interval < SPARKS ? PHASE_SPARK : PHASE_WRITE;
}

static enum answer_state place(struct list *list)
{
    for (int left = UNITS; left > 0 && list->next < list->end; list->next++, left--) {
        const struct rollup_series *series = rollup_entry(list->rollup, list->next);
        uint32_t block = list->next / COLUMN_VALUES;

        if (!is_known(list, series) || place_of(list, series) == 0)
            continue;
        list->place_of[list->next] = place_of(list, series);
        if (list->n_blocks == 0 || list->blocks[list->n_blocks - 1] != block)
            list->blocks[list->n_blocks++] = block;
    }
    if (list->next < list->end)
        return ANSWER_MORE;
    int64_t interval_s = rollup_interval(list->rollup), newest = rollup_newest(list->rollup);

    list->newest_s = newest >= 0 ? newest - newest % interval_s : newest;
    begin_interval(list, newest >= 0 ? 0 : SPARKS);
    return ANSWER_MORE;
}

static void spark_block(struct list *list, struct rollup_span span, uint32_t block)
{
    double sums[COLUMN_VALUES], counts[COLUMN_VALUES];
    uint64_t mask = rollup_read(list->rollup, span, block, WINDOW_SUM, sums);
    uint32_t first = block * COLUMN_VALUES;

    rollup_read(list->rollup, span, block, WINDOW_COUNT, counts);
    for (size_t i = 0; mask != 0; mask &= mask - 1, i++) {
        uint32_t number = first + (uint32_t)__builtin_ctzll(mask);
        uint32_t at = number < list->end ? list->place_of[number] : 0;

        if (at == 0)
            continue;
        struct spark *spark = &list->sparks[(at - 1) * SPARKS + (uint32_t)list->interval];
        spark->sum += sums[i];
        spark->count += counts[i];
    }
}

static enum answer_state spark(struct list *list)
{
    int64_t start_s =
        list->newest_s - (SPARKS - 1 - list->interval) * rollup_interval(list->rollup);
    int64_t found_s = start_s;
    struct rollup_span span;

    if (!rollup_find(list->rollup, 0, &found_s, &span) || found_s != start_s)
        list->next = list->n_blocks; /* there is none, or it was given up */
    for (int left = UNITS; left > 0 && list->next < list->n_blocks; left--)
        spark_block(list, span, list->blocks[list->next++]);
    if (list->next == list->n_blocks)
        begin_interval(list, list->interval + 1);
    return ANSWER_MORE;
}

/* ---- write ------------------------------------------------------------- */

static void write_head(struct list *list)
{
    struct json_out *out = &list->out;
    int64_t interval_s = rollup_interval(list->rollup);

    json_out_begin(out, NULL, '{');
    if (list->of_host) {
        json_out_slice(out, "host", list->inquiry->text);
        json_out_number(out, "last_s", list->host_last_s);
    }
    json_out_number(out, "total", list->n);
    json_out_signed(out, "interval_s", interval_s);
    json_out_signed(out, "until_s", list->newest_s >= 0 ? list->newest_s + interval_s : 0);
    json_out_begin(out, "metrics", '[');
}

/* Their values, and the last that there is. */
static void write_sparks(struct list *list, const struct row *row, const struct spark *sparks)
{
    int64_t interval_s = rollup_interval(list->rollup);
    double values[SPARKS], last = (double)NAN;

    for (int i = 0; i < SPARKS; i++) {
        values[i] = shown_value(row->kind, sparks[i].sum, sparks[i].count, interval_s);
        last = isfinite(values[i]) ? values[i] : last;
    }
    json_out_exact(&list->out, "last", last);
    json_out_begin(&list->out, "spark", '[');
    for (int i = 0; i < SPARKS; i++)
        json_out_exact(&list->out, NULL, values[i]);
    json_out_end(&list->out, ']');
}

static void write_row(struct list *list, uint32_t number)
{
    const struct row *row = &list->rows[number];
    struct json_out *out = &list->out;
    struct unit_words words = { .room = "" };

    units_read(list->units, name_of(list, number), (enum metric_unit)row->unit, &words);
    json_out_begin(out, NULL, '{');
    json_out_slice(out, "name", name_of(list, number));
    json_out_text(out, "type", shown_type(row->kind));
    json_out_slice(out, "unit", words.unit);
    json_out_slice(out, "per_unit", words.per);
    json_out_number(out, "series", row->series);
    json_out_number(out, "live", row->live);
    json_out_number(out, "values", row->values);
    json_out_number(out, "last_s", row->heard_s);
    write_sparks(list, row, &list->sparks[(row->place - 1u) * SPARKS]);
    json_out_end(out, '}');
}

static enum answer_state write_list(struct list *list, struct bytes *answer,
                                    struct answer_problem *problem)
{
    struct json_out *out = &list->out;

    if (out->bytes.len == 0)
        write_head(list);
    for (int left = UNITS; left > 0 && list->first < list->last; left -= UNITS_A_TEXT)
        write_row(list, list->best.at[list->first++]);
    if (list->first < list->last)
        return ANSWER_MORE;
    json_out_end(out, ']');
    json_out_end(out, '}');
    return answer_give(out, answer, problem);
}

static enum answer_state step(void *self, struct bytes *answer, struct answer_problem *problem)
{
    struct list *list = self;

    switch (list->phase) {
    case PHASE_SCAN:
        return scan(list, problem);
    case PHASE_PICK:
        return pick(list);
    case PHASE_SORT:
        return sort(list, problem);
    case PHASE_PLACE:
        return place(list);
    case PHASE_SPARK:
        return spark(list);
    case PHASE_WRITE:
        break;
    }
    return write_list(list, answer, problem);
}

const struct answer_ops answer_list = {
    .of_rollups = true,
    .begin = begin_list,
    .step = step,
    .free = free_list,
};

const struct answer_ops answer_host = {
    .of_rollups = true,
    .begin = begin_host,
    .step = step,
    .free = free_list,
};
