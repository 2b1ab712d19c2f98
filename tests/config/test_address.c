#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/address.h"

static void splits_addresses(void **state)
{
    static const struct {
        const char *text, *host;
        int port;
    } cases[] = {
        { "127.0.0.1:8127", "127.0.0.1", 8127 },
        { "localhost:0", "localhost", 0 }, /* the kernel chooses */
        { "a-b_c.example.com:65535", "a-b_c.example.com", 65535 },
        { "[::1]:8125", "::1", 8125 },
        { "[::]:00001", "::", 1 },
        { "[fe80::1%eth0]:9", "fe80::1%eth0", 9 },
        { "[::ffff:10.0.0.1]:9", "::ffff:10.0.0.1", 9 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char host[ADDRESS_HOST_MAX] = "";
        int port = -1;

        if (!address_split(cases[i].text, host, sizeof host, &port))
            fail_msg("\"%s\" is refused", cases[i].text);
        assert_string_equal(host, cases[i].host);
        assert_int_equal(port, cases[i].port);
    }
}

static void refuses_what_is_no_address(void **state)
{
    static const char *const cases[] = {
        "",
        ":",
        "8125",           /* no host */
        ":8125",          /* an empty one */
        "host",           /* no port */
        "host:",          /* an empty one */
        "host:65536",     /* too high */
        "host:999999999", /* too long */
        "host:-1",        /* signs */
        "host:+1",        /* signs */
        "host:1 ",        /* blanks */
        " host:1",        /* blanks */
        "host:0x10",      /* not decimal */
        "::1:8125",       /* v6 needs brackets */
        "[::1]",          /* no port */
        "[::1]8125",      /* no colon */
        "[]:1",           /* empty brackets */
        "[:1",            /* half a bracket */
        "[localhost]:1",  /* no v6 address */
        "[::1%]:1",       /* an empty zone */
        "ho/st:1",        /* a path */
        "http://host:1",  /* a URL */
        "host\n:1",       /* a control byte */
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char host[ADDRESS_HOST_MAX] = "as it was";
        int port = -7;

        if (address_split(cases[i], host, sizeof host, &port))
            fail_msg("\"%s\" is accepted", cases[i]);
        assert_string_equal(host, "as it was");
        assert_int_equal(port, -7);
    }
}

static void refuses_hosts_longer_than_the_room(void **state)
{
    char text[600], host[600];
    int port;
    (void)state;

    assert_true(address_split("abc:1", host, 4, &port));
    assert_false(address_split("abcd:1", host, 4, &port));
    memset(text, 'a', sizeof text);
    strcpy(text + ADDRESS_HOST_MAX - 1, ":1");
    assert_true(address_split(text, host, sizeof host, &port));
    memset(text, 'a', sizeof text);
    strcpy(text + ADDRESS_HOST_MAX, ":1");
    assert_false(address_split(text, host, sizeof host, &port));
}

static void paths_are_told_from_addresses(void **state)
{
    static const struct {
        const char *text, *path;
    } cases[] = {
        { "unix:/run/x", "/run/x" },
        { "unix:///run/x", "/run/x" },
        { "unix:x", NULL },
        { "unix:/", NULL },
        { "unix://run/x", "//run/x" },
        { "unix:", NULL },
        { "unix:8127", NULL },
        { "/run/x", NULL },
        { "host:1", NULL },
    };
    char text[200] = "unix:/";
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = address_path(cases[i].text);

        if ((path == NULL) != (cases[i].path == NULL) ||
            (path != NULL && strcmp(path, cases[i].path) != 0))
            fail_msg("%s", cases[i].text);
    }
    memset(text + 6, 'a', ADDRESS_PATH_MAX - 1);
    assert_non_null(address_path(text));
    text[6 + ADDRESS_PATH_MAX - 1] = 'a';
    assert_null(address_path(text));
}

static void what_only_this_machine_reaches_is_local(void **state)
{
    static const struct {
        const char *text;
        bool local;
    } cases[] = {
        { "127.0.0.1:1", true },
        { "127.255.0.9:1", true },
        { "localhost:1", true },
        { "LOCALHOST:1", true },
        { "[::1]:1", true },
        { "[::ffff:127.0.0.1]:1", true },
        { "unix:/run/x", true },
        { "0.0.0.0:1", false },
        { "[::]:1", false },
        { "128.0.0.1:1", false },
        { "[::ffff:10.0.0.1]:1", false },
        { "localhost.example:1", false },
        { "box:1", false },
        { "no address", false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (address_is_local(cases[i].text) != cases[i].local)
            fail_msg("%s", cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_told_from_addresses),
        cmocka_unit_test(what_only_this_machine_reaches_is_local),
        cmocka_unit_test(splits_addresses),
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(refuses_hosts_longer_than_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
