#include "server/commands/expect_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/commands/expect_nearest.h"
#include "server/commands/shown_slice.h"

enum { LISTED_MAX = 5 };

/* What is looked at. */
struct checking {
    const struct expect_file *file;
    struct expect_seen *seen;
    bool *expected; /* of each item: some expectation meant it */
    struct verdicts *out;
};

/* All of the matched items as one. */
struct sum {
    size_t n;
    const struct seen_item *first; /* the one whose kind all have */
    bool mixed;                    /* they have not */
    bool no_memory;
    double number;
    int64_t newest_ms;
    void *object; /* in the scratch */
};

/* Into a copy, also of one: what is asked of an object may leave parts of it in the arena that
 * is given with the question. */
static void add_object(struct checking *checking, struct sum *sum, const struct seen_item *item)
{
    const struct object_ops *ops = cell_kinds[item->cell].object;
    struct arena *scratch = expect_seen_scratch(checking->seen);
    struct exactness exactness = { .values = SEEN_EXACT_VALUES };

    if (sum->object == NULL)
        sum->object = ops->make(scratch);
    sum->no_memory = sum->no_memory || sum->object == NULL ||
                     !ops->merge(sum->object, scratch, item->object, &exactness);
}

static void add_item(struct checking *checking, struct sum *sum, const struct seen_item *item)
{
    sum->n++;
    if (sum->first == NULL)
        sum->first = item;
    sum->mixed = sum->mixed || sum->first->cell != item->cell;
    if (sum->mixed)
        return;
    if (item->object != NULL)
        add_object(checking, sum, item);
    else if (item->cell == CELL_COUNT)
        sum->number += item->number;
    else if (item->newest_ms >= sum->newest_ms)
        sum->number = item->number;
    if (item->newest_ms > sum->newest_ms)
        sum->newest_ms = item->newest_ms;
}

static void add_up(struct checking *checking, const struct expectation *expectation,
                   struct sum *out)
{
    *out = (struct sum){ .n = 0 };
    arena_free(expect_seen_scratch(checking->seen));
    for (size_t i = 0; i < expect_seen_count(checking->seen); i++) {
        struct seen_item *item = expect_seen_at(checking->seen, i);

        if (!expect_is_meant(expectation, item))
            continue;
        checking->expected[i] = true;
        add_item(checking, out, item);
    }
}

/* ---- their numbers ----------------------------------------------------- */

static double of_histogram(struct checking *checking, struct histogram *histogram,
                           const struct expected_number *number)
{
    struct arena *scratch = expect_seen_scratch(checking->seen);
    double value = NAN;

    if (number->stat == STAT_MEDIAN
            ? histogram_median(histogram, scratch, &value)
            : histogram_percentile(histogram, scratch, number->percent, &value))
        return value;
    return NAN;
}

/* Of what has many values. */
static double of_object(struct checking *checking, const struct sum *sum,
                        const struct expected_number *number)
{
    struct object_summary summary = expect_seen_summary(sum->first->cell, sum->object);

    switch (number->stat) {
    case STAT_VALUE:
        return NAN;
    case STAT_COUNT:
        return summary.count;
    case STAT_SUM:
        return summary.sum;
    case STAT_MIN:
        return summary.min;
    case STAT_MAX:
        return summary.max;
    case STAT_AVG:
        return summary.sum / summary.count;
    case STAT_MEDIAN:
    case STAT_PERCENTILE:
        break;
    }
    if (sum->first->cell == CELL_HISTOGRAM)
        return of_histogram(checking, sum->object, number);
    return sketch_quantile(sum->object, expect_seen_scratch(checking->seen),
                           number->stat == STAT_MEDIAN ? 0.5 : number->percent / 100.0);
}

static bool has_many_values(const struct seen_item *item)
{
    return item->cell == CELL_HISTOGRAM || item->cell == CELL_DISTRIBUTION;
}

/* NAN: it has no such number. */
static double number_of(struct checking *checking, const struct sum *sum,
                        const struct expected_number *number)
{
    if (sum->first->kind != EXPECT_SERIES)
        return (double)sum->n;
    if (has_many_values(sum->first))
        return of_object(checking, sum, number);
    if (number->stat != STAT_VALUE)
        return NAN;
    return sum->object != NULL ? expect_seen_summary(sum->first->cell, sum->object).last
                               : sum->number;
}

