#include "tests/support/assert_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static json_t *read_expected(const char *expected)
{
    json_t *wanted = json_loads(expected, JSON_DECODE_ANY, NULL);

    if (wanted == NULL)
        fail_msg("the test expects no JSON: %s", expected);
    return wanted;
}

void assert_json(const json_t *json, const char *expected)
{
    json_t *wanted = read_expected(expected);

    if (!json_equal(json, wanted))
        fail_msg("%s", json_dumps(json, JSON_ENCODE_ANY));
    json_decref(wanted);
}

void assert_answer(json_t *given, const char *expected)
{
    assert_json(given, expected);
    json_decref(given);
}

void assert_members(const json_t *json, const char *expected)
{
    json_t *wanted = read_expected(expected), *value;
    const char *key;

    json_object_foreach(wanted, key, value)
    {
        if (!json_equal(json_object_get(json, key), value))
            fail_msg("%s of %s", key, json_dumps(json, JSON_ENCODE_ANY));
    }
    json_decref(wanted);
}
