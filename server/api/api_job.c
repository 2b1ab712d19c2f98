#include "server/api/api_job.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "flush/memory/json_view.h"
#include "protocol/number.h"

enum { SENTENCE_MAX = 1024 };

static const char json[] = "application/json";

void api_reply(struct desk_job *given, int status, struct json_out *given_text)
{
    bytes_add(&given_text->bytes, "\n", 1);
    desk_reply(given, status, json, &given_text->bytes);
}

void api_reply_text(struct desk_job *given, int status, const char *text)
{
    desk_reply_text(given, status, json, text);
}

void api_reply_nothing(struct desk_job *given)
{
    desk_reply_text(given, 204, json, "");
}

void api_refuse(struct desk_job *given, int status, const char *format, ...)
{
    struct json_out out = { .comma = false };
    char sentence[SENTENCE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    json_out_begin(&out, NULL, '{');
    json_out_begin(&out, "errors", '[');
    json_out_text(&out, NULL, sentence);
    json_out_end(&out, ']');
    json_out_end(&out, '}');
    api_reply(given, status, &out);
}

const struct definition *api_put(struct desk_job *job, struct definitions *definitions,
                                 const struct definition *definition)
{
    enum definition_kind kind = definition->kind;
    struct definition *made = NULL;

    switch (definitions_put(definitions, definition, &made)) {
    case DEFINITION_DONE:
        break;
    case DEFINITION_FULL:
        api_refuse(job, 409, "there is no room: %zu %ss and %zu MiB of them are kept",
                   definitions_most(kind), definition_word(kind),
                   definitions_most_bytes(kind) >> 20);
        return NULL;
    case DEFINITION_NO_MEMORY:
        api_refuse(job, 503, "not enough memory");
        return NULL;
    }
    return made;
}

bool api_may_change(struct desk_job *job, const struct definition *definition,
                    const char *setting, const char *more)
{
    if (definition->file.len == 0)
        return true;
    api_refuse(job, 403, "the file %.*s of %s holds this %s: change it there, and reload%s",
               (int)definition->file.len, definition->file.at, setting,
               definition_word(definition->kind), more);
    return false;
}

bool api_read_json(struct desk_job *job, const struct http_request *request, size_t keys_max,
                   struct slice *body)
{
    struct json_fault fault;

    if (json_view_check(request->body, keys_max, body, &fault))
        return true;
    api_refuse(job, 400, "the body is no valid JSON: %s, at byte %zu", fault.sentence,
               fault.at);
    return false;
}

bool api_read_body(struct desk_job *job, const struct http_request *request, size_t keys_max,
                   struct slice *body)
{
    if (!api_read_json(job, request, keys_max, body))
        return false;
    if (json_view_kind(*body) == JSON_KIND_OBJECT)
        return true;
    api_refuse(job, 400, "the body must be a JSON object");
    return false;
}

bool api_read_body_or_none(struct desk_job *job, const struct http_request *request,
                           size_t keys_max, struct slice *body)
{
    if (slice_trim(request->body, " \t\r\n").len > 0)
        return api_read_body(job, request, keys_max, body);
    *body = SLICE("{}");
    return true;
}

struct slice api_path_part(const struct http_request *request, const char *folder,
                           char room[static API_NAME_MAX])
{
    struct slice rest = slice_skip(request->path, strlen(folder));
    struct slice part = slice_cut(&rest, '/');

    return part.len <= API_NAME_MAX ? http_decode_part(part, room) : (struct slice){ room, 0 };
}

bool api_is_true(const struct http_request *request, const char *name)
{
    char room[HTTP_HEAD_MAX];
    struct slice value;

    return http_parameter(request->query, name, room, &value) &&
           slice_equal(value, SLICE("true"));
}

struct slice api_path_name(const struct http_request *request, char room[static API_NAME_MAX])
{
    size_t first = request->path.len;

    while (first > 0 && request->path.at[first - 1] != '/')
        first--;
    struct slice name = slice_skip(request->path, first);

    return name.len <= API_NAME_MAX ? http_decode_part(name, room) : (struct slice){ room, 0 };
}

bool api_read_number(struct desk_job *job, const struct http_request *request, const char *name,
                     int64_t least, int64_t most, int64_t *out)
{
    char room[HTTP_HEAD_MAX];
    struct slice text;

    if (!http_parameter(request->query, name, room, &text))
        return true;
    if (number_int64(text, out) && *out >= least && *out <= most)
        return true;
    api_refuse(job, 400, "%s: expected a whole number from %" PRId64 " to %" PRId64, name,
               least, most);
    return false;
}
