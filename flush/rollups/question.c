#include "flush/rollups/question.h"

#include <stdarg.h>
#include <stdio.h>

#include "protocol/number.h"

enum { SECONDS_MAX = 366 * 86400 };

/* Where the parser stands in the text. */
struct reader {
    struct slice text, rest;
    char *problem;
    size_t problem_size;
};

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

static const char space[] = " \t\r\n";

enum { WORDS = sizeof words / sizeof words[0] };

/* ---- reading ----------------------------------------------------------- */

/* Characters, not bytes: what an editor shows. */
static size_t column_of(const struct reader *reader, const char *at)
{
    size_t column = 1;

    for (const char *c = reader->text.at; c < at; c++)
        column += ((unsigned char)*c & 0xc0) != 0x80;
    return column;
}

/* Always false: what the caller returns. */
__attribute__((format(printf, 3, 4))) static bool refuse(struct reader *reader, const char *at,
                                                         const char *format, ...)
{
    int n =
        snprintf(reader->problem, reader->problem_size, "column %zu: ", column_of(reader, at));
    va_list args;

    va_start(args, format);
    if (n > 0 && (size_t)n < reader->problem_size)
        vsnprintf(reader->problem + n, reader->problem_size - (size_t)n, format, args);
    va_end(args);
    return false;
}

static void skip_space(struct reader *reader)
{
    while (reader->rest.len > 0 && slice_is_one_of(reader->rest.at[0], space))
        reader->rest = slice_skip(reader->rest, 1);
}

static bool at_end(const struct reader *reader)
{
    return reader->rest.len == 0;
}

/* Skips space and, if it follows, that character. */
static bool take(struct reader *reader, char wanted)
{
    skip_space(reader);
    if (at_end(reader) || reader->rest.at[0] != wanted)
        return false;
    reader->rest = slice_skip(reader->rest, 1);
    return true;
}

/* Takes the text before the first of those characters, without space around it. */
static struct slice take_until(struct reader *reader, const char *ends)
{
    size_t n = 0;

    skip_space(reader);
    while (n < reader->rest.len && strchr(ends, reader->rest.at[n]) == NULL)
        n++;
    struct slice text = { reader->rest.at, n };
    reader->rest = slice_skip(reader->rest, n);
    return slice_trim(text, space);
}

static struct slice take_word(struct reader *reader)
{
    size_t n = 0;

    skip_space(reader);
    while (n < reader->rest.len &&
           strchr("abcdefghijklmnopqrstuvwxyz_0123456789", reader->rest.at[n]) != NULL)
        n++;
    struct slice word = { reader->rest.at, n };
    reader->rest = slice_skip(reader->rest, n);
    return word;
}

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

static bool read_aggregate(struct reader *reader, struct question *out)
{
    const char *colon = reader->rest.at;
    struct slice word;

    while (colon < reader->rest.at + reader->rest.len && *colon != ':' && *colon != '{')
        colon++;
    if (colon == reader->rest.at + reader->rest.len || *colon == '{')
        return true;
    word = take_until(reader, ":");
    (void)take(reader, ':');
    out->aggregate_word = word;
    for (size_t i = 0; i < WORDS; i++) {
        out->aggregate = words[i].aggregate;
        if (slice_equal(word, words[i].word) && words[i].method != METHOD_LAST)
            return true;
    }
    out->aggregate = AGGREGATE_OVER_QUANTILE;
    if (read_quantile(word, &out->quantile))
        return true;
    return refuse(reader, word.at, "expected avg, sum, min, max, count or a percentile (p95)");
}

static bool read_metric(struct reader *reader, struct question *out)
{
    out->metric = take_until(reader, "{}():, \t\r\n");
    if (out->metric.len == 0)
        return refuse(reader, reader->rest.at, "expected the name of a metric");
    if (take(reader, '{'))
        return true;
    return refuse(reader, reader->rest.at,
                  "expected { and a scope behind the metric, {*} for everything");
}

static bool is_operator(struct slice tag, size_t at)
{
    static const struct slice operators[] = { { " AND ", 5 }, { " OR ", 4 }, { " IN ", 4 } };

    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (slice_starts(slice_skip(tag, at), operators[i]))
            return true;
    return false;
}

static bool read_term(struct reader *reader, struct question *out)
{
    bool negated = take(reader, '!');
    struct slice tag = take_until(reader, ",}");
    bool beginning = tag.len > 0 && tag.at[tag.len - 1] == '*';

    for (size_t i = 0; i < tag.len; i++)
        if (is_operator(tag, i))
            return refuse(reader, tag.at + i + 1, "expected , for and or ! for not");
    if (tag.len == 0)
        return refuse(reader, tag.at, "expected a tag%s", negated ? " behind !" : " or *");
    if (out->n_terms == QUESTION_TERMS_MAX)
        return refuse(reader, tag.at, "expected no more than %d tags", QUESTION_TERMS_MAX);
    tag.len -= beginning;
    if (memchr(tag.at, '*', tag.len) != NULL)
        return refuse(reader, (const char *)memchr(tag.at, '*', tag.len),
                      "expected * only at the end of a tag");
    if (tag.len == 0 && negated)
        return refuse(reader, tag.at, "expected a tag behind !");
    if (tag.len > 0) /* "*" alone: everything */
        out->terms[out->n_terms++] = (struct question_term){ tag, negated, beginning };
    return true;
}