/* What a sketch knows of a percentile is within a hundredth. */
static bool fits(const struct sum *sum, const struct expected_number *number, double value)
{
    bool rough = sum->first->kind == EXPECT_SERIES && sum->first->cell == CELL_DISTRIBUTION &&
                 number->stat >= STAT_MEDIAN;
    struct expected_number wide = *number;

    if (rough) {
        wide.low -= fabs(wide.low) / 100;
        wide.high += fabs(wide.high) / 100;
    }
    return expect_number_fits(&wide, value);
}

/* ---- differences ------------------------------------------------------- */

static void put_came(FILE *out, struct checking *checking,
                     const struct expectation *expectation)
{
    size_t listed = 0, more = 0;

    for (size_t i = 0; i < expect_seen_count(checking->seen); i++) {
        const struct seen_item *item = expect_seen_at(checking->seen, i);

        if (!expect_is_meant(expectation, item))
            continue;
        if (listed == LISTED_MAX) {
            more++;
            continue;
        }
        fputs(listed++ == 0 ? "came:     " : "          ", out);
        expect_seen_put(out, item);
        fputc('\n', out);
    }
    if (more > 0)
        fprintf(out, "          and %zu more\n", more);
}

static void put_wrong_number(FILE *out, const struct sum *sum,
                             const struct expected_number *number, double value)
{
    fputs("expected: ", out);
    shown_slice(out, number->key);
    fputc(' ', out);
    shown_slice(out, number->text);
    if (isnan(value))
        fprintf(out, ", which a %.*s does not have (%s)\n",
                (int)sum->first->fields[FIELD_WORD].len, sum->first->fields[FIELD_WORD].at,
                has_many_values(sum->first)
                    ? "it has count, sum, min, max, avg, median and p1 to p99"
                    : "it has a value");
    else
        fprintf(out, ", but it is %.12g\n", value);
}

/* Writes what is wrong with the numbers of what came. True: something is. */
static bool put_numbers(FILE *out, struct checking *checking,
                        const struct expectation *expectation, const struct sum *sum)
{
    bool wrong = sum->no_memory || (sum->mixed && expectation->n_numbers > 0);

    if (sum->no_memory)
        fputs("there is not enough memory to add up what came\n", out);
    else if (wrong)
        fputs("expected: one kind of series, but there are several: say which by its type\n",
              out);
    for (size_t i = 0; i < expectation->n_numbers && !sum->no_memory && !sum->mixed; i++) {
        const struct expected_number *number = &expectation->numbers[i];
        double value = number_of(checking, sum, number);

        if (fits(sum, number, value))
            continue;
        put_wrong_number(out, sum, number, value);
        wrong = true;
    }
    return wrong;
}

/* "count: 0" of events is met by none, as absent is. */
static bool may_be_none(const struct expectation *expectation)
{
    if (expectation->absent)
        return true;
    for (size_t i = 0; i < expectation->n_numbers; i++)
        if (expectation->kind == EXPECT_SERIES ||
            !expect_number_fits(&expectation->numbers[i], 0))
            return false;
    return expectation->n_numbers > 0;
}

/* Writes the difference. True: it is met, and nothing was written. */
static bool check_one(FILE *out, struct checking *checking,
                      const struct expectation *expectation)
{
    struct sum sum;

    add_up(checking, expectation, &sum);
    if (sum.n == 0 && may_be_none(expectation))
        return true;
    if (sum.n == 0) {
        expect_put_nearest(out, expectation, checking->seen);
        return false;
    }
    if (expectation->absent)
        fputs("expected: nothing\n", out);
    else if (!put_numbers(out, checking, expectation, &sum))
        return true;
    put_came(out, checking, expectation);
    return false;
}

/* ---- verdicts ---------------------------------------------------------- */

/* A text that is written once; at is NULL without memory. */
struct writing {
    FILE *out;
    char *at;
    size_t len;
};

static bool begin(struct writing *writing)
{
    writing->at = NULL;
    writing->out = open_memstream(&writing->at, &writing->len);
    return writing->out != NULL;
}

static char *end(struct writing *writing)
{
    if (fclose(writing->out) == 0)
        return writing->at;
    free(writing->at);
    return NULL;
}

