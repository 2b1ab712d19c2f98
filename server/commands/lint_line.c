#include "server/commands/lint_line.h"

#include <math.h>
#include <stdlib.h>

#include "config/shown.h"
#include "config/utf8.h"
#include "flush/series/enrich.h"
#include "protocol/check.h"
#include "protocol/event.h"
#include "protocol/fault.h"
#include "protocol/tags.h"
#include "server/commands/line_fields.h"
#include "server/commands/lint_rewrite.h"

/* Beyond so many tags a line is told to have too many, and nobody looks for two that are
 * alike. */
enum { TAGS_COMPARED_MAX = 256 };

struct lint_line {
    const struct settings *settings;
    struct enricher *enricher;
    double *pool; /* room for the values of a line */

    /* Of the line that is looked at. */
    lint_tell *tell;
    void *argument;
    struct slice line, name;
    uint64_t number;
};

struct lint_line *lint_line_new(const struct settings *settings, char *problem,
                                size_t problem_size)
{
    struct lint_line *lint = calloc(1, sizeof *lint);

    snprintf(problem, problem_size, "not enough memory");
    if (lint == NULL)
        return NULL;
    lint->settings = settings;
    lint->pool = calloc(LINT_LINE_MAX / 2 + 1, sizeof *lint->pool);
    if (lint->pool != NULL)
        lint->enricher = enrich_new(settings, settings->hostname, problem, problem_size);
    if (lint->enricher != NULL)
        return lint;
    lint_line_free(lint);
    return NULL;
}

void lint_line_free(struct lint_line *given)
{
    if (given == NULL)
        return;
    enrich_free(given->enricher);
    free(given->pool);
    free(given);
}

/* at: a place in the line. */
static void tell(const struct lint_line *lint, enum lint_id id, const char *at,
                 struct slice key, struct slice what)
{
    struct lint_finding finding = {
        .id = id,
        .number = lint->number,
        .line = lint->line,
        .at = (size_t)(at - lint->line.at),
        .name = lint->name,
        .key = key,
        .what = what,
    };

    lint->tell(lint->argument, &finding);
}

/* ---- text -------------------------------------------------------------- */

/* Spaces that look like one and are another character: no break, and those of typography. */
static bool is_strange_space(struct slice text)
{
    return slice_starts(text, SLICE("\xc2\xa0")) || slice_starts(text, SLICE("\xe3\x80\x80")) ||
           (slice_starts(text, SLICE("\xe2\x80")) && text.len >= 3 &&
            ((unsigned char)text.at[2] <= 0x8a || (unsigned char)text.at[2] == 0xaf));
}

/* The first byte that belongs to no character, and the first character that nobody sees; NULL:
 * there is none. */
static void find_odd(struct slice text, const char **not_utf8, const char **invisible)
{
    size_t len;

    *not_utf8 = *invisible = NULL;
    for (size_t i = 0; i < text.len; i += len) {
        struct slice rest = slice_skip(text, i);

        if (shown_is_plain(rest.at, rest.len, &len) && !is_strange_space(rest))
            continue;
        if (utf8_length(rest.at, rest.len) == 0)
            *not_utf8 = *not_utf8 != NULL ? *not_utf8 : rest.at;
        else
            *invisible = *invisible != NULL ? *invisible : rest.at;
    }
}

/* True: there is something, and it was told. */
static bool check_odd(const struct lint_line *lint, struct slice text, struct slice key)
{
    const char *not_utf8, *invisible;

    find_odd(text, &not_utf8, &invisible);
    if (not_utf8 != NULL)
        tell(lint, LINT_NOT_UTF8, not_utf8, key, SLICE(""));
    if (invisible != NULL)
        tell(lint, LINT_INVISIBLE, invisible, key, SLICE(""));
    return not_utf8 != NULL || invisible != NULL;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* A blank at one of its ends; NULL: there is none. */
static const char *blank_at_end(struct slice text)
{
    if (text.len == 0)
        return NULL;
    if (is_blank(text.at[0]))
        return text.at;
    return is_blank(text.at[text.len - 1]) ? text.at + text.len - 1 : NULL;
}

static const char *find_quote(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        struct slice rest = slice_skip(text, i);

        if (slice_is_one_of(rest.at[0], "\"'`") ||
            (slice_starts(rest, SLICE("\xe2\x80")) && rest.len >= 3 &&
             (unsigned char)rest.at[2] >= 0x98 && (unsigned char)rest.at[2] <= 0x9f))
            return rest.at;
    }
    return NULL;
}

/* ---- tags -------------------------------------------------------------- */

static struct slice key_of(struct slice tag)
{
    return slice_cut(&tag, ':');
}

