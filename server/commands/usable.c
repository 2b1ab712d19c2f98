#include "server/commands/usable.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "flush/delivery/intake.h"
#include "flush/delivery/proxy.h"
#include "flush/history/retention.h"
#include "flush/notify/receivers.h"
#include "flush/rollups/rollup.h"
#include "flush/series/enrich.h"
#include "flush/series/point_rules.h"
#include "protocol/number.h"
#include "server/receive/socket_file.h"
#include "server/sinks.h"
#include "server/succession/instance.h"

enum { SENTENCE_MAX = 512, APP_KEY_LEAST = 16 };

static void check_names(const struct settings *settings, const char *hostname,
                        struct problems *problems)
{
    char problem[SENTENCE_MAX];
    struct enricher *enricher = enrich_new(settings, hostname, problem, sizeof problem);

    if (enricher == NULL)
        problems_error(problems, "%s", problem);
    enrich_free(enricher);
}

static void check_sinks(const struct settings *settings, struct problems *problems)
{
    char problem[SENTENCE_MAX];
    struct sinks sinks;

    if (!sinks_read(&sinks, settings, problem, sizeof problem))
        problems_error(problems, "%s", problem);
    for (size_t i = 0; i < sinks.n; i++)
        if (sinks.at[i].api_key != NULL && !intake_key_is_fit(sinks.at[i].api_key))
            problems_error(problems, "api_key or additional_endpoints: a key with a line break "
                                     "or the like cannot be sent");
    sinks_free(&sinks);
}

static void check_proxies(const struct settings *settings, struct problems *problems)
{
    if (settings->proxy_http[0] != '\0' && !proxy_is_fit(settings->proxy_http))
        problems_error(problems, "%s: proxy.http is not the URL of a proxy.",
                       settings->origin[SETTING_proxy_http]);
    if (settings->proxy_https[0] != '\0' && !proxy_is_fit(settings->proxy_https))
        problems_error(problems, "%s: proxy.https is not the URL of a proxy.",
                       settings->origin[SETTING_proxy_https]);
}

static void check_sockets(const struct settings *settings, struct problems *problems)
{
    char problem[SENTENCE_MAX];
    struct socket_access access;

    if (settings->dogstatsd_socket[0] == '\0' && settings->dogstatsd_stream_socket[0] == '\0')
        return;
    if (!socket_access_read(&access, settings->heeler_socket_mode,
                            settings->heeler_socket_owner, settings->heeler_socket_group,
                            problem, sizeof problem))
        problems_error(problems, "%s", problem);
}

static void check_rollups(const struct settings *settings, struct problems *problems)
{
    char problem[SENTENCE_MAX];

    if (settings->heeler_rollup_max_bytes > 0 &&
        !rollup_steps_are_fit(&settings->heeler_rollups, settings->heeler_interval, problem,
                              sizeof problem))
        problems_error(problems, "%s", problem);
}

/* Whether windows of that step are made. */
static bool is_made(const struct settings *settings, int64_t step_s)
{
    int64_t made_s;

    if (step_s == settings->heeler_interval)
        return true;
    for (size_t i = 0; i < settings->heeler_rollups.n; i++)
        if (number_int64(slice_of(settings->heeler_rollups.at[i]), &made_s) &&
            made_s == step_s && step_s > settings->heeler_interval)
            return true;
    return false;
}

static void warn_of_levels(const struct settings *settings, const struct retention *retention,
                           struct problems *problems)
{
    const char *from = settings->origin[SETTING_heeler_history_retention];
    int64_t step_s;

    for (size_t i = 0; i < retention->n; i++)
        if (!is_made(settings, retention->levels[i].step_s))
            problems_warn(problems,
                          "%s: heeler_history_retention: there are no windows of %lld s to "
                          "keep: heeler_rollups does not name them.",
                          from, (long long)retention->levels[i].step_s);
    if (!retention_keeps(retention, settings->heeler_interval))
        problems_warn(problems,
                      "%s: heeler_history_retention: nobody keeps single intervals on disk.",
                      from);
    for (size_t i = 0; i < settings->heeler_rollups.n; i++)
        if (number_int64(slice_of(settings->heeler_rollups.at[i]), &step_s) &&
            step_s > settings->heeler_interval && !retention_keeps(retention, step_s))
            problems_warn(problems,
                          "%s: heeler_history_retention: nobody keeps windows of %lld s on "
                          "disk, which heeler_rollups names.",
                          from, (long long)step_s);
}