static void add(struct verdicts *out, size_t line, char *title, char *difference, bool met)
{
    out->failed = out->failed || title == NULL || (!met && difference == NULL);
    if (met) {
        free(difference);
        difference = NULL;
    }
    out->n_failed += !met;
    out->at[out->n++] = (struct verdict){ line, title, difference };
}

static char *title_of(const struct expectation *expectation)
{
    struct writing writing;

    if (!begin(&writing))
        return NULL;
    expect_put_title(writing.out, expectation);
    return end(&writing);
}

static void judge(struct checking *checking, const struct expectation *expectation)
{
    struct writing writing;

    if (!begin(&writing)) {
        checking->out->failed = true;
        return;
    }
    bool met = check_one(writing.out, checking, expectation);

    add(checking->out, expectation->line, title_of(expectation), end(&writing), met);
}

bool expect_check_minds(const struct expect_file *file, const struct seen_item *item)
{
    struct slice name = item->fields[FIELD_NAME];
    bool ignored = expect_pattern_fits(SLICE("datadog.dogstatsd.client.*"), name);

    for (size_t i = 0; i < file->n_ignore && !ignored; i++)
        ignored = expect_pattern_fits(file->ignore[i], name);
    return !ignored;
}

static void judge_only(struct checking *checking)
{
    size_t n = 0;
    struct writing writing;

    if (!begin(&writing)) {
        checking->out->failed = true;
        return;
    }
    for (size_t i = 0; i < expect_seen_count(checking->seen); i++) {
        const struct seen_item *item = expect_seen_at(checking->seen, i);

        if (checking->expected[i] || !expect_check_minds(checking->file, item))
            continue;
        if (n++ >= LISTED_MAX)
            continue;
        fprintf(writing.out, "came:     %s ", expect_kind_word(item->kind));
        expect_seen_put(writing.out, item);
        fputc('\n', writing.out);
    }
    if (n > LISTED_MAX)
        fprintf(writing.out, "          and %zu more\n", n - LISTED_MAX);
    add(checking->out, 0, strdup("only what is expected"), end(&writing), n == 0);
}

static void judge_refused(struct checking *checking, uint64_t rejected)
{
    const struct expected_number *refused = &checking->file->refused;
    struct writing writing;

    if (!begin(&writing)) {
        checking->out->failed = true;
        return;
    }
    fputs("expected: ", writing.out);
    shown_slice(writing.out, refused->text);
    fprintf(writing.out, ", but it is %llu\n", (unsigned long long)rejected);
    add(checking->out, 0, strdup("lines that are refused"), end(&writing),
        expect_number_fits(refused, (double)rejected));
}

/* What was not remembered may be what was expected, or what must not come. */
static void judge_left_out(struct checking *checking)
{
    struct writing writing;

    if (!begin(&writing)) {
        checking->out->failed = true;
        return;
    }
    fprintf(writing.out, "more came than is remembered: %llu times something was left out\n",
            (unsigned long long)expect_seen_left_out(checking->seen));
    add(checking->out, 0, strdup("all is remembered"), end(&writing), false);
}

void expect_check_all(struct verdicts *out, const struct expect_file *file,
                      struct expect_seen *seen, const struct private_account *account)
{
    enum { OTHERS = 3 };
    struct checking checking = { file, seen, NULL, out };

    *out = (struct verdicts){ .at = calloc(file->n + OTHERS, sizeof *out->at) };
    checking.expected = calloc(expect_seen_count(seen) + 1, sizeof *checking.expected);
    out->failed = out->at == NULL || checking.expected == NULL;
    expect_seen_sort(seen);
    for (size_t i = 0; i < file->n && !out->failed; i++)
        judge(&checking, &file->at[i]);
    if (file->only && !out->failed)
        judge_only(&checking);
    if (file->has_refused && !out->failed)
        judge_refused(&checking, account->rejected);
    if (expect_seen_left_out(seen) > 0 && !out->failed)
        judge_left_out(&checking);
    free(checking.expected);
}

void verdicts_free(struct verdicts *given)
{
    for (size_t i = 0; i < given->n; i++) {
        free(given->at[i].title);
        free(given->at[i].difference);
    }
    free(given->at);
    *given = (struct verdicts){ .at = NULL };
}
