/* Monitors and their groups, found by the words of a search (server/api/monitor_query.h), in
 * pages, with how many there are of each kind. */
#include <stdlib.h>

#include "config/clock.h"
#include "flush/memory/json_view.h"
#include "server/api/api.h"
#include "server/api/monitor_query.h"
#include "server/api/monitors_shared.h"
#include "server/monitors/evaluator.h"

enum {
    PER_PAGE = 30,
    PER_PAGE_MAX = 1000,
    TAGS_COUNTED_MAX = 100, /* distinct ones */
    GROUP_TAGS_MAX = 64,
    HANDLES_MAX = 32
};

/* ---- how many ---------------------------------------------------------- */

struct counts {
    uint64_t statuses[MONITOR_STATE_COUNT], types[MONITOR_TYPE_COUNT], muted[2];
    struct {
        char name[MONITOR_NAME_MAX];
        size_t len;
        uint64_t n;
    } tags[TAGS_COUNTED_MAX];
    size_t n_tags;
};

static void count_tag(struct counts *counts, struct slice tag)
{
    size_t i = 0;

    while (i < counts->n_tags &&
           !slice_equal((struct slice){ counts->tags[i].name, counts->tags[i].len }, tag))
        i++;
    if (i == TAGS_COUNTED_MAX)
        return;
    if (i == counts->n_tags) {
        memcpy(counts->tags[i].name, tag.at, tag.len);
        counts->tags[i].len = tag.len;
        counts->n_tags++;
    }
    counts->tags[i].n++;
}

static void count_monitor(struct counts *counts, const struct monitor_sight *sight,
                          int64_t now_s)
{
    counts->statuses[monitor_form_state(sight)]++;
    counts->types[sight->monitor->type]++;
    counts->muted[monitor_form_is_muted(sight, now_s)]++;
    for (size_t i = 0; i < sight->monitor->n_tags; i++)
        count_tag(counts, sight->monitor->tags[i]);
}

static void write_count(struct json_out *out, struct slice name, uint64_t n)
{
    if (n == 0)
        return;
    json_out_begin(out, NULL, '{');
    json_out_slice(out, "name", name);
    json_out_number(out, "count", n);
    json_out_end(out, '}');
}

static void write_states_and_types(struct json_out *out, const struct counts *counts)
{
    json_out_begin(out, "status", '[');
    for (int i = 0; i < MONITOR_STATE_COUNT; i++)
        write_count(out, slice_of(monitor_state_word((enum monitor_state)i)),
                    counts->statuses[i]);
    json_out_end(out, ']');
    json_out_begin(out, "type", '[');
    for (int i = 0; i < MONITOR_TYPE_COUNT; i++)
        write_count(out, slice_of(monitor_type_word((enum monitor_type)i)), counts->types[i]);
    json_out_end(out, ']');
}

static void write_counts(struct json_out *out, const struct counts *counts)
{
    json_out_begin(out, "counts", '{');
    write_states_and_types(out, counts);
    json_out_begin(out, "muted", '[');
    for (int i = 0; i < 2; i++)
        if (counts->muted[i] > 0) {
            json_out_begin(out, NULL, '{');
            json_out_bool(out, "name", i == 1);
            json_out_number(out, "count", counts->muted[i]);
            json_out_end(out, '}');
        }
    json_out_end(out, ']');
    json_out_begin(out, "tag", '[');
    for (size_t i = 0; i < counts->n_tags; i++)
        write_count(out, (struct slice){ counts->tags[i].name, counts->tags[i].len },
                    counts->tags[i].n);
    json_out_end(out, ']');
    json_out_end(out, '}');
}

/* ---- one --------------------------------------------------------------- */

static bool is_of_name(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '.' || byte == '-';
}

/* What ends there, with spaces behind it. */
static struct slice word_before(struct slice query, size_t at)
{
    while (at > 0 && query.at[at - 1] == ' ')
        at--;
    size_t first = at;

    while (first > 0 && is_of_name(query.at[first - 1]))
        first--;
    return (struct slice){ query.at + first, at - first };
}

/* The names before each brace of the query; scopes: what stands inside. Behind "by" there are
 * keys. */
static void write_cuts(struct json_out *out, const char *name, struct slice query, bool scopes)
{
    json_out_begin(out, name, '[');
    for (size_t at = 0; at < query.len; at++) {
        struct slice rest = slice_skip(query, at + 1), name_of;

        if (query.at[at] != '{')
            continue;
        name_of = word_before(query, at);
        if (slice_equal(name_of, SLICE("by")))
            continue;
        if (scopes)
            json_out_slice(out, NULL, slice_cut(&rest, '}'));
        else if (name_of.len > 0)
            json_out_slice(out, NULL, name_of);
    }
    json_out_end(out, ']');
}

