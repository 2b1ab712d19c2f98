#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "flush/language/functions.h"
#include "server/http/functions.h"
#include "tests/support/running.h"

static void a_running_server_names_every_function(void **state)
{
    static struct running running;
    char *body = NULL;
    size_t names = 0, wanted = 0;
    char name[FUNCTION_NAME_MAX];
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"));
    assert_int_equal(
        running_get(&running, server_http_port(running.server), "/api/v1/functions", &body),
        200);
    json_t *json = json_loads(body, 0, NULL);
    const json_t *list = json_object_get(json, "functions");
    for (; names < json_array_size(list); names++) {
        const json_t *one = json_array_get(list, names);
        struct call call = { 0 };
        const char *said = json_string_value(json_object_get(one, "name"));
        assert_non_null(function_find(slice_of(said), &call));
        assert_string_equal(json_string_value(json_object_get(one, "sentence")),
                            call.function->sentence);
    }
    for (size_t i = 0; i < function_count; i++)
        for (size_t n = 0; function_name(&functions[i], n, name); n++)
            wanted++;
    assert_int_equal(names, wanted);
    json_decref(json);
    free(body);
    assert_true(running_stop(&running));
    running_free(&running);
}

static void a_bar_does_not_end_a_cell(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)state;

    functions_markdown(out);
    fclose(out);
    assert_non_null(strstr(text, "| `top(query, groups, 'max'\\|"));
    assert_non_null(strstr(text, "| `ewma_{3,5,7,10,20}(query)` | "));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_running_server_names_every_function),
        cmocka_unit_test(a_bar_does_not_end_a_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
