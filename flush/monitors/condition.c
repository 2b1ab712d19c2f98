#include "flush/monitors/condition.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "flush/language/expression.h"
#include "protocol/number.h"

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, WEEK_S = 7 * DAY_S };
enum { LAST_MAX = 100 /* statuses of a check */, EMPTY_BUCKETS_MAX = 3 /* of a full window */ };

/* In the order of the enum. */
static const char *const reduce_words[] = { "avg", "sum", "min", "max" };

/* The longer ones first: the first that fits is meant. */
static const struct {
    const char *text;
    enum comparator comparator;
} comparators[] = {
    { ">=", ABOVE_OR_EQUAL }, { "<=", BELOW_OR_EQUAL }, { "==", EQUAL },
    { "!=", NOT_EQUAL },      { ">", ABOVE },           { "<", BELOW },
};

/* ---- comparing --------------------------------------------------------- */

bool comparator_holds(enum comparator comparator, double value, double threshold)
{
    switch (comparator) {
    case ABOVE:
        return value > threshold;
    case ABOVE_OR_EQUAL:
        return value >= threshold;
    case BELOW:
        return value < threshold;
    case BELOW_OR_EQUAL:
        return value <= threshold;
    case EQUAL:
        return !(value < threshold) && !(value > threshold);
    case NOT_EQUAL:
        return value < threshold || value > threshold;
    }
    return false;
}

const char *comparator_text(enum comparator comparator)
{
    for (size_t i = 0; i < sizeof comparators / sizeof *comparators; i++)
        if (comparators[i].comparator == comparator)
            return comparators[i].text;
    return "";
}

static bool take_comparator(struct reader *reader, enum comparator *out)
{
    reader_skip_space(reader);
    for (size_t i = 0; i < sizeof comparators / sizeof *comparators; i++) {
        struct slice text = slice_of(comparators[i].text);

        if (slice_starts(reader->rest, text)) {
            reader->rest = slice_skip(reader->rest, text.len);
            *out = comparators[i].comparator;
            return true;
        }
    }
    return reader_refuse(reader, reader->rest.at,
                         "expected a comparison: >, >=, <, <=, == or !=");
}

/* ---- windows ----------------------------------------------------------- */

static int64_t unit_s(struct slice unit)
{
    static const struct {
        const char *word;
        int64_t seconds;
    } units[] = { { "m", MINUTE_S }, { "h", HOUR_S }, { "d", DAY_S }, { "w", WEEK_S } };

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (slice_equal(unit, slice_of(units[i].word)))
            return units[i].seconds;
    return 0;
}

/* "5m": 300. 0: it is none, or longer than a week. */
static int64_t span_s(struct slice text)
{
    int64_t n = 0;
    size_t digits = 0;

    while (digits < text.len && digits < 5 && text.at[digits] >= '0' && text.at[digits] <= '9')
        n = 10 * n + (text.at[digits++] - '0');
    int64_t seconds = n * unit_s(slice_skip(text, digits));

    return digits > 0 && seconds <= WEEK_S ? seconds : 0;
}

static bool strip(struct slice *text, struct slice prefix, struct slice suffix)
{
    if (text->len < prefix.len + suffix.len || !slice_starts(*text, prefix) ||
        !slice_equal(slice_skip(*text, text->len - suffix.len), suffix))
        return false;
    *text = slice_skip(*text, prefix.len);
    text->len -= suffix.len;
    return true;
}

static bool read_window(struct reader *reader, int64_t *out)
{
    struct slice word = reader_take_word(reader);
    struct slice span = word;

    if (strip(&span, SLICE("current_"), SLICE("")))
        return reader_refuse(reader, word.at,
                             "windows of the calendar (current_...) are not there; "
                             "expected one like last_5m");
    if (!strip(&span, SLICE("last_"), SLICE("")) || (*out = span_s(span)) == 0)
        return reader_refuse(reader, word.at,
                             "expected a window, as last_5m, last_4h, last_1d or last_1w");
    return true;
}

