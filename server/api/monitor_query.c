#include "server/api/monitor_query.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

/* ---- reading ----------------------------------------------------------- */

static const struct {
    const char *word;
    enum monitor_query_key key;
} keys[] = {
    { "status", SEARCH_STATUS },
    { "group_status", SEARCH_STATUS },
    { "tag", SEARCH_TAG },
    { "tags", SEARCH_TAG },
    { "type", SEARCH_TYPE },
    { "muted", SEARCH_MUTED },
    { "name", SEARCH_NAME },
    { "title", SEARCH_NAME },
    { "scope", SEARCH_TEXT },
    { "metric", SEARCH_TEXT },
    { "query", SEARCH_TEXT },
    { "id", SEARCH_ID },
    { "notification", SEARCH_HANDLE },
    { "group", SEARCH_GROUP },
    { "priority", SEARCH_PRIORITY },
};

/* Up to a space that stands in no quotes. */
static struct slice cut_word(struct slice *rest)
{
    size_t n = 0;
    bool quoted = false;

    while (n < rest->len && (quoted || rest->at[n] != ' ')) {
        quoted = quoted != (rest->at[n] == '"');
        n++;
    }
    struct slice word = { rest->at, n };

    *rest = slice_skip(*rest, n);
    return word;
}

static struct slice without_quotes(struct slice text)
{
    if (text.len >= 2 && text.at[0] == '"' && text.at[text.len - 1] == '"')
        return (struct slice){ text.at + 1, text.len - 2 };
    return text;
}

static bool is_status(struct slice word)
{
    enum monitor_state state;

    return monitor_state_find(word, &state) || slice_equal(word, SLICE("ignored")) ||
           slice_equal(word, SLICE("skipped")) || slice_equal(word, SLICE("unknown"));
}

static bool refuse(char *problem, struct slice word, const char *why)
{
    snprintf(problem, MONITOR_PROBLEM_MAX, "Query parsing error: '%.*s' %s",
             (int)(word.len < 64 ? word.len : 64), word.at, why);
    return false;
}

/* What Datadog's search has besides: looked for as words they would find nothing. */
static bool is_operator(struct slice word)
{
    struct slice value = word;

    (void)slice_cut(&value, ':');
    return slice_equal(word, SLICE("OR")) || slice_equal(word, SLICE("NOT")) ||
           slice_starts(word, SLICE("(")) || slice_starts(value, SLICE("("));
}

static bool check_value(enum monitor_query_key key, struct slice value, char *problem)
{
    if (key == SEARCH_STATUS && !is_status(value))
        return refuse(problem, value, "is not a valid monitor status");
    if (key == SEARCH_MUTED && !slice_equal(value, SLICE("true")) &&
        !slice_equal(value, SLICE("false")))
        return refuse(problem, value, "is neither true nor false");
    return true;
}

/* A key that is none is a part of the word: "http://x", "env:prod". */
static bool read_term(struct monitor_query *out, struct slice word, char *problem)
{
    struct slice value = word;
    size_t i = 0, n = out->n;

    if (n == MONITOR_QUERY_TERMS_MAX) {
        snprintf(problem, MONITOR_PROBLEM_MAX, "Query parsing error: more than %d words",
                 MONITOR_QUERY_TERMS_MAX);
        return false;
    }
    out->terms[n].is_not = word.len > 1 && word.at[0] == '-';
    if (out->terms[n].is_not)
        value = word = slice_skip(word, 1);
    struct slice key = slice_cut(&value, ':');

    while (i < sizeof keys / sizeof *keys && !slice_equal(key, slice_of(keys[i].word)))
        i++;
    bool has_key = i < sizeof keys / sizeof *keys && key.len < word.len;

    out->terms[n].key = has_key ? keys[i].key : SEARCH_ANY;
    out->terms[n].value = without_quotes(has_key ? value : word);
    out->n++;
    return check_value(out->terms[n].key, out->terms[n].value, problem);
}

bool monitor_query_read(struct slice text, struct monitor_query *out,
                        char problem[static MONITOR_PROBLEM_MAX])
{
    out->n = 0;
    if (text.len > MONITOR_QUERY_MAX) {
        snprintf(problem, MONITOR_PROBLEM_MAX, "Query parsing error: more than %d bytes",
                 MONITOR_QUERY_MAX);
        return false;
    }
    while ((text = slice_trim(text, " ")).len > 0) {
        struct slice word = cut_word(&text);

        if (is_operator(word))
            return refuse(
                problem, word,
                "is not here: all words must hold, and a - before one turns it round");
        if (!slice_equal(word, SLICE("AND")) && !read_term(out, word, problem))
            return false;
    }
    return true;
}