static bool check_blanks(const struct lint_line *lint, struct slice tag, struct slice key)
{
    struct slice value = tag;
    const char *blank = blank_at_end(slice_cut(&value, ':'));

    blank = blank != NULL ? blank : blank_at_end(value);
    if (blank != NULL)
        tell(lint, LINT_SPACE, blank, key, SLICE(""));
    return blank != NULL;
}

static bool check_quotes(const struct lint_line *lint, struct slice tag, struct slice key)
{
    const char *quote = find_quote(tag);

    if (quote != NULL)
        tell(lint, LINT_QUOTE, quote, key, SLICE(""));
    return quote != NULL;
}

/* Tags that become something else than a tag of the series. */
static bool is_own(struct slice tag)
{
    return slice_starts(tag, SLICE("host:")) || slice_starts(tag, SLICE("dd.internal."));
}

static void check_rewritten(const struct lint_line *lint, struct slice tag, struct slice key)
{
    char room[LINT_REWRITTEN_MAX];
    struct slice rewritten = lint_rewrite_tag(tag, room);

    if (!is_own(tag) && !slice_equal(tag, rewritten))
        tell(lint, LINT_TAG_REWRITTEN, tag.at, key, rewritten);
}

/* What makes it odd makes the intake rewrite it, too: that is told once. */
static void check_tag(const struct lint_line *lint, struct slice tag)
{
    struct slice key = key_of(tag);

    if (tag.len == 0) {
        tell(lint, LINT_EMPTY_TAG, tag.at, key, SLICE(""));
        return;
    }
    bool odd = check_odd(lint, tag, key);

    odd = check_blanks(lint, tag, key) || odd;
    odd = check_quotes(lint, tag, key) || odd;
    if (!odd)
        check_rewritten(lint, tag, key);
}

static void check_tags(const struct lint_line *lint, struct slice section)
{
    struct slice before[TAGS_COMPARED_MAX], tag;
    struct tags walk = tags_of(section);
    size_t n = 0;

    while (tags_next(&walk, &tag)) {
        if (tag.len > 0 && slice_is_among(tag, before, n))
            tell(lint, LINT_REPEATED_TAG, tag.at, key_of(tag), SLICE(""));
        else
            check_tag(lint, tag);
        if (n < TAGS_COMPARED_MAX)
            before[n++] = tag;
    }
}

/* ---- fields ------------------------------------------------------------ */

static void check_fields(const struct lint_line *lint, enum line_kind kind, struct slice fields)
{
    struct slice field;

    while (line_fields_unknown(kind, &fields, &field))
        tell(lint, LINT_UNKNOWN_FIELD, field.at, field, SLICE(""));
}

/* What stands behind the letter of that field, or the end of the line. */
static const char *find_field(struct slice line, char letter)
{
    struct slice fields = parse_fields(line);

    while (fields.len > 0) {
        struct slice field = slice_cut(&fields, '|');

        if (field.len > 0 && field.at[0] == letter)
            return field.at + 1;
    }
    return line.at + line.len;
}

static void check_rate(const struct lint_line *lint, const struct sample *sample)
{
    const char *type = metric_type_name((enum metric_type)sample->type);
    bool ignored = sample->type == METRIC_GAUGE || sample->type == METRIC_SET;
    const char *at = find_field(lint->line, '@');

    if (at == lint->line.at + lint->line.len)
        return;
    if (!(sample->rate > 0 && sample->rate <= 1))
        tell(lint, LINT_RATE_RANGE, at, SLICE(""), SLICE(""));
    else if (ignored)
        tell(lint, LINT_RATE_IGNORED, at, SLICE(""), slice_of(type));
    else if (sample->time_s != 0)
        tell(lint, LINT_RATE_IGNORED, at, SLICE(""), SLICE("with a timestamp of its own"));
}

/* ---- metrics ----------------------------------------------------------- */

static bool has_infinite(const struct sample *sample)
{
    for (uint32_t i = 0; sample->type != METRIC_SET && i < sample->n_values; i++)
        if (!isfinite(sample->values[i]))
            return true;
    return false;
}

static void check_name(const struct lint_line *lint, struct slice sent)
{
    struct slice name = lint->name;
    const char *blank = blank_at_end(name);
    char room[LINT_REWRITTEN_MAX];

    if (check_odd(lint, name, SLICE("")))
        return;
    if (blank != NULL) {
        tell(lint, LINT_SPACE, blank, SLICE(""), SLICE(""));
        return;
    }
    struct slice rewritten = lint_rewrite_name(sent, room);

    if (!slice_equal(rewritten, sent))
        tell(lint, LINT_NAME_REWRITTEN, name.at, SLICE(""), rewritten);
}

