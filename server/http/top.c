#include "server/http/top.h"

#include <string.h>

#include "protocol/number.h"

/* ---- requests ---------------------------------------------------------- */

/* The number of the parameter's word among the words; what is left out is the first. */
static bool read_word(struct slice query, const char *name, char *room,
                      const char *const *words, size_t n, size_t *out)
{
    struct slice text;

    *out = 0;
    if (!http_parameter(query, name, room, &text))
        return true;
    for (*out = 0; *out < n; ++*out)
        if (slice_equal(text, slice_of(words[*out])))
            return true;
    return false;
}

static bool read_limit(struct slice query, char *room, uint32_t *out)
{
    struct slice text;
    int64_t number;

    *out = TOP_LIMIT;
    if (!http_parameter(query, "limit", room, &text))
        return true;
    if (!number_int64(text, &number) || number < 1 || number > TOP_LIMIT_MAX)
        return false;
    *out = (uint32_t)number;
    return true;
}

bool top_request_read(struct slice query, struct top_request *out, const char **sentence)
{
    static const char *const by[] = { "metric", "tag", "sender" };
    static const char *const sorts[] = { "values", "lines", "bytes", "series" };
    char room[HTTP_HEAD_MAX];
    size_t by_word = 0, sort_word = 0;

    *sentence = "expected ?by=metric|tag|sender&sort=values|lines|bytes|series&limit=N, where "
                "limit is 1 to 1000";
    if (query.len > sizeof room || !read_word(query, "by", room, by, 3, &by_word) ||
        !read_word(query, "sort", room, sorts, 4, &sort_word) ||
        !read_limit(query, room, &out->limit))
        return false;
    out->by = (enum top_by)by_word;
    out->sort = (enum top_sort)sort_word;
    return true;
}

/* ---- answers ----------------------------------------------------------- */

static void free_text(const void *text, size_t len, void *argument)
{
    (void)text, (void)len;
    free(argument);
}

static void reply(struct http_exchange *exchange, int status, struct json_out *given)
{
    struct evbuffer *body = given->bytes.failed ? NULL : evbuffer_new();

    if (body != NULL && evbuffer_add_reference(body, given->bytes.at, given->bytes.len,
                                               free_text, given->bytes.at) != 0) {
        evbuffer_free(body);
        body = NULL;
    }
    if (body == NULL)
        bytes_free(&given->bytes);
    http_reply(exchange, status, "application/json", body);
}

void top_refuse(struct http_exchange *exchange, const char *sentence)
{
    struct json_out out = { 0 };

    json_out_begin(&out, NULL, '{');
    json_out_text(&out, "status", "error");
    json_out_text(&out, "error", sentence);
    json_out_end(&out, '}');
    bytes_add(&out.bytes, "\n", 1);
    reply(exchange, 400, &out);
}

static void write_key(struct json_out *out, const struct tag_key *key)
{
    json_out_begin(out, NULL, '{');
    json_out_text(out, "what", key->key);
    json_out_number(out, "distinct", key->values);
    json_out_bool(out, "grows", key->grows);
    json_out_null(out, "values");
    json_out_null(out, "lines");
    json_out_null(out, "bytes");
    json_out_null(out, "series");
    json_out_end(out, '}');
}

void top_on_tags(struct http_exchange *exchange, const struct top_request *request,
                 const struct server_view *view)
{
    const struct tag_survey *survey = view->tag_survey;
    struct json_out out = { 0 };

    json_out_begin(&out, NULL, '{');
    json_out_text(&out, "by", "tag");
    json_out_signed(&out, "interval_s", view->settings->heeler_interval);
    json_out_bool(&out, "walked", survey != NULL && survey->whole);
    json_out_begin(&out, "rows", '[');
    for (size_t i = 0; survey != NULL && i < survey->n && i < request->limit; i++)
        write_key(&out, &survey->at[i]);
    json_out_end(&out, ']');
    json_out_end(&out, '}');
    bytes_add(&out.bytes, "\n", 1);
    reply(exchange, 200, &out);
}