static bool read_shift(struct reader *reader, int64_t *out)
{
    struct slice word = reader_take_word(reader);
    struct slice span = word;

    if ((!strip(&span, SLICE(""), SLICE("_ago")) && !strip(&span, SLICE("last_"), SLICE(""))) ||
        (*out = span_s(span)) == 0)
        return reader_refuse(reader, word.at, "expected how long before, as 30m_ago or 1d_ago");
    return true;
}

static bool expect(struct reader *reader, char wanted)
{
    return reader_take(reader, wanted) ||
           reader_refuse(reader, reader->rest.at, "expected '%c'", wanted);
}

static bool read_reduce(struct reader *reader, struct slice word, struct condition *out)
{
    for (size_t i = 0; i < sizeof reduce_words / sizeof *reduce_words; i++)
        if (slice_equal(word, slice_of(reduce_words[i]))) {
            out->reduce = (enum condition_reduce)i;
            return expect(reader, '(') && read_window(reader, &out->window_s) &&
                   expect(reader, ')');
        }
    return reader_refuse(reader, word.at,
                         "expected avg, sum, min, max, change or pct_change, and its window");
}

/* ---- of a value or a change -------------------------------------------- */

/* How much of the text stands before the comparison. */
static size_t expression_length(struct slice text)
{
    int depth = 0;
    char quote = '\0';

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (quote != '\0')
            quote = c == quote ? '\0' : quote;
        else if (c == '\'' || c == '"')
            quote = c;
        else if (slice_is_one_of(c, "({"))
            depth++;
        else if (slice_is_one_of(c, ")}"))
            depth--;
        else if (depth == 0 && slice_is_one_of(c, "<>=!"))
            return i;
    }
    return text.len;
}

static size_t count_characters(const char *from, const char *to)
{
    size_t n = 0;

    for (; from < to; from++)
        n += ((unsigned char)*from & 0xc0) != 0x80;
    return n;
}

void condition_place_problem(const struct condition *condition, struct slice text,
                             char *problem, size_t size)
{
    size_t by = count_characters(text.at, condition->expression.at), column;
    int skip = 0;
    char copy[512];

    if (sscanf(problem, "column %zu: %n", &column, &skip) != 1 || skip == 0)
        return;
    snprintf(copy, sizeof copy, "%s", problem + skip);
    snprintf(problem, size, "column %zu: %s", column + by, copy);
}

static void take_groups(const struct expression *expression, struct condition *out)
{
    for (size_t q = 0; q < expression->n_queries && out->n_by == 0; q++)
        for (size_t i = 0; i < expression->queries[q].n_by && i < CONDITION_BY_MAX; i++)
            out->by[out->n_by++] = expression->queries[q].by[i];
}

static bool has_tag(const struct slice *tags, size_t n, struct slice tag)
{
    size_t i = 0;

    while (i < n && !slice_equal(tags[i], tag))
        i++;
    return i < n;
}

/* What the scopes of all its queries ask for. */
static void take_required(const struct expression *expression, struct condition *out)
{
    struct slice tags[CONDITION_SCOPES_MAX];

    out->n_required =
        scope_requires(&expression->queries[0].scope, out->required, CONDITION_SCOPES_MAX);
    for (size_t q = 1; q < expression->n_queries; q++) {
        size_t n = scope_requires(&expression->queries[q].scope, tags, CONDITION_SCOPES_MAX);
        size_t kept = 0;

        for (size_t i = 0; i < out->n_required; i++)
            if (has_tag(tags, n, out->required[i]))
                out->required[kept++] = out->required[i];
        out->n_required = kept;
    }
}

/* What is compared is a share of the points in the end of the window. */
static bool check_anomalies(struct reader *reader, const struct expression *expression,
                            struct condition *condition)
{
    const struct node *last = &expression->nodes[expression->n_nodes - 1];