static bool read_scope(struct reader *reader, struct question *out)
{
    const char *begin = reader->rest.at;

    do {
        if (!read_term(reader, out))
            return false;
    } while (take(reader, ','));
    out->scope = slice_trim((struct slice){ begin, (size_t)(reader->rest.at - begin) }, space);
    if (!take(reader, '}'))
        return refuse(reader, reader->rest.at, "expected , or } behind the tag");
    return true;
}

static bool read_key(struct reader *reader, struct question *out)
{
    struct slice key = take_until(reader, ",}");

    if (key.len == 0 || memchr(key.at, ':', key.len) != NULL ||
        memchr(key.at, '*', key.len) != NULL)
        return refuse(reader, key.at, "expected the key of a tag, as in by {host}");
    if (out->n_by == QUESTION_BY_MAX)
        return refuse(reader, key.at, "expected no more than %d keys", QUESTION_BY_MAX);
    out->by[out->n_by++] = key;
    return true;
}

static bool read_by(struct reader *reader, struct question *out)
{
    skip_space(reader);
    if (!slice_starts(reader->rest, SLICE("by")))
        return true;
    reader->rest = slice_skip(reader->rest, 2);
    if (!take(reader, '{'))
        return refuse(reader, reader->rest.at, "expected { behind by");
    do {
        if (!read_key(reader, out))
            return false;
    } while (take(reader, ','));
    if (!take(reader, '}'))
        return refuse(reader, reader->rest.at, "expected , or } behind the key");
    return true;
}

static bool read_seconds(struct reader *reader, struct slice text, struct question *out)
{
    if (number_int64(text, &out->seconds) && out->seconds >= 1 && out->seconds <= SECONDS_MAX)
        return true;
    return refuse(reader, text.at, "expected seconds from 1 to %d", SECONDS_MAX);
}

static bool read_method(struct reader *reader, struct slice word, struct question *out)
{
    for (size_t i = 0; i < WORDS; i++) {
        out->method = words[i].method;
        if (slice_equal(word, words[i].word))
            return true;
    }
    return refuse(reader, word.at, "expected avg, sum, min, max, count, last or seconds");
}

static bool read_rollup(struct reader *reader, struct question *out)
{
    struct slice word = take_until(reader, ",)");

    if (word.len > 0 && strchr("+-0123456789", word.at[0]) != NULL)
        return read_seconds(reader, word, out);
    if (!read_method(reader, word, out))
        return false;
    return !take(reader, ',') || read_seconds(reader, take_until(reader, ",)"), out);
}

static bool read_function(struct reader *reader, struct question *out)
{
    struct slice name;
    bool read = true;

    skip_space(reader);
    name = take_word(reader);
    bool rollup = slice_equal(name, SLICE("rollup"));
    bool count = slice_equal(name, SLICE("as_count")),
         rate = slice_equal(name, SLICE("as_rate"));

    if (!rollup && !count && !rate)
        return refuse(reader, name.at, "expected rollup, as_count or as_rate behind the dot");
    if (!take(reader, '('))
        return refuse(reader, reader->rest.at, "expected ( behind %.*s", (int)name.len,
                      name.at);
    if (count || rate)
        out->shape = count ? SHAPE_COUNT : SHAPE_RATE;
    if (rollup)
        read = read_rollup(reader, out);
    if (!read || take(reader, ')'))
        return read;
    return refuse(reader, reader->rest.at, "expected )");
}

static bool read_functions(struct reader *reader, struct question *out)
{
    skip_space(reader);
    out->functions = slice_trim(reader->rest, space);
    while (take(reader, '.'))
        if (!read_function(reader, out))
            return false;
    skip_space(reader);
    if (at_end(reader))
        return true;
    return refuse(reader, reader->rest.at, "expected .rollup( ), .as_count( ), .as_rate( )%s",
                  out->functions.len == 0 || out->functions.at == reader->rest.at
                      ? ", by {...} or the end"
                      : " or the end");
}

bool question_parse(struct slice text, struct question *out, char *problem, size_t problem_size)
{
    struct reader reader = { text, text, problem, problem_size };

    *out = (struct question){ .text = slice_trim(text, space) };
    if (text.len > QUESTION_TEXT_MAX)
        return refuse(&reader, text.at + QUESTION_TEXT_MAX, "expected no more than %d bytes",
                      QUESTION_TEXT_MAX);
    if (text.len > 0 && memchr(text.at, 0, text.len) != NULL)
        return refuse(&reader, (const char *)memchr(text.at, 0, text.len),
                      "expected text without NUL");
    return read_aggregate(&reader, out) && read_metric(&reader, out) &&
           read_scope(&reader, out) && read_by(&reader, out) && read_functions(&reader, out);
}
