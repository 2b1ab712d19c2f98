/* server/api/api_table.h: the routes of the API: API_ROUTE(path, whether a name stands behind
 * it, what it is for, method, work, the most bytes that its body may have as it is sent, and
 * inflated; 0: the usual). API_DEFINED is the same of what is about definitions, and has no
 * last column.
 *
 * Included with both defined by whoever needs it. */

/* clang-format off */

API_ROUTE("/api/v1/validate",   false, HTTP_USE_SUBMITTING, HTTP_GET,    api_validate, 0, 0)
API_ROUTE("/api/v1/series",     false, HTTP_USE_SUBMITTING, HTTP_POST,   submit_series, API_SUBMIT_MAX, API_SUBMIT_INFLATED_MAX)
API_ROUTE("/api/v2/series",     false, HTTP_USE_SUBMITTING, HTTP_POST,   submit_series_v2, API_SUBMIT_MAX, API_SUBMIT_INFLATED_MAX)
API_ROUTE("/api/v1/distribution_points", false, HTTP_USE_SUBMITTING, HTTP_POST, submit_distributions, API_SUBMIT_MAX, API_SUBMIT_INFLATED_MAX)
API_ROUTE("/api/v1/check_run",  false, HTTP_USE_SUBMITTING, HTTP_POST,   submit_checks, API_DEFINITION_MAX, 0)
API_ROUTE("/api/v1/events",     false, HTTP_USE_SUBMITTING, HTTP_POST,   submit_event, API_DEFINITION_MAX, 0)

API_ROUTE("/api/v1/checks/status", false, HTTP_USE_SUBMITTING, HTTP_POST, checks_status_take, CHECKS_BODY_MAX, CHECKS_BODY_MAX)
API_ROUTE("/api/v1/checks",     false, HTTP_USE_READING, HTTP_GET,       checks_status_get, 0, 0)
API_ROUTE("/api/v1/traces",     false, HTTP_USE_READING, HTTP_GET,       traces_list, 0, 0)
API_ROUTE("/api/v1/traces/",    true,  HTTP_USE_READING, HTTP_GET,       traces_get, 0, 0)

API_DEFINED("/api/v1/metrics/",   true,  HTTP_USE_READING, HTTP_GET,    metadata_get, 0)
API_DEFINED("/api/v1/metrics/",   true,  HTTP_USE_WRITING, HTTP_PUT,    metadata_update, 0)
API_ROUTE("/api/v1/tags/hosts/", true, HTTP_USE_WRITING, HTTP_POST | HTTP_PUT | HTTP_DELETE, api_refuse_host_tags, 0, 0)

API_DEFINED("/api/v1/dash",       false, HTTP_USE_READING, HTTP_GET,    dashboards_list_timeboards, 0)
API_DEFINED("/api/v1/dash",       false, HTTP_USE_WRITING, HTTP_POST,   dashboards_create_timeboard, API_DEFINITION_MAX)
API_DEFINED("/api/v1/dash/",      true,  HTTP_USE_READING, HTTP_GET,    dashboards_get_timeboard, 0)
API_DEFINED("/api/v1/dash/",      true,  HTTP_USE_WRITING, HTTP_PUT,    dashboards_update_timeboard, API_DEFINITION_MAX)
API_DEFINED("/api/v1/dash/",      true,  HTTP_USE_WRITING, HTTP_DELETE, dashboards_delete_timeboard, 0)
API_DEFINED("/api/v1/dashboard",  false, HTTP_USE_READING, HTTP_GET,    dashboards_list, 0)
API_DEFINED("/api/v1/dashboard",  false, HTTP_USE_WRITING, HTTP_POST,   dashboards_create, API_DEFINITION_MAX)
API_DEFINED("/api/v1/dashboard",  false, HTTP_USE_WRITING, HTTP_DELETE, dashboards_delete_some, API_DEFINITION_MAX)
API_DEFINED("/api/v1/dashboard/", true,  HTTP_USE_READING, HTTP_GET,    dashboards_get, 0)
API_DEFINED("/api/v1/dashboard/", true,  HTTP_USE_WRITING, HTTP_PUT,    dashboards_update, API_DEFINITION_MAX)
API_DEFINED("/api/v1/dashboard/", true,  HTTP_USE_WRITING, HTTP_DELETE, dashboards_delete, 0)

