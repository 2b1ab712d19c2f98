#include "server/commands/monitor_ask.h"

#include <jansson.h>
#include <stdio.h>

#include "config/shown.h"
#include "server/commands/commands.h"
#include "server/commands/fetch.h"

enum { TIMEOUT_S = 15, ANSWER_MAX = 256 << 20, SENTENCE_MAX = 768 };

int monitor_complain(const char *what, const char *why)
{
    fputs("heeler monitor: ", stderr);
    shown_put_text(stderr, what);
    fputs(": ", stderr);
    shown_put_text(stderr, why);
    fputc('\n', stderr);
    return EXIT_SYSTEM;
}

bool monitor_fetch(const struct monitor_asking *asking, const char *path, const char *post,
                   struct bytes *body)
{
    char where[FETCH_WHERE_MAX], problem[SENTENCE_MAX] = "";
    struct fetch request = { .at = asking->at,
                             .settings = asking->settings,
                             .path = path,
                             .post = post,
                             .timeout_s = TIMEOUT_S };
    long status = fetch_whole(&request, ANSWER_MAX, body, where, problem, sizeof problem);

    if (status >= 200 && status < 300)
        return true;
    json_t *answer = status != 0
                         ? json_loadb((const char *)body->at, body->len, JSON_ALLOW_NUL, NULL)
                         : NULL;
    json_t *errors = json_object_get(answer, "errors");
    const char *said = json_string_value(
        json_is_array(errors) ? json_array_get(errors, 0) : json_object_get(answer, "error"));

    if (status == 0)
        monitor_complain(where, problem);
    else if (said != NULL)
        monitor_complain(where, said);
    else
        monitor_complain(where, status == 401 || status == 403
                                    ? "it does not answer to everybody (see heeler_app_keys)"
                                    : "this is no heeler's answer");
    json_decref(answer);
    return false;
}
