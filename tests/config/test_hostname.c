#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/hostname.h"
#include "config/load.h"
#include "tests/support/temp_file.h"

struct found {
    char name[HOSTNAME_SIZE];
    const char *how;
    bool fine;
    struct problems problems;
};

/* Looks with one or two settings; found->problems is owned. */
static struct found find_with(const char *first, const char *second)
{
    char *sets[] = { (char *)(uintptr_t)first, (char *)(uintptr_t)second };
    struct settings_source source = { .sets = sets, .n_sets = second != NULL ? 2 : 1 };
    struct found found = { .how = "" };
    struct settings settings;

    assert_true(settings_load(&settings, &source, &found.problems));
    found.fine =
        hostname_find(&settings, found.name, sizeof found.name, &found.how, &found.problems);
    settings_free(&settings);
    return found;
}

static void tells_good_names_from_bad_ones(void **state)
{
    static const struct {
        const char *name;
        bool good;
    } cases[] = {
        { "web-1.example.com", true },
        { "a", true },
        { "10.0.0.1", true }, /* as the Agent */
        { "A-b--c.D", true },
        { "", false },
        { "localhost", false },
        { "LocalHost.localdomain", false },
        { "ip6-localhost", false },
        { "-a", false },
        { "a-", false },
        { "a.-b", false },
        { "a-.b", false },
        { ".a", false },
        { "a.", false },
        { "a..b", false },
        { "a_b", false },
        { "a b", false },
        { "caf\xc3\xa9", false },
        { "a\n", false },
    };
    char endless[400];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if ((hostname_fault(cases[i].name) == NULL) != cases[i].good)
            fail_msg("\"%s\"", cases[i].name);
    memset(endless, 'a', sizeof endless);
    endless[255] = '\0';
    assert_null(hostname_fault(endless));
    endless[255] = 'a';
    endless[256] = '\0';
    assert_non_null(hostname_fault(endless));
}

static void the_setting_comes_first(void **state)
{
    struct found found = find_with("hostname=web-1", "hostname_file=/nonexistent");
    (void)state;

    assert_true(found.fine);
    assert_string_equal(found.name, "web-1");
    assert_string_equal(found.how, "from the setting hostname");
}

static void a_bad_setting_is_refused_with_a_sentence(void **state)
{
    struct found found = find_with("hostname=localhost", NULL);
    (void)state;

    assert_false(found.fine);
    assert_int_equal(found.problems.errors.n, 1);
    assert_string_equal(found.problems.errors.at[0],
                        "--set: hostname \"localhost\" is a name that every host has: allowed "
                        "are names such as web-1.example.com.");
    problems_free(&found.problems);
}

static void a_file_gives_its_first_line_trimmed(void **state)
{
    static const struct {
        const char *content, *name; /* NULL: refused */
    } cases[] = {
        { "web-2\n", "web-2" },  { "  web-3\t\r\nsecond\n", "web-3" },
        { "web-4", "web-4" },    { "", NULL },
        { "\nweb-5\n", NULL }, /* the first line is empty */
        { "two words\n", NULL }, { "localhost\n", NULL },
    };
    char path[TEMP_PATH_SIZE], set[TEMP_PATH_SIZE + 16];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        temp_file_write(path, cases[i].content, strlen(cases[i].content));
        strcat(strcpy(set, "hostname_file="), path);
        struct found found = find_with(set, NULL);

        unlink(path);
        assert_int_equal(found.fine, cases[i].name != NULL);
        assert_int_equal(found.problems.errors.n, cases[i].name == NULL);
        if (found.fine)
            assert_string_equal(found.name, cases[i].name);
        problems_free(&found.problems);
    }
}

static void an_unreadable_file_is_refused_with_a_sentence(void **state)
{
    struct found found = find_with("hostname_file=/nonexistent/name", NULL);
    (void)state;

    assert_false(found.fine);
    assert_string_equal(found.problems.errors.at[0],
                        "--set: hostname_file /nonexistent/name cannot be read: No such file "
                        "or directory.");
    problems_free(&found.problems);

    found = find_with("hostname_file=/", NULL);
    assert_false(found.fine);
    problems_free(&found.problems);
}

static void the_system_always_has_a_name(void **state)
{
    struct found found = find_with("hostname=", NULL);
    char name[HOSTNAME_SIZE] = "";
    (void)state;

    assert_true(found.fine);
    assert_int_equal(gethostname(name, sizeof name - 1), 0);
    assert_string_equal(found.name, name);
    assert_string_equal(found.how, "from the operating system");
    assert_int_equal(found.problems.warnings.n, hostname_fault(name) != NULL);
    problems_free(&found.problems);
}

static void the_full_name_falls_back_to_the_short_one(void **state)
{
    struct found found = find_with("hostname_fqdn=true", NULL);
    (void)state;

    assert_true(found.fine);
    assert_true(found.name[0] != '\0');
    problems_free(&found.problems);
}

/* Below a folder that stands for the root of a machine. */
static void a_name_that_nobody_chose_in_a_container_is_known(void **state)
{
    static const struct {
        const char *set, *name, *mark;
        bool of_container;
    } rows[] = {
        { "hostname=", "web-1", NULL, false },
        { "hostname=", "4f5e6d7c8b9a", NULL, true }, /* as Docker names one */
        { "hostname=", "4f5e6d7c8b9z", NULL, false },
        { "hostname=", "deadbeef", NULL, false },
        { "hostname=", "web-1", "/.dockerenv", true },
        { "hostname=web-1", "web-1", "/.dockerenv", false },
        { "hostname_file=/x", "4f5e6d7c8b9a", NULL, false },
    };
    char root[TEMP_PATH_SIZE], path[TEMP_PATH_SIZE + 32];
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *sets[] = { (char *)(uintptr_t)rows[i].set };
        struct settings_source source = { .sets = sets, .n_sets = 1 };
        struct problems problems = { 0 };
        struct settings settings;

        temp_folder_make(root);
        snprintf(path, sizeof path, "%s%s", root, rows[i].mark != NULL ? rows[i].mark : "/x");
        FILE *mark = fopen(path, "we");
        assert_non_null(mark);
        fclose(mark);
        assert_true(settings_load(&settings, &source, &problems));
        assert_int_equal(hostname_is_of_container(&settings, rows[i].name, root),
                         rows[i].of_container);
        settings_free(&settings);
        problems_free(&problems);
        temp_folder_remove(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_good_names_from_bad_ones),
        cmocka_unit_test(the_setting_comes_first),
        cmocka_unit_test(a_bad_setting_is_refused_with_a_sentence),
        cmocka_unit_test(a_file_gives_its_first_line_trimmed),
        cmocka_unit_test(an_unreadable_file_is_refused_with_a_sentence),
        cmocka_unit_test(the_system_always_has_a_name),
        cmocka_unit_test(the_full_name_falls_back_to_the_short_one),
        cmocka_unit_test(a_name_that_nobody_chose_in_a_container_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
