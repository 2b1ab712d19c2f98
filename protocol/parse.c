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

static bool parse_type(struct slice text, enum metric_type *out)
{
    if (text.len == 2 && text.at[0] == 'm' && text.at[1] == 's') {
        *out = METRIC_TIMING;
        return true;
    }
    switch (text.len == 1 ? text.at[0] : '\0') {
    case 'c':
        *out = METRIC_COUNT;
        return true;
    case 'g':
        *out = METRIC_GAUGE;
        return true;
    case 's':
        *out = METRIC_SET;
        return true;
    case 'h':
        *out = METRIC_HISTOGRAM;
        return true;
    case 'd':
        *out = METRIC_DISTRIBUTION;
        return true;
    }
    return false;
}

/* "1:2.5:3" into the pool. One bad number refuses the line, as the Agent does;
 * an empty one ("1::3") is skipped. */
static enum parse_result parse_values(struct parser *parser, struct slice packed,
                                      struct sample *out)
{
    double *values = parser->pool + parser->n_pooled;

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

enum parse_result parse_sample(struct parser *parser, struct slice line, struct sample *out)
{
    enum parse_result result = PARSE_OK;

    *out = (struct sample){ .rate = 1 };
    if (line.len == 0 || memchr(line.at, '|', line.len) == NULL)
        return PARSE_NO_TYPE;
    struct slice value = slice_cut(&line, '|');
    if (value.len == 0 || memchr(value.at, ':', value.len) == NULL)
        return PARSE_NO_NAME;
    out->name = slice_cut(&value, ':');
    if (out->name.len == 0)
        return PARSE_NO_NAME;
    if (value.len == 0)
        return PARSE_NO_VALUE;
    if (!parse_type(slice_cut(&line, '|'), &out->type))
        return PARSE_BAD_TYPE;

    if (out->type == METRIC_SET) {
        out->member = value;
        out->n_values = 1;
    } else {
        result = parse_values(parser, value, out);
    }
    while (result == PARSE_OK && line.len > 0)
        result = parse_field(parser, slice_cut(&line, '|'), out);
    if (result == PARSE_OK && out->type != METRIC_SET)
        parser->n_pooled += out->n_values;
    return result;
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
