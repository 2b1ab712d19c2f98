#include "tests/support/asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* Not if that is the answer that is expected. */
static int ask_until_read(struct running *running, const char *method, const char *path,
                          const char *json, int expected, char **body)
{
    int port = server_http_port(running->server);
    int status = running_json(running, port, method, path, json, body);

    for (int i = 0; i < 60000 && status == 503 && expected != 503; i++) {
        free(*body);
        poll(NULL, 0, 1);
        status = running_json(running, port, method, path, json, body);
    }
    return status;
}

json_t *asking_json(struct running *running, const char *method, const char *path,
                    const char *json, int status)
{
    char *body;
    int got = ask_until_read(running, method, path, json, status, &body);
    json_t *answer = body[0] != '\0' ? json_loads(body, 0, NULL) : NULL;

    if (got != status || (body[0] != '\0' && answer == NULL))
        fail_msg("%s %s: %d %s", method, path, got, body);
    free(body);
    return answer;
}

void asking_error(struct running *running, const char *method, const char *path,
                  const char *json, int status, const char *sentence)
{
    json_t *answer = asking_json(running, method, path, json, status);
    const char *said = json_string_value(json_array_get(json_object_get(answer, "errors"), 0));

    assert_non_null(said);
    if (sentence[strlen(sentence) - 1] == ' ' ? strncmp(said, sentence, strlen(sentence)) != 0
                                              : strcmp(said, sentence) != 0)
        fail_msg("%s %s: %s", method, path, said);
    json_decref(answer);
}

const char *asking_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "(none)";
}

json_int_t asking_number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_integer(value) ? json_integer_value(value) : -1;
}
