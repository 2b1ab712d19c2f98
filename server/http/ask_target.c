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

bool ask_target_read(enum inquiry_kind kind, struct slice query, struct ask_target *out,
                     const char **sentence)
{
    static const struct {
        bool (*read)(struct slice query, struct ask_target *out);
        const char *expected;
    } rows[INQUIRY_KIND_COUNT] = {
        [INQUIRY_QUERY] = { read_query, "expected ?from=SECONDS&to=SECONDS&query=TEXT" },
        [INQUIRY_LIST] = { read_list,
                           "expected ?match=TEXT&sort=name|values|series&limit=N&offset=N, "
                           "where TEXT has at most 256 bytes, limit is 1 to 1000 and offset 0 "
                           "to 100000" },
        [INQUIRY_METRIC] = { read_metric,
                             "expected ?name=METRIC&limit=N, where limit is 1 to 1000" },
        [INQUIRY_RECENT] = { read_recent, "" },
        [INQUIRY_TOP] = { read_top, "" },
    };

    out->inquiry = (struct inquiry){ .kind = kind };
    *sentence = rows[kind].expected;
    return query.len <= sizeof out->room && rows[kind].read(query, out);
}
