#include "server/api/api.h"

#include <stdlib.h>

#include "server/api/api_job.h"
#include "server/http/server_view.h"

struct api *api_new(const struct definition_keeper *keeper, struct units *units)
{
    struct api *api = calloc(1, sizeof *api);

    if (api == NULL)
        return NULL;
    if (keeper != NULL)
        api->definitions.keeper = *keeper;
    api->definitions.units = units;
    return api;
}

struct definitions *api_definitions(const struct server_view *view)
{
    definitions_refresh(&view->api->definitions);
    return &view->api->definitions;
}

void api_free(struct api *given)
{
    if (given == NULL)
        return;
    definitions_free(&given->definitions);
    free(given);
}

/* Of Datadog's API, what is not done here, and why. The first that the path begins with. */
static const struct {
    const char *path, *sentence;
} elsewhere[] = {
    { "/api/v1/screen",
      "screenboards are not made here: send a dashboard to /api/v1/dashboard" },
    { "/api/v1/dashboard/lists", "lists of dashboards are not kept here" },
    { "/api/v2/dashboard/lists", "lists of dashboards are not kept here" },
    { "/api/v1/comments", "comments are not kept here: send an event" },
    { "/api/v1/slo", "objectives (SLO) are not evaluated here" },
    { "/api/v1/synthetics", "there are no synthetic tests here" },
    { "/api/v1/host/", "hosts are not muted here" },
    { "/api/v1/logs", "logs are not kept here" },
    { "/api/v2/logs", "logs are not kept here" },
    { "/api/v1/user", "there are no users here, only heeler_app_keys" },
    { "/api/v2/user", "there are no users here, only heeler_app_keys" },
    { "/api/v1/graph/embed", "graphs are not shown in pages of others" },
};

void api_unknown(struct http_exchange *exchange, const struct http_request *request)
{
    const char *sentence = "there is no such path here: docs/datadog.md lists what is";

    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        if (slice_starts(request->path, slice_of(elsewhere[i].path))) {
            sentence = elsewhere[i].sentence;
            break;
        }
    http_refuse(exchange, 404, sentence);
}

void api_refuse_host_tags(struct desk_job *given, const struct http_request *request,
                          void *argument)
{
    (void)request, (void)argument;
    api_refuse(given, 400,
               "the tags of a host are those that all of its series have: set them where they "
               "are made, in the setting tags");
}

/* Whoever comes this far has shown what is asked for. */
void api_validate(struct desk_job *given, const struct http_request *request, void *argument)
{
    (void)request, (void)argument;
    api_reply_text(given, 200, "{\"valid\":true}\n");
}