API_DEFINED("/api/v1/monitor",             false, HTTP_USE_READING, HTTP_GET,    monitors_list, 0)
API_DEFINED("/api/v1/monitor",             false, HTTP_USE_WRITING, HTTP_POST,   monitors_create, MONITOR_BODY_MAX)
API_DEFINED("/api/v1/monitor/validate",    false, HTTP_USE_WRITING, HTTP_POST,   monitors_validate, MONITOR_BODY_MAX)
API_DEFINED("/api/v1/monitor/search",      false, HTTP_USE_READING, HTTP_GET,    monitors_search, 0)
API_DEFINED("/api/v1/monitor/groups/search", false, HTTP_USE_READING, HTTP_GET,  monitors_search_groups, 0)
API_DEFINED("/api/v1/monitor/can_delete",  false, HTTP_USE_READING, HTTP_GET,    monitors_can_delete, 0)
API_DEFINED("/api/v1/monitor/mute_all",    false, HTTP_USE_WRITING, HTTP_POST,   downtimes_mute_all, 0)
API_DEFINED("/api/v1/monitor/unmute_all",  false, HTTP_USE_WRITING, HTTP_POST,   downtimes_unmute_all, 0)
API_DEFINED("/api/v1/monitor/",            true,  HTTP_USE_READING, HTTP_GET,    monitors_get, 0)
API_DEFINED("/api/v1/monitor/",            true,  HTTP_USE_WRITING, HTTP_PUT,    monitors_update, MONITOR_BODY_MAX)
API_DEFINED("/api/v1/monitor/",            true,  HTTP_USE_WRITING, HTTP_DELETE, monitors_delete, 0)
API_DEFINED("/api/v1/monitor/*/validate",  false, HTTP_USE_WRITING, HTTP_POST,   monitors_validate_one, MONITOR_BODY_MAX)
API_DEFINED("/api/v1/monitor/*/mute",      false, HTTP_USE_WRITING, HTTP_POST,   monitors_mute, 0)
API_DEFINED("/api/v1/monitor/*/unmute",    false, HTTP_USE_WRITING, HTTP_POST,   monitors_unmute, 0)
API_DEFINED("/api/v1/monitor/*/downtimes", false, HTTP_USE_READING, HTTP_GET,    downtimes_list_of_monitor, 0)
API_DEFINED("/api/v2/monitor/*/downtime_matches", false, HTTP_USE_READING, HTTP_GET, downtimes_v2_matches, 0)
API_DEFINED("/api/v1/monitor/*/test",      false, HTTP_USE_WRITING, HTTP_POST,   notifications_test, 0)
API_DEFINED("/api/v1/notifications",       false, HTTP_USE_READING, HTTP_GET,    notifications_list, 0)

API_DEFINED("/api/v1/downtime",            false, HTTP_USE_READING, HTTP_GET,    downtimes_list, 0)
API_DEFINED("/api/v1/downtime",            false, HTTP_USE_WRITING, HTTP_POST,   downtimes_create, DOWNTIME_BODY_MAX)
API_DEFINED("/api/v1/downtime/",           true,  HTTP_USE_READING, HTTP_GET,    downtimes_get, 0)
API_DEFINED("/api/v1/downtime/",           true,  HTTP_USE_WRITING, HTTP_PUT,    downtimes_update, DOWNTIME_BODY_MAX)
API_DEFINED("/api/v1/downtime/",           true,  HTTP_USE_WRITING, HTTP_DELETE, downtimes_delete, 0)
API_DEFINED("/api/v1/downtime/cancel/by_scope", false, HTTP_USE_WRITING, HTTP_POST, downtimes_cancel_by_scope, 0)
API_DEFINED("/api/v2/downtime",            false, HTTP_USE_READING, HTTP_GET,    downtimes_v2_list, 0)
API_DEFINED("/api/v2/downtime",            false, HTTP_USE_WRITING, HTTP_POST,   downtimes_v2_create, DOWNTIME_BODY_MAX)
API_DEFINED("/api/v2/downtime/",           true,  HTTP_USE_READING, HTTP_GET,    downtimes_v2_get, 0)
API_DEFINED("/api/v2/downtime/*/occurrences", false, HTTP_USE_READING, HTTP_GET, downtimes_v2_occurrences, 0)
API_DEFINED("/api/v2/downtime/",           true,  HTTP_USE_WRITING, HTTP_PATCH,  downtimes_v2_update, DOWNTIME_BODY_MAX)
API_DEFINED("/api/v2/downtime/",           true,  HTTP_USE_WRITING, HTTP_DELETE, downtimes_v2_delete, 0)

/* clang-format on */
