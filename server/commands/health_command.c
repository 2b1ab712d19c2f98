/* heeler health: whether a server is alive, as an exit status. What starts containers asks so,
 * where there is neither a shell nor curl. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "config/shown.h"
#include "server/commands/commands.h"
#include "server/commands/fetch.h"

/* Health is answered at once, and who asks gives up soon: after 30 s for a HEALTHCHECK of an
 * image, after 1 s for a probe of Kubernetes, if nothing else is said. */
enum { TIMEOUT_S = 5, ANSWER_MAX = 1 << 16, WHERE_MAX = 32 };

static int complain(const char *where, const char *why)
{
    return command_complain("health", where, why, EXIT_SYSTEM);
}

static bool read_words(const struct command_line *line, const char **at)
{
    for (int i = 0; i < line->n_rest; i++) {
        if (strcmp(line->rest[i], "--at") != 0 || i + 1 == line->n_rest) {
            command_line_refuse(line, line->rest[i]);
            return false;
        }
        *at = line->rest[++i];
    }
    return true;
}

/* "no turn of aggregator, forwarder": the names of what is unhealthy. */
static void name_unhealthy(json_t *unhealthy, char *out, size_t size)
{
    json_t *name;
    size_t i;

    snprintf(out, size, "no turn of");
    json_array_foreach(unhealthy, i, name)
    {
        size_t used = strlen(out);

        snprintf(out + used, size - used, "%s %s", i > 0 ? "," : "",
                 json_is_string(name) ? json_string_value(name) : "?");
    }
}

/* Anybody may answer at that address; only the lists of a server say that it lives. */
static int judge(const char *where, long http_status, const struct bytes *body)
{
    json_t *health = json_loadb((const char *)body->at, body->len, 0, NULL);
    json_t *unhealthy = json_object_get(health, "Unhealthy");
    char why[512] = "this is no heeler's answer";
    bool known = json_is_array(unhealthy) && json_is_array(json_object_get(health, "Healthy"));
    bool alive = known && http_status == 200 && json_array_size(unhealthy) == 0;

    if (known && !alive)
        name_unhealthy(unhealthy, why, sizeof why);
    json_decref(health);
    if (!alive)
        return complain(where, why);
    fputs("heeler health: ", stdout);
    shown_put_text(stdout, where);
    fputs(": alive\n", stdout);
    return EXIT_OK;
}

/* Where heeler_http_listen is empty, health_port may answer all the same. */
static const char *find_at(const char *at, const struct settings *settings, char out[WHERE_MAX])
{
    if (at != NULL || settings->heeler_http_listen.n > 0 || settings->health_port == 0)
        return at;
    snprintf(out, WHERE_MAX, "127.0.0.1:%lld", (long long)settings->health_port);
    return out;
}

static int ask(const char *at, const struct settings *settings)
{
    char where[FETCH_WHERE_MAX], problem[512], port[WHERE_MAX];
    struct bytes body = { 0 };
    long status = fetch_all(find_at(at, settings, port), settings, "/live", TIMEOUT_S,
                            ANSWER_MAX, &body, where, problem, sizeof problem);
    int result = status != 0 ? judge(where, status, &body) : complain(where, problem);

    bytes_free(&body);
    return result;
}

static int answer(struct command_line *line)
{
    struct settings settings = { 0 };
    const char *at = NULL;
    int status = EXIT_SETTINGS;

    if (read_words(line, &at) && command_settings(&settings, line))
        status = ask(at, &settings);
    settings_free(&settings);
    return status;
}

int command_health(int n, char **words)
{
    return command_with_line("health", n, words, true, answer);
}
