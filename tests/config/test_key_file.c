#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/key_file.h"
#include "config/load.h"
#include "tests/support/temp_file.h"

static struct settings settings;
static struct problems problems;
static char path[TEMP_PATH_SIZE];

static int forget(void **state)
{
    (void)state;
    settings_free(&settings);
    problems_free(&problems);
    problems = (struct problems){ 0 };
    return 0;
}

/* With a file of these bytes and mode, and one more setting; NULL: no more. */
static bool load(const char *bytes, size_t len, mode_t mode, const char *more)
{
    char set[TEMP_PATH_SIZE + 32];
    char *sets[] = { set, (char *)(uintptr_t)more };
    struct settings_source source = { .sets = sets, .n_sets = more != NULL ? 2 : 1 };

    forget(NULL);
    temp_file_write(path, bytes, len);
    assert_int_equal(chmod(path, mode), 0);
    snprintf(set, sizeof set, "heeler_api_key_file=%s", path);
    bool loaded = settings_load(&settings, &source, &problems);
    unlink(path);
    return loaded;
}

static bool load_text(const char *text, const char *more)
{
    return load(text, strlen(text), 0640, more);
}

static void the_key_is_what_stands_between_the_blanks(void **state)
{
    static const struct {
        const char *bytes;
        const char *key;
    } cases[] = {
        { "abc", "abc" },
        { "abc\n", "abc" },   /* as echo writes it */
        { "abc\r\n", "abc" }, /* as an editor of others does */
        { " \t\nabc \n\n", "abc" },
        { "a c\n", "a c" }, /* whether it can be sent is not asked here */
        { "", "" },         /* no key, as the package installs it */
        { "\n", "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(load_text(cases[i].bytes, NULL));
        assert_string_equal(settings.api_key, cases[i].key);
        assert_int_equal(problems.warnings.n, 0);
    }
}

static void the_origin_of_the_key_is_the_file(void **state)
{
    (void)state;

    assert_true(load_text("abc\n", "dd_url=http://127.0.0.1:1"));
    assert_string_equal(settings.origin[SETTING_api_key], path);
    assert_false(settings_is_local(&settings));
}

static void another_key_goes_before_it_and_the_doubt_is_told(void **state)
{
    static const struct {
        const char *bytes;
        size_t warnings;
    } cases[] = {
        { "secret-of-the-file\n", 1 },
        { "abc\n", 0 }, /* the same one */
        { "", 0 },      /* nobody has written to it */
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(load_text(cases[i].bytes, "api_key=abc"));
        assert_string_equal(settings.api_key, "abc");
        assert_int_equal(problems.warnings.n, cases[i].warnings);
        if (problems.warnings.n > 0) {
            assert_non_null(strstr(problems.warnings.at[0], "--set: api_key is set"));
            assert_null(strstr(problems.warnings.at[0], "secret"));
        }
    }
}

static void a_file_that_others_may_read_or_change_is_refused(void **state)
{
    static const struct {
        mode_t mode;
        bool fine;
    } cases[] = {
        { 0600, true },  { 0640, true },  { 0660, true },  { 0400, true },  { 0641, true },
        { 0644, false }, { 0642, false }, { 0604, false }, { 0666, false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool loaded = load("secret\n", 7, cases[i].mode, "dd_url=http://127.0.0.1:1");
        assert_int_equal(loaded, cases[i].fine);
        if (cases[i].fine)
            continue;
        assert_string_equal(settings.api_key, "");
        assert_int_equal(problems.errors.n, 1);
        assert_non_null(strstr(problems.errors.at[0], "--set: heeler_api_key_file /tmp/"));
        assert_non_null(strstr(problems.errors.at[0], "(chmod o= /tmp/"));
        assert_null(strstr(problems.errors.at[0], "secret"));
    }
}

static void what_is_no_key_is_refused(void **state)
{
    static char large[KEY_FILE_MAX + 1];
    (void)state;

    memset(large, 'k', sizeof large);
    assert_true(load(large, KEY_FILE_MAX, 0600, NULL));
    assert_int_equal(strlen(settings.api_key), KEY_FILE_MAX);
    assert_false(load(large, sizeof large, 0600, NULL));
    assert_non_null(strstr(problems.errors.at[0], "more than 4096 bytes"));
    assert_false(load("ab\0cd", 5, 0600, NULL));
    assert_non_null(strstr(problems.errors.at[0], "NUL byte"));
}

static void the_url_of_the_mail_server_may_stand_in_a_file_too(void **state)
{
    char set[TEMP_PATH_SIZE + 32];
    char *sets[] = { set };
    struct settings_source source = { .sets = sets, .n_sets = 1 };
    (void)state;

    forget(NULL);
    temp_file_write(path, "smtps://u:p@h\n", 14);
    snprintf(set, sizeof set, "heeler_smtp_url_file=%s", path);
    assert_int_equal(chmod(path, 0640), 0);
    bool loaded = settings_load(&settings, &source, &problems);
    unlink(path);
    assert_true(loaded);
    assert_string_equal(settings.heeler_smtp_url, "smtps://u:p@h");
    assert_string_equal(settings.origin[SETTING_heeler_smtp_url], path);
}

static void a_file_that_is_none_is_refused(void **state)
{
    char *missing[] = { "heeler_api_key_file=/nonexistent/key" };
    char *folder[] = { "heeler_api_key_file=/tmp" };
    struct settings_source source = { .sets = missing, .n_sets = 1 };
    (void)state;

    assert_false(settings_load(&settings, &source, &problems));
    assert_string_equal(problems.errors.at[0],
                        "--set: heeler_api_key_file /nonexistent/key cannot be read: "
                        "No such file or directory.");
    forget(NULL);
    source.sets = folder;
    assert_false(settings_load(&settings, &source, &problems));
    assert_non_null(strstr(problems.errors.at[0], "Is a directory"));
}

/* As for heeler checks, whose user may read the settings alone; a URL without a key is no
 * mistake of his. */
static void who_needs_no_secret_needs_no_file_of_one(void **state)
{
    char *sets[] = { "heeler_api_key_file=/nonexistent/key", "dd_url=https://intake" };
    struct settings_source source = { .sets = sets, .n_sets = 2, .no_secret_files = true };
    (void)state;

    assert_true(settings_load(&settings, &source, &problems));
    assert_string_equal(settings.heeler_api_key_file, "/nonexistent/key");
    assert_string_equal(settings.api_key, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_key_is_what_stands_between_the_blanks, forget),
        cmocka_unit_test_teardown(the_origin_of_the_key_is_the_file, forget),
        cmocka_unit_test_teardown(another_key_goes_before_it_and_the_doubt_is_told, forget),
        cmocka_unit_test_teardown(a_file_that_others_may_read_or_change_is_refused, forget),
        cmocka_unit_test_teardown(what_is_no_key_is_refused, forget),
        cmocka_unit_test_teardown(the_url_of_the_mail_server_may_stand_in_a_file_too, forget),
        cmocka_unit_test_teardown(a_file_that_is_none_is_refused, forget),
        cmocka_unit_test_teardown(who_needs_no_secret_needs_no_file_of_one, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
