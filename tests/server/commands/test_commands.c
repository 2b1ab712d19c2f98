#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/commands/commands.h"

enum { WORDS_MAX = 8 };

/* What was read, as one text: "config=F set=A set=B help rest=X", or "refused". */
static void assert_read(char *const words[WORDS_MAX], bool take_rest, const char *want)
{
    char *given[WORDS_MAX], *sets[WORDS_MAX], *rest[WORDS_MAX], got[256] = "";
    struct command_line line = { .sets = sets, .rest = rest };
    int n = 0;

    while (n < WORDS_MAX && words[n] != NULL) {
        given[n] = words[n];
        n++;
    }
    if (!command_line_read(&line, n, given, take_rest)) {
        assert_string_equal("refused", want);
        return;
    }
    if (line.config_file != NULL)
        snprintf(got, sizeof got, "config=%s ", line.config_file);
    for (size_t i = 0; i < line.n_sets; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "set=%s ", sets[i]);
    if (line.help)
        snprintf(got + strlen(got), sizeof got - strlen(got), "help ");
    for (int i = 0; i < line.n_rest; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "rest=%s ", rest[i]);
    assert_string_equal(got, want);
}

static void words_become_options(void **state)
{
    static const struct {
        char *words[WORDS_MAX];
        bool take_rest;
        const char *want;
    } cases[] = {
        { { NULL }, false, "" },
        { { "--config", "f.yaml" }, false, "config=f.yaml " },
        { { "-c", "f.yaml" }, false, "config=f.yaml " },
        { { "--config=f.yaml" }, false, "config=f.yaml " },
        { { "--config", "a", "--config", "b" }, false, "config=b " },
        { { "--set", "a=1", "--set=b=2", "--set", "a=3" }, false, "set=a=1 set=b=2 set=a=3 " },
        { { "--set", "--help" }, false, "set=--help " }, /* a value is taken as it is */
        { { "--help" }, false, "help " },
        { { "-h", "--set", "a=1" }, false, "set=a=1 help " },
        { { "--set" }, false, "refused" },
        { { "--config" }, false, "refused" },
        { { "--set", "a=1", "-c" }, false, "refused" },
        { { "stray" }, false, "refused" },
        { { "--unknown" }, false, "refused" },
        { { "" }, false, "refused" },
        { { "my:1|c", "--count", "3" }, true, "rest=my:1|c rest=--count rest=3 " },
        { { "my:1|c", "--set", "a=1", "x" }, true, "set=a=1 rest=my:1|c rest=x " },
        { { "my:1|c", "--set" }, true, "refused" },
        { { "f", "--set=a=1", "--", "x", "--help", "--set" }, /* those of another command */
          true,
          "set=a=1 rest=f rest=-- rest=x rest=--help rest=--set " },
        { { "--", "x" }, false, "refused" },
    };
    FILE *real = stderr;
    (void)state;

    stderr = fopen("/dev/null", "we");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_read(cases[i].words, cases[i].take_rest, cases[i].want);
    fclose(stderr);
    stderr = real;
}

static void settings_of_a_command_line_are_the_last_word(void **state)
{
    char *sets[] = { "env=first", "env=second" };
    struct command_line line = { .sets = sets, .n_sets = 2 };
    struct settings settings = { 0 };
    (void)state;

    assert_int_equal(setenv("DD_ENV", "from the environment", 1), 0);
    assert_true(command_settings(&settings, &line));
    assert_string_equal(settings.env, "second");
    settings_free(&settings);
    line.n_sets = 0;
    assert_true(command_settings(&settings, &line));
    assert_string_equal(settings.env, "from the environment");
    settings_free(&settings);
    unsetenv("DD_ENV");
}

static void keys_of_tls_are_not_asked_for(void **state)
{
    (void)state;

    assert_int_equal(setenv("SSLKEYLOGFILE", "/tmp/keys", 1), 0);
    command_forget_environment();
    assert_null(getenv("SSLKEYLOGFILE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_become_options),
        cmocka_unit_test(settings_of_a_command_line_are_the_last_word),
        cmocka_unit_test(keys_of_tls_are_not_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
