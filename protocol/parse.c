#include "protocol/parse.h"

#include <math.h>

#include "protocol/number.h"

static const char *const result_labels[] = {
#define LABEL(id, label, sentence) [id] = label,
    PARSE_RESULTS(LABEL)
#undef LABEL
};

static const char *const result_sentences[] = {
#define SENTENCE(id, label, sentence) [id] = sentence,
    PARSE_RESULTS(SENTENCE)
#undef SENTENCE
};

static const char *const type_names[] = {
#define NAME(id, letters, name, cell, unit) [id] = name,
    METRIC_TYPES(NAME)
#undef NAME
};

static const char *const unit_words[] = {
#define WORD(id, word) [id] = word,
    METRIC_UNITS(WORD)
#undef WORD
};

enum line_kind parse_kind(struct slice line)
{
    if (line.len < 3 || line.at[0] != '_')
        return LINE_METRIC;
    if (line.at[1] == 'e' && line.at[2] == '{')
        return LINE_EVENT;
    if (line.at[1] == 's' && line.at[2] == 'c')
        return LINE_CHECK;
    return LINE_METRIC;
}

/* One more than the type that a single letter stands for; 0: none. Types of two letters
 * stand behind, where no byte leads. Two types of one letter do not compile. */
static const unsigned char types_by_letter[256 + METRIC_TYPE_COUNT] = {
#define TYPE(id, letters, name, cell, unit) \
    [(letters) <= 0xff ? (letters) : 256 + (id)] = (id) + 1,
    METRIC_TYPES(TYPE)
#undef TYPE
};

/* One more than the type that these letters stand for; 0: none. */
static inline unsigned type_of(const char *letters, size_t len)
{
    if (__builtin_expect(len == 1, 1))
        return types_by_letter[(unsigned char)letters[0]];
    if (len != 2)
        return 0;
    int both = METRIC_LETTERS((unsigned char)letters[0], (unsigned char)letters[1]);
#define TYPE(id, letters, name, cell, unit)    \
    if ((letters) > 0xff && both == (letters)) \
        return (id) + 1;
    METRIC_TYPES(TYPE)
#undef TYPE
    return 0;
}

/* A number of one to eight characters, digits and at most one point, as most
 * values are, without a branch for each: the eight bytes that end with it (the
 * line has as many) are taken as one word, what stands before it is shifted out,
 * and the digits before the point move up into its place. Both operands of the
 * division are exact, so it rounds correctly. A single digit, as most counts are, needs
 * none of that. False: anything else. */
__attribute__((always_inline)) static inline bool parse_small(struct slice line, size_t from,
                                                              size_t to, double *out)
{
    unsigned digit = (unsigned char)line.at[from] - (unsigned)'0';

    if (to - from == 1) {
        *out = (double)(int)digit;
        return digit < 10;
    }

    static const double tens[] = { 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1e0 };
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;

    if (to - from > 8 || to < 8)
        return false;
    unsigned shift = 64 - 8 * (unsigned)(to - from);
    uint64_t word = (number_word(line.at + to - 8) >> shift) << shift;
    if (number_is_digits(word)) {
        *out = (double)(int64_t)number_of_digits(word);
        return true;
    }

    uint64_t marked = word ^ (('.' ^ '0') * ones); /* zero where the point is */
    uint64_t points = (marked - ones) & ~marked & tops;
    if (points == 0)
        return false;
    unsigned point = (unsigned)__builtin_ctzll(points) / 8;
    uint64_t before = word & ((UINT64_C(1) << (8 * point)) - 1);
    word = ((word >> (8 * point) >> 8) << (8 * point) << 8) | before << 8;
    if (!number_is_digits(word))
        return false;
    *out = (double)(int64_t)number_of_digits(word) / tens[point];
    return true;
}

/* "1:2.5:3" into the pool. One bad number refuses the line, as the Agent does;
 * an empty one ("1::3") is skipped. */
__attribute__((noinline)) static enum parse_result parse_values(struct slice packed,
                                                                double *values,
                                                                struct sample *out)
{
    uint32_t n = 0;

    while (packed.len > 0) {
        struct slice text = slice_cut(&packed, ':');

        if (text.len == 0)
            continue;
        if (!number_double(text, &values[n]))
            return PARSE_BAD_VALUE;
        n++;
    }
    out->n_values = n;
    out->plain = n == 1 && isfinite(values[0]);
    return n > 0 ? PARSE_OK : PARSE_NO_VALUE;
}

/* At least "n:1|c|@" stands before a rate in its line, so that a short one may be read as the
 * eight bytes that end with it. */
