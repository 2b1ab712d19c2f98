#include "server/api/api.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "config/log.h"
#include "config/problems.h"
#include "server/api/api_job.h"
#include "server/api/dashboard_files.h"
#include "server/api/monitor_files.h"
#include "server/http/server_view.h"

static void take_over(struct definitions *definitions, const struct state *inherited)
{
    struct state_reader in = inherited->parts[STATE_DEFINITIONS];

    if (in.at != NULL && !definitions_read(definitions, &in))
        log_error("api: definitions that were handed over are damaged, or there is no room for "
                  "them");
    if (!definitions->keeper.has_inherited)
        definitions_keep_all(definitions);
}

static const struct {
    const char *setting;
    struct definition_files *(*read)(const char *folder);
} folders[] = {
#define FOLDER(id, setting, read) [id] = { #setting, read },
    API_FOLDERS(FOLDER)
#undef FOLDER
};

/* False without memory. */
static bool copy_paths(struct api *api, const struct settings *settings)
{
#define COPY_PATH(id, setting, read) api->folders[id].path = strdup(settings->setting);
    API_FOLDERS(COPY_PATH)
#undef COPY_PATH
    for (int i = 0; i < API_FOLDER_COUNT; i++)
        if (api->folders[i].path == NULL)
            return false;
    return true;
}

struct api *api_new(const struct server_view *view, const struct settings *settings)
{
    struct api *api = calloc(1, sizeof *api);

    if (api == NULL || pthread_mutex_init(&api->mutex, NULL) != 0) {
        free(api);
        return NULL;
    }
    api->definitions.units = view->units;
    api->definitions.ledger = &api->ledger;
    if (view->definition_keeper != NULL)
        api->definitions.keeper = *view->definition_keeper;
    if (!copy_paths(api, settings)) {
        api_free(api);
        return NULL;
    }
    if (view->inherited != NULL)
        take_over(&api->definitions, view->inherited);
    return api;
}

const struct definitions_ledger *api_ledger(const struct api *api)
{
    return api != NULL ? &api->ledger : NULL;
}

static void read_folder(struct api_folder *folder, const char *setting,
                        struct definition_files *read, struct problems *problems)
{
    if (read == NULL)
        return;
    for (size_t i = 0; i < read->problems.n; i++)
        if (problems != NULL)
            problems_warn(problems, "%s: %s", setting, read->problems.at[i]);
        else
            log_warn("settings: %s: %s", setting, read->problems.at[i]);
    definition_files_free(atomic_exchange_explicit(&folder->fresh, read, memory_order_acq_rel));
}

void api_read_files(struct api *api, struct problems *problems)
{
    for (int i = 0; api != NULL && i < API_FOLDER_COUNT; i++)
        read_folder(&api->folders[i], folders[i].setting, folders[i].read(api->folders[i].path),
                    problems);
}

static const struct definition_files *files_of(struct api_folder *folder)
{
    static const struct definition_files none;
    struct definition_files *fresh =
        atomic_exchange_explicit(&folder->fresh, NULL, memory_order_acquire);

    if (fresh != NULL) {
        definition_files_free(folder->files);
        folder->files = fresh;
        folder->changes++;
    }
    return folder->files != NULL ? folder->files : &none;
}

struct defined api_defined(const struct server_view *view, enum definition_kind kind)
{
    enum api_folder_id folder = kind == DEFINITION_DASHBOARD ? API_DASHBOARDS : API_MONITORS;

    return (struct defined){ &files_of(&view->api->folders[folder])->definitions,
                             api_definitions(view), kind };
}

const struct string_list *api_problems(const struct server_view *view,
                                       enum api_folder_id folder)
{
    return &files_of(&view->api->folders[folder])->problems;
}

uint64_t api_changes(const struct server_view *view)
{
    uint64_t changes = view->api->definitions.changes;

    for (int i = 0; i < API_FOLDER_COUNT; i++) {
        (void)files_of(&view->api->folders[i]);
        changes += view->api->folders[i].changes;
    }
    return changes;
}

void api_free(struct api *given)
{
    if (given == NULL)
        return;
    definitions_free(&given->definitions);
    for (int i = 0; i < API_FOLDER_COUNT; i++) {
        definition_files_free(given->folders[i].files);
        definition_files_free(atomic_load(&given->folders[i].fresh));
        free(given->folders[i].path);
    }
    pthread_mutex_destroy(&given->mutex);
    free(given);
}

static bool has_definitions(const struct definitions *definitions)
{
    for (int kind = 0; kind < DEFINITION_KIND_COUNT; kind++)
        if (definitions->of[kind].n > 0)
            return true;
    return false;
}

void api_hand_over(struct api *api, struct state_writer *out)
{
    if (api == NULL)
        return;
    pthread_mutex_lock(&api->mutex);
    (void)!definitions_refresh(&api->definitions);
    if (has_definitions(&api->definitions)) {
        state_begin(out, STATE_DEFINITIONS);
        definitions_write(&api->definitions, out);
        if (!state_settle(out)) {
            log_warn("api: there is no memory to hand over dashboards, monitors and the like");
            state_cancel(out);
        }
    }
    pthread_mutex_unlock(&api->mutex);
}

/* ---- routes that are about definitions --------------------------------- */

struct definitions *api_definitions(const struct server_view *view)
{
    return &view->api->definitions;
}

/* For who asks before what was kept is read: a dashboard that is not there yet would seem to be
 * gone. */
enum { READING_PATIENCE_MS = 5000 };

static void do_with_definitions(struct desk_job *given, const struct http_request *request,
                                void *argument, desk_work *work)
{
    const struct server_view *view = argument;
    struct api *api = view->api;

    pthread_mutex_lock(&api->mutex);
    bool are_known = definitions_refresh(&api->definitions);
    if (are_known)
        work(given, request, argument);
    pthread_mutex_unlock(&api->mutex);
    if (!are_known && !desk_put_off(given, READING_PATIENCE_MS)) {
        desk_add_header(given, "Retry-After", "1");
        api_refuse(given, 503, "what is kept on disk is still being read: try again");
    }
}

#define API_ROUTE(at, is_below, what, method, function, most, most_inflated)
#define API_DEFINED(at, is_below, what, method, function, most)                       \
    void function##_route(struct desk_job *given, const struct http_request *request, \
                          void *argument)                                             \
    {                                                                                 \
        do_with_definitions(given, request, argument, function);                      \
    }
#include "server/api/api_table.h"
#undef API_DEFINED
#undef API_ROUTE

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