/* Why values of it reach no series; SHED_NOTHING: all do. */
static enum shed_reason find_shed(struct lint_line *lint, const struct sample *sample,
                                  struct slice *sent)
{
    struct enriched enriched;
    enum shed_reason why =
        enrich_metric(lint->enricher, sample->name, sample->tags,
                      cell_kind_of((enum metric_type)sample->type), &enriched);

    *sent = why == SHED_NOTHING ? enriched.name : sample->name;
    if (why == SHED_NOTHING && sample->time_s != 0 && sample->type != METRIC_COUNT &&
        sample->type != METRIC_GAUGE)
        return SHED_UNSUPPORTED_TIME;
    return why == SHED_NOTHING && has_infinite(sample) ? SHED_NOT_FINITE : why;
}

/* The byte that such values are shed for. */
static const char *place_of(const struct lint_line *lint, const struct sample *sample,
                            enum shed_reason why)
{
    switch (why) {
    case SHED_REFUSED_TAGS:
        return sample->tags.at;
    case SHED_NOT_FINITE:
        return sample->name.at + sample->name.len + 1;
    case SHED_UNSUPPORTED_TIME:
        return find_field(lint->line, 'T');
    default:
        return sample->name.at;
    }
}

static void check_sample(struct lint_line *lint, const struct sample *sample)
{
    struct slice sent;
    enum shed_reason why = find_shed(lint, sample, &sent);

    if (why != SHED_NOTHING)
        tell(lint, LINT_UNSENT, place_of(lint, sample, why), SLICE(""),
             slice_of(shed_reason_sentence(why)));
    if (why != SHED_REFUSED_NAME)
        check_name(lint, sent);
    check_rate(lint, sample);
    check_fields(lint, LINE_METRIC, parse_fields(lint->line));
    check_tags(lint, sample->tags);
}

static void fill_metric(struct lint_metric *out, struct slice line, const struct sample *sample)
{
    struct slice behind = slice_skip(line, sample->name.len + 1), rest = behind;
    struct slice value = slice_cut(&rest, '|');

    *out = (struct lint_metric){ .line = line,
                                 .name = sample->name,
                                 .tags = sample->tags,
                                 .value = value,
                                 .fields = slice_skip(behind, value.len),
                                 .type = (enum metric_type)sample->type };
}

static enum parse_result check_metric(struct lint_line *lint, struct lint_metric *out)
{
    struct parser parser = {
        .ignore_time = !lint->settings->dogstatsd_no_aggregation_pipeline,
        .pool = lint->pool,
    };
    struct sample sample;
    enum parse_result result = parse_sample(&parser, lint->line, &sample);

    if (result != PARSE_OK)
        return result;
    lint->name = sample.name;
    check_sample(lint, &sample);
    fill_metric(out, lint->line, &sample);
    return result;
}

/* ---- events and checks ------------------------------------------------- */

static enum parse_result check_event(struct lint_line *lint)
{
    struct event event;
    enum parse_result result = event_parse(lint->line, &event);

    if (result != PARSE_OK)
        return result;
    lint->name = event.title;
    check_fields(lint, LINE_EVENT, event.fields);
    check_tags(lint, event.tags);
    return result;
}

static enum parse_result check_check(struct lint_line *lint)
{
    struct check check;
    enum parse_result result = check_parse(lint->line, &check);

    if (result != PARSE_OK)
        return result;
    lint->name = check.name;
    (void)check_odd(lint, check.name, SLICE(""));
    check_fields(lint, LINE_CHECK, check.fields);
    check_tags(lint, check.tags);
    return result;
}

/* ---- a line ------------------------------------------------------------ */

bool lint_line_check(struct lint_line *lint, struct slice line, uint64_t number,
                     lint_tell *told, void *argument, struct lint_metric *out)
{
    size_t most = (size_t)lint->settings->dogstatsd_buffer_size;
    enum line_kind kind = parse_kind(line);
    enum parse_result result;

    lint->tell = told;
    lint->argument = argument;
    lint->line = line;
    lint->number = number;
    lint->name = SLICE("");
    if (line.len > most) {
        tell(lint, LINT_TOO_LONG, line.at + most, SLICE(""), SLICE(""));
        lint->line.len = most;
    }
    if (kind == LINE_METRIC)
        result = check_metric(lint, out);
    else
        result = kind == LINE_EVENT ? check_event(lint) : check_check(lint);
    if (result != PARSE_OK)
        tell(lint, LINT_REFUSED, lint->line.at + fault_at(lint->line, result), SLICE(""),
             slice_of(parse_result_sentence(result)));
    return kind == LINE_METRIC && result == PARSE_OK;
}