    condition->is_of_anomalies = last->kind == NODE_FUNCTION && last->call.function->band;
    if (!condition->is_of_anomalies)
        return true;
    if (condition->threshold < 0 || condition->threshold > 1)
        return reader_refuse(reader, reader->rest.at,
                             "expected a share of the points, from 0 to 1");
    condition->alert_window_s = (int64_t)last->call.arguments[ANOMALIES_ALERT_WINDOW];
    return condition->alert_window_s <= condition->window_s ||
           reader_refuse(reader, condition->expression.at,
                         "the alert_window is longer than the window");
}

static bool check_expression(struct reader *reader, struct condition *out)
{
    struct expression *expression = malloc(sizeof *expression);

    if (expression == NULL) {
        snprintf(reader->problem, reader->problem_size, "out of memory");
        return false;
    }
    bool fine =
        expression_parse(out->expression, expression, reader->problem, reader->problem_size);

    if (fine && out->kind == CONDITION_CHANGE)
        fine = expression_make_change(expression, out->shift_s, out->relative, reader->problem,
                                      reader->problem_size);
    if (fine) {
        take_groups(expression, out);
        take_required(expression, out);
    } else {
        condition_place_problem(out, reader->text, reader->problem, reader->problem_size);
    }
    fine = fine && check_anomalies(reader, expression, out);
    free(expression);
    return fine;
}

static bool read_threshold(struct reader *reader, double *out)
{
    reader_skip_space(reader);
    const char *at = reader->rest.at;
    struct slice number = slice_trim(reader->rest, READER_SPACE);

    if (number.len == 0 || !number_double(number, out) || *out - *out != 0)
        return reader_refuse(reader, at, "expected a number, and nothing behind it");
    return true;
}

static bool read_comparison(struct reader *reader, struct condition *out)
{
    size_t len = expression_length(reader->rest);

    out->expression = slice_trim((struct slice){ reader->rest.at, len }, READER_SPACE);
    if (out->expression.len == 0)
        return reader_refuse(reader, reader->rest.at, "expected a query");
    reader->rest = slice_skip(reader->rest, len);
    return take_comparator(reader, &out->comparator) &&
           read_threshold(reader, &out->threshold) && check_expression(reader, out);
}

static bool read_change(struct reader *reader, struct condition *out)
{
    return expect(reader, '(') && read_reduce(reader, reader_take_word(reader), out) &&
           expect(reader, ',') && read_shift(reader, &out->shift_s) && expect(reader, ')');
}

static bool read_value(struct reader *reader, struct condition *out)
{
    struct slice word = reader_take_word(reader);

    out->relative = slice_equal(word, SLICE("pct_change"));
    if (out->relative || slice_equal(word, SLICE("change"))) {
        out->kind = CONDITION_CHANGE;
        if (!read_change(reader, out))
            return false;
    } else {
        out->kind = CONDITION_VALUE;
        if (!read_reduce(reader, word, out))
            return false;
    }
    return expect(reader, ':') && read_comparison(reader, out);
}

/* ---- of a check -------------------------------------------------------- */

static bool read_string(struct reader *reader, struct slice *out)
{
    char quote = reader_next(reader);

    if (quote != '"' && quote != '\'')
        return reader_refuse(reader, reader->rest.at, "expected a text in quotes");
    reader->rest = slice_skip(reader->rest, 1);
    const char *end = memchr(reader->rest.at, quote, reader->rest.len);

    if (end == NULL)
        return reader_refuse(reader, reader->rest.at, "expected its other quote");
    *out = (struct slice){ reader->rest.at, (size_t)(end - reader->rest.at) };
    reader->rest = slice_skip(reader->rest, out->len + 1);
    return true;
}

/* ("a", "b"), each at most once; what was there before is replaced. */
static bool read_strings(struct reader *reader, struct slice *out, size_t most, size_t *n)
{
    *n = 0;
    if (!expect(reader, '('))
        return false;
    do {
        if (*n == most)
            return reader_refuse(reader, reader->rest.at, "expected no more than %zu", most);
        if (!read_string(reader, &out[(*n)++]))
            return false;
    } while (reader_take(reader, ','));
    return expect(reader, ')');
}

