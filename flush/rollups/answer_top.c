/* The metrics that do most: values a second in the newest interval, and series.
 *
 *   scan    every series is counted under its name
 *   pick    the names that come first
 *   sort    those
 *   write   them
 *
 * Of a histogram there is a row for each of the metrics that are made of it, and each has all
 * its values. It takes 16 bytes a name. */
#include <stdlib.h>

#include "flush/memory/best.h"
#include "flush/memory/json_out.h"
#include "flush/rollups/answer_ops.h"
#include "flush/rollups/shown.h"

enum { SERIES_A_STEP = 8192, ROWS_A_STEP = 512 };

struct tally {
    uint64_t values;
    uint32_t series;
};

enum phase { PHASE_SCAN, PHASE_PICK, PHASE_SORT, PHASE_WRITE };

struct top {
    struct rollup *rollup;
    const struct inquiry *inquiry;
    enum phase phase;
    uint32_t next; /* series or name that is looked at next */
    uint32_t end;  /* of the series at the beginning */
    uint32_t n_names;
    struct tally *by_name;
    struct best best; /* names */
};

/* ---- begin and end ----------------------------------------------------- */

static void free_top(void *given)
{
    struct top *top = given;

    rollup_unpin(top->rollup);
    best_free(&top->best);
    free(top->by_name);
    free(top);
}

static struct slice name_of(const struct top *top, uint32_t name)
{
    return identities_text(rollup_identities(top->rollup), name);
}

static bool is_before(const void *argument, uint32_t a, uint32_t b)
{
    const struct top *top = argument;
    const struct tally *left = &top->by_name[a], *right = &top->by_name[b];

    if (top->inquiry->order == ORDER_SERIES && left->series != right->series)
        return left->series > right->series;
    if (left->values != right->values)
        return left->values > right->values;
    if (left->series != right->series)
        return left->series > right->series;
    return slice_compare(name_of(top, a), name_of(top, b)) < 0;
}

static void *begin(const struct answer_source *source, const struct inquiry *inquiry,
                   struct answer_problem *problem)
{
    struct top *top = calloc(1, sizeof *top);

    (void)problem;
    if (top == NULL)
        return NULL;
    top->rollup = source->rollup;
    top->inquiry = inquiry;
    top->end = rollup_end(source->rollup);
    top->n_names = identities_texts_end(rollup_identities(source->rollup));
    top->by_name = calloc(top->n_names + 1u, sizeof *top->by_name);
    rollup_pin(top->rollup);
    if (best_init(&top->best, inquiry->limit, is_before, top) && top->by_name != NULL)
        return top;
    free_top(top);
    return NULL;
}

/* ---- steps ------------------------------------------------------------- */

/* A number or a name that was given away since the beginning is not looked at. */
static void scan(struct top *top)
{
    for (int i = 0; i < SERIES_A_STEP && top->next < top->end; i++, top->next++) {
        const struct rollup_series *series = rollup_entry(top->rollup, top->next);

        if (!series->live || series->id.name >= top->n_names)
            continue;
        top->by_name[series->id.name].values += shown_values(top->rollup, series);
        top->by_name[series->id.name].series++;
    }
    if (top->next < top->end)
        return;
    top->phase = PHASE_PICK;
    top->next = 0;
}

static void pick(struct top *top)
{
    for (int i = 0; i < SERIES_A_STEP && top->next < top->n_names; i++, top->next++)
        if (top->by_name[top->next].series > 0)
            best_offer(&top->best, top->next);
    if (top->next == top->n_names)
        top->phase = PHASE_SORT;
}

static void write_row(struct json_out *out, const struct top *top, uint32_t name,
                      double seconds)
{
    const struct tally *tally = &top->by_name[name];

    json_out_begin(out, NULL, '{');
    json_out_slice(out, "what", name_of(top, name));
    json_out_real(out, "values", (double)tally->values / seconds);
    json_out_null(out, "lines");
    json_out_null(out, "bytes");
    json_out_number(out, "series", tally->series);
    json_out_end(out, '}');
}

/* At most a thousand rows. */
static enum answer_state write_all(const struct top *top, struct bytes *answer,
                                   struct answer_problem *problem)
{
    int64_t interval_s = rollup_interval(top->rollup);
    struct json_out out = { 0 };

    json_out_begin(&out, NULL, '{');
    json_out_text(&out, "by", "metric");
    json_out_signed(&out, "interval_s", interval_s);
    json_out_signed(&out, "seen_s", rollup_newest(top->rollup) >= 0 ? interval_s : 0);
    json_out_begin(&out, "rows", '[');
    for (uint32_t i = 0; i < top->best.n; i++)
        write_row(&out, top, top->best.at[i], (double)interval_s);
    json_out_end(&out, ']');
    json_out_end(&out, '}');
    enum answer_state state = answer_give(&out, answer, problem);

    bytes_free(&out.bytes);
    return state;
}

static enum answer_state step(void *self, struct bytes *answer, struct answer_problem *problem)
{
    struct top *top = self;

    switch (top->phase) {
    case PHASE_SCAN:
        scan(top);
        return ANSWER_MORE;
    case PHASE_PICK:
        pick(top);
        return ANSWER_MORE;
    case PHASE_SORT:
        if (best_sort(&top->best, ROWS_A_STEP))
            top->phase = PHASE_WRITE;
        return ANSWER_MORE;
    case PHASE_WRITE:
        break;
    }
    return write_all(top, answer, problem);
}

const struct answer_ops answer_top = {
    .of_rollups = true,
    .begin = begin,
    .step = step,
    .free = free_top,
};
