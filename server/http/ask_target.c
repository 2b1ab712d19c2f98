#include "server/http/ask_target.h"

#include <math.h>

#include "protocol/number.h"
#include "server/http/top.h"

enum { MATCH_MAX = 256 };

static bool read_time(struct slice query, const char *name, char *room, int64_t *out)
{
    struct slice text;
    double seconds;

    if (!http_parameter(query, name, room, &text) || !number_double(text, &seconds) ||
        !(fabs(seconds) < 1e15))
        return false;
    *out = (int64_t)floor(seconds);
    return true;
}

static bool read_time_or_none(struct slice query, const char *name, char *room, int64_t *out)
{
    struct slice text;

    return !http_parameter(query, name, room, &text) || read_time(query, name, room, out);
}

/* What is left out keeps its value. */
static bool read_number(struct slice query, const char *name, char *room, uint32_t least,
                        uint32_t most, uint32_t *out)
{
    struct slice text;
    int64_t number;

    if (!http_parameter(query, name, room, &text))
        return true;
    if (!number_int64(text, &number) || number < least || number > most)
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool read_order(struct slice query, char *room, enum inquiry_order *out)
{
    static const char *const words[] = {
        [ORDER_NAME] = "name",
        [ORDER_VALUES] = "values",
        [ORDER_SERIES] = "series",
    };
    struct slice text;

    *out = ORDER_NAME;
    if (!http_parameter(query, "sort", room, &text))
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (slice_equal(text, slice_of(words[i]))) {
            *out = (enum inquiry_order)i;
            return true;
        }
    return false;
}

/* Each reads the text last: it is a view of the room. Refuses a NUL in a query, because nobody
 * would read what stands behind it. */
static bool read_query(struct slice query, struct ask_target *out)
{
    struct inquiry *inquiry = &out->inquiry;
    uint32_t whole = 0;

    if (!read_number(query, "whole", out->room, 0, 1, &whole))
        return false;
    inquiry->whole = whole == 1;
    return read_time(query, "from", out->room, &inquiry->from_s) &&
           read_time(query, "to", out->room, &inquiry->to_s) &&
           http_parameter(query, "query", out->room, &inquiry->text) &&
           (inquiry->text.len == 0 ||
            memchr(inquiry->text.at, '\0', inquiry->text.len) == NULL);
}

static bool read_list(struct slice query, struct ask_target *out)
{
    struct inquiry *inquiry = &out->inquiry;

    inquiry->limit = ASK_LIST_LIMIT;
    if (!read_number(query, "limit", out->room, 1, ASK_LIMIT_MAX, &inquiry->limit) ||
        !read_number(query, "offset", out->room, 0, ASK_OFFSET_MAX, &inquiry->offset) ||
        !read_order(query, out->room, &inquiry->order))
        return false;
    if (!http_parameter(query, "match", out->room, &inquiry->text))
        inquiry->text = SLICE("");
    return inquiry->text.len <= MATCH_MAX;
}

static bool read_metric(struct slice query, struct ask_target *out)
{
    out->inquiry.limit = ASK_METRIC_LIMIT;
    return read_number(query, "limit", out->room, 1, ASK_LIMIT_MAX, &out->inquiry.limit) &&
           http_parameter(query, "name", out->room, &out->inquiry.text);
}

static bool read_host_list(struct slice query, struct ask_target *out)
{
    struct inquiry *inquiry = &out->inquiry;

    inquiry->limit = ASK_LIST_LIMIT;
    return read_number(query, "limit", out->room, 1, ASK_LIMIT_MAX, &inquiry->limit) &&
           read_number(query, "offset", out->room, 0, ASK_OFFSET_MAX, &inquiry->offset) &&
           read_order(query, out->room, &inquiry->order) &&
           http_parameter(query, "name", out->room, &inquiry->text);
}

/* Whoever hands it on has read it. */
static bool read_top(struct slice query, struct ask_target *out)
{
    struct top_request asked;
    const char *sentence;

    if (!top_request_read(query, &asked, &sentence))
        return false;
    out->inquiry.limit = asked.limit;
    out->inquiry.order = asked.sort == TOP_SERIES ? ORDER_SERIES : ORDER_VALUES;
    return true;
}

static bool read_recent(struct slice query, struct ask_target *out)
{
    (void)query, (void)out;
    return true;
}

/* ---- as Datadog's clients ask ------------------------------------------ */

static bool has(struct slice query, const char *name, char *room)
{
    struct slice value;

    return http_parameter(query, name, room, &value) && value.len > 0;
}

/* What is left out is empty. */
static void read_text(struct slice query, const char *name, struct ask_target *out)
{
    if (!http_parameter(query, name, out->room, &out->inquiry.text))
        out->inquiry.text = SLICE("");
}

static bool read_active(struct slice query, struct ask_target *out)
{
    out->inquiry.limit = ASK_NAMES_MAX;
    if (!read_time(query, "from", out->room, &out->inquiry.from_s) ||
        has(query, "tag_filter", out->room))
        return false;
    read_text(query, "host", out);
    return out->inquiry.text.len <= MATCH_MAX;
}

static bool read_search(struct slice query, struct ask_target *out)
{
    out->inquiry.limit = ASK_NAMES_MAX;
    return http_parameter(query, "q", out->room, &out->inquiry.text) &&
           out->inquiry.text.len <= MATCH_MAX;
}

static bool is_sorted_otherwise(struct slice query, char *room)
{
    struct slice value;

    return (http_parameter(query, "sort_field", room, &value) &&
            !slice_equal(value, SLICE("name"))) ||
           (http_parameter(query, "sort_dir", room, &value) &&
            !slice_equal(value, SLICE("asc")));
}

static bool read_hosts(struct slice query, struct ask_target *out)
{
    struct inquiry *inquiry = &out->inquiry;

    inquiry->limit = ASK_HOSTS_LIMIT;
    if (!read_number(query, "count", out->room, 1, ASK_LIMIT_MAX, &inquiry->limit) ||
        !read_number(query, "start", out->room, 0, ASK_OFFSET_MAX, &inquiry->offset) ||
        !read_time_or_none(query, "from", out->room, &inquiry->from_s) ||
        is_sorted_otherwise(query, out->room))
        return false;
    read_text(query, "filter", out);
    return inquiry->text.len <= MATCH_MAX;
}

static bool read_totals(struct slice query, struct ask_target *out)
{
    out->inquiry.text = SLICE("");
    return read_time_or_none(query, "from", out->room, &out->inquiry.from_s);
}

/* Of all hosts. */
static bool read_nothing(struct slice query, struct ask_target *out)
{
    (void)query;
    out->inquiry.text = SLICE("");
    return true;
}

static bool read_host(struct slice query, struct ask_target *out)
{
    return http_parameter(query, "name", out->room, &out->inquiry.text);
}

static bool read_priority(struct slice query, char *room, uint32_t *out)
{
    struct slice value;

    *out = 0;
    if (!http_parameter(query, "priority", room, &value))
        return true;
    *out = slice_equal(value, SLICE("normal")) ? 1 : slice_equal(value, SLICE("low")) ? 2 : 0;
    return *out > 0;
}

/* Far behind the last one all pages are empty. */
static bool read_page(struct slice query, char *room, uint32_t *out)
{
    uint32_t page = 0;

    if (!read_number(query, "page", room, 0, INT32_MAX, &page))
        return false;
    *out = page < ASK_OFFSET_MAX ? page : ASK_OFFSET_MAX;
    return true;
}

static bool read_events(struct slice query, struct ask_target *out)
{
    struct inquiry *inquiry = &out->inquiry;
    char *room = out->room;

    inquiry->limit = ASK_EVENTS_LIMIT;
    if (!read_time(query, "start", room, &inquiry->from_s) ||
        !read_time(query, "end", room, &inquiry->to_s) ||
        !read_number(query, "limit", room, 1, ASK_EVENTS_LIMIT, &inquiry->limit) ||
        !read_page(query, room, &inquiry->offset) ||
        !read_priority(query, room, &inquiry->priority))
        return false;
    read_text(query, "tags", out);
    if (!http_parameter(query, "sources", room + query.len, &inquiry->also))
        inquiry->also = SLICE("");
    return true;
}

static bool read_event(struct slice query, struct ask_target *out)
{
    struct slice text;

    return http_parameter(query, "name", out->room, &text) &&
           number_int64(text, &out->inquiry.from_s);
}

/* ---- all of them ------------------------------------------------------- */

bool ask_target_read(enum inquiry_kind kind, struct slice query, struct ask_target *out,
                     const char **sentence)
{
    static const struct {
        bool (*read)(struct slice query, struct ask_target *out);
        const char *expected;
    } rows[INQUIRY_KIND_COUNT] = {
        [INQUIRY_QUERY] = { read_query,
                            "expected ?from=SECONDS&to=SECONDS&query=TEXT, and perhaps "
                            "whole=1" },
        [INQUIRY_LIST] = { read_list,
                           "expected ?match=TEXT&sort=name|values|series&limit=N&offset=N, "
                           "where TEXT has at most 256 bytes, limit is 1 to 1000 and offset 0 "
                           "to 100000" },
        [INQUIRY_METRIC] = { read_metric,
                             "expected ?name=METRIC&limit=N, where limit is 1 to 1000" },
        [INQUIRY_HOST] = { read_host_list,
                           "expected ?name=HOST&sort=name|values|series&limit=N&offset=N, "
                           "where limit is 1 to 1000 and offset 0 to 100000" },
        [INQUIRY_RECENT] = { read_recent, "" },
        [INQUIRY_TOP] = { read_top, "" },
        [INQUIRY_ACTIVE] = { read_active, "expected ?from=SECONDS, and perhaps host=NAME; "
                                          "tag_filter is not done here" },
        [INQUIRY_SEARCH] = { read_search,
                             "expected ?q=TEXT, q=metrics:TEXT or q=hosts:TEXT, of at most 256 "
                             "bytes" },
        [INQUIRY_HOSTS] = { read_hosts,
                            "expected ?filter=TEXT&from=SECONDS&start=N&count=N, where TEXT "
                            "has at most 256 bytes and count is 1 to 1000; hosts are sorted "
                            "by name, ascending" },
        [INQUIRY_HOST_TOTALS] = { read_totals, "expected ?from=SECONDS, or nothing" },
        [INQUIRY_ALL_HOST_TAGS] = { read_nothing, "" },
        [INQUIRY_HOST_TAGS] = { read_host, "expected the name of a host" },
        [INQUIRY_EVENTS] = { read_events,
                             "expected ?start=SECONDS&end=SECONDS, and perhaps "
                             "priority=normal|low, tags=TAG,TAG, sources=NAME,NAME, page=N "
                             "and limit=N, which is 1 to 1000" },
        [INQUIRY_EVENT] = { read_event, "expected the id of an event, which is a number" },
    };

    out->inquiry = (struct inquiry){ .kind = kind };
    *sentence = rows[kind].expected;
    return query.len <= HTTP_HEAD_MAX && rows[kind].read(query, out);
}