static bool read_last(struct reader *reader, uint32_t *out)
{
    double number;
    const char *at = reader->rest.at;

    if (!expect(reader, '('))
        return false;
    if (!reader_take_number(reader, &number) || number < 1 || number > LAST_MAX ||
        number > (double)(uint32_t)number)
        return reader_refuse(reader, at, "expected a whole number from 1 to %d", LAST_MAX);
    *out = (uint32_t)number;
    return expect(reader, ')');
}

/* One of .over() .exclude() .by() .last(); the last one is .count_by_status(). */
static bool read_part(struct reader *reader, struct condition *out, bool *is_last)
{
    struct slice word;

    if (!expect(reader, '.'))
        return false;
    word = reader_take_word(reader);
    if (slice_equal(word, SLICE("over")))
        return read_strings(reader, out->over, CONDITION_SCOPES_MAX, &out->n_over);
    if (slice_equal(word, SLICE("exclude")))
        return read_strings(reader, out->exclude, CONDITION_SCOPES_MAX, &out->n_exclude);
    if (slice_equal(word, SLICE("by")))
        return read_strings(reader, out->by, CONDITION_BY_MAX, &out->n_by);
    if (slice_equal(word, SLICE("last")))
        return read_last(reader, &out->last);
    if (slice_equal(word, SLICE("count_by_status"))) {
        *is_last = true;
        return expect(reader, '(') && expect(reader, ')');
    }
    return reader_refuse(reader, word.at,
                         "expected over, exclude, by, last or count_by_status%s",
                         slice_equal(word, SLICE("pct_by_status"))
                             ? "; alerts on a share of a cluster are not there"
                             : "");
}

static bool read_check(struct reader *reader, struct condition *out)
{
    bool is_last = false;

    out->kind = CONDITION_CHECK;
    out->last = 1;
    if (!read_string(reader, &out->check))
        return false;
    if (out->check.len == 0)
        return reader_refuse(reader, out->check.at, "expected the name of a check");
    while (!is_last)
        if (!read_part(reader, out, &is_last))
            return false;
    for (size_t i = 0; i < out->n_over; i++)
        if (!slice_equal(out->over[i], SLICE("*")))
            out->required[out->n_required++] = out->over[i];
    return reader_next(reader) == '\0' && reader->rest.len == 0
               ? true
               : reader_refuse(reader, reader->rest.at, "expected nothing behind it");
}

/* ---- of other monitors ------------------------------------------------- */

static bool add_step(struct reader *reader, struct condition *out, uint8_t step)
{
    if (out->n_steps == CONDITION_STEPS_MAX)
        return reader_refuse(reader, reader->rest.at, "expected fewer operators");
    out->program[out->n_steps++] = step;
    return true;
}

static bool take_sign(struct reader *reader, const char *sign)
{
    reader_skip_space(reader);
    if (!slice_starts(reader->rest, slice_of(sign)))
        return false;
    reader->rest = slice_skip(reader->rest, strlen(sign));
    return true;
}

static bool read_monitor(struct reader *reader, struct condition *out)
{
    const char *at = reader->rest.at;
    size_t digits = 0;
    int64_t number;
    uint8_t i = 0;

    while (digits < reader->rest.len && at[digits] >= '0' && at[digits] <= '9')
        digits++;
    if (!number_int64((struct slice){ at, digits }, &number) || number == 0)
        return reader_refuse(reader, at, "expected the number of a monitor, !, or (");
    reader->rest = slice_skip(reader->rest, digits);
    while (i < out->n_operands && out->operands[i] != number)
        i++;
    if (i == CONDITION_OPERANDS_MAX)
        return reader_refuse(reader, at, "expected no more than %d monitors",
                             CONDITION_OPERANDS_MAX);
    if (i == out->n_operands)
        out->operands[out->n_operands++] = number;
    return add_step(reader, out, i);
}

static bool read_any(struct reader *reader, struct condition *out, int depth);

static bool read_operand(struct reader *reader, struct condition *out, int depth)
{
    if (depth == CONDITION_DEPTH_MAX)
        return reader_refuse(reader, reader->rest.at, "expected fewer parentheses and !");
    if (take_sign(reader, "!"))
        return read_operand(reader, out, depth + 1) && add_step(reader, out, CONDITION_NOT);
    if (take_sign(reader, "("))
        return read_any(reader, out, depth + 1) && expect(reader, ')');
    return read_monitor(reader, out);
}