/* Each "@name" of the message, as it stands in the template. */
static void write_handles(struct json_out *out, struct slice message)
{
    size_t n = 0;

    json_out_begin(out, "notifications", '[');
    while (message.len > 0 && n < HANDLES_MAX) {
        size_t len = 0;

        while (len < message.len && !slice_is_one_of(message.at[len], " \t\r\n"))
            len++;
        if (len > 1 && message.at[0] == '@') {
            struct slice handle = { message.at + 1, len - 1 };

            json_out_begin(out, NULL, '{');
            json_out_slice(out, "handle", handle);
            json_out_slice(out, "name", handle);
            json_out_end(out, '}');
            n++;
        }
        message = slice_skip(message, len < message.len ? len + 1 : len);
    }
    json_out_end(out, ']');
}

static void write_monitor(struct json_out *out, const struct monitor_sight *sight,
                          int64_t now_s)
{
    const struct monitor *monitor = sight->monitor;

    json_out_begin(out, NULL, '{');
    json_out_signed(out, "id", sight->definition->number);
    json_out_signed(out, "org_id", 1);
    json_out_slice(out, "name", monitor->name);
    json_out_text(out, "status", monitor_state_word(monitor_form_state(sight)));
    json_out_text(out, "type", monitor_type_word(monitor->type));
    json_out_text(out, "classification",
                  monitor->type == MONITOR_CHECK       ? "integration"
                  : monitor->type == MONITOR_COMPOSITE ? "composite"
                                                       : "metric");
    json_out_slice(out, "query", monitor->query);
    write_cuts(out, "metrics", monitor->query, false);
    write_cuts(out, "scopes", monitor->query, true);
    api_form_or(out, sight->definition->body, "tags", "[]");
    monitor_form_creator(out);
    write_handles(out, monitor->message);
    json_out_bool(out, "muted", monitor_form_is_muted(sight, now_s));
    api_form_seconds(out, "last_triggered_ts", monitor_form_triggered_s(sight->watched));
    json_out_end(out, '}');
}

static void write_group(struct json_out *out, const struct monitor_sight *sight,
                        const struct watched_group *group)
{
    struct slice tags[GROUP_TAGS_MAX];
    size_t n = watched_group_tags(group, tags, GROUP_TAGS_MAX);

    json_out_begin(out, NULL, '{');
    json_out_slice(out, "group", group->name);
    json_out_begin(out, "group_tags", '[');
    for (size_t i = 0; i < n; i++)
        json_out_slice(out, NULL, tags[i]);
    json_out_end(out, ']');
    json_out_text(out, "status", monitor_state_word(watched_group_shown(group)));
    api_form_seconds(out, "last_nodata_ts", group->state.last_no_data_s);
    api_form_seconds(out, "last_triggered_ts", group->state.last_triggered_s);
    json_out_signed(out, "monitor_id", sight->definition->number);
    json_out_slice(out, "monitor_name", sight->monitor->name);
    json_out_end(out, '}');
}

/* ---- asking ------------------------------------------------------------ */

struct search {
    const struct server_view *view;
    char room[HTTP_HEAD_MAX];
    struct monitor_query query;
    int64_t page, per_page, now_s;
    int64_t found; /* in all */
    struct counts *counts;
    struct json_out rows;
};

static bool is_on_page(const struct search *search, int64_t i)
{
    int64_t first = search->page * search->per_page;

    return i >= first && i - first < search->per_page;
}

/* False: it was refused. */
static bool begin(struct desk_job *job, const struct http_request *request,
                  const struct server_view *view, struct search *out)
{
    char problem[MONITOR_PROBLEM_MAX];
    struct slice text = { NULL, 0 };

    out->view = view;
    out->page = out->found = 0;
    out->per_page = PER_PAGE;
    out->now_s = clock_wall_ms() / 1000;
    out->rows = (struct json_out){ .comma = false };
    out->counts = NULL;
    (void)http_parameter(request->query, "query", out->room, &text);
    if (!api_read_number(job, request, "page", 0, INT32_MAX, &out->page) ||
        !api_read_number(job, request, "per_page", 1, PER_PAGE_MAX, &out->per_page))
        return false;
    if (!monitor_query_read(text, &out->query, problem)) {
        api_refuse(job, 400, "%s", problem);
        return false;
    }
    out->counts = calloc(1, sizeof *out->counts);
    if (out->counts == NULL)
        api_refuse(job, 503, "not enough memory");
    return out->counts != NULL;
}

static void reply(struct desk_job *given, struct search *search, const char *rows)
{
    struct json_out out = { .comma = false };

    json_out_begin(&out, NULL, '{');
    write_counts(&out, search->counts);
    json_out_begin(&out, "metadata", '{');
    json_out_signed(&out, "page", search->page);
    json_out_signed(&out, "page_count",
                    (search->found + search->per_page - 1) / search->per_page);
    json_out_signed(&out, "per_page", search->per_page);
    json_out_signed(&out, "total_count", search->found);
    json_out_end(&out, '}');
    json_out_begin(&out, rows, '[');
    bytes_add(&out.bytes, search->rows.bytes.at, search->rows.bytes.len);
    json_out_end(&out, ']');
    json_out_end(&out, '}');
    out.bytes.failed = out.bytes.failed || search->rows.bytes.failed;
    bytes_free(&search->rows.bytes);
    free(search->counts);
    api_reply(given, 200, &out);
}