static void check_history(const struct settings *settings, struct problems *problems)
{
    char problem[SENTENCE_MAX];
    struct retention retention;

    if (!retention_read(&retention, &settings->heeler_history_retention,
                        settings->heeler_interval, problem, sizeof problem))
        problems_error(problems, "%s", problem);
    else if (settings->heeler_state_path[0] != '\0')
        warn_of_levels(settings, &retention, problems);
    if (settings->heeler_state_path[0] != '\0' && settings->heeler_rollup_max_bytes == 0)
        problems_warn(
            problems,
            "%s: heeler_state_path is set and heeler_rollup_max_bytes is 0: nothing is "
            "kept on disk, neither windows nor events, dashboards and monitors.",
            settings->origin[SETTING_heeler_state_path]);
}

static void check_mirror(const struct settings *settings, struct problems *problems)
{
    char problem[SENTENCE_MAX];

    if (!instance_check(settings, problem, sizeof problem))
        problems_error(problems, "%s", problem);
}

/* What is as short as this can be guessed over HTTP. */
static void check_app_keys(const struct settings *settings, struct problems *problems)
{
    for (size_t i = 0; i < settings->heeler_app_keys.n; i++)
        if (strlen(settings->heeler_app_keys.at[i]) < APP_KEY_LEAST)
            problems_error(problems,
                           "%s: heeler_app_keys: key %zu has fewer than %d characters.",
                           settings->origin[SETTING_heeler_app_keys], i + 1, APP_KEY_LEAST);
}

/* key: of a setting, whose value is the path. Empty: beside the program that runs. */
static void check_program(const char *origin, const char *key, const char *path,
                          struct problems *problems)
{
    if (path[0] != '\0' && access(path, X_OK) != 0)
        problems_error(problems, "%s: %s: %s is no program: %s.", origin, key, path,
                       strerror(errno));
}

static void check_programs(const struct settings *settings, struct problems *problems)
{
    check_program(settings->origin[SETTING_heeler_chart_path], "heeler_chart_path",
                  settings->heeler_chart_path, problems);
    check_program(settings->origin[SETTING_heeler_calendar_path], "heeler_calendar_path",
                  settings->heeler_calendar_path, problems);
}

static void check_folder(const char *origin, const char *setting, const char *path,
                         struct problems *problems)
{
    DIR *folder = path[0] != '\0' ? opendir(path) : NULL;

    if (folder != NULL)
        closedir(folder);
    else if (path[0] != '\0')
        problems_error(problems, "%s: %s: %s: %s.", origin, setting, path, strerror(errno));
}

static void check_folders(const struct settings *settings, struct problems *problems)
{
    check_folder(settings->origin[SETTING_heeler_dashboards_path], "heeler_dashboards_path",
                 settings->heeler_dashboards_path, problems);
    check_folder(settings->origin[SETTING_heeler_monitors_path], "heeler_monitors_path",
                 settings->heeler_monitors_path, problems);
}

static void check_receivers(const struct settings *settings, struct problems *problems)
{
    char problem[SENTENCE_MAX];
    struct receivers *receivers = receivers_new(settings, problem, sizeof problem);

    if (receivers == NULL)
        problems_error(problems, "%s.", problem);
    else if (receivers->has_mail && receivers->n_mail_to == 0)
        problems_warn(
            problems,
            "%s: heeler_smtp_url is set and heeler_mail_to is empty: nobody gets mail.",
            settings->origin[SETTING_heeler_smtp_url]);
    else if (!receivers->has_mail && receivers->n_mail_to > 0)
        problems_warn(problems,
                      "%s: heeler_mail_to is set and heeler_smtp_url is not: nobody gets mail.",
                      settings->origin[SETTING_heeler_mail_to]);
    receivers_release(receivers);
}

bool usable_check(struct usable *out, const struct settings *settings,
                  struct problems *problems)
{
    size_t before = problems->errors.n;

    *out = (struct usable){ .hostname_from = "" };
    if (!hostname_find(settings, out->hostname, sizeof out->hostname, &out->hostname_from,
                       problems))
        out->hostname[0] = '\0';
    check_names(settings, out->hostname, problems);
    point_rules_check(settings, problems);
    check_sinks(settings, problems);
    check_proxies(settings, problems);
    check_sockets(settings, problems);
    check_app_keys(settings, problems);
    check_rollups(settings, problems);
    check_history(settings, problems);
    check_mirror(settings, problems);
    check_programs(settings, problems);
    check_folders(settings, problems);
    check_receivers(settings, problems);
    return problems->errors.n == before && !problems->out_of_memory;
}