static bool read_all(struct reader *reader, struct condition *out, int depth)
{
    if (!read_operand(reader, out, depth))
        return false;
    while (take_sign(reader, "&&"))
        if (!read_operand(reader, out, depth) || !add_step(reader, out, CONDITION_AND))
            return false;
    return true;
}

static bool read_any(struct reader *reader, struct condition *out, int depth)
{
    if (!read_all(reader, out, depth))
        return false;
    while (take_sign(reader, "||"))
        if (!read_all(reader, out, depth) || !add_step(reader, out, CONDITION_OR))
            return false;
    return true;
}

static bool read_composite(struct reader *reader, struct condition *out)
{
    out->kind = CONDITION_COMPOSITE;
    if (!read_any(reader, out, 0))
        return false;
    reader_skip_space(reader);
    return reader->rest.len == 0 ||
           reader_refuse(reader, reader->rest.at, "expected && or ||, or the end");
}

static enum monitor_state opposite(enum monitor_state of)
{
    if (of == MONITOR_NO_DATA)
        return MONITOR_NO_DATA;
    return of == MONITOR_OK ? MONITOR_ALERT : MONITOR_OK;
}

enum monitor_state condition_combine(const struct condition *condition,
                                     const enum monitor_state *operands)
{
    enum monitor_state stack[CONDITION_STEPS_MAX] = { MONITOR_OK };
    size_t n = 0;

    for (size_t i = 0; i < condition->n_steps; i++) {
        uint8_t step = condition->program[i];

        if (step == CONDITION_NOT) {
            stack[n - 1] = opposite(stack[n - 1]);
        } else if (step == CONDITION_AND || step == CONDITION_OR) {
            enum monitor_state right = stack[--n], left = stack[n - 1];

            stack[n - 1] = (left < right) == (step == CONDITION_AND) ? left : right;
        } else {
            stack[n++] = operands[step];
        }
    }
    return stack[0];
}

/* ---- all --------------------------------------------------------------- */

bool condition_parse(struct slice text, struct condition *out, char *problem,
                     size_t problem_size)
{
    struct reader reader = { text, text, problem, problem_size };

    *out = (struct condition){ .text = slice_trim(text, READER_SPACE) };
    if (text.len > CONDITION_TEXT_MAX)
        return reader_refuse(&reader, text.at + CONDITION_TEXT_MAX,
                             "expected no more than %d bytes", CONDITION_TEXT_MAX);
    char first = reader_next(&reader);

    if (first == '"' || first == '\'')
        return read_check(&reader, out);
    if (slice_is_one_of(first, "0123456789!("))
        return read_composite(&reader, out);
    return read_value(&reader, out);
}

int64_t condition_period_s(const struct condition *condition)
{
    if (condition->window_s < DAY_S)
        return MINUTE_S;
    return (condition->window_s < 2 * DAY_S ? 10 : 30) * MINUTE_S;
}

int64_t condition_bucket_s(const struct condition *condition)
{
    if (condition->window_s < HOUR_S)
        return MINUTE_S;
    return condition->window_s < DAY_S ? 10 * MINUTE_S : HOUR_S;
}

bool condition_is_full(const struct condition *condition, bool has_first, int64_t buckets)
{
    return has_first &&
           condition->window_s / condition_bucket_s(condition) - buckets <= EMPTY_BUCKETS_MAX;
}

bool condition_has_value(const struct condition *condition)
{
    return condition->kind == CONDITION_VALUE || condition->kind == CONDITION_CHANGE;
}

double condition_pick(enum condition_reduce reduce, double a, double b)
{
    switch (reduce) {
    case REDUCE_AVG:
    case REDUCE_SUM:
        break;
    case REDUCE_MIN:
        return b < a ? b : a;
    case REDUCE_MAX:
        return b > a ? b : a;
    }
    return a + b;
}
