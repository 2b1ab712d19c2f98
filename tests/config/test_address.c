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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_addresses),
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(refuses_hosts_longer_than_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
