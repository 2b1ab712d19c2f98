#include "flush/language/question.h"

#include "protocol/number.h"

enum { SECONDS_MAX = 366 * 86400 };

static const struct {
    struct slice word;
    enum aggregate aggregate;
    enum method method;
} words[] = {
    { { "avg", 3 }, AGGREGATE_OVER_AVG, METHOD_AVG },
    { { "sum", 3 }, AGGREGATE_OVER_SUM, METHOD_SUM },
    { { "min", 3 }, AGGREGATE_OVER_MIN, METHOD_MIN },
    { { "max", 3 }, AGGREGATE_OVER_MAX, METHOD_MAX },
    { { "count", 5 }, AGGREGATE_OVER_COUNT, METHOD_COUNT },
    { { "last", 4 }, AGGREGATE_OVER_QUANTILE, METHOD_LAST }, /* a method only */
};

enum { WORDS = sizeof words / sizeof words[0] };

/* ---- the parts, in the order of the grammar ---------------------------- */

static bool read_quantile(struct slice word, double *out)
{
    if (word.len < 2 || word.at[0] != 'p' || strchr("0123456789", word.at[1]) == NULL)
        return false;
    if (!number_double(slice_skip(word, 1), out) || !(*out >= 0 && *out <= 100))
        return false;
    *out /= 100;
    return true;
}

static bool read_aggregate(struct reader *reader, struct slice word, struct question *out)
{
    out->aggregate_word = word;
    for (size_t i = 0; i < WORDS; i++) {
        out->aggregate = words[i].aggregate;
        if (slice_equal(word, words[i].word) && words[i].method != METHOD_LAST)
            return true;
    }
    out->aggregate = AGGREGATE_OVER_QUANTILE;
    return read_quantile(word, &out->quantile) ||
           reader_refuse(reader, word.at,
                         "expected avg, sum, min, max, count or a percentile (p95)");
}

static bool read_metric(struct reader *reader, struct question *out)
{
    static const char ends[] = "{}():, \t\r\n";
    struct slice word = reader_take_until(reader, ends);

    if (reader_take(reader, ':')) {
        if (!read_aggregate(reader, word, out))
            return false;
        word = reader_take_until(reader, ends);
    }
    out->metric = word;
    if (word.len == 0)
        return reader_refuse(reader, word.at, "expected the name of a metric");
    return reader_take(reader, '{') ||
           reader_refuse(reader, reader->rest.at,
                         "expected { and a scope behind the metric, {*} for everything");
}

static bool read_key(struct reader *reader, struct question *out)
{
    struct slice key = reader_take_until(reader, ",}");

    if (key.len == 0 || memchr(key.at, ':', key.len) != NULL ||
        memchr(key.at, '*', key.len) != NULL)
        return reader_refuse(reader, key.at, "expected the key of a tag, as in by {host}");
    if (out->n_by == QUESTION_BY_MAX)
        return reader_refuse(reader, key.at, "expected no more than %d keys", QUESTION_BY_MAX);
    out->by[out->n_by++] = key;
    return true;
}

static bool read_by(struct reader *reader, struct question *out)
{
    const char *begin = reader->rest.at;

    reader_skip_space(reader);
    if (!slice_starts(reader->rest, SLICE("by")))
        return true;
    reader->rest = slice_skip(reader->rest, 2);
    if (!reader_take(reader, '{'))
        return reader_refuse(reader, reader->rest.at, "expected { behind by");
    do {
        if (!read_key(reader, out))
            return false;
    } while (reader_take(reader, ','));
    if (!reader_take(reader, '}'))
        return reader_refuse(reader, reader->rest.at, "expected , or } behind the key");
    out->by_text = (struct slice){ begin, (size_t)(reader->rest.at - begin) };
    return true;
}

static bool read_seconds(struct reader *reader, struct slice text, int64_t most, int64_t *out)
{
    return (number_int64(text, out) && *out >= 1 && *out <= most) ||
           reader_refuse(reader, text.at, "expected seconds from 1 to %lld", (long long)most);
}

