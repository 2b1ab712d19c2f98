/* server/api/api.h: Datadog's API, as its clients send it: what it defines and submits, and
 * what it asks that the flusher does not answer (server/http/ask.h).
 *
 *   one row a path and method (server/api/api_table.h) ──► its work, on the desk's thread
 *
 * Facts about the clients are in the comments of the files; what a client needs and gets is in
 * docs/datadog.md. */
#ifndef SERVER_API_API_H
#define SERVER_API_API_H

#include <pthread.h>

#include "server/api/checks_report.h"
#include "server/api/defined.h"
#include "server/api/downtime_form.h"
#include "server/api/monitor_form.h"
#include "server/http/http_handler.h"

struct definition_files;
struct problems;
struct server_view;
struct settings;
struct string_list;

/* Folders of files that define something. X(id, setting, who reads it) */
#define API_FOLDERS(X)                                              \
    X(API_DASHBOARDS, heeler_dashboards_path, dashboard_files_read) \
    X(API_MONITORS, heeler_monitors_path, monitor_files_read)

#define API_FOLDER_ENUM(id, setting, read) id,
enum api_folder_id { API_FOLDERS(API_FOLDER_ENUM) API_FOLDER_COUNT };
#undef API_FOLDER_ENUM

struct api_folder {
    char *path;
    struct definition_files *files;           /* NULL: none were read yet */
    _Atomic(struct definition_files *) fresh; /* given by main, taken by the desk */
    uint64_t changes;                         /* how often they were taken */
};

/* The desk's thread has the definitions; main looks at them once, when a successor takes over,
 * so whoever uses them holds the mutex. */
struct api {
    pthread_mutex_t mutex;
    struct definitions definitions;
    struct definitions_ledger ledger; /* for any thread */
    struct api_folder folders[API_FOLDER_COUNT];
};

/* Of a view: the keeper of definitions, the units, and what the program before this one left;
 * each or NULL. settings: the paths of the folders. NULL without memory. */
struct api *api_new(const struct server_view *view, const struct settings *settings);
void api_free(struct api *given); /* NULL is fine */

/* Gauges of its definitions; NULL gives NULL. */
const struct definitions_ledger *api_ledger(const struct api *api);

/* Those of a view, for a route that is about definitions: such a one has the mutex. */
struct definitions *api_definitions(const struct server_view *view);

/* Writes the definitions as the part STATE_DEFINITIONS, if there are any and there is memory
 * for them. NULL is fine. */
void api_hand_over(struct api *api, struct state_writer *out);

/* Reads the folders anew; the desk takes what was read with its next request. What is wrong
 * with a file becomes a warning, or is logged where there are no problems to add it to. Main's
 * thread; no api is fine. */
void api_read_files(struct api *api, struct problems *problems);

/* All that there is of a kind, as new as can be. */
struct defined api_defined(const struct server_view *view, enum definition_kind kind);

/* What is wrong with the files of a folder. */
const struct string_list *api_problems(const struct server_view *view,
                                       enum api_folder_id folder);

/* How often what is defined has changed, by API or files: who follows it looks again when this
 * is another number. */
uint64_t api_changes(const struct server_view *view);

/* What a client may send; what is submitted is often compressed. */
enum {
    API_DEFINITION_MAX = 1 << 20,
    API_SUBMIT_MAX = 3200000, /* Datadog's own bound */
    API_SUBMIT_INFLATED_MAX = 16 << 20,
};

/* Refuses a path that is not there, by name if it is one of Datadog's. */
void api_unknown(struct http_exchange *exchange, const struct http_request *request);

/* The work of each route; argument: struct server_view, whose member api is whose this is. */
#define API_ROUTE(at, is_below, what, method, function, most, most_inflated) desk_work function;
#define API_DEFINED(at, is_below, what, method, function, most) \
    desk_work function, function##_route;
#include "server/api/api_table.h"
#undef API_DEFINED
#undef API_ROUTE

#endif
