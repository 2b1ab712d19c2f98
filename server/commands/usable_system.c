/* Asks the system whether it will do what the settings say. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/address.h"
#include "config/options.h"
#include "config/regular_file.h"
#include "flush/delivery/spool.h"
#include "flush/redis/redis_tls.h"
#include "server/commands/usable.h"
#include "server/receive/forward.h"
#include "server/receive/memory.h"
#include "server/receive/socket_file.h"

enum { SENTENCE_MAX = 512 };

/* The names of addresses are looked up, as the start does. */
static void check_addresses(const struct settings *settings, struct problems *problems)
{
    struct udp_targets targets = { .n = 0 };
    char problem[SENTENCE_MAX];

    if (!settings->use_dogstatsd)
        return;
    if (!udp_targets_find(&targets, settings, problem, sizeof problem) ||
        (settings->statsd_forward_host[0] != '\0' && settings->statsd_forward_port != 0 &&
         !forward_is_fit(settings->statsd_forward_host, (int)settings->statsd_forward_port,
                         &targets, problem, sizeof problem)))
        problems_error(problems, "%s", problem);
}

/* NULL, or why no folder can be there. */
static const char *fault_of_folder(const char *path)
{
    const char *why;

    return spool_check(path, &why) ? NULL : why;
}

/* The path without the name of the file. Without a slash: the current folder. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash > path ? (size_t)(slash - path) : 1);
}

static void check_socket_folder(const char *path, const struct socket_access *access,
                                struct problems *problems)
{
    if (!socket_folder_is_open(path))
        return;
    if (socket_access_changes_owner(access))
        problems_error(problems, SOCKET_FOLDER_REFUSED, path);
    else
        problems_warn(problems, SOCKET_FOLDER_OPEN, path);
}

/* Checks the path of a socket, where another process may listen. */
static void check_socket_path(enum setting setting, const struct settings *settings,
                              const char *path, struct problems *problems)
{
    struct stat found;
    char *folder = path[0] != '\0' ? folder_of(path) : NULL;
    const char *why = folder != NULL ? fault_of_folder(folder) : NULL;
    bool is_default = strcmp(settings->origin[setting], "default") == 0;

    if (why == NULL && path[0] != '\0' && lstat(path, &found) == 0 && !S_ISSOCK(found.st_mode))
        why = "it exists and is no socket";
    free(folder);
    if (why == NULL)
        return;
    if (is_default)
        problems_warn(problems,
                      "%s: %s: %s. It is the default path, so the start goes on without "
                      "it; --set %s= turns it off.",
                      options[setting].key, path, why, options[setting].key);
    else
        problems_error(problems, "%s: %s %s: %s.", settings->origin[setting],
                       options[setting].key, path, why);
}

/* Others on the way see what is asked and answered, and the keys. */
static void check_http(const struct settings *settings, struct problems *problems)
{
    const struct string_list *addresses = &settings->heeler_http_listen;
    bool keys = settings->heeler_app_keys.n > 0;

    for (size_t i = 0; i < addresses->n; i++) {
        const char *path = address_path(addresses->at[i]);

        if (path != NULL)
            check_socket_path(SETTING_heeler_http_listen, settings, path, problems);
        else if (!address_is_local(addresses->at[i]))
            problems_warn(
                problems,
                "%s: heeler_http_listen %s is reached by other machines, and its HTTP is "
                "not encrypted: %s.",
                settings->origin[SETTING_heeler_http_listen], addresses->at[i],
                keys ? "whoever sees it on its way sees the keys of heeler_app_keys"
                     : "without heeler_app_keys only health and metrics are answered "
                       "there");
    }
}

static void check_log_file(const struct settings *settings, struct problems *problems)
{
    const char *path = settings->log_file;

    if (path[0] == '\0' || settings->disable_file_logging || access(path, W_OK) == 0)
        return;
    char *folder = errno == ENOENT ? folder_of(path) : NULL;
    const char *why = strerror(errno);
    struct stat found;

    if (folder != NULL && stat(folder, &found) == 0 && access(folder, W_OK | X_OK) == 0)
        why = NULL;
    free(folder);
    if (why != NULL)
        problems_error(problems, "%s: log_file %s cannot be written: %s.",
                       settings->origin[SETTING_log_file], path, why);
}

static void check_authorities(const struct settings *settings, struct problems *problems)
{
    char problem[SENTENCE_MAX];

    const char *why;

    if (settings->heeler_ca_file[0] == '\0')
        return;
    FILE *file = regular_file_open(settings->heeler_ca_file,
                                   &why); /* refuses a pipe, which would block */

    if (file == NULL) {
        problems_error(problems, "%s: heeler_ca_file %s cannot be read: %s.",
                       settings->origin[SETTING_heeler_ca_file], settings->heeler_ca_file, why);
        return;
    }
    fclose(file);
    struct redis_tls *tls =
        redis_tls_new(settings->heeler_ca_file, false, problem, sizeof problem);

    if (tls == NULL)
        problems_error(problems, "%s: heeler_ca_file: %s",
                       settings->origin[SETTING_heeler_ca_file], problem);
    redis_tls_free(tls);
}

/* If the rollups may take all of the memory, samples of all contexts are shed. */
static void check_memory(const struct settings *settings, struct problems *problems)
{
    char problem[CGROUP_PATH_MAX + SENTENCE_MAX];

    if (!memory_is_fit(settings, problem, sizeof problem))
        problems_warn(problems, "%s", problem);
}

static void check_sockets(const struct settings *settings, struct problems *problems)
{
    char ignored[SENTENCE_MAX];
    struct socket_access access;

    if (!settings->use_dogstatsd)
        return;
    check_socket_path(SETTING_dogstatsd_socket, settings, settings->dogstatsd_socket, problems);
    check_socket_path(SETTING_dogstatsd_stream_socket, settings,
                      settings->dogstatsd_stream_socket, problems);
    if (!socket_access_read(&access, settings->heeler_socket_mode,
                            settings->heeler_socket_owner, settings->heeler_socket_group,
                            ignored, sizeof ignored))
        return;
    check_socket_folder(settings->dogstatsd_socket, &access, problems);
    check_socket_folder(settings->dogstatsd_stream_socket, &access, problems);
}

/* Without these folders the server works, but has less to fall back on: so only a warning. */
static void check_stores(const struct settings *settings, struct problems *problems)
{
    const char *why = settings->forwarder_storage_max_size_in_bytes > 0
                          ? fault_of_folder(settings->forwarder_storage_path)
                          : NULL;

    if (settings_is_local(settings))
        return;
    if (why != NULL)
        problems_warn(problems,
                      "forwarder_storage_path: the spool %s cannot be made: %s; payloads would "
                      "stay in memory",
                      settings->forwarder_storage_path, why);
    why = settings->heeler_dead_letter_path[0] != '\0'
              ? fault_of_folder(settings->heeler_dead_letter_path)
              : NULL;
    if (why != NULL)
        problems_warn(
            problems,
            "heeler_dead_letter_path: %s cannot be made: %s; payloads that the intake "
            "calls bad would only be counted",
            settings->heeler_dead_letter_path, why);
}

void usable_check_system(const struct settings *settings, struct problems *problems)
{
    check_addresses(settings, problems);
    check_sockets(settings, problems);
    check_http(settings, problems);
    check_log_file(settings, problems);
    check_authorities(settings, problems);
    check_stores(settings, problems);
    check_memory(settings, problems);
}