/* ---- fitting ----------------------------------------------------------- */

/* In any case of letters; a * at an end is what this does anyway. */
static bool contains(struct slice text, struct slice part)
{
    part = slice_trim(part, "*");
    for (size_t at = 0; at + part.len <= text.len; at++) {
        size_t i = 0;

        while (i < part.len &&
               tolower((unsigned char)text.at[at + i]) == tolower((unsigned char)part.at[i]))
            i++;
        if (i == part.len)
            return true;
    }
    return false;
}

static bool has_tag(const struct monitor *monitor, struct slice value)
{
    for (size_t i = 0; i < monitor->n_tags; i++)
        if (contains(monitor->tags[i], value))
            return true;
    return false;
}

static bool has_status(enum monitor_state state, struct slice value)
{
    enum monitor_state asked;

    return monitor_state_find(value, &asked) && asked == state;
}

static bool has_id(int64_t number, struct slice value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, number);
    return slice_equal(value, slice_of(text));
}

/* "p1", or "1"; one without a priority has none of them. */
static bool has_priority(int priority, struct slice value)
{
    if (value.len > 0 && tolower((unsigned char)value.at[0]) == 'p')
        value = slice_skip(value, 1);
    return priority > 0 && value.len == 1 && value.at[0] == '0' + priority;
}

static bool term_fits(enum monitor_query_key key, struct slice value,
                      const struct monitor_sight *sight, int64_t now_s)
{
    const struct monitor *monitor = sight->monitor;

    switch (key) {
    case SEARCH_ANY:
        return contains(monitor->name, value) || contains(monitor->query, value) ||
               has_tag(monitor, value);
    case SEARCH_STATUS:
        return has_status(monitor_form_state(sight), value);
    case SEARCH_TAG:
        return has_tag(monitor, value);
    case SEARCH_TYPE:
        return contains(slice_of(monitor_type_word(monitor->type)), value);
    case SEARCH_MUTED:
        return monitor_form_is_muted(sight, now_s) == slice_equal(value, SLICE("true"));
    case SEARCH_NAME:
        return contains(monitor->name, value);
    case SEARCH_TEXT:
        return contains(monitor->query, value);
    case SEARCH_ID:
        return has_id(sight->definition->number, value);
    case SEARCH_HANDLE:
        return contains(monitor->message, value);
    case SEARCH_PRIORITY:
        return has_priority(monitor->priority, value);
    case SEARCH_GROUP:
        break; /* its groups are looked at one by one */
    }
    return false;
}

void monitor_query_look(struct monitor_query *query, const struct monitor_sight *sight,
                        int64_t now_s)
{
    for (size_t i = 0; i < query->n; i++)
        query->terms[i].fits =
            term_fits(query->terms[i].key, query->terms[i].value, sight, now_s);
}

static bool has_group(const struct watched_monitor *watched, struct slice value)
{
    for (size_t i = 0; watched != NULL && i < watched->n_groups; i++)
        if (contains(watched->groups[i]->name, value))
            return true;
    return false;
}

bool monitor_query_fits(const struct monitor_query *query,
                        const struct watched_monitor *watched)
{
    for (size_t i = 0; i < query->n; i++) {
        bool fits = query->terms[i].key == SEARCH_GROUP
                        ? has_group(watched, query->terms[i].value)
                        : query->terms[i].fits;

        if (fits == query->terms[i].is_not)
            return false;
    }
    return true;
}

static bool group_fits(enum monitor_query_key key, struct slice value, bool monitor_fits,
                       const struct watched_group *group)
{
    switch (key) {
    case SEARCH_ANY:
        return monitor_fits || contains(group->name, value);
    case SEARCH_STATUS:
        return has_status(watched_group_shown(group), value);
    case SEARCH_MUTED:
        return group->is_muted == slice_equal(value, SLICE("true"));
    case SEARCH_GROUP:
        return contains(group->name, value);
    default:
        return monitor_fits;
    }
}

bool monitor_query_fits_group(const struct monitor_query *query,
                              const struct watched_group *group)
{
    for (size_t i = 0; i < query->n; i++)
        if (group_fits(query->terms[i].key, query->terms[i].value, query->terms[i].fits,
                       group) == query->terms[i].is_not)
            return false;
    return true;
}
