/* What a downtime is about: its scope, as either version writes it, and who is in it. */
#include "flush/monitors/downtime_internal.h"

/* ---- read -------------------------------------------------------------- */

/* A group has no tag without a key: who says one would mute nothing, and not know it. */
static bool have_keys(const struct scope *scope)
{
    for (size_t i = 0; i < scope->n_terms; i++) {
        const struct scope_term *term = &scope->terms[i];

        if (term->key.len == 0 && memchr(term->tag.at, ':', term->tag.len) == NULL)
            return false;
    }
    return true;
}

/* The text stands in the room; it gets the brace that ends a scope in a query. */
static bool parse_scope(struct downtime_reading *reading, struct slice text)
{
    char problem[256] = "";
    struct slice whole = { text.at, text.len + 1 };
    struct reader reader = { whole, whole, problem, sizeof problem };

    *reading->room++ = '}';
    if (text.len > DOWNTIME_SCOPE_MAX)
        return downtime_refuse(reading, "Invalid scope parameter: more than %d bytes",
                               DOWNTIME_SCOPE_MAX);
    if (!scope_read(&reader, &reading->out->scope) || reader.rest.len > 0)
        return downtime_refuse(reading, "Invalid scope parameter: %s",
                               reader.rest.len > 0 && problem[0] == '\0' ? "it has a }"
                                                                         : problem);
    return have_keys(&reading->out->scope) ||
           downtime_refuse(reading, "All values must have a key");
}

bool downtime_read_scope_v1(struct downtime_reading *reading, struct slice value)
{
    struct slice text = { reading->room, 0 }, inside = json_view_inside(value), item;

    if (json_view_kind(value) == JSON_KIND_STRING)
        text = downtime_take_text(reading, value);
    while (json_view_kind(value) == JSON_KIND_ARRAY && json_view_next_item(&inside, &item)) {
        if (json_view_kind(item) != JSON_KIND_STRING)
            return downtime_refuse(reading, "Invalid scope parameter");
        if (text.len > 0)
            *reading->room++ = ',';
        (void)downtime_take_text(reading, item);
        text.len = (size_t)(reading->room - text.at);
    }
    if (slice_trim(text, READER_SPACE).len == 0)
        return downtime_refuse(reading, "Invalid scope parameter");
    return parse_scope(reading, text);
}

static void put(struct downtime_reading *reading, struct slice text)
{
    memcpy(reading->room, text.at, text.len);
    reading->room += text.len;
}

/* "env:(a OR b)" of the search's syntax is "env IN (a,b)" of a query's. */
static bool put_choice(struct downtime_reading *reading, struct slice key, struct slice *rest)
{
    if (memchr(rest->at, ')', rest->len) == NULL)
        return downtime_refuse(reading, "Invalid scope parameter: expected ')'");
    struct slice values = slice_cut(rest, ')');
    bool first = true;

    put(reading, key);
    put(reading, SLICE(" IN ("));
    while (values.len > 0) {
        struct slice value = slice_cut(&values, ' ');

        if (value.len == 0 || slice_equal(value, SLICE("OR")))
            continue;
        if (!first)
            put(reading, SLICE(","));
        put(reading, value);
        first = false;
    }
    put(reading, SLICE(")"));
    return !first || downtime_refuse(reading, "All values must have a key");
}

static bool is_operator(struct slice word)
{
    return slice_equal(word, SLICE("AND")) || slice_equal(word, SLICE("OR")) ||
           slice_equal(word, SLICE("NOT"));
}

/* Up to a space or a parenthesis. */
static struct slice cut_word(struct slice *rest)
{
    size_t n = 0;

    while (n < rest->len && !slice_is_one_of(rest->at[n], " \t\r\n()"))
        n++;
    struct slice word = { rest->at, n };

    *rest = slice_skip(*rest, n);
    return word;
}

static bool put_word(struct downtime_reading *reading, struct slice *rest)
{
    struct slice word = cut_word(rest);
    bool is_key =
        word.len > 1 && word.at[word.len - 1] == ':' && rest->len > 0 && rest->at[0] == '(';

    if (is_key) {
        *rest = slice_skip(*rest, 1);
        return put_choice(reading, (struct slice){ word.at, word.len - 1 }, rest);
    }
    if (!is_operator(word) && !slice_equal(word, SLICE("*")) &&
        (memchr(word.at, ':', word.len) == NULL || word.at[0] == ':'))
        return downtime_refuse(reading, "All values must have a key");
    if (word.at[0] == '-' && word.len > 1) { /* as NOT */
        put(reading, SLICE("!"));
        word = slice_skip(word, 1);
    }
    put(reading, word);
    return true;
}

bool downtime_read_scope_v2(struct downtime_reading *reading, struct slice value)
{
    struct slice rest = downtime_take_text(reading, value);
    struct slice text = { reading->room, 0 };

    if (slice_trim(rest, READER_SPACE).len == 0)
        return downtime_refuse(reading, "Invalid scope parameter");
    while (rest.len > 0) {
        if (slice_is_one_of(rest.at[0], " \t\r\n()")) {
            put(reading, (struct slice){ rest.at, 1 });
            rest = slice_skip(rest, 1);
        } else if (!put_word(reading, &rest)) {
            return false;
        }
    }
    text.len = (size_t)(reading->room - text.at);
    return parse_scope(reading, text);
}

/* ---- who is in it ------------------------------------------------------ */

static bool is_about_monitor(const struct downtime *downtime, int64_t monitor,
                             const struct slice *tags, size_t n_tags)
{
    if (downtime->monitor != 0)
        return downtime->monitor == monitor;
    for (size_t i = 0; i < downtime->n_monitor_tags; i++)
        if (!slice_equal(downtime->monitor_tags[i], SLICE("*")) &&
            !slice_is_among(downtime->monitor_tags[i], tags, n_tags))
            return false;
    return true;
}

/* Whether a tag of the group is one that the term means. */
static bool term_holds(const struct scope_term *term, const struct slice *tags, size_t n_tags)
{
    for (size_t i = 0; i < n_tags; i++) {
        struct slice tag = tags[i];

        if (term->key.len > 0 && (!slice_starts(tag, term->key) || tag.len <= term->key.len ||
                                  tag.at[term->key.len] != ':'))
            continue;
        if (term->key.len > 0)
            tag = slice_skip(tag, term->key.len + 1);
        if (term->pattern ? scope_pattern_fits(term->tag, tag) : slice_equal(term->tag, tag))
            return true;
    }
    return false;
}

bool downtime_is_about(const struct downtime *downtime, int64_t monitor,
                       const struct slice *monitor_tags, size_t n_monitor_tags,
                       const struct slice *group_tags, size_t n_group_tags)
{
    uint32_t terms = 0;

    if (!is_about_monitor(downtime, monitor, monitor_tags, n_monitor_tags))
        return false;
    for (size_t i = 0; i < downtime->scope.n_terms; i++)
        if (term_holds(&downtime->scope.terms[i], group_tags, n_group_tags))
            terms |= 1U << i;
    return scope_holds(&downtime->scope, terms);
}
