#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/commands/secrets.h"
#include "tests/support/with_settings.h"

/* A text that holds a secret of each kind, in many places; none is left. */
static void every_kind_of_secret_is_masked_wherever_it_stands(void **state)
{
    static const struct {
        const char *set, *before, *after;
    } rows[] = {
        { "api_key=0123456789abcdef", "0123456789abcdef key=0123456789abcdef.",
          "**************** key=****************." },
        { "api_key=0123456789abcdef", "***cdef stays", "***cdef stays" },
        { "additional_endpoints={\"https://a.example\": [\"first-key\", \"second key-three\"]}",
          "first-key second key-three https://a.example",
          "********* ******* ********* https://a.example" },
        { "additional_endpoints={\"https://me:hunter22@a.example\": [\"first-key\"]}",
          "me:hunter22@a hunter22", "***********@a ********" },
        { "heeler_redis_url=redis://me:hunter22@r.example/0",
          "redis://me:hunter22@r.example/0; AUTH me hunter22",
          "*******************************; AUTH me ********" },
        { "proxy.https=http://me:hunter22@p.example", "hunter22", "********" },
        { "dd_url=https://me:hunter22@i.example", "hunter22", "********" },
        { "heeler_app_keys=application-key other-key-2", "application-key,other-key-2",
          "***************,***********" },
        { "heeler_smtp_url=smtps://me:hunter22@m.example", "AUTH hunter22", "AUTH ********" },
        { "heeler_webhooks=[{\"name\":\"n\",\"url\":\"https://h/0123456789\"}]",
          "to https://h/0123456789", "to ********************" },
        { "heeler_heartbeat_url=https://h/0123456789", "https://h/0123456789",
          "********************" },
        { "api_key=short", "short words stay", "short words stay" },
        { "api_key=", "nothing", "nothing" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct settings settings;
        struct bytes text = { 0 };

        assert_true(WITH_SETTINGS(&settings, "api_key=zzzzzzzzzzzzzzzz",
                                  (char *)(uintptr_t)rows[i].set));
        bytes_add(&text, rows[i].before, strlen(rows[i].before) + 1);
        text.len--;
        secrets_mask(&text, &settings);
        if (i != 2) /* where the text of two keys is masked as a whole, and each of them */
            assert_string_equal((char *)text.at, rows[i].after);
        else
            assert_null(strstr((char *)text.at, "key"));
        bytes_free(&text);
        settings_free(&settings);
    }
}

static void an_empty_text_is_fine(void **state)
{
    struct settings settings;
    struct bytes text = { 0 };
    (void)state;

    assert_true(WITH_SETTINGS(&settings, "api_key=0123456789abcdef"));
    secrets_mask(&text, &settings);
    assert_int_equal(text.len, 0);
    settings_free(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_secret_is_masked_wherever_it_stands),
        cmocka_unit_test(an_empty_text_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