/* ---- monitors ---------------------------------------------------------- */

/* One that fits, with what it is sorted by. */
struct hit {
    const struct definition *definition;
    struct slice name; /* JSON, a view of the definition's body */
    enum monitor_state state;
};

static int by_name(const void *a, const void *b)
{
    const struct hit *one = a, *other = b;

    return slice_compare(one->name, other->name);
}

static int by_status(const void *a, const void *b)
{
    const struct hit *one = a, *other = b;

    return (int)one->state - (int)other->state;
}

static int by_id(const void *a, const void *b)
{
    const struct hit *one = a, *other = b;
    int64_t x = one->definition->number, y = other->definition->number;

    return (x > y) - (x < y);
}

struct order {
    int (*compare)(const void *a, const void *b); /* NULL: as they were made */
    bool descending;
};

/* "name,asc". False: it was refused. */
static bool read_order(struct desk_job *job, const struct http_request *request,
                       struct order *out)
{
    static const struct {
        const char *word;
        int (*compare)(const void *a, const void *b);
    } orders[] = { { "name", by_name }, { "status", by_status }, { "id", by_id } };
    char room[HTTP_HEAD_MAX];
    struct slice text;

    *out = (struct order){ .compare = NULL };
    if (!http_parameter(request->query, "sort", room, &text) || text.len == 0)
        return true;
    struct slice word = slice_cut(&text, ',');

    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (slice_equal(word, slice_of(orders[i].word)))
            *out = (struct order){ orders[i].compare, slice_equal(text, SLICE("desc")) };
    if (out->compare == NULL)
        api_refuse(job, 400, "sort: expected name, status or id, with ,asc or ,desc behind it");
    return out->compare != NULL;
}

/* Those that fit, counted; *out: as many as there are. */
static void find_hits(struct search *search, const struct defined *monitors, struct hit *out)
{
    const struct definition *at = NULL;

    while ((at = defined_next(monitors, at)) != NULL) {
        struct monitor_look look;

        monitors_look(search->view, at, &look);
        monitor_query_look(&search->query, &look.sight, search->now_s);
        if (monitor_query_fits(&search->query, look.sight.watched)) {
            count_monitor(search->counts, &look.sight, search->now_s);
            out[search->found++] = (struct hit){ at, json_view_member(at->body, "name"),
                                                 monitor_form_state(&look.sight) };
        }
        monitors_look_away(&look);
    }
}

static void write_hits(struct search *search, const struct hit *hits, bool descending)
{
    for (int64_t i = 0; i < search->found; i++) {
        struct monitor_look look;

        if (!is_on_page(search, i))
            continue;
        monitors_look(search->view, hits[descending ? search->found - 1 - i : i].definition,
                      &look);
        write_monitor(&search->rows, &look.sight, search->now_s);
        monitors_look_away(&look);
    }
}

void monitors_search(struct desk_job *given, const struct http_request *request, void *argument)
{
    struct defined monitors = api_defined(argument, DEFINITION_MONITOR);
    size_t most =
        monitors.of_files->of[DEFINITION_MONITOR].n + monitors.made->of[DEFINITION_MONITOR].n;
    struct search search;
    struct order order;
    struct hit *hits;

    if (!read_order(given, request, &order) || !begin(given, request, argument, &search))
        return;
    if ((hits = calloc(most + 1, sizeof *hits)) == NULL) {
        free(search.counts);
        api_refuse(given, 503, "not enough memory");
        return;
    }
    find_hits(&search, &monitors, hits);
    if (order.compare != NULL && search.found > 1)
        qsort(hits, (size_t)search.found, sizeof *hits, order.compare);
    write_hits(&search, hits, order.descending);
    free(hits);
    reply(given, &search, "monitors");
}

/* ---- groups ------------------------------------------------------------ */

static void look_at_groups(struct search *search, const struct monitor_sight *sight)
{
    const struct watched_monitor *watched = sight->watched;

    monitor_query_look(&search->query, sight, search->now_s);
    for (size_t i = 0; watched != NULL && i < watched->n_groups; i++) {
        const struct watched_group *group = watched->groups[i];

        if (!monitor_query_fits_group(&search->query, group))
            continue;
        search->counts->statuses[watched_group_shown(group)]++;
        search->counts->types[sight->monitor->type]++;
        if (is_on_page(search, search->found++))
            write_group(&search->rows, sight, group);
    }
}

void monitors_search_groups(struct desk_job *given, const struct http_request *request,
                            void *argument)
{
    struct defined monitors = api_defined(argument, DEFINITION_MONITOR);
    const struct definition *at = NULL;
    struct search search;

    if (!begin(given, request, argument, &search))
        return;
    while ((at = defined_next(&monitors, at)) != NULL) {
        struct monitor_look look;

        monitors_look(argument, at, &look);
        look_at_groups(&search, &look.sight);
        monitors_look_away(&look);
    }
    reply(given, &search, "groups");
}
