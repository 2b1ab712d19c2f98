/* server/api/api_job.h: a request of the API on the desk's thread: its name in the path, its
 * body, and answers in the form that Datadog's clients read.
 *
 * Errors are {"errors":["sentence"]}, whatever the status. */
#ifndef SERVER_API_API_JOB_H
#define SERVER_API_API_JOB_H

#include "flush/memory/json_out.h"
#include "server/api/definitions.h"
#include "server/http/desk.h"

enum {
    API_KEYS_MAX = 10000, /* members of what is defined, all objects together */
    API_NAME_MAX = 1024,
};

/* The answer; the text is given. */
void api_reply(struct desk_job *given, int status, struct json_out *given_text);
void api_reply_text(struct desk_job *given, int status, const char *json);

/* 204, and nothing else. */
void api_reply_nothing(struct desk_job *given);

void api_refuse(struct desk_job *given, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts it; a view. NULL: there is no room or no memory, and it was refused. */
const struct definition *api_put(struct desk_job *job, struct definitions *definitions,
                                 const struct definition *definition);

/* False: it is in a file of the folder that this setting names, and was refused, with what else
 * is to be said. */
MUST_CHECK bool api_may_change(struct desk_job *job, const struct definition *definition,
                               const char *setting, const char *more);

/* The body as a value with so many members at most, a view of the request. False: it was
 * refused, with the byte at fault. */
MUST_CHECK bool api_read_json(struct desk_job *job, const struct http_request *request,
                              size_t keys_max, struct slice *body);

/* The same; it is an object. */
MUST_CHECK bool api_read_body(struct desk_job *job, const struct http_request *request,
                              size_t keys_max, struct slice *body);

/* The same; no body is an empty object. */
MUST_CHECK bool api_read_body_or_none(struct desk_job *job, const struct http_request *request,
                                      size_t keys_max, struct slice *body);

/* What stands behind the last '/' of the path, decoded into room. Empty: it is too long. */
struct slice api_path_name(const struct http_request *request, char room[static API_NAME_MAX]);

/* What stands between that folder, which the path begins with, and the next '/' or its end. */
struct slice api_path_part(const struct http_request *request, const char *folder,
                           char room[static API_NAME_MAX]);

/* Whether the parameter of the query part is there and says true. */
bool api_is_true(const struct http_request *request, const char *name);

/* A whole number of the query part that is least to most; what is missing keeps its value.
 * False: it was refused. */
MUST_CHECK bool api_read_number(struct desk_job *job, const struct http_request *request,
                                const char *name, int64_t least, int64_t most, int64_t *out);

#endif