static bool read_method(struct reader *reader, struct slice word, struct question *out)
{
    for (size_t i = 0; i < WORDS; i++) {
        out->method = words[i].method;
        if (slice_equal(word, words[i].word))
            return true;
    }
    return reader_refuse(reader, word.at,
                         "expected avg, sum, min, max, count, last or seconds");
}

static bool read_rollup(struct reader *reader, struct question *out)
{
    struct slice word = reader_take_until(reader, ",)");

    if (word.len > 0 && strchr("+-0123456789", word.at[0]) != NULL)
        return read_seconds(reader, word, SECONDS_MAX, &out->seconds);
    if (!read_method(reader, word, out))
        return false;
    return !reader_take(reader, ',') ||
           read_seconds(reader, reader_take_until(reader, ",)"), SECONDS_MAX, &out->seconds);
}

static bool read_fill(struct reader *reader, struct question *out)
{
    static const struct slice ways[] = {
        [FILL_LINEAR] = { "linear", 6 },
        [FILL_LAST] = { "last", 4 },
        [FILL_ZERO] = { "zero", 4 },
        [FILL_NULL] = { "null", 4 },
    };
    struct slice word = reader_take_until(reader, ",)");
    size_t i = 0;

    while (i < sizeof ways / sizeof ways[0] && !slice_equal(word, ways[i]))
        i++;
    if (i == sizeof ways / sizeof ways[0])
        return reader_refuse(reader, word.at, "expected linear, last, zero or null");
    out->fill = (enum fill)i;
    return !reader_take(reader, ',') || read_seconds(reader, reader_take_until(reader, ",)"),
                                                     QUESTION_FILL_MAX_S, &out->fill_s);
}

static bool read_nothing(struct reader *reader, struct question *out)
{
    (void)reader, (void)out;
    return true;
}

/* What may stand once behind a query. */
enum part { PART_ROLLUP = 1, PART_FILL = 2, PART_SHAPE = 4 };

static const char *twice(enum part part)
{
    return part == PART_ROLLUP
               ? "expected one .rollup( ): the points of another are not rolled up"
           : part == PART_FILL ? "expected one .fill( )"
                               : "expected one of .as_count( ) and .as_rate( )";
}

/* seen: the parts that stand before it. */
static bool read_function(struct reader *reader, struct question *out, unsigned *seen)
{
    static const struct {
        struct slice name;
        bool (*read)(struct reader *reader, struct question *out);
        enum part part;
        enum counter_shape shape;
    } rows[] = {
        { { "rollup", 6 }, read_rollup, PART_ROLLUP, SHAPE_STANDARD },
        { { "fill", 4 }, read_fill, PART_FILL, SHAPE_STANDARD },
        { { "as_count", 8 }, read_nothing, PART_SHAPE, SHAPE_COUNT },
        { { "as_rate", 7 }, read_nothing, PART_SHAPE, SHAPE_RATE },
    };
    struct slice name = reader_take_word(reader);
    size_t i = 0;

    while (i < sizeof rows / sizeof rows[0] && !slice_equal(name, rows[i].name))
        i++;
    if (i == sizeof rows / sizeof rows[0])
        return reader_refuse(reader, name.at,
                             "expected rollup, fill, as_count or as_rate behind the dot");
    if ((*seen & rows[i].part) != 0)
        return reader_refuse(reader, name.at, "%s", twice(rows[i].part));
    *seen |= rows[i].part;
    if (!reader_take(reader, '('))
        return reader_refuse(reader, reader->rest.at, "expected ( behind %.*s", (int)name.len,
                             name.at);
    if (rows[i].shape != SHAPE_STANDARD)
        out->shape = rows[i].shape;
    return rows[i].read(reader, out) &&
           (reader_take(reader, ')') || reader_refuse(reader, reader->rest.at, "expected )"));
}

bool question_read(struct reader *reader, struct question *out)
{
    reader_skip_space(reader);
    const char *begin = reader->rest.at;
    unsigned seen = 0;

    *out = (struct question){ .fill = FILL_NULL, .fill_s = QUESTION_FILL_S };
    if (!read_metric(reader, out) || !scope_read(reader, &out->scope) || !read_by(reader, out))
        return false;
    while (reader_take(reader, '.'))
        if (!read_function(reader, out, &seen))
            return false;
    out->text = reader_text_since(reader, begin);
    return true;
}
