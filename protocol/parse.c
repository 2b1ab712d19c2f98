#include "protocol/parse.h"

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

static const char *const type_letters[] = {
#define LETTERS(id, letters, name) [id] = letters,
    METRIC_TYPES(LETTERS)
#undef LETTERS
};

static const char *const type_names[] = {
#define NAME(id, letters, name) [id] = name,
    METRIC_TYPES(NAME)
#undef NAME
};

static inline enum line_kind kind_of(struct slice line)
{
    if (line.len < 3 || line.at[0] != '_')
        return LINE_METRIC;
    if (line.at[1] == 'e' && line.at[2] == '{')
        return LINE_EVENT;
    if (line.at[1] == 's' && line.at[2] == 'c')
        return LINE_CHECK;
    return LINE_METRIC;
}

enum line_kind parse_kind(struct slice line)
{
    return kind_of(line);
}

/* One more than the type that a single letter stands for; 0: none. */
static const unsigned char types_by_letter[256] = {
    ['c'] = METRIC_COUNT + 1,     ['g'] = METRIC_GAUGE + 1,        ['s'] = METRIC_SET + 1,
    ['h'] = METRIC_HISTOGRAM + 1, ['d'] = METRIC_DISTRIBUTION + 1,
};

static inline bool parse_type(struct slice text, enum metric_type *out)
{
    unsigned type = 0;

    if (text.len == 1)
        type = types_by_letter[(unsigned char)text.at[0]];
    else if (text.len == 2 && text.at[0] == 'm' && text.at[1] == 's')
        type = METRIC_TIMING + 1;
    *out = (enum metric_type)(type - 1);
    return type > 0;
}

/* Eight bytes, each with its value, the first the most significant digit. */
static inline uint64_t eight_digits(uint64_t digits)
{
    digits = (digits * 10 + (digits >> 8)) & 0x00FF00FF00FF00FF;
    digits = (digits * 100 + (digits >> 16)) & 0x0000FFFF0000FFFF;
    return (digits * 10000 + (digits >> 32)) & 0xFFFFFFFF;
}

/* One to eight digits, the value of most lines, without a branch for each: the
 * eight bytes that end with them (there are as many in the line) are taken as
 * one word, and what stands before them is shifted out. False: anything else. */
static inline bool parse_small(struct slice line, size_t from, size_t to, double *out)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t word;

    if (to - from > 8 || to < 8)
        return false;
    memcpy(&word, line.at + to - 8, 8);
    unsigned shift = 64 - 8 * (unsigned)(to - from);
    word = ((word ^ 0x3030303030303030) >> shift) << shift;
    if (((word | (word + 0x7676767676767676)) & 0x8080808080808080) != 0)
        return false;
    *out = (double)(int64_t)eight_digits(word);
    return true;
#else
    (void)line, (void)from, (void)to, (void)out;
    return false;
#endif
}

/* "1:2.5:3" into the pool. One bad number refuses the line, as the Agent does;
 * an empty one ("1::3") is skipped. */
static enum parse_result parse_values(struct parser *parser, struct slice packed,
                                      struct sample *out)
{
    double *values = parser->pool + parser->n_pooled;

    out->n_values = 0;
    while (packed.len > 0) {
        struct slice text = slice_cut(&packed, ':');

        if (text.len == 0)
            continue;
        if (!number_double(text, &values[out->n_values]))
            return PARSE_BAD_VALUE;
        out->n_values++;
    }
    out->values = values;
    return out->n_values > 0 ? PARSE_OK : PARSE_NO_VALUE;
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
        if (!number_double(body, &out->rate))
            return PARSE_BAD_RATE;
        break;
    case 'T':
        if (!parser->ignore_time && (!number_int64(body, &out->time_s) || out->time_s < 1))
            return PARSE_BAD_TIME;
        break;
    }
    return PARSE_OK;
}

static inline enum parse_result parse_fields_of(const struct parser *parser,
                                                struct slice fields, bool one_field,
                                                struct sample *out)
{
    enum parse_result result = PARSE_OK;

    if (one_field && fields.len > 0 && fields.at[0] == '#') {
        out->tags = slice_skip(fields, 1);
        return PARSE_OK;
    }
    while (result == PARSE_OK && fields.len > 0)
        result = parse_field(parser, slice_cut(&fields, '|'), out);
    return result;
}

static inline enum parse_result parse_marked(struct parser *parser, struct slice line,
                                             const struct marks *marks, struct sample *out)
{
    enum parse_result result = PARSE_OK;
    size_t colon = marks->colon, pipe = marks->pipe, type_end = marks->type_end;
    struct slice value = { line.at + colon + 1, pipe - colon - 1 };

    if (pipe == line.len)
        return PARSE_NO_TYPE;
    if (colon >= pipe || colon == 0)
        return PARSE_NO_NAME;
    if (value.len == 0)
        return PARSE_NO_VALUE;
    *out = (struct sample){ .name = { line.at, colon }, .rate = 1, .n_values = 1 };
    if (!parse_type((struct slice){ line.at + pipe + 1, type_end - pipe - 1 }, &out->type))
        return PARSE_BAD_TYPE;

    if (out->type == METRIC_SET)
        out->member = value;
    else if (parse_small(line, colon + 1, pipe, parser->pool + parser->n_pooled))
        out->values = parser->pool + parser->n_pooled;
    else
        result = parse_values(parser, value, out);
    if (result == PARSE_OK && type_end < line.len)
        result = parse_fields_of(parser, slice_skip(line, type_end + 1), marks->one_field, out);
    if (result == PARSE_OK && out->type != METRIC_SET)
        parser->n_pooled += out->n_values;
    return result;
}

enum parse_result parse_sample(struct parser *parser, struct slice line, struct sample *out)
{
    struct marks marks = marks_of(line);

    return parse_marked(parser, line, &marks, out);
}

bool parse_next(struct parser *parser, struct scan *scan, struct parsed *out)
{
    struct marks marks;

    if (!scan_next(scan, &out->line, &marks))
        return false;
    out->kind = kind_of(out->line);
    if (out->kind == LINE_METRIC)
        out->result = parse_marked(parser, out->line, &marks, &out->sample);
    return true;
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

const char *metric_type_letters(enum metric_type type)
{
    return type_letters[type];
}