static bool parse_rate(struct slice body, double *out)
{
    enum { BEFORE = sizeof "n:1|c|@" - 1 };
    struct slice line = { body.at - BEFORE, BEFORE + body.len };

    return (body.len > 0 && parse_small(line, BEFORE, line.len, out)) ||
           number_double(body, out);
}

/* Optional fields come in any order and the last of a kind wins. Unknown ones
 * are skipped, so a client newer than this server still gets its sample
 * through; origin_parse() reads those that say who sent it. */
static enum parse_result parse_field(const struct parser *parser, struct slice field,
                                     struct sample *out)
{
    struct slice body = slice_skip(field, field.len > 0);

    switch (field.len > 0 ? field.at[0] : '\0') {
    case '#':
        out->tags = body;
        break;
    case '@':
        if (!parse_rate(body, &out->rate))
            return PARSE_BAD_RATE;
        break;
    case 'T':
        if (!parser->ignore_time && (!number_int64(body, &out->time_s) || out->time_s < 1))
            return PARSE_BAD_TIME;
        break;
    }
    return PARSE_OK;
}

/* "#tags|Ttime", as nearly every sample with a time comes. False: anything else. */
static bool parse_tags_and_time(const struct parser *parser, struct slice fields,
                                struct sample *out)
{
    struct slice time = fields, tags = slice_cut(&time, '|');

    if (parser->ignore_time || tags.len == 0 || tags.at[0] != '#' || time.len == 0 ||
        time.at[0] != 'T' || !number_int64(slice_skip(time, 1), &out->time_s) ||
        out->time_s < 1)
        return false;
    out->tags = slice_skip(tags, 1);
    out->plain = false;
    return true;
}

__attribute__((noinline)) static enum parse_result parse_many(const struct parser *parser,
                                                              struct slice fields,
                                                              struct sample *out)
{
    enum parse_result result = PARSE_OK;

    if (parse_tags_and_time(parser, fields, out))
        return PARSE_OK;
    out->tags = (struct slice){ 0 };
    out->time_s = 0;
    while (result == PARSE_OK && fields.len > 0)
        result = parse_field(parser, slice_cut(&fields, '|'), out);
    out->plain = out->plain && out->rate == 1 && out->time_s == 0;
    return result;
}

/* Why a line is refused whose name, value and type are not all there. */
__attribute__((noinline)) static enum parse_result parse_problem(size_t len, size_t colon,
                                                                 size_t pipe)
{
    return pipe == len         ? PARSE_NO_TYPE
           : colon >= pipe     ? PARSE_NO_COLON
           : colon == 0        ? PARSE_NO_NAME
           : pipe == colon + 1 ? PARSE_NO_VALUE
                               : PARSE_BAD_TYPE;
}

/* What a sample is before its fields are read. */
static inline void begin_sample(struct sample *out, struct slice name, unsigned type,
                                const double *values)
{
    out->name = name;
    out->values = values;
    out->n_values = 1;
    out->type = (uint8_t)type;
    out->plain = true;
    out->rate = 1;
    out->time_s = 0;
}

/* Any metric line, into *out. A mark that the line lacks stands at its end, so no type lies
 * between it and the next. */
__attribute__((noinline)) static enum parse_result parse_any(struct parser *parser,
                                                             struct slice line,
                                                             struct marks marks,
                                                             struct sample *out)
{
    size_t colon = marks.colon, pipe = marks.pipe, type_end = marks.type_end;
    size_t value = colon + 1;
    double *values = parser->pool + parser->n_pooled;
    enum parse_result result = PARSE_OK;
    size_t pooled = 1;

    if (colon == 0 || pipe <= value)
        return parse_problem(line.len, colon, pipe);
    unsigned type = type_of(line.at + pipe + 1, type_end - pipe - 1);
    if (type == 0)
        return parse_problem(line.len, colon, pipe);

    struct slice text = { line.at + value, pipe - value };
    begin_sample(out, (struct slice){ line.at, colon }, type - 1, values);
    out->tags = (struct slice){ 0 };
    if (type == METRIC_SET + 1) {
        out->member_len = text.len;
        out->plain = false;
        pooled = 0;
    } else if (!parse_small(line, value, pipe, values)) {
        result = parse_values(text, values, out);
        pooled = out->n_values;
    }
    if (result == PARSE_OK && type_end < line.len)
        result = parse_many(parser, slice_skip(line, type_end + 1), out);
    if (result != PARSE_OK)
        return result;
    parser->n_pooled += pooled;
    parser->values[type - 1] += out->n_values;
    return PARSE_OK;
}

/* What nearly every line is, straight on and without a call:
 *
 *   name : value | type                    value: digits, at most one point, 8 characters
 *   name : value | type | #tags
 *        ^       ^      ^
 *        colon   pipe   type_end
 *
 * False: parse_any() is to say what it is. */
