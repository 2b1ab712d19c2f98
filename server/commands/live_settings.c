#include "server/commands/live_settings.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/load.h"
#include "server/commands/fetch.h"

enum { ANSWER_MAX = 4 << 20, TIMEOUT_S = 10 };

/* "KEY=VALUE" of each member, owned; the last is NULL. NULL without memory. */
static char **make_sets(json_t *settings, size_t *n)
{
    char **sets = calloc(json_object_size(settings) + 1, sizeof *sets);
    const char *key;
    json_t *value;

    *n = 0;
    if (sets == NULL)
        return NULL;
    json_object_foreach(settings, key, value)
    {
        if (!json_is_string(value) || strchr(key, '=') != NULL)
            continue;
        if (asprintf(&sets[*n], "%s=%s", key, json_string_value(value)) < 0)
            sets[*n] = NULL;
        *n += sets[*n] != NULL;
    }
    return sets;
}

static void free_sets(char **given, size_t n)
{
    while (given != NULL && n > 0)
        free(given[--n]);
    free(given);
}

/* Another version may have settings that this one does not know, or know other limits. What is
 * good of them is used, and the first of the others is told. */
static bool load(struct settings *out, json_t *settings, char *problem, size_t problem_size)
{
    struct problems problems = { .n_unlisted = 0 };
    struct settings_source source = { .no_secret_files = true };

    source.sets = make_sets(settings, &source.n_sets);
    bool loaded = source.sets != NULL && settings_load(out, &source, &problems);

    if (!loaded)
        snprintf(problem, problem_size, "not settings of this version: %s",
                 problems.errors.n > 0 ? problems.errors.at[0] : "not enough memory");
    problems_free(&problems);
    free_sets(source.sets, source.n_sets);
    return loaded;
}

bool live_settings_read(struct settings *out, char hostname[HOSTNAME_SIZE], const char *answer,
                        size_t n, char *problem, size_t problem_size)
{
    json_t *told = json_loadb(answer, n, 0, NULL);
    json_t *settings = json_object_get(told, "settings");
    const char *name = json_string_value(json_object_get(told, "hostname"));
    bool loaded = false;

    snprintf(problem, problem_size, "this is no heeler of this version");
    if (json_is_object(settings) && name != NULL && strlen(name) < HOSTNAME_SIZE) {
        memcpy(hostname, name, strlen(name) + 1);
        loaded = load(out, settings, problem, problem_size);
    }
    json_decref(told);
    return loaded;
}

bool live_settings_load(struct settings *out, char hostname[HOSTNAME_SIZE], const char *at,
                        const struct settings *own, char *problem, size_t problem_size)
{
    char where[FETCH_WHERE_MAX], why[512];
    struct bytes body = { .failed = false };
    long status = fetch_all(at, own, "/api/v1/settings?as=json", TIMEOUT_S, ANSWER_MAX, &body,
                            where, why, sizeof why);
    bool loaded = false;

    if (status == 200)
        loaded =
            live_settings_read(out, hostname, (const char *)body.at, body.len, why, sizeof why);
    else if (status != 0)
        snprintf(why, sizeof why, "it does not tell (see heeler_app_keys)");
    if (!loaded)
        snprintf(problem, problem_size, "%s: %s", where, why);
    bytes_free(&body);
    return loaded;
}
