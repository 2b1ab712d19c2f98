#include "flush/series/filter.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Sorted views into the settings. */
struct names {
    struct slice *at;
    size_t n;
};

/* One metric's rows of metric_tag_filterlist, merged. */
struct tag_filter {
    struct slice metric;
    struct names keys;
    bool exclude; /* the keys go; otherwise only they stay */
};

struct filter {
    struct names exact;
    struct names prefixes; /* none begins with another one */
    char *namespace;       /* ends in a dot; NULL: none */
    const struct string_list *excluded;
    struct tag_filter *tags; /* sorted by metric */
    size_t n_tags;
};

static int compare_slices(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* ---- names ------------------------------------------------------------- */

/* The last of the sorted names that does not stand behind this name; NULL: there is none. */
static const struct slice *names_floor(const struct names *names, struct slice name)
{
    size_t low = 0, high = names->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (slice_compare(names->at[middle], name) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &names->at[low - 1] : NULL;
}

static bool names_have(const struct names *names, struct slice name)
{
    const struct slice *floor = names_floor(names, name);

    return floor != NULL && slice_equal(*floor, name);
}

static void names_sort(struct names *names)
{
    if (names->n > 1)
        qsort(names->at, names->n, sizeof *names->at, compare_slices);
}

/* Sorts the prefixes and drops those that begin with another one. Then only the floor of a name
 * can be a prefix of it. */
static void prefixes_sort(struct names *prefixes)
{
    size_t kept = 0;

    names_sort(prefixes);
    for (size_t i = 0; i < prefixes->n; i++)
        if (kept == 0 || !slice_starts(prefixes->at[i], prefixes->at[kept - 1]))
            prefixes->at[kept++] = prefixes->at[i];
    prefixes->n = kept;
}

static bool make_lists(struct filter *filter, const struct settings *settings)
{
    bool newer = settings->metric_filterlist.n > 0;
    const struct string_list *list =
        newer ? &settings->metric_filterlist : &settings->statsd_metric_blocklist;
    bool all_prefixes = newer ? settings->metric_filterlist_match_prefix
                              : settings->statsd_metric_blocklist_match_prefix;

    filter->exact.at = calloc(list->n + 1, sizeof(struct slice));
    filter->prefixes.at = calloc(list->n + 1, sizeof(struct slice));
    if (filter->exact.at == NULL || filter->prefixes.at == NULL)
        return false;
    for (size_t i = 0; i < list->n; i++) {
        struct slice entry = slice_of(list->at[i]);
        bool star = entry.len > 0 && entry.at[entry.len - 1] == '*';

        entry.len -= star;
        if (star || all_prefixes)
            filter->prefixes.at[filter->prefixes.n++] = entry;
        else
            filter->exact.at[filter->exact.n++] = entry;
    }
    names_sort(&filter->exact);
    prefixes_sort(&filter->prefixes);
    return true;
}

bool filter_drops(const struct filter *filter, struct slice name)
{
    const struct slice *prefix = names_floor(&filter->prefixes, name);

    return (prefix != NULL && slice_starts(name, *prefix)) || names_have(&filter->exact, name);
}

/* The Agent looks only at entries that end in a suffix of its histograms. Any
 * entry that equals this name does. */
bool filter_drops_suffix(const struct filter *filter, struct slice name, struct slice suffix)
{
    char full[512]; /* an admitted name has at most 350 bytes */

    if (name.len + suffix.len > sizeof full)
        return false;
    memcpy(full, name.at, name.len);
    memcpy(full + name.len, suffix.at, suffix.len);
    return filter_drops(filter, (struct slice){ full, name.len + suffix.len });
}

/* ---- namespace --------------------------------------------------------- */

static bool make_namespace(struct filter *filter, const struct settings *settings)
{
    const char *name = settings->statsd_metric_namespace;
    size_t len = strlen(name);

    filter->excluded = &settings->statsd_metric_namespace_blacklist;
    if (len == 0)
        return true;
    return asprintf(&filter->namespace, "%s%s", name, name[len - 1] == '.' ? "" : ".") >= 0;
}

struct slice filter_namespace(const struct filter *filter, struct slice name)
{
    if (filter->namespace == NULL)
        return SLICE("");
    for (size_t i = 0; i < filter->excluded->n; i++)
        if (slice_starts(name, slice_of(filter->excluded->at[i])))
            return SLICE("");
    return slice_of(filter->namespace);
}

/* ---- metric_tag_filterlist --------------------------------------------- */

/* Where a sentence goes; entry: which row it is about, from 1. */
struct report {
    char *problem;
    size_t size;
    size_t entry;
};

/* Always false, so that the caller can return it. */
__attribute__((format(printf, 2, 3))) static bool refuse(const struct report *report,
                                                         const char *format, ...)
{
    char what[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(report->problem, report->size, "metric_tag_filterlist: entry %zu %s",
             report->entry, what);
    return false;
}

static bool read_keys(struct names *keys, const json_t *tags, const struct report *report)
{
    if (tags != NULL && !json_is_array(tags))
        return refuse(report, "has tags that are not a list");
    keys->at = calloc(json_array_size(tags) + 1, sizeof *keys->at);
    if (keys->at == NULL)
        return refuse(report, "found no memory");
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *key = json_string_value(json_array_get(tags, i));

        if (key == NULL)
            return refuse(report, "has a tag that is not a text");
        keys->at[keys->n++] = slice_of(key);
    }
    return true;
}

static bool read_tag_filter(struct tag_filter *out, const json_t *json,
                            const struct report *report)
{
    const char *metric = json_string_value(json_object_get(json, "metric_name"));
    const json_t *action = json_object_get(json, "action");
    const char *word = action != NULL ? json_string_value(action) : "exclude";

    if (metric == NULL || metric[0] == '\0')
        return refuse(report, "has no metric_name");
    if (word == NULL || (strcmp(word, "include") != 0 && strcmp(word, "exclude") != 0))
        return refuse(report, "has an action that is neither include nor exclude");
    out->metric = slice_of(metric);
    out->exclude = word[0] == 'e';
    return read_keys(&out->keys, json_object_get(json, "tags"), report);
}

static struct tag_filter *find_metric(struct filter *filter, struct slice metric)
{
    for (size_t i = 0; i < filter->n_tags; i++)
        if (slice_equal(filter->tags[i].metric, metric))
            return &filter->tags[i];
    return NULL;
}

/* Two rows for one metric. If both do the same, the keys of both count; otherwise the row that
 * excludes wins. */
static bool merge_tag_filter(struct tag_filter *into, struct tag_filter *given)
{
    if (into->exclude == given->exclude) {
        size_t n = into->keys.n + given->keys.n;
        struct slice *keys = reallocarray(into->keys.at, n + 1, sizeof *keys);

        if (keys == NULL) {
            free(given->keys.at);
            return false;
        }
        memcpy(keys + into->keys.n, given->keys.at, given->keys.n * sizeof *keys);
        into->keys.at = keys;
        into->keys.n = n;
    } else if (given->exclude) {
        struct tag_filter old = *into;

        *into = *given;
        *given = old;
    }
    free(given->keys.at);
    return true;
}

static int compare_metrics(const void *a, const void *b)
{
    const struct tag_filter *one = a, *other = b;

    return slice_compare(one->metric, other->metric);
}

static bool add_tag_filter(struct filter *filter, struct tag_filter *given,
                           const struct report *report)
{
    struct tag_filter *same = find_metric(filter, given->metric);

    if (same == NULL)
        filter->tags[filter->n_tags++] = *given;
    else if (!merge_tag_filter(same, given))
        return refuse(report, "found no memory");
    return true;
}

static bool make_tag_filters(struct filter *filter, const struct settings *settings,
                             struct report *report)
{
    const json_t *list = settings->metric_tag_filterlist;

    if (settings->metric_tag_filterlist_adp_only)
        return true;
    filter->tags = calloc(json_array_size(list) + 1, sizeof *filter->tags);
    if (filter->tags == NULL)
        return refuse(report, "found no memory");
    while (report->entry < json_array_size(list)) {
        struct tag_filter one = { .exclude = true };
        const json_t *json = json_array_get(list, report->entry++);

        if (!read_tag_filter(&one, json, report)) {
            free(one.keys.at);
            return false;
        }
        if (!add_tag_filter(filter, &one, report))
            return false;
    }
    if (filter->n_tags > 1)
        qsort(filter->tags, filter->n_tags, sizeof *filter->tags, compare_metrics);
    for (size_t i = 0; i < filter->n_tags; i++)
        names_sort(&filter->tags[i].keys);
    return true;
}

const struct tag_filter *filter_tags(const struct filter *filter, struct slice name)
{
    struct tag_filter wanted = { .metric = name };

    return filter->n_tags > 0 ? bsearch(&wanted, filter->tags, filter->n_tags,
                                        sizeof *filter->tags, compare_metrics)
                              : NULL;
}

bool filter_keeps_tag(const struct tag_filter *tags, struct slice tag)
{
    return names_have(&tags->keys, slice_cut(&tag, ':')) != tags->exclude;
}

/* ---- life -------------------------------------------------------------- */

struct filter *filter_new(const struct settings *settings, char *problem, size_t problem_size)
{
    struct report report = { problem, problem_size, 0 };
    struct filter *filter = calloc(1, sizeof *filter);

    if (filter == NULL || !make_lists(filter, settings) || !make_namespace(filter, settings)) {
        snprintf(problem, problem_size, "metric filters: no memory");
    } else if (make_tag_filters(filter, settings, &report)) {
        return filter;
    }
    filter_free(filter);
    return NULL;
}

void filter_free(struct filter *given)
{
    if (given == NULL)
        return;
    for (size_t i = 0; i < given->n_tags; i++)
        free(given->tags[i].keys.at);
    free(given->tags);
    free(given->exact.at);
    free(given->prefixes.at);
    free(given->namespace);
    free(given);
}
