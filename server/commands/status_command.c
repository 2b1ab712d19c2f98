/* heeler status: asks a running server for its whole state, and shows it on one screen. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/shown.h"
#include "server/commands/commands.h"
#include "server/commands/fetch.h"
#include "server/commands/status_screen.h"

enum { TIMEOUT_S = 15, ANSWER_MAX = 16 << 20 };

static int complain(const char *what, const char *why)
{
    return command_complain("status", what, why, EXIT_SYSTEM);
}

struct asking {
    const char *at; /* NULL: what the settings say */
    bool json;
};

static bool read_words(const struct command_line *line, struct asking *out)
{
    for (int i = 0; i < line->n_rest; i++) {
        if (strcmp(line->rest[i], "--json") == 0) {
            out->json = true;
        } else if (strcmp(line->rest[i], "--at") == 0 && i + 1 < line->n_rest) {
            out->at = line->rest[++i];
        } else {
            command_line_refuse(line, line->rest[i]);
            return false;
        }
    }
    return true;
}

static int show(const struct asking *asking, const char *where, long http_status,
                const struct bytes *body)
{
    json_t *status = json_loadb((const char *)body->at, body->len, JSON_ALLOW_NUL, NULL);
    bool good = http_status == 200 && status_screen_is_status(status);

    if (!good && http_status >= 400)
        complain(where,
                 "it does not tell (see heeler_app_keys), or is no heeler of this version");
    else if (!good)
        complain(where, "this is no heeler's answer");
    else if (asking->json)
        shown_put_json(stdout, (const char *)body->at, body->len);
    else
        status_screen_print(status, stdout);
    json_decref(status);
    return good ? EXIT_OK : EXIT_SYSTEM;
}

static int ask(const struct asking *asking, const struct settings *settings)
{
    char where[FETCH_WHERE_MAX], problem[512];
    struct bytes body = { 0 };
    long status = fetch_all(asking->at, settings, "/api/v1/status", TIMEOUT_S, ANSWER_MAX,
                            &body, where, problem, sizeof problem);
    int result = status != 0 ? show(asking, where, status, &body) : complain(where, problem);

    bytes_free(&body);
    return result;
}

static int answer(struct command_line *line)
{
    struct asking asking = { .at = NULL };
    struct settings settings = { 0 };
    int status = EXIT_SETTINGS;

    if (read_words(line, &asking) && command_settings(&settings, line))
        status = ask(&asking, &settings);
    settings_free(&settings);
    return status;
}

int command_status(int n, char **words)
{
    int status = command_with_line("status", n, words, true, answer);

    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    complain("standard output", errno != 0 ? strerror(errno) : "cannot be written");
    return status != EXIT_OK ? status : EXIT_SYSTEM;
}