__attribute__((always_inline)) static inline bool parse_usual(struct parser *parser,
                                                              struct slice line,
                                                              struct marks marks,
                                                              struct sample *out)
{
    size_t colon = marks.colon, pipe = marks.pipe, type_end = marks.type_end;
    size_t value = colon + 1;
    size_t field = line.len - type_end; /* with its pipe; 0: there is none */
    double *values = parser->pool + parser->n_pooled;

    if (__builtin_expect(colon == 0 || pipe <= value, 0))
        return false;
    if (field == 0)
        out->tags = (struct slice){ 0 };
    else if (__builtin_expect(field > 1 && marks.one_field && line.at[type_end + 1] == '#', 1))
        out->tags = (struct slice){ line.at + type_end + 2, field - 2 };
    else
        return false;
    unsigned type = type_of(line.at + pipe + 1, type_end - pipe - 1);
    if (__builtin_expect(type == 0 || type == METRIC_SET + 1, 0))
        return false;
    if (__builtin_expect(!parse_small(line, value, pipe, values), 0))
        return false;
    begin_sample(out, (struct slice){ line.at, colon }, type - 1, values);
    parser->n_pooled++;
    parser->values[type - 1]++;
    return true;
}

enum parse_result parse_sample(struct parser *parser, struct slice line, struct sample *out)
{
    return parse_any(parser, line, marks_of(line), out);
}

/* timed: whether these samples are those that have a time. */
__attribute__((always_inline)) static inline uint32_t parse_run(struct parser *parser,
                                                                struct scan *scan,
                                                                struct sample *samples,
                                                                uint32_t n, struct parsed *stop,
                                                                bool timed)
{
    size_t at = scan->next;
    struct sample *out = samples;

    for (; out < samples + n; out++) {
        struct marked_line next = scan_next(scan, &at);
        struct slice line = next.line;
        enum line_kind kind = LINE_METRIC;
        enum parse_result result = PARSE_OK;

        if (__builtin_expect(line.len == 0, 0) ||
            __builtin_expect(line.at[0] == '_' && (kind = parse_kind(line)) != LINE_METRIC,
                             0)) {
            *stop = (struct parsed){ line, kind, result };
            break;
        }
        if (__builtin_expect(!timed && parse_usual(parser, line, next.marks, out), !timed))
            continue;
        result = parse_any(parser, line, next.marks, out);
        if (result != PARSE_OK || (out->time_s != 0) != timed) {
            *stop = (struct parsed){ line, kind, result };
            break;
        }
    }
    scan->next = at;
    return (uint32_t)(out - samples);
}

/* The loop by each code path of the scan. */
typedef uint32_t parse_loop(struct parser *parser, struct scan *scan, struct sample *samples,
                            uint32_t n, struct parsed *stop);

#define LOOPS(word, needs)                                                                 \
    FOR_##word static uint32_t samples_by_##word(struct parser *parser, struct scan *scan, \
                                                 struct sample *samples, uint32_t n,       \
                                                 struct parsed *stop)                      \
    {                                                                                      \
        return parse_run(parser, scan, samples, n, stop, false);                           \
    }                                                                                      \
    FOR_##word static uint32_t timed_by_##word(struct parser *parser, struct scan *scan,   \
                                               struct sample *samples, uint32_t n,         \
                                               struct parsed *stop)                        \
    {                                                                                      \
        return parse_run(parser, scan, samples, n, stop, true);                            \
    }
SCAN_PATHS(LOOPS)

uint32_t parse_samples(struct parser *parser, struct scan *scan, struct sample *samples,
                       uint32_t n, struct parsed *stop)
{
#define SAMPLES_ROW(word, needs) [SCAN_##word] = samples_by_##word,
    static parse_loop *const by_path[] = { SCAN_PATHS(SAMPLES_ROW) };

    return by_path[scan_step.used](parser, scan, samples, n, stop);
}

uint32_t parse_timed(struct parser *parser, struct scan *scan, struct sample *samples,
                     uint32_t n, struct parsed *stop)
{
#define TIMED_ROW(word, needs) [SCAN_##word] = timed_by_##word,
    static parse_loop *const by_path[] = { SCAN_PATHS(TIMED_ROW) };

    return by_path[scan_step.used](parser, scan, samples, n, stop);
}

const char *parse_result_label(enum parse_result result)
{
    return result_labels[result];
}

const char *parse_result_sentence(enum parse_result result)
{
    return result_sentences[result];
}

const char *metric_type_name(enum metric_type type)
{
    return type_names[type];
}

const char *metric_unit_word(enum metric_unit unit)
{
    return unit_words[unit];
}
