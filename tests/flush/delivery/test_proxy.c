#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "flush/delivery/proxy.h"

static void the_agents_rules_choose_the_proxy(void **state)
{
    static const struct {
        const char *url, *entry; /* of no_proxy; NULL: none */
        bool nonexact;
        const char *proxy;
        const char *why;
    } cases[] = {
        { "https://a.example.com", NULL, false, "S", "by the scheme of the target" },
        { "http://a.example.com", NULL, false, "H", "the other one" },
        { "https://a.example.com", "a.example.com", false, NULL, "the host exactly" },
        { "https://a.example.com.", "a.example.com", false, NULL, "an absolute name" },
        { "https://A.example.com", "a.EXAMPLE.com", false, NULL, "case is no matter" },
        { "https://a.example.com", "a.example.com:443", false, NULL, "the port is known" },
        { "https://a.example.com:8443", "a.example.com:443", false, "S", "another port" },
        { "https://a.example.com", "example.com", false, "S", "no suffixes when exact" },
        { "https://a.example.com", ".example.com", false, "S", "no suffixes when exact" },
        { "https://a.example.com", "*", false, "S", "no patterns when exact" },
        { "https://a.example.com", "example.com", true, NULL, "below the domain" },
        { "https://example.com", "example.com", true, NULL, "the domain itself" },
        { "https://example.com", ".example.com", true, "S", "only what is below" },
        { "https://a.example.com", ".example.com", true, NULL, "below" },
        { "https://a.example.com", "*.example.com", true, NULL, "below, another spelling" },
        { "https://badexample.com", "example.com", true, "S", "a longer label" },
        { "https://a.example.com", "", true, "S", "nothing" },
        { "https://a.example.com", "*", true, NULL, "everything" },
        { "http://10.1.2.3", "10.0.0.0/8", true, NULL, "in the block" },
        { "http://11.1.2.3", "10.0.0.0/8", true, "H", "not in the block" },
        { "http://10.1.2.3", "10.0.0.0/8", false, "H", "no blocks when exact" },
        { "http://10.1.2.131", "10.1.2.128/25", true, NULL, "in part of a byte" },
        { "http://10.1.2.3", "10.1.2.128/25", true, "H", "in the other half" },
        { "http://10.1.2.3", "10.0.0.0/99", true, "H", "no such block" },
        { "http://10.1.2.3", "10.0.0.0/", true, "H", "no such block" },
        { "http://[2001:db8::1]", "2001:db8::/32", true, NULL, "of IPv6" },
        { "http://[2001:db8::1]", "0.0.0.0/0", true, "H", "another family" },
        { "http://[2001:db8::1]:80", "2001:db8::1", false, NULL, "without brackets" },
        { "http://127.0.0.1:8080", NULL, false, NULL, "loopback" },
        { "http://localhost", NULL, false, NULL, "loopback by name" },
        { "http://[::1]", NULL, false, NULL, "loopback of IPv6" },
        { "not a url", NULL, false, NULL, "nothing to reach" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct proxy_config config = { "H", "S", &cases[i].entry, cases[i].entry != NULL,
                                       cases[i].nonexact };
        const char *proxy = proxy_choose(&config, cases[i].url);

        if ((proxy == NULL) != (cases[i].proxy == NULL) ||
            (proxy != NULL && proxy[0] != cases[i].proxy[0]))
            fail_msg("%s, no_proxy %s: %s (%s)", cases[i].url, cases[i].entry,
                     proxy != NULL ? proxy : "none", cases[i].why);
    }
}

static void without_a_proxy_there_is_none(void **state)
{
    struct proxy_config config = { .http = NULL, .https = "" };
    (void)state;

    assert_null(proxy_choose(&config, "http://a.example.com"));
    assert_null(proxy_choose(&config, "https://a.example.com"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_agents_rules_choose_the_proxy),
        cmocka_unit_test(without_a_proxy_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
